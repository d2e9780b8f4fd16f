/* keep.c — the rows of a SELECT as a table: asked once, read as often as one likes. */
#include "engine/engine_priv.h"

#include "base/mem.h"

static int make_space(struct engine *engine, struct str name_space, corrie_error *err)
{
    _cleanup_(buf_done) struct buf sql = {0};
    int r;

    add_schema(&sql, name_space);
    r = buf_check(&sql, err);
    return r < 0 ? r : engine_run(engine, &engine->session, buf_text(&sql), NULL, err);
}

/* What the engine has to know of it: that it is there, and what it is to be dropped as. */
static int remember(struct engine *engine, struct str name_space, struct str name,
                    corrie_error *err)
{
    struct defined *defined = mem_alloc(1, sizeof *defined);

    if (!defined) {
        return corrie_fail_memory(err);
    }
    defined->kept = true;
    if (arena_str(&defined->arena, name_space, &defined->name_space) < 0 ||
        arena_str(&defined->arena, name, &defined->name) < 0) {
        defined_free(defined);
        return corrie_fail_memory(err);
    }
    return engine_add(engine, defined, err);
}

int engine_keep_rows(struct engine *engine, struct str name_space, struct str name, struct str sql,
                     const char *file, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    struct origin origin = {.sql = sql, .file = file, .engine = engine};
    int r = statement_admit(engine, &origin, err);

    if (r < 0 || (r = make_space(engine, name_space, err)) < 0) {
        return r;
    }
    buf_add_text(&text, "CREATE OR REPLACE TABLE ");
    add_table_name(&text, name_space, name);
    buf_add_text(&text, " AS ");
    origin.prefix = text.len;
    buf_add_str(&text, sql);
    r = buf_check(&text, err);
    if (r == 0) {
        r = engine_run(engine, &engine->session, buf_text(&text), &origin, err);
    }
    return r < 0 ? r : remember(engine, name_space, name, err);
}

void engine_drop_rows(struct engine *engine, struct str name_space, struct str name)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf sql = {0};

    if (!engine_find(engine, name_space, name)) {
        return;
    }
    buf_add_text(&sql, "DROP TABLE ");
    add_table_name(&sql, name_space, name);
    /* what stays is memory of the engine's, which goes with it */
    if (buf_check(&sql, &ignored) == 0 &&
        engine_run(engine, &engine->session, buf_text(&sql), NULL, &ignored) == 0) {
        engine_remove(engine, name_space, name);
    }
}
