/* stop.c — asking a job of another process to stop.
 *
 * A file in the record asks, and the job's own heartbeat thread finds it: so it works from whereever the lake is seen, and no
 * signal can meet a process that got the pid of one that is gone. */
#include "jobs/jobs_priv.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/mem.h"
#include "os/user.h"

#define POLL_NS (INT64_C(50) * 1000000)

static int put_request(struct store *store, struct str directory, struct str user,
                       corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf text = {0};
    _json_ json_t *request = json_object();
    _free_ char *host = NULL;
    char *key = arena_printf(&arena, "%.*s/stop", STR_FMT(directory));
    int r;

    r = os_host_name(&host, err);
    if (r < 0) {
        return r;
    }
    r = js_set_str(request, "host", str_of(host));
    r |= js_set_time(request, "time", clock_now());
    r |= js_set_str(request, "user", user);
    if (r != 0 || !key) {
        return corrie_fail_memory(err);
    }
    r = js_format(request, 0, &text, err);
    return r < 0 ? r : store_put(store, str_of(key), buf_str(&text), err);
}

static int refuse(struct str id, struct str status, corrie_error *err)
{
    if (str_eq(status, STR("lost"))) {
        corrie_fail(err, CORRIE_E_CONFLICT, "job %.*s is lost: its process is gone", STR_FMT(id));
        return corrie_hint(err, "nothing of it runs; what it had not published stays out, and "
                                "corrie gc removes it");
    }
    corrie_fail(err, CORRIE_E_CONFLICT, "job %.*s is over: %.*s", STR_FMT(id), STR_FMT(status));
    return corrie_hint(err, "corrie job get %.*s says what it did", STR_FMT(str_slice(id, 0, 8)));
}

static int wait_for_end(struct store *store, const struct job_place *place, int64_t wait_ms,
                        const struct cancel *cancel, json_t **record, corrie_error *err)
{
    int64_t until = clock_monotonic() + wait_ms * 1000000;
    int r = 0;

    while (r >= 0 && job_says_running(*record) && clock_monotonic() < until) {
        json_t *now = NULL;

        clock_sleep(POLL_NS);
        r = cancel_check(cancel, err);
        r = r < 0 ? r : job_look(store, place, &now, err);
        if (r >= 0) {
            json_decref(*record);
            *record = now;
        }
    }
    return r;
}

static int answer(const json_t *record, json_t **ret, corrie_error *err)
{
    static const char *const fields[] = {"job", "kind", "status", "ended"};
    _json_ json_t *document = json_object();
    int r = 0;

    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        json_t *value = json_object_get(record, fields[i]);

        r |= js_set(document, fields[i], value ? json_incref(value) : json_null());
    }
    if (r != 0) {
        return corrie_fail_memory(err);
    }
    *ret = TAKE_PTR(document);
    return 0;
}

int jobs_stop(struct store *store, struct catalog *catalog, struct str id, struct str user,
              int64_t wait_ms, const struct cancel *cancel, json_t **ret, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _json_ json_t *record = NULL;
    struct job_place place;
    int r;

    r = job_find(store, catalog, id, &arena, &place, err);
    if (r < 0) {
        return r;
    }
    r = job_look(store, &place, &record, err);
    if (r >= 0 && !job_says_running(record)) {
        return refuse(place.entry.id, js_str(json_object_get(record, "status")), err);
    }
    r = r < 0 ? r : put_request(store, place.directory, user, err);
    r = r < 0 ? r : wait_for_end(store, &place, wait_ms, cancel, &record, err);
    if (r < 0) {
        return corrie_wrap(err, "stop job %.*s", STR_FMT(place.entry.id));
    }
    return answer(record, ret, err);
}
