/* footer.h — what the end of a Parquet file says of its schema. Inside the room only.
 *
 * Read by our own parser of Thrift's compact protocol, which stops behind the schema: opening a thousand files by
 * DuckDB to learn their layouts costs a second, this 20 ms. */
#ifndef CORRIE_ENGINE_FOOTER_H
#define CORRIE_ENGINE_FOOTER_H

#include "engine/engine_priv.h"

/* Numbers of the format (parquet.thrift). */
enum footer_repetition { FOOTER_REQUIRED = 0, FOOTER_OPTIONAL = 1, FOOTER_REPEATED = 2 };
enum footer_physical {
    FOOTER_BOOLEAN = 0,
    FOOTER_INT32 = 1,
    FOOTER_INT64 = 2,
    FOOTER_FLOAT = 4,
    FOOTER_DOUBLE = 5,
    FOOTER_BYTE_ARRAY = 6,
    FOOTER_FIXED = 7
};
enum footer_converted {
    FOOTER_MAP = 1,
    FOOTER_MAP_KEY_VALUE = 2,
    FOOTER_LIST = 3,
    FOOTER_DECIMAL = 5,
    FOOTER_TIME_MILLIS = 7,
    FOOTER_TIME_MICROS = 8,
    FOOTER_TIMESTAMP_MILLIS = 9,
    FOOTER_TIMESTAMP_MICROS = 10,
    FOOTER_UINT_8 = 11,
    FOOTER_UINT_64 = 14
};
enum footer_logical {
    FOOTER_LOGICAL_MAP = 2,
    FOOTER_LOGICAL_LIST = 3,
    FOOTER_LOGICAL_DECIMAL = 5,
    FOOTER_LOGICAL_TIME = 7,
    FOOTER_LOGICAL_TIMESTAMP = 8,
    FOOTER_LOGICAL_INTEGER = 10
};
enum footer_unit { FOOTER_MILLIS = 1, FOOTER_MICROS = 2, FOOTER_NANOS = 3 };

struct footer_node {
    struct str name;
    int64_t id;       /* -1: none */
    int64_t children; /* 0: a leaf */
    int repetition;
    int physical;  /* -1: a group */
    int converted; /* -1: none */
    int logical;   /* 0: none */
    int unit;      /* of a time or timestamp; 0: none */
    bool is_unsigned;
    int64_t scale; /* of a decimal */
    int64_t precision;
    size_t
        zoned; /* a timestamp that is an instant: where that is said, in bytes before the end; else 0 */
    size_t leaf; /* a leaf: how many came before it */
};

struct footer {
    VEC(struct footer_node) nodes; /* in preorder, without the root */
    size_t leaves;
    int64_t rows;
    int64_t row_groups;
    size_t groups_at; /* in the footer's bytes: the list of row groups */
    bool has_ids;
    bool
        encrypted; /* columns are, the footer is not. Told where it is short enough to be read at once, 16 KiB */
    /* Bytes of the schema: two files of which they are equal have one layout. */
    struct str schema;
    struct str bytes; /* of the footer; footer_read_whole only */
    struct arena arena;
};

/* Reads the footer of the file at `path`. CORRIE_E_DATA naming the file if it is none of Parquet, was cut off, is
 * damaged there or encrypted; CORRIE_E_NOT_FOUND, CORRIE_E_IO. Cost: one read of 16 KiB; more where the schema is longer. */
int footer_read(struct str path, struct footer *footer, corrie_error *err) CORRIE_MUST_USE;
/* The same with all of its bytes, for footer_groups. Cost: one read of the footer more. */
int footer_read_whole(struct str path, struct footer *footer, corrie_error *err) CORRIE_MUST_USE;
/* Parses the bytes of a footer, or as many as there are: 1 done, 0 more bytes are needed. CORRIE_E_DATA naming `path`. */
int footer_parse(struct str bytes, struct str path, struct footer *footer, corrie_error *err)
    CORRIE_MUST_USE;
void footer_done(struct footer *footer);
/* CORRIE_E_DATA: the footer is damaged. */
int footer_fail_damaged(struct str path, corrie_error *err);
/* Index after the subtree that starts at `at`. */
size_t footer_skip(const struct footer *footer, size_t at);

#endif
