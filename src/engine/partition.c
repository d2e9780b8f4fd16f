/* partition.c — which partition a row is of: a function of ours that DuckDB calls with vectors.
 *
 * corrie_partition(token, column…) gives the number of the tuple that the transforms make of a row's values. Numbers are
 * given in the order in which tuples are met, which differs from run to run where several threads work; so when all are
 * known they are ranked by their values, and corrie_partition_rank(token, number) gives the place of each.
 *
 * Invariants
 *   1. Values are transformed by transform_apply alone, from scalars: what is written agrees with what is pruned by.
 *   2. A group, once made, is never changed nor moved: callbacks compare with it without the lock. The map and the
 *      list of groups are touched under the lock only.
 *   3. Only the statement that was given the token gets numbers: a person's SQL that calls the function fails. */
#include "engine/parquet_priv.h"

#include "arrow/scalar.h"
#include "arrow/transform.h"
#include "base/uuid.h"

/* Groups that a callback has met lately, by the hash of their key: most rows find theirs without the lock. */
#define RECENT 256

struct group {
    struct str key; /* of the tuple: see add_value */
    int32_t number;
};

struct source {
    struct type type;
    struct transform transform;
    struct type result;
    struct str sql; /* "a"."b", behind a table and a point */
};

struct partitioner {
    struct engine *engine;
    int64_t token;
    struct arena arena;
    struct source *sources;
    size_t n;
    pthread_mutex_t lock; /* guards all below */
    struct map map;       /* key -> struct group */
    VEC(struct partition) partitions;
    int32_t *ranks; /* by first number; NULL until they are known */
    corrie_error error;
};

/* ---- out of vectors ---- */

__extension__ typedef __int128 int128;

/* The shortest two's complement, big-endian. */
static struct str decimal_bytes(int128 value, unsigned char *bytes)
{
    size_t first = 0;

    for (size_t i = 0; i < 16; i++) {
        bytes[i] = (unsigned char)(value >> 8 * (15 - i));
    }
    while (first < 15 && ((bytes[first] == 0 && !(bytes[first + 1] & 0x80)) ||
                          (bytes[first] == 0xff && bytes[first + 1] & 0x80))) {
        first++;
    }
    return str_make((const char *)bytes + first, 16 - first);
}

static int128 read_huge(const void *data, idx_t row)
{
    int128 value;

    memcpy(&value, (const char *)data + row * sizeof value, sizeof value);
    return value;
}

static int128 read_decimal(const struct type *type, const void *data, idx_t row)
{
    return type->precision <= 4    ? ((const int16_t *)data)[row]
           : type->precision <= 9  ? ((const int32_t *)data)[row]
           : type->precision <= 18 ? ((const int64_t *)data)[row]
                                   : read_huge(data, row);
}

/* All NaNs are one value. */
static struct str float_bytes(const struct type *type, const void *data, idx_t row,
                              unsigned char *bytes)
{
    size_t width = type->kind == TYPE_FLOAT ? sizeof(float) : sizeof(double);
    float single;
    double number;

    memcpy(bytes, (const char *)data + row * width, width);
    if (width == sizeof single) {
        memcpy(&single, bytes, width);
        single = single != single ? __builtin_nanf("") : single;
        memcpy(bytes, &single, width);
    } else {
        memcpy(&number, bytes, width);
        number = number != number ? __builtin_nan("") : number;
        memcpy(bytes, &number, width);
    }
    return str_make((const char *)bytes, width);
}

/* A value that is not null as a scalar: in `bytes` (16 of them) or borrowed from the vector. */
static struct str scalar_at(const struct duck *d, const struct type *type, duckdb_vector vector,
                            idx_t row, unsigned char *bytes)
{
    const void *data = d->vector_get_data(vector);
    int128 huge;

    switch (type->kind) {
    case TYPE_BOOLEAN:
        return str_make((const char *)data + row, 1);
    case TYPE_INT:
    case TYPE_DATE:
        return str_make((const char *)data + row * 4, 4);
    case TYPE_LONG:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        return str_make((const char *)data + row * 8, 8);
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        return float_bytes(type, data, row, bytes);
    case TYPE_DECIMAL:
        return decimal_bytes(read_decimal(type, data, row), bytes);
    case TYPE_UUID:
        huge = read_huge(data, row);
        for (size_t i = 0; i < 16; i++) {
            bytes[i] = (unsigned char)(huge >> 8 * (15 - i));
        }
        bytes[0] ^= 0x80; /* DuckDB flips it so that UUIDs sort as signed numbers */
        return str_make((const char *)bytes, 16);
    default:
        return vector_text(d, vector, row);
    }
}

/* ---- numbers ---- */

/* A value of a key: its length, 0xffffffff for null, and its bytes. */
static void add_value(struct buf *key, struct str value)
{
    uint32_t len = value.data ? (uint32_t)value.len : UINT32_MAX;

    buf_add(key, &len, sizeof len);
    if (value.data) {
        buf_add_str(key, value);
    }
}

static int split_key(struct str key, size_t n, struct arena *arena, struct str **ret)
{
    struct str *values = arena_array(arena, struct str, n);
    size_t at = 0;

    for (size_t i = 0; values && i < n; i++) {
        uint32_t len;

        memcpy(&len, key.data + at, sizeof len);
        at += sizeof len;
        values[i] = (struct str){NULL, 0};
        if (len != UINT32_MAX) {
            values[i] = str_make(key.data + at, len);
            at += len;
        }
    }
    *ret = values;
    return values ? 0 : CORRIE_E_NO_MEMORY;
}

static int make_group(struct partitioner *p, struct str key, struct group **ret, corrie_error *err)
{
    struct group *group = arena_new(&p->arena, struct group);
    struct partition partition = {0};

    if (p->partitions.count >= CORRIE_MAX_WRITE_PARTITIONS) {
        corrie_fail(err, CORRIE_E_LIMIT, "the rows fall into more than %d partitions",
                    CORRIE_MAX_WRITE_PARTITIONS);
        return corrie_hint(err, "partition by something coarser, or write fewer rows at a time");
    }
    if (!group || arena_str(&p->arena, key, &group->key) < 0 ||
        split_key(group->key, p->n, &p->arena, &partition.values) < 0 ||
        vec_push(&p->partitions, partition) < 0) {
        return corrie_fail_memory(err);
    }
    group->number = (int32_t)p->partitions.count - 1;
    if (map_put(&p->map, group->key, group) < 0) {
        return corrie_fail_memory(err);
    }
    *ret = group;
    return 0;
}

static int find_group(struct partitioner *p, struct str key, struct group **ret, corrie_error *err)
{
    int r = 0;

    pthread_mutex_lock(&p->lock);
    *ret = map_get(&p->map, key);
    if (!*ret) {
        r = make_group(p, key, ret, err);
    }
    pthread_mutex_unlock(&p->lock);
    return r;
}

static size_t hash_key(struct str key)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < key.len; i++) {
        hash = (hash ^ (unsigned char)key.data[i]) * UINT64_C(0x100000001b3);
    }
    return (size_t)(hash >> 20) % RECENT;
}

struct column {
    duckdb_vector vector;
    const uint64_t *validity;
};

static int add_tuple(struct partitioner *p, const struct column *columns, idx_t row,
                     struct arena *scratch, struct buf *key, corrie_error *err)
{
    buf_clear(key);
    for (size_t i = 0; i < p->n; i++) {
        const struct source *source = &p->sources[i];
        struct str value = {NULL, 0};
        unsigned char bytes[16];
        int r;

        if (valid_at(columns[i].validity, row)) {
            value = scalar_at(p->engine->d, &source->type, columns[i].vector, row, bytes);
        }
        r = transform_apply(&source->transform, &source->type, value, scratch, &value, err);
        if (r < 0) {
            return corrie_wrap(err, "partition by %.*s", STR_FMT(source->sql));
        }
        add_value(key, value);
    }
    return buf_check(key, err);
}

static int number_rows(struct partitioner *p, duckdb_data_chunk input, int32_t *numbers,
                       corrie_error *err)
{
    const struct duck *d = p->engine->d;
    struct group *recent[RECENT] = {0};
    _cleanup_(arena_done) struct arena scratch = {0};
    _cleanup_(buf_done) struct buf key = {0};
    idx_t rows = d->data_chunk_get_size(input);
    struct column *columns = arena_array(&scratch, struct column, p->n);
    int r = columns ? 0 : corrie_fail_memory(err);

    for (size_t i = 0; r == 0 && i < p->n; i++) {
        columns[i].vector = d->data_chunk_get_vector(input, i + 1);
        columns[i].validity = d->vector_get_validity(columns[i].vector);
    }
    for (idx_t row = 0; r == 0 && row < rows; row++) {
        struct group **slot;

        r = add_tuple(p, columns, row, &scratch, &key, err);
        if (r < 0) {
            break;
        }
        slot = &recent[hash_key(buf_str(&key))];
        if (!*slot || !str_eq((*slot)->key, buf_str(&key))) {
            r = find_group(p, buf_str(&key), slot, err);
        }
        numbers[row] = r == 0 ? (*slot)->number : 0;
    }
    return r;
}

/* The partitioner of a call; NULL and an error for one that is a person's. */
static struct partitioner *partitioner_of(const struct duck *d, duckdb_function_info info,
                                          duckdb_data_chunk input)
{
    struct engine *engine = d->scalar_function_get_extra_info(info);
    const int64_t *token = d->vector_get_data(d->data_chunk_get_vector(input, 0));
    struct partitioner *p = engine->partitioner;

    if (!p || d->data_chunk_get_size(input) == 0 || token[0] != p->token) {
        d->scalar_function_set_error(info, "this function is not for queries");
        return NULL;
    }
    return p;
}

static void on_call(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    const struct duck *d = NULL;
    struct partitioner *p;

    if (duck_load(&d, &err) < 0 || !(p = partitioner_of(d, info, input))) {
        return;
    }
    if (number_rows(p, input, d->vector_get_data(output), &err) < 0) {
        pthread_mutex_lock(&p->lock);
        if (p->error.code == 0) {
            corrie_error_move(&p->error, &err);
        }
        pthread_mutex_unlock(&p->lock);
        d->scalar_function_set_error(info, "partition values");
    }
}

static void on_rank(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    const struct duck *d = NULL;
    struct partitioner *p;
    const int32_t *numbers;
    int32_t *ranks;

    if (duck_load(&d, &err) < 0 || !(p = partitioner_of(d, info, input))) {
        return;
    }
    numbers = d->vector_get_data(d->data_chunk_get_vector(input, 1));
    ranks = d->vector_get_data(output);
    for (idx_t i = 0; i < d->data_chunk_get_size(input); i++) {
        if (!p->ranks || numbers[i] < 0 || (size_t)numbers[i] >= p->partitions.count) {
            d->scalar_function_set_error(info, "there is no such partition");
            return;
        }
        ranks[i] = p->ranks[numbers[i]];
    }
}

static int register_one(struct engine *engine, const char *name, duckdb_scalar_function_t call,
                        duckdb_type argument, bool several, corrie_error *err)
{
    const struct duck *d = engine->d;
    duckdb_scalar_function function = d->create_scalar_function();
    duckdb_logical_type type = d->create_logical_type(argument);
    duckdb_logical_type number = d->create_logical_type(DUCKDB_TYPE_INTEGER);
    duckdb_logical_type token = d->create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_state state;

    d->scalar_function_set_name(function, name);
    d->scalar_function_add_parameter(function, token);
    if (several) {
        d->scalar_function_set_varargs(function, type);
    } else {
        d->scalar_function_add_parameter(function, type);
    }
    d->scalar_function_set_return_type(function, number);
    d->scalar_function_set_special_handling(function); /* nulls have partitions */
    d->scalar_function_set_volatile(function);
    d->scalar_function_set_extra_info(function, engine, NULL);
    d->scalar_function_set_function(function, call);
    state = d->register_scalar_function(engine->session.con, function);
    d->destroy_scalar_function(&function);
    d->destroy_logical_type(&type);
    d->destroy_logical_type(&number);
    d->destroy_logical_type(&token);
    return state == DuckDBSuccess
               ? 0
               : corrie_fail(err, CORRIE_E_INTERNAL, "DuckDB did not take our function");
}

static int register_functions(struct engine *engine, corrie_error *err)
{
    int r = 0;

    if (!engine->has_partition_function) {
        r = register_one(engine, "corrie_partition", on_call, DUCKDB_TYPE_ANY, true, err);
        if (r == 0) {
            r = register_one(engine, "corrie_partition_rank", on_rank, DUCKDB_TYPE_INTEGER, false,
                             err);
        }
        engine->has_partition_function = r == 0;
    }
    return r;
}

/* ---- opening ---- */

/* The field of that id and the SQL of its path; not inside lists and maps. */
static const struct field *find_source(const struct field *fields, size_t n, int id,
                                       struct buf *path)
{
    for (size_t i = 0; i < n; i++) {
        const struct field *found = NULL;
        size_t len = path->len;

        buf_add_text(path, len ? "." : "");
        buf_add_sql_name(path, fields[i].name);
        if (fields[i].id == id) {
            return &fields[i];
        }
        if (fields[i].type.kind == TYPE_STRUCT) {
            found = find_source(fields[i].type.fields, fields[i].type.n_fields, id, path);
        }
        if (found) {
            return found;
        }
        path->len = len;
    }
    return NULL;
}

static int set_source(struct partitioner *p, const struct engine_write *write, size_t at,
                      corrie_error *err)
{
    const struct engine_partition_field *field = &write->partition[at];
    struct source *source = &p->sources[at];
    _cleanup_(buf_done) struct buf path = {0};
    const struct field *found =
        find_source(write->schema->fields, write->schema->n_fields, field->source_id, &path);
    int r = buf_check(&path, err);

    if (r < 0) {
        return r;
    }
    if (!found) {
        return corrie_fail(err, CORRIE_E_USAGE, "partition by field %d: there is no such column",
                           field->source_id);
    }
    source->transform = field->transform;
    source->type = found->type;
    if (!transform_result(&source->transform, &source->type, &source->result)) {
        return corrie_fail(err, CORRIE_E_USAGE, "partition by %s: its type has no such transform",
                           buf_text(&path));
    }
    return arena_str(&p->arena, buf_str(&path), &source->sql) < 0 ? corrie_fail_memory(err) : 0;
}

struct partitioner *partitioner_close(struct partitioner *partitioner)
{
    if (partitioner) {
        if (partitioner->engine->partitioner == partitioner) {
            partitioner->engine->partitioner = NULL;
        }
        pthread_mutex_destroy(&partitioner->lock);
        map_done(&partitioner->map);
        vec_done(&partitioner->partitions);
        corrie_error_clear(&partitioner->error);
        arena_done(&partitioner->arena);
        mem_free(partitioner);
    }
    return NULL;
}

int partitioner_open(struct engine *engine, const struct engine_write *write,
                     struct partitioner **ret, corrie_error *err)
{
    _cleanup_(partitioner_closep) struct partitioner *p = mem_alloc(1, sizeof *p);
    struct uuid token = uuid_random();
    int r;

    if (!p) {
        return corrie_fail_memory(err);
    }
    p->engine = engine;
    p->n = write->n_partition;
    pthread_mutex_init(&p->lock, NULL);
    memcpy(&p->token, token.bytes, sizeof p->token);
    p->token &= INT64_MAX;
    p->sources = arena_array(&p->arena, struct source, p->n);
    if (!p->sources) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < p->n; i++) {
        r = set_source(p, write, i, err);
        if (r < 0) {
            return r;
        }
    }
    r = register_functions(engine, err);
    if (r < 0) {
        return r;
    }
    engine->partitioner = p;
    *ret = TAKE_PTR(p);
    return 0;
}

void partitioner_add_call(const struct partitioner *partitioner, const char *table, struct buf *out)
{
    buf_addf(out, "corrie_partition(%lld", (long long)partitioner->token);
    for (size_t i = 0; i < partitioner->n; i++) {
        buf_addf(out, ", %s.%.*s", table, STR_FMT(partitioner->sources[i].sql));
    }
    buf_add_char(out, ')');
}

int partitioner_error(struct partitioner *partitioner, corrie_error *err)
{
    if (partitioner->error.code == 0) {
        return 0;
    }
    corrie_error_clear(err);
    return corrie_error_move(err, &partitioner->error);
}

struct partition *partitioner_partitions(struct partitioner *partitioner, size_t *ret_n)
{
    *ret_n = partitioner->partitions.count;
    return partitioner->partitions.items;
}

void partitioner_add_rank(const struct partitioner *partitioner, const char *number,
                          struct buf *out)
{
    buf_addf(out, "corrie_partition_rank(%lld, %s)", (long long)partitioner->token, number);
}

/* ---- ranks ---- */

struct ranked {
    const struct partitioner *partitioner;
    struct partition partition;
    size_t number;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *one = a;
    const struct ranked *other = b;

    for (size_t i = 0; i < one->partitioner->n; i++) {
        _error_ corrie_error ignored = CORRIE_ERROR_INIT;
        struct str x = one->partition.values[i];
        struct str y = other->partition.values[i];
        int order = !x.data - !y.data;

        if (order == 0 && x.data &&
            scalar_compare(&one->partitioner->sources[i].result, x, y, &order, &ignored) < 0) {
            order = 0; /* cannot be: transform_apply made both */
        }
        if (order == 0 && x.data) {
            order = str_cmp(x, y); /* -0 and +0 */
        }
        if (order != 0) {
            return order;
        }
    }
    return 0;
}

int partitioner_rank(struct partitioner *partitioner, corrie_error *err)
{
    size_t n = partitioner->partitions.count;
    _cleanup_(arena_done) struct arena arena = {0};
    struct ranked *ranked = arena_array(&arena, struct ranked, n);
    int32_t *ranks = arena_array(&partitioner->arena, int32_t, n);

    if (!ranked || !ranks) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        ranked[i] = (struct ranked){partitioner, partitioner->partitions.items[i], i};
    }
    qsort(ranked, n, sizeof *ranked, compare_ranked);
    for (size_t i = 0; i < n; i++) {
        partitioner->partitions.items[i] = ranked[i].partition;
        ranks[ranked[i].number] = (int32_t)i;
    }
    partitioner->ranks = ranks;
    return 0;
}
