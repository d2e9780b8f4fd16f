/* footer.c — the schema in a Parquet file's footer: [data][footer][4 bytes: its length]["PAR1"].
 *
 * A footer is one struct in Thrift's compact protocol. Every number in it is an outsider's: a cursor that ran out or met
 * what cannot be stays in trouble, and nothing is allocated by a count that the bytes left could not hold. */
#include "engine/footer.h"

#include "base/buf.h"
#include "engine/thrift.h"
#include "os/file.h"

enum { TAIL = 16 * 1024 };

/* ---- the schema ---- */

/* Which field of a union stands there: the last, if there are several. */
static int read_union(struct thrift *thrift)
{
    int which = 0;
    int field = 0;
    int type;

    while (thrift_field(thrift, &field, &type)) {
        which = field;
        thrift_skip(thrift, type);
    }
    return which;
}

/* One of the structs that logical types are: a decimal's digits, a time's unit, whether a timestamp is an instant and an
 * integer has a sign. */
static void read_details(struct thrift *thrift, int logical, struct footer_node *node)
{
    int field = 0;
    int type;

    while (thrift_field(thrift, &field, &type)) {
        if (logical == FOOTER_LOGICAL_DECIMAL && field == 1 && type == THRIFT_I32) {
            node->scale = thrift_int(thrift);
        } else if (logical == FOOTER_LOGICAL_DECIMAL && field == 2 && type == THRIFT_I32) {
            node->precision = thrift_int(thrift);
        } else if (logical == FOOTER_LOGICAL_TIMESTAMP && field == 1 && type == THRIFT_TRUE) {
            node->zoned = (size_t)(thrift->end - thrift->at) + 1;
        } else if ((logical == FOOTER_LOGICAL_TIME || logical == FOOTER_LOGICAL_TIMESTAMP) &&
                   field == 2 && type == THRIFT_STRUCT) {
            node->unit = read_union(thrift);
        } else if (logical == FOOTER_LOGICAL_INTEGER && field == 2 &&
                   (type == THRIFT_TRUE || type == THRIFT_FALSE)) {
            node->is_unsigned = !thrift_flag(type);
        } else {
            thrift_skip(thrift, type);
        }
    }
}

/* Logical types are a union: its one field says which. */
static void read_logical(struct thrift *thrift, struct footer_node *node)
{
    int field = 0;
    int type;

    while (thrift_field(thrift, &field, &type)) {
        node->logical = field;
        if (type == THRIFT_STRUCT) {
            read_details(thrift, field, node);
        } else {
            thrift_skip(thrift, type);
        }
    }
}

/* What older files say in place of a logical type. */
static void take_converted(struct footer_node *node, int converted)
{
    node->converted = converted;
    node->is_unsigned = converted >= FOOTER_UINT_8 && converted <= FOOTER_UINT_64;
    if (converted == FOOTER_TIME_MILLIS || converted == FOOTER_TIMESTAMP_MILLIS) {
        node->unit = FOOTER_MILLIS;
    } else if (converted == FOOTER_TIME_MICROS || converted == FOOTER_TIMESTAMP_MICROS) {
        node->unit = FOOTER_MICROS;
    }
}

static struct footer_node read_element(struct thrift *thrift)
{
    struct footer_node node = {.id = -1, .physical = -1, .converted = -1};
    int field = 0;
    int type;

    while (thrift_field(thrift, &field, &type)) {
        bool number = type == THRIFT_I32;

        if (field == 1 && number) {
            node.physical = (int)thrift_int(thrift);
        } else if (field == 3 && number) {
            node.repetition = (int)thrift_int(thrift);
        } else if (field == 4 && type == THRIFT_BINARY) {
            node.name = thrift_text(thrift);
        } else if (field == 5 && number) {
            node.children = thrift_int(thrift);
        } else if (field == 6 && number) {
            take_converted(&node, (int)thrift_int(thrift));
        } else if (field == 7 && number) {
            node.scale = thrift_int(thrift);
        } else if (field == 8 && number) {
            node.precision = thrift_int(thrift);
        } else if (field == 9 && number) {
            node.id = thrift_int(thrift);
        } else if (field == 10 && type == THRIFT_STRUCT) {
            read_logical(thrift, &node);
        } else {
            thrift_skip(thrift, type);
        }
    }
    if (node.children < 0 || node.children > CORRIE_MAX_FIELDS || !str_is_utf8(node.name, NULL)) {
        thrift_stop(thrift, THRIFT_WRONG);
    }
    return node;
}

static int read_schema(struct thrift *thrift, struct str path, struct footer *footer,
                       corrie_error *err)
{
    const uint8_t *start = thrift->at;
    int type;
    uint64_t count = thrift_list(thrift, &type);

    if (type != THRIFT_STRUCT || count == 0 || count > CORRIE_MAX_FIELDS) {
        thrift_stop(thrift, THRIFT_WRONG);
    }
    for (uint64_t i = 0; i < count && thrift->trouble == THRIFT_FINE; i++) {
        struct footer_node node = read_element(thrift);

        if (thrift->trouble != THRIFT_FINE || i == 0) {
            continue; /* the root */
        }
        if (str_find(node.name, '\0') >= 0) {
            return corrie_fail(err, CORRIE_E_DATA, "%.*s: the name of column %zu holds a zero byte",
                               STR_FMT(path), (size_t)i);
        }
        if (node.children == 0) {
            node.leaf = footer->leaves++;
        }
        if (arena_str(&footer->arena, node.name, &node.name) < 0 ||
            vec_push(&footer->nodes, node) < 0) {
            return corrie_fail_memory(err);
        }
        footer->has_ids = footer->has_ids || node.id >= 0;
    }
    if (thrift->trouble == THRIFT_FINE &&
        arena_str(&footer->arena, str_make((const char *)start, (size_t)(thrift->at - start)),
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

int footer_fail_damaged(struct str path, corrie_error *err)
{
    corrie_fail(err, CORRIE_E_DATA, "%.*s: the footer of the Parquet file is damaged",
                STR_FMT(path));
    return corrie_hint(err, "write or copy the file again");
}

/* Whether a field behind the row groups, at which the cursor stands, says how columns are encrypted (parquet.thrift,
 * FileMetaData, field 8), as far as there are bytes to tell by. */
static bool names_cipher(struct thrift cursor)
{
    int field = 4;
    int type = THRIFT_LIST;

    do {
        if (field == 8) {
            return type == THRIFT_STRUCT;
        }
        thrift_skip(&cursor, type);
    } while (cursor.trouble == THRIFT_FINE && thrift_field(&cursor, &field, &type));
    return false;
}

int footer_parse(struct str bytes, struct str path, struct footer *footer, corrie_error *err)
{
    const uint8_t *start = (const uint8_t *)bytes.data;
    struct thrift cursor = {.at = start, .end = start + bytes.len};
    bool has_schema = false;
    bool has_rows = false;
    int field = 0;
    int type;

    while (thrift_field(&cursor, &field, &type)) {
        if (field == 2 && type == THRIFT_LIST && !has_schema) {
            int r = read_schema(&cursor, path, footer, err);

            if (r < 0) {
                return r;
            }
            has_schema = true;
        } else if (field == 3 && type == THRIFT_I64) {
            footer->rows = thrift_int(&cursor);
            has_rows = true;
        } else if (field == 4 && type == THRIFT_LIST) {
            footer->encrypted = names_cipher(cursor);
            footer->groups_at = (size_t)(cursor.at - start);
            footer->row_groups = (int64_t)thrift_list(&cursor, &type);
            break;
        } else {
            thrift_skip(&cursor, type);
        }
    }
    if (cursor.trouble == THRIFT_SHORT) {
        vec_done(&footer->nodes);
        footer->has_ids = false;
        footer->leaves = 0;
        return 0;
    }
    if (cursor.trouble == THRIFT_WRONG || !has_schema || !has_rows || footer->rows < 0 ||
        footer->row_groups < 0 || !is_tree(footer)) {
        return footer_fail_damaged(path, err);
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

/* Keeps the bytes, too. */
static int parse_whole(int fd, const char *name, uint64_t start, size_t len, struct footer *footer,
                       corrie_error *err)
{
    char *bytes = arena_alloc(&footer->arena, len, 1);
    int r = bytes ? os_read_at(fd, name, start, bytes, len, err) : corrie_fail_memory(err);

    if (r < 0) {
        return r;
    }
    footer->bytes = str_make(bytes, len);
    return footer_parse(footer->bytes, str_of(name), footer, err);
}

/* `whole`: with its bytes, for what stands behind the schema. */
static int read_footer(struct str path, bool whole, struct footer *footer, corrie_error *err)
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
        return footer_fail_damaged(path, err);
    }
    if (whole) {
        r = parse_whole(fd, name, stat.size - 8 - len, (size_t)len, footer, err);
        return r == 0 ? footer_fail_damaged(path, err) : r < 0 ? r : 0;
    }
    r = parse_part(fd, name, stat.size - 8 - len, len < TAIL ? (size_t)len : TAIL, tail, stat.size,
                   footer, err);
    if (r == 0 && len > TAIL) {
        r = parse_part(fd, name, stat.size - 8 - len, (size_t)len, tail, stat.size, footer, err);
    }
    return r == 0 ? footer_fail_damaged(path, err) : r < 0 ? r : 0;
}

int footer_read(struct str path, struct footer *footer, corrie_error *err)
{
    return read_footer(path, false, footer, err);
}

int footer_read_whole(struct str path, struct footer *footer, corrie_error *err)
{
    return read_footer(path, true, footer, err);
}

size_t footer_skip(const struct footer *footer, size_t at)
{
    int64_t open = 1;

    while (open > 0 && at < footer->nodes.count) {
        open += footer->nodes.items[at++].children - 1;
    }
    return at;
}
