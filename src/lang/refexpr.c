#include "lang/refexpr.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/limits.h"

/* An error at a byte of the expression. */
static int fail_at(struct str text, size_t offset, size_t width, corrie_error *err,
                   const char *what)
{
    corrie_fail(err, CORRIE_E_USAGE, "%s in \"%.*s\"", what, STR_FMT(text));
    return corrie_error_at_offset(err, NULL, text, offset, width);
}

/* ---- names ---- */

static bool is_separator(char c)
{
    return c == '.' || c == '_' || c == '-' || c == '/';
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           is_separator(c);
}

int ref_name_check(struct str name, corrie_error *err)
{
    if (name.len == 0) {
        return corrie_fail(err, CORRIE_E_USAGE, "a branch or tag name may not be empty");
    }
    if (name.len > CORRIE_MAX_REF_NAME) {
        return corrie_fail(err, CORRIE_E_USAGE,
                           "the name \"%.*s…\" has %zu bytes, a branch or tag name has at most %d",
                           STR_FMT(str_slice(name, 0, 40)), name.len, CORRIE_MAX_REF_NAME);
    }
    for (size_t i = 0; i < name.len; i++) {
        if (!is_name_char(name.data[i])) {
            int r = fail_at(name, i, 1, err, "a character that names may not have");
            corrie_hint(err,
                        "branch and tag names are made of letters, digits, '.', '_', '-' and '/'");
            return r;
        }
        if (i > 0 && name.data[i] == '.' && name.data[i - 1] == '.') {
            return fail_at(name, i - 1, 2, err, "two dots in a row");
        }
    }
    if (is_separator(name.data[0])) {
        return fail_at(name, 0, 1, err, "a name that begins with a separator");
    }
    if (is_separator(name.data[name.len - 1])) {
        return fail_at(name, name.len - 1, 1, err, "a name that ends with a separator");
    }
    return 0;
}

bool ref_name_reserved(struct str name)
{
    return str_eq(name, STR("tx")) || str_starts(name, STR("tx/"));
}

/* ---- expressions ---- */

static bool is_mark(char c)
{
    return c == '@' || c == '*' || c == '~' || c == '^';
}

/* Bytes until the next mark or, for a time, the next step. */
static struct str take_until(struct str text, size_t from, bool steps_only)
{
    size_t i = from;
    while (i < text.len) {
        char c = text.data[i];
        if (steps_only ? c == '~' || c == '^' : is_mark(c)) {
            break;
        }
        i++;
    }
    return str_slice(text, from, i - from);
}

static int parse_hash(struct str text, size_t at, struct ref_expr *expr, corrie_error *err)
{
    struct str hash = take_until(text, at, false);

    for (size_t i = 0; i < hash.len; i++) {
        char c = hash.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))) {
            int r = fail_at(text, at + i, 1, err, "a character that is no hex digit");
            corrie_hint(err,
                        "after '@' stands a commit's hash; for a point in time write ref*TIME");
            return r;
        }
    }
    if (hash.len < REF_HASH_MIN || hash.len > HASH_HEX) {
        int r = fail_at(text, at, hash.len > 0 ? hash.len : 1, err, "a hash of the wrong length");
        corrie_hint(err, "give at least %d hex digits of the commit, at most %d", REF_HASH_MIN,
                    HASH_HEX);
        return r;
    }
    expr->hash = hash;
    return 0;
}

static int parse_time(struct str text, size_t at, struct ref_expr *expr, size_t *ret_len,
                      corrie_error *err)
{
    struct str time = take_until(text, at, true);

    *ret_len = time.len;
    if (!clock_parse_end(time, &expr->time_ns)) {
        int r = fail_at(text, at, time.len > 0 ? time.len : 1, err, "no time after '*'");
        corrie_hint(err, "write it as 2026-11-20T10:00:00Z, or a date alone");
        return r;
    }
    expr->has_time = true;
    return 0;
}

static int parse_step(struct str text, size_t *at, struct ref_expr *expr, corrie_error *err)
{
    size_t from = *at;
    bool parent = text.data[from] == '^';
    size_t i = from + 1;
    int64_t n = 1;

    while (i < text.len && text.data[i] >= '0' && text.data[i] <= '9') {
        i++;
    }
    struct str digits = str_slice(text, from + 1, i - from - 1);
    if (digits.len > 0 && (!str_to_int64(digits, &n) || n > INT32_MAX)) {
        return fail_at(text, from, i - from, err, "a number that is too large");
    }
    if (parent && n < 1) {
        int r = fail_at(text, from, i - from, err, "no parent 0");
        corrie_hint(err, "parents count from 1: ^1 is the first, ^2 what was merged in");
        return r;
    }
    if (expr->n_steps == REF_STEPS_MAX) {
        return fail_at(text, from, i - from, err, "too many steps");
    }
    expr->steps[expr->n_steps++] =
        (struct ref_step){parent ? REF_PARENT : REF_ANCESTOR, (uint32_t)n};
    *at = i;
    return 0;
}

/* What may be meant by an expression that begins with a mark: "~1", or git's "^main". */
static void hint_nameless(struct str text, corrie_error *err)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct str rest = str_from(text, 1);

    if (text.len == 0 || !is_mark(text.data[0])) {
        return;
    }
    if (text.data[0] == '^' && rest.len > 0 && (rest.data[0] < '0' || rest.data[0] > '9') &&
        ref_name_check(rest, &ignored) >= 0) {
        corrie_hint(err, "--exclude %.*s leaves out of a log what is in the history of %.*s",
                    STR_FMT(rest), STR_FMT(rest));
        return;
    }
    corrie_hint(err, "HEAD%.*s begins at what is checked out", STR_FMT(text));
}

int ref_expr_parse(struct str text, struct ref_expr *ret, corrie_error *err)
{
    struct ref_expr expr = {.hash = STR_EMPTY};
    size_t at;
    int r;

    if (text.len > CORRIE_MAX_REF_EXPR) {
        return corrie_fail(err, CORRIE_E_USAGE, "a ref of more than %d bytes", CORRIE_MAX_REF_EXPR);
    }
    expr.name = take_until(text, 0, false);
    at = expr.name.len;
    bool detached = at == 0 && text.len > 0 && text.data[0] == '@';
    if (!detached) {
        r = ref_name_check(expr.name, err);
        if (r < 0) {
            hint_nameless(text, err);
            return corrie_wrap(err, "ref \"%.*s\"", STR_FMT(text));
        }
    }
    if (at < text.len && text.data[at] == '@') {
        r = parse_hash(text, at + 1, &expr, err);
        if (r < 0) {
            return r;
        }
        at += 1 + expr.hash.len;
    } else if (at < text.len && text.data[at] == '*') {
        size_t len;
        r = parse_time(text, at + 1, &expr, &len, err);
        if (r < 0) {
            return r;
        }
        at += 1 + len;
    }
    while (at < text.len) {
        if (text.data[at] != '~' && text.data[at] != '^') {
            r = fail_at(text, at, 1, err, "something that does not belong here");
            corrie_hint(err,
                        "@HASH or *TIME stands directly behind the name, ~N and ^N at the end");
            return r;
        }
        r = parse_step(text, &at, &expr, err);
        if (r < 0) {
            return r;
        }
    }
    *ret = expr;
    return 0;
}
