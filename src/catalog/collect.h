/* collect.h — removing the objects that nothing reaches, beside writers that go on working.
 *
 *     begin (raises the fence) -> mark -> sweep -> end
 *
 * Safe by construction, not by waiting (docs/formats/refs.md, "Collection"):
 *   1. An object is never removed while one that names it is stored, whenever a collection is cut
 *      off: objects are removed in the reverse order of their storing, and what an object names was
 *      always stored before it.
 *   2. What is stored, or asked to be stored again, once the fence is up is younger than the
 *      cutoff, whatever the clocks say. It stays, and so does everything that it names.
 *   3. A ref that is moved to an old commit asks for it to be stored again.
 *   4. A commit whose objects name something that has gone meanwhile is refused (retryable), and so
 *      is one whose round began before a collection began or ended: it goes again and looks anew.
 *
 * Files that values name (data, metadata) are the caller's: it gathers them from `value` and, after
 * the sweep, removes those that are older than the cutoff and were not named. */
#ifndef CORRIE_CATALOG_COLLECT_H
#define CORRIE_CATALOG_COLLECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"
#include "catalog/catalog.h"
#include "catalog/tree.h"

enum collect_phase { COLLECT_MARK, COLLECT_SWEEP };

struct collect_counts {
    uint64_t refs;    /* of all kinds */
    uint64_t commits; /* in reach, as the next three */
    uint64_t nodes;
    uint64_t values;        /* distinct ones, if `value` is wanted */
    uint64_t docs;          /* docs and origins */
    uint64_t kept_objects;  /* all that stay, so also old ones that young garbage names */
    uint64_t kept_bytes;    /* in stored form */
    uint64_t swept_objects; /* removed; in a dry run, what would be */
    uint64_t swept_bytes;
    uint64_t file_bytes; /* given back to the file system */
};

struct collect_options {
    /* UTC ns. Objects whose stamp is not older stay, with all that they name; rounded down to whole
     * seconds. Commits whose `since` lies before it are refused from the begin on. */
    int64_t cutoff;
    /* UTC ns. Movements of refs from then on keep the commits that they name, old and new. */
    int64_t reflog_since;
    /* Further commits to be kept (inputs of jobs); those that are not there are passed over.
     * Borrowed until the end. */
    const struct hash *commits;
    size_t n_commits;
    bool dry_run; /* raises no fence and removes nothing: counts */
    const struct cancel *cancel;
    void *arg;
    /* Each value in reach, once: during the mark, and during the sweep those of young garbage and of
     * what others brought into reach meanwhile. May read through the same catalog (tree_value_doc,
     * object_read), but not change anything. Never called inside the write lock. Key and value are
     * borrowed for the call. NULL = not wanted. */
    int (*value)(void *arg, struct str key, const struct tree_value *value, corrie_error *err);
    /* Now and then: so many objects looked at in this phase. NULL = not wanted. A negative result
     * ends the work and is its result, as with `value`. */
    int (*progress)(void *arg, enum collect_phase phase, uint64_t n_objects, corrie_error *err);
};

/* One collection; lives in the caller's thread, uses the handle like any other work, and must end
 * before the handle is closed. */
struct collect;

/* Raises the fence (unless it is a dry run) and notes what there is. CORRIE_E_USAGE for a cutoff
 * in the future, CORRIE_E_UNSUPPORTED if the backend cannot collect, CORRIE_E_BUSY, CORRIE_E_IO.
 * From here on commits whose work began before the cutoff are refused, also if the rest fails. */
int collect_begin(struct catalog *catalog, const struct collect_options *options,
                  struct collect **ret, corrie_error *err) CORRIE_MUST_USE;

/* Goes through everything in reach of refs of all kinds, movements since `reflog_since` and the given
 * commits. CORRIE_E_CORRUPT if something in reach is missing or damaged: then
 * nothing may be removed; CORRIE_E_CANCELLED. CORRIE_E_CONFLICT (retryable) if another
 * collection removes objects meanwhile. Memory: some 60 bytes an object in reach, and as much a
 * value. */
int collect_mark(struct collect *collect, corrie_error *err) CORRIE_MUST_USE;

/* After the mark: removes what is neither in reach nor young, nor named by what is, in batches that
 * hold the write lock for some ten milliseconds each (they get smaller where that takes longer) with a
 * pause between them, and gives room back to the file system if it is
 * much. Whenever it ends, by an error, a cancellation or kill -9, the catalog is whole and a next
 * collection goes on. Only when it has returned 0 has `value` been called for all that commits may
 * still bring into reach: remove no file otherwise. */
int collect_sweep(struct collect *collect, corrie_error *err) CORRIE_MUST_USE;

/* So far; borrowed until the end. */
const struct collect_counts *collect_counts(const struct collect *collect);

struct collect *collect_end(struct collect *collect);
DEFINE_CLEANUP(struct collect *, collect_end)

#endif
