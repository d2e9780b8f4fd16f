/* api_jobs.c — job records, in the public interface. */
#include <corrie/run.h>

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "jobs/jobs.h"
#include "lake/api_list.h"
#include "lake/lake.h"

static int take_time(const char *what, const char *text, int64_t *ret, corrie_error *err)
{
    if (text && !clock_parse(str_of(text), ret)) {
        corrie_fail(err, CORRIE_E_USAGE, "%s \"%s\" is no time", what, text);
        return corrie_hint(err, "write it as 2026-11-20T10:00:00Z, or a date alone");
    }
    return 0;
}

int corrie_job_list(corrie_lake *lake, const corrie_job_list_options *options, char **ret_json,
                    corrie_error *err)
{
    corrie_job_list_options given = {.size = sizeof given};
    const char *self = lake_user(lake).data;
    struct jobs_filter filter;
    json_t *document = NULL;
    int r;

    if (options) {
        memcpy(&given, options, options->size < sizeof given ? options->size : sizeof given);
    }
    js_setup();
    filter = (struct jobs_filter){.max = given.max,
                                  .ids = given.ids,
                                  .n_ids = given.n_ids,
                                  .users = given.mine ? &self : given.users,
                                  .n_users = given.mine ? 1 : given.n_users,
                                  .kinds = given.kinds,
                                  .n_kinds = given.n_kinds,
                                  .statuses = given.statuses,
                                  .n_statuses = given.n_statuses,
                                  .queries = given.queries};
    if ((r = take_time("created-after", given.created_after, &filter.created_after, err)) < 0 ||
        (r = take_time("created-before", given.created_before, &filter.created_before, err)) < 0) {
        return r;
    }
    r = jobs_list(lake_store(lake), lake_catalog(lake), &filter, &document, err);
    return r < 0 ? r : js_give(document, ret_json, err);
}

int corrie_job_get(corrie_lake *lake, const char *job, char **ret_json, corrie_error *err)
{
    json_t *document = NULL;
    int r;

    js_setup();
    r = jobs_get(lake_store(lake), lake_catalog(lake), str_of(job), &document, err);
    return r < 0 ? r : js_give(document, ret_json, err);
}

int corrie_job_logs(corrie_lake *lake, const char *job, char **ret_json, corrie_error *err)
{
    json_t *document = NULL;
    int r;

    js_setup();
    r = jobs_logs(lake_store(lake), lake_catalog(lake), str_of(job), &document, err);
    return r < 0 ? r : js_give(document, ret_json, err);
}

/* ---- its log, line by line ---- */

struct log_cursor {
    struct corrie_cursor base;
    struct job_tail *tail;
};

static int next_line(struct corrie_cursor *cursor, struct buf *row, corrie_error *err)
{
    struct log_cursor *log = (struct log_cursor *)cursor;
    _json_ json_t *item = NULL;
    int r = job_tail_next(log->tail, lake_cancel(cursor->lake), &item, err);

    if (r <= 0) {
        return r;
    }
    r = api_row(item, row, err);
    return r < 0 ? r : 1;
}

static int log_rest(struct corrie_cursor *cursor, struct buf *out, corrie_error *err)
{
    (void)err;
    jt_name(out, STR("job"));
    jt_string(out, job_tail_id(((struct log_cursor *)cursor)->tail));
    return 0;
}

static void log_done(struct corrie_cursor *cursor)
{
    job_tail_close(((struct log_cursor *)cursor)->tail);
}

static const struct list_kind log_lines = {"logs", next_line, log_rest, log_done};

int corrie_job_logs_open(corrie_lake *lake, const char *job, bool follow, corrie_cursor **ret,
                         corrie_error *err)
{
    struct log_cursor *cursor = mem_alloc(1, sizeof *cursor);
    int r;

    if (!cursor) {
        return corrie_fail_memory(err);
    }
    js_setup();
    cursor->base.kind = &log_lines;
    cursor->base.lake = lake;
    r = job_tail_open(lake_store(lake), lake_catalog(lake), str_of(job), follow, &cursor->tail,
                      err);
    if (r < 0) {
        corrie_cursor_close(&cursor->base);
        return r;
    }
    *ret = &cursor->base;
    return 0;
}

int corrie_job_stop(corrie_lake *lake, const char *job, int64_t wait_ms, char **ret_json,
                    corrie_error *err)
{
    json_t *document = NULL;
    int r;

    js_setup();
    r = jobs_stop(lake_store(lake), lake_catalog(lake), str_of(job), lake_user(lake), wait_ms,
                  lake_cancel(lake), &document, err);
    return r < 0 ? r : js_give(document, ret_json, err);
}

int corrie_job_output(corrie_lake *lake, const char *job, char **ret_path, corrie_error *err)
{
    js_setup();
    return jobs_output(lake_store(lake), lake_catalog(lake), str_of(job), ret_path, err);
}
