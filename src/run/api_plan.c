/* api_plan.c — what a run of a project would do, in the public interface. */
#include "plan/draw.h"
#include "plan/lineage.h"
#include "run/run_priv.h"

int run_plan(struct run *run, const corrie_plan_options *options, corrie_error *err)
{
    corrie_plan_options given = {.size = sizeof given};

    if (options) {
        memcpy(&given, options, options->size < sizeof given ? options->size : sizeof given);
    }
    js_setup();
    run->options = (corrie_run_options){.size = sizeof run->options,
                                        .project_dir = given.project_dir,
                                        .ref = given.ref,
                                        .default_namespace = given.default_namespace,
                                        .parameters = given.parameters,
                                        .n_parameters = given.n_parameters,
                                        .dry_run = true,
                                        .strict = given.strict,
                                        .no_cache = given.no_cache,
                                        .accept_taint = true};
    return run_prepare(run, err);
}

static int print_tree(const struct plan *plan, struct buf *out, corrie_error *err)
{
    int r = plan_print_tree(plan, out, err);

    buf_add_char(out, '\n');
    return r < 0 ? r : plan_print_steps(plan, out, err);
}

static int print_json(const struct plan *plan, struct buf *out, corrie_error *err)
{
    _json_ json_t *document = NULL;
    int r = plan_to_json(plan, &document, err);

    return r < 0 ? r : js_format(document, 0, out, err);
}

int corrie_project_plan(corrie_lake *lake, const corrie_plan_options *options, const char *format,
                        char **ret_text, corrie_error *err)
{
    static const struct {
        const char *name;
        int (*print)(const struct plan *plan, struct buf *out, corrie_error *err);
    } formats[] = {
        {"json", print_json}, {"tree", print_tree}, {"dot", plan_draw_dot}, {"svg", plan_draw_svg}};
    _cleanup_(run_done) struct run run = {.lake = lake, .started = clock_monotonic()};
    _cleanup_(buf_done) struct buf text = {0};
    size_t i = 0;

    while (i < ARRAY_LEN(formats) && strcmp(formats[i].name, format) != 0) {
        i++;
    }
    if (i == ARRAY_LEN(formats)) {
        return corrie_fail(err, CORRIE_E_USAGE, "a plan has no form %s: json, tree, dot or svg",
                           format);
    }
    int r = run_plan(&run, options, err);
    if (r >= 0) {
        r = formats[i].print(run.plan, &text, err);
    }
    if (r < 0 || buf_check(&text, err) < 0) {
        return err->code;
    }
    *ret_text = buf_take(&text);
    return *ret_text ? 0 : corrie_fail_memory(err);
}

int corrie_lineage(corrie_lake *lake, const corrie_plan_options *options, const char *column,
                   bool up, bool down, char **ret_json, corrie_error *err)
{
    _cleanup_(run_done) struct run run = {
        .lake = lake, .started = clock_monotonic(), .whole = true};
    struct lineage_options wanted = {.name = str_of(column), .up = up, .down = down};
    _json_ json_t *document = NULL;
    struct lineage lineage;

    int r = run_plan(&run, options, err);
    if (r >= 0) {
        r = run_open_engine(&run, err);
    }
    if (r >= 0) {
        wanted.default_namespace = run.plan->default_namespace;
        r = plan_lineage(run.plan, run.work.engine, &wanted, &run.arena, &lineage, err);
    }
    if (r >= 0) {
        r = lineage_to_json(run.plan, &lineage, &document, err);
    }
    return r < 0 ? r : js_give(TAKE_PTR(document), ret_json, err);
}
