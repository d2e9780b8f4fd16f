/* json_scan.h — which records of a file of JSON lines have something new, so that the others need not be looked at to
 * say what columns there are.
 *
 * DuckDB finds columns by reading all records, at the price of reading them for good. What it makes of them depends on
 * which keys there are and on what kinds of values each has: a record of known keys and kinds changes nothing. So all
 * are read here, by a parser that knows no values, and DuckDB is given those that bring something new. */
#ifndef CORRIE_ENGINE_JSON_SCAN_H
#define CORRIE_ENGINE_JSON_SCAN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/cancel.h"
#include "base/error.h"

/* The records that matter, each on its line, in the order of the file. */
struct json_sample {
    struct buf records;
    /* Columns with texts of which DuckDB alone can tell whether they are times: if it says of such a column that it is
     * one, records that were left out may say otherwise. In the arena. */
    struct str *doubtful;
    size_t n_doubtful;
    uint64_t longest; /* bytes of the longest line; 0: not all were read, or there are none */
};

/* Reads the file, packed or not. 1: `ret` is enough to say what columns the file has, buf_done(&ret->records). 0: it is
 * not, and all has to be read: a line is no JSON object (or not one that this parser takes), DuckDB may make a map of
 * objects by how often their keys come, or times of several forms stand in one column; ret->longest is told all the same.
 * Errors: of reading. Cost: one pass, about 2.5 s a GiB, shared by up to `threads` threads if the file is plain and large;
 * each chooses records of its own, so that there may be as many times more. */
int json_scan(const char *path, size_t threads, const struct cancel *cancel, struct arena *arena,
              struct json_sample *ret, corrie_error *err) CORRIE_MUST_USE;

#endif
