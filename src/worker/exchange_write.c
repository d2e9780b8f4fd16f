/* exchange_write.c — batches into memory files: one file a column, or a group of neighbours a file. */
#include "arrow/ipc.h"
#include "base/limits.h"
#include "base/mem.h"
#include "os/file.h"
#include "os/memfd.h"
#include "worker/exchange_priv.h"

struct writer {
    struct ArrowSchema schema; /* of the batches: a struct */
    size_t group;              /* columns a file */
    int *fds;
    size_t n_fds;
    int64_t n_rows;
    uint64_t most; /* bytes that may be written, and that were */
    uint64_t written;
    int fd;                                  /* which is being written */
    struct ArrowArray *parts;                /* views of the batch's children, nothing owned */
    const struct ArrowArray **part_pointers; /* to each of them */
};

static void writer_done(struct writer *writer)
{
    for (size_t i = 0; writer->fds && i < writer->n_fds; i++) {
        os_close(writer->fds[i]);
    }
    mem_free(writer->fds);
    mem_free(writer->parts);
    mem_free(writer->part_pointers);
    arrow_schema_done(&writer->schema);
}

static int fail_size(uint64_t most, corrie_error *err)
{
    corrie_fail(err, CORRIE_E_NO_SPACE,
                "it is larger than the %.1f MB that are left for results in memory",
                (double)most / 1e6);
    return corrie_hint(err, "give the run more with --memory, or let less come out");
}

static int write_bytes(void *arg, const void *bytes, size_t len, corrie_error *err)
{
    struct writer *writer = arg;

    if (writer->most > 0 && len > writer->most - writer->written) {
        return fail_size(writer->most, err);
    }
    writer->written += len;
    return os_write(writer->fd, "a memory file", str_make(bytes, len), err);
}

static size_t group_size(const struct writer *writer, size_t file)
{
    size_t left = (size_t)writer->schema.n_children - file * writer->group;

    return left < writer->group ? left : writer->group;
}

static int writer_begin(struct writer *writer, corrie_error *err)
{
    size_t n = (size_t)writer->schema.n_children;
    int r = 0;

    if (n > CORRIE_MAX_COLUMNS) {
        return corrie_fail(err, CORRIE_E_LIMIT, "a table of %zu columns, more than the %d allowed",
                           n, CORRIE_MAX_COLUMNS);
    }
    writer->group = n > EXCHANGE_MAX_FILES ? (n + EXCHANGE_MAX_FILES - 1) / EXCHANGE_MAX_FILES : 1;
    writer->n_fds = (n + writer->group - 1) / writer->group;
    writer->fds = mem_alloc(writer->n_fds, sizeof *writer->fds);
    writer->parts = mem_alloc(n, sizeof *writer->parts);
    writer->part_pointers = mem_alloc(n, sizeof(const struct ArrowArray *));
    if (!writer->fds || !writer->parts || !writer->part_pointers) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < writer->n_fds; i++) {
        writer->fds[i] = -1;
    }
    for (size_t i = 0; i < n; i++) {
        writer->part_pointers[i] = &writer->parts[i];
    }
    for (size_t i = 0; r >= 0 && i < writer->n_fds; i++) {
        r = os_memfd_new("corrie-table", &writer->fds[i], err);
        writer->fd = writer->fds[i];
        r = r < 0 ? r
                  : ipc_encode_begin(writer->schema.children + i * writer->group,
                                     group_size(writer, i), write_bytes, writer, err);
    }
    return r;
}

/* A struct batch may itself be a slice: that shifts its children. */
static int writer_add(struct writer *writer, const struct ArrowArray *batch, corrie_error *err)
{
    if (batch->n_children != writer->schema.n_children) {
        return corrie_fail(err, CORRIE_E_INTERNAL, "a batch of %lld columns in a stream of %lld",
                           (long long)batch->n_children, (long long)writer->schema.n_children);
    }
    if (batch->length == 0) {
        return 0;
    }
    for (int64_t i = 0; i < batch->n_children; i++) {
        writer->parts[i] = *batch->children[i];
        writer->parts[i].offset += batch->offset;
        writer->parts[i].length = batch->length;
        if (batch->length != batch->children[i]->length && writer->parts[i].null_count > 0) {
            writer->parts[i].null_count = -1; /* of this part: not known */
        }
    }
    for (size_t i = 0; i < writer->n_fds; i++) {
        size_t first = i * writer->group;
        int r;

        writer->fd = writer->fds[i];
        r = ipc_encode_batch(writer->schema.children + first, writer->part_pointers + first,
                             group_size(writer, i), batch->length, write_bytes, writer, err);
        if (r < 0) {
            return r;
        }
    }
    writer->n_rows += batch->length;
    return 0;
}

static int writer_finish(struct writer *writer, struct exchange **ret, corrie_error *err)
{
    size_t n = (size_t)writer->schema.n_children;
    _free_ struct exchange_place *places = mem_alloc(n, sizeof *places);
    int r = 0;

    if (!places) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; r >= 0 && i < writer->n_fds; i++) {
        writer->fd = writer->fds[i];
        r = ipc_encode_end(write_bytes, writer, err);
    }
    for (size_t i = 0; i < n; i++) {
        places[i] = (struct exchange_place){str_of(writer->schema.children[i]->name),
                                            i / writer->group, i % writer->group};
    }
    return r < 0
               ? r
               : exchange_open_own(writer->fds, writer->n_fds, places, n, writer->n_rows, ret, err);
}

static int next_batch(struct ArrowArrayStream *stream, struct ArrowArray *ret, corrie_error *err)
{
    int result = stream->get_next(stream, ret);

    return result == 0 ? 0
                       : arrow_fail(err, CORRIE_E_FAILED, result, stream->get_last_error(stream));
}

static int write_stream(struct ArrowArrayStream *stream, uint64_t most, const struct cancel *cancel,
                        struct exchange **ret, corrie_error *err)
{
    _cleanup_(writer_done) struct writer writer = {.most = most};
    int result, r;

    result = stream->get_schema(stream, &writer.schema);
    if (result != 0) {
        return arrow_fail(err, CORRIE_E_FAILED, result, stream->get_last_error(stream));
    }
    if (strcmp(writer.schema.format, "+s") != 0) {
        return corrie_fail(err, CORRIE_E_INTERNAL, "a stream of '%s', not of tables",
                           writer.schema.format);
    }
    r = writer_begin(&writer, err);
    while (r >= 0) {
        _cleanup_(arrow_array_done) struct ArrowArray batch = {0};

        r = cancel_check(cancel, err);
        r = r < 0 ? r : next_batch(stream, &batch, err);
        if (r >= 0 && !batch.release) {
            return writer_finish(&writer, ret, err);
        }
        r = r < 0 ? r : writer_add(&writer, &batch, err);
    }
    return r;
}

int exchange_from_stream(struct ArrowArrayStream *stream, uint64_t most,
                         const struct cancel *cancel, struct exchange **ret, corrie_error *err)
{
    int r = write_stream(stream, most, cancel, ret, err);

    stream->release(stream);
    return r < 0 ? corrie_wrap(err, "write a table to memory") : 0;
}

int exchange_from_table(const struct arrow_table *table, const struct cancel *cancel,
                        struct exchange **ret, corrie_error *err)
{
    struct ArrowArrayStream stream;
    int r = arrow_table_stream(table, 1 << 20, &stream, err);

    return r < 0 ? r : exchange_from_stream(&stream, 0, cancel, ret, err);
}
