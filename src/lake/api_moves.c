/* api_moves.c — making, removing and moving branches and tags, in the public interface.
 *
 * Each is one movement by compare-and-swap, decided on what the ref was when it was looked at; if it moved meanwhile,
 * the same is decided again, a bounded number of times. Renaming is two movements: the new name is there before the
 * old one goes. */
#include "lake/api_priv.h"

#include "lang/refexpr.h"

enum { TRIES = 16, WAIT_NS = 2000000 };

/* ---- one movement ---- */

/* Decides on a movement, from what is there now. 1: make the move; 0: there is nothing to do. */
typedef int (*decide_fn)(void *arg, struct lake *lake, struct catalog_move *move,
                         corrie_error *err);

static int move_ref(struct lake *lake, decide_fn decide, void *arg, struct catalog_move *move,
                    corrie_error *err)
{
    for (unsigned i = 1;; i++) {
        int r = decide(arg, lake, move, err);

        if (r <= 0) {
            return r;
        }
        r = catalog_commit(lake->catalog, NULL, move, err);
        if (r >= 0) {
            return 1;
        }
        if (r != CORRIE_E_CONFLICT || !err->retryable || i == TRIES) {
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

/* What a ref that is made may be called. Ones of other names that are there stay usable. */
static int check_new_name(struct str name, corrie_error *err)
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

/* ---- creating ---- */

struct creating {
    const corrie_ref_options *options;
    struct hash at; /* where the ref of that name is */
};

static int give_created(struct str name, enum catalog_ref_kind kind, const struct hash *commit,
                        bool created, char **ret_json, corrie_error *err)
{
    _json_ json_t *document = json_object();
    int r;

    r = js_set_str(document, "name", name);
    r |= js_set_str(document, "kind", str_of(catalog_ref_kind_name(kind)));
    r |= js_set_hash(document, "commit", commit);
    r |= js_set_bool(document, "created", created);
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
    return r < 0 ? r : 1;
}

static int create_ref(corrie_lake *lake, const char *name, enum catalog_ref_kind kind,
                      const corrie_ref_options *options, char **ret_json, corrie_error *err)
{
    corrie_ref_options given = {.size = sizeof given};
    struct creating creating = {.options = &given};
    struct catalog_move move = {.ref = str_of(name), .kind = kind, .who = lake->user};
    int r;

    API_GIVEN(given, options);
    move.why = why_of(&given, kind == CATALOG_TAG ? "tag create" : "branch create");
    r = check_new_name(move.ref, err);
    if (r >= 0) {
        r = move_ref(lake, decide_creation, &creating, &move, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "create %s %s", catalog_ref_kind_name(kind), name);
    }
    return give_created(move.ref, kind, &creating.at, r > 0, ret_json, err);
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

/* The branch that commands would mean next must not vanish under them, nor may the last one. */
static int check_removable(struct lake *lake, struct str name, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct catalog_ref *refs;
    struct str head;
    size_t n;
    int r;

    r = lake_head(lake, &arena, &head, err);
    if (r < 0) {
        return r;
    }
    if (str_eq(head, name)) {
        corrie_fail(err, CORRIE_E_REFUSED, "it is checked out");
        return corrie_hint(err, "check out another branch first: corrie checkout main");
    }
    r = catalog_ref_list(lake->catalog, STR_EMPTY, CATALOG_BRANCH, STR_EMPTY, 2, &arena, &refs, &n,
                         err);
    if (r >= 0 && n == 1) {
        r = corrie_fail(err, CORRIE_E_REFUSED, "it is the only branch");
    }
    return r;
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
        r = corrie_fail(err, CORRIE_E_USAGE, "it is a %s", catalog_ref_kind_name(found.kind));
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

static int remove_ref(corrie_lake *lake, const char *name, enum catalog_ref_kind kind,
                      const corrie_ref_options *options, char **ret_json, corrie_error *err)
{
    const char *kind_name = catalog_ref_kind_name(kind);
    corrie_ref_options given = {.size = sizeof given};
    struct removing removing = {.options = &given};
    struct catalog_move move = {.ref = str_of(name), .kind = kind, .who = lake->user};
    _cleanup_(buf_done) struct buf restore = {0};
    _json_ json_t *document = json_object();
    char hex[HASH_HEX + 1];
    int r;

    API_GIVEN(given, options);
    move.why = why_of(&given, kind == CATALOG_TAG ? "tag rm" : "branch rm");
    r = move_ref(lake, decide_removal, &removing, &move, err);
    if (r < 0) {
        return corrie_wrap(err, "remove %s %s", kind_name, name);
    }
    hash_hex(&move.expected, hex);
    buf_addf(&restore, "corrie %s create %s --from-ref @%.16s", kind_name, name, hex);
    if (restore.failed) {
        return corrie_fail_memory(err);
    }
    bool removed = r > 0;
    r = js_set_str(document, "name", move.ref);
    r |= js_set_str(document, "kind", str_of(kind_name));
    r |= js_set_hash(document, "commit", removed ? &move.expected : NULL);
    r |= js_set(document, "restore", removed ? js_string(buf_str(&restore)) : json_null());
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
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

/* ---- moving ---- */

int corrie_branch_rename(corrie_lake *lake, const char *name, const char *new_name,
                         const corrie_ref_options *options, char **ret_json, corrie_error *err)
{
    (void)lake;
    (void)name;
    (void)new_name;
    (void)options;
    (void)ret_json;
    return corrie_fail(err, CORRIE_E_UNSUPPORTED, "renaming a branch is not built yet");
}

int corrie_branch_reset(corrie_lake *lake, const char *name, const char *to_ref,
                        const corrie_ref_options *options, char **ret_json, corrie_error *err)
{
    (void)lake;
    (void)name;
    (void)to_ref;
    (void)options;
    (void)ret_json;
    return corrie_fail(err, CORRIE_E_UNSUPPORTED, "resetting a branch is not built yet");
}

int corrie_ref_restore(corrie_lake *lake, const char *name, const corrie_ref_options *options,
                       char **ret_json, corrie_error *err)
{
    (void)lake;
    (void)name;
    (void)options;
    (void)ret_json;
    return corrie_fail(err, CORRIE_E_UNSUPPORTED, "restoring a ref is not built yet");
}
