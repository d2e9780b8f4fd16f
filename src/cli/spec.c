/* spec.c — looking things up in the table of verbs. */
#include "cli/spec.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

const char *verb_path(const struct verb *verb, char scratch[64])
{
    snprintf(scratch, 64, "%s%s%s", verb->group ? verb->group : "", verb->group ? " " : "",
             verb->name);
    return scratch;
}

bool verb_is_called(const struct verb *verb, const char *word)
{
    struct str aliases = str_of(verb->aliases);
    struct str alias;

    if (strcmp(verb->name, word) == 0) {
        return true;
    }
    while (aliases.len > 0) {
        str_cut(aliases, ' ', &alias, &aliases);
        if (str_eq(alias, str_of(word))) {
            return true;
        }
    }
    return false;
}

const struct verb *verb_find(const char *first, const char *second)
{
    for (size_t i = 0; verb_at(i); i++) {
        const struct verb *verb = verb_at(i);

        if (!verb->group) {
            if (!second && verb_is_called(verb, first)) {
                return verb;
            }
        } else if (strcmp(verb->group, first) == 0 &&
                   (second ? verb_is_called(verb, second) : verb->is_default)) {
            return verb;
        }
    }
    return NULL;
}

bool verb_is_group(const char *word)
{
    for (size_t i = 0; verb_at(i); i++) {
        if (verb_at(i)->group && strcmp(verb_at(i)->group, word) == 0) {
            return true;
        }
    }
    return false;
}

bool flag_next_name(const char **at, char ret[48])
{
    size_t len;

    *at += strspn(*at, ", ");
    len = strcspn(*at, ", ");
    if (len == 0) {
        return false;
    }
    snprintf(ret, 48, "%.*s", (int)len, *at);
    *at += len;
    return true;
}

const char *flag_name(const struct flag *flag, char scratch[48])
{
    const char *at = flag->names;

    while (flag_next_name(&at, scratch)) {
        if (scratch[1] == '-') {
            break;
        }
    }
    return scratch;
}

bool flag_has_value(const struct flag *flag)
{
    return flag->kind != FLAG_SWITCH && flag->kind != FLAG_TOGGLE;
}
