/* json.c — records of JSON files that are larger than what DuckDB reads unless told otherwise.
 *
 * It has buffers of twice its maximum_object_size for each thread, so the size is found out, not guessed: the longest line
 * of JSON lines that json_scan.c read, else by a look at the brackets of files that are large enough to hold such a
 * record. Where memory is short the buffers are smaller than DuckDB's own, as far as the records have room. */
#include <string.h>

#include "engine/source.h"
#include "engine/unpack.h"
#include "os/file.h"

#define DUCK_RECORD ((uint64_t)16 << 20)     /* DuckDB's default */
#define DUCK_MOST_RECORD ((uint64_t)4 << 30) /* its option has 32 bits */
#define SLACK ((uint64_t)1 << 20)            /* for what stands between records */
/* Of the memory that the engine may use maximum_object_size gets so much: half of what a buffer of CSV gets. */
#define RECORD_MEMORY 32

/* Where in the text a look at its brackets has come. */
struct brackets {
    uint64_t at;
    uint64_t start; /* of the record that is open */
    uint64_t longest;
    unsigned depth;
    unsigned base; /* 1: the whole is an array, its elements are the records */
    bool begun;
    bool text;    /* inside of quotes */
    bool escaped; /* behind a backslash */
};

static void open_bracket(struct brackets *b, char c, uint64_t at)
{
    if (!b->begun) {
        b->begun = true;
        b->base = c == '[';
    }
    if (b->depth == b->base) {
        b->start = at;
    }
    b->depth++;
}

static void close_bracket(struct brackets *b, uint64_t at)
{
    b->depth -= b->depth > 0;
    if (b->depth == b->base && at + 1 - b->start > b->longest) {
        b->longest = at + 1 - b->start;
    }
}

static int look(void *arg, struct str bytes, corrie_error *err)
{
    struct brackets *b = arg;

    (void)err;
    for (size_t i = 0; i < bytes.len; i++) {
        char c = bytes.data[i];

        if (b->escaped) {
            b->escaped = false;
        } else if (b->text) {
            b->text = c != '"';
            b->escaped = c == '\\';
        } else if (c == '"') {
            b->text = true;
        } else if (c == '{' || c == '[') {
            open_bracket(b, c, b->at + i);
        } else if (c == '}' || c == ']') {
            close_bracket(b, b->at + i);
        }
    }
    b->at += bytes.len;
    return 0;
}

int json_room(const char *path, uint64_t longest, uint64_t memory, uint64_t *ret, corrie_error *err)
{
    uint64_t share = memory / RECORD_MEMORY;
    uint64_t room = longest + SLACK;

    if (room >= DUCK_MOST_RECORD) {
        return corrie_fail(err, CORRIE_E_LIMIT, "%s: a record of %llu bytes; 4 GiB can be read",
                           path, (unsigned long long)longest);
    }
    if (room <= DUCK_RECORD && (memory == 0 || share >= DUCK_RECORD)) {
        *ret = 0;
    } else {
        *ret = room > share ? room : share;
    }
    return 0;
}

int json_record_size(const char *path, bool packed, uint64_t memory, const struct cancel *cancel,
                     uint64_t *ret, corrie_error *err)
{
    struct brackets brackets = {.at = 0};
    struct os_stat stat;
    int r = os_stat(path, &stat, err);

    if (r < 0) {
        return r;
    }
    if (!packed && stat.size <= DUCK_RECORD) {
        brackets.longest = stat.size > SLACK ? stat.size - SLACK : 0; /* at most, with its room */
    } else {
        r = unpack_each(path, cancel, look, &brackets, err);
    }
    return r < 0 ? r : json_room(path, brackets.longest, memory, ret, err);
}

static bool ends(struct str name, const char *end)
{
    struct str e = str_of(end);

    return name.len > e.len && str_eq_nocase(str_from(name, name.len - e.len), e);
}

/* JSON by its name, as DuckDB sees it. */
static bool is_json(struct str name, bool *ret_packed)
{
    *ret_packed = ends(name, ".gz") || ends(name, ".zst");
    if (*ret_packed) {
        name = str_slice(name, 0, (size_t)str_rfind(name, '.'));
    }
    return ends(name, ".json") || ends(name, ".jsonl") || ends(name, ".ndjson");
}

int engine_ready_file(struct engine *engine, struct str name, corrie_error *err)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf sql = {0};
    _free_ char *path = str_dup(name);
    struct os_stat stat;
    uint64_t size = 0;
    bool packed;
    int r;

    if (!path) {
        return corrie_fail_memory(err);
    }
    if (!is_json(name, &packed) || os_stat(path, &stat, &ignored) < 0 || stat.kind != OS_FILE) {
        return 0;
    }
    r = json_record_size(path, packed, engine->memory, engine->cancel, &size, err);
    if (r < 0 || size <= engine->json_record) {
        return r;
    }
    /* FROM 'x.json' is read_json_auto('x.json'), and a macro in the first schema of the search path hides DuckDB's */
    buf_addf(&sql,
             "CREATE OR REPLACE MACRO " NAMELESS ".read_json_auto(path) AS TABLE "
             "SELECT * FROM read_json(path, maximum_object_size = %llu)",
             (unsigned long long)size);
    r = buf_check(&sql, err);
    if (r >= 0) {
        r = engine_run(engine, &engine->session, buf_text(&sql), NULL, err);
    }
    if (r >= 0) {
        engine->json_record = size;
    }
    return r;
}
