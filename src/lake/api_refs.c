/* api_refs.c — branches, in the public interface. */
#include "lake/lake_priv.h"

#include "base/mem.h"
#include "lang/refexpr.h"

enum { PAGE = 256 };

/* ---- listing ---- */

static int branch_json(struct lake *lake, const struct catalog_ref *ref, struct str head,
                       struct arena *arena, json_t **ret, corrie_error *err)
{
    _json_ json_t *item = NULL;
    struct commit commit;
    struct str subject;
    struct str rest;
    int r;

    r = commit_read(lake->catalog, &ref->commit, arena, &commit, err);
    if (r < 0) {
        return corrie_wrap(err, "read branch %.*s", STR_FMT(ref->name));
    }
    str_cut(commit.message, '\n', &subject, &rest);
    item = json_object();
    r = js_set_str(item, "name", ref->name);
    r |= js_set_str(item, "kind", str_of(catalog_ref_kind_name(ref->kind)));
    r |= js_set_hash(item, "commit", &ref->commit);
    r |= js_set_time(item, "time", commit.commit_time);
    r |= js_set_str(item, "author", commit.author);
    r |= js_set_str(item, "message", subject);
    r |= js_set_bool(item, "checked_out", str_eq(ref->name, head));
    if (r != 0) {
        return corrie_fail_memory(err);
    }
    *ret = TAKE_PTR(item);
    return 0;
}

static int list_refs(struct lake *lake, bool all, struct str head, json_t *branches,
                     corrie_error *err)
{
    _cleanup_(arena_done) struct arena names = {0};
    struct str after = STR_EMPTY;
    struct catalog_ref *refs;
    size_t n;

    do {
        int r = catalog_ref_list(lake->catalog, STR_EMPTY, all ? 0 : CATALOG_BRANCH, after, PAGE,
                                 &names, &refs, &n, err);

        for (size_t i = 0; r >= 0 && i < n; i++) {
            _cleanup_(arena_done) struct arena arena = {0};
            json_t *item = NULL;

            if (refs[i].kind == CATALOG_TAG) {
                continue;
            }
            r = branch_json(lake, &refs[i], head, &arena, &item, err);
            if (r >= 0 && json_array_append_new(branches, item) < 0) {
                r = corrie_fail_memory(err);
            }
        }
        if (r < 0) {
            return r;
        }
        after = n > 0 ? refs[n - 1].name : after;
    } while (n == PAGE);
    return 0;
}

int corrie_branch_list(corrie_lake *lake, bool all, char **ret_json, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _json_ json_t *document = json_object();
    json_t *branches = json_array();
    struct str head;
    int r;

    if (js_set(document, "branches", branches) < 0) {
        return corrie_fail_memory(err);
    }
    r = lake_head(lake, &arena, &head, err);
    if (r >= 0) {
        r = list_refs(lake, all, head, branches, err);
    }
    return r < 0 ? r : js_give(TAKE_PTR(document), ret_json, err);
}

/* ---- creating and removing ---- */

static int give_branch(struct str name, const struct hash *commit, const char *field, json_t *value,
                       char **ret_json, corrie_error *err)
{
    _json_ json_t *document = json_object();
    int r;

    r = js_set_str(document, "name", name);
    r |= js_set_hash(document, "commit", commit);
    r |= js_set(document, field, value);
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}

int corrie_branch_create(corrie_lake *lake, const char *name, const char *from_ref,
                         bool if_not_exists, char **ret_json, corrie_error *err)
{
    struct catalog_move move = {.ref = str_of(name),
                                .kind = CATALOG_BRANCH,
                                .who = lake->user,
                                .why = STR("branch create")};
    struct catalog_ref found;
    int r;

    r = ref_name_check(move.ref, err);
    if (r < 0) {
        return corrie_wrap(err, "create branch %s", name);
    }
    if (ref_name_reserved(move.ref)) {
        corrie_fail(err, CORRIE_E_USAGE, "create branch %s: names under tx/ belong to jobs", name);
        return corrie_hint(err, "choose another name");
    }
    if (if_not_exists) {
        r = catalog_ref_find(lake->catalog, move.ref, &found, err);
        if (r < 0) {
            return r;
        }
        if (r > 0 && found.kind == CATALOG_BRANCH) {
            return give_branch(move.ref, &found.commit, "created", json_false(), ret_json, err);
        }
    }
    r = lake_resolve(lake, str_of(from_ref), &move.new_commit, err);
    if (r >= 0) {
        r = catalog_commit(lake->catalog, NULL, &move, err);
    }
    if (r == CORRIE_E_EXISTS) {
        corrie_hint(err, "corrie checkout %s goes there", name);
    }
    if (r < 0) {
        return corrie_wrap(err, "create branch %s", name);
    }
    return give_branch(move.ref, &move.new_commit, "created", json_true(), ret_json, err);
}

/* The branch that commands would mean next must not vanish under them, nor may the last one. */
static int check_removable(struct lake *lake, struct str name, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct catalog_ref *refs;
    struct str head;
    size_t n;
    int r;

    r = lake_head(lake, &arena, &head, err);
    if (r < 0) {
        return r;
    }
    if (str_eq(head, name)) {
        corrie_fail(err, CORRIE_E_REFUSED, "it is checked out");
        return corrie_hint(err, "check out another branch first: corrie checkout main");
    }
    r = catalog_ref_list(lake->catalog, STR_EMPTY, CATALOG_BRANCH, STR_EMPTY, 2, &arena, &refs, &n,
                         err);
    if (r >= 0 && n == 1) {
        r = corrie_fail(err, CORRIE_E_REFUSED, "it is the only branch");
    }
    return r;
}

int corrie_branch_delete(corrie_lake *lake, const char *name, bool if_exists, char **ret_json,
                         corrie_error *err)
{
    _cleanup_(buf_done) struct buf restore = {0};
    struct catalog_move move = {.ref = str_of(name), .who = lake->user, .why = STR("branch rm")};
    struct catalog_ref found;
    char hex[HASH_HEX + 1];
    int r;

    r = catalog_ref_find(lake->catalog, move.ref, &found, err);
    if (r == 0 && if_exists) {
        return give_branch(move.ref, NULL, "restore", json_null(), ret_json, err);
    }
    if (r == 0) {
        r = catalog_ref_get(lake->catalog, move.ref, &found, err); /* says which are nearest */
    }
    if (r > 0 && found.kind != CATALOG_BRANCH) {
        r = corrie_fail(err, CORRIE_E_USAGE, "it is a %s", catalog_ref_kind_name(found.kind));
    }
    if (r > 0) {
        r = check_removable(lake, move.ref, err);
    }
    if (r >= 0) {
        move.kind = found.kind;
        move.expected = found.commit;
        r = catalog_commit(lake->catalog, NULL, &move, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "remove branch %s", name);
    }
    hash_hex(&found.commit, hex);
    buf_addf(&restore, "corrie branch create %s --from-ref @%.16s", name, hex);
    return give_branch(move.ref, &found.commit, "restore", js_string(buf_str(&restore)), ret_json,
                       err);
}

/* ---- merging ---- */

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
    r = js_set(document, "changes", changes);
    r |= js_set_str(document, "source", merging->source);
    r |= js_set_str(document, "into", merging->into);
    r |= js_set_hash(document, "commit", &merging->result.commit);
    r |= js_set_bool(document, "fast_forward", merging->result.fast_forward);
    r |= js_set_bool(document, "changed", merging->result.changed);
    r |= js_set_bool(document, "dry_run", dry_run);
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

    if (options) {
        memcpy(&given, options, options->size < sizeof given ? options->size : sizeof given);
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
                                  .commit = {.author = lake->user, .message = str_of(message)},
                                  .merge = &storage,
                                  .preview = &preview};
    r = catalog_merge(lake->catalog, &merge, &merging.result, &report, err);
    if (r < 0) {
        return fail_merge(&merging, &report, err);
    }
    return merge_json(lake, &merging, given.dry_run, ret_json, err);
}
