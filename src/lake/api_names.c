/* api_names.c — keys of the catalog as users write and read them. */
#include "lake/api_priv.h"

#include "lang/name.h"

json_t *api_key_name(struct str key)
{
    _cleanup_(buf_done) struct buf text = {0};
    struct str segments[CORRIE_MAX_KEY_SEGMENTS];
    size_t n = key_split(key, segments);

    for (size_t i = 1; i < n; i++) {
        buf_addf(&text, "%s%.*s", i > 1 ? "." : "", STR_FMT(segments[i]));
    }
    return text.failed ? NULL : js_string(buf_str(&text));
}

/* "kind:name": segments are what stands between dots; but the last of a ledger key, a location, may hold dots. */
static int other_key(struct str kind, struct str name, struct key *ret, corrie_error *err)
{
    size_t max = str_eq(kind, STR("ledger")) ? 3 : CORRIE_MAX_KEY_SEGMENTS;
    struct str segments[CORRIE_MAX_KEY_SEGMENTS] = {kind};
    size_t n = 1;

    while (n + 1 < max && str_find(name, '.') >= 0) {
        (void)str_cut(name, '.', &segments[n++], &name);
    }
    segments[n++] = name;
    return key_make(segments, n, ret, err);
}

int api_key_of(struct str text, const char *default_namespace, struct key *ret, corrie_error *err)
{
    struct table_name table;
    struct str kind;
    struct str name;
    int r;

    if (str_cut(text, ':', &kind, &name) && str_find(kind, '.') < 0 && str_find(kind, '"') < 0 &&
        !str_eq(kind, STR("table"))) {
        return other_key(kind, name, ret, err);
    }
    if (str_starts(text, STR("table:"))) {
        text = str_from(text, 6);
    }
    r = lake_table_name(text, default_namespace, &table, err);
    if (r < 0) {
        return r;
    }
    return KEY_MAKE(ret, err, STR("table"), table.ns, table.table);
}

int api_hint_namespace(const struct lake_view *view, struct str text, corrie_error *err)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;

    if (err->code == CORRIE_E_NOT_FOUND && str_find(text, '.') < 0 && str_find(text, ':') < 0 &&
        lake_has_namespace(view, text, &ignored) > 0) {
        corrie_hint(err, "%.*s is a namespace: --table '%.*s.*' for all tables in it",
                    STR_FMT(text), STR_FMT(text));
    }
    return err->code;
}
