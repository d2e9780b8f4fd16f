/* jobs_priv.h — shared inside the room. */
#ifndef CORRIE_JOBS_PRIV_H
#define CORRIE_JOBS_PRIV_H

#include "catalog/catalog.h"
#include "jobs/jobs.h"
#include "store/store.h"

#define JOB_SPACE STR("job")

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

/* The event as a line of log.jsonl says it; new reference, NULL when memory ran out. */
json_t *job_event_json(const corrie_event *event);

#endif
