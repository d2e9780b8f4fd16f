/* avro_schema.c — schema JSON to type tree. */
#include "base/json.h"
#include "base/limits.h"
#include "base/map.h"
#include "iceberg/avro.h"

struct parser {
    struct arena *arena;
    const char *what;
    struct map names; /* full and plain names of records, enums and fixed */
    size_t n_types;
    unsigned depth;
};

static int parse_type(struct parser *parser, const json_t *json, const struct avro_type **ret,
                      corrie_error *err);

static const struct {
    const char *name;
    enum avro_kind kind;
} primitives[] = {
    {"null", AVRO_NULL},   {"boolean", AVRO_BOOLEAN}, {"int", AVRO_INT},
    {"long", AVRO_LONG},   {"float", AVRO_FLOAT},     {"double", AVRO_DOUBLE},
    {"bytes", AVRO_BYTES}, {"string", AVRO_STRING},
};

static const struct avro_type primitive_types[] = {
    [AVRO_NULL] = {.kind = AVRO_NULL},   [AVRO_BOOLEAN] = {.kind = AVRO_BOOLEAN},
    [AVRO_INT] = {.kind = AVRO_INT},     [AVRO_LONG] = {.kind = AVRO_LONG},
    [AVRO_FLOAT] = {.kind = AVRO_FLOAT}, [AVRO_DOUBLE] = {.kind = AVRO_DOUBLE},
    [AVRO_BYTES] = {.kind = AVRO_BYTES}, [AVRO_STRING] = {.kind = AVRO_STRING},
};

static int bad(struct parser *parser, corrie_error *err, const char *problem)
{
    return corrie_fail(err, CORRIE_E_CORRUPT, "%s: Avro schema: %s", parser->what, problem);
}

static int new_type(struct parser *parser, enum avro_kind kind, const json_t *json,
                    struct avro_type **ret, corrie_error *err)
{
    if (++parser->n_types > CORRIE_MAX_AVRO_TYPES) {
        return corrie_fail(err, CORRIE_E_LIMIT, "%s: Avro schema: more than %d types", parser->what,
                           CORRIE_MAX_AVRO_TYPES);
    }
    struct avro_type *type = arena_new(parser->arena, struct avro_type);
    if (!type) {
        return corrie_fail_memory(err);
    }
    type->kind = kind;
    const json_t *logical = json_object_get(json, "logicalType");
    if (json_is_string(logical) && arena_str(parser->arena, js_str(logical), &type->logical) < 0) {
        return corrie_fail_memory(err);
    }
    *ret = type;
    return 0;
}

/* Registers a named type under its plain and its full name, before its fields are read: they may refer
 * to it. */
static int register_name(struct parser *parser, const json_t *json, struct avro_type *type,
                         corrie_error *err)
{
    const json_t *name = json_object_get(json, "name");
    if (!json_is_string(name) || json_string_length(name) == 0) {
        return bad(parser, err, "a named type has no name");
    }

    struct str plain;
    if (arena_str(parser->arena, js_str(name), &plain) < 0) {
        return corrie_fail_memory(err);
    }
    if (map_find(&parser->names, plain)) {
        return bad(parser, err, "a name is defined twice");
    }
    if (map_put(&parser->names, plain, type) < 0) {
        return corrie_fail_memory(err);
    }

    const json_t *space = json_object_get(json, "namespace");
    if (!json_is_string(space) || json_string_length(space) == 0 || str_find(plain, '.') >= 0) {
        return 0;
    }
    char *full = arena_printf(parser->arena, "%s.%.*s", json_string_value(space), STR_FMT(plain));
    if (!full || map_put(&parser->names, str_of(full), type) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

static int parse_named(struct parser *parser, struct str name, const struct avro_type **ret,
                       corrie_error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(primitives); i++) {
        if (str_eq(name, str_of(primitives[i].name))) {
            *ret = &primitive_types[primitives[i].kind];
            return 0;
        }
    }
    const struct avro_type *found = map_get(&parser->names, name);
    if (!found) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "%s: Avro schema: unknown type '%.*s'",
                           parser->what, STR_FMT(name));
    }
    *ret = found;
    return 0;
}

static int parse_parts(struct parser *parser, const json_t *const *parts, size_t n_parts,
                       struct avro_type *type, corrie_error *err)
{
    type->parts = arena_array(parser->arena, const struct avro_type *, n_parts);
    if (!type->parts) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n_parts; i++) {
        int r = parse_type(parser, parts[i], &type->parts[i], err);
        if (r < 0) {
            return r;
        }
    }
    type->n_parts = n_parts;
    return 0;
}

static int parse_union(struct parser *parser, const json_t *json, const struct avro_type **ret,
                       corrie_error *err)
{
    struct avro_type *type = NULL;
    int r = new_type(parser, AVRO_UNION, NULL, &type, err);
    if (r < 0) {
        return r;
    }

    size_t n = json_array_size(json);
    if (n == 0) {
        return bad(parser, err, "a union has no branches");
    }
    const json_t **parts = arena_array(parser->arena, const json_t *, n);
    if (!parts) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        parts[i] = json_array_get(json, i);
    }
    r = parse_parts(parser, parts, n, type, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < n; i++) {
        if (type->parts[i]->kind == AVRO_UNION) {
            return bad(parser, err, "a union is a branch of a union");
        }
    }
    *ret = type;
    return 0;
}

static int parse_record(struct parser *parser, const json_t *json, struct avro_type *type,
                        corrie_error *err)
{
    int r = register_name(parser, json, type, err);
    if (r < 0) {
        return r;
    }
    const json_t *fields = json_object_get(json, "fields");
    if (!json_is_array(fields)) {
        return bad(parser, err, "a record has no fields");
    }

    size_t n = json_array_size(fields);
    type->fields = arena_array(parser->arena, struct avro_field, n);
    if (!type->fields && n > 0) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *json_field = json_array_get(fields, i);
        const json_t *name = json_object_get(json_field, "name");
        const json_t *id = json_object_get(json_field, "field-id");
        struct avro_field *field = &type->fields[i];

        if (!json_is_string(name)) {
            return bad(parser, err, "a field has no name");
        }
        if (arena_str(parser->arena, js_str(name), &field->name) < 0) {
            return corrie_fail_memory(err);
        }
        field->id = -1;
        if (json_is_integer(id) && json_integer_value(id) >= 0 &&
            json_integer_value(id) <= INT32_MAX) {
            field->id = (int)json_integer_value(id);
        }
        r = parse_type(parser, json_object_get(json_field, "type"), &field->type, err);
        if (r < 0) {
            return r;
        }
    }
    type->n_fields = n;
    return 0;
}

static int parse_fixed(struct parser *parser, const json_t *json, struct avro_type *type,
                       corrie_error *err)
{
    const json_t *size = json_object_get(json, "size");
    if (!json_is_integer(size) || json_integer_value(size) < 0 ||
        json_integer_value(size) > INT32_MAX) {
        return bad(parser, err, "a fixed has no size");
    }
    type->size = (size_t)json_integer_value(size);
    return register_name(parser, json, type, err);
}

static int parse_object(struct parser *parser, const json_t *json, const struct avro_type **ret,
                        corrie_error *err)
{
    const json_t *name_json = json_object_get(json, "type");
    if (!json_is_string(name_json)) {
        return parse_type(parser, name_json, ret, err); /* {"type": {"type": …}} */
    }

    struct str name = js_str(name_json);
    static const struct {
        const char *name;
        enum avro_kind kind;
    } kinds[] = {{"record", AVRO_RECORD}, {"error", AVRO_RECORD}, {"enum", AVRO_ENUM},
                 {"fixed", AVRO_FIXED},   {"array", AVRO_ARRAY},  {"map", AVRO_MAP}};
    size_t k = 0;
    while (k < ARRAY_LEN(kinds) && !str_eq(name, str_of(kinds[k].name))) {
        k++;
    }
    if (k == ARRAY_LEN(kinds)) {
        const struct avro_type *base = NULL;
        int r = parse_named(parser, name, &base, err);
        if (r < 0) {
            return r;
        }
        *ret = base;
        if (!json_is_string(json_object_get(json, "logicalType"))) {
            return 0;
        }
        struct avro_type *annotated = NULL;
        r = new_type(parser, base->kind, json, &annotated, err);
        if (r < 0) {
            return r;
        }
        struct str logical = annotated->logical;
        *annotated = *base;
        annotated->logical = logical;
        *ret = annotated;
        return 0;
    }

    struct avro_type *type = NULL;
    int r = new_type(parser, kinds[k].kind, json, &type, err);
    if (r < 0) {
        return r;
    }
    const json_t *part = NULL;
    switch (type->kind) {
    case AVRO_RECORD:
        r = parse_record(parser, json, type, err);
        break;
    case AVRO_FIXED:
        r = parse_fixed(parser, json, type, err);
        break;
    case AVRO_ENUM:
        type->size = json_array_size(json_object_get(json, "symbols"));
        r = register_name(parser, json, type, err);
        break;
    case AVRO_ARRAY:
        part = json_object_get(json, "items");
        r = parse_parts(parser, &part, 1, type, err);
        break;
    default:
        part = json_object_get(json, "values");
        r = parse_parts(parser, &part, 1, type, err);
        break;
    }
    if (r < 0) {
        return r;
    }
    *ret = type;
    return 0;
}

static int parse_type(struct parser *parser, const json_t *json, const struct avro_type **ret,
                      corrie_error *err)
{
    if (parser->depth >= CORRIE_MAX_AVRO_DEPTH) {
        return corrie_fail(err, CORRIE_E_LIMIT, "%s: Avro schema: nested deeper than %d levels",
                           parser->what, CORRIE_MAX_AVRO_DEPTH);
    }
    parser->depth++;
    int r;
    if (json_is_string(json)) {
        r = parse_named(parser, js_str(json), ret, err);
    } else if (json_is_array(json)) {
        r = parse_union(parser, json, ret, err);
    } else if (json_is_object(json)) {
        r = parse_object(parser, json, ret, err);
    } else {
        r = bad(parser, err, "a type is missing");
    }
    parser->depth--;
    return r;
}

int avro_schema_parse(struct str json, const char *what, struct arena *arena,
                      const struct avro_type **ret, corrie_error *err)
{
    _json_ json_t *root = NULL;
    int r = js_parse(json, "Avro schema", &root, err);
    if (r < 0) {
        corrie_wrap(err, "%s", what);
        err->code = r == CORRIE_E_DATA ? CORRIE_E_CORRUPT : r;
        return err->code;
    }
    struct parser parser = {.arena = arena, .what = what};
    r = parse_type(&parser, root, ret, err);
    map_done(&parser.names);
    return r;
}
