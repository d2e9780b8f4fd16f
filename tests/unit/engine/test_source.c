/* Files of others: what is found in them, what bad ones get. */
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"
#include "engine/json_scan.h"
#include "help.h"

static const struct engine_source_options no_options;

static struct engine_source describe(struct engine *engine, struct arena *arena, const char *path,
                                     const struct engine_source_options *options)
{
    struct engine_source source = {0};
    corrie_error err = CORRIE_ERROR_INIT;

    ck_ok(engine_describe(engine, str_of(path), options, arena, &source, &err), &err);
    return source;
}

/* "name type, …" of a file made of `text`. */
static const char *columns_of(struct engine *engine, const char *name, const char *text,
                              const struct engine_source_options *options)
{
    static struct buf out;
    struct arena arena = {0};
    const char *path = in_scratch(name);
    struct engine_source source;

    buf_clear(&out);
    write_file(path, text, strlen(text));
    source = describe(engine, &arena, path, options);
    for (size_t i = 0; i < source.columns.n_fields; i++) {
        buf_addf(&out, "%s%.*s ", i ? ", " : "", STR_FMT(source.columns.fields[i].name));
        type_print(&source.columns.fields[i].type, &out);
    }
    arena_done(&arena);
    return buf_text(&out);
}

static const char *read_all(struct engine *engine, const char *name,
                            const struct engine_source_options *options)
{
    struct arena arena = {0};
    struct engine_source source = describe(engine, &arena, in_scratch(name), options);
    _free_ char *sql = str_dup(source.relation);
    const char *rows = rows_of(engine, sql);

    arena_done(&arena);
    return rows;
}

/* `text` as gzip or zstd makes it. */
static void pack(struct str text, bool zstd, struct buf *ret)
{
    size_t room = ZSTD_compressBound(text.len) + compressBound(text.len) + 64;
    char *bytes = malloc(room);
    size_t len;

    ck_assert_ptr_nonnull(bytes);
    if (zstd) {
        len = ZSTD_compress(bytes, room, text.data, text.len, 3);
        ck_assert(!ZSTD_isError(len));
    } else {
        z_stream z = {.next_in = (unsigned char *)(uintptr_t)text.data,
                      .avail_in = (unsigned)text.len,
                      .next_out = (unsigned char *)bytes,
                      .avail_out = (unsigned)room};

        ck_assert_int_eq(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
        ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
        len = z.total_out;
        ck_assert_int_eq(deflateEnd(&z), Z_OK);
    }
    buf_clear(ret);
    buf_add(ret, bytes, len);
    free(bytes);
}

/* The failure of describing, else of importing what was described. */
static int import_error(struct engine *engine, const char *name, const char *bytes, size_t len,
                        const struct engine_source_options *options, corrie_error *err);

static int name_out(void *arg, unsigned ordinal, struct buf *ret, corrie_error *err)
{
    (void)arg;
    (void)ordinal;
    (void)err;
    buf_addf(ret, "%s/imported.parquet", scratch());
    return 0;
}

static int import(struct engine *engine, const char *path,
                  const struct engine_source_options *options, struct schema *target,
                  corrie_error *err)
{
    struct arena arena = {0};
    struct engine_source source;
    struct engine_written *files;
    struct str sql;
    size_t n;
    int last = 0;
    int r = engine_describe(engine, str_of(path), options, &arena, &source, err);

    if (r == 0 && !target) {
        target = &source.columns;
        schema_assign_ids(target, &last);
    }
    if (r == 0) {
        r = engine_source_select(engine, &source, target, 0, -1, &arena, &sql, err);
    }
    if (r == 0) {
        const struct engine_write write = {.sql = sql, .schema = target, .path = name_out};

        r = engine_write_parquet(engine, &write, &arena, &files, &n, err);
        ck_assert(r == 0 || !file_exists(in_scratch("imported.parquet")));
        if (r < 0) {
            ck_assert_int_eq(engine_source_failed(engine, &source, err), r);
        }
    }
    arena_done(&arena);
    return r;
}

static int import_error(struct engine *engine, const char *name, const char *bytes, size_t len,
                        const struct engine_source_options *options, corrie_error *err)
{
    const char *path = in_scratch(name);

    write_file(path, bytes, len);
    return import(engine, path, options, NULL, err);
}

START_TEST(test_csv_types)
{
    /* types are what the text says, and nothing that it might say */
    struct engine *engine = engine_plain();

    ck_assert_str_eq(
        columns_of(engine, "t.csv",
                   "i,f,b,d,ts,tz,tm,us,zip,mixed,none,big\n"
                   "1,1.5,true,2024-02-29,2024-02-29T10:00:00,2024-02-29 10:00:00Z,10:00:00,"
                   "1/1/2017,007,1,,99999999999999999999\n"
                   "-2,2,FALSE,2023-01-01,2023-01-01,2023-01-01T00:00:00+02:00,23:59:59.5,"
                   "1/2/2017,123,x,,1\n",
                   &no_options),
        "i long, f double, b boolean, d date, ts timestamp, tz timestamptz, tm time, us string, "
        "zip string, mixed string, none string, big string");
    ck_assert_str_eq(columns_of(engine, "d.csv", "d\n2024-02-30\n2024-02-28\n", &no_options),
                     "d string");
    ck_assert_str_eq(columns_of(engine, "n.csv", "1,a\n2,b\n", &no_options),
                     "column0 long, column1 string");
    ck_assert_str_eq(columns_of(engine, "h.csv", "name,city\nann,oslo\n", &no_options),
                     "name string, city string");
    ck_assert_str_eq(columns_of(engine, "e.csv", "name,\nann,1\n", &no_options),
                     "name string, column1 long");
    ck_assert_str_eq(columns_of(engine, "o.csv", "a,b\n", &no_options), "a string, b string");
    ck_assert_str_eq(columns_of(engine, "one.csv", "text\nhello; world\nx\n", &no_options),
                     "text string");
    ck_assert_str_eq(columns_of(engine, "x.tsv", "a\tb\n1\t2,3\n", &no_options),
                     "a long, b string");
    ck_assert_str_eq(columns_of(engine, "s.csv", "a;b\n1;2,5\n2;3,5\n", &no_options),
                     "a long, b string");
    ck_assert_str_eq(columns_of(engine, "p.csv", "a|b\n1|2\n", &no_options), "a long, b long");
    ck_assert_str_eq(columns_of(engine, "q.csv", "\"a,b\",\"c\"\"d\"\n1,2\n", &no_options),
                     "a,b long, c\"d long");
    ck_assert_str_eq(columns_of(engine, "bom.csv",
                                "\xef\xbb\xbf"
                                "a,b\r\n1,2\r\n3,4\r\n",
                                &no_options),
                     "a long, b long");
    ck_assert_str_eq(read_all(engine, "bom.csv", &no_options), "1|2\n3|4");
    ck_assert_str_eq(read_all(engine, "q.csv", &no_options), "1|2");
    ck_assert_str_eq(read_all(engine, "n.csv", &no_options), "1|a\n2|b");
    engine_close(engine);
}
END_TEST

START_TEST(test_csv_values)
{
    struct engine *engine = engine_plain();
    struct str nulls[] = {STR("NA"), STR("-")};
    const struct engine_source_options with_nulls = {.nulls = nulls, .n_nulls = 2};
    const struct engine_source_options us = {.date_format = STR("%m/%d/%Y")};
    const struct engine_source_options named = {.columns = STR("\"a b\" DECIMAL(10, 2), c VARCHAR"),
                                                .header = ENGINE_OFF};
    const struct engine_source_options dialect = {
        .delimiter = STR("::"), .quote = STR("'"), .header = ENGINE_ON};

    columns_of(engine, "null.csv", "a,b\n1,NA\n-,x\n,\"y, \"\"z\"\"\"\nNA,\"two\nlines\"\n",
               &with_nulls);
    ck_assert_str_eq(read_all(engine, "null.csv", &with_nulls),
                     "1|null\nnull|x\nnull|y, \"z\"\nnull|two\nlines");
    ck_assert_str_eq(columns_of(engine, "us.csv",
                                "a,iso,n\n12/31/2016,2017-01-02,1\n1/2/2017,2017-01-03,2\n", &us),
                     "a date, iso date, n long");
    ck_assert_str_eq(read_all(engine, "us.csv", &us), "17166|17168|1\n17168|17169|2");
    ck_assert_str_eq(columns_of(engine, "named.csv", "1.5,x\n2,y\n", &named),
                     "a b decimal(10, 2), c string");
    ck_assert_str_eq(read_all(engine, "named.csv", &named), "1.50|x\n2.00|y");
    ck_assert_str_eq(columns_of(engine, "dialect.csv", "1::'a::b'\n2::c\n", &dialect),
                     "1 long, a::b string");
    engine_close(engine);
}
END_TEST

START_TEST(test_csv_bad)
{
    /* a bad line is named by file and number, and nothing is imported */
    static const struct {
        const char *text;
        const char *says;
        long line;
    } cases[] = {
        {"a,b,c\n1,2,3\n4,5\n6,7,8\n", "line 3 has 2 columns, expected 3", 3},
        {"a,b\n1,2\n4,5,6,7\n", "line 3 has more than 2 columns", 3},
        /* lines as an editor counts them, though values hold line ends */
        {"a,b\n1,\"x\ny\nz\"\n2,\"p\nq\"\n\n3,4,5\n", "line 8 has more than 2", 8},
        {"a,b\r\n1,\"x\r\ny\"\r\n3,4,5\r\n", "line 4 has more than 2", 4},
        {"a,b\n1,x\n2,caf\xe9\n3,y\n", "line 3 is not UTF-8", 3},
        {"a,b\n1,\"x\n2,y\n", "a quoted value has no end", 2},
        {"a,A\n1,2\n", "both named A", 0},
        {"\n\n\n", "is empty", 0},
        {"PK\x03\x04 and so on\n", "a ZIP or Excel file, not CSV", 0},
        {"PAR1 and so on\n", "a Parquet file, not CSV", 0},
    };
    struct engine *engine = engine_plain();
    struct buf late = {0};
    corrie_error err = CORRIE_ERROR_INIT;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int r = import_error(engine, "bad.csv", cases[i].text, strlen(cases[i].text), &no_options,
                             &err);

        ck_assert_msg(r == CORRIE_E_DATA && strstr(corrie_error_message(&err), cases[i].says) &&
                          strstr(corrie_error_message(&err), "bad.csv"),
                      "%s: %s (%s)", cases[i].text, corrie_error_message(&err),
                      corrie_code_name(r));
        ck_assert_msg(err.position.line == cases[i].line, "%s: line %ld", cases[i].text,
                      err.position.line);
        ck_assert_ptr_null(strstr(corrie_error_message(&err), "Possible"));
        corrie_error_clear(&err);
    }
    /* far behind what was looked at */
    for (int pass = 0; pass < 4; pass++) {
        static const char *const tails[] = {"7,caf\xe9\n", "7\n", "x,y\n", "7,\"y\n"};
        static const char *const says[] = {"is not UTF-8", "has 1 columns",
                                           "column a: 'x' is not BIGINT",
                                           "a quoted value has no end"};

        buf_clear(&late);
        buf_add_text(&late, "a,b\n");
        for (int i = 0; i < 100000; i++) {
            buf_add_text(&late, "1,x\n");
        }
        buf_add_text(&late, tails[pass]);
        int r = import_error(engine, "late.csv", late.data, late.len, &no_options, &err);

        ck_assert_msg(r == CORRIE_E_DATA && strstr(corrie_error_message(&err), says[pass]),
                      "%d: %s", pass, corrie_error_message(&err));
        ck_assert_int_eq(err.position.line, 100002);
        corrie_error_clear(&err);
    }
    ck_fails(import_error(engine, "empty.csv", "", 0, &no_options, &err), CORRIE_E_DATA, &err);
    ck_fails(import_error(engine, "nul.csv", "a,b\n1,\0\n", 8,
                          &(struct engine_source_options){.columns = STR("a BIGINT")}, &err),
             CORRIE_E_DATA, &err);
    ck_fails(import(engine, in_scratch("nothing.csv"), &no_options, NULL, &err), CORRIE_E_NOT_FOUND,
             &err);
    ck_assert_str_eq(rows_of(engine, "SELECT 1"), "1");
    buf_done(&late);
    engine_close(engine);
}
END_TEST

/* A table that has the value, or the message that it has none. */
static const char *value_of(struct engine *engine, const char *type, const char *text, bool json)
{
    static char said[4096];
    const char *name = in_scratch(json ? "value.jsonl" : "value.csv");
    struct arena arena = {0};
    _cleanup_(buf_done) struct buf bytes = {0};
    _cleanup_(buf_done) struct buf column = {0};
    struct schema target;
    corrie_error err = CORRIE_ERROR_INIT;
    int last = 0;

    buf_addf(&column, "a %s;z VARCHAR", type);
    target = schema_of(&arena, buf_text(&column));
    schema_assign_ids(&target, &last);
    /* the line before keeps the type from being found by the value */
    buf_addf(&bytes, json ? "{\"a\": null}\n{\"a\": %s}\n" : "a,z\n,\n\"%s\",x\n", text);
    write_file(name, bytes.data, bytes.len);
    if (import(engine, name, &no_options, &target, &err) < 0) {
        ck_assert_int_eq(err.code, CORRIE_E_DATA);
        ck_assert_int_eq(err.position.line, json ? 2 : 3);
        snprintf(said, sizeof said, "%s", corrie_error_message(&err));
    } else {
        buf_clear(&column);
        buf_addf(&column, "SELECT CAST(a AS VARCHAR) FROM read_parquet('%s') OFFSET 1",
                 in_scratch("imported.parquet"));
        snprintf(said, sizeof said, "%s", rows_of(engine, buf_text(&column)));
    }
    corrie_error_clear(&err);
    arena_done(&arena);
    return said;
}

START_TEST(test_nothing_is_changed)
{
    /* a value that a column has no room for would be another one, and nobody would know */
    static const struct {
        const char *type;
        const char *text;
        const char *says; /* NULL: refused */
    } cases[] = {
        {"BIGINT", "7", "7"},
        {"BIGINT", "-4.00", "-4"},
        {"BIGINT", "1e3", "1000"},
        {"BIGINT", "120e-1", "12"},
        {"BIGINT", "0.0", "0"},
        {"BIGINT", "9223372036854775807", "9223372036854775807"},
        {"BIGINT", "-9223372036854775808", "-9223372036854775808"},
        {"BIGINT", "2.5", NULL},
        {"BIGINT", "-0.1", NULL},
        {"BIGINT", "15e-1", NULL},
        {"BIGINT", "9223372036854775808", NULL},
        {"BIGINT", "1e19", NULL},
        {"INTEGER", "2147483648", NULL},
        {"INTEGER", "2147483647", "2147483647"},
        {"DECIMAL(10,2)", "1.50", "1.50"},
        {"DECIMAL(10,2)", "1.500", "1.50"},
        {"DECIMAL(10,2)", "125e-2", "1.25"},
        {"DECIMAL(10,2)", "0.00000000125e10", "12.50"},
        {"DECIMAL(10,2)", "-0.00005e3", "-0.05"},
        {"DECIMAL(10,2)", "1.2345e3", "1234.50"},
        {"DECIMAL(10,2)", "0e5", "0.00"},
        {"DECIMAL(10,2)", "1e40", NULL},
        {"DECIMAL(10,2)", "1.005", NULL},
        {"DECIMAL(10,2)", "123456789.5", NULL},
    };
    static const struct {
        const char *type;
        const char *text;
        const char *says; /* NULL: refused */
    } times[] = {
        {"DATE", "2024-02-29", "2024-02-29"},
        {"DATE", "2024-02-29 00:00:00", "2024-02-29"},
        {"DATE", "2024-02-29T00:00:00Z", "2024-02-29"},
        {"DATE", "2024-02-29 00:00:01", NULL},
        {"DATE", "2024-02-29 05", NULL},
        {"DATE", "2024-02-29 noon", NULL},
        {"DATE", "2024-02-29+05", NULL},
        {"TIME", "10:00:00.123456", "10:00:00.123456"},
        {"TIME", "10:00:00.1234567", NULL},
        {"TIME", "10:00:00Z", "10:00:00"},
        {"TIME", "10:00:00+02", NULL},
        {"TIME", "10:00:00-02:00", NULL},
        {"TIME", "10:00:00 PM", NULL},
        {"TIME", "2024-02-29 10:00:00", NULL},
        {"TIMESTAMP", "2024-02-29T10:00:00.123456000", "2024-02-29 10:00:00.123456"},
        {"TIMESTAMP", "2024-02-29T10:00:00.123456001", NULL},
        {"TIMESTAMP", "2024-02-29T10:00:00+02:00", "2024-02-29 08:00:00"},
        {"TIMESTAMP", "2024-02-29T10:00:00Z", "2024-02-29 10:00:00"},
        {"TIMESTAMP", "2024-02-29", "2024-02-29 00:00:00"},
    };
    struct engine *engine = engine_plain();
    char text[100];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0] * 3; i++) {
        int way = (int)(i % 3); /* CSV, JSON, a string in JSON */
        const char *says;

        snprintf(text, sizeof text, way == 2 ? "\"%s\"" : "%s", cases[i / 3].text);
        says = value_of(engine, cases[i / 3].type, text, way > 0);
        /* that a number is too large the reader of JSON says itself */
        ck_assert_msg(cases[i / 3].says ? strcmp(says, cases[i / 3].says) == 0
                                        : strstr(says, "column a: ") || strstr(says, "cast value"),
                      "%s as %s, way %d: %s", text, cases[i / 3].type, way, says);
    }
    for (size_t i = 0; i < sizeof times / sizeof times[0] * 2; i++) {
        bool json = i % 2;
        const char *says;

        snprintf(text, sizeof text, json ? "\"%s\"" : "%s", times[i / 2].text);
        says = value_of(engine, times[i / 2].type, text, json);
        ck_assert_msg(times[i / 2].says ? strcmp(says, times[i / 2].says) == 0
                                        : strstr(says, "column a: ") && strstr(says, " is not "),
                      "%s as %s: %s", text, times[i / 2].type, says);
    }
    /* digits that a number of JSON cannot keep, and a string can */
    ck_assert_ptr_nonnull(
        strstr(value_of(engine, "DECIMAL(20,2)", "123456789012345678.25", true), " is not "));
    ck_assert_str_eq(value_of(engine, "DECIMAL(20,2)", "\"123456789012345678.25\"", true),
                     "123456789012345678.25");
    ck_assert_str_eq(value_of(engine, "DECIMAL(20,2)", "123456789012345678.25", false),
                     "123456789012345678.25");
    engine_close(engine);
}
END_TEST

START_TEST(test_nothing_is_changed_inside)
{
    static const struct {
        const char *type;
        const char *text;
        const char *says;
    } cases[] = {
        {"STRUCT(x BIGINT, y DOUBLE)", "{\"x\": 1.0, \"y\": 0.5}", "{'x': 1, 'y': 0.5}"},
        {"STRUCT(x BIGINT, y DOUBLE)", "{\"x\": 1.5, \"y\": 0.5}", "column a.x: 1.5 is not BIGINT"},
        {"STRUCT(x BIGINT, y DOUBLE)", "null", "null"},
        {"STRUCT(x STRUCT(y DECIMAL(4,1)[]))", "{\"x\": {\"y\": [1, null, 2.5]}}",
         "{'x': {'y': [1.0, NULL, 2.5]}}"},
        {"STRUCT(x STRUCT(y DECIMAL(4,1)[]))", "{\"x\": {\"y\": [1, null, 2.25]}}",
         "column a.x.y.element: 2.25 is not DECIMAL(4,1)"},
        {"MAP(VARCHAR, INTEGER)", "{\"k\": 1, \"l\": null}", "{k=1, l=NULL}"},
        {"MAP(VARCHAR, INTEGER)", "{\"k\": 1, \"l\": 0.5}", "column a.value: 0.5 is not INTEGER"},
        {"BIGINT[]", "[]", "[]"},
        {"BIGINT[][]", "[[1], [2, 3.5]]", "column a.element.element: 3.5 is not BIGINT"},
    };
    struct engine *engine = engine_plain();

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *says = value_of(engine, cases[i].type, cases[i].text, true);

        ck_assert_msg(strstr(says, cases[i].says), "%s as %s: %s", cases[i].text, cases[i].type,
                      says);
    }
    engine_close(engine);
}
END_TEST

START_TEST(test_packed_bad)
{
    /* a download that broke off must not become a table of half the rows */
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct buf text = {0};
    struct buf packed = {0};
    corrie_error err = CORRIE_ERROR_INIT;

    buf_add_text(&text, "a,b\n");
    for (int i = 0; i < 50000; i++) {
        buf_addf(&text, "%d,%d\n", i, i * 7919 % 10007);
    }
    for (int zstd = 0; zstd < 2; zstd++) {
        const char *name = zstd ? "cut.csv.zst" : "cut.csv.gz";

        pack(buf_str(&text), zstd, &packed);
        write_file(in_scratch(name), packed.data, packed.len);
        ck_assert_uint_eq(describe(engine, &arena, in_scratch(name), &no_options).columns.n_fields,
                          2);
        for (size_t keep = 8; keep < packed.len; keep += packed.len / 7) {
            int r = import_error(engine, name, packed.data, keep, &no_options, &err);

            ck_assert_msg(r == CORRIE_E_DATA && strstr(corrie_error_message(&err), "is cut off") &&
                              strstr(corrie_error_message(&err), name),
                          "%s cut at %zu: %s", name, keep, corrie_error_message(&err));
            corrie_error_clear(&err);
        }
        ck_assert_int_eq(import_error(engine, name, packed.data, packed.len - 1, &no_options, &err),
                         CORRIE_E_DATA);
        corrie_error_clear(&err);
    }
    buf_done(&text);
    buf_done(&packed);
    arena_done(&arena);
    engine_close(engine);
}
END_TEST

START_TEST(test_parquet_source)
{
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct schema schema = schema_of(&arena, "a INTEGER;b VARCHAR;st STRUCT(x DOUBLE)");
    struct schema wider = schema_of(&arena, "B VARCHAR;a BIGINT;new DATE");
    struct engine_written *files;
    struct engine_source source;
    struct str sql;
    corrie_error err = CORRIE_ERROR_INIT;
    static char bytes[20000];
    FILE *in;
    size_t len;

    write_parquet(engine, "SELECT k, 'v' || k, {'x': 1.5} FROM range(1000) t(k)", &schema, "src", 0,
                  &arena, &files);
    source = describe(engine, &arena, in_scratch("src-0.parquet"), &no_options);
    ck_assert_int_eq(source.rows, 1000);
    ck_assert_int_eq(source.format, ENGINE_FORMAT_PARQUET);
    ck_assert_uint_eq(source.columns.n_fields, 3);
    ck_fails(engine_source_select(engine, &source, &wider, 0, -1, &arena, &sql, &err),
             CORRIE_E_DATA, &err);
    source.columns.n_fields = 2;
    ck_ok(engine_source_select(engine, &source, &wider, 990, 5, &arena, &sql, &err), &err);
    _free_ char *text = str_dup(sql);
    ck_assert_str_eq(rows_of(engine, text),
                     "v990|990|null\nv991|991|null\nv992|992|null\nv993|993|null\nv994|994|null");
    /* cut anywhere, it is an error that names the file */
    in = fopen(in_scratch("src-0.parquet"), "rb");
    len = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    for (size_t cut = 1; cut < len; cut += 97) {
        int r = import_error(engine, "cut.parquet", bytes, cut, &no_options, &err);

        ck_assert_msg(r == CORRIE_E_DATA && strstr(corrie_error_message(&err), "cut.parquet"),
                      "cut at %zu: %s", cut, corrie_error_message(&err));
        corrie_error_clear(&err);
    }
    ck_fails(
        import_error(engine, "text.parquet", "hello, this is some text", 24, &no_options, &err),
        CORRIE_E_DATA, &err);
    memset(bytes + 100, 0, 1000);
    ck_fails(import_error(engine, "zeroed.parquet", bytes, len, &no_options, &err), CORRIE_E_DATA,
             &err);
    rows_of(engine, "SELECT 1");
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

START_TEST(test_json)
{
    struct engine *engine = engine_plain();
    corrie_error err = CORRIE_ERROR_INIT;
    static const char broken[] = "{\"a\":1}\n{\"a\":2\n{\"a\":3}\n";
    static const char keys[] = "{\"a\":1,\"A\":2}\n";
    static const char utf8[] = "{\"a\":\"caf\xe9\"}\n";

    ck_assert_str_eq(columns_of(engine, "a.jsonl",
                                "{\"a\":1,\"d\":\"2020-01-02\",\"u\":\"1/2/2020\"}\n"
                                "{\"a\":2,\"s\":{\"x\":[1,2]}}\n",
                                &no_options),
                     "a long, d date, u string, s struct<x: list<long>>");
    ck_assert_str_eq(read_all(engine, "a.jsonl", &no_options),
                     "1|18263|1/2/2020|null\n2|null|null|{x:[1,2]}");
    ck_assert_str_eq(
        columns_of(engine, "b.json", "[{\"a\":1,\"a_1\":3},\n {\"a\":2.5}]", &no_options),
        "a double, a_1 long");
    ck_assert_str_eq(read_all(engine, "b.json", &no_options), "1|3\n2.5|null");
    ck_assert_int_eq(import_error(engine, "c.jsonl", broken, strlen(broken), &no_options, &err),
                     CORRIE_E_DATA);
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "c.jsonl: line "));
    corrie_error_clear(&err);
    ck_fails(import_error(engine, "d.jsonl", keys, strlen(keys), &no_options, &err), CORRIE_E_DATA,
             &err);
    ck_fails(import_error(engine, "e.jsonl", utf8, strlen(utf8), &no_options, &err), CORRIE_E_DATA,
             &err);
    ck_fails(import_error(engine, "f.json", "[]", 2, &no_options, &err), CORRIE_E_DATA, &err);
    ck_fails(import_error(engine, "g.json", "[1, 2]", 6, &no_options, &err), CORRIE_E_DATA, &err);
    engine_close(engine);
}
END_TEST

/* One that may copy. */
static struct engine *engine_spilling(void)
{
    corrie_error err = CORRIE_ERROR_INIT;
    struct engine *engine;

    ck_ok(engine_open(&(struct engine_options){.threads = 2, .temp_dir = str_of(scratch())},
                      &engine, &err),
          &err);
    return engine;
}

/* Columns of a file as we find them, and as DuckDB does from all of its records. */
static void check_same_columns(struct engine *engine, const char *name, struct str bytes)
{
    struct arena arena = {0};
    struct buf ours = {0};
    struct buf theirs = {0};
    corrie_error err = CORRIE_ERROR_INIT;
    struct engine_source source;

    write_file(in_scratch(name), bytes.data, bytes.len);
    ck_ok(engine_describe(engine, str_of(in_scratch(name)), &no_options, &arena, &source, &err),
          &err);
    for (size_t i = 0; i < source.columns.n_fields; i++) {
        buf_addf(&ours, "%s%.*s %.*s", i ? ", " : "", STR_FMT(source.columns.fields[i].name),
                 STR_FMT(source.sql_types[i]));
    }
    buf_addf(
        &theirs,
        "SELECT string_agg(column_name || ' ' || column_type, ', ') FROM (DESCRIBE SELECT * FROM "
        "read_json('%s', sample_size = -1, dateformat = '%%Y-%%m-%%d'))",
        in_scratch(name));
    ck_assert_msg(str_eq(buf_str(&ours), str_of(rows_of(engine, buf_text(&theirs)))),
                  "%s, DuckDB: %s; the last 40 bytes: %s", buf_text(&ours),
                  rows_of(engine, buf_text(&theirs)), bytes.data + bytes.len - 40);
    buf_done(&ours);
    buf_done(&theirs);
    arena_done(&arena);
}

START_TEST(test_json_late)
{
    /* what the last of many records alone has is found: no key, and no value that its column would not take */
    static const char *const cases[][2] = {
        {"{\"a\":1}", "{\"a\":1,\"b\":{\"c\":[1.5]}}"},
        {"{\"a\":1}", "{\"a\":1.5}"},
        {"{\"a\":1}", "{\"a\":1e3}"},
        {"{\"a\":1}", "{\"a\":18446744073709551615}"},
        {"{\"a\":1}", "{\"a\":99999999999999999999}"},
        {"{\"a\":1}", "{\"a\":\"x\"}"},
        {"{\"a\":null}", "{\"a\":true}"},
        {"{\"t\":\"2024-01-01\"}", "{\"t\":\"soon\"}"},
        {"{\"t\":\"2024-01-01\"}", "{\"t\":\"\"}"},
        {"{\"t\":\"2024-01-01\"}", "{\"t\":\"2024-13-45\"}"},
        {"{\"t\":\"2024-01-01\"}", "{\"t\":\"2024-01-01 10:00:00\"}"},
        {"{\"t\":\"2024-01-01\"}", "{\"t\":\"2024\\u002d01-01x\"}"},
        {"{\"t\":\"01-02-2024\"}\n{\"t\":\"02-01-2024\"}", "{\"t\":\"13-01-2024\"}"},
        {"{\"t\":\"01-02-2024\"}\n{\"t\":\"02-01-2024\"}", "{\"t\":\"99-99-2024\"}"},
        {"{\"t\":\"10:00:00\"}", "{\"t\":\"25:00:00\"}"},
        {"{\"u\":\"6f2c1a34-9a0e-4a55-8c59-0b9d3a1f2e10\"}", "{\"u\":\"6f2c1a34\"}"},
        {"{\"a\":{\"x\":1}}", "{\"a\":[{\"x\":1}]}"},
        {"{\"a\":[1]}", "{\"a\":[null,\"x\"]}"},
        {"{\"a\":[]}", "{\"a\":[{}]}"},
    };
    struct engine *engine = engine_spilling();

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf file = {0};

        for (int k = 0; k < 300; k++) {
            buf_addf(&file, "%s\n", cases[i][0]);
        }
        buf_addf(&file, "%s", cases[i][1]);
        check_same_columns(engine, "late.jsonl", buf_str(&file));
        buf_done(&file);
    }
    engine_close(engine);
}
END_TEST

START_TEST(test_json_maps)
{
    /* whether objects are maps hangs on how often their keys come, which records with something new do not tell */
    struct engine *engine = engine_spilling();

    for (int keys = 2; keys < 40; keys += 3) {
        struct buf file = {0};

        for (int k = 0; k < 400; k++) {
            buf_addf(&file, "{\"id\":%d,\"m\":{\"k%d\":%d}}\n", k, k % keys, k);
        }
        check_same_columns(engine, "maps.jsonl", buf_str(&file));
        buf_done(&file);
    }
    engine_close(engine);
}
END_TEST

START_TEST(test_json_wide)
{
    /* records of many numbers are a wide table, not a map that no table can be of */
    struct engine *engine = engine_spilling();
    struct engine_source source;
    struct arena arena = {0};
    corrie_error err = CORRIE_ERROR_INIT;
    struct buf file = {0};

    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 250; k++) {
            buf_addf(&file, "%s\"k%d\":%d.5", k ? "," : "{", k, i * k);
        }
        buf_add_text(&file, "}\n");
    }
    write_file(in_scratch("wide.jsonl"), file.data, file.len);
    ck_ok(engine_describe(engine, str_of(in_scratch("wide.jsonl")), &no_options, &arena, &source,
                          &err),
          &err);
    ck_assert_uint_eq(source.columns.n_fields, 250);
    ck_str_eq(source.columns.fields[249].name, STR("k249"));
    ck_str_eq(source.sql_types[249], STR("DOUBLE"));
    buf_done(&file);
    arena_done(&arena);
    engine_close(engine);
}
END_TEST

static size_t longest_line(const char *text)
{
    size_t longest = 0;

    while (*text) {
        size_t len = strcspn(text, "\n");

        longest = len > longest ? len : longest;
        text += len + (text[len] != '\0');
    }
    return longest;
}

START_TEST(test_json_room)
{
    /* a long record is not refused, wherever it stands, and DuckDB's buffers do not take the memory that there is */
    static const struct {
        uint64_t memory;
        size_t record;
        uint64_t room; /* 0: DuckDB's own */
    } cases[] = {{0, 100, 0},
                 {(uint64_t)1 << 30, 100, 0},
                 {(uint64_t)128 << 20, 100, (uint64_t)4 << 20},
                 {(uint64_t)128 << 20, (size_t)5 << 20, (uint64_t)6 << 20},
                 {0, (size_t)17 << 20, (uint64_t)18 << 20}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct engine *engine = NULL;
        struct engine_source source;
        struct arena arena = {0};
        corrie_error err = CORRIE_ERROR_INIT;
        struct buf file = {0};

        ck_ok(engine_open(&(struct engine_options){.memory = cases[i].memory,
                                                   .temp_dir = str_of(scratch())},
                          &engine, &err),
              &err);
        buf_addf(&file, "{\"a\":\"x\"}\n{\"a\":\"%0*d\"}\n{\"a\":\"y\"}\n",
                 (int)cases[i].record - (int)strlen("{\"a\":\"\"}"), 0);
        write_file(in_scratch("room.jsonl"), file.data, file.len);
        ck_ok(engine_describe(engine, str_of(in_scratch("room.jsonl")), &no_options, &arena,
                              &source, &err),
              &err);
        ck_assert_uint_eq(source.json_record, cases[i].room);
        buf_done(&file);
        arena_done(&arena);
        engine_close(engine);
    }
}
END_TEST

/* Lines of `width` bytes, of which every `every`th has a key of its own; the value of `t` changes in the middle. */
static void add_lines(struct buf *out, int width, int every, size_t bytes, const char *first,
                      const char *last)
{
    for (int i = 0; out->len + (size_t)width <= bytes; i++) {
        size_t start = out->len;

        buf_addf(out, "{\"id\":%d,\"t\":\"%s\"", i, out->len < bytes / 2 ? first : last);
        if (i % every == 0) {
            buf_addf(out, ",\"k%d\":1", i / every);
        }
        buf_addf(out, "%*s}\n", (int)(start + (size_t)width - out->len) - 2, "");
    }
}

START_TEST(test_json_ranges)
{
    /* several threads lose no line between them, wherever their ranges end, and see what hangs on more than one range */
    enum { BYTES = 3 * 4 << 20, KEYS = 12 }; /* of more keys objects may be maps */
    static const struct {
        int width;
        size_t bytes;
        const char *first;
        const char *last;
        size_t large; /* then comes a record of so many bytes, and some lines more */
        const char *end;
        int expected;
    } cases[] = {
        {64, BYTES, "x", "y", 0, "", 1}, /* ranges begin where lines do */
        {64, BYTES, "x", "y", 0, "{\"late\":1}\n", 1},
        {61, BYTES, "x", "y", 0, "{\"late\":1}", 1},
        {67, 3 << 20, "x", "y", (size_t)9 << 20, "{\"late\":1}\n",
         1}, /* no line begins in a range */
        {64, BYTES, "2020-01-01", "2020-01-01 10:00", 0, "", 0},
        {64, BYTES, "x", "y", 0, "{\"late\":", 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct json_sample sample = {0};
        corrie_error err = CORRIE_ERROR_INIT;
        struct buf file = {0};

        buf_init(&file, 64 << 20);
        add_lines(&file, cases[i].width, (int)cases[i].bytes / cases[i].width / KEYS,
                  cases[i].bytes, cases[i].first, cases[i].last);
        if (cases[i].large > 0) {
            buf_addf(&file, "{\"t\":\"%0*d\"}\n", (int)cases[i].large - 8, 0);
            add_lines(&file, cases[i].width, 100000, file.len + 1000, "x", "x");
        }
        buf_add_text(&file, cases[i].end);
        ck_assert_int_eq(file.failed, 0);
        write_file(in_scratch("ranges.jsonl"), file.data, file.len);
        ck_assert_int_eq(json_scan(in_scratch("ranges.jsonl"), 3, NULL, &arena, &sample, &err),
                         cases[i].expected);
        for (int k = 0; k < KEYS && cases[i].expected > 0; k++) {
            char key[20];

            snprintf(key, sizeof key, "\"k%d\":", k);
            ck_assert_msg(str_find_str(buf_str(&sample.records), str_of(key)) >= 0, "%zu: %s", i,
                          key);
        }
        if (cases[i].expected > 0) {
            ck_assert(cases[i].end[0] == '\0' ||
                      str_ends(buf_str(&sample.records), STR("{\"late\":1}\n")));
            ck_assert_uint_eq(sample.longest,
                              cases[i].large > 0 ? cases[i].large : (size_t)cases[i].width - 1);
            ck_assert_uint_lt(sample.records.len, 10 << 20);
        }
        buf_done(&file);
        buf_done(&sample.records);
        arena_done(&arena);
    }
}
END_TEST

START_TEST(test_json_scan)
{
    /* few records of many are given to DuckDB, or none where a line is not one */
    static const struct {
        const char *bytes;
        const char *records; /* NULL: all have to be read */
    } cases[] = {
        {"{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}\n\n {\"b\":\"z\"}\r\n",
         "{\"a\":1,\"b\":\"x\"}\n"},
        {"{\"a\":1}\n{\"a\":2}\n{\"a\":-2}\n{\"b\":1}", "{\"a\":1}\n{\"a\":-2}\n{\"b\":1}\n"},
        {"{\"a\":[1,2]}\n{\"a\":[3]}\n{\"a\":[\"x\"]}", "{\"a\":[1,2]}\n{\"a\":[\"x\"]}\n"},
        {"[{\"a\":1}]", NULL},
        {"{\"a\":\n1}", NULL},
        {"{\"a\":1}{\"a\":2}", NULL},
        {"{\"a\":01}", NULL},
        {"{\"a\":NaN}", NULL},
        {"{\"a\":\"x", NULL},
        {"{\"a\":1,}", NULL},
        {"3", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct json_sample sample = {0};
        corrie_error err = CORRIE_ERROR_INIT;

        write_file(in_scratch("scan.jsonl"), cases[i].bytes, strlen(cases[i].bytes));
        ck_assert_int_eq(json_scan(in_scratch("scan.jsonl"), 1, NULL, &arena, &sample, &err),
                         cases[i].records != NULL);
        if (cases[i].records) {
            ck_assert_str_eq(buf_text(&sample.records), cases[i].records);
            ck_assert_uint_eq(sample.longest, longest_line(cases[i].bytes));
        } else {
            ck_assert_uint_eq(sample.longest, 0);
        }
        buf_done(&sample.records);
        arena_done(&arena);
    }
    /* an object of many keys ends it, before each of them is looked for among all */
    struct json_sample sample = {0};
    corrie_error err = CORRIE_ERROR_INIT;
    struct arena arena = {0};
    struct buf wide = {0};

    for (int i = 0; i < 200; i++) {
        buf_addf(&wide, "%s\"k%d\":1", i ? "," : "{\"a\":{", i);
    }
    buf_add_text(&wide, "}}\n");
    write_file(in_scratch("scan.jsonl"), wide.data, wide.len);
    ck_assert_int_eq(json_scan(in_scratch("scan.jsonl"), 1, NULL, &arena, &sample, &err), 0);
    buf_done(&wide);
    arena_done(&arena);
}
END_TEST

START_TEST(test_compressed)
{
    static const unsigned char gz[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03,
                                       0x4b, 0xd4, 0x49, 0xe2, 0x32, 0xd4, 0x31, 0xe2, 0x02, 0x00,
                                       0x3b, 0x9a, 0xd5, 0x2c, 0x08, 0x00, 0x00, 0x00};
    struct engine *engine = engine_plain();
    corrie_error err = CORRIE_ERROR_INIT;
    struct arena arena = {0};
    struct engine_source source;

    ck_assert_str_eq(rows_of(engine, "SELECT 1 FROM range(0)"), "");
    write_file(in_scratch("z.csv.gz"), (const char *)gz, sizeof gz);
    if (engine_describe(engine, str_of(in_scratch("z.csv.gz")), &no_options, &arena, &source,
                        &err) == 0) {
        ck_str_eq(source.compression, STR("gzip"));
        ck_assert_str_eq(read_all(engine, "z.csv.gz", &no_options), "1|2");
    }
    corrie_error_clear(&err);
    /* what DuckDB writes compressed, under a name that does not say so */
    int64_t rows;
    ck_ok(engine_export(engine, STR("SELECT 1 AS a, 'x' AS b"), NULL, ENGINE_OUT_CSV,
                        str_of(in_scratch("plain.csv")), &rows, &err),
          &err);
    ck_assert_str_eq(read_all(engine, "plain.csv", &no_options), "1|x");
    arena_done(&arena);
    engine_close(engine);
}
END_TEST

START_TEST(test_target)
{
    /* a later file goes into the table as it is: types of the table, columns by name */
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    corrie_error err = CORRIE_ERROR_INIT;
    struct schema table = schema_of(&arena, "Id BIGINT;price DECIMAL(10,2);day DATE;note VARCHAR");
    static const char good[] = "price,id,day\n1.5,1,2020-01-01\n2,2,2020-01-02\n";
    static const char bad[] = "price,id,day\n1.5,1,2020-01-01\n2,two,2020-01-02\n";
    static const char extra[] = "price,id,day,what\n1.5,1,2020-01-01,x\n";

    write_file(in_scratch("good.csv"), good, strlen(good));
    ck_ok(import(engine, in_scratch("good.csv"), &no_options, &table, &err), &err);
    char sql[500];
    snprintf(sql, sizeof sql, "SELECT * FROM read_parquet('%s')", in_scratch("imported.parquet"));
    ck_assert_str_eq(rows_of(engine, sql), "1|1.50|18262|null\n2|2.00|18263|null");
    ck_assert_int_eq(remove(in_scratch("imported.parquet")), 0);
    write_file(in_scratch("bad.csv"), bad, strlen(bad));
    ck_assert_int_eq(import(engine, in_scratch("bad.csv"), &no_options, &table, &err),
                     CORRIE_E_DATA);
    ck_assert_int_eq(err.position.line, 3);
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "column Id: 'two'"));
    corrie_error_clear(&err);
    write_file(in_scratch("extra.csv"), extra, strlen(extra));
    ck_assert_int_eq(import(engine, in_scratch("extra.csv"), &no_options, &table, &err),
                     CORRIE_E_DATA);
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "what"));
    corrie_error_clear(&err);
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

START_TEST(test_adventureworks)
{
    /* the second seed's files: order dates stay text, or become dates when their form is said */
    const char *root = getenv("CORRIE_SOURCE_ROOT");
    char path[600];
    struct stat st;
    struct engine *engine;
    struct arena arena = {0};
    struct engine_source source;
    const struct engine_source_options us = {.date_format = STR("%m/%d/%Y")};

    snprintf(path, sizeof path, "%s/../shared/data/adventureworks/AdventureWorks_Sales_2017.csv",
             root ? root : ".");
    if (stat(path, &st) != 0) {
        printf("# skipped: %s is not there\n", path);
        return;
    }
    engine = engine_plain();
    source = describe(engine, &arena, path, &no_options);
    const struct field *date = schema_find(&source.columns, STR("OrderDate"));
    ck_assert_ptr_nonnull(date);
    ck_assert_int_eq(date->type.kind, TYPE_STRING);
    ck_assert_int_eq(schema_find(&source.columns, STR("CustomerKey"))->type.kind, TYPE_LONG);
    source = describe(engine, &arena, path, &us);
    ck_assert_int_eq(schema_find(&source.columns, STR("OrderDate"))->type.kind, TYPE_DATE);
    ck_assert_int_eq(schema_find(&source.columns, STR("StockDate"))->type.kind, TYPE_DATE);
    struct buf sql = {0};
    buf_addf(&sql, "SELECT count(*), min(OrderDate), max(OrderDate) FROM (%.*s)",
             STR_FMT(source.relation));
    ck_assert_str_eq(rows_of(engine, buf_text(&sql)), "29481|17167|17347");
    snprintf(path, sizeof path, "%s/../shared/data/adventureworks/AdventureWorks_Products.csv",
             root);
    source = describe(engine, &arena, path, &no_options);
    buf_clear(&sql);
    buf_addf(&sql, "SELECT count(*), sum(ProductPrice)::DECIMAL(12,2) FROM (%.*s)",
             STR_FMT(source.relation));
    ck_assert_str_eq(rows_of(engine, buf_text(&sql)), "293|209330.15");
    buf_done(&sql);
    arena_done(&arena);
    engine_close(engine);
}
END_TEST

static const char *file_text(const char *path)
{
    static char text[10000];
    FILE *file = fopen(path, "rb");

    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

START_TEST(test_export)
{
    struct engine *engine = engine_plain();
    corrie_error err = CORRIE_ERROR_INIT;
    int64_t rows = 0;
    static const char sql[] =
        "SELECT 1 AS a, 'x, \"y\"' AS b, NULL AS c, DATE '2020-01-01' AS d UNION ALL "
        "SELECT 2, '', 5, NULL; -- the end";

#define EXPORT(format, name)                                                                       \
    ck_ok(engine_export(engine, str_of(sql), NULL, format, str_of(in_scratch(name)), &rows, &err), \
          &err);                                                                                   \
    ck_assert_int_eq(rows, 2)
    EXPORT(ENGINE_OUT_CSV, "o.csv");
    ck_assert_str_eq(file_text(in_scratch("o.csv")),
                     "a,b,c,d\n1,\"x, \"\"y\"\"\",,2020-01-01\n2,\"\",5,\n");
    EXPORT(ENGINE_OUT_JSONL, "o.jsonl");
    ck_assert_str_eq(file_text(in_scratch("o.jsonl")),
                     "{\"a\":1,\"b\":\"x, \\\"y\\\"\",\"c\":null,\"d\":\"2020-01-01\"}\n"
                     "{\"a\":2,\"b\":\"\",\"c\":5,\"d\":null}\n");
    EXPORT(ENGINE_OUT_JSON, "o.json");
    ck_assert_int_eq(file_text(in_scratch("o.json"))[0], '[');
    EXPORT(ENGINE_OUT_PARQUET, "o.parquet");
    ck_assert_str_eq(read_all(engine, "o.parquet", &no_options),
                     "1|x, \"y\"|null|18262\n2||5|null");
    EXPORT(ENGINE_OUT_ARROW, "o.arrows");
    ck_assert_int_eq(memcmp(file_text(in_scratch("o.arrows")), "\xff\xff\xff\xff", 4), 0);
    /* a failure keeps the old file and leaves nothing else */
    write_file(in_scratch("keep.csv"), "old", 3);
    ck_assert_int_lt(engine_export(engine, STR("SELECT ('x' || i)::INTEGER FROM range(9) t(i)"),
                                   NULL, ENGINE_OUT_CSV, str_of(in_scratch("keep.csv")), &rows,
                                   &err),
                     0);
    corrie_error_clear(&err);
    ck_assert_str_eq(file_text(in_scratch("keep.csv")), "old");
    char list[500];
    snprintf(list, sizeof list, "SELECT count(*) FROM glob('%s/.corrie-tmp-*')", scratch());
    ck_assert_str_eq(rows_of(engine, list), "0");
    ck_fails(engine_export(engine, STR("DROP TABLE x"), NULL, ENGINE_OUT_CSV,
                           str_of(in_scratch("keep.csv")), &rows, &err),
             CORRIE_E_PROJECT, &err);
    engine_close(engine);
}
END_TEST

SUITE(source_suite, "source", test_csv_types, test_csv_values, test_csv_bad,
      test_nothing_is_changed, test_nothing_is_changed_inside, test_packed_bad, test_parquet_source,
      test_json, test_json_late, test_json_maps, test_json_wide, test_json_room, test_json_ranges,
      test_json_scan, test_compressed, test_target, test_adventureworks, test_export)
