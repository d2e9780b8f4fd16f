/* verb_lake.c — version, info, log, diff, namespaces, fsck. */
#include <string.h>

#include "cli/cli.h"

/* ---- start ---- */

int verb_version(struct cli *cli, const struct args *args, corrie_error *err)
{
    (void)args;
    (void)err;
    if (cli->format == FORMAT_JSON || cli->format == FORMAT_JSONL) {
        out_printf(&cli->out, "{\"version\":\"%s\"}\n", corrie_version());
    } else if (cli->format == FORMAT_CSV) {
        out_printf(&cli->out, "version\n%s\n", corrie_version());
    } else if (strcmp(cli->program, "corrie") == 0) {
        out_printf(&cli->out, "corrie %s\n", corrie_version());
    } else {
        out_printf(&cli->out, "%s (corrie %s)\n", cli->program, corrie_version());
    }
    return 0;
}

int verb_info(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column pairs[] = {
        {"lake", "root", SHOW_TEXT},       {"id", "id", SHOW_TEXT},
        {"format", "format", SHOW_NUMBER}, {"catalog", "catalog", SHOW_TEXT},
        {"shared", "shared", SHOW_TEXT},   {"checked out", "ref", SHOW_TEXT},
        {"user", "user", SHOW_TEXT},       {"user from", "user_from", SHOW_TEXT},
        {"version", "version", SHOW_TEXT},
    };
    static const struct show show = {.columns = pairs, .n_columns = ARRAY_LEN(pairs)};
    corrie_lake *lake;
    char *text;
    int r;

    (void)args;
    r = cli_lake(cli, &lake, err);
    if (r < 0 || (r = corrie_lake_info(lake, &text, err)) < 0) {
        return r;
    }
    return show_document(cli, text, &show, err);
}

/* ---- history ---- */

int verb_log(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"COMMIT", "commit", SHOW_HASH},   {"TIME", "time", SHOW_TIME},
        {"AUTHOR", "author", SHOW_TEXT},   {"JOB", "job", SHOW_ID},
        {"MESSAGE", "message", SHOW_LINE},
    };
    static const struct show show = {
        .list = "commits", .columns = columns, .n_columns = ARRAY_LEN(columns)};
    corrie_log_options options = {.size = sizeof options,
                                  .max = (size_t)args_number(args, OPT_MAX_COUNT, 10)};
    _json_ json_t *document = NULL;
    corrie_lake *lake;
    char *text;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r >= 0) {
        r = corrie_log(lake, args_text(args, OPT_REF), &options, &text, err);
    }
    if (r < 0) {
        return r;
    }
    if (format_is_for_people(cli->format) &&
        js_parse(str_of(text), "the log", &document, err) < 0) {
        corrie_free(text);
        return err->code;
    }
    r = show_document(cli, text, &show, err);
    if (r >= 0 && document && json_is_true(json_object_get(document, "more"))) {
        out_flush(&cli->out);
        cli_note(cli, STYLE_CYAN, "note", STR("there are older commits: --max-count 0 shows all"));
    }
    return r;
}

int show_changes(struct cli *cli, const json_t *changes, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"CHANGE", "change", SHOW_TEXT},
        {"KIND", "kind", SHOW_TEXT},
        {"NAME", "name", SHOW_TEXT},
        {"RECORDS BEFORE", "records_before", SHOW_NUMBER},
        {"AFTER", "records_after", SHOW_NUMBER},
    };
    _json_ json_t *shown = json_array();
    int r = shown ? 0 : CORRIE_E_NO_MEMORY;

    for (size_t i = 0; r == 0 && i < json_array_size(changes); i++) {
        json_t *change = json_array_get(changes, i);

        if (!str_eq(show_field(change, "kind"), STR("ledger"))) {
            r = json_array_append(shown, change);
        }
    }
    if (r != 0) {
        return corrie_fail_memory(err);
    }
    return json_array_size(shown) > 0 ? show_table(cli, shown, columns, ARRAY_LEN(columns), err)
                                      : 0;
}

static int print_changes(struct cli *cli, const json_t *document, corrie_error *err)
{
    const json_t *changes = json_object_get(document, "changes");

    if (json_array_size(changes) == 0) {
        cli_note(cli, STYLE_CYAN, "note", STR("nothing differs"));
    }
    return show_changes(cli, changes, err);
}

static const struct show_column change_columns[] = {
    {"", "change", SHOW_TEXT},
    {"", "kind", SHOW_TEXT},
    {"", "name", SHOW_TEXT},
    {"", "records_before", SHOW_NUMBER},
    {"", "records_after", SHOW_NUMBER},
    {"", "bytes_before", SHOW_NUMBER},
    {"", "bytes_after", SHOW_NUMBER},
    {"", "files_before", SHOW_NUMBER},
    {"", "files_after", SHOW_NUMBER},
};

int verb_diff(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show show = {.list = "changes",
                                     .columns = change_columns,
                                     .n_columns = ARRAY_LEN(change_columns),
                                     .print = print_changes};
    corrie_lake *lake;
    char *text;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r >= 0) {
        r = corrie_diff(lake, args_text(args, OPT_REF), args_text(args, OPT_OTHER_REF), NULL, &text,
                        err);
    }
    return r < 0 ? r : show_document(cli, text, &show, err);
}

/* ---- namespaces ---- */

int verb_namespace_ls(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {{"NAME", "name", SHOW_TEXT}};
    static const struct show show = {.list = "namespaces",
                                     .columns = columns,
                                     .n_columns = ARRAY_LEN(columns),
                                     .nothing = "there are no namespaces"};
    corrie_lake *lake;
    char *text;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r < 0 || (r = corrie_namespace_list(lake, args_text(args, OPT_REF), &text, err)) < 0) {
        return r;
    }
    return show_document(cli, text, &show, err);
}

static int print_namespace(struct cli *cli, const json_t *document, corrie_error *err)
{
    (void)err;
    out_text(&cli->out, json_is_true(json_object_get(document, "created"))
                            ? "made the namespace "
                            : "there is already the namespace ");
    out_clean(&cli->out, show_field(document, "name"));
    out_char(&cli->out, '\n');
    return 0;
}

int verb_namespace_create(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"", "name", SHOW_TEXT}, {"", "created", SHOW_TEXT}, {"", "commit", SHOW_HASH}};
    static const struct show show = {
        .columns = columns, .n_columns = ARRAY_LEN(columns), .print = print_namespace};
    corrie_lake *lake;
    char *text;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r >= 0) {
        r = corrie_namespace_create(lake, args_text(args, OPT_NAMESPACE),
                                    args_text(args, OPT_BRANCH), args_on(args, OPT_IF_NOT_EXISTS),
                                    &text, err);
    }
    return r < 0 ? r : show_document(cli, text, &show, err);
}

/* ---- care ---- */

static int print_fsck(struct cli *cli, const json_t *document, corrie_error *err)
{
    static const struct show_column columns[] = {{"WHERE", "where", SHOW_TEXT},
                                                 {"WHAT", "what", SHOW_TEXT}};
    static const struct show_column counts[] = {
        {"refs", "refs", SHOW_NUMBER},     {"commits", "commits", SHOW_NUMBER},
        {"tables", "tables", SHOW_NUMBER}, {"files", "files", SHOW_NUMBER},
        {"bytes", "bytes", SHOW_NUMBER},
    };
    const json_t *problems = json_object_get(document, "problems");

    show_pairs(cli, document, counts, ARRAY_LEN(counts));
    if (json_array_size(problems) == 0) {
        out_styled(&cli->out, STYLE_GREEN, "no damage");
        out_char(&cli->out, '\n');
        return 0;
    }
    return show_table(cli, problems, columns, ARRAY_LEN(columns), err);
}

int verb_fsck(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {{"", "where", SHOW_TEXT}, {"", "what", SHOW_TEXT}};
    static const struct show show = {.list = "problems",
                                     .columns = columns,
                                     .n_columns = ARRAY_LEN(columns),
                                     .print = print_fsck};
    _error_ corrie_error damage = CORRIE_ERROR_INIT;
    corrie_lake *lake;
    char *text = NULL;
    int r;

    (void)args;
    r = cli_lake(cli, &lake, err);
    if (r < 0) {
        return r;
    }
    progress_begin(&cli->progress, &cli->err);
    progress_set(&cli->progress, "checking", NULL, -1, -1);
    r = corrie_fsck(lake, NULL, &text, &damage);
    if (!text) {
        return r < 0 ? corrie_error_move(err, &damage) : 0;
    }
    if (r < 0 && cli->format == FORMAT_JSON) {
        cli->told = r; /* one document: the list of problems; the status says that there are some */
    }
    if (show_document(cli, text, &show, err) < 0) {
        return err->code;
    }
    return r < 0 && cli->told == 0 ? corrie_error_move(err, &damage) : 0;
}
