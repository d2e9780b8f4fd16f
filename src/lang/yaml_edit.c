/* yaml_edit.c — values of YAML by name, and changing one in the text. */
#include "lang/yaml_edit.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/vec.h"

static int fail_at(const struct yaml_values *r, const struct yaml_node *node, corrie_error *err)
{
    return corrie_error_at_offset(err, r->file, r->source, node->offset, node->length);
}

/* ---- reading ---- */

const struct yaml_value *yaml_values_find(const struct yaml_values *r, struct str name)
{
    for (size_t i = 0; i < r->count; i++) {
        if (str_eq(r->items[i].name, name)) {
            return &r->items[i];
        }
    }
    return NULL;
}

/* Where the last byte of a node is followed, brackets not counted. */
static size_t end_of(struct str source, const struct yaml_node *node)
{
    /* a text of nothing at the end of the file is marked one byte wide, too */
    size_t end = node->offset + (node->kind == YAML_TEXT ? node->length : 0);

    for (const struct yaml_node *child = node->first; child; child = child->next) {
        size_t below = end_of(source, child);
        end = below > end ? below : end;
    }
    return end < source.len ? end : source.len;
}

static int add_value(struct yaml_values *r, struct str name, const struct yaml_node *node,
                     corrie_error *err)
{
    struct yaml_value item = {.name = name, .text = node->text, .node = node};
    const struct yaml_value *other = yaml_values_find(r, name);

    if (other) {
        corrie_fail(err, CORRIE_E_PROJECT, "\"%.*s\" is given twice", STR_FMT(name));
        corrie_hint(err, "the first is in line %ld", other->node->key->line);
        return fail_at(r, node->key, err);
    }
    if (node->kind == YAML_LIST) {
        struct str text =
            str_slice(r->source, node->offset, end_of(r->source, node) - node->offset);
        ptrdiff_t close = str_find(str_from(r->source, node->offset + text.len), ']');

        if (node->offset < r->source.len && r->source.data[node->offset] == '[' && close >= 0) {
            text.len += (size_t)close + 1;
        }
        item.text = text;
    }
    return vec_push(r, item) < 0 ? corrie_fail_memory(err) : 0;
}

static int add_map(struct yaml_values *r, struct str prefix, const struct yaml_node *map,
                   corrie_error *err)
{
    int result = 0;

    for (const struct yaml_node *node = map->first; node && result >= 0; node = node->next) {
        char *name = prefix.len ? arena_printf(r->arena, "%.*s.%.*s", STR_FMT(prefix),
                                               STR_FMT(node->key->text))
                                : arena_text(r->arena, node->key->text);

        if (!name) {
            return corrie_fail_memory(err);
        }
        if (node->kind == YAML_MAP) {
            result = add_map(r, str_of(name), node, err);
        } else if (node->kind != YAML_NULL) {
            result = add_value(r, str_of(name), node, err);
        }
    }
    return result;
}

int yaml_values_read(struct yaml_values *ret, const char *what, const char *file, struct str source,
                     struct arena *arena, corrie_error *err)
{
    struct yaml_node *root = NULL;
    int r = yaml_parse(file, source, arena, &root, err);

    *ret = (struct yaml_values){.file = file, .source = source, .arena = arena};
    if (r < 0) {
        return r;
    }
    if (root && root->kind == YAML_NULL) {
        root = NULL; /* nothing but comments */
    }
    ret->root = root;
    if (root && root->kind != YAML_MAP) {
        corrie_fail(err, CORRIE_E_PROJECT, "%s holds names and values", what);
        corrie_hint(err, "write `name: value`, one a line");
        return fail_at(ret, root, err);
    }
    return root ? add_map(ret, STR_EMPTY, root, err) : 0;
}

static bool is_below(struct str name, struct str level)
{
    return name.len > level.len && str_starts(name, level) && name.data[level.len] == '.';
}

bool yaml_values_has_level(const struct yaml_values *values, struct str name)
{
    for (size_t i = 0; i < values->count; i++) {
        if (is_below(values->items[i].name, name)) {
            return true;
        }
    }
    return false;
}

void yaml_values_done(struct yaml_values *values)
{
    vec_done(values);
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* ---- changing the text ----
 *
 * Each way of doing it may be wrong for an unusual layout; the new text is read again and taken only if it says what was
 * wanted. */

struct edit {
    const struct yaml_values *values;
    struct str name;
    const struct str *value; /* NULL: it shall go */
    bool quoted;
};

static void add_quoted(struct buf *out, struct str value)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.data[i];

        if (c == '"' || c == '\\') {
            buf_addf(out, "\\%c", c);
        } else if (c < 0x20 || c == 0x7f) {
            buf_addf(out, "\\x%02x", c);
        } else {
            buf_add_char(out, (char)c);
        }
    }
    buf_add_char(out, '"');
}

/* A text that reads as the value: plain if it is made of harmless characters alone. */
static void add_scalar(struct buf *out, const struct edit *edit)
{
    struct str value = *edit->value;
    bool plain = !edit->quoted && value.len > 0 && (is_word(value.data[0]) || value.data[0] == '/');

    for (size_t i = 0; plain && i < value.len; i++) {
        plain = is_word(value.data[i]) || strchr("./@+", value.data[i]) != NULL ||
                (value.data[i] == ':' && i + 1 < value.len && value.data[i + 1] != ' ') ||
                (value.data[i] == ' ' && i + 1 < value.len && is_word(value.data[i + 1]));
    }
    if (plain && value.data[0] != '-' && !str_eq_nocase(value, STR("null"))) {
        buf_add_str(out, value);
    } else {
        add_quoted(out, value);
    }
}

static void add_part(struct buf *out, struct str source, size_t from, size_t to)
{
    buf_add_str(out, str_slice(source, from, to - from));
}

static size_t line_start(struct str source, size_t at)
{
    while (at > 0 && source.data[at - 1] != '\n') {
        at--;
    }
    return at;
}

/* After the newline of the line that `at` is in. */
static size_t line_end(struct str source, size_t at)
{
    while (at < source.len && source.data[at] != '\n') {
        at++;
    }
    return at < source.len ? at + 1 : at;
}

static void add_indent(struct buf *out, long column)
{
    for (long i = 1; i < column; i++) {
        buf_add_char(out, ' ');
    }
}

/* Puts a line into the text at `at`, the beginning of a line or the end of the text. */
static void open_line(const struct yaml_values *r, size_t at, long column, struct buf *out)
{
    add_part(out, r->source, 0, at);
    if (at > 0 && r->source.data[at - 1] != '\n') {
        buf_add_char(out, '\n');
    }
    add_indent(out, column);
}

/* name: value, in the place of the old value. */
static void replace_value(const struct edit *edit, struct buf *out)
{
    const struct yaml_values *r = edit->values;
    const struct yaml_value *item = yaml_values_find(r, edit->name);
    size_t from, to;

    if (!item || item->node->kind != YAML_TEXT) {
        return;
    }
    from = item->node->offset;
    to = from + item->node->length;
    /* places of texts in quotes are those of what is between */
    if (from > 0 && to < r->source.len && strchr("'\"", r->source.data[to]) &&
        r->source.data[from - 1] == r->source.data[to]) {
        from--;
        to++;
    }
    add_part(out, r->source, 0, from);
    add_scalar(out, edit);
    add_part(out, r->source, to, r->source.len);
}

/* The node of a name, or the innermost level (a map, or a key without a value) of its first parts; *rest is what is left of
 * the name. */
static const struct yaml_node *deepest(const struct yaml_node *map, struct str name,
                                       struct str *ret_rest)
{
    for (const struct yaml_node *node = map->first; node; node = node->next) {
        struct str key = node->key->text;

        if (str_eq(key, name)) {
            *ret_rest = STR_EMPTY;
            return node;
        }
        if ((node->kind == YAML_MAP || node->kind == YAML_NULL) && is_below(name, key)) {
            return deepest(node, str_from(name, key.len + 1), ret_rest);
        }
    }
    *ret_rest = name;
    return map;
}

/* name:  →  name: value, what stood for nothing goes. */
static void fill_null(const struct edit *edit, const struct yaml_node *node, struct buf *out)
{
    const struct yaml_values *r = edit->values;
    size_t colon = node->key->offset + node->key->length;
    size_t rest;

    while (colon < r->source.len && r->source.data[colon] != ':') {
        colon++;
    }
    rest = colon + 1;
    while (rest < r->source.len && strchr(" ~nulNUL", r->source.data[rest]) &&
           r->source.data[rest] != '\0') {
        rest++;
    }
    if (rest > colon + 1 && rest < r->source.len && r->source.data[rest] == '#') {
        rest--; /* a comment needs its space */
    }
    add_part(out, r->source, 0, colon < r->source.len ? colon + 1 : colon);
    buf_add_char(out, ' ');
    add_scalar(out, edit);
    add_part(out, r->source, rest, r->source.len);
}

/* Lines for a name from `column` on: a level for each part of it but the last. */
static void add_lines(const struct edit *edit, struct str name, long column, struct buf *out)
{
    struct str part;

    while (str_cut(name, '.', &part, &name)) {
        buf_addf(out, "%.*s:\n", STR_FMT(part));
        column += 2;
        add_indent(out, column);
    }
    buf_addf(out, "%.*s: ", STR_FMT(part));
    add_scalar(out, edit);
    buf_add_char(out, '\n');
}

/* {…} → {…, name: value}, a further pair of braces for each part of the name but the last. */
static void add_to_braces(const struct edit *edit, const struct yaml_node *map, struct str name,
                          struct buf *out)
{
    struct str source = edit->values->source;
    size_t end = map->first ? end_of(source, map) : map->offset + 1;
    ptrdiff_t close = str_find(str_from(source, end), '}');
    size_t levels = 0;
    struct str part;

    if (close < 0) {
        return;
    }
    end += (size_t)close;
    while (map->first && end > 0 && source.data[end - 1] == ' ') {
        end--;
    }
    add_part(out, source, 0, end);
    buf_add_text(out, map->first ? ", " : "");
    for (; str_cut(name, '.', &part, &name); levels++) {
        buf_addf(out, "%.*s: {", STR_FMT(part));
    }
    buf_addf(out, "%.*s: ", STR_FMT(part));
    add_scalar(out, edit);
    while (levels-- > 0) {
        buf_add_char(out, '}');
    }
    add_part(out, source, end, source.len);
}

/* Into the level that the first parts of the name lead to, as its last line. */
static void add_to_level(const struct edit *edit, struct buf *out)
{
    const struct yaml_values *r = edit->values;
    const struct yaml_node *node;
    struct str rest;
    long column;
    size_t at;

    if (!r->root) {
        return;
    }
    node = deepest(r->root, edit->name, &rest);
    if (rest.len == 0) {
        if (node->kind == YAML_NULL) {
            fill_null(edit, node, out);
        }
        return;
    }
    if (node->offset < r->source.len && r->source.data[node->offset] == '{') {
        add_to_braces(edit, node, rest, out);
        return;
    }
    if (node == r->root) {
        return;
    }
    at = node->first ? end_of(r->source, node) : node->key->offset;
    /* a block of text ends with its newline */
    at = at > 0 && r->source.data[at - 1] == '\n' ? at : line_end(r->source, at);
    column = node->first ? node->first->key->column : node->key->column + 2;
    open_line(r, at, column, out);
    add_lines(edit, rest, column, out);
    add_part(out, r->source, at, r->source.len);
}

static long root_column(const struct yaml_values *r)
{
    return r->root && r->root->first ? r->root->first->key->column : 1;
}

/* At the end of the file. */
static void append_lines(const struct edit *edit, struct buf *out)
{
    const struct yaml_values *r = edit->values;

    open_line(r, r->source.len, root_column(r), out);
    add_lines(edit, edit->name, root_column(r), out);
}

/* The same with the dots in the key. */
static void append_flat(const struct edit *edit, struct buf *out)
{
    const struct yaml_values *r = edit->values;

    open_line(r, r->source.len, root_column(r), out);
    buf_addf(out, "%.*s: ", STR_FMT(edit->name));
    add_scalar(out, edit);
    buf_add_char(out, '\n');
}

/* Whether `node` is all that is below `map`, at any depth. */
static bool is_all_of(const struct yaml_node *map, const struct yaml_node *node)
{
    return map->first && !map->first->next &&
           (map->first == node || (map->first->kind == YAML_MAP && is_all_of(map->first, node)));
}

static const struct yaml_node *outermost(const struct yaml_node *map, const struct yaml_node *node)
{
    for (const struct yaml_node *child = map->first; child; child = child->next) {
        const struct yaml_node *below;

        if (child == node || (child->kind == YAML_MAP && is_all_of(child, node))) {
            return child;
        }
        below = child->kind == YAML_MAP ? outermost(child, node) : NULL;
        if (below) {
            return below;
        }
    }
    return NULL;
}

/* Takes the lines of a name, and of what is below it, away, and those of a level that then holds nothing. */
static void remove_lines(const struct edit *edit, struct buf *out)
{
    const struct yaml_values *r = edit->values;
    const struct yaml_value *item = yaml_values_find(r, edit->name);
    const struct yaml_node *node = item ? item->node : NULL;
    struct str rest;
    size_t end;

    if (!node && r->root) {
        node = deepest(r->root, edit->name, &rest);
        node = rest.len == 0 ? node : NULL;
    }
    node = node ? outermost(r->root, node) : NULL;
    if (!node) {
        return;
    }
    end = end_of(r->source, node);
    end = end > 0 && r->source.data[end - 1] == '\n' ? end : line_end(r->source, end);
    add_part(out, r->source, 0, line_start(r->source, node->key->offset));
    add_part(out, r->source, end, r->source.len);
}

/* ---- whether it is what was wanted ---- */

static bool is_list(const struct yaml_value *value)
{
    return value->node->kind == YAML_LIST;
}

/* Whether the new text says what the old one did, and of the name what was wanted. */
static int says(const struct edit *edit, struct str text)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(yaml_values_done) struct yaml_values now = {0};
    const struct yaml_values *old = edit->values;
    const struct yaml_value *item;
    size_t same = 0;
    int r = yaml_values_read(&now, "it", old->file, text, old->arena, &err);

    if (r < 0) {
        return r == CORRIE_E_NO_MEMORY ? r : 0;
    }
    item = yaml_values_find(&now, edit->name);
    if (edit->value ? !item || is_list(item) || !str_eq(item->text, *edit->value) : item != NULL) {
        return 0;
    }
    for (size_t i = 0; i < old->count; i++) {
        const struct yaml_value *was = &old->items[i];
        const struct yaml_value *is = yaml_values_find(&now, was->name);

        if (str_eq(was->name, edit->name) || (!edit->value && is_below(was->name, edit->name))) {
            continue;
        }
        if (!is || is_list(is) != is_list(was) || !str_eq(is->text, was->text)) {
            return 0;
        }
        same++;
    }
    return now.count == same + (edit->value ? 1 : 0);
}

typedef void (*way_fn)(const struct edit *edit, struct buf *out);

static int try_ways(const struct edit *edit, const way_fn *ways, size_t n_ways, struct buf *out,
                    corrie_error *err)
{
    for (size_t i = 0; i < n_ways; i++) {
        _cleanup_(buf_done) struct buf text = {0};
        int r;

        ways[i](edit, &text);
        r = buf_check(&text, err);
        if (r < 0) {
            return r;
        }
        r = says(edit, buf_str(&text));
        if (r < 0) {
            return corrie_fail_memory(err);
        }
        if (r > 0) {
            buf_add_str(out, buf_str(&text));
            return buf_check(out, err);
        }
    }
    corrie_fail(err, CORRIE_E_UNSUPPORTED,
                "%s is written in a way that cannot be changed by a program", edit->values->file);
    return corrie_hint(err, "edit it by hand: one `name: value` a line");
}

int yaml_edit(const struct yaml_values *values, struct str name, const struct str *value,
              bool quoted, struct buf *out, corrie_error *err)
{
    static const way_fn to_set[] = {replace_value, add_to_level, append_lines, append_flat};
    static const way_fn to_remove[] = {remove_lines};
    struct edit edit = {.values = values, .name = name, .value = value, .quoted = quoted};

    return value ? try_ways(&edit, to_set, ARRAY_LEN(to_set), out, err)
                 : try_ways(&edit, to_remove, ARRAY_LEN(to_remove), out, err);
}
