/* prune.c — what counts, bounds and partitions say of rows that are not read. */
#include "arrow/scalar.h"
#include "iceberg/scan_priv.h"

/* ---- counts and bounds ---- */

/* -1, 0, 1 of two scalars; false if they cannot be compared (then nothing is pruned). */
static bool compare(const struct type *type, struct str a, struct str b, int *ret)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;

    return a.data && b.data && scalar_compare(type, a, b, ret, &ignored) >= 0;
}

static bool is_float(const struct type *type)
{
    return type->kind == TYPE_FLOAT || type->kind == TYPE_DOUBLE;
}

/* NaN orders above all numbers (as DuckDB compares) and is in no bound. */
static bool may_match_nan(const struct column_metrics *column, enum predicate_op op)
{
    return (op != PREDICATE_EQ && op != PREDICATE_GE) || column->nan_count != 0;
}

static bool may_match_bounds(const struct type *type, const struct column_metrics *column,
                             const struct predicate *predicate)
{
    bool nans = is_float(type) && column->nan_count != 0;
    int to_lower = 0; /* how lower and upper stand to the value */
    int to_upper = 0;
    bool has_lower = compare(type, column->lower, predicate->value, &to_lower);
    bool has_upper = compare(type, column->upper, predicate->value, &to_upper);

    switch (predicate->op) {
    case PREDICATE_EQ:
        return !(has_lower && to_lower > 0) && !(has_upper && to_upper < 0);
    case PREDICATE_LT:
        return !(has_lower && to_lower >= 0);
    case PREDICATE_LE:
        return !(has_lower && to_lower > 0);
    case PREDICATE_GT:
        return nans || !(has_upper && to_upper <= 0);
    case PREDICATE_GE:
        return nans || !(has_upper && to_upper < 0);
    case PREDICATE_NE:
        return nans || !(has_lower && has_upper && to_lower == 0 && to_upper == 0);
    default:
        return true;
    }
}

/* `column` and `predicate` are of `type`. */
static bool may_match(const struct type *type, const struct column_metrics *column,
                      const struct predicate *predicate)
{
    double number;

    if (predicate->op == PREDICATE_IS_NULL) {
        return column->null_count != 0;
    }
    if (column->value_count >= 0 && column->null_count == column->value_count) {
        return false;
    }
    if (predicate->op == PREDICATE_NOT_NULL) {
        return true;
    }
    if (is_float(type) && scalar_to_double(type, predicate->value, &number) && number != number) {
        return may_match_nan(column, predicate->op);
    }
    return may_match_bounds(type, column, predicate);
}

bool scan_may_match(const struct schema *schema, const struct data_file *file,
                    const struct predicate *predicates, size_t n_predicates)
{
    if (file->record_count == 0 && n_predicates > 0) {
        return false;
    }
    for (size_t i = 0; i < n_predicates; i++) {
        const struct field *field = schema_find_id(schema, predicates[i].field_id);
        const struct column_metrics *column = data_file_column(file, predicates[i].field_id);
        /* a column without metrics may be missing from the file: all null */
        if (field && column && !type_is_nested(&field->type) &&
            !may_match(&field->type, column, &predicates[i])) {
            return false;
        }
    }
    return true;
}

/* ---- partitions ---- */

void partition_tests_done(struct partition_tests *tests)
{
    vec_done(tests);
}

static int64_t wraps_above(const struct transform *transform, const struct type *source)
{
    if (transform->kind != TRANSFORM_TRUNCATE) {
        return INT64_MAX;
    }
    return source->kind == TYPE_INT    ? INT32_MAX - transform->n
           : source->kind == TYPE_LONG ? INT64_MAX - transform->n
                                       : INT64_MAX;
}

static int add_tests(const struct predicate *predicate, size_t at, const struct type *source,
                     struct arena *arena, struct partition_tests *tests, corrie_error *err)
{
    struct projected made[TRANSFORM_MAX_PROJECTED];
    struct partition_test test = {.field = at};
    struct transform transform;

    if (!transform_parse(tests->spec->fields[at].transform, &transform) ||
        !transform_result(&transform, source, &test.type)) {
        return 0; /* a later version's transform, or one that the type had not then */
    }
    test.wraps_above = wraps_above(&transform, source);
    int n =
        transform_project(&transform, source, predicate->op, predicate->value, arena, made, err);
    for (int i = 0; i < n; i++) {
        test.projected = made[i];
        if (vec_push(tests, test) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return n;
}

int partition_tests_make(const struct schema *schema, const struct partition_spec *spec,
                         const struct predicate *predicates, size_t n_predicates,
                         struct arena *arena, struct partition_tests *ret, corrie_error *err)
{
    _cleanup_(partition_tests_done) struct partition_tests tests = {.spec = spec};

    for (size_t i = 0; i < n_predicates; i++) {
        const struct field *source = schema_find_id(schema, predicates[i].field_id);
        for (size_t f = 0; source && f < spec->n_fields; f++) {
            if (spec->fields[f].source_id == source->id && !type_is_nested(&source->type)) {
                int r = add_tests(&predicates[i], f, &source->type, arena, &tests, err);
                if (r < 0) {
                    return r;
                }
            }
        }
    }
    *ret = TAKE(tests);
    return 0;
}

/* Whether values of a partition field, told of as a column's, may pass. */
static bool may_pass(const struct partition_test *test, const struct column_metrics *values)
{
    const struct predicate predicate = {0, test->projected.op, test->projected.value};
    int64_t upper;

    return may_match(&test->type, values, &predicate) ||
           (test->wraps_above != INT64_MAX && scalar_to_int(&test->type, values->upper, &upper) &&
            upper > test->wraps_above);
}

bool partition_tests_manifest(const struct partition_tests *tests,
                              const struct manifest_file *manifest)
{
    if (!manifest->has_partitions || manifest->n_partitions != tests->spec->n_fields) {
        return true;
    }
    for (size_t i = 0; i < tests->count; i++) {
        const struct partition_test *test = &tests->items[i];
        const struct field_summary *summary = &manifest->partitions[test->field];
        bool none = !summary->lower.data && !summary->upper.data &&
                    (summary->contains_nan == 0 || !is_float(&test->type));
        const struct column_metrics values = {
            .value_count = none ? 1 : FILE_UNKNOWN, /* no bounds: there are only nulls */
            .null_count = none                     ? 1
                          : summary->contains_null ? FILE_UNKNOWN
                                                   : 0,
            .nan_count = summary->contains_nan,
            .lower = summary->lower,
            .upper = summary->upper,
        };
        if (!may_pass(test, &values)) {
            return false;
        }
    }
    return true;
}

bool partition_tests_file(const struct partition_tests *tests, const struct data_file *file)
{
    double number;

    for (size_t i = 0; i < tests->count && file->n_partition == tests->spec->n_fields; i++) {
        const struct partition_test *test = &tests->items[i];
        struct str value = file->partition[test->field].bytes;
        bool nan = value.data && is_float(&test->type) &&
                   scalar_to_double(&test->type, value, &number) && number != number;
        const struct column_metrics values = {
            .value_count = 1,
            .null_count = !value.data,
            .nan_count = nan,
            .lower = nan ? (struct str){NULL, 0} : value,
            .upper = nan ? (struct str){NULL, 0} : value,
        };
        if (!may_pass(test, &values)) {
            return false;
        }
    }
    return true;
}
