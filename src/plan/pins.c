/* pins.c — versions of Python and packages, as declared. What does not look like one never reaches the
 * installer: neither its options nor addresses can be smuggled in by a name. */
#include <string.h>

#include "base/limits.h"
#include "plan/plan_priv.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int python_version_check(struct str version, corrie_error *err)
{
    size_t digits = 0, parts = 1;
    bool good = version.len > 0 && version.len < 12;

    for (size_t i = 0; good && i < version.len; i++) {
        if (version.data[i] == '.') {
            good = digits > 0;
            digits = 0;
            parts++;
        } else {
            good = is_digit(version.data[i]) && ++digits <= 3;
        }
    }
    if (good && digits > 0 && parts <= 3 &&
        (str_eq(version, STR("3")) || str_starts(version, STR("3.")))) {
        return 0;
    }
    corrie_fail(err, CORRIE_E_PROJECT, "'%.*s' is not a Python version", STR_FMT(version));
    return corrie_hint(err, "write it as text: '3.11' or '3.11.7'");
}

/* PEP 508: letters, digits, '.', '_', '-', alphanumeric at both ends. */
static bool is_package_name(struct str name)
{
    if (name.len == 0 || name.len > 128 || !is_alnum(name.data[0]) ||
        !is_alnum(name.data[name.len - 1])) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (!is_alnum(c) && c != '.' && c != '_' && c != '-') {
            return false;
        }
    }
    return true;
}

/* "[a,b]" */
static bool is_extras(struct str text)
{
    struct str rest, part;

    if (text.len < 3 || text.data[0] != '[' || text.data[text.len - 1] != ']') {
        return false;
    }
    rest = str_slice(text, 1, text.len - 2);
    while (rest.len > 0) {
        str_cut(rest, ',', &part, &rest);
        if (!is_package_name(str_trim(part))) {
            return false;
        }
    }
    return true;
}

/* One of PEP 440's versions, roughly: "1.15.0", "2.0rc1", "1.0+cpu", "1.*". */
static bool is_version(struct str text)
{
    if (text.len == 0 || text.len > 64 || !(is_alnum(text.data[0]))) {
        return false;
    }
    if (!is_digit(text.data[0]) && text.data[0] != 'v') {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (!is_alnum(c) && !strchr(".!+*_-", c)) {
            return false;
        }
    }
    return true;
}

/* "1.15.0" or ">=1.2,<2". */
static bool is_specifier(struct str text)
{
    static const char *const operators[] = {"===", "==", "~=", "!=", "<=", ">=", "<", ">"};
    struct str rest = text, part;

    if (is_version(text)) {
        return true;
    }
    while (rest.len > 0) {
        bool known = false;
        str_cut(rest, ',', &part, &rest);
        part = str_trim(part);
        for (size_t i = 0; i < ARRAY_LEN(operators) && !known; i++) {
            known = str_starts(part, str_of(operators[i]));
            if (known) {
                part = str_trim(str_from(part, strlen(operators[i])));
            }
        }
        if (!known || !is_version(part)) {
            return false;
        }
    }
    return text.len > 0 && !str_ends(text, STR(","));
}

/* PEP 503: lower case; each run of '-', '_', '.' is one '-'. */
static int normalise(struct str base, struct str extras, struct arena *arena, struct str *ret)
{
    char *text = arena_alloc(arena, base.len + extras.len + 1, 1);
    size_t len = 0;

    if (!text) {
        return CORRIE_E_NO_MEMORY;
    }
    for (size_t i = 0; i < base.len; i++) {
        char c = base.data[i];
        if (c == '-' || c == '_' || c == '.') {
            if (text[len - 1] != '-') {
                text[len++] = '-';
            }
        } else {
            text[len++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        }
    }
    for (size_t i = 0; i < extras.len; i++) {
        if (extras.data[i] != ' ') {
            text[len++] = extras.data[i];
        }
    }
    *ret = str_make(text, len);
    return 0;
}

int package_parse(struct str name, struct str version, struct arena *arena,
                  struct declared_package *ret, corrie_error *err)
{
    struct str base = str_trim(name), extras = STR_EMPTY;
    ptrdiff_t bracket = str_find(base, '[');

    if (bracket >= 0) {
        extras = str_from(base, (size_t)bracket);
        base = str_trim(str_slice(base, 0, (size_t)bracket));
    }
    if (!is_package_name(base) || (extras.len > 0 && !is_extras(extras))) {
        corrie_fail(err, CORRIE_E_PROJECT, "'%.*s' is not the name of a package", STR_FMT(name));
        return corrie_hint(err, "names are as on PyPI: 'polars' or 'polars[pyarrow]'");
    }
    version = str_trim(version);
    if (version.len > 0 && !is_specifier(version)) {
        corrie_fail(err, CORRIE_E_PROJECT, "'%.*s' is not a version of %.*s", STR_FMT(version),
                    STR_FMT(base));
        return corrie_hint(err, "write '1.15.0' or a range: '>=1.2,<2'");
    }
    if (normalise(base, extras, arena, &ret->name) < 0 ||
        arena_str(arena, version, &ret->version) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

static struct str base_name(const struct declared_package *package)
{
    ptrdiff_t bracket = str_find(package->name, '[');

    return bracket < 0 ? package->name : str_slice(package->name, 0, (size_t)bracket);
}

int packages_merge(const struct declared_package *defaults, size_t n_defaults,
                   const struct declared_package *own, size_t n_own, struct arena *arena,
                   struct declared_package **ret, size_t *ret_n, corrie_error *err)
{
    struct declared_package *merged =
        arena_array(arena, struct declared_package, n_defaults + n_own + 1);
    size_t n = 0;

    if (!merged) {
        return corrie_fail_memory(err);
    }
    for (size_t pass = 0; pass < 2; pass++) {
        const struct declared_package *list = pass == 0 ? defaults : own;
        size_t n_list = pass == 0 ? n_defaults : n_own;
        for (size_t i = 0; i < n_list; i++) {
            size_t at = 0; /* sorted by name; lists are short */
            while (at < n && str_cmp(base_name(&merged[at]), base_name(&list[i])) < 0) {
                at++;
            }
            if (at < n && str_eq(base_name(&merged[at]), base_name(&list[i]))) {
                merged[at] = list[i];
                continue;
            }
            memmove(&merged[at + 1], &merged[at], (n - at) * sizeof *merged);
            merged[at] = list[i];
            n++;
        }
    }
    *ret = merged;
    *ret_n = n;
    return 0;
}
