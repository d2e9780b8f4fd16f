#include "base/buf.h"

#include "base/arena.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/vec.h"
#include "tests/unit/check.h"

START_TEST(never_passes_its_maximum)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct buf buf;

    buf_init(&buf, 4);
    buf_add_text(&buf, "abcd");
    ck_ok(buf_check(&buf, &err), &err);
    buf_add_char(&buf, 'e');
    buf_add_text(&buf, ""); /* a later append that would fit does not hide the failure */
    ck_fails(buf_check(&buf, &err), CORRIE_E_LIMIT, &err);
    ck_str_eq(buf_str(&buf), STR("abcd"));
    ck_assert_ptr_null(buf_take(&buf));
    buf_done(&buf);
}
END_TEST

START_TEST(quotes_for_sql)
{
    struct buf buf = {0};

    buf_add_sql_string(&buf, STR("it's"));
    buf_add_char(&buf, ' ');
    buf_add_sql_name(&buf, STR("a \"b\""));
    ck_str_eq(buf_str(&buf), STR("'it''s' \"a \"\"b\"\"\""));
    buf_done(&buf);
}
END_TEST

START_TEST(quotes_for_shells)
{
    struct buf buf = {0};

    buf_add_shell_word(&buf, STR("shop.orders@1f3c"));
    buf_add_char(&buf, ' ');
    buf_add_shell_word(&buf, STR("it's $HOME"));
    buf_add_char(&buf, ' ');
    buf_add_shell_word(&buf, STR_EMPTY);
    ck_str_eq(buf_str(&buf), STR("shop.orders@1f3c 'it'\\''s $HOME' ''"));
    buf_done(&buf);
}
END_TEST

START_TEST(gives_its_bytes_away)
{
    struct buf buf = {0};
    char *text;

    text = buf_take(&buf);
    ck_assert_str_eq(text, "");
    mem_free(text);
    buf_addf(&buf, "%d-%s", 7, "x");
    buf_add_le32(&buf, 0x01020304);
    buf_add_be32(&buf, 0x01020304);
    ck_assert_uint_eq(buf.len, 11);
    ck_assert_int_eq(memcmp(buf.data + 3, "\4\3\2\1\1\2\3\4", 8), 0);
    text = buf_take(&buf);
    ck_assert_uint_eq(buf.len, 0);
    mem_free(text);
}
END_TEST

static int fail_always(void *arg)
{
    (void)arg;
    return 1;
}

START_TEST(survives_the_loss_of_memory)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct buf buf = {0};
    struct arena arena = {0};
    VEC(int) numbers = {0};

    mem_set_fault(fail_always, NULL);
    buf_add_text(&buf, "abc");
    ck_assert_int_eq(buf_check(&buf, &err), CORRIE_E_NO_MEMORY);
    ck_assert_str_eq(corrie_error_message(&err), "out of memory");
    ck_assert_ptr_null(arena_text(&arena, STR("abc")));
    ck_assert_int_eq(vec_push(&numbers, 1), CORRIE_E_NO_MEMORY);
    ck_assert_uint_eq(numbers.count, 0);
    mem_set_fault(NULL, NULL);
    buf_clear(&buf);
    buf_add_text(&buf, "abc");
    ck_ok(buf_check(&buf, &err), &err);
    buf_done(&buf);
    arena_done(&arena);
}
END_TEST

START_TEST(arena_keeps_blocks_apart)
{
    struct arena arena = {.max = 1 << 20};
    char *blocks[500];

    for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
        blocks[i] = arena_alloc(&arena, 1, i + 1);
        ck_assert_ptr_nonnull(blocks[i]);
        ck_assert_uint_eq((uintptr_t)blocks[i] % 16, 0);
        memset(blocks[i], (int)(i & 0x7f), i + 1);
    }
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
        ck_assert_int_eq(blocks[i][i], (int)(i & 0x7f));
    }
    ck_assert_ptr_null(arena_alloc(&arena, 1, 2 << 20));
    ck_assert_ptr_null(arena_alloc(&arena, SIZE_MAX, 2));
    arena_done(&arena);
}
END_TEST

SUITE(buf_suite, "buf", never_passes_its_maximum, quotes_for_sql, quotes_for_shells,
      gives_its_bytes_away, survives_the_loss_of_memory, arena_keeps_blocks_apart)
