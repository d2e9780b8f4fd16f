/* undo.h — what a power cut would take away, and taking it away.
 *
 * Kept while the program runs: for each file, the bytes that were overwritten or cut off since its last
 * fsync, and its size then; for the tree, the creations, renames, links and removals whose directory has not
 * been fsynced since. README.md says what is modelled. Not for threads: the caller holds one lock. */
#ifndef CORRIE_TESTS_FAULT_UNDO_H
#define CORRIE_TESTS_FAULT_UNDO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* All that is under `root` now counts as durable. */
void undo_begin(const char *root);
/* Forgets everything without touching the disk (a forked child: it is all its parent's). */
void undo_forget(void);
/* Removes the hidden directory where unlinked files are kept. */
void undo_end(void);

/* Each is called around the operation it is named after, on something under the root.
 * "before" ones save what will be needed; "after" ones are called only when it succeeded. */
void undo_before_write(int fd, off_t offset, size_t len);
void undo_before_truncate(int fd, off_t size);
void undo_after_create(int dir, const char *path); /* of a file, link or fifo */
void undo_after_mkdir(int dir, const char *path);
/* The keepers save what is removed; give the token to the "after" one, or to undo_cancel if it failed. */
struct undo_token {
    struct stat removed; /* st_ino 0: there was nothing */
    struct stat moved;
    unsigned kept; /* number of the kept link, 0 = none */
};
struct undo_token undo_before_unlink(int dir, const char *path);
struct undo_token undo_before_rename(int from_dir, const char *from, int to_dir, const char *to);
void undo_after_unlink(int dir, const char *path, struct undo_token token);
void undo_after_rmdir(int dir, const char *path, struct undo_token token);
void undo_after_rename(int from_dir, const char *from, int to_dir, const char *to,
                       struct undo_token token);
void undo_cancel(struct undo_token token);
/* fsync or fdatasync of a file or directory came back with success. */
void undo_after_sync(int fd);
/* sync(2) */
void undo_all_durable(void);

/* Takes away what is not durable; with a seed a part of it: for each 512-byte sector of a file either the
 * durable or the newest content, for each file a size between the two, and of the changes of the tree the
 * oldest few stay. */
void undo_cut(uint64_t seed);

#endif
