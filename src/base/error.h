/* error.h — making and extending errors (inside corrie; users see <corrie/error.h>).
 *
 * The place that knows the fact calls corrie_fail; each module boundary adds what was attempted with
 * corrie_wrap; what the user can do goes into corrie_hint. All three return the error's code, so that
 * `return corrie_fail(…)` is one statement. `err` is never NULL. Running out of memory while an error
 * is made loses text, never the code. */
#ifndef CORRIE_BASE_ERROR_H
#define CORRIE_BASE_ERROR_H

#include <corrie/error.h>

#include "base/cleanup.h"
#include "base/str.h"

#define CORRIE_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define CORRIE_MUST_USE __attribute__((warn_unused_result))

/* Sets code and message, dropping whatever the error held. Returns `code`. */
int corrie_fail(corrie_error *err, int code, const char *format, ...) CORRIE_PRINTF(3, 4);

/* As corrie_fail, with the text of `saved_errno` appended (": No such file or directory") and the code
 * chosen from it: ENOENT NOT_FOUND, EEXIST EXISTS, ENOSPC/EDQUOT/EFBIG NO_SPACE, EACCES/EPERM/EROFS REFUSED,
 * ENOMEM NO_MEMORY, else IO. */
int corrie_fail_errno(corrie_error *err, int saved_errno, const char *format, ...)
    CORRIE_PRINTF(3, 4);

/* The code for an errno, as above. */
int corrie_code_of_errno(int saved_errno);

/* Memory ran out. */
int corrie_fail_memory(corrie_error *err);

/* Puts "what was attempted: " before the message. Returns the code the error has. */
int corrie_wrap(corrie_error *err, const char *format, ...) CORRIE_PRINTF(2, 3);

/* Sets what the user can do, replacing an earlier hint. Returns the code the error has. */
int corrie_hint(corrie_error *err, const char *format, ...) CORRIE_PRINTF(2, 3);
/* The hint for a name that is not there: "did you mean", up to three that are nearest to it. Returns how many these are;
 * 0 leaves the hint as it was. */
size_t corrie_hint_similar(struct str name, const struct str *names, size_t n_names,
                           corrie_error *err);
/* The hint for a name that is not there: those that are nearest to it, else what there is. None: no hint. Likewise. */
int corrie_hint_nearest(struct str name, const struct str *names, size_t n_names,
                        corrie_error *err);

/* Sets longer material (a traceback, a compiler's output), replacing an earlier one. Returns the code. */
int corrie_detail(corrie_error *err, struct str text);

/* Sets the position. `text` (the source line; may be empty) and `file` are copied. Returns the code. */
int corrie_error_at(corrie_error *err, const char *file, long line, long column, long width,
                    struct str text);

/* As corrie_error_at, from a whole source and a byte offset into it: finds line, column and the line's
 * text itself. */
int corrie_error_at_offset(corrie_error *err, const char *file, struct str source, size_t offset,
                           size_t width);

/* Moves the error at `from` to `to` (cleared first); `from` is empty afterwards. Returns the code. */
int corrie_error_move(corrie_error *to, corrie_error *from);

/* For an error that lives for one scope: `_error_ corrie_error inner = CORRIE_ERROR_INIT;` */
#define _error_ _cleanup_(corrie_error_clear)

#endif
