/* What a function gets must be what the table holds, and what it gives back must not be able to hurt us. */
#include "arrow/ipc.h"

#include <stdio.h>

#include "base/mem.h"
#include "tests/unit/arrow/helpers.h"
#include "tests/unit/check.h"

static int to_buf(void *arg, const void *bytes, size_t len, corrie_error *err)
{
    (void)err;
    buf_add(arg, bytes, len);
    return 0;
}

static void count_release(void *arg)
{
    ++*(int *)arg;
}

/* The bytes at an address that only malloc's alignment guarantees, exactly as long as they are. */
static char *exactly(struct str bytes)
{
    char *copy = mem_copy(bytes.data, bytes.len);
    ck_assert_ptr_nonnull(copy);
    return copy;
}

static void read_file(const char *name, struct buf *out)
{
    const char *root = getenv("CORRIE_SOURCE_ROOT");
    char path[4096];
    char chunk[4096];
    size_t n;

    snprintf(path, sizeof path, "%s/tests/unit/arrow/data/%s.arrows", root ? root : ".", name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    while ((n = fread(chunk, 1, sizeof chunk, file)) > 0) {
        buf_add(out, chunk, n);
    }
    fclose(file);
}

/* Decodes, prints all columns, encodes, decodes and prints again: the texts must agree. */
static void round_trip(struct str bytes, struct buf *text)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf encoded = {0};
    _cleanup_(buf_done) struct buf again = {0};
    int released = 0;
    struct arrow_table *table = NULL;

    for (int pass = 0; pass < 2; pass++) {
        _free_ char *copy = exactly(pass == 0 ? bytes : buf_str(&encoded));
        size_t len = pass == 0 ? bytes.len : encoded.len;
        struct buf *out = pass == 0 ? text : &again;
        ck_ok(ipc_decode(str_make(copy, len), (struct ipc_hold){count_release, &released}, "x",
                         &table, &err),
              &err);
        ck_assert_int_eq(released, table->n_rows > 0 ? pass : pass + 1);
        for (size_t i = 0; i < table->n_columns; i++) {
            buf_add_text(out, i > 0 ? "; " : "");
            print_column(table->columns[i], out);
        }
        if (pass == 0) {
            uint64_t written = 0;
            ck_ok(ipc_encode_table(table, to_buf, &encoded, &written, &err), &err);
            ck_assert_uint_eq(written, encoded.len);
        }
        arrow_table_unref(table);
        ck_assert_int_eq(released, pass + 1);
    }
    ck_assert_str_eq(buf_text(text), buf_text(&again));
}

START_TEST(streams_of_pyarrow_are_read)
{
    static const struct {
        const char *file;
        const char *text;
    } cases[] = {
        {"long", "1 - 3 | 4"},
        {"empty", ""},
        {"no_rows", ""},
        {"large_string", "a - \xc3\xa9\xf0\x9f\x98\x80 "},
        {"dictionary", "x y - x | z y"},
        {"dictionary_list", "[x, y] - [] [x, -]"},
        {"nested", "{[1, 2], [{k, 1.5}]} - {-, []}"},
        {"sliced", "b - dddd"},
        {"types", "1 - 0; -1 - 1; 1 - 4294967295; 1.5 - -2; 1.5 - nan; 150 - -9999; 19782 - -1; "
                  "36000000000 - 86340000000; 0 - 1; 0 - 1; 00ff - ; 61626364 - 65666768; "
                  "[1, 2] - [3, 4]"},
        {"duration", "1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_(buf_done) struct buf bytes = {0};
        _cleanup_(buf_done) struct buf text = {0};
        read_file(cases[i].file, &bytes);
        round_trip(buf_str(&bytes), &text);
        ck_assert_str_eq(buf_text(&text), cases[i].text);
    }
}
END_TEST

START_TEST(what_cannot_be_read_says_so)
{
    static const struct {
        const char *file;
        const char *part;
    } cases[] = {{"string_view", "string_view"}, {"compressed", "compressed"}, {"union", "union"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        _cleanup_(buf_done) struct buf bytes = {0};
        struct arrow_table *table = NULL;
        int released = 0;

        read_file(cases[i].file, &bytes);
        ck_assert_int_eq(ipc_decode(buf_str(&bytes), (struct ipc_hold){count_release, &released},
                                    "the output of f", &table, &err),
                         CORRIE_E_UNSUPPORTED);
        ck_assert_int_eq(released, 1);
        ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), cases[i].part));
        ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "the output of f"));
    }
}
END_TEST

/* A table that a function computed may carry the ids of its source twice. */
START_TEST(repeated_field_ids_are_dropped)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf bytes = {0};
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(arrow_table_unrefp) struct arrow_table *table = NULL;
    struct schema schema;

    read_file("field_ids", &bytes);
    ck_ok(ipc_decode(buf_str(&bytes), (struct ipc_hold){0}, "x", &table, &err), &err);
    ck_ok(arrow_table_schema(table, &arena, &schema, &err), &err);
    ck_assert_int_eq(schema.fields[0].id, 0);
    ck_assert_int_eq(schema.fields[1].id, 0);
    ck_assert(schema.fields[0].required && !schema.fields[1].required);
}
END_TEST

START_TEST(one_column_is_one_stream)
{
    static const char *const chunks[] = {"a b", "- dd"};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf bytes = {0};
    _cleanup_(buf_done) struct buf text = {0};
    struct arrow_column *column = make_column("w", false, chunks, 2);
    struct arrow_column *back = NULL;

    ck_ok(ipc_encode_column(column, to_buf, &bytes, NULL, &err), &err);
    arrow_column_unref(column);
    ck_ok(ipc_decode_column(buf_str(&bytes), (struct ipc_hold){0}, "x", &back, &err), &err);
    print_column(back, &text);
    ck_assert_str_eq(buf_text(&text), "a b | - dd");
    ck_str_eq(arrow_column_name(back), STR("w"));
    /* Zero copy, at places that vector instructions like. */
    for (size_t i = 0; i < back->n_chunks; i++) {
        for (int64_t j = 1; j < back->chunks[i].n_buffers; j++) {
            const char *buffer = back->chunks[i].buffers[j];
            ck_assert(buffer > bytes.data && buffer < bytes.data + bytes.len);
            ck_assert_uint_eq((size_t)(buffer - bytes.data) % 64, 0);
        }
    }
    arrow_column_unref(back);

    _cleanup_(buf_done) struct buf two = {0};
    read_file("types", &two);
    ck_fails(ipc_decode_column(buf_str(&two), (struct ipc_hold){0}, "x", &back, &err),
             CORRIE_E_DATA, &err);
}
END_TEST

/* Every slice of every kind of array must come out as the rows it stands for. */
START_TEST(slices_are_written_as_their_rows)
{
    static const char *const files[] = {"nested",          "types", "dictionary",
                                        "dictionary_list", "long",  "large_string"};
    for (size_t f = 0; f < ARRAY_LEN(files); f++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        _cleanup_(buf_done) struct buf bytes = {0};
        _cleanup_(arrow_table_unrefp) struct arrow_table *table = NULL;

        read_file(files[f], &bytes);
        ck_ok(ipc_decode(buf_str(&bytes), (struct ipc_hold){0}, "x", &table, &err), &err);
        for (int64_t rows = 1; rows <= 2; rows++) {
            _cleanup_(buf_done) struct buf encoded = {0};
            _cleanup_(arrow_table_unrefp) struct arrow_table *cut = NULL;
            _cleanup_(arrow_table_unrefp) struct arrow_table *back = NULL;
            struct ArrowArrayStream stream = {0};

            ck_ok(arrow_table_stream(table, rows, &stream, &err), &err);
            ck_ok(arrow_table_collect(&stream, NULL, &cut, &err), &err);
            ck_ok(ipc_encode_table(cut, to_buf, &encoded, NULL, &err), &err);
            ck_ok(ipc_decode(buf_str(&encoded), (struct ipc_hold){0}, "x", &back, &err), &err);
            ck_assert_uint_eq(back->n_columns, table->n_columns);
            for (size_t i = 0; i < cut->n_columns; i++) {
                _cleanup_(buf_done) struct buf expected = {0};
                _cleanup_(buf_done) struct buf actual = {0};
                print_column(cut->columns[i], &expected);
                print_column(back->columns[i], &actual);
                ck_assert_str_eq(buf_text(&expected), buf_text(&actual));
            }
        }
    }
}
END_TEST

/* Bits that do not begin at a byte. */
START_TEST(long_columns_with_nulls_in_odd_slices)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf words = {0};
    for (int i = 0; i < 1000; i++) {
        buf_addf(&words, i % 7 == 3 ? "%s-" : "%s%d", i > 0 ? " " : "", i);
    }
    const char *chunk = buf_text(&words);
    struct arrow_column *column = make_column("n", true, &chunk, 1);

    for (int64_t offset = 0; offset < 20; offset++) {
        _cleanup_(buf_done) struct buf bytes = {0};
        _cleanup_(buf_done) struct buf expected = {0};
        _cleanup_(buf_done) struct buf actual = {0};
        struct ArrowSchema schema = {0};
        struct ArrowArray slice = {0};
        struct arrow_column *part;
        struct arrow_column *back;

        ck_assert_int_eq(ArrowSchemaDeepCopy(&column->schema, &schema), NANOARROW_OK);
        ck_ok(arrow_column_new(&schema, &part, &err), &err);
        ck_ok(arrow_column_slice(column, 0, offset, 1000 - 3 * offset, &slice, &err), &err);
        print_array(&column->schema, &slice, &expected);
        ck_ok(arrow_column_append(part, &slice, &err), &err);
        ck_ok(ipc_encode_column(part, to_buf, &bytes, NULL, &err), &err);
        ck_ok(ipc_decode_column(buf_str(&bytes), (struct ipc_hold){0}, "x", &back, &err), &err);
        print_column(back, &actual);
        ck_assert_str_eq(buf_text(&expected), buf_text(&actual));
        ck_assert_int_gt(back->chunks[0].null_count, 100);
        arrow_column_unref(part);
        arrow_column_unref(back);
    }
    arrow_column_unref(column);
}
END_TEST

/* Decoding bytes with one of them changed, or some missing, ends in an error or a table, never elsewhere; what is
 * accepted can be read to its last value. */
static void try_bytes(struct str bytes)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _free_ char *copy = exactly(bytes);
    struct arrow_table *table = NULL;
    int released = 0;

    if (ipc_decode(str_make(copy, bytes.len), (struct ipc_hold){count_release, &released}, "x",
                   &table, &err) >= 0) {
        _cleanup_(buf_done) struct buf text = {0};
        ck_assert_int_eq(released, table->n_rows == 0 || table->n_columns == 0);
        for (size_t i = 0; i < table->n_columns; i++) {
            print_column(table->columns[i], &text);
        }
        arrow_table_unref(table);
    }
    ck_assert_int_eq(released, 1);
}

START_TEST(damaged_streams_do_no_harm)
{
    static const char *const files[] = {"nested", "dictionary", "sliced", "types", "union"};
    static const unsigned char masks[] = {0x01, 0x80, 0xff};

    for (size_t f = 0; f < ARRAY_LEN(files); f++) {
        _cleanup_(buf_done) struct buf bytes = {0};
        read_file(files[f], &bytes);
        for (size_t i = 0; i < bytes.len; i++) {
            for (size_t m = 0; m < ARRAY_LEN(masks); m++) {
                bytes.data[i] = (char)((unsigned char)bytes.data[i] ^ masks[m]);
                try_bytes(buf_str(&bytes));
                bytes.data[i] = (char)((unsigned char)bytes.data[i] ^ masks[m]);
            }
            try_bytes(str_slice(buf_str(&bytes), 0, i));
        }
    }
}
END_TEST

START_TEST(text_must_be_utf8)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf bytes = {0};
    struct arrow_table *table = NULL;

    read_file("large_string", &bytes);
    ptrdiff_t at = str_find_str(buf_str(&bytes), STR("\xc3\xa9"));
    ck_assert_int_gt(at, 0);
    bytes.data[at + 1] = 'x';
    ck_assert_int_eq(ipc_decode(buf_str(&bytes), (struct ipc_hold){0}, "x", &table, &err),
                     CORRIE_E_DATA);
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "column c"));
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "not UTF-8"));
}
END_TEST

static int fail_write(void *arg, const void *bytes, size_t len, corrie_error *err)
{
    (void)bytes;
    (void)len;
    return --*(int *)arg < 0 ? corrie_fail(err, CORRIE_E_NO_SPACE, "full") : 0;
}

START_TEST(a_full_disk_is_reported)
{
    static const char *const chunks[] = {"a b"};
    struct arrow_column *column = make_column("w", false, chunks, 1);
    int writes = 0;

    for (;; writes++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        int left = writes;
        int r = ipc_encode_column(column, fail_write, &left, NULL, &err);
        if (r >= 0) {
            break;
        }
        ck_assert_int_eq(r, CORRIE_E_NO_SPACE);
    }
    ck_assert_int_gt(writes, 5);
    arrow_column_unref(column);
}
END_TEST

static int fail_after(void *arg)
{
    return --*(int *)arg < 0;
}

START_TEST(memory_may_run_out_anywhere)
{
    _cleanup_(buf_done) struct buf bytes = {0};
    read_file("dictionary_list", &bytes);
    for (int k = 0; k < 200; k++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        struct arrow_table *table = NULL;
        int released = 0;
        int left = k;
        mem_set_fault(fail_after, &left);
        int r = ipc_decode(buf_str(&bytes), (struct ipc_hold){count_release, &released}, "x",
                           &table, &err);
        mem_set_fault(NULL, NULL);
        if (r >= 0) {
            arrow_table_unref(table);
        } else {
            ck_assert_int_eq(r, CORRIE_E_NO_MEMORY);
        }
        ck_assert_int_eq(released, 1);
    }
}
END_TEST

SUITE(ipc_suite, "ipc", streams_of_pyarrow_are_read, what_cannot_be_read_says_so,
      repeated_field_ids_are_dropped, one_column_is_one_stream, slices_are_written_as_their_rows,
      long_columns_with_nulls_in_odd_slices, damaged_streams_do_no_harm, text_must_be_utf8,
      a_full_disk_is_reported, memory_may_run_out_anywhere)
