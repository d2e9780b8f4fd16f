/* write_overwrite.c — OVERWRITE_PARTITIONS and MERGE: new rows in the place of those of the same partitions, of those that a
 * condition admits, or of those with the same keys.
 *
 * By partitions nothing is read: files of the partitions that new rows fall into go. By a condition (MERGE has one too,
 * write_merge.c) files go whose rows it admits; where it admits some of a file's rows the others are written again, before the new rows, in their order. */
#include "lake/write_priv.h"

#include "arrow/table.h"
#include "base/map.h"
#include "lake/rewrite.h"
#include "lang/filter.h"

/* Where files of the table are defined in the write's engine; nobody's tables are called so. */
#define OWN_NS "corrie_overwrite"

/* ---- beginning ---- */

static int check_filter(struct writing *w, corrie_error *err)
{
    struct str *names = arena_array(w->arena, struct str, w->schema.n_fields);
    int r;

    if (!names) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < w->schema.n_fields; i++) {
        names[i] = w->schema.fields[i].name;
    }
    w->part = LAKE_WRITE_FILTER;
    r = filter_parse(w->write->overwrite_filter, w->arena, &w->filter, err);
    if (r >= 0) {
        r = filter_check_columns(w->filter, names, w->schema.n_fields, err);
    }
    return r < 0 ? corrie_wrap(err, "overwrite_filter") : 0;
}

int overwrite_check(struct writing *w, corrie_error *err)
{
    if (w->write->mode == LAKE_MERGE) {
        return merge_check(w, err);
    }
    if (w->write->overwrite_filter.len > 0) {
        return check_filter(w, err);
    }
    if (metadata_spec(w->base)->n_fields == 0) {
        w->part = LAKE_WRITE_PARTITION;
        corrie_fail(err, CORRIE_E_DATA,
                    "the table is not partitioned, so no partitions can be overwritten");
        return corrie_hint(err, "give an overwrite_filter that says which rows are to go, or "
                                "replace the table partitioned (partitioned_by)");
    }
    return 0;
}

/* Every new row must satisfy it. */
static int set_filter(struct writing *w, corrie_error *err)
{
    _cleanup_(buf_done) struct buf sql = {0};
    int r;

    if (w->filter->n_params > 0) {
        corrie_fail(err, CORRIE_E_USAGE, "parameter $%.*s has no value",
                    STR_FMT(w->filter->params[0].name));
        return corrie_wrap(err, "overwrite_filter");
    }
    filter_print(w->filter->root, &sql);
    r = buf_check(&sql, err);
    if (r >= 0 && arena_str(w->arena, buf_str(&sql), &w->files.check) < 0) {
        r = corrie_fail_memory(err);
    }
    w->files.check_name = STR("overwrite_filter");
    return r;
}

int overwrite_begin(struct writing *w, corrie_error *err)
{
    int r = overwrite_check(w, err);

    if (r < 0) {
        return r;
    }
    return w->write->mode == LAKE_MERGE ? merge_begin(w, err) : w->filter ? set_filter(w, err) : 0;
}

/* ---- by a condition ---- */

struct overwritten {
    struct lake_target target;
    struct str bound;     /* SQL over the table alone: true of all rows that go, maybe of more */
    struct str condition; /* true of those that go */
    bool ordered;         /* a scan with the condition gives rows in their order */
    int64_t *matched;     /* rows that the condition admits, by file of the scan */
};

static int read_counts(struct overwritten *o, struct ArrowArrayStream *rows, corrie_error *err)
{
    for (;;) {
        struct ArrowArray batch = {0};

        if (rows->get_next(rows, &batch) != 0) {
            return engine_stream_error(rows, err);
        }
        if (!batch.release) {
            return 0;
        }
        for (int64_t i = 0; i < batch.length; i++) {
            const struct ArrowArray *file = batch.children[0];
            const struct ArrowArray *count = batch.children[1];
            int64_t at = ((const int64_t *)file->buffers[1])[file->offset + i];

            if (at >= 0 && (size_t)at < o->target.scan.n_files) {
                o->matched[at] = ((const int64_t *)count->buffers[1])[count->offset + i];
            }
        }
        batch.release(&batch);
    }
}

/* The files that may hold rows which the condition admits. */
static int find_candidates(struct writing *w, struct overwritten *o, corrie_error *err)
{
    const struct engine_bind_table table = {
        .name_space = STR(OWN_NS), .name = STR("old"), .schema = &w->schema};
    struct engine_binding binding = {0};
    _cleanup_(buf_done) struct buf sql = {0};
    int r;

    buf_addf(&sql, "SELECT 1 FROM " OWN_NS ".\"old\" AS " OVERWRITE_OLD " WHERE %.*s",
             STR_FMT(o->bound));
    r = buf_check(&sql, err);
    if (r >= 0) {
        r = engine_bind(w->write->engine, buf_str(&sql), NULL, STR(OWN_NS), &table, 1, w->arena,
                        &binding, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "find the rows that go");
    }
    return lake_target_scan(w->tx, &o->target, binding.scans, binding.n_scans, w->arena, err);
}

static int count_matches(struct writing *w, struct overwritten *o, corrie_error *err)
{
    struct ArrowArrayStream rows = {0};
    _cleanup_(buf_done) struct buf sql = {0};
    int r;

    r = lake_target_define(&o->target, w->write->engine, STR(OWN_NS), STR("old"), NULL, 0, err);
    if (r < 0) {
        return r;
    }
    buf_addf(&sql,
             "SELECT " OVERWRITE_OLD ".\"" ENGINE_FILE_COLUMN "\", count(*) FROM " OWN_NS
             ".\"old\" AS " OVERWRITE_OLD " WHERE %.*s GROUP BY ALL",
             STR_FMT(o->condition));
    r = buf_check(&sql, err);
    if (r >= 0) {
        r = engine_query(w->write->engine, buf_str(&sql), NULL, &rows, err);
    }
    if (r >= 0) {
        r = read_counts(o, &rows, err);
        rows.release(&rows);
    }
    return r;
}

/* The rows that stay of files that go in part: written again, in their order. */
static int keep_rows(struct writing *w, struct overwritten *o, const size_t *chosen, size_t n,
                     corrie_error *err)
{
    const struct str check = w->files.check;
    _cleanup_(buf_done) struct buf sql = {0};
    struct written_files kept;
    int r;

    if (n == 0) {
        return 0;
    }
    r = lake_target_define(&o->target, w->write->engine, STR(OWN_NS), STR("kept"), chosen, n, err);
    if (r < 0) {
        return r;
    }
    buf_add_text(&sql, "SELECT ");
    for (size_t i = 0; i < w->schema.n_fields; i++) {
        buf_add_text(&sql, i ? ", " : "");
        buf_add_sql_name(&sql, w->schema.fields[i].name);
    }
    buf_addf(&sql, " FROM " OWN_NS ".\"kept\" AS " OVERWRITE_OLD " WHERE (%.*s) IS NOT TRUE",
             STR_FMT(o->condition));
    if (!o->ordered) {
        buf_add_text(&sql, " ORDER BY \"" ENGINE_FILE_COLUMN "\", \"" ENGINE_ROW_COLUMN "\"");
    }
    r = buf_check(&sql, err);
    if (r < 0) {
        return r;
    }
    w->files.check = STR_EMPTY; /* of new rows alone */
    r = file_writer_write(&w->files, buf_str(&sql), NULL, &kept, err);
    w->files.check = check;
    w->kept_rows = kept.rows;
    return r;
}

static bool has_deletes(const struct scan *scan, size_t file)
{
    return scan->deletes && scan->deletes[file].n_positions + scan->deletes[file].n_equalities > 0;
}

/* Which rows go. 1; 0: none, as far as a condition says it. */
static int find_condition(struct writing *w, struct overwritten *o, corrie_error *err)
{
    if (!w->exists) {
        return 0;
    }
    if (w->write->mode == LAKE_MERGE) {
        return merge_condition(w, &o->bound, &o->condition, err);
    }
    o->bound = o->condition = w->files.check;
    o->ordered = true;
    return w->write->overwrite_filter.len > 0;
}

int overwrite_keep(struct writing *w, corrie_error *err)
{
    struct overwritten o = {.target = {.table = w->table,
                                       .metadata = w->base,
                                       .metadata_location = w->base_location,
                                       .location = w->location}};
    size_t *part;
    struct str *paths;
    size_t n_part = 0;
    size_t n = 0;
    int r;

    r = find_condition(w, &o, err);
    if (r <= 0) {
        return r;
    }
    r = find_candidates(w, &o, err);
    if (r < 0) {
        return r;
    }
    o.matched = arena_array(w->arena, int64_t, o.target.scan.n_files);
    part = arena_array(w->arena, size_t, o.target.scan.n_files);
    paths = arena_array(w->arena, struct str, o.target.scan.n_files);
    if (!o.matched || !part || !paths) {
        return corrie_fail_memory(err);
    }
    r = o.target.scan.n_files > 0 ? count_matches(w, &o, err) : 0;
    for (size_t i = 0; r >= 0 && i < o.target.scan.n_files; i++) {
        if (o.matched[i] == 0) {
            continue;
        }
        paths[n++] = o.target.scan.files[i].path;
        if (o.matched[i] < o.target.scan.files[i].record_count || has_deletes(&o.target.scan, i)) {
            part[n_part++] = i;
        }
        w->removed_rows += o.matched[i];
    }
    w->removed = paths;
    w->n_removed = n;
    return r < 0 ? r : keep_rows(w, &o, part, n_part, err);
}

/* ---- by partitions ---- */

/* Files of another spec hold rows of the same partitions unseen. */
static int check_specs(struct writing *w, corrie_error *err)
{
    struct scan scan;
    int r;

    if (w->base->n_specs < 2 || !metadata_current_snapshot(w->base)) {
        return 0;
    }
    r = scan_plan(&w->tx->lake->io, w->base, NULL, NULL, 0, w->arena, &scan, err);
    for (size_t i = 0; r >= 0 && i < scan.n_files; i++) {
        if (scan.files[i].spec_id != w->base->default_spec_id) {
            corrie_fail(err, CORRIE_E_UNSUPPORTED,
                        "the table has files that are partitioned otherwise, from before its "
                        "partitioning was changed");
            return corrie_hint(err, "say by a condition which rows are to be replaced (an "
                                    "overwrite_filter; DELETE, then INSERT), or write the table "
                                    "again (REPLACE)");
        }
    }
    return r < 0 ? r : 0;
}

/* The tuples of the new files: neighbours that are equal (files of one partition) once. */
static int find_partitions(struct writing *w, struct file_removal *ret, corrie_error *err)
{
    size_t n_files = w->files.files.count;
    struct partition_key *keys = arena_array(w->arena, struct partition_key, n_files);
    _cleanup_(map_done) struct map seen = {0};

    if (!keys) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n_files; i++) {
        const struct data_file *file = &w->files.files.items[i];
        _cleanup_(buf_done) struct buf text = {0};
        struct str key;

        for (size_t k = 0; k < file->n_partition; k++) {
            struct str value = file->partition[k].bytes;

            buf_addf(&text, "%lld:", value.data ? (long long)value.len : -1);
            buf_add_str(&text, value.data ? value : STR_EMPTY);
        }
        if (buf_check(&text, err) < 0) {
            return err->code;
        }
        if (map_find(&seen, buf_str(&text))) {
            continue;
        }
        if (arena_str(w->arena, buf_str(&text), &key) < 0 || map_put(&seen, key, keys) < 0) {
            return corrie_fail_memory(err);
        }
        keys[ret->n_partitions++] = (struct partition_key){
            .spec_id = file->spec_id, .values = file->partition, .n_values = file->n_partition};
    }
    ret->partitions = keys;
    return 0;
}

int overwrite_finish(struct writing *w, struct table_version *ret, corrie_error *err)
{
    const struct snapshot_options options = {.summary = w->write->summary,
                                             .n_summary = w->write->n_summary,
                                             .whole = w->write->mode == LAKE_MERGE};
    struct file_removal removal = {.paths = w->removed, .n_paths = w->n_removed};
    int r = 0;

    if (w->write->mode != LAKE_MERGE && w->write->overwrite_filter.len == 0) {
        r = check_specs(w, err);
        if (r >= 0) {
            r = find_partitions(w, &removal, err);
        }
    }
    if (r < 0) {
        return r;
    }
    return snapshot_overwrite(&w->tx->lake->io, w->base, w->base_location, NULL,
                              w->files.files.items, w->files.files.count, &removal, &options, ret,
                              err);
}
