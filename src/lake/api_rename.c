/* api_rename.c — renaming branches, in the public interface.
 *
 * The new name is made and the old one goes in one movement: both or none. What is checked out follows before that, and
 * goes back if it fails; if corrie dies between, the same renaming once more finishes it. */
#include "lake/api_priv.h"

#include "os/user.h"

struct renaming {
    struct str from;
    struct str to;
    struct str head; /* what commands will mean */
    struct catalog_move drop;
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
    if (r >= 0) {
        r = rename_why(renaming, "to", renaming->to, &renaming->drop.why, err);
    }
    if (r < 0) {
        return r;
    }
    move->new_commit = renaming->drop.expected = found.commit;
    move->also = &renaming->drop;
    r = api_allow(&renaming->guard, NULL, &found.commit, why, &move->why, err);
    return r < 0 ? r : 1;
}

static int give_renamed(void *arg, struct lake *lake, const struct catalog_move *move, bool moves,
                        char **ret_json, corrie_error *err)
{
    const struct renaming *renaming = arg;
    _json_ json_t *document = json_object();
    int r;

    (void)lake;
    (void)moves;
    r = js_set_str(document, "name", renaming->to);
    r |= js_set_str(document, "previous_name", renaming->from);
    r |= js_set_hash(document, "commit", &move->new_commit);
    r |= js_set_bool(document, "checked_out", str_eq(renaming->head, renaming->to));
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
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
    r = lake_head_keep(lake, renaming->to, err);
    return r < 0 ? r : 1;
}

static int rename_branch(struct renaming *renaming, char **ret_json, corrie_error *err)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct lake *lake = renaming->guard.lake;
    struct catalog_move make = {.ref = renaming->to, .kind = CATALOG_BRANCH, .who = lake->user};
    int followed;
    int r;

    if (str_eq(renaming->from, renaming->to)) {
        return corrie_fail(err, CORRIE_E_USAGE, "it is called so already");
    }
    renaming->drop =
        (struct catalog_move){.ref = renaming->from, .kind = CATALOG_BRANCH, .who = lake->user};
    r = api_check_new_name(renaming->to, err);
    if (r >= 0) { /* what can be told without moving anything */
        r = decide_new_name(renaming, lake, &make, err);
    }
    if (r < 0) {
        return r;
    }
    r = followed = follow_head(renaming, err);
    if (r >= 0) {
        r = lake_head(lake, renaming->guard.arena, &renaming->head, err);
    }
    if (r >= 0) {
        r = api_move_ref(lake, decide_new_name, give_renamed, renaming, &make, ret_json, err);
    }
    if (r < 0 && followed > 0 && lake_head_keep(lake, renaming->from, &ignored) < 0) {
        corrie_error_clear(&ignored); /* the caller tells what failed */
    }
    return r;
}

int corrie_branch_rename(corrie_lake *lake, const char *name, const char *new_name,
                         const corrie_ref_options *options, char **ret_json, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    corrie_ref_options given = {.size = sizeof given};
    struct renaming renaming = {.to = str_of(new_name), .options = &given};
    const char *meant = os_env("CORRIE_REF");
    int r;

    API_GIVEN(given, options);
    renaming.guard =
        (struct lake_guard){.lake = lake, .arena = &arena, .accept_taint = given.accept_taint};
    r = lake_branch(lake, str_of(name), &arena, &renaming.from, err);
    if (r >= 0) {
        r = rename_branch(&renaming, ret_json, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "rename branch %s", name && *name ? name : "that is checked out");
    }
    if (meant && str_eq(str_of(meant), renaming.from)) {
        lake_notice(lake, "CORRIE_REF names %s still, which is %.*s now", meant,
                    STR_FMT(renaming.to));
    }
    return 0;
}
