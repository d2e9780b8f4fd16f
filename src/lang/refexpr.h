/* refexpr.h — how users name a commit (catalog.md §2): a ref, then where to go from it.
 *
 *     main                       the ref
 *     main@<hash>                that commit; the name is kept for messages
 *     @<hash>                    that commit
 *     main*2026-11-20T10:00:00Z  what main showed then
 *     …~3                        third first-parent ancestor;  ~ = ~1, ~0 = itself
 *     …^2                        second parent;                ^ = ^1
 *
 * A hash is 8–64 hex digits, lower case after parsing is not forced: compare without case. ~ and ^
 * may follow any of the first four, in any number up to REF_STEPS_MAX. */
#ifndef CORRIE_LANG_REFEXPR_H
#define CORRIE_LANG_REFEXPR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#define REF_STEPS_MAX 16
#define REF_HASH_MIN 8

enum ref_step_kind {
    REF_ANCESTOR, /* ~n: n first parents */
    REF_PARENT    /* ^n: the n-th parent, n ≥ 1 */
};

struct ref_step {
    enum ref_step_kind kind;
    uint32_t n;
};

struct ref_expr {
    struct str name; /* empty in "@hash" */
    struct str hash; /* hex prefix as typed; empty = none */
    bool has_time;
    int64_t time_ns; /* UTC; of a time in whole seconds the last of its second */
    struct ref_step steps[REF_STEPS_MAX];
    size_t n_steps;
};

/* Borrowed from `text`. CORRIE_E_USAGE with the position in `text` (line 1, column) and a hint. */
int ref_expr_parse(struct str text, struct ref_expr *ret, corrie_error *err) CORRIE_MUST_USE;

/* Whether `name` may name a branch or tag: ASCII letters, digits, `. _ - /`, no "..", no separator
 * (any of those four) at either end, 1–255 bytes. CORRIE_E_USAGE saying which rule and where. Does
 * not refuse tx/. */
int ref_name_check(struct str name, corrie_error *err) CORRIE_MUST_USE;
/* Whether it is `tx` or starts with `tx/`: only corrie makes such refs. */
bool ref_name_reserved(struct str name);

#endif
