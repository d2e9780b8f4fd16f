/* kinds_table.c — content merge of a table that both sides changed.
 *
 * iceberg/snapshot.h says when the rows of both sides can stand together; here the catalog's values become metadata and
 * the result a value again. What both sides imported from the same file counts once (kinds_ledger.c). */
#include "lake/kinds_priv.h"

#include "iceberg/snapshot.h"

/* One side of the merge. */
struct side {
    struct lake_table table;
    struct str location; /* of the metadata, absolute */
    struct table_metadata *metadata;
};

static void side_done(struct side *side)
{
    metadata_free(side->metadata);
}

static int load_side(struct lake *lake, struct arena *arena, struct str key,
                     const struct tree_value *value, struct side *ret, corrie_error *err)
{
    int r = lake_table_of_value(lake, key, value, arena, &ret->table, err);

    if (r >= 0) {
        r = lake_absolute(lake, ret->table.metadata_location, arena, &ret->location, err);
    }
    return r < 0 ? r : lake_table_metadata(lake, &ret->table, &ret->metadata, err);
}

/* Why there is nothing to merge; NULL: there is. */
static const char *no_merge(const struct tree_value *base, const struct tree_value *source,
                            const struct tree_value *target)
{
    if (!source || !target) {
        return "one side removed it, and the other changed it";
    }
    if (!uuid_eq(&source->id, &target->id)) {
        return base ? "one side replaced it by another table of that name"
                    : "both sides made a table of that name";
    }
    if (!base || !uuid_eq(&base->id, &source->id)) {
        return "the two have no version of it in common";
    }
    return NULL;
}

static int absolute_files(const struct lake *lake, struct arena *arena, struct ledger_skip *skip,
                          corrie_error *err)
{
    for (size_t i = 0; i < skip->files.count; i++) {
        int r = lake_absolute(lake, skip->files.items[i], arena, &skip->files.items[i], err);

        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* The merged table as a value: it was made just now, so it is in no group; it is tainted if either side is. Of two taints
 * the source's stays: the target's was accepted where this comes to, and the guard must see the one that was not. */
static int make_value(struct merge *merge, const struct lake_table *table,
                      const struct tree_value *source, const struct tree_value *target,
                      struct tree_value *ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf doc = {0};
    const struct tree_value *tainted = source->has_taint ? source : target;
    struct tree_value value = {
        .id = target->id, .has_taint = tainted->has_taint, .taint = tainted->taint};
    int r = lake_table_doc(table, &doc, err);

    if (r < 0) {
        return r;
    }
    if (arena_str(merge_arena(merge), buf_str(&doc), &value.doc) < 0) {
        return corrie_fail_memory(err);
    }
    *ret = value;
    return MERGE_PUT;
}

/* What the table would be. Files are not written by a dry run: the preview names the target's. */
static void preview(const struct merge_totals *totals, struct lake_table *table)
{
    table->records = totals->records;
    table->bytes = totals->bytes;
    table->files = totals->files;
}

static int take_version(struct lake *lake, struct arena *arena, const struct table_version *version,
                        struct lake_table *table, corrie_error *err)
{
    table->snapshot_id = version->snapshot_id;
    table->schema_id = version->metadata->current_schema_id;
    table->spec_id = version->metadata->default_spec_id;
    table->records = version->records;
    table->bytes = version->bytes;
    table->files = version->files;
    return arena_str(arena, lake_relative(lake, str_of(version->location)),
                     &table->metadata_location) < 0
               ? corrie_fail_memory(err)
               : 0;
}

static int merge_rows(struct merge *merge, struct lake *lake, const struct side sides[3],
                      const struct ledger_skip *skip, const struct tree_value *source,
                      const struct tree_value *target, struct tree_value *ret_value,
                      corrie_error *err)
{
    _cleanup_(table_version_done) struct table_version version = {0};
    struct snapshot_merge_options options = {.dry_run = merge_dry_run(merge),
                                             .picks = merge_picks(merge),
                                             .skip = skip->files.items,
                                             .n_skip = skip->files.count};
    struct lake_table table = sides[MERGE_TARGET].table;
    struct merge_totals totals = {0};
    int r = options.dry_run ? 0 : lake_check_writable(lake, err);

    if (r < 0) {
        return r;
    }
    r = snapshot_merge(&lake->io, sides[MERGE_BASE].metadata, sides[MERGE_SOURCE].metadata,
                       sides[MERGE_TARGET].metadata, sides[MERGE_TARGET].location, &options,
                       &totals, &version, err);
    if (r ==
        CORRIE_E_CONFLICT) { /* what helps is told with what is wrong: each table has its own */
        r = err->hint ? merge_reason(merge, err, "%s (%s)", corrie_error_message(err), err->hint)
                      : merge_reason(merge, err, "%s", corrie_error_message(err));
        corrie_error_clear(err);
        return r < 0 ? r : MERGE_CONFLICT;
    }
    if (r < 0) {
        return r;
    }
    if (options.dry_run) {
        preview(&totals, &table);
    } else if (str_eq(str_of(version.location), sides[MERGE_TARGET].location)) {
        return MERGE_TAKE_TARGET;
    } else {
        r = take_version(lake, merge_arena(merge), &version, &table, err);
    }
    return r < 0 ? r : make_value(merge, &table, source, target, ret_value, err);
}

static int merge_sides(struct merge *merge, struct lake *lake, struct side sides[3],
                       struct ledger_skip *skip, const struct tree_value *source,
                       const struct tree_value *target, struct tree_value *ret_value,
                       corrie_error *err)
{
    int r;

    if (!sides[MERGE_SOURCE].table.managed || !sides[MERGE_TARGET].table.managed) {
        r = merge_reason(merge, err, "it is an external table");
        return r < 0 ? r : MERGE_CONFLICT;
    }
    r = kinds_merge_imports(merge, &source->id, skip, err);
    if (r >= 0 && skip->conflict.len > 0) {
        r = merge_reason(merge, err, "both sides imported %.*s, with different content",
                         STR_FMT(skip->conflict));
        return r < 0 ? r : MERGE_CONFLICT;
    }
    if (r >= 0) {
        r = absolute_files(lake, merge_arena(merge), skip, err);
    }
    return r < 0 ? r : merge_rows(merge, lake, sides, skip, source, target, ret_value, err);
}

int kinds_merge_table(struct merge *merge, void *data, struct str key,
                      const struct tree_value *base, const struct tree_value *source,
                      const struct tree_value *target, struct tree_value *ret_value,
                      corrie_error *err)
{
    _cleanup_(side_done) struct side base_side = {0};
    _cleanup_(side_done) struct side source_side = {0};
    _cleanup_(side_done) struct side target_side = {0};
    const char *reason = no_merge(base, source, target);
    struct arena *arena = merge_arena(merge);
    struct ledger_skip skip = {0};
    int r;

    if (reason) {
        r = merge_reason(merge, err, "%s", reason);
        return r < 0 ? r : MERGE_CONFLICT;
    }
    if (kinds_same_doc(source, target)) {
        return kinds_choose(source, target);
    }
    if ((r = load_side(data, arena, key, base, &base_side, err)) >= 0 &&
        (r = load_side(data, arena, key, source, &source_side, err)) >= 0 &&
        (r = load_side(data, arena, key, target, &target_side, err)) >= 0) {
        /* by enum merge_side; the metadata stays with the three above */
        struct side sides[3] = {base_side, source_side, target_side};

        r = merge_sides(merge, data, sides, &skip, source, target, ret_value, err);
    }
    vec_done(&skip.files);
    return r;
}
