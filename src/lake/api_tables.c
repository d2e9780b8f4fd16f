/* api_tables.c — namespaces and tables, in the public interface. */
#include "lake/api_list.h"

#include "base/mem.h"
#include "lake/tx.h"
#include "lang/partition.h"

/* ---- listings: entries of a tree ---- */

struct listing {
    struct corrie_cursor base;
    struct tree_cursor *entries;
    struct arena arena; /* of the row that is being made */
};

static void listing_done(struct corrie_cursor *cursor)
{
    struct listing *listing = (struct listing *)cursor;

    tree_cursor_close(listing->entries);
    arena_done(&listing->arena);
}

/* What is in a tree under a prefix. */
static int open_listing(const struct lake_view *view, const struct list_kind *kind,
                        const struct key *prefix, corrie_cursor **ret, corrie_error *err)
{
    _cleanup_(corrie_cursor_closep) corrie_cursor *cursor = mem_alloc(1, sizeof(struct listing));
    int r;

    if (!cursor) {
        return corrie_fail_memory(err);
    }
    cursor->kind = kind;
    cursor->lake = view->lake;
    r = tree_cursor_open(view->lake->catalog, &view->tree, key_str(prefix),
                         &((struct listing *)cursor)->entries, err);
    if (r >= 0) {
        *ret = TAKE_PTR(cursor);
    }
    return r;
}

/* ---- namespaces ---- */

static int next_namespace(struct corrie_cursor *cursor, struct buf *row, corrie_error *err)
{
    struct tree_value value;
    struct str key;
    int r = tree_cursor_next(((struct listing *)cursor)->entries, &key, &value, err);

    if (r > 0) {
        jt_open(row, '{');
        jt_add_str(row, "name", key_segment(key, 1));
        jt_close(row, '}');
    }
    return r;
}

int corrie_namespace_list_open(corrie_lake *lake, const char *ref, corrie_cursor **ret,
                               corrie_error *err)
{
    static const struct list_kind kind = {"namespaces", next_namespace, NULL, listing_done};
    struct lake_view view;
    struct key prefix;
    int r = lake_view_at(lake, str_of(ref), &view, err);

    if (r >= 0) {
        r = KEY_MAKE_PREFIX(&prefix, err, STR("namespace"));
    }
    return r < 0 ? r : open_listing(&view, &kind, &prefix, ret, err);
}

int corrie_namespace_list(corrie_lake *lake, const char *ref, char **ret_json, corrie_error *err)
{
    _cleanup_(corrie_cursor_closep) corrie_cursor *cursor = NULL;
    int r = corrie_namespace_list_open(lake, ref, &cursor, err);

    return r < 0 ? r : api_list_document(cursor, ret_json, err);
}

struct creating_namespace {
    const char *name;
    bool created;
    char *json;
};

static int answer_namespace(void *data, const struct hash *commit, bool changed, corrie_error *err)
{
    struct creating_namespace *creating = data;
    _json_ json_t *document = json_object();
    int r;

    (void)changed;
    mem_free(creating->json);
    creating->json = NULL;
    r = js_set_str(document, "name", str_of(creating->name));
    r |= js_set_bool(document, "created", creating->created);
    r |= js_set_hash(document, "commit", commit);
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), &creating->json, err);
}

int corrie_namespace_create(corrie_lake *lake, const char *name, const char *branch,
                            bool if_not_exists, char **ret_json, corrie_error *err)
{
    _cleanup_(lake_tx_freep) struct lake_tx *tx = NULL;
    _cleanup_(buf_done) struct buf message = {0};
    struct creating_namespace creating = {.name = name};
    struct lake_publish publish = {.ready = answer_namespace, .ready_data = &creating};
    struct hash commit;
    int r;

    r = lake_tx_begin(lake, &(struct lake_tx_options){.branch = str_of(branch)}, &tx, err);
    if (r >= 0) {
        r = lake_tx_namespace(tx, str_of(name), err);
        creating.created = r > 0;
    }
    if (r == 0 && !if_not_exists) {
        r = corrie_fail(err, CORRIE_E_EXISTS, "it exists on %.*s", STR_FMT(lake_tx_branch(tx)));
    }
    if (r >= 0) {
        buf_addf(&message, "Create namespace %s", name);
        publish.message = buf_str(&message);
        r = buf_check(&message, err);
    }
    r = r < 0 ? r : lake_tx_publish(tx, &publish, &commit, err);
    if (r < 0) {
        mem_free(creating.json);
        return corrie_wrap(err, "create namespace %s", name);
    }
    *ret_json = creating.json;
    return 0;
}

/* ---- tables ---- */

/* What lists and single tables have in common; the fields of an object that is open. */
static int add_totals(struct lake *lake, const struct lake_table *table, struct arena *arena,
                      struct buf *out, corrie_error *err)
{
    struct str location;
    int r = lake_absolute(lake, table->metadata_location, arena, &location, err);

    if (r < 0) {
        return r;
    }
    jt_add_str(out, "namespace", table->ns);
    jt_add_str(out, "name", table->name);
    jt_add_str(out, "kind", table->managed ? STR("table") : STR("external_table"));
    jt_add_int(out, "records", table->records);
    jt_add_int(out, "bytes", table->bytes);
    jt_add_int(out, "files", table->files);
    jt_add_str(out, "metadata_location", location);
    if (table->taint.len > 0) {
        jt_add_str(out, "tainted", table->taint);
    } else {
        jt_add_null(out, "tainted");
    }
    return 0;
}

static int next_table(struct corrie_cursor *cursor, struct buf *row, corrie_error *err)
{
    struct listing *listing = (struct listing *)cursor;
    struct lake_table table;
    struct tree_value value;
    struct str key;
    int r = tree_cursor_next(listing->entries, &key, &value, err);

    if (r <= 0) {
        return r;
    }
    arena_done(&listing->arena);
    r = lake_table_of_value(cursor->lake, key, &value, &listing->arena, &table, err);
    if (r >= 0) {
        jt_open(row, '{');
        r = add_totals(cursor->lake, &table, &listing->arena, row, err);
        jt_close(row, '}');
    }
    return r < 0 ? r : 1;
}

/* A namespace that is not there has no tables either, but was misspelt. */
static int check_namespace(const struct lake_view *view, struct str ns, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct str *names;
    size_t nearest[3];
    size_t n;
    int r = ns.len > 0 ? lake_has_namespace(view, ns, err) : 1;

    if (r != 0 || (r = lake_namespaces(view, &arena, &names, &n, err)) < 0) {
        return r < 0 ? r : 0;
    }
    corrie_fail(err, CORRIE_E_NOT_FOUND, "namespace %.*s does not exist", STR_FMT(ns));
    if (str_nearest(ns, names, n, nearest, 1) > 0) {
        return corrie_hint(err, "did you mean %.*s?", STR_FMT(names[nearest[0]]));
    }
    return corrie_hint(err, "corrie namespace ls shows what there is");
}

int corrie_table_list_open(corrie_lake *lake, const char *ref, const char *table_namespace,
                           corrie_cursor **ret, corrie_error *err)
{
    static const struct list_kind kind = {"tables", next_table, NULL, listing_done};
    struct str segments[] = {STR("table"), str_of(table_namespace)};
    struct lake_view view;
    struct key prefix;
    int r = lake_view_at(lake, str_of(ref), &view, err);

    if (r >= 0) {
        r = check_namespace(&view, segments[1], err);
    }
    if (r >= 0) {
        r = key_make_prefix(segments, segments[1].len > 0 ? 2 : 1, &prefix, err);
    }
    return r < 0 ? r : open_listing(&view, &kind, &prefix, ret, err);
}

int corrie_table_list(corrie_lake *lake, const char *ref, const char *table_namespace,
                      char **ret_json, corrie_error *err)
{
    _cleanup_(corrie_cursor_closep) corrie_cursor *cursor = NULL;
    int r = corrie_table_list_open(lake, ref, table_namespace, &cursor, err);

    return r < 0 ? r : api_list_document(cursor, ret_json, err);
}

static json_t *fields_json(const struct schema *schema)
{
    json_t *fields = json_array();

    for (size_t i = 0; i < schema->n_fields && fields; i++) {
        const struct field *field = &schema->fields[i];
        _cleanup_(buf_done) struct buf type = {0};
        json_t *item = json_object();
        int r;

        type_print(&field->type, &type);
        r = js_set_int(item, "id", field->id);
        r |= js_set_str(item, "name", field->name);
        r |= js_set_bool(item, "required", field->required);
        r |= js_set_str(item, "type", buf_str(&type));
        r |= json_array_append_new(fields, item);
        if (r != 0 || type.failed) {
            json_decref(fields);
            return NULL;
        }
    }
    return fields;
}

static json_t *partitions_json(const struct table_metadata *metadata)
{
    const struct partition_spec *spec = metadata_spec(metadata);
    json_t *partitions = json_array();

    for (size_t i = 0; i < spec->n_fields && partitions; i++) {
        json_t *item = json_object();
        int r;

        r = js_set_str(item, "name", spec->fields[i].name);
        r |= js_set_str(item, "transform", spec->fields[i].transform);
        r |= json_array_append_new(partitions, item);
        if (r != 0) {
            json_decref(partitions);
            return NULL;
        }
    }
    return partitions;
}

/* Null where the table is not partitioned. */
static json_t *partitioned_by_json(const struct table_metadata *metadata)
{
    _cleanup_(buf_done) struct buf text = {0};

    lake_partitions_print(metadata, &text);
    if (text.failed) {
        return NULL;
    }
    return text.len == 0 ? json_null() : js_string(buf_str(&text));
}

struct property_list {
    json_t *object;
    int failed;
};

static void add_property(void *arg, struct str key, struct str value)
{
    struct property_list *list = arg;

    list->failed |= json_object_setn_new(list->object, key.data, key.len, js_string(value));
}

static int totals_json(struct lake *lake, const struct lake_table *table, json_t **ret,
                       corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf text = {0};
    int r;

    jt_open(&text, '{');
    jt_name(&text, STR("properties"));
    jt_raw(&text, STR("{}"));
    r = add_totals(lake, table, &arena, &text, err);
    jt_close(&text, '}');
    r = r < 0 ? r : buf_check(&text, err);
    return r < 0 ? r : js_parse(buf_str(&text), "a table", ret, err);
}

static int table_json(struct lake *lake, const struct lake_view *view, struct str ref,
                      const struct lake_table *table, json_t **ret, corrie_error *err)
{
    _cleanup_(metadata_freep) struct table_metadata *metadata = NULL;
    struct property_list properties = {.failed = 0};
    _json_ json_t *document = NULL;
    _cleanup_(arena_done) struct arena arena = {0};
    json_t *made_by = NULL;
    struct str location;
    int r;

    r = totals_json(lake, table, &document, err);
    r = r < 0 ? r : lake_absolute(lake, table->location, &arena, &location, err);
    if (r < 0 || (r = lake_table_metadata(lake, table, &metadata, err)) < 0) {
        return r;
    }
    r = status_made_by(lake, view, table->ns, table->name, &made_by, err);
    if (r < 0) {
        return r;
    }
    properties.object = json_object_get(document, "properties");
    metadata_properties(metadata, add_property, &properties);
    r = properties.failed;
    r |= js_set_uuid(document, "id", &table->id);
    r |= js_set(document, "made_by", made_by);
    r |= js_set_str(document, "ref", ref);
    r |= js_set_hash(document, "commit", &view->commit);
    r |= js_set(document, "fields", fields_json(metadata_schema(metadata)));
    r |= js_set(document, "partitions", partitions_json(metadata));
    r |= js_set(document, "partitioned_by", partitioned_by_json(metadata));
    r |= js_set(document, "current_snapshot_id",
                table->snapshot_id == SNAPSHOT_NONE ? json_null()
                                                    : json_integer(table->snapshot_id));
    r |= js_set_int(document, "current_schema_id", table->schema_id);
    r |= js_set_time(document, "last_updated", metadata->last_updated_ms * 1000000);
    r |= js_set_str(document, "location", location);
    r |= table->source.len > 0 ? js_set_str(document, "source", table->source)
                               : js_set(document, "source", json_null());
    if (r != 0) {
        return corrie_fail_memory(err);
    }
    *ret = TAKE_PTR(document);
    return 0;
}

int corrie_table_get(corrie_lake *lake, const char *ref, const char *name,
                     const char *default_namespace, char **ret_json, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _json_ json_t *document = NULL;
    struct str shown = str_of(ref);
    struct lake_table table;
    struct lake_view view;
    int r;

    r = lake_view_at(lake, shown, &view, err);
    if (r >= 0) {
        r = lake_name_head(lake, &arena, &shown, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "look at table %s", name);
    }
    r = lake_table_named(&view, str_of(name), lake_default_namespace(default_namespace), &arena,
                         &table, err);
    if (r == CORRIE_E_NOT_FOUND) {
        return corrie_wrap(err, "on %.*s", STR_FMT(shown));
    }
    if (r >= 0) {
        r = table_json(lake, &view, shown, &table, &document, err);
    }
    return r < 0 ? r : js_give(TAKE_PTR(document), ret_json, err);
}
