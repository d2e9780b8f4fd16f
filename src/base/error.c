#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

enum {
    MAX_NEAREST = 3,
    MOST_LISTED = 12,
    MOST_TO_CHOOSE_FROM = 1000 /* of more names the first ones say nothing */
};

/* One row a code: everything that depends on it. */
static const struct {
    const char *name;
    int exit_status;
    int http_status;
} codes[] = {
    [0] = {"ok", 0, 200},
    [-CORRIE_E_FAILED] = {"failed", 1, 422},
    [-CORRIE_E_DATA] = {"bad_data", 1, 422},
    [-CORRIE_E_PROJECT] = {"bad_project", 1, 422},
    [-CORRIE_E_USAGE] = {"usage", 2, 400},
    [-CORRIE_E_NOT_FOUND] = {"not_found", 3, 404},
    [-CORRIE_E_EXISTS] = {"exists", 4, 409},
    [-CORRIE_E_CONFLICT] = {"conflict", 4, 409},
    [-CORRIE_E_BUSY] = {"busy", 4, 503},
    [-CORRIE_E_IO] = {"io", 5, 500},
    [-CORRIE_E_NO_SPACE] = {"no_space", 5, 507},
    [-CORRIE_E_NETWORK] = {"network", 5, 502},
    [-CORRIE_E_NO_MEMORY] = {"no_memory", 5, 503},
    [-CORRIE_E_CORRUPT] = {"corrupt", 6, 500},
    [-CORRIE_E_REFUSED] = {"refused", 7, 403},
    [-CORRIE_E_LIMIT] = {"limit", 1, 413},
    [-CORRIE_E_UNSUPPORTED] = {"unsupported", 2, 501},
    [-CORRIE_E_CANCELLED] = {"cancelled", 130, 499},
    [-CORRIE_E_TIMEOUT] = {"timeout", 1, 504},
    [-CORRIE_E_INTERNAL] = {"internal", 70, 500},
};

static size_t code_index(int code)
{
    return code <= 0 && (size_t)-code < ARRAY_LEN(codes) ? (size_t)-code
                                                         : (size_t)-CORRIE_E_INTERNAL;
}

const char *corrie_code_name(int code)
{
    return codes[code_index(code)].name;
}

int corrie_code_exit_status(int code)
{
    return codes[code_index(code)].exit_status;
}

int corrie_code_http_status(int code)
{
    return codes[code_index(code)].http_status;
}

void corrie_error_clear(corrie_error *err)
{
    mem_free(err->message);
    mem_free(err->detail);
    mem_free(err->hint);
    mem_free(err->position.file);
    mem_free(err->position.text);
    *err = (corrie_error)CORRIE_ERROR_INIT;
}

const char *corrie_error_message(const corrie_error *err)
{
    if (err->message) {
        return err->message;
    }
    return err->code == CORRIE_E_NO_MEMORY ? "out of memory" : corrie_code_name(err->code);
}

/* Formats without ever failing loudly: NULL when memory is short. */
CORRIE_PRINTF(1, 0) static char *format_text(const char *format, va_list args)
{
    va_list again;
    char *text = NULL;
    int needed;

    va_copy(again, args);
    needed = vsnprintf(NULL, 0, format, args);
    if (needed >= 0) {
        text = mem_alloc(1, (size_t)needed + 1);
    }
    if (text) {
        vsnprintf(text, (size_t)needed + 1, format, again);
    }
    va_end(again);
    return text;
}

int corrie_fail(corrie_error *err, int code, const char *format, ...)
{
    va_list args;
    char *message;

    va_start(args, format);
    message = format_text(format, args);
    va_end(args);
    corrie_error_clear(err); /* after formatting: the arguments may come from the old error */
    err->code = code;
    err->retryable = code == CORRIE_E_BUSY || code == CORRIE_E_NETWORK;
    err->message = message;
    return code;
}

int corrie_code_of_errno(int saved_errno)
{
    switch (saved_errno) {
    case ENOENT:
    case ENOTDIR:
        return CORRIE_E_NOT_FOUND;
    case EEXIST:
        return CORRIE_E_EXISTS;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return CORRIE_E_NO_SPACE;
    case EACCES:
    case EPERM:
    case EROFS:
        return CORRIE_E_REFUSED;
    case ENOMEM:
        return CORRIE_E_NO_MEMORY;
    default:
        return CORRIE_E_IO;
    }
}

int corrie_fail_errno(corrie_error *err, int saved_errno, const char *format, ...)
{
    _free_ char *message = NULL;
    char reason[128];
    va_list args;
    int code = corrie_code_of_errno(saved_errno);

    va_start(args, format);
    message = format_text(format, args);
    va_end(args);
    corrie_fail(err, code, "%s: %s", message ? message : "a system call failed",
                strerror_r(saved_errno, reason, sizeof reason));
    if (code == CORRIE_E_NO_SPACE) {
        corrie_hint(err, "free some space and run the same again");
    }
    return code;
}

int corrie_fail_memory(corrie_error *err)
{
    corrie_error_clear(err);
    err->code = CORRIE_E_NO_MEMORY;
    return err->code;
}

int corrie_wrap(corrie_error *err, const char *format, ...)
{
    _free_ char *prefix = NULL;
    const char *inner = corrie_error_message(err);
    size_t size;
    char *joined;
    va_list args;

    va_start(args, format);
    prefix = format_text(format, args);
    va_end(args);
    if (!prefix) {
        return err->code;
    }
    size = strlen(prefix) + strlen(inner) + 3;
    joined = mem_alloc(1, size);
    if (joined) {
        snprintf(joined, size, "%s: %s", prefix, inner);
        mem_free(err->message);
        err->message = joined;
    }
    return err->code;
}

int corrie_hint(corrie_error *err, const char *format, ...)
{
    va_list args;
    char *hint;

    va_start(args, format);
    hint = format_text(format, args);
    va_end(args);
    if (hint) {
        mem_free(err->hint);
        err->hint = hint;
    }
    return err->code;
}

size_t corrie_hint_similar(struct str name, const struct str *names, size_t n_names,
                           corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    size_t nearest[MAX_NEAREST];
    size_t n = str_nearest(name, names, n_names, nearest, MAX_NEAREST);

    for (size_t i = 0; i < n; i++) {
        buf_addf(&text, "%s%.*s",
                 i == 0       ? "did you mean "
                 : i + 1 == n ? " or "
                              : ", ",
                 STR_FMT(names[nearest[i]]));
    }
    if (n > 0 && !text.failed) {
        corrie_hint(err, "%s?", buf_text(&text));
    }
    return n;
}

int corrie_hint_nearest(struct str name, const struct str *names, size_t n_names, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};

    if (corrie_hint_similar(name, names, n_names, err) > 0) {
        return err->code;
    }
    for (size_t i = 0; n_names <= MOST_TO_CHOOSE_FROM && i < n_names && i < MOST_LISTED; i++) {
        buf_addf(&text, "%s%.*s", i == 0 ? "there are: " : ", ", STR_FMT(names[i]));
    }
    if (text.len > 0 && n_names > MOST_LISTED) {
        buf_addf(&text, " and %zu more", n_names - MOST_LISTED);
    }
    return text.len > 0 && !text.failed ? corrie_hint(err, "%s", buf_text(&text)) : err->code;
}

int corrie_detail(corrie_error *err, struct str text)
{
    char *detail = str_dup(text);

    if (detail) {
        mem_free(err->detail);
        err->detail = detail;
    }
    return err->code;
}

int corrie_error_at(corrie_error *err, const char *file, long line, long column, long width,
                    struct str text)
{
    char *file_copy = file ? str_dup(str_of(file)) : NULL;
    char *text_copy = text.len ? str_dup(text) : NULL;

    mem_free(err->position.file);
    mem_free(err->position.text);
    err->position = (corrie_position){
        .file = file_copy, .text = text_copy, .line = line, .column = column, .width = width};
    return err->code;
}

int corrie_error_at_offset(corrie_error *err, const char *file, struct str source, size_t offset,
                           size_t width)
{
    size_t start;
    size_t end;
    long line = 1;

    if (offset > source.len) {
        offset = source.len;
    }
    start = offset;
    while (start > 0 && source.data[start - 1] != '\n') {
        start--;
    }
    for (size_t i = 0; i < start; i++) {
        line += source.data[i] == '\n';
    }
    end = offset;
    while (end < source.len && source.data[end] != '\n' && source.data[end] != '\r') {
        end++;
    }
    if (width > end - offset) {
        width = end - offset;
    }
    return corrie_error_at(err, file, line, (long)(offset - start) + 1, (long)width,
                           str_slice(source, start, end - start));
}

int corrie_error_move(corrie_error *to, corrie_error *from)
{
    if (to != from) {
        corrie_error_clear(to);
        *to = *from;
        *from = (corrie_error)CORRIE_ERROR_INIT;
    }
    return to->code;
}
