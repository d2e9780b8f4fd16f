/* look.c — listing and reading records. */
#include "jobs/jobs_priv.h"

#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "store/alive.h"

enum { PAGE = 200, MIN_PREFIX = 4 };

bool job_says_running(const json_t *record)
{
    const json_t *status = json_object_get(record, "status");

    return json_is_string(status) && strcmp(json_string_value(status), "running") == 0;
}

int job_read(struct store *store, struct str directory, json_t **ret, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf text = {0};
    char *key = arena_printf(&arena, "%.*s/job.json", STR_FMT(directory));
    int r;

    if (!key) {
        return corrie_fail_memory(err);
    }
    r = store_get(store, str_of(key), CORRIE_MAX_JSON, &text, NULL, err);
    return r < 0 ? r : js_parse(buf_str(&text), "job.json", ret, err);
}

/* Puts "lost" in place of a "running" that is no longer true. `record` is a record or its entry in the index; the job may
 * have ended since it was read, or died between writing the record and the index: what the record says now decides. */
static int settle_status(struct store *store, struct str directory, json_t *record,
                         corrie_error *err)
{
    _json_ json_t *now = NULL;
    int r;

    if (!job_says_running(record) || alive_by_record(store, directory, record)) {
        return 0;
    }
    r = job_read(store, directory, &now, err);
    if (r == CORRIE_E_NO_MEMORY) {
        return r;
    }
    if (r < 0 || job_says_running(now)) {
        corrie_error_clear(err); /* a record that cannot be read any more is lost, too */
        return js_set_str(record, "status", STR("lost")) < 0 ? corrie_fail_memory(err) : 0;
    }
    return json_object_update_existing(record, now) < 0 ? corrie_fail_memory(err) : 0;
}

static int add_entry(struct store *store, const struct catalog_index_entry *entry,
                     struct arena *arena, json_t *jobs, corrie_error *err)
{
    _json_ json_t *item = NULL;
    struct str directory;
    int r;

    r = js_parse(entry->json, "the index of jobs", &item, err);
    if (r < 0 || (r = job_directory(entry->time, entry->id, arena, &directory, err)) < 0 ||
        (r = settle_status(store, directory, item, err)) < 0) {
        return r;
    }
    (void)json_object_del(item, "commit_in"); /* those are for care, not for listings */
    (void)json_object_del(item, "process");
    return json_array_append_new(jobs, TAKE_PTR(item)) < 0 ? corrie_fail_memory(err) : 0;
}

int jobs_list(struct store *store, struct catalog *catalog, size_t max, json_t **ret,
              corrie_error *err)
{
    _json_ json_t *document = json_object();
    _cleanup_(arena_done) struct arena arena = {0};
    json_t *jobs = json_array();
    struct catalog_index_entry *entries;
    struct catalog_index_entry last;
    bool more = false;
    size_t n = PAGE;
    int r;

    if (js_set(document, "jobs", jobs) < 0) {
        return corrie_fail_memory(err);
    }
    for (const struct catalog_index_entry *after = NULL; n == PAGE && !more; after = &last) {
        r = catalog_index_list(catalog, JOB_SPACE, STR_EMPTY, after, PAGE, &arena, &entries, &n,
                               err);
        for (size_t i = 0; r >= 0 && i < n && !more; i++) {
            more = max > 0 && json_array_size(jobs) == max;
            if (!more) {
                r = add_entry(store, &entries[i], &arena, jobs, err);
            }
        }
        if (r < 0) {
            return corrie_wrap(err, "list jobs");
        }
        if (n > 0) {
            last = entries[n - 1];
        }
    }
    if (js_set_bool(document, "more", more) < 0) {
        return corrie_fail_memory(err);
    }
    *ret = TAKE_PTR(document);
    return 0;
}

/* The one job that a user's text names. */
static int find_job(struct catalog *catalog, struct str text, struct arena *arena,
                    struct catalog_index_entry *ret, corrie_error *err)
{
    struct catalog_index_entry *entries;
    bool last = str_eq(text, STR("last"));
    size_t n;
    int r;

    if (!last && text.len < MIN_PREFIX) {
        corrie_fail(err, CORRIE_E_USAGE, "job %.*s: name at least %d characters of its id",
                    STR_FMT(text), MIN_PREFIX);
        return corrie_hint(err, "corrie job ls shows ids; \"last\" names the newest");
    }
    r = catalog_index_list(catalog, JOB_SPACE, last ? STR_EMPTY : text, NULL, 2, arena, &entries,
                           &n, err);
    if (r < 0) {
        return r;
    }
    if (n == 0) {
        corrie_fail(err, CORRIE_E_NOT_FOUND, "job %.*s does not exist", STR_FMT(text));
        return corrie_hint(err, "corrie job ls shows those that do");
    }
    if (n > 1 && !last) {
        corrie_fail(err, CORRIE_E_USAGE, "job %.*s is not unique", STR_FMT(text));
        return corrie_hint(err, "%.*s or %.*s?", STR_FMT(entries[0].id), STR_FMT(entries[1].id));
    }
    *ret = entries[0];
    return 0;
}

int jobs_get(struct store *store, struct catalog *catalog, struct str id, json_t **ret,
             corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _json_ json_t *record = NULL;
    struct catalog_index_entry entry;
    struct str directory;
    int r;

    r = find_job(catalog, id, &arena, &entry, err);
    if (r < 0 || (r = job_directory(entry.time, entry.id, &arena, &directory, err)) < 0) {
        return r;
    }
    r = job_read(store, directory, &record, err);
    if (r >= 0) {
        r = settle_status(store, directory, record, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "read the record of job %.*s", STR_FMT(entry.id));
    }
    *ret = TAKE_PTR(record);
    return 0;
}

/* A line that is no JSON: the disk was full in its middle, and the next one follows without a newline. It is shown as
 * it is. */
static json_t *broken_line(struct str line)
{
    json_t *item = json_object();

    if (js_set_str(item, "text", line) < 0) {
        json_decref(item);
        return NULL;
    }
    return item;
}

/* Lines of the log; a last one without a newline was being written when the process died. */
static int parse_lines(struct str text, json_t *logs, corrie_error *err)
{
    struct str line;

    while (str_cut(text, '\n', &line, &text)) {
        json_t *item = NULL;
        int r = js_parse(line, "log.jsonl", &item, err);

        if (r == CORRIE_E_DATA) {
            corrie_error_clear(err);
            item = broken_line(line);
            r = 0;
        }
        if (r >= 0 && json_array_append_new(logs, item) < 0) {
            r = corrie_fail_memory(err);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

int jobs_logs(struct store *store, struct catalog *catalog, struct str id, json_t **ret,
              corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf text = {0};
    _json_ json_t *document = json_object();
    json_t *logs = json_array();
    struct catalog_index_entry entry;
    struct str directory;
    char *key;
    int r;

    if (js_set(document, "logs", logs) < 0) {
        return corrie_fail_memory(err);
    }
    r = find_job(catalog, id, &arena, &entry, err);
    if (r < 0 || (r = job_directory(entry.time, entry.id, &arena, &directory, err)) < 0) {
        return r;
    }
    key = arena_printf(&arena, "%.*s/log.jsonl", STR_FMT(directory));
    if (!key || js_set_str(document, "job", entry.id) < 0) {
        return corrie_fail_memory(err);
    }
    r = store_get(store, str_of(key), JOB_MAX_LOG + CORRIE_MiB, &text, NULL, err);
    if (r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err); /* it has logged nothing */
        r = 0;
    }
    if (r >= 0) {
        r = parse_lines(buf_str(&text), logs, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "read the log of job %.*s", STR_FMT(entry.id));
    }
    *ret = TAKE_PTR(document);
    return 0;
}
