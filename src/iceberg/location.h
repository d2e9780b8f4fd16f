/* location.h — where the files of a table lie, and what the paths in them mean now.
 *
 * Inside Iceberg files every path is absolute: "file:///srv/lake/data/…". The bytes after "file://" are
 * the path itself; percent signs mean nothing there, since other readers do not decode them. A lake that
 * was moved still holds paths under its older roots; they are read under the present one.
 *
 * A table lies at ROOT/data/NAMESPACE/TABLE-ID (docs/formats/iceberg.md). Names in paths are for people:
 * nothing reads them back. */
#ifndef CORRIE_ICEBERG_LOCATION_H
#define CORRIE_ICEBERG_LOCATION_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/str.h"
#include "base/uuid.h"
#include "store/store.h"

/* What every function here that reads or writes files needs. Plain data of the caller's, read only: several
 * threads may share it. All of it is borrowed. */
struct table_io {
    struct store *store;
    struct str root;               /* Iceberg's URI of the store's root, no slash at the end */
    const struct str *older_roots; /* the lake's former roots, same form; may be NULL */
    size_t n_older_roots;
    const struct cancel *cancel; /* may be NULL */
    /* Files of others, of an external table: what does not lie under `root` is read where it is, and only read. */
    bool outside;
    /* The table's folder as its metadata calls it, and as it is now (a URI of this form): paths under the first mean
     * the second. May both be empty. */
    struct str moved_from;
    struct str moved_to;
};

/* The URI that Iceberg files use for the store's root: "file:///srv/my lake". In `arena`. */
int location_of_store(struct store *store, struct arena *arena, struct str *ret, corrie_error *err)
    CORRIE_MUST_USE;

/* The same path under the present root: a path under one of the older roots is moved, "file:/x" and "/x"
 * become "file:///x"; anything else comes back as it is. In `arena` or borrowed from `path`. */
int location_resolve(const struct table_io *io, struct str path, struct arena *arena,
                     struct str *ret, corrie_error *err) CORRIE_MUST_USE;
/* Appends the whole file at `path`, resolved first, to `out`: CORRIE_E_NOT_FOUND if there is none, or it lies outside the
 * root and those are not to be read; CORRIE_E_LIMIT if it has more than `max` bytes; CORRIE_E_UNSUPPORTED if it is
 * outside and not on this machine. */
int location_read(const struct table_io *io, struct str path, size_t max, struct buf *out,
                  corrie_error *err) CORRIE_MUST_USE;
/* CORRIE_E_UNSUPPORTED for a URI of another scheme than file://, or of another host. */
int location_check_local(struct str path, corrie_error *err) CORRIE_MUST_USE;
/* The key in io->store of an absolute path (resolved first). CORRIE_E_NOT_FOUND if it lies outside the
 * root: the file belongs to someone else's directory. In `arena` or borrowed. */
int location_key(const struct table_io *io, struct str path, struct arena *arena, struct str *ret,
                 corrie_error *err) CORRIE_MUST_USE;
/* ROOT/KEY. In `arena`. */
int location_of_key(const struct table_io *io, struct str key, struct arena *arena, struct str *ret,
                    corrie_error *err) CORRIE_MUST_USE;

/* ROOT/data/<namespace>/<table>-<32 hex digits of id>; names percent-encoded and cut at 64 bytes. */
int location_of_table(const struct table_io *io, struct str namespace_name, struct str table_name,
                      const struct uuid *id, struct arena *arena, struct str *ret,
                      corrie_error *err) CORRIE_MUST_USE;
/* LOCATION/data/<00000 ordinal>-<uuid>.parquet: a fresh name for the ordinal-th file of one write. Within a
 * write the order of names is the order of ordinals, up to 99 999. */
int location_of_data_file(struct str location, unsigned ordinal, struct arena *arena,
                          struct str *ret, corrie_error *err) CORRIE_MUST_USE;

#endif
