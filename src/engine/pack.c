/* pack.c — gzip by zlib, zstd by libzstd. */
#include "engine/pack.h"

#include <zlib.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "base/mem.h"

enum { BLOCK = 64 * 1024, GZIP_WINDOW = 15 + 16, GZIP_MEMORY = 8 };

struct pack {
    ipc_write_fn write;
    void *arg;
    bool gzip;
    bool begun; /* `stream` is to be ended */
    z_stream stream;
    ZSTD_CStream *zstd;
    unsigned char out[BLOCK];
};

struct pack *pack_free(struct pack *pack)
{
    if (pack) {
        if (pack->begun) {
            deflateEnd(&pack->stream);
        }
        ZSTD_freeCStream(pack->zstd);
        mem_free(pack);
    }
    return NULL;
}

int pack_open(struct str codec, ipc_write_fn write, void *arg, struct pack **ret, corrie_error *err)
{
    _cleanup_(pack_freep) struct pack *pack = NULL;
    bool gzip = str_eq_nocase(codec, STR("gzip"));

    if (!gzip && !str_eq_nocase(codec, STR("zstd"))) {
        corrie_fail(err, CORRIE_E_UNSUPPORTED, "text cannot be compressed by '%.*s'",
                    STR_FMT(codec));
        return corrie_hint(err, "gzip, zstd and none can");
    }
    pack = mem_alloc(1, sizeof *pack);
    if (!pack) {
        return corrie_fail_memory(err);
    }
    pack->write = write;
    pack->arg = arg;
    pack->gzip = gzip;
    if (gzip) {
        pack->begun = deflateInit2(&pack->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW,
                                   GZIP_MEMORY, Z_DEFAULT_STRATEGY) == Z_OK;
    } else {
        pack->zstd = ZSTD_createCStream();
    }
    if (!pack->begun && !pack->zstd) {
        return corrie_fail_memory(err);
    }
    *ret = TAKE_PTR(pack);
    return 0;
}

/* Packs what is in the stream's input, or with `end` all that is left. */
static int run_gzip(struct pack *pack, bool end, corrie_error *err)
{
    int result = Z_OK;
    int r = 0;

    do {
        pack->stream.next_out = pack->out;
        pack->stream.avail_out = sizeof pack->out;
        result = deflate(&pack->stream, end ? Z_FINISH : Z_NO_FLUSH);
        if (result == Z_STREAM_ERROR) {
            return corrie_fail(err, CORRIE_E_INTERNAL, "zlib does not pack");
        }
        if (pack->stream.avail_out < sizeof pack->out) {
            r = pack->write(pack->arg, pack->out, sizeof pack->out - pack->stream.avail_out, err);
        }
    } while (r >= 0 && (end ? result != Z_STREAM_END : pack->stream.avail_in > 0));
    return r < 0 ? r : 0;
}

static int run_zstd(struct pack *pack, const void *bytes, size_t len, bool end, corrie_error *err)
{
    ZSTD_inBuffer in = {bytes, len, 0};
    size_t left = 0;
    int r = 0;

    do {
        ZSTD_outBuffer out = {pack->out, sizeof pack->out, 0};

        left = ZSTD_compressStream2(pack->zstd, &out, &in, end ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left)) {
            return corrie_fail(err, CORRIE_E_INTERNAL, "zstd does not pack: %s",
                               ZSTD_getErrorName(left));
        }
        if (out.pos > 0) {
            r = pack->write(pack->arg, pack->out, out.pos, err);
        }
    } while (r >= 0 && (end ? left > 0 : in.pos < in.size));
    return r < 0 ? r : 0;
}

int pack_write(void *arg, const void *bytes, size_t len, corrie_error *err)
{
    struct pack *pack = arg;

    if (!pack->gzip) {
        return run_zstd(pack, bytes, len, false, err);
    }
    while (len > 0) { /* zlib counts in 32 bits */
        size_t part = len < (1u << 30) ? len : 1u << 30;
        int r;

        pack->stream.next_in = (unsigned char *)(uintptr_t)bytes;
        pack->stream.avail_in = (unsigned)part;
        r = run_gzip(pack, false, err);
        if (r < 0) {
            return r;
        }
        bytes = (const char *)bytes + part;
        len -= part;
    }
    return 0;
}

int pack_end(struct pack *pack, corrie_error *err)
{
    return pack->gzip ? run_gzip(pack, true, err) : run_zstd(pack, NULL, 0, true, err);
}
