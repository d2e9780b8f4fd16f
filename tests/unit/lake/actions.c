/* Whatever changes a lake, each with a scene: what the cases of faults_verbs and of cuts try. */
#include "trial.h"

#include <corrie/care.h>

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "os/dir.h"
#include "os/file.h"

#define DOCUMENT(call)                                                                             \
    __extension__({                                                                                \
        char *text_ = NULL;                                                                        \
        char **ret_json = &text_;                                                                  \
        int done_ = (call);                                                                        \
                                                                                                   \
        ck_assert_int_eq(done_ >= 0, text_ != NULL);                                               \
        corrie_free(text_);                                                                        \
        done_;                                                                                     \
    })

/* ---- scenes ---- */

/* main: t of five rows in two commits, u; dev, made before the second, has rows of its own in t and a table v. */
static void two_branches(struct trial *t)
{
    struct scene *s = &t->s;

    scene_imported(s, "main", "t", "a.csv", "1,2,3", 3);
    scene_branch(s, "dev", "main");
    scene_imported(s, "dev", "t", "d.csv", "4", 1);
    scene_written(s, "dev", "v", LAKE_APPEND, 2);
    scene_imported(s, "main", "t", "b.csv", "5,6", 2);
    scene_written(s, "main", "u", LAKE_APPEND, 1);
}

static void one_ahead(struct trial *t)
{
    struct scene *s = &t->s;

    scene_imported(s, "main", "t", "a.csv", "1,2,3", 3);
    scene_branch(s, "dev", "main");
    scene_imported(s, "dev", "t", "d.csv", "4", 1);
}

/* Both sides have put other rows in the place of t's. */
static void at_odds(struct trial *t)
{
    struct scene *s = &t->s;

    scene_imported(s, "main", "t", "a.csv", "1,2,3", 3);
    scene_branch(s, "dev", "main");
    scene_written(s, "dev", "t", LAKE_REPLACE, 4);
    scene_written(s, "main", "t", LAKE_REPLACE, 5);
}

static void removed_branch(struct trial *t)
{
    two_branches(t);
    ck_ok(DOCUMENT(corrie_branch_delete(t->s.f.lake, "dev", NULL, ret_json, &t->s.f.err)),
          &t->s.f.err);
}

static void with_tag(struct trial *t)
{
    corrie_ref_options from = {.size = sizeof from, .from_ref = "main~1"};

    two_branches(t);
    ck_ok(DOCUMENT(corrie_tag_create(t->s.f.lake, "v1", &from, ret_json, &t->s.f.err)),
          &t->s.f.err);
}

static void dev_checked_out(struct trial *t)
{
    two_branches(t);
    ck_ok(corrie_checkout(t->s.f.lake, "dev", &t->s.f.err), &t->s.f.err);
}

/* dev holds a table that a failed job left there, and that was accepted. */
static void tainted_branch(struct trial *t)
{
    struct scene *s = &t->s;
    struct lake_tx *tx = scene_begin(s, "main", JOB);
    corrie_ref_options from = {.size = sizeof from, .from_ref = "tx/" JOB, .accept_taint = true};

    scene_write(s, tx, "bad", LAKE_REPLACE, 3);
    ck_ok(lake_tx_step(tx, STR("write"), &s->f.err), &s->f.err);
    lake_tx_free(tx);
    ck_ok(DOCUMENT(corrie_branch_create(s->f.lake, "dev", &from, ret_json, &s->f.err)), &s->f.err);
}

static void put_file(struct trial *t, const char *name, const char *text)
{
    char *path = arena_printf(&t->s.arena, "%s/%s", t->s.f.dir, name);

    ck_ok(os_file_create(path, str_of(text), 0644, &t->s.f.err), &t->s.f.err);
}

static int import_by(struct trial *t, const char *name, corrie_import_options options,
                     corrie_error *err)
{
    char *path = arena_printf(&t->s.arena, "%s/%s", t->s.f.dir, name);
    const char *uri = path;

    options.size = sizeof options;
    options.branch = "main";
    options.uris = &uri;
    options.n_uris = 1;
    return DOCUMENT(corrie_import(t->s.f.lake, &options, ret_json, err));
}

static int import(struct trial *t, const char *name, const char *table,
                  enum corrie_import_mode mode, corrie_error *err)
{
    return import_by(t, name, (corrie_import_options){.table = table, .mode = mode}, err);
}

static void imported(struct trial *t)
{
    put_file(t, "first.csv", "n,s\n1,a\n2,b\n");
    put_file(t, "second.csv", "n,s\n3,c\n");
    scene_written(&t->s, "main", "u", LAKE_APPEND, 1);
    ck_ok(import(t, "first.csv", "ns.i", CORRIE_IMPORT_APPEND, &t->s.f.err), &t->s.f.err);
}

/* A table of two files, each with a snapshot, and a Parquet file outside the lake. */
static void small_files(struct trial *t)
{
    char *path = arena_printf(&t->s.arena, "%s/third.parquet", t->s.f.dir);
    int64_t rows;

    imported(t);
    ck_ok(import(t, "second.csv", "ns.i", CORRIE_IMPORT_APPEND, &t->s.f.err), &t->s.f.err);
    ck_ok(engine_export(t->s.engine, STR("SELECT 4::BIGINT AS n, 'd' AS s"), NULL,
                        ENGINE_OUT_PARQUET, str_of(path), &rows, &t->s.f.err),
          &t->s.f.err);
}

static void change_catalog(struct trial *t, const char *sql)
{
    char *path = arena_printf(&t->s.arena, "%s/catalog/catalog.db", t->s.f.root);
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_busy_timeout(db, 10000), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql,
                  sqlite3_errmsg(db));
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

static void age_files(const char *path)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    struct timespec then[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    struct os_entry *entries;
    size_t n;

    ck_ok(os_dir_list(path, &arena, &entries, &n, &err), &err);
    for (size_t i = 0; i < n; i++) {
        char *entry = arena_printf(&arena, "%s/%s", path, entries[i].name.data);

        if (entries[i].kind == OS_DIRECTORY) {
            age_files(entry);
        }
        ck_assert_int_eq(utimensat(AT_FDCWD, entry, then, 0), 0);
    }
}

/* A day later: commits, objects and files of a branch that is gone. */
static void littered(struct trial *t)
{
    removed_branch(t);
    change_catalog(t, "UPDATE objects SET stamp = stamp - 100000;"
                      "UPDATE reflog SET time = time - 100000000000000");
    age_files(arena_printf(&t->s.arena, "%s/data", t->s.f.root));
}

/* Two jobs that died: each has its ref. */
static void left_by_jobs(struct trial *t)
{
    static const char *const jobs[] = {JOB, JOB_2};

    two_branches(t);
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
        struct lake_tx *tx = scene_begin(&t->s, "main", jobs[i]);

        scene_write(&t->s, tx, "x", LAKE_REPLACE, 3);
        ck_ok(lake_tx_step(tx, STR("write"), &t->s.f.err), &t->s.f.err);
        lake_tx_free(tx);
    }
    change_catalog(t, "UPDATE reflog SET time = time - 100000000000000");
}

/* A branch that is gone from the table of refs, and one whose newest commit is gone. */
static void damaged(struct trial *t)
{
    two_branches(t);
    t->s.f.lake = corrie_lake_close(t->s.f.lake);
    change_catalog(t, "DELETE FROM objects WHERE name = (SELECT target FROM refs WHERE name = "
                      "'dev'); DELETE FROM refs WHERE name = 'main'");
    ck_ok(trial_open(t, &t->s.f.err), &t->s.f.err);
}

/* ---- actions on refs ---- */

static int make_branch(struct trial *t, corrie_error *err)
{
    corrie_ref_options from = {.size = sizeof from, .from_ref = "dev"};

    return DOCUMENT(corrie_branch_create(t->s.f.lake, "new", &from, ret_json, err));
}

static int remove_branch(struct trial *t, corrie_error *err)
{
    return DOCUMENT(corrie_branch_delete(t->s.f.lake, "dev", NULL, ret_json, err));
}

static int rename_branch(struct trial *t, corrie_error *err)
{
    return DOCUMENT(corrie_branch_rename(t->s.f.lake, "dev", "renamed", NULL, ret_json, err));
}

static int reset_branch(struct trial *t, corrie_error *err)
{
    return DOCUMENT(corrie_branch_reset(t->s.f.lake, "dev", "main~1", NULL, ret_json, err));
}

static int restore_branch(struct trial *t, corrie_error *err)
{
    return DOCUMENT(corrie_ref_restore(t->s.f.lake, "dev", NULL, ret_json, err));
}

static int make_tag(struct trial *t, corrie_error *err)
{
    corrie_ref_options from = {.size = sizeof from, .from_ref = "dev~1"};

    return DOCUMENT(corrie_tag_create(t->s.f.lake, "v2", &from, ret_json, err));
}

static int remove_tag(struct trial *t, corrie_error *err)
{
    return DOCUMENT(corrie_tag_delete(t->s.f.lake, "v1", NULL, ret_json, err));
}

static int checkout(struct trial *t, corrie_error *err)
{
    return corrie_checkout(t->s.f.lake, "dev", err);
}

static int set_user(struct trial *t, corrie_error *err)
{
    (void)t;
    return DOCUMENT(corrie_config_set("user", "user.name", "grace", ret_json, err));
}

/* ---- merging ---- */

static int merge_with(struct trial *t, bool no_fast_forward, bool dry_run, corrie_error *err)
{
    corrie_merge_options options = {.size = sizeof options,
                                    .into = "main",
                                    .no_fast_forward = no_fast_forward,
                                    .dry_run = dry_run};

    return DOCUMENT(corrie_branch_merge(t->s.f.lake, "dev", &options, ret_json, err));
}

static int merge(struct trial *t, corrie_error *err)
{
    return merge_with(t, false, false, err);
}

static int merge_no_ff(struct trial *t, corrie_error *err)
{
    return merge_with(t, true, false, err);
}

static int try_merge(struct trial *t, corrie_error *err)
{
    return merge_with(t, false, true, err);
}

static int merge_settled(struct trial *t, corrie_error *err)
{
    const char *const key = "ns.t";
    corrie_merge_options options = {
        .size = sizeof options, .into = "main", .theirs = &key, .n_theirs = 1};

    return DOCUMENT(corrie_branch_merge(t->s.f.lake, "dev", &options, ret_json, err));
}

static void theirs_is_there(struct trial *t)
{
    ck_assert_int_eq(scene_rows(&t->s, "main", "t"), 4);
}

static int pick(struct trial *t, corrie_error *err)
{
    const char *const commits[] = {"dev~1", "dev"};
    corrie_merge_options options = {.size = sizeof options, .into = "main"};

    return DOCUMENT(corrie_cherry_pick(t->s.f.lake, commits, 2, &options, ret_json, err));
}

static int revert(struct trial *t, corrie_error *err)
{
    const char *const commits[] = {"main", "main~1"};
    corrie_merge_options options = {.size = sizeof options, .into = "main"};

    return DOCUMENT(corrie_revert(t->s.f.lake, commits, 2, &options, ret_json, err));
}

/* ---- tables and namespaces ---- */

static const corrie_table_options on_main = {.size = sizeof on_main, .branch = "main"};

static int remove_table(struct trial *t, corrie_error *err)
{
    return DOCUMENT(corrie_table_delete(t->s.f.lake, "ns.t", &on_main, ret_json, err));
}

static int rename_table(struct trial *t, corrie_error *err)
{
    return DOCUMENT(corrie_table_rename(t->s.f.lake, "ns.t", "ns.w", &on_main, ret_json, err));
}

static int revert_table(struct trial *t, corrie_error *err)
{
    return DOCUMENT(corrie_table_revert(t->s.f.lake, "ns.t", "main~2", &on_main, ret_json, err));
}

static void empty_namespace(struct trial *t)
{
    two_branches(t);
    ck_ok(DOCUMENT(
              corrie_namespace_create(t->s.f.lake, "empty", "main", false, ret_json, &t->s.f.err)),
          &t->s.f.err);
}

static int remove_namespace(struct trial *t, corrie_error *err)
{
    return DOCUMENT(corrie_namespace_delete(t->s.f.lake, "empty", "main", false, ret_json, err));
}

static int make_namespace(struct trial *t, corrie_error *err)
{
    return DOCUMENT(corrie_namespace_create(t->s.f.lake, "new", "main", false, ret_json, err));
}

static int import_new(struct trial *t, corrie_error *err)
{
    return import(t, "second.csv", "ns.new", CORRIE_IMPORT_CREATE, err);
}

static int import_more(struct trial *t, corrie_error *err)
{
    return import(t, "second.csv", "ns.i", CORRIE_IMPORT_APPEND, err);
}

static int import_instead(struct trial *t, corrie_error *err)
{
    return import(t, "second.csv", "ns.i", CORRIE_IMPORT_REPLACE, err);
}

static int import_in_place(struct trial *t, corrie_error *err)
{
    return import_by(
        t, "third.parquet",
        (corrie_import_options){.table = "ns.i", .mode = CORRIE_IMPORT_APPEND, .in_place = true},
        err);
}

static void four_rows(struct trial *t)
{
    ck_assert_int_eq(scene_rows(&t->s, "main", "i"), 4);
}

static int run_sql(struct trial *t, const char *sql, corrie_error *err)
{
    corrie_sql_options options = {
        .size = sizeof options, .branch = "main", .default_namespace = "ns"};

    return DOCUMENT(corrie_sql(t->s.f.lake, sql, &options, ret_json, err));
}

static int change_rows(struct trial *t, corrie_error *err)
{
    return run_sql(t, "UPDATE i SET s = s || '!' WHERE n = 1; DELETE FROM i WHERE n = 2", err);
}

static int merge_rows(struct trial *t, corrie_error *err)
{
    return run_sql(t,
                   "MERGE INTO i USING (VALUES (1, 'x'), (9, 'y')) AS v(n, s) ON i.n = v.n "
                   "WHEN MATCHED THEN UPDATE SET s = v.s WHEN NOT MATCHED THEN INSERT *",
                   err);
}

static int change_tables(struct trial *t, corrie_error *err)
{
    return run_sql(t,
                   "CREATE TABLE ns.copy AS SELECT * FROM i; ALTER TABLE i RENAME COLUMN s TO t, "
                   "ADD COLUMN x INTEGER; DROP TABLE u",
                   err);
}

static int write_from(struct trial *t, struct lake_tx *tx, const struct lake_table *input,
                      corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct schema schema = one_column("n");
    struct str select = STR("SELECT range AS n FROM range(4)");
    struct lake_write write = {.ns = STR("ns"),
                               .name = STR("made"),
                               .mode = LAKE_REPLACE,
                               .schema = &schema,
                               .engine = t->s.engine,
                               .selects = &select,
                               .n_selects = 1};
    struct lake_written written;
    int r = lake_tx_read(tx, STR("ns"), STR("made"), input, STR_EMPTY, err);

    if (r >= 0) {
        r = lake_tx_write(tx, &write, &arena, &written, err);
    }
    return r < 0 ? r : lake_tx_step(tx, STR("write"), err);
}

/* What a run does; `reads` is its only input. */
static int run_on(struct trial *t, const char *branch, const char *reads, corrie_error *err)
{
    _cleanup_(lake_tx_freep) struct lake_tx *tx = NULL;
    _cleanup_(arena_done) struct arena arena = {0};
    char *job = arena_printf(&t->s.arena, "11111111-2222-4333-8444-%012u", t->round);
    struct catalog_index_entry record = {.id = str_of(job), .json = STR("{\"status\":\"failed\"}")};
    struct lake_tx_options options = {.branch = str_of(branch), .job = str_of(job), .steps = true};
    struct lake_publish publish = {.message = STR("Run"), .origin = true, .accept_taint = true};
    struct lake_table input;
    struct lake_view view;
    struct hash commit;
    int r = catalog_index_put(lake_catalog(t->s.f.lake), STR("job"), &record, err);

    r = r < 0 ? r : lake_tx_begin(t->s.f.lake, &options, &tx, err);
    if (r >= 0) {
        view = lake_tx_view(tx);
        r = lake_table_get(&view, STR("ns"), str_of(reads), &arena, &input, err);
    }
    if (r >= 0) {
        r = write_from(t, tx, &input, err);
    }
    return r < 0 ? r : lake_tx_publish(tx, &publish, &commit, err);
}

/* A table is made in three partitions; then two of them are replaced, of a file of the third the half, and one row by its
 * key. */
static int overwrite(struct trial *t, corrie_error *err)
{
    static const struct {
        enum lake_write_mode mode;
        const char *select;
        const char *filter;
    } writes[] = {
        {LAKE_REPLACE, "SELECT range AS n FROM range(30)", ""},
        {LAKE_OVERWRITE_PARTITIONS, "SELECT range AS n FROM range(10, 20)", ""},
        {LAKE_OVERWRITE_PARTITIONS, "SELECT 25 AS n", "n >= 25"},
        {LAKE_MERGE, "SELECT 3 AS n", ""},
    };
    _cleanup_(lake_tx_freep) struct lake_tx *tx = NULL;
    _cleanup_(arena_done) struct arena arena = {0};
    const struct lake_tx_options options = {.branch = STR("main")};
    const struct lake_publish publish = {.message = STR("Overwrite")};
    static const struct str key = {"n", 1};
    struct schema schema = one_column("n");
    struct partition_by_term *terms;
    struct lake_written written;
    struct hash commit;
    size_t n;
    int r = partition_parse(STR("truncate(10, n)"), &arena, &terms, &n, err);

    r = r < 0 ? r : lake_tx_begin(t->s.f.lake, &options, &tx, err);
    for (size_t i = 0; r >= 0 && i < ARRAY_LEN(writes); i++) {
        struct str select = str_of(writes[i].select);
        struct lake_write write = {.ns = STR("ns"),
                                   .name = STR("parted"),
                                   .mode = writes[i].mode,
                                   .schema = &schema,
                                   .partitioning = LAKE_PARTITION_SET,
                                   .partition_by = terms,
                                   .n_partition_by = n,
                                   .overwrite_filter = str_of(writes[i].filter),
                                   .keys = &key,
                                   .n_keys = 1,
                                   .engine = t->s.engine,
                                   .selects = &select,
                                   .n_selects = 1};

        r = lake_tx_write(tx, &write, &arena, &written, err);
    }
    return r < 0 ? r : lake_tx_publish(tx, &publish, &commit, err);
}

static void overwritten(struct trial *t)
{
    ck_assert_int_eq(scene_rows(&t->s, "main", "parted"), 26);
}

static int publish(struct trial *t, corrie_error *err)
{
    return run_on(t, "main", "t", err);
}

static void made_is_clean(struct trial *t)
{
    struct lake_table made = scene_table(&t->s, "main", "made");

    ck_assert_uint_eq(made.taint.len, 0);
    ck_assert_int_eq(scene_rows(&t->s, "main", "made"), 4);
}

/* A run reads what is tainted, and that is accepted: what it makes is tainted too. */
static int publish_tainted(struct trial *t, corrie_error *err)
{
    return run_on(t, "dev", "bad", err);
}

static void made_is_tainted(struct trial *t)
{
    struct lake_table made = scene_table(&t->s, "dev", "made");

    ck_str_eq(made.taint, STR(JOB));
}

/* ---- care ---- */

static int gc_with(struct trial *t, bool dry_run, char **ret_json, corrie_error *err)
{
    corrie_gc_options options = {
        .size = sizeof options, .grace_seconds = 0, .reflog_seconds = 0, .dry_run = dry_run};

    return corrie_gc(t->s.f.lake, &options, ret_json, err);
}

static int collect(struct trial *t, corrie_error *err)
{
    return DOCUMENT(gc_with(t, false, ret_json, err));
}

static void nothing_to_collect(struct trial *t)
{
    json_t *report;
    char *text;

    ck_ok(gc_with(t, true, &text, &t->s.f.err), &t->s.f.err);
    report = fixture_json(text);
    ck_assert_int_eq(json_integer_value(json_object_get(report, "files")), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(report, "objects")), 0);
    json_decref(report);
}

static int prune(struct trial *t, corrie_error *err)
{
    corrie_prune_options options = {.size = sizeof options, .older_than_seconds = 3600};

    return DOCUMENT(corrie_prune(t->s.f.lake, &options, ret_json, err));
}

static int repair(struct trial *t, corrie_error *err)
{
    corrie_fsck_options options = {.size = sizeof options, .repair = true};
    char *report = NULL;
    int r = corrie_fsck(t->s.f.lake, &options, &report, err);

    if (r == CORRIE_E_CORRUPT && report) { /* what could not be read is told of as damage */
        r = corrie_fail(err, strstr(report, "No space") ? CORRIE_E_NO_SPACE : CORRIE_E_IO,
                        "not all is repaired: %s", report);
    }
    corrie_free(report);
    return r;
}

static int share(struct trial *t, corrie_error *err)
{
    corrie_init_options options = {.size = sizeof options, .shared = "group", .author = "ada"};

    t->s.f.lake = corrie_lake_close(t->s.f.lake);
    return DOCUMENT(corrie_lake_init(t->s.f.root, &options, ret_json, err));
}

static int compact(struct trial *t, corrie_error *err)
{
    const corrie_compact_options options = {.size = sizeof options, .branch = "main"};

    return DOCUMENT(corrie_table_compact(t->s.f.lake, "ns.i", &options, ret_json, err));
}

static int expire(struct trial *t, corrie_error *err)
{
    const corrie_expire_options options = {.size = sizeof options, .branch = "main"};

    return DOCUMENT(corrie_table_expire(t->s.f.lake, "ns.i", &options, ret_json, err));
}

/* The rows of the table's files are the same, and of its snapshots one is left. */
static void one_snapshot(struct trial *t)
{
    _cleanup_(metadata_freep) struct table_metadata *metadata = NULL;
    struct lake_table table = scene_table(&t->s, "main", "i");

    ck_assert_int_eq(scene_rows(&t->s, "main", "i"), 3);
    ck_ok(lake_table_metadata(t->s.f.lake, &table, &metadata, &t->s.f.err), &t->s.f.err);
    ck_assert_uint_eq(metadata->n_snapshots, 1);
}

static void one_file(struct trial *t)
{
    struct lake_table table = scene_table(&t->s, "main", "i");

    ck_assert_int_eq(table.files, 1);
    ck_assert_int_eq(scene_rows(&t->s, "main", "i"), 3);
}

static const struct action all[] = {
    {.name = "branch create", .scene = two_branches, .act = make_branch},
    {.name = "branch rm", .scene = two_branches, .act = remove_branch},
    {.name = "branch rename", .scene = two_branches, .act = rename_branch},
    {.name = "branch rename, checked out", /* the user's note of that is no part of the catalog */
     .scene = dev_checked_out,
     .act = rename_branch,
     .in_steps = true,
     .once = true},
    {.name = "branch reset", .scene = two_branches, .act = reset_branch},
    {.name = "branch restore", .scene = removed_branch, .act = restore_branch},
    {.name = "tag create", .scene = two_branches, .act = make_tag},
    {.name = "tag rm", .scene = with_tag, .act = remove_tag},
    {.name = "checkout", .scene = two_branches, .act = checkout, .ends_in_rename = true},
    {.name = "config set", .scene = two_branches, .act = set_user, .ends_in_rename = true},
    {.name = "fast-forward", .scene = one_ahead, .act = merge},
    {.name = "merge --no-ff", .scene = one_ahead, .act = merge_no_ff},
    {.name = "merge of rows", .scene = two_branches, .act = merge},
    {.name = "merge --theirs", .scene = at_odds, .act = merge_settled, .check = theirs_is_there},
    {.name = "merge --dry-run", .scene = two_branches, .act = try_merge},
    {.name = "cherry-pick", .scene = two_branches, .act = pick},
    {.name = "revert", .scene = two_branches, .act = revert},
    {.name = "table rm", .scene = two_branches, .act = remove_table},
    {.name = "table rename", .scene = two_branches, .act = rename_table},
    {.name = "table revert", .scene = two_branches, .act = revert_table},
    {.name = "namespace create", .scene = two_branches, .act = make_namespace},
    {.name = "namespace rm", .scene = empty_namespace, .act = remove_namespace},
    {.name = "import --create", .scene = imported, .act = import_new, .may_keep_quiet = true},
    {.name = "import", .scene = imported, .act = import_more, .may_keep_quiet = true},
    {.name = "import --replace", .scene = imported, .act = import_instead, .may_keep_quiet = true},
    {.name = "import --in-place",
     .scene = small_files,
     .act = import_in_place,
     .check = four_rows,
     .may_keep_quiet = true},
    {.name = "table compact",
     .scene = small_files,
     .act = compact,
     .check = one_file,
     .may_keep_quiet = true},
    {.name = "table expire",
     .scene = small_files,
     .act = expire,
     .check = one_snapshot,
     .may_keep_quiet = true},
    {.name = "sql UPDATE",
     .scene = imported,
     .act = change_rows,
     .once = true,
     .may_keep_quiet = true},
    {.name = "sql MERGE",
     .scene = imported,
     .act = merge_rows,
     .once = true,
     .may_keep_quiet = true},
    {.name = "sql ALTER",
     .scene = imported,
     .act = change_tables,
     .once = true,
     .may_keep_quiet = true},
    {.name = "overwrite partitions",
     .scene = two_branches,
     .act = overwrite,
     .check = overwritten,
     .may_keep_quiet = true},
    {.name = "run", .scene = two_branches, .act = publish, .check = made_is_clean},
    {.name = "run with taint",
     .scene = tainted_branch,
     .act = publish_tainted,
     .check = made_is_tainted},
    {.name = "gc",
     .scene = littered,
     .act = collect,
     .check = nothing_to_collect,
     .in_steps = true,
     .may_keep_quiet = true},
    {.name = "prune", .scene = left_by_jobs, .act = prune, .in_steps = true, .names_jobs = true},
    {.name = "fsck --repair", .scene = damaged, .act = repair, .in_steps = true, .mends = true},
    {.name = "init --shared", .scene = two_branches, .act = share, .in_steps = true},
};

const struct action *actions_all(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(all);
    return all;
}
