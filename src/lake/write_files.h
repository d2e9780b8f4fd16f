/* write_files.h — where the rows of selects become data files of a table: named, partitioned, described for manifests,
 * durable. Shared by all writes of the room; it knows nothing of transactions, and stages nothing.
 *
 *     file_writer_init(&writer, lake, engine, metadata, &schema, spec, location, arena)
 *     file_writer_write(&writer, select, NULL, &written)      as often as there are selects
 *     file_writer_adopt(&writer, &stored)                      files that lie elsewhere
 *     file_writer_sync(&writer)                                then writer.files are what snapshot_* take
 *     file_writer_discard(&writer)                             if any of it, or what follows, failed
 *     file_writer_done(&writer)
 *
 * The rows of each file are sorted by the table's default sort order, as far as SQL can say it: columns, and last a
 * transform that keeps their order. Of another one rows stay as they come, and files do not say that they are sorted.
 * File sizes, row groups and compression are those of the table's properties: write.target-file-size-bytes,
 * write.parquet.row-group-size-bytes, write.parquet.row-group-limit, write.parquet.compression-codec. */
#ifndef CORRIE_LAKE_WRITE_FILES_H
#define CORRIE_LAKE_WRITE_FILES_H

#include "base/vec.h"
#include "engine/engine.h"
#include "iceberg/data_file.h"
#include "iceberg/metadata.h"
#include "lake/lake_priv.h"
#include "lake/tx.h"

struct file_writer {
    struct lake *lake;
    struct engine *engine;
    struct arena *arena;
    const struct schema *schema; /* of the rows: with ids, in the order of the selects' columns */
    struct str location;         /* of the table: absolute, under the present root */
    int spec_id;
    struct engine_partition_field *fields;
    size_t n_fields;
    int64_t target_bytes;
    int64_t row_group_rows;
    int64_t row_group_bytes;
    struct str codec;
    int64_t row_bytes; /* may be set before a write: see engine.h */
    struct str check;  /* this too */
    struct str check_name;
    struct str order_by; /* SQL: the table's sort order; empty: rows stay as they come */
    int sort_order_id;   /* of files that are sorted so */
    unsigned ordinal;    /* of the next file */
    bool prepared;       /* the directory is there */
    VEC(struct data_file) files;
    VEC(struct str) keys; /* of the files, in the store */
};

/* Everything is borrowed as long as the writer lives; `spec` is that of the files, whose columns must be in `schema`.
 * CORRIE_E_UNSUPPORTED for a transform that is not known, CORRIE_E_DATA for a property that makes no sense. */
int file_writer_init(struct file_writer *writer, struct lake *lake, struct engine *engine,
                     const struct table_metadata *metadata, const struct schema *schema,
                     const struct partition_spec *spec, struct str location, struct arena *arena,
                     corrie_error *err) CORRIE_MUST_USE;
/* Writes the rows of one select; their files are appended to writer->files. `file` as in engine_write: what a person
 * calls the text, NULL if it is ours. `ret` may be NULL. */
int file_writer_write(struct file_writer *writer, struct str select, const char *file,
                      struct written_files *ret, corrie_error *err) CORRIE_MUST_USE;
/* Adds a file that others wrote and that stays where it is: it is neither synced nor removed.
 * CORRIE_E_REFUSED for one inside of the lake, which gc could remove some day. */
int file_writer_adopt(struct file_writer *writer, const struct engine_written *stored,
                      corrie_error *err) CORRIE_MUST_USE;
/* All files so far are durable afterwards. */
int file_writer_sync(struct file_writer *writer, corrie_error *err) CORRIE_MUST_USE;
/* Removes the files of a write that failed; what cannot be removed is garbage for gc. */
void file_writer_discard(struct file_writer *writer);
/* Frees the lists; files stay. */
void file_writer_done(struct file_writer *writer);

#endif
