/* files.c — reading files whose schemas differ.
 *
 * The files, in order, are cut into parts, each one read_parquet; the parts are joined by UNION ALL, which keeps order.
 * A part is one of
 *   plain    files of one layout: columns renamed and cast, nested ones taken apart where ids ask for it;
 *   by id    files of several layouts that DuckDB can map itself, by field id (read_parquet's `schema`): flat columns,
 *            and nested ones whose names agree with their ids. It keeps the files of a table whose columns came and
 *            went in one scan; but DuckDB scans a single file on one thread then.
 *   by name  files of one layout whose names DuckDB would take for its own: read under other ones.
 * So a table that never changed is one plain part, and so is each run of files that only a plain part can read. */
#include "engine/files.h"

#include "arrow/scalar.h"
#include "engine/layout.h"

struct part {
    size_t first;
    size_t n;
    const struct layout *layout; /* of its first file */
    bool one_layout;
    bool by_id; /* DuckDB can map all of its files */
};

/* How read_parquet names what it reads. */
enum mapping {
    MAPPING_NONE, /* as the file does */
    MAPPING_ID,   /* `schema` by field id */
    MAPPING_NAME  /* `schema` by the file's names, so that they may be other ones here */
};

struct builder {
    const struct files *files;
    struct arena arena;
    VEC(struct part) parts;
    struct buf *out;
    corrie_error *err;
};

/* ---- what a file needs ---- */

static const struct engine_constant *constant_of(const struct engine_file *file, int id)
{
    for (size_t i = 0; i < file->n_constants; i++) {
        if (file->constants[i].field_id == id) {
            return &file->constants[i];
        }
    }
    return NULL;
}

static bool has_keys(const struct files *files, size_t file)
{
    size_t n = 0;

    if (files->deletes) {
        (void)deletes_keys(files->deletes, &n);
    }
    for (size_t key = 0; key < n; key++) {
        if (deletes_key_of(files->deletes, file, key)) {
            return true;
        }
    }
    return false;
}

/* Whether DuckDB's own mapping by id reads the file rightly. */
static bool maps_by_id(const struct files *files, size_t at, const struct layout *layout)
{
    if (files->anywhere || has_keys(files, at)) {
        return false;
    }
    for (size_t i = 0; i < files->n_fields; i++) {
        const struct field *field = &files->fields[i];
        const struct layout *found = layout_find(layout, field->id);

        if (found ? !layout_fits(found, &field->type)
                  : constant_of(&files->files[at], field->id) != NULL) {
            return false;
        }
    }
    return true;
}

/* ---- parts ---- */

static int add_file(struct builder *builder, size_t at, const struct layout *layout, bool by_id)
{
    struct part *last = builder->parts.count > 0 ? &vec_last(&builder->parts) : NULL;
    struct part part = {.first = at, .n = 1, .layout = layout, .one_layout = true, .by_id = by_id};

    if (last && ((last->one_layout && last->layout == layout) || (last->by_id && by_id))) {
        last->n++;
        last->one_layout = last->one_layout && last->layout == layout;
        last->by_id = last->by_id && by_id;
        return 0;
    }
    return vec_push(&builder->parts, part) < 0 ? corrie_fail_memory(builder->err) : 0;
}

static int fail_ids(struct str path, corrie_error *err)
{
    corrie_fail(err, CORRIE_E_UNSUPPORTED,
                "%.*s has no field ids, so its columns cannot be told apart", STR_FMT(path));
    return corrie_hint(err, "the table's property schema.name-mapping.default says which name of "
                            "a column in such files means which field");
}

static int cut(struct builder *builder)
{
    const struct files *files = builder->files;
    struct str schema = STR_EMPTY;
    struct layout *layout = NULL;
    bool has_ids = false;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < files->n_files; i++) {
        _cleanup_(footer_done) struct footer footer = {0};
        struct str path = files->files[i].path;

        r = footer_read(path, &footer, builder->err);
        if (r < 0) {
            return r;
        }
        if (files->rows) {
            files->rows[i] = footer.rows;
        }
        if (!layout || !str_eq(schema, footer.schema)) {
            layout = arena_new(&builder->arena, struct layout);
            if (!layout || arena_str(&builder->arena, footer.schema, &schema) < 0) {
                return corrie_fail_memory(builder->err);
            }
            has_ids = footer.has_ids;
            r = layout_of(&footer, &builder->arena, layout, builder->err);
            if (r >= 0 && !has_ids && files->names) {
                layout_name(layout, files->names, files->n_names);
            } else if (r >= 0 && !has_ids) {
                return fail_ids(path, builder->err);
            }
        }
        if (r >= 0) {
            r = add_file(builder, i, layout, has_ids && maps_by_id(files, i, layout));
        }
    }
    return r;
}

/* ---- one part as SQL ---- */

/* Whether values differ from file to file, so that the part must ask which file a row is from. */
static bool same_constants(const struct files *files, const struct part *part, int id)
{
    const struct engine_constant *first = constant_of(&files->files[part->first], id);

    for (size_t i = 1; i < part->n; i++) {
        const struct engine_constant *other = constant_of(&files->files[part->first + i], id);

        if (!first != !other || (first && (!first->value.data != !other->value.data ||
                                           !str_eq(first->value, other->value)))) {
            return false;
        }
    }
    return true;
}

static int add_constant(const struct engine_constant *constant, const struct field *field,
                        struct buf *out, corrie_error *err)
{
    if (!constant || !constant->value.data) {
        buf_add_text(out, "NULL");
        return 0;
    }
    return scalar_print_sql(&field->type, constant->value, out, err);
}

/* A column that the files of the part lack. */
static int add_missing(struct builder *builder, const struct part *part, const struct field *field)
{
    const struct engine_file *files = &builder->files->files[part->first];
    struct buf *out = builder->out;
    bool same = same_constants(builder->files, part, field->id);
    int r = 0;

    buf_add_text(out, "CAST(");
    buf_add_text(out, same ? "" : "[");
    for (size_t i = 0; r == 0 && i < (same ? 1 : part->n); i++) {
        buf_add_text(out, i > 0 ? ", " : "");
        r = add_constant(constant_of(&files[i], field->id), field, out, builder->err);
    }
    buf_add_text(out, same ? "" : "][CAST(file_index AS BIGINT) + 1]");
    buf_add_text(out, " AS ");
    type_print_sql(&field->type, out);
    buf_add_char(out, ')');
    return r;
}

/* The value of a field in a plain part. */
static int add_value(struct builder *builder, const struct part *part, const struct field *field,
                     bool anywhere)
{
    _cleanup_(buf_done) struct buf sql = {0};
    const struct layout *found = NULL;
    int r;

    if (anywhere) {
        (void)layout_dig(part->layout, field->id, &sql, &found);
    } else if ((found = layout_find(part->layout, field->id)) != NULL) {
        buf_add_sql_name(&sql, found->name);
    }
    if (!found) {
        return add_missing(builder, part, field);
    }
    r = buf_check(&sql, builder->err);
    return r < 0 ? r
                 : layout_convert(found, buf_str(&sql), &field->type, builder->out, builder->err);
}

static void add_reader(struct builder *builder, const struct part *part)
{
    struct buf *out = builder->out;
    bool nans = false;

    buf_add_text(out, " FROM read_parquet([");
    for (size_t i = 0; i < part->n; i++) {
        buf_add_text(out, i == 0 ? "" : ",");
        add_path(out, builder->files->files[part->first + i].path);
        nans = nans || builder->files->files[part->first + i].hides_nans;
    }
    buf_add_text(out, "], hive_partitioning = false"); /* k=v in a path is a name, not a column */
    buf_add_text(out, nans ? ", can_have_nan = true" : "");
}

/* What a column is called between read_parquet and the SELECT: its own name, for the sake of messages, unless one of
 * DuckDB's own would be hidden by it. */
static void add_inner_name(struct builder *builder, size_t at, bool own, struct buf *out)
{
    if (own) {
        buf_add_str(out, builder->files->fields[at].name);
    } else {
        buf_addf(out, "c%zu", at);
    }
}

/* `schema` of read_parquet. Columns that no file has are null by id; by name they are not there at all. */
static void add_mapping(struct builder *builder, const struct part *part, enum mapping mapping,
                        bool own)
{
    const struct files *files = builder->files;
    struct buf *out = builder->out;
    const char *comma = "";

    buf_add_text(out, ", schema = MAP {");
    for (size_t i = 0; i < files->n_fields; i++) {
        const struct field *field = &files->fields[i];
        const struct layout *found = layout_find(part->layout, field->id);
        _cleanup_(buf_done) struct buf type = {0};
        _cleanup_(buf_done) struct buf name = {0};

        if (mapping == MAPPING_NAME && !found) {
            continue;
        }
        buf_add_text(out, comma);
        comma = ", ";
        if (mapping == MAPPING_NAME) {
            buf_add_sql_string(out, found->name);
        } else {
            buf_addf(out, "%d", field->id);
        }
        add_inner_name(builder, i, own, &name);
        type_print_sql(&field->type, &type);
        buf_add_text(out, ": {'name': ");
        buf_add_sql_string(out, buf_str(&name));
        buf_add_text(out, ", 'type': ");
        out->failed = out->failed ? out->failed : type.failed ? type.failed : name.failed;
        buf_add_sql_string(out, buf_str(&type));
        buf_add_text(out, ", 'default_value': NULL}");
    }
    buf_add_char(out, '}');
}

/* WHERE the row is not deleted. */
static int add_deletes(struct builder *builder, const struct part *part)
{
    const struct files *files = builder->files;
    struct buf *out = builder->out;
    const char *word = " WHERE ";
    const struct delete_key *keys;
    bool positions = false;
    size_t n_keys;
    int r = 0;

    if (!files->deletes) {
        return 0;
    }
    for (size_t i = 0; i < part->n && !positions; i++) {
        positions = deletes_positions_of(files->deletes, part->first + i);
    }
    if (positions) {
        buf_addf(out, "%scorrie_kept(%zu, CAST(file_index AS BIGINT) + %zu, file_row_number)", word,
                 deletes_id(files->deletes), part->first);
        word = " AND ";
    }
    keys = deletes_keys(files->deletes, &n_keys);
    for (size_t key = 0; r == 0 && key < n_keys; key++) {
        bool any = false;

        for (size_t i = 0; i < part->n && !any; i++) {
            any = deletes_key_of(files->deletes, part->first + i, key);
        }
        if (!any) {
            continue;
        }
        buf_addf(out, "%scorrie_unmatched(%zu, %zu, CAST(file_index AS BIGINT) + %zu", word,
                 deletes_id(files->deletes), key, part->first);
        word = " AND ";
        for (size_t i = 0; r == 0 && i < keys[key].n_fields; i++) {
            buf_add_text(out, ", ");
            r = add_value(builder, part, &keys[key].fields[i], true);
        }
        buf_add_char(out, ')');
    }
    return r;
}

/* Columns that DuckDB offers for every file, under names that a column of the table's may have too. */
static bool is_virtual(struct str name)
{
    return str_eq_nocase(name, STR("file_index")) || str_eq_nocase(name, STR("file_row_number")) ||
           str_eq_nocase(name, STR("filename"));
}

static bool asks_for_file(const struct builder *builder, const struct part *part)
{
    const struct files *files = builder->files;

    if (files->positions || files->deletes) {
        return true;
    }
    for (size_t i = 0; i < files->n_fields; i++) {
        if (!layout_find(part->layout, files->fields[i].id) &&
            !same_constants(files, part, files->fields[i].id)) {
            return true;
        }
    }
    return false;
}

/* Whether names in the file do not stand for what they should in SQL. */
static bool names_collide(struct builder *builder, const struct part *part)
{
    const struct layout *layout = part->layout;
    bool asks = asks_for_file(builder, part);

    for (size_t i = 0; i < layout->n_fields; i++) {
        struct str name = layout->fields[i].name;

        if (asks && is_virtual(name)) {
            return true;
        }
        for (size_t k = 0; k < i; k++) {
            if (str_eq_nocase(layout->fields[k].name, name)) {
                return true;
            }
        }
    }
    return false;
}

static bool names_virtual(const struct files *files)
{
    for (size_t i = 0; i < files->n_fields; i++) {
        if (is_virtual(files->fields[i].name)) {
            return true;
        }
    }
    return false;
}

static int add_columns(struct builder *builder, const struct part *part, enum mapping mapping,
                       bool own)
{
    const struct files *files = builder->files;
    struct buf *out = builder->out;
    int r = 0;

    buf_add_text(out, "SELECT ");
    for (size_t i = 0; r == 0 && i < files->n_fields; i++) {
        const struct field *field = &files->fields[i];

        buf_add_text(out, i > 0 ? ", " : "");
        if (mapping == MAPPING_NONE) {
            r = add_value(builder, part, field, files->anywhere);
        } else if (mapping == MAPPING_NAME && !layout_find(part->layout, field->id)) {
            r = add_missing(builder, part, field);
        } else {
            _cleanup_(buf_done) struct buf name = {0};

            add_inner_name(builder, i, own, &name);
            buf_add_sql_name(out, buf_str(&name));
            r = buf_check(&name, builder->err);
        }
        buf_add_text(out, " AS ");
        buf_add_sql_name(out, field->name);
    }
    if (files->positions) {
        buf_addf(out,
                 ", CAST(file_index AS BIGINT) + %zu AS \"" ENGINE_FILE_COLUMN
                 "\", file_row_number AS \"" ENGINE_ROW_COLUMN "\"",
                 part->first);
    }
    return r;
}

/* Whether DuckDB can map the files of one layout by the names in them: flat columns and nested ones that need not be
 * taken apart, no two names that it takes for one, no deletes that ask for more columns. */
static bool maps_by_name(const struct builder *builder, const struct part *part)
{
    const struct files *files = builder->files;
    const struct layout *layout = part->layout;
    size_t mapped = 0;

    for (size_t i = 0; i < files->n_fields; i++) {
        const struct layout *found = layout_find(layout, files->fields[i].id);

        if (found && !layout_fits(found, &files->fields[i].type)) {
            return false;
        }
        mapped += found != NULL;
    }
    for (size_t i = 0; i < layout->n_fields; i++) {
        for (size_t k = 0; k < i; k++) {
            if (str_eq_nocase(layout->fields[k].name, layout->fields[i].name)) {
                return false;
            }
        }
    }
    for (size_t i = 0; i < part->n; i++) {
        if (has_keys(files, part->first + i)) {
            return false;
        }
    }
    return mapped > 0 && !files->anywhere;
}

static int fail_names(const struct builder *builder, const struct part *part)
{
    return corrie_fail(builder->err, CORRIE_E_UNSUPPORTED,
                       "%.*s: names of its columns cannot be told apart in SQL, or are those that "
                       "DuckDB gives to files and positions",
                       STR_FMT(builder->files->files[part->first].path));
}

static int add_part(struct builder *builder, const struct part *part)
{
    bool plain = part->one_layout && !names_collide(builder, part);
    bool own = !names_virtual(builder->files) || !asks_for_file(builder, part);
    enum mapping mapping = plain ? MAPPING_NONE : part->by_id ? MAPPING_ID : MAPPING_NAME;
    int r;

    if (mapping == MAPPING_NAME && !maps_by_name(builder, part)) {
        return fail_names(builder, part);
    }
    r = add_columns(builder, part, mapping, own);
    if (r < 0) {
        return corrie_wrap(builder->err, "%.*s", STR_FMT(builder->files->files[part->first].path));
    }
    add_reader(builder, part);
    if (mapping != MAPPING_NONE) {
        add_mapping(builder, part, mapping, own);
    }
    buf_add_char(builder->out, ')');
    return add_deletes(builder, part);
}

int files_select(const struct files *files, struct buf *out, corrie_error *err)
{
    struct builder builder = {.files = files, .out = out, .err = err};
    int r = cut(&builder);

    buf_add_char(out, '(');
    for (size_t i = 0; r >= 0 && i < builder.parts.count; i++) {
        buf_add_text(out, i > 0 ? " UNION ALL " : "");
        r = add_part(&builder, &builder.parts.items[i]);
    }
    buf_add_char(out, ')');
    vec_done(&builder.parts);
    arena_done(&builder.arena);
    return r < 0 ? r : 0;
}
