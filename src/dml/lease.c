/* lease.c — the job of a script: its record, and the heart that beats while it works.
 *
 * Who removes garbage spares what is younger than the oldest job that lives. So a statement that takes longer than a
 * collection waits for is published at the first try, and its files are there. What reads no rows takes no time and is
 * no job: its files are there as long as a collection's grace. */
#include "base/clock.h"
#include "dml/dml_priv.h"
#include "jobs/jobs.h"

/* Of the text, in the record. */
#define KEPT_BYTES 2000

bool dml_moves_rows(const struct statement *s)
{
    switch (s->kind) {
    case STATEMENT_DELETE:
    case STATEMENT_UPDATE:
    case STATEMENT_MERGE:
        return true;
    case STATEMENT_INSERT:
    case STATEMENT_CREATE_TABLE:
        return s->query.len > 0 && !str_eq_nocase(str_slice(s->query, 0, 6), STR("VALUES"));
    default:
        return false;
    }
}

static int make_args(struct dml *dml, json_t **ret, corrie_error *err)
{
    struct str text = str_slice(dml->source, 0, KEPT_BYTES);
    json_t *args = json_object();
    int r;

    while (text.len > 0 && !str_is_utf8(text, NULL)) {
        text.len--; /* the cut went through a character */
    }
    r = js_set(args, "file", dml->file ? js_string(str_of(dml->file)) : json_null());
    r |= js_set_str(args, "sql", text);
    if (r != 0) {
        json_decref(args);
        return corrie_fail_memory(err);
    }
    *ret = args;
    return 0;
}

int dml_lease_begin(struct dml *dml, struct str branch, struct hash *ret_base, corrie_error *err)
{
    struct job_spec spec = {.kind = STR("sql"), .user = lake_user(dml->lake), .ref = branch};
    _json_ json_t *args = NULL;
    struct lake_view view;
    int r;

    r = lake_view_at(dml->lake, branch, &view, err);
    if (r < 0 || (r = make_args(dml, &args, err)) < 0) {
        return r;
    }
    spec.commit_in = view.commit;
    spec.cancel = lake_job_cancel(dml->lake);
    spec.args = args;
    r = job_begin(lake_store(dml->lake), lake_catalog(dml->lake), &spec, &dml->job, err);
    if (r < 0) {
        return r;
    }
    lake_event(dml->lake, &(corrie_event){.size = sizeof(corrie_event),
                                          .kind = "job",
                                          .text = job_id(dml->job).data,
                                          .time_ns = clock_now(),
                                          .rows = -1,
                                          .bytes = -1});
    *ret_base = view.commit;
    return 0;
}

/* What was published, or that it failed, stands whatever becomes of the record. */
void dml_lease_end(struct dml *dml, const struct hash *commit, corrie_error *failure)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct job_outcome outcome = {.error = failure, .commit_out = commit};

    if (dml->job && job_end(dml->job, &outcome, &err) < 0) {
        lake_notice(dml->lake, "%s", corrie_error_message(&err));
    }
    dml->job = job_free(dml->job);
}
