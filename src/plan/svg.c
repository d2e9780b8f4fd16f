/* svg.c — a plan as SVG, laid out in layers (after Sugiyama, Tagawa and Toda, 1981).
 *
 *     layers   a box stands right of all that it reads
 *     bends    an edge that passes layers gets a point in each of them, which takes part in what follows
 *     order    within a layer by the mean place of the neighbours, some times to the right and back
 *     places   near the mean of the neighbours, without overlap
 *
 * Equal plans give equal pictures: ties keep the plan's order. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/vec.h"
#include "plan/draw.h"
#include "plan/draw_priv.h"

#define MAX_BENDS 1000000
#define SWEEPS 6
#define BOX_HEIGHT 40.0
#define BEND_HEIGHT 10.0
#define GAP 14.0
#define LAYER_GAP 70.0
#define MARGIN 20.0
#define LETTER 6.7     /* of the title, about */
#define MAX_LETTERS 48 /* more are cut; the tooltip has them */

/* A box, or a bend of an edge. */
struct point {
    size_t layer;
    double width;
    double height;
    double mean; /* of the neighbours on the side that is looked at */
    double y;    /* the middle */
    size_t box;  /* SIZE_MAX: a bend */
};

/* From one layer to the next. */
struct link {
    size_t from;
    size_t to;
};

struct drawing {
    const struct plan *plan;
    VEC(struct point) points; /* boxes first, as draw_count numbers them */
    VEC(struct link) links;
    size_t n_layers;
    size_t *order;      /* points by layer, within it by place */
    size_t *first;      /* of a layer in `order`; n_layers + 1 */
    size_t *position;   /* of a point in its layer */
    double *layer_x;    /* left side */
    size_t **next;      /* per side: links' other ends, by point */
    size_t *next_first; /* two arrays of n_points + 1, for the left and the right side */
};

static void drawing_done(struct drawing *d)
{
    vec_done(&d->points);
    vec_done(&d->links);
    mem_free(d->order);
    mem_free(d->first);
    mem_free(d->position);
    mem_free(d->layer_x);
    mem_free(d->next_first);
    for (int side = 0; d->next && side < 2; side++) {
        mem_free(d->next[side]);
    }
    mem_free(d->next);
}

/* ---- texts --------------------------------------------------------------------------------------- */

/* Bytes of the first `max` letters. */
static size_t letters_cut(struct str text, size_t max)
{
    size_t i = 0;

    for (size_t letters = 0; i < text.len; i++) {
        bool begins = ((unsigned char)text.data[i] & 0xc0) != 0x80;
        if (begins && letters++ == max) {
            break;
        }
    }
    return i;
}

static size_t count_letters(struct str text)
{
    size_t letters = 0;

    for (size_t i = 0; i < text.len; i++) {
        letters += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    }
    return letters;
}

/* ---- layers and bends --------------------------------------------------------------------------- */

static double box_width(const struct plan *plan, size_t box)
{
    _cleanup_(buf_done) struct buf title = {0};
    _cleanup_(buf_done) struct buf subtitle = {0};

    draw_title(plan, box, &title);
    draw_subtitle(plan, box, &subtitle);
    size_t letters = count_letters(buf_str(&title));
    size_t small = count_letters(buf_str(&subtitle)) * 5 / 6;
    letters = letters > small ? letters : small;
    letters = letters > MAX_LETTERS ? MAX_LETTERS : letters;
    return (double)letters * LETTER + 24;
}

/* Tables stand in the first layer; every node right of all that it reads. Nodes come in topological order. */
static int make_points(struct drawing *d, corrie_error *err)
{
    const struct plan *plan = d->plan;

    for (size_t i = 0; i < draw_count(plan); i++) {
        struct point point = {.width = box_width(plan, i), .height = BOX_HEIGHT, .box = i};
        if (i >= plan->n_sources) {
            const struct plan_node *node = &plan->nodes[i - plan->n_sources];
            for (size_t k = 0; k < node->n_edges; k++) {
                size_t layer = d->points.items[draw_from(plan, &node->edges[k])].layer + 1;
                point.layer = layer > point.layer ? layer : point.layer;
            }
        }
        if (vec_push(&d->points, point) < 0) {
            return corrie_fail_memory(err);
        }
        d->n_layers = point.layer + 1 > d->n_layers ? point.layer + 1 : d->n_layers;
    }
    return 0;
}

static int link_up(struct drawing *d, size_t from, size_t to, corrie_error *err)
{
    return vec_push(&d->links, ((struct link){from, to})) < 0 ? corrie_fail_memory(err) : 0;
}

/* An edge as links from layer to layer, through new points. */
static int make_links(struct drawing *d, size_t from, size_t to, corrie_error *err)
{
    size_t n_boxes = draw_count(d->plan);
    int r = 0;

    for (size_t layer = d->points.items[from].layer + 1;
         r >= 0 && layer < d->points.items[to].layer && d->points.count < n_boxes + MAX_BENDS;
         layer++) {
        struct point bend = {.layer = layer, .height = BEND_HEIGHT, .box = SIZE_MAX};
        if (vec_push(&d->points, bend) < 0) {
            return corrie_fail_memory(err);
        }
        r = link_up(d, from, d->points.count - 1, err);
        from = d->points.count - 1;
    }
    return r < 0 ? r : link_up(d, from, to, err);
}

static int make_graph(struct drawing *d, corrie_error *err)
{
    const struct plan *plan = d->plan;
    int r = make_points(d, err);

    for (size_t i = 0; r >= 0 && i < plan->n_nodes; i++) {
        const struct plan_node *node = &plan->nodes[i];
        for (size_t k = 0; r >= 0 && k < node->n_edges; k++) {
            r = make_links(d, draw_from(plan, &node->edges[k]), plan->n_sources + i, err);
        }
    }
    return r;
}

/* ---- neighbours --------------------------------------------------------------------------------- */

/* Side 0: what stands left of a point; 1: what stands right. */
static int make_neighbours(struct drawing *d, corrie_error *err)
{
    size_t n = d->points.count;

    d->next = mem_alloc(2, sizeof *d->next);
    d->next_first = mem_alloc(2 * (n + 2), sizeof *d->next_first);
    if (!d->next || !d->next_first) {
        return corrie_fail_memory(err);
    }
    for (int side = 0; side < 2; side++) {
        size_t *first = d->next_first + (size_t)side * (n + 2);
        d->next[side] = mem_alloc(d->links.count + 1, sizeof **d->next);
        if (!d->next[side]) {
            return corrie_fail_memory(err);
        }
        for (size_t i = 0; i < d->links.count; i++) {
            const struct link *link = &d->links.items[i];
            first[(side == 0 ? link->to : link->from) + 2]++;
        }
        for (size_t i = 2; i < n + 2; i++) {
            first[i] += first[i - 1];
        }
        for (size_t i = 0; i < d->links.count; i++) {
            const struct link *link = &d->links.items[i];
            size_t own = side == 0 ? link->to : link->from;
            d->next[side][first[own + 1]++] = side == 0 ? link->from : link->to;
        }
    }
    return 0;
}

static const size_t *neighbours(const struct drawing *d, int side, size_t point, size_t *ret_n)
{
    const size_t *first = d->next_first + (size_t)side * (d->points.count + 2);

    *ret_n = first[point + 1] - first[point];
    return d->next[side] + first[point];
}

/* ---- order -------------------------------------------------------------------------------------- */

static int make_order(struct drawing *d, corrie_error *err)
{
    size_t n = d->points.count;

    d->order = mem_alloc(n + 1, sizeof *d->order);
    d->position = mem_alloc(n + 1, sizeof *d->position);
    d->first = mem_alloc(d->n_layers + 2, sizeof *d->first);
    d->layer_x = mem_alloc(d->n_layers + 1, sizeof *d->layer_x);
    if (!d->order || !d->position || !d->first || !d->layer_x) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        d->first[d->points.items[i].layer + 2]++;
    }
    for (size_t i = 2; i <= d->n_layers + 1; i++) {
        d->first[i] += d->first[i - 1];
    }
    for (size_t i = 0; i < n; i++) {
        d->order[d->first[d->points.items[i].layer + 1]++] = i;
    }
    for (size_t layer = 0; layer < d->n_layers; layer++) {
        for (size_t i = d->first[layer]; i < d->first[layer + 1]; i++) {
            d->position[d->order[i]] = i - d->first[layer];
        }
    }
    return 0;
}

/* One of a layer that is to be sorted. */
struct slot {
    double mean;
    size_t position;
    size_t point;
};

static int by_mean(const void *a, const void *b)
{
    const struct slot *x = a, *y = b;

    if (x->mean < y->mean || x->mean > y->mean) {
        return x->mean < y->mean ? -1 : 1;
    }
    return x->position < y->position ? -1 : x->position > y->position;
}

static void sort_layer(struct drawing *d, size_t layer, int side, struct slot *places)
{
    size_t *order = d->order + d->first[layer];
    size_t n = d->first[layer + 1] - d->first[layer];

    for (size_t i = 0; i < n; i++) {
        size_t count;
        const size_t *next = neighbours(d, side, order[i], &count);
        double sum = 0;
        for (size_t k = 0; k < count; k++) {
            sum += (double)d->position[next[k]];
        }
        places[i] = (struct slot){count ? sum / (double)count : (double)i, i, order[i]};
    }
    qsort(places, n, sizeof *places, by_mean);
    for (size_t i = 0; i < n; i++) {
        order[i] = places[i].point;
        d->position[places[i].point] = i;
    }
}

static int sort_layers(struct drawing *d, corrie_error *err)
{
    _free_ struct slot *places = mem_alloc(d->points.count + 1, sizeof *places);

    if (!places) {
        return corrie_fail_memory(err);
    }
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        int side = sweep % 2;
        for (size_t i = 1; i < d->n_layers; i++) {
            sort_layer(d, side == 0 ? i : d->n_layers - 1 - i, side, places);
        }
    }
    return 0;
}

/* ---- places ------------------------------------------------------------------------------------- */

/* Puts each point of a layer near the middle of its neighbours, below the one before; then lifts what was pushed
 * down, as far as there is room. */
static void place_layer(struct drawing *d, size_t layer, int side)
{
    const size_t *order = d->order + d->first[layer];
    size_t n = d->first[layer + 1] - d->first[layer];
    double bottom = 0, push = 0;

    for (size_t i = 0; i < n; i++) {
        struct point *point = &d->points.items[order[i]];
        size_t count;
        const size_t *next = neighbours(d, side, order[i], &count);
        double sum = 0;
        for (size_t k = 0; k < count; k++) {
            sum += d->points.items[next[k]].y;
        }
        double wish = count ? sum / (double)count : point->y;
        double least = bottom + point->height / 2;
        point->y = i > 0 && wish < least ? least : wish;
        push += point->y - wish;
        bottom = point->y + point->height / 2 + GAP;
    }
    for (size_t i = 0; i < n; i++) { /* the block as a whole goes back by what it was pushed */
        d->points.items[order[i]].y -= push / (double)n;
    }
}

static void place_points(struct drawing *d)
{
    double x = MARGIN, top = INFINITY;

    for (size_t layer = 0; layer < d->n_layers; layer++) {
        double y = 0, width = 0;
        for (size_t i = d->first[layer]; i < d->first[layer + 1]; i++) {
            struct point *point = &d->points.items[d->order[i]];
            point->y = y + point->height / 2;
            y += point->height + GAP;
            width = point->width > width ? point->width : width;
        }
        d->layer_x[layer] = x;
        x += width + LAYER_GAP;
    }
    d->layer_x[d->n_layers] = x;
    for (int sweep = 0; sweep < 4; sweep++) {
        int side = sweep % 2;
        for (size_t i = 1; i < d->n_layers; i++) {
            place_layer(d, side == 0 ? i : d->n_layers - 1 - i, side);
        }
    }
    for (size_t i = 0; i < d->points.count; i++) {
        double edge = d->points.items[i].y - d->points.items[i].height / 2;
        top = edge < top ? edge : top;
    }
    for (size_t i = 0; i < d->points.count; i++) {
        d->points.items[i].y += MARGIN - top;
    }
}

/* ---- SVG ---------------------------------------------------------------------------------------- */

static void add_text(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '&' || c == '<' || c == '>' || c == '"') {
            buf_add_text(out, c == '&'   ? "&amp;"
                              : c == '<' ? "&lt;"
                              : c == '>' ? "&gt;"
                                         : "&quot;");
        } else {
            buf_add_char(out, (unsigned char)c < ' ' ? ' ' : c);
        }
    }
}

/* The text, or its beginning with an ellipsis. */
static void add_cut(struct buf *out, struct str text, size_t max)
{
    if (count_letters(text) <= max) {
        add_text(out, text);
    } else {
        add_text(out, str_slice(text, 0, letters_cut(text, max - 1)));
        buf_add_text(out, "…");
    }
}

static void add_box(const struct drawing *d, size_t box, struct buf *out)
{
    static const char *const classes[] = {
        [BOX_TABLE] = "table", [BOX_SQL] = "sql", [BOX_PYTHON] = "python", [BOX_CHECK] = "check"};
    const struct point *point = &d->points.items[box];
    double x = d->layer_x[point->layer], y = point->y - point->height / 2;
    _cleanup_(buf_done) struct buf title = {0};
    _cleanup_(buf_done) struct buf subtitle = {0};

    draw_title(d->plan, box, &title);
    draw_subtitle(d->plan, box, &subtitle);
    buf_addf(out, "<g class=\"%s\"><title>", classes[draw_kind(d->plan, box)]);
    add_text(out, buf_str(&title));
    buf_add_text(out, ": ");
    add_text(out, buf_str(&subtitle));
    buf_addf(out, "</title><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"6\"/>",
             x, y, point->width, point->height);
    buf_addf(out, "<text x=\"%.1f\" y=\"%.1f\">", x + 12, y + 17);
    add_cut(out, buf_str(&title), MAX_LETTERS);
    buf_addf(out, "</text><text class=\"small\" x=\"%.1f\" y=\"%.1f\">", x + 12, y + 32);
    add_cut(out, buf_str(&subtitle), MAX_LETTERS * 6 / 5);
    buf_add_text(out, "</text></g>\n");
}

/* The curve of one link; it goes on where the one before ended. */
static void add_curve(const struct drawing *d, const struct link *link, struct buf *out)
{
    const struct point *from = &d->points.items[link->from], *to = &d->points.items[link->to];
    double x1 = d->layer_x[from->layer] + from->width, x2 = d->layer_x[to->layer];
    double bend = x1 + (x2 - x1) / 2;

    if (from->box != SIZE_MAX) {
        buf_addf(out, "M%.1f %.1f", x1, from->y);
    } else { /* straight through the layer of the bend */
        buf_addf(out, "H%.1f", d->layer_x[from->layer + 1] - LAYER_GAP);
        x1 = d->layer_x[from->layer + 1] - LAYER_GAP;
        bend = x1 + (x2 - x1) / 2;
    }
    buf_addf(out, "C%.1f %.1f %.1f %.1f %.1f %.1f", bend, from->y, bend, to->y, x2, to->y);
}

/* Links of one edge follow each other in the list: make_links. */
static void add_edge(const struct drawing *d, const struct plan_edge *edge, size_t *link,
                     struct buf *out)
{
    _cleanup_(buf_done) struct buf label = {0};
    bool more = true;

    draw_edge_label(edge, &label);
    buf_add_text(out, "<path d=\"");
    while (more) {
        add_curve(d, &d->links.items[*link], out);
        more = d->points.items[d->links.items[*link].to].box == SIZE_MAX;
        (*link)++;
    }
    buf_add_text(out, "\"><title>");
    add_text(out, buf_str(&label));
    buf_add_text(out, "</title></path>\n");
}

static void add_head(const struct drawing *d, struct buf *out)
{
    double height = 0;

    for (size_t i = 0; i < d->points.count; i++) {
        double bottom = d->points.items[i].y + d->points.items[i].height / 2;
        height = bottom > height ? bottom : height;
    }
    double width = d->n_layers ? d->layer_x[d->n_layers] - LAYER_GAP + MARGIN : 2 * MARGIN;
    height += MARGIN;
    buf_addf(out,
             "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
             "viewBox=\"0 0 %.0f %.0f\">\n",
             width, height, width, height);
    buf_add_text(
        out,
        "<style>\n"
        "text { font: 12px system-ui, sans-serif; fill: #1c2733 }\n"
        "text.small { font-size: 10px; fill: #5b6875 }\n"
        "rect { fill: #fff6e0; stroke: #b58a2a }\n"
        ".table rect { fill: #e8eef7; stroke: #5878a8 }\n"
        ".sql rect { fill: #eaf5ea; stroke: #4d8a4d }\n"
        ".check rect { fill: #f4ecf7; stroke: #8a5aa0; stroke-dasharray: 4 3 }\n"
        "path { fill: none; stroke: #8794a1; stroke-width: 1.3; marker-end: url(#tip) }\n"
        "path:hover { stroke: #c04020 }\n"
        "#tip path { fill: #8794a1; stroke: none; marker-end: none }\n"
        "@media (prefers-color-scheme: dark) {\n"
        "text { fill: #e6ebf0 } text.small { fill: #a0acb8 } rect { fill: #3d3420 }\n"
        ".table rect { fill: #22304a } .sql rect { fill: #20382a } .check rect { fill: #362a40 }\n"
        "}\n"
        "</style>\n"
        "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" "
        "markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\"/></marker></defs>\n");
}

static int lay_out(struct drawing *d, corrie_error *err)
{
    int r = make_graph(d, err);

    if (r >= 0) {
        r = make_neighbours(d, err);
    }
    if (r >= 0) {
        r = make_order(d, err);
    }
    if (r >= 0) {
        r = sort_layers(d, err);
    }
    if (r >= 0) {
        place_points(d);
    }
    return r;
}

int plan_draw_svg(const struct plan *plan, struct buf *out, corrie_error *err)
{
    _cleanup_(drawing_done) struct drawing d = {.plan = plan};
    size_t link = 0;

    int r = lay_out(&d, err);
    if (r < 0) {
        return r;
    }
    add_head(&d, out);
    for (size_t i = 0; i < plan->n_nodes; i++) {
        for (size_t k = 0; k < plan->nodes[i].n_edges; k++) {
            add_edge(&d, &plan->nodes[i].edges[k], &link, out);
        }
    }
    for (size_t i = 0; i < draw_count(plan); i++) {
        add_box(&d, i, out);
    }
    buf_add_text(out, "</svg>\n");
    return buf_check(out, err);
}
