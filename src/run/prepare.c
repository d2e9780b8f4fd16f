/* prepare.c — everything before the first thing moves: the project, what it declares, what the lake has, the plan. */
#include "run/run_priv.h"

#include "lang/name.h"

/* Where unqualified names are: in the plan and in the statements of SQL models. */
static struct str default_namespace(const struct run *run)
{
    struct str given = str_of(run->options.default_namespace);

    return given.len > 0 ? given : project_namespace(run->project);
}

/* Lets the engine, which is to be opened, read `n` files more than the lake's data. */
static int allow_files(struct run *run, const struct str *files, size_t n, corrie_error *err)
{
    size_t have = run->n_allowed > 0 ? run->n_allowed : 1;
    struct str *allowed = arena_array(&run->arena, struct str, have + n);
    char *data;

    if (!allowed) {
        return corrie_fail_memory(err);
    }
    if (run->n_allowed > 0) {
        memcpy(allowed, run->allowed, have * sizeof *allowed);
    } else {
        data = arena_printf(&run->arena, "%.*s/data", STR_FMT(lake_root(run->lake)));
        if (!data) {
            return corrie_fail_memory(err);
        }
        allowed[0] = str_of(data);
    }
    if (n > 0) {
        memcpy(allowed + have, files, n * sizeof *allowed);
    }
    run->allowed = allowed;
    run->n_allowed = have + n;
    return 0;
}

int run_open_engine(struct run *run, corrie_error *err)
{
    if (run->work.engine) {
        return 0;
    }
    if (run->n_allowed == 0) {
        int r = allow_files(run, NULL, 0, err);

        if (r < 0) {
            return r;
        }
    }
    run->n_readable = run->n_allowed;
    return lake_workspace_open(run->lake, run->options.memory,
                               &(struct engine_options){.locked = true,
                                                        .name_space = default_namespace(run),
                                                        .allowed = run->allowed,
                                                        .n_allowed = run->n_allowed,
                                                        .deterministic = run->options.deterministic,
                                                        .cancel = &run->compute},
                               &run->work, err);
}

static int allow_outside(struct run *run, const struct lake_view *view, struct str ns,
                         struct str name, corrie_error *err)
{
    struct lake_table table;
    struct str *paths;
    size_t n;
    int r = lake_table_find(view, ns, name, &run->arena, &table, err);

    if (r <= 0) {
        return r;
    }
    r = lake_table_outside(view, &table, &run->arena, &paths, &n, err);
    return r < 0 || n == 0 ? r : allow_files(run, paths, n, err);
}

/* Whether writing the node's output looks at rows that its table has. */
static bool reads_own_table(const struct plan_node *node)
{
    return node->overwrite_filter.len > 0 || node->function->strategy == STRATEGY_MERGE;
}

/* Tables that the plan reads may have files outside of the lake (open_source has seen to those), and so may those of which
 * rows are kept. What an engine may read is settled when it is opened: one that planned is closed, another one opened. */
static int allow_plan(struct run *run, corrie_error *err)
{
    const struct plan *plan = run->plan;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < plan->n_nodes; i++) {
        const struct plan_node *node = &plan->nodes[i];

        if (reads_own_table(node)) {
            r = allow_outside(run, &run->view, node->table_namespace, node->name, err);
        }
    }
    if (r < 0 || run->n_allowed == run->n_readable || !run->work.engine) {
        return r < 0 ? r : 0;
    }
    lake_workspace_done(&run->work);
    return run_open_engine(run, err);
}

/* ---- the lake as planning sees it ---- */

/* All inputs of one ref are of one commit, wherever the ref moves meanwhile. */
static int view_of_ref(struct run *run, struct str ref, struct lake_view *ret, corrie_error *err)
{
    struct ref_view *pinned = run->refs;
    int r;

    if (ref.len == 0) {
        *ret = run->view;
        return 0;
    }
    while (pinned && !str_eq(pinned->ref, ref)) {
        pinned = pinned->next;
    }
    if (!pinned) {
        pinned = arena_new(&run->arena, struct ref_view);
        if (!pinned || arena_str(&run->arena, ref, &pinned->ref) < 0) {
            return corrie_fail_memory(err);
        }
        r = lake_view_at(run->lake, ref, &pinned->view, err);
        if (r < 0) {
            return r;
        }
        pinned->next = run->refs;
        run->refs = pinned;
    }
    *ret = pinned->view;
    return 0;
}

int run_source_view(struct run *run, const struct plan_source *source, struct lake_view *ret,
                    corrie_error *err)
{
    struct hash commit;

    if (!hash_parse(source->table.commit, &commit)) {
        return corrie_fail(err, CORRIE_E_INTERNAL, "the plan names no commit for table %.*s",
                           STR_FMT(source->name));
    }
    return lake_view_of(run->lake, &commit, ret, err);
}

static int lookup(void *context, struct str ref, struct str ns, struct str name,
                  struct arena *arena, struct plan_lake_table *ret, corrie_error *err)
{
    struct run *run = context;
    _cleanup_(metadata_freep) struct table_metadata *metadata = NULL;
    struct lake_table table;
    struct lake_view view;
    struct schema *schema = arena_new(arena, struct schema);
    char hex[HASH_HEX + 1];
    char id[UUID_TEXT + 1];
    int r;

    r = view_of_ref(run, ref, &view, err);
    if (r < 0) {
        return r;
    }
    r = lake_table_find(&view, ns, name, arena, &table, err);
    if (r <= 0) {
        return r;
    }
    r = lake_table_metadata(run->lake, &table, &metadata, err);
    if (r < 0) {
        return r;
    }
    hash_hex(&view.commit, hex);
    uuid_format(&table.id, id);
    *ret = (struct plan_lake_table){
        .snapshot_id = table.snapshot_id == SNAPSHOT_NONE ? 0 : table.snapshot_id,
        .schema = schema,
        .rows = table.records,
        .bytes = table.bytes,
    };
    if (!schema || arena_str(arena, str_of(hex), &ret->commit) < 0 ||
        arena_str(arena, str_of(id), &ret->id) < 0) {
        return corrie_fail_memory(err);
    }
    r = schema_copy(metadata_schema(metadata), arena, schema, err);
    return r < 0 ? r : 1;
}

static int exists(void *context, struct str ns, struct str name, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct run *run = context;
    struct lake_table table;

    return lake_table_find(&run->view, ns, name, &arena, &table, err);
}

static int names(void *context, struct str ref, struct str ns, size_t max, struct arena *arena,
                 struct str **ret_names, size_t *ret_n, corrie_error *err)
{
    struct lake_view view;
    int r;

    r = view_of_ref(context, ref, &view, err);
    return r < 0 ? r : lake_table_names(&view, ns, max, arena, ret_names, ret_n, err);
}

/* The files of a source, opened once for all the scans of it. Those outside of the lake will be allowed to the engine. */
static int open_source(struct run *run, size_t number, const struct plan_source *source,
                       corrie_error *err)
{
    struct lake_table table;
    struct lake_view view;
    struct str *paths;
    size_t n;
    int r;

    if (run->measured && run->measured_source == number) {
        return 0;
    }
    run->measured = lake_files_close(run->measured);
    run->measured_source = number;
    r = run_source_view(run, source, &view, err);
    if (r >= 0) {
        r = lake_table_get(&view, source->table_namespace, source->name, &run->arena, &table, err);
    }
    if (r < 0 || (r = lake_files_open(&view, &table, &run->measured, err)) < 0 ||
        (r = lake_files_outside(run->measured, &run->arena, &paths, &n, err)) < 0) {
        return r;
    }
    return n > 0 ? allow_files(run, paths, n, err) : 0;
}

static int measure(void *context, size_t number, const struct plan_source *source,
                   const struct plan_edge *edge, struct plan_reads *ret, corrie_error *err)
{
    struct run *run = context;
    struct lake_demand demand = {.all_columns = edge->all_columns,
                                 .columns = edge->columns,
                                 .n_columns = edge->n_columns,
                                 .filter = edge->filter};
    struct lake_needed needed;
    int r = open_source(run, number, source, err);

    if (r < 0 || (r = lake_files_needed(run->measured, &demand, &needed, err)) < 0) {
        return r;
    }
    *ret = (struct plan_reads){
        .files = needed.files, .files_pruned = needed.files_pruned, .bytes = needed.bytes};
    return 0;
}

static int writable(void *context, const struct plan_node *node, const struct schema *schema,
                    enum plan_conflict *ret_conflict, corrie_error *err)
{
    static const enum plan_conflict conflicts[] = {
        [LAKE_WRITE_TABLE] = CONFLICT_TABLE,         [LAKE_WRITE_COLUMNS] = CONFLICT_COLUMNS,
        [LAKE_WRITE_PARTITION] = CONFLICT_PARTITION, [LAKE_WRITE_KEYS] = CONFLICT_KEYS,
        [LAKE_WRITE_FILTER] = CONFLICT_FILTER,
    };
    const struct run *run = context;
    struct lake_write write = run_write_of(node);
    enum lake_write_part part;
    int r;

    write.schema = schema;
    r = lake_write_check(&run->view, &write, &part, err);
    if (r < 0) {
        *ret_conflict = conflicts[part];
        run_hint_evolve(err);
    }
    return r;
}

/* ---- the plan ---- */

static int engine(void *context, struct engine **ret, corrie_error *err)
{
    struct run *run = context;
    int r = run_open_engine(run, err);

    *ret = run->work.engine;
    return r;
}

static int build_plan(struct run *run, corrie_error *err)
{
    struct plan_catalog catalog = {.context = run,
                                   .lookup = lookup,
                                   .exists = exists,
                                   .names = names,
                                   .engine = engine,
                                   .measure = measure,
                                   .writable = writable};
    struct str *parameters = arena_array(&run->arena, struct str, run->options.n_parameters);
    struct str *select = arena_array(&run->arena, struct str, run->options.n_select);
    struct plan_options options = {.default_namespace = default_namespace(run),
                                   .ref = run->branch,
                                   .parameters = parameters,
                                   .n_parameters = run->options.n_parameters,
                                   .select = select,
                                   .n_select = run->options.n_select,
                                   .strict = run->options.strict,
                                   .dry_run = run->options.dry_run,
                                   .whole = run->whole || run->preview != PREVIEW_OFF,
                                   .valueless = run->looks,
                                   .cache = run->cache};
    int r;

    if (!parameters || !select) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < run->options.n_parameters; i++) {
        parameters[i] = str_of(run->options.parameters[i]);
    }
    for (size_t i = 0; i < run->options.n_select; i++) {
        select[i] = str_of(run->options.select[i]);
    }
    r = plan_build(run->project, run->declarations, &catalog, NULL, &options, &run->plan, err);
    run->measured = lake_files_close(run->measured);
    return r;
}

/* What a failed job left is not read by accident: what would be made of it would be tainted too. */
static int check_taint(struct run *run, corrie_error *err)
{
    for (size_t i = 0; i < run->plan->n_sources && !run->options.accept_taint; i++) {
        const struct plan_source *source = &run->plan->sources[i];
        struct lake_table table;
        struct lake_view view;
        int r = run_source_view(run, source, &view, err);

        if (r >= 0) {
            r = lake_table_get(&view, source->table_namespace, source->name, &run->arena, &table,
                               err);
        }
        if (r < 0) {
            return r;
        }
        if (table.taint.len > 0) {
            corrie_fail(err, CORRIE_E_REFUSED,
                        "table %.*s.%.*s, which would be read, was left by a job that did not "
                        "succeed, %.*s",
                        STR_FMT(table.ns), STR_FMT(table.name), STR_FMT(table.taint));
            return lake_taint_hint(run->lake, table.taint, err);
        }
    }
    return 0;
}

static int find_view(struct run *run, corrie_error *err)
{
    int r = 0;

    run->branch = str_of(run->options.ref);
    if (!run->looks) {
        r = lake_branch(run->lake, run->branch, &run->arena, &run->branch, err);
    }
    return r < 0 ? r : lake_view_at(run->lake, run->branch, &run->view, err);
}

int run_prepare(struct run *run, corrie_error *err)
{
    struct declare_options declare = {0};
    int r;

    r = run_preview_mode(run->options.preview, &run->preview, err);
    if (r < 0 || (r = find_view(run, err)) < 0) {
        return r;
    }
    r = project_open(str_of(run->options.project_dir), &run->project, err);
    r = r < 0 ? r : project_read_lock(run->project, err);
    if (r < 0) {
        return r;
    }
    if (!run->options.no_cache) {
        r = cache_open(NULL, &run->cache, err);
        if (r < 0) {
            return r;
        }
    }
    declare.cache = run->cache;
    r = declare_read(run->project, &declare, &run->declarations, err);
    if (r < 0 || (r = build_plan(run, err)) < 0) {
        return r;
    }
    r = check_taint(run, err);
    return r < 0 ? r : allow_plan(run, err);
}
