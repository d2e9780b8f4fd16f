/* verb_query.c — SQL in, rows out; and what it would read. */
#include <string.h>

#include "arrow/table.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/text.h"
#include "lang/name.h"
#include "os/tty.h"

enum { TERMINAL_ROWS = 100 };

/* ---- to a file ---- */

/* One of the formats of files, or NULL. */
static const char *known_format(const char *name)
{
    static const char *const formats[] = {"csv", "json", "jsonl", "parquet", "arrow"};

    for (size_t i = 0; name && i < ARRAY_LEN(formats); i++) {
        if (strcmp(name, formats[i]) == 0) {
            return formats[i];
        }
    }
    return NULL;
}

/* The name without .gz or .zst, whose compression that is; NULL: none. */
static struct str without_packing(const char *path, const char **ret)
{
    struct str name = str_of(path);

    *ret = str_ends(name, STR(".gz")) ? "gzip" : str_ends(name, STR(".zst")) ? "zstd" : NULL;
    return *ret ? str_slice(name, 0, (size_t)str_rfind(name, '.')) : name;
}

/* The name's ending decides; --output counts where it tells nothing. (With an ending, -o json asks for the document
 * about the file in JSON.) */
static int file_format(const struct args *args, const char *path, const char **ret,
                       const char **ret_packing, corrie_error *err)
{
    _free_ char *plain = str_dup(without_packing(path, ret_packing));
    const char *dot = plain ? strrchr(plain, '.') : NULL;
    const char *ending = known_format(dot ? dot + 1 : NULL);
    const char *asked = known_format(args_text(args, OPT_OUTPUT));

    if (ending && asked && strcmp(ending, asked) != 0 && strcmp(asked, "json") != 0) {
        return corrie_fail(err, CORRIE_E_USAGE,
                           "--to %s is to be %s by its name and %s by --output", path, ending,
                           asked);
    }
    if (ending || asked) {
        *ret = ending ? ending : asked;
        return 0;
    }
    corrie_fail(err, CORRIE_E_USAGE, "--to %s: it is not known in which format", path);
    return corrie_hint(
        err, "add -o csv, json, jsonl, parquet or arrow, or a name that ends in one of them");
}

static int print_written(struct cli *cli, const json_t *document, corrie_error *err)
{
    json_int_t rows = json_integer_value(json_object_get(document, "rows"));

    (void)err;
    out_printf(&cli->out, "wrote %lld row%s (%lld bytes) to ", (long long)rows,
               rows == 1 ? "" : "s",
               (long long)json_integer_value(json_object_get(document, "bytes")));
    out_clean(&cli->out, show_field(document, "path"));
    out_char(&cli->out, '\n');
    return 0;
}

static int query_to_file(struct cli *cli, const struct args *args, const char *sql,
                         const corrie_query_options *given, corrie_error *err)
{
    static const struct show show = {.print = print_written};
    const char *path = args_text(args, OPT_TO);
    corrie_query_options options = *given;
    const char *format = NULL;
    const char *packing = NULL;
    corrie_lake *lake;
    char *text;
    int r;

    r = file_format(args, path, &format, &packing, err);
    options.compression =
        args_given(args, OPT_COMPRESSION) ? args_text(args, OPT_COMPRESSION) : packing;
    if (r >= 0 && packing && strcmp(format, "parquet") == 0) {
        r = corrie_fail(err, CORRIE_E_USAGE, "--to %s: Parquet is compressed inside", path);
        corrie_hint(err, "name it .parquet, and add --compression %s", packing);
    }
    if (r < 0 || (r = cli_lake(cli, &lake, err)) < 0) {
        return r;
    }
    if (cli->format == FORMAT_CSV || cli->format == FORMAT_PARQUET || cli->format == FORMAT_ARROW) {
        cli->format = FORMAT_TABLE; /* that was for the file */
    }
    progress_begin(&cli->progress, &cli->err);
    progress_set(&cli->progress, path, NULL, -1, -1);
    r = corrie_query_to_file(lake, sql, &options, format, path, &text, err);
    return r < 0 ? r : show_document(cli, text, &show, err);
}

/* ---- to standard output ---- */

static int put_bytes(void *context, const void *bytes, size_t size)
{
    struct out *out = context;

    out_str(out, str_make(bytes, size));
    return out_stopped(out);
}

static int query_as_parquet(struct cli *cli, const char *sql, const corrie_query_options *options,
                            corrie_error *err)
{
    corrie_lake *lake;
    int r = cli_lake(cli, &lake, err);

    if (r < 0) {
        return r;
    }
    progress_begin(&cli->progress, &cli->err);
    progress_set(&cli->progress, "query", NULL, -1, -1);
    r = corrie_query_write(lake, sql, options, "parquet", put_bytes, &cli->out, NULL, err);
    progress_end(&cli->progress);
    if (r < 0 && out_stopped(&cli->out)) {
        corrie_error_clear(err); /* out_close tells why, or nobody reads any more */
        return 0;
    }
    return r;
}

static int query_to_output(struct cli *cli, const struct args *args, const char *sql,
                           const corrie_query_options *given, corrie_error *err)
{
    corrie_query_options options = *given;
    int64_t max_rows = args_number(args, OPT_MAX_ROWS, cli->out.terminal ? TERMINAL_ROWS : 0);
    _cleanup_(arrow_stream_done) struct ArrowArrayStream rows = {0};
    corrie_lake *lake;
    int r;

    if ((cli->format == FORMAT_PARQUET || cli->format == FORMAT_ARROW) && cli->out.terminal) {
        corrie_fail(err, CORRIE_E_USAGE, "-o %s is nothing for a terminal",
                    args_text(args, OPT_OUTPUT));
        return corrie_hint(err, "add --to FILE, or send it to a program: … | COMMAND");
    }
    options.compression = args_text(args, OPT_COMPRESSION);
    if (cli->format == FORMAT_PARQUET) {
        return query_as_parquet(cli, sql, &options, err);
    }
    if (options.compression) {
        corrie_fail(err, CORRIE_E_USAGE, "--compression is of files");
        return corrie_hint(err, "add --to FILE, or send the rows to a program: … | gzip");
    }
    r = cli_lake(cli, &lake, err);
    if (r < 0) {
        return r;
    }
    progress_begin(&cli->progress, &cli->err);
    progress_set(&cli->progress, "query", NULL, -1, -1);
    r = corrie_query(lake, sql, &options, &rows, err);
    if (r >= 0) {
        r = result_print(cli, &rows, args_on(args, OPT_ALL_ROWS) ? 0 : max_rows, err);
    }
    progress_end(&cli->progress);
    return r;
}

int verb_query(struct cli *cli, const struct args *args, corrie_error *err)
{
    corrie_query_options options = {
        .size = sizeof options,
        .ref = args_text(args, OPT_REF),
        .default_namespace = cli_namespace(cli, args),
        .memory = args_text(args, OPT_MEMORY),
        .max_rows = args_on(args, OPT_ALL_ROWS) ? 0 : args_number(args, OPT_MAX_ROWS, 0)};
    _cleanup_(buf_done) struct buf sql = {0};
    const char *file = NULL;
    int r;

    r = sql_read(cli, args, "query", &sql, &file, err);
    if (r < 0) {
        return r;
    }
    if (args_given(args, OPT_TO)) {
        r = query_to_file(cli, args, buf_text(&sql), &options, err);
    } else {
        r = query_to_output(cli, args, buf_text(&sql), &options, err);
    }
    return r < 0 ? sql_name_file(err, file) : r;
}

/* ---- rows of a table ---- */

/* The table that NAME means, as SQL writes it. */
static int add_table(struct cli *cli, const struct args *args, struct buf *sql, corrie_error *err)
{
    struct table_name name;
    int r = table_name_parse(str_of(args_text(args, OPT_NAME)), &name, err);

    if (r < 0) {
        return r;
    }
    if (name.ns.len == 0) {
        name.ns = str_of(cli_namespace(cli, args) ? cli_namespace(cli, args) : "public");
    }
    buf_add_sql_name(sql, name.ns);
    buf_add_char(sql, '.');
    buf_add_sql_name(sql, name.table);
    return 0;
}

static corrie_query_options rows_options(struct cli *cli, const struct args *args)
{
    return (corrie_query_options){.size = sizeof(corrie_query_options),
                                  .ref = args_text(args, OPT_REF),
                                  .default_namespace = cli_namespace(cli, args),
                                  .memory = args_text(args, OPT_MEMORY)};
}

/* The position that an error has is in SQL that nobody wrote. */
static int forget_place(corrie_error *err)
{
    mem_free(err->position.file);
    mem_free(err->position.text);
    err->position = (corrie_position){.line = 0};
    return err->code;
}

/* The rows whose hash with the seed is least: the same ones however the table's files are cut. */
int verb_table_sample(struct cli *cli, const struct args *args, corrie_error *err)
{
    corrie_query_options options = rows_options(cli, args);
    _cleanup_(buf_done) struct buf sql = {0};
    int r;

    buf_add_text(&sql, "SELECT * FROM ");
    r = add_table(cli, args, &sql, err);
    buf_addf(&sql, " AS sampled ORDER BY hash(sampled, %lld) LIMIT %lld",
             (long long)args_number(args, OPT_SEED, 0), (long long)args_number(args, OPT_ROWS, 10));
    if (r < 0 || (r = buf_check(&sql, err)) < 0) {
        return r;
    }
    if (args_given(args, OPT_TO)) {
        r = query_to_file(cli, args, buf_text(&sql), &options, err);
    } else {
        r = query_to_output(cli, args, buf_text(&sql), &options, err);
    }
    return r < 0 ? forget_place(err) : r;
}

int verb_table_export(struct cli *cli, const struct args *args, corrie_error *err)
{
    corrie_query_options options = rows_options(cli, args);
    _cleanup_(buf_done) struct buf sql = {0};
    int r;

    buf_add_text(&sql, "SELECT * FROM ");
    r = add_table(cli, args, &sql, err);
    if (r < 0 || (r = buf_check(&sql, err)) < 0) {
        return r;
    }
    r = query_to_file(cli, args, buf_text(&sql), &options, err);
    return r < 0 ? forget_place(err) : r;
}

/* ---- explain ---- */

/* "3 of 10": what is read of what there is. */
static void add_share(struct cli *cli, const json_t *table, const char *field, const char *pruned)
{
    const json_t *all = json_object_get(table, field);
    json_int_t left = json_integer_value(all);

    if (json_is_integer(all)) {
        left -= json_integer_value(json_object_get(table, pruned));
        out_printf(&cli->out, "  %-12s %lld of %lld\n", field, (long long)left,
                   (long long)json_integer_value(all));
    }
}

static void add_list(struct cli *cli, const json_t *table, const char *field, const char *between)
{
    const json_t *list = json_object_get(table, field);

    if (json_array_size(list) > 0) {
        out_printf(&cli->out, "  %-12s ", field);
        for (size_t i = 0; i < json_array_size(list); i++) {
            out_text(&cli->out, i > 0 ? between : "");
            out_clean(&cli->out, js_str(json_array_get(list, i)));
        }
        out_char(&cli->out, '\n');
    }
}

/* What the columns take in the files, where all of these say so. */
static void add_column_bytes(struct cli *cli, const json_t *table)
{
    const json_t *bytes = json_object_get(table, "column_bytes");
    char size[32];

    if (json_is_integer(bytes)) {
        progress_bytes(size, json_integer_value(bytes));
    }
    out_printf(&cli->out, "  %-12s %s\n", "to read", json_is_integer(bytes) ? size : "not known");
}

static int print_explained(struct cli *cli, const json_t *document, corrie_error *err)
{
    const json_t *tables = json_object_get(document, "tables");
    _cleanup_(buf_done) struct buf plan = {0};

    for (size_t i = 0; i < json_array_size(tables); i++) {
        const json_t *table = json_array_get(tables, i);
        char size[32];

        out_style(&cli->out, STYLE_BOLD);
        out_clean(&cli->out, show_field(table, "namespace"));
        out_char(&cli->out, '.');
        out_clean(&cli->out, show_field(table, "name"));
        out_style(&cli->out, STYLE_PLAIN);
        out_char(&cli->out, '\n');
        add_share(cli, table, "manifests", "manifests_pruned");
        add_share(cli, table, "files", "files_pruned");
        add_share(cli, table, "row_groups", "row_groups_pruned");
        progress_bytes(size, json_integer_value(json_object_get(table, "bytes")));
        out_printf(&cli->out, "  %-12s %lld (%s)\n", "records",
                   (long long)json_integer_value(json_object_get(table, "records")), size);
        if (json_integer_value(json_object_get(table, "delete_files")) > 0) {
            out_printf(&cli->out, "  %-12s %lld files\n", "deletes",
                       (long long)json_integer_value(json_object_get(table, "delete_files")));
        }
        add_list(cli, table, "columns", ", ");
        add_column_bytes(cli, table);
        add_list(cli, table, "filters", " AND ");
        out_char(&cli->out, '\n');
    }
    text_escape_lines(&plan, show_field(document, "plan"));
    out_str(&cli->out, buf_str(&plan));
    return buf_check(&plan, err);
}

/* In a project's folder, `explain` alone is about the project: where no statement is given, nor comes by standard input.
 * 1 it is, 0 it is about a statement, which is in `sql` if it was read. */
static int wants_project(struct cli *cli, const struct args *args, struct buf *sql,
                         corrie_error *err)
{
    char *namespace = NULL;
    int r;

    if (args_given(args, OPT_SQL) || args_given(args, OPT_FILE)) {
        return 0;
    }
    r = corrie_project_namespace(NULL, &namespace, err);
    corrie_free(namespace);
    if (r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err);
        return 0;
    }
    if (r < 0 || cli->format == FORMAT_DOT || cli->format == FORMAT_SVG || os_is_terminal(0)) {
        return r < 0 ? r : 1;
    }
    buf_init(sql, CORRIE_MAX_SQL);
    r = cli_read(cli, "-", sql, err);
    return r < 0 ? r : str_trim(buf_str(sql)).len == 0;
}

int verb_explain(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"", "namespace", SHOW_TEXT},      {"", "name", SHOW_TEXT},
        {"", "manifests", SHOW_NUMBER},    {"", "manifests_pruned", SHOW_NUMBER},
        {"", "files", SHOW_NUMBER},        {"", "files_pruned", SHOW_NUMBER},
        {"", "row_groups", SHOW_NUMBER},   {"", "row_groups_pruned", SHOW_NUMBER},
        {"", "records", SHOW_NUMBER},      {"", "bytes", SHOW_NUMBER},
        {"", "delete_files", SHOW_NUMBER},
    };
    static const struct show show = {.list = "tables",
                                     .columns = columns,
                                     .n_columns = ARRAY_LEN(columns),
                                     .print = print_explained};
    corrie_query_options options = {.size = sizeof options,
                                    .ref = args_text(args, OPT_REF),
                                    .default_namespace = cli_namespace(cli, args)};
    _cleanup_(buf_done) struct buf sql = {0};
    const char *file = NULL;
    corrie_lake *lake;
    char *text = NULL;
    int r;

    if (args_given(args, OPT_PROJECT_DIR)) {
        return verb_explain_project(cli, args, err);
    }
    r = wants_project(cli, args, &sql, err);
    if (r != 0) {
        return r < 0 ? r : verb_explain_project(cli, args, err);
    }
    if (cli->format == FORMAT_DOT || cli->format == FORMAT_SVG) {
        corrie_fail(err, CORRIE_E_USAGE, "only the plan of a project can be drawn");
        return corrie_hint(err, "name the project: corrie explain --project-dir .");
    }
    if (sql.len == 0) {
        r = sql_read(cli, args, "explain", &sql, &file, err);
    }
    if (r < 0 || (r = cli_lake(cli, &lake, err)) < 0) {
        return r;
    }
    r = corrie_explain(lake, buf_text(&sql), &options, &text, err);
    return r < 0 ? sql_name_file(err, file) : show_document(cli, text, &show, err);
}
