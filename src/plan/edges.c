/* edges.c — nodes of the logical plan: what flows along each edge, checked against what its parent has. */
#include <stdlib.h>

#include "arrow/type.h"
#include "base/limits.h"
#include "plan/build_priv.h"

/* ---- columns of a parent ------------------------------------------------------------------------ */

static int parent_of_table(struct planning *p, const struct plan_source *source, struct parent *ret,
                           corrie_error *err)
{
    const struct schema *schema = source->table.schema;
    char *title = arena_printf(p->arena, "%.*s.%.*s", STR_FMT(source->table_namespace),
                               STR_FMT(source->name));

    ret->names = arena_array(p->arena, struct str, schema->n_fields + 1);
    if (!title || !ret->names) {
        return corrie_fail_memory(err);
    }
    ret->title = str_of(title);
    ret->n_names = schema->n_fields;
    ret->open = false;
    for (size_t i = 0; i < schema->n_fields; i++) {
        ret->names[i] = schema->fields[i].name;
    }
    return 0;
}

static int parent_of_node(struct planning *p, const struct plan_node *node, struct parent *ret,
                          corrie_error *err)
{
    char *title = arena_printf(p->arena, "model %.*s", STR_FMT(node->name));

    ret->names = arena_array(p->arena, struct str, node->output.count + 1);
    if (!title || !ret->names) {
        return corrie_fail_memory(err);
    }
    ret->title = str_of(title);
    ret->n_names = node->output.count;
    ret->open = node->output.open;
    for (size_t i = 0; i < node->output.count; i++) {
        ret->names[i] = node->output.items[i].name;
    }
    return 0;
}

bool parent_has(const struct parent *parent, struct str name)
{
    bool found = parent->open;

    for (size_t i = 0; !found && i < parent->n_names; i++) {
        found = str_eq(parent->names[i], name);
    }
    return found;
}

int parent_lacks(const struct parent *parent, struct str name, corrie_error *err)
{
    corrie_fail(err, CORRIE_E_NOT_FOUND, "%.*s has no column %.*s", STR_FMT(parent->title),
                STR_FMT(name));
    return hint_nearest(name, parent->names, parent->n_names, err);
}

/* ---- Python ------------------------------------------------------------------------------------- */

/* The place of item `name` in a list that was written: where its quoted text stands after the list's
 * beginning, else the list's. */
static struct place column_place(const struct source_file *source, const struct name_list *list,
                                 struct str name)
{
    struct str rest = source->text, line = STR_EMPTY;
    long number = 1;

    for (; number < list->place.line; number++) {
        str_cut(rest, '\n', &line, &rest);
    }
    for (size_t skip = list->place.column > 0 ? (size_t)list->place.column - 1 : 0;
         rest.len > 0 && number < list->place.line + 50; number++, skip = 0) {
        str_cut(rest, '\n', &line, &rest);
        struct str tail = str_from(line, skip);
        for (ptrdiff_t at; (at = str_find_str(tail, name)) >= 0;
             tail = str_from(tail, (size_t)at + 1)) {
            size_t end = (size_t)at + name.len;
            bool quoted = at > 0 && end < tail.len && tail.data[at - 1] == tail.data[end] &&
                          (tail.data[end] == '\'' || tail.data[end] == '"');
            if (quoted) {
                return (struct place){source->path, number, tail.data + at - line.data + 1,
                                      (long)name.len};
            }
        }
        if (str_find(str_from(line, skip), ']') >= 0) {
            break;
        }
    }
    return list->place;
}

static int check_columns(struct planning *p, const struct plan_node *node,
                         const struct declared_input *input, const struct parent *parent,
                         corrie_error *err)
{
    for (size_t i = 0; i < input->columns.count; i++) {
        if (!parent_has(parent, input->columns.items[i])) {
            struct place place =
                column_place(node->function->source, &input->columns, input->columns.items[i]);
            parent_lacks(parent, input->columns.items[i], err);
            return place_error(p->project, &place, err);
        }
    }
    return 0;
}

static int build_edge(struct planning *p, struct plan_node *node, const struct reference *reference,
                      struct plan_edge *edge, corrie_error *err)
{
    const struct declared_input *input = reference->input;
    struct parent parent;

    *edge = (struct plan_edge){
        .source = reference->from ? PLAN_NONE : reference->source,
        .node = reference->from ? reference->from->node : PLAN_NONE,
        .argument = input ? input->argument : reference->text,
        .scan = PLAN_NONE,
        .place = reference->place,
    };
    if (!input) {
        return 0; /* SQL: plan_bind says the rest */
    }
    if (worker_form_of(input->annotation, &edge->form, err) < 0) {
        return place_error(p->project, &input->place, err);
    }
    int r = reference->from ? parent_of_node(p, &p->plan->nodes[edge->node], &parent, err)
                            : parent_of_table(p, &p->sources.items[edge->source], &parent, err);
    if (r < 0) {
        return r;
    }
    edge->all_columns = input->columns.all;
    if (!input->columns.all) {
        edge->columns = input->columns.items;
        edge->n_columns = input->columns.count;
    }
    r = check_columns(p, node, input, &parent, err);
    return r < 0 ? r : plan_edge_filter(p, node, input, &parent, edge, err);
}

static int find_parameters(struct planning *p, struct plan_node *node, corrie_error *err)
{
    const struct declared_function *function = node->function;

    node->parameters = arena_array(p->arena, struct plan_parameter *, function->n_parameters + 1);
    if (!node->parameters) {
        return corrie_fail_memory(err);
    }
    node->n_parameters = function->n_parameters;
    for (size_t i = 0; i < function->n_parameters; i++) {
        int r = plan_find_parameter(p, function->parameters[i].name, &node->parameters[i], err);
        if (r < 0) {
            return place_error(p->project, &function->parameters[i].place, err);
        }
        r = plan_check_secret(p, node->parameters[i], err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* Declared columns are the output: they narrow what the function returns. */
static int declared_output(struct planning *p, struct plan_node *node, corrie_error *err)
{
    const struct name_list *columns = &node->function->columns;

    node->output.open = columns->all;
    node->output.count = columns->count;
    node->output.items = arena_array(p->arena, struct plan_column, columns->count + 1);
    if (!node->output.items) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < columns->count; i++) {
        node->output.items[i].name = columns->items[i];
    }
    return 0;
}

static bool same_environment(const struct plan_environment *environment,
                             const struct declared_function *function)
{
    if (!str_eq(environment->python, function->python) ||
        environment->n_packages != function->n_packages) {
        return false;
    }
    for (size_t i = 0; i < function->n_packages; i++) {
        if (!str_eq(environment->packages[i].name, function->packages[i].name) ||
            !str_eq(environment->packages[i].version, function->packages[i].version)) {
            return false;
        }
    }
    return true;
}

/* What the lock file says of the environment. One that it lacks is resolved anew, which is no longer what was locked. */
static int find_lock(struct planning *p, const struct declared_function *function,
                     struct plan_environment *environment, corrie_error *err)
{
    struct env_request request = {.python = environment->python,
                                  .packages = environment->packages,
                                  .n_packages = environment->n_packages};
    const struct env_lock_entry *entry;
    struct hash hash;
    int r;

    if (!p->project->has_lock) {
        return 0;
    }
    r = env_request_hash(&request, &hash, err);
    if (r < 0) {
        return place_error(p->project, &function->place, err);
    }
    entry = env_lock_find(&p->project->lock, &hash);
    if (entry) {
        environment->locked = &entry->locked;
        return 0;
    }
    return plan_note_add(p, true, &function->place, err,
                         PROJECT_LOCK_FILE " does not have the environment that %.*s asks for: its "
                                           "packages are resolved anew; `corrie env lock` adds it",
                         STR_FMT(function->name));
}

static int find_environment(struct planning *p, struct plan_node *node, corrie_error *err)
{
    const struct declared_function *function = node->function;

    for (size_t i = 0; i < p->environments.count; i++) {
        if (same_environment(&p->environments.items[i], function)) {
            node->environment = i;
            return 0;
        }
    }
    struct plan_environment environment = {function->python, function->packages,
                                           function->n_packages, NULL, function};
    int r = find_lock(p, function, &environment, err);
    if (r < 0) {
        return r;
    }
    if (vec_push(&p->environments, environment) < 0) {
        return corrie_fail_memory(err);
    }
    node->environment = p->environments.count - 1;
    return 0;
}

/* ---- SQL ---------------------------------------------------------------------------------------- */

/* A column in the header's list that the statement does not give. */
static int note_missing(struct planning *p, const struct plan_node *node,
                        const struct parent *gives, corrie_error *err)
{
    const struct name_list *declared = &node->function->columns;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < declared->count; i++) {
        if (!parent_has(gives, declared->items[i])) {
            r = plan_note_add(p, true, &declared->place, err,
                              "%.*s declares the column %.*s, but does not give it",
                              STR_FMT(node->name), STR_FMT(declared->items[i]));
        }
    }
    return r;
}

/* Columns declared in the header beside those that the statement gives. Where these are not known yet, the run looks. */
static int take_declared(struct planning *p, struct plan_node *node, corrie_error *err)
{
    const struct name_list *declared = &node->function->columns;
    const struct parent wanted = {.names = declared->items, .n_names = declared->count};
    struct parent gives;

    if (declared->count == 0 || node->output.open) {
        return 0;
    }
    int r = parent_of_node(p, node, &gives, err);
    if (r >= 0) {
        r = note_missing(p, node, &gives, err);
    }
    for (size_t i = 0; r >= 0 && !declared->all && i < gives.n_names; i++) {
        if (!parent_has(&wanted, gives.names[i])) {
            r = plan_note_add(p, true, &declared->place, err,
                              "%.*s gives the column %.*s, but does not declare it: it is left out",
                              STR_FMT(node->name), STR_FMT(gives.names[i]));
        }
    }
    return r < 0 || declared->all ? r : plan_give_declared(p, node, err);
}

/* ---- a node ------------------------------------------------------------------------------------- */

static bool has_edge(const struct plan_node *node, const struct reference *reference)
{
    for (size_t i = 0; i < node->n_edges; i++) {
        const struct plan_edge *edge = &node->edges[i];
        if (reference->from ? edge->node == reference->from->node
                            : edge->node == PLAN_NONE && edge->source == reference->source) {
            return true;
        }
    }
    return false;
}

/* What stands in the lake under the model's name, and what becomes of it. */
static int look_at_table(struct planning *p, struct plan_node *node, corrie_error *err)
{
    const struct declared_function *function = node->function;

    if (function->kind != FUNCTION_MODEL) {
        return 0;
    }
    int r = p->catalog->exists(p->catalog->context, node->table_namespace, node->name, err);
    if (r <= 0) {
        return r;
    }
    node->replaces_table = function->strategy != STRATEGY_NONE;
    if (node->replaces_table) {
        return 0;
    }
    return plan_note_add(
        p, false, &function->place, err,
        "table %.*s.%.*s stays as it is: the model %.*s is not materialized, and inputs of "
        "that name read the model",
        STR_FMT(node->table_namespace), STR_FMT(node->name), STR_FMT(node->name));
}

/* Kind, code, environment request and options. */
static void add_request(const struct plan_node *node, struct buf *text)
{
    const struct declared_function *function = node->function;

    buf_addf(text, "%d %d\n", (int)function->kind, (int)function->language);
    buf_add(text, function->code.bytes, HASH_BYTES);
    buf_addf(text, "\npython %.*s\n", STR_FMT(function->python));
    for (size_t i = 0; i < function->n_packages; i++) {
        buf_addf(text, "package %.*s %.*s\n", STR_FMT(function->packages[i].name),
                 STR_FMT(function->packages[i].version));
    }
    buf_addf(text, "internet %d\n", function->internet_access);
    if (function->n_outputs > 1) {
        buf_addf(text, "output %zu %.*s\n", function->output, STR_FMT(node->name));
    }
    for (size_t i = 0; i < function->columns.count; i++) {
        buf_addf(text, "column %zu %.*s\n", function->columns.items[i].len,
                 STR_FMT(function->columns.items[i]));
    }
    for (size_t i = 0; i < node->n_edges; i++) {
        const struct plan_edge *edge = &node->edges[i];

        if (edge->form != WORKER_ARROW_TABLE) {
            buf_addf(text, "form %.*s %s\n", STR_FMT(edge->argument), worker_form_name(edge->form));
        }
    }
}

/* H over the request and the values of parameters. */
static int make_fingerprint(struct plan_node *node, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};

    add_request(node, &text);
    for (size_t i = 0; i < node->n_parameters; i++) {
        const struct plan_parameter *parameter = node->parameters[i];
        struct str value = parameter->has_value ? parameter->value.text : STR_EMPTY;
        buf_addf(&text, "parameter %.*s %d %d %zu ", STR_FMT(parameter->name),
                 (int)parameter->value.type, parameter->has_value, value.len);
        buf_add_str(&text, value);
        buf_add_char(&text, '\n');
    }
    if (buf_check(&text, err) < 0) {
        return err->code;
    }
    node->fingerprint = hash_bytes(buf_str(&text));
    return 0;
}

/* One part, told apart from the next by its length. */
static void add_part(struct buf *text, const char *what, struct str part)
{
    buf_addf(text, "%s %zu ", what, part.len);
    buf_add_str(text, part);
    buf_add_char(text, '\n');
}

static void add_names(struct buf *text, const char *what, const struct name_list *list)
{
    buf_addf(text, "%s %d %zu\n", what, list->all, list->count);
    for (size_t i = 0; i < list->count; i++) {
        add_part(text, "name", list->items[i]);
    }
}

/* How the table is written, as declared. */
static void add_materialization(const struct declared_function *function, struct buf *text)
{
    buf_addf(text, "strategy %s\n", strategy_name(function->strategy));
    for (size_t i = 0; i < function->n_partitioned_by; i++) {
        add_part(text, "partition", function->partitioned_by[i]);
    }
    add_part(text, "overwrite", function->overwrite_filter);
    add_names(text, "keys", &function->keys);
}

static void add_declared_inputs(const struct declared_function *function, struct buf *text)
{
    for (size_t i = 0; i < function->n_inputs; i++) {
        const struct declared_input *input = &function->inputs[i];

        add_part(text, "input", input->argument);
        add_part(text, "table", input->table);
        add_part(text, "ref", input->ref);
        add_part(text, "filter", input->filter);
        add_names(text, "columns", &input->columns);
    }
    for (size_t i = 0; i < function->n_parameters; i++) {
        add_part(text, "parameter", function->parameters[i].argument);
        add_part(text, "named", function->parameters[i].name);
    }
}

/* What an edge leads to: the name of a table, or of a model that is written as one; of another model how it is made. */
static void add_parent(const struct planning *p, const struct plan_edge *edge, struct buf *text)
{
    const struct plan_node *from = edge->node == PLAN_NONE ? NULL : &p->plan->nodes[edge->node];

    add_part(text, "edge", edge->argument);
    if (!from) {
        const struct plan_source *source = &p->sources.items[edge->source];
        add_part(text, "of", source->table_namespace);
        add_part(text, "at", source->ref);
        add_part(text, "read", source->name);
        return;
    }
    if (from->function->strategy == STRATEGY_NONE) {
        buf_add_text(text, "made ");
        buf_add(text, from->definition.bytes, HASH_BYTES);
        return;
    }
    add_part(text, "of", from->table_namespace);
    add_part(text, "at", STR_EMPTY);
    add_part(text, "read", from->name);
}

/* Parents come first: theirs is known. */
static int make_definition(const struct planning *p, struct plan_node *node, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};

    add_request(node, &text);
    add_materialization(node->function, &text);
    add_declared_inputs(node->function, &text);
    for (size_t i = 0; i < node->n_edges; i++) {
        add_parent(p, &node->edges[i], &text);
    }
    if (buf_check(&text, err) < 0) {
        return err->code;
    }
    node->definition = hash_bytes(buf_str(&text));
    return 0;
}

/* Inputs, environment and parameters of a function: of its first output's node. */
static int build_call(struct planning *p, struct plan_node *node, const struct draft *draft,
                      corrie_error *err)
{
    bool sql = draft->function->language == SOURCE_SQL;
    int r = 0;

    node->edges = arena_array(p->arena, struct plan_edge, draft->n_references + 1);
    if (!node->edges) {
        return corrie_fail_memory(err);
    }
    for (size_t k = 0; r >= 0 && k < draft->n_references; k++) {
        if (sql && has_edge(node, &draft->references[k])) {
            continue; /* `orders` and `public.orders` are one table */
        }
        r = build_edge(p, node, &draft->references[k], &node->edges[node->n_edges], err);
        node->n_edges++;
    }
    if (r < 0) {
        return r;
    }
    if (sql) {
        r = plan_bind(p, draft, node, err);
        return r < 0 ? r : take_declared(p, node, err);
    }
    r = find_parameters(p, node, err);
    return r < 0 ? r : find_environment(p, node, err);
}

/* Another output of the function that `caller` calls. */
static void share_call(struct plan_node *node, const struct plan_node *caller)
{
    node->edges = caller->edges;
    node->n_edges = caller->n_edges;
    node->parameters = caller->parameters;
    node->n_parameters = caller->n_parameters;
    node->environment = caller->environment;
}

int plan_node_build(struct planning *p, size_t i, corrie_error *err)
{
    const struct draft *draft = &p->drafts[p->order[i]];
    const struct declared_function *function = draft->function;
    struct plan_node *node = &p->plan->nodes[i];
    int r = 0;

    *node = (struct plan_node){
        .function = function,
        .table_namespace = draft->table_namespace,
        .name = draft->name,
        .sql = draft->sql.text,
        .text = &draft->sql,
        .parameters = draft->sql.parameters,
        .n_parameters = draft->sql.n_parameters,
        .environment = PLAN_NONE,
    };
    if (function->output > 0) {
        share_call(node, &p->plan->nodes[plan_caller(p->plan, i)]);
    } else {
        r = build_call(p, node, draft, err);
    }
    if (r >= 0 && function->language == SOURCE_PYTHON) {
        r = declared_output(p, node, err);
    }
    if (r >= 0) {
        r = look_at_table(p, node, err);
    }
    if (r >= 0) {
        r = plan_materialize(p, node, err);
    }
    if (r >= 0) {
        r = make_fingerprint(node, err);
    }
    return r < 0 ? r : make_definition(p, node, err);
}
