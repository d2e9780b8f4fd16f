/* uv.c — running uv: where it is, in what environment, what it says. */
#include <stdio.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/vec.h"
#include "env/env_priv.h"
#include "os/file.h"
#include "os/path.h"
#include "os/proc.h"
#include "os/user.h"

extern char **environ;

#define MAX_MESSAGE 2000

void uv_done(struct uv *uv)
{
    arena_done(&uv->arena);
}

void uv_progress(const struct env_options *options, struct str text)
{
    if (options->progress && text.len > 0) {
        options->progress(options->progress_arg, text);
    }
}

/* ---- where it is ---- */

static int try_file(struct str directory, const char *name, char **ret, corrie_error *err)
{
    _free_ char *path = NULL;
    struct os_stat info;
    int r = os_path_join(directory, str_of(name), &path, err);

    if (r < 0) {
        return r;
    }
    r = os_stat(path, &info, err);
    if (r < 0 || info.kind != OS_FILE || !(info.mode & 0111)) {
        corrie_error_clear(err);
        return 0;
    }
    *ret = TAKE_PTR(path);
    return 1;
}

int env_find_uv(char **ret, corrie_error *err)
{
    _free_ char *self = NULL, *home = NULL;
    int r;

    if (os_env("CORRIE_UV")) {
        r = try_file(STR_EMPTY, os_env("CORRIE_UV"), ret, err);
        return r != 0
                   ? r
                   : corrie_fail(err, CORRIE_E_UNSUPPORTED,
                                 "CORRIE_UV names %s, which is not a program", os_env("CORRIE_UV"));
    }
    r = os_executable(&self, err);
    if (r < 0) {
        return r;
    }
    r = try_file(os_path_parent(str_of(self)), "uv", ret, err);
    if (r != 0) {
        return r;
    }
    if (os_find_program("uv", ret, err) >= 0) {
        return 0;
    }
    corrie_error_clear(err);
    if (os_home(&home, err) >= 0) {
        static const char *const below_home[] = {".local/bin/uv", ".cargo/bin/uv"};

        for (size_t i = 0; i < ARRAY_LEN(below_home); i++) {
            r = try_file(str_of(home), below_home[i], ret, err);
            if (r != 0) {
                return r;
            }
        }
    }
    corrie_fail(err, CORRIE_E_UNSUPPORTED, "uv is not to be found: it makes Python environments");
    return corrie_hint(err, "install it (`pip install uv`), or set CORRIE_UV to its path");
}

/* ---- its environment ---- */

/* What would make uv look elsewhere, install elsewhere or leave byte code out. The user's indexes, proxies,
 * certificates and cache stay. */
static bool is_kept(struct str variable)
{
    static const char *const dropped[] = {
        "PYTHON",
        "VIRTUAL_ENV",
        "CONDA_",
        "UV_PYTHON",
        "UV_PROJECT",
        "UV_WORKING_DIR",
        "UV_SYSTEM_PYTHON",
        "UV_CONSTRAINT",
        "UV_OVERRIDE",
        "UV_EXCLUDE",
        "UV_REQUIRE_HASHES",
        "UV_COMPILE",
        "UV_RESOLUTION",
        "UV_PRERELEASE",
        "UV_NO_BUILD",
        "UV_BREAK_SYSTEM",
        "UV_TARGET",
        "UV_PREFIX",
        "UV_OFFLINE",
        "PATH=",
        "FORCE_COLOR",
        "CLICOLOR_FORCE",
        "RUST_LOG",
        "NO_COLOR=",
        "COLUMNS=",
    };

    for (size_t i = 0; i < ARRAY_LEN(dropped); i++) {
        if (str_starts(variable, str_of(dropped[i]))) {
            return false;
        }
    }
    return true;
}

static bool is_withheld(const struct env_options *options, struct str variable)
{
    for (size_t i = 0; i < options->n_withheld; i++) {
        struct str name = options->withheld[i];

        if (str_starts(variable, name) && str_starts(str_from(variable, name.len), STR("="))) {
            return true;
        }
    }
    return false;
}

int uv_init(struct uv *uv, const struct env_options *options, corrie_error *err)
{
    _free_ char *program = NULL;
    const char *path;
    size_t n = 0, at = 0;
    int r;

    *uv = (struct uv){.options = options};
    r = env_find_uv(&program, err);
    if (r < 0) {
        return r;
    }
    r = python_search_path(
        &uv->arena, os_env("PATH") ? os_env("PATH") : "/usr/local/bin:/usr/bin:/bin", &path, err);
    if (r < 0) {
        return r;
    }
    while (environ[n]) {
        n++;
    }
    uv->program = arena_text(&uv->arena, str_of(program));
    uv->env = arena_array(&uv->arena, const char *, n + 4);
    path = arena_printf(&uv->arena, "PATH=%s", path);
    if (!uv->program || !uv->env || !path) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        if (is_kept(str_of(environ[i])) && !is_withheld(options, str_of(environ[i]))) {
            uv->env[at++] = environ[i];
        }
    }
    uv->env[at++] = path;
    uv->env[at++] = "NO_COLOR=1";
    uv->env[at] = "UV_PYTHON_DOWNLOADS=never";
    return 0;
}

/* ---- what it says ---- */

static const char *const chatter[] = {
    "Using ",    "Creating ", "Activate ", "Resolved ",  "Downloading ", "Downloaded ",
    "Prepared ", "Building ", "Built ",    "Installed ", "Uninstalled ", "Bytecode ",
    "Audited ",  "+ ",        "- ",        "~ ",         "warning:",
};

static bool is_chatter(struct str line)
{
    for (size_t i = 0; i < ARRAY_LEN(chatter); i++) {
        if (str_starts(line, str_of(chatter[i]))) {
            return true;
        }
    }
    return line.len == 0;
}

/* Without white space and the marks that older versions draw: "×", "╰─▶", "│". */
static struct str bare(struct str line)
{
    for (;;) {
        struct str before = line = str_trim(line);

        while (line.len > 2 && ((unsigned char)line.data[0] == 0xe2 ||
                                ((unsigned char)line.data[0] == 0xc3 && line.data[1] == '\x97'))) {
            line = str_from(line, (unsigned char)line.data[0] == 0xe2 ? 3 : 2);
        }
        if (line.len == before.len) {
            return line;
        }
    }
}

static struct str without_prefix(struct str text, struct str prefix)
{
    return str_starts(text, prefix) ? str_trim(str_from(text, prefix.len)) : text;
}

static int code_of(struct str reason)
{
    static const char *const network[] = {
        "network was disabled", "Failed to fetch", "error sending request", "dns error",
        "Could not connect",    "Connection re",   "operation timed out",   "client error",
    };

    if (str_find_str(reason, STR("No space left")) >= 0) {
        return CORRIE_E_NO_SPACE;
    }
    for (size_t i = 0; i < ARRAY_LEN(network); i++) {
        if (str_find_str(reason, str_of(network[i])) >= 0) {
            return CORRIE_E_NETWORK;
        }
    }
    return CORRIE_E_PROJECT;
}

int uv_explain(struct str text, corrie_error *err)
{
    static const struct str tail =
        STR(", we can conclude that your requirements are unsatisfiable.");
    _cleanup_(buf_done) struct buf reason = {0}, hint = {0};
    struct str rest = text, line;
    bool more = true, in_hint = false;
    struct str said;
    int code;

    while (more) {
        more = str_cut(rest, '\n', &line, &rest);
        line = bare(line);
        if (is_chatter(line)) {
            continue;
        }
        in_hint = in_hint || str_starts(line, STR("hint:"));
        line = without_prefix(without_prefix(without_prefix(line, STR("hint:")), STR("error:")),
                              STR("cause:"));
        if (str_starts(line, STR("No solution found when resolving dependencies"))) {
            continue; /* the cause says it better */
        }
        buf_addf(in_hint ? &hint : &reason, "%s%.*s",
                 (in_hint ? hint.len : reason.len) > 0 ? " " : "", STR_FMT(line));
    }
    said = buf_str(&reason);
    if (str_ends(said, tail)) {
        said.len -= tail.len;
    }
    if (said.len == 0) {
        said = STR("uv gave no reason");
    }
    code = code_of(text);
    corrie_fail(err, code, "%.*s%s", (int)(said.len < MAX_MESSAGE ? said.len : MAX_MESSAGE),
                said.data, said.len > MAX_MESSAGE ? " …" : "");
    err->retryable = code == CORRIE_E_NETWORK;
    corrie_detail(err, str_trim(text));
    if (hint.len > 0) {
        corrie_hint(err, "%s", buf_text(&hint));
    }
    return code;
}

/* ---- running it ---- */

/* Both pipes of a running uv. */
struct talk {
    const struct env_options *options;
    struct os_proc proc;
    int out_fd, log_fd;
    struct buf *out;
    struct buf log;
    size_t told; /* bytes of `log` whose lines went to the progress callback */
};

static void talk_done(struct talk *talk)
{
    os_proc_done(&talk->proc);
    os_close(talk->out_fd);
    os_close(talk->log_fd);
    buf_done(&talk->log);
}

/* A failure is told once, by the error. */
static bool is_news(struct str line)
{
    static const char *const silent[] = {"Using ", "Activate ", "Creating ",
                                         "error:", "cause:",    "hint:"};

    for (size_t i = 0; i < ARRAY_LEN(silent); i++) {
        if (str_starts(line, str_of(silent[i]))) {
            return false;
        }
    }
    return true;
}

static void tell(struct talk *talk)
{
    for (;;) {
        struct str rest = str_from(buf_str(&talk->log), talk->told), line;

        if (!str_cut(rest, '\n', &line, &rest)) {
            return;
        }
        talk->told += line.len + 1;
        line = str_trim(line);
        if (is_news(line)) {
            uv_progress(talk->options, line);
        }
    }
}

static int read_some(int *fd, struct buf *into, corrie_error *err)
{
    char bytes[16384];
    size_t n;
    int r = os_read(*fd, "uv's output", bytes, sizeof bytes, &n, err);

    if (r < 0) {
        return r;
    }
    if (n == 0) {
        os_closep(fd);
    } else if (into) {
        buf_add(into, bytes, n);
    }
    return 0;
}

/* Until both pipes are closed, then until uv has ended. */
static int talk_on(struct talk *talk, struct os_exit *ret, corrie_error *err)
{
    while (talk->out_fd >= 0 || talk->log_fd >= 0) {
        struct pollfd fds[2] = {{.fd = talk->out_fd, .events = POLLIN},
                                {.fd = talk->log_fd, .events = POLLIN}};
        int r = os_poll(fds, 2, -1, talk->options->cancel, err);

        if (r >= 0 && fds[0].revents) {
            r = read_some(&talk->out_fd, talk->out, err);
        }
        if (r >= 0 && fds[1].revents) {
            r = read_some(&talk->log_fd, &talk->log, err);
            tell(talk);
        }
        if (r < 0) {
            return r;
        }
    }
    return os_wait(&talk->proc, -1, talk->options->cancel, ret, err);
}

static int talk_start(struct talk *talk, const struct os_spawn *spawn, corrie_error *err)
{
    struct os_spawn own = *spawn;
    struct os_fd_map fds[2];
    int out[2] = {-1, -1}, log[2] = {-1, -1};
    int r;

    r = os_pipe(out, err);
    r = r < 0 ? r : os_pipe(log, err);
    if (r >= 0) {
        fds[0] = (struct os_fd_map){out[1], 1};
        fds[1] = (struct os_fd_map){log[1], 2};
        own.fds = fds;
        own.n_fds = 2;
        own.null_std = true;
        own.new_group = true;
        r = os_spawn(&own, &talk->proc, err);
    }
    talk->out_fd = out[0];
    talk->log_fd = log[0];
    os_close(out[1]);
    os_close(log[1]);
    return r;
}

int uv_run(const struct uv *uv, const char *const *args, const char *cwd, struct buf *out,
           corrie_error *err)
{
    _cleanup_(talk_done) struct talk talk = {
        .options = uv->options, .out_fd = -1, .log_fd = -1, .proc = {.pidfd = -1}, .out = out};
    const char *argv[32] = {uv->program};
    struct os_exit end;
    char how[64];
    size_t n = 1;
    int r;

    for (; args[n - 1] && n + 1 < ARRAY_LEN(argv); n++) {
        argv[n] = args[n - 1];
    }
    if (args[n - 1]) {
        return corrie_fail(err, CORRIE_E_INTERNAL, "too many arguments for uv");
    }
    buf_init(&talk.log, CORRIE_MAX_UV_OUTPUT);
    r = talk_start(
        &talk,
        &(struct os_spawn){
            .program = uv->program, .argv = argv, .env = uv->env, .cwd = cwd ? cwd : "/"},
        err);
    r = r < 0 ? r : talk_on(&talk, &end, err);
    if (r < 0) {
        return corrie_wrap(err, "run %s", uv->program);
    }
    if (end.status == 0) {
        return 0;
    }
    if (end.signal) {
        os_exit_text(&end, how, sizeof how);
        corrie_fail(err, CORRIE_E_FAILED, "uv was %s", how);
        return corrie_detail(err, buf_str(&talk.log));
    }
    return uv_explain(buf_str(&talk.log), err);
}

int uv_run_cached(const struct uv *uv, const char **args, size_t n, const char *cwd,
                  struct buf *out, corrie_error *err)
{
    _error_ corrie_error second = CORRIE_ERROR_INIT;
    int r;

    args[n] = uv->options->offline ? "--offline" : NULL;
    r = uv_run(uv, args, cwd, out, err);
    if (r != CORRIE_E_NETWORK || uv->options->offline) {
        return r;
    }
    uv_progress(uv->options, STR("no network: trying with what is in uv's cache"));
    args[n] = "--offline";
    if (out) {
        buf_clear(out);
    }
    if (uv_run(uv, args, cwd, out, &second) < 0) {
        return r;
    }
    corrie_error_clear(err);
    return 0;
}
