/* verb_table.c — tables: what there is, how it came to be, removing, renaming, going back. */
#include "cli/cli.h"

int verb_table_ls(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"NAMESPACE", "namespace", SHOW_TEXT}, {"NAME", "name", SHOW_TEXT},
        {"KIND", "kind", SHOW_TEXT},           {"RECORDS", "records", SHOW_NUMBER},
        {"BYTES", "bytes", SHOW_NUMBER},       {"FILES", "files", SHOW_NUMBER},
    };
    static const struct list list = {.field = "tables",
                                     .columns = columns,
                                     .n_columns = ARRAY_LEN(columns),
                                     .nothing = "there are no tables"};
    corrie_cursor *cursor;
    corrie_lake *lake;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r >= 0) {
        r = corrie_table_list_open(lake, args_text(args, OPT_REF), args_text(args, OPT_NAMESPACE),
                                   &cursor, err);
    }
    return r < 0 ? r : list_show(cli, cursor, &list, err);
}

/* "made by a job of which inputs are others now" */
static void say_stale(struct cli *cli, const json_t *made_by)
{
    const json_t *inputs = json_object_get(made_by, "inputs");
    const json_t *input;
    size_t i;

    if (json_array_size(inputs) == 0) {
        return;
    }
    out_styled(&cli->out, STYLE_YELLOW, "stale");
    out_text(&cli->out, ": made of what is another now: ");
    json_array_foreach(inputs, i, input)
    {
        out_text(&cli->out, i > 0 ? ", " : "");
        out_clean(&cli->out, show_field(input, "name"));
        out_text(&cli->out, json_is_string(json_object_get(input, "now")) ? "" : " (gone)");
    }
    out_char(&cli->out, '\n');
}

static int print_table(struct cli *cli, const json_t *document, corrie_error *err)
{
    static const struct show_column pairs[] = {
        {"namespace", "namespace", SHOW_TEXT},
        {"table", "name", SHOW_TEXT},
        {"kind", "kind", SHOW_TEXT},
        {"ref", "ref", SHOW_TEXT},
        {"commit", "commit", SHOW_HASH},
        {"records", "records", SHOW_NUMBER},
        {"bytes", "bytes", SHOW_NUMBER},
        {"files", "files", SHOW_NUMBER},
        {"partitioned by", "partitioned_by", SHOW_TEXT},
        {"last updated", "last_updated", SHOW_TIME},
        {"metadata", "metadata_location", SHOW_TEXT},
        {"source", "source", SHOW_TEXT},
    };
    static const struct show_column columns[] = {{"NAME", "name", SHOW_TEXT},
                                                 {"REQUIRED", "required", SHOW_TEXT},
                                                 {"TYPE", "type", SHOW_TEXT}};

    show_pairs(cli, document, pairs, ARRAY_LEN(pairs));
    say_stale(cli, json_object_get(document, "made_by"));
    out_char(&cli->out, '\n');
    return show_table(cli, json_object_get(document, "fields"), columns, ARRAY_LEN(columns), err);
}

int verb_table_get(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {{"", "id", SHOW_NUMBER},
                                                 {"", "name", SHOW_TEXT},
                                                 {"", "required", SHOW_TEXT},
                                                 {"", "type", SHOW_TEXT}};
    static const struct show show = {.list = "fields",
                                     .columns = columns,
                                     .n_columns = ARRAY_LEN(columns),
                                     .print = print_table};
    corrie_lake *lake;
    char *text;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r >= 0) {
        r = corrie_table_get(lake, args_text(args, OPT_REF), args_text(args, OPT_NAME),
                             cli_namespace(cli, args), &text, err);
    }
    return r < 0 ? r : show_document(cli, text, &show, err);
}

/* ---- files ---- */

/* "day=2026-01-02, shop=null" */
static void add_partition(struct buf *out, const json_t *partition)
{
    const char *name;
    const json_t *value;
    bool first = true;

    json_object_foreach((json_t *)partition, name, value)
    {
        buf_addf(out, "%s%s=%s", first ? "" : ", ", name,
                 json_is_string(value) ? json_string_value(value) : "null");
        first = false;
    }
}

static int print_files(struct cli *cli, const json_t *document, corrie_error *err)
{
    static const struct show_column columns[] = {{"PATH", "path", SHOW_TEXT},
                                                 {"CONTENT", "content", SHOW_TEXT},
                                                 {"PARTITION", "partition", SHOW_TEXT},
                                                 {"RECORDS", "records", SHOW_NUMBER},
                                                 {"BYTES", "bytes", SHOW_NUMBER},
                                                 {"ROW GROUPS", "row_groups", SHOW_NUMBER},
                                                 {"DELETES", "delete_files", SHOW_NUMBER}};
    json_t *files = json_object_get(document, "files");
    json_t *item;
    size_t i;

    json_array_foreach(files, i, item)
    {
        _cleanup_(buf_done) struct buf text = {0};

        add_partition(&text, json_object_get(item, "partition"));
        if (text.failed || json_object_set_new(item, "partition", js_string(buf_str(&text))) != 0) {
            return corrie_fail_memory(err);
        }
    }
    return show_table(cli, files, columns, ARRAY_LEN(columns), err);
}

int verb_table_files(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"", "path", SHOW_TEXT},         {"", "content", SHOW_TEXT},
        {"", "records", SHOW_NUMBER},    {"", "bytes", SHOW_NUMBER},
        {"", "spec_id", SHOW_NUMBER},    {"", "snapshot_id", SHOW_TEXT},
        {"", "row_groups", SHOW_NUMBER}, {"", "delete_files", SHOW_NUMBER},
    };
    static const struct show show = {.list = "files",
                                     .columns = columns,
                                     .n_columns = ARRAY_LEN(columns),
                                     .nothing = "the table has no files",
                                     .print = print_files};
    corrie_lake *lake;
    char *text;
    int r = cli_lake(cli, &lake, err);

    if (r >= 0) {
        r = corrie_table_files(lake, args_text(args, OPT_REF), args_text(args, OPT_NAME),
                               cli_namespace(cli, args), &text, err);
    }
    return r < 0 ? r : show_document(cli, text, &show, err);
}

/* ---- history ---- */

int verb_table_history(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"COMMIT", "commit", SHOW_HASH}, {"CHANGE", "change", SHOW_TEXT},
        {"NAME", "name", SHOW_TEXT},     {"TIME", "time", SHOW_TIME},
        {"AUTHOR", "author", SHOW_TEXT}, {"RECORDS", "records", SHOW_NUMBER},
        {"BYTES", "bytes", SHOW_NUMBER}, {"FILES", "files", SHOW_NUMBER},
        {"JOB", "job", SHOW_ID},         {"MESSAGE", "message", SHOW_LINE},
    };
    static const struct show show = {
        .list = "versions", .columns = columns, .n_columns = ARRAY_LEN(columns)};
    _json_ json_t *document = NULL;
    corrie_lake *lake;
    char *text;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r >= 0) {
        r = corrie_table_history(lake, args_text(args, OPT_REF), args_text(args, OPT_NAME),
                                 cli_namespace(cli, args),
                                 (size_t)args_number(args, OPT_MAX_COUNT, 10), &text, err);
    }
    if (r < 0) {
        return r;
    }
    if (format_is_for_people(cli->format) &&
        js_parse(str_of(text), "the history", &document, err) < 0) {
        corrie_free(text);
        return err->code;
    }
    r = show_document(cli, text, &show, err);
    if (r >= 0 && json_is_true(json_object_get(document, "more"))) {
        if (!pager_is_used(&cli->pager, &cli->out)) {
            out_flush(&cli->out);
        }
        cli_note(cli, STYLE_CYAN, "note", STR("there are older versions: --max-count 0 shows all"));
    }
    return r;
}

/* ---- changing tables as wholes ---- */

static corrie_table_options table_options(const struct cli *cli, const struct args *args)
{
    return (corrie_table_options){.size = sizeof(corrie_table_options),
                                  .branch = args_text(args, OPT_BRANCH),
                                  .default_namespace = cli_namespace(cli, args),
                                  .message = args_text(args, OPT_MESSAGE),
                                  .if_exists = args_on(args, OPT_IF_EXISTS),
                                  .accept_taint = args_on(args, OPT_ACCEPT_TAINT),
                                  .allow_torn = args_on(args, OPT_ALLOW_TORN)};
}

static int print_deleted(struct cli *cli, const json_t *document, corrie_error *err)
{
    (void)err;
    if (!json_is_string(json_object_get(document, "commit"))) {
        cli_note(cli, STYLE_CYAN, "note", STR("there is no such table"));
        return 0;
    }
    out_text(&cli->out, "removed the table ");
    out_clean(&cli->out, show_field(document, "name"));
    show_restore(cli, document);
    return 0;
}

int verb_table_rm(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"", "name", SHOW_TEXT}, {"", "commit", SHOW_HASH}, {"", "restore", SHOW_TEXT}};
    static const struct show show = {
        .columns = columns, .n_columns = ARRAY_LEN(columns), .print = print_deleted};
    corrie_table_options options = table_options(cli, args);
    _cleanup_(buf_done) struct buf question = {0};
    corrie_lake *lake;
    char *text;
    int r;

    buf_addf(&question, "Remove the table %s%s%s?", args_text(args, OPT_NAME),
             options.branch ? " from " : "", options.branch ? options.branch : "");
    r = cli_lake(cli, &lake, err);
    if (r < 0 || (r = cli_confirm(cli, buf_text(&question), err)) < 0) {
        return r;
    }
    r = corrie_table_delete(lake, args_text(args, OPT_NAME), &options, &text, err);
    return r < 0 ? r : show_document(cli, text, &show, err);
}

static int print_table_renamed(struct cli *cli, const json_t *document, corrie_error *err)
{
    (void)err;
    out_text(&cli->out, "renamed the table ");
    out_clean(&cli->out, show_field(document, "previous_name"));
    out_text(&cli->out, " to ");
    out_clean(&cli->out, show_field(document, "name"));
    out_text(&cli->out, ": ");
    show_hash(cli, document, "commit");
    out_char(&cli->out, '\n');
    return 0;
}

int verb_table_rename(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"", "name", SHOW_TEXT}, {"", "previous_name", SHOW_TEXT}, {"", "commit", SHOW_HASH}};
    static const struct show show = {
        .columns = columns, .n_columns = ARRAY_LEN(columns), .print = print_table_renamed};
    corrie_table_options options = table_options(cli, args);
    corrie_lake *lake;
    char *text;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r >= 0) {
        r = corrie_table_rename(lake, args_text(args, OPT_NAME), args_text(args, OPT_NEW_NAME),
                                &options, &text, err);
    }
    return r < 0 ? r : show_document(cli, text, &show, err);
}

static int print_table_reverted(struct cli *cli, const json_t *document, corrie_error *err)
{
    long long records;

    (void)err;
    out_clean(&cli->out, show_field(document, "name"));
    if (!json_is_true(json_object_get(document, "changed"))) {
        out_text(&cli->out, " is as it was there already\n");
        return 0;
    }
    records = (long long)json_integer_value(json_object_get(document, "records"));
    out_printf(&cli->out, " is as it was, with %lld record%s: ", records, records == 1 ? "" : "s");
    show_hash(cli, document, "commit");
    out_char(&cli->out, '\n');
    return 0;
}

int verb_table_revert(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {{"", "name", SHOW_TEXT},
                                                 {"", "commit", SHOW_HASH},
                                                 {"", "previous", SHOW_HASH},
                                                 {"", "records", SHOW_NUMBER},
                                                 {"", "changed", SHOW_TEXT}};
    static const struct show show = {
        .columns = columns, .n_columns = ARRAY_LEN(columns), .print = print_table_reverted};
    corrie_table_options options = table_options(cli, args);
    corrie_lake *lake;
    char *text;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r >= 0) {
        r = corrie_table_revert(lake, args_text(args, OPT_NAME), args_text(args, OPT_OTHER_REF),
                                &options, &text, err);
    }
    return r < 0 ? r : show_document(cli, text, &show, err);
}
