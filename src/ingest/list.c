/* list.c — which files a URI names. */
#include <fnmatch.h>
#include <stdlib.h>

#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"
#include "ingest/ingest.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/path.h"

enum { MAX_FILES = 1000000 };

/* A path and how much of it a person named: folders behind that may be keys. */
struct listed {
    struct str path;
    size_t named;
    bool standard_input;
};

struct listing {
    struct arena *arena;
    VEC(struct listed) paths;
    size_t named;    /* of the URI at hand */
    struct map seen; /* folders walked for it: device and inode. Links may lead in circles */
};

/* ---- kinds of files by their names ---- */

enum family { FAMILY_NONE, FAMILY_PARQUET, FAMILY_CSV, FAMILY_JSON, FAMILY_ARROW };

static enum family family_and_stem(struct str name, struct str *ret_stem)
{
    static const struct {
        const char *ending;
        enum family family;
    } endings[] = {
        {".parquet", FAMILY_PARQUET}, {".parq", FAMILY_PARQUET}, {".pq", FAMILY_PARQUET},
        {".csv", FAMILY_CSV},         {".tsv", FAMILY_CSV},      {".txt", FAMILY_CSV},
        {".json", FAMILY_JSON},       {".jsonl", FAMILY_JSON},   {".ndjson", FAMILY_JSON},
        {".arrow", FAMILY_ARROW},     {".arrows", FAMILY_ARROW}, {".feather", FAMILY_ARROW},
        {".ipc", FAMILY_ARROW}};
    static const char *const packings[] = {".gz", ".zst"};
    struct str stem = name;

    for (size_t i = 0; i < ARRAY_LEN(packings); i++) {
        if (str_ends(stem, str_of(packings[i]))) {
            stem.len -= strlen(packings[i]);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        size_t len = strlen(endings[i].ending);

        if (str_ends(stem, str_of(endings[i].ending)) && stem.len > len) {
            *ret_stem = str_slice(stem, 0, stem.len - len);
            return endings[i].family;
        }
    }
    *ret_stem = name;
    return FAMILY_NONE;
}

static enum family family_of(struct str name)
{
    struct str stem;

    return family_and_stem(name, &stem);
}

struct str ingest_stem(struct str name)
{
    struct str stem;

    (void)family_and_stem(name, &stem);
    return stem;
}

bool ingest_is_data(struct str name)
{
    return family_of(name) != FAMILY_NONE;
}

/* Files and folders that programs keep beside data: _SUCCESS, _delta_log, .git. */
bool ingest_is_left_out(struct str name)
{
    return name.data[0] == '.' || (name.data[0] == '_' && str_find(name, '=') < 0);
}

/* ---- walking ---- */

static int add_path(struct listing *listing, struct str path, corrie_error *err)
{
    struct listed listed = {.named = listing->named};

    if (listing->paths.count >= MAX_FILES) {
        return corrie_fail(err, CORRIE_E_LIMIT, "more than %d files", MAX_FILES);
    }
    if (arena_str(listing->arena, path, &listed.path) < 0 ||
        vec_push(&listing->paths, listed) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

/* What an entry of a folder is, behind links; a link to nothing is OS_OTHER. */
static int kind_of(const struct os_entry *entry, const char *path, enum os_kind *ret,
                   corrie_error *err)
{
    struct os_stat stat;
    int r;

    *ret = entry->kind;
    if (entry->kind != OS_LINK) {
        return 0;
    }
    r = os_stat(path, &stat, err);
    if (r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err);
        *ret = OS_OTHER;
        return 0;
    }
    *ret = r < 0 ? OS_OTHER : stat.kind;
    return r;
}

/* 1 if the folder was not walked yet for this URI. */
static int enter(struct listing *listing, const char *folder, size_t depth, corrie_error *err)
{
    struct os_stat stat;
    struct str key;
    int r;

    if (depth > CORRIE_MAX_DIR_DEPTH) {
        return corrie_fail(err, CORRIE_E_LIMIT, "%s lies deeper than %d folders", folder,
                           CORRIE_MAX_DIR_DEPTH);
    }
    r = os_stat(folder, &stat, err);
    if (r < 0) {
        return r;
    }
    key = str_of(arena_printf(listing->arena, "%llu:%llu", (unsigned long long)stat.device,
                              (unsigned long long)stat.inode));
    if (key.len == 0) {
        return corrie_fail_memory(err);
    }
    if (map_find(&listing->seen, key)) {
        return 0;
    }
    return map_put(&listing->seen, key, listing) < 0 ? corrie_fail_memory(err) : 1;
}

/* Adds the data files of a folder and of those below it, by name. */
static int walk_folder(struct listing *listing, const char *folder, size_t depth, corrie_error *err)
{
    struct os_entry *entries;
    size_t n;
    int r = enter(listing, folder, depth, err);

    if (r <= 0) {
        return r;
    }
    r = os_dir_list(folder, listing->arena, &entries, &n, err);
    for (size_t i = 0; r >= 0 && i < n; i++) {
        enum os_kind kind;
        char *path;

        if (ingest_is_left_out(entries[i].name)) {
            continue;
        }
        path = arena_printf(listing->arena, "%s/%.*s", folder, STR_FMT(entries[i].name));
        if (!path) {
            return corrie_fail_memory(err);
        }
        r = kind_of(&entries[i], path, &kind, err);
        if (r >= 0 && kind == OS_DIRECTORY) {
            r = walk_folder(listing, path, depth + 1, err);
        } else if (r >= 0 && kind == OS_FILE && ingest_is_data(entries[i].name)) {
            r = add_path(listing, str_of(path), err);
        }
    }
    return r;
}

/* Who names a folder means one kind of data: two kinds are two tables, or a mistake. */
static int check_families(const struct listing *listing, size_t first, const char *folder,
                          corrie_error *err)
{
    for (size_t i = first + 1; i < listing->paths.count; i++) {
        struct str a = listing->paths.items[first].path;
        struct str b = listing->paths.items[i].path;

        if (family_of(a) != family_of(b)) {
            corrie_fail(err, CORRIE_E_DATA,
                        "the folder %s holds files of several kinds: %.*s, %.*s", folder,
                        STR_FMT(a), STR_FMT(b));
            return corrie_hint(err, "name those that you mean by a pattern: '%s/**/*%.*s'", folder,
                               STR_FMT(str_from(a, (size_t)str_rfind(a, '.'))));
        }
    }
    return 0;
}

static int add_folder(struct listing *listing, const char *folder, corrie_error *err)
{
    size_t before = listing->paths.count;
    int r;

    listing->named = strlen(folder);
    r = walk_folder(listing, folder, 0, err);
    if (r >= 0 && listing->paths.count == before) {
        corrie_fail(err, CORRIE_E_NOT_FOUND, "the folder %s has no data files", folder);
        return corrie_hint(
            err,
            "data files end in .parquet, .csv, .tsv, .json, .jsonl or .arrow, with .gz or .zst "
            "behind it or not");
    }
    return r < 0 ? r : check_families(listing, before, folder, err);
}

/* ---- patterns ---- */

static bool is_pattern(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '*' || text.data[i] == '?' || text.data[i] == '[') {
            return true;
        }
    }
    return false;
}

/* Walks one folder for the next part of a pattern. `base` has no slash at the end ("" is the root). */
static int match_part(struct listing *listing, struct str base, struct str rest, size_t depth,
                      corrie_error *err)
{
    struct str part;
    struct str after;
    struct os_entry *entries;
    char *pattern;
    char *folder;
    bool deep;
    size_t n;
    int r = 0;

    str_cut(rest, '/', &part, &after);
    deep = str_eq(part, STR("**"));
    pattern = arena_text(listing->arena, part);
    folder = arena_printf(listing->arena, "%.*s/", STR_FMT(base));
    if (!pattern || !folder) {
        return corrie_fail_memory(err);
    }
    if (deep && depth > CORRIE_MAX_DIR_DEPTH) {
        return 0; /* links that lead in a circle */
    }
    if (deep && after.len > 0) { /* no folder at all */
        r = match_part(listing, base, after, depth, err);
    }
    if (r >= 0) {
        r = os_dir_list(folder, listing->arena, &entries, &n, err);
    }
    if (r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err);
        return 0;
    }
    for (size_t i = 0; r >= 0 && i < n; i++) {
        enum os_kind kind;
        struct str path;
        bool folder_wanted;

        if (deep ? ingest_is_left_out(entries[i].name)
                 : fnmatch(pattern, entries[i].name.data, FNM_PERIOD) != 0) {
            continue;
        }
        path = str_of(arena_printf(listing->arena, "%s%.*s", folder, STR_FMT(entries[i].name)));
        if (path.len == 0) {
            return corrie_fail_memory(err);
        }
        r = kind_of(&entries[i], path.data, &kind, err);
        folder_wanted = deep || after.len > 0;
        if (r >= 0 && kind == OS_DIRECTORY && folder_wanted) {
            /* a link into a folder above would be walked again and again */
            r = deep && entries[i].kind == OS_LINK
                    ? 0
                    : match_part(listing, path, deep ? rest : after, depth + 1, err);
        } else if (r >= 0 && kind != OS_DIRECTORY && after.len == 0) {
            r = add_path(listing, path, err);
        }
    }
    return r;
}

static int add_pattern(struct listing *listing, struct str pattern, corrie_error *err)
{
    size_t before = listing->paths.count;
    size_t fixed = 0;
    int r;

    /* what comes before the first part with a wildcard is taken as it is */
    for (size_t i = 0; i < pattern.len && !is_pattern(str_slice(pattern, 0, i)); i++) {
        fixed = pattern.data[i] == '/' ? i : fixed;
    }
    listing->named = fixed;
    r = match_part(listing, str_slice(pattern, 0, fixed), str_from(pattern, fixed + 1), 0, err);
    if (r >= 0 && listing->paths.count == before) {
        return corrie_fail(err, CORRIE_E_NOT_FOUND, "no file matches %.*s", STR_FMT(pattern));
    }
    return r;
}

static int add_standard_input(struct listing *listing, corrie_error *err)
{
    for (size_t i = 0; i < listing->paths.count; i++) {
        if (listing->paths.items[i].standard_input) {
            return corrie_fail(err, CORRIE_E_USAGE, "standard input (-) can be read only once");
        }
    }
    return vec_push(&listing->paths,
                    ((struct listed){.path = STR("standard input"), .standard_input = true})) < 0
               ? corrie_fail_memory(err)
               : 0;
}

static int add_uri(struct listing *listing, const char *uri, corrie_error *err)
{
    struct str text = str_of(uri);
    ptrdiff_t scheme = str_find_str(text, STR("://"));
    _free_ char *path = NULL;
    struct os_stat stat;
    int r;

    if (text.len == 0) {
        return corrie_fail(err, CORRIE_E_USAGE, "an empty name of a file");
    }
    if (str_eq(text, STR("-"))) {
        return add_standard_input(listing, err);
    }
    if (str_starts(text, STR("file://"))) {
        text = str_from(text, 7);
    } else if (scheme > 0) {
        corrie_fail(err, CORRIE_E_UNSUPPORTED,
                    "this version reads files of this machine only, not %s", uri);
        return corrie_hint(err, "save it to a file first");
    }
    r = os_path_absolute(text, &path, err);
    if (r < 0) {
        return r;
    }
    r = os_stat(path, &stat, err);
    if (r == CORRIE_E_NOT_FOUND && is_pattern(str_of(path))) {
        corrie_error_clear(err);
        return add_pattern(listing, str_of(path), err);
    }
    if (r < 0) {
        return r;
    }
    listing->named = strlen(path);
    return stat.kind == OS_DIRECTORY ? add_folder(listing, path, err)
                                     : add_path(listing, str_of(path), err);
}

/* ---- keys ---- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* %3A and the like are bytes that a folder's name could not have. */
static int unescape(struct str text, struct arena *arena, struct str *ret, corrie_error *err)
{
    char *out = arena_text(arena, text);
    size_t n = 0;

    if (!out) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < text.len; i++) {
        int high = text.data[i] == '%' && i + 2 < text.len ? hex_digit(text.data[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.data[i + 2]) : -1;

        out[n++] = low >= 0 ? (char)(high * 16 + low) : text.data[i];
        i += low >= 0 ? 2 : 0;
    }
    *ret = str_make(out, n);
    return 0;
}

/* The keys of the folders between what was named and the file: "year=2024" gives year. */
static int fill_keys(const struct listed *listed, struct arena *arena, struct ingest_file *file,
                     corrie_error *err)
{
    struct str rest = str_from(listed->path, listed->named);
    VEC(struct engine_source_key) keys = {0};
    struct str part;
    int r = 0;

    while (r >= 0 && str_cut(rest, '/', &part, &rest)) {
        ptrdiff_t at = str_find(part, '=');
        struct engine_source_key key = {0};

        if (at <= 0) {
            continue;
        }
        r = unescape(str_slice(part, 0, (size_t)at), arena, &key.name, err);
        if (r >= 0 && !str_eq(str_from(part, (size_t)at + 1), STR("__HIVE_DEFAULT_PARTITION__"))) {
            r = unescape(str_from(part, (size_t)at + 1), arena, &key.text, err);
        }
        if (r >= 0 && (!str_is_utf8(key.name, NULL) || !str_is_utf8(key.text, NULL))) {
            r = corrie_fail(err, CORRIE_E_DATA, "the folder %.*s is not UTF-8", STR_FMT(part));
        }
        for (size_t i = 0; r >= 0 && i < keys.count; i++) {
            if (str_eq_nocase(keys.items[i].name, key.name)) {
                r = corrie_fail(err, CORRIE_E_DATA, "%.*s has two folders with the key %.*s",
                                STR_FMT(listed->path), STR_FMT(key.name));
            }
        }
        if (r >= 0 && vec_push(&keys, key) < 0) {
            r = corrie_fail_memory(err);
        }
    }
    if (r >= 0 && keys.count > 0) {
        struct engine_source_key *kept = arena_array(arena, struct engine_source_key, keys.count);

        if (kept) {
            memcpy(kept, keys.items, keys.count * sizeof *kept);
        } else {
            r = corrie_fail_memory(err);
        }
        file->keys = kept;
        file->n_keys = keys.count;
    }
    vec_done(&keys);
    return r < 0 ? r : 0;
}

/* "<mtime ns>:<size>" */
static char *version_of(const struct os_stat *stat, struct arena *arena)
{
    return arena_printf(arena, "%lld:%llu", (long long)stat->mtime, (unsigned long long)stat->size);
}

static int fill_file(const struct listed *listed, struct arena *arena, struct ingest_file *file,
                     corrie_error *err)
{
    struct str path = listed->path;
    struct os_stat stat;
    char *url = arena_printf(arena, "file://%.*s", STR_FMT(path));
    char *version;
    int r;

    if (listed->standard_input) {
        *file = (struct ingest_file){.name = path, .standard_input = true};
        return 0;
    }
    r = os_stat(path.data, &stat, err);
    if (r < 0) {
        return r;
    }
    if (stat.kind != OS_FILE) {
        return corrie_fail(err, CORRIE_E_USAGE, "%.*s is no file", STR_FMT(path));
    }
    if (!str_is_utf8(path, NULL)) {
        return corrie_fail(err, CORRIE_E_USAGE, "the name of the file %.*s is not UTF-8",
                           STR_FMT(path));
    }
    version = version_of(&stat, arena);
    if (!url || !version) {
        return corrie_fail_memory(err);
    }
    *file = (struct ingest_file){.path = path,
                                 .name = path,
                                 .url = str_of(url),
                                 .version = str_of(version),
                                 .size = (int64_t)stat.size};
    return fill_keys(listed, arena, file, err);
}

static int fill_files(const struct listing *listing, struct arena *arena, struct ingest_file **ret,
                      size_t *ret_n, corrie_error *err)
{
    struct ingest_file *files = arena_array(arena, struct ingest_file, listing->paths.count);
    _cleanup_(map_done) struct map seen = {0};
    size_t n = 0;

    if (!files) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < listing->paths.count; i++) {
        struct str path = listing->paths.items[i].path;
        int r;

        if (map_find(&seen, path)) {
            continue;
        }
        if (map_put(&seen, path, files) < 0) {
            return corrie_fail_memory(err);
        }
        r = fill_file(&listing->paths.items[i], arena, &files[n++], err);
        if (r < 0) {
            return r;
        }
    }
    *ret = files;
    *ret_n = n;
    return 0;
}

int ingest_list(const char *const *uris, size_t n_uris, struct arena *arena,
                struct ingest_file **ret, size_t *ret_n, corrie_error *err)
{
    struct listing listing = {.arena = arena};
    int r = 0;

    if (n_uris == 0) {
        return corrie_fail(err, CORRIE_E_USAGE, "no file was named");
    }
    for (size_t i = 0; r >= 0 && i < n_uris; i++) {
        r = add_uri(&listing, uris[i], err);
        map_done(&listing.seen);
        listing.seen = (struct map){0};
    }
    if (r >= 0) {
        r = fill_files(&listing, arena, ret, ret_n, err);
    }
    vec_done(&listing.paths);
    return r;
}

int ingest_unchanged(const struct ingest_file *file, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct os_stat stat;
    char *version;
    int r;

    if (file->standard_input) {
        return 0; /* a copy of ours was read */
    }
    r = os_stat(file->path.data, &stat, err);
    if (r < 0) {
        return r;
    }
    version = version_of(&stat, &arena);
    if (!version) {
        return corrie_fail_memory(err);
    }
    if (!str_eq(str_of(version), file->version)) {
        corrie_fail(err, CORRIE_E_DATA, "%.*s was changed while it was imported",
                    STR_FMT(file->path));
        return corrie_hint(err, "import it again when whoever writes it is done");
    }
    return 0;
}

int ingest_hash(struct str path, const struct cancel *cancel, struct hash *ret, corrie_error *err)
{
    enum { BLOCK = 1 << 20 };
    _free_ char *block = mem_alloc(1, BLOCK);
    struct hasher *hasher = NULL;
    _close_ int fd = -1;
    size_t got = 1;
    int r;

    if (!block) {
        return corrie_fail_memory(err);
    }
    r = os_open(path.data, O_RDONLY, 0, &fd, err);
    if (r < 0 || (r = hasher_new(&hasher, err)) < 0) {
        return r;
    }
    while (r >= 0 && got > 0) {
        r = cancel_check(cancel, err);
        if (r >= 0) {
            r = os_read(fd, path.data, block, BLOCK, &got, err);
        }
        if (r >= 0) {
            hasher_add(hasher, str_make(block, got));
        }
    }
    if (r >= 0) {
        *ret = hasher_finish(hasher);
    }
    hasher_free(hasher);
    return r;
}
