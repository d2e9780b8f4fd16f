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

/* The declared columns as columns_fit takes them: "*" is written where others may be. */
static int declared_names(const struct name_list *declared, struct arena *arena, struct str **ret,
                          size_t *ret_n, corrie_error *err)
{
    struct str *names = arena_array(arena, struct str, declared->count + 1);
    size_t n = declared->count;

    if (!names) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        names[i] = declared->items[i];
    }
    if (declared->all) {
        names[n++] = STR("*");
    }
    *ret = names;
    *ret_n = n;
    return 0;
}

/* Those of `names` that the table has, in their order. None of them: one that it has, so that there are rows. */
static int select_present(struct exchange *table, const struct schema *given,
                          const struct str *names, size_t n_names, struct arena *arena,
                          struct exchange **ret, corrie_error *err)
{
    struct str *present = arena_array(arena, struct str, n_names + 1);
    size_t n = 0;

    if (!present) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n_names; i++) {
        if (schema_find(given, names[i])) {
            present[n++] = names[i];
        }
    }
    if (n == 0) {
        present[n++] = given->fields[0].name;
    }
    return exchange_select(table, present, n, ret, err);
}

/* What is amiss is told: a warning, or under strict a failure. Nothing declared is there: always a failure. */
static int tell_misfit(struct run *run, const struct plan_node *node, const struct fit *fit,
                       corrie_error *err)
{
    const struct name_list *declared = &node->function->columns;
    _cleanup_(buf_done) struct buf text = {0};
    size_t n_missing = 0;

    for (size_t i = 0; i < fit->n_problems; i++) {
        n_missing += fit->problems[i].kind == FIT_MISSING;
    }
    fit_describe(fit, &text);
    if (n_missing < fit->n_problems) {
        buf_add_text(&text, " (left out)");
    }
    if (buf_check(&text, err) < 0) {
        return err->code;
    }
    if (n_missing < declared->count || declared->all) {
        return run_warn(run, node, &declared->place, err,
                        "it returned other columns than it declares: %s", buf_text(&text));
    }
    corrie_fail(err, CORRIE_E_FAILED, "%.*s returned none of the columns it declares: %s",
                STR_FMT(node->name), buf_text(&text));
    place_error(run->project, &declared->place, err);
    return corrie_hint(err, "return the declared columns, or change columns=[…]");
}

int run_take_columns(struct run *run, const struct plan_node *node, struct exchange *output,
                     struct exchange **ret, corrie_error *err)
{
    const struct name_list *declared = &node->function->columns;
    struct schema names;
    struct str *wanted = NULL;
    size_t n_wanted = 0;
    struct fit fit;
    int r;

    if (declared->count == 0) {
        *ret = exchange_ref(output);
        return 0;
    }
    if ((r = output_names(output, &run->arena, &names, err)) < 0 ||
        (r = declared_names(declared, &run->arena, &wanted, &n_wanted, err)) < 0 ||
        (r = columns_fit(&names, wanted, n_wanted, &run->arena, &fit, err)) < 0) {
        return r;
    }
    r = fit.n_problems > 0 ? tell_misfit(run, node, &fit, err) : 0;
    if (r < 0) {
        return r;
    }
    if (declared->all) {
        *ret = exchange_ref(output);
        return 0;
    }
    return select_present(output, &names, declared->items, declared->count, &run->arena, ret, err);
}

int run_take_model(struct run *run, size_t node, const struct task *task, struct exchange **ret,
                   corrie_error *err)
{
    const struct plan_node *what = &run->plan->nodes[node];
    const struct worker_result *result = &task->output;
    _cleanup_(exchange_unrefp) struct exchange *whole = NULL;
    struct schema names;
    int r = run_take_columns(
        run, what, result->n_outputs > 0 ? result->outputs[what->function->output] : result->output,
        &whole, err);

    if (r < 0) {
        return r;
    }
    if (what->narrowed) {
        r = output_names(whole, &run->arena, &names, err);
        return r < 0 ? r
                     : select_present(whole, &names, what->wanted, what->n_wanted, &run->arena, ret,
                                      err);
    }
    *ret = TAKE_PTR(whole);
    return 0;
}

int run_take_check(struct run *run, size_t node, const struct task *task, corrie_error *err)
{
    const struct plan_node *what = &run->plan->nodes[node];
    const struct worker_result *result = &task->output;

    if (result->passed) {
        return 0;
    }
    run->nodes[node].status = NODE_WARNED;
    return run_warn(run, what, &what->function->place, err, "the expectation does not hold%s%s",
                    result->reason ? ": " : "", result->reason ? result->reason : "");
}
