/* buf.h — a growing byte buffer with a maximum given at birth.
 *
 * Appending never fails at the spot: the first failure (no memory, past the maximum) is remembered and
 * every later append is ignored, so that a writer appends freely and asks once, by buf_check. The bytes
 * are always followed by a NUL that `len` does not count. */
#ifndef CORRIE_BASE_BUF_H
#define CORRIE_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct buf {
    char *data; /* NULL while empty */
    size_t len;
    size_t capacity;
    size_t max; /* 0 = CORRIE_MAX_BUF */
    int failed; /* 0, or the code of the first failure */
};

/* An empty buffer that will hold at most `max` bytes. A zeroed struct is one with the default maximum. */
void buf_init(struct buf *buf, size_t max);
void buf_done(struct buf *buf);
/* Empties it, keeping its memory and forgetting a failure. */
void buf_clear(struct buf *buf);

void buf_add(struct buf *buf, const void *bytes, size_t len);
void buf_add_str(struct buf *buf, struct str text);
void buf_add_text(struct buf *buf, const char *text);
void buf_add_char(struct buf *buf, char c);
void buf_add_fill(struct buf *buf, char c, size_t count);
void buf_addf(struct buf *buf, const char *format, ...) CORRIE_PRINTF(2, 3);
void buf_addv(struct buf *buf, const char *format, va_list args) CORRIE_PRINTF(2, 0);
/* Little-endian and big-endian integers. */
void buf_add_le32(struct buf *buf, uint32_t value);
void buf_add_le64(struct buf *buf, uint64_t value);
void buf_add_be32(struct buf *buf, uint32_t value);
/* What buf_add_le32 wrote, at any address. */
static inline uint32_t read_le32(const void *bytes)
{
    const unsigned char *b = bytes;

    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}
/* Bytes for people: "312 B", "12.4 MB", "148 GB". */
void buf_add_size(struct buf *buf, int64_t bytes);
/* `text` as an SQL string literal ('it''s') or quoted identifier ("a ""b"""). */
void buf_add_sql_string(struct buf *buf, struct str text);
void buf_add_sql_name(struct buf *buf, struct str name);
/* `word` as one types it for a shell: as it is where that is safe, else in single quotes ('it'\''s'). */
void buf_add_shell_word(struct buf *buf, struct str word);
/* Makes room for `len` more bytes and returns where to write them, or NULL (failure remembered); then
 * add what was written to `len` by buf_commit. */
char *buf_reserve(struct buf *buf, size_t len);
void buf_commit(struct buf *buf, size_t len);

/* 0 if all appends went in, else an error: CORRIE_E_LIMIT or CORRIE_E_NO_MEMORY. */
int buf_check(const struct buf *buf, corrie_error *err) CORRIE_MUST_USE;
/* What it holds; valid until the next append. */
static inline struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->data ? buf->data : "", buf->len};
}
/* NUL-terminated view, "" while empty. */
static inline const char *buf_text(const struct buf *buf)
{
    return buf->data ? buf->data : "";
}
/* Hands over the bytes as a NUL-terminated heap string (mem_free); the buffer is empty afterwards.
 * NULL if an append had failed. */
char *buf_take(struct buf *buf) CORRIE_MUST_USE;

#endif
