/* scratch.h — a directory for one test, removed when the scope is left. */
#ifndef CORRIE_TESTS_OS_SCRATCH_H
#define CORRIE_TESTS_OS_SCRATCH_H

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "os/dir.h"
#include "os/path.h"
#include "tests/unit/check.h"

static inline char *scratch_new(void)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    char *path = NULL;

    ck_ok(os_temp_dir("corrie-test", &path, &err), &err);
    return path;
}

static inline void scratch_removep(char **path)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    ck_ok(os_tree_remove(*path, &err), &err);
    mem_free(*path);
}

#define _scratch_ _cleanup_(scratch_removep)

/* `directory`/`name`; heap. */
static inline char *in(const char *directory, const char *name)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    char *path = NULL;

    ck_ok(os_path_join(str_of(directory), str_of(name), &path, &err), &err);
    return path;
}

/* The file holds exactly `expected`. */
static inline void holds(const char *path, struct str expected)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf bytes = {0};

    ck_ok(os_file_read(path, 1 << 20, &bytes, &err), &err);
    ck_str_eq(buf_str(&bytes), expected);
}

#endif
