/* change.c — DELETE and UPDATE: which files hold rows that the condition meets, and those files anew.
 *
 * The condition is asked twice of the rows that go to new files: first to count, then to write. What could answer
 * otherwise the second time (random()), and what finds rows by a join, goes the way of MERGE, which asks once. */
#include "dml/dml_priv.h"

/* ---- files that go ---- */

int dml_take_hits(struct dml *dml, const struct lake_target *target,
                  const struct dml_numbers *numbers, bool goes, struct dml_hits *ret,
                  corrie_error *err)
{
    const struct scan *scan = &target->scan;
    struct dml_hits hits = {.rows = arena_array(&dml->arena, int64_t, scan->n_files),
                            .removed = arena_array(&dml->arena, size_t, scan->n_files),
                            .rewritten = arena_array(&dml->arena, size_t, scan->n_files)};

    if (!hits.rows || !hits.removed || !hits.rewritten) {
        return corrie_fail_memory(err);
    }
    memset(hits.rows, 0, scan->n_files * sizeof *hits.rows);
    for (size_t i = 0; i < numbers->rows; i++) {
        int64_t file = numbers->values[2 * i];

        if (file < 0 || (size_t)file >= scan->n_files) {
            return corrie_fail(err, CORRIE_E_INTERNAL, "a row stands in no file of the table");
        }
        hits.rows[file] = numbers->values[2 * i + 1];
        hits.total += hits.rows[file];
    }
    for (size_t i = 0; i < scan->n_files; i++) {
        if (hits.rows[i] == 0) {
            continue;
        }
        hits.removed[hits.n_removed++] = i;
        if (!goes || hits.rows[i] != scan->files[i].record_count) {
            hits.rewritten[hits.n_rewritten++] = i;
        }
    }
    *ret = hits;
    return 0;
}

int dml_rewrite(struct dml *dml, const struct lake_target *target, const struct dml_hits *hits,
                const struct str *selects, size_t n_selects, corrie_error *err)
{
    struct lake_rewrite rewrite = {.target = target,
                                   .removed = hits->removed,
                                   .n_removed = hits->n_removed,
                                   .remove_deletes = hits->n_removed == target->scan.n_files &&
                                                     target->scan.n_pruned == 0,
                                   .whole = dml->report.inserted > 0, /* MERGE */
                                   .engine = dml_engine(dml),
                                   .selects = selects,
                                   .n_selects = n_selects};
    struct lake_written written;
    int r;

    dml->report.files_removed = (int64_t)hits->n_removed;
    dml->report.files_dropped = (int64_t)(hits->n_removed - hits->n_rewritten);
    if (dml->options->dry_run) {
        return 0;
    }
    r = lake_target_define(target, dml_engine(dml), STR(DML_SPACE), STR("rewritten"),
                           hits->rewritten, hits->n_rewritten, err);
    if (r >= 0) {
        r = lake_tx_rewrite(dml->tx, &rewrite, &dml->arena, &written, err);
    }
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < n_selects; i++) {
        dml->report.files_added += (int64_t)written.selects[i].n_paths;
    }
    return 0;
}

/* ---- all rows ---- */

static int count_rows(struct dml *dml, int64_t *ret, corrie_error *err)
{
    _cleanup_(compose_done) struct compose sql = {0};
    struct dml_numbers numbers;
    int r;

    compose_text(&sql, "SELECT count(*) FROM " DML_TARGET);
    r = dml_numbers(dml, &sql, 1, &numbers, err);
    if (r >= 0) {
        *ret = numbers.rows > 0 ? numbers.values[0] : 0;
    }
    return r;
}

/* No file is read, unless files of deletes must say how many rows there are. */
static int delete_all(struct dml *dml, struct lake_target *target, corrie_error *err)
{
    struct dml_hits hits = {0};
    int r;

    r = lake_target_scan(dml->tx, target, NULL, 0, &dml->arena, err);
    if (r < 0) {
        return r;
    }
    hits.total = target->scan.records;
    if (target->scan.deletes) {
        r = lake_target_define(target, dml_engine(dml), STR(DML_SPACE), STR("target"), NULL, 0,
                               err);
        r = r < 0 ? r : count_rows(dml, &hits.total, err);
    }
    hits.removed = arena_array(&dml->arena, size_t, target->scan.n_files);
    if (r >= 0 && !hits.removed) {
        r = corrie_fail_memory(err);
    }
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < target->scan.n_files; i++) {
        hits.removed[hits.n_removed++] = i;
    }
    dml->report.deleted = hits.total;
    r = hits.n_removed > 0 ? dml_rewrite(dml, target, &hits, NULL, 0, err) : 0;
    if (r >= 0 && !dml->options->dry_run) { /* it has nothing of what was imported any more */
        r = lake_tx_ledger_clear(dml->tx, &target->table.id, err);
    }
    return r;
}

/* ---- what the condition meets ---- */

static void add_condition(struct compose *sql, const struct dml *dml)
{
    if (dml->statement.condition.len == 0) {
        compose_text(sql, "true");
        return;
    }
    compose_text(sql, "CAST((");
    compose_piece(sql, dml, dml->statement.condition);
    compose_text(sql, ") AS BOOLEAN)");
}

/* Whether a text has a word that may make a join of it: names and quoted texts count too, which costs a sort. */
static bool has_join(struct str text)
{
    static const char *const words[] = {"SELECT", "FROM", "IN", "OVER"};

    for (size_t i = 0; i < text.len; i++) {
        for (size_t k = 0; k < ARRAY_LEN(words) && (i == 0 || !dml_in_word(text, i - 1)); k++) {
            struct str word = str_of(words[k]);

            if (str_eq_nocase(str_slice(text, i, word.len), word) &&
                !dml_in_word(text, i + word.len)) {
                return true;
            }
        }
    }
    return false;
}

/* Whether rows may come in another order than they were read: DuckDB makes joins of queries and long lists inside a
 * condition or value. */
static bool may_disorder(const struct dml *dml)
{
    bool may = has_join(dml->statement.condition);

    for (size_t i = 0; i < dml->statement.n_sets; i++) {
        may |= has_join(dml->statement.sets[i].value);
    }
    return may;
}

static void add_order(struct compose *sql, const struct dml *dml)
{
    if (may_disorder(dml)) {
        compose_text(sql, " ORDER BY ");
        compose_name(sql, dml_row_name(dml));
        compose_text(sql, "." DML_FILE ", ");
        compose_name(sql, dml_row_name(dml));
        compose_text(sql, "." DML_ROW);
    }
}

static void add_columns(struct compose *sql, const struct dml *dml, const struct schema *schema)
{
    for (size_t i = 0; i < schema->n_fields; i++) {
        compose_text(sql, i == 0 ? "" : ", ");
        compose_name(sql, dml_row_name(dml));
        compose_text(sql, ".");
        compose_name(sql, schema->fields[i].name);
    }
}

/* SELECT of what stays of `table`. */
static void compose_kept(struct compose *sql, const struct dml *dml, const struct schema *schema,
                         const char *table)
{
    compose_with(sql, dml);
    compose_text(sql, "SELECT ");
    add_columns(sql, dml, schema);
    compose_text(sql, " FROM ");
    dml_add_rows(sql, dml, schema, NULL, table);
    compose_text(sql, " WHERE NOT coalesce(");
    add_condition(sql, dml);
    compose_text(sql, ", false)");
    add_order(sql, dml);
}

/* SELECT of the rows of `table` as they become. */
static void compose_updated(struct compose *sql, const struct dml *dml, const struct schema *schema,
                            const struct dml_sets *sets, const char *table)
{
    compose_with(sql, dml);
    compose_text(sql, "SELECT ");
    for (size_t i = 0; i < schema->n_fields; i++) {
        bool set = dml_sets_column(sets, i);

        compose_text(sql, i == 0 ? "" : ", ");
        if (set) {
            compose_text(sql, "CASE WHEN \"corrie.hit\" THEN ");
            dml_add_assigned(sql, dml, schema, i, sets, dml_row_name(dml));
            compose_text(sql, " ELSE ");
        }
        compose_name(sql, dml_row_name(dml));
        compose_text(sql, ".");
        compose_name(sql, schema->fields[i].name);
        compose_text(sql, set ? " END" : "");
    }
    compose_text(sql, " FROM (SELECT *, coalesce(");
    add_condition(sql, dml);
    compose_text(sql, ", false) AS \"corrie.hit\" FROM ");
    dml_add_rows(sql, dml, schema, NULL, table);
    compose_text(sql, ") AS ");
    compose_name(sql, dml_row_name(dml));
    add_order(sql, dml);
}

static void compose_count(struct compose *sql, const struct dml *dml, const struct schema *schema)
{
    compose_with(sql, dml);
    compose_text(sql, "SELECT " DML_FILE ", count(*) FROM ");
    dml_add_rows(sql, dml, schema, NULL, DML_TARGET);
    compose_text(sql, " WHERE ");
    add_condition(sql, dml);
    compose_text(sql, " GROUP BY " DML_FILE);
}

/* Counts the rows that are hit, file by file; of files that go whole it is known. */
static int count_hits(struct dml *dml, const struct lake_target *target,
                      const struct compose *count, const bool *whole, struct dml_numbers *ret,
                      corrie_error *err)
{
    const struct scan *scan = &target->scan;
    size_t *chosen = arena_array(&dml->arena, size_t, scan->n_files);
    struct dml_numbers all = {.values = arena_array(&dml->arena, int64_t, 2 * (scan->n_files + 1))};
    struct dml_numbers counted = {0};
    size_t n = 0;
    int r = 0;

    if (!chosen || !all.values) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < scan->n_files; i++) {
        if (whole[i]) {
            all.values[2 * all.rows] = (int64_t)i;
            all.values[2 * all.rows++ + 1] = scan->files[i].record_count;
        } else {
            chosen[n++] = i;
        }
    }
    dml->report.files_read = (int64_t)n;
    if (n > 0) {
        r = lake_target_define(target, dml_engine(dml), STR(DML_SPACE), STR("target"), chosen, n,
                               err);
        r = r < 0 ? r : dml_numbers(dml, count, 2, &counted, err);
    }
    for (size_t i = 0; r >= 0 && i < counted.rows; i++) {
        int64_t file = counted.values[2 * i];

        if (file < 0 || (size_t)file >= n || all.rows >= scan->n_files) {
            return corrie_fail(err, CORRIE_E_INTERNAL, "a row stands in no file of the table");
        }
        all.values[2 * all.rows] = (int64_t)chosen[file];
        all.values[2 * all.rows++ + 1] = counted.values[2 * i + 1];
    }
    *ret = all;
    return r < 0 ? r : 0;
}

int dml_blame(const struct dml *dml, const struct field *column, struct str value,
              corrie_error *failed, corrie_error *err)
{
    bool written = value.data >= dml->source.data &&
                   value.data + value.len <= dml->source.data + dml->source.len;

    corrie_error_move(err, failed);
    corrie_wrap(err, "set column %.*s", STR_FMT(column->name));
    return written ? corrie_error_at_offset(err, dml->file, dml->source,
                                            statement_offset(dml->source, value), value.len)
                   : err->code;
}

/* DuckDB says of a value that does not fit which it is, and not for what: each that is set is tried by itself. */
static int blame_set(struct dml *dml, const struct schema *schema, const struct dml_sets *sets,
                     corrie_error *err)
{
    for (size_t i = 0; i < sets->count && err->position.line == 0; i++) {
        _cleanup_(compose_done) struct compose sql = {0};
        _error_ corrie_error failed = CORRIE_ERROR_INIT;
        const struct dml_sets one = {.items = &sets->items[i], .count = 1};
        size_t column = sets->items[i].path[0];
        struct dml_numbers numbers;

        compose_with(&sql, dml);
        compose_text(&sql, "SELECT count(");
        dml_add_assigned(&sql, dml, schema, column, &one, dml_row_name(dml));
        compose_text(&sql, ") FROM ");
        dml_add_rows(&sql, dml, schema, NULL, DML_REWRITE);
        compose_text(&sql, " WHERE ");
        add_condition(&sql, dml);
        if (dml_numbers(dml, &sql, 1, &numbers, &failed) < 0) {
            return dml_blame(dml, &schema->fields[column], sets->items[i].value, &failed, err);
        }
    }
    return err->code;
}

/* Counts, and rewrites what was hit. */
static int change_files(struct dml *dml, struct lake_target *target, const struct dml_sets *sets,
                        const struct compose *count, const struct engine_binding *binding,
                        corrie_error *err)
{
    _cleanup_(compose_done) struct compose rewrite = {0};
    const struct schema *schema = metadata_schema(target->metadata);
    bool deletes = dml->statement.kind == STATEMENT_DELETE;
    struct dml_numbers numbers;
    struct dml_hits hits;
    struct str select;
    bool *whole;
    int r;

    r = dml_find_candidates(dml, target, binding, NULL, err);
    if (r < 0) {
        return r;
    }
    whole = arena_array(&dml->arena, bool, target->scan.n_files);
    if (!whole) {
        return corrie_fail_memory(err);
    }
    memset(whole, 0, target->scan.n_files * sizeof *whole);
    if (deletes) {
        r = dml_find_whole(dml, target, dml_row_name(dml), &whole, err);
    }
    if (r < 0 || (r = count_hits(dml, target, count, whole, &numbers, err)) < 0 ||
        (r = dml_take_hits(dml, target, &numbers, deletes, &hits, err)) < 0) {
        return r;
    }
    if (deletes) {
        dml->report.deleted = hits.total;
        compose_kept(&rewrite, dml, schema, DML_REWRITE);
    } else {
        dml->report.updated = hits.total;
        compose_updated(&rewrite, dml, schema, sets, DML_REWRITE);
    }
    r = compose_check(&rewrite, err);
    if (r < 0 || hits.total == 0) {
        return r;
    }
    select = buf_str(&rewrite.text);
    r = dml_rewrite(dml, target, &hits, &select, hits.n_rewritten > 0 ? 1 : 0, err);
    if (r < 0) {
        r = compose_place(&rewrite, dml, err);
    }
    return r == CORRIE_E_DATA && !deletes ? blame_set(dml, schema, sets, err) : r < 0 ? r : 0;
}

/* Everything that can be told before a row is read. 1: it must be done as a join. */
static int look(struct dml *dml, struct lake_target *target, struct dml_sets *sets,
                struct compose *count, struct engine_binding *ret, corrie_error *err)
{
    _cleanup_(compose_done) struct compose updated = {0};
    const struct schema *schema = metadata_schema(target->metadata);
    struct engine_binding ignored;
    bool is_volatile = false;
    int r;

    compose_count(count, dml, schema);
    r = dml_read_tables(dml, count, &dml->statement.table, &is_volatile, err);
    if (r < 0 || is_volatile) {
        return r < 0 ? r : 1;
    }
    r = dml_bind(dml, count, target, ret, err);
    if (r < 0 || dml->statement.kind == STATEMENT_DELETE) {
        return r;
    }
    r = dml_resolve_sets(dml, schema, dml->statement.sets, dml->statement.n_sets, sets, err);
    if (r < 0) {
        return r;
    }
    compose_updated(&updated, dml, schema, sets, DML_TARGET);
    r = dml_read_tables(dml, &updated, &dml->statement.table, NULL, err);
    return r < 0 ? r : dml_bind(dml, &updated, target, &ignored, err);
}

int dml_change(struct dml *dml, corrie_error *err)
{
    _cleanup_(lake_target_done) struct lake_target target = {0};
    _cleanup_(compose_done) struct compose count = {0};
    struct engine_binding binding;
    struct dml_sets sets = {0};
    int r;

    if (dml->statement.source.len > 0) {
        return dml_change_joined(dml, err);
    }
    r = dml_open_target(dml, &target, err);
    if (r < 0) {
        return r;
    }
    if (dml->statement.kind == STATEMENT_DELETE && dml->statement.condition.len == 0) {
        return delete_all(dml, &target, err);
    }
    r = dml_check_pieces(dml, err);
    r = r < 0 ? r : look(dml, &target, &sets, &count, &binding, err);
    if (r > 0) {
        return dml_change_joined(dml, err);
    }
    return r < 0 ? r : change_files(dml, &target, &sets, &count, &binding, err);
}
