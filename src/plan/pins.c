/* pins.c — packages that functions ask for, laid over those of the project. What a pin looks like is env's. */
#include <string.h>

#include "plan/plan_priv.h"

static struct str base_name(const struct env_package *package)
{
    ptrdiff_t bracket = str_find(package->name, '[');

    return bracket < 0 ? package->name : str_slice(package->name, 0, (size_t)bracket);
}

int packages_merge(const struct env_package *defaults, size_t n_defaults,
                   const struct env_package *own, size_t n_own, struct arena *arena,
                   struct env_package **ret, size_t *ret_n, corrie_error *err)
{
    struct env_package *merged = arena_array(arena, struct env_package, n_defaults + n_own + 1);
    size_t n = 0;

    if (!merged) {
        return corrie_fail_memory(err);
    }
    for (size_t pass = 0; pass < 2; pass++) {
        const struct env_package *list = pass == 0 ? defaults : own;
        size_t n_list = pass == 0 ? n_defaults : n_own;
        for (size_t i = 0; i < n_list; i++) {
            size_t at = 0; /* sorted by name; lists are short */
            while (at < n && str_cmp(base_name(&merged[at]), base_name(&list[i])) < 0) {
                at++;
            }
            if (at < n && str_eq(base_name(&merged[at]), base_name(&list[i]))) {
                merged[at] = list[i];
                continue;
            }
            memmove(&merged[at + 1], &merged[at], (n - at) * sizeof *merged);
            merged[at] = list[i];
            n++;
        }
    }
    *ret = merged;
    *ret_n = n;
    return 0;
}
