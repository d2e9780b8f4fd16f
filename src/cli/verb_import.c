/* verb_import.c — files in: `import`, `table create`, `table import`. */
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/vec.h"
#include "cli/cli.h"
#include "os/file.h"

/* ---- options ---- */

static int read_options(const struct cli *cli, const struct args *args, corrie_import_options *ret,
                        corrie_error *err)
{
    const struct arg_values *nulls = &args->of[OPT_NULL];
    const char *delimiter = args_text(args, OPT_DELIMITER);

    if (args_on(args, OPT_APPEND) && args_on(args, OPT_REPLACE)) {
        return corrie_fail(err, CORRIE_E_USAGE, "either --append or --replace");
    }
    *ret = (corrie_import_options){
        .size = sizeof *ret,
        .default_namespace = cli_namespace(cli, args),
        .branch = args_text(args, OPT_BRANCH),
        .mode = args_on(args, OPT_REPLACE) ? CORRIE_IMPORT_REPLACE : CORRIE_IMPORT_APPEND,
        .duplicate_files = args_on(args, OPT_DUPLICATE_FILES),
        .format = args_text(args, OPT_FORMAT),
        .delimiter = delimiter && strcmp(delimiter, "\\t") == 0 ? "\t" : delimiter,
        .quote = args_text(args, OPT_QUOTE),
        .header = args_text(args, OPT_HEADER),
        .date_format = args_text(args, OPT_DATE_FORMAT),
        .columns = args_text(args, OPT_COLUMNS),
        .nulls = nulls->items,
        .n_nulls = nulls->count,
        .memory = args_text(args, OPT_MEMORY),
        .continue_on_error = args_on(args, OPT_CONTINUE),
        .best_effort = args_on(args, OPT_BEST_EFFORT),
        .evolve = args_on(args, OPT_EVOLVE),
        .in_place = args_on(args, OPT_IN_PLACE),
        .partitioned_by = args_text(args, OPT_PARTITIONED_BY),
        .hive = args_text(args, OPT_HIVE),
        .encoding = args_text(args, OPT_ENCODING),
    };
    return 0;
}

/* ---- what came of it ---- */

static void say_table(struct cli *cli, const json_t *document)
{
    struct str ns = show_field(document, "namespace");

    if (ns.len > 0) {
        out_clean(&cli->out, ns);
        out_char(&cli->out, '.');
    }
    out_clean(&cli->out, show_field(document, "table"));
    out_text(&cli->out, " on ");
    out_clean(&cli->out, show_field(document, "branch"));
}

static void say_commit(struct cli *cli, const json_t *document)
{
    _cleanup_(buf_done) struct buf text = {0};

    show_value(&text, json_object_get(document, "commit"), SHOW_HASH);
    if (text.len > 0) {
        out_text(&cli->out, ", commit ");
        out_clean(&cli->out, buf_str(&text));
    }
    out_char(&cli->out, '\n');
}

/* How files of CSV were read, each way once. */
static void say_sniffed(struct cli *cli, const json_t *files)
{
    const json_t *item;
    const json_t *before = NULL;
    size_t i;

    json_array_foreach(files, i, item)
    {
        const json_t *sniffed = json_object_get(item, "sniffed");

        if (json_is_object(sniffed) &&
            !json_equal((json_t *)(uintptr_t)sniffed, (json_t *)(uintptr_t)before)) {
            struct str quote = show_field(sniffed, "quote");

            out_text(&cli->out, "read as CSV: delimiter '");
            out_clean(&cli->out, show_field(sniffed, "delimiter"));
            out_char(&cli->out, '\'');
            if (quote.len > 0) {
                out_text(&cli->out, ", quote '");
                out_clean(&cli->out, quote);
                out_char(&cli->out, '\'');
            }
            out_text(&cli->out, json_is_true(json_object_get(sniffed, "header"))
                                    ? ", names in the first line\n"
                                    : ", no line of names\n");
            before = sniffed;
        }
    }
}

/* Which files were left out, and why. */
static void say_failed(struct cli *cli, const json_t *files, size_t n)
{
    const json_t *item;
    size_t i;

    if (n > 0) {
        out_flush(&cli->out);
        out_printf(&cli->err, "left out %zu file%s:\n", n, n == 1 ? "" : "s");
    }
    json_array_foreach(files, i, item)
    {
        const json_t *error = json_object_get(item, "error");

        if (json_is_object(error)) {
            out_text(&cli->err, "  ");
            out_clean(&cli->err, show_field(item, "uri"));
            out_text(&cli->err, ": ");
            out_clean(&cli->err, show_field(error, "message"));
            out_char(&cli->err, '\n');
        }
    }
}

static int print_import(struct cli *cli, const json_t *document, corrie_error *err)
{
    const json_t *files = json_object_get(document, "files");
    size_t skipped = 0;
    size_t failed = 0;
    const json_t *item;
    size_t i;

    (void)err;
    json_array_foreach(files, i, item)
    {
        skipped += str_eq(show_field(item, "status"), STR("skipped"));
        failed += str_eq(show_field(item, "status"), STR("failed"));
    }
    if (skipped + failed == json_array_size(files)) {
        out_text(&cli->out, "nothing to do: ");
    } else {
        json_int_t rows = json_integer_value(json_object_get(document, "rows"));
        size_t n = json_array_size(files) - skipped - failed;

        out_printf(&cli->out, "imported %lld row%s from %zu file%s into ", (long long)rows,
                   rows == 1 ? "" : "s", n, n == 1 ? "" : "s");
    }
    say_table(cli, document);
    if (skipped > 0) {
        out_printf(&cli->out, ", %zu skipped that %s imported before", skipped,
                   skipped == 1 ? "was" : "were");
    }
    say_commit(cli, document);
    say_sniffed(cli, files);
    say_failed(cli, files, failed);
    return 0;
}

static int print_create(struct cli *cli, const json_t *document, corrie_error *err)
{
    static const struct show_column columns[] = {{"NAME", "name", SHOW_TEXT},
                                                 {"TYPE", "type", SHOW_TEXT}};

    out_text(&cli->out, "made the table ");
    say_table(cli, document);
    out_text(&cli->out, " with 0 rows");
    say_commit(cli, document);
    say_sniffed(cli, json_object_get(document, "files"));
    return show_table(cli, json_object_get(document, "schema"), columns, ARRAY_LEN(columns), err);
}

static const struct show_column file_columns[] = {{"", "uri", SHOW_TEXT},
                                                  {"", "status", SHOW_TEXT},
                                                  {"", "rows", SHOW_NUMBER},
                                                  {"", "bytes", SHOW_NUMBER}};

static int call(struct cli *cli, const corrie_import_options *options, char **ret,
                corrie_error *err)
{
    corrie_lake *lake;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r < 0) {
        return r;
    }
    progress_begin(&cli->progress, &cli->err);
    progress_set(&cli->progress, options->table, NULL, -1, -1);
    r = corrie_import(lake, options, ret, err);
    progress_end(&cli->progress);
    return r;
}

static const struct show import_show = {.list = "files",
                                        .columns = file_columns,
                                        .n_columns = ARRAY_LEN(file_columns),
                                        .print = print_import};

/* Files that were left out: what could be imported is, and the exit status says that it is not all. */
static void note_failed(struct cli *cli, const char *text)
{
    _json_ json_t *document = json_loads(text, 0, NULL);

    if (json_integer_value(json_object_get(document, "failed")) > 0) {
        cli->told = CORRIE_E_DATA;
    }
}

static int import_one(struct cli *cli, const corrie_import_options *options, corrie_error *err)
{
    char *text;
    int r;

    r = call(cli, options, &text, err);
    if (r < 0) {
        return r;
    }
    note_failed(cli, text);
    return show_document(cli, text, &import_show, err);
}

/* ---- several tables ---- */

/* One table of several. Its document is shown, or for JSON appended to `all`. */
static int import_alone(struct cli *cli, corrie_import_options *options, const json_t *table,
                        struct buf *all, corrie_error *err)
{
    const char *uri = json_string_value(json_array_get(json_object_get(table, "uris"), 0));
    char *text;
    int r;

    options->table = json_string_value(json_object_get(table, "table"));
    options->uris = &uri;
    options->n_uris = 1;
    if (cli->format != FORMAT_JSON) {
        r = import_one(cli, options, err);
        out_flush(&cli->out);
        return r;
    }
    r = call(cli, options, &text, err);
    if (r >= 0) {
        note_failed(cli, text);
        buf_addf(all, "%s%s", all->len > 0 ? "," : "{\"imports\":[", text);
        corrie_free(text);
    }
    return r;
}

/* With --continue-on-error a table that cannot be imported is told of, and the next one comes. */
static int go_on(struct cli *cli, const corrie_import_options *options, int r, corrie_error *err)
{
    if (r >= 0 || !options->continue_on_error || r == CORRIE_E_CANCELLED) {
        return r;
    }
    cli->told = cli->told < 0 ? cli->told : r;
    report_error(cli, err);
    corrie_error_clear(err);
    return 0;
}

/* Several tables, each a commit; JSON is one document of them all. */
static int import_each(struct cli *cli, corrie_import_options *options, const json_t *tables,
                       corrie_error *err)
{
    static const struct show show = {.list = "imports"};
    _cleanup_(buf_done) struct buf all = {0};
    const json_t *table;
    char *document;
    size_t i;
    int r = 0;

    json_array_foreach(tables, i, table)
    {
        if (r >= 0) {
            r = go_on(cli, options, import_alone(cli, options, table, &all, err), err);
        }
    }
    if (r < 0 || cli->format != FORMAT_JSON) {
        return r;
    }
    buf_add_text(&all, all.len > 0 ? "]}" : "{\"imports\":[]}");
    document = buf_take(&all);
    return document ? show_document(cli, document, &show, err) : corrie_fail_memory(err);
}

/* No name was given: each file or folder says its table's. */
static int import_unnamed(struct cli *cli, corrie_import_options *options, corrie_error *err)
{
    _json_ json_t *named = NULL;
    const json_t *tables;
    char *text;
    int r;

    r = corrie_import_tables(options->uris, options->n_uris, &text, err);
    if (r < 0) {
        return r;
    }
    named = json_loads(text, 0, NULL);
    corrie_free(text);
    tables = json_object_get(named, "tables");
    if (!named) {
        return corrie_fail_memory(err);
    }
    if (json_array_size(tables) != 1) {
        return import_each(cli, options, tables, err);
    }
    options->table = json_string_value(json_object_get(json_array_get(tables, 0), "table"));
    return import_one(cli, options, err);
}

/* ---- in the background ---- */

/* As cli_detach. Each table is a job, and one job is told of: several tables are several commands. */
static int detach(struct cli *cli, const struct args *args, const corrie_import_options *options,
                  corrie_error *err)
{
    _json_ json_t *named = NULL;
    char *text;
    int r;

    if (!args_on(args, OPT_DETACH)) {
        return 0;
    }
    for (size_t i = 0; i < options->n_uris; i++) {
        if (strcmp(options->uris[i], "-") == 0) {
            return corrie_fail(err, CORRIE_E_USAGE,
                               "--detach: in the background there is no standard input");
        }
    }
    if (!options->table) {
        r = corrie_import_tables(options->uris, options->n_uris, &text, err);
        if (r < 0) {
            return r;
        }
        named = json_loads(text, 0, NULL);
        corrie_free(text);
        if (json_array_size(json_object_get(named, "tables")) > 1) {
            corrie_fail(err, CORRIE_E_USAGE, "--detach: these files make several tables");
            return corrie_hint(err, "each table is a job of its own: call it once for each");
        }
    }
    return cli_detach(cli, args, err);
}

/* ---- verbs ---- */

int verb_table_import(struct cli *cli, const struct args *args, corrie_error *err)
{
    const struct arg_values *uris = &args->of[OPT_URI];
    corrie_import_options options;
    int r;

    r = read_options(cli, args, &options, err);
    if (r < 0) {
        return r;
    }
    options.table = args_text(args, OPT_NAME);
    options.uris = uris->items;
    options.n_uris = uris->count;
    options.must_exist = true;
    r = detach(cli, args, &options, err);
    return r != 0 ? r : import_one(cli, &options, err);
}

static const struct show_column create_columns[] = {{"", "name", SHOW_TEXT},
                                                    {"", "type", SHOW_TEXT}};
static const struct show create_show = {.list = "schema",
                                        .columns = create_columns,
                                        .n_columns = ARRAY_LEN(create_columns),
                                        .print = print_create};

int verb_table_create(struct cli *cli, const struct args *args, corrie_error *err)
{
    const struct arg_values *uris = &args->of[OPT_URI];
    corrie_import_options options;
    char *text;
    int r;

    r = read_options(cli, args, &options, err);
    if (r < 0) {
        return r;
    }
    options.table = args_text(args, OPT_NAME);
    options.uris = uris->items;
    options.n_uris = uris->count;
    options.mode = CORRIE_IMPORT_CREATE;
    options.replace_existing = args_on(args, OPT_REPLACE);
    r = call(cli, &options, &text, err);
    return r < 0 ? r : show_document(cli, text, &create_show, err);
}

/* ---- plans ---- */

int verb_table_create_plan(struct cli *cli, const struct args *args, corrie_error *err)
{
    const struct arg_values *uris = &args->of[OPT_URI];
    const char *file = args_text(args, OPT_SAVE_PLAN);
    _json_ json_t *document = NULL;
    corrie_import_options options;
    corrie_lake *lake;
    struct str plan;
    json_int_t conflicts;
    char *text;
    int r;

    r = read_options(cli, args, &options, err);
    if (r < 0 || (r = cli_lake(cli, &lake, err)) < 0) {
        return r;
    }
    options.table = args_text(args, OPT_NAME);
    options.uris = uris->items;
    options.n_uris = uris->count;
    r = corrie_table_plan(lake, &options, &text, err);
    if (r < 0) {
        return r;
    }
    document = json_loads(text, 0, NULL);
    plan = show_field(document, "plan");
    conflicts = json_integer_value(json_object_get(document, "conflicts"));
    if (file && (r = os_file_replace(file, plan, 0666, err)) < 0) {
        corrie_free(text);
        return r;
    }
    if (cli->format == FORMAT_JSON) {
        static const struct show show = {.list = "columns"};

        return show_document(cli, text, &show, err);
    }
    corrie_free(text);
    if (file) {
        out_text(&cli->out, "wrote the plan to ");
        out_clean(&cli->out, str_of(file));
        out_char(&cli->out, '\n');
    } else {
        out_str(&cli->out, plan);
    }
    if (conflicts > 0) {
        out_printf(&cli->err, "note: files disagree on %lld column%s: write a type for each null\n",
                   (long long)conflicts, conflicts == 1 ? "" : "s");
    }
    return 0;
}

static int read_plan(const char *file, struct buf *plan, corrie_error *err)
{
    size_t got = 1;
    int r = 0;

    if (file && strcmp(file, "-") != 0) {
        return os_file_read(file, CORRIE_MAX_PROJECT, plan, err);
    }
    buf_init(plan, CORRIE_MAX_PROJECT);
    while (r >= 0 && got > 0) {
        char block[4096];

        r = os_read(0, "standard input", block, sizeof block, &got, err);
        if (r >= 0) {
            buf_add(plan, block, got);
        }
    }
    return r < 0 ? r : buf_check(plan, err);
}

int verb_table_plan_apply(struct cli *cli, const struct args *args, corrie_error *err)
{
    const char *file = args_text(args, OPT_PLAN);
    corrie_import_options options = {.size = sizeof options,
                                     .default_namespace = cli_namespace(cli, args),
                                     .branch = args_text(args, OPT_BRANCH),
                                     .replace_existing = args_on(args, OPT_REPLACE)};
    _cleanup_(buf_done) struct buf plan = {0};
    corrie_lake *lake;
    char *text;
    int r;

    r = read_plan(file, &plan, err);
    if (r < 0 || (r = cli_lake(cli, &lake, err)) < 0) {
        return r;
    }
    r = corrie_table_plan_apply(lake, buf_text(&plan), plan.len, file ? file : "standard input",
                                &options, &text, err);
    return r < 0 ? r : show_document(cli, text, &create_show, err);
}

/* ---- external tables ---- */

int verb_table_create_external(struct cli *cli, const struct args *args, corrie_error *err)
{
    const struct arg_values *uris = &args->of[OPT_URI];
    corrie_external_options options = {.size = sizeof options,
                                       .table = args_text(args, OPT_NAME),
                                       .default_namespace = cli_namespace(cli, args),
                                       .branch = args_text(args, OPT_BRANCH),
                                       .metadata_uri = args_text(args, OPT_METADATA_URI),
                                       .uris = uris->items,
                                       .n_uris = uris->count,
                                       .overwrite = args_on(args, OPT_REPLACE)};
    corrie_lake *lake;
    char *text;
    int r;

    if ((uris->count > 0) == (options.metadata_uri != NULL)) {
        return corrie_fail(
            err, CORRIE_E_USAGE,
            "either --search-pattern or --metadata-json-uri says where its files are");
    }
    r = cli_lake(cli, &lake, err);
    if (r >= 0) {
        r = corrie_table_external(lake, &options, &text, err);
    }
    return r < 0 ? r : show_document(cli, text, &import_show, err);
}

/* ---- import ---- */

int verb_import(struct cli *cli, const struct args *args, corrie_error *err)
{
    const struct arg_values *words = &args->of[OPT_URI];
    corrie_import_options options;
    size_t n = words->count;
    int r;

    r = read_options(cli, args, &options, err);
    if (r < 0) {
        return r;
    }
    options.uris = words->items;
    options.table = args_text(args, OPT_NAME);
    if (!options.table && n > 1 && !corrie_import_means_files(words->items[n - 1])) {
        options.table = words->items[--n];
    }
    options.n_uris = n;
    r = detach(cli, args, &options, err);
    if (r != 0) {
        return r;
    }
    return options.table ? import_one(cli, &options, err) : import_unnamed(cli, &options, err);
}
