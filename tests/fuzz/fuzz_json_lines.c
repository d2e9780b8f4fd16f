/* JSON lines of which those with something new are chosen. What was chosen has nothing that is not new: chosen from
 * again, it stays as it is. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/json_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int scan(const void *bytes, size_t len, struct arena *arena, struct json_sample *ret)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    int fd = memfd_create("lines", MFD_CLOEXEC);
    char path[64];
    int r;

    if (fd < 0 || write(fd, bytes, len) != (ssize_t)len) {
        abort();
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    r = json_scan(path, 1, NULL, arena, ret, &err);
    close(fd);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct json_sample sample = {0};
    struct json_sample again = {0};

    if (scan(data, size, &arena, &sample) != 1) {
        return 0;
    }
    if (sample.records.len > size + 1) {
        abort();
    }
    if (scan(sample.records.data, sample.records.len, &arena, &again) == 1 &&
        !str_eq(buf_str(&sample.records), buf_str(&again.records))) {
        abort();
    }
    buf_done(&sample.records);
    buf_done(&again.records);
    return 0;
}
