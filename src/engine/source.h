/* source.h — files of others, shared by source.c, source_select.c and csv.c. */
#ifndef CORRIE_ENGINE_SOURCE_H
#define CORRIE_ENGINE_SOURCE_H

#include "engine/engine_priv.h"
#include "engine/footer.h"

/* Lines that are looked at to find types. */
#define SAMPLE_ROWS 20480
/* Bytes of a line that an error shows. */
#define SHOWN_LINE 200

struct describe {
    struct engine *engine;
    const struct engine_source_options *options;
    struct arena *arena;
    struct engine_source *source;
    corrie_error *err;
};

/* Fills delimiter, quote, header, columns and sql_types of a CSV source. */
int csv_describe(struct describe *describe) CORRIE_MUST_USE;
/* read_csv(…) over the source with its columns typed by `types` (DuckDB's names). */
void csv_add_reader(struct buf *out, const struct engine_source *source, const struct str *types);
/* Sets columns[i] from a name and DuckDB's type text. */
int source_set_column(struct describe *describe, size_t at, struct str name, struct str type)
    CORRIE_MUST_USE;
/* Columns by a person's word: options->columns. */
int source_take_columns(struct describe *describe) CORRIE_MUST_USE;
/* maximum_object_size for a JSON file whose longest record has `longest` bytes, by an engine that may use `memory` bytes
 * (0: as many as it wants); 0 where DuckDB's own will do (json.c). CORRIE_E_LIMIT naming the file: 4 GiB and more. */
int json_room(const char *path, uint64_t longest, uint64_t memory, uint64_t *ret, corrie_error *err)
    CORRIE_MUST_USE;
/* The same of a file whose records nobody has seen. `packed`: its size tells nothing. Cost: a pass over files of more
 * than 16 MB. */
int json_record_size(const char *path, bool packed, uint64_t memory, const struct cancel *cancel,
                     uint64_t *ret, corrie_error *err) CORRIE_MUST_USE;
/* Refuses a Parquet file with times finer than a table holds where DuckDB's reader does not see them, in instants; the
 * types of such columns then say what they are. `footer` has its bytes (nanos.c). */
int source_check_nanos(struct describe *describe, const struct footer *footer) CORRIE_MUST_USE;
/* Finds out format, packing and size; makes a local copy where the file cannot be read where it is (local.c). */
int source_look(struct describe *describe) CORRIE_MUST_USE;
/* Defines the rows of an Arrow IPC file as a table of ours, source->relation_name in ARROW_FILES (arrow_file.c). */
int arrow_file_define(struct describe *describe) CORRIE_MUST_USE;
/* A name for a file of ours in the engine's directory for temporary files; CORRIE_E_LIMIT if it has none. */
int source_copy_path(struct describe *describe, struct str *ret) CORRIE_MUST_USE;
#define ARROW_FILES "corrie_files"
/* read_…(…) over the source; `types` are those that it is to give, NULL: its own (source.c). */
void source_add_reader(struct buf *out, const struct engine_source *source, const struct str *types,
                       bool numbered);
/* The reader's type of column `at`, given the one it shall end up with. */
struct str source_reader_type(const struct engine_source *source, size_t at, struct str type);
/* One column of a SELECT over the reader, called f. */
void source_add_column(struct buf *out, const struct engine_source *source, size_t at,
                       struct str type, struct str name);
int source_make_columns(struct describe *describe, size_t n) CORRIE_MUST_USE;

#endif
