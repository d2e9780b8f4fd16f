/* step_data.c — steps that move tables between the lake and functions: scan, SQL, write. */
#include "run/run_priv.h"

#include "arrow/table.h"

/* Where outputs of nodes are registered in the engine, to be written or filtered. */
#define OWN_NS STR("corrie_run")
#define OUTPUT_NAME STR("output")
#define INPUT_NAME STR("input")

/* Reads everything a statement gives into memory files. */
static int collect(struct run *run, struct str sql, const char *file, struct exchange **ret,
                   corrie_error *err)
{
    struct ArrowArrayStream stream = {0};
    int r;

    r = engine_query(run->work.engine, sql, file, &stream, err);
    if (r < 0) {
        return r;
    }
    return exchange_from_stream(&stream, run_memory_left(run), &run->compute, ret, err);
}

static void add_columns(struct buf *sql, const struct plan_edge *edge)
{
    if (edge->all_columns) {
        buf_add_char(sql, '*');
        return;
    }
    for (size_t i = 0; i < edge->n_columns; i++) {
        buf_add_text(sql, i > 0 ? ", " : "");
        buf_add_sql_name(sql, edge->columns[i]);
    }
}

/* What an edge asks of a table that the engine knows by `ns` and `name`. */
static int edge_sql(const struct plan_edge *edge, struct str ns, struct str name, struct buf *sql,
                    corrie_error *err)
{
    buf_add_text(sql, "SELECT ");
    add_columns(sql, edge);
    buf_add_text(sql, " FROM ");
    buf_add_sql_name(sql, ns);
    buf_add_char(sql, '.');
    buf_add_sql_name(sql, name);
    if (edge->filter.len > 0) {
        buf_addf(sql, " WHERE %.*s", STR_FMT(edge->filter));
    }
    return buf_check(sql, err);
}

/* Where the failure of an edge's filter is: the filter may compare what cannot be compared. The SQL around it is ours: a
 * position in that says nothing to anybody. */
static int fail_edge(struct run *run, const struct plan_edge *edge, corrie_error *err)
{
    if (edge->filter.len > 0) {
        corrie_wrap(err, "filter of %.*s", STR_FMT(edge->argument));
        place_error(run->project, &edge->place, err);
    }
    return err->code;
}

void run_hint_evolve(corrie_error *err)
{
    if (err->hint &&
        str_starts(str_of(err->hint), STR("with --evolve"))) { /* an option of imports */
        corrie_hint(
            err,
            "if the model's columns=[…] names all that it gives, the table gets new columns and wider "
            "types; else give the table's columns, or REPLACE it");
    }
}

/* The user's fault, whatever kind it is: what a node gave cannot be a table. */
static int fail_output(struct run *run, const struct plan_node *node, corrie_error *err)
{
    if (err->code != CORRIE_E_UNSUPPORTED && err->code != CORRIE_E_DATA) {
        return err->code;
    }
    err->code = err->code == CORRIE_E_UNSUPPORTED ? CORRIE_E_FAILED : err->code;
    corrie_wrap(err, "output of %.*s", STR_FMT(node->name));
    run_hint_evolve(err);
    return err->position.file ? err->code : place_error(run->project, &node->function->place, err);
}

int run_filter(struct run *run, const struct plan_edge *edge, struct exchange **ret,
               corrie_error *err)
{
    _cleanup_(arrow_table_unrefp) struct arrow_table *table = NULL;
    _cleanup_(buf_done) struct buf sql = {0};
    int r;

    r = run_open_engine(run, err);
    if (r < 0 || (r = exchange_table(run->nodes[edge->node].output, &table, err)) < 0 ||
        (r = engine_define_arrow(run->work.engine, OWN_NS, INPUT_NAME, table, err)) < 0 ||
        (r = edge_sql(edge, OWN_NS, INPUT_NAME, &sql, err)) < 0) {
        return r;
    }
    r = collect(run, buf_str(&sql), NULL, ret, err);
    return r < 0 ? fail_edge(run, edge, err) : 0;
}

int run_scan(struct run *run, size_t step, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    const struct plan_edge *edge = run->plan->steps[step].edge;
    const struct plan_source *source = &run->plan->sources[run->plan->steps[step].source];
    _cleanup_(buf_done) struct buf sql = {0};
    struct lake_source table = {.snapshot_id = SNAPSHOT_NONE};
    struct lake_view view;
    int r;

    if (run->plan->steps[step].in_engine) {
        return 0;
    }
    r = run_open_engine(run, err);
    if (r < 0 || (r = run_source_view(run, source, &view, err)) < 0 ||
        (r = lake_table_get(&view, source->table_namespace, source->name, &arena, &table.table,
                            err)) < 0 ||
        (r = edge_sql(edge, table.table.ns, table.table.name, &sql, err)) < 0) {
        return r;
    }
    table.view = &view;
    r = lake_define(run->work.engine, &table, 1, buf_str(&sql), NULL, table.table.ns, &arena, NULL,
                    err);
    if (r < 0) {
        return fail_edge(run, edge, err);
    }
    r = collect(run, buf_str(&sql), NULL, &run->scans[step], err);
    if (r < 0) {
        corrie_wrap(err, "read %.*s.%.*s", STR_FMT(table.table.ns), STR_FMT(table.table.name));
        return fail_edge(run, edge, err);
    }
    return 0;
}

/* The tables that a statement reads: of the lake, each at its own view, and outputs of nodes. */
struct inputs {
    struct lake_source *sources;
    struct lake_view *views;
    size_t n;
    struct arena arena;
};

/* The columns that a reader in SQL may name: those that the node gave, and those that it would have given if anybody
 * had asked for them. */
static int output_schema(const struct plan_node *node, const struct arrow_table *rows,
                         struct arena *arena, struct schema *ret, corrie_error *err)
{
    const struct plan_columns *output = &node->output;
    struct field *fields;
    int r = arrow_table_schema(rows, arena, ret, err);

    if (r < 0 || !node->narrowed) {
        return r;
    }
    fields = arena_array(arena, struct field, output->count + 1);
    if (!fields) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < output->count; i++) {
        const struct field *made = schema_find(ret, output->items[i].name);

        if (!made && !output->items[i].type) {
            return corrie_fail(err, CORRIE_E_INTERNAL, "the plan has no type for column %.*s",
                               STR_FMT(output->items[i].name));
        }
        fields[i] =
            made ? *made
                 : (struct field){.name = output->items[i].name, .type = *output->items[i].type};
    }
    *ret = (struct schema){.fields = fields, .n_fields = output->count};
    return 0;
}

/* What a node gave becomes a table of the engine, by the name that the statement uses. */
static int define_output(struct run *run, const struct plan_edge *edge, struct str ns,
                         struct str name, struct inputs *inputs, corrie_error *err)
{
    _cleanup_(arrow_table_unrefp) struct arrow_table *rows = NULL;
    struct schema *schema = arena_new(&inputs->arena, struct schema);
    int r = exchange_table(run->nodes[edge->node].output, &rows, err);

    if (r < 0) {
        return r;
    }
    if (!schema) {
        return corrie_fail_memory(err);
    }
    r = output_schema(&run->plan->nodes[edge->node], rows, &inputs->arena, schema, err);
    if (r >= 0) {
        r = engine_define_arrow_as(run->work.engine, ns, name, rows, schema, err);
    }
    if (r < 0) {
        return fail_output(run, &run->plan->nodes[edge->node], err);
    }
    inputs->sources[inputs->n++] =
        (struct lake_source){.name_space = ns, .name = name, .schema = schema};
    return 0;
}

static int find_input(struct run *run, const struct plan_edge *edge, struct inputs *inputs,
                      corrie_error *err)
{
    const struct plan_source *source;
    struct lake_source *input = &inputs->sources[inputs->n];
    struct lake_view *view = &inputs->views[inputs->n];
    struct str ns;
    struct str name;
    int r;

    if (!str_cut(edge->argument, '.', &ns, &name)) {
        name = edge->argument;
        ns = run->plan->default_namespace;
    }
    if (edge->node != PLAN_NONE) {
        return define_output(run, edge, ns, name, inputs, err);
    }
    source = &run->plan->sources[edge->source];
    *input = (struct lake_source){
        .view = view, .name_space = ns, .name = name, .snapshot_id = SNAPSHOT_NONE};
    r = run_source_view(run, source, view, err);
    if (r >= 0) {
        r = lake_table_get(view, source->table_namespace, source->name, &inputs->arena,
                           &input->table, err);
    }
    inputs->n += r < 0 ? 0 : 1;
    return r < 0 ? r : 0;
}

static int find_inputs(struct run *run, const struct plan_node *node, struct inputs *inputs,
                       corrie_error *err)
{
    int r = 0;

    inputs->sources = arena_array(&inputs->arena, struct lake_source, node->n_edges + 1);
    inputs->views = arena_array(&inputs->arena, struct lake_view, node->n_edges + 1);
    if (!inputs->sources || !inputs->views) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; r >= 0 && i < node->n_edges; i++) {
        r = find_input(run, &node->edges[i], inputs, err);
    }
    return r;
}

/* What the statement reads, where planning could not tell: it was bound only now. */
static void note_bytes(struct run *run, size_t index, const struct inputs *inputs,
                       const struct lake_described *described)
{
    int64_t sum = 0;

    for (size_t i = 0; i < inputs->n; i++) {
        int64_t bytes = inputs->sources[i].schema ? 0 : described->scans[i].column_bytes;

        sum = sum < 0 || bytes < 0 ? LAKE_UNKNOWN : count_add(sum, bytes);
    }
    run->nodes[index].bytes_read = sum;
}

int run_sql(struct run *run, size_t index, struct exchange **ret, corrie_error *err)
{
    const struct plan_node *node = &run->plan->nodes[index];
    char *file = arena_text(&run->arena, node->function->place.file);
    _cleanup_(exchange_unrefp) struct exchange *whole = NULL;
    struct lake_described described = {.row_groups = false};
    struct inputs inputs = {0};
    int r;

    if (!file) {
        return corrie_fail_memory(err);
    }
    r = run_open_engine(run, err);
    if (r >= 0) {
        r = find_inputs(run, node, &inputs, err);
    }
    if (r >= 0) {
        r = lake_define(run->work.engine, inputs.sources, inputs.n, node->sql, file,
                        run->plan->default_namespace, &inputs.arena,
                        node->bound ? NULL : &described, err);
    }
    if (r >= 0 && !node->bound) {
        note_bytes(run, index, &inputs, &described);
    }
    arena_done(&inputs.arena);
    if (r >= 0) {
        r = collect(run, node->sql, file, &whole, err);
    }
    if (r < 0) {
        return plan_sql_error(node, err);
    }
    if (node->output.open) { /* else the statement gives what was declared */
        return run_take_columns(run, node, whole, ret, err);
    }
    *ret = TAKE_PTR(whole);
    return 0;
}

/* ---- write ---- */

/* The table that a source is, looked up once a run. */
static int read_table(struct run *run, size_t number, const struct lake_table **ret,
                      corrie_error *err)
{
    const struct plan_source *source = &run->plan->sources[number];
    struct lake_table *table = run->read[number];
    struct lake_view view;
    int r;

    if (!table) {
        table = arena_new(&run->arena, struct lake_table);
        r = table ? run_source_view(run, source, &view, err) : corrie_fail_memory(err);
        if (r >= 0) {
            r = lake_table_get(&view, source->table_namespace, source->name, &run->arena, table,
                               err);
        }
        if (r < 0) {
            return r;
        }
        run->read[number] = table;
    }
    *ret = table;
    return 0;
}

/* Notes every lake table that went into a node, however far up, once; what was seen for this output bears its number. */
static int note_reads(struct run *run, size_t index, size_t written, corrie_error *err)
{
    const struct plan_node *node = &run->plan->nodes[index];
    const struct plan_node *output = &run->plan->nodes[written];
    int r = 0;

    if (run->seen[index] == written + 1) {
        return 0;
    }
    run->seen[index] = written + 1;
    for (size_t i = 0; r >= 0 && i < node->n_edges; i++) {
        const struct plan_edge *edge = &node->edges[i];
        const struct lake_table *table;

        if (edge->node != PLAN_NONE) {
            r = note_reads(run, edge->node, written, err);
            continue;
        }
        if (run->noted[edge->source] == written + 1) {
            continue; /* read twice, or by two of them */
        }
        run->noted[edge->source] = written + 1;
        r = read_table(run, edge->source, &table, err);
        if (r >= 0) {
            r = lake_tx_read(run->tx, output->table_namespace, output->name, table,
                             run->plan->sources[edge->source].ref, err);
        }
    }
    return r < 0 ? r : 0;
}

/* A SELECT of the table's columns in its order; what the rows lack is null. */
static int select_by_name(const struct schema *rows, const struct schema *target, struct buf *sql,
                          corrie_error *err)
{
    buf_add_text(sql, "SELECT ");
    for (size_t i = 0; i < target->n_fields; i++) {
        buf_add_text(sql, i > 0 ? ", " : "");
        if (!schema_find(rows, target->fields[i].name)) {
            buf_add_text(sql, "NULL AS ");
        }
        buf_add_sql_name(sql, target->fields[i].name);
    }
    buf_add_text(sql, " FROM corrie_run.\"output\"");
    return buf_check(sql, err);
}

static enum lake_write_mode write_mode(enum strategy strategy)
{
    return strategy == STRATEGY_APPEND                 ? LAKE_APPEND
           : strategy == STRATEGY_MERGE                ? LAKE_MERGE
           : strategy == STRATEGY_OVERWRITE_PARTITIONS ? LAKE_OVERWRITE_PARTITIONS
                                                       : LAKE_REPLACE;
}

struct lake_write run_write_of(const struct plan_node *node)
{
    const struct name_list *columns = &node->function->columns;

    return (struct lake_write){.ns = node->table_namespace,
                               .name = node->name,
                               .mode = write_mode(node->function->strategy),
                               .partitioning = LAKE_PARTITION_SET,
                               .partition_by = node->partition_by,
                               .n_partition_by = node->n_partition_by,
                               .overwrite_filter = node->overwrite_filter,
                               .keys = node->keys,
                               .n_keys = node->n_keys,
                               /* a list of columns says that they are meant */
                               .evolve = columns->given && !columns->all};
}

static int write_output(struct run *run, const struct plan_node *node, struct arrow_table *rows,
                        struct lake_written *ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf by_name = {0};
    struct str select = STR("SELECT * FROM corrie_run.\"output\"");
    char code[sizeof RUN_CODE_VERSION + HASH_HEX] = RUN_CODE_VERSION;
    const struct property summary[] = {{STR("corrie.job"), job_id(run->job)},
                                       {STR(RUN_CODE_PROPERTY), {code, sizeof code - 1}}};
    struct schema schema;
    struct schema target;
    struct lake_write write = run_write_of(node);
    int r;

    write.schema = &schema;
    write.engine = run->work.engine;
    write.selects = &select;
    write.n_selects = 1;
    write.summary = summary;
    write.n_summary = ARRAY_LEN(summary);
    write.made_by = RUN_CODE_PROPERTY;
    hash_hex(&node->definition, code + strlen(RUN_CODE_VERSION));
    r = arrow_table_schema(rows, &run->arena, &schema, err);
    if (r < 0 || (r = engine_define_arrow(run->work.engine, OWN_NS, OUTPUT_NAME, rows, err)) < 0) {
        return r;
    }
    if (write.mode != LAKE_REPLACE) {
        r = lake_tx_target(run->tx, &write, &run->arena, &target, err);
        if (r < 0 || (r = select_by_name(&schema, &target, &by_name, err)) < 0) {
            return r;
        }
        select = buf_str(&by_name);
    }
    return lake_tx_write(run->tx, &write, &run->arena, ret, err);
}

static int write_table(struct run *run, size_t index, corrie_error *err)
{
    _cleanup_(arrow_table_unrefp) struct arrow_table *rows = NULL;
    const struct plan_node *node = &run->plan->nodes[index];
    struct table_state table = {.ns = node->table_namespace, .name = node->name};
    struct lake_written written;
    int r;

    r = lake_tx_namespace(run->tx, node->table_namespace, err);
    if (r < 0) {
        return r;
    }
    table.made_namespace = r > 0;
    r = exchange_table(run->nodes[index].output, &rows, err);
    if (r < 0 || (r = write_output(run, node, rows, &written, err)) < 0) {
        return fail_output(run, node, err);
    }
    table.records = written.table.records;
    table.rows_written = written.rows;
    r = note_reads(run, index, index, err);
    return r < 0 ? r : run_end_table(run, &table, err);
}

int run_write(struct run *run, size_t index, corrie_error *err)
{
    int r;

    r = run_open_engine(run, err);
    if (r >= 0) {
        r = run_begin_table(run, err);
    }
    if (r >= 0) {
        r = write_table(run, index, err);
    }
    if (r < 0) {
        run_drop_table(run);
    }
    return r;
}
