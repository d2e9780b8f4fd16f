/* api_diff_rows.c — samples of the rows that only one of two versions of a table has.
 *
 * Files that both versions have hold the same rows on both sides, so only the others are read: the difference of bags
 * of rows does not change when the same rows are taken from both. */
#include "lake/api_diff.h"

#include "base/map.h"
#include "lake/read.h"
#include "os/file.h"

enum { MAX_SAMPLE = 10000, MAX_SAMPLE_BYTES = 64 * 1024 * 1024 };

struct side {
    struct table_metadata *metadata;
    struct engine_table table;
    struct engine_file *files; /* those of the table that are read */
    size_t n_files;
};

static void side_done(struct side *side)
{
    metadata_free(side->metadata);
}

static int read_side(struct lake *lake, const struct lake_table *table, struct arena *arena,
                     struct side *ret, corrie_error *err)
{
    int r;

    if (!table) {
        return 0;
    }
    r = lake_table_metadata(lake, table, &ret->metadata, err);
    if (r < 0) {
        return r;
    }
    r = lake_read_table(lake, table, ret->metadata, arena, &ret->table, err);
    if (r < 0) {
        return r;
    }
    ret->files = arena_array(arena, struct engine_file, ret->table.n_files + 1);
    if (!ret->files) {
        return corrie_fail_memory(err);
    }
    ret->n_files = ret->table.n_files;
    memcpy(ret->files, ret->table.files, ret->n_files * sizeof *ret->files);
    return 0;
}

/* Leaves each side the files that the other has not; one that has deletes may have others there. */
static int drop_common(struct side *a, struct side *b)
{
    struct map of_a = {0};
    size_t n = 0;
    int r = 0;

    for (size_t i = 0; i < a->n_files && r >= 0; i++) {
        r = map_put(&of_a, a->files[i].path, &a->files[i]);
    }
    for (size_t i = 0; i < b->n_files && r >= 0; i++) {
        struct engine_file *same = map_get(&of_a, b->files[i].path);

        if (same && same->n_deletes + b->files[i].n_deletes == 0) {
            same->path = STR_EMPTY;
        } else {
            b->files[n++] = b->files[i];
        }
    }
    if (r >= 0) {
        b->n_files = n;
        n = 0;
        for (size_t i = 0; i < a->n_files; i++) {
            if (a->files[i].path.len > 0) {
                a->files[n++] = a->files[i];
            }
        }
        a->n_files = n;
    }
    map_done(&of_a);
    return r;
}

static bool share_columns(const struct schema *a, const struct schema *b)
{
    for (size_t i = 0; i < a->n_fields; i++) {
        for (size_t j = 0; j < b->n_fields; j++) {
            if (a->fields[i].id == b->fields[j].id) {
                return true;
            }
        }
    }
    return false;
}

/* Decimals as text, which keeps all their digits. */
static void add_columns(struct buf *sql, const struct schema *schema)
{
    for (size_t i = 0; i < schema->n_fields; i++) {
        const struct field *field = &schema->fields[i];
        bool exact = field->type.kind == TYPE_DECIMAL;

        buf_add_text(sql, i > 0 ? ", " : "");
        buf_add_text(sql, exact ? "CAST(" : "");
        buf_add_sql_name(sql, field->name);
        buf_add_text(sql, exact ? " AS VARCHAR) AS " : " AS ");
        buf_add_sql_name(sql, field->name);
    }
}

static int define(struct engine *engine, struct str name, const struct side *side,
                  const struct schema *schema, corrie_error *err)
{
    struct engine_table table = side->table;

    table.name_space = STR("diff");
    table.name = name;
    table.schema = schema;
    table.files = side->files;
    table.n_files = side->n_files;
    return engine_define_files(engine, &table, err);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A line of JSON as DuckDB writes it, with what JSON lacks (NaN, Infinity, -Infinity) as text. */
static void quote_words(struct str line, struct buf *out)
{
    bool in_string = false;

    for (size_t i = 0; i < line.len; i++) {
        char c = line.data[i];
        size_t n = 1;

        if (in_string && c == '\\') {
            n = 2;
        } else if (c == '"') {
            in_string = !in_string;
        } else if (!in_string && (c == '-' || is_letter(c))) {
            while (i + n < line.len && is_letter(line.data[i + n])) {
                n++;
            }
        }
        struct str word = str_slice(line, i, n);
        bool foreign =
            !in_string && (str_ends(word, STR("NaN")) || str_ends(word, STR("nan")) ||
                           str_ends(word, STR("Infinity")) || str_ends(word, STR("inf")));

        buf_add_text(out, foreign ? "\"" : "");
        buf_add_str(out, word);
        buf_add_text(out, foreign ? "\"" : "");
        i += n - 1;
    }
}

/* A list of the objects in a file, one a line. */
static int read_rows(const char *path, json_t **ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    _json_ json_t *rows = json_array();
    struct str rest;
    struct str line;
    int r;

    r = rows ? os_file_read(path, MAX_SAMPLE_BYTES, &text, err) : corrie_fail_memory(err);
    rest = buf_str(&text);
    while (r >= 0 && rest.len > 0) {
        _cleanup_(buf_done) struct buf clean = {0};
        json_t *row = NULL;

        (void)str_cut(rest, '\n', &line, &rest);
        if (line.len == 0) {
            continue;
        }
        quote_words(line, &clean);
        r = buf_check(&clean, err);
        r = r < 0 ? r : js_parse(buf_str(&clean), "a row", &row, err);
        if (r >= 0 && json_array_append_new(rows, row) < 0) {
            r = corrie_fail_memory(err);
        }
    }
    if (r >= 0) {
        *ret = TAKE_PTR(rows);
    }
    return r;
}

/* Rows that are in `name` and not in `other` (empty: all that are in `name`). */
static int sample(struct lake_workspace *workspace, const char *name, const char *other,
                  const struct schema *schema, size_t max, json_t **ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf path = {0};
    _cleanup_(buf_done) struct buf sql = {0};
    int64_t ignored;
    int r;

    buf_addf(&path, "%s/rows.jsonl", workspace->spill.path);
    buf_add_text(&sql, "SELECT ");
    add_columns(&sql, schema);
    buf_addf(&sql, " FROM (SELECT * FROM diff.\"%s\"", name);
    if (*other) {
        buf_addf(&sql, " EXCEPT ALL SELECT * FROM diff.\"%s\"", other);
    }
    buf_addf(&sql, ") ORDER BY ALL LIMIT %zu", max);
    r = buf_check(&sql, err);
    if (r >= 0) {
        r = buf_check(&path, err);
    }
    if (r >= 0) {
        r = engine_export(workspace->engine, buf_str(&sql), NULL, ENGINE_OUT_JSONL, buf_str(&path),
                          &ignored, err);
    }
    return r < 0 ? r : read_rows(buf_text(&path), ret, err);
}

/* Both sides under the schema of the later one, unless they have no column in common. */
static int compare(struct lake_workspace *workspace, const struct side *before,
                   const struct side *after, size_t max, json_t **ret_removed, json_t **ret_added,
                   corrie_error *err)
{
    const struct schema *old_schema = before->metadata ? metadata_schema(before->metadata) : NULL;
    const struct schema *new_schema = after->metadata ? metadata_schema(after->metadata) : NULL;
    bool shared = old_schema && new_schema && share_columns(old_schema, new_schema);
    int r = 0;

    old_schema = shared ? new_schema : old_schema;
    if (old_schema) {
        r = define(workspace->engine, STR("before"), before, old_schema, err);
    }
    if (r >= 0 && new_schema) {
        r = define(workspace->engine, STR("after"), after, new_schema, err);
    }
    if (r >= 0 && before->n_files > 0) {
        r = sample(workspace, "before", shared ? "after" : "", old_schema, max, ret_removed, err);
    }
    if (r >= 0 && after->n_files > 0) {
        r = sample(workspace, "after", shared ? "before" : "", new_schema, max, ret_added, err);
    }
    return r;
}

int api_row_changes(struct lake *lake, struct lake_workspace *workspace, const char *memory,
                    const struct lake_table *before, const struct lake_table *after, size_t max,
                    json_t *item, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(side_done) struct side old_side = {0};
    _cleanup_(side_done) struct side new_side = {0};
    const struct lake_table *table = after ? after : before;
    _json_ json_t *removed = NULL;
    _json_ json_t *added = NULL;
    int r;

    if (max > MAX_SAMPLE) {
        return corrie_fail(err, CORRIE_E_LIMIT, "samples of %zu rows, of at most %d", max,
                           MAX_SAMPLE);
    }
    r = read_side(lake, before, &arena, &old_side, err);
    if (r >= 0) {
        r = read_side(lake, after, &arena, &new_side, err);
    }
    if (r >= 0 && drop_common(&old_side, &new_side) < 0) {
        r = corrie_fail_memory(err);
    }
    if (r >= 0 && old_side.n_files + new_side.n_files > 0 && !workspace->engine) {
        r = lake_workspace_open(lake, memory, &(struct engine_options){0}, workspace, err);
    }
    if (r >= 0 && old_side.n_files + new_side.n_files > 0) {
        r = compare(workspace, &old_side, &new_side, max, &removed, &added, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "compare the rows of table %.*s.%.*s", STR_FMT(table->ns),
                           STR_FMT(table->name));
    }
    r = js_set(item, "rows_added", added ? TAKE_PTR(added) : json_array());
    r |= js_set(item, "rows_removed", removed ? TAKE_PTR(removed) : json_array());
    return r != 0 ? corrie_fail_memory(err) : 0;
}
