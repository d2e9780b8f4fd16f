/* pool.c — threads, and the two queues between them and the coordinator.
 *
 * A thread is made when a task comes and none is idle, and stays until the run ends. */
#include "run/pool.h"

#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"

/* Bytes of text that may wait for the coordinator, who may be in a long statement. */
#define MAX_WAITING ((size_t)8 << 20)
/* How often who waits for room looks whether it is cancelled. */
#define LOOK_MS 100

static struct timespec deadline_in(int64_t milliseconds)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(milliseconds / 1000);
    until.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return until;
}

/* ---- messages; the lock is held ---- */

static void queue(struct pool *pool, struct message *message)
{
    message->next = NULL;
    if (pool->last_message) {
        pool->last_message->next = message;
    } else {
        pool->first_message = message;
    }
    pool->last_message = message;
    pool->waiting_bytes += message->size;
    pthread_cond_signal(&pool->news);
}

static void wait_for_room(struct pool *pool, const struct task *task)
{
    while (pool->waiting_bytes > MAX_WAITING && !cancel_requested(&task->cancel)) {
        struct timespec until = deadline_in(LOOK_MS);

        pthread_cond_timedwait(&pool->room, &pool->lock, &until);
    }
}

/* ---- threads ---- */

static struct task *next_task(struct pool *pool)
{
    struct task *task;

    pool->n_idle++;
    while (!pool->first_task && !pool->stop) {
        pthread_cond_wait(&pool->work, &pool->lock);
    }
    pool->n_idle--;
    task = pool->first_task;
    if (task) {
        pool->first_task = task->next;
        pool->last_task = pool->first_task ? pool->last_task : NULL;
        task->next = NULL;
    }
    return task;
}

static void *serve(void *arg)
{
    struct pool *pool = arg;
    struct task *task;

    pthread_mutex_lock(&pool->lock);
    while ((task = next_task(pool)) != NULL) {
        pthread_mutex_unlock(&pool->lock);
        task->result = task->work(task, &task->error);
        pthread_mutex_lock(&pool->lock);
        task->ended->time = clock_now();
        if (task->result < 0) {
            pool->failed = true;
            if (pool->computing) {
                cancel_request(pool->compute);
            }
        }
        queue(pool, task->ended);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Signals belong to the coordinator. */
static int add_thread(struct pool *pool, corrie_error *err)
{
    sigset_t all;
    sigset_t before;
    int failed;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&pool->threads[pool->n_threads], NULL, serve, pool);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        return corrie_fail_errno(err, failed, "start a thread");
    }
    pool->n_threads++;
    return 0;
}

int pool_init(struct pool *pool, struct cancel *compute, corrie_error *err)
{
    pthread_condattr_t attributes;

    *pool = (struct pool){.compute = compute};
    if (pthread_condattr_init(&attributes) != 0) {
        return corrie_fail_memory(err);
    }
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, &attributes);
    pthread_cond_init(&pool->news, &attributes);
    pthread_cond_init(&pool->room, &attributes);
    pthread_condattr_destroy(&attributes);
    pool->ready = true;
    return 0;
}

void pool_done(struct pool *pool)
{
    struct message *message;

    if (!pool->ready) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->n_threads; i++) {
        pthread_join(pool->threads[i], NULL);
    }
    while ((message = pool->first_message) != NULL) {
        pool->first_message = message->next;
        message_free(message);
    }
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->news);
    pthread_cond_destroy(&pool->room);
    pthread_mutex_destroy(&pool->lock);
    pool->ready = false;
}

/* ---- tasks ---- */

int task_new(struct pool *pool, const struct cancel *whole, struct task **ret, corrie_error *err)
{
    _cleanup_(task_freep) struct task *task = mem_alloc(1, sizeof *task);

    if (!task) {
        return corrie_fail_memory(err);
    }
    task->pool = pool;
    task->cancel.whole = whole;
    task->ended = mem_alloc(1, sizeof *task->ended);
    if (!task->ended) {
        return corrie_fail_memory(err);
    }
    *task->ended = (struct message){.task = task, .kind = MESSAGE_ENDED};
    *ret = TAKE_PTR(task);
    return 0;
}

struct task *task_free(struct task *task)
{
    if (task) {
        for (size_t i = 0; i < task->n_made; i++) {
            exchange_unref(task->made[i]);
        }
        if (task->held) {
            *task->held -= task->made_bytes;
        }
        for (size_t i = 0; i < task->spec.n_parameters; i++) {
            json_decref((json_t *)(uintptr_t)task->spec.parameters[i].value);
        }
        worker_result_done(&task->output);
        env_free(task->environment);
        buf_done(&task->harness);
        corrie_error_clear(&task->error);
        mem_free(task->ended);
        arena_done(&task->arena);
        mem_free(task);
    }
    return NULL;
}

int pool_give(struct pool *pool, struct task *task, corrie_error *err)
{
    size_t n_queued = 0;
    int r = 0;

    pthread_mutex_lock(&pool->lock);
    for (const struct task *other = pool->first_task; other; other = other->next) {
        n_queued++;
    }
    if (pool->n_idle <= n_queued && pool->n_threads < POOL_MAX_THREADS) {
        r = add_thread(pool, err);
        /* where there is one, it will come to it */
        if (r < 0 && pool->n_threads > 0) {
            corrie_error_clear(err);
            r = 0;
        }
    }
    if (r >= 0) {
        task->next = NULL;
        if (pool->last_task) {
            pool->last_task->next = task;
        } else {
            pool->first_task = task;
        }
        pool->last_task = task;
        pthread_cond_signal(&pool->work);
    }
    pthread_mutex_unlock(&pool->lock);
    return r;
}

/* ---- what is said ---- */

void message_free(struct message *message)
{
    if (message->kind != MESSAGE_ENDED) { /* that one is the task's */
        mem_free(message);
    }
}

static const char *copy_text(char **at, struct str text)
{
    char *copy = *at;

    if (text.len > 0) {
        memcpy(copy, text.data, text.len);
    }
    copy[text.len] = '\0';
    *at += text.len + 1;
    return copy;
}

void pool_say(struct task *task, enum message_kind kind, const struct worker_event *event)
{
    struct pool *pool = task->pool;
    size_t size = sizeof(struct message) + event->text.len + event->file.len + 2;
    struct message *message = mem_alloc(1, size);
    char *at;

    if (!message) {
        return;
    }
    *message = (struct message){.task = task,
                                .kind = kind,
                                .stream = event->stream,
                                .time = clock_now(),
                                .line = event->line,
                                .size = size};
    at = message->bytes;
    message->text = copy_text(&at, event->text);
    message->file = event->file.len > 0 ? copy_text(&at, event->file) : NULL;
    pthread_mutex_lock(&pool->lock);
    wait_for_room(pool, task);
    queue(pool, message);
    pthread_mutex_unlock(&pool->lock);
}

struct message *pool_take(struct pool *pool, int timeout_ms)
{
    struct timespec until = deadline_in(timeout_ms);
    struct message *message;

    pthread_mutex_lock(&pool->lock);
    while (!pool->first_message && timeout_ms > 0 &&
           pthread_cond_timedwait(&pool->news, &pool->lock, &until) == 0) {
    }
    message = pool->first_message;
    if (message) {
        pool->first_message = message->next;
        pool->last_message = pool->first_message ? pool->last_message : NULL;
        pool->waiting_bytes -= message->size;
        pthread_cond_broadcast(&pool->room);
    }
    pthread_mutex_unlock(&pool->lock);
    return message;
}

/* ---- the coordinator's own work ---- */

bool pool_compute_begin(struct pool *pool)
{
    bool failed;

    pthread_mutex_lock(&pool->lock);
    failed = pool->failed;
    pool->computing = !failed;
    pthread_mutex_unlock(&pool->lock);
    return !failed;
}

void pool_compute_end(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->computing = false;
    atomic_store_explicit(&pool->compute->requested, 0, memory_order_relaxed);
    pthread_mutex_unlock(&pool->lock);
}
