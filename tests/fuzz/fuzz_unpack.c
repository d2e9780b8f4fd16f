/* Compressed buffers of Arrow IPC: the first byte chooses the codec, the rest is what a file holds. What is accepted is
 * as long as it says, to the last byte. */
#include "arrow/ipc_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    struct str out;
    int64_t claimed = 0;

    if (size < 1 + sizeof claimed) {
        return 0;
    }
    memcpy(&claimed, data + 1, sizeof claimed);
    if (claimed > 1 << 24) {
        return 0; /* memory that is asked for, and refused where there is none */
    }
    if (ipc_unpack(data[0] & 1, str_make((const char *)data + 1, size - 1), &arena, &out, &err) <
        0) {
        return 0;
    }
    if (claimed != -1 && out.len != (size_t)claimed) {
        abort();
    }
    free(str_dup(out)); /* reads every byte */
    return 0;
}
