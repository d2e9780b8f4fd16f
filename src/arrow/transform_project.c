/* transform_project.c — predicates of columns as predicates of partition values. */
#include "arrow/scalar_priv.h"
#include "arrow/transform.h"

struct projection {
    const struct transform *transform;
    const struct type *source;
    const struct type *result;
    enum predicate_op op;
    struct str value;
    struct arena *arena;
    struct projected *ret;
};

/* -1, 0, 1; both are values of the type. */
static int order_of(const struct type *type, struct str a, struct str b)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    int order = 0;

    return scalar_compare(type, a, b, &order, &ignored) < 0 ? 0 : order;
}

/* The neighbour of an integer or a time, so that `<` and `>` become `<=` and `>=`; the value itself where there is
 * none, or where the type has no neighbours. */
static int neighbour(const struct projection *p, struct str *ret, corrie_error *err)
{
    int64_t step = p->op == PREDICATE_LT ? -1 : p->op == PREDICATE_GT ? 1 : 0;
    int64_t number;

    *ret = p->value;
    if (step == 0 || p->source->kind == TYPE_DECIMAL ||
        !scalar_read_int(p->source, p->value, &number)) {
        return 0;
    }
    int64_t edge = step < 0 ? INT64_MIN : INT64_MAX;
    if (p->source->kind == TYPE_INT || p->source->kind == TYPE_DATE) {
        edge = step < 0 ? INT32_MIN : INT32_MAX;
    }
    return number == edge ? 0 : scalar_from_int(p->source, number + step, p->arena, ret, err);
}

/* Older writers cut times before 1970 towards zero: their partitions are one higher than the spec's. */
static int one_higher(const struct projection *p, struct str value, struct str *ret,
                      corrie_error *err)
{
    int64_t number = 0;

    *ret = value;
    if (p->transform->kind == TRANSFORM_TRUNCATE || !scalar_read_int(p->result, value, &number) ||
        number >= 0) {
        return 0;
    }
    return scalar_from_int(p->result, number + 1, p->arena, ret, err);
}

/* Transforms that keep order: years … hours, truncate. */
static int project_ordered(const struct projection *p, corrie_error *err)
{
    bool exact = false;
    struct str value;
    struct str made;
    struct str higher;
    int r;

    if (p->op == PREDICATE_NE) {
        return 0;
    }
    if ((r = neighbour(p, &value, err)) < 0 ||
        (r = transform_apply(p->transform, p->source, value, p->arena, &made, err)) < 0 ||
        (r = one_higher(p, made, &higher, err)) < 0) {
        return r;
    }
    bool is_cut = p->transform->kind == TRANSFORM_TRUNCATE;
    if (is_cut && p->op != PREDICATE_EQ && order_of(p->source, made, value) > 0) {
        return 0; /* cut below the type's least and wrapped around: no order to go by */
    }
    switch (p->op) {
    case PREDICATE_LT:
        /* what is less than a value that stands at its partition's beginning lies in partitions before */
        exact = is_cut && order_of(p->source, made, p->value) == 0;
        p->ret[0] = (struct projected){exact ? PREDICATE_LT : PREDICATE_LE, higher};
        return 1;
    case PREDICATE_LE:
        p->ret[0] = (struct projected){PREDICATE_LE, higher};
        return 1;
    case PREDICATE_GT:
    case PREDICATE_GE:
        p->ret[0] = (struct projected){PREDICATE_GE, made};
        return 1;
    default:
        if (order_of(p->result, made, higher) == 0) {
            p->ret[0] = (struct projected){PREDICATE_EQ, made};
            return 1;
        }
        p->ret[0] = (struct projected){PREDICATE_GE, made};
        p->ret[1] = (struct projected){PREDICATE_LE, higher};
        return 2;
    }
}

int transform_project(const struct transform *transform, const struct type *source,
                      enum predicate_op op, struct str value, struct arena *arena,
                      struct projected ret[TRANSFORM_MAX_PROJECTED], corrie_error *err)
{
    struct type result;
    struct projection p = {transform, source, &result, op, value, arena, ret};

    if (!transform_result(transform, source, &result)) {
        return corrie_fail(err, CORRIE_E_USAGE, "the column's type has no such transform");
    }
    if (transform->kind == TRANSFORM_VOID) {
        return 0;
    }
    if (op == PREDICATE_IS_NULL || op == PREDICATE_NOT_NULL ||
        transform->kind == TRANSFORM_IDENTITY) {
        ret[0] = (struct projected){op, value};
        return 1;
    }
    if (transform->kind != TRANSFORM_BUCKET) {
        return project_ordered(&p, err);
    }
    if (op != PREDICATE_EQ) {
        return 0;
    }
    ret[0].op = op;
    int r = transform_apply(transform, source, value, arena, &ret[0].value, err);
    return r < 0 ? r : 1;
}
