/* merge_deletes.c — whether the source's position deletes may join the target, and under which sequence number.
 *
 * A position delete applies to data files of its spec and partition whose data sequence number is not above
 * its own. So one that touches files of the base alone comes with the base's number: it then cannot reach
 * what the target added since. One that touches files that the source added comes with the new number, as they
 * do; then nothing that the target added may be in its reach. Which files it touches is not known here (its
 * rows say it), but which it may: those that its bounds or its referenced file admit. */
#include "iceberg/merge_priv.h"

static bool is_position(const struct changed_file *file)
{
    return file->file.content == FILE_CONTENT_POSITION_DELETES;
}

static bool is_data(const struct changed_file *file)
{
    return file->file.content == FILE_CONTENT_DATA;
}

/* The paths that a delete file may name: data NULL = no bound. */
struct reach {
    struct str lower;
    struct str upper;
    struct str only; /* resolved; empty if it may name several */
};

static int reach_of(struct merge *merge, const struct changed_file *deletes, struct reach *ret,
                    corrie_error *err)
{
    const struct column_metrics *paths = data_file_column(&deletes->file, FIELD_DELETE_PATH);
    struct str only = deletes->file.referenced_data_file;
    struct reach reach = {.only = STR_EMPTY};

    if (paths) {
        reach.lower = paths->lower;
        reach.upper = paths->upper;
    }
    if (only.len == 0 && reach.lower.data && reach.upper.data && str_eq(reach.lower, reach.upper)) {
        only = reach.lower;
    }
    if (only.len > 0) {
        int r = location_resolve(merge->io, only, &merge->arena, &reach.only, err);
        if (r < 0) {
            return r;
        }
    }
    *ret = reach;
    return 0;
}

static bool admits(const struct reach *reach, struct str path)
{
    return !(reach->lower.data && str_cmp(path, reach->lower) < 0) &&
           !(reach->upper.data && str_cmp(path, reach->upper) > 0);
}

static bool may_touch(const struct changed_file *deletes, const struct reach *reach,
                      const struct changed_file *file)
{
    if (!str_eq(deletes->partition, file->partition)) { /* the spec's id is part of it */
        return false;
    }
    return reach->only.len > 0 ? str_eq(reach->only, file->path)
                               : admits(reach, file->file.path) || admits(reach, file->path);
}

static bool may_meet(const struct changed_file *a, const struct reach *x,
                     const struct changed_file *b, const struct reach *y)
{
    if (!str_eq(a->partition, b->partition)) {
        return false;
    }
    if (x->only.len > 0 && y->only.len > 0) {
        return str_eq(x->only, y->only);
    }
    /* of one that names a single file both bounds may be missing: then they keep nothing apart */
    return !(x->lower.data && y->upper.data && str_cmp(x->lower, y->upper) > 0) &&
           !(y->lower.data && x->upper.data && str_cmp(y->lower, x->upper) > 0);
}

static int touches(const struct side *side, const struct changed_file *deletes,
                   const struct side *other, const struct changed_file *file, corrie_error *err)
{
    return merge_conflict(
        err,
        "compact the table on one side first, so that its deletes are gone, or keep one "
        "side's table",
        "deletes of %s ('%.*s') may concern a file that %s added ('%.*s')", side->name,
        STR_FMT(deletes->path), other->name, STR_FMT(file->path));
}

static int check_equality(const struct side *side, corrie_error *err)
{
    for (size_t i = 0; i < side->added.count; i++) {
        const struct changed_file *file = &side->added.items[i];
        if (file->file.content == FILE_CONTENT_EQUALITY_DELETES) {
            return merge_conflict(err,
                                  "compact the table there first, so that its deletes are gone, or "
                                  "keep one side's table",
                                  "%s added equality deletes ('%.*s'), which would delete rows of "
                                  "the other side",
                                  side->name, STR_FMT(file->path));
        }
    }
    return 0;
}

/* The other side's new deletes may concern the same file of the base: both may have changed the same rows. */
static int check_meeting(struct merge *merge, const struct changed_file *deletes,
                         const struct reach *reach, corrie_error *err)
{
    for (size_t i = 0; i < merge->target.added.count; i++) {
        const struct changed_file *other = &merge->target.added.items[i];
        struct reach reach_other;
        if (!is_position(other)) {
            continue;
        }
        int r = reach_of(merge, other, &reach_other, err);
        if (r < 0) {
            return r;
        }
        if (may_meet(deletes, reach, other, &reach_other)) {
            return merge_conflict(
                err, merge_hint_choose,
                "the source and the target may both have deleted rows of one file ('%.*s' and "
                "'%.*s')",
                STR_FMT(deletes->path), STR_FMT(other->path));
        }
    }
    return 0;
}

/* Whether the deletes may concern files that the source itself added. */
static int touches_own(const struct merge *merge, const struct changed_file *deletes,
                       const struct reach *reach, bool *ret, corrie_error *err)
{
    const struct side *source = &merge->source;
    const struct changed_file *later = NULL;
    bool own = false;

    for (size_t i = 0; i < source->added.count; i++) {
        const struct changed_file *file = &source->added.items[i];
        if (!is_data(file) || !may_touch(deletes, reach, file)) {
            continue;
        }
        if (file->skipped) {
            return merge_conflict(err, merge_hint_choose,
                                  "the source deleted rows of '%.*s', whose rows the target has in "
                                  "another file",
                                  STR_FMT(file->path));
        }
        if (file->file.sequence_number > deletes->file.sequence_number) {
            later = file;
        } else {
            own = true;
        }
    }
    if (own && later) { /* with one number for all, they would reach files that came after them */
        return touches(source, deletes, source, later, err);
    }
    *ret = own;
    return 0;
}

static int check_deletes_of_source(struct merge *merge, struct changed_file *deletes,
                                   corrie_error *err)
{
    int64_t base_number = merge->base->last_sequence_number;
    struct reach reach;
    bool own = false;
    int r;

    if ((r = reach_of(merge, deletes, &reach, err)) < 0 ||
        (r = check_meeting(merge, deletes, &reach, err)) < 0 ||
        (r = touches_own(merge, deletes, &reach, &own, err)) < 0) {
        return r;
    }
    for (size_t i = 0; i < merge->target.added.count; i++) {
        const struct changed_file *file = &merge->target.added.items[i];
        bool named = reach.only.len > 0 && str_eq(reach.only, file->path);
        if (is_data(file) && (named || (own && may_touch(deletes, &reach, file)))) {
            return touches(&merge->source, deletes, &merge->target, file, err);
        }
    }
    if (own) {
        deletes->file.sequence_number = FILE_UNKNOWN;
    } else if (deletes->file.sequence_number > base_number) {
        deletes->file.sequence_number = base_number;
    }
    return 0;
}

/* The target's deletes are older than what the source brings, but for files that come with an older number. */
static int check_deletes_of_target(struct merge *merge, const struct changed_file *deletes,
                                   corrie_error *err)
{
    struct reach reach;

    int r = reach_of(merge, deletes, &reach, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < merge->source.added.count; i++) {
        const struct changed_file *file = &merge->source.added.items[i];
        bool named = reach.only.len > 0 && str_eq(reach.only, file->path);
        bool reaches = file->file.sequence_number >= 0 && may_touch(deletes, &reach, file);
        if (is_data(file) && !file->skipped && (named || reaches)) {
            return touches(&merge->target, deletes, &merge->source, file, err);
        }
    }
    return 0;
}

/* A data file that a compaction wrote may keep a number of the base, so that the base's deletes go on to apply: it
 * comes with it. All others get the new one. */
static void number_data(struct merge *merge)
{
    int64_t base_number = merge->has_deletes ? merge->base->last_sequence_number : -1;

    for (size_t i = 0; i < merge->source.added.count; i++) {
        struct changed_file *file = &merge->source.added.items[i];
        if (is_data(file) && file->file.sequence_number > base_number) {
            file->file.sequence_number = FILE_UNKNOWN;
        }
    }
}

/* Sequence numbers of the versions can be compared only along one line of snapshots. */
static int check_numbers(const struct merge *merge, corrie_error *err)
{
    const struct side *sides[] = {&merge->source, &merge->target};

    for (size_t i = 0; merge->has_deletes && i < ARRAY_LEN(sides); i++) {
        if (!sides[i]->is_line || sides[i]->renumbered) {
            return merge_conflict(err,
                                  "compact the table on both sides first, so that its deletes are "
                                  "gone, or keep one side's table",
                                  "the table has delete files, and the snapshots of %s do not lead "
                                  "back to the common version's, so that it cannot be told which "
                                  "rows they delete",
                                  sides[i]->name);
        }
    }
    return 0;
}

int merge_check_deletes(struct merge *merge, corrie_error *err)
{
    int r;

    if ((r = check_numbers(merge, err)) < 0 || (r = check_equality(&merge->source, err)) < 0 ||
        (r = check_equality(&merge->target, err)) < 0) {
        return r;
    }
    for (size_t i = 0; i < merge->source.added.count; i++) {
        struct changed_file *file = &merge->source.added.items[i];
        r = is_position(file) ? check_deletes_of_source(merge, file, err) : 0;
        if (r < 0) {
            return r;
        }
    }
    number_data(merge);
    for (size_t i = 0; i < merge->target.added.count; i++) {
        const struct changed_file *file = &merge->target.added.items[i];
        r = is_position(file) ? check_deletes_of_target(merge, file, err) : 0;
        if (r < 0) {
            return r;
        }
    }
    return 0;
}
