/* catalog.h — the versioned catalog of a lake: objects, refs and the log of their movements, in one
 * SQLite file `catalog.db`. Knows keys, not tables.
 *
 * A handle belongs to one thread of one process; any number of processes may have one open. A
 * handle does not survive fork. Trees are in tree.h, commits in commit.h, walking and naming of
 * history in history.h, merging and publishing in merge.h, damage in check.h.
 *
 * Invariants
 *   1. A ref, its reflog entry and the objects that it needs become visible together or not at all,
 *      and what was reported done survives kill -9 and power loss.
 *   2. A ref moves only from the commit that its mover had seen (compare-and-swap).
 *   3. Objects never change. Those that nothing reaches are garbage, never damage. */
#ifndef CORRIE_CATALOG_CATALOG_H
#define CORRIE_CATALOG_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"
#include "catalog/object.h"

struct catalog_options {
    int64_t lock_deadline_ms; /* how long to wait for other writers; 0 = CORRIE_LOCK_DEADLINE_MS */
    size_t cache_bytes;       /* objects kept in memory; 0 = CORRIE_CATALOG_CACHE */
    const struct cancel *cancel; /* ends waiting for locks; borrowed; may be NULL */
};

/* Makes an empty catalog in a directory that exists, durably. One that is there already and has
 * neither refs nor objects (a creation that was cut off) is taken over; else CORRIE_E_EXISTS. */
int catalog_create(const char *directory, corrie_error *err) CORRIE_MUST_USE;

/* Opens the catalog of a directory. `options` may be NULL. CORRIE_E_NOT_FOUND if there is none,
 * CORRIE_E_CORRUPT if the file is damaged, CORRIE_E_UNSUPPORTED if a newer version made it. */
int catalog_open(const char *directory, const struct catalog_options *options, struct catalog **ret,
                 corrie_error *err) CORRIE_MUST_USE;
struct catalog *catalog_close(struct catalog *catalog);
DEFINE_CLEANUP(struct catalog *, catalog_close)

/* Refs. Branches and tags share one name space; names under tx/ are kind CATALOG_TX and the only
 * ones of that kind. */
enum catalog_ref_kind { CATALOG_BRANCH = 1, CATALOG_TAG = 2, CATALOG_TX = 3 };
const char *catalog_ref_kind_name(int kind); /* "branch", "tag", "tx" */

struct catalog_ref {
    struct str name;
    enum catalog_ref_kind kind;
    struct hash commit;
};

/* The ref of that name; ret->name is the argument. CORRIE_E_NOT_FOUND, with the nearest names. */
int catalog_ref_get(struct catalog *catalog, struct str name, struct catalog_ref *ret,
                    corrie_error *err) CORRIE_MUST_USE;
/* 1 found, 0 there is none. */
int catalog_ref_find(struct catalog *catalog, struct str name, struct catalog_ref *ret,
                     corrie_error *err) CORRIE_MUST_USE;
/* Up to `limit` refs in the order of names whose name starts with `prefix` and stands after `after`
 * (empty = from the start), of one kind or, with 0, of all. Names lie in the arena. A next page
 * exists only if *ret_n is `limit`; it starts after the last name. */
int catalog_ref_list(struct catalog *catalog, struct str prefix, int kind, struct str after,
                     size_t limit, struct arena *arena, struct catalog_ref **ret, size_t *ret_n,
                     corrie_error *err) CORRIE_MUST_USE;

/* One movement of one ref. */
struct catalog_move {
    struct str ref;
    enum catalog_ref_kind kind; /* for a ref that is created; else as it is */
    struct hash expected;       /* zero: the ref must not exist */
    struct hash new_commit;     /* zero: the ref is deleted */
    struct str who;
    struct str why;
    int64_t when; /* UTC ns; 0 = now */
    /* Of a ref that is deleted: only if another of its kind is left, CORRIE_E_REFUSED otherwise. It is
     * decided by whoever moves it, so that of two that go at once the last one stays. */
    bool leaves_another;
    /* What a collection that runs meanwhile must know (collect.h): */
    int64_t since;       /* UTC ns: when the work that wrote its files began; 0 = it wrote none */
    uint64_t generation; /* catalog_generation before anything was looked at; 0 = no matter */
    /* A movement of another ref that is made with this one: both or none (a name that another takes
     * over). Of its own it has no `also`, `since` and `generation`. NULL = none. */
    const struct catalog_move *also;
};

/* Counts collections that began or ended; from 1. A round takes it before it looks at the first
 * thing and hands it to catalog_commit, which refuses the round if the number is another by then. A
 * handle that sees a new one here forgets what it has in memory, so that it looks anew. Cost: one
 * small read. */
int catalog_generation(struct catalog *catalog, uint64_t *ret, corrie_error *err) CORRIE_MUST_USE;
/* Where the fence of the newest collection stands (UTC ns, 0 = there was none): commits whose
 * `since` lies before it are refused. */
int catalog_fence(struct catalog *catalog, int64_t *ret, corrie_error *err) CORRIE_MUST_USE;

/* Stores `objects` (may be NULL), moves the ref and writes its reflog entry: all or nothing,
 * durably. Creating and deleting a ref are such commits. CORRIE_E_EXISTS if the ref was to be new
 * and is there; CORRIE_E_NOT_FOUND if it was to be there and is not; CORRIE_E_CONFLICT, with
 * err->retryable set, if it stands elsewhere than `expected`; CORRIE_E_NOT_FOUND if `new_commit` is
 * no commit of the catalog; CORRIE_E_CONFLICT (retryable) also if a collection came between:
 * `since` lies before its fence, `generation` is not the present one, or something that the objects
 * name is gone; CORRIE_E_REFUSED if `leaves_another` does not hold; CORRIE_E_BUSY (retryable) if others held the lock until the deadline;
 * CORRIE_E_NO_SPACE, CORRIE_E_IO. After any of them nothing has changed. If the machine fails at
 * the very end of a commit, the error may be reported and the commit be there after a restart.
 * Cost: one write transaction. */
int catalog_commit(struct catalog *catalog, const struct object_list *objects,
                   const struct catalog_move *move, corrie_error *err) CORRIE_MUST_USE;

/* The log of a ref's movements; it outlives the ref. */
struct catalog_reflog_entry {
    uint64_t sequence; /* counts up for one name, from 1 */
    enum catalog_ref_kind kind;
    struct hash old_commit; /* zero: it was created then */
    struct hash new_commit; /* zero: it was deleted then */
    int64_t when;
    struct str who;
    struct str why;
};
/* Up to `limit` entries of one name, newest first, with a sequence less than `before` (0 = from the
 * newest). Texts lie in the arena. */
int catalog_reflog(struct catalog *catalog, struct str ref, uint64_t before, size_t limit,
                   struct arena *arena, struct catalog_reflog_entry **ret, size_t *ret_n,
                   corrie_error *err) CORRIE_MUST_USE;

/* 1 there is a commit of that name, 0 not: it was collected. */
int catalog_commit_exists(struct catalog *catalog, const struct hash *commit, corrie_error *err)
    CORRIE_MUST_USE;
/* The commit whose name starts with those 8–64 hex digits. CORRIE_E_NOT_FOUND; CORRIE_E_USAGE if
 * several do (the hint lists some) or it is no such prefix. */
int catalog_commit_by_prefix(struct catalog *catalog, struct str hex, struct hash *ret,
                             corrie_error *err) CORRIE_MUST_USE;

/* A small index beside the versioned tree, for records that lie elsewhere (jobs): id -> time and a
 * JSON text of at most CORRIE_MAX_INDEX_JSON bytes, in name spaces. Not versioned; the last writer
 * wins. */
struct catalog_index_entry {
    struct str id;
    int64_t time; /* UTC ns */
    struct str json;
};
int catalog_index_put(struct catalog *catalog, struct str space,
                      const struct catalog_index_entry *entry, corrie_error *err) CORRIE_MUST_USE;
/* 1 and the entry (in the arena), 0 if there is none. */
int catalog_index_get(struct catalog *catalog, struct str space, struct str id, struct arena *arena,
                      struct catalog_index_entry *ret, corrie_error *err) CORRIE_MUST_USE;
/* Up to `limit` entries, newest first (equal times: by id, descending), that stand after `after` in
 * that order (NULL = from the newest; only its time and id are looked at) and whose id starts with
 * `id_prefix`. */
int catalog_index_list(struct catalog *catalog, struct str space, struct str id_prefix,
                       const struct catalog_index_entry *after, size_t limit, struct arena *arena,
                       struct catalog_index_entry **ret, size_t *ret_n, corrie_error *err)
    CORRIE_MUST_USE;
/* 1 removed, 0 there was none. */
int catalog_index_delete(struct catalog *catalog, struct str space, struct str id,
                         corrie_error *err) CORRIE_MUST_USE;

#endif
