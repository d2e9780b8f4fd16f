/* env.h — Python environments: a Python version and pinned packages become a directory with an
 * interpreter that has exactly those, made by uv.
 *
 * Layout under the cache directory (docs/formats/environments.md):
 *     python/requests/HASH.json   what a request resolved to: the only file that a hit needs besides
 *     python/envs/HASH/           one environment, named by its content, complete since it has its name
 *     python/building/            what is being made; anything in it without a maker is garbage
 *     python/used/HASH            locked (shared) by whoever uses the environment; its time is the last use
 *
 * Invariants
 *   1. A directory under envs/ is complete: it got its name by rename after everything was in it.
 *   2. An environment never changes. Equal lock, files that were allowed and Python version give equal hashes.
 *   3. A request that was resolved once resolves to the same environment until the cache is cleared.
 *   4. An environment is not removed while somebody holds a struct env of it.
 *
 * Any number of processes and threads may resolve at once; equal requests are made once, the others wait.
 * A maker that is killed leaves garbage in building/, removed by the next one that finds no maker. */
#ifndef CORRIE_ENV_ENV_H
#define CORRIE_ENV_ENV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"

struct env_package {
    struct str name;    /* "polars", "pandas[excel]" */
    struct str version; /* "1.15.0", or specifiers ">=1.2,<2"; empty = any */
};

/* What a request was resolved to once: the packages that it is to get again. */
struct env_locked_package {
    struct str name;
    struct str version; /* exact */
    const struct str
        *hashes; /* "sha256:…" of the files that it may be installed from; none = any */
    size_t n_hashes;
};
struct env_locked {
    struct str python; /* "3.11.7": taken if it is here, else another of what the request allows */
    const struct env_locked_package *packages; /* by name; all that are installed */
    size_t n_packages;
};

struct env_request {
    struct str python; /* "3", "3.11" or "3.11.7"; empty = a recent one that is installed */
    const struct env_package *packages;
    size_t n_packages;
    const struct env_locked *locked; /* NULL: what is newest and fits */
};

/* What is being done now, for people: "resolving polars 1.15.0, pyarrow", or a line of uv's. The text is
 * valid during the call. Called from the resolving thread, only when something has to be made. */
typedef void (*env_progress_fn)(void *arg, struct str text);

struct env_options {
    struct str
        cache_dir; /* empty: $CORRIE_CACHE_DIR, else $XDG_CACHE_HOME/corrie, else ~/.cache/corrie */
    bool offline;  /* uv uses what it has in its own cache */
    bool anew;     /* resolve it as if for the first time */
    const struct str *withheld; /* names of variables that uv, and what it builds, do not get */
    size_t n_withheld;
    const struct cancel *cancel;
    env_progress_fn progress;
    void *progress_arg;
};

struct env {
    char *python;  /* the interpreter's path */
    char *dir;     /* the environment */
    char *version; /* "3.11.7" */
    char *lock;    /* "polars==1.15.0\npyarrow==26.0.0\n": every package, by name */
    struct hash
        hash;   /* of the Python version, the lock and the hashes that its files had to have */
    bool made;  /* by this call (else it was there) */
    int use_fd; /* keeps it from being removed; negative where the cache cannot be written to */
};

/* Finds the environment of a request, or makes it: the interpreter as found on this machine (PATH,
 * pyenv, uv's own; none is downloaded), the packages, and a pyarrow that fits both unless one is pinned,
 * all byte-compiled.
 * CORRIE_E_PROJECT: no such Python here (the hint names those that are), a pin or set that cannot be
 * solved (the message gives uv's reason, the detail all it wrote), a malformed name or version;
 * CORRIE_E_NETWORK: packages could not be fetched, or `offline` and not in uv's cache;
 * CORRIE_E_NO_SPACE; CORRIE_E_UNSUPPORTED: uv is not to be found; CORRIE_E_CANCELLED.
 * Ownership of *ret: the caller's, env_free. Cost: a hit reads two small files (< 1 ms) and starts no
 * process; making takes 0.5 s (packages in uv's cache) to minutes. */
int env_resolve(const struct env_request *request, const struct env_options *options,
                struct env **ret, corrie_error *err) CORRIE_MUST_USE;
struct env *env_free(struct env *env);
DEFINE_CLEANUP(struct env *, env_free)

/* Checks "3", "3.11" or "3.11.7". CORRIE_E_PROJECT without position. */
int env_python_check(struct str version, corrie_error *err) CORRIE_MUST_USE;
/* Checks and normalises what is asked for: the name is lower case with '-' for runs of '-', '_', '.' (PEP 503), extras
 * likewise and sorted; the version as it was given, trimmed. Nothing that does not look like a name or a version passes: neither
 * options nor addresses can be smuggled to the installer. Texts in the arena. CORRIE_E_PROJECT without position. */
int env_package_parse(struct str name, struct str version, struct arena *arena,
                      struct env_package *ret, corrie_error *err) CORRIE_MUST_USE;

/* The name under which a request is found again: equal for requests that differ only in the order and
 * spelling (case, '-', '_', '.') of package names. Reads nothing. What it is locked to does not count. */
int env_request_hash(const struct env_request *request, struct hash *ret, corrie_error *err)
    CORRIE_MUST_USE;

/* Whether `said`, an error at import, is what compiled packages say that were built for another numpy than they got. Then
 * the hint of the error tells which: numpy and those of `lock` (as struct env has it) whose names stand in `named`. */
bool env_explain_clash(struct str said, struct str named, struct str lock, corrie_error *err);

/* Where uv is: $CORRIE_UV, beside the running program, in PATH, in ~/.local/bin or ~/.cargo/bin.
 * CORRIE_E_UNSUPPORTED with a hint if nowhere. Heap. */
int env_find_uv(char **ret, corrie_error *err) CORRIE_MUST_USE;

/* The environment that a request resolves to, if it was resolved before: *ret. 1 it was, 0 not, or it is gone. Nothing is
 * made or locked. */
int env_lookup(const struct env_request *request, const struct env_options *options,
               struct hash *ret, corrie_error *err) CORRIE_MUST_USE;

/* ---- what is kept ---- */

struct env_kept {
    struct hash hash;
    struct str version; /* of Python; empty: damaged */
    struct str lock;    /* as struct env has it */
    uint64_t bytes;     /* of its files, those too that are hard links into uv's cache */
    int64_t last_used;  /* nanoseconds since 1970 */
    bool usable;        /* its Python is there; else it counts as absent */
    bool in_use;
    bool removed; /* env_clean: it is, or in a dry run would be */
};
struct env_kept_list {
    struct arena arena;
    struct env_kept *items; /* used last first */
    size_t count;
};
void env_kept_list_done(struct env_kept_list *list);
/* All environments in the cache. Cost: looks at every file of each. */
int env_list(const struct env_options *options, struct env_kept_list *ret, corrie_error *err)
    CORRIE_MUST_USE;
/* Removes those that nobody has used for `unused` nanoseconds (0: all), except those in use, and what makers that were
 * killed left. *ret has all that there were. */
int env_clean(const struct env_options *options, int64_t unused, bool dry_run,
              struct env_kept_list *ret, corrie_error *err) CORRIE_MUST_USE;

/* ---- lock files (docs/formats/environments.md) ---- */

struct env_lock_entry {
    struct hash request;        /* env_request_hash */
    struct str python;          /* as asked; may be empty */
    const struct str *packages; /* as asked: "polars ==1.15.0", sorted */
    size_t n_packages;
    struct env_locked locked;
};
struct env_lock {
    struct env_lock_entry *entries;
    size_t n_entries;
};
/* Reads a lock file; everything is in the arena. CORRIE_E_PROJECT: it is not one (with the position where the JSON is
 * wrong); CORRIE_E_UNSUPPORTED: of a later version. */
int env_lock_parse(struct str file, struct str text, struct arena *arena, struct env_lock *ret,
                   corrie_error *err) CORRIE_MUST_USE;
/* The text of a lock file. Sorts the entries. */
int env_lock_print(struct env_lock *lock, struct buf *out, corrie_error *err) CORRIE_MUST_USE;
/* The entry of a request, or NULL. */
const struct env_lock_entry *env_lock_find(const struct env_lock *lock, const struct hash *request);
/* Resolves a request (with `anew`: again) and asks uv for the hashes of all its packages: one entry, in the arena.
 * Errors are those of env_resolve; CORRIE_E_UNSUPPORTED: a package that is from no index. */
int env_lock_resolve(const struct env_request *request, const struct env_options *options,
                     struct arena *arena, struct env_lock_entry *ret, corrie_error *err)
    CORRIE_MUST_USE;

/* An interpreter found on this machine. */
struct env_python {
    char *path;
    char *version; /* "3.11.7" */
};
struct env_python_list {
    struct env_python *items; /* newest first */
    size_t count;
    size_t capacity;
};
void env_python_list_done(struct env_python_list *list);
/* CPython interpreters of this machine that functions can run on (3.9 and newer), as uv finds them. */
int env_find_pythons(const struct env_options *options, struct env_python_list *ret,
                     corrie_error *err) CORRIE_MUST_USE;

#endif
