/* record.c — writing a job's record, and its heartbeat. */
#include "jobs/jobs_priv.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "os/file.h"
#include "os/proc.h"
#include "os/user.h"

/* The thread that touches the heartbeat file and looks whether somebody has put a request to stop beside it. It shares
 * nothing with the job but this. */
struct heartbeat {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool running;
    bool stop;
    bool asked; /* somebody has stopped the job; the owner reads it when the thread has ended */
    char *path;
    char *stop_path;
    struct cancel *cancel; /* may be NULL */
};

struct job {
    struct arena arena;
    struct store *store;
    struct catalog *catalog;
    struct str id;
    struct str directory; /* key */
    int64_t started;
    json_t *record;
    struct heartbeat heartbeat;
    char *log_path;
    uint64_t log_bytes;
    uint64_t log_dropped;
    corrie_error log_error; /* of the first line that could not be written */
};

int job_directory(int64_t time, struct str id, struct arena *arena, struct str *ret,
                  corrie_error *err)
{
    char text[CLOCK_TEXT_MAX];
    char *directory;

    clock_format(time, text);
    directory = arena_printf(arena, "jobs/%.10s/%.*s", text, STR_FMT(id));
    if (!directory) {
        return corrie_fail_memory(err);
    }
    *ret = str_of(directory);
    return 0;
}

/* ---- heartbeat ---- */

static void add_ms(struct timespec *time, long ms)
{
    time->tv_nsec += ms % 1000 * 1000000;
    time->tv_sec += ms / 1000 + time->tv_nsec / 1000000000;
    time->tv_nsec %= 1000000000;
}

/* A beat that fails shows as a job that may be lost: that is the truth of it. */
static void beat_once(const struct heartbeat *heartbeat)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;

    if (os_touch(heartbeat->path, &ignored) < 0) {
        corrie_error_clear(&ignored);
    }
}

static void look_for_stop(struct heartbeat *heartbeat)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct os_stat stat;

    if (heartbeat->cancel && !heartbeat->asked &&
        os_stat(heartbeat->stop_path, &stat, &ignored) >= 0) {
        heartbeat->asked = true;
        cancel_request(heartbeat->cancel);
    }
}

static void *beat(void *arg)
{
    struct heartbeat *heartbeat = arg;
    struct timespec until;

    pthread_mutex_lock(&heartbeat->lock);
    for (unsigned turn = 1; !heartbeat->stop; turn++) {
        clock_gettime(CLOCK_REALTIME, &until);
        add_ms(&until, JOB_STOP_MS);
        pthread_cond_timedwait(&heartbeat->wake, &heartbeat->lock, &until);
        if (!heartbeat->stop) {
            look_for_stop(heartbeat);
            if (turn % (JOB_HEARTBEAT_MS / JOB_STOP_MS) == 0) {
                beat_once(heartbeat);
            }
        }
    }
    pthread_mutex_unlock(&heartbeat->lock);
    return NULL;
}

/* Signals belong to the thread that does the work. */
static int start_heartbeat(struct heartbeat *heartbeat, corrie_error *err)
{
    sigset_t all;
    sigset_t before;
    int failed;

    pthread_mutex_init(&heartbeat->lock, NULL);
    pthread_cond_init(&heartbeat->wake, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&heartbeat->thread, NULL, beat, heartbeat);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        return corrie_fail_errno(err, failed, "start the heartbeat of a job");
    }
    heartbeat->running = true;
    return 0;
}

static void stop_heartbeat(struct heartbeat *heartbeat)
{
    if (heartbeat->running) {
        pthread_mutex_lock(&heartbeat->lock);
        heartbeat->stop = true;
        pthread_cond_signal(&heartbeat->wake);
        pthread_mutex_unlock(&heartbeat->lock);
        pthread_join(heartbeat->thread, NULL);
        pthread_mutex_destroy(&heartbeat->lock);
        pthread_cond_destroy(&heartbeat->wake);
        heartbeat->running = false;
    }
    if (heartbeat->asked) {
        cancel_withdraw(heartbeat->cancel);
    }
    mem_free(heartbeat->path);
    mem_free(heartbeat->stop_path);
    heartbeat->path = heartbeat->stop_path = NULL;
}

/* ---- the record ---- */

static json_t *text_or_null(struct str text)
{
    return text.len ? js_string(text) : json_null();
}

static int build_record(struct job *job, const struct job_spec *spec, corrie_error *err)
{
    _free_ char *host = NULL;
    char mark[OS_PROCESS_MARK];
    char *tx = arena_printf(&job->arena, "tx/%.*s", STR_FMT(job->id));
    int r;

    r = os_host_name(&host, err);
    if (r < 0) {
        return r;
    }
    job->record = json_object();
    r = js_set(job->record, "args", spec->args ? json_deep_copy(spec->args) : json_object());
    r |= js_set_hash(job->record, "commit_in",
                     hash_is_zero(&spec->commit_in) ? NULL : &spec->commit_in);
    r |= js_set(job->record, "commit_out", json_null());
    r |= js_set(job->record, "ended", json_null());
    r |= js_set(job->record, "error", json_null());
    r |= js_set_int(job->record, "format", 1);
    r |= js_set_str(job->record, "host", str_of(host));
    r |= js_set_str(job->record, "job", job->id);
    r |= js_set_str(job->record, "kind", spec->kind);
    r |= js_set(job->record, "nodes", json_array());
    r |= js_set_int(job->record, "pid", os_pid());
    os_process_mark(mark);
    r |= js_set(job->record, "process", text_or_null(str_of(mark)));
    r |= js_set(job->record, "ref", text_or_null(spec->ref));
    r |= js_set_time(job->record, "started", job->started);
    r |= js_set_str(job->record, "status", STR("running"));
    r |= js_set(job->record, "tables", json_array());
    r |= js_set(job->record, "tx", spec->transaction && tx ? json_string(tx) : json_null());
    r |= js_set_str(job->record, "user", spec->user);
    r |= js_set_str(job->record, "version", STR(CORRIE_VERSION));
    return r != 0 || !tx ? corrie_fail_memory(err) : 0;
}

int job_put_index(struct catalog *catalog, const json_t *record, struct str id, int64_t started,
                  corrie_error *err)
{
    static const char *const fields[] = {"commit_in", "ended",   "error",  "host",
                                         "job",       "kind",    "pid",    "process",
                                         "ref",       "started", "status", "user"};
    _cleanup_(buf_done) struct buf text = {0};
    _json_ json_t *entry = json_object();
    _json_ json_t *error = json_deep_copy(json_object_get(record, "error"));
    int r = 0;

    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        json_t *value = json_object_get(record, fields[i]);

        r |= value ? json_object_set(entry, fields[i], value) : 0;
    }
    if (error) {
        /* a traceback does not belong in a listing */
        json_object_del(json_object_get(error, "context"), "detail");
        r |= json_object_set(entry, "error", error);
    }
    if (r != 0) {
        return corrie_fail_memory(err);
    }
    r = js_canonical(entry, &text, err);
    if (r < 0) {
        return r;
    }
    return catalog_index_put(
        catalog, JOB_SPACE,
        &(struct catalog_index_entry){.id = id, .time = started, .json = buf_str(&text)}, err);
}

static int put_index(struct job *job, corrie_error *err)
{
    return job_put_index(job->catalog, job->record, job->id, job->started, err);
}

typedef int (*put_fn)(struct store *store, struct str key, struct str bytes, corrie_error *err);

static int put_file(struct job *job, put_fn put, struct str name, struct str bytes,
                    corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    char *key = arena_printf(&arena, "%.*s/%.*s", STR_FMT(job->directory), STR_FMT(name));

    if (!key) {
        return corrie_fail_memory(err);
    }
    return put(job->store, str_of(key), bytes, err);
}

int job_file(struct job *job, struct str name, struct str bytes, corrie_error *err)
{
    return put_file(job, store_put, name, bytes, err);
}

int job_file_before(struct job *job, struct str name, struct str bytes, corrie_error *err)
{
    return put_file(job, store_put_before, name, bytes, err);
}

static int put_record(struct job *job, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    int r;

    r = js_format(job->record, 2, &text, err);
    if (r < 0) {
        return r;
    }
    buf_add_char(&text, '\n');
    r = buf_check(&text, err);
    return r < 0 ? r : job_file(job, STR("job.json"), buf_str(&text), err);
}

static int local_path(struct job *job, const char *name, char **ret, corrie_error *err)
{
    char *key = arena_printf(&job->arena, "%.*s/%s", STR_FMT(job->directory), name);

    if (!key) {
        return corrie_fail_memory(err);
    }
    return store_local_path(job->store, str_of(key), ret, err);
}

/* Not durable: after a power cut no heart beats, whether its file is there or not. */
static int make_heart(struct job *job, corrie_error *err)
{
    return os_file_append(job->heartbeat.path, STR_EMPTY, store_file_mode(job->store), err);
}

static int begin(struct job *job, const struct job_spec *spec, corrie_error *err)
{
    struct uuid uuid = uuid_random();
    char id[UUID_TEXT + 1];
    int r;

    js_setup();
    uuid_format(&uuid, id);
    job->started = clock_now();
    job->heartbeat.cancel = spec->cancel;
    if (arena_str(&job->arena, str_of(id), &job->id) < 0) {
        return corrie_fail_memory(err);
    }
    if ((r = job_directory(job->started, job->id, &job->arena, &job->directory, err)) < 0 ||
        (r = build_record(job, spec, err)) < 0 || (r = put_record(job, err)) < 0 ||
        (r = local_path(job, "log.jsonl", &job->log_path, err)) < 0 ||
        (r = local_path(job, "heartbeat", &job->heartbeat.path, err)) < 0 ||
        (r = local_path(job, "stop", &job->heartbeat.stop_path, err)) < 0 ||
        (r = make_heart(job, err)) < 0 || (r = put_index(job, err)) < 0) {
        return r;
    }
    return start_heartbeat(&job->heartbeat, err);
}

int job_begin(struct store *store, struct catalog *catalog, const struct job_spec *spec,
              struct job **ret, corrie_error *err)
{
    struct job *job = mem_alloc(1, sizeof *job);
    int r;

    if (!job) {
        return corrie_fail_memory(err);
    }
    job->store = store;
    job->catalog = catalog;
    r = begin(job, spec, err);
    if (r < 0) {
        job_free(job);
        return corrie_wrap(err, "begin the record of a job");
    }
    *ret = job;
    return 0;
}

int job_begin_again(struct job *job, const struct hash *commit_in, corrie_error *err)
{
    int r;

    if (js_set_hash(job->record, "commit_in", commit_in) < 0) {
        return corrie_fail_memory(err);
    }
    r = put_record(job, err);
    r = r < 0 ? r : put_index(job, err);
    return r < 0 ? corrie_wrap(err, "begin job %.*s again", STR_FMT(job->id)) : 0;
}

struct job *job_free(struct job *job)
{
    if (job) {
        stop_heartbeat(&job->heartbeat);
        json_decref(job->record);
        mem_free(job->log_path);
        corrie_error_clear(&job->log_error);
        arena_done(&job->arena);
        mem_free(job);
    }
    return NULL;
}

struct str job_id(const struct job *job)
{
    return job->id;
}

/* ---- logs ---- */

static int set_text(json_t *item, const char *field, const char *text)
{
    return text ? js_set_str(item, field, str_of(text)) : 0;
}

json_t *job_event_json(const corrie_event *event)
{
    json_t *item;
    int r;

    js_setup();
    item = json_object();
    r = set_text(item, "kind", event->kind);
    r |= js_set_time(item, "time", event->time_ns ? event->time_ns : clock_now());
    r |= set_text(item, "node", event->node);
    r |= set_text(item, "status", event->status);
    r |= set_text(item, "stream", event->stream);
    r |= set_text(item, "file", event->file);
    r |= event->line > 0 ? js_set_int(item, "line", event->line) : 0;
    r |= set_text(item, "text", event->text);
    r |= event->rows >= 0 && !event->stream ? js_set_int(item, "rows", event->rows) : 0;
    r |= event->bytes >= 0 && !event->stream ? js_set_int(item, "bytes", event->bytes) : 0;
    r |= event->bytes_read >= 0 && strcmp(event->kind, "done") == 0
             ? js_set_int(item, "bytes_read", event->bytes_read)
             : 0;
    r |= event->seconds > 0 ? js_set(item, "seconds", json_real(event->seconds)) : 0;
    if (r != 0) {
        json_decref(item);
        return NULL;
    }
    return item;
}

static int write_line(struct job *job, const corrie_event *event, corrie_error *err)
{
    _cleanup_(buf_done) struct buf line = {0};
    _json_ json_t *item = job_event_json(event);
    int r;

    if (!item) {
        return corrie_fail_memory(err);
    }
    r = js_format(item, 0, &line, err);
    if (r < 0) {
        return r;
    }
    buf_add_char(&line, '\n');
    r = buf_check(&line, err);
    if (r < 0 || job->log_bytes + line.len > JOB_MAX_LOG) {
        job->log_dropped++;
        return r;
    }
    job->log_bytes += line.len;
    return os_file_append(job->log_path, buf_str(&line), store_file_mode(job->store), err);
}

void job_log(struct job *job, const corrie_event *event)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    if (write_line(job, event, &err) < 0 && job->log_error.code == 0) {
        corrie_error_move(&job->log_error, &err);
    }
}

static void note_dropped(struct job *job)
{
    char text[128];
    uint64_t dropped = job->log_dropped;

    if (dropped > 0) {
        snprintf(text, sizeof text, "%llu more lines were not kept: a job keeps %u MiB of log",
                 (unsigned long long)dropped, JOB_MAX_LOG >> 20);
        job->log_bytes = 0; /* this one line fits */
        job_log(job, &(corrie_event){.size = sizeof(corrie_event),
                                     .kind = "notice",
                                     .text = text,
                                     .rows = -1,
                                     .bytes = -1});
    }
}

/* Who wanted it to stop, for the record and for the error that the caller tells. What cannot be read is no reason to fail:
 * the job has stopped. */
static int tell_stopped(struct job *job, corrie_error *error)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf text = {0};
    _json_ json_t *stop = NULL;

    if (job_get_file(job->store, job->directory, "stop", JOB_MAX_STOP, &text, &ignored) < 0 ||
        js_parse(buf_str(&text), "stop", &stop, &ignored) < 0 || !json_is_object(stop)) {
        return 0;
    }
    if (error && error->code == CORRIE_E_CANCELLED) {
        struct str user = js_str(json_object_get(stop, "user"));

        corrie_hint(error, "%.*s stopped the job", STR_FMT(user));
    }
    return js_set(job->record, "stop", TAKE_PTR(stop));
}

static uint64_t largest(uint64_t own, uint64_t other)
{
    return own > other ? own : other;
}

int job_end(struct job *job, struct job_outcome *outcome, corrie_error *err)
{
    const char *status = !outcome->error                              ? "done"
                         : outcome->error->code == CORRIE_E_CANCELLED ? "cancelled"
                                                                      : "failed";
    int r;

    note_dropped(job);
    stop_heartbeat(&job->heartbeat);
    r = job->heartbeat.asked ? tell_stopped(job, outcome->error) : 0;
    r |= js_set_str(job->record, "status", str_of(status));
    r |= js_set_time(job->record, "ended", clock_now());
    r |= js_set_hash(job->record, "commit_out", outcome->commit_out);
    r |= js_set_int(job->record, "max_rss", (int64_t)largest(os_peak_memory(), outcome->max_rss));
    r |= js_set(job->record, "error", outcome->error ? js_error(outcome->error) : json_null());
    r |= outcome->nodes ? js_set(job->record, "nodes", TAKE_PTR(outcome->nodes)) : 0;
    r |= outcome->tables ? js_set(job->record, "tables", TAKE_PTR(outcome->tables)) : 0;
    r |= job->log_error.code < 0 ? js_set(job->record, "log_error", js_error(&job->log_error)) : 0;
    if (r != 0) {
        return corrie_fail_memory(err);
    }
    r = put_record(job, err);
    if (r >= 0) {
        r = put_index(job, err);
    }
    return r < 0 ? corrie_wrap(err, "end the record of job %.*s", STR_FMT(job->id)) : 0;
}
