/* compact.c — a table's small files become larger ones.
 *
 * The files are written first, by what the table was when the job began; that takes long. Then they are staged in a
 * transaction, which takes no time: if the branch has moved so that it cannot be merged, another transaction puts them
 * onto what the table is now, as long as all the files that they replace are still there with the same deletes. */
#include "maint/compact.h"

#include <string.h>

#include <corrie/care.h>

#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "jobs/jobs.h"
#include "lake/rewrite.h"
#include "lang/name.h"

#define SPACE "corrie.compact" /* no namespace of a lake has a dot */
#define DEFAULT_TARGET_BYTES ((int64_t)128 * 1024 * 1024)

enum { TRIES = 3, PUBLISHES = 20 };

struct compact {
    struct lake *lake;
    const corrie_compact_options *options;
    struct arena arena; /* as long as the call */
    struct str ns;
    struct str name;
    struct str branch;
    struct job *job;
    struct lake_workspace work;

    /* Of one attempt. */
    struct arena attempt;
    struct lake_tx *tx;
    struct lake_target target;
    struct compact_plan plan;
    struct data_file *files; /* written and durable */
    size_t n_files;
    size_t capacity;
    int64_t n_before;
    int64_t records;
    int64_t bytes_added;
    bool committed;
    struct hash commit;
    char *json; /* the answer, made before the branch moves */
};

static void attempt_done(struct compact *c)
{
    lake_target_done(&c->target);
    c->target = (struct lake_target){0};
    c->tx = lake_tx_free(c->tx);
    c->plan = (struct compact_plan){0};
    c->files = NULL;
    c->n_files = c->capacity = 0;
    c->bytes_added = 0;
    arena_done(&c->attempt);
}

static void compact_done(struct compact *c)
{
    attempt_done(c);
    lake_workspace_done(&c->work);
    job_free(c->job);
    mem_free(c->json);
    arena_done(&c->arena);
}

/* ---- the answer ---- */

static int answer(struct compact *c, corrie_error *err)
{
    bool known = !c->options->dry_run;
    int64_t n_after = c->n_before - (int64_t)c->plan.n_files + (int64_t)c->n_files;
    _json_ json_t *doc = json_object();
    int r;

    r = js_set_str(doc, "namespace", c->ns);
    r |= js_set_str(doc, "table", c->name);
    r |= js_set_str(doc, "branch", c->branch);
    r |= js_set_hash(doc, "commit", c->committed ? &c->commit : NULL);
    r |= js_set(doc, "job", c->job ? js_string(job_id(c->job)) : json_null());
    r |= js_set_bool(doc, "dry_run", c->options->dry_run);
    r |= js_set_int(doc, "files_before", c->n_before);
    r |= js_set(doc, "files_after", known ? json_integer(n_after) : json_null());
    r |= js_set_int(doc, "files_rewritten", (int64_t)c->plan.n_files);
    r |= js_set(doc, "files_added", known ? json_integer((json_int_t)c->n_files) : json_null());
    r |= js_set_int(doc, "bytes_rewritten", c->plan.bytes);
    r |= js_set(doc, "bytes_added", known ? json_integer(c->bytes_added) : json_null());
    r |= js_set_int(doc, "delete_files_removed", (int64_t)c->plan.n_deletes);
    r |= js_set_int(doc, "partitions", (int64_t)c->plan.n_groups);
    r |= js_set_int(doc, "records", c->records);
    if (r != 0) {
        return corrie_fail_memory(err);
    }
    mem_free(c->json);
    c->json = NULL;
    return js_give(TAKE_PTR(doc), &c->json, err);
}

static int on_publish(void *data, const struct hash *commit, bool changed, corrie_error *err)
{
    struct compact *c = data;

    c->committed = changed;
    c->commit = *commit;
    return answer(c, err);
}

/* ---- what there is ---- */

static int target_bytes(const struct table_metadata *metadata, int64_t *ret, corrie_error *err)
{
    struct str text;

    *ret = DEFAULT_TARGET_BYTES;
    if (metadata_property(metadata, STR("write.target-file-size-bytes"), &text) &&
        (!str_to_int64(text, ret) || *ret <= 0)) {
        return corrie_fail(err, CORRIE_E_DATA,
                           "table property write.target-file-size-bytes is '%.*s'", STR_FMT(text));
    }
    return 0;
}

/* The table as it is on the branch now, in a transaction. */
static int open_table(struct compact *c, struct lake_tx **ret_tx, struct lake_target *ret,
                      corrie_error *err)
{
    struct lake_tx_options options = {.branch = c->branch,
                                      .job = c->job ? job_id(c->job) : STR_EMPTY};
    struct lake_tx *tx = NULL;
    int r = lake_tx_begin(c->lake, &options, &tx, err);

    if (r >= 0) {
        r = lake_target_open(tx, c->ns, c->name, &c->attempt, ret, err);
    }
    if (r >= 0) {
        r = lake_target_scan(tx, ret, NULL, 0, &c->attempt, err);
        if (r < 0) {
            lake_target_done(ret);
        }
    }
    if (r < 0) {
        lake_tx_free(tx);
        return r;
    }
    *ret_tx = tx;
    return 0;
}

static int look(struct compact *c, corrie_error *err)
{
    int64_t target = 0;
    int r = open_table(c, &c->tx, &c->target, err);

    if (r < 0 || (r = target_bytes(c->target.metadata, &target, err)) < 0) {
        return r;
    }
    c->n_before = (int64_t)c->target.scan.n_files;
    c->records = c->target.table.records;
    return compact_plan(&c->target.scan, target, &c->attempt, &c->plan, err);
}

/* ---- writing ---- */

static void compose(const struct schema *schema, struct buf *sql)
{
    buf_add_text(sql, "SELECT ");
    for (size_t i = 0; i < schema->n_fields; i++) {
        buf_add_text(sql, i == 0 ? "" : ", ");
        buf_add_sql_name(sql, schema->fields[i].name);
    }
    buf_add_text(sql, " FROM \"" SPACE "\".\"rows\"");
}

static int keep_files(struct compact *c, const struct data_file *files, size_t n, corrie_error *err)
{
    if (c->n_files + n > c->capacity) {
        size_t capacity = 2 * (c->n_files + n);
        struct data_file *all = arena_array(&c->attempt, struct data_file, capacity);

        if (!all) {
            return corrie_fail_memory(err);
        }
        if (c->n_files > 0) {
            memcpy(all, c->files, c->n_files * sizeof *all);
        }
        c->files = all;
        c->capacity = capacity;
    }
    for (size_t i = 0; i < n; i++) {
        c->bytes_added = count_add(c->bytes_added, files[i].bytes);
        c->files[c->n_files++] = files[i];
    }
    return 0;
}

static int write_group(struct compact *c, const struct compact_group *group, struct str select,
                       corrie_error *err)
{
    struct lake_rewrite rewrite = {
        .target = &c->target, .engine = c->work.engine, .selects = &select, .n_selects = 1};
    struct data_file *files;
    size_t n;
    int r;

    r = lake_target_define(&c->target, c->work.engine, STR(SPACE), STR("rows"), group->files,
                           group->n_files, err);
    if (r >= 0) {
        r = lake_rewrite_files(c->tx, &rewrite, &c->attempt, &files, &n, err);
    }
    return r < 0 ? r : keep_files(c, files, n, err);
}

static int write_groups(struct compact *c, corrie_error *err)
{
    const struct engine_options engine = {0};
    _cleanup_(buf_done) struct buf select = {0};
    int r = 0;

    if (!c->work.engine) {
        r = lake_workspace_open(c->lake, c->options->memory, &engine, &c->work, err);
    }
    compose(metadata_schema(c->target.metadata), &select);
    r = r < 0 ? r : buf_check(&select, err);
    for (size_t i = 0; r >= 0 && i < c->plan.n_groups; i++) {
        r = write_group(c, &c->plan.groups[i], buf_str(&select), err);
    }
    return r;
}

/* ---- staging, on what the table is by now ---- */

static bool same_deletes(const struct scan *a, size_t i, const struct scan *b, size_t k)
{
    size_t before = a->deletes ? a->deletes[i].n_positions + a->deletes[i].n_equalities : 0;
    size_t after = b->deletes ? b->deletes[k].n_positions + b->deletes[k].n_equalities : 0;

    /* those that apply to a file stay as long as the file does: as many are the same ones */
    return before == after;
}

/* Finds the files that are replaced in another scan of the table. 1 found, 0 they are not what they were. */
static int find_again(const struct compact *c, const struct scan *now, struct arena *arena,
                      size_t **ret, corrie_error *err)
{
    const struct scan *then = &c->target.scan;
    _cleanup_(map_done) struct map places = {0};
    size_t *found = arena_array(arena, size_t, c->plan.n_files);

    if (!found) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < now->n_files; i++) {
        if (map_put(&places, now->files[i].path, (void *)&now->files[i]) < 0) {
            return corrie_fail_memory(err);
        }
    }
    for (size_t i = 0; i < c->plan.n_files; i++) {
        const struct data_file *file = map_get(&places, then->files[c->plan.files[i]].path);

        if (!file || !same_deletes(then, c->plan.files[i], now, (size_t)(file - now->files))) {
            return 0;
        }
        found[i] = (size_t)(file - now->files);
    }
    *ret = found;
    return 1;
}

static int stage(struct compact *c, struct lake_tx *tx, const struct lake_target *target,
                 const size_t *removed, const size_t *deletes, size_t n_deletes, corrie_error *err)
{
    struct lake_publish publish = {.message = str_of(c->options->message),
                                   .accept_taint = c->options->accept_taint,
                                   .ready = on_publish,
                                   .ready_data = c};
    struct lake_rewrite rewrite = {.target = target,
                                   .removed = removed,
                                   .n_removed = c->plan.n_files,
                                   .removed_deletes = deletes,
                                   .n_removed_deletes = n_deletes,
                                   .same_rows = true,
                                   .engine = c->work.engine,
                                   .files = c->files,
                                   .n_files = c->n_files};
    struct lake_written written;
    int r = lake_tx_rewrite(tx, &rewrite, &c->attempt, &written, err);

    if (r < 0) {
        return r;
    }
    c->n_before = (int64_t)target->scan.n_files;
    c->records = written.table.records;
    if (publish.message.len == 0) {
        publish.message =
            str_of(arena_printf(&c->attempt, "Compact %.*s.%.*s: %zu files become %zu",
                                STR_FMT(c->ns), STR_FMT(c->name), c->plan.n_files, c->n_files));
    }
    return lake_tx_publish(tx, &publish, &c->commit, err);
}

/* 1 published, 0 the table has changed so that it must be done again. */
static int stage_again(struct compact *c, corrie_error *err)
{
    _cleanup_(lake_tx_freep) struct lake_tx *tx = NULL;
    _cleanup_(lake_target_done) struct lake_target target = {0};
    size_t *removed = NULL;
    int r = open_table(c, &tx, &target, err);

    if (r < 0 || (r = find_again(c, &target.scan, &c->attempt, &removed, err)) <= 0) {
        return r;
    }
    /* files of deletes stay: which are needed by what came since is not asked; the next compaction removes them */
    r = stage(c, tx, &target, removed, NULL, 0, err);
    return r < 0 ? r : 1;
}

/* 1 published, 0 to be done again. */
static int publish(struct compact *c, corrie_error *err)
{
    int r = stage(c, c->tx, &c->target, c->plan.files, c->plan.deletes, c->plan.n_deletes, err);

    r = r < 0 ? r : 1;
    for (unsigned i = 1; r == CORRIE_E_CONFLICT && i < PUBLISHES; i++) {
        corrie_error_clear(err);
        c->plan.n_deletes = 0;
        r = stage_again(c, err);
    }
    return r;
}

/* ---- the job around it ---- */

static int begin_job(struct compact *c, corrie_error *err)
{
    struct job_spec spec = {.kind = STR("compact"),
                            .user = lake_user(c->lake),
                            .ref = c->branch,
                            .commit_in = lake_tx_base(c->tx),
                            .cancel = lake_job_cancel(c->lake)};
    _json_ json_t *args = json_object();
    int r;

    r = js_set_str(args, "namespace", c->ns);
    r |= js_set_str(args, "table", c->name);
    if (r != 0) {
        return corrie_fail_memory(err);
    }
    spec.args = args;
    r = job_begin(lake_store(c->lake), lake_catalog(c->lake), &spec, &c->job, err);
    if (r >= 0) {
        lake_event(c->lake, &(corrie_event){.kind = "job", .text = job_id(c->job).data});
    }
    return r;
}

static void end_job(struct compact *c, corrie_error *failure)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct job_outcome outcome = {.error = failure, .commit_out = c->committed ? &c->commit : NULL};

    if (job_end(c->job, &outcome, &err) < 0) {
        lake_notice(c->lake, "%s", corrie_error_message(&err));
    }
}

/* 1 done, 0 to be done again. */
static int attempt(struct compact *c, corrie_error *err)
{
    int r = look(c, err);

    if (r < 0) {
        return r;
    }
    if (c->plan.n_files > 0 && !c->options->dry_run && !c->job) {
        r = begin_job(c, err);
        if (r >=
            0) { /* the transaction is to be the job's: files of jobs that live are safe from gc */
            attempt_done(c);
            r = look(c, err);
        }
        if (r < 0) {
            return r;
        }
    }
    if (c->plan.n_files == 0 || c->options->dry_run) {
        r = answer(c, err);
        return r < 0 ? r : 1;
    }
    r = write_groups(c, err);
    return r < 0 ? r : publish(c, err);
}

static int run(struct compact *c, corrie_error *err)
{
    int r = lake_branch(c->lake, str_of(c->options->branch), &c->arena, &c->branch, err);

    for (unsigned i = 0; r >= 0 && i < TRIES; i++) {
        attempt_done(c);
        r = attempt(c, err);
        if (r != 0) {
            break;
        }
        lake_notice(c->lake, "the files were changed meanwhile: doing it again");
    }
    if (r == 0) {
        corrie_fail(err, CORRIE_E_CONFLICT, "the files of %.*s.%.*s were changed meanwhile",
                    STR_FMT(c->ns), STR_FMT(c->name));
        r = corrie_hint(err, "nothing was changed; try it when fewer rows are changed");
    }
    if (c->job) {
        end_job(c, r < 0 ? err : NULL);
    }
    return r;
}

int corrie_table_compact(corrie_lake *lake, const char *name, const corrie_compact_options *options,
                         char **ret_json, corrie_error *err)
{
    corrie_compact_options given = {.size = sizeof given};
    _cleanup_(compact_done) struct compact c = {.lake = lake, .options = &given};
    struct table_name table;
    int r;

    if (options) {
        memcpy(&given, options, options->size < sizeof given ? options->size : sizeof given);
    }
    js_setup();
    r = lake_table_name(str_of(name), given.default_namespace, &table, err);
    if (r < 0) {
        return r;
    }
    c.name = table.table;
    c.ns = table.ns;
    r = run(&c, err);
    if (r < 0) {
        return corrie_wrap(err, "compact %s", name);
    }
    *ret_json = TAKE_PTR(c.json);
    return 0;
}
