/* alter.c — edits of columns. */
#include "iceberg/alter.h"

#include "base/limits.h"
#include "iceberg/metadata_priv.h"
#include "iceberg/name_mapping.h"

/* A schema in the making: a deep copy whose arrays are replaced. */
struct altering {
    const struct table_metadata *metadata;
    struct arena *arena;
    struct schema schema;
    int last_id;
};

/* The fields of one level: of the schema, or of a nested type. */
struct level {
    struct field **fields;
    size_t *n_fields;
    const struct type *type; /* NULL: the schema itself */
    bool in_key;             /* within a map's key */
};

static int refuse(corrie_error *err, const struct column_edit *edit, const char *problem)
{
    _cleanup_(buf_done) struct buf path = {0};

    for (size_t i = 0; i < edit->n_path; i++) {
        buf_addf(&path, "%s%.*s", i ? "." : "", STR_FMT(edit->path[i]));
    }
    return corrie_fail(err, CORRIE_E_USAGE, "column %s: %s", buf_text(&path), problem);
}

/* ---- finding ---- */

static ptrdiff_t index_of(const struct level *level, struct str name)
{
    for (size_t i = 0; i < *level->n_fields; i++) {
        if (str_eq((*level->fields)[i].name, name)) {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

static int fail_missing(const struct level *level, struct str name, corrie_error *err)
{
    const struct schema schema = {.fields = *level->fields, .n_fields = *level->n_fields};
    return schema_fail_column(&schema, name, err);
}

static void enter(struct level *level, size_t at)
{
    struct type *type = &(*level->fields)[at].type;

    level->in_key |= level->type && level->type->kind == TYPE_MAP && at == 0;
    *level = (struct level){&type->fields, &type->n_fields, type, level->in_key};
}

/* "points.x" of a list of structs means "points.element.x"; of a map, its value's x. */
static void enter_items(struct level *level, struct str next)
{
    while (level->type && level->type->kind != TYPE_STRUCT && *level->n_fields > 0 &&
           index_of(level, next) < 0) {
        size_t at = level->type->kind == TYPE_MAP ? 1 : 0;
        if (!type_is_nested(&(*level->fields)[at].type)) {
            return;
        }
        enter(level, at);
    }
}

/* The level where the path's last name is, or would be. */
static int find_level(struct altering *altering, const struct column_edit *edit, struct level *ret,
                      corrie_error *err)
{
    struct level level = {&altering->schema.fields, &altering->schema.n_fields, NULL, false};

    if (edit->n_path == 0 || edit->n_path > CORRIE_MAX_TYPE_DEPTH) {
        return corrie_fail(err, CORRIE_E_USAGE, "no column is named");
    }
    for (size_t i = 0; i + 1 < edit->n_path; i++) {
        enter_items(&level, edit->path[i]);
        ptrdiff_t at = index_of(&level, edit->path[i]);
        if (at < 0) {
            return fail_missing(&level, edit->path[i], err);
        }
        if (!type_is_nested(&(*level.fields)[at].type)) {
            return refuse(err, edit, "it lies in a column that has no fields");
        }
        enter(&level, (size_t)at);
    }
    enter_items(&level, edit->path[edit->n_path - 1]);
    *ret = level;
    return 0;
}

static int find_column(struct altering *altering, const struct column_edit *edit,
                       struct level *ret_level, size_t *ret_at, corrie_error *err)
{
    struct level level;

    int r = find_level(altering, edit, &level, err);
    if (r < 0) {
        return r;
    }
    ptrdiff_t at = index_of(&level, edit->path[edit->n_path - 1]);
    if (at < 0) {
        return fail_missing(&level, edit->path[edit->n_path - 1], err);
    }
    *ret_level = level;
    *ret_at = (size_t)at;
    return 0;
}

static bool has_siblings(const struct level *level)
{
    return !level->type || level->type->kind == TYPE_STRUCT;
}

/* ---- checks ---- */

/* Whether a name can be given to a field of that level; `except` may keep it (-1: none). */
static int check_name(const struct altering *altering, const struct level *level, struct str name,
                      ptrdiff_t except, corrie_error *err)
{
    const struct partition_spec *spec = metadata_spec(altering->metadata);

    if (name.len == 0 || !str_is_utf8(name, NULL)) {
        return corrie_fail(err, CORRIE_E_USAGE, "a column needs a name");
    }
    for (size_t i = 0; i < *level->n_fields; i++) {
        struct str taken = (*level->fields)[i].name;
        if ((ptrdiff_t)i == except || !str_eq_nocase(taken, name)) {
            continue;
        }
        corrie_fail(err, CORRIE_E_EXISTS, "there is a column '%.*s' already", STR_FMT(taken));
        return str_eq(taken, name)
                   ? err->code
                   : corrie_hint(err,
                                 "names that differ in case alone cannot be told apart in SQL");
    }
    for (size_t i = 0; !level->type && i < spec->n_fields; i++) {
        const struct partition_field *field = &spec->fields[i];
        bool own = except >= 0 && (*level->fields)[except].id == field->source_id &&
                   str_eq(field->transform, STR("identity"));
        if (str_eq(field->name, name) && !own) {
            corrie_fail(err, CORRIE_E_EXISTS, "a partition field has the name '%.*s'",
                        STR_FMT(name));
            return corrie_hint(err, "rename the partition field first");
        }
    }
    return 0;
}

static bool holds_id(const struct field *field, int id)
{
    for (size_t i = 0; i < field->type.n_fields && field->id != id; i++) {
        if (holds_id(&field->type.fields[i], id)) {
            return true;
        }
    }
    return field->id == id;
}

/* What the table is laid out by must stay. */
static int check_unused(struct altering *altering, const struct column_edit *edit,
                        const struct field *field, corrie_error *err)
{
    const struct partition_spec *spec = metadata_spec(altering->metadata);
    const struct sort_term *terms = NULL;
    size_t n_terms = 0;

    for (size_t i = 0; i < spec->n_fields; i++) {
        if (holds_id(field, spec->fields[i].source_id) &&
            !str_eq(spec->fields[i].transform, STR("void"))) {
            refuse(err, edit, "the table is partitioned by it");
            return corrie_hint(err, "drop the partition field %.*s first",
                               STR_FMT(spec->fields[i].name));
        }
    }
    int r = metadata_sort_order(altering->metadata, altering->arena, &terms, &n_terms, err);
    for (size_t i = 0; r >= 0 && i < n_terms; i++) {
        if (holds_id(field, terms[i].source_id)) {
            r = refuse(err, edit, "the table is sorted by it: change its sort order first");
        }
    }
    for (size_t i = 0; r >= 0 && i < altering->schema.n_identifier_ids; i++) {
        if (holds_id(field, altering->schema.identifier_ids[i])) {
            r = refuse(err, edit, "it is one of the table's identifier fields");
        }
    }
    return r;
}

/* ---- edits ---- */

/* Where a column goes among its siblings, itself not among them: an index up to their number. */
static int find_place(const struct level *level, const struct column_edit *edit, size_t *ret,
                      corrie_error *err)
{
    if (edit->place == PLACE_DEFAULT || edit->place == PLACE_FIRST) {
        *ret = edit->place == PLACE_FIRST ? 0 : *level->n_fields;
        return 0;
    }
    ptrdiff_t at = index_of(level, edit->beside);
    if (at < 0) {
        return fail_missing(level, edit->beside, err);
    }
    *ret = (size_t)at + (edit->place == PLACE_AFTER);
    return 0;
}

/* A level without the field at `at`, in a new array. */
static int take_out(struct altering *altering, struct level *level, size_t at, corrie_error *err)
{
    size_t n = *level->n_fields - 1;
    struct field *fields = arena_array(altering->arena, struct field, n + 1);

    if (!fields) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        fields[i] = (*level->fields)[i < at ? i : i + 1];
    }
    *level->fields = fields;
    *level->n_fields = n;
    return 0;
}

static int put_in(struct altering *altering, struct level *level, size_t at,
                  const struct field *field, corrie_error *err)
{
    size_t n = *level->n_fields + 1;
    struct field *fields = arena_array(altering->arena, struct field, n);

    if (!fields) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        fields[i] = i == at ? *field : (*level->fields)[i < at ? i : i - 1];
    }
    *level->fields = fields;
    *level->n_fields = n;
    return 0;
}

static int add_column(struct altering *altering, const struct column_edit *edit, corrie_error *err)
{
    struct str name = edit->n_path > 0 ? edit->path[edit->n_path - 1] : STR_EMPTY;
    struct field field = {.name = name, .doc = edit->doc, .required = edit->required};
    struct schema added = {0};
    struct level level;
    size_t at;
    int r;

    if (!edit->type || edit->type->kind == TYPE_NONE) {
        return refuse(err, edit, "a new column needs a type");
    }
    if ((r = find_level(altering, edit, &level, err)) < 0 ||
        (r = check_name(altering, &level, name, -1, err)) < 0) {
        return r;
    }
    if (!has_siblings(&level) || level.in_key) {
        return refuse(err, edit, "fields can be added to structs alone, not to keys of maps");
    }
    if (edit->required && altering->metadata->n_snapshots > 0) {
        refuse(err, edit,
               "a new column cannot be required, since the table's rows have no value of it");
        return corrie_hint(err, "add it without NOT NULL");
    }
    field.type = *edit->type;
    if ((r = schema_copy(&(struct schema){.fields = &field, .n_fields = 1}, altering->arena, &added,
                         err)) < 0 ||
        (r = find_place(&level, edit, &at, err)) < 0) {
        return r;
    }
    schema_assign_ids(&added, &altering->last_id);
    return put_in(altering, &level, at, &added.fields[0], err);
}

static int drop_column(struct altering *altering, const struct column_edit *edit, corrie_error *err)
{
    struct level level;
    size_t at;
    int r;

    if ((r = find_column(altering, edit, &level, &at, err)) < 0 ||
        (r = check_unused(altering, edit, &(*level.fields)[at], err)) < 0) {
        return r;
    }
    if (!has_siblings(&level) || level.in_key) {
        return refuse(err, edit, "it belongs to the type of a list or a map");
    }
    if (*level.n_fields == 1) {
        return refuse(err, edit,
                      level.type ? "it is the last field of its struct: drop that"
                                 : "it is the table's last column");
    }
    return take_out(altering, &level, at, err);
}

static int rename_column(struct altering *altering, const struct column_edit *edit,
                         corrie_error *err)
{
    struct level level;
    size_t at;
    int r;

    if ((r = find_column(altering, edit, &level, &at, err)) < 0) {
        return r;
    }
    if (!has_siblings(&level)) {
        return refuse(err, edit, "it belongs to the type of a list or a map");
    }
    if ((r = check_name(altering, &level, edit->name, (ptrdiff_t)at, err)) < 0) {
        return r;
    }
    (*level.fields)[at].name = edit->name;
    return 0;
}

static int change_type(struct altering *altering, const struct column_edit *edit, corrie_error *err)
{
    _cleanup_(buf_done) struct buf from = {0};
    _cleanup_(buf_done) struct buf to = {0};
    struct level level;
    size_t at;

    int r = find_column(altering, edit, &level, &at, err);
    if (r < 0) {
        return r;
    }
    struct type *type = &(*level.fields)[at].type;
    if (!edit->type || edit->type->kind == TYPE_NONE) {
        return refuse(err, edit, "to which type?");
    }
    if (type_same(type, edit->type)) {
        return 0;
    }
    if (level.in_key || (level.type && level.type->kind == TYPE_MAP && at == 0)) {
        return refuse(err, edit, "keys of maps keep their types");
    }
    if (type_is_nested(type) || type_is_nested(edit->type) || !type_promotes(type, edit->type)) {
        type_print(type, &from);
        type_print(edit->type, &to);
        buf_addf(&to, " from %s", buf_text(&from));
        corrie_fail(err, CORRIE_E_USAGE, "column %.*s cannot become %s",
                    STR_FMT(edit->path[edit->n_path - 1]), buf_text(&to));
        return corrie_hint(err, type_is_nested(type)
                                    ? "change its fields one by one"
                                    : "int becomes long, float becomes double, a decimal one of "
                                      "more digits; for others write the table anew");
    }
    *type = *edit->type;
    return 0;
}

static int make_optional(struct altering *altering, const struct column_edit *edit,
                         corrie_error *err)
{
    struct level level;
    size_t at;

    int r = find_column(altering, edit, &level, &at, err);
    if (r < 0) {
        return r;
    }
    struct field *field = &(*level.fields)[at];
    if (level.type && level.type->kind == TYPE_MAP && at == 0) {
        return refuse(err, edit, "keys of maps are never null");
    }
    for (size_t i = 0; i < altering->schema.n_identifier_ids; i++) {
        if (altering->schema.identifier_ids[i] == field->id) {
            return refuse(err, edit,
                          "it is one of the table's identifier fields, which are never null");
        }
    }
    field->required = false;
    return 0;
}

static int make_required(struct altering *altering, const struct column_edit *edit,
                         corrie_error *err)
{
    struct level level;
    size_t at;

    int r = find_column(altering, edit, &level, &at, err);
    if (r < 0) {
        return r;
    }
    if (level.type) {
        return refuse(err, edit, "it is no column of the table itself");
    }
    (*level.fields)[at].required = true;
    return 0;
}

static int move_column(struct altering *altering, const struct column_edit *edit, corrie_error *err)
{
    struct level level;
    size_t from;
    size_t to;
    int r;

    if ((r = find_column(altering, edit, &level, &from, err)) < 0) {
        return r;
    }
    if (!has_siblings(&level)) {
        return refuse(err, edit, "it belongs to the type of a list or a map");
    }
    const struct field field = (*level.fields)[from];
    if (edit->place == PLACE_DEFAULT ||
        (edit->place != PLACE_FIRST && str_eq(edit->beside, field.name))) {
        return 0;
    }
    if ((r = take_out(altering, &level, from, err)) < 0 ||
        (r = find_place(&level, edit, &to, err)) < 0) {
        return r;
    }
    return put_in(altering, &level, to, &field, err);
}

static int set_doc(struct altering *altering, const struct column_edit *edit, corrie_error *err)
{
    struct level level;
    size_t at;

    int r = find_column(altering, edit, &level, &at, err);
    if (r >= 0) {
        (*level.fields)[at].doc = edit->doc;
    }
    return r;
}

static int apply(struct altering *altering, const struct column_edit *edit, corrie_error *err)
{
    switch (edit->kind) {
    case COLUMN_ADD:
        return add_column(altering, edit, err);
    case COLUMN_DROP:
        return drop_column(altering, edit, err);
    case COLUMN_RENAME:
        return rename_column(altering, edit, err);
    case COLUMN_TYPE:
        return change_type(altering, edit, err);
    case COLUMN_OPTIONAL:
        return make_optional(altering, edit, err);
    case COLUMN_REQUIRED:
        return make_required(altering, edit, err);
    case COLUMN_DOC:
        return set_doc(altering, edit, err);
    case COLUMN_MOVE:
        return move_column(altering, edit, err);
    }
    return corrie_fail(err, CORRIE_E_INTERNAL, "an edit of no kind");
}

/* ---- the whole ---- */

/* The table's name mapping after the edits; `made` where it has none. */
static int follow_names(const struct table_metadata *before, struct table_metadata **made,
                        int64_t now_ms, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf text = {0};
    struct name_mapping mapping;
    struct name_mapping followed;
    struct table_metadata *with = NULL;

    int r = metadata_name_mapping(before, &arena, &mapping, err);
    if (r <= 0) {
        return r;
    }
    if ((r = name_mapping_follow(&mapping, metadata_schema(before), metadata_schema(*made), &arena,
                                 &followed, err)) < 0 ||
        (r = name_mapping_format(&followed, &text, err)) < 0) {
        return r;
    }
    const struct property property = {STR(NAME_MAPPING_PROPERTY), buf_str(&text)};
    if ((r = metadata_with_properties(*made, &property, 1, now_ms, &with, err)) < 0) {
        return r;
    }
    metadata_free(*made);
    *made = with;
    return 0;
}

int metadata_with_columns(const struct table_metadata *metadata, const struct column_edit *edits,
                          size_t n_edits, int64_t now_ms, struct table_metadata **ret,
                          corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(metadata_freep) struct table_metadata *made = NULL;
    struct altering altering = {
        .metadata = metadata, .arena = &arena, .last_id = metadata->last_column_id};
    int r;

    js_setup();
    if ((r = metadata_check_room(metadata, err)) < 0 ||
        (r = schema_copy(metadata_schema(metadata), &arena, &altering.schema, err)) < 0) {
        return r;
    }
    for (size_t i = 0; i < n_edits; i++) {
        if ((r = apply(&altering, &edits[i], err)) < 0 ||
            (altering.last_id > metadata->last_column_id + CORRIE_MAX_FIELDS &&
             (r = corrie_fail(err, CORRIE_E_LIMIT, "more than %d new columns", CORRIE_MAX_FIELDS)) <
                 0)) {
            return r;
        }
    }
    if ((r = metadata_with_schema(metadata, &altering.schema, now_ms, &made, err)) < 0 ||
        (r = follow_names(metadata, &made, now_ms, err)) < 0) {
        return r;
    }
    *ret = TAKE_PTR(made);
    return 0;
}
