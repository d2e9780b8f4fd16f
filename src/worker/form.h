/* form.h — how a function wants its inputs. */
#ifndef CORRIE_WORKER_FORM_H
#define CORRIE_WORKER_FORM_H

#include "base/error.h"
#include "base/str.h"

enum worker_form {
    WORKER_ARROW_TABLE,  /* pyarrow.Table: in place, nothing copied */
    WORKER_ARROW_READER, /* pyarrow.RecordBatchReader: the same, batch by batch */
    WORKER_POLARS,       /* polars.DataFrame: texts are copied once, numbers are not */
    WORKER_POLARS_LAZY,  /* polars.LazyFrame over one */
    WORKER_PANDAS,       /* pandas.DataFrame: a copy, which the function may change */
    WORKER_DUCKDB,       /* duckdb.DuckDBPyRelation over the table, read in place */
    WORKER_N_FORMS,
};

/* As messages to the function's process call it: "polars-lazy". */
const char *worker_form_name(enum worker_form form);

/* The form that an annotation asks for: "polars.DataFrame", "pl.LazyFrame | None", "typing.Optional[pandas.DataFrame]".
 * One that says nothing of tables ("typing.Any", a class of the user's, "") is WORKER_ARROW_TABLE.
 * CORRIE_E_PROJECT for a class of these libraries that no input can be; the hint names those that one can. */
int worker_form_of(struct str annotation, enum worker_form *ret, corrie_error *err) CORRIE_MUST_USE;

#endif
