/* unpack.c — packed files by zlib and libzstd; lines of any file. */
#include "engine/unpack.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "os/file.h"

#define CHUNK ((size_t)1 << 16)

enum packing { PLAIN, GZIP, ZSTD };

struct unpack {
    const char *path;
    int fd;
    enum packing packing;
    z_stream gzip;
    ZSTD_DStream *zstd;
    size_t have; /* bytes in `in` */
    size_t at;   /* of them used */
    bool inside; /* a member or frame has begun and not ended */
    bool end;    /* of the file */
    unsigned char in[CHUNK];
};

static void unpack_free(struct unpack **unpack)
{
    if (*unpack) {
        if ((*unpack)->packing == GZIP) {
            (void)inflateEnd(&(*unpack)->gzip);
        }
        ZSTD_freeDStream((*unpack)->zstd);
        os_close((*unpack)->fd);
        mem_free(*unpack);
    }
}

static int fill(struct unpack *u, corrie_error *err)
{
    if (u->at < u->have || u->end) {
        return 0;
    }
    u->at = 0;
    int r = os_read(u->fd, u->path, u->in, sizeof u->in, &u->have, err);
    u->end = r >= 0 && u->have == 0;
    return r;
}

static int unpack_open(const char *path, struct unpack **ret, corrie_error *err)
{
    _cleanup_(unpack_free) struct unpack *u = mem_alloc(1, sizeof *u);
    int r;

    if (!u) {
        return corrie_fail_memory(err);
    }
    u->path = path;
    u->fd = -1;
    r = os_open(path, O_RDONLY | O_NONBLOCK, 0, &u->fd, err);
    if (r < 0 || (r = fill(u, err)) < 0) {
        return r;
    }
    if (u->have >= 2 && memcmp(u->in, "\x1f\x8b", 2) == 0) {
        if (inflateInit2(&u->gzip, 15 + 16) != Z_OK) {
            return corrie_fail_memory(err);
        }
        u->packing = GZIP;
    } else if (u->have >= 4 && memcmp(u->in, "\x28\xb5\x2f\xfd", 4) == 0) {
        u->packing = ZSTD;
        u->zstd = ZSTD_createDStream();
        if (!u->zstd) {
            return corrie_fail_memory(err);
        }
    }
    *ret = TAKE_PTR(u);
    return 0;
}

static int fail_packed(const struct unpack *u, const char *what, corrie_error *err)
{
    const char *packing = u->packing == GZIP ? "gzip" : "zstd";

    if (what) {
        corrie_fail(err, CORRIE_E_DATA, "%s is damaged: %s says: %s", u->path, packing, what);
    } else {
        corrie_fail(err, CORRIE_E_DATA, "%s is cut off: its %s stream has no end", u->path,
                    packing);
    }
    return corrie_hint(err, "get or pack the file again");
}

static int step_gzip(struct unpack *u, unsigned char *out, size_t len, size_t *ret,
                     corrie_error *err)
{
    int z;

    if (!u->inside && u->in[u->at] != 0x1f) {
        return fail_packed(u, "something else stands behind its end", err);
    }
    u->gzip.next_in = u->in + u->at;
    u->gzip.avail_in = (unsigned)(u->have - u->at);
    u->gzip.next_out = out;
    u->gzip.avail_out = (unsigned)len;
    u->inside = true;
    z = inflate(&u->gzip, Z_NO_FLUSH);
    u->at = u->have - u->gzip.avail_in;
    *ret = len - u->gzip.avail_out;
    if (z == Z_STREAM_END) {
        u->inside = false;
        return inflateReset(&u->gzip) == Z_OK ? 0 : corrie_fail_memory(err);
    }
    if (z == Z_MEM_ERROR) {
        return corrie_fail_memory(err);
    }
    return z == Z_OK || z == Z_BUF_ERROR
               ? 0
               : fail_packed(u, u->gzip.msg ? u->gzip.msg : "cannot be read", err);
}

static int step_zstd(struct unpack *u, unsigned char *out, size_t len, size_t *ret,
                     corrie_error *err)
{
    ZSTD_inBuffer in = {u->in, u->have, u->at};
    ZSTD_outBuffer to = {out, len, 0};
    size_t z = ZSTD_decompressStream(u->zstd, &to, &in);

    if (ZSTD_isError(z)) {
        return fail_packed(u, ZSTD_getErrorName(z), err);
    }
    u->at = in.pos;
    u->inside = z != 0;
    *ret = to.pos;
    return 0;
}

/* The next bytes; *ret 0 at the end. */
static int unpack_read(struct unpack *u, unsigned char *out, size_t len, size_t *ret,
                       corrie_error *err)
{
    *ret = 0;
    while (*ret == 0) {
        int r = fill(u, err);

        if (r < 0) {
            return r;
        }
        if (u->end) {
            return u->inside ? fail_packed(u, NULL, err) : 0;
        }
        if (u->packing == PLAIN) {
            *ret = u->have < len ? u->have : len;
            memcpy(out, u->in, *ret);
            u->at = u->have;
            return 0;
        }
        r = u->packing == GZIP ? step_gzip(u, out, len, ret, err)
                               : step_zstd(u, out, len, ret, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

int unpack_each(const char *path, const struct cancel *cancel,
                int (*each)(void *arg, struct str bytes, corrie_error *err), void *arg,
                corrie_error *err)
{
    _cleanup_(unpack_free) struct unpack *u = NULL;
    unsigned char out[CHUNK];
    size_t len = 1;
    int r = unpack_open(path, &u, err);

    while (r == 0 && len > 0) {
        r = cancel_check(cancel, err);
        if (r >= 0) {
            r = unpack_read(u, out, sizeof out, &len, err);
        }
        if (r >= 0 && len > 0) {
            r = each(arg, str_make((const char *)out, len), err);
        }
    }
    return r < 0 ? r : 0;
}

int unpack_check(const char *path, const struct cancel *cancel, corrie_error *err)
{
    _cleanup_(unpack_free) struct unpack *u = NULL;
    unsigned char out[CHUNK];
    size_t len = 1;
    int r = unpack_open(path, &u, err);

    while (r >= 0 && len > 0 && u->packing != PLAIN) {
        r = cancel_check(cancel, err);
        if (r >= 0) {
            r = unpack_read(u, out, sizeof out, &len, err);
        }
    }
    return r;
}

int unpack_head(const char *path, void *bytes, size_t max, size_t *ret_len, struct str *ret_packing,
                corrie_error *err)
{
    _cleanup_(unpack_free) struct unpack *u = NULL;
    unsigned char out[CHUNK];
    size_t len = 0;
    int r = unpack_open(path, &u, err);

    if (r >= 0) {
        r = unpack_read(u, out, sizeof out, &len, err);
    }
    if (r < 0) {
        return r;
    }
    *ret_len = len < max ? len : max;
    memcpy(bytes, out, *ret_len);
    *ret_packing = u->packing == GZIP ? STR("gzip") : u->packing == ZSTD ? STR("zstd") : STR_EMPTY;
    return 0;
}

/* ---- copies ---- */

struct recode {
    iconv_t state;
    char held[16]; /* bytes of a character that ended with the block */
    size_t n_held;
    uint64_t at; /* bytes of the source that were recoded */
};

static void recode_done(struct recode *recode)
{
    if (recode->state != (iconv_t)-1) {
        (void)iconv_close(recode->state);
    }
}

static int fail_recode(const struct recode *recode, const char *path, const char *encoding,
                       const char *what, corrie_error *err)
{
    corrie_fail(err, CORRIE_E_DATA, "%s: byte %llu %s %s", path, (unsigned long long)recode->at + 1,
                what, encoding);
    return corrie_hint(err, "--encoding says which one the file has");
}

/* Recodes a block and writes it; what ends inside a character is kept for the next one. */
static int recode_block(struct recode *recode, const char *path, const char *encoding,
                        struct str in, int fd, const char *to, corrie_error *err)
{
    char joined[CHUNK + sizeof recode->held];
    char out[CHUNK];
    char *from = joined;
    size_t left = recode->n_held + in.len;

    memcpy(joined, recode->held, recode->n_held);
    memcpy(joined + recode->n_held, in.data, in.len);
    recode->n_held = 0;
    while (left > 0) {
        char *end = out;
        size_t room = sizeof out;
        char *before = from;
        size_t z = iconv(recode->state, &from, &left, &end, &room);
        int problem = errno;
        int r;

        recode->at += (uint64_t)(from - before);
        r = os_write(fd, to, str_make(out, (size_t)(end - out)), err);
        if (r < 0) {
            return r;
        }
        if (z != (size_t)-1 || problem == E2BIG) {
            continue;
        }
        if (problem != EINVAL || left > sizeof recode->held) {
            return fail_recode(recode, path, encoding, "is not", err);
        }
        memcpy(recode->held, from, left);
        recode->n_held = left;
        break;
    }
    return 0;
}

int unpack_copy(const char *path, const char *encoding, const char *to, const struct cancel *cancel,
                corrie_error *err)
{
    _cleanup_(unpack_free) struct unpack *u = NULL;
    _cleanup_(recode_done) struct recode recode = {.state = (iconv_t)-1};
    _close_ int fd = -1;
    unsigned char block[CHUNK];
    size_t len = 1;
    int r = unpack_open(path, &u, err);

    if (r >= 0) {
        r = os_open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600, &fd, err);
    }
    if (r >= 0 && encoding) {
        recode.state = iconv_open("UTF-8", encoding);
        if (recode.state == (iconv_t)-1) {
            corrie_fail(err, CORRIE_E_USAGE, "the encoding %s is not known here", encoding);
            r = corrie_hint(err, "for example utf-16, latin-1, windows-1252; `iconv -l` lists all");
        }
    }
    while (r >= 0 && len > 0) {
        r = cancel_check(cancel, err);
        if (r >= 0) {
            r = unpack_read(u, block, sizeof block, &len, err);
        }
        if (r >= 0 && len > 0) {
            struct str bytes = str_make((const char *)block, len);

            r = encoding ? recode_block(&recode, path, encoding, bytes, fd, to, err)
                         : os_write(fd, to, bytes, err);
        }
    }
    if (r >= 0 && recode.n_held > 0) {
        r = fail_recode(&recode, path, encoding, "begins a character that the file ends in, in",
                        err);
    }
    return r < 0 ? r : 0;
}

/* ---- lines ---- */

int64_t unpack_line_of_record(const char *path, char quote, bool blanks, int64_t record, size_t max,
                              struct buf *out)
{
    _cleanup_(unpack_free) struct unpack *u = NULL;
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    unsigned char bytes[CHUNK];
    int64_t line = 1;
    int64_t at = 1;
    bool quoted = false;
    bool blank = true;     /* the line so far */
    bool carriage = false; /* the byte before was one: its line feed ends no second line */
    size_t len = 1;

    if ((quote == '\0' && blanks && !out) || unpack_open(path, &u, &err) < 0) {
        return record;
    }
    while (unpack_read(u, bytes, sizeof bytes, &len, &err) >= 0 && len > 0) {
        for (size_t i = 0; i < len; i++) {
            bool line_end = bytes[i] == '\r' || bytes[i] == '\n';
            bool second = carriage && bytes[i] == '\n';

            if (at == record && !second &&
                (out ? line_end && (blanks || !blank) : blanks || !line_end)) {
                return line;
            }
            carriage = bytes[i] == '\r';
            if (second) {
                continue;
            }
            if (line_end) {
                line++;
                at += !quoted && (blanks || !blank);
                blank = true;
                continue;
            }
            quoted ^= quote != '\0' && bytes[i] == (unsigned char)quote;
            blank = false;
            if (at == record && out && out->len < max) {
                buf_add_char(out, (char)bytes[i]);
            }
        }
    }
    return at == record ? line : record;
}

int64_t unpack_record(const char *path, int64_t record, size_t max, struct buf *out)
{
    _cleanup_(unpack_free) struct unpack *u = NULL;
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    unsigned char bytes[CHUNK];
    int64_t line = 1;
    int64_t at = 0; /* records that have begun */
    bool blank = true;
    size_t len = 1;

    if (unpack_open(path, &u, &err) < 0) {
        return 0;
    }
    while (unpack_read(u, bytes, sizeof bytes, &len, &err) >= 0 && len > 0) {
        for (size_t i = 0; i < len; i++) {
            if (bytes[i] == '\n') {
                if (at == record && !blank) {
                    return line;
                }
                line++;
                blank = true;
                continue;
            }
            if (blank && !memchr(" \t\r", bytes[i], 3)) {
                blank = false;
                at++;
            }
            if (at == record && !blank && out->len < max && bytes[i] != '\r') {
                buf_add_char(out, (char)bytes[i]);
            }
        }
    }
    return at == record && !blank ? line : 0;
}
