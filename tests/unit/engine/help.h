/* help.h — what the engine's tests share. */
#ifndef CORRIE_TESTS_ENGINE_HELP_H
#define CORRIE_TESTS_ENGINE_HELP_H

#include <nanoarrow/nanoarrow.h>

#include "arrow/scalar.h"
#include "arrow/table.h"
#include "arrow/type.h"
#include "base/buf.h"
#include "engine/engine.h"
#include "tests/unit/check.h"

/* A scratch directory of the running test, made at the first call, removed when its process exits. */
const char *scratch(void);
/* scratch()/name, in static memory of eight turns. */
const char *in_scratch(const char *name);
void write_file(const char *path, const char *bytes, size_t len);
bool file_exists(const char *path);

/* An open engine; aborts the test if there is none. */
struct engine *engine_plain(void);
struct engine *engine_locked(const char *allowed);

/* Runs SQL and gives its rows as text: values joined by '|', rows by '\n', null as "null". The result
 * lives until the next call. */
const char *rows_of(struct engine *engine, const char *sql);
/* The failure of a query, wherever it comes; "" if there is none. The error is in *err. */
int query_error(struct engine *engine, const char *sql, corrie_error *err);
/* Writes Parquet files from SQL with the given schema; returns the list. */
size_t write_parquet(struct engine *engine, const char *sql, const struct schema *schema,
                     const char *name, int64_t max_rows, struct arena *arena,
                     struct engine_written **ret);
/* A schema of columns "name type, …" with ids 1, 2, …: primitive types only. */
struct schema schema_of(struct arena *arena, const char *text);

#endif
