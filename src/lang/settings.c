/* Settings files: reading them, and changing one value in the text. */
#include "lang/settings.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/vec.h"
#include "lang/yaml_priv.h"

struct found {
    struct setting setting;
    const struct yaml_node *node;
};

/* What a file holds, with its tree. */
struct reading {
    const char *file;
    struct str source;
    struct arena *arena;
    const struct yaml_node *root;
    VEC(struct found) items;
};

static void reading_done(struct reading *reading)
{
    vec_done(&reading->items);
}

static int fail_at(const struct reading *r, const struct yaml_node *node, corrie_error *err)
{
    return corrie_error_at_offset(err, r->file, r->source, node->offset, node->length);
}

/* ---- reading ---- */

static struct found *find(const struct reading *r, struct str name)
{
    for (size_t i = 0; i < r->items.count; i++) {
        if (str_eq(r->items.items[i].setting.name, name)) {
            return &r->items.items[i];
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

static int add_value(struct reading *r, struct str name, const struct yaml_node *node,
                     corrie_error *err)
{
    struct found item = {.node = node};
    const struct found *other = find(r, name);

    if (other) {
        corrie_fail(err, CORRIE_E_PROJECT, "the setting \"%.*s\" is given twice", STR_FMT(name));
        corrie_hint(err, "the first is in line %ld", other->node->key->line);
        return fail_at(r, node->key, err);
    }
    item.setting = (struct setting){.name = name,
                                    .value = node->text,
                                    .is_list = node->kind == YAML_LIST,
                                    .offset = node->offset,
                                    .length = node->length};
    if (node->kind == YAML_LIST) {
        struct str text =
            str_slice(r->source, node->offset, end_of(r->source, node) - node->offset);
        ptrdiff_t close = str_find(str_from(r->source, node->offset + text.len), ']');

        if (node->offset < r->source.len && r->source.data[node->offset] == '[' && close >= 0) {
            text.len += (size_t)close + 1;
        }
        item.setting.value = text;
    }
    return vec_push(&r->items, item) < 0 ? corrie_fail_memory(err) : 0;
}

static int add_map(struct reading *r, struct str prefix, const struct yaml_node *map,
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

static int read_text(struct reading *r, corrie_error *err)
{
    struct yaml_node *root = NULL;
    int result = yaml_parse(r->file, r->source, r->arena, &root, err);

    if (result < 0) {
        return result;
    }
    if (root && root->kind == YAML_NULL) {
        root = NULL; /* nothing but comments */
    }
    r->root = root;
    if (root && root->kind != YAML_MAP) {
        corrie_fail(err, CORRIE_E_PROJECT, "a settings file holds names and values");
        corrie_hint(err, "write `name: value`, one a line");
        return fail_at(r, root, err);
    }
    return root ? add_map(r, STR_EMPTY, root, err) : 0;
}

int settings_parse(const char *file, struct str source, struct arena *arena, struct settings *ret,
                   corrie_error *err)
{
    _cleanup_(reading_done) struct reading reading = {
        .file = file, .source = source, .arena = arena};
    struct setting *items;
    int r;

    r = read_text(&reading, err);
    if (r < 0) {
        return r;
    }
    items = arena_array(arena, struct setting, reading.items.count + 1);
    if (!items) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < reading.items.count; i++) {
        items[i] = reading.items.items[i].setting;
    }
    *ret =
        (struct settings){.file = file, .source = source, .items = items, .n = reading.items.count};
    return 0;
}

const struct setting *settings_find(const struct settings *settings, struct str name)
{
    for (size_t i = 0; i < settings->n; i++) {
        if (str_eq(settings->items[i].name, name)) {
            return &settings->items[i];
        }
    }
    return NULL;
}

int settings_error_at(const struct settings *settings, const struct setting *at, corrie_error *err)
{
    return corrie_error_at_offset(err, settings->file, settings->source, at->offset, at->length);
}

/* ---- names and values ---- */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

int settings_check(struct str name, const struct str *value, corrie_error *err)
{
    bool good = name.len > 0 && name.len <= CORRIE_MAX_SETTING_NAME;
    char before = '.';

    for (size_t i = 0; good && i < name.len; i++) {
        good = is_word(name.data[i]) || (name.data[i] == '.' && before != '.');
        before = name.data[i];
    }
    if (!good || before == '.') {
        corrie_fail(err, CORRIE_E_USAGE, "\"%.*s\" is no name of a setting", STR_FMT(name));
        return corrie_hint(
            err, "letters, digits, _ and -, with dots between: user.name; at most %d bytes",
            CORRIE_MAX_SETTING_NAME);
    }
    if (!value) {
        return 0;
    }
    if (value->len == 0 || value->len > CORRIE_MAX_SETTING) {
        corrie_fail(err, CORRIE_E_USAGE, "the value of %.*s has %zu bytes, not 1 to %d",
                    STR_FMT(name), value->len, CORRIE_MAX_SETTING);
        return value->len == 0 ? corrie_hint(err, "`config unset` removes a setting") : err->code;
    }
    good = str_is_utf8(*value, NULL);
    for (size_t i = 0; good && i < value->len; i++) {
        good = (unsigned char)value->data[i] >= 0x20 && value->data[i] != 0x7f;
    }
    return good ? 0
                : corrie_fail(err, CORRIE_E_USAGE,
                              "the value of %.*s is not UTF-8, or has control characters",
                              STR_FMT(name));
}

bool settings_is_secret(struct str name)
{
    static const char *const ends[] = {"key", "token", "secret", "password"};
    ptrdiff_t dot = str_rfind(name, '.');
    struct str last = dot < 0 ? name : str_from(name, (size_t)dot + 1);

    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        struct str end = str_of(ends[i]);

        if (last.len >= end.len && str_eq_nocase(str_from(last, last.len - end.len), end)) {
            return true;
        }
    }
    return false;
}

/* ---- changing the text ----
 *
 * Each way of doing it may be wrong for an unusual layout; the new text is read again and taken only if it says what was
 * wanted. */

/* A text that reads as `value`: plain if it is made of harmless characters alone. */
static void add_scalar(struct buf *out, struct str value)
{
    bool plain = is_word(value.data[0]) || value.data[0] == '/';

    for (size_t i = 0; plain && i < value.len; i++) {
        plain = is_word(value.data[i]) || strchr("./@+", value.data[i]) != NULL ||
                (value.data[i] == ':' && i + 1 < value.len && value.data[i + 1] != ' ') ||
                (value.data[i] == ' ' && i + 1 < value.len && is_word(value.data[i + 1]));
    }
    if (plain && value.data[0] != '-' && !str_eq_nocase(value, STR("null"))) {
        buf_add_str(out, value);
        return;
    }
    buf_add_char(out, '"');
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] == '"' || value.data[i] == '\\') {
            buf_add_char(out, '\\');
        }
        buf_add_char(out, value.data[i]);
    }
    buf_add_char(out, '"');
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
static void open_line(const struct reading *r, size_t at, long column, struct buf *out)
{
    add_part(out, r->source, 0, at);
    if (at > 0 && r->source.data[at - 1] != '\n') {
        buf_add_char(out, '\n');
    }
    add_indent(out, column);
}

/* name: value, in the place of the old value. */
static void replace_value(const struct reading *r, struct str name, const struct str *value,
                          struct buf *out)
{
    const struct found *item = find(r, name);
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
    add_scalar(out, *value);
    add_part(out, r->source, to, r->source.len);
}

/* The node of a name that has no value, or the map of its first parts; *rest is what is left of the name. */
static const struct yaml_node *deepest(const struct yaml_node *map, struct str name,
                                       struct str *ret_rest)
{
    for (const struct yaml_node *node = map->first; node; node = node->next) {
        struct str key = node->key->text;

        if (str_eq(key, name) && node->kind == YAML_NULL) {
            *ret_rest = STR_EMPTY;
            return node;
        }
        if (node->kind == YAML_MAP && node->first && name.len > key.len + 1 &&
            str_starts(name, key) && name.data[key.len] == '.') {
            return deepest(node, str_from(name, key.len + 1), ret_rest);
        }
    }
    *ret_rest = name;
    return map;
}

/* name:  →  name: value, what stood for nothing goes. */
static void fill_null(const struct reading *r, const struct yaml_node *node,
                      const struct str *value, struct buf *out)
{
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
    add_scalar(out, *value);
    add_part(out, r->source, rest, r->source.len);
}

/* As the last line of the map that the first parts of the name lead to. */
static void add_to_level(const struct reading *r, struct str name, const struct str *value,
                         struct buf *out)
{
    const struct yaml_node *node;
    struct str rest;
    size_t at;

    if (!r->root) {
        return;
    }
    node = deepest(r->root, name, &rest);
    if (rest.len == 0) {
        fill_null(r, node, value, out);
        return;
    }
    if (node == r->root || !node->first) {
        return;
    }
    at = end_of(r->source, node);
    /* a block of text ends with its newline */
    at = at > 0 && r->source.data[at - 1] == '\n' ? at : line_end(r->source, at);
    open_line(r, at, node->first->key->column, out);
    buf_addf(out, "%.*s: ", STR_FMT(rest));
    add_scalar(out, *value);
    buf_add_char(out, '\n');
    add_part(out, r->source, at, r->source.len);
}

static long root_column(const struct reading *r)
{
    return r->root && r->root->first ? r->root->first->key->column : 1;
}

/* At the end of the file, a level for each part of the name but the last. */
static void append_levels(const struct reading *r, struct str name, const struct str *value,
                          struct buf *out)
{
    ptrdiff_t dot = str_rfind(name, '.');
    long column = root_column(r);

    open_line(r, r->source.len, column, out);
    if (dot > 0) {
        buf_addf(out, "%.*s:\n", STR_FMT(str_slice(name, 0, (size_t)dot)));
        add_indent(out, column + 2);
        name = str_from(name, (size_t)dot + 1);
    }
    buf_addf(out, "%.*s: ", STR_FMT(name));
    add_scalar(out, *value);
    buf_add_char(out, '\n');
}

static void append_flat(const struct reading *r, struct str name, const struct str *value,
                        struct buf *out)
{
    open_line(r, r->source.len, root_column(r), out);
    buf_addf(out, "%.*s: ", STR_FMT(name));
    add_scalar(out, *value);
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

/* Takes the lines of a name away, and those of a level that then holds nothing. */
static void remove_lines(const struct reading *r, struct str name, const struct str *value,
                         struct buf *out)
{
    const struct found *item = find(r, name);
    const struct yaml_node *node = item ? outermost(r->root, item->node) : NULL;
    size_t end;

    (void)value;
    if (!node) {
        return;
    }
    end = end_of(r->source, node);
    end = end > 0 && r->source.data[end - 1] == '\n' ? end : line_end(r->source, end);
    add_part(out, r->source, 0, line_start(r->source, node->key->offset));
    add_part(out, r->source, end, r->source.len);
}

/* Whether the new text says what the old one did, and of `name` what was wanted. */
static int says(const struct reading *old, struct str text, struct str name,
                const struct str *value)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(reading_done) struct reading now = {
        .file = old->file, .source = text, .arena = old->arena};
    const struct found *item;
    size_t same = 0;
    int r = read_text(&now, &err);

    if (r < 0) {
        return r == CORRIE_E_NO_MEMORY ? r : 0;
    }
    item = find(&now, name);
    if (value ? !item || item->setting.is_list || !str_eq(item->setting.value, *value)
              : item != NULL) {
        return 0;
    }
    for (size_t i = 0; i < old->items.count; i++) {
        const struct setting *was = &old->items.items[i].setting;
        const struct found *is = find(&now, was->name);

        if (str_eq(was->name, name)) {
            continue;
        }
        if (!is || is->setting.is_list != was->is_list || !str_eq(is->setting.value, was->value)) {
            return 0;
        }
        same++;
    }
    return now.items.count == same + (value ? 1 : 0);
}

typedef void (*way_fn)(const struct reading *r, struct str name, const struct str *value,
                       struct buf *out);

static int try_ways(const struct reading *reading, const way_fn *ways, size_t n_ways,
                    struct str name, const struct str *value, struct buf *out, corrie_error *err)
{
    for (size_t i = 0; i < n_ways; i++) {
        _cleanup_(buf_done) struct buf text = {0};
        int r;

        ways[i](reading, name, value, &text);
        r = buf_check(&text, err);
        if (r < 0) {
            return r;
        }
        if (text.len == 0 && (value || reading->items.count > 1)) {
            continue; /* not a way for this text */
        }
        r = says(reading, buf_str(&text), name, value);
        if (r < 0) {
            return corrie_fail_memory(err);
        }
        if (r > 0) {
            buf_add_str(out, buf_str(&text));
            return buf_check(out, err);
        }
    }
    corrie_fail(err, CORRIE_E_UNSUPPORTED,
                "%s is written in a way that cannot be changed by a program", reading->file);
    return corrie_hint(err, "edit it by hand: one `name: value` a line");
}

int settings_edit(const char *file, struct str source, struct str name, const struct str *value,
                  struct buf *out, corrie_error *err)
{
    static const way_fn to_set[] = {replace_value, add_to_level, append_levels, append_flat};
    static const way_fn to_remove[] = {remove_lines};
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(reading_done) struct reading reading = {
        .file = file, .source = source, .arena = &arena};
    int r;

    r = settings_check(name, value, err);
    if (r < 0 || (r = read_text(&reading, err)) < 0) {
        return r;
    }
    if (!value && !find(&reading, name)) {
        return corrie_fail(err, CORRIE_E_NOT_FOUND, "there is no setting \"%.*s\" in %s",
                           STR_FMT(name), file);
    }
    return value ? try_ways(&reading, to_set, ARRAY_LEN(to_set), name, value, out, err)
                 : try_ways(&reading, to_remove, ARRAY_LEN(to_remove), name, value, out, err);
}
