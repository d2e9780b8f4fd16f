/* api_merge.c — merging, picking and reverting, in the public interface. */
#include "lake/api_priv.h"

struct merging {
    struct str source;
    struct str into;
    struct hash source_commit;
    struct hash before;
    struct publish_result result;
};

static int fail_merge(const struct merging *merging, const struct merge_report *report,
                      corrie_error *err)
{
    _error_ corrie_error inner = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf text = {0};
    _json_ json_t *document = NULL;

    if (err->code == CORRIE_E_CONFLICT && report->n_conflicts > 0) {
        if (merge_report_json(report, &document, &inner) >= 0 &&
            js_format(document, 0, &text, &inner) >= 0) {
            corrie_detail(err, buf_str(&text));
        }
        corrie_hint(
            err,
            "both branches changed the same thing since they parted: corrie diff %.*s %.*s shows what",
            STR_FMT(merging->into), STR_FMT(merging->source));
    }
    return err->code;
}

static int merge_json(struct lake *lake, const struct merging *merging, bool dry_run,
                      char **ret_json, corrie_error *err)
{
    _json_ json_t *document = json_object();
    json_t *changes = NULL;
    int r;

    r = lake_diff_changes(lake, &merging->before, NULL, &merging->result.tree, &changes, err);
    if (r < 0) {
        return r;
    }
    r = js_set_str(document, "source", merging->source);
    r |= js_set_hash(document, "source_commit", &merging->source_commit);
    r |= js_set_str(document, "into", merging->into);
    r |= js_set_hash(document, "commit", &merging->result.commit);
    r |= js_set_hash(document, "previous", &merging->result.previous);
    r |= js_set_bool(document, "tree_changed", json_array_size(changes) > 0);
    r |= js_set_bool(document, "changed", merging->result.changed);
    r |= js_set_bool(document, "fast_forward", merging->result.fast_forward);
    r |= js_set_bool(document, "dry_run", dry_run);
    r |= js_set(document, "changes", changes);
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}

int corrie_branch_merge(corrie_lake *lake, const char *source, const corrie_merge_options *options,
                        char **ret_json, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(merge_report_done) struct merge_report report = {0};
    _cleanup_(object_list_done) struct object_list preview = {0};
    corrie_merge_options given = {.size = sizeof given};
    struct merging merging = {.source = str_of(source)};
    struct branch_merge merge = {0};
    struct merge_options storage;
    struct catalog_ref target;
    const char *message;
    int r;

    API_GIVEN(given, options);
    if (given.n_properties > 0 || given.n_ours > 0 || given.n_theirs > 0 || given.all_ours ||
        given.all_theirs) {
        return corrie_fail(err, CORRIE_E_UNSUPPORTED, "choosing in a merge is not built yet");
    }
    r = lake_branch(lake, str_of(given.into), &arena, &merging.into, err);
    if (r >= 0) {
        r = catalog_ref_get(lake->catalog, merging.into, &target, err);
    }
    if (r >= 0) {
        merging.before = target.commit;
        r = lake_resolve(lake, merging.source, &merging.source_commit, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "merge %s", source);
    }
    message = given.message
                  ? given.message
                  : arena_printf(&arena, "Merge %s into %.*s", source, STR_FMT(merging.into));
    if (!message) {
        return corrie_fail_memory(err);
    }
    lake_merge_options(lake, &storage);
    storage.dry_run = given.dry_run;
    merge = (struct branch_merge){.ref = merging.into,
                                  .source = merging.source_commit,
                                  .no_fast_forward = given.no_fast_forward,
                                  .commit = {.author = lake->user, .message = str_of(message)},
                                  .merge = &storage,
                                  .preview = &preview};
    r = catalog_merge(lake->catalog, &merge, &merging.result, &report, err);
    if (r < 0) {
        return fail_merge(&merging, &report, err);
    }
    return merge_json(lake, &merging, given.dry_run, ret_json, err);
}

int corrie_cherry_pick(corrie_lake *lake, const char *const *commits, size_t n_commits,
                       const corrie_merge_options *options, char **ret_json, corrie_error *err)
{
    (void)lake;
    (void)commits;
    (void)n_commits;
    (void)options;
    (void)ret_json;
    return corrie_fail(err, CORRIE_E_UNSUPPORTED, "picking commits is not built yet");
}

int corrie_revert(corrie_lake *lake, const char *const *commits, size_t n_commits,
                  const corrie_merge_options *options, char **ret_json, corrie_error *err)
{
    (void)lake;
    (void)commits;
    (void)n_commits;
    (void)options;
    (void)ret_json;
    return corrie_fail(err, CORRIE_E_UNSUPPORTED, "reverting commits is not built yet");
}
