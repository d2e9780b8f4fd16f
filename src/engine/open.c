/* open.c — opening and closing, connections, cancelling.
 *
 * The watcher: a thread that sleeps while no session works and looks at the cancel flag every 10 ms
 * while one does. It exists only if the engine has a flag and something ran. DuckDB forgets an
 * interrupt when the next statement starts, so the watcher repeats it until the session ends. */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "engine/engine_priv.h"
#include "os/proc.h"

#define WATCH_NS 10000000L
/* With several threads a COPY that keeps the order holds the row groups that were made before their turn: so much of the
 * memory for each, or fewer threads. */
#define THREAD_MEMORY (256 * CORRIE_MiB)
/* What each of several threads reads, encodes and packs, which DuckDB does not count; at most UNCOUNTED_SHARE of all. */
#define THREAD_UNCOUNTED (128 * CORRIE_MiB)
#define UNCOUNTED_SHARE 4

/* ---- sessions ---- */

void session_close(struct session *session)
{
    struct engine *home = session->spare_of;

    if (!session->con) {
        return;
    }
    if (home) {
        pthread_mutex_lock(&home->lock);
        if (home->n_spares < SPARE_SESSIONS) {
            home->spares[home->n_spares++] = session->con;
            session->con = NULL;
        }
        pthread_mutex_unlock(&home->lock);
    }
    if (session->con) {
        session->d->disconnect(&session->con);
        session->con = NULL;
    }
}

/* What is kept by connection. Unqualified names: tables without a namespace first, so that a model
 * shadows a lake table. */
static int set_up(struct engine *engine, struct session *session, bool buffer, corrie_error *err)
{
    _cleanup_(buf_done) struct buf sql = {0};
    _cleanup_(buf_done) struct buf path = {0};
    int r;

    buf_add_text(&path, NAMELESS);
    if (engine->name_space.len > 0) {
        buf_add_char(&path, ',');
        buf_add_sql_name(&path, engine->name_space);
    }
    buf_add_text(&sql, buffer ? "SET streaming_buffer_size = '128KB'; " : "");
    buf_add_text(&sql, "SET search_path = ");
    buf_add_sql_string(&sql, buf_str(&path));
    r = buf_check(&path, err);
    if (r == 0) {
        r = buf_check(&sql, err);
    }
    return r < 0 ? r : engine_run(engine, session, buf_text(&sql), NULL, err);
}

/* A locked engine cannot set the size of the streaming buffer any more, so it hands out connections that
 * were set up before; past SPARE_SESSIONS at once, results stream slower. */
int session_open(struct engine *engine, struct session *ret, corrie_error *err)
{
    _cleanup_(session_close) struct session session = {.d = engine->d};
    int r;

    if (engine->locked) {
        pthread_mutex_lock(&engine->lock);
        if (engine->n_spares > 0) {
            session.con = engine->spares[--engine->n_spares];
        }
        pthread_mutex_unlock(&engine->lock);
        session.spare_of = engine;
        if (session.con) {
            *ret = TAKE(session);
            return 0;
        }
        session.spare_of = NULL;
    }
    if (engine->d->connect(engine->db, &session.con) != DuckDBSuccess) {
        return corrie_fail(err, CORRIE_E_INTERNAL, "DuckDB: cannot make a connection");
    }
    r = set_up(engine, &session, !engine->locked, err);
    if (r < 0) {
        return r;
    }
    *ret = TAKE(session);
    return 0;
}

/* ---- cancelling ---- */

static void interrupt_all(struct engine *engine)
{
    for (struct session *s = engine->working; s; s = s->next) {
        engine->d->interrupt(s->con);
    }
}

static void *watch(void *arg)
{
    struct engine *engine = arg;

    pthread_mutex_lock(&engine->lock);
    while (!engine->closing) {
        struct timespec until;

        if (!engine->working) {
            pthread_cond_wait(&engine->wake, &engine->lock);
            continue;
        }
        if (cancel_requested(engine->cancel)) {
            interrupt_all(engine);
        }
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += WATCH_NS;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_nsec -= 1000000000L;
            until.tv_sec++;
        }
        pthread_cond_timedwait(&engine->wake, &engine->lock, &until);
    }
    pthread_mutex_unlock(&engine->lock);
    return NULL;
}

int session_begin(struct engine *engine, struct session *session, corrie_error *err)
{
    int r = cancel_check(engine->cancel, err);

    if (r < 0) {
        return r;
    }
    pthread_mutex_lock(&engine->lock);
    if (engine->cancel && !engine->watching) {
        engine->watching = pthread_create(&engine->watcher, NULL, watch, engine) == 0;
        if (!engine->watching) {
            r = corrie_fail(err, CORRIE_E_NO_MEMORY, "DuckDB: cannot start a thread");
        }
    }
    if (r == 0) {
        session->next = engine->working;
        engine->working = session;
        if (engine->watching && !session->next) {
            pthread_cond_signal(&engine->wake);
        }
    }
    pthread_mutex_unlock(&engine->lock);
    return r;
}

void session_end(struct engine *engine, struct session *session)
{
    pthread_mutex_lock(&engine->lock);
    for (struct session **link = &engine->working; *link; link = &(*link)->next) {
        if (*link == session) {
            *link = session->next;
            break;
        }
    }
    pthread_mutex_unlock(&engine->lock);
}

/* ---- defined tables ---- */

struct defined *defined_free(struct defined *defined)
{
    if (defined) {
        arena_done(&defined->arena);
        mem_free(defined);
    }
    return NULL;
}

static ptrdiff_t find(const struct engine *engine, struct str name_space, struct str name)
{
    for (size_t i = 0; i < engine->tables.count; i++) {
        const struct defined *d = engine->tables.items[i];

        if (str_eq_nocase(d->name, name) && str_eq_nocase(d->name_space, name_space)) {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

struct defined *engine_find(const struct engine *engine, struct str name_space, struct str name)
{
    ptrdiff_t i = find(engine, name_space, name);

    return i < 0 ? NULL : engine->tables.items[i];
}

void engine_remove(struct engine *engine, struct str name_space, struct str name)
{
    ptrdiff_t i = find(engine, name_space, name);

    if (i >= 0) {
        if (engine->tables.items[i]->arrow) {
            arrow_input_release(engine, engine->tables.items[i]->arrow);
        }
        defined_free(engine->tables.items[i]);
        engine->tables.items[i] = vec_last(&engine->tables);
        engine->tables.count--;
    }
}

int engine_add(struct engine *engine, struct defined *defined, corrie_error *err)
{
    ptrdiff_t i = find(engine, defined->name_space, defined->name);

    if (i >= 0) {
        if (engine->tables.items[i]->arrow) {
            arrow_input_release(engine, engine->tables.items[i]->arrow);
        }
        defined_free(engine->tables.items[i]);
        engine->tables.items[i] = defined;
        return 0;
    }
    if (vec_push(&engine->tables, defined) < 0) {
        if (defined->arrow) {
            arrow_input_release(engine, defined->arrow);
        }
        defined_free(defined);
        return corrie_fail_memory(err);
    }
    return 0;
}

/* ---- the engine ---- */

struct engine *engine_close(struct engine *engine)
{
    if (!engine) {
        return NULL;
    }
    pthread_mutex_lock(&engine->lock);
    engine->closing = true;
    pthread_cond_signal(&engine->wake);
    pthread_mutex_unlock(&engine->lock);
    if (engine->watching) {
        pthread_join(engine->watcher, NULL);
    }
    planner_close(engine->planner);
    planner_close(engine->keeper);
    arrow_registry_disconnect(engine->registry);
    if (engine->to_tree) {
        engine->d->destroy_prepare(&engine->to_tree);
    }
    session_close(&engine->session);
    while (engine->n_spares > 0) {
        engine->d->disconnect(&engine->spares[--engine->n_spares]);
    }
    if (engine->db) {
        engine->d->close(&engine->db);
    }
    for (size_t i = 0; i < engine->tables.count; i++) {
        if (engine->tables.items[i]->arrow) {
            arrow_input_release(engine, engine->tables.items[i]->arrow);
        }
        defined_free(engine->tables.items[i]);
    }
    vec_done(&engine->tables);
    arrow_registry_free(engine->registry);
    delete_registry_free(engine->deletes);
    pthread_cond_destroy(&engine->wake);
    pthread_mutex_destroy(&engine->lock);
    arena_done(&engine->arena);
    mem_free(engine);
    return NULL;
}

static int set(const struct duck *d, duckdb_config config, const char *name, const char *value,
               corrie_error *err)
{
    if (d->set_config(config, name, value) != DuckDBSuccess) {
        return corrie_fail(err, CORRIE_E_INTERNAL, "DuckDB: setting %s = %s was not accepted", name,
                           value);
    }
    return 0;
}

/* As set, of a text that was put together: memory may have run out there. */
static int set_made(const struct duck *d, duckdb_config config, const char *name, struct buf *text,
                    corrie_error *err)
{
    int r = buf_check(text, err);

    return r < 0 ? r : set(d, config, name, buf_text(text), err);
}

static uint64_t work_memory(const struct engine_options *options)
{
    return options->memory > 0 ? options->memory : os_memory_for_work();
}

/* Threads that the memory has room for; 0: as many as DuckDB would have. */
static unsigned threads_within(uint64_t memory)
{
    uint64_t threads = memory / THREAD_MEMORY;

    return threads == 0 ? 1 : threads < (unsigned)os_cpus() ? (unsigned)threads : 0;
}

unsigned engine_threads(const struct engine *engine)
{
    return engine->threads > 0 ? engine->threads : (unsigned)os_cpus();
}

/* Of all the memory: what DuckDB's own limit must leave. One thread needs no more than that limit, since row groups are
 * small where memory is. */
static uint64_t uncounted(const struct engine *engine, uint64_t memory)
{
    uint64_t threads = engine_threads(engine);
    uint64_t most = memory / UNCOUNTED_SHARE;

    return threads == 1 ? 0 : threads < most / THREAD_UNCOUNTED ? threads * THREAD_UNCOUNTED : most;
}

static int open_database(struct engine *engine, const struct engine_options *options,
                         corrie_error *err)
{
    const struct duck *d = engine->d;
    uint64_t memory = work_memory(options);
    _cleanup_(buf_done) struct buf text = {0};
    duckdb_config config = NULL;
    char *problem = NULL;
    int r;

    if (d->create_config(&config) != DuckDBSuccess) {
        return corrie_fail_memory(err);
    }
    buf_addf(&text, "%lluB", (unsigned long long)(memory - uncounted(engine, memory)));
    r = set_made(d, config, "memory_limit", &text, err);
    if (r == 0 && engine->threads > 0) {
        buf_clear(&text);
        buf_addf(&text, "%u", engine->threads);
        r = set_made(d, config, "threads", &text, err);
    }
    if (r == 0) {
        buf_clear(&text);
        buf_add_str(&text, options->temp_dir);
        r = set_made(d, config, "temp_directory", &text, err);
    }
    static const char *const settings[][2] = {
        {"preserve_insertion_order", "true"},
        {"errors_as_json", "true"},
        {"autoinstall_known_extensions", "false"},
        {"autoload_known_extensions", "false"},
        {"allow_community_extensions", "false"},
        {"enable_external_file_cache", "false"}, /* the system has these files in memory already */
    };
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(settings); i++) {
        r = set(d, config, settings[i][0], settings[i][1], err);
    }
    if (r == 0 && d->open_ext(NULL, &engine->db, config, &problem) != DuckDBSuccess) {
        r = duck_fail(problem ? problem : "cannot open", &(struct origin){0}, err);
        corrie_wrap(err, "open DuckDB");
    }
    if (problem) {
        d->free(problem);
    }
    d->destroy_config(&config);
    return r;
}

static void add_list(struct buf *out, const struct str *items, size_t n)
{
    buf_add_char(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i > 0) {
            buf_add_char(out, ',');
        }
        buf_add_sql_string(out, items[i]);
    }
    buf_add_char(out, ']');
}

static int add_spares(struct engine *engine, corrie_error *err)
{
    while (engine->n_spares < SPARE_SESSIONS) {
        struct session session = {.d = engine->d};
        int r;

        if (engine->d->connect(engine->db, &session.con) != DuckDBSuccess) {
            return corrie_fail(err, CORRIE_E_INTERNAL, "DuckDB: cannot make a connection");
        }
        r = set_up(engine, &session, true, err);
        engine->spares[engine->n_spares++] = session.con;
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

bool engine_reset(struct engine *engine)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf sql = {0};
    int r;

    if (engine->locked || engine->json_record > 0 || engine->registry || engine->deletes ||
        engine->partitioner || engine->working) {
        return false;
    }
    buf_add_text(&sql, "SELECT 1;"); /* a database that has seen a fatal error answers nothing */
    for (size_t i = 0; i < engine->tables.count; i++) {
        buf_add_text(&sql, engine->tables.items[i]->kept ? "DROP TABLE " : "DROP VIEW ");
        add_table_name(&sql, engine->tables.items[i]->name_space, engine->tables.items[i]->name);
        buf_add_text(&sql, ";");
    }
    r = buf_check(&sql, &ignored);
    if (r == 0) {
        r = engine_run(engine, &engine->session, buf_text(&sql), NULL, &ignored);
    }
    corrie_error_clear(&ignored); /* whoever asked opens another one */
    if (r < 0) {
        return false;
    }
    while (engine->tables.count > 0) {
        defined_free(engine->tables.items[--engine->tables.count]);
    }
    return true;
}

/* Settings that need a connection. The lock comes last: after it nothing can be set. */
static int settle(struct engine *engine, const struct engine_options *options, corrie_error *err)
{
    _cleanup_(buf_done) struct buf sql = {0};
    int r;

    buf_add_text(&sql, "SET GLOBAL TimeZone = 'UTC'; "
                       "SET GLOBAL default_null_order = 'nulls_last'; "
                       "CREATE SCHEMA " NAMELESS "; ");
    if (engine->name_space.len > 0) {
        buf_add_text(&sql, "CREATE SCHEMA IF NOT EXISTS ");
        buf_add_sql_name(&sql, engine->name_space);
        buf_add_text(&sql, "; ");
    }
    r = buf_check(&sql, err);
    if (r == 0) {
        r = engine_run(engine, &engine->session, buf_text(&sql), NULL, err);
    }
    if (r == 0) {
        r = set_up(engine, &engine->session, true, err);
    }
    if (r == 0 && engine->locked) {
        r = add_spares(engine, err);
    }
    if (r == 0 && engine->locked) {
        buf_clear(&sql);
        buf_add_text(&sql, "SET GLOBAL allowed_directories = ");
        add_list(&sql, options->allowed, options->n_allowed);
        buf_add_text(&sql, "; SET GLOBAL allowed_paths = ");
        add_list(&sql, options->allowed, options->n_allowed);
        buf_add_text(&sql, "; SET GLOBAL enable_external_access = false; "
                           "SET GLOBAL lock_configuration = true; ");
        r = buf_check(&sql, err);
        if (r == 0) {
            r = engine_run(engine, &engine->session, buf_text(&sql), NULL, err);
        }
    }
    return r;
}

int engine_open(const struct engine_options *options, struct engine **ret, corrie_error *err)
{
    _cleanup_(engine_closep) struct engine *engine = NULL;
    pthread_condattr_t attributes;
    const struct duck *d;
    int r = duck_load(&d, err);

    if (r < 0) {
        return r;
    }
    engine = mem_alloc(1, sizeof *engine);
    if (!engine) {
        return corrie_fail_memory(err);
    }
    engine->d = d;
    engine->locked = options->locked;
    engine->memory = options->memory;
    engine->threads = options->deterministic ? 1 : options->threads;
    if (engine->threads == 0) {
        engine->threads = threads_within(work_memory(options));
    }
    engine->cancel = options->cancel;
    engine->session.d = d;
    pthread_mutex_init(&engine->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&engine->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    if (arena_str(&engine->arena, options->name_space, &engine->name_space) < 0 ||
        arena_str(&engine->arena, options->temp_dir, &engine->temp_dir) < 0) {
        return corrie_fail_memory(err);
    }
    r = open_database(engine, options, err);
    if (r < 0) {
        return r;
    }
    if (d->connect(engine->db, &engine->session.con) != DuckDBSuccess) {
        return corrie_fail(err, CORRIE_E_INTERNAL, "DuckDB: cannot make a connection");
    }
    r = settle(engine, options, err);
    if (r < 0) {
        return corrie_wrap(err, "open DuckDB");
    }
    *ret = TAKE_PTR(engine);
    return 0;
}
