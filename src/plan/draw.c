/* draw.c — what pictures of a plan say, and the one that Graphviz draws. */
#include "plan/draw.h"

#include "plan/draw_priv.h"

enum box_kind draw_kind(const struct plan *plan, size_t box)
{
    if (box < plan->n_sources) {
        return BOX_TABLE;
    }
    const struct declared_function *function = plan->nodes[box - plan->n_sources].function;
    return function->kind == FUNCTION_EXPECTATION ? BOX_CHECK
           : function->language == SOURCE_SQL     ? BOX_SQL
                                                  : BOX_PYTHON;
}

void draw_title(const struct plan *plan, size_t box, struct buf *out)
{
    if (box < plan->n_sources) {
        const struct plan_source *source = &plan->sources[box];
        buf_addf(out, "%.*s.%.*s", STR_FMT(source->table_namespace), STR_FMT(source->name));
    } else {
        buf_add_str(out, plan->nodes[box - plan->n_sources].name);
    }
}

void draw_subtitle(const struct plan *plan, size_t box, struct buf *out)
{
    if (box < plan->n_sources) {
        const struct plan_source *source = &plan->sources[box];
        buf_add_text(out, "table");
        if (source->table.rows >= 0) {
            buf_addf(out, ", %lld row%s", (long long)source->table.rows,
                     source->table.rows == 1 ? "" : "s");
        }
        if (source->ref.len > 0) {
            buf_addf(out, ", at %.*s", STR_FMT(source->ref));
        }
        return;
    }
    const struct plan_node *node = &plan->nodes[box - plan->n_sources];
    const struct declared_function *function = node->function;
    buf_add_text(out, function->kind == FUNCTION_EXPECTATION ? "expectation"
                      : function->language == SOURCE_SQL     ? "SQL"
                                                             : "Python");
    if (function->n_outputs > 1) {
        buf_addf(out, ", output of %.*s", STR_FMT(function->function));
    }
    if (function->kind == FUNCTION_MODEL && function->strategy != STRATEGY_NONE) {
        buf_addf(out, " → %s %.*s.%.*s", strategy_name(function->strategy),
                 STR_FMT(node->table_namespace), STR_FMT(node->name));
    }
}

void draw_edge_label(const struct plan_edge *edge, struct buf *out)
{
    if (edge->all_columns) {
        buf_add_text(out, "all columns");
    }
    for (size_t i = 0; i < edge->n_columns; i++) {
        buf_addf(out, "%s%.*s", i ? ", " : "", STR_FMT(edge->columns[i]));
    }
    if (edge->filter.len > 0) {
        buf_addf(out, " where %.*s", STR_FMT(edge->filter));
    }
}

/* ---- Graphviz ----------------------------------------------------------------------------------- */

/* Text inside of double quotes: \n would be a line. */
static void add_quoted(struct buf *out, struct str text)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '"' || c == '\\') {
            buf_add_char(out, '\\');
        }
        buf_add_char(out, (unsigned char)c < ' ' ? ' ' : c);
    }
    buf_add_char(out, '"');
}

static int add_box(const struct plan *plan, size_t box, struct buf *out, corrie_error *err)
{
    static const char *const looks[] = {
        [BOX_TABLE] = "shape=cylinder, fillcolor=\"#e8eef7\"",
        [BOX_SQL] = "shape=box, fillcolor=\"#eaf5ea\"",
        [BOX_PYTHON] = "shape=box, fillcolor=\"#fff6e0\"",
        [BOX_CHECK] = "shape=box, fillcolor=\"#f4ecf7\", style=\"filled,rounded,dashed\"",
    };
    _cleanup_(buf_done) struct buf title = {0};
    _cleanup_(buf_done) struct buf subtitle = {0};

    draw_title(plan, box, &title);
    draw_subtitle(plan, box, &subtitle);
    buf_addf(out, "  b%zu [%s, label=", box, looks[draw_kind(plan, box)]);
    add_quoted(out, buf_str(&title));
    buf_add_text(out, ", tooltip=");
    add_quoted(out, buf_str(&subtitle));
    buf_add_text(out, "];\n");
    return buf_check(&title, err) < 0 ? err->code : buf_check(&subtitle, err);
}

static int add_edge(const struct plan *plan, size_t node, const struct plan_edge *edge,
                    struct buf *out, corrie_error *err)
{
    _cleanup_(buf_done) struct buf label = {0};

    draw_edge_label(edge, &label);
    buf_addf(out, "  b%zu -> b%zu [tooltip=", draw_from(plan, edge), plan->n_sources + node);
    add_quoted(out, buf_str(&label));
    buf_add_text(out, "];\n");
    return buf_check(&label, err);
}

int plan_draw_dot(const struct plan *plan, struct buf *out, corrie_error *err)
{
    int r = 0;

    buf_add_text(out, "digraph plan {\n"
                      "  rankdir=LR;\n"
                      "  node [fontname=\"sans-serif\", fontsize=11, style=filled];\n"
                      "  edge [color=\"#808080\"];\n");
    for (size_t i = 0; r >= 0 && i < draw_count(plan); i++) {
        r = add_box(plan, i, out, err);
    }
    for (size_t i = 0; r >= 0 && i < plan->n_nodes; i++) {
        for (size_t k = 0; r >= 0 && k < plan->nodes[i].n_edges; k++) {
            r = add_edge(plan, i, &plan->nodes[i].edges[k], out, err);
        }
    }
    buf_add_text(out, "}\n");
    return r < 0 ? r : buf_check(out, err);
}
