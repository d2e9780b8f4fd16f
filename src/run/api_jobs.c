/* api_jobs.c — job records, in the public interface. */
#include <corrie/run.h>

#include "base/mem.h"
#include "jobs/jobs.h"
#include "lake/lake.h"

int corrie_job_list(corrie_lake *lake, size_t max, char **ret_json, corrie_error *err)
{
    json_t *document = NULL;
    int r;

    js_setup();
    r = jobs_list(lake_store(lake), lake_catalog(lake), max, &document, err);
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
