/* fault.c — the fault table.
 *
 * Alone it counts what this room does. Where the preload library of the tests is present, that one
 * holds the spec and the counter: operations which it replaces in libc are left to it, the others
 * are passed to its hook, so that none is counted twice. */
#include "os/fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/os_priv.h"

bool os_fault_armed;
uint32_t os_fault_file_system;

static struct fault_state state;

/* The preload library's side, where it is loaded. */
static struct {
    int (*arm)(const char *spec, char *message, size_t size);
    void (*disarm)(void);
    int (*hook)(int op);
    uint64_t (*count)(void);
    uint64_t (*hits)(void);
} preload;

static struct {
    _Atomic uint64_t count;
    uint64_t at;
    bool sticky;
} allocations;

static bool find_preload(void)
{
    /* POSIX lets a symbol be stored through void *; ISO C has no cast for it */
    *(void **)&preload.arm = dlsym(RTLD_DEFAULT, "corrie_fault_arm");
    *(void **)&preload.disarm = dlsym(RTLD_DEFAULT, "corrie_fault_disarm");
    *(void **)&preload.hook = dlsym(RTLD_DEFAULT, "corrie_fault_hook");
    *(void **)&preload.count = dlsym(RTLD_DEFAULT, "corrie_fault_count");
    *(void **)&preload.hits = dlsym(RTLD_DEFAULT, "corrie_fault_hits");
    return preload.arm && preload.disarm && preload.hook && preload.count && preload.hits;
}

int os_fault_enter(enum os_op op, int dir_fd, const char *path)
{
    int saved = errno;
    int what;

    if (preload.hook && (OS_OPS_ANY & (1u << op))) {
        return 0;
    }
    if ((OS_OPS_WITH_PATH & (1u << op)) && !fault_spec_covers(&state.spec, dir_fd, path)) {
        errno = saved;
        return 0;
    }
    what = preload.hook ? preload.hook((int)op) : fault_state_enter(&state, op);
    if (what == FAULT_DO_KILL) {
        kill(getpid(), SIGKILL);
        for (;;) {
            pause();
        }
    }
    errno = saved;
    return what;
}

int os_fault_arm(const char *spec, corrie_error *err)
{
    struct fault_spec parsed;
    char message[200];

    os_fault_disarm();
    if (fault_spec_parse(spec, &parsed, message, sizeof message) < 0) {
        return corrie_fail(err, CORRIE_E_USAGE, "%s", message);
    }
    if (find_preload()) {
        if (preload.arm(spec, message, sizeof message) < 0) {
            return corrie_fail(err, CORRIE_E_USAGE, "%s", message);
        }
    } else {
        memset(&preload, 0, sizeof preload);
        if (parsed.action == FAULT_CUT || parsed.action == FAULT_CUT_EXIT) {
            corrie_fail(err, CORRIE_E_UNSUPPORTED,
                        "CORRIE_FAULT: power cuts need the preload library of the tests");
            return corrie_hint(err, "set LD_PRELOAD to libcorrie_fault.so (tests/fault/README.md)");
        }
    }
    state.spec = parsed;
    atomic_store(&state.count, 0);
    atomic_store(&state.hits, 0);
    os_fault_armed = true;
    return 0;
}

void os_fault_disarm(void)
{
    if (os_fault_armed && preload.disarm) {
        preload.disarm();
    }
    os_fault_armed = false;
}

uint64_t os_fault_count(void)
{
    return preload.count ? preload.count() : atomic_load(&state.count);
}

uint64_t os_fault_hits(void)
{
    return preload.hits ? preload.hits() : atomic_load(&state.hits);
}

static int fail_allocation(void *arg)
{
    uint64_t now = atomic_fetch_add(&allocations.count, 1) + 1;

    (void)arg;
    return allocations.at && (allocations.sticky ? now >= allocations.at : now == allocations.at);
}

void os_fault_arm_alloc(uint64_t at, int sticky)
{
    atomic_store(&allocations.count, 0);
    allocations.at = at;
    allocations.sticky = sticky;
    mem_set_fault(fail_allocation, NULL);
}

uint64_t os_fault_alloc_count(void)
{
    return atomic_load(&allocations.count);
}

static void report_operations(void)
{
    fault_report(state.spec.out, os_fault_count(), "operations");
}

static void report_allocations(void)
{
    const char *out = getenv("CORRIE_FAULT_ALLOC_OUT");

    fault_report(out && out[0] == '/' ? out : "", os_fault_alloc_count(), "allocations");
}

static int alloc_from_env(const char *text, corrie_error *err)
{
    struct str head, tail;
    uint64_t at = 0;
    bool sticky;

    if (strcmp(text, "count") == 0) {
        os_fault_arm_alloc(0, 0);
        atexit(report_allocations);
        return 0;
    }
    str_cut(str_of(text), ',', &head, &tail);
    sticky = str_eq(tail, STR("sticky"));
    if (!str_to_uint64(head, &at) || at == 0 || (tail.len > 0 && !sticky)) {
        return corrie_fail(err, CORRIE_E_USAGE,
                           "CORRIE_FAULT_ALLOC is \"%s\", not <k>, <k>,sticky or count", text);
    }
    os_fault_arm_alloc(at, sticky);
    return 0;
}

void os_fault_pretend_fs(uint32_t magic)
{
    os_fault_file_system = magic;
}

static int fs_from_env(corrie_error *err)
{
    const char *text = getenv("CORRIE_FAULT_FS");
    char *end;
    unsigned long magic;

    if (!text || !*text) {
        return 0;
    }
    errno = 0;
    magic = strtoul(text, &end, 16);
    if (errno || *end || magic > UINT32_MAX) {
        return corrie_fail(err, CORRIE_E_USAGE, "CORRIE_FAULT_FS is \"%s\", no hexadecimal number",
                           text);
    }
    os_fault_pretend_fs((uint32_t)magic);
    return 0;
}

int os_fault_from_env(corrie_error *err)
{
    const char *spec = getenv("CORRIE_FAULT");
    const char *alloc = getenv("CORRIE_FAULT_ALLOC");
    struct fault_spec parsed;
    char message[200];
    int r;

    if (spec && *spec) {
        if (fault_spec_parse(spec, &parsed, message, sizeof message) < 0) {
            return corrie_fail(err, CORRIE_E_USAGE, "%s", message);
        }
        if (!fault_spec_wants_this(&parsed)) {
            return 0;
        }
        if (find_preload()) {
            /* armed since the process began, and reports by itself */
            state.spec = parsed;
            os_fault_armed = true;
        } else {
            r = os_fault_arm(spec, err);
            if (r < 0) {
                return r;
            }
            if (parsed.action == FAULT_COUNT) {
                atexit(report_operations);
            }
        }
    }
    r = fs_from_env(err);
    if (r < 0) {
        return r;
    }
    return alloc && *alloc ? alloc_from_env(alloc, err) : 0;
}
