/* The first look at a schema message, before nanoarrow and flatcc follow its offsets. FlatBuffers may name one
 * table from many places: a few hundred bytes can unfold into more fields than any memory holds. */
#include "arrow/ipc_priv.h"

#include "base/limits.h"

/* How much a schema may unfold to. */
struct budget {
    size_t fields;
    size_t bytes;            /* names, metadata, zones */
    struct ipc_views *views; /* where the types stand; NULL: views are refused */
};

static const char *const refused_types[] = {
    [14] = "union",       [22] = "run_end_encoded", [23] = "binary_view",
    [24] = "string_view", [25] = "list_view",       [26] = "large_list_view",
};
enum { TYPE_TIMESTAMP_NUMBER = 10, TYPES_END = 27, TIMESTAMP_ZONE = 1, DICTIONARY_INDEX_TYPE = 1 };

static int fail_shape(corrie_error *err)
{
    return corrie_fail(err, CORRIE_E_DATA, "the schema message is not well-formed");
}

static int spend(size_t *budget, size_t amount, corrie_error *err)
{
    if (amount > *budget) {
        return corrie_fail(err, CORRIE_E_LIMIT,
                           "the schema declares more than %d fields or %zu bytes of names",
                           CORRIE_MAX_FIELDS, (size_t)IPC_MAX_SCHEMA_BYTES);
    }
    *budget -= amount;
    return 0;
}

static int spend_string(const struct flat *flat, size_t table, unsigned field,
                        struct budget *budget, corrie_error *err)
{
    struct flat_vector text;
    if (!flat_vector(flat, table, field, 1, &text)) {
        return fail_shape(err);
    }
    return spend(&budget->bytes, text.count + 1, err);
}

static int check_metadata(const struct flat *flat, size_t table, unsigned field,
                          struct budget *budget, corrie_error *err)
{
    struct flat_vector pairs;
    if (!flat_vector(flat, table, field, 4, &pairs)) {
        return fail_shape(err);
    }
    for (size_t i = 0; i < pairs.count; i++) {
        size_t pair;
        if (!flat_element_table(flat, pairs, i, &pair)) {
            return fail_shape(err);
        }
        size_t key;
        size_t value;
        if (!flat_table(flat, pair, 0, &key) || !flat_table(flat, pair, 1, &value) || key == 0 ||
            value == 0) {
            return fail_shape(err); /* nanoarrow takes both for given */
        }
        int r = spend_string(flat, pair, 0, budget, err);
        if (r >= 0) {
            r = spend_string(flat, pair, 1, budget, err);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int check_type(const struct flat *flat, size_t field, struct budget *budget,
                      corrie_error *err)
{
    uint8_t type = 0;
    size_t table;

    if (!flat_u8(flat, field, FIELD_TYPE_TYPE, &type) ||
        !flat_table(flat, field, FIELD_TYPE, &table)) {
        return fail_shape(err);
    }
    bool view = type == IPC_BINARY_VIEW || type == IPC_STRING_VIEW;
    if (view && budget->views) {
        budget->views->count++;
    } else if (type >= TYPES_END || (type < TYPES_END && refused_types[type])) {
        int r = corrie_fail(err, CORRIE_E_UNSUPPORTED, "type %s cannot be read",
                            type < TYPES_END ? refused_types[type] : "unknown");
        corrie_hint(err, "cast it before the table is returned");
        return r;
    }
    if (table == 0) {
        return fail_shape(err);
    }
    if (budget->views) {
        struct ipc_view_mark mark = {.type = type};
        if (!flat_position(flat, field, FIELD_TYPE_TYPE, 1, &mark.at)) {
            return fail_shape(err);
        }
        if (vec_push(&budget->views->fields, mark) < 0) {
            return corrie_fail_memory(err);
        }
    }
    if (type == TYPE_TIMESTAMP_NUMBER) {
        return spend_string(flat, table, TIMESTAMP_ZONE, budget, err);
    }
    return 0;
}

/* The index type may be left out in the format (it is int32 then), which nanoarrow does not know. */
static int check_dictionary(const struct flat *flat, size_t field, corrie_error *err)
{
    size_t dictionary;
    size_t index = 0;

    if (!flat_table(flat, field, FIELD_DICTIONARY, &dictionary) ||
        (dictionary != 0 && !flat_table(flat, dictionary, DICTIONARY_INDEX_TYPE, &index))) {
        return fail_shape(err);
    }
    if (dictionary != 0 && index == 0) {
        return corrie_fail(err, CORRIE_E_UNSUPPORTED, "a dictionary without index type");
    }
    return 0;
}

static int check_fields(const struct flat *flat, size_t table, unsigned field, unsigned depth,
                        struct budget *budget, corrie_error *err)
{
    struct flat_vector fields;

    if (!flat_vector(flat, table, field, 4, &fields)) {
        return fail_shape(err);
    }
    if (fields.count > 0 && depth > CORRIE_MAX_TYPE_DEPTH) {
        return corrie_fail(err, CORRIE_E_LIMIT, "a type is nested deeper than %d levels",
                           CORRIE_MAX_TYPE_DEPTH);
    }
    int r = spend(&budget->fields, fields.count, err);
    for (size_t i = 0; r >= 0 && i < fields.count; i++) {
        size_t inner;
        if (!flat_element_table(flat, fields, i, &inner)) {
            return fail_shape(err);
        }
        r = spend_string(flat, inner, FIELD_NAME, budget, err);
        if (r >= 0) {
            r = check_type(flat, inner, budget, err);
        }
        if (r >= 0) {
            r = check_dictionary(flat, inner, err);
        }
        if (r >= 0) {
            r = check_metadata(flat, inner, FIELD_METADATA, budget, err);
        }
        if (r >= 0) {
            r = check_fields(flat, inner, FIELD_CHILDREN, depth + 1, budget, err);
        }
    }
    return r;
}

int ipc_check_schema(struct str message, struct ipc_views *views, corrie_error *err)
{
    struct flat flat = {message};
    struct budget budget = {CORRIE_MAX_FIELDS, IPC_MAX_SCHEMA_BYTES, views};
    size_t root;
    size_t schema;

    if (message.len > IPC_MAX_SCHEMA_BYTES) {
        return corrie_fail(err, CORRIE_E_LIMIT, "a schema message of %zu bytes", message.len);
    }
    if (!flat_root(&flat, &root) || !flat_table(&flat, root, MESSAGE_HEADER, &schema) ||
        schema == 0) {
        return fail_shape(err);
    }
    /* Metadata of the message itself. */
    int r = check_metadata(&flat, root, MESSAGE_BODY_LENGTH + 1, &budget, err);
    if (r >= 0) {
        r = check_metadata(&flat, schema, SCHEMA_METADATA, &budget, err);
    }
    return r < 0 ? r : check_fields(&flat, schema, SCHEMA_FIELDS, 1, &budget, err);
}
