/* merge.h — the one mechanism for everything that changes a lake: merge3 over trees, per key
 * through the kind that owns it, and publishing with retries.
 *
 * Reports are never NULL, and empty or done with before the call.
 *
 * Words: `base` is what both sides started from, `theirs` is where the target ref stands now,
 * `ours` is what we want to bring there. The result is theirs with our changes.
 *
 * The default rule, for kinds that nobody registered: a key that only one side changed takes that
 * side's value; changed on both sides to the same value is fine; otherwise it is a conflict. */
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
enum merge_side { MERGE_BASE, MERGE_OURS, MERGE_THEIRS };
enum merge_decision {
    MERGE_CONFLICT = 0, /* the reason may have been given by merge_reason */
    MERGE_TAKE_OURS,    /* our value, or our deletion */
    MERGE_TAKE_THEIRS,
    MERGE_PUT, /* *ret_value */
    MERGE_DELETE
};

/* A kind of key, registered by the room that owns it. */
struct merge_kind {
    struct str name; /* the first segment of its keys */
    void *data;
    /* Called for a key that both sides changed since the base, differently; NULL = not there on
     * that side. Returns a decision or a negative code; *ret_value's doc must live in merge_arena.
     * NULL: the default rule. */
    int (*merge3)(struct merge *merge, void *data, struct str key, const struct tree_value *base,
                  const struct tree_value *ours, const struct tree_value *theirs,
                  struct tree_value *ret_value, corrie_error *err);
    /* Called once after a merge without conflicts; looks at the result (merge_result_get,
     * merge_edits) and reports what dangles by merge_conflict. NULL: nothing to check. */
    int (*check)(struct merge *merge, void *data, corrie_error *err);
};

/* For callbacks. */
struct catalog *merge_catalog(struct merge *merge);
struct arena *merge_arena(struct merge *merge); /* lives as long as the merge */
bool merge_dry_run(const struct merge *merge);  /* then no file may be written */
const struct hash *merge_tree(const struct merge *merge, enum merge_side side);
/* 1 and the value of a key on a side, 0 if it is not there. */
int merge_get(struct merge *merge, enum merge_side side, struct str key, struct tree_value *ret,
              corrie_error *err) CORRIE_MUST_USE;
/* A further edit of the result: key -> value, or with NULL its deletion. Wins over what the rules
 * decide for that key. Only from merge3. */
int merge_stage(struct merge *merge, struct str key, const struct tree_value *value,
                corrie_error *err) CORRIE_MUST_USE;
/* Why the key that is being merged is a conflict; for the report. */
int merge_reason(struct merge *merge, corrie_error *err, const char *format, ...)
    CORRIE_PRINTF(3, 4) CORRIE_MUST_USE;
/* Adds a conflict on any key, with a reason. */
int merge_conflict(struct merge *merge, struct str key, const char *reason, corrie_error *err)
    CORRIE_MUST_USE;
/* In check: the root of the merged tree, and the edits that made it of theirs, sorted by key. */
const struct hash *merge_result(const struct merge *merge);
const struct tree_edit *merge_edits(const struct merge *merge, size_t *ret_n);

/* ---- reports ---- */

struct merge_conflict_entry {
    struct str key;
    const struct tree_value *base; /* NULL = not there; likewise below */
    const struct tree_value *ours;
    const struct tree_value *theirs;
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
    struct hash ours_commit;
    struct hash theirs_commit;
};
void merge_report_done(struct merge_report *report);
/* {"base":…,"ours":…,"theirs":…,"conflicts":[{"key":[…],"base":value|null,…,"reason":…}]}; a value
 * is {"id":…,"doc":…} (docs that lie apart by their hash). */
int merge_report_json(const struct merge_report *report, json_t **ret, corrie_error *err)
    CORRIE_MUST_USE;

/* ---- merging trees ---- */

/* Decides one key, or with an empty key all, before rules are asked. */
struct merge_choice {
    struct str key;
    enum merge_side side; /* MERGE_OURS or MERGE_THEIRS */
};

struct merge_options {
    const struct merge_kind *kinds;
    size_t n_kinds;
    const struct merge_choice *choices; /* for keys that both sides changed; the first that fits */
    size_t n_choices;
    bool dry_run;
    const struct cancel *cancel;
};

/* Merges; new nodes go to `objects`. Returns 0 and the root; or CORRIE_E_CONFLICT with the
 * conflicts in *report (empty before). `options` may be NULL. Cost: follows what differs between
 * base and ours, times the depth. */
int merge3(struct catalog *catalog, const struct hash *base, const struct hash *ours,
           const struct hash *theirs, const struct merge_options *options,
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
    struct str why;                    /* for the reflog; empty = first line of the message */
    bool allow_empty;                  /* commit even if nothing changes */
    int64_t deadline_ms;               /* 0 = CORRIE_COMMIT_DEADLINE_MS */
    const struct merge_options *merge; /* may be NULL */
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
 * is no longer `start`, the change is merged (merge3: base = start, ours = the change, theirs =
 * head), and again if the ref moves meanwhile, until the deadline. CORRIE_E_CONFLICT with the
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

#endif
