/* metadata_normalise.c — documents of version 1 and 2 as version 2 (Iceberg spec, "Format version
 * changes"; which fields readers tolerate missing). */
#include "iceberg/metadata_priv.h"

static int wrong(corrie_error *err, const char *field, const char *problem)
{
    return corrie_fail(err, CORRIE_E_CORRUPT, "field \"%s\" %s", field, problem);
}

/* Sets a field that is missing; consumes `value`. */
static int set_default(json_t *object, const char *field, json_t *value, corrie_error *err)
{
    if (json_object_get(object, field)) {
        json_decref(value);
        return 0;
    }
    return js_set(object, field, value) < 0 ? corrie_fail_memory(err) : 0;
}

static void drop_nulls(json_t *object)
{
    const char *key;
    json_t *value;
    void *next;

    json_object_foreach_safe(object, next, key, value)
    {
        if (json_is_null(value)) {
            json_object_del(object, key);
        }
    }
}

/* {"type": "struct", …} alone in version 1: becomes the one of `schemas`. */
static int schemas_of_v1(json_t *document, corrie_error *err)
{
    json_t *schema = json_object_get(document, "schema");

    if (!json_object_get(document, "schemas")) {
        if (!json_is_object(schema)) {
            return wrong(err, "schemas", "is missing");
        }
        _json_ json_t *schemas = json_array();
        if (json_array_append(schemas, schema) < 0 ||
            js_set(document, "schemas", TAKE_PTR(schemas)) < 0) {
            return corrie_fail_memory(err);
        }
        int r = set_default(schema, "schema-id", json_integer(0), err);
        if (r < 0) {
            return r;
        }
        r = set_default(document, "current-schema-id",
                        json_incref(json_object_get(schema, "schema-id")), err);
        if (r < 0) {
            return r;
        }
    }
    return set_default(document, "current-schema-id", json_integer(0), err);
}

static int specs_of_v1(json_t *document, corrie_error *err)
{
    json_t *fields = json_object_get(document, "partition-spec");

    if (!json_object_get(document, "partition-specs")) {
        _json_ json_t *spec = json_object();
        _json_ json_t *specs = json_array();
        if (js_set(spec, "spec-id", json_integer(0)) < 0 ||
            js_set(spec, "fields", json_is_array(fields) ? json_incref(fields) : json_array()) <
                0 ||
            json_array_append_new(specs, TAKE_PTR(spec)) < 0 ||
            js_set(document, "partition-specs", TAKE_PTR(specs)) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return set_default(document, "default-spec-id", json_integer(0), err);
}

/* Version 1 left field ids out: 1000, 1001, … in each spec. */
static int number_partition_fields(json_t *document, corrie_error *err)
{
    json_t *specs = json_object_get(document, "partition-specs");
    json_int_t highest = FIRST_PARTITION_ID - 1;
    size_t s;
    json_t *spec;

    if (!json_is_array(specs)) {
        return wrong(err, "partition-specs", "is not an array");
    }
    json_array_foreach(specs, s, spec)
    {
        size_t f;
        json_t *field;
        json_array_foreach(json_object_get(spec, "fields"), f, field)
        {
            if (!json_is_object(field)) {
                return wrong(err, "partition-specs", "has a field that is no object");
            }
            int r = set_default(field, "field-id",
                                json_integer((json_int_t)(FIRST_PARTITION_ID + f)), err);
            if (r < 0) {
                return r;
            }
            json_int_t id = json_integer_value(json_object_get(field, "field-id"));
            highest = id > highest ? id : highest;
        }
    }
    return set_default(document, "last-partition-id", json_integer(highest), err);
}

static int default_sort_order(json_t *document, corrie_error *err)
{
    if (!json_object_get(document, "sort-orders")) {
        _json_ json_t *order = json_object();
        _json_ json_t *orders = json_array();
        if (js_set(order, "order-id", json_integer(0)) < 0 ||
            js_set(order, "fields", json_array()) < 0 ||
            json_array_append_new(orders, TAKE_PTR(order)) < 0 ||
            js_set(document, "sort-orders", TAKE_PTR(orders)) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return set_default(document, "default-sort-order-id", json_integer(0), err);
}

static int normalise_snapshots(json_t *document, corrie_error *err)
{
    json_t *snapshots = json_object_get(document, "snapshots");
    size_t i;
    json_t *snapshot;

    if (!json_is_array(snapshots)) {
        return wrong(err, "snapshots", "is not an array");
    }
    json_array_foreach(snapshots, i, snapshot)
    {
        if (!json_is_object(snapshot)) {
            return wrong(err, "snapshots", "has an entry that is no object");
        }
        drop_nulls(snapshot);
        json_t *parent = json_object_get(snapshot, "parent-snapshot-id");
        if (json_integer_value(parent) == SNAPSHOT_NONE) {
            json_object_del(snapshot, "parent-snapshot-id");
        }
        int r = set_default(snapshot, "sequence-number", json_integer(0), err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* -1 means none, as Java writes it; `main` is synthesised where only the current snapshot is named. */
static int normalise_refs(json_t *document, corrie_error *err)
{
    json_t *current = json_object_get(document, "current-snapshot-id");
    json_t *refs = json_object_get(document, "refs");

    if (!json_is_object(refs)) {
        return wrong(err, "refs", "is not an object");
    }
    const json_t *main_ref = json_object_get(refs, "main");
    if (!current || json_integer_value(current) == SNAPSHOT_NONE) {
        json_object_del(document, "current-snapshot-id");
        return main_ref ? wrong(err, "refs", "has a main where there is no current snapshot") : 0;
    }
    if (!main_ref) {
        _json_ json_t *made = json_object();
        if (js_set(made, "snapshot-id", json_incref(current)) < 0 ||
            js_set_str(made, "type", STR("branch")) < 0 ||
            js_set(refs, "main", TAKE_PTR(made)) < 0) {
            return corrie_fail_memory(err);
        }
        return 0;
    }
    if (json_integer_value(json_object_get(main_ref, "snapshot-id")) !=
        json_integer_value(current)) {
        return wrong(err, "refs", "has a main other than the current snapshot");
    }
    return 0;
}

int metadata_normalise(json_t *document, corrie_error *err)
{
    int r;

    drop_nulls(document);
    if ((r = schemas_of_v1(document, err)) < 0 || (r = specs_of_v1(document, err)) < 0 ||
        (r = number_partition_fields(document, err)) < 0 ||
        (r = default_sort_order(document, err)) < 0 ||
        (r = set_default(document, "last-sequence-number", json_integer(0), err)) < 0 ||
        (r = set_default(document, "last-updated-ms", json_integer(0), err)) < 0 ||
        (r = set_default(document, "properties", json_object(), err)) < 0 ||
        (r = set_default(document, "snapshots", json_array(), err)) < 0 ||
        (r = set_default(document, "refs", json_object(), err)) < 0 ||
        (r = set_default(document, "snapshot-log", json_array(), err)) < 0 ||
        (r = set_default(document, "metadata-log", json_array(), err)) < 0 ||
        (r = set_default(document, "statistics", json_array(), err)) < 0 ||
        (r = set_default(document, "partition-statistics", json_array(), err)) < 0 ||
        (r = normalise_snapshots(document, err)) < 0 || (r = normalise_refs(document, err)) < 0) {
        return r;
    }
    json_object_del(document, "schema");
    json_object_del(document, "partition-spec");
    return js_set_int(document, "format-version", 2) < 0 ? corrie_fail_memory(err) : 0;
}
