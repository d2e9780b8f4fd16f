/* run.c — corrie_run: a project's plan, carried out in one transaction. */
#include "run/run_priv.h"

#include <stdio.h>

#include "base/mem.h"
#include "lang/project.h"
#include "os/proc.h"

void run_done(struct run *run)
{
    for (size_t i = 0; run->plan && run->scans && i < run->plan->n_steps; i++) {
        exchange_unref(run->scans[i]);
    }
    for (size_t i = 0; run->plan && run->nodes && i < run->plan->n_nodes; i++) {
        exchange_unref(run->nodes[i].output);
        json_decref(run->nodes[i].preview);
    }
    for (size_t i = 0; run->plan && run->environments && i < run->plan->n_environments; i++) {
        env_free(run->environments[i]);
        buf_done(&run->harnesses[i]);
    }
    plan_free(run->plan);
    lake_workspace_done(&run->work);
    declarations_free(run->declarations);
    cache_close(run->cache);
    project_close(run->project);
    lake_tx_free(run->tx);
    job_free(run->job);
    arena_done(&run->arena);
}

static int make_states(struct run *run, corrie_error *err)
{
    run->scans = arena_array(&run->arena, struct exchange *, run->plan->n_steps);
    run->scan_readers = arena_array(&run->arena, size_t, run->plan->n_steps);
    run->harnesses = arena_array(&run->arena, struct buf, run->plan->n_environments);
    run->environments = arena_array(&run->arena, struct env *, run->plan->n_environments);
    run->nodes = arena_array(&run->arena, struct node_state, run->plan->n_nodes);
    run->tables = arena_array(&run->arena, struct table_state, run->plan->n_nodes);
    run->seen = arena_array(&run->arena, size_t, run->plan->n_nodes);
    run->noted = arena_array(&run->arena, size_t, run->plan->n_sources);
    run->read = arena_array(&run->arena, struct lake_table *, run->plan->n_sources);
    return run->scans && run->scan_readers && run->harnesses && run->environments && run->nodes &&
                   run->tables && run->seen && run->noted && run->read
               ? 0
               : corrie_fail_memory(err);
}

/* ---- the job ---- */

static json_t *select_json(const struct run *run)
{
    json_t *select = json_array();

    for (size_t i = 0; i < run->options.n_select && select; i++) {
        if (json_array_append_new(select, js_string(str_of(run->options.select[i]))) < 0) {
            json_decref(select);
            return NULL;
        }
    }
    return select;
}

static json_t *args_json(const struct run *run)
{
    json_t *args = json_object();
    json_t *parameters = json_object();
    int r = 0;

    for (size_t i = 0; i < run->plan->n_parameters && parameters; i++) {
        const struct plan_parameter *parameter = &run->plan->parameters[i];
        enum param_type type = parameter->value.type;
        /* a record never holds a secret */
        bool shown = parameter->has_value && type != PARAM_SECRET && type != PARAM_VAULT;

        r |= json_object_setn_new(parameters, parameter->name.data, parameter->name.len,
                                  shown ? js_string(parameter->value.text) : json_null());
    }
    r |= js_set_str(args, "project", run->project->dir);
    r |= js_set_str(args, "namespace", run->plan->default_namespace);
    r |= js_set(args, "parameters", parameters);
    r |= js_set(args, "select", select_json(run));
    r |= js_set_bool(args, "strict", run->options.strict);
    r |= js_set_bool(args, "accept_taint", run->options.accept_taint);
    r |= js_set_bool(args, "serializable", run->options.serializable);
    r |= js_set_bool(args, "no_transaction", run->options.no_transaction);
    r |= js_set_bool(args, "deterministic", run->options.deterministic);
    if (r != 0) {
        json_decref(args);
        return NULL;
    }
    return args;
}

static int add_source(json_t *files, struct str path, struct str text)
{
    json_t *file = json_object();
    int r;

    r = js_set_str(file, "path", path);
    r |= js_set_str(file, "text", text);
    if (r != 0) {
        json_decref(file);
        return -1;
    }
    return json_array_append_new(files, file);
}

/* The project's files as they were read: one file, since each costs as much as writing the whole. */
static int keep_code(struct run *run, corrie_error *err)
{
    const struct project_dir *project = run->project;
    _cleanup_(buf_done) struct buf text = {0};
    _json_ json_t *code = json_object();
    json_t *files = json_array();
    int r;

    r = js_set_int(code, "format", 1);
    r |= js_set(code, "files", files);
    r |= r == 0 ? add_source(files, project->file, project->file_text) : 0;
    if (r == 0 && project->has_lock) {
        r = add_source(files, STR(PROJECT_LOCK_FILE), project->lock_text);
    }
    for (size_t i = 0; r == 0 && i < project->n_sources; i++) {
        r = add_source(files, project->sources[i].path, project->sources[i].text);
    }
    if (r != 0) {
        return corrie_fail_memory(err);
    }
    r = js_format(code, 0, &text, err);
    return r < 0 ? r : job_file_before(run->job, STR("code.json"), buf_str(&text), err);
}

/* Keeps code and plan; they are durable when the plan is. */
static int keep_inputs(struct run *run, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    _json_ json_t *plan = NULL;
    int r;

    r = plan_to_json(run->plan, &plan, err);
    if (r < 0 || (r = js_format(plan, 2, &text, err)) < 0 || (r = keep_code(run, err)) < 0) {
        return r;
    }
    return job_file(run->job, STR("plan.json"), buf_str(&text), err);
}

static int begin_job(struct run *run, corrie_error *err)
{
    _json_ json_t *args = args_json(run);
    struct job_spec spec = {.kind = STR("run"),
                            .user = lake_user(run->lake),
                            .ref = run->branch,
                            .commit_in = run->view.commit,
                            .transaction = !run->options.no_transaction,
                            .args = args,
                            .cancel = lake_job_cancel(run->lake)};
    int r;

    if (!args) {
        return corrie_fail_memory(err);
    }
    r = job_begin(lake_store(run->lake), lake_catalog(run->lake), &spec, &run->job, err);
    if (r == CORRIE_E_REFUSED && !err->hint) {
        corrie_hint(err,
                    "a run writes to the lake, and you may only read this one: --dry-run plans, "
                    "`corrie query` reads");
    }
    if (r < 0) {
        return r;
    }
    RUN_EVENT(run, .kind = "job", .text = job_id(run->job).data);
    return keep_inputs(run, err);
}

/* After a failure: where to look at what was finished. */
static void hint_finished(const struct run *run, corrie_error *err)
{
    struct str job = job_id(run->job);
    _free_ char *first = err->hint ? str_dup(str_of(err->hint)) : NULL;

    if (run->options.no_transaction) {
        corrie_hint(err, "%s%s%zu table%s had been published by then: corrie job get %.*s",
                    first ? first : "", first ? "; " : "", run->n_commits,
                    run->n_commits == 1 ? "" : "s", STR_FMT(str_slice(job, 0, 8)));
        return;
    }
    corrie_hint(
        err,
        "%s%snothing was published; what was finished is on tx/%.*s: corrie table ls --ref tx/%.*s",
        first ? first : "", first ? "; " : "", STR_FMT(job), STR_FMT(job));
}

static uint64_t largest_function(const struct run *run)
{
    uint64_t most = 0;

    for (size_t i = 0; run->plan && run->nodes && i < run->plan->n_nodes; i++) {
        most = run->nodes[i].max_rss > most ? run->nodes[i].max_rss : most;
    }
    return most;
}

/* Ends the record. The commit, or the failure, stands whatever becomes of the record: that it could not be written
 * is told, and fails nothing. */
static void finish(struct run *run, int result, corrie_error *err)
{
    _error_ corrie_error second = CORRIE_ERROR_INIT;
    struct job_outcome outcome = {.error = result < 0 ? err : NULL,
                                  .commit_out = run->committed ? &run->commit : NULL,
                                  .nodes = run_nodes_json(run),
                                  .tables = run_tables_json(run),
                                  .max_rss = largest_function(run)};

    if (result < 0 &&
        (run->options.no_transaction ? run->n_commits > 0 : run->n_tables > 0 && !run->committed)) {
        hint_finished(run, err);
    }
    if (job_end(run->job, &outcome, &second) < 0) {
        lake_notice(run->lake, "%s", corrie_error_message(&second));
    }
}

static int emit_plan(struct run *run, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    _cleanup_(buf_done) struct buf tree = {0};
    _json_ json_t *plan = NULL;
    int r;

    r = plan_to_json(run->plan, &plan, err);
    if (r < 0 || (r = js_format(plan, 0, &text, err)) < 0 ||
        (r = plan_print_tree(run->plan, &tree, err)) < 0) {
        return r;
    }
    if (run->options.dry_run) {
        buf_add_char(&tree, '\n');
        r = plan_print_steps(run->plan, &tree, err);
        if (r < 0) {
            return r;
        }
    }
    lake_event(run->lake,
               &(corrie_event){.size = sizeof(corrie_event),
                               .kind = "plan",
                               .json = buf_text(&text),
                               .text = buf_text(&tree),
                               .rows = -1,
                               .bytes = -1,
                               .time_ns = clock_now(),
                               .seconds = (double)(clock_monotonic() - run->started) / 1e9});
    return 0;
}

/* What functions started and left in sessions of their own goes with the run, however it ended. That it could not be looked for
 * is told, and fails nothing. */
static void end_left(struct run *run)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    char mark[64];
    size_t killed;

    if (run->plan->n_environments == 0) {
        return; /* no process was started */
    }
    snprintf(mark, sizeof mark, "CORRIE_JOB=%.*s", STR_FMT(job_id(run->job)));
    if (os_kill_marked(str_of(mark), &killed, &err) < 0) {
        lake_notice(run->lake, "%s", corrie_error_message(&err));
    }
}

static int memory_of(const corrie_run_options *options, uint64_t *ret, corrie_error *err)
{
    *ret = os_memory_for_work(); /* as the engine has it for itself */
    return options->memory ? lake_memory_size(options->memory, ret, err) : 0;
}

int corrie_run(corrie_lake *lake, const corrie_run_options *options, char **ret_json,
               corrie_error *err)
{
    _cleanup_(run_done) struct run run = {.lake = lake, .started = clock_monotonic()};
    int r;

    run.options.size = sizeof run.options;
    if (options) {
        memcpy(&run.options, options,
               options->size < sizeof run.options ? options->size : sizeof run.options);
    }
    r = memory_of(&run.options, &run.memory, err);
    if (r < 0) {
        return r;
    }
    js_setup();
    run.cancel.whole = lake_cancel(lake);
    run.compute.whole = &run.cancel;
    r = run_prepare(&run, err);
    if (r < 0 || (r = run_check_resources(&run, err)) < 0 || (r = emit_plan(&run, err)) < 0 ||
        (r = make_states(&run, err)) < 0) {
        return r;
    }
    if (run.options.dry_run) {
        return run_report(&run, ret_json, err);
    }
    r = begin_job(&run, err);
    if (r >= 0) {
        r = run_begin(&run, err);
    }
    if (r >= 0) {
        r = run_steps(&run, err);
        end_left(&run);
    }
    if (r >= 0) {
        r = run_end(&run, err);
    }
    if (r < 0 && run.tx) {
        lake_tx_give_up(run.tx);
    }
    if (run.job) {
        finish(&run, r, err);
    }
    return r < 0 ? r : run_report(&run, ret_json, err);
}
