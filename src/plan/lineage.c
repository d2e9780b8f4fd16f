/* lineage.c — from which columns a column is made, and what is made of it: a walk along the edges of the plan. */
#include "plan/lineage.h"

#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"
#include "lang/name.h"
#include "plan/passage_priv.h"
#include "plan/plan_priv.h"

struct walk {
    const struct plan *plan;
    struct passages passages;
    struct arena *arena;
    size_t *first;   /* by source, then by node: where its readers begin in `readers` */
    size_t *readers; /* nodes, each once for one that it reads */
    struct map seen; /* "3.price": what lies beyond has been listed */
    VEC(struct lineage_edge) edges;
};

static void walk_done(struct walk *walk)
{
    map_done(&walk->seen);
    vec_done(&walk->edges);
}

static size_t index_of(const struct plan *plan, const struct lineage_ref *ref)
{
    return ref->source != PLAN_NONE ? ref->source : plan->n_sources + ref->node;
}

static struct lineage_ref ref_of(const struct plan_edge *edge, struct str column)
{
    return (struct lineage_ref){edge->source, edge->node, column};
}

/* ---- readers ------------------------------------------------------------------------------------ */

static size_t edge_from(const struct plan *plan, const struct plan_edge *edge)
{
    return edge->source != PLAN_NONE ? edge->source : plan->n_sources + edge->node;
}

static int find_readers(struct walk *walk, corrie_error *err)
{
    const struct plan *plan = walk->plan;
    size_t n = plan->n_sources + plan->n_nodes, n_edges = 0;

    walk->first = arena_array(walk->arena, size_t, n + 3);
    for (size_t i = 0; walk->first && i < plan->n_nodes; i++) {
        for (size_t k = 0; k < plan->nodes[i].n_edges; k++, n_edges++) {
            walk->first[edge_from(plan, &plan->nodes[i].edges[k]) + 2]++;
        }
    }
    walk->readers = arena_array(walk->arena, size_t, n_edges + 1);
    if (!walk->first || !walk->readers) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 2; i < n + 3; i++) {
        walk->first[i] += walk->first[i - 1];
    }
    for (size_t i = 0; i < plan->n_nodes; i++) {
        for (size_t k = 0; k < plan->nodes[i].n_edges; k++) {
            size_t *at = &walk->first[edge_from(plan, &plan->nodes[i].edges[k]) + 1];
            walk->readers[(*at)++] = i;
        }
    }
    return 0;
}

/* ---- walking ------------------------------------------------------------------------------------ */

/* What is still to be looked at. */
struct step {
    struct lineage_edge edge; /* to be listed; depth 0: where the walk begins */
    struct lineage_ref at;    /* beyond it */
};
typedef VEC(struct step) steps;

/* Notes that what lies beyond a column is listed. 1 it was already, 0 now. */
static int note_seen(struct walk *walk, const struct lineage_ref *ref, corrie_error *err)
{
    char *key =
        arena_printf(walk->arena, "%zu.%.*s", index_of(walk->plan, ref), STR_FMT(ref->column));

    if (!key) {
        return corrie_fail_memory(err);
    }
    if (map_find(&walk->seen, str_of(key))) {
        return 1;
    }
    return map_put(&walk->seen, str_of(key), NULL) < 0 ? corrie_fail_memory(err) : 0;
}

/* What a column of a node is made of. */
static int step_up(struct walk *walk, const struct lineage_ref *at, unsigned depth, steps *found,
                   corrie_error *err)
{
    const struct passage *passage;

    if (at->node == PLAN_NONE) {
        return 0;
    }
    int r = passage_get(&walk->passages, at->node, &passage, err);
    if (r < 0) {
        return r;
    }
    const struct parts *parts = passage_parts(passage, at->column);
    for (size_t i = 0; i < parts->count; i++) {
        const struct plan_edge *edge = &walk->plan->nodes[at->node].edges[parts->items[i].edge];
        struct lineage_ref from = ref_of(edge, parts->items[i].column);
        struct step step = {{.from = from, .to = *at, .exact = passage->exact, .depth = depth + 1},
                            from};
        if (vec_push(found, step) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return 0;
}

/* Whether a part is the column: one that is not known may be any, and any may be one that is not known. */
static bool part_is(const struct plan_node *node, const struct part *part,
                    const struct lineage_ref *at)
{
    const struct plan_edge *edge = &node->edges[part->edge];

    return edge->source == at->source && edge->node == at->node &&
           (part->column.len == 0 || at->column.len == 0 || str_eq(part->column, at->column));
}

static bool has_part(const struct plan_node *node, const struct parts *parts,
                     const struct lineage_ref *at)
{
    for (size_t i = 0; i < parts->count; i++) {
        if (part_is(node, &parts->items[i], at)) {
            return true;
        }
    }
    return false;
}

static int push_down(steps *found, const struct lineage_ref *at, size_t node, struct str column,
                     bool exact, unsigned depth, corrie_error *err)
{
    struct lineage_ref to = {PLAN_NONE, node, column};
    struct step step = {{.from = *at, .to = to, .exact = exact, .depth = depth + 1}, to};

    return vec_push(found, step) < 0 ? corrie_fail_memory(err) : 0;
}

/* Columns of one reader that are made of the column. */
static int step_down_to(struct walk *walk, const struct lineage_ref *at, size_t reader,
                        unsigned depth, steps *found, corrie_error *err)
{
    const struct plan_node *node = &walk->plan->nodes[reader];
    const struct passage *passage;
    bool any = false;

    int r = passage_get(&walk->passages, reader, &passage, err);
    for (size_t i = 0; r >= 0 && i < passage->columns.n_fields; i++) {
        if (has_part(node, passage->exact ? &passage->of[i] : &passage->all, at)) {
            any = true;
            r = push_down(found, at, reader, passage->columns.fields[i].name, passage->exact, depth,
                          err);
        }
    }
    /* an expectation, or columns that the model does not name */
    bool nameless = passage->open || passage->columns.n_fields == 0;
    if (r >= 0 && nameless && (any || has_part(node, &passage->all, at))) {
        r = push_down(found, at, reader, STR_EMPTY, false, depth, err);
    }
    return r;
}

static int step_down(struct walk *walk, const struct lineage_ref *at, unsigned depth, steps *found,
                     corrie_error *err)
{
    size_t index = index_of(walk->plan, at);
    int r = 0;

    for (size_t i = walk->first[index]; r >= 0 && i < walk->first[index + 1]; i++) {
        bool again = i > walk->first[index] && walk->readers[i] == walk->readers[i - 1];
        r = again ? 0 : step_down_to(walk, at, walk->readers[i], depth, found, err);
    }
    return r;
}

/* Lists one step, and finds those beyond it, in `found`. */
static int take_step(struct walk *walk, bool up, struct step *step, steps *found, corrie_error *err)
{
    bool leaf = up && step->at.node == PLAN_NONE;
    int r = leaf ? 0 : note_seen(walk, &step->at, err);

    if (r < 0) {
        return r;
    }
    step->edge.again = r > 0;
    if (step->edge.depth > 0 && vec_push(&walk->edges, step->edge) < 0) {
        return corrie_fail_memory(err);
    }
    if (r > 0) {
        return 0;
    }
    return up ? step_up(walk, &step->at, step->edge.depth, found, err)
              : step_down(walk, &step->at, step->edge.depth, found, err);
}

static int run_walk(struct walk *walk, bool up, const struct lineage_ref *start, steps *todo,
                    steps *found, corrie_error *err)
{
    struct step first = {.at = *start};
    int r = vec_push(todo, first) < 0 ? corrie_fail_memory(err) : 0;

    while (r >= 0 && todo->count > 0) {
        struct step step = vec_pop(todo);
        found->count = 0;
        r = take_step(walk, up, &step, found, err);
        for (size_t i = found->count; r >= 0 && i > 0; i--) { /* the first is on top */
            r = vec_push(todo, found->items[i - 1]) < 0 ? corrie_fail_memory(err) : 0;
        }
    }
    return r;
}

static int walk_from(const struct walk *shared, bool up, const struct lineage_ref *start,
                     struct lineage_edge **ret, size_t *ret_n, corrie_error *err)
{
    _cleanup_(walk_done) struct walk walk = {.plan = shared->plan,
                                             .passages = shared->passages,
                                             .arena = shared->arena,
                                             .first = shared->first,
                                             .readers = shared->readers};
    steps todo = {0}, found = {0};

    int r = run_walk(&walk, up, start, &todo, &found, err);
    vec_done(&todo);
    vec_done(&found);
    if (r < 0) {
        return r;
    }
    *ret = arena_array(walk.arena, struct lineage_edge, walk.edges.count + 1);
    if (!*ret) {
        return corrie_fail_memory(err);
    }
    if (walk.edges.count > 0) {
        memcpy(*ret, walk.edges.items, walk.edges.count * sizeof **ret);
    }
    *ret_n = walk.edges.count;
    return 0;
}

/* ---- where it begins ---------------------------------------------------------------------------- */

/* Names of models and tables, to say which are nearest. */
static int unknown_name(const struct walk *walk, struct str name, corrie_error *err)
{
    const struct plan *plan = walk->plan;
    struct str *names = arena_array(walk->arena, struct str, plan->n_nodes + plan->n_sources + 1);
    size_t n = 0;

    if (!names) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < plan->n_nodes; i++) {
        names[n++] = plan->nodes[i].name;
    }
    for (size_t i = 0; i < plan->n_sources; i++) {
        names[n++] = plan->sources[i].name;
    }
    corrie_fail(err, CORRIE_E_NOT_FOUND, "the project makes and reads no table %.*s",
                STR_FMT(name));
    return hint_nearest(name, names, n, err);
}

/* A model of that name before a table of the lake, as for functions that read it. */
static bool find_table(const struct plan *plan, struct str ns, struct str name,
                       struct lineage_ref *ret)
{
    *ret = (struct lineage_ref){PLAN_NONE, PLAN_NONE, STR_EMPTY};
    for (size_t i = 0; i < plan->n_nodes; i++) {
        const struct plan_node *node = &plan->nodes[i];
        if (node->function->kind == FUNCTION_MODEL && str_eq(node->name, name) &&
            str_eq(node->table_namespace, ns)) {
            ret->node = i;
            return true;
        }
    }
    for (size_t i = 0; i < plan->n_sources; i++) {
        const struct plan_source *source = &plan->sources[i];
        if (str_eq(source->name, name) && str_eq(source->table_namespace, ns)) {
            ret->source = i;
            return true;
        }
    }
    return false;
}

/* The column, of those that are known. */
static int find_column(struct walk *walk, struct str table, struct str column,
                       struct lineage_ref *ref, corrie_error *err)
{
    const struct schema *schema;
    bool open = false;

    if (ref->node != PLAN_NONE) {
        const struct passage *passage;
        int r = passage_get(&walk->passages, ref->node, &passage, err);
        if (r < 0) {
            return r;
        }
        schema = &passage->columns;
        open = passage->open;
    } else {
        schema = walk->plan->sources[ref->source].table.schema;
    }
    ref->column = column;
    if (open || schema_find(schema, column)) {
        return 0;
    }
    schema_fail_column(schema, column, err);
    return corrie_wrap(err, "%.*s", STR_FMT(table));
}

/* "table.column" or "namespace.table.column". */
static int find_start(struct walk *walk, const struct lineage_options *options,
                      struct lineage_ref *ret, corrie_error *err)
{
    ptrdiff_t dot = str_rfind(options->name, '.');
    struct table_name name;

    if (dot <= 0 || (size_t)dot + 1 == options->name.len) {
        corrie_fail(err, CORRIE_E_USAGE, "%.*s names no column", STR_FMT(options->name));
        return corrie_hint(err, "write TABLE.COLUMN");
    }
    struct str table = str_slice(options->name, 0, (size_t)dot);
    int r = table_name_parse(table, &name, err);
    if (r < 0) {
        return r;
    }
    struct str ns = name.ns.len ? name.ns : options->default_namespace;
    if (!find_table(walk->plan, ns, name.table, ret)) {
        return unknown_name(walk, name.table, err);
    }
    return find_column(walk, table, str_from(options->name, (size_t)dot + 1), ret, err);
}

int plan_lineage(const struct plan *plan, struct engine *engine,
                 const struct lineage_options *options, struct arena *arena, struct lineage *ret,
                 corrie_error *err)
{
    struct lineage lineage = {0};
    struct walk walk = {.plan = plan, .arena = arena};

    walk.passages = (struct passages){plan, engine, arena,
                                      arena_array(arena, struct passage, plan->n_nodes + 1)};
    if (!walk.passages.items) {
        return corrie_fail_memory(err);
    }
    int r = find_start(&walk, options, &lineage.column, err);
    if (r >= 0) {
        r = find_readers(&walk, err);
    }
    if (r >= 0 && options->up) {
        r = walk_from(&walk, true, &lineage.column, &lineage.up, &lineage.n_up, err);
    }
    if (r >= 0 && options->down) {
        r = walk_from(&walk, false, &lineage.column, &lineage.down, &lineage.n_down, err);
    }
    if (r < 0) {
        return r;
    }
    *ret = lineage;
    return 0;
}

/* ---- as a document ------------------------------------------------------------------------------ */

static json_t *ref_json(const struct plan *plan, const struct lineage_ref *ref)
{
    const struct plan_node *node = ref->node != PLAN_NONE ? &plan->nodes[ref->node] : NULL;
    const struct plan_source *source = node ? NULL : &plan->sources[ref->source];
    const char *kind = !node                                    ? "table"
                       : node->function->kind == FUNCTION_MODEL ? "model"
                                                                : "expectation";
    json_t *object = json_object();
    int r = js_set_str(object, "kind", str_of(kind));

    r |= js_set_str(object, "namespace", node ? node->table_namespace : source->table_namespace);
    r |= js_set_str(object, "name", node ? node->name : source->name);
    r |= js_set(object, "column", ref->column.len ? js_string(ref->column) : json_null());
    r |= js_set(object, "file", node ? js_string(node->function->place.file) : json_null());
    r |= js_set(object, "line", node ? json_integer(node->function->place.line) : json_null());
    if (r != 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static int add_edges(const struct plan *plan, json_t *document, const char *field,
                     const struct lineage_edge *edges, size_t n)
{
    json_t *list = json_array();
    int r = js_set(document, field, list);

    for (size_t i = 0; r >= 0 && i < n; i++) {
        json_t *object = json_object();
        r = json_array_append_new(list, object);
        r |= js_set(object, "from", ref_json(plan, &edges[i].from));
        r |= js_set(object, "to", ref_json(plan, &edges[i].to));
        r |= js_set_bool(object, "exact", edges[i].exact);
        r |= js_set_bool(object, "again", edges[i].again);
        r |= js_set_int(object, "depth", edges[i].depth);
    }
    return r;
}

int lineage_to_json(const struct plan *plan, const struct lineage *lineage, json_t **ret,
                    corrie_error *err)
{
    _json_ json_t *document = json_object();

    if (js_set(document, "column", ref_json(plan, &lineage->column)) < 0 ||
        add_edges(plan, document, "up", lineage->up, lineage->n_up) < 0 ||
        add_edges(plan, document, "down", lineage->down, lineage->n_down) < 0) {
        return corrie_fail_memory(err);
    }
    *ret = TAKE_PTR(document);
    return 0;
}
