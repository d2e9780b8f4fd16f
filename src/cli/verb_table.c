/* verb_table.c — looking at tables. */
#include "cli/cli.h"

int verb_table_ls(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"NAMESPACE", "namespace", SHOW_TEXT}, {"NAME", "name", SHOW_TEXT},
        {"KIND", "kind", SHOW_TEXT},           {"RECORDS", "records", SHOW_NUMBER},
        {"BYTES", "bytes", SHOW_NUMBER},       {"FILES", "files", SHOW_NUMBER},
    };
    static const struct show show = {.list = "tables",
                                     .columns = columns,
                                     .n_columns = ARRAY_LEN(columns),
                                     .nothing = "there are no tables"};
    corrie_lake *lake;
    char *text;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r >= 0) {
        r = corrie_table_list(lake, args_text(args, OPT_REF), args_text(args, OPT_NAMESPACE), &text,
                              err);
    }
    return r < 0 ? r : show_document(cli, text, &show, err);
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
        {"last updated", "last_updated", SHOW_TIME},
        {"metadata", "metadata_location", SHOW_TEXT},
    };
    static const struct show_column columns[] = {{"NAME", "name", SHOW_TEXT},
                                                 {"REQUIRED", "required", SHOW_TEXT},
                                                 {"TYPE", "type", SHOW_TEXT}};

    show_pairs(cli, document, pairs, ARRAY_LEN(pairs));
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
