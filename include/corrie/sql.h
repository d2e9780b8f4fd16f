/* sql.h — statements that change a lake: INSERT, DELETE, UPDATE, MERGE, CREATE TABLE, ALTER TABLE, DROP TABLE, and
 * queries between them. */
#ifndef CORRIE_SQL_H
#define CORRIE_SQL_H

#include <stdbool.h>
#include <stddef.h>

#include <corrie/error.h>
#include <corrie/lake.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ArrowArrayStream;

/* Rows of the `index`-th statement (from 0), as it is reached. Released by the caller of the function, which must read
 * nothing of it afterwards. Negative: the script ends with that error. */
typedef int (*corrie_sql_rows_fn)(void *context, size_t index, struct ArrowArrayStream *rows,
                                  corrie_error *err);

typedef struct corrie_sql_options {
    size_t size;
    const char *branch;            /* NULL = checked out */
    const char *default_namespace; /* of unqualified names; NULL = "public" */
    const char *message;           /* of the commit; NULL = the statement itself, cut */
    const char *memory;            /* "4G"; NULL = 70 % of the machine or cgroup */
    const char *file;              /* what the text is called in messages; NULL = nothing */
    bool autocommit; /* a commit for each statement; else one for all, or nothing when one fails */
    bool dry_run;    /* say what would change, change nothing */
    bool
        accept_taint; /* what is made of a failed job's tables may come to the branch; is recorded */
    corrie_sql_rows_fn rows; /* gets results of queries; NULL: a query is refused */
    void *rows_context;
} corrie_sql_options;

/* Executes the statements of `sql` in order; each sees what those before it did, and the tables that it reads as they were
 * before itself. All are one commit on the branch, or, with `autocommit`, one each; BEGIN and COMMIT in the text group
 * statements of an autocommitted script. Where nothing changed there is no commit.
 * A script with a statement that reads rows to write them (DELETE, UPDATE, MERGE, INSERT and CREATE TABLE of a query) is a job:
 * it has a record, and what it writes is safe from a collection as long as it works.
 * {"branch","commit","dry_run","job","statements":[{"statement","namespace","table","rows_inserted","rows_updated","rows_deleted",
 * "files_added","files_removed","files_dropped","files_read","files_pruned","commit","note"}]}: "statement" is its kind ("insert"), "table"
 * "ns.name" or null, files_pruned those that need not be looked at, "commit" null unless a commit ended with that
 * statement; "commit" outside is the last one, or null.
 * If the branch moved and the change cannot be merged with what came (others rewrote the same files, or added rows to a table
 * that this rewrites), everything is done again on what is there now, unless somebody has seen results or a part was committed.
 * Errors have their place in `sql`: CORRIE_E_PROJECT bad SQL, CORRIE_E_NOT_FOUND unknown tables and columns with the nearest
 * names, CORRIE_E_DATA values that do not fit, a row matched twice, CORRIE_E_EXISTS, CORRIE_E_CONFLICT what others changed
 * meanwhile, CORRIE_E_REFUSED taint and external tables. Nothing of an unfinished transaction is left. */
int corrie_sql(corrie_lake *lake, const char *sql, const corrie_sql_options *options,
               char **ret_json, corrie_error *err);

#ifdef __cplusplus
}
#endif

#endif
