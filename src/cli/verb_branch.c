/* verb_branch.c — branches, tags and what is checked out. */
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/text.h"
#include "os/user.h"

void show_hash(struct cli *cli, const json_t *document, const char *field)
{
    _cleanup_(buf_done) struct buf text = {0};

    show_value(&text, json_object_get(document, field), SHOW_HASH);
    out_style(&cli->out, STYLE_YELLOW);
    out_clean(&cli->out, buf_str(&text));
    out_style(&cli->out, STYLE_PLAIN);
}

void show_restore(struct cli *cli, const json_t *document)
{
    if (json_is_string(json_object_get(document, "restore"))) {
        out_text(&cli->out, "; this brings it back: ");
        out_clean(&cli->out, show_field(document, "restore"));
    }
    out_char(&cli->out, '\n');
}

static corrie_ref_options ref_options(const struct args *args)
{
    return (corrie_ref_options){.size = sizeof(corrie_ref_options),
                                .from_ref = args_text(args, OPT_FROM_REF),
                                .message = args_text(args, OPT_MESSAGE),
                                .if_exists = args_on(args, OPT_IF_EXISTS),
                                .if_not_exists = args_on(args, OPT_IF_NOT_EXISTS),
                                .accept_taint = args_on(args, OPT_ACCEPT_TAINT)};
}

/* ---- ls ---- */

static void note_next(struct buf *ret, const struct jt_member *rest, size_t n)
{
    _cleanup_(buf_done) struct buf scratch = {0};
    struct str next = jt_text(jt_find(rest, n, "next"), &scratch);

    if (next.len > 0) {
        buf_addf(ret, "there are more: --after %.*s", STR_FMT(next));
    }
}

static int list_refs(struct cli *cli, const struct args *args, const char *kind,
                     const struct list *list, corrie_error *err)
{
    corrie_ref_list_options options = {.size = sizeof options,
                                       .kind = kind,
                                       .prefix = args_text(args, OPT_PREFIX),
                                       .after = args_text(args, OPT_AFTER),
                                       .max = (size_t)args_number(args, OPT_MAX_COUNT, 0)};
    corrie_cursor *cursor;
    corrie_lake *lake;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r < 0 || (r = corrie_ref_list_open(lake, &options, &cursor, err)) < 0) {
        return r;
    }
    return list_show(cli, cursor, list, err);
}

int verb_branch_ls(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"NAME", "name", SHOW_TEXT},       {"COMMIT", "commit", SHOW_HASH},
        {"TIME", "time", SHOW_TIME},       {"AUTHOR", "author", SHOW_TEXT},
        {"MESSAGE", "message", SHOW_LINE}, {"CHECKED OUT", "checked_out", SHOW_MARK},
    };
    static const struct list list = {.field = "refs",
                                     .columns = columns,
                                     .n_columns = ARRAY_LEN(columns),
                                     .nothing = "there are no such branches",
                                     .note = note_next,
                                     .note_to_programs = true};

    return list_refs(cli, args, args_on(args, OPT_ALL) ? NULL : "branch", &list, err);
}

int verb_tag_ls(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"NAME", "name", SHOW_TEXT},       {"COMMIT", "commit", SHOW_HASH},
        {"TIME", "time", SHOW_TIME},       {"AUTHOR", "author", SHOW_TEXT},
        {"MESSAGE", "message", SHOW_LINE},
    };
    static const struct list list = {.field = "refs",
                                     .columns = columns,
                                     .n_columns = ARRAY_LEN(columns),
                                     .nothing = "there are no tags",
                                     .note = note_next,
                                     .note_to_programs = true};

    return list_refs(cli, args, "tag", &list, err);
}

/* ---- get ---- */

static int get_ref(struct cli *cli, const char *kind, const char *name, corrie_error *err)
{
    static const struct show_column pairs[] = {
        {"name", "name", SHOW_TEXT},
        {"kind", "kind", SHOW_TEXT},
        {"commit", "commit", SHOW_TEXT},
        {"time", "time", SHOW_TIME},
        {"author", "author", SHOW_TEXT},
        {"message", "message", SHOW_LINE},
        {"checked out", "checked_out", SHOW_TEXT},
        {"tainted tables", "tainted", SHOW_NUMBER},
    };
    static const struct show show = {.columns = pairs, .n_columns = ARRAY_LEN(pairs)};
    corrie_lake *lake;
    char *text;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r < 0 || (r = corrie_ref_get(lake, kind, name, &text, err)) < 0) {
        return r;
    }
    return show_document(cli, text, &show, err);
}

int verb_branch_get(struct cli *cli, const struct args *args, corrie_error *err)
{
    const char *name = args_text(args, OPT_BRANCH);

    /* what a job left is looked at like a branch */
    return get_ref(cli, strncmp(name, "tx/", 3) == 0 ? "tx" : "branch", name, err);
}

int verb_tag_get(struct cli *cli, const struct args *args, corrie_error *err)
{
    return get_ref(cli, "tag", args_text(args, OPT_TAG), err);
}

/* ---- create ---- */

static int print_created(struct cli *cli, const json_t *document, corrie_error *err)
{
    (void)err;
    out_text(&cli->out, json_is_true(json_object_get(document, "created"))
                            ? "made the "
                            : "there is already the ");
    out_clean(&cli->out, show_field(document, "kind"));
    out_char(&cli->out, ' ');
    out_clean(&cli->out, show_field(document, "name"));
    out_text(&cli->out, " at ");
    show_hash(cli, document, "commit");
    out_char(&cli->out, '\n');
    return 0;
}

static const struct show_column created_columns[] = {{"", "name", SHOW_TEXT},
                                                     {"", "kind", SHOW_TEXT},
                                                     {"", "commit", SHOW_HASH},
                                                     {"", "created", SHOW_TEXT}};
static const struct show created_show = {.columns = created_columns,
                                         .n_columns = ARRAY_LEN(created_columns),
                                         .print = print_created};

int verb_branch_create(struct cli *cli, const struct args *args, corrie_error *err)
{
    corrie_ref_options options = ref_options(args);
    corrie_lake *lake;
    char *text;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r >= 0) {
        r = corrie_branch_create(lake, args_text(args, OPT_BRANCH), &options, &text, err);
    }
    return r < 0 ? r : show_document(cli, text, &created_show, err);
}

int verb_tag_create(struct cli *cli, const struct args *args, corrie_error *err)
{
    corrie_ref_options options = ref_options(args);
    corrie_lake *lake;
    char *text;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r >= 0) {
        r = corrie_tag_create(lake, args_text(args, OPT_TAG), &options, &text, err);
    }
    return r < 0 ? r : show_document(cli, text, &created_show, err);
}

/* ---- rm ---- */

static int print_removed(struct cli *cli, const json_t *document, corrie_error *err)
{
    (void)err;
    if (!json_is_string(json_object_get(document, "commit"))) {
        _cleanup_(buf_done) struct buf note = {0};

        buf_addf(&note, "there is no such %.*s", STR_FMT(show_field(document, "kind")));
        cli_note(cli, STYLE_CYAN, "note", buf_str(&note));
        return 0;
    }
    out_text(&cli->out, "removed the ");
    out_clean(&cli->out, show_field(document, "kind"));
    out_char(&cli->out, ' ');
    out_clean(&cli->out, show_field(document, "name"));
    show_restore(cli, document);
    return 0;
}

static const struct show_column removed_columns[] = {{"", "name", SHOW_TEXT},
                                                     {"", "kind", SHOW_TEXT},
                                                     {"", "commit", SHOW_HASH},
                                                     {"", "restore", SHOW_TEXT}};
static const struct show removed_show = {.columns = removed_columns,
                                         .n_columns = ARRAY_LEN(removed_columns),
                                         .print = print_removed};

static int remove_ref(struct cli *cli, const struct args *args, const char *kind, const char *name,
                      int (*remove)(corrie_lake *, const char *, const corrie_ref_options *,
                                    char **, corrie_error *),
                      corrie_error *err)
{
    _cleanup_(buf_done) struct buf question = {0};
    corrie_ref_options options = ref_options(args);
    corrie_lake *lake;
    char *text;
    int r;

    buf_addf(&question, "Remove the %s %s?", kind, name);
    r = cli_lake(cli, &lake, err);
    if (r < 0 || (r = cli_confirm(cli, buf_text(&question), err)) < 0) {
        return r;
    }
    r = remove(lake, name, &options, &text, err);
    return r < 0 ? r : show_document(cli, text, &removed_show, err);
}

int verb_branch_rm(struct cli *cli, const struct args *args, corrie_error *err)
{
    return remove_ref(cli, args, "branch", args_text(args, OPT_BRANCH), corrie_branch_delete, err);
}

int verb_tag_rm(struct cli *cli, const struct args *args, corrie_error *err)
{
    return remove_ref(cli, args, "tag", args_text(args, OPT_TAG), corrie_tag_delete, err);
}

/* ---- rename, reset, restore ---- */

static int print_renamed(struct cli *cli, const json_t *document, corrie_error *err)
{
    (void)err;
    out_text(&cli->out, "renamed the branch ");
    out_clean(&cli->out, show_field(document, "previous_name"));
    out_text(&cli->out, " to ");
    out_clean(&cli->out, show_field(document, "name"));
    out_text(&cli->out, json_is_true(json_object_get(document, "checked_out"))
                            ? ", which stays checked out\n"
                            : "\n");
    return 0;
}

int verb_branch_rename(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {{"", "name", SHOW_TEXT},
                                                 {"", "previous_name", SHOW_TEXT},
                                                 {"", "commit", SHOW_HASH},
                                                 {"", "checked_out", SHOW_TEXT}};
    static const struct show show = {
        .columns = columns, .n_columns = ARRAY_LEN(columns), .print = print_renamed};
    corrie_ref_options options = ref_options(args);
    corrie_lake *lake;
    char *text;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r >= 0) {
        r = corrie_branch_rename(lake, args_text(args, OPT_BRANCH), args_text(args, OPT_NEW_NAME),
                                 &options, &text, err);
    }
    return r < 0 ? r : show_document(cli, text, &show, err);
}

/* "Move main to 1f3c? 3 commits leave its history." Only asked for where someone is asked. */
static int reset_question(corrie_lake *lake, const char *name, const char *to, struct buf *ret,
                          corrie_error *err)
{
    enum { MOST = 1000 };
    corrie_log_options options = {.size = sizeof options, .max = MOST, .exclude_ref = to};
    _json_ json_t *document = NULL;
    char *text = NULL;
    size_t n;
    int r;

    r = corrie_log(lake, name, &options, &text, err);
    if (r >= 0) {
        r = js_parse(str_of(text), "the log", &document, err);
        corrie_free(text);
    }
    if (r < 0) {
        return r;
    }
    n = json_array_size(json_object_get(document, "commits"));
    buf_addf(ret, "Move the branch %s to %s?", name, to);
    if (n > 0) {
        buf_addf(ret, " %zu%s commit%s its history.", n,
                 json_is_true(json_object_get(document, "more")) ? " or more" : "",
                 n == 1 ? " leaves" : "s leave");
    }
    return 0;
}

static int print_reset(struct cli *cli, const json_t *document, corrie_error *err)
{
    (void)err;
    out_clean(&cli->out, show_field(document, "name"));
    if (!json_is_true(json_object_get(document, "changed"))) {
        out_text(&cli->out, " stands there already, at ");
        show_hash(cli, document, "commit");
        out_char(&cli->out, '\n');
        return 0;
    }
    out_text(&cli->out, " is now at ");
    show_hash(cli, document, "commit");
    out_text(&cli->out, ", was at ");
    show_hash(cli, document, "previous");
    show_restore(cli, document);
    return 0;
}

int verb_branch_reset(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {{"", "name", SHOW_TEXT},
                                                 {"", "commit", SHOW_HASH},
                                                 {"", "previous", SHOW_HASH},
                                                 {"", "changed", SHOW_TEXT},
                                                 {"", "restore", SHOW_TEXT}};
    static const struct show show = {
        .columns = columns, .n_columns = ARRAY_LEN(columns), .print = print_reset};
    _cleanup_(buf_done) struct buf question = {0};
    corrie_ref_options options = ref_options(args);
    const char *name = args_text(args, OPT_BRANCH);
    const char *to = args_text(args, OPT_REF);
    corrie_lake *lake;
    char *text;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r >= 0 && cli_would_ask(cli)) {
        r = reset_question(lake, name, to, &question, err);
    }
    if (r < 0 || (r = cli_confirm(cli, buf_text(&question), err)) < 0) {
        return r;
    }
    r = corrie_branch_reset(lake, name, to, &options, &text, err);
    return r < 0 ? r : show_document(cli, text, &show, err);
}

static int print_restored(struct cli *cli, const json_t *document, corrie_error *err)
{
    (void)err;
    out_text(&cli->out, "the ");
    out_clean(&cli->out, show_field(document, "kind"));
    out_char(&cli->out, ' ');
    out_clean(&cli->out, show_field(document, "name"));
    out_text(&cli->out, " is back, at ");
    show_hash(cli, document, "commit");
    out_char(&cli->out, '\n');
    return 0;
}

int verb_branch_restore(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"", "name", SHOW_TEXT}, {"", "kind", SHOW_TEXT}, {"", "commit", SHOW_HASH}};
    static const struct show show = {
        .columns = columns, .n_columns = ARRAY_LEN(columns), .print = print_restored};
    corrie_ref_options options = ref_options(args);
    corrie_lake *lake;
    char *text;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r >= 0) {
        r = corrie_ref_restore(lake, args_text(args, OPT_BRANCH), &options, &text, err);
    }
    return r < 0 ? r : show_document(cli, text, &show, err);
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
    corrie_ref_options options = ref_options(args);
    bool create = args_on(args, OPT_CREATE);
    _cleanup_(buf_done) struct buf note = {0};
    char *made = NULL;
    corrie_lake *lake;
    int r;

    if (options.from_ref && !create) {
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
