/* bind.c — SQL models: what they read, and what they give, before a byte is read. */
#include <stdlib.h>

#include "arrow/type.h"
#include "base/limits.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "plan/bind_cache.h"
#include "plan/build_priv.h"

struct place plan_place_at(const struct source_file *source, size_t offset, size_t width)
{
    struct place place = {.file = source->path, .line = 1, .column = 1, .width = (long)width};

    for (size_t i = 0; i < offset && i < source->text.len; i++) {
        place.column++;
        if (source->text.data[i] == '\n') {
            place.line++;
            place.column = 1;
        }
    }
    return place;
}

int plan_engine(struct planning *p, struct engine **ret, corrie_error *err)
{
    int r = 0;

    if (!p->engine) {
        r = p->catalog->engine
                ? p->catalog->engine(p->catalog->context, &p->engine, err)
                : corrie_fail(err, CORRIE_E_INTERNAL, "SQL is planned without an engine");
    }
    *ret = p->engine;
    return r;
}

/* ---- what a statement names --------------------------------------------------------------------- */

static int add_reference(struct planning *p, struct draft *draft,
                         const struct engine_table_ref *table, corrie_error *err)
{
    const struct source_file *source = draft->function->source;
    struct reference *reference = &draft->references[draft->n_references++];
    size_t width = table->name.len + (table->schema.len ? table->schema.len + 1 : 0);

    *reference = (struct reference){
        .place = plan_place_at(source, plan_map_offset(&draft->sql, table->offset), width),
    };
    if (table->catalog.len > 0) {
        corrie_fail(err, CORRIE_E_NOT_FOUND, "there is no database %.*s", STR_FMT(table->catalog));
        corrie_hint(err, "tables are named table or namespace.table");
        return place_error(p->project, &reference->place, err);
    }
    if (table->schema.len == 0) {
        reference->text = table->name;
        return 0;
    }
    char *text = arena_printf(p->arena, "%.*s.%.*s", STR_FMT(table->schema), STR_FMT(table->name));
    if (!text) {
        return corrie_fail_memory(err);
    }
    reference->text = str_of(text);
    return 0;
}

static int inspect(struct planning *p, const struct draft *draft, struct engine_statement *ret,
                   corrie_error *err)
{
    const struct source_file *source = draft->function->source;
    struct hash key = inspect_key(draft->sql.text);
    struct engine *engine;

    int r = inspect_load(p->options->cache, &key, p->arena, ret, err);
    if (r != 0) {
        return r;
    }
    r = plan_engine(p, &engine, err);
    if (r < 0) {
        return r;
    }
    r = engine_inspect(engine, draft->sql.text, source->path.data, p->arena, ret, err);
    if (r < 0 && err->position.line <= 0) {
        corrie_wrap(err, "%.*s", STR_FMT(source->path)); /* an empty file has no places */
        return place_error(p->project, &draft->function->place, err);
    }
    if (r < 0) {
        return plan_map_error(&draft->sql, source, err);
    }
    return inspect_store(p->options->cache, &key, ret, err);
}

int plan_inspect(struct planning *p, struct draft *draft, corrie_error *err)
{
    const struct source_file *source = draft->function->source;
    struct engine_statement statement;

    int r = plan_substitute(p, source, &draft->sql, err);
    if (r >= 0) {
        r = plan_note_valueless(p, source, &draft->sql, err);
    }
    if (r < 0) {
        return r;
    }
    r = inspect(p, draft, &statement, err);
    if (r < 0) {
        return r;
    }
    draft->makes_names = statement.makes_names;
    draft->references = arena_array(p->arena, struct reference, statement.n_tables + 1);
    if (!draft->references) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < statement.n_tables; i++) {
        r = add_reference(p, draft, &statement.tables[i], err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* ---- binding ------------------------------------------------------------------------------------ */

int plan_columns_schema(struct planning *p, const struct plan_columns *columns,
                        const struct schema **ret, corrie_error *err)
{
    int known = KNOWS_TYPES;
    struct schema *schema = arena_new(p->arena, struct schema);
    struct field *fields = arena_array(p->arena, struct field, columns->count + 1);

    if (!schema || !fields) {
        return corrie_fail_memory(err);
    }
    if (columns->open) {
        return KNOWS_NOTHING;
    }
    for (size_t i = 0; i < columns->count; i++) {
        fields[i] = (struct field){.name = columns->items[i].name};
        if (columns->items[i].type) {
            fields[i].type = *columns->items[i].type;
        } else {
            known = KNOWS_NAMES;
        }
    }
    schema->fields = fields;
    schema->n_fields = columns->count;
    *ret = schema;
    return known;
}

int plan_edge_schema(struct planning *p, const struct plan_edge *edge, const struct schema **ret,
                     corrie_error *err)
{
    if (edge->source != PLAN_NONE) {
        *ret = p->sources.items[edge->source].table.schema;
        return KNOWS_TYPES;
    }
    return plan_columns_schema(p, &p->plan->nodes[edge->node].output, ret, err);
}

static struct str edge_namespace(const struct planning *p, const struct plan_edge *edge)
{
    return edge->source != PLAN_NONE ? p->sources.items[edge->source].table_namespace
                                     : p->plan->nodes[edge->node].table_namespace;
}

static struct str edge_name(const struct planning *p, const struct plan_edge *edge)
{
    return edge->source != PLAN_NONE ? p->sources.items[edge->source].name
                                     : p->plan->nodes[edge->node].name;
}

/* Adds the AND of one scan's filters to the OR of all scans of its table. */
static void add_scan_filter(const struct engine_scan *scan, bool alone, struct buf *out)
{
    buf_add_text(out, out->len ? " OR " : "");
    buf_add_text(out, alone ? "" : "(");
    for (size_t i = 0; i < scan->n_filters; i++) {
        bool single = scan->n_filters == 1;
        buf_addf(out, "%s%s%.*s%s", i ? " AND " : "", single ? "" : "(",
                 STR_FMT(scan->filters[i].sql), single ? "" : ")");
    }
    buf_add_text(out, alone ? "" : ")");
}

static size_t count_scans(const struct engine_binding *binding, size_t table)
{
    size_t n = 0;

    for (size_t i = 0; i < binding->n_scans; i++) {
        n += binding->scans[i].table == table;
    }
    return n;
}

/* Unites the scans of table number `table`: columns of all, filters joined by OR. A table that no scan was
 * found for is read whole, never skipped. */
static int unite_scans(struct planning *p, const struct engine_binding *binding, size_t table,
                       const struct schema *schema, struct plan_edge *edge, corrie_error *err)
{
    _cleanup_(buf_done) struct buf filter = {0};
    _free_ bool *used = mem_alloc(schema->n_fields + 1, sizeof *used);
    size_t n_scans = count_scans(binding, table);
    bool whole = n_scans == 0, filtered = true;

    if (!used) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < binding->n_scans; i++) {
        const struct engine_scan *scan = &binding->scans[i];
        if (scan->table != table) {
            continue;
        }
        whole = whole || scan->whole;
        filtered = filtered && scan->n_filters > 0;
        for (size_t k = 0; k < scan->n_columns; k++) {
            whole = whole || scan->columns[k] >= schema->n_fields;
            used[scan->columns[k] % (schema->n_fields + 1)] = true;
        }
        if (scan->n_filters > 0) {
            add_scan_filter(scan, n_scans == 1, &filter);
        }
    }
    edge->all_columns = whole;
    if (edge->all_columns) {
        return 0;
    }
    edge->columns = arena_array(p->arena, struct str, schema->n_fields + 1);
    if (!edge->columns) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < schema->n_fields; i++) {
        if (used[i]) {
            edge->columns[edge->n_columns++] = schema->fields[i].name;
        }
    }
    if (!filtered) {
        return 0;
    }
    if (buf_check(&filter, err) < 0) {
        return err->code;
    }
    return arena_str(p->arena, buf_str(&filter), &edge->filter) < 0 ? corrie_fail_memory(err) : 0;
}

static int take_output(struct planning *p, const struct engine_binding *binding, bool typed,
                       struct plan_node *node, corrie_error *err)
{
    size_t n = binding->columns.n_fields;

    node->output.items = arena_array(p->arena, struct plan_column, n + 1);
    if (!node->output.items) {
        return corrie_fail_memory(err);
    }
    node->output.count = n;
    node->output.open = false;
    for (size_t i = 0; i < n; i++) {
        node->output.items[i] = (struct plan_column){
            binding->columns.fields[i].name,
            typed ? &binding->columns.fields[i].type : NULL,
        };
    }
    return 0;
}

/* A table needs names that SQL can tell apart; DuckDB gives `a` and `A` for SELECT 1 AS a, 2 AS A. */
static int check_output(const struct planning *p, const struct plan_node *node, corrie_error *err)
{
    _cleanup_(map_done) struct map seen = {0};
    _cleanup_(arena_done) struct arena arena = {0};

    for (size_t i = 0; i < node->output.count; i++) {
        struct str name = node->output.items[i].name;
        char *lower = arena_text(&arena, name);

        for (char *c = lower; c && *c; c++) {
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
        }
        if (lower && map_find(&seen, str_of(lower))) {
            corrie_fail(err, CORRIE_E_PROJECT, "%.*s gives two columns named %.*s",
                        STR_FMT(node->name), STR_FMT(name));
            corrie_hint(err,
                        "name one of them otherwise: … AS other_name; case makes no difference");
            return place_error(p->project, &node->function->place, err);
        }
        if (!lower || map_put(&seen, str_of(lower), NULL) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return 0;
}

/* Types of some parent are known only when it has run: nothing can be said, everything is read. The
 * statement is bound when it runs. */
static void leave_unbound(struct plan_node *node)
{
    for (size_t i = 0; i < node->n_edges; i++) {
        node->edges[i].all_columns = true;
    }
    node->output = (struct plan_columns){.open = true};
}

typedef int (*bind_fn)(struct engine *engine, struct str sql, const char *file,
                       struct str name_space, const struct engine_bind_table *tables,
                       size_t n_tables, struct arena *arena, struct engine_binding *ret,
                       corrie_error *err);

/* Asks the cache, then the engine. */
static int bind_statement(struct planning *p, const struct plan_node *node, const char *part,
                          bind_fn bind, const struct engine_bind_table *tables,
                          struct engine_binding *ret, corrie_error *err)
{
    struct str space = p->plan->default_namespace;
    struct engine *engine;
    struct hash key;

    int r = bind_key(part, node->sql, space, tables, node->n_edges, &key, err);
    if (r >= 0) {
        r = binding_load(p->options->cache, &key, p->arena, ret, err);
    }
    if (r != 0) {
        return r;
    }
    r = plan_engine(p, &engine, err);
    if (r < 0) {
        return r;
    }
    r = bind(engine, node->sql, node->function->source->path.data, space, tables, node->n_edges,
             p->arena, ret, err);
    if (r == CORRIE_E_UNSUPPORTED && !err->position.file) {
        err->code = CORRIE_E_PROJECT; /* a column of a type that tables cannot have */
        return place_error(p->project, &node->function->place, err);
    }
    return r < 0 ? plan_sql_error(node, err) : binding_store(p->options->cache, &key, ret, err);
}

/* The tables that the node reads. Returns what is known of all of them, an enum knowledge. */
static int bind_tables(struct planning *p, const struct plan_node *node,
                       struct engine_bind_table **ret, corrie_error *err)
{
    struct engine_bind_table *tables =
        arena_array(p->arena, struct engine_bind_table, node->n_edges + 1);
    int known = KNOWS_TYPES;

    if (!tables) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < node->n_edges; i++) {
        const struct schema *schema = NULL;
        int r = plan_edge_schema(p, &node->edges[i], &schema, err);
        if (r <= KNOWS_NOTHING) {
            return r;
        }
        known = r < known ? r : known;
        tables[i] = (struct engine_bind_table){
            .name_space = edge_namespace(p, &node->edges[i]),
            .name = edge_name(p, &node->edges[i]),
            .schema = schema,
        };
    }
    *ret = tables;
    return known;
}

static int take_scans(struct planning *p, const struct engine_binding *binding,
                      const struct engine_bind_table *tables, struct plan_node *node,
                      corrie_error *err)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < node->n_edges; i++) {
        struct plan_edge *edge = &node->edges[i];
        edge->n_columns = 0;
        edge->filter = STR_EMPTY;
        r = unite_scans(p, binding, i, tables[i].schema, edge, err);
    }
    return r;
}

/* Names are checked where types are not known. DuckDB takes a column of type "NULL" for one of any type, so that what
 * it says of names is so for the true types too; what it says of types is not, and the statement is bound again when
 * it runs. */
static int bind_names(struct planning *p, const struct engine_bind_table *tables,
                      struct plan_node *node, corrie_error *err)
{
    _error_ corrie_error told = CORRIE_ERROR_INIT;
    struct engine_binding binding;

    int r = bind_statement(p, node, "names", engine_bind_inspected, tables, &binding, &told);
    if (r >= 0) {
        r = take_output(p, &binding, false, node, err);
        return r < 0 ? r : check_output(p, node, err);
    }
    bool of_names = r == CORRIE_E_NOT_FOUND ||
                    (told.message && str_starts(str_of(told.message), STR("Ambiguous reference")));
    bool of_types = r == CORRIE_E_PROJECT || r == CORRIE_E_UNSUPPORTED || r == CORRIE_E_FAILED;
    return of_types && !of_names ? 0 : corrie_error_move(err, &told);
}

int plan_bind(struct planning *p, const struct draft *draft, struct plan_node *node,
              corrie_error *err)
{
    struct engine_bind_table *tables = NULL;
    struct engine_binding binding;

    int known = bind_tables(p, node, &tables, err);
    if (known < 0) {
        return known;
    }
    if (known < KNOWS_TYPES) {
        leave_unbound(node);
        /* names that a statement makes of values or types are not known yet */
        return known == KNOWS_NAMES && !draft->makes_names ? bind_names(p, tables, node, err) : 0;
    }
    int r = bind_statement(p, node, "columns", engine_bind_inspected, tables, &binding, err);
    if (r >= 0) {
        r = take_output(p, &binding, true, node, err);
    }
    node->bound = r >= 0;
    return r < 0 ? r : check_output(p, node, err);
}

/* ---- narrower statements ------------------------------------------------------------------------ */

/* The node's statement becomes "FROM (statement) SELECT columns": a replacement of its first byte, so that places in it
 * are found. */
static int wrap(struct planning *p, struct plan_node *node, const struct str *columns,
                size_t n_columns, corrie_error *err)
{
    struct substituted *sql = arena_new(p->arena, struct substituted);
    const struct substituted *inner = node->text;
    struct substituted outer = *inner;
    struct str statement = plan_statement_end(inner->text);
    _cleanup_(buf_done) struct buf text = {0};

    buf_add_text(&text, "FROM (");
    size_t shift = text.len;
    buf_add_str(&text, statement);
    buf_add_text(&text, "\n) SELECT ");
    for (size_t i = 0; i < n_columns; i++) {
        buf_add_text(&text, i ? ", " : "");
        buf_add_sql_name(&text, columns[i]);
    }
    outer.items = arena_array(p->arena, struct replacement, inner->n_items + 1);
    if (!outer.items) {
        return corrie_fail_memory(err);
    }
    outer.items[0] = (struct replacement){.out_len = shift};
    for (size_t i = 0; i < inner->n_items; i++) {
        outer.items[i + 1] = inner->items[i];
        outer.items[i + 1].out += shift;
    }
    outer.n_items = inner->n_items + 1;
    if (buf_check(&text, err) < 0) {
        return err->code;
    }
    if (!sql || arena_str(p->arena, buf_str(&text), &outer.text) < 0) {
        return corrie_fail_memory(err);
    }
    *sql = outer;
    node->text = sql;
    node->sql = sql->text;
    return 0;
}

static const struct plan_column *find_column(const struct plan_columns *columns, struct str name)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (str_eq(columns->items[i].name, name)) {
            return &columns->items[i];
        }
    }
    return NULL;
}

int plan_give_declared(struct planning *p, struct plan_node *node, corrie_error *err)
{
    const struct name_list *declared = &node->function->columns;
    struct plan_columns output = {
        .items = arena_array(p->arena, struct plan_column, declared->count + 1)};
    struct str *names = arena_array(p->arena, struct str, declared->count + 1);
    bool same = declared->count == node->output.count;

    if (!output.items || !names) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < declared->count; i++) {
        const struct plan_column *given = find_column(&node->output, declared->items[i]);

        same = same && given == &node->output.items[i];
        if (given) {
            names[output.count] = given->name;
            output.items[output.count++] = *given;
        }
    }
    if (same) {
        return 0;
    }
    if (output.count == 0) {
        corrie_fail(err, CORRIE_E_PROJECT, "%.*s gives none of the columns it declares",
                    STR_FMT(node->name));
        corrie_hint(err, "give the declared columns, or change columns");
        return place_error(p->project, &declared->place, err);
    }
    node->output = output;
    return wrap(p, node, names, output.count, err);
}

/* ---- what is read ---------------------------------------------------------------------- */

int plan_scans(struct planning *p, struct plan_node *node, corrie_error *err)
{
    struct engine_bind_table *tables = NULL;
    struct engine_binding binding;
    int r = 0;

    if (!node->bound) {
        return 0;
    }
    if (node->narrowed) {
        r = wrap(p, node, node->wanted, node->n_wanted, err);
    }
    if (r >= 0) {
        r = bind_tables(p, node, &tables, err);
    }
    if (r >= 0) {
        r = bind_statement(p, node, "scans", engine_bind_scans, tables, &binding, err);
    }
    return r < 0 ? r : take_scans(p, &binding, tables, node, err);
}

int plan_sql_error(const struct plan_node *node, corrie_error *err)
{
    return plan_map_error(node->text, node->function->source, err);
}
