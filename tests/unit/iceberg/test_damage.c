/* Files of a table cut at each byte and with each byte changed: an error that names the file, or the rows that were there;
 * never a crash, never rows that are missing without a word. What a changed value says (a count, a path) cannot be told
 * from what was meant: Iceberg has no checksums. */
#include <stdio.h>
#include <stdlib.h>

#include "lines.h"

#include "iceberg/tree.h"

struct ground {
    struct lines lines;
    struct table_version *table;
    const char *files; /* what a scan reads */
    VEC(struct str) keys;
};

static int note(void *arg, const struct visited_file *file, corrie_error *err)
{
    struct ground *ground = arg;
    struct str key;

    if (file->kind == FILE_MANIFEST_LIST || file->kind == FILE_MANIFEST) {
        ck_ok(location_key(&ground->lines.f.io, file->path, &ground->lines.f.arena, &key, err),
              err);
        ck_assert_int_eq(arena_str(&ground->lines.f.arena, key, &key), 0);
        ck_assert_int_eq(vec_push(&ground->keys, key), 0);
    }
    return 0;
}

static struct ground ground_new(void)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct ground ground = {.lines = lines_new_partitioned()};
    struct lines *l = &ground.lines;
    struct str key;

    ground.table = delete_rows(l, append(l, l->base, "third@c"), "gone@a", "base");
    ground.files = scanned(&l->f, ground.table->metadata);
    ck_ok(scan_visit(&l->f.io, ground.table->metadata,
                     metadata_current_snapshot(ground.table->metadata), note, &ground, &err),
          &err);
    ck_ok(location_key(&l->f.io, base_location(ground.table), &l->f.arena, &key, &err), &err);
    ck_assert_int_eq(vec_push(&ground.keys, key), 0);
    ck_assert_uint_eq(ground.keys.count, 6); /* list, four manifests, metadata */
    return ground;
}

static void ground_done(struct ground *ground)
{
    vec_done(&ground->keys);
    lines_done(&ground->lines);
}

/* Reads the table from its metadata file on. 0: *ret are the names of its files, in `arena`. */
static int read_table(const struct ground *ground, struct arena *arena, const char **ret,
                      corrie_error *err)
{
    const struct table_io *io = &ground->lines.f.io;
    _metadata_ struct table_metadata *table = NULL;
    _cleanup_(buf_done) struct buf names = {0};
    struct scan scan;
    int r;

    if ((r = metadata_read(io, base_location(ground->table), &table, err)) < 0 ||
        (r = scan_plan(io, table, NULL, NULL, 0, arena, &scan, err)) < 0) {
        return r;
    }
    for (size_t i = 0; i < scan.n_files; i++) {
        struct str path = scan.files[i].path;
        buf_addf(&names, "%s%.*s", i ? " " : "",
                 STR_FMT(str_from(path, (size_t)(str_rfind(path, '/') + 1))));
    }
    *ret = arena_text(arena, buf_str(&names));
    return 0;
}

/* Not through the store, which waits for the disk. */
static void put(const struct ground *ground, struct str key, const char *bytes, size_t len)
{
    _free_ char *lake = in(ground->lines.f.scratch, "lake");
    char path[4096];

    snprintf(path, sizeof path, "%s/%.*s", lake, STR_FMT(key));
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
}

static const char *base_name(const struct ground *ground, struct str key)
{
    return arena_text((struct arena *)(uintptr_t)&ground->lines.f.arena,
                      str_from(key, (size_t)(str_rfind(key, '/') + 1)));
}

START_TEST(cut_files_are_named)
{
    _cleanup_(ground_done) struct ground ground = ground_new();
    struct store *store = ground.lines.f.store;

    for (size_t i = 0; i < ground.keys.count; i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        _cleanup_(buf_done) struct buf whole = {0};
        const char *name = base_name(&ground, ground.keys.items[i]);
        ck_ok(store_get(store, ground.keys.items[i], 1 << 20, &whole, NULL, &err), &err);
        for (size_t len = 0; len < whole.len; len++) {
            _cleanup_(arena_done) struct arena arena = {0};
            _error_ corrie_error bad = CORRIE_ERROR_INIT;
            const char *files = NULL;
            put(&ground, ground.keys.items[i], whole.data, len);
            int r = read_table(&ground, &arena, &files, &bad);
            ck_assert_msg(r == CORRIE_E_CORRUPT, "%s of %zu of %zu bytes: %s", name, len, whole.len,
                          r < 0 ? corrie_error_message(&bad) : files);
            ck_assert_msg(strstr(corrie_error_message(&bad), name) != NULL, "%s: %s", name,
                          corrie_error_message(&bad));
        }
        put(&ground, ground.keys.items[i], whole.data, whole.len);
    }
}
END_TEST

/* Metadata says paths and numbers: a changed one names what is not there, or nothing. */
START_TEST(changed_bytes_do_no_harm)
{
    _cleanup_(ground_done) struct ground ground = ground_new();
    struct store *store = ground.lines.f.store;
    static const char masks[] = {1, '\x80', '\xff', 0x20};
    size_t step = getenv("CORRIE_TORTURE") ? 1 : 5;
    size_t n_errors = 0;

    for (size_t i = 0; i < ground.keys.count; i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        _cleanup_(buf_done) struct buf whole = {0};
        const char *name = base_name(&ground, ground.keys.items[i]);
        ck_ok(store_get(store, ground.keys.items[i], 1 << 20, &whole, NULL, &err), &err);
        for (size_t at = i % step; at < whole.len; at += step) {
            _cleanup_(arena_done) struct arena arena = {.max = 64 << 20};
            _error_ corrie_error bad = CORRIE_ERROR_INIT;
            const char *files = NULL;
            char mask = masks[at / step % sizeof masks];
            whole.data[at] ^= mask;
            put(&ground, ground.keys.items[i], whole.data, whole.len);
            int r = read_table(&ground, &arena, &files, &bad);
            whole.data[at] ^= mask;
            ck_assert_msg(r >= 0 || r == CORRIE_E_CORRUPT || r == CORRIE_E_NOT_FOUND ||
                              r == CORRIE_E_UNSUPPORTED || r == CORRIE_E_LIMIT,
                          "%s, byte %zu: %s", name, at, corrie_error_message(&bad));
            bool names_it = r >= 0 || strstr(corrie_error_message(&bad), name) ||
                            strstr(corrie_error_message(&bad), "read manifest '") ||
                            strstr(corrie_error_message(&bad), "manifest list") ||
                            strstr(corrie_error_message(&bad), "data/shop");
            ck_assert_msg(names_it, "%s, byte %zu: %s", name, at, corrie_error_message(&bad));
            n_errors += r < 0;
        }
        put(&ground, ground.keys.items[i], whole.data, whole.len);
    }
    ck_assert_uint_gt(n_errors, 500);
    _cleanup_(arena_done) struct arena arena = {0};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    const char *files = NULL;
    ck_ok(read_table(&ground, &arena, &files, &err), &err);
    ck_assert_str_eq(files, ground.files);
}
END_TEST

START_TEST(missing_files_are_named)
{
    _cleanup_(ground_done) struct ground ground = ground_new();
    struct store *store = ground.lines.f.store;

    for (size_t i = 0; i < ground.keys.count; i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        _cleanup_(buf_done) struct buf whole = {0};
        const char *files = NULL;
        ck_ok(store_get(store, ground.keys.items[i], 1 << 20, &whole, NULL, &err), &err);
        ck_ok(store_delete(store, ground.keys.items[i], &err), &err);
        ck_assert_int_eq(read_table(&ground, &ground.lines.f.arena, &files, &err),
                         CORRIE_E_NOT_FOUND);
        ck_assert_ptr_nonnull(
            strstr(corrie_error_message(&err), base_name(&ground, ground.keys.items[i])));
        corrie_error_clear(&err);
        put(&ground, ground.keys.items[i], whole.data, whole.len);
    }
}
END_TEST

Suite *damage_suite(void);
Suite *damage_suite(void)
{
    Suite *suite = suite_create("damage");
    TCase *tcase = tcase_create("damage");

    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, cut_files_are_named);
    tcase_add_test(tcase, changed_bytes_do_no_harm);
    tcase_add_test(tcase, missing_files_are_named);
    suite_add_tcase(suite, tcase);
    return suite;
}
