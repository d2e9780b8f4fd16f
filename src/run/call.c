/* call.c — what is handed to threads: environments to make, functions to call.
 *
 * The coordinator fills a task; after that its thread reads the task, and of the run only what does not change any more:
 * the plan, the project's sources, environments and tables that are there. */
#include "base/limits.h"
#include "os/proc.h"
#include "run/run_priv.h"

/* ---- in the thread ---- */

static void tell_progress(void *arg, struct str text)
{
    pool_say(arg, MESSAGE_PROGRESS, &(struct worker_event){.text = text});
}

/* Compiles it, once on this machine for a version of Python, and keeps it. */
static int make_harness(struct task *task, corrie_error *err)
{
    _cleanup_(cache_closep) struct cache *cache = NULL;
    struct str pieces[] = {STR("harness\n"), str_of(worker_harness_version()), STR("\n"),
                           str_of(task->environment->version)};
    struct hash key = hash_pieces(pieces, ARRAY_LEN(pieces));

    int r = cache_open(NULL, &cache, err);
    if (r >= 0) {
        r = cache_get(cache, "harness", &key, &task->harness, err);
    }
    if (r != 0) {
        return r;
    }
    r = worker_compile_harness(task->environment->python, &task->cancel, &task->harness, err);
    return r < 0 ? r : cache_put(cache, "harness", &key, buf_str(&task->harness), err);
}

/* Without it each call takes longer, no more. */
static int find_harness(struct task *task, corrie_error *err)
{
    _error_ corrie_error inner = CORRIE_ERROR_INIT;
    int r = make_harness(task, &inner);

    if (r == CORRIE_E_NO_MEMORY || r == CORRIE_E_CANCELLED) {
        return corrie_error_move(err, &inner);
    }
    if (r < 0) {
        buf_done(&task->harness);
    }
    return 0;
}

static int make_environment(struct task *task, corrie_error *err)
{
    struct env_options options = {.withheld = task->withheld,
                                  .n_withheld = task->n_withheld,
                                  .cancel = &task->cancel,
                                  .progress = tell_progress,
                                  .progress_arg = task};

    int r = env_resolve(&task->request, &options, &task->environment, err);

    return r < 0 ? r : find_harness(task, err);
}

static void tell_event(void *arg, const struct worker_event *event)
{
    if (event->kind == WORKER_LOG) {
        pool_say(arg, MESSAGE_LOG, event);
    }
}

static int call_function(struct task *task, corrie_error *err)
{
    return worker_call(&task->spec, tell_event, task, &task->cancel, &task->output, err);
}

/* ---- before ---- */

int run_environment(struct run *run, size_t step, struct task **ret, corrie_error *err)
{
    const struct plan_environment *wanted =
        &run->plan->environments[run->plan->steps[step].environment];
    _cleanup_(task_freep) struct task *task = NULL;
    int r;

    r = task_new(&run->pool, &run->cancel, &task, err);
    if (r < 0) {
        return r;
    }
    task->step = step;
    task->name = "environment";
    task->work = make_environment;
    task->request = (struct env_request){.python = wanted->python,
                                         .packages = wanted->packages,
                                         .n_packages = wanted->n_packages,
                                         .locked = wanted->locked};
    r = secret_variables(run->project->settings, run->plan, &task->arena, &task->withheld,
                         &task->n_withheld, err);
    if (r < 0) {
        return r;
    }
    *ret = TAKE_PTR(task);
    return 0;
}

/* The table behind an edge. What a lake table is asked for was applied by its scan. */
static int edge_table(struct run *run, const struct plan_edge *edge, struct task *task,
                      struct exchange **ret, corrie_error *err)
{
    if (edge->node != PLAN_NONE && edge->filter.len > 0) {
        int r = run_filter(run, edge, &task->made[task->n_made], err);

        if (r < 0) {
            return r;
        }
        *ret = task->made[task->n_made++];
        task->held = &run->made_bytes;
        task->made_bytes += exchange_bytes(*ret);
        run->made_bytes += exchange_bytes(*ret);
        return 0;
    }
    *ret = edge->node != PLAN_NONE ? run->nodes[edge->node].output : run->scans[edge->scan];
    return *ret ? 0
                : corrie_fail(err, CORRIE_E_INTERNAL, "input %.*s was not made",
                              STR_FMT(edge->argument));
}

/* What is asked for by name may not be there: planning cannot tell of functions that do not say what they give. */
static int check_columns(const struct run *run, const struct plan_edge *edge,
                         const struct exchange *table, struct arena *arena, corrie_error *err)
{
    size_t n = exchange_n_columns(table);
    struct str *names;

    for (size_t i = 0; i < edge->n_columns; i++) {
        if (exchange_index(table, edge->columns[i]) >= 0) {
            continue;
        }
        names = arena_array(arena, struct str, n);
        if (!names) {
            return corrie_fail_memory(err);
        }
        for (size_t c = 0; c < n; c++) {
            names[c] = exchange_column(table, c).name;
        }
        corrie_fail(err, CORRIE_E_PROJECT, "input %.*s: there is no column %.*s",
                    STR_FMT(edge->argument), STR_FMT(edge->columns[i]));
        corrie_hint_nearest(edge->columns[i], names, n, err);
        return place_error(run->project, &edge->place, err);
    }
    return 0;
}

/* The names under which a function of several outputs returns them. */
static int fill_outputs(struct run *run, size_t node, struct task *task, corrie_error *err)
{
    size_t n = run->plan->nodes[node].function->n_outputs;
    struct str *names;

    if (!run->plan->nodes[node].function->by_name) {
        return 0;
    }
    names = arena_array(&task->arena, struct str, n);
    if (!names) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        names[i] = run->plan->nodes[node + i].function->name;
    }
    task->spec.outputs = names;
    task->spec.n_outputs = n;
    task->spec.n_columns = 0;
    return 0;
}

/* Tables that others made stay until the step has ended: it is one of their readers. */
static int fill_inputs(struct run *run, const struct plan_node *node, struct task *task,
                       corrie_error *err)
{
    struct worker_input *inputs = arena_array(&task->arena, struct worker_input, node->n_edges);

    task->made = arena_array(&task->arena, struct exchange *, node->n_edges);
    if (!inputs || !task->made) {
        return corrie_fail_memory(err);
    }
    task->spec.inputs = inputs;
    for (size_t i = 0; i < node->n_edges; i++) {
        const struct plan_edge *edge = &node->edges[i];
        struct exchange *table = NULL;
        int r = edge_table(run, edge, task, &table, err);

        if (r < 0 || (r = check_columns(run, edge, table, &task->arena, err)) < 0) {
            return r;
        }
        inputs[i] = (struct worker_input){.argument = edge->argument,
                                          .form = edge->form,
                                          .table = table,
                                          .columns = edge->columns,
                                          .n_columns = edge->n_columns,
                                          .all_columns = edge->all_columns};
    }
    task->spec.n_inputs = node->n_edges;
    return 0;
}

/* task_free drops the values. */
static int fill_parameters(const struct run *run, const struct plan_node *node, struct task *task,
                           corrie_error *err)
{
    const struct declared_function *function = node->function;
    struct worker_parameter *parameters =
        arena_array(&task->arena, struct worker_parameter, function->n_parameters);

    if (!parameters) {
        return corrie_fail_memory(err);
    }
    task->spec.parameters = parameters;
    for (size_t i = 0; i < function->n_parameters; i++) {
        json_t *value;
        int r = plan_parameter_value(run->plan, node->parameters[i], &value, err);

        if (r < 0) {
            return r;
        }
        parameters[i] = (struct worker_parameter){
            .argument = function->parameters[i].argument,
            .value = value,
            .secret = plan_parameter_is_secret(node->parameters[i]),
        };
        task->spec.n_parameters = i + 1;
    }
    return 0;
}

/* The same for every call: made at the first. */
static int fill_sources(struct run *run, struct task *task, corrie_error *err)
{
    const struct project_dir *project = run->project;

    if (!run->sources) {
        run->sources = arena_array(&run->arena, struct worker_source, project->n_sources);
        if (!run->sources) {
            return corrie_fail_memory(err);
        }
        for (size_t i = 0; i < project->n_sources; i++) {
            if (project->sources[i].language == SOURCE_PYTHON) {
                run->sources[run->n_sources++] = (struct worker_source){
                    .path = project->sources[i].path, .text = project->sources[i].text};
            }
        }
    }
    task->spec.sources = run->sources;
    task->spec.n_sources = run->n_sources;
    return 0;
}

/* What results are in memory now. */
static uint64_t held_memory(const struct run *run)
{
    uint64_t held = run->made_bytes;

    for (size_t i = 0; i < run->plan->n_nodes; i++) {
        held += run->nodes[i].output ? exchange_bytes(run->nodes[i].output) : 0;
    }
    for (size_t i = 0; i < run->plan->n_steps; i++) {
        held += run->scans[i] ? exchange_bytes(run->scans[i]) : 0;
    }
    return held;
}

uint64_t run_memory_left(const struct run *run)
{
    uint64_t held = held_memory(run);

    return run->memory == 0 ? 0 : run->memory > held ? run->memory - held : 1;
}

/* Interpreter and libraries reserve much that they never touch, some of it for each CPU: no limit is below that. */
static uint64_t own_memory(const struct run *run, const struct declared_function *function)
{
    uint64_t least = CORRIE_GiB + (uint64_t)os_cpus() * 64 * CORRIE_MiB;
    uint64_t most = function->memory > run->memory ? function->memory : run->memory;

    return run->memory == 0 ? 0 : most > least ? most : least;
}

int run_call(struct run *run, size_t step, struct task **ret, corrie_error *err)
{
    const struct plan_node *node = &run->plan->nodes[run->plan->steps[step].node];
    const struct declared_function *function = node->function;
    _cleanup_(task_freep) struct task *task = NULL;
    int r;

    r = task_new(&run->pool, &run->cancel, &task, err);
    if (r < 0) {
        return r;
    }
    task->step = step;
    task->name = arena_text(&task->arena, node->name);
    task->work = call_function;
    if (!task->name) {
        return corrie_fail_memory(err);
    }
    task->spec = (struct worker_spec){
        .kind = function->kind == FUNCTION_MODEL ? WORKER_MODEL : WORKER_EXPECTATION,
        .model = function->by_name ? function->function : node->name,
        .python = str_of(run->environments[node->environment]->python),
        .harness = buf_str(&run->harnesses[node->environment]),
        .packages = str_of(run->environments[node->environment]->lock),
        .project_dir = run->project->dir,
        .file = function->source->path,
        .function = function->function,
        .columns = function->columns.items,
        .n_columns = function->columns.count,
        .job = job_id(run->job),
        .timeout_ms = (int64_t)(function->timeout * 1000),
        .memory = own_memory(run, function),
        .output_memory = run_memory_left(run),
        .internet_access = function->internet_access,
    };
    if ((r = fill_inputs(run, node, task, err)) < 0 || (r = fill_sources(run, task, err)) < 0 ||
        (r = fill_parameters(run, node, task, err)) < 0 ||
        (r = fill_outputs(run, run->plan->steps[step].node, task, err)) < 0) {
        return r;
    }
    *ret = TAKE_PTR(task);
    return 0;
}
