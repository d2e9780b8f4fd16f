/* pick.c — bringing single commits to a ref, or taking them back.
 *
 *     pick    base = the parent, source = the commit
 *     revert  base = the commit, source = the parent
 *
 * each merged onto the one before; the chain is swapped in as a whole. Trees and commits of the
 * chain are not stored before: they are held by the round's list of objects. */
#include "catalog/publish_priv.h"

#define NAMED_MAX 3      /* commits that the reflog names */
#define QUOTED_MAX 1024u /* bytes of a message that a revert quotes */

struct picking {
    const struct pick *pick;
    struct hash *made; /* for each commit what became of it */
};

/* One commit to pick. */
struct picked {
    struct arena arena;
    struct commit commit;
    struct hash parent;
    struct hash parent_tree;
};

static void picked_done(struct picked *picked)
{
    arena_done(&picked->arena);
}

/* The parent against which the commit counts as a change. */
static int choose_parent(const struct pick *pick, const struct commit *commit, struct hash *ret,
                         corrie_error *err)
{
    if (commit->n_parents == 0) {
        corrie_fail(err, CORRIE_E_USAGE, "it is a first commit: there is nothing it changed");
        return corrie_hint(err, "merge it instead");
    }
    if (commit->n_parents > 1 && pick->mainline == 0) {
        corrie_fail(err, CORRIE_E_USAGE, "it is a merge: say against which parent it counts");
        return corrie_hint(err, "--mainline 1 is what it was merged into");
    }
    if (pick->mainline > commit->n_parents) {
        return corrie_fail(err, CORRIE_E_USAGE, "it has %zu parent%s, not %u", commit->n_parents,
                           commit->n_parents == 1 ? "" : "s", pick->mainline);
    }
    *ret = commit->parents[pick->mainline > 0 ? pick->mainline - 1 : 0];
    return 0;
}

static int read_picked(struct catalog *catalog, const struct pick *pick, const struct hash *id,
                       struct picked *ret, corrie_error *err)
{
    int r = commit_read(catalog, id, &ret->arena, &ret->commit, err);

    if (r >= 0) {
        r = choose_parent(pick, &ret->commit, &ret->parent, err);
    }
    return r < 0 ? r : publish_tree_of(catalog, &ret->parent, &ret->parent_tree, err);
}

static struct str quoted(struct str message)
{
    struct str line;
    struct str rest;

    (void)str_cut(message, '\n', &line, &rest);
    if (line.len > QUOTED_MAX) {
        line.len = QUOTED_MAX;
        while (line.len > 0 && ((unsigned char)line.data[line.len] & 0xc0) == 0x80) {
            line.len--; /* not within a character */
        }
    }
    return line;
}

/* What the new commit says; texts lie in the arena of `picked`. */
static int compose(const struct pick *pick, struct picked *picked, struct commit *ret,
                   corrie_error *err)
{
    const struct commit *given = &pick->commit;
    struct commit_property *properties =
        arena_array(&picked->arena, struct commit_property, given->n_properties + 1);
    char *hex = arena_array(&picked->arena, char, HASH_HEX + 1);

    if (!properties || !hex) {
        return corrie_fail_memory(err);
    }
    hash_hex(&picked->commit.id, hex);
    if (given->n_properties > 0) {
        memcpy(properties, given->properties, given->n_properties * sizeof *properties);
    }
    properties[given->n_properties] =
        (struct commit_property){pick->revert ? STR("reverts") : STR("picked-from"), str_of(hex)};
    *ret = *given;
    ret->properties = properties;
    ret->n_properties = given->n_properties + 1;
    if (!pick->revert) {
        ret->committer = given->committer.len > 0 ? given->committer : given->author;
        ret->author = picked->commit.author;
        ret->author_time = picked->commit.author_time;
        ret->message = given->message.len > 0 ? given->message : picked->commit.message;
    } else if (given->message.len == 0) {
        char *text = arena_printf(&picked->arena, "Revert \"%.*s\"\n\nReverts commit %s.",
                                  STR_FMT(quoted(picked->commit.message)), hex);

        if (!text) {
            return corrie_fail_memory(err);
        }
        ret->message = str_of(text);
    }
    return 0;
}

/* Puts one commit on top of the chain, unless it changes nothing. */
static int pick_one(const struct picking *picking, struct round *round, size_t index,
                    struct hash *chain, struct merge_report *report, corrie_error *err)
{
    _cleanup_(picked_done) struct picked picked = {.arena = {0}};
    const struct pick *pick = picking->pick;
    struct planned planned = {.parent = chain, .target_tree = &round->tree};
    struct merge_options options = pick->merge ? *pick->merge : (struct merge_options){0};
    struct commit commit;
    struct hash tree;
    int r;

    r = read_picked(round->catalog, pick, &pick->commits[index], &picked, err);
    if (r < 0) {
        return r;
    }
    planned.base_tree = pick->revert ? &picked.commit.tree : &picked.parent_tree;
    planned.source_tree = pick->revert ? &picked.parent_tree : &picked.commit.tree;
    options.picks = true;
    r = merge3(round->catalog, planned.base_tree, planned.source_tree, &round->tree, &options,
               &round->objects, &tree, report, err);
    if (r < 0) {
        report->base_commit = pick->revert ? picked.commit.id : picked.parent;
        report->source_commit = pick->revert ? picked.parent : picked.commit.id;
        report->target_commit = round->head->commit;
        return r;
    }
    if (hash_eq(&tree, &round->tree)) {
        return 0;
    }
    planned.commit = &commit;
    planned.tree = &tree;
    r = compose(pick, &picked, &commit, err);
    if (r >= 0) {
        r = publish_add_commit(round, &planned, &picking->made[index], err);
    }
    if (r >= 0) {
        *chain = picking->made[index];
        round->tree = tree;
    }
    return r;
}

static int pick_round(void *arg, struct round *round, struct merge_report *report,
                      corrie_error *err)
{
    const struct picking *picking = arg;
    const struct pick *pick = picking->pick;
    struct hash chain = round->head->commit;

    memset(picking->made, 0, pick->n_commits * sizeof *picking->made);
    for (size_t i = 0; i < pick->n_commits; i++) {
        char hex[HASH_HEX + 1];
        int r = cancel_check(round->catalog->cancel, err);

        if (r >= 0) {
            r = pick_one(picking, round, i, &chain, report, err);
        }
        if (r < 0) {
            hash_hex(&pick->commits[i], hex);
            return corrie_wrap(err, "%s %.12s", pick->revert ? "revert" : "cherry-pick", hex);
        }
    }
    if (!hash_eq(&chain, &round->head->commit)) {
        round->commit = chain;
    }
    return 0;
}

static void describe(const struct pick *pick, struct buf *ret)
{
    buf_add_text(ret, pick->revert ? "revert" : "cherry-pick");
    for (size_t i = 0; i < pick->n_commits && i < NAMED_MAX; i++) {
        char hex[HASH_HEX + 1];

        hash_hex(&pick->commits[i], hex);
        buf_addf(ret, " %.12s", hex);
    }
    if (pick->n_commits > NAMED_MAX) {
        buf_addf(ret, " and %zu more", pick->n_commits - NAMED_MAX);
    }
}

int catalog_pick(struct catalog *catalog, const struct pick *pick, struct publish_result *ret,
                 struct hash *ret_commits, struct merge_report *report, corrie_error *err)
{
    _cleanup_(buf_done) struct buf why = {0};
    struct picking picking = {pick, ret_commits};
    struct target target = {.ref = pick->ref,
                            .commit = &pick->commit,
                            .why = pick->why,
                            .deadline_ms = pick->deadline_ms,
                            .since = pick->since,
                            .options = pick->merge,
                            .preview = pick->preview};
    int r;

    if (pick->n_commits == 0) {
        return corrie_fail(err, CORRIE_E_USAGE, "no commit was named");
    }
    if (target.why.len == 0) {
        describe(pick, &why);
        target.why = buf_str(&why);
    }
    r = buf_check(&why, err);
    if (r >= 0) {
        r = publish_rounds(catalog, &target, pick_round, &picking, ret, report, err);
    }
    return r < 0 ? corrie_wrap(err, "change %.*s", STR_FMT(pick->ref)) : 0;
}
