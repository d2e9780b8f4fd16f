/* api_moves.c — making, removing and moving branches and tags, in the public interface.
 *
 * Each is one movement by compare-and-swap, decided on what the ref was when it was looked at; if it moved meanwhile,
 * the same is decided again, a bounded number of times. Renaming: api_rename.c. */
#include "lake/api_priv.h"

#include "base/mem.h"
#include "lang/refexpr.h"

enum { WAIT_NS = 2000000 };

/* ---- one movement ---- */

/* Whether a movement failed because of what others did since it was decided. */
static bool may_differ_now(const struct catalog_move *move, const corrie_error *err)
{
    bool creates = hash_is_zero(&move->expected);

    return (err->code == CORRIE_E_CONFLICT && err->retryable) ||
           (err->code == CORRIE_E_EXISTS && creates) ||
           (err->code == CORRIE_E_NOT_FOUND && !creates);
}

int api_move_ref(struct lake *lake, api_decide_fn decide, api_answer_fn answer, void *arg,
                 struct catalog_move *move, char **ret_json, corrie_error *err)
{
    for (unsigned i = 1;; i++) {
        _free_ char *text = NULL;
        bool moves;
        int r = catalog_generation(lake->catalog, &move->generation, err);

        if (r >= 0) {
            r = decide(arg, lake, move, err);
        }
        moves = r > 0;
        if (r >= 0 && answer) {
            r = answer(arg, lake, move, moves, &text, err);
        }
        if (r < 0) {
            return r;
        }
        r = moves ? catalog_commit(lake->catalog, NULL, move, err) : 0;
        if (r >= 0) {
            if (answer) {
                *ret_json = TAKE_PTR(text);
            }
            return moves;
        }
        if (!may_differ_now(move, err) || i == API_TRIES) {
            return r;
        }
        r = cancel_check(lake->cancel, err);
        if (r < 0) {
            return r;
        }
        corrie_error_clear(err);
        clock_sleep((int64_t)i * WAIT_NS);
    }
}

/* ---- names ---- */

static int fail_name(const char *why, corrie_error *err)
{
    return corrie_fail(err, CORRIE_E_USAGE, "%s", why);
}

int api_check_new_name(struct str name, corrie_error *err)
{
    size_t digits = 0;
    int r;

    r = ref_name_check(name, err);
    if (r < 0) {
        return r;
    }
    if (ref_name_reserved(name)) {
        fail_name("names under tx/ belong to jobs", err);
        return corrie_hint(err, "choose another name");
    }
    if (str_eq_nocase(name, STR("HEAD"))) {
        fail_name("HEAD is what is checked out, and no name", err);
        return corrie_hint(err, "choose another name");
    }
    while (digits < name.len && ((name.data[digits] >= '0' && name.data[digits] <= '9') ||
                                 (name.data[digits] >= 'a' && name.data[digits] <= 'f') ||
                                 (name.data[digits] >= 'A' && name.data[digits] <= 'F'))) {
        digits++;
    }
    if (digits == name.len && name.len >= REF_HASH_MIN && name.len <= HASH_HEX) {
        fail_name("the name looks like the hash of a commit", err);
        return corrie_hint(err, "choose one that is not made of 8 to 64 hex digits alone");
    }
    for (size_t i = 0; i + 1 < name.len; i++) {
        if (name.data[i] == '/' && (name.data[i + 1] == '/' || name.data[i + 1] == '.')) {
            fail_name(name.data[i + 1] == '/' ? "the name has an empty part"
                                              : "a part of the name begins with a dot",
                      err);
            return corrie_hint(err, "write it as a/b, with letters or digits behind each '/'");
        }
    }
    return 0;
}

static struct str why_of(const corrie_ref_options *options, const char *otherwise)
{
    return options->message && *options->message ? str_of(options->message) : str_of(otherwise);
}

int api_need_branch(const struct catalog_ref *found, corrie_error *err)
{
    if (found->kind == CATALOG_BRANCH) {
        return 0;
    }
    return corrie_fail(err, CORRIE_E_USAGE, "%.*s is a %s", STR_FMT(found->name),
                       catalog_ref_kind_name(found->kind));
}

int api_allow(struct lake_guard *guard, const struct hash *from, const struct hash *to,
              struct str why, struct str *ret_why, corrie_error *err)
{
    struct str note = STR_EMPTY;
    char *text;
    int r;

    r = lake_guard_ref(guard, from, to, &note, err);
    if (r < 0) {
        return r;
    }
    *ret_why = why;
    if (note.len > 0) {
        text = arena_printf(guard->arena, "%.*s; %.*s", STR_FMT(why), STR_FMT(note));
        *ret_why = str_of(text);
        return text ? 0 : corrie_fail_memory(err);
    }
    return 0;
}

/* ---- creating ---- */

struct creating {
    const corrie_ref_options *options;
    struct lake_guard guard;
    struct str why;
    struct hash at; /* where the ref of that name is */
};

static int give_created(void *arg, struct lake *lake, const struct catalog_move *move, bool moves,
                        char **ret_json, corrie_error *err)
{
    const struct creating *creating = arg;
    _json_ json_t *document = json_object();
    int r;

    (void)lake;
    r = js_set_str(document, "name", move->ref);
    r |= js_set_str(document, "kind", str_of(catalog_ref_kind_name(move->kind)));
    r |= js_set_hash(document, "commit", &creating->at);
    r |= js_set_bool(document, "created", moves);
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}

static int decide_creation(void *arg, struct lake *lake, struct catalog_move *move,
                           corrie_error *err)
{
    struct creating *creating = arg;
    struct catalog_ref found;
    int r;

    r = catalog_ref_find(lake->catalog, move->ref, &found, err);
    if (r > 0 && found.kind == move->kind && creating->options->if_not_exists) {
        creating->at = found.commit;
        return 0;
    }
    if (r > 0) {
        corrie_fail(err, CORRIE_E_EXISTS, "there is a %s of that name",
                    catalog_ref_kind_name(found.kind));
        return found.kind == CATALOG_BRANCH
                   ? corrie_hint(err, "corrie checkout %.*s goes there", STR_FMT(move->ref))
                   : corrie_hint(err, "choose another name");
    }
    if (r >= 0) {
        r = lake_resolve(lake, str_of(creating->options->from_ref), &move->new_commit, err);
    }
    creating->at = move->new_commit;
    move->why = creating->why;
    if (r >= 0 && move->kind == CATALOG_BRANCH) {
        r = api_allow(&creating->guard, NULL, &move->new_commit, creating->why, &move->why, err);
    }
    return r < 0 ? r : 1;
}

static int create_ref(corrie_lake *lake, const char *name, enum catalog_ref_kind kind,
                      const corrie_ref_options *options, char **ret_json, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    corrie_ref_options given = {.size = sizeof given};
    struct creating creating = {.options = &given};
    struct catalog_move move = {.ref = str_of(name), .kind = kind, .who = lake->user};
    int r;

    API_GIVEN(given, options);
    creating.why = why_of(&given, kind == CATALOG_TAG ? "tag create" : "branch create");
    creating.guard =
        (struct lake_guard){.lake = lake, .arena = &arena, .accept_taint = given.accept_taint};
    r = api_check_new_name(move.ref, err);
    if (r >= 0) {
        r = api_move_ref(lake, decide_creation, give_created, &creating, &move, ret_json, err);
    }
    return r < 0 ? corrie_wrap(err, "create %s %s", catalog_ref_kind_name(kind), name) : 0;
}

int corrie_branch_create(corrie_lake *lake, const char *name, const corrie_ref_options *options,
                         char **ret_json, corrie_error *err)
{
    return create_ref(lake, name, CATALOG_BRANCH, options, ret_json, err);
}

int corrie_tag_create(corrie_lake *lake, const char *name, const corrie_ref_options *options,
                      char **ret_json, corrie_error *err)
{
    return create_ref(lake, name, CATALOG_TAG, options, ret_json, err);
}

/* ---- removing ---- */

/* What the command that brings a branch back must say too: " --accept-taint" if a failed job wrote what is there. A
 * branch whose commit cannot be read may go all the same. */
static int add_consent(struct lake *lake, const struct catalog_move *move, struct buf *restore,
                       corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct commit commit = {0};
    int r = 0;

    if (move->kind == CATALOG_BRANCH) {
        r = commit_read(lake->catalog, &move->expected, &arena, &commit, err);
    }
    if (r == CORRIE_E_CORRUPT) {
        corrie_error_clear(err);
        r = 0;
    }
    if (r >= 0 && commit.tainted > 0) {
        buf_add_text(restore, " --accept-taint");
    }
    return r < 0 ? r : buf_check(restore, err);
}

/* The branch that commands would mean next must not vanish under them. */
static int check_removable(struct lake *lake, struct str name, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct str head;
    struct str kept;
    int r;

    r = lake_head(lake, &arena, &head, err);
    if (r < 0 || (r = lake_head_kept(lake, &arena, &kept, err)) < 0) {
        return r;
    }
    if (str_eq(head, name) || str_eq(kept, name)) {
        corrie_fail(err, CORRIE_E_REFUSED, "it is checked out");
        return corrie_hint(err, "check out another branch first: corrie checkout %s",
                           str_eq(name, STR(LAKE_MAIN)) ? "BRANCH" : LAKE_MAIN);
    }
    return 0;
}

struct removing {
    const corrie_ref_options *options;
};

static int decide_removal(void *arg, struct lake *lake, struct catalog_move *move,
                          corrie_error *err)
{
    const struct removing *removing = arg;
    struct catalog_ref found;
    int r;

    r = catalog_ref_find(lake->catalog, move->ref, &found, err);
    if (r == 0 && removing->options->if_exists) {
        return 0;
    }
    if (r == 0) {
        r = catalog_ref_get(lake->catalog, move->ref, &found, err); /* says which are nearest */
    }
    if (r >= 0 && found.kind != move->kind) {
        r = corrie_fail(err, CORRIE_E_USAGE, "it is %s",
                        found.kind == CATALOG_TX    ? "what a job left or works on"
                        : found.kind == CATALOG_TAG ? "a tag"
                                                    : "a branch");
        r = corrie_hint(err, "corrie %s %.*s removes it",
                        found.kind == CATALOG_TX    ? "branch prune --older-than 0"
                        : found.kind == CATALOG_TAG ? "tag rm"
                                                    : "branch rm",
                        STR_FMT(move->ref));
    }
    if (r >= 0 && move->kind == CATALOG_BRANCH) {
        r = check_removable(lake, move->ref, err);
    }
    if (r < 0) {
        return r;
    }
    move->expected = found.commit;
    return 1;
}

static int give_removed(void *arg, struct lake *lake, const struct catalog_move *move, bool moves,
                        char **ret_json, corrie_error *err)
{
    const char *kind_name = catalog_ref_kind_name(move->kind);
    _cleanup_(buf_done) struct buf restore = {0};
    _json_ json_t *document = json_object();
    char hex[HASH_HEX + 1];
    int r;

    (void)arg;
    hash_hex(&move->expected, hex);
    buf_addf(&restore, "corrie %s create %.*s --from-ref @%.16s", kind_name, STR_FMT(move->ref),
             hex);
    r = moves ? add_consent(lake, move, &restore, err) : 0;
    if (r < 0) {
        return r;
    }
    r = js_set_str(document, "name", move->ref);
    r |= js_set_str(document, "kind", str_of(kind_name));
    r |= js_set_hash(document, "commit", moves ? &move->expected : NULL);
    r |= js_set(document, "restore", moves ? js_string(buf_str(&restore)) : json_null());
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}

static int remove_ref(corrie_lake *lake, const char *name, enum catalog_ref_kind kind,
                      const corrie_ref_options *options, char **ret_json, corrie_error *err)
{
    corrie_ref_options given = {.size = sizeof given};
    struct removing removing = {.options = &given};
    struct catalog_move move = {.ref = str_of(name),
                                .kind = kind,
                                .who = lake->user,
                                .leaves_another = kind == CATALOG_BRANCH};
    int r;

    API_GIVEN(given, options);
    move.why = why_of(&given, kind == CATALOG_TAG ? "tag rm" : "branch rm");
    r = api_move_ref(lake, decide_removal, give_removed, &removing, &move, ret_json, err);
    return r < 0 ? corrie_wrap(err, "remove %s %s", catalog_ref_kind_name(kind), name) : 0;
}

int corrie_branch_delete(corrie_lake *lake, const char *name, const corrie_ref_options *options,
                         char **ret_json, corrie_error *err)
{
    return remove_ref(lake, name, CATALOG_BRANCH, options, ret_json, err);
}

int corrie_tag_delete(corrie_lake *lake, const char *name, const corrie_ref_options *options,
                      char **ret_json, corrie_error *err)
{
    return remove_ref(lake, name, CATALOG_TAG, options, ret_json, err);
}

/* ---- resetting ---- */

struct resetting {
    const char *to_ref;
    struct lake_guard guard;
    struct str why;
};

static int decide_reset(void *arg, struct lake *lake, struct catalog_move *move, corrie_error *err)
{
    struct resetting *resetting = arg;
    struct catalog_ref found;
    int r;

    r = catalog_ref_get(lake->catalog, move->ref, &found, err);
    if (r >= 0) {
        r = api_need_branch(&found, err);
    }
    if (r >= 0) {
        r = lake_resolve(lake, str_of(resetting->to_ref), &move->new_commit, err);
    }
    if (r < 0) {
        return r;
    }
    move->expected = found.commit;
    if (hash_eq(&found.commit, &move->new_commit)) {
        return 0;
    }
    r = api_allow(&resetting->guard, &found.commit, &move->new_commit, resetting->why, &move->why,
                  err);
    return r < 0 ? r : 1;
}

static int give_reset(void *arg, struct lake *lake, const struct catalog_move *move, bool changed,
                      char **ret_json, corrie_error *err)
{
    _cleanup_(buf_done) struct buf restore = {0};
    _json_ json_t *document = json_object();
    char hex[HASH_HEX + 1];
    int r;

    (void)arg;
    hash_hex(&move->expected, hex);
    buf_addf(&restore, "corrie branch reset %.*s @%.16s", STR_FMT(move->ref), hex);
    r = changed ? add_consent(lake, move, &restore, err) : 0;
    if (r < 0) {
        return r;
    }
    r = js_set_str(document, "name", move->ref);
    r |= js_set_hash(document, "commit", &move->new_commit);
    r |= js_set_hash(document, "previous", &move->expected);
    r |= js_set_bool(document, "changed", changed);
    r |= js_set(document, "restore", changed ? js_string(buf_str(&restore)) : json_null());
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}

int corrie_branch_reset(corrie_lake *lake, const char *name, const char *to_ref,
                        const corrie_ref_options *options, char **ret_json, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    corrie_ref_options given = {.size = sizeof given};
    struct resetting resetting = {.to_ref = to_ref};
    struct catalog_move move = {.kind = CATALOG_BRANCH, .who = lake->user};
    char *why;
    int r;

    API_GIVEN(given, options);
    resetting.guard =
        (struct lake_guard){.lake = lake, .arena = &arena, .accept_taint = given.accept_taint};
    why = arena_printf(&arena, "branch reset to %s", to_ref ? to_ref : "what is checked out");
    if (!why) {
        return corrie_fail_memory(err);
    }
    resetting.why = why_of(&given, why);
    r = lake_branch(lake, str_of(name), &arena, &move.ref, err);
    if (r >= 0) {
        r = api_move_ref(lake, decide_reset, give_reset, &resetting, &move, ret_json, err);
    }
    if (r < 0) {
        return name && *name ? corrie_wrap(err, "reset branch %s", name)
                             : corrie_wrap(err, "reset what is checked out");
    }
    return 0;
}

/* ---- bringing back ---- */

struct restoring {
    struct lake_guard guard;
    const corrie_ref_options *options;
};

/* The newest movement that removed the ref. */
static int find_removal(struct lake *lake, struct str name, struct arena *arena,
                        struct catalog_reflog_entry *ret, corrie_error *err)
{
    struct catalog_reflog_entry *found;
    struct catalog_ref ignored;
    size_t n;
    int r;

    r = catalog_reflog(lake->catalog, name, 0, 1, arena, &found, &n, err);
    if (r < 0) {
        return r;
    }
    r = n > 0 ? 0
              : catalog_ref_get(lake->catalog, name, &ignored, err); /* says which are nearest */
    if (r < 0) {
        return r;
    }
    if (n == 0 || !hash_is_zero(&found[0].new_commit)) { /* since the caller looked for it */
        return corrie_fail(err, CORRIE_E_EXISTS, "it was made again at this moment");
    }
    *ret = found[0];
    return 0;
}

static int check_kept(struct lake *lake, const struct hash *commit, corrie_error *err)
{
    char hex[HASH_HEX + 1];
    int r = catalog_commit_exists(lake->catalog, commit, err);

    if (r != 0) {
        return r < 0 ? r : 0;
    }
    hash_hex(commit, hex);
    return corrie_fail(err, CORRIE_E_NOT_FOUND, "commit %.12s, where it stood, was collected (gc)",
                       hex);
}

static int decide_restore(void *arg, struct lake *lake, struct catalog_move *move,
                          corrie_error *err)
{
    struct restoring *restoring = arg;
    struct catalog_reflog_entry removal = {.kind = CATALOG_BRANCH};
    struct catalog_ref found;
    struct str why;
    int r;

    r = catalog_ref_find(lake->catalog, move->ref, &found, err);
    if (r > 0) {
        return corrie_fail(err, CORRIE_E_EXISTS, "there is a %s of that name",
                           catalog_ref_kind_name(found.kind));
    }
    if (r >= 0) {
        r = find_removal(lake, move->ref, restoring->guard.arena, &removal, err);
    }
    if (r >= 0) {
        r = check_kept(lake, &removal.old_commit, err);
    }
    if (r < 0) {
        return r;
    }
    move->kind = removal.kind;
    move->new_commit = removal.old_commit;
    why =
        why_of(restoring->options, removal.kind == CATALOG_TAG ? "tag restore" : "branch restore");
    if (removal.kind == CATALOG_TAG) {
        move->why = why;
        return 1;
    }
    r = api_allow(&restoring->guard, NULL, &move->new_commit, why, &move->why, err);
    return r < 0 ? r : 1;
}

static int give_restored(void *arg, struct lake *lake, const struct catalog_move *move, bool moves,
                         char **ret_json, corrie_error *err)
{
    _json_ json_t *document = json_object();
    int r;

    (void)arg;
    (void)lake;
    (void)moves;
    r = js_set_str(document, "name", move->ref);
    r |= js_set_str(document, "kind", str_of(catalog_ref_kind_name(move->kind)));
    r |= js_set_hash(document, "commit", &move->new_commit);
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}

int corrie_ref_restore(corrie_lake *lake, const char *name, const corrie_ref_options *options,
                       char **ret_json, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    corrie_ref_options given = {.size = sizeof given};
    struct restoring restoring = {.options = &given};
    struct catalog_move move = {.ref = str_of(name), .who = lake->user};
    int r;

    API_GIVEN(given, options);
    restoring.guard =
        (struct lake_guard){.lake = lake, .arena = &arena, .accept_taint = given.accept_taint};
    r = ref_name_check(move.ref, err);
    if (r >= 0 && ref_name_reserved(move.ref)) {
        corrie_fail(err, CORRIE_E_USAGE, "refs under tx/ are the jobs' own");
        r = corrie_hint(err,
                        "corrie branch create NAME --from-ref @HASH makes a branch of where it "
                        "stood; corrie reflog %s says where",
                        name);
    }
    if (r >= 0) {
        r = api_move_ref(lake, decide_restore, give_restored, &restoring, &move, ret_json, err);
    }
    return r < 0 ? corrie_wrap(err, "restore %s", str_of(name).len ? name : "a ref") : 0;
}
