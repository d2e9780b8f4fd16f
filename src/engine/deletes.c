/* deletes.c — position and equality deletes: reading them, and asking them for each row. */
#include "engine/deletes.h"

#include <stdlib.h>

#include "engine/files.h"
#include "engine/key_set.h"

enum { NO_KEY = -1, MAX_KEY_FIELDS = 1000 };

struct of_file {
    const size_t *items; /* ascending */
    size_t n;
    uint64_t *bits; /* 1 = deleted; NULL: no position delete hit it */
    int64_t rows;
};

struct deletes {
    struct engine *engine;
    const struct engine_table *table; /* until all is read */
    size_t id;
    struct arena arena;
    ptrdiff_t *key_of; /* of each delete file; NO_KEY = positions */
    struct delete_key *keys;
    struct key_set *sets;
    size_t n_keys;
    struct of_file *files;
    size_t n_files;
};

struct delete_registry {
    const struct duck *d;
    pthread_mutex_t lock;
    VEC(struct deletes *) items; /* by id */
};

/* ---- life ---- */

static struct deletes *deletes_free(struct deletes *deletes)
{
    for (size_t i = 0; i < deletes->n_files; i++) {
        mem_free(deletes->files[i].bits);
    }
    for (size_t i = 0; i < deletes->n_keys; i++) {
        key_set_done(&deletes->sets[i]);
    }
    arena_done(&deletes->arena);
    mem_free(deletes);
    return NULL;
}

struct delete_registry *delete_registry_free(struct delete_registry *registry)
{
    if (registry) {
        for (size_t i = 0; i < registry->items.count; i++) {
            deletes_free(registry->items.items[i]);
        }
        vec_done(&registry->items);
        pthread_mutex_destroy(&registry->lock);
        mem_free(registry);
    }
    return NULL;
}

static struct deletes *deletes_by_id(struct delete_registry *registry, int64_t id)
{
    struct deletes *found = NULL;

    pthread_mutex_lock(&registry->lock);
    if (id >= 0 && (size_t)id < registry->items.count) {
        found = registry->items.items[id];
    }
    pthread_mutex_unlock(&registry->lock);
    return found;
}

/* ---- what applies to what ---- */

static bool applies(const struct of_file *file, size_t of)
{
    size_t low = 0;
    size_t high = file->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (file->items[middle] < of) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < file->n && file->items[low] == of;
}

const struct delete_key *deletes_keys(const struct deletes *deletes, size_t *ret_n)
{
    *ret_n = deletes->n_keys;
    return deletes->keys;
}

static bool any_of(const struct deletes *deletes, size_t file, ptrdiff_t key)
{
    const struct of_file *of = &deletes->files[file];

    for (size_t i = 0; i < of->n; i++) {
        if (deletes->key_of[of->items[i]] == key) {
            return true;
        }
    }
    return false;
}

bool deletes_positions_of(const struct deletes *deletes, size_t file)
{
    return any_of(deletes, file, NO_KEY);
}

bool deletes_key_of(const struct deletes *deletes, size_t file, size_t key)
{
    return any_of(deletes, file, (ptrdiff_t)key);
}

size_t deletes_id(const struct deletes *deletes)
{
    return deletes->id;
}

/* ---- the functions ---- */

static const int64_t *numbers(const struct duck *d, duckdb_data_chunk chunk, idx_t column)
{
    return d->vector_get_data(d->data_chunk_get_vector(chunk, column));
}

/* The functions get their registry from DuckDB, which has to be called for it. */
static const struct duck *loaded(void)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    const struct duck *d = NULL;

    return duck_load(&d, &ignored) < 0 ? NULL : d;
}

static void on_kept(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    const struct duck *d = loaded();
    struct delete_registry *registry = d->scalar_function_get_extra_info(info);
    idx_t n = d->data_chunk_get_size(input);
    bool *kept = d->vector_get_data(output);
    const int64_t *ids = numbers(d, input, 0);
    const int64_t *files = numbers(d, input, 1);
    const int64_t *rows = numbers(d, input, 2);
    struct deletes *deletes = n > 0 ? deletes_by_id(registry, ids[0]) : NULL;

    for (idx_t i = 0; i < n; i++) {
        const struct of_file *file = NULL;

        if (deletes && files[i] >= 0 && (size_t)files[i] < deletes->n_files) {
            file = &deletes->files[files[i]];
        }
        kept[i] = !file || !file->bits || rows[i] < 0 || rows[i] >= file->rows ||
                  !(file->bits[rows[i] / 64] >> (rows[i] % 64) & 1);
    }
}

/* Whether one of the files that delete a row, from that place on, applies to its file. */
static bool is_deleted(const struct key_set *set, const struct of_file *file, uint32_t at)
{
    while (at > 0) {
        if (applies(file, key_set_next(set, &at))) {
            return true;
        }
    }
    return false;
}

static void on_unmatched(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    const struct duck *d = loaded();
    struct delete_registry *registry = d->scalar_function_get_extra_info(info);
    idx_t n = d->data_chunk_get_size(input);
    size_t n_keys = d->data_chunk_get_column_count(input) - 3;
    bool *kept = d->vector_get_data(output);
    const int64_t *ids = numbers(d, input, 0);
    const int64_t *sets = numbers(d, input, 1);
    const int64_t *files = numbers(d, input, 2);
    struct deletes *deletes = n > 0 ? deletes_by_id(registry, ids[0]) : NULL;
    _free_ struct key_column *columns = mem_alloc(n_keys, sizeof *columns);
    _free_ uint32_t *found = mem_alloc(n, sizeof *found);
    const struct key_set *set;

    memset(kept, true, n * sizeof *kept);
    if (!deletes || sets[0] < 0 || (size_t)sets[0] >= deletes->n_keys ||
        deletes->keys[sets[0]].n_fields != n_keys) {
        return; /* no row, or a call that is none of ours */
    }
    set = &deletes->sets[sets[0]];
    if (columns) {
        key_columns_open(d, input, 3, n_keys, columns);
    }
    if (!columns || !found || !key_set_find(set, columns, n_keys, n, found)) {
        d->scalar_function_set_error(info, DUCK_NO_MEMORY);
        return;
    }
    for (idx_t i = 0; i < n; i++) {
        if (found[i] > 0 && files[i] >= 0 && (size_t)files[i] < deletes->n_files) {
            kept[i] = !is_deleted(set, &deletes->files[files[i]], found[i]);
        }
    }
}

static bool register_function(struct engine *engine, struct delete_registry *registry,
                              const char *name, duckdb_scalar_function_t run, bool keys)
{
    const struct duck *d = engine->d;
    duckdb_scalar_function function = d->create_scalar_function();
    duckdb_logical_type number = d->create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_logical_type truth = d->create_logical_type(DUCKDB_TYPE_BOOLEAN);
    duckdb_logical_type any = d->create_logical_type(DUCKDB_TYPE_ANY);
    duckdb_state state;

    d->scalar_function_set_name(function, name);
    for (size_t i = 0; i < 3; i++) {
        d->scalar_function_add_parameter(function, number);
    }
    if (keys) {
        d->scalar_function_set_varargs(function, any);
        d->scalar_function_set_special_handling(function); /* null is a value like others */
    }
    d->scalar_function_set_return_type(function, truth);
    d->scalar_function_set_extra_info(function, registry, NULL);
    d->scalar_function_set_function(function, run);
    state = d->register_scalar_function(engine->session.con, function);
    d->destroy_scalar_function(&function);
    d->destroy_logical_type(&number);
    d->destroy_logical_type(&truth);
    d->destroy_logical_type(&any);
    return state == DuckDBSuccess;
}

static int registry_of(struct engine *engine, struct delete_registry **ret, corrie_error *err)
{
    struct delete_registry *registry = engine->deletes;

    if (!registry) {
        registry = mem_alloc(1, sizeof *registry);
        if (!registry) {
            return corrie_fail_memory(err);
        }
        registry->d = engine->d;
        pthread_mutex_init(&registry->lock, NULL);
        engine->deletes = registry; /* the functions know it: it goes after the database */
        if (!register_function(engine, registry, "corrie_kept", on_kept, false) ||
            !register_function(engine, registry, "corrie_unmatched", on_unmatched, true)) {
            return corrie_fail(err, CORRIE_E_INTERNAL, "DuckDB did not take our functions");
        }
    }
    *ret = registry;
    return 0;
}

/* ---- making ---- */

static int compare_fields(const void *a, const void *b)
{
    const struct field *x = a;
    const struct field *y = b;

    return x->id < y->id ? -1 : x->id > y->id;
}

static bool same_key(const struct delete_key *a, const struct delete_key *b)
{
    if (a->n_fields != b->n_fields) {
        return false;
    }
    for (size_t i = 0; i < a->n_fields; i++) {
        if (a->fields[i].id != b->fields[i].id ||
            !type_same(&a->fields[i].type, &b->fields[i].type)) {
            return false;
        }
    }
    return true;
}

/* The columns of an equality delete file as a key, by id. */
static int make_key(struct deletes *deletes, const struct engine_delete *given,
                    struct delete_key *ret, corrie_error *err)
{
    struct field *fields = arena_array(&deletes->arena, struct field, given->n_fields + 1);

    if (given->n_fields == 0 || given->n_fields > MAX_KEY_FIELDS) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "the delete file %.*s compares %zu columns",
                           STR_FMT(given->path), given->n_fields);
    }
    if (!fields) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < given->n_fields; i++) {
        struct field field = {.id = given->fields[i].id, .type = given->fields[i].type};
        char *name = arena_printf(&deletes->arena, "k%d", field.id);

        if (type_is_nested(&field.type) || field.id <= 0) {
            return corrie_fail(err, CORRIE_E_CORRUPT,
                               "the delete file %.*s compares column %.*s, which is nested",
                               STR_FMT(given->path), STR_FMT(given->fields[i].name));
        }
        if (!name) {
            return corrie_fail_memory(err);
        }
        field.name = str_of(name);
        fields[i] = field;
    }
    qsort(fields, given->n_fields, sizeof *fields, compare_fields);
    *ret = (struct delete_key){.fields = fields, .n_fields = given->n_fields};
    return 0;
}

static int make_keys(struct deletes *deletes, corrie_error *err)
{
    const struct engine_table *table = deletes->table;

    for (size_t i = 0; i < table->n_deletes; i++) {
        struct delete_key key;
        size_t at = 0;
        int r;

        deletes->key_of[i] = NO_KEY;
        if (!table->deletes[i].equality) {
            continue;
        }
        r = make_key(deletes, &table->deletes[i], &key, err);
        if (r < 0) {
            return r;
        }
        while (at < deletes->n_keys && !same_key(&deletes->keys[at], &key)) {
            at++;
        }
        if (at == deletes->n_keys) {
            deletes->keys[deletes->n_keys++] = key;
        }
        deletes->key_of[i] = (ptrdiff_t)at;
    }
    return 0;
}

static int make_files(struct deletes *deletes, corrie_error *err)
{
    const struct engine_table *table = deletes->table;

    for (size_t i = 0; i < table->n_files; i++) {
        const struct engine_file *file = &table->files[i];
        size_t *items = arena_array(&deletes->arena, size_t, file->n_deletes + 1);

        if (!items) {
            return corrie_fail_memory(err);
        }
        for (size_t k = 0; k < file->n_deletes; k++) {
            if (file->deletes[k] >= table->n_deletes ||
                (k > 0 && file->deletes[k] <= file->deletes[k - 1])) {
                return corrie_fail(err, CORRIE_E_INTERNAL, "deletes of %.*s are out of order",
                                   STR_FMT(file->path));
            }
            items[k] = file->deletes[k];
        }
        deletes->files[i] = (struct of_file){.items = items, .n = file->n_deletes};
    }
    return 0;
}

int deletes_new(struct engine *engine, const struct engine_table *table, struct deletes **ret,
                corrie_error *err)
{
    struct delete_registry *registry = NULL;
    struct deletes *deletes;
    int r = registry_of(engine, &registry, err);

    if (r < 0) {
        return r;
    }
    deletes = mem_alloc(1, sizeof *deletes);
    if (!deletes) {
        return corrie_fail_memory(err);
    }
    deletes->engine = engine;
    deletes->table = table;
    pthread_mutex_lock(&registry->lock);
    deletes->id = registry->items.count;
    r = vec_push(&registry->items, deletes);
    pthread_mutex_unlock(&registry->lock);
    if (r < 0) {
        deletes_free(deletes);
        return corrie_fail_memory(err);
    }
    deletes->key_of = arena_array(&deletes->arena, ptrdiff_t, table->n_deletes + 1);
    deletes->keys = arena_array(&deletes->arena, struct delete_key, table->n_deletes + 1);
    deletes->sets = arena_array(&deletes->arena, struct key_set, table->n_deletes + 1);
    deletes->files = arena_array(&deletes->arena, struct of_file, table->n_files + 1);
    if (!deletes->key_of || !deletes->keys || !deletes->sets || !deletes->files) {
        return corrie_fail_memory(err);
    }
    deletes->n_files = table->n_files;
    r = make_keys(deletes, err);
    if (r == 0) {
        r = make_files(deletes, err);
    }
    if (r == 0) {
        *ret = deletes;
    }
    return r;
}

/* ---- reading position deletes ---- */

struct positions {
    struct deletes *deletes;
    const size_t *given; /* delete files in the order of the query */
    const int64_t *rows; /* of the data files */
    struct map by_path;  /* path without its scheme -> data file's number + 1 */
    size_t *same;        /* next data file of the same path, number + 1 */
    struct arena arena;
    struct str last_path; /* of the rows before, in `last_bytes` */
    struct buf last_bytes;
    size_t last_file; /* number + 1; 0: none of ours */
};

/* "file:///x", "file:/x" and "/x" are one file. */
static struct str plain_path(struct str path)
{
    if (str_starts(path, STR("file:"))) {
        path = str_from(path, 5);
        while (path.len > 1 && path.data[0] == '/' && path.data[1] == '/') {
            path = str_from(path, 1);
        }
    }
    return path;
}

static int know_path(struct positions *positions, struct str path, size_t file)
{
    struct str plain = plain_path(path);
    struct map_entry *entry = map_find(&positions->by_path, plain);

    if (entry) {
        size_t before = (size_t)(uintptr_t)entry->value;

        if (before != file + 1) {
            positions->same[file] = before;
            entry->value = (void *)(uintptr_t)(file + 1);
        }
        return 0;
    }
    return map_put(&positions->by_path, plain, (void *)(uintptr_t)(file + 1));
}

static int know_paths(struct positions *positions, corrie_error *err)
{
    const struct engine_table *table = positions->deletes->table;

    positions->same = arena_array(&positions->arena, size_t, table->n_files + 1);
    if (!positions->same) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < table->n_files; i++) {
        const struct engine_file *file = &table->files[i];

        if (know_path(positions, file->path, i) < 0 ||
            (file->recorded.len > 0 &&
             !str_eq(plain_path(file->recorded), plain_path(file->path)) &&
             know_path(positions, file->recorded, i) < 0)) {
            return corrie_fail_memory(err);
        }
    }
    return 0;
}

static int delete_row(struct positions *positions, size_t file, size_t of, int64_t row,
                      corrie_error *err)
{
    struct of_file *data = &positions->deletes->files[file];

    if (!applies(data, of) || row < 0 || row >= positions->rows[file]) {
        return 0;
    }
    if (!data->bits) {
        data->bits = mem_alloc((size_t)positions->rows[file] / 64 + 1, sizeof *data->bits);
        if (!data->bits) {
            return corrie_fail_memory(err);
        }
        data->rows = positions->rows[file];
    }
    data->bits[row / 64] |= UINT64_C(1) << (row % 64);
    return 0;
}

static int look_up_path(struct positions *positions, struct str path, corrie_error *err)
{
    struct map_entry *entry;

    buf_clear(&positions->last_bytes);
    buf_add_str(&positions->last_bytes, path);
    if (positions->last_bytes.failed) {
        return buf_check(&positions->last_bytes, err);
    }
    positions->last_path = buf_str(&positions->last_bytes);
    entry = map_find(&positions->by_path, plain_path(path));
    positions->last_file = entry ? (size_t)(uintptr_t)entry->value : 0;
    return 0;
}

static int on_positions(void *arg, duckdb_data_chunk chunk, corrie_error *err)
{
    struct positions *positions = arg;
    const struct duck *d = positions->deletes->engine->d;
    idx_t n = d->data_chunk_get_size(chunk);
    const int64_t *from = numbers(d, chunk, 0);
    duckdb_vector paths = d->data_chunk_get_vector(chunk, 1);
    duckdb_vector rows = d->data_chunk_get_vector(chunk, 2);
    const duckdb_string_t *texts = d->vector_get_data(paths);
    const int64_t *numbers_of_rows = d->vector_get_data(rows);
    const uint64_t *valid_paths = d->vector_get_validity(paths);
    const uint64_t *valid_rows = d->vector_get_validity(rows);
    int r = 0;

    for (idx_t i = 0; r == 0 && i < n; i++) {
        size_t of = positions->given[from[i]];

        if (!valid_at(valid_paths, i) || !valid_at(valid_rows, i)) {
            return corrie_fail(err, CORRIE_E_CORRUPT,
                               "the delete file %.*s has rows without file_path or pos",
                               STR_FMT(positions->deletes->table->deletes[of].path));
        }
        if (!positions->last_path.data || !str_eq(positions->last_path, duck_text(&texts[i]))) {
            r = look_up_path(positions, duck_text(&texts[i]), err);
        }
        for (size_t file = positions->last_file; r == 0 && file > 0;
             file = positions->same[file - 1]) {
            r = delete_row(positions, file - 1, of, numbers_of_rows[i], err);
        }
    }
    return r;
}

static int read_positions(struct deletes *deletes, const int64_t *rows, corrie_error *err)
{
    const struct engine_table *table = deletes->table;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf sql = {0};
    size_t *given = arena_array(&arena, size_t, table->n_deletes + 1);
    struct positions positions = {.deletes = deletes, .given = given, .rows = rows};
    size_t n = 0;
    int r;

    if (!given) {
        return corrie_fail_memory(err);
    }
    buf_add_text(&sql, "SELECT CAST(file_index AS BIGINT), file_path, pos FROM read_parquet([");
    for (size_t i = 0; i < table->n_deletes; i++) {
        if (!table->deletes[i].equality) {
            buf_add_text(&sql, n > 0 ? "," : "");
            add_path(&sql, table->deletes[i].path);
            given[n++] = i;
        }
    }
    buf_add_text(&sql,
                 "], hive_partitioning = false, schema = MAP {"
                 "'file_path': {'name': 'file_path', 'type': 'VARCHAR', 'default_value': NULL}, "
                 "'pos': {'name': 'pos', 'type': 'BIGINT', 'default_value': NULL}})");
    r = n == 0 ? 0 : buf_check(&sql, err);
    if (n > 0 && r == 0) {
        r = know_paths(&positions, err);
        if (r == 0) {
            r = rows_each_chunk(deletes->engine, &deletes->engine->session, buf_text(&sql),
                                &(struct origin){.data = true}, on_positions, &positions, err);
        }
    }
    map_done(&positions.by_path);
    arena_done(&positions.arena);
    buf_done(&positions.last_bytes);
    return r;
}

/* ---- reading equality deletes ---- */

struct equalities {
    struct deletes *deletes;
    size_t key;
    const size_t *given; /* delete files in the order of the query */
    struct key_column *columns;
};

static int on_equalities(void *arg, duckdb_data_chunk chunk, corrie_error *err)
{
    struct equalities *equalities = arg;
    const struct duck *d = equalities->deletes->engine->d;
    struct key_set *set = &equalities->deletes->sets[equalities->key];
    size_t n_fields = equalities->deletes->keys[equalities->key].n_fields;
    idx_t n = d->data_chunk_get_size(chunk);
    const int64_t *from = numbers(d, chunk, n_fields);
    int r = 0;

    key_columns_open(d, chunk, 0, n_fields, equalities->columns);
    for (idx_t i = 0; r == 0 && i < n; i++) {
        r = key_set_add(set, equalities->columns, n_fields, i, (uint32_t)equalities->given[from[i]],
                        err);
    }
    return r;
}

static int read_key(struct deletes *deletes, size_t key, corrie_error *err)
{
    const struct engine_table *table = deletes->table;
    const struct delete_key *columns = &deletes->keys[key];
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf sql = {0};
    size_t *given = arena_array(&arena, size_t, table->n_deletes + 1);
    struct engine_file *paths = arena_array(&arena, struct engine_file, table->n_deletes + 1);
    struct equalities equalities = {
        .deletes = deletes,
        .key = key,
        .given = given,
        .columns = arena_array(&arena, struct key_column, columns->n_fields + 1)};
    size_t n = 0;
    int r;

    if (!given || !paths || !equalities.columns) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < table->n_deletes; i++) {
        if (deletes->key_of[i] == (ptrdiff_t)key) {
            paths[n] = (struct engine_file){.path = table->deletes[i].path};
            given[n++] = i;
        }
    }
    buf_add_text(&sql, "FROM ");
    r = files_select(&(struct files){.files = paths,
                                     .n_files = n,
                                     .fields = columns->fields,
                                     .n_fields = columns->n_fields,
                                     .names = table->names,
                                     .n_names = table->n_names,
                                     .anywhere = true,
                                     .positions = true},
                     &sql, err);
    if (r == 0) {
        r = buf_check(&sql, err);
    }
    if (r == 0) {
        r = rows_each_chunk(deletes->engine, &deletes->engine->session, buf_text(&sql),
                            &(struct origin){.data = true}, on_equalities, &equalities, err);
    }
    return r;
}

int deletes_read(struct deletes *deletes, const int64_t *rows, corrie_error *err)
{
    int r = read_positions(deletes, rows, err);

    for (size_t key = 0; r == 0 && key < deletes->n_keys; key++) {
        r = read_key(deletes, key, err);
    }
    deletes->table = NULL;
    return r;
}
