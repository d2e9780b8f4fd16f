/* api_change.c — removing, renaming and reverting tables and namespaces: one commit each, in the public interface.
 *
 * The edits are made of the branch as it is now; if it moves meanwhile, they are merged like any other change. */
#include "lake/api_priv.h"

#include "base/mem.h"
#include "base/vec.h"
#include "lang/name.h"

/* ---- a change under way ---- */

struct named {
    struct str ns;
    struct str name;
    struct key key;
    char *text; /* "sales.events" */
};

struct change {
    struct lake *lake;
    struct arena arena;
    corrie_table_options given;
    struct str branch;
    struct lake_view view; /* of the branch */
    VEC(struct tree_edit) edits;
    struct lake_guard guard;
    int64_t since; /* when this began to look: what it takes from history was there then */
    struct publish_result result;
    /* Makes the document of `result`, which is told before the branch moves: nothing may fail after that. */
    int (*answer)(struct change *c, char **ret_json, corrie_error *err);
    char *json;
    const char *name; /* what was named, and what the answer says of it */
    struct named from;
    struct named to;
    int64_t records;
};

static void change_done(struct change *change)
{
    mem_free(change->json);
    vec_done(&change->edits);
    arena_done(&change->arena);
}

static int begin(struct change *c, struct lake *lake, const corrie_table_options *options,
                 corrie_error *err)
{
    struct catalog_ref found;
    int r;

    c->lake = lake;
    c->since = clock_now();
    c->given.size = sizeof c->given;
    API_GIVEN(c->given, options);
    c->guard = (struct lake_guard){.lake = lake,
                                   .arena = &c->arena,
                                   .accept_taint = c->given.accept_taint,
                                   .allow_torn = c->given.allow_torn};
    r = lake_branch(lake, str_of(c->given.branch), &c->arena, &c->branch, err);
    if (r >= 0) {
        r = catalog_ref_get(lake->catalog, c->branch, &found, err);
    }
    return r < 0 ? r : lake_view_of(lake, &found.commit, &c->view, err);
}

/* A key's edit: to a value, whose doc may lie apart, or with NULL its removal. */
static int add_edit(struct change *c, struct str key, const struct tree_value *value,
                    corrie_error *err)
{
    struct tree_edit edit = {.is_delete = value == NULL};
    int r = 0;

    if (arena_str(&c->arena, key, &edit.key) < 0) {
        return corrie_fail_memory(err);
    }
    if (value) {
        struct str doc;

        edit.value = *value;
        r = tree_value_doc(c->lake->catalog, value, &c->arena, &doc, err);
        if (r >= 0 && arena_str(&c->arena, doc, &edit.value.doc) < 0) {
            r = corrie_fail_memory(err);
        }
        edit.value.doc_apart = false;
    }
    if (r >= 0 && vec_push(&c->edits, edit) < 0) {
        r = corrie_fail_memory(err);
    }
    return r;
}

static int fail_with_report(const struct merge_report *report, struct str branch, corrie_error *err)
{
    _error_ corrie_error inner = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf text = {0};
    _json_ json_t *document = NULL;

    if (err->code == CORRIE_E_CONFLICT && report->n_conflicts > 0) {
        if (merge_report_json(report, &document, &inner) >= 0 &&
            js_format(document, 0, &text, &inner) >= 0) {
            corrie_detail(err, buf_str(&text));
        }
        corrie_hint(err, "%.*s was changed meanwhile: do it again, on what it is now",
                    STR_FMT(branch));
    }
    return err->code;
}

static int check_change(void *data, struct catalog *catalog, struct merge_step *step,
                        corrie_error *err)
{
    struct change *c = data;

    return lake_guard_step(&c->guard, catalog, step, err);
}

static int answer_change(void *data, const struct publish_result *result, corrie_error *err)
{
    struct change *c = data;

    c->result = *result;
    mem_free(c->json);
    c->json = NULL;
    return c->answer(c, &c->json, err);
}

/* One commit of the edits; `message` unless the caller gave one. The answer lies in c->json. */
static int publish_change(struct change *c, const char *message, corrie_error *err)
{
    _cleanup_(merge_report_done) struct merge_report report = {0};
    struct merge_guard check = {.data = c, .check = check_change, .ready = answer_change};
    struct merge_options options;
    struct publish publish = {.ref = c->branch,
                              .start = c->view.commit,
                              .edits = c->edits.items,
                              .n_edits = c->edits.count,
                              .commit = {.author = c->lake->user},
                              .since = c->guard.restores ? c->since : 0,
                              .merge = &options};
    const char *given = c->given.message;
    int r;

    if (!message) {
        return corrie_fail_memory(err);
    }
    lake_merge_options(c->lake, &options);
    options.guard = &check;
    publish.commit.message = str_of(given && *given ? given : message);
    r = catalog_publish(c->lake->catalog, &publish, &c->result, &report, err);
    return r < 0 ? fail_with_report(&report, c->branch, err) : 0;
}

static int on_ledger(void *arg, struct str key, const struct tree_value *now,
                     const struct tree_value *then, corrie_error *err)
{
    (void)now;
    return add_edit(arg, key, then, err);
}

static int ledger_prefix(const struct uuid *table, struct key *ret, corrie_error *err)
{
    char id[UUID_TEXT + 1];

    uuid_format(table, id);
    return KEY_MAKE_PREFIX(ret, err, STR("ledger"), str_of(id));
}

/* Makes what was imported into a table what it was in another tree. */
static int copy_ledger(struct change *c, const struct uuid *table, const struct hash *tree,
                       corrie_error *err)
{
    struct key prefix;
    int r = ledger_prefix(table, &prefix, err);

    return r < 0 ? r
                 : tree_diff(c->lake->catalog, &c->view.tree, tree, key_str(&prefix), on_ledger, c,
                             err);
}

/* Forgets what was imported into it. */
static int clear_ledger(struct change *c, const struct uuid *table, corrie_error *err)
{
    _cleanup_(tree_cursor_closep) struct tree_cursor *cursor = NULL;
    struct tree_value value;
    struct str key;
    struct key prefix;
    int r = ledger_prefix(table, &prefix, err);

    if (r >= 0) {
        r = tree_cursor_open(c->lake->catalog, &c->view.tree, key_str(&prefix), &cursor, err);
    }
    while (r >= 0 && (r = tree_cursor_next(cursor, &key, &value, err)) > 0) {
        r = add_edit(c, key, NULL, err);
    }
    return r;
}

/* ---- names ---- */

static int take_name(struct change *c, const char *text, struct str default_ns, struct named *ret,
                     corrie_error *err)
{
    struct table_name parsed;
    int r = table_name_parse(str_of(text), &parsed, err);

    if (r < 0) {
        return r;
    }
    ret->ns = parsed.ns.len > 0 ? parsed.ns : default_ns;
    ret->name = parsed.table;
    r = KEY_MAKE(&ret->key, err, STR("table"), ret->ns, ret->name);
    if (r < 0) {
        return r;
    }
    ret->text = arena_printf(&c->arena, "%.*s.%.*s", STR_FMT(ret->ns), STR_FMT(ret->name));
    return ret->text ? 0 : corrie_fail_memory(err);
}

static struct str default_namespace(const struct change *c)
{
    return lake_default_namespace(c->given.default_namespace);
}

/* The value under a table's key on the branch. 1 or 0. */
static int find_value(struct change *c, const struct named *named, struct tree_value *ret,
                      corrie_error *err)
{
    return tree_get(c->lake->catalog, &c->view.tree, key_str(&named->key), &c->arena, ret, err);
}

/* As find_value; a missing one is CORRIE_E_NOT_FOUND and the nearest are named. */
static int need_value(struct change *c, const struct named *named, struct tree_value *ret,
                      corrie_error *err)
{
    struct lake_table table;
    int r = lake_table_get(&c->view, named->ns, named->name, &c->arena, &table, err);

    r = r < 0 ? r : find_value(c, named, ret, err);
    return r < 0 ? corrie_wrap(err, "on %.*s", STR_FMT(c->branch)) : 0;
}

/* The command that makes again what was removed. A name that looks like an option stands behind "--". */
static json_t *restore_json(const struct change *c, const char *verb, const char *name)
{
    _cleanup_(buf_done) struct buf text = {0};
    char hex[HASH_HEX + 1];

    hash_hex(&c->result.previous, hex);
    buf_addf(&text, "corrie %s --branch %.*s %s", verb, STR_FMT(c->branch),
             *name == '-' ? "-- " : "");
    buf_add_shell_word(&text, str_of(name));
    if (strcmp(verb, "table revert") == 0) {
        buf_addf(&text, " @%.16s", hex);
    }
    return text.failed ? NULL : js_string(buf_str(&text));
}

/* ---- namespaces ---- */

static int check_empty(struct change *c, struct str ns, corrie_error *err)
{
    _cleanup_(buf_done) struct buf shown = {0};
    struct str *names;
    size_t n;
    int r = lake_table_names(&c->view, ns, 4, &c->arena, &names, &n, err);

    if (r < 0 || n == 0) {
        return r;
    }
    for (size_t i = 0; i < n && i < 3; i++) {
        buf_addf(&shown, "%s%.*s", i > 0 ? ", " : "", STR_FMT(names[i]));
    }
    corrie_fail(err, CORRIE_E_REFUSED, "there %s in it: %s%s", n == 1 ? "is a table" : "are tables",
                buf_text(&shown), n > 3 ? " …" : "");
    return corrie_hint(err, "corrie table rm removes a table, corrie table rename moves it "
                            "to another namespace");
}

/* 1 removed, 0 there was none. */
static int delete_namespace(struct change *c, const char *name, bool if_exists, corrie_error *err)
{
    struct tree_value value;
    struct key key;
    int r;

    r = name_check_namespace(str_of(name), err);
    if (r >= 0) {
        r = KEY_MAKE(&key, err, STR("namespace"), str_of(name));
    }
    if (r >= 0) {
        r = tree_get(c->lake->catalog, &c->view.tree, key_str(&key), &c->arena, &value, err);
    }
    if (r == 0 && if_exists) {
        return 0;
    }
    if (r == 0) { /* says which are nearest */
        r = tree_need(c->lake->catalog, &c->view.tree, key_str(&key), &c->arena, &value, err);
    }
    if (r < 0 || (r = check_empty(c, str_of(name), err)) < 0 ||
        (r = add_edit(c, key_str(&key), NULL, err)) < 0) {
        return r;
    }
    r = publish_change(c, arena_printf(&c->arena, "Delete namespace %s", name), err);
    return r < 0 ? r : 1;
}

static int answer_removed(struct change *c, char **ret_json, corrie_error *err)
{
    bool removed = c->edits.count > 0;
    const char *restore = c->from.text ? "table revert" : "namespace create";
    const char *name = c->from.text ? c->from.text : c->name;
    _json_ json_t *document = json_object();
    int r;

    r = js_set_str(document, "name", str_of(name));
    r |= js_set_hash(document, "commit", removed ? &c->result.commit : NULL);
    r |= js_set(document, "restore", removed ? restore_json(c, restore, name) : json_null());
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}

/* Hands out the answer; one is made where nothing was published. */
static int give(struct change *c, char **ret_json, corrie_error *err)
{
    if (!c->json) {
        return c->answer(c, ret_json, err);
    }
    *ret_json = TAKE_PTR(c->json);
    return 0;
}

int corrie_namespace_delete(corrie_lake *lake, const char *name, const char *branch, bool if_exists,
                            char **ret_json, corrie_error *err)
{
    _cleanup_(change_done) struct change change = {.answer = answer_removed, .name = name};
    int r;

    r = begin(&change, lake,
              &(corrie_table_options){.size = sizeof(corrie_table_options), .branch = branch}, err);
    if (r >= 0) {
        r = delete_namespace(&change, name, if_exists, err);
    }
    if (r < 0) {
        if (change.view.lake) {
            corrie_wrap(err, "on %.*s", STR_FMT(change.branch));
        }
        return corrie_wrap(err, "remove namespace %s", str_of(name).len > 0 ? name : "\"\"");
    }
    return give(&change, ret_json, err);
}

/* ---- removing and renaming tables ---- */

/* 1 removed, 0 there was none. */
static int delete_table(struct change *c, const char *name, struct named *ret_named,
                        corrie_error *err)
{
    struct tree_value value;
    int r = take_name(c, name, default_namespace(c), ret_named, err);

    if (r >= 0) {
        r = find_value(c, ret_named, &value, err);
    }
    if (r == 0 && c->given.if_exists) {
        return 0;
    }
    if (r == 0) {
        r = need_value(c, ret_named, &value, err);
    }
    if (r < 0 || (r = add_edit(c, key_str(&ret_named->key), NULL, err)) < 0 ||
        (r = clear_ledger(c, &value.id, err)) < 0) {
        return r;
    }
    r = publish_change(c, arena_printf(&c->arena, "Delete table %s", ret_named->text), err);
    return r < 0 ? r : 1;
}

int corrie_table_delete(corrie_lake *lake, const char *name, const corrie_table_options *options,
                        char **ret_json, corrie_error *err)
{
    _cleanup_(change_done) struct change change = {.answer = answer_removed};
    int r = begin(&change, lake, options, err);

    if (r >= 0) {
        r = delete_table(&change, name, &change.from, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "remove table %s", name ? name : "\"\"");
    }
    return give(&change, ret_json, err);
}

static int rename_table(struct change *c, const char *name, const char *new_name,
                        struct named *ret_old, struct named *ret_new, corrie_error *err)
{
    struct tree_value value;
    struct tree_value other;
    int r = take_name(c, name, default_namespace(c), ret_old, err);

    if (r >= 0) {
        r = need_value(c, ret_old, &value, err);
    }
    if (r >= 0) {
        r = take_name(c, new_name, ret_old->ns, ret_new, err);
    }
    if (r < 0) {
        return r;
    }
    if (str_eq(key_str(&ret_old->key), key_str(&ret_new->key))) {
        return corrie_fail(err, CORRIE_E_USAGE, "it is called so already");
    }
    r = lake_has_namespace(&c->view, ret_new->ns, err);
    if (r == 0) {
        _cleanup_(buf_done) struct buf word = {0};

        buf_add_shell_word(&word, ret_new->ns);
        corrie_fail(err, CORRIE_E_NOT_FOUND, "there is no namespace %.*s on %.*s",
                    STR_FMT(ret_new->ns), STR_FMT(c->branch));
        return corrie_hint(err, "corrie namespace create %s --branch %.*s makes it",
                           buf_text(&word), STR_FMT(c->branch));
    }
    r = r < 0 ? r : find_value(c, ret_new, &other, err);
    if (r > 0) {
        corrie_fail(err, CORRIE_E_EXISTS, "there is a table %s on %.*s", ret_new->text,
                    STR_FMT(c->branch));
        return corrie_hint(err, "choose another name, or remove that one first");
    }
    if (r < 0 || (r = add_edit(c, key_str(&ret_old->key), NULL, err)) < 0 ||
        (r = add_edit(c, key_str(&ret_new->key), &value, err)) < 0) {
        return r;
    }
    return publish_change(
        c, arena_printf(&c->arena, "Rename table %s to %s", ret_old->text, ret_new->text), err);
}

static int answer_renamed(struct change *c, char **ret_json, corrie_error *err)
{
    _json_ json_t *document = json_object();
    int r;

    r = js_set_str(document, "name", str_of(c->to.text));
    r |= js_set_str(document, "previous_name", str_of(c->from.text));
    r |= js_set_hash(document, "commit", &c->result.commit);
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}

int corrie_table_rename(corrie_lake *lake, const char *name, const char *new_name,
                        const corrie_table_options *options, char **ret_json, corrie_error *err)
{
    _cleanup_(change_done) struct change change = {.answer = answer_renamed};
    int r = begin(&change, lake, options, err);

    if (r >= 0) {
        r = rename_table(&change, name, new_name, &change.from, &change.to, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "rename table %s", name ? name : "\"\"");
    }
    return give(&change, ret_json, err);
}

/* ---- reverting tables ---- */

/* What the table was at another state: the same thing, whatever it was called then, else what had its name. */
static int find_then(struct change *c, const struct named *named, const struct tree_value *now,
                     const struct lake_view *then, struct str *ret_key, struct tree_value *ret,
                     corrie_error *err)
{
    int r = tree_get(c->lake->catalog, &then->tree, key_str(&named->key), &c->arena, ret, err);

    *ret_key = key_str(&named->key);
    if (r < 0 || !now || (r > 0 && uuid_eq(&ret->id, &now->id))) {
        return r;
    }
    {
        struct tree_value moved;
        struct str key;
        int found = api_track_find(c->lake, &then->tree, &c->view.tree, STR("table"), &now->id,
                                   &c->arena, &key, &moved, err);

        if (found > 0) {
            *ret_key = key;
            *ret = moved;
        }
        return found != 0 ? found : r;
    }
}

/* A table that is gone under this name may be there under another. */
static int check_not_elsewhere(struct change *c, const struct tree_value *then,
                               const struct lake_view *view, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    struct tree_value value;
    struct str key;
    int r = api_track_find(c->lake, &c->view.tree, &view->tree, STR("table"), &then->id, &c->arena,
                           &key, &value, err);

    if (r <= 0) {
        return r;
    }
    key_format(key, &text);
    corrie_fail(err, CORRIE_E_EXISTS, "it is %s now", buf_text(&text));
    return corrie_hint(err, "revert it under that name");
}

static int stage_revert(struct change *c, const struct named *named, const struct lake_view *then,
                        const char *to_ref, struct tree_value *ret, struct lake_table *ret_table,
                        corrie_error *err)
{
    struct tree_value now;
    struct str key;
    int is_now = find_value(c, named, &now, err);
    int r =
        is_now < 0 ? is_now : find_then(c, named, is_now > 0 ? &now : NULL, then, &key, ret, err);

    if (r == 0) {
        struct lake_table ignored;

        r = lake_table_get(then, named->ns, named->name, &c->arena, &ignored, err);
        if (r == CORRIE_E_NOT_FOUND && is_now > 0) {
            corrie_hint(err, "corrie table history %s lists the states that it had", named->text);
        }
        r = r < 0 ? corrie_wrap(err, "at %s", to_ref) : r;
    }
    if (r >= 0 && (is_now == 0 || !uuid_eq(&now.id, &ret->id))) {
        r = check_not_elsewhere(c, ret, then, err);
        if (r >= 0 && is_now > 0) {
            r = clear_ledger(c, &now.id, err);
        }
    }
    if (r >= 0) {
        r = copy_ledger(c, &ret->id, &then->tree, err);
    }
    if (r >= 0) {
        r = add_edit(c, key_str(&named->key), ret, err);
    }
    return r < 0 ? r : lake_table_of_value(c->lake, key, ret, &c->arena, ret_table, err);
}

/* What a table is in lives in a namespace, which may be gone with it. */
static int stage_namespace(struct change *c, struct str ns, const struct lake_view *then,
                           corrie_error *err)
{
    struct tree_value value;
    struct key key;
    int r = lake_has_namespace(&c->view, ns, err);

    if (r != 0) {
        return r;
    }
    r = KEY_MAKE(&key, err, STR("namespace"), ns);
    if (r >= 0) {
        r = tree_need(c->lake->catalog, &then->tree, key_str(&key), &c->arena, &value, err);
    }
    return r < 0 ? r : add_edit(c, key_str(&key), &value, err);
}

static int revert_table(struct change *c, const char *name, const char *to_ref,
                        struct named *ret_named, struct lake_table *ret_table, corrie_error *err)
{
    struct lake_view then;
    struct tree_value value;
    char hex[HASH_HEX + 1];
    int r = take_name(c, name, default_namespace(c), ret_named, err);

    if (r >= 0 && (!to_ref || !*to_ref)) {
        corrie_fail(err, CORRIE_E_USAGE, "no state to go back to is named");
        r = corrie_hint(err, "corrie table history %s lists them", ret_named->text);
    }
    if (r >= 0) {
        r = lake_view_at(c->lake, str_of(to_ref), &then, err);
    }
    if (r >= 0) {
        r = stage_revert(c, ret_named, &then, to_ref, &value, ret_table, err);
    }
    if (r >= 0) {
        r = stage_namespace(c, ret_named->ns, &then, err);
    }
    if (r < 0) {
        return r;
    }
    hash_hex(&then.commit, hex);
    c->guard.restores = true;
    c->records = ret_table->records;
    return publish_change(
        c, arena_printf(&c->arena, "Revert table %s to %s (%.12s)", ret_named->text, to_ref, hex),
        err);
}

static int answer_reverted(struct change *c, char **ret_json, corrie_error *err)
{
    _json_ json_t *document = json_object();
    int r;

    r = js_set_str(document, "name", str_of(c->from.text));
    r |= js_set_hash(document, "commit", &c->result.commit);
    r |= js_set_hash(document, "previous", &c->result.previous);
    r |= js_set_int(document, "records", c->records);
    r |= js_set_bool(document, "changed", c->result.changed);
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}

int corrie_table_revert(corrie_lake *lake, const char *name, const char *to_ref,
                        const corrie_table_options *options, char **ret_json, corrie_error *err)
{
    _cleanup_(change_done) struct change change = {.answer = answer_reverted};
    struct lake_table table;
    int r = begin(&change, lake, options, err);

    if (r >= 0) {
        r = revert_table(&change, name, to_ref, &change.from, &table, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "revert table %s", name ? name : "\"\"");
    }
    return give(&change, ret_json, err);
}
