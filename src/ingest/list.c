/* list.c — which files a URI names. */
#include <fnmatch.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"
#include "ingest/ingest.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/path.h"

enum { MAX_FILES = 1000000 };

struct listing {
    struct arena *arena;
    VEC(struct str) paths;
};

/* Endings that a folder's data files have; others in it are left alone. */
static bool looks_like_data(struct str name)
{
    static const char *const endings[] = {".parquet", ".pq",    ".csv",    ".tsv",
                                          ".json",    ".jsonl", ".ndjson", ".txt"};
    static const char *const packings[] = {".gz", ".zst"};

    for (size_t i = 0; i < ARRAY_LEN(packings); i++) {
        if (str_ends(name, str_of(packings[i]))) {
            name.len -= strlen(packings[i]);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        if (str_ends(name, str_of(endings[i]))) {
            return name.len > strlen(endings[i]);
        }
    }
    return false;
}

static int add_path(struct listing *listing, const char *path, corrie_error *err)
{
    struct str copy;

    if (listing->paths.count >= MAX_FILES) {
        return corrie_fail(err, CORRIE_E_LIMIT, "more than %d files", MAX_FILES);
    }
    if (arena_str(listing->arena, str_of(path), &copy) < 0 || vec_push(&listing->paths, copy) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

static int add_folder(struct listing *listing, const char *folder, corrie_error *err)
{
    struct os_entry *entries;
    size_t before = listing->paths.count;
    size_t n;
    int r;

    r = os_dir_list(folder, listing->arena, &entries, &n, err);
    for (size_t i = 0; r >= 0 && i < n; i++) {
        char *path;

        if (entries[i].name.data[0] == '.' || entries[i].name.data[0] == '_' ||
            entries[i].kind == OS_DIRECTORY || !looks_like_data(entries[i].name)) {
            continue;
        }
        path = arena_printf(listing->arena, "%s/%.*s", folder, STR_FMT(entries[i].name));
        r = path ? add_path(listing, path, err) : corrie_fail_memory(err);
    }
    if (r >= 0 && listing->paths.count == before) {
        corrie_fail(err, CORRIE_E_NOT_FOUND, "the folder %s has no data files", folder);
        r = corrie_hint(
            err,
            "data files end in .parquet, .csv, .tsv, .json or .jsonl, with .gz or .zst behind it or "
            "not; files in subfolders are named by a pattern: %s/*/*.parquet",
            folder);
    }
    return r;
}

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
static int match_part(struct listing *listing, struct str base, struct str rest, corrie_error *err)
{
    struct str part;
    struct str after;
    struct os_entry *entries;
    char *pattern;
    char *folder;
    size_t n;
    int r;

    str_cut(rest, '/', &part, &after);
    pattern = arena_text(listing->arena, part);
    folder = arena_printf(listing->arena, "%.*s/", STR_FMT(base));
    if (!pattern || !folder) {
        return corrie_fail_memory(err);
    }
    r = os_dir_list(folder, listing->arena, &entries, &n, err);
    if (r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err);
        return 0;
    }
    for (size_t i = 0; r >= 0 && i < n; i++) {
        char *path;

        if (fnmatch(pattern, entries[i].name.data, FNM_PERIOD) != 0 ||
            entries[i].kind == (after.len > 0 ? OS_FILE : OS_DIRECTORY)) {
            continue;
        }
        path = arena_printf(listing->arena, "%s%.*s", folder, STR_FMT(entries[i].name));
        if (!path) {
            return corrie_fail_memory(err);
        }
        r = after.len > 0 ? match_part(listing, str_of(path), after, err) : 0;
        if (r >= 0 && after.len == 0) {
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
    r = match_part(listing, str_slice(pattern, 0, fixed), str_from(pattern, fixed + 1), err);
    if (r >= 0 && listing->paths.count == before) {
        return corrie_fail(err, CORRIE_E_NOT_FOUND, "no file matches %.*s", STR_FMT(pattern));
    }
    return r;
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
    if (str_starts(text, STR("file://"))) {
        text = str_from(text, 7);
    } else if (scheme > 0 || str_eq(text, STR("-"))) {
        corrie_fail(err, CORRIE_E_UNSUPPORTED,
                    "this version reads files of this machine only, not %s",
                    scheme > 0 ? uri : "standard input");
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
    return stat.kind == OS_DIRECTORY ? add_folder(listing, path, err)
                                     : add_path(listing, path, err);
}

/* "<mtime ns>:<size>" */
static char *version_of(const struct os_stat *stat, struct arena *arena)
{
    return arena_printf(arena, "%lld:%llu", (long long)stat->mtime, (unsigned long long)stat->size);
}

static int fill_file(struct str path, struct arena *arena, struct ingest_file *file,
                     corrie_error *err)
{
    struct os_stat stat;
    char *url = arena_printf(arena, "file://%.*s", STR_FMT(path));
    char *version;
    int r;

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
    *file = (struct ingest_file){
        .path = path, .url = str_of(url), .version = str_of(version), .size = (int64_t)stat.size};
    return 0;
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
        struct str path = listing->paths.items[i];
        int r;

        if (map_find(&seen, path)) {
            continue;
        }
        if (map_put(&seen, path, files) < 0) {
            return corrie_fail_memory(err);
        }
        r = fill_file(path, arena, &files[n++], err);
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
