/* layout.c — a file's columns, and SQL that makes them the table's. */
#include "engine/layout.h"

/* ---- as DuckDB sees them ---- */

/* Makes the layout of the node at `at`, by the rules by which DuckDB reads schemas: the middle group of lists and maps
 * is not seen, older layouts without one are lists too. */
static int make(const struct footer *footer, size_t at, struct arena *arena, struct layout *ret,
                corrie_error *err);

static int make_fields(const struct footer *footer, size_t at, size_t n, struct arena *arena,
                       struct layout *ret, corrie_error *err)
{
    int r = 0;

    ret->fields = arena_array(arena, struct layout, n + 1);
    if (!ret->fields) {
        return corrie_fail_memory(err);
    }
    ret->n_fields = n;
    for (size_t i = 0; r == 0 && i < n; i++) {
        r = make(footer, at, arena, &ret->fields[i], err);
        at = footer_skip(footer, at);
    }
    return r;
}

static int wrap_list(struct arena *arena, struct layout *layout, corrie_error *err)
{
    struct layout *element = arena_new(arena, struct layout);

    if (!element) {
        return corrie_fail_memory(err);
    }
    *element = *layout;
    *layout = (struct layout){.name = element->name,
                              .id = element->id,
                              .kind = LAYOUT_LIST,
                              .fields = element,
                              .n_fields = 1};
    return 0;
}

static bool is_map(const struct footer_node *node)
{
    return node->converted == FOOTER_MAP || node->converted == FOOTER_MAP_KEY_VALUE ||
           node->logical == FOOTER_LOGICAL_MAP;
}

static int make(const struct footer *footer, size_t at, struct arena *arena, struct layout *ret,
                corrie_error *err)
{
    const struct footer_node *node = &footer->nodes.items[at];
    const struct footer_node *inner = node->children > 0 ? node + 1 : NULL;
    bool repeated = node->repetition == FOOTER_REPEATED;
    bool list = node->converted == FOOTER_LIST || node->logical == FOOTER_LOGICAL_LIST;
    int r;

    *ret = (struct layout){.id = node->id > 0 ? node->id : 0, .node = at};
    if (!inner) {
        ret->bytes = (node->physical == FOOTER_BYTE_ARRAY || node->physical == FOOTER_FIXED) &&
                     node->converted < 0 && node->logical == 0;
    } else if (is_map(node) && !repeated && node->children == 1 && inner->children == 2) {
        ret->kind = LAYOUT_MAP;
        r = make_fields(footer, at + 2, 2, arena, ret, err);
        if (r < 0) {
            return r;
        }
    } else if (node->children > 1 || (!list && !repeated)) {
        ret->kind = LAYOUT_STRUCT;
        r = make_fields(footer, at + 1, (size_t)node->children, arena, ret, err);
        if (r < 0) {
            return r;
        }
    } else {
        /* a group of one that is no struct of its own: what is in it takes its place, but for name and id */
        int64_t id = ret->id;

        r = make(footer, at + 1, arena, ret, err);
        if (r < 0) {
            return r;
        }
        if (list) {
            ret->id = id;
        }
    }
    if (arena_str(arena, node->name, &ret->name) < 0) {
        return corrie_fail_memory(err);
    }
    return repeated ? wrap_list(arena, ret, err) : 0;
}

int layout_of(const struct footer *footer, struct arena *arena, struct layout *ret,
              corrie_error *err)
{
    size_t n = 0;

    for (size_t at = 0; at < footer->nodes.count; at = footer_skip(footer, at)) {
        n++;
    }
    *ret = (struct layout){.kind = LAYOUT_STRUCT};
    return make_fields(footer, 0, n, arena, ret, err);
}

/* ---- names ---- */

static const struct engine_name *find_name(const struct engine_name *names, size_t n_names,
                                           struct str name)
{
    for (size_t i = 0; i < n_names; i++) {
        for (size_t k = 0; k < names[i].n_names; k++) {
            if (str_eq(names[i].names[k], name)) {
                return &names[i];
            }
        }
    }
    return NULL;
}

void layout_name(struct layout *layout, const struct engine_name *names, size_t n_names)
{
    static const char *const inside[] = {"key", "value"};

    for (size_t i = 0; i < layout->n_fields; i++) {
        struct layout *field = &layout->fields[i];
        struct str name = layout->kind == LAYOUT_LIST  ? STR("element")
                          : layout->kind == LAYOUT_MAP ? str_of(inside[i])
                                                       : field->name;
        const struct engine_name *found = find_name(names, n_names, name);

        field->id = found ? found->field_id : 0;
        layout_name(field, found ? found->fields : NULL, found ? found->n_fields : 0);
    }
}

/* ---- finding ---- */

const struct layout *layout_find(const struct layout *layout, int id)
{
    for (size_t i = 0; i < layout->n_fields; i++) {
        if (layout->fields[i].id == id) {
            return &layout->fields[i];
        }
    }
    return NULL;
}

static void add_extract(struct buf *out, struct str of, struct str name)
{
    buf_add_text(out, "struct_extract(");
    buf_add_str(out, of);
    buf_add_text(out, ", ");
    buf_add_sql_string(out, name);
    buf_add_char(out, ')');
}

static bool dig(const struct layout *layout, struct str sql, int id, struct buf *out,
                const struct layout **ret)
{
    for (size_t i = 0; i < layout->n_fields; i++) {
        const struct layout *field = &layout->fields[i];
        _cleanup_(buf_done) struct buf inner = {0};

        if (sql.len == 0) {
            buf_add_sql_name(&inner, field->name);
        } else {
            add_extract(&inner, sql, field->name);
        }
        if (field->id == id) {
            out->failed = out->failed ? out->failed : inner.failed;
            buf_add_str(out, buf_str(&inner));
            *ret = field;
            return true;
        }
        if (field->kind == LAYOUT_STRUCT && dig(field, buf_str(&inner), id, out, ret)) {
            return true;
        }
    }
    return false;
}

bool layout_dig(const struct layout *layout, int id, struct buf *out, const struct layout **ret)
{
    return dig(layout, STR_EMPTY, id, out, ret);
}

/* ---- converting ---- */

static enum layout_kind kind_of(const struct type *type)
{
    return type->kind == TYPE_STRUCT ? LAYOUT_STRUCT
           : type->kind == TYPE_LIST ? LAYOUT_LIST
           : type->kind == TYPE_MAP  ? LAYOUT_MAP
                                     : LAYOUT_LEAF;
}

bool layout_fits(const struct layout *layout, const struct type *type)
{
    if (layout->kind != kind_of(type)) {
        return false;
    }
    if (layout->kind == LAYOUT_LEAF) {
        return !layout->bytes || type->kind != TYPE_STRING;
    }
    if (layout->n_fields != type->n_fields) {
        return false;
    }
    for (size_t i = 0; i < layout->n_fields; i++) {
        const struct layout *field = &layout->fields[i];

        /* an element, a key and a value are what they are by their place */
        if ((layout->kind == LAYOUT_STRUCT &&
             (!str_eq(field->name, type->fields[i].name) || field->id != type->fields[i].id)) ||
            !layout_fits(field, &type->fields[i].type)) {
            return false;
        }
    }
    return true;
}

static int rebuild(const struct layout *layout, struct str sql, const struct type *type,
                   unsigned depth, struct buf *out, corrie_error *err);

static int rebuild_struct(const struct layout *layout, struct str sql, const struct type *type,
                          unsigned depth, struct buf *out, corrie_error *err)
{
    int r = 0;

    buf_add_text(out, "CASE WHEN ");
    buf_add_str(out, sql);
    buf_add_text(out, " IS NULL THEN NULL ELSE {");
    for (size_t i = 0; r == 0 && i < type->n_fields; i++) {
        const struct field *field = &type->fields[i];
        const struct layout *found = layout_find(layout, field->id);
        _cleanup_(buf_done) struct buf inner = {0};

        buf_add_text(out, i > 0 ? ", " : "");
        buf_add_sql_string(out, field->name);
        buf_add_text(out, ": ");
        if (!found) {
            buf_add_text(out, "CAST(NULL AS ");
            type_print_sql(&field->type, out);
            buf_add_char(out, ')');
            continue;
        }
        add_extract(&inner, sql, found->name);
        r = buf_check(&inner, err);
        if (r == 0) {
            r = rebuild(found, buf_str(&inner), &field->type, depth, out, err);
        }
    }
    buf_add_text(out, "} END");
    return r;
}

static int rebuild_list(const struct layout *layout, struct str sql, const struct type *type,
                        unsigned depth, struct buf *out, corrie_error *err)
{
    _cleanup_(buf_done) struct buf item = {0};
    int r;

    buf_addf(&item, "corrie_x%u", depth);
    buf_add_text(out, "list_transform(");
    buf_add_str(out, sql);
    buf_addf(out, ", lambda %s: ", buf_text(&item));
    r = rebuild(&layout->fields[0], buf_str(&item), &type->fields[0].type, depth + 1, out, err);
    buf_add_char(out, ')');
    return r;
}

static int rebuild_map(const struct layout *layout, struct str sql, const struct type *type,
                       unsigned depth, struct buf *out, corrie_error *err)
{
    int r = 0;

    buf_add_text(out, "map_from_entries(list_transform(map_entries(");
    buf_add_str(out, sql);
    buf_addf(out, "), lambda corrie_x%u: {", depth);
    for (size_t i = 0; r == 0 && i < 2; i++) {
        _cleanup_(buf_done) struct buf inner = {0};
        const char *name = i == 0 ? "key" : "value";

        buf_addf(&inner, "struct_extract(corrie_x%u, '%s')", depth, name);
        buf_addf(out, "%s'%s': ", i > 0 ? ", " : "", name);
        r = buf_check(&inner, err);
        if (r == 0) {
            r = rebuild(&layout->fields[i], buf_str(&inner), &type->fields[i].type, depth + 1, out,
                        err);
        }
    }
    buf_add_text(out, "}))");
    return r;
}

static int rebuild(const struct layout *layout, struct str sql, const struct type *type,
                   unsigned depth, struct buf *out, corrie_error *err)
{
    static const char *const kinds[] = {"a plain value", "a struct", "a list", "a map"};

    if (layout_fits(layout, type)) {
        buf_add_str(out, sql);
        return 0;
    }
    if (layout->kind != kind_of(type)) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "column %.*s of the file is %s, of the table %s",
                           STR_FMT(layout->name), kinds[layout->kind], kinds[kind_of(type)]);
    }
    switch (layout->kind) {
    case LAYOUT_STRUCT:
        return rebuild_struct(layout, sql, type, depth, out, err);
    case LAYOUT_LIST:
        return rebuild_list(layout, sql, type, depth, out, err);
    case LAYOUT_MAP:
        return rebuild_map(layout, sql, type, depth, out, err);
    default:
        buf_add_text(out, "decode("); /* a cast of bytes would write them as \xNN */
        buf_add_str(out, sql);
        buf_add_char(out, ')');
        return 0;
    }
}

int layout_convert(const struct layout *layout, struct str sql, const struct type *type,
                   struct buf *out, corrie_error *err)
{
    int r;

    buf_add_text(out, "CAST(");
    r = rebuild(layout, sql, type, 0, out, err);
    buf_add_text(out, " AS ");
    type_print_sql(type, out);
    buf_add_char(out, ')');
    return r;
}
