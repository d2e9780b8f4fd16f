/* merge_priv.h — merging with several bases; shared by merge3 and publishing. */
#ifndef CORRIE_CATALOG_MERGE_PRIV_H
#define CORRIE_CATALOG_MERGE_PRIV_H

#include "base/map.h"
#include "catalog/catalog_priv.h"
#include "catalog/merge.h"

#define MERGE_BASES_MAX 16

/* As merge3. With several bases (trees of the best common ancestors) a thing on which they do not
 * agree is merged only if each of them alone would lead to the same. */
int merge_trees(struct catalog *catalog, const struct hash *bases, size_t n_bases,
                const struct hash *source, const struct hash *target,
                const struct merge_options *options, struct object_list *objects,
                struct hash *ret_root, struct merge_report *report, corrie_error *err)
    CORRIE_MUST_USE;

/* ---- things (merge_things.c) ---- */

/* A value where it stands on one side; value NULL = the thing is not there. */
struct merge_seat {
    struct str key;
    const struct tree_value *value;
};

/* From which side a part of the result comes. */
enum merge_part { PART_SAME, PART_SOURCE, PART_TARGET, PART_CONFLICT };

/* One thing that the source changed, made, renamed or removed, and what became of it on the other
 * sides. */
struct merge_thing {
    struct merge_seat on[3]; /* by enum merge_side */
    enum merge_part name;    /* SAME also where only one side has it */
    enum merge_part value;   /* of a side that does not have it: its absence */
    bool disagree;           /* several bases, and they lead to different results */
    bool yields;             /* it gave way to another thing that has its name */
    struct merge_seat result;
};

struct merge_things {
    struct merge_thing **items;
    size_t count;
    size_t capacity;
};

/* What became of an id between two trees. */
struct merge_move {
    unsigned n_lost; /* keys that had it and do not any more */
    unsigned n_gained;
    struct merge_seat lost; /* the last of them */
    struct merge_seat gained;
};

/* Finds what differs between `base` and `source`, thing by thing, and where the target has it.
 * `target_moves` (id -> struct merge_move) gets what the target did with the ids that matter.
 * Everything lies in the arena. */
struct merge_search {
    struct catalog *catalog;
    struct arena *arena;
    const struct cancel *cancel;
    const struct hash *base;
    const struct hash *source;
    const struct hash *target;
};
int merge_things_find(const struct merge_search *search, struct merge_things *ret,
                      struct map *ret_target_moves, corrie_error *err) CORRIE_MUST_USE;
/* The same for several bases: the things of all, each with what all agree on. */
int merge_things_find_all(struct merge_search *search, const struct hash *bases, size_t n_bases,
                          struct merge_things *ret, struct map *ret_target_moves, corrie_error *err)
    CORRIE_MUST_USE;
/* Whether the move is a renaming: one name for another of the same kind. */
bool merge_renamed(const struct merge_move *move);
bool merge_value_same(const struct tree_value *a, const struct tree_value *b);
static inline struct str merge_id_key(const struct tree_value *value)
{
    return (struct str){(const char *)value->id.bytes, sizeof value->id.bytes};
}

/* ---- a merge (merge.c) ---- */

struct merge {
    struct catalog *catalog;
    const struct merge_options *options;
    struct hash trees[3]; /* by enum merge_side; of several bases the first */
    struct merge_report *report;
    struct arena arena;
    struct merge_things things;
    struct map target_moves;
    struct {
        struct tree_edit *items;
        size_t count;
        size_t capacity;
    } edits;
    struct map staged;               /* key -> struct tree_edit */
    const struct merge_thing *thing; /* the one being merged */
    struct str reason;               /* of it */
    struct hash result;
};

/* What was said beforehand about a thing or a key; NULL: nothing. */
const struct merge_choice *merge_choice_for(const struct merge *merge,
                                            const struct merge_thing *thing, struct str key);
int merge_thing_conflict(struct merge *merge, const struct merge_thing *thing, struct str key,
                         struct str reason, corrie_error *err) CORRIE_MUST_USE;

/* Makes edits of the results of all things, after seeing to it that no two of them have one name
 * (merge_place.c). What cannot be placed goes to the report. */
int merge_place(struct merge *merge, corrie_error *err) CORRIE_MUST_USE;

/* ---- reports (merge_report.c) ---- */

/* Values may be NULL; everything is copied into the report. */
int merge_report_add(struct merge_report *report, struct str key, const struct tree_value *base,
                     const struct tree_value *source, const struct tree_value *target,
                     struct str reason, corrie_error *err) CORRIE_MUST_USE;
/* CORRIE_E_CONFLICT in words. */
int merge_report_fail(const struct merge_report *report, corrie_error *err);

#endif
