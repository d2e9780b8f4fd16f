/* ingest.h — bringing files in: which files, what is in them, one table, one commit.
 *
 * The public function is corrie_import (<corrie/run.h>). Here are its parts.
 *
 * Invariants
 *   1. Everything about the files (are they there, readable, do they agree) is found out before the first row is
 *      written; a malformed row found later stages nothing either.
 *   2. A file already in the table's ledger with the same content is skipped, unless asked otherwise. What the
 *      ledger says of a file's content is true of the rows: a file that changes while it is read fails the import.
 *   3. Rows keep the order of the files (by name within a folder or pattern), then of the rows in the file. */
#ifndef CORRIE_INGEST_INGEST_H
#define CORRIE_INGEST_INGEST_H

#include <corrie/run.h>

#include "arrow/type.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"
#include "engine/engine.h"

/* A file to be imported. Text in the arena it was listed into. */
struct ingest_file {
    struct str path;    /* absolute */
    struct str url;     /* "file:///…": how the ledger calls it */
    struct str version; /* "<mtime ns>:<size>" */
    int64_t size;
    struct hash sha256; /* when it was needed */
    bool skip;          /* the ledger has it */
    bool beaten;        /* others imported it while we did: its rows came with theirs */
    struct engine_source source;
};

/* The files that a URI names: a path or file:// URL of a file, of a folder (the files in it that look like data,
 * not hidden ones, not those of its subfolders), or a pattern with * ? [ ]. By name, each once.
 * CORRIE_E_NOT_FOUND if there is none; CORRIE_E_UNSUPPORTED for schemes that this version does not read. */
int ingest_list(const char *const *uris, size_t n_uris, struct arena *arena,
                struct ingest_file **ret, size_t *ret_n, corrie_error *err) CORRIE_MUST_USE;

/* CORRIE_E_DATA if the file is not what it was when it was listed (by its time and size). */
int ingest_unchanged(const struct ingest_file *file, corrie_error *err) CORRIE_MUST_USE;

/* SHA-256 of a file's bytes. */
int ingest_hash(struct str path, const struct cancel *cancel, struct hash *ret, corrie_error *err)
    CORRIE_MUST_USE;

/* The columns of all files together, for a table that they make: by name (whatever the case; the first spelling
 * stays), in order of appearance; the types of one name must be equal, or one promote to the other; required only if
 * every file has it so. CORRIE_E_DATA names the column and two files that disagree. Skipped files do not count. */
int ingest_schema(const struct ingest_file *files, size_t n, struct arena *arena,
                  struct schema *ret, corrie_error *err) CORRIE_MUST_USE;

#endif
