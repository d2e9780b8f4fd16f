/* tail.c — a job's log, read line by line, also while it grows. */
#include "jobs/jobs_priv.h"

#include <string.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/mem.h"

#define POLL_NS (INT64_C(100) * 1000000)

enum {
    PIECE = 256 * 1024,
    LOOK_EVERY = 5 /* polls between two looks whether the job lives */
};

/* States: the job was running when it was last looked → over (all that it wrote is there) → the file is read to its
 * end. So no line can come after the last one that was given. */
struct job_tail {
    struct arena arena;
    struct store *store;
    struct job_place place;
    struct str key;
    uint64_t offset; /* of what was not read yet */
    struct buf text; /* read, and not given yet from `at` on */
    size_t at;
    bool over;
    unsigned polls;
};

static int look(struct job_tail *tail, corrie_error *err)
{
    _json_ json_t *record = NULL;
    int r = job_look(tail->store, &tail->place, &record, err);

    if (r == CORRIE_E_NO_MEMORY) {
        return r;
    }
    if (r < 0) {
        corrie_error_clear(err); /* nobody can say that it goes on */
    }
    tail->over = r < 0 || !job_says_running(record);
    return 0;
}

static int open_tail(struct job_tail *tail, struct catalog *catalog, struct str id, bool follow,
                     corrie_error *err)
{
    char *key;
    int r;

    r = job_find(tail->store, catalog, id, &tail->arena, &tail->place, err);
    if (r < 0) {
        return r;
    }
    key = arena_printf(&tail->arena, "%.*s/log.jsonl", STR_FMT(tail->place.directory));
    if (!key) {
        return corrie_fail_memory(err);
    }
    tail->key = str_of(key);
    tail->over = true;
    return follow ? look(tail, err) : 0;
}

int job_tail_open(struct store *store, struct catalog *catalog, struct str id, bool follow,
                  struct job_tail **ret, corrie_error *err)
{
    struct job_tail *tail = mem_alloc(1, sizeof *tail);
    int r;

    if (!tail) {
        return corrie_fail_memory(err);
    }
    tail->store = store;
    r = open_tail(tail, catalog, id, follow, err);
    if (r < 0) {
        job_tail_close(tail);
        return r;
    }
    *ret = tail;
    return 0;
}

struct job_tail *job_tail_close(struct job_tail *tail)
{
    if (tail) {
        buf_done(&tail->text);
        arena_done(&tail->arena);
        mem_free(tail);
    }
    return NULL;
}

struct str job_tail_id(const struct job_tail *tail)
{
    return tail->place.entry.id;
}

/* 1 there is more to give, 0 nothing has come. */
static int read_more(struct job_tail *tail, corrie_error *err)
{
    struct store_info info;
    size_t room;
    char *bytes;
    int r;

    r = store_stat(tail->store, tail->key, &info, err);
    if (r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err); /* it has logged nothing */
        return 0;
    }
    if (r < 0 || info.size <= tail->offset) {
        return r < 0 ? r : 0;
    }
    if (tail->at > 0) {
        tail->text.len -= tail->at;
        memmove(tail->text.data, tail->text.data + tail->at, tail->text.len);
        tail->at = 0;
    }
    room = info.size - tail->offset < PIECE ? (size_t)(info.size - tail->offset) : PIECE;
    bytes = buf_reserve(&tail->text, room);
    if (!bytes) {
        return buf_check(&tail->text, err);
    }
    r = store_get_range(tail->store, tail->key, tail->offset, bytes, room, err);
    if (r < 0) {
        return r;
    }
    buf_commit(&tail->text, room);
    tail->offset += room;
    return 1;
}

static int wait_for_more(struct job_tail *tail, const struct cancel *cancel, corrie_error *err)
{
    int r = cancel_check(cancel, err);

    if (r < 0) {
        return r;
    }
    clock_sleep(POLL_NS);
    return ++tail->polls % LOOK_EVERY == 0 ? look(tail, err) : 0;
}

/* A last line without a newline was being written when the process died: it is never given. */
int job_tail_next(struct job_tail *tail, const struct cancel *cancel, json_t **ret,
                  corrie_error *err)
{
    int r = 1;

    while (r >= 0) {
        struct str rest = str_slice(buf_str(&tail->text), tail->at, tail->text.len);
        struct str line;
        bool over = tail->over;

        if (str_cut(rest, '\n', &line, &rest)) {
            tail->at += line.len + 1;
            r = job_parse_line(line, ret, err);
            return r < 0
                       ? corrie_wrap(err, "read the log of job %.*s", STR_FMT(tail->place.entry.id))
                       : 1;
        }
        r = read_more(tail, err);
        if (r == 0 && over) {
            return 0;
        }
        r = r == 0 ? wait_for_more(tail, cancel, err) : r;
    }
    return r == CORRIE_E_CANCELLED
               ? r
               : corrie_wrap(err, "read the log of job %.*s", STR_FMT(tail->place.entry.id));
}

int job_parse_line(struct str line, json_t **ret, corrie_error *err)
{
    _json_ json_t *item = NULL;
    int r = js_parse(line, "log.jsonl", &item, err);

    if (r < 0 && r != CORRIE_E_DATA) {
        return r;
    }
    if (r < 0 || !json_is_object(item)) {
        corrie_error_clear(err);
        json_decref(item);
        item = json_object();
        if (js_set_str(item, "text", line) < 0) {
            return corrie_fail_memory(err);
        }
    }
    *ret = TAKE_PTR(item);
    return 0;
}

int jobs_logs(struct store *store, struct catalog *catalog, struct str id, json_t **ret,
              corrie_error *err)
{
    _json_ json_t *document = json_object();
    json_t *logs = json_array();
    struct job_tail *tail = NULL;
    json_t *item;
    int r;

    if (js_set(document, "logs", logs) < 0) {
        return corrie_fail_memory(err);
    }
    r = job_tail_open(store, catalog, id, false, &tail, err);
    if (r < 0) {
        return r;
    }
    while ((r = job_tail_next(tail, NULL, &item, err)) > 0) {
        if (json_array_append_new(logs, item) < 0) {
            r = corrie_fail_memory(err);
            break;
        }
    }
    if (r >= 0 && js_set_str(document, "job", tail->place.entry.id) < 0) {
        r = corrie_fail_memory(err);
    }
    job_tail_close(tail);
    if (r < 0) {
        return r;
    }
    *ret = TAKE_PTR(document);
    return 0;
}
