/* jobs.h — the records of everything that moves data (docs/formats/jobs.md).
 *
 *     job_begin → job_log, job_file … → job_end → job_free
 *
 * Invariants
 *   1. The record exists, durably, before the job does anything.
 *   2. A record never says done before what was done is durable: job_end comes after the commit.
 *   3. The record is the truth, the index in the catalog only makes listings cheap.
 *
 * A struct job belongs to one thread; it keeps a second one for the heartbeat. */
#ifndef CORRIE_JOBS_JOBS_H
#define CORRIE_JOBS_JOBS_H

#include <corrie/lake.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/uuid.h"

struct cancel;
struct catalog;
struct store;
struct job;

#define JOB_HEARTBEAT_MS 2000
#define JOB_STOP_MS 500 /* so often it is looked whether somebody wants the job to stop */
#define JOB_MAX_LOG (64u * 1024 * 1024)

struct job_spec {
    struct str kind; /* "import", "run", … */
    struct str user;
    struct str ref; /* the branch it reads and writes */
    struct hash commit_in;
    bool transaction;   /* works on tx/<job> */
    const json_t *args; /* what was asked for, without secrets; borrowed; may be NULL */
    /* Set when somebody stops the job, taken back by job_end or job_free; outlives the job. NULL: it cannot be stopped. */
    struct cancel *cancel;
};

/* Writes the record and starts the heartbeat. Store and catalog must outlive the job. Cost: one small durable
 * file and one catalog transaction. */
int job_begin(struct store *store, struct catalog *catalog, const struct job_spec *spec,
              struct job **ret, corrie_error *err) CORRIE_MUST_USE;
/* Stops the heartbeat. A job that was not ended reads as lost. */
struct job *job_free(struct job *job);
DEFINE_CLEANUP(struct job *, job_free)

/* The job does its work again, from another commit: what it began with was not to be published. Durable, as job_begin. */
int job_begin_again(struct job *job, const struct hash *commit_in, corrie_error *err)
    CORRIE_MUST_USE;
/* The id: a UUID, text. */
struct str job_id(const struct job *job);

/* Appends the event to log.jsonl; not durable. Past JOB_MAX_LOG lines are counted and dropped. Failing to write a
 * log fails no job: what went wrong is remembered and told by job_end in the record. */
void job_log(struct job *job, const corrie_event *event);
/* Stores a file beside the record ("plan.json"), durably; _before: durably once the next job_file or job_end is done. */
int job_file(struct job *job, struct str name, struct str bytes, corrie_error *err) CORRIE_MUST_USE;
int job_file_before(struct job *job, struct str name, struct str bytes, corrie_error *err)
    CORRIE_MUST_USE;

struct job_outcome {
    const struct hash *commit_out; /* NULL = none */
    /* NULL = it went well; CORRIE_E_CANCELLED = cancelled, and who stopped the job becomes its hint. */
    corrie_error *error;
    json_t *nodes; /* arrays; taken; may be NULL */
    json_t *tables;
    uint64_t
        max_rss; /* bytes: of the largest process that it has started; 0: none. This one's is known */
};

/* Writes the final record. Fails only if it cannot be written. */
int job_end(struct job *job, struct job_outcome *outcome, corrie_error *err) CORRIE_MUST_USE;

/* ---- statements that read ---- */

#define JOB_MAX_STATEMENT 4096u             /* bytes kept of one; of an error's message too */
#define JOB_MAX_QUERIES (64u * 1024 * 1024) /* bytes of their records a day */

/* The first `max` bytes, a character less where the cut goes through one. Borrows. */
struct str job_cut_text(struct str text, size_t max);

/* A query that is over. */
struct job_query {
    struct str user;
    struct str ref; /* empty: not known */
    struct str statement;
    struct hash commit; /* that was read; zero: it was not come to */
    int64_t started;    /* UTC ns */
    int64_t duration;   /* ns */
    int64_t rows;       /* that were given; -1: not known. Likewise bytes */
    int64_t bytes;
    const corrie_error *error; /* NULL: it went well */
};
/* Appends its record, not durably: called when the answer was given, and fails nothing. A store that cannot be written, or is
 * not of this machine, keeps none. Cost: one write. */
void job_note_query(struct store *store, const struct job_query *query);

/* ---- looking ---- */

/* Which jobs are listed: those that fit all that is given; of several ids, users, … one. */
struct jobs_filter {
    size_t max;             /* 0 = all */
    const char *const *ids; /* as jobs_get has them */
    size_t n_ids;
    const char *const *users;
    size_t n_users;
    const char *const *kinds; /* JOB_KINDS, or those of bauplan; none = all but queries */
    size_t n_kinds;
    const char *const *statuses; /* JOB_STATUSES, or those of bauplan */
    size_t n_statuses;
    bool queries;           /* without kinds: queries too */
    int64_t created_after;  /* started then or later, UTC ns; 0 = whenever */
    int64_t created_before; /* started before; 0 = whenever */
};
/* {"jobs":[…],"more"} as corrie_job_list says. *ret is a new reference. CORRIE_E_USAGE for an unknown kind or status,
 * and as jobs_get for ids. */
int jobs_list(struct store *store, struct catalog *catalog, const struct jobs_filter *filter,
              json_t **ret, corrie_error *err) CORRIE_MUST_USE;
/* The record of `id`: whole, a unique prefix of ≥ 4 characters, or "last", the newest that is no query. Queries are looked
 * through only where no other job's id begins so.
 * CORRIE_E_NOT_FOUND, CORRIE_E_USAGE if several fit. */
int jobs_get(struct store *store, struct catalog *catalog, struct str id, json_t **ret,
             corrie_error *err) CORRIE_MUST_USE;
/* {"job","logs":[…]} */
int jobs_logs(struct store *store, struct catalog *catalog, struct str id, json_t **ret,
              corrie_error *err) CORRIE_MUST_USE;

/* The local path of the file "output" beside the record, heap. */
int jobs_output(struct store *store, struct catalog *catalog, struct str id, char **ret,
                corrie_error *err) CORRIE_MUST_USE;

/* Reads a job's log as it grows. */
struct job_tail;
int job_tail_open(struct store *store, struct catalog *catalog, struct str id, bool follow,
                  struct job_tail **ret, corrie_error *err) CORRIE_MUST_USE;
/* 1 and the next line, an object, a new reference; 0 at the end: with `follow` when the job is over and all it logged was
 * given, which is waited for. CORRIE_E_CANCELLED. */
int job_tail_next(struct job_tail *tail, const struct cancel *cancel, json_t **ret,
                  corrie_error *err) CORRIE_MUST_USE;
/* Whole; as long as the tail. */
struct str job_tail_id(const struct job_tail *tail);
struct job_tail *job_tail_close(struct job_tail *tail);

/* Asks the job to stop, which any process that sees the lake may do, and waits up to `wait_ms` for its end.
 * {"job","kind","status","ended"}: status is "running" if it goes on by then. CORRIE_E_CONFLICT: it was over, or is lost. */
int jobs_stop(struct store *store, struct catalog *catalog, struct str id, struct str user,
              int64_t wait_ms, const struct cancel *cancel, json_t **ret, corrie_error *err)
    CORRIE_MUST_USE;

/* ---- for those who take care (gc, prune, fsck) ---- */

struct job_state {
    bool alive; /* says "running", and lives (store/alive.h) */
    int64_t started;
    struct str ref;        /* in the arena; may be empty */
    struct hash commit_in; /* zero: none */
};
/* 1 and how the job of that whole id stands, 0 there is none. */
int jobs_state(struct store *store, struct catalog *catalog, struct str id, struct arena *arena,
               struct job_state *ret, corrie_error *err) CORRIE_MUST_USE;

/* What a collection has to spare: calls `commit` for what each job started from that is alive or was started at `since`
 * (UTC ns) or later, and tells when the oldest of those alive was started (INT64_MAX: none is). Cost: one page of the
 * index for 200 jobs, one small file for each that says "running". */
typedef int (*jobs_commit_fn)(void *arg, const struct hash *commit, corrie_error *err);
int jobs_held(struct store *store, struct catalog *catalog, int64_t since,
              const struct cancel *cancel, jobs_commit_fn commit, void *arg, int64_t *ret_oldest,
              corrie_error *err) CORRIE_MUST_USE;

/* Records that are kept no longer. */
struct jobs_expiry {
    int64_t before; /* started before that, UTC ns */
    bool dry_run;
    const struct cancel *cancel;
    /* 1 the job's record stays, 0 it may go. NULL: all may. */
    int (*stays)(void *arg, struct str id, corrie_error *err);
    void *arg;
};
/* Removes them, but for those of jobs that are alive, and counts them; those of queries a day at a time. Where it is cut off, the next one goes on: the entry in the
 * index goes last. */
int jobs_expire(struct store *store, struct catalog *catalog, const struct jobs_expiry *expiry,
                int64_t *ret_removed, corrie_error *err) CORRIE_MUST_USE;

/* A record that the index in the catalog does not have. */
struct job_unlisted {
    struct str id;
    bool
        ended; /* it was in the index when it ended: losing it is damage, not a crash between the two */
    const char *broken; /* why the record cannot be read; NULL: it can */
};
/* Goes through all records and calls `found` for each that the index lacks; with `add`, after it was added. Records are
 * read only where the index lacks them. */
typedef int (*jobs_unlisted_fn)(void *arg, const struct job_unlisted *job, corrie_error *err);
int jobs_reindex(struct store *store, struct catalog *catalog, bool add,
                 const struct cancel *cancel, jobs_unlisted_fn found, void *arg, corrie_error *err)
    CORRIE_MUST_USE;

#endif
