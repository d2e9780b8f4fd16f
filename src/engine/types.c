/* types.c — DuckDB's logical types as corrie's. */
#include "engine/types.h"

struct from {
    const struct duck *d;
    struct str column;
    struct arena *arena;
    corrie_error *err;
    int depth;
};

static int convert(struct from *from, duckdb_logical_type logical, struct type *ret);

static int convert_and_free(struct from *from, duckdb_logical_type logical, struct type *ret)
{
    int r = convert(from, logical, ret);

    from->d->destroy_logical_type(&logical);
    return r;
}

static int convert_struct(struct from *from, duckdb_logical_type logical, struct type *ret)
{
    idx_t n = from->d->struct_type_child_count(logical);
    struct field *fields = arena_array(from->arena, struct field, n);

    if (!fields) {
        return corrie_fail_memory(from->err);
    }
    for (idx_t i = 0; i < n; i++) {
        char *name = from->d->struct_type_child_name(logical, i);
        int r = arena_str(from->arena, str_of(name), &fields[i].name);

        from->d->free(name);
        if (r < 0) {
            return corrie_fail_memory(from->err);
        }
        r = convert_and_free(from, from->d->struct_type_child_type(logical, i), &fields[i].type);
        if (r < 0) {
            return r;
        }
    }
    return type_struct(from->arena, fields, n, ret, from->err);
}

static int convert_nested(struct from *from, duckdb_logical_type logical, duckdb_type id,
                          struct type *ret)
{
    const struct duck *d = from->d;
    struct type inner = {0};
    struct type value = {0};
    int r;

    if (from->depth >= CORRIE_MAX_TYPE_DEPTH) {
        return corrie_fail(from->err, CORRIE_E_LIMIT, "column %.*s: nested deeper than %d levels",
                           STR_FMT(from->column), CORRIE_MAX_TYPE_DEPTH);
    }
    from->depth++;
    if (id == DUCKDB_TYPE_STRUCT) {
        r = convert_struct(from, logical, ret);
    } else if (id == DUCKDB_TYPE_MAP) {
        r = convert_and_free(from, d->map_type_key_type(logical), &inner);
        if (r == 0) {
            r = convert_and_free(from, d->map_type_value_type(logical), &value);
        }
        if (r == 0) {
            r = type_map(from->arena, &inner, &value, false, ret, from->err);
        }
    } else {
        r = convert_and_free(from,
                             id == DUCKDB_TYPE_LIST ? d->list_type_child_type(logical)
                                                    : d->array_type_child_type(logical),
                             &inner);
        if (r == 0) {
            r = type_list(from->arena, &inner, false, ret, from->err);
        }
    }
    from->depth--;
    return r;
}

static int unsupported(struct from *from, duckdb_type id)
{
    static const struct {
        duckdb_type id;
        const char *name;
    } names[] = {
        {DUCKDB_TYPE_INTERVAL, "INTERVAL"},
        {DUCKDB_TYPE_BIT, "BIT"},
        {DUCKDB_TYPE_TIME_TZ, "TIME WITH TIME ZONE"},
        {DUCKDB_TYPE_UNION, "UNION"},
        {DUCKDB_TYPE_BIGNUM, "BIGNUM"},
    };
    const char *name = "this";

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        name = names[i].id == id ? names[i].name : name;
    }
    corrie_fail(from->err, CORRIE_E_UNSUPPORTED, "column %.*s: type %s has no place in a table",
                STR_FMT(from->column), name);
    return corrie_hint(from->err, "cast it, for example to VARCHAR");
}

static int convert(struct from *from, duckdb_logical_type logical, struct type *ret)
{
    static const struct {
        duckdb_type id;
        enum type_kind kind;
    } kinds[] = {
        {DUCKDB_TYPE_BOOLEAN, TYPE_BOOLEAN},
        {DUCKDB_TYPE_TINYINT, TYPE_INT},
        {DUCKDB_TYPE_SMALLINT, TYPE_INT},
        {DUCKDB_TYPE_INTEGER, TYPE_INT},
        {DUCKDB_TYPE_UTINYINT, TYPE_INT},
        {DUCKDB_TYPE_USMALLINT, TYPE_INT},
        {DUCKDB_TYPE_UINTEGER, TYPE_LONG},
        {DUCKDB_TYPE_BIGINT, TYPE_LONG},
        {DUCKDB_TYPE_UBIGINT, TYPE_LONG},
        {DUCKDB_TYPE_HUGEINT, TYPE_LONG},
        {DUCKDB_TYPE_UHUGEINT, TYPE_LONG},
        {DUCKDB_TYPE_FLOAT, TYPE_FLOAT},
        {DUCKDB_TYPE_DOUBLE, TYPE_DOUBLE},
        {DUCKDB_TYPE_DATE, TYPE_DATE},
        {DUCKDB_TYPE_TIME, TYPE_TIME},
        {DUCKDB_TYPE_TIME_NS, TYPE_TIME},
        {DUCKDB_TYPE_TIMESTAMP, TYPE_TIMESTAMP},
        {DUCKDB_TYPE_TIMESTAMP_S, TYPE_TIMESTAMP},
        {DUCKDB_TYPE_TIMESTAMP_MS, TYPE_TIMESTAMP},
        {DUCKDB_TYPE_TIMESTAMP_NS, TYPE_TIMESTAMP},
        {DUCKDB_TYPE_TIMESTAMP_TZ, TYPE_TIMESTAMPTZ},
        {DUCKDB_TYPE_VARCHAR, TYPE_STRING},
        {DUCKDB_TYPE_ENUM, TYPE_STRING},
        {DUCKDB_TYPE_UUID, TYPE_UUID},
        {DUCKDB_TYPE_BLOB, TYPE_BINARY},
        {DUCKDB_TYPE_SQLNULL, TYPE_INT},
    };
    duckdb_type id = from->d->get_type_id(logical);

    *ret = (struct type){0};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].id == id) {
            ret->kind = kinds[i].kind;
            return 0;
        }
    }
    switch (id) {
    case DUCKDB_TYPE_DECIMAL:
        ret->kind = TYPE_DECIMAL;
        ret->precision = from->d->decimal_width(logical);
        ret->scale = from->d->decimal_scale(logical);
        return 0;
    case DUCKDB_TYPE_STRUCT:
    case DUCKDB_TYPE_LIST:
    case DUCKDB_TYPE_ARRAY:
    case DUCKDB_TYPE_MAP:
        return convert_nested(from, logical, id, ret);
    default:
        return unsupported(from, id);
    }
}

int type_from_duck(const struct duck *d, duckdb_logical_type logical, struct str column,
                   struct arena *arena, struct type *ret, corrie_error *err)
{
    struct from from = {.d = d, .column = column, .arena = arena, .err = err};

    return convert(&from, logical, ret);
}

int schema_from_prepared(const struct duck *d, duckdb_prepared_statement prepared,
                         struct arena *arena, struct schema *ret, corrie_error *err)
{
    idx_t n = d->prepared_statement_column_count(prepared);
    struct field *fields = arena_array(arena, struct field, n);

    if (!fields) {
        return corrie_fail_memory(err);
    }
    for (idx_t i = 0; i < n; i++) {
        const char *name = d->prepared_statement_column_name(prepared, i);
        duckdb_logical_type logical = d->prepared_statement_column_logical_type(prepared, i);
        int r = arena_str(arena, str_of(name), &fields[i].name) < 0 ? corrie_fail_memory(err) : 0;

        d->free((void *)(uintptr_t)name);
        if (r == 0) {
            r = type_from_duck(d, logical, fields[i].name, arena, &fields[i].type, err);
        }
        d->destroy_logical_type(&logical);
        if (r < 0) {
            return r;
        }
    }
    *ret = (struct schema){.fields = fields, .n_fields = n};
    return 0;
}
