#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrow/table.h"
#include "nanoarrow/nanoarrow.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/path.h"

static const corrie_log_options newest = {.size = sizeof newest, .max = 1};

static void keep_event(void *context, const corrie_event *event)
{
    struct fixture *f = context;
    json_t *item;

    if (f->at_event) {
        f->at_event(f, event);
    }
    if (f->deaf) {
        return;
    }
    item = json_object();
    ck_assert_uint_eq(event->size, sizeof *event);
    ck_assert_ptr_nonnull(event->kind);
    ck_assert_int_eq(js_set_str(item, "kind", str_of(event->kind)), 0);
    ck_assert_int_eq(js_set_str(item, "node", str_of(event->node)), 0);
    ck_assert_int_eq(js_set_str(item, "status", str_of(event->status)), 0);
    ck_assert_int_eq(js_set_str(item, "text", str_of(event->text)), 0);
    ck_assert_int_eq(js_set_int(item, "rows", event->rows), 0);
    ck_assert_int_eq(json_array_append_new(f->events, item), 0);
    if (f->cancel_at && strcmp(event->kind, f->cancel_at) == 0) {
        corrie_cancel_request(f->cancel);
    }
    if (f->spoil_jobs && strcmp(event->kind, "publish") == 0) {
        ck_ok(os_tree_remove(in_dir(f, "lake/jobs"), &f->err), &f->err);
        put_file(f, "lake/jobs", "no folder");
    }
}

static void open_lake(struct fixture *f)
{
    corrie_lake_options options = {.size = sizeof options, .author = "ada"};

    ck_ok(corrie_cancel_new(&f->cancel, &f->err), &f->err);
    options.url = in_dir(f, "lake");
    options.cancel = f->cancel;
    options.event = keep_event;
    options.event_context = f;
    ck_ok(corrie_lake_open(&options, &f->lake, &f->err), &f->err);
}

static void close_lake(struct fixture *f)
{
    corrie_lake_close(f->lake);
    corrie_cancel_free(f->cancel);
}

void fixture_reopen(struct fixture *f)
{
    close_lake(f);
    f->cancel_at = NULL;
    open_lake(f);
}

void fixture_init(struct fixture *f)
{
    js_setup();
    *f = (struct fixture){.err = CORRIE_ERROR_INIT, .events = json_array()};
    ck_ok(os_temp_dir("corrie-test", &f->dir, &f->err), &f->err);
    setenv("XDG_STATE_HOME", in_dir(f, "state"), 1);
    unsetenv("CORRIE_REF");
    unsetenv("CORRIE_LAKE");
    open_lake(f);
}

void fixture_done(struct fixture *f)
{
    close_lake(f);
    ck_ok(os_tree_remove(f->dir, &f->err), &f->err);
    mem_free(f->dir);
    json_decref(f->events);
    corrie_error_clear(&f->err);
}

const char *in_dir(struct fixture *f, const char *name)
{
    static char paths[16][600];
    static size_t used;
    char *path = paths[used++ % ARRAY_LEN(paths)];

    snprintf(path, sizeof paths[0], "%s/%s", f->dir, name);
    return path;
}

const char *put_file(struct fixture *f, const char *name, const char *text)
{
    const char *path = in_dir(f, name);
    _free_ char *parent = str_dup(os_path_parent(str_of(path)));

    ck_ok(os_dir_make(parent, 0777, &f->err), &f->err);
    ck_ok(os_file_replace(path, str_of(text), 0666, &f->err), &f->err);
    return path;
}

json_t *parse_document(char *text)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    json_t *document = NULL;

    ck_ok(js_parse(str_of(text), "document", &document, &err), &err);
    corrie_free(text);
    return document;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *fields_of(const json_t *object)
{
    static char text[1000];
    const char *names[64];
    json_t *iterated = (json_t *)(uintptr_t)object;
    size_t n = 0;

    ck_assert(json_is_object(object));
    for (void *i = json_object_iter(iterated); i; i = json_object_iter_next(iterated, i)) {
        names[n++] = json_object_iter_key(i);
    }
    qsort(names, n, sizeof *names, compare_names);
    text[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        size_t used = strlen(text);

        snprintf(text + used, sizeof text - used, "%s%s", i > 0 ? " " : "", names[i]);
    }
    return text;
}

const char *text_of(const json_t *object, const char *field)
{
    return json_string_value(json_object_get(object, field));
}

int64_t number_of(const json_t *object, const char *field)
{
    return json_integer_value(json_object_get(object, field));
}

int import_file(struct fixture *f, const char *path, const char *table,
                enum corrie_import_mode mode, json_t **ret)
{
    corrie_import_options options = {
        .size = sizeof options, .table = table, .uris = &path, .n_uris = 1, .mode = mode};
    char *text;
    int r;

    r = corrie_import(f->lake, &options, &text, &f->err);
    if (r >= 0) {
        *ret = parse_document(text);
    }
    return r;
}

int64_t query_number(struct fixture *f, const char *sql)
{
    struct ArrowArrayStream stream = {0};
    struct ArrowSchema schema;
    struct ArrowArray batch;
    struct ArrowArrayView view;
    int64_t number;

    ck_ok(corrie_query(f->lake, sql, NULL, &stream, &f->err), &f->err);
    ck_assert_int_eq(stream.get_schema(&stream, &schema), 0);
    ck_assert_int_eq(stream.get_next(&stream, &batch), 0);
    ck_assert_ptr_nonnull(batch.release);
    ck_assert_int_eq(ArrowArrayViewInitFromSchema(&view, &schema, NULL), 0);
    ck_assert_int_eq(ArrowArrayViewSetArray(&view, &batch, NULL), 0);
    number = ArrowArrayViewGetIntUnsafe(view.children[0], 0);
    ArrowArrayViewReset(&view);
    batch.release(&batch);
    schema.release(&schema);
    stream.release(&stream);
    return number;
}

const char *head_of(struct fixture *f)
{
    static char commit[100];
    _json_ json_t *log = NULL;
    char *text;

    ck_ok(corrie_log(f->lake, "main", &newest, &text, &f->err), &f->err);
    log = parse_document(text);
    snprintf(commit, sizeof commit, "%s",
             text_of(json_array_get(json_object_get(log, "commits"), 0), "commit"));
    return commit;
}

void check_sound(struct fixture *f)
{
    char *text = NULL;

    ck_ok(corrie_fsck(f->lake, NULL, &text, &f->err), &f->err);
    corrie_free(text);
}
