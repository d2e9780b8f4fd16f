/* footer.c — the schema in a Parquet file's footer: [data][footer][4 bytes: its length]["PAR1"].
 *
 * A footer is one struct in Thrift's compact protocol. Every number in it is an outsider's: a cursor that ran out or met
 * what cannot be stays `failed`, and nothing is allocated by a count that the bytes left could not hold. */
#include "engine/footer.h"

#include "base/buf.h"
#include "os/file.h"

enum {
    TAIL = 16 * 1024,
    MAX_DEPTH = 64, /* of Thrift structs that are skipped */
    THRIFT_TRUE = 1,
    THRIFT_FALSE = 2,
    THRIFT_BYTE = 3,
    THRIFT_I16 = 4,
    THRIFT_I32 = 5,
    THRIFT_I64 = 6,
    THRIFT_DOUBLE = 7,
    THRIFT_BINARY = 8,
    THRIFT_LIST = 9,
    THRIFT_SET = 10,
    THRIFT_MAP = 11,
    THRIFT_STRUCT = 12,
    THRIFT_UUID = 13
};

/* ---- Thrift ---- */

enum trouble { FINE = 0, SHORT, WRONG };

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    enum trouble trouble; /* the first; nothing is read after it */
};

static void stop(struct cursor *cursor, enum trouble trouble)
{
    if (cursor->trouble == FINE) {
        cursor->trouble = trouble;
        cursor->at = cursor->end;
    }
}

static uint8_t read_byte(struct cursor *cursor)
{
    if (cursor->at >= cursor->end) {
        stop(cursor, SHORT);
        return 0;
    }
    return *cursor->at++;
}

static uint64_t read_varint(struct cursor *cursor)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = read_byte(cursor);

        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
    stop(cursor, WRONG);
    return 0;
}

static int64_t read_int(struct cursor *cursor)
{
    uint64_t value = read_varint(cursor);

    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static void skip_bytes(struct cursor *cursor, uint64_t len)
{
    if (len > (uint64_t)(cursor->end - cursor->at)) {
        stop(cursor, SHORT);
    } else {
        cursor->at += len;
    }
}

static struct str read_text(struct cursor *cursor)
{
    uint64_t len = read_varint(cursor);
    const char *at = (const char *)cursor->at;

    skip_bytes(cursor, len);
    return cursor->trouble == FINE ? str_make(at, (size_t)len) : STR_EMPTY;
}

/* Next field of a struct: false at its end. *id goes in as the last field's. */
static bool next_field(struct cursor *cursor, int *id, int *type)
{
    uint8_t head = read_byte(cursor);

    if (cursor->trouble != FINE || head == 0) {
        return false;
    }
    *type = head & 0x0f;
    *id = head >> 4 ? *id + (head >> 4) : (int)read_int(cursor);
    return cursor->trouble == FINE;
}

/* Head of a list: how many, of which type. */
static uint64_t list_head(struct cursor *cursor, int *type)
{
    uint8_t head = read_byte(cursor);
    uint64_t count = head >> 4;

    *type = head & 0x0f;
    return count == 15 ? read_varint(cursor) : count;
}

static void skip(struct cursor *cursor, int type, bool element, unsigned depth);

static void skip_list(struct cursor *cursor, unsigned depth)
{
    int type;
    uint64_t count = list_head(cursor, &type);

    for (uint64_t i = 0; i < count && cursor->trouble == FINE; i++) {
        skip(cursor, type, true, depth);
    }
}

static void skip_map(struct cursor *cursor, unsigned depth)
{
    uint64_t count = read_varint(cursor);
    uint8_t types = count > 0 ? read_byte(cursor) : 0;

    for (uint64_t i = 0; i < count && cursor->trouble == FINE; i++) {
        skip(cursor, types >> 4, true, depth);
        skip(cursor, types & 0x0f, true, depth);
    }
}

/* Skips a value. A boolean takes a byte in a list and none as a field. */
static void skip(struct cursor *cursor, int type, bool element, unsigned depth)
{
    int field = 0;
    int inner;

    if (depth >= MAX_DEPTH) {
        stop(cursor, WRONG);
        return;
    }
    switch (type) {
    case THRIFT_TRUE:
    case THRIFT_FALSE:
        skip_bytes(cursor, element ? 1 : 0);
        break;
    case THRIFT_BYTE:
        skip_bytes(cursor, 1);
        break;
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64:
        (void)read_varint(cursor);
        break;
    case THRIFT_DOUBLE:
        skip_bytes(cursor, 8);
        break;
    case THRIFT_BINARY:
        skip_bytes(cursor, read_varint(cursor));
        break;
    case THRIFT_LIST:
    case THRIFT_SET:
        skip_list(cursor, depth + 1);
        break;
    case THRIFT_MAP:
        skip_map(cursor, depth + 1);
        break;
    case THRIFT_STRUCT:
        while (next_field(cursor, &field, &inner)) {
            skip(cursor, inner, false, depth + 1);
        }
        break;
    case THRIFT_UUID:
        skip_bytes(cursor, 16);
        break;
    default:
        stop(cursor, WRONG);
    }
}

/* ---- the schema ---- */

/* Logical types are a union: its one field says which. */
static int read_union(struct cursor *cursor)
{
    int which = 0;
    int field = 0;
    int type;

    while (next_field(cursor, &field, &type)) {
        which = field;
        skip(cursor, type, false, 0);
    }
    return which;
}

static struct footer_node read_element(struct cursor *cursor)
{
    struct footer_node node = {.id = -1, .physical = -1, .converted = -1};
    int field = 0;
    int type;

    while (next_field(cursor, &field, &type)) {
        bool number = type == THRIFT_I32;

        if (field == 1 && number) {
            node.physical = (int)read_int(cursor);
        } else if (field == 3 && number) {
            node.repetition = (int)read_int(cursor);
        } else if (field == 4 && type == THRIFT_BINARY) {
            node.name = read_text(cursor);
        } else if (field == 5 && number) {
            node.children = read_int(cursor);
        } else if (field == 6 && number) {
            node.converted = (int)read_int(cursor);
        } else if (field == 9 && number) {
            node.id = read_int(cursor);
        } else if (field == 10 && type == THRIFT_STRUCT) {
            node.logical = read_union(cursor);
        } else {
            skip(cursor, type, false, 0);
        }
    }
    if (node.children < 0 || node.children > CORRIE_MAX_FIELDS || !str_is_utf8(node.name, NULL)) {
        stop(cursor, WRONG);
    }
    return node;
}

static int read_schema(struct cursor *cursor, struct str path, struct footer *footer,
                       corrie_error *err)
{
    const uint8_t *start = cursor->at;
    int type;
    uint64_t count = list_head(cursor, &type);

    if (type != THRIFT_STRUCT || count == 0 || count > CORRIE_MAX_FIELDS) {
        stop(cursor, WRONG);
    }
    for (uint64_t i = 0; i < count && cursor->trouble == FINE; i++) {
        struct footer_node node = read_element(cursor);

        if (cursor->trouble != FINE || i == 0) {
            continue; /* the root */
        }
        if (str_find(node.name, '\0') >= 0) {
            return corrie_fail(err, CORRIE_E_DATA, "%.*s: the name of column %zu holds a zero byte",
                               STR_FMT(path), (size_t)i);
        }
        if (arena_str(&footer->arena, node.name, &node.name) < 0 ||
            vec_push(&footer->nodes, node) < 0) {
            return corrie_fail_memory(err);
        }
        footer->has_ids = footer->has_ids || node.id >= 0;
    }
    if (cursor->trouble == FINE &&
        arena_str(&footer->arena, str_make((const char *)start, (size_t)(cursor->at - start)),
                  &footer->schema) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

/* The children that nodes claim to have must be the nodes there are. */
static bool is_tree(const struct footer *footer)
{
    int64_t open[CORRIE_MAX_TYPE_DEPTH * 3];
    size_t depth = 0;

    for (size_t i = 0; i < footer->nodes.count; i++) {
        int64_t children = footer->nodes.items[i].children;

        while (depth > 0 && open[depth - 1] == 0) {
            depth--;
        }
        if (depth > 0) {
            open[depth - 1]--;
        }
        if (children > 0) {
            if (depth == ARRAY_LEN(open)) {
                return false;
            }
            open[depth++] = children;
        }
    }
    while (depth > 0 && open[depth - 1] == 0) {
        depth--;
    }
    return depth == 0;
}

static int fail_damaged(struct str path, corrie_error *err)
{
    corrie_fail(err, CORRIE_E_DATA, "%.*s: the footer of the Parquet file is damaged",
                STR_FMT(path));
    return corrie_hint(err, "write or copy the file again");
}

/* Whether a field behind the row groups, at which the cursor stands, says how columns are encrypted (parquet.thrift,
 * FileMetaData, field 8), as far as there are bytes to tell by. */
static bool names_cipher(struct cursor cursor)
{
    int field = 4;
    int type = THRIFT_LIST;

    do {
        if (field == 8) {
            return type == THRIFT_STRUCT;
        }
        skip(&cursor, type, false, 0);
    } while (cursor.trouble == 0 && next_field(&cursor, &field, &type));
    return false;
}

int footer_parse(struct str bytes, struct str path, struct footer *footer, corrie_error *err)
{
    const uint8_t *start = (const uint8_t *)bytes.data;
    struct cursor cursor = {.at = start, .end = start + bytes.len};
    bool has_schema = false;
    bool has_rows = false;
    int field = 0;
    int type;

    while (next_field(&cursor, &field, &type)) {
        if (field == 2 && type == THRIFT_LIST && !has_schema) {
            int r = read_schema(&cursor, path, footer, err);

            if (r < 0) {
                return r;
            }
            has_schema = true;
        } else if (field == 3 && type == THRIFT_I64) {
            footer->rows = read_int(&cursor);
            has_rows = true;
        } else if (field == 4 && type == THRIFT_LIST) {
            footer->encrypted = names_cipher(cursor);
            footer->row_groups = (int64_t)list_head(&cursor, &type);
            break;
        } else {
            skip(&cursor, type, false, 0);
        }
    }
    if (cursor.trouble == SHORT) {
        vec_done(&footer->nodes);
        footer->has_ids = false;
        return 0;
    }
    if (cursor.trouble == WRONG || !has_schema || !has_rows || footer->rows < 0 ||
        footer->row_groups < 0 || !is_tree(footer)) {
        return fail_damaged(path, err);
    }
    return 1;
}

/* ---- the file ---- */

void footer_done(struct footer *footer)
{
    vec_done(&footer->nodes);
    arena_done(&footer->arena);
}

/* Reads the first `len` bytes of the footer that starts at `start`, of which the file's last `tail` bytes are known. */
static int parse_part(int fd, const char *name, uint64_t start, size_t len, struct str tail,
                      uint64_t size, struct footer *footer, corrie_error *err)
{
    _free_ char *bytes = NULL;
    int r;

    if (start + tail.len >= size) { /* it lies in the tail */
        return footer_parse(str_make(tail.data + (start + tail.len - size), len), str_of(name),
                            footer, err);
    }
    bytes = mem_alloc(len, 1);
    if (!bytes) {
        return corrie_fail_memory(err);
    }
    r = os_read_at(fd, name, start, bytes, len, err);
    return r < 0 ? r : footer_parse(str_make(bytes, len), str_of(name), footer, err);
}

int footer_read(struct str path, struct footer *footer, corrie_error *err)
{
    _free_ char *name = str_dup(path);
    _free_ char *bytes = mem_alloc(TAIL, 1);
    _close_ int fd = -1;
    struct os_stat stat;
    struct str tail;
    uint64_t len;
    int r;

    if (!name || !bytes) {
        return corrie_fail_memory(err);
    }
    if ((r = os_open(name, O_RDONLY, 0, &fd, err)) < 0 ||
        (r = os_fd_stat(fd, name, &stat, err)) < 0) {
        return r;
    }
    tail = str_make(bytes, stat.size < TAIL ? (size_t)stat.size : TAIL);
    r = os_read_at(fd, name, stat.size - tail.len, bytes, tail.len, err);
    if (r < 0) {
        return r;
    }
    if (tail.len < 12 || !str_ends(tail, STR("PAR1"))) {
        bool encrypted = tail.len >= 12 && str_ends(tail, STR("PARE"));

        fail_not_parquet(path, encrypted, err);
        err->code = encrypted ? CORRIE_E_UNSUPPORTED : err->code;
        return err->code;
    }
    len = read_le32(tail.data + tail.len - 8);
    if (len > stat.size - 12 || len > CORRIE_MAX_FOOTER) {
        return fail_damaged(path, err);
    }
    r = parse_part(fd, name, stat.size - 8 - len, len < TAIL ? (size_t)len : TAIL, tail, stat.size,
                   footer, err);
    if (r == 0 && len > TAIL) {
        r = parse_part(fd, name, stat.size - 8 - len, (size_t)len, tail, stat.size, footer, err);
    }
    return r == 0 ? fail_damaged(path, err) : r < 0 ? r : 0;
}

size_t footer_skip(const struct footer *footer, size_t at)
{
    int64_t open = 1;

    while (open > 0 && at < footer->nodes.count) {
        open += footer->nodes.items[at++].children - 1;
    }
    return at;
}
