/* config.c — lake.json (docs/formats/lake.md). */
#include "lake/lake_priv.h"

enum { MAX_ROOTS = 64 };

/* Features of the lake that this program knows, beyond format 1. */
#define FEATURE_SHARED "shared"
static const char *const known_features[] = {FEATURE_SHARED};

/* What a lake of a newer program says of who can read it. */
static int hint_newer(const json_t *document, corrie_error *err)
{
    struct str reader = STR_EMPTY;
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;

    if (js_opt_str(document, "reader", &reader, CORRIE_E_CORRUPT, &ignored) > 0 && reader.len > 0 &&
        reader.len <= 64) {
        return corrie_hint(err, "use corrie %.*s or newer", STR_FMT(reader));
    }
    return corrie_hint(err, "use the newer corrie that wrote it");
}

static int check_features(const json_t *document, const json_t *features,
                          struct lake_config *config, corrie_error *err)
{
    size_t n = json_array_size(features);
    struct str with = STR_EMPTY;

    for (size_t i = 0; i < n; i++) {
        const json_t *feature = json_array_get(features, i);
        bool known = false;

        if (!json_is_string(feature)) {
            return corrie_fail(err, CORRIE_E_CORRUPT,
                               "field \"features\" holds something that is no text");
        }
        for (size_t k = 0; k < ARRAY_LEN(known_features); k++) {
            known = known || str_eq(js_str(feature), str_of(known_features[k]));
        }
        if (!known) {
            corrie_fail(err, CORRIE_E_REFUSED,
                        "the lake uses the feature \"%s\", which corrie %s does not know",
                        json_string_value(feature), CORRIE_VERSION);
            return hint_newer(document, err);
        }
        config->shared = config->shared || str_eq(js_str(feature), STR(FEATURE_SHARED));
    }
    if (!config->shared) {
        return 0;
    }
    if (js_get_str(document, "shared", &with, CORRIE_E_CORRUPT, err) < 0) {
        return err->code;
    }
    if (!str_eq(with, STR("group"))) {
        corrie_fail(err, CORRIE_E_REFUSED,
                    "the lake is shared with \"%.*s\", which corrie %s does not know",
                    STR_FMT(with), CORRIE_VERSION);
        return hint_newer(document, err);
    }
    return 0;
}

static int parse_roots(const json_t *roots, struct arena *arena, struct lake_config *config,
                       corrie_error *err)
{
    size_t n = json_array_size(roots);
    struct str *items = arena_array(arena, struct str, n);

    if (!items) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *root = json_array_get(roots, i);

        if (!json_is_string(root)) {
            return corrie_fail(err, CORRIE_E_CORRUPT,
                               "field \"roots\" holds something that is no text");
        }
        if (arena_str(arena, js_str(root), &items[i]) < 0) {
            return corrie_fail_memory(err);
        }
    }
    config->roots = items;
    config->n_roots = n;
    return 0;
}

/* What a newer program has written beside, which may be ignored but not lost. */
static int keep_others(const json_t *document, struct arena *arena, struct lake_config *config,
                       corrie_error *err)
{
    static const char *const known[] = {"format", "features", "id", "catalog", "roots"};
    _cleanup_(buf_done) struct buf text = {0};
    _json_ json_t *others = json_copy((json_t *)document);
    int r;

    if (!others) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        (void)json_object_del(others, known[i]);
    }
    if (config->shared) {
        (void)json_object_del(others, "shared");
    }
    if (json_object_size(others) == 0) {
        return 0;
    }
    r = js_canonical(others, &text, err);
    if (r < 0) {
        return r == CORRIE_E_NO_MEMORY ? r
                                       : corrie_fail(err, CORRIE_E_CORRUPT,
                                                     "it is not as corrie writes it: a field holds "
                                                     "what canonical JSON cannot");
    }
    return arena_str(arena, buf_str(&text), &config->others) < 0 ? corrie_fail_memory(err) : 0;
}

static int parse_document(const json_t *document, struct arena *arena, struct lake_config *config,
                          corrie_error *err)
{
    json_t *features = NULL;
    json_t *roots = NULL;
    struct str id;
    struct str catalog;
    int r;

    if (!json_is_object(document)) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "it is no JSON object");
    }
    r = js_get_int(document, "format", &config->format, CORRIE_E_CORRUPT, err);
    if (r < 0) {
        return r;
    }
    if (config->format > LAKE_FORMAT) {
        corrie_fail(err, CORRIE_E_REFUSED, "the lake has format %lld, corrie %s knows up to %d",
                    (long long)config->format, CORRIE_VERSION, LAKE_FORMAT);
        return hint_newer(document, err);
    }
    r = js_get_array(document, "features", &features, CORRIE_E_CORRUPT, err);
    if (r < 0 || (r = check_features(document, features, config, err)) < 0) {
        return r;
    }
    r = js_get_str(document, "id", &id, CORRIE_E_CORRUPT, err);
    if (r < 0) {
        return r;
    }
    if (config->format < 1 || !uuid_parse(id, &config->id)) {
        return corrie_fail(err, CORRIE_E_CORRUPT,
                           "field \"id\" is no UUID or \"format\" no version");
    }
    r = js_get_str(document, "catalog", &catalog, CORRIE_E_CORRUPT, err);
    if (r < 0 || (r = js_get_array(document, "roots", &roots, CORRIE_E_CORRUPT, err)) < 0) {
        return r;
    }
    if (arena_str(arena, catalog, &config->catalog) < 0) {
        return corrie_fail_memory(err);
    }
    r = parse_roots(roots, arena, config, err);
    return r < 0 ? r : keep_others(document, arena, config, err);
}

int lake_config_parse(struct str text, struct arena *arena, struct lake_config *ret,
                      corrie_error *err)
{
    _json_ json_t *document = NULL;
    struct lake_config config = {0};
    int r;

    r = js_parse(text, "lake.json", &document, err);
    if (r < 0) {
        if (r == CORRIE_E_DATA) {
            err->code = CORRIE_E_CORRUPT;
            corrie_hint(
                err,
                "bring lake.json back from a copy of the lake; the data and the catalog are separate "
                "files");
        }
        return err->code;
    }
    r = parse_document(document, arena, &config, err);
    if (r < 0) {
        return corrie_wrap(err, "read lake.json");
    }
    *ret = config;
    return 0;
}

int lake_config_format(const struct lake_config *config, struct buf *out, corrie_error *err)
{
    _json_ json_t *document = NULL;
    json_t *roots;
    json_t *features;
    size_t first = config->n_roots > MAX_ROOTS ? config->n_roots - MAX_ROOTS : 0;
    int r = 0;

    js_setup();
    if (config->others.len > 0) {
        r = js_parse(config->others, "lake.json", &document, err);
        if (r < 0) {
            return r;
        }
    } else {
        document = json_object();
    }
    roots = json_array();
    features = json_array();
    if (config->shared) {
        r |= features ? json_array_append_new(features, json_string(FEATURE_SHARED)) : -1;
        r |= js_set_str(document, "shared", STR("group"));
    }
    for (size_t i = first; roots && i < config->n_roots; i++) {
        r |= json_array_append_new(roots, js_string(config->roots[i]));
    }
    r |= js_set(document, "roots", roots);
    r |= js_set(document, "features", features);
    r |= js_set_int(document, "format", config->format);
    r |= js_set_uuid(document, "id", &config->id);
    r |= js_set_str(document, "catalog", config->catalog);
    if (r != 0) {
        return corrie_fail_memory(err);
    }
    r = js_canonical(document, out, err);
    if (r < 0) {
        return r;
    }
    buf_add_char(out, '\n');
    return buf_check(out, err);
}
