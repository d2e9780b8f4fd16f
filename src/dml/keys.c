/* keys.c — what the rows of a source say of the rows that a join with them can find.
 *
 * Where all that is joined must satisfy "column of the table = value of the source", no row of the table counts whose
 * column is none of those values. Their range, or the values themselves where they are few, become conditions of the
 * table's scan, and files that cannot hold such rows are not read.
 *
 * To know the values costs reading the source before the table. So that it is read once all the same, and says the same
 * twice, its rows are kept in the engine, and the join reads them there: of the columns that are named. */
#include "arrow/table.h"
#include "base/map.h"
#include "dml/dml_priv.h"
#include "lang/filter.h"

/* Below this many files there is little to leave out. */
#define FEW_FILES 2
/* So many values are told one by one; each is asked of every file. */
#define MAX_VALUES 200

/* column = value */
struct key {
    const struct field *column; /* of the table */
    struct str value;           /* SQL over the source */
};

struct finding {
    struct dml *dml;
    const struct dml_join *join;
    const struct schema *schema;
    VEC(struct key) keys;
    struct engine_scan_filter *filters;
    size_t n_filters;
};

/* ---- which columns ---- */

static bool is_row(const struct finding *f, struct str name)
{
    return str_eq_nocase(name, f->join->row);
}

/* Whether an expression may speak of the table's rows. */
static bool speaks_of_row(const struct finding *f, const struct filter_expr *expr)
{
    if (expr->kind == FILTER_COLUMN) {
        for (size_t i = 0; i + 1 < expr->n_path && i < 2; i++) {
            if (is_row(f, expr->path[i])) {
                return true;
            }
        }
    }
    for (size_t i = 0; i < expr->n_args; i++) {
        if (speaks_of_row(f, expr->args[i])) {
            return true;
        }
    }
    return false;
}

/* The table's column that an expression is, or NULL. A name alone is in doubt if the source has it too: then DuckDB has
 * refused it. */
static const struct field *column_of(const struct finding *f, const struct filter_expr *expr)
{
    const struct field *found = NULL;
    struct str name;

    if (expr->kind != FILTER_COLUMN || expr->n_path > 2 ||
        (expr->n_path == 2 && !is_row(f, expr->path[0]))) {
        return NULL;
    }
    name = expr->path[expr->n_path - 1];
    for (size_t i = 0; i < f->schema->n_fields; i++) {
        if (str_eq_nocase(f->schema->fields[i].name, name)) {
            if (found) {
                return NULL;
            }
            found = &f->schema->fields[i];
        }
    }
    return found;
}

/* Types of which every value of the source is one of the column's, or equal to none of them. Floats have NaN, which is in
 * no bound; of bytes there is no text; a collation of the source's makes texts equal that are not the same. */
static bool comparable(const struct finding *f, const struct type *column, const struct type *value)
{
    bool whole = column->kind == TYPE_INT || column->kind == TYPE_LONG;

    switch (column->kind) {
    case TYPE_STRING:
        return type_same(column, value) && !str_has_nocase(f->dml->statement.text, STR("COLLATE"));
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
    case TYPE_FIXED:
    case TYPE_BINARY:
        return false;
    default:
        return !type_is_nested(column) &&
               (type_same(column, value) ||
                (whole && (value->kind == TYPE_INT || value->kind == TYPE_LONG)));
    }
}

static void add_source(struct compose *sql, const struct finding *f)
{
    compose_text(sql, " FROM ");
    f->join->add_source(sql, f->join->arg);
}

/* Whether that is something that the source alone says, of a type like the column's, and says it again when asked again. */
static int is_of_source(struct finding *f, const struct field *column, struct str value,
                        corrie_error *err)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _cleanup_(compose_done) struct compose sql = {0};
    _cleanup_(compose_done) struct compose alone = {0};
    struct engine_statement statement;
    struct engine_binding binding;
    int r;

    compose_text(&alone, "SELECT (");
    compose_piece(&alone, f->dml, value);
    compose_text(&alone, ")");
    compose_with(&sql, f->dml);
    compose_text(&sql, "SELECT (");
    compose_piece(&sql, f->dml, value);
    compose_text(&sql, ")");
    add_source(&sql, f);
    r = compose_check(&alone, err);
    if (r < 0 || (r = compose_check(&sql, err)) < 0) {
        return r;
    }
    r = engine_inspect(dml_engine(f->dml), buf_str(&alone.text), NULL, &f->dml->arena, &statement,
                       &ignored);
    if (r < 0 || statement.volatile_ || statement.n_tables > 0) {
        return 0;
    }
    r = dml_bind(f->dml, &sql, NULL, &binding, &ignored);
    return r >= 0 && comparable(f, &column->type, &binding.columns.fields[0].type);
}

static int add_key(struct finding *f, const struct field *column, struct str value,
                   corrie_error *err)
{
    int r = is_of_source(f, column, value, err);

    if (r > 0 && vec_push(&f->keys, ((struct key){.column = column, .value = value})) < 0) {
        return corrie_fail_memory(err);
    }
    return r < 0 ? r : 0;
}

/* Of one part of the condition. */
static int find_key(struct finding *f, const struct filter_expr *part, corrie_error *err)
{
    int r = 0;

    if (part->kind != FILTER_COMPARE || part->op != FILTER_OP_EQ) {
        return 0;
    }
    for (size_t i = 0; r == 0 && i < 2; i++) {
        const struct field *column = column_of(f, part->args[i]);
        const struct filter_expr *value = part->args[1 - i];

        if (column && !speaks_of_row(f, value)) {
            r = add_key(f, column, str_slice(f->join->condition, value->offset, value->length),
                        err);
        }
    }
    return r;
}

static int find_keys(struct finding *f, corrie_error *err)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct filter *filter;
    int r = 0;

    for (size_t i = 0; r == 0 && i < f->join->n_using; i++) {
        const struct sql_name *name = &f->join->using_columns[i];
        const struct filter_expr column = {
            .kind = FILTER_COLUMN, .path = (struct str *)&name->text, .n_path = 1};
        const struct field *found = column_of(f, &column);

        r = found ? add_key(f, found, str_slice(f->dml->source, name->offset, name->length), err)
                  : 0;
    }
    if (r < 0 || f->join->condition.len == 0 ||
        filter_parse(f->join->condition, &f->dml->arena, &filter, &ignored) < 0) {
        return r;
    }
    if (filter->root->kind != FILTER_AND) {
        return find_key(f, filter->root, err);
    }
    for (size_t i = 0; r == 0 && i < filter->root->n_args; i++) {
        r = find_key(f, filter->root->args[i], err);
    }
    return r;
}

/* ---- what of the source is kept ---- */

/* The statement around its source. */
static void around(const struct finding *f, struct str ret[2])
{
    const struct statement *s = &f->dml->statement;
    size_t begin = statement_offset(s->text, s->source);

    ret[0] = s->kind == STATEMENT_MERGE ? STR_EMPTY : str_slice(s->text, 0, begin);
    ret[1] = str_from(s->text, begin + s->source.len);
    if (s->kind == STATEMENT_MERGE) { /* without its alias */
        size_t on = s->n_using_columns > 0
                        ? s->using_columns[0].offset - statement_offset(f->dml->source, s->text)
                        : statement_offset(s->text, s->condition);

        ret[1] = str_from(s->text, on);
    }
}

/* Whether only columns of the source count that are named. */
static bool names_columns(const struct finding *f, const struct str text[2])
{
    const struct statement *s = &f->dml->statement;

    for (size_t i = 0; i < s->n_clauses; i++) {
        if (s->clauses[i].action == THEN_UPDATE_ALL || s->clauses[i].action == THEN_INSERT_ALL) {
            return false;
        }
    }
    if (str_find(f->join->source, '"') >= 0) { /* it is written otherwise than it is */
        return false;
    }
    for (size_t i = 0; i < 2; i++) {
        if (str_find(text[i], '*') >= 0 || str_find(text[i], '#') >= 0 ||
            str_has_nocase(text[i], STR("COLUMNS"))) {
            return false;
        }
    }
    return !dml_takes_row(f->dml, &s->source_alias);
}

/* SELECT of the columns that the statement may name; of all if that is in doubt. The statement's WITH stands before. */
static void select_source(struct finding *f, struct compose *sql)
{
    const struct schema *columns = f->join->columns;
    struct str text[2];
    size_t n = 0;

    around(f, text);
    compose_text(sql, "SELECT ");
    for (size_t i = 0; i < columns->n_fields && names_columns(f, text); i++) {
        struct str name = columns->fields[i].name;

        if (str_has_nocase(text[0], name) || str_has_nocase(text[1], name) ||
            str_find(name, '"') >= 0) {
            compose_text(sql, n++ == 0 ? "" : ", ");
            compose_name(sql, name);
        }
    }
    compose_text(sql, n == 0 ? "*" : "");
    add_source(sql, f);
}

/* Whether a column of the source is a NULL of no type, or has one inside: a table would make INTEGER of it. */
static int has_untyped(struct finding *f, bool *ret, corrie_error *err)
{
    _cleanup_(compose_done) struct compose sql = {0};
    struct dml_texts types;
    int r;

    compose_with(&sql, f->dml); /* inside of another query it would be a table */
    compose_text(&sql, "SELECT typeof(first(\"corrie.row\")) FROM (");
    select_source(f, &sql);
    compose_text(&sql, " LIMIT 0) AS \"corrie.row\"");
    r = dml_texts(f->dml, &sql, 1, &types, err);
    if (r >= 0) {
        *ret = str_has_nocase(types.items[0], STR("\"NULL\""));
    }
    return r;
}

/* 0: they cannot be kept. */
static int keep_source(struct finding *f, corrie_error *err)
{
    _cleanup_(compose_done) struct compose sql = {0};
    bool untyped = false;
    int r = has_untyped(f, &untyped, err);

    if (r < 0 || untyped) {
        return r < 0 ? r : 0;
    }
    compose_with(&sql, f->dml);
    select_source(f, &sql);
    r = compose_check(&sql, err);
    if (r >= 0) {
        r = engine_keep_rows(dml_engine(f->dml), STR(DML_SPACE), STR("source"), buf_str(&sql.text),
                             f->dml->file, err);
    }
    return r < 0 ? compose_place(&sql, f->dml, err) : 1;
}

/* ---- their values ---- */

/* The values as the column's type: those that are none of it equal nothing there. */
static void add_values(struct compose *sql, const struct finding *f, const struct key *key)
{
    compose_text(sql, "(SELECT TRY_CAST((");
    compose_piece(sql, f->dml, key->value);
    compose_text(sql, ") AS ");
    type_print_sql(&key->column->type, &sql->text);
    compose_text(sql, ") AS k FROM " DML_SOURCE " AS ");
    compose_name(sql, f->join->source);
    compose_text(sql, ")");
}

static int add_filter(struct finding *f, const struct buf *text, corrie_error *err)
{
    struct engine_scan_filter *filter = &f->filters[f->n_filters];
    int r = buf_check(text, err);

    if (r >= 0) {
        *filter = (struct engine_scan_filter){.optional = true};
        r = arena_str(&f->dml->arena, buf_str(text), &filter->sql) < 0 ? corrie_fail_memory(err)
                                                                       : 0;
        f->n_filters++;
    }
    return r;
}

/* "column" op 'value': pruning reads any value from its text. */
static int add_bound(struct finding *f, const struct key *key, const char *op, struct str value,
                     corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};

    buf_add_sql_name(&text, key->column->name);
    buf_add_text(&text, op);
    buf_add_sql_string(&text, value);
    return add_filter(f, &text, err);
}

static int add_list(struct finding *f, const struct key *key, corrie_error *err)
{
    _cleanup_(compose_done) struct compose sql = {0};
    _cleanup_(buf_done) struct buf text = {0};
    struct dml_texts values;
    int r;

    compose_text(&sql, "SELECT DISTINCT CAST(k AS VARCHAR) FROM ");
    add_values(&sql, f, key);
    compose_format(&sql, " WHERE k IS NOT NULL LIMIT %d", MAX_VALUES + 1);
    r = dml_texts(f->dml, &sql, 1, &values, err);
    if (r < 0 || values.rows > MAX_VALUES) {
        return r;
    }
    buf_add_sql_name(&text, key->column->name);
    buf_add_text(&text, " IN (");
    for (size_t i = 0; i < values.rows; i++) {
        buf_add_text(&text, i == 0 ? "" : ", ");
        buf_add_sql_string(&text, values.items[i]);
    }
    buf_add_char(&text, ')');
    return add_filter(f, &text, err);
}

/* 1: there is a value; 0: there is none, so no row can be found. */
static int add_filters(struct finding *f, const struct key *key, corrie_error *err)
{
    _cleanup_(compose_done) struct compose sql = {0};
    struct dml_texts range;
    struct str low;
    struct str high;
    int r;

    compose_text(&sql, "SELECT CAST(min(k) AS VARCHAR), CAST(max(k) AS VARCHAR), "
                       "CAST(approx_count_distinct(k) AS VARCHAR) FROM ");
    add_values(&sql, f, key);
    r = dml_texts(f->dml, &sql, 3, &range, err);
    if (r < 0) {
        return r;
    }
    low = range.items[0];
    high = range.items[1];
    if (!low.data) {
        return 0;
    }
    r = add_bound(f, key, " >= ", low, err);
    r = r < 0 ? r : add_bound(f, key, " <= ", high, err);
    if (r >= 0 && !str_eq(low, high)) {
        int64_t n = 0;

        if (str_to_int64(range.items[2], &n) && n <= MAX_VALUES) {
            r = add_list(f, key, err);
        }
    }
    return r < 0 ? r : 1;
}

static int tell(struct finding *f, struct dml_keys *ret, corrie_error *err)
{
    int r = keep_source(f, err);

    if (r <= 0) {
        return r;
    }
    /* two bounds and a list for each */
    f->filters = arena_array(&f->dml->arena, struct engine_scan_filter, 3 * f->keys.count);
    if (!f->filters) {
        r = corrie_fail_memory(err);
    }
    for (size_t i = 0; r >= 0 && i < f->keys.count; i++) {
        r = add_filters(f, &f->keys.items[i], err);
        ret->none |= r == 0;
    }
    if (r < 0) {
        return r;
    }
    ret->filters = f->filters;
    ret->n_filters = f->n_filters;
    return 1;
}

int dml_find_keys(struct dml *dml, const struct lake_target *target, const struct dml_join *join,
                  struct dml_keys *ret, corrie_error *err)
{
    struct finding finding = {
        .dml = dml, .join = join, .schema = metadata_schema(target->metadata)};
    int r;

    *ret = (struct dml_keys){0};
    if (join->source.len == 0 || target->table.files < FEW_FILES) {
        return 0;
    }
    r = find_keys(&finding, err);
    if (r >= 0 && finding.keys.count > 0) {
        r = tell(&finding, ret, err);
    }
    vec_done(&finding.keys);
    return r;
}
