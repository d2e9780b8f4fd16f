/* merge.h — the one mechanism for everything that changes a lake: merge3 over trees, per key
 * through the kind that owns it, and publishing with retries.
 *
 * Reports are never NULL, and empty or done with before the call.
 *
 * Words: `target` is where the ref that is changed stands, `source` is what is brought to it (a
 * change, the merged branch, the picked commit), `base` is what both started from. The result is
 * the target with what the source changed. Users say as in git's merge: ours = target, theirs =
 * source; so do the JSON reports.
 *
 * Things and names. A value's id says which thing it is, its key what the thing is called: a thing
 * that has another key on a side was renamed there. Name and value merge apart: each is taken from
 * the side that changed it. Renamed on both sides to different names, and brought to a name that
 * the target gives to another thing, are conflicts. A thing whose id stands at several keys of one
 * side, or is zero, is known by its key alone.
 *
 * The default rule for values, for kinds that nobody registered: what only one side changed is
 * taken from that side; changed on both sides to the same is fine; otherwise it is a conflict, and
 * so is what one side removed and the other changed or renamed. */
#ifndef CORRIE_CATALOG_MERGE_H
#define CORRIE_CATALOG_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "catalog/catalog.h"
#include "catalog/commit.h"
#include "catalog/tree.h"

/* ---- kinds ---- */

struct merge;
enum merge_side { MERGE_BASE, MERGE_SOURCE, MERGE_TARGET };
enum merge_decision {
    MERGE_CONFLICT = 0, /* the reason may have been given by merge_reason */
    MERGE_TAKE_SOURCE,  /* our value, or our deletion */
    MERGE_TAKE_TARGET,
    MERGE_PUT, /* *ret_value */
    MERGE_DELETE
};

/* A kind of key, registered by the room that owns it. */
struct merge_kind {
    struct str name; /* the first segment of its keys */
    void *data;
    /* Called for a thing that both sides changed since the base, differently; NULL = not there on
     * that side. `key` is what the result will call it; merge_key_on tells what a side does.
     * Returns a decision (about the value; where a side removed the thing, also about its being
     * there) or a negative code; *ret_value's doc must live in merge_arena. NULL: the default
     * rule. */
    int (*merge3)(struct merge *merge, void *data, struct str key, const struct tree_value *base,
                  const struct tree_value *source, const struct tree_value *target,
                  struct tree_value *ret_value, corrie_error *err);
    /* merge3 does not look at the base: it is also asked where several common ancestors disagree, which is a conflict
     * otherwise. */
    bool any_base;
    /* Called once when everything is decided and nothing is in conflict, before the result is made:
     * what the kind's keys must be, given what became of others (merge_outcome, merge_edits), is
     * staged by merge_stage, or reported by merge_conflict. NULL: nothing to settle. */
    int (*settle)(struct merge *merge, void *data, corrie_error *err);
    /* Called once after a merge without conflicts; looks at the result (merge_result,
     * merge_edits) and reports what dangles by merge_conflict. NULL: nothing to check. */
    int (*check)(struct merge *merge, void *data, corrie_error *err);
};

/* For callbacks. */
struct catalog *merge_catalog(struct merge *merge);
struct arena *merge_arena(struct merge *merge); /* lives as long as the merge */
bool merge_dry_run(const struct merge *merge);  /* then no file may be written */
/* A pick or revert: only what the source changed counts; what the target lacks of the base it need never have had. */
bool merge_picks(const struct merge *merge);
const struct hash *merge_tree(const struct merge *merge, enum merge_side side);
/* 1 and the value of a key on a side, 0 if it is not there. */
int merge_get(struct merge *merge, enum merge_side side, struct str key, struct tree_value *ret,
              corrie_error *err) CORRIE_MUST_USE;
/* What a side calls the thing that is being merged; empty if it is not there. Only from merge3. */
struct str merge_key_on(const struct merge *merge, enum merge_side side);
/* A further edit of the result: key -> value, or with NULL its deletion. Wins over what the rules
 * decide for that key. Only from merge3 and settle. */
int merge_stage(struct merge *merge, struct str key, const struct tree_value *value,
                corrie_error *err) CORRIE_MUST_USE;
/* Why what is being merged is a conflict; for the report. */
int merge_reason(struct merge *merge, corrie_error *err, const char *format, ...)
    CORRIE_PRINTF(3, 4) CORRIE_MUST_USE;
/* Adds a conflict on any key, with a reason. */
int merge_conflict(struct merge *merge, struct str key, const char *reason, corrie_error *err)
    CORRIE_MUST_USE;
/* In settle: 1 and the value that the result will have under a key as things are decided, 0 for
 * none. */
int merge_outcome(struct merge *merge, struct str key, struct tree_value *ret, corrie_error *err)
    CORRIE_MUST_USE;
/* In check: the root of the merged tree. In settle and check: the edits that make it of target,
 * sorted by key (without what settle stages). */
const struct hash *merge_result(const struct merge *merge);
const struct tree_edit *merge_edits(const struct merge *merge, size_t *ret_n);

/* ---- reports ---- */

struct merge_conflict_entry {
    struct str key;
    const struct tree_value *base; /* NULL = not there; likewise below */
    const struct tree_value *source;
    const struct tree_value *target;
    struct str reason; /* may be empty */
};

/* What could not be merged. Zeroed is empty; owns everything it shows. Commits are zero where the
 * sides are no commits. */
struct merge_report {
    struct arena arena;
    struct merge_conflict_entry *conflicts;
    size_t n_conflicts;
    size_t capacity;
    struct hash base_commit;
    struct hash source_commit;
    struct hash target_commit;
};
void merge_report_done(struct merge_report *report);
/* {"base":…,"ours":…,"theirs":…,"conflicts":[{"kind","name","key":[…],"base":value|null,"ours":…,
 * "theirs":…,"reason":…}]}: ours is the target. Commits or null; a value is {"id":…,"doc":…} (docs
 * that lie apart by their hash); the name is the key without its kind, as key_format writes it. */
int merge_report_json(const struct merge_report *report, json_t **ret, corrie_error *err)
    CORRIE_MUST_USE;

/* ---- merging trees ---- */

/* Decides on one key (any name that a side has for the thing) before rules are asked, or with an
 * empty key on all that they leave in conflict. Only that is taken from the side: a name that both
 * changed, a value that both changed, being there at all. Where the conflict is about a
 * name that two things want, the other side's thing goes where its own side has it: what the
 * target called so to its name in the source, what the source brought to its name in the target;
 * where there is none, it is left out. */
struct merge_choice {
    struct str key;
    enum merge_side side; /* MERGE_SOURCE or MERGE_TARGET */
};

struct publish_result;

/* What a guard judges. Trees are borrowed. */
struct merge_step {
    const struct catalog_ref *ref; /* as it stands at the beginning of the round */
    /* Target = the tree the commit will be made on (picks after the first: the one before). Base and
     * source are those of the merge; for a fast-forward base and target are the same, and for a
     * change that needs no merge too. Of several bases the first. */
    const struct hash *base_tree;
    const struct hash *source_tree;
    const struct hash *target_tree;
    const struct hash *result_tree;
    uint64_t tainted; /* tainted values in result_tree */
    bool moves_only;  /* a fast-forward: no commit would be made */
    /* Out: what was accepted, as properties for the commit (texts must live until the publication
     * has ended). With any, a fast-forward becomes a merge commit. */
    struct commit_property accepted[4];
    size_t n_accepted;
};
struct merge_guard {
    void *data;
    /* 0, or a refusal, which ends the publication. May be called several times: once a commit that
     * would be made or a fast-forward, and again in every round. Dry runs ask too. */
    int (*check)(void *data, struct catalog *catalog, struct merge_step *step, corrie_error *err);
    /* Called when all is known that the result will say and, unless it is a dry run or nothing
     * changes, before the ref is moved: what a caller needs memory or reads for afterwards is made
     * here, so that nothing can fail once the change is done. Again in every round; what is to be
     * stored can be read already. Negative ends the publication. May be NULL. */
    int (*ready)(void *data, const struct publish_result *result, corrie_error *err);
};

struct merge_options {
    const struct merge_kind *kinds;
    size_t n_kinds;
    const struct merge_choice *choices; /* the first that fits */
    size_t n_choices;
    bool dry_run;
    bool picks; /* catalog_pick sets it: the target is not a continuation of the base */
    const struct merge_guard *guard; /* publishing only; may be NULL */
    const struct cancel *cancel;
};

/* Merges; new nodes go to `objects`. Returns 0 and the root; or CORRIE_E_CONFLICT with the
 * conflicts in *report (empty before). `options` may be NULL. Cost: follows what differs between
 * base and source, times the depth; and what differs between base and target where the source has
 * new things, or the target gave away names of changed ones: only so a rename is seen. */
int merge3(struct catalog *catalog, const struct hash *base, const struct hash *source,
           const struct hash *target, const struct merge_options *options,
           struct object_list *objects, struct hash *ret_root, struct merge_report *report,
           corrie_error *err) CORRIE_MUST_USE;

/* ---- publishing ---- */

struct publish {
    struct str ref;    /* the target: a branch or tx ref that exists */
    struct hash start; /* the commit that the change was made on */
    /* The change: edits of the start's tree, or a whole tree (not zero) that was made of it. */
    const struct tree_edit *edits;
    size_t n_edits;
    struct hash tree;
    struct object_list *objects; /* further objects to store with it (origins, unsaved nodes of
                                  * `tree`); borrowed; may be NULL */
    /* The commit to make: author, committer, times, message, properties, origin, job. Tree and
     * parents are set here. */
    struct commit commit;
    struct str why;      /* for the reflog; empty = first line of the message */
    bool allow_empty;    /* commit even if nothing changes */
    int64_t deadline_ms; /* 0 = CORRIE_COMMIT_DEADLINE_MS */
    int64_t
        since; /* when the work that wrote its files began, UTC ns; 0 = nothing was written: each
                    * round counts from its own start (catalog_move.since) */
    const struct merge_options *merge; /* may be NULL */
    /* A movement that is made with it (catalog_move.also), if anything changes; may be NULL. */
    const struct catalog_move *also;
};

struct publish_result {
    struct hash commit; /* where the ref stands now */
    struct hash tree;
    struct hash previous; /* where it stood before */
    bool changed;         /* false: there was nothing to do, the ref did not move */
    bool fast_forward;    /* merge only: the ref moved to the source's commit itself */
    unsigned attempts;    /* how often it was tried, from 1 */
};

/* Brings a change to a ref as one commit whose parent is the ref's head at that moment: if the head
 * is no longer `start`, the change is merged (merge3: base = start, source = the change, target
 * = head), and again if the ref moves meanwhile, until the deadline. CORRIE_E_CONFLICT with the
 * report filled if it cannot be merged, CORRIE_E_BUSY after the deadline, else as catalog_commit.
 * With a dry run in `merge` nothing is stored and `ret->commit` is the head. */
int catalog_publish(struct catalog *catalog, const struct publish *publish,
                    struct publish_result *ret, struct merge_report *report, corrie_error *err)
    CORRIE_MUST_USE;

struct branch_merge {
    struct str ref;       /* the target */
    struct hash source;   /* the commit to bring there */
    struct commit commit; /* of the merge: author, message, … as in struct publish */
    struct str why;
    bool no_fast_forward; /* make a merge commit even if the target could simply move */
    int64_t deadline_ms;
    int64_t since; /* as in struct publish */
    const struct merge_options *merge;
    struct object_list
        *preview; /* a dry run puts the nodes of ret->tree here, so that the tree can be
                                  * read while the list lives; the caller's; may be NULL */
};

/* Merges the history of `source` into a ref: nothing to do if it is there already; moves the ref if
 * it stands in the history of `source`; else a commit of two parents by merge3 from the best common
 * ancestor. Several best ancestors that disagree on a key that both sides changed: a conflict
 * there. CORRIE_E_CONFLICT and the others as catalog_publish. */
int catalog_merge(struct catalog *catalog, const struct branch_merge *merge,
                  struct publish_result *ret, struct merge_report *report, corrie_error *err)
    CORRIE_MUST_USE;

struct pick {
    struct str ref; /* the target */
    const struct hash *commits;
    size_t n_commits; /* in the order in which they are brought; 1 or more */
    bool revert;      /* take back what they changed, instead of bringing it */
    /* Of a commit with several parents: the one (1, 2 …) against which it counts as a change; 0 =
     * none was given. */
    unsigned mainline;
    /* What the commits to make have in common: committer, times, properties, job. An empty message
     * means the picked commit's, or for a revert "Revert \"<first line>\"" and "Reverts commit
     * <hash>.". A pick keeps author and author time of what it picks; a revert's author is
     * `author`. */
    struct commit commit;
    struct str why; /* for the reflog; empty = "cherry-pick 0123456789ab …" or "revert …" */
    int64_t deadline_ms;
    int64_t since; /* as in struct publish */
    const struct merge_options *merge;
    struct object_list *preview; /* as in struct branch_merge */
};

/* Brings (or takes back) what each of some commits changed as a chain of new commits, one
 * compare-and-swap: all or none, and again on the new head if the ref moves meanwhile. Each is
 * merge3 onto the one before, with base = the parent and source = the commit, or the reverse for a
 * revert; a commit that changes nothing any more is left out. Each new commit has the property
 * `picked-from` or `reverts` = the hash. ret_commits[i] is what became of commits[i] (zero: left
 * out; in a dry run the commits that would be made, not stored); written in every round, before the
 * guard's `ready`, so what is there after a failure means nothing.
 * CORRIE_E_USAGE for a commit with several parents without mainline, for a mainline that it does
 * not have, and for a first commit: it has nothing that it changed. CORRIE_E_CONFLICT names the
 * commit and fills the report; others as catalog_publish. */
int catalog_pick(struct catalog *catalog, const struct pick *pick, struct publish_result *ret,
                 struct hash *ret_commits, struct merge_report *report, corrie_error *err)
    CORRIE_MUST_USE;

#endif
