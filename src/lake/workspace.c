/* workspace.c — an engine at work on a lake, with a directory of its own to spill to.
 *
 * Opening DuckDB costs as much as a small query. So the handle keeps one engine that a person's work has left, and the
 * next that asks for the same gets it, emptied: who puts many questions to an open lake pays once. */
#include "lake/lake_priv.h"

#include "base/mem.h"
#include "engine/engine.h"
#include "os/dir.h"

void lake_workspace_done(struct lake_workspace *workspace)
{
    engine_close(workspace->engine);
    os_own_dir_remove(&workspace->spill);
    mem_free(workspace->like);
    *workspace = (struct lake_workspace){0};
}

/* Text that two workspaces share if one can stand for the other; NULL in *ret: it is for one use. A locked engine is
 * never kept: what it may read was settled when it was opened. */
static int describe(const char *memory, const struct engine_options *options, char **ret,
                    corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};

    *ret = NULL;
    if (options->locked || options->n_allowed > 0) {
        return 0;
    }
    buf_addf(&text, "%s %u %d %.*s", memory ? memory : "", options->threads, options->deterministic,
             STR_FMT(options->name_space));
    if (text.failed || !(*ret = str_dup(buf_str(&text)))) {
        return corrie_fail_memory(err);
    }
    return 0;
}

/* Takes the one that is kept, if it is like this. */
static bool take(struct lake *lake, const char *like, struct lake_workspace *ret)
{
    struct lake_workspace *idle = __atomic_exchange_n(&lake->idle, NULL, __ATOMIC_ACQ_REL);
    bool fits;

    if (!idle) {
        return false;
    }
    fits = strcmp(idle->like, like) == 0 && engine_reset(idle->engine);
    if (fits) {
        *ret = *idle;
        ret->lake = lake;
    } else {
        lake_workspace_done(idle);
    }
    mem_free(idle);
    return fits;
}

int lake_memory_size(const char *text, uint64_t *ret, corrie_error *err)
{
    if (str_to_size(str_of(text), ret)) {
        return 0;
    }
    corrie_fail(err, CORRIE_E_USAGE, "the memory %s is no size", text);
    return corrie_hint(err, "write 4G or 512M");
}

int lake_workspace_open(struct lake *lake, const char *memory, const struct engine_options *options,
                        struct lake_workspace *ret, corrie_error *err)
{
    _cleanup_(lake_workspace_done) struct lake_workspace made = {0};
    struct engine_options given = *options;
    int r;

    if (memory && (r = lake_memory_size(memory, &given.memory, err)) < 0) {
        return r;
    }
    r = describe(memory, options, &made.like, err);
    if (r < 0) {
        return r;
    }
    if (made.like && take(lake, made.like, ret)) {
        return 0;
    }
    r = os_own_dir_make("work", &made.spill, err);
    if (r < 0) {
        return r;
    }
    given.cancel = given.cancel ? given.cancel : lake->cancel;
    given.temp_dir = str_of(made.spill.path);
    r = engine_open(&given, &made.engine, err);
    if (r < 0) {
        return r;
    }
    made.lake = made.like ? lake : NULL;
    *ret = TAKE(made);
    return 0;
}

void lake_workspace_leave(struct lake_workspace *workspace)
{
    struct lake_workspace *idle;

    if (!workspace->lake || !(idle = mem_alloc(1, sizeof *idle))) {
        lake_workspace_done(workspace);
        return;
    }
    *idle = *workspace;
    *workspace = (struct lake_workspace){0};
    /* Emptied when somebody wants it: most processes ask one question. */
    idle = __atomic_exchange_n(&idle->lake->idle, idle, __ATOMIC_ACQ_REL);
    if (idle) {
        lake_workspace_done(idle);
        mem_free(idle);
    }
}

void lake_workspace_forget(struct lake *lake)
{
    struct lake_workspace *idle = __atomic_exchange_n(&lake->idle, NULL, __ATOMIC_ACQ_REL);

    if (idle) {
        lake_workspace_done(idle);
        mem_free(idle);
    }
}
