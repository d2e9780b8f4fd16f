/* partition_write.c — rows become files a partition.
 *
 * The query runs once, into a table of ours that has the number of each row's partition beside it (spilled to the
 * engine's temp_dir where memory has no room). Rows of several partitions are then sorted by the partition's rank and by
 * their place, so that each partition is a range of rows: reading a range costs its rows, however many there are. Where
 * rows came so that the partitions lie in ranges of which others have little, or are few, that is left out (is_near).
 *
 *     corrie_parts.given    c0, c1, …, p     in the query's order; p by the partitioner's first numbers
 *     corrie_parts.sorted   c0, c1, …, p     by p, then order_by, then the query's order; p by rank
 *
 * Files of partitions that are no work for several threads are written at once, a thread each (copies.c).
 *
 * A COPY costs more than a millisecond, however few its rows. Neighbours that are small go through one COPY that makes
 * a file each (PARTITION_BY). There DuckDB keeps the order only with one thread: a streaming window function, which
 * works row after row, sees to that; and one file for each partition only while no more are open at once than it wants
 * and no more rows come than it gathers: SMALL_FILES, SMALL_TOTAL. And it appends rows of a partition in two ways, of
 * which one is overtaken by the other: loses_order. */
#include "engine/parquet_priv.h"

#include "base/uuid.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/path.h"

/* DuckDB: partitioned_write_max_open_files is 100, partitioned_write_flush_threshold 524 288 rows. */
#define SMALL_ROWS 16384
#define SMALL_FILES 96
#define SMALL_TOTAL 122880
#define SMALL_TARGET ((int64_t)16 * 1024 * 1024)

/* Of a table DuckDB reads so many rows at once, and of these it holds fewer than HELD_ROWS of a partition back. */
#define VECTOR_ROWS 2048
#define HELD_ROWS 64

/* A COPY of more row groups than these is work for several threads of DuckDB's. */
#define ALONE_GROUPS 4
/* COPYs that are planned before they are run. */
#define MAX_JOBS 64

/* Where so many bytes a row could make a file too large, so many rows are tried first to learn how large they are. */
#define SMALL_ROW_BYTES 64
#define PROBE_ROWS 122880

/* Of a sort's price for a row so many rows are read; and so many while a COPY more is begun and ended (2 M rows of seven
 * columns: sort 0.7 s, 12 readings of all of them 0.8 s more than one). */
#define SORT_READS 8
#define COPY_READS 24000

/* Where a partition's rows are in p->table: from `first` to before `end`. If there are others between them, `given` is
 * what the column p has in its own. */
struct range {
    size_t number; /* by rank */
    int64_t first;
    int64_t end;
    int64_t rows;
    int64_t given;
};

/* One COPY: of a partition to its file, or of several small ones. */
struct job {
    const struct range *ranges;
    size_t n;
    struct engine_written file; /* n == 1 */
};

struct partitioned {
    struct writer *writer;
    struct copies *copies;
    struct job jobs[MAX_JOBS];
    struct copy work[MAX_JOBS]; /* of each job */
    size_t n_jobs;
    struct partitioner *partitioner;
    const char *table; /* that the ranges are of */
    bool sorted; /* … which is sorted by partition: each is alone, and behind the one before */
    struct range *ranges;  /* by number of the partition, thus by first row */
    struct partition *all; /* by number: their order */
    size_t n;
    double bytes_per_row; /* in files; 0 = not known yet */
    struct buf directory; /* that the files are in, once it is needed */
    char prefix[sizeof OS_TEMP_PREFIX + 32];
};

/* ---- the tables ---- */

static int run(struct partitioned *p, struct buf *sql)
{
    struct writer *writer = p->writer;
    const struct origin origin = {.engine = writer->engine, .data = true};
    int r = buf_check(sql, writer->err);

    if (r == 0) {
        r = engine_run(writer->engine, writer->session, buf_text(sql), &origin, writer->err);
    }
    return r < 0 && partitioner_error(p->partitioner, writer->err) < 0 ? writer->err->code : r;
}

static void add_columns(const struct schema *schema, bool named, struct buf *out)
{
    for (size_t i = 0; i < schema->n_fields; i++) {
        buf_addf(out, "%sc%zu", i ? ", " : "", i);
        if (named) {
            buf_add_text(out, " AS ");
            buf_add_sql_name(out, schema->fields[i].name);
        }
    }
}

static int gather(struct partitioned *p, struct str select)
{
    const struct schema *schema = p->writer->write->schema;
    _cleanup_(buf_done) struct buf sql = {0};

    buf_add_text(&sql, "CREATE SCHEMA IF NOT EXISTS corrie_parts; "
                       "CREATE OR REPLACE TABLE corrie_parts.given AS SELECT ");
    for (size_t i = 0; i < schema->n_fields; i++) {
        buf_add_text(&sql, "q.");
        buf_add_sql_name(&sql, schema->fields[i].name);
        buf_addf(&sql, " AS c%zu, ", i);
    }
    partitioner_add_call(p->partitioner, "q", &sql);
    buf_addf(&sql, " AS p FROM (%.*s) AS q", STR_FMT(select));
    p->table = "given";
    return run(p, &sql);
}

/* Counts the rows of each partition. */
static int count(struct partitioned *p)
{
    struct writer *writer = p->writer;
    _cleanup_(buf_done) struct buf sql = {0};
    _cleanup_(rows_done) struct rows rows = {0};
    int64_t number = 0;
    int r;

    if (partitioner_rank(p->partitioner, writer->err) < 0) {
        return writer->err->code;
    }
    p->all = partitioner_partitions(p->partitioner, &p->n);
    p->ranges = arena_array(writer->arena, struct range, p->n + 1);
    if (!p->ranges) {
        return corrie_fail_memory(writer->err);
    }
    buf_add_text(&sql, "SELECT CAST(");
    partitioner_add_rank(p->partitioner, "p", &sql);
    buf_add_text(&sql, " AS BIGINT), n, f, e, CAST(p AS BIGINT) FROM (SELECT p, "
                       "CAST(count(*) AS BIGINT) AS n, CAST(min(rowid) AS BIGINT) AS f, "
                       "CAST(max(rowid) + 1 AS BIGINT) AS e FROM corrie_parts.given GROUP BY p)");
    r = buf_check(&sql, writer->err);
    if (r == 0) {
        r = rows_open(writer->engine, writer->session, buf_text(&sql), NULL, &rows, writer->err);
    }
    while (r == 0 && rows_next(&rows)) {
        struct range range = {0};

        if (rows_int(&rows, 0, &number) && rows_int(&rows, 1, &range.rows) &&
            rows_int(&rows, 2, &range.first) && rows_int(&rows, 3, &range.end) &&
            rows_int(&rows, 4, &range.given) && number >= 0 && (size_t)number < p->n) {
            range.number = (size_t)number;
            p->ranges[number] = range;
            p->all[number].rows = range.rows;
        }
    }
    return r;
}

static bool is_alone(const struct range *range)
{
    return range->end - range->first == range->rows;
}

/* Whether reading each partition from among others costs less than to sort all rows before. Small ones that are sorted
 * need no COPY each. */
static bool is_near(const struct partitioned *p)
{
    int64_t total = 0;
    int64_t cost = 0;
    size_t n_small = 0;

    for (size_t i = 0; i < p->n; i++) {
        const struct range *range = &p->ranges[i];

        total += range->rows;
        cost += range->end - range->first;
        if (range->rows <= SMALL_ROWS && n_small++ > 0) {
            cost += COPY_READS;
        }
    }
    return cost <= SORT_READS * total;
}

/* By partition, `order_by` and place. Names that no column has are those of a random token. */
static int sort(struct partitioned *p)
{
    const struct engine_write *write = p->writer->write;
    struct uuid uuid = uuid_random();
    _cleanup_(buf_done) struct buf sql = {0};
    int64_t first = 0;
    char token[33];

    if (write->order_by.len == 0 && is_near(p)) {
        return 0;
    }
    uuid_format_hex(&uuid, token);
    buf_add_text(&sql, "CREATE OR REPLACE TABLE corrie_parts.sorted AS SELECT ");
    for (size_t i = 0; i < write->schema->n_fields; i++) {
        buf_add_text(&sql, "q.");
        buf_add_sql_name(&sql, write->schema->fields[i].name);
        buf_addf(&sql, " AS c%zu, ", i);
    }
    buf_addf(&sql, "q.p%s AS p FROM (SELECT ", token);
    add_columns(write->schema, true, &sql);
    buf_add_text(&sql, ", ");
    partitioner_add_rank(p->partitioner, "p", &sql);
    buf_addf(&sql, " AS p%s, rowid AS r%s FROM corrie_parts.given) AS q ORDER BY q.p%s", token,
             token, token);
    if (write->order_by.len > 0) {
        buf_addf(&sql, ", %.*s", STR_FMT(write->order_by));
    }
    buf_addf(&sql, ", q.r%s; DROP TABLE corrie_parts.given", token);
    p->table = "sorted";
    p->sorted = true;
    for (size_t i = 0; i < p->n; i++) {
        p->ranges[i].first = first;
        first += p->ranges[i].rows;
        p->ranges[i].end = first;
    }
    return run(p, &sql);
}

/* Whatever happened: also after a cancel, when statements are refused. */
static void drop_tables(struct writer *writer)
{
    duckdb_result result;

    /* if it fails the next write replaces them */
    (void)writer->engine->d->query(writer->session->con,
                                   "DROP SCHEMA IF EXISTS corrie_parts CASCADE", &result);
    writer->engine->d->destroy_result(&result);
}

/* ---- large partitions ---- */

static int set_partition(struct partitioned *p, size_t number, struct engine_written *file)
{
    file->partition = p->writer->write->n_partition > 0
                          ? arena_array(p->writer->arena, struct str, p->writer->write->n_partition)
                          : NULL;
    for (size_t i = 0; i < p->writer->write->n_partition; i++) {
        struct str value = p->all[number].values[i];

        if (!file->partition) {
            return corrie_fail_memory(p->writer->err);
        }
        file->partition[i] = value;
        if (value.data && arena_str(p->writer->arena, value, &file->partition[i]) < 0) {
            return corrie_fail_memory(p->writer->err);
        }
    }
    return 0;
}

static int finish_file(struct partitioned *p, size_t number, struct engine_written *file)
{
    int r = set_partition(p, number, file);

    return r < 0 ? r : writer_add(p->writer, file);
}

/* `rows` rows from `first` on, of a partition that is alone; or all, from among others. */
static int select_range(struct partitioned *p, const struct range *range, int64_t first,
                        int64_t rows, struct buf *out)
{
    bool alone = is_alone(range);

    buf_add_text(out, "SELECT ");
    add_columns(p->writer->write->schema, true, out);
    buf_addf(out, " FROM corrie_parts.%s WHERE rowid >= %lld AND rowid < %lld", p->table,
             (long long)first, (long long)(alone ? first + rows : range->end));
    if (!alone) {
        buf_addf(out, " AND p = %lld", (long long)range->given);
    }
    return buf_check(out, p->writer->err);
}

static int check_rows(struct partitioned *p, int64_t rows, const struct engine_written *file)
{
    if (file->rows != rows) {
        return corrie_fail(p->writer->err, CORRIE_E_INTERNAL,
                           "%lld rows were to be written, and %lld were", (long long)rows,
                           (long long)file->rows);
    }
    p->bytes_per_row = (double)file->bytes / (double)file->rows;
    return 0;
}

static int copy_range(struct partitioned *p, const struct range *range, int64_t first, int64_t rows,
                      struct engine_written *ret)
{
    _cleanup_(buf_done) struct buf select = {0};
    int r = select_range(p, range, first, rows, &select);

    if (r == 0) {
        r = writer_copy(p->writer, buf_str(&select), ret);
    }
    return r == 0 ? check_rows(p, rows, ret) : r;
}

/* How large rows are, from the first of them: the file is thrown away. */
static int probe(struct partitioned *p, const struct range *range)
{
    struct engine_written file = {0};
    int64_t rows = range->rows < PROBE_ROWS ? range->rows : PROBE_ROWS;
    int r;

    if (p->writer->write->target_bytes == 0 || p->bytes_per_row > 0) {
        return 0;
    }
    r = copy_range(p, range, range->first, rows, &file);
    return r < 0 ? r : writer_drop_file(p->writer, file.path);
}

/* Among others: one file, which is cut if it is too large. */
static int write_among(struct partitioned *p, const struct range *range)
{
    struct engine_written file = {0};
    int r = copy_range(p, range, range->first, range->rows, &file);

    if (r == 0) {
        r = set_partition(p, range->number, &file);
    }
    return r == 0 ? writer_place(p->writer, &file) : r;
}

static int write_range(struct partitioned *p, const struct range *range)
{
    int64_t target = p->writer->write->target_bytes;
    int64_t each;
    int r = 0;

    if (range->rows > target / SMALL_ROW_BYTES) {
        r = probe(p, range);
    }
    each = writer_rows_per_file(p->writer, range->rows, (double)range->rows * p->bytes_per_row);
    each = each > 0 ? each : range->rows;
    for (int64_t done = 0; r == 0 && done < range->rows; done += each) {
        int64_t rows = range->rows - done < each ? range->rows - done : each;
        struct engine_written file = {0};

        r = copy_range(p, range, range->first + done, rows, &file);
        if (r == 0) {
            r = finish_file(p, range->number, &file);
        }
    }
    return r;
}

/* ---- small ones ---- */

/* The number of the partition whose file the current row of COPY's result tells of. */
static int file_number(struct partitioned *p, const struct rows *rows, int64_t *ret)
{
    const struct duck *d = p->writer->engine->d;
    struct map_view keys = map_view_at(d, d->data_chunk_get_vector(rows->chunk, 5), rows->at);

    return keys.range.length == 1 &&
                   str_to_int64(vector_text(d, keys.values, keys.range.offset), ret) && *ret >= 0 &&
                   (size_t)*ret < p->n
               ? 0
               : corrie_fail(p->writer->err, CORRIE_E_INTERNAL,
                             "DuckDB did not say of which partition a file is");
}

/* Files that DuckDB named, until each has its own name. */
static void remove_temporary(struct partitioned *p, struct str directory)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct os_entry *entries = NULL;
    size_t n = 0;
    const char *path = arena_printf(&arena, "%.*s", STR_FMT(directory));

    if (!path || os_dir_list(path, &arena, &entries, &n, &ignored) < 0) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (str_starts(entries[i].name, str_of(p->prefix))) {
            const char *file = arena_printf(&arena, "%s/%.*s", path, STR_FMT(entries[i].name));

            if (file && os_unlink(file, &ignored) < 0) {
                corrie_error_clear(&ignored);
            }
        }
    }
}

/* Reads what COPY says of the files, and gives each its name. */
static int take_files(struct partitioned *p, struct rows *rows, const struct range *ranges,
                      size_t n, struct engine_written *files)
{
    int r = 0;

    while (r == 0 && rows_next(rows)) {
        struct engine_written file = {0};
        _free_ char *from = NULL;
        struct str name;
        int64_t number = 0;
        size_t at;

        r = file_number(p, rows, &number);
        if (r < 0) {
            return r;
        }
        at = (size_t)number - ranges[0].number;
        if (at >= n || files[at].rows > 0 || !rows_text(rows, 0, &name)) {
            return corrie_fail(p->writer->err, CORRIE_E_INTERNAL,
                               "DuckDB wrote other files than it was to");
        }
        r = stats_read(p->writer, rows, &file);
        if (r == 0) {
            from = str_dup(name);
            r = from ? writer_begin_file(p->writer, &file.path)
                     : corrie_fail_memory(p->writer->err);
        }
        if (r == 0) { /* the last that was begun */
            r = os_rename(from, p->writer->begun.items[p->writer->begun.count - 1], p->writer->err);
        }
        if (r == 0) {
            files[at] = file;
        }
    }
    return r;
}

static void add_small_select(struct partitioned *p, const struct range *ranges, size_t n,
                             struct buf *out)
{
    int64_t end = ranges[n - 1].first + ranges[n - 1].rows;

    buf_add_text(out, "SELECT ");
    add_columns(p->writer->write->schema, true, out);
    buf_addf(
        out,
        ", p AS \"%s\" FROM (SELECT *, row_number() OVER () AS n FROM corrie_parts.%s WHERE rowid >= "
        "%lld AND rowid < %lld) WHERE n > 0",
        p->prefix, p->table, (long long)ranges[0].first, (long long)end);
}

/* The directory that the files are in. */
static int find_directory(struct partitioned *p)
{
    struct writer *writer = p->writer;
    int r = 0;

    if (p->directory.len == 0) {
        r = writer->write->path(writer->write->arg, writer->ordinal, &p->directory, writer->err);
        if (r == 0) {
            r = buf_check(&p->directory, writer->err);
        }
        p->directory.len = os_path_parent(buf_str(&p->directory)).len;
    }
    return r;
}

static int plan_small(struct partitioned *p, const struct job *job, struct buf *sql)
{
    struct writer *writer = p->writer;
    _cleanup_(buf_done) struct buf select = {0};
    _cleanup_(buf_done) struct buf more = {0};
    int r = find_directory(p);

    add_small_select(p, job->ranges, job->n, &select);
    buf_addf(&more,
             ", PARTITION_BY (\"%s\"), HIVE_FILE_PATTERN false, OVERWRITE_OR_IGNORE true, "
             "FILENAME_PATTERN '%s{uuid}'",
             p->prefix, p->prefix);
    if (r == 0) {
        r = buf_check(&select, writer->err);
    }
    if (r == 0) {
        r = buf_check(&more, writer->err);
    }
    if (r == 0) {
        writer_add_copy(writer, buf_str(&select), buf_str(&p->directory), buf_text(&more), sql);
    }
    return r;
}

static int finish_small(struct partitioned *p, const struct job *job, struct rows *rows)
{
    struct writer *writer = p->writer;
    const struct range *ranges = job->ranges;
    struct engine_written *files = arena_array(writer->arena, struct engine_written, job->n);
    int r = files ? take_files(p, rows, ranges, job->n, files) : corrie_fail_memory(writer->err);

    rows_done(rows);
    for (size_t i = 0; r == 0 && i < job->n; i++) {
        r = files[i].rows == ranges[i].rows
                ? stats_finish(writer, &files[i])
                : corrie_fail(writer->err, CORRIE_E_INTERNAL, "%lld rows of a partition of %lld",
                              (long long)files[i].rows, (long long)ranges[i].rows);
        if (r == 0) {
            r = finish_file(p, ranges[i].number, &files[i]);
        }
    }
    return r;
}

/* ---- jobs ---- */

static int plan_one(struct partitioned *p, struct job *job, struct buf *sql)
{
    _cleanup_(buf_done) struct buf select = {0};
    int r = writer_begin_file(p->writer, &job->file.path);

    if (r == 0) {
        r = select_range(p, job->ranges, job->ranges->first, job->ranges->rows, &select);
    }
    if (r == 0) {
        writer_add_copy(p->writer, buf_str(&select), job->file.path, WRITER_IN_PLACE, sql);
    }
    return r;
}

static int finish_one(struct partitioned *p, struct job *job, struct rows *rows)
{
    int r = writer_take(p->writer, rows, &job->file);

    if (r == 0) {
        r = check_rows(p, job->ranges->rows, &job->file);
    }
    return r == 0 ? finish_file(p, job->ranges->number, &job->file) : r;
}

/* Runs what was planned, and takes the files in order. */
static int run_jobs(struct partitioned *p)
{
    struct writer *writer = p->writer;
    const struct origin origin = {.engine = writer->engine, .data = true};
    int r = 0;

    for (size_t i = 0; r == 0 && i < p->n_jobs; i++) {
        struct buf *sql = &p->work[i].sql;

        r = p->jobs[i].n > 1 ? plan_small(p, &p->jobs[i], sql) : plan_one(p, &p->jobs[i], sql);
    }
    if (r == 0) {
        r = copies_run(p->copies, &origin, p->work, p->n_jobs, writer->err);
    }
    for (size_t i = 0; r == 0 && i < p->n_jobs; i++) {
        struct rows *rows = &p->work[i].rows;

        r = p->jobs[i].n > 1 ? finish_small(p, &p->jobs[i], rows)
                             : finish_one(p, &p->jobs[i], rows);
    }
    for (size_t i = 0; i < p->n_jobs; i++) {
        copy_done(&p->work[i]);
    }
    if (r < 0 && p->directory.len > 0) {
        remove_temporary(p, buf_str(&p->directory));
    }
    return r;
}

/* Whether the first rows of a partition would come behind others of it: few, at the end of a vector, are held back by
 * PARTITION_BY until there are more or the rest was written; many are written at once, and so is a vector, which the last
 * of a COPY may be, of one partition alone. Row groups of tables hold whole vectors. */
static bool loses_order(const struct range *range, bool last)
{
    int64_t held = VECTOR_ROWS - range->first % VECTOR_ROWS;

    return held < HELD_ROWS && range->rows > held && (last || range->rows - held >= HELD_ROWS);
}

/* How many partitions from `at` on go through one COPY. */
static size_t small_run(const struct partitioned *p, size_t at)
{
    int64_t target = p->writer->write->target_bytes;
    int64_t most = SMALL_ROWS;
    int64_t total = 0;
    size_t n = 0;

    if (target > 0 && p->bytes_per_row > 0 && p->bytes_per_row * SMALL_ROWS > (double)target) {
        most = (int64_t)((double)target / p->bytes_per_row);
    }
    while (at + n < p->n && n < SMALL_FILES && p->ranges[at + n].rows <= most &&
           total + p->ranges[at + n].rows <= SMALL_TOTAL &&
           !loses_order(&p->ranges[at + n], false)) {
        total += p->ranges[at + n].rows;
        n++;
    }
    while (n > 0 && loses_order(&p->ranges[at + n - 1], true)) {
        n--;
    }
    return n;
}

/* Plans COPYs from partition `at` on, of one file a partition; returns how many partitions they are of. */
static size_t plan(struct partitioned *p, size_t at)
{
    const struct engine_write *write = p->writer->write;
    /* with a small target the first files tell how large rows are */
    bool known = write->target_bytes == 0 || p->bytes_per_row > 0;
    bool batches =
        p->sorted && write->max_rows == 0 && (known || write->target_bytes >= SMALL_TARGET);
    size_t n = 0;

    for (p->n_jobs = 0; p->n_jobs < MAX_JOBS && at + n < p->n; p->n_jobs++) {
        const struct range *range = &p->ranges[at + n];
        double bytes = (double)range->rows * p->bytes_per_row;
        size_t small = batches ? small_run(p, at + n) : 0;

        if (small < 2) {
            if (!known || range->rows > ALONE_GROUPS * p->writer->row_group_rows ||
                writer_rows_per_file(p->writer, range->rows, bytes) > 0) {
                break;
            }
            small = 1;
        }
        p->jobs[p->n_jobs] = (struct job){.ranges = range, .n = small};
        p->work[p->n_jobs] = (struct copy){.error = CORRIE_ERROR_INIT};
        n += small;
    }
    return n;
}

static int write_ranges(struct partitioned *p)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < p->n;) {
        size_t n = plan(p, i);

        r = n > 1                     ? run_jobs(p)
            : is_alone(&p->ranges[i]) ? write_range(p, &p->ranges[i])
                                      : write_among(p, &p->ranges[i]);
        i += n > 1 ? n : 1;
    }
    return r;
}

/* ---- all ---- */

int partitions_write(struct writer *writer, struct str select)
{
    _cleanup_(partitioner_closep) struct partitioner *partitioner = NULL;
    _cleanup_(copies_closep) struct copies *copies = NULL;
    struct partitioned p = {.writer = writer};
    struct uuid uuid = uuid_random();
    char token[33];
    int r = partitioner_open(writer->engine, writer->write, &partitioner, writer->err);

    if (r < 0) {
        return r;
    }
    uuid_format_hex(&uuid, token);
    snprintf(p.prefix, sizeof p.prefix, "%s%s", OS_TEMP_PREFIX, token);
    p.partitioner = partitioner;
    r = gather(&p, select);
    if (r == 0) {
        r = count(&p);
    }
    if (r == 0) {
        r = sort(&p);
    }
    if (r == 0) {
        r = copies_open(writer->engine, &copies, writer->err);
    }
    p.copies = copies;
    if (r == 0) {
        r = write_ranges(&p);
    }
    drop_tables(writer);
    buf_done(&p.directory);
    return r;
}
