/* text.h — text as JSON and CSV have it, code point by code point. */
#ifndef CORRIE_BASE_TEXT_H
#define CORRIE_BASE_TEXT_H

#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* The code point at the start of `text` (which is not empty) and its length in bytes; a byte that is no
 * UTF-8 counts as U+FFFD of length 1. */
size_t text_decode(struct str text, uint32_t *ret);
/* Appends a JSON string with its quotes; bytes that are no UTF-8 become U+FFFD. */
void text_json(struct buf *out, struct str text);
/* Appends a CSV field (RFC 4180): quoted where it has to be, and the empty text as "" so that it differs
 * from null, which is nothing. */
void text_csv(struct buf *out, struct str text);

#endif
