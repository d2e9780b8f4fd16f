/* history.h — walking back, and naming commits. */
#ifndef CORRIE_CATALOG_HISTORY_H
#define CORRIE_CATALOG_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/hash.h"
#include "catalog/catalog.h"
#include "catalog/commit.h"
#include "lang/refexpr.h"

/* The commit that an expression names, and, if it starts with a ref, that ref.
 *   `name@hash`: the commit must be in the history of the ref or in its reflog. `name*TIME`: what
 *   the ref showed then by its reflog; before the reflog begins, the newest first-parent commit not
 *   younger than TIME.
 * CORRIE_E_NOT_FOUND says which part led nowhere. `ret_ref` may be NULL; ret_ref->name is empty
 * when the expression has no name. */
int history_resolve(struct catalog *catalog, const struct ref_expr *expr, struct hash *ret_commit,
                    struct catalog_ref *ret_ref, corrie_error *err) CORRIE_MUST_USE;
/* The same of a text: ref_expr_parse and history_resolve. */
int history_resolve_text(struct catalog *catalog, struct str text, struct hash *ret_commit,
                         struct catalog_ref *ret_ref, corrie_error *err) CORRIE_MUST_USE;

/* The history of `from`, itself first: along first parents only, or all ancestors, each once, a
 * child before its parents, by generation and then by time, newest first. Streams: memory follows
 * the width of the history, not its length. */
struct history_walk;
int history_walk_open(struct catalog *catalog, const struct hash *from, bool first_parent,
                      struct history_walk **ret, corrie_error *err) CORRIE_MUST_USE;
/* Leaves out a commit and all its ancestors. Before the first history_walk_next. The walk ends where
 * only such are left. */
int history_walk_hide(struct history_walk *walk, const struct hash *commit, corrie_error *err)
    CORRIE_MUST_USE;
/* For what is followed through history: the note that a child left for the commit that was returned
 * last (the first of several; NULL: none did), and leaving one for its n-th parent, from 0. */
const void *history_walk_note(const struct history_walk *walk);
void history_walk_pass(struct history_walk *walk, size_t parent, const void *note);
/* The tree of the n-th parent of that commit. The walk reads ahead for it as for itself. */
int history_walk_parent_tree(struct history_walk *walk, size_t parent, struct hash *ret,
                             corrie_error *err) CORRIE_MUST_USE;
/* 1 and the next commit, borrowed until the next call or the close; 0 at the end. */
int history_walk_next(struct history_walk *walk, const struct commit **ret, corrie_error *err)
    CORRIE_MUST_USE;
struct history_walk *history_walk_close(struct history_walk *walk);
DEFINE_CLEANUP(struct history_walk *, history_walk_close)

/* The best common ancestors: those that are not an ancestor of another. Up to `max` of them, newest
 * first; *ret_n 0 if the two have nothing in common. Cost: the commits between them and their
 * common history, ordered by generation. */
int history_merge_bases(struct catalog *catalog, const struct hash *a, const struct hash *b,
                        struct hash *ret, size_t max, size_t *ret_n, corrie_error *err)
    CORRIE_MUST_USE;

/* 1 if `ancestor` is `commit` or an ancestor of it, else 0. Cost: the commits of a generation not
 * less than the ancestor's. */
int history_is_ancestor(struct catalog *catalog, const struct hash *ancestor,
                        const struct hash *commit, corrie_error *err) CORRIE_MUST_USE;

#endif
