/* verb_lake.c — version, info, namespaces. */
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

/* ---- namespaces ---- */

int verb_namespace_ls(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {{"NAME", "name", SHOW_TEXT}};
    static const struct list list = {.field = "namespaces",
                                     .columns = columns,
                                     .n_columns = ARRAY_LEN(columns),
                                     .nothing = "there are no namespaces"};
    corrie_cursor *cursor;
    corrie_lake *lake;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r >= 0) {
        r = corrie_namespace_list_open(lake, args_text(args, OPT_REF), &cursor, err);
    }
    return r < 0 ? r : list_show(cli, cursor, &list, err);
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

static int print_namespace_removed(struct cli *cli, const json_t *document, corrie_error *err)
{
    (void)err;
    if (!json_is_string(json_object_get(document, "commit"))) {
        cli_note(cli, STYLE_CYAN, "note", STR("there is no such namespace"));
        return 0;
    }
    out_text(&cli->out, "removed the namespace ");
    out_clean(&cli->out, show_field(document, "name"));
    show_restore(cli, document);
    return 0;
}

int verb_namespace_rm(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"", "name", SHOW_TEXT}, {"", "commit", SHOW_HASH}, {"", "restore", SHOW_TEXT}};
    static const struct show show = {
        .columns = columns, .n_columns = ARRAY_LEN(columns), .print = print_namespace_removed};
    const char *name = args_text(args, OPT_NAMESPACE);
    _cleanup_(buf_done) struct buf question = {0};
    corrie_lake *lake;
    char *text;
    int r;

    buf_addf(&question, "Remove the namespace %s?", name);
    r = cli_lake(cli, &lake, err);
    if (r < 0 || (r = cli_confirm(cli, buf_text(&question), err)) < 0) {
        return r;
    }
    r = corrie_namespace_delete(lake, name, args_text(args, OPT_BRANCH),
                                args_on(args, OPT_IF_EXISTS), &text, err);
    return r < 0 ? r : show_document(cli, text, &show, err);
}
