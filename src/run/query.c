/* query.c — one statement that reads, for a person. */
#include "arrow/table.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/vec.h"
#include "engine/engine.h"
#include "jobs/jobs.h"
#include "lake/lake.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/path.h"

#include <corrie/run.h>

/* What is told of a query when it is over (jobs/jobs.h). */
struct note {
    struct lake *lake; /* NULL: nothing is to be told */
    char *statement;
    char *ref; /* NULL: not known */
    struct hash commit;
    int64_t began; /* UTC ns; `clock` is the same moment of the clock that is never set */
    int64_t clock;
    int64_t rows; /* -1: not known. Likewise bytes */
    int64_t bytes;
};

static struct note note_begin(struct lake *lake, const char *sql)
{
    struct str kept = job_cut_text(str_of(sql), JOB_MAX_STATEMENT);

    return (struct note){.lake = lake,
                         .statement = str_dup(kept),
                         .began = clock_now(),
                         .clock = clock_monotonic(),
                         .rows = -1,
                         .bytes = -1};
}

static void note_done(struct note *note)
{
    mem_free(note->statement);
    mem_free(note->ref);
    *note = (struct note){.lake = NULL};
}

/* Where it reads, as soon as that is known. */
static int note_place(struct note *note, const struct lake_view *view, struct str ref,
                      corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    int r = lake_name_head(note->lake, &arena, &ref, err);

    if (r < 0) {
        return r;
    }
    note->commit = view->commit;
    note->ref = str_dup(ref);
    return note->ref ? 0 : corrie_fail_memory(err);
}

/* The answer was given, or the error is about to be. */
static void note_end(struct note *note, const corrie_error *error)
{
    if (note->lake) {
        job_note_query(lake_store(note->lake),
                       &(struct job_query){.user = lake_user(note->lake),
                                           .ref = str_of(note->ref),
                                           .statement = str_of(note->statement),
                                           .commit = note->commit,
                                           .started = note->began,
                                           .duration = clock_monotonic() - note->clock,
                                           .rows = error ? -1 : note->rows,
                                           .bytes = note->bytes,
                                           .error = error});
    }
    note_done(note);
}

/* An engine with the tables that a statement names. */
struct query {
    struct lake_workspace work;
    struct ArrowArrayStream rows;
    char *said;       /* the person's text, where another one was run; else NULL */
    struct note note; /* of a stream, told when it is released */
    bool failed;      /* its stream has ended with an error */
    bool ended;       /* … with its last row */
};

static struct query *query_free(struct query *query)
{
    if (query) {
        if (query->rows.release) {
            query->rows.release(&query->rows);
        }
        lake_workspace_leave(&query->work);
        mem_free(query->said);
        note_done(&query->note);
        mem_free(query);
    }
    return NULL;
}
DEFINE_CLEANUP(struct query *, query_free)

/* An error that quotes the text which was run quotes the person's instead: positions are the same in both. */
static int requote(const struct query *query, corrie_error *err)
{
    struct str text = query ? str_of(query->said) : STR_EMPTY;
    size_t start = 0;

    if (text.len == 0 || err->position.line == 0) {
        return err->code;
    }
    for (long line = 1; line < err->position.line; line++) {
        ptrdiff_t end = str_find(str_from(text, start), '\n');

        start = end < 0 ? text.len : start + (size_t)end + 1;
    }
    return corrie_error_at_offset(err, err->position.file, text,
                                  start + (size_t)err->position.column - 1,
                                  (size_t)err->position.width);
}

/* Names that DuckDB answers itself, if the lake has no such table. */
static bool is_builtin(const struct engine_table_ref *table)
{
    return str_eq_nocase(table->schema, STR("information_schema")) ||
           str_eq_nocase(table->schema, STR("pg_catalog")) ||
           (table->schema.len == 0 &&
            (str_starts(table->name, STR("duckdb_")) || str_starts(table->name, STR("pg_"))));
}

/* The tables of the lake that a statement names. */
struct sources {
    struct lake_source *items;
    size_t count;
    size_t capacity;
};

/* The state in which a table with an AT clause is read: of the ref that it names, or of the statement's as it was then.
 * A number is a snapshot of the table. */
static int view_at(const struct lake_view *view, struct str ref, const struct engine_at *at,
                   struct arena *arena, struct lake_source *source, corrie_error *err)
{
    struct lake_view *other = arena_new(arena, struct lake_view);
    char *expression;
    int r;

    if (!other) {
        return corrie_fail_memory(err);
    }
    if (at->number) {
        return str_to_int64(at->value, &source->snapshot_id)
                   ? 0
                   : corrie_fail(err, CORRIE_E_NOT_FOUND, "there is no snapshot %.*s",
                                 STR_FMT(at->value));
    }
    if (at->timestamp && (r = lake_name_head(view->lake, arena, &ref, err)) < 0) {
        return r;
    }
    expression = at->timestamp ? arena_printf(arena, "%.*s*%.*s", STR_FMT(ref), STR_FMT(at->value))
                               : arena_text(arena, at->value);
    if (!expression) {
        return corrie_fail_memory(err);
    }
    source->view = other;
    return lake_view_at(view->lake, str_of(expression), other, err);
}

/* Where a statement is read: its refs and names. */
struct place {
    struct engine *engine;
    const struct lake_view *view;
    struct str ref;
    struct str default_ns;
    struct str sql;
    struct str letter; /* namespace of tables that are read AT another version */
};

static int add_source(const struct place *place, const struct engine_table_ref *named, size_t index,
                      struct arena *arena, struct sources *sources, corrie_error *err)
{
    struct str ns = named->schema.len ? named->schema : place->default_ns;
    struct lake_source source = {.view = place->view, .snapshot_id = SNAPSHOT_NONE};
    const struct lake_view *view;
    int r;

    if (named->is_file) {
        return engine_ready_file(place->engine, named->name, err);
    }
    if (named->at) {
        char *name = arena_printf(arena, "%zu", index);

        r = name ? view_at(place->view, place->ref, named->at, arena, &source, err)
                 : corrie_fail_memory(err);
        if (r < 0) {
            return corrie_error_at_offset(err, NULL, place->sql, named->offset, named->at->length);
        }
        source.name_space = place->letter;
        source.name = str_of(name);
    }
    view = source.view;
    if (is_builtin(named)) {
        r = lake_table_find(view, ns, named->name, arena, &source.table, err);
        if (r <= 0) {
            return r;
        }
    }
    r = lake_table_get(view, ns, named->name, arena, &source.table, err);
    if (r == CORRIE_E_NOT_FOUND) {
        corrie_error_at_offset(err, NULL, place->sql, named->offset, named->name.len);
    }
    return r < 0 ? r : vec_push(sources, source) < 0 ? corrie_fail_memory(err) : 0;
}

/* A namespace of one letter that the statement does not name. */
static struct str free_letter(const struct engine_statement *statement)
{
    static const char letters[] = "~^%&";

    for (size_t k = 0; k + 2 < sizeof letters; k++) {
        bool used = false;

        for (size_t i = 0; i < statement->n_tables; i++) {
            used |= str_eq(statement->tables[i].schema, str_make(&letters[k], 1));
        }
        if (!used) {
            return str_make(&letters[k], 1);
        }
    }
    return str_make(&letters[sizeof letters - 2], 1);
}

/* What would be read, for corrie_explain. */
struct scans {
    struct hash commit;
    struct lake_described described;
    size_t count;
};

/* `note` and `ret_scans` may be NULL; the latter in `arena`. *sql becomes the text that is to be run, in `arena` too. */
static int open_query(struct lake *lake, struct str *sql, const corrie_query_options *options,
                      struct arena *arena, struct note *note, struct scans *ret_scans,
                      struct query **ret, corrie_error *err)
{
    _cleanup_(query_freep) struct query *query = mem_alloc(1, sizeof *query);
    struct engine_options engine = {0};
    struct engine_statement statement;
    struct sources sources = {0};
    struct lake_view view;
    struct place place = {.view = &view, .ref = str_of(options->ref), .sql = *sql};
    int r;

    if (!query) {
        return corrie_fail_memory(err);
    }
    engine.name_space = lake_default_namespace(options->default_namespace);
    r = lake_view_at(lake, str_of(options->ref), &view, err);
    if (r >= 0 && note) {
        r = note_place(note, &view, str_of(options->ref), err);
    }
    if (r < 0 || (r = lake_workspace_open(lake, options->memory, &engine, &query->work, err)) < 0 ||
        (r = engine_inspect_at(query->work.engine, *sql, NULL, arena, &statement, err)) < 0) {
        return r;
    }
    place.engine = query->work.engine;
    place.default_ns = engine.name_space;
    place.letter = free_letter(&statement);
    for (size_t i = 0; r >= 0 && i < statement.n_tables; i++) {
        r = add_source(&place, &statement.tables[i], i, arena, &sources, err);
    }
    if (r >= 0) {
        r = engine_place_at(*sql, &statement, place.letter, arena, sql, err);
    }
    if (r >= 0 && !str_eq(*sql, place.sql) && !(query->said = str_dup(place.sql))) {
        r = corrie_fail_memory(err);
    }
    if (r >= 0) {
        r = lake_define(query->work.engine, sources.items, sources.count, *sql, NULL,
                        engine.name_space, arena, ret_scans ? &ret_scans->described : NULL, err);
    }
    if (r >= 0 && ret_scans) {
        ret_scans->commit = view.commit;
        ret_scans->count = sources.count;
    }
    vec_done(&sources);
    if (r < 0) {
        return requote(query, err);
    }
    *ret = TAKE_PTR(query);
    return 0;
}

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
        requote(query, &error);
    } else if (!query->ended && query->note.lake) {
        cancel_check(lake_cancel(query->note.lake), &error); /* else he has enough */
    }
    note_end(&query->note, error.code < 0 ? &error : NULL);
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
    requote(query, err);
    note_end(&query->note, err); /* the stream gives its error away */
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
    struct note note;
    int r;

    js_setup();
    note = note_begin(lake, sql);
    r = open_query(lake, &text, &given, &arena, &note, NULL, &query, err);
    if (r >= 0) {
        r = engine_query(query->work.engine, text, NULL, &query->rows, err);
        r = r < 0 ? requote(query, err) : r;
    }
    if (r < 0) {
        note_end(&note, err);
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
                         const char *path, const char *target, struct note *note, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(query_freep) struct query *query = NULL;
    int r = open_query(note->lake, &what->sql, options, &arena, note, NULL, &query, err);

    if (r < 0) {
        return r;
    }
    what->path = str_of(target);
    r = engine_export_rows(query->work.engine, what, &note->rows, err);
    if (r < 0) {
        requote(query, err);
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
    struct note note;
    int r;

    js_setup();
    r = find_output(format, &what.format, err);
    if (r < 0 || (r = os_path_absolute(str_of(path), &absolute, err)) < 0) {
        return r;
    }
    note = note_begin(lake, sql);
    r = query_to_file(&given, &what, path, absolute, &note, err);
    if (r < 0) {
        note_end(&note, err);
        return r;
    }
    document = json_object();
    r = js_set_str(document, "path", str_of(absolute));
    r |= js_set_int(document, "rows", note.rows);
    r |= js_set(document, "bytes", js_count(note.bytes));
    note_end(&note, NULL);
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
    struct note note;
    int64_t rows = -1;
    int r;

    js_setup();
    r = find_output(format, &what.format, err);
    if (r < 0) {
        return r;
    }
    note = note_begin(lake, sql);
    r = open_query(lake, &what.sql, &given, &arena, &note, NULL, &query, err);
    if (r >= 0) {
        r = engine_export_rows(query->work.engine, &what, &rows, err);
        r = r < 0 ? requote(query, err) : 0;
    }
    note.rows = rows;
    note.bytes = taker.bytes;
    note_end(&note, r < 0 ? err : NULL);
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
    struct scans scans = {.described = {.row_groups = true}};
    struct str ref = str_of(given.ref);
    json_t *tables;
    struct str text = str_of(sql);
    int r;

    js_setup();
    r = open_query(lake, &text, &given, &arena, NULL, &scans, &query, err);
    if (r < 0 || (r = engine_explain(query->work.engine, text, NULL, &plan, err)) < 0) {
        return requote(query, err);
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
