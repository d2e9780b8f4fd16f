#include "store/alive.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "os/proc.h"
#include "os/user.h"

/* 1 it surely lives, 0 it has surely ended, -1 it cannot be seen from here. */
static int process_lives(const json_t *record)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _free_ char *host = NULL;
    struct str recorded = STR_EMPTY;
    struct str mark = STR_EMPTY;
    int64_t pid = 0;
    int lives;

    if (js_opt_int(record, "pid", &pid, CORRIE_E_CORRUPT, &ignored) <= 0) {
        return -1;
    }
    if (js_opt_str(record, "process", &mark, CORRIE_E_CORRUPT, &ignored) > 0 && mark.len > 0) {
        lives = os_process_lives((int)pid, mark);
        if (lives >= 0) {
            return lives;
        }
    }
    if (js_opt_str(record, "host", &recorded, CORRIE_E_CORRUPT, &ignored) > 0 &&
        os_host_name(&host, &ignored) >= 0 && str_eq(recorded, str_of(host)) &&
        !os_pid_alive((int)pid)) {
        return 0;
    }
    return -1;
}

static bool heart_beats(struct store *store, struct str directory)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct store_info info;
    char *key = arena_printf(&arena, "%.*s/heartbeat", STR_FMT(directory));

    return key && store_stat(store, str_of(key), &info, &ignored) >= 0 &&
           clock_now() - info.mtime <= (int64_t)HEARTBEAT_LOST_MS * 1000000;
}

bool alive_by_record(struct store *store, struct str directory, const json_t *record)
{
    int lives = process_lives(record);

    return lives >= 0 ? lives > 0 : heart_beats(store, directory);
}
