/* Settings files: reading, and changing one name in whatever can be read. */
#include <stdlib.h>

#include "lang/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7 loses the pieces of a long quoted text when the text turns out to be malformed. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml\n";
}

static void change(struct str text, struct str name, const struct str *value)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf out = {0};
    const struct setting *found;
    struct settings now;

    if (settings_edit("config.yaml", text, name, value, &out, &err) < 0) {
        return;
    }
    if (settings_parse("config.yaml", buf_str(&out), &arena, &now, &err) < 0) {
        abort();
    }
    found = settings_find(&now, name);
    if (value ? !found || !str_eq(found->value, *value) : found != NULL) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    struct str text = str_make((const char *)data, size);
    struct str value = STR("it's: \"x\" #");
    struct settings settings;

    if (settings_parse("config.yaml", text, &arena, &settings, &err) < 0) {
        return 0;
    }
    change(text, STR("user.name"), &value);
    change(text, STR("lake"), &value);
    for (size_t i = 0; i < settings.n && i < 4; i++) {
        change(text, settings.items[i].name, &value);
        change(text, settings.items[i].name, NULL);
    }
    return 0;
}
