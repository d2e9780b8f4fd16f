/* schedule.c — carries out the steps of a plan, each as soon as what it comes after has ended.
 *
 * The coordinator (this thread) gives functions and environments to threads as the machine has room for them, does the
 * steps that move data itself, and between those takes what threads have said. Of steps that could begin the one with
 * the longest way to the end goes first (ready.h). Functions are not overtaken by smaller ones behind them: what asks
 * for much would never come to it.
 *
 * States of a step: waiting → begun → ended, or not come to. A run goes on until all have ended, or the first failure:
 * then what still runs is cancelled, and what functions had given by then is written, so that it can be looked at.
 *
 * Invariants
 *   1. The first failure is the run's error; later ones are told of.
 *   2. Declared cpus and memory of functions that run never add up to more than the machine has, but for one that asks
 *      for more cpus than there are: it runs alone.
 *   3. A table is let go of when the last step that reads it has ended. */
#include "run/ready.h"
#include "run/run_priv.h"

#include "base/limits.h"
#include "os/proc.h"

/* How often the coordinator, while it waits, looks whether the user has ended the run. */
#define LOOK_MS 50
/* Environments made at once: each is another program that uses all it can get. */
#define MAX_ENVIRONMENTS 4
/* What a function takes that says nothing. */
#define DEFAULT_CPUS 1.0
#define DEFAULT_MEMORY ((uint64_t)512 << 20)

enum step_state { STEP_WAITING, STEP_BEGUN, STEP_ENDED };

struct schedule {
    struct run *run;
    struct ready ready;
    enum step_state *states; /* one a step */
    struct task *running;
    size_t n_calls;
    size_t n_environments;
    double cpus; /* of the machine, and of what runs */
    double cpus_used;
    uint64_t memory;
    uint64_t memory_used;
    int result;        /* of the first failure */
    corrie_error *err; /* the caller's */
};

/* ---- what functions ask for ---- */

static uint64_t needed_memory(const struct schedule *s, const struct declared_function *function)
{
    uint64_t share = s->memory / (uint64_t)s->cpus;

    if (function->memory > 0) {
        return function->memory;
    }
    return share > 0 && share < DEFAULT_MEMORY ? share : DEFAULT_MEMORY;
}

static double needed_cpus(const struct declared_function *function)
{
    return function->cpus > 0 ? function->cpus : DEFAULT_CPUS;
}

static int refuse_memory(const struct run *run, const struct plan_node *node, uint64_t machine,
                         corrie_error *err)
{
    corrie_fail(err, CORRIE_E_LIMIT,
                "%.*s asks for %.1f GB of memory, and this machine has %.1f GB",
                STR_FMT(node->name), (double)node->function->memory / 1e9, (double)machine / 1e9);
    place_error(run->project, &node->function->place, err);
    return corrie_hint(err, "ask for less: @corrie.resources(memory=…)");
}

int run_check_resources(const struct run *run, corrie_error *err)
{
    uint64_t machine = os_memory();

    for (size_t i = 0; i < run->plan->n_nodes; i++) {
        const struct plan_node *node = &run->plan->nodes[i];

        if (machine > 0 && node->function->memory > machine) {
            return refuse_memory(run, node, machine, err);
        }
    }
    return 0;
}

/* Whether the machine has room for one more function. */
static bool has_room(const struct schedule *s, const struct declared_function *function)
{
    if (s->n_calls == 0) {
        return true;
    }
    if (s->n_calls + s->n_environments >= POOL_MAX_THREADS) {
        return false;
    }
    return s->cpus_used + needed_cpus(function) <= s->cpus + 1e-9 &&
           (s->memory == 0 || s->memory_used + needed_memory(s, function) <= s->memory);
}

static void tell_alone(struct schedule *s, const struct plan_node *node)
{
    double cpus = needed_cpus(node->function);
    char *file;
    char *text;

    if (cpus <= s->cpus) {
        return;
    }
    file = arena_text(&s->run->arena, node->function->place.file);
    text = arena_printf(&s->run->arena, "%.*s asks for %g cpus, this machine has %g: it runs alone",
                        STR_FMT(node->name), cpus, s->cpus);
    RUN_EVENT(s->run, .kind = "notice", .file = file, .line = node->function->place.line,
              .text = text ? text : "");
}

/* ---- tables that nobody reads any more ---- */

static void count_readers(struct run *run)
{
    const struct plan *plan = run->plan;

    for (size_t i = 0; i < plan->n_nodes; i++) {
        bool calls = plan_caller(plan, i) == i; /* further outputs share the edges of the first */

        for (size_t k = 0; calls && k < plan->nodes[i].n_edges; k++) {
            const struct plan_edge *edge = &plan->nodes[i].edges[k];

            if (edge->node != PLAN_NONE) {
                run->nodes[edge->node].readers++;
            } else {
                run->scan_readers[edge->scan]++;
            }
        }
    }
    for (size_t i = 0; i < plan->n_steps; i++) {
        if (plan->steps[i].kind == STEP_WRITE) {
            run->nodes[plan->steps[i].node].readers++;
        }
    }
}

static void let_go(struct exchange **table, size_t *readers)
{
    if (*readers > 0 && --*readers == 0) {
        *table = exchange_unref(*table);
    }
}

/* The step has read what it reads. */
static void let_go_of_inputs(struct run *run, const struct plan_step *step)
{
    const struct plan_node *node;

    if (step->kind == STEP_WRITE) {
        let_go(&run->nodes[step->node].output, &run->nodes[step->node].readers);
    }
    if (step->kind != STEP_FUNCTION && step->kind != STEP_CHECK) {
        return;
    }
    node = &run->plan->nodes[step->node];
    for (size_t i = 0; i < node->n_edges; i++) {
        const struct plan_edge *edge = &node->edges[i];

        if (edge->node != PLAN_NONE) {
            let_go(&run->nodes[edge->node].output, &run->nodes[edge->node].readers);
        } else {
            let_go(&run->scans[edge->scan], &run->scan_readers[edge->scan]);
        }
    }
    for (size_t i = 0; i < run->plan->nodes[step->node].function->n_outputs; i++) {
        struct node_state *state = &run->nodes[step->node + i];

        state->output = state->readers > 0 ? state->output : exchange_unref(state->output);
    }
}

/* ---- how steps end ---- */

/* Takes over the error. Whoever runs is told to stop. */
static void fail(struct schedule *s, corrie_error *err)
{
    if (err->code == CORRIE_E_CANCELLED && !cancel_requested(&s->run->cancel)) {
        return; /* it was stopped because another failed, whose word came before, or is in the queue */
    }
    if (s->result < 0) {
        if (err->code != CORRIE_E_CANCELLED) {
            RUN_EVENT(s->run, .kind = "notice", .status = "warning",
                      .text = corrie_error_message(err));
        }
        return;
    }
    s->result = corrie_error_move(s->err, err);
    for (struct task *task = s->running; task; task = task->next_running) {
        cancel_request(&task->cancel);
    }
}

static void end_step(struct schedule *s, size_t step)
{
    s->states[step] = STEP_ENDED;
    let_go_of_inputs(s->run, &s->run->plan->steps[step]);
    ready_ended(&s->ready, step);
}

/* How many nodes the step of this one is for: the outputs of one function stand next to each other. */
static size_t outputs_of(const struct schedule *s, size_t node)
{
    const struct declared_function *function = s->run->plan->nodes[node].function;

    return function->kind == FUNCTION_MODEL && function->n_outputs > 1 ? function->n_outputs : 1;
}

static void begin_node(struct schedule *s, size_t node)
{
    struct node_state *state = &s->run->nodes[node];
    char *name = arena_text(&s->run->arena, s->run->plan->nodes[node].name);

    state->status = NODE_RUNNING;
    state->started = clock_monotonic();
    state->bytes_read = plan_node_reads(s->run->plan, node);
    RUN_EVENT(s->run, .kind = "start", .node = name, .status = "running");
}

static void begin_call(struct schedule *s, size_t node)
{
    for (size_t i = 0; i < outputs_of(s, node); i++) {
        begin_node(s, node + i);
    }
}

/* That rows cannot be shown fails nothing: if they are wrong, who reads them says so. */
static void keep_preview(struct schedule *s, size_t node)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    if (s->run->nodes[node].output && run_preview(s->run, node, &err) < 0) {
        RUN_EVENT(s->run, .kind = "notice", .status = "warning",
                  .text = corrie_error_message(&err));
    }
}

/* Whether the message says already which function it is about: by its name, or by one of its outputs. */
static bool names_function(const struct plan *plan, size_t node, const char *message)
{
    size_t first = plan_caller(plan, node);
    const struct declared_function *function = plan->nodes[first].function;

    for (size_t i = 0; i < function->n_outputs; i++) {
        if (str_starts(str_of(message), plan->nodes[first + i].name)) {
            return true;
        }
    }
    return function->by_name && str_starts(str_of(message), function->function);
}

/* `r` is how its step ended, with its error in *err. */
static void end_node(struct schedule *s, size_t node, int r, corrie_error *err)
{
    struct str called = s->run->plan->nodes[node].name;
    struct node_state *state = &s->run->nodes[node];
    char *name = arena_text(&s->run->arena, called);

    bool stopped = r == CORRIE_E_CANCELLED && !cancel_requested(&s->run->cancel);

    state->elapsed = clock_monotonic() - state->started;
    if (r < 0) {
        state->status = r == CORRIE_E_CANCELLED ? NODE_CANCELLED
                        : r == CORRIE_E_TIMEOUT ? NODE_TIMEOUT
                                                : NODE_FAILED;
        state->bytes_read = -1; /* how far it came is not known */
    } else if (state->status == NODE_RUNNING) {
        state->status = NODE_DONE;
    }
    if (r >= 0 && state->output) {
        state->has_output = true;
        state->rows = exchange_rows(state->output);
        state->bytes = (int64_t)exchange_bytes(state->output);
    }
    keep_preview(s, node);
    RUN_EVENT(s->run, .kind = "done", .node = name, .status = run_status_name(state->status),
              .rows = state->has_output ? state->rows : -1,
              .bytes = state->has_output ? state->bytes : -1, .bytes_read = state->bytes_read,
              .seconds = (double)state->elapsed / 1e9,
              .text = stopped ? "another function failed"
                      : r < 0 ? corrie_error_message(err)
                              : NULL);
    if (r < 0 && !names_function(s->run->plan, node, corrie_error_message(err))) {
        corrie_wrap(err, "%.*s", STR_FMT(called));
    }
    if (r < 0 && r != CORRIE_E_CANCELLED && !err->position.file) { /* of no line: of all of it */
        place_error(s->run->project, &s->run->plan->nodes[node].function->place, err);
    }
}

/* ---- what threads say ---- */

/* Takes the task from those that run. */
static void take_back(struct schedule *s, struct task *task)
{
    struct task **at = &s->running;

    while (*at != task) {
        at = &(*at)->next_running;
    }
    *at = task->next_running;
    if (s->run->plan->steps[task->step].kind == STEP_ENV) {
        s->n_environments--;
        return;
    }
    s->n_calls--;
    s->cpus_used = s->n_calls > 0 ? s->cpus_used - task->cpus : 0; /* no sum of roundings */
    s->memory_used -= task->memory;
}

/* An environment is made for a function: that is where to look. */
static int name_asker(struct schedule *s, size_t environment, corrie_error *err)
{
    const struct declared_function *asker = s->run->plan->environments[environment].function;

    if (err->code == CORRIE_E_CANCELLED) {
        return err->code;
    }
    corrie_wrap(err, "%.*s", STR_FMT(asker->by_name ? asker->function : asker->name));
    return place_error(s->run->project, &asker->place, err);
}

static int take_result(struct schedule *s, struct task *task, corrie_error *err)
{
    const struct plan_step *step = &s->run->plan->steps[task->step];
    struct node_state *state;
    int r = task->result;
    size_t n;

    if (step->kind == STEP_ENV) {
        run_progress(s->run, task->name, "done");
        s->run->environments[step->environment] = TAKE_PTR(task->environment);
        s->run->harnesses[step->environment] = TAKE(task->harness);
        if (r >= 0) {
            return 0;
        }
        corrie_error_move(err, &task->error);
        return name_asker(s, step->environment, err);
    }
    r = r < 0 ? corrie_error_move(err, &task->error) : 0;
    if (r >= 0 && step->kind == STEP_CHECK) {
        r = run_take_check(s->run, step->node, task, err);
    }
    n = outputs_of(s, step->node);
    for (size_t i = 0; i < n; i++) {
        state = &s->run->nodes[step->node + i];
        state->max_rss = task->output.usage.max_rss;
        state->cpu = task->output.usage.user_time + task->output.usage.system_time;
        if (r >= 0 && step->kind == STEP_FUNCTION) {
            r = run_take_model(s->run, step->node + i, task, &state->output, err);
        }
    }
    /* One call is one thing: if one of its tables is not what was declared, none of them counts. */
    for (size_t i = 0; i < n; i++) {
        if (r < 0) {
            s->run->nodes[step->node + i].output =
                exchange_unref(s->run->nodes[step->node + i].output);
        }
        end_node(s, step->node + i, r, err);
    }
    return r;
}

static void take_ended(struct schedule *s, struct task *ended)
{
    _cleanup_(task_freep) struct task *task = ended;
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    take_back(s, task);
    if (take_result(s, task, &err) < 0) {
        fail(s, &err);
    } else {
        end_step(s, task->step);
    }
}

static void take_message(struct schedule *s, struct message *message)
{
    static const char *const streams[] = {"stdout", "stderr", "log", "note"};

    switch (message->kind) {
    case MESSAGE_LOG:
        RUN_EVENT(s->run, .kind = "log", .time_ns = message->time, .node = message->task->name,
                  .stream = streams[message->stream], .file = message->file, .line = message->line,
                  .text = message->text);
        break;
    case MESSAGE_PROGRESS:
        RUN_EVENT(s->run, .kind = "progress", .time_ns = message->time, .node = message->task->name,
                  .text = message->text);
        break;
    default:
        take_ended(s, message->task);
        return;
    }
    message_free(message);
}

/* Everything that was said; waits for the first word at most `timeout_ms`. */
static void take_messages(struct schedule *s, int timeout_ms)
{
    struct message *message;

    while ((message = pool_take(&s->run->pool, timeout_ms)) != NULL) {
        take_message(s, message);
        timeout_ms = 0;
    }
}

/* ---- what threads are given ---- */

static int prepare_call(struct schedule *s, size_t step, struct task **ret, corrie_error *err)
{
    const struct plan_node *node = &s->run->plan->nodes[s->run->plan->steps[step].node];
    int r;

    tell_alone(s, node);
    if (!pool_compute_begin(&s->run->pool)) {
        return corrie_fail(err, CORRIE_E_CANCELLED, "another function failed");
    }
    r = run_call(s->run, step, ret, err);
    pool_compute_end(&s->run->pool);
    if (r >= 0) {
        (*ret)->cpus = needed_cpus(node->function);
        (*ret)->memory = needed_memory(s, node->function);
    }
    return r;
}

static void hand_over(struct schedule *s, struct task *task)
{
    bool environment = s->run->plan->steps[task->step].kind == STEP_ENV;

    s->n_environments += environment;
    s->n_calls += !environment;
    s->cpus_used += task->cpus;
    s->memory_used += task->memory;
    task->next_running = s->running;
    s->running = task;
}

static void give(struct schedule *s, size_t step)
{
    const struct plan_step *what = &s->run->plan->steps[step];
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(task_freep) struct task *task = NULL;
    int r;

    s->states[step] = STEP_BEGUN;
    if (what->kind == STEP_ENV) {
        r = run_environment(s->run, step, &task, &err);
    } else {
        begin_call(s, what->node);
        r = prepare_call(s, step, &task, &err);
    }
    if (r >= 0) {
        r = pool_give(&s->run->pool, task, &err);
    }
    if (r >= 0) {
        hand_over(s, TAKE_PTR(task));
        return;
    }
    for (size_t i = 0; what->kind != STEP_ENV && i < outputs_of(s, what->node); i++) {
        end_node(s, what->node + i, r, &err);
    }
    fail(s, &err);
}

/* As much as the machine has room for. */
static void give_tasks(struct schedule *s)
{
    const struct plan *plan = s->run->plan;
    size_t step;

    while (s->result >= 0 && s->n_environments < MAX_ENVIRONMENTS &&
           ready_first(&s->ready, READY_ENVIRONMENT) != PLAN_NONE) {
        give(s, ready_take(&s->ready, READY_ENVIRONMENT));
    }
    while (s->result >= 0 && (step = ready_first(&s->ready, READY_CALL)) != PLAN_NONE &&
           has_room(s, plan->nodes[plan->steps[step].node].function)) {
        give(s, ready_take(&s->ready, READY_CALL));
    }
}

/* ---- the coordinator's own steps ---- */

/* What is given up when a function fails meanwhile. */
static int compute(struct schedule *s, size_t index, corrie_error *err)
{
    const struct plan_step *step = &s->run->plan->steps[index];
    int r;

    if (!pool_compute_begin(&s->run->pool)) {
        return corrie_fail(err, CORRIE_E_CANCELLED, "another function failed");
    }
    if (step->kind == STEP_SCAN) {
        r = run_scan(s->run, index, err);
    } else {
        r = run_sql(s->run, step->node, &s->run->nodes[step->node].output, err);
    }
    pool_compute_end(&s->run->pool);
    return r;
}

/* "writing shop.days": what may take long and belongs to no function that runs. NULL: nothing to tell. */
static const char *name_step(const struct schedule *s, const struct plan_step *step)
{
    const struct plan *plan = s->run->plan;
    struct arena *arena = &s->run->arena;

    if (step->kind == STEP_WRITE) {
        const struct plan_node *node = &plan->nodes[step->node];

        return arena_printf(arena, "writing %.*s.%.*s", STR_FMT(node->table_namespace),
                            STR_FMT(node->name));
    }
    if (step->kind == STEP_SCAN && !step->in_engine) {
        const struct plan_source *source = &plan->sources[step->source];

        return arena_printf(arena, "reading %.*s.%.*s", STR_FMT(source->table_namespace),
                            STR_FMT(source->name));
    }
    return step->kind == STEP_PUBLISH ? "publishing" : NULL;
}

static int do_step(struct schedule *s, size_t index, corrie_error *err)
{
    const struct plan_step *step = &s->run->plan->steps[index];
    int r;

    switch (step->kind) {
    case STEP_SCAN:
        return compute(s, index, err);
    case STEP_FUNCTION:
        begin_node(s, step->node);
        r = compute(s, index, err);
        end_node(s, step->node, r, err);
        return r;
    case STEP_WRITE:
        return run_write(s->run, step->node, err);
    case STEP_PUBLISH:
        return run_publish(s->run, err);
    default:
        return corrie_fail(err, CORRIE_E_INTERNAL, "the plan has a step of unknown kind %d",
                           (int)step->kind);
    }
}

static void do_next(struct schedule *s)
{
    size_t step = ready_take(&s->ready, READY_DATA);
    const char *name = name_step(s, &s->run->plan->steps[step]);
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    s->states[step] = STEP_BEGUN;
    if (name) {
        run_progress(s->run, name, NULL);
    }
    if (s->run->plan->steps[step].skipped || do_step(s, step, &err) >= 0) {
        end_step(s, step);
    } else {
        fail(s, &err);
    }
    if (name && s->run->plan->steps[step].kind != STEP_PUBLISH) { /* the commit says it for that */
        run_progress(s->run, name, "done");
    }
}

static void look_for_cancel(struct schedule *s)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    if (s->result >= 0 && cancel_check(&s->run->cancel, &err) < 0) {
        fail(s, &err);
    }
}

/* Until all steps have ended, or one has failed. */
static void go_on(struct schedule *s)
{
    while (s->result >= 0) {
        take_messages(s, 0);
        look_for_cancel(s);
        give_tasks(s);
        if (s->result < 0) {
            return;
        }
        if (ready_first(&s->ready, READY_DATA) != PLAN_NONE) {
            do_next(s);
        } else if (s->running) {
            take_messages(s, LOOK_MS);
        } else {
            return;
        }
    }
}

/* ---- the end ---- */

/* What functions had given before the failure: written where it can be looked at. */
static void write_finished(struct schedule *s)
{
    const struct plan *plan = s->run->plan;

    for (size_t i = 0; i < plan->n_steps; i++) {
        const struct plan_step *step = &plan->steps[i];
        _error_ corrie_error err = CORRIE_ERROR_INIT;

        if (step->kind == STEP_WRITE && s->states[i] == STEP_WAITING && !step->skipped &&
            s->run->nodes[step->node].status == NODE_DONE &&
            run_write(s->run, step->node, &err) < 0) {
            fail(s, &err);
        }
    }
}

static void wind_down(struct schedule *s)
{
    const struct plan *plan = s->run->plan;

    while (s->running) {
        take_messages(s, LOOK_MS);
    }
    if (s->result < 0 && !cancel_requested(&s->run->cancel) && !s->run->options.no_transaction) {
        write_finished(s);
    }
    for (size_t i = 0; s->result >= 0 && i < plan->n_steps; i++) {
        if (s->states[i] != STEP_ENDED) {
            s->result =
                corrie_fail(s->err, CORRIE_E_INTERNAL, "step %zu of the plan was not done", i);
        }
    }
}

int run_steps(struct run *run, corrie_error *err)
{
    struct schedule s = {.run = run, .err = err, .cpus = os_cpus(), .memory = os_memory()};
    int r;

    s.states = arena_array(&run->arena, enum step_state, run->plan->n_steps);
    if (!s.states) {
        return corrie_fail_memory(err);
    }
    r = ready_init(&s.ready, run->plan, run->options.no_transaction, &run->arena, err);
    if (r < 0 || (r = pool_init(&run->pool, &run->compute, err)) < 0) {
        return r;
    }
    os_allow_files();
    count_readers(run);
    go_on(&s);
    wind_down(&s);
    pool_done(&run->pool);
    return s.result;
}
