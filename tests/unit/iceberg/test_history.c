/* Former snapshots: one that goes too early takes rows with it that someone still reads; a file that falls free wrongly is
 * deleted from under a table. */
#include "iceberg/history.h"

#include "lines.h"

/* Appends "0", "1", … one a snapshot, at 1000, 2000, … ms after `base`, which is earlier. */
static struct table_version *grow(struct lines *lines, const struct table_version *from, int n)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct table_version *at = (struct table_version *)(uintptr_t)from;

    for (int i = 0; i < n; i++) {
        const char *name = arena_printf(&lines->f.arena, "%d", i);
        struct data_file file = line_file(lines, at, name);
        const struct snapshot_options options = {.now_ms = from->metadata->last_updated_ms +
                                                           1000 * (i + 1)};
        struct table_version *next = mem_alloc(1, sizeof *next);
        ck_assert_ptr_nonnull(next);
        ck_ok(snapshot_append(&lines->f.io, at->metadata, base_location(at), NULL, &file, 1,
                              &options, next, &err),
              &err);
        ck_assert_int_eq(vec_push(&lines->versions, next), 0);
        at = next;
    }
    return at;
}

struct freed_names {
    struct lines *lines;
    struct buf text;
    int lists, manifests;
};

static int note(void *arg, const struct visited_file *file, corrie_error *err)
{
    struct freed_names *names = arg;

    (void)err;
    names->lists += file->kind == FILE_MANIFEST_LIST;
    names->manifests += file->kind == FILE_MANIFEST;
    ck_assert((file->file != NULL) == (file->kind == FILE_DATA || file->kind == FILE_DELETES));
    if (file->file) {
        ck_str_eq(file->file->path, file->path);
        buf_addf(&names->text, "%s%.*s", names->text.len ? " " : "",
                 STR_FMT(str_from(file->path, (size_t)(str_rfind(file->path, '/') + 1))));
    }
    return 0;
}

/* Expires, and says what falls free: "files; lists, manifests". */
static const char *freed(struct lines *lines, const struct table_metadata *table,
                         const struct expire_options *options, size_t expected)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _metadata_ struct table_metadata *made = NULL;
    struct freed_names names = {.lines = lines};
    size_t n = 99;

    ck_ok(metadata_expire(table, options, 0, &made, &n, &err), &err);
    ck_assert_uint_eq(n, expected);
    ck_assert_uint_eq(made->n_snapshots, table->n_snapshots - expected);
    ck_assert_int_eq(made->current_snapshot_id, table->current_snapshot_id);
    ck_ok(history_freed(&lines->f.io, table, made, note, &names, &err), &err);
    const char *text = arena_printf(&lines->f.arena, "%s; %d, %d", buf_text(&names.text),
                                    names.lists, names.manifests);
    buf_done(&names.text);
    return text;
}

START_TEST(old_snapshots_go)
{
    LINES(l);
    int64_t start = l.base->metadata->last_updated_ms;
    struct table_version *last = grow(&l, l.base, 4);
    const struct table_metadata *t = last->metadata;

    /* appends share everything but their lists */
    ck_assert_str_eq(freed(&l, t, &(struct expire_options){.older_than_ms = start}, 0), "; 0, 0");
    ck_assert_str_eq(freed(&l, t, &(struct expire_options){.older_than_ms = start + 2000}, 2),
                     "; 2, 0");
    ck_assert_str_eq(freed(&l, t, &(struct expire_options){.older_than_ms = INT64_MAX}, 4),
                     "; 4, 0");
    ck_assert_str_eq(
        freed(&l, t, &(struct expire_options){.older_than_ms = INT64_MAX, .keep_last = 3}, 2),
        "; 2, 0");
    int64_t id = t->snapshots[1].id;
    ck_assert_str_eq(freed(&l, t, &(struct expire_options){.ids = &id, .n_ids = 1}, 1), "; 1, 0");

    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct table_metadata *made = NULL;
    size_t n = 0;
    id = t->current_snapshot_id;
    ck_fails(
        metadata_expire(t, &(struct expire_options){.ids = &id, .n_ids = 1}, 0, &made, &n, &err),
        CORRIE_E_USAGE, &err);
    id = 1;
    ck_fails(
        metadata_expire(t, &(struct expire_options){.ids = &id, .n_ids = 1}, 0, &made, &n, &err),
        CORRIE_E_NOT_FOUND, &err);
}
END_TEST

START_TEST(what_only_they_named_falls_free)
{
    LINES(l);
    const struct expire_options all = {.older_than_ms = INT64_MAX};
    struct data_file files[] = {line_file(&l, l.base, "a"), line_file(&l, l.base, "b")};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _version_ struct table_version two = {0};

    ck_ok(snapshot_append(&l.f.io, l.base->metadata, base_location(l.base), NULL, files, 2, NULL,
                          &two, &err),
          &err);
    /* a is removed: its manifest is rewritten, with b as existing */
    struct table_version *rewritten = overwrite(&l, &two, "a", NULL);
    ck_assert_str_eq(freed(&l, rewritten->metadata, &all, 2), "a; 2, 1");
    struct table_version *deleted = delete_rows(&l, rewritten, "p", "b");
    ck_assert_str_eq(freed(&l, deleted->metadata, &all, 3), "a; 3, 1");
    struct table_version *whole = replace(&l, deleted, "new");
    ck_assert_str_eq(freed(&l, whole->metadata, &all, 4), "base a b p; 4, 4");
}
END_TEST

/* Refs of other engines: what they name or ask to keep stays. */
START_TEST(refs_keep_their_snapshots)
{
    LINES(l);
    struct table_version *last = grow(&l, l.base, 5);
    const struct table_metadata *t = last->metadata;
    const struct expire_options all = {.older_than_ms = INT64_MAX};
    json_t *refs = json_object_get(t->document, "refs");

    json_object_set_new(
        refs, "tag",
        json_pack("{s:I,s:s}", "snapshot-id", (json_int_t)t->snapshots[1].id, "type", "tag"));
    ck_assert_str_eq(freed(&l, t, &all, 4), "; 4, 0");
    json_object_set_new(refs, "branch",
                        json_pack("{s:I,s:s,s:i}", "snapshot-id", (json_int_t)t->snapshots[4].id,
                                  "type", "branch", "min-snapshots-to-keep", 2));
    ck_assert_str_eq(freed(&l, t, &all, 2), "; 2, 0");
    json_object_set_new(json_object_get(refs, "main"), "max-snapshot-age-ms", json_integer(-1));
    ck_assert_str_eq(freed(&l, t, &all, 2), "; 2, 0"); /* a negative age is none */
}
END_TEST

START_TEST(refs_keep_what_is_young)
{
    LINES(l);
    struct table_version *last = grow(&l, l.base, 5);
    const struct table_metadata *t = last->metadata;
    const struct expire_options all = {.older_than_ms = INT64_MAX};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _metadata_ struct table_metadata *made = NULL;
    size_t n = 0;

    json_object_set_new(json_object_get(json_object_get(t->document, "refs"), "main"),
                        "max-snapshot-age-ms", json_integer(2000));
    ck_ok(metadata_expire(t, &all, t->last_updated_ms, &made, &n, &err), &err);
    ck_assert_uint_eq(n, 3);
    ck_assert_int_eq(made->snapshots[0].id, t->snapshots[3].id);
    ck_assert_uint_eq(json_array_size(json_object_get(made->document, "snapshot-log")), 3);
}
END_TEST

SUITE(history_suite, "history", old_snapshots_go, what_only_they_named_falls_free,
      refs_keep_their_snapshots, refs_keep_what_is_young)
