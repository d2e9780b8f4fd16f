/* step_python.c — steps in processes of their own: environments, Python functions, expectations. */
#include "run/run_priv.h"

#include "arrow/type.h"
#include "lang/project.h"

static void tell_progress(void *arg, struct str text)
{
    struct run *run = arg;
    char *copy = arena_text(&run->arena, text);

    RUN_EVENT(run, .kind = "progress", .node = "environment", .text = copy ? copy : "");
}

int run_environment(struct run *run, size_t index, corrie_error *err)
{
    const struct plan_environment *wanted = &run->plan->environments[index];
    struct env_package *packages = arena_array(&run->arena, struct env_package, wanted->n_packages);
    struct env_request request = {
        .python = wanted->python, .packages = packages, .n_packages = wanted->n_packages};
    struct env_options options = {
        .cancel = lake_cancel(run->lake), .progress = tell_progress, .progress_arg = run};

    if (!packages) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < wanted->n_packages; i++) {
        packages[i] = (struct env_package){.name = wanted->packages[i].name,
                                           .version = wanted->packages[i].version};
    }
    return env_resolve(&request, &options, &run->environments[index], err);
}

/* ---- calling ---- */

/* What a call borrows while it lasts. */
struct call {
    struct run *run;
    const struct plan_node *node;
    struct worker_spec spec;
    struct exchange **made; /* inputs made for this call alone, one an edge; NULL = not */
};

static json_t *value_json(const struct plan_parameter *parameter)
{
    const struct param_value *value = &parameter->value;

    if (!parameter->has_value) {
        return json_null();
    }
    switch (value->type) {
    case PARAM_INT:
        return json_integer(value->i);
    case PARAM_FLOAT:
        return json_real(value->f);
    case PARAM_BOOL:
        return json_boolean(value->i);
    default:
        return js_string(value->text);
    }
}

/* The table behind an edge. What a lake table is asked for was applied by its scan. */
static int edge_table(struct call *call, size_t index, struct exchange **ret, corrie_error *err)
{
    struct run *run = call->run;
    const struct plan_edge *edge = &call->node->edges[index];
    int r;

    if (edge->node != PLAN_NONE && edge->filter.len > 0) {
        r = run_filter(run, edge, &call->made[index], err);
        if (r < 0) {
            return corrie_wrap(err, "filter input %.*s", STR_FMT(edge->argument));
        }
        *ret = call->made[index];
        return 0;
    }
    *ret = edge->node != PLAN_NONE ? run->nodes[edge->node].output : run->scans[edge->scan];
    return *ret ? 0
                : corrie_fail(err, CORRIE_E_INTERNAL, "input %.*s was not made",
                              STR_FMT(edge->argument));
}

static int fill_inputs(struct call *call, corrie_error *err)
{
    const struct plan_node *node = call->node;
    struct worker_input *inputs =
        arena_array(&call->run->arena, struct worker_input, node->n_edges);

    call->made = arena_array(&call->run->arena, struct exchange *, node->n_edges);
    if (!inputs || !call->made) {
        return corrie_fail_memory(err);
    }
    call->spec.inputs = inputs;
    for (size_t i = 0; i < node->n_edges; i++) {
        const struct plan_edge *edge = &node->edges[i];
        struct exchange *table = NULL;
        int r = edge_table(call, i, &table, err);

        if (r < 0) {
            return r;
        }
        inputs[i] = (struct worker_input){.argument = edge->argument,
                                          .form = WORKER_ARROW_TABLE,
                                          .table = table,
                                          .columns = edge->columns,
                                          .n_columns = edge->n_columns,
                                          .all_columns = edge->all_columns};
    }
    call->spec.n_inputs = node->n_edges;
    return 0;
}

/* The caller drops the values: call_done. */
static int fill_parameters(struct call *call, corrie_error *err)
{
    const struct declared_function *function = call->node->function;
    struct worker_parameter *parameters =
        arena_array(&call->run->arena, struct worker_parameter, function->n_parameters);

    if (!parameters) {
        return corrie_fail_memory(err);
    }
    call->spec.parameters = parameters;
    for (size_t i = 0; i < function->n_parameters; i++) {
        parameters[i].argument = function->parameters[i].argument;
        parameters[i].value = value_json(call->node->parameters[i]);
        if (!parameters[i].value) {
            return corrie_fail_memory(err);
        }
        call->spec.n_parameters = i + 1;
    }
    return 0;
}

static void call_done(struct call *call)
{
    for (size_t i = 0; call->made && i < call->node->n_edges; i++) {
        exchange_unref(call->made[i]);
    }
    for (size_t i = 0; i < call->spec.n_parameters; i++) {
        json_decref((json_t *)(uintptr_t)call->spec.parameters[i].value);
    }
}

static int fill_sources(struct call *call, corrie_error *err)
{
    const struct project_dir *project = call->run->project;
    struct worker_source *sources =
        arena_array(&call->run->arena, struct worker_source, project->n_sources);
    size_t n = 0;

    if (!sources) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < project->n_sources; i++) {
        if (project->sources[i].language == SOURCE_PYTHON) {
            sources[n++] = (struct worker_source){.path = project->sources[i].path,
                                                  .text = project->sources[i].text};
        }
    }
    call->spec.sources = sources;
    call->spec.n_sources = n;
    return 0;
}

static void tell_event(void *arg, const struct worker_event *event)
{
    static const char *const streams[] = {"stdout", "stderr", "log", "note"};
    struct call *call = arg;
    _cleanup_(arena_done) struct arena arena = {0};
    char *name = arena_text(&arena, call->node->name);
    char *file = event->file.len ? arena_text(&arena, event->file) : NULL;
    char *text = arena_text(&arena, event->text);

    if (event->kind == WORKER_LOG && name && text) {
        RUN_EVENT(call->run, .kind = "log", .node = name, .stream = streams[event->stream],
                  .file = file, .line = event->line, .text = text);
    }
}

static int call_function(struct run *run, size_t index, enum worker_kind kind,
                         struct worker_result *ret, corrie_error *err)
{
    const struct plan_node *node = &run->plan->nodes[index];
    const struct declared_function *function = node->function;
    struct node_state *state = &run->nodes[index];
    _cleanup_(call_done) struct call call = {.run = run, .node = node};
    int r;

    call.spec = (struct worker_spec){
        .kind = kind,
        .model = node->name,
        .python = str_of(run->environments[node->environment]->python),
        .project_dir = run->project->dir,
        .file = function->source->path,
        .function = function->function,
        .columns = function->columns.items,
        .n_columns = function->columns.count,
        .timeout_ms = (int64_t)(function->timeout * 1000),
        .internet_access = function->internet_access,
    };
    r = fill_inputs(&call, err);
    if (r >= 0) {
        r = fill_sources(&call, err);
    }
    if (r >= 0) {
        r = fill_parameters(&call, err);
    }
    if (r >= 0) {
        r = worker_call(&call.spec, tell_event, &call, lake_cancel(run->lake), ret, err);
        state->max_rss = ret->usage.max_rss;
        state->cpu = ret->usage.user_time + ret->usage.system_time;
    }
    return r;
}

/* ---- what came back ---- */

/* Names of the output's columns, as a schema without types. */
static int output_names(const struct exchange *output, struct arena *arena, struct schema *ret,
                        corrie_error *err)
{
    size_t n = exchange_n_columns(output);
    struct field *fields = arena_array(arena, struct field, n);

    if (!fields) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        fields[i].name = exchange_column(output, i).name;
    }
    *ret = (struct schema){.fields = fields, .n_fields = n};
    return 0;
}

/* Compares what the function returned with what it declared. Missing columns fail; others are left out, with a
 * warning. */
static int check_columns(struct run *run, const struct plan_node *node, struct exchange *output,
                         struct exchange **ret, corrie_error *err)
{
    const struct name_list *declared = &node->function->columns;
    _cleanup_(buf_done) struct buf text = {0};
    struct schema names;
    struct fit fit;
    bool missing = false;
    int r;

    if (declared->all || !declared->given) {
        *ret = exchange_ref(output);
        return 0;
    }
    r = output_names(output, &run->arena, &names, err);
    if (r < 0 ||
        (r = columns_fit(&names, declared->items, declared->count, &run->arena, &fit, err)) < 0) {
        return r;
    }
    for (size_t i = 0; i < fit.n_problems; i++) {
        missing = missing || fit.problems[i].kind == FIT_MISSING;
    }
    fit_describe(&fit, &text);
    if (missing) {
        corrie_fail(err, CORRIE_E_FAILED, "%.*s returned other columns than it declares: %s",
                    STR_FMT(node->name), buf_text(&text));
        place_error(run->project, &declared->place, err);
        return corrie_hint(err, "return the declared columns, or change columns=[…]");
    }
    if (fit.n_problems > 0) {
        r = run_warn(run, node, err, "%.*s returned other columns than it declares: %s",
                     STR_FMT(node->name), buf_text(&text));
        if (r < 0) {
            return r;
        }
    }
    for (size_t i = 0; i < declared->count; i++) {
        if (str_eq(declared->items[i], STR("*"))) {
            *ret = exchange_ref(output);
            return 0;
        }
    }
    return exchange_select(output, declared->items, declared->count, ret, err);
}

int run_python(struct run *run, size_t index, struct exchange **ret, corrie_error *err)
{
    _cleanup_(worker_result_done) struct worker_result result = {0};
    int r;

    r = call_function(run, index, WORKER_MODEL, &result, err);
    return r < 0 ? r : check_columns(run, &run->plan->nodes[index], result.output, ret, err);
}

int run_check(struct run *run, size_t index, corrie_error *err)
{
    _cleanup_(worker_result_done) struct worker_result result = {0};
    const struct plan_node *node = &run->plan->nodes[index];
    int r;

    r = call_function(run, index, WORKER_EXPECTATION, &result, err);
    if (r < 0 || result.passed) {
        return r;
    }
    run->nodes[index].status = NODE_WARNED;
    return run_warn(run, node, err, "the expectation %.*s does not hold%s%s", STR_FMT(node->name),
                    result.reason ? ": " : "", result.reason ? result.reason : "");
}
