/* print.c — the plan for people. */
#include "base/mem.h"
#include "plan/plan_priv.h"

#define MAX_SHOWN_COLUMNS 8
#define MAX_DEPTH 64

/* While the tree is printed. */
struct printing {
    const struct plan *plan;
    struct buf *out;
    struct buf indent; /* "│  │  " of the levels above */
    bool *shown;       /* nodes whose inputs have been printed */
};

static void printing_done(struct printing *printing)
{
    buf_done(&printing->indent);
    mem_free(printing->shown);
}

static void print_columns(const struct plan_edge *edge, struct buf *out)
{
    if (edge->all_columns) {
        buf_add_text(out, " [*]");
        return;
    }
    buf_add_text(out, " [");
    for (size_t i = 0; i < edge->n_columns; i++) {
        if (i == MAX_SHOWN_COLUMNS && edge->n_columns > MAX_SHOWN_COLUMNS + 1) {
            buf_addf(out, ", … %zu more", edge->n_columns - i);
            break;
        }
        buf_addf(out, "%s%.*s", i ? ", " : "", STR_FMT(edge->columns[i]));
    }
    buf_add_char(out, ']');
}

static void print_edge(const struct plan_edge *edge, struct buf *out)
{
    print_columns(edge, out);
    if (edge->filter.len > 0) {
        buf_addf(out, " where %.*s", STR_FMT(edge->filter));
    }
}

/* " · 4.8 MB, 2 of 12 files": what a scan reads. */
static void print_reads(const struct plan_reads *reads, struct buf *out)
{
    int64_t all = reads->files + reads->files_pruned;

    if (reads->files < 0) {
        return; /* nobody looked */
    }
    buf_add_text(out, " · ");
    if (reads->bytes < 0) {
        buf_add_text(out, "size not known");
    } else {
        buf_add_size(out, reads->bytes);
    }
    if (reads->files_pruned > 0) {
        buf_addf(out, ", %lld of %lld files", (long long)reads->files, (long long)all);
    }
}

static void print_table(const struct plan_source *source, struct buf *out)
{
    buf_addf(out, "%.*s.%.*s", STR_FMT(source->table_namespace), STR_FMT(source->name));
    if (source->ref.len > 0) {
        buf_addf(out, " at %.*s", STR_FMT(source->ref));
    }
}

static void print_environment(const struct plan_environment *environment, struct buf *out)
{
    buf_addf(out, "python%s%.*s", environment->python.len ? " " : "", STR_FMT(environment->python));
    for (size_t i = 0; i < environment->n_packages; i++) {
        const struct env_package *package = &environment->packages[i];
        buf_addf(out, ", %.*s%s%.*s", STR_FMT(package->name), package->version.len ? " " : "",
                 STR_FMT(package->version));
    }
    buf_add_text(out, environment->locked ? ", locked" : "");
}

/* "model, python 3.11, polars 1.15.0, REPLACE public.daily" */
static void print_node(const struct printing *printing, const struct plan_node *node)
{
    const struct declared_function *function = node->function;
    bool model = function->kind == FUNCTION_MODEL;
    struct buf *out = printing->out;

    buf_addf(out, " · %s", model ? "model" : "expectation");
    if (function->n_outputs > 1) {
        buf_addf(out, ", output %zu of %.*s", function->output + 1, STR_FMT(function->function));
    }
    if (function->on.len > 0) {
        buf_addf(out, " on %.*s", STR_FMT(function->on));
    }
    buf_add_text(out, ", ");
    if (function->language == SOURCE_SQL) {
        buf_add_text(out, "SQL");
    } else {
        print_environment(&printing->plan->environments[node->environment], out);
    }
    if (model && function->strategy != STRATEGY_NONE) {
        buf_addf(out, " → %s %.*s.%.*s%s", strategy_name(function->strategy),
                 STR_FMT(node->table_namespace), STR_FMT(node->name),
                 node->replaces_table ? "" : " (new)");
        if (node->n_partition_by > 0) {
            buf_add_text(out, " by ");
            partition_terms_print(node->partition_by, node->n_partition_by, out);
        }
        if (node->overwrite_filter.len > 0) {
            buf_addf(out, " where %.*s", STR_FMT(node->overwrite_filter));
        }
        for (size_t i = 0; i < node->n_keys; i++) {
            buf_addf(out, "%s%.*s", i ? ", " : " on ", STR_FMT(node->keys[i]));
        }
    }
}

static void print_inputs(struct printing *printing, size_t index, int depth);

static void print_input(struct printing *printing, const struct plan_edge *edge, bool last,
                        int depth)
{
    const struct plan *plan = printing->plan;
    struct buf *out = printing->out;
    size_t indent = printing->indent.len;

    buf_addf(out, "%s%s", buf_text(&printing->indent), last ? "└─ " : "├─ ");
    if (edge->source != PLAN_NONE) {
        buf_add_text(out, "table ");
        print_table(&plan->sources[edge->source], out);
        print_edge(edge, out);
        print_reads(&plan->steps[edge->scan].reads, out);
        buf_add_char(out, '\n');
        return;
    }
    const struct plan_node *node = &plan->nodes[edge->node];
    bool again = printing->shown[plan_caller(plan, edge->node)] && node->n_edges > 0;
    buf_add_str(out, node->name);
    print_edge(edge, out);
    print_node(printing, node);
    buf_add_text(out, again ? " (above)\n" : depth == 0 && node->n_edges > 0 ? " (…)\n" : "\n");
    if (again || depth == 0) {
        return;
    }
    buf_add_text(&printing->indent, last ? "   " : "│  ");
    print_inputs(printing, edge->node, depth - 1);
    if (printing->indent.failed == 0) {
        printing->indent.len = indent;
        printing->indent.data[indent] = '\0';
    }
}

static void print_inputs(struct printing *printing, size_t index, int depth)
{
    const struct plan_node *node = &printing->plan->nodes[index];

    printing->shown[plan_caller(printing->plan, index)] = true;
    for (size_t i = 0; i < node->n_edges; i++) {
        print_input(printing, &node->edges[i], i + 1 == node->n_edges, depth);
    }
}

/* From what nothing else reads down to the tables. */
static int print_graph(struct printing *printing, corrie_error *err)
{
    const struct plan *plan = printing->plan;
    _free_ bool *read = mem_alloc(plan->n_nodes + 1, sizeof *read);

    if (!read) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < plan->n_nodes; i++) {
        for (size_t k = 0; k < plan->nodes[i].n_edges; k++) {
            if (plan->nodes[i].edges[k].node != PLAN_NONE) {
                read[plan->nodes[i].edges[k].node] = true;
            }
        }
    }
    for (size_t i = 0; i < plan->n_nodes; i++) {
        if (!read[i]) {
            bool again = printing->shown[plan_caller(plan, i)] && plan->nodes[i].n_edges > 0;
            buf_add_str(printing->out, plan->nodes[i].name);
            print_node(printing, &plan->nodes[i]);
            buf_add_text(printing->out, again ? " (above)\n" : "\n");
            if (!again) {
                print_inputs(printing, i, MAX_DEPTH);
            }
        }
    }
    return 0;
}

/* "orders", "good, bad" */
static void print_called(const struct plan *plan, size_t node, struct buf *out)
{
    for (size_t i = 0; i < plan->nodes[node].function->n_outputs; i++) {
        buf_add_text(out, i ? ", " : "");
        buf_add_str(out, plan->nodes[node + i].name);
    }
}

static void print_step(const struct plan *plan, size_t index, struct buf *out)
{
    const struct plan_step *step = &plan->steps[index];

    buf_addf(out, "%4zu  %-8s  ", index + 1, plan_step_kind_name(step->kind));
    if (step->kind == STEP_SCAN) {
        print_table(&plan->sources[step->source], out);
        print_edge(step->edge, out);
        print_reads(&step->reads, out);
    } else if (step->kind == STEP_ENV) {
        print_environment(&plan->environments[step->environment], out);
    } else if (step->kind == STEP_WRITE) {
        const struct plan_node *node = &plan->nodes[step->node];
        buf_addf(out, "%.*s.%.*s %s", STR_FMT(node->table_namespace), STR_FMT(node->name),
                 strategy_name(node->function->strategy));
    } else if (step->kind == STEP_PUBLISH) {
        buf_addf(out, "one commit on %.*s", STR_FMT(plan->ref.len ? plan->ref : STR("the branch")));
    } else {
        print_called(plan, step->node, out);
    }
    if (step->skipped) {
        buf_add_text(out, "  (not in a dry run)");
    }
    for (size_t i = 0; i < step->n_after; i++) {
        if (i == MAX_SHOWN_COLUMNS && step->n_after > MAX_SHOWN_COLUMNS + 1) {
            buf_addf(out, " … %zu more", step->n_after - i);
            break;
        }
        buf_addf(out, "%s%zu", i ? " " : "  after ", step->after[i] + 1);
    }
    buf_add_char(out, '\n');
}

int plan_print_tree(const struct plan *plan, struct buf *out, corrie_error *err)
{
    _cleanup_(printing_done) struct printing printing = {
        .plan = plan,
        .out = out,
        .shown = mem_alloc(plan->n_nodes + 1, sizeof(bool)),
    };

    if (!printing.shown) {
        return corrie_fail_memory(err);
    }
    buf_addf(out, "%.*s%s%.*s, namespace %.*s%s\n\n", STR_FMT(plan->project->settings->name.text),
             plan->ref.len ? " at " : "", STR_FMT(plan->ref), STR_FMT(plan->default_namespace),
             plan->dry_run ? ", dry run" : "");
    int r = print_graph(&printing, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < plan->n_notes; i++) {
        const struct plan_note *note = &plan->notes[i];
        buf_addf(out, "%s%s: %.*s", i ? "" : "\n", note->warning ? "warning" : "note",
                 STR_FMT(note->text));
        if (note->place.file.len > 0) {
            buf_addf(out, " (%.*s:%ld)", STR_FMT(note->place.file), note->place.line);
        }
        buf_add_char(out, '\n');
    }
    return buf_check(out, err);
}

int plan_print_steps(const struct plan *plan, struct buf *out, corrie_error *err)
{
    buf_add_text(out, "steps\n");
    for (size_t i = 0; i < plan->n_steps; i++) {
        print_step(plan, i, out);
    }
    return buf_check(out, err);
}
