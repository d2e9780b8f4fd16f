/* python_priv.h — the parts of a Python function's declaration; each fills u->function. */
#ifndef CORRIE_PLAN_PYTHON_PRIV_H
#define CORRIE_PLAN_PYTHON_PRIV_H

#include "plan/values_priv.h"

/* ---- decorators: `call` as the reader has it. Errors CORRIE_E_PROJECT, at their place */

/* model.c. Several outputs are left in u->outputs. */
int decorator_model(struct understanding *u, const json_t *call, corrie_error *err) CORRIE_MUST_USE;
/* environment.c. Packages are left in u->own and u->extra. */
int decorator_python(struct understanding *u, const json_t *call, corrie_error *err)
    CORRIE_MUST_USE;
int decorator_extras(struct understanding *u, const json_t *call, corrie_error *err)
    CORRIE_MUST_USE;

/* ---- when all decorators were read */

/* environment.c. What the function pins itself counts more than extras, and these more than the project's defaults. */
int packages_settle(struct understanding *u, corrie_error *err) CORRIE_MUST_USE;
/* arguments.c. Inputs and parameters; an expectation must have what it is on. */
int arguments_declare(const struct understanding *u, const json_t *list, corrie_error *err)
    CORRIE_MUST_USE;
/* model.c. u->outputs={'a': {…}, 'b': {…}}: a declaration each, next to each other, in the place of the function. */
int outputs_declare(const struct understanding *u, corrie_error *err) CORRIE_MUST_USE;

#endif
