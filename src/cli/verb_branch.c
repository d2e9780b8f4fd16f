/* verb_branch.c — branches and what is checked out. */
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/text.h"
#include "os/user.h"

int verb_branch_ls(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"NAME", "name", SHOW_TEXT},       {"COMMIT", "commit", SHOW_HASH},
        {"TIME", "time", SHOW_TIME},       {"AUTHOR", "author", SHOW_TEXT},
        {"MESSAGE", "message", SHOW_LINE}, {"CHECKED OUT", "checked_out", SHOW_MARK},
    };
    static const struct show show = {
        .list = "refs", .columns = columns, .n_columns = ARRAY_LEN(columns)};
    corrie_ref_list_options options = {.size = sizeof options};
    corrie_lake *lake;
    char *text;
    int r;

    options.kind = args_on(args, OPT_ALL) ? NULL : "branch";
    r = cli_lake(cli, &lake, err);
    if (r < 0 || (r = corrie_ref_list(lake, &options, &text, err)) < 0) {
        return r;
    }
    return show_document(cli, text, &show, err);
}

static void print_hash(struct cli *cli, const json_t *document, const char *field)
{
    _cleanup_(buf_done) struct buf text = {0};

    show_value(&text, json_object_get(document, field), SHOW_HASH);
    out_style(&cli->out, STYLE_YELLOW);
    out_clean(&cli->out, buf_str(&text));
    out_style(&cli->out, STYLE_PLAIN);
}

/* ---- create, rm ---- */

static int print_created(struct cli *cli, const json_t *document, corrie_error *err)
{
    (void)err;
    out_text(&cli->out, json_is_true(json_object_get(document, "created"))
                            ? "made the branch "
                            : "there is already the branch ");
    out_clean(&cli->out, show_field(document, "name"));
    out_text(&cli->out, " at ");
    print_hash(cli, document, "commit");
    out_char(&cli->out, '\n');
    return 0;
}

int verb_branch_create(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"", "name", SHOW_TEXT}, {"", "commit", SHOW_HASH}, {"", "created", SHOW_TEXT}};
    static const struct show show = {
        .columns = columns, .n_columns = ARRAY_LEN(columns), .print = print_created};
    corrie_ref_options options = {.size = sizeof options,
                                  .from_ref = args_text(args, OPT_FROM_REF),
                                  .if_not_exists = args_on(args, OPT_IF_NOT_EXISTS)};
    corrie_lake *lake;
    char *text;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r >= 0) {
        r = corrie_branch_create(lake, args_text(args, OPT_BRANCH), &options, &text, err);
    }
    return r < 0 ? r : show_document(cli, text, &show, err);
}

static int print_removed(struct cli *cli, const json_t *document, corrie_error *err)
{
    (void)err;
    if (!json_is_string(json_object_get(document, "commit"))) {
        cli_note(cli, STYLE_CYAN, "note", STR("there is no such branch"));
        return 0;
    }
    out_text(&cli->out, "removed the branch ");
    out_clean(&cli->out, show_field(document, "name"));
    out_text(&cli->out, "; this brings it back: ");
    out_clean(&cli->out, show_field(document, "restore"));
    out_char(&cli->out, '\n');
    return 0;
}

int verb_branch_rm(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"", "name", SHOW_TEXT}, {"", "commit", SHOW_HASH}, {"", "restore", SHOW_TEXT}};
    static const struct show show = {
        .columns = columns, .n_columns = ARRAY_LEN(columns), .print = print_removed};
    _cleanup_(buf_done) struct buf question = {0};
    corrie_ref_options options = {.size = sizeof options,
                                  .if_exists = args_on(args, OPT_IF_EXISTS)};
    const char *name = args_text(args, OPT_BRANCH);
    corrie_lake *lake;
    char *text;
    int r;

    buf_addf(&question, "Remove the branch %s?", name);
    r = cli_lake(cli, &lake, err);
    if (r < 0 || (r = cli_confirm(cli, buf_text(&question), err)) < 0) {
        return r;
    }
    r = corrie_branch_delete(lake, name, &options, &text, err);
    return r < 0 ? r : show_document(cli, text, &show, err);
}

/* ---- merge ---- */

static int print_merge(struct cli *cli, const json_t *document, corrie_error *err)
{
    const json_t *changes = json_object_get(document, "changes");
    bool dry_run = json_is_true(json_object_get(document, "dry_run"));
    int r = 0;

    if (!json_is_true(json_object_get(document, "changed"))) {
        out_clean(&cli->out, show_field(document, "into"));
        out_text(&cli->out, " has all of ");
        out_clean(&cli->out, show_field(document, "source"));
        out_text(&cli->out, " already\n");
        return 0;
    }
    r = show_changes(cli, changes, err);
    out_text(&cli->out, dry_run ? "would merge " : "merged ");
    out_clean(&cli->out, show_field(document, "source"));
    out_text(&cli->out, " into ");
    out_clean(&cli->out, show_field(document, "into"));
    if (json_is_true(json_object_get(document, "fast_forward"))) {
        out_text(&cli->out, ", which only moves forward");
    }
    if (!dry_run) {
        out_text(&cli->out, ": ");
        print_hash(cli, document, "commit");
    }
    out_char(&cli->out, '\n');
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
    corrie_merge_options options = {.size = sizeof options,
                                    .into = args_text(args, OPT_INTO),
                                    .message = args_text(args, OPT_MESSAGE),
                                    .dry_run = args_on(args, OPT_DRY_RUN)};
    corrie_lake *lake;
    char *text;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r < 0 ||
        (r = corrie_branch_merge(lake, args_text(args, OPT_REF), &options, &text, err)) < 0) {
        return r;
    }
    return show_document(cli, text, &show, err);
}

/* ---- checkout ---- */

static int print_checkout(struct cli *cli, const json_t *document, corrie_error *err)
{
    (void)err;
    out_text(&cli->out, json_is_true(json_object_get(document, "created")) ? "made and checked out "
                                                                           : "checked out ");
    out_clean(&cli->out, show_field(document, "name"));
    out_char(&cli->out, '\n');
    return 0;
}

/* corrie_checkout gives no document; this is its. */
static int show_checkout(struct cli *cli, const char *name, bool created, corrie_error *err)
{
    static const struct show_column columns[] = {{"", "name", SHOW_TEXT},
                                                 {"", "created", SHOW_TEXT}};
    static const struct show show = {
        .columns = columns, .n_columns = ARRAY_LEN(columns), .print = print_checkout};
    _cleanup_(buf_done) struct buf text = {0};
    char *document;

    buf_add_text(&text, "{\"name\":");
    text_json(&text, str_of(name));
    buf_addf(&text, ",\"created\":%s}", created ? "true" : "false");
    document = buf_take(&text);
    return document ? show_document(cli, document, &show, err) : corrie_fail_memory(err);
}

int verb_checkout(struct cli *cli, const struct args *args, corrie_error *err)
{
    const char *name = args_text(args, OPT_BRANCH);
    const char *from = args_text(args, OPT_FROM_REF);
    bool create = args_on(args, OPT_CREATE);
    corrie_ref_options options = {.size = sizeof options, .from_ref = from};
    _cleanup_(buf_done) struct buf note = {0};
    char *made = NULL;
    corrie_lake *lake;
    int r;

    if (from && !create) {
        corrie_fail(err, CORRIE_E_USAGE,
                    "checkout: --from-ref says where a new branch starts, and none is made");
        return corrie_hint(err, "add -b to make the branch %s", name);
    }
    r = cli_lake(cli, &lake, err);
    if (r >= 0 && create) {
        r = corrie_branch_create(lake, name, &options, &made, err);
        corrie_free(made);
    }
    if (r < 0 || (r = corrie_checkout(lake, name, err)) < 0) {
        return r;
    }
    if (os_env("CORRIE_REF") && strcmp(os_env("CORRIE_REF"), name) != 0) {
        buf_addf(&note, "CORRIE_REF is set to %s and comes before what is checked out",
                 os_env("CORRIE_REF"));
        cli_note(cli, STYLE_YELLOW, "warning", buf_str(&note));
    }
    return show_checkout(cli, name, create, err);
}
