/* Columns, specs and properties of both sides: one id has one meaning, and nobody's setting is lost. */
#include "base/json.h"
#include "iceberg/alter.h"
#include "lines.h"

static const char *columns(struct lines *l, const struct table_version *version)
{
    const struct schema *schema = metadata_schema(version->metadata);
    const char *names = "";

    for (size_t i = 0; i < schema->n_fields; i++) {
        names = arena_printf(&l->f.arena, "%s%s%.*s=%d", names, i ? " " : "",
                             STR_FMT(schema->fields[i].name), schema->fields[i].id);
    }
    return names;
}

static void ck_columns(struct lines *l, const struct table_version *one,
                       const struct table_version *other, const char *expected, const char *files)
{
    struct table_version *results[] = {merged(l, one, other), merged(l, other, one)};

    for (size_t i = 0; i < ARRAY_LEN(results); i++) {
        ck_assert_str_eq(columns(l, results[i]), expected);
        ck_assert_str_eq(all_files(l, results[i]->metadata), files);
        ck_assert_int_eq(results[i]->metadata->last_column_id, 4);
    }
}

START_TEST(one_side_may_change_columns)
{
    LINES(l);
    struct table_version *added = append(&l, add_column(&l, l.base, "age"), "s");
    struct table_version *plain = append(&l, l.base, "t");

    ck_columns(&l, added, plain, "id=1 name=2 price=3 age=4", "base s t");
    ck_columns(&l, add_column(&l, l.base, "age"), plain, "id=1 name=2 price=3 age=4", "base t");
    ck_columns(&l, append(&l, drop_column(&l, added, "name"), "s2"), plain, "id=1 price=3 age=4",
               "base s s2 t");
    /* one went farther on the same way */
    struct table_version *age = add_column(&l, l.base, "age");
    struct table_version *further = add_column(&l, drop_column(&l, age, "name"), "age2");
    struct table_version *result = merged(&l, further, append(&l, age, "t"));
    ck_assert_str_eq(columns(&l, result), "id=1 price=3 age=4 age2=5");
}
END_TEST

START_TEST(columns_changed_on_both_sides_conflict)
{
    LINES(l);
    struct table_version *age = add_column(&l, l.base, "age");
    struct table_version *size = append(&l, add_column(&l, l.base, "size"), "t");

    ck_conflicts(&l, age, size, "both the source and the target changed the table's columns");
    ck_conflicts(&l, age, drop_column(&l, l.base, "price"), "changed the table's columns");
    /* each went back to another of the columns' definitions that both know */
    l.base = drop_column(&l, age, "price");
    struct table_version *to_first = drop_column(&l, l.base, "age");
    ck_conflicts(&l, to_first, add_column(&l, l.base, "b"), "changed the table's columns");
}
END_TEST

START_TEST(each_side_going_back_conflicts)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    LINES(l);
    struct table_metadata *sides[2] = {NULL};
    struct table_version *versions[2];

    l.base = add_column(&l, add_column(&l, l.base, "a"), "b"); /* schemas 0, 1, 2 */
    for (int i = 0; i < 2; i++) {
        ck_ok(metadata_with_schema(l.base->metadata, &l.base->metadata->schemas[i], 0, &sides[i],
                                   &err),
              &err);
        versions[i] = store_version(&l, l.base, sides[i]);
    }
    ck_conflicts(&l, versions[0], versions[1], "each made another schema current");
    struct table_version *result = merged(&l, versions[0], append(&l, l.base, "t"));
    ck_assert_int_eq(result->metadata->current_schema_id, 0);
    ck_assert_uint_eq(result->metadata->n_schemas, 3);
}
END_TEST

START_TEST(required_columns_need_values)
{
    LINES(l);
    struct table_version *plain = append(&l, l.base, "t");

    ck_conflicts(&l, require_column(&l, l.base, "age"), plain, "made column 'age' required");
    /* file_of writes a null into name */
    ck_conflicts(&l, require_column(&l, l.base, "name"), plain, "made column 'name' required");
    /* files that the side itself wrote, and a side that added none, are no matter */
    ck_merges(&l, append(&l, require_column(&l, l.base, "age"), "s"), l.base, "base s");

    struct data_file file = line_file(&l, l.base, "full");
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _version_ struct table_version full = {0};
    file.columns[1].null_count = 0;
    ck_ok(snapshot_append(&l.f.io, l.base->metadata, base_location(l.base), NULL, &file, 1, NULL,
                          &full, &err),
          &err);
    ck_merges(&l, require_column(&l, l.base, "name"), &full, "base full");
    file.n_columns = 1; /* no longer known */
    _version_ struct table_version silent = {0};
    ck_ok(snapshot_append(&l.f.io, l.base->metadata, base_location(l.base), NULL, &file, 1, NULL,
                          &silent, &err),
          &err);
    ck_conflicts(&l, require_column(&l, l.base, "name"), &silent, "column 'name' required");
}
END_TEST

START_TEST(partitioning_changed_on_both_sides_conflicts)
{
    LINES(l);
    struct table_version *bucket = partition_by(&l, l.base, 1, "bucket[4]");
    struct table_version *truncate = partition_by(&l, l.base, 2, "truncate[1]");

    ck_conflicts(&l, bucket, truncate, "changed how the table is partitioned");
    ck_merges(&l, bucket, append(&l, l.base, "t"), "base t");
    struct table_version *result = merged(&l, append(&l, l.base, "s"), bucket);
    ck_assert_int_eq(result->metadata->default_spec_id, 1);
    ck_assert_uint_eq(result->metadata->n_specs, 2);
    ck_assert_int_eq(result->metadata->last_partition_id, 1000);
}
END_TEST

/* A partition column was widened on one side: 5 of four bytes and of eight are one partition. */
START_TEST(widened_partition_values_are_the_same)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct field fields[] = {{.name = STR("n"), .type = {.kind = TYPE_INT}}};
    LINES(l);
    struct table_version *empty =
        store_version(&l, NULL, new_table(&l.f, &(struct schema){.fields = fields, .n_fields = 1}));
    struct partition_value narrow = {STR("\x05\0\0\0")};
    struct partition_value wide = {STR("\x05\0\0\0\0\0\0\0")};
    struct table_metadata *widened = NULL;
    struct schema schema;
    struct data_file file;

    l.base = partition_by(&l, empty, 1, "identity");
    file = line_file(&l, l.base, "narrow");
    file.n_columns = 0;
    file.partition = &narrow;
    file.n_partition = 1;
    _version_ struct table_version one = {0};
    ck_ok(snapshot_append(&l.f.io, l.base->metadata, base_location(l.base), NULL, &file, 1, NULL,
                          &one, &err),
          &err);
    ck_ok(schema_copy(metadata_schema(l.base->metadata), &l.f.arena, &schema, &err), &err);
    schema.fields[0].type.kind = TYPE_LONG;
    ck_ok(metadata_with_schema(l.base->metadata, &schema, 0, &widened, &err), &err);
    struct table_version *other = store_version(&l, l.base, widened);
    file = line_file(&l, l.base, "wide");
    file.n_columns = 0;
    file.partition = &wide;
    file.n_partition = 1;
    struct partition_key key = {1, &wide, 1};
    struct file_removal removal = {.partitions = &key, .n_partitions = 1};
    _version_ struct table_version two = {0};
    ck_ok(snapshot_overwrite(&l.f.io, other->metadata, base_location(other), NULL, &file, 1,
                             &removal, NULL, &two, &err),
          &err);
    ck_conflicts(&l, &one, &two, "partition part = 5");
}
END_TEST

static const char *property(const struct table_version *version, const char *key)
{
    struct str value = STR("(none)");
    (void)metadata_property(version->metadata, str_of(key), &value);
    return value.data;
}

START_TEST(properties_are_joined)
{
    LINES(l);

    l.base = set_property(&l, set_property(&l, l.base, "keep", "1"), "gone", "1");
    struct table_version *source = set_property(&l, l.base, "mine", "s");
    struct table_version *target = set_property(&l, append(&l, l.base, "t"), "yours", "t");
    source = set_property(&l, source, "gone", NULL);
    struct table_version *results[] = {merged(&l, source, target), merged(&l, target, source)};
    for (size_t i = 0; i < ARRAY_LEN(results); i++) {
        ck_assert_str_eq(property(results[i], "mine"), "s");
        ck_assert_str_eq(property(results[i], "yours"), "t");
        ck_assert_str_eq(property(results[i], "keep"), "1");
        ck_assert_str_eq(property(results[i], "gone"), "(none)");
        ck_assert_str_eq(property(results[i], "gc.enabled"), "false");
        ck_assert_str_eq(all_files(&l, results[i]->metadata), "base t");
    }
    /* no rows came: the target's snapshot stays the current one */
    ck_assert_int_eq(results[0]->snapshot_id, target->snapshot_id);
    ck_assert_str_ne(results[0]->location, target->location);

    ck_merges(&l, set_property(&l, l.base, "k", "same"), set_property(&l, l.base, "k", "same"),
              "base");
    ck_conflicts(&l, set_property(&l, l.base, "k", "1"), set_property(&l, l.base, "k", "2"),
                 "property 'k'");
    ck_conflicts(&l, set_property(&l, l.base, "keep", "2"), set_property(&l, l.base, "keep", NULL),
                 "property 'keep'");
}
END_TEST

/* The version's document with one field replaced, as another engine might have written it; # is its snapshot. */
static struct table_version *edited(struct lines *l, const struct table_version *from,
                                    const char *field, const char *json)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf text = {0};
    _json_ json_t *document = NULL;
    json_t *value = NULL;
    struct table_metadata *metadata = NULL;
    _cleanup_(buf_done) struct buf given = {0};

    ck_ok(metadata_format(from->metadata, &text, &err), &err);
    ck_ok(js_parse(buf_str(&text), "t", &document, &err), &err);
    for (const char *at = json; *at; at++) {
        if (*at == '#') {
            buf_addf(&given, "%lld", (long long)from->snapshot_id);
        } else {
            buf_add_char(&given, *at);
        }
    }
    ck_ok(js_load(buf_str(&given), JSON_DECODE_ANY, &value, &(json_error_t){0}), &err);
    ck_ok(js_set(document, field, value), &err);
    buf_clear(&text);
    ck_ok(js_format(document, 0, &text, &err), &err);
    ck_ok(metadata_parse(buf_str(&text), "t", &metadata, &err), &err);
    return store_version(l, from, metadata);
}

START_TEST(other_settings_must_be_the_same)
{
    LINES(l);
    struct table_version *target = append(&l, l.base, "t");
    static const struct {
        const char *field, *json, *why;
    } cases[] = {
        {"location", "\"file:///elsewhere\"", "changed the table's location"},
        {"table-uuid", "\"fb072c92-a02b-11e9-ae9c-1bb7bc9eca94\"", "another table"},
        {"schemas",
         "[{\"type\":\"struct\",\"schema-id\":0,\"fields\":[{\"id\":1,\"name\":\"id\","
         "\"required\":true,\"type\":\"long\"}]}]",
         "no longer has all columns' definitions"},
        {"partition-specs",
         "[{\"spec-id\":0,\"fields\":[{\"name\":\"p\",\"transform\":\"identity\",\"source-id\":1,"
         "\"field-id\":1000}]}]",
         "no longer has all partition specs"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        struct table_version *odd;
        if (strcmp(cases[i].field, "location") == 0) { /* cannot be stored there: parsed only */
            _cleanup_(buf_done) struct buf text = {0};
            struct table_version moved = {.location = l.base->location};
            _json_ json_t *document = NULL;
            ck_ok(metadata_format(l.base->metadata, &text, &err), &err);
            ck_ok(js_parse(buf_str(&text), "t", &document, &err), &err);
            ck_ok(js_set_str(document, "location", STR("file:///elsewhere")), &err);
            buf_clear(&text);
            ck_ok(js_format(document, 0, &text, &err), &err);
            ck_ok(metadata_parse(buf_str(&text), "t", &moved.metadata, &err), &err);
            ck_conflicts(&l, &moved, target, cases[i].why);
            metadata_free(moved.metadata);
            continue;
        }
        odd = edited(&l, l.base, cases[i].field, cases[i].json);
        ck_conflicts(&l, odd, target, cases[i].why);
    }
}
END_TEST

static struct table_version *sort_by(struct lines *l, const struct table_version *from, int source)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    const struct sort_term term = {source, STR("identity"), false, false};
    struct table_metadata *made = NULL;

    ck_ok(metadata_with_sort_order(from->metadata, &term, 1, 0, &made, &err), &err);
    return store_version(l, from, made);
}

START_TEST(layouts_are_joined_or_conflict)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    LINES(l);
    struct table_version *sorted = append(&l, sort_by(&l, l.base, 3), "s");
    struct table_version *plain = append(&l, l.base, "t");
    struct table_version *both[] = {merged(&l, sorted, plain), merged(&l, plain, sorted)};
    const struct sort_term *terms = NULL;
    size_t n = 0;

    for (size_t i = 0; i < 2; i++) {
        ck_ok(metadata_sort_order(both[i]->metadata, &l.f.arena, &terms, &n, &err), &err);
        ck_assert_uint_eq(n, 1);
        ck_assert_int_eq(terms[0].source_id, 3);
    }
    ck_conflicts(&l, sorted, append(&l, sort_by(&l, l.base, 2), "t"), "sort order");
    ck_conflicts(&l, sorted, append(&l, drop_column(&l, l.base, "price"), "t"), "sorts by");
    ck_conflicts(&l, partition_by(&l, l.base, 3, "identity"),
                 append(&l, drop_column(&l, l.base, "price"), "t"), "'part' of the other");
    ck_conflicts(&l, partition_by(&l, l.base, 1, "bucket[4]"), add_column(&l, plain, "part"),
                 "has the name of");
}
END_TEST

/* A tag inside the table names a snapshot that the target has not. */
START_TEST(snapshot_refs_of_the_source_conflict)
{
    LINES(l);
    static const char refs[] = "{\"main\":{\"snapshot-id\":#,\"type\":\"branch\"},"
                               "\"v1\":{\"snapshot-id\":#,\"type\":\"tag\"}}";
    struct table_version *tagged = edited(&l, l.base, "refs", refs);
    struct table_version *plain = append(&l, l.base, "t");

    ck_refuses(&l, tagged, plain, "set the snapshot ref 'v1'");
    struct table_version *result = merged(&l, plain, tagged);
    ck_assert_ptr_nonnull(
        json_object_get(json_object_get(result->metadata->document, "refs"), "v1"));
    l.base = tagged;
    ck_refuses(&l, edited(&l, tagged, "refs", "{\"main\":{\"snapshot-id\":#,\"type\":\"branch\"}}"),
               append(&l, tagged, "t"), "removed the snapshot ref 'v1'");
}
END_TEST

/* A side that another engine left at version 1, beside one that was brought to version 2. */
START_TEST(format_versions_must_be_the_same)
{
    LINES(l);
    struct table_version *old = append(&l, l.base, "s");

    old->metadata->format_version = 1; /* as it would be read */
    ck_conflicts(&l, old, append(&l, l.base, "t"), "Iceberg format version");
}
END_TEST

SUITE(merge_metadata_suite, "merge_metadata", one_side_may_change_columns,
      columns_changed_on_both_sides_conflict, each_side_going_back_conflicts,
      required_columns_need_values, partitioning_changed_on_both_sides_conflicts,
      widened_partition_values_are_the_same, properties_are_joined, layouts_are_joined_or_conflict,
      other_settings_must_be_the_same, snapshot_refs_of_the_source_conflict,
      format_versions_must_be_the_same)
