/* alter_spec.c — edits of partition fields and of the sort order. */
#include "arrow/transform.h"
#include "base/limits.h"
#include "iceberg/alter.h"
#include "iceberg/metadata_priv.h"

/* ---- names ---- */

struct str partition_field_name(struct str column, struct str transform, bool evolved,
                                struct arena *arena)
{
    struct transform parsed;
    const char *suffix = "";
    bool numbered = false;

    if (!transform_parse(transform, &parsed)) {
        parsed = (struct transform){TRANSFORM_IDENTITY, 0};
    }
    switch (parsed.kind) {
    case TRANSFORM_IDENTITY:
        break;
    case TRANSFORM_VOID:
        suffix = "_null";
        break;
    case TRANSFORM_YEAR:
        suffix = "_year";
        break;
    case TRANSFORM_MONTH:
        suffix = "_month";
        break;
    case TRANSFORM_DAY:
        suffix = "_day";
        break;
    case TRANSFORM_HOUR:
        suffix = "_hour";
        break;
    case TRANSFORM_BUCKET:
        suffix = "_bucket";
        numbered = evolved;
        break;
    case TRANSFORM_TRUNCATE:
        suffix = "_trunc";
        numbered = evolved;
        break;
    }
    char *name = numbered ? arena_printf(arena, "%.*s%s_%d", STR_FMT(column), suffix, parsed.n)
                          : arena_printf(arena, "%.*s%s", STR_FMT(column), suffix);
    return name ? str_of(name) : (struct str){NULL, 0};
}

/* ---- partition fields ---- */

struct spec_altering {
    const struct table_metadata *metadata;
    struct arena *arena;
    struct partition_term terms[CORRIE_MAX_PARTITION_FIELDS];
    int ids[CORRIE_MAX_PARTITION_FIELDS];
    size_t n;
};

/* The field that an edit is about; `n` if there is none. */
static size_t find_field(const struct spec_altering *altering, const struct spec_edit *edit)
{
    size_t i = 0;

    while (i < altering->n) {
        const struct partition_term *term = &altering->terms[i];
        if (edit->field.len > 0 ? str_eq(term->name, edit->field)
                                : term->source_id == edit->term.source_id &&
                                      str_eq(term->transform, edit->term.transform)) {
            break;
        }
        i++;
    }
    return i;
}

static int fail_field(const struct spec_altering *altering, const struct spec_edit *edit,
                      corrie_error *err)
{
    _cleanup_(buf_done) struct buf names = {0};

    if (edit->field.len > 0) {
        corrie_fail(err, CORRIE_E_NOT_FOUND, "the table is not partitioned by a field '%.*s'",
                    STR_FMT(edit->field));
    } else {
        struct str column = STR("no column");
        (void)schema_find_source(metadata_schema(altering->metadata), edit->term.source_id,
                                 altering->arena, &column);
        corrie_fail(err, CORRIE_E_NOT_FOUND, "the table is not partitioned by %.*s(%.*s)",
                    STR_FMT(edit->term.transform), STR_FMT(column));
    }
    for (size_t i = 0; i < altering->n; i++) {
        buf_addf(&names, "%s%.*s", i ? ", " : "", STR_FMT(altering->terms[i].name));
    }
    return altering->n == 0 ? err->code : corrie_hint(err, "its fields: %s", buf_text(&names));
}

static int add_field(struct spec_altering *altering, const struct spec_edit *edit,
                     corrie_error *err)
{
    const struct schema *schema = metadata_schema(altering->metadata);
    struct partition_term term = edit->term;
    struct str column;

    if (altering->n == CORRIE_MAX_PARTITION_FIELDS) {
        return corrie_fail(err, CORRIE_E_LIMIT, "more than %d partition fields",
                           CORRIE_MAX_PARTITION_FIELDS);
    }
    if (term.name.len == 0 && schema_find_source(schema, term.source_id, NULL, NULL)) {
        if (!schema_find_source(schema, term.source_id, altering->arena, &column)) {
            return corrie_fail_memory(err);
        }
        term.name = partition_field_name(column, term.transform, true, altering->arena);
        if (!term.name.data) {
            return corrie_fail_memory(err);
        }
    }
    altering->ids[altering->n] = 0;
    altering->terms[altering->n++] = term;
    return 0; /* whether it can be is metadata_with_terms's to say */
}

static int edit_field(struct spec_altering *altering, const struct spec_edit *edit,
                      corrie_error *err)
{
    if (edit->kind == SPEC_ADD) {
        return add_field(altering, edit, err);
    }
    size_t at = find_field(altering, edit);
    if (at == altering->n) {
        return fail_field(altering, edit, err);
    }
    if (edit->kind == SPEC_RENAME) {
        altering->terms[at].name = edit->term.name;
        return 0;
    }
    altering->n--;
    for (size_t i = at; i < altering->n; i++) {
        altering->terms[i] = altering->terms[i + 1];
        altering->ids[i] = altering->ids[i + 1];
    }
    return 0;
}

int metadata_with_spec_edits(const struct table_metadata *metadata, const struct spec_edit *edits,
                             size_t n_edits, int64_t now_ms, struct table_metadata **ret,
                             corrie_error *err)
{
    const struct partition_spec *spec = metadata_spec(metadata);
    _cleanup_(arena_done) struct arena arena = {0};
    struct spec_altering *altering = arena_array(&arena, struct spec_altering, 1);
    int r = 0;

    if (!altering) {
        return corrie_fail_memory(err);
    }
    *altering = (struct spec_altering){.metadata = metadata, .arena = &arena};
    for (size_t i = 0; i < spec->n_fields; i++) {
        const struct partition_field *field = &spec->fields[i];
        if (!str_eq(field->transform, STR("void"))) { /* what version 1 left of a dropped one */
            altering->ids[altering->n] = field->field_id;
            altering->terms[altering->n++] =
                (struct partition_term){field->source_id, field->transform, field->name};
        }
    }
    for (size_t i = 0; r >= 0 && i < n_edits; i++) {
        r = edit_field(altering, &edits[i], err);
    }
    return r < 0 ? r
                 : metadata_with_terms(metadata, altering->terms, altering->ids, altering->n,
                                       now_ms, ret, err);
}

/* ---- sort orders ---- */

static int read_terms(const json_t *fields, struct arena *arena, const struct sort_term **ret,
                      size_t *ret_n, corrie_error *err)
{
    size_t n = json_array_size(fields);
    struct sort_term *terms = arena_array(arena, struct sort_term, n + 1);

    if (!terms) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *field = json_array_get(fields, i);
        struct str direction = STR_EMPTY;
        struct str nulls = STR_EMPTY;
        int64_t source = 0;
        int r;
        if ((r = js_get_int(field, "source-id", &source, CORRIE_E_CORRUPT, err)) < 0 ||
            (r = js_get_str(field, "transform", &terms[i].transform, CORRIE_E_CORRUPT, err)) < 0 ||
            (r = js_get_str(field, "direction", &direction, CORRIE_E_CORRUPT, err)) < 0 ||
            (r = js_get_str(field, "null-order", &nulls, CORRIE_E_CORRUPT, err)) < 0) {
            return corrie_wrap(err, "field \"sort-orders\"");
        }
        terms[i].source_id = source > 0 && source <= INT32_MAX ? (int)source : 0;
        terms[i].descending = str_eq(direction, STR("desc"));
        terms[i].nulls_last = str_eq(nulls, STR("nulls-last"));
    }
    *ret = terms;
    *ret_n = n;
    return 0;
}

int metadata_sort_order(const struct table_metadata *metadata, struct arena *arena,
                        const struct sort_term **ret, size_t *ret_n, corrie_error *err)
{
    const json_t *orders = json_object_get(metadata->document, "sort-orders");
    json_int_t wanted =
        json_integer_value(json_object_get(metadata->document, "default-sort-order-id"));

    *ret = NULL;
    *ret_n = 0;
    for (size_t i = 0; i < json_array_size(orders); i++) {
        const json_t *order = json_array_get(orders, i);
        const json_t *fields = json_object_get(order, "fields");
        if (json_integer_value(json_object_get(order, "order-id")) == wanted) {
            return json_array_size(fields) == 0 ? 0 : read_terms(fields, arena, ret, ret_n, err);
        }
    }
    return 0;
}

int metadata_sort_order_id(const struct table_metadata *metadata)
{
    json_int_t id =
        json_integer_value(json_object_get(metadata->document, "default-sort-order-id"));

    return id > 0 && id <= INT32_MAX ? (int)id : 0;
}

static int check_sort_term(const struct table_metadata *metadata, const struct sort_term *term,
                           corrie_error *err)
{
    const struct field *source =
        schema_find_source(metadata_schema(metadata), term->source_id, NULL, NULL);
    struct transform transform;
    struct type type;

    if (!source || type_is_nested(&source->type)) {
        return corrie_fail(err, CORRIE_E_USAGE, "there is no column %d to sort by",
                           term->source_id);
    }
    if (!transform_parse(term->transform, &transform) ||
        !transform_result(&transform, &source->type, &type)) {
        return corrie_fail(err, CORRIE_E_USAGE, "column '%.*s' cannot be sorted by %.*s",
                           STR_FMT(source->name), STR_FMT(term->transform));
    }
    return 0;
}

static int sort_json(const struct sort_term *terms, size_t n_terms, json_t **ret, corrie_error *err)
{
    _json_ json_t *fields = json_array();

    for (size_t i = 0; i < n_terms; i++) {
        json_t *field = json_object();
        if (json_array_append_new(fields, field) < 0 ||
            js_set_str(field, "transform", terms[i].transform) < 0 ||
            js_set_int(field, "source-id", terms[i].source_id) < 0 ||
            js_set_str(field, "direction", terms[i].descending ? STR("desc") : STR("asc")) < 0 ||
            js_set_str(field, "null-order",
                       terms[i].nulls_last ? STR("nulls-last") : STR("nulls-first")) < 0) {
            return corrie_fail_memory(err);
        }
    }
    if (!fields) {
        return corrie_fail_memory(err);
    }
    *ret = TAKE_PTR(fields);
    return 0;
}

/* The id of the order of these fields; -1, and the next id, if the table has none. */
static json_int_t find_order(const json_t *orders, const json_t *fields, json_int_t *ret_next)
{
    json_int_t found = -1;

    *ret_next = 1; /* 0 is the unsorted one */
    for (size_t i = 0; i < json_array_size(orders); i++) {
        const json_t *order = json_array_get(orders, i);
        json_int_t id = json_integer_value(json_object_get(order, "order-id"));
        *ret_next = id >= *ret_next ? id + 1 : *ret_next;
        if (found < 0 && json_equal(json_object_get(order, "fields"), fields)) {
            found = id;
        }
    }
    return found;
}

int metadata_with_sort_order(const struct table_metadata *metadata, const struct sort_term *terms,
                             size_t n_terms, int64_t now_ms, struct table_metadata **ret,
                             corrie_error *err)
{
    _json_ json_t *document = NULL;
    _json_ json_t *fields = NULL;
    json_int_t next = 0;
    int r = 0;

    js_setup();
    if (n_terms > CORRIE_MAX_PARTITION_FIELDS) {
        return corrie_fail(err, CORRIE_E_LIMIT, "a sort order of more than %d columns",
                           CORRIE_MAX_PARTITION_FIELDS);
    }
    for (size_t i = 0; r >= 0 && i < n_terms; i++) {
        r = check_sort_term(metadata, &terms[i], err);
    }
    if (r < 0 || (r = metadata_edit(metadata, now_ms, &document, err)) < 0 ||
        (r = sort_json(terms, n_terms, &fields, err)) < 0) {
        return r;
    }
    json_int_t id = find_order(json_object_get(document, "sort-orders"), fields, &next);
    if (id < 0) {
        json_t *orders = NULL;
        json_t *order = json_object();
        id = n_terms > 0 ? next : 0;
        if ((r = metadata_edit_field(document, "sort-orders", &orders, err)) < 0) {
            json_decref(order);
            return r;
        }
        if (json_array_append_new(orders, order) < 0 || js_set_int(order, "order-id", id) < 0 ||
            js_set(order, "fields", TAKE_PTR(fields)) < 0) {
            return corrie_fail_memory(err);
        }
    }
    if (js_set_int(document, "default-sort-order-id", id) < 0) {
        return corrie_fail_memory(err);
    }
    return metadata_edited(TAKE_PTR(document), metadata, ret, err);
}

int metadata_without_lost_order(const struct table_metadata *base, int64_t now_ms,
                                struct table_metadata **ret, corrie_error *err)
{
    const struct schema *schema = metadata_schema(base);
    const struct partition_spec *spec = metadata_spec(base);
    _cleanup_(arena_done) struct arena arena = {0};
    const struct sort_term *terms = NULL;
    size_t n_terms = 0;

    for (size_t i = 0; i < spec->n_fields; i++) {
        const struct partition_field *field = &spec->fields[i];
        if (!str_eq(field->transform, STR("void")) && !schema_find_id(schema, field->source_id)) {
            corrie_fail(err, CORRIE_E_USAGE,
                        "the table is partitioned by '%.*s', whose column the new schema has not",
                        STR_FMT(field->name));
            return corrie_hint(err, "say how the new table is to be partitioned");
        }
    }
    int r = metadata_sort_order(base, &arena, &terms, &n_terms, err);
    for (size_t i = 0; r >= 0 && i < n_terms; i++) {
        if (!schema_find_id(schema, terms[i].source_id)) {
            return metadata_with_sort_order(base, NULL, 0, now_ms, ret, err);
        }
    }
    return r < 0 ? r : metadata_with_properties(base, NULL, 0, now_ms, ret, err);
}
