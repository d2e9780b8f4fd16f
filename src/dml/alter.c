/* alter.c — ALTER TABLE: the shells of actions become edits of metadata. */
#include "lake/alter.h"

#include "dml/dml_priv.h"
#include "lang/name.h"
#include "lang/partition.h"

/* Edits gathered, each beside the action that it came from. */
struct altering {
    struct dml *dml;
    struct lake_target target;
    struct str ns;
    struct str name; /* changes where the table is renamed on the way */
};

static int at_path(const struct dml *dml, const struct sql_path *path, corrie_error *err)
{
    const struct sql_name *first = &path->parts[0];
    const struct sql_name *last = &path->parts[path->n_parts - 1];

    return corrie_error_at_offset(err, dml->file, dml->source, first->offset,
                                  last->offset + last->length - first->offset);
}

static int at_text(const struct dml *dml, struct str piece, corrie_error *err)
{
    return corrie_error_at_offset(err, dml->file, dml->source, statement_offset(dml->source, piece),
                                  piece.len);
}

/* One edit of the table, as it is after those before. */
static int alter_table(struct altering *a, struct lake_alter *alter, corrie_error *err)
{
    int r;

    alter->ns = a->ns;
    alter->name = a->name;
    if (a->dml->options->dry_run) {
        return 0;
    }
    r = lake_tx_alter(a->dml->tx, alter, &a->dml->arena, NULL, err);
    return r < 0 ? r : 0;
}

/* ---- columns ---- */

/* The names of a path as the table has them: SQL does not tell cases apart, Iceberg does. What is not found stays. */
static int names_of(struct altering *a, const struct sql_path *path, struct str **ret,
                    bool *ret_found, corrie_error *err)
{
    const struct schema *schema = metadata_schema(a->target.metadata);
    const struct field *fields = schema->fields;
    size_t n_fields = schema->n_fields;
    struct str *names = arena_array(&a->dml->arena, struct str, path->n_parts);

    if (!names) {
        return corrie_fail_memory(err);
    }
    *ret_found = true;
    for (size_t i = 0; i < path->n_parts; i++) {
        const struct field *exact = NULL;
        const struct field *other = NULL;

        for (size_t k = 0; k < n_fields; k++) {
            if (str_eq(fields[k].name, path->parts[i].text)) {
                exact = &fields[k];
            } else if (str_eq_nocase(fields[k].name, path->parts[i].text)) {
                other = &fields[k];
            }
        }
        exact = exact ? exact : other;
        names[i] = exact ? exact->name : path->parts[i].text;
        *ret_found &= exact != NULL;
        fields = exact ? exact->type.fields : NULL;
        n_fields = exact ? exact->type.n_fields : 0;
    }
    *ret = names;
    return 0;
}

/* A place is beside a column of the same struct: AFTER c, or the whole path of c. */
static int sibling_of(struct altering *a, const struct sql_path *path,
                      const struct sql_path *beside, struct str *ret, corrie_error *err)
{
    struct sql_path whole = *path;
    struct str *names;
    bool found;
    int r;

    for (size_t i = 0; i + 1 < beside->n_parts; i++) {
        if (beside->n_parts != path->n_parts ||
            !str_eq_nocase(beside->parts[i].text, path->parts[i].text)) {
            corrie_fail(err, CORRIE_E_USAGE, "AFTER names a column that is not beside this one");
            return at_path(a->dml, beside, err);
        }
    }
    whole.parts = arena_array(&a->dml->arena, struct sql_name, path->n_parts);
    if (!whole.parts) {
        return corrie_fail_memory(err);
    }
    memcpy(whole.parts, path->parts, path->n_parts * sizeof *path->parts);
    whole.parts[path->n_parts - 1] = beside->parts[beside->n_parts - 1];
    r = names_of(a, &whole, &names, &found, err);
    if (r >= 0) {
        *ret = names[whole.n_parts - 1];
    }
    return r;
}

static int place_of(struct altering *a, const struct sql_alter *action, struct column_edit *edit,
                    corrie_error *err)
{
    int r = 0;

    if (action->place.kind == SQL_FIRST) {
        edit->place = PLACE_FIRST;
    } else if (action->place.kind == SQL_AFTER) {
        edit->place = PLACE_AFTER;
        r = sibling_of(a, &action->path, &action->place.after, &edit->beside, err);
    }
    return r;
}

static int take_type(struct altering *a, struct str text, struct str column, struct type **ret,
                     corrie_error *err)
{
    int r;

    *ret = arena_new(&a->dml->arena, struct type);
    if (!*ret) {
        return corrie_fail_memory(err);
    }
    r = type_from_sql(text, column, &a->dml->arena, *ret, err);
    return r < 0 ? at_text(a->dml, text, err) : 0;
}

/* Counts nulls in the files that may hold some. */
static int count_nulls(struct altering *a, struct str column, int64_t *ret, corrie_error *err)
{
    _cleanup_(compose_done) struct compose sql = {0};
    struct dml *dml = a->dml;
    struct engine_scan_filter filter = {.optional = true};
    const struct engine_scan scan = {.filters = &filter, .n_filters = 1};
    struct dml_numbers numbers;
    size_t condition;
    int r;

    compose_text(&sql, "SELECT count(*) FROM " DML_TARGET " WHERE ");
    condition = sql.text.len;
    compose_name(&sql, column);
    compose_text(&sql, " IS NULL");
    r = compose_check(&sql, err);
    if (r < 0) {
        return r;
    }
    filter.sql = str_from(buf_str(&sql.text), condition);
    r = lake_target_scan(dml->tx, &a->target, &scan, 1, &dml->arena, err);
    dml->report.files_read = r < 0 ? 0 : (int64_t)a->target.scan.n_files;
    dml->report.files_pruned = r < 0 ? 0 : (int64_t)a->target.scan.n_pruned;
    r = r < 0 ? r
              : lake_target_define(&a->target, dml_engine(dml), STR(DML_SPACE), STR("target"), NULL,
                                   0, err);
    r = r < 0 ? r : dml_numbers(dml, &sql, 1, &numbers, err);
    if (r >= 0) {
        *ret = numbers.rows > 0 ? numbers.values[0] : 0;
    }
    return r;
}

static int check_no_nulls(struct altering *a, const struct str *path, size_t n_path,
                          corrie_error *err)
{
    int64_t n = 0;
    int r = n_path == 1 ? count_nulls(a, path[0], &n, err) : 0; /* else the edit is refused */

    if (r < 0 || n == 0) {
        return r;
    }
    corrie_fail(err, CORRIE_E_DATA, "%lld row%s no value of %.*s", (long long)n,
                n == 1 ? " has" : "s have", STR_FMT(path[0]));
    return corrie_hint(err, "UPDATE … SET gives them one, DELETE … WHERE %.*s IS NULL removes them",
                       STR_FMT(path[0]));
}

/* 1: the edit is made; 0: IF [NOT] EXISTS says that there is nothing to do. */
static int column_edit_of(struct altering *a, const struct sql_alter *action,
                          struct column_edit *ret, corrie_error *err)
{
    struct str *names;
    struct type *type;
    bool found;
    int r;

    r = names_of(a, &action->path, &names, &found, err);
    if (r < 0) {
        return r;
    }
    *ret = (struct column_edit){.path = names, .n_path = action->path.n_parts};
    r = place_of(a, action, ret, err);
    switch (action->action) {
    case ALTER_ADD_COLUMN:
        if (found && action->if_exists) {
            return 0;
        }
        if (!found) {
            names[action->path.n_parts - 1] = action->column.name.text;
        }
        ret->kind = COLUMN_ADD;
        ret->doc = action->column.comment;
        ret->required = action->column.required;
        r = r < 0 ? r : take_type(a, action->column.type, action->column.name.text, &type, err);
        ret->type = r < 0 ? NULL : type;
        break;
    case ALTER_DROP_COLUMN:
        if (!found && action->if_exists) {
            return 0;
        }
        ret->kind = COLUMN_DROP;
        break;
    case ALTER_RENAME_COLUMN:
        ret->kind = COLUMN_RENAME;
        ret->name = action->name.text;
        break;
    case ALTER_TYPE:
        ret->kind = COLUMN_TYPE;
        r = r < 0 ? r : take_type(a, action->text, names[action->path.n_parts - 1], &type, err);
        ret->type = r < 0 ? NULL : type;
        break;
    case ALTER_DROP_NOT_NULL:
        ret->kind = COLUMN_OPTIONAL;
        break;
    case ALTER_SET_NOT_NULL:
        ret->kind = COLUMN_REQUIRED;
        r = r < 0 || !found ? r : check_no_nulls(a, names, action->path.n_parts, err);
        break;
    case ALTER_COMMENT:
        ret->kind = COLUMN_DOC;
        ret->doc = action->value;
        break;
    default:
        ret->kind = COLUMN_MOVE;
        break;
    }
    return r < 0 ? r : 1;
}

static int alter_column(struct altering *a, const struct sql_alter *action, corrie_error *err)
{
    struct column_edit edit;
    struct lake_alter alter = {.columns = &edit, .n_columns = 1};
    int r;

    if (action->action == ALTER_RENAME_COLUMN || action->action == ALTER_ADD_COLUMN) {
        r = name_check_column(
            action->action == ALTER_ADD_COLUMN ? action->column.name.text : action->name.text, err);
        if (r < 0) {
            return at_path(a->dml, &action->path, err);
        }
    }
    r = column_edit_of(a, action, &edit, err);
    if (r == 0) {
        a->dml->report.note = "nothing had to be done";
    }
    if (r > 0) {
        r = alter_table(a, &alter, err);
        if (r == CORRIE_E_USAGE && action->action == ALTER_TYPE && !err->hint) {
            corrie_hint(err,
                        "rows are not rewritten by ALTER: CREATE OR REPLACE TABLE %.*s AS SELECT "
                        "CAST(… AS …) … does that",
                        STR_FMT(a->name));
        }
    }
    return r < 0 && err->position.line == 0 ? at_path(a->dml, &action->path, err) : r;
}

/* ---- partition fields ---- */

static int parse_terms(struct altering *a, struct str text, struct partition_by_term **ret,
                       size_t *ret_n, corrie_error *err)
{
    int r = partition_parse(text, &a->dml->arena, ret, ret_n, err);

    if (r < 0) {
        size_t column = err->position.column > 0 ? (size_t)err->position.column - 1 : 0;

        return corrie_error_at_offset(err, a->dml->file, a->dml->source,
                                      statement_offset(a->dml->source, text) + column, 1);
    }
    return 0;
}

static int one_term(struct altering *a, struct str text, struct partition_term *ret,
                    corrie_error *err)
{
    struct partition_by_term *terms;
    const struct field *field;
    size_t n;
    int r = parse_terms(a, text, &terms, &n, err);

    if (r >= 0 && n != 1) {
        corrie_fail(err, CORRIE_E_PROJECT, "one column or transform of one was expected");
        r = at_text(a->dml, text, err);
    }
    if (r < 0) {
        return r;
    }
    r = dml_find_source(a->dml, metadata_schema(a->target.metadata), &terms[0], text, &field, err);
    if (r >= 0) {
        *ret = (struct partition_term){.source_id = field->id, .transform = terms[0].transform};
    }
    return r;
}

/* The field of the default spec that a text means: by its name, or as a term. */
static int dropped_field(struct altering *a, struct str text, struct spec_edit *ret,
                         corrie_error *err)
{
    const struct partition_spec *spec = metadata_spec(a->target.metadata);
    struct table_name ignored;
    _error_ corrie_error none = CORRIE_ERROR_INIT;
    struct str name = text;

    *ret = (struct spec_edit){.kind = SPEC_DROP};
    if (text.len > 2 && text.data[0] == '"') {
        name = table_name_parse(text, &ignored, &none) >= 0 ? ignored.table : text;
    }
    for (size_t i = 0; i < spec->n_fields; i++) {
        if (str_eq(spec->fields[i].name, name)) {
            ret->field = spec->fields[i].name;
            return 0;
        }
    }
    return one_term(a, text, &ret->term, err);
}

static int alter_fields(struct altering *a, const struct sql_alter *action, corrie_error *err)
{
    struct spec_edit edits[2] = {{0}};
    struct lake_alter alter = {.partition_fields = edits};
    struct str added = action->action == ALTER_REPLACE_PARTITION ? action->with : action->text;
    int r = 0;

    if (action->action != ALTER_ADD_PARTITION) {
        r = dropped_field(a, action->text, &edits[alter.n_partition_fields++], err);
    }
    if (r >= 0 && action->action != ALTER_DROP_PARTITION) {
        struct spec_edit *edit = &edits[alter.n_partition_fields++];

        edit->kind = SPEC_ADD;
        r = one_term(a, added, &edit->term, err);
        edit->term.name = action->name.text;
    }
    if (r >= 0) {
        r = alter_table(a, &alter, err);
    }
    return r < 0 && err->position.line == 0 ? at_text(a->dml, action->text, err) : r;
}

/* The whole spec at once. */
static int alter_spec(struct altering *a, const struct sql_alter *action, corrie_error *err)
{
    struct lake_alter alter = {.repartition = true};
    struct partition_by_term *terms = NULL;
    struct partition_term *all;
    size_t n = 0;
    int r = action->text.len > 0 ? parse_terms(a, action->text, &terms, &n, err) : 0;

    if (r < 0) {
        return r;
    }
    all = arena_array(&a->dml->arena, struct partition_term, n);
    if (!all) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; r >= 0 && i < n; i++) {
        const struct field *field;

        r = dml_find_source(a->dml, metadata_schema(a->target.metadata), &terms[i], action->text,
                            &field, err);
        if (r >= 0) {
            all[i] =
                (struct partition_term){.source_id = field->id,
                                        .transform = terms[i].transform,
                                        .name = partition_field_name(
                                            field->name, terms[i].transform, true, &a->dml->arena)};
            r = all[i].name.data ? 0 : corrie_fail_memory(err);
        }
    }
    alter.partition_terms = all;
    alter.n_partition_terms = n;
    if (r >= 0) {
        r = alter_table(a, &alter, err);
    }
    return r < 0 && err->position.line == 0 && n > 0 ? at_text(a->dml, action->text, err) : r;
}

/* ---- sort order ---- */

/* The whole order at once. */
static int alter_order(struct altering *a, const struct sql_alter *action, corrie_error *err)
{
    struct lake_alter alter = {.reorder = true, .n_sort_terms = action->n_orders};
    struct sort_term *terms = arena_array(&a->dml->arena, struct sort_term, action->n_orders);
    int r = 0;

    if (!terms) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; r >= 0 && i < action->n_orders; i++) {
        const struct sql_order *order = &action->orders[i];
        struct partition_term term = {0};

        r = one_term(a, order->term, &term, err);
        terms[i] = (struct sort_term){.source_id = term.source_id,
                                      .transform = term.transform,
                                      .descending = order->descending,
                                      .nulls_last = order->nulls_last};
    }
    alter.sort_terms = terms;
    if (r >= 0) {
        r = alter_table(a, &alter, err);
    }
    return r < 0 && err->position.line == 0 && action->n_orders > 0
               ? at_text(a->dml, action->orders[0].term, err)
               : r;
}

/* ---- the rest ---- */

static int alter_property(struct altering *a, const struct sql_alter *action, corrie_error *err)
{
    struct property property = {.key = action->key};
    struct lake_alter alter = {.properties = &property, .n_properties = 1};
    struct str value;

    if (action->action == ALTER_SET_PROPERTY) {
        property.value = action->value;
    } else if (!metadata_property(a->target.metadata, action->key, &value)) {
        if (action->if_exists) {
            return 0;
        }
        corrie_fail(err, CORRIE_E_NOT_FOUND, "the table has no property %.*s",
                    STR_FMT(action->key));
        corrie_hint(err, "UNSET TBLPROPERTIES IF EXISTS passes over it");
        return corrie_error_at_offset(err, a->dml->file, a->dml->source, action->offset, 5);
    }
    return alter_table(a, &alter, err);
}

static int rename_table(struct altering *a, const struct sql_alter *action, corrie_error *err)
{
    struct str ns = action->ns.text.len > 0 ? action->ns.text : a->ns;
    int r = lake_tx_rename(a->dml->tx, a->ns, a->name, ns, action->name.text, err);

    if (r < 0) {
        return dml_at(a->dml, &action->name, err);
    }
    a->ns = ns;
    a->name = action->name.text;
    return 0;
}

static int alter_once(struct altering *a, const struct sql_alter *action, corrie_error *err)
{
    int r;

    lake_target_done(&a->target);
    r = lake_target_open(a->dml->tx, a->ns, a->name, &a->dml->arena, &a->target, err);
    if (r < 0) {
        return dml_at(a->dml, &a->dml->statement.table.name, err);
    }
    switch (action->action) {
    case ALTER_RENAME_TABLE:
        return rename_table(a, action, err);
    case ALTER_SET_PROPERTY:
    case ALTER_UNSET_PROPERTY:
        return alter_property(a, action, err);
    case ALTER_ADD_PARTITION:
    case ALTER_DROP_PARTITION:
    case ALTER_REPLACE_PARTITION:
        return alter_fields(a, action, err);
    case ALTER_SET_PARTITIONS:
        return alter_spec(a, action, err);
    case ALTER_SET_ORDER:
        return alter_order(a, action, err);
    default:
        return alter_column(a, action, err);
    }
}

int dml_alter(struct dml *dml, corrie_error *err)
{
    const struct statement *s = &dml->statement;
    struct lake_view view = lake_tx_view(dml->tx);
    struct altering altering = {
        .dml = dml, .ns = dml_namespace(dml, &s->table), .name = s->table.name.text};
    struct lake_table table;
    int r = 1;

    if (s->if_exists) {
        r = lake_table_find(&view, altering.ns, altering.name, &dml->arena, &table, err);
        if (r == 0) {
            dml->report.note = "there is no such table";
        }
    }
    if (r > 0) {
        r = 0;
        for (size_t i = 0; r >= 0 && i < s->n_alters; i++) {
            r = alter_once(&altering, &s->alters[i], err);
        }
    }
    lake_target_done(&altering.target);
    return r;
}
