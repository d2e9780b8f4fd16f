#include "worker/form.h"

#include "base/buf.h"

/* Classes are found by their library and their own name: between them stands where in the library they are
 * defined, which is nobody's interface ("polars.dataframe.frame.DataFrame"). */
static const struct {
    const char *name; /* in the specification */
    const char *library;
    const char *class;
} forms[WORKER_N_FORMS] = {
    [WORKER_ARROW_TABLE] = {"table", "pyarrow", "Table"},
    [WORKER_ARROW_READER] = {"reader", "pyarrow", "RecordBatchReader"},
    [WORKER_POLARS] = {"polars", "polars", "DataFrame"},
    [WORKER_POLARS_LAZY] = {"polars-lazy", "polars", "LazyFrame"},
    [WORKER_PANDAS] = {"pandas", "pandas", "DataFrame"},
    [WORKER_DUCKDB] = {"duckdb", "duckdb", "DuckDBPyRelation"},
};

const char *worker_form_name(enum worker_form form)
{
    return forms[form].name;
}

/* Names under which files commonly import the libraries, for annotations in files that do not: as texts, or with the
 * import inside the function. */
static const struct {
    const char *alias;
    const char *library;
} aliases[] = {{"pa", "pyarrow"}, {"pl", "polars"}, {"pd", "pandas"}, {"_duckdb", "duckdb"}};

static struct str unalias(struct str library)
{
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
        if (str_eq(library, str_of(aliases[i].alias))) {
            return str_of(aliases[i].library);
        }
    }
    return library;
}

/* X of `Optional[X]`, `X | None` and `Annotated[X, …]`. */
static struct str without_wrapping(struct str text)
{
    static const struct str none = STR(" | None"), none_first = STR("None | ");
    struct str head, inside, rest;

    if (str_ends(text, none)) {
        text.len -= none.len;
    } else if (str_starts(text, none_first)) {
        text = str_from(text, none_first.len);
    }
    if (!str_ends(text, STR("]")) || !str_cut(text, '[', &head, &inside)) {
        return text;
    }
    inside.len--;
    if (str_ends(head, STR("Optional"))) {
        return inside;
    }
    if (!str_ends(head, STR("Annotated"))) {
        return text;
    }
    str_cut(inside, ',', &inside, &rest);
    return str_trim(inside);
}

static struct str last_part(struct str name)
{
    struct str part;

    while (str_cut(name, '.', &part, &name)) {
        /* on to the next */
    }
    return part;
}

static int fail_form(struct str annotation, corrie_error *err)
{
    _cleanup_(buf_done) struct buf list = {0};

    for (int i = 0; i < WORKER_N_FORMS; i++) {
        buf_addf(&list, "%s%s.%s", i > 0 ? ", " : "", forms[i].library, forms[i].class);
    }
    corrie_fail(err, CORRIE_E_PROJECT, "an input cannot be a %.*s", STR_FMT(annotation));
    return corrie_hint(err, "an input is one of %s", buf_text(&list));
}

int worker_form_of(struct str annotation, enum worker_form *ret, corrie_error *err)
{
    bool of_a_library = false;
    struct str library, rest;

    *ret = WORKER_ARROW_TABLE;
    annotation = without_wrapping(str_trim(annotation));
    if (!str_cut(annotation, '.', &library, &rest) || str_find(rest, '|') >= 0) {
        return 0; /* nothing of a library's, or one of several */
    }
    library = unalias(library);
    for (int i = 0; i < WORKER_N_FORMS; i++) {
        if (!str_eq(library, str_of(forms[i].library))) {
            continue;
        }
        of_a_library = true;
        if (str_eq(last_part(rest), str_of(forms[i].class))) {
            *ret = (enum worker_form)i;
            return 0;
        }
    }
    return of_a_library ? fail_form(annotation, err) : 0;
}
