/* Who lives: a rule that listings, collection and pruning share. Taking a job for dead that lives lets its files be
 * collected; taking a dead one for alive keeps them for ever. */
#include "os/file.h"
#include "os/proc.h"
#include "os/user.h"
#include "store/alive.h"
#include "tests/unit/os/scratch.h"

enum { NOBODY = 2147483000 }; /* no process has this id */

static bool lives(struct store *store, const char *host, int64_t pid, const char *process)
{
    _json_ json_t *record = json_object();
    int r = js_set_str(record, "host", str_of(host));

    if (pid > 0) {
        r |= js_set_int(record, "pid", pid);
    }
    if (process) {
        r |= js_set_str(record, "process", str_of(process));
    }
    ck_assert_int_eq(r, 0);
    return alive_by_record(store, STR("job"), record);
}

START_TEST(who_lives)
{
    _scratch_ char *scratch = scratch_new();
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(store_closep) struct store *store = NULL;
    _free_ char *host = NULL;
    char mark[OS_PROCESS_MARK];
    char another[OS_PROCESS_MARK + 1];

    ck_ok(store_open(str_of(scratch), &store, &err), &err);
    ck_ok(os_host_name(&host, &err), &err);
    os_process_mark(mark);
    snprintf(another, sizeof another, "%s1", mark);
    for (int beats = 0; beats < 2; beats++) {
        if (beats) {
            ck_ok(store_put(store, STR("job/heartbeat"), STR_EMPTY, &err), &err);
        }
        /* seen to live, whether its heart beats or not; seen to be gone, likewise */
        ck_assert(mark[0] == '\0' || lives(store, host, os_pid(), mark));
        ck_assert(mark[0] == '\0' || !lives(store, host, os_pid(), another));
        ck_assert(!lives(store, host, NOBODY, NULL));
        /* not to be seen from here */
        ck_assert_int_eq(lives(store, "elsewhere", NOBODY, NULL), beats);
        ck_assert_int_eq(lives(store, "elsewhere", os_pid(), "boot.1.2"), beats);
        ck_assert_int_eq(lives(store, host, os_pid(), NULL), beats); /* ids are given again */
        ck_assert_int_eq(lives(store, host, 0, NULL), beats);
    }
}
END_TEST

SUITE(alive_suite, "alive", who_lives)
