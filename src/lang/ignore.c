#include "lang/ignore.h"

#include <fnmatch.h>

#include "base/cleanup.h"
#include "base/vec.h"

#define MAX_NAME 255 /* of a file: a longer part of a pattern matches none */

struct rule {
    struct str pattern; /* from the file's folder */
    bool in;            /* it began with '!' */
    bool folders;       /* it ended in '/' */
};

struct ignore {
    struct rule *rules;
    size_t n_rules;
};

/* ---- patterns ---- */

static bool name_matches(struct str pattern, struct str name)
{
    char p[MAX_NAME + 1], n[MAX_NAME + 1];

    if (pattern.len > MAX_NAME || name.len > MAX_NAME) {
        return false;
    }
    memcpy(p, pattern.data, pattern.len);
    memcpy(n, name.data, name.len);
    p[pattern.len] = n[name.len] = '\0';
    return fnmatch(p, n, 0) == 0;
}

/* "**" backtracks over the folders of a path, of which there are few. */
bool path_matches(struct str pattern, struct str path)
{
    struct str part, rest, name, below;
    bool more = str_cut(pattern, '/', &part, &rest);

    if (str_eq(part, STR("**"))) {
        while (more && str_eq(str_slice(rest, 0, 3), STR("**/"))) {
            rest = str_from(rest, 3); /* "**" twice is "**" */
        }
        if (!more || rest.len == 0) {
            return path.len > 0;
        }
        for (;;) {
            if (path_matches(rest, path)) {
                return true;
            }
            if (!str_cut(path, '/', &name, &below)) {
                return false;
            }
            path = below;
        }
    }
    bool deeper = str_cut(path, '/', &name, &below);
    return name_matches(part, name) && more == deeper && (!more || path_matches(rest, below));
}

/* ---- files ---- */

/* Blanks at the end do not count, unless a backslash stands before them. */
static struct str trim_end(struct str line)
{
    if (str_ends(line, STR("\r"))) {
        line.len--;
    }
    while (str_ends(line, STR(" ")) && !str_ends(line, STR("\\ "))) {
        line.len--;
    }
    return line;
}

/* 1 a rule, 0 none. */
static int parse_rule(struct str line, struct arena *arena, struct rule *ret, corrie_error *err)
{
    struct rule rule = {0};

    line = trim_end(line);
    if (line.len == 0 || line.data[0] == '#') {
        return 0;
    }
    if (line.data[0] == '!') {
        rule.in = true;
        line = str_from(line, 1);
    }
    if (str_ends(line, STR("/"))) {
        rule.folders = true;
        line.len--;
    }
    bool anchored = str_find(line, '/') >= 0;
    if (str_starts(line, STR("/"))) {
        line = str_from(line, 1);
    }
    if (line.len == 0) {
        return 0;
    }
    const char *text = arena_printf(arena, "%s%.*s", anchored ? "" : "**/", STR_FMT(line));
    if (!text) {
        return corrie_fail_memory(err);
    }
    rule.pattern = str_of(text);
    *ret = rule;
    return 1;
}

int ignore_parse(struct str text, struct arena *arena, struct ignore **ret, corrie_error *err)
{
    struct ignore *ignore = arena_new(arena, struct ignore);
    size_t n_lines = 1;

    for (size_t i = 0; i < text.len; i++) {
        n_lines += text.data[i] == '\n';
    }
    if (!ignore || !(ignore->rules = arena_array(arena, struct rule, n_lines))) {
        return corrie_fail_memory(err);
    }
    while (text.len > 0) {
        struct str line;
        (void)str_cut(text, '\n', &line, &text);
        int r = parse_rule(line, arena, &ignore->rules[ignore->n_rules], err);
        if (r < 0) {
            return r;
        }
        ignore->n_rules += (size_t)r;
    }
    *ret = ignore;
    return 0;
}

enum ignore_verdict ignore_look(const struct ignore *ignore, struct str path, bool is_folder)
{
    for (size_t i = ignore->n_rules; i > 0; i--) {
        const struct rule *rule = &ignore->rules[i - 1];
        if ((is_folder || !rule->folders) && path_matches(rule->pattern, path)) {
            return rule->in ? IGNORE_IN : IGNORE_OUT;
        }
    }
    return IGNORE_SAYS_NOTHING;
}
