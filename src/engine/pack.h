/* pack.h — bytes on their way out, packed by gzip or zstd. Inside the room only. */
#ifndef CORRIE_ENGINE_PACK_H
#define CORRIE_ENGINE_PACK_H

#include "arrow/ipc.h"

struct pack;

/* "gzip" or "zstd" (any case); `write` gets what comes out, in order. CORRIE_E_UNSUPPORTED for another codec. */
int pack_open(struct str codec, ipc_write_fn write, void *arg, struct pack **ret, corrie_error *err)
    CORRIE_MUST_USE;
/* An ipc_write_fn whose `arg` is the struct pack. */
int pack_write(void *pack, const void *bytes, size_t len, corrie_error *err) CORRIE_MUST_USE;
/* Gives out what is left, and the end. */
int pack_end(struct pack *pack, corrie_error *err) CORRIE_MUST_USE;
/* NULL is fine; returns NULL. */
struct pack *pack_free(struct pack *pack);
DEFINE_CLEANUP(struct pack *, pack_free)

#endif
