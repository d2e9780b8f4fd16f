/* api_priv.h — shared by the shells of the public interface, api_*.c. */
#ifndef CORRIE_LAKE_API_PRIV_H
#define CORRIE_LAKE_API_PRIV_H

#include "catalog/tree.h"
#include "lake/lake_priv.h"

/* The caller's options over the defaults that `given` holds: a shorter struct is of an older caller. */
#define API_GIVEN(given, options)                                                                  \
    do {                                                                                           \
        if (options) {                                                                             \
            memcpy(&(given), (options),                                                            \
                   (options)->size < sizeof(given) ? (options)->size : sizeof(given));             \
        }                                                                                          \
    } while (0)

/* A COMMIT document, as text and as a new reference. */
void api_commit_text(const struct commit *commit, struct buf *out);
int api_commit_json(const struct commit *commit, json_t **ret, corrie_error *err) CORRIE_MUST_USE;
/* A REF document. `head` is the name of what is checked out. *ret is a new reference. */
int api_ref_json(struct lake *lake, const struct catalog_ref *ref, struct str head, json_t **ret,
                 corrie_error *err) CORRIE_MUST_USE;
/* "sales.events" of ["table", "sales", "events"]. New reference; NULL when memory ran out. */
json_t *api_key_name(struct str key) CORRIE_MUST_USE;
/* The key that a user means: "sales.events" (or "events", in public) a table, "kind:name" anything. */
int api_key_of(struct str text, const char *default_namespace, struct key *ret, corrie_error *err)
    CORRIE_MUST_USE;
/* Where the table that is missing would be a namespace: a hint how to name that. Returns the error's code. */
int api_hint_namespace(const struct lake_view *view, struct str text, corrie_error *err);

/* ---- status.c ---- */

/* {"job","inputs":[{"name","read","now"}]} of a table that a job's run made, with those of the tables it was made of that
 * are others now; null where nothing is known. New reference. */
int status_made_by(struct lake *lake, const struct lake_view *view, struct str ns, struct str name,
                   json_t **ret, corrie_error *err) CORRIE_MUST_USE;

/* ---- api_moves.c ---- */

enum { API_TRIES = 16 }; /* how often a movement is decided when others are faster */

/* Decides on a movement, from what is there now. 1: make the move; 0: there is nothing to do. */
typedef int (*api_decide_fn)(void *arg, struct lake *lake, struct catalog_move *move,
                             corrie_error *err);
/* Makes the answer to a movement that was decided on, before it is made: nothing may fail once it is done. */
typedef int (*api_answer_fn)(void *arg, struct lake *lake, const struct catalog_move *move,
                             bool moves, char **ret_json, corrie_error *err);
/* Decides and moves; again if others moved it meanwhile. 1 moved, 0 nothing to do. `answer` may be NULL. */
int api_move_ref(struct lake *lake, api_decide_fn decide, api_answer_fn answer, void *arg,
                 struct catalog_move *move, char **ret_json, corrie_error *err) CORRIE_MUST_USE;
/* Whether a ref may be made under a name. Ones of other names that are there stay usable. */
int api_check_new_name(struct str name, corrie_error *err) CORRIE_MUST_USE;
int api_need_branch(const struct catalog_ref *found, corrie_error *err) CORRIE_MUST_USE;
/* Asks whether a branch may come from a commit (NULL: it is new) to another. *ret_why (in the guard's arena, or `why`)
 * is `why` and what was accepted. */
int api_allow(struct lake_guard *guard, const struct hash *from, const struct hash *to,
              struct str why, struct str *ret_why, corrie_error *err) CORRIE_MUST_USE;

/* ---- api_track.c ---- */

enum track_change { TRACK_SAME, TRACK_CREATED, TRACK_WRITTEN, TRACK_RENAMED, TRACK_REMOVED };

/* What happened to a thing between an older tree and a newer one that calls it by some key. */
struct track_step {
    enum track_change change;
    bool is_before; /* whether it is in the older tree, and what it is there */
    bool is_after;
    struct tree_value before;
    struct tree_value after;
    struct str key_before; /* what to look for in older trees: another key if it was renamed */
};

/* `older` NULL: there is nothing before. Values lie in `arena`, key_before there or where `key` does; when nothing
 * changed, values may be left out. Cost: two lookups; where the key was given to something, what differs of its kind. */
int api_track(struct lake *lake, const struct hash *older, const struct hash *newer, struct str key,
              struct arena *arena, struct track_step *ret, corrie_error *err) CORRIE_MUST_USE;
/* 1 and what the older tree calls the thing of that id, if the newer one calls it otherwise or has it no more; else 0.
 * Both lie in `arena`. Cost: what differs of the kind. */
int api_track_find(struct lake *lake, const struct hash *older, const struct hash *newer,
                   struct str kind, const struct uuid *id, struct arena *arena, struct str *ret_key,
                   struct tree_value *ret, corrie_error *err) CORRIE_MUST_USE;

#endif
