#include "tests/unit/check.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arrow/table.h"
#include "base/mem.h"
#include "os/memfd.h"
#include "worker/exchange_priv.h"

/* A table of `n` long columns c0 … with `rows` rows in chunks of `chunk`; value = column * 1000000 + row. */
static struct arrow_table *make_table(size_t n, int64_t rows, int64_t chunk)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct arrow_column **columns = mem_alloc(n, sizeof *columns);
    struct arrow_table *table;

    for (size_t c = 0; c < n; c++) {
        struct ArrowSchema schema;
        char name[16];

        snprintf(name, sizeof name, "c%zu", c);
        ArrowSchemaInit(&schema);
        ck_assert_int_eq(ArrowSchemaSetType(&schema, NANOARROW_TYPE_INT64), 0);
        ck_assert_int_eq(ArrowSchemaSetName(&schema, name), 0);
        ck_ok(arrow_column_new(&schema, &columns[c], &err), &err);
        for (int64_t at = 0; at < rows; at += chunk) {
            struct ArrowArray array;

            ck_assert_int_eq(ArrowArrayInitFromType(&array, NANOARROW_TYPE_INT64), 0);
            ck_assert_int_eq(ArrowArrayStartAppending(&array), 0);
            for (int64_t i = at; i < rows && i < at + chunk; i++) {
                ck_assert_int_eq(ArrowArrayAppendInt(&array, (int64_t)c * 1000000 + i), 0);
            }
            ck_assert_int_eq(ArrowArrayFinishBuildingDefault(&array, NULL), 0);
            ck_ok(arrow_column_append(columns[c], &array, &err), &err);
        }
    }
    ck_ok(arrow_table_new(columns, n, rows, &table, &err), &err);
    for (size_t c = 0; c < n; c++) {
        arrow_column_unref(columns[c]);
    }
    mem_free(columns);
    return table;
}

static int64_t value_at(const struct arrow_column *column, int64_t row)
{
    for (size_t i = 0; i < column->n_chunks; i++) {
        if (row < column->chunks[i].length) {
            return ((const int64_t *)column->chunks[i].buffers[1])[column->chunks[i].offset + row];
        }
        row -= column->chunks[i].length;
    }
    ck_abort_msg("no such row");
    return 0;
}

/* What goes in comes out, in sealed files, and outlives the exchange table. */
START_TEST(exchange_round_trip)
{
    _cleanup_(arrow_table_unrefp) struct arrow_table *table = make_table(3, 1000, 300);
    _cleanup_(arrow_table_unrefp) struct arrow_table *back = NULL;
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct exchange *exchange;

    ck_ok(exchange_from_table(table, NULL, &exchange, &err), &err);
    ck_assert_int_eq(exchange_rows(exchange), 1000);
    ck_assert_uint_ge(exchange_bytes(exchange), 24000);
    for (size_t i = 0; i < 3; i++) {
        struct exchange_column column = exchange_column(exchange, i);
        char byte = 0;

        ck_assert(os_memfd_is_sealed(column.fd));
        ck_assert_int_eq(write(column.fd, &byte, 1), -1);
    }
    ck_ok(exchange_table(exchange, &back, &err), &err);
    exchange_unref(exchange);
    ck_assert_int_eq(back->n_rows, 1000);
    ck_assert_int_eq(value_at(back->columns[2], 999), 2000999);
}
END_TEST

/* A projection is the same files: four readers of a table cost one table. */
START_TEST(exchange_selection)
{
    _cleanup_(arrow_table_unrefp) struct arrow_table *table = make_table(5, 10, 10);
    _cleanup_(arrow_table_unrefp) struct arrow_table *back = NULL;
    _cleanup_(exchange_unrefp) struct exchange *all = NULL, *some = NULL;
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct str names[] = {STR("c4"), STR("c1")};
    struct str wrong[] = {STR("c9")};

    ck_ok(exchange_from_table(table, NULL, &all, &err), &err);
    ck_ok(exchange_select(all, names, 2, &some, &err), &err);
    ck_assert_int_eq(exchange_column(some, 0).fd, exchange_column(all, 4).fd);
    ck_assert_uint_lt(exchange_bytes(some), exchange_bytes(all));
    all = exchange_unref(all);
    ck_ok(exchange_table(some, &back, &err), &err);
    ck_str_eq(arrow_column_name(back->columns[0]), STR("c4"));
    ck_assert_int_eq(value_at(back->columns[1], 3), 1000003);
    ck_assert_int_eq(exchange_select(some, wrong, 1, &all, &err), CORRIE_E_NOT_FOUND);
    ck_assert_ptr_nonnull(err.hint);
}
END_TEST

/* Very wide tables would need more descriptors than a process may have. */
START_TEST(exchange_wide)
{
    _cleanup_(arrow_table_unrefp) struct arrow_table *table = make_table(600, 3, 2);
    _cleanup_(arrow_table_unrefp) struct arrow_table *back = NULL;
    _cleanup_(exchange_unrefp) struct exchange *exchange = NULL;
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    ck_ok(exchange_from_table(table, NULL, &exchange, &err), &err);
    ck_assert_int_eq(exchange_column(exchange, 0).fd, exchange_column(exchange, 2).fd);
    ck_assert_int_ne(exchange_column(exchange, 0).fd, exchange_column(exchange, 3).fd);
    ck_ok(exchange_table(exchange, &back, &err), &err);
    ck_assert_uint_eq(back->n_columns, 600);
    ck_assert_int_eq(value_at(back->columns[599], 2), 599000002);
}
END_TEST

/* A table without rows still has its columns and their types. */
START_TEST(exchange_empty)
{
    _cleanup_(arrow_table_unrefp) struct arrow_table *table = make_table(2, 0, 1);
    _cleanup_(arrow_table_unrefp) struct arrow_table *back = NULL;
    _cleanup_(exchange_unrefp) struct exchange *exchange = NULL;
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    ck_ok(exchange_from_table(table, NULL, &exchange, &err), &err);
    ck_ok(exchange_table(exchange, &back, &err), &err);
    ck_assert_int_eq(back->n_rows, 0);
    ck_assert_uint_eq(back->n_columns, 2);
    ck_assert_str_eq(back->columns[1]->schema.format, "l");
}
END_TEST

/* A stream of batches that are slices: the shift of the batch counts for its columns. */
static int next_slice(struct ArrowArrayStream *stream, struct ArrowArray *ret)
{
    struct ArrowArrayStream *inner = stream->private_data;
    int result = inner->get_next(inner, ret);

    if (result == 0 && ret->release && ret->length > 4) {
        ret->offset = 3;
        ret->length -= 4;
    }
    return result;
}

static int inner_schema(struct ArrowArrayStream *stream, struct ArrowSchema *ret)
{
    struct ArrowArrayStream *inner = stream->private_data;

    return inner->get_schema(inner, ret);
}

static void inner_release(struct ArrowArrayStream *stream)
{
    struct ArrowArrayStream *inner = stream->private_data;

    inner->release(inner);
    stream->release = NULL;
}

START_TEST(exchange_slices)
{
    _cleanup_(arrow_table_unrefp) struct arrow_table *table = make_table(2, 20, 10);
    _cleanup_(arrow_table_unrefp) struct arrow_table *back = NULL;
    _cleanup_(exchange_unrefp) struct exchange *exchange = NULL;
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct ArrowArrayStream inner;
    struct ArrowArrayStream stream = {.get_schema = inner_schema,
                                      .get_next = next_slice,
                                      .release = inner_release,
                                      .private_data = &inner};

    ck_ok(arrow_table_stream(table, 0, &inner, &err), &err);
    ck_ok(exchange_from_stream(&stream, 0, NULL, &exchange, &err), &err);
    ck_assert_ptr_null(stream.release);
    ck_assert_int_eq(exchange_rows(exchange), 12);
    ck_ok(exchange_table(exchange, &back, &err), &err);
    ck_assert_int_eq(value_at(back->columns[1], 0), 1000003);
    ck_assert_int_eq(value_at(back->columns[1], 6), 1000013);
}
END_TEST

/* What another process says of its files is checked against them. */
START_TEST(exchange_claims)
{
    _cleanup_(arrow_table_unrefp) struct arrow_table *table = make_table(1, 10, 10);
    _cleanup_(exchange_unrefp) struct exchange *good = NULL;
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    static const struct {
        struct exchange_place places[2];
        size_t n;
        int64_t rows;
        bool opens;
    } claims[] = {
        {{{STR("a"), 0, 0}}, 1, 10, true},     {{{STR("a"), 0, 0}}, 1, 11, true},
        {{{STR("a"), 0, 1}}, 1, 10, true},     {{{STR("a"), 0, 0}, {STR("a"), 0, 0}}, 2, 10, false},
        {{{STR(""), 0, 0}}, 1, 10, false},     {{{STR("\xff"), 0, 0}}, 1, 10, false},
        {{{STR("a\0b"), 0, 0}}, 1, 10, false},
    };

    ck_ok(exchange_from_table(table, NULL, &good, &err), &err);
    for (size_t i = 0; i < ARRAY_LEN(claims); i++) {
        _cleanup_(exchange_unrefp) struct exchange *exchange = NULL;
        _cleanup_(arrow_table_unrefp) struct arrow_table *back = NULL;
        int fd = dup(exchange_column(good, 0).fd);
        int r =
            exchange_open(&fd, 1, claims[i].places, claims[i].n, claims[i].rows, &exchange, &err);

        ck_assert_int_eq(r, claims[i].opens ? 0 : CORRIE_E_DATA);
        if (r == 0) {
            ck_assert_int_eq(exchange_table(exchange, &back, &err), i == 0 ? 0 : CORRIE_E_DATA);
        } else {
            close(fd);
        }
        if (i == 0) {
            /* under the name that the table has for it */
            ck_str_eq(arrow_column_name(back->columns[0]), STR("a"));
            ck_assert_int_eq(value_at(back->columns[0], 9), 9);
        }
    }
}
END_TEST

/* Ctrl-C while a large table is handed over. */
START_TEST(exchange_cancelled)
{
    _cleanup_(arrow_table_unrefp) struct arrow_table *table = make_table(1, 10, 10);
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct exchange *exchange;
    struct cancel cancel = {.requested = 1};

    ck_fails(exchange_from_table(table, &cancel, &exchange, &err), CORRIE_E_CANCELLED, &err);
}
END_TEST

static int fail_at, n_allocations;

static int fail_allocation(void *arg)
{
    (void)arg;
    return ++n_allocations == fail_at;
}

/* Memory may run out at any moment: that is an error, and nothing is lost or left open. */
START_TEST(exchange_no_memory)
{
    _cleanup_(arrow_table_unrefp) struct arrow_table *table = make_table(3, 100, 30);
    struct str names[] = {STR("c2"), STR("c0")};
    bool whole = false;

    for (fail_at = 1; !whole && fail_at < 10000; fail_at++) {
        _cleanup_(exchange_unrefp) struct exchange *exchange = NULL, *some = NULL;
        _cleanup_(arrow_table_unrefp) struct arrow_table *back = NULL;
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        int r;

        n_allocations = 0;
        mem_set_fault(fail_allocation, NULL);
        r = exchange_from_table(table, NULL, &exchange, &err);
        r = r < 0 ? r : exchange_select(exchange, names, 2, &some, &err);
        r = r < 0 ? r : exchange_table(some, &back, &err);
        mem_set_fault(NULL, NULL);
        whole = n_allocations < fail_at;
        ck_assert_int_eq(r, whole ? 0 : CORRIE_E_NO_MEMORY);
    }
    ck_assert(whole);
    ck_assert_int_gt(fail_at, 20);
}
END_TEST

SUITE(exchange_suite, "exchange", exchange_round_trip, exchange_selection, exchange_wide,
      exchange_empty, exchange_slices, exchange_claims, exchange_cancelled, exchange_no_memory)
