/* collect_mark.c — what is in reach.
 *
 * The mark reads the catalog once from end to end, from the newest object to the oldest: what an object
 * names was stored before it, so when its turn comes all that names it was met. That reads pages in the
 * order in which they lie and asks no index; to follow names from object to object costs several times
 * as much. What turns up later (others' commits, young garbage) is little and followed by its names.
 * Both pass by the handle's cache: they would only push out what others need. */
#include "catalog/collect_priv.h"

#define BATCH 128
#define SCAN_PAGE 500
#define PAGE_OF_REFS 1000

int collect_tick(struct collect *collect, enum collect_phase phase, uint64_t n, corrie_error *err)
{
    int r = cancel_check(collect->options.cancel, err);

    collect->n_looked += n;
    return r < 0 || !collect->options.progress || collect->locked
               ? r
               : collect->options.progress(collect->options.arg, phase, collect->n_looked, err);
}

int collect_push(struct collect *collect, int type, const struct hash *name, corrie_error *err)
{
    struct collect_todo todo = {*name, (uint8_t)type};
    int r = hash_set_add(&collect->marked, name);

    if (r > 0 && (type == OBJECT_DOC || type == OBJECT_ORIGIN)) {
        collect->counts.docs++; /* they name nothing */
    } else if (r > 0 && !collect->scanning && vec_push(&collect->todo, todo) < 0) {
        r = CORRIE_E_NO_MEMORY;
    }
    return r < 0 ? corrie_fail_memory(err) : 0;
}

static int push_name(void *arg, enum object_type type, const struct hash *name, corrie_error *err)
{
    return collect_push(arg, (int)type, name, err);
}

/* ---- values ---- */

static int queue_value(struct collect *collect, const struct node_entry *entry, corrie_error *err)
{
    uint32_t lengths[2] = {(uint32_t)entry->key.len, (uint32_t)entry->value.len};

    buf_add(&collect->queue, lengths, sizeof lengths);
    buf_add_str(&collect->queue, entry->key);
    buf_add_str(&collect->queue, entry->value);
    return buf_check(&collect->queue, err);
}

static int tell_value(struct collect *collect, struct str key, struct str bytes, corrie_error *err)
{
    struct tree_value value;

    if (!value_decode(bytes, &value)) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "a value is malformed");
    }
    return collect->options.value(collect->options.arg, key, &value, err);
}

static size_t read_length(struct str bytes, size_t at)
{
    uint32_t length;

    memcpy(&length, bytes.data + at, sizeof length);
    return length;
}

int collect_deliver(struct collect *collect, corrie_error *err)
{
    struct str rest = buf_str(&collect->queue);
    int r = 0;

    while (r >= 0 && rest.len > 0) {
        size_t key = read_length(rest, 0);
        size_t value = read_length(rest, 4);

        r = tell_value(collect, str_slice(rest, 8, key), str_slice(rest, 8 + key, value), err);
        rest = str_from(rest, 8 + key + value);
    }
    buf_clear(&collect->queue);
    return r;
}

/* Two leaves that differ in one entry have the others in common: each is told once. */
static int mark_value(struct collect *collect, const struct node_entry *entry, corrie_error *err)
{
    uint32_t key_len = (uint32_t)entry->key.len;
    const struct str pieces[] = {
        {(const char *)&key_len, sizeof key_len}, entry->key, entry->value};
    struct hash name;
    int r;

    if (!collect->options.value) {
        collect->counts.values++;
        return 0;
    }
    name = hash_pieces(pieces, ARRAY_LEN(pieces));
    r = hash_set_add(&collect->values, &name);
    if (r <= 0) {
        return r < 0 ? corrie_fail_memory(err) : 0;
    }
    collect->counts.values++;
    return collect->locked || collect->scanning
               ? queue_value(collect, entry, err)
               : tell_value(collect, entry->key, entry->value, err);
}

/* ---- objects ---- */

struct batch {
    struct collect *collect;
    struct arena arena;
    struct collect_todo todo[BATCH];
    struct hash names[BATCH];
    struct str bytes[BATCH]; /* data NULL: not found */
    size_t n;
};

static void batch_done(struct batch *batch)
{
    arena_done(&batch->arena);
}

static int take_object(void *arg, size_t index, const struct backend_object *found,
                       corrie_error *err)
{
    struct batch *batch = arg;
    _cleanup_(buf_done) struct buf scratch = {0};
    struct str bytes;
    char hex[HASH_HEX + 1];
    int r;

    if (found->type != (int)batch->todo[index].type) {
        hash_hex(&found->name, hex);
        return corrie_fail(err, CORRIE_E_CORRUPT, "%s %.12s is stored as another type",
                           object_type_name(batch->todo[index].type), hex);
    }
    r = object_expand(batch->collect->catalog, found, &scratch, &bytes, err);
    if (r < 0) {
        hash_hex(&found->name, hex);
        return corrie_wrap(err, "read %s %.12s", object_type_name(found->type), hex);
    }
    return arena_str(&batch->arena, bytes, &batch->bytes[index]) < 0 ? corrie_fail_memory(err) : 0;
}

static int mark_node(struct collect *collect, struct str bytes, corrie_error *err)
{
    _free_ struct node *node = NULL;
    int r = node_decode(bytes, &node, err);

    if (r >= 0) {
        r = node_names(node, push_name, collect, err);
    }
    for (size_t i = 0; r >= 0 && node->level == 0 && i < node->n; i++) {
        r = mark_value(collect, &node->entries[i], err);
    }
    collect->counts.nodes++;
    return r;
}

static int mark_commit(struct collect *collect, struct str bytes, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct commit commit;
    int r = commit_decode(bytes, &arena, &commit, err);

    collect->counts.commits++;
    return r < 0 ? r : commit_names(&commit, push_name, collect, err);
}

/* What is missing may have been removed by somebody else. */
static int check_alone(struct collect *collect, corrie_error *err)
{
    struct backend *backend = collect->catalog->backend;
    struct backend_state state;
    int r = backend->ops->state(backend, &state, err);

    if (r < 0 || state.removals == collect->removals) {
        return r;
    }
    corrie_fail(err, CORRIE_E_CONFLICT, "another collection runs");
    err->retryable = true;
    return corrie_hint(err, "wait until it has ended");
}

static int missing(struct collect *collect, const char *type, const struct hash *name,
                   corrie_error *err)
{
    char hex[HASH_HEX + 1];
    int r = check_alone(collect, err);

    if (r < 0) {
        return r;
    }
    hash_hex(name, hex);
    corrie_fail(err, CORRIE_E_CORRUPT, "%s %.12s, which is in use, is missing", type, hex);
    return corrie_hint(err, "nothing was removed; `corrie fsck` lists what is damaged");
}

static int mark_batch(struct batch *batch, corrie_error *err)
{
    struct collect *collect = batch->collect;
    struct backend *backend = collect->catalog->backend;
    int r = backend->ops->get_objects(backend, batch->names, batch->n, take_object, batch, err);

    for (size_t i = 0; r >= 0 && i < batch->n; i++) {
        const struct collect_todo *todo = &batch->todo[i];
        char hex[HASH_HEX + 1];

        if (!batch->bytes[i].data) {
            return missing(collect, object_type_name(todo->type), &todo->name, err);
        }
        r = todo->type == OBJECT_COMMIT ? mark_commit(collect, batch->bytes[i], err)
                                        : mark_node(collect, batch->bytes[i], err);
        if (r == CORRIE_E_CORRUPT) {
            hash_hex(&todo->name, hex);
            return corrie_wrap(err, "read %s %.12s", object_type_name(todo->type), hex);
        }
    }
    return r;
}

int collect_drain(struct collect *collect, corrie_error *err)
{
    int r = 0;

    while (r >= 0 && collect->todo.count > 0) {
        _cleanup_(batch_done) struct batch batch = {.collect = collect, .arena = {0}};

        batch.n = collect->todo.count < BATCH ? collect->todo.count : BATCH;
        for (size_t i = 0; i < batch.n; i++) {
            batch.todo[i] = vec_pop(&collect->todo);
            batch.names[i] = batch.todo[i].name;
        }
        r = mark_batch(&batch, err);
        if (r >= 0 && !collect->swept) {
            r = collect_tick(collect, COLLECT_MARK, batch.n, err);
        }
    }
    return r;
}

/* ---- the scan ---- */

static int scan_object(void *arg, const struct backend_entry *entry, struct str stored,
                       corrie_error *err)
{
    struct collect *collect = arg;
    const struct backend_object found = {entry->name, entry->type, stored};
    struct str bytes;
    char hex[HASH_HEX + 1];
    int r;

    if (!hash_set_has(&collect->marked, &entry->name)) {
        if (!hash_set_has(&collect->maybe, &entry->name)) {
            return 0;
        }
        r = collect_push(collect, entry->type, &entry->name, err);
        if (r < 0) {
            return r;
        }
    }
    collect->n_met++;
    if (entry->type == OBJECT_DOC || entry->type == OBJECT_ORIGIN) {
        collect->n_met_docs++;
        return 0;
    }
    if (entry->type != OBJECT_NODE && entry->type != OBJECT_COMMIT) {
        hash_hex(&entry->name, hex);
        return corrie_fail(err, CORRIE_E_CORRUPT, "object %.12s is stored as type %d", hex,
                           entry->type);
    }
    r = object_expand(collect->catalog, &found, &collect->scratch, &bytes, err);
    if (r >= 0) {
        r = entry->type == OBJECT_COMMIT ? mark_commit(collect, bytes, err)
                                         : mark_node(collect, bytes, err);
    }
    if (r == CORRIE_E_CORRUPT) {
        hash_hex(&entry->name, hex);
        return corrie_wrap(err, "read %s %.12s", object_type_name(entry->type), hex);
    }
    return r;
}

/* Not all that is marked was met. */
static int scan_lacks(struct collect *collect, corrie_error *err)
{
    struct backend *backend = collect->catalog->backend;
    const struct hash_set *marked = &collect->marked;

    int r = check_alone(collect, err);

    for (size_t i = 0; r >= 0 && i < marked->n_slots; i++) {
        size_t index;

        if (hash_is_zero(&marked->slots[i])) {
            continue;
        }
        r = backend->ops->find_missing(backend, &marked->slots[i], 1, &index, err);
        if (r < 0 || index == 0) {
            return r < 0 ? r : missing(collect, "object", &marked->slots[i], err);
        }
    }
    if (r < 0) {
        return r;
    }
    corrie_fail(err, CORRIE_E_CORRUPT,
                "objects are stored as another type, or before what they name");
    return corrie_hint(err, "nothing was removed; `corrie fsck` lists what is damaged");
}

static int scan(struct collect *collect, corrie_error *err)
{
    struct backend *backend = collect->catalog->backend;
    size_t limit = collect->page < SCAN_PAGE ? collect->page : SCAN_PAGE;
    uint64_t before = 0;
    size_t n;
    int r;

    do {
        collect->scanning = true;
        r = backend->ops->scan_objects(backend, before, limit, scan_object, collect, &before, &n,
                                       err);
        collect->scanning = false;
        if (r >= 0) {
            r = collect_deliver(collect, err);
        }
        if (r >= 0) {
            r = collect_tick(collect, COLLECT_MARK, n, err);
        }
    } while (r >= 0 && n == limit);
    if (r >= 0 &&
        (collect->n_met != collect->marked.count || collect->n_met_docs != collect->counts.docs)) {
        r = scan_lacks(collect, err);
    }
    return r;
}

/* ---- where it starts ---- */

static int mark_refs(struct collect *collect, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct backend *backend = collect->catalog->backend;
    struct str after = STR_EMPTY;
    struct catalog_ref *refs;
    size_t n;

    do {
        int r = backend->ops->list_refs(backend, STR_EMPTY, 0, after, PAGE_OF_REFS, &arena, &refs,
                                        &n, err);

        for (size_t i = 0; r >= 0 && i < n; i++) {
            collect->counts.refs++;
            after = refs[i].name;
            r = collect_push(collect, OBJECT_COMMIT, &refs[i].commit, err);
        }
        if (r < 0) {
            return r;
        }
    } while (n == PAGE_OF_REFS);
    return 0;
}

static int add_old(void *arg, const struct hash *name, corrie_error *err)
{
    struct collect *collect = arg;

    return hash_set_add(&collect->maybe, name) < 0 ? corrie_fail_memory(err) : 0;
}

int collect_new(struct collect *collect, corrie_error *err)
{
    _free_ struct backend_entry *page = mem_alloc(COLLECT_PAGE, sizeof *page);
    struct backend *backend = collect->catalog->backend;
    uint64_t newest = collect->last;
    uint64_t before = 0;
    bool more = true;
    size_t n;

    if (!page) {
        return corrie_fail_memory(err);
    }
    while (more) {
        int r = backend->ops->list_objects(backend, before, COLLECT_PAGE, page, &n, err);

        for (size_t i = 0; r >= 0 && i < n; i++) {
            before = page[i].position;
            if (before <= collect->last) {
                more = false;
                break;
            }
            newest = before > newest ? before : newest;
            r = collect_push(collect, page[i].type, &page[i].name, err);
        }
        if (r < 0) {
            return r;
        }
        more = more && n == COLLECT_PAGE;
    }
    collect->last = newest;
    return collect_drain(collect, err);
}

int collect_mark(struct collect *collect, corrie_error *err)
{
    struct backend *backend = collect->catalog->backend;
    int r;

    collect->scanning = true; /* which finds what is pushed */
    r = mark_refs(collect, err);
    if (r >= 0) {
        r = backend->ops->reflog_commits(backend, collect->options.reflog_since, add_old, collect,
                                         err);
    }
    for (size_t i = 0; r >= 0 && i < collect->options.n_commits; i++) {
        r = add_old(collect, &collect->options.commits[i], err);
    }
    if (r >= 0) {
        r = scan(collect, err);
    }
    hash_set_done(&collect->maybe);
    return r < 0 ? corrie_wrap(err, "find out what is in use") : 0;
}
