/* stubs.c — small databases with empty tables, in which statements are bound (stubs.h).
 *
 * They keep the optimisers off that look at statistics: over empty tables these would answer EMPTY_RESULT and hide the
 * scans (disabled_optimizers is global to a database, so the database that runs queries cannot be used). */
#include "engine/stubs.h"

#define ROW_ID STR("rowid")

/* ---- planning databases ---- */

struct planner *planner_close(struct planner *planner)
{
    if (planner) {
        for (size_t i = 0; i < ARRAY_LEN(planner->to_plan); i++) {
            planner->engine->d->destroy_prepare(&planner->to_plan[i]);
        }
        session_close(&planner->plain);
        session_close(&planner->session);
        map_done(&planner->stubs);
        map_done(&planner->schemas);
        arena_done(&planner->arena);
        if (planner->db) {
            planner->engine->d->close(&planner->db);
        }
        mem_free(planner);
    }
    return NULL;
}
DEFINE_CLEANUP(struct planner *, planner_close)

static int open_database(struct planner *planner, corrie_error *err)
{
    static const char *const settings[][2] = {
        {"threads", "1"},
        {"memory_limit", "256MB"},
        {"errors_as_json", "true"},
        {"autoinstall_known_extensions", "false"},
        {"autoload_known_extensions", "false"},
        {"disabled_optimizers",
         "statistics_propagation,row_group_pruner,late_materialization,compressed_materialization,"
         "top_n,join_filter_pushdown,empty_result_pullup"},
    };
    const struct duck *d = planner->engine->d;
    duckdb_config config = NULL;
    bool fine = true;

    if (d->create_config(&config) != DuckDBSuccess) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        fine = fine && d->set_config(config, settings[i][0], settings[i][1]) == DuckDBSuccess;
    }
    if (planner->engine->locked) {
        fine = fine && d->set_config(config, "enable_external_access", "false") == DuckDBSuccess;
    }
    fine = fine && d->open_ext(NULL, &planner->db, config, NULL) == DuckDBSuccess;
    d->destroy_config(&config);
    return fine ? 0
                : corrie_fail(err, CORRIE_E_INTERNAL, "DuckDB: cannot open a database to plan in");
}

static int open_session(struct planner *planner, struct session *session, const char *settings,
                        corrie_error *err)
{
    session->d = planner->engine->d;
    if (session->d->connect(planner->db, &session->con) != DuckDBSuccess) {
        return corrie_fail(err, CORRIE_E_INTERNAL, "DuckDB: cannot connect to plan");
    }
    return engine_run(planner->engine, session, settings, NULL, err);
}

static int open_planner(struct engine *engine, bool keeps, struct planner **ret, corrie_error *err)
{
    _cleanup_(planner_closep) struct planner *planner = mem_alloc(1, sizeof *planner);
    int r;

    if (!planner) {
        return corrie_fail_memory(err);
    }
    planner->engine = engine;
    planner->keeps = keeps;
    r = open_database(planner, err);
    if (r >= 0) {
        r = open_session(planner, &planner->session, "SET TimeZone = 'UTC'", err);
    }
    if (r >= 0 && keeps) {
        r = open_session(planner, &planner->plain, "SET TimeZone = 'UTC'; PRAGMA disable_optimizer",
                         err);
    }
    if (r < 0) {
        return r;
    }
    *ret = TAKE_PTR(planner);
    return 0;
}

/* ---- which one ---- */

/* In lower case, as DuckDB compares names. No data: memory ran out. */
static struct str lower(struct arena *arena, struct str text)
{
    char *copy = arena_text(arena, text);

    for (char *c = copy; c && *c; c++) {
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
    }
    return copy ? str_make(copy, text.len) : STR_EMPTY;
}

/* Whether DuckDB can make a table of these columns: their names differ by more than case. */
static bool can_be_table(const struct schema *schema)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(map_done) struct map seen = {0};
    bool differ = schema->n_fields > 0;

    for (size_t i = 0; differ && i < schema->n_fields; i++) {
        struct str name = lower(&arena, schema->fields[i].name);

        differ = name.len > 0 && !map_find(&seen, name) && map_put(&seen, name, NULL) == 0;
    }
    return differ;
}

/* Whether a statement may leave its tables behind: only where the next one cannot name them, where no two of its own are
 * one to DuckDB, and where it does not ask for the number of a row, which tables of DuckDB's have and ours have not. */
static bool may_keep(const struct stubbing *s)
{
    if (!s->engine->locked || s->name_space.len == 0 || str_has_nocase(s->origin->sql, ROW_ID)) {
        return false;
    }
    for (size_t i = 0; i < s->n_tables; i++) {
        if (s->tables[i].name_space.len == 0 || !can_be_table(s->tables[i].schema)) {
            return false;
        }
        for (size_t k = 0; k < i; k++) {
            if (str_eq_nocase(s->tables[i].name, s->tables[k].name) &&
                str_eq_nocase(s->tables[i].name_space, s->tables[k].name_space)) {
                return false;
            }
        }
    }
    return true;
}

int planner_for(const struct stubbing *s, struct planner **ret, corrie_error *err)
{
    bool keeps = may_keep(s);
    struct planner **planner = keeps ? &s->engine->keeper : &s->engine->planner;
    int r = *planner ? 0 : open_planner(s->engine, keeps, planner, err);

    if (r == 0) {
        *ret = *planner;
    }
    return r;
}

/* ---- stubs that stay ---- */

/* Of a column whose type is not known, one that goes wherever any type does. */
static void add_type(struct buf *out, const struct type *type)
{
    if (type->kind == TYPE_NONE) {
        buf_add_text(out, "\"NULL\"");
    } else {
        type_print_sql(type, out);
    }
}

/* "shop\0users" in lower case. */
static int stub_key(struct arena *arena, const struct engine_bind_table *table, struct str *ret,
                    corrie_error *err)
{
    struct str space = lower(arena, table->name_space);
    struct str name = lower(arena, table->name);
    char *key = arena_alloc(arena, space.len + 1 + name.len + 1, 1);

    if (!key || space.len == 0 || name.len == 0) {
        return corrie_fail_memory(err);
    }
    memcpy(key, space.data, space.len + 1);
    memcpy(key + space.len + 1, name.data, name.len);
    *ret = str_make(key, space.len + 1 + name.len);
    return 0;
}

/* A schema once; to say CREATE … IF NOT EXISTS each time costs as much as a table. */
static int keep_schema(struct planner *planner, struct str name, struct buf *out, corrie_error *err)
{
    struct str copy;

    if (map_find(&planner->schemas, name)) {
        return 0;
    }
    buf_add_text(out, "CREATE SCHEMA IF NOT EXISTS ");
    buf_add_sql_name(out, name);
    buf_add_text(out, "; ");
    return arena_str(&planner->arena, name, &copy) < 0 || map_put(&planner->schemas, copy, NULL) < 0
               ? corrie_fail_memory(err)
               : 0;
}

/* Adds what makes the stub of a table, if it is not there as it has to be. */
static int keep_stub(struct planner *planner, const struct engine_bind_table *table,
                     struct buf *out, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf columns = {0};
    struct str key;
    const struct str *made;
    struct str *copy;
    int r = stub_key(&arena, table, &key, err);

    for (size_t i = 0; i < table->schema->n_fields; i++) {
        buf_add_text(&columns, i ? ", " : "");
        buf_add_sql_name(&columns, table->schema->fields[i].name);
        buf_add_char(&columns, ' ');
        add_type(&columns, &table->schema->fields[i].type);
    }
    if (r < 0 || (r = buf_check(&columns, err)) < 0) {
        return r;
    }
    made = map_get(&planner->stubs, key);
    if (made && str_eq(*made, buf_str(&columns))) {
        return 0;
    }
    copy = arena_new(&planner->arena, struct str);
    if (!copy || arena_str(&planner->arena, buf_str(&columns), copy) < 0 ||
        arena_str(&planner->arena, key, &key) < 0 || map_put(&planner->stubs, key, copy) < 0) {
        return corrie_fail_memory(err);
    }
    r = keep_schema(planner, table->name_space, out, err);
    buf_add_text(out, made ? "CREATE OR REPLACE TABLE " : "CREATE TABLE ");
    add_table_name(out, table->name_space, table->name);
    buf_addf(out, "(%.*s); ", STR_FMT(*copy));
    return r;
}

/* Unqualified names are looked up in the namespace, by both sessions. */
static int keep_path(struct planner *planner, struct str name_space, corrie_error *err)
{
    _cleanup_(buf_done) struct buf path = {0};
    _cleanup_(buf_done) struct buf sql = {0};
    int r;

    if (str_eq(planner->path, name_space)) {
        return 0;
    }
    buf_add_sql_name(&path, name_space);
    buf_add_text(&sql, "SET search_path = ");
    buf_add_sql_string(&sql, buf_str(&path));
    if ((r = buf_check(&path, err)) < 0 || (r = buf_check(&sql, err)) < 0 ||
        (r = engine_run(planner->engine, &planner->session, buf_text(&sql), NULL, err)) < 0 ||
        (r = engine_run(planner->engine, &planner->plain, buf_text(&sql), NULL, err)) < 0) {
        return r;
    }
    return arena_str(&planner->arena, name_space, &planner->path) < 0 ? corrie_fail_memory(err) : 0;
}

static int keep_stubs(struct planner *planner, const struct stubbing *s, corrie_error *err)
{
    _cleanup_(buf_done) struct buf sql = {0};
    int r = keep_schema(planner, s->name_space, &sql, err);

    for (size_t i = 0; r == 0 && i < s->n_tables; i++) {
        r = s->named[i] ? keep_stub(planner, &s->tables[i], &sql, err) : 0;
    }
    if (r == 0) {
        r = buf_check(&sql, err);
    }
    if (r == 0 && sql.len > 0) {
        r = engine_run(planner->engine, &planner->session, buf_text(&sql), NULL, err);
    }
    return r < 0 ? r : keep_path(planner, s->name_space, err);
}

/* ---- stubs of one statement ---- */

static void add_stub(struct buf *out, const struct engine_bind_table *table, size_t at)
{
    struct str space = table->name_space.len > 0 ? table->name_space : STR(NAMELESS);

    buf_addf(out, "CREATE TABLE memory.main.t%zu(", at);
    for (size_t i = 0; i < table->schema->n_fields; i++) {
        buf_addf(out, "%sc%zu ", i ? ", " : "", i);
        add_type(out, &table->schema->fields[i].type);
    }
    buf_add_text(out, "); CREATE SCHEMA IF NOT EXISTS ");
    buf_add_sql_name(out, space);
    buf_add_text(out, "; CREATE OR REPLACE VIEW ");
    add_table_name(out, table->name_space, table->name);
    buf_add_text(out, " AS SELECT ");
    for (size_t i = 0; i < table->schema->n_fields; i++) {
        buf_addf(out, "%sc%zu AS ", i ? ", " : "", i);
        buf_add_sql_name(out, table->schema->fields[i].name);
    }
    buf_addf(out, " FROM memory.main.t%zu; ", at);
}

static int make_stubs(struct planner *planner, const struct stubbing *s, corrie_error *err)
{
    _cleanup_(buf_done) struct buf sql = {0};
    _cleanup_(buf_done) struct buf path = {0};
    int r;

    buf_add_text(&sql, "BEGIN; CREATE SCHEMA " NAMELESS "; ");
    buf_add_text(&path, NAMELESS);
    if (s->name_space.len > 0) {
        buf_add_char(&path, ',');
        buf_add_sql_name(&path, s->name_space);
        buf_add_text(&sql, "CREATE SCHEMA IF NOT EXISTS ");
        buf_add_sql_name(&sql, s->name_space);
        buf_add_text(&sql, "; ");
    }
    for (size_t i = 0; i < s->n_tables; i++) {
        if (s->named[i]) {
            add_stub(&sql, &s->tables[i], i);
        }
    }
    buf_add_text(&sql, "SET search_path = ");
    buf_add_sql_string(&sql, buf_str(&path));
    if ((r = buf_check(&path, err)) < 0 || (r = buf_check(&sql, err)) < 0) {
        return r;
    }
    return engine_run(s->engine, &planner->session, buf_text(&sql), NULL, err);
}

/* ---- both ---- */

int planner_begin(struct planner *planner, const struct stubbing *s, corrie_error *err)
{
    return planner->keeps ? keep_stubs(planner, s, err) : make_stubs(planner, s, err);
}

void planner_end(struct planner *planner, bool begun)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct engine *engine = planner->engine;
    struct planner **place = planner->keeps ? &engine->keeper : &engine->planner;
    bool clean = planner->keeps
                     ? begun
                     : engine_run(engine, &planner->session, "ROLLBACK", NULL, &ignored) == 0;

    if (!clean) {
        /* interrupted, or the transaction was gone: a fresh database costs 10 ms and is surely clean */
        *place = planner_close(planner);
    }
}

int planner_tree(struct planner *planner, struct str sql, bool optimised, json_t **ret,
                 corrie_error *err)
{
    return tree_of_plan(planner->engine, &planner->session, &planner->to_plan[optimised], sql,
                        optimised, ret, err);
}

ptrdiff_t stub_number(const json_t *get, const struct engine_bind_table *tables, size_t n_tables,
                      bool kept)
{
    const json_t *data = json_object_get(get, "function_data");
    struct str schema = tree_text(data, "schema");
    struct str table = tree_text(data, "table");
    int64_t number;

    if (!str_eq(tree_text(get, "name"), STR("seq_scan"))) {
        return -1;
    }
    for (size_t i = 0; kept && i < n_tables; i++) {
        if (str_eq_nocase(tables[i].name, table) && str_eq_nocase(tables[i].name_space, schema)) {
            return (ptrdiff_t)i;
        }
    }
    return !kept && str_eq(schema, STR("main")) && str_starts(table, STR("t")) &&
                   str_to_int64(str_from(table, 1), &number) && number >= 0 &&
                   (size_t)number < n_tables
               ? (ptrdiff_t)number
               : -1;
}
