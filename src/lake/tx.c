/* tx.c — transactions: staging, steps on tx/<job>, publishing. */
#include "lake/tx_priv.h"

#include "base/mem.h"
#include "iceberg/snapshot.h"
#include "lang/name.h"

struct lake_view lake_tx_view(const struct lake_tx *tx)
{
    return (struct lake_view){.lake = tx->lake, .commit = tx->base, .tree = tx->tree};
}

struct str lake_tx_branch(const struct lake_tx *tx)
{
    return tx->branch;
}

struct str lake_tx_ref(const struct lake_tx *tx)
{
    return tx->ref;
}

struct hash lake_tx_base(const struct lake_tx *tx)
{
    return tx->base;
}

/* Notes the job, and makes tx/<job> if there will be steps. */
static int begin_job(struct lake_tx *tx, const struct lake_tx_options *options, corrie_error *err)
{
    char *ref = arena_printf(&tx->arena, "tx/%.*s", STR_FMT(options->job));

    if (!ref) {
        return corrie_fail_memory(err);
    }
    if (!uuid_parse(options->job, &tx->job_id)) {
        return corrie_fail(err, CORRIE_E_INTERNAL, "begin a transaction: the job id is no UUID");
    }
    tx->job = str_from(str_of(ref), 3);
    if (!options->steps) {
        return 0;
    }
    tx->ref = str_of(ref);
    return catalog_commit(tx->lake->catalog, NULL,
                          &(struct catalog_move){.ref = tx->ref,
                                                 .kind = CATALOG_TX,
                                                 .new_commit = tx->base,
                                                 .who = tx->lake->user,
                                                 .why = STR("begin the job")},
                          err);
}

static int begin(struct lake_tx *tx, const struct lake_tx_options *options, corrie_error *err)
{
    struct catalog_ref found;
    struct lake_view view;
    int r;

    r = lake_branch(tx->lake, options->branch, &tx->arena, &tx->branch, err);
    if (r < 0 || (r = catalog_ref_get(tx->lake->catalog, tx->branch, &found, err)) < 0) {
        return r;
    }
    tx->base = tx->step = options->base ? *options->base : found.commit;
    r = lake_view_of(tx->lake, &tx->base, &view, err);
    if (r < 0) {
        return r;
    }
    tx->base_tree = tx->step_tree = tx->tree = view.tree;
    return options->job.len ? begin_job(tx, options, err) : 0;
}

int lake_tx_begin(struct lake *lake, const struct lake_tx_options *options, struct lake_tx **ret,
                  corrie_error *err)
{
    struct lake_tx *tx = mem_alloc(1, sizeof *tx);
    int r;

    if (!tx) {
        return corrie_fail_memory(err);
    }
    tx->lake = lake;
    tx->began = clock_now();
    r = lake_check_writable(lake, err);
    r = r < 0 ? r : begin(tx, options, err);
    if (r < 0) {
        lake_tx_free(tx);
        return r;
    }
    *ret = tx;
    return 0;
}

struct lake_tx *lake_tx_free(struct lake_tx *tx)
{
    if (tx) {
        object_list_done(&tx->objects);
        vec_done(&tx->outputs);
        vec_done(&tx->reads);
        arena_done(&tx->arena);
        mem_free(tx);
    }
    return NULL;
}

int tx_stage(struct lake_tx *tx, const struct tree_edit *edits, size_t n, corrie_error *err)
{
    if (tx->ended) {
        return corrie_fail(err, CORRIE_E_INTERNAL, "change a transaction that has ended");
    }
    return tree_apply(tx->lake->catalog, &tx->tree, edits, n, &tx->objects, &tx->tree, err);
}

/* Whether a table has a taint of others: 1 and *ret. Its own job's is none. */
static bool foreign_taint(const struct lake_tx *tx, const struct lake_table *table,
                          struct uuid *ret)
{
    return table && table->taint.len > 0 && !str_eq(table->taint, tx->job) &&
           uuid_parse(table->taint, ret);
}

void tx_taint(const struct lake_tx *tx, const struct lake_table *before, struct tree_value *value)
{
    if (tx->ref.len > 0) {
        value->has_taint = true;
        value->taint = tx->job_id;
    } else {
        value->has_taint = foreign_taint(tx, before, &value->taint);
    }
}

int tx_stage_table(struct lake_tx *tx, struct lake_table *table, const struct lake_table *before,
                   corrie_error *err)
{
    _cleanup_(buf_done) struct buf doc = {0};
    struct tree_edit edit = {.value = {.id = table->id}};
    struct key key;
    int r = lake_table_doc(table, &doc, err);

    if (r < 0 || (r = KEY_MAKE(&key, err, STR("table"), table->ns, table->name)) < 0) {
        return r;
    }
    edit.key = key_str(&key);
    edit.value.doc = buf_str(&doc);
    tx_taint(tx, before, &edit.value);
    r = tx_stage(tx, &edit, 1, err);
    if (r < 0 || (r = tx_note_output(tx, edit.key, before, err)) < 0) {
        return r;
    }
    table->taint = before ? before->taint : STR_EMPTY;
    return 0;
}

int tx_stage_version(struct lake_tx *tx, const struct table_version *version, struct str location,
                     const struct lake_table *names, const struct lake_table *before,
                     struct arena *arena, struct lake_table *ret, corrie_error *err)
{
    const struct table_metadata *metadata = version->metadata;
    struct lake_table table = {.id = metadata->table_uuid,
                               .snapshot_id = version->snapshot_id,
                               .schema_id = metadata->current_schema_id,
                               .spec_id = metadata->default_spec_id,
                               .records = version->records,
                               .bytes = version->bytes,
                               .files = version->files,
                               .managed = names->managed};
    int r;

    if (arena_str(arena, names->ns, &table.ns) < 0 ||
        arena_str(arena, names->name, &table.name) < 0 ||
        arena_str(arena, lake_relative(tx->lake, location), &table.location) < 0 ||
        arena_str(arena, lake_relative(tx->lake, str_of(version->location)),
                  &table.metadata_location) < 0) {
        return corrie_fail_memory(err);
    }
    r = tx_stage_table(tx, &table, before, err);
    if (r >= 0) {
        lake_recent_keep(tx->lake, str_of(version->location), version->metadata);
        *ret = table;
    }
    return r;
}

int tx_note_output(struct lake_tx *tx, struct str key, const struct lake_table *before,
                   corrie_error *err)
{
    struct tx_output output = {0};
    struct tx_output *found = NULL;

    for (size_t i = 0; i < tx->outputs.count && !found; i++) {
        if (str_eq(tx->outputs.items[i].key, key)) {
            found = &tx->outputs.items[i];
        }
    }
    if (!found) {
        if (arena_str(&tx->arena, key, &output.key) < 0 || vec_push(&tx->outputs, output) < 0) {
            return corrie_fail_memory(err);
        }
        found = &tx->outputs.items[tx->outputs.count - 1];
    }
    if (!before || !str_eq(before->taint, tx->job) || tx->ref.len == 0) {
        found->has_taint = foreign_taint(tx, before, &found->taint);
    }
    return 0;
}

int lake_tx_namespace(struct lake_tx *tx, struct str ns, corrie_error *err)
{
    struct lake_view view = lake_tx_view(tx);
    struct tree_edit edit = {.value = {.id = uuid_random(), .doc = STR("{}")}};
    struct key key;
    int r;

    r = name_check_namespace(ns, err);
    if (r < 0 || (r = lake_has_namespace(&view, ns, err)) < 0) {
        return r;
    }
    if (r > 0) {
        return 0;
    }
    r = KEY_MAKE(&key, err, STR("namespace"), ns);
    if (r < 0) {
        return r;
    }
    edit.key = key_str(&key);
    r = tx_stage(tx, &edit, 1, err);
    return r < 0 ? r : 1;
}

int lake_tx_read(struct lake_tx *tx, struct str output_ns, struct str output_name,
                 const struct lake_table *input, struct str ref, corrie_error *err)
{
    struct tx_read read = {.id = input->id};
    struct key output;
    struct key key;
    int r;

    r = KEY_MAKE(&output, err, STR("table"), output_ns, output_name);
    if (r < 0 || (r = KEY_MAKE(&key, err, STR("table"), input->ns, input->name)) < 0) {
        return r;
    }
    read.has_taint = foreign_taint(tx, input, &read.taint);
    if (str_eq(ref, tx->branch)) {
        ref = STR_EMPTY;
    }
    if (arena_str(&tx->arena, ref, &read.ref) < 0 ||
        arena_str(&tx->arena, key_str(&output), &read.output) < 0 ||
        arena_str(&tx->arena, key_str(&key), &read.input) < 0 ||
        arena_str(&tx->arena, input->metadata_location, &read.version) < 0 ||
        vec_push(&tx->reads, read) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

/* ---- origin ---- */

static json_t *key_json(struct str key)
{
    struct str segments[CORRIE_MAX_KEY_SEGMENTS];
    size_t n = key_split(key, segments);
    json_t *list = json_array();

    for (size_t i = 0; i < n && list; i++) {
        if (json_array_append_new(list, js_string(segments[i])) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *read_json(const struct tx_read *read)
{
    json_t *item = json_object();
    int r;

    r = js_set(item, "key", key_json(read->input));
    r |= js_set_uuid(item, "id", &read->id);
    r |= js_set_str(item, "version", read->version);
    if (read->ref.len > 0) {
        r |= js_set_str(item, "ref", read->ref);
    }
    if (r != 0) {
        json_decref(item);
        return NULL;
    }
    return item;
}

static json_t *output_json(const struct lake_tx *tx, const struct tree_edit *output)
{
    json_t *document = json_object();
    json_t *reads = json_array();
    int r = 0;

    for (size_t i = 0; i < tx->reads.count && reads; i++) {
        if (str_eq(tx->reads.items[i].output, output->key)) {
            r |= json_array_append_new(reads, read_json(&tx->reads.items[i]));
        }
    }
    r |= js_set_uuid(document, "id", &output->value.id);
    r |= js_set(document, "key", key_json(output->key));
    r |= js_set(document, "reads", reads);
    if (r != 0) {
        json_decref(document);
        return NULL;
    }
    return document;
}

static int compare_output(const void *a, const void *b)
{
    return str_cmp(((const struct tx_output *)a)->key, ((const struct tx_output *)b)->key);
}

/* Stores the origin object of what was written. */
static int make_origin(struct lake_tx *tx, const struct tree_edit *outputs, size_t n,
                       struct hash *ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    _json_ json_t *document = json_object();
    json_t *list = json_array();
    int r = 0;

    for (size_t i = 0; i < n && list; i++) {
        r |= json_array_append_new(list, output_json(tx, &outputs[i]));
    }
    r |= js_set(document, "outputs", list);
    r |= js_set_str(document, "job", tx->job);
    if (r != 0) {
        return corrie_fail_memory(err);
    }
    r = js_canonical(document, &text, err);
    return r < 0 ? r
                 : object_add_json(tx->lake->catalog, OBJECT_ORIGIN, buf_str(&text), &tx->objects,
                                   ret, err);
}

/* The taint with which an output is published: of rows it keeps, else of what it was made of. */
static void settle_taint(const struct lake_tx *tx, const struct tx_output *output,
                         struct tree_value *value)
{
    value->has_taint = output->has_taint;
    value->taint = output->taint;
    for (size_t i = 0; i < tx->reads.count && !value->has_taint; i++) {
        const struct tx_read *read = &tx->reads.items[i];

        if (read->has_taint && str_eq(read->output, output->key)) {
            value->has_taint = true;
            value->taint = read->taint;
        }
    }
    if (!value->has_taint) {
        value->taint = (struct uuid){{0}};
    }
}

static int load_outputs(struct lake_tx *tx, struct arena *arena, struct tree_edit *edits,
                        bool *ret_changed, corrie_error *err)
{
    for (size_t i = 0; i < tx->outputs.count; i++) {
        struct tree_value *value = &edits[i].value;
        struct tree_value was;
        int r;

        edits[i].key = tx->outputs.items[i].key;
        r = tree_get(tx->lake->catalog, &tx->tree, edits[i].key, arena, value, err);
        if (r == 0) {
            r = corrie_fail(err, CORRIE_E_INTERNAL, "an output of the transaction is gone");
        }
        if (r >= 0) {
            r = tree_value_doc(tx->lake->catalog, value, arena, &value->doc, err);
        }
        if (r < 0) {
            return r;
        }
        was = *value;
        value->doc_apart = false;
        settle_taint(tx, &tx->outputs.items[i], value);
        *ret_changed |= was.has_taint != value->has_taint ||
                        (was.has_taint && !uuid_eq(&was.taint, &value->taint));
    }
    return 0;
}

/* Makes the outputs what they are to be once published: a group, if they are to be one, and tainted only by what they
 * were made of. *ret_origin is zero without a group. */
static int settle_outputs(struct lake_tx *tx, bool group, struct hash *ret_origin,
                          corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    size_t n = tx->outputs.count;
    struct tree_edit *edits = arena_array(&arena, struct tree_edit, n);
    bool changed = group;
    int r;

    memset(ret_origin, 0, sizeof *ret_origin);
    if (!edits) {
        return corrie_fail_memory(err);
    }
    if (n == 0) {
        return 0;
    }
    qsort(tx->outputs.items, n, sizeof *tx->outputs.items, compare_output);
    r = load_outputs(tx, &arena, edits, &changed, err);
    if (r >= 0 && group) {
        r = make_origin(tx, edits, n, ret_origin, err);
        for (size_t i = 0; i < n; i++) {
            edits[i].value.has_origin = true;
            edits[i].value.origin = *ret_origin;
        }
    }
    return r < 0 || !changed ? r : tx_stage(tx, edits, n, err);
}

/* ---- commits ---- */

static struct commit commit_of(const struct lake_tx *tx, struct str message)
{
    return (struct commit){.author = tx->lake->user,
                           .message = message,
                           .has_job = tx->job.len > 0,
                           .job = tx->job_id};
}

/* Keeps the machine-readable report of a conflict with the error. */
static int fail_with_report(const struct merge_report *report, corrie_error *err)
{
    _error_ corrie_error inner = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf text = {0};
    _json_ json_t *document = NULL;

    if (err->code == CORRIE_E_CONFLICT && report->n_conflicts > 0 &&
        merge_report_json(report, &document, &inner) >= 0 &&
        js_format(document, 0, &text, &inner) >= 0) {
        corrie_detail(err, buf_str(&text));
    }
    return err->code;
}

static int publish_to(struct lake_tx *tx, struct publish *publish, const struct merge_guard *guard,
                      struct publish_result *result, corrie_error *err)
{
    _cleanup_(merge_report_done) struct merge_report report = {0};
    struct merge_options storage;
    int r;

    publish->merge = lake_merge_options(tx->lake, &storage);
    storage.guard = guard;
    publish->since = tx->began;
    publish->tree = tx->tree;
    publish->objects = &tx->objects;
    r = catalog_publish(tx->lake->catalog, publish, result, &report, err);
    return r < 0 ? fail_with_report(&report, err) : 0;
}

/* Who holds tx/<job> may publish; who took the job for dead has removed it, and what the job wrote may be gone. Returns
 * the error's code. */
static int explain_loss(struct lake_tx *tx, corrie_error *err)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct catalog_ref ref;

    if (tx->ref.len == 0 || catalog_ref_find(tx->lake->catalog, tx->ref, &ref, &ignored) != 0) {
        return err->code;
    }
    corrie_error_clear(err);
    corrie_fail(err, CORRIE_E_CONFLICT, "%.*s was removed meanwhile: the job was taken for dead",
                STR_FMT(tx->ref));
    return corrie_hint(err, "run it again");
}

int lake_tx_step(struct lake_tx *tx, struct str message, corrie_error *err)
{
    struct publish publish = {.ref = tx->ref, .start = tx->step, .commit = commit_of(tx, message)};
    struct publish_result result;
    int r;

    if (tx->ref.len == 0 || hash_eq(&tx->tree, &tx->step_tree)) {
        return 0;
    }
    r = publish_to(tx, &publish, NULL, &result, err);
    if (r == CORRIE_E_NOT_FOUND) {
        r = explain_loss(tx, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "record a step on %.*s", STR_FMT(tx->ref));
    }
    tx->step = result.commit;
    tx->step_tree = tx->tree;
    return 0;
}

/* Gives tx/<job> up, with the movement of the branch if there is one. */
static struct catalog_move drop_of(const struct lake_tx *tx, struct str why)
{
    return (struct catalog_move){.ref = tx->ref,
                                 .kind = CATALOG_TX,
                                 .expected = tx->step,
                                 .who = tx->lake->user,
                                 .why = why};
}

static int copy_properties(const struct lake_publish *publish, struct arena *arena,
                           struct commit *commit, corrie_error *err)
{
    struct commit_property *copies =
        arena_array(arena, struct commit_property, publish->n_properties);

    if (!copies) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < publish->n_properties; i++) {
        copies[i] = (struct commit_property){.name = publish->properties[i].key,
                                             .value = publish->properties[i].value};
    }
    commit->properties = copies;
    commit->n_properties = publish->n_properties;
    return 0;
}

/* The tables that were read on the branch, as the guard takes them. */
static int guarded_reads(const struct lake_tx *tx, struct arena *arena, struct lake_guard *guard,
                         corrie_error *err)
{
    struct guard_read *reads = arena_array(arena, struct guard_read, tx->reads.count);

    if (!reads) {
        return corrie_fail_memory(err);
    }
    guard->reads = reads;
    for (size_t i = 0; i < tx->reads.count; i++) {
        const struct tx_read *read = &tx->reads.items[i];

        if (read->ref.len == 0) {
            reads[guard->n_reads++] =
                (struct guard_read){.key = read->input, .version = read->version};
        }
    }
    return 0;
}

struct publishing {
    struct lake_guard guard;
    const struct lake_publish *publish;
};

static int check_step(void *data, struct catalog *catalog, struct merge_step *step,
                      corrie_error *err)
{
    struct publishing *publishing = data;

    return lake_guard_step(&publishing->guard, catalog, step, err);
}

static int tell_ready(void *data, const struct publish_result *result, corrie_error *err)
{
    const struct lake_publish *publish = ((struct publishing *)data)->publish;

    return publish->ready
               ? publish->ready(publish->ready_data, &result->commit, result->changed, err)
               : 0;
}

static int publish_change(struct lake_tx *tx, const struct lake_publish *publish,
                          struct publish *target, struct publish_result *result, corrie_error *err)
{
    struct publishing publishing = {
        .guard = {.lake = tx->lake, .arena = &tx->arena, .accept_taint = publish->accept_taint},
        .publish = publish};
    struct merge_guard asked = {.data = &publishing, .check = check_step, .ready = tell_ready};
    struct catalog_move drop = drop_of(tx, STR("the job was published"));
    int r;

    if (publish->serializable) {
        r = guarded_reads(tx, &tx->arena, &publishing.guard, err);
        if (r < 0) {
            return r;
        }
    }
    target->also = tx->ref.len > 0 ? &drop : NULL;
    r = publish_to(tx, target, &asked, result, err);
    if (r == CORRIE_E_NOT_FOUND) {
        r = explain_loss(tx, err);
    }
    if (r == CORRIE_E_CONFLICT && !err->hint) {
        corrie_hint(err, "%.*s was changed meanwhile: do it again, on what it is now",
                    STR_FMT(tx->branch));
    }
    return r < 0 ? corrie_wrap(err, "publish to %.*s", STR_FMT(tx->branch)) : 0;
}

/* Nothing was to be published: that stands whatever comes of this. */
static void drop_unpublished(struct lake_tx *tx)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct catalog_move drop = drop_of(tx, STR("the job published nothing"));

    if (tx->ref.len > 0 && catalog_commit(tx->lake->catalog, NULL, &drop, &ignored) < 0) {
        corrie_error_clear(&ignored); /* prune removes it */
    }
}

void lake_tx_give_up(struct lake_tx *tx)
{
    if (!tx->ended && hash_eq(&tx->step, &tx->base)) {
        drop_unpublished(tx);
    }
    tx->ended = true;
}

int lake_tx_publish(struct lake_tx *tx, const struct lake_publish *publish, struct hash *ret_commit,
                    corrie_error *err)
{
    struct publish target = {.ref = tx->branch, .start = tx->base};
    struct publish_result result = {.commit = tx->base};
    int r;

    target.commit = commit_of(tx, publish->message);
    r = copy_properties(publish, &tx->arena, &target.commit, err);
    if (r >= 0) {
        r = settle_outputs(tx, publish->origin && tx->job.len > 0, &target.commit.origin, err);
    }
    if (r < 0) {
        return r;
    }
    target.commit.has_origin = !hash_is_zero(&target.commit.origin);
    if (!hash_eq(&tx->tree, &tx->base_tree)) {
        r = publish_change(tx, publish, &target, &result, err);
    } else if (publish->ready) {
        r = publish->ready(publish->ready_data, &tx->base, false, err);
    }
    if (r < 0) {
        return r;
    }
    tx->ended = true;
    if (!result.changed) {
        drop_unpublished(tx);
    }
    *ret_commit = result.commit;
    return result.changed;
}
