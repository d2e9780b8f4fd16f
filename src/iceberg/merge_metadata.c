/* merge_metadata.c — the document of a merge: the target's with the source's columns, specs and properties. */
#include "base/json.h"
#include "iceberg/alter.h"
#include "iceberg/merge_priv.h"
#include "iceberg/metadata_priv.h"

const char merge_hint_choose[] =
    "keep one side's table, or make the source's change again on the target";

static const json_t *field_of(const struct table_metadata *metadata, const char *field)
{
    return json_object_get(metadata->document, field);
}

static bool json_same(const json_t *a, const json_t *b)
{
    return (!a && !b) || json_equal((json_t *)(uintptr_t)a, (json_t *)(uintptr_t)b);
}

/* ---- what must be the same ---- */

static int check_place(const struct table_metadata *base, const struct side *side,
                       corrie_error *err)
{
    if (!uuid_eq(&base->table_uuid, &side->metadata->table_uuid)) {
        return merge_conflict(err,
                              "tables of one name that were made separately cannot be merged: "
                              "rename or drop one",
                              "%s's is another table than the common version's", side->name);
    }
    if (!str_eq(base->location, side->metadata->location)) {
        return merge_conflict(err, merge_hint_choose, "%s changed the table's location",
                              side->name);
    }
    return 0;
}

/* Tags and branches inside the table name snapshots, which the target has not. */
static int check_refs(const struct table_metadata *base, const struct side *side, corrie_error *err)
{
    const json_t *was = field_of(base, "refs");
    const json_t *is = field_of(side->metadata, "refs");
    const char *name;
    json_t *ref;

    json_object_foreach((json_t *)(uintptr_t)is, name, ref)
    {
        if (strcmp(name, "main") != 0 && !json_same(json_object_get(was, name), ref)) {
            return merge_conflict(err, merge_hint_choose,
                                  "%s set the snapshot ref '%s' inside the table", side->name,
                                  name);
        }
    }
    json_object_foreach((json_t *)(uintptr_t)was, name, ref)
    {
        if (strcmp(name, "main") != 0 && !json_object_get(is, name)) {
            return merge_conflict(err, merge_hint_choose,
                                  "%s removed the snapshot ref '%s' inside the table", side->name,
                                  name);
        }
    }
    return 0;
}

/* ---- lists that only grow ---- */

static bool spec_eq(const struct partition_spec *a, const struct partition_spec *b)
{
    if (a->spec_id != b->spec_id || a->n_fields != b->n_fields) {
        return false;
    }
    for (size_t i = 0; i < a->n_fields; i++) {
        const struct partition_field *x = &a->fields[i];
        const struct partition_field *y = &b->fields[i];
        if (x->source_id != y->source_id || x->field_id != y->field_id ||
            !str_eq(x->name, y->name) || !str_eq(x->transform, y->transform)) {
            return false;
        }
    }
    return true;
}

static bool specs_agree(const struct table_metadata *a, const struct table_metadata *b)
{
    for (size_t i = 0; i < a->n_specs && i < b->n_specs; i++) {
        if (!spec_eq(&a->specs[i], &b->specs[i])) {
            return false;
        }
    }
    return true;
}

static bool schemas_agree(const struct table_metadata *a, const struct table_metadata *b)
{
    for (size_t i = 0; i < a->n_schemas && i < b->n_schemas; i++) {
        if (a->schemas[i].schema_id != b->schemas[i].schema_id ||
            !schema_eq(&a->schemas[i], &b->schemas[i])) {
            return false;
        }
    }
    return true;
}

static int check_lists(const struct merge *merge, corrie_error *err)
{
    const struct side *sides[] = {&merge->source, &merge->target};
    const struct table_metadata *base = merge->base;
    const struct table_metadata *source = merge->source.metadata;
    const struct table_metadata *target = merge->target.metadata;

    for (size_t i = 0; i < ARRAY_LEN(sides); i++) {
        const struct table_metadata *side = sides[i]->metadata;
        if (side->n_schemas < base->n_schemas || !schemas_agree(base, side)) {
            return merge_conflict(err, merge_hint_choose,
                                  "%s no longer has all columns' definitions of the common version",
                                  sides[i]->name);
        }
        if (side->n_specs < base->n_specs || !specs_agree(base, side)) {
            return merge_conflict(err, merge_hint_choose,
                                  "%s no longer has all partition specs of the common version",
                                  sides[i]->name);
        }
    }
    if (!schemas_agree(source, target)) {
        return merge_conflict(err,
                              "change the columns on one side only: drop the change on one, or "
                              "make it again after the merge",
                              "both the source and the target changed the table's columns");
    }
    if (!specs_agree(source, target)) {
        return merge_conflict(
            err, "change the partitioning on one side only",
            "both the source and the target changed how the table is partitioned");
    }
    return 0;
}

/* Which of the ids that stand in a list is current afterwards. The lists agree; `at` is the place of the id in it. */
struct current {
    int id;
    size_t at;
    size_t n; /* entries of the list */
};

static int pick_current(int base, struct current source, struct current target, const char *what,
                        int *ret, corrie_error *err)
{
    if (target.id == base || target.id == source.id || source.at >= target.n) {
        *ret = source.id;
        return 0;
    }
    if (source.id == base || target.at >= source.n) {
        *ret = target.id;
        return 0;
    }
    return merge_conflict(err, merge_hint_choose,
                          "the source and the target each made another %s current", what);
}

static struct current current_schema(const struct table_metadata *metadata)
{
    return (struct current){.id = metadata->current_schema_id,
                            .at = (size_t)(metadata_schema(metadata) - metadata->schemas),
                            .n = metadata->n_schemas};
}

static struct current current_spec(const struct table_metadata *metadata)
{
    return (struct current){.id = metadata->default_spec_id,
                            .at = (size_t)(metadata_spec(metadata) - metadata->specs),
                            .n = metadata->n_specs};
}

static int set_list(json_t *document, const char *list, const struct table_metadata *longer,
                    const char *current, int id, const char *last, int last_id, corrie_error *err)
{
    json_t *value = json_object_get(longer->document, list);

    if (js_set(document, list, json_incref(value)) < 0 || js_set_int(document, current, id) < 0 ||
        js_set_int(document, last, last_id) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

static int max_int(int a, int b)
{
    return a > b ? a : b;
}

static int merge_lists(const struct merge *merge, json_t *document, corrie_error *err)
{
    const struct table_metadata *source = merge->source.metadata;
    const struct table_metadata *target = merge->target.metadata;
    int schema_id = 0;
    int spec_id = 0;
    int r;

    if ((r = pick_current(merge->base->current_schema_id, current_schema(source),
                          current_schema(target), "schema", &schema_id, err)) < 0 ||
        (r = pick_current(merge->base->default_spec_id, current_spec(source), current_spec(target),
                          "partition spec", &spec_id, err)) < 0 ||
        (r = set_list(document, "schemas", source->n_schemas > target->n_schemas ? source : target,
                      "current-schema-id", schema_id, "last-column-id",
                      max_int(source->last_column_id, target->last_column_id), err)) < 0) {
        return r;
    }
    return set_list(document, "partition-specs",
                    source->n_specs > target->n_specs ? source : target, "default-spec-id", spec_id,
                    "last-partition-id",
                    max_int(source->last_partition_id, target->last_partition_id), err);
}

/* ---- properties ---- */

/* Applies one of the source's changes to the target's properties. */
static int merge_property(const struct merge *merge, json_t *properties, const char *name,
                          corrie_error *err)
{
    const json_t *was = json_object_get(field_of(merge->base, "properties"), name);
    json_t *source = json_object_get(field_of(merge->source.metadata, "properties"), name);
    const json_t *target = json_object_get(field_of(merge->target.metadata, "properties"), name);

    if (json_same(was, source) || json_same(source, target)) {
        return 0;
    }
    if (!json_same(was, target)) {
        return merge_conflict(err,
                              "set it to the same value on both sides, or keep one side's table",
                              "the source and the target changed the property '%s' to different "
                              "values",
                              name);
    }
    if (!source) {
        json_object_del(properties, name);
        return 0;
    }
    return js_set(properties, name, json_incref(source)) < 0 ? corrie_fail_memory(err) : 0;
}

static int merge_properties(const struct merge *merge, json_t *document, corrie_error *err)
{
    const json_t *was = field_of(merge->base, "properties");
    const json_t *is = field_of(merge->source.metadata, "properties");
    json_t *properties = NULL;
    const char *name;
    json_t *value;

    int r = metadata_edit_field(document, "properties", &properties, err);
    json_object_foreach((json_t *)(uintptr_t)is, name, value)
    {
        r = r < 0 ? r : merge_property(merge, properties, name, err);
    }
    json_object_foreach((json_t *)(uintptr_t)was, name, value)
    {
        r = r < 0 ? r : merge_property(merge, properties, name, err);
    }
    return r;
}

/* ---- how rows are laid out ---- */

static bool orders_same(const struct table_metadata *a, const struct table_metadata *b)
{
    return json_same(field_of(a, "sort-orders"), field_of(b, "sort-orders")) &&
           json_same(field_of(a, "default-sort-order-id"), field_of(b, "default-sort-order-id"));
}

static int merge_orders(const struct merge *merge, json_t *document, corrie_error *err)
{
    static const char *const fields[] = {"sort-orders", "default-sort-order-id"};
    const struct table_metadata *source = merge->source.metadata;
    const struct table_metadata *target = merge->target.metadata;

    if (orders_same(merge->base, source) || orders_same(source, target)) {
        return 0;
    }
    if (!orders_same(merge->base, target)) {
        return merge_conflict(err, "set the sort order on one side only",
                              "both the source and the target changed the table's sort order");
    }
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        json_t *value = json_object_get(source->document, fields[i]);
        if (js_set(document, fields[i], json_incref(value)) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return 0;
}

/* One side may have dropped a column that the other lays rows out by, or given a column the name of the other's
 * partition field. */
static int check_layout(const struct table_metadata *merged, corrie_error *err)
{
    static const char hint[] = "undo the change on one side, merge, and make it again";
    const struct schema *schema = metadata_schema(merged);
    const struct partition_spec *spec = metadata_spec(merged);
    _cleanup_(arena_done) struct arena arena = {0};
    const struct sort_term *terms = NULL;
    size_t n_terms = 0;

    for (size_t i = 0; i < spec->n_fields; i++) {
        const struct partition_field *field = &spec->fields[i];
        const struct field *named = schema_find(schema, field->name);
        if (str_eq(field->transform, STR("void"))) {
            continue;
        }
        if (!schema_find_id(schema, field->source_id)) {
            return merge_conflict(err, hint,
                                  "one side dropped the column that the partition field '%.*s' of "
                                  "the other is made of",
                                  STR_FMT(field->name));
        }
        if (named && named->id != field->source_id) {
            return merge_conflict(err, hint,
                                  "a column of one side has the name of the other's partition "
                                  "field '%.*s'",
                                  STR_FMT(field->name));
        }
    }
    int r = metadata_sort_order(merged, &arena, &terms, &n_terms, err);
    for (size_t i = 0; r >= 0 && i < n_terms; i++) {
        if (!schema_find_id(schema, terms[i].source_id)) {
            r = merge_conflict(err, hint, "one side dropped a column that the other sorts by");
        }
    }
    return r;
}

int merge_documents(struct merge *merge, corrie_error *err)
{
    const struct table_metadata *source = merge->source.metadata;
    const struct table_metadata *target = merge->target.metadata;
    _json_ json_t *document = NULL;
    int r;

    if ((r = check_place(merge->base, &merge->source, err)) < 0 ||
        (r = check_place(merge->base, &merge->target, err)) < 0 ||
        (r = check_refs(merge->base, &merge->source, err)) < 0) {
        return r;
    }
    if (source->format_version != target->format_version) {
        return merge_conflict(err, "bring both sides to format version 2: any write by corrie does",
                              "the source is of Iceberg format version %d, the target of %d",
                              source->format_version, target->format_version);
    }
    if ((r = check_lists(merge, err)) < 0 ||
        (r = metadata_edit(target, target->last_updated_ms, &document, err)) < 0 ||
        (r = merge_lists(merge, document, err)) < 0 ||
        (r = merge_orders(merge, document, err)) < 0 ||
        (r = merge_properties(merge, document, err)) < 0 ||
        (r = metadata_edited(TAKE_PTR(document), target, &merge->merged, err)) < 0) {
        return r;
    }
    return check_layout(merge->merged, err);
}
