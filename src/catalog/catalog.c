/* catalog.c — the handle: what is the same over every backend. */
#include "catalog/catalog.h"

#include <zstd.h>

#include "base/clock.h"
#include "catalog/catalog_priv.h"
#include "catalog/hash_set.h"
#include "lang/refexpr.h"

int catalog_create(const char *directory, corrie_error *err)
{
    int r = backend_sqlite_create(directory, err);

    return r < 0 ? corrie_wrap(err, "create a catalog in %s", directory) : 0;
}

struct catalog *catalog_close(struct catalog *catalog)
{
    if (catalog) {
        object_table_done(catalog);
        ZSTD_freeCCtx(catalog->compressor);
        ZSTD_freeDCtx(catalog->expander);
        if (catalog->backend) {
            catalog->backend->ops->close(catalog->backend);
        }
        mem_free(catalog);
    }
    return NULL;
}

int catalog_open(const char *directory, const struct catalog_options *options, struct catalog **ret,
                 corrie_error *err)
{
    _cleanup_(catalog_closep) struct catalog *catalog = mem_alloc(1, sizeof *catalog);
    struct backend_state state;
    int r;

    if (!catalog) {
        return corrie_fail_memory(err);
    }
    catalog->objects.max_bytes =
        options && options->cache_bytes ? options->cache_bytes : CORRIE_CATALOG_CACHE;
    catalog->cancel = options ? options->cancel : NULL;
    r = backend_sqlite_open(directory, options, &catalog->backend, err);
    if (r >= 0) {
        r = catalog->backend->ops->state(catalog->backend, &state, err);
    }
    if (r < 0) {
        return r;
    }
    catalog->generation = state.generation;
    catalog->removals = state.removals;
    *ret = TAKE_PTR(catalog);
    return 0;
}

/* ---- refs ---- */

const char *catalog_ref_kind_name(int kind)
{
    static const char *const names[] = {NULL, "branch", "tag", "tx"};

    return kind > 0 && kind < (int)ARRAY_LEN(names) ? names[kind] : NULL;
}

int catalog_ref_find(struct catalog *catalog, struct str name, struct catalog_ref *ret,
                     corrie_error *err)
{
    struct catalog_ref ref;
    int r;

    if (name.len > CORRIE_MAX_REF_NAME) {
        return 0;
    }
    r = catalog->backend->ops->get_ref(catalog->backend, name, &ref, err);
    if (r > 0) {
        if (!catalog_ref_kind_name((int)ref.kind) || hash_is_zero(&ref.commit)) {
            return corrie_fail(err, CORRIE_E_CORRUPT, "ref %.*s is malformed", STR_FMT(name));
        }
        *ret = ref;
    }
    return r;
}

#define NEAREST_MAX 3
#define NEAREST_FROM 10000 /* of so many refs the nearest are looked for */

static void hint_nearest(struct catalog *catalog, struct str name, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf hint = {0};
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct catalog_ref *refs;
    struct str *names;
    size_t nearest[NEAREST_MAX];
    size_t n_refs;
    size_t n;

    if (catalog_ref_list(catalog, STR_EMPTY, 0, STR_EMPTY, NEAREST_FROM, &arena, &refs, &n_refs,
                         &ignored) < 0) {
        return;
    }
    names = arena_array(&arena, struct str, n_refs);
    if (!names) {
        return;
    }
    for (size_t i = 0; i < n_refs; i++) {
        names[i] = refs[i].name;
    }
    n = str_nearest(name, names, n_refs, nearest, NEAREST_MAX);
    for (size_t i = 0; i < n; i++) {
        buf_addf(&hint, "%s%.*s", i ? ", " : "did you mean ", STR_FMT(names[nearest[i]]));
    }
    if (n > 0) {
        corrie_hint(err, "%s?", buf_text(&hint));
    }
}

int catalog_ref_get(struct catalog *catalog, struct str name, struct catalog_ref *ret,
                    corrie_error *err)
{
    int r = catalog_ref_find(catalog, name, ret, err);

    if (r == 0) {
        r = corrie_fail(err, CORRIE_E_NOT_FOUND, "there is no branch or tag \"%.*s\"",
                        STR_FMT(name));
        hint_nearest(catalog, name, err);
    }
    return r < 0 ? r : 0;
}

static int check_limit(size_t limit, corrie_error *err)
{
    return limit == 0 || limit > CORRIE_MAX_PAGE
               ? corrie_fail(err, CORRIE_E_USAGE, "a page has 1 to %d entries", CORRIE_MAX_PAGE)
               : 0;
}

int catalog_ref_list(struct catalog *catalog, struct str prefix, int kind, struct str after,
                     size_t limit, struct arena *arena, struct catalog_ref **ret, size_t *ret_n,
                     corrie_error *err)
{
    int r = check_limit(limit, err);

    return r < 0 ? r
                 : catalog->backend->ops->list_refs(catalog->backend, prefix, kind, after, limit,
                                                    arena, ret, ret_n, err);
}

int catalog_reflog(struct catalog *catalog, struct str ref, uint64_t before, size_t limit,
                   struct arena *arena, struct catalog_reflog_entry **ret, size_t *ret_n,
                   corrie_error *err)
{
    int r = check_limit(limit, err);

    return r < 0 ? r
                 : catalog->backend->ops->reflog(catalog->backend, ref, before, limit, arena, ret,
                                                 ret_n, err);
}

/* ---- commit ---- */

static int check_move(const struct catalog_move *move, corrie_error *err)
{
    bool creates = hash_is_zero(&move->expected);
    int r;

    if (creates && hash_is_zero(&move->new_commit)) {
        return corrie_fail(err, CORRIE_E_USAGE, "a ref that does not exist cannot be deleted");
    }
    if (!str_is_utf8(move->who, NULL) || !str_is_utf8(move->why, NULL) ||
        move->who.len > CORRIE_MAX_WHO || move->why.len > CORRIE_MAX_MESSAGE) {
        return corrie_fail(err, CORRIE_E_USAGE,
                           "who and why of a ref's movement must be short UTF-8");
    }
    if (!creates) {
        return 0; /* a name that exists was checked when it was made */
    }
    r = ref_name_check(move->ref, err);
    if (r < 0) {
        return r;
    }
    if (!catalog_ref_kind_name((int)move->kind)) {
        return corrie_fail(err, CORRIE_E_USAGE, "a new ref is a branch, a tag or a tx");
    }
    if (ref_name_reserved(move->ref) != (move->kind == CATALOG_TX)) {
        return move->kind == CATALOG_TX
                   ? corrie_fail(err, CORRIE_E_USAGE, "the name of a tx ref starts with tx/")
                   : corrie_fail(err, CORRIE_E_USAGE, "\"%.*s\": names under tx/ are corrie's own",
                                 STR_FMT(move->ref));
    }
    return 0;
}

/* ---- beside collections ----
 *
 * A new object may name old ones that its maker believes to be stored: it has seen them in memory,
 * or somebody gave it their names. As long as nothing was removed since the handle was opened they
 * are there. Afterwards a commit asks for each of them, and the backend takes the answer only if
 * nothing was removed since the question. Since an object is never removed while one that names it
 * is stored, it is enough to ask for what the new objects name themselves. */

int catalog_look(struct catalog *catalog, struct backend_state *ret, corrie_error *err)
{
    int r = catalog->backend->ops->state(catalog->backend, ret, err);

    if (r < 0) {
        return r;
    }
    if (ret->generation != catalog->generation || ret->removals != catalog->removals) {
        object_table_forget(catalog);
        catalog->wary = true;
        catalog->generation = ret->generation;
        catalog->removals = ret->removals;
    }
    return 0;
}

int catalog_generation(struct catalog *catalog, uint64_t *ret, corrie_error *err)
{
    struct backend_state state;
    int r = catalog_look(catalog, &state, err);

    if (r >= 0) {
        *ret = state.generation;
    }
    return r;
}

int catalog_fence(struct catalog *catalog, int64_t *ret, corrie_error *err)
{
    struct backend_state state;
    int r = catalog->backend->ops->state(catalog->backend, &state, err);

    if (r >= 0) {
        *ret = state.fence;
    }
    return r;
}

struct needs {
    struct hash_set known; /* what is in the list, and what was noted already */
    struct {
        struct hash *items;
        size_t count;
        size_t capacity;
    } names;
};

static void needs_done(struct needs *needs)
{
    hash_set_done(&needs->known);
    vec_done(&needs->names);
}

static int note_need(void *arg, enum object_type type, const struct hash *name, corrie_error *err)
{
    struct needs *needs = arg;
    int r = hash_set_add(&needs->known, name);

    (void)type;
    return r < 0 || (r > 0 && vec_push(&needs->names, *name) < 0) ? corrie_fail_memory(err) : 0;
}

static int note_needs(struct object *object, struct needs *needs, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct commit commit;
    int r;

    switch (object->type) {
    case OBJECT_NODE:
        r = object->node ? 0 : node_decode(object_bytes(object), &object->node, err);
        return r < 0 ? r : node_names(object->node, note_need, needs, err);
    case OBJECT_COMMIT:
        r = commit_decode(object_bytes(object), &arena, &commit, err);
        return r < 0 ? r : commit_names(&commit, note_need, needs, err);
    default:
        return 0;
    }
}

static int check_needs(struct catalog *catalog, const struct object_list *objects,
                       corrie_error *err)
{
    _cleanup_(needs_done) struct needs needs = {.known = {0}};
    char hex[HASH_HEX + 1];
    size_t missing;
    int r = 0;

    for (size_t i = 0; i < objects->count; i++) {
        if (hash_set_add(&needs.known, &objects->items[i]->name) < 0) {
            return corrie_fail_memory(err);
        }
    }
    for (size_t i = 0; r >= 0 && i < objects->count; i++) {
        r = note_needs(objects->items[i], &needs, err);
    }
    if (r >= 0) {
        r = catalog->backend->ops->find_missing(catalog->backend, needs.names.items,
                                                needs.names.count, &missing, err);
    }
    if (r < 0 || missing == needs.names.count) {
        return r < 0 ? r : 0;
    }
    hash_hex(&needs.names.items[missing], hex);
    corrie_fail(err, CORRIE_E_CONFLICT, "what this builds on was collected (gc) meanwhile: %.12s",
                hex);
    /* Whoever looks anew finds what is there now. Who then still needs it has it from elsewhere. */
    err->retryable = catalog->missed_at != catalog->removals;
    catalog->missed_at = catalog->removals;
    return corrie_hint(err, err->retryable ? "try again" : "begin again, from a branch or a tag");
}

#define LOOKS_BEFORE_HOLD 2

static int commit_packed(struct catalog *catalog, const struct object_list *objects,
                         const struct backend_object *packed, size_t n,
                         const struct catalog_move *move, corrie_error *err)
{
    const struct backend_ops *ops = catalog->backend->ops;

    for (unsigned looks = 0;; looks++) {
        struct backend_state state;
        int r = 0;

        if (n > 0 && catalog->wary) {
            r = check_needs(catalog, objects, err);
        }
        if (r >= 0) {
            r = ops->commit(catalog->backend, packed, n, move, catalog->removals, err);
        }
        if (r == 1) {
            if (looks >= LOOKS_BEFORE_HOLD && ops->hold) {
                r = ops->hold(catalog->backend, err);
            }
            if (r >= 0) {
                r = catalog_look(catalog, &state, err);
            }
            if (r >= 0) {
                r = cancel_check(catalog->cancel, err);
            }
            if (r >= 0) {
                continue;
            }
        }
        if (r < 0 && ops->release) {
            ops->release(catalog->backend);
        }
        return r;
    }
}

int catalog_commit(struct catalog *catalog, const struct object_list *objects,
                   const struct catalog_move *move, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct catalog_move dated = *move;
    struct catalog_move also;
    struct backend_object *packed = NULL;
    size_t n = objects ? objects->count : 0;
    int r;

    r = check_move(move, err);
    if (r >= 0 && move->also) {
        r = check_move(move->also, err);
    }
    if (r >= 0 && n > 0) {
        r = object_list_pack(catalog, objects, &arena, &packed, err);
    }
    if (r < 0) {
        return r;
    }
    if (dated.when == 0) {
        dated.when = clock_now();
    }
    if (move->also) {
        also = *move->also;
        also.when = also.when == 0 ? dated.when : also.when;
        dated.also = &also;
    }
    r = commit_packed(catalog, objects, packed, n, &dated, err);
    for (size_t i = 0; r >= 0 && i < n; i++) {
        objects->items[i]->stored = true;
    }
    return r;
}

/* ---- names of commits ---- */

#define AMBIGUOUS_MAX 5

struct candidates {
    struct hash names[AMBIGUOUS_MAX];
    size_t n;
};

static int add_candidate(void *arg, const struct hash *name, corrie_error *err)
{
    struct candidates *candidates = arg;

    (void)err;
    if (candidates->n < AMBIGUOUS_MAX) {
        candidates->names[candidates->n++] = *name;
    }
    return 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int catalog_commit_exists(struct catalog *catalog, const struct hash *commit, corrie_error *err)
{
    size_t missing;
    int r = catalog->backend->ops->find_missing(catalog->backend, commit, 1, &missing, err);

    return r < 0 ? r : missing == 1;
}

int catalog_commit_by_prefix(struct catalog *catalog, struct str hex, struct hash *ret,
                             corrie_error *err)
{
    _cleanup_(buf_done) struct buf some = {0};
    struct candidates candidates = {.n = 0};
    struct hash prefix = {{0}};
    char text[HASH_HEX + 1];
    int r;

    if (hex.len < REF_HASH_MIN || hex.len > HASH_HEX) {
        return corrie_fail(err, CORRIE_E_USAGE,
                           "\"%.*s\" is no name of a commit: 8 to 64 hex digits", STR_FMT(hex));
    }
    for (size_t i = 0; i < hex.len; i++) {
        int digit = hex_digit(hex.data[i]);

        if (digit < 0) {
            return corrie_fail(err, CORRIE_E_USAGE,
                               "\"%.*s\" is no name of a commit: 8 to 64 hex "
                               "digits",
                               STR_FMT(hex));
        }
        prefix.bytes[i / 2] |= (uint8_t)(i % 2 ? digit : digit << 4);
    }
    r = catalog->backend->ops->find_objects(catalog->backend, OBJECT_COMMIT, &prefix,
                                            (unsigned)hex.len * 4, AMBIGUOUS_MAX, add_candidate,
                                            &candidates, err);
    if (r < 0) {
        return r;
    }
    if (candidates.n == 0) {
        return corrie_fail(err, CORRIE_E_NOT_FOUND, "there is no commit %.*s", STR_FMT(hex));
    }
    if (candidates.n > 1) {
        for (size_t i = 0; i < candidates.n; i++) {
            hash_hex(&candidates.names[i], text);
            buf_addf(&some, "%s%.20s…", i ? ", " : "", text);
        }
        corrie_fail(err, CORRIE_E_USAGE, "several commits start with %.*s", STR_FMT(hex));
        return corrie_hint(err, "type more digits: %s", buf_text(&some));
    }
    *ret = candidates.names[0];
    return 0;
}

/* ---- index of records ---- */

static int check_id(struct str space, struct str id, corrie_error *err)
{
    struct str texts[] = {space, id};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (texts[i].len == 0 || texts[i].len > CORRIE_MAX_KEY_SEGMENT) {
            return corrie_fail(err, CORRIE_E_USAGE, "spaces and ids of records have 1 to %d bytes",
                               CORRIE_MAX_KEY_SEGMENT);
        }
        for (size_t j = 0; j < texts[i].len; j++) {
            if (texts[i].data[j] <= ' ' || texts[i].data[j] > '~') {
                return corrie_fail(err, CORRIE_E_USAGE, "spaces and ids of records are ASCII");
            }
        }
    }
    return 0;
}

int catalog_index_put(struct catalog *catalog, struct str space,
                      const struct catalog_index_entry *entry, corrie_error *err)
{
    int r = check_id(space, entry->id, err);

    if (r < 0) {
        return r;
    }
    if (entry->json.len > CORRIE_MAX_INDEX_JSON || !str_is_utf8(entry->json, NULL)) {
        return corrie_fail(err, CORRIE_E_LIMIT,
                           "a record of the index is UTF-8 of at most %zu bytes",
                           CORRIE_MAX_INDEX_JSON);
    }
    return catalog->backend->ops->index_put(catalog->backend, space, entry, err);
}

int catalog_index_get(struct catalog *catalog, struct str space, struct str id, struct arena *arena,
                      struct catalog_index_entry *ret, corrie_error *err)
{
    return catalog->backend->ops->index_get(catalog->backend, space, id, arena, ret, err);
}

int catalog_index_list(struct catalog *catalog, struct str space, struct str id_prefix,
                       const struct catalog_index_entry *after, size_t limit, struct arena *arena,
                       struct catalog_index_entry **ret, size_t *ret_n, corrie_error *err)
{
    int r = check_limit(limit, err);

    return r < 0 ? r
                 : catalog->backend->ops->index_list(catalog->backend, space, id_prefix, after,
                                                     limit, arena, ret, ret_n, err);
}

int catalog_index_delete(struct catalog *catalog, struct str space, struct str id,
                         corrie_error *err)
{
    return catalog->backend->ops->index_delete(catalog->backend, space, id, err);
}
