/* compile.c — the harness as an interpreter compiles it. Each function has a process of its own, and to compile the harness
 * takes it as long as two starts of Python: so that is done once for all of a version. */
#include <signal.h>
#include <sys/resource.h>

#include "base/arena.h"
#include "base/limits.h"
#include "os/file.h"
#include "os/proc.h"
#include "worker/harness.h"
#include "worker/spec.h"
#include "worker/worker.h"

/* From descriptor 4, as a function's process gets it; what comes out is what that one takes from descriptor 5. */
static const char script[] =
    "import json, marshal, os, sys\n"
    "from _frozen_importlib_external import MAGIC_NUMBER\n"
    "with os.fdopen(4, 'rb') as file:\n"
    "    texts = json.load(file)\n"
    "codes = {n: compile(text, '<' + n + '>', 'exec') for n, text in texts.items()}\n"
    "sys.stdout.buffer.write(MAGIC_NUMBER + marshal.dumps(codes))\n";

int worker_compile_harness(const char *python, const struct cancel *cancel, struct buf *ret,
                           corrie_error *err)
{
    _close_ int texts = -1;
    const char *const argv[] = {python, "-I", "-S", "-B", "-c", script, NULL};
    const struct os_rlimit no_core = {RLIMIT_CORE, 0};
    struct os_exit end;
    char how[80];
    int r;

    buf_done(ret);
    buf_init(ret, CORRIE_MAX_HARNESS);
    r = sealed_text("corrie-harness", str_make((const char *)worker_harness, worker_harness_size),
                    &texts, err);
    if (r < 0) {
        return r;
    }
    const struct os_fd_map fds[] = {{texts, 4}};
    const struct os_spawn spawn = {
        .program = python,
        .argv = argv,
        .fds = fds,
        .n_fds = ARRAY_LEN(fds),
        .death_signal = SIGKILL,
        .limits = &no_core,
        .n_limits = 1,
    };
    r = os_run(&spawn, CORRIE_HARNESS_DEADLINE_MS, cancel, ret, NULL, &end, err);
    if (r >= 0 && end.status != 0) {
        os_exit_text(&end, how, sizeof how);
        r = corrie_fail(err, CORRIE_E_FAILED, "compile the harness by %s: %s", python, how);
    }
    return r < 0 ? r : buf_check(ret, err);
}
