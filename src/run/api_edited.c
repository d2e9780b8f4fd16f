/* api_edited.c — tables that models made whose code is another now, in the public interface.
 *
 * A snapshot that a run wrote says by its summary which code made it. Nothing is planned here: declarations are read, which
 * is cheap where they are in the cache, and the metadata of each model's table. */
#include <corrie/project.h>

#include "lang/name.h"
#include "run/run_priv.h"

struct looking {
    struct lake *lake;
    struct arena arena;
    struct lake_view view;
    struct project_dir *project;
    struct cache *cache;
    struct declarations *declarations;
    struct str ns;
};

static void looking_done(struct looking *looking)
{
    declarations_free(looking->declarations);
    cache_close(looking->cache);
    project_close(looking->project);
    arena_done(&looking->arena);
}

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

static int look_at_model(struct looking *looking, const struct declared_function *function,
                         json_t *edited, corrie_error *err)
{
    _cleanup_(metadata_freep) struct table_metadata *metadata = NULL;
    const struct snapshot *snapshot;
    struct str job = STR_EMPTY;
    struct table_name name;
    struct lake_table table;
    char code[HASH_HEX + 1];
    struct str was;
    int r = table_name_parse(function->name, &name, err);

    if (r < 0) {
        return place_error(looking->project, &function->place, err);
    }
    r = lake_table_find(&looking->view, name.ns.len > 0 ? name.ns : looking->ns, name.table,
                        &looking->arena, &table, err);
    if (r <= 0 || (r = lake_table_metadata(looking->lake, &table, &metadata, err)) < 0) {
        return r;
    }
    snapshot = metadata_current_snapshot(metadata);
    if (!snapshot || !snapshot_summary(snapshot, RUN_CODE_PROPERTY, &was)) {
        return 0; /* somebody else wrote it last */
    }
    hash_hex(&function->code, code);
    (void)snapshot_summary(snapshot, "corrie.job", &job);
    return str_eq(was, str_of(code)) ? 0 : add_edited(function, &table, job, edited, err);
}

static int look(struct looking *looking, const char *project_dir, const char *ref,
                corrie_error *err)
{
    struct declare_options declare = {0};
    int r;

    r = lake_view_at(looking->lake, str_of(ref), &looking->view, err);
    if (r < 0 || (r = project_open(str_of(project_dir), &looking->project, err)) < 0 ||
        (r = cache_open(NULL, &looking->cache, err)) < 0) {
        return r;
    }
    declare.cache = looking->cache;
    return declare_read(looking->project, &declare, &looking->declarations, err);
}

int corrie_project_edited(corrie_lake *lake, const char *project_dir, const char *ref,
                          const char *default_namespace, char **ret_json, corrie_error *err)
{
    _cleanup_(looking_done) struct looking looking = {.lake = lake,
                                                      .ns = str_of(default_namespace)};
    _json_ json_t *document = NULL;
    json_t *edited;
    int r;

    js_setup();
    r = look(&looking, project_dir, ref, err);
    if (r < 0) {
        return r;
    }
    if (looking.ns.len == 0) {
        looking.ns = project_namespace(looking.project);
    }
    document = json_object();
    edited = json_array();
    if (js_set(document, "edited", edited) != 0 ||
        js_set_str(document, "project", looking.project->dir) != 0) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; r >= 0 && i < looking.declarations->n_functions; i++) {
        const struct declared_function *function = &looking.declarations->functions[i];

        if (function->kind == FUNCTION_MODEL && function->strategy != STRATEGY_NONE) {
            r = look_at_model(&looking, function, edited, err);
        }
    }
    return r < 0 ? r : js_give(TAKE_PTR(document), ret_json, err);
}
