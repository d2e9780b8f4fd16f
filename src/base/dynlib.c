#include "base/dynlib.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"

enum { PATH_LENGTH = 4096 };

/* The directory of the program or library that holds this very function, with its final slash. */
static bool own_directory(char ret[PATH_LENGTH])
{
    Dl_info info;
    char *resolved;
    char *slash;
    bool fits;

    if (dladdr((const void *)(uintptr_t)dynlib_load, &info) == 0 || !info.dli_fname) {
        return false;
    }
    /* argv[0] as dladdr gives it for a program may be a bare name or a link */
    resolved = realpath(strchr(info.dli_fname, '/') ? info.dli_fname : "/proc/self/exe", NULL);
    if (!resolved) {
        return false;
    }
    slash = strrchr(resolved, '/');
    fits = slash && (size_t)(slash + 1 - resolved) < PATH_LENGTH;
    if (fits) {
        memcpy(ret, resolved, (size_t)(slash + 1 - resolved));
        ret[slash + 1 - resolved] = '\0';
    }
    free(resolved);
    return fits;
}

static void *try_open(const char *path, struct buf *reasons)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (!library) {
        const char *reason = dlerror();

        buf_addf(reasons, "%s%s", reasons->len ? "\n" : "", reason ? reason : path);
    }
    return library;
}

static void *find_library(const struct dynlib_spec *spec, struct buf *reasons)
{
    const char *chosen = spec->env ? getenv(spec->env) : NULL;
    char directory[PATH_LENGTH];
    char path[PATH_LENGTH * 2];
    void *library = NULL;

    if (chosen && *chosen) {
        return try_open(chosen, reasons);
    }
    if (spec->directories && own_directory(directory)) {
        for (size_t d = 0; spec->directories[d] && !library; d++) {
            for (size_t n = 0; spec->names[n] && !library; n++) {
                snprintf(path, sizeof path, "%s%s/%s", directory, spec->directories[d],
                         spec->names[n]);
                library = try_open(path, reasons);
            }
        }
    }
    for (size_t n = 0; spec->names[n] && !library; n++) {
        library = try_open(spec->names[n], reasons);
    }
    return library;
}

int dynlib_load(const struct dynlib_spec *spec, void *api, corrie_error *err)
{
    _cleanup_(buf_done) struct buf reasons = {0};
    void *library = find_library(spec, &reasons);

    if (!library) {
        corrie_fail(err, CORRIE_E_UNSUPPORTED, "load %s: the library was not found", spec->title);
        corrie_detail(err, buf_str(&reasons));
        return spec->hint ? corrie_hint(err, "%s", spec->hint) : err->code;
    }
    for (size_t i = 0; i < spec->n_symbols; i++) {
        void *symbol = dlsym(library, spec->symbols[i].name);

        if (!symbol) {
            dlclose(library);
            corrie_fail(err, CORRIE_E_UNSUPPORTED,
                        "load %s: this version of the library has no function %s", spec->title,
                        spec->symbols[i].name);
            return spec->hint ? corrie_hint(err, "%s", spec->hint) : err->code;
        }
        memcpy((char *)api + spec->symbols[i].offset, &symbol, sizeof symbol);
    }
    return 0;
}
