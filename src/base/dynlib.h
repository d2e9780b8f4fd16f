/* dynlib.h — libraries that are loaded on first use, so that a command that needs none of them starts at
 * once.
 *
 *     struct sample_api { __typeof__(&sample_open) open; … };
 *     static const struct dynlib_symbol symbols[] = {
 *         {"sample_open", offsetof(struct sample_api, open)}, …
 *     };
 *     r = dynlib_load(&(struct dynlib_spec){.names = names, …}, &api, err);
 */
#ifndef CORRIE_BASE_DYNLIB_H
#define CORRIE_BASE_DYNLIB_H

#include <stddef.h>

#include "base/error.h"

struct dynlib_symbol {
    const char *name;
    size_t offset; /* of the function pointer in the api struct */
};

struct dynlib_spec {
    const char *title; /* for errors: "DuckDB" */
    const char *env;   /* variable that names a path and then is the only candidate; or NULL */
    const char *const *names; /* file names to try in order, NULL-terminated */
    const char *const
        *directories; /* tried before the loader's own search, relative to the directory of
                                     * the running program or library; NULL-terminated; may be NULL */
    const struct dynlib_symbol *symbols;
    size_t n_symbols;
    const char *hint; /* what the user can do if it is not found */
};

/* Loads the library and fills `api`. The library stays loaded for the life of the process. Call once and
 * keep the result. CORRIE_E_UNSUPPORTED with the loader's reason if none is found or a symbol is
 * missing. */
int dynlib_load(const struct dynlib_spec *spec, void *api, corrie_error *err) CORRIE_MUST_USE;

#endif
