/* api_edited.c — tables that models made which are declared otherwise now, in the public interface.
 *
 * A snapshot that a run wrote says by its summary what made it: the project is planned, nothing of it is run, and the
 * metadata of each model's table is read. */
#include "run/run_priv.h"

static int add_edited(const struct declared_function *function, const struct lake_table *table,
                      struct str job, json_t *edited, corrie_error *err)
{
    json_t *item = json_object();
    int r = item ? json_object_set_new(
                       item, "name",
                       json_sprintf("%.*s.%.*s", STR_FMT(table->ns), STR_FMT(table->name)))
                 : -1;

    r |= js_set(item, "job", job.len > 0 ? js_string(job) : json_null());
    r |= js_set_str(item, "file", function->place.file);
    r |= js_set_int(item, "line", function->place.line);
    r |= json_array_append_new(edited, item);
    return r != 0 ? corrie_fail_memory(err) : 0;
}

static int look_at_model(struct run *run, const struct plan_node *node, json_t *edited,
                         corrie_error *err)
{
    _cleanup_(metadata_freep) struct table_metadata *metadata = NULL;
    const struct snapshot *snapshot;
    struct str job = STR_EMPTY;
    struct lake_table table;
    char definition[HASH_HEX + 1];
    struct str was;
    int r =
        lake_table_find(&run->view, node->table_namespace, node->name, &run->arena, &table, err);

    if (r <= 0 || (r = lake_table_metadata(run->lake, &table, &metadata, err)) < 0) {
        return r;
    }
    snapshot = metadata_current_snapshot(metadata);
    if (!snapshot || !snapshot_summary(snapshot, RUN_CODE_PROPERTY, &was) ||
        !str_starts(was, STR(RUN_CODE_VERSION))) {
        return 0; /* somebody else wrote it last, or a version of corrie that noted something else */
    }
    hash_hex(&node->definition, definition);
    (void)snapshot_summary(snapshot, "corrie.job", &job);
    return str_eq(str_from(was, strlen(RUN_CODE_VERSION)), str_of(definition))
               ? 0
               : add_edited(node->function, &table, job, edited, err);
}

int corrie_project_edited(corrie_lake *lake, const char *project_dir, const char *ref,
                          const char *default_namespace, char **ret_json, corrie_error *err)
{
    _cleanup_(run_done) struct run run = {
        .lake = lake, .started = clock_monotonic(), .looks = true};
    corrie_plan_options options = {.size = sizeof options,
                                   .project_dir = project_dir,
                                   .ref = ref,
                                   .default_namespace = default_namespace};
    _json_ json_t *document = NULL;
    json_t *edited;
    int r = run_plan(&run, &options, err);

    if (r == CORRIE_E_NOT_FOUND && run.project) {
        err->code = CORRIE_E_PROJECT; /* of what it reads: there is a project */
    }
    if (r < 0) {
        return err->code;
    }
    document = json_object();
    edited = json_array();
    if (js_set(document, "edited", edited) != 0 ||
        js_set_str(document, "project", run.project->dir) != 0) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; r >= 0 && i < run.plan->n_nodes; i++) {
        const struct plan_node *node = &run.plan->nodes[i];

        if (node->function->kind == FUNCTION_MODEL && node->function->strategy != STRATEGY_NONE) {
            r = look_at_model(&run, node, edited, err);
        }
    }
    return r < 0 ? r : js_give(TAKE_PTR(document), ret_json, err);
}
