/* ignore.h — .gitignore files: which paths they leave out.
 *
 * A line is a pattern: '*' and '?' stand for parts of one name, "**" for any folders; '/' at the end means folders only,
 * '/' elsewhere that the pattern begins at the file's own folder, '!' at the front that the path is not left out after
 * all, '#' a comment. The last pattern that matches decides. */
#ifndef CORRIE_LANG_IGNORE_H
#define CORRIE_LANG_IGNORE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

struct ignore; /* what one file says */

enum ignore_verdict { IGNORE_SAYS_NOTHING, IGNORE_OUT, IGNORE_IN };

/* Every text is a .gitignore file. In `arena`, which holds copies. */
int ignore_parse(struct str text, struct arena *arena, struct ignore **ret, corrie_error *err)
    CORRIE_MUST_USE;
/* `path` is relative to the folder of the file, '/' between parts. That a folder is left out is asked by who goes into
 * it: what lies in it is out too, whatever is said of that. */
enum ignore_verdict ignore_look(const struct ignore *ignore, struct str path, bool is_folder);

/* Whether `path` has the form of `pattern`: '*', '?' and [a-z] within a name, "**" for any number of folders. */
bool path_matches(struct str pattern, struct str path);

#endif
