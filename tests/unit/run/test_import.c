/* corrie_import: what it promises to those who call it. */
#include <unistd.h>
#include <utime.h>

#include "fixture.h"

static json_t *imported(struct fixture *f, const char *path, const char *table,
                        enum corrie_import_mode mode)
{
    json_t *document = NULL;

    ck_ok(import_file(f, path, table, mode, &document), &f->err);
    return document;
}

/* The caller's programs read these fields by name. */
START_TEST(the_document_has_its_fields)
{
    struct fixture f;
    _json_ json_t *document = NULL;
    const json_t *file;

    fixture_init(&f);
    document = imported(&f, put_file(&f, "a.csv", "n,s\n1,x\n2,y\n"), "ns.t", CORRIE_IMPORT_APPEND);
    ck_assert_str_eq(
        fields_of(document),
        "branch bytes commit created_namespace created_table failed files job namespace "
        "rows schema table");
    ck_assert_str_eq(text_of(document, "namespace"), "ns");
    ck_assert_str_eq(text_of(document, "table"), "t");
    ck_assert_str_eq(text_of(document, "branch"), "main");
    ck_assert_str_eq(text_of(document, "commit"), head_of(&f));
    ck_assert_int_eq(number_of(document, "rows"), 2);
    file = json_array_get(json_object_get(document, "files"), 0);
    ck_assert_str_eq(fields_of(file), "bytes rows sniffed status uri");
    ck_assert_str_eq(text_of(file, "status"), "imported");
    ck_assert_int_eq(number_of(file, "rows"), 2);
    ck_assert_int_eq(number_of(file, "bytes"), 12);
    ck_assert_str_eq(fields_of(json_object_get(file, "sniffed")), "delimiter header quote");
    ck_assert_str_eq(fields_of(json_array_get(json_object_get(document, "schema"), 0)),
                     "name type");
    check_sound(&f);
    fixture_done(&f);
}
END_TEST

/* A user who makes the table first, from the file, and imports the file then would get no rows, or other
 * people's memory as a count. */
START_TEST(a_created_table_is_empty_and_takes_the_file)
{
    struct fixture f;
    _json_ json_t *made = NULL;
    _json_ json_t *filled = NULL;
    _json_ json_t *emptied = NULL;
    _json_ json_t *again = NULL;
    json_t *none = NULL;
    corrie_import_options options = {.size = sizeof options,
                                     .table = "t",
                                     .n_uris = 1,
                                     .mode = CORRIE_IMPORT_CREATE,
                                     .replace_existing = true};
    const char *path;
    const json_t *file;
    char *text;

    fixture_init(&f);
    path = put_file(&f, "a.csv", "n\n1\n2\n");
    made = imported(&f, path, "t", CORRIE_IMPORT_CREATE);
    file = json_array_get(json_object_get(made, "files"), 0);
    ck_assert_str_eq(text_of(file, "status"), "read");
    ck_assert_int_eq(number_of(file, "rows"), 0);
    ck_assert_int_eq(number_of(made, "rows"), 0);
    filled = imported(&f, path, "t", CORRIE_IMPORT_APPEND);
    ck_assert_int_eq(number_of(filled, "rows"), 2);
    ck_fails(import_file(&f, path, "t", CORRIE_IMPORT_CREATE, &none), CORRIE_E_EXISTS, &f.err);

    /* emptied on request: then the file is new again */
    options.uris = &path;
    ck_ok(corrie_import(f.lake, &options, &text, &f.err), &f.err);
    emptied = parse_document(text);
    ck_assert_ptr_nonnull(text_of(emptied, "commit"));
    ck_assert_int_eq(query_number(&f, "SELECT count(*) FROM t"), 0);
    again = imported(&f, path, "t", CORRIE_IMPORT_APPEND);
    ck_assert_int_eq(number_of(again, "rows"), 2);
    check_sound(&f);
    fixture_done(&f);
}
END_TEST

/* What a file's text looks like does not matter once the table says what the column is. */
START_TEST(the_table_decides_the_types_of_csv)
{
    struct fixture f;
    _json_ json_t *first = NULL;
    _json_ json_t *second = NULL;
    _json_ json_t *third = NULL;
    json_t *none = NULL;

    fixture_init(&f);
    first = imported(&f, put_file(&f, "a.csv", "zip,price\nAB1,1.5\n"), "t", CORRIE_IMPORT_APPEND);
    second = imported(&f, put_file(&f, "b.csv", "zip,price\n01067,2\n"), "t", CORRIE_IMPORT_APPEND);
    ck_assert_int_eq(query_number(&f, "SELECT count(*) FROM t WHERE zip IN ('AB1', '01067')"), 2);
    /* other order, other case, a column less */
    third = imported(&f, put_file(&f, "c.csv", "PRICE\n7\n"), "t", CORRIE_IMPORT_APPEND);
    ck_assert_int_eq(query_number(&f, "SELECT count(*) FROM t WHERE price = 7 AND zip IS NULL"), 1);
    ck_fails(
        import_file(&f, put_file(&f, "d.csv", "price\nmuch\n"), "t", CORRIE_IMPORT_APPEND, &none),
        CORRIE_E_DATA, &f.err);
    ck_fails(import_file(&f, put_file(&f, "e.csv", "price,more\n1,2\n"), "t", CORRIE_IMPORT_APPEND,
                         &none),
             CORRIE_E_DATA, &f.err);
    ck_assert_int_eq(query_number(&f, "SELECT count(*) FROM t"), 3);
    fixture_done(&f);
}
END_TEST

/* One column, written in two ways, is one column: not two that show each other's values. */
START_TEST(names_that_differ_in_case_are_one_column)
{
    struct fixture f;
    _json_ json_t *document = NULL;
    const char *folder;

    fixture_init(&f);
    put_file(&f, "in/1.csv", "id,Name\n1,a\n");
    put_file(&f, "in/2.csv", "ID,name\n2,b\n");
    folder = in_dir(&f, "in");
    document = imported(&f, folder, "t", CORRIE_IMPORT_APPEND);
    ck_assert_uint_eq(json_array_size(json_object_get(document, "schema")), 2);
    ck_assert_int_eq(query_number(&f, "SELECT sum(id) FROM t WHERE name IN ('a', 'b')"), 3);
    fixture_done(&f);
}
END_TEST

START_TEST(the_ledger_knows_content_and_replacement)
{
    struct fixture f;
    _json_ json_t *first = NULL;
    _json_ json_t *skipped = NULL;
    _json_ json_t *replaced = NULL;
    _json_ json_t *after = NULL;
    _json_ json_t *twice = NULL;
    const char *paths[2];
    corrie_import_options options = {.size = sizeof options,
                                     .table = "u",
                                     .uris = paths,
                                     .n_uris = 2,
                                     .mode = CORRIE_IMPORT_APPEND};
    char *text;

    fixture_init(&f);
    paths[0] = paths[1] = put_file(&f, "a.csv", "n\n1\n");
    first = imported(&f, paths[0], "t", CORRIE_IMPORT_APPEND);
    ck_assert_int_eq(utime(paths[0], NULL), 0);
    skipped = imported(&f, paths[0], "t", CORRIE_IMPORT_APPEND);
    ck_assert_ptr_null(text_of(skipped, "commit"));
    ck_assert_str_eq(text_of(json_array_get(json_object_get(skipped, "files"), 0), "status"),
                     "skipped");
    replaced = imported(&f, put_file(&f, "b.csv", "n\n5\n"), "t", CORRIE_IMPORT_REPLACE);
    after = imported(&f, paths[0], "t", CORRIE_IMPORT_APPEND);
    ck_assert_int_eq(number_of(after, "rows"), 1); /* its rows had gone with the replacement */
    ck_assert_int_eq(query_number(&f, "SELECT sum(n) FROM t"), 6);
    ck_ok(corrie_import(f.lake, &options, &text, &f.err), &f.err); /* named twice, loaded once */
    twice = parse_document(text);
    ck_assert_int_eq(number_of(twice, "rows"), 1);
    fixture_done(&f);
}
END_TEST

/* What befalls the last of the files, at a moment of the import. */
static struct {
    const char *moment; /* what the event's text begins with */
    const char *now;    /* what the file holds then; NULL: it is gone */
    const char *path;
} fate;

static void meddle(struct fixture *f, const corrie_event *event)
{
    if (fate.path && strcmp(event->kind, "progress") == 0 &&
        strncmp(event->text, fate.moment, strlen(fate.moment)) == 0) {
        if (fate.now) {
            put_file(f, "in/2.csv", fate.now);
        } else {
            ck_assert_int_eq(unlink(fate.path), 0);
        }
        fate.path = NULL;
    }
}

/* Files that vanish or change under an import would give a table half of this and half of that. */
START_TEST(files_that_change_meanwhile_stage_nothing)
{
    static const struct {
        const char *moment;
        const char *now;
        int code;
        const char *says;
    } cases[] = {
        {"looking at 1.csv", NULL, CORRIE_E_NOT_FOUND, "in/2.csv"},
        {"loading 1.csv", NULL, CORRIE_E_NOT_FOUND, "in/2.csv"},
        {"looking at 1.csv", "n\n2\n3\n", CORRIE_E_DATA, "2.csv was changed while"},
        {"loading 2.csv", "n\n2\n3\n", CORRIE_E_DATA, "2.csv was changed while"},
        {"loading 2.csv", "n\nx\n3\n", CORRIE_E_DATA, "2.csv"},
        {"loading 1.csv", "", CORRIE_E_DATA, "2.csv"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        json_t *none = NULL;
        char before[100];
        int r;

        fixture_init(&f);
        snprintf(before, sizeof before, "%s", head_of(&f));
        put_file(&f, "in/1.csv", "n\n1\n");
        fate.path = put_file(&f, "in/2.csv", "n\n2\n");
        fate.moment = cases[i].moment;
        fate.now = cases[i].now;
        f.at_event = meddle;
        r = import_file(&f, in_dir(&f, "in"), "t", CORRIE_IMPORT_APPEND, &none);
        ck_assert_msg(r == cases[i].code && strstr(corrie_error_message(&f.err), cases[i].says) &&
                          !fate.path,
                      "%zu: %s", i, corrie_error_message(&f.err));
        corrie_error_clear(&f.err);
        ck_assert_str_eq(head_of(&f), before);
        check_sound(&f);
        fixture_done(&f);
    }
}
END_TEST

/* Somebody else makes the table while the file is read. */
static void come_first(struct fixture *f, const corrie_event *event)
{
    if (strcmp(event->kind, "progress") == 0 && strncmp(event->text, "loading", 7) == 0) {
        struct fixture other = *f;
        json_t *made = NULL;

        f->at_event = NULL;
        ck_ok(import_file(&other, put_file(f, "other.csv", "n\n1\n"), "t", CORRIE_IMPORT_APPEND,
                          &made),
              &other.err);
        json_decref(made);
    }
}

/* Who was told an id in the beginning asks by it what came of the import. */
START_TEST(an_import_that_is_beaten_stays_one_job)
{
    static const char *const kinds[] = {"import"};
    const corrie_job_list_options options = {.size = sizeof options, .kinds = kinds, .n_kinds = 1};
    _json_ json_t *import = NULL;
    _json_ json_t *list = NULL;
    struct fixture f;
    const char *told = NULL;
    size_t again = 0;
    size_t jobs;
    char *text;

    fixture_init(&f);
    f.at_event = come_first;
    ck_ok(import_file(&f, put_file(&f, "a.csv", "n\n5\n"), "t", CORRIE_IMPORT_APPEND, &import),
          &f.err);
    for (size_t i = 0; i < json_array_size(f.events); i++) {
        const json_t *event = json_array_get(f.events, i);

        told = !told && strcmp(text_of(event, "kind"), "job") == 0 ? text_of(event, "text") : told;
        again += strcmp(text_of(event, "kind"), "notice") == 0 &&
                 strncmp(text_of(event, "text"), "somebody else", 13) == 0;
    }
    ck_assert_uint_eq(again, 1);
    ck_assert_str_eq(told, text_of(import, "job"));
    ck_assert_int_eq(query_number(&f, "SELECT sum(n)::BIGINT FROM t"), 6);
    ck_ok(corrie_job_list(f.lake, &options, &text, &f.err), &f.err);
    list = parse_document(text);
    jobs = json_array_size(json_object_get(list, "jobs"));
    ck_assert_uint_eq(jobs, 2); /* theirs and ours */
    for (size_t i = 0; i < jobs; i++) {
        ck_assert_str_eq(text_of(json_array_get(json_object_get(list, "jobs"), i), "status"),
                         "done");
    }
    check_sound(&f);
    fixture_done(&f);
}
END_TEST

/* Who waits for many files sees which one it is at, and how far that is. */
START_TEST(files_tell_how_far_the_import_is)
{
    static const struct {
        const char *text;
        int64_t rows;
    } expected[] = {{"looking at 1.csv, file 1 of 2", -1},
                    {"looking at 2.csv, file 2 of 2", -1},
                    {"loading 1.csv, file 1 of 2, 0 %", 0},
                    {"loading 2.csv, file 2 of 2, 40 %", 1}};
    struct fixture f;
    _json_ json_t *document = NULL;
    size_t n = 0;

    fixture_init(&f);
    put_file(&f, "in/1.csv", "n\n1\n");
    put_file(&f, "in/2.csv", "n\n1\n2\n");
    document = imported(&f, in_dir(&f, "in"), "t", CORRIE_IMPORT_APPEND);
    for (size_t i = 0; i < json_array_size(f.events); i++) {
        const json_t *event = json_array_get(f.events, i);

        if (strcmp(text_of(event, "kind"), "progress") == 0) {
            ck_assert_uint_lt(n, sizeof expected / sizeof expected[0]);
            ck_assert_str_eq(text_of(event, "node"), "t");
            ck_assert_str_eq(text_of(event, "text"), expected[n].text);
            ck_assert_int_eq(number_of(event, "rows"), expected[n].rows);
            n++;
        }
    }
    ck_assert_uint_eq(n, sizeof expected / sizeof expected[0]);
    fixture_done(&f);
}
END_TEST

/* Nothing of a call that failed is seen, and its record says why. */
START_TEST(a_failure_leaves_the_lake_and_a_record)
{
    struct fixture f;
    _json_ json_t *record = NULL;
    json_t *none = NULL;
    char before[100];
    char *text;

    fixture_init(&f);
    snprintf(before, sizeof before, "%s", head_of(&f));
    put_file(&f, "in/1.csv", "n\n1\n");
    put_file(&f, "in/2.parquet", "PAR1 and no more");
    ck_fails(import_file(&f, in_dir(&f, "in"), "new.t", CORRIE_IMPORT_APPEND, &none), CORRIE_E_DATA,
             &f.err);
    ck_assert_str_eq(head_of(&f), before);
    ck_ok(corrie_job_get(f.lake, "last", &text, &f.err), &f.err);
    record = parse_document(text);
    ck_assert_str_eq(text_of(record, "status"), "failed");
    ck_assert_str_eq(text_of(json_object_get(record, "error"), "type"), "bad_data");
    ck_assert_ptr_null(text_of(record, "commit_out"));
    for (size_t i = 0; i < json_array_size(f.events); i++) {
        const char *told = text_of(json_array_get(f.events, i), "text");

        ck_assert_msg(!told || !strstr(told, "namespace"),
                      "told of a namespace that was not made: %s", told);
    }
    check_sound(&f);
    fixture_done(&f);
}
END_TEST

SUITE(import_suite, "import", the_document_has_its_fields,
      a_created_table_is_empty_and_takes_the_file, the_table_decides_the_types_of_csv,
      names_that_differ_in_case_are_one_column, the_ledger_knows_content_and_replacement,
      files_that_change_meanwhile_stage_nothing, an_import_that_is_beaten_stays_one_job,
      files_tell_how_far_the_import_is, a_failure_leaves_the_lake_and_a_record)
