/* plan.c — corrie_table_plan, corrie_table_plan_apply: a table that is looked at before it is made. */
#include <string.h>

#include "base/mem.h"
#include "ingest/ingest_priv.h"
#include "lang/import_plan.h"

/* The types of a column that files disagree on; NULL: they agree. */
static const struct ingest_conflict *conflict_of(const struct ingest_conflict *conflicts, size_t n,
                                                 struct str column)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(conflicts[i].column, column)) {
            return &conflicts[i];
        }
    }
    return NULL;
}

static int type_text(struct import *import, const struct type *type, struct str *ret,
                     corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};

    type_print_sql(type, &text);
    if (buf_check(&text, err) < 0 || arena_str(&import->arena, buf_str(&text), ret) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

/* What a person wrote: a type of DuckDB's, or one as `table get` shows it. */
static int parse_type(const struct import_plan_column *column, const char *file, struct str plan,
                      struct arena *arena, struct type *ret, corrie_error *err)
{
    _error_ corrie_error other = CORRIE_ERROR_INIT;
    int r;

    if (type_from_name(column->type, ret, &other) >= 0) {
        return 0;
    }
    r = type_from_sql(column->type, column->name, arena, ret, err);
    if (r == CORRIE_E_UNSUPPORTED) {
        err->code = CORRIE_E_PROJECT;
    }
    return r < 0 ? corrie_error_at_offset(err, file, plan, column->offset, column->length) : 0;
}

static int plan_columns(struct import *import, const struct ingest_conflict *conflicts, size_t n,
                        struct import_plan *plan, corrie_error *err)
{
    struct import_plan_column *columns =
        arena_array(&import->arena, struct import_plan_column, import->schema.n_fields);

    if (!columns) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < import->schema.n_fields; i++) {
        const struct field *field = &import->schema.fields[i];
        const struct ingest_conflict *conflict = conflict_of(conflicts, n, field->name);
        struct import_plan_choice *choices;

        columns[i].name = field->name;
        if (!conflict) {
            int r = type_text(import, &field->type, &columns[i].type, err);

            if (r < 0) {
                return r;
            }
            continue;
        }
        choices = arena_array(&import->arena, struct import_plan_choice, conflict->n_choices);
        if (!choices) {
            return corrie_fail_memory(err);
        }
        for (size_t k = 0; k < conflict->n_choices; k++) {
            int r = type_text(import, &conflict->choices[k].type, &choices[k].type, err);

            if (r < 0) {
                return r;
            }
            choices[k].file = conflict->choices[k].file;
        }
        columns[i].choices = choices;
        columns[i].n_choices = conflict->n_choices;
    }
    plan->columns = columns;
    plan->n_columns = import->schema.n_fields;
    return 0;
}

static int make_plan(struct import *import, struct import_plan *plan, size_t *ret_conflicts,
                     corrie_error *err)
{
    const corrie_import_options *options = import->options;
    struct ingest_conflict *conflicts;
    struct lake_write write = {0};
    struct str *from;
    int r = import_name(import, err);

    if (r < 0 || (r = import_partitioning(import, &write, err)) < 0 ||
        (r = import_look(import, err)) < 0) {
        return r;
    }
    r = ingest_conflicts(import->files, import->n_files, &import->keys, &import->arena,
                         &import->schema, &conflicts, ret_conflicts, err);
    if (r < 0 || (r = plan_columns(import, conflicts, *ret_conflicts, plan, err)) < 0) {
        return r;
    }
    from = arena_array(&import->arena, struct str, options->n_uris);
    plan->table = str_of(arena_printf(&import->arena, "%.*s.%.*s", STR_FMT(import->ns),
                                      STR_FMT(import->table.table)));
    if (!from || plan->table.len == 0) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < options->n_uris; i++) {
        from[i] = str_of(options->uris[i]);
    }
    plan->from = from;
    plan->n_from = options->n_uris;
    plan->branch = str_of(options->branch);
    plan->partitioned_by = str_of(options->partitioned_by);
    return 0;
}

int corrie_table_plan(corrie_lake *lake, const corrie_import_options *options, char **ret_json,
                      corrie_error *err)
{
    corrie_import_options given = {.size = sizeof given};
    _cleanup_(import_done) struct import import = {.lake = lake, .options = &given};
    _cleanup_(buf_done) struct buf text = {0};
    _json_ json_t *document = NULL;
    struct import_plan plan = {0};
    size_t conflicts = 0;
    int r;

    memcpy(&given, options, options->size < sizeof given ? options->size : sizeof given);
    if (!given.table) {
        return corrie_fail(err, CORRIE_E_USAGE, "plan: no table was named");
    }
    js_setup();
    r = make_plan(&import, &plan, &conflicts, err);
    if (r >= 0) {
        r = import_plan_format(&plan, &text, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "plan table %s", given.table);
    }
    document = json_object();
    r = js_set_str(document, "plan", buf_str(&text));
    r |= js_set_int(document, "conflicts", (int64_t)conflicts);
    r |= js_set(document, "columns", import_schema_json(&import.schema));
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}

int corrie_table_plan_apply(corrie_lake *lake, const char *plan, size_t length, const char *file,
                            const corrie_import_options *options, char **ret_json,
                            corrie_error *err)
{
    corrie_import_options given = {.size = sizeof given};
    _cleanup_(import_done) struct import import = {.lake = lake, .options = &given};
    _cleanup_(arena_done) struct arena arena = {0};
    struct import_plan read;
    struct field *fields;
    int r;

    memcpy(&given, options, options->size < sizeof given ? options->size : sizeof given);
    js_setup();
    r = import_plan_parse(file ? file : "plan", str_make(plan, length), false, &arena, &read, err);
    if (r < 0) {
        return corrie_wrap(err, "apply the plan");
    }
    fields = arena_array(&arena, struct field, read.n_columns);
    if (!fields) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < read.n_columns; i++) {
        fields[i].name = read.columns[i].name;
        r = parse_type(&read.columns[i], file ? file : "plan", str_make(plan, length), &arena,
                       &fields[i].type, err);
        if (r < 0) {
            return corrie_wrap(err, "apply the plan");
        }
    }
    given.mode = CORRIE_IMPORT_CREATE;
    given.table = arena_text(&arena, read.table);
    given.branch = read.branch.len > 0 ? arena_text(&arena, read.branch) : given.branch;
    given.partitioned_by =
        read.partitioned_by.len > 0 ? arena_text(&arena, read.partitioned_by) : NULL;
    given.uris = NULL;
    given.n_uris = 0;
    if (!given.table) {
        return corrie_fail_memory(err);
    }
    import.schema = (struct schema){.fields = fields, .n_fields = read.n_columns};
    import.planned = true;
    r = import_once(&import, ret_json, err);
    return r < 0 ? corrie_wrap(err, "make table %s", given.table) : 0;
}
