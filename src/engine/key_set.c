/* key_set.c — a hash table of values that delete rows. */
#include "engine/key_set.h"

#include <math.h>

#include "base/hash.h"

enum { BLOCK = 256 /* rows that are looked up together */ };

/* A value of one or two columns as numbers, or of any columns as bytes. Two rows have the same numbers, or bytes,
 * exactly if all their values are the same. */
struct key {
    union {
        uint64_t words[2];
        struct str bytes;
    };
    uint32_t nulls; /* of the numbers: which columns are null */
};

/* A value that a file deletes. */
struct key_link {
    struct key key;
    uint32_t of;
    uint32_t next; /* of the same value: index + 1; 0 = none */
};

/* A slot holds enough of the hash to tell without looking further, in one line of the cache (base/map.h would touch
 * three, at each step). */
struct key_slot {
    uint32_t tag;  /* upper half of the hash */
    uint32_t link; /* index + 1; 0 = free */
};

void key_set_done(struct key_set *set)
{
    mem_free(set->slots);
    arena_done(&set->arena);
    vec_done(&set->links);
}

/* ---- columns ---- */

static size_t width_of(const struct duck *d, duckdb_logical_type type, bool *real)
{
    duckdb_type id = d->get_type_id(type);

    if (id == DUCKDB_TYPE_DECIMAL) {
        id = d->decimal_internal_type(type);
    }
    *real = id == DUCKDB_TYPE_FLOAT || id == DUCKDB_TYPE_DOUBLE;
    switch (id) {
    case DUCKDB_TYPE_BOOLEAN:
        return 1;
    case DUCKDB_TYPE_SMALLINT:
        return 2;
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_DATE:
    case DUCKDB_TYPE_FLOAT:
        return 4;
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UUID:
        return 16;
    case DUCKDB_TYPE_VARCHAR:
    case DUCKDB_TYPE_BLOB:
        return 0;
    default:
        return 8;
    }
}

void key_columns_open(const struct duck *d, duckdb_data_chunk chunk, idx_t first, size_t n,
                      struct key_column *ret)
{
    for (size_t i = 0; i < n; i++) {
        duckdb_vector vector = d->data_chunk_get_vector(chunk, first + i);
        duckdb_logical_type type = d->vector_get_column_type(vector);

        ret[i].validity = d->vector_get_validity(vector);
        ret[i].data = d->vector_get_data(vector);
        ret[i].width = width_of(d, type, &ret[i].real);
        d->destroy_logical_type(&type);
    }
}

static bool is_narrow(const struct key_column *columns, size_t n)
{
    return (n == 1 && columns[0].width > 0) ||
           (n == 2 && columns[0].width > 0 && columns[0].width <= 8 && columns[1].width > 0 &&
            columns[1].width <= 8);
}

static bool is_nan(const char *at, size_t width)
{
    double wide;
    float narrow;

    if (width == sizeof wide) {
        memcpy(&wide, at, sizeof wide);
        return isnan(wide);
    }
    memcpy(&narrow, at, sizeof narrow);
    return isnan(narrow);
}

/* ---- keys of numbers ---- */

/* One word a row; `step` and `size` are constants where this is inlined. */
static inline void load(const char *at, size_t step, size_t size, size_t n, size_t word,
                        struct key *keys)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t value = 0;

        memcpy(&value, at + i * step, size);
        keys[i].words[word] = value;
    }
}

static void load_words(const struct key_column *column, const char *at, size_t n, size_t word,
                       struct key *keys)
{
    switch (column->width) {
    case 1:
        load(at, 1, 1, n, word, keys);
        break;
    case 2:
        load(at, 2, 2, n, word, keys);
        break;
    case 4:
        load(at, 4, 4, n, word, keys);
        break;
    case 8:
        load(at, 8, 8, n, word, keys);
        break;
    default: /* the only column */
        load(at, 16, 8, n, 0, keys);
        load(at + 8, 16, 8, n, 1, keys);
    }
}

/* The keys of `n` rows from `first` on. */
static void number_keys(const struct key_column *columns, size_t n_columns, idx_t first, size_t n,
                        struct key *keys)
{
    memset(keys, 0, n * sizeof *keys);
    for (size_t c = 0; c < n_columns; c++) {
        const struct key_column *column = &columns[c];
        const char *at = column->data + first * column->width;

        load_words(column, at, n, c, keys);
        for (size_t i = 0; column->real && i < n; i++) {
            if (is_nan(at + i * column->width, column->width)) {
                keys[i].words[c] = UINT64_MAX; /* the bits of a NaN */
            }
        }
        for (size_t i = 0; column->validity && i < n; i++) {
            if (!valid_at(column->validity, first + i)) {
                keys[i].words[c] = 0;
                keys[i].words[1] = column->width == 16 ? 0 : keys[i].words[1];
                keys[i].nulls |= 1U << c;
            }
        }
    }
}

/* No two numbers of 64 bits have one hash (each step can be undone). */
static uint64_t number_hash(const struct key *key)
{
    uint64_t hash = key->words[0] * UINT64_C(0x9e3779b97f4a7c15);

    hash ^= hash >> 32;
    hash = (hash + key->words[1] + ((uint64_t)key->nulls << 61)) * UINT64_C(0xd6e8feb86659fd93);
    return hash ^ hash >> 29;
}

/* ---- keys of bytes ---- */

/* Null, or a mark and the bytes of the value. */
static void add_bytes(struct buf *out, const struct key_column *columns, size_t n, idx_t row)
{
    for (size_t i = 0; i < n; i++) {
        const struct key_column *column = &columns[i];
        const char *at = column->data + row * column->width;

        if (!valid_at(column->validity, row)) {
            buf_add_char(out, 0);
        } else if (column->width == 0) {
            struct str text = duck_text((const duckdb_string_t *)(const void *)column->data + row);

            buf_add_char(out, 1);
            buf_add_le32(out, (uint32_t)text.len);
            buf_add_str(out, text);
        } else if (column->real && is_nan(at, column->width)) {
            buf_add_char(out, 2);
        } else {
            buf_add_char(out, 1);
            buf_add(out, at, column->width);
        }
    }
}

/* ---- the table ---- */

static uint64_t hash_of(const struct key *key, bool narrow)
{
    return narrow ? number_hash(key) : hash_xx64(key->bytes, 0);
}

static bool same_key(const struct key *a, const struct key *b, bool narrow)
{
    return narrow ? a->words[0] == b->words[0] && a->words[1] == b->words[1] && a->nulls == b->nulls
                  : str_eq(a->bytes, b->bytes);
}

/* The slot where the key is, or the free one where it would go. */
static inline struct key_slot *find_slot(const struct key_set *set, uint64_t hash,
                                         const struct key *key, bool narrow)
{
    size_t at = hash & (set->n_slots - 1);

    while (set->slots[at].link > 0 &&
           (set->slots[at].tag != hash >> 32 ||
            !same_key(&set->links.items[set->slots[at].link - 1].key, key, narrow))) {
        at = (at + 1) & (set->n_slots - 1);
    }
    return &set->slots[at];
}

static int grow(struct key_set *set, bool narrow, corrie_error *err)
{
    size_t n_slots = set->n_slots ? set->n_slots * 2 : 1024;
    struct key_slot *old = set->slots;
    size_t n_old = set->n_slots;

    if (set->n_keys * 2 < set->n_slots) {
        return 0;
    }
    set->slots = mem_alloc(n_slots, sizeof *set->slots);
    if (!set->slots) {
        set->slots = old;
        return corrie_fail_memory(err);
    }
    set->n_slots = n_slots;
    for (size_t i = 0; i < n_old; i++) {
        if (old[i].link > 0) {
            const struct key *key = &set->links.items[old[i].link - 1].key;

            *find_slot(set, hash_of(key, narrow), key, narrow) = old[i];
        }
    }
    mem_free(old);
    return 0;
}

static int add_key(struct key_set *set, const struct key *key, bool narrow, uint32_t of,
                   corrie_error *err)
{
    uint64_t hash = hash_of(key, narrow);
    struct key_link link = {.key = *key, .of = of};
    struct key_slot *slot;
    int r = grow(set, narrow, err);

    if (r < 0) {
        return r;
    }
    slot = find_slot(set, hash, key, narrow);
    link.next = slot->link;
    if (link.next > 0 && set->links.items[link.next - 1].of == of) {
        return 0; /* twice in one file */
    }
    if (set->links.count >= CORRIE_MAX_DELETED_KEYS) {
        corrie_fail(err, CORRIE_E_LIMIT, "the table has more than %zu rows of equality deletes",
                    CORRIE_MAX_DELETED_KEYS);
        return corrie_hint(err, "let the engine that wrote them compact the table");
    }
    if (link.next > 0) {
        link.key = set->links.items[link.next - 1].key;
    } else if (!narrow) {
        set->arena.max = SIZE_MAX; /* CORRIE_MAX_DELETED_KEYS bounds it */
        if (arena_str(&set->arena, key->bytes, &link.key.bytes) < 0) {
            return corrie_fail_memory(err);
        }
    }
    if (vec_push(&set->links, link) < 0) {
        return corrie_fail_memory(err);
    }
    set->n_keys += link.next == 0;
    *slot = (struct key_slot){.tag = (uint32_t)(hash >> 32), .link = (uint32_t)set->links.count};
    return 0;
}

int key_set_add(struct key_set *set, const struct key_column *columns, size_t n_columns, idx_t row,
                uint32_t of, corrie_error *err)
{
    _cleanup_(buf_done) struct buf bytes = {0};
    struct key key = {0};
    int r = 0;

    if (is_narrow(columns, n_columns)) {
        number_keys(columns, n_columns, row, 1, &key);
        return add_key(set, &key, true, of, err);
    }
    add_bytes(&bytes, columns, n_columns, row);
    r = buf_check(&bytes, err);
    key.bytes = buf_str(&bytes);
    return r < 0 ? r : add_key(set, &key, false, of, err);
}

/* ---- looking up ---- */

/* A block of rows: their slots are on their way into the cache before the first is looked at. */
static void find_numbers(const struct key_set *set, const struct key_column *columns,
                         size_t n_columns, idx_t first, size_t n, uint32_t *ret)
{
    struct key keys[BLOCK];
    uint64_t hashes[BLOCK];

    number_keys(columns, n_columns, first, n, keys);
    for (size_t i = 0; i < n; i++) {
        hashes[i] = number_hash(&keys[i]);
        __builtin_prefetch(&set->slots[hashes[i] & (set->n_slots - 1)]);
    }
    for (size_t i = 0; i < n; i++) {
        ret[i] = find_slot(set, hashes[i], &keys[i], true)->link;
    }
}

static bool find_bytes(const struct key_set *set, const struct key_column *columns,
                       size_t n_columns, size_t n, uint32_t *ret)
{
    _cleanup_(buf_done) struct buf bytes = {0};

    for (size_t i = 0; i < n; i++) {
        struct key key = {0};

        buf_clear(&bytes);
        add_bytes(&bytes, columns, n_columns, i);
        if (bytes.failed) {
            return false;
        }
        key.bytes = buf_str(&bytes);
        ret[i] = find_slot(set, hash_of(&key, false), &key, false)->link;
    }
    return true;
}

bool key_set_find(const struct key_set *set, const struct key_column *columns, size_t n_columns,
                  size_t n, uint32_t *ret)
{
    if (set->n_slots == 0) {
        memset(ret, 0, n * sizeof *ret);
        return true;
    }
    if (!is_narrow(columns, n_columns)) {
        return find_bytes(set, columns, n_columns, n, ret);
    }
    for (size_t first = 0; first < n; first += BLOCK) {
        find_numbers(set, columns, n_columns, first, n - first < BLOCK ? n - first : BLOCK,
                     ret + first);
    }
    return true;
}

size_t key_set_next(const struct key_set *set, uint32_t *at)
{
    const struct key_link *link = &set->links.items[*at - 1];

    *at = link->next;
    return link->of;
}
