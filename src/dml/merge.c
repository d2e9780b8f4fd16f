/* merge.c — MERGE, UPDATE … FROM and DELETE … USING: what becomes of each row is computed once, by one join, and kept in a
 * file of the workspace; then files are written from that.
 *
 * A row of the changes: where the row of the table stands (null: there is none), the number of the source's row (null:
 * there is none), which clause applies, and the values that it gives. So what differs from call to call is asked once,
 * and a source is read once. */
#include "dml/dml_priv.h"
#include "os/file.h"

#define CHANGES_FIXED 4 /* file, row, source, action */
#define WHEN_LENGTH 4   /* of the word */
#define SOURCE_ALIAS "corrie.from"
#define SOURCE_ROW "\"corrie.source\""

enum effect { EFFECT_NONE, EFFECT_UPDATE, EFFECT_DELETE, EFFECT_INSERT };

struct clause {
    enum sql_when when;
    enum effect effect;
    struct str condition;
    struct dml_sets sets; /* UPDATE, INSERT */
};

struct merging {
    struct dml *dml;
    struct lake_target target;
    const struct schema *schema;
    struct str row;    /* aliases */
    struct str source; /* MERGE; else empty if there is none, or several */
    bool kept;         /* the source's rows are DML_SOURCE */
    struct clause *clauses;
    size_t n_clauses;
    bool *valued;          /* columns that some clause gives a value */
    struct schema columns; /* of the source, all as text; none where it cannot be read alone */
    struct schema changes;
};

static bool has_effect(const struct merging *m, enum effect effect)
{
    for (size_t i = 0; i < m->n_clauses; i++) {
        if (m->clauses[i].effect == effect) {
            return true;
        }
    }
    return false;
}

static bool has_when(const struct merging *m, enum sql_when when)
{
    for (size_t i = 0; i < m->n_clauses; i++) {
        if (m->clauses[i].when == when) {
            return true;
        }
    }
    return false;
}

/* "(1, 3)": the actions that have that effect; (-1) if none has. With `column`, those that set it. */
static void add_actions(struct compose *sql, const struct merging *m, enum effect effect,
                        const size_t *column)
{
    compose_text(sql, "(-1");
    for (size_t i = 0; i < m->n_clauses; i++) {
        if (m->clauses[i].effect == effect &&
            (!column || dml_sets_column(&m->clauses[i].sets, *column))) {
            compose_format(sql, ", %zu", i + 1);
        }
    }
    compose_text(sql, ")");
}

/* Rows of the table that change. */
static void add_modifying(struct compose *sql, const struct merging *m)
{
    compose_text(sql, "(\"corrie.a\" IN ");
    add_actions(sql, m, EFFECT_UPDATE, NULL);
    compose_text(sql, " OR \"corrie.a\" IN ");
    add_actions(sql, m, EFFECT_DELETE, NULL);
    compose_text(sql, ")");
}

/* ---- the changes ---- */

static void add_qualified(struct compose *sql, struct str alias, const char *column)
{
    compose_name(sql, alias);
    compose_format(sql, ".%s", column);
}

/* When a clause applies, if none before it does. */
static void add_when(struct compose *sql, const struct merging *m, const struct clause *clause)
{
    if (m->dml->statement.kind == STATEMENT_MERGE) {
        add_qualified(sql, m->row, DML_ROW);
        compose_text(sql, clause->when == WHEN_NOT_MATCHED ? " IS NULL" : " IS NOT NULL");
        compose_text(sql, " AND ");
        add_qualified(sql, m->source, SOURCE_ROW);
        compose_text(sql, clause->when == WHEN_NOT_MATCHED_BY_SOURCE ? " IS NULL" : " IS NOT NULL");
    } else {
        compose_text(sql, "true");
    }
    if (clause->condition.len > 0) {
        compose_text(sql, " AND (");
        compose_piece(sql, m->dml, clause->condition);
        compose_text(sql, ")");
    }
}

static void add_action(struct compose *sql, const struct merging *m)
{
    compose_text(sql, "CASE");
    for (size_t i = 0; i < m->n_clauses; i++) {
        compose_text(sql, " WHEN ");
        add_when(sql, m, &m->clauses[i]);
        compose_format(sql, " THEN %zu", i + 1);
    }
    compose_text(sql, " ELSE 0 END");
}

static void add_value(struct compose *sql, const struct merging *m, size_t column)
{
    compose_text(sql, "CASE");
    for (size_t i = 0; i < m->n_clauses; i++) {
        const struct clause *clause = &m->clauses[i];

        compose_text(sql, " WHEN ");
        add_when(sql, m, clause);
        compose_text(sql, " THEN ");
        if (dml_sets_column(&clause->sets, column)) {
            dml_add_assigned(sql, m->dml, m->schema, column, &clause->sets, m->row);
        } else {
            compose_text(sql, "NULL");
        }
    }
    compose_text(sql, " ELSE NULL END");
}

/* The source as it was written, or what was kept of it. */
static void add_source(struct compose *sql, const struct merging *m)
{
    const struct dml *dml = m->dml;
    const struct statement *s = &dml->statement;

    if (m->kept) {
        compose_text(sql, DML_SOURCE);
        if (s->kind != STATEMENT_MERGE) {
            compose_text(sql, " AS ");
            compose_name(sql, m->source);
        }
        return;
    }
    compose_piece(sql, dml, s->source);
    if (s->kind == STATEMENT_MERGE && s->n_source_columns > 0) {
        compose_text(sql, " AS ");
        compose_name(sql, s->source_alias.text);
        compose_text(sql, "(");
        for (size_t i = 0; i < s->n_source_columns; i++) {
            compose_text(sql, i == 0 ? "" : ", ");
            compose_name(sql, s->source_columns[i].text);
        }
        compose_text(sql, ")");
    }
}

static void add_on(struct compose *sql, const struct merging *m)
{
    const struct statement *s = &m->dml->statement;

    compose_text(sql, " ON (");
    for (size_t i = 0; i < s->n_using_columns; i++) {
        compose_text(sql, i == 0 ? "" : " AND ");
        compose_name(sql, m->row);
        compose_text(sql, ".");
        compose_name(sql, s->using_columns[i].text);
        compose_text(sql, " = ");
        compose_name(sql, m->source);
        compose_text(sql, ".");
        compose_piece(
            sql, m->dml,
            str_slice(m->dml->source, s->using_columns[i].offset, s->using_columns[i].length));
    }
    if (s->n_using_columns == 0) {
        compose_piece(sql, m->dml, s->condition);
    }
    compose_text(sql, ")");
}

/* The source of a MERGE: its rows with their numbers; its name alone is a row as a value. */
static void add_numbered(struct compose *sql, const struct merging *m)
{
    bool named = dml_takes_row(m->dml, &m->dml->statement.source_alias) &&
                 dml_is_no_column(&m->columns, m->source) && dml_is_no_column(m->schema, m->source);

    compose_text(sql, "(SELECT *");
    if (named) {
        compose_text(sql, ", ");
        compose_name(sql, m->source);
    }
    compose_text(sql, ", row_number() OVER () AS " SOURCE_ROW " FROM ");
    compose_text(sql, "(SELECT * FROM ");
    add_source(sql, m);
    compose_text(sql, ") AS ");
    compose_name(sql, m->source);
    compose_text(sql, ") AS ");
    compose_name(sql, m->source);
}

/* What is joined, and how. */
static void add_join(struct compose *sql, const struct merging *m)
{
    const struct statement *s = &m->dml->statement;

    if (s->kind == STATEMENT_MERGE) {
        compose_text(sql, " FROM ");
        add_numbered(sql, m);
        compose_text(sql, has_when(m, WHEN_NOT_MATCHED_BY_SOURCE) ? " FULL JOIN "
                          : has_when(m, WHEN_NOT_MATCHED)         ? " LEFT JOIN "
                                                                  : " JOIN ");
        dml_add_rows(sql, m->dml, m->schema, &m->columns, DML_TARGET);
        add_on(sql, m);
        return;
    }
    compose_text(sql, " FROM ");
    dml_add_rows(sql, m->dml, m->schema, &m->columns, DML_TARGET);
    if (s->source.len > 0) {
        compose_text(sql, ", ");
        add_source(sql, m);
    }
    if (s->condition.len > 0) {
        compose_text(sql, " WHERE (");
        compose_piece(sql, m->dml, s->condition);
        compose_text(sql, ")");
    }
}

static void compose_changes(struct compose *sql, const struct merging *m)
{
    bool merge = m->dml->statement.kind == STATEMENT_MERGE;

    compose_with(sql, m->dml);
    compose_text(sql, "SELECT * FROM (SELECT ");
    if (m->dml->statement.kind == STATEMENT_DELETE) {
        compose_text(sql, "DISTINCT ");
    }
    add_qualified(sql, m->row, DML_FILE);
    compose_text(sql, " AS \"corrie.f\", ");
    add_qualified(sql, m->row, DML_ROW);
    compose_text(sql, " AS \"corrie.r\", ");
    if (merge) {
        add_qualified(sql, m->source, SOURCE_ROW);
    } else {
        compose_text(sql, "CAST(NULL AS BIGINT)");
    }
    compose_text(sql, " AS \"corrie.s\", ");
    add_action(sql, m);
    compose_text(sql, " AS \"corrie.a\"");
    for (size_t i = 0; i < m->schema->n_fields; i++) {
        if (m->valued[i]) {
            compose_text(sql, ", ");
            add_value(sql, m, i);
            compose_format(sql, " AS \"corrie.v%zu\"", i);
        }
    }
    add_join(sql, m);
    compose_text(sql, ") WHERE \"corrie.a\" > 0");
}

static int changes_schema(struct merging *m, corrie_error *err)
{
    static const char *const fixed[CHANGES_FIXED] = {"corrie.f", "corrie.r", "corrie.s",
                                                     "corrie.a"};
    struct arena *arena = &m->dml->arena;
    size_t n = m->schema->n_fields;
    struct field *fields = arena_array(arena, struct field, n + CHANGES_FIXED);
    struct schema schema = {.fields = fields};
    int last = 0;
    int r;

    if (!fields) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < CHANGES_FIXED; i++) {
        fields[schema.n_fields++] =
            (struct field){.name = str_of(fixed[i]), .type = {.kind = TYPE_LONG}};
    }
    for (size_t i = 0; i < n; i++) {
        if (m->valued[i]) {
            struct field *field = &fields[schema.n_fields++];

            *field = (struct field){.type = m->schema->fields[i].type};
            field->name = str_of(arena_printf(arena, "corrie.v%zu", i));
            if (field->name.len == 0) {
                return corrie_fail_memory(err);
            }
        }
    }
    r = schema_copy(&schema, arena, &m->changes, err);
    if (r >= 0) {
        schema_assign_ids(&m->changes, &last);
    }
    return r;
}

static void add_scratch(const struct dml *dml, unsigned number, struct buf *path)
{
    buf_addf(path, "%s/changes-%u.parquet", dml->work.spill.path, number);
}

static int name_scratch(void *arg, unsigned ordinal, struct buf *ret, corrie_error *err)
{
    struct dml *dml = arg;

    (void)ordinal;
    add_scratch(dml, dml->scratch++, ret);
    return buf_check(ret, err);
}

/* DuckDB names a column of the source, or none: each value is tried by itself, in the rows that it is for. */
static int blame_value(const struct merging *m, corrie_error *err)
{
    struct dml *dml = m->dml;

    for (size_t i = 0; i < m->n_clauses; i++) {
        const struct clause *clause = &m->clauses[i];

        for (size_t k = 0; k < clause->sets.count && err->position.line == 0; k++) {
            _cleanup_(compose_done) struct compose sql = {0};
            _error_ corrie_error failed = CORRIE_ERROR_INIT;
            const struct dml_set *set = &clause->sets.items[k];
            const struct dml_sets one = {.items = set, .count = 1};
            struct dml_numbers numbers;

            compose_with(&sql, dml);
            compose_text(&sql, "SELECT count(CASE WHEN ");
            add_when(&sql, m, clause);
            compose_text(&sql, " THEN ");
            dml_add_assigned(&sql, dml, m->schema, set->path[0], &one, m->row);
            compose_text(&sql, " END)");
            add_join(&sql, m);
            if (dml_numbers(dml, &sql, 1, &numbers, &failed) < 0) {
                return dml_blame(dml, &m->schema->fields[set->path[0]], set->value, &failed, err);
            }
        }
    }
    return err->code;
}

/* Runs the join; its rows become DML_CHANGES. */
static int write_changes(struct merging *m, const struct compose *sql, corrie_error *err)
{
    struct dml *dml = m->dml;
    struct engine_write write = {.sql = buf_str(&sql->text),
                                 .file = dml->file,
                                 .schema = &m->changes,
                                 .path = name_scratch,
                                 .arg = dml};
    struct engine_table table = {
        .name_space = STR(DML_SPACE), .name = STR("changes"), .schema = &m->changes};
    struct engine_written *written = NULL;
    struct engine_file *files;
    size_t n = 0;
    int r;

    r = engine_write_parquet(dml_engine(dml), &write, &dml->arena, &written, &n, err);
    if (r < 0) {
        r = compose_place(sql, dml, err);
        return r == CORRIE_E_DATA ? blame_value(m, err) : r;
    }
    files = arena_array(&dml->arena, struct engine_file, n);
    if (!files) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        files[i] = (struct engine_file){
            .path = written[i].path, .rows = written[i].rows, .bytes = written[i].bytes};
    }
    table.files = files;
    table.n_files = n;
    return engine_define_files(dml_engine(dml), &table, err);
}

/* ---- what came of it ---- */

static int check_cardinality(struct merging *m, corrie_error *err)
{
    _cleanup_(compose_done) struct compose sql = {0};
    struct dml_numbers numbers;
    int r;

    compose_text(&sql, "SELECT count(*) FROM (SELECT 1 FROM " DML_CHANGES
                       " WHERE \"corrie.f\" IS NOT NULL AND ");
    add_modifying(&sql, m);
    compose_text(&sql, " GROUP BY \"corrie.f\", \"corrie.r\" HAVING count(*) > 1)");
    r = dml_numbers(m->dml, &sql, 1, &numbers, err);
    if (r < 0 || numbers.values[0] == 0) {
        return r;
    }
    corrie_fail(err, CORRIE_E_DATA,
                "%lld row%s of %.*s match%s more than one row of the source: which of them counts "
                "cannot be told",
                (long long)numbers.values[0], numbers.values[0] == 1 ? "" : "s",
                STR_FMT(m->target.table.name), numbers.values[0] == 1 ? "es" : "");
    corrie_hint(err, "make the source unique first: SELECT DISTINCT ON (key) …, or GROUP BY key");
    return dml_at(m->dml, &m->dml->statement.table.name, err);
}

static int count_actions(struct merging *m, corrie_error *err)
{
    _cleanup_(compose_done) struct compose sql = {0};
    struct dml_report *report = &m->dml->report;
    struct dml_numbers numbers;
    int r;

    compose_text(&sql, "SELECT \"corrie.a\", count(*) FROM " DML_CHANGES " GROUP BY 1");
    r = dml_numbers(m->dml, &sql, 2, &numbers, err);
    for (size_t i = 0; r >= 0 && i < numbers.rows; i++) {
        const struct clause *clause = &m->clauses[numbers.values[2 * i] - 1];
        int64_t n = numbers.values[2 * i + 1];

        report->updated += clause->effect == EFFECT_UPDATE ? n : 0;
        report->deleted += clause->effect == EFFECT_DELETE ? n : 0;
        report->inserted += clause->effect == EFFECT_INSERT ? n : 0;
    }
    return r;
}

static int find_hits(struct merging *m, struct dml_hits *ret, corrie_error *err)
{
    _cleanup_(compose_done) struct compose sql = {0};
    struct dml_numbers numbers;
    int r;

    compose_text(&sql, "SELECT \"corrie.f\", count(*) FROM " DML_CHANGES
                       " WHERE \"corrie.f\" IS NOT NULL AND ");
    add_modifying(&sql, m);
    compose_text(&sql, " GROUP BY 1");
    r = dml_numbers(m->dml, &sql, 2, &numbers, err);
    return r < 0 ? r
                 : dml_take_hits(m->dml, &m->target, &numbers, !has_effect(m, EFFECT_UPDATE), ret,
                                 err);
}

/* Rows of files that are written anew, changed or not, without those that go. */
static void compose_rewritten(struct compose *sql, const struct merging *m,
                              const struct dml_hits *hits)
{
    compose_text(sql, "SELECT ");
    for (size_t i = 0; i < m->schema->n_fields; i++) {
        compose_text(sql, i == 0 ? "" : ", ");
        if (m->valued[i]) {
            compose_text(sql, "CASE WHEN m.\"corrie.a\" IN ");
            add_actions(sql, m, EFFECT_UPDATE, &i);
            compose_format(sql, " THEN m.\"corrie.v%zu\" ELSE ", i);
        }
        compose_text(sql, "t.");
        compose_name(sql, m->schema->fields[i].name);
        compose_text(sql, m->valued[i] ? " END" : "");
    }
    compose_text(sql, " FROM " DML_REWRITE " AS t LEFT JOIN (SELECT * FROM " DML_CHANGES
                      " WHERE \"corrie.f\" IS NOT NULL AND ");
    add_modifying(sql, m);
    compose_text(sql, ") AS m ON m.\"corrie.r\" = t." DML_ROW " AND m.\"corrie.f\" = [");
    for (size_t i = 0; i < hits->n_rewritten; i++) {
        compose_format(sql, "%s%zu", i == 0 ? "" : ",", hits->rewritten[i]);
    }
    compose_text(sql, "][t." DML_FILE " + 1] WHERE coalesce(m.\"corrie.a\" NOT IN ");
    add_actions(sql, m, EFFECT_DELETE, NULL);
    compose_text(sql, ", true) ORDER BY t." DML_FILE ", t." DML_ROW);
}

static void compose_inserted(struct compose *sql, const struct merging *m)
{
    compose_text(sql, "SELECT ");
    for (size_t i = 0; i < m->schema->n_fields; i++) {
        compose_format(sql, "%s\"corrie.v%zu\"", i == 0 ? "" : ", ", i);
    }
    compose_text(sql, " FROM " DML_CHANGES " WHERE \"corrie.a\" IN ");
    add_actions(sql, m, EFFECT_INSERT, NULL);
    compose_text(sql, " ORDER BY \"corrie.s\"");
}

static int apply_changes(struct merging *m, corrie_error *err)
{
    _cleanup_(compose_done) struct compose rewritten = {0};
    _cleanup_(compose_done) struct compose inserted = {0};
    struct str selects[2];
    size_t n = 0;
    struct dml_hits hits;
    int r;

    r = check_cardinality(m, err);
    if (r < 0 || (r = count_actions(m, err)) < 0 || (r = find_hits(m, &hits, err)) < 0) {
        return r;
    }
    if (hits.n_rewritten > 0) {
        compose_rewritten(&rewritten, m, &hits);
        selects[n++] = buf_str(&rewritten.text);
    }
    if (m->dml->report.inserted > 0) {
        compose_inserted(&inserted, m);
        selects[n++] = buf_str(&inserted.text);
    }
    r = compose_check(&rewritten, err);
    if (r < 0 || (r = compose_check(&inserted, err)) < 0) {
        return r;
    }
    return n + hits.n_removed > 0 ? dml_rewrite(m->dml, &m->target, &hits, selects, n, err) : 0;
}

/* ---- clauses ---- */

/* A condition is asked once for each column: it must answer the same each time. */
static int check_condition(struct dml *dml, struct str condition, corrie_error *err)
{
    _cleanup_(compose_done) struct compose sql = {0};
    struct engine_statement statement;
    int r;

    if (condition.len == 0) {
        return 0;
    }
    compose_text(&sql, "SELECT (");
    compose_piece(&sql, dml, condition);
    compose_text(&sql, ")");
    r = compose_check(&sql, err);
    if (r < 0) {
        return r;
    }
    r = engine_inspect(dml_engine(dml), buf_str(&sql.text), dml->file, &dml->arena, &statement,
                       err);
    if (r < 0) {
        return compose_place(&sql, dml, err);
    }
    if (statement.volatile_) {
        corrie_fail(err, CORRIE_E_PROJECT,
                    "the condition of a WHEN must not differ from call to call");
        corrie_hint(err, "compute it as a column of the source: USING (SELECT *, random() AS r …)");
        return corrie_error_at_offset(err, dml->file, dml->source,
                                      statement_offset(dml->source, condition), condition.len);
    }
    return 0;
}

/* What * stands for: the columns of the source, by name, or one after the other. */
static int sets_of_source(struct merging *m, const struct sql_merge_clause *given,
                          struct dml_sets *ret, corrie_error *err)
{
    struct dml *dml = m->dml;
    const struct schema *source = &m->columns;
    struct dml_set *items = arena_array(&dml->arena, struct dml_set, source->n_fields);

    if (!items) {
        return corrie_fail_memory(err);
    }
    if (given->by_position && source->n_fields != m->schema->n_fields) {
        corrie_fail(err, CORRIE_E_PROJECT,
                    "BY POSITION: the source has %zu columns and the table %zu", source->n_fields,
                    m->schema->n_fields);
        return corrie_error_at_offset(err, dml->file, dml->source, given->offset, WHEN_LENGTH);
    }
    for (size_t i = 0; i < source->n_fields; i++) {
        _cleanup_(buf_done) struct buf value = {0};
        size_t *path = arena_array(&dml->arena, size_t, 1);
        struct sql_name name = {
            .text = source->fields[i].name, .offset = given->offset, .length = WHEN_LENGTH};
        int r = 0;

        if (!path) {
            return corrie_fail_memory(err);
        }
        *path = i;
        if (!given->by_position) {
            r = dml_find_column(dml, m->schema, &name, path, err);
        }
        if (r < 0) {
            return corrie_wrap(err, "all columns of the source are wanted, but");
        }
        buf_add_sql_name(&value, m->source);
        buf_add_char(&value, '.');
        buf_add_sql_name(&value, source->fields[i].name);
        items[i] = (struct dml_set){.path = path, .n_path = 1};
        if (arena_str(&dml->arena, buf_str(&value), &items[i].value) < 0) {
            return corrie_fail_memory(err);
        }
    }
    *ret = (struct dml_sets){.items = items, .count = source->n_fields};
    return 0;
}

static int sets_of_insert(struct merging *m, const struct sql_merge_clause *given,
                          struct dml_sets *ret, corrie_error *err)
{
    struct dml *dml = m->dml;
    struct dml_set *items = arena_array(&dml->arena, struct dml_set, given->n_values);

    if (!items) {
        return corrie_fail_memory(err);
    }
    if (given->n_columns == 0 && given->n_values != m->schema->n_fields) {
        corrie_fail(err, CORRIE_E_PROJECT, "INSERT gives %zu values and the table has %zu columns",
                    given->n_values, m->schema->n_fields);
        return corrie_error_at_offset(err, dml->file, dml->source, given->offset, WHEN_LENGTH);
    }
    for (size_t i = 0; i < given->n_values; i++) {
        size_t *path = arena_array(&dml->arena, size_t, 1);
        int r = 0;

        if (!path) {
            return corrie_fail_memory(err);
        }
        *path = i;
        if (given->n_columns > 0) {
            r = dml_find_column(dml, m->schema, &given->columns[i], path, err);
        }
        for (size_t k = 0; r >= 0 && k < i; k++) {
            if (items[k].path[0] == *path) {
                corrie_fail(err, CORRIE_E_PROJECT, "the column is named twice");
                r = dml_at(dml, &given->columns[i], err);
            }
        }
        if (r < 0) {
            return r;
        }
        items[i] = (struct dml_set){.path = path, .n_path = 1, .value = given->values[i]};
    }
    *ret = (struct dml_sets){.items = items, .count = given->n_values};
    return 0;
}

static int resolve_clause(struct merging *m, const struct sql_merge_clause *given,
                          struct clause *ret, corrie_error *err)
{
    int r = check_condition(m->dml, given->condition, err);

    *ret = (struct clause){.when = given->when, .condition = given->condition};
    if (r < 0) {
        return r;
    }
    switch (given->action) {
    case THEN_UPDATE:
        ret->effect = EFFECT_UPDATE;
        return dml_resolve_sets(m->dml, m->schema, given->sets, given->n_sets, &ret->sets, err);
    case THEN_UPDATE_ALL:
        ret->effect = EFFECT_UPDATE;
        return sets_of_source(m, given, &ret->sets, err);
    case THEN_DELETE:
        ret->effect = EFFECT_DELETE;
        return 0;
    case THEN_INSERT:
        ret->effect = EFFECT_INSERT;
        return sets_of_insert(m, given, &ret->sets, err);
    case THEN_INSERT_ALL:
        ret->effect = EFFECT_INSERT;
        return sets_of_source(m, given, &ret->sets, err);
    case THEN_NOTHING:
        return 0;
    }
    return 0;
}

/* The source's columns. As text, since tables have not all types that a source may have. */
static int bind_source(struct merging *m, corrie_error *err)
{
    _cleanup_(compose_done) struct compose sql = {0};
    struct engine_binding binding;
    int r;

    compose_with(&sql, m->dml);
    compose_text(&sql, "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ");
    add_source(&sql, m);
    r = dml_read_tables(m->dml, &sql, &m->dml->statement.table, NULL, err);
    if (r >= 0) {
        r = dml_bind(m->dml, &sql, NULL, &binding, err);
    }
    if (r >= 0) {
        m->columns = binding.columns;
    }
    return r;
}

static int resolve_clauses(struct merging *m, corrie_error *err)
{
    const struct statement *s = &m->dml->statement;
    int r = 0;

    m->n_clauses = s->kind == STATEMENT_MERGE ? s->n_clauses : 1;
    m->clauses = arena_array(&m->dml->arena, struct clause, m->n_clauses);
    m->valued = arena_array(&m->dml->arena, bool, m->schema->n_fields);
    if (!m->clauses || !m->valued) {
        return corrie_fail_memory(err);
    }
    if (s->kind == STATEMENT_MERGE) {
        r = bind_source(m, err);
    } else {
        _error_ corrie_error ignored = CORRIE_ERROR_INIT; /* it may speak of the table's rows */

        if (s->source.len > 0 && bind_source(m, &ignored) < 0) {
            m->columns = (struct schema){0};
        }
        m->clauses[0] =
            (struct clause){.effect = s->kind == STATEMENT_DELETE ? EFFECT_DELETE : EFFECT_UPDATE};
        r = dml_resolve_sets(m->dml, m->schema, s->sets, s->n_sets, &m->clauses[0].sets, err);
    }
    for (size_t i = 0; r >= 0 && i < s->n_clauses; i++) {
        r = resolve_clause(m, &s->clauses[i], &m->clauses[i], err);
    }
    for (size_t i = 0; r >= 0 && i < m->schema->n_fields; i++) {
        m->valued[i] = has_effect(m, EFFECT_INSERT);
        for (size_t k = 0; k < m->n_clauses; k++) {
            m->valued[i] |= dml_sets_column(&m->clauses[k].sets, i);
        }
    }
    return r;
}

/* Rows that match nothing have no row of the other side: to name its columns there is a mistake. */
static int check_scope(struct merging *m, enum sql_when when, corrie_error *err)
{
    _cleanup_(compose_done) struct compose sql = {0};
    const struct statement *s = &m->dml->statement;
    bool source = when == WHEN_NOT_MATCHED;
    struct engine_binding ignored;
    int r;

    if (s->kind != STATEMENT_MERGE || !has_when(m, when)) {
        return 0;
    }
    compose_with(&sql, m->dml);
    compose_text(&sql, "SELECT 1");
    for (size_t i = 0; i < s->n_clauses; i++) {
        if (s->clauses[i].when == when) {
            dml_add_clause(&sql, m->dml, &s->clauses[i]);
        }
    }
    compose_text(&sql, " FROM ");
    if (source) {
        add_numbered(&sql, m);
    } else {
        dml_add_rows(&sql, m->dml, m->schema, NULL, DML_TARGET);
    }
    r = dml_read_tables(m->dml, &sql, &s->table, NULL, err);
    r = r < 0 ? r : dml_bind(m->dml, &sql, source ? NULL : &m->target, &ignored, err);
    if (r == CORRIE_E_NOT_FOUND) {
        corrie_hint(err, "%s there is no row of the %s",
                    source ? "WHEN NOT MATCHED" : "WHEN NOT MATCHED BY SOURCE",
                    source ? "table" : "source");
    }
    return r;
}

/* ---- all of it ---- */

/* What can stand behind FROM, with the name by which the condition means it. */
static void add_named_source(struct compose *sql, const void *arg)
{
    const struct merging *m = arg;
    bool merge = m->dml->statement.kind == STATEMENT_MERGE;

    compose_text(sql, merge ? "(SELECT * FROM " : "");
    add_source(sql, m);
    if (merge) {
        compose_text(sql, ") AS ");
        compose_name(sql, m->source);
    }
}

/* Rows that match nothing in the source may count where a clause is for them. */
static int find_keys(struct merging *m, struct dml_keys *ret, corrie_error *err)
{
    const struct statement *s = &m->dml->statement;
    const struct dml_join join = {.row = m->row,
                                  .source = m->source,
                                  .condition = s->condition,
                                  .columns = &m->columns,
                                  .using_columns = s->using_columns,
                                  .n_using = s->n_using_columns,
                                  .add_source = add_named_source,
                                  .arg = m};

    *ret = (struct dml_keys){0};
    return has_when(m, WHEN_NOT_MATCHED_BY_SOURCE)
               ? 0
               : dml_find_keys(m->dml, &m->target, &join, ret, err);
}

static int open_merge(struct merging *m, corrie_error *err)
{
    const struct statement *s = &m->dml->statement;
    int r = dml_open_target(m->dml, &m->target, err);

    if (r < 0) {
        return r;
    }
    m->schema = metadata_schema(m->target.metadata);
    m->row = dml_row_name(m->dml);
    m->source = s->source_alias.text;
    if (s->kind == STATEMENT_MERGE && m->source.len == 0) {
        m->source = STR(SOURCE_ALIAS);
    }
    if (s->kind == STATEMENT_MERGE && str_eq_nocase(m->row, m->source)) {
        corrie_fail(err, CORRIE_E_PROJECT, "the table and the source have the same name");
        corrie_hint(err, "give one an alias: MERGE INTO %.*s AS t USING …", STR_FMT(m->row));
        return dml_at(m->dml, &s->source_alias, err);
    }
    r = dml_check_pieces(m->dml, err);
    return r < 0 ? r : resolve_clauses(m, err);
}

static int merge(struct merging *m, corrie_error *err)
{
    _cleanup_(compose_done) struct compose written = {0};
    _cleanup_(compose_done) struct compose sql = {0};
    struct engine_binding binding;
    struct dml_keys keys;
    int r = open_merge(m, err);

    if (r < 0) {
        return r;
    }
    compose_changes(&written, m);
    r = dml_read_tables(m->dml, &written, &m->dml->statement.table, NULL, err);
    if (r < 0 || (r = dml_bind(m->dml, &written, &m->target, &binding, err)) < 0 ||
        (r = check_scope(m, WHEN_NOT_MATCHED, err)) < 0 ||
        (r = check_scope(m, WHEN_NOT_MATCHED_BY_SOURCE, err)) < 0 ||
        (r = find_keys(m, &keys, err)) < 0) {
        return r;
    }
    m->kept = r > 0;
    compose_changes(&sql, m);
    r = compose_check(&sql, err);
    if (r < 0 || (r = dml_define_candidates(m->dml, &m->target, &binding, &keys, err)) < 0 ||
        (r = changes_schema(m, err)) < 0 || (r = write_changes(m, &sql, err)) < 0) {
        return r;
    }
    return apply_changes(m, err);
}

/* The changes may be as large as the table, and the next statement finds the directory as it was. */
static void remove_scratch(const struct dml *dml, unsigned first)
{
    for (unsigned i = first; i < dml->scratch; i++) {
        _cleanup_(buf_done) struct buf path = {0};
        _error_ corrie_error ignored = CORRIE_ERROR_INIT;

        add_scratch(dml, i, &path);
        if (path.failed || os_unlink(buf_text(&path), &ignored) < 0) {
            corrie_error_clear(&ignored); /* it goes with the workspace */
        }
    }
}

int dml_merge(struct dml *dml, corrie_error *err)
{
    struct merging merging = {.dml = dml};
    unsigned first = dml->scratch;
    int r = merge(&merging, err);

    engine_drop_rows(dml_engine(dml), STR(DML_SPACE), STR("source"));
    remove_scratch(dml, first);
    lake_target_done(&merging.target);
    return r;
}

int dml_change_joined(struct dml *dml, corrie_error *err)
{
    return dml_merge(dml, err);
}
