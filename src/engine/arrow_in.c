/* arrow_in.c — Arrow memory as tables, by a table function of ours.
 *
 * corrie_arrow(id) scans the arrow_table that was registered under `id`. Values are not copied: slices
 * of at most 2048 rows (DuckDB's vector size) are handed to duckdb_data_chunk_from_arrow by moving the
 * offset of each child. duckdb_arrow_scan is not used: it ignores the projection and the filter that
 * DuckDB believes it pushed down, and answers wrongly.
 *
 * Invariants
 *   1. The arrays given to DuckDB have a release that does nothing: only column 0 would be kept alive by
 *      it. What keeps the memory alive is the reference in the bind data, which dies with the plan, and
 *      the registry's, which dies with the definition.
 *   2. One converted schema per projected set of columns, made at init, read by all threads.
 *   3. Rows come in order: a thread takes the next range under the lock; DuckDB keeps the order of a
 *      source that says nothing of batches by scanning with one thread where order matters. */
#include "engine/arrow_out.h"

#include "arrow/instants.h"
#include "arrow/table.h"
#include "base/clock.h"
#include "engine/types.h"

#define VECTOR_ROWS 2048
/* Rows that a thread takes at a time: DuckDB's row group. */
#define RANGE_ROWS 122880

struct arrow_input {
    size_t id;
    struct arrow_table *table;
    duckdb_logical_type *types;
};

struct arrow_registry {
    struct engine *engine;
    const struct duck *d;
    struct session session; /* for conversions only */
    pthread_mutex_t lock;
    VEC(struct arrow_input *) inputs; /* by id; NULL = dropped */
};

/* ---- bind ---- */

struct bound {
    struct arrow_registry *registry;
    struct arrow_table *table;
};

static void bound_free(void *arg)
{
    struct bound *bound = arg;

    arrow_table_unref(bound->table);
    mem_free(bound);
}

static void on_bind(duckdb_bind_info info)
{
    struct arrow_registry *registry;
    const struct arrow_input *input = NULL;
    struct bound *bound;
    bool no_memory = false;
    int64_t id;

    /* the only function that needs `d` to find `d`: reach it through the one process-wide table */
    const struct duck *d = NULL;
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    if (duck_load(&d, &ignored) < 0) {
        return;
    }
    registry = d->bind_get_extra_info(info);
    duckdb_value value = d->bind_get_parameter(info, 0);
    id = d->get_int64(value);
    d->destroy_value(&value);
    bound = mem_alloc(1, sizeof *bound);
    if (!bound) {
        d->bind_set_error(info, DUCK_NO_MEMORY);
        return;
    }
    pthread_mutex_lock(&registry->lock);
    if (id >= 0 && (uint64_t)id < registry->inputs.count) {
        input = registry->inputs.items[id];
    }
    if (input) {
        bound->registry = registry;
        bound->table = arrow_table_ref(input->table);
        for (size_t i = 0; i < bound->table->n_columns; i++) {
            struct str name = arrow_column_name(bound->table->columns[i]);
            _free_ char *text = str_dup(name);

            no_memory = no_memory || !text;
            d->bind_add_result_column(info, text ? text : "?", input->types[i]);
        }
        d->bind_set_cardinality(info, (idx_t)bound->table->n_rows, true);
    }
    pthread_mutex_unlock(&registry->lock);
    if (!input) {
        mem_free(bound);
        d->bind_set_error(info, "this table is gone");
        return;
    }
    d->bind_set_bind_data(info, bound, bound_free);
    if (no_memory) { /* nobody looks for a column that has no name */
        d->bind_set_error(info, DUCK_NO_MEMORY);
    }
}

/* ---- init ---- */

struct scan {
    const struct duck *d;
    struct arrow_registry *registry;
    struct arrow_table *table; /* the bind data's */
    size_t *columns;           /* projected; SIZE_MAX: a virtual column, which has no value */
    size_t n_columns;
    size_t n_real;
    duckdb_arrow_converted_schema converted;
    pthread_mutex_t lock;
    int64_t next; /* row */
};

static void scan_free(void *arg)
{
    struct scan *scan = arg;

    if (scan->converted) {
        scan->d->destroy_arrow_converted_schema(&scan->converted);
    }
    pthread_mutex_destroy(&scan->lock);
    mem_free(scan->columns);
    mem_free(scan);
}

static void no_release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

/* DuckDB's error (mem_free), or NULL if there is none; or if memory for its text ran out: then what was asked for
 * is not there either, and callers look at both. */
static char *take_problem(const struct duck *d, duckdb_error_data data)
{
    const char *text = data ? d->error_data_message(data) : NULL;
    char *copy = text && *text ? str_dup(str_of(text)) : NULL;

    if (data) {
        d->destroy_error_data(&data);
    }
    return copy;
}

/* Converts the schema of the given columns. NULL, or what was wrong (mem_free). */
static char *convert_schema(struct arrow_registry *registry, const struct arrow_table *table,
                            const size_t *columns, size_t n, duckdb_arrow_converted_schema *ret)
{
    const struct duck *d = registry->d;
    struct ArrowSchema *fields = mem_alloc(n, sizeof *fields);
    struct ArrowSchema **children = mem_alloc(n, sizeof *children);
    struct ArrowSchema schema = {
        .format = "+s", .name = "", .n_children = 0, .release = no_release_schema};
    char *problem = NULL;

    for (size_t i = 0; fields && children && i < n; i++) {
        if (columns[i] == SIZE_MAX) {
            continue;
        }
        fields[i] = table->columns[columns[i]]->schema;
        fields[i].release = no_release_schema;
        children[schema.n_children++] = &fields[i];
    }
    schema.children = children;
    if (!fields || !children) {
        problem = str_dup(STR(DUCK_NO_MEMORY));
    } else {
        problem = take_problem(d, d->schema_from_arrow(registry->session.con, &schema, ret));
    }
    mem_free(fields);
    mem_free(children);
    return problem;
}

static void on_init(duckdb_init_info info)
{
    const struct duck *d = NULL;
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct bound *bound;
    struct scan *scan;
    _free_ char *problem = NULL;

    if (duck_load(&d, &ignored) < 0) {
        return;
    }
    bound = d->init_get_bind_data(info);
    scan = mem_alloc(1, sizeof *scan);
    if (!scan) {
        d->init_set_error(info, DUCK_NO_MEMORY);
        return;
    }
    pthread_mutex_init(&scan->lock, NULL);
    scan->d = d;
    scan->registry = bound->registry;
    scan->table = bound->table;
    scan->n_columns = d->init_get_column_count(info);
    scan->columns = mem_alloc(scan->n_columns, sizeof *scan->columns);
    if (!scan->columns) {
        scan_free(scan);
        d->init_set_error(info, DUCK_NO_MEMORY);
        return;
    }
    for (size_t i = 0; i < scan->n_columns; i++) {
        idx_t column = d->init_get_column_index(info, i);

        scan->columns[i] = column < scan->table->n_columns ? (size_t)column : SIZE_MAX;
        scan->n_real += scan->columns[i] != SIZE_MAX;
    }
    if (scan->n_real > 0) {
        problem = convert_schema(scan->registry, scan->table, scan->columns, scan->n_columns,
                                 &scan->converted);
    }
    if (problem || (scan->n_real > 0 && !scan->converted)) {
        scan_free(scan);
        d->init_set_error(info, problem ? problem : DUCK_NO_MEMORY);
        return;
    }
    d->init_set_max_threads(info, (idx_t)(scan->table->n_rows / RANGE_ROWS + 1));
    d->init_set_init_data(info, scan, scan_free);
}

/* ---- scanning ---- */

struct cursor {
    size_t chunk;
    int64_t start; /* row of the table where that chunk starts */
};

/* One thread's place. */
struct reader {
    int64_t row;
    int64_t end;
    size_t n_cursors;
    struct ArrowArray *slices;
    struct ArrowArray **children;
    struct cursor cursors[];
};

static void reader_free(void *arg)
{
    struct reader *reader = arg;

    mem_free(reader->slices);
    mem_free(reader->children);
    mem_free(reader);
}

static void on_local_init(duckdb_init_info info)
{
    const struct duck *d = NULL;
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    size_t n;
    struct reader *reader;

    if (duck_load(&d, &ignored) < 0) {
        return;
    }
    n = d->init_get_column_count(info);
    reader = mem_alloc(1, sizeof *reader + n * sizeof(struct cursor));
    if (reader) {
        reader->n_cursors = n;
        reader->slices = mem_alloc(n + 1, sizeof *reader->slices);
        reader->children = mem_alloc(n + 1, sizeof *reader->children);
    }
    if (!reader || !reader->slices || !reader->children) {
        if (reader) {
            reader_free(reader);
        }
        d->init_set_error(info, DUCK_NO_MEMORY);
        return;
    }
    d->init_set_init_data(info, reader, reader_free);
}

static void no_release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

/* Moves the cursor to the chunk that has `row`; returns how many rows follow in it. */
static int64_t seek(struct cursor *cursor, const struct arrow_column *column, int64_t row)
{
    if (row < cursor->start) {
        *cursor = (struct cursor){0};
    }
    while (cursor->chunk + 1 < column->n_chunks &&
           row >= cursor->start + column->chunks[cursor->chunk].length) {
        cursor->start += column->chunks[cursor->chunk].length;
        cursor->chunk++;
    }
    return cursor->start + column->chunks[cursor->chunk].length - row;
}

/* Rows for one call: fewer than asked where some column's chunk ends. */
static int64_t plan_slice(const struct scan *scan, struct reader *reader)
{
    int64_t rows = reader->end - reader->row;

    rows = rows < VECTOR_ROWS ? rows : VECTOR_ROWS;
    for (size_t i = 0; i < scan->n_columns; i++) {
        if (scan->columns[i] != SIZE_MAX) {
            int64_t left =
                seek(&reader->cursors[i], scan->table->columns[scan->columns[i]], reader->row);

            rows = left < rows ? left : rows;
        }
    }
    return rows;
}

/* DuckDB has instants of microseconds alone and would cut them. What was wrong (mem_free), or NULL. */
static char *check_instants(const struct arrow_column *column, const struct ArrowArray *slice)
{
    _cleanup_(buf_done) struct buf problem = {0};
    char text[CLOCK_TEXT_MAX];
    int64_t time;

    if (!instants_find_finer(&column->schema, slice, 0, slice->length, &time)) {
        return NULL;
    }
    clock_format(time, text);
    buf_addf(&problem, "column %.*s: a time" NANOS_MESSAGE "%s", STR_FMT(arrow_column_name(column)),
             text);
    return problem.failed ? str_dup(STR(DUCK_NO_MEMORY)) : buf_take(&problem);
}

static char *convert_slice(const struct scan *scan, struct reader *reader, int64_t rows,
                           duckdb_data_chunk *ret)
{
    struct ArrowArray array = {
        .length = rows, .n_buffers = 1, .release = no_release_array, .children = reader->children};
    static const void *no_validity[1];
    char *problem;

    array.buffers = no_validity;
    for (size_t i = 0; i < scan->n_columns; i++) {
        const struct cursor *cursor = &reader->cursors[i];
        struct ArrowArray *slice = &reader->slices[i];

        if (scan->columns[i] == SIZE_MAX) {
            continue;
        }
        *slice = scan->table->columns[scan->columns[i]]->chunks[cursor->chunk];
        slice->offset += reader->row - cursor->start;
        slice->length = rows;
        slice->null_count = slice->null_count == 0 ? 0 : -1;
        slice->release = no_release_array;
        problem = check_instants(scan->table->columns[scan->columns[i]], slice);
        if (problem) {
            return problem;
        }
        reader->children[array.n_children++] = slice;
    }
    return take_problem(scan->d, scan->d->data_chunk_from_arrow(scan->registry->session.con, &array,
                                                                scan->converted, ret));
}

static void on_scan(duckdb_function_info info, duckdb_data_chunk output)
{
    const struct duck *d = NULL;
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct scan *scan;
    struct reader *reader;
    duckdb_data_chunk chunk = NULL;
    int64_t rows;
    idx_t real = 0;

    if (duck_load(&d, &ignored) < 0) {
        return;
    }
    scan = d->function_get_init_data(info);
    reader = d->function_get_local_init_data(info);
    if (reader->row >= reader->end) {
        pthread_mutex_lock(&scan->lock);
        reader->row = scan->next;
        reader->end = scan->next + RANGE_ROWS < scan->table->n_rows ? scan->next + RANGE_ROWS
                                                                    : scan->table->n_rows;
        scan->next = reader->end;
        pthread_mutex_unlock(&scan->lock);
    }
    if (reader->row >= reader->end) {
        d->data_chunk_set_size(output, 0);
        return;
    }
    rows = plan_slice(scan, reader);
    if (scan->n_real > 0) {
        _free_ char *problem = convert_slice(scan, reader, rows, &chunk);

        if (problem || !chunk) {
            d->function_set_error(info, problem ? problem : DUCK_NO_MEMORY);
            return;
        }
        for (size_t i = 0; i < scan->n_columns; i++) {
            if (scan->columns[i] != SIZE_MAX) {
                d->vector_reference_vector(d->data_chunk_get_vector(output, i),
                                           d->data_chunk_get_vector(chunk, real++));
            }
        }
        d->destroy_data_chunk(&chunk);
    }
    d->data_chunk_set_size(output, (idx_t)rows);
    reader->row += rows;
}

/* ---- registering ---- */

static int register_function(struct arrow_registry *registry, corrie_error *err)
{
    const struct duck *d = registry->d;
    duckdb_table_function function = d->create_table_function();
    duckdb_logical_type id = d->create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_state state;

    d->table_function_set_name(function, "corrie_arrow");
    d->table_function_add_parameter(function, id);
    d->table_function_set_extra_info(function, registry, NULL);
    d->table_function_set_bind(function, on_bind);
    d->table_function_set_init(function, on_init);
    d->table_function_set_local_init(function, on_local_init);
    d->table_function_set_function(function, on_scan);
    d->table_function_supports_projection_pushdown(function, true);
    state = d->register_table_function(registry->session.con, function);
    d->destroy_table_function(&function);
    d->destroy_logical_type(&id);
    return state == DuckDBSuccess
               ? 0
               : corrie_fail(err, CORRIE_E_INTERNAL, "DuckDB did not take our table function");
}

struct arrow_registry *arrow_registry_free(struct arrow_registry *registry)
{
    if (registry) {
        vec_done(&registry->inputs);
        pthread_mutex_destroy(&registry->lock);
        mem_free(registry);
    }
    return NULL;
}

void arrow_registry_disconnect(struct arrow_registry *registry)
{
    if (registry) {
        session_close(&registry->session);
    }
}

static int registry_of(struct engine *engine, struct arrow_registry **ret, corrie_error *err)
{
    struct arrow_registry *registry = engine->registry;
    int r;

    if (!registry) {
        registry = mem_alloc(1, sizeof *registry);
        if (!registry) {
            return corrie_fail_memory(err);
        }
        registry->engine = engine;
        registry->d = engine->d;
        pthread_mutex_init(&registry->lock, NULL);
        r = session_open(engine, &registry->session, err);
        if (r == 0) {
            r = register_function(registry, err);
        }
        if (r < 0) {
            session_close(&registry->session);
            arrow_registry_free(registry);
            return r;
        }
        engine->registry = registry;
    }
    *ret = registry;
    return 0;
}

void arrow_input_release(struct engine *engine, struct arrow_input *input)
{
    struct arrow_registry *registry = engine->registry;

    pthread_mutex_lock(&registry->lock);
    if (input->id < registry->inputs.count && registry->inputs.items[input->id] == input) {
        registry->inputs.items[input->id] = NULL;
    }
    pthread_mutex_unlock(&registry->lock);
    for (size_t i = 0; input->types && i < input->table->n_columns; i++) {
        if (input->types[i]) {
            registry->d->destroy_logical_type(&input->types[i]);
        }
    }
    mem_free(input->types);
    arrow_table_unref(input->table);
    mem_free(input);
}

/* DuckDB's type of a column: what converting an empty array of it gives. */
static int learn_type(struct arrow_registry *registry, const struct arrow_table *table, size_t at,
                      duckdb_logical_type *ret, corrie_error *err)
{
    const struct duck *d = registry->d;
    const struct arrow_column *column = table->columns[at];
    duckdb_arrow_converted_schema converted = NULL;
    duckdb_data_chunk chunk = NULL;
    struct ArrowArray empty = {0};
    struct ArrowArray *children[1] = {&empty};
    static const void *no_validity[1];
    struct ArrowArray array = {.n_buffers = 1,
                               .n_children = 1,
                               .children = children,
                               .buffers = no_validity,
                               .release = no_release_array};
    _free_ char *problem = convert_schema(registry, table, &at, 1, &converted);
    bool learned;

    if (!problem && converted) {
        if (column->n_chunks > 0) {
            empty = column->chunks[0];
            empty.length = 0;
            empty.release = no_release_array;
            problem = take_problem(
                d, d->data_chunk_from_arrow(registry->session.con, &array, converted, &chunk));
        } else {
            struct ArrowArray made = {0};
            struct ArrowError arrow_error = {{0}};

            if (ArrowArrayInitFromSchema(&made, &column->schema, &arrow_error) != NANOARROW_OK ||
                ArrowArrayStartAppending(&made) != NANOARROW_OK ||
                ArrowArrayFinishBuildingDefault(&made, &arrow_error) != NANOARROW_OK) {
                problem = str_dup(str_of(arrow_error.message));
            } else {
                empty = made;
                empty.release = no_release_array;
                problem = take_problem(
                    d, d->data_chunk_from_arrow(registry->session.con, &array, converted, &chunk));
            }
            arrow_array_done(&made);
        }
    }
    learned = !problem && chunk;
    if (learned) {
        *ret = d->vector_get_column_type(d->data_chunk_get_vector(chunk, 0));
        d->destroy_data_chunk(&chunk);
    }
    if (converted) {
        d->destroy_arrow_converted_schema(&converted);
    }
    if (problem ? str_eq(str_of(problem), STR(DUCK_NO_MEMORY)) : !learned) {
        return corrie_fail_memory(err);
    }
    if (problem) {
        struct str name = arrow_column_name(column);

        return corrie_fail(err, CORRIE_E_UNSUPPORTED,
                           "column %.*s: SQL cannot read its Arrow type (%s)", STR_FMT(name),
                           column->schema.format);
    }
    return 0;
}

static int make_input(struct arrow_registry *registry, struct arrow_table *table,
                      struct arrow_input **ret, corrie_error *err)
{
    struct arrow_input *input = mem_alloc(1, sizeof *input);
    int r = input ? 0 : corrie_fail_memory(err);

    if (r < 0) {
        return r;
    }
    input->id = registry->inputs.count;
    input->table = arrow_table_ref(table);
    input->types = mem_alloc(table->n_columns, sizeof *input->types);
    if (!input->types) {
        r = corrie_fail_memory(err);
    }
    for (size_t i = 0; r == 0 && i < table->n_columns; i++) {
        r = learn_type(registry, table, i, &input->types[i], err);
    }
    if (r == 0) {
        pthread_mutex_lock(&registry->lock);
        r = vec_push(&registry->inputs, input) < 0 ? corrie_fail_memory(err) : 0;
        pthread_mutex_unlock(&registry->lock);
    }
    if (r < 0) {
        arrow_input_release(registry->engine, input);
        return r;
    }
    *ret = input;
    return 0;
}

static int check_names(const struct arrow_table *table, corrie_error *err)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        for (size_t k = 0; k < i; k++) {
            struct str a = arrow_column_name(table->columns[k]);
            struct str b = arrow_column_name(table->columns[i]);

            if (str_eq_nocase(a, b)) {
                return corrie_fail(err, CORRIE_E_DATA,
                                   "columns %.*s and %.*s differ at most in case, "
                                   "which SQL cannot tell",
                                   STR_FMT(a), STR_FMT(b));
            }
        }
    }
    return table->n_columns > 0 ? 0
                                : corrie_fail(err, CORRIE_E_UNSUPPORTED, "a table without columns");
}

/* What the view of the table gives: its columns, or those of `wanted`, null where the table lacks them. */
static int add_select(struct buf *sql, const struct schema *wanted, struct defined *defined,
                      corrie_error *err)
{
    struct schema *schema = &defined->schema;
    struct field *fields;

    if (!wanted) {
        buf_add_char(sql, '*');
        return 0;
    }
    fields = arena_array(&defined->arena, struct field, wanted->n_fields + 1);
    if (!fields) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < wanted->n_fields; i++) {
        const struct field *own = schema_find(schema, wanted->fields[i].name);

        buf_add_text(sql, i > 0 ? ", " : "");
        if (!own) {
            buf_add_text(sql, "CAST(NULL AS ");
            type_print_sql(&wanted->fields[i].type, sql);
            buf_add_text(sql, ") AS ");
        }
        buf_add_sql_name(sql, wanted->fields[i].name);
        fields[i] = own ? *own : wanted->fields[i];
    }
    /* the names and types that were given need not live as long */
    return schema_copy(&(struct schema){.fields = fields, .n_fields = wanted->n_fields},
                       &defined->arena, schema, err);
}

static int define(struct engine *engine, struct str name_space, struct str name,
                  struct arrow_table *table, const struct schema *wanted, corrie_error *err)
{
    struct arrow_registry *registry = NULL;
    struct defined *defined = mem_alloc(1, sizeof *defined);
    _cleanup_(buf_done) struct buf sql = {0};
    int r = defined ? check_names(table, err) : corrie_fail_memory(err);

    if (r == 0) {
        r = registry_of(engine, &registry, err);
    }
    if (r == 0) {
        r = arrow_table_schema(table, &defined->arena, &defined->schema, err);
    }
    if (r == 0 && (arena_str(&defined->arena, name_space, &defined->name_space) < 0 ||
                   arena_str(&defined->arena, name, &defined->name) < 0)) {
        r = corrie_fail_memory(err);
    }
    if (r == 0) {
        r = make_input(registry, table, &defined->arrow, err);
    }
    if (r == 0) {
        add_schema(&sql, name_space);
        buf_add_text(&sql, "; CREATE OR REPLACE VIEW ");
        add_table_name(&sql, name_space, name);
        buf_add_text(&sql, " AS SELECT ");
        r = add_select(&sql, wanted, defined, err);
    }
    if (r == 0) {
        buf_addf(&sql, " FROM corrie_arrow(%zu)", defined->arrow->id);
        r = buf_check(&sql, err);
    }
    if (r == 0) {
        r = engine_run(engine, &engine->session, buf_text(&sql), NULL, err);
    }
    if (r < 0) {
        if (defined && defined->arrow) {
            arrow_input_release(engine, defined->arrow);
        }
        defined_free(defined);
        return r;
    }
    return engine_add(engine, defined, err);
}

int engine_define_arrow(struct engine *engine, struct str name_space, struct str name,
                        struct arrow_table *table, corrie_error *err)
{
    return define(engine, name_space, name, table, NULL, err);
}

int engine_define_arrow_as(struct engine *engine, struct str name_space, struct str name,
                           struct arrow_table *table, const struct schema *schema,
                           corrie_error *err)
{
    return define(engine, name_space, name, table, schema, err);
}
