#include "tests/model/hands.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "catalog/catalog_priv.h"
#include "catalog/check.h"
#include "catalog/collect.h"
#include "catalog/history.h"
#include "catalog/merge.h"

/* ---- a clock that can be moved on ---- */

static _Atomic int *age; /* shared by all hands */

/* Takes the place of the C library's in this program. */
int clock_gettime(clockid_t clock, struct timespec *ret)
{
    int r = (int)syscall(SYS_clock_gettime, clock, ret);

    if (r == 0 && clock == CLOCK_REALTIME && age) {
        ret->tv_sec += *age;
    }
    return r;
}

void hands_begin(void)
{
    age = mmap(NULL, sizeof *age, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (age == MAP_FAILED) {
        perror("model: mmap");
        exit(2);
    }
}

void hands_age(int seconds)
{
    *age += seconds;
}

/* ---- inside a hand ---- */

static struct catalog *catalog;
static char directory[PATH_BYTES];

static struct str ref_name(int ref)
{
    static const char *const names[REFS] = {"main", "dev", "a/b", "tx/1", "x-1"};

    return str_of(names[ref]);
}

static enum catalog_ref_kind ref_kind(int ref)
{
    return ref == 3 ? CATALOG_TX : CATALOG_BRANCH;
}

static int fill_edit(struct arena *arena, int at, const struct thing *thing, struct tree_edit *ret,
                     corrie_error *err)
{
    char name[] = "k0";
    struct key key;
    int r;

    name[1] = (char)('0' + at);
    r = KEY_MAKE(&key, err, STR("thing"), str_of(name));
    *ret = (struct tree_edit){.is_delete = thing->id == 0};
    memcpy(ret->value.id.bytes, &thing->id, sizeof thing->id);
    ret->value.doc = str_of(arena_printf(arena, "{\"n\":%u}", thing->value));
    if (thing->tainted) {
        ret->value.has_taint = true;
        ret->value.taint.bytes[0] = 7;
    }
    if (r >= 0 && arena_str(arena, key_str(&key), &ret->key) < 0) {
        r = corrie_fail_memory(err);
    }
    return r;
}

static int read_state(const struct hash *tree, struct state *ret, corrie_error *err)
{
    _cleanup_(tree_cursor_closep) struct tree_cursor *cursor = NULL;
    struct tree_value value;
    struct str key;
    int r;

    *ret = (struct state){0};
    r = tree_cursor_open(catalog, tree, STR_EMPTY, &cursor, err);
    while (r >= 0 && (r = tree_cursor_next(cursor, &key, &value, err)) > 0) {
        struct thing *thing = &ret->at[key.data[key.len - 1] - '0'];
        char text[32];

        memcpy(&thing->id, value.id.bytes, sizeof thing->id);
        snprintf(text, sizeof text, "%.*s", STR_FMT(value.doc));
        thing->value = (uint32_t)strtoul(text + strlen("{\"n\":"), NULL, 10);
        thing->tainted = value.has_taint;
    }
    return r;
}

static int read_commit(const struct hash *id, struct state *ret, uint64_t *ret_tainted,
                       corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct commit commit;
    int r = commit_read(catalog, id, &arena, &commit, err);

    if (r >= 0) {
        *ret_tainted = commit.tainted;
        r = read_state(&commit.tree, ret, err);
    }
    return r;
}

/* Holds every round to the counts and trees that it tells. */
static int judge(void *data, struct catalog *of, struct merge_step *step, corrie_error *err)
{
    struct state state;
    int r = read_state(step->result_tree, &state, err);

    (void)data;
    (void)of;
    if (r >= 0 && step->tainted != state_tainted(&state)) {
        r = corrie_fail(err, CORRIE_E_INTERNAL, "the guard is told of %llu tainted values, not %u",
                        (unsigned long long)step->tainted, state_tainted(&state));
    }
    return r;
}

static const struct merge_guard guard = {.check = judge};

static struct commit signature(void)
{
    return (struct commit){.author = STR("model"), .message = STR("order")};
}

static int do_publish(const struct request *request, const struct merge_options *options,
                      struct answer *answer, struct merge_report *report, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct tree_edit edits[KEYS];
    struct publish publish = {.ref = ref_name(request->order.ref),
                              .start = request->start,
                              .edits = edits,
                              .commit = signature(),
                              .merge = options};
    struct publish_result result;
    struct state before;
    uint64_t tainted;
    int r = read_commit(&request->start, &before, &tainted, err);

    for (int key = 0; r >= 0 && key < KEYS; key++) {
        const struct thing *thing = &request->order.edited.at[key];

        if (!thing_eq(&before.at[key], thing)) {
            r = fill_edit(&arena, key, thing, &edits[publish.n_edits++], err);
        }
    }
    if (r >= 0) {
        r = catalog_publish(catalog, &publish, &result, report, err);
    }
    if (r >= 0) {
        answer->changed = result.changed;
        answer->commits[0] = result.commit;
        answer->n_commits = 1;
    }
    return r;
}

static int do_merge(const struct request *request, const struct merge_options *options,
                    struct answer *answer, struct merge_report *report, corrie_error *err)
{
    struct branch_merge merge = {.ref = ref_name(request->order.ref),
                                 .source = request->source,
                                 .commit = signature(),
                                 .no_fast_forward = request->order.no_fast_forward,
                                 .merge = options};
    struct publish_result result;
    int r = catalog_merge(catalog, &merge, &result, report, err);

    if (r >= 0) {
        answer->changed = result.changed;
        answer->fast_forward = result.fast_forward;
        answer->commits[0] = result.commit;
        answer->n_commits = 1;
    }
    return r;
}

static int do_pick(const struct request *request, const struct merge_options *options,
                   struct answer *answer, struct merge_report *report, corrie_error *err)
{
    struct pick pick = {.ref = ref_name(request->order.ref),
                        .commits = request->picks,
                        .n_commits = (size_t)request->order.n_picks,
                        .revert = request->order.revert,
                        .mainline = request->order.mainline,
                        .commit = {.author = STR("model")},
                        .merge = options};
    struct publish_result result;
    int r = catalog_pick(catalog, &pick, &result, answer->commits, report, err);

    if (r >= 0) {
        answer->changed = result.changed;
        answer->n_commits = request->order.n_picks;
    }
    return r;
}

static int do_move(const struct request *request, corrie_error *err)
{
    int ref = request->order.ref;
    struct catalog_move move = {.ref = ref_name(ref),
                                .kind = ref_kind(ref),
                                .expected = request->start,
                                .new_commit = request->source,
                                .who = STR("model"),
                                .why = STR("order")};

    return catalog_commit(catalog, NULL, &move, err);
}

static int do_collect(const struct request *request, corrie_error *err)
{
    _cleanup_(collect_endp) struct collect *collect = NULL;
    int64_t now = clock_now();
    struct collect_options options = {.cutoff = now - 1000000000,
                                      .reflog_since = request->keep_reflog ? 0 : now + 1000000000,
                                      .dry_run = request->order.dry_run};
    int r = collect_begin(catalog, &options, &collect, err);

    if (r >= 0) {
        r = collect_mark(collect, err);
    }
    return r < 0 ? r : collect_sweep(collect, err);
}

/* Reads what was made, as anybody else would. */
static int tell_made(const struct hash *id, struct made *ret, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct commit commit;
    int r;

    if (hash_is_zero(id)) {
        return 0;
    }
    r = commit_read(catalog, id, &arena, &commit, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < commit.n_parents; i++) {
        ret->parents[i] = commit.parents[i];
    }
    return read_commit(id, &ret->state, &ret->tainted, err);
}

static int do_order(const struct request *request, struct answer *answer, corrie_error *err)
{
    _cleanup_(merge_report_done) struct merge_report report = {0};
    struct merge_options options = {.guard = &guard, .dry_run = request->order.dry_run};

    switch (request->order.kind) {
    case ORDER_PUBLISH:
        return do_publish(request, &options, answer, &report, err);
    case ORDER_MERGE:
        return do_merge(request, &options, answer, &report, err);
    case ORDER_PICK:
        return do_pick(request, &options, answer, &report, err);
    case ORDER_MOVE:
        return do_move(request, err);
    default:
        return do_collect(request, err);
    }
}

static int tell_state(const struct request *request, struct answer *answer, corrie_error *err)
{
    struct catalog_ref ref;
    int r = catalog_ref_find(catalog, ref_name(request->ref), &ref, err);

    if (r <= 0) {
        return r;
    }
    answer->head = ref.commit;
    return read_commit(&ref.commit, &answer->state, &answer->tainted, err);
}

static int tell_history(const struct request *request, struct answer *answer, corrie_error *err)
{
    _cleanup_(history_walk_closep) struct history_walk *walk = NULL;
    const struct commit *commit;
    struct catalog_ref ref;
    int r = catalog_ref_find(catalog, ref_name(request->ref), &ref, err);

    if (r > 0) {
        r = history_walk_open(catalog, &ref.commit, false, &walk, err);
        while (r >= 0 && (r = history_walk_next(walk, &commit, err)) > 0) {
            answer->count++;
        }
    }
    return r;
}

static int first_problem(void *arg, struct str where, struct str what, corrie_error *err)
{
    struct answer *answer = arg;

    (void)err;
    if (answer->text[0] == '\0') {
        snprintf(answer->text, sizeof answer->text, "%.*s: %.*s", STR_FMT(where), STR_FMT(what));
    }
    return 0;
}

static int tell_problems(struct answer *answer, corrie_error *err)
{
    struct catalog_check check = {.arg = answer, .problem = first_problem};
    struct catalog_check_counts counts = {0};
    int r = catalog_check_all(catalog, &check, &counts, err);

    answer->count = counts.problems;
    return r;
}

static int tell_bases(const struct request *request, struct answer *answer, corrie_error *err)
{
    size_t n = 0;
    int r = history_merge_bases(catalog, &request->start, &request->source, answer->commits,
                                ANSWER_COMMITS, &n, err);

    answer->n_commits = (int)n;
    return r;
}

/* With nothing in memory: what was read once may be seen as long as the handle is open. */
static int tell_stored(const struct request *request, struct answer *answer, corrie_error *err)
{
    struct catalog *kept = catalog;
    int r = catalog_open(directory, NULL, &catalog, err);

    if (r >= 0) {
        r = catalog_commit_exists(catalog, &request->start, err);
        answer->count = r > 0;
        if (r > 0) {
            r = read_commit(&request->start, &answer->state, &answer->tainted, err);
        }
        catalog_close(catalog);
    }
    catalog = kept;
    return r;
}

static int obey(const struct request *request, struct answer *answer, corrie_error *err)
{
    int r;

    switch (request->kind) {
    case ASK_OPEN:
        catalog = catalog_close(catalog);
        snprintf(directory, sizeof directory, "%s", request->path);
        return catalog_open(request->path, NULL, &catalog, err);
    case ASK_ORDER:
        r = do_order(request, answer, err);
        for (int i = 0; r >= 0 && i < answer->n_commits && !request->order.dry_run; i++) {
            r = tell_made(&answer->commits[i], &answer->made[i], err);
        }
        return r;
    case ASK_STATE:
        return tell_state(request, answer, err);
    case ASK_BASES:
        return tell_bases(request, answer, err);
    case ASK_HISTORY:
        return tell_history(request, answer, err);
    case ASK_STORED:
        return tell_stored(request, answer, err);
    default:
        return tell_problems(answer, err);
    }
}

static int work(int fd)
{
    struct request request;

    while (recv(fd, &request, sizeof request, MSG_WAITALL) == (ssize_t)sizeof request) {
        corrie_error err = CORRIE_ERROR_INIT;
        struct answer answer = {0};

        answer.code = obey(&request, &answer, &err);
        if (answer.code < 0) {
            snprintf(answer.text, sizeof answer.text, "%s", corrie_error_message(&err));
        } else {
            answer.code = 0;
        }
        corrie_error_clear(&err);
        if (send(fd, &answer, sizeof answer, MSG_NOSIGNAL) != (ssize_t)sizeof answer) {
            break;
        }
    }
    catalog = catalog_close(catalog);
    return 0;
}

/* ---- outside ---- */

static int others[HANDS]; /* sockets of the other hands, which a new one must not keep open */
static int n_others;

void hand_start(struct hand *hand)
{
    int fds[2];

    fflush(stdout); /* or the new process prints it again */
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0 || (hand->pid = fork()) < 0) {
        perror("model: start a process");
        exit(2);
    }
    if (hand->pid == 0) {
        close(fds[0]);
        for (int i = 0; i < n_others; i++) {
            close(others[i]);
        }
        exit(work(fds[1]));
    }
    close(fds[1]);
    hand->fd = others[n_others++] = fds[0];
}

static void forget(int fd)
{
    for (int i = 0; i < n_others; i++) {
        if (others[i] == fd) {
            others[i] = others[--n_others];
        }
    }
    close(fd);
}

void hand_end(struct hand *hand)
{
    int status;

    forget(hand->fd);
    if (waitpid(hand->pid, &status, 0) != hand->pid || status != 0) {
        fprintf(stderr, "model: a process ended with status %d\n", status);
        exit(1);
    }
}

void hand_kill(struct hand *hand)
{
    (void)kill(hand->pid, SIGKILL);
    (void)waitpid(hand->pid, NULL, 0);
    forget(hand->fd);
    hand_start(hand);
}

void hand_ask(const struct hand *hand, const struct request *request)
{
    if (send(hand->fd, request, sizeof *request, MSG_NOSIGNAL) != (ssize_t)sizeof *request) {
        perror("model: ask");
        exit(1);
    }
}

void hand_answer(const struct hand *hand, struct answer *ret)
{
    if (recv(hand->fd, ret, sizeof *ret, MSG_WAITALL) != (ssize_t)sizeof *ret) {
        fprintf(stderr, "model: a process ended without an answer\n");
        exit(1);
    }
}
