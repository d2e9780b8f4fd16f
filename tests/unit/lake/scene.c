#include "scene.h"

#include <stdio.h>
#include <stdlib.h>

#include <corrie/care.h>

#include "catalog/tree.h"
#include "lake/read.h"

void scene_init(struct scene *s)
{
    memset(s, 0, sizeof *s);
    fixture_init(&s->f);
    fixture_open(&s->f);
    ck_ok(engine_open(&(struct engine_options){0}, &s->engine, &s->f.err), &s->f.err);
}

void scene_done(struct scene *s)
{
    char *report = NULL;
    int r = corrie_fsck(s->f.lake, NULL, &report, &s->f.err);

    ck_assert_msg(r >= 0, "%s", report ? report : corrie_error_message(&s->f.err));
    corrie_free(report);
    engine_close(s->engine);
    fixture_done(&s->f);
    arena_done(&s->arena);
}

/* A taint names a job of which there is a record. */
static void note_job(struct scene *s, const char *job)
{
    struct catalog_index_entry entry = {
        .id = str_of(job),
        .time = clock_now(),
        .json = str_of(arena_printf(&s->arena, "{\"job\":\"%s\",\"status\":\"failed\"}", job))};

    ck_ok(catalog_index_put(lake_catalog(s->f.lake), STR("job"), &entry, &s->f.err), &s->f.err);
}

struct lake_tx *scene_begin(struct scene *s, const char *branch, const char *job)
{
    struct lake_tx *tx;

    if (job) {
        note_job(s, job);
    }
    ck_ok(lake_tx_begin(s->f.lake,
                        &(struct lake_tx_options){
                            .branch = str_of(branch), .job = str_of(job), .steps = job != NULL},
                        &tx, &s->f.err),
          &s->f.err);
    return tx;
}

static void write_rows(struct scene *s, struct lake_tx *tx, const char *table,
                       enum lake_write_mode mode, int rows, struct lake_written *ret)
{
    struct schema schema = one_column("n");
    char sql[64];
    struct str select = str_of(sql);
    struct lake_write write = {.ns = STR("ns"),
                               .name = str_of(table),
                               .mode = mode,
                               .schema = &schema,
                               .engine = s->engine,
                               .selects = &select,
                               .n_selects = 1};

    snprintf(sql, sizeof sql, "SELECT range AS n FROM range(%d)", rows);
    select = str_of(sql);
    ck_ok(lake_tx_namespace(tx, STR("ns"), &s->f.err), &s->f.err);
    ck_ok(lake_tx_write(tx, &write, &s->arena, ret, &s->f.err), &s->f.err);
}

void scene_write(struct scene *s, struct lake_tx *tx, const char *table, enum lake_write_mode mode,
                 int rows)
{
    struct lake_written written;

    write_rows(s, tx, table, mode, rows, &written);
}

void scene_import(struct scene *s, struct lake_tx *tx, const char *table, const char *file,
                  const char *content, int rows)
{
    struct ledger_entry entry = {.version = str_of(content),
                                 .size = (int64_t)strlen(content),
                                 .sha256 = hash_bytes(str_of(content)),
                                 .rows = rows,
                                 .job = STR(JOB)};
    char *location = arena_printf(&s->arena, "file:///in/%s", file);
    struct lake_view view = lake_tx_view(tx);
    struct lake_written written = {0};

    if (rows > 0) {
        write_rows(s, tx, table, LAKE_APPEND, rows, &written);
        entry.data_files = written.selects[0].paths;
        entry.n_data_files = written.selects[0].n_paths;
    } else {
        ck_assert_int_eq(
            lake_table_find(&view, STR("ns"), str_of(table), &s->arena, &written.table, &s->f.err),
            1);
    }
    entry.location = str_of(location);
    ck_ok(lake_tx_ledger(tx, &written.table.id, &entry, 1, &s->f.err), &s->f.err);
}

int scene_publish(struct scene *s, struct lake_tx *tx, const struct lake_publish *publish)
{
    static const struct lake_publish plain = {.message = {"test", 4}};
    struct hash commit;
    int r = lake_tx_publish(tx, publish ? publish : &plain, &commit, &s->f.err);

    lake_tx_free(tx);
    return r;
}

void scene_imported(struct scene *s, const char *branch, const char *table, const char *file,
                    const char *content, int rows)
{
    struct lake_tx *tx = scene_begin(s, branch, NULL);

    scene_import(s, tx, table, file, content, rows);
    ck_assert_msg(scene_publish(s, tx, NULL) == 1, "%s", corrie_error_message(&s->f.err));
}

void scene_written(struct scene *s, const char *branch, const char *table,
                   enum lake_write_mode mode, int rows)
{
    struct lake_tx *tx = scene_begin(s, branch, NULL);

    scene_write(s, tx, table, mode, rows);
    ck_assert_msg(scene_publish(s, tx, NULL) == 1, "%s", corrie_error_message(&s->f.err));
}

void scene_ran(struct scene *s, const char *branch, const char *job, const char *tables, int rows)
{
    struct lake_tx *tx = scene_begin(s, branch, job);
    struct str rest = str_of(tables);
    struct str name;

    while (rest.len > 0) {
        (void)str_cut(rest, ',', &name, &rest);
        scene_write(s, tx, arena_text(&s->arena, name), LAKE_REPLACE, rows);
        ck_ok(lake_tx_step(tx, STR("step"), &s->f.err), &s->f.err);
    }
    ck_assert_msg(
        scene_publish(s, tx, &(struct lake_publish){.message = STR("run"), .origin = true}) == 1,
        "%s", corrie_error_message(&s->f.err));
}

static struct str make_key(struct scene *s, const char *text)
{
    char *key = arena_text(&s->arena, str_of(text));

    for (char *c = key; *c; c++) {
        *c = *c == '/' ? '\0' : *c;
    }
    return str_make(key, strlen(text));
}

static int publish_edits(struct scene *s, const char *branch, const struct tree_edit *edits,
                         size_t n)
{
    _cleanup_(merge_report_done) struct merge_report report = {0};
    struct merge_options storage;
    struct publish publish = {.ref = str_of(branch),
                              .edits = edits,
                              .n_edits = n,
                              .commit = {.author = STR("ada"), .message = STR("edit")},
                              .merge = lake_merge_options(s->f.lake, &storage)};
    struct publish_result result;

    ck_ok(lake_resolve(s->f.lake, publish.ref, &publish.start, &s->f.err), &s->f.err);
    return catalog_publish(lake_catalog(s->f.lake), &publish, &result, &report, &s->f.err);
}

int scene_edit(struct scene *s, const char *branch, const char *const (*edits)[2], size_t n)
{
    struct tree_edit list[8] = {0};

    for (size_t i = 0; i < n; i++) {
        list[i] = (struct tree_edit){.key = make_key(s, edits[i][0]),
                                     .is_delete = edits[i][1][0] == '\0',
                                     .value = {.id = uuid_random(), .doc = str_of(edits[i][1])}};
    }
    return publish_edits(s, branch, list, n);
}

void scene_drop(struct scene *s, const char *branch, const char *table)
{
    struct lake_table found = scene_table(s, branch, table);
    struct tree_edit edits[16] = {{.is_delete = true}};
    struct tree_cursor *cursor;
    struct tree_value value;
    struct lake_view view;
    char id[UUID_TEXT + 1];
    struct key prefix;
    struct str key;
    size_t n = 1;

    edits[0].key = make_key(s, arena_printf(&s->arena, "table/ns/%s", table));
    uuid_format(&found.id, id);
    ck_ok(lake_view_at(s->f.lake, str_of(branch), &view, &s->f.err), &s->f.err);
    ck_ok(KEY_MAKE_PREFIX(&prefix, &s->f.err, STR("ledger"), str_of(id)), &s->f.err);
    ck_ok(
        tree_cursor_open(lake_catalog(s->f.lake), &view.tree, key_str(&prefix), &cursor, &s->f.err),
        &s->f.err);
    while (tree_cursor_next(cursor, &key, &value, &s->f.err) > 0) {
        edits[n].is_delete = true;
        ck_assert_int_eq(arena_str(&s->arena, key, &edits[n++].key), 0);
    }
    tree_cursor_close(cursor);
    ck_ok(publish_edits(s, branch, edits, n), &s->f.err);
}

void scene_branch(struct scene *s, const char *name, const char *from)
{
    corrie_ref_options options = {.size = sizeof options, .from_ref = from};
    char *text;

    ck_ok(corrie_branch_create(s->f.lake, name, &options, &text, &s->f.err), &s->f.err);
    corrie_free(text);
}

int scene_merge(struct scene *s, const char *source, const char *into,
                const corrie_merge_options *options)
{
    corrie_merge_options given = {.size = sizeof given};
    char *text = NULL;
    int r;

    if (options) {
        given = *options;
        given.size = sizeof given;
    }
    given.into = into;
    r = corrie_branch_merge(s->f.lake, source, &given, &text, &s->f.err);
    corrie_free(text);
    return r;
}

struct lake_table scene_table(struct scene *s, const char *ref, const char *table)
{
    struct lake_table found = {0};
    struct lake_view view;

    ck_ok(lake_view_at(s->f.lake, str_of(ref), &view, &s->f.err), &s->f.err);
    ck_ok(lake_table_find(&view, STR("ns"), str_of(table), &s->arena, &found, &s->f.err),
          &s->f.err);
    return found;
}

int64_t scene_rows(struct scene *s, const char *ref, const char *table)
{
    struct lake_table found = scene_table(s, ref, table);
    struct table_metadata *metadata;
    struct engine_table read;
    int64_t rows = 0;

    if (found.name.len == 0) {
        return -1;
    }
    ck_ok(lake_table_metadata(s->f.lake, &found, &metadata, &s->f.err), &s->f.err);
    ck_ok(lake_read_table(s->f.lake, &found, metadata, &s->arena, &read, &s->f.err), &s->f.err);
    for (size_t i = 0; i < read.n_files; i++) {
        rows += read.files[i].rows;
    }
    metadata_free(metadata);
    ck_assert_int_eq(rows, found.records);
    ck_assert_int_eq(read.n_files, found.files);
    return rows;
}

/* Joins the last parts of the ledger's locations; counts all of them where `table` is NULL. */
static size_t read_ledger(struct scene *s, const char *ref, const struct uuid *table,
                          struct buf *out)
{
    char id[UUID_TEXT + 1] = "";
    struct str segments[] = {STR("ledger"), STR_EMPTY};
    struct tree_cursor *cursor;
    struct tree_value value;
    struct lake_view view;
    struct key prefix;
    struct str key;
    size_t n = 0;

    if (table) {
        uuid_format(table, id);
        segments[1] = str_of(id);
    }
    ck_ok(lake_view_at(s->f.lake, str_of(ref), &view, &s->f.err), &s->f.err);
    ck_ok(key_make_prefix(segments, table ? 2 : 1, &prefix, &s->f.err), &s->f.err);
    ck_ok(
        tree_cursor_open(lake_catalog(s->f.lake), &view.tree, key_str(&prefix), &cursor, &s->f.err),
        &s->f.err);
    while (tree_cursor_next(cursor, &key, &value, &s->f.err) > 0) {
        buf_addf(out, "%s%.*s", n++ > 0 ? " " : "",
                 STR_FMT(str_from(key_segment(key, 2), strlen("file:///in/"))));
    }
    tree_cursor_close(cursor);
    return n;
}

const char *scene_ledger(struct scene *s, const char *ref, const char *table)
{
    struct lake_table found = scene_table(s, ref, table);
    struct buf text = {0};
    char *copy;

    read_ledger(s, ref, &found.id, &text);
    copy = arena_text(&s->arena, buf_str(&text));
    buf_done(&text);
    return copy;
}

size_t scene_ledger_keys(struct scene *s, const char *ref)
{
    struct buf text = {0};
    size_t n = read_ledger(s, ref, NULL, &text);

    buf_done(&text);
    return n;
}

bool scene_said(struct scene *s, const char *text)
{
    bool said = strstr(corrie_error_message(&s->f.err), text) ||
                (s->f.err.hint && strstr(s->f.err.hint, text)) ||
                (s->f.err.detail && strstr(s->f.err.detail, text));

    if (!said) {
        fprintf(stderr, "said: %s\nhint: %s\ndetail: %s\n", corrie_error_message(&s->f.err),
                s->f.err.hint ? s->f.err.hint : "", s->f.err.detail ? s->f.err.detail : "");
    }
    corrie_error_clear(&s->f.err);
    return said;
}

struct str scene_property(struct scene *s, const char *ref, const char *name)
{
    struct commit commit;
    struct hash id;

    ck_ok(lake_resolve(s->f.lake, str_of(ref), &id, &s->f.err), &s->f.err);
    ck_ok(commit_read(lake_catalog(s->f.lake), &id, &s->arena, &commit, &s->f.err), &s->f.err);
    for (size_t i = 0; i < commit.n_properties; i++) {
        if (str_eq(commit.properties[i].name, str_of(name))) {
            return commit.properties[i].value;
        }
    }
    return STR_EMPTY;
}
