/* name_mapping.c — field ids by names. */
#include "iceberg/name_mapping.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/map.h"

/* ---- parsing ---- */

struct parsing {
    struct arena *arena;
    size_t n_fields; /* so far, of all levels */
};

static int parse_fields(struct parsing *parsing, const json_t *json, size_t depth,
                        const struct mapped_field **ret, size_t *ret_n, corrie_error *err);

static int wrong(corrie_error *err, const char *problem)
{
    return corrie_fail(err, CORRIE_E_CORRUPT, "a name mapping %s", problem);
}

static int parse_names(struct parsing *parsing, const json_t *json, struct map *level,
                       struct mapped_field *ret, corrie_error *err)
{
    size_t n = json_array_size(json);
    struct str *names = arena_array(parsing->arena, struct str, n + 1);

    if (!names) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *name = json_array_get(json, i);
        if (!json_is_string(name)) {
            return wrong(err, "has a name that is no string");
        }
        if (arena_str(parsing->arena, js_str(name), &names[i]) < 0) {
            return corrie_fail_memory(err);
        }
        if (map_find(level, names[i])) {
            return corrie_fail(err, CORRIE_E_CORRUPT, "a name mapping has '%.*s' twice",
                               STR_FMT(names[i]));
        }
        if (map_put(level, names[i], NULL) < 0) {
            return corrie_fail_memory(err);
        }
    }
    ret->names = names;
    ret->n_names = n;
    return 0;
}

static int parse_field(struct parsing *parsing, const json_t *json, size_t depth, struct map *level,
                       struct mapped_field *ret, corrie_error *err)
{
    json_t *names = NULL;
    json_t *fields = NULL;
    int64_t id = 0;
    int r;

    *ret = (struct mapped_field){0};
    if (!json_is_object(json)) {
        return wrong(err, "has a field that is no object");
    }
    if (++parsing->n_fields > CORRIE_MAX_FIELDS) {
        return corrie_fail(err, CORRIE_E_LIMIT, "a name mapping has more than %d fields",
                           CORRIE_MAX_FIELDS);
    }
    if ((r = js_opt_int(json, "field-id", &id, CORRIE_E_CORRUPT, err)) < 0 ||
        (r = js_get_array(json, "names", &names, CORRIE_E_CORRUPT, err)) < 0 ||
        (r = js_opt_array(json, "fields", &fields, CORRIE_E_CORRUPT, err)) < 0) {
        return corrie_wrap(err, "a name mapping");
    }
    if (id < 0 || id > INT32_MAX || (id == 0 && json_object_get(json, "field-id"))) {
        return wrong(err, "has a field-id that is none");
    }
    ret->field_id = (int)id;
    if ((r = parse_names(parsing, names, level, ret, err)) < 0) {
        return r;
    }
    return fields ? parse_fields(parsing, fields, depth + 1, &ret->fields, &ret->n_fields, err) : 0;
}

static int parse_fields(struct parsing *parsing, const json_t *json, size_t depth,
                        const struct mapped_field **ret, size_t *ret_n, corrie_error *err)
{
    _cleanup_(map_done) struct map level = {0};
    size_t n = json_array_size(json);
    int r = 0;

    if (depth > CORRIE_MAX_TYPE_DEPTH) {
        return corrie_fail(err, CORRIE_E_LIMIT, "a name mapping is nested deeper than %d",
                           CORRIE_MAX_TYPE_DEPTH);
    }
    struct mapped_field *fields = arena_array(parsing->arena, struct mapped_field, n + 1);
    if (!fields) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; r >= 0 && i < n; i++) {
        r = parse_field(parsing, json_array_get(json, i), depth, &level, &fields[i], err);
    }
    *ret = fields;
    *ret_n = n;
    return r < 0 ? r : 0;
}

int name_mapping_parse(struct str json, struct arena *arena, struct name_mapping *ret,
                       corrie_error *err)
{
    struct parsing parsing = {.arena = arena};
    struct name_mapping mapping;
    _json_ json_t *document = NULL;

    int r = js_parse(json, "a name mapping", &document, err);
    if (r == CORRIE_E_DATA) {
        err->code = CORRIE_E_CORRUPT; /* written by a program, not by the user */
    }
    if (r < 0) {
        return err->code;
    }
    if (!json_is_array(document)) {
        return wrong(err, "is no JSON array");
    }
    r = parse_fields(&parsing, document, 1, &mapping.fields, &mapping.n_fields, err);
    if (r >= 0) {
        *ret = mapping;
    }
    return r;
}

/* ---- text ---- */

static void format_fields(const struct mapped_field *fields, size_t n_fields, struct buf *out)
{
    buf_add_char(out, '[');
    for (size_t i = 0; i < n_fields; i++) {
        buf_add_text(out, i ? ",{" : "{");
        if (fields[i].field_id) {
            buf_addf(out, "\"field-id\":%d,", fields[i].field_id);
        }
        buf_add_text(out, "\"names\":[");
        for (size_t n = 0; n < fields[i].n_names; n++) {
            buf_add_text(out, n ? "," : "");
            js_add_string(out, fields[i].names[n]);
        }
        buf_add_char(out, ']');
        if (fields[i].n_fields > 0) {
            buf_add_text(out, ",\"fields\":");
            format_fields(fields[i].fields, fields[i].n_fields, out);
        }
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
}

int name_mapping_format(const struct name_mapping *mapping, struct buf *out, corrie_error *err)
{
    format_fields(mapping->fields, mapping->n_fields, out);
    return buf_check(out, err);
}

/* ---- mappings of schemas ---- */

static int of_fields(const struct field *fields, size_t n_fields, struct arena *arena,
                     const struct mapped_field **ret, corrie_error *err)
{
    struct mapped_field *mapped = arena_array(arena, struct mapped_field, n_fields + 1);
    struct str *names = arena_array(arena, struct str, n_fields + 1);

    if (!mapped || !names) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n_fields; i++) {
        const struct type *type = &fields[i].type;
        names[i] = fields[i].name;
        mapped[i] = (struct mapped_field){fields[i].id, &names[i], 1, NULL, type->n_fields};
        int r = of_fields(type->fields, type->n_fields, arena, &mapped[i].fields, err);
        if (r < 0) {
            return r;
        }
    }
    *ret = mapped;
    return 0;
}

int name_mapping_of_schema(const struct schema *schema, struct arena *arena,
                           struct name_mapping *ret, corrie_error *err)
{
    ret->n_fields = schema->n_fields;
    return of_fields(schema->fields, schema->n_fields, arena, &ret->fields, err);
}

/* ---- following a schema ---- */

struct following {
    const struct schema *old;
    struct arena *arena;
};

static const struct mapped_field *find_id(const struct mapped_field *fields, size_t n_fields,
                                          int id)
{
    for (size_t i = 0; i < n_fields; i++) {
        if (fields[i].field_id == id) {
            return &fields[i];
        }
    }
    return NULL;
}

const struct mapped_field *name_mapping_find(const struct mapped_field *fields, size_t n_fields,
                                             struct str name)
{
    for (size_t i = 0; i < n_fields; i++) {
        for (size_t n = 0; n < fields[i].n_names; n++) {
            if (str_eq(fields[i].names[n], name)) {
                return &fields[i];
            }
        }
    }
    return NULL;
}

/* Whether the field took its name since `old`: it is new, or was called otherwise. */
static bool took_name(const struct following *following, const struct field *field)
{
    const struct field *before = schema_find_id(following->old, field->id);
    return !before || !str_eq(before->name, field->name);
}

/* `mapped` without names that other fields of the level took, and with the one that its own field took, unless an entry
 * before it has that (`again`: the id stands there too). */
static int follow_names(const struct following *following, const struct field *fields,
                        size_t n_fields, bool again, struct mapped_field *mapped, corrie_error *err)
{
    struct str *names = arena_array(following->arena, struct str, mapped->n_names + 1);
    size_t n = 0;

    if (!names) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < mapped->n_names; i++) {
        bool taken = false;
        for (size_t f = 0; f < n_fields; f++) {
            taken |= (again || fields[f].id != mapped->field_id) &&
                     took_name(following, &fields[f]) && str_eq(fields[f].name, mapped->names[i]);
        }
        if (!taken) {
            names[n++] = mapped->names[i];
        }
    }
    for (size_t f = 0; f < n_fields && !again; f++) {
        const struct mapped_field left = {.names = names, .n_names = n};
        if (fields[f].id == mapped->field_id && took_name(following, &fields[f]) &&
            !name_mapping_find(&left, 1, fields[f].name)) {
            names[n++] = fields[f].name;
        }
    }
    mapped->names = names;
    mapped->n_names = n;
    return 0;
}

static int follow(const struct following *following, const struct mapped_field *mapped,
                  size_t n_mapped, const struct field *fields, size_t n_fields,
                  const struct mapped_field **ret, size_t *ret_n, corrie_error *err)
{
    struct mapped_field *made =
        arena_array(following->arena, struct mapped_field, n_mapped + n_fields + 1);
    size_t n = n_mapped;
    int r = 0;

    if (!made) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n_mapped; i++) {
        made[i] = mapped[i];
        bool again = find_id(mapped, i, mapped[i].field_id) != NULL;
        if ((r = follow_names(following, fields, n_fields, again, &made[i], err)) < 0) {
            return r;
        }
    }
    for (size_t f = 0; f < n_fields; f++) {
        const struct type *type = &fields[f].type;
        const struct mapped_field *own = find_id(made, n_mapped, fields[f].id);
        struct mapped_field *entry = own ? &made[own - made] : NULL;
        if (entry) {
            r = follow(following, entry->fields, entry->n_fields, type->fields, type->n_fields,
                       &entry->fields, &entry->n_fields, err);
        } else if (!schema_find_id(following->old, fields[f].id)) {
            const struct mapped_field *whole = NULL;
            r = of_fields(&fields[f], 1, following->arena, &whole, err);
            if (r >= 0) {
                made[n++] = *whole;
            }
        }
        if (r < 0) {
            return r;
        }
    }
    *ret = made;
    *ret_n = n;
    return 0;
}

int name_mapping_follow(const struct name_mapping *mapping, const struct schema *old,
                        const struct schema *schema, struct arena *arena, struct name_mapping *ret,
                        corrie_error *err)
{
    const struct following following = {old, arena};
    struct name_mapping made;

    int r = follow(&following, mapping->fields, mapping->n_fields, schema->fields, schema->n_fields,
                   &made.fields, &made.n_fields, err);
    if (r >= 0) {
        *ret = made;
    }
    return r;
}

int metadata_name_mapping(const struct table_metadata *metadata, struct arena *arena,
                          struct name_mapping *ret, corrie_error *err)
{
    struct str text;

    if (!metadata_property(metadata, STR(NAME_MAPPING_PROPERTY), &text)) {
        return 0;
    }
    int r = name_mapping_parse(text, arena, ret, err);
    return r < 0 ? corrie_wrap(err, "property %s", NAME_MAPPING_PROPERTY) : 1;
}
