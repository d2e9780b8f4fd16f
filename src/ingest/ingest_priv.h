/* ingest_priv.h — one import under way, shared by the files of this room. */
#ifndef CORRIE_INGEST_PRIV_H
#define CORRIE_INGEST_PRIV_H

#include "base/json.h"
#include "ingest/ingest.h"
#include "jobs/jobs.h"
#include "lake/lake.h"
#include "lake/tx.h"
#include "lang/name.h"
#include "lang/partition.h"

/* One import under way. */
struct import {
    struct lake *lake;
    const corrie_import_options *options;
    struct arena arena;
    struct table_name table;
    struct str ns;
    struct lake_workspace work;
    struct job *job;
    struct lake_tx *tx;
    struct hash base; /* the commit that it began on */
    bool exists;      /* the table, before */
    bool created_namespace;
    struct lake_table before; /* if it exists */
    struct ingest_file *files;
    size_t n_files;
    size_t n_skipped;
    size_t n_failed;               /* left out by continue_on_error */
    struct schema keys;            /* columns that folders give */
    struct schema schema;          /* of the table: as it is, or as the files together make it */
    struct ingest_file **selected; /* the file of each select */
    int64_t all_bytes;             /* of these files, and of those that were loaded */
    int64_t loaded_bytes;
    struct lake_written written;
    struct hash commit;
    bool committed;
    struct str
        metadata; /* where the Iceberg metadata lies that an external table is made of; empty: of files */
    bool external; /* the table is made of files where they are, and can only be read */
    bool planned;  /* the schema comes from a plan: no files are looked at */
    /* What counts of it, when others imported the same files meanwhile: look_at_what_came. */
    struct lake_table stands;
    int64_t rows;
    int64_t bytes;
    char *json; /* the answer, made before the branch moves: nothing may fail after that */
};

void import_done(struct import *import);
/* Fills import->table and import->ns from the options. */
int import_name(struct import *import, corrie_error *err) CORRIE_MUST_USE;
/* The whole of it: job, files, rows, commit. */
int import_once(struct import *import, char **ret_json, corrie_error *err) CORRIE_MUST_USE;
/* Tells the caller, and the job's log once there is a job. */
void import_event(struct import *import, corrie_event event);
/* Tells the caller which file it is at, and how many rows came of those before it (-1: none come yet). */
void import_progress(struct import *import, const char *what, const struct ingest_file *file,
                     int64_t rows);

/* describe.c: finds the files, looks up those that were imported before, and says what is in the others and what columns
 * they have together. Opens import->work for that. */
int import_describe(struct import *import, corrie_error *err) CORRIE_MUST_USE;
/* Listing and describing alone, without a table and its ledger. */
int import_look(struct import *import, corrie_error *err) CORRIE_MUST_USE;
/* Rows are added to a table that exists: then it says what its columns are, and its ledger what it has. */
bool import_adds(const struct import *import);
/* The file is left out, for the reason in *err, if the import goes on after errors: 0, and *err is empty. Else, and where
 * what went wrong is not the file's (interrupted, no space, …), the code of *err. */
int import_leave_out(struct import *import, struct ingest_file *file, corrie_error *err)
    CORRIE_MUST_USE;
/* Where all files were left out there is nothing to import: the first reason is the import's. */
int import_check_some(struct import *import, corrie_error *err) CORRIE_MUST_USE;
/* Terms of options->partitioned_by, in the arena. */
int import_partitioning(struct import *import, struct lake_write *write, corrie_error *err)
    CORRIE_MUST_USE;

/* import.c: sets write->schema and what is done about files that fail, import->schema (as the table has it, with ids) and
 * room for import->selected; the writer fills that. */
int import_begin_selects(struct import *import, struct lake_write *write, corrie_error *err)
    CORRIE_MUST_USE;
/* When `n` selects were written: files that failed are taken out of the results. */
int import_end_selects(struct import *import, size_t n, corrie_error *err) CORRIE_MUST_USE;

/* place.c: files become the table's where they are. */
int import_adopt(struct import *import, struct lake_write *write, corrie_error *err)
    CORRIE_MUST_USE;
/* The table that import->metadata describes. */
int import_external(struct import *import, corrie_error *err) CORRIE_MUST_USE;

/* answer.c: the documents that tell what came of it. NULL: memory ran out. */
json_t *import_files_json(const struct import *import);
json_t *import_schema_json(const struct schema *schema);
int import_answer(const struct import *import, char **ret_json, corrie_error *err) CORRIE_MUST_USE;

#endif
