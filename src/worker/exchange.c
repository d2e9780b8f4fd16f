#include "worker/exchange.h"

#include <pthread.h>
#include <stdatomic.h>

#include "arrow/ipc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "os/file.h"
#include "os/memfd.h"
#include "worker/exchange_priv.h"

#define MAX_NAME 1024

/* One sealed memory file. `content` is decoded on first use, under the lock, and kept: it holds the mapping. */
struct file {
    atomic_int refs;
    int fd;
    uint64_t size;
    pthread_mutex_t lock;
    struct arrow_table *content;
};

struct column {
    struct str name; /* of the table's own names */
    size_t file;
    size_t field;
};

struct exchange {
    atomic_int refs;
    struct file **files;
    size_t n_files;
    struct column *columns;
    size_t n_columns;
    char *names;
    int64_t n_rows;
};

/* ---- files ---- */

static struct file *file_unref(struct file *file)
{
    if (file && atomic_fetch_sub_explicit(&file->refs, 1, memory_order_acq_rel) == 1) {
        arrow_table_unrefp(&file->content);
        os_close(file->fd);
        pthread_mutex_destroy(&file->lock);
        mem_free(file);
    }
    return NULL;
}

static struct file *file_ref(struct file *file)
{
    atomic_fetch_add_explicit(&file->refs, 1, memory_order_relaxed);
    return file;
}

/* Waits a little for a child of the writer's that was killed a moment ago and still has the file mapped. */
static int seal(int fd, corrie_error *err)
{
    for (int tries = 0;; tries++) {
        int r = os_memfd_is_sealed(fd) ? 0 : os_memfd_seal(fd, err);

        if (r != CORRIE_E_BUSY || tries == 40) {
            return r;
        }
        corrie_error_clear(err);
        clock_sleep(25 * 1000000);
    }
}

/* Takes *fd: sealed, reopened. */
static int file_open(int *fd, struct file **ret, corrie_error *err)
{
    _close_ int own = TAKE_FD(*fd);
    _close_ int reading = -1;
    struct file *file;
    struct os_stat info;
    int r;

    r = seal(own, err);
    if (r < 0) {
        return r;
    }
    /* Only now, when it is known to be a memory file, may it be opened: a pipe would block. */
    r = os_fd_reopen_read(own, &reading, err);
    r = r < 0 ? r : os_fd_stat(reading, "a memory file", &info, err);
    if (r < 0) {
        return r;
    }
    if (info.size > CORRIE_MAX_EXCHANGE_FILE) {
        return corrie_fail(err, CORRIE_E_LIMIT, "a memory file of %llu bytes",
                           (unsigned long long)info.size);
    }
    file = mem_alloc(1, sizeof *file);
    if (!file) {
        return corrie_fail_memory(err);
    }
    atomic_init(&file->refs, 1);
    file->fd = TAKE_FD(reading);
    file->size = info.size;
    pthread_mutex_init(&file->lock, NULL);
    *ret = file;
    return 0;
}

static void drop_mapping(void *arg)
{
    os_mapping_unref(arg);
}

static int file_decode(struct file *file, const char *what, corrie_error *err)
{
    struct os_mapping *mapping;
    int r;

    if (file->content) {
        return 0;
    }
    r = os_map_fd(file->fd, what, &mapping, err);
    if (r < 0) {
        return r;
    }
    return ipc_decode(str_make((const char *)mapping->data, mapping->size),
                      (struct ipc_hold){drop_mapping, mapping}, what, &file->content, err);
}

/* *ret is a new reference. */
static int file_content(struct file *file, const char *what, struct arrow_table **ret,
                        corrie_error *err)
{
    int r;

    pthread_mutex_lock(&file->lock);
    r = file_decode(file, what, err);
    if (r >= 0) {
        *ret = arrow_table_ref(file->content);
    }
    pthread_mutex_unlock(&file->lock);
    return r;
}

/* ---- tables ---- */

struct exchange *exchange_ref(struct exchange *exchange)
{
    atomic_fetch_add_explicit(&exchange->refs, 1, memory_order_relaxed);
    return exchange;
}

struct exchange *exchange_unref(struct exchange *exchange)
{
    if (exchange && atomic_fetch_sub_explicit(&exchange->refs, 1, memory_order_acq_rel) == 1) {
        for (size_t i = 0; exchange->files && i < exchange->n_files; i++) {
            file_unref(exchange->files[i]);
        }
        mem_free(exchange->files);
        mem_free(exchange->columns);
        mem_free(exchange->names);
        mem_free(exchange);
    }
    return NULL;
}

static int exchange_alloc(size_t n_files, size_t n_columns, size_t names_size,
                          struct exchange **ret, corrie_error *err)
{
    _cleanup_(exchange_unrefp) struct exchange *exchange = mem_alloc(1, sizeof *exchange);

    if (!exchange) {
        return corrie_fail_memory(err);
    }
    atomic_init(&exchange->refs, 1);
    exchange->files = mem_alloc(n_files, sizeof *exchange->files);
    exchange->columns = mem_alloc(n_columns, sizeof *exchange->columns);
    exchange->names = mem_alloc(names_size + 1, 1);
    if (!exchange->files || !exchange->columns || !exchange->names) {
        return corrie_fail_memory(err);
    }
    exchange->n_files = n_files;
    exchange->n_columns = n_columns;
    *ret = TAKE_PTR(exchange);
    return 0;
}

static int check_names(const struct exchange_place *columns, size_t n, size_t *ret_size,
                       corrie_error *err)
{
    _cleanup_(map_done) struct map seen = {0};
    size_t size = 0;

    if (n > CORRIE_MAX_COLUMNS) {
        return corrie_fail(err, CORRIE_E_LIMIT, "a table of %zu columns, more than the %d allowed",
                           n, CORRIE_MAX_COLUMNS);
    }
    for (size_t i = 0; i < n; i++) {
        struct str name = columns[i].name;

        if (name.len == 0 || name.len > MAX_NAME || !str_is_utf8(name, NULL) ||
            memchr(name.data, 0, name.len)) {
            return corrie_fail(err, CORRIE_E_DATA, "column %zu has no usable name", i + 1);
        }
        if (map_find(&seen, name)) {
            return corrie_fail(err, CORRIE_E_DATA, "two columns are named %.*s", STR_FMT(name));
        }
        if (map_put(&seen, name, NULL) < 0) {
            return corrie_fail_memory(err);
        }
        size += name.len;
    }
    *ret_size = size;
    return 0;
}

/* A table of columns whose names are checked; its files are still to be filled in. */
static int exchange_new(size_t n_files, const struct exchange_place *columns, size_t n_columns,
                        int64_t n_rows, struct exchange **ret, corrie_error *err)
{
    struct exchange *exchange = NULL;
    size_t size = 0, at = 0;
    int r;

    r = check_names(columns, n_columns, &size, err);
    r = r < 0 ? r : exchange_alloc(n_files, n_columns, size, &exchange, err);
    if (r < 0) {
        return r;
    }
    exchange->n_rows = n_rows;
    for (size_t i = 0; i < n_columns; i++) {
        struct str name = columns[i].name;

        memcpy(exchange->names + at, name.data, name.len);
        exchange->columns[i] = (struct column){str_make(exchange->names + at, name.len),
                                               columns[i].file, columns[i].field};
        at += name.len;
    }
    *ret = exchange;
    return 0;
}

int exchange_open_own(int *fds, size_t n_fds, const struct exchange_place *columns,
                      size_t n_columns, int64_t n_rows, struct exchange **ret, corrie_error *err)
{
    _cleanup_(exchange_unrefp) struct exchange *exchange = NULL;
    int r;

    r = exchange_new(n_fds, columns, n_columns, n_rows, &exchange, err);
    for (size_t i = 0; r >= 0 && i < n_fds; i++) {
        r = file_open(&fds[i], &exchange->files[i], err);
    }
    if (r >= 0) {
        *ret = TAKE_PTR(exchange);
    }
    return r;
}

int exchange_open(int *fds, size_t n_fds, const struct exchange_place *columns, size_t n_columns,
                  int64_t n_rows, struct exchange **ret, corrie_error *err)
{
    int r = exchange_open_own(fds, n_fds, columns, n_columns, n_rows, ret, err);

    if (r == CORRIE_E_BUSY || r == CORRIE_E_REFUSED) {
        err->code = r = CORRIE_E_DATA; /* the writer's doing, not the machine's */
    }
    return r;
}

int exchange_select(struct exchange *exchange, const struct str *names, size_t n_names,
                    struct exchange **ret, corrie_error *err)
{
    _free_ struct exchange_place *places = mem_alloc(n_names, sizeof *places);
    struct exchange *selected;
    int r;

    if (!places) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n_names; i++) {
        ptrdiff_t index = exchange_index(exchange, names[i]);

        if (index < 0) {
            _free_ struct str *all = mem_alloc(exchange->n_columns, sizeof *all);

            corrie_fail(err, CORRIE_E_NOT_FOUND, "there is no column %.*s", STR_FMT(names[i]));
            for (size_t c = 0; all && c < exchange->n_columns; c++) {
                all[c] = exchange->columns[c].name;
            }
            return all ? corrie_hint_nearest(names[i], all, exchange->n_columns, err) : err->code;
        }
        places[i] =
            (struct exchange_place){exchange->columns[index].name, exchange->columns[index].file,
                                    exchange->columns[index].field};
    }
    r = exchange_new(exchange->n_files, places, n_names, exchange->n_rows, &selected, err);
    if (r < 0) {
        return r;
    }
    /* Files without a column are let go. */
    for (size_t i = 0; i < n_names; i++) {
        size_t file = places[i].file;

        if (!selected->files[file]) {
            selected->files[file] = file_ref(exchange->files[file]);
        }
    }
    *ret = selected;
    return 0;
}

/* The column `field` of `content` under the name that the table has for it. */
static int named_column(const struct arrow_table *content, const struct column *column,
                        struct arrow_column **ret, corrie_error *err)
{
    _cleanup_(arrow_schema_done) struct ArrowSchema schema = {0};
    struct arrow_column *found, *renamed;
    _free_ char *name = NULL;
    int r;

    if (column->field >= content->n_columns) {
        return corrie_fail(err, CORRIE_E_DATA, "its file has only %zu columns", content->n_columns);
    }
    found = content->columns[column->field];
    if (str_eq(arrow_column_name(found), column->name)) {
        *ret = arrow_column_ref(found);
        return 0;
    }
    name = str_dup(column->name);
    if (!name || ArrowSchemaDeepCopy(&found->schema, &schema) != 0 ||
        ArrowSchemaSetName(&schema, name) != 0) {
        return corrie_fail_memory(err);
    }
    r = arrow_column_new(&schema, &renamed, err);
    for (size_t i = 0; r >= 0 && i < found->n_chunks; i++) {
        struct ArrowArray slice;

        r = arrow_column_slice(found, i, 0, found->chunks[i].length, &slice, err);
        r = r < 0 ? r : arrow_column_append(renamed, &slice, err);
        if (r < 0) {
            arrow_column_unref(renamed);
        }
    }
    if (r >= 0) {
        *ret = renamed;
    }
    return r;
}

static int collect(struct exchange *exchange, struct arrow_column **columns, corrie_error *err)
{
    for (size_t i = 0; i < exchange->n_columns; i++) {
        const struct column *column = &exchange->columns[i];
        _cleanup_(arrow_table_unrefp) struct arrow_table *content = NULL;
        int r;

        r = file_content(exchange->files[column->file], "a memory file", &content, err);
        r = r < 0 ? r : named_column(content, column, &columns[i], err);
        if (r >= 0 && columns[i]->n_rows != exchange->n_rows) {
            r = corrie_fail(err, CORRIE_E_DATA, "it has %lld rows, not %lld",
                            (long long)columns[i]->n_rows, (long long)exchange->n_rows);
        }
        if (r < 0) {
            return corrie_wrap(err, "column %.*s", STR_FMT(column->name));
        }
    }
    return 0;
}

int exchange_table(struct exchange *exchange, struct arrow_table **ret, corrie_error *err)
{
    _free_ struct arrow_column **columns =
        mem_alloc(exchange->n_columns, sizeof(struct arrow_column *));
    int r;

    if (!columns) {
        return corrie_fail_memory(err);
    }
    r = collect(exchange, columns, err);
    r = r < 0 ? r : arrow_table_new(columns, exchange->n_columns, exchange->n_rows, ret, err);
    for (size_t i = 0; i < exchange->n_columns && columns[i]; i++) {
        arrow_column_unref(columns[i]);
    }
    return r;
}

size_t exchange_n_columns(const struct exchange *exchange)
{
    return exchange->n_columns;
}

struct exchange_column exchange_column(const struct exchange *exchange, size_t index)
{
    const struct column *column = &exchange->columns[index];

    return (struct exchange_column){column->name, exchange->files[column->file]->fd, column->field};
}

ptrdiff_t exchange_index(const struct exchange *exchange, struct str name)
{
    for (size_t i = 0; i < exchange->n_columns; i++) {
        if (str_eq(exchange->columns[i].name, name)) {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

int64_t exchange_rows(const struct exchange *exchange)
{
    return exchange->n_rows;
}

uint64_t exchange_bytes(const struct exchange *exchange)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < exchange->n_files; i++) {
        bytes += exchange->files[i] ? exchange->files[i]->size : 0;
    }
    return bytes;
}
