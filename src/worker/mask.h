/* mask.h — secrets in what a function says. Private to the room.
 *
 * The values of a call's parameters that are secrets, line by line, are replaced by *** in lines of output and in errors.
 * Values shorter than MASK_MIN bytes are left alone: they would be found in every other word. A function that wants to
 * give a secret away can (spell it backwards, put it in its table): this is against accidents. */
#ifndef CORRIE_WORKER_MASK_H
#define CORRIE_WORKER_MASK_H

#include "base/buf.h"
#include "worker/worker.h"

#define MASK_MIN 4

struct mask {
    struct str *secrets; /* longest first; borrowed texts */
    size_t n;
    size_t longest;
};
void mask_done(struct mask *mask);
/* The secrets among the call's parameters, which must outlive it. */
int mask_init(struct mask *mask, const struct worker_spec *spec, corrie_error *err) CORRIE_MUST_USE;
/* Appends `text` without secrets. */
void mask_add(const struct mask *mask, struct buf *out, struct str text);
/* Whether there is one in it. */
bool mask_finds(const struct mask *mask, struct str text);
/* Replaces `*text` (heap, may be NULL). One that finds no memory becomes NULL: rather nothing than the secret. */
void mask_replace(const struct mask *mask, char **text);
void mask_error(const struct mask *mask, corrie_error *err);

#endif
