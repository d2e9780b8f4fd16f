/* backend.h — where a catalog keeps what it keeps: the interface that sqlite, postgres and object
 * stores implement. Nothing above it knows which one it is.
 *
 * Contract (tests/contract/catalog runs it over every backend listed there)
 *   1. commit() is all or nothing, durable when it returns 0, and linear: of two that expect the
 *      same commit of one ref, one succeeds.
 *   2. put_objects() may be early: what it stored is durable by the next commit at the latest.
 *      Storing an object that is there already gives it a new stamp, so that a collector spares it.
 *   3. Bytes go in and out in stored form (docs/formats/objects.md); the backend does not look
 *      inside.
 *   4. Everything handed to callbacks or lying in an arena stays valid as said; everything passed
 *      in is borrowed for the call. No operation may be called from within a callback.
 *   5. Objects stand in the order in which they were first stored: each has a position, larger than
 *      all before, never given twice. Who stores puts an object after those that it names.
 *   6. Nothing goes but by remove_objects(). A stamp that is set is not below the fence. A ref that
 *      is moved to a commit that was stored before gives that commit a new stamp if its own is
 *      below the fence. */
#ifndef CORRIE_CATALOG_BACKEND_H
#define CORRIE_CATALOG_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/catalog.h"

struct backend_object {
    struct hash name;
    int type;
    struct str stored;
};

/* An object without its bytes. */
struct backend_entry {
    struct hash name;
    int type;
    int64_t stamp; /* UTC s: when it was last asked to be stored */
    uint64_t size; /* bytes in stored form */
    uint64_t position;
};

/* Called for each object found, in any order, with its index among the names asked for. */
typedef int (*backend_object_fn)(void *arg, size_t index, const struct backend_object *object,
                                 corrie_error *err);
/* `stored` is borrowed for the call; empty for docs and origins, which may be large and name nothing. */
typedef int (*backend_entry_fn)(void *arg, const struct backend_entry *entry, struct str stored,
                                corrie_error *err);
typedef int (*backend_name_fn)(void *arg, const struct hash *name, corrie_error *err);

/* How things stand with collections. */
struct backend_state {
    uint64_t generation; /* of catalog_generation; from 1 */
    uint64_t removals;   /* remove_objects() that were done */
    int64_t fence;       /* UTC ns */
};

struct backend {
    const struct backend_ops *ops;
};

struct backend_ops {
    const char *name;
    struct backend *(*close)(struct backend *backend);

    /* Missing objects are no error: the callback is not called for them. */
    int (*get_objects)(struct backend *backend, const struct hash *names, size_t n,
                       backend_object_fn each, void *arg, corrie_error *err);
    /* 1: nothing was done, since objects were removed after `removals` (as state() told it; 0 = no
     * matter), and what these name may be among them. */
    int (*put_objects)(struct backend *backend, const struct backend_object *objects, size_t n,
                       uint64_t removals, corrie_error *err);
    /* The index of the first name that is not stored; n if all are. */
    int (*find_missing)(struct backend *backend, const struct hash *names, size_t n,
                        size_t *ret_index, corrie_error *err);
    /* Names of objects of a type that start with `n_bits` bits of `prefix` (the rest of it zero),
     * at most `limit`, in order. */
    int (*find_objects)(struct backend *backend, int type, const struct hash *prefix,
                        unsigned n_bits, size_t limit, backend_name_fn each, void *arg,
                        corrie_error *err);

    /* 1 found, 0 not. ret->name is the argument. */
    int (*get_ref)(struct backend *backend, struct str name, struct catalog_ref *ret,
                   corrie_error *err);
    /* As catalog_ref_list. */
    int (*list_refs)(struct backend *backend, struct str prefix, int kind, struct str after,
                     size_t limit, struct arena *arena, struct catalog_ref **ret, size_t *ret_n,
                     corrie_error *err);
    /* As catalog_commit, with `when` set, of `also` too, and with `leaves_another` looked at as one with the rest of it; `new_commit`, if not zero, must be among `objects` or
     * stored. `removals` and the result 1 as put_objects; looked at after everything else. */
    int (*commit)(struct backend *backend, const struct backend_object *objects, size_t n,
                  const struct catalog_move *move, uint64_t removals, corrie_error *err);
    /* Optional (NULL): keeps all other writers out until the next commit() or release(), so that a
     * writer who lost a race wins the next. `release` without `hold` does nothing. */
    int (*hold)(struct backend *backend, corrie_error *err);
    void (*release)(struct backend *backend);

    /* As catalog_reflog. */
    int (*reflog)(struct backend *backend, struct str ref, uint64_t before, size_t limit,
                  struct arena *arena, struct catalog_reflog_entry **ret, size_t *ret_n,
                  corrie_error *err);
    /* Each commit that any reflog entry of a time not before `since` names, once; for checks and
     * collection. */
    int (*reflog_commits)(struct backend *backend, int64_t since, backend_name_fn each, void *arg,
                          corrie_error *err);
    /* Each name that any reflog entry is of, once, in order. */
    int (*reflog_names)(struct backend *backend, struct arena *arena, struct str **ret,
                        size_t *ret_n, corrie_error *err);

    /* As catalog_index_*. */
    int (*index_put)(struct backend *backend, struct str space,
                     const struct catalog_index_entry *entry, corrie_error *err);
    int (*index_get)(struct backend *backend, struct str space, struct str id, struct arena *arena,
                     struct catalog_index_entry *ret, corrie_error *err);
    int (*index_list)(struct backend *backend, struct str space, struct str id_prefix,
                      const struct catalog_index_entry *after, size_t limit, struct arena *arena,
                      struct catalog_index_entry **ret, size_t *ret_n, corrie_error *err);
    int (*index_delete)(struct backend *backend, struct str space, struct str id,
                        corrie_error *err);

    /* ---- collection (catalog/collect.h); list_objects NULL: the backend cannot collect ---- */

    int (*state)(struct backend *backend, struct backend_state *ret, corrie_error *err);
    /* One step of the generation; the fence goes up to `cutoff` if it is below. *ret_last: the
     * position of the newest object, 0 if there is none. A write transaction: ends a hold(). */
    int (*advance)(struct backend *backend, int64_t cutoff, uint64_t *ret_last, corrie_error *err);
    /* Objects from the newest to the oldest, of positions less than `before` (0 = from the newest).
     * Reads no bytes. */
    int (*list_objects)(struct backend *backend, uint64_t before, size_t limit,
                        struct backend_entry *ret, size_t *ret_n, corrie_error *err);
    /* As list_objects, with the bytes of nodes and commits: what a mark reads, in the order in which
     * it lies. *ret_last: the position of the last one it called for, *ret_n how many there were. */
    int (*scan_objects)(struct backend *backend, uint64_t before, size_t limit,
                        backend_entry_fn each, void *arg, uint64_t *ret_last, size_t *ret_n,
                        corrie_error *err);
    /* Removes objects, all or none; state().removals grows. Only between hold() and its end, which
     * this is: what was seen since then is as it was. */
    int (*remove_objects)(struct backend *backend, const struct backend_entry *objects, size_t n,
                          corrie_error *err);
    /* Optional (NULL): gives room that removed objects have left back to the file system, if it is
     * worth it, in small steps beside others. *ret_bytes: how much. */
    int (*shrink)(struct backend *backend, const struct cancel *cancel, uint64_t *ret_bytes,
                  corrie_error *err);
    /* Optional (NULL): what is read until thaw() is the state of one moment. Nothing can be written
     * through this backend meanwhile. Without freeze() thaw() does nothing. */
    int (*freeze)(struct backend *backend, corrie_error *err);
    void (*thaw)(struct backend *backend);

    /* Checks the medium itself; one call a fault. Negative results end it. */
    int (*check)(struct backend *backend,
                 int (*problem)(void *arg, struct str what, corrie_error *err), void *arg,
                 corrie_error *err);
    /* Optional (NULL): as catalog_repair_medium. */
    int (*repair)(struct backend *backend, bool dry_run, corrie_error *err);
};

int backend_sqlite_create(const char *directory, corrie_error *err) CORRIE_MUST_USE;
int backend_sqlite_open(const char *directory, const struct catalog_options *options,
                        struct backend **ret, corrie_error *err) CORRIE_MUST_USE;

#endif
