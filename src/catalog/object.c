#include "catalog/object.h"

#include <zstd.h>
#include <zstd_errors.h>

#include "base/json.h"
#include "catalog/catalog_priv.h"

enum stored_form { STORED_PLAIN = 0, STORED_ZSTD = 1 };

#define COMPRESSION_LEVEL 1 /* measured: higher ones gain a hundredth and cost a tenth */
#define COMPRESS_FROM 96    /* bytes: shorter ones do not get smaller */

const char *object_type_name(int type)
{
    static const char *const names[] = {NULL, "node", "commit", "doc", "origin"};

    return type > 0 && type < (int)ARRAY_LEN(names) ? names[type] : NULL;
}

struct hash object_name(enum object_type type, struct str bytes)
{
    static const struct str headers[] = {
        [OBJECT_NODE] = {"corrie node 1", sizeof "corrie node 1"},
        [OBJECT_COMMIT] = {"corrie commit 1", sizeof "corrie commit 1"},
        [OBJECT_DOC] = {"corrie doc 1", sizeof "corrie doc 1"},
        [OBJECT_ORIGIN] = {"corrie origin 1", sizeof "corrie origin 1"},
    };
    const struct str pieces[] = {headers[type], bytes};

    return hash_pieces(pieces, 2);
}

/* ---- the table ---- */

static size_t slot_of(const struct object_table *table, const struct hash *name)
{
    uint64_t start;

    memcpy(&start, name->bytes, sizeof start);
    return (size_t)start & (table->n_slots - 1);
}

static int table_grow(struct object_table *table)
{
    size_t n = table->n_slots ? table->n_slots * 2 : 256;
    struct object **slots = mem_alloc(n, sizeof *slots);
    struct object **old = table->slots;
    size_t n_old = table->n_slots;

    if (!slots) {
        return CORRIE_E_NO_MEMORY;
    }
    table->slots = slots;
    table->n_slots = n;
    for (size_t i = 0; i < n_old; i++) {
        while (old[i]) {
            struct object *object = old[i];
            size_t slot = slot_of(table, &object->name);

            old[i] = object->next;
            object->next = slots[slot];
            slots[slot] = object;
        }
    }
    mem_free(old);
    return 0;
}

static size_t object_memory(const struct object *object)
{
    return sizeof *object + object->len + (object->node ? object->node->memory : 0);
}

static void idle_remove(struct object_table *table, struct object *object)
{
    *(object->newer ? &object->newer->older : &table->newest) = object->older;
    *(object->older ? &object->older->newer : &table->oldest) = object->newer;
    object->newer = object->older = NULL;
    table->idle_bytes -= object_memory(object);
}

static void idle_add(struct object_table *table, struct object *object)
{
    object->newer = NULL;
    object->older = table->newest;
    *(table->newest ? &table->newest->newer : &table->oldest) = object;
    table->newest = object;
    table->idle_bytes += object_memory(object);
}

static void table_remove(struct object_table *table, struct object *object)
{
    struct object **link = &table->slots[slot_of(table, &object->name)];

    while (*link != object) {
        link = &(*link)->next;
    }
    *link = object->next;
    table->count--;
}

static void object_free(struct object_table *table, struct object *object)
{
    table_remove(table, object);
    mem_free(object->node);
    mem_free(object);
}

/* In memory, with a reference for the caller; or NULL. */
static struct object *table_find(struct object_table *table, enum object_type type,
                                 const struct hash *name)
{
    struct object *object = table->n_slots ? table->slots[slot_of(table, name)] : NULL;

    while (object && (!hash_eq(&object->name, name) || object->type != type)) {
        object = object->next;
    }
    if (object && object->refs++ == 0) {
        idle_remove(table, object);
    }
    return object;
}

static int table_insert(struct object_table *table, enum object_type type, const struct hash *name,
                        struct str bytes, bool stored, struct object **ret, corrie_error *err)
{
    struct object *object;
    size_t slot;

    if (table->count >= table->n_slots && table_grow(table) < 0) {
        return corrie_fail_memory(err);
    }
    object = mem_resize(NULL, 1, sizeof *object + bytes.len);
    if (!object) {
        return corrie_fail_memory(err);
    }
    *object = (struct object){
        .name = *name, .refs = 1, .len = bytes.len, .type = (uint8_t)type, .stored = stored};
    if (bytes.len > 0) {
        memcpy(object->bytes, bytes.data, bytes.len);
    }
    slot = slot_of(table, name);
    object->next = table->slots[slot];
    table->slots[slot] = object;
    table->count++;
    *ret = object;
    return 0;
}

static void evict(struct object_table *table, size_t max_bytes)
{
    while (table->idle_bytes > max_bytes) {
        struct object *oldest = table->oldest;

        idle_remove(table, oldest);
        object_free(table, oldest);
    }
}

void object_unref(struct catalog *catalog, struct object *object)
{
    struct object_table *table = &catalog->objects;

    if (!object || --object->refs > 0) {
        return;
    }
    if (!object->stored) {
        object_free(table, object);
        return;
    }
    idle_add(table, object);
    evict(table, table->max_bytes);
}

void object_table_clear(struct catalog *catalog)
{
    evict(&catalog->objects, 0);
}

void object_table_forget(struct catalog *catalog)
{
    struct object_table *table = &catalog->objects;

    evict(table, 0);
    for (size_t i = 0; i < table->n_slots; i++) {
        for (struct object *object = table->slots[i]; object; object = object->next) {
            object->stored = false;
        }
    }
}

void object_hold_done(struct object_hold *hold)
{
    object_unref(hold->catalog, hold->object);
    hold->object = NULL;
}

void object_table_done(struct catalog *catalog)
{
    struct object_table *table = &catalog->objects;

    for (size_t i = 0; i < table->n_slots; i++) {
        while (table->slots[i]) {
            object_free(table, table->slots[i]);
        }
    }
    mem_free(table->slots);
    *table = (struct object_table){0};
}

/* ---- stored form ---- */

static int stored_expand(struct catalog *catalog, struct str stored, struct buf *scratch,
                         struct str *ret, corrie_error *err)
{
    unsigned long long size;
    size_t got;
    char *into;

    if (stored.len > 0 && stored.data[0] == STORED_PLAIN) {
        *ret = str_from(stored, 1);
        return 0;
    }
    if (stored.len == 0 || stored.data[0] != STORED_ZSTD) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "it is stored in an unknown form");
    }
    stored = str_from(stored, 1);
    size = ZSTD_getFrameContentSize(stored.data, stored.len);
    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR ||
        size > CORRIE_MAX_OBJECT) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "it does not state a size that is allowed");
    }
    if (!catalog->expander) {
        catalog->expander = ZSTD_createDCtx();
    }
    into = buf_reserve(scratch, (size_t)size + 1);
    if (!into || !catalog->expander) {
        return corrie_fail_memory(err);
    }
    got = ZSTD_decompressDCtx(catalog->expander, into, (size_t)size, stored.data, stored.len);
    if (ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation) {
        return corrie_fail_memory(err);
    }
    if (ZSTD_isError(got) || got != size) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "it cannot be decompressed");
    }
    *ret = (struct str){into, got};
    return 0;
}

static int stored_make(struct catalog *catalog, struct str bytes, struct arena *arena,
                       struct str *ret, corrie_error *err)
{
    size_t room = COMPRESS_FROM <= bytes.len ? ZSTD_compressBound(bytes.len) : bytes.len;
    char *stored = arena_alloc(arena, 1, room + 1);
    size_t got = 0;

    if (!stored) {
        return corrie_fail_memory(err);
    }
    if (bytes.len >= COMPRESS_FROM) {
        if (!catalog->compressor) {
            catalog->compressor = ZSTD_createCCtx();
        }
        if (!catalog->compressor) {
            return corrie_fail_memory(err);
        }
        got = ZSTD_compressCCtx(catalog->compressor, stored + 1, room, bytes.data, bytes.len,
                                COMPRESSION_LEVEL);
        if (ZSTD_isError(got)) {
            return corrie_fail(err, CORRIE_E_NO_MEMORY, "compress an object: %s",
                               ZSTD_getErrorName(got));
        }
    }
    if (got > 0 && got < bytes.len) {
        stored[0] = STORED_ZSTD;
        *ret = (struct str){stored, got + 1};
        return 0;
    }
    stored[0] = STORED_PLAIN;
    if (bytes.len > 0) {
        memcpy(stored + 1, bytes.data, bytes.len);
    }
    *ret = (struct str){stored, bytes.len + 1};
    return 0;
}

/* ---- reading and adding ---- */

struct fetch {
    struct catalog *catalog;
    enum object_type type;
    const struct hash *name;
    struct object *object;
};

int object_expand(struct catalog *catalog, const struct backend_object *found, struct buf *scratch,
                  struct str *ret, corrie_error *err)
{
    struct hash name;
    int r = stored_expand(catalog, found->stored, scratch, ret, err);

    if (r < 0) {
        return r;
    }
    name = object_name((enum object_type)found->type, *ret);
    return hash_eq(&name, &found->name)
               ? 0
               : corrie_fail(err, CORRIE_E_CORRUPT, "its bytes are not what was stored");
}

static int take_fetched(void *arg, size_t index, const struct backend_object *found,
                        corrie_error *err)
{
    struct fetch *fetch = arg;
    _cleanup_(buf_done) struct buf scratch = {0};
    struct str bytes;
    int r;

    (void)index;
    if (found->type != (int)fetch->type) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "it is stored as another type");
    }
    r = object_expand(fetch->catalog, found, &scratch, &bytes, err);
    if (r < 0) {
        return r;
    }
    fetch->catalog->n_reads++;
    return table_insert(&fetch->catalog->objects, fetch->type, fetch->name, bytes, true,
                        &fetch->object, err);
}

int object_get(struct catalog *catalog, enum object_type type, const struct hash *name,
               struct object **ret, corrie_error *err)
{
    struct fetch fetch = {catalog, type, name, NULL};
    char hex[HASH_HEX + 1];
    int r;

    fetch.object = table_find(&catalog->objects, type, name);
    if (!fetch.object) {
        r = catalog->backend->ops->get_objects(catalog->backend, name, 1, take_fetched, &fetch,
                                               err);
        if (r < 0 || !fetch.object) {
            hash_hex(name, hex);
            if (r >= 0) {
                corrie_fail(err, CORRIE_E_CORRUPT, "%s %.12s is missing",
                            object_type_name((int)type), hex);
                return corrie_hint(err, "`corrie fsck` lists what is damaged");
            }
            corrie_wrap(err, "read %s %.12s", object_type_name((int)type), hex);
            return r == CORRIE_E_CORRUPT ? corrie_hint(err, "`corrie fsck` lists what is damaged")
                                         : r;
        }
    }
    *ret = fetch.object;
    return 0;
}

bool object_in_memory(struct catalog *catalog, enum object_type type, const struct hash *name)
{
    struct object_table *table = &catalog->objects;
    const struct object *object = table->n_slots ? table->slots[slot_of(table, name)] : NULL;

    while (object && (!hash_eq(&object->name, name) || object->type != type)) {
        object = object->next;
    }
    return object != NULL;
}

struct prefetch {
    struct catalog *catalog;
    enum object_type type;
};

static int take_prefetched(void *arg, size_t index, const struct backend_object *found,
                           corrie_error *err)
{
    struct prefetch *prefetch = arg;
    struct fetch fetch = {prefetch->catalog, prefetch->type, &found->name, NULL};
    int r;

    if (object_in_memory(prefetch->catalog, prefetch->type, &found->name)) {
        return 0; /* asked for twice */
    }
    r = take_fetched(&fetch, index, found, err);
    if (r == CORRIE_E_CORRUPT) {
        corrie_error_clear(err);
        return 0;
    }
    object_unref(prefetch->catalog, fetch.object);
    return r;
}

#define PREFETCH_MAX 64

int object_prefetch(struct catalog *catalog, enum object_type type, const struct hash *names,
                    size_t n, corrie_error *err)
{
    struct prefetch prefetch = {catalog, type};
    struct hash wanted[PREFETCH_MAX];
    size_t n_wanted = 0;

    for (size_t i = 0; i < n && n_wanted < PREFETCH_MAX; i++) {
        if (!object_in_memory(catalog, type, &names[i])) {
            wanted[n_wanted++] = names[i];
        }
    }
    return n_wanted < 2 ? 0
                        : catalog->backend->ops->get_objects(catalog->backend, wanted, n_wanted,
                                                             take_prefetched, &prefetch, err);
}

int object_make(struct catalog *catalog, enum object_type type, struct str bytes,
                struct object **ret, corrie_error *err)
{
    struct hash name = object_name(type, bytes);
    struct object *object;

    if (bytes.len > CORRIE_MAX_OBJECT) {
        return corrie_fail(err, CORRIE_E_LIMIT, "a %s of %zu bytes is larger than the %zu allowed",
                           object_type_name((int)type), bytes.len, CORRIE_MAX_OBJECT);
    }
    object = table_find(&catalog->objects, type, &name);
    if (object) {
        *ret = object;
        return 0;
    }
    return table_insert(&catalog->objects, type, &name, bytes, false, ret, err);
}

int object_list_push(struct catalog *catalog, struct object_list *list, struct object *object,
                     corrie_error *err)
{
    if (vec_reserve(list, list->count + 1) < 0) {
        return corrie_fail_memory(err);
    }
    list->catalog = catalog;
    list->items[list->count++] = object;
    return 0;
}

int object_add(struct catalog *catalog, enum object_type type, struct str bytes,
               struct object_list *list, struct hash *ret, corrie_error *err)
{
    struct object *object;
    int r;

    r = object_make(catalog, type, bytes, &object, err);
    if (r < 0) {
        return r;
    }
    r = object_list_push(catalog, list, object, err);
    if (r < 0) {
        object_unref(catalog, object);
        return r;
    }
    *ret = object->name;
    return 0;
}

void object_list_done(struct object_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        object_unref(list->catalog, list->items[i]);
    }
    vec_done(list);
}

unsigned object_rank(int type, struct str bytes)
{
    switch (type) {
    case OBJECT_NODE:
        return 1 + (bytes.len > 0 ? (unsigned char)bytes.data[0] : 0); /* its level */
    case OBJECT_COMMIT:
        return 1000; /* a list has a commit after its parents */
    default:
        return 0;
    }
}

struct ranked {
    const struct object *object;
    unsigned rank;
    size_t index;
};

static int rank_order(const void *a, const void *b)
{
    const struct ranked *x = a;
    const struct ranked *y = b;

    return x->rank != y->rank ? (x->rank < y->rank ? -1 : 1) : x->index < y->index ? -1 : 1;
}

int object_list_pack(struct catalog *catalog, const struct object_list *list, struct arena *arena,
                     struct backend_object **ret, corrie_error *err)
{
    struct backend_object *packed = arena_array(arena, struct backend_object, list->count);
    struct ranked *ranked = arena_array(arena, struct ranked, list->count);
    int r;

    if (!packed || !ranked) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < list->count; i++) {
        const struct object *object = list->items[i];

        ranked[i] = (struct ranked){object, object_rank(object->type, object_bytes(object)), i};
    }
    qsort(ranked, list->count, sizeof *ranked, rank_order);
    for (size_t i = 0; i < list->count; i++) {
        const struct object *object = ranked[i].object;

        packed[i].name = object->name;
        packed[i].type = object->type;
        r = stored_make(catalog, object_bytes(object), arena, &packed[i].stored, err);
        if (r < 0) {
            return r;
        }
    }
    *ret = packed;
    return 0;
}

int object_add_json(struct catalog *catalog, enum object_type type, struct str bytes,
                    struct object_list *list, struct hash *ret, corrie_error *err)
{
    _json_ json_t *parsed = NULL;
    int r;

    if (type != OBJECT_DOC && type != OBJECT_ORIGIN) {
        return corrie_fail(err, CORRIE_E_INTERNAL, "only docs and origins are added as JSON");
    }
    if (bytes.len > CORRIE_MAX_DOC) {
        return corrie_fail(err, CORRIE_E_LIMIT, "a %s of %zu bytes is larger than the %zu allowed",
                           object_type_name((int)type), bytes.len, CORRIE_MAX_DOC);
    }
    r = js_parse_canonical(bytes, object_type_name((int)type), &parsed, err);
    if (r == CORRIE_E_CORRUPT) {
        err->code = CORRIE_E_INTERNAL;
        return err->code;
    }
    return r < 0 ? r : object_add(catalog, type, bytes, list, ret, err);
}

int object_read(struct catalog *catalog, enum object_type type, const struct hash *name,
                struct arena *arena, struct str *ret, corrie_error *err)
{
    _cleanup_(object_hold_done) struct object_hold hold = {catalog, NULL};
    int r;

    r = object_get(catalog, type, name, &hold.object, err);
    if (r < 0) {
        return r;
    }
    return arena_str(arena, object_bytes(hold.object), ret) < 0 ? corrie_fail_memory(err) : 0;
}
