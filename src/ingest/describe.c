/* describe.c — from what a person named to what is in the files. */
#include <string.h>

#include "ingest/ingest_priv.h"
#include "os/file.h"
#include "os/proc.h"

static int find_format(const char *name, enum engine_format *ret, corrie_error *err)
{
    static const struct {
        const char *name;
        enum engine_format format;
    } formats[] = {{"parquet", ENGINE_FORMAT_PARQUET}, {"csv", ENGINE_FORMAT_CSV},
                   {"tsv", ENGINE_FORMAT_CSV},         {"json", ENGINE_FORMAT_JSON},
                   {"jsonl", ENGINE_FORMAT_JSONL},     {"arrow", ENGINE_FORMAT_ARROW}};

    *ret = ENGINE_FORMAT_AUTO;
    for (size_t i = 0; name && i < ARRAY_LEN(formats); i++) {
        if (strcmp(name, formats[i].name) == 0) {
            *ret = formats[i].format;
            return 0;
        }
    }
    if (name) {
        return corrie_fail(err, CORRIE_E_USAGE,
                           "unknown format %s: parquet, csv, tsv, json, jsonl or arrow", name);
    }
    return 0;
}

static int source_options(struct import *import, struct engine_source_options *ret,
                          corrie_error *err)
{
    const corrie_import_options *o = import->options;
    struct str *nulls = arena_array(&import->arena, struct str, o->n_nulls);

    if (!nulls) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < o->n_nulls; i++) {
        nulls[i] = str_of(o->nulls[i]);
    }
    *ret = (struct engine_source_options){.delimiter = str_of(o->delimiter),
                                          .quote = str_of(o->quote),
                                          .nulls = nulls,
                                          .n_nulls = o->n_nulls,
                                          .date_format = str_of(o->date_format),
                                          .columns = str_of(o->columns),
                                          .encoding = str_of(o->encoding)};
    if (o->format && strcmp(o->format, "tsv") == 0 && ret->delimiter.len == 0) {
        ret->delimiter = STR("\t");
    }
    if (o->header) {
        bool on = strcmp(o->header, "on") == 0;

        if (!on && strcmp(o->header, "off") != 0) {
            return corrie_fail(err, CORRIE_E_USAGE, "--header is on or off, not %s", o->header);
        }
        ret->header = on ? ENGINE_ON : ENGINE_OFF;
    }
    return find_format(o->format, &ret->format, err);
}

bool import_adds(const struct import *import)
{
    return import->exists && import->options->mode == CORRIE_IMPORT_APPEND;
}

/* Whether the ledger has the file with the same content; settles file->sha256 where the dates alone do not. */
static int check_ledger(struct import *import, struct ingest_file *file, corrie_error *err)
{
    struct lake_view view;
    struct ledger_entry entry;
    int r;

    if (!import_adds(import) || import->options->duplicate_files) {
        return 0;
    }
    view = lake_tx_view(import->tx);
    r = lake_ledger_find(&view, &import->before.id, file->url, &import->arena, &entry, err);
    if (r <= 0) {
        return r;
    }
    if (str_eq(entry.version, file->version)) {
        file->skip = true;
        return 0;
    }
    r = ingest_hash(file->path, lake_cancel(import->lake), &file->sha256, err);
    file->skip = r >= 0 && hash_eq(&file->sha256, &entry.sha256);
    return r;
}

/* ---- standard input ---- */

/* Copies it to a file of ours, which is then read like another. The ledger knows it by its content. */
static int take_standard_input(struct import *import, struct ingest_file *file, corrie_error *err)
{
    enum { BLOCK = 1 << 16 };
    char *path = arena_printf(&import->arena, "%s/input", import->work.spill.path);
    char hex[HASH_HEX + 1];
    char block[BLOCK];
    struct os_stat stat;
    _close_ int fd = -1;
    size_t got = 1;
    int r = path ? os_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600, &fd, err)
                 : corrie_fail_memory(err);

    while (r >= 0 && got > 0) {
        struct pollfd input = {.fd = 0, .events = POLLIN};

        /* who feeds the pipe may take for ever: waiting ends when the user has enough */
        r = os_poll(&input, 1, -1, lake_cancel(import->lake), err);
        if (r >= 0) {
            r = os_read(0, "standard input", block, sizeof block, &got, err);
        }
        if (r >= 0) {
            r = os_write(fd, path, str_make(block, got), err);
        }
    }
    if (r < 0 || (r = os_stat(path, &stat, err)) < 0 ||
        (r = ingest_hash(str_of(path), lake_cancel(import->lake), &file->sha256, err)) < 0) {
        return r;
    }
    hash_hex(&file->sha256, hex);
    file->path = str_of(path);
    file->size = (int64_t)stat.size;
    if (arena_str(&import->arena, str_of(hex), &file->version) < 0) {
        return corrie_fail_memory(err);
    }
    file->url = str_of(arena_printf(&import->arena, "stdin:%s", hex));
    return file->url.len > 0 ? 0 : corrie_fail_memory(err);
}

/* ---- files that are left out ---- */

/* Whether an error is about the file itself, so that another one may be fine. */
static bool is_of_file(int code)
{
    switch (code) {
    case CORRIE_E_DATA:
    case CORRIE_E_UNSUPPORTED:
    case CORRIE_E_LIMIT:
    case CORRIE_E_NOT_FOUND:
    case CORRIE_E_REFUSED:
    case CORRIE_E_USAGE:
    case CORRIE_E_EXISTS:
        return true;
    default:
        return false;
    }
}

int import_leave_out(struct import *import, struct ingest_file *file, corrie_error *err)
{
    if (!import->options->continue_on_error || !is_of_file(err->code)) {
        return err->code;
    }
    corrie_error_move(&file->error, err);
    file->failed = true;
    import->n_failed++;
    return 0;
}

/* ---- what is in the files ---- */

static int open_work(struct import *import, corrie_error *err)
{
    return import->work.engine
               ? 0
               : lake_workspace_open(import->lake, import->options->memory,
                                     &(struct engine_options){0}, &import->work, err);
}

static int describe_file(struct import *import, struct ingest_file *file,
                         struct engine_source_options *options, corrie_error *err)
{
    int r = 0;

    if (file->standard_input && (r = open_work(import, err)) >= 0) {
        r = take_standard_input(import, file, err);
    }
    if (r >= 0) {
        r = check_ledger(import, file, err);
    }
    if (r < 0 || file->skip) {
        return r;
    }
    r = open_work(import, err);
    if (r >= 0) {
        options->called = file->name;
        r = engine_describe(import->work.engine, file->path, options, &import->arena, &file->source,
                            err);
    }
    return r;
}

int import_look(struct import *import, corrie_error *err)
{
    struct engine_source_options options;
    const char *hive = import->options->hive;
    bool keys = !hive || strcmp(hive, "off") != 0;
    int r;

    r = source_options(import, &options, err);
    if (r >= 0 && hive && keys && strcmp(hive, "on") != 0) {
        return corrie_fail(err, CORRIE_E_USAGE, "--hive is on or off, not %s", hive);
    }
    if (r >= 0) {
        r = ingest_list(import->options->uris, import->options->n_uris, &import->arena,
                        &import->files, &import->n_files, err);
    }
    for (size_t i = 0; r >= 0 && i < import->n_files; i++) {
        struct ingest_file *file = &import->files[i];

        file->n_keys = keys ? file->n_keys : 0;
        import_progress(import, "looking at", file, -1);
        r = describe_file(import, file, &options, err);
        if (r < 0) {
            r = import_leave_out(import, file, err);
        }
        import->n_skipped += file->skip;
    }
    return r < 0 ? r
                 : ingest_keys(import->files, import->n_files, &import->arena, &import->keys, err);
}

int import_check_some(struct import *import, corrie_error *err)
{
    for (size_t i = 0; import->n_failed == import->n_files && i < import->n_files; i++) {
        struct ingest_file *file = &import->files[i];

        if (file->error.code < 0) {
            corrie_error_move(err, &file->error);
            return import->n_files == 1
                       ? err->code
                       : corrie_wrap(err, "none of %zu files can be imported; the first",
                                     import->n_files);
        }
    }
    return 0;
}

int import_describe(struct import *import, corrie_error *err)
{
    int r = import_look(import, err);

    if (r >= 0) {
        r = import_check_some(import, err);
    }
    if (r >= 0 && (!import_adds(import) || import->options->evolve)) {
        r = ingest_schema(import->files, import->n_files, &import->keys, &import->arena,
                          &import->schema, err);
    }
    for (size_t i = 0; r >= 0 && i < import->n_files; i++) {
        import->files[i].source.drops_columns = import_adds(import) && import->options->best_effort;
    }
    return r;
}

int import_partitioning(struct import *import, struct lake_write *write, corrie_error *err)
{
    struct partition_by_term *terms;
    int r;

    if (!import->options->partitioned_by) {
        return 0;
    }
    r = partition_parse(str_of(import->options->partitioned_by), &import->arena, &terms,
                        &write->n_partition_by, err);
    if (r < 0) {
        err->code =
            r == CORRIE_E_PROJECT ? CORRIE_E_USAGE : r; /* an option, no file of a project */
        return corrie_wrap(err, "partitioned by %s", import->options->partitioned_by);
    }
    write->partition_by = terms;
    write->partitioning = LAKE_PARTITION_SET;
    return 0;
}
