/* arrow_file.c — Arrow IPC files and streams of others, as tables over their bytes.
 *
 * The copy that local.c made is mapped: nobody can shrink it under us. Where its bodies are compressed, or text is there
 * as views, it is written once more, plain, batch by batch: then memory holds one batch, however large the file is, and pages of the mapping
 * that the system takes back when it needs them. */
#include "arrow/ipc.h"
#include "base/mem.h"
#include "engine/source.h"
#include "os/file.h"
#include "os/memfd.h"

static void unmap(void *arg)
{
    os_mapping_unref(arg);
}

static int decode(struct describe *describe, struct arrow_table **ret)
{
    struct os_mapping *mapping;
    struct str bytes;
    int r = os_map_file(describe->source->local.data, &mapping, describe->err);

    if (r < 0) {
        return r;
    }
    bytes = str_make((const char *)mapping->data, mapping->size);
    if (str_starts(bytes, STR("ARROW1"))) { /* a file: a stream between two marks */
        bytes = str_from(bytes, 8);
    }
    _free_ char *what = str_dup(describe->source->path);
    if (!what) {
        unmap(mapping);
        return corrie_fail_memory(describe->err);
    }
    return ipc_decode(bytes, (struct ipc_hold){unmap, mapping}, what, ret, describe->err);
}

/* ---- written once more ---- */

struct rewriting {
    int fd;
    const char *path;
    const struct cancel *cancel;
    struct ArrowSchema **fields; /* borrowed from the batch at hand */
    bool begun;
};

static int write_bytes(void *arg, const void *bytes, size_t len, corrie_error *err)
{
    struct rewriting *rewriting = arg;

    return os_write(rewriting->fd, rewriting->path, str_make(bytes, len), err);
}

static int rewrite_batch(void *arg, const struct arrow_table *batch, corrie_error *err)
{
    struct rewriting *rewriting = arg;
    size_t n = batch->n_columns;
    _free_ struct ArrowSchema **fields = mem_alloc(n + 1, sizeof *fields);
    _free_ const struct ArrowArray **arrays = mem_alloc(n + 1, sizeof *arrays);
    bool rows = batch->n_rows > 0;
    int r = cancel_check(rewriting->cancel, err);

    if (!fields || !arrays) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        fields[i] = &batch->columns[i]->schema;
        arrays[i] = rows ? &batch->columns[i]->chunks[0] : NULL;
    }
    if (r >= 0 && !rewriting->begun) {
        rewriting->begun = true;
        r = ipc_encode_begin(fields, n, write_bytes, rewriting, err);
    }
    return r >= 0 && rows
               ? ipc_encode_batch(fields, arrays, n, batch->n_rows, write_bytes, rewriting, err)
               : r;
}

static int rewrite(struct describe *describe)
{
    struct engine_source *source = describe->source;
    struct rewriting rewriting = {.fd = -1, .cancel = describe->engine->cancel};
    _free_ char *what = str_dup(source->path);
    struct os_mapping *mapping;
    struct str copy;
    _close_ int fd = -1;
    int r = what ? source_copy_path(describe, &copy) : corrie_fail_memory(describe->err);

    if (r >= 0) {
        r = os_open(copy.data, O_WRONLY | O_CREAT | O_TRUNC, 0600, &fd, describe->err);
    }
    if (r < 0 || (r = os_map_file(source->local.data, &mapping, describe->err)) < 0) {
        return r;
    }
    rewriting.fd = fd;
    rewriting.path = copy.data;
    r = ipc_decode_each(str_make((const char *)mapping->data, mapping->size), what, rewrite_batch,
                        &rewriting, describe->err);
    os_mapping_unref(mapping);
    if (r >= 0) {
        r = ipc_encode_end(write_bytes, &rewriting, describe->err);
    }
    if (r >= 0) {
        r = os_unlink(source->local.data, describe->err);
        source->local = copy;
    }
    return r < 0 ? r : 0;
}

int arrow_file_define(struct describe *describe)
{
    _cleanup_(arrow_table_unrefp) struct arrow_table *table = NULL;
    char *name;
    int r = decode(describe, &table);

    if (r ==
        CORRIE_E_UNSUPPORTED) { /* a compressed body, views, or what the second look names again */
        corrie_error_clear(describe->err);
        r = rewrite(describe);
        if (r >= 0) {
            r = decode(describe, &table);
        }
    }
    if (r < 0) {
        return r;
    }
    name = arena_printf(describe->arena, "file%u", describe->engine->serial++);
    if (!name) {
        return corrie_fail_memory(describe->err);
    }
    describe->source->relation_name = str_of(name);
    describe->source->rows = table->n_rows;
    return engine_define_arrow(describe->engine, STR(ARROW_FILES), str_of(name), table,
                               describe->err);
}
