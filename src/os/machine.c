/* machine.c — what of the machine this process may use. */
#include <sched.h>
#include <stdio.h>
#include <sys/sysinfo.h>

#include "base/limits.h"
#include "os/file.h"
#include "os/os_priv.h"
#include "os/proc.h"

/* The first number in a small file of the kernel's and the text after it; false if there is none. */
static bool read_number(const char *path, uint64_t *ret, uint64_t *ret_second)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf text = {0};
    struct str first, second;

    if (os_file_read(path, 4096, &text, &ignored) < 0) {
        return false;
    }
    str_cut(str_trim(buf_str(&text)), ' ', &first, &second);
    *ret_second = 0;
    return str_to_uint64(first, ret) && (second.len == 0 || str_to_uint64(second, ret_second));
}

/* Version 1 has two files; without a limit the first one is -1. */
static bool read_quota(uint64_t *ret_quota, uint64_t *ret_period)
{
    static const char *const groups[] = {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"};

    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        char quota[64], period[64];
        uint64_t ignored;

        snprintf(quota, sizeof quota, "%s/cpu.cfs_quota_us", groups[i]);
        snprintf(period, sizeof period, "%s/cpu.cfs_period_us", groups[i]);
        if (read_number(quota, ret_quota, &ignored) && read_number(period, ret_period, &ignored)) {
            return true;
        }
    }
    return false;
}

int os_cpus(void)
{
    cpu_set_t set;
    uint64_t quota, period;
    int cpus = 1;

    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        cpus = CPU_COUNT(&set);
    }
    if ((read_number("/sys/fs/cgroup/cpu.max", &quota, &period) || read_quota(&quota, &period)) &&
        period > 0) {
        uint64_t whole = quota / period + (quota % period > 0);

        cpus = whole < (uint64_t)cpus ? (int)whole : cpus;
    }
    return cpus > 0 ? cpus : 1;
}

/* The least of `least` (0: none) and the limit in the file. */
static uint64_t lesser(uint64_t least, const char *path)
{
    uint64_t limit, second;

    return read_number(path, &limit, &second) && limit > 0 && (!least || limit < least) ? limit
                                                                                        : least;
}

/* Of the group `name` below `mount` and of all that it lies in: each limits those below it. */
static uint64_t least_upward(const char *mount, struct str name, const char *file, uint64_t least)
{
    for (;;) {
        _cleanup_(buf_done) struct buf path = {0};
        size_t end = name.len;

        buf_addf(&path, "%s%.*s/%s", mount, STR_FMT(name), file);
        least = path.failed ? least : lesser(least, buf_text(&path));
        while (end > 0 && name.data[end - 1] != '/') {
            end--;
        }
        if (name.len == 0) {
            return least;
        }
        name.len = end > 0 ? end - 1 : 0;
    }
}

/* Whether "cpu,memory" names the controller. */
static bool has_controller(struct str list, struct str controller)
{
    struct str each;

    while (list.len > 0) {
        str_cut(list, ',', &each, &list);
        if (str_eq(each, controller)) {
            return true;
        }
    }
    return false;
}

uint64_t os_group_memory(const char *root, struct str groups)
{
    _cleanup_(buf_done) struct buf first = {0};
    struct str line, id, controllers, name;
    uint64_t least = 0;

    buf_addf(&first, "%s/memory", root);
    if (first.failed) {
        return 0;
    }
    /* A container sees its own group as the topmost one, wherever that lies for the machine. */
    least = least_upward(root, STR_EMPTY, "memory.max", least);
    least = least_upward(buf_text(&first), STR_EMPTY, "memory.limit_in_bytes", least);
    while (groups.len > 0) { /* "4:memory:/jobs/7", version 2: "0::/jobs/7" */
        str_cut(groups, '\n', &line, &groups);
        if (!str_cut(line, ':', &id, &line) || !str_cut(line, ':', &controllers, &name) ||
            str_eq(name, STR("/"))) {
            continue;
        }
        if (controllers.len == 0) {
            least = least_upward(root, name, "memory.max", least);
        } else if (has_controller(controllers, STR("memory"))) {
            least = least_upward(buf_text(&first), name, "memory.limit_in_bytes", least);
        }
    }
    return least;
}

uint64_t os_memory(void)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf groups = {0};
    struct sysinfo info;
    uint64_t memory = 0, limit;

    if (sysinfo(&info) == 0) {
        memory = (uint64_t)info.totalram * info.mem_unit;
    }
    if (os_file_read("/proc/self/cgroup", CORRIE_KiB * 64, &groups, &ignored) < 0) {
        buf_clear(&groups);
    }
    limit = os_group_memory("/sys/fs/cgroup", buf_str(&groups));
    return limit > 0 && (!memory || limit < memory) ? limit : memory;
}

uint64_t os_memory_for_work(void)
{
    uint64_t memory = os_memory();

    return memory > 0 ? memory / 10 * 7 : CORRIE_GiB;
}
