/* deletes.c — which delete files apply to which data files (Iceberg spec, "Scan Planning").
 *
 * A position delete applies to data files of its spec and partition whose data sequence number is not above its own; one
 * that names a single file (field 143, or equal bounds of file_path), to that file wherever it lies. An equality delete
 * applies to those whose number is below its own: of its spec and partition, or of any where its spec is unpartitioned. */
#include <stdlib.h>

#include "base/map.h"
#include "iceberg/scan_priv.h"
#include "iceberg/snapshot.h"

/* Indices into the sorted delete files. */
struct index_list {
    size_t *items;
    size_t count;
    size_t capacity;
};

struct delete_index {
    const struct table_io *io;
    const struct table_metadata *metadata;
    const struct data_files *deletes;
    struct arena *arena;
    struct map
        places; /* partitions and single paths: text to index_list, which lies in `arena` but for its items */
    struct index_list everywhere;
    struct buf scratch;
    bool *used;        /* parallel to `deletes` */
    size_t *positions; /* of the file at hand */
    size_t n_positions;
    size_t *equalities;
    size_t n_equalities;
};

static void index_done(struct delete_index *index)
{
    for (size_t i = 0; i < index->places.count; i++) {
        struct index_list *list = index->places.entries[i].value;
        vec_done(list);
    }
    map_done(&index->places);
    vec_done(&index->everywhere);
    buf_done(&index->scratch);
    mem_free(index->used);
    mem_free(index->positions);
    mem_free(index->equalities);
}

int data_file_compare(const void *a, const void *b)
{
    const struct data_file *x = a;
    const struct data_file *y = b;

    if (x->file_sequence_number != y->file_sequence_number) {
        return x->file_sequence_number < y->file_sequence_number ? -1 : 1;
    }
    return str_cmp(x->path, y->path);
}

/* The key of a partition in `places`; paths begin with a letter or a slash, this with a digit or a sign. */
static int partition_key(struct delete_index *index, const struct data_file *file, struct str *ret,
                         corrie_error *err)
{
    const struct partition_spec *spec = metadata_spec_by_id(index->metadata, file->spec_id);

    buf_clear(&index->scratch);
    partition_text(spec, file->partition, file->n_partition, &index->scratch);
    *ret = buf_str(&index->scratch);
    return buf_check(&index->scratch, err);
}

static bool is_unpartitioned(const struct delete_index *index, int spec_id)
{
    const struct partition_spec *spec = metadata_spec_by_id(index->metadata, spec_id);

    return spec && partition_spec_is_empty(spec);
}

/* The one file that a position delete names; empty if it may name several. */
static int only_file(struct delete_index *index, const struct data_file *file, struct str *ret,
                     corrie_error *err)
{
    const struct column_metrics *paths = data_file_column(file, FIELD_DELETE_PATH);
    struct str only = file->referenced_data_file;

    *ret = STR_EMPTY;
    if (only.len == 0 && paths && paths->lower.data && paths->upper.data &&
        str_eq(paths->lower, paths->upper)) {
        only = paths->lower;
    }
    return only.len == 0 ? 0 : location_resolve(index->io, only, index->arena, ret, err);
}

static int add_place(struct delete_index *index, struct str place, size_t at, corrie_error *err)
{
    struct map_entry *entry = map_find(&index->places, place);
    struct index_list *list = entry ? entry->value : NULL;

    if (!list) {
        struct str key;
        list = arena_array(index->arena, struct index_list, 1);
        if (!list || arena_str(index->arena, place, &key) < 0 ||
            map_put(&index->places, key, list) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return vec_push(list, at) < 0 ? corrie_fail_memory(err) : 0;
}

static int add_delete(struct delete_index *index, size_t at, corrie_error *err)
{
    const struct data_file *file = &index->deletes->items[at];
    struct str place = STR_EMPTY;
    int r;

    if (file->content == FILE_CONTENT_POSITION_DELETES) {
        r = only_file(index, file, &place, err);
        if (r < 0) {
            return r;
        }
    } else if (is_unpartitioned(index, file->spec_id)) {
        return vec_push(&index->everywhere, at) < 0 ? corrie_fail_memory(err) : 0;
    }
    if (place.len == 0 && (r = partition_key(index, file, &place, err)) < 0) {
        return r;
    }
    return add_place(index, place, at, err);
}

/* Bounds of the paths that a position delete names. They say nothing where the lake was moved: rows then name files
 * by either root. */
static bool may_name(const struct delete_index *index, const struct data_file *deletes,
                     const struct data_file *file, struct str stored)
{
    const struct column_metrics *paths = data_file_column(deletes, FIELD_DELETE_PATH);

    if (!paths || index->io->n_older_roots > 0 || deletes->referenced_data_file.len > 0) {
        return true;
    }
    const struct str names[] = {file->path, stored};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!(paths->lower.data && str_cmp(names[i], paths->lower) < 0) &&
            !(paths->upper.data && str_cmp(names[i], paths->upper) > 0)) {
            return true;
        }
    }
    return false;
}

static void collect(struct delete_index *index, const struct index_list *list,
                    const struct data_file *file, struct str stored)
{
    for (size_t i = 0; list && i < list->count; i++) {
        size_t at = list->items[i];
        const struct data_file *deletes = &index->deletes->items[at];
        if (deletes->content == FILE_CONTENT_EQUALITY_DELETES) {
            if (file->sequence_number < deletes->sequence_number) {
                index->equalities[index->n_equalities++] = at;
            }
        } else if (file->sequence_number <= deletes->sequence_number &&
                   may_name(index, deletes, file, stored)) {
            index->positions[index->n_positions++] = at;
        }
    }
}

static int compare_indices(const void *a, const void *b)
{
    size_t x = *(const size_t *)a;
    size_t y = *(const size_t *)b;

    return x < y ? -1 : x > y;
}

static bool is_same(const struct delete_index *index, const size_t *indices, size_t n,
                    const struct data_file *const *files, size_t n_files)
{
    bool same = n == n_files;

    for (size_t i = 0; same && i < n; i++) {
        same = files[i] == &index->deletes->items[indices[i]];
    }
    return same;
}

/* A list in the arena; its pointers turn to the files that stay once those are known (settle). Neighbours mostly have the
 * same deletes: *ret as it was before is shared then, so that memory is not files times deletes. */
static int keep(struct delete_index *index, size_t *indices, size_t n,
                const struct data_file *const **ret, size_t *ret_n, corrie_error *err)
{
    qsort(indices, n, sizeof *indices, compare_indices);
    if (is_same(index, indices, n, *ret, *ret_n)) {
        return 0;
    }
    if (n == 0) {
        *ret = NULL;
        *ret_n = 0;
        return 0;
    }
    const struct data_file **files = arena_alloc(index->arena, n, sizeof *files);
    if (!files) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        files[i] = &index->deletes->items[indices[i]];
        index->used[indices[i]] = true;
    }
    *ret = files;
    *ret_n = n;
    return 0;
}

/* *ret is the file's before, whose lists may be shared. */
static int find(struct delete_index *index, const struct data_file *file, struct str stored,
                struct scan_deletes *ret, corrie_error *err)
{
    struct str partition;
    int r;

    r = partition_key(index, file, &partition, err);
    if (r < 0) {
        return r;
    }
    index->n_positions = index->n_equalities = 0;
    collect(index, &index->everywhere, file, stored);
    collect(index, map_get(&index->places, partition), file, stored);
    collect(index, map_get(&index->places, file->path), file, stored);
    ret->stored_path = stored;
    if ((r = keep(index, index->positions, index->n_positions, &ret->positions, &ret->n_positions,
                  err)) < 0) {
        return r;
    }
    return keep(index, index->equalities, index->n_equalities, &ret->equalities, &ret->n_equalities,
                err);
}

/* Moves the delete files that apply to some file into one array and turns the pointers to them. */
static int settle(struct delete_index *index, struct scan_deletes *deletes, struct scan *scan,
                  corrie_error *err)
{
    size_t n_used = 0;
    size_t *moved = index->positions; /* index to index; both arrays have that length */

    for (size_t i = 0; i < index->deletes->count; i++) {
        moved[i] = n_used;
        n_used += index->used[i];
    }
    if (n_used == 0) {
        return 0;
    }
    struct data_file *files = arena_array(index->arena, struct data_file, n_used);
    if (!files) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < index->deletes->count; i++) {
        if (index->used[i]) {
            files[moved[i]] = index->deletes->items[i];
        }
    }
    const void *last[2] = {NULL, NULL}; /* of the file before */
    for (size_t i = 0; i < scan->n_files; i++) {
        const struct data_file **lists[] = {
            (const struct data_file **)(uintptr_t)deletes[i].positions,
            (const struct data_file **)(uintptr_t)deletes[i].equalities};
        const size_t counts[] = {deletes[i].n_positions, deletes[i].n_equalities};
        const bool shared[] = {i > 0 && deletes[i].positions == last[0],
                               i > 0 && deletes[i].equalities == last[1]};
        last[0] = deletes[i].positions;
        last[1] = deletes[i].equalities;
        for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
            for (size_t d = 0; d < counts[l] && !shared[l]; d++) {
                lists[l][d] = &files[moved[lists[l][d] - index->deletes->items]];
            }
        }
    }
    scan->deletes = deletes;
    scan->delete_files = files;
    scan->n_delete_files = n_used;
    scan->counts.delete_files = n_used;
    return 0;
}

int scan_apply_deletes(const struct table_io *io, const struct table_metadata *metadata,
                       struct data_files *deletes, const struct str *stored, struct arena *arena,
                       struct scan *scan, corrie_error *err)
{
    _cleanup_(index_done) struct delete_index index = {
        .io = io, .metadata = metadata, .deletes = deletes, .arena = arena};
    int r = 0;

    if (deletes->count == 0 || scan->n_files == 0) {
        return 0;
    }
    qsort(deletes->items, deletes->count, sizeof *deletes->items, data_file_compare);
    index.used = mem_alloc(deletes->count, sizeof *index.used);
    index.positions = mem_alloc(deletes->count, sizeof *index.positions);
    index.equalities = mem_alloc(deletes->count, sizeof *index.equalities);
    struct scan_deletes *applied = arena_array(arena, struct scan_deletes, scan->n_files);
    if (!index.used || !index.positions || !index.equalities || !applied) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; r >= 0 && i < deletes->count; i++) {
        r = add_delete(&index, i, err);
    }
    for (size_t i = 0; r >= 0 && i < scan->n_files; i++) {
        r = cancel_check(io->cancel, err);
        if (r >= 0) {
            applied[i] = i > 0 ? applied[i - 1] : (struct scan_deletes){0};
            r = find(&index, &scan->files[i], stored[i], &applied[i], err);
        }
    }
    return r < 0 ? r : settle(&index, applied, scan, err);
}
