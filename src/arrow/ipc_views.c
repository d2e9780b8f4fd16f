/* Text and bytes as views (string_view, binary_view), which nanoarrow's IPC does not read: made into the large forms.
 *
 * The schema is read with large types in the place of views, whose tables are as empty as theirs; of a batch, each
 * view's bytes are gathered behind 64-bit offsets. */
#include "arrow/ipc_priv.h"

#include "base/limits.h"

enum { VIEW_INLINE = 12, VIEW_PREFIX = 4 };

/* One value (format/Columnar, "Variable-size Binary View Layout"). */
struct view {
    int32_t length;
    union {
        char inlined[VIEW_INLINE];
        struct {
            char prefix[VIEW_PREFIX];
            int32_t buffer;
            int32_t offset;
        } far;
    } as;
};
_Static_assert(sizeof(struct view) == IPC_VIEW_SIZE, "as the format has it");

static bool is_valid(const struct ipc_viewed *viewed, int64_t at)
{
    return !viewed->valid || (viewed->valid[at / 8] >> (at % 8) & 1);
}

static struct view view_at(const struct ipc_viewed *viewed, int64_t at)
{
    struct view view = {.length = 0}; /* of a null: whatever stands there */

    if (is_valid(viewed, at)) {
        memcpy(&view, viewed->views.data + at * IPC_VIEW_SIZE, sizeof view);
    }
    return view;
}

/* The bytes of a view that is in `view`, or far away; false if they are nowhere. */
static bool bytes_of(const struct ipc_viewed *viewed, const struct view *view, struct str *ret)
{
    if (view->length >= 0 && view->length <= VIEW_INLINE) {
        *ret = str_make(view->as.inlined, (size_t)view->length);
        return true;
    }
    if (view->length < 0 || view->as.far.buffer < 0 || view->as.far.offset < 0 ||
        (size_t)view->as.far.buffer >= viewed->n_buffers) {
        return false;
    }
    struct str buffer = viewed->buffers[view->as.far.buffer];
    if ((size_t)view->as.far.offset > buffer.len ||
        (size_t)view->length > buffer.len - (size_t)view->as.far.offset) {
        return false;
    }
    *ret = str_slice(buffer, (size_t)view->as.far.offset, (size_t)view->length);
    return true;
}

int ipc_unview(const struct ipc_viewed *viewed, struct arena *arena, int64_t **ret_offsets,
               struct str *ret_data, corrie_error *err)
{
    int64_t *offsets;
    char *data;
    uint64_t total = 0;

    if (viewed->views.len / IPC_VIEW_SIZE < (uint64_t)viewed->length ||
        (viewed->valid && viewed->valid_bytes < ((uint64_t)viewed->length + 7) / 8)) {
        return corrie_fail(err, CORRIE_E_DATA, "a buffer of views is too short");
    }
    for (int64_t i = 0; i < viewed->length; i++) {
        struct view view = view_at(viewed, i);
        struct str bytes;

        if (!bytes_of(viewed, &view, &bytes)) {
            return corrie_fail(err, CORRIE_E_DATA, "row %lld of a batch: a view of no bytes",
                               (long long)i + 1);
        }
        total += bytes.len; /* of fewer than 2^34 rows with 2^31 bytes at most */
    }
    if (total > CORRIE_MAX_ARENA) { /* many views of the same bytes */
        return corrie_fail(err, CORRIE_E_LIMIT, "views of %llu bytes in one batch",
                           (unsigned long long)total);
    }
    offsets = arena_array(arena, int64_t, (size_t)viewed->length + 1);
    data = arena_alloc(arena, (size_t)total + 1, 1);
    if (!offsets || !data) {
        return corrie_fail_memory(err);
    }
    offsets[0] = 0;
    for (int64_t i = 0; i < viewed->length; i++) {
        struct view view = view_at(viewed, i);
        struct str bytes = STR_EMPTY;

        (void)bytes_of(viewed, &view, &bytes);
        if (bytes.len > 0) {
            memcpy(data + offsets[i], bytes.data, bytes.len);
        }
        offsets[i + 1] = offsets[i] + (int64_t)bytes.len;
    }
    *ret_offsets = offsets;
    *ret_data = str_make(data, (size_t)total);
    return 0;
}

void ipc_views_as_large(const struct ipc_views *views, char *message)
{
    for (size_t i = 0; i < views->fields.count; i++) {
        const struct ipc_view_mark *mark = &views->fields.items[i];

        if (mark->type == IPC_BINARY_VIEW || mark->type == IPC_STRING_VIEW) {
            message[mark->at] = mark->type == IPC_BINARY_VIEW ? IPC_LARGE_BINARY : IPC_LARGE_STRING;
        }
    }
}
