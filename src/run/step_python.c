/* step_python.c — what functions gave: columns as declared, expectations that hold. */
#include "run/run_priv.h"

#include "arrow/type.h"
#include "lang/project.h"

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
        r = run_warn(run, node, err, "it returned other columns than it declares: %s",
                     buf_text(&text));
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

int run_take_model(struct run *run, size_t node, const struct task *task, struct exchange **ret,
                   corrie_error *err)
{
    const struct plan_node *what = &run->plan->nodes[node];
    const struct worker_result *result = &task->output;
    _cleanup_(exchange_unrefp) struct exchange *whole = NULL;
    int r = check_columns(
        run, what, result->n_outputs > 0 ? result->outputs[what->function->output] : result->output,
        &whole, err);

    if (r < 0) {
        return r;
    }
    if (what->narrowed) {
        return exchange_select(whole, what->wanted, what->n_wanted, ret, err);
    }
    *ret = TAKE_PTR(whole);
    return 0;
}

int run_take_check(struct run *run, size_t node, const struct task *task, corrie_error *err)
{
    const struct worker_result *result = &task->output;

    if (result->passed) {
        return 0;
    }
    run->nodes[node].status = NODE_WARNED;
    return run_warn(run, &run->plan->nodes[node], err, "the expectation does not hold%s%s",
                    result->reason ? ": " : "", result->reason ? result->reason : "");
}
