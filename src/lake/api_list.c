/* api_list.c — what all long listings of the public interface share. */
#include "lake/api_list.h"

#include "base/mem.h"

int api_row(const json_t *item, struct buf *row, corrie_error *err)
{
    jt_raw(row, STR_EMPTY);
    return js_format(item, 0, row, err);
}

/* 1 and the next row added to `row`, 0 at the end. */
static int next_row(corrie_cursor *cursor, struct buf *row, corrie_error *err)
{
    int r = 0;

    if (!cursor->ended && !list_is_full(cursor)) {
        r = cursor->kind->next(cursor, row, err);
        cursor->ended = r <= 0;
    }
    if (r > 0) {
        cursor->given++;
        r = buf_check(row, err);
        return r < 0 ? r : cancel_check(cursor->lake->cancel, err) < 0 ? err->code : 1;
    }
    return r;
}

int corrie_cursor_next(corrie_cursor *cursor, char **ret_json, corrie_error *err)
{
    _cleanup_(buf_done) struct buf row = {0};
    int r = next_row(cursor, &row, err);

    if (r <= 0) {
        return r;
    }
    *ret_json = buf_take(&row);
    return *ret_json ? 1 : corrie_fail_memory(err);
}

static int add_rest(corrie_cursor *cursor, struct buf *out, corrie_error *err)
{
    int r = cursor->kind->rest ? cursor->kind->rest(cursor, out, err) : 0;

    return r < 0 ? r : buf_check(out, err);
}

int corrie_cursor_rest(corrie_cursor *cursor, char **ret_json, corrie_error *err)
{
    _cleanup_(buf_done) struct buf out = {0};
    int r;

    jt_open(&out, '{');
    r = add_rest(cursor, &out, err);
    jt_close(&out, '}');
    if (r < 0) {
        return r;
    }
    *ret_json = buf_take(&out);
    return *ret_json ? 0 : corrie_fail_memory(err);
}

corrie_cursor *corrie_cursor_close(corrie_cursor *cursor)
{
    if (cursor) {
        cursor->kind->done(cursor);
        mem_free(cursor);
    }
    return NULL;
}

int api_list_document(corrie_cursor *cursor, char **ret_json, corrie_error *err)
{
    _cleanup_(buf_done) struct buf out = {0};
    int r = 1;

    jt_open(&out, '{');
    jt_name(&out, str_of(cursor->kind->field));
    jt_open(&out, '[');
    while (r > 0) {
        r = next_row(cursor, &out, err);
    }
    jt_close(&out, ']');
    r = r < 0 ? r : add_rest(cursor, &out, err);
    jt_close(&out, '}');
    r = r < 0 ? r : buf_check(&out, err);
    if (r < 0) {
        return r;
    }
    *ret_json = buf_take(&out);
    return *ret_json ? 0 : corrie_fail_memory(err);
}
