/* files.h — SQL that reads Parquet files of several layouts as one table. Inside the room only. */
#ifndef CORRIE_ENGINE_FILES_H
#define CORRIE_ENGINE_FILES_H

#include "engine/deletes.h"

struct files {
    const struct engine_file *files;
    size_t n_files;
    const struct field *fields; /* columns to come out, with ids */
    size_t n_fields;
    const struct engine_name *names;
    size_t n_names;
    bool anywhere;           /* fields may lie in structs of the file */
    bool positions;          /* two columns more, last: see engine_table.positions */
    struct deletes *deletes; /* NULL: none */
    int64_t *rows; /* if not NULL: how many rows each file has (read before `deletes` are asked) */
};

/* Appends "(SELECT … )" that gives the rows of all files in order. Reads the end of each file. Errors as
 * engine_define_files. */
int files_select(const struct files *files, struct buf *out, corrie_error *err) CORRIE_MUST_USE;

#endif
