#include "worker/spawn.h"

#include <signal.h>
#include <sys/resource.h>

#include "base/arena.h"
#include "base/mem.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/path.h"
#include "os/socket.h"
#include "os/user.h"
#include "worker/harness.h"
#include "worker/spec.h"

/* Reads descriptor 5, or 4 where that is of no use, and answers imports from it; the harness takes over from there. */
static const char boot[] = "import os, sys\n"
                           "from _frozen_importlib_external import MAGIC_NUMBER\n"
                           "from importlib.machinery import ModuleSpec\n"
                           "with os.fdopen(4, 'rb') as texts, os.fdopen(5, 'rb') as file:\n"
                           "    data = file.read()\n"
                           "    if data.startswith(MAGIC_NUMBER):\n"
                           "        import marshal\n"
                           "        codes = marshal.loads(data[len(MAGIC_NUMBER):])\n"
                           "    else:\n"
                           "        import json\n"
                           "        codes = json.load(texts)\n"
                           "class Harness:\n"
                           "    def find_spec(self, name, path=None, target=None):\n"
                           "        return ModuleSpec(name, self) if name in codes else None\n"
                           "    def create_module(self, spec):\n"
                           "        return None\n"
                           "    def exec_module(self, module):\n"
                           "        name = module.__name__\n"
                           "        code = codes[name]\n"
                           "        if isinstance(code, str):\n"
                           "            code = compile(code, '<' + name + '>', 'exec')\n"
                           "        exec(code, module.__dict__)\n"
                           "sys.meta_path.insert(0, Harness())\n"
                           "import corrie_harness\n"
                           "corrie_harness.main()\n";

const char *worker_harness_version(void)
{
    return worker_harness_hash;
}

void worker_process_done(struct worker_process *process)
{
    os_proc_done(&process->proc);
    os_close(process->socket);
    os_close(process->out);
    os_close(process->errors);
    os_own_dir_remove(&process->home);
}

/* What of our environment a function may see: nothing that could be a secret. */
static const char *const handed_on[] = {"TZ", "LD_LIBRARY_PATH"};
static const char *const handed_on_with_internet[] = {
    "HTTP_PROXY",    "HTTPS_PROXY",  "NO_PROXY",           "ALL_PROXY",
    "http_proxy",    "https_proxy",  "no_proxy",           "all_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
};

static int add_variables(struct arena *arena, const char **env, size_t *n, const char *const *names,
                         size_t n_names, corrie_error *err)
{
    for (size_t i = 0; i < n_names; i++) {
        if (os_env(names[i])) {
            env[*n] = arena_printf(arena, "%s=%s", names[i], os_env(names[i]));
            if (!env[(*n)++]) {
                return corrie_fail_memory(err);
            }
        }
    }
    return 0;
}

static int make_environment(const struct worker_spec *call, const char *home, struct arena *arena,
                            const char ***ret, corrie_error *err)
{
    size_t most = 8 + ARRAY_LEN(handed_on) + ARRAY_LEN(handed_on_with_internet);
    const char **env = arena_array(arena, const char *, most);
    struct str bin = os_path_parent(call->python);
    size_t n = 0;
    int r;

    if (!env) {
        return corrie_fail_memory(err);
    }
    env[n++] = arena_printf(arena, "PATH=%.*s:/usr/local/bin:/usr/bin:/bin", STR_FMT(bin));
    env[n++] = arena_printf(arena, "HOME=%s", home);
    env[n++] = arena_printf(arena, "TMPDIR=%s", home);
    env[n++] = "LANG=C.UTF-8";
    if (!env[0] || !env[1] || !env[2]) {
        return corrie_fail_memory(err);
    }
    if (call->job.len > 0) {
        env[n] = arena_printf(arena, "CORRIE_JOB=%.*s", STR_FMT(call->job));
        if (!env[n++]) {
            return corrie_fail_memory(err);
        }
    }
    r = add_variables(arena, env, &n, handed_on, ARRAY_LEN(handed_on), err);
    if (r >= 0 && call->internet_access) {
        r = add_variables(arena, env, &n, handed_on_with_internet,
                          ARRAY_LEN(handed_on_with_internet), err);
    }
    *ret = env;
    return r;
}

#define N_THEIRS 5

/* Our ends go to `ret`, the child's to `theirs`: socket, output, errors, harness, the same compiled. */
static int connect_child(const struct worker_spec *call, struct worker_process *ret,
                         int theirs[N_THEIRS], corrie_error *err)
{
    int pair[2], out[2], errors[2];
    int r;

    r = os_socket_pair(OS_SOCKET_MESSAGES, pair, err);
    if (r < 0) {
        return r;
    }
    ret->socket = pair[0];
    theirs[0] = pair[1];
    r = os_pipe(out, err);
    if (r < 0) {
        return r;
    }
    ret->out = out[0];
    theirs[1] = out[1];
    r = os_pipe(errors, err);
    if (r < 0) {
        return r;
    }
    ret->errors = errors[0];
    theirs[2] = errors[1];
    r = os_set_nonblocking(ret->socket, err);
    r = r < 0 ? r : os_set_nonblocking(ret->out, err);
    r = r < 0 ? r : os_set_nonblocking(ret->errors, err);
    r = r < 0 ? r
              : sealed_text("corrie-harness",
                            str_make((const char *)worker_harness, worker_harness_size), &theirs[3],
                            err);
    return r < 0 ? r : sealed_text("corrie-compiled", call->harness, &theirs[4], err);
}

static int start(const struct worker_spec *call, struct worker_process *process,
                 const int theirs[N_THEIRS], corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    const char *python = arena_text(&arena, call->python);
    const char *const argv[] = {python, "-I", "-B", "-X", "utf8", "-c", boot, NULL};
    const struct os_fd_map fds[] = {
        {theirs[1], 1}, {theirs[2], 2}, {theirs[0], 3}, {theirs[3], 4}, {theirs[4], 5}};
    /* Of address space it is what a process has to itself: inputs that are mapped do not count. */
    const struct os_rlimit limits[] = {{RLIMIT_CORE, 0},
                                       {RLIMIT_DATA, call->memory ? call->memory : UINT64_MAX}};
    const char **env = NULL;
    int r;

    if (!python) {
        return corrie_fail_memory(err);
    }
    r = make_environment(call, process->home.path, &arena, &env, err);
    if (r < 0) {
        return r;
    }
    return os_spawn(&(struct os_spawn){.program = python,
                                       .argv = argv,
                                       .env = env,
                                       .cwd = process->home.path,
                                       .fds = fds,
                                       .n_fds = ARRAY_LEN(fds),
                                       .null_std = true,
                                       .new_session = true,
                                       .death_signal = SIGKILL,
                                       .limits = limits,
                                       .n_limits = ARRAY_LEN(limits)},
                    &process->proc, err);
}

int worker_spawn(const struct worker_spec *call, struct worker_process *ret, corrie_error *err)
{
    _cleanup_(worker_process_done) struct worker_process process = {
        .proc = {.pidfd = -1}, .socket = -1, .out = -1, .errors = -1};
    int theirs[N_THEIRS] = {-1, -1, -1, -1, -1};
    int r;

    r = os_own_dir_make("call", &process.home, err);
    r = r < 0 ? r : connect_child(call, &process, theirs, err);
    r = r < 0 ? r : start(call, &process, theirs, err);
    for (size_t i = 0; i < ARRAY_LEN(theirs); i++) {
        os_close(theirs[i]);
    }
    if (r < 0) {
        return corrie_wrap(err, "start %.*s", STR_FMT(call->python));
    }
    *ret = process;
    process = (struct worker_process){.proc = {.pidfd = -1}, .socket = -1, .out = -1, .errors = -1};
    return 0;
}
