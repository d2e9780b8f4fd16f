/* lines.h — versions of one table that lead from each other, made by one-line steps. */
#ifndef CORRIE_TESTS_ICEBERG_LINES_H
#define CORRIE_TESTS_ICEBERG_LINES_H

#include "base/vec.h"
#include "fixture.h"

struct lines {
    struct fixture f;
    VEC(struct table_version *) versions; /* all that were made, freed together */
    struct table_version *base;           /* one file "base" */
};

struct lines lines_new(void);
/* Partitioned by identity(name); "base" lies in partition "a", "base_b" in "b". */
struct lines lines_new_partitioned(void);
void lines_done(struct lines *lines);
#define LINES(name) _cleanup_(lines_done) struct lines name = lines_new()
#define PARTITIONED(name) _cleanup_(lines_done) struct lines name = lines_new_partitioned()

/* Steps. A file of 10 rows is called "name", or "name@partition" where the table is partitioned. `from` NULL: a new
 * table. */
struct table_version *append(struct lines *lines, const struct table_version *from,
                             const char *file);
/* Removes `gone` (a file's name, or "@partition") and adds `file` (may be NULL). */
struct table_version *overwrite(struct lines *lines, const struct table_version *from,
                                const char *gone, const char *file);
struct table_version *replace(struct lines *lines, const struct table_version *from,
                              const char *file);
/* A position delete file, of rows of `names` alone (its field 143) or of those whose names lie in [low, high]. */
struct table_version *delete_rows(struct lines *lines, const struct table_version *from,
                                  const char *file, const char *names);
struct table_version *delete_between(struct lines *lines, const struct table_version *from,
                                     const char *file, const char *low, const char *high);
struct table_version *delete_equal(struct lines *lines, const struct table_version *from,
                                   const char *file);
/* Deletes rows of `names` and adds `added` in one snapshot: an update. */
struct table_version *update(struct lines *lines, const struct table_version *from,
                             const char *file, const char *names, const char *added);
/* Adds an optional column, or drops one. */
struct table_version *add_column(struct lines *lines, const struct table_version *from,
                                 const char *name);
struct table_version *drop_column(struct lines *lines, const struct table_version *from,
                                  const char *name);
/* Makes a column required, or adds it as such. */
struct table_version *require_column(struct lines *lines, const struct table_version *from,
                                     const char *name);
struct table_version *partition_by(struct lines *lines, const struct table_version *from,
                                   int source_id, const char *transform);
struct table_version *set_property(struct lines *lines, const struct table_version *from,
                                   const char *key, const char *value);
/* Stores metadata as a version. Takes it. */
struct table_version *store_version(struct lines *lines, const struct table_version *from,
                                    struct table_metadata *metadata);

/* Names of all live files of the current snapshot, delete files too, sorted, joined by blanks. */
const char *all_files(struct lines *lines, const struct table_metadata *metadata);
/* Data sequence number of a live file, -1 if there is none of that name. */
int64_t sequence_of(struct lines *lines, const struct table_metadata *metadata, const char *name);
struct data_file line_file(struct lines *lines, const struct table_version *from, const char *name);

/* Merges; the version is freed with the lines. NULL: it failed, with *err. */
struct table_version *merge_with(struct lines *lines, const struct table_version *base,
                                 const struct table_version *source,
                                 const struct table_version *target,
                                 const struct snapshot_merge_options *options,
                                 struct merge_totals *totals, corrie_error *err);
struct table_version *merged(struct lines *lines, const struct table_version *source,
                             const struct table_version *target);
/* Both directions: the live files afterwards are `files`. */
void ck_merges(struct lines *lines, const struct table_version *one,
               const struct table_version *other, const char *files);
/* Both directions are conflicts whose message has `why`; nothing was written, dry or not. */
void ck_conflicts(struct lines *lines, const struct table_version *one,
                  const struct table_version *other, const char *why);
/* One direction. */
void ck_refuses(struct lines *lines, const struct table_version *source,
                const struct table_version *target, const char *why);

#endif
