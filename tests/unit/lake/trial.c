#include "trial.h"

#include <corrie/care.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "catalog/commit.h"
#include "catalog/key.h"
#include "catalog/tree.h"
#include "os/dir.h"
#include "os/fault.h"
#include "os/file.h"

static const corrie_ref_options from_main = {.size = sizeof from_main, .from_ref = "main"};

const struct disk disks[N_DISKS] = {
    {"any", "ENOSPC", false, false, CORRIE_E_NO_SPACE},
    {"any", "ENOSPC", true, false, CORRIE_E_NO_SPACE},
    {"all", "EIO", false, false, CORRIE_E_IO},
    {"all", "EIO", true, false, CORRIE_E_IO},
    {"write+fsync+rename+mkdir", "EIO", false, true, CORRIE_E_IO},
};

bool preloaded(void)
{
    return getenv("CORRIE_FAULT_PRELOADED") != NULL;
}

size_t open_descriptors(void)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    struct os_entry *entries;
    size_t n;

    ck_ok(os_dir_list("/proc/self/fd", &arena, &entries, &n, &err), &err);
    return n;
}

int trial_open(struct trial *t, corrie_error *err)
{
    corrie_lake_options options = {
        .size = sizeof options, .url = t->s.f.root, .author = "ada", .must_exist = true};

    return corrie_lake_open(&options, &t->s.f.lake, err);
}

static void close_lake(struct trial *t)
{
    t->s.f.lake = corrie_lake_close(t->s.f.lake);
}

void trial_reopen(struct trial *t)
{
    close_lake(t);
    ck_ok(trial_open(t, &t->s.f.err), &t->s.f.err);
}

/* ---- keeping a scene ---- */

/* With modes and times: what is old stays old. */
static void copy_tree(const char *from, const char *to)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    struct os_entry *entries;
    struct stat info;
    size_t n;

    ck_ok(os_dir_make(to, 0755, &err), &err);
    ck_ok(os_dir_list(from, &arena, &entries, &n, &err), &err);
    for (size_t i = 0; i < n; i++) {
        char *source = arena_printf(&arena, "%s/%s", from, entries[i].name.data);
        char *target = arena_printf(&arena, "%s/%s", to, entries[i].name.data);

        if (entries[i].kind == OS_DIRECTORY) {
            copy_tree(source, target);
        } else {
            _cleanup_(buf_done) struct buf bytes = {0};

            ck_ok(os_file_read(source, 100000000, &bytes, &err), &err);
            ck_ok(os_file_create(target, buf_str(&bytes), 0644, &err), &err);
        }
        ck_assert_int_eq(stat(source, &info), 0);
        ck_assert_int_eq(chmod(target, info.st_mode & 07777), 0);
        struct timespec times[2] = {info.st_atim, info.st_mtim};
        ck_assert_int_eq(utimensat(AT_FDCWD, target, times, 0), 0);
    }
}

static void restore(struct trial *t)
{
    ck_ok(os_tree_remove(t->s.f.dir, &t->s.f.err), &t->s.f.err);
    copy_tree(t->kept, t->s.f.dir);
}

/* ---- what can be seen ---- */

static void add_tree(struct trial *t, const struct hash *commit, struct buf *out)
{
    corrie_error *err = &t->s.f.err;
    struct catalog *catalog = lake_catalog(t->s.f.lake);
    _cleanup_(arena_done) struct arena arena = {0};
    struct tree_cursor *cursor;
    struct tree_value value;
    struct lake_view view;
    struct str key;
    int r;

    ck_ok(lake_view_of(t->s.f.lake, commit, &view, err), err);
    ck_ok(tree_cursor_open(catalog, &view.tree, STR_EMPTY, &cursor, err), err);
    while ((r = tree_cursor_next(cursor, &key, &value, err)) > 0) {
        struct lake_table table;

        if (str_eq(key_segment(key, 0), STR("table"))) {
            ck_ok(lake_table_of_value(t->s.f.lake, key, &value, &arena, &table, err), err);
            buf_addf(out, "  table %.*s.%.*s %lld rows %lld files%s\n", STR_FMT(table.ns),
                     STR_FMT(table.name), (long long)table.records, (long long)table.files,
                     table.taint.len > 0 ? " tainted" : "");
        } else if (str_eq(key_segment(key, 0), STR("ledger"))) { /* its second part is an id */
            struct str location = key_segment(key, 2);

            while (memchr(location.data, '/', location.len)) {
                location = str_from(location, 1);
            }
            buf_addf(out, "  ledger %.*s\n", STR_FMT(location));
        } else {
            buf_add_text(out, "  ");
            key_format(key, out);
            buf_add_char(out, '\n');
        }
    }
    ck_ok(r, err);
    tree_cursor_close(cursor);
}

static void add_ref(struct trial *t, const struct catalog_ref *ref, struct buf *out)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    corrie_error *err = &t->s.f.err;
    struct catalog *catalog = lake_catalog(t->s.f.lake);
    _cleanup_(arena_done) struct arena arena = {0};
    struct catalog_reflog_entry *entries;
    struct hash at = ref->commit;
    struct commit commit;
    size_t n;

    buf_addf(out, "%s %.*s", catalog_ref_kind_name(ref->kind), STR_FMT(ref->name));
    if (!t->action->in_steps) { /* what was tried and taken back is there for good */
        ck_ok(catalog_reflog(catalog, ref->name, 0, 100, &arena, &entries, &n, err), err);
        buf_addf(out, ", moved %zu times", n);
    }
    buf_add_char(out, '\n');
    do {
        if (commit_read(catalog, &at, &arena, &commit, err) < 0 &&
            catalog_commit_exists(catalog, &at, &ignored) == 0) {
            corrie_error_clear(err); /* a scene of damage */
            buf_add_text(out, "  a commit that is gone\n");
            return;
        }
        ck_ok(err->code, err);
        buf_addf(out, "  commit \"%.*s\" %zu parents\n",
                 (int)(commit.message.len < 30 ? commit.message.len : 30), commit.message.data,
                 commit.n_parents);
        at = commit.parents[0];
    } while (commit.n_parents > 0);
    add_tree(t, &ref->commit, out);
}

static void add_user(struct trial *t, struct buf *out)
{
    _cleanup_(buf_done) struct buf settings = {0};
    _cleanup_(arena_done) struct arena arena = {0};
    corrie_error *err = &t->s.f.err;
    char *path = arena_printf(&arena, "%s/.config/corrie/config.yaml", t->s.f.dir);
    json_t *info;
    struct str head;
    char *text;

    ck_ok(lake_head_kept(t->s.f.lake, &arena, &head, err), err);
    buf_addf(out, "checked out %.*s\n", STR_FMT(head));
    ck_ok(corrie_lake_info(t->s.f.lake, &text, err), err);
    info = fixture_json(text);
    buf_addf(out, "shared %s\n", json_is_null(json_object_get(info, "shared")) ? "no" : "yes");
    json_decref(info);
    if (access(path, R_OK) == 0) {
        ck_ok(os_file_read(path, 10000, &settings, err), err);
        buf_addf(out, "settings %s", buf_text(&settings));
    }
}

char *trial_state(struct trial *t)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct buf out = {0};
    struct catalog_ref *refs;
    size_t n;

    ck_ok(catalog_ref_list(lake_catalog(t->s.f.lake), STR_EMPTY, 0, STR_EMPTY, 1000, &arena, &refs,
                           &n, &t->s.f.err),
          &t->s.f.err);
    for (size_t i = 0; i < n; i++) {
        if (!str_starts(refs[i].name, STR("after")) &&
            (refs[i].kind != CATALOG_TX || t->action->names_jobs)) {
            add_ref(t, &refs[i], &out);
        }
    }
    add_user(t, &out);
    ck_assert(!out.failed);
    return out.data;
}

/* ---- the stage ---- */

/* Opens the lake, which stays open, and acts, under whatever is armed. */
static int attempt(struct trial *t, corrie_error *err)
{
    int r;

    r = trial_open(t, err);
    if (r >= 0) {
        r = t->action->act(t, err);
    }
    return r;
}

static void next_round(struct trial *t)
{
    t->round++;
    snprintf(t->name, sizeof t->name, "n%u", t->round);
}

static void keep_scene(struct trial *t)
{
    corrie_error *err = &t->s.f.err;

    t->action->scene(t);
    trial_reopen(t);
    t->before = trial_state(t);
    close_lake(t);
    ck_ok(os_temp_dir("corrie-kept", &t->kept, err), err);
    copy_tree(t->s.f.dir, t->kept);
    ck_ok(attempt(t, err), err);
    close_lake(t);
    ck_ok(trial_open(t, err), err);
    t->after = trial_state(t);
    if (t->action->check) {
        t->action->check(t);
    }
}

void trial_init(struct trial *t, const struct action *action)
{
    corrie_error *err = &t->s.f.err;

    *t = (struct trial){.round = 1, .action = action};
    use_memory();
    fixture_init(&t->s.f);
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("XDG_DATA_HOME");
    fixture_open(&t->s.f);
    ck_ok(engine_open(&(struct engine_options){.threads = 1}, &t->s.engine, err), err);
    if (action->scene) {
        keep_scene(t);
    }
}

void trial_done(struct trial *t)
{
    if (t->kept) {
        ck_ok(os_tree_remove(t->kept, &t->s.f.err), &t->s.f.err);
    }
    mem_free(t->kept);
    mem_free(t->before);
    mem_free(t->after);
    corrie_error_clear(&t->said);
    engine_close(t->s.engine);
    arena_done(&t->s.arena);
    fixture_done(&t->s.f);
}

static void prepare(struct trial *t)
{
    next_round(t);
    if (t->kept) {
        close_lake(t);
        restore(t);
    } else if (t->action->prepare) {
        trial_reopen(t);
        t->action->prepare(t);
    }
    close_lake(t);
}

/* ---- what was told ---- */

void check_told(const char *what, const char *fault, int r, int expected, const corrie_error *err)
{
    if (r >= 0) {
        return;
    }
    /* SQLite does not always say why an operation failed */
    ck_assert_msg(r == expected || (preloaded() && r == CORRIE_E_IO),
                  "%s under %s: %s (%s), expected %s", what, fault, corrie_code_name(r),
                  corrie_error_message(err), corrie_code_name(expected));
    ck_assert_int_eq(r, err->code);
    ck_assert_msg(corrie_error_message(err)[0] != '\0', "%s under %s: failed without a word", what,
                  fault);
    ck_assert_int_eq(corrie_code_exit_status(r), 5);
}

/* A handle that met a fault goes on working, for writing too. */
static void make_another_branch(struct trial *t)
{
    char name[32];
    char *text;

    snprintf(name, sizeof name, "after%u", t->round);
    ck_ok(corrie_branch_create(t->s.f.lake, name, &from_main, &text, &t->s.f.err), &t->s.f.err);
    corrie_free(text);
}

static bool state_is_new(struct trial *t, const char *fault, int told)
{
    char *state = trial_state(t);
    bool is_old = strcmp(state, t->before) == 0;
    bool is_new = strcmp(state, t->after) == 0;

    ck_assert_msg(is_old || is_new || (told != 0 && t->action->in_steps),
                  "%s under %s: something between\nbefore:\n%safter:\n%sis:\n%s", t->action->name,
                  fault, t->before, t->after, state);
    /* a machine that fails at the very end of SQLite's commit may have made it (catalog.h) */
    ck_assert_msg(told >= 0 || is_old || t->action->in_steps || preloaded() ||
                      (t->action->ends_in_rename && t->said.code != CORRIE_E_NO_MEMORY),
                  "%s under %s: told to have failed, and was done: %s", t->action->name, fault,
                  corrie_error_message(&t->said));
    mem_free(state);
    return is_new;
}

/* Whether the action was done. Without a scene that changes what the trial knows of the lake. */
static bool see(struct trial *t, const char *fault, int told)
{
    bool is_new = t->kept ? state_is_new(t, fault, told) : t->action->is_new(t);

    ck_assert_msg(told < 0 || is_new, "%s under %s: told to be done, and is not there",
                  t->action->name, fault);
    return is_new;
}

static void check_sound(struct trial *t, const char *fault)
{
    char *text = NULL;
    int r = corrie_fsck(t->s.f.lake, NULL, &text, &t->s.f.err);

    ck_assert_msg(r >= 0, "%s under %s: %s\n%s", t->action->name, fault,
                  corrie_error_message(&t->s.f.err), text ? text : "");
    corrie_free(text);
}

/* What did not come to be is done by the same action, now that nothing fails. */
static void act_again(struct trial *t, const char *fault)
{
    int r;

    close_lake(t);
    next_round(t);
    r = attempt(t, &t->s.f.err);
    ck_assert_msg(r >= 0, "%s after %s, again: %s", t->action->name, fault,
                  corrie_error_message(&t->s.f.err));
    trial_reopen(t);
    ck_assert(see(t, fault, 0));
}

/* What was told is so: success means new, and everything that is named can be read. Looked at through the handle that
 * met the fault, if it could be opened, and through a new one. */
static void check_lake(struct trial *t, const char *fault, int told, bool deep)
{
    int64_t rows = t->rows;
    int64_t sum = t->sum;
    bool is_new;

    if (t->s.f.lake) {
        is_new = see(t, fault, told);
        if (is_new || !t->action->in_steps) {
            make_another_branch(t);
        }
        t->rows = rows;
        t->sum = sum;
    }
    trial_reopen(t);
    is_new = see(t, fault, told);
    if (deep && !(t->action->in_steps && (told < 0 || !is_new))) {
        check_sound(t, fault);
    }
    if (t->kept && (!is_new || (told < 0 && t->action->in_steps && !t->action->once))) {
        act_again(t, fault);
        if (deep) {
            check_sound(t, fault);
        }
    }
    if (deep && t->kept && t->action->check) {
        t->action->check(t);
    }
    close_lake(t);
}

/* ---- trying it ---- */

/* Sanitizers take four times as long, and look for what is at any place or at none. */
static uint64_t sampled(uint64_t wanted)
{
    return getenv("CORRIE_SANITIZED") ? (wanted + 1) / 2 : wanted;
}

/* The place of the fault in attempt number `i`; 0 = enough. All of them while there are any (`fired`), or where a sample
 * will do, so many, evenly spread; `phase` of `phases` series take different ones. */
static uint64_t place(uint64_t i, bool fired, uint64_t count, uint64_t wanted, uint64_t phase,
                      uint64_t phases)
{
    wanted = sampled(wanted);
    if (tortured() || count == 0 || count <= wanted) {
        return fired ? i + 1 : 0;
    }
    return i < wanted ? 1 + (i * phases + phase) * count / (wanted * phases) : 0;
}

static void arm(const struct trial *t, const struct disk *disk, uint64_t at, char fault[300])
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    snprintf(fault, 300, "root=%s,op=%s,errno=%s,at=%llu%s", t->s.f.dir, disk->op, disk->error,
             (unsigned long long)at, disk->sticky ? ",sticky" : "");
    ck_ok(os_fault_arm(fault, &err), &err);
}

enum { OPERATIONS = 8, ALLOCATIONS = 14, ENDS = 4 };

void trial_operations(struct trial *t, const struct disk *disk)
{
    const struct action *action = t->action;
    unsigned failed = 0;
    uint64_t count = 0;
    bool fired = true;
    char fault[300];
    uint64_t k;

    if (t->kept && !tortured()) { /* how many are there? */
        prepare(t);
        arm(t, disk, UINT32_MAX, fault);
        ck_ok(attempt(t, &t->s.f.err), &t->s.f.err);
        count = os_fault_count();
        os_fault_disarm();
    }
    for (uint64_t i = 0;
         (k = place(i, fired, count, OPERATIONS, (uint64_t)(disk - disks), N_DISKS)) > 0; i++) {
        size_t handles;
        int r;

        prepare(t);
        handles = open_descriptors();
        arm(t, disk, k, fault);
        corrie_error_clear(&t->said);
        r = attempt(t, &t->said);
        fired = os_fault_hits() > 0;
        os_fault_disarm();
        check_told(action->name, fault, r, disk->code, &t->said);
        ck_assert_msg(fired || r >= 0, "%s fails without a fault: %s", action->name,
                      corrie_error_message(&t->said));
        ck_assert_msg(!disk->told || preloaded() || !fired || r < 0 || action->may_keep_quiet,
                      "%s under %s: the failure was kept quiet", action->name, fault);
        check_lake(t, fault, r, true);
        ck_assert_uint_eq(open_descriptors(), handles);
        failed += r < 0;
    }
    /* refs are changed by SQLite alone */
    ck_assert(failed > 0 || !preloaded());
}

void trial_allocations(struct trial *t, bool sticky)
{
    const struct action *action = t->action;
    unsigned failed = 0;
    unsigned n = 0;
    uint64_t count = 0;
    bool fired = true;
    uint64_t k;

    if (!tortured()) {
        prepare(t);
        os_fault_arm_alloc(0, 0);
        ck_ok(attempt(t, &t->s.f.err), &t->s.f.err);
        count = os_fault_alloc_count();
        mem_set_fault(NULL, NULL);
        if (!t->kept) {
            (void)see(t, "nothing", 0);
        }
    }
    for (uint64_t i = 0; (k = place(i, fired, count, ALLOCATIONS, sticky, 2)) > 0; i++) {
        char fault[100];
        size_t handles;
        int r;

        prepare(t);
        handles = open_descriptors();
        snprintf(fault, sizeof fault, "allocation %llu%s", (unsigned long long)k,
                 sticky ? " and all after" : "");
        os_fault_arm_alloc(k, sticky);
        corrie_error_clear(&t->said);
        r = attempt(t, &t->said);
        fired = os_fault_alloc_count() >= k;
        mem_set_fault(NULL, NULL);
        check_told(action->name, fault, r, CORRIE_E_NO_MEMORY, &t->said);
        ck_assert_msg(fired || r >= 0, "%s fails without a fault: %s", action->name,
                      corrie_error_message(&t->said));
        check_lake(t, fault, r, !fired || n++ % 16 == 0);
        ck_assert_uint_eq(open_descriptors(), handles);
        failed += r < 0;
    }
    ck_assert_uint_gt(failed, sampled(ALLOCATIONS) * 3 / 8);
}

/* ---- the end in the middle ---- */

/* What a process that may be cut off at any time has told. */
struct last_words {
    bool done;
    bool closed;
    uint64_t operations;
    char error[300]; /* "" = none */
};

static void tell(int fd, const struct last_words *words)
{
    ck_assert_int_eq(write(fd, words, sizeof *words), sizeof *words);
}

__attribute__((noreturn)) static void act_and_exit(struct trial *t, const char *fault, int fd)
{
    struct last_words words = {0};
    int r = os_fault_arm(fault, &t->said);

    if (r >= 0) {
        r = attempt(t, &t->said);
    }
    words.done = r >= 0;
    if (r < 0) {
        snprintf(words.error, sizeof words.error, "%s", corrie_error_message(&t->said));
    }
    tell(fd, &words);
    close_lake(t);
    words.closed = true;
    words.operations = os_fault_count();
    tell(fd, &words);
    _exit(0); /* and the fault library looks at what is not durable */
}

/* The action in a process of its own. Whether that was cut off. */
static bool act_apart(struct trial *t, const char *fault, struct last_words *ret)
{
    struct last_words words;
    int status;
    int ends[2];
    pid_t child;

    *ret = (struct last_words){0};
    ck_assert_int_eq(pipe(ends), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        act_and_exit(t, fault, ends[1]);
    }
    close(ends[1]);
    while (read(ends[0], &words, sizeof words) == sizeof words) {
        *ret = words;
    }
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(ret->error[0] == '\0', "%s under %s: %s", t->action->name, fault, ret->error);
    ck_assert_msg((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
                      (WIFEXITED(status) && WEXITSTATUS(status) == 0 && ret->closed),
                  "%s under %s: ended with %x", t->action->name, fault, (unsigned)status);
    return WIFSIGNALED(status);
}

/* After the machine is up again. */
static void check_left(struct trial *t, const char *fault, bool done)
{
    bool is_new;
    int r = trial_open(t, &t->s.f.err);

    ck_assert_msg(r >= 0, "%s under %s: the lake does not open: %s", t->action->name, fault,
                  corrie_error_message(&t->s.f.err));
    is_new = state_is_new(t, fault, done ? 0 : 1);
    ck_assert_msg(is_new || !done, "%s under %s: told to be done, and is not there",
                  t->action->name, fault);
    if (is_new || !t->action->mends) {
        check_sound(t, fault);
    }
    if (!is_new || (!done && t->action->in_steps && !t->action->once)) {
        act_again(t, fault);
        check_sound(t, fault);
    }
    if (t->action->check) {
        t->action->check(t);
    }
}

static void name_end(const struct trial *t, const char *how, uint64_t at, char fault[300])
{
    snprintf(fault, 300, "root=%s,op=any,at=%llu,%s", t->s.f.dir, (unsigned long long)at, how);
}

void trial_ends(struct trial *t, const char *how)
{
    struct last_words words;
    uint64_t count;
    bool cut = true;
    char fault[300];
    uint64_t k;

    prepare(t);
    name_end(t, how, UINT32_MAX, fault);
    ck_assert(!act_apart(t, fault, &words));
    count = words.operations;
    check_left(t, fault, true);
    ck_assert(count > 0 || strcmp(t->before, t->after) == 0);
    for (uint64_t i = 0; (k = place(i, cut, count, ENDS, strlen(how) % 4, 4)) > 0; i++) {
        prepare(t);
        name_end(t, how, k, fault);
        cut = act_apart(t, fault, &words);
        check_left(t, fault, words.done);
    }
    close_lake(t);
}

void trial_end_when_told(struct trial *t, const char *how)
{
    struct last_words words;
    char fault[300];

    prepare(t);
    snprintf(fault, sizeof fault, "root=%s,op=any,%s", t->s.f.dir, how);
    (void)act_apart(t, fault, &words);
    check_left(t, fault, true);
    close_lake(t);
}
