/* request.c — a request in one spelling, so that equal ones meet in the cache, and so that nothing but
 * names and versions reaches uv (no paths, no addresses, no options). */
#include <stdlib.h>

#include "base/limits.h"
#include "base/vec.h"
#include "env/env_priv.h"

#define MAX_NAME 128 /* bytes of a name or a version */
#define MAX_EXTRAS 1024

void request_done(struct request *request)
{
    arena_done(&request->arena);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_separator(char c)
{
    return c == '-' || c == '_' || c == '.';
}

/* One name, normalised as packages' names are (PEP 503): lower case, runs of -_. become one '-'. */
static bool add_name(struct buf *out, struct str name)
{
    if (name.len == 0 || !is_alnum(name.data[0]) || !is_alnum(name.data[name.len - 1])) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];

        if (is_separator(c)) {
            if (!is_separator(name.data[i + 1])) {
                buf_add_char(out, '-');
            }
        } else if (is_alnum(c)) {
            buf_add_char(out, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
        } else {
            return false;
        }
    }
    return true;
}

static int compare_strs(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Splits at ',', makes each part canonical by `add`, sorts, joins by ','. */
static bool add_list(struct arena *arena, struct buf *out, struct str list,
                     bool (*add)(struct buf *, struct str))
{
    struct str parts[64];
    size_t n = 0;
    bool more = true;

    while (more) {
        _cleanup_(buf_done) struct buf part = {0};
        struct str head;

        more = str_cut(list, ',', &head, &list);
        if (n == ARRAY_LEN(parts) || !add(&part, str_trim(head)) ||
            arena_str(arena, buf_str(&part), &parts[n]) < 0) {
            return false;
        }
        n++;
    }
    qsort(parts, n, sizeof *parts, compare_strs);
    for (size_t i = 0; i < n; i++) {
        buf_add_text(out, i > 0 ? "," : "");
        buf_add_str(out, parts[i]);
    }
    return true;
}

static bool is_version(struct str version, bool any)
{
    if (version.len == 0 || version.len > MAX_NAME ||
        (!is_digit(version.data[0]) && version.data[0] != 'v')) {
        return false;
    }
    for (size_t i = 0; i < version.len; i++) {
        char c = version.data[i];

        if (!is_alnum(c) && !is_separator(c) && c != '+' && c != '!' && (c != '*' || !any)) {
            return false;
        }
    }
    return true;
}

bool request_is_version(struct str version)
{
    return is_version(version, false);
}

bool request_is_name(struct str name)
{
    _cleanup_(buf_done) struct buf text = {0};

    return name.len <= MAX_NAME && add_name(&text, name) && str_eq(buf_str(&text), name);
}

bool request_is_hash(struct str hash)
{
    struct str kind, digits;

    if (hash.len > 256 || !str_cut(hash, ':', &kind, &digits) || kind.len == 0 || digits.len == 0) {
        return false;
    }
    for (size_t i = 0; i < hash.len; i++) {
        if (!is_alnum(hash.data[i]) && i != kind.len) {
            return false;
        }
    }
    return true;
}

/* ">=1.2" or "1.15.0", which means ==1.15.0. */
static bool add_specifier(struct buf *out, struct str text)
{
    static const char *const operators[] = {"===", "==", "~=", "!=", "<=", ">=", "<", ">"};
    const char *sign = "==";
    struct str version = text;

    for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
        if (str_starts(text, str_of(operators[i]))) {
            sign = operators[i];
            version = str_trim(str_from(text, strlen(operators[i])));
            break;
        }
    }
    if (!is_version(version, true)) {
        return false;
    }
    buf_add_text(out, sign);
    buf_add_str(out, version);
    return true;
}

/* A package's name with its extras, and its specifiers, each in one spelling. */
struct spelling {
    struct buf name; /* "ruamel-yaml[new,old]" */
    struct buf specifiers;
};

static void spelling_done(struct spelling *spelling)
{
    buf_done(&spelling->name);
    buf_done(&spelling->specifiers);
}

static int spell_name(struct spelling *spelling, struct str text, struct arena *arena,
                      struct str *ret_base, corrie_error *err)
{
    struct str name = str_trim(text), extras = STR_EMPTY;
    bool good, bracket = false;

    if (name.len > 0 && name.data[name.len - 1] == ']' && str_cut(name, '[', &name, &extras)) {
        extras.len--;
        name = str_trim(name);
        bracket = true;
    }
    good = name.len <= MAX_NAME && extras.len <= MAX_EXTRAS && add_name(&spelling->name, name);
    if (good && bracket) {
        buf_add_char(&spelling->name, '[');
        good = add_list(arena, &spelling->name, extras, add_name);
        buf_add_char(&spelling->name, ']');
    }
    if (!good) {
        corrie_fail(err, CORRIE_E_PROJECT, "'%.*s' is not the name of a package", STR_FMT(text));
        return corrie_hint(err, "names are as on PyPI: 'polars' or 'polars[pyarrow]'");
    }
    *ret_base = name;
    return 0;
}

static int spell(struct spelling *spelling, struct str name, struct str version,
                 struct arena *arena, corrie_error *err)
{
    struct str base = STR_EMPTY;
    int r = spell_name(spelling, name, arena, &base, err);

    version = str_trim(version);
    if (r >= 0 && version.len > 0 &&
        !add_list(arena, &spelling->specifiers, version, add_specifier)) {
        corrie_fail(err, CORRIE_E_PROJECT, "'%.*s' is not a version of %.*s", STR_FMT(version),
                    STR_FMT(base));
        return corrie_hint(err, "write '1.15.0' or a range: '>=1.2,<2'");
    }
    if (r >= 0 && (spelling->name.failed || spelling->specifiers.failed)) {
        return corrie_fail_memory(err);
    }
    return r;
}

int env_package_parse(struct str name, struct str version, struct arena *arena,
                      struct env_package *ret, corrie_error *err)
{
    _cleanup_(spelling_done) struct spelling spelling = {0};
    struct env_package package;
    int r = spell(&spelling, name, version, arena, err);

    if (r < 0) {
        return r;
    }
    if (arena_str(arena, buf_str(&spelling.name), &package.name) < 0 ||
        arena_str(arena, str_trim(version), &package.version) < 0) {
        return corrie_fail_memory(err);
    }
    *ret = package;
    return 0;
}

/* "name ==1.0" or "name[extra] <2,>=1" or "name". */
static int add_package(struct request *request, const struct env_package *package, struct buf *line,
                       corrie_error *err)
{
    _cleanup_(spelling_done) struct spelling spelling = {0};
    struct str base, rest;
    int r = spell(&spelling, package->name, package->version, &request->arena, err);

    if (r < 0) {
        return r;
    }
    str_cut(buf_str(&spelling.name), '[', &base, &rest);
    request->has_pyarrow = request->has_pyarrow || str_eq(base, STR("pyarrow"));
    buf_add_str(line, buf_str(&spelling.name));
    if (spelling.specifiers.len > 0) {
        buf_add_char(line, ' ');
        buf_add_str(line, buf_str(&spelling.specifiers));
    }
    return buf_check(line, err);
}

/* "3", "3.11" or "3.11.7" */
bool request_is_python(struct str text)
{
    size_t parts = 0;
    bool more = true;

    if (!str_eq(text, STR("3")) && !str_starts(text, STR("3."))) {
        return false;
    }
    while (more) {
        struct str part;
        int64_t number;

        more = str_cut(text, '.', &part, &text);
        if (part.len == 0 || part.len > 3 || !str_to_int64(part, &number) ||
            !is_digit(part.data[0])) {
            return false;
        }
        parts++;
    }
    return parts <= 3;
}

int env_python_check(struct str version, corrie_error *err)
{
    if (request_is_python(version)) {
        return 0;
    }
    corrie_fail(err, CORRIE_E_PROJECT, "'%.*s' is not a Python version", STR_FMT(version));
    return corrie_hint(err, "write it as text: '3.11' or '3.11.7'");
}

static int add_packages(struct request *request, const struct env_request *asked, struct buf *text,
                        corrie_error *err)
{
    _free_ struct str *lines = mem_alloc(asked->n_packages, sizeof *lines);
    _cleanup_(buf_done) struct buf title = {0};

    if (!lines) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < asked->n_packages; i++) {
        _cleanup_(buf_done) struct buf line = {0};
        int r = add_package(request, &asked->packages[i], &line, err);

        if (r < 0) {
            return r;
        }
        if (arena_str(&request->arena, buf_str(&line), &lines[i]) < 0) {
            return corrie_fail_memory(err);
        }
    }
    qsort(lines, asked->n_packages, sizeof *lines, compare_strs);
    for (size_t i = 0; i < asked->n_packages; i++) {
        buf_addf(text, "%.*s\n", STR_FMT(lines[i]));
        buf_addf(&title, "%s%.*s", i > 0 ? ", " : "", STR_FMT(lines[i]));
    }
    if (asked->n_packages == 0) {
        buf_add_text(&title, "no packages");
    }
    if (arena_str(&request->arena, buf_str(&title), &request->title) < 0) {
        return corrie_fail_memory(err);
    }
    return buf_check(text, err);
}

/* What the request was resolved to is all that is asked for; another lock is another request. */
static int lock_request_to(struct request *request, const struct env_locked *locked,
                           corrie_error *err)
{
    _cleanup_(buf_done) struct buf requirements = {0};
    _cleanup_(buf_done) struct buf lock = {0};
    char hex[HASH_HEX + 1];
    bool hashed = false;

    if (locked->n_packages > CORRIE_MAX_PACKAGES) {
        return corrie_fail(err, CORRIE_E_LIMIT, "%zu packages, more than the %d allowed",
                           locked->n_packages, CORRIE_MAX_PACKAGES);
    }
    for (size_t i = 0; i < locked->n_packages; i++) {
        const struct env_locked_package *package = &locked->packages[i];

        buf_addf(&lock, "%.*s==%.*s\n", STR_FMT(package->name), STR_FMT(package->version));
        buf_addf(&requirements, "%.*s==%.*s", STR_FMT(package->name), STR_FMT(package->version));
        for (size_t k = 0; k < package->n_hashes; k++) {
            buf_addf(&requirements, " --hash=%.*s", STR_FMT(package->hashes[k]));
        }
        buf_add_char(&requirements, '\n');
        hashed = hashed || package->n_hashes > 0;
    }
    if (buf_check(&lock, err) < 0 || buf_check(&requirements, err) < 0) {
        return err->code;
    }
    if (arena_str(&request->arena, buf_str(&lock), &request->lock) < 0 ||
        arena_str(&request->arena, buf_str(&requirements), &request->requirements) < 0 ||
        arena_str(&request->arena, locked->python, &request->locked_python) < 0) {
        return corrie_fail_memory(err);
    }
    request->has_pyarrow = true;
    request->files = hashed ? request->requirements : STR_EMPTY;
    hash_hex(&request->hash, hex);
    request->hash =
        hash_pieces((struct str[]){STR("corrie-env-locked-2\n"), str_of(hex), STR("\npython "),
                                   locked->python, STR("\n"), request->requirements},
                    6);
    return 0;
}

int request_init(struct request *request, const struct env_request *asked, corrie_error *err)
{
    _cleanup_(buf_done) struct buf head = {0};
    _cleanup_(buf_done) struct buf lines = {0};
    int r;

    *request = (struct request){0};
    if (asked->python.len > 0 && env_python_check(asked->python, err) < 0) {
        return err->code;
    }
    if (asked->n_packages > CORRIE_MAX_PACKAGES) {
        return corrie_fail(err, CORRIE_E_LIMIT, "%zu packages, more than the %d allowed",
                           asked->n_packages, CORRIE_MAX_PACKAGES);
    }
    buf_addf(&head, "corrie-env-request-1\npython %.*s\n", STR_FMT(asked->python));
    r = buf_check(&head, err);
    if (r < 0) {
        return r;
    }
    r = add_packages(request, asked, &lines, err);
    if (r < 0) {
        request_done(request);
        return r;
    }
    if (arena_str(&request->arena, asked->python, &request->python) < 0 ||
        arena_str(&request->arena, buf_str(&lines), &request->requirements) < 0) {
        request_done(request);
        return corrie_fail_memory(err);
    }
    request->hash = hash_pieces((struct str[]){buf_str(&head), buf_str(&lines)}, 2);
    r = asked->locked ? lock_request_to(request, asked->locked, err) : 0;
    if (r < 0) {
        request_done(request);
    }
    return r;
}

int env_request_hash(const struct env_request *asked, struct hash *ret, corrie_error *err)
{
    _cleanup_(request_done) struct request request = {0};
    struct env_request plain = *asked;
    int r;

    plain.locked = NULL;
    r = request_init(&request, &plain, err);
    if (r < 0) {
        return r;
    }
    *ret = request.hash;
    return 0;
}
