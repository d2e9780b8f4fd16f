/* passage.c — what a node does to columns.
 *
 * A Python function may make any column of any that it reads. Of SQL the engine tells. Types of a Python model's columns
 * are not known before it runs; an SQL model over it is bound with guesses: as long as the statement does not bind, the
 * type of a column that it names is changed, and the change kept if it gets rid of the error at hand. Names mean the
 * same columns whatever their types are, so an answer that is found so is right. */
#include "plan/passage_priv.h"

#include "engine/engine.h"
#include "plan/plan_priv.h"

/* SQL models on SQL models on Python models whose types are not known; more are taken for functions. */
#define MAX_DEPTH 100
#define MAX_GUESSED 200 /* columns; more are taken to be numbers */
#define MAX_STEPS 50
#define PASSAGE_OPEN 2

/* ---- any of any --------------------------------------------------------------------------------- */

static size_t edge_width(const struct passages *passages, const struct plan_edge *edge)
{
    return !edge->all_columns ? edge->n_columns
           : edge->source != PLAN_NONE
               ? passages->plan->sources[edge->source].table.schema->n_fields
               : passages->plan->nodes[edge->node].output.count + 1;
}

/* Every column that an edge brings; one without a name if some are not known. */
static void add_edge(const struct passages *passages, const struct plan_node *node, size_t index,
                     struct parts *all)
{
    const struct plan_edge *edge = &node->edges[index];

    if (!edge->all_columns) {
        for (size_t i = 0; i < edge->n_columns; i++) {
            all->items[all->count++] = (struct part){index, edge->columns[i]};
        }
        return;
    }
    if (edge->source != PLAN_NONE) {
        const struct schema *schema = passages->plan->sources[edge->source].table.schema;
        for (size_t i = 0; i < schema->n_fields; i++) {
            all->items[all->count++] = (struct part){index, schema->fields[i].name};
        }
        return;
    }
    const struct plan_columns *output = &passages->plan->nodes[edge->node].output;
    for (size_t i = 0; i < output->count; i++) {
        all->items[all->count++] = (struct part){index, output->items[i].name};
    }
    if (output->open) {
        all->items[all->count++] = (struct part){index, STR_EMPTY};
    }
}

static int make_vague(const struct passages *passages, const struct plan_node *node,
                      struct passage *passage, corrie_error *err)
{
    size_t n = 0;

    for (size_t i = 0; i < node->n_edges; i++) {
        n += edge_width(passages, &node->edges[i]);
    }
    passage->all.items = arena_array(passages->arena, struct part, n + 1);
    if (!passage->all.items) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < node->n_edges; i++) {
        add_edge(passages, node, i, &passage->all);
    }
    return 0;
}

/* Types of the columns whose own are not known, in the order in which a statement's tables have them. */
struct guess {
    size_t n;
    struct str names[MAX_GUESSED];
    size_t types[MAX_GUESSED]; /* indexes into guessed_types */
    size_t next;               /* while tables are described */
};

static const struct type guessed_types[] = {{.kind = TYPE_DOUBLE},
                                            {.kind = TYPE_STRING},
                                            {.kind = TYPE_TIMESTAMP},
                                            {.kind = TYPE_BOOLEAN}};

/* The type of one more such column. */
static const struct type *take_guess(struct guess *guess, struct str name)
{
    size_t at = guess->next++;

    if (at >= MAX_GUESSED) {
        return &guessed_types[0];
    }
    if (at == guess->n) {
        guess->names[guess->n++] = name;
    }
    return &guessed_types[guess->types[at]];
}

/* What the plan knows of the output. */
static int known_columns(const struct passages *passages, const struct plan_node *node,
                         struct guess *guess, struct schema *ret, corrie_error *err)
{
    size_t n = node->output.count;

    ret->n_fields = n;
    ret->fields = arena_array(passages->arena, struct field, n + 1);
    if (!ret->fields) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        const struct plan_column *column = &node->output.items[i];
        ret->fields[i] =
            (struct field){.name = column->name,
                           .type = column->type ? *column->type : *take_guess(guess, column->name)};
    }
    return 0;
}

/* ---- SQL ---------------------------------------------------------------------------------------- */

static int get(struct passages *passages, size_t node, unsigned depth, const struct passage **ret,
               corrie_error *err);

/* The columns that an SQL model on models of unknown types gives: their names are found by its own passage. 1, or 0. */
static int guessed_columns(struct passages *passages, size_t node, struct guess *guess,
                           unsigned depth, struct engine_bind_table *table, corrie_error *err)
{
    const struct passage *passage;
    int r = get(passages, node, depth + 1, &passage, err);

    if (r < 0 || passage->open) {
        return r < 0 ? r : 0;
    }
    struct schema *schema = arena_new(passages->arena, struct schema);
    if (!schema || schema_copy(&passage->columns, passages->arena, schema, err) < 0) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < schema->n_fields; i++) {
        schema->fields[i].type = *take_guess(guess, schema->fields[i].name);
    }
    table->schema = schema;
    return 1;
}

/* What an edge comes from, as a table. 1, or 0 if its columns are not known. */
static int bind_table(struct passages *passages, const struct plan_edge *edge, struct guess *guess,
                      unsigned depth, struct engine_bind_table *ret, corrie_error *err)
{
    const struct plan *plan = passages->plan;

    if (edge->source != PLAN_NONE) {
        const struct plan_source *source = &plan->sources[edge->source];
        *ret =
            (struct engine_bind_table){source->table_namespace, source->name, source->table.schema};
        return 1;
    }
    const struct plan_node *node = &plan->nodes[edge->node];
    *ret = (struct engine_bind_table){.name_space = node->table_namespace, .name = node->name};
    if (node->output.open) {
        return node->function->language == SOURCE_SQL
                   ? guessed_columns(passages, edge->node, guess, depth, ret, err)
                   : 0;
    }
    struct schema *schema = arena_new(passages->arena, struct schema);
    if (!schema) {
        return corrie_fail_memory(err);
    }
    ret->schema = schema;
    int r = known_columns(passages, node, guess, schema, err);
    return r < 0 ? r : 1;
}

/* What the engine says of a statement. */
struct answer {
    const struct engine_bind_table *tables;
    struct engine_lineage lineage;
    struct schema columns;
    corrie_error error; /* why it does not bind */
};

static void answer_done(struct answer *answer)
{
    corrie_error_clear(&answer->error);
}

/* Fills answer->error if the statement does not bind. 1 bound, 0 not, or a failure that has nothing to do with it. */
static int ask_engine(struct passages *passages, const struct plan_node *node,
                      const struct engine_bind_table *tables, struct answer *answer,
                      corrie_error *err)
{
    struct str space = passages->plan->default_namespace;
    const char *file = node->function->source->path.data;
    struct engine_binding binding;

    corrie_error_clear(&answer->error);
    int r = engine_bind_inspected(passages->engine, node->sql, file, space, tables, node->n_edges,
                                  passages->arena, &binding, &answer->error);
    if (r >= 0) {
        answer->tables = tables;
        answer->columns = binding.columns;
        r = engine_lineage(passages->engine, node->sql, file, space, tables, node->n_edges,
                           passages->arena, &answer->lineage, &answer->error);
    }
    if (r == CORRIE_E_NO_MEMORY || r == CORRIE_E_CANCELLED) {
        return corrie_error_move(err, &answer->error);
    }
    return r >= 0;
}

static int take_answer(const struct passages *passages, const struct engine_lineage *lineage,
                       const struct engine_bind_table *tables, struct passage *passage,
                       corrie_error *err)
{
    passage->of = arena_array(passages->arena, struct parts, lineage->n_columns + 1);
    if (!passage->of) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < lineage->n_columns; i++) {
        const struct engine_column_lineage *column = &lineage->columns[i];
        struct parts *parts = &passage->of[i];
        parts->items = arena_array(passages->arena, struct part, column->n_from + 1);
        if (!parts->items) {
            return corrie_fail_memory(err);
        }
        for (size_t k = 0; k < column->n_from; k++) {
            struct engine_column_ref ref = column->from[k];
            parts->items[parts->count++] =
                (struct part){ref.table, tables[ref.table].schema->fields[ref.column].name};
        }
    }
    passage->exact = true;
    return 0;
}

/* 1 bound, 0 not with this guess, PASSAGE_OPEN: there are columns that nobody knows. */
static int try_guess(struct passages *passages, const struct plan_node *node, struct guess *guess,
                     unsigned depth, struct answer *answer, corrie_error *err)
{
    struct engine_bind_table *tables =
        arena_array(passages->arena, struct engine_bind_table, node->n_edges + 1);

    if (!tables) {
        return corrie_fail_memory(err);
    }
    guess->next = 0;
    for (size_t i = 0; i < node->n_edges; i++) {
        int r = bind_table(passages, &node->edges[i], guess, depth, &tables[i], err);
        if (r <= 0) {
            return r < 0 ? r : PASSAGE_OPEN;
        }
    }
    return ask_engine(passages, node, tables, answer, err);
}

static bool same_error(const corrie_error *a, const corrie_error *b)
{
    return a->position.line == b->position.line && a->position.column == b->position.column &&
           str_eq(str_of(corrie_error_message(a)), str_of(corrie_error_message(b)));
}

/* Changes one column's type so that the error at hand goes away. 1 bound, 0 a step further (or none is left: *ret_stuck). */
static int improve(struct passages *passages, const struct plan_node *node, struct guess *guess,
                   unsigned depth, struct answer *answer, bool *ret_stuck, corrie_error *err)
{
    for (size_t i = 0; i < guess->n; i++) {
        size_t before = guess->types[i];
        if (str_find_str(node->sql, guess->names[i]) < 0) {
            continue;
        }
        for (size_t k = before + 1; k < ARRAY_LEN(guessed_types); k++) {
            _cleanup_(answer_done) struct answer next = {.error = CORRIE_ERROR_INIT};
            guess->types[i] = k;
            int r = try_guess(passages, node, guess, depth, &next, err);
            if (r != 0 || !same_error(&next.error, &answer->error)) {
                answer_done(answer);
                *answer = next;
                next.error = (corrie_error)CORRIE_ERROR_INIT;
                return r;
            }
        }
        guess->types[i] = before;
    }
    *ret_stuck = true;
    return 0;
}

static int make_sql(struct passages *passages, const struct plan_node *node, unsigned depth,
                    struct passage *passage, corrie_error *err)
{
    _cleanup_(answer_done) struct answer answer = {.error = CORRIE_ERROR_INIT};
    struct guess *guess = arena_new(passages->arena, struct guess);
    bool stuck = false;

    if (!guess) {
        return corrie_fail_memory(err);
    }
    int r = try_guess(passages, node, guess, depth, &answer, err);
    for (int i = 0; r == 0 && !stuck && i < MAX_STEPS; i++) { /* types only go forward: it ends */
        r = improve(passages, node, guess, depth, &answer, &stuck, err);
    }
    if (r == 0 && guess->n == 0) {
        return corrie_error_move(err, &answer.error);
    }
    if (r != 1) {
        return r < 0 ? r : 0;
    }
    passage->columns = answer.columns;
    passage->open = false;
    return answer.lineage.exact
               ? take_answer(passages, &answer.lineage, answer.tables, passage, err)
               : 0;
}

/* ---- any node ----------------------------------------------------------------------------------- */

static int get(struct passages *passages, size_t index, unsigned depth, const struct passage **ret,
               corrie_error *err)
{
    const struct plan_node *node = &passages->plan->nodes[index];
    struct passage *passage = &passages->items[index];
    struct guess *guess = arena_new(passages->arena, struct guess);
    int r = 0;

    *ret = passage;
    if (passage->made) {
        return 0;
    }
    passage->made = true;
    passage->open = node->output.open;
    r = guess ? known_columns(passages, node, guess, &passage->columns, err)
              : corrie_fail_memory(err);
    if (r >= 0 && node->function->language == SOURCE_SQL && depth < MAX_DEPTH) {
        r = make_sql(passages, node, depth, passage, err);
    }
    if (r >= 0 && !passage->exact) {
        r = make_vague(passages, node, passage, err);
    }
    return r;
}

int passage_get(struct passages *passages, size_t node, const struct passage **ret,
                corrie_error *err)
{
    return get(passages, node, 0, ret, err);
}

const struct parts *passage_parts(const struct passage *passage, struct str column)
{
    for (size_t i = 0; passage->exact && i < passage->columns.n_fields; i++) {
        if (str_eq(passage->columns.fields[i].name, column)) {
            return &passage->of[i];
        }
    }
    return &passage->all;
}
