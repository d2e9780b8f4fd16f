/* error.h — how corrie reports what went wrong.
 *
 * Every fallible function returns an int: 0 or a positive value is success, a negative value is one of
 * the codes below. The last argument, `corrie_error *err`, belongs to the caller, usually on its stack,
 * and holds the story: a chain of messages, a hint, and a position in a file where there is one.
 *
 *     corrie_error err = CORRIE_ERROR_INIT;
 *     if (corrie_lake_open(&options, &lake, &err) < 0) {
 *         fprintf(stderr, "%s\n", corrie_error_message(&err));
 *         corrie_error_clear(&err);
 *     }
 */
#ifndef CORRIE_ERROR_H
#define CORRIE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What went wrong. The numbers are part of the interface and never change their meaning. */
enum corrie_code {
    CORRIE_OK = 0,
    CORRIE_E_FAILED = -1,     /* the user's function, query or expectation failed */
    CORRIE_E_DATA = -2,       /* the user's data is malformed or does not fit */
    CORRIE_E_PROJECT = -3,    /* the user's project is wrong: syntax, cycle, unknown column, pin */
    CORRIE_E_USAGE = -4,      /* the call or the command line is wrong */
    CORRIE_E_NOT_FOUND = -5,  /* what was named does not exist */
    CORRIE_E_EXISTS = -6,     /* what was to be made exists already */
    CORRIE_E_CONFLICT = -7,   /* both sides changed the same thing */
    CORRIE_E_BUSY = -8,       /* others held it until the deadline; worth another try */
    CORRIE_E_IO = -9,         /* a file or device failed */
    CORRIE_E_NO_SPACE = -10,  /* the disk or the quota is full */
    CORRIE_E_NETWORK = -11,   /* another machine did not answer as it should */
    CORRIE_E_NO_MEMORY = -12, /* memory could not be had */
    CORRIE_E_CORRUPT = -13,   /* stored bytes are not what was stored */
    CORRIE_E_REFUSED = -14,   /* not allowed: permission, sandbox, taint, torn group */
    CORRIE_E_LIMIT = -15,     /* a stated maximum was passed */
    CORRIE_E_UNSUPPORTED = -16, /* this version does not do that */
    CORRIE_E_CANCELLED = -17,   /* interrupted by the user */
    CORRIE_E_TIMEOUT = -18,     /* took longer than it was given */
    CORRIE_E_INTERNAL = -19     /* a bug in corrie */
};

/* A place in a text of the user's. Lines and columns count from 1; 0 means unknown. Columns and the
 * width count bytes. `text` is the source line without its newline, or NULL. */
typedef struct corrie_position {
    char *file;
    char *text;
    long line;
    long column;
    long width;
} corrie_position;

/* Caller-owned. All strings are heap memory of the error or NULL; read them by the functions below. */
typedef struct corrie_error {
    int code;
    bool retryable;
    char *message;
    char *detail;
    char *hint;
    corrie_position position;
} corrie_error;

/* In C an initialiser; in C++ write `corrie_error err{};`, which is the same. */
#define CORRIE_ERROR_INIT                                                                          \
    {                                                                                              \
        0, false, NULL, NULL, NULL,                                                                \
        {                                                                                          \
            NULL, NULL, 0, 0, 0                                                                    \
        }                                                                                          \
    }

/* Frees what the error holds and makes it empty again. An empty error may be cleared. */
void corrie_error_clear(corrie_error *err);

/* The message chain, outermost first: "import sales.csv: line 7: …". Never NULL; valid until the error
 * changes or is cleared. */
const char *corrie_error_message(const corrie_error *err);

/* "not_found", "conflict", …: the stable name of a code, as JSON output has it in `error.type`. */
const char *corrie_code_name(int code);

/* The process exit status that stands for a code: 0 done, 1 the user's code, data or expectation,
 * 2 usage, 3 not found, 4 conflict, 5 input/output, 6 damage, 7 refused, 130 interrupted, 70 a bug. */
int corrie_code_exit_status(int code);

/* The HTTP status that stands for a code. */
int corrie_code_http_status(int code);

#ifdef __cplusplus
}
#endif

#endif
