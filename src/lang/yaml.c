/* YAML by libfyaml's events. The tree is built here, so that nothing is expanded, every limit is ours and every
 * node knows its place. */
#include "lang/yaml_priv.h"

#include <libfyaml.h>

#include "base/dynlib.h"
#include "base/limits.h"

struct yaml_api {
    __typeof__(&fy_parser_create) parser_create;
    __typeof__(&fy_parser_destroy) parser_destroy;
    __typeof__(&fy_parser_set_string) parser_set_string;
    __typeof__(&fy_parser_parse) parser_parse;
    __typeof__(&fy_parser_event_free) parser_event_free;
    __typeof__(&fy_event_get_token) event_get_token;
    __typeof__(&fy_token_get_text) token_get_text;
    __typeof__(&fy_token_start_mark) token_start_mark;
    __typeof__(&fy_token_end_mark) token_end_mark;
    __typeof__(&fy_token_scalar_style) token_scalar_style;
    __typeof__(&fy_diag_create) diag_create;
    __typeof__(&fy_diag_destroy) diag_destroy;
    __typeof__(&fy_diag_set_collect_errors) diag_set_collect_errors;
    __typeof__(&fy_diag_errors_iterate) diag_errors_iterate;
};

static int load(struct yaml_api *api, corrie_error *err)
{
    static const struct dynlib_symbol symbols[] = {
        {"fy_parser_create", offsetof(struct yaml_api, parser_create)},
        {"fy_parser_destroy", offsetof(struct yaml_api, parser_destroy)},
        {"fy_parser_set_string", offsetof(struct yaml_api, parser_set_string)},
        {"fy_parser_parse", offsetof(struct yaml_api, parser_parse)},
        {"fy_parser_event_free", offsetof(struct yaml_api, parser_event_free)},
        {"fy_event_get_token", offsetof(struct yaml_api, event_get_token)},
        {"fy_token_get_text", offsetof(struct yaml_api, token_get_text)},
        {"fy_token_start_mark", offsetof(struct yaml_api, token_start_mark)},
        {"fy_token_end_mark", offsetof(struct yaml_api, token_end_mark)},
        {"fy_token_scalar_style", offsetof(struct yaml_api, token_scalar_style)},
        {"fy_diag_create", offsetof(struct yaml_api, diag_create)},
        {"fy_diag_destroy", offsetof(struct yaml_api, diag_destroy)},
        {"fy_diag_set_collect_errors", offsetof(struct yaml_api, diag_set_collect_errors)},
        {"fy_diag_errors_iterate", offsetof(struct yaml_api, diag_errors_iterate)},
    };
    static const char *const names[] = {"libfyaml.so.0", NULL};
    const struct dynlib_spec spec = {
        .title = "libfyaml",
        .env = "CORRIE_LIBFYAML",
        .names = names,
        .symbols = symbols,
        .n_symbols = ARRAY_LEN(symbols),
        .hint = "install libfyaml (Debian: libfyaml0); it reads project files",
    };
    return dynlib_load(&spec, api, err);
}

/* A list or map being filled; a map waits for a value once it has a key. */
struct level {
    struct yaml_node *node;
    struct yaml_node *key;
};

struct builder {
    struct yaml_api api;
    struct fy_diag *diag;
    struct fy_parser *parser;
    const char *file;
    struct str source;
    struct arena *arena;
    struct level levels[CORRIE_MAX_PROJECT_DEPTH];
    size_t depth;
    size_t n_documents;
    size_t n_nodes;
    size_t counted; /* bytes before here are counted in `line`, which begins at `line_start` */
    size_t line_start;
    long line;
    struct yaml_node *root;
    corrie_error *err;
};

static void builder_done(struct builder *b)
{
    if (b->parser) {
        b->api.parser_destroy(b->parser);
    }
    if (b->diag) {
        b->api.diag_destroy(b->diag);
    }
}

static int fail_at(struct builder *b, size_t offset, size_t width, const char *message,
                   const char *hint)
{
    corrie_fail(b->err, CORRIE_E_PROJECT, "%s", message);
    if (hint) {
        corrie_hint(b->err, "%s", hint);
    }
    return corrie_error_at_offset(b->err, b->file, b->source, offset, width);
}

/* ---- errors of the library ---- */

static size_t offset_of_line(struct str source, long line)
{
    size_t at = 0;
    while (line > 1) {
        ptrdiff_t newline = str_find(str_from(source, at), '\n');
        if (newline < 0) {
            break;
        }
        at += (size_t)newline + 1;
        line--;
    }
    return at;
}

/* A tab in front of the first other character of the line; its offset, or -1. */
static ptrdiff_t find_tab(struct str source, size_t at)
{
    for (; at < source.len && (source.data[at] == ' ' || source.data[at] == '\t'); at++) {
        if (source.data[at] == '\t') {
            return (ptrdiff_t)at;
        }
    }
    return -1;
}

static int fail_syntax(struct builder *b)
{
    void *iterator = NULL;
    const struct fy_diag_error *error = b->api.diag_errors_iterate(b->diag, &iterator);

    if (!error || error->line < 1) {
        return fail_at(b, b->source.len, 1, error && error->msg ? error->msg : "malformed YAML",
                       NULL);
    }
    /* A tab is noticed where it hurts, which may be the line after. */
    for (long line = error->line; line >= 1 && line >= error->line - 1; line--) {
        ptrdiff_t tab = find_tab(b->source, offset_of_line(b->source, line));
        if (tab >= 0) {
            return fail_at(b, (size_t)tab, 1, "a tab in the indentation",
                           "YAML is indented by spaces only");
        }
    }
    size_t at = offset_of_line(b->source, error->line);
    size_t column = error->column > 0 ? (size_t)error->column - 1 : 0;
    corrie_fail(b->err, CORRIE_E_PROJECT, "malformed YAML: %s",
                error->msg ? error->msg : "no reason is known");
    corrie_hint(b->err, "look at the indentation, and put texts that hold ': ' or '#' in quotes");
    return corrie_error_at_offset(b->err, b->file, b->source, at + column, 1);
}

/* ---- nodes ---- */

/* Line and column of a node. Events come in the order of the text, so that counting goes on where it stopped. */
static void place(struct builder *b, struct yaml_node *node)
{
    if (node->offset < b->counted) {
        b->counted = b->line_start = 0;
        b->line = 1;
    }
    for (; b->counted < node->offset; b->counted++) {
        if (b->source.data[b->counted] == '\n') {
            b->line++;
            b->line_start = b->counted + 1;
        }
    }
    node->line = b->line;
    node->column = (long)(node->offset - b->line_start) + 1;
}

static int new_node(struct builder *b, enum yaml_kind kind, struct fy_event *event,
                    struct yaml_node **ret)
{
    struct yaml_node *node = arena_new(b->arena, struct yaml_node);
    struct fy_token *token = b->api.event_get_token(event);
    const struct fy_mark *start = token ? b->api.token_start_mark(token) : NULL;
    const struct fy_mark *end = token ? b->api.token_end_mark(token) : NULL;

    if (!node) {
        return corrie_fail_memory(b->err);
    }
    if (++b->n_nodes > CORRIE_MAX_PROJECT_NODES) {
        return corrie_fail(b->err, CORRIE_E_LIMIT, "%s has more than %d values", b->file,
                           CORRIE_MAX_PROJECT_NODES);
    }
    node->kind = kind;
    node->offset = start && start->input_pos <= b->source.len ? start->input_pos : 0;
    node->length = 1;
    if (kind == YAML_TEXT && end && end->input_pos > node->offset) {
        /* a block at the end of a text without a newline ends after it, for the library */
        size_t stop = end->input_pos < b->source.len ? end->input_pos : b->source.len;
        node->length = stop > node->offset ? stop - node->offset : 1;
    }
    place(b, node);
    *ret = node;
    return 0;
}

static int check_key(struct builder *b, const struct yaml_node *map, const struct yaml_node *key)
{
    if (key->kind != YAML_TEXT) {
        return fail_at(b, key->offset, key->length, "a key must be a plain text", NULL);
    }
    for (const struct yaml_node *other = map->first; other; other = other->next) {
        if (str_eq(other->key->text, key->text)) {
            corrie_fail(b->err, CORRIE_E_PROJECT, "the key \"%.*s\" is given twice",
                        STR_FMT(key->text));
            corrie_hint(b->err, "the first is in line %ld", other->key->line);
            return corrie_error_at_offset(b->err, b->file, b->source, key->offset, key->length);
        }
    }
    return 0;
}

/* Puts a node where the document is at. */
static int add_node(struct builder *b, struct yaml_node *node)
{
    if (b->depth == 0) {
        b->root = node;
        return 0;
    }
    struct level *level = &b->levels[b->depth - 1];
    if (level->node->kind == YAML_MAP && !level->key) {
        int r = check_key(b, level->node, node);
        if (r >= 0) {
            level->key = node;
        }
        return r;
    }
    node->key = level->key;
    level->key = NULL;
    if (level->node->last) {
        level->node->last->next = node;
    } else {
        level->node->first = node;
    }
    level->node->last = node;
    return 0;
}

static bool is_null(struct str text)
{
    return text.len == 0 || str_eq(text, STR("~")) || str_eq(text, STR("null")) ||
           str_eq(text, STR("Null")) || str_eq(text, STR("NULL"));
}

static int on_text(struct builder *b, struct fy_event *event)
{
    struct fy_token *token = event->scalar.value;
    struct yaml_node *node;
    size_t len = 0;

    int r = new_node(b, YAML_TEXT, event, &node);
    if (r < 0) {
        return r;
    }
    if (event->scalar.anchor || event->scalar.tag) {
        return fail_at(b, node->offset, 1, "anchors and tags cannot be used here", NULL);
    }
    const char *text = token ? b->api.token_get_text(token, &len) : NULL;
    bool plain = !token || b->api.token_scalar_style(token) == FYSS_PLAIN;
    if (!text) {
        len = 0;
    }
    if (plain && is_null(str_make(text, len))) {
        node->kind = YAML_NULL;
    } else if (arena_str(b->arena, str_make(text, len), &node->text) < 0) {
        return corrie_fail_memory(b->err);
    }
    return add_node(b, node);
}

static int on_start(struct builder *b, struct fy_event *event, enum yaml_kind kind)
{
    struct yaml_node *node;

    int r = new_node(b, kind, event, &node);
    if (r < 0) {
        return r;
    }
    bool decorated = kind == YAML_MAP ? event->mapping_start.anchor || event->mapping_start.tag
                                      : event->sequence_start.anchor || event->sequence_start.tag;
    if (decorated) {
        return fail_at(b, node->offset, 1, "anchors and tags cannot be used here", NULL);
    }
    if (b->depth == CORRIE_MAX_PROJECT_DEPTH) {
        corrie_fail(b->err, CORRIE_E_LIMIT, "nested deeper than %d levels",
                    CORRIE_MAX_PROJECT_DEPTH);
        return corrie_error_at_offset(b->err, b->file, b->source, node->offset, 1);
    }
    r = add_node(b, node);
    if (r >= 0) {
        b->levels[b->depth++] = (struct level){node, NULL};
    }
    return r;
}

static int on_event(struct builder *b, struct fy_event *event)
{
    struct yaml_node *place;
    int r;

    switch (event->type) {
    case FYET_DOCUMENT_START:
        if (++b->n_documents > 1) {
            r = new_node(b, YAML_NULL, event, &place);
            return r < 0 ? r : fail_at(b, place->offset, 3, "a second document", NULL);
        }
        return 0;
    case FYET_ALIAS:
        r = new_node(b, YAML_NULL, event, &place);
        return r < 0 ? r : fail_at(b, place->offset - 1, 1, "aliases cannot be used here", NULL);
    case FYET_SCALAR:
        return on_text(b, event);
    case FYET_SEQUENCE_START:
        return on_start(b, event, YAML_LIST);
    case FYET_MAPPING_START:
        return on_start(b, event, YAML_MAP);
    case FYET_SEQUENCE_END:
    case FYET_MAPPING_END:
        b->depth--;
        return 0;
    default:
        return 0;
    }
}

static int build(struct builder *b)
{
    for (;;) {
        struct fy_event *event = b->api.parser_parse(b->parser);
        if (!event) {
            return fail_syntax(b);
        }
        bool end = event->type == FYET_STREAM_END;
        int r = on_event(b, event);
        b->api.parser_event_free(b->parser, event);
        if (r < 0 || end) {
            return r;
        }
    }
}

static int open_parser(struct builder *b)
{
    struct fy_parse_cfg config = {.search_path = "", .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG};

    b->diag = b->api.diag_create(NULL);
    if (!b->diag) {
        return corrie_fail_memory(b->err);
    }
    b->api.diag_set_collect_errors(b->diag, true);
    config.diag = b->diag;
    b->parser = b->api.parser_create(&config);
    if (!b->parser || b->api.parser_set_string(b->parser, b->source.data, b->source.len) != 0) {
        return corrie_fail_memory(b->err);
    }
    return 0;
}

int yaml_parse(const char *file, struct str source, struct arena *arena, struct yaml_node **ret,
               corrie_error *err)
{
    _cleanup_(builder_done) struct builder b = {
        .file = file, .source = source, .arena = arena, .line = 1, .err = err};
    size_t bad;

    if (source.len > CORRIE_MAX_PROJECT) {
        return corrie_fail(err, CORRIE_E_LIMIT, "%s has %zu bytes, at most %zu are read", file,
                           source.len, CORRIE_MAX_PROJECT);
    }
    if (!str_is_utf8(source, &bad)) {
        return fail_at(&b, bad, 1, "not UTF-8 text", NULL);
    }
    ptrdiff_t nul = str_find(source, '\0');
    if (nul >= 0) {
        return fail_at(&b, (size_t)nul, 1, "a NUL byte", NULL);
    }
    if (str_trim(source).len == 0) {
        *ret = NULL;
        return 0;
    }
    int r = load(&b.api, err);
    if (r >= 0) {
        r = open_parser(&b);
    }
    if (r >= 0) {
        r = build(&b);
    }
    if (r < 0) {
        return r;
    }
    *ret = b.root;
    return 0;
}
