/* look.c — listing and reading records. */
#include "jobs/jobs_priv.h"

#include <string.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "store/alive.h"

enum { PAGE = 200, MIN_PREFIX = 4, SHOWN = 3 };

bool job_says_running(const json_t *record)
{
    const json_t *status = json_object_get(record, "status");

    return json_is_string(status) && strcmp(json_string_value(status), "running") == 0;
}

int job_get_file(struct store *store, struct str directory, const char *name, size_t max,
                 struct buf *ret, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    char *key = arena_printf(&arena, "%.*s/%s", STR_FMT(directory), name);

    return key ? store_get(store, str_of(key), max, ret, NULL, err) : corrie_fail_memory(err);
}

int job_read(struct store *store, struct str directory, json_t **ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    _json_ json_t *record = NULL;
    int r;

    r = job_get_file(store, directory, "job.json", CORRIE_MAX_JSON, &text, err);
    if (r < 0) {
        return r;
    }
    r = js_parse(buf_str(&text), "job.json", &record, err);
    if (r < 0) {
        err->code = r == CORRIE_E_DATA ? CORRIE_E_CORRUPT : r; /* nobody but us has written it */
        return err->code;
    }
    if (!json_is_object(record)) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "job.json is no record");
    }
    *ret = TAKE_PTR(record);
    return 0;
}

int job_settle(struct store *store, struct str directory, json_t *record, corrie_error *err)
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

/* ---- finding one ---- */

/* What a text could have meant: ids that begin nearly as it does. */
static int hint_nearest(struct catalog *catalog, struct str text, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct catalog_index_entry *entries;
    struct str starts[PAGE];
    size_t nearest;
    size_t n;

    if (catalog_index_list(catalog, JOB_SPACE, STR_EMPTY, NULL, PAGE, &arena, &entries, &n,
                           &ignored) >= 0) {
        for (size_t i = 0; i < n; i++) {
            starts[i] = str_slice(entries[i].id, 0, text.len);
        }
        if (str_nearest(text, starts, n, &nearest, 1) > 0) {
            return corrie_hint(err, "did you mean %.*s? corrie job ls --all-users shows all",
                               STR_FMT(entries[nearest].id));
        }
    }
    return corrie_hint(err, "corrie job ls --all-users shows those that do");
}

/* Which of them it could be, the newest first. */
static int fail_ambiguous(struct str text, const struct catalog_index_entry *entries, size_t n,
                          corrie_error *err)
{
    _cleanup_(buf_done) struct buf names = {0};

    corrie_fail(err, CORRIE_E_USAGE, "job %.*s is not unique", STR_FMT(text));
    for (size_t i = 0; i < n && i < SHOWN; i++) {
        buf_addf(&names, "%s%.*s", i > 0 ? " or " : "", STR_FMT(entries[i].id));
    }
    return corrie_hint(err, "%s%s?", buf_text(&names), n > SHOWN ? " or another" : "");
}

static int fail_short(struct str text, corrie_error *err)
{
    corrie_fail(err, CORRIE_E_USAGE, "job %.*s: name at least %d characters of its id",
                STR_FMT(text), MIN_PREFIX);
    return corrie_hint(err, "corrie job ls shows ids; \"last\" names the newest");
}

/* Those that the text could mean, at most `max`. */
static int find_entries(struct store *store, struct catalog *catalog, struct str text, size_t max,
                        struct arena *arena, struct job_place *place,
                        struct catalog_index_entry **ret, size_t *ret_n, corrie_error *err)
{
    int r;

    if (str_eq(text, STR("last"))) {
        return catalog_index_list(catalog, JOB_SPACE, STR_EMPTY, NULL, 1, arena, ret, ret_n, err);
    }
    r = catalog_index_list(catalog, JOB_SPACE, text, NULL, max, arena, ret, ret_n, err);
    if (r < 0 || *ret_n > 0) {
        return r;
    }
    *ret = arena_array(arena, struct catalog_index_entry, max);
    if (!*ret) {
        return corrie_fail_memory(err);
    }
    place->query = true;
    return job_find_queries(store, text, max, arena, *ret, ret_n, err);
}

int job_find(struct store *store, struct catalog *catalog, struct str text, struct arena *arena,
             struct job_place *ret, corrie_error *err)
{
    struct job_place place = {.query = false};
    struct catalog_index_entry *entries;
    size_t n;
    int r;

    if (text.len < MIN_PREFIX) {
        return fail_short(text, err);
    }
    r = find_entries(store, catalog, text, SHOWN + 1, arena, &place, &entries, &n, err);
    if (r < 0) {
        return r;
    }
    if (n == 0 && str_eq(text, STR("last"))) {
        return corrie_fail(err, CORRIE_E_NOT_FOUND, "there were no jobs");
    }
    if (n == 0) {
        corrie_fail(err, CORRIE_E_NOT_FOUND, "job %.*s does not exist", STR_FMT(text));
        return hint_nearest(catalog, text, err);
    }
    if (n > 1) {
        return fail_ambiguous(text, entries, n, err);
    }
    place.entry = entries[0];
    r = job_directory(place.entry.time, place.entry.id, arena, &place.directory, err);
    if (r < 0) {
        return r;
    }
    *ret = place;
    return 0;
}

int job_look(struct store *store, const struct job_place *place, json_t **ret, corrie_error *err)
{
    _json_ json_t *record = NULL;
    int r;

    if (place->query) {
        return job_query_record(place->entry.json, ret, err);
    }
    r = job_read(store, place->directory, &record, err);
    if (r < 0 || (r = job_settle(store, place->directory, record, err)) < 0) {
        return r;
    }
    *ret = TAKE_PTR(record);
    return 0;
}

int job_by_time(const void *a, const void *b)
{
    const struct catalog_index_entry *one = a;
    const struct catalog_index_entry *other = b;

    return one->time != other->time ? (one->time < other->time ? 1 : -1)
                                    : str_cmp(other->id, one->id);
}

int job_walk(struct catalog *catalog, int64_t before, const struct cancel *cancel,
             job_visit_fn visit, void *arg, corrie_error *err)
{
    struct catalog_index_entry last = {.time = before};
    const struct catalog_index_entry *after = before != INT64_MAX ? &last : NULL;
    _cleanup_(buf_done) struct buf last_id = {0};
    size_t n = PAGE;

    while (n == PAGE) {
        _cleanup_(arena_done) struct arena arena = {0};
        struct catalog_index_entry *entries;
        int r = cancel_check(cancel, err);

        if (r >= 0) {
            r = catalog_index_list(catalog, JOB_SPACE, STR_EMPTY, after, PAGE, &arena, &entries, &n,
                                   err);
        }
        for (size_t i = 0; r == 0 && i < n; i++) {
            r = visit(arg, &entries[i], err);
        }
        if (r != 0) {
            return r < 0 ? r : 0;
        }
        if (n > 0) {
            last_id.len = 0;
            buf_add_str(&last_id, entries[n - 1].id);
            last =
                (struct catalog_index_entry){.id = buf_str(&last_id), .time = entries[n - 1].time};
            after = &last;
            r = buf_check(&last_id, err);
            if (r < 0) {
                return r;
            }
        }
    }
    return 0;
}

int jobs_get(struct store *store, struct catalog *catalog, struct str id, json_t **ret,
             corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct job_place place;
    int r;

    r = job_find(store, catalog, id, &arena, &place, err);
    if (r < 0) {
        return r;
    }
    r = job_look(store, &place, ret, err);
    return r < 0 ? corrie_wrap(err, "read the record of job %.*s", STR_FMT(place.entry.id)) : 0;
}

int jobs_output(struct store *store, struct catalog *catalog, struct str id, char **ret,
                corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct job_place place;
    char *key;
    int r;

    r = job_find(store, catalog, id, &arena, &place, err);
    if (r < 0) {
        return r;
    }
    key = arena_printf(&arena, "%.*s/output", STR_FMT(place.directory));
    return key ? store_local_path(store, str_of(key), ret, err) : corrie_fail_memory(err);
}
