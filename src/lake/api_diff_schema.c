/* api_diff_schema.c — how the columns of two schemas differ.
 *
 * Columns are the same if their ids are. Those inside structs, lists and maps are looked at like columns; their parents
 * do not count as changed with them. */
#include "lake/api_diff.h"

#include "base/vec.h"

/* A field on one side. */
struct flat {
    const struct field *field;
    struct str path; /* "address.city" */
    int parent;      /* id of the field that it is in; 0 = a column */
    int position; /* among its siblings that both sides have, from 1; 0 = the other side lacks it */
    /* Of the later side, for finding what moved: */
    const struct flat *old; /* NULL: it is new */
    struct flat *previous;  /* the one before it in the longest row of siblings in the old order */
    int length;             /* of that row, with this one as its end */
    bool stays;             /* is in the longest row of all */
};

struct fields {
    struct arena arena;
    struct flat *items;
    size_t count;
    size_t capacity;
};

static void fields_done(struct fields *fields)
{
    vec_done(fields);
    arena_done(&fields->arena);
}

static int flatten(struct fields *fields, const struct field *list, size_t n, struct str path,
                   int parent)
{
    for (size_t i = 0; i < n; i++) {
        struct flat flat = {.field = &list[i], .parent = parent};
        char *text = path.len ? arena_printf(&fields->arena, "%.*s.%.*s", STR_FMT(path),
                                             STR_FMT(list[i].name))
                              : arena_text(&fields->arena, list[i].name);

        flat.path = str_of(text);
        if (!text || vec_push(fields, flat) < 0 ||
            flatten(fields, list[i].type.fields, list[i].type.n_fields, flat.path, list[i].id) <
                0) {
            return CORRIE_E_NO_MEMORY;
        }
    }
    return 0;
}

static struct flat *find(const struct fields *fields, int id)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (fields->items[i].field->id == id) {
            return &fields->items[i];
        }
    }
    return NULL;
}

/* Counts, for each field that the other side has, where it stands among such in its parent. */
static void number(struct fields *fields, const struct fields *others)
{
    for (size_t i = 0; i < fields->count; i++) {
        struct flat *flat = &fields->items[i];

        if (!find(others, flat->field->id)) {
            continue;
        }
        flat->position = 1;
        for (size_t j = i; j > 0; j--) {
            const struct flat *other = &fields->items[j - 1];

            if (other->parent == flat->parent && other->position > 0) {
                flat->position = other->position + 1;
                break;
            }
        }
    }
}

/* The fewest fields that must move to make the old order the new one are those that are not in the longest row of
 * siblings that both have in the same order. */
static void find_rows(struct fields *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        struct flat *flat = &fields->items[i];

        flat->length = flat->old != NULL;
        for (size_t j = 0; j < i && flat->old; j++) {
            struct flat *other = &fields->items[j];

            if (other->old && other->parent == flat->parent &&
                other->old->position < flat->old->position && other->length >= flat->length) {
                flat->length = other->length + 1;
                flat->previous = other;
            }
        }
    }
    for (size_t i = 0; i < fields->count; i++) {
        struct flat *end = &fields->items[i];

        for (size_t j = 0; j < fields->count; j++) { /* the first of the longest, in its parent */
            const struct flat *other = &fields->items[j];

            if (other->parent == end->parent &&
                (other->length > end->length || (other->length == end->length && j < i))) {
                end = NULL;
                break;
            }
        }
        for (; end && end->old; end = end->previous) {
            end->stays = true;
        }
    }
}

static json_t *type_text(const struct field *field)
{
    _cleanup_(buf_done) struct buf text = {0};

    type_print(&field->type, &text);
    return text.failed ? NULL : js_string(buf_str(&text));
}

static int add(json_t *changes, const char *change, const struct flat *flat, json_t *before,
               json_t *after)
{
    json_t *item = json_object();
    int r;

    r = js_set_str(item, "change", str_of(change));
    r |= js_set_str(item, "field", flat->path);
    r |= js_set_int(item, "id", flat->field->id);
    r |= js_set(item, "before", before);
    r |= js_set(item, "after", after);
    r |= json_array_append_new(changes, item);
    return r;
}

static int compare(json_t *changes, const struct flat *before, const struct flat *after)
{
    const struct field *a = before->field;
    const struct field *b = after->field;
    int r = 0;

    if (!str_eq(a->name, b->name)) {
        r |= add(changes, "renamed", after, js_string(a->name), js_string(b->name));
    }
    /* of nested types only the kind: what is inside is told by itself */
    if (a->type.kind != b->type.kind || (a->type.n_fields == 0 && !type_eq(&a->type, &b->type))) {
        r |= add(changes, "type", after, type_text(a), type_text(b));
    }
    if (a->required != b->required) {
        r |= add(changes, "required", after, json_boolean(a->required), json_boolean(b->required));
    }
    if (!after->stays && before->parent == after->parent) {
        r |= add(changes, "moved", after, json_integer(before->position),
                 json_integer(after->position));
    }
    return r;
}

json_t *api_schema_changes(const struct schema *before, const struct schema *after)
{
    _cleanup_(fields_done) struct fields old_fields = {0};
    _cleanup_(fields_done) struct fields new_fields = {0};
    _json_ json_t *changes = json_array();
    int r = 0;

    if (!changes || flatten(&old_fields, before->fields, before->n_fields, STR_EMPTY, 0) < 0 ||
        flatten(&new_fields, after->fields, after->n_fields, STR_EMPTY, 0) < 0) {
        return NULL;
    }
    number(&old_fields, &new_fields);
    number(&new_fields, &old_fields);
    for (size_t i = 0; i < new_fields.count; i++) {
        new_fields.items[i].old = find(&old_fields, new_fields.items[i].field->id);
    }
    find_rows(&new_fields);
    for (size_t i = 0; i < old_fields.count; i++) {
        const struct flat *flat = &old_fields.items[i];

        if (flat->position == 0) {
            r |= add(changes, "removed", flat, type_text(flat->field), json_null());
        }
    }
    for (size_t i = 0; i < new_fields.count; i++) {
        const struct flat *flat = &new_fields.items[i];

        r |= flat->old ? compare(changes, flat->old, flat)
                       : add(changes, "added", flat, json_null(), type_text(flat->field));
    }
    return r != 0 ? NULL : TAKE_PTR(changes);
}
