/* import.c — corrie_import: files to rows of one table, in one commit. */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ingest/ingest_priv.h"

enum { TRIES = 3 }; /* a table may be changed again and again while files are read */

void import_done(struct import *import)
{
    mem_free(import->json);
    lake_workspace_done(&import->work);
    for (size_t i = 0; i < import->n_files; i++) {
        corrie_error_clear(&import->files[i].error);
    }
    lake_tx_free(import->tx);
    job_free(import->job);
    arena_done(&import->arena);
}

void import_event(struct import *import, corrie_event event)
{
    event.size = sizeof event;
    event.time_ns = clock_now();
    event.rows = event.bytes = -1;
    lake_event(import->lake, &event);
    if (import->job) {
        job_log(import->job, &event);
    }
}

void import_progress(struct import *import, const char *what, const struct ingest_file *file,
                     int64_t rows)
{
    corrie_event event = {.size = sizeof event,
                          .kind = "progress",
                          .node = import->options->table,
                          .time_ns = clock_now(),
                          .rows = rows,
                          .bytes = rows < 0 ? -1 : import->loaded_bytes};
    _cleanup_(buf_done) struct buf text = {0};

    buf_addf(&text, "%s %.*s", what,
             STR_FMT(str_from(file->name, (size_t)(str_rfind(file->name, '/') + 1))));
    if (import->n_files > 1) {
        buf_addf(&text, ", file %zu of %zu", (size_t)(file - import->files) + 1, import->n_files);
    }
    if (import->n_files > 1 && rows >= 0 && import->all_bytes > 0) {
        buf_addf(&text, ", %d %%",
                 (int)((double)import->loaded_bytes * 100 / (double)import->all_bytes));
    }
    if (!text.failed) {
        event.text = buf_text(&text);
        lake_event(import->lake, &event); /* not for the job's log, which would be long */
    }
}

/* ---- writing ---- */

static enum lake_write_mode write_mode(const struct import *import)
{
    switch (import->options->mode) {
    case CORRIE_IMPORT_CREATE:
        return import->options->replace_existing ? LAKE_REPLACE : LAKE_CREATE;
    case CORRIE_IMPORT_REPLACE:
        return LAKE_REPLACE;
    case CORRIE_IMPORT_APPEND:
    default:
        return LAKE_APPEND;
    }
}

static void select_begins(void *data, size_t index, int64_t rows)
{
    struct import *import = data;

    if (index > 0) {
        import->loaded_bytes += import->selected[index - 1]->size;
    }
    import_progress(import, "loading", import->selected[index], rows);
}

/* The rows of a select could not be had. */
static int select_failed(void *data, size_t index, corrie_error *err)
{
    struct import *import = data;
    struct ingest_file *file = import->selected[index];

    (void)engine_source_failed(import->work.engine, &file->source, err);
    return import_leave_out(import, file, err);
}

/* Results of files that failed while they were written are taken out: the others stand in order. */
static void drop_failed(struct import *import, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        if (!import->selected[i]->failed) {
            import->written.selects[kept++] = import->written.selects[i];
        }
    }
}

/* A select for each file that counts; one that does not fit the table is left out where the import goes on. */
static int make_selects(struct import *import, const struct schema *target, struct str *selects,
                        struct str *origins, int64_t *row_bytes, size_t *ret_n, corrie_error *err)
{
    size_t n = 0;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < import->n_files; i++) {
        struct ingest_file *file = &import->files[i];

        if (!ingest_counts(file)) {
            continue;
        }
        r = engine_source_select(import->work.engine, &file->source, target, 0, -1, &import->arena,
                                 &selects[n], err);
        if (r < 0) {
            r = import_leave_out(import, file, err);
            continue;
        }
        origins[n] = file->name;
        row_bytes[n] = file->source.row_bytes;
        import->selected[n++] = file;
        import->all_bytes += file->size;
    }
    *ret_n = n;
    return r;
}

int import_begin_selects(struct import *import, struct lake_write *write, corrie_error *err)
{
    struct schema target;
    int r;

    import->selected = arena_array(&import->arena, struct ingest_file *, import->n_files);
    if (!import->selected) {
        return corrie_fail_memory(err);
    }
    write->evolve = import->options->evolve;
    if (import_adds(import) && !write->evolve) {
        write->schema = NULL; /* each file is asked whether it fits */
    }
    write->select_failed = select_failed;
    write->select_begins = select_begins;
    write->select_data = import;
    r = lake_tx_target(import->tx, write, &import->arena, &target, err);
    if (r >= 0) {
        import->schema = target;
    }
    return r;
}

int import_end_selects(struct import *import, size_t n, corrie_error *err)
{
    drop_failed(import, n);
    return import_check_some(import, err);
}

static int write_rows(struct import *import, struct lake_write *write, corrie_error *err)
{
    struct str *selects = arena_array(&import->arena, struct str, import->n_files);
    struct str *origins = arena_array(&import->arena, struct str, import->n_files);
    int64_t *row_bytes = arena_array(&import->arena, int64_t, import->n_files);
    size_t n = 0;
    int r;

    if (!selects || !origins || !row_bytes) {
        return corrie_fail_memory(err);
    }
    r = import_begin_selects(import, write, err);
    if (r >= 0) {
        r = make_selects(import, &import->schema, selects, origins, row_bytes, &n, err);
    }
    if (r < 0) {
        return r;
    }
    write->engine = import->work.engine;
    write->selects = selects;
    write->origins = origins;
    write->row_bytes = row_bytes;
    write->n_selects = n;
    r = lake_tx_write(import->tx, write, &import->arena, &import->written, err);
    for (size_t i = 0; r < 0 && i < n; i++) {
        engine_source_name_error(&import->selected[i]->source, err);
    }
    return r < 0 ? r : import_end_selects(import, n, err);
}

/* What the ledger is to say of a file whose rows were written. */
static int ledger_entry(struct import *import, struct ingest_file *file,
                        const struct written_files *written, struct ledger_entry *ret,
                        corrie_error *err)
{
    int r = 0;

    if (hash_is_zero(&file->sha256)) {
        r = ingest_hash(file->path, lake_cancel(import->lake), &file->sha256, err);
    }
    if (r < 0 || (r = ingest_unchanged(file, err)) < 0) {
        return r;
    }
    *ret = (struct ledger_entry){.location = file->url,
                                 .version = file->version,
                                 .size = file->size,
                                 .sha256 = file->sha256,
                                 .rows = written->rows,
                                 .job = job_id(import->job),
                                 .data_files = written->paths,
                                 .n_data_files = written->n_paths};
    return 0;
}

/* The ledger tells of the rows that the table has: what was replaced is forgotten. */
static int note_ledger(struct import *import, corrie_error *err)
{
    struct ledger_entry *entries =
        arena_array(&import->arena, struct ledger_entry, import->n_files);
    size_t n = 0;
    int r = 0;

    if (!entries) {
        return corrie_fail_memory(err);
    }
    if (import->exists && !import_adds(import)) {
        r = lake_tx_ledger_clear(import->tx, &import->before.id, err);
    }
    if (import->options->mode == CORRIE_IMPORT_CREATE) {
        return r;
    }
    for (size_t i = 0; r >= 0 && i < import->n_files; i++) {
        if (ingest_counts(&import->files[i])) {
            r = ledger_entry(import, &import->files[i], &import->written.selects[n], &entries[n],
                             err);
            n++;
        }
    }
    return r < 0 ? r : lake_tx_ledger(import->tx, &import->written.table.id, entries, n, err);
}

/* What is told of the import if all of it counts. */
static void take_written(struct import *import)
{
    import->stands = import->written.table;
    import->rows = import->written.rows;
    import->bytes = import->written.bytes;
}

/* Others may have imported a file meanwhile: then their rows count and ours did not come. What the table holds then is
 * theirs and ours. Asked again in every round. */
static int look_at_what_came(struct import *import, corrie_error *err)
{
    struct lake_view view;
    size_t n = 0;
    int r = lake_view_of(import->lake, &import->commit, &view, err);

    if (r >= 0) {
        r = lake_table_get(&view, import->ns, import->table.table, &import->arena, &import->stands,
                           err);
    }
    for (size_t i = 0; r >= 0 && i < import->n_files; i++) {
        struct ingest_file *file = &import->files[i];
        struct ledger_entry entry;

        if (!ingest_counts(file)) {
            continue;
        }
        r = lake_ledger_find(&view, &import->stands.id, file->url, &import->arena, &entry, err);
        file->beaten = r > 0 && !str_eq(entry.job, job_id(import->job));
        if (file->beaten) {
            import->rows -= import->written.selects[n].rows;
            import->bytes -= import->written.selects[n].bytes;
        }
        n++;
    }
    return r < 0 ? r : 0;
}

/* ---- publishing ---- */

static int answer(void *data, const struct hash *commit, bool changed, corrie_error *err)
{
    struct import *import = data;

    int r = 0;

    import->commit = *commit;
    import->committed = changed;
    mem_free(import->json);
    import->json = NULL;
    take_written(import);
    if (import->options->mode == CORRIE_IMPORT_APPEND) {
        r = look_at_what_came(import, err);
    }
    return r < 0 ? r : import_answer(import, &import->json, err);
}

static int publish(struct import *import, corrie_error *err)
{
    size_t n_files = import->n_files - import->n_skipped - import->n_failed;
    struct lake_publish publish = {0};
    char *message;
    int r;

    if (import->metadata.len > 0) {
        message =
            arena_printf(&import->arena, "External table %.*s.%.*s of %.*s", STR_FMT(import->ns),
                         STR_FMT(import->table.table), STR_FMT(import->metadata));
    } else if (import->options->mode == CORRIE_IMPORT_CREATE) {
        message = arena_printf(&import->arena, "Create table %.*s.%.*s", STR_FMT(import->ns),
                               STR_FMT(import->table.table));
    } else {
        message = arena_printf(
            &import->arena, "Import %lld row%s from %zu file%s into %.*s.%.*s",
            (long long)import->written.rows, import->written.rows == 1 ? "" : "s", n_files,
            n_files == 1 ? "" : "s", STR_FMT(import->ns), STR_FMT(import->table.table));
    }
    if (!message) {
        return corrie_fail_memory(err);
    }
    publish.message = str_of(message);
    publish.ready = answer;
    publish.ready_data = import;
    r = lake_tx_publish(import->tx, &publish, &import->commit, err);
    if (r < 0) {
        import->committed = false;
        return r;
    }
    import->committed = r > 0;
    if (import->created_namespace) {
        char *text = arena_printf(&import->arena, "made the namespace %.*s", STR_FMT(import->ns));

        import_event(import, (corrie_event){.kind = "notice", .text = text ? text : ""});
    }
    if (import->committed) {
        char hex[HASH_HEX + 1];

        hash_hex(&import->commit, hex);
        import_event(import, (corrie_event){.kind = "publish", .text = hex});
    }
    return 0;
}

static int write_table(struct import *import, corrie_error *err)
{
    struct lake_write write = {.ns = import->ns,
                               .name = import->table.table,
                               .mode = write_mode(import),
                               .schema = &import->schema,
                               .external = import->external};
    int r;

    r = import_partitioning(import, &write, err);
    if (r < 0 || (r = lake_tx_namespace(import->tx, import->ns, err)) < 0) {
        return r;
    }
    import->created_namespace = r > 0;
    if (import->metadata.len > 0) {
        r = import_external(import, err);
    } else if (import->options->mode == CORRIE_IMPORT_CREATE) {
        r = lake_tx_write(import->tx, &write, &import->arena, &import->written, err);
    } else {
        r = import->options->in_place ? import_adopt(import, &write, err)
                                      : write_rows(import, &write, err);
    }
    if (r >= 0) {
        r = note_ledger(import, err);
    }
    return r < 0 ? r : publish(import, err);
}

/* ---- the job around it ---- */

static json_t *args_json(const struct import *import)
{
    static const char *const modes[] = {"create", "append", "replace"};
    json_t *args = json_object();
    json_t *uris = json_array();
    int r = 0;

    for (size_t i = 0; i < import->options->n_uris && uris; i++) {
        r |= json_array_append_new(uris, js_string(str_of(import->options->uris[i])));
    }
    r |= js_set_str(args, "namespace", import->ns);
    r |= js_set_str(args, "table", import->table.table);
    r |= js_set_str(args, "mode", str_of(modes[import->options->mode]));
    r |= js_set(args, "uris", uris);
    if (r != 0) {
        json_decref(args);
        return NULL;
    }
    return args;
}

static json_t *tables_json(const struct import *import)
{
    json_t *tables = json_array();
    json_t *item = json_object();
    int r;

    r = js_set_str(item, "namespace", import->ns);
    r |= js_set_str(item, "name", import->table.table);
    r |= js_set_int(item, "records", import->stands.records);
    r |= js_set_int(item, "rows_written", import->rows);
    r |= json_array_append_new(tables, item);
    if (r != 0) {
        json_decref(tables);
        return NULL;
    }
    return tables;
}

static int import_files(struct import *import, corrie_error *err)
{
    int r;

    if (import->external && import->exists && import_adds(import) && !import->before.managed) {
        corrie_fail(err, CORRIE_E_EXISTS, "the table exists");
        return corrie_hint(err, "--overwrite makes an external table anew");
    }
    if (import->metadata.len > 0) {
        return write_table(import, err);
    }
    r = import->planned ? 0 : import_describe(import, err);
    if (r < 0) {
        return r;
    }
    if (!import->planned && import->n_files == import->n_skipped + import->n_failed &&
        import->exists) {
        import->stands = import->before;
        return 0; /* nothing new: no commit */
    }
    return write_table(import, err);
}

int import_name(struct import *import, corrie_error *err)
{
    int r = lake_table_name(str_of(import->options->table), import->options->default_namespace,
                            &import->table, err);

    if (r < 0) {
        return r;
    }
    import->ns = import->table.ns;
    return 0;
}

static int begin_job(struct import *import, const struct job_spec *spec, corrie_error *err)
{
    int r =
        job_begin(lake_store(import->lake), lake_catalog(import->lake), spec, &import->job, err);

    if (r >= 0) {
        import_event(import, (corrie_event){.kind = "job", .text = job_id(import->job).data});
    }
    return r;
}

/* Finds the table, its branch and its job; what is wrong with the call is found before there is a job. */
static int begin(struct import *import, corrie_error *err)
{
    struct job_spec spec = {.kind = STR("import"), .user = lake_user(import->lake)};
    _json_ json_t *args = NULL;
    struct lake_view view;
    struct str branch;
    int r;

    r = import_name(import, err);
    if (r < 0) {
        return r;
    }
    r = lake_branch(import->lake, str_of(import->options->branch), &import->arena, &branch, err);
    if (r < 0 || (r = lake_view_at(import->lake, branch, &view, err)) < 0) {
        return r;
    }
    if (import->options->must_exist) {
        r = lake_table_get(&view, import->ns, import->table.table, &import->arena, &import->before,
                           err);
        if (r < 0) {
            return r;
        }
        import->exists = true;
    } else {
        r = lake_table_find(&view, import->ns, import->table.table, &import->arena, &import->before,
                            err);
        if (r < 0) {
            return r;
        }
        import->exists = r > 0;
    }
    args = args_json(import);
    if (!args) {
        return corrie_fail_memory(err);
    }
    spec.ref = branch;
    spec.commit_in = import->base = view.commit;
    spec.args = args;
    spec.cancel = lake_job_cancel(import->lake);
    r = import->job ? job_begin_again(import->job, &view.commit, err)
                    : begin_job(import, &spec, err);
    if (r < 0) {
        return r;
    }
    return lake_tx_begin(import->lake,
                         &(struct lake_tx_options){
                             .branch = branch, .base = &view.commit, .job = job_id(import->job)},
                         &import->tx, err);
}

/* Ends the record. The commit, or the failure, stands whatever becomes of the record: that it could not be written
 * is told, and fails nothing. */
static void end_job(struct import *import, corrie_error *failure)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct job_outcome outcome = {.error = failure,
                                  .commit_out = import->committed ? &import->commit : NULL,
                                  .nodes = import_files_json(import),
                                  .tables = failure ? NULL : tables_json(import)};

    if (job_end(import->job, &outcome, &err) < 0) {
        lake_notice(import->lake, "%s", corrie_error_message(&err));
    }
}

static int try_once(struct import *import, corrie_error *err)
{
    int r = begin(import, err);

    return r < 0 ? r : import_files(import, err);
}

/* What came of it: `r` is the code of the last try. */
static int finish(struct import *import, int r, char **ret_json, corrie_error *err)
{
    if (import->job) {
        end_job(import, r < 0 ? err : NULL);
    }
    if (r < 0) {
        return r;
    }
    if (!import->json) { /* nothing new: nothing was published */
        return import_answer(import, ret_json, err);
    }
    *ret_json = TAKE_PTR(import->json);
    return 0;
}

int import_once(struct import *import, char **ret_json, corrie_error *err)
{
    return finish(import, try_once(import, err), ret_json, err);
}

/* What came by standard input cannot be read again. */
static bool reads_files_alone(const struct import *import)
{
    for (size_t i = 0; i < import->n_files; i++) {
        if (import->files[i].standard_input) {
            return false;
        }
    }
    return true;
}

/* Whether others made the table since the import began, or changed it so that the new rows cannot be merged with that (its
 * small files became large ones, and how is not in its history any more): the rows belong into what it is now. */
static bool was_changed_meanwhile(const struct import *import, const corrie_error *failure)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    struct lake_table table;
    struct lake_view view;

    return failure->code == CORRIE_E_CONFLICT && import->tx &&
           import->options->mode == CORRIE_IMPORT_APPEND && reads_files_alone(import) &&
           lake_view_at(import->lake, lake_tx_branch(import->tx), &view, &ignored) >= 0 &&
           !hash_eq(&view.commit, &import->base) &&
           lake_table_find(&view, import->ns, import->table.table, &arena, &table, &ignored) > 0;
}

/* The next try is for the branch of this one, whatever is checked out by then. */
static bool pin_branch(corrie_import_options *options, const struct import *import,
                       struct arena *arena)
{
    options->branch = arena_text(arena, lake_tx_branch(import->tx));
    return options->branch != NULL;
}

int corrie_import(corrie_lake *lake, const corrie_import_options *options, char **ret_json,
                  corrie_error *err)
{
    corrie_import_options given = {.size = sizeof given};
    _cleanup_(job_freep) struct job *job = NULL; /* between two tries */
    _cleanup_(arena_done) struct arena arena = {0};
    bool again = true;
    int r = 0;

    memcpy(&given, options, options->size < sizeof given ? options->size : sizeof given);
    if (!given.table) {
        return corrie_fail(err, CORRIE_E_USAGE, "import: no table was named");
    }
    js_setup();
    for (unsigned i = 1; again; i++) {
        _cleanup_(import_done) struct import import = {
            .lake = lake, .options = &given, .job = TAKE_PTR(job)};

        r = try_once(&import, err);
        again = r < 0 && i < TRIES && was_changed_meanwhile(&import, err) &&
                pin_branch(&given, &import, &arena);
        if (again) {
            corrie_error_clear(err);
            import_event(&import,
                         (corrie_event){.kind = "notice",
                                        .text = "somebody else changed the table meanwhile: "
                                                "importing into what it is now"});
            job = TAKE_PTR(import.job);
        } else {
            r = finish(&import, r, ret_json, err);
        }
    }
    return r < 0 ? corrie_wrap(err, "import into %s", given.table) : 0;
}
