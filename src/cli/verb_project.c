/* verb_project.c — parameter: what a project's runs may be given. */
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/text.h"

/* ---- explain ---- */

static const char *plan_form(enum format format)
{
    return format == FORMAT_JSON  ? "json"
           : format == FORMAT_DOT ? "dot"
           : format == FORMAT_SVG ? "svg"
                                  : "tree";
}

int verb_explain_project(struct cli *cli, const struct args *args, corrie_error *err)
{
    corrie_plan_options options = {.size = sizeof options,
                                   .project_dir = args_text(args, OPT_PROJECT_DIR),
                                   .ref = args_text(args, OPT_REF),
                                   .default_namespace = args_text(args, OPT_NAMESPACE),
                                   .parameters = args->of[OPT_PARAM].items,
                                   .n_parameters = args->of[OPT_PARAM].count,
                                   .strict = args_on(args, OPT_STRICT),
                                   .no_cache = args_on(args, OPT_NO_CACHE)};
    const char *form = plan_form(cli->format);
    corrie_lake *lake;
    char *text = NULL;
    int r;

    if (args_given(args, OPT_SQL) || args_given(args, OPT_FILE)) {
        return corrie_fail(err, CORRIE_E_USAGE, "explain takes a statement or a project, not both");
    }
    if (cli->format == FORMAT_CSV || cli->format == FORMAT_JSONL) {
        return corrie_fail(
            err, CORRIE_E_USAGE,
            "the plan of a project has no output as %s: tty, table, json, dot or svg",
            args_text(args, OPT_OUTPUT));
    }
    r = cli_lake(cli, &lake, err);
    if (r >= 0) {
        r = corrie_project_plan(lake, &options, form, &text, err);
    }
    if (r < 0) {
        return r;
    }
    if (format_is_for_people(cli->format)) {
        text_escape_lines(&cli->out.text, str_of(text));
    } else {
        out_text(&cli->out, text);
        out_text(&cli->out, cli->format == FORMAT_JSON ? "\n" : "");
    }
    corrie_free(text);
    return 0;
}

/* ---- lineage ---- */

/* "public.orders.total", and behind it what that is. */
static void print_ref(struct cli *cli, const json_t *ref)
{
    struct str file = show_field(ref, "file");

    out_clean(&cli->out, show_field(ref, "namespace"));
    out_char(&cli->out, '.');
    out_clean(&cli->out, show_field(ref, "name"));
    if (json_is_string(json_object_get(ref, "column"))) {
        out_char(&cli->out, '.');
        out_clean(&cli->out, show_field(ref, "column"));
    }
    out_style(&cli->out, STYLE_DIM);
    out_text(&cli->out, "  ");
    out_clean(&cli->out, show_field(ref, "kind"));
    if (file.len > 0) {
        out_text(&cli->out, ", ");
        out_clean(&cli->out, file);
        out_printf(&cli->out, ":%lld", (long long)json_integer_value(json_object_get(ref, "line")));
    }
    out_style(&cli->out, STYLE_PLAIN);
}

static void print_edges(struct cli *cli, const json_t *edges, const char *side, const char *title,
                        const char *arrow)
{
    for (size_t i = 0; i < json_array_size(edges); i++) {
        const json_t *edge = json_array_get(edges, i);
        json_int_t depth = json_integer_value(json_object_get(edge, "depth"));

        if (i == 0) {
            out_printf(&cli->out, "%s\n", title);
        }
        for (json_int_t k = 0; k < depth; k++) {
            out_text(&cli->out, "   ");
        }
        out_printf(&cli->out, "%s ", arrow);
        print_ref(cli, json_object_get(edge, side));
        out_text(&cli->out, json_is_true(json_object_get(edge, "exact")) ? "" : "  maybe");
        out_text(&cli->out, json_is_true(json_object_get(edge, "again")) ? "  (above)\n" : "\n");
    }
}

static int print_lineage(struct cli *cli, const json_t *document, corrie_error *err)
{
    (void)err;
    print_ref(cli, json_object_get(document, "column"));
    out_char(&cli->out, '\n');
    print_edges(cli, json_object_get(document, "up"), "from", "is made of", "←");
    print_edges(cli, json_object_get(document, "down"), "to", "goes into", "→");
    return 0;
}

int verb_lineage(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show show = {.print = print_lineage};
    corrie_plan_options options = {.size = sizeof options,
                                   .project_dir = args_text(args, OPT_PROJECT_DIR),
                                   .ref = args_text(args, OPT_REF),
                                   .default_namespace = args_text(args, OPT_NAMESPACE),
                                   .parameters = args->of[OPT_PARAM].items,
                                   .n_parameters = args->of[OPT_PARAM].count};
    bool up = args_on(args, OPT_UP), down = args_on(args, OPT_DOWN);
    corrie_lake *lake;
    char *text;
    int r;

    if (cli->format == FORMAT_CSV || cli->format == FORMAT_JSONL) {
        return corrie_fail(err, CORRIE_E_USAGE, "lineage has no output as %s: tty, table or json",
                           args_text(args, OPT_OUTPUT));
    }
    r = cli_lake(cli, &lake, err);
    if (r >= 0) {
        r = corrie_lineage(lake, &options, args_text(args, OPT_COLUMN), up || !down, down || !up,
                           &text, err);
    }
    return r < 0 ? r : show_document(cli, text, &show, err);
}

/* ---- parameters ---- */

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
