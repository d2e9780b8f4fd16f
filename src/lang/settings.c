/* Settings files: reading them, and changing one value in the text. */
#include "lang/settings.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "lang/yaml_edit.h"

int settings_parse(const char *file, struct str source, struct arena *arena, struct settings *ret,
                   corrie_error *err)
{
    _cleanup_(yaml_values_done) struct yaml_values values = {0};
    struct setting *items;
    int r;

    r = yaml_values_read(&values, "a settings file", file, source, arena, err);
    if (r < 0) {
        return r;
    }
    items = arena_array(arena, struct setting, values.count + 1);
    if (!items) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < values.count; i++) {
        const struct yaml_value *value = &values.items[i];

        items[i] = (struct setting){.name = value->name,
                                    .value = value->text,
                                    .is_list = value->node->kind == YAML_LIST,
                                    .offset = value->node->offset,
                                    .length = value->node->length};
    }
    *ret = (struct settings){.file = file, .source = source, .items = items, .n = values.count};
    return 0;
}

const struct setting *settings_find(const struct settings *settings, struct str name)
{
    for (size_t i = 0; i < settings->n; i++) {
        if (str_eq(settings->items[i].name, name)) {
            return &settings->items[i];
        }
    }
    return NULL;
}

int settings_error_at(const struct settings *settings, const struct setting *at, corrie_error *err)
{
    return corrie_error_at_offset(err, settings->file, settings->source, at->offset, at->length);
}

/* ---- names and values ---- */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

int settings_check(struct str name, const struct str *value, corrie_error *err)
{
    bool good = name.len > 0 && name.len <= CORRIE_MAX_SETTING_NAME;
    char before = '.';

    for (size_t i = 0; good && i < name.len; i++) {
        good = is_word(name.data[i]) || (name.data[i] == '.' && before != '.');
        before = name.data[i];
    }
    if (!good || before == '.') {
        corrie_fail(err, CORRIE_E_USAGE, "\"%.*s\" is no name of a setting", STR_FMT(name));
        return corrie_hint(
            err, "letters, digits, _ and -, with dots between: user.name; at most %d bytes",
            CORRIE_MAX_SETTING_NAME);
    }
    if (!value) {
        return 0;
    }
    if (value->len == 0 || value->len > CORRIE_MAX_SETTING) {
        corrie_fail(err, CORRIE_E_USAGE, "the value of %.*s has %zu bytes, not 1 to %d",
                    STR_FMT(name), value->len, CORRIE_MAX_SETTING);
        return value->len == 0 ? corrie_hint(err, "`config unset` removes a setting") : err->code;
    }
    good = str_is_utf8(*value, NULL);
    for (size_t i = 0; good && i < value->len; i++) {
        good = (unsigned char)value->data[i] >= 0x20 && value->data[i] != 0x7f;
    }
    return good ? 0
                : corrie_fail(err, CORRIE_E_USAGE,
                              "the value of %.*s is not UTF-8, or has control characters",
                              STR_FMT(name));
}

bool settings_is_secret(struct str name)
{
    static const char *const ends[] = {"key", "token", "secret", "password"};
    ptrdiff_t dot = str_rfind(name, '.');
    struct str last = dot < 0 ? name : str_from(name, (size_t)dot + 1);

    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        struct str end = str_of(ends[i]);

        if (last.len >= end.len && str_eq_nocase(str_from(last, last.len - end.len), end)) {
            return true;
        }
    }
    return false;
}

int settings_edit(const char *file, struct str source, struct str name, const struct str *value,
                  struct buf *out, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(yaml_values_done) struct yaml_values values = {0};
    int r;

    r = settings_check(name, value, err);
    if (r < 0 ||
        (r = yaml_values_read(&values, "a settings file", file, source, &arena, err)) < 0) {
        return r;
    }
    if (!value && !yaml_values_find(&values, name)) {
        return corrie_fail(err, CORRIE_E_NOT_FOUND, "there is no setting \"%.*s\" in %s",
                           STR_FMT(name), file);
    }
    return yaml_edit(&values, name, value, false, out, err);
}
