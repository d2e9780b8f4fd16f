/* Metadata documents: what a wrong one costs is the whole table. */
#include "fixture.h"
#include "iceberg/metadata_priv.h"

static const char v1_document[] =
    "{\"format-version\":1,\"table-uuid\":\"fb072c92-a02b-11e9-ae9c-1bb7bc9eca94\","
    "\"location\":\"s3://b/t/\",\"last-updated-ms\":100,\"last-column-id\":3,"
    "\"schema\":{\"type\":\"struct\",\"fields\":["
    "{\"id\":1,\"name\":\"x\",\"required\":true,\"type\":\"long\"},"
    "{\"id\":2,\"name\":\"at\",\"required\":false,\"type\":\"timestamptz\"}]},"
    "\"partition-spec\":[{\"name\":\"x\",\"transform\":\"identity\",\"source-id\":1},"
    "{\"name\":\"at_day\",\"transform\":\"day\",\"source-id\":2}],"
    "\"properties\":{\"owner\":\"ann\"},\"current-snapshot-id\":30,\"custom\":{\"a\":[1]},"
    "\"snapshots\":[{\"snapshot-id\":30,\"timestamp-ms\":90,\"summary\":{\"operation\":\"append\"},"
    "\"manifest-list\":\"s3://b/t/metadata/l.avro\",\"mystery\":7}]}";

static const char v2_document[] =
    "{\"format-version\":2,\"table-uuid\":\"fb072c92-a02b-11e9-ae9c-1bb7bc9eca94\","
    "\"location\":\"file:///t\",\"last-sequence-number\":34,\"last-updated-ms\":1602638573590,"
    "\"last-column-id\":3,\"current-schema-id\":1,\"schemas\":["
    "{\"type\":\"struct\",\"schema-id\":0,\"fields\":[{\"id\":1,\"name\":\"x\",\"required\":true,"
    "\"type\":\"int\"}]},"
    "{\"type\":\"struct\",\"schema-id\":1,\"identifier-field-ids\":[1],\"fields\":["
    "{\"id\":1,\"name\":\"x\",\"required\":true,\"type\":\"long\",\"doc\":\"the key\"},"
    "{\"id\":2,\"name\":\"tags\",\"required\":false,\"type\":{\"type\":\"list\",\"element-id\":3,"
    "\"element\":\"string\",\"element-required\":true}}]}],"
    "\"default-spec-id\":0,\"partition-specs\":[{\"spec-id\":0,\"fields\":[]}],"
    "\"last-partition-id\":999,\"default-sort-order-id\":0,"
    "\"sort-orders\":[{\"order-id\":0,\"fields\":[]}],\"properties\":{},"
    "\"current-snapshot-id\":-1,\"snapshots\":[],\"snapshot-log\":[],\"metadata-log\":[]}";

static struct table_metadata *parse(const char *text)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct table_metadata *metadata = NULL;
    ck_ok(metadata_parse(str_of(text), "t.json", &metadata, &err), &err);
    return metadata;
}

static void formatted(const struct table_metadata *metadata, struct buf *out)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    ck_ok(metadata_format(metadata, out, &err), &err);
}

START_TEST(reads_version_1_and_writes_it_as_2)
{
    _metadata_ struct table_metadata *metadata = parse(v1_document);
    _metadata_ struct table_metadata *again = NULL;
    _cleanup_(buf_done) struct buf text = {0};
    const struct snapshot *current = metadata_current_snapshot(metadata);
    struct str value;

    ck_assert_int_eq(metadata->format_version, 1);
    ck_str_eq(metadata->location, STR("s3://b/t"));
    ck_assert_uint_eq(metadata->n_schemas, 1);
    ck_str_eq(metadata_schema(metadata)->fields[1].name, STR("at"));
    const struct partition_spec *spec = metadata_spec(metadata);
    ck_assert_uint_eq(spec->n_fields, 2);
    ck_assert_int_eq(spec->fields[0].field_id, 1000);
    ck_assert_int_eq(spec->fields[1].field_id, 1001);
    ck_assert_int_eq(spec->fields[0].result_type.kind, TYPE_LONG);
    ck_assert_int_eq(spec->fields[1].result_type.kind, TYPE_DATE);
    ck_assert_int_eq(metadata->last_partition_id, 1001);
    ck_assert_ptr_nonnull(current);
    ck_assert_int_eq(current->sequence_number, 0);
    ck_assert_int_eq(current->parent_id, SNAPSHOT_NONE);
    ck_assert(metadata_property(metadata, STR("owner"), &value));
    ck_str_eq(value, STR("ann"));

    formatted(metadata, &text);
    again = parse(buf_text(&text));
    ck_assert_int_eq(again->format_version, 2);
    ck_assert_int_eq(again->current_snapshot_id, 30);
    ck_assert_int_eq(
        json_integer_value(json_object_get(
            json_array_get(json_object_get(again->document, "snapshots"), 0), "mystery")),
        7);
    ck_assert_ptr_nonnull(json_object_get(again->document, "custom"));
    ck_assert_ptr_null(json_object_get(again->document, "schema"));
    ck_assert_ptr_nonnull(json_object_get(json_object_get(again->document, "refs"), "main"));
}
END_TEST

START_TEST(version_2_comes_back_as_it_was)
{
    _metadata_ struct table_metadata *metadata = parse(v2_document);
    _metadata_ struct table_metadata *again = NULL;
    _cleanup_(buf_done) struct buf first = {0};
    _cleanup_(buf_done) struct buf second = {0};

    ck_assert_ptr_null(metadata_current_snapshot(metadata));
    ck_assert_uint_eq(metadata_schema(metadata)->n_identifier_ids, 1);
    formatted(metadata, &first);
    again = parse(buf_text(&first));
    formatted(again, &second);
    ck_str_eq(buf_str(&first), buf_str(&second));
    ck_assert_ptr_null(strstr(buf_text(&first), "current-snapshot-id")); /* none: left out */
}
END_TEST

static const char *const wrong_documents[][2] = {
    {"[]", "no JSON object"},
    {"{}", "format-version"},
    {"{\"format-version\":\"2\"}", "format-version"},
    {"{\"format-version\":2}", "schemas"},
};

/* Each edit of the document above must be refused, naming the field. */
static const struct {
    const char *field;
    const char *json; /* NULL: removed */
} edits[] = {
    {"location", NULL},
    {"location", "7"},
    {"location", "\"/\""},
    {"table-uuid", "\"no uuid\""},
    {"last-column-id", NULL},
    {"last-column-id", "-4"},
    {"schemas", "{}"},
    {"schemas", "[7]"},
    {"current-schema-id", "5"},
    {"default-spec-id", "5"},
    {"partition-specs", "7"},
    {"partition-specs", "[{\"spec-id\":0}]"},
    {"partition-specs", "[{\"spec-id\":0,\"fields\":[7]}]"},
    {"partition-specs", "[{\"spec-id\":0,\"fields\":[{\"name\":\"a\"}]}]"},
    {"properties", "{\"a\":1}"},
    {"refs", "7"},
    {"refs", "{\"main\":{\"snapshot-id\":1,\"type\":\"branch\"}}"},
    {"snapshots", "{}"},
    {"snapshots", "[7]"},
    {"snapshots", "[{\"snapshot-id\":1}]"},
    {"snapshots", "[{\"snapshot-id\":1,\"timestamp-ms\":1}]"},
    {"current-snapshot-id", "12"},
    {"current-snapshot-id", "\"12\""},
    {"snapshot-log", "[7]"},
    {"metadata-log", "7"},
};

START_TEST(wrong_documents_are_refused_by_field)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct table_metadata *metadata = NULL;

    for (size_t i = 0; i < ARRAY_LEN(wrong_documents); i++) {
        ck_assert_int_eq(metadata_parse(str_of(wrong_documents[i][0]), "t.json", &metadata, &err),
                         CORRIE_E_CORRUPT);
        ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), wrong_documents[i][1]));
        ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "t.json"));
        corrie_error_clear(&err);
    }
    for (size_t i = 0; i < ARRAY_LEN(edits); i++) {
        _json_ json_t *document = NULL;
        _json_ json_t *value = NULL;
        _cleanup_(buf_done) struct buf text = {0};

        ck_ok(js_parse(str_of(v2_document), "v2", &document, &err), &err);
        if (edits[i].json) {
            value = json_loads(edits[i].json, JSON_DECODE_ANY, NULL);
            ck_assert_ptr_nonnull(value);
            ck_assert_int_eq(json_object_set(document, edits[i].field, value), 0);
        } else {
            json_object_del(document, edits[i].field);
        }
        ck_ok(js_format(document, 0, &text, &err), &err);
        int r = metadata_parse(buf_str(&text), "t.json", &metadata, &err);
        ck_assert_msg(r == CORRIE_E_CORRUPT, "%s = %s gave %d", edits[i].field, edits[i].json, r);
        ck_assert_msg(strstr(corrie_error_message(&err), edits[i].field), "%s: %s", edits[i].field,
                      corrie_error_message(&err));
        corrie_error_clear(&err);
    }
}
END_TEST

START_TEST(other_versions_are_named)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct table_metadata *metadata = NULL;

    ck_assert_int_eq(metadata_parse(STR("{\"format-version\":3}"), "t.json", &metadata, &err),
                     CORRIE_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "version 3"));
}
END_TEST

START_TEST(cut_documents_are_corrupt)
{
    for (size_t len = 0; len < sizeof v1_document - 1; len++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        struct table_metadata *metadata = NULL;
        ck_fails(metadata_parse(str_make(v1_document, len), "t.json", &metadata, &err),
                 CORRIE_E_CORRUPT, &err);
    }
}
END_TEST

START_TEST(a_new_table_is_complete)
{
    FIXTURE(f);
    _metadata_ struct table_metadata *metadata = new_table(&f, &people);
    _metadata_ struct table_metadata *again = NULL;
    _cleanup_(buf_done) struct buf text = {0};
    struct str value;

    formatted(metadata, &text);
    again = parse(buf_text(&text));
    ck_assert_int_eq(again->last_column_id, 3);
    ck_assert_int_eq(metadata_schema(again)->fields[2].id, 3);
    ck_assert_uint_eq(metadata_spec(again)->n_fields, 0);
    ck_assert_int_eq(again->last_partition_id, 999);
    ck_assert(metadata_property(again, STR("gc.enabled"), &value));
    ck_str_eq(value, STR("false"));
    /* what readers need to find, even if it is empty */
    static const char *const fields[] = {"sort-orders",  "refs",         "snapshots",
                                         "snapshot-log", "metadata-log", "default-sort-order-id"};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        ck_assert_ptr_nonnull(json_object_get(again->document, fields[i]));
    }
}
END_TEST

/* Field ids are what old files are read by: a reused one shows a column the values of another. */
START_TEST(a_replaced_schema_keeps_ids_of_same_columns_only)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _metadata_ struct table_metadata *first = new_table(&f, &people);
    _metadata_ struct table_metadata *second = NULL;
    _metadata_ struct table_metadata *third = NULL;
    _metadata_ struct table_metadata *fourth = NULL;
    struct field changed_fields[] = {
        {.name = STR("price"), .type = {.kind = TYPE_STRING}}, /* another type */
        {.name = STR("id"), .type = {.kind = TYPE_LONG}},      /* the same, no longer required */
        {.name = STR("age"), .type = {.kind = TYPE_INT}},
    };
    const struct schema changed = {.fields = changed_fields, .n_fields = 3};
    struct schema made;

    ck_ok(metadata_replacement_schema(first, &changed, &f.arena, &made, &err), &err);
    ck_assert_int_eq(made.schema_id, 1);
    ck_assert_int_eq(made.fields[0].id, 4);
    ck_assert_int_eq(made.fields[1].id, 1);
    ck_assert_int_eq(made.fields[2].id, 5);
    ck_ok(metadata_with_schema(first, &made, 2000, &second, &err), &err);
    ck_assert_int_eq(second->last_column_id, 5);
    ck_assert_int_eq(second->current_schema_id, 1);
    ck_assert_uint_eq(second->n_schemas, 2);
    ck_assert_int_eq(second->last_updated_ms, 2000);

    /* price comes back as it was: a new id, since files of the second schema lie between */
    ck_ok(metadata_replacement_schema(second, &people, &f.arena, &made, &err), &err);
    ck_assert_int_eq(made.fields[0].id, 1);
    ck_assert_int_eq(made.fields[1].id, 6);
    ck_assert_int_eq(made.fields[2].id, 7);
    ck_ok(metadata_with_schema(second, &made, 2000, &third, &err), &err);
    ck_assert_int_eq(third->current_schema_id, 2);

    /* the same again adds nothing */
    ck_ok(metadata_replacement_schema(third, &people, &f.arena, &made, &err), &err);
    ck_assert_int_eq(made.schema_id, 2);
    ck_ok(metadata_with_schema(third, &made, 1, &fourth, &err), &err);
    ck_assert_uint_eq(fourth->n_schemas, 3);
    ck_assert_int_eq(fourth->last_updated_ms, 2000); /* time does not go back */

    /* a caller that gives an id another meaning is stopped */
    made.fields[2].id = 2;
    made.fields[2].type.kind = TYPE_DATE;
    made.fields[1].id = 8;
    ck_fails(metadata_with_schema(third, &made, 1, &second, &err), CORRIE_E_INTERNAL, &err);
}
END_TEST

START_TEST(comments_and_identifiers_outlive_a_replace)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _metadata_ struct table_metadata *metadata = parse(v2_document);
    FIXTURE(f);
    struct field x = {.name = STR("x"), .type = {.kind = TYPE_LONG}, .required = true};
    const struct schema schema = {.fields = &x, .n_fields = 1};
    struct schema made;

    ck_ok(metadata_replacement_schema(metadata, &schema, &f.arena, &made, &err), &err);
    ck_str_eq(made.fields[0].doc, STR("the key"));
    ck_assert_uint_eq(made.n_identifier_ids, 1);
    x.required = false; /* no key any more */
    ck_ok(metadata_replacement_schema(metadata, &schema, &f.arena, &made, &err), &err);
    ck_assert_uint_eq(made.n_identifier_ids, 0);
}
END_TEST

START_TEST(added_columns_are_optional_and_fresh)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _metadata_ struct table_metadata *metadata = new_table(&f, &people);
    struct field fields[] = {{.name = STR("age"), .type = {.kind = TYPE_INT}, .required = true}};
    struct schema made;

    ck_ok(metadata_extended_schema(metadata, fields, 1, &f.arena, &made, &err), &err);
    ck_assert_uint_eq(made.n_fields, 4);
    ck_assert_int_eq(made.fields[3].id, 4);
    ck_assert(!made.fields[3].required);
    ck_assert_int_eq(made.fields[0].id, 1);
    fields[0].name = STR("price");
    ck_fails(metadata_extended_schema(metadata, fields, 1, &f.arena, &made, &err), CORRIE_E_EXISTS,
             &err);
}
END_TEST

static void count_property(void *arg, struct str key, struct str value)
{
    (void)key;
    (void)value;
    ++*(int *)arg;
}

START_TEST(properties_are_set_and_removed)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _metadata_ struct table_metadata *first = new_table(&f, &people);
    _metadata_ struct table_metadata *second = NULL;
    const struct property changes[] = {{STR("a"), STR("1")}, {STR("gc.enabled"), {NULL, 0}}};
    struct str value;
    int count = 0;

    ck_ok(metadata_with_properties(first, changes, 2, 5, &second, &err), &err);
    ck_assert(metadata_property(second, STR("a"), &value));
    ck_assert(!metadata_property(second, STR("gc.enabled"), &value));
    ck_assert(metadata_property(first, STR("gc.enabled"), &value)); /* the old one is as it was */
    metadata_properties(second, count_property, &count);
    ck_assert_int_eq(count, 2);
}
END_TEST

START_TEST(files_are_numbered_and_logged)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _metadata_ struct table_metadata *first = new_table(&f, &people);
    _metadata_ struct table_metadata *changed = NULL;
    _metadata_ struct table_metadata *read = NULL;
    struct str zero;
    struct str one;
    struct str twelve;

    ck_ok(metadata_write(&f.io, first, STR_EMPTY, &f.arena, &zero, NULL, &err), &err);
    ck_assert_int_ge(str_find_str(zero, STR("/metadata/00000-")), 0);
    ck_ok(metadata_with_properties(first, &(struct property){STR("a"), STR("b")}, 1, 7000, &changed,
                                   &err),
          &err);
    ck_ok(metadata_write(&f.io, changed, zero, &f.arena, &one, NULL, &err), &err);
    ck_assert_int_ge(str_find_str(one, STR("/metadata/00001-")), 0);
    ck_ok(metadata_read(&f.io, one, &read, &err), &err);
    const json_t *log = json_object_get(read->document, "metadata-log");
    ck_assert_uint_eq(json_array_size(log), 1);
    ck_str_eq(js_str(json_object_get(json_array_get(log, 0), "metadata-file")), zero);
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(log, 0), "timestamp-ms")),
                     1000);
    /* Hadoop's names count too */
    ck_ok(metadata_write(&f.io, first, STR("file:///t/metadata/v11.metadata.json"), &f.arena,
                         &twelve, NULL, &err),
          &err);
    ck_assert_int_ge(str_find_str(twelve, STR("/metadata/00012-")), 0);
    ck_fails(metadata_read(&f.io, STR("file:///nowhere"), &changed, &err), CORRIE_E_NOT_FOUND,
             &err);
}
END_TEST

SUITE(metadata_suite, "metadata", reads_version_1_and_writes_it_as_2,
      version_2_comes_back_as_it_was, wrong_documents_are_refused_by_field,
      other_versions_are_named, cut_documents_are_corrupt, a_new_table_is_complete,
      a_replaced_schema_keeps_ids_of_same_columns_only, comments_and_identifiers_outlive_a_replace,
      added_columns_are_optional_and_fresh, properties_are_set_and_removed,
      files_are_numbered_and_logged)
