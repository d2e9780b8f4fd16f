/* Lock files of environments: reading, and what was read written and read again. */
#include <stdlib.h>

#include "base/json.h"
#include "env/env.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Nothing but names, versions and hashes: what stands here becomes lines of a file that the installer reads. */
static void check_text(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.data[i] <= ' ' || text.data[i] == '/' || text.data[i] == ';') {
            abort();
        }
    }
}

static void check(const struct env_lock *lock)
{
    for (size_t i = 0; i < lock->n_entries; i++) {
        const struct env_lock_entry *entry = &lock->entries[i];

        if (env_lock_find(lock, &entry->request) != entry) {
            abort();
        }
        check_text(entry->locked.python);
        for (size_t k = 0; k < entry->locked.n_packages; k++) {
            const struct env_locked_package *package = &entry->locked.packages[k];

            check_text(package->name);
            check_text(package->version);
            for (size_t m = 0; m < package->n_hashes; m++) {
                check_text(package->hashes[m]);
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf first = {0}, second = {0};
    struct env_lock lock, again;

    js_setup();
    if (env_lock_parse(STR("corrie.lock"), str_make((const char *)data, size), &arena, &lock,
                       &err) < 0) {
        return 0;
    }
    check(&lock);
    if (env_lock_print(&lock, &first, &err) < 0 ||
        env_lock_parse(STR("corrie.lock"), buf_str(&first), &arena, &again, &err) < 0 ||
        again.n_entries != lock.n_entries || env_lock_print(&again, &second, &err) < 0 ||
        !str_eq(buf_str(&first), buf_str(&second))) {
        abort();
    }
    return 0;
}
