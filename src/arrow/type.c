/* Building, copying and asking. */
#include "arrow/type_priv.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"

int type_check_depth(unsigned depth, corrie_error *err)
{
    if (depth > CORRIE_MAX_TYPE_DEPTH) {
        return corrie_fail(err, CORRIE_E_LIMIT, "a type is nested deeper than %d levels",
                           CORRIE_MAX_TYPE_DEPTH);
    }
    return 0;
}

int type_decimal(int64_t precision, int64_t scale, struct type *ret, corrie_error *err)
{
    if (precision < 1 || precision > TYPE_DECIMAL_DIGITS || scale < 0 || scale > precision) {
        return corrie_fail(err, CORRIE_E_DATA,
                           "decimal(%lld, %lld): the precision must be 1 to 38 and the scale at "
                           "most the precision",
                           (long long)precision, (long long)scale);
    }
    *ret = (struct type){.kind = TYPE_DECIMAL, .precision = (int)precision, .scale = (int)scale};
    return 0;
}

/* ---- copying ---- */

static int copy_fields(const struct field *fields, size_t n_fields, struct arena *arena,
                       unsigned depth, struct field **ret, corrie_error *err);

static int copy_type(const struct type *type, struct arena *arena, unsigned depth, struct type *ret,
                     corrie_error *err)
{
    int r = type_check_depth(depth, err);
    if (r < 0) {
        return r;
    }
    struct field *fields = NULL;
    r = copy_fields(type->fields, type->n_fields, arena, depth + 1, &fields, err);
    if (r < 0) {
        return r;
    }
    struct type copy = *type;
    copy.fields = fields;
    *ret = copy;
    return 0;
}

static int copy_field(const struct field *field, struct arena *arena, unsigned depth,
                      struct field *ret, corrie_error *err)
{
    struct field copy = *field;
    if (arena_str(arena, field->name, &copy.name) < 0 ||
        arena_str(arena, field->doc, &copy.doc) < 0) {
        return corrie_fail_memory(err);
    }
    int r = copy_type(&field->type, arena, depth, &copy.type, err);
    if (r < 0) {
        return r;
    }
    *ret = copy;
    return 0;
}

static int copy_fields(const struct field *fields, size_t n_fields, struct arena *arena,
                       unsigned depth, struct field **ret, corrie_error *err)
{
    if (n_fields == 0) {
        *ret = NULL;
        return 0;
    }
    struct field *copies = arena_array(arena, struct field, n_fields);
    if (!copies) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n_fields; i++) {
        int r = copy_field(&fields[i], arena, depth, &copies[i], err);
        if (r < 0) {
            return r;
        }
    }
    *ret = copies;
    return 0;
}

int type_copy(const struct type *type, struct arena *arena, struct type *ret, corrie_error *err)
{
    return copy_type(type, arena, 1, ret, err);
}

int schema_copy(const struct schema *schema, struct arena *arena, struct schema *ret,
                corrie_error *err)
{
    struct schema copy = *schema;
    int r = copy_fields(schema->fields, schema->n_fields, arena, 1, &copy.fields, err);
    if (r < 0) {
        return r;
    }
    copy.identifier_ids = NULL;
    if (schema->n_identifier_ids > 0) {
        copy.identifier_ids = arena_array(arena, int, schema->n_identifier_ids);
        if (!copy.identifier_ids) {
            return corrie_fail_memory(err);
        }
        memcpy(copy.identifier_ids, schema->identifier_ids, schema->n_identifier_ids * sizeof(int));
    }
    *ret = copy;
    return 0;
}

int type_struct(struct arena *arena, const struct field *fields, size_t n_fields, struct type *ret,
                corrie_error *err)
{
    struct field *copies = NULL;
    int r = copy_fields(fields, n_fields, arena, 2, &copies, err);
    if (r < 0) {
        return r;
    }
    *ret = (struct type){.kind = TYPE_STRUCT, .fields = copies, .n_fields = n_fields};
    return 0;
}

int type_list(struct arena *arena, const struct type *element, bool element_required,
              struct type *ret, corrie_error *err)
{
    struct field field = {.name = LIST_ELEMENT, .required = element_required, .type = *element};
    int r = type_struct(arena, &field, 1, ret, err);
    if (r < 0) {
        return r;
    }
    ret->kind = TYPE_LIST;
    return 0;
}

int type_map(struct arena *arena, const struct type *key, const struct type *value,
             bool value_required, struct type *ret, corrie_error *err)
{
    struct field fields[2] = {
        {.name = MAP_KEY, .required = true, .type = *key},
        {.name = MAP_VALUE, .required = value_required, .type = *value},
    };
    int r = type_struct(arena, fields, 2, ret, err);
    if (r < 0) {
        return r;
    }
    ret->kind = TYPE_MAP;
    return 0;
}

int schema_select(const struct schema *schema, const struct str *names, size_t n_names,
                  struct arena *arena, struct schema *ret, corrie_error *err)
{
    struct field *fields = arena_array(arena, struct field, n_names + 1);
    if (!fields) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n_names; i++) {
        const struct field *field = schema_find(schema, names[i]);
        if (!field) {
            return schema_fail_column(schema, names[i], err);
        }
        fields[i] = *field;
    }
    *ret = (struct schema){.schema_id = schema->schema_id, .fields = fields, .n_fields = n_names};
    return 0;
}

int schema_fail_column(const struct schema *schema, struct str name, corrie_error *err)
{
    int r = corrie_fail(err, CORRIE_E_NOT_FOUND, "there is no column %.*s", STR_FMT(name));
    struct str *names = mem_alloc(schema->n_fields + 1, sizeof *names);
    if (!names) {
        return r;
    }
    for (size_t i = 0; i < schema->n_fields; i++) {
        names[i] = schema->fields[i].name;
    }
    corrie_hint_similar(name, names, schema->n_fields, err);
    mem_free(names);
    return r;
}

/* ---- asking ---- */

bool type_is_nested(const struct type *type)
{
    return type->kind == TYPE_STRUCT || type->kind == TYPE_LIST || type->kind == TYPE_MAP;
}

static bool parameters_eq(const struct type *a, const struct type *b)
{
    if (a->kind != b->kind || a->n_fields != b->n_fields) {
        return false;
    }
    if (a->kind == TYPE_DECIMAL) {
        return a->precision == b->precision && a->scale == b->scale;
    }
    return a->kind != TYPE_FIXED || a->length == b->length;
}

bool type_eq(const struct type *a, const struct type *b)
{
    if (!parameters_eq(a, b)) {
        return false;
    }
    for (size_t i = 0; i < a->n_fields; i++) {
        if (!field_eq(&a->fields[i], &b->fields[i])) {
            return false;
        }
    }
    return true;
}

bool field_eq(const struct field *a, const struct field *b)
{
    return a->id == b->id && a->required == b->required && str_eq(a->name, b->name) &&
           str_eq(a->doc, b->doc) && type_eq(&a->type, &b->type);
}

bool schema_eq(const struct schema *a, const struct schema *b)
{
    if (a->n_fields != b->n_fields || a->n_identifier_ids != b->n_identifier_ids) {
        return false;
    }
    for (size_t i = 0; i < a->n_fields; i++) {
        if (!field_eq(&a->fields[i], &b->fields[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < a->n_identifier_ids; i++) {
        if (a->identifier_ids[i] != b->identifier_ids[i]) {
            return false;
        }
    }
    return true;
}

bool type_same(const struct type *a, const struct type *b)
{
    if (!parameters_eq(a, b)) {
        return false;
    }
    for (size_t i = 0; i < a->n_fields; i++) {
        if (!str_eq(a->fields[i].name, b->fields[i].name) ||
            !type_same(&a->fields[i].type, &b->fields[i].type)) {
            return false;
        }
    }
    return true;
}

bool type_promotes(const struct type *from, const struct type *to)
{
    if (from->kind == TYPE_INT && to->kind == TYPE_LONG) {
        return true;
    }
    if (from->kind == TYPE_FLOAT && to->kind == TYPE_DOUBLE) {
        return true;
    }
    if (from->kind == TYPE_DECIMAL && to->kind == TYPE_DECIMAL) {
        return from->scale == to->scale && from->precision <= to->precision;
    }
    if (!parameters_eq(from, to)) {
        return false;
    }
    for (size_t i = 0; i < from->n_fields; i++) {
        if (!str_eq(from->fields[i].name, to->fields[i].name) ||
            !type_promotes(&from->fields[i].type, &to->fields[i].type)) {
            return false;
        }
    }
    return true;
}

ptrdiff_t schema_index(const struct schema *schema, struct str name)
{
    for (size_t i = 0; i < schema->n_fields; i++) {
        if (str_eq(schema->fields[i].name, name)) {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

ptrdiff_t schema_index_nocase(const struct schema *schema, struct str name)
{
    ptrdiff_t at = schema_index(schema, name);

    for (size_t i = 0; at < 0 && i < schema->n_fields; i++) {
        at = str_eq_nocase(schema->fields[i].name, name) ? (ptrdiff_t)i : -1;
    }
    return at;
}

const struct field *schema_find(const struct schema *schema, struct str name)
{
    ptrdiff_t index = schema_index(schema, name);
    return index < 0 ? NULL : &schema->fields[index];
}

static const struct field *find_id(const struct field *fields, size_t n_fields, int id)
{
    for (size_t i = 0; i < n_fields; i++) {
        if (fields[i].id == id) {
            return &fields[i];
        }
        const struct field *inner = find_id(fields[i].type.fields, fields[i].type.n_fields, id);
        if (inner) {
            return inner;
        }
    }
    return NULL;
}

const struct field *schema_find_id(const struct schema *schema, int id)
{
    return id > 0 ? find_id(schema->fields, schema->n_fields, id) : NULL;
}

/* ---- checking what came from outside ---- */

static int check_shape(const struct field *field, corrie_error *err)
{
    const struct type *type = &field->type;
    bool right;

    switch (type->kind) {
    case TYPE_NONE:
        right = false;
        break;
    case TYPE_STRUCT:
        right = true;
        break;
    case TYPE_LIST:
        right = type->n_fields == 1 && str_eq(type->fields[0].name, LIST_ELEMENT);
        break;
    case TYPE_MAP:
        right = type->n_fields == 2 && str_eq(type->fields[0].name, MAP_KEY) &&
                type->fields[0].required && str_eq(type->fields[1].name, MAP_VALUE);
        break;
    case TYPE_DECIMAL:
        right = type->n_fields == 0 && type->precision >= 1 &&
                type->precision <= TYPE_DECIMAL_DIGITS && type->scale >= 0 &&
                type->scale <= type->precision;
        break;
    case TYPE_FIXED:
        right = type->n_fields == 0 && type->length > 0;
        break;
    default:
        right = type->n_fields == 0 && type->kind <= TYPE_MAP;
    }
    if (!right) {
        return corrie_fail(err, CORRIE_E_DATA, "column %.*s: its type is not well-formed",
                           STR_FMT(field->name));
    }
    return 0;
}

static int check_fields(size_t *n_seen, const struct field *fields, size_t n_fields, unsigned depth,
                        corrie_error *err)
{
    _cleanup_(map_done) struct map names = {0};

    int r = type_check_depth(depth, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < n_fields; i++) {
        const struct field *field = &fields[i];
        if (++*n_seen > CORRIE_MAX_FIELDS) {
            return corrie_fail(err, CORRIE_E_LIMIT, "a schema of more than %d fields",
                               CORRIE_MAX_FIELDS);
        }
        if (field->name.len == 0) {
            return corrie_fail(err, CORRIE_E_DATA, "column %zu has no name", i + 1);
        }
        if (!str_is_utf8(field->name, NULL) || str_find(field->name, '\0') >= 0) {
            return corrie_fail(err, CORRIE_E_DATA, "the name of column %zu is not UTF-8 text",
                               i + 1);
        }
        if (map_find(&names, field->name)) {
            return corrie_fail(err, CORRIE_E_DATA, "two columns are named %.*s",
                               STR_FMT(field->name));
        }
        if (map_put(&names, field->name, NULL) < 0) {
            return corrie_fail_memory(err);
        }
        if (field->id < 0) {
            return corrie_fail(err, CORRIE_E_DATA, "column %.*s has the id %d",
                               STR_FMT(field->name), field->id);
        }
        r = check_shape(field, err);
        if (r < 0) {
            return r;
        }
        r = check_fields(n_seen, field->type.fields, field->type.n_fields, depth + 1, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static size_t collect_ids(const struct field *fields, size_t n_fields, int *ids, size_t n)
{
    for (size_t i = 0; i < n_fields; i++) {
        if (fields[i].id > 0) {
            ids[n++] = fields[i].id;
        }
        n = collect_ids(fields[i].type.fields, fields[i].type.n_fields, ids, n);
    }
    return n;
}

static int compare_ints(const void *a, const void *b)
{
    int x = *(const int *)a;
    int y = *(const int *)b;
    return (x > y) - (x < y);
}

/* The first id that two fields have, or 0. */
static int repeated_id(const struct schema *schema, size_t n_fields, int *ret, corrie_error *err)
{
    _free_ int *ids = mem_alloc(n_fields, sizeof *ids);
    if (!ids) {
        return corrie_fail_memory(err);
    }
    size_t n_ids = collect_ids(schema->fields, schema->n_fields, ids, 0);
    qsort(ids, n_ids, sizeof *ids, compare_ints);
    *ret = 0;
    for (size_t i = 1; i < n_ids; i++) {
        if (ids[i] == ids[i - 1]) {
            *ret = ids[i];
            break;
        }
    }
    return 0;
}

int schema_check(const struct schema *schema, corrie_error *err)
{
    size_t n_fields = 0;
    int id;

    int r = check_fields(&n_fields, schema->fields, schema->n_fields, 1, err);
    if (r < 0) {
        return r;
    }
    r = repeated_id(schema, n_fields, &id, err);
    if (r < 0) {
        return r;
    }
    return id > 0 ? corrie_fail(err, CORRIE_E_DATA, "two fields have the id %d", id) : 0;
}

static size_t count_fields(const struct field *fields, size_t n_fields)
{
    size_t n = n_fields;
    for (size_t i = 0; i < n_fields; i++) {
        n += count_fields(fields[i].type.fields, fields[i].type.n_fields);
    }
    return n;
}

static void clear_ids(struct field *fields, size_t n_fields)
{
    for (size_t i = 0; i < n_fields; i++) {
        fields[i].id = 0;
        clear_ids(fields[i].type.fields, fields[i].type.n_fields);
    }
}

int schema_clear_repeated_ids(struct schema *schema, corrie_error *err)
{
    int id;
    int r = repeated_id(schema, count_fields(schema->fields, schema->n_fields), &id, err);
    if (r >= 0 && id > 0) {
        clear_ids(schema->fields, schema->n_fields);
    }
    return r;
}
