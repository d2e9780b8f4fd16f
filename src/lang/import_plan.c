/* import_plan.c — plans of tables as YAML. */
#include "lang/import_plan.h"

#include "base/limits.h"
#include "lang/yaml_priv.h"

/* ---- writing ---- */

/* In double quotes: what needs no escape in JSON needs none here. */
static void add_text(struct buf *out, struct str text)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c < 0x20 || c == 0x7f) {
            buf_addf(out, "\\x%02x", c);
        } else {
            buf_add_text(out, c == '"' || c == '\\' ? "\\" : "");
            buf_add_char(out, (char)c);
        }
    }
    buf_add_char(out, '"');
}

int import_plan_format(const struct import_plan *plan, struct buf *out, corrie_error *err)
{
    size_t undecided = 0;

    for (size_t i = 0; i < plan->n_columns; i++) {
        undecided += plan->columns[i].type.len == 0;
    }
    buf_add_text(
        out,
        "# A table to be made of these files: corrie table create-plan-apply --plan THIS-FILE\n");
    if (undecided > 0) {
        buf_addf(out, "# %zu column%s: files disagree. Write a type for each null, then apply.\n",
                 undecided, undecided == 1 ? "" : "s");
    }
    buf_add_text(out, "version: 1\ntable: ");
    add_text(out, plan->table);
    if (plan->branch.len > 0) {
        buf_add_text(out, "\nbranch: ");
        add_text(out, plan->branch);
    }
    buf_add_text(out, "\nfrom:");
    for (size_t i = 0; i < plan->n_from; i++) {
        buf_add_text(out, "\n  - ");
        add_text(out, plan->from[i]);
    }
    if (plan->partitioned_by.len > 0) {
        buf_add_text(out, "\npartitioned_by: ");
        add_text(out, plan->partitioned_by);
    }
    buf_add_text(out, "\ncolumns:\n");
    for (size_t i = 0; i < plan->n_columns; i++) {
        const struct import_plan_column *column = &plan->columns[i];

        buf_add_text(out, "  - name: ");
        add_text(out, column->name);
        buf_add_text(out, "\n    type: ");
        if (column->type.len == 0) {
            buf_add_text(out, "null");
        } else {
            add_text(out, column->type);
        }
        buf_add_text(out, column->n_choices > 0 ? "\n    conflict:\n" : "\n");
        for (size_t k = 0; k < column->n_choices; k++) {
            buf_add_text(out, "      - type: ");
            add_text(out, column->choices[k].type);
            buf_add_text(out, "\n        file: ");
            add_text(out, column->choices[k].file);
            buf_add_char(out, '\n');
        }
    }
    return buf_check(out, err);
}

/* ---- reading ---- */

struct parse {
    const char *file;
    struct str source;
    struct arena *arena;
    bool undecided;
    corrie_error *err;
};

static int fail_at(const struct parse *parse, const struct yaml_node *node, int code,
                   const char *message)
{
    corrie_fail(parse->err, code, "%s", message);
    return corrie_error_at_offset(parse->err, parse->file, parse->source, node->offset,
                                  node->length);
}

static int take_text(const struct parse *parse, const struct yaml_node *node, struct str *ret)
{
    if (node->kind == YAML_NULL) {
        return 0;
    }
    if (node->kind != YAML_TEXT) {
        return fail_at(parse, node, CORRIE_E_PROJECT, "a text is expected here");
    }
    *ret = node->text;
    return 0;
}

static int take_type(const struct parse *parse, const struct yaml_node *node,
                     struct import_plan_column *column)
{
    int r = take_text(parse, node, &column->type);

    if (r >= 0 && column->type.len == 0 && !parse->undecided) {
        return fail_at(parse, node, CORRIE_E_DATA, "the type of this column is not decided");
    }
    column->offset = node->offset;
    column->length = node->length;
    return r;
}

static int take_column(const struct parse *parse, const struct yaml_node *node,
                       struct import_plan_column *ret)
{
    struct import_plan_column column = {0};
    const struct yaml_node *type = NULL;
    int r = 0;

    if (node->kind != YAML_MAP) {
        return fail_at(parse, node, CORRIE_E_PROJECT, "a column with name and type is expected");
    }
    for (const struct yaml_node *item = node->first; r >= 0 && item; item = item->next) {
        if (str_eq(item->key->text, STR("name"))) {
            r = take_text(parse, item, &column.name);
        } else if (str_eq(item->key->text, STR("type"))) {
            type = item;
        } else if (!str_eq(item->key->text, STR("conflict"))) {
            r = fail_at(parse, item->key, CORRIE_E_PROJECT,
                        "a column has name, type and conflict alone");
        }
    }
    if (r >= 0 && column.name.len == 0) {
        r = fail_at(parse, node, CORRIE_E_PROJECT, "a column without a name");
    }
    if (r >= 0 && !type) {
        r = fail_at(parse, node, CORRIE_E_PROJECT, "a column without a type");
    }
    r = r < 0 ? r : take_type(parse, type, &column);
    if (r >= 0) {
        *ret = column;
    }
    return r;
}

static int take_columns(const struct parse *parse, const struct yaml_node *node,
                        struct import_plan *plan)
{
    struct import_plan_column *columns;
    size_t n = 0;
    int r = 0;

    if (node->kind != YAML_LIST || !node->first) {
        return fail_at(parse, node, CORRIE_E_PROJECT, "a list of columns is expected");
    }
    for (const struct yaml_node *item = node->first; item; item = item->next) {
        n++;
    }
    if (n > CORRIE_MAX_COLUMNS) {
        return corrie_fail(parse->err, CORRIE_E_LIMIT, "%s: more than %d columns", parse->file,
                           CORRIE_MAX_COLUMNS);
    }
    columns = arena_array(parse->arena, struct import_plan_column, n);
    if (!columns) {
        return corrie_fail_memory(parse->err);
    }
    n = 0;
    for (const struct yaml_node *item = node->first; r >= 0 && item; item = item->next) {
        r = take_column(parse, item, &columns[n]);
        for (size_t i = 0; r >= 0 && i < n; i++) {
            if (str_eq_nocase(columns[i].name, columns[n].name)) {
                r = fail_at(parse, item, CORRIE_E_PROJECT,
                            "a column of this name is there already");
            }
        }
        n++;
    }
    plan->columns = columns;
    plan->n_columns = n;
    return r;
}

static int take_member(const struct parse *parse, const struct yaml_node *item,
                       struct import_plan *plan)
{
    struct str key = item->key->text;
    struct str version = STR_EMPTY;
    int r;

    if (str_eq(key, STR("table"))) {
        return take_text(parse, item, &plan->table);
    }
    if (str_eq(key, STR("branch"))) {
        return take_text(parse, item, &plan->branch);
    }
    if (str_eq(key, STR("partitioned_by"))) {
        return take_text(parse, item, &plan->partitioned_by);
    }
    if (str_eq(key, STR("columns"))) {
        return take_columns(parse, item, plan);
    }
    if (str_eq(key, STR("from"))) {
        return 0;
    }
    if (!str_eq(key, STR("version"))) {
        return fail_at(parse, item->key, CORRIE_E_PROJECT, "no such key in a plan");
    }
    r = take_text(parse, item, &version);
    return r < 0 || str_eq(version, STR("1"))
               ? r
               : fail_at(parse, item, CORRIE_E_PROJECT, "this program reads plans of version 1");
}

int import_plan_parse(const char *file, struct str source, bool undecided, struct arena *arena,
                      struct import_plan *ret, corrie_error *err)
{
    const struct parse parse = {file, source, arena, undecided, err};
    struct import_plan plan = {0};
    struct yaml_node *root = NULL;
    int r;

    if (source.len > CORRIE_MAX_PROJECT) {
        return corrie_fail(err, CORRIE_E_LIMIT, "%s: a plan of more than %zu bytes", file,
                           CORRIE_MAX_PROJECT);
    }
    r = yaml_parse(file, source, arena, &root, err);
    if (r < 0) {
        return r;
    }
    if (!root || root->kind != YAML_MAP) {
        corrie_fail(err, CORRIE_E_PROJECT, "%s is no plan of a table", file);
        return corrie_hint(err, "corrie table create-plan makes one");
    }
    for (const struct yaml_node *item = root->first; r >= 0 && item; item = item->next) {
        r = take_member(&parse, item, &plan);
    }
    if (r < 0) {
        return r;
    }
    if (plan.table.len == 0 || plan.n_columns == 0) {
        corrie_fail(err, CORRIE_E_PROJECT, "%s: the plan has no %s", file,
                    plan.table.len == 0 ? "table" : "columns");
        return corrie_error_at(err, file, 0, 0, 0, STR_EMPTY);
    }
    *ret = plan;
    return 0;
}
