/* api_jobs.c — job records, in the public interface. */
#include <corrie/run.h>

#include "base/mem.h"
#include "jobs/jobs.h"
#include "lake/lake.h"

static int give(json_t *document, char **ret_json, corrie_error *err)
{
    _json_ json_t *owned = document;
    _cleanup_(buf_done) struct buf text = {0};
    int r;

    r = js_format(owned, 0, &text, err);
    if (r < 0) {
        return r;
    }
    *ret_json = buf_take(&text);
    return *ret_json ? 0 : corrie_fail_memory(err);
}

int corrie_job_list(corrie_lake *lake, size_t max, char **ret_json, corrie_error *err)
{
    json_t *document = NULL;
    int r;

    js_setup();
    r = jobs_list(lake_store(lake), lake_catalog(lake), max, &document, err);
    return r < 0 ? r : give(document, ret_json, err);
}

int corrie_job_get(corrie_lake *lake, const char *job, char **ret_json, corrie_error *err)
{
    json_t *document = NULL;
    int r;

    js_setup();
    r = jobs_get(lake_store(lake), lake_catalog(lake), str_of(job), &document, err);
    return r < 0 ? r : give(document, ret_json, err);
}

int corrie_job_logs(corrie_lake *lake, const char *job, char **ret_json, corrie_error *err)
{
    json_t *document = NULL;
    int r;

    js_setup();
    r = jobs_logs(lake_store(lake), lake_catalog(lake), str_of(job), &document, err);
    return r < 0 ? r : give(document, ret_json, err);
}
