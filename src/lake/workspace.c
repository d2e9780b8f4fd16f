/* workspace.c — an engine at work on a lake, with a directory of its own to spill to. */
#include "lake/lake_priv.h"

#include "base/mem.h"
#include "engine/engine.h"
#include "os/dir.h"

int lake_workspace_open(struct lake *lake, const char *memory, const struct engine_options *options,
                        struct lake_workspace *ret, corrie_error *err)
{
    _cleanup_(lake_workspace_done) struct lake_workspace made = {0};
    struct engine_options given = *options;
    int r;

    if (memory && !str_to_size(str_of(memory), &given.memory)) {
        corrie_fail(err, CORRIE_E_USAGE, "the memory %s is no size", memory);
        return corrie_hint(err, "write 4G or 512M");
    }
    r = os_temp_dir("corrie-work", &made.spill, err);
    if (r < 0) {
        return r;
    }
    given.cancel = lake->cancel;
    given.temp_dir = str_of(made.spill);
    r = engine_open(&given, &made.engine, err);
    if (r < 0) {
        return r;
    }
    *ret = TAKE(made);
    return 0;
}

void lake_workspace_done(struct lake_workspace *workspace)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;

    engine_close(workspace->engine);
    if (workspace->spill && os_tree_remove(workspace->spill, &ignored) < 0) {
        corrie_error_clear(&ignored); /* temporary files of ours: nothing depends on them */
    }
    mem_free(workspace->spill);
    *workspace = (struct lake_workspace){0};
}
