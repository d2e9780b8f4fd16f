/* query.c — a statement that gives rows, between others: it sees what they did. */
#include "arrow/table.h"
#include "dml/dml_priv.h"

/* Defines what was found, without the files that the query cannot need. */
static int define_tables(struct dml *dml, const struct compose *sql, corrie_error *err)
{
    struct lake_view view = lake_tx_view(dml->tx);
    size_t n = dml->tables.count;
    struct lake_source *sources = arena_array(&dml->arena, struct lake_source, n);

    if (!sources) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        sources[i] = (struct lake_source){
            .view = &view, .table = dml->tables.items[i].table, .snapshot_id = SNAPSHOT_NONE};
    }
    return lake_define(dml_engine(dml), sources, n, buf_str(&sql->text), dml->file, dml->ns,
                       &dml->arena, NULL, err);
}

int dml_query(struct dml *dml, corrie_error *err)
{
    _cleanup_(compose_done) struct compose sql = {0};
    _cleanup_(arrow_stream_done) struct ArrowArrayStream rows = {0};
    int r;

    if (!dml->options->rows) {
        corrie_fail(err, CORRIE_E_PROJECT, "this is a query, and nobody waits for its rows");
        return corrie_error_at_offset(err, dml->file, dml->source,
                                      statement_offset(dml->source, dml->statement.text), 1);
    }
    compose_piece(&sql, dml, dml->statement.text);
    r = dml_read_tables(dml, &sql, NULL, NULL, err);
    if (r < 0) {
        return r;
    }
    r = define_tables(dml, &sql, err);
    if (r < 0) {
        return compose_place(&sql, dml, err);
    }
    r = engine_query(dml_engine(dml), buf_str(&sql.text), dml->file, &rows, err);
    return r < 0 ? compose_place(&sql, dml, err)
                 : dml->options->rows(dml->options->rows_context, dml->index, &rows, err);
}
