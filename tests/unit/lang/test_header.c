/* A header that is misread writes a table nobody asked for, or none. */
#include "lang/header.h"

#include "base/buf.h"
#include "tests/unit/check.h"

static void fails_at(const char *sql, long line, long column, const char *part)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct sql_header header;

    ck_assert_int_eq(sql_header_parse("m.sql", str_of(sql), &header, &err), CORRIE_E_PROJECT);
    ck_assert_msg(strstr(corrie_error_message(&err), part) != NULL, "%s: \"%s\" lacks \"%s\"", sql,
                  corrie_error_message(&err), part);
    ck_assert_msg(err.position.line == line && err.position.column == column,
                  "%s: at %ld:%ld, expected %ld:%ld", sql, err.position.line, err.position.column,
                  line, column);
    ck_assert_str_eq(err.position.file, "m.sql");
}

START_TEST(settings_are_read)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct str sql = STR("\xef\xbb\xbf-- A model of sales.\r\n"
                         "  -- bauplan: name=daily_stats\r\n"
                         "/* by: us */\n"
                         "--corrie: materialization-strategy = \"REPLACE\", cache_strategy='NONE'\n"
                         "-- Corrie: partitioned_by=\"day(x), y\" overwrite_filter = 'd > 1'\n"
                         "\nSELECT 1 -- a comment about corrie\n");
    struct sql_header header;

    ck_ok(sql_header_parse("m.sql", sql, &header, &err), &err);
    ck_str_eq(header.name.text, STR("daily_stats"));
    ck_str_eq(str_slice(sql, header.name.offset, 11), STR("daily_stats"));
    ck_str_eq(header.materialization_strategy.text, STR("REPLACE"));
    ck_str_eq(header.cache_strategy.text, STR("NONE"));
    ck_str_eq(header.partitioned_by.text, STR("day(x), y"));
    ck_str_eq(header.overwrite_filter.text, STR("d > 1"));
    ck_assert(!header.columns.given);
    ck_str_eq(str_slice(sql, header.body, 6), STR("SELECT"));

    ck_ok(sql_header_parse("m.sql", STR("-- bauplan: partitioned_by=bucket(4, id)"), &header, &err),
          &err);
    ck_str_eq(header.partitioned_by.text, STR("bucket(4, id)"));
    ck_ok(sql_header_parse("m.sql", STR(""), &header, &err), &err);
    ck_assert(!header.name.given);
}
END_TEST

START_TEST(wrong_settings_are_named_at_their_place)
{
    fails_at("-- bauplan: nmae=x\nSELECT 1", 1, 13, "unknown setting \"nmae\"");
    fails_at("-- x\n-- corrie: name x\n", 2, 12, "expected key=value");
    fails_at("-- corrie: name=a name=b\n", 1, 19, "given twice");
    fails_at("-- corrie: name=\n", 1, 17, "a value is missing");
    fails_at("-- corrie: name=\"a\nb\"\n", 1, 17, "not closed");
    fails_at("-- corrie:\nSELECT 1", 1, 10, "missing behind the colon");
    fails_at("-- corrie: name=a b\n", 1, 19, "expected key=value");
}
END_TEST

START_TEST(settings_below_are_not_overlooked)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct sql_header header;

    fails_at("SELECT 1\n  -- bauplan: name=x\n", 2, 3, "below the start");
    ck_ok(sql_header_parse("m.sql",
                           STR("SELECT '\n-- corrie: name=x\n', /* -- corrie: */ \"--corrie: a\""),
                           &header, &err),
          &err);
}
END_TEST

START_TEST(cut_texts_end_in_an_error_or_not_at_all)
{
    struct str sql = STR("-- corrie: name=\"x\" columns='a,b'\n/* c */ SELECT '--' /* d");
    for (size_t i = 0; i <= sql.len; i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        struct sql_header header;
        int r = sql_header_parse("m.sql", str_slice(sql, 0, i), &header, &err);
        ck_assert(r == 0 || r == CORRIE_E_PROJECT);
    }
}
END_TEST

SUITE(header_suite, "header", settings_are_read, wrong_settings_are_named_at_their_place,
      settings_below_are_not_overlooked, cut_texts_end_in_an_error_or_not_at_all)
