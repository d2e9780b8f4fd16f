/* table.c — namespaces and tables as the catalog's documents tell of them. */
#include "lake/lake_priv.h"

#include "base/json_text.h"
#include "base/vec.h"
#include "catalog/tree.h"
#include "lang/name.h"

enum { MAX_NEAREST = 3, MAX_NAMES = 10000 };

struct str lake_local_path(struct str location)
{
    return str_starts(location, STR("file://")) ? str_from(location, 7) : location;
}

int lake_absolute(const struct lake *lake, struct str location, struct arena *arena,
                  struct str *ret, corrie_error *err)
{
    if (str_starts(location, STR("/")) || str_find_str(location, STR("://")) >= 0) {
        return location_resolve(&lake->io, location, arena, ret, err);
    }
    return location_of_key(&lake->io, location, arena, ret, err);
}

struct str lake_relative(const struct lake *lake, struct str location)
{
    struct str root = lake->io.root;

    if (str_starts(location, root) && location.len > root.len && location.data[root.len] == '/') {
        return str_from(location, root.len + 1);
    }
    return location;
}

/* ---- views ---- */

int lake_view_of(struct lake *lake, const struct hash *commit, struct lake_view *ret,
                 corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct commit read;
    int r;

    r = commit_read(lake->catalog, commit, &arena, &read, err);
    if (r < 0) {
        return r;
    }
    *ret = (struct lake_view){.lake = lake, .commit = *commit, .tree = read.tree};
    return 0;
}

int lake_view_at(struct lake *lake, struct str ref, struct lake_view *ret, corrie_error *err)
{
    struct hash commit;
    int r;

    r = lake_resolve(lake, ref, &commit, err);
    if (r < 0) {
        return r;
    }
    return lake_view_of(lake, &commit, ret, err);
}

/* ---- the document of a table ---- */

static int parse_table_doc(const json_t *doc, struct arena *arena, struct lake_table *table,
                           corrie_error *err)
{
    struct str location;
    struct str metadata_location;
    struct str source = STR_EMPTY;
    int64_t schema_id;
    int64_t spec_id;
    int r;

    table->snapshot_id = SNAPSHOT_NONE;
    if ((r = js_get_str(doc, "location", &location, CORRIE_E_CORRUPT, err)) < 0 ||
        (r = js_get_str(doc, "metadata_location", &metadata_location, CORRIE_E_CORRUPT, err)) < 0 ||
        (r = js_opt_int(doc, "snapshot_id", &table->snapshot_id, CORRIE_E_CORRUPT, err)) < 0 ||
        (r = js_get_int(doc, "schema_id", &schema_id, CORRIE_E_CORRUPT, err)) < 0 ||
        (r = js_get_int(doc, "spec_id", &spec_id, CORRIE_E_CORRUPT, err)) < 0 ||
        (r = js_get_int(doc, "records", &table->records, CORRIE_E_CORRUPT, err)) < 0 ||
        (r = js_get_int(doc, "bytes", &table->bytes, CORRIE_E_CORRUPT, err)) < 0 ||
        (r = js_get_int(doc, "files", &table->files, CORRIE_E_CORRUPT, err)) < 0 ||
        (r = js_get_bool(doc, "managed", &table->managed, CORRIE_E_CORRUPT, err)) < 0 ||
        (r = js_opt_str(doc, "source", &source, CORRIE_E_CORRUPT, err)) < 0) {
        return r;
    }
    table->schema_id = (int)schema_id;
    table->spec_id = (int)spec_id;
    if (arena_str(arena, location, &table->location) < 0 ||
        arena_str(arena, metadata_location, &table->metadata_location) < 0 ||
        arena_str(arena, source, &table->source) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

/* Digits, as canonical JSON has integers from 0 on; false for all else, and for what is too large. */
static bool plain_integer(struct str json, int64_t *ret)
{
    int64_t value = 0;

    for (size_t i = 0; i < json.len; i++) {
        if (json.data[i] < '0' || json.data[i] > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, json.data[i] - '0', &value)) {
            return false;
        }
    }
    *ret = value;
    return json.len > 0;
}

static bool plain_text(struct str json, struct str *ret)
{
    *ret = jt_text(json, NULL);
    return ret->len > 0;
}

/* The same of a document that looks as corrie writes it, in a tenth of the time: half of what a list of many tables
 * takes. 1; 0 if it does not, and nothing is said of what is wrong. Texts are borrowed from `text`. */
static int quick_table_doc(struct str text, struct arena *arena, struct lake_table *table,
                           corrie_error *err)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct jt_member members[16];
    struct str location;
    struct str metadata_location;
    struct str managed;
    struct str snapshot;
    int64_t schema_id;
    int64_t spec_id;
    size_t n;

    if (jt_split(text, members, ARRAY_LEN(members), &n, &ignored) < 0 ||
        jt_find(members, n, "source").len > 0 ||
        !plain_text(jt_find(members, n, "location"), &location) ||
        !plain_text(jt_find(members, n, "metadata_location"), &metadata_location) ||
        !plain_integer(jt_find(members, n, "schema_id"), &schema_id) ||
        !plain_integer(jt_find(members, n, "spec_id"), &spec_id) ||
        !plain_integer(jt_find(members, n, "records"), &table->records) ||
        !plain_integer(jt_find(members, n, "bytes"), &table->bytes) ||
        !plain_integer(jt_find(members, n, "files"), &table->files)) {
        return 0;
    }
    managed = jt_find(members, n, "managed");
    snapshot = jt_find(members, n, "snapshot_id");
    table->managed = str_eq(managed, STR("true"));
    table->snapshot_id = SNAPSHOT_NONE;
    if ((!table->managed && !str_eq(managed, STR("false"))) ||
        (snapshot.len > 0 && !str_eq(snapshot, STR("null")) &&
         !plain_integer(snapshot, &table->snapshot_id))) {
        return 0;
    }
    table->schema_id = (int)schema_id;
    table->spec_id = (int)spec_id;
    if (arena_str(arena, location, &table->location) < 0 ||
        arena_str(arena, metadata_location, &table->metadata_location) < 0) {
        return corrie_fail_memory(err);
    }
    return 1;
}

static int read_table_doc(struct str text, struct arena *arena, struct lake_table *table,
                          corrie_error *err)
{
    _json_ json_t *doc = NULL;
    int r = quick_table_doc(text, arena, table, err);

    if (r != 0) {
        return r;
    }
    r = js_parse(text, "its document", &doc, err);
    return r < 0 ? r : parse_table_doc(doc, arena, table, err);
}

int lake_table_of_value(const struct lake *lake, struct str key, const struct tree_value *value,
                        struct arena *arena, struct lake_table *ret, corrie_error *err)
{
    struct lake_table table = {.id = value->id};
    struct str text;
    int r;

    if (arena_str(arena, key_segment(key, 1), &table.ns) < 0 ||
        arena_str(arena, key_segment(key, 2), &table.name) < 0) {
        return corrie_fail_memory(err);
    }
    if (value->has_taint) {
        char job[UUID_TEXT + 1];

        uuid_format(&value->taint, job);
        if (arena_str(arena, str_of(job), &table.taint) < 0) {
            return corrie_fail_memory(err);
        }
    }
    r = tree_value_doc(lake->catalog, value, arena, &text, err);
    if (r >= 0) {
        r = read_table_doc(text, arena, &table, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "read table %.*s.%.*s in the catalog", STR_FMT(table.ns),
                           STR_FMT(table.name));
    }
    *ret = table;
    return 0;
}

int lake_table_doc(const struct lake_table *table, struct buf *out, corrie_error *err)
{
    _json_ json_t *doc = json_object();
    int r = 0;

    r |= js_set_str(doc, "location", table->location);
    r |= js_set_str(doc, "metadata_location", table->metadata_location);
    r |= js_set(doc, "snapshot_id",
                table->snapshot_id == SNAPSHOT_NONE ? json_null()
                                                    : json_integer(table->snapshot_id));
    r |= js_set_int(doc, "schema_id", table->schema_id);
    r |= js_set_int(doc, "spec_id", table->spec_id);
    r |= js_set_int(doc, "records", table->records);
    r |= js_set_int(doc, "bytes", table->bytes);
    r |= js_set_int(doc, "files", table->files);
    r |= js_set_bool(doc, "managed", table->managed);
    if (table->source.len > 0) {
        r |= js_set_str(doc, "source", table->source);
    }
    return r != 0 ? corrie_fail_memory(err) : js_canonical(doc, out, err);
}

/* ---- finding ---- */

int lake_table_find(const struct lake_view *view, struct str ns, struct str name,
                    struct arena *arena, struct lake_table *ret, corrie_error *err)
{
    struct tree_value value;
    struct key key;
    int r;

    r = KEY_MAKE(&key, err, STR("table"), ns, name);
    if (r < 0) {
        return r;
    }
    r = tree_get(view->lake->catalog, &view->tree, key_str(&key), arena, &value, err);
    if (r <= 0) {
        return r;
    }
    r = lake_table_of_value(view->lake, key_str(&key), &value, arena, ret, err);
    return r < 0 ? r : 1;
}

struct name_list {
    struct str *items;
    size_t count;
    size_t capacity;
    size_t max;
    struct arena *arena;
    bool qualified;
};

static int add_name(void *arg, const struct lake_table *table, corrie_error *err)
{
    struct name_list *names = arg;
    struct str name = STR_EMPTY;

    if (names->qualified) {
        char *text =
            arena_printf(names->arena, "%.*s.%.*s", STR_FMT(table->ns), STR_FMT(table->name));

        name = str_of(text);
    } else if (arena_str(names->arena, table->name, &name) < 0) {
        name = STR_EMPTY;
    }
    if (name.len == 0 || vec_push(names, name) < 0) {
        return corrie_fail_memory(err);
    }
    return names->count >= names->max;
}

/* The hint for a table that is not there: the same name elsewhere, then names that look alike. */
static int hint_tables(const struct lake_view *view, struct str ns, struct str name,
                       corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf hint = {0};
    _error_ corrie_error inner = CORRIE_ERROR_INIT;
    struct name_list names = {.arena = &arena, .max = MAX_NAMES, .qualified = true};
    size_t nearest[MAX_NEAREST];
    size_t n = 0;
    char *wanted = arena_printf(&arena, "%.*s.%.*s", STR_FMT(ns), STR_FMT(name));

    if (wanted && lake_tables(view, STR_EMPTY, add_name, &names, &inner) >= 0) {
        for (size_t i = 0; i < names.count && n < MAX_NEAREST; i++) {
            ptrdiff_t dot = str_find(names.items[i], '.');

            if (str_eq_nocase(str_from(names.items[i], (size_t)dot + 1), name)) {
                nearest[n++] = i;
            }
        }
        if (n == 0) {
            n = str_nearest(str_of(wanted), names.items, names.count, nearest, MAX_NEAREST);
        }
        for (size_t i = 0; i < n; i++) {
            buf_addf(&hint, "%s%.*s",
                     i == 0       ? "did you mean "
                     : i + 1 == n ? " or "
                                  : ", ",
                     STR_FMT(names.items[nearest[i]]));
        }
        if (n > 0) {
            corrie_hint(err, "%s?", buf_text(&hint));
        } else if (names.count == 0) {
            corrie_hint(err, "the lake has no tables yet: corrie import FILE NAME makes one");
        } else {
            corrie_hint(err, "corrie table ls shows what there is");
        }
    }
    vec_done(&names);
    return err->code;
}

int lake_table_get(const struct lake_view *view, struct str ns, struct str name,
                   struct arena *arena, struct lake_table *ret, corrie_error *err)
{
    int r;

    r = lake_table_find(view, ns, name, arena, ret, err);
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    corrie_fail(err, CORRIE_E_NOT_FOUND, "table %.*s.%.*s does not exist", STR_FMT(ns),
                STR_FMT(name));
    return hint_tables(view, ns, name, err);
}

int lake_table_name(struct str text, const char *default_namespace, struct table_name *ret,
                    corrie_error *err)
{
    int r = table_name_parse(text, ret, err);

    if (r >= 0 && ret->ns.len == 0) {
        ret->ns = lake_default_namespace(default_namespace);
    }
    return r;
}

int lake_table_named(const struct lake_view *view, struct str text, struct str default_ns,
                     struct arena *arena, struct lake_table *ret, corrie_error *err)
{
    struct table_name name;
    int r;

    r = table_name_parse(text, &name, err);
    if (r < 0) {
        return r;
    }
    return lake_table_get(view, name.ns.len ? name.ns : default_ns, name.table, arena, ret, err);
}

int lake_tables(const struct lake_view *view, struct str ns, lake_table_fn each, void *arg,
                corrie_error *err)
{
    _cleanup_(tree_cursor_closep) struct tree_cursor *cursor = NULL;
    struct str segments[] = {STR("table"), ns};
    struct tree_value value;
    struct str key_bytes;
    struct key prefix;
    int r;

    r = key_make_prefix(segments, ns.len ? 2 : 1, &prefix, err);
    if (r < 0) {
        return r;
    }
    r = tree_cursor_open(view->lake->catalog, &view->tree, key_str(&prefix), &cursor, err);
    if (r < 0) {
        return r;
    }
    while ((r = tree_cursor_next(cursor, &key_bytes, &value, err)) > 0) {
        _cleanup_(arena_done) struct arena arena = {0};
        struct lake_table table;

        r = lake_table_of_value(view->lake, key_bytes, &value, &arena, &table, err);
        if (r >= 0) {
            r = each(arg, &table, err);
        }
        if (r != 0) {
            return r < 0 ? r : 0;
        }
    }
    return r;
}

int lake_table_names(const struct lake_view *view, struct str ns, size_t max, struct arena *arena,
                     struct str **ret, size_t *ret_n, corrie_error *err)
{
    struct name_list names = {.arena = arena, .max = max, .qualified = ns.len == 0};
    struct str *copy = NULL;
    int r;

    r = lake_tables(view, ns, add_name, &names, err);
    if (r >= 0) {
        copy = arena_array(arena, struct str, names.count);
        r = copy ? 0 : corrie_fail_memory(err);
    }
    if (r >= 0) {
        if (names.count > 0) {
            memcpy(copy, names.items, names.count * sizeof *copy);
        }
        *ret = copy;
        *ret_n = names.count;
    }
    vec_done(&names);
    return r;
}

/* ---- namespaces ---- */

int lake_has_namespace(const struct lake_view *view, struct str ns, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct tree_value value;
    struct key key;
    int r;

    r = KEY_MAKE(&key, err, STR("namespace"), ns);
    if (r < 0) {
        return r;
    }
    return tree_get(view->lake->catalog, &view->tree, key_str(&key), &arena, &value, err);
}

int lake_namespaces(const struct lake_view *view, struct arena *arena, struct str **ret,
                    size_t *ret_n, corrie_error *err)
{
    _cleanup_(tree_cursor_closep) struct tree_cursor *cursor = NULL;
    struct name_list names = {.arena = arena};
    struct tree_value value;
    struct str key_bytes;
    struct key prefix;
    int r;

    r = KEY_MAKE_PREFIX(&prefix, err, STR("namespace"));
    if (r >= 0) {
        r = tree_cursor_open(view->lake->catalog, &view->tree, key_str(&prefix), &cursor, err);
    }
    while (r >= 0 && (r = tree_cursor_next(cursor, &key_bytes, &value, err)) > 0) {
        struct str name;

        if (arena_str(arena, key_segment(key_bytes, 1), &name) < 0 || vec_push(&names, name) < 0) {
            r = corrie_fail_memory(err);
        }
    }
    if (r >= 0) {
        struct str *copy = arena_array(arena, struct str, names.count);

        if (copy && names.count > 0) {
            memcpy(copy, names.items, names.count * sizeof *copy);
        }
        *ret = copy;
        *ret_n = names.count;
        r = copy ? 0 : corrie_fail_memory(err);
    }
    vec_done(&names);
    return r;
}

/* ---- Iceberg ---- */

int lake_refuse_external(const struct lake_table *table, corrie_error *err)
{
    corrie_fail(err, CORRIE_E_REFUSED, "the table %.*s.%.*s is external: it can only be read",
                STR_FMT(table->ns), STR_FMT(table->name));
    return corrie_hint(err,
                       "a copy of the lake's own can be written: corrie sql \"CREATE TABLE mine AS "
                       "SELECT * FROM %.*s.%.*s\"",
                       STR_FMT(table->ns), STR_FMT(table->name));
}

struct table_io lake_table_io(const struct lake *lake, const struct lake_table *table,
                              const struct table_metadata *metadata)
{
    struct table_io io = lake->io;

    if (lake_table_is_outside(
            table)) { /* what others say of places has nothing to do with the lake's */
        io.outside = true;
        io.older_roots = NULL;
        io.n_older_roots = 0;
        io.moved_from = metadata->location;
        io.moved_to = table->location;
    }
    return io;
}

int lake_table_metadata(struct lake *lake, const struct lake_table *table,
                        struct table_metadata **ret, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct table_metadata *metadata = NULL;
    struct str location;
    int r;

    r = lake_absolute(lake, table->metadata_location, &arena, &location, err);
    if (r >= 0 && !(metadata = lake_recent_find(lake, location))) {
        r = metadata_read(&lake->io, location, &metadata, err);
        if (r >= 0) {
            lake_recent_keep(lake, location, metadata);
        }
    }
    if (r == CORRIE_E_NOT_FOUND) {
        err->code = CORRIE_E_CORRUPT; /* the catalog names it, so it was there */
    }
    if (r < 0) {
        return corrie_wrap(err, "read table %.*s.%.*s", STR_FMT(table->ns), STR_FMT(table->name));
    }
    *ret = metadata;
    return 0;
}
