/* copies.c — several COPYs at once.
 *
 * A COPY of a few row groups is one thread's work, and while it works DuckDB's other threads look for some in turns: of a
 * file of 27 000 rows that is a third of the processor time. So threads of ours run one COPY each, on connections of their
 * own, and DuckDB is told to have no others meanwhile. A locked engine cannot be told; there they only look on. */
#include "engine/parquet_priv.h"

#include <pthread.h>

#include "base/mem.h"

struct copies {
    struct engine *engine;
    struct session *sessions; /* one a thread but for the first, whose is the engine's own */
    size_t n_sessions;
    int64_t threads; /* that DuckDB has */
    bool narrow;     /* it has none of its own now */
};

/* One call of copies_run. */
struct crew {
    struct copies *copies;
    const struct origin *origin;
    struct copy *items;
    size_t n;
    pthread_mutex_t lock; /* guards the two below */
    size_t next;
    bool failed; /* what is not begun stays so */
};

struct worker {
    struct crew *crew;
    struct session *session;
    pthread_t thread;
};

void copy_done(struct copy *copy)
{
    buf_done(&copy->sql);
    rows_done(&copy->rows);
    corrie_error_clear(&copy->error);
}

static int count_threads(struct engine *engine, int64_t *ret, corrie_error *err)
{
    _cleanup_(rows_done) struct rows rows = {0};
    int r = rows_open(engine, &engine->session, "SELECT CAST(current_setting('threads') AS BIGINT)",
                      NULL, &rows, err);

    *ret = 1;
    if (r == 0 && rows_next(&rows)) {
        (void)rows_int(&rows, 0, ret);
    }
    return r;
}

int copies_open(struct engine *engine, struct copies **ret, corrie_error *err)
{
    _cleanup_(copies_closep) struct copies *copies = mem_alloc(1, sizeof *copies);
    size_t n;
    int r = copies ? count_threads(engine, &copies->threads, err) : corrie_fail_memory(err);

    if (r < 0) {
        return r;
    }
    copies->engine = engine;
    n = copies->threads < CORRIE_MAX_COPIES ? (size_t)copies->threads : CORRIE_MAX_COPIES;
    copies->sessions = mem_alloc(n + 1, sizeof *copies->sessions);
    if (!copies->sessions) {
        return corrie_fail_memory(err);
    }
    copies->n_sessions = 1; /* the engine's own, which is not in the list */
    while (r == 0 && copies->n_sessions < n) {
        r = session_open(engine, &copies->sessions[copies->n_sessions], err);
        copies->n_sessions += r == 0;
    }
    if (r == 0) {
        *ret = TAKE_PTR(copies);
    }
    return r;
}

/* DuckDB's own threads go or come back, also after a cancel, when engine_run refuses. */
static void set_narrow(struct copies *copies, bool narrow)
{
    char sql[64];
    duckdb_result result;

    if (copies->engine->locked || copies->n_sessions < 2 || copies->narrow == narrow) {
        return;
    }
    snprintf(sql, sizeof sql, "SET GLOBAL threads = %lld",
             narrow ? 1LL : (long long)copies->threads);
    if (copies->engine->d->query(copies->engine->session.con, sql, &result) == DuckDBSuccess) {
        copies->narrow = narrow;
    }
    copies->engine->d->destroy_result(&result);
}

struct copies *copies_close(struct copies *copies)
{
    if (copies) {
        for (size_t i = 1; i < copies->n_sessions; i++) {
            session_close(&copies->sessions[i]);
        }
        mem_free(copies->sessions);
        mem_free(copies);
    }
    return NULL;
}

static struct copy *take(struct crew *crew)
{
    struct copy *copy = NULL;

    pthread_mutex_lock(&crew->lock);
    if (!crew->failed && crew->next < crew->n) {
        copy = &crew->items[crew->next++];
    }
    pthread_mutex_unlock(&crew->lock);
    return copy;
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    struct crew *crew = worker->crew;
    struct copy *copy;

    while ((copy = take(crew)) != NULL) {
        copy->code = rows_open(crew->copies->engine, worker->session, buf_text(&copy->sql),
                               crew->origin, &copy->rows, &copy->error);
        if (copy->code < 0) {
            pthread_mutex_lock(&crew->lock);
            crew->failed = true;
            pthread_mutex_unlock(&crew->lock);
        }
    }
    return NULL;
}

int copies_run(struct copies *copies, const struct origin *origin, struct copy *items, size_t n,
               corrie_error *err)
{
    struct crew crew = {.copies = copies, .origin = origin, .items = items, .n = n};
    struct worker workers[CORRIE_MAX_COPIES];
    size_t n_workers = n < copies->n_sessions ? n : copies->n_sessions;
    size_t n_started = 1; /* the first is this thread */

    for (size_t i = 0; i < n; i++) {
        if (buf_check(&items[i].sql, err) < 0) {
            return err->code;
        }
    }
    pthread_mutex_init(&crew.lock, NULL);
    set_narrow(copies, true);
    for (size_t i = 0; i < n_workers; i++) {
        workers[i] = (struct worker){
            .crew = &crew, .session = i > 0 ? &copies->sessions[i] : &copies->engine->session};
    }
    while (n_started < n_workers &&
           pthread_create(&workers[n_started].thread, NULL, work, &workers[n_started]) == 0) {
        n_started++; /* fewer do it too */
    }
    if (n > 0) {
        work(&workers[0]);
    }
    for (size_t i = 1; i < n_started; i++) {
        pthread_join(workers[i].thread, NULL);
    }
    set_narrow(copies, false);
    pthread_mutex_destroy(&crew.lock);
    for (size_t i = 0; i < n; i++) {
        if (items[i].code < 0) {
            return corrie_error_move(err, &items[i].error);
        }
    }
    return 0;
}
