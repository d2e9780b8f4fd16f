/* plan_priv.h — shared inside the room. */
#ifndef CORRIE_PLAN_PLAN_PRIV_H
#define CORRIE_PLAN_PLAN_PRIV_H

#include <jansson.h>

#include "base/map.h"
#include "base/vec.h"
#include "plan/declare.h"
#include "plan/plan.h"
#include "plan/project.h"

/* ---- declarations ------------------------------------------------------------------------------- */

/* What the reader says of every Python source, by index of project->sources (NULL for SQL). */
struct reader_docs {
    json_t **files; /* n = project->n_sources */
    size_t n_files;
    char *interpreter; /* path, if one was started */
    char version[32];  /* of it */
};
void reader_docs_done(struct reader_docs *docs);

/* Reads all Python sources, from the cache where it has them. Documents are checked only to be JSON; those
 * with problems are never cached. */
int reader_read(const struct project_dir *project, const struct declare_options *options,
                struct reader_docs *ret, corrie_error *err) CORRIE_MUST_USE;

/* What is being declared: the arena is the declarations'. */
struct declaring {
    const struct project_dir *project;
    struct arena *arena;
    VEC(struct declared_function) functions;
    const struct reader_docs *docs;
    /* Files of the project that the code at hand reaches; file i was last reached by hashing number
     * reached_by[i]. */
    VEC(size_t) reached;
    size_t *reached_by;
    size_t n_hashed;
    bool dynamic; /* some of that code imports or evaluates what cannot be seen */
    /* project defaults, checked */
    struct str python;
    struct env_package *packages;
    size_t n_packages;
    double timeout;
};

/* Adds the functions that a reader document, or an SQL source, declares. */
int declare_python(struct declaring *declaring, const struct source_file *source, const json_t *doc,
                   corrie_error *err) CORRIE_MUST_USE;
int declare_sql(struct declaring *declaring, const struct source_file *source, corrie_error *err)
    CORRIE_MUST_USE;
/* Fills code and modules of a function from the document about it. */
int declare_code(struct declaring *declaring, const json_t *doc, struct declared_function *function,
                 corrie_error *err) CORRIE_MUST_USE;

/* 1 it is one, 0 it is not: CORRIE_E_PROJECT with the choices in the hint, without position. */
int strategy_parse(struct str text, enum strategy *ret, corrie_error *err) CORRIE_MUST_USE;
int cache_strategy_parse(struct str text, bool *ret_no_cache, corrie_error *err) CORRIE_MUST_USE;

/* `defaults` with `own` laid over them, by name. */
int packages_merge(const struct env_package *defaults, size_t n_defaults,
                   const struct env_package *own, size_t n_own, struct arena *arena,
                   struct env_package **ret, size_t *ret_n, corrie_error *err) CORRIE_MUST_USE;

/* "duplicate definition of 'x'": at `second`, with `first` in the hint. */
int duplicate_error(const struct project_dir *project, struct str name,
                    const struct declared_function *first, const struct declared_function *second,
                    corrie_error *err);

/* Hints at the nearest of `names`, if any is near; `what` is "columns of orders". */
static inline int hint_nearest(struct str name, const struct str *names, size_t n_names,
                               corrie_error *err)
{
    return corrie_hint_nearest(name, names, n_names, err);
}

#endif
