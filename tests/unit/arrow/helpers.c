#include "tests/unit/arrow/helpers.h"

#include "tests/unit/check.h"

static void append_word(struct ArrowArray *array, struct str word, bool number)
{
    int64_t value;
    int result;

    if (str_eq(word, STR("-"))) {
        result = ArrowArrayAppendNull(array, 1);
    } else if (number) {
        ck_assert(str_to_int64(word, &value));
        result = ArrowArrayAppendInt(array, value);
    } else {
        struct ArrowStringView view = {word.data, (int64_t)word.len};
        result = ArrowArrayAppendString(array, view);
    }
    ck_assert_int_eq(result, NANOARROW_OK);
}

struct arrow_column *make_column(const char *name, bool number, const char *const *chunks,
                                 size_t n_chunks)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    enum ArrowType type = number ? NANOARROW_TYPE_INT64 : NANOARROW_TYPE_STRING;
    struct ArrowSchema schema;
    struct arrow_column *column;

    ck_assert_int_eq(ArrowSchemaInitFromType(&schema, type), NANOARROW_OK);
    ck_assert_int_eq(ArrowSchemaSetName(&schema, name), NANOARROW_OK);
    ck_ok(arrow_column_new(&schema, &column, &err), &err);
    for (size_t i = 0; i < n_chunks; i++) {
        struct ArrowArray array;
        struct str rest = str_of(chunks[i]);
        ck_assert_int_eq(ArrowArrayInitFromType(&array, type), NANOARROW_OK);
        ck_assert_int_eq(ArrowArrayStartAppending(&array), NANOARROW_OK);
        while (rest.len > 0) {
            struct str word;
            (void)str_cut(rest, ' ', &word, &rest);
            append_word(&array, word, number);
        }
        ck_assert_int_eq(ArrowArrayFinishBuildingDefault(&array, NULL), NANOARROW_OK);
        ck_ok(arrow_column_append(column, &array, &err), &err);
    }
    return column;
}

static void print_value(const struct ArrowArrayView *view, int64_t i, struct buf *out);

static void print_range(const struct ArrowArrayView *view, int64_t from, int64_t to,
                        struct buf *out)
{
    buf_add_char(out, '[');
    for (int64_t i = from; i < to; i++) {
        buf_add_text(out, i > from ? ", " : "");
        print_value(view, i, out);
    }
    buf_add_char(out, ']');
}

static void print_value(const struct ArrowArrayView *view, int64_t i, struct buf *out)
{
    if (ArrowArrayViewIsNull(view, i)) {
        buf_add_char(out, '-');
        return;
    }
    if (view->dictionary) {
        print_value(view->dictionary, ArrowArrayViewGetIntUnsafe(view, i), out);
        return;
    }
    switch (view->storage_type) {
    case NANOARROW_TYPE_STRING:
    case NANOARROW_TYPE_LARGE_STRING: {
        struct ArrowStringView text = ArrowArrayViewGetStringUnsafe(view, i);
        buf_add(out, text.data, (size_t)text.size_bytes);
        break;
    }
    case NANOARROW_TYPE_BINARY:
    case NANOARROW_TYPE_FIXED_SIZE_BINARY:
    case NANOARROW_TYPE_LARGE_BINARY: {
        struct ArrowBufferView bytes = ArrowArrayViewGetBytesUnsafe(view, i);
        for (int64_t j = 0; j < bytes.size_bytes; j++) {
            buf_addf(out, "%02x", bytes.data.as_uint8[j]);
        }
        break;
    }
    case NANOARROW_TYPE_DECIMAL128: {
        struct ArrowDecimal decimal;
        ArrowDecimalInit(&decimal, 128, 38, 0);
        ArrowArrayViewGetDecimalUnsafe(view, i, &decimal);
        buf_addf(out, "%lld", (long long)ArrowDecimalGetIntUnsafe(&decimal));
        break;
    }
    case NANOARROW_TYPE_HALF_FLOAT:
    case NANOARROW_TYPE_FLOAT:
    case NANOARROW_TYPE_DOUBLE:
        buf_addf(out, "%g", ArrowArrayViewGetDoubleUnsafe(view, i));
        break;
    case NANOARROW_TYPE_STRUCT:
        buf_add_char(out, '{');
        for (int64_t j = 0; j < view->n_children; j++) {
            buf_add_text(out, j > 0 ? ", " : "");
            print_value(view->children[j], view->offset + i, out);
        }
        buf_add_char(out, '}');
        break;
    case NANOARROW_TYPE_LIST:
    case NANOARROW_TYPE_LARGE_LIST:
    case NANOARROW_TYPE_MAP:
        print_range(view->children[0], ArrowArrayViewListChildOffset(view, view->offset + i),
                    ArrowArrayViewListChildOffset(view, view->offset + i + 1), out);
        break;
    case NANOARROW_TYPE_FIXED_SIZE_LIST: {
        int64_t size = view->layout.child_size_elements;
        print_range(view->children[0], (view->offset + i) * size, (view->offset + i + 1) * size,
                    out);
        break;
    }
    default:
        buf_addf(out, "%lld", (long long)ArrowArrayViewGetIntUnsafe(view, i));
    }
}

void print_array(const struct ArrowSchema *schema, const struct ArrowArray *array, struct buf *out)
{
    struct ArrowArrayView view;
    struct ArrowError error = {0};

    ck_assert_int_eq(ArrowArrayViewInitFromSchema(&view, schema, NULL), NANOARROW_OK);
    ck_assert_int_eq(ArrowArrayViewSetArray(&view, array, NULL), NANOARROW_OK);
    ck_assert_msg(ArrowArrayViewValidate(&view, NANOARROW_VALIDATION_LEVEL_FULL, &error) ==
                      NANOARROW_OK,
                  "%s", error.message);
    for (int64_t i = 0; i < array->length; i++) {
        buf_add_text(out, i > 0 ? " " : "");
        print_value(&view, i, out);
    }
    ArrowArrayViewReset(&view);
}

void print_column(const struct arrow_column *column, struct buf *out)
{
    for (size_t i = 0; i < column->n_chunks; i++) {
        buf_add_text(out, i > 0 ? " | " : "");
        print_array(&column->schema, &column->chunks[i], out);
    }
}
