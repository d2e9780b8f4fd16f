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

struct catalog;
struct store;
struct job;

#define JOB_HEARTBEAT_MS 2000
#define JOB_MAX_LOG (64u * 1024 * 1024)

struct job_spec {
    struct str kind; /* "import", "run", … */
    struct str user;
    struct str ref; /* the branch it reads and writes */
    struct hash commit_in;
    bool transaction;   /* works on tx/<job> */
    const json_t *args; /* what was asked for, without secrets; borrowed; may be NULL */
};

/* Writes the record and starts the heartbeat. Store and catalog must outlive the job. Cost: one small durable
 * file and one catalog transaction. */
int job_begin(struct store *store, struct catalog *catalog, const struct job_spec *spec,
              struct job **ret, corrie_error *err) CORRIE_MUST_USE;
/* Stops the heartbeat. A job that was not ended reads as lost. */
struct job *job_free(struct job *job);
DEFINE_CLEANUP(struct job *, job_free)

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
    const corrie_error *error;     /* NULL = it went well; CORRIE_E_CANCELLED = cancelled */
    json_t *nodes;                 /* arrays; taken; may be NULL */
    json_t *tables;
};

/* Writes the final record. Fails only if it cannot be written. */
int job_end(struct job *job, struct job_outcome *outcome, corrie_error *err) CORRIE_MUST_USE;

/* ---- looking ---- */

/* {"jobs":[…],"more"} as corrie_job_list says. *ret is a new reference. */
int jobs_list(struct store *store, struct catalog *catalog, size_t max, json_t **ret,
              corrie_error *err) CORRIE_MUST_USE;
/* The record of `id`: whole, a unique prefix of ≥ 4 characters, or "last". CORRIE_E_NOT_FOUND, CORRIE_E_USAGE if
 * several fit. */
int jobs_get(struct store *store, struct catalog *catalog, struct str id, json_t **ret,
             corrie_error *err) CORRIE_MUST_USE;
/* {"job","logs":[…]} */
int jobs_logs(struct store *store, struct catalog *catalog, struct str id, json_t **ret,
              corrie_error *err) CORRIE_MUST_USE;

/* ---- for those who take care (gc, prune, fsck) ---- */

struct cancel;

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
