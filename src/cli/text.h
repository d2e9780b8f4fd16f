/* text.h — text on a screen: how wide it is, where to cut it, what must not reach a terminal as it is.
 *
 * Names, messages and cells come from files and functions of others. Whatever is printed for people goes
 * through text_escape: a control sequence in a table cell or a log line must not move the cursor, change
 * colours or hide text. */
#ifndef CORRIE_CLI_TEXT_H
#define CORRIE_CLI_TEXT_H

#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* The code point at the start of `text` (which is not empty) and its length in bytes; a byte that is no
 * UTF-8 counts as U+FFFD of length 1. */
size_t text_decode(struct str text, uint32_t *ret);
/* Columns that the text takes on a terminal. Control characters count as none: escape first. */
size_t text_width(struct str text);
/* The longest beginning of at most `width` columns. Never splits a code point. */
struct str text_fit(struct str text, size_t width);
/* Appends the text with control characters, line separators and marks that reverse the direction of
 * writing as escapes (\n, \t, \x1b, \u202e) and bytes that are no UTF-8 as U+FFFD. */
void text_escape(struct buf *out, struct str text);
/* The same, but newlines stay and tabs become spaces: tracebacks, several lines of a hint. */
void text_escape_lines(struct buf *out, struct str text);
/* Appends a JSON string with its quotes; bytes that are no UTF-8 become U+FFFD. */
void text_json(struct buf *out, struct str text);
/* Appends a CSV field (RFC 4180): quoted where it has to be, and the empty text as "" so that it differs
 * from null, which is nothing. */
void text_csv(struct buf *out, struct str text);

#endif
