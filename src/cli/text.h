/* text.h — text on a screen: how wide it is, where to cut it, what must not reach a terminal as it is.
 *
 * Names, messages and cells come from files and functions of others. Whatever is printed for people goes
 * through text_escape: a control sequence in a table cell or a log line must not move the cursor, change
 * colours or hide text. */
#ifndef CORRIE_CLI_TEXT_H
#define CORRIE_CLI_TEXT_H

#include "base/text.h"

/* Columns that the text takes on a terminal. Control characters count as none: escape first. */
size_t text_width(struct str text);
/* The longest beginning of at most `width` columns. Never splits a code point. */
struct str text_fit(struct str text, size_t width);
/* Appends the text with control characters, line separators and marks that reverse the direction of
 * writing as escapes (\n, \t, \x1b, \u202e) and bytes that are no UTF-8 as U+FFFD. */
void text_escape(struct buf *out, struct str text);
/* The same, but newlines stay and tabs become spaces: tracebacks, several lines of a hint. */
void text_escape_lines(struct buf *out, struct str text);

#endif
