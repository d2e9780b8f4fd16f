/* columns.c — the columns that a statement names, and SQL for what becomes of them. */
#include "dml/dml_priv.h"

enum { NEAREST = 3 };

bool dml_in_word(struct str text, size_t at)
{
    unsigned char c = at < text.len ? (unsigned char)text.data[at] : ' ';

    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c >= 0x80;
}

/* A field of a struct or schema. `what` is for messages: "the table", "column a". */
static int find_field(const struct dml *dml, const struct field *fields, size_t n,
                      const struct sql_name *name, const char *what, size_t *ret, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf hint = {0};
    struct str *names = arena_array(&arena, struct str, n);
    size_t nearest[NEAREST];
    size_t n_nearest;
    size_t found = n;
    size_t n_found = 0;

    if (!names) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        names[i] = fields[i].name;
        if (str_eq(fields[i].name, name->text)) {
            *ret = i;
            return 0;
        }
        if (str_eq_nocase(fields[i].name, name->text)) {
            found = i;
            n_found++;
        }
    }
    if (n_found == 1) {
        *ret = found;
        return 0;
    }
    corrie_fail(err, CORRIE_E_NOT_FOUND, "%s has no column %.*s", what, STR_FMT(name->text));
    n_nearest = str_nearest(name->text, names, n, nearest, NEAREST);
    for (size_t i = 0; i < n_nearest; i++) {
        buf_addf(&hint, "%s%.*s", i == 0 ? "" : ", ", STR_FMT(names[nearest[i]]));
    }
    if (n_nearest > 0) {
        corrie_hint(err, "the nearest: %s", buf_text(&hint));
    }
    return dml_at(dml, name, err);
}

int dml_find_column(const struct dml *dml, const struct schema *schema, const struct sql_name *name,
                    size_t *ret, corrie_error *err)
{
    return find_field(dml, schema->fields, schema->n_fields, name, "the table", ret, err);
}

int dml_find_source(const struct dml *dml, const struct schema *schema,
                    const struct partition_by_term *term, struct str text, const struct field **ret,
                    corrie_error *err)
{
    _cleanup_(buf_done) struct buf type_text = {0};
    _cleanup_(buf_done) struct buf called = {0};
    const struct field *fields = schema->fields;
    size_t n_fields = schema->n_fields;
    const struct field *field = NULL;
    struct sql_name name = {.offset = statement_offset(dml->source, text) + term->offset,
                            .length = term->length};
    struct transform transform;
    struct type type;

    for (size_t i = 0; i < term->n_path; i++) {
        size_t at;
        int r;

        name.text = term->path[i];
        r = find_field(dml, fields, n_fields, &name, i == 0 ? "the table" : "the struct", &at, err);
        if (r < 0) {
            return r;
        }
        field = &fields[at];
        fields = field->type.fields;
        n_fields = field->type.kind == TYPE_STRUCT ? field->type.n_fields : 0;
    }
    if (!transform_parse(term->transform, &transform) ||
        !transform_result(&transform, &field->type, &type)) {
        type_print(&field->type, &type_text);
        partition_terms_print(term, 1, &called);
        corrie_fail(err, CORRIE_E_USAGE,
                    "partition by %s: the column is %s, which has no such transform",
                    buf_text(&called), buf_text(&type_text));
        return dml_at(dml, &name, err);
    }
    *ret = field;
    return 0;
}

/* ---- SET ---- */

static int resolve_path(struct dml *dml, const struct schema *schema, const struct sql_set *set,
                        struct dml_set *ret, corrie_error *err)
{
    const struct field *fields = schema->fields;
    size_t n_fields = schema->n_fields;
    const struct sql_path *path = &set->path;
    size_t *indexes = arena_array(&dml->arena, size_t, path->n_parts);
    size_t first = 0;

    if (!indexes) {
        return corrie_fail_memory(err);
    }
    /* SET a.x where a is what the row is called and no column */
    if (path->n_parts > 1 && !schema_find(schema, path->parts[0].text) &&
        str_eq_nocase(path->parts[0].text, dml_row_name(dml))) {
        first = 1;
    }
    for (size_t i = first; i < path->n_parts; i++) {
        const struct field *field;
        int r = find_field(dml, fields, n_fields, &path->parts[i],
                           i == first ? "the table" : "the struct", &indexes[i - first], err);

        if (r < 0) {
            return r;
        }
        field = &fields[indexes[i - first]];
        fields = field->type.fields;
        n_fields = field->type.n_fields;
        if (i + 1 < path->n_parts && field->type.kind != TYPE_STRUCT) {
            corrie_fail(err, CORRIE_E_PROJECT, "%.*s is no struct: nothing inside it can be set",
                        STR_FMT(field->name));
            return dml_at(dml, &path->parts[i + 1], err);
        }
    }
    *ret = (struct dml_set){.path = indexes, .n_path = path->n_parts - first, .value = set->value};
    return 0;
}

/* Whether one is the other or lies in it. */
static bool overlaps(const struct dml_set *a, const struct dml_set *b)
{
    size_t n = a->n_path < b->n_path ? a->n_path : b->n_path;

    return memcmp(a->path, b->path, n * sizeof *a->path) == 0;
}

int dml_resolve_sets(struct dml *dml, const struct schema *schema, const struct sql_set *sets,
                     size_t n_sets, struct dml_sets *ret, corrie_error *err)
{
    struct dml_set *items = arena_array(&dml->arena, struct dml_set, n_sets);

    if (!items) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n_sets; i++) {
        int r = resolve_path(dml, schema, &sets[i], &items[i], err);

        if (r < 0) {
            return r;
        }
        for (size_t k = 0; k < i; k++) {
            if (overlaps(&items[i], &items[k])) {
                corrie_fail(err, CORRIE_E_PROJECT, "%.*s is set twice",
                            STR_FMT(sets[i].path.parts[sets[i].path.n_parts - 1].text));
                return dml_at(dml, &sets[i].path.parts[sets[i].path.n_parts - 1], err);
            }
        }
    }
    *ret = (struct dml_sets){.items = items, .count = n_sets};
    return 0;
}

bool dml_sets_column(const struct dml_sets *sets, size_t column)
{
    for (size_t i = 0; i < sets->count; i++) {
        if (sets->items[i].path[0] == column) {
            return true;
        }
    }
    return false;
}

void dml_add_cast(struct compose *sql, const struct dml *dml, struct str value,
                  const struct type *type)
{
    compose_text(sql, "CAST((");
    compose_piece(sql, dml, value);
    compose_text(sql, ") AS ");
    type_print_sql(type, &sql->text);
    compose_text(sql, ")");
}

/* A field that some sets reach: `path` leads to it, `old` is SQL for what it was. */
static void add_field(struct compose *sql, const struct dml *dml, const struct type *type,
                      const struct dml_sets *sets, size_t *path, size_t n_path, struct str old)
{
    bool inside = false;

    for (size_t i = 0; i < sets->count; i++) {
        const struct dml_set *set = &sets->items[i];

        if (set->n_path < n_path || memcmp(set->path, path, n_path * sizeof *path) != 0) {
            continue;
        }
        if (set->n_path == n_path) {
            dml_add_cast(sql, dml, set->value, type);
            return;
        }
        inside = true;
    }
    if (!inside || type->kind != TYPE_STRUCT || n_path >= CORRIE_MAX_TYPE_DEPTH) {
        buf_add_str(&sql->text, old);
        return;
    }
    compose_text(sql, "struct_pack(");
    for (size_t i = 0; i < type->n_fields; i++) {
        _cleanup_(buf_done) struct buf inner = {0};

        buf_add_text(&inner, "struct_extract(");
        buf_add_str(&inner, old);
        buf_add_text(&inner, ", ");
        buf_add_sql_string(&inner, type->fields[i].name);
        buf_add_text(&inner, ")");
        compose_text(sql, i == 0 ? "" : ", ");
        compose_name(sql, type->fields[i].name);
        compose_text(sql, " := ");
        path[n_path] = i;
        add_field(sql, dml, &type->fields[i].type, sets, path, n_path + 1, buf_str(&inner));
        if (inner.failed) {
            sql->text.failed = inner.failed;
        }
    }
    compose_text(sql, ")");
}

void dml_add_assigned(struct compose *sql, const struct dml *dml, const struct schema *schema,
                      size_t column, const struct dml_sets *sets, struct str alias)
{
    _cleanup_(buf_done) struct buf old = {0};
    size_t path[CORRIE_MAX_TYPE_DEPTH + 1] = {column};

    buf_add_sql_name(&old, alias);
    buf_add_char(&old, '.');
    buf_add_sql_name(&old, schema->fields[column].name);
    add_field(sql, dml, &schema->fields[column].type, sets, path, 1, buf_str(&old));
    if (old.failed) {
        sql->text.failed = old.failed;
    }
}

/* ---- rows ---- */

bool dml_is_no_column(const struct schema *schema, struct str name)
{
    return schema_index_nocase(schema, name) < 0;
}

bool dml_takes_row(const struct dml *dml, const struct sql_name *alias)
{
    size_t begin = dml->statement.table.name.offset; /* behind WITH */
    struct str text = dml->statement.text;

    text = str_from(text, begin - statement_offset(dml->source, text));
    return alias->text.len > 0 &&
           statement_hides(text, STR_EMPTY, alias->text, alias->offset - begin);
}

/* A column of the name that the rows have: DuckDB looks for columns before it takes the name of a table for a value. Only
 * where it is needed, since behind it a column that is not there is a field that is not. */
void dml_add_rows(struct compose *sql, const struct dml *dml, const struct schema *schema,
                  const struct schema *hidden, const char *table)
{
    struct str row = dml_row_name(dml);

    if (!dml_takes_row(dml, dml_row(dml)) || !dml_is_no_column(schema, row) ||
        (hidden && !dml_is_no_column(hidden, row))) {
        compose_format(sql, "%s AS ", table);
        compose_name(sql, row);
        return;
    }
    compose_text(sql, "(SELECT *, struct_pack(");
    for (size_t i = 0; i < schema->n_fields; i++) {
        compose_text(sql, i == 0 ? "" : ", ");
        compose_name(sql, schema->fields[i].name);
        compose_text(sql, " := ");
        compose_name(sql, schema->fields[i].name);
    }
    compose_text(sql, ") AS ");
    compose_name(sql, row);
    compose_format(sql, " FROM %s) AS ", table);
    compose_name(sql, row);
}

static void add_expression(struct compose *sql, const struct dml *dml, struct str piece)
{
    if (piece.len > 0) {
        compose_text(sql, ", (");
        compose_piece(sql, dml, piece);
        compose_text(sql, ") IS NULL");
    }
}

static void add_sets(struct compose *sql, const struct dml *dml, const struct sql_set *sets,
                     size_t n)
{
    for (size_t i = 0; i < n; i++) {
        add_expression(sql, dml, sets[i].value);
    }
}

void dml_add_clause(struct compose *sql, const struct dml *dml,
                    const struct sql_merge_clause *clause)
{
    add_expression(sql, dml, clause->condition);
    add_sets(sql, dml, clause->sets, clause->n_sets);
    for (size_t i = 0; i < clause->n_values; i++) {
        add_expression(sql, dml, clause->values[i]);
    }
}

static int fail_piece(const struct dml *dml, const struct compose *sql, size_t at,
                      corrie_error *err)
{
    corrie_error_at_offset(err, NULL, buf_str(&sql->text), at, 1);
    return compose_place(sql, dml, err);
}

int dml_check_pieces(struct dml *dml, corrie_error *err)
{
    _cleanup_(compose_done) struct compose sql = {0};
    const struct statement *s = &dml->statement;
    struct engine_statement found;
    int r;

    compose_text(&sql, "SELECT 1");
    add_expression(&sql, dml, s->condition);
    add_sets(&sql, dml, s->sets, s->n_sets);
    for (size_t i = 0; i < s->n_clauses; i++) {
        dml_add_clause(&sql, dml, &s->clauses[i]);
    }
    r = compose_check(&sql, err);
    if (r >= 0) {
        r = engine_inspect(dml_engine(dml), buf_str(&sql.text), dml->file, &dml->arena, &found,
                           err);
        r = r < 0 ? compose_place(&sql, dml, err) : r;
    }
    if (r < 0) {
        return r;
    }
    if (found.star != SIZE_MAX) {
        corrie_fail(err, CORRIE_E_PROJECT, "*, COLUMNS and #1 stand for no columns here");
        corrie_hint(err, "name the columns; a row as one value is written %.*s",
                    STR_FMT(dml_row_name(dml)));
        return fail_piece(dml, &sql, found.star, err);
    }
    if (found.window != SIZE_MAX) { /* which rows it would see depends on the files that are read */
        corrie_fail(err, CORRIE_E_PROJECT, "a window function stands for no rows here");
        corrie_hint(err, "compute it in a query of its own: %s",
                    s->kind == STATEMENT_MERGE ? "USING (SELECT *, … OVER (…) AS x FROM …)"
                                               : "FROM (SELECT …, … OVER (…) AS x FROM …) AS s");
        return fail_piece(dml, &sql, found.window, err);
    }
    if (found.unnest !=
        SIZE_MAX) { /* all rows of the files that are read would come several times */
        corrie_fail(err, CORRIE_E_PROJECT, "a value for one row cannot be several rows");
        corrie_hint(err, "make the rows in a query of their own: %s",
                    s->kind == STATEMENT_MERGE ? "USING (SELECT *, unnest(…) AS x FROM …)"
                                               : "INSERT INTO … SELECT …, unnest(…)");
        return fail_piece(dml, &sql, found.unnest, err);
    }
    return 0;
}
