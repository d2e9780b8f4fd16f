/* sql.c — corrie_sql: a script, its transactions, and what is told of them.
 *
 * States of a script: idle → open (the first statement, or BEGIN) → idle (published, or rolled back). Unless it commits
 * each statement it is opened once and published at the end. Whatever fails leaves what was published before as it is,
 * and nothing of what was open. */
#include "dml/dml_priv.h"
#include "jobs/jobs.h"

enum { TRIES = 3, MESSAGE_BYTES = 200 };

/* One statement's place in the answer. */
struct told {
    enum statement_kind kind;
    struct dml_report report; /* text in the script's arena */
    bool committed;           /* by a commit of its own, or as the last of one */
    struct hash commit;
};

struct script {
    struct dml dml;
    struct arena arena; /* lives as long as the script */
    struct str branch;
    VEC(struct str) texts;
    VEC(struct told) told;
    struct str job;   /* its id; empty: it is none */
    struct hash base; /* the commit from which the job's first transaction starts */
    bool based;       /* it has been begun */
    bool moves;       /* some statement reads rows to write them */
    bool each;        /* a commit for each statement outside of BEGIN … COMMIT */
    size_t begin;     /* in a BEGIN block: the offset of BEGIN plus one; else 0 */
    size_t first;     /* the first statement of the open transaction */
    bool gave_rows;   /* somebody has seen results: the script is not begun again */
    bool published;
    struct hash last;
    char *json; /* the answer, made before the branch moves: nothing may fail after that */
};

static void clear_statement(struct dml *dml)
{
    for (size_t i = 0; i < dml->tables.count; i++) {
        metadata_free(dml->tables.items[i].metadata);
    }
    vec_done(&dml->tables);
    arena_done(&dml->arena);
}

static void script_done(struct script *script)
{
    clear_statement(&script->dml);
    lake_tx_free(script->dml.tx);
    job_free(script->dml.job);
    lake_workspace_done(&script->dml.work);
    vec_done(&script->texts);
    vec_done(&script->told);
    mem_free(script->json);
    arena_done(&script->arena);
}

/* ---- the answer ---- */

static json_t *told_json(const struct told *told)
{
    const struct dml_report *report = &told->report;
    _cleanup_(buf_done) struct buf name = {0};
    json_t *item = json_object();
    int r;

    r = js_set_str(item, "statement", str_of(statement_kind_name(told->kind)));
    buf_addf(&name, "%.*s.%.*s", STR_FMT(report->ns), STR_FMT(report->name));
    r |= js_set(item, "namespace", report->ns.len > 0 ? js_string(report->ns) : json_null());
    r |= js_set(item, "table", report->name.len > 0 ? js_string(buf_str(&name)) : json_null());
    r |= js_set_int(item, "rows_inserted", report->inserted);
    r |= js_set_int(item, "rows_updated", report->updated);
    r |= js_set_int(item, "rows_deleted", report->deleted);
    r |= js_set_int(item, "files_added", report->files_added);
    r |= js_set_int(item, "files_removed", report->files_removed);
    r |= js_set_int(item, "files_dropped", report->files_dropped);
    r |= js_set_int(item, "files_read", report->files_read);
    r |= js_set_int(item, "files_pruned", report->files_pruned);
    r |= js_set_hash(item, "commit", told->committed ? &told->commit : NULL);
    r |= js_set(item, "note", report->note ? json_string(report->note) : json_null());
    if (r != 0 || name.failed) {
        json_decref(item);
        return NULL;
    }
    return item;
}

static int make_answer(struct script *script, corrie_error *err)
{
    _json_ json_t *document = json_object();
    json_t *list = json_array();
    int r = 0;

    for (size_t i = 0; i < script->told.count && list; i++) {
        r |= json_array_append_new(list, told_json(&script->told.items[i]));
    }
    r |= js_set(document, "statements", list);
    r |= js_set_str(document, "branch", script->branch);
    r |= js_set_hash(document, "commit", script->published ? &script->last : NULL);
    r |= js_set(document, "job", script->job.len > 0 ? js_string(script->job) : json_null());
    r |= js_set_bool(document, "dry_run", script->dml.options->dry_run);
    if (r != 0) {
        return corrie_fail_memory(err);
    }
    mem_free(script->json);
    script->json = NULL;
    return js_give(TAKE_PTR(document), &script->json, err);
}

/* ---- transactions ---- */

static int open_transaction(struct script *script, corrie_error *err)
{
    struct lake_tx_options options = {.branch = script->branch, .job = script->job};
    int r;

    script->first = script->told.count;
    if (script->dml.tx) {
        return 0;
    }
    if (script->job.len > 0 && !script->based) {
        options.base = &script->base;
    }
    r = lake_tx_begin(script->dml.lake, &options, &script->dml.tx, err);
    script->based |= r >= 0;
    return r;
}

static int on_publish(void *data, const struct hash *commit, bool changed, corrie_error *err)
{
    struct script *script = data;
    bool published = script->published;
    struct hash last = script->last;
    int r;

    if (!changed) {
        return 0;
    }
    script->published = true;
    script->last = *commit;
    if (script->told.count > 0) {
        vec_last(&script->told).committed = true;
        vec_last(&script->told).commit = *commit;
    }
    r = make_answer(script, err);
    if (r < 0) {
        script->published = published;
        script->last = last;
    }
    return r;
}

/* The statements of the transaction on one line, cut. */
static int default_message(struct script *script, struct str *ret, corrie_error *err)
{
    size_t n = script->texts.count;
    struct str text = script->texts.items[script->first < n ? script->first : n - 1];
    size_t count = script->told.count - script->first;
    char *line = arena_text(&script->arena, str_slice(text, 0, MESSAGE_BYTES));
    size_t at = 0;

    if (!line) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; line[i]; i++) {
        bool space = line[i] == ' ' || (line[i] >= '\t' && line[i] <= '\r');

        if (!space || (at > 0 && line[at - 1] != ' ')) {
            line[at++] = space ? ' ' : line[i];
        }
    }
    line[at] = '\0';
    while (at > 0 && !str_is_utf8(str_make(line, at), NULL)) {
        line[--at] = '\0'; /* the cut went through a character */
    }
    if (count > 1) {
        line = arena_printf(&script->arena, "%s%s; … (%zu statements)", line,
                            text.len > at ? "…" : "", count);
    } else if (text.len > MESSAGE_BYTES) {
        line = arena_printf(&script->arena, "%s…", line);
    }
    *ret = str_of(line);
    return line ? 0 : corrie_fail_memory(err);
}

static int publish(struct script *script, corrie_error *err)
{
    struct dml *dml = &script->dml;
    struct lake_publish publish = {.message = str_of(dml->options->message),
                                   .accept_taint = dml->options->accept_taint,
                                   .ready = on_publish,
                                   .ready_data = script};
    struct hash commit;
    int r = 0;

    if (!dml->tx) {
        return 0;
    }
    if (!dml->options->dry_run) {
        if (publish.message.len == 0) {
            r = default_message(script, &publish.message, err);
        }
        r = r < 0 ? r : lake_tx_publish(dml->tx, &publish, &commit, err);
    }
    dml->tx = lake_tx_free(dml->tx);
    return r < 0 ? r : 0;
}

static int fail_here(struct script *script, const char *message, corrie_error *err)
{
    struct str text = script->dml.statement.text;

    corrie_fail(err, CORRIE_E_PROJECT, "%s", message);
    return corrie_error_at_offset(err, script->dml.file, script->dml.source,
                                  statement_offset(script->dml.source, text), text.len);
}

static int transact(struct script *script, corrie_error *err)
{
    struct dml *dml = &script->dml;

    if (dml->statement.kind == STATEMENT_BEGIN) {
        if (script->begin > 0) {
            return fail_here(script, "a transaction is open already", err);
        }
        script->begin = statement_offset(dml->source, dml->statement.text) + 1;
        return open_transaction(script, err);
    }
    if (script->begin == 0) {
        return fail_here(script, "no transaction was begun", err);
    }
    script->begin = 0;
    if (dml->statement.kind == STATEMENT_COMMIT) {
        return publish(script, err);
    }
    dml->tx = lake_tx_free(dml->tx);
    return 0;
}

/* ---- statements ---- */

static int execute(struct dml *dml, corrie_error *err)
{
    switch (dml->statement.kind) {
    case STATEMENT_QUERY:
        return dml_query(dml, err);
    case STATEMENT_INSERT:
        return dml_insert(dml, err);
    case STATEMENT_DELETE:
    case STATEMENT_UPDATE:
        return dml_change(dml, err);
    case STATEMENT_MERGE:
        return dml_merge(dml, err);
    case STATEMENT_CREATE_TABLE:
        return dml_create(dml, err);
    case STATEMENT_ALTER_TABLE:
        return dml_alter(dml, err);
    case STATEMENT_DROP_TABLE:
        return dml_drop(dml, err);
    default:
        return dml_namespaces(dml, err);
    }
}

static bool is_transaction(enum statement_kind kind)
{
    return kind == STATEMENT_BEGIN || kind == STATEMENT_COMMIT || kind == STATEMENT_ROLLBACK;
}

static int tell(struct script *script, corrie_error *err)
{
    struct dml *dml = &script->dml;
    struct told told = {.kind = dml->statement.kind, .report = dml->report};
    const struct sql_table *table = &dml->statement.table;

    if ((table->name.text.len > 0 || table->ns.text.len > 0) &&
        (arena_str(&script->arena,
                   table->ns.text.len > 0 ? table->ns.text : dml_namespace(dml, table),
                   &told.report.ns) < 0 ||
         arena_str(&script->arena, table->name.text, &told.report.name) < 0)) {
        return corrie_fail_memory(err);
    }
    return vec_push(&script->told, told) < 0 ? corrie_fail_memory(err) : 0;
}

static int run_statement(struct script *script, size_t index, corrie_error *err)
{
    struct dml *dml = &script->dml;
    int r;

    clear_statement(dml);
    dml->report = (struct dml_report){0};
    dml->index = index;
    r = statement_parse(dml->file, dml->source, script->texts.items[index], &dml->arena,
                        &dml->statement, err);
    if (r >= 0) {
        compose_begin(dml);
        r = cancel_check(lake_cancel(dml->lake), err);
    }
    if (r < 0) {
        return r;
    }
    if (is_transaction(dml->statement.kind)) {
        r = tell(script, err);
        return r < 0 ? r : transact(script, err);
    }
    if (!dml->tx) {
        r = open_transaction(script, err);
    }
    if (r >= 0) {
        r = execute(dml, err);
    }
    script->gave_rows |= dml->statement.kind == STATEMENT_QUERY;
    if (r >= 0) {
        r = tell(script, err);
    }
    return r >= 0 && script->each && script->begin == 0 ? publish(script, err) : r;
}

/* ---- the script ---- */

/* Takes it apart and looks at each statement: what is misspelt at the end stops it before the beginning. */
static int read_script(struct script *script, corrie_error *err)
{
    struct dml *dml = &script->dml;
    struct str rest = dml->source;
    struct str text;
    int r;

    while ((r = statement_next(dml->file, dml->source, &rest, &text, err)) > 0) {
        _cleanup_(arena_done) struct arena arena = {0};
        struct statement statement;

        if (script->texts.count >= CORRIE_MAX_SQL_STATEMENTS) {
            return corrie_fail(err, CORRIE_E_LIMIT, "more than %d statements at once",
                               CORRIE_MAX_SQL_STATEMENTS);
        }
        r = statement_parse(dml->file, dml->source, text, &arena, &statement, err);
        if (r < 0) {
            return r;
        }
        script->each |= is_transaction(statement.kind);
        script->moves |= dml_moves_rows(&statement);
        if (vec_push(&script->texts, text) < 0) {
            return corrie_fail_memory(err);
        }
    }
    if (r >= 0 && script->texts.count == 0) {
        return corrie_fail(err, CORRIE_E_PROJECT, "there is no statement");
    }
    return r;
}

static int begin_job(struct script *script, corrie_error *err)
{
    struct dml *dml = &script->dml;
    int r;

    if (!script->moves || dml->options->dry_run) {
        return 0;
    }
    r = dml_lease_begin(dml, script->branch, &script->base, err);
    return r < 0 || arena_str(&script->arena, job_id(dml->job), &script->job) >= 0
               ? r
               : corrie_fail_memory(err);
}

static int run_script(struct script *script, corrie_error *err)
{
    struct dml *dml = &script->dml;
    struct engine_options engine = {.name_space = dml->ns};
    int r;

    script->each = dml->options->autocommit;
    r = read_script(script, err);
    if (r < 0 ||
        (r = lake_branch(dml->lake, str_of(dml->options->branch), &script->arena, &script->branch,
                         err)) < 0 ||
        (r = lake_workspace_open(dml->lake, dml->options->memory, &engine, &dml->work, err)) < 0 ||
        (r = begin_job(script, err)) < 0) {
        return r;
    }
    for (size_t i = 0; r >= 0 && i < script->texts.count; i++) {
        r = run_statement(script, i, err);
    }
    if (r >= 0 && script->begin > 0) {
        corrie_fail(err, CORRIE_E_PROJECT, "this transaction is never committed");
        corrie_hint(err, "end it by COMMIT or ROLLBACK; nothing of it was kept");
        return corrie_error_at_offset(err, dml->file, dml->source, script->begin - 1, 5);
    }
    if (r >= 0) {
        r = publish(script, err);
    }
    return r;
}

/* Once. The answer is taken where it was made, before the branch moved. */
static int run_once(corrie_lake *lake, struct str source, const corrie_sql_options *options,
                    char **ret_json, bool *ret_again, corrie_error *err)
{
    _cleanup_(script_done) struct script script = {
        .dml = {.lake = lake,
                .options = options,
                .file = options->file,
                .source = source,
                .ns = lake_default_namespace(options->default_namespace)}};
    int r = run_script(&script, err);

    *ret_again = !script.gave_rows && !script.published;
    dml_lease_end(&script.dml, script.published ? &script.last : NULL, r < 0 ? err : NULL);
    if (r < 0) {
        return r;
    }
    if (!script.json || !vec_last(&script.told).committed) {
        r = make_answer(&script, err);
        if (r < 0) {
            return r;
        }
    }
    *ret_json = TAKE_PTR(script.json);
    clear_statement(&script.dml);
    lake_workspace_leave(&script.dml.work);
    return 0;
}

int corrie_sql(corrie_lake *lake, const char *sql, const corrie_sql_options *options,
               char **ret_json, corrie_error *err)
{
    corrie_sql_options given = {.size = sizeof given};
    struct str source = str_of(sql);
    bool again = false;
    int r;

    if (options) {
        memcpy(&given, options, options->size < sizeof given ? options->size : sizeof given);
    }
    js_setup();
    if (source.len > CORRIE_MAX_SQL) {
        return corrie_fail(err, CORRIE_E_LIMIT, "the text is longer than %zu MiB",
                           (size_t)(CORRIE_MAX_SQL / CORRIE_MiB));
    }
    for (unsigned i = 1;; i++) {
        r = run_once(lake, source, &given, ret_json, &again, err);
        if (r != CORRIE_E_CONFLICT || !again || i == TRIES) {
            return r;
        }
        corrie_error_clear(err);
        lake_notice(lake, "the branch was changed meanwhile: doing it again, on what it is now");
    }
}
