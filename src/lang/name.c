#include "lang/name.h"

#include "base/limits.h"

/* What table and namespace names share. */
static int check_segment(struct str name, const char *what, corrie_error *err)
{
    size_t bad;

    if (name.len == 0) {
        return corrie_fail(err, CORRIE_E_USAGE, "a %s name may not be empty", what);
    }
    if (name.len > CORRIE_MAX_KEY_SEGMENT) {
        return corrie_fail(err, CORRIE_E_USAGE,
                           "the %s name \"%.*s…\" has %zu bytes, at most %d are allowed", what,
                           STR_FMT(str_slice(name, 0, 40)), name.len, CORRIE_MAX_KEY_SEGMENT);
    }
    if (!str_is_utf8(name, &bad)) {
        return corrie_fail(err, CORRIE_E_USAGE, "the %s name is not UTF-8 at byte %zu", what,
                           bad + 1);
    }
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (c < 0x20 || c == 0x7f) {
            return corrie_fail(err, CORRIE_E_USAGE,
                               "the %s name has a control character at byte %zu", what, i + 1);
        }
    }
    return 0;
}

static int check_table_like(struct str name, const char *what, corrie_error *err)
{
    int r = check_segment(name, what, err);
    if (r < 0) {
        return r;
    }
    if (str_find(name, '.') >= 0 || str_find(name, '"') >= 0) {
        return corrie_fail(err, CORRIE_E_USAGE, "the %s name \"%.*s\" may not contain '.' or '\"'",
                           what, STR_FMT(name));
    }
    if (name.data[0] == ' ' || name.data[name.len - 1] == ' ') {
        return corrie_fail(err, CORRIE_E_USAGE, "the %s name \"%.*s\" begins or ends with a space",
                           what, STR_FMT(name));
    }
    return 0;
}

int name_check_namespace(struct str name, corrie_error *err)
{
    return check_table_like(name, "namespace", err);
}

int name_check_table(struct str name, corrie_error *err)
{
    return check_table_like(name, "table", err);
}

int name_check_column(struct str name, corrie_error *err)
{
    return check_segment(name, "column", err);
}

static int check_identifier(struct str name, const char *what, corrie_error *err)
{
    int r = check_segment(name, what, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        bool digit = c >= '0' && c <= '9';
        if (!letter && !(digit && i > 0)) {
            r = corrie_fail(err, CORRIE_E_USAGE, "\"%.*s\" is no %s name", STR_FMT(name), what);
            corrie_hint(err, "a %s name is letters, digits and _, and does not begin with a digit",
                        what);
            return r;
        }
    }
    return 0;
}

int name_check_model(struct str name, corrie_error *err)
{
    return check_identifier(name, "model", err);
}

int name_check_parameter(struct str name, corrie_error *err)
{
    return check_identifier(name, "parameter", err);
}

/* One part of a table name; *rest begins behind it. */
static bool take_part(struct str *rest, struct str *ret)
{
    if (rest->len > 0 && rest->data[0] == '"') {
        ptrdiff_t end = str_find(str_from(*rest, 1), '"');
        if (end < 0) {
            return false;
        }
        *ret = str_slice(*rest, 1, (size_t)end);
        *rest = str_from(*rest, (size_t)end + 2);
        return true;
    }
    ptrdiff_t dot = str_find(*rest, '.');
    size_t len = dot < 0 ? rest->len : (size_t)dot;
    *ret = str_slice(*rest, 0, len);
    *rest = str_from(*rest, len);
    return true;
}

static int fail_table_name(struct str text, corrie_error *err)
{
    int r = corrie_fail(err, CORRIE_E_USAGE, "\"%.*s\" is no table name",
                        STR_FMT(str_slice(text, 0, 300)));
    corrie_hint(err, "write TABLE or NAMESPACE.TABLE; names hold no dots themselves");
    return r;
}

int table_name_parse(struct str text, struct table_name *ret, corrie_error *err)
{
    struct table_name name = {.ns = STR_EMPTY};
    struct str rest = text;

    if (!take_part(&rest, &name.table)) {
        return fail_table_name(text, err);
    }
    if (rest.len > 0 && rest.data[0] == '.') {
        rest = str_from(rest, 1);
        name.ns = name.table;
        if (name.ns.len == 0 || !take_part(&rest, &name.table)) {
            return fail_table_name(text, err);
        }
    }
    if (rest.len > 0 || name.table.len == 0) {
        return fail_table_name(text, err);
    }
    int r = check_segment(name.table, "table", err);
    if (r >= 0 && name.ns.len > 0) {
        r = check_segment(name.ns, "namespace", err);
    }
    if (r < 0) {
        return r;
    }
    *ret = name;
    return 0;
}
