/* json.c — the plan as a document: docs/formats/plan.md. */
#include "base/json.h"
#include "arrow/type.h"
#include "plan/plan_priv.h"

/* Building fails in one way only: memory ran out. Each function returns a new value or NULL; NULL given to
 * set() or add() is remembered there. */
static bool set(json_t *object, const char *field, json_t *value)
{
    return js_set(object, field, value) >= 0;
}

static bool set_text(json_t *object, const char *field, struct str text)
{
    return js_set_str(object, field, text) >= 0;
}

/* Null instead of an empty text. */
static bool set_optional(json_t *object, const char *field, struct str text)
{
    return text.len ? set_text(object, field, text) : set(object, field, json_null());
}

static bool set_index(json_t *object, const char *field, size_t index)
{
    return set(object, field, index == PLAN_NONE ? json_null() : json_integer((json_int_t)index));
}

static bool add(json_t *array, json_t *value)
{
    return json_array_append_new(array, value) >= 0;
}

/* A new empty list as a field: borrowed, or NULL. */
static json_t *set_list(json_t *object, const char *field)
{
    json_t *list = json_array();

    return set(object, field, list) ? list : NULL;
}

static json_t *texts_json(const struct str *items, size_t n)
{
    json_t *array = json_array();

    for (size_t i = 0; array && i < n; i++) {
        if (!add(array, js_string(items[i]))) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static bool set_place(json_t *object, const struct place *place)
{
    return set_optional(object, "file", place->file) &&
           set(object, "line", place->line ? json_integer(place->line) : json_null());
}

static bool set_hash(json_t *object, const char *field, const struct hash *hash)
{
    char hex[HASH_HEX + 1];

    hash_hex(hash, hex);
    return set_text(object, field, str_of(hex));
}

/* ---- parts -------------------------------------------------------------------------------------- */

static json_t *value_json(const struct plan_parameter *parameter)
{
    const struct param_value *value = &parameter->value;

    if (!parameter->has_value) {
        return json_null();
    }
    switch (value->type) {
    case PARAM_INT:
        return json_integer(value->i);
    case PARAM_FLOAT:
        return json_real(value->f);
    case PARAM_BOOL:
        return json_boolean(value->i);
    case PARAM_STR:
        return js_string(value->text);
    case PARAM_SECRET: /* never shown */
    case PARAM_VAULT:
        break;
    }
    return json_string("***");
}

static bool fill_parameter(json_t *object, const struct plan_parameter *parameter)
{
    return set_text(object, "name", parameter->name) &&
           set_text(object, "type", str_of(param_type_name(parameter->value.type))) &&
           set(object, "value", value_json(parameter)) &&
           set(object, "given", json_boolean(parameter->given));
}

static bool fill_source(json_t *object, const struct plan_source *source)
{
    const struct plan_lake_table *table = &source->table;

    return set_text(object, "namespace", source->table_namespace) &&
           set_text(object, "name", source->name) && set_optional(object, "ref", source->ref) &&
           set_optional(object, "commit", table->commit) &&
           set(object, "snapshot_id",
               table->snapshot_id ? json_integer(table->snapshot_id) : json_null()) &&
           set(object, "rows", table->rows >= 0 ? json_integer(table->rows) : json_null()) &&
           set(object, "bytes", table->bytes >= 0 ? json_integer(table->bytes) : json_null());
}

static bool fill_environment(json_t *object, const struct plan_environment *environment)
{
    json_t *packages =
        set_optional(object, "python", environment->python) ? set_list(object, "packages") : NULL;

    if (!packages) {
        return false;
    }
    for (size_t i = 0; i < environment->n_packages; i++) {
        json_t *package = json_object();
        if (!add(packages, package) || !set_text(package, "name", environment->packages[i].name) ||
            !set_optional(package, "version", environment->packages[i].version)) {
            return false;
        }
    }
    return set(object, "locked", json_boolean(environment->locked));
}

/* -1 is not known. */
static bool set_count(json_t *object, const char *field, int64_t count)
{
    return set(object, field, js_count(count));
}

static bool set_columns(json_t *object, const struct plan_edge *edge)
{
    return set(object, "columns",
               edge->all_columns ? json_null() : texts_json(edge->columns, edge->n_columns)) &&
           set_optional(object, "filter", edge->filter);
}

static bool fill_edge(json_t *object, const struct plan *plan, const struct plan_edge *edge)
{
    int64_t bytes = edge->scan == PLAN_NONE ? -1 : plan->steps[edge->scan].reads.bytes;

    return set_text(object, "argument", edge->argument) &&
           set_index(object, "table", edge->source) && set_index(object, "node", edge->node) &&
           set_columns(object, edge) && set_count(object, "bytes", bytes);
}

static json_t *output_json(const struct plan_columns *output)
{
    json_t *array = json_array();

    for (size_t i = 0; array && i < output->count; i++) {
        _cleanup_(buf_done) struct buf text = {0};
        json_t *column = json_object();
        if (output->items[i].type) {
            type_print(output->items[i].type, &text);
        }
        if (!add(array, column) || text.failed ||
            !set_text(column, "name", output->items[i].name) ||
            !set_optional(column, "type", buf_str(&text))) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *resources_json(const struct declared_function *function)
{
    json_t *object = json_object();
    bool ok = object != NULL;

    if (ok && function->cpus > 0) {
        ok = set(object, "cpus", json_real(function->cpus));
    }
    if (ok && function->memory > 0) {
        ok = set(object, "memory", json_integer((json_int_t)function->memory));
    }
    if (ok && function->memory_swap > 0) {
        ok = set(object, "memory_swap", json_integer((json_int_t)function->memory_swap));
    }
    if (ok && function->timeout > 0) {
        ok = set(object, "timeout", json_real(function->timeout));
    }
    if (!ok) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* ["day(ts)", "region"] */
static json_t *terms_json(const struct plan_node *node)
{
    _cleanup_(buf_done) struct buf text = {0};
    json_t *list = json_array();

    for (size_t i = 0; list && i < node->n_partition_by; i++) {
        buf_clear(&text);
        partition_terms_print(&node->partition_by[i], 1, &text);
        if (text.failed || json_array_append_new(list, js_string(buf_str(&text))) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static bool fill_node(json_t *object, const struct plan *plan, const struct plan_node *node)
{
    const struct declared_function *function = node->function;
    bool model = function->kind == FUNCTION_MODEL;
    bool ok = set_text(object, "name", node->name) &&
              set_text(object, "namespace", node->table_namespace) &&
              set_text(object, "kind", model ? STR("model") : STR("expectation")) &&
              set_text(object, "language",
                       function->language == SOURCE_SQL ? STR("sql") : STR("python")) &&
              set_place(object, &function->place) &&
              set_optional(object, "function", function->function) &&
              set_optional(object, "on", function->on) &&
              set(object, "strategy",
                  model ? json_string(strategy_name(function->strategy)) : json_null()) &&
              set(object, "partitioned_by", terms_json(node)) &&
              set_optional(object, "overwrite_filter", node->overwrite_filter) &&
              set(object, "keys", texts_json(node->keys, node->n_keys)) &&
              set(object, "replaces_table", json_boolean(node->replaces_table)) &&
              set(object, "columns", output_json(&node->output)) &&
              set(object, "more_columns", json_boolean(node->output.open)) &&
              set(object, "wanted",
                  node->narrowed ? texts_json(node->wanted, node->n_wanted) : json_null()) &&
              set_index(object, "environment", node->environment) &&
              set(object, "internet_access", json_boolean(function->internet_access)) &&
              set(object, "cache", json_boolean(!function->no_cache)) &&
              set(object, "resources", resources_json(function));
    json_t *inputs = ok ? set_list(object, "inputs") : NULL;
    json_t *parameters = inputs ? set_list(object, "parameters") : NULL;

    if (!parameters) {
        return false;
    }
    for (size_t i = 0; i < node->n_edges; i++) {
        json_t *edge = json_object();
        if (!add(inputs, edge) || !fill_edge(edge, plan, &node->edges[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < node->n_parameters; i++) {
        if (!add(parameters, js_string(node->parameters[i]->name))) {
            return false;
        }
    }
    return set_hash(object, "code", &function->code) &&
           set_hash(object, "fingerprint", &node->fingerprint);
}

static bool fill_nodes(json_t *list, const struct plan *plan)
{
    for (size_t i = 0; list && i < plan->n_nodes; i++) {
        size_t output = plan->nodes[i].function->output;
        json_t *node = json_object();
        if (!add(list, node) || !fill_node(node, plan, &plan->nodes[i]) ||
            !set_index(node, "output_of", output > 0 ? i - output : PLAN_NONE)) {
            return false;
        }
    }
    return list != NULL;
}

static bool fill_step(json_t *object, const struct plan_step *step)
{
    bool ok = set(object, "step", json_string(plan_step_kind_name(step->kind))) &&
              set_index(object, "node", step->node) && set_index(object, "table", step->source) &&
              set_index(object, "environment", step->environment);

    if (ok && step->kind == STEP_SCAN) {
        bool looked = step->reads.files >= 0;

        ok = set_columns(object, step->edge) &&
             set(object, "in_engine", json_boolean(step->in_engine)) &&
             set_count(object, "files", step->reads.files) &&
             set_count(object, "files_pruned", looked ? step->reads.files_pruned : -1) &&
             set_count(object, "bytes", step->reads.bytes);
    }
    if (ok && (step->kind == STEP_WRITE || step->kind == STEP_PUBLISH)) {
        ok = set(object, "skipped", json_boolean(step->skipped));
    }
    json_t *after = ok ? set_list(object, "after") : NULL;
    if (!after) {
        return false;
    }
    for (size_t i = 0; i < step->n_after; i++) {
        if (!add(after, json_integer((json_int_t)step->after[i]))) {
            return false;
        }
    }
    return true;
}

static bool fill_note(json_t *object, const struct plan_note *note)
{
    return set_text(object, "severity", note->warning ? STR("warning") : STR("note")) &&
           set_text(object, "text", note->text) && set_place(object, &note->place);
}

/* ---- the document ------------------------------------------------------------------------------- */

#define FILL_LIST(doc, field, items, n, fill)                                                      \
    do {                                                                                           \
        json_t *list_ = set_list((doc), (field));                                                  \
        if (!list_) {                                                                              \
            return false;                                                                          \
        }                                                                                          \
        for (size_t i_ = 0; i_ < (n); i_++) {                                                      \
            json_t *item_ = json_object();                                                         \
            if (!add(list_, item_) || !fill(item_, &(items)[i_])) {                                \
                return false;                                                                      \
            }                                                                                      \
        }                                                                                          \
    } while (0)

static bool fill_plan(json_t *doc, const struct plan *plan)
{
    const struct project *settings = plan->project->settings;
    json_t *project = set(doc, "format", json_integer(1)) ? json_object() : NULL;

    if (!set(doc, "project", project) || !set_text(project, "id", settings->id.text) ||
        !set_text(project, "name", settings->name.text) || !set_optional(doc, "ref", plan->ref) ||
        !set_text(doc, "namespace", plan->default_namespace) ||
        !set(doc, "strict", json_boolean(plan->strict)) ||
        !set(doc, "dry_run", json_boolean(plan->dry_run))) {
        return false;
    }
    FILL_LIST(doc, "parameters", plan->parameters, plan->n_parameters, fill_parameter);
    FILL_LIST(doc, "tables", plan->sources, plan->n_sources, fill_source);
    FILL_LIST(doc, "environments", plan->environments, plan->n_environments, fill_environment);
    if (!fill_nodes(set_list(doc, "nodes"), plan)) {
        return false;
    }
    FILL_LIST(doc, "steps", plan->steps, plan->n_steps, fill_step);
    FILL_LIST(doc, "notes", plan->notes, plan->n_notes, fill_note);
    return true;
}

int plan_to_json(const struct plan *plan, json_t **ret, corrie_error *err)
{
    _json_ json_t *doc = json_object();

    if (!doc || !fill_plan(doc, plan)) {
        return corrie_fail_memory(err);
    }
    *ret = TAKE_PTR(doc);
    return 0;
}
