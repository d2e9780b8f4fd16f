/* metadata_spec.c — partition evolution. */
#include "arrow/transform.h"
#include "base/limits.h"
#include "base/str.h"
#include "iceberg/metadata_priv.h"

/* The fields from the top to the one of that id; how many, 0 if there is none that each row has once. */
static size_t find_source(const struct field *fields, size_t n_fields, int id, size_t depth,
                          const struct field *chain[CORRIE_MAX_TYPE_DEPTH])
{
    for (size_t i = 0; i < n_fields && depth < CORRIE_MAX_TYPE_DEPTH; i++) {
        const struct field *field = &fields[i];
        chain[depth] = field;
        if (field->id == id) {
            return depth + 1;
        }
        size_t found =
            field->type.kind == TYPE_STRUCT
                ? find_source(field->type.fields, field->type.n_fields, id, depth + 1, chain)
                : 0;
        if (found > 0) {
            return found;
        }
    }
    return 0;
}

const struct field *schema_find_source(const struct schema *schema, int id, struct arena *arena,
                                       struct str *ret_name)
{
    const struct field *chain[CORRIE_MAX_TYPE_DEPTH];
    size_t n = find_source(schema->fields, schema->n_fields, id, 0, chain);
    _cleanup_(buf_done) struct buf name = {0};
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;

    if (n == 0 || !ret_name) {
        return n > 0 ? chain[n - 1] : NULL;
    }
    for (size_t i = 0; i < n; i++) {
        buf_addf(&name, "%s%.*s", i ? "." : "", STR_FMT(chain[i]->name));
    }
    return buf_check(&name, &ignored) < 0 || arena_str(arena, buf_str(&name), ret_name) < 0
               ? NULL
               : chain[n - 1];
}

static int refuse(corrie_error *err, const struct schema *schema, const struct partition_term *term,
                  const char *problem)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct str column = STR("no column");

    (void)schema_find_source(schema, term->source_id, &arena, &column);
    return corrie_fail(err, CORRIE_E_USAGE, "partition field '%.*s' (%.*s of %.*s): %s",
                       STR_FMT(term->name), STR_FMT(term->transform), STR_FMT(column), problem);
}

static int check_term(const struct table_metadata *metadata, const struct partition_term *terms,
                      size_t at, corrie_error *err)
{
    const struct schema *schema = metadata_schema(metadata);
    const struct partition_term *term = &terms[at];
    const struct field *source = schema_find_source(schema, term->source_id, NULL, NULL);
    const struct field *named = schema_find(schema, term->name);
    bool keeps_value =
        str_eq(term->transform, STR("identity")) || str_eq(term->transform, STR("void"));
    struct transform transform;
    struct type type;

    if (!source || type_is_nested(&source->type)) {
        return refuse(err, schema, term, "there is no such column to partition by");
    }
    if (!transform_parse(term->transform, &transform)) {
        refuse(err, schema, term, "there is no such transform");
        return corrie_hint(err, "identity, year, month, day, hour, bucket[N], truncate[W] or void");
    }
    if (!transform_result(&transform, &source->type, &type)) {
        return refuse(err, schema, term, "the column's type has no such transform");
    }
    if (term->name.len == 0 || !str_is_utf8(term->name, NULL)) {
        return refuse(err, schema, term, "it needs a name");
    }
    if (named && !(keeps_value && named->id == term->source_id)) {
        return refuse(err, schema, term, "a column has that name");
    }
    for (size_t i = 0; i < at; i++) {
        if (str_eq(terms[i].name, term->name)) {
            return refuse(err, schema, term, "another field has that name");
        }
        if (terms[i].source_id == term->source_id && str_eq(terms[i].transform, term->transform)) {
            return refuse(err, schema, term, "another field is the same");
        }
    }
    return 0;
}

static bool is_term(const struct partition_field *field, const struct partition_term *term)
{
    return field->source_id == term->source_id && str_eq(field->transform, term->transform) &&
           str_eq(field->name, term->name);
}

static const struct partition_spec *find_spec(const struct table_metadata *metadata,
                                              const struct partition_term *terms, size_t n_terms)
{
    for (size_t s = metadata->n_specs; s-- > 0;) {
        const struct partition_spec *spec = &metadata->specs[s];
        bool same = spec->n_fields == n_terms;
        for (size_t i = 0; same && i < n_terms; i++) {
            same = is_term(&spec->fields[i], &terms[i]);
        }
        if (same) {
            return spec;
        }
    }
    return NULL;
}

/* The id that a field of some spec has, 0 if there was none such. */
static int former_id(const struct table_metadata *metadata, const struct partition_term *term)
{
    for (size_t s = metadata->n_specs; s-- > 0;) {
        for (size_t f = 0; f < metadata->specs[s].n_fields; f++) {
            if (is_term(&metadata->specs[s].fields[f], term)) {
                return metadata->specs[s].fields[f].field_id;
            }
        }
    }
    return 0;
}

/* Two specs of version 1 may have numbered different fields alike: then a former id serves once. */
static bool id_taken(const json_t *fields, int id)
{
    size_t i;
    json_t *field;

    json_array_foreach(fields, i, field)
    {
        if (json_integer_value(json_object_get(field, "field-id")) == id) {
            return true;
        }
    }
    return false;
}

static int append_spec(const struct table_metadata *metadata, json_t *document, int spec_id,
                       const struct partition_term *terms, const int *ids, size_t n_terms,
                       corrie_error *err)
{
    _json_ json_t *spec = json_object();
    json_t *fields = json_array();
    json_t *specs = NULL;
    int last_id = metadata->last_partition_id;

    if (js_set(spec, "fields", fields) < 0 || js_set_int(spec, "spec-id", spec_id) < 0) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n_terms; i++) {
        json_t *field = json_object();
        int id = ids && ids[i] ? ids[i] : former_id(metadata, &terms[i]);
        if (id == 0 || id_taken(fields, id)) {
            id = ++last_id;
        }
        if (json_array_append_new(fields, field) < 0 ||
            js_set_int(field, "source-id", terms[i].source_id) < 0 ||
            js_set_int(field, "field-id", id) < 0 || js_set_str(field, "name", terms[i].name) < 0 ||
            js_set_str(field, "transform", terms[i].transform) < 0) {
            return corrie_fail_memory(err);
        }
    }
    int r = metadata_edit_field(document, "partition-specs", &specs, err);
    if (r < 0) {
        return r;
    }
    if (json_array_append_new(specs, TAKE_PTR(spec)) < 0 ||
        js_set_int(document, "last-partition-id", last_id) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

int metadata_with_spec(const struct table_metadata *metadata, const struct partition_term *terms,
                       size_t n_terms, int64_t now_ms, struct table_metadata **ret,
                       corrie_error *err)
{
    return metadata_with_terms(metadata, terms, NULL, n_terms, now_ms, ret, err);
}

int metadata_with_terms(const struct table_metadata *metadata, const struct partition_term *terms,
                        const int *ids, size_t n_terms, int64_t now_ms, struct table_metadata **ret,
                        corrie_error *err)
{
    const struct partition_spec *spec = find_spec(metadata, terms, n_terms);
    _json_ json_t *document = NULL;
    int spec_id = 0;
    int r = 0;

    js_setup();
    if (n_terms > CORRIE_MAX_PARTITION_FIELDS) {
        return corrie_fail(err, CORRIE_E_LIMIT, "more than %d partition fields",
                           CORRIE_MAX_PARTITION_FIELDS);
    }
    for (size_t i = 0; r >= 0 && i < n_terms; i++) {
        r = check_term(metadata, terms, i, err);
    }
    for (size_t s = 0; r >= 0 && s < metadata->n_specs; s++) {
        int id = metadata->specs[s].spec_id;
        if (id == INT32_MAX ||
            metadata->last_partition_id > INT32_MAX - CORRIE_MAX_PARTITION_FIELDS) {
            return corrie_fail(err, CORRIE_E_LIMIT, "the table's partition spec ids are used up");
        }
        spec_id = id >= spec_id ? id + 1 : spec_id;
    }
    if (r < 0 || (r = metadata_edit(metadata, now_ms, &document, err)) < 0) {
        return r;
    }
    if (spec) {
        spec_id = spec->spec_id;
    } else if ((r = append_spec(metadata, document, spec_id, terms, ids, n_terms, err)) < 0) {
        return r;
    }
    if (js_set_int(document, "default-spec-id", spec_id) < 0) {
        return corrie_fail_memory(err);
    }
    return metadata_edited(TAKE_PTR(document), metadata, ret, err);
}
