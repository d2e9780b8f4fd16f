/* report.c — the documents that tell how a run went. */
#include "run/run_priv.h"

#include "base/mem.h"

const char *run_status_name(enum node_status status)
{
    static const char *const names[] = {
        [NODE_WAITING] = "skipped", [NODE_RUNNING] = "running",
        [NODE_DONE] = "done",       [NODE_WARNED] = "failed-warning",
        [NODE_FAILED] = "failed",   [NODE_CANCELLED] = "cancelled",
        [NODE_TIMEOUT] = "timeout",
    };

    return names[status];
}

/* What an edge brings: the model, or the table with the commit that it was read at. */
static json_t *input_json(const struct plan *plan, const struct plan_edge *edge)
{
    const struct plan_source *source =
        edge->source != PLAN_NONE ? &plan->sources[edge->source] : NULL;
    json_t *item = json_object();
    int r;

    if (!source) {
        r = js_set_str(item, "model", plan->nodes[edge->node].name);
    } else {
        int64_t snapshot = source->table.snapshot_id;
        struct str ref = source->ref.len > 0 ? source->ref : plan->ref;

        r = js_set_str(item, "namespace", source->table_namespace);
        r |= js_set_str(item, "table", source->name);
        r |= js_set_str(item, "ref", ref);
        r |= js_set_str(item, "commit", source->table.commit);
        r |= js_set(item, "snapshot_id", snapshot ? json_integer(snapshot) : json_null());
    }
    if (r != 0) {
        json_decref(item);
        return NULL;
    }
    return item;
}

static json_t *inputs_json(const struct plan *plan, const struct plan_node *node)
{
    json_t *inputs = json_array();

    for (size_t i = 0; i < node->n_edges && inputs; i++) {
        if (json_array_append_new(inputs, input_json(plan, &node->edges[i])) < 0) {
            json_decref(inputs);
            return NULL;
        }
    }
    return inputs;
}

/* Null of SQL, and where the run did not come to make it. */
static json_t *environment_json(const struct run *run, const struct plan_node *node)
{
    const struct env *env =
        node->environment != PLAN_NONE ? run->environments[node->environment] : NULL;
    json_t *item;
    int r;

    if (!env) {
        return json_null();
    }
    item = json_object();
    r = js_set_hash(item, "env", &env->hash);
    r |= js_set_str(item, "python", str_of(env->version));
    if (r != 0) {
        json_decref(item);
        return NULL;
    }
    return item;
}

static json_t *node_json(const struct run *run, size_t index)
{
    const struct plan_node *node = &run->plan->nodes[index];
    const struct node_state *state = &run->nodes[index];
    const struct declared_function *function = node->function;
    bool model = function->kind == FUNCTION_MODEL;
    bool ran = state->status != NODE_WAITING;
    json_t *item = json_object();
    int r;

    r = js_set_str(item, "name", node->name);
    r |= js_set_str(item, "kind", model ? STR("model") : STR("expectation"));
    r |=
        js_set_str(item, "language", function->language == SOURCE_SQL ? STR("sql") : STR("python"));
    r |= js_set_str(item, "status", str_of(run_status_name(state->status)));
    r |= js_set(item, "rows", state->has_output ? json_integer(state->rows) : json_null());
    r |= js_set(item, "bytes", state->has_output ? json_integer(state->bytes) : json_null());
    r |= js_set(item, "bytes_read",
                ran && state->bytes_read >= 0 ? json_integer(state->bytes_read) : json_null());
    r |= js_set(item, "seconds", ran ? json_real((double)state->elapsed / 1e9) : json_null());
    r |=
        js_set(item, "cpu_seconds", state->cpu ? json_real((double)state->cpu / 1e9) : json_null());
    r |= js_set(item, "max_rss",
                state->max_rss ? json_integer((json_int_t)state->max_rss) : json_null());
    r |= js_set_str(item, "file", function->place.file);
    r |= js_set_int(item, "line", function->place.line);
    r |= js_set(item, "inputs", inputs_json(run->plan, node));
    r |= js_set(item, "environment", environment_json(run, node));
    if (r != 0) {
        json_decref(item);
        return NULL;
    }
    return item;
}

json_t *run_nodes_json(const struct run *run)
{
    json_t *nodes = json_array();

    for (size_t i = 0; run->plan && run->nodes && i < run->plan->n_nodes && nodes; i++) {
        if (json_array_append_new(nodes, node_json(run, i)) < 0) {
            json_decref(nodes);
            return NULL;
        }
    }
    return nodes;
}

json_t *run_tables_json(const struct run *run)
{
    json_t *tables = json_array();

    for (size_t i = 0; i < run->n_tables && tables; i++) {
        const struct table_state *table = &run->tables[i];
        json_t *item = json_object();
        int r;

        r = js_set_str(item, "namespace", table->ns);
        r |= js_set_str(item, "name", table->name);
        r |= js_set_int(item, "records", table->records);
        r |= js_set_int(item, "rows_written", table->rows_written);
        r |= json_array_append_new(tables, item);
        if (r != 0) {
            json_decref(tables);
            return NULL;
        }
    }
    return tables;
}

static json_t *notes_json(const struct plan *plan)
{
    json_t *notes = json_array();

    for (size_t i = 0; i < plan->n_notes && notes; i++) {
        const struct place *place = &plan->notes[i].place;
        json_t *item = json_object();
        int r;

        r = js_set_bool(item, "warning", plan->notes[i].warning);
        r |= js_set_str(item, "text", plan->notes[i].text);
        r |= js_set(item, "file", place->file.len > 0 ? js_string(place->file) : json_null());
        r |= js_set(item, "line", place->line > 0 ? json_integer(place->line) : json_null());
        r |= json_array_append_new(notes, item);
        if (r != 0) {
            json_decref(notes);
            return NULL;
        }
    }
    return notes;
}

int run_report(const struct run *run, char **ret_json, corrie_error *err)
{
    _json_ json_t *document = json_object();
    json_t *plan = NULL;
    int r;

    r = plan_to_json(run->plan, &plan, err);
    if (r < 0) {
        return r;
    }
    r = js_set(document, "plan", plan);
    r |= js_set(document, "job", run->job ? js_string(job_id(run->job)) : json_null());
    r |= js_set_str(document, "ref", run->branch);
    r |= js_set_hash(document, "commit", run->committed ? &run->commit : NULL);
    r |= js_set_bool(document, "dry_run", run->options.dry_run);
    r |= js_set(document, "seconds", json_real((double)(clock_monotonic() - run->started) / 1e9));
    r |= js_set(document, "nodes", run_nodes_json(run));
    r |= js_set(document, "tables", run_tables_json(run));
    r |= js_set(document, "previews", run_previews_json(run));
    r |= js_set(document, "notes", notes_json(run->plan));
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}
