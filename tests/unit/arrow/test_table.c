/* Columns that drift apart by a row pair every value with a stranger's. */
#include "arrow/table.h"

#include "tests/unit/arrow/helpers.h"
#include "tests/unit/check.h"

static const char *const numbers[] = {"1 2 3", "4", "", "5 - 7 8"};
static const char *const words[] = {"a b", "- dd e f g", "h"};

static struct arrow_table *sample(void)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct arrow_column *columns[2] = {make_column("n", true, numbers, 4),
                                       make_column("w", false, words, 3)};
    struct arrow_table *table;

    ck_ok(arrow_table_new(columns, 2, 8, &table, &err), &err);
    arrow_column_unref(columns[0]);
    arrow_column_unref(columns[1]);
    return table;
}

/* "rows of n / rows of w; …" for each batch. */
static void print_stream(struct ArrowArrayStream *stream, struct buf *out)
{
    _cleanup_(arrow_schema_done) struct ArrowSchema schema = {0};

    ck_assert_int_eq(stream->get_schema(stream, &schema), 0);
    for (;;) {
        _cleanup_(arrow_array_done) struct ArrowArray batch = {0};
        ck_assert_int_eq(stream->get_next(stream, &batch), 0);
        if (!batch.release) {
            return;
        }
        buf_add_text(out, out->len > 0 ? "; " : "");
        for (int64_t i = 0; i < batch.n_children; i++) {
            buf_add_text(out, i > 0 ? " / " : "");
            print_array(schema.children[i], batch.children[i], out);
        }
    }
}

START_TEST(batches_are_cut_where_any_column_is)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arrow_table_unrefp) struct arrow_table *table = sample();
    _cleanup_(arrow_stream_done) struct ArrowArrayStream stream = {0};
    _cleanup_(buf_done) struct buf text = {0};

    ck_ok(arrow_table_stream(table, 0, &stream, &err), &err);
    print_stream(&stream, &text);
    ck_assert_str_eq(buf_text(&text), "1 2 / a b; 3 / -; 4 / dd; 5 - 7 / e f g; 8 / h");
}
END_TEST

START_TEST(batches_have_at_most_the_rows_asked_for)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arrow_table_unrefp) struct arrow_table *table = sample();
    _cleanup_(arrow_stream_done) struct ArrowArrayStream stream = {0};
    _cleanup_(buf_done) struct buf text = {0};

    ck_ok(arrow_table_stream(table, 2, &stream, &err), &err);
    print_stream(&stream, &text);
    ck_assert_str_eq(buf_text(&text), "1 2 / a b; 3 / -; 4 / dd; 5 - / e f; 7 / g; 8 / h");
}
END_TEST

START_TEST(batches_outlive_table_and_stream)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct arrow_table *table = sample();
    struct ArrowArrayStream stream = {0};
    _cleanup_(arrow_schema_done) struct ArrowSchema schema = {0};
    _cleanup_(arrow_array_done) struct ArrowArray child = {0};
    _cleanup_(buf_done) struct buf text = {0};
    struct ArrowArray batch = {0};

    ck_ok(arrow_table_stream(table, 0, &stream, &err), &err);
    arrow_table_unref(table);
    ck_assert_int_eq(stream.get_schema(&stream, &schema), 0);
    ck_assert_int_eq(stream.get_next(&stream, &batch), 0);
    stream.release(&stream);
    ArrowArrayMove(batch.children[1], &child); /* as consumers may */
    batch.release(&batch);
    print_array(schema.children[1], &child, &text);
    ck_assert_str_eq(buf_text(&text), "a b");
}
END_TEST

START_TEST(a_collected_stream_is_the_table_again)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct arrow_table *table = sample();
    _cleanup_(arrow_table_unrefp) struct arrow_table *back = NULL;
    struct ArrowArrayStream stream = {0};
    _cleanup_(buf_done) struct buf text = {0};

    ck_ok(arrow_table_stream(table, 3, &stream, &err), &err);
    arrow_table_unref(table);
    ck_ok(arrow_table_collect(&stream, NULL, &back, &err), &err);
    ck_assert_ptr_null(stream.release);
    ck_assert_int_eq(back->n_rows, 8);
    print_column(back->columns[1], &text);
    ck_assert_str_eq(buf_text(&text), "a b | - | dd | e f g | h");
    ck_assert(arrow_table_bytes(back) > 0);
}
END_TEST

START_TEST(collecting_stops_when_asked)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arrow_table_unrefp) struct arrow_table *table = sample();
    struct arrow_table *back = NULL;
    struct ArrowArrayStream stream = {0};
    struct cancel cancel = {0};

    cancel_request(&cancel);
    ck_ok(arrow_table_stream(table, 0, &stream, &err), &err);
    ck_fails(arrow_table_collect(&stream, &cancel, &back, &err), CORRIE_E_CANCELLED, &err);
    ck_assert_ptr_null(stream.release);
}
END_TEST

START_TEST(columns_are_chosen_by_name)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arrow_table_unrefp) struct arrow_table *table = sample();
    _cleanup_(arrow_table_unrefp) struct arrow_table *part = NULL;
    _cleanup_(arena_done) struct arena arena = {0};
    struct str names[] = {STR("w"), STR("n"), STR("w")};
    struct str wrong[] = {STR("W")};
    struct schema schema;

    ck_ok(arrow_table_select(table, names, 3, &part, &err), &err);
    ck_assert_ptr_eq(part->columns[0], table->columns[1]);
    ck_assert_ptr_eq(part->columns[2], table->columns[1]);
    struct arrow_table *none = NULL;
    ck_assert_int_eq(arrow_table_select(table, wrong, 1, &none, &err), CORRIE_E_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(err.hint, "did you mean w"));
    corrie_error_clear(&err);
    ck_ok(arrow_table_schema(table, &arena, &schema, &err), &err);
    ck_assert_int_eq(schema.fields[0].type.kind, TYPE_LONG);
    ck_assert_int_eq(schema.fields[1].type.kind, TYPE_STRING);
}
END_TEST

START_TEST(columns_of_another_length_are_refused)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct arrow_column *column = make_column("n", true, numbers, 4);
    struct arrow_table *table = NULL;

    ck_fails(arrow_table_new(&column, 1, 7, &table, &err), CORRIE_E_DATA, &err);
    struct ArrowArray text;
    ck_assert_int_eq(ArrowArrayInitFromType(&text, NANOARROW_TYPE_STRING), NANOARROW_OK);
    text.length = 1;
    ck_fails(arrow_column_append(column, &text, &err), CORRIE_E_DATA, &err);
    ck_assert_ptr_null(text.release);
    arrow_column_unref(column);
}
END_TEST

START_TEST(a_table_without_columns_has_rows)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arrow_table_unrefp) struct arrow_table *table = NULL;
    _cleanup_(arrow_table_unrefp) struct arrow_table *back = NULL;
    struct ArrowArrayStream stream = {0};

    ck_ok(arrow_table_new(NULL, 0, 5, &table, &err), &err);
    ck_ok(arrow_table_stream(table, 2, &stream, &err), &err);
    ck_ok(arrow_table_collect(&stream, NULL, &back, &err), &err);
    ck_assert_int_eq(back->n_rows, 5);
}
END_TEST

SUITE(table_suite, "table", batches_are_cut_where_any_column_is,
      batches_have_at_most_the_rows_asked_for, batches_outlive_table_and_stream,
      a_collected_stream_is_the_table_again, collecting_stops_when_asked,
      columns_are_chosen_by_name, columns_of_another_length_are_refused,
      a_table_without_columns_has_rows)
