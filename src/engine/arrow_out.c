/* arrow_out.c — from DuckDB's vectors to Arrow arrays by our own copy.
 *
 * Chunks of 2048 rows are appended to buffers that become arrays of up to a million rows: twice as fast
 * as duckdb_data_chunk_to_arrow and its small arrays.
 *
 * Invariants
 *   1. All buffers of a builder hold exactly `rows` values (validity only from the first null on: before
 *      that `valid` is NULL and every value is valid).
 *   2. Offsets are 32 bits: the caller cuts batches long before 2 GiB; a column that would pass it fails.
 *   3. The values of nulls are zero: DuckDB leaves anything there. So are bits behind the last row: equal rows are equal
 *      bytes. */
#include "engine/arrow_out.h"

#include <string.h>

enum copy_kind {
    COPY_FIXED, /* same bytes */
    COPY_BOOL,
    COPY_INT, /* narrower or unsigned → 32 or 64 bits, checked */
    COPY_HUGE,
    COPY_SCALED, /* × or ÷ a power of ten, exactly */
    COPY_DECIMAL,
    COPY_UUID,
    COPY_TEXT,
    COPY_ENUM,
    COPY_LIST,
    COPY_ARRAY,
    COPY_STRUCT
};

struct out {
    const struct duck *d;
    enum copy_kind kind;
    duckdb_type source;
    struct str column;
    size_t in_width;  /* bytes of a source value */
    size_t out_width; /* bytes of a value in `data` */
    int64_t multiply;
    int64_t divide;
    idx_t array_size;
    struct str *dictionary; /* enum */
    char **dictionary_text;
    size_t n_dictionary;
    struct out **children;
    size_t n_children;

    int64_t rows;
    int64_t nulls;
    size_t capacity; /* rows that valid, data and offsets have room for */
    uint8_t *valid;
    char *data; /* values; bits for COPY_BOOL; characters for text */
    int32_t *offsets;
    size_t characters; /* in `data` of text */
    size_t text_capacity;
};

/* ---- making ---- */

struct out *out_free(struct out *out)
{
    if (!out) {
        return NULL;
    }
    for (size_t i = 0; i < out->n_children; i++) {
        out_free(out->children[i]);
    }
    for (size_t i = 0; i < out->n_dictionary; i++) {
        out->d->free(out->dictionary_text[i]);
    }
    mem_free(out->children);
    mem_free(out->dictionary);
    mem_free(out->dictionary_text);
    mem_free(out->valid);
    mem_free(out->data);
    mem_free(out->offsets);
    mem_free(out);
    return NULL;
}
DEFINE_CLEANUP(struct out *, out_free)

static int load_dictionary(struct out *out, duckdb_logical_type logical, corrie_error *err)
{
    uint32_t n = out->d->enum_dictionary_size(logical);

    out->dictionary = mem_alloc(n, sizeof *out->dictionary);
    out->dictionary_text = mem_alloc(n, sizeof *out->dictionary_text);
    if (!out->dictionary || !out->dictionary_text) {
        return corrie_fail_memory(err);
    }
    for (uint32_t i = 0; i < n; i++) {
        out->dictionary_text[i] = out->d->enum_dictionary_value(logical, i);
        out->dictionary[i] = str_of(out->dictionary_text[i]);
        out->n_dictionary++;
    }
    switch (out->d->enum_internal_type(logical)) {
    case DUCKDB_TYPE_UTINYINT:
        out->in_width = 1;
        break;
    case DUCKDB_TYPE_USMALLINT:
        out->in_width = 2;
        break;
    default:
        out->in_width = 4;
    }
    return 0;
}

static int add_child(struct out *out, duckdb_logical_type logical, const struct type *type,
                     corrie_error *err)
{
    int r = out_new(out->d, logical, type, out->column, &out->children[out->n_children], err);

    out->d->destroy_logical_type(&logical);
    if (r == 0) {
        out->n_children++;
    }
    return r;
}

static int make_children(struct out *out, duckdb_logical_type logical, const struct type *type,
                         corrie_error *err)
{
    const struct duck *d = out->d;
    int r = 0;

    out->children = mem_alloc(type->n_fields, sizeof(struct out *));
    if (!out->children) {
        return corrie_fail_memory(err);
    }
    if (out->source == DUCKDB_TYPE_LIST || out->source == DUCKDB_TYPE_ARRAY) {
        out->kind = out->source == DUCKDB_TYPE_LIST ? COPY_LIST : COPY_ARRAY;
        out->array_size = out->kind == COPY_ARRAY ? d->array_type_array_size(logical) : 0;
        return add_child(out,
                         out->kind == COPY_LIST ? d->list_type_child_type(logical)
                                                : d->array_type_child_type(logical),
                         &type->fields[0].type, err);
    }
    if (out->source == DUCKDB_TYPE_STRUCT) {
        out->kind = COPY_STRUCT;
        for (size_t i = 0; r == 0 && i < type->n_fields; i++) {
            r = add_child(out, d->struct_type_child_type(logical, i), &type->fields[i].type, err);
        }
        return r;
    }
    /* a map is a list of structs of two */
    _cleanup_(out_freep) struct out *entries = mem_alloc(1, sizeof *entries);
    if (!entries) {
        return corrie_fail_memory(err);
    }
    out->kind = COPY_LIST;
    entries->d = d;
    entries->kind = COPY_STRUCT;
    entries->column = out->column;
    entries->children = mem_alloc(2, sizeof(struct out *));
    if (!entries->children) {
        return corrie_fail_memory(err);
    }
    r = add_child(entries, d->map_type_key_type(logical), &type->fields[0].type, err);
    if (r == 0) {
        r = add_child(entries, d->map_type_value_type(logical), &type->fields[1].type, err);
    }
    if (r == 0) {
        out->children[out->n_children++] = TAKE_PTR(entries);
    }
    return r;
}

static void set_fixed(struct out *out, size_t width)
{
    out->kind = COPY_FIXED;
    out->in_width = out->out_width = width;
}

static void set_scaled(struct out *out, int64_t multiply, int64_t divide)
{
    out->kind = COPY_SCALED;
    out->in_width = out->out_width = 8;
    out->multiply = multiply;
    out->divide = divide;
}

static void set_int(struct out *out, size_t in_width, size_t out_width)
{
    out->kind = COPY_INT;
    out->in_width = in_width;
    out->out_width = out_width;
}

static size_t decimal_width(const struct duck *d, duckdb_logical_type logical)
{
    switch (d->decimal_internal_type(logical)) {
    case DUCKDB_TYPE_SMALLINT:
        return 2;
    case DUCKDB_TYPE_INTEGER:
        return 4;
    case DUCKDB_TYPE_BIGINT:
        return 8;
    default:
        return 16;
    }
}

static int configure(struct out *out, duckdb_logical_type logical, const struct type *type,
                     corrie_error *err)
{
    switch (out->source) {
    case DUCKDB_TYPE_BOOLEAN:
        out->kind = COPY_BOOL;
        out->in_width = 1;
        return 0;
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_UTINYINT:
        set_int(out, 1, 4);
        return 0;
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_USMALLINT:
        set_int(out, 2, 4);
        return 0;
    case DUCKDB_TYPE_UINTEGER:
        set_int(out, 4, 8);
        return 0;
    case DUCKDB_TYPE_UBIGINT:
        set_int(out, 8, 8);
        return 0;
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UHUGEINT:
        out->kind = COPY_HUGE;
        out->in_width = 16;
        out->out_width = 8;
        return 0;
    case DUCKDB_TYPE_SQLNULL:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_FLOAT:
    case DUCKDB_TYPE_DATE:
        set_fixed(out, 4);
        return 0;
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_DOUBLE:
    case DUCKDB_TYPE_TIME:
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
        set_fixed(out, 8);
        return 0;
    case DUCKDB_TYPE_TIMESTAMP_S:
        set_scaled(out, 1000000, 1);
        return 0;
    case DUCKDB_TYPE_TIMESTAMP_MS:
        set_scaled(out, 1000, 1);
        return 0;
    case DUCKDB_TYPE_TIMESTAMP_NS:
    case DUCKDB_TYPE_TIME_NS:
        set_scaled(out, 1, 1000);
        return 0;
    case DUCKDB_TYPE_DECIMAL:
        out->kind = COPY_DECIMAL;
        out->in_width = decimal_width(out->d, logical);
        out->out_width = 16;
        return 0;
    case DUCKDB_TYPE_UUID:
        out->kind = COPY_UUID;
        out->in_width = out->out_width = 16;
        return 0;
    case DUCKDB_TYPE_VARCHAR:
    case DUCKDB_TYPE_BLOB:
        out->kind = COPY_TEXT;
        return 0;
    case DUCKDB_TYPE_ENUM:
        out->kind = COPY_ENUM;
        return load_dictionary(out, logical, err);
    default:
        return make_children(out, logical, type, err);
    }
}

int out_new(const struct duck *d, duckdb_logical_type logical, const struct type *type,
            struct str column, struct out **ret, corrie_error *err)
{
    _cleanup_(out_freep) struct out *out = mem_alloc(1, sizeof *out);
    int r;

    if (!out) {
        return corrie_fail_memory(err);
    }
    out->d = d;
    out->source = d->get_type_id(logical);
    out->column = column;
    r = configure(out, logical, type, err);
    if (r < 0) {
        return r;
    }
    *ret = TAKE_PTR(out);
    return 0;
}

/* ---- room ---- */

static bool has_offsets(const struct out *out)
{
    return out->kind == COPY_TEXT || out->kind == COPY_ENUM || out->kind == COPY_LIST ||
           out->kind == COPY_ARRAY;
}

static int grow(void *pointer, size_t bytes)
{
    void **block = pointer;
    void *larger = mem_resize(*block, bytes, 1);

    if (!larger) {
        return CORRIE_E_NO_MEMORY;
    }
    *block = larger;
    return 0;
}

static int reserve(struct out *out, size_t rows, corrie_error *err)
{
    size_t capacity = out->capacity ? out->capacity : 2048;
    int r = 0;

    if (rows <= out->capacity) {
        return 0;
    }
    while (capacity < rows) {
        capacity *= 2;
    }
    if (out->valid) {
        r = grow(&out->valid, capacity / 8 + 8);
    }
    if (r == 0 && out->kind == COPY_BOOL) {
        r = grow(&out->data, capacity / 8 + 8);
    } else if (r == 0 && out->out_width > 0) {
        r = grow(&out->data, capacity * out->out_width);
    } else if (r == 0 && has_offsets(out)) {
        r = grow(&out->offsets, (capacity + 1) * sizeof(int32_t));
        if (r == 0 && out->rows == 0) {
            out->offsets[0] = 0;
        }
    }
    if (r < 0) {
        return corrie_fail_memory(err);
    }
    out->capacity = capacity;
    return 0;
}

static int reserve_text(struct out *out, size_t more, corrie_error *err)
{
    size_t need = out->characters + more;
    size_t capacity = out->text_capacity ? out->text_capacity : 4096;

    if (need > INT32_MAX) {
        return corrie_fail(err, CORRIE_E_LIMIT, "column %.*s: more than 2 GiB in one batch",
                           STR_FMT(out->column));
    }
    if (need <= out->text_capacity) {
        return 0;
    }
    while (capacity < need) {
        capacity *= 2;
    }
    if (grow(&out->data, capacity) < 0) {
        return corrie_fail_memory(err);
    }
    out->text_capacity = capacity;
    return 0;
}

size_t out_bytes(const struct out *out)
{
    size_t rows = (size_t)out->rows;
    size_t bytes = out->characters + rows * out->out_width + (has_offsets(out) ? rows * 4 : 0) +
                   (out->kind == COPY_BOOL ? rows / 8 : 0) + (out->valid ? rows / 8 : 0);

    for (size_t i = 0; i < out->n_children; i++) {
        bytes += out_bytes(out->children[i]);
    }
    return bytes;
}

/* ---- validity ---- */

static inline void set_bit(uint8_t *bits, int64_t at, bool value)
{
    uint8_t mask = (uint8_t)(1u << (at & 7));

    bits[at >> 3] = value ? bits[at >> 3] | mask : bits[at >> 3] & (uint8_t)~mask;
}

/* Bits [rows, rows + count) from `validity`, bit `start` on; NULL = all set. */
static int append_validity(struct out *out, const uint64_t *validity, idx_t start, idx_t count,
                           corrie_error *err)
{
    if (!validity && !out->valid) {
        return 0;
    }
    if (!out->valid) {
        idx_t i = 0;

        while (i < count && valid_at(validity, start + i)) {
            i++;
        }
        if (i == count) {
            return 0;
        }
        if (grow(&out->valid, out->capacity / 8 + 8) < 0) {
            return corrie_fail_memory(err);
        }
        memset(out->valid, 0xff, (size_t)out->rows / 8 + 1);
    }
    for (idx_t i = 0; i < count; i++) {
        bool is_valid = valid_at(validity, start + i);

        set_bit(out->valid, out->rows + (int64_t)i, is_valid);
        out->nulls += !is_valid;
    }
    return 0;
}

/* ---- values ---- */

static int fail_value(const struct out *out, const char *what, corrie_error *err)
{
    corrie_fail(err, CORRIE_E_DATA, "column %.*s: %s", STR_FMT(out->column), what);
    return corrie_hint(err, "cast the column, for example to VARCHAR or DECIMAL");
}

static int append_int(struct out *out, const char *from, const uint64_t *validity, idx_t start,
                      idx_t count, corrie_error *err)
{
    char *to = out->data + (size_t)out->rows * out->out_width;

    for (idx_t i = 0; i < count; i++) {
        int64_t value = 0;

        if (valid_at(validity, start + i)) {
            switch (out->source) {
            case DUCKDB_TYPE_TINYINT:
                value = ((const int8_t *)from)[start + i];
                break;
            case DUCKDB_TYPE_UTINYINT:
                value = ((const uint8_t *)from)[start + i];
                break;
            case DUCKDB_TYPE_SMALLINT:
                value = ((const int16_t *)from)[start + i];
                break;
            case DUCKDB_TYPE_USMALLINT:
                value = ((const uint16_t *)from)[start + i];
                break;
            case DUCKDB_TYPE_UINTEGER:
                value = ((const uint32_t *)from)[start + i];
                break;
            default: {
                uint64_t wide = ((const uint64_t *)from)[start + i];
                char text[64];

                if (wide > INT64_MAX) {
                    snprintf(text, sizeof text, "%llu does not fit long (64 bits, signed)",
                             (unsigned long long)wide);
                    return fail_value(out, text, err);
                }
                value = (int64_t)wide;
            }
            }
        }
        if (out->out_width == 4) {
            ((int32_t *)to)[i] = (int32_t)value;
        } else {
            ((int64_t *)to)[i] = value;
        }
    }
    return 0;
}

static int append_huge(struct out *out, const duckdb_hugeint *from, const uint64_t *validity,
                       idx_t start, idx_t count, corrie_error *err)
{
    int64_t *to = (int64_t *)out->data + out->rows;

    for (idx_t i = 0; i < count; i++) {
        duckdb_hugeint value = from[start + i];
        bool negative = value.upper == -1 && out->source == DUCKDB_TYPE_HUGEINT;

        if (!valid_at(validity, start + i)) {
            to[i] = 0;
            continue;
        }
        if (!(value.upper == 0 && value.lower <= INT64_MAX) &&
            !(negative && value.lower > INT64_MAX)) {
            return fail_value(out, "a value does not fit long (64 bits, signed)", err);
        }
        to[i] = (int64_t)value.lower;
    }
    return 0;
}

static int append_scaled(struct out *out, const int64_t *from, const uint64_t *validity,
                         idx_t start, idx_t count, corrie_error *err)
{
    int64_t *to = (int64_t *)out->data + out->rows;

    for (idx_t i = 0; i < count; i++) {
        int64_t value = 0;

        if (valid_at(validity, start + i)) {
            value = from[start + i];
            if (value % out->divide != 0) {
                return fail_value(out, "a time has nanoseconds that microseconds cannot hold", err);
            }
            if (__builtin_mul_overflow(value / out->divide, out->multiply, &value)) {
                return fail_value(out, "a timestamp is out of range", err);
            }
        }
        to[i] = value;
    }
    return 0;
}

static void append_decimal(struct out *out, const char *from, const uint64_t *validity, idx_t start,
                           idx_t count)
{
    int64_t *to = (int64_t *)out->data + out->rows * 2;

    for (idx_t i = 0; i < count; i++, to += 2) {
        idx_t at = start + i;

        to[0] = to[1] = 0;
        if (!valid_at(validity, at)) {
            continue;
        }
        if (out->in_width == 16) {
            memcpy(to, from + at * 16, 16); /* lower half first, as Arrow has it */
            continue;
        }
        to[0] = out->in_width == 2   ? ((const int16_t *)from)[at]
                : out->in_width == 4 ? ((const int32_t *)from)[at]
                                     : ((const int64_t *)from)[at];
        to[1] = to[0] < 0 ? -1 : 0;
    }
}

/* DuckDB keeps a UUID as a 128-bit number with the highest bit flipped, so that it sorts. */
static void append_uuid(struct out *out, const duckdb_hugeint *from, const uint64_t *validity,
                        idx_t start, idx_t count)
{
    uint64_t *to = (uint64_t *)out->data + out->rows * 2;

    for (idx_t i = 0; i < count; i++, to += 2) {
        to[0] = to[1] = 0;
        if (valid_at(validity, start + i)) {
            to[0] = __builtin_bswap64((uint64_t)from[start + i].upper ^ (UINT64_C(1) << 63));
            to[1] = __builtin_bswap64(from[start + i].lower);
        }
    }
}

/* The bytes of a text of DuckDB: up to 12 lie in the value itself. */
#define INLINE_TEXT 12

static int append_text(struct out *out, const duckdb_string_t *from, const uint64_t *validity,
                       idx_t start, idx_t count, corrie_error *err)
{
    int32_t *offsets = out->offsets + out->rows;
    size_t total = 0;
    char *to;
    int r;

    for (idx_t i = 0; i < count; i++) {
        if (valid_at(validity, start + i)) {
            total += from[start + i].value.inlined.length;
        }
    }
    r = reserve_text(out, total + INLINE_TEXT, err);
    if (r < 0) {
        return r;
    }
    to = out->data + out->characters;
    for (idx_t i = 0; i < count; i++) {
        const duckdb_string_t *text = &from[start + i];

        if (valid_at(validity, start + i)) {
            uint32_t length = text->value.inlined.length;

            if (length <= INLINE_TEXT) {
                /* all 12, whatever the length: a copy of known size is two moves */
                memcpy(to, text->value.inlined.inlined, INLINE_TEXT);
            } else {
                memcpy(to, text->value.pointer.ptr, length);
            }
            to += length;
        }
        offsets[i + 1] = (int32_t)(to - out->data);
    }
    out->characters = (size_t)(to - out->data);
    return 0;
}

static int append_enum(struct out *out, const char *from, const uint64_t *validity, idx_t start,
                       idx_t count, corrie_error *err)
{
    int32_t *offsets = out->offsets + out->rows;

    for (idx_t i = 0; i < count; i++) {
        idx_t at = start + i;

        if (valid_at(validity, at)) {
            size_t code = out->in_width == 1   ? ((const uint8_t *)from)[at]
                          : out->in_width == 2 ? ((const uint16_t *)from)[at]
                                               : ((const uint32_t *)from)[at];
            struct str text = code < out->n_dictionary ? out->dictionary[code] : STR_EMPTY;
            int r = reserve_text(out, text.len, err);

            if (r < 0) {
                return r;
            }
            if (text.len > 0) {
                memcpy(out->data + out->characters, text.data, text.len);
            }
            out->characters += text.len;
        }
        offsets[i + 1] = (int32_t)out->characters;
    }
    return 0;
}

/* Lists lie anywhere in the child vector; runs that follow each other are appended at once. */
static int append_lists(struct out *out, duckdb_vector vector, const uint64_t *validity,
                        idx_t start, idx_t count, corrie_error *err)
{
    const duckdb_list_entry *entries = out->d->vector_get_data(vector);
    duckdb_vector child = out->kind == COPY_LIST ? out->d->list_vector_get_child(vector)
                                                 : out->d->array_vector_get_child(vector);
    int32_t *offsets = out->offsets + out->rows;
    int64_t total = offsets[0];
    idx_t run_start = 0;
    idx_t run = 0;
    int r = 0;

    for (idx_t i = 0; r == 0 && i < count; i++) {
        idx_t at = start + i;
        idx_t from = 0;
        idx_t length = 0;

        if (valid_at(validity, at)) {
            from = out->kind == COPY_LIST ? entries[at].offset : at * out->array_size;
            length = out->kind == COPY_LIST ? entries[at].length : out->array_size;
        }
        if (length > 0 && run > 0 && from != run_start + run) {
            r = out_append(out->children[0], child, run_start, run, err);
            run = 0;
        }
        if (length > 0) {
            run_start = run > 0 ? run_start : from;
            run += length;
        }
        total += (int64_t)length;
        if (total > INT32_MAX) {
            return corrie_fail(err, CORRIE_E_LIMIT, "column %.*s: too many elements in one batch",
                               STR_FMT(out->column));
        }
        offsets[i + 1] = (int32_t)total;
    }
    if (r == 0 && run > 0) {
        r = out_append(out->children[0], child, run_start, run, err);
    }
    return r;
}

static int append_values(struct out *out, duckdb_vector vector, const uint64_t *validity,
                         idx_t start, idx_t count, corrie_error *err)
{
    const char *from = out->kind == COPY_STRUCT || out->kind == COPY_ARRAY
                           ? NULL
                           : out->d->vector_get_data(vector);
    int r = 0;

    switch (out->kind) {
    case COPY_FIXED:
        memcpy(out->data + (size_t)out->rows * out->out_width, from + start * out->in_width,
               count * out->in_width);
        return 0;
    case COPY_BOOL:
        for (idx_t i = 0; i < count; i++) {
            set_bit((uint8_t *)out->data, out->rows + (int64_t)i,
                    valid_at(validity, start + i) && from[start + i]);
        }
        return 0;
    case COPY_INT:
        return append_int(out, from, validity, start, count, err);
    case COPY_HUGE:
        return append_huge(out, (const duckdb_hugeint *)(const void *)from, validity, start, count,
                           err);
    case COPY_SCALED:
        return append_scaled(out, (const int64_t *)(const void *)from, validity, start, count, err);
    case COPY_DECIMAL:
        append_decimal(out, from, validity, start, count);
        return 0;
    case COPY_UUID:
        append_uuid(out, (const duckdb_hugeint *)(const void *)from, validity, start, count);
        return 0;
    case COPY_TEXT:
        return append_text(out, (const duckdb_string_t *)(const void *)from, validity, start, count,
                           err);
    case COPY_ENUM:
        return append_enum(out, from, validity, start, count, err);
    case COPY_LIST:
    case COPY_ARRAY:
        return append_lists(out, vector, validity, start, count, err);
    case COPY_STRUCT:
        for (size_t i = 0; r == 0 && i < out->n_children; i++) {
            r = out_append(out->children[i], out->d->struct_vector_get_child(vector, i), start,
                           count, err);
        }
        return r;
    }
    return 0;
}

/* Invariant 3 for values that were copied as they lay there. */
static void clear_nulls(struct out *out, const uint64_t *validity, idx_t start, idx_t count)
{
    char *to = out->data + (size_t)out->rows * out->out_width;

    for (idx_t i = 0; i < count; i++) {
        if (!valid_at(validity, start + i)) {
            memset(to + i * out->out_width, 0, out->out_width);
        }
    }
}

int out_append(struct out *out, duckdb_vector vector, idx_t start, idx_t count, corrie_error *err)
{
    const uint64_t *validity = out->d->vector_get_validity(vector);
    int r = reserve(out, (size_t)out->rows + count, err);

    if (r == 0) {
        r = append_validity(out, validity, start, count, err);
    }
    if (r == 0) {
        r = append_values(out, vector, validity, start, count, err);
    }
    if (r < 0) {
        return r;
    }
    if (validity && out->kind == COPY_FIXED) {
        clear_nulls(out, validity, start, count);
    }
    out->rows += (int64_t)count;
    return 0;
}

/* ---- handing over ---- */

struct holder {
    const void *buffers[3];
    struct ArrowArray **children;
};

static void release(struct ArrowArray *array)
{
    struct holder *holder = array->private_data;

    for (int64_t i = 0; i < array->n_children; i++) {
        if (array->children[i]) {
            if (array->children[i]->release) {
                array->children[i]->release(array->children[i]);
            }
            mem_free(array->children[i]);
        }
    }
    for (int64_t i = 0; i < array->n_buffers; i++) {
        mem_free((void *)(uintptr_t)holder->buffers[i]);
    }
    mem_free(holder->children);
    mem_free(holder);
    array->release = NULL;
}

/* An array without buffers' contents and with `n` empty children. */
static int make_array(int64_t n_buffers, size_t n, int64_t rows, int64_t nulls,
                      struct ArrowArray *ret, corrie_error *err)
{
    struct holder *holder = mem_alloc(1, sizeof *holder);
    struct ArrowArray array = {
        .length = rows, .null_count = nulls, .n_buffers = n_buffers, .release = release};

    if (!holder) {
        return corrie_fail_memory(err);
    }
    array.private_data = holder;
    array.buffers = holder->buffers;
    if (n > 0) {
        holder->children = mem_alloc(n, sizeof(struct ArrowArray *));
        array.children = holder->children;
        array.n_children = holder->children ? (int64_t)n : 0;
        for (size_t i = 0; holder->children && i < n; i++) {
            holder->children[i] = mem_alloc(1, sizeof(struct ArrowArray));
            if (!holder->children[i]) {
                array.release(&array);
                return corrie_fail_memory(err);
            }
        }
        if (!holder->children) {
            array.release(&array);
            return corrie_fail_memory(err);
        }
    }
    *ret = array;
    return 0;
}

/* Arrow wants an offsets buffer of one zero for no rows, and data pointers that are not NULL. */
static int fill_gaps(struct out *out, corrie_error *err)
{
    int r = has_offsets(out) && !out->offsets ? reserve(out, 1, err) : 0;

    if (r == 0 && !out->data && out->kind != COPY_LIST && out->kind != COPY_ARRAY &&
        out->kind != COPY_STRUCT) {
        out->data = mem_alloc(1, 8);
        r = out->data ? 0 : corrie_fail_memory(err);
    }
    return r;
}

/* Invariant 3 for the bits that share a byte with the last row's. */
static void clear_rest(uint8_t *bits, int64_t rows)
{
    if (bits && rows % 8 != 0) {
        bits[rows / 8] &= (uint8_t)((1u << (rows % 8)) - 1);
    }
}

int out_take(struct out *out, struct ArrowArray *ret, corrie_error *err)
{
    struct ArrowArray array;
    struct holder *holder;
    int r = fill_gaps(out, err);

    if (r < 0) {
        return r;
    }
    r = make_array(out->kind == COPY_STRUCT                   ? 1
                   : has_offsets(out) && out->n_children == 0 ? 3
                                                              : 2,
                   out->n_children, out->rows, out->nulls, &array, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < out->n_children; i++) {
        r = out_take(out->children[i], array.children[i], err);
        if (r < 0) {
            array.release(&array);
            return r;
        }
    }
    clear_rest(out->valid, out->rows);
    if (out->kind == COPY_BOOL) {
        clear_rest((uint8_t *)out->data, out->rows);
    }
    holder = array.private_data;
    holder->buffers[0] = TAKE_PTR(out->valid);
    if (has_offsets(out)) {
        holder->buffers[1] = TAKE_PTR(out->offsets);
        holder->buffers[2] = TAKE_PTR(out->data);
    } else if (out->kind != COPY_STRUCT) {
        holder->buffers[1] = TAKE_PTR(out->data);
    }
    out->rows = out->nulls = 0;
    out->capacity = out->characters = out->text_capacity = 0;
    *ret = array;
    return 0;
}

int out_struct(struct ArrowArray *children, size_t n, int64_t rows, struct ArrowArray *ret,
               corrie_error *err)
{
    struct ArrowArray array = {0};
    int r = make_array(1, n, rows, 0, &array, err);

    for (size_t i = 0; i < n; i++) {
        if (r == 0) {
            *array.children[i] = TAKE(children[i]);
        } else if (children[i].release) {
            children[i].release(&children[i]);
        }
    }
    if (r == 0) {
        *ret = array;
    }
    return r;
}
