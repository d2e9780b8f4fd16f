/* export.c — a query's rows as a file of their own. */
#include <errno.h>

#include <nanoarrow/nanoarrow_ipc.h>

#include "base/uuid.h"
#include "engine/engine_priv.h"
#include "os/file.h"
#include "os/path.h"

/* ---- Arrow IPC ---- */

struct sink {
    int fd;
    const char *path;
    corrie_error *err;
};

static ArrowErrorCode sink_write(struct ArrowIpcOutputStream *stream, const void *bytes,
                                 int64_t size, int64_t *ret_written, struct ArrowError *error)
{
    struct sink *sink = stream->private_data;

    (void)error;
    if (os_write(sink->fd, sink->path, str_make(bytes, (size_t)size), sink->err) < 0) {
        return EIO;
    }
    *ret_written = size;
    return NANOARROW_OK;
}

static void sink_release(struct ArrowIpcOutputStream *stream)
{
    stream->release = NULL;
}

static int write_batches(struct ArrowIpcWriter *writer, struct ArrowArrayStream *rows,
                         struct sink *sink, int64_t *ret_rows)
{
    struct ArrowSchema schema = {0};
    struct ArrowArrayView view = {0};
    struct ArrowError problem = {{0}};
    int64_t total = 0;
    int code = rows->get_schema(rows, &schema);

    if (code != 0) {
        return engine_stream_error(rows, sink->err);
    }
    code = ArrowArrayViewInitFromSchema(&view, &schema, &problem);
    if (code == 0) {
        code = ArrowIpcWriterWriteSchema(writer, &schema, &problem);
    }
    schema.release(&schema);
    while (code == 0) {
        struct ArrowArray batch = {0};

        if (rows->get_next(rows, &batch) != 0) {
            ArrowArrayViewReset(&view);
            return engine_stream_error(rows, sink->err);
        }
        if (!batch.release) {
            code = ArrowIpcWriterWriteArrayView(writer, NULL, &problem); /* end of stream */
            break;
        }
        code = ArrowArrayViewSetArray(&view, &batch, &problem);
        if (code == 0) {
            code = ArrowIpcWriterWriteArrayView(writer, &view, &problem);
        }
        total += batch.length;
        batch.release(&batch);
    }
    ArrowArrayViewReset(&view);
    if (code != 0) {
        return sink->err->code ? sink->err->code
                               : corrie_fail(sink->err, CORRIE_E_UNSUPPORTED,
                                             "write %s as Arrow: %s", sink->path, problem.message);
    }
    *ret_rows = total;
    return 0;
}

static int write_arrow(struct engine *engine, struct str sql, const char *file, const char *path,
                       int64_t *ret_rows, corrie_error *err)
{
    struct ArrowArrayStream rows = {0};
    struct ArrowIpcWriter writer = {0};
    struct sink sink = {.fd = -1, .path = path, .err = err};
    struct ArrowIpcOutputStream stream = {
        .write = sink_write, .release = sink_release, .private_data = &sink};
    _close_ int fd = -1;
    int r = engine_query(engine, sql, file, &rows, err);

    if (r < 0) {
        return r;
    }
    r = os_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666, &fd, err);
    sink.fd = fd;
    if (r == 0 && ArrowIpcWriterInit(&writer, &stream) != NANOARROW_OK) {
        r = corrie_fail_memory(err);
    }
    if (r == 0) {
        r = write_batches(&writer, &rows, &sink, ret_rows);
        ArrowIpcWriterReset(&writer);
    }
    rows.release(&rows);
    return r;
}

/* ---- by COPY ---- */

static int write_copy(struct engine *engine, struct str sql, const char *file,
                      enum engine_output format, const char *path, int64_t *ret_rows,
                      corrie_error *err)
{
    static const char *const options[] = {
        [ENGINE_OUT_CSV] = "FORMAT csv, HEADER true",
        [ENGINE_OUT_JSON] = "FORMAT json, ARRAY true",
        [ENGINE_OUT_JSONL] = "FORMAT json",
        [ENGINE_OUT_PARQUET] = "FORMAT parquet, COMPRESSION zstd",
    };
    static const char prefix[] = "CREATE OR REPLACE TEMP VIEW corrie_rows AS ";
    const struct origin origin = {
        .sql = sql, .file = file, .engine = engine, .prefix = sizeof prefix - 1};
    const struct origin running = {.engine = engine};
    _cleanup_(session_close) struct session session = {.d = engine->d};
    _cleanup_(buf_done) struct buf text = {0};
    _cleanup_(rows_done) struct rows rows = {0};
    int r = statement_admit(engine, &origin, err);

    buf_add_text(&text, prefix);
    buf_add_str(&text, sql);
    if (r == 0) {
        r = buf_check(&text, err);
    }
    if (r == 0) {
        r = session_open(engine, &session, err);
    }
    if (r == 0) {
        r = engine_run(engine, &session, buf_text(&text), &origin, err);
    }
    buf_clear(&text);
    buf_add_text(&text, "COPY (SELECT * FROM temp.corrie_rows) TO ");
    buf_add_sql_string(&text, str_of(path));
    buf_addf(&text, " (%s, USE_TMP_FILE false)", options[format]);
    if (r == 0) {
        r = buf_check(&text, err);
    }
    if (r == 0) {
        r = rows_open(engine, &session, buf_text(&text), &running, &rows, err);
    }
    if (r == 0 && rows_next(&rows)) {
        (void)rows_int(&rows, 0, ret_rows);
    }
    return r;
}

static int write_to(struct engine *engine, struct str sql, const char *file,
                    enum engine_output format, const char *path, int64_t *ret_rows,
                    corrie_error *err)
{
    return format == ENGINE_OUT_ARROW ? write_arrow(engine, sql, file, path, ret_rows, err)
                                      : write_copy(engine, sql, file, format, path, ret_rows, err);
}

int engine_export(struct engine *engine, struct str sql, const char *file,
                  enum engine_output format, struct str path, int64_t *ret_rows, corrie_error *err)
{
    _free_ char *target = str_dup(path);
    _cleanup_(buf_done) struct buf temporary = {0};
    struct uuid uuid = uuid_random();
    struct os_stat stat = {0};
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    char hex[33];
    int r;

    if (!target) {
        return corrie_fail_memory(err);
    }
    if (os_stat(target, &stat, &ignored) == 0 && stat.kind != OS_FILE) {
        if (stat.kind == OS_DIRECTORY) {
            return corrie_fail(err, CORRIE_E_USAGE, "%s is a directory", target);
        }
        return write_to(engine, sql, file, format, target, ret_rows, err); /* a pipe, a device */
    }
    uuid_format_hex(&uuid, hex);
    buf_addf(&temporary, "%.*s/%s%s", STR_FMT(os_path_parent(path)), OS_TEMP_PREFIX, hex);
    r = buf_check(&temporary, err);
    if (r == 0) {
        r = write_to(engine, sql, file, format, buf_text(&temporary), ret_rows, err);
    }
    if (r == 0) {
        r = os_rename(buf_text(&temporary), target, err);
    }
    if (r < 0) {
        _error_ corrie_error second = CORRIE_ERROR_INIT;

        if (os_unlink(buf_text(&temporary), &second) < 0) {
            return r;
        }
    }
    return r;
}
