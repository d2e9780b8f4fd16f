/* Plans of imports as a person edits them: what is accepted is written and read again as the same text. */
#include <stdlib.h>

#include "base/buf.h"
#include "lang/import_plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf once = {0};
    _cleanup_(buf_done) struct buf twice = {0};
    struct import_plan plan;
    int r;

    if (import_plan_parse("fuzz", str_make((const char *)data, size), true, &arena, &plan, &err) <
        0) {
        return 0;
    }
    if (import_plan_format(&plan, &once, &err) < 0 || buf_check(&once, &err) < 0) {
        abort();
    }
    r = import_plan_parse("ours", buf_str(&once), true, &arena, &plan, &err);
    if (r == CORRIE_E_LIMIT) { /* comments made it longer */
        return 0;
    }
    if (r < 0 || import_plan_format(&plan, &twice, &err) < 0 ||
        !str_eq(buf_str(&once), buf_str(&twice))) {
        abort();
    }
    return 0;
}
