/* str.h — a borrowed stretch of text: pointer and length, not NUL-terminated, UTF-8 where it is text.
 * Valid as long as whoever owns the bytes says so. */
#ifndef CORRIE_BASE_STR_H
#define CORRIE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *data;
    size_t len;
};

/* A literal: STR("main"). */
#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
/* For printf: printf("%.*s", STR_FMT(name)). */
#define STR_FMT(s) (int)(s).len, (s).data ? (s).data : ""
#define STR_EMPTY ((struct str){"", 0})

static inline struct str str_of(const char *text)
{
    return (struct str){text ? text : "", text ? strlen(text) : 0};
}

static inline struct str str_make(const char *data, size_t len)
{
    return (struct str){data, len};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Order by bytes, the shorter of two equal beginnings first: < 0, 0, > 0. */
int str_cmp(struct str a, struct str b);
/* As str_eq for ASCII letters of either case. */
bool str_eq_nocase(struct str a, struct str b);
/* Whether `word` stands anywhere in `s`, maybe inside of something else; case of ASCII letters makes no difference. */
bool str_has_nocase(struct str s, struct str word);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* Index of the first / last `c`, or -1. */
ptrdiff_t str_find(struct str s, char c);
ptrdiff_t str_rfind(struct str s, char c);
/* Index of the first `needle`, or -1. */
ptrdiff_t str_find_str(struct str s, struct str needle);
/* `s` from byte `from` on (clamped); `len` bytes of it (clamped). */
struct str str_from(struct str s, size_t from);
struct str str_slice(struct str s, size_t from, size_t len);
/* Without leading and trailing ASCII white space. */
struct str str_trim(struct str s);
/* Splits at the first `c`: *head gets what stands before it, *tail what stands after. False, with head =
 * s and tail empty, when there is none. */
bool str_cut(struct str s, char c, struct str *ret_head, struct str *ret_tail);
/* Whether the bytes are well-formed UTF-8 (no surrogates, no overlong forms); if not, *ret_bad is the
 * offset of the first bad byte (may be NULL). */
bool str_is_utf8(struct str s, size_t *ret_bad);
/* A decimal integer, whole string, optional sign. False if it is none or does not fit. */
bool str_to_int64(struct str s, int64_t *ret);
bool str_to_uint64(struct str s, uint64_t *ret);
/* A finite decimal number, whole string, '.' as point whatever the locale. */
bool str_to_double(struct str s, double *ret);
/* A size with an optional unit K, M, G, T (powers of 1024; B or iB may follow): "512M", "1.5G", "4096". */
bool str_to_size(struct str s, uint64_t *ret);
/* A length of time with its unit s, m, h, d or w ("90m", "24h", "7d"), or "0"; in seconds. A number alone is none: nobody can
 * tell what it counts. */
bool str_to_duration(struct str s, int64_t *ret);
/* NUL-terminated heap copy, or NULL when memory ran out. */
char *str_dup(struct str s) __attribute__((warn_unused_result));

/* The up to `max` names of `names` nearest to `name` by edit distance (insert, delete, replace, swap,
 * case counts half), nearest first, none farther than a third of the longer name. Writes indexes to
 * `ret`, returns how many. For "did you mean". Cost: n × len². */
size_t str_nearest(struct str name, const struct str *names, size_t n_names, size_t *ret,
                   size_t max);

#endif
