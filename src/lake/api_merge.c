/* api_merge.c — merging, picking and reverting, in the public interface. */
#include "lake/api_diff.h"

#include "base/mem.h"

/* What the three have in common. Everything lies in the arena or is borrowed from the caller. */
struct merging {
    struct lake *lake;
    struct arena arena;
    corrie_merge_options given;
    struct str into;
    struct catalog_ref target; /* as it stands when this begins */
    struct lake_guard guard;
    struct merge_guard check;
    struct merge_choice *choices;
    size_t n_choices;
    struct merge_options options;
    struct merge_report report;
    struct object_list preview;
    struct publish_result result;
    /* What the answer says besides. It is made before the branch moves: nothing may fail after that. */
    struct str source; /* merge */
    struct hash source_commit;
    const struct hash *from; /* pick and revert: the commits, and what became of them */
    struct hash *made;
    size_t n_made;
    bool reverts;
    char *json;
};

static void merging_done(struct merging *merging)
{
    object_list_done(&merging->preview);
    merge_report_done(&merging->report);
    mem_free(merging->json);
    arena_done(&merging->arena);
}

/* ---- what was asked for ---- */

static int take_properties(struct merging *m, struct commit *commit, corrie_error *err)
{
    struct commit_property *items =
        arena_array(&m->arena, struct commit_property, m->given.n_properties);

    if (!items) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < m->given.n_properties; i++) {
        struct str text = str_of(m->given.properties[i]);

        if (!str_cut(text, '=', &items[i].name, &items[i].value) || items[i].name.len == 0) {
            corrie_fail(err, CORRIE_E_USAGE, "the property \"%.*s\" is no name and value",
                        STR_FMT(text));
            return corrie_hint(err, "write it as name=value");
        }
    }
    /* that there are not too many is said where the commit is made */
    for (size_t i = 0; i < m->given.n_properties && i <= CORRIE_MAX_PROPERTIES; i++) {
        for (size_t j = 0; j < i; j++) {
            if (str_eq(items[i].name, items[j].name)) {
                return corrie_fail(err, CORRIE_E_USAGE, "the property \"%.*s\" is given twice",
                                   STR_FMT(items[i].name));
            }
        }
    }
    commit->properties = items;
    commit->n_properties = m->given.n_properties;
    return 0;
}

/* Whether a tree has the key. 1 or 0. */
static int has_key(struct merging *m, const struct hash *commit, struct str key, corrie_error *err)
{
    struct tree_value value;
    struct lake_view view;
    int r = lake_view_of(m->lake, commit, &view, err);

    return r < 0 ? r : tree_get(m->lake->catalog, &view.tree, key, &m->arena, &value, err);
}

/* A choice for something that none of the sides has is a slip of the pen. */
static int check_choice(struct merging *m, struct str key, const char *text,
                        const struct hash *sides, size_t n_sides, corrie_error *err)
{
    struct tree_value value;
    struct lake_view view;
    int r = 0;

    for (size_t i = 0; i < n_sides && r == 0; i++) {
        r = has_key(m, &sides[i], key, err);
    }
    if (r == 0) {
        r = lake_view_of(m->lake, &m->target.commit, &view, err);
    }
    if (r == 0) { /* says which are nearest */
        r = tree_need(m->lake->catalog, &view.tree, key, &m->arena, &value, err);
    }
    return r < 0 ? corrie_wrap(err, "settle conflicts of %s", text) : 0;
}

static int add_choices(struct merging *m, const char *const *names, size_t n, enum merge_side side,
                       const struct hash *sides, size_t n_sides, corrie_error *err)
{
    for (size_t i = 0; i < n; i++) {
        struct merge_choice *choice = &m->choices[m->n_choices];
        struct key key;
        int r = api_key_of(str_of(names[i]), m->given.default_namespace, &key, err);

        if (r < 0 || (r = check_choice(m, key_str(&key), names[i], sides, n_sides, err)) < 0) {
            return r;
        }
        for (size_t j = 0; j < m->n_choices; j++) {
            if (str_eq(m->choices[j].key, key_str(&key)) && m->choices[j].side != side) {
                return corrie_fail(err, CORRIE_E_USAGE, "both sides are to settle %s", names[i]);
            }
        }
        choice->side = side;
        if (arena_str(&m->arena, key_str(&key), &choice->key) < 0) {
            return corrie_fail_memory(err);
        }
        m->n_choices++;
    }
    return 0;
}

/* `sides` are the commits that a key may be known on. */
static int take_choices(struct merging *m, const struct hash *sides, size_t n_sides,
                        corrie_error *err)
{
    const corrie_merge_options *given = &m->given;
    int r;

    if (given->all_ours && given->all_theirs) {
        return corrie_fail(err, CORRIE_E_USAGE, "only one side can settle all conflicts");
    }
    m->choices = arena_array(&m->arena, struct merge_choice, given->n_ours + given->n_theirs + 1);
    if (!m->choices) {
        return corrie_fail_memory(err);
    }
    r = add_choices(m, given->ours, given->n_ours, MERGE_TARGET, sides, n_sides, err);
    if (r >= 0) {
        r = add_choices(m, given->theirs, given->n_theirs, MERGE_SOURCE, sides, n_sides, err);
    }
    if (r < 0) {
        return r;
    }
    if (given->all_ours || given->all_theirs) {
        m->choices[m->n_choices++] = (struct merge_choice){
            .key = STR_EMPTY, .side = given->all_ours ? MERGE_TARGET : MERGE_SOURCE};
    }
    m->options.choices = m->choices;
    m->options.n_choices = m->n_choices;
    return 0;
}

/* ---- the answer ---- */

static int set_result(struct merging *m, json_t *document, corrie_error *err)
{
    json_t *changes = NULL;
    struct lake_view before;
    int r;

    r = lake_view_of(m->lake, &m->result.previous, &before, err);
    if (r >= 0) {
        r = api_diff(&(struct api_diff){.lake = m->lake, .from = before.tree, .to = m->result.tree},
                     &changes, err);
    }
    if (r < 0) {
        return r;
    }
    r = js_set_str(document, "into", m->into);
    r |= js_set_hash(document, "commit", &m->result.commit);
    r |= js_set_hash(document, "previous", &m->result.previous);
    r |= js_set_bool(document, "tree_changed", !hash_eq(&before.tree, &m->result.tree));
    r |= js_set_bool(document, "changed", m->result.changed);
    r |= js_set_bool(document, "fast_forward", m->result.fast_forward);
    r |= js_set_bool(document, "dry_run", m->given.dry_run);
    r |= js_set(document, "changes", changes);
    return r != 0 ? corrie_fail_memory(err) : 0;
}

static int picked_json(const struct hash *from, const struct hash *made, size_t n, json_t **ret,
                       corrie_error *err)
{
    _json_ json_t *list = json_array();
    int r = list ? 0 : -1;

    for (size_t i = 0; i < n && r == 0; i++) {
        json_t *item = json_object();

        r |= js_set_hash(item, "from", &from[i]);
        r |= js_set_hash(item, "commit", hash_is_zero(&made[i]) ? NULL : &made[i]);
        r |= json_array_append_new(list, item);
    }
    if (r != 0) {
        return corrie_fail_memory(err);
    }
    *ret = TAKE_PTR(list);
    return 0;
}

static int check_merge(void *data, struct catalog *catalog, struct merge_step *step,
                       corrie_error *err)
{
    struct merging *m = data;

    return lake_guard_step(&m->guard, catalog, step, err);
}

static int answer_merge(void *data, const struct publish_result *result, corrie_error *err)
{
    struct merging *m = data;
    _json_ json_t *document = json_object();
    json_t *list = NULL;
    int r = 0;

    m->result = *result;
    mem_free(m->json);
    m->json = NULL;
    if (m->made) {
        r = picked_json(m->from, m->made, m->n_made, &list, err);
        if (r >= 0 && js_set(document, m->reverts ? "reverted" : "picked", list) != 0) {
            r = corrie_fail_memory(err);
        }
    } else if (js_set_str(document, "source", m->source) != 0 ||
               js_set_hash(document, "source_commit", &m->source_commit) != 0) {
        r = corrie_fail_memory(err);
    }
    if (r >= 0) {
        r = set_result(m, document, err);
    }
    return r < 0 ? r : js_give(TAKE_PTR(document), &m->json, err);
}

/* Fills everything but the choices. */
static int begin(struct merging *m, struct lake *lake, const corrie_merge_options *options,
                 corrie_error *err)
{
    int r;

    m->lake = lake;
    m->given.size = sizeof m->given;
    API_GIVEN(m->given, options);
    r = lake_branch(lake, str_of(m->given.into), &m->arena, &m->into, err);
    if (r >= 0) {
        r = catalog_ref_get(lake->catalog, m->into, &m->target, err);
    }
    if (r < 0) {
        return r;
    }
    m->guard = (struct lake_guard){.lake = lake,
                                   .arena = &m->arena,
                                   .accept_taint = m->given.accept_taint,
                                   .allow_torn = m->given.allow_torn};
    m->check = (struct merge_guard){.data = m, .check = check_merge, .ready = answer_merge};
    lake_merge_options(lake, &m->options);
    m->options.guard = &m->check;
    m->options.dry_run = m->given.dry_run;
    return 0;
}

/* ---- what comes of it ---- */

static int fail_merge(struct merging *m, struct str source, corrie_error *err)
{
    _error_ corrie_error inner = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf text = {0};
    _json_ json_t *document = NULL;

    if (err->code == CORRIE_E_CONFLICT && m->report.n_conflicts > 0) {
        if (merge_report_json(&m->report, &document, &inner) >= 0 &&
            js_format(document, 0, &text, &inner) >= 0) {
            corrie_detail(err, buf_str(&text));
        }
        corrie_hint(err,
                    "both changed the same thing: corrie diff %.*s %.*s shows what; --ours NAME "
                    "keeps what %.*s has, --theirs NAME takes the other",
                    STR_FMT(m->into), STR_FMT(source), STR_FMT(m->into));
    }
    return err->code;
}

/* ---- merge ---- */

/* The commits on which a key may be known: both sides and where they parted. */
static int sides_of_merge(struct merging *m, const struct hash *source, struct hash sides[3],
                          size_t *ret_n, corrie_error *err)
{
    size_t n;
    int r = history_merge_bases(m->lake->catalog, source, &m->target.commit, &sides[2], 1, &n, err);

    sides[0] = m->target.commit;
    sides[1] = *source;
    *ret_n = 2 + (r >= 0 ? n : 0);
    return r;
}

static int merge_branch(struct merging *m, struct str source, corrie_error *err)
{
    struct branch_merge merge = {.ref = m->into, .merge = &m->options, .preview = &m->preview};
    struct hash sides[3];
    const char *message = m->given.message;
    size_t n_sides;
    int r;

    m->source = source;
    r = lake_resolve(m->lake, source, &m->source_commit, err);
    if (r >= 0) {
        r = sides_of_merge(m, &m->source_commit, sides, &n_sides, err);
    }
    if (r >= 0) {
        r = take_choices(m, sides, n_sides, err);
    }
    if (r >= 0) {
        r = take_properties(m, &merge.commit, err);
    }
    if (r < 0) {
        return r;
    }
    if (!message) {
        message =
            arena_printf(&m->arena, "Merge %.*s into %.*s", STR_FMT(source), STR_FMT(m->into));
    }
    if (!message) {
        return corrie_fail_memory(err);
    }
    merge.source = m->source_commit;
    merge.commit.author = m->lake->user;
    merge.commit.message = str_of(message);
    /* a message and properties of the user's need a commit that holds them */
    merge.no_fast_forward =
        m->given.no_fast_forward || m->given.message || m->given.n_properties > 0;
    r = catalog_merge(m->lake->catalog, &merge, &m->result, &m->report, err);
    return r < 0 ? fail_merge(m, source, err) : 0;
}

int corrie_branch_merge(corrie_lake *lake, const char *source, const corrie_merge_options *options,
                        char **ret_json, corrie_error *err)
{
    _cleanup_(merging_done) struct merging merging = {0};
    struct str shown = str_of(source);
    int r;

    r = begin(&merging, lake, options, err);
    if (r >= 0) {
        r = lake_name_head(lake, &merging.arena, &shown, err);
    }
    if (r >= 0) {
        r = merge_branch(&merging, shown, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "merge %.*s", STR_FMT(shown));
    }
    *ret_json = TAKE_PTR(merging.json);
    return 0;
}

/* ---- pick and revert ---- */

/* The commits on which a key may be known: the target, the picked ones and their parents. */
static int sides_of_pick(struct merging *m, const struct hash *commits, size_t n, struct hash **ret,
                         size_t *ret_n, corrie_error *err)
{
    struct hash *sides = arena_array(&m->arena, struct hash, 1 + n * (1 + COMMIT_PARENTS_MAX));
    size_t count = 0;

    if (!sides) {
        return corrie_fail_memory(err);
    }
    sides[count++] = m->target.commit;
    for (size_t i = 0; i < n; i++) {
        struct commit commit;
        int r = commit_read(m->lake->catalog, &commits[i], &m->arena, &commit, err);

        if (r < 0) {
            return r;
        }
        sides[count++] = commits[i];
        memcpy(&sides[count], commit.parents, commit.n_parents * sizeof *sides);
        count += commit.n_parents;
    }
    *ret = sides;
    *ret_n = count;
    return 0;
}

static int pick_commits(struct merging *m, const char *const *texts, size_t n, bool revert,
                        corrie_error *err)
{
    struct hash *from = arena_array(&m->arena, struct hash, n);
    struct hash *made = arena_array(&m->arena, struct hash, n);
    struct pick pick = {.ref = m->into,
                        .commits = from,
                        .n_commits = n,
                        .revert = revert,
                        .mainline = m->given.mainline,
                        .merge = &m->options,
                        .preview = &m->preview};
    struct hash *sides = NULL;
    size_t n_sides = 0;
    int r = 0;

    if (!from || !made) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n && r >= 0; i++) {
        r = texts[i] && *texts[i]
                ? lake_resolve(m->lake, str_of(texts[i]), &from[i], err)
                : corrie_fail(err, CORRIE_E_USAGE, "commit %zu has an empty name", i + 1);
    }
    if (r >= 0) {
        r = sides_of_pick(m, from, n, &sides, &n_sides, err);
    }
    if (r >= 0) {
        r = take_choices(m, sides, n_sides, err);
    }
    if (r >= 0) {
        r = take_properties(m, &pick.commit, err);
    }
    if (r < 0) {
        return r;
    }
    m->guard.restores = true;
    m->from = from;
    m->made = made;
    m->n_made = n;
    m->reverts = revert;
    pick.commit.author = pick.commit.committer = m->lake->user;
    pick.commit.message = str_of(m->given.message);
    r = catalog_pick(m->lake->catalog, &pick, &m->result, made, &m->report, err);
    return r < 0 ? fail_merge(m, str_of(texts[0]), err) : 0;
}

static int pick_or_revert(corrie_lake *lake, const char *const *commits, size_t n, bool revert,
                          const corrie_merge_options *options, char **ret_json, corrie_error *err)
{
    _cleanup_(merging_done) struct merging merging = {0};
    int r;

    if (n == 0) {
        return corrie_fail(err, CORRIE_E_USAGE, "no commit to %s is named",
                           revert ? "revert" : "pick");
    }
    if (n > CORRIE_MAX_PICKS) {
        return corrie_fail(err, CORRIE_E_LIMIT, "%zu commits at once, of at most %d", n,
                           CORRIE_MAX_PICKS);
    }
    r = begin(&merging, lake, options, err);
    if (r >= 0) {
        r = pick_commits(&merging, commits, n, revert, err);
    }
    if (r < 0) {
        return n == 1 ? corrie_wrap(err, "%s %s", revert ? "revert" : "pick", commits[0])
                      : corrie_wrap(err, "%s %zu commits", revert ? "revert" : "pick", n);
    }
    *ret_json = TAKE_PTR(merging.json);
    return 0;
}

int corrie_cherry_pick(corrie_lake *lake, const char *const *commits, size_t n_commits,
                       const corrie_merge_options *options, char **ret_json, corrie_error *err)
{
    return pick_or_revert(lake, commits, n_commits, false, options, ret_json, err);
}

int corrie_revert(corrie_lake *lake, const char *const *commits, size_t n_commits,
                  const corrie_merge_options *options, char **ret_json, corrie_error *err)
{
    return pick_or_revert(lake, commits, n_commits, true, options, ret_json, err);
}
