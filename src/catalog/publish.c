/* publish.c — bringing a change to a ref: look, merge, compare-and-swap, and again until it holds.
 *
 *     look at the head -> make the commit -> swap --done--> out
 *          ^                                  | lost the race, or the lock was not to be had
 *          +---- wait a little, hold the lock +      (until the deadline)
 *
 * After a lost race the backend's write lock is held from the look to the swap, if it offers that
 * and the work of the last round was short: so nobody loses twice, and nobody waits long for
 * somebody else's merge. What counts as short doubles with each lost race: where others are always
 * faster, on a machine that is busy, they wait at last. Who has lost a race lately begins the next
 * small changes under the lock: where several write all the time, most rounds without it would be in
 * vain. */
#include "catalog/publish_priv.h"

#include "base/clock.h"
#include "catalog/history.h"

#define HOLD_BELOW_NS 50000000 /* after one lost race, work that took less is done under the lock */
#define HOLD_DOUBLINGS 5
#define RIVALS_LAST 8 /* small changes that begin under the lock after a lost race */
#define SMALL_EDITS 16
#define WAIT_MIN_NS 100000
#define WAIT_MAX_NS 20000000

/* What is known of the rounds. */
struct tries {
    unsigned n;    /* this one's number, from 1 */
    int64_t ready; /* when its commit was made: from there on it waited for others, if it did */
};

static void round_done(struct round *round)
{
    object_list_done(&round->objects);
}

static int read_target(struct catalog *catalog, struct str name, struct catalog_ref *ret,
                       corrie_error *err)
{
    int r = catalog_ref_get(catalog, name, ret, err);

    if (r >= 0 && ret->kind == CATALOG_TAG) {
        corrie_fail(err, CORRIE_E_USAGE, "\"%.*s\" is a tag, and tags do not move", STR_FMT(name));
        return corrie_hint(err, "name a branch");
    }
    return r;
}

static int swap(struct catalog *catalog, const struct target *target, const struct round *round,
                const struct catalog_move *seen, corrie_error *err)
{
    const struct commit *commit = target->commit;
    struct str first_line;
    struct str rest;
    struct catalog_move move = {
        .ref = target->ref,
        .kind = round->head->kind,
        .expected = round->head->commit,
        .new_commit = round->commit,
        .who = commit->committer.len > 0 ? commit->committer : commit->author,
        .why = target->why,
        .since = seen->since,
        .generation = seen->generation,
        .also = target->also,
    };

    if (move.why.len == 0) {
        (void)str_cut(commit->message, '\n', &first_line, &rest);
        move.why = first_line;
    }
    return catalog_commit(catalog, &round->objects, &move, err);
}

static void set_result(const struct catalog_ref *head, const struct round *round, bool stored,
                       unsigned attempts, struct publish_result *ret)
{
    bool changed = !hash_is_zero(&round->commit);

    *ret = (struct publish_result){
        .commit = changed && stored ? round->commit : head->commit,
        .tree = round->tree,
        .previous = head->commit,
        .changed = changed,
        .fast_forward = round->fast_forward,
        .attempts = attempts,
    };
}

/* The last chance of a caller's to fail. */
static int tell_ready(const struct target *target, const struct publish_result *result,
                      corrie_error *err)
{
    const struct merge_guard *guard = target->options ? target->options->guard : NULL;

    return guard && guard->ready ? guard->ready(guard->data, result, err) : 0;
}

/* What was written before the fence may have been removed: no further round makes that good. */
static int check_fence(const struct round *round, corrie_error *err)
{
    int64_t fence;
    int r;

    if (round->target->since == 0) {
        return 0;
    }
    r = catalog_fence(round->catalog, &fence, err);
    if (r < 0 || round->target->since >= fence) {
        return r;
    }
    corrie_fail(err, CORRIE_E_CONFLICT,
                "it was begun before what a collection (gc) may have removed meanwhile");
    return corrie_hint(err, "run it again");
}

/* Looks at the head. `seen` gets what a collection must not have passed until the swap. */
static int look(struct round *round, struct catalog_ref *head, struct catalog_move *seen,
                corrie_error *err)
{
    const struct target *target = round->target;
    int r;

    seen->since = target->since ? target->since : clock_now();
    r = catalog_generation(round->catalog, &seen->generation, err);
    if (r >= 0) {
        r = check_fence(round, err);
    }
    if (r >= 0) {
        r = read_target(round->catalog, target->ref, head, err);
    }
    if (r >= 0) {
        round->head = head;
        r = publish_tree_of(round->catalog, &head->commit, &round->head_tree, err);
    }
    if (r >= 0) {
        round->tree = round->head_tree;
        publish_at(round, PUBLISH_LOOKED);
    }
    return r;
}

static bool may_hold(const struct tries *tries, int64_t began)
{
    unsigned doublings = tries->n - 1 < HOLD_DOUBLINGS ? tries->n - 1 : HOLD_DOUBLINGS;

    return tries->ready - began < (int64_t)HOLD_BELOW_NS << doublings;
}

/* One round. 1 the result stands, 0 to be tried again (the error says why), negative. */
static int one_round(struct catalog *catalog, const struct target *target, round_fn function,
                     void *arg, struct tries *tries, struct publish_result *ret,
                     struct merge_report *report, corrie_error *err)
{
    _cleanup_(round_done) struct round round = {.catalog = catalog, .target = target};
    bool dry_run = target->options && target->options->dry_run;
    struct catalog_move seen = {.since = 0};
    struct publish_result result;
    struct catalog_ref head;
    int r;

    merge_report_done(report);
    r = look(&round, &head, &seen, err);
    if (r >= 0) {
        r = function(arg, &round, report, err);
    }
    if (r >= 0) {
        set_result(&head, &round, !dry_run, tries->n, &result);
        r = tell_ready(target, &result, err);
    }
    if (r < 0) {
        return r;
    }
    tries->ready = clock_monotonic();
    if (!dry_run && !hash_is_zero(&round.commit)) {
        publish_at(&round, PUBLISH_READY);
        r = swap(catalog, target, &round, &seen, err);
        if (r < 0) {
            return err->retryable ? 0 : r;
        }
        publish_at(&round, PUBLISH_SWAPPED);
    }
    *ret = result;
    if (dry_run && target->preview) {
        object_list_done(target->preview);
        *target->preview = TAKE(round.objects);
    }
    return 1;
}

static bool begins_held(struct catalog *catalog, const struct target *target)
{
    bool dry_run = target->options && target->options->dry_run;

    if (dry_run || !target->small || catalog->rivals == 0) {
        return false;
    }
    catalog->rivals--;
    return true;
}

int publish_rounds(struct catalog *catalog, const struct target *target, round_fn function,
                   void *arg, struct publish_result *ret, struct merge_report *report,
                   corrie_error *err)
{
    const struct backend_ops *ops = catalog->backend->ops;
    int64_t start = clock_monotonic();
    int64_t deadline =
        start + (target->deadline_ms ? target->deadline_ms : CORRIE_COMMIT_DEADLINE_MS) * 1000000;
    int64_t wait = WAIT_MIN_NS;
    struct tries tries = {0};
    bool hold = begins_held(catalog, target);

    for (;;) {
        int64_t began;
        uint32_t dice;
        int r = 0;

        tries.n++;
        if (hold && ops->hold) {
            r = ops->hold(catalog->backend, err);
        }
        began = tries.ready = clock_monotonic();
        if (r >= 0) {
            r = one_round(catalog, target, function, arg, &tries, ret, report, err);
        } else if (err->retryable) {
            r = 0;
        }
        if (ops->release) {
            ops->release(catalog->backend);
        }
        if (r != 0) {
            return r < 0 ? r : 0;
        }
        r = cancel_check(catalog->cancel, err);
        if (r < 0) {
            return r;
        }
        if (clock_monotonic() + wait >= deadline) {
            corrie_fail(err, CORRIE_E_BUSY,
                        "%.*s was moved by others %u times while this was tried",
                        STR_FMT(target->ref), tries.n);
            err->retryable = true;
            return corrie_hint(err, "try again");
        }
        hold = may_hold(&tries, began);
        catalog->rivals = tries.ready - began < HOLD_BELOW_NS ? RIVALS_LAST : 0;
        random_bytes(&dice, sizeof dice);
        clock_sleep(wait / 2 + (int64_t)(dice % (uint64_t)wait));
        wait = wait * 2 < WAIT_MAX_NS ? wait * 2 : WAIT_MAX_NS;
        corrie_error_clear(err);
    }
}

int publish_tree_of(struct catalog *catalog, const struct hash *commit, struct hash *ret,
                    corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct commit read;
    int r = commit_read(catalog, commit, &arena, &read, err);

    if (r >= 0) {
        *ret = read.tree;
    }
    return r;
}

static int add_objects(struct round *round, const struct object_list *from, bool with_nodes,
                       corrie_error *err)
{
    for (size_t i = 0; from && i < from->count; i++) {
        struct object *object = from->items[i];
        int r;

        if (object->type == OBJECT_NODE && !with_nodes) {
            continue;
        }
        r = object_list_push(round->catalog, &round->objects, object, err);
        if (r < 0) {
            return r;
        }
        object->refs++;
    }
    return 0;
}

/* ---- commits ---- */

static bool has_property(const struct merge_step *step, struct str name)
{
    for (size_t i = 0; i < step->n_accepted; i++) {
        if (str_eq(step->accepted[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* The commit's own properties, but those of a name that was accepted, and then these. */
static int add_accepted(const struct merge_step *step, struct commit *commit,
                        struct commit_property **ret, corrie_error *err)
{
    size_t n = 0;

    *ret = NULL;
    if (step->n_accepted == 0) {
        return 0;
    }
    *ret = mem_alloc(commit->n_properties + step->n_accepted, sizeof **ret);
    if (!*ret) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < commit->n_properties; i++) {
        if (!has_property(step, commit->properties[i].name)) {
            (*ret)[n++] = commit->properties[i];
        }
    }
    for (size_t i = 0; i < step->n_accepted; i++) {
        (*ret)[n++] = step->accepted[i];
    }
    commit->properties = *ret;
    commit->n_properties = n;
    return 0;
}

static int ask_guard(const struct round *round, struct merge_step *step, corrie_error *err)
{
    const struct merge_options *options = round->target->options;
    const struct merge_guard *guard = options ? options->guard : NULL;

    publish_at(round, PUBLISH_MERGED);
    return guard ? guard->check(guard->data, round->catalog, step, err) : 0;
}

int publish_add_commit(struct round *round, const struct planned *planned, struct hash *ret,
                       corrie_error *err)
{
    _free_ struct commit_property *properties = NULL;
    struct commit made = *planned->commit;
    const struct merge_options *options = round->target->options;
    struct merge_step step = {.ref = round->head,
                              .base_tree = planned->base_tree,
                              .source_tree = planned->source_tree,
                              .target_tree = planned->target_tree,
                              .result_tree = planned->tree};
    int r;

    made.tree = *planned->tree;
    made.parents[0] = *planned->parent;
    made.n_parents = 1;
    if (planned->second) {
        made.parents[made.n_parents++] = *planned->second;
    }
    r = options && options->guard ? commit_count_taint(round->catalog, &made, &step.tainted, err)
                                  : 0;
    if (r >= 0) {
        r = ask_guard(round, &step, err);
    }
    if (r >= 0) {
        r = add_accepted(&step, &made, &properties, err);
    }
    return r < 0 ? r : commit_add(round->catalog, &made, &round->objects, ret, err);
}

/* ---- a change ---- */

struct change {
    const struct publish *publish;
    struct hash start_tree;
    struct hash source;      /* the start's tree with the change */
    struct object_list made; /* of `source` */
};

static void change_done(struct change *change)
{
    object_list_done(&change->made);
}

static int change_round(void *arg, struct round *round, struct merge_report *report,
                        corrie_error *err)
{
    struct change *change = arg;
    const struct publish *publish = change->publish;
    struct planned planned = {.commit = &publish->commit,
                              .parent = &round->head->commit,
                              .base_tree = &change->start_tree,
                              .source_tree = &change->source,
                              .target_tree = &round->head_tree,
                              .tree = &round->tree};
    bool as_it_was;
    int r;

    round->tree = change->source;
    if (!hash_eq(&round->head->commit, &publish->start)) {
        r = merge3(round->catalog, &change->start_tree, &change->source, &round->head_tree,
                   publish->merge, &round->objects, &round->tree, report, err);
        if (r < 0) {
            report->base_commit = publish->start;
            report->target_commit = round->head->commit;
            return r;
        }
    }
    if (hash_eq(&round->tree, &round->head_tree) && !publish->allow_empty) {
        return 0;
    }
    /* Nodes of our own tree are of use only if it is the result; what its values name is in any
     * case. */
    as_it_was = hash_eq(&round->tree, &change->source);
    r = add_objects(round, &change->made, as_it_was, err);
    if (r >= 0) {
        r = add_objects(round, publish->objects, as_it_was, err);
    }
    return r < 0 ? r : publish_add_commit(round, &planned, &round->commit, err);
}

int catalog_publish(struct catalog *catalog, const struct publish *publish,
                    struct publish_result *ret, struct merge_report *report, corrie_error *err)
{
    _cleanup_(change_done) struct change change = {.publish = publish};
    struct target target = {.ref = publish->ref,
                            .commit = &publish->commit,
                            .why = publish->why,
                            .deadline_ms = publish->deadline_ms,
                            .since = publish->since,
                            .small =
                                hash_is_zero(&publish->tree) && publish->n_edits <= SMALL_EDITS,
                            .also = publish->also,
                            .options = publish->merge};
    int r = publish_tree_of(catalog, &publish->start, &change.start_tree, err);

    if (r < 0) {
        return r;
    }
    if (!hash_is_zero(&publish->tree)) {
        change.source = publish->tree;
    } else {
        r = tree_apply(catalog, &change.start_tree, publish->edits, publish->n_edits, &change.made,
                       &change.source, err);
        if (r < 0) {
            return r;
        }
    }
    r = publish_rounds(catalog, &target, change_round, &change, ret, report, err);
    return r < 0 ? corrie_wrap(err, "commit to %.*s", STR_FMT(publish->ref)) : 0;
}

/* ---- a branch ---- */

static int base_trees(struct catalog *catalog, const struct hash *commits, size_t n,
                      struct object_list *objects, struct hash *ret, corrie_error *err)
{
    if (n == 0) { /* nothing in common: as if both had started from nothing */
        return tree_empty(catalog, objects, &ret[0], err);
    }
    for (size_t i = 0; i < n; i++) {
        int r = publish_tree_of(catalog, &commits[i], &ret[i], err);

        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* The ref moves to the source's commit; but if something had to be accepted a commit must say so. */
static int fast_forward(struct round *round, const struct branch_merge *merge,
                        const struct commit *source, corrie_error *err)
{
    struct merge_step step = {.ref = round->head,
                              .base_tree = &round->head_tree,
                              .source_tree = &source->tree,
                              .target_tree = &round->head_tree,
                              .result_tree = &source->tree,
                              .tainted = source->tainted,
                              .moves_only = true};
    int r = ask_guard(round, &step, err);

    if (r >= 0 && step.n_accepted == 0) {
        round->fast_forward = true;
        round->commit = merge->source;
    }
    return r;
}

/* The merge of two that have parted. */
static int merge_parted(struct round *round, const struct branch_merge *merge,
                        const struct commit *source, const struct hash *commits, size_t n,
                        struct hash *ret_base, struct merge_report *report, corrie_error *err)
{
    _cleanup_(object_list_done) struct object_list scratch = {0};
    struct hash bases[MERGE_BASES_MAX];
    int r = base_trees(round->catalog, commits, n, &scratch, bases, err);

    if (r >= 0) {
        *ret_base = bases[0];
        r = merge_trees(round->catalog, bases, n ? n : 1, &source->tree, &round->head_tree,
                        merge->merge, &round->objects, &round->tree, report, err);
    }
    if (r < 0) {
        report->base_commit = n > 0 ? commits[0] : (struct hash){{0}};
        report->source_commit = merge->source;
        report->target_commit = round->head->commit;
    }
    return r;
}

static int merge_round(void *arg, struct round *round, struct merge_report *report,
                       corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    const struct branch_merge *merge = arg;
    const struct hash *head = &round->head->commit;
    struct hash base = round->head_tree;
    struct hash commits[MERGE_BASES_MAX + 1];
    struct commit source;
    size_t n;
    int r;

    r = history_merge_bases(round->catalog, &merge->source, head, commits, MERGE_BASES_MAX + 1, &n,
                            err);
    if (r >= 0) {
        r = commit_read(round->catalog, &merge->source, &arena, &source, err);
    }
    if (r < 0 || (n == 1 && hash_eq(&commits[0], &merge->source))) {
        return r;
    }
    if (n > MERGE_BASES_MAX) { /* to leave some out could merge what they disagree on */
        corrie_fail(err, CORRIE_E_LIMIT, "the two have more than %d best common ancestors",
                    MERGE_BASES_MAX);
        return corrie_hint(err, "bring it in steps: merge an older commit of it first");
    }
    if (n == 1 && hash_eq(&commits[0], head)) {
        round->tree = source.tree;
        r = merge->no_fast_forward ? 0 : fast_forward(round, merge, &source, err);
    } else {
        r = merge_parted(round, merge, &source, commits, n, &base, report, err);
    }
    if (r < 0 || round->fast_forward) {
        return r;
    }
    return publish_add_commit(round,
                              &(struct planned){.commit = &merge->commit,
                                                .parent = head,
                                                .second = &merge->source,
                                                .base_tree = &base,
                                                .source_tree = &source.tree,
                                                .target_tree = &round->head_tree,
                                                .tree = &round->tree},
                              &round->commit, err);
}

int catalog_merge(struct catalog *catalog, const struct branch_merge *merge,
                  struct publish_result *ret, struct merge_report *report, corrie_error *err)
{
    struct branch_merge copy = *merge;
    struct target target = {.ref = merge->ref,
                            .commit = &merge->commit,
                            .why = merge->why,
                            .deadline_ms = merge->deadline_ms,
                            .since = merge->since,
                            .options = merge->merge,
                            .preview = merge->preview};
    int r = publish_rounds(catalog, &target, merge_round, &copy, ret, report, err);

    return r < 0 ? corrie_wrap(err, "merge into %.*s", STR_FMT(merge->ref)) : 0;
}
