/* import_plan.h — the plan of a table to be made of files: YAML that a person reads, settles and applies
 * (docs/formats/import-plan.md). */
#ifndef CORRIE_LANG_IMPORT_PLAN_H
#define CORRIE_LANG_IMPORT_PLAN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/* Types are texts here: those of DuckDB, or of Iceberg. */
struct import_plan_choice {
    struct str type;
    struct str file;
};

struct import_plan_column {
    struct str name;
    struct str type; /* empty: nobody decided yet */
    size_t offset;   /* of the type in the source, read back */
    size_t length;
    const struct import_plan_choice
        *choices; /* what the files have, where they disagree; not read back */
    size_t n_choices;
};

struct import_plan {
    struct str table;          /* "shop.orders" */
    struct str branch;         /* empty: none was named */
    struct str partitioned_by; /* empty: not */
    const struct str *from;    /* URIs, for people: not read back */
    size_t n_from;
    const struct import_plan_column *columns;
    size_t n_columns;
};

/* As YAML. Appends to `out`. */
int import_plan_format(const struct import_plan *plan, struct buf *out, corrie_error *err)
    CORRIE_MUST_USE;
/* Parses a plan; unknown keys are errors. CORRIE_E_PROJECT with a position for what is no plan; whether types are
 * types is for the caller to know. CORRIE_E_DATA with a position for the first column that is undecided, unless `undecided` allows it;
 * CORRIE_E_LIMIT past CORRIE_MAX_PROJECT bytes or CORRIE_MAX_COLUMNS columns. Everything lies in `arena`. */
int import_plan_parse(const char *file, struct str source, bool undecided, struct arena *arena,
                      struct import_plan *ret, corrie_error *err) CORRIE_MUST_USE;

#endif
