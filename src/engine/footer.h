/* footer.h — the schema in a Parquet file's footer. Inside the room only. */
#ifndef CORRIE_ENGINE_FOOTER_H
#define CORRIE_ENGINE_FOOTER_H

#include "engine/engine_priv.h"

struct footer_node {
    struct str name;
    int64_t id;       /* -1: none */
    int64_t children; /* 0: a leaf */
    bool repeated;
};

struct footer {
    VEC(struct footer_node) nodes; /* in preorder, without the root */
    struct arena arena;
};

/* Reads the footer of the file at `path`. Cost: one small read. */
int footer_read(struct engine *engine, struct str path, struct footer *footer, corrie_error *err)
    CORRIE_MUST_USE;
void footer_done(struct footer *footer);
/* Index after the subtree that starts at `at`. */
size_t footer_skip(const struct footer *footer, size_t at);

#endif
