#include "plan/project.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"
#include "lang/ignore.h"
#include "lang/project.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/path.h"

static const char *const project_files[] = {
    "corrie.yaml",
    "corrie.yml",
    "bauplan_project.yml",
    "bauplan_project.yaml",
};
#define FIRST_BAUPLAN 2
#define MAX_FOLDERS 32 /* below the project's */

/* What is being gathered. */
struct reading {
    struct project_dir *project;
    char *real;      /* the directory with links followed */
    struct map seen; /* path -> source, so that no file counts twice */
    VEC(struct source_file) sources;
    const struct project_text
        *include; /* the pattern that is followed; NULL: the project's own folder */
    bool found;   /* it led to a file */
};

/* A folder, and the .gitignore files from it up to the repository's. */
struct folder {
    const struct folder *up;
    struct str path;       /* absolute */
    struct ignore *ignore; /* NULL: no such file */
};

static void reading_done(struct reading *reading)
{
    mem_free(reading->real);
    map_done(&reading->seen);
    vec_done(&reading->sources);
}

static bool is_source(struct str name, enum source_language *ret)
{
    if (name.len > 3 && str_ends(name, STR(".py"))) {
        *ret = SOURCE_PYTHON;
        return true;
    }
    if (name.len > 4 && str_ends(name, STR(".sql"))) {
        *ret = SOURCE_SQL;
        return true;
    }
    return false;
}

/* A regular file in the directory, or a link to one that stays inside: 1. Others are no part of it: 0, and where an
 * include path led out of the project an error. */
static int is_inside(const struct reading *reading, const char *file, struct str path,
                     enum os_kind kind, corrie_error *err)
{
    _error_ corrie_error inner = CORRIE_ERROR_INIT;
    _free_ char *real = NULL;
    struct os_stat info;

    if (kind == OS_FILE) {
        return 1;
    }
    if (kind != OS_LINK || os_path_real(file, &real, &inner) < 0 ||
        os_stat(file, &info, &inner) < 0) {
        return inner.code == CORRIE_E_NO_MEMORY ? corrie_fail_memory(err) : 0;
    }
    struct str root = str_of(reading->real);
    struct str target = str_of(real);
    if (str_starts(target, root) && target.data[root.len] == '/') {
        return info.kind == OS_FILE;
    }
    if (!reading->include) {
        return 0;
    }
    corrie_fail(err, CORRIE_E_PROJECT, "%.*s is a link that leads out of the project",
                STR_FMT(path));
    corrie_hint(err, "put the file itself there, or take it out of include_paths");
    return project_error_at(reading->project->settings, reading->include, err);
}

static int check_utf8(struct str path, struct str text, corrie_error *err)
{
    size_t bad;

    if (str_is_utf8(text, &bad)) {
        return 0;
    }
    corrie_fail(err, CORRIE_E_PROJECT, "%.*s is not UTF-8: byte 0x%02x at offset %zu",
                STR_FMT(path), (uint8_t)text.data[bad], bad);
    corrie_hint(err, "save the file as UTF-8");
    /* the position without the text: the line cannot be shown */
    long line = 1;
    for (size_t i = 0; i < bad; i++) {
        line += text.data[i] == '\n';
    }
    _free_ char *file = str_dup(path);
    return file ? corrie_error_at(err, file, line, 0, 0, STR_EMPTY) : corrie_fail_memory(err);
}

/* Reads `dir`/`name` as the source `path` (relative, in the arena). */
static int read_source(struct reading *reading, const char *file, struct str path,
                       enum source_language language, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    struct source_file source = {.path = path, .language = language};

    if (map_find(&reading->seen, path)) {
        return 0;
    }
    if (reading->sources.count >= CORRIE_MAX_SOURCE_FILES) {
        return corrie_fail(err, CORRIE_E_LIMIT, "the project has more than %d source files",
                           CORRIE_MAX_SOURCE_FILES);
    }
    int r = os_file_read(file, CORRIE_MAX_SOURCE, &text, err);
    if (r < 0 || buf_check(&text, err) < 0) {
        return err->code;
    }
    r = check_utf8(path, buf_str(&text), err);
    if (r < 0) {
        return r;
    }
    if (arena_str(&reading->project->arena, buf_str(&text), &source.text) < 0 ||
        map_put(&reading->seen, path, NULL) < 0) {
        return corrie_fail_memory(err);
    }
    source.hash = hash_bytes(source.text);
    return vec_push(&reading->sources, source) < 0 ? corrie_fail_memory(err) : 0;
}

/* ---- what git leaves out ------------------------------------------------------------------------ */

static int open_folder(struct reading *reading, const struct folder *up, struct str path,
                       struct folder *ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    _free_ char *file = NULL;
    struct os_stat info;

    *ret = (struct folder){.up = up, .path = path};
    int r = os_path_join(path, STR(".gitignore"), &file, err);
    if (r >= 0) {
        r = os_exists(file, err);
    }
    if (r > 0) {
        r = os_stat(file, &info, err);
        r = r < 0 ? r : info.kind == OS_FILE;
    }
    if (r <= 0) {
        return r;
    }
    r = os_file_read(file, CORRIE_MAX_SOURCE, &text, err);
    return r < 0 ? r : ignore_parse(buf_str(&text), &reading->project->arena, &ret->ignore, err);
}

/* The folders above the project's, up to that of the repository it lies in; none if it lies in none. The nearest is
 * *ret. */
static int open_folders_above(struct reading *reading, const struct folder **ret, corrie_error *err)
{
    struct str paths[MAX_FOLDERS];
    struct str path = str_of(reading->real);
    size_t n = 0;
    int r = 0;

    *ret = NULL;
    for (; r == 0; path = os_path_parent(path)) {
        _free_ char *git = NULL;
        if (n == MAX_FOLDERS || str_eq(path, STR("/"))) {
            return 0;
        }
        paths[n++] = path;
        r = os_path_join(path, STR(".git"), &git, err);
        if (r >= 0) {
            r = os_exists(git, err);
        }
    }
    for (size_t i = n; r >= 0 && i > 1; i--) { /* the first is the project's own */
        struct folder *folder = arena_new(&reading->project->arena, struct folder);
        if (!folder) {
            return corrie_fail_memory(err);
        }
        r = open_folder(reading, *ret, paths[i - 1], folder, err);
        *ret = folder;
    }
    return r < 0 ? r : 0;
}

/* Whether a .gitignore file leaves `name` in the folder out: the nearest that says something of it decides. */
static bool is_ignored(const struct folder *folder, struct str name, bool is_folder)
{
    char path[CORRIE_MAX_PATH];
    size_t len = folder->path.len + 1 + name.len;

    if (len >= sizeof path) {
        return false;
    }
    memcpy(path, folder->path.data, folder->path.len);
    path[folder->path.len] = '/';
    memcpy(path + folder->path.len + 1, name.data, name.len);
    for (; folder; folder = folder->up) {
        struct str below = str_from(str_make(path, len), folder->path.len + 1);
        enum ignore_verdict verdict =
            folder->ignore ? ignore_look(folder->ignore, below, is_folder) : IGNORE_SAYS_NOTHING;
        if (verdict != IGNORE_SAYS_NOTHING) {
            return verdict == IGNORE_OUT;
        }
    }
    return false;
}

/* ---- folders ------------------------------------------------------------------------------------ */

/* A folder that is gone through: the pattern is for what lies in it. */
struct passing {
    struct reading *reading;
    const struct folder *up;
    struct str sub;     /* relative to the project, "" = itself */
    struct str pattern; /* of include_paths; empty: all sources of this folder */
    int depth;
};

static int read_folder(const struct passing *passing, corrie_error *err);

static int enter(const struct passing *passing, const struct folder *folder, struct str sub,
                 struct str pattern, corrie_error *err)
{
    if (passing->depth >= MAX_FOLDERS) {
        corrie_fail(err, CORRIE_E_LIMIT, "%.*s lies more than %d folders deep", STR_FMT(sub),
                    MAX_FOLDERS);
        return project_error_at(passing->reading->project->settings, passing->reading->include,
                                err);
    }
    return read_folder(
        &(struct passing){passing->reading, folder, sub, pattern, passing->depth + 1}, err);
}

/* Functions in C are not run: who wrote some is told. Other files in C are none of a project's. */
static int refuse_c(const char *file, struct str path, corrie_error *err)
{
    static const struct str header = {"corrie/model.h", 14};
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf text = {0};
    ptrdiff_t at;

    if (os_file_read(file, CORRIE_MAX_SOURCE, &text, &ignored) < 0 ||
        (at = str_find_str(buf_str(&text), header)) < 0) {
        return 0;
    }
    corrie_fail(err, CORRIE_E_UNSUPPORTED, "%.*s has functions in C, which cannot be run",
                STR_FMT(path));
    corrie_hint(err, "write the model in Python or SQL, or take the file out of the project");
    return corrie_error_at_offset(err, path.data, buf_str(&text), (size_t)at, header.len);
}

static int read_entry(const struct passing *passing, const struct folder *folder,
                      const struct os_entry *entry, corrie_error *err)
{
    struct reading *reading = passing->reading;
    struct arena *arena = &reading->project->arena;
    struct str part, rest, name = entry->name;
    bool more = str_cut(passing->pattern, '/', &part, &rest);
    bool is_folder = entry->kind == OS_DIRECTORY;
    enum source_language language;

    if (name.data[0] == '.' || is_ignored(folder, name, is_folder)) {
        return 0;
    }
    char *path = arena_printf(arena, "%.*s%s%.*s", STR_FMT(passing->sub),
                              passing->sub.len ? "/" : "", STR_FMT(name));
    char *file = arena_printf(arena, "%.*s/%.*s", STR_FMT(folder->path), STR_FMT(name));
    if (!path || !file) {
        return corrie_fail_memory(err);
    }
    if (more && is_folder && str_eq(part, STR("**"))) {
        return enter(passing, folder, str_of(path), passing->pattern, err);
    }
    if (passing->pattern.len > 0 && !path_matches(part, name)) {
        return 0;
    }
    if (more) {
        return is_folder ? enter(passing, folder, str_of(path), rest, err) : 0;
    }
    if (!is_source(name, &language)) {
        return entry->kind == OS_FILE && str_ends(name, STR(".c"))
                   ? refuse_c(file, str_of(path), err)
                   : 0;
    }
    int r = is_inside(reading, file, str_of(path), entry->kind, err);
    if (r <= 0) {
        return r;
    }
    reading->found = true;
    return read_source(reading, file, str_of(path), language, err);
}

static int read_folder(const struct passing *passing, corrie_error *err)
{
    struct reading *reading = passing->reading;
    struct arena *arena = &reading->project->arena;
    struct folder folder;
    struct os_entry *entries;
    size_t n_entries;

    const char *path = arena_printf(arena, "%s%s%.*s", reading->real, passing->sub.len ? "/" : "",
                                    STR_FMT(passing->sub));
    if (!path) {
        return corrie_fail_memory(err);
    }
    int r = open_folder(reading, passing->up, str_of(path), &folder, err);
    if (r >= 0) {
        r = os_dir_list(path, arena, &entries, &n_entries, err);
    }
    for (size_t i = 0; r >= 0 && i < n_entries; i++) {
        r = read_entry(passing, &folder, &entries[i], err);
    }
    if (r >= 0 && str_starts(passing->pattern, STR("**/"))) { /* no folder is "any folders" too */
        struct passing here = *passing;
        here.pattern = str_from(passing->pattern, 3);
        return read_folder(&here, err);
    }
    return r < 0 ? r : 0;
}

static int read_include_path(struct reading *reading, const struct folder *above,
                             const struct project_text *include, corrie_error *err)
{
    const struct project *settings = reading->project->settings;
    enum source_language language;
    struct str text = str_from(include->text, str_starts(include->text, STR("./")) ? 2 : 0);
    struct str rest = text, part;
    bool up = false;

    while (rest.len > 0) {
        str_cut(rest, '/', &part, &rest);
        up = up || str_eq(part, STR("..")) || part.len == 0;
    }
    if (up || text.len == 0 || text.data[0] == '/') {
        corrie_fail(err, CORRIE_E_PROJECT, "include path %.*s is not inside the project",
                    STR_FMT(text));
        corrie_hint(err, "write it relative to the project directory, without '..'");
        return project_error_at(settings, include, err);
    }
    if (!is_source(text, &language)) {
        corrie_fail(err, CORRIE_E_PROJECT, "include path %.*s is not understood", STR_FMT(text));
        corrie_hint(err, "it ends in .sql or .py; '*' stands for any part of one name, ** for any "
                         "folders: views/*.sql");
        return project_error_at(settings, include, err);
    }
    reading->include = include;
    reading->found = false;
    int r = read_folder(&(struct passing){.reading = reading, .up = above, .pattern = text}, err);
    if (r < 0 || reading->found || str_find(text, '*') >= 0 || str_find(text, '?') >= 0 ||
        str_find(text, '[') >= 0) {
        return r;
    }
    corrie_fail(err, CORRIE_E_PROJECT, "include path %.*s: there is no such file", STR_FMT(text));
    corrie_hint(err, "files that begin with a dot, or that git ignores, are no part of a project");
    return project_error_at(settings, include, err);
}

static int by_path(const void *a, const void *b)
{
    const struct source_file *x = a, *y = b;

    return str_cmp(x->path, y->path);
}

static int read_sources(struct project_dir *project, corrie_error *err)
{
    _cleanup_(reading_done) struct reading reading = {.project = project};
    const struct folder *above;

    int r = os_path_real(project->dir.data, &reading.real, err);
    if (r < 0) {
        return r;
    }
    r = open_folders_above(&reading, &above, err);
    if (r >= 0) {
        r = read_folder(&(struct passing){.reading = &reading, .up = above}, err);
    }
    for (size_t i = 0; r >= 0 && i < project->settings->n_include_paths; i++) {
        r = read_include_path(&reading, above, &project->settings->include_paths[i], err);
    }
    if (r < 0) {
        return r;
    }
    project->n_sources = reading.sources.count;
    if (project->n_sources == 0) {
        return 0;
    }
    project->sources = arena_array(&project->arena, struct source_file, project->n_sources);
    if (!project->sources) {
        return corrie_fail_memory(err);
    }
    memcpy(project->sources, reading.sources.items, project->n_sources * sizeof *project->sources);
    qsort(project->sources, project->n_sources, sizeof *project->sources, by_path);
    return 0;
}

/* Which of the names the project file has; exactly one must be there. */
static int find_project_file(struct project_dir *project, corrie_error *err)
{
    const char *found = NULL;

    for (size_t i = 0; i < ARRAY_LEN(project_files); i++) {
        _free_ char *path = NULL;
        int r = os_path_join(project->dir, str_of(project_files[i]), &path, err);
        if (r >= 0) {
            r = os_exists(path, err);
        }
        if (r < 0) {
            return r;
        }
        if (r == 0) {
            continue;
        }
        if (found) {
            corrie_fail(err, CORRIE_E_PROJECT, "%.*s has two project files: %s and %s",
                        STR_FMT(project->dir), found, project_files[i]);
            return corrie_hint(err, "keep one of them; all have the same keys");
        }
        found = project_files[i];
        project->bauplan = i >= FIRST_BAUPLAN;
    }
    if (!found) {
        corrie_fail(err, CORRIE_E_NOT_FOUND,
                    "%.*s is not a project: no corrie.yaml or bauplan_project.yml",
                    STR_FMT(project->dir));
        return corrie_hint(err, "go to the project's directory, or name it by --project-dir; "
                                "`corrie init` makes one");
    }
    project->file = str_of(found);
    return 0;
}

/* A pipe of that name would be waited for without end. */
static int check_file(const char *path, corrie_error *err)
{
    struct os_stat stat;
    int r = os_stat(path, &stat, err);

    return r < 0 || stat.kind == OS_FILE
               ? r
               : corrie_fail(err, CORRIE_E_PROJECT, "%s is not a file", path);
}

static int read_settings(struct project_dir *project, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    _free_ char *path = NULL;

    int r = os_path_join(project->dir, project->file, &path, err);
    if (r >= 0) {
        r = check_file(path, err);
    }
    if (r >= 0) {
        r = os_file_read(path, CORRIE_MAX_SOURCE, &text, err);
    }
    if (r < 0 || buf_check(&text, err) < 0) {
        return err->code;
    }
    r = check_utf8(project->file, buf_str(&text), err);
    if (r < 0) {
        return r;
    }
    if (arena_str(&project->arena, buf_str(&text), &project->file_text) < 0) {
        return corrie_fail_memory(err);
    }
    return project_parse(project->file.data, project->file_text, &project->arena,
                         &project->settings, err);
}

static int read_lock(struct project_dir *project, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    _free_ char *path = NULL;
    int r = os_path_join(project->dir, STR(PROJECT_LOCK_FILE), &path, err);

    r = r < 0 ? r : os_exists(path, err);
    if (r <= 0 || (r = check_file(path, err)) < 0) {
        return r;
    }
    r = os_file_read(path, CORRIE_MAX_SOURCE, &text, err);
    if (r < 0 || buf_check(&text, err) < 0) {
        return err->code;
    }
    project->has_lock = true;
    return arena_str(&project->arena, buf_str(&text), &project->lock_text) < 0
               ? corrie_fail_memory(err)
               : 0;
}

int project_read_lock(struct project_dir *project, corrie_error *err)
{
    return project->has_lock ? env_lock_parse(STR(PROJECT_LOCK_FILE), project->lock_text,
                                              &project->arena, &project->lock, err)
                             : 0;
}

static int check_directory(struct str dir, corrie_error *err)
{
    struct os_stat info;
    int r = os_stat(dir.data, &info, err);

    if (r == CORRIE_E_NOT_FOUND) {
        corrie_fail(err, CORRIE_E_NOT_FOUND, "open project: there is no directory %.*s",
                    STR_FMT(dir));
        return corrie_hint(err, "--project-dir names the directory that holds corrie.yaml");
    }
    if (r < 0) {
        return corrie_wrap(err, "open project");
    }
    if (info.kind != OS_DIRECTORY) {
        corrie_fail(err, CORRIE_E_NOT_FOUND, "open project: %.*s is not a directory", STR_FMT(dir));
        return corrie_hint(err, "--project-dir names the directory that holds corrie.yaml");
    }
    return 0;
}

static int open_project(struct str dir, bool sources, struct project_dir **ret, corrie_error *err)
{
    _cleanup_(project_closep) struct project_dir *project = mem_alloc(1, sizeof *project);
    _free_ char *path = NULL;

    if (!project) {
        return corrie_fail_memory(err);
    }
    int r = os_path_absolute(dir.len ? dir : STR("."), &path, err);
    if (r < 0) {
        return r;
    }
    if (arena_str(&project->arena, str_of(path), &project->dir) < 0) {
        return corrie_fail_memory(err);
    }
    r = check_directory(project->dir, err);
    if (r >= 0) {
        r = find_project_file(project, err);
    }
    if (r >= 0) {
        r = read_settings(project, err);
    }
    if (r >= 0 && sources) {
        r = read_sources(project, err);
        r = r < 0 ? r : read_lock(project, err);
    }
    if (r < 0) {
        return r;
    }
    *ret = TAKE_PTR(project);
    return 0;
}

int project_open(struct str dir, struct project_dir **ret, corrie_error *err)
{
    return open_project(dir, true, ret, err);
}

int project_open_settings(struct str dir, struct project_dir **ret, corrie_error *err)
{
    return open_project(dir, false, ret, err);
}

struct project_dir *project_close(struct project_dir *project)
{
    if (project) {
        arena_done(&project->arena);
        mem_free(project);
    }
    return NULL;
}

const struct source_file *project_source(const struct project_dir *project, struct str path)
{
    struct source_file key = {.path = path};

    if (project->n_sources == 0) {
        return NULL;
    }
    return bsearch(&key, project->sources, project->n_sources, sizeof key, by_path);
}

struct str project_namespace(const struct project_dir *project)
{
    if (project->settings->ns.text.len > 0) {
        return project->settings->ns.text;
    }
    return project->bauplan ? STR("bauplan") : STR("public");
}
