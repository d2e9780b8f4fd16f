/* verb_env.c — env: the Python environments of functions. */
#include <string.h>

#include "cli/cli.h"
#include "cli/text.h"

static const json_t *member(const json_t *object, const char *field)
{
    return json_object_get(object, field);
}

static void say_progress(void *context, const char *text)
{
    struct cli *cli = context;

    progress_set(&cli->progress, "environment", text, -1, -1);
}

static corrie_env_options env_options(struct cli *cli, const struct args *args)
{
    return (corrie_env_options){.size = sizeof(corrie_env_options),
                                .project_dir = args_text(args, OPT_PROJECT_DIR),
                                .cancel = &cli->cancel,
                                .progress = say_progress,
                                .progress_context = cli};
}

/* "polars 1.15.0, pyarrow 26.0.0" */
static void add_packages(struct buf *out, const json_t *packages)
{
    const json_t *package;
    size_t i;

    json_array_foreach(packages, i, package)
    {
        struct str name = show_field(package, "name"), version = show_field(package, "version");

        buf_addf(out, "%s%.*s %.*s", i > 0 ? ", " : "", STR_FMT(name), STR_FMT(version));
    }
}

/* "clean, daily" */
static void add_names(struct buf *out, const json_t *names)
{
    const json_t *name;
    size_t i;

    json_array_foreach(names, i, name)
    {
        buf_addf(out, "%s%.*s", i > 0 ? ", " : "", STR_FMT(js_str(name)));
    }
}

static void add_size(struct buf *out, const json_t *object)
{
    char size[32];

    progress_bytes(size, json_integer_value(member(object, "bytes")));
    buf_add_text(out, size);
}

/* ---- ls ---- */

/* The listing as people read it: lists become text. */
static int print_envs(struct cli *cli, const json_t *document, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"ENV", "env", SHOW_HASH},       {"PYTHON", "python", SHOW_TEXT},
        {"SIZE", "size", SHOW_TEXT},     {"LAST USED", "last_used", SHOW_TIME},
        {"USED BY", "users", SHOW_TEXT}, {"IN USE", "in_use", SHOW_MARK},
        {"PACKAGES", "list", SHOW_TEXT},
    };
    const json_t *list = member(document, "environments"), *item;
    _json_ json_t *rows = json_array();
    size_t i;

    if (!rows) {
        return corrie_fail_memory(err);
    }
    if (json_array_size(list) == 0) {
        return 0;
    }
    json_array_foreach(list, i, item)
    {
        _cleanup_(buf_done) struct buf size = {0}, users = {0}, packages = {0};
        json_t *row = json_copy((json_t *)item);
        int r = json_array_append_new(rows, row);

        add_size(&size, item);
        add_names(&users, member(item, "functions"));
        add_packages(&packages, member(item, "packages"));
        r |= js_set_str(row, "size", buf_str(&size));
        r |= js_set_str(row, "users", buf_str(&users));
        r |= js_set_str(row, "list",
                        json_is_true(member(item, "usable")) ? buf_str(&packages)
                                                             : STR("(its Python is gone)"));
        if (r != 0) {
            return corrie_fail_memory(err);
        }
    }
    return show_table(cli, rows, columns, ARRAY_LEN(columns), err);
}

int verb_env_ls(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"", "env", SHOW_TEXT},       {"", "python", SHOW_TEXT},   {"", "bytes", SHOW_NUMBER},
        {"", "last_used", SHOW_TEXT}, {"", "in_use", SHOW_TEXT},   {"", "usable", SHOW_TEXT},
        {"", "functions", SHOW_TEXT}, {"", "packages", SHOW_TEXT},
    };
    static const struct show show = {.list = "environments",
                                     .columns = columns,
                                     .n_columns = ARRAY_LEN(columns),
                                     .print = print_envs};
    corrie_env_options options = env_options(cli, args);
    char *text;
    int r = corrie_env_list(&options, &text, err);

    return r < 0 ? r : show_document(cli, text, &show, err);
}

/* ---- lock ---- */

static void add_change(struct buf *out, const json_t *change)
{
    struct str from = show_field(change, "from"), to = show_field(change, "to");

    buf_addf(out, "  %.*s ", STR_FMT(show_field(change, "name")));
    if (from.len == 0) {
        buf_addf(out, "%.*s came\n", STR_FMT(to));
    } else if (to.len == 0) {
        buf_addf(out, "%.*s went\n", STR_FMT(from));
    } else {
        buf_addf(out, "%.*s → %.*s\n", STR_FMT(from), STR_FMT(to));
    }
}

static int print_lock(struct cli *cli, const json_t *document, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    const json_t *item, *change;
    size_t i, k;

    json_array_foreach(member(document, "environments"), i, item)
    {
        const json_t *locked = member(item, "locked");
        size_t n = json_array_size(member(locked, "packages"));

        buf_addf(&text, "%-7s  Python %.*s, %zu package%s: ", show_field(item, "status").data,
                 STR_FMT(show_field(locked, "python")), n, n == 1 ? "" : "s");
        add_names(&text, member(item, "functions"));
        buf_add_char(&text, '\n');
        json_array_foreach(member(item, "changes"), k, change)
        {
            add_change(&text, change);
        }
    }
    buf_addf(&text, "%.*s%s\n", STR_FMT(show_field(document, "file")),
             json_is_true(member(document, "written")) ? " was written" : " is complete");
    if (buf_check(&text, err) < 0) {
        return err->code;
    }
    text_escape_lines(&cli->out.text, buf_str(&text));
    return 0;
}

int verb_env_lock(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"", "status", SHOW_TEXT},    {"", "python", SHOW_TEXT}, {"", "packages", SHOW_TEXT},
        {"", "functions", SHOW_TEXT}, {"", "locked", SHOW_TEXT}, {"", "changes", SHOW_TEXT},
    };
    static const struct show show = {.list = "environments",
                                     .columns = columns,
                                     .n_columns = ARRAY_LEN(columns),
                                     .print = print_lock};
    corrie_env_options options = env_options(cli, args);
    char *text;
    int r;

    options.upgrade = args_on(args, OPT_UPGRADE);
    options.check = args_on(args, OPT_CHECK);
    progress_begin(&cli->progress, &cli->err);
    r = corrie_env_lock(&options, &text, err);
    progress_end(&cli->progress);
    return r < 0 ? r : show_document(cli, text, &show, err);
}

/* ---- clean ---- */

static void add_removed(struct buf *out, const json_t *document)
{
    size_t n = json_array_size(member(document, "removed"));

    buf_addf(out, "%zu environment%s (", n, n == 1 ? "" : "s");
    add_size(out, document);
    buf_add_char(out, ')');
}

static int print_clean(struct cli *cli, const json_t *document, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    json_int_t in_use = json_integer_value(member(document, "in_use"));
    const json_t *item;
    size_t i;

    json_array_foreach(member(document, "removed"), i, item)
    {
        buf_addf(&text, "Python %.*s: ", STR_FMT(show_field(item, "python")));
        add_packages(&text, member(item, "packages"));
        buf_add_text(&text, "  ");
        add_size(&text, item);
        buf_add_char(&text, '\n');
    }
    buf_add_text(&text, json_is_true(member(document, "dry_run")) ? "would remove " : "removed ");
    add_removed(&text, document);
    buf_addf(&text, "; %lld stay", (long long)json_integer_value(member(document, "kept")));
    if (in_use > 0) {
        buf_addf(&text, ", %lld of them in use", (long long)in_use);
    }
    buf_add_char(&text, '\n');
    if (buf_check(&text, err) < 0) {
        return err->code;
    }
    text_escape_lines(&cli->out.text, buf_str(&text));
    return 0;
}

/* Says what would go, and asks. 1 go on, 0 there is nothing to remove. */
static int confirm_clean(struct cli *cli, corrie_env_options options, corrie_error *err)
{
    _cleanup_(buf_done) struct buf question = {0};
    _json_ json_t *document = NULL;
    char *text;
    int r;

    options.dry_run = true;
    r = corrie_env_clean(&options, &text, err);
    if (r >= 0) {
        r = js_parse(str_of(text), "what would be removed", &document, err);
        corrie_free(text);
    }
    if (r < 0 || json_array_size(member(document, "removed")) == 0) {
        return r < 0 ? r : 0;
    }
    buf_add_text(&question, "Remove ");
    add_removed(&question, document);
    buf_add_text(&question, "?");
    r = cli_confirm(cli, buf_text(&question), err);
    return r < 0 ? r : 1;
}

static int read_unused(const struct args *args, int64_t *ret, corrie_error *err)
{
    const char *unused = args_text(args, OPT_UNUSED);

    *ret = args_on(args, OPT_ALL) ? 0 : -1;
    if (unused && args_on(args, OPT_ALL)) {
        return corrie_fail(err, CORRIE_E_USAGE, "env clean: either --unused or --all");
    }
    if (unused && !str_to_duration(str_of(unused), ret)) {
        corrie_fail(err, CORRIE_E_USAGE, "--unused %s is no length of time", unused);
        return corrie_hint(err, "write a number and its unit: 12h, 7d; or 0");
    }
    return 0;
}

int verb_env_clean(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"", "env", SHOW_TEXT},       {"", "python", SHOW_TEXT},   {"", "bytes", SHOW_NUMBER},
        {"", "last_used", SHOW_TEXT}, {"", "packages", SHOW_TEXT},
    };
    static const struct show show = {.list = "removed",
                                     .columns = columns,
                                     .n_columns = ARRAY_LEN(columns),
                                     .print = print_clean};
    corrie_env_options options = env_options(cli, args);
    char *text;
    int r = read_unused(args, &options.unused_seconds, err);

    if (r < 0) {
        return r;
    }
    options.dry_run = args_on(args, OPT_DRY_RUN);
    if (!options.dry_run && cli_would_ask(cli)) {
        r = confirm_clean(cli, options, err);
        options.dry_run = r == 0; /* nothing to remove: the dry run says so */
    }
    r = r < 0 ? r : corrie_env_clean(&options, &text, err);
    return r < 0 ? r : show_document(cli, text, &show, err);
}
