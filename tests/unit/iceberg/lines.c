#include "lines.h"

#include <stdlib.h>

#include "iceberg/tree.h"

struct lines lines_new(void)
{
    struct lines lines = {.f = fixture_new()};

    lines.base = append(&lines, NULL, "base");
    return lines;
}

struct lines lines_new_partitioned(void)
{
    struct lines lines = {.f = fixture_new()};
    struct table_version *empty = store_version(&lines, NULL, new_table(&lines.f, &people));

    empty = partition_by(&lines, empty, 2, "identity");
    lines.base = append(&lines, append(&lines, empty, "base@a"), "base_b@b");
    return lines;
}

void lines_done(struct lines *lines)
{
    for (size_t i = 0; i < lines->versions.count; i++) {
        table_version_done(lines->versions.items[i]);
        mem_free(lines->versions.items[i]);
    }
    vec_done(&lines->versions);
    fixture_done(&lines->f);
}

static struct table_version *keep(struct lines *lines, struct table_version version)
{
    struct table_version *kept = mem_alloc(1, sizeof *kept);

    ck_assert_ptr_nonnull(kept);
    *kept = version;
    ck_assert_int_eq(vec_push(&lines->versions, kept), 0);
    return kept;
}

/* The file's name without its partition; *ret_tuple points into the name. */
static const char *split_name(struct lines *lines, const char *name,
                              struct partition_value **ret_tuple)
{
    const char *at = strchr(name, '@');

    *ret_tuple = NULL;
    if (!at) {
        return name;
    }
    *ret_tuple = arena_array(&lines->f.arena, struct partition_value, 1);
    ck_assert_ptr_nonnull(*ret_tuple);
    (*ret_tuple)->bytes = str_of(at + 1);
    return arena_printf(&lines->f.arena, "%.*s", (int)(at - name), name);
}

struct data_file line_file(struct lines *lines, const struct table_version *from, const char *name)
{
    struct partition_value *tuple = NULL;
    const char *plain = split_name(lines, name, &tuple);
    struct data_file file = file_of(&lines->f, plain, 10, 1, 10);

    file.partition = tuple;
    file.n_partition = tuple != NULL;
    file.spec_id = from ? from->metadata->default_spec_id : 0;
    return file;
}

struct table_version *append(struct lines *lines, const struct table_version *from,
                             const char *name)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct table_version version = {0};

    if (!from) {
        return keep(lines, append_one(&lines->f, NULL, name));
    }
    struct data_file file = line_file(lines, from, name);
    ck_ok(snapshot_append(&lines->f.io, from->metadata, base_location(from), NULL, &file, 1, NULL,
                          &version, &err),
          &err);
    return keep(lines, version);
}

static struct str path_of(struct lines *lines, const char *name)
{
    return str_of(
        arena_printf(&lines->f.arena, "%.*s/data/shop/%s", STR_FMT(lines->f.io.root), name));
}

struct table_version *overwrite(struct lines *lines, const struct table_version *from,
                                const char *gone, const char *name)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct data_file file = line_file(lines, from, name ? name : "none");
    struct partition_value *tuple = NULL;
    struct str path = path_of(lines, split_name(lines, gone, &tuple));
    struct partition_key key = {from->metadata->default_spec_id, tuple, tuple != NULL};
    struct file_removal removal = {0};
    struct table_version version = {0};

    if (gone[0] == '@') {
        removal.partitions = &key;
        removal.n_partitions = 1;
    } else {
        removal.paths = &path;
        removal.n_paths = 1;
    }
    ck_ok(snapshot_overwrite(&lines->f.io, from->metadata, base_location(from), NULL, &file,
                             name != NULL, &removal, NULL, &version, &err),
          &err);
    return keep(lines, version);
}

struct table_version *replace(struct lines *lines, const struct table_version *from,
                              const char *name)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct data_file file = line_file(lines, from, name);
    struct table_version version = {0};

    ck_ok(snapshot_replace(&lines->f.io, from->metadata, base_location(from), NULL, &file, 1, NULL,
                           &version, &err),
          &err);
    return keep(lines, version);
}

static struct table_version *row_delta(struct lines *lines, const struct table_version *from,
                                       const struct data_file *files, size_t n)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct table_version version = {0};

    ck_ok(snapshot_row_delta(&lines->f.io, from->metadata, base_location(from), files, n, NULL,
                             &version, &err),
          &err);
    return keep(lines, version);
}

struct table_version *delete_rows(struct lines *lines, const struct table_version *from,
                                  const char *name, const char *names)
{
    struct data_file file = line_file(lines, from, name);

    file.content = FILE_CONTENT_POSITION_DELETES;
    file.referenced_data_file = path_of(lines, names);
    file.n_columns = 0;
    return row_delta(lines, from, &file, 1);
}

struct table_version *delete_between(struct lines *lines, const struct table_version *from,
                                     const char *name, const char *low, const char *high)
{
    struct data_file file = line_file(lines, from, name);
    struct column_metrics paths = {FIELD_DELETE_PATH,   1, 10, 0, FILE_UNKNOWN, path_of(lines, low),
                                   path_of(lines, high)};

    file.content = FILE_CONTENT_POSITION_DELETES;
    file.columns = &paths;
    file.n_columns = low[0] != '\0'; /* "": a writer that says nothing */
    return row_delta(lines, from, &file, 1);
}

struct table_version *delete_equal(struct lines *lines, const struct table_version *from,
                                   const char *name)
{
    static const int id = 1;
    struct data_file file = line_file(lines, from, name);

    file.content = FILE_CONTENT_EQUALITY_DELETES;
    file.equality_ids = &id;
    file.n_equality_ids = 1;
    return row_delta(lines, from, &file, 1);
}

struct table_version *update(struct lines *lines, const struct table_version *from,
                             const char *name, const char *names, const char *added)
{
    struct data_file files[] = {line_file(lines, from, name), line_file(lines, from, added)};

    files[0].content = FILE_CONTENT_POSITION_DELETES;
    files[0].referenced_data_file = path_of(lines, names);
    return row_delta(lines, from, files, 2);
}

/* ---- metadata ---- */

struct table_version *store_version(struct lines *lines, const struct table_version *from,
                                    struct table_metadata *metadata)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct table_version version = {.snapshot_id = metadata->current_snapshot_id};
    struct str location;

    ck_ok(metadata_write(&lines->f.io, metadata, base_location(from), &lines->f.arena, &location,
                         &version.metadata, &err),
          &err);
    version.location = str_dup(location);
    metadata_free(metadata);
    return keep(lines, version);
}

static struct table_version *with_schema(struct lines *lines, const struct table_version *from,
                                         const struct schema *schema)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct table_metadata *metadata = NULL;

    ck_ok(metadata_with_schema(from->metadata, schema, 0, &metadata, &err), &err);
    return store_version(lines, from, metadata);
}

static struct schema extended(struct lines *lines, const struct table_version *from,
                              const char *name)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct field field = {.name = str_of(name), .type = {.kind = TYPE_INT}};
    struct schema schema;

    ck_ok(metadata_extended_schema(from->metadata, &field, 1, &lines->f.arena, &schema, &err),
          &err);
    return schema;
}

struct table_version *add_column(struct lines *lines, const struct table_version *from,
                                 const char *name)
{
    struct schema schema = extended(lines, from, name);
    return with_schema(lines, from, &schema);
}

struct table_version *drop_column(struct lines *lines, const struct table_version *from,
                                  const char *name)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct schema schema;

    ck_ok(schema_copy(metadata_schema(from->metadata), &lines->f.arena, &schema, &err), &err);
    ptrdiff_t at = schema_index(&schema, str_of(name));
    ck_assert_int_ge(at, 0);
    for (size_t i = (size_t)at; i + 1 < schema.n_fields; i++) {
        schema.fields[i] = schema.fields[i + 1];
    }
    schema.n_fields--;
    return with_schema(lines, from, &schema);
}

struct table_version *require_column(struct lines *lines, const struct table_version *from,
                                     const char *name)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct schema schema;

    if (schema_find(metadata_schema(from->metadata), str_of(name))) {
        ck_ok(schema_copy(metadata_schema(from->metadata), &lines->f.arena, &schema, &err), &err);
    } else {
        schema = extended(lines, from, name);
    }
    schema.fields[schema_index(&schema, str_of(name))].required = true;
    return with_schema(lines, from, &schema);
}

struct table_version *partition_by(struct lines *lines, const struct table_version *from,
                                   int source_id, const char *transform)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct partition_term term = {source_id, str_of(transform), STR("part")};
    struct table_metadata *metadata = NULL;

    ck_ok(metadata_with_spec(from->metadata, &term, 1, 0, &metadata, &err), &err);
    return store_version(lines, from, metadata);
}

struct table_version *set_property(struct lines *lines, const struct table_version *from,
                                   const char *key, const char *value)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct property change = {str_of(key), value ? str_of(value) : (struct str){NULL, 0}};
    struct table_metadata *metadata = NULL;

    ck_ok(metadata_with_properties(from->metadata, &change, 1, 0, &metadata, &err), &err);
    return store_version(lines, from, metadata);
}

/* ---- looking ---- */

struct seen {
    struct arena *arena;
    VEC(const char *) names;
};

static struct str name_of(struct str path)
{
    return str_from(path, (size_t)(str_rfind(path, '/') + 1));
}

static int see(void *arg, const struct visited_file *file, corrie_error *err)
{
    struct seen *seen = arg;

    (void)err;
    if (file->kind == FILE_DATA || file->kind == FILE_DELETES) {
        ck_assert_int_eq(vec_push(&seen->names, arena_text(seen->arena, name_of(file->path))), 0);
    }
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *all_files(struct lines *lines, const struct table_metadata *metadata)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct seen seen = {.arena = &lines->f.arena};
    const char *names = "";

    if (metadata_current_snapshot(metadata)) {
        ck_ok(scan_visit(&lines->f.io, metadata, metadata_current_snapshot(metadata), see, &seen,
                         &err),
              &err);
    }
    if (seen.names.count > 0) {
        qsort(seen.names.items, seen.names.count, sizeof *seen.names.items, compare_names);
    }
    for (size_t i = 0; i < seen.names.count; i++) {
        names = arena_printf(&lines->f.arena, "%s%s%s", names, i ? " " : "", seen.names.items[i]);
    }
    vec_done(&seen.names);
    return names;
}

int64_t sequence_of(struct lines *lines, const struct table_metadata *metadata, const char *name)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(manifest_list_done) struct manifest_list list = {0};
    _cleanup_(manifest_entries_done) struct manifest_entries entries = {0};

    ck_ok(tree_manifests(&lines->f.io, metadata, metadata_current_snapshot(metadata),
                         &lines->f.arena, &list, &err),
          &err);
    for (size_t i = 0; i < list.count; i++) {
        ck_ok(tree_entries(&lines->f.io, metadata, &list.items[i], &lines->f.arena, &entries, &err),
              &err);
    }
    for (size_t i = 0; i < entries.count; i++) {
        if (entries.items[i].status != ENTRY_DELETED &&
            str_eq(name_of(entries.items[i].file.path), str_of(name))) {
            return entries.items[i].file.sequence_number;
        }
    }
    return -1;
}

/* ---- merging ---- */

static int count_key(void *arg, struct str key, const struct store_info *info, corrie_error *err)
{
    (void)key;
    (void)info;
    (void)err;
    ++*(int *)arg;
    return 0;
}

static int stored_files(struct lines *lines)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    int n = 0;

    ck_ok(store_list(lines->f.store, STR(""), NULL, count_key, &n, &err), &err);
    return n;
}

struct table_version *merge_with(struct lines *lines, const struct table_version *base,
                                 const struct table_version *source,
                                 const struct table_version *target,
                                 const struct snapshot_merge_options *options,
                                 struct merge_totals *totals, corrie_error *err)
{
    struct table_version version = {0};

    int r = snapshot_merge(&lines->f.io, base->metadata, source->metadata, target->metadata,
                           base_location(target), options, totals, &version, err);
    if (r < 0 || !version.metadata) {
        ck_assert(r >= 0 || !version.metadata);
        return NULL;
    }
    return keep(lines, version);
}

/* The dry run says the same and writes nothing; what was written reads back, with totals that are so. */
struct table_version *merged(struct lines *lines, const struct table_version *source,
                             const struct table_version *target)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct snapshot_merge_options dry = {.dry_run = true};
    struct merge_totals before = {0};
    struct merge_totals totals = {0};
    struct table_totals counted = {0};
    _metadata_ struct table_metadata *read = NULL;
    int n_files = stored_files(lines);

    ck_assert_ptr_null(merge_with(lines, lines->base, source, target, &dry, &before, &err));
    ck_assert_msg(err.code == 0, "dry run: %s", corrie_error_message(&err));
    ck_assert_int_eq(stored_files(lines), n_files);
    struct table_version *version =
        merge_with(lines, lines->base, source, target, NULL, &totals, &err);
    ck_assert_msg(version != NULL, "%s", corrie_error_message(&err));
    ck_assert_mem_eq(&before, &totals, sizeof totals);
    ck_assert_int_eq(version->records, totals.records);
    ck_assert_int_eq(version->bytes, totals.bytes);
    ck_assert_int_eq(version->files, totals.files);

    ck_ok(metadata_read(&lines->f.io, str_of(version->location), &read, &err), &err);
    ck_assert_int_eq(read->current_snapshot_id, version->snapshot_id);
    const struct snapshot *now = metadata_current_snapshot(read);
    ck_ok(snapshot_totals(&lines->f.io, read, now, &counted, &err), &err);
    ck_assert_int_eq(counted.records, version->records);
    ck_assert_int_eq(counted.files, version->files);
    return version;
}

void ck_merges(struct lines *lines, const struct table_version *one,
               const struct table_version *other, const char *files)
{
    ck_assert_str_eq(all_files(lines, merged(lines, one, other)->metadata), files);
    ck_assert_str_eq(all_files(lines, merged(lines, other, one)->metadata), files);
}

void ck_refuses(struct lines *lines, const struct table_version *source,
                const struct table_version *target, const char *why)
{
    int n_files = stored_files(lines);

    for (int dry = 0; dry < 2; dry++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        struct snapshot_merge_options options = {.dry_run = dry};
        ck_assert_msg(!merge_with(lines, lines->base, source, target, &options, NULL, &err) &&
                          err.code == CORRIE_E_CONFLICT,
                      "no conflict where \"%s\" was expected: %s", why, corrie_error_message(&err));
        ck_assert_msg(strstr(corrie_error_message(&err), why), "\"%s\" lacks \"%s\"",
                      corrie_error_message(&err), why);
        ck_assert_ptr_nonnull(err.hint);
    }
    ck_assert_int_eq(stored_files(lines), n_files);
}

void ck_conflicts(struct lines *lines, const struct table_version *one,
                  const struct table_version *other, const char *why)
{
    ck_refuses(lines, one, other, why);
    ck_refuses(lines, other, one, why);
}
