#include "help.h"

#include <unistd.h>

#include "base/mem.h"
#include "os/dir.h"

static char scratch_path[200];

static void remove_scratch(void)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;

    (void)!os_tree_remove(scratch_path, &ignored);
}

const char *scratch(void)
{
    if (!scratch_path[0]) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        _free_ char *path = NULL;

        ck_ok(os_temp_dir("corrie-engine", &path, &err), &err);
        ck_assert_uint_lt(strlen(path), sizeof scratch_path);
        memcpy(scratch_path, path, strlen(path) + 1);
        atexit(remove_scratch);
    }
    return scratch_path;
}

const char *in_scratch(const char *name)
{
    static char paths[8][400];
    static unsigned turn;
    char *path = paths[turn++ % 8];

    snprintf(path, 400, "%s/%s", scratch(), name);
    return path;
}

void write_file(const char *path, const char *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");

    ck_assert_msg(file != NULL, "open %s", path);
    ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static struct engine *open_engine(const struct engine_options *options)
{
    corrie_error err = CORRIE_ERROR_INIT;
    struct engine *engine = NULL;

    ck_ok(engine_open(options, &engine, &err), &err);
    return engine;
}

struct engine *engine_plain(void)
{
    return open_engine(&(struct engine_options){.threads = 2, .name_space = STR("shop")});
}

struct engine *engine_locked(const char *allowed)
{
    struct str directory = str_of(allowed);

    return open_engine(&(struct engine_options){.threads = 2,
                                                .name_space = STR("shop"),
                                                .locked = true,
                                                .allowed = &directory,
                                                .n_allowed = 1});
}

static void print_value(const struct ArrowArrayView *view, const struct ArrowSchema *schema,
                        int64_t row, struct buf *out)
{
    struct ArrowSchemaView type;
    struct ArrowError problem;

    ck_assert_int_eq(ArrowSchemaViewInit(&type, schema, &problem), NANOARROW_OK);
    if (ArrowArrayViewIsNull(view, row)) {
        buf_add_text(out, "null");
        return;
    }
    switch (type.type) {
    case NANOARROW_TYPE_FLOAT:
    case NANOARROW_TYPE_DOUBLE:
        buf_addf(out, "%.17g", ArrowArrayViewGetDoubleUnsafe(view, row));
        break;
    case NANOARROW_TYPE_STRING: {
        struct ArrowStringView text = ArrowArrayViewGetStringUnsafe(view, row);
        buf_add(out, text.data, (size_t)text.size_bytes);
        break;
    }
    case NANOARROW_TYPE_BINARY:
    case NANOARROW_TYPE_FIXED_SIZE_BINARY: {
        struct ArrowBufferView bytes = ArrowArrayViewGetBytesUnsafe(view, row);
        for (int64_t i = 0; i < bytes.size_bytes; i++) {
            buf_addf(out, "%02x", bytes.data.as_uint8[i]);
        }
        break;
    }
    case NANOARROW_TYPE_DECIMAL128: {
        struct ArrowDecimal decimal;
        struct ArrowBuffer digits;
        ArrowDecimalInit(&decimal, 128, type.decimal_precision, type.decimal_scale);
        ArrowArrayViewGetDecimalUnsafe(view, row, &decimal);
        ArrowBufferInit(&digits);
        ck_assert_int_eq(ArrowDecimalAppendStringToBuffer(&decimal, &digits), NANOARROW_OK);
        buf_add(out, digits.data, (size_t)digits.size_bytes);
        ArrowBufferReset(&digits);
        break;
    }
    case NANOARROW_TYPE_STRUCT:
        buf_add_char(out, '{');
        for (int64_t i = 0; i < view->n_children; i++) {
            buf_addf(out, "%s%s:", i ? "," : "", schema->children[i]->name);
            print_value(view->children[i], schema->children[i], view->offset + row, out);
        }
        buf_add_char(out, '}');
        break;
    case NANOARROW_TYPE_LIST:
    case NANOARROW_TYPE_MAP:
        buf_add_char(out, '[');
        for (int64_t i = ArrowArrayViewListChildOffset(view, row);
             i < ArrowArrayViewListChildOffset(view, row + 1); i++) {
            if (i > ArrowArrayViewListChildOffset(view, row)) {
                buf_add_char(out, ',');
            }
            print_value(view->children[0], schema->children[0], i, out);
        }
        buf_add_char(out, ']');
        break;
    default:
        buf_addf(out, "%lld", (long long)ArrowArrayViewGetIntUnsafe(view, row));
    }
}

static void print_batch(const struct ArrowArray *array, const struct ArrowSchema *schema,
                        struct buf *out)
{
    struct ArrowArrayView view;
    struct ArrowError problem;

    ck_assert_int_eq(ArrowArrayViewInitFromSchema(&view, schema, &problem), NANOARROW_OK);
    ck_assert_msg(ArrowArrayViewSetArray(&view, array, &problem) == NANOARROW_OK, "%s",
                  problem.message);
    ck_assert_msg(ArrowArrayViewValidate(&view, NANOARROW_VALIDATION_LEVEL_FULL, &problem) ==
                      NANOARROW_OK,
                  "%s", problem.message);
    for (int64_t row = 0; row < array->length; row++) {
        if (out->len > 0) {
            buf_add_char(out, '\n');
        }
        for (int64_t i = 0; i < array->n_children; i++) {
            if (i > 0) {
                buf_add_char(out, '|');
            }
            print_value(view.children[i], schema->children[i], row, out);
        }
    }
    ArrowArrayViewReset(&view);
}

const char *rows_of(struct engine *engine, const char *sql)
{
    static struct buf out;
    struct ArrowArrayStream stream = {0};
    struct ArrowSchema schema = {0};
    corrie_error err = CORRIE_ERROR_INIT;

    buf_clear(&out);
    ck_ok(engine_query(engine, str_of(sql), NULL, &stream, &err), &err);
    ck_assert_int_eq(stream.get_schema(&stream, &schema), 0);
    for (;;) {
        struct ArrowArray array = {0};
        int r = stream.get_next(&stream, &array);

        ck_assert_msg(r == 0, "%s: %s", sql, r ? stream.get_last_error(&stream) : "");
        if (!array.release) {
            break;
        }
        print_batch(&array, &schema, &out);
        array.release(&array);
    }
    schema.release(&schema);
    stream.release(&stream);
    return buf_text(&out);
}

int query_error(struct engine *engine, const char *sql, corrie_error *err)
{
    struct ArrowArrayStream stream = {0};
    struct ArrowArray array = {0};
    int r = engine_query(engine, str_of(sql), "q.sql", &stream, err);

    if (r < 0) {
        return r;
    }
    do {
        if (array.release) {
            array.release(&array);
        }
        r = stream.get_next(&stream, &array);
    } while (r == 0 && array.release);
    if (r != 0) {
        r = engine_stream_error(&stream, err);
    }
    stream.release(&stream);
    return r;
}

static int name_file(void *arg, unsigned ordinal, struct buf *ret, corrie_error *err)
{
    (void)err;
    buf_addf(ret, "%s/%s-%u.parquet", scratch(), (const char *)arg, ordinal);
    return 0;
}

size_t write_parquet(struct engine *engine, const char *sql, const struct schema *schema,
                     const char *name, int64_t max_rows, struct arena *arena,
                     struct engine_written **ret)
{
    corrie_error err = CORRIE_ERROR_INIT;
    size_t n = 0;
    const struct engine_write write = {.sql = str_of(sql),
                                       .schema = schema,
                                       .path = name_file,
                                       .arg = (void *)(uintptr_t)name,
                                       .max_rows = max_rows};

    ck_ok(engine_write_parquet(engine, &write, arena, ret, &n, &err), &err);
    return n;
}

struct schema schema_of(struct arena *arena, const char *text)
{
    corrie_error err = CORRIE_ERROR_INIT;
    struct schema schema = {0};
    struct str rest = str_of(text);
    int last = 0;

    schema.fields = arena_array(arena, struct field, 64);
    while (rest.len > 0) {
        struct field *field = &schema.fields[schema.n_fields++];
        struct str item;

        (void)str_cut(rest, ';', &item, &rest);
        ck_assert(str_cut(str_trim(item), ' ', &field->name, &item));
        ck_ok(type_from_sql(str_trim(item), field->name, arena, &field->type, &err), &err);
    }
    schema_assign_ids(&schema, &last);
    return schema;
}
