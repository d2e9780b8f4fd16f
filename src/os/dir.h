/* dir.h — directories. */
#ifndef CORRIE_OS_DIR_H
#define CORRIE_OS_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "os/file.h"

struct os_entry {
    struct str name;   /* NUL-terminated */
    enum os_kind kind; /* of the entry itself: links are not followed */
};

/* Makes the directory and all missing parents, durably (each new one's parent is fsynced). 1 made,
 * 0 it was there. CORRIE_E_EXISTS if something else has that name. */
int os_dir_make(const char *path, uint32_t mode, corrie_error *err) CORRIE_MUST_USE;
/* Makes the directory itself, not durably; CORRIE_E_EXISTS if there is anything of that name: so
 * one of several that try wins. */
int os_dir_make_new(const char *path, uint32_t mode, corrie_error *err) CORRIE_MUST_USE;
/* Makes what happened in it (creations, renames, unlinks) durable. */
int os_dir_sync(const char *path, corrie_error *err) CORRIE_MUST_USE;
/* Its entries but "." and "..", sorted by bytes, in the arena. CORRIE_E_LIMIT beyond
 * CORRIE_MAX_DIR_ENTRIES. */
int os_dir_list(const char *path, struct arena *arena, struct os_entry **ret, size_t *ret_n,
                corrie_error *err) CORRIE_MUST_USE;
/* Removes an empty directory. 1 done, 0 there was none, CORRIE_E_CONFLICT if it is not empty. */
int os_dir_remove(const char *path, corrie_error *err) CORRIE_MUST_USE;
/* Removes a file or a directory with all it holds; links are removed, not followed. 1 done, 0 there
 * was nothing. On failure what was not removed yet stays. Not durable. */
int os_tree_remove(const char *path, corrie_error *err) CORRIE_MUST_USE;
/* Makes a directory of a new name under $TMPDIR or /tmp, mode 0700. Heap; the caller removes it. */
int os_temp_dir(const char *prefix, char **ret, corrie_error *err) CORRIE_MUST_USE;

/* A temporary directory of this process, whose path is private to who made it. Zeroed is none. */
struct os_own_dir {
    char *path;
    int lock; /* held while `path` is set: what is killed leaves it free, and the next process removes the directory */
};
/* As os_temp_dir; `kind` is "call" or "work". The first call in a process removes what processes of this user that are gone
 * have left of these kinds: without following links, at most a few, and none that is younger than a minute. */
int os_own_dir_make(const char *kind, struct os_own_dir *ret, corrie_error *err) CORRIE_MUST_USE;
/* Removes it with all it holds. */
void os_own_dir_remove(struct os_own_dir *dir);

#endif
