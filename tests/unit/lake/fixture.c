#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "os/path.h"

static void keep_notice(void *context, const corrie_event *event)
{
    struct fixture *f = context;

    snprintf(f->notice, sizeof f->notice, "%s", event->text);
}

void fixture_init(struct fixture *f)
{
    *f = (struct fixture){.err = CORRIE_ERROR_INIT};
    ck_ok(os_temp_dir("corrie-test", &f->dir, &f->err), &f->err);
    ck_ok(os_path_join(str_of(f->dir), STR("lake"), &f->root, &f->err), &f->err);
    setenv("HOME", f->dir, 1);
    unsetenv("XDG_STATE_HOME");
    unsetenv("CORRIE_REF");
    unsetenv("CORRIE_LAKE");
}

void fixture_done(struct fixture *f)
{
    corrie_lake_close(f->lake);
    ck_ok(os_tree_remove(f->dir, &f->err), &f->err);
    mem_free(f->dir);
    mem_free(f->root);
    corrie_error_clear(&f->err);
}

int fixture_try_open(struct fixture *f, bool must_exist)
{
    corrie_lake_options options = {.size = sizeof options,
                                   .url = f->root,
                                   .author = "ada",
                                   .must_exist = must_exist,
                                   .event = keep_notice,
                                   .event_context = f};

    f->lake = corrie_lake_close(f->lake);
    return corrie_lake_open(&options, &f->lake, &f->err);
}

void fixture_open(struct fixture *f)
{
    ck_ok(fixture_try_open(f, false), &f->err);
}

json_t *fixture_json(char *text)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    json_t *document = NULL;

    ck_ok(js_parse(str_of(text), "document", &document, &err), &err);
    corrie_free(text);
    return document;
}

struct schema one_column(const char *name)
{
    static struct field fields[8];
    static size_t used;
    struct field *field = &fields[used++ % ARRAY_LEN(fields)];

    *field = (struct field){.name = str_of(name), .type = {.kind = TYPE_LONG}};
    return (struct schema){.fields = field, .n_fields = 1};
}

bool tortured(void)
{
    const char *value = getenv("CORRIE_TORTURE");

    return value && *value == '1';
}

void use_memory(void)
{
    if (access("/dev/shm", W_OK) == 0) {
        setenv("TMPDIR", "/dev/shm", 1);
    }
}
