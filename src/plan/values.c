/* values.c — calls and values of a reader's document: the right kind in the right place, or an error there. */
#include "plan/values_priv.h"

#include "base/json.h"
#include "base/limits.h"
#include "lang/name.h"

/* ---- places ------------------------------------------------------------------------------------- */

struct place value_place(const struct understanding *u, const json_t *object)
{
    const json_t *at = json_object_get(object, "at");

    return (struct place){
        .file = u->source->path,
        .line = (long)json_integer_value(json_array_get(at, 0)),
        .column = (long)json_integer_value(json_array_get(at, 1)),
        .width = (long)json_integer_value(json_array_get(at, 2)),
    };
}

int value_error_at(const struct understanding *u, const json_t *object, corrie_error *err)
{
    struct place place = value_place(u, object);

    return place_error(u->declaring->project, &place, err);
}

/* ---- values ------------------------------------------------------------------------------------- */

const char *value_kind(const json_t *value)
{
    const char *kind = json_string_value(json_object_get(value, "kind"));

    return kind ? kind : "";
}

bool value_is(const json_t *value, const char *kind)
{
    return strcmp(value_kind(value), kind) == 0;
}

static const char *kind_title(const json_t *value)
{
    static const char *const titles[][2] = {
        {"str", "a text"},         {"int", "a number"}, {"float", "a number"},
        {"bool", "True or False"}, {"list", "a list"},  {"dict", "a dictionary"},
        {"none", "None"},
    };

    for (size_t i = 0; i < ARRAY_LEN(titles); i++) {
        if (value_is(value, titles[i][0])) {
            return titles[i][1];
        }
    }
    return "something else";
}

int value_wrong(const struct understanding *u, const struct signature *signature,
                const char *keyword, const json_t *value, const char *wanted, corrie_error *err)
{
    const char *reason = json_string_value(json_object_get(value, "reason"));

    if (value_is(value, "unknown")) {
        corrie_fail(err, CORRIE_E_PROJECT, "%s of %s must be known without running the code: %s",
                    keyword, signature->name, reason ? reason : "it is not a constant");
        corrie_hint(err, "literals, constants of the same file, and f-strings and `+` of them are");
    } else {
        corrie_fail(err, CORRIE_E_PROJECT, "%s of %s must be %s, not %s", keyword, signature->name,
                    wanted, kind_title(value));
    }
    return value_error_at(u, value, err);
}

int value_text(const struct understanding *u, const struct signature *signature,
               const char *keyword, const json_t *value, struct str *ret, corrie_error *err)
{
    if (!value || value_is(value, "none")) {
        return 0;
    }
    if (!value_is(value, "str")) {
        return value_wrong(u, signature, keyword, value, "a text", err);
    }
    if (arena_str(u->arena, js_str(json_object_get(value, "value")), ret) < 0) {
        return corrie_fail_memory(err);
    }
    return 1;
}

int value_bool(const struct understanding *u, const struct signature *signature,
               const char *keyword, const json_t *value, bool *ret, corrie_error *err)
{
    if (!value || value_is(value, "none")) {
        return 0;
    }
    if (!value_is(value, "bool")) {
        return value_wrong(u, signature, keyword, value, "True or False", err);
    }
    *ret = json_is_true(json_object_get(value, "value"));
    return 1;
}

int value_number(const struct understanding *u, const struct signature *signature,
                 const char *keyword, const json_t *value, double *ret, corrie_error *err)
{
    if (!value || value_is(value, "none")) {
        return 0;
    }
    double number = json_number_value(json_object_get(value, "value"));
    if ((!value_is(value, "int") && !value_is(value, "float"))) {
        return value_wrong(u, signature, keyword, value, "a number", err);
    }
    if (!(number > 0) || number > 1e12) {
        corrie_fail(err, CORRIE_E_PROJECT, "%s of %s must be above 0", keyword, signature->name);
        return value_error_at(u, value, err);
    }
    *ret = number;
    return 1;
}

int value_size(const struct understanding *u, const struct signature *signature,
               const char *keyword, const json_t *value, uint64_t *ret, corrie_error *err)
{
    double number = 0;

    if (value && value_is(value, "str")) {
        if (str_to_size(js_str(json_object_get(value, "value")), ret) && *ret > 0) {
            return 1;
        }
        corrie_fail(err, CORRIE_E_PROJECT, "%s of %s is not a size", keyword, signature->name);
        corrie_hint(err, "write '512M', '1.5G' or a number of MiB");
        return value_error_at(u, value, err);
    }
    int r = value_number(u, signature, keyword, value, &number, err);
    if (r > 0) {
        *ret = (uint64_t)(number * (double)CORRIE_MiB);
    }
    return r;
}

int value_texts(const struct understanding *u, const struct signature *signature,
                const char *keyword, const json_t *value, struct str **ret, size_t *ret_n,
                corrie_error *err)
{
    if (!value || value_is(value, "none")) {
        return 0;
    }
    const json_t *items = json_object_get(value, "value");
    bool single = value_is(value, "str");
    size_t n = single ? 1 : json_array_size(items);
    if (!single && !value_is(value, "list")) {
        return value_wrong(u, signature, keyword, value, "a list of texts", err);
    }
    if (n == 0) {
        corrie_fail(err, CORRIE_E_PROJECT, "%s of %s is empty", keyword, signature->name);
        corrie_hint(err, "leave it out to mean everything");
        return value_error_at(u, value, err);
    }
    if (n > CORRIE_MAX_COLUMNS) {
        corrie_fail(err, CORRIE_E_LIMIT, "%s of %s has more than %d items", keyword,
                    signature->name, CORRIE_MAX_COLUMNS);
        return value_error_at(u, value, err);
    }
    struct str *texts = arena_array(u->arena, struct str, n);
    if (!texts) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *item = single ? value : json_array_get(items, i);
        int r = value_is(item, "str")
                    ? value_text(u, signature, keyword, item, &texts[i], err)
                    : value_wrong(u, signature, keyword, item, "a list of texts", err);
        if (r < 0) {
            return r;
        }
    }
    *ret = texts;
    *ret_n = n;
    return 1;
}

int value_columns(const struct understanding *u, const struct signature *signature,
                  const char *keyword, const json_t *value, struct name_list *ret,
                  corrie_error *err)
{
    _cleanup_(map_done) struct map seen = {0};
    struct str *texts = NULL;
    size_t n = 0;

    int r = value_texts(u, signature, keyword, value, &texts, &n, err);
    *ret = (struct name_list){.all = true, .place = u->function->place};
    if (r <= 0) {
        return r;
    }
    ret->place = value_place(u, value);
    ret->given = true;
    ret->all = false;
    ret->items = arena_array(u->arena, struct str, n);
    if (!ret->items) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *item =
            value_is(value, "str") ? value : json_array_get(json_object_get(value, "value"), i);
        if (str_eq(texts[i], STR("*"))) {
            ret->all = true;
            continue;
        }
        r = name_check_column(texts[i], err);
        if (r >= 0 && map_find(&seen, texts[i])) {
            r = corrie_fail(err, CORRIE_E_PROJECT, "column %.*s stands twice in %s of %s",
                            STR_FMT(texts[i]), keyword, signature->name);
        }
        if (r < 0) {
            err->code = CORRIE_E_PROJECT;
            return value_error_at(u, item, err);
        }
        if (map_put(&seen, texts[i], NULL) < 0) {
            return corrie_fail_memory(err);
        }
        ret->items[ret->count++] = texts[i];
    }
    return 0;
}

int value_name(const struct understanding *u, const struct signature *signature,
               const char *keyword, const json_t *value, struct str *ret, corrie_error *err)
{
    struct table_name name;

    int r = value_text(u, signature, keyword, value, ret, err);
    if (r > 0) {
        r = table_name_parse(*ret, &name, err);
        if (r >= 0) {
            r = name_check_model(name.table, err);
        }
        if (r < 0 && r != CORRIE_E_NO_MEMORY) {
            err->code = CORRIE_E_PROJECT;
            return value_error_at(u, value, err);
        }
    }
    return r < 0 ? r : 0;
}

/* ---- calls -------------------------------------------------------------------------------------- */

static size_t count_keywords(const struct signature *signature)
{
    size_t n = 0;

    while (signature->keywords[n]) {
        n++;
    }
    return n;
}

int call_unknown_keyword(const struct understanding *u, const struct signature *signature,
                         struct str name, const json_t *at, corrie_error *err)
{
    struct str names[MAX_KEYWORDS];
    size_t n = count_keywords(signature);

    for (size_t i = 0; i < n; i++) {
        names[i] = str_of(signature->keywords[i]);
    }
    corrie_fail(err, CORRIE_E_PROJECT, "%s has no argument %.*s", signature->name, STR_FMT(name));
    hint_nearest(name, names, n, err);
    return value_error_at(u, at, err);
}

int call_bind(const struct understanding *u, const struct signature *signature, const json_t *call,
              const json_t *values[MAX_KEYWORDS], corrie_error *err)
{
    const json_t *args = json_object_get(call, "args");
    const json_t *keywords = json_object_get(call, "keywords");
    size_t n = count_keywords(signature);

    for (size_t i = 0; i < MAX_KEYWORDS; i++) {
        values[i] = NULL;
    }
    for (size_t i = 0; i < json_array_size(args); i++) {
        if (i >= n) {
            corrie_fail(err, CORRIE_E_PROJECT, "%s takes at most %zu arguments", signature->name,
                        n);
            return value_error_at(u, json_array_get(args, i), err);
        }
        values[i] = json_array_get(args, i);
    }
    for (size_t k = 0; k < json_array_size(keywords); k++) {
        const json_t *keyword = json_array_get(keywords, k);
        struct str name = js_str(json_object_get(keyword, "name"));
        size_t i = 0;
        while (i < n && !str_eq(name, str_of(signature->keywords[i]))) {
            i++;
        }
        if (i == n) {
            return call_unknown_keyword(u, signature, name, keyword, err);
        }
        if (values[i]) {
            corrie_fail(err, CORRIE_E_PROJECT, "%s is given %.*s twice", signature->name,
                        STR_FMT(name));
            return value_error_at(u, keyword, err);
        }
        values[i] = json_object_get(keyword, "value");
    }
    return 0;
}
