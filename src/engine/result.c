/* result.c — running statements of ours and reading their small results. */
#include "engine/engine_priv.h"

/* A text, or with `sql` NULL what was prepared. */
static int run(struct engine *engine, struct session *session, const char *sql,
               duckdb_prepared_statement prepared, const struct origin *origin,
               duckdb_result *result, corrie_error *err)
{
    static const struct origin ours;
    const struct duck *d = engine->d;
    duckdb_state state;
    int r = session_begin(engine, session, err);

    if (r < 0) {
        return r;
    }
    state = sql ? d->query(session->con, sql, result) : d->execute_prepared(prepared, result);
    session_end(engine, session);
    if (state == DuckDBSuccess) {
        return 0;
    }
    r = duck_fail(d->result_error(result), origin ? origin : &ours, err);
    d->destroy_result(result);
    return r;
}

int engine_run(struct engine *engine, struct session *session, const char *sql,
               const struct origin *origin, corrie_error *err)
{
    duckdb_result result;
    int r = run(engine, session, sql, NULL, origin, &result, err);

    if (r < 0) {
        return r;
    }
    engine->d->destroy_result(&result);
    return 0;
}

static int open_rows(struct engine *engine, struct session *session, const char *sql,
                     duckdb_prepared_statement prepared, const struct origin *origin,
                     struct rows *ret, corrie_error *err)
{
    int r;

    *ret = (struct rows){.session = session, .engine = engine};
    r = run(engine, session, sql, prepared, origin, &ret->result, err);
    if (r < 0) {
        return r;
    }
    ret->open = true;
    return 0;
}

int rows_open(struct engine *engine, struct session *session, const char *sql,
              const struct origin *origin, struct rows *ret, corrie_error *err)
{
    return open_rows(engine, session, sql, NULL, origin, ret, err);
}

int rows_open_prepared(struct engine *engine, struct session *session,
                       duckdb_prepared_statement prepared, struct rows *ret, corrie_error *err)
{
    return open_rows(engine, session, NULL, prepared, NULL, ret, err);
}

static int each_chunk(const struct duck *d, duckdb_result *result, const struct origin *origin,
                      int (*each)(void *arg, duckdb_data_chunk chunk, corrie_error *err), void *arg,
                      corrie_error *err)
{
    duckdb_data_chunk chunk;
    const char *problem;
    int r = 0;

    while (r == 0 && (chunk = d->fetch_chunk(*result)) != NULL) {
        r = each(arg, chunk, err);
        d->destroy_data_chunk(&chunk);
    }
    problem = r == 0 ? d->result_error(result) : NULL;
    return problem && *problem ? duck_fail(problem, origin, err) : r;
}

int rows_each_chunk(struct engine *engine, struct session *session, const char *sql,
                    const struct origin *origin,
                    int (*each)(void *arg, duckdb_data_chunk chunk, corrie_error *err), void *arg,
                    corrie_error *err)
{
    const struct duck *d = engine->d;
    duckdb_prepared_statement prepared = NULL;
    duckdb_pending_result pending = NULL;
    duckdb_result result;
    int r = session_begin(engine, session, err);

    if (r < 0) {
        return r;
    }
    if (d->prepare(session->con, sql, &prepared) != DuckDBSuccess) {
        r = duck_fail(d->prepare_error(prepared), origin, err);
    } else if (d->pending_prepared_streaming(prepared, &pending) != DuckDBSuccess) {
        r = duck_fail(d->pending_error(pending), origin, err);
    } else {
        if (d->execute_pending(pending, &result) != DuckDBSuccess) {
            r = duck_fail(d->result_error(&result), origin, err);
        } else {
            r = each_chunk(d, &result, origin, each, arg, err);
        }
        d->destroy_result(&result);
    }
    if (pending) {
        d->destroy_pending(&pending);
    }
    d->destroy_prepare(&prepared);
    session_end(engine, session);
    return r;
}

bool rows_next(struct rows *rows)
{
    const struct duck *d = rows->engine->d;

    while (rows->open) {
        if (rows->chunk && rows->at + 1 < rows->size) {
            rows->at++;
            return true;
        }
        if (rows->chunk) {
            d->destroy_data_chunk(&rows->chunk);
        }
        rows->chunk = d->fetch_chunk(rows->result);
        if (!rows->chunk) {
            return false;
        }
        rows->size = d->data_chunk_get_size(rows->chunk);
        rows->at = 0;
        if (rows->size > 0) {
            return true;
        }
    }
    return false;
}

static const void *value_at(const struct rows *rows, idx_t column, size_t size)
{
    const struct duck *d = rows->engine->d;
    duckdb_vector vector = d->data_chunk_get_vector(rows->chunk, column);

    if (!valid_at(d->vector_get_validity(vector), rows->at)) {
        return NULL;
    }
    return (const char *)d->vector_get_data(vector) + rows->at * size;
}

bool rows_text(const struct rows *rows, idx_t column, struct str *ret)
{
    const duckdb_string_t *text = value_at(rows, column, sizeof(duckdb_string_t));

    if (!text) {
        return false;
    }
    ret->len = text->value.inlined.length;
    ret->data = ret->len <= 12 ? text->value.inlined.inlined : text->value.pointer.ptr;
    return true;
}

bool rows_int(const struct rows *rows, idx_t column, int64_t *ret)
{
    const int64_t *value = value_at(rows, column, sizeof(int64_t));

    if (!value) {
        return false;
    }
    *ret = *value;
    return true;
}

void rows_done(struct rows *rows)
{
    if (rows->chunk) {
        rows->engine->d->destroy_data_chunk(&rows->chunk);
    }
    if (rows->open) {
        rows->engine->d->destroy_result(&rows->result);
        rows->open = false;
    }
}
