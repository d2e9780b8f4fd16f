/* verb_start.c — init, config. */
#include <string.h>

#include "cli/cli.h"

/* ---- init ---- */

static int print_made(struct cli *cli, const json_t *document, corrie_error *err)
{
    (void)err;
    out_text(&cli->out, json_is_true(json_object_get(document, "created")) ? "made a lake in "
                                                                           : "there is a lake in ");
    out_clean(&cli->out, show_field(document, "root"));
    if (json_is_string(json_object_get(document, "shared"))) {
        out_text(&cli->out, ", shared with its group");
    }
    out_char(&cli->out, '\n');
    return 0;
}

static int init_lake(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {{"", "root", SHOW_TEXT},
                                                 {"", "id", SHOW_TEXT},
                                                 {"", "created", SHOW_TEXT},
                                                 {"", "shared", SHOW_TEXT}};
    static const struct show show = {
        .columns = columns, .n_columns = ARRAY_LEN(columns), .print = print_made};
    corrie_init_options options = {
        .size = sizeof options, .shared = args_text(args, OPT_SHARED), .cancel = &cli->cancel};
    const char *url = args_text(args, OPT_URL);
    char *text;
    int r;

    if (args_given(args, OPT_NAME)) {
        return corrie_fail(err, CORRIE_E_USAGE, "init --bare: a lake has no name");
    }
    r = corrie_lake_init(url ? url : cli->lake_url, &options, &text, err);
    return r < 0 ? r : show_document(cli, text, &show, err);
}

static int print_project(struct cli *cli, const json_t *document, corrie_error *err)
{
    const json_t *file;
    size_t i;

    (void)err;
    out_text(&cli->out, "made a project in ");
    out_clean(&cli->out, show_field(document, "project"));
    out_text(&cli->out, ":");
    json_array_foreach(json_object_get(document, "written"), i, file)
    {
        out_text(&cli->out, i == 0 ? " " : ", ");
        out_clean(&cli->out, js_str(file));
    }
    out_char(&cli->out, '\n');
    if (json_is_string(json_object_get(document, "lake"))) {
        out_text(&cli->out, "and a lake in ");
        out_clean(&cli->out, show_field(document, "lake"));
        out_text(&cli->out, " with the table levels\n");
    }
    return 0;
}

/* What to type next. */
static void say_next(struct cli *cli, const char *dir, bool has_lake)
{
    _cleanup_(buf_done) struct buf text = {0};

    if (dir && strcmp(dir, ".") != 0) {
        buf_add_text(&text, "cd ");
        buf_add_shell_word(&text, str_of(dir));
        buf_add_text(&text, " && ");
    }
    if (!has_lake) {
        buf_addf(&text, "%s import levels.csv && ", cli->program);
    }
    buf_addf(&text, "%s run", cli->program);
    if (format_is_for_people(cli->format)) {
        out_flush(&cli->out);
        cli_note(cli, STYLE_CYAN, "next", buf_str(&text));
    }
}

int verb_init(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"", "project", SHOW_TEXT}, {"", "file", SHOW_TEXT},  {"", "name", SHOW_TEXT},
        {"", "lake", SHOW_TEXT},    {"", "table", SHOW_TEXT},
    };
    static const struct show show = {
        .columns = columns, .n_columns = ARRAY_LEN(columns), .print = print_project};
    corrie_project_options options = {.size = sizeof options,
                                      .name = args_text(args, OPT_NAME),
                                      .bauplan = strcmp(cli->program, "bauplan") == 0,
                                      .lake_url = cli->lake_url,
                                      .cancel = &cli->cancel};
    const char *dir = args_text(args, OPT_URL);
    _json_ json_t *document = NULL;
    char *text;
    int r;

    if (args_on(args, OPT_BARE)) {
        return init_lake(cli, args, err);
    }
    if (args_given(args, OPT_SHARED)) {
        return corrie_fail(err, CORRIE_E_USAGE, "init: --shared is for lakes: add --bare");
    }
    r = corrie_project_init(dir, &options, &text, err);
    if (r < 0) {
        return r;
    }
    document = json_loads(text, 0, NULL);
    r = show_document(cli, text, &show, err);
    if (r >= 0) {
        say_next(cli, dir, json_is_string(json_object_get(document, "lake")));
    }
    return r;
}

/* ---- config ---- */

static const struct show_column setting_columns[] = {{"NAME", "name", SHOW_TEXT},
                                                     {"VALUE", "value", SHOW_TEXT},
                                                     {"FILE", "file", SHOW_TEXT}};

static int print_value(struct cli *cli, const json_t *document, corrie_error *err)
{
    (void)err;
    out_clean(&cli->out, show_field(document, "value"));
    out_char(&cli->out, '\n');
    return 0;
}

int verb_config_get(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show show = {
        .columns = setting_columns, .n_columns = ARRAY_LEN(setting_columns), .print = print_value};
    char *text;
    int r = corrie_config_get(args_text(args, OPT_NAME), &text, err);

    return r < 0 ? r : show_document(cli, text, &show, err);
}

int verb_config_ls(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show show = {.list = "settings",
                                     .columns = setting_columns,
                                     .n_columns = ARRAY_LEN(setting_columns),
                                     .nothing = "nothing is set"};
    char *text;
    int r = corrie_config_list(&text, err);

    (void)args;
    return r < 0 ? r : show_document(cli, text, &show, err);
}

static int print_set(struct cli *cli, const json_t *document, corrie_error *err)
{
    bool removed = json_is_null(json_object_get(document, "value"));

    (void)err;
    out_text(&cli->out, removed ? "removed " : "set ");
    out_clean(&cli->out, show_field(document, "name"));
    out_text(&cli->out, removed ? " from " : " in ");
    out_clean(&cli->out, show_field(document, "file"));
    out_char(&cli->out, '\n');
    return 0;
}

static int change_setting(struct cli *cli, const struct args *args, const char *value,
                          corrie_error *err)
{
    static const struct show show = {
        .columns = setting_columns, .n_columns = ARRAY_LEN(setting_columns), .print = print_set};
    const char *scope = args_on(args, OPT_PROJECT) ? "project" : "user";
    char *text;
    int r = corrie_config_set(scope, args_text(args, OPT_NAME), value, &text, err);

    return r < 0 ? r : show_document(cli, text, &show, err);
}

int verb_config_set(struct cli *cli, const struct args *args, corrie_error *err)
{
    return change_setting(cli, args, args_text(args, OPT_VALUE), err);
}

int verb_config_unset(struct cli *cli, const struct args *args, corrie_error *err)
{
    return change_setting(cli, args, NULL, err);
}
