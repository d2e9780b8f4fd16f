/* query.c — a SELECT as an Arrow stream.
 *
 * The stream owns a connection, a prepared statement and a streaming result of DuckDB. Results ahead
 * are bounded by streaming_buffer_size, in which DuckDB counts 16 bytes for a text, however long it is:
 * it is set to little at open (docs/decisions/0011-results-ahead.md). */
#include <errno.h>

#include "engine/arrow_out.h"
#include "engine/types.h"

struct query {
    struct engine *engine;
    const struct duck *d;
    struct session session;
    duckdb_prepared_statement prepared;
    duckdb_pending_result pending;
    duckdb_result result;
    bool has_result;
    bool done;
    struct arena arena; /* schema, texts */
    struct schema schema;
    struct origin origin;
    struct out **columns;
    corrie_error error;
};

static struct query *query_free(struct query *query)
{
    const struct duck *d = query->d;

    for (size_t i = 0; query->columns && i < query->schema.n_fields; i++) {
        out_free(query->columns[i]);
    }
    mem_free(query->columns);
    if (query->has_result) {
        d->destroy_result(&query->result);
    }
    if (query->pending) {
        d->destroy_pending(&query->pending);
    }
    if (query->prepared) {
        d->destroy_prepare(&query->prepared);
    }
    session_close(&query->session);
    corrie_error_clear(&query->error);
    arena_done(&query->arena);
    mem_free(query);
    return NULL;
}
DEFINE_CLEANUP(struct query *, query_free)

/* ---- batches ---- */

static size_t batch_bytes(const struct query *query)
{
    size_t bytes = 0;

    for (size_t i = 0; i < query->schema.n_fields; i++) {
        bytes += out_bytes(query->columns[i]);
    }
    return bytes;
}

static int append_chunk(struct query *query, duckdb_data_chunk chunk, idx_t rows, corrie_error *err)
{
    for (size_t i = 0; i < query->schema.n_fields; i++) {
        int r =
            out_append(query->columns[i], query->d->data_chunk_get_vector(chunk, i), 0, rows, err);

        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int take_batch(struct query *query, int64_t rows, struct ArrowArray *ret, corrie_error *err)
{
    size_t n = query->schema.n_fields;
    struct ArrowArray *children = mem_alloc(n, sizeof *children);
    int r = children ? 0 : corrie_fail_memory(err);

    for (size_t i = 0; r == 0 && i < n; i++) {
        r = out_take(query->columns[i], &children[i], err);
    }
    if (r == 0) {
        r = out_struct(children, n, rows, ret, err);
    } else {
        for (size_t i = 0; children && i < n; i++) {
            if (children[i].release) {
                children[i].release(&children[i]);
            }
        }
    }
    mem_free(children);
    return r;
}

static int execute(struct query *query, corrie_error *err)
{
    const struct duck *d = query->d;
    duckdb_state state = d->pending_prepared_streaming(query->prepared, &query->pending);

    if (state != DuckDBSuccess) {
        return duck_fail(d->pending_error(query->pending), &query->origin, err);
    }
    query->has_result = true;
    state = d->execute_pending(query->pending, &query->result);
    return state == DuckDBSuccess ? 0
                                  : duck_fail(d->result_error(&query->result), &query->origin, err);
}

/* Runs it again for nothing but its failure. 0: it did not fail. */
static int drain(struct query *query, corrie_error *err)
{
    const struct duck *d = query->d;
    const char *problem;
    int r;

    d->destroy_result(&query->result);
    d->destroy_pending(&query->pending);
    query->has_result = false;
    r = execute(query, err);
    if (r < 0) {
        return r;
    }
    for (duckdb_data_chunk chunk; (chunk = d->fetch_chunk(query->result));) {
        d->destroy_data_chunk(&chunk);
    }
    problem = d->result_error(&query->result);
    return problem && *problem ? duck_fail(problem, &query->origin, err) : 0;
}

/* What the result failed of; 0: it is at its end. The thread that fails stops the others, and now and then who fetches
 * is told of that alone: then the statement has to say it again. */
static int failure_of(struct query *query, corrie_error *err)
{
    const char *problem = query->d->result_error(&query->result);
    int r = problem && *problem ? duck_fail(problem, &query->origin, err) : 0;

    for (int attempt = 0; r == CORRIE_E_CANCELLED && attempt < 3; attempt++) {
        if (cancel_requested(query->engine->cancel)) {
            return r;
        }
        corrie_error_clear(err);
        r = drain(query, err);
        if (r == 0) {
            return corrie_fail(err, CORRIE_E_FAILED, "the query failed, and not when run again");
        }
    }
    return r;
}

/* Collects chunks until the batch is full. A chunk has at most 2048 rows, so a full one never passes
 * ENGINE_BATCH_ROWS. */
static int fill(struct query *query, int64_t *ret_rows, corrie_error *err)
{
    const struct duck *d = query->d;
    int64_t rows = 0;
    size_t checked = 0;
    int r = 0;

    while (r == 0 && rows + 2048 <= ENGINE_BATCH_ROWS) {
        duckdb_data_chunk chunk = d->fetch_chunk(query->result);
        idx_t size;

        if (!chunk) {
            query->done = true;
            r = failure_of(query, err);
            break;
        }
        size = d->data_chunk_get_size(chunk);
        r = append_chunk(query, chunk, size, err);
        d->destroy_data_chunk(&chunk);
        rows += (int64_t)size;
        /* wide rows fill 64 MiB within one chunk, narrow ones never: look every 16 chunks or 1 MiB */
        if (++checked % 16 == 0 || query->schema.n_fields > 64 || rows < 65536) {
            if (batch_bytes(query) >= ENGINE_BATCH_BYTES) {
                break;
            }
        }
    }
    *ret_rows = rows;
    return r;
}

/* ---- ArrowArrayStream ---- */

static int errno_of(int code)
{
    switch (code) {
    case CORRIE_E_NO_MEMORY:
        return ENOMEM;
    case CORRIE_E_CANCELLED:
        return ECANCELED;
    case CORRIE_E_UNSUPPORTED:
        return ENOTSUP;
    case CORRIE_E_NO_SPACE:
        return ENOSPC;
    case CORRIE_E_DATA:
    case CORRIE_E_FAILED:
    case CORRIE_E_PROJECT:
        return EINVAL;
    default:
        return EIO;
    }
}

static int stream_schema(struct ArrowArrayStream *stream, struct ArrowSchema *ret)
{
    struct query *query = stream->private_data;

    corrie_error_clear(&query->error);
    return errno_of(schema_to_arrow(&query->schema, ret, &query->error)) * (query->error.code != 0);
}

static int stream_next(struct ArrowArrayStream *stream, struct ArrowArray *ret)
{
    struct query *query = stream->private_data;
    int64_t rows = 0;
    int r;

    *ret = (struct ArrowArray){0};
    if (query->error.code != 0) {
        return errno_of(query->error.code); /* failed once: stays failed */
    }
    if (query->done) {
        return 0;
    }
    r = session_begin(query->engine, &query->session, &query->error);
    if (r == 0) {
        r = fill(query, &rows, &query->error);
        session_end(query->engine, &query->session);
    }
    if (r == 0 && rows > 0) {
        r = take_batch(query, rows, ret, &query->error);
    }
    return r == 0 ? 0 : errno_of(r);
}

static const char *stream_error_text(struct ArrowArrayStream *stream)
{
    struct query *query = stream->private_data;

    return query->error.code == 0 ? NULL : corrie_error_message(&query->error);
}

static void stream_release(struct ArrowArrayStream *stream)
{
    query_free(stream->private_data);
    stream->release = NULL;
    stream->private_data = NULL;
}

int engine_stream_error(struct ArrowArrayStream *stream, corrie_error *err)
{
    struct query *query;

    if (stream->get_next != stream_next) {
        const char *text = stream->get_last_error(stream);

        return corrie_fail(err, CORRIE_E_FAILED, "%s", text ? text : "stream failed");
    }
    query = stream->private_data;
    if (query->error.code == 0) {
        return corrie_fail(err, CORRIE_E_INTERNAL, "stream has not failed");
    }
    return corrie_error_move(err, &query->error);
}

/* ---- starting ---- */

static int prepare(struct query *query, corrie_error *err)
{
    const struct duck *d = query->d;
    _free_ char *sql = str_dup(query->origin.sql);
    duckdb_state state;
    int r;

    if (!sql) {
        return corrie_fail_memory(err);
    }
    r = session_begin(query->engine, &query->session, err);
    if (r < 0) {
        return r;
    }
    state = d->prepare(query->session.con, sql, &query->prepared);
    session_end(query->engine, &query->session);
    if (state != DuckDBSuccess) {
        return duck_fail(d->prepare_error(query->prepared), &query->origin, err);
    }
    r = schema_from_prepared(d, query->prepared, &query->arena, &query->schema, err);
    if (r < 0) {
        return r;
    }
    query->columns = mem_alloc(query->schema.n_fields, sizeof *query->columns);
    if (!query->columns) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; r == 0 && i < query->schema.n_fields; i++) {
        duckdb_logical_type logical = d->prepared_statement_column_logical_type(query->prepared, i);

        r = out_new(d, logical, &query->schema.fields[i].type, query->schema.fields[i].name,
                    &query->columns[i], err);
        d->destroy_logical_type(&logical);
    }
    return r;
}

static int start(struct query *query, corrie_error *err)
{
    int r = session_begin(query->engine, &query->session, err);

    if (r < 0) {
        return r;
    }
    r = execute(query, err);
    session_end(query->engine, &query->session);
    return r;
}

int engine_query(struct engine *engine, struct str sql, const char *file,
                 struct ArrowArrayStream *ret, corrie_error *err)
{
    _cleanup_(query_freep) struct query *query = mem_alloc(1, sizeof *query);
    int r;

    if (!query) {
        return corrie_fail_memory(err);
    }
    query->engine = engine;
    query->d = engine->d;
    query->session.d = engine->d;
    query->origin = (struct origin){.engine = engine};
    if (arena_str(&query->arena, sql, &query->origin.sql) < 0 ||
        (file && !(query->origin.file = arena_text(&query->arena, str_of(file))))) {
        return corrie_fail_memory(err);
    }
    r = statement_admit(engine, &query->origin, err);
    if (r == 0) {
        r = session_open(engine, &query->session, err);
    }
    if (r == 0) {
        r = prepare(query, err);
    }
    if (r == 0) {
        r = start(query, err);
    }
    if (r < 0) {
        return r;
    }
    *ret = (struct ArrowArrayStream){.get_schema = stream_schema,
                                     .get_next = stream_next,
                                     .get_last_error = stream_error_text,
                                     .release = stream_release,
                                     .private_data = TAKE_PTR(query)};
    return 0;
}

int engine_try(struct engine *engine, struct str sql, const char *file, corrie_error *err)
{
    struct ArrowArrayStream rows = {0};
    struct ArrowArray batch = {0};
    int r = engine_query(engine, sql, file, &rows, err);

    if (r < 0) {
        return r;
    }
    if (rows.get_next(&rows, &batch) != 0) {
        r = engine_stream_error(&rows, err);
    }
    if (batch.release) {
        batch.release(&batch);
    }
    rows.release(&rows);
    return r;
}
