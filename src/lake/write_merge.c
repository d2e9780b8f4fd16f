/* write_merge.c — MERGE: new rows in the place of those with the same keys.
 *
 * What goes is a condition over the table, as an overwrite_filter is (write_overwrite.c), but it asks the new rows. So that
 * not every file is looked into, the range of each key's new values bounds it. */
#include "lake/write_priv.h"

#include "arrow/row_text.h"
#include "arrow/table.h"

#define NEW "\"corrie.new\""

/* ---- small results ---- */

/* The first row of a query as texts, nulls without data. 1, or 0: there is none. */
static int first_row(struct writing *w, const struct buf *sql, struct str *ret, size_t n,
                     corrie_error *err)
{
    _cleanup_(arrow_stream_done) struct ArrowArrayStream rows = {0};
    _cleanup_(arrow_schema_done) struct ArrowSchema schema = {0};
    _cleanup_(arrow_array_done) struct ArrowArray batch = {0};
    _cleanup_(row_text_done) struct row_text text = {0};
    int r = buf_check(sql, err);

    if (r < 0 || (r = engine_query(w->write->engine, buf_str(sql), NULL, &rows, err)) < 0) {
        return r;
    }
    if (rows.get_schema(&rows, &schema) != 0 || rows.get_next(&rows, &batch) != 0) {
        return engine_stream_error(&rows, err);
    }
    if (!batch.release || batch.length == 0) {
        return 0;
    }
    if ((r = row_text_begin(&text, &schema, err)) < 0 ||
        (r = row_text_set(&text, &batch, err)) < 0) {
        return r;
    }
    for (size_t i = 0; i < n; i++) {
        _cleanup_(buf_done) struct buf cell = {0};

        ret[i] = (struct str){NULL, 0};
        if (row_text_cell(&text, i, 0, &cell)) {
            char *copy = cell.failed ? NULL : arena_text(w->arena, buf_str(&cell));

            if (!copy) {
                return corrie_fail_memory(err);
            }
            ret[i] = str_of(copy);
        }
    }
    return 1;
}

static void add_source(const struct writing *w, struct buf *sql)
{
    buf_addf(sql, " FROM (%.*s) AS " NEW, STR_FMT(w->write->selects[0]));
}

static void add_new(const struct writing *w, size_t key, struct buf *sql)
{
    buf_add_text(sql, NEW ".");
    buf_add_sql_name(sql, w->write->keys[key]);
}

/* "id, day" */
static void add_key_names(const struct writing *w, struct buf *text)
{
    for (size_t i = 0; i < w->write->n_keys; i++) {
        buf_addf(text, "%s%.*s", i > 0 ? ", " : "", STR_FMT(w->write->keys[i]));
    }
}

/* ---- the new rows ---- */

static int hint_key(const struct writing *w, struct str key, corrie_error *err)
{
    struct str *names = arena_array(w->arena, struct str, w->schema.n_fields);
    size_t nearest;

    if (!names) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < w->schema.n_fields; i++) {
        names[i] = w->schema.fields[i].name;
    }
    if (str_nearest(key, names, w->schema.n_fields, &nearest, 1) == 1) {
        return corrie_hint(err, "keys are columns of both: did you mean %.*s?",
                           STR_FMT(names[nearest]));
    }
    return corrie_hint(err, "keys are columns of both");
}

static int check_keys(struct writing *w, corrie_error *err)
{
    const struct lake_write *write = w->write;

    w->part = LAKE_WRITE_KEYS;
    for (size_t i = 0; i < write->n_keys; i++) {
        const struct field *field = schema_find(&w->schema, write->keys[i]);

        if (!field || (write->schema && !schema_find(write->schema, write->keys[i]))) {
            corrie_fail(err, CORRIE_E_DATA, "%s have no column %.*s, which is a key",
                        field ? "the new rows" : "the table's rows", STR_FMT(write->keys[i]));
            return hint_key(w, write->keys[i], err);
        }
        if (type_is_nested(&field->type)) {
            return corrie_fail(
                err, CORRIE_E_DATA,
                "the key %.*s is a list, struct or map: rows are found by plain values",
                STR_FMT(write->keys[i]));
        }
    }
    return 0;
}

/* A row that is replaced would lose what the new one says nothing of. */
static int check_columns(struct writing *w, corrie_error *err)
{
    w->part = LAKE_WRITE_COLUMNS;
    for (size_t i = 0; w->write->schema && i < w->schema.n_fields; i++) {
        struct str name = w->schema.fields[i].name;

        if (!schema_find(w->write->schema, name)) {
            corrie_fail(err, CORRIE_E_DATA,
                        "the new rows have no column %.*s, which the rows that they replace have",
                        STR_FMT(name));
            return corrie_hint(err, "give it, null where nothing is known");
        }
    }
    return 0;
}

static int check_nulls(struct writing *w, corrie_error *err)
{
    _cleanup_(buf_done) struct buf sql = {0};
    size_t n = w->write->n_keys;
    struct str *counts = arena_array(w->arena, struct str, n);
    int r;

    if (!counts) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        buf_addf(&sql, "%scount(*) FILTER (", i == 0 ? "SELECT " : ", ");
        add_new(w, i, &sql);
        buf_add_text(&sql, " IS NULL)");
    }
    add_source(w, &sql);
    r = first_row(w, &sql, counts, n, err);
    for (size_t i = 0; r > 0 && i < n; i++) {
        if (!str_eq(counts[i], STR("0"))) {
            corrie_fail(err, CORRIE_E_DATA, "%.*s of the new rows %s no value in the key %.*s",
                        STR_FMT(counts[i]), str_eq(counts[i], STR("1")) ? "has" : "have",
                        STR_FMT(w->write->keys[i]));
            return corrie_hint(err, "every row needs its keys: leave those rows out, or choose "
                                    "other keys");
        }
    }
    return r < 0 ? r : 0;
}

static int fail_duplicate(const struct writing *w, const struct str *values, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    size_t n = w->write->n_keys;

    for (size_t i = 0; i < n; i++) {
        buf_addf(&text, "%s%.*s = %.*s", i > 0 ? ", " : "", STR_FMT(w->write->keys[i]),
                 STR_FMT(str_slice(values[i], 0, 100)));
    }
    if (buf_check(&text, err) < 0) {
        return err->code;
    }
    corrie_fail(err, CORRIE_E_DATA, "%.*s of the new rows have the same keys: %s",
                STR_FMT(values[n]), buf_text(&text));
    return corrie_hint(err, "keep one row of each, or name more keys");
}

static int check_duplicates(struct writing *w, corrie_error *err)
{
    _cleanup_(buf_done) struct buf sql = {0};
    size_t n = w->write->n_keys;
    struct str *values = arena_array(w->arena, struct str, n + 1);
    int r;

    if (!values) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        buf_add_text(&sql, i == 0 ? "SELECT " : ", ");
        add_new(w, i, &sql);
    }
    buf_add_text(&sql, ", count(*)");
    add_source(w, &sql);
    buf_add_text(&sql, " GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL LIMIT 1");
    r = first_row(w, &sql, values, n + 1, err);
    return r > 0 ? fail_duplicate(w, values, err) : r;
}

static int wrap_merge(const struct writing *w, corrie_error *err)
{
    _cleanup_(buf_done) struct buf names = {0};

    add_key_names(w, &names);
    return corrie_wrap(err, "merge by %s", buf_text(&names));
}

int merge_check(struct writing *w, corrie_error *err)
{
    int r = check_keys(w, err);

    if (r >= 0) {
        r = check_columns(w, err);
    }
    return r < 0 ? wrap_merge(w, err) : 0;
}

int merge_begin(struct writing *w, corrie_error *err)
{
    int r;

    if (w->write->n_keys == 0 || w->write->n_selects != 1) {
        return corrie_fail(err, CORRIE_E_INTERNAL, "MERGE takes keys, and one select");
    }
    r = check_nulls(w, err);
    if (r >= 0) {
        r = check_duplicates(w, err);
    }
    return r < 0 ? wrap_merge(w, err) : 0;
}

/* ---- the rows that go ---- */

/* Types whose text can be read again as the same value, and whose order is that of the bounds in manifests. */
static bool has_range(const struct type *type)
{
    switch (type->kind) {
    case TYPE_INT:
    case TYPE_LONG:
    case TYPE_DECIMAL:
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
    case TYPE_STRING:
        return true;
    default:
        return false;
    }
}

/* "k" BETWEEN CAST('1' AS BIGINT) AND CAST('9' AS BIGINT) */
static void add_range(const struct field *field, const struct str range[2], struct buf *sql)
{
    buf_add_text(sql, OVERWRITE_OLD ".");
    buf_add_sql_name(sql, field->name);
    for (size_t i = 0; i < 2; i++) {
        buf_add_text(sql, i == 0 ? " BETWEEN CAST(" : " AND CAST(");
        buf_add_sql_string(sql, range[i]);
        buf_add_text(sql, " AS ");
        type_print_sql(&field->type, sql);
        buf_add_char(sql, ')');
    }
}

/* 1; 0: there are no new rows. */
static int bound_keys(struct writing *w, struct buf *bound, corrie_error *err)
{
    buf_add_text(bound, "true");
    for (size_t i = 0; i < w->write->n_keys; i++) {
        const struct field *field = schema_find(&w->schema, w->write->keys[i]);
        _cleanup_(buf_done) struct buf sql = {0};
        struct str range[2];
        int r;

        buf_add_text(&sql, "SELECT CAST(min(");
        add_new(w, i, &sql);
        buf_add_text(&sql, ") AS VARCHAR), CAST(max(");
        add_new(w, i, &sql);
        buf_add_text(&sql, ") AS VARCHAR)");
        add_source(w, &sql);
        r = first_row(w, &sql, range, 2, err);
        if (r < 0 || !range[0].data || !range[1].data) {
            return r < 0 ? r : 0; /* no key is null: there is no row */
        }
        if (has_range(&field->type)) {
            buf_add_text(bound, " AND ");
            add_range(field, range, bound);
        }
    }
    return 1;
}

static void add_match(const struct writing *w, struct buf *sql)
{
    buf_add_text(sql, "EXISTS (SELECT 1");
    add_source(w, sql);
    for (size_t i = 0; i < w->write->n_keys; i++) {
        buf_add_text(sql, i == 0 ? " WHERE " : " AND ");
        add_new(w, i, sql);
        buf_add_text(sql, " = " OVERWRITE_OLD ".");
        buf_add_sql_name(sql, w->write->keys[i]);
    }
    buf_add_char(sql, ')');
}

int merge_condition(struct writing *w, struct str *ret_bound, struct str *ret_condition,
                    corrie_error *err)
{
    _cleanup_(buf_done) struct buf bound = {0};
    _cleanup_(buf_done) struct buf condition = {0};
    int r = bound_keys(w, &bound, err);

    if (r <= 0) {
        return r;
    }
    add_match(w, &condition);
    if ((r = buf_check(&bound, err)) < 0 || (r = buf_check(&condition, err)) < 0) {
        return r;
    }
    if (arena_str(w->arena, buf_str(&bound), ret_bound) < 0 ||
        arena_str(w->arena, buf_str(&condition), ret_condition) < 0) {
        return corrie_fail_memory(err);
    }
    return 1;
}
