/* schema.c — the columns that several files have together. */
#include <string.h>

#include "arrow/scalar.h"
#include "base/vec.h"
#include "ingest/ingest.h"

struct merged_column {
    struct field field;
    const struct ingest_file *first; /* the file that gave the type */
    size_t n_files;                  /* that have it */
    bool blank;                      /* no file had a value in it: any type may come */
    struct ingest_choice
        *choices; /* of files that disagree, while conflicts are listed; in an arena */
    size_t n_choices;
};

struct merged {
    struct arena *arena;
    bool lists; /* conflicts are listed, not refused */
    VEC(struct merged_column) columns;
};

/* Files of one kind have their columns at one place: `likely` is looked at first. Engines take names that differ in
 * case alone for one column, and so do we. */
static struct merged_column *find(struct merged *merged, struct str name, size_t likely)
{
    struct merged_column *found = NULL;

    if (likely < merged->columns.count && str_eq(merged->columns.items[likely].field.name, name)) {
        return &merged->columns.items[likely];
    }
    for (size_t i = 0; !found && i < merged->columns.count; i++) {
        if (str_eq_nocase(merged->columns.items[i].field.name, name)) {
            found = &merged->columns.items[i];
        }
    }
    return found;
}

static int fail_types(const struct merged_column *column, const struct ingest_file *file,
                      const struct type *type, corrie_error *err)
{
    _cleanup_(buf_done) struct buf first = {0};
    _cleanup_(buf_done) struct buf second = {0};

    type_print(&column->field.type, &first);
    type_print(type, &second);
    corrie_fail(err, CORRIE_E_DATA, "column %.*s is %s in %.*s and %s in %.*s",
                STR_FMT(column->field.name), buf_text(&first), STR_FMT(column->first->path),
                buf_text(&second), STR_FMT(file->path));
    return corrie_hint(err,
                       "import the files into different tables, settle the type by --columns, or "
                       "by a plan: corrie table create-plan");
}

static int add_choice(struct merged *merged, struct merged_column *column,
                      const struct ingest_file *file, const struct type *type, corrie_error *err)
{
    struct ingest_choice *more;

    for (size_t i = 0; i < column->n_choices; i++) {
        if (type_same(&column->choices[i].type, type)) {
            return 0;
        }
    }
    more = arena_array(merged->arena, struct ingest_choice, column->n_choices + 1);
    if (!more) {
        return corrie_fail_memory(err);
    }
    if (column->n_choices > 0) {
        memcpy(more, column->choices, column->n_choices * sizeof *more);
    }
    more[column->n_choices++] = (struct ingest_choice){*type, file->path};
    column->choices = more;
    return 0;
}

/* Types of text are what its values looked like: more of them may look like less. */
static bool is_text(const struct ingest_file *file)
{
    return file->source.format == ENGINE_FORMAT_CSV || file->source.format == ENGINE_FORMAT_JSON ||
           file->source.format == ENGINE_FORMAT_JSONL;
}

static bool widens(const struct type *from, const struct type *to, bool text)
{
    if (type_promotes(from, to)) {
        return true;
    }
    return text && ((from->kind == TYPE_LONG && to->kind == TYPE_DOUBLE) ||
                    (from->kind == TYPE_DATE && to->kind == TYPE_TIMESTAMP));
}

/* Brings the type of one file's column together with that of the files before. */
static int join_types(struct merged *merged, struct merged_column *column,
                      const struct ingest_file *file, const struct type *type, bool blank,
                      corrie_error *err)
{
    bool text = is_text(file) && is_text(column->first);

    if (blank && is_text(file)) {
        return 0;
    }
    if (column->blank && is_text(column->first)) {
        column->field.type = *type;
        column->first = file;
        column->blank = false;
        return 0;
    }
    if (column->n_choices == 0 && widens(&column->field.type, type, text)) {
        if (!type_same(&column->field.type, type)) {
            column->field.type = *type;
            column->first = file;
        }
        return 0;
    }
    if (column->n_choices == 0 && widens(type, &column->field.type, text)) {
        return 0;
    }
    if (!merged->lists) {
        return fail_types(column, file, type, err);
    }
    if (column->n_choices == 0) {
        int r = add_choice(merged, column, column->first, &column->field.type, err);

        if (r < 0) {
            return r;
        }
    }
    return add_choice(merged, column, file, type, err);
}

static int add_field(struct merged *merged, const struct ingest_file *file, size_t index,
                     corrie_error *err)
{
    const struct field *field = &file->source.columns.fields[index];
    struct merged_column *column = find(merged, field->name, index);
    bool blank = file->source.blank && file->source.blank[index];

    if (!column) {
        struct merged_column fresh = {.field = *field, .first = file, .n_files = 1, .blank = blank};

        return vec_push(&merged->columns, fresh) < 0 ? corrie_fail_memory(err) : 0;
    }
    column->field.required = column->field.required && field->required;
    column->n_files++;
    return join_types(merged, column, file, &field->type, blank, err);
}

static int merge(const struct ingest_file *files, size_t n, const struct schema *keys,
                 struct merged *merged, struct schema *ret, corrie_error *err)
{
    struct field *fields = NULL;
    size_t n_read = 0;
    size_t n_fields;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < n; i++) {
        n_read += ingest_counts(&files[i]);
        for (size_t c = 0;
             r >= 0 && ingest_counts(&files[i]) && c < files[i].source.columns.n_fields; c++) {
            r = add_field(merged, &files[i], c, err);
        }
    }
    n_fields = merged->columns.count + (keys ? keys->n_fields : 0);
    if (r >= 0) {
        fields = arena_array(merged->arena, struct field, n_fields);
        r = fields ? 0 : corrie_fail_memory(err);
    }
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < merged->columns.count; i++) {
        fields[i] = merged->columns.items[i].field;
        fields[i].required = fields[i].required && merged->columns.items[i].n_files == n_read;
    }
    for (size_t i = merged->columns.count; i < n_fields; i++) {
        fields[i] = keys->fields[i - merged->columns.count];
    }
    *ret = (struct schema){.fields = fields, .n_fields = n_fields};
    return 0;
}

int ingest_schema(const struct ingest_file *files, size_t n, const struct schema *keys,
                  struct arena *arena, struct schema *ret, corrie_error *err)
{
    struct merged merged = {.arena = arena};
    int r = merge(files, n, keys, &merged, ret, err);

    vec_done(&merged.columns);
    return r;
}

int ingest_conflicts(const struct ingest_file *files, size_t n, const struct schema *keys,
                     struct arena *arena, struct schema *ret,
                     struct ingest_conflict **ret_conflicts, size_t *ret_n, corrie_error *err)
{
    struct merged merged = {.arena = arena, .lists = true};
    struct ingest_conflict *conflicts = NULL;
    size_t count = 0;
    int r = merge(files, n, keys, &merged, ret, err);

    if (r >= 0) {
        conflicts = arena_array(arena, struct ingest_conflict, merged.columns.count);
        r = conflicts ? 0 : corrie_fail_memory(err);
    }
    for (size_t i = 0; r >= 0 && i < merged.columns.count; i++) {
        const struct merged_column *column = &merged.columns.items[i];

        if (column->n_choices > 0) {
            conflicts[count++] =
                (struct ingest_conflict){column->field.name, column->choices, column->n_choices};
        }
    }
    vec_done(&merged.columns);
    if (r >= 0) {
        *ret_conflicts = conflicts;
        *ret_n = count;
    }
    return r;
}

/* ---- keys of folders ---- */

struct key_column {
    struct str name;
    bool integer;
    bool date;
    bool any; /* a value that is not null */
};

static bool is_integer(struct str text)
{
    size_t at = text.len > 0 && text.data[0] == '-';

    if (at == text.len || text.len - at > 18) {
        return false;
    }
    for (; at < text.len; at++) {
        if (text.data[at] < '0' || text.data[at] > '9') {
            return false;
        }
    }
    return true;
}

static bool is_date(struct str text, struct arena *scratch)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct str value;

    return text.len == 10 && text.data[4] == '-' && text.data[7] == '-' &&
           scalar_from_text(&(struct type){.kind = TYPE_DATE}, text, scratch, &value, &ignored) >=
               0;
}

static void add_key(struct key_column *column, const struct engine_source_key *key,
                    struct arena *scratch)
{
    if (key->text.data) {
        column->integer = column->integer && is_integer(key->text);
        column->date = column->date && is_date(key->text, scratch);
        column->any = true;
    }
}

static int check_key(const struct ingest_file *file, struct str name, corrie_error *err)
{
    const struct schema *columns = &file->source.columns;
    ptrdiff_t at = schema_index_nocase(columns, name);

    if (at < 0) {
        return 0;
    }
    corrie_fail(err, CORRIE_E_DATA, "%.*s has a column %.*s, and its folder a key of that name",
                STR_FMT(file->name), STR_FMT(columns->fields[at].name));
    return corrie_hint(err, "--hive off takes the columns of the files alone");
}

int ingest_keys(struct ingest_file *files, size_t n, struct arena *arena, struct schema *ret,
                corrie_error *err)
{
    _cleanup_(arena_done) struct arena scratch = {0};
    VEC(struct key_column) columns = {0};
    struct field *fields = NULL;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < n; i++) {
        for (size_t k = 0; r >= 0 && ingest_counts(&files[i]) && k < files[i].n_keys; k++) {
            const struct engine_source_key *key = &files[i].keys[k];
            size_t at = 0;

            r = check_key(&files[i], key->name, err);
            while (at < columns.count && !str_eq_nocase(columns.items[at].name, key->name)) {
                at++;
            }
            if (r >= 0 && at == columns.count &&
                vec_push(&columns, ((struct key_column){key->name, true, true, false})) < 0) {
                r = corrie_fail_memory(err);
            }
            if (r >= 0) {
                add_key(&columns.items[at], key, &scratch);
            }
        }
        files[i].source.constants = files[i].keys;
        files[i].source.n_constants = files[i].n_keys;
    }
    if (r >= 0) {
        fields = arena_array(arena, struct field, columns.count);
        r = fields ? 0 : corrie_fail_memory(err);
    }
    for (size_t i = 0; r >= 0 && i < columns.count; i++) {
        const struct key_column *column = &columns.items[i];

        fields[i] = (struct field){.name = column->name};
        fields[i].type.kind = !column->any      ? TYPE_STRING
                              : column->integer ? TYPE_LONG
                              : column->date    ? TYPE_DATE
                                                : TYPE_STRING;
    }
    if (r >= 0) {
        *ret = (struct schema){.fields = fields, .n_fields = columns.count};
    }
    vec_done(&columns);
    return r;
}
