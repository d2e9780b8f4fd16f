/* library.c — finding and loading libduckdb. */
#include "engine/duck.h"

#include <pthread.h>
#include <stddef.h>

#include "base/dynlib.h"
#include "engine/engine.h"

#define ENGINE_VERSION "v1.5.6"

struct str engine_version(void)
{
    return STR(ENGINE_VERSION);
}

static int load(struct duck *duck, corrie_error *err)
{
    static const char *const names[] = {"libduckdb.so", NULL};
    static const char *const directories[] = {".", "../lib", "../lib/corrie", NULL};
    static const struct dynlib_symbol symbols[] = {
#define X(name) {"duckdb_" #name, offsetof(struct duck, name)},
        DUCK_FUNCTIONS(X)
#undef X
    };
    const struct dynlib_spec spec = {
        .title = "DuckDB",
        .env = "CORRIE_DUCKDB",
        .names = names,
        .directories = directories,
        .symbols = symbols,
        .n_symbols = ARRAY_LEN(symbols),
        .hint =
            "corrie looks beside its program, in ../lib and where the loader looks; CORRIE_DUCKDB "
            "names a libduckdb.so (" ENGINE_VERSION ")",
    };
    int r = dynlib_load(&spec, duck, err);
    if (r < 0) {
        return r;
    }
    if (!str_eq(str_of(duck->library_version()), STR(ENGINE_VERSION))) {
        corrie_fail(err, CORRIE_E_UNSUPPORTED, "load DuckDB: found version %s, need %s",
                    duck->library_version(), ENGINE_VERSION);
        return corrie_hint(err, "CORRIE_DUCKDB names the libduckdb.so to use");
    }
    return 0;
}

/* The one piece of process-wide state: a library is loaded once and stays. A failure is not kept, so
 * that a later call reports it again. */
int duck_load(const struct duck **ret, corrie_error *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct duck duck;
    static bool loaded;
    int r = 0;

    pthread_mutex_lock(&lock);
    if (!loaded) {
        r = load(&duck, err);
        loaded = r == 0;
    }
    pthread_mutex_unlock(&lock);
    if (r == 0) {
        *ret = &duck;
    }
    return r;
}
