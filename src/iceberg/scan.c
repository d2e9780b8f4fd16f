/* scan.c — planning scans. */
#include "iceberg/scan.h"

#include <stdlib.h>

#include "iceberg/scan_priv.h"
#include "iceberg/tree.h"

/* A data file, and its path as the manifest has it. */
struct planned {
    struct data_file file;
    struct str stored;
};

struct planner {
    const struct table_io *io;
    const struct table_metadata *metadata;
    const struct schema *schema;
    const struct predicate *predicates;
    size_t n_predicates;
    struct arena *arena;
    struct scan scan;
    struct partition_tests *tests; /* parallel to metadata->specs; `spec` NULL: not made yet */
    VEC(struct planned) files;
    struct data_files deletes;
};

static void planner_done(struct planner *planner)
{
    for (size_t i = 0; planner->tests && i < planner->metadata->n_specs; i++) {
        partition_tests_done(&planner->tests[i]);
    }
    mem_free(planner->tests);
    vec_done(&planner->files);
    vec_done(&planner->deletes);
}

/* The predicates through a manifest's spec; NULL for a spec that the table has not (reading the manifest says so). */
static int tests_of(struct planner *planner, int spec_id, const struct partition_tests **ret,
                    corrie_error *err)
{
    const struct partition_spec *spec = metadata_spec_by_id(planner->metadata, spec_id);

    *ret = NULL;
    if (!spec) {
        return 0;
    }
    struct partition_tests *tests = &planner->tests[spec - planner->metadata->specs];
    *ret = tests;
    return tests->spec ? 0
                       : partition_tests_make(planner->schema, spec, planner->predicates,
                                              planner->n_predicates, planner->arena, tests, err);
}

static bool is_parquet(struct str format)
{
    static const char *const name = "parquet";
    size_t i = 0;

    while (i < format.len && name[i] && (format.data[i] | 0x20) == name[i]) {
        i++;
    }
    return i == format.len && !name[i];
}

static int check_format(const struct data_file *file, corrie_error *err)
{
    if (is_parquet(file->format)) {
        return 0;
    }
    if (file->content == FILE_CONTENT_DATA) {
        return corrie_fail(err, CORRIE_E_UNSUPPORTED, "'%.*s' is a file of format %.*s",
                           STR_FMT(file->path), STR_FMT(file->format));
    }
    corrie_fail(err, CORRIE_E_UNSUPPORTED, "the table has deletes of format %.*s: '%.*s'",
                STR_FMT(file->format), STR_FMT(file->path));
    return corrie_hint(err, "have the program that wrote the table compact it, which applies the "
                            "deletes, or make it write position deletes as Parquet");
}

/* Whether the predicates leave the file in. */
static bool may_hold(const struct planner *planner, const struct partition_tests *tests,
                     const struct data_file *file, struct scan_counts *counts)
{
    if (tests && !partition_tests_file(tests, file)) {
        counts->files_pruned_partition++;
        return false;
    }
    if (!scan_may_match(planner->schema, file, planner->predicates, planner->n_predicates)) {
        counts->files_pruned_bounds++;
        return false;
    }
    return true;
}

static int add_file(struct planner *planner, const struct partition_tests *tests,
                    const struct data_file *file, corrie_error *err)
{
    struct planned planned = {*file, file->path};
    int r;

    planner->scan.counts.files++;
    if (!may_hold(planner, tests, file, &planner->scan.counts)) {
        return 0;
    }
    if ((r = check_format(file, err)) < 0 ||
        (r = location_resolve(planner->io, file->path, planner->arena, &planned.file.path, err)) <
            0) {
        return r;
    }
    if (vec_push(&planner->files, planned) < 0) {
        return corrie_fail_memory(err);
    }
    planner->scan.records = count_add(planner->scan.records, file->record_count);
    planner->scan.bytes = count_add(planner->scan.bytes, file->bytes);
    return 0;
}

/* Files that a delete file applies to have its partition, or it has none: the same tests hold. */
static int add_delete_file(struct planner *planner, const struct partition_tests *tests,
                           const struct data_file *file, corrie_error *err)
{
    struct data_file kept = *file;
    int r;

    if (tests && !partition_tests_file(tests, file)) {
        return 0;
    }
    if ((r = check_format(file, err)) < 0 ||
        (r = location_resolve(planner->io, file->path, planner->arena, &kept.path, err)) < 0) {
        return r;
    }
    if (file->content == FILE_CONTENT_EQUALITY_DELETES && file->n_equality_ids == 0) {
        return corrie_fail(err, CORRIE_E_CORRUPT,
                           "the equality deletes '%.*s' do not say which columns they compare",
                           STR_FMT(file->path));
    }
    return vec_push(&planner->deletes, kept) < 0 ? corrie_fail_memory(err) : 0;
}

/* A manifest that is not read. */
static void leave_out(struct planner *planner, const struct manifest_file *manifest)
{
    planner->scan.counts.manifests_pruned++;
    if (manifest->content == MANIFEST_DATA) {
        int64_t files = count_add(manifest->added.files > 0 ? manifest->added.files : 0,
                                  manifest->existing.files > 0 ? manifest->existing.files : 0);
        /* a list of version 1 may not tell; that something was left out must show */
        planner->scan.counts.files_in_pruned += files > 0 ? (size_t)files : 1;
    }
}

static int add_manifest(struct planner *planner, const struct manifest_file *manifest,
                        corrie_error *err)
{
    _cleanup_(manifest_entries_done) struct manifest_entries entries = {0};
    const struct partition_tests *tests;

    if (!manifest_may_be_live(manifest)) {
        return 0;
    }
    planner->scan.counts.manifests++;
    int r = tests_of(planner, manifest->spec_id, &tests, err);
    if (r < 0) {
        return r;
    }
    if (tests && !partition_tests_manifest(tests, manifest)) {
        leave_out(planner, manifest);
        return 0;
    }
    r = tree_entries(planner->io, planner->metadata, manifest, planner->arena, &entries, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; r >= 0 && i < entries.count; i++) {
        const struct data_file *file = &entries.items[i].file;
        if (entries.items[i].status != ENTRY_DELETED) {
            r = file->content == FILE_CONTENT_DATA ? add_file(planner, tests, file, err)
                                                   : add_delete_file(planner, tests, file, err);
        }
    }
    return r < 0 ? corrie_wrap(err, "manifest '%.*s'", STR_FMT(manifest->path)) : r;
}

static int compare_planned(const void *a, const void *b)
{
    return data_file_compare(&((const struct planned *)a)->file,
                             &((const struct planned *)b)->file);
}

static int finish(struct planner *planner, struct scan *ret, corrie_error *err)
{
    struct scan *scan = &planner->scan;
    size_t n = planner->files.count;

    scan->n_pruned = scan->counts.files_in_pruned + scan->counts.files_pruned_partition +
                     scan->counts.files_pruned_bounds;
    if (n > 0) {
        struct data_file *files = arena_array(planner->arena, struct data_file, n);
        struct str *stored = arena_array(planner->arena, struct str, n);
        if (!files || !stored) {
            return corrie_fail_memory(err);
        }
        qsort(planner->files.items, n, sizeof *planner->files.items, compare_planned);
        for (size_t i = 0; i < n; i++) {
            files[i] = planner->files.items[i].file;
            stored[i] = planner->files.items[i].stored;
        }
        scan->files = files;
        scan->n_files = n;
        int r = scan_apply_deletes(planner->io, planner->metadata, &planner->deletes, stored,
                                   planner->arena, scan, err);
        if (r < 0) {
            return r;
        }
    }
    *ret = *scan;
    return 0;
}

int scan_narrow(const struct table_metadata *metadata, const struct snapshot *snapshot,
                const struct predicate *predicates, size_t n_predicates, const struct scan *all,
                struct arena *arena, struct scan *ret, corrie_error *err)
{
    struct data_file *files = arena_array(arena, struct data_file, all->n_files + 1);
    struct scan_deletes *deletes = arena_array(arena, struct scan_deletes, all->n_files + 1);
    struct scan made = *all;
    int r = 0;

    _cleanup_(planner_done) struct planner planner = {
        .metadata = metadata,
        .schema = metadata_snapshot_schema(
            metadata, snapshot ? snapshot : metadata_current_snapshot(metadata)),
        .predicates = predicates,
        .n_predicates = n_predicates,
        .arena = arena,
        .tests = mem_alloc(metadata->n_specs, sizeof *planner.tests)};
    if (!files || !deletes || !planner.tests) {
        return corrie_fail_memory(err);
    }
    made.n_files = 0;
    made.records = made.bytes = 0;
    for (size_t i = 0; r >= 0 && i < all->n_files; i++) {
        const struct data_file *file = &all->files[i];
        const struct partition_tests *tests;

        r = tests_of(&planner, file->spec_id, &tests, err);
        if (r < 0 || !may_hold(&planner, tests, file, &made.counts)) {
            continue;
        }
        deletes[made.n_files] = all->deletes ? all->deletes[i] : (struct scan_deletes){0};
        files[made.n_files++] = *file;
        made.records = count_add(made.records, file->record_count);
        made.bytes = count_add(made.bytes, file->bytes);
    }
    made.n_pruned += all->n_files - made.n_files;
    made.files = files;
    made.deletes = all->deletes ? deletes : NULL;
    *ret = made;
    return r < 0 ? r : 0;
}

int scan_plan(const struct table_io *io, const struct table_metadata *metadata,
              const struct snapshot *snapshot, const struct predicate *predicates,
              size_t n_predicates, struct arena *arena, struct scan *ret, corrie_error *err)
{
    _cleanup_(manifest_list_done) struct manifest_list list = {0};

    if (!snapshot) {
        snapshot = metadata_current_snapshot(metadata);
    }
    _cleanup_(planner_done) struct planner planner = {
        .io = io,
        .metadata = metadata,
        .schema = metadata_snapshot_schema(metadata, snapshot),
        .predicates = predicates,
        .n_predicates = n_predicates,
        .arena = arena};
    planner.tests = mem_alloc(metadata->n_specs, sizeof *planner.tests);
    if (!planner.tests) {
        return corrie_fail_memory(err);
    }
    int r = tree_manifests(io, metadata, snapshot, arena, &list, err);
    for (size_t i = 0; r >= 0 && i < list.count; i++) {
        r = add_manifest(&planner, &list.items[i], err);
    }
    return r < 0 ? r : finish(&planner, ret, err);
}
