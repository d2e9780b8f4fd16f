/* explain.c — what DuckDB would do for a query. */
#include "engine/engine_priv.h"

int engine_explain(struct engine *engine, struct str sql, const char *file, struct buf *ret,
                   corrie_error *err)
{
    static const char prefix[] = "EXPLAIN ";
    const struct origin origin = {
        .sql = sql, .file = file, .engine = engine, .prefix = sizeof prefix - 1};
    _cleanup_(session_close) struct session session = {.d = engine->d};
    _cleanup_(rows_done) struct rows rows = {0};
    _cleanup_(buf_done) struct buf text = {0};
    struct str plan;
    int r = statement_admit(engine, &origin, err);

    buf_add_text(&text, prefix);
    buf_add_str(&text, sql);
    if (r == 0) {
        r = buf_check(&text, err);
    }
    if (r == 0) {
        r = session_open(engine, &session, err);
    }
    if (r == 0) {
        r = rows_open(engine, &session, buf_text(&text), &origin, &rows, err);
    }
    while (r == 0 && rows_next(&rows)) {
        if (rows_text(&rows, 1, &plan)) {
            buf_add_str(ret, plan);
        }
    }
    return r < 0 ? r : buf_check(ret, err);
}
