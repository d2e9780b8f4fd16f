/* What a function's process may send: packets, one after the other, each with up to 64 descriptors. The input is
 * [number of descriptors, length (2 bytes), packet]…; the first byte chooses model, model of three
 * tables or expectation. */
#include <stddef.h>
#include <stdint.h>

#include "worker/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct protocol protocol = {.kind = WORKER_MODEL};
    size_t at = 1;

    if (size == 0) {
        return 0;
    }
    protocol.kind = data[0] == 'e' ? WORKER_EXPECTATION : WORKER_MODEL;
    protocol.n_outputs = data[0] == '3' ? 3 : 0;
    while (at + 3 <= size) {
        _cleanup_(message_done) struct message message = {0};
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        size_t n_fds = data[at];
        size_t len = (size_t)data[at + 1] << 8 | data[at + 2];

        at += 3;
        len = len < size - at ? len : size - at;
        if (message_decode(str_make((const char *)data + at, len), &message, &err) < 0 ||
            protocol_accept(&protocol, &message, n_fds, &err) < 0) {
            return 0;
        }
        at += len;
    }
    return 0;
}
