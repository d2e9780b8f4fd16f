#include "cli/graph.h"

#include <string.h>

/* Where lines leave the middle of a cell. */
enum { UP = 1, DOWN = 2, LEFT = 4, RIGHT = 8 };

#define NOWHERE SIZE_MAX

/* A line from the commit's column to another, which is a row of its own. */
struct link {
    size_t from;
    size_t to;
    bool from_goes_on; /* below */
    bool to_was;       /* there was a lane above */
    bool to_goes_on;
    unsigned from_colour;
    unsigned to_colour;
    unsigned colour; /* of the line between */
};

void graph_init(struct graph *graph, bool boxes)
{
    *graph = (struct graph){.boxes = boxes};
}

void graph_done(struct graph *graph)
{
    vec_done(&graph->lanes);
}

size_t graph_width(const struct graph *graph)
{
    return 2 * graph->lanes.count;
}

/* ---- lanes ---- */

static bool is_free(const struct graph *graph, size_t column)
{
    return graph->lanes.items[column].wanted[0] == '\0';
}

static size_t find_lane(const struct graph *graph, struct str id)
{
    for (size_t i = 0; i < graph->lanes.count; i++) {
        if (str_eq(str_of(graph->lanes.items[i].wanted), id)) {
            return i;
        }
    }
    return NOWHERE;
}

static void set_lane(struct graph *graph, size_t column, struct str id)
{
    struct graph_lane *lane = &graph->lanes.items[column];

    memset(lane->wanted, 0, sizeof lane->wanted);
    memcpy(lane->wanted, id.data, id.len < GRAPH_ID ? id.len : GRAPH_ID - 1);
}

/* A new lane, in the first free column from `column` on. */
static int add_lane(struct graph *graph, size_t column, struct str id, size_t *ret,
                    corrie_error *err)
{
    struct graph_lane lane = {.colour = graph->next_colour++};

    while (column < graph->lanes.count && !is_free(graph, column)) {
        column++;
    }
    if (column == graph->lanes.count && vec_push(&graph->lanes, lane) < 0) {
        return corrie_fail_memory(err);
    }
    graph->lanes.items[column].colour = lane.colour;
    set_lane(graph, column, id);
    *ret = column;
    return 0;
}

static void drop_free_lanes_at_the_end(struct graph *graph)
{
    while (graph->lanes.count > 0 && is_free(graph, graph->lanes.count - 1)) {
        graph->lanes.count--;
    }
}

/* ---- drawing ---- */

static void draw(struct out *out, unsigned colour, const char *text)
{
    static const enum style styles[] = {STYLE_CYAN,    STYLE_GREEN, STYLE_YELLOW,
                                        STYLE_MAGENTA, STYLE_BLUE,  STYLE_RED};

    out_styled(out, styles[colour % ARRAY_LEN(styles)], text);
}

static void draw_commit(const struct graph *graph, struct out *out, bool shown)
{
    const char *node = graph->boxes ? (shown ? "●" : "·") : shown ? "*" : ".";

    for (size_t i = 0; i < graph->lanes.count; i++) {
        if (is_free(graph, i)) {
            out_char(out, ' ');
        } else {
            draw(out, graph->lanes.items[i].colour,
                 i == graph->at ? node
                 : graph->boxes ? "│"
                                : "|");
        }
        out_char(out, ' ');
    }
}

static size_t left_end(const struct link *link)
{
    return link->from < link->to ? link->from : link->to;
}

static size_t right_end(const struct link *link)
{
    return link->from < link->to ? link->to : link->from;
}

/* Where lines leave the middle of a column's cell. */
static unsigned directions(const struct link *link, size_t column, bool lane)
{
    unsigned found = 0;

    if (column == link->from) {
        found = UP | (link->from_goes_on ? DOWN : 0);
    } else if (column == link->to) {
        found = (link->to_was ? UP : 0) | (link->to_goes_on ? DOWN : 0);
    } else if (lane) {
        return UP | DOWN; /* the link passes behind it */
    }
    if (column >= left_end(link) && column < right_end(link)) {
        found |= RIGHT;
    }
    if (column > left_end(link) && column <= right_end(link)) {
        found |= LEFT;
    }
    return found;
}

static const char *box(unsigned lines)
{
    static const char *const boxes[16] = {
        [0] = " ",
        [UP | DOWN] = "│",
        [LEFT | RIGHT] = "─",
        [UP | LEFT] = "╯",
        [UP | RIGHT] = "╰",
        [DOWN | LEFT] = "╮",
        [DOWN | RIGHT] = "╭",
        [UP | DOWN | LEFT] = "┤",
        [UP | DOWN | RIGHT] = "├",
    };

    return boxes[lines] ? boxes[lines] : "│";
}

/* ASCII: a link to the next column is a slant between the two, one that goes farther a line of dashes. */
static const char *plain(const struct link *link, size_t column, unsigned lines)
{
    bool beside = right_end(link) - left_end(link) == 1;
    bool up = lines & UP;
    bool down = lines & DOWN;

    if (!up && !down) {
        return lines ? "-" : " ";
    }
    if (up && down) {
        return column == link->to && !beside ? "+" : "|";
    }
    return beside ? " " : up ? "'" : ".";
}

/* Between `column` and the next. */
static const char *gap(const struct graph *graph, const struct link *link, size_t column)
{
    if (column < left_end(link) || column >= right_end(link)) {
        return " ";
    }
    if (graph->boxes) {
        return "─";
    }
    if (right_end(link) - left_end(link) > 1) {
        return "-";
    }
    /* to the right it goes down, unless a lane of the right ends here */
    return link->from < link->to && link->to_goes_on ? "\\" : "/";
}

/* Draws a cell; blank ones only when something follows. */
static void draw_cell(struct out *out, unsigned colour, const char *text, size_t *blanks)
{
    if (*text == ' ') {
        ++*blanks;
        return;
    }
    out_fill(out, " ", *blanks);
    *blanks = 0;
    draw(out, colour, text);
}

static void draw_link(const struct graph *graph, const struct link *link, struct out *out)
{
    size_t blanks = 0;

    for (size_t i = 0; i < graph->lanes.count; i++) {
        unsigned lines = directions(link, i, !is_free(graph, i));
        unsigned colour = i == link->from           ? link->from_colour
                          : i == link->to           ? link->to_colour
                          : lines == (LEFT | RIGHT) ? link->colour
                                                    : graph->lanes.items[i].colour;

        draw_cell(out, colour, graph->boxes ? box(lines) : plain(link, i, lines), &blanks);
        draw_cell(out, link->colour, gap(graph, link, i), &blanks);
    }
    out_char(out, '\n');
}

/* ---- commits ---- */

int graph_commit(struct graph *graph, struct out *out, struct str id, const struct str *parents,
                 size_t n_parents, bool shown, corrie_error *err)
{
    int r = 0;

    drop_free_lanes_at_the_end(graph);
    graph->at = find_lane(graph, id);
    if (graph->at == NOWHERE) {
        r = add_lane(graph, 0, id, &graph->at, err);
        if (r < 0) {
            return r;
        }
    }
    if (!shown && n_parents <= 1 && (n_parents == 0 || find_lane(graph, parents[0]) == NOWHERE)) {
        set_lane(graph, graph->at, n_parents > 0 ? parents[0] : STR_EMPTY);
        return 0;
    }
    draw_commit(graph, out, shown);
    return 1;
}

/* What a merge brought in. */
static int link_further(struct graph *graph, struct out *out, struct str parent, corrie_error *err)
{
    struct link link = {.from = graph->at, .from_goes_on = true, .to_goes_on = true};
    int r;

    link.to = find_lane(graph, parent);
    link.to_was = link.to != NOWHERE;
    if (!link.to_was && (r = add_lane(graph, graph->at + 1, parent, &link.to, err)) < 0) {
        return r;
    }
    link.from_colour = graph->lanes.items[link.from].colour;
    link.to_colour = graph->lanes.items[link.to].colour;
    link.colour = link.to_was ? link.from_colour : link.to_colour;
    draw_link(graph, &link, out);
    return 0;
}

/* The commit's lane goes on to the first parent. If a lane waits for that one already, the two become one: the left. */
static void link_first(struct graph *graph, struct out *out, struct str parent)
{
    struct link link = {.from = graph->at, .to = find_lane(graph, parent), .to_was = true};

    set_lane(graph, graph->at, parent);
    if (link.to == NOWHERE) {
        return;
    }
    link.from_goes_on = link.from < link.to;
    link.to_goes_on = !link.from_goes_on;
    link.from_colour = graph->lanes.items[link.from].colour;
    link.to_colour = graph->lanes.items[link.to].colour;
    link.colour = link.from_goes_on ? link.to_colour : link.from_colour; /* of the one that ends */
    set_lane(graph, link.from_goes_on ? link.to : link.from, STR_EMPTY);
    draw_link(graph, &link, out);
}

int graph_links(struct graph *graph, struct out *out, const struct str *parents, size_t n_parents,
                corrie_error *err)
{
    for (size_t i = 1; i < n_parents; i++) {
        int r = link_further(graph, out, parents[i], err);

        if (r < 0) {
            return r;
        }
    }
    if (n_parents > 0) {
        link_first(graph, out, parents[0]);
    } else {
        set_lane(graph, graph->at, STR_EMPTY);
    }
    return 0;
}
