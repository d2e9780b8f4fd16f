/* chunks.c — row groups and column chunks in a Parquet footer (parquet.thrift: RowGroup, ColumnChunk, ColumnMetaData,
 * Statistics). */
#include "engine/chunks.h"

#include <math.h>
#include <string.h>

#include "arrow/scalar.h"
#include "base/mem.h"
#include "engine/thrift.h"

/* ---- parsing ---- */

static int64_t read_count(struct thrift *thrift)
{
    int64_t count = thrift_int(thrift);

    if (count < 0) {
        thrift_stop(thrift, THRIFT_WRONG);
    }
    return count;
}

static void read_statistics(struct thrift *thrift, struct footer_chunk *chunk)
{
    struct str old[2] = {{NULL, 0}, {NULL, 0}};
    struct str typed[2] = {{NULL, 0}, {NULL, 0}};
    int field = 0;
    int type;

    while (thrift_field(thrift, &field, &type)) {
        if ((field == 1 || field == 2) && type == THRIFT_BINARY) {
            old[field - 1] = thrift_text(thrift);
        } else if (field == 3 && type == THRIFT_I64) {
            chunk->nulls = read_count(thrift);
        } else if ((field == 5 || field == 6) && type == THRIFT_BINARY) {
            typed[field - 5] = thrift_text(thrift);
        } else {
            thrift_skip(thrift, type);
        }
    }
    chunk->by_sign = !typed[0].data || !typed[1].data;
    chunk->most = chunk->by_sign ? old[0] : typed[0];
    chunk->least = chunk->by_sign ? old[1] : typed[1];
}

/* Where the chunk begins: its dictionary, if it has one, or its first page of data. */
static int64_t read_column_metadata(struct thrift *thrift, struct footer_chunk *chunk)
{
    int64_t data = INT64_MAX;
    int64_t dictionary = INT64_MAX;
    int field = 0;
    int type;

    while (thrift_field(thrift, &field, &type)) {
        if (field == 5 && type == THRIFT_I64) {
            chunk->values = read_count(thrift);
        } else if (field == 6 && type == THRIFT_I64) {
            chunk->plain = read_count(thrift);
        } else if (field == 7 && type == THRIFT_I64) {
            chunk->bytes = read_count(thrift);
        } else if (field == 9 && type == THRIFT_I64) {
            data = read_count(thrift);
        } else if (field == 11 && type == THRIFT_I64) {
            dictionary = read_count(thrift);
        } else if (field == 12 && type == THRIFT_STRUCT) {
            read_statistics(thrift, chunk);
        } else {
            thrift_skip(thrift, type);
        }
    }
    return dictionary > 0 && dictionary < data ? dictionary : data;
}

static void read_chunk(struct thrift *thrift, struct footer_chunk *chunk)
{
    int field = 0;
    int type;

    *chunk = (struct footer_chunk){.start = INT64_MAX, .nulls = -1};
    while (thrift_field(thrift, &field, &type)) {
        if (field == 3 && type == THRIFT_STRUCT) {
            chunk->start = read_column_metadata(thrift, chunk);
        } else {
            thrift_skip(thrift, type);
        }
    }
}

/* The chunks of a group must be the leaves of the schema. */
static void read_chunks(struct thrift *thrift, struct footer_chunk *chunks,
                        struct footer_group *group)
{
    int type;
    uint64_t count = thrift_list(thrift, &type);

    if (type != THRIFT_STRUCT || count != group->n_chunks) {
        thrift_stop(thrift, THRIFT_WRONG);
    }
    for (uint64_t i = 0; i < count && thrift->trouble == THRIFT_FINE; i++) {
        read_chunk(thrift, &chunks[i]);
        group->start = chunks[i].start < group->start ? chunks[i].start : group->start;
    }
}

static bool read_group(struct thrift *thrift, struct footer_chunk *chunks,
                       struct footer_group *group)
{
    bool has_chunks = false;
    int field = 0;
    int type;

    group->rows = -1;
    group->start = INT64_MAX;
    while (thrift_field(thrift, &field, &type)) {
        if (field == 1 && type == THRIFT_LIST && !has_chunks) {
            read_chunks(thrift, chunks, group);
            has_chunks = true;
        } else if (field == 3 && type == THRIFT_I64) {
            group->rows = read_count(thrift);
        } else {
            thrift_skip(thrift, type);
        }
    }
    return thrift->trouble == THRIFT_FINE && has_chunks && group->rows >= 0;
}

int footer_groups(struct str bytes, struct str path, const struct footer *footer,
                  footer_group_fn each, void *arg, corrie_error *err)
{
    _free_ struct footer_chunk *chunks = mem_alloc(footer->leaves + 1, sizeof *chunks);
    struct footer_group group = {.chunks = chunks, .n_chunks = footer->leaves};
    struct thrift thrift = {.at = (const uint8_t *)bytes.data + footer->groups_at,
                            .end = (const uint8_t *)bytes.data + bytes.len};
    int type = THRIFT_STRUCT;
    uint64_t count = footer->groups_at > 0 ? thrift_list(&thrift, &type) : 0;
    int r = 0;

    if (!chunks) {
        return corrie_fail_memory(err);
    }
    if (count > 0 && type != THRIFT_STRUCT) {
        return footer_fail_damaged(path, err);
    }
    for (uint64_t i = 0; r >= 0 && i < count; i++) {
        r = read_group(&thrift, chunks, &group) ? each(arg, &group, err)
                                                : footer_fail_damaged(path, err);
    }
    return r < 0 ? r : 0;
}

/* ---- bounds ---- */

static int64_t little_endian(struct str bytes)
{
    uint64_t value = 0;

    for (size_t i = bytes.len; i-- > 0;) {
        value = value << 8 | (uint8_t)bytes.data[i];
    }
    return bytes.len == 4 ? (int64_t)(int32_t)(uint32_t)value : (int64_t)value;
}

/* An integer, a time or a day: whole numbers with a sign, in the table's unit. False: it is none of them. */
static bool read_whole(const struct footer_node *node, struct str bytes, int64_t *ret)
{
    size_t size = node->physical == FOOTER_INT32 ? 4 : node->physical == FOOTER_INT64 ? 8 : 0;

    if (size == 0 || bytes.len != size || node->is_unsigned || node->unit == FOOTER_NANOS) {
        return false;
    }
    *ret = little_endian(bytes);
    return node->unit != FOOTER_MILLIS || !__builtin_mul_overflow(*ret, 1000, ret);
}

/* Floats and doubles, but NaN: then nothing is known of the others. */
static bool read_fraction(const struct footer_node *node, struct str bytes, double *ret)
{
    float narrow;

    if (node->physical == FOOTER_FLOAT && bytes.len == sizeof narrow) {
        memcpy(&narrow, bytes.data, sizeof narrow);
        *ret = (double)narrow;
    } else if (node->physical == FOOTER_DOUBLE && bytes.len == sizeof *ret) {
        memcpy(ret, bytes.data, sizeof *ret);
    } else {
        return false;
    }
    return !isnan(*ret);
}

/* Big-endian two's complement without bytes that say nothing. */
static struct str minimal(struct str bytes)
{
    while (bytes.len > 1 && ((bytes.data[0] == 0 && !(bytes.data[1] & 0x80)) ||
                             ((uint8_t)bytes.data[0] == 0xff && (bytes.data[1] & 0x80)))) {
        bytes = str_from(bytes, 1);
    }
    return bytes;
}

static bool is_bytes(const struct footer_node *node)
{
    return node->physical == FOOTER_BYTE_ARRAY || node->physical == FOOTER_FIXED;
}

/* Negative: no bound can be made of it, or memory ran out. */
static int make_scalar(const struct footer_node *node, const struct type *type, struct str bytes,
                       bool by_sign, struct arena *arena, struct str *ret, corrie_error *err)
{
    int64_t whole;
    double fraction;
    int r;

    switch (type->kind) {
    case TYPE_BOOLEAN:
        r = node->physical == FOOTER_BOOLEAN ? 0 : CORRIE_E_DATA;
        break;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        return read_fraction(node, bytes, &fraction)
                   ? scalar_from_double(type, fraction, arena, ret, err)
                   : CORRIE_E_DATA;
    case TYPE_STRING:
        r = node->physical == FOOTER_BYTE_ARRAY && !by_sign ? 0 : CORRIE_E_DATA;
        break;
    case TYPE_UUID:
        r = node->physical == FOOTER_FIXED && !by_sign ? 0 : CORRIE_E_DATA;
        break;
    case TYPE_DECIMAL:
        if (node->scale != type->scale) {
            return CORRIE_E_DATA;
        }
        if (is_bytes(node) && !by_sign && bytes.len > 0) {
            bytes = minimal(bytes);
            r = 0;
            break;
        } /* fall through */
    case TYPE_INT:
    case TYPE_LONG:
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        return read_whole(node, bytes, &whole) ? scalar_from_int(type, whole, arena, ret, err)
                                               : CORRIE_E_DATA;
    default:
        return CORRIE_E_DATA;
    }
    if (r < 0 || (r = scalar_check(type, bytes, err)) < 0) {
        return r;
    }
    return arena_str(arena, bytes, ret) < 0 ? corrie_fail_memory(err) : 0;
}

int chunk_bounds(const struct footer_chunk *chunk, const struct footer_node *node,
                 const struct type *type, struct arena *arena, struct str *ret_lower,
                 struct str *ret_upper, corrie_error *err)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct str lower = {NULL, 0};
    struct str upper = {NULL, 0};
    int r;

    if (!chunk->least.data || !chunk->most.data) {
        return 0;
    }
    r = make_scalar(node, type, chunk->least, chunk->by_sign, arena, &lower, &ignored);
    if (r >= 0) {
        r = make_scalar(node, type, chunk->most, chunk->by_sign, arena, &upper, &ignored);
    }
    if (r < 0) {
        return r == CORRIE_E_NO_MEMORY ? corrie_fail_memory(err) : 0;
    }
    *ret_lower = lower;
    *ret_upper = upper;
    return 1;
}
