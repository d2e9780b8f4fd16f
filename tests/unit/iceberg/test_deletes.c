/* Which deletes apply to which files: one too few shows rows that are gone, one too many hides rows. */
#include "lines.h"

static struct str name_of(struct str path)
{
    return str_from(path, (size_t)(str_rfind(path, '/') + 1));
}

static void add_names(struct buf *text, const struct scan *scan,
                      const struct data_file *const *files, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_add_text(text, " ");
        buf_add_str(text, name_of(files[i]->path));
        ck_assert(files[i] >= scan->delete_files &&
                  files[i] < scan->delete_files + scan->n_delete_files);
    }
}

/* "a p1 | e1, b": each file, its position deletes, its equality deletes. */
static const char *applied(struct lines *lines, const struct table_version *version)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf text = {0};
    struct scan scan;

    ck_ok(scan_plan(&lines->f.io, version->metadata, NULL, NULL, 0, &lines->f.arena, &scan, &err),
          &err);
    ck_assert((scan.deletes == NULL) == (scan.n_delete_files == 0));
    ck_assert_uint_eq(scan.counts.delete_files, scan.n_delete_files);
    for (size_t i = 0; i < scan.n_files; i++) {
        buf_add_text(&text, i ? ", " : "");
        buf_add_str(&text, name_of(scan.files[i].path));
        if (scan.deletes) {
            const struct scan_deletes *deletes = &scan.deletes[i];
            add_names(&text, &scan, deletes->positions, deletes->n_positions);
            buf_add_text(&text, deletes->n_equalities ? " |" : "");
            add_names(&text, &scan, deletes->equalities, deletes->n_equalities);
        }
    }
    return arena_text(&lines->f.arena, buf_str(&text));
}

START_TEST(position_deletes_reach_what_they_name)
{
    LINES(l);
    struct table_version *two = append(&l, l.base, "b");

    ck_assert_str_eq(applied(&l, two), "base, b");
    ck_assert_str_eq(applied(&l, delete_rows(&l, two, "p", "b")), "base, b p");
    ck_assert_str_eq(applied(&l, delete_rows(&l, two, "p", "gone")), "base, b");
    ck_assert_str_eq(applied(&l, delete_between(&l, two, "p", "b", "b")), "base, b p");
    ck_assert_str_eq(applied(&l, delete_between(&l, two, "p", "b", "base")), "base p, b p");
    ck_assert_str_eq(applied(&l, delete_between(&l, two, "p", "c", "z")), "base, b");
    ck_assert_str_eq(applied(&l, delete_between(&l, two, "p", "", "")), "base p, b p");
    /* neighbours that share their deletes, and one that does not */
    struct table_version *four = append(&l, append(&l, two, "c"), "d");
    ck_assert_str_eq(applied(&l, delete_rows(&l, delete_between(&l, four, "p", "", ""), "q", "c")),
                     "base p, b p, c p q, d p");
    ck_assert_str_eq(
        applied(&l, delete_rows(&l, delete_equal(&l, delete_rows(&l, four, "p", "gone"), "e"), "q",
                                "b")),
        "base | e, b q | e, c | e, d | e");
    /* several, in the order in which they came */
    struct table_version *more = delete_between(&l, delete_rows(&l, two, "z", "b"), "a", "", "");
    ck_assert_str_eq(applied(&l, more), "base a, b z a");
}
END_TEST

START_TEST(later_files_are_out_of_reach)
{
    LINES(l);
    struct table_version *deleted = delete_between(&l, l.base, "p", "", "");
    struct table_version *equal = delete_equal(&l, append(&l, deleted, "b"), "e");

    ck_assert_str_eq(applied(&l, append(&l, equal, "c")), "base p | e, b | e, c");
    /* of one snapshot: position deletes reach its own files, equality deletes do not */
    ck_assert_str_eq(applied(&l, update(&l, l.base, "p", "new", "new")), "base, new p");
    struct data_file files[] = {line_file(&l, l.base, "e"), line_file(&l, l.base, "new")};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    static const int id = 1;
    _version_ struct table_version version = {0};

    files[0].content = FILE_CONTENT_EQUALITY_DELETES;
    files[0].equality_ids = &id;
    files[0].n_equality_ids = 1;
    ck_ok(snapshot_row_delta(&l.f.io, l.base->metadata, base_location(l.base), files, 2, NULL,
                             &version, &err),
          &err);
    ck_assert_str_eq(applied(&l, &version), "base | e, new");
}
END_TEST

START_TEST(deletes_stay_in_their_partition)
{
    PARTITIONED(l);

    ck_assert_str_eq(applied(&l, delete_between(&l, l.base, "p@a", "", "")), "base p, base_b");
    ck_assert_str_eq(applied(&l, delete_equal(&l, l.base, "e@b")), "base, base_b | e");
    ck_assert_str_eq(applied(&l, delete_equal(&l, l.base, "e@c")), "base, base_b");
    /* another spec: the same name of a partition means another one */
    struct table_version *other = partition_by(&l, l.base, 2, "truncate[1]");
    ck_assert_str_eq(applied(&l, delete_equal(&l, other, "e@a")), "base, base_b");
    /* that of no partition reaches all, a position delete those of its spec */
    struct table_version *plain = partition_by(&l, l.base, 2, "void");
    struct data_file everywhere = line_file(&l, plain, "e@x");
    everywhere.partition[0].bytes = (struct str){NULL, 0};
    static const int id = 1;
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _version_ struct table_version equal = {0};
    _version_ struct table_version positions = {0};

    everywhere.content = FILE_CONTENT_EQUALITY_DELETES;
    everywhere.equality_ids = &id;
    everywhere.n_equality_ids = 1;
    ck_ok(snapshot_row_delta(&l.f.io, plain->metadata, base_location(plain), &everywhere, 1, NULL,
                             &equal, &err),
          &err);
    ck_assert_str_eq(applied(&l, &equal), "base | e, base_b | e");
    everywhere.content = FILE_CONTENT_POSITION_DELETES;
    everywhere.n_equality_ids = 0;
    ck_ok(snapshot_row_delta(&l.f.io, plain->metadata, base_location(plain), &everywhere, 1, NULL,
                             &positions, &err),
          &err);
    ck_assert_str_eq(applied(&l, &positions), "base, base_b");
}
END_TEST

/* Predicates leave deletes out only with the files that they apply to. */
START_TEST(pruning_keeps_deletes)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    PARTITIONED(l);
    struct table_version *version =
        delete_equal(&l, delete_between(&l, l.base, "p@a", "", ""), "e@b");
    struct predicate is_a = {2, PREDICATE_EQ, STR("a")};
    struct scan scan;

    ck_ok(scan_plan(&l.f.io, version->metadata, NULL, &is_a, 1, &l.f.arena, &scan, &err), &err);
    ck_assert_uint_eq(scan.n_files, 0); /* bounds of every file's names: ann … zoe */
    is_a = (struct predicate){2, PREDICATE_LE, STR("azz")};
    ck_ok(scan_plan(&l.f.io, version->metadata, NULL, &is_a, 1, &l.f.arena, &scan, &err), &err);
    ck_assert_uint_eq(scan.n_files, 1);
    ck_assert_uint_eq(scan.n_delete_files, 1);
    ck_str_eq(name_of(scan.delete_files[0].path), STR("p"));
    ck_assert_uint_eq(scan.deletes[0].n_positions, 1);
    ck_assert_ptr_eq(scan.deletes[0].positions[0], &scan.delete_files[0]);
    ck_assert_uint_eq(scan.counts.manifests, 4);
    ck_assert_uint_eq(scan.counts.manifests_pruned, 2);
}
END_TEST

/* A lake that was moved: rows of old delete files name files by their old paths. */
START_TEST(deletes_follow_a_moved_lake)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    LINES(l);
    struct table_version *version =
        delete_between(&l, delete_rows(&l, l.base, "p", "base"), "q", "base", "base");
    _free_ char *from = in(l.f.scratch, "lake");
    _free_ char *to = in(l.f.scratch, "moved");
    const struct str old_root = l.f.io.root;

    ck_assert_int_eq(rename(from, to), 0);
    l.f.store = store_close(l.f.store);
    ck_ok(store_open(str_of(to), &l.f.store, &err), &err);
    l.f.io.store = l.f.store;
    ck_ok(location_of_store(l.f.store, &l.f.arena, &l.f.io.root, &err), &err);
    l.f.io.older_roots = &old_root;
    l.f.io.n_older_roots = 1;
    ck_assert_str_eq(applied(&l, version), "base p q");
    struct scan scan;
    ck_ok(scan_plan(&l.f.io, version->metadata, NULL, NULL, 0, &l.f.arena, &scan, &err), &err);
    ck_assert(str_starts(scan.deletes[0].stored_path, old_root));
    ck_assert(str_starts(scan.delete_files[0].path, l.f.io.root));
}
END_TEST

/* What we cannot apply must not be passed over. */
START_TEST(deletes_of_other_formats_are_refused)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    LINES(l);
    struct data_file file = line_file(&l, l.base, "vector");
    static const char *const formats[] = {"PUFFIN", "AVRO", "orc"};

    file.content = FILE_CONTENT_POSITION_DELETES;
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        _version_ struct table_version version = {0};
        struct scan scan;
        file.format = str_of(formats[i]);
        ck_ok(snapshot_row_delta(&l.f.io, l.base->metadata, base_location(l.base), &file, 1, NULL,
                                 &version, &err),
              &err);
        ck_assert_int_eq(
            scan_plan(&l.f.io, version.metadata, NULL, NULL, 0, &l.f.arena, &scan, &err),
            CORRIE_E_UNSUPPORTED);
        ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "data/shop/vector"));
        ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), formats[i]));
        corrie_error_clear(&err);
    }
}
END_TEST

SUITE(deletes_suite, "deletes", position_deletes_reach_what_they_name, later_files_are_out_of_reach,
      deletes_stay_in_their_partition, pruning_keeps_deletes, deletes_follow_a_moved_lake,
      deletes_of_other_formats_are_refused)
