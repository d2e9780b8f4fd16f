/* limits.h — the maximum of everything that an outsider influences. Passing one is an error that
 * names it; none is passed silently. Sizes are bytes where not said otherwise. */
#ifndef CORRIE_BASE_LIMITS_H
#define CORRIE_BASE_LIMITS_H

#define CORRIE_KiB ((size_t)1024)
#define CORRIE_MiB ((size_t)1024 * 1024)
#define CORRIE_GiB ((size_t)1024 * 1024 * 1024)

#define CORRIE_MAX_BUF (1 * CORRIE_GiB)
#define CORRIE_MAX_ARENA (2 * CORRIE_GiB)

/* JSON documents: metadata files, docs, messages */
#define CORRIE_MAX_JSON (256 * CORRIE_MiB)
#define CORRIE_MAX_JSON_DEPTH 128

/* keys and refs (catalog.md §2) */
#define CORRIE_MAX_KEY_SEGMENT 255
#define CORRIE_MAX_KEY_SEGMENTS 8
#define CORRIE_MAX_KEY 1024
#define CORRIE_MAX_REF_NAME 255

/* catalog objects: compressed and uncompressed bytes of one */
#define CORRIE_MAX_OBJECT (16 * CORRIE_MiB)
#define CORRIE_MAX_DOC (8 * CORRIE_MiB)
#define CORRIE_DOC_INLINE 1024
#define CORRIE_MAX_MESSAGE (64 * CORRIE_KiB)

/* how long one commit may fight for a ref, and a writer for the catalog's lock: milliseconds */
#define CORRIE_COMMIT_DEADLINE_MS 30000
#define CORRIE_LOCK_DEADLINE_MS 10000

/* projects: files, bytes of one file, what they may declare, and what the reader may say of them */
#define CORRIE_MAX_SOURCE_FILES 20000
#define CORRIE_MAX_SOURCE (4 * CORRIE_MiB)
#define CORRIE_MAX_FUNCTIONS 100000
#define CORRIE_MAX_INPUTS 1000
#define CORRIE_MAX_COLUMNS 10000
#define CORRIE_MAX_DECLARATIONS (256 * CORRIE_MiB)
#define CORRIE_DECLARE_DEADLINE_MS 120000
#define CORRIE_MAX_HARNESS (4 * CORRIE_MiB)
#define CORRIE_HARNESS_DEADLINE_MS 30000
#define CORRIE_MAX_SQL (4 * CORRIE_MiB)

/* the cache: bytes of one entry */
#define CORRIE_MAX_CACHE_VALUE (1 * CORRIE_GiB)

/* types and what users write in small languages: levels, fields of one schema, bytes */
#define CORRIE_MAX_TYPE_DEPTH 32
#define CORRIE_MAX_FIELDS 100000
#define CORRIE_MAX_FILTER (64 * CORRIE_KiB)
#define CORRIE_MAX_FILTER_DEPTH 100

/* partitioned_by; partitions that one write may fall into */
#define CORRIE_MAX_PARTITION_TEXT (64 * CORRIE_KiB)
#define CORRIE_MAX_PARTITION_TERMS 100
#define CORRIE_MAX_WRITE_PARTITIONS 100000
/* files of partitions that are written at once, a thread each */
#define CORRIE_MAX_COPIES 64
#define CORRIE_MAX_PROJECT (1 * CORRIE_MiB)
#define CORRIE_MAX_PROJECT_DEPTH 16
#define CORRIE_MAX_PROJECT_NODES 20000
#define CORRIE_MAX_REF_EXPR 512

/* statements: levels of brackets and comments, items of one list (columns, SET, WHEN, actions), statements of a script */
#define CORRIE_MAX_SQL_DEPTH 1000
#define CORRIE_MAX_SQL_ITEMS 10000
#define CORRIE_MAX_SQL_STATEMENTS 10000

/* settings (docs/formats/settings.md): bytes of a name and of a value */
#define CORRIE_MAX_SETTING_NAME 255
#define CORRIE_MAX_SETTING 4096

/* files: entries of one directory, depth of a tree that is removed or listed, bytes of a store's
 * key and of a path */
#define CORRIE_MAX_DIR_ENTRIES 10000000
#define CORRIE_MAX_DIR_DEPTH 256
#define CORRIE_MAX_STORE_KEY 1024
#define CORRIE_MAX_PATH 4096

/* the catalog: objects kept in memory, texts of refs and of the index of jobs, entries of one page */
#define CORRIE_CATALOG_CACHE (32 * CORRIE_MiB)
#define CORRIE_MAX_WHO 1024
#define CORRIE_MAX_PROPERTIES 1000
#define CORRIE_MAX_PICKS 10000 /* commits picked or reverted at once */
#define CORRIE_MAX_INDEX_JSON (256 * CORRIE_KiB)
#define CORRIE_MAX_PAGE 10000

/* Iceberg: a metadata file, a manifest or manifest list, one unpacked Avro block; what an Avro file may nest and
 * define; manifests of one snapshot, fields of a partition spec */
#define CORRIE_MAX_METADATA (256 * CORRIE_MiB)
#define CORRIE_MAX_MANIFEST (512 * CORRIE_MiB)
#define CORRIE_MAX_AVRO_BLOCK (256 * CORRIE_MiB)
#define CORRIE_MAX_AVRO_DEPTH 64
#define CORRIE_MAX_AVRO_TYPES 100000
#define CORRIE_MAX_AVRO_METADATA 256
#define CORRIE_MAX_MANIFESTS 1000000
#define CORRIE_MAX_PARTITION_FIELDS 1000

/* function processes (docs/formats/protocol.md): one message, one line of output, how much output is shown
 * as it happens and how much of its end is kept after that, frames of a traceback, one column's file */
#define CORRIE_MAX_WORKER_MESSAGE (128 * CORRIE_KiB)
#define CORRIE_MAX_WORKER_LINE (32 * CORRIE_KiB)
#define CORRIE_MAX_WORKER_HEAD (1 * CORRIE_MiB)
#define CORRIE_MAX_WORKER_TAIL (256 * CORRIE_KiB)
#define CORRIE_MAX_WORKER_FRAMES 100
#define CORRIE_MAX_EXCHANGE_FILE ((size_t)1 << 42)

/* environments: packages asked for, what uv may say, how long another maker is waited for */
#define CORRIE_MAX_PACKAGES 1000
#define CORRIE_MAX_UV_OUTPUT (4 * CORRIE_MiB)
#define CORRIE_ENV_LOCK_DEADLINE_MS 1800000

/* a Parquet file's footer, and what is remembered of equality deletes of one table */
#define CORRIE_MAX_FOOTER (256 * CORRIE_MiB)
#define CORRIE_MAX_DELETED_KEYS ((size_t)100 * 1000 * 1000)

/* columns of a CSV file */
#define CORRIE_MAX_CSV_COLUMNS 10000
/* JSON lines that are looked at without DuckDB: places of values in a record; bytes of records that bring something new,
 * and of one line */
#define CORRIE_MAX_JSON_KEYS 20000
#define CORRIE_MAX_JSON_SAMPLE (32 * CORRIE_MiB)

#endif
