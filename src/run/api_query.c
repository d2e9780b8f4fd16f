/* api_query.c — queries of a person's in the public interface: as a stream, to a file, to somebody, and what they would read. */
#include "base/json.h"
#include "base/mem.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/path.h"
#include "run/query.h"

/* ---- the stream: DuckDB's, with the engine that feeds it ---- */

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct query *query = stream->private_data;

    return query->rows.get_schema(&query->rows, out);
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct query *query = stream->private_data;

    int r = query->rows.get_next(&query->rows, out);

    query->failed = r != 0;
    query->ended = r == 0 && !out->release;
    query->note.rows += r == 0 && out->release ? out->length : 0;
    return r;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    struct query *query = stream->private_data;

    return query->rows.get_last_error(&query->rows);
}

static void release(struct ArrowArrayStream *stream)
{
    _error_ corrie_error error = CORRIE_ERROR_INIT;
    struct query *query = stream->private_data;

    if (query->failed && query->note.lake) {
        engine_stream_error(&query->rows, &error);
        query_requote(query, &error);
    } else if (!query->ended && query->note.lake) {
        cancel_check(lake_cancel(query->note.lake), &error); /* else he has enough */
    }
    query_note_end(&query->note, error.code < 0 ? &error : NULL);
    query_free(query);
    stream->private_data = NULL;
    stream->release = NULL;
}

int corrie_stream_error(struct ArrowArrayStream *stream, corrie_error *err)
{
    if (stream->release != release) {
        return corrie_fail(err, CORRIE_E_USAGE, "the stream is none of corrie_query's");
    }
    struct query *query = stream->private_data;
    engine_stream_error(&query->rows, err);
    query_requote(query, err);
    query_note_end(&query->note, err); /* the stream gives its error away */
    return err->code;
}

static corrie_query_options read_options(const corrie_query_options *options)
{
    corrie_query_options given = {.size = sizeof given};

    if (options) {
        memcpy(&given, options, options->size < sizeof given ? options->size : sizeof given);
    }
    return given;
}

int corrie_query(corrie_lake *lake, const char *sql, const corrie_query_options *options,
                 struct ArrowArrayStream *ret, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(query_freep) struct query *query = NULL;
    corrie_query_options given = read_options(options);
    struct str text = str_of(sql);
    struct query_note note;
    int r;

    js_setup();
    note = query_note_begin(lake, sql);
    r = query_open(lake, &text, &given, &arena, &note, NULL, &query, err);
    if (r >= 0) {
        r = engine_query(query->work.engine, text, NULL, &query->rows, err);
        r = r < 0 ? query_requote(query, err) : r;
    }
    if (r < 0) {
        query_note_end(&note, err);
        return r;
    }
    note.rows = 0;
    query->note = note;
    *ret = (struct ArrowArrayStream){.get_schema = get_schema,
                                     .get_next = get_next,
                                     .get_last_error = get_last_error,
                                     .release = release,
                                     .private_data = TAKE_PTR(query)};
    return 0;
}

/* ---- to a file ---- */

static int find_output(const char *name, enum engine_output *ret, corrie_error *err)
{
    static const struct {
        const char *name;
        enum engine_output output;
    } outputs[] = {{"csv", ENGINE_OUT_CSV},
                   {"json", ENGINE_OUT_JSON},
                   {"jsonl", ENGINE_OUT_JSONL},
                   {"parquet", ENGINE_OUT_PARQUET},
                   {"arrow", ENGINE_OUT_ARROW}};

    for (size_t i = 0; i < ARRAY_LEN(outputs); i++) {
        if (strcmp(name, outputs[i].name) == 0) {
            *ret = outputs[i].output;
            return 0;
        }
    }
    return corrie_fail(err, CORRIE_E_USAGE,
                       "a result cannot be written as %s: csv, json, jsonl, parquet or arrow",
                       name);
}

/* -1 for what is no file: a pipe, a device. */
static int64_t bytes_of(const char *path)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct os_stat stat;

    return os_stat(path, &stat, &ignored) >= 0 && stat.kind == OS_FILE ? (int64_t)stat.size : -1;
}

/* `path` is what the user calls `target`. */
static int query_to_file(const corrie_query_options *options, struct engine_export *what,
                         const char *path, const char *target, struct query_note *note,
                         corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(query_freep) struct query *query = NULL;
    int r = query_open(note->lake, &what->sql, options, &arena, note, NULL, &query, err);

    if (r < 0) {
        return r;
    }
    what->path = str_of(target);
    r = engine_export_rows(query->work.engine, what, &note->rows, err);
    if (r < 0) {
        query_requote(query, err);
        return corrie_wrap(err, "write the result to %s", path);
    }
    note->bytes = bytes_of(target);
    return 0;
}

int corrie_query_to_file(corrie_lake *lake, const char *sql, const corrie_query_options *options,
                         const char *format, const char *path, char **ret_json, corrie_error *err)
{
    _json_ json_t *document = NULL;
    _free_ char *absolute = NULL;
    corrie_query_options given = read_options(options);
    struct engine_export what = {
        .sql = str_of(sql), .max_rows = given.max_rows, .codec = str_of(given.compression)};
    struct query_note note;
    int r;

    js_setup();
    r = find_output(format, &what.format, err);
    if (r < 0 || (r = os_path_absolute(str_of(path), &absolute, err)) < 0) {
        return r;
    }
    note = query_note_begin(lake, sql);
    r = query_to_file(&given, &what, path, absolute, &note, err);
    if (r < 0) {
        query_note_end(&note, err);
        return r;
    }
    document = json_object();
    r = js_set_str(document, "path", str_of(absolute));
    r |= js_set_int(document, "rows", note.rows);
    r |= js_set(document, "bytes", js_count(note.bytes));
    query_note_end(&note, NULL);
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}

/* ---- to somebody ---- */

struct taker {
    corrie_write_fn write;
    void *context;
    int64_t bytes; /* that it has taken */
};

static int take_bytes(void *arg, const void *bytes, size_t len, corrie_error *err)
{
    struct taker *taker = arg;

    if (len > 0 && taker->write(taker->context, bytes, len) != 0) {
        return corrie_fail(err, CORRIE_E_CANCELLED, "whoever took the result has ended it");
    }
    taker->bytes += (int64_t)len;
    return 0;
}

int corrie_query_write(corrie_lake *lake, const char *sql, const corrie_query_options *options,
                       const char *format, corrie_write_fn write, void *context, int64_t *ret_rows,
                       corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(query_freep) struct query *query = NULL;
    corrie_query_options given = read_options(options);
    struct taker taker = {.write = write, .context = context};
    struct engine_export what = {.sql = str_of(sql),
                                 .max_rows = given.max_rows,
                                 .codec = str_of(given.compression),
                                 .write = take_bytes,
                                 .arg = &taker};
    struct query_note note;
    int64_t rows = -1;
    int r;

    js_setup();
    r = find_output(format, &what.format, err);
    if (r < 0) {
        return r;
    }
    note = query_note_begin(lake, sql);
    r = query_open(lake, &what.sql, &given, &arena, &note, NULL, &query, err);
    if (r >= 0) {
        r = engine_export_rows(query->work.engine, &what, &rows, err);
        r = r < 0 ? query_requote(query, err) : 0;
    }
    note.rows = rows;
    note.bytes = taker.bytes;
    query_note_end(&note, r < 0 ? err : NULL);
    if (r >= 0 && ret_rows) {
        *ret_rows = rows;
    }
    return r;
}

/* ---- explain ---- */

static int set_count(json_t *item, const char *field, int64_t count)
{
    return js_set(item, field, js_count(count));
}

static int set_texts(json_t *item, const char *field, const struct str *texts, size_t n)
{
    json_t *list = json_array();
    int r = list ? 0 : -1;

    for (size_t i = 0; i < n && r == 0; i++) {
        r = json_array_append_new(list, js_string(texts[i]));
    }
    return r | js_set(item, field, list);
}

static json_t *scan_json(const struct lake_scan *scan)
{
    json_t *item = json_object();
    int r;

    r = js_set_str(item, "namespace", scan->ns);
    r |= js_set_str(item, "name", scan->name);
    r |= js_set(item, "snapshot_id",
                scan->snapshot_id == SNAPSHOT_NONE ? json_null() : json_integer(scan->snapshot_id));
    r |= set_count(item, "manifests", scan->manifests);
    r |= set_count(item, "manifests_pruned", scan->manifests_pruned);
    r |= set_count(item, "files", scan->files);
    r |= set_count(item, "files_pruned", scan->files_pruned);
    r |= set_count(item, "row_groups", scan->row_groups);
    r |= set_count(item, "row_groups_pruned", scan->row_groups_pruned);
    r |= set_count(item, "records", scan->records);
    r |= set_count(item, "bytes", scan->bytes);
    r |= set_count(item, "delete_files", scan->delete_files);
    r |= set_texts(item, "columns", scan->columns, scan->n_columns);
    r |= set_count(item, "column_bytes", scan->column_bytes);
    r |= set_texts(item, "filters", scan->filters, scan->n_filters);
    if (r != 0) {
        json_decref(item);
        return NULL;
    }
    return item;
}

int corrie_explain(corrie_lake *lake, const char *sql, const corrie_query_options *options,
                   char **ret_json, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(query_freep) struct query *query = NULL;
    _cleanup_(buf_done) struct buf plan = {0};
    _json_ json_t *document = NULL;
    corrie_query_options given = read_options(options);
    struct query_scans scans = {.described = {.row_groups = true}};
    struct str ref = str_of(given.ref);
    json_t *tables;
    struct str text = str_of(sql);
    int r;

    js_setup();
    r = query_open(lake, &text, &given, &arena, NULL, &scans, &query, err);
    if (r < 0 || (r = engine_explain(query->work.engine, text, NULL, &plan, err)) < 0) {
        return query_requote(query, err);
    }
    r = lake_name_head(lake, &arena, &ref, err);
    if (r < 0) {
        return r;
    }
    document = json_object();
    tables = json_array();
    r = js_set_str(document, "ref", ref);
    r |= js_set_hash(document, "commit", &scans.commit);
    for (size_t i = 0; i < scans.count && tables; i++) {
        r |= json_array_append_new(tables, scan_json(&scans.described.scans[i]));
    }
    r |= js_set(document, "tables", tables);
    r |= js_set_str(document, "plan", buf_str(&plan));
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}
