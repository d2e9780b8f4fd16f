/* api_tables.c — namespaces and tables, in the public interface. */
#include "lake/lake_priv.h"

#include "base/mem.h"
#include "lake/tx.h"

/* ---- namespaces ---- */

int corrie_namespace_list(corrie_lake *lake, const char *ref, char **ret_json, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _json_ json_t *document = json_object();
    json_t *list = json_array();
    struct lake_view view;
    struct str *names;
    size_t n;
    int r;

    if (js_set(document, "namespaces", list) < 0) {
        return corrie_fail_memory(err);
    }
    r = lake_view_at(lake, str_of(ref), &view, err);
    if (r >= 0) {
        r = lake_namespaces(&view, &arena, &names, &n, err);
    }
    for (size_t i = 0; r >= 0 && i < n; i++) {
        _json_ json_t *item = json_object();

        if (js_set_str(item, "name", names[i]) < 0 || json_array_append(list, item) < 0) {
            r = corrie_fail_memory(err);
        }
    }
    return r < 0 ? r : js_give(TAKE_PTR(document), ret_json, err);
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

static int set_totals(struct lake *lake, json_t *item, const struct lake_table *table,
                      corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct str location;
    int r;

    r = lake_absolute(lake, table->metadata_location, &arena, &location, err);
    if (r < 0) {
        return r;
    }
    r = js_set_str(item, "namespace", table->ns);
    r |= js_set_str(item, "name", table->name);
    r |= js_set_str(item, "kind", table->managed ? STR("table") : STR("external_table"));
    r |= js_set_int(item, "records", table->records);
    r |= js_set_int(item, "bytes", table->bytes);
    r |= js_set_int(item, "files", table->files);
    r |= js_set_str(item, "metadata_location", location);
    r |= js_set(item, "tainted", table->taint.len > 0 ? js_string(table->taint) : json_null());
    return r != 0 ? corrie_fail_memory(err) : 0;
}

struct listing {
    struct lake *lake;
    json_t *tables;
};

static int add_table(void *arg, const struct lake_table *table, corrie_error *err)
{
    struct listing *listing = arg;
    _json_ json_t *item = json_object();
    int r;

    if (!item) {
        return corrie_fail_memory(err);
    }
    r = set_totals(listing->lake, item, table, err);
    if (r >= 0 && json_array_append_new(listing->tables, TAKE_PTR(item)) < 0) {
        r = corrie_fail_memory(err);
    }
    return r;
}

/* A namespace that is not there has no tables either, but was misspelt. */
static int check_namespace(const struct lake_view *view, struct str ns, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct str *names;
    size_t nearest[3];
    size_t n;
    int r = ns.len > 0 ? lake_namespaces(view, &arena, &names, &n, err) : 0;

    if (r < 0 || ns.len == 0) {
        return r;
    }
    for (size_t i = 0; i < n; i++) {
        if (str_eq(names[i], ns)) {
            return 0;
        }
    }
    corrie_fail(err, CORRIE_E_NOT_FOUND, "namespace %.*s does not exist", STR_FMT(ns));
    if (str_nearest(ns, names, n, nearest, 1) > 0) {
        return corrie_hint(err, "did you mean %.*s?", STR_FMT(names[nearest[0]]));
    }
    return corrie_hint(err, "corrie namespace ls shows what there is");
}

int corrie_table_list(corrie_lake *lake, const char *ref, const char *table_namespace,
                      char **ret_json, corrie_error *err)
{
    _json_ json_t *document = json_object();
    struct listing listing = {.lake = lake, .tables = json_array()};
    struct lake_view view;
    int r;

    if (js_set(document, "tables", listing.tables) < 0) {
        return corrie_fail_memory(err);
    }
    r = lake_view_at(lake, str_of(ref), &view, err);
    if (r >= 0) {
        r = check_namespace(&view, str_of(table_namespace), err);
    }
    if (r >= 0) {
        r = lake_tables(&view, str_of(table_namespace), add_table, &listing, err);
    }
    return r < 0 ? r : js_give(TAKE_PTR(document), ret_json, err);
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

struct property_list {
    json_t *object;
    int failed;
};

static void add_property(void *arg, struct str key, struct str value)
{
    struct property_list *list = arg;

    list->failed |= json_object_setn_new(list->object, key.data, key.len, js_string(value));
}

static int table_json(struct lake *lake, const struct lake_view *view, struct str ref,
                      const struct lake_table *table, json_t *document, corrie_error *err)
{
    _cleanup_(metadata_freep) struct table_metadata *metadata = NULL;
    struct property_list properties = {.object = json_object()};
    int r;

    if (js_set(document, "properties", properties.object) < 0) {
        return corrie_fail_memory(err);
    }
    r = set_totals(lake, document, table, err);
    if (r < 0 || (r = lake_table_metadata(lake, table, &metadata, err)) < 0) {
        return r;
    }
    metadata_properties(metadata, add_property, &properties);
    r = properties.failed;
    r |= js_set_uuid(document, "id", &table->id);
    r |= js_set_str(document, "ref", ref);
    r |= js_set_hash(document, "commit", &view->commit);
    r |= js_set(document, "fields", fields_json(metadata_schema(metadata)));
    r |= js_set(document, "partitions", partitions_json(metadata));
    r |= js_set(document, "current_snapshot_id",
                table->snapshot_id == SNAPSHOT_NONE ? json_null()
                                                    : json_integer(table->snapshot_id));
    r |= js_set_int(document, "current_schema_id", table->schema_id);
    r |= js_set_time(document, "last_updated", metadata->last_updated_ms * 1000000);
    return r != 0 ? corrie_fail_memory(err) : 0;
}

int corrie_table_get(corrie_lake *lake, const char *ref, const char *name,
                     const char *default_namespace, char **ret_json, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _json_ json_t *document = json_object();
    struct str shown = str_of(ref);
    struct lake_table table;
    struct lake_view view;
    int r;

    if (!document) {
        return corrie_fail_memory(err);
    }
    r = lake_view_at(lake, shown, &view, err);
    if (r >= 0 && lake_means_head(shown)) {
        r = lake_head(lake, &arena, &shown, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "look at table %s", name);
    }
    r = lake_table_named(&view, str_of(name),
                         default_namespace ? str_of(default_namespace) : STR("public"), &arena,
                         &table, err);
    if (r == CORRIE_E_NOT_FOUND) {
        return corrie_wrap(err, "on %.*s", STR_FMT(shown));
    }
    if (r >= 0) {
        r = table_json(lake, &view, shown, &table, document, err);
    }
    return r < 0 ? r : js_give(TAKE_PTR(document), ret_json, err);
}
