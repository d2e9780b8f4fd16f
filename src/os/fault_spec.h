/* fault_spec.h — the language of CORRIE_FAULT and the counter behind it.
 *
 * Compiled twice: into this room and into the preload library of the tests (tests/fault), which is
 * why it needs nothing but libc, and none of the calls that the preload library replaces. */
#ifndef CORRIE_OS_FAULT_SPEC_H
#define CORRIE_OS_FAULT_SPEC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Kinds of operations. Those before OS_OP_READ are "any": they change files or open them, and the
 * preload library sees them whoever makes them. From OS_OP_MEMFD on they have no path, so `root` is
 * no condition. */
enum os_op {
    OS_OP_OPEN,
    OS_OP_WRITE,
    OS_OP_FSYNC,
    OS_OP_RENAME,
    OS_OP_UNLINK, /* rmdir too */
    OS_OP_TRUNCATE,
    OS_OP_MKDIR,
    OS_OP_LINK,
    OS_OP_READ,
    OS_OP_STAT,
    OS_OP_LIST,
    OS_OP_LOCK,
    OS_OP_TIMES,
    OS_OP_MEMFD,
    OS_OP_MAP,
    OS_OP_SPAWN,
    OS_OP_SOCKET, /* pipes and duplicates too: what makes descriptors */
    OS_OP_SEND,
    OS_OP_RECEIVE,
    OS_OP_COUNT
};

#define OS_OPS_ANY ((1u << OS_OP_READ) - 1)
#define OS_OPS_ALL ((1u << OS_OP_COUNT) - 1)
#define OS_OPS_WITH_PATH ((1u << OS_OP_MEMFD) - 1)

enum fault_action {
    FAULT_COUNT,   /* only counts */
    FAULT_ERROR,   /* the operation fails with `error` */
    FAULT_SHORT,   /* a write does half of what was asked; any other operation fails with EINTR */
    FAULT_KILL,    /* SIGKILL instead of the operation */
    FAULT_CUT,     /* power cut instead of the operation (preload library only) */
    FAULT_CUT_EXIT /* power cut when the process ends (preload library only) */
};

#define FAULT_PATH_MAX 4096

struct fault_spec {
    uint32_t ops;
    uint64_t at; /* 1 = the first */
    enum fault_action action;
    int error;
    bool sticky;
    uint64_t seed;             /* 0 = a cut drops all that was not fsynced; else a part of it */
    char root[FAULT_PATH_MAX]; /* absolute, no slash at its end; "" = everywhere */
    char out[FAULT_PATH_MAX];  /* where the count is written at exit; "" = standard error */
    char program[256];         /* base name of the only program that this is meant for; "" = all */
};

/* What fault_state_enter wants done, besides 0 (go on) and an errno (fail with it). */
#define FAULT_DO_SHORT (-1)
#define FAULT_DO_KILL (-2)
#define FAULT_DO_CUT (-3)

struct fault_state {
    struct fault_spec spec;
    _Atomic uint64_t count;
    _Atomic uint64_t hits;
};

/* 0, or -1 with the reason in `message`. */
int fault_spec_parse(const char *text, struct fault_spec *ret, char *message, size_t size);

/* Whether `path`, relative to the directory `dir_fd` (AT_FDCWD allowed), lies at or under
 * spec->root; by its text, links not followed. With `path` NULL: the file open at `dir_fd`. */
bool fault_spec_covers(const struct fault_spec *spec, int dir_fd, const char *path);
/* The same path made absolute; false if that is impossible. */
bool fault_absolute(int dir_fd, const char *path, char ret[FAULT_PATH_MAX]);

/* Counts one operation and says what becomes of it. */
int fault_state_enter(struct fault_state *state, enum os_op op);

/* Whether this process is one that the spec is meant for. */
bool fault_spec_wants_this(const struct fault_spec *spec);

/* Writes "corrie-fault: N <what>\n" to the file `out`, or standard error if it is "". */
void fault_report(const char *out, uint64_t count, const char *what);

#endif
