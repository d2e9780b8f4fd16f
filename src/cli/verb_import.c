/* verb_import.c — files in: `import`, `table create`, `table import`. */
#include <string.h>

#include "base/vec.h"
#include "cli/cli.h"

/* ---- names of tables and files ---- */

/* `name` without the ending of a data file and of its packing; the same if it has none. */
static struct str without_ending(struct str name)
{
    static const char *const endings[] = {".parquet", ".pq",    ".csv",    ".tsv",
                                          ".json",    ".jsonl", ".ndjson", ".txt"};
    static const char *const packings[] = {".gz", ".zst"};
    struct str stem = name;

    for (size_t i = 0; i < ARRAY_LEN(packings); i++) {
        if (str_ends(stem, str_of(packings[i]))) {
            stem.len -= strlen(packings[i]);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        if (str_ends(stem, str_of(endings[i]))) {
            return str_slice(stem, 0, stem.len - strlen(endings[i]));
        }
    }
    return name;
}

/* Whether a word of the command line is a file, not a table's name. By its looks alone: a table that is
 * called like a folder of the moment stays a table. */
static bool looks_like_file(const char *word)
{
    return strpbrk(word, "/*?[") || strcmp(word, "-") == 0 ||
           without_ending(str_of(word)).len != strlen(word);
}

/* The table that a file fills when no name was given: "data/sales.csv.gz" → "sales". A dot would part a namespace
 * from a table. */
static int table_of_file(const char *uri, struct buf *ret, corrie_error *err)
{
    struct str path = str_of(uri);
    ptrdiff_t slash = str_rfind(path, '/');
    struct str name = str_from(path, (size_t)(slash + 1));
    struct str stem = without_ending(name);

    if (stem.len == name.len || stem.len == 0 || str_find(stem, '.') >= 0 ||
        strpbrk(uri, "*?[\"")) {
        corrie_fail(err, CORRIE_E_USAGE, "import %s: it gives the table no name", uri);
        return corrie_hint(err, "name the table: corrie import %s NAME", uri);
    }
    buf_add_str(ret, stem);
    return buf_check(ret, err);
}

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

static int print_import(struct cli *cli, const json_t *document, corrie_error *err)
{
    const json_t *files = json_object_get(document, "files");
    size_t skipped = 0;
    const json_t *item;
    size_t i;

    (void)err;
    json_array_foreach(files, i, item)
    {
        skipped += str_eq(show_field(item, "status"), STR("skipped"));
    }
    if (skipped == json_array_size(files)) {
        out_text(&cli->out, "nothing to do: ");
    } else {
        json_int_t rows = json_integer_value(json_object_get(document, "rows"));
        size_t n = json_array_size(files) - skipped;

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

static int import_one(struct cli *cli, const corrie_import_options *options, corrie_error *err)
{
    static const struct show show = {.list = "files",
                                     .columns = file_columns,
                                     .n_columns = ARRAY_LEN(file_columns),
                                     .print = print_import};
    char *text;
    int r;

    r = call(cli, options, &text, err);
    return r < 0 ? r : show_document(cli, text, &show, err);
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
    return import_one(cli, &options, err);
}

int verb_table_create(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {{"", "name", SHOW_TEXT}, {"", "type", SHOW_TEXT}};
    static const struct show show = {.list = "schema",
                                     .columns = columns,
                                     .n_columns = ARRAY_LEN(columns),
                                     .print = print_create};
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
    return r < 0 ? r : show_document(cli, text, &show, err);
}

/* One file into the table called like it. Its document is shown, or for JSON appended to `all`. */
static int import_alone(struct cli *cli, corrie_import_options *options, const char *const *uri,
                        struct buf *all, corrie_error *err)
{
    _cleanup_(buf_done) struct buf table = {0};
    char *text;
    int r;

    r = table_of_file(*uri, &table, err);
    if (r < 0) {
        return r;
    }
    options->table = buf_text(&table);
    options->uris = uri;
    options->n_uris = 1;
    if (cli->format != FORMAT_JSON) {
        r = import_one(cli, options, err);
        out_flush(&cli->out);
        return r;
    }
    r = call(cli, options, &text, err);
    if (r >= 0) {
        buf_addf(all, "%s%s", all->len > 0 ? "," : "{\"imports\":[", text);
        corrie_free(text);
    }
    return r;
}

/* Several tables, each a commit; JSON is one document of them all. */
static int import_each(struct cli *cli, corrie_import_options *options, corrie_error *err)
{
    static const struct show show = {.list = "imports"};
    const char *const *uris = options->uris;
    size_t n = options->n_uris;
    _cleanup_(buf_done) struct buf all = {0};
    char *document;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < n; i++) { /* all have a name, or nothing is imported */
        _cleanup_(buf_done) struct buf table = {0};

        r = table_of_file(uris[i], &table, err);
    }
    for (size_t i = 0; r >= 0 && i < n; i++) {
        r = import_alone(cli, options, &uris[i], &all, err);
    }
    if (r < 0 || cli->format != FORMAT_JSON) {
        return r;
    }
    buf_add_text(&all, "]}");
    document = buf_take(&all);
    return document ? show_document(cli, document, &show, err) : corrie_fail_memory(err);
}

int verb_import(struct cli *cli, const struct args *args, corrie_error *err)
{
    const struct arg_values *words = &args->of[OPT_URI];
    corrie_import_options options;
    size_t n = words->count;
    _cleanup_(buf_done) struct buf table = {0};
    int r;

    r = read_options(cli, args, &options, err);
    if (r < 0) {
        return r;
    }
    options.uris = words->items;
    options.table = args_text(args, OPT_NAME);
    if (!options.table && n > 1 && !looks_like_file(words->items[n - 1])) {
        options.table = words->items[--n];
    }
    options.n_uris = n;
    if (!options.table && n > 1) {
        return import_each(cli, &options, err);
    }
    if (!options.table) {
        r = table_of_file(words->items[0], &table, err);
        options.table = buf_text(&table);
    }
    return r < 0 ? r : import_one(cli, &options, err);
}
