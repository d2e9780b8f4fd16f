/* pool.h — work that goes on beside the coordinator: threads, what they are handed, what they say.
 *
 *     coordinator ── pool_give(task) ──▶ a thread: task->work(task) ── messages ──▶ pool_take ── coordinator
 *
 * The coordinator, the thread that called corrie_run, alone touches the run: lake, engine, transaction, job, events.
 * It prepares a task, hands it over, and takes what is said in the order in which it was said. So the log has one
 * writer and nothing but the two queues in here is locked.
 *
 * Invariants
 *   1. From pool_give until its MESSAGE_ENDED was taken, a task belongs to its thread, but for `cancel` and what is said
 *      below to be the coordinator's.
 *   2. Messages of a task come in order, MESSAGE_ENDED last and once.
 *   3. A thread lives longer than the task it runs: a process that is to die with its thread does not die too early.
 *   4. Text that waits to be taken is bounded: a task that says more waits until there is room. */
#ifndef CORRIE_RUN_POOL_H
#define CORRIE_RUN_POOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cancel.h"
#include "base/error.h"
#include "env/env.h"
#include "worker/worker.h"

#define POOL_MAX_THREADS 64

enum message_kind {
    MESSAGE_LOG,      /* a line of output */
    MESSAGE_PROGRESS, /* what preparation is at */
    MESSAGE_ENDED,    /* the task is the coordinator's again */
};

struct pool;
struct task;

struct message {
    struct message *next;
    struct task *task;
    enum message_kind kind;
    enum worker_stream stream;
    int64_t time; /* UTC ns: when it was said */
    long line;
    const char *file; /* NULL: not known */
    const char *text;
    size_t size; /* of the block; 0: MESSAGE_ENDED, which is part of the task */
    char bytes[];
};

/* One call of a function, or one environment. */
struct task {
    struct task *next;         /* in the queue */
    struct task *next_running; /* the coordinator's */
    struct pool *pool;
    struct arena arena;
    size_t step;
    const char *name; /* of the node, for its log; in `arena` */
    struct cancel cancel;
    int (*work)(struct task *task, corrie_error *err);
    int result; /* of `work`, with its error */
    corrie_error error;
    /* What it takes of the machine while it runs; the coordinator's. */
    double cpus;
    uint64_t memory;
    /* A call: what it borrows while it lasts, and what came of it. */
    struct worker_spec spec;
    struct exchange **made; /* inputs made for this call alone; NULL = not */
    size_t n_made;
    uint64_t made_bytes;
    uint64_t *held; /* the sum of made_bytes of all tasks there are; the coordinator's */
    struct worker_result output;
    /* An environment. */
    struct env_request request;
    struct str *withheld; /* variables that hold secrets */
    size_t n_withheld;
    struct env *environment;
    struct buf harness; /* compiled for it; empty: that could not be had */
    struct message *ended;
};

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t work; /* there is a task, or the end */
    pthread_cond_t news; /* there is a message */
    pthread_cond_t room; /* messages were taken */
    pthread_t threads[POOL_MAX_THREADS];
    size_t n_threads;
    size_t n_idle;
    struct task *first_task, *last_task;
    struct message *first_message, *last_message;
    size_t waiting_bytes; /* of messages */
    bool stop;
    bool failed;            /* a task did, since the pool was made */
    bool computing;         /* the coordinator is at work that a failure ends */
    struct cancel *compute; /* ends that work */
    bool ready;
};

/* `compute` is set when a task fails while the coordinator is between pool_compute_begin and _end; borrowed. */
int pool_init(struct pool *pool, struct cancel *compute, corrie_error *err) CORRIE_MUST_USE;
/* Ends the threads. No task may be under way. Zeroed may be done. */
void pool_done(struct pool *pool);

/* A task that `whole` (may be NULL) cancels too. Freed by task_free, when it is the coordinator's. */
int task_new(struct pool *pool, const struct cancel *whole, struct task **ret, corrie_error *err)
    CORRIE_MUST_USE;
struct task *task_free(struct task *task);
DEFINE_CLEANUP(struct task *, task_free)

/* Has a thread do task->work. On failure the task stays the caller's. */
int pool_give(struct pool *pool, struct task *task, corrie_error *err) CORRIE_MUST_USE;
/* The next message, waiting at most `timeout_ms` for one; NULL: there is none. message_free, also MESSAGE_ENDED. */
struct message *pool_take(struct pool *pool, int timeout_ms);
void message_free(struct message *message);

/* From the task's thread. What memory has no room for is not said. */
void pool_say(struct task *task, enum message_kind kind, const struct worker_event *event);

/* The coordinator begins work that is not worth ending once a task has failed: false, one has. */
bool pool_compute_begin(struct pool *pool) CORRIE_MUST_USE;
void pool_compute_end(struct pool *pool);

#endif
