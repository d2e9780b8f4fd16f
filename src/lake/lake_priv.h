/* lake_priv.h — shared inside the room. */
#ifndef CORRIE_LAKE_PRIV_H
#define CORRIE_LAKE_PRIV_H

#include "catalog/catalog.h"
#include "catalog/history.h"
#include "catalog/merge.h"
#include "lake/lake.h"
#include "store/store.h"

#define LAKE_KINDS 7

struct lake {
    struct arena arena; /* everything below that is text */
    struct uuid id;
    struct str root; /* absolute path */
    struct str catalog_dir;
    struct str user;
    struct store *store;
    struct catalog *catalog;
    struct table_io io;
    const struct str *roots; /* as in lake.json, Iceberg's URIs */
    size_t n_roots;
    const struct cancel *cancel;
    corrie_event_fn event;
    void *event_context;
    struct merge_kind kinds[LAKE_KINDS]; /* filled by lake_merge_options */
};

/* locate.c: which lake is meant. *ret (in `arena`) is a URL or path; *ret_named whether the user named it, so
 * that an error can say where the name came from. */
int lake_locate(const corrie_lake_options *options, struct arena *arena, struct str *ret,
                struct str *ret_source, corrie_error *err) CORRIE_MUST_USE;

/* config.c: lake.json. */
struct lake_config {
    int64_t format;
    struct uuid id;
    struct str catalog; /* "sqlite:catalog/catalog.db" */
    const struct str *roots;
    size_t n_roots;
};
int lake_config_parse(struct str text, struct arena *arena, struct lake_config *ret,
                      corrie_error *err) CORRIE_MUST_USE;
int lake_config_format(const struct lake_config *config, struct buf *out, corrie_error *err)
    CORRIE_MUST_USE;

/* head.c: as lake_head, but what is kept, whatever $CORRIE_REF says. */
int lake_head_kept(struct lake *lake, struct arena *arena, struct str *ret, corrie_error *err)
    CORRIE_MUST_USE;

/* kinds.c: the merge rules of the kinds this room owns. */
const struct merge_options *lake_merge_options(struct lake *lake, struct merge_options *storage);

/* ---- guard.c: what may not come to a branch ----
 *
 * Every change of a branch passes one of the two functions below, whatever makes it: those that make or take over
 * commits give lake_guard_step to the merge (merge_options.guard), so that it is asked in every round, of what the
 * branch would become; those that move a ref to a commit that is there ask lake_guard_ref first. */

struct merge_step;

/* A table that was read to make what is published, and in which version. */
struct guard_read {
    struct str key;
    struct str version; /* relative metadata location */
};

struct lake_guard {
    struct lake *lake;
    struct arena
        *arena; /* gets the texts of what was accepted; lives as long as the change is under way */
    bool accept_taint;
    bool allow_torn;
    bool restores; /* the source's values come from history: picks, reverts, table revert */
    const struct guard_read *reads; /* serializable: these versions must be on the target still */
    size_t n_reads;
};

/* For merge_guard.check; `guard` is a struct lake_guard. CORRIE_E_REFUSED for taint and torn groups that were not
 * accepted: names the tables and the job, and the hint the job's error; CORRIE_E_CONFLICT names a table of `reads` that
 * has another version on the target. What was accepted is put into step->accepted. Cost: what differs between the
 * target and the result, and of the groups it touches their members. */
int lake_guard_step(void *guard, struct catalog *catalog, struct merge_step *step,
                    corrie_error *err) CORRIE_MUST_USE;

/* For moving a branch to a commit (create, reset, rename, restore): `from_commit` is where it stands, NULL = it is not
 * there yet. CORRIE_E_REFUSED as above. *ret_note (in guard->arena; empty if there is nothing to say) is to be put
 * behind the reflog's `why`, after "; ". Cost: O(1) if nothing is tainted, else what differs. */
int lake_guard_ref(struct lake_guard *guard, const struct hash *from_commit,
                   const struct hash *to_commit, struct str *ret_note, corrie_error *err)
    CORRIE_MUST_USE;

/* table.c */
int lake_table_doc(const struct lake_table *table, struct buf *out, corrie_error *err)
    CORRIE_MUST_USE;

/* The inverse, for what lies under the root; others come back as they are. */
struct str lake_relative(const struct lake *lake, struct str location);
/* The local path of Iceberg's URI "file:///…". Borrowed. */
struct str lake_local_path(struct str location);

/* What differs between two states, as corrie_diff lists it: from a commit to a commit, or to a tree. *ret is a new
 * reference. */
int lake_diff_changes(struct lake *lake, const struct hash *from_commit,
                      const struct hash *to_commit, const struct hash *to_tree, json_t **ret,
                      corrie_error *err) CORRIE_MUST_USE;

#endif
