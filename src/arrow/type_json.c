/* Schemas in Iceberg's JSON (Iceberg spec, "Appendix C: JSON serialization", "Schemas"). */
#include "arrow/type_priv.h"

#include "base/json.h"
#include "base/limits.h"

/* ---- writing ---- */

static int type_to_json(const struct type *type, json_t **ret, corrie_error *err);

static int primitive_to_json(const struct type *type, json_t **ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};

    type_print(type, &text);
    int r = buf_check(&text, err);
    if (r < 0) {
        return r;
    }
    *ret = js_string(buf_str(&text));
    return *ret ? 0 : corrie_fail_memory(err);
}

static int fields_to_json(const struct field *fields, size_t n_fields, json_t **ret,
                          corrie_error *err)
{
    _json_ json_t *array = json_array();

    for (size_t i = 0; i < n_fields; i++) {
        const struct field *field = &fields[i];
        json_t *type = NULL;
        json_t *object = json_object();
        if (json_array_append_new(array, object) < 0) {
            return corrie_fail_memory(err);
        }
        int r = type_to_json(&field->type, &type, err);
        if (r < 0) {
            return r;
        }
        if (js_set_int(object, "id", field->id) < 0 ||
            js_set_str(object, "name", field->name) < 0 ||
            js_set_bool(object, "required", field->required) < 0) {
            json_decref(type);
            return corrie_fail_memory(err);
        }
        if (js_set(object, "type", type) < 0 ||
            (field->doc.len > 0 && js_set_str(object, "doc", field->doc) < 0)) {
            return corrie_fail_memory(err);
        }
    }
    if (!array) {
        return corrie_fail_memory(err);
    }
    *ret = TAKE_PTR(array);
    return 0;
}

/* Sets `id_key` and `type_key` from the element, key or value of a nested type. */
static int inner_to_json(json_t *object, const struct field *field, const char *id_key,
                         const char *type_key, corrie_error *err)
{
    json_t *type = NULL;
    int r = type_to_json(&field->type, &type, err);
    if (r < 0) {
        return r;
    }
    if (js_set(object, type_key, type) < 0 || js_set_int(object, id_key, field->id) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

static int type_to_json(const struct type *type, json_t **ret, corrie_error *err)
{
    if (!type_is_nested(type)) {
        return primitive_to_json(type, ret, err);
    }
    _json_ json_t *object = json_object();
    int r = 0;
    if (js_set_str(object, "type", str_of(type_kind_name(type->kind))) < 0) {
        return corrie_fail_memory(err);
    }
    if (type->kind == TYPE_STRUCT) {
        json_t *fields = NULL;
        r = fields_to_json(type->fields, type->n_fields, &fields, err);
        if (r >= 0 && js_set(object, "fields", fields) < 0) {
            r = corrie_fail_memory(err);
        }
    } else if (type->kind == TYPE_LIST) {
        r = inner_to_json(object, &type->fields[0], "element-id", "element", err);
        if (r >= 0 && js_set_bool(object, "element-required", type->fields[0].required) < 0) {
            r = corrie_fail_memory(err);
        }
    } else {
        r = inner_to_json(object, &type->fields[0], "key-id", "key", err);
        if (r >= 0) {
            r = inner_to_json(object, &type->fields[1], "value-id", "value", err);
        }
        if (r >= 0 && js_set_bool(object, "value-required", type->fields[1].required) < 0) {
            r = corrie_fail_memory(err);
        }
    }
    if (r < 0) {
        return r;
    }
    *ret = TAKE_PTR(object);
    return 0;
}

int schema_to_json(const struct schema *schema, json_t **ret, corrie_error *err)
{
    js_setup();
    _json_ json_t *object = json_object();
    json_t *fields = NULL;

    if (js_set_str(object, "type", STR("struct")) < 0 ||
        js_set_int(object, "schema-id", schema->schema_id) < 0) {
        return corrie_fail_memory(err);
    }
    if (schema->n_identifier_ids > 0) {
        json_t *ids = json_array();
        for (size_t i = 0; i < schema->n_identifier_ids; i++) {
            if (json_array_append_new(ids, json_integer(schema->identifier_ids[i])) < 0) {
                json_decref(ids);
                return corrie_fail_memory(err);
            }
        }
        if (js_set(object, "identifier-field-ids", ids) < 0) {
            return corrie_fail_memory(err);
        }
    }
    int r = fields_to_json(schema->fields, schema->n_fields, &fields, err);
    if (r < 0) {
        return r;
    }
    if (js_set(object, "fields", fields) < 0) {
        return corrie_fail_memory(err);
    }
    *ret = TAKE_PTR(object);
    return 0;
}

/* ---- reading ---- */

static int type_from_json(const json_t *json, struct arena *arena, unsigned depth, struct type *ret,
                          corrie_error *err);

static int get_id(const json_t *object, const char *key, int *ret, corrie_error *err)
{
    int64_t id;
    int r = js_get_int(object, key, &id, CORRIE_E_CORRUPT, err);
    if (r < 0) {
        return r;
    }
    if (id < 0 || id > INT32_MAX) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "%s is %lld", key, (long long)id);
    }
    *ret = (int)id;
    return 0;
}

static int field_from_json(const json_t *object, struct arena *arena, unsigned depth,
                           struct field *ret, corrie_error *err)
{
    struct str name;
    struct str doc = STR_EMPTY;

    int r = js_get_str(object, "name", &name, CORRIE_E_CORRUPT, err);
    if (r < 0) {
        return r;
    }
    if (arena_str(arena, name, &ret->name) < 0) {
        return corrie_fail_memory(err);
    }
    r = get_id(object, "id", &ret->id, err);
    if (r >= 0) {
        r = js_get_bool(object, "required", &ret->required, CORRIE_E_CORRUPT, err);
    }
    if (r >= 0) {
        r = js_opt_str(object, "doc", &doc, CORRIE_E_CORRUPT, err);
    }
    if (r >= 0) {
        r = type_from_json(json_object_get(object, "type"), arena, depth, &ret->type, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "field %.*s", STR_FMT(name));
    }
    if (arena_str(arena, doc, &ret->doc) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

static int fields_from_json(const json_t *object, struct arena *arena, unsigned depth,
                            struct field **ret, size_t *ret_n, corrie_error *err)
{
    json_t *array;
    int r = js_get_array(object, "fields", &array, CORRIE_E_CORRUPT, err);
    if (r < 0) {
        return r;
    }
    size_t n = json_array_size(array);
    if (n > CORRIE_MAX_FIELDS) {
        return corrie_fail(err, CORRIE_E_LIMIT, "a schema of more than %d fields",
                           CORRIE_MAX_FIELDS);
    }
    struct field *fields = arena_array(arena, struct field, n + 1);
    if (!fields) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        r = field_from_json(json_array_get(array, i), arena, depth, &fields[i], err);
        if (r < 0) {
            return r;
        }
    }
    *ret = fields;
    *ret_n = n;
    return 0;
}

static int list_from_json(const json_t *json, struct arena *arena, unsigned depth, struct type *ret,
                          corrie_error *err)
{
    struct field *element = arena_new(arena, struct field);
    if (!element) {
        return corrie_fail_memory(err);
    }
    element->name = LIST_ELEMENT;
    int r = get_id(json, "element-id", &element->id, err);
    if (r >= 0) {
        r = js_get_bool(json, "element-required", &element->required, CORRIE_E_CORRUPT, err);
    }
    if (r >= 0) {
        r = type_from_json(json_object_get(json, "element"), arena, depth, &element->type, err);
    }
    if (r < 0) {
        return r;
    }
    *ret = (struct type){.kind = TYPE_LIST, .fields = element, .n_fields = 1};
    return 0;
}

static int map_from_json(const json_t *json, struct arena *arena, unsigned depth, struct type *ret,
                         corrie_error *err)
{
    struct field *fields = arena_array(arena, struct field, 2);
    if (!fields) {
        return corrie_fail_memory(err);
    }
    fields[0].name = MAP_KEY;
    fields[0].required = true;
    fields[1].name = MAP_VALUE;
    int r = get_id(json, "key-id", &fields[0].id, err);
    if (r >= 0) {
        r = get_id(json, "value-id", &fields[1].id, err);
    }
    if (r >= 0) {
        r = js_get_bool(json, "value-required", &fields[1].required, CORRIE_E_CORRUPT, err);
    }
    if (r >= 0) {
        r = type_from_json(json_object_get(json, "key"), arena, depth, &fields[0].type, err);
    }
    if (r >= 0) {
        r = type_from_json(json_object_get(json, "value"), arena, depth, &fields[1].type, err);
    }
    if (r < 0) {
        return r;
    }
    *ret = (struct type){.kind = TYPE_MAP, .fields = fields, .n_fields = 2};
    return 0;
}

static int type_from_json(const json_t *json, struct arena *arena, unsigned depth, struct type *ret,
                          corrie_error *err)
{
    struct str kind;

    int r = type_check_depth(depth, err);
    if (r < 0) {
        return r;
    }
    if (json_is_string(json)) {
        r = type_from_name(js_str(json), ret, err);
        if (r == CORRIE_E_DATA) {
            return corrie_fail(err, CORRIE_E_CORRUPT, "unknown type \"%s\"",
                               json_string_value(json));
        }
        return r;
    }
    if (!json_is_object(json)) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "its type is missing");
    }
    r = js_get_str(json, "type", &kind, CORRIE_E_CORRUPT, err);
    if (r < 0) {
        return r;
    }
    if (str_eq(kind, STR("struct"))) {
        struct type type = {.kind = TYPE_STRUCT};
        r = fields_from_json(json, arena, depth + 1, &type.fields, &type.n_fields, err);
        if (r < 0) {
            return r;
        }
        *ret = type;
        return 0;
    }
    if (str_eq(kind, STR("list"))) {
        return list_from_json(json, arena, depth + 1, ret, err);
    }
    if (str_eq(kind, STR("map"))) {
        return map_from_json(json, arena, depth + 1, ret, err);
    }
    return corrie_fail(err, CORRIE_E_CORRUPT, "unknown type \"%.*s\"", STR_FMT(kind));
}

static int identifiers_from_json(const json_t *json, struct arena *arena, struct schema *schema,
                                 corrie_error *err)
{
    json_t *array = NULL;
    int r = js_opt_array(json, "identifier-field-ids", &array, CORRIE_E_CORRUPT, err);
    if (r <= 0) {
        return r;
    }
    size_t n = json_array_size(array);
    if (n > CORRIE_MAX_FIELDS) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "identifier-field-ids has %zu entries", n);
    }
    schema->identifier_ids = arena_array(arena, int, n + 1);
    if (!schema->identifier_ids) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        json_t *id = json_array_get(array, i);
        json_int_t value = json_integer_value(id);
        if (!json_is_integer(id) || value < 0 || value > INT32_MAX) {
            return corrie_fail(err, CORRIE_E_CORRUPT, "identifier-field-ids holds no field id");
        }
        schema->identifier_ids[i] = (int)value;
    }
    schema->n_identifier_ids = n;
    return 0;
}

int schema_from_json(const json_t *json, struct arena *arena, struct schema *ret, corrie_error *err)
{
    struct schema schema = {0};
    int64_t schema_id = 0;

    if (!json_is_object(json)) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "the schema is no JSON object");
    }
    /* v1 metadata has a schema without id. */
    int r = js_opt_int(json, "schema-id", &schema_id, CORRIE_E_CORRUPT, err);
    if (r < 0) {
        return r;
    }
    if (schema_id < 0 || schema_id > INT32_MAX) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "schema-id is %lld", (long long)schema_id);
    }
    schema.schema_id = (int)schema_id;
    r = fields_from_json(json, arena, 1, &schema.fields, &schema.n_fields, err);
    if (r >= 0) {
        r = identifiers_from_json(json, arena, &schema, err);
    }
    if (r >= 0) {
        r = schema_check(&schema, err);
        if (r == CORRIE_E_DATA) {
            err->code = CORRIE_E_CORRUPT;
        }
    }
    if (r < 0) {
        return corrie_wrap(err, "read a schema");
    }
    *ret = schema;
    return 0;
}
