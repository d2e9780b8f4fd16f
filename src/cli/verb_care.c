/* verb_care.c — gc, fsck, branch prune, table compact, table expire. */
#include <string.h>

#include "cli/cli.h"

/* ---- what they share ---- */

/* A length of time that was given; -1 where none was. */
static int duration(const struct args *args, enum option option, const char *name, int64_t *ret,
                    corrie_error *err)
{
    const char *text = args_text(args, option);

    *ret = -1;
    if (text && !str_to_duration(str_of(text), ret)) {
        corrie_fail(err, CORRIE_E_USAGE, "%s %s is no length of time", name, text);
        return corrie_hint(err, "write a number and its unit: 90m, 24h, 7d; or 0");
    }
    return 0;
}

static int64_t number(const json_t *object, const char *field)
{
    return json_integer_value(json_object_get(object, field));
}

/* "12 files (3.4 MB)" */
static void add_amount(struct buf *out, int64_t n, const char *what, int64_t bytes)
{
    char size[32];

    progress_bytes(size, bytes);
    buf_addf(out, "%lld %s%s (%s)", (long long)n, what, n == 1 ? "" : "s", size);
}

static void add_garbage(struct buf *out, const json_t *document)
{
    add_amount(out, number(document, "files"), "file", number(document, "file_bytes"));
    buf_add_text(out, " and ");
    add_amount(out, number(document, "objects"), "object", number(document, "object_bytes"));
}

/* ---- gc ---- */

static int print_gc(struct cli *cli, const json_t *document, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    const json_t *kept = json_object_get(document, "kept");
    int64_t strangers = number(document, "strangers");

    buf_add_text(&text,
                 json_is_true(json_object_get(document, "dry_run")) ? "would remove " : "removed ");
    add_garbage(&text, document);
    buf_add_text(&text, "; ");
    add_amount(&text, number(kept, "files"), "file", number(kept, "file_bytes"));
    buf_add_text(&text, " and ");
    add_amount(&text, number(kept, "objects"), "object", number(kept, "object_bytes"));
    buf_add_text(&text, " stay\n");
    if (number(document, "jobs") > 0) {
        buf_addf(&text, "%lld record%s of jobs older than 90 days\n",
                 (long long)number(document, "jobs"), number(document, "jobs") == 1 ? "" : "s");
    }
    if (strangers > 0) {
        buf_addf(&text, "%lld file%s in data/ not made by corrie: left alone\n",
                 (long long)strangers, strangers == 1 ? "" : "s");
    }
    out_str(&cli->out, buf_str(&text));
    return buf_check(&text, err);
}

/* Says what would go, and asks. 1 go on, 0 there is nothing to remove. */
static int confirm_gc(struct cli *cli, corrie_lake *lake, corrie_gc_options options,
                      corrie_error *err)
{
    _cleanup_(buf_done) struct buf question = {0};
    _json_ json_t *document = NULL;
    char *text = NULL;
    int r;

    options.dry_run = true;
    r = corrie_gc(lake, &options, &text, err);
    if (r >= 0) {
        r = js_parse(str_of(text), "what would be removed", &document, err);
        corrie_free(text);
    }
    if (r < 0 || (number(document, "files") == 0 && number(document, "objects") == 0 &&
                  number(document, "jobs") == 0)) {
        return r < 0 ? r : 0;
    }
    buf_add_text(&question, "Remove ");
    add_garbage(&question, document);
    buf_add_text(&question, " that nothing reaches?");
    progress_pause(&cli->progress);
    r = cli_confirm(cli, buf_text(&question), err);
    progress_resume(&cli->progress);
    return r < 0 ? r : 1;
}

int verb_gc(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"", "dry_run", SHOW_TEXT},        {"", "objects", SHOW_NUMBER},
        {"", "object_bytes", SHOW_NUMBER}, {"", "files", SHOW_NUMBER},
        {"", "file_bytes", SHOW_NUMBER},   {"", "strangers", SHOW_NUMBER},
        {"", "seconds", SHOW_NUMBER},
    };
    static const struct show show = {
        .columns = columns, .n_columns = ARRAY_LEN(columns), .print = print_gc};
    corrie_gc_options options = {.size = sizeof options, .dry_run = args_on(args, OPT_DRY_RUN)};
    corrie_lake *lake;
    char *text = NULL;
    int r;

    if ((r = duration(args, OPT_GRACE, "--grace", &options.grace_seconds, err)) < 0 ||
        (r = duration(args, OPT_KEEP_REFLOG, "--keep-reflog", &options.reflog_seconds, err)) < 0 ||
        (r = cli_lake(cli, &lake, err)) < 0) {
        return r;
    }
    progress_begin(&cli->progress, &cli->err);
    progress_set(&cli->progress, "collecting", NULL, -1, -1);
    if (!options.dry_run && cli_would_ask(cli)) {
        r = confirm_gc(cli, lake, options, err);
        options.dry_run = r == 0; /* nothing to remove: the dry run says so */
    }
    r = r < 0 ? r : corrie_gc(lake, &options, &text, err);
    return r < 0 ? r : show_document(cli, text, &show, err);
}

/* ---- fsck ---- */

static int print_repairs(struct cli *cli, const json_t *repairs, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"REPAIR", "where", SHOW_TEXT}, {"WHAT", "what", SHOW_TEXT}, {"DONE", "done", SHOW_MARK}};

    return json_array_size(repairs) > 0 ? show_table(cli, repairs, columns, ARRAY_LEN(columns), err)
                                        : 0;
}

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
    int r = print_repairs(cli, json_object_get(document, "repairs"), err);

    if (r < 0) {
        return r;
    }
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
    corrie_fsck_options options = {.size = sizeof options,
                                   .repair = args_on(args, OPT_REPAIR),
                                   .dry_run = args_on(args, OPT_DRY_RUN)};
    _error_ corrie_error damage = CORRIE_ERROR_INIT;
    corrie_lake *lake;
    char *text = NULL;
    int r;

    if (options.dry_run && !options.repair) {
        corrie_fail(err, CORRIE_E_USAGE, "fsck: without --repair nothing is changed in any case");
        return corrie_hint(err, "leave --dry-run away, or add --repair");
    }
    r = cli_lake(cli, &lake, err);
    if (r < 0) {
        return r;
    }
    progress_begin(&cli->progress, &cli->err);
    progress_set(&cli->progress, "checking", NULL, -1, -1);
    r = corrie_fsck(lake, &options, &text, &damage);
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

/* ---- branch prune ---- */

static const struct show_column pruned_columns[] = {
    {"NAME", "name", SHOW_TEXT},     {"KIND", "kind", SHOW_TEXT},
    {"COMMIT", "commit", SHOW_HASH}, {"MOVED", "moved", SHOW_TIME},
    {"WHY", "why", SHOW_TEXT},       {"BRING BACK", "restore", SHOW_TEXT},
};

static int print_pruned(struct cli *cli, const json_t *document, corrie_error *err)
{
    const json_t *pruned = json_object_get(document, "pruned");
    size_t n = json_array_size(pruned);
    int r = n > 0 ? show_table(cli, pruned, pruned_columns, ARRAY_LEN(pruned_columns), err) : 0;

    if (r < 0) {
        return r;
    }
    out_printf(&cli->out, "%s %zu, %lld stay\n",
               json_is_true(json_object_get(document, "dry_run")) ? "would remove" : "removed", n,
               (long long)number(document, "kept"));
    return 0;
}

/* Names what would go, and asks. 1 go on, 0 there is nothing to remove. */
static int confirm_prune(struct cli *cli, corrie_lake *lake, corrie_prune_options options,
                         corrie_error *err)
{
    _cleanup_(buf_done) struct buf question = {0};
    _json_ json_t *document = NULL;
    const json_t *pruned;
    char *text = NULL;
    int r;

    options.dry_run = true;
    r = corrie_prune(lake, &options, &text, err);
    if (r >= 0) {
        r = js_parse(str_of(text), "what would be removed", &document, err);
        corrie_free(text);
    }
    pruned = json_object_get(document, "pruned");
    if (r < 0 || json_array_size(pruned) == 0) {
        return r < 0 ? r : 0;
    }
    buf_add_text(&question, "Remove ");
    for (size_t i = 0; i < json_array_size(pruned) && i < 5; i++) {
        buf_addf(&question, "%s%.*s", i > 0 ? ", " : "",
                 STR_FMT(show_field(json_array_get(pruned, i), "name")));
    }
    if (json_array_size(pruned) > 5) {
        buf_addf(&question, " and %zu more", json_array_size(pruned) - 5);
    }
    buf_add_char(&question, '?');
    r = cli_confirm(cli, buf_text(&question), err);
    return r < 0 ? r : 1;
}

int verb_branch_prune(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show show = {.list = "pruned",
                                     .columns = pruned_columns,
                                     .n_columns = ARRAY_LEN(pruned_columns),
                                     .print = print_pruned};
    corrie_prune_options options = {.size = sizeof options,
                                    .prefix = args_text(args, OPT_NAME),
                                    .dry_run = args_on(args, OPT_DRY_RUN)};
    corrie_lake *lake;
    char *text = NULL;
    int r;

    if ((r = duration(args, OPT_OLDER_THAN, "--older-than", &options.older_than_seconds, err)) <
            0 ||
        (r = cli_lake(cli, &lake, err)) < 0) {
        return r;
    }
    if (!options.dry_run && cli_would_ask(cli)) {
        r = confirm_prune(cli, lake, options, err);
        options.dry_run = r == 0;
    }
    r = r < 0 ? r : corrie_prune(lake, &options, &text, err);
    return r < 0 ? r : show_document(cli, text, &show, err);
}

/* ---- table compact ---- */

static int print_compacted(struct cli *cli, const json_t *document, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    bool dry_run = json_is_true(json_object_get(document, "dry_run"));
    int64_t rewritten = number(document, "files_rewritten");
    int64_t files = number(document, "files_before");

    if (rewritten == 0) {
        buf_addf(&text, "nothing would be gained: %lld file%s stay as they are\n", (long long)files,
                 files == 1 ? "" : "s");
        out_str(&cli->out, buf_str(&text));
        return buf_check(&text, err);
    }
    buf_add_text(&text, dry_run ? "would write " : "wrote ");
    add_amount(&text, rewritten, "file", number(document, "bytes_rewritten"));
    buf_addf(&text, " of %lld partition%s anew", (long long)number(document, "partitions"),
             number(document, "partitions") == 1 ? "" : "s");
    if (!dry_run) {
        buf_add_text(&text, " as ");
        add_amount(&text, number(document, "files_added"), "file", number(document, "bytes_added"));
        buf_addf(&text, "; the table has %lld: ", (long long)number(document, "files_after"));
    }
    out_str(&cli->out, buf_str(&text));
    if (!dry_run) {
        show_hash(cli, document, "commit");
    }
    out_char(&cli->out, '\n');
    return buf_check(&text, err);
}

int verb_table_compact(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"", "table", SHOW_TEXT},         {"", "commit", SHOW_HASH},
        {"", "dry_run", SHOW_TEXT},       {"", "files_before", SHOW_NUMBER},
        {"", "files_after", SHOW_NUMBER}, {"", "files_rewritten", SHOW_NUMBER},
        {"", "files_added", SHOW_NUMBER}, {"", "bytes_rewritten", SHOW_NUMBER},
        {"", "bytes_added", SHOW_NUMBER}, {"", "delete_files_removed", SHOW_NUMBER},
        {"", "partitions", SHOW_NUMBER},  {"", "records", SHOW_NUMBER},
    };
    static const struct show show = {
        .columns = columns, .n_columns = ARRAY_LEN(columns), .print = print_compacted};
    corrie_compact_options options = {.size = sizeof options,
                                      .branch = args_text(args, OPT_BRANCH),
                                      .default_namespace = cli_namespace(cli, args),
                                      .message = args_text(args, OPT_MESSAGE),
                                      .memory = args_text(args, OPT_MEMORY),
                                      .dry_run = args_on(args, OPT_DRY_RUN),
                                      .accept_taint = args_on(args, OPT_ACCEPT_TAINT)};
    corrie_lake *lake;
    char *text = NULL;
    int r = cli_lake(cli, &lake, err);

    if (r < 0) {
        return r;
    }
    progress_begin(&cli->progress, &cli->err);
    progress_set(&cli->progress, "compact", NULL, -1, -1);
    r = corrie_table_compact(lake, args_text(args, OPT_NAME), &options, &text, err);
    progress_end(&cli->progress);
    return r < 0 ? r : show_document(cli, text, &show, err);
}

/* ---- table expire ---- */

static const struct show_column expired_columns[] = {
    {"SNAPSHOT", "snapshot_id", SHOW_TEXT},
    {"TIME", "time", SHOW_TIME},
    {"OPERATION", "operation", SHOW_TEXT},
};

static int print_expired(struct cli *cli, const json_t *document, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    const json_t *expired = json_object_get(document, "expired");
    bool dry_run = json_is_true(json_object_get(document, "dry_run"));
    size_t n = json_array_size(expired);
    int r = n > 0 ? show_table(cli, expired, expired_columns, ARRAY_LEN(expired_columns), err) : 0;

    if (r < 0) {
        return r;
    }
    buf_addf(&text, "%s %zu, %lld stay", dry_run ? "would expire" : "expired", n,
             (long long)number(document, "kept"));
    if (number(document, "files") > 0) {
        buf_add_text(&text, "; only they had ");
        add_amount(&text, number(document, "files"), "file", number(document, "bytes"));
    }
    buf_add_char(&text, '\n');
    out_str(&cli->out, buf_str(&text));
    return buf_check(&text, err);
}

int verb_table_expire(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show show = {.list = "expired",
                                     .columns = expired_columns,
                                     .n_columns = ARRAY_LEN(expired_columns),
                                     .print = print_expired};
    corrie_expire_options options = {.size = sizeof options,
                                     .branch = args_text(args, OPT_BRANCH),
                                     .default_namespace = cli_namespace(cli, args),
                                     .message = args_text(args, OPT_MESSAGE),
                                     .keep = (size_t)args_number(args, OPT_KEEP, 1),
                                     .dry_run = args_on(args, OPT_DRY_RUN),
                                     .accept_taint = args_on(args, OPT_ACCEPT_TAINT)};
    corrie_lake *lake;
    char *text = NULL;
    int r = duration(args, OPT_OLDER_THAN, "--older-than", &options.older_than_seconds, err);

    if (r < 0 || (r = cli_lake(cli, &lake, err)) < 0) {
        return r;
    }
    r = corrie_table_expire(lake, args_text(args, OPT_NAME), &options, &text, err);
    return r < 0 ? r : show_document(cli, text, &show, err);
}
