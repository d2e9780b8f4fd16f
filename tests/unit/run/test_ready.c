/* Which step is next. */
#include "base/mem.h"
#include "run/ready.h"
#include "tests/unit/check.h"

/* A plan of steps alone: functions of one kind, each after those listed. */
struct small {
    struct plan plan;
    struct plan_step steps[16];
    struct plan_node nodes[16];
    struct declared_function python;
    struct declared_function sql;
    size_t after[16][16];
    struct arena arena;
    corrie_error err;
};

static void small_init(struct small *small)
{
    *small = (struct small){.python = {.language = SOURCE_PYTHON}, .sql = {.language = SOURCE_SQL}};
    small->plan.steps = small->steps;
    small->plan.nodes = small->nodes;
}

static void add(struct small *small, bool sql, size_t n_after, const size_t *after)
{
    size_t i = small->plan.n_steps++;

    small->nodes[i].function = sql ? &small->sql : &small->python;
    small->steps[i] = (struct plan_step){.kind = STEP_FUNCTION,
                                         .node = i,
                                         .source = PLAN_NONE,
                                         .environment = PLAN_NONE,
                                         .after = small->after[i],
                                         .n_after = n_after};
    for (size_t k = 0; k < n_after; k++) {
        small->after[i][k] = after[k];
    }
}

#define ADD(small, sql, ...)                                                                       \
    add((small), (sql), sizeof((size_t[]){__VA_ARGS__}) / sizeof(size_t), (size_t[]){__VA_ARGS__})

START_TEST(the_longest_way_goes_first)
{
    struct small small;
    struct ready ready;

    small_init(&small);
    add(&small, false, 0, NULL); /* 0: alone */
    add(&small, false, 0, NULL); /* 1 → 3 → 4 */
    add(&small, false, 0, NULL); /* 2 → 4 */
    ADD(&small, false, 1);
    ADD(&small, false, 2, 3);
    ck_ok(ready_init(&ready, &small.plan, false, &small.arena, &small.err), &small.err);
    ck_assert_uint_eq(ready_take(&ready, READY_CALL), 1);
    ck_assert_uint_eq(ready_take(&ready, READY_CALL), 2);
    ck_assert_uint_eq(ready_take(&ready, READY_CALL), 0);
    ck_assert_uint_eq(ready_first(&ready, READY_CALL), PLAN_NONE);
    ready_ended(&ready, 2);
    ck_assert_uint_eq(ready_first(&ready, READY_CALL), PLAN_NONE);
    ready_ended(&ready, 1);
    ck_assert_uint_eq(ready_take(&ready, READY_CALL), 3);
    ready_ended(&ready, 3);
    ck_assert_uint_eq(ready_take(&ready, READY_CALL), 4);
    arena_done(&small.arena);
}
END_TEST

START_TEST(equal_ones_go_by_the_plan)
{
    struct small small;
    struct ready ready;

    small_init(&small);
    for (size_t i = 0; i < 16; i++) {
        add(&small, true, 0, NULL);
    }
    ck_ok(ready_init(&ready, &small.plan, false, &small.arena, &small.err), &small.err);
    for (size_t i = 0; i < 16; i++) {
        ck_assert_uint_eq(ready_first(&ready, READY_DATA), i);
        ck_assert_uint_eq(ready_take(&ready, READY_DATA), i);
    }
    arena_done(&small.arena);
}
END_TEST

START_TEST(each_kind_has_its_queue)
{
    struct small small;
    struct ready ready;

    small_init(&small);
    add(&small, true, 0, NULL);
    add(&small, false, 0, NULL);
    add(&small, false, 0, NULL);
    small.steps[2].kind = STEP_ENV;
    ADD(&small, true, 0, 1, 2);
    small.steps[3].kind = STEP_WRITE;
    ck_ok(ready_init(&ready, &small.plan, false, &small.arena, &small.err), &small.err);
    ck_assert_uint_eq(ready_take(&ready, READY_DATA), 0);
    ck_assert_uint_eq(ready_take(&ready, READY_CALL), 1);
    ck_assert_uint_eq(ready_take(&ready, READY_ENVIRONMENT), 2);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(ready_first(&ready, READY_DATA), PLAN_NONE);
        ready_ended(&ready, i);
    }
    ck_assert_uint_eq(ready_take(&ready, READY_DATA), 3);
    arena_done(&small.arena);
}
END_TEST

START_TEST(writes_go_before_sql_but_not_before_what_functions_wait_for)
{
    struct small small;
    struct ready ready;

    small_init(&small);
    add(&small, true, 0, NULL); /* 0: SQL that is written by 4 */
    add(&small, true, 0, NULL); /* 1: SQL alone */
    add(&small, true, 0, NULL); /* 2: SQL that 3 waits for */
    ADD(&small, false, 2);
    ADD(&small, true, 0);
    small.steps[4].kind = STEP_WRITE;
    ck_ok(ready_init(&ready, &small.plan, false, &small.arena, &small.err), &small.err);
    ck_assert_uint_eq(ready_first(&ready, READY_DATA), 2);
    ready_ended(&ready, 0);
    ck_assert_uint_eq(ready_take(&ready, READY_DATA), 2);
    ck_assert_uint_eq(ready_take(&ready, READY_DATA), 4);
    ck_ok(ready_init(&ready, &small.plan, true, &small.arena, &small.err), &small.err);
    ready_ended(&ready, 0);
    ck_assert_uint_eq(ready_take(&ready, READY_DATA), 4);
    arena_done(&small.arena);
}
END_TEST

SUITE(ready_suite, "ready", the_longest_way_goes_first, equal_ones_go_by_the_plan,
      each_kind_has_its_queue, writes_go_before_sql_but_not_before_what_functions_wait_for)
