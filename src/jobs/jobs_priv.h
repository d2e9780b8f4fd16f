/* jobs_priv.h — shared inside the room. */
#ifndef CORRIE_JOBS_PRIV_H
#define CORRIE_JOBS_PRIV_H

#include "catalog/catalog.h"
#include "jobs/jobs.h"
#include "store/store.h"

#define JOB_SPACE STR("job")
/* Of a request to stop. */
#define JOB_MAX_STOP ((size_t)64 * 1024)

/* "jobs/<date>/<id>": the key prefix of a record whose job started at `time`. In `arena`. */
int job_directory(int64_t time, struct str id, struct arena *arena, struct str *ret,
                  corrie_error *err) CORRIE_MUST_USE;

/* job.json of a record. *ret is a new reference. */
int job_read(struct store *store, struct str directory, json_t **ret, corrie_error *err)
    CORRIE_MUST_USE;
/* The entry of the index that a record has. */
int job_put_index(struct catalog *catalog, const json_t *record, struct str id, int64_t started,
                  corrie_error *err) CORRIE_MUST_USE;
bool job_says_running(const json_t *record);

/* A job that was found, in the arena it was found with. */
struct job_place {
    struct catalog_index_entry entry; /* that the index has; of a query `json` is its record */
    struct str directory;             /* key prefix of its record; of a query there is nothing */
    bool query;
};
/* The one job that a user's text names. Errors as jobs_get. */
int job_find(struct store *store, struct catalog *catalog, struct str text, struct arena *arena,
             struct job_place *ret, corrie_error *err) CORRIE_MUST_USE;
/* Its record as it stands now: job_read and job_settle. *ret is a new reference. */
int job_look(struct store *store, const struct job_place *place, json_t **ret, corrie_error *err)
    CORRIE_MUST_USE;
/* Order of entries: newest first; of two of one moment, as the index has them. For qsort. */
int job_by_time(const void *a, const void *b);
/* Calls `visit` for the entries of the index, the newest first, of jobs that were started before `before` (UTC ns; INT64_MAX = all), a
 * page at a time. A positive answer ends it; so does an error, which is returned. */
typedef int (*job_visit_fn)(void *arg, const struct catalog_index_entry *entry, corrie_error *err);
int job_walk(struct catalog *catalog, int64_t before, const struct cancel *cancel,
             job_visit_fn visit, void *arg, corrie_error *err) CORRIE_MUST_USE;
/* The same for queries, whose records the index does not have: `entry->json` is the record. Cost: the files of the days
 * before `before`, a day in memory. */
int job_walk_queries(struct store *store, int64_t before, const struct cancel *cancel,
                     job_visit_fn visit, void *arg, corrie_error *err) CORRIE_MUST_USE;
/* At most `max` queries whose ids begin so, in `arena`, of the newest days. */
int job_find_queries(struct store *store, struct str prefix, size_t max, struct arena *arena,
                     struct catalog_index_entry *ret, size_t *ret_n, corrie_error *err)
    CORRIE_MUST_USE;
/* What is told of a query: its line, with the fields that job.json has. *ret is a new reference. */
int job_query_record(struct str line, json_t **ret, corrie_error *err) CORRIE_MUST_USE;
/* jobs_expire for queries; adds to *removed. */
int job_expire_queries(struct store *store, const struct jobs_expiry *expiry, int64_t *removed,
                       corrie_error *err) CORRIE_MUST_USE;
/* Puts "lost" in place of a "running" that is no longer true. `record` is a record or its entry in the index; the job may
 * have ended since it was read, or died between writing the record and the index: what the record says now decides. */
int job_settle(struct store *store, struct str directory, json_t *record, corrie_error *err)
    CORRIE_MUST_USE;
/* A file of a record, whole. */
int job_get_file(struct store *store, struct str directory, const char *name, size_t max,
                 struct buf *ret, corrie_error *err) CORRIE_MUST_USE;
/* A line of log.jsonl, also one that is no JSON: the disk was full in its middle, and the next one follows without a
 * newline. It is shown as it is. *ret is a new reference. */
int job_parse_line(struct str line, json_t **ret, corrie_error *err) CORRIE_MUST_USE;

/* The event as a line of log.jsonl says it; new reference, NULL when memory ran out. */
json_t *job_event_json(const corrie_event *event);

#endif
