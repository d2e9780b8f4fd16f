/* Tables for people: a row that does not line up is misread. */
#include "cli/grid.h"

#include <fcntl.h>

#include "cli/text.h"
#include "os/file.h"
#include "tests/unit/check.h"

/* An output whose text stays in memory as long as it is small. */
static struct out memory_out(void)
{
    struct out out;

    out_init(&out, -1, "memory");
    return out;
}

static void add(struct grid *grid, const char *text, corrie_error *err)
{
    ck_ok(grid_cell(grid, str_of(text), false, err), err);
}

/* Two columns and two rows in the given look. */
static struct out draw(struct grid_options options, const char *long_cell)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct out out = memory_out();
    struct grid grid;

    grid_begin(&grid, &out, &options);
    ck_ok(grid_column(&grid, STR("name"), STR("string"), false, &err), &err);
    ck_ok(grid_column(&grid, STR("n"), STR("int"), true, &err), &err);
    add(&grid, long_cell, &err);
    add(&grid, "1", &err);
    add(&grid, "b\n", &err);
    add(&grid, "12345", &err);
    ck_ok(grid_end(&grid, &err), &err);
    grid_done(&grid);
    return out;
}

static void check_text(struct out out, const char *expected)
{
    ck_str_eq(buf_str(&out.text), str_of(expected));
    buf_done(&out.text);
}

START_TEST(test_looks)
{
    check_text(draw((struct grid_options){.look = GRID_PLAIN}, "alpha"), "name       n\n"
                                                                         "alpha      1\n"
                                                                         "b\\n    12345\n");
    check_text(draw((struct grid_options){.look = GRID_BOX, .width = 80}, "alpha"),
               "┌────────┬───────┐\n"
               "│ name   │     n │\n"
               "│ string │   int │\n"
               "├────────┼───────┤\n"
               "│ alpha  │     1 │\n"
               "│ b\\n    │ 12345 │\n"
               "└────────┴───────┘\n");
    check_text(draw((struct grid_options){.look = GRID_SIDEWAYS}, "alpha"), "─ row 1 \n"
                                                                            "name  alpha\n"
                                                                            "n     1\n"
                                                                            "─ row 2 \n"
                                                                            "name  b\\n\n"
                                                                            "n     12345\n");
}
END_TEST

START_TEST(test_boxes_fit_the_screen)
{
    for (size_t width = 20; width < 60; width++) {
        struct out out = draw((struct grid_options){.look = GRID_BOX, .width = width},
                              "a long text of forty-nine characters, not more ok");
        struct str rest = buf_str(&out.text);
        struct str line;

        while (str_cut(rest, '\n', &line, &rest)) {
            ck_assert_uint_le(text_width(line), width);
        }
        buf_done(&out.text);
    }
}
END_TEST

START_TEST(test_nothing_is_cut_when_asked)
{
    struct out out = draw((struct grid_options){.look = GRID_BOX, .width = 20, .no_trunc = true},
                          "a long text of forty-nine characters, not more ok");

    ck_assert_int_ge(str_find_str(buf_str(&out.text), STR("not more ok")), 0);
    buf_done(&out.text);
}
END_TEST

START_TEST(test_an_empty_table_has_a_header)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct out out = memory_out();
    struct grid grid;

    grid_begin(&grid, &out, &(struct grid_options){.look = GRID_PLAIN});
    ck_ok(grid_column(&grid, STR("a"), STR_EMPTY, false, &err), &err);
    ck_ok(grid_end(&grid, &err), &err);
    grid_done(&grid);
    check_text(out, "a\n");
}
END_TEST

/* Beyond the window rows are printed as they come: memory must not grow with the result. */
START_TEST(test_memory_is_that_of_a_window)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct out out;
    struct grid grid;
    int fd;

    ck_ok(os_open("/dev/null", O_WRONLY, 0, &fd, &err), &err);
    out_init(&out, fd, "nothing");
    grid_begin(&grid, &out, &(struct grid_options){.look = GRID_PLAIN});
    ck_ok(grid_column(&grid, STR("a"), STR_EMPTY, false, &err), &err);
    for (int i = 0; i < 100 * GRID_WINDOW; i++) {
        add(&grid, "a text of some length that would add up", &err);
        ck_assert_uint_le(grid.cells.count, GRID_WINDOW);
        ck_assert_uint_le(grid.window.total, 1024 * 1024);
    }
    ck_ok(grid_end(&grid, &err), &err);
    ck_assert_uint_eq(grid.n_printed, 100 * GRID_WINDOW);
    grid_done(&grid);
    ck_ok(out_close(&out, &err), &err);
    os_close(fd);
}
END_TEST

SUITE(grid_suite, "grid", test_looks, test_boxes_fit_the_screen, test_nothing_is_cut_when_asked,
      test_an_empty_table_has_a_header, test_memory_is_that_of_a_window)
