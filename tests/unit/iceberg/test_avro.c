/* The Avro subset: what other engines write is read, what is damaged is refused, never followed. */
#include <zstd.h>

#include "iceberg/avro.h"
#include "tests/unit/check.h"

static struct avro_cursor over(const void *bytes, size_t len)
{
    struct avro_cursor cursor;
    avro_cursor_init(&cursor, (struct str){bytes, len});
    return cursor;
}

START_TEST(numbers_are_zigzag)
{
    /* Avro specification, "Binary encoding" */
    static const struct {
        int64_t value;
        const char *bytes;
        size_t len;
    } vectors[] = {
        {0, "\x00", 1},
        {-1, "\x01", 1},
        {1, "\x02", 1},
        {-64, "\x7f", 1},
        {64, "\x80\x01", 2},
        {8192, "\x80\x80\x01", 3},
        {INT64_MAX, "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10},
        {INT64_MIN, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10},
    };
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        _cleanup_(buf_done) struct buf out = {0};
        struct avro_cursor cursor = over(vectors[i].bytes, vectors[i].len);

        avro_put_long(&out, vectors[i].value);
        ck_str_eq(buf_str(&out), str_make(vectors[i].bytes, vectors[i].len));
        ck_assert_int_eq(avro_read_long(&cursor), vectors[i].value);
        ck_assert(avro_cursor_ok(&cursor) && cursor.at == cursor.end);
    }
}
END_TEST

START_TEST(bad_values_stop_the_cursor)
{
    struct avro_cursor cursor = over("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10);
    (void)avro_read_long(&cursor);
    ck_assert(!avro_cursor_ok(&cursor)); /* 65 bits */

    cursor = over("\x80", 1);
    (void)avro_read_long(&cursor);
    ck_assert(!avro_cursor_ok(&cursor)); /* cut */

    cursor = over("\x0a"
                  "abc",
                  4);
    ck_assert_uint_eq(avro_read_bytes(&cursor).len, 0);
    ck_assert(!avro_cursor_ok(&cursor)); /* 5 bytes of 3 */

    cursor = over("\x01", 1);
    (void)avro_read_bytes(&cursor);
    ck_assert(!avro_cursor_ok(&cursor)); /* −1 bytes */
    /* and stays there */
    ck_assert_int_eq(avro_read_long(&cursor), 0);
}
END_TEST

/* Ten bytes that claim 2^62 empty records would otherwise keep a reader busy for years. */
START_TEST(work_is_bounded_by_the_bytes)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    const struct avro_type *type = NULL;
    struct avro_cursor cursor = over("\xfe\xff\xff\xff\xff\xff\xff\xff\x7f", 9);

    ck_ok(avro_schema_parse(STR("{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"r\","
                                "\"fields\":[]}}"),
                            "test", &arena, &type, &err),
          &err);
    avro_skip(&cursor, type);
    ck_assert(!avro_cursor_ok(&cursor));
}
END_TEST

START_TEST(deep_values_are_refused)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    const struct avro_type *type = NULL;
    char bytes[1000];
    struct avro_cursor cursor;

    /* a list: union branch 1 goes one deeper each time */
    ck_ok(
        avro_schema_parse(STR("{\"type\":\"record\",\"name\":\"l\",\"fields\":[{\"name\":\"next\","
                              "\"type\":[\"null\",\"l\"]}]}"),
                          "test", &arena, &type, &err),
        &err);
    memset(bytes, 2, sizeof bytes);
    cursor = over(bytes, sizeof bytes);
    avro_skip(&cursor, type);
    ck_assert(!avro_cursor_ok(&cursor));
    cursor = over("\x02\x02\x00", 3);
    avro_skip(&cursor, type);
    ck_assert(avro_cursor_ok(&cursor) && cursor.at == cursor.end);
}
END_TEST

START_TEST(unions_in_either_order_and_promotions)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    const struct avro_type *type = NULL;
    struct avro_cursor cursor = over("\x00\x54\x02", 3);
    int64_t value = -1;
    struct str text;

    ck_ok(avro_schema_parse(STR("[\"int\",\"null\"]"), "test", &arena, &type, &err), &err);
    ck_assert(avro_get_long(&cursor, type, &value));
    ck_assert_int_eq(value, 42);
    ck_assert(!avro_get_long(&cursor, type, &value) && avro_cursor_ok(&cursor)); /* null */

    cursor = over("\x00\x54", 2);
    ck_assert(!avro_get_bytes(&cursor, type, &text) && !avro_cursor_ok(&cursor));
    cursor = over("\x04", 1);
    ck_assert(!avro_get_long(&cursor, type, &value) && !avro_cursor_ok(&cursor)); /* no branch 2 */
}
END_TEST

START_TEST(bad_schemas_are_refused)
{
    static const char *const schemas[] = {
        "",
        "{",
        "null",
        "12",
        "[]",
        "{}",
        "\"nothing\"",
        "[\"null\",[\"int\"]]",
        "[\"null\",{\"type\":[\"int\"]}]",
        "{\"type\":\"record\",\"name\":\"r\"}",
        "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\"}]}",
        "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"type\":\"int\"}]}",
        "{\"type\":\"fixed\",\"name\":\"f\"}",
        "{\"type\":\"fixed\",\"name\":\"f\",\"size\":-1}",
        "{\"type\":\"array\"}",
        "{\"type\":\"map\"}",
        "[{\"type\":\"fixed\",\"name\":\"f\",\"size\":1},{\"type\":\"fixed\",\"name\":\"f\",\"size\":2}]",
    };
    for (size_t i = 0; i < ARRAY_LEN(schemas); i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        _cleanup_(arena_done) struct arena arena = {0};
        const struct avro_type *type = NULL;
        ck_fails(avro_schema_parse(str_of(schemas[i]), "test", &arena, &type, &err),
                 CORRIE_E_CORRUPT, &err);
    }
}
END_TEST

/* ---- containers ---- */

static const char one_field[] =
    "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"n\",\"type\":\"long\"}]}";

static int sum_record(void *arg, struct avro_cursor *cursor, const struct avro_type *type,
                      corrie_error *err)
{
    int64_t *sums = arg;
    int64_t value = 0;
    (void)err;
    (void)avro_get_long(cursor, type->fields[0].type, &value);
    sums[0]++;
    sums[1] += value;
    return 0;
}

static int read_container(struct str bytes, int64_t sums[2], corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct avro_file file;

    sums[0] = sums[1] = 0;
    int r = avro_file_open(bytes, "test.avro", &arena, &file, err);
    return r < 0 ? r : avro_file_each(&file, sum_record, sums, err);
}

/* A container by hand, as another writer might make it. */
static void by_hand(struct buf *out, const char *codec, int64_t count, struct str block)
{
    static const char sync[] = "0123456789abcdef";
    buf_add(out, "Obj\1", 4);
    avro_put_long(out, -2); /* a negative count announces the block's size */
    avro_put_long(out, 999);
    avro_put_bytes(out, STR("avro.schema"));
    avro_put_bytes(out, str_of(one_field));
    avro_put_bytes(out, STR("avro.codec"));
    avro_put_bytes(out, str_of(codec));
    avro_put_long(out, 0);
    buf_add(out, sync, 16);
    avro_put_long(out, count);
    avro_put_bytes(out, block);
    buf_add(out, sync, 16);
}

START_TEST(writes_what_it_reads)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf out = {0};
    _cleanup_(avro_writer_done) struct avro_writer writer = {0};
    _cleanup_(arena_done) struct arena arena = {0};
    const struct avro_pair pair = {STR("key"), STR("value")};
    struct avro_file file;
    struct str value;
    int64_t sums[2];

    ck_ok(avro_writer_begin(&writer, &out, str_of(one_field), &pair, 1, &err), &err);
    for (int i = 0; i < 1000000; i++) { /* more than one block */
        avro_put_long(&writer.block, i);
        ck_ok(avro_writer_record(&writer, &err), &err);
    }
    ck_ok(avro_writer_finish(&writer, &err), &err);
    ck_ok(read_container(buf_str(&out), sums, &err), &err);
    ck_assert_int_eq(sums[0], 1000000);
    ck_assert_int_eq(sums[1], INT64_C(499999500000));
    ck_ok(avro_file_open(buf_str(&out), "test.avro", &arena, &file, &err), &err);
    ck_assert(avro_file_metadata(&file, "key", &value));
    ck_str_eq(value, STR("value"));
    ck_assert(!avro_file_metadata(&file, "kez", &value));
}
END_TEST

START_TEST(reads_null_and_zstandard_and_names_the_rest)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    char packed[100];
    size_t n = ZSTD_compress(packed, sizeof packed, "\x02\x04\x06", 3, 1);
    const struct {
        const char *codec;
        struct str block;
    } good[] = {
        {"null", STR("\x02\x04\x06")}, {"", STR("\x02\x04\x06")}, {"zstandard", {packed, n}}};
    int64_t sums[2];

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        _cleanup_(buf_done) struct buf out = {0};
        by_hand(&out, good[i].codec, 3, good[i].block);
        ck_ok(read_container(buf_str(&out), sums, &err), &err);
        ck_assert_int_eq(sums[0], 3);
        ck_assert_int_eq(sums[1], 6);
    }

    _cleanup_(buf_done) struct buf out = {0};
    by_hand(&out, "snappy", 3, STR("\x02\x04\x06"));
    ck_assert_int_eq(read_container(buf_str(&out), sums, &err), CORRIE_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "snappy"));
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "test.avro"));
}
END_TEST

START_TEST(damage_is_found)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf whole = {0};
    int64_t sums[2];

    by_hand(&whole, "null", 3, STR("\x02\x04\x06"));
    size_t header = whole.len - 16 - 3 - 2;
    for (size_t len = 0; len < whole.len; len++) { /* cut at each byte */
        if (len == header) {
            continue; /* a file without blocks is whole */
        }
        ck_fails(read_container(str_make(whole.data, len), sums, &err), CORRIE_E_CORRUPT, &err);
    }
    for (int64_t count = 0; count < 6; count++) { /* another number of records than there are */
        _cleanup_(buf_done) struct buf out = {0};
        by_hand(&out, "null", count, STR("\x02\x04\x06"));
        if (count != 3) {
            ck_fails(read_container(buf_str(&out), sums, &err), CORRIE_E_CORRUPT, &err);
        }
    }
    whole.data[whole.len - 1] ^= 1; /* the sync marker */
    ck_fails(read_container(buf_str(&whole), sums, &err), CORRIE_E_CORRUPT, &err);

    static const char *const codecs[] = {"deflate", "zstandard"};
    for (size_t i = 0; i < ARRAY_LEN(codecs); i++) {
        _cleanup_(buf_done) struct buf out = {0};
        by_hand(&out, codecs[i], 3, STR("\x02\x04\x06"));
        ck_fails(read_container(buf_str(&out), sums, &err), CORRIE_E_CORRUPT, &err);
    }
}
END_TEST

SUITE(avro_suite, "avro", numbers_are_zigzag, bad_values_stop_the_cursor,
      work_is_bounded_by_the_bytes, deep_values_are_refused, unions_in_either_order_and_promotions,
      bad_schemas_are_refused, writes_what_it_reads, reads_null_and_zstandard_and_names_the_rest,
      damage_is_found)
