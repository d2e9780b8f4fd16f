/* rewrite.c — some files of a table go, others come: see rewrite.h. */
#include "lake/rewrite.h"

#include "iceberg/snapshot.h"
#include "lake/read.h"
#include "lake/tx_priv.h"
#include "lake/write_files.h"

void lake_target_done(struct lake_target *target)
{
    metadata_free(target->metadata);
    target->metadata = NULL;
}

int lake_target_open(struct lake_tx *tx, struct str ns, struct str name, struct arena *arena,
                     struct lake_target *ret, corrie_error *err)
{
    struct lake_view view = lake_tx_view(tx);
    struct lake_target target = {0};
    int r;

    r = lake_table_get(&view, ns, name, arena, &target.table, err);
    if (r < 0) {
        return r;
    }
    if (!target.table.managed) {
        return lake_refuse_external(&target.table, err);
    }
    r = lake_absolute(tx->lake, target.table.metadata_location, arena, &target.metadata_location,
                      err);
    if (r >= 0) {
        r = lake_table_metadata(tx->lake, &target.table, &target.metadata, err);
    }
    if (r >= 0) {
        r = location_resolve(&tx->lake->io, target.metadata->location, arena, &target.location,
                             err);
    }
    if (r < 0) {
        lake_target_done(&target);
        return r;
    }
    *ret = target;
    return 0;
}

static int wrap(const struct lake_target *target, const char *what, corrie_error *err)
{
    return corrie_wrap(err, "%s table %.*s.%.*s", what, STR_FMT(target->table.ns),
                       STR_FMT(target->table.name));
}

int lake_target_scan(struct lake_tx *tx, struct lake_target *target,
                     const struct engine_scan *scans, size_t n_scans, struct arena *arena,
                     corrie_error *err)
{
    return lake_read_needed(tx->lake, &target->table, target->metadata, scans, n_scans, NULL, arena,
                            &target->scan, err);
}

/* The files of a scan that were chosen, and what was deleted from them. */
static int choose(const struct scan *scan, const size_t *chosen, size_t n, struct arena *arena,
                  struct scan *ret, corrie_error *err)
{
    struct data_file *files = arena_array(arena, struct data_file, n);
    struct scan_deletes *deletes = arena_array(arena, struct scan_deletes, n);

    if (!files || !deletes) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        files[i] = scan->files[chosen[i]];
        if (scan->deletes) {
            deletes[i] = scan->deletes[chosen[i]];
        }
    }
    *ret = *scan;
    ret->files = files;
    ret->n_files = n;
    ret->deletes = scan->deletes ? deletes : NULL;
    return 0;
}

int lake_target_define(const struct lake_target *target, struct engine *engine,
                       struct str name_space, struct str name, const size_t *chosen,
                       size_t n_chosen, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct scan scan = target->scan;
    struct engine_table table;
    int r = 0;

    if (chosen) {
        r = choose(&target->scan, chosen, n_chosen, &arena, &scan, err);
    }
    if (r >= 0) {
        r = lake_read_files(&target->table, target->metadata, metadata_schema(target->metadata),
                            &scan, &arena, &table, err);
    }
    if (r < 0) {
        return wrap(target, "read", err);
    }
    table.name_space = name_space;
    table.name = name;
    table.positions = true;
    return engine_define_files(engine, &table, err);
}

/* ---- writing ---- */

/* Which files go, by path. */
static int find_removal(const struct lake_rewrite *rewrite, struct arena *arena,
                        struct file_removal *ret, corrie_error *err)
{
    const struct scan *scan = &rewrite->target->scan;
    size_t n_deletes = rewrite->remove_deletes ? scan->n_delete_files : rewrite->n_removed_deletes;
    size_t n = rewrite->n_removed + n_deletes;
    struct str *paths = arena_array(arena, struct str, n);

    if (!paths) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < rewrite->n_removed; i++) {
        paths[i] = scan->files[rewrite->removed[i]].path;
    }
    for (size_t i = 0; i < n_deletes; i++) {
        size_t at = rewrite->remove_deletes ? i : rewrite->removed_deletes[i];

        paths[rewrite->n_removed + i] = scan->delete_files[at].path;
    }
    *ret = (struct file_removal){.paths = paths, .n_paths = n};
    return 0;
}

static int write_files(const struct lake_rewrite *rewrite, struct file_writer *writer,
                       struct arena *arena, struct lake_written *ret, corrie_error *err)
{
    int r = 0;

    ret->selects = arena_array(arena, struct written_files, rewrite->n_selects);
    if (!ret->selects) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; r >= 0 && i < rewrite->n_selects; i++) {
        r = cancel_check(writer->lake->cancel, err);
        if (r >= 0) {
            r = file_writer_write(writer, rewrite->selects[i], NULL, &ret->selects[i], err);
        }
        ret->rows += r < 0 ? 0 : ret->selects[i].rows;
        ret->bytes += r < 0 ? 0 : ret->selects[i].bytes;
    }
    return r < 0 ? r : file_writer_sync(writer, err);
}

static int write_version(struct lake_tx *tx, const struct lake_rewrite *rewrite,
                         const struct data_file *files, size_t n_files, struct arena *arena,
                         struct table_version *ret, corrie_error *err)
{
    const struct lake_target *target = rewrite->target;
    struct snapshot_options options = {.summary = rewrite->summary,
                                       .n_summary = rewrite->n_summary,
                                       .same_rows = rewrite->same_rows,
                                       .whole = rewrite->whole};
    struct file_removal removal;
    int r;

    if (rewrite->n_removed == 0 && !rewrite->whole) {
        return snapshot_append(&tx->lake->io, target->metadata, target->metadata_location, NULL,
                               files, n_files, &options, ret, err);
    }
    r = find_removal(rewrite, arena, &removal, err);
    return r < 0 ? r
                 : snapshot_overwrite(&tx->lake->io, target->metadata, target->metadata_location,
                                      NULL, files, n_files, &removal, &options, ret, err);
}

static int open_writer(struct lake_tx *tx, const struct lake_rewrite *rewrite, struct arena *arena,
                       struct file_writer *ret, corrie_error *err)
{
    const struct lake_target *target = rewrite->target;

    return file_writer_init(ret, tx->lake, rewrite->engine, target->metadata,
                            metadata_schema(target->metadata), metadata_spec(target->metadata),
                            target->location, arena, err);
}

/* Those that were there before, and the writer's. */
static int all_files(const struct lake_rewrite *rewrite, const struct file_writer *writer,
                     struct arena *arena, struct data_file **ret, size_t *ret_n, corrie_error *err)
{
    size_t n = rewrite->n_files + writer->files.count;
    struct data_file *files = arena_array(arena, struct data_file, n);

    if (!files) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        files[i] =
            i < rewrite->n_files ? rewrite->files[i] : writer->files.items[i - rewrite->n_files];
    }
    *ret = files;
    *ret_n = n;
    return 0;
}

int lake_rewrite_files(struct lake_tx *tx, const struct lake_rewrite *rewrite, struct arena *arena,
                       struct data_file **ret, size_t *ret_n, corrie_error *err)
{
    _cleanup_(file_writer_done) struct file_writer writer = {0};
    struct lake_written written = {0};
    int r;

    r = open_writer(tx, rewrite, arena, &writer, err);
    if (r < 0) {
        return wrap(rewrite->target, "write", err);
    }
    r = write_files(rewrite, &writer, arena, &written, err);
    if (r >= 0) {
        r = all_files(rewrite, &writer, arena, ret, ret_n, err);
    }
    if (r < 0) {
        file_writer_discard(&writer);
        return wrap(rewrite->target, "write", err);
    }
    return 0;
}

int lake_tx_rewrite(struct lake_tx *tx, const struct lake_rewrite *rewrite, struct arena *arena,
                    struct lake_written *ret, corrie_error *err)
{
    _cleanup_(table_version_done) struct table_version version = {0};
    _cleanup_(file_writer_done) struct file_writer writer = {0};
    const struct lake_target *target = rewrite->target;
    struct lake_written written = {0};
    struct data_file *files = NULL;
    size_t n_files = 0;
    int r;

    r = open_writer(tx, rewrite, arena, &writer, err);
    if (r < 0) {
        return wrap(target, "write", err);
    }
    r = write_files(rewrite, &writer, arena, &written, err);
    if (r >= 0) {
        r = all_files(rewrite, &writer, arena, &files, &n_files, err);
    }
    if (r >= 0 && n_files == 0 && rewrite->n_removed == 0) {
        written.table = target->table;
        *ret = written;
        return 0;
    }
    if (r >= 0) {
        r = write_version(tx, rewrite, files, n_files, arena, &version, err);
    }
    if (r < 0) {
        file_writer_discard(&writer);
        return wrap(target, "write", err);
    }
    r = tx_stage_version(tx, &version, target->location, &target->table, &target->table, arena,
                         &written.table, err);
    if (r < 0) {
        return wrap(target, "write", err);
    }
    *ret = written;
    return 0;
}
