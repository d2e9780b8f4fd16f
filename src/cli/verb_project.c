/* verb_project.c — parameter: what a project's runs may be given. */
#include "base/limits.h"
#include "cli/cli.h"

static const struct show_column parameter_columns[] = {
    {"NAME", "name", SHOW_TEXT},
    {"TYPE", "type", SHOW_TEXT},
    {"REQUIRED", "required", SHOW_TEXT},
    {"DEFAULT", "default", SHOW_LINE},
    {"DESCRIPTION", "description", SHOW_LINE},
};

int verb_parameter_ls(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show show = {.list = "parameters",
                                     .columns = parameter_columns,
                                     .n_columns = ARRAY_LEN(parameter_columns),
                                     .nothing = "the project has no parameters"};
    char *text;
    int r = corrie_parameter_list(args_text(args, OPT_PROJECT_DIR), &text, err);

    return r < 0 ? r : show_document(cli, text, &show, err);
}

static void print_parameter(struct cli *cli, const char *done, const json_t *document)
{
    const json_t *value = json_object_get(document, "default");

    out_printf(&cli->out, "%s ", done);
    out_clean(&cli->out, show_field(document, "name"));
    out_text(&cli->out, ": ");
    out_clean(&cli->out, show_field(document, "type"));
    if (json_is_string(value)) {
        out_text(&cli->out, " = ");
        out_clean(&cli->out, show_field(document, "default"));
    }
    out_text(&cli->out, json_is_true(json_object_get(document, "required")) ? ", required" : "");
    out_text(&cli->out, ", in ");
    out_clean(&cli->out, show_field(document, "file"));
    out_char(&cli->out, '\n');
}

static int print_set(struct cli *cli, const json_t *document, corrie_error *err)
{
    (void)err;
    print_parameter(cli, json_is_true(json_object_get(document, "created")) ? "made" : "changed",
                    document);
    return 0;
}

static int print_removed(struct cli *cli, const json_t *document, corrie_error *err)
{
    (void)err;
    print_parameter(cli, "removed", document);
    return 0;
}

/* The value: the argument, or what a file or standard input has, but for the newline at its end. */
static int read_value(struct cli *cli, const struct args *args, struct buf *ret,
                      const char **ret_value, corrie_error *err)
{
    const char *file = args_text(args, OPT_FILE);
    int r;

    *ret_value = args_text(args, OPT_VALUE);
    if (!file) {
        return 0;
    }
    if (*ret_value) {
        return corrie_fail(err, CORRIE_E_USAGE, "parameter set: either a value or --file");
    }
    buf_init(ret, CORRIE_MAX_PROJECT);
    r = cli_read(cli, file, ret, err);
    if (r >= 0 && ret->len > 0 && ret->data[ret->len - 1] == '\n') {
        ret->data[--ret->len] = '\0';
    }
    *ret_value = r < 0 ? NULL : buf_text(ret);
    return r;
}

int verb_parameter_set(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show show = {.columns = parameter_columns,
                                     .n_columns = ARRAY_LEN(parameter_columns),
                                     .print = print_set};
    _cleanup_(buf_done) struct buf value = {0};
    corrie_parameter_options options = {.size = sizeof options,
                                        .type = args_text(args, OPT_TYPE),
                                        .description = args_text(args, OPT_DESCRIPTION),
                                        .required = args_on(args, OPT_REQUIRED)   ? "on"
                                                    : args_on(args, OPT_OPTIONAL) ? "off"
                                                                                  : NULL};
    char *text;
    int r;

    if (args_on(args, OPT_REQUIRED) && args_on(args, OPT_OPTIONAL)) {
        return corrie_fail(err, CORRIE_E_USAGE, "parameter set: either --required or --optional");
    }
    r = read_value(cli, args, &value, &options.value, err);
    r = r < 0 ? r
              : corrie_parameter_set(args_text(args, OPT_PROJECT_DIR), args_text(args, OPT_NAME),
                                     &options, &text, err);
    return r < 0 ? r : show_document(cli, text, &show, err);
}

int verb_parameter_rm(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show show = {.columns = parameter_columns,
                                     .n_columns = ARRAY_LEN(parameter_columns),
                                     .print = print_removed};
    char *text;
    int r = corrie_parameter_remove(args_text(args, OPT_PROJECT_DIR), args_text(args, OPT_NAME),
                                    &text, err);

    return r < 0 ? r : show_document(cli, text, &show, err);
}
