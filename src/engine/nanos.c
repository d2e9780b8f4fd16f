/* nanos.c — nanoseconds that DuckDB's Parquet reader drops without a word.
 *
 * A TIMESTAMP of nanoseconds has a type of its own in DuckDB, TIMESTAMP_NS, and who writes it into a table looks at what
 * is cut (parquet.c). One with isAdjustedToUTC, an instant, comes as TIMESTAMP WITH TIME ZONE, of microseconds. Those
 * columns are looked at in a second file, which holds their chunks alone, where they were, and a footer that differs in
 * that flag: there they are TIMESTAMP_NS. */
#include <fcntl.h>

#include "engine/chunks.h"
#include "engine/source.h"
#include "engine/thrift.h"
#include "os/file.h"

struct looking {
    struct describe *describe;
    const struct footer *footer;
    const char *from;
    int from_fd;
    const char *to;
    int to_fd;
    uint64_t size;
    bool *leaves; /* which are copied */
};

static bool is_blind(const struct footer_node *node)
{
    return node->unit == FOOTER_NANOS && node->zoned > 0;
}

/* Whether a column, which is the nodes from `at` on, holds instants of nanoseconds. */
static bool has_blind(const struct footer *footer, size_t at)
{
    for (size_t i = at; i < footer_skip(footer, at); i++) {
        if (is_blind(&footer->nodes.items[i])) {
            return true;
        }
    }
    return false;
}

/* ---- the second file ---- */

static int copy_range(struct looking *looking, uint64_t at, uint64_t len, corrie_error *err)
{
    struct os_offset from = {looking->from_fd, looking->from, at};
    struct os_offset to = {looking->to_fd, looking->to, at};

    return os_copy(&from, &to, len, looking->describe->engine->cancel, err);
}

static int copy_group(void *arg, const struct footer_group *group, corrie_error *err)
{
    struct looking *looking = arg;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < group->n_chunks; i++) {
        const struct footer_chunk *chunk = &group->chunks[i];

        if (!looking->leaves[i] || chunk->bytes == 0) {
            continue;
        }
        if (chunk->start < 0 || chunk->start > (int64_t)looking->size ||
            chunk->bytes > (int64_t)looking->size - chunk->start) {
            return footer_fail_damaged(looking->describe->source->path, err);
        }
        r = copy_range(looking, (uint64_t)chunk->start, (uint64_t)chunk->bytes, err);
    }
    return r;
}

/* The footer with the flag of those instants turned: the field's head says its value (thrift.h). */
static int copy_footer(struct looking *looking, corrie_error *err)
{
    const struct footer *footer = looking->footer;
    struct str bytes = footer->bytes;
    uint64_t at = looking->size - 8 - bytes.len;
    int r = copy_range(looking, at, bytes.len + 8, err);

    for (size_t i = 0; r >= 0 && i < footer->nodes.count; i++) {
        size_t flag = bytes.len - footer->nodes.items[i].zoned;
        char head;

        if (is_blind(&footer->nodes.items[i])) {
            head = (char)((bytes.data[flag] & 0xf0) | THRIFT_FALSE);
            r = os_write_at(looking->to_fd, looking->to, at + flag, str_make(&head, 1), err);
        }
    }
    return r;
}

static int make_second(struct looking *looking)
{
    corrie_error *err = looking->describe->err;
    struct str path = looking->describe->source->path;
    int r = os_truncate(looking->to_fd, looking->to, looking->size, err);

    if (r >= 0) {
        r = copy_range(looking, 0, 4, err);
    }
    if (r >= 0) {
        r = footer_groups(looking->footer->bytes, path, looking->footer, copy_group, looking, err);
    }
    return r < 0 ? r : copy_footer(looking, err);
}

/* ---- looking ---- */

static void without_zones(struct type *type)
{
    type->kind = type->kind == TYPE_TIMESTAMPTZ ? TYPE_TIMESTAMP : type->kind;
    for (size_t i = 0; i < type->n_fields; i++) {
        without_zones(&type->fields[i].type);
    }
}

/* Looks for a value of column number `at` that has nanoseconds. */
static int look_at(struct describe *describe, struct str second, size_t at)
{
    const struct field *field = &describe->source->columns.fields[at];
    _cleanup_(buf_done) struct buf sql = {0};
    _cleanup_(buf_done) struct buf name = {0};
    _cleanup_(rows_done) struct rows rows = {0};
    struct str value = STR_EMPTY;
    struct type type;
    int r = type_copy(&field->type, describe->arena, &type, describe->err);

    if (r < 0) {
        return r;
    }
    without_zones(&type);
    buf_add_sql_name(&name, field->name);
    buf_addf(&sql, "SELECT CAST(f.%.*s AS VARCHAR)[:%d] FROM read_parquet(",
             STR_FMT(buf_str(&name)), SHOWN);
    add_path(&sql, second);
    buf_addf(&sql, ", hive_partitioning = false) AS f WHERE CAST(f.%.*s AS ",
             STR_FMT(buf_str(&name)));
    type_print_sql(&type, &sql);
    buf_addf(&sql, ") IS DISTINCT FROM f.%.*s LIMIT 1", STR_FMT(buf_str(&name)));
    r = name.failed ? buf_check(&name, describe->err) : buf_check(&sql, describe->err);
    if (r == 0) {
        r = rows_open(describe->engine, &describe->engine->session, buf_text(&sql),
                      &(struct origin){.data = true}, &rows, describe->err);
    }
    if (r < 0 || !rows_next(&rows)) {
        return r;
    }
    (void)rows_text(&rows, 0, &value);
    corrie_fail(describe->err, CORRIE_E_DATA, "%.*s: column %.*s: a time" NANOS_MESSAGE "%.*s",
                STR_FMT(describe->source->path), STR_FMT(field->name), STR_FMT(value));
    return corrie_hint(describe->err, "write the file with times of microseconds");
}

/* What such a column is, in DuckDB's manner. */
static int say_type(struct describe *describe, size_t at)
{
    struct str zoned = STR("TIMESTAMP WITH TIME ZONE");
    struct str rest = describe->source->sql_types[at];
    _cleanup_(buf_done) struct buf type = {0};

    for (ptrdiff_t i = str_find_str(rest, zoned); i >= 0; i = str_find_str(rest, zoned)) {
        buf_add_str(&type, str_slice(rest, 0, (size_t)i));
        buf_add_text(&type, "TIMESTAMP_NS WITH TIME ZONE");
        rest = str_from(rest, (size_t)i + zoned.len);
    }
    buf_add_str(&type, rest);
    return buf_check(&type, describe->err) < 0 ||
                   arena_str(describe->arena, buf_str(&type), &describe->source->sql_types[at]) < 0
               ? corrie_fail_memory(describe->err)
               : 0;
}

static int look(struct looking *looking, struct str second)
{
    const struct footer *footer = looking->footer;
    size_t column = 0;
    int r = make_second(looking);

    for (size_t at = 0;
         r >= 0 && at < footer->nodes.count && column < looking->describe->source->columns.n_fields;
         at = footer_skip(footer, at)) {
        if (has_blind(footer, at)) {
            r = look_at(looking->describe, second, column);
            r = r < 0 ? r : say_type(looking->describe, column);
        }
        column++;
    }
    return r;
}

int source_check_nanos(struct describe *describe, const struct footer *footer)
{
    _free_ bool *leaves = mem_alloc(footer->leaves + 1, sizeof *leaves);
    _free_ char *from = str_dup(describe->source->local);
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct looking looking = {
        .describe = describe, .footer = footer, .from = from, .leaves = leaves};
    _close_ int from_fd = -1;
    _close_ int to_fd = -1;
    struct os_stat stat;
    struct str second;
    bool any = false;
    int r;

    if (!leaves || !from) {
        return corrie_fail_memory(describe->err);
    }
    for (size_t at = 0; at < footer->nodes.count; at = footer_skip(footer, at)) {
        bool blind = has_blind(footer, at);

        for (size_t i = at; blind && i < footer_skip(footer, at); i++) {
            leaves[footer->nodes.items[i].leaf] |= footer->nodes.items[i].children == 0;
        }
        any = any || blind;
    }
    if (!any) {
        return 0;
    }
    if ((r = source_copy_path(describe, &second)) < 0 ||
        (r = os_open(from, O_RDONLY, 0, &from_fd, describe->err)) < 0 ||
        (r = os_fd_stat(from_fd, from, &stat, describe->err)) < 0 ||
        (r = os_open(second.data, O_RDWR | O_CREAT | O_EXCL, 0600, &to_fd, describe->err)) < 0) {
        return r;
    }
    looking.from_fd = from_fd;
    looking.to_fd = to_fd;
    looking.to = second.data;
    looking.size = stat.size;
    r = look(&looking, second);
    if (os_unlink(second.data, r < 0 ? &ignored : describe->err) < 0 && r >= 0) {
        r = describe->err->code;
    }
    return r;
}
