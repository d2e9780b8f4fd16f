/* The lines beside a log: a wrong one says that a change came from where it did not. */
#include "cli/graph.h"

#include <stdio.h>

#include "base/mem.h"
#include "tests/unit/check.h"

struct commit {
    const char *id;
    const char *parents; /* "a b" */
    bool hidden;
};

/* Draws commits, newest first, with their ids as labels. */
static char *draw(const struct commit *commits, size_t n, bool boxes)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct graph graph;
    struct out out;
    char *text;

    out_init(&out, -1, "memory");
    graph_init(&graph, boxes);
    for (size_t i = 0; i < n; i++) {
        struct str rest = str_of(commits[i].parents);
        struct str parents[8];
        size_t n_parents = 0;
        int drawn;

        while (rest.len > 0) {
            str_cut(rest, ' ', &parents[n_parents++], &rest);
        }
        drawn = graph_commit(&graph, &out, str_of(commits[i].id), parents, n_parents,
                             !commits[i].hidden, &err);
        ck_ok(drawn, &err);
        if (drawn > 0) {
            out_text(&out, commits[i].hidden ? "-" : commits[i].id);
            out_char(&out, '\n');
            ck_ok(graph_links(&graph, &out, parents, n_parents, &err), &err);
        }
    }
    graph_done(&graph);
    text = buf_take(&out.text);
    ck_assert_ptr_nonnull(text);
    return text;
}

static void check(const struct commit *commits, size_t n, const char *plain, const char *boxes)
{
    char *text = draw(commits, n, false);

    ck_assert_str_eq(text, plain);
    mem_free(text);
    text = draw(commits, n, true);
    ck_assert_str_eq(text, boxes);
    mem_free(text);
}

START_TEST(test_straight)
{
    static const struct commit commits[] = {{"c", "b", false}, {"b", "a", false}, {"a", "", false}};

    check(commits, ARRAY_LEN(commits), "* c\n* b\n* a\n", "● c\n● b\n● a\n");
}
END_TEST

START_TEST(test_a_branch_that_is_merged)
{
    static const struct commit commits[] = {
        {"merge", "m2 d1", false}, {"m2", "m1", false}, {"d1", "m1", false}, {"m1", "", false}};

    check(commits, ARRAY_LEN(commits),
          "* merge\n"
          "|\\\n"
          "* | m2\n"
          "| * d1\n"
          "|/\n"
          "* m1\n",
          "● merge\n"
          "├─╮\n"
          "● │ m2\n"
          "│ ● d1\n"
          "├─╯\n"
          "● m1\n");
}
END_TEST

/* Two branches merged into each other, and the results into one. */
START_TEST(test_criss_cross)
{
    static const struct commit commits[] = {
        {"top", "a2 b2", false}, {"a2", "a1 b1", false}, {"b2", "b1 a1", false},
        {"a1", "root", false},   {"b1", "root", false},  {"root", "", false},
    };

    check(commits, ARRAY_LEN(commits),
          "* top\n"
          "|\\\n"
          "* | a2\n"
          "|-|-.\n"
          "| * | b2\n"
          "|/| |\n"
          "| |/\n"
          "* | a1\n"
          "| * b1\n"
          "|/\n"
          "* root\n",
          "● top\n"
          "├─╮\n"
          "● │ a2\n"
          "├─│─╮\n"
          "│ ● │ b2\n"
          "├─┤ │\n"
          "│ ├─╯\n"
          "● │ a1\n"
          "│ ● b1\n"
          "├─╯\n"
          "● root\n");
}
END_TEST

/* Branches of one commit end there one after the other; the leftmost lane stays. */
START_TEST(test_many_branches)
{
    static const struct commit commits[] = {
        {"m3", "m2 c", false}, {"m2", "m1 b", false}, {"m1", "root a", false}, {"c", "root", false},
        {"b", "root", false},  {"a", "root", false},  {"root", "", false},
    };

    check(commits, ARRAY_LEN(commits),
          "* m3\n"
          "|\\\n"
          "* | m2\n"
          "|-|-.\n"
          "* | | m1\n"
          "|-|-|-.\n"
          "| * | | c\n"
          "|/  | |\n"
          "|   * | b\n"
          "+---' |\n"
          "|     * a\n"
          "+-----'\n"
          "* root\n",
          "● m3\n"
          "├─╮\n"
          "● │ m2\n"
          "├─│─╮\n"
          "● │ │ m1\n"
          "├─│─│─╮\n"
          "│ ● │ │ c\n"
          "├─╯ │ │\n"
          "│   ● │ b\n"
          "├───╯ │\n"
          "│     ● a\n"
          "├─────╯\n"
          "● root\n");
}
END_TEST

/* Histories without a common root, and a column that becomes free and is taken again. */
START_TEST(test_several_roots)
{
    static const struct commit commits[] = {
        {"top", "a b", false}, {"b", "", false}, {"a", "x y", false},
        {"y", "x", false},     {"x", "", false},
    };

    check(commits, ARRAY_LEN(commits),
          "* top\n"
          "|\\\n"
          "| * b\n"
          "* a\n"
          "|\\\n"
          "| * y\n"
          "|/\n"
          "* x\n",
          "● top\n"
          "├─╮\n"
          "│ ● b\n"
          "● a\n"
          "├─╮\n"
          "│ ● y\n"
          "├─╯\n"
          "● x\n");
}
END_TEST

/* The main line waits on the right: it comes to the left, where the trunk stays. */
START_TEST(test_first_parent_on_the_right)
{
    static const struct commit commits[] = {
        {"top", "a b", false}, {"a", "c", false}, {"b", "c a0", false},
        {"c", "a0", false},    {"a0", "", false},
    };

    check(commits, ARRAY_LEN(commits),
          "* top\n"
          "|\\\n"
          "* | a\n"
          "| * b\n"
          "| |\\\n"
          "|/  |\n"
          "*   | c\n"
          "|---'\n"
          "* a0\n",
          "● top\n"
          "├─╮\n"
          "● │ a\n"
          "│ ● b\n"
          "│ ├─╮\n"
          "├─╯ │\n"
          "●   │ c\n"
          "├───╯\n"
          "● a0\n");
}
END_TEST

/* A log with filters: a line leads through commits that do not fit, and forks stay visible. */
START_TEST(test_commits_that_do_not_fit)
{
    static const struct commit commits[] = {
        {"m", "b d", true}, {"b", "a", true}, {"d", "c", false}, {"c", "a", true}, {"a", "", false},
    };

    check(commits, ARRAY_LEN(commits),
          ". -\n"
          "|\\\n"
          "| * d\n"
          "| . -\n"
          "|/\n"
          "* a\n",
          "· -\n"
          "├─╮\n"
          "│ ● d\n"
          "│ · -\n"
          "├─╯\n"
          "● a\n");
}
END_TEST

/* 100 000 commits beside each other's branches: lanes are given back, or memory would follow the history. */
START_TEST(test_lanes_are_given_back)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct graph graph;
    struct out out;
    size_t widest = 0;

    out_init(&out, -1, "memory");
    graph_init(&graph, false);
    for (int i = 100000; i > 0; i -= 2) { /* each even one merges the odd one below it */
        char ids[3][16];
        struct str parents[2];

        for (int k = 0; k < 3; k++) {
            snprintf(ids[k], sizeof ids[k], "%d", i - k);
        }
        parents[0] = str_of(ids[2]);
        parents[1] = str_of(ids[1]);
        ck_ok(graph_commit(&graph, &out, str_of(ids[0]), parents, 2, true, &err), &err);
        widest = graph_width(&graph) > widest ? graph_width(&graph) : widest;
        ck_ok(graph_links(&graph, &out, parents, 2, &err), &err);
        ck_ok(graph_commit(&graph, &out, str_of(ids[1]), parents, 1, true, &err), &err);
        widest = graph_width(&graph) > widest ? graph_width(&graph) : widest;
        ck_ok(graph_links(&graph, &out, parents, 1, &err), &err);
        buf_clear(&out.text);
    }
    ck_assert_uint_eq(widest, 4);
    ck_assert_uint_le(graph.lanes.capacity, 16);
    graph_done(&graph);
    buf_done(&out.text);
}
END_TEST

SUITE(graph_suite, "graph", test_straight, test_a_branch_that_is_merged, test_criss_cross,
      test_many_branches, test_several_roots, test_first_parent_on_the_right,
      test_commits_that_do_not_fit, test_lanes_are_given_back)
