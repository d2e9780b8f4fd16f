/* verb_merge.c — bringing changes to a branch: merge, cherry-pick, revert. */
#include <limits.h>
#include <string.h>

#include "cli/cli.h"

static corrie_merge_options merge_options(const struct cli *cli, const struct args *args)
{
    int64_t mainline = args_number(args, OPT_MAINLINE, 0);

    return (corrie_merge_options){
        .size = sizeof(corrie_merge_options),
        .into = args_text(args, OPT_INTO),
        .message = args_text(args, OPT_MESSAGE),
        .properties = args->of[OPT_PROPERTY].items,
        .n_properties = args->of[OPT_PROPERTY].count,
        .ours = args->of[OPT_OURS].items,
        .n_ours = args->of[OPT_OURS].count,
        .theirs = args->of[OPT_THEIRS].items,
        .n_theirs = args->of[OPT_THEIRS].count,
        .all_ours = args_on(args, OPT_ALL_OURS),
        .all_theirs = args_on(args, OPT_ALL_THEIRS),
        .dry_run = args_on(args, OPT_DRY_RUN),
        .no_fast_forward = args_on(args, OPT_NO_FF),
        .accept_taint = args_on(args, OPT_ACCEPT_TAINT),
        .allow_torn = args_on(args, OPT_ALLOW_TORN),
        .mainline = mainline > UINT_MAX ? UINT_MAX : (unsigned)mainline,
        .default_namespace = cli->name_space,
    };
}

static int check_options(const corrie_merge_options *options, corrie_error *err)
{
    if (options->all_ours && options->all_theirs) {
        return corrie_fail(err, CORRIE_E_USAGE, "give either --all-ours or --all-theirs");
    }
    return 0;
}

/* ", which only moves forward: 1f3c…" */
static void print_end(struct cli *cli, const json_t *document)
{
    if (json_is_true(json_object_get(document, "fast_forward"))) {
        out_text(&cli->out, ", which only moves forward");
    }
    if (!json_is_true(json_object_get(document, "dry_run"))) {
        out_text(&cli->out, ": ");
        show_hash(cli, document, "commit");
    }
    out_char(&cli->out, '\n');
}

/* ---- merge ---- */

static int print_merge(struct cli *cli, const json_t *document, corrie_error *err)
{
    bool dry_run = json_is_true(json_object_get(document, "dry_run"));
    int r;

    if (!json_is_true(json_object_get(document, "changed"))) {
        out_clean(&cli->out, show_field(document, "into"));
        out_text(&cli->out, " has all of ");
        out_clean(&cli->out, show_field(document, "source"));
        out_text(&cli->out, " already\n");
        return 0;
    }
    r = show_changes(cli, json_object_get(document, "changes"), err);
    out_text(&cli->out, dry_run ? "would merge " : "merged ");
    out_clean(&cli->out, show_field(document, "source"));
    out_text(&cli->out, " into ");
    out_clean(&cli->out, show_field(document, "into"));
    print_end(cli, document);
    return r;
}

int verb_branch_merge(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"", "source", SHOW_TEXT},       {"", "into", SHOW_TEXT},    {"", "commit", SHOW_HASH},
        {"", "fast_forward", SHOW_TEXT}, {"", "changed", SHOW_TEXT}, {"", "dry_run", SHOW_TEXT},
    };
    static const struct show show = {
        .columns = columns, .n_columns = ARRAY_LEN(columns), .print = print_merge};
    corrie_merge_options options = merge_options(cli, args);
    corrie_lake *lake;
    char *text;
    int r;

    r = check_options(&options, err);
    if (r < 0 || (r = cli_lake(cli, &lake, err)) < 0) {
        return r;
    }
    r = corrie_branch_merge(lake, args_text(args, OPT_REF), &options, &text, err);
    return r < 0 ? r : show_document(cli, text, &show, err);
}

/* ---- cherry-pick, revert ---- */

static int print_each(struct cli *cli, const json_t *document, const char *list, const char *done,
                      corrie_error *err)
{
    const json_t *items = json_object_get(document, list);
    bool dry_run = json_is_true(json_object_get(document, "dry_run"));
    const json_t *item;
    size_t i;
    int r;

    r = show_changes(cli, json_object_get(document, "changes"), err);
    json_array_foreach(items, i, item)
    {
        if (!json_is_string(json_object_get(item, "commit"))) {
            show_hash(cli, item, "from");
            out_printf(&cli->out, " %s nothing any more\n", dry_run ? "would change" : "changes");
            continue;
        }
        out_text(&cli->out, dry_run ? "would have " : "");
        out_printf(&cli->out, "%s ", done);
        show_hash(cli, item, "from");
        if (!dry_run) { /* the commit of a dry run is kept nowhere */
            out_text(&cli->out, " as ");
            show_hash(cli, item, "commit");
        }
        out_char(&cli->out, '\n');
    }
    out_clean(&cli->out, show_field(document, "into"));
    if (!json_is_true(json_object_get(document, "changed"))) {
        out_text(&cli->out, " stays at ");
    } else {
        out_text(&cli->out, dry_run ? " would move on from " : " is now at ");
    }
    show_hash(cli, document, "commit");
    out_char(&cli->out, '\n');
    return r;
}

static int print_picked(struct cli *cli, const json_t *document, corrie_error *err)
{
    return print_each(cli, document, "picked", "picked", err);
}

static int print_reverted(struct cli *cli, const json_t *document, corrie_error *err)
{
    return print_each(cli, document, "reverted", "reverted", err);
}

static const struct show_column each_columns[] = {{"", "from", SHOW_HASH},
                                                  {"", "commit", SHOW_HASH}};

int verb_cherry_pick(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show show = {.list = "picked",
                                     .columns = each_columns,
                                     .n_columns = ARRAY_LEN(each_columns),
                                     .print = print_picked};
    corrie_merge_options options = merge_options(cli, args);
    const struct arg_values *commits = &args->of[OPT_COMMITS];
    corrie_lake *lake;
    char *text;
    int r;

    r = check_options(&options, err);
    if (r < 0 || (r = cli_lake(cli, &lake, err)) < 0) {
        return r;
    }
    r = corrie_cherry_pick(lake, commits->items, commits->count, &options, &text, err);
    return r < 0 ? r : show_document(cli, text, &show, err);
}

int verb_revert(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show show = {.list = "reverted",
                                     .columns = each_columns,
                                     .n_columns = ARRAY_LEN(each_columns),
                                     .print = print_reverted};
    corrie_merge_options options = merge_options(cli, args);
    const struct arg_values *commits = &args->of[OPT_COMMITS];
    corrie_lake *lake;
    char *text;
    int r;

    r = check_options(&options, err);
    if (r < 0 || (r = cli_lake(cli, &lake, err)) < 0) {
        return r;
    }
    r = corrie_revert(lake, commits->items, commits->count, &options, &text, err);
    return r < 0 ? r : show_document(cli, text, &show, err);
}
