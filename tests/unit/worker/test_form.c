#include "tests/unit/check.h"

#include "worker/form.h"

/* The annotation decides in which form a function gets its input; what says nothing of tables changes nothing. */
START_TEST(form_annotations)
{
    static const struct {
        const char *annotation;
        enum worker_form form;
    } cases[] = {
        {"", WORKER_ARROW_TABLE},
        {"pyarrow.Table", WORKER_ARROW_TABLE},
        {"pa.Table", WORKER_ARROW_TABLE},
        {"pyarrow.lib.Table", WORKER_ARROW_TABLE},
        {"pyarrow.RecordBatchReader", WORKER_ARROW_READER},
        {"polars.DataFrame", WORKER_POLARS},
        {"pl.DataFrame", WORKER_POLARS},
        {"polars.dataframe.frame.DataFrame", WORKER_POLARS},
        {"pl.LazyFrame | None", WORKER_POLARS_LAZY},
        {"None | pd.DataFrame", WORKER_PANDAS},
        {"typing.Optional[pandas.DataFrame]", WORKER_PANDAS},
        {"typing.Annotated[polars.DataFrame, 'clean, sorted']", WORKER_POLARS},
        {"duckdb.DuckDBPyRelation", WORKER_DUCKDB},
        {"_duckdb.DuckDBPyRelation", WORKER_DUCKDB},
        {"typing.Any", WORKER_ARROW_TABLE},
        {"my.DataFrame", WORKER_ARROW_TABLE},
        {"DataFrame", WORKER_ARROW_TABLE},
        {"dict[str, int]", WORKER_ARROW_TABLE},
        {"polars.DataFrame | pyarrow.Table", WORKER_ARROW_TABLE},
        {"[", WORKER_ARROW_TABLE},
        {".", WORKER_ARROW_TABLE},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        enum worker_form form = WORKER_N_FORMS;

        ck_ok(worker_form_of(str_of(cases[i].annotation), &form, &err), &err);
        ck_assert_msg(form == cases[i].form, "%s: %s", cases[i].annotation, worker_form_name(form));
    }
}
END_TEST

/* A class of these libraries that no input can be: said before anything runs, with those that one can be. */
START_TEST(form_refused)
{
    static const char *const cases[] = {"polars.Series", "pyarrow.ChunkedArray", "pd.Series",
                                        "typing.Optional[pl.Expr]", "pyarrow."};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        enum worker_form form;

        ck_assert_int_eq(worker_form_of(str_of(cases[i]), &form, &err), CORRIE_E_PROJECT);
        ck_assert_ptr_nonnull(strstr(err.hint, "polars.LazyFrame, pandas.DataFrame"));
    }
}
END_TEST

SUITE(form_suite, "form", form_annotations, form_refused)
