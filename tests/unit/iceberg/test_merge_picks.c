/* A change that is picked, or taken back: the source and the base are the commit and its parent, or the reverse, and the
 * target may be any other version of the table. */
#include "lines.h"

/* The live files after `source` was picked from `base` onto `target`; NULL and the reason in *err if it is a conflict. The
 * dry run must agree. */
static const char *picked(struct lines *l, const struct table_version *base,
                          const struct table_version *source, const struct table_version *target,
                          corrie_error *err)
{
    struct snapshot_merge_options options = {.dry_run = true, .picks = true};
    struct merge_totals before;
    struct merge_totals after;

    ck_assert_ptr_null(merge_with(l, base, source, target, &options, &before, err));
    int dry = err->code;
    corrie_error_clear(err);
    options.dry_run = false;
    struct table_version *version = merge_with(l, base, source, target, &options, &after, err);
    ck_assert_int_eq(dry, err->code);
    if (!version) {
        ck_assert_int_eq(err->code, CORRIE_E_CONFLICT);
        return NULL;
    }
    ck_assert_mem_eq(&before, &after, sizeof after);
    ck_assert_int_eq(version->files, after.files);
    return all_files(l, version->metadata);
}

static void ck_picks(struct lines *l, const struct table_version *base,
                     const struct table_version *source, const struct table_version *target,
                     const char *files)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    const char *found = picked(l, base, source, target, &err);

    ck_assert_msg(found != NULL, "%s", corrie_error_message(&err));
    ck_assert_str_eq(found, files);
}

static void ck_does_not(struct lines *l, const struct table_version *base,
                        const struct table_version *source, const struct table_version *target,
                        const char *why)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    ck_assert_ptr_null(picked(l, base, source, target, &err));
    ck_assert_msg(strstr(corrie_error_message(&err), why), "\"%s\" lacks \"%s\"",
                  corrie_error_message(&err), why);
}

/* Lost: an import could not be brought to a branch that lacks the one before it. */
START_TEST(an_append_is_brought_alone)
{
    LINES(l);
    struct table_version *before = append(&l, l.base, "x");
    struct table_version *after = append(&l, before, "y");

    ck_picks(&l, before, after, l.base, "base y");
    ck_picks(&l, before, after, append(&l, l.base, "z"), "base y z");
    ck_picks(&l, before, after, replace(&l, l.base, "z"), "y z");
    ck_picks(&l, before, after, append(&l, after, "z"), "base x y z"); /* it is there already */
}
END_TEST

/* Lost: a bad import could only be taken back as long as it was the last. */
START_TEST(an_append_is_taken_back_under_others)
{
    LINES(l);
    struct table_version *bad = append(&l, l.base, "bad");
    struct table_version *target = append(&l, append(&l, bad, "c"), "d");

    ck_picks(&l, bad, l.base, target, "base c d");
    ck_picks(&l, bad, l.base, bad, "base");
}
END_TEST

/* Lost: rows that nobody sees any more would be taken for taken back. */
START_TEST(rows_that_moved_are_not_taken_back)
{
    LINES(l);
    struct table_version *bad = append(&l, l.base, "bad");
    struct table_version *rewritten = overwrite(&l, append(&l, bad, "c"), "bad", "compacted");

    ck_does_not(&l, bad, l.base, rewritten, "rewrote or removed them");
    ck_does_not(&l, bad, l.base, l.base, "rewrote or removed them");
}
END_TEST

/* Lost: what was appended since, or the sense of "replace". */
START_TEST(what_replaced_everything_is_no_plain_change)
{
    LINES(l);
    struct table_version *replaced = replace(&l, l.base, "new");

    ck_does_not(&l, l.base, replaced, append(&l, l.base, "z"), "not partitioned");
    ck_picks(&l, replaced, l.base, append(&l, replaced, "z"), "base z");
}
END_TEST

/* Lost: rows that a delete file had removed would come back with their file. */
START_TEST(delete_files_forbid_it)
{
    LINES(l);
    struct table_version *bad = append(&l, l.base, "bad");
    struct table_version *target = delete_rows(&l, append(&l, bad, "c"), "d", "c");

    ck_does_not(&l, bad, l.base, target, "not partitioned");
}
END_TEST

/* Lost: values that the picked rows do not have. */
START_TEST(columns_must_fit_picks_too)
{
    LINES(l);
    struct table_version *before = append(&l, l.base, "x");
    struct table_version *after = append(&l, before, "y");

    ck_picks(&l, before, after, add_column(&l, l.base, "more"), "base y");
    ck_does_not(&l, before, after, require_column(&l, l.base, "must"), "required");
    ck_does_not(&l, before, append(&l, add_column(&l, before, "one"), "y"),
                add_column(&l, l.base, "other"), "columns");
}
END_TEST

SUITE(merge_picks_suite, "merge_picks", an_append_is_brought_alone,
      an_append_is_taken_back_under_others, rows_that_moved_are_not_taken_back,
      what_replaced_everything_is_no_plain_change, delete_files_forbid_it,
      columns_must_fit_picks_too)
