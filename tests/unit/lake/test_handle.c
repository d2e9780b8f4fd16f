/* What an open lake keeps from one call for the next: many small statements cost little, and none sees another's. */
#include <corrie/care.h>
#include <corrie/sql.h>
#include <stdio.h>

#include "fixture.h"
#include "lake/lake_priv.h"
#include "os/dir.h"
#include "os/fault.h"

static int run(struct fixture *f, const char *sql)
{
    corrie_sql_options options = {.size = sizeof options};
    char *text = NULL;
    int r = corrie_sql(f->lake, sql, &options, &text, &f->err);

    corrie_free(text);
    return r;
}

static void ran(struct fixture *f, const char *sql)
{
    ck_ok(run(f, sql), &f->err);
}

/* Operations on files of the lake that the statement takes, by this library alone. */
static uint64_t operations(struct fixture *f, const char *which, const char *sql)
{
    char spec[600];
    uint64_t count;

    snprintf(spec, sizeof spec, "op=%s,root=%s,count,out=/dev/null", which, f->root);
    ck_ok(os_fault_arm(spec, &f->err), &f->err);
    ran(f, sql);
    count = os_fault_count();
    os_fault_disarm();
    return count;
}

/* The metadata file that the table has, relative to the lake's root. */
static void remove_metadata(struct fixture *f, const char *name)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct lake_view view;
    struct lake_table table;

    ck_ok(lake_view_at(f->lake, STR("main"), &view, &f->err), &f->err);
    ck_ok(lake_table_get(&view, STR("public"), str_of(name), &arena, &table, &f->err), &f->err);
    ck_ok(store_delete(f->lake->store, table.metadata_location, &f->err), &f->err);
}

/* Who appends row by row waits for the disk at each: for each file and its directory once, however many came before. */
START_TEST(appends_cost_the_same)
{
    struct fixture f;
    uint64_t first;

    fixture_init(&f);
    fixture_open(&f);
    ran(&f, "CREATE TABLE t (a BIGINT)");
    ran(&f, "INSERT INTO t SELECT 1");
    first = operations(&f, "fsync", "INSERT INTO t SELECT 2");
    /* The job's directory, in its own; its record twice, a data file and the metadata, each with its directory; a manifest
     * and the list. */
    ck_assert_int_le((int)first, 11);
    for (int i = 0; i < 10; i++) {
        ran(&f, "INSERT INTO t SELECT 3");
    }
    ck_assert_uint_eq(operations(&f, "fsync", "INSERT INTO t SELECT 4"), first);
    ck_assert_uint_eq(operations(&f, "any", "INSERT INTO t SELECT 5"),
                      operations(&f, "any", "INSERT INTO t SELECT 6"));
    fixture_done(&f);
}
END_TEST

/* What it wrote itself it does not read again; but who asks whether the files are in order is told of the files. */
START_TEST(metadata_is_at_hand)
{
    struct fixture f;
    char *text = NULL;

    fixture_init(&f);
    fixture_open(&f);
    ran(&f, "CREATE TABLE t (a BIGINT)");
    ran(&f, "INSERT INTO t SELECT 1");
    remove_metadata(&f, "t");
    ran(&f, "INSERT INTO t SELECT 2");
    remove_metadata(&f, "t");
    ck_fails(corrie_fsck(f.lake, NULL, &text, &f.err), CORRIE_E_CORRUPT, &f.err);
    corrie_free(text);
    ck_fails(run(&f, "INSERT INTO t SELECT 3"), CORRIE_E_CORRUPT, &f.err);
    fixture_done(&f);
}
END_TEST

static size_t count_entries(const char *directory, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct os_entry *entries;
    size_t n;

    ck_ok(os_dir_list(directory, &arena, &entries, &n, err), err);
    return n;
}

/* Statements of one handle share an engine, and find nothing in it of those before them, also where these failed. */
START_TEST(statements_share_an_engine)
{
    struct fixture f;

    fixture_init(&f);
    fixture_open(&f);
    ran(&f, "CREATE TABLE t (a BIGINT); CREATE TABLE u AS SELECT 7 AS a");
    ck_assert_ptr_nonnull(f.lake->idle);
    ran(&f, "INSERT INTO t SELECT a FROM u");
    ran(&f, "MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN UPDATE SET a = 8");
    ck_assert_uint_eq(count_entries(f.lake->idle->spill.path, &f.err),
                      0); /* nor is the disk kept */
    ran(&f, "DROP TABLE u");
    ck_fails(run(&f, "INSERT INTO t SELECT a FROM u"), CORRIE_E_NOT_FOUND, &f.err);
    ck_fails(run(&f, "INSERT INTO t SELECT error('no')::BIGINT"), CORRIE_E_DATA, &f.err);
    ran(&f, "CREATE TABLE u AS SELECT 'x' AS b");
    ck_fails(run(&f, "INSERT INTO t SELECT a FROM u"), CORRIE_E_NOT_FOUND, &f.err); /* column a */
    ran(&f, "DELETE FROM t WHERE a = 8");
    fixture_done(&f);
}
END_TEST

SUITE(handle_suite, "handle", appends_cost_the_same, metadata_is_at_hand,
      statements_share_an_engine)
