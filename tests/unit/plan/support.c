#include "tests/unit/plan/support.h"

#include "arrow/type.h"
#include "base/json.h"
#include "base/mem.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/path.h"

void sample_init(struct sample *sample)
{
    *sample = (struct sample){.err = CORRIE_ERROR_INIT};
    ck_ok(os_temp_dir("corrie-plan", &sample->dir, &sample->err), &sample->err);
}

void sample_done(struct sample *sample)
{
    plan_free(sample->plan);
    declarations_free(sample->declarations);
    project_close(sample->project);
    corrie_error_clear(&sample->err);
    ck_ok(os_tree_remove(sample->dir, &sample->err), &sample->err);
    mem_free(sample->dir);
}

void sample_file(struct sample *sample, const char *path, const char *text)
{
    _free_ char *file = NULL;

    ck_ok(os_path_join(str_of(sample->dir), str_of(path), &file, &sample->err), &sample->err);
    _free_ char *folder = str_dup(os_path_parent(str_of(file)));
    ck_ok(os_dir_make(folder, 0700, &sample->err), &sample->err);
    ck_ok(os_file_replace(file, str_of(text), 0600, &sample->err), &sample->err);
}

void sample_project(struct sample *sample, const char *more)
{
    _cleanup_(buf_done) struct buf text = {0};

    buf_addf(&text,
             "project:\n"
             "  id: 550e8400-e29b-41d4-a716-446655440000\n"
             "  name: sample\n"
             "%s",
             more);
    sample_file(sample, "corrie.yaml", buf_text(&text));
}

int sample_declare(struct sample *sample, struct cache *cache)
{
    struct declare_options options = {.cache = cache};

    sample->declarations = declarations_free(sample->declarations);
    sample->project = project_close(sample->project);
    int r = project_open(str_of(sample->dir), &sample->project, &sample->err);
    if (r >= 0) {
        r = declare_read(sample->project, &options, &sample->declarations, &sample->err);
    }
    return r;
}

const struct declared_function *sample_function(struct sample *sample, const char *name)
{
    for (size_t i = 0; i < sample->declarations->n_functions; i++) {
        if (str_eq(sample->declarations->functions[i].name, str_of(name))) {
            return &sample->declarations->functions[i];
        }
    }
    ck_abort_msg("no function %s was declared", name);
    return NULL;
}

char *error_text(const corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    const corrie_position *position = &err->position;

    buf_addf(&text, "%s: %s\n", corrie_code_name(err->code), corrie_error_message(err));
    if (err->hint) {
        buf_addf(&text, "hint: %s\n", err->hint);
    }
    if (position->file) {
        buf_addf(&text, "%s:%ld:%ld\n", position->file, position->line, position->column);
    }
    if (position->text && position->column > 0) {
        buf_addf(&text, "%s\n", position->text);
        buf_add_fill(&text, ' ', (size_t)position->column - 1);
        buf_add_fill(&text, '^', (size_t)(position->width > 0 ? position->width : 1));
        buf_add_char(&text, '\n');
    }
    return buf_take(&text);
}

/* ---- a lake ------------------------------------------------------------------------------------- */

static const json_t *tables_at(const struct lake_double *lake, struct str ref)
{
    if (ref.len == 0) {
        return lake->tables;
    }
    return json_object_getn(json_object_get(lake->tables, "refs"), ref.data, ref.len);
}

static int lookup(void *context, struct str ref, struct str table_namespace, struct str name,
                  struct arena *arena, struct plan_lake_table *ret, corrie_error *err)
{
    const struct lake_double *lake = context;
    const json_t *tables = tables_at(lake, ref);
    const char *column;
    json_t *type;
    size_t n = 0;

    if (!tables) {
        return corrie_fail(err, CORRIE_E_NOT_FOUND, "there is no ref %.*s", STR_FMT(ref));
    }
    const char *key = arena_printf(arena, "%.*s.%.*s", STR_FMT(table_namespace), STR_FMT(name));
    json_t *columns = json_object_get(tables, key);
    if (!columns) {
        return 0;
    }
    struct schema *schema = arena_new(arena, struct schema);
    schema->fields = arena_array(arena, struct field, json_object_size(columns) + 1);
    json_object_foreach(columns, column, type)
    {
        struct field *field = &schema->fields[n++];
        field->id = (int)n;
        field->name = str_of(arena_text(arena, str_of(column)));
        ck_ok(type_from_name(js_str(type), &field->type, err), err);
    }
    schema->n_fields = n;
    *ret = (struct plan_lake_table){
        .id = STR("00000000-0000-4000-8000-000000000000"),
        .commit = STR("c0ffee"),
        .snapshot_id = 7,
        .schema = schema,
        .rows = 1000,
        .bytes = 65536,
    };
    return 1;
}

static int exists(void *context, struct str table_namespace, struct str name, corrie_error *err)
{
    const struct lake_double *lake = context;
    _cleanup_(arena_done) struct arena arena = {0};
    const char *key = arena_printf(&arena, "%.*s.%.*s", STR_FMT(table_namespace), STR_FMT(name));

    if (!key) {
        return corrie_fail_memory(err);
    }
    return json_object_get(lake->tables, key) != NULL;
}

static int names(void *context, struct str ref, struct str table_namespace, size_t max,
                 struct arena *arena, struct str **ret_names, size_t *ret_n, corrie_error *err)
{
    const struct lake_double *lake = context;
    json_t *tables = (json_t *)tables_at(lake, ref);
    const char *key;
    json_t *value;
    size_t n = 0;

    (void)err;
    struct str *found = arena_array(arena, struct str, json_object_size(tables) + 1);
    json_object_foreach(tables, key, value)
    {
        struct str space, name;
        if (table_namespace.len == 0 && n < max) {
            found[n++] = str_of(key);
        } else if (str_cut(str_of(key), '.', &space, &name) && str_eq(space, table_namespace) &&
                   n < max) {
            found[n++] = name;
        }
    }
    *ret_names = found;
    *ret_n = n;
    return 0;
}

struct plan_catalog lake_catalog(struct lake_double *lake)
{
    return (struct plan_catalog){
        .context = lake, .lookup = lookup, .exists = exists, .names = names};
}
