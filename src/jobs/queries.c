/* queries.c — records of statements that read: a line each, in a file a day.
 *
 * A query is short and there are many, so it has no directory, no heartbeat and no entry in the index: when it is over, one
 * write appends its line. Whoever lists queries reads the files of the days in question, nobody else does.
 *
 * Lines of several processes do not mix: a file system of this machine holds the inode's lock during a write with O_APPEND.
 * A disk that is full, or a power cut, may leave half a line, on which the next one follows; each begins with QUERY_BEGIN,
 * which cannot stand within the text of another. */
#include "jobs/jobs_priv.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/vec.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/proc.h"
#include "os/user.h"

#define QUERY_BEGIN "{\"job\":\""
#define QUERY_FILE "queries.jsonl"
#define DATE_TEXT 10
#define QUERY_KEY (sizeof "jobs//" QUERY_FILE + DATE_TEXT)
#define DAY_NS (INT64_C(86400) * 1000000000)

/* ---- writing ---- */

static json_t *text_or_null(struct str text)
{
    return text.len > 0 ? js_string(text) : json_null();
}

struct str job_cut_text(struct str text, size_t max)
{
    text = str_slice(text, 0, max);
    for (int i = 0; i < 3 && text.len > 0 && !str_is_utf8(text, NULL); i++) {
        text.len--; /* the cut went through a character */
    }
    return text;
}

/* Without what a listing has no room for: tracebacks and the text around a position. */
static int set_error(json_t *item, const corrie_error *error)
{
    _json_ json_t *told = error ? js_error(error) : json_null();
    int r = 0;

    if (error && told) {
        struct str message = js_str(json_object_get(told, "message"));

        json_object_del(json_object_get(told, "context"), "detail");
        if (message.len > JOB_MAX_STATEMENT) {
            r = js_set(told, "message", js_string(job_cut_text(message, JOB_MAX_STATEMENT)));
        }
    }
    return r | js_set(item, "error", TAKE_PTR(told));
}

static int build_line(const struct job_query *query, struct buf *ret, corrie_error *err)
{
    const char *status = !query->error                              ? "done"
                         : query->error->code == CORRIE_E_CANCELLED ? "cancelled"
                                                                    : "failed";
    struct uuid id = uuid_random();
    _json_ json_t *item = json_object();
    _free_ char *host = NULL;
    int r;

    r = os_host_name(&host, err);
    if (r < 0) {
        return r;
    }
    r = js_set_uuid(item, "job", &id); /* first: QUERY_BEGIN */
    r |= js_set_str(item, "kind", STR("query"));
    r |= js_set_str(item, "status", str_of(status));
    r |= js_set_str(item, "user", query->user);
    r |= js_set_str(item, "host", str_of(host));
    r |= js_set_int(item, "pid", os_pid());
    r |= js_set(item, "ref", text_or_null(query->ref));
    r |= js_set_hash(item, "commit_in", hash_is_zero(&query->commit) ? NULL : &query->commit);
    r |= js_set_time(item, "started", query->started);
    r |= js_set_time(item, "ended", clock_now());
    r |= js_set(item, "seconds", json_real((double)query->duration / 1e9));
    r |= js_set_str(item, "version", STR(CORRIE_VERSION));
    r |= js_set(item, "rows", js_count(query->rows));
    r |= js_set(item, "bytes", js_count(query->bytes));
    r |= js_set_str(item, "statement", job_cut_text(query->statement, JOB_MAX_STATEMENT));
    r |= set_error(item, query->error);
    if (r != 0) {
        return corrie_fail_memory(err);
    }
    r = js_format(item, 0, ret, err);
    buf_add_char(ret, '\n');
    return r < 0 ? r : buf_check(ret, err);
}

/* Past JOB_MAX_QUERIES bytes the rest of the day is not kept. */
static int append(struct store *store, const char *path, struct str line, corrie_error *err)
{
    _close_ int fd = -1;
    struct os_stat stat;
    int r;

    r = os_open(path, O_WRONLY | O_APPEND | O_CREAT, store_file_mode(store), &fd, err);
    if (r < 0 || (r = os_fd_stat(fd, path, &stat, err)) < 0) {
        return r;
    }
    return stat.size + line.len > JOB_MAX_QUERIES ? 0 : os_write(fd, path, line, err);
}

/* "jobs/<date>/queries.jsonl" */
static struct str key_of(struct str date, char ret[QUERY_KEY])
{
    snprintf(ret, QUERY_KEY, "jobs/%.*s/%s", DATE_TEXT, date.data, QUERY_FILE);
    return str_of(ret);
}

static int put_line(struct store *store, int64_t started, struct str line, corrie_error *err)
{
    _free_ char *path = NULL;
    char date[CLOCK_TEXT_MAX];
    char text[QUERY_KEY];
    struct str key;
    int r;

    clock_format(started, date);
    key = key_of(str_of(date), text);
    r = store_local_path(store, key, &path, err);
    if (r < 0) {
        return r;
    }
    r = append(store, path, line, err);
    if (r == CORRIE_E_NOT_FOUND) { /* the first of the day */
        corrie_error_clear(err);
        r = store_prepare(store, key, err);
        r = r < 0 ? r : append(store, path, line, err);
    }
    return r;
}

void job_note_query(struct store *store, const struct job_query *query)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf line = {0};

    if (build_line(query, &line, &ignored) < 0 ||
        put_line(store, query->started, buf_str(&line), &ignored) < 0) {
        corrie_error_clear(
            &ignored); /* the answer was given: a lake that cannot be written keeps no record of it */
    }
}

/* ---- reading ---- */

/* Days that have a directory, the oldest first, in `arena`. None where the store is not of this machine. */
static int list_days(struct store *store, struct arena *arena, struct os_entry **ret, size_t *ret_n,
                     corrie_error *err)
{
    _free_ char *path = NULL;
    int r = store_local_path(store, STR("jobs"), &path, err);

    r = r < 0 ? r : os_dir_list(path, arena, ret, ret_n, err);
    if (r == CORRIE_E_UNSUPPORTED || r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err);
        *ret_n = 0;
        return 0;
    }
    return r < 0 ? r : 0;
}

/* When the day of that date begins; false: no date. */
static bool day_of(const struct os_entry *entry, int64_t *ret)
{
    return entry->kind == OS_DIRECTORY && entry->name.len == DATE_TEXT &&
           clock_parse(entry->name, ret);
}

static int read_day(struct store *store, struct str date, struct buf *ret, corrie_error *err)
{
    char key[QUERY_KEY];
    /* several who append at once may each have found room */
    int r = store_get(store, key_of(date, key), (size_t)2 * JOB_MAX_QUERIES, ret, NULL, err);

    if (r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err);
        return 0;
    }
    return r;
}

/* The record that a line holds, which half of another may stand before; empty: there is none. */
static struct str record_of(struct str line)
{
    ptrdiff_t begin = str_find_str(line, STR(QUERY_BEGIN));

    if (begin < 0) {
        return STR_EMPTY;
    }
    while (begin >= 0) {
        line = str_from(line, (size_t)begin);
        begin = str_find_str(str_from(line, 1), STR(QUERY_BEGIN));
        begin += begin >= 0;
    }
    return line;
}

/* The next record. What follows the last newline is being written, or was cut off. */
static bool next_record(struct str *rest, struct str *ret)
{
    struct str line;

    while (str_cut(*rest, '\n', &line, rest)) {
        *ret = record_of(line);
        if (ret->len > 0) {
            return true;
        }
    }
    return false;
}

struct day {
    struct buf text;
    struct catalog_index_entry *items; /* borrow from `text` */
    size_t count;
    size_t capacity;
};

static void day_done(struct day *day)
{
    vec_done(day);
    buf_done(&day->text);
}

/* Adds the record, unless it is damaged: one line must not hide all the others. */
static int add_record(struct day *day, struct str text, corrie_error *err)
{
    _json_ json_t *item = NULL;
    struct catalog_index_entry entry = {.json = text};
    int r = js_parse(text, QUERY_FILE, &item, err);

    if (r < 0) {
        if (r == CORRIE_E_NO_MEMORY) {
            return r;
        }
        corrie_error_clear(err);
        return 0;
    }
    if (text.len < sizeof QUERY_BEGIN + UUID_TEXT ||
        !clock_parse(js_str(json_object_get(item, "started")), &entry.time)) {
        return 0;
    }
    entry.id = str_slice(text, sizeof QUERY_BEGIN - 1, UUID_TEXT);
    return vec_push(day, entry) < 0 ? corrie_fail_memory(err) : 0;
}

static int load_day(struct store *store, struct str date, struct day *day, corrie_error *err)
{
    struct str rest;
    struct str text;
    int r = read_day(store, date, &day->text, err);

    rest = buf_str(&day->text);
    while (r >= 0 && next_record(&rest, &text)) {
        r = add_record(day, text, err);
    }
    if (r >= 0 && day->count > 1) {
        qsort(day->items, day->count, sizeof *day->items, job_by_time);
    }
    return r;
}

static int visit_day(struct store *store, struct str date, int64_t before, job_visit_fn visit,
                     void *arg, corrie_error *err)
{
    _cleanup_(day_done) struct day day = {.count = 0};
    int r = load_day(store, date, &day, err);

    for (size_t i = 0; r == 0 && i < day.count; i++) {
        r = day.items[i].time < before ? visit(arg, &day.items[i], err) : 0;
    }
    return r;
}

int job_walk_queries(struct store *store, int64_t before, const struct cancel *cancel,
                     job_visit_fn visit, void *arg, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct os_entry *days;
    size_t n;
    int r = list_days(store, &arena, &days, &n, err);

    for (size_t i = n; r == 0 && i > 0; i--) {
        int64_t begins;

        r = cancel_check(cancel, err);
        if (r == 0 && day_of(&days[i - 1], &begins) && begins < before) {
            r = visit_day(store, days[i - 1].name, before, visit, arg, err);
        }
    }
    return r < 0 ? corrie_wrap(err, "read the records of queries") : 0;
}

/* ---- one of them ---- */

static bool may_begin_id(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!strchr("0123456789abcdef-", text.data[i])) {
            return false;
        }
    }
    return true;
}

/* Takes those of a day over whose ids begin so, at most `max`, into `arena`. */
static int find_in_day(struct store *store, struct str date, struct str prefix, size_t max,
                       struct arena *arena, struct catalog_index_entry *found, size_t *n,
                       corrie_error *err)
{
    _cleanup_(day_done) struct day day = {.count = 0};
    char start[sizeof QUERY_BEGIN + UUID_TEXT];
    int r = read_day(store, date, &day.text, err);
    struct str rest = buf_str(&day.text);
    struct str text;

    snprintf(start, sizeof start, "%s%.*s", QUERY_BEGIN, STR_FMT(prefix));
    while (r >= 0 && *n < max && next_record(&rest, &text)) {
        if (str_starts(text, str_of(start))) {
            r = add_record(&day, text, err);
        }
    }
    for (size_t i = 0; r >= 0 && i < day.count && *n < max; i++) {
        struct catalog_index_entry *entry = &found[(*n)++];

        *entry = day.items[i];
        r = arena_str(arena, day.items[i].json, &entry->json);
        r = r < 0 ? r : arena_str(arena, day.items[i].id, &entry->id);
        r = r < 0 ? corrie_fail_memory(err) : r;
    }
    return r;
}

int job_find_queries(struct store *store, struct str prefix, size_t max, struct arena *arena,
                     struct catalog_index_entry *ret, size_t *ret_n, corrie_error *err)
{
    struct os_entry *days;
    size_t n = 0;
    size_t n_days;
    int64_t begins;
    int r;

    *ret_n = 0;
    if (prefix.len > UUID_TEXT || !may_begin_id(prefix)) {
        return 0;
    }
    r = list_days(store, arena, &days, &n_days, err);
    for (size_t i = n_days; r >= 0 && i > 0 && n < max; i--) {
        if (day_of(&days[i - 1], &begins)) {
            r = find_in_day(store, days[i - 1].name, prefix, max, arena, ret, &n, err);
        }
    }
    if (r < 0) {
        return corrie_wrap(err, "read the records of queries");
    }
    *ret_n = n;
    return 0;
}

int job_query_record(struct str line, json_t **ret, corrie_error *err)
{
    static const char *const nothing[] = {"commit_out", "process", "tx"};
    _json_ json_t *record = NULL;
    json_t *args = json_object();
    int r = js_parse(line, QUERY_FILE, &record, err);

    if (r < 0) {
        json_decref(args);
        return r;
    }
    r = js_set(args, "sql", json_incref(json_object_get(record, "statement")));
    r |= js_set(record, "args", args);
    r |= js_set_int(record, "format", 1);
    r |= js_set(record, "nodes", json_array());
    r |= js_set(record, "tables", json_array());
    for (size_t i = 0; i < ARRAY_LEN(nothing); i++) {
        r |= js_set(record, nothing[i], json_null());
    }
    json_object_del(record, "statement");
    if (r != 0) {
        return corrie_fail_memory(err);
    }
    *ret = TAKE_PTR(record);
    return 0;
}

/* ---- kept no longer ---- */

/* Removes the file of a day; counts its records. */
static int expire_day(struct store *store, struct str date, bool dry_run, int64_t *removed,
                      corrie_error *err)
{
    char key[QUERY_KEY];
    _cleanup_(buf_done) struct buf text = {0};
    int r = read_day(store, date, &text, err);
    struct str rest = buf_str(&text);
    struct str record;

    if (r < 0 || text.len == 0) {
        return r;
    }
    while (next_record(&rest, &record)) {
        ++*removed;
    }
    return dry_run ? 0 : store_delete(store, key_of(date, key), err);
}

int job_expire_queries(struct store *store, const struct jobs_expiry *expiry, int64_t *removed,
                       corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct os_entry *days;
    size_t n;
    int r = list_days(store, &arena, &days, &n, err);

    for (size_t i = 0; r >= 0 && i < n; i++) {
        int64_t begins;

        r = cancel_check(expiry->cancel, err);
        if (r >= 0 && day_of(&days[i], &begins) && begins <= expiry->before - DAY_NS) {
            r = expire_day(store, days[i].name, expiry->dry_run, removed, err);
        }
    }
    return r < 0 ? r : 0;
}
