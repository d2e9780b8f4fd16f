/* ALTER TABLE: a column that changed its meaning would show other columns' values; what other engines refuse to read is a
 * table that is lost to them. */
#include "iceberg/alter.h"

#include "fixture.h"
#include "iceberg/name_mapping.h"

static struct field point_fields[] = {
    {.name = {"x", 1}, .type = {.kind = TYPE_FLOAT}, .required = true},
    {.name = {"y", 1}, .type = {.kind = TYPE_FLOAT}},
};
static struct field element[] = {
    {.name = {"element", 7}, .type = {.kind = TYPE_STRUCT, .fields = point_fields, .n_fields = 2}},
};
static struct field entries[] = {
    {.name = {"key", 3}, .type = {.kind = TYPE_STRING}, .required = true},
    {.name = {"value", 5}, .type = {.kind = TYPE_INT}},
};
static struct field fields[] = {
    {.name = {"id", 2}, .type = {.kind = TYPE_INT}, .required = true},
    {.name = {"at", 2}, .type = {.kind = TYPE_TIMESTAMP}},
    {.name = {"place", 5}, .type = {.kind = TYPE_STRUCT, .fields = point_fields, .n_fields = 2}},
    {.name = {"path", 4}, .type = {.kind = TYPE_LIST, .fields = element, .n_fields = 1}},
    {.name = {"tags", 4}, .type = {.kind = TYPE_MAP, .fields = entries, .n_fields = 2}},
    {.name = {"price", 5}, .type = {.kind = TYPE_DECIMAL, .precision = 5, .scale = 2}},
};
/* ids: id 1, at 2, place 3, path 4, tags 5, price 6, place.x 7, .y 8, path.element 9, path.element.x 10 … */
static const struct schema wide = {.fields = fields, .n_fields = ARRAY_LEN(fields)};

static const struct type type_int = {.kind = TYPE_INT};
static const struct type type_long = {.kind = TYPE_LONG};
static const struct type type_double = {.kind = TYPE_DOUBLE};

struct path {
    struct str names[4];
    size_t n;
};

/* "place.x" as names. */
static struct path path_of(const char *text)
{
    struct path path = {.n = 0};
    struct str rest = str_of(text);

    while (str_find(rest, '.') >= 0) {
        str_cut(rest, '.', &path.names[path.n++], &rest);
    }
    path.names[path.n++] = rest;
    return path;
}

/* The schema as text: "id:1 int!, place:3 {x:7 float!, …}". */
static void print_fields(const struct field *of, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        buf_addf(out, "%s%.*s:%d", i ? ", " : "", STR_FMT(of[i].name), of[i].id);
        if (of[i].type.n_fields > 0) {
            buf_add_text(out, " {");
            print_fields(of[i].type.fields, of[i].type.n_fields, out);
            buf_add_text(out, "}");
        } else {
            buf_add_text(out, " ");
            type_print(&of[i].type, out);
        }
        buf_add_text(out, of[i].required ? "!" : "");
    }
}

static const char *columns(struct fixture *f, const struct table_metadata *table)
{
    _cleanup_(buf_done) struct buf text = {0};
    const struct schema *schema = metadata_schema(table);

    print_fields(schema->fields, schema->n_fields, &text);
    return arena_text(&f->arena, buf_str(&text));
}

/* The table after one edit of the column at `path`. */
static int alter(const struct table_metadata *from, const char *path, struct column_edit edit,
                 struct table_metadata **ret, corrie_error *err)
{
    struct path names = path_of(path);

    edit.path = names.names;
    edit.n_path = names.n;
    return metadata_with_columns(from, &edit, 1, 2000, ret, err);
}

static struct table_metadata *altered(const struct table_metadata *from, const char *path,
                                      struct column_edit edit)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct table_metadata *made = NULL;

    ck_ok(alter(from, path, edit, &made, &err), &err);
    return made;
}

static const char *after(struct fixture *f, const struct table_metadata *from, const char *path,
                         struct column_edit edit)
{
    _metadata_ struct table_metadata *made = altered(from, path, edit);
    return columns(f, made);
}

static void ck_refused(const struct table_metadata *from, const char *path, struct column_edit edit,
                       int code, const char *why)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct table_metadata *made = NULL;

    int r = alter(from, path, edit, &made, &err);
    ck_assert_msg(r == code, "%s: %s, not %s (%s)", path, corrie_code_name(r),
                  corrie_code_name(code), r < 0 ? corrie_error_message(&err) : "");
    ck_assert_msg(strstr(corrie_error_message(&err), why) != NULL, "%s: %s", path,
                  corrie_error_message(&err));
    ck_assert_ptr_null(made);
}

#define EDIT(...) ((struct column_edit){__VA_ARGS__})
#define PLACE "place:3 {x:7 float!, y:8 float}"
#define PATH "path:4 {element:9 {x:10 float!, y:11 float}}"
#define TAGS "tags:5 {key:12 string!, value:13 int}"
#define PRICE "price:6 decimal(5, 2)"

START_TEST(columns_are_edited)
{
    FIXTURE(f);
    _metadata_ struct table_metadata *t = new_table(&f, &wide);
    struct str at = STR("at");

    ck_assert_str_eq(columns(&f, t),
                     "id:1 int!, at:2 timestamp, " PLACE ", " PATH ", " TAGS ", " PRICE);
    ck_assert_str_eq(after(&f, t, "new", EDIT(COLUMN_ADD, .type = &type_long)),
                     "id:1 int!, at:2 timestamp, " PLACE ", " PATH ", " TAGS ", " PRICE
                     ", new:14 long");
    ck_assert_str_eq(
        after(&f, t, "new", EDIT(COLUMN_ADD, .type = &type_long, .place = PLACE_FIRST)),
        "new:14 long, id:1 int!, at:2 timestamp, " PLACE ", " PATH ", " TAGS ", " PRICE);
    ck_assert_str_eq(
        after(&f, t, "place.z",
              EDIT(COLUMN_ADD, .type = &wide.fields[3].type, .place = PLACE_BEFORE,
                   .beside = STR("y"))),
        "id:1 int!, at:2 timestamp, place:3 {x:7 float!, z:14 {element:15 {x:16 float!, y:17 "
        "float}}, y:8 float}, " PATH ", " TAGS ", " PRICE);
    ck_assert_str_eq(after(&f, t, "path.z", EDIT(COLUMN_ADD, .type = &type_int)),
                     "id:1 int!, at:2 timestamp, " PLACE ", path:4 {element:9 {x:10 float!, y:11 "
                     "float, z:14 int}}, " TAGS ", " PRICE);
    ck_assert_str_eq(after(&f, t, "path", EDIT(COLUMN_DROP)),
                     "id:1 int!, at:2 timestamp, " PLACE ", " TAGS ", " PRICE);
    ck_assert_str_eq(after(&f, t, "place.x", EDIT(COLUMN_DROP)),
                     "id:1 int!, at:2 timestamp, place:3 {y:8 float}, " PATH ", " TAGS ", " PRICE);
    ck_assert_str_eq(after(&f, t, "at", EDIT(COLUMN_RENAME, .name = STR("AT"))),
                     "id:1 int!, AT:2 timestamp, " PLACE ", " PATH ", " TAGS ", " PRICE);
    ck_assert_str_eq(after(&f, t, "id", EDIT(COLUMN_TYPE, .type = &type_long)),
                     "id:1 long!, at:2 timestamp, " PLACE ", " PATH ", " TAGS ", " PRICE);
    ck_assert_str_eq(after(&f, t, "tags.value", EDIT(COLUMN_TYPE, .type = &type_long)),
                     "id:1 int!, at:2 timestamp, " PLACE ", " PATH
                     ", tags:5 {key:12 string!, value:13 long}, " PRICE);
    ck_assert_str_eq(after(&f, t, "path.element.x", EDIT(COLUMN_OPTIONAL)),
                     "id:1 int!, at:2 timestamp, " PLACE ", path:4 {element:9 {x:10 float, y:11 "
                     "float}}, " TAGS ", " PRICE);
    ck_assert_str_eq(after(&f, t, "id", EDIT(COLUMN_MOVE, .place = PLACE_AFTER, .beside = at)),
                     "at:2 timestamp, id:1 int!, " PLACE ", " PATH ", " TAGS ", " PRICE);
    ck_assert_str_eq(after(&f, t, "place.y", EDIT(COLUMN_MOVE, .place = PLACE_FIRST)),
                     "id:1 int!, at:2 timestamp, place:3 {y:8 float, x:7 float!}, " PATH ", " TAGS
                     ", " PRICE);
    _metadata_ struct table_metadata *told = altered(t, "at", EDIT(COLUMN_DOC, .doc = STR("when")));
    ck_str_eq(metadata_schema(told)->fields[1].doc, STR("when"));
    ck_assert_uint_eq(told->n_schemas, 2);
    ck_assert_uint_eq(t->n_schemas, 1);
}
END_TEST

START_TEST(ids_are_never_given_twice)
{
    FIXTURE(f);
    _metadata_ struct table_metadata *t = new_table(&f, &wide);
    _metadata_ struct table_metadata *dropped = altered(t, "price", EDIT(COLUMN_DROP));
    _metadata_ struct table_metadata *again =
        altered(dropped, "price", EDIT(COLUMN_ADD, .type = &type_double));
    _metadata_ struct table_metadata *gone = altered(again, "price", EDIT(COLUMN_DROP));
    _metadata_ struct table_metadata *third =
        altered(gone, "price", EDIT(COLUMN_ADD, .type = &type_double));

    ck_assert_int_eq(schema_find(metadata_schema(again), STR("price"))->id, 14);
    ck_assert_int_eq(gone->current_schema_id, dropped->current_schema_id); /* the equal one */
    ck_assert_int_eq(gone->last_column_id, 14);
    ck_assert_int_eq(schema_find(metadata_schema(third), STR("price"))->id, 15);
    ck_assert_uint_eq(third->n_schemas, 4);
    /* what changes nothing adds nothing */
    _metadata_ struct table_metadata *same = altered(t, "id", EDIT(COLUMN_TYPE, .type = &type_int));
    ck_assert_uint_eq(same->n_schemas, 1);
    ck_assert_int_eq(same->last_updated_ms, 2000);
}
END_TEST

/* Several edits in one statement see each other. */
START_TEST(edits_follow_each_other)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _metadata_ struct table_metadata *t = new_table(&f, &wide);
    struct str id = STR("id");
    struct str old = STR("old_id");
    const struct column_edit edits[] = {
        {COLUMN_RENAME, .path = &id, .n_path = 1, .name = STR("old_id")},
        {COLUMN_ADD, .path = &id, .n_path = 1, .type = &type_long, .place = PLACE_FIRST},
        {COLUMN_DROP, .path = &old, .n_path = 1},
    };
    _metadata_ struct table_metadata *made = NULL;

    ck_ok(metadata_with_columns(t, edits, 3, 2000, &made, &err), &err);
    ck_assert_str_eq(columns(&f, made),
                     "id:14 long, at:2 timestamp, " PLACE ", " PATH ", " TAGS ", " PRICE);
}
END_TEST

START_TEST(bad_edits_say_why)
{
    FIXTURE(f);
    _metadata_ struct table_metadata *t = new_table(&f, &wide);
    const struct type narrow = {.kind = TYPE_DECIMAL, .precision = 4, .scale = 2};
    const struct type scaled = {.kind = TYPE_DECIMAL, .precision = 9, .scale = 3};

    ck_refused(t, "idd", EDIT(COLUMN_DROP), CORRIE_E_NOT_FOUND, "no column idd");
    ck_refused(t, "place.q", EDIT(COLUMN_DROP), CORRIE_E_NOT_FOUND, "no column q");
    ck_refused(t, "id.q", EDIT(COLUMN_DROP), CORRIE_E_USAGE, "has no fields");
    ck_refused(t, "at", EDIT(COLUMN_ADD, .type = &type_int), CORRIE_E_EXISTS, "'at' already");
    ck_refused(t, "At", EDIT(COLUMN_ADD, .type = &type_int), CORRIE_E_EXISTS, "'at' already");
    ck_refused(t, "place.X", EDIT(COLUMN_ADD, .type = &type_int), CORRIE_E_EXISTS, "'x' already");
    ck_refused(t, "", EDIT(COLUMN_ADD, .type = &type_int), CORRIE_E_USAGE, "needs a name");
    ck_refused(t, "\xff", EDIT(COLUMN_ADD, .type = &type_int), CORRIE_E_USAGE, "needs a name");
    ck_refused(t, "new", EDIT(COLUMN_ADD), CORRIE_E_USAGE, "needs a type");
    ck_refused(t, "new",
               EDIT(COLUMN_ADD, .type = &type_int, .place = PLACE_AFTER, .beside = STR("nowhere")),
               CORRIE_E_NOT_FOUND, "nowhere");
    ck_refused(t, "tags.new", EDIT(COLUMN_ADD, .type = &type_int), CORRIE_E_USAGE, "structs alone");
    ck_refused(t, "id", EDIT(COLUMN_RENAME, .name = STR("PRICE")), CORRIE_E_EXISTS, "'price'");
    ck_refused(t, "path.element", EDIT(COLUMN_RENAME, .name = STR("e")), CORRIE_E_USAGE, "a list");
    ck_refused(t, "path.element", EDIT(COLUMN_DROP), CORRIE_E_USAGE, "a list");
    ck_refused(t, "tags.key", EDIT(COLUMN_TYPE, .type = &type_int), CORRIE_E_USAGE, "keys");
    ck_refused(t, "tags.key", EDIT(COLUMN_OPTIONAL), CORRIE_E_USAGE, "never null");
    ck_refused(t, "at", EDIT(COLUMN_TYPE, .type = &type_long), CORRIE_E_USAGE,
               "cannot become long from timestamp");
    ck_refused(t, "id", EDIT(COLUMN_TYPE, .type = &type_double), CORRIE_E_USAGE, "cannot become");
    ck_refused(t, "price", EDIT(COLUMN_TYPE, .type = &narrow), CORRIE_E_USAGE, "cannot become");
    ck_refused(t, "price", EDIT(COLUMN_TYPE, .type = &scaled), CORRIE_E_USAGE, "cannot become");
    ck_refused(t, "place", EDIT(COLUMN_TYPE, .type = &type_int), CORRIE_E_USAGE, "cannot become");

    struct schema one = {.fields = fields, .n_fields = 1};
    _metadata_ struct table_metadata *single = new_table(&f, &one);
    ck_refused(single, "id", EDIT(COLUMN_DROP), CORRIE_E_USAGE, "last column");
    /* without rows a column may be required, with rows it cannot */
    ck_assert_str_eq(after(&f, single, "n", EDIT(COLUMN_ADD, .type = &type_int, .required = true)),
                     "id:1 int!, n:2 int!");
    _version_ struct table_version rows = append_one(&f, NULL, "a");
    ck_refused(rows.metadata, "n", EDIT(COLUMN_ADD, .type = &type_int, .required = true),
               CORRIE_E_USAGE, "cannot be required");
}
END_TEST

/* ---- partition fields, sort orders ---- */

static struct table_metadata *with_specs(const struct table_metadata *from,
                                         const struct spec_edit *edits, size_t n)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct table_metadata *made = NULL;

    ck_ok(metadata_with_spec_edits(from, edits, n, 2000, &made, &err), &err);
    return made;
}

/* "1: at_day=1000 day(2), …" */
static const char *spec_text(struct fixture *f, const struct table_metadata *table)
{
    _cleanup_(buf_done) struct buf text = {0};
    const struct partition_spec *spec = metadata_spec(table);

    buf_addf(&text, "%d:", spec->spec_id);
    for (size_t i = 0; i < spec->n_fields; i++) {
        const struct partition_field *field = &spec->fields[i];
        buf_addf(&text, "%s %.*s=%d %.*s(%d)", i ? "," : "", STR_FMT(field->name), field->field_id,
                 STR_FMT(field->transform), field->source_id);
    }
    return arena_text(&f->arena, buf_str(&text));
}

#define TERM(id, text, called)                                                                     \
    {                                                                                              \
        id, STR(text), STR(called)                                                                 \
    }

START_TEST(partition_fields_are_edited)
{
    FIXTURE(f);
    const struct spec_edit first[] = {{SPEC_ADD, .term = TERM(2, "day", "")},
                                      {SPEC_ADD, .term = TERM(1, "bucket[16]", "")},
                                      {SPEC_ADD, .term = TERM(7, "identity", "")}};
    const struct spec_edit finer[] = {{SPEC_DROP, .term = TERM(2, "day", "")},
                                      {SPEC_ADD, .term = TERM(2, "hour", "")}};
    const struct spec_edit back[] = {{SPEC_DROP, .field = STR("at_hour")},
                                     {SPEC_ADD, .term = TERM(2, "day", "")}};
    const struct spec_edit renamed[] = {
        {SPEC_RENAME, .field = STR("id_bucket_16"), .term = {.name = STR("shard")}}};
    const struct spec_edit none[] = {{SPEC_DROP, .field = STR("at_day")},
                                     {SPEC_DROP, .field = STR("id_bucket_16")},
                                     {SPEC_DROP, .field = STR("place.x")}};
    _metadata_ struct table_metadata *t = new_table(&f, &wide);
    _metadata_ struct table_metadata *one = with_specs(t, first, 3);
    _metadata_ struct table_metadata *two = with_specs(one, finer, 2);
    _metadata_ struct table_metadata *three = with_specs(two, back, 2);
    _metadata_ struct table_metadata *four = with_specs(one, renamed, 1);
    _metadata_ struct table_metadata *five = with_specs(one, none, 3);

    ck_assert_str_eq(spec_text(&f, one), "1: at_day=1000 day(2), id_bucket_16=1001 bucket[16](1), "
                                         "place.x=1002 identity(7)");
    ck_assert_str_eq(spec_text(&f, two), "2: id_bucket_16=1001 bucket[16](1), place.x=1002 "
                                         "identity(7), at_hour=1003 hour(2)");
    ck_assert_str_eq(spec_text(&f, three), "3: id_bucket_16=1001 bucket[16](1), place.x=1002 "
                                           "identity(7), at_day=1000 day(2)");
    ck_assert_str_eq(spec_text(&f, four), "2: at_day=1000 day(2), shard=1001 bucket[16](1), "
                                          "place.x=1002 identity(7)");
    ck_assert_str_eq(spec_text(&f, five), "0:");

    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct table_metadata *made = NULL;
    const struct spec_edit missing = {SPEC_DROP, .field = STR("at_month")};
    const struct spec_edit unknown = {SPEC_ADD, .term = TERM(99, "day", "")};
    const struct spec_edit twice = {SPEC_ADD, .term = TERM(2, "day", "again")};
    const struct spec_edit column = {SPEC_ADD, .term = TERM(2, "hour", "price")};
    ck_fails(metadata_with_spec_edits(one, &missing, 1, 0, &made, &err), CORRIE_E_NOT_FOUND, &err);
    ck_fails(metadata_with_spec_edits(one, &unknown, 1, 0, &made, &err), CORRIE_E_USAGE, &err);
    ck_fails(metadata_with_spec_edits(one, &twice, 1, 0, &made, &err), CORRIE_E_USAGE, &err);
    ck_fails(metadata_with_spec_edits(one, &column, 1, 0, &made, &err), CORRIE_E_USAGE, &err);

    /* columns that a table is partitioned by stay; names of fields are taken */
    ck_refused(one, "at", EDIT(COLUMN_DROP), CORRIE_E_USAGE, "partitioned by it");
    ck_refused(one, "place", EDIT(COLUMN_DROP), CORRIE_E_USAGE, "partitioned by it");
    ck_refused(one, "at_day", EDIT(COLUMN_ADD, .type = &type_int), CORRIE_E_EXISTS, "at_day");
    ck_assert_str_eq(after(&f, two, "at", EDIT(COLUMN_RENAME, .name = STR("when"))),
                     "id:1 int!, when:2 timestamp, " PLACE ", " PATH ", " TAGS ", " PRICE);
}
END_TEST

START_TEST(fields_are_named_as_elsewhere)
{
    FIXTURE(f);
    static const struct {
        const char *transform, *name, *evolved;
    } cases[] = {{"identity", "c", "c"},
                 {"void", "c_null", "c_null"},
                 {"year", "c_year", "c_year"},
                 {"month", "c_month", "c_month"},
                 {"day", "c_day", "c_day"},
                 {"hour", "c_hour", "c_hour"},
                 {"bucket[16]", "c_bucket", "c_bucket_16"},
                 {"truncate[4]", "c_trunc", "c_trunc_4"}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str transform = str_of(cases[i].transform);
        ck_str_eq(partition_field_name(STR("c"), transform, false, &f.arena),
                  str_of(cases[i].name));
        ck_str_eq(partition_field_name(STR("c"), transform, true, &f.arena),
                  str_of(cases[i].evolved));
    }
}
END_TEST

START_TEST(sort_orders_are_set)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _metadata_ struct table_metadata *t = new_table(&f, &wide);
    const struct sort_term terms[] = {{2, STR("identity"), true, true},
                                      {1, STR("bucket[4]"), false, false}};
    const struct sort_term bad[] = {{99, STR("identity"), false, false},
                                    {3, STR("identity"), false, false},
                                    {1, STR("day"), false, false}};
    _metadata_ struct table_metadata *sorted = NULL;
    _metadata_ struct table_metadata *plain = NULL;
    _metadata_ struct table_metadata *again = NULL;
    struct table_metadata *none = NULL;
    const struct sort_term *read = NULL;
    size_t n = 9;

    ck_ok(metadata_sort_order(t, &f.arena, &read, &n, &err), &err);
    ck_assert_uint_eq(n, 0);
    ck_ok(metadata_with_sort_order(t, terms, 2, 0, &sorted, &err), &err);
    ck_ok(metadata_sort_order(sorted, &f.arena, &read, &n, &err), &err);
    ck_assert_uint_eq(n, 2);
    ck_assert_int_eq(read[0].source_id, 2);
    ck_assert(read[0].descending && read[0].nulls_last);
    ck_str_eq(read[1].transform, STR("bucket[4]"));
    ck_assert(!read[1].descending && !read[1].nulls_last);
    ck_refused(sorted, "at", EDIT(COLUMN_DROP), CORRIE_E_USAGE, "sorted by it");
    ck_ok(metadata_with_sort_order(sorted, NULL, 0, 0, &plain, &err), &err);
    ck_ok(metadata_with_sort_order(plain, terms, 2, 0, &again, &err), &err);
    ck_assert_int_eq(json_integer_value(json_object_get(plain->document, "default-sort-order-id")),
                     0);
    ck_assert_int_eq(json_integer_value(json_object_get(again->document, "default-sort-order-id")),
                     1);
    ck_assert_uint_eq(json_array_size(json_object_get(again->document, "sort-orders")), 2);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_fails(metadata_with_sort_order(t, &bad[i], 1, 0, &none, &err), CORRIE_E_USAGE, &err);
    }
}
END_TEST

/* A table that is replaced stays laid out as it was, where that is wished. */
START_TEST(replacing_keeps_a_spec)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _version_ struct table_version first = append_one(&f, NULL, "a");
    const struct partition_term by_name = TERM(2, "identity", "name");
    const struct sort_term terms[] = {{3, STR("identity"), false, false}};
    _metadata_ struct table_metadata *partitioned = NULL;
    _metadata_ struct table_metadata *sorted = NULL;
    struct snapshot_options keep = {.keep_spec = true};
    struct partition_value ann = {STR("ann")};
    struct data_file file = file_of(&f, "b", 10, 1, 10);
    struct schema without_price = {.fields = people.fields, .n_fields = 2};
    struct schema without_name = {.fields = people.fields, .n_fields = 1};
    struct schema made;
    _version_ struct table_version kept = {0};
    _version_ struct table_version dropped = {0};
    struct table_version none = {0};
    const struct sort_term *order;
    size_t n_order;

    ck_ok(metadata_with_spec(first.metadata, &by_name, 1, 0, &partitioned, &err), &err);
    ck_ok(metadata_with_sort_order(partitioned, terms, 1, 0, &sorted, &err), &err);
    file.spec_id = sorted->default_spec_id;
    file.partition = &ann;
    file.n_partition = 1;
    ck_ok(metadata_replacement_schema(sorted, &without_price, &f.arena, &made, &err), &err);
    ck_ok(
        snapshot_replace(&f.io, sorted, base_location(&first), &made, &file, 1, &keep, &kept, &err),
        &err);
    ck_assert_str_eq(scanned(&f, kept.metadata), "b");
    ck_assert_str_eq(spec_text(&f, kept.metadata), "1: name=1000 identity(2)");
    ck_ok(metadata_sort_order(kept.metadata, &f.arena, &order, &n_order, &err), &err);
    ck_assert_uint_eq(n_order, 0); /* its column went */
    ck_ok(metadata_replacement_schema(sorted, &without_name, &f.arena, &made, &err), &err);
    ck_fails(
        snapshot_replace(&f.io, sorted, base_location(&first), &made, &file, 1, &keep, &none, &err),
        CORRIE_E_USAGE, &err);
    ck_ok(snapshot_replace(&f.io, sorted, base_location(&first), &made, &file, 1, NULL, &dropped,
                           &err),
          &err);
    ck_assert_str_eq(spec_text(&f, dropped.metadata), "0:");
}
END_TEST

/* ---- name mapping ---- */

START_TEST(name_mappings_follow)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _metadata_ struct table_metadata *bare = new_table(&f, &wide);
    _metadata_ struct table_metadata *t = NULL;
    struct name_mapping mapping;
    _cleanup_(buf_done) struct buf text = {0};
    struct str stored;

    ck_ok(name_mapping_of_schema(metadata_schema(bare), &f.arena, &mapping, &err), &err);
    ck_ok(name_mapping_format(&mapping, &text, &err), &err);
    const struct property property = {STR(NAME_MAPPING_PROPERTY), buf_str(&text)};
    ck_ok(metadata_with_properties(bare, &property, 1, 0, &t, &err), &err);
    _metadata_ struct table_metadata *one =
        altered(t, "id", EDIT(COLUMN_RENAME, .name = STR("key")));
    _metadata_ struct table_metadata *two = altered(one, "id", EDIT(COLUMN_ADD, .type = &type_int));
    _metadata_ struct table_metadata *three =
        altered(two, "place.x", EDIT(COLUMN_RENAME, .name = STR("east")));
    _metadata_ struct table_metadata *four = altered(three, "path", EDIT(COLUMN_DROP));
    _metadata_ struct table_metadata *five =
        altered(four, "place.x", EDIT(COLUMN_ADD, .type = &type_int));

    ck_assert(metadata_property(one, STR(NAME_MAPPING_PROPERTY), &stored));
    ck_assert(str_starts(stored, STR("[{\"field-id\":1,\"names\":[\"id\",\"key\"]},")));
    ck_assert(metadata_property(five, STR(NAME_MAPPING_PROPERTY), &stored));
    ck_str_eq(stored,
              STR("[{\"field-id\":1,\"names\":[\"key\"]},{\"field-id\":2,\"names\":[\"at\"]},"
                  "{\"field-id\":3,\"names\":[\"place\"],\"fields\":[{\"field-id\":7,\"names\":"
                  "[\"east\"]},{\"field-id\":8,\"names\":[\"y\"]},{\"field-id\":15,\"names\":"
                  "[\"x\"]}]},{\"field-id\":4,\"names\":[\"path\"],\"fields\":[{\"field-id\":9,"
                  "\"names\":[\"element\"],\"fields\":[{\"field-id\":10,\"names\":[\"x\"]},"
                  "{\"field-id\":11,\"names\":[\"y\"]}]}]},{\"field-id\":5,\"names\":[\"tags\"],"
                  "\"fields\":[{\"field-id\":12,\"names\":[\"key\"]},{\"field-id\":13,\"names\":"
                  "[\"value\"]}]},{\"field-id\":6,\"names\":[\"price\"]},{\"field-id\":14,"
                  "\"names\":[\"id\"]}]"));
    ck_assert_int_eq(metadata_name_mapping(five, &f.arena, &mapping, &err), 1);
    ck_assert_int_eq(name_mapping_find(mapping.fields, mapping.n_fields, STR("id"))->field_id, 14);
    ck_assert_ptr_null(name_mapping_find(mapping.fields, mapping.n_fields, STR("x")));
    ck_assert_int_eq(metadata_name_mapping(bare, &f.arena, &mapping, &err), 0);
}
END_TEST

START_TEST(bad_name_mappings_are_refused)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    struct name_mapping mapping;
    static const char *const good[] = {
        "[]", "[{\"names\":[]}]",
        "[{\"names\":[\"a\"],\"fields\":[{\"field-id\":2,\"names\":[]}]}]",
        "[{\"field-id\":1,\"names\":[\"a\",\"b\"]},{\"names\":[\"c\"],\"fields\":[]}]"};
    static const char *const bad[] = {"",
                                      "{}",
                                      "[",
                                      "[1]",
                                      "[{}]",
                                      "[{\"names\":\"a\"}]",
                                      "[{\"names\":[1]}]",
                                      "[{\"names\":[\"a\",\"a\"]}]",
                                      "[{\"names\":[\"a\"]},{\"names\":[\"a\"]}]",
                                      "[{\"field-id\":0,\"names\":[]}]",
                                      "[{\"field-id\":-1,\"names\":[]}]",
                                      "[{\"field-id\":2147483648,\"names\":[]}]",
                                      "[{\"field-id\":\"1\",\"names\":[]}]",
                                      "[{\"names\":[],\"fields\":{}}]"};
    _cleanup_(buf_done) struct buf deep = {0};

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        ck_ok(name_mapping_parse(str_of(good[i]), &f.arena, &mapping, &err), &err);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_fails(name_mapping_parse(str_of(bad[i]), &f.arena, &mapping, &err), CORRIE_E_CORRUPT,
                 &err);
    }
    for (int i = 0; i < 40; i++) {
        buf_add_text(&deep, "[{\"names\":[],\"fields\":");
    }
    buf_add_text(&deep, "[]");
    for (int i = 0; i < 40; i++) {
        buf_add_text(&deep, "}]");
    }
    ck_fails(name_mapping_parse(buf_str(&deep), &f.arena, &mapping, &err), CORRIE_E_LIMIT, &err);
}
END_TEST

SUITE(alter_suite, "alter", columns_are_edited, ids_are_never_given_twice, edits_follow_each_other,
      bad_edits_say_why, partition_fields_are_edited, fields_are_named_as_elsewhere,
      sort_orders_are_set, replacing_keeps_a_spec, name_mappings_follow,
      bad_name_mappings_are_refused)
