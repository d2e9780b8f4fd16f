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
    struct str path;    /* absolute; of standard input: of the copy */
    struct str name;    /* what messages call it: the path, or "standard input" */
    struct str url;     /* "file:///…": how the ledger calls it */
    struct str version; /* "<mtime ns>:<size>" */
    int64_t size;
    struct hash sha256; /* when it was needed */
    bool skip;          /* the ledger has it */
    bool beaten;        /* others imported it while we did: its rows came with theirs */
    bool standard_input;
    const struct engine_source_key *keys; /* of the folders: year=2024 */
    size_t n_keys;
    bool failed; /* is left out: `error` (heap of the error's) says why */
    corrie_error error;
    struct engine_source source;
};

/* Whether its rows come. */
static inline bool ingest_counts(const struct ingest_file *file)
{
    return !file->skip && !file->failed;
}

/* Whether a file of that name is taken when its folder is named, and one that programs keep beside data: it is not. */
bool ingest_is_data(struct str name);
bool ingest_is_left_out(struct str name);
/* The name without the ending of a data file and of its packing; the same if it has none. */
struct str ingest_stem(struct str name);

/* The files that a URI names: a path or file:// URL of a file, of a folder (the files in it and below it that look like
 * data, not hidden ones nor those that begin with _; all of one kind, else CORRIE_E_DATA), a pattern with * ? [ ] and
 * ** for any folders, or "-" (standard input, not read yet). By name, each once; links are followed, each folder once.
 * Folders called key=value between what was named and a file give its keys.
 * CORRIE_E_NOT_FOUND if there is none; CORRIE_E_UNSUPPORTED for schemes that this version does not read. */
int ingest_list(const char *const *uris, size_t n_uris, struct arena *arena,
                struct ingest_file **ret, size_t *ret_n, corrie_error *err) CORRIE_MUST_USE;

/* CORRIE_E_DATA if the file is not what it was when it was listed (by its time and size). */
int ingest_unchanged(const struct ingest_file *file, corrie_error *err) CORRIE_MUST_USE;

/* SHA-256 of a file's bytes. */
int ingest_hash(struct str path, const struct cancel *cancel, struct hash *ret, corrie_error *err)
    CORRIE_MUST_USE;

/* The type of each key over all files: long where all texts are integers, date where all are ISO dates, else string.
 * CORRIE_E_DATA for a key that is a column of its file too. Sets source.constants of the files. */
int ingest_keys(struct ingest_file *files, size_t n, struct arena *arena, struct schema *ret,
                corrie_error *err) CORRIE_MUST_USE;

/* The columns of all files together, for a table that they make: by name (whatever the case; the first spelling
 * stays), in order of appearance; the types of one name must be equal, or one promote to the other; required only if
 * every file has it so; then the keys of folders. CORRIE_E_DATA names the column and two files that disagree. Files that
 * are skipped or failed do not count. */
int ingest_schema(const struct ingest_file *files, size_t n, const struct schema *keys,
                  struct arena *arena, struct schema *ret, corrie_error *err) CORRIE_MUST_USE;

/* ---- conflicts, for plans ---- */

struct ingest_choice {
    struct type type;
    struct str file; /* the first that has it so */
};

struct ingest_conflict {
    struct str column;
    struct ingest_choice *choices;
    size_t n_choices;
};

/* As ingest_schema; a column whose types cannot be brought together is listed instead of refused, and has the type of
 * the first file in *ret. */
int ingest_conflicts(const struct ingest_file *files, size_t n, const struct schema *keys,
                     struct arena *arena, struct schema *ret,
                     struct ingest_conflict **ret_conflicts, size_t *ret_n, corrie_error *err)
    CORRIE_MUST_USE;

#endif
