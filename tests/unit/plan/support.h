/* support.h — projects made of texts, and lakes made of JSON: what planning asks of the lake is an interface,
 * and this is its second implementation. */
#ifndef CORRIE_TESTS_PLAN_SUPPORT_H
#define CORRIE_TESTS_PLAN_SUPPORT_H

#include <jansson.h>

#include "plan/plan.h"
#include "tests/unit/check.h"

/* ---- a project in a temporary directory --------------------------------------------------------- */

struct sample {
    char *dir;
    struct project_dir *project;
    struct declarations *declarations;
    struct plan *plan;
    corrie_error err;
};

/* An empty directory. */
void sample_init(struct sample *sample);
void sample_done(struct sample *sample);
/* Writes a file, making folders. */
void sample_file(struct sample *sample, const char *path, const char *text);
/* corrie.yaml with the least that it needs, and `more`. */
void sample_project(struct sample *sample, const char *more);
/* project_open and declare_read; negative is left in sample->err. */
int sample_declare(struct sample *sample, struct cache *cache);
/* The declared function of that name; the test fails if there is none. */
const struct declared_function *sample_function(struct sample *sample, const char *name);

/* The error as a person sees it: message, hint, place, source line and caret. NUL-terminated heap. */
char *error_text(const corrie_error *err);

/* ---- a lake ------------------------------------------------------------------------------------- */

/* {"ns.table": {"column": "type", …}, …}, or {"refs": {"name": {…}}} beside them. */
struct lake_double {
    const json_t *tables;
};
struct plan_catalog lake_catalog(struct lake_double *lake);

#endif
