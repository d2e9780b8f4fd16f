/* Values of parameters. */
#include "lang/project.h"

#include "base/cleanup.h"

static const char *const type_names[] = {
    [PARAM_STR] = "str",   [PARAM_INT] = "int",       [PARAM_FLOAT] = "float",
    [PARAM_BOOL] = "bool", [PARAM_SECRET] = "secret", [PARAM_VAULT] = "vault",
};

const char *param_type_name(enum param_type type)
{
    return type_names[type];
}

bool param_type_find(struct str name, enum param_type *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(type_names); i++) {
        if (str_eq(name, str_of(type_names[i]))) {
            *ret = (enum param_type)i;
            return true;
        }
    }
    return false;
}

bool secret_reference(struct str text, enum secret_kind *ret, struct str *ret_where)
{
    static const char *const kinds[] = {
        [SECRET_ENV] = "env:", [SECRET_FILE] = "file:", [SECRET_KEYRING] = "keyring:"};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct str kind = str_of(kinds[i]);
        if (str_starts(text, kind) && text.len > kind.len) {
            *ret = (enum secret_kind)i;
            *ret_where = str_from(text, kind.len);
            return true;
        }
    }
    return false;
}

static bool parse_bool(struct str text, bool *ret)
{
    static const char *const yes[] = {"true", "yes", "on", "1"};
    static const char *const no[] = {"false", "no", "off", "0"};

    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (str_eq_nocase(text, str_of(yes[i]))) {
            *ret = true;
            return true;
        }
        if (str_eq_nocase(text, str_of(no[i]))) {
            *ret = false;
            return true;
        }
    }
    return false;
}

static int fail_value(struct str text, const char *expected, corrie_error *err)
{
    return corrie_fail(err, CORRIE_E_USAGE, "\"%.*s\" is no %s", STR_FMT(str_slice(text, 0, 200)),
                       expected);
}

int param_parse(enum param_type type, struct str text, struct arena *arena, struct param_value *ret,
                corrie_error *err)
{
    struct param_value value = {.type = type, .text = text};
    bool flag;

    switch (type) {
    case PARAM_INT:
        if (!str_to_int64(text, &value.i)) {
            return fail_value(text, "integer", err);
        }
        value.text = str_of(arena_printf(arena, "%lld", (long long)value.i));
        if (value.text.len == 0) {
            return corrie_fail_memory(err);
        }
        break;
    case PARAM_FLOAT:
        if (!str_to_double(text, &value.f)) {
            return fail_value(text, "number", err);
        }
        break;
    case PARAM_BOOL:
        if (!parse_bool(text, &flag)) {
            fail_value(text, "boolean", err);
            return corrie_hint(err, "write true or false");
        }
        value.i = flag;
        value.text = flag ? STR("true") : STR("false");
        break;
    case PARAM_STR:
    case PARAM_SECRET:
    case PARAM_VAULT:
        break;
    }
    *ret = value;
    return 0;
}
