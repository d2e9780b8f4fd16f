/* write_table.c — what a write makes of the table besides its rows: columns, partitioning, properties. */
#include "lake/write_priv.h"

#include "iceberg/alter.h"

void write_replace_base(struct writing *w, struct table_metadata *next)
{
    metadata_free(w->base);
    w->base = next;
    w->edited = true;
}

static int64_t now_ms(void)
{
    return clock_now() / 1000000;
}

/* ---- partitioning ---- */

static const struct field *find_path(const struct schema *schema, const struct str *path, size_t n)
{
    const struct field *fields = schema->fields;
    size_t n_fields = schema->n_fields;
    const struct field *found = NULL;

    for (size_t i = 0; i < n; i++) {
        found = NULL;
        for (size_t k = 0; k < n_fields && !found; k++) {
            found = str_eq(fields[k].name, path[i]) ? &fields[k] : NULL;
        }
        if (!found || (i + 1 < n && found->type.kind != TYPE_STRUCT)) {
            return NULL;
        }
        fields = found->type.fields;
        n_fields = found->type.n_fields;
    }
    return found;
}

/* The name that some spec of the table gives such a field already, or a new one. */
static struct str field_name(const struct table_metadata *metadata, int source_id,
                             const struct partition_by_term *term, struct arena *arena)
{
    _cleanup_(buf_done) struct buf column = {0};
    bool partitioned = false;

    for (size_t i = metadata->n_specs; i-- > 0;) {
        const struct partition_spec *spec = &metadata->specs[i];

        for (size_t k = 0; k < spec->n_fields; k++) {
            if (spec->fields[k].source_id == source_id &&
                str_eq(spec->fields[k].transform, term->transform)) {
                return spec->fields[k].name;
            }
            partitioned = true;
        }
    }
    for (size_t i = 0; i < term->n_path; i++) {
        buf_add_text(&column, i ? "." : "");
        buf_add_str(&column, term->path[i]);
    }
    return column.failed
               ? (struct str){NULL, 0}
               : partition_field_name(buf_str(&column), term->transform, partitioned, arena);
}

int lake_partition_terms(const struct table_metadata *metadata,
                         const struct partition_by_term *terms, size_t n, struct arena *arena,
                         struct partition_term **ret, corrie_error *err)
{
    const struct schema *schema = metadata_schema(metadata);
    struct partition_term *made = arena_array(arena, struct partition_term, n);

    if (!made) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        const struct field *field = find_path(schema, terms[i].path, terms[i].n_path);
        _cleanup_(buf_done) struct buf text = {0};
        struct transform transform;
        struct type type;
        struct str name;

        partition_terms_print(&terms[i], 1, &text);
        if (!field) {
            if (find_path(schema, terms[i].path, 1)) {
                corrie_fail(err, CORRIE_E_NOT_FOUND, "there is no such field in the column");
            } else {
                (void)schema_fail_column(schema, terms[i].path[0], err);
            }
            return corrie_wrap(err, "partition by %s", buf_text(&text));
        }
        if (!transform_parse(terms[i].transform, &transform) ||
            !transform_result(&transform, &field->type, &type)) {
            _cleanup_(buf_done) struct buf type_text = {0};

            type_print(&field->type, &type_text);
            return corrie_fail(err, CORRIE_E_USAGE,
                               "partition by %s: the column is %s, which has no such transform",
                               buf_text(&text), buf_text(&type_text));
        }
        name = field_name(metadata, field->id, &terms[i], arena);
        if (!name.data || arena_str(arena, name, &name) < 0) {
            return corrie_fail_memory(err);
        }
        made[i] = (struct partition_term){
            .source_id = field->id, .transform = terms[i].transform, .name = name};
    }
    *ret = made;
    return 0;
}

/* The names that lead to a field; 0 if there is none. Fields of lists and maps are no source of a partition. */
static size_t path_to(const struct field *fields, size_t n, int id, struct str *path, size_t depth)
{
    for (size_t i = 0; i < n && depth < CORRIE_MAX_TYPE_DEPTH; i++) {
        size_t found = fields[i].id == id ? depth + 1 : 0;

        if (!found && fields[i].type.kind == TYPE_STRUCT) {
            found = path_to(fields[i].type.fields, fields[i].type.n_fields, id, path, depth + 1);
        }
        if (found) {
            path[depth] = fields[i].name;
            return found;
        }
    }
    return 0;
}

void lake_partitions_print(const struct table_metadata *metadata, struct buf *out)
{
    const struct partition_spec *spec = metadata_spec(metadata);
    const struct schema *schema = metadata_schema(metadata);
    bool first = true;

    for (size_t i = 0; i < spec->n_fields; i++) {
        struct str path[CORRIE_MAX_TYPE_DEPTH];
        struct partition_by_term term = {.path = path, .transform = spec->fields[i].transform};

        term.n_path = path_to(schema->fields, schema->n_fields, spec->fields[i].source_id, path, 0);
        if (term.n_path == 0 || str_eq(term.transform, STR("void"))) {
            continue; /* a field that was dropped: in version 1 it stays in its place */
        }
        buf_add_text(out, first ? "" : ", ");
        partition_terms_print(&term, 1, out);
        first = false;
    }
}

static int set_spec(struct writing *w, corrie_error *err)
{
    struct partition_term *terms;
    struct table_metadata *next;
    int r;

    r = lake_partition_terms(w->base, w->write->partition_by, w->write->n_partition_by, w->arena,
                             &terms, err);
    if (r < 0) {
        return r;
    }
    r = metadata_with_spec(w->base, terms, w->write->n_partition_by, now_ms(), &next, err);
    if (r < 0) {
        return r;
    }
    write_replace_base(w, next);
    return 0;
}

/* The table's own spec, which must make sense for the columns that a replacement brings. */
static int keep_spec(const struct writing *w, corrie_error *err)
{
    const struct partition_spec *spec = metadata_spec(w->base);

    for (size_t i = 0; i < spec->n_fields; i++) {
        const struct partition_field *field = &spec->fields[i];
        const struct field *source = schema_find_id(metadata_schema(w->base), field->source_id);
        struct transform transform;
        struct type type;

        if (!source || !transform_parse(field->transform, &transform) ||
            !transform_result(&transform, &source->type, &type)) {
            corrie_fail(err, CORRIE_E_DATA,
                        "the table is partitioned by %.*s, whose column the new rows have not, or "
                        "of another type",
                        STR_FMT(field->name));
            return corrie_hint(err, "say by what the table is to be partitioned: --partitioned-by, "
                                    "with '' for not at all");
        }
    }
    return 0;
}

/* Terms for a table that exists and keeps its rows are what a person believes of it. */
static int check_spec(struct writing *w, corrie_error *err)
{
    const struct partition_spec *spec = metadata_spec(w->base);
    struct partition_term *terms;
    bool same = spec->n_fields == w->write->n_partition_by;
    int r;

    if (w->write->n_partition_by == 0) {
        return 0;
    }
    r = lake_partition_terms(w->base, w->write->partition_by, w->write->n_partition_by, w->arena,
                             &terms, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; same && i < spec->n_fields; i++) {
        same = spec->fields[i].source_id == terms[i].source_id &&
               str_eq(spec->fields[i].transform, terms[i].transform);
    }
    if (!same) {
        _cleanup_(buf_done) struct buf text = {0};

        lake_partitions_print(w->base, &text);
        corrie_fail(err, CORRIE_E_DATA, "the table is partitioned otherwise: %s%s",
                    text.len > 0 ? "by " : "not at all", buf_text(&text));
        return corrie_hint(err, "leave the partitioning out, replace the table, or change it with "
                                "ALTER TABLE");
    }
    return 0;
}

/* ---- columns ---- */

/* A type that holds what is there and what comes: structs get further fields (of id 0), numbers the wider of the two.
 * *changed is set where it is not `old`. */
static int merge_type(const struct type *old, const struct type *given, struct arena *arena,
                      struct type *ret, bool *changed, corrie_error *err);

static int merge_fields(const struct type *old, const struct type *given, struct arena *arena,
                        struct type *ret, bool *changed, corrie_error *err)
{
    struct field *fields = arena_array(arena, struct field, old->n_fields + given->n_fields);
    int r = 0;

    if (!fields) {
        return corrie_fail_memory(err);
    }
    *ret = *old;
    ret->fields = fields;
    for (size_t i = 0; i < old->n_fields; i++) {
        fields[i] = old->fields[i];
        for (size_t k = 0; r == 0 && k < given->n_fields; k++) {
            bool same = old->kind == TYPE_STRUCT
                            ? str_eq(given->fields[k].name, old->fields[i].name)
                            : k == i;

            if (same) {
                r = merge_type(&old->fields[i].type, &given->fields[k].type, arena, &fields[i].type,
                               changed, err);
            }
        }
    }
    for (size_t k = 0; r == 0 && old->kind == TYPE_STRUCT && k < given->n_fields; k++) {
        bool known = false;

        for (size_t i = 0; i < old->n_fields; i++) {
            known |= str_eq(given->fields[k].name, old->fields[i].name);
        }
        if (!known) {
            fields[ret->n_fields] = given->fields[k];
            fields[ret->n_fields].id = 0;
            fields[ret->n_fields++].required = false; /* older rows have no value */
            *changed = true;
        }
    }
    return r;
}

static int merge_type(const struct type *old, const struct type *given, struct arena *arena,
                      struct type *ret, bool *changed, corrie_error *err)
{
    *ret = *old;
    if (type_is_nested(old) && old->kind == given->kind) {
        return merge_fields(old, given, arena, ret, changed, err);
    }
    if (!type_is_nested(old) && !type_promotes(given, old) && type_promotes(old, given)) {
        *ret = *given;
        *changed = true;
    }
    return 0; /* whether a cast will do is for schema_fit to say */
}

static int set_schema(struct writing *w, const struct schema *wanted, corrie_error *err)
{
    struct table_metadata *next;
    struct schema schema;
    int r;

    r = metadata_replacement_schema(w->base, wanted, w->arena, &schema, err);
    if (r < 0 || schema_eq(&schema, metadata_schema(w->base))) {
        return r;
    }
    r = metadata_with_schema(w->base, &schema, now_ms(), &next, err);
    if (r < 0) {
        return r;
    }
    write_replace_base(w, next);
    return 0;
}

static int evolve(struct writing *w, corrie_error *err)
{
    const struct schema *old = metadata_schema(w->base);
    const struct schema *given = w->write->schema;
    const struct type before = {
        .kind = TYPE_STRUCT, .fields = old->fields, .n_fields = old->n_fields};
    const struct type more = {
        .kind = TYPE_STRUCT, .fields = given->fields, .n_fields = given->n_fields};
    struct schema wanted = *old;
    struct type merged;
    bool changed = false;
    int r;

    r = merge_fields(&before, &more, w->arena, &merged, &changed, err);
    if (r < 0 || !changed) {
        return r;
    }
    wanted.fields = merged.fields;
    wanted.n_fields = merged.n_fields;
    return set_schema(w, &wanted, err);
}

static int check_fit(struct writing *w, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    const struct schema *wanted = metadata_schema(w->base);
    struct fit fit;
    bool more = !w->write->evolve;
    int r;

    r = schema_fit(w->write->schema, wanted, false, w->arena, &fit, err);
    if (r < 0 || fit.n_problems == 0) {
        return r;
    }
    for (size_t i = 0; i < fit.n_problems; i++) {
        const struct fit_problem *problem = &fit.problems[i];

        more &= problem->kind == FIT_EXTRA ||
                (problem->kind == FIT_TYPE && type_promotes(problem->wanted, problem->given));
    }
    fit_describe(&fit, &text);
    corrie_fail(err, CORRIE_E_DATA, "the columns do not fit the table's: %s", buf_text(&text));
    return corrie_hint(err, more ? "with --evolve the table gets new columns and wider types; else "
                                   "give the table's columns, or replace the table"
                                 : "give the table's columns, or replace the table");
}

/* ---- all ---- */

static int set_properties(struct writing *w, corrie_error *err)
{
    struct table_metadata *next;
    int r;

    if (w->write->n_properties == 0) {
        return 0;
    }
    r = metadata_with_properties(w->base, w->write->properties, w->write->n_properties, now_ms(),
                                 &next, err);
    if (r < 0) {
        return r;
    }
    write_replace_base(w, next);
    return 0;
}

static int prepare_replace(struct writing *w, corrie_error *err)
{
    int r;

    r = set_schema(w, w->write->schema, err);
    if (r < 0) {
        return r;
    }
    if (w->write->partitioning == LAKE_PARTITION_KEEP) {
        return keep_spec(w, err);
    }
    w->unpartitioned = w->write->n_partition_by == 0;
    return w->unpartitioned ? 0 : set_spec(w, err);
}

static int prepare_append(struct writing *w, corrie_error *err)
{
    int r = 0;

    w->part = LAKE_WRITE_COLUMNS;
    if (w->write->evolve && w->write->schema) {
        r = evolve(w, err);
    }
    if (r >= 0 && w->write->schema) {
        r = check_fit(w, err);
    }
    if (r < 0) {
        return r;
    }
    w->part = LAKE_WRITE_PARTITION;
    return check_spec(w, err);
}

int write_prepare(struct writing *w, corrie_error *err)
{
    int r;

    if (!w->exists || w->write->external) {
        r = w->write->n_partition_by > 0 ? set_spec(w, err) : 0;
    } else {
        r = w->write->mode == LAKE_REPLACE ? prepare_replace(w, err) : prepare_append(w, err);
        if (r >= 0) {
            r = set_properties(w, err);
        }
    }
    if (r >= 0) {
        w->schema = *metadata_schema(w->base);
    }
    return r < 0 ? r : 0;
}
