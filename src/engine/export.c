/* export.c — a query's rows as a file of their own, or as bytes for somebody. */
#include "arrow/ipc.h"
#include "arrow/row_text.h"
#include "base/uuid.h"
#include "engine/pack.h"
#include "engine/parquet_priv.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/path.h"

enum { PIECE = 256 * 1024 };

/* ---- text and Arrow: from the stream ---- */

/* Bytes on their way out: Arrow's at once, text in large pieces. */
struct sink {
    ipc_write_fn write;
    void *arg;
    struct buf text;
    enum engine_output format;
    int64_t rows;
    struct ArrowSchema schema;
    struct row_text row_text;
};

static void sink_done(struct sink *sink)
{
    buf_done(&sink->text);
    row_text_done(&sink->row_text);
    arrow_schema_done(&sink->schema);
}

/* Hands on what was gathered if it is more than `least` bytes. */
static int flush(struct sink *sink, size_t least, corrie_error *err)
{
    int r = 0;

    if (sink->text.failed) {
        return buf_check(&sink->text, err);
    }
    if (sink->text.len > least) {
        r = sink->write(sink->arg, sink->text.data, sink->text.len, err);
        buf_clear(&sink->text);
    }
    return r;
}

static int begin(struct sink *sink, struct ArrowArrayStream *rows, corrie_error *err)
{
    int r;

    if (rows->get_schema(rows, &sink->schema) != 0) {
        return engine_stream_error(rows, err);
    }
    if (sink->format == ENGINE_OUT_ARROW) {
        return ipc_encode_begin(sink->schema.children, (size_t)sink->schema.n_children, sink->write,
                                sink->arg, err);
    }
    r = row_text_begin(&sink->row_text, &sink->schema, err);
    if (r < 0) {
        return r;
    }
    if (sink->format == ENGINE_OUT_CSV) {
        row_text_csv_header(&sink->row_text, &sink->text);
    } else if (sink->format == ENGINE_OUT_JSON) {
        buf_add_char(&sink->text, '[');
    }
    return 0;
}

static int add_batch(struct sink *sink, const struct ArrowArray *batch, int64_t n,
                     corrie_error *err)
{
    int r;

    if (sink->format == ENGINE_OUT_ARROW) {
        sink->rows += n;
        return ipc_encode_batch(sink->schema.children,
                                (const struct ArrowArray *const *)batch->children,
                                (size_t)batch->n_children, n, sink->write, sink->arg, err);
    }
    r = row_text_set(&sink->row_text, batch, err);
    for (int64_t i = 0; r >= 0 && i < n; i++) {
        if (sink->format == ENGINE_OUT_CSV) {
            row_text_csv(&sink->row_text, i, &sink->text);
        } else {
            if (sink->format == ENGINE_OUT_JSON) {
                buf_add_text(&sink->text, sink->rows > 0 ? ",\n" : "\n");
            }
            row_text_json(&sink->row_text, i, &sink->text);
            if (sink->format == ENGINE_OUT_JSONL) {
                buf_add_char(&sink->text, '\n');
            }
        }
        sink->rows++;
        r = flush(sink, PIECE, err);
    }
    return r;
}

static int end(struct sink *sink, corrie_error *err)
{
    if (sink->format == ENGINE_OUT_ARROW) {
        return ipc_encode_end(sink->write, sink->arg, err);
    }
    if (sink->format == ENGINE_OUT_JSON) {
        buf_add_text(&sink->text, sink->rows > 0 ? "\n]\n" : "]\n");
    }
    return flush(sink, 0, err);
}

/* No more rows can be had: who has taken those before must not think that they are all. Returns `code`, what is wrong. */
static int tear(struct sink *sink, int code)
{
    if (sink->format == ENGINE_OUT_ARROW) {
        ipc_encode_torn(sink->write, sink->arg);
    }
    return code;
}

static int pump(struct sink *sink, struct ArrowArrayStream *rows, const struct engine_export *what,
                const struct cancel *cancel, corrie_error *err)
{
    int r = begin(sink, rows, err);

    while (r >= 0 && (what->max_rows == 0 || sink->rows < what->max_rows)) {
        _cleanup_(arrow_array_done) struct ArrowArray batch = {0};
        int64_t n;

        if (rows->get_next(rows, &batch) != 0) {
            return tear(sink, engine_stream_error(rows, err));
        }
        if (!batch.release) {
            break;
        }
        n = batch.length;
        if (what->max_rows > 0 && n > what->max_rows - sink->rows) {
            n = what->max_rows - sink->rows;
        }
        r = add_batch(sink, &batch, n, err);
        if (r >= 0 && cancel_check(cancel, err) < 0) {
            return tear(sink, err->code);
        }
    }
    return r < 0 ? r : end(sink, err);
}

static bool is_packed(const struct engine_export *what)
{
    return what->codec.len > 0 && !str_eq_nocase(what->codec, STR("none")) &&
           !str_eq_nocase(what->codec, STR("uncompressed"));
}

static int write_rows(struct engine *engine, const struct engine_export *what, ipc_write_fn write,
                      void *arg, int64_t *ret_rows, corrie_error *err)
{
    _cleanup_(sink_done) struct sink sink = {.write = write, .arg = arg, .format = what->format};
    _cleanup_(arrow_stream_done) struct ArrowArrayStream rows = {0};
    _cleanup_(pack_freep) struct pack *pack = NULL;
    int r = 0;

    if (is_packed(what) && what->format == ENGINE_OUT_ARROW) {
        return corrie_fail(err, CORRIE_E_UNSUPPORTED, "Arrow is written without compression");
    }
    if (is_packed(what)) {
        r = pack_open(what->codec, write, arg, &pack, err);
        sink.write = pack_write;
        sink.arg = pack;
    }
    if (r >= 0) {
        r = engine_query(engine, what->sql, what->file, &rows, err);
    }
    if (r < 0) {
        return r;
    }
    r = pump(&sink, &rows, what, engine->cancel, err);
    if (r >= 0 && pack) {
        r = pack_end(pack, err);
    }
    if (r >= 0) {
        *ret_rows = sink.rows;
    }
    return r;
}

/* ---- Parquet: by COPY ---- */

static int write_parquet(struct engine *engine, const struct engine_export *what, const char *path,
                         int64_t *ret_rows, corrie_error *err)
{
    static const char prefix[] = "CREATE OR REPLACE TEMP VIEW corrie_rows AS ";
    const struct origin origin = {
        .sql = what->sql, .file = what->file, .engine = engine, .prefix = sizeof prefix - 1};
    const struct origin running = {.engine = engine};
    const char *codec = parquet_codec(what->codec);
    const char *bloom = "";
    _cleanup_(session_close) struct session session = {.d = engine->d};
    _cleanup_(buf_done) struct buf text = {0};
    _cleanup_(rows_done) struct rows rows = {0};
    int r = codec ? statement_admit(engine, &origin, err) : parquet_fail_codec(what->codec, err);

    buf_add_text(&text, prefix);
    buf_add_str(&text, what->sql);
    if (r == 0) {
        r = buf_check(&text, err);
    }
    if (r == 0) {
        r = session_open(engine, &session, err);
    }
    if (r == 0) {
        r = engine_run(engine, &session, buf_text(&text), &origin, err);
    }
    if (r == 0) {
        r = parquet_bloom_option(engine, &session, "SELECT * FROM temp.corrie_rows", &bloom, err);
    }
    buf_clear(&text);
    buf_add_text(&text, "COPY (SELECT * FROM temp.corrie_rows");
    if (what->max_rows > 0) {
        buf_addf(&text, " LIMIT %lld", (long long)what->max_rows);
    }
    buf_add_text(&text, ") TO ");
    buf_add_sql_string(&text, str_of(path));
    buf_addf(&text, " (FORMAT parquet, COMPRESSION %s, USE_TMP_FILE false%s)", codec ? codec : "",
             bloom);
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

/* ---- to a file ---- */

struct target {
    int fd;
    const char *path;
};

static int write_file(void *arg, const void *bytes, size_t len, corrie_error *err)
{
    struct target *target = arg;

    return os_write(target->fd, target->path, str_make(bytes, len), err);
}

static int write_to(struct engine *engine, const struct engine_export *what, const char *path,
                    int64_t *ret_rows, corrie_error *err)
{
    struct target target = {.path = path};
    _close_ int fd = -1;
    int r;

    if (what->format == ENGINE_OUT_PARQUET) {
        return write_parquet(engine, what, path, ret_rows, err);
    }
    r = os_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666, &fd, err);
    target.fd = fd;
    return r < 0 ? r : write_rows(engine, what, write_file, &target, ret_rows, err);
}

/* Removes a file that was not finished; the error that is known already is the one that counts. */
static void remove_quietly(const char *path)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;

    if (os_unlink(path, &ignored) < 0) {
        corrie_error_clear(&ignored);
    }
}

/* Beside the target, made durable, and then given the name. */
static int write_durably(struct engine *engine, const struct engine_export *what,
                         const char *temporary, const char *target, const char *directory,
                         int64_t *ret_rows, corrie_error *err)
{
    int r = write_to(engine, what, temporary, ret_rows, err);

    if (r < 0 || (r = os_file_sync(temporary, err)) < 0 ||
        (r = os_rename(temporary, target, err)) < 0) {
        remove_quietly(temporary);
        return r;
    }
    return os_dir_sync(directory, err);
}

static int export_file(struct engine *engine, const struct engine_export *what, int64_t *ret_rows,
                       corrie_error *err)
{
    _free_ char *target = str_dup(what->path);
    _free_ char *directory = str_dup(os_path_parent(what->path));
    _cleanup_(buf_done) struct buf temporary = {0};
    struct uuid uuid = uuid_random();
    struct os_stat stat = {0};
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    char hex[33];
    int r;

    if (!target || !directory) {
        return corrie_fail_memory(err);
    }
    if (os_stat(target, &stat, &ignored) == 0 && stat.kind != OS_FILE) {
        if (stat.kind == OS_DIRECTORY) {
            return corrie_fail(err, CORRIE_E_USAGE, "%s is a directory", target);
        }
        return write_to(engine, what, target, ret_rows, err); /* a pipe, a device */
    }
    uuid_format_hex(&uuid, hex);
    buf_addf(&temporary, "%s/%s%s", directory, OS_TEMP_PREFIX, hex);
    r = buf_check(&temporary, err);
    if (r >= 0) {
        r = os_stat(directory, &stat, err); /* else the temporary file is what is not there */
    }
    return r < 0 ? r
                 : write_durably(engine, what, buf_text(&temporary), target, directory, ret_rows,
                                 err);
}

/* ---- to somebody ---- */

static int copy_file(const char *path, const struct engine_export *what,
                     const struct cancel *cancel, corrie_error *err)
{
    _cleanup_(buf_done) struct buf piece = {0};
    _close_ int fd = -1;
    size_t n = 1;
    int r = os_open(path, O_RDONLY, 0, &fd, err);

    if (r >= 0 && !buf_reserve(&piece, PIECE)) {
        r = buf_check(&piece, err);
    }
    while (r >= 0 && n > 0) {
        r = os_read(fd, path, piece.data, PIECE, &n, err);
        if (r >= 0 && n > 0) {
            r = what->write(what->arg, piece.data, n, err);
        }
        if (r >= 0) {
            r = cancel_check(cancel, err);
        }
    }
    return r;
}

/* A Parquet file cannot be read before its end is there: nothing is lost by giving it whole, and what fails on the way
 * has given nothing. */
static int export_spooled(struct engine *engine, const struct engine_export *what,
                          int64_t *ret_rows, corrie_error *err)
{
    _cleanup_(buf_done) struct buf path = {0};
    int r;

    if (engine->temp_dir.len == 0) {
        return corrie_fail(err, CORRIE_E_LIMIT, "there is no place for a Parquet file in between");
    }
    buf_addf(&path, "%.*s/result-%u", STR_FMT(engine->temp_dir), engine->serial++);
    r = buf_check(&path, err);
    if (r < 0) {
        return r;
    }
    r = write_parquet(engine, what, buf_text(&path), ret_rows, err);
    if (r >= 0) {
        r = copy_file(buf_text(&path), what, engine->cancel, err);
    }
    remove_quietly(buf_text(&path));
    return r;
}

int engine_export_rows(struct engine *engine, const struct engine_export *what, int64_t *ret_rows,
                       corrie_error *err)
{
    if (what->path.len > 0) {
        return export_file(engine, what, ret_rows, err);
    }
    return what->format == ENGINE_OUT_PARQUET
               ? export_spooled(engine, what, ret_rows, err)
               : write_rows(engine, what, what->write, what->arg, ret_rows, err);
}

int engine_export(struct engine *engine, struct str sql, const char *file,
                  enum engine_output format, struct str path, int64_t *ret_rows, corrie_error *err)
{
    const struct engine_export what = {.sql = sql, .file = file, .format = format, .path = path};

    return engine_export_rows(engine, &what, ret_rows, err);
}
