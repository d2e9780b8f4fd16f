/* api_rename.c — renaming branches, in the public interface.
 *
 * The new name is made, what is checked out follows, then the old name goes. If that fails, the new one goes again; if
 * corrie dies between, both are there and nothing is lost. */
#include "lake/api_priv.h"

struct renaming {
    struct str from;
    struct str to;
    struct lake_guard guard;
    const corrie_ref_options *options;
};

static int rename_why(struct renaming *renaming, const char *word, struct str other,
                      struct str *ret, corrie_error *err)
{
    const char *message = renaming->options->message;
    char *text =
        message && *message
            ? arena_printf(renaming->guard.arena, "branch rename %s %.*s: %s", word, STR_FMT(other),
                           message)
            : arena_printf(renaming->guard.arena, "branch rename %s %.*s", word, STR_FMT(other));

    *ret = str_of(text);
    return text ? 0 : corrie_fail_memory(err);
}

static int decide_new_name(void *arg, struct lake *lake, struct catalog_move *move,
                           corrie_error *err)
{
    struct renaming *renaming = arg;
    struct catalog_ref found;
    struct str why;
    int r;

    r = catalog_ref_find(lake->catalog, renaming->to, &found, err);
    if (r > 0) {
        return corrie_fail(err, CORRIE_E_EXISTS, "there is a %s called %.*s",
                           catalog_ref_kind_name(found.kind), STR_FMT(renaming->to));
    }
    if (r >= 0) {
        r = catalog_ref_get(lake->catalog, renaming->from, &found, err);
    }
    if (r >= 0) {
        r = api_need_branch(&found, err);
    }
    if (r >= 0) {
        r = rename_why(renaming, "from", renaming->from, &why, err);
    }
    if (r < 0) {
        return r;
    }
    move->new_commit = found.commit;
    r = api_allow(&renaming->guard, NULL, &found.commit, why, &move->why, err);
    return r < 0 ? r : 1;
}

/* Removes the old name. If it moved meanwhile, the new one follows it first. *commit is where both stand. */
static int drop_old_name(struct renaming *renaming, struct hash *commit, corrie_error *err)
{
    struct lake *lake = renaming->guard.lake;
    struct catalog_move drop = {.ref = renaming->from, .kind = CATALOG_BRANCH, .who = lake->user};
    struct catalog_move follow = {.ref = renaming->to, .kind = CATALOG_BRANCH, .who = lake->user};
    int r;

    r = rename_why(renaming, "to", renaming->to, &drop.why, err);
    if (r >= 0) {
        r = rename_why(renaming, "from", renaming->from, &follow.why, err);
    }
    for (unsigned i = 0; r >= 0 && i < API_TRIES; i++) {
        struct catalog_ref found;
        struct str why = follow.why;

        drop.expected = *commit;
        r = catalog_commit(lake->catalog, NULL, &drop, err);
        if (r >= 0 || (r != CORRIE_E_CONFLICT && r != CORRIE_E_NOT_FOUND)) {
            return r;
        }
        corrie_error_clear(err);
        r = catalog_ref_find(lake->catalog, renaming->from, &found, err);
        if (r <= 0) {
            return r; /* somebody removed it: it is gone, as it should be */
        }
        if (hash_eq(&found.commit, commit)) {
            continue;
        }
        follow.expected = *commit;
        follow.new_commit = found.commit;
        r = api_allow(&renaming->guard, commit, &found.commit, why, &follow.why, err);
        if (r >= 0) {
            r = catalog_commit(lake->catalog, NULL, &follow, err);
        }
        *commit = r >= 0 ? found.commit : *commit;
    }
    return r < 0 ? r
                 : corrie_fail(err, CORRIE_E_BUSY, "%.*s is moved by others all the time",
                               STR_FMT(renaming->from));
}

/* What is checked out stays so under its new name. 1 if it was. */
static int follow_head(struct renaming *renaming, corrie_error *err)
{
    struct lake *lake = renaming->guard.lake;
    struct str kept;
    int r;

    r = lake_head_kept(lake, renaming->guard.arena, &kept, err);
    if (r < 0 || !str_eq(kept, renaming->from)) {
        return r < 0 ? r : 0;
    }
    r = corrie_checkout(lake, arena_text(renaming->guard.arena, renaming->to), err);
    return r < 0 ? r : 1;
}

static void undo_rename(struct renaming *renaming, const struct hash *commit, bool head_followed)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct lake *lake = renaming->guard.lake;
    char *from = arena_text(renaming->guard.arena, renaming->from);
    struct catalog_move drop = {.ref = renaming->to,
                                .kind = CATALOG_BRANCH,
                                .expected = *commit,
                                .who = lake->user,
                                .why = STR("branch rename failed")};

    if (head_followed && (!from || corrie_checkout(lake, from, &ignored) < 0)) {
        return; /* what is checked out must stay: both names do */
    }
    if (catalog_commit(lake->catalog, NULL, &drop, &ignored) < 0) {
        corrie_error_clear(&ignored); /* both names stay; the caller tells what failed */
    }
}

static int rename_branch(struct renaming *renaming, struct hash *ret_commit, corrie_error *err)
{
    struct lake *lake = renaming->guard.lake;
    struct catalog_move make = {.ref = renaming->to, .kind = CATALOG_BRANCH, .who = lake->user};
    int followed;
    int r;

    if (str_eq(renaming->from, renaming->to)) {
        return corrie_fail(err, CORRIE_E_USAGE, "it is called so already");
    }
    r = api_check_new_name(renaming->to, err);
    if (r >= 0) {
        r = api_move_ref(lake, decide_new_name, renaming, &make, err);
    }
    if (r < 0) {
        return r;
    }
    *ret_commit = make.new_commit;
    r = followed = follow_head(renaming, err);
    if (r >= 0) {
        r = drop_old_name(renaming, ret_commit, err);
    }
    if (r < 0) {
        undo_rename(renaming, ret_commit, followed > 0);
    }
    return r;
}

int corrie_branch_rename(corrie_lake *lake, const char *name, const char *new_name,
                         const corrie_ref_options *options, char **ret_json, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    corrie_ref_options given = {.size = sizeof given};
    struct renaming renaming = {.to = str_of(new_name), .options = &given};
    _json_ json_t *document = json_object();
    struct hash commit;
    struct str head;
    int r;

    API_GIVEN(given, options);
    renaming.guard =
        (struct lake_guard){.lake = lake, .arena = &arena, .accept_taint = given.accept_taint};
    r = lake_branch(lake, str_of(name), &arena, &renaming.from, err);
    if (r >= 0) {
        r = rename_branch(&renaming, &commit, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "rename branch %s", name && *name ? name : "that is checked out");
    }
    r = lake_head(lake, &arena, &head, err);
    if (r < 0) {
        return r;
    }
    if (str_eq(head, renaming.from)) {
        lake_notice(lake, "CORRIE_REF names %.*s still, which is %.*s now", STR_FMT(head),
                    STR_FMT(renaming.to));
    }
    r = js_set_str(document, "name", renaming.to);
    r |= js_set_str(document, "previous_name", renaming.from);
    r |= js_set_hash(document, "commit", &commit);
    r |= js_set_bool(document, "checked_out", str_eq(head, renaming.to));
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}
