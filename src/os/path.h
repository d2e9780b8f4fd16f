/* path.h — paths as text. No file is looked at except where the comment says so. */
#ifndef CORRIE_OS_PATH_H
#define CORRIE_OS_PATH_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"

/* "a/b" of "a/b/c" and "/" of "/c"; "." where there is no slash. Trailing slashes do not count.
 * Borrowed from `path` or static. */
struct str os_path_parent(struct str path);
/* "c" of "a/b/c" and of "a/b/c/"; empty for "/". Borrowed from `path`. */
struct str os_path_name(struct str path);
/* `base`/`name`; `name` alone if it is absolute or `base` is empty. Heap (mem_free). */
int os_path_join(struct str base, struct str name, char **ret, corrie_error *err) CORRIE_MUST_USE;
/* Absolute and tidy: joined to the working directory if relative, without "." , ".." (taken as
 * text), doubled or trailing slashes. The file need not exist. Heap. */
int os_path_absolute(struct str path, char **ret, corrie_error *err) CORRIE_MUST_USE;
/* What the kernel calls it: absolute, symbolic links followed. The file must exist. Heap. */
int os_path_real(const char *path, char **ret, corrie_error *err) CORRIE_MUST_USE;

#endif
