/* chunks.h — what the footer of a Parquet file says of its row groups, and bounds as scalars. Inside the room only. */
#ifndef CORRIE_ENGINE_CHUNKS_H
#define CORRIE_ENGINE_CHUNKS_H

#include "engine/footer.h"

/* A leaf of the schema in one row group. */
struct footer_chunk {
    int64_t start; /* in the file; INT64_MAX: not said */
    int64_t bytes;
    int64_t plain;    /* bytes before compression; 0: not said */
    int64_t values;   /* nulls counted */
    int64_t nulls;    /* -1: not said */
    struct str least; /* as the file has it, borrowed; data NULL: not said */
    struct str most;
    bool
        by_sign; /* the two are of the old kind, which orders all bytes by sign: right for numbers alone */
};

struct footer_group {
    int64_t rows;
    int64_t start; /* in the file */
    const struct footer_chunk *chunks;
    size_t n_chunks; /* one a leaf, in the order of the schema */
};

/* 0 to go on, negative ends it. The group is valid during the call. */
typedef int (*footer_group_fn)(void *arg, const struct footer_group *group, corrie_error *err);

/* Calls `each` for every row group in the bytes of a footer that footer_parse took. CORRIE_E_DATA naming `path` for
 * one that is damaged behind its schema. */
int footer_groups(struct str bytes, struct str path, const struct footer *footer,
                  footer_group_fn each, void *arg, corrie_error *err) CORRIE_MUST_USE;

/* Least and greatest value of a chunk as scalars of `type`, whole, in `arena`. 1; 0 where the file does not say, or
 * says it in a way from which nothing is certain (NaN, text cut inside a letter, nanoseconds); CORRIE_E_NO_MEMORY.
 * No bounds are made of binary and fixed columns, as none are of files that we write. */
int chunk_bounds(const struct footer_chunk *chunk, const struct footer_node *node,
                 const struct type *type, struct arena *arena, struct str *ret_lower,
                 struct str *ret_upper, corrie_error *err) CORRIE_MUST_USE;

#endif
