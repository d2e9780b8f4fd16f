#include "os/fault_spec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static const char *const op_names[OS_OP_COUNT] = {
    [OS_OP_OPEN] = "open",       [OS_OP_WRITE] = "write",   [OS_OP_FSYNC] = "fsync",
    [OS_OP_RENAME] = "rename",   [OS_OP_UNLINK] = "unlink", [OS_OP_TRUNCATE] = "truncate",
    [OS_OP_MKDIR] = "mkdir",     [OS_OP_LINK] = "link",     [OS_OP_READ] = "read",
    [OS_OP_STAT] = "stat",       [OS_OP_LIST] = "list",     [OS_OP_LOCK] = "lock",
    [OS_OP_TIMES] = "times",     [OS_OP_MEMFD] = "memfd",   [OS_OP_MAP] = "map",
    [OS_OP_SPAWN] = "spawn",     [OS_OP_SOCKET] = "socket", [OS_OP_SEND] = "send",
    [OS_OP_RECEIVE] = "receive",
};

static const struct {
    const char *name;
    int value;
} error_names[] = {
    {"ENOSPC", ENOSPC}, {"EIO", EIO},       {"EINTR", EINTR},   {"EDQUOT", EDQUOT},
    {"EMFILE", EMFILE}, {"ENFILE", ENFILE}, {"ENOMEM", ENOMEM}, {"EACCES", EACCES},
    {"EPERM", EPERM},   {"EROFS", EROFS},   {"EAGAIN", EAGAIN}, {"EBUSY", EBUSY},
    {"ENOENT", ENOENT}, {"EEXIST", EEXIST}, {"EFBIG", EFBIG},   {"EINVAL", EINVAL},
};

static int complain(char *message, size_t size, const char *what, const char *word, size_t len)
{
    snprintf(message, size, "%s \"%.*s\"", what, (int)len, word);
    return -1;
}

static bool equals(const char *word, size_t len, const char *name)
{
    return strlen(name) == len && memcmp(word, name, len) == 0;
}

static bool parse_number(const char *word, size_t len, uint64_t *ret)
{
    uint64_t value = 0;

    if (len == 0 || len > 18) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (word[i] < '0' || word[i] > '9') {
            return false;
        }
        value = value * 10 + (uint64_t)(word[i] - '0');
    }
    *ret = value;
    return true;
}

/* "write+fsync", "any", "all" */
static bool parse_ops(const char *word, size_t len, uint32_t *ret)
{
    uint32_t ops = 0;
    const char *end = word + len;

    while (word < end) {
        const char *stop = memchr(word, '+', (size_t)(end - word));
        size_t n = (size_t)((stop ? stop : end) - word);
        uint32_t bit = equals(word, n, "any")   ? OS_OPS_ANY
                       : equals(word, n, "all") ? OS_OPS_ALL
                                                : 0;

        for (unsigned op = 0; op < OS_OP_COUNT; op++) {
            bit |= equals(word, n, op_names[op]) ? 1u << op : 0;
        }
        if (!bit) {
            return false;
        }
        ops |= bit;
        word += n + 1;
    }
    *ret = ops;
    return ops != 0;
}

static bool parse_error(const char *word, size_t len, int *ret)
{
    uint64_t number;

    for (size_t i = 0; i < LEN(error_names); i++) {
        if (equals(word, len, error_names[i].name)) {
            *ret = error_names[i].value;
            return true;
        }
    }
    if (!parse_number(word, len, &number) || number == 0 || number > 4095) {
        return false;
    }
    *ret = (int)number;
    return true;
}

static bool copy_text(char *ret, size_t size, const char *word, size_t len)
{
    if (len == 0 || len >= size) {
        return false;
    }
    memcpy(ret, word, len);
    ret[len] = '\0';
    return true;
}

/* One "key=value". False if the value is none for this key. */
static bool parse_pair(struct fault_spec *spec, const char *key, size_t key_len, const char *value,
                       size_t len)
{
    if (equals(key, key_len, "op")) {
        return parse_ops(value, len, &spec->ops);
    }
    if (equals(key, key_len, "at")) {
        return parse_number(value, len, &spec->at) && spec->at > 0;
    }
    if (equals(key, key_len, "errno")) {
        spec->action = FAULT_ERROR;
        return parse_error(value, len, &spec->error);
    }
    if (equals(key, key_len, "seed")) {
        return parse_number(value, len, &spec->seed);
    }
    if (equals(key, key_len, "cut")) {
        spec->action = FAULT_CUT_EXIT;
        return equals(value, len, "exit");
    }
    if (equals(key, key_len, "root")) {
        while (len > 1 && value[len - 1] == '/') {
            len--;
        }
        return len > 1 && value[0] == '/' && copy_text(spec->root, sizeof spec->root, value, len);
    }
    if (equals(key, key_len, "out")) {
        return value[0] == '/' && copy_text(spec->out, sizeof spec->out, value, len);
    }
    if (equals(key, key_len, "program")) {
        return copy_text(spec->program, sizeof spec->program, value, len);
    }
    return false;
}

static bool parse_flag(struct fault_spec *spec, const char *word, size_t len)
{
    static const struct {
        const char *name;
        enum fault_action action;
    } actions[] = {
        {"count", FAULT_COUNT}, {"short", FAULT_SHORT}, {"kill", FAULT_KILL}, {"cut", FAULT_CUT}};

    for (size_t i = 0; i < LEN(actions); i++) {
        if (equals(word, len, actions[i].name)) {
            spec->action = actions[i].action;
            return true;
        }
    }
    if (equals(word, len, "sticky") || equals(word, len, "once")) {
        spec->sticky = word[0] == 's';
        return true;
    }
    return false;
}

int fault_spec_parse(const char *text, struct fault_spec *ret, char *message, size_t size)
{
    static const struct fault_spec fresh = {.ops = OS_OPS_ANY, .action = FAULT_COUNT};
    const char *word = text;

    *ret = fresh;
    while (*word) {
        size_t len = strcspn(word, ",");
        const char *equal = memchr(word, '=', len);
        bool fine = equal ? parse_pair(ret, word, (size_t)(equal - word), equal + 1,
                                       len - (size_t)(equal + 1 - word))
                          : parse_flag(ret, word, len);

        if (!fine) {
            return complain(message, size, "CORRIE_FAULT does not understand", word, len);
        }
        word += len + (word[len] == ',');
    }
    if (ret->action != FAULT_COUNT && ret->action != FAULT_CUT_EXIT && ret->at == 0) {
        return complain(message, size, "CORRIE_FAULT needs at=<k> in", text, strlen(text));
    }
    return 0;
}

/* Makes an absolute path tidy in place: no ".", "..", "//", trailing slash. By text alone. */
static void tidy(char *path)
{
    char *to = path;
    const char *from = path;

    while (*from) {
        size_t len;

        while (*from == '/') {
            from++;
        }
        len = strcspn(from, "/");
        if (len == 2 && from[0] == '.' && from[1] == '.') {
            while (to > path && *--to != '/') {
            }
        } else if (len > 0 && !(len == 1 && from[0] == '.')) {
            *to++ = '/';
            memmove(to, from, len);
            to += len;
        }
        from += len;
    }
    if (to == path) {
        *to++ = '/';
    }
    *to = '\0';
}

bool fault_absolute(int dir_fd, const char *path, char ret[FAULT_PATH_MAX])
{
    size_t used = 0;

    if (!path || path[0] != '/') {
        char link[48];
        ssize_t n;

        snprintf(link, sizeof link, dir_fd == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d",
                 dir_fd);
        n = readlink(link, ret, FAULT_PATH_MAX - 2);
        if (n <= 0 || ret[0] != '/') {
            return false; /* a pipe, a socket, a memory file */
        }
        used = (size_t)n;
        ret[used++] = '/';
    }
    if (path) {
        size_t len = strlen(path);

        if (used + len >= FAULT_PATH_MAX) {
            return false;
        }
        memcpy(ret + used, path, len);
        used += len;
    }
    ret[used] = '\0';
    tidy(ret);
    return true;
}

bool fault_spec_covers(const struct fault_spec *spec, int dir_fd, const char *path)
{
    char absolute[FAULT_PATH_MAX];
    size_t len = strlen(spec->root);

    if (len == 0) {
        return true;
    }
    if (!fault_absolute(dir_fd, path, absolute)) {
        return false;
    }
    return strncmp(absolute, spec->root, len) == 0 &&
           (absolute[len] == '/' || absolute[len] == '\0');
}

int fault_state_enter(struct fault_state *state, enum os_op op)
{
    const struct fault_spec *spec = &state->spec;
    uint64_t now;

    if (!(spec->ops & (1u << op))) {
        return 0;
    }
    now = atomic_fetch_add(&state->count, 1) + 1;
    if (spec->action == FAULT_COUNT || spec->action == FAULT_CUT_EXIT ||
        (spec->sticky ? now < spec->at : now != spec->at)) {
        return 0;
    }
    atomic_fetch_add(&state->hits, 1);
    switch (spec->action) {
    case FAULT_ERROR:
        return spec->error;
    case FAULT_SHORT:
        return op == OS_OP_WRITE ? FAULT_DO_SHORT : EINTR;
    case FAULT_KILL:
        return FAULT_DO_KILL;
    default:
        return FAULT_DO_CUT;
    }
}

bool fault_spec_wants_this(const struct fault_spec *spec)
{
    char path[FAULT_PATH_MAX];
    ssize_t n;
    const char *slash;

    if (!spec->program[0]) {
        return true;
    }
    n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0) {
        return false;
    }
    path[n] = '\0';
    slash = strrchr(path, '/');
    return strcmp(slash ? slash + 1 : path, spec->program) == 0;
}

void fault_report(const char *out, uint64_t count, const char *what)
{
    char line[64];
    int len =
        snprintf(line, sizeof line, "corrie-fault: %llu %s\n", (unsigned long long)count, what);
    long fd = STDERR_FILENO;

    if (out[0]) {
        fd = syscall(SYS_openat, AT_FDCWD, out, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    }
    if (fd >= 0) {
        /* raw: this one is not to be counted; a report that cannot be written is missed by its
         * reader */
        syscall(SYS_write, fd, line, (size_t)len);
    }
    if (out[0] && fd >= 0) {
        close((int)fd);
    }
}
