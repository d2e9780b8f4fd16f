/* cut.c — one Parquet file that we wrote becomes several, of whole row groups: their bytes are copied, and the footer is
 * written anew with other places in it.
 *
 *     whole   PAR1 | group 0 | group 1 | group 2 | Bloom filters | footer
 *     part    PAR1 | group 1 | group 2 | their filters           | footer: the same, with these groups
 *
 * All that the new footer says otherwise are numbers (parquet.thrift): the rows of the file, where groups, pages and
 * filters begin. Thrift's numbers have a length of their own and fields no place, so everything else is copied as it
 * stands, known to us or not, and nothing is lost. A footer that names places of other kinds (an index of pages) is not
 * for us. */
#include "engine/chunks.h"
#include "engine/parquet_priv.h"
#include "engine/thrift.h"
#include "os/file.h"

#define MAGIC STR("PAR1")

/* Bytes of the whole file. */
struct span {
    uint64_t start;
    uint64_t len;
};

struct group {
    struct str footer; /* what the footer says of it */
    struct span data;
    int64_t rows;
};

struct part {
    size_t first; /* group */
    size_t n;
    struct buf footer;
    VEC(struct span) filters;
    uint64_t filters_at; /* in the part: where the next filter comes */
};

struct cutting {
    struct writer *writer;
    const struct engine_written *whole;
    struct footer footer;
    VEC(struct group) groups;
    VEC(struct part) parts;
    bool strange; /* the footer says what only a reading of the rows could keep true */
    bool no_memory;
};

static void cutting_done(struct cutting *cutting)
{
    for (size_t i = 0; i < cutting->parts.count; i++) {
        buf_done(&cutting->parts.items[i].footer);
        vec_done(&cutting->parts.items[i].filters);
    }
    vec_done(&cutting->parts);
    vec_done(&cutting->groups);
    footer_done(&cutting->footer);
}

/* ---- what there is ---- */

static int add_group(void *arg, const struct footer_group *found, corrie_error *err)
{
    struct cutting *cutting = arg;
    struct group group = {.data.start = (uint64_t)found->start, .rows = found->rows};

    for (size_t i = 0; i < found->n_chunks; i++) {
        group.data.len += (uint64_t)found->chunks[i].bytes;
    }
    return vec_push(&cutting->groups, group) < 0 ? corrie_fail_memory(err) : 0;
}

/* Groups must follow each other, each in one piece. */
static bool are_in_order(const struct cutting *cutting)
{
    uint64_t end = MAGIC.len;

    for (size_t i = 0; i < cutting->groups.count; i++) {
        const struct span *data = &cutting->groups.items[i].data;

        if (data->start < end || data->len > (uint64_t)cutting->whole->bytes ||
            data->start > (uint64_t)cutting->whole->bytes - data->len) {
            return false;
        }
        end = data->start + data->len;
    }
    return true;
}

static struct thrift cursor_of(struct str bytes)
{
    return (struct thrift){.at = (const uint8_t *)bytes.data,
                           .end = (const uint8_t *)bytes.data + bytes.len};
}

static struct str between(const uint8_t *from, const uint8_t *to)
{
    return str_make((const char *)from, (size_t)(to - from));
}

/* ---- a footer with other numbers ---- */

/* What is read of the old footer and not written to the new one yet begins at `from`. */
struct rewrite {
    struct cutting *cutting;
    struct part *part;
    struct thrift in;
    const uint8_t *from;
    int64_t moved; /* how far the part's groups move */
};

static void add_varint(struct buf *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        buf_add_char(out, (char)(value | 0x80));
    }
    buf_add_char(out, (char)value);
}

/* The number at which the cursor stands becomes another. */
static void replace(struct rewrite *rewrite, int64_t value)
{
    struct buf *out = &rewrite->part->footer;

    buf_add_str(out, between(rewrite->from, rewrite->in.at));
    add_varint(out, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
    (void)thrift_int(&rewrite->in);
    rewrite->from = rewrite->in.at;
}

static int64_t peek(const struct rewrite *rewrite)
{
    struct thrift ahead = rewrite->in;

    return thrift_int(&ahead);
}

static void move_filter(struct rewrite *rewrite, struct span *filter)
{
    filter->start = (uint64_t)peek(rewrite);
    replace(rewrite, (int64_t)rewrite->part->filters_at);
}

/* ColumnMetaData: 9 and 11 are places of pages, 14 and 15 place and length of a filter, 10 is one of an index. */
static void rewrite_metadata(struct rewrite *rewrite)
{
    struct span filter = {0};
    int field = 0;
    int type;

    while (thrift_field(&rewrite->in, &field, &type)) {
        if (type == THRIFT_I64 && (field == 9 || field == 11)) {
            replace(rewrite, peek(rewrite) + rewrite->moved);
        } else if (type == THRIFT_I64 && field == 14) {
            move_filter(rewrite, &filter);
        } else if (type == THRIFT_I32 && field == 15) {
            filter.len = (uint64_t)peek(rewrite);
            thrift_skip(&rewrite->in, type);
        } else {
            rewrite->cutting->strange |= field == 10;
            thrift_skip(&rewrite->in, type);
        }
    }
    if (filter.start > 0) {
        uint64_t size = (uint64_t)rewrite->cutting->whole->bytes;

        rewrite->cutting->strange |=
            filter.len == 0 || filter.len > size || filter.start > size - filter.len;
        rewrite->cutting->no_memory |= vec_push(&rewrite->part->filters, filter) < 0;
        rewrite->part->filters_at += filter.len;
    }
}

/* ColumnChunk: 2 is a place that writers leave 0, 3 the metadata, all others tell of other files, indexes, ciphers. */
static void rewrite_chunk(struct rewrite *rewrite)
{
    int field = 0;
    int type;

    while (thrift_field(&rewrite->in, &field, &type)) {
        if (type == THRIFT_STRUCT && field == 3) {
            rewrite_metadata(rewrite);
        } else {
            rewrite->cutting->strange |= field != 2 || type != THRIFT_I64 || peek(rewrite) != 0;
            thrift_skip(&rewrite->in, type);
        }
    }
}

/* RowGroup: 1 are the chunks, 5 its place, 7 its number. */
static void rewrite_group(struct rewrite *rewrite, struct str bytes)
{
    int field = 0;
    int type;

    rewrite->in = cursor_of(bytes);
    rewrite->from = rewrite->in.at;
    while (thrift_field(&rewrite->in, &field, &type)) {
        if (type == THRIFT_LIST && field == 1) {
            uint64_t n = thrift_list(&rewrite->in, &type);

            for (uint64_t i = 0; i < n && rewrite->in.trouble == THRIFT_FINE; i++) {
                rewrite_chunk(rewrite);
            }
        } else if (type == THRIFT_I64 && field == 5) {
            replace(rewrite, peek(rewrite) + rewrite->moved);
        } else if (type == THRIFT_I16 && field == 7) {
            replace(rewrite, peek(rewrite) - (int64_t)rewrite->part->first);
        } else {
            thrift_skip(&rewrite->in, type);
        }
    }
    rewrite->cutting->strange |= rewrite->in.trouble != THRIFT_FINE;
    buf_add_str(&rewrite->part->footer, between(rewrite->from, rewrite->in.at));
}

static void add_groups(struct rewrite *rewrite)
{
    struct part *part = rewrite->part;

    if (part->n < 15) {
        buf_add_char(&part->footer, (char)(part->n << 4 | THRIFT_STRUCT));
    } else {
        buf_add_char(&part->footer, (char)(0xf0 | THRIFT_STRUCT));
        add_varint(&part->footer, part->n);
    }
    for (size_t i = 0; i < part->n; i++) {
        rewrite_group(rewrite, rewrite->cutting->groups.items[part->first + i].footer);
    }
}

/* FileMetaData: 3 are the rows, 4 the groups. Behind it its length and the magic, as in every file. */
static void write_footer(struct cutting *cutting, struct part *part)
{
    const struct group *first = &cutting->groups.items[part->first];
    const struct group *last = first + part->n - 1;
    struct rewrite rewrite = {.cutting = cutting,
                              .part = part,
                              .in = cursor_of(cutting->footer.bytes),
                              .from = (const uint8_t *)cutting->footer.bytes.data,
                              .moved = (int64_t)(MAGIC.len - first->data.start)};
    int field = 0;
    int type;

    part->filters_at = last->data.start + last->data.len + (uint64_t)rewrite.moved;
    while (thrift_field(&rewrite.in, &field, &type)) {
        if (type == THRIFT_I64 && field == 3) {
            int64_t rows = 0;

            for (const struct group *group = first; group <= last; group++) {
                rows += group->rows;
            }
            replace(&rewrite, rows);
        } else if (type == THRIFT_LIST && field == 4) {
            struct thrift rest = rewrite.in;

            buf_add_str(&part->footer, between(rewrite.from, rewrite.in.at));
            thrift_skip(&rest, type);
            add_groups(&rewrite);
            rewrite.in = rest;
            rewrite.from = rest.at;
        } else {
            thrift_skip(&rewrite.in, type);
        }
    }
    buf_add_str(&part->footer, between(rewrite.from, rewrite.in.at));
    buf_add_le32(&part->footer, (uint32_t)part->footer.len);
    buf_add_str(&part->footer, MAGIC);
    cutting->strange |= rewrite.in.trouble != THRIFT_FINE;
}

/* Where in the footer each group stands. */
static void find_groups(struct cutting *cutting)
{
    struct thrift in = cursor_of(str_from(cutting->footer.bytes, cutting->footer.groups_at));
    int type;
    uint64_t n = thrift_list(&in, &type);

    for (uint64_t i = 0; i < n && i < cutting->groups.count; i++) {
        const uint8_t *start = in.at;

        thrift_skip(&in, type);
        cutting->groups.items[i].footer = between(start, in.at);
    }
}

/* ---- parts ---- */

/* Every `rows` rows a part begins, with the group whose middle is nearest. */
static int plan(struct cutting *cutting, int64_t rows, corrie_error *err)
{
    int64_t before = 0;
    int64_t number = -1;

    for (size_t i = 0; i < cutting->groups.count; i++) {
        int64_t middle = before + cutting->groups.items[i].rows / 2;

        if (middle / rows != number) {
            struct part part = {.first = i};

            if (vec_push(&cutting->parts, part) < 0) {
                return corrie_fail_memory(err);
            }
            buf_init(&cutting->parts.items[cutting->parts.count - 1].footer, 2 * CORRIE_MAX_FOOTER);
            number = middle / rows;
        }
        cutting->parts.items[cutting->parts.count - 1].n++;
        before += cutting->groups.items[i].rows;
    }
    for (size_t i = 0; i < cutting->parts.count; i++) {
        struct part *part = &cutting->parts.items[i];

        write_footer(cutting, part);
        if (cutting->no_memory) {
            return corrie_fail_memory(err);
        }
        if (buf_check(&part->footer, err) < 0) {
            return err->code;
        }
    }
    return 0;
}

static int copy_span(struct cutting *cutting, struct span span, struct os_offset *from,
                     struct os_offset *to)
{
    struct writer *writer = cutting->writer;

    from->at = span.start;
    return os_copy(from, to, span.len, writer->engine->cancel, writer->err);
}

static int write_part(struct cutting *cutting, const struct part *part, int from,
                      const char *from_name)
{
    struct writer *writer = cutting->writer;
    const struct span *first = &cutting->groups.items[part->first].data;
    const struct span *last = &cutting->groups.items[part->first + part->n - 1].data;
    struct span data = {first->start, last->start + last->len - first->start};
    struct engine_written file = {0};
    struct os_offset source = {.fd = from, .name = from_name};
    struct os_offset target = {.at = MAGIC.len};
    _close_ int to = -1;
    const char *name;
    int r = writer_begin_file(writer, &file.path);

    if (r < 0) {
        return r;
    }
    name = writer->begun.items[writer->begun.count - 1];
    r = os_open(name, O_WRONLY | O_CREAT | O_EXCL, 0666, &to, writer->err);
    if (r >= 0) {
        r = os_write(to, name, MAGIC, writer->err);
    }
    if (r >= 0) {
        target.fd = to;
        target.name = name;
        r = copy_span(cutting, data, &source, &target);
    }
    for (size_t i = 0; r >= 0 && i < part->filters.count; i++) {
        r = copy_span(cutting, part->filters.items[i], &source, &target);
    }
    if (r >= 0) {
        r = os_write_at(to, name, target.at, buf_str(&part->footer), writer->err);
    }
    file.bytes = (int64_t)(part->filters_at + part->footer.len);
    if (r >= 0) {
        r = stats_part(writer, cutting->whole, &file);
    }
    file.partition = cutting->whole->partition;
    return r < 0 ? r : writer_add(writer, &file);
}

int writer_cut_groups(struct writer *writer, const struct engine_written *whole, int64_t rows)
{
    _cleanup_(cutting_done) struct cutting cutting = {.writer = writer, .whole = whole};
    _free_ char *name = str_dup(whole->path);
    _close_ int fd = -1;
    int r = name ? footer_read_whole(whole->path, &cutting.footer, writer->err)
                 : corrie_fail_memory(writer->err);

    if (r >= 0) {
        r = footer_groups(cutting.footer.bytes, whole->path, &cutting.footer, add_group, &cutting,
                          writer->err);
    }
    if (r < 0) {
        return r;
    }
    find_groups(&cutting);
    cutting.strange = cutting.footer.encrypted || !are_in_order(&cutting);
    r = cutting.strange ? 0 : plan(&cutting, rows, writer->err);
    if (r < 0 || cutting.strange) {
        return r;
    }
    r = os_open(name, O_RDONLY, 0, &fd, writer->err);
    for (size_t i = 0; r >= 0 && i < cutting.parts.count; i++) {
        r = write_part(&cutting, &cutting.parts.items[i], fd, name);
    }
    return r < 0 ? r : 1;
}
