/* import.c — corrie_import: files to rows of one table, in one commit. */
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "ingest/ingest.h"
#include "jobs/jobs.h"
#include "lake/lake.h"
#include "lake/tx.h"
#include "lang/name.h"

enum { TRIES = 3 }; /* a table may be made, removed and made again while files are read */

/* One import under way. */
struct import {
    struct lake *lake;
    const corrie_import_options *options;
    struct arena arena;
    struct table_name table;
    struct str ns;
    struct lake_workspace work;
    struct job *job;
    struct lake_tx *tx;
    bool exists; /* the table, before */
    bool created_namespace;
    struct lake_table before; /* if it exists */
    struct ingest_file *files;
    size_t n_files;
    size_t n_skipped;
    struct schema schema; /* of the table: as it is, or as the files together make it */
    struct lake_written written;
    struct hash commit;
    bool committed;
    /* What counts of it, when others imported the same files meanwhile: look_at_what_came. */
    struct lake_table stands;
    int64_t rows;
    int64_t bytes;
    char *json; /* the answer, made before the branch moves: nothing may fail after that */
};

static void import_done(struct import *import)
{
    mem_free(import->json);
    lake_workspace_done(&import->work);
    lake_tx_free(import->tx);
    job_free(import->job);
    arena_done(&import->arena);
}

/* Tells the caller, and the job's log once there is a job. */
static void import_event(struct import *import, corrie_event event)
{
    event.size = sizeof event;
    event.time_ns = clock_now();
    event.rows = event.bytes = -1;
    lake_event(import->lake, &event);
    if (import->job) {
        job_log(import->job, &event);
    }
}

/* ---- options ---- */

static int find_format(const char *name, enum engine_format *ret, corrie_error *err)
{
    static const struct {
        const char *name;
        enum engine_format format;
    } formats[] = {{"parquet", ENGINE_FORMAT_PARQUET},
                   {"csv", ENGINE_FORMAT_CSV},
                   {"tsv", ENGINE_FORMAT_CSV},
                   {"json", ENGINE_FORMAT_JSON},
                   {"jsonl", ENGINE_FORMAT_JSONL}};

    *ret = ENGINE_FORMAT_AUTO;
    for (size_t i = 0; name && i < ARRAY_LEN(formats); i++) {
        if (strcmp(name, formats[i].name) == 0) {
            *ret = formats[i].format;
            return 0;
        }
    }
    if (name) {
        return corrie_fail(err, CORRIE_E_USAGE,
                           "unknown format %s: parquet, csv, tsv, json or jsonl", name);
    }
    return 0;
}

static int source_options(struct import *import, struct engine_source_options *ret,
                          corrie_error *err)
{
    const corrie_import_options *o = import->options;
    struct str *nulls = arena_array(&import->arena, struct str, o->n_nulls);

    if (!nulls) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < o->n_nulls; i++) {
        nulls[i] = str_of(o->nulls[i]);
    }
    *ret = (struct engine_source_options){.delimiter = str_of(o->delimiter),
                                          .quote = str_of(o->quote),
                                          .nulls = nulls,
                                          .n_nulls = o->n_nulls,
                                          .date_format = str_of(o->date_format),
                                          .columns = str_of(o->columns)};
    if (o->format && strcmp(o->format, "tsv") == 0 && ret->delimiter.len == 0) {
        ret->delimiter = STR("\t");
    }
    if (o->header) {
        bool on = strcmp(o->header, "on") == 0;

        if (!on && strcmp(o->header, "off") != 0) {
            return corrie_fail(err, CORRIE_E_USAGE, "--header is on or off, not %s", o->header);
        }
        ret->header = on ? ENGINE_ON : ENGINE_OFF;
    }
    return find_format(o->format, &ret->format, err);
}

/* ---- which files, what is in them ---- */

/* Rows are added to a table that exists: then it says what its columns are, and its ledger what it has. */
static bool adds_to_table(const struct import *import)
{
    return import->exists && import->options->mode == CORRIE_IMPORT_APPEND;
}

/* Whether the ledger has the file with the same content; settles file->sha256 where the dates alone do not. */
static int check_ledger(struct import *import, struct ingest_file *file, corrie_error *err)
{
    struct lake_view view = lake_tx_view(import->tx);
    struct ledger_entry entry;
    int r;

    if (!adds_to_table(import) || import->options->duplicate_files) {
        return 0;
    }
    r = lake_ledger_find(&view, &import->before.id, file->url, &import->arena, &entry, err);
    if (r <= 0) {
        return r;
    }
    if (str_eq(entry.version, file->version)) {
        file->skip = true;
        return 0;
    }
    r = ingest_hash(file->path, lake_cancel(import->lake), &file->sha256, err);
    file->skip = r >= 0 && hash_eq(&file->sha256, &entry.sha256);
    return r;
}

static int describe_files(struct import *import, corrie_error *err)
{
    struct engine_source_options options;
    int r;

    r = source_options(import, &options, err);
    if (r >= 0) {
        r = ingest_list(import->options->uris, import->options->n_uris, &import->arena,
                        &import->files, &import->n_files, err);
    }
    for (size_t i = 0; r >= 0 && i < import->n_files; i++) {
        struct ingest_file *file = &import->files[i];

        r = check_ledger(import, file, err);
        if (r >= 0 && file->skip) {
            import->n_skipped++;
        } else if (r >= 0) {
            if (!import->work.engine) {
                r = lake_workspace_open(import->lake, import->options->memory,
                                        &(struct engine_options){0}, &import->work, err);
            }
            if (r >= 0) {
                r = engine_describe(import->work.engine, file->path, &options, &import->arena,
                                    &file->source, err);
            }
        }
    }
    if (r >= 0 && !adds_to_table(import)) {
        r = ingest_schema(import->files, import->n_files, &import->arena, &import->schema, err);
    }
    return r;
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

static int write_rows(struct import *import, struct lake_write *write, corrie_error *err)
{
    struct str *selects = arena_array(&import->arena, struct str, import->n_files);
    struct str *origins = arena_array(&import->arena, struct str, import->n_files);
    struct schema target;
    size_t n = 0;
    int r;

    if (!selects || !origins) {
        return corrie_fail_memory(err);
    }
    if (adds_to_table(import)) {
        write->schema = NULL; /* engine_source_select says of each file whether it fits */
    }
    r = lake_tx_target(import->tx, write, &import->arena, &target, err);
    for (size_t i = 0; r >= 0 && i < import->n_files; i++) {
        if (!import->files[i].skip) {
            origins[n] = import->files[i].path;
            r = engine_source_select(import->work.engine, &import->files[i].source, &target, 0, -1,
                                     &import->arena, &selects[n++], err);
        }
    }
    if (r < 0) {
        return r;
    }
    import->schema = target;
    write->engine = import->work.engine;
    write->selects = selects;
    write->origins = origins;
    write->n_selects = n;
    return lake_tx_write(import->tx, write, &import->arena, &import->written, err);
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
    if (import->exists && !adds_to_table(import)) {
        r = lake_tx_ledger_clear(import->tx, &import->before.id, err);
    }
    if (import->options->mode == CORRIE_IMPORT_CREATE) {
        return r;
    }
    for (size_t i = 0; r >= 0 && i < import->n_files; i++) {
        if (!import->files[i].skip) {
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

        if (file->skip) {
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

/* ---- the answer ---- */

static json_t *files_json(const struct import *import)
{
    json_t *files = json_array();
    bool has_rows = import->written.selects && import->options->mode != CORRIE_IMPORT_CREATE;
    size_t select = 0;
    int r = 0;

    for (size_t i = 0; i < import->n_files && files; i++) {
        const struct ingest_file *file = &import->files[i];
        const struct written_files *written =
            file->skip || !has_rows ? NULL : &import->written.selects[select++];
        bool came = written && !file->beaten;
        json_t *item = json_object();

        r |= js_set_str(item, "uri", file->url);
        r |= js_set_str(item, "status",
                        came                         ? STR("imported")
                        : file->skip || file->beaten ? STR("skipped")
                                                     : STR("read"));
        r |= js_set_int(item, "rows", came ? written->rows : 0);
        r |= js_set_int(item, "bytes", file->size);
        if (!file->skip && file->source.format == ENGINE_FORMAT_CSV) {
            json_t *sniffed = json_object();

            r |= js_set_str(sniffed, "delimiter", file->source.delimiter);
            r |= js_set_str(sniffed, "quote", file->source.quote);
            r |= js_set_bool(sniffed, "header", file->source.header);
            r |= js_set(item, "sniffed", sniffed);
        }
        r |= json_array_append_new(files, item);
    }
    if (r != 0) {
        json_decref(files);
        return NULL;
    }
    return files;
}

static int give_result(const struct import *import, char **ret_json, corrie_error *err)
{
    _json_ json_t *document = json_object();
    json_t *schema = json_array();
    int r = 0;

    for (size_t i = 0; i < import->schema.n_fields && schema; i++) {
        _cleanup_(buf_done) struct buf type = {0};
        json_t *item = json_object();

        type_print(&import->schema.fields[i].type, &type);
        r |= js_set_str(item, "name", import->schema.fields[i].name);
        r |= js_set_str(item, "type", buf_str(&type));
        r |= json_array_append_new(schema, item);
    }
    r |= js_set_str(document, "namespace", import->ns);
    r |= js_set_str(document, "table", import->table.table);
    r |= js_set_str(document, "branch", lake_tx_branch(import->tx));
    r |= js_set_hash(document, "commit", import->committed ? &import->commit : NULL);
    r |= js_set_str(document, "job", job_id(import->job));
    r |= js_set_bool(document, "created_table", import->written.created);
    r |= js_set_bool(document, "created_namespace", import->created_namespace);
    r |= js_set_int(document, "rows", import->rows);
    r |= js_set_int(document, "bytes", import->bytes);
    r |= js_set(document, "files", files_json(import));
    r |= js_set(document, "schema", schema);
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}

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
    return r < 0 ? r : give_result(import, &import->json, err);
}

static int publish(struct import *import, corrie_error *err)
{
    struct lake_publish publish = {0};
    char *message;
    int r;

    if (import->options->mode == CORRIE_IMPORT_CREATE) {
        message = arena_printf(&import->arena, "Create table %.*s.%.*s", STR_FMT(import->ns),
                               STR_FMT(import->table.table));
    } else {
        message =
            arena_printf(&import->arena, "Import %lld row%s from %zu file%s into %.*s.%.*s",
                         (long long)import->written.rows, import->written.rows == 1 ? "" : "s",
                         import->n_files - import->n_skipped,
                         import->n_files - import->n_skipped == 1 ? "" : "s", STR_FMT(import->ns),
                         STR_FMT(import->table.table));
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
                               .schema = &import->schema};
    int r;

    r = lake_tx_namespace(import->tx, import->ns, err);
    if (r < 0) {
        return r;
    }
    import->created_namespace = r > 0;
    if (import->options->mode == CORRIE_IMPORT_CREATE) {
        r = lake_tx_write(import->tx, &write, &import->arena, &import->written, err);
    } else {
        r = write_rows(import, &write, err);
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

    r = describe_files(import, err);
    if (r < 0) {
        return r;
    }
    if (import->n_files == import->n_skipped && import->exists) {
        import->stands = import->before;
        return 0; /* nothing new: no commit */
    }
    return write_table(import, err);
}

/* Finds the table, its branch and its job; what is wrong with the call is found before there is a job. */
static int begin(struct import *import, corrie_error *err)
{
    struct job_spec spec = {.kind = STR("import"), .user = lake_user(import->lake)};
    _json_ json_t *args = NULL;
    struct lake_view view;
    struct str branch;
    int r;

    r = table_name_parse(str_of(import->options->table), &import->table, err);
    if (r < 0) {
        return r;
    }
    import->ns =
        import->table.ns.len ? import->table.ns : str_of(import->options->default_namespace);
    if (import->ns.len == 0) {
        import->ns = STR("public");
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
    spec.commit_in = view.commit;
    spec.args = args;
    r = job_begin(lake_store(import->lake), lake_catalog(import->lake), &spec, &import->job, err);
    if (r < 0) {
        return r;
    }
    import_event(import, (corrie_event){.kind = "job", .text = job_id(import->job).data});
    return lake_tx_begin(import->lake,
                         &(struct lake_tx_options){
                             .branch = branch, .base = &view.commit, .job = job_id(import->job)},
                         &import->tx, err);
}

/* Ends the record. The commit, or the failure, stands whatever becomes of the record: that it could not be written
 * is told, and fails nothing. */
static void end_job(struct import *import, const corrie_error *failure)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct job_outcome outcome = {.error = failure,
                                  .commit_out = import->committed ? &import->commit : NULL,
                                  .nodes = files_json(import),
                                  .tables = failure ? NULL : tables_json(import)};

    if (job_end(import->job, &outcome, &err) < 0) {
        lake_notice(import->lake, "%s", corrie_error_message(&err));
    }
}

static int import_once(struct import *import, char **ret_json, corrie_error *err)
{
    int r = begin(import, err);

    if (r >= 0) {
        r = import_files(import, err);
    }
    if (import->job) {
        end_job(import, r < 0 ? err : NULL);
    }
    if (r < 0) {
        return r;
    }
    if (!import->json) { /* nothing new: nothing was published */
        return give_result(import, ret_json, err);
    }
    *ret_json = TAKE_PTR(import->json);
    return 0;
}

/* Whether the table was not there when the import began and is now: others made it, and the rows belong into theirs. */
static bool was_made_meanwhile(const struct import *import, const corrie_error *failure)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    struct lake_table table;
    struct lake_view view;

    return failure->code == CORRIE_E_CONFLICT && import->tx && !import->exists &&
           import->options->mode == CORRIE_IMPORT_APPEND &&
           lake_view_at(import->lake, lake_tx_branch(import->tx), &view, &ignored) >= 0 &&
           lake_table_find(&view, import->ns, import->table.table, &arena, &table, &ignored) > 0;
}

int corrie_import(corrie_lake *lake, const corrie_import_options *options, char **ret_json,
                  corrie_error *err)
{
    corrie_import_options given = {.size = sizeof given};
    int r;

    memcpy(&given, options, options->size < sizeof given ? options->size : sizeof given);
    if (!given.table) {
        return corrie_fail(err, CORRIE_E_USAGE, "import: no table was named");
    }
    js_setup();
    for (unsigned i = 1;; i++) {
        _cleanup_(import_done) struct import import = {.lake = lake, .options = &given};

        r = import_once(&import, ret_json, err);
        if (r >= 0 || i == TRIES || !was_made_meanwhile(&import, err)) {
            break;
        }
        corrie_error_clear(err);
        lake_notice(lake, "somebody else made %s meanwhile: importing into that table",
                    given.table);
    }
    return r < 0 ? corrie_wrap(err, "import into %s", given.table) : 0;
}
