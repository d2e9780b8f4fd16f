/* inspect.c — what a statement is and what it names, from DuckDB's own syntax tree.
 *
 * json_serialize_sql gives the tree of SELECT statements and refuses all others. The tree is walked
 * generically: any object with "type": "BASE_TABLE" names a table, any "TABLE_FUNCTION" calls one, any
 * "class": "FUNCTION" calls a scalar function; a node with a "cte_map" opens a scope of names that hide
 * tables. A shape of tree that a newer DuckDB adds is therefore walked too, not skipped. */
#include "engine/at.h"
#include "engine/engine_priv.h"

struct scope {
    const struct scope *up;
    const json_t *ctes; /* array of {"key", "value"} */
    size_t n_visible;   /* of them */
};

struct walk {
    struct engine *engine;
    const struct origin *origin;
    struct arena *arena;
    VEC(struct engine_table_ref) tables;
    bool may_have_at;
    bool is_volatile;
    bool clock;
    bool makes_names;
    unsigned depth; /* queries around what is looked at */
    size_t star;
    size_t window;
    size_t unnest;
    corrie_error *err;
};

/* SIZE_MAX where DuckDB knows none. */
static size_t position_of(const json_t *node)
{
    const json_t *value = json_object_get(node, "query_location");

    return json_is_integer(value) && json_integer_value(value) >= 0
               ? (size_t)json_integer_value(value)
               : SIZE_MAX;
}

static bool hidden(const struct scope *scope, struct str name)
{
    for (; scope; scope = scope->up) {
        for (size_t i = 0; i < scope->n_visible; i++) {
            if (str_eq_nocase(tree_text(json_array_get(scope->ctes, i), "key"), name)) {
                return true;
            }
        }
    }
    return false;
}

/* Whether an unqualified name is one that DuckDB would open as a file. */
static bool names_file(struct str name)
{
    static const char *const ends[] = {
        ".parquet", ".csv",    ".tsv",  ".txt",   ".json",   ".jsonl",   ".ndjson", ".gz", ".zst",
        ".db",      ".duckdb", ".xlsx", ".arrow", ".arrows", ".feather", ".avro",   ".shp"};

    if (str_find(name, '/') >= 0 || str_find(name, '*') >= 0) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        struct str end = str_of(ends[i]);

        if (name.len > end.len && str_eq_nocase(str_from(name, name.len - end.len), end)) {
            return true;
        }
    }
    return false;
}

/* Where the text begins behind blanks and comments. */
static size_t statement_start(struct str sql)
{
    size_t at = 0;

    while (at < sql.len) {
        struct str rest = str_from(sql, at);
        ptrdiff_t end;

        if (memchr(" \t\r\n", sql.data[at], 4)) {
            at++;
            continue;
        }
        if (str_starts(rest, STR("--"))) {
            end = str_find(rest, '\n');
        } else if (str_starts(rest, STR("/*"))) {
            end = str_find_str(rest, STR("*/"));
            end = end < 0 ? end : end + 1;
        } else {
            return at;
        }
        if (end < 0) {
            return 0;
        }
        at += (size_t)end + 1;
    }
    return 0;
}

static int refuse(struct walk *walk, const json_t *node, size_t width, const char *what,
                  struct str name)
{
    size_t at = position_of(node);

    corrie_fail(walk->err, CORRIE_E_REFUSED,
                "%s%s%.*s%s is not allowed here: this SQL may read tables only", what,
                name.len ? " \"" : "", STR_FMT(name), name.len ? "\"" : "");
    corrie_hint(walk->err,
                "import the data as a table first, or use `corrie query`, which may read files");
    return at == SIZE_MAX
               ? origin_at(walk->origin, statement_start(walk->origin->sql), 1, walk->err)
               : origin_at(walk->origin, at, width, walk->err);
}

/* Parameters of a project have become literals before a statement comes here; others have no value. */
static int fail_parameter(struct walk *walk, const json_t *node)
{
    struct str name = tree_text(node, "identifier");
    size_t at = position_of(node);

    corrie_fail(walk->err, CORRIE_E_PROJECT, "parameter $%.*s has no value", STR_FMT(name));
    corrie_hint(
        walk->err,
        "parameters are called by name, $least, in models, and declared in the project file; write the value itself");
    return origin_at(walk->origin, at == SIZE_MAX ? statement_start(walk->origin->sql) : at, 1,
                     walk->err);
}

static int copy_name(struct walk *walk, struct str name, struct str *ret)
{
    return arena_str(walk->arena, name, ret) < 0 ? corrie_fail_memory(walk->err) : 0;
}

/* DuckDB knows the clause, but not for tables that are made here. */
static int fail_at_clause(struct walk *walk, const json_t *node, struct str name)
{
    size_t at = position_of(node);

    corrie_fail(walk->err, CORRIE_E_PROJECT,
                "the table %.*s cannot be read AT another version than the rest of the statement",
                STR_FMT(name));
    corrie_hint(walk->err,
                "`corrie query` reads AT; here all tables are read as they were by a ref: "
                "main~1, main*2026-11-20, v1");
    return origin_at(walk->origin, at == SIZE_MAX ? statement_start(walk->origin->sql) : at,
                     name.len, walk->err);
}

/* SHOW TABLES and the like tell of the engine, in which there is only what a statement names. */
static int fail_show(struct walk *walk)
{
    corrie_fail(walk->err, CORRIE_E_PROJECT, "SHOW does not know the tables of the lake");
    corrie_hint(
        walk->err,
        "corrie table ls and corrie namespace ls list them; DESCRIBE t tells the columns of one");
    return origin_at(walk->origin, statement_start(walk->origin->sql), 1, walk->err);
}

static int add_table(struct walk *walk, const struct scope *scope, const json_t *node)
{
    struct engine_table_ref ref = {.catalog = tree_text(node, "catalog_name"),
                                   .schema = tree_text(node, "schema_name"),
                                   .name = tree_text(node, "table_name")};
    struct engine_at *read_at = NULL;
    size_t at = position_of(node);
    int r;

    if (json_is_object(json_object_get(node, "at_clause"))) {
        if (!walk->may_have_at || at > walk->origin->sql.len) {
            return fail_at_clause(walk, node, ref.name);
        }
        r = at_read(walk->engine, walk->origin, at, tree_text(node, "alias").len > 0, walk->arena,
                    &read_at, walk->err);
        if (r < 0) {
            return r;
        }
        ref.at = read_at;
    }
    if (ref.catalog.len == 0 && ref.schema.len == 0 && !ref.at) {
        if (hidden(scope, ref.name)) {
            return 0;
        }
        ref.is_file = names_file(ref.name) && !engine_find(walk->engine, STR_EMPTY, ref.name) &&
                      !engine_find(walk->engine, walk->engine->name_space, ref.name);
        if (ref.is_file && walk->engine->locked) {
            return refuse(walk, node, ref.name.len, "reading the file", ref.name);
        }
    }
    for (size_t i = 0; i < walk->tables.count; i++) {
        const struct engine_table_ref *known = &walk->tables.items[i];

        if (!known->at && !ref.at && str_eq(known->catalog, ref.catalog) &&
            str_eq(known->schema, ref.schema) && str_eq(known->name, ref.name)) {
            return 0;
        }
    }
    ref.offset = at == SIZE_MAX || at > walk->origin->sql.len ? 0 : at;
    if ((r = copy_name(walk, ref.catalog, &ref.catalog)) < 0 ||
        (r = copy_name(walk, ref.schema, &ref.schema)) < 0 ||
        (r = copy_name(walk, ref.name, &ref.name)) < 0) {
        return r;
    }
    return vec_push(&walk->tables, ref) < 0 ? corrie_fail_memory(walk->err) : 0;
}

/* A macro of ours has that name while large records are read by the name of their file alone: engine_ready_file. */
static int fail_hidden(struct walk *walk, const json_t *node, struct str name)
{
    size_t at = position_of(node);

    corrie_fail(walk->err, CORRIE_E_PROJECT,
                "%.*s cannot be called where a file with large records of JSON is read by its name",
                STR_FMT(name));
    corrie_hint(walk->err, "write read_json, which does the same");
    return origin_at(walk->origin, at == SIZE_MAX ? statement_start(walk->origin->sql) : at,
                     name.len, walk->err);
}

static int check_table_function(struct walk *walk, const json_t *node)
{
    static const char *const allowed[] = {"unnest", "range", "generate_series"};
    const json_t *call = json_object_get(node, "function");
    struct str name = tree_text(call, "function_name");

    if (walk->engine->json_record > 0 && tree_text(call, "schema").len == 0 &&
        str_eq_nocase(name, STR("read_json_auto"))) {
        return fail_hidden(walk, node, name);
    }
    if (!walk->engine->locked) {
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
        if (str_eq_nocase(name, str_of(allowed[i])) && tree_text(call, "schema").len == 0) {
            return 0;
        }
    }
    return refuse(walk, node, name.len, "the table function", name);
}

static void note_function(struct walk *walk, struct str name)
{
    static const char *const random[] = {"random",       "uuid",       "gen_random_uuid", "uuidv4",
                                         "uuidv7",       "setseed",    "nextval",         "currval",
                                         "txid_current", "getvariable"};
    static const char *const clock[] = {"now",
                                        "current_timestamp",
                                        "current_date",
                                        "current_time",
                                        "today",
                                        "transaction_timestamp",
                                        "get_current_timestamp",
                                        "current_localtimestamp",
                                        "current_localtime",
                                        "localtime",
                                        "localtimestamp",
                                        "age"};

    for (size_t i = 0; i < ARRAY_LEN(random); i++) {
        walk->is_volatile |= str_eq_nocase(name, str_of(random[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(clock); i++) {
        walk->clock |= str_eq_nocase(name, str_of(clock[i]));
    }
}

/* Functions that look at the engine or change it: what it was set to tells where the lake lies. */
static int check_function(struct walk *walk, const json_t *node, struct str name)
{
    static const char *const refused[] = {"current_setting", "getenv", "getvariable",  "nextval",
                                          "currval",         "setval", "txid_current", "write_log"};

    note_function(walk, name);
    for (size_t i = 0; walk->engine->locked && i < ARRAY_LEN(refused); i++) {
        if (str_eq_nocase(name, str_of(refused[i]))) {
            return refuse(walk, node, name.len, "the function", name);
        }
    }
    return 0;
}

/* Functions that make several rows of one, and DuckDB's macros of them. */
static bool makes_rows(struct str name)
{
    static const char *const functions[] = {"unnest", "unlist", "generate_subscripts",
                                            "regexp_split_to_table"};

    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        if (str_eq_nocase(name, str_of(functions[i]))) {
            return true;
        }
    }
    return false;
}

/* Whether names of columns may come out of it that stand nowhere: of fields, of values, of other columns. */
static bool makes_names(const json_t *node)
{
    return str_eq(tree_text(node, "type"), STR("PIVOT")) ||
           (str_eq(tree_text(node, "class"), STR("STAR")) &&
            json_is_true(json_object_get(node, "columns"))) ||
           (str_eq(tree_text(node, "class"), STR("FUNCTION")) &&
            makes_rows(tree_text(node, "function_name")));
}

/* Of the first such node in the outermost query. */
static void note_place(const struct walk *walk, const json_t *node, size_t *place)
{
    size_t at = position_of(node);

    if (walk->depth == 1 && *place == SIZE_MAX) {
        *place = at < walk->origin->sql.len ? at : 0;
    }
}

static int visit(struct walk *walk, const struct scope *scope, const json_t *node);

/* A query node with CTEs: each sees those before it (and itself where it is recursive); the body sees
 * all. */
static int visit_ctes(struct walk *walk, const struct scope *up, const json_t *node,
                      const json_t *ctes)
{
    struct scope scope = {.up = up, .ctes = ctes};
    const char *name;
    const json_t *child;
    int r = 0;

    for (size_t i = 0; r == 0 && i < json_array_size(ctes); i++) {
        const json_t *value = json_object_get(json_array_get(ctes, i), "value");
        const json_t *query = json_object_get(json_object_get(value, "query"), "node");

        scope.n_visible = str_eq(tree_text(query, "type"), STR("RECURSIVE_CTE_NODE")) ? i + 1 : i;
        r = visit(walk, &scope, value);
    }
    scope.n_visible = json_array_size(ctes);
    json_object_foreach((json_t *)node, name, child)
    {
        if (r == 0 && strcmp(name, "cte_map") != 0) {
            r = visit(walk, &scope, child);
        }
    }
    return r;
}

static int visit_object(struct walk *walk, const struct scope *scope, const json_t *node)
{
    struct str type = tree_text(node, "type");
    const json_t *ctes = json_object_get(json_object_get(node, "cte_map"), "map");
    const char *name;
    const json_t *child;
    int r = 0;

    if (str_eq(type, STR("BASE_TABLE"))) {
        r = add_table(walk, scope, node);
    } else if (str_eq(type, STR("TABLE_FUNCTION"))) {
        r = check_table_function(walk, node);
    } else if (str_eq(type, STR("SHOW_REF")) && walk->engine->locked) {
        r = refuse(walk, node, 1, "DESCRIBE, SHOW or SUMMARIZE", STR_EMPTY);
    } else if (str_eq(type, STR("SHOW_REF")) && tree_text(node, "table_name").len > 0) {
        r = fail_show(walk);
    } else if (str_eq(tree_text(node, "class"), STR("FUNCTION"))) {
        r = check_function(walk, node, tree_text(node, "function_name"));
        if (makes_rows(tree_text(node, "function_name"))) {
            note_place(walk, node, &walk->unnest);
        }
    } else if (str_eq(tree_text(node, "class"), STR("PARAMETER"))) {
        return fail_parameter(walk, node);
    } else if (str_eq(tree_text(node, "class"), STR("STAR")) ||
               str_eq(tree_text(node, "class"), STR("POSITIONAL_REFERENCE"))) {
        note_place(walk, node, &walk->star);
    } else if (str_eq(tree_text(node, "class"), STR("WINDOW"))) {
        note_place(walk, node, &walk->window);
    } else if (str_eq(type, STR("COLUMN_REF"))) {
        /* current_date and its like are names until they are bound */
        const json_t *names = json_object_get(node, "column_names");
        const json_t *only = json_array_get(names, 0);

        if (json_array_size(names) == 1 && json_is_string(only)) {
            note_function(walk, js_str(only));
        }
    }
    if (r < 0) {
        return r;
    }
    walk->makes_names |= makes_names(node);
    if (json_array_size(ctes) > 0) {
        return visit_ctes(walk, scope, node, ctes);
    }
    json_object_foreach((json_t *)node, name, child)
    {
        r = visit(walk, scope, child);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int visit(struct walk *walk, const struct scope *scope, const json_t *node)
{
    size_t i;
    const json_t *item;

    if (json_is_object(node)) {
        bool query = str_eq(tree_text(node, "type"), STR("SELECT_NODE"));
        int r;

        walk->depth += query;
        r = visit_object(walk, scope, node);
        walk->depth -= query;
        return r;
    }
    json_array_foreach((json_t *)node, i, item)
    {
        int r = visit(walk, scope, item);

        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static bool has_word(struct str text, struct str word)
{
    for (size_t i = 0; i + word.len <= text.len; i++) {
        if (str_eq_nocase(str_slice(text, i, word.len), word)) {
            return true;
        }
    }
    return false;
}

static int check_tree(const json_t *tree, const struct origin *origin, corrie_error *err)
{
    const json_t *statements = json_object_get(tree, "statements");

    if (json_is_true(json_object_get(tree, "error"))) {
        if (str_find_str(tree_text(tree, "error_message"), STR("Only SELECT statements")) >= 0) {
            if (has_word(origin->sql, STR("PIVOT"))) { /* two statements, to DuckDB */
                corrie_fail(err, CORRIE_E_PROJECT,
                            "PIVOT without a list of values: what columns it gives would be known "
                            "only when its rows were read");
                corrie_hint(err, "write the values out: PIVOT t ON c IN ('a', 'b')");
            } else {
                corrie_fail(err, CORRIE_E_PROJECT, "only a SELECT statement may stand here");
            }
            return origin_at(origin, statement_start(origin->sql), 1, err);
        }
        if (str_eq_nocase(tree_text(tree, "error_type"), STR("not implemented"))) {
            /* A statement that DuckDB's grammar knows and nothing else of it does. */
            corrie_fail(err, CORRIE_E_PROJECT, "%.*s", STR_FMT(tree_text(tree, "error_message")));
            return origin_at(origin, statement_start(origin->sql), 1, err);
        }
        _free_ char *text = json_dumps(tree, 0);
        if (!text) {
            return corrie_fail_memory(err);
        }
        return duck_fail(text, origin, err);
    }
    if (json_array_size(statements) == 0) {
        corrie_fail(err, CORRIE_E_PROJECT, "there is no statement");
        return origin_at(origin, statement_start(origin->sql), 1, err);
    }
    if (json_array_size(statements) > 1) {
        corrie_fail(err, CORRIE_E_PROJECT, "one statement is expected, there are %zu",
                    json_array_size(statements));
        return origin_at(origin, statement_start(origin->sql), 1, err);
    }
    return 0;
}

static int by_offset(const void *a, const void *b)
{
    size_t x = ((const struct engine_table_ref *)a)->offset;
    size_t y = ((const struct engine_table_ref *)b)->offset;

    return x < y ? -1 : x > y;
}

/* To DuckDB Foo and foo are one table, to a lake two: whichever was defined last would be read for both. */
static int check_cases(const struct engine *engine, const struct origin *origin,
                       const struct engine_statement *statement, corrie_error *err)
{
    for (size_t k = 1; k < statement->n_tables; k++) {
        const struct engine_table_ref *b = &statement->tables[k];
        struct str space = b->schema.len > 0 ? b->schema : engine->name_space;

        for (size_t i = 0; i < k; i++) {
            const struct engine_table_ref *a = &statement->tables[i];
            struct str other = a->schema.len > 0 ? a->schema : engine->name_space;

            if (!a->at && !b->at && str_eq_nocase(a->name, b->name) &&
                str_eq_nocase(other, space) &&
                !(str_eq(a->name, b->name) && str_eq(other, space))) {
                corrie_fail(
                    err, CORRIE_E_PROJECT,
                    "tables %.*s.%.*s and %.*s.%.*s differ only in case, which SQL cannot tell",
                    STR_FMT(other), STR_FMT(a->name), STR_FMT(space), STR_FMT(b->name));
                corrie_hint(err,
                            "a statement may name one of them; `corrie table rename` gives the "
                            "other another name");
                return origin_at(origin, b->offset, b->name.len, err);
            }
        }
    }
    return 0;
}

static int check(struct engine *engine, const struct origin *origin, bool may_have_at,
                 struct arena *arena, struct engine_statement *ret, corrie_error *err)
{
    _json_ json_t *tree = NULL;
    struct walk walk = {.engine = engine,
                        .origin = origin,
                        .may_have_at = may_have_at && !engine->locked,
                        .arena = arena,
                        .star = SIZE_MAX,
                        .window = SIZE_MAX,
                        .unnest = SIZE_MAX,
                        .err = err};
    size_t bad;
    int r;

    if (memchr(origin->sql.data ? origin->sql.data : "", '\0', origin->sql.len) ||
        !str_is_utf8(origin->sql, &bad)) {
        return corrie_fail(err, CORRIE_E_PROJECT, "%s is not UTF-8 text",
                           origin->file ? origin->file : "SQL");
    }
    r = tree_of_sql(engine, origin->sql, &tree, err);
    if (r == 0) {
        r = check_tree(tree, origin, err);
    }
    if (r == 0) {
        r = visit(&walk, NULL, json_object_get(tree, "statements"));
    }
    if (r == 0 && walk.tables.count > 0) {
        ret->tables = arena_array(arena, struct engine_table_ref, walk.tables.count);
        if (!ret->tables) {
            r = corrie_fail_memory(err);
        } else {
            memcpy(ret->tables, walk.tables.items, walk.tables.count * sizeof *ret->tables);
            qsort(ret->tables, walk.tables.count, sizeof *ret->tables, by_offset);
        }
    }
    if (r == 0) {
        ret->n_tables = walk.tables.count;
        ret->volatile_ = walk.is_volatile;
        ret->clock = walk.clock;
        ret->makes_names = walk.makes_names;
        ret->star = walk.star;
        ret->window = walk.window;
        ret->unnest = walk.unnest;
        r = check_cases(engine, origin, ret, err);
    }
    vec_done(&walk.tables);
    return r;
}

int statement_check(struct engine *engine, const struct origin *origin, struct arena *arena,
                    struct engine_statement *ret, corrie_error *err)
{
    return check(engine, origin, false, arena, ret, err);
}

int statement_resolve(struct engine *engine, const struct origin *origin,
                      const struct engine_statement *statement, corrie_error *err)
{
    for (size_t i = 0; engine->locked && i < statement->n_tables; i++) {
        const struct engine_table_ref *ref = &statement->tables[i];
        _cleanup_(buf_done) struct buf name = {0};
        bool known =
            ref->catalog.len == 0 &&
            (ref->schema.len > 0 ? engine_find(engine, ref->schema, ref->name) != NULL
                                 : engine_find(engine, STR_EMPTY, ref->name) != NULL ||
                                       engine_find(engine, engine->name_space, ref->name) != NULL);

        if (known) {
            continue;
        }
        buf_addf(&name, "%.*s%s%.*s", STR_FMT(ref->schema), ref->schema.len ? "." : "",
                 STR_FMT(ref->name));
        corrie_fail(err, CORRIE_E_NOT_FOUND, "table \"%s\" does not exist", buf_text(&name));
        origin_hint_tables(origin, buf_str(&name), err);
        return origin_at(origin, ref->offset, ref->name.len, err);
    }
    return 0;
}

int statement_admit(struct engine *engine, const struct origin *origin, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct engine_statement statement = {0};
    int r = statement_check(engine, origin, &arena, &statement, err);

    return r < 0 ? r : statement_resolve(engine, origin, &statement, err);
}

static int inspect(struct engine *engine, struct str sql, const char *file, bool may_have_at,
                   struct arena *arena, struct engine_statement *ret, corrie_error *err)
{
    const struct origin origin = {.sql = sql, .file = file, .engine = engine};
    struct engine_statement statement = {0};
    int r = check(engine, &origin, may_have_at, arena, &statement, err);

    if (r == 0) {
        *ret = statement;
    }
    return r;
}

int engine_inspect(struct engine *engine, struct str sql, const char *file, struct arena *arena,
                   struct engine_statement *ret, corrie_error *err)
{
    return inspect(engine, sql, file, false, arena, ret, err);
}

int engine_inspect_at(struct engine *engine, struct str sql, const char *file, struct arena *arena,
                      struct engine_statement *ret, corrie_error *err)
{
    return inspect(engine, sql, file, true, arena, ret, err);
}
