/* Values as text. Offsets are where such code goes wrong: sliced arrays, lists, structs in lists. */
#include "arrow/cell.h"

#include <math.h>

#include "tests/unit/check.h"

/* A struct array of one child built by `fill`, and its type. */
struct sample {
    struct ArrowSchema schema;
    struct ArrowArray array;
    struct ArrowArrayView view;
    struct arena arena;
    struct field field;
};

static void sample_done(struct sample *sample)
{
    ArrowArrayViewReset(&sample->view);
    arrow_array_done(&sample->array);
    arrow_schema_done(&sample->schema);
    arena_done(&sample->arena);
}

static void sample_view(struct sample *sample)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct ArrowError error = {""};

    ck_ok(field_from_arrow(&sample->schema, &sample->arena, &sample->field, &err), &err);
    ck_assert_int_eq(ArrowArrayViewInitFromSchema(&sample->view, &sample->schema, &error), 0);
    ck_assert_msg(ArrowArrayViewSetArray(&sample->view, &sample->array, &error) == 0, "%s",
                  error.message);
}

static void expect(const struct sample *sample, int64_t row, const char *text, const char *json)
{
    _cleanup_(buf_done) struct buf out = {0};

    if (text) {
        cell_text(&out, &sample->field.type, &sample->view, row);
        ck_str_eq(buf_str(&out), str_of(text));
        buf_clear(&out);
    }
    cell_json(&out, &sample->field.type, &sample->view, row);
    ck_str_eq(buf_str(&out), str_of(json));
}

START_TEST(test_doubles)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "0.0"},
                 {-0.5, "-0.5"},
                 {0.1, "0.1"},
                 {1.0 / 3, "0.3333333333333333"},
                 {100000, "100000.0"},
                 {1e15, "1e+15"},
                 {123456789.25, "123456789.25"},
                 {5e-324, "4.94065645841247e-324"},
                 {1e22, "1e+22"},
                 {2.5e-5, "2.5e-05"}};
    _cleanup_(sample_done) struct sample sample = {0};

    ck_assert_int_eq(ArrowSchemaInitFromType(&sample.schema, NANOARROW_TYPE_DOUBLE), 0);
    ck_assert_int_eq(ArrowSchemaSetName(&sample.schema, "x"), 0);
    ck_assert_int_eq(ArrowArrayInitFromSchema(&sample.array, &sample.schema, NULL), 0);
    ck_assert_int_eq(ArrowArrayStartAppending(&sample.array), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert_int_eq(ArrowArrayAppendDouble(&sample.array, cases[i].value), 0);
    }
    ck_assert_int_eq(ArrowArrayAppendDouble(&sample.array, NAN), 0);
    ck_assert_int_eq(ArrowArrayAppendNull(&sample.array, 1), 0);
    ck_assert_int_eq(ArrowArrayFinishBuildingDefault(&sample.array, NULL), 0);
    sample_view(&sample);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        expect(&sample, (int64_t)i, cases[i].text, cases[i].text);
    }
    expect(&sample, ARRAY_LEN(cases), "NaN", "\"NaN\"");
    expect(&sample, ARRAY_LEN(cases) + 1, NULL, "null");
}
END_TEST

START_TEST(test_decimals)
{
    static const char *const digits[] = {"0", "1", "-1", "12345",
                                         "-99999999999999999999999999999999999999"};
    static const char *const texts[] = {"0.000", "0.001", "-0.001", "12.345",
                                        "-99999999999999999999999999999999999.999"};
    _cleanup_(sample_done) struct sample sample = {0};

    ArrowSchemaInit(&sample.schema);
    ck_assert_int_eq(ArrowSchemaSetTypeDecimal(&sample.schema, NANOARROW_TYPE_DECIMAL128, 38, 3),
                     0);
    ck_assert_int_eq(ArrowSchemaSetName(&sample.schema, "x"), 0);
    ck_assert_int_eq(ArrowArrayInitFromSchema(&sample.array, &sample.schema, NULL), 0);
    ck_assert_int_eq(ArrowArrayStartAppending(&sample.array), 0);
    for (size_t i = 0; i < ARRAY_LEN(digits); i++) {
        struct ArrowDecimal decimal;

        ArrowDecimalInit(&decimal, 128, 38, 3);
        ck_assert_int_eq(ArrowDecimalSetDigits(&decimal, ArrowCharView(digits[i])), 0);
        ck_assert_int_eq(ArrowArrayAppendDecimal(&sample.array, &decimal), 0);
    }
    ck_assert_int_eq(ArrowArrayFinishBuildingDefault(&sample.array, NULL), 0);
    sample_view(&sample);
    for (size_t i = 0; i < ARRAY_LEN(digits); i++) {
        expect(&sample, (int64_t)i, texts[i], texts[i]);
    }
}
END_TEST

/* list<struct<a: long, s: string>>: [{1,"x"},{2,null}], [], null, [{3,"y\"z"}] */
static void build_list(struct sample *sample)
{
    struct ArrowSchema *item;
    struct ArrowArray *list = &sample->array;
    static const char *const texts[] = {"x", NULL, "y\"z"};
    static const int ends[] = {2, 2, 2, 3};
    int n = 0;

    ArrowSchemaInit(&sample->schema);
    ck_assert_int_eq(ArrowSchemaSetType(&sample->schema, NANOARROW_TYPE_LIST), 0);
    ck_assert_int_eq(ArrowSchemaSetName(&sample->schema, "l"), 0);
    item = sample->schema.children[0];
    ck_assert_int_eq(ArrowSchemaSetTypeStruct(item, 2), 0);
    ck_assert_int_eq(ArrowSchemaSetName(item, "element"), 0);
    ck_assert_int_eq(ArrowSchemaSetType(item->children[0], NANOARROW_TYPE_INT64), 0);
    ck_assert_int_eq(ArrowSchemaSetName(item->children[0], "a"), 0);
    ck_assert_int_eq(ArrowSchemaSetType(item->children[1], NANOARROW_TYPE_STRING), 0);
    ck_assert_int_eq(ArrowSchemaSetName(item->children[1], "s"), 0);
    ck_assert_int_eq(ArrowArrayInitFromSchema(list, &sample->schema, NULL), 0);
    ck_assert_int_eq(ArrowArrayStartAppending(list), 0);
    for (int row = 0; row < 4; row++) {
        for (; n < ends[row]; n++) {
            ck_assert_int_eq(ArrowArrayAppendInt(list->children[0]->children[0], n + 1), 0);
            if (texts[n]) {
                ck_assert_int_eq(
                    ArrowArrayAppendString(list->children[0]->children[1], ArrowCharView(texts[n])),
                    0);
            } else {
                ck_assert_int_eq(ArrowArrayAppendNull(list->children[0]->children[1], 1), 0);
            }
            ck_assert_int_eq(ArrowArrayFinishElement(list->children[0]), 0);
        }
        ck_assert_int_eq(row == 2 ? ArrowArrayAppendNull(list, 1) : ArrowArrayFinishElement(list),
                         0);
    }
    ck_assert_int_eq(ArrowArrayFinishBuildingDefault(list, NULL), 0);
}

START_TEST(test_lists_of_structs_and_slices)
{
    _cleanup_(sample_done) struct sample sample = {0};

    build_list(&sample);
    sample_view(&sample);
    expect(&sample, 0, "[{\"a\":1,\"s\":\"x\"},{\"a\":2,\"s\":null}]",
           "[{\"a\":1,\"s\":\"x\"},{\"a\":2,\"s\":null}]");
    expect(&sample, 1, "[]", "[]");
    expect(&sample, 2, NULL, "null");
    expect(&sample, 3, "[{\"a\":3,\"s\":\"y\\\"z\"}]", "[{\"a\":3,\"s\":\"y\\\"z\"}]");
    /* the same rows of an array that starts later */
    sample.array.offset = 1;
    sample.array.length = 3;
    sample.array.null_count = -1;
    ck_assert_int_eq(ArrowArrayViewSetArray(&sample.view, &sample.array, NULL), 0);
    expect(&sample, 0, "[]", "[]");
    expect(&sample, 1, NULL, "null");
    expect(&sample, 2, "[{\"a\":3,\"s\":\"y\\\"z\"}]", "[{\"a\":3,\"s\":\"y\\\"z\"}]");
}
END_TEST

SUITE(cell_suite, "cell", test_doubles, test_decimals, test_lists_of_structs_and_slices)
