/* query.h — a statement of a person's that reads; inside of the room. */
#ifndef CORRIE_RUN_QUERY_H
#define CORRIE_RUN_QUERY_H

#include <corrie/run.h>

#include "arrow/table.h"
#include "engine/engine.h"
#include "lake/lake.h"

/* What is told of a query when it is over (jobs/jobs.h). */
struct query_note {
    struct lake *lake; /* NULL: nothing is to be told */
    char *statement;
    char *ref; /* NULL: not known */
    struct hash commit;
    int64_t began; /* UTC ns; `clock` is the same moment of the clock that is never set */
    int64_t clock;
    int64_t rows; /* -1: not known. Likewise bytes */
    int64_t bytes;
};

/* Begins the record of a statement. To be ended, or done. */
struct query_note query_note_begin(struct lake *lake, const char *sql);
/* Writes the record, with `error` if it is not NULL, and is done: the answer was given, or the error is about to be. */
void query_note_end(struct query_note *note, const corrie_error *error);
/* Nothing is written. */
void query_note_done(struct query_note *note);

/* An engine with the tables that a statement names. */
struct query {
    struct lake_workspace work;
    struct ArrowArrayStream rows;
    char *said;             /* the person's text, where another one was run; else NULL */
    struct query_note note; /* of a stream, told when it is released */
    bool failed;            /* its stream has ended with an error */
    bool ended;             /* … with its last row */
};

struct query *query_free(struct query *query);
DEFINE_CLEANUP(struct query *, query_free)

/* What would be read, for corrie_explain. */
struct query_scans {
    struct hash commit;
    struct lake_described described;
    size_t count;
};

/* Defines the tables that the statement names in an engine of its own. `note` and `ret_scans` may be NULL; the latter in
 * `arena`. *sql becomes the text that is to be run, in `arena` too. Errors are placed in the person's text. */
int query_open(struct lake *lake, struct str *sql, const corrie_query_options *options,
               struct arena *arena, struct query_note *note, struct query_scans *ret_scans,
               struct query **ret, corrie_error *err) CORRIE_MUST_USE;

/* An error that quotes the text which was run quotes the person's instead: positions are the same in both. `query` may be
 * NULL. Returns the error's code. */
int query_requote(const struct query *query, corrie_error *err);

#endif
