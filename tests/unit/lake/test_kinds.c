/* What becomes of tables, ledgers and namespaces that two sides changed. */
#include "scene.h"

#include <stdio.h>

#include "iceberg/snapshot.h"

/* Two imports that began at the same moment; which of them publishes first must not matter. */
static void race(struct scene *s, const char *first, const char *first_content, const char *second,
                 const char *second_content, bool swapped, int *ret_second)
{
    struct lake_tx *a = scene_begin(s, "main", NULL);
    struct lake_tx *b = scene_begin(s, "main", NULL);

    scene_import(s, a, "t", first, first_content, 3);
    scene_import(s, b, "t", second, second_content, 5);
    if (swapped) {
        ck_assert_int_eq(scene_publish(s, b, NULL), 1);
        *ret_second = scene_publish(s, a, NULL);
    } else {
        ck_assert_int_eq(scene_publish(s, a, NULL), 1);
        *ret_second = scene_publish(s, b, NULL);
    }
}

/* Lost: the rows of whoever imported second. */
START_TEST(imports_of_different_files_both_land)
{
    struct scene s;
    int r;

    scene_init(&s);
    scene_imported(&s, "main", "t", "0.csv", "zero", 1);
    race(&s, "a.csv", "A", "b.csv", "B", _i, &r);
    ck_assert_int_eq(r, 1);
    ck_assert_int_eq(scene_rows(&s, "main", "t"), 9);
    ck_assert_str_eq(scene_ledger(&s, "main", "t"), "0.csv a.csv b.csv");
    ck_assert_int_eq(scene_rows(&s, "main~1", "t"), _i ? 6 : 4);
    scene_done(&s);
}
END_TEST

/* Lost: the truth of every count, if a file's rows were there twice. */
START_TEST(the_same_file_lands_once)
{
    struct scene s;
    int r;

    scene_init(&s);
    scene_imported(&s, "main", "t", "0.csv", "zero", 1);
    race(&s, "a.csv", "A", "a.csv", "A", _i, &r);
    ck_assert_int_eq(r, 0); /* nothing is left to commit */
    ck_assert_int_eq(scene_rows(&s, "main", "t"), _i ? 6 : 4);
    ck_assert_str_eq(scene_ledger(&s, "main", "t"), "0.csv a.csv");
    scene_done(&s);
}
END_TEST

/* Lost: either version of the file, without anybody having decided which is right. */
START_TEST(different_content_of_one_file_conflicts)
{
    struct scene s;
    int r;

    scene_init(&s);
    scene_imported(&s, "main", "t", "0.csv", "zero", 1);
    race(&s, "a.csv", "A", "a.csv", "not A", _i, &r);
    ck_assert_int_eq(r, CORRIE_E_CONFLICT);
    ck_assert(scene_said(&s, "file:///in/a.csv"));
    ck_assert_int_eq(scene_rows(&s, "main", "t"), _i ? 6 : 4);
    scene_done(&s);
}
END_TEST

/* Lost: the part of an import that the other side has not. */
START_TEST(of_several_files_only_the_common_ones_count_once)
{
    struct scene s;
    struct lake_tx *tx;

    scene_init(&s);
    scene_imported(&s, "main", "t", "0.csv", "zero", 1);
    scene_branch(&s, "b", "main");
    scene_imported(&s, "main", "t", "a.csv", "A", 3);
    tx = scene_begin(&s, "b", NULL);
    scene_import(&s, tx, "t", "a.csv", "A", 3);
    scene_import(&s, tx, "t", "a.csv", "A, second edition", 4); /* changed, and imported again */
    scene_import(&s, tx, "t", "b.csv", "B", 5);
    ck_assert_int_eq(scene_publish(&s, tx, NULL), 1);
    ck_ok(scene_merge(&s, "b", "main", NULL), &s.f.err);
    ck_assert_int_eq(scene_rows(&s, "main", "t"), 1 + 3 + 4 + 5);
    ck_assert_str_eq(scene_ledger(&s, "main", "t"), "0.csv a.csv b.csv");
    tx = scene_begin(&s, "main", NULL);
    {
        struct lake_table table = scene_table(&s, "main", "t");
        struct lake_view view = lake_tx_view(tx);
        struct ledger_entry entry;

        ck_assert_int_eq(
            lake_ledger_find(&view, &table.id, STR("file:///in/a.csv"), &s.arena, &entry, &s.f.err),
            1);
        ck_str_eq(entry.version, STR("A, second edition"));
    }
    lake_tx_free(tx);
    ck_ok(scene_merge(&s, "main", "b", NULL), &s.f.err);
    ck_assert_int_eq(scene_rows(&s, "b", "t"), 1 + 3 + 4 + 5);
    scene_done(&s);
}
END_TEST

START_TEST(two_creations_of_a_table_conflict)
{
    struct scene s;
    int r;

    scene_init(&s);
    race(&s, "a.csv", "A", "b.csv", "B", _i, &r);
    ck_assert_int_eq(r, CORRIE_E_CONFLICT);
    ck_assert(scene_said(&s, "ns.t"));
    ck_assert_int_eq(scene_rows(&s, "main", "t"), _i ? 5 : 3);
    ck_assert_uint_eq(scene_ledger_keys(&s, "main"), 1);
    scene_done(&s);
}
END_TEST

START_TEST(a_dry_run_writes_no_file)
{
    struct scene s;
    corrie_merge_options options = {.size = sizeof options, .dry_run = true, .into = "main"};
    char *text;
    struct lake_table before;
    struct lake_table after;
    _json_ json_t *document = NULL;
    json_t *change = NULL;
    size_t i;

    scene_init(&s);
    scene_imported(&s, "main", "t", "0.csv", "zero", 1);
    scene_branch(&s, "b", "main");
    scene_imported(&s, "main", "t", "a.csv", "A", 3);
    scene_imported(&s, "b", "t", "b.csv", "B", 5);
    before = scene_table(&s, "main", "t");
    ck_ok(corrie_branch_merge(s.f.lake, "b", &options, &text, &s.f.err), &s.f.err);
    document = fixture_json(text);
    json_array_foreach(json_object_get(document, "changes"), i, change)
    {
        if (json_object_get(change, "records_after")) {
            break;
        }
    }
    ck_assert_int_eq(json_integer_value(json_object_get(change, "records_before")), 4);
    ck_assert_int_eq(json_integer_value(json_object_get(change, "records_after")), 9);
    after = scene_table(&s, "main", "t");
    ck_str_eq(before.metadata_location, after.metadata_location);
    ck_ok(scene_merge(&s, "b", "main", NULL), &s.f.err);
    ck_assert_int_eq(scene_rows(&s, "main", "t"), 9);
    scene_done(&s);
}
END_TEST

/* main and b both replaced the table, and each imported a file of its own afterwards. */
static void part(struct scene *s)
{
    scene_init(s);
    scene_imported(s, "main", "t", "0.csv", "zero", 1);
    scene_branch(s, "b", "main");
    scene_written(s, "main", "t", LAKE_REPLACE, 10);
    scene_imported(s, "main", "t", "ours.csv", "O", 2);
    scene_imported(s, "b", "t", "theirs.csv", "T", 3);
    ck_assert_int_eq(scene_merge(s, "b", "main", NULL), CORRIE_E_CONFLICT);
    ck_assert(scene_said(s, "ns.t"));
}

/* Lost: the next import of theirs.csv, if the ledger said that its rows were there already. */
START_TEST(after_ours_the_ledger_is_ours)
{
    const char *const tables[] = {"ns.t"};
    struct scene s;

    part(&s);
    ck_ok(scene_merge(&s, "b", "main", &(corrie_merge_options){.ours = tables, .n_ours = 1}),
          &s.f.err);
    ck_assert_int_eq(scene_rows(&s, "main", "t"), 12);
    ck_assert_str_eq(scene_ledger(&s, "main", "t"), "0.csv ours.csv");
    scene_done(&s);
}
END_TEST

START_TEST(after_theirs_the_ledger_is_theirs)
{
    const char *const tables[] = {"ns.t"};
    struct scene s;

    part(&s);
    ck_ok(scene_merge(&s, "b", "main", &(corrie_merge_options){.theirs = tables, .n_theirs = 1}),
          &s.f.err);
    ck_assert_int_eq(scene_rows(&s, "main", "t"), 4);
    ck_assert_str_eq(scene_ledger(&s, "main", "t"), "0.csv theirs.csv");
    scene_done(&s);
}
END_TEST

/* A table that one side dropped and the other added to. */
START_TEST(a_dropped_table_takes_its_ledger_along)
{
    const char *const tables[] = {"ns.t"};
    struct scene s;

    scene_init(&s);
    scene_imported(&s, "main", "t", "0.csv", "zero", 1);
    scene_branch(&s, "b", "main");
    scene_drop(&s, _i ? "b" : "main", "t");
    scene_imported(&s, _i ? "main" : "b", "t", "a.csv", "A", 3);
    ck_assert_int_eq(scene_merge(&s, "b", "main", NULL), CORRIE_E_CONFLICT);
    ck_assert(scene_said(&s, "ns.t"));
    scene_branch(&s, "kept", "main");
    ck_ok(scene_merge(&s, "b", "main", &(corrie_merge_options){.ours = tables, .n_ours = 1}),
          &s.f.err);
    ck_ok(scene_merge(&s, "b", "kept", &(corrie_merge_options){.theirs = tables, .n_theirs = 1}),
          &s.f.err);
    ck_assert_int_eq(scene_rows(&s, _i ? "main" : "kept", "t"), 4);
    ck_assert_str_eq(scene_ledger(&s, _i ? "main" : "kept", "t"), "0.csv a.csv");
    ck_assert_int_eq(scene_rows(&s, _i ? "kept" : "main", "t"), -1);
    ck_assert_uint_eq(scene_ledger_keys(&s, _i ? "kept" : "main"), 0);
    scene_done(&s);
}
END_TEST

/* A file without rows changes the ledger and not the table. */
START_TEST(notes_of_empty_files_follow_the_table)
{
    struct scene s;

    scene_init(&s);
    scene_imported(&s, "main", "t", "0.csv", "zero", 1);
    scene_imported(&s, "main", "u", "0.csv", "zero", 1);
    scene_branch(&s, "b", "main");
    scene_imported(&s, "b", "t", "empty.csv", "", 0);
    scene_imported(&s, "b", "u", "empty.csv", "", 0);
    scene_drop(&s, "main", "t");
    scene_imported(&s, "main", "u", "a.csv", "A", 3);
    ck_ok(scene_merge(&s, "b", "main", NULL), &s.f.err);
    ck_assert_int_eq(scene_rows(&s, "main", "t"), -1);
    ck_assert_str_eq(scene_ledger(&s, "main", "u"), "0.csv a.csv empty.csv");
    ck_assert_uint_eq(scene_ledger_keys(&s, "main"), 3);
    scene_done(&s);
}
END_TEST

/* Two lines that brought each other in, one of them without the other's rows: what is chosen for the table counts for
 * its ledger too, whichever of the common ancestors comes first. */
START_TEST(across_a_criss_cross_the_ledger_follows_its_table)
{
    const char *const tables[] = {"ns.t"};
    const corrie_merge_options ours = {.ours = tables, .n_ours = 1};
    const corrie_merge_options theirs = {.theirs = tables, .n_theirs = 1};
    struct scene s;

    scene_init(&s);
    scene_imported(&s, "main", "t", "0.csv", "zero", 1);
    scene_branch(&s, "b", "main");
    scene_imported(&s, "main", "t", "a.csv", "A", 2);
    scene_imported(&s, "b", "t", "c.csv", "C", 3);
    scene_written(&s, _i ? "main" : "b", "later", LAKE_APPEND, 1);
    scene_branch(&s, "x", "main");
    scene_branch(&s, "y", "b");
    ck_ok(scene_merge(&s, "y", "main", &ours), &s.f.err); /* as it was at x */
    ck_assert_int_eq(scene_rows(&s, "main", "t"), 3);
    ck_ok(scene_merge(&s, "x", "b", NULL), &s.f.err);
    ck_assert_int_eq(scene_rows(&s, "b", "t"), 6);
    scene_branch(&s, "kept", "b");
    ck_assert_int_eq(scene_merge(&s, "main", "b", NULL), CORRIE_E_CONFLICT);
    ck_assert_ptr_null(strstr(corrie_error_message(&s.f.err), "ledger"));
    ck_assert(scene_said(&s, "ns.t"));
    ck_ok(scene_merge(&s, "main", "b", &theirs), &s.f.err);
    ck_assert_int_eq(scene_rows(&s, "b", "t"), 3);
    ck_assert_str_eq(scene_ledger(&s, "b", "t"), "0.csv a.csv");
    ck_ok(scene_merge(&s, "main", "kept", &ours), &s.f.err);
    ck_assert_int_eq(scene_rows(&s, "kept", "t"), 6);
    ck_assert_str_eq(scene_ledger(&s, "kept", "t"), "0.csv a.csv c.csv");
    scene_branch(&s, "other", "main"); /* and the other way round */
    ck_ok(scene_merge(&s, "kept~1", "other", &theirs), &s.f.err);
    ck_assert_int_eq(scene_rows(&s, "other", "t"), 6);
    ck_assert_str_eq(scene_ledger(&s, "other", "t"), "0.csv a.csv c.csv");
    ck_ok(scene_merge(&s, "kept~1", "main", &ours), &s.f.err);
    ck_assert_int_eq(scene_rows(&s, "main", "t"), 3);
    ck_assert_str_eq(scene_ledger(&s, "main", "t"), "0.csv a.csv");
    scene_done(&s);
}
END_TEST

START_TEST(replacing_and_adding_conflict)
{
    struct scene s;

    scene_init(&s);
    scene_written(&s, "main", "t", LAKE_APPEND, 1);
    scene_branch(&s, "b", "main");
    scene_written(&s, _i ? "main" : "b", "t", LAKE_REPLACE, 2);
    scene_written(&s, _i ? "b" : "main", "t", LAKE_APPEND, 3);
    ck_assert_int_eq(scene_merge(&s, "b", "main", NULL), CORRIE_E_CONFLICT);
    ck_assert(scene_said(&s, "ns.t"));
    scene_done(&s);
}
END_TEST

/* ---- what no command does yet, by the writers of the Iceberg room ---- */

/* Puts a version that was made of a table on a branch. */
static void put_version(struct scene *s, const char *branch, const struct table_version *version)
{
    _cleanup_(merge_report_done) struct merge_report report = {0};
    _cleanup_(buf_done) struct buf doc = {0};
    struct lake_table table = scene_table(s, branch, "t");
    struct tree_edit edit = {.value = {.id = table.id}};
    struct publish publish = {.ref = str_of(branch),
                              .edits = &edit,
                              .n_edits = 1,
                              .commit = {.author = STR("ada"), .message = STR("evolve")}};
    struct publish_result result;
    struct key key;

    table.metadata_location = lake_relative(s->f.lake, str_of(version->location));
    table.snapshot_id = version->snapshot_id;
    table.schema_id = version->metadata->current_schema_id;
    table.spec_id = version->metadata->default_spec_id;
    table.records = version->records;
    table.bytes = version->bytes;
    table.files = version->files;
    ck_ok(lake_table_doc(&table, &doc, &s->f.err), &s->f.err);
    ck_ok(KEY_MAKE(&key, &s->f.err, STR("table"), STR("ns"), STR("t")), &s->f.err);
    edit.key = key_str(&key);
    edit.value.doc = buf_str(&doc);
    ck_ok(lake_resolve(s->f.lake, str_of(branch), &publish.start, &s->f.err), &s->f.err);
    ck_ok(catalog_publish(lake_catalog(s->f.lake), &publish, &result, &report, &s->f.err),
          &s->f.err);
}

static void load(struct scene *s, const char *branch, struct table_metadata **ret,
                 struct str *ret_location)
{
    struct lake_table table = scene_table(s, branch, "t");

    ck_ok(lake_table_metadata(s->f.lake, &table, ret, &s->f.err), &s->f.err);
    ck_ok(lake_absolute(s->f.lake, table.metadata_location, &s->arena, ret_location, &s->f.err),
          &s->f.err);
}

/* Adds a column of that name. */
static void evolve(struct scene *s, const char *branch, const char *column)
{
    _cleanup_(metadata_freep) struct table_metadata *metadata = NULL;
    _cleanup_(table_version_done) struct table_version version = {0};
    struct schema wanted = one_column(column);
    struct schema extended;
    struct str location;

    load(s, branch, &metadata, &location);
    ck_ok(metadata_extended_schema(metadata, wanted.fields, 1, &s->arena, &extended, &s->f.err),
          &s->f.err);
    ck_ok(snapshot_append(lake_io(s->f.lake), metadata, location, &extended, NULL, 0, NULL,
                          &version, &s->f.err),
          &s->f.err);
    put_version(s, branch, &version);
}

/* Lost: the column that one side added, or the rows of the other. */
START_TEST(a_column_of_one_side_and_rows_of_the_other_merge)
{
    _cleanup_(metadata_freep) struct table_metadata *metadata = NULL;
    struct str location;
    struct scene s;

    scene_init(&s);
    scene_written(&s, "main", "t", LAKE_APPEND, 1);
    scene_branch(&s, "b", "main");
    evolve(&s, _i ? "main" : "b", "added");
    scene_written(&s, _i ? "b" : "main", "t", LAKE_APPEND, 3);
    ck_ok(scene_merge(&s, "b", "main", NULL), &s.f.err);
    ck_assert_int_eq(scene_rows(&s, "main", "t"), 4);
    load(&s, "main", &metadata, &location);
    ck_assert_uint_eq(metadata_schema(metadata)->n_fields, 2);
    ck_assert_int_eq(scene_table(&s, "main", "t").schema_id, metadata->current_schema_id);
    scene_done(&s);
}
END_TEST

/* Lost: the meaning of a column, if one id stood for two. */
START_TEST(columns_of_both_sides_conflict)
{
    struct scene s;

    scene_init(&s);
    scene_written(&s, "main", "t", LAKE_APPEND, 1);
    scene_branch(&s, "b", "main");
    evolve(&s, "main", "mine");
    evolve(&s, "b", "yours");
    ck_assert_int_eq(scene_merge(&s, "b", "main", NULL), CORRIE_E_CONFLICT);
    ck_assert(scene_said(&s, "ns.t"));
    scene_done(&s);
}
END_TEST

/* Lost: rows that an equality delete of one side would take from the other's. */
START_TEST(equality_deletes_conflict)
{
    static const int ids[] = {1};
    _cleanup_(metadata_freep) struct table_metadata *metadata = NULL;
    _cleanup_(table_version_done) struct table_version version = {0};
    struct data_file file = {.format = STR("PARQUET"),
                             .content = FILE_CONTENT_EQUALITY_DELETES,
                             .record_count = 1,
                             .bytes = 10,
                             .equality_ids = ids,
                             .n_equality_ids = 1};
    struct str location;
    struct scene s;

    scene_init(&s);
    scene_written(&s, "main", "t", LAKE_APPEND, 1);
    scene_branch(&s, "b", "main");
    load(&s, "b", &metadata, &location);
    file.path =
        str_of(arena_printf(&s.arena, "%.*s/data/deletes.parquet", STR_FMT(metadata->location)));
    ck_ok(snapshot_row_delta(lake_io(s.f.lake), metadata, location, &file, 1, NULL, &version,
                             &s.f.err),
          &s.f.err);
    put_version(&s, "b", &version);
    scene_written(&s, "main", "t", LAKE_APPEND, 3);
    ck_assert_int_eq(scene_merge(&s, "b", "main", NULL), CORRIE_E_CONFLICT);
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&s.f.err), "compact the table there first"));
    ck_assert(scene_said(&s, "equality"));
    engine_close(s.engine); /* the file of deletes was never there */
    fixture_done(&s.f);
    arena_done(&s.arena);
}
END_TEST

/* Lost: the namespace of a table, and with it the table. */
START_TEST(a_namespace_does_not_go_from_under_a_table)
{
    static const char *const add[][2] = {{"namespace/other", "{}"}};
    static const char *const drop[][2] = {{"namespace/other", ""}};
    static const char *const table[][2] = {
        {"table/other/t",
         "{\"bytes\":0,\"files\":0,\"location\":\"data/x\",\"managed\":true,\"metadata_location\":"
         "\"data/x/m\",\"records\":0,\"schema_id\":0,\"snapshot_id\":null,\"spec_id\":0}"}};
    struct scene s;

    scene_init(&s);
    ck_ok(scene_edit(&s, "main", add, 1), &s.f.err);
    scene_branch(&s, "b", "main");
    ck_ok(scene_edit(&s, _i ? "main" : "b", drop, 1), &s.f.err);
    ck_ok(scene_edit(&s, _i ? "b" : "main", table, 1), &s.f.err);
    ck_assert_int_eq(scene_merge(&s, "b", "main", NULL), CORRIE_E_CONFLICT);
    ck_assert(strstr(s.f.err.detail, "namespace other") && strstr(s.f.err.detail, "other.t"));
    corrie_error_clear(&s.f.err);
    engine_close(s.engine); /* the table's files were never there */
    fixture_done(&s.f);
    arena_done(&s.arena);
}
END_TEST

/* 1 and the doc of a key on main, 0 */
/* Nor is a table picked into a namespace that is not there. */
START_TEST(a_pick_brings_no_table_without_its_namespace)
{
    static const char *const add[][2] = {{"namespace/other", "{}"}};
    static const char *const table[][2] = {
        {"table/other/t",
         "{\"bytes\":0,\"files\":0,\"location\":\"data/x\",\"managed\":true,\"metadata_location\":"
         "\"data/x/m\",\"records\":0,\"schema_id\":0,\"snapshot_id\":null,\"spec_id\":0}"}};
    const char *const commits[] = {"main", "main~1"};
    corrie_merge_options into = {.size = sizeof into, .into = "b"};
    struct scene s;
    char *text;

    scene_init(&s);
    scene_branch(&s, "b", "main");
    ck_ok(scene_edit(&s, "main", add, 1), &s.f.err);
    ck_ok(scene_edit(&s, "main", table, 1), &s.f.err);
    ck_assert_int_eq(corrie_cherry_pick(s.f.lake, commits, 1, &into, &text, &s.f.err),
                     CORRIE_E_CONFLICT);
    ck_assert(strstr(s.f.err.detail, "namespace other") && strstr(s.f.err.detail, "other.t"));
    corrie_error_clear(&s.f.err);
    ck_ok(corrie_cherry_pick(s.f.lake, commits + 1, 1, &into, &text, &s.f.err), &s.f.err);
    corrie_free(text);
    ck_ok(corrie_cherry_pick(s.f.lake, commits, 1, &into, &text, &s.f.err), &s.f.err);
    corrie_free(text);
    engine_close(s.engine); /* the table's files were never there */
    fixture_done(&s.f);
    arena_done(&s.arena);
}
END_TEST

/* Where files would name a place that nobody will find again, none are written, by merges either. */
START_TEST(an_unnoted_place_merges_no_rows)
{
    struct scene s;

    scene_init(&s);
    scene_imported(&s, "main", "t", "0.csv", "zero", 1);
    scene_branch(&s, "b", "main");
    scene_imported(&s, "main", "t", "a.csv", "A", 2);
    scene_imported(&s, "b", "t", "b.csv", "B", 3);
    s.f.lake->unnoted = true;
    ck_ok(scene_merge(&s, "b", "main", &(corrie_merge_options){.dry_run = true}), &s.f.err);
    ck_assert_int_eq(scene_merge(&s, "b", "main", NULL), CORRIE_E_REFUSED);
    corrie_error_clear(&s.f.err);
    s.f.lake->unnoted = false;
    ck_ok(scene_merge(&s, "b", "main", NULL), &s.f.err);
    ck_assert_int_eq(scene_rows(&s, "main", "t"), 6);
    scene_done(&s);
}
END_TEST

static int doc_of(struct scene *s, struct str kind, struct str name, struct str *ret)
{
    struct tree_value value;
    struct lake_view view;
    struct key key;
    int r;

    ck_ok(lake_view_at(s->f.lake, STR("main"), &view, &s->f.err), &s->f.err);
    ck_ok(KEY_MAKE(&key, &s->f.err, kind, name), &s->f.err);
    r = tree_get(lake_catalog(s->f.lake), &view.tree, key_str(&key), &s->arena, &value, &s->f.err);
    *ret = value.doc;
    return r;
}

START_TEST(other_kinds_have_their_rules)
{
    static const char *const ours[][2] = {{"memo/position", "{\"at\":1}"},
                                          {"memo/same", "{\"at\":3}"},
                                          {"rule/r", "{\"is\":\"equal\"}"},
                                          {"view/ours", "{}"}};
    static const char *const theirs[][2] = {{"memo/position", "{\"at\":2}"},
                                            {"memo/same", "{\"at\":3}"},
                                            {"rule/r", "{\"is\":\"equal\"}"},
                                            {"source/theirs", "{}"}};
    static const char *const other[][2] = {{"rule/s", "{\"is\":\"other\"}"}};
    static const char *const another[][2] = {{"rule/s", "{\"is\":\"another\"}"}};
    struct scene s;
    struct str doc;

    scene_init(&s);
    scene_branch(&s, "b", "main");
    ck_ok(scene_edit(&s, "main", ours, 4), &s.f.err);
    ck_ok(scene_edit(&s, "b", theirs, 4), &s.f.err);
    ck_ok(scene_merge(&s, "b", "main", NULL), &s.f.err);
    ck_assert_int_eq(doc_of(&s, STR("memo"), STR("position"), &doc), 0);
    ck_assert_int_eq(doc_of(&s, STR("memo"), STR("same"), &doc), 1);
    ck_assert_int_eq(doc_of(&s, STR("rule"), STR("r"), &doc), 1);
    ck_assert_int_eq(doc_of(&s, STR("view"), STR("ours"), &doc), 1);
    ck_assert_int_eq(doc_of(&s, STR("source"), STR("theirs"), &doc), 1);
    ck_ok(scene_edit(&s, "main", other, 1), &s.f.err);
    ck_ok(scene_edit(&s, "b", another, 1), &s.f.err);
    ck_assert_int_eq(scene_merge(&s, "b", "main", NULL), CORRIE_E_CONFLICT);
    ck_assert(scene_said(&s, "rule s"));
    scene_done(&s);
}
END_TEST

Suite *kinds_suite(void);
Suite *kinds_suite(void)
{
    static const struct {
        const TTest *const *test;
        int n; /* both ways round */
    } tests[] = {
        {&imports_of_different_files_both_land, 2},
        {&the_same_file_lands_once, 2},
        {&different_content_of_one_file_conflicts, 2},
        {&of_several_files_only_the_common_ones_count_once, 1},
        {&two_creations_of_a_table_conflict, 2},
        {&a_dry_run_writes_no_file, 1},
        {&after_ours_the_ledger_is_ours, 1},
        {&after_theirs_the_ledger_is_theirs, 1},
        {&a_dropped_table_takes_its_ledger_along, 2},
        {&notes_of_empty_files_follow_the_table, 1},
        {&across_a_criss_cross_the_ledger_follows_its_table, 2},
        {&replacing_and_adding_conflict, 2},
        {&a_column_of_one_side_and_rows_of_the_other_merge, 2},
        {&columns_of_both_sides_conflict, 1},
        {&equality_deletes_conflict, 1},
        {&a_namespace_does_not_go_from_under_a_table, 2},
        {&a_pick_brings_no_table_without_its_namespace, 1},
        {&an_unnoted_place_merges_no_rows, 1},
        {&other_kinds_have_their_rules, 1},
    };
    Suite *suite = suite_create("kinds");
    TCase *tcase = tcase_create("kinds");

    tcase_set_timeout(tcase, 60);
    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        tcase_add_loop_test(tcase, *tests[i].test, 0, tests[i].n);
    }
    suite_add_tcase(suite, tcase);
    return suite;
}
