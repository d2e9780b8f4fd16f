/* local.c — what kind of file it is, and the copy that is read instead where it cannot be read as it is. */
#include <string.h>

#include "engine/source.h"
#include "engine/unpack.h"
#include "os/file.h"
#include "os/path.h"

/* ---- format ---- */

static bool ends(struct str name, const char *end)
{
    struct str e = str_of(end);

    return name.len >= e.len && str_eq_nocase(str_from(name, name.len - e.len), e);
}

static enum engine_format format_of_name(struct str name)
{
    if (ends(name, ".gz") || ends(name, ".zst")) {
        name = str_slice(name, 0, (size_t)str_rfind(name, '.'));
    }
    if (ends(name, ".parquet") || ends(name, ".parq") || ends(name, ".pq")) {
        return ENGINE_FORMAT_PARQUET;
    }
    if (ends(name, ".csv") || ends(name, ".tsv")) {
        return ENGINE_FORMAT_CSV;
    }
    if (ends(name, ".jsonl") || ends(name, ".ndjson")) {
        return ENGINE_FORMAT_JSONL;
    }
    if (ends(name, ".arrow") || ends(name, ".arrows") || ends(name, ".feather") ||
        ends(name, ".ipc")) {
        return ENGINE_FORMAT_ARROW;
    }
    return ends(name, ".json") ? ENGINE_FORMAT_JSON : ENGINE_FORMAT_AUTO;
}

static enum engine_format format_of_content(struct str head)
{
    if (str_starts(head, STR("PAR1")) || str_starts(head, STR("PARE"))) {
        return ENGINE_FORMAT_PARQUET;
    }
    if (str_starts(head, STR("ARROW1")) || str_starts(head, STR("\xff\xff\xff\xff"))) {
        return ENGINE_FORMAT_ARROW;
    }
    head = str_trim(head);
    return str_starts(head, STR("{")) || str_starts(head, STR("[{")) ? ENGINE_FORMAT_JSON
                                                                     : ENGINE_FORMAT_CSV;
}

/* What other programs' files begin with: read as CSV they give tables of rubbish. */
static const char *foreign_kind(struct str head)
{
    static const struct {
        struct str magic;
        const char *kind;
    } kinds[] = {{{"PK\x03\x04", 4}, "a ZIP or Excel file"},
                 {{"\xd0\xcf\x11\xe0", 4}, "an old Excel file"},
                 {{"ARROW1", 6}, "an Arrow IPC file"},
                 {{"\xff\xff\xff\xff", 4}, "an Arrow IPC stream"},
                 {{"ORC", 3}, "an ORC file"},
                 {{"Obj\x01", 4}, "an Avro file"},
                 {{"SQLite format 3", 15}, "an SQLite database"},
                 {{"PAR1", 4}, "a Parquet file"},
                 {{"PARE", 4}, "an encrypted Parquet file"},
                 {{"BZh", 3}, "a bzip2 file"},
                 {{"\xfd"
                   "7zXZ",
                   5},
                  "an xz file"}};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (str_starts(head, kinds[i].magic)) {
            return kinds[i].kind;
        }
    }
    return NULL;
}

/* Text formats alone are looked at: DuckDB says itself what is no Parquet file. */
static int refuse_foreign(const struct describe *describe, struct str head)
{
    const struct engine_source *source = describe->source;
    const char *kind = foreign_kind(head);
    const char *format = source->format == ENGINE_FORMAT_CSV ? "CSV" : "JSON";

    if (source->format == ENGINE_FORMAT_PARQUET || source->format == ENGINE_FORMAT_ARROW) {
        return 0;
    }
    if (kind) {
        corrie_fail(describe->err, CORRIE_E_DATA, "%.*s is %s, not %s", STR_FMT(source->path), kind,
                    format);
        return corrie_hint(
            describe->err,
            "Parquet, CSV, JSON and Arrow files are read, plain or packed by gzip or "
            "zstd; --format says which one a file is");
    }
    head = str_slice(head, 0, str_find(head, '\n') < 0 ? head.len : (size_t)str_find(head, '\n'));
    if (str_find(head, '\0') >= 0) {
        corrie_fail(describe->err, CORRIE_E_DATA, "%.*s is not %s: it begins with binary data",
                    STR_FMT(source->path), format);
        return corrie_hint(
            describe->err,
            "text of two bytes a letter without a mark is read by --encoding utf-16le or utf-16be");
    }
    return 0;
}

/* The mark that text of UTF-16 or UTF-32 begins with, as iconv calls the encoding; NULL: none. */
static const char *marked_encoding(struct str head)
{
    return str_starts(head, (struct str){"\xff\xfe\0\0", 4})                        ? "UTF-32"
           : str_starts(head, (struct str){"\0\0\xfe\xff", 4})                      ? "UTF-32"
           : str_starts(head, STR("\xff\xfe")) || str_starts(head, STR("\xfe\xff")) ? "UTF-16"
                                                                                    : NULL;
}

int source_copy_path(struct describe *describe, struct str *ret)
{
    struct engine *engine = describe->engine;
    char *path;

    if (engine->temp_dir.len == 0) {
        return corrie_fail(describe->err, CORRIE_E_LIMIT,
                           "%.*s has to be copied, and there is no directory for that",
                           STR_FMT(describe->source->path));
    }
    path =
        arena_printf(describe->arena, "%.*s/copy-%u", STR_FMT(engine->temp_dir), engine->serial++);
    if (!path) {
        return corrie_fail_memory(describe->err);
    }
    *ret = str_of(path);
    return 0;
}

/* Reads from a copy what DuckDB cannot read where it is: unpacked, in UTF-8. */
static int make_copy(struct describe *describe, const char *path, const char *encoding)
{
    struct engine_source *source = describe->source;
    struct str copy;
    int r = source_copy_path(describe, &copy);

    if (r >= 0) {
        r = unpack_copy(path, encoding, copy.data, describe->engine->cancel, describe->err);
    }
    if (r >= 0) {
        source->local = copy;
        source->compression = STR_EMPTY;
    }
    return r;
}

/* `name` as iconv knows it. */
static const char *encoding_name(const char *name)
{
    static const char *const spellings[][2] = {{"latin-1", "ISO-8859-1"},
                                               {"latin1", "ISO-8859-1"},
                                               {"utf8", "UTF-8"},
                                               {"utf16", "UTF-16"}};

    for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
        if (str_eq_nocase(str_of(name), str_of(spellings[i][0]))) {
            return spellings[i][1];
        }
    }
    return name;
}

/* Copies the file if it must be, else reads a packed one to its end. `head` is what it begins with, unpacked. */
static int settle_local(struct describe *describe, const char *path, struct str head)
{
    struct engine_source *source = describe->source;
    bool text = source->format != ENGINE_FORMAT_PARQUET && source->format != ENGINE_FORMAT_ARROW;
    const char *encoding = text ? marked_encoding(head) : NULL;
    _free_ char *settled = str_dup(describe->options->encoding);

    if (!settled) {
        return corrie_fail_memory(describe->err);
    }
    if (text && settled[0] != '\0') {
        encoding = encoding_name(settled);
        encoding = str_eq_nocase(str_of(encoding), STR("UTF-8")) ? NULL : encoding;
    }
    if (!encoding) {
        int r = refuse_foreign(describe, head);

        if (r < 0) {
            return r;
        }
    }
    /* an Arrow file is mapped, and a file of others may shrink under a mapping */
    if (encoding || source->format == ENGINE_FORMAT_ARROW ||
        (!text && source->compression.len > 0)) {
        return make_copy(describe, path, encoding);
    }
    return source->compression.len > 0 ? unpack_check(path, describe->engine->cancel, describe->err)
                                       : 0;
}

int source_look(struct describe *describe)
{
    struct engine_source *source = describe->source;
    struct os_stat stat;
    char head[64];
    size_t len = 0;
    _free_ char *path = str_dup(source->local);
    int r = path ? os_stat(path, &stat, describe->err) : corrie_fail_memory(describe->err);

    if (r < 0) {
        return r;
    }
    if (stat.kind != OS_FILE) {
        return corrie_fail(describe->err, CORRIE_E_USAGE, "%.*s is no file", STR_FMT(source->path));
    }
    source->bytes = (int64_t)stat.size;
    if (stat.size == 0) {
        return corrie_fail(describe->err, CORRIE_E_DATA, "%.*s is empty", STR_FMT(source->path));
    }
    r = unpack_head(path, head, sizeof head, &len, &source->compression, describe->err);
    if (r < 0) {
        return r;
    }
    source->format = describe->options->format;
    if (source->format == ENGINE_FORMAT_AUTO) {
        source->format = format_of_name(os_path_name(source->path));
    }
    if (source->format == ENGINE_FORMAT_AUTO) {
        source->format = format_of_content(str_make(head, len));
    }
    return settle_local(describe, path, str_make(head, len));
}
