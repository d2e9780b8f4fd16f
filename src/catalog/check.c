#include "catalog/check.h"

#include "base/json.h"
#include "base/map.h"
#include "catalog/tree_priv.h"

/* A node that has been looked into: what must hold wherever a tree names it. */
struct seen_node {
    struct hash name;
    unsigned level;
    struct str first_key;
    struct str last_key;
    bool ends; /* its boundary is right also where it is not the last of its level */
};

struct checker {
    struct catalog *catalog;
    const struct catalog_check *check;
    struct catalog_check_counts counts;
    struct arena arena;
    struct map commits; /* name -> itself */
    struct map nodes;   /* name -> struct seen_node */
    struct map jsons;   /* docs and origins */
    struct {
        struct hash *items;
        size_t count;
        size_t capacity;
    } todo; /* commits */
    char where[64];
};

static void checker_done(struct checker *checker)
{
    map_done(&checker->commits);
    map_done(&checker->nodes);
    map_done(&checker->jsons);
    vec_done(&checker->todo);
    arena_done(&checker->arena);
}

static int problem(struct checker *checker, const char *where, const char *what, corrie_error *err)
{
    checker->counts.problems++;
    return checker->check->problem(checker->check->arg, str_of(where), str_of(what), err);
}

/* An error that says something about the catalog becomes a problem; others end the check. */
static int as_problem(struct checker *checker, const char *where, corrie_error *err)
{
    _cleanup_(buf_done) struct buf what = {0};

    switch (err->code) {
    case CORRIE_E_CORRUPT:
    case CORRIE_E_NOT_FOUND:
    case CORRIE_E_DATA:
    case CORRIE_E_LIMIT:
    case CORRIE_E_INTERNAL:
        break;
    default:
        return err->code;
    }
    buf_add_text(&what, corrie_error_message(err));
    corrie_error_clear(err);
    return problem(checker, where, buf_text(&what), err);
}

static struct str name_key(const struct hash *name)
{
    return (struct str){(const char *)name->bytes, HASH_BYTES};
}

/* 1 seen for the first time, 0 seen before. The name is copied. */
static int first_sight(struct checker *checker, struct map *map, const struct hash *name,
                       corrie_error *err)
{
    struct str key;

    if (map_find(map, name_key(name))) {
        return 0;
    }
    if (arena_str(&checker->arena, name_key(name), &key) < 0 || map_put(map, key, NULL) < 0) {
        return corrie_fail_memory(err);
    }
    return 1;
}

/* ---- values ---- */

static int check_json(struct checker *checker, enum object_type type, const struct hash *name,
                      corrie_error *err)
{
    _cleanup_(object_hold_done) struct object_hold hold = {checker->catalog, NULL};
    _json_ json_t *parsed = NULL;
    int r = first_sight(checker, &checker->jsons, name, err);

    if (r <= 0) {
        return r;
    }
    r = object_get(checker->catalog, type, name, &hold.object, err);
    if (r >= 0) {
        r = js_parse_canonical(object_bytes(hold.object), object_type_name((int)type), &parsed,
                               err);
    }
    if (r >= 0 && type == OBJECT_DOC && hold.object->len <= CORRIE_DOC_INLINE) {
        r = corrie_fail(err, CORRIE_E_CORRUPT, "a document lies apart that should not");
    }
    return r < 0 ? r : 0;
}

static int check_value(struct checker *checker, struct str key, struct str bytes, corrie_error *err)
{
    _cleanup_(buf_done) struct buf name = {0};
    _json_ json_t *parsed = NULL;
    struct tree_value value;
    int r = 0;

    checker->counts.values++;
    if (!value_decode(bytes, &value)) {
        r = corrie_fail(err, CORRIE_E_CORRUPT, "a value is malformed");
    } else if (value.doc_apart) {
        r = check_json(checker, OBJECT_DOC, &value.doc_hash, err);
    } else {
        r = js_parse_canonical(value.doc, "document", &parsed, err);
    }
    if (r >= 0 && value.has_origin) {
        r = check_json(checker, OBJECT_ORIGIN, &value.origin, err);
    }
    if (r < 0) {
        key_format(key, &name);
        return as_problem(checker, buf_text(&name), err);
    }
    return checker->check->value ? checker->check->value(checker->check->arg, key, &value, err) : 0;
}

/* ---- nodes ---- */

/* What a parent says of a child. */
struct reference {
    struct hash name;
    const struct str *last_key; /* NULL: a root */
    struct str after;           /* all its keys come after this one */
    unsigned level;
    bool is_last;
};

static int check_reference(const struct reference *reference, const struct seen_node *node,
                           corrie_error *err)
{
    if (reference->last_key &&
        (node->level != reference->level || !str_eq(node->last_key, *reference->last_key))) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "a node is not what its parent says of it");
    }
    if (reference->after.len > 0 && str_cmp(reference->after, node->first_key) >= 0) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "keys of neighbours are not in order");
    }
    if (!reference->is_last && !node->ends) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "a node ends where it should go on");
    }
    return 0;
}

static int remember(struct checker *checker, const struct object *object, struct seen_node **ret,
                    corrie_error *err)
{
    const struct node *node = object->node;
    struct seen_node *seen = arena_new(&checker->arena, struct seen_node);

    if (!seen) {
        return corrie_fail_memory(err);
    }
    seen->name = object->name;
    seen->level = node->level;
    seen->first_key = seen->last_key = STR_EMPTY;
    if (node->n > 0) {
        const struct str last = node->entries[node->n - 1].key;

        if (arena_str(&checker->arena, node->entries[0].key, &seen->first_key) < 0 ||
            arena_str(&checker->arena, last, &seen->last_key) < 0) {
            return corrie_fail_memory(err);
        }
        seen->ends = node_ends(last, node->level, node->n);
    }
    if (map_put(&checker->nodes, name_key(&seen->name), seen) < 0) {
        return corrie_fail_memory(err);
    }
    *ret = seen;
    return 0;
}

static int check_node(struct checker *checker, const struct reference *reference,
                      corrie_error *err);

static int check_entries(struct checker *checker, const struct reference *reference,
                         const struct node *node, corrie_error *err)
{
    struct str before = reference->after;
    int r = cancel_check(checker->check->cancel, err);

    for (size_t i = 0; r >= 0 && i < node->n; i++) {
        const struct node_entry *entry = &node->entries[i];

        if (node->level == 0) {
            r = check_value(checker, entry->key, entry->value, err);
        } else {
            r = check_node(checker,
                           &(struct reference){.name = node_child(node, i),
                                               .last_key = &entry->key,
                                               .after = before,
                                               .level = node->level - 1,
                                               .is_last = reference->is_last && i + 1 == node->n},
                           err);
        }
        before = entry->key;
    }
    return r;
}

/* Recursion is bounded: a level is less than its parent's, and there are at most TREE_LEVELS_MAX.
 * */
static int check_node(struct checker *checker, const struct reference *reference, corrie_error *err)
{
    _cleanup_(object_hold_done) struct object_hold hold = {checker->catalog, NULL};
    struct seen_node *seen = map_get(&checker->nodes, name_key(&reference->name));
    bool is_new = !seen;
    int r = 0;

    if (is_new) {
        r = node_get(checker->catalog, &reference->name, NULL, 0, &hold.object, err);
        if (r >= 0) {
            checker->counts.nodes++;
            r = remember(checker, hold.object, &seen, err);
        }
    }
    if (r >= 0) {
        r = check_reference(reference, seen, err);
    }
    if (r >= 0 && is_new) {
        r = tree_check_node(hold.object->node, !reference->last_key, true, err);
    }
    if (r < 0) {
        return as_problem(checker, checker->where, err);
    }
    return is_new ? check_entries(checker, reference, hold.object->node, err) : 0;
}

/* ---- commits ---- */

static int add_commit(struct checker *checker, const struct hash *name, corrie_error *err)
{
    int r = first_sight(checker, &checker->commits, name, err);

    if (r > 0 && vec_push(&checker->todo, *name) < 0) {
        return corrie_fail_memory(err);
    }
    return r < 0 ? r : 0;
}

static int check_links(struct checker *checker, const struct commit *commit, corrie_error *err)
{
    uint64_t generation = 1;

    for (size_t i = 0; i < commit->n_parents; i++) {
        struct commit_links parent;
        int r = commit_links(checker->catalog, &commit->parents[i], &parent, err);

        if (r < 0) {
            return r;
        }
        if (parent.generation >= generation) {
            generation = parent.generation + 1;
        }
    }
    return generation == commit->generation
               ? 0
               : corrie_fail(err, CORRIE_E_CORRUPT, "its generation is wrong");
}

/* Only of a commit that is sound otherwise: the count follows from its tree and that of its parent. */
static int check_taint(struct checker *checker, const struct commit *commit, corrie_error *err)
{
    uint64_t tainted;
    int r = commit_count_taint(checker->catalog, commit, &tainted, err);

    if (r >= 0 && tainted != commit->tainted) {
        r = corrie_fail(err, CORRIE_E_CORRUPT, "its count of tainted values is wrong");
    }
    return r < 0 ? as_problem(checker, checker->where, err) : 0;
}

static int check_commit(struct checker *checker, const struct hash *name, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    uint64_t problems = checker->counts.problems;
    char hex[HASH_HEX + 1];
    struct commit commit;
    int r;

    hash_hex(name, hex);
    (void)snprintf(checker->where, sizeof checker->where, "commit %.12s", hex);
    checker->counts.commits++;
    r = commit_read(checker->catalog, name, &arena, &commit, err);
    if (r < 0) {
        return as_problem(checker, checker->where, err);
    }
    r = check_links(checker, &commit, err);
    if (r >= 0 && commit.has_origin) {
        r = check_json(checker, OBJECT_ORIGIN, &commit.origin, err);
    }
    if (r < 0) {
        r = as_problem(checker, checker->where, err);
    }
    for (size_t i = 0; r >= 0 && i < commit.n_parents; i++) {
        r = add_commit(checker, &commit.parents[i], err);
    }
    if (r >= 0) {
        r = check_node(checker, &(struct reference){.name = commit.tree, .is_last = true}, err);
    }
    if (r >= 0 && checker->counts.problems == problems) {
        r = check_taint(checker, &commit, err);
    }
    return r < 0 || !checker->check->commit
               ? r
               : checker->check->commit(checker->check->arg, &commit, err);
}

/* ---- the whole ---- */

static int file_problem(void *arg, struct str what, corrie_error *err)
{
    struct checker *checker = arg;

    checker->counts.problems++;
    return checker->check->problem(checker->check->arg, STR("file"), what, err);
}

/* Old movements may name commits that were collected: only those that are there are looked at. */
static int reflog_commit(void *arg, const struct hash *name, corrie_error *err)
{
    struct checker *checker = arg;

    return hash_is_zero(name)                    ? 0
           : vec_push(&checker->todo, *name) < 0 ? corrie_fail_memory(err)
                                                 : 0;
}

static int drop_collected(struct checker *checker, corrie_error *err)
{
    size_t n = checker->todo.count;
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        _cleanup_(object_hold_done) struct object_hold hold = {checker->catalog, NULL};
        struct hash name = checker->todo.items[i];
        int r = catalog_commit_exists(checker->catalog, &name, err);

        if (r == 0) {
            continue;
        }
        if (r > 0) {
            r = object_get(checker->catalog, OBJECT_COMMIT, &name, &hold.object, err);
        }
        if (r < 0 && r != CORRIE_E_CORRUPT) {
            return r;
        }
        corrie_error_clear(err);
        r = first_sight(checker, &checker->commits, &name, err);
        if (r < 0) {
            return r;
        }
        if (r > 0) {
            checker->todo.items[kept++] = name;
        }
    }
    checker->todo.count = kept;
    return 0;
}

#define REF_PAGE 1000

static int check_refs(struct checker *checker, corrie_error *err)
{
    struct str after = STR_EMPTY;

    for (;;) {
        struct catalog_ref *refs;
        size_t n;
        int r = catalog_ref_list(checker->catalog, STR_EMPTY, 0, after, REF_PAGE, &checker->arena,
                                 &refs, &n, err);

        for (size_t i = 0; r >= 0 && i < n; i++) {
            checker->counts.refs++;
            after = refs[i].name;
            if (!catalog_ref_kind_name((int)refs[i].kind) || hash_is_zero(&refs[i].commit)) {
                (void)snprintf(checker->where, sizeof checker->where, "ref %.*s",
                               (int)(after.len < 40 ? after.len : 40), after.data);
                r = problem(checker, checker->where, "it is malformed", err);
            } else {
                r = add_commit(checker, &refs[i].commit, err);
            }
        }
        if (r < 0 || n < REF_PAGE) {
            return r < 0 ? r : 0;
        }
    }
}

static int check_frozen(struct checker *checker, corrie_error *err)
{
    struct catalog *catalog = checker->catalog;
    const struct backend_ops *ops = catalog->backend->ops;
    int r;

    /* What is in memory may be better than what is stored. */
    object_table_clear(catalog);
    r = ops->check(catalog->backend, file_problem, checker, err);
    if (r >= 0) {
        r = ops->reflog_commits(catalog->backend, INT64_MIN, reflog_commit, checker, err);
    }
    if (r >= 0) {
        r = drop_collected(checker, err);
    }
    if (r < 0 && err->code == CORRIE_E_CORRUPT) {
        r = as_problem(checker, "reflog", err);
    }
    if (r >= 0) {
        r = check_refs(checker, err);
        if (r < 0 && err->code == CORRIE_E_CORRUPT) {
            r = as_problem(checker, "refs", err);
        }
    }
    while (r >= 0 && checker->todo.count > 0) {
        struct hash name = vec_pop(&checker->todo);

        r = check_commit(checker, &name, err);
    }
    return r;
}

int catalog_check_all(struct catalog *catalog, const struct catalog_check *check,
                      struct catalog_check_counts *ret, corrie_error *err)
{
    _cleanup_(checker_done) struct checker checker = {.catalog = catalog, .check = check};
    const struct backend_ops *ops = catalog->backend->ops;
    int r = 0;

    /* A collection beside removes what old movements of refs name: that is no damage. */
    if (ops->freeze) {
        r = ops->freeze(catalog->backend, err);
        if (r < 0 && err->code == CORRIE_E_CORRUPT) {
            r = as_problem(&checker, "file", err);
        }
    }
    if (r >= 0) {
        r = check_frozen(&checker, err);
    }
    if (ops->thaw) {
        ops->thaw(catalog->backend);
    }
    if (r < 0) {
        return r;
    }
    *ret = checker.counts;
    return 0;
}

/* ---- for repairs ---- */

static int ignore_problem(void *arg, struct str where, struct str what, corrie_error *err)
{
    (void)arg;
    (void)where;
    (void)what;
    (void)err;
    return 0; /* counts.problems has counted it */
}

int catalog_state_is_whole(struct catalog *catalog, const struct hash *commit,
                           const struct cancel *cancel, corrie_error *err)
{
    const struct catalog_check check = {.cancel = cancel, .problem = ignore_problem};
    _cleanup_(checker_done) struct checker checker = {.catalog = catalog, .check = &check};
    _cleanup_(arena_done) struct arena arena = {0};
    struct commit read;
    int r;

    object_table_clear(catalog);
    r = commit_read(catalog, commit, &arena, &read, err);
    if (r < 0) {
        r = as_problem(&checker, "", err);
    } else {
        r = check_node(&checker, &(struct reference){.name = read.tree, .is_last = true}, err);
    }
    return r < 0 ? r : checker.counts.problems == 0;
}

int catalog_reflog_names(struct catalog *catalog, struct arena *arena, struct str **ret,
                         size_t *ret_n, corrie_error *err)
{
    return catalog->backend->ops->reflog_names(catalog->backend, arena, ret, ret_n, err);
}

int catalog_repair_medium(struct catalog *catalog, bool dry_run, corrie_error *err)
{
    const struct backend_ops *ops = catalog->backend->ops;

    return ops->repair ? ops->repair(catalog->backend, dry_run, err) : 0;
}
