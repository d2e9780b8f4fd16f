/* tables.c — which tables URIs fill where no name is given. */
#include <string.h>

#include "base/json.h"
#include "base/vec.h"
#include "ingest/ingest.h"
#include "os/dir.h"
#include "os/path.h"

bool corrie_import_means_files(const char *word)
{
    struct str name = str_of(word);

    return strpbrk(word, "/*?[") || strcmp(word, "-") == 0 || ingest_stem(name).len != name.len;
}

struct naming {
    struct arena arena;
    VEC(struct str) tables;
    VEC(struct str) uris;
};

static void naming_done(struct naming *naming)
{
    vec_done(&naming->tables);
    vec_done(&naming->uris);
    arena_done(&naming->arena);
}

static int fail_name(const char *uri, const char *why, corrie_error *err)
{
    corrie_fail(err, CORRIE_E_USAGE, "import %s: %s", uri, why);
    return corrie_hint(err, "name the table: corrie import %s NAME", uri);
}

/* A dot would part a namespace from a table. */
static int add_table(struct naming *naming, struct str table, const char *uri, corrie_error *err)
{
    struct str kept;

    if (table.len == 0 || str_find(table, '.') >= 0 || strpbrk(uri, "*?[\"")) {
        return fail_name(uri, "it gives the table no name", err);
    }
    for (size_t i = 0; i < naming->tables.count; i++) {
        if (str_eq_nocase(naming->tables.items[i], table)) {
            corrie_fail(err, CORRIE_E_USAGE, "%.*s and %s would both fill the table %.*s",
                        STR_FMT(naming->uris.items[i]), uri, STR_FMT(table));
            return corrie_hint(err, "name the table that they fill: corrie import %.*s %s NAME",
                               STR_FMT(naming->uris.items[i]), uri);
        }
    }
    if (arena_str(&naming->arena, table, &kept) < 0 || vec_push(&naming->tables, kept) < 0 ||
        arena_str(&naming->arena, str_of(uri), &kept) < 0 || vec_push(&naming->uris, kept) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

/* A folder of tables: each file and each folder in it is one. A folder with keys in it is one table itself. */
static int add_folder(struct naming *naming, const char *folder, corrie_error *err)
{
    size_t before = naming->tables.count;
    struct os_entry *entries;
    size_t n;
    int r = os_dir_list(folder, &naming->arena, &entries, &n, err);

    for (size_t i = 0; r >= 0 && i < n; i++) {
        if (entries[i].kind == OS_DIRECTORY && str_find(entries[i].name, '=') > 0) {
            return add_table(naming, os_path_name(str_of(folder)), folder, err);
        }
    }
    for (size_t i = 0; r >= 0 && i < n; i++) {
        struct str name = entries[i].name;
        bool is_folder = entries[i].kind == OS_DIRECTORY;
        char *path;

        if (ingest_is_left_out(name) || (!is_folder && !ingest_is_data(name))) {
            continue;
        }
        path = arena_printf(&naming->arena, "%s/%.*s", folder, STR_FMT(name));
        if (!path) {
            return corrie_fail_memory(err);
        }
        r = add_table(naming, is_folder ? name : ingest_stem(name), path, err);
    }
    if (r >= 0 && naming->tables.count == before) {
        return corrie_fail(err, CORRIE_E_NOT_FOUND, "the folder %s has no data files", folder);
    }
    return r;
}

static int add_uri(struct naming *naming, const char *uri, corrie_error *err)
{
    struct str text = str_of(uri);
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct str name;
    struct os_stat stat;

    text = str_starts(text, STR("file://")) ? str_from(text, 7) : text;
    if (text.len > 0 && os_stat(text.data, &stat, &ignored) >= 0 && stat.kind == OS_DIRECTORY) {
        while (text.len > 1 && text.data[text.len - 1] == '/') {
            text.len--;
        }
        char *folder = arena_text(&naming->arena, text);

        return folder ? add_folder(naming, folder, err) : corrie_fail_memory(err);
    }
    name = os_path_name(text);
    text = ingest_stem(name);
    return add_table(naming, text.len == name.len ? STR_EMPTY : text, uri, err);
}

int corrie_import_tables(const char *const *uris, size_t n_uris, char **ret_json, corrie_error *err)
{
    _cleanup_(naming_done) struct naming naming = {0};
    _json_ json_t *document = json_object();
    json_t *tables = json_array();
    int r = 0;

    for (size_t i = 0; r >= 0 && i < n_uris; i++) {
        r = add_uri(&naming, uris[i], err);
    }
    for (size_t i = 0; r >= 0 && i < naming.tables.count; i++) {
        json_t *item = json_object();
        json_t *list = json_array();
        int bad = json_array_append_new(list, js_string(naming.uris.items[i]));

        bad |= js_set_str(item, "table", naming.tables.items[i]);
        bad |= js_set(item, "uris", list);
        bad |= json_array_append_new(tables, item);
        r = bad ? corrie_fail_memory(err) : 0;
    }
    if (r < 0) {
        json_decref(tables);
        return r;
    }
    if (js_set(document, "tables", tables) != 0) {
        return corrie_fail_memory(err);
    }
    return js_give(TAKE_PTR(document), ret_json, err);
}
