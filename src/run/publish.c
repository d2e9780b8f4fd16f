/* publish.c — how what was written comes to the branch: all of it by one commit, or, where the user wants no transaction,
 * each table by its own.
 *
 * In a transaction each table is a step on tx/<job>, and the plan's last step publishes. Without one a table has a
 * transaction for itself, which begins where the branch is then, and is published at once. */
#include "run/run_priv.h"

/* Tables that a commit's message names. */
enum { MAX_NAMED = 50 };

static int begin(struct run *run, const struct hash *base, corrie_error *err)
{
    return lake_tx_begin(run->lake,
                         &(struct lake_tx_options){.branch = run->branch,
                                                   .base = base,
                                                   .job = job_id(run->job),
                                                   .steps = !run->options.no_transaction},
                         &run->tx, err);
}

int run_begin(struct run *run, corrie_error *err)
{
    if (run->options.no_transaction) {
        RUN_EVENT(run, .kind = "notice",
                  .text = "no transaction: each table is published as soon as it is written");
        return 0;
    }
    return begin(run, &run->view.commit, err);
}

/* "Run 550e8400: public.a, public.b": tables from number `first` on. */
static int make_message(const struct run *run, size_t first, struct buf *ret, corrie_error *err)
{
    buf_addf(ret, "Run %.*s: ", STR_FMT(str_slice(job_id(run->job), 0, 8)));
    for (size_t i = first; i < run->n_tables; i++) {
        if (i - first == MAX_NAMED) {
            buf_addf(ret, " and %zu more", run->n_tables - i);
            break;
        }
        buf_addf(ret, "%s%.*s.%.*s", i > first ? ", " : "", STR_FMT(run->tables[i].ns),
                 STR_FMT(run->tables[i].name));
    }
    return buf_check(ret, err);
}

/* After a commit that holds the tables from number `first` on. */
static void tell_published(struct run *run, size_t first)
{
    char hex[HASH_HEX + 1];

    for (size_t i = first; i < run->n_tables; i++) {
        if (run->tables[i].made_namespace) {
            char *text =
                arena_printf(&run->arena, "made the namespace %.*s", STR_FMT(run->tables[i].ns));

            RUN_EVENT(run, .kind = "notice", .text = text ? text : "");
        }
    }
    hash_hex(&run->commit, hex);
    RUN_EVENT(run, .kind = "publish", .text = hex);
}

/* The tables that are being published, from number `first` on. */
struct publishing {
    struct run *run;
    size_t first;
};

/* Before the branch moves: what the tables will hold there, which is more than this run wrote if others have appended
 * meanwhile. */
static int count_records(void *data, const struct hash *commit, bool changed, corrie_error *err)
{
    const struct publishing *publishing = data;
    struct run *run = publishing->run;
    struct lake_view view;
    int r = changed ? lake_view_of(run->lake, commit, &view, err) : 0;

    for (size_t i = publishing->first; changed && r >= 0 && i < run->n_tables; i++) {
        struct table_state *table = &run->tables[i];
        struct lake_table found;

        r = lake_table_find(&view, table->ns, table->name, &run->arena, &found, err);
        if (r > 0) { /* else somebody renamed it meanwhile */
            table->records = found.records;
        }
    }
    return r < 0 ? r : 0;
}

static int publish(struct run *run, size_t first, corrie_error *err)
{
    _cleanup_(buf_done) struct buf message = {0};
    struct publishing publishing = {run, first};
    struct lake_publish publish = {.origin = true,
                                   .accept_taint = run->options.accept_taint,
                                   .serializable = run->options.serializable,
                                   .ready = count_records,
                                   .ready_data = &publishing};
    struct hash commit;
    int r = make_message(run, first, &message, err);

    if (r < 0) {
        return r;
    }
    publish.message = buf_str(&message);
    r = lake_tx_publish(run->tx, &publish, &commit, err);
    if (r < 0) {
        return r;
    }
    if (r > 0) {
        run->commit = commit;
        run->committed = true;
        run->n_commits++;
        tell_published(run, first);
    }
    return 0;
}

int run_publish(struct run *run, corrie_error *err)
{
    return run->options.no_transaction ? 0 : publish(run, 0, err);
}

int run_end(struct run *run, corrie_error *err)
{
    struct hash nothing;
    int r = 0;

    if (run->tx && run->n_tables == 0) {
        r = lake_tx_publish(run->tx, &(struct lake_publish){.message = STR("nothing")}, &nothing,
                            err);
    }
    return r < 0 ? r : 0;
}

/* ---- one table ---- */

int run_begin_table(struct run *run, corrie_error *err)
{
    return run->options.no_transaction ? begin(run, NULL, err) : 0;
}

int run_end_table(struct run *run, const struct table_state *table, corrie_error *err)
{
    _cleanup_(buf_done) struct buf message = {0};
    size_t index = run->n_tables;
    int r;

    if (run->options.no_transaction) {
        run->tables[run->n_tables++] = *table;
        r = publish(run, index, err);
        run->n_tables -= r < 0;
        run->tx = lake_tx_free(run->tx);
        return r;
    }
    buf_addf(&message, "Write %.*s.%.*s", STR_FMT(table->ns), STR_FMT(table->name));
    r = buf_check(&message, err);
    if (r >= 0) {
        r = lake_tx_step(run->tx, buf_str(&message), err);
    }
    if (r >= 0) {
        run->tables[run->n_tables++] = *table;
    }
    return r < 0 ? r : 0;
}

void run_drop_table(struct run *run)
{
    if (run->options.no_transaction) {
        run->tx = lake_tx_free(run->tx);
    }
}
