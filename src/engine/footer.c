/* footer.c — the schema in a Parquet file's footer. */
#include "engine/footer.h"

void footer_done(struct footer *footer)
{
    vec_done(&footer->nodes);
    arena_done(&footer->arena);
}

int footer_read(struct engine *engine, struct str path, struct footer *footer, corrie_error *err)
{
    _cleanup_(buf_done) struct buf sql = {0};
    _cleanup_(rows_done) struct rows rows = {0};
    bool root = true;
    int r;

    buf_add_text(&sql,
                 "SELECT name, field_id, coalesce(num_children, 0)::BIGINT, repetition_type FROM "
                 "parquet_schema(");
    add_path(&sql, path);
    buf_add_char(&sql, ')');
    r = buf_check(&sql, err);
    if (r == 0) {
        r = rows_open(engine, &engine->session, buf_text(&sql), &(struct origin){.data = true},
                      &rows, err);
    }
    if (r < 0) {
        return r;
    }
    for (; rows_next(&rows); root = false) {
        struct footer_node node = {.id = -1};
        struct str text = STR_EMPTY;

        if (root) {
            continue;
        }
        if (!rows_int(&rows, 1, &node.id)) {
            node.id = -1;
        }
        (void)rows_int(&rows, 2, &node.children);
        node.repeated = rows_text(&rows, 3, &text) && str_eq(text, STR("REPEATED"));
        if ((rows_text(&rows, 0, &text) && arena_str(&footer->arena, text, &node.name) < 0) ||
            vec_push(&footer->nodes, node) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return 0;
}

size_t footer_skip(const struct footer *footer, size_t at)
{
    int64_t open = 1;

    while (open > 0 && at < footer->nodes.count) {
        open += footer->nodes.items[at++].children - 1;
    }
    return at;
}
