/* open.c — making and opening a lake. */
#include "lake/lake_priv.h"

#include <stdarg.h>

#include "base/mem.h"
#include "catalog/commit.h"
#include "catalog/tree.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/path.h"
#include "os/user.h"

#define CONFIG_NAME "lake.json"
#define LOCK_NAME ".corrie-lock"
#define CATALOG_URL "sqlite:catalog/catalog.db"

enum { MAX_CONFIG = 64 * 1024, MAKE_DEADLINE_MS = 30000 };

struct catalog *lake_catalog(struct lake *lake)
{
    return lake->catalog;
}

struct store *lake_store(struct lake *lake)
{
    return lake->store;
}

const struct table_io *lake_io(const struct lake *lake)
{
    return &lake->io;
}

struct str lake_root(const struct lake *lake)
{
    return lake->root;
}

const struct uuid *lake_id(const struct lake *lake)
{
    return &lake->id;
}

struct str lake_user(const struct lake *lake)
{
    return lake->user;
}

const struct cancel *lake_cancel(const struct lake *lake)
{
    return lake->cancel;
}

void lake_event(struct lake *lake, const corrie_event *event)
{
    if (lake->event) {
        lake->event(lake->event_context, event);
    }
}

void lake_notice(struct lake *lake, const char *format, ...)
{
    _cleanup_(buf_done) struct buf text = {0};
    va_list args;

    va_start(args, format);
    buf_addv(&text, format, args);
    va_end(args);
    lake_event(lake, &(corrie_event){.size = sizeof(corrie_event),
                                     .kind = "notice",
                                     .text = buf_text(&text),
                                     .rows = -1,
                                     .bytes = -1,
                                     .time_ns = clock_now()});
}

/* Whether a directory holds nothing but what an unfinished making of a lake leaves. */
static int is_free(const char *root, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct os_entry *entries;
    size_t n;
    int r;

    r = os_dir_list(root, &arena, &entries, &n, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < n; i++) {
        if (!str_eq(entries[i].name, STR("catalog")) && !str_eq(entries[i].name, STR(LOCK_NAME)) &&
            !os_temp_is(entries[i].name)) {
            return 0;
        }
    }
    return 1;
}

static int make_first_commit(struct lake *lake, corrie_error *err)
{
    _cleanup_(object_list_done) struct object_list objects = {0};
    struct commit commit = {.author = lake->user, .message = STR("Make the lake")};
    struct catalog_move move = {.ref = STR(LAKE_MAIN),
                                .kind = CATALOG_BRANCH,
                                .who = lake->user,
                                .why = STR("make the lake")};
    int r;

    r = tree_empty(lake->catalog, &objects, &commit.tree, err);
    if (r < 0) {
        return r;
    }
    r = commit_add(lake->catalog, &commit, &objects, &move.new_commit, err);
    if (r < 0) {
        return r;
    }
    return catalog_commit(lake->catalog, &objects, &move, err);
}

static int open_catalog(struct lake *lake, corrie_error *err)
{
    struct catalog_options options = {.cancel = lake->cancel};
    int r;

    r = catalog_open(lake->catalog_dir.data, &options, &lake->catalog, err);
    if (r == CORRIE_E_NOT_FOUND) {
        err->code = CORRIE_E_CORRUPT;
        return corrie_hint(err,
                           "the lake's directory %s is incomplete: bring catalog/ back from a copy",
                           lake->root.data);
    }
    return r;
}

/* The lake's own places, from its root. */
static int set_places(struct lake *lake, corrie_error *err)
{
    char *directory = arena_printf(&lake->arena, "%s/catalog", lake->root.data);

    if (!directory) {
        return corrie_fail_memory(err);
    }
    lake->catalog_dir = str_of(directory);
    return 0;
}

/* Makes the lake in a directory that is free. lake.json comes last: with it the lake exists. */
static int make_parts(struct lake *lake, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    struct lake_config config = {.format = LAKE_FORMAT,
                                 .id = uuid_random(),
                                 .catalog = STR(CATALOG_URL),
                                 .roots = &lake->io.root,
                                 .n_roots = 1};
    struct catalog_ref main_ref;
    int r;

    r = os_dir_make(lake->catalog_dir.data, 0777, err);
    if (r < 0) {
        return r;
    }
    r = catalog_create(lake->catalog_dir.data, err);
    if (r < 0 && r != CORRIE_E_EXISTS) {
        return r;
    }
    corrie_error_clear(err);
    r = open_catalog(lake, err);
    if (r < 0) {
        return r;
    }
    r = catalog_ref_find(lake->catalog, STR(LAKE_MAIN), &main_ref, err);
    if (r == 0) {
        r = make_first_commit(lake, err);
    }
    lake->catalog = catalog_close(lake->catalog);
    if (r < 0 || (r = lake_config_format(&config, &text, err)) < 0) {
        return r;
    }
    return store_put_if_absent(lake->store, STR(CONFIG_NAME), buf_str(&text), err);
}

/* SQLite's locks and shared memory do not work over network file systems; a lake there would lose commits. */
static int check_file_system(const struct lake *lake, corrie_error *err)
{
    struct os_fs fs;
    int r;

    r = os_fs(lake->root.data, &fs, err);
    if (r < 0) {
        return r;
    }
    if (!fs.network) {
        return 0;
    }
    corrie_fail(err, CORRIE_E_REFUSED,
                "open lake %s: it lies on a network file system (%s), where the catalog's "
                "locks do not hold",
                lake->root.data, fs.name);
    return corrie_hint(err, "put the lake on a local disk");
}

/* 1 made here, 0 somebody else made it meanwhile. */
static int make_lake(struct lake *lake, struct str source, corrie_error *err)
{
    _close_ int lock = -1;
    char *lock_path;
    int r;

    r = os_dir_make(lake->root.data, 0777, err);
    if (r < 0) {
        return corrie_wrap(err, "make a lake");
    }
    if ((r = check_file_system(lake, err)) < 0 || (r = is_free(lake->root.data, err)) < 0) {
        return r;
    }
    if (r == 0) {
        r = store_exists(lake->store, STR(CONFIG_NAME), err);
        if (r != 0) {
            return r < 0 ? r : 0;
        }
        corrie_fail(err, CORRIE_E_NOT_FOUND,
                    "open lake %s: the directory is not empty and holds no lake.json",
                    lake->root.data);
        return corrie_hint(
            err, "name a lake, or an empty directory to make one in (this came from %.*s)",
            STR_FMT(source));
    }
    lock_path = arena_printf(&lake->arena, "%s/" LOCK_NAME, lake->root.data);
    if (!lock_path) {
        return corrie_fail_memory(err);
    }
    r = os_lock_open(lock_path, OS_LOCK_EXCLUSIVE, MAKE_DEADLINE_MS, lake->cancel, &lock, err);
    if (r < 0) {
        return corrie_wrap(err, "make a lake");
    }
    r = store_exists(lake->store, STR(CONFIG_NAME), err);
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    r = make_parts(lake, err);
    if (r < 0) {
        return corrie_wrap(err, "make a lake in %s", lake->root.data);
    }
    return os_unlink(lock_path, err) < 0 ? err->code : 1;
}

/* Adds the present root to lake.json if the lake was opened elsewhere before. */
static int note_root(struct lake *lake, struct lake_config *config, const struct store_tag *tag,
                     corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    struct str *roots;
    size_t n = 0;
    int r;

    if (config->n_roots > 0 && str_eq(config->roots[config->n_roots - 1], lake->io.root)) {
        return 0;
    }
    roots = arena_array(&lake->arena, struct str, config->n_roots + 1);
    if (!roots) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < config->n_roots; i++) {
        if (!str_eq(config->roots[i], lake->io.root)) {
            roots[n++] = config->roots[i];
        }
    }
    roots[n++] = lake->io.root;
    config->roots = roots;
    config->n_roots = n;
    r = lake_config_format(config, &text, err);
    if (r < 0) {
        return r;
    }
    r = store_put_if_match(lake->store, STR(CONFIG_NAME), buf_str(&text), tag, NULL, err);
    if (r == CORRIE_E_REFUSED || r == CORRIE_E_CONFLICT) {
        /* a read-only copy, or someone else noting a root at this moment: in memory it is enough */
        corrie_error_clear(err);
        r = 0;
    }
    return r;
}

static int read_config(struct lake *lake, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    struct lake_config config;
    struct store_tag tag;
    int r;

    r = store_get(lake->store, STR(CONFIG_NAME), MAX_CONFIG, &text, &tag, err);
    if (r < 0) {
        return r;
    }
    r = lake_config_parse(buf_str(&text), &lake->arena, &config, err);
    if (r < 0) {
        return corrie_wrap(err, "open lake %s", lake->root.data);
    }
    if (!str_eq(config.catalog, STR(CATALOG_URL))) {
        return corrie_fail(err, CORRIE_E_UNSUPPORTED,
                           "open lake %s: its catalog is \"%.*s\"; this version opens "
                           "only " CATALOG_URL,
                           lake->root.data, STR_FMT(config.catalog));
    }
    lake->id = config.id;
    r = note_root(lake, &config, &tag, err);
    if (r < 0) {
        return corrie_wrap(err, "open lake %s", lake->root.data);
    }
    lake->roots = config.roots;
    lake->n_roots = config.n_roots;
    lake->io.older_roots = lake->roots;
    lake->io.n_older_roots = lake->n_roots - 1;
    return 0;
}

static int find_user(struct lake *lake, const corrie_lake_options *options, corrie_error *err)
{
    _free_ char *system_name = NULL;
    const char *name =
        options->author && *options->author ? options->author : os_env("CORRIE_USER");
    int r;

    if (!name) {
        r = os_user_name(&system_name, err);
        if (r < 0) {
            return r;
        }
        name = system_name;
    }
    if (!str_is_utf8(str_of(name), NULL)) {
        return corrie_fail(err, CORRIE_E_USAGE, "the name of the author is not UTF-8");
    }
    return arena_str(&lake->arena, str_of(name), &lake->user) < 0 ? corrie_fail_memory(err) : 0;
}

static int open_parts(struct lake *lake, const corrie_lake_options *options, corrie_error *err)
{
    struct str url;
    struct str source;
    int r;

    r = lake_locate(options, &lake->arena, &url, &source, err);
    if (r < 0) {
        return corrie_wrap(err, "find the lake");
    }
    r = store_open(url, &lake->store, err);
    if (r < 0) {
        return corrie_wrap(err, "open the lake that %.*s names", STR_FMT(source));
    }
    lake->io.store = lake->store;
    lake->io.cancel = lake->cancel;
    r = location_of_store(lake->store, &lake->arena, &lake->io.root, err);
    if (r < 0) {
        return r;
    }
    lake->root = lake_local_path(lake->io.root);
    r = find_user(lake, options, err);
    if (r < 0 || (r = set_places(lake, err)) < 0) {
        return r;
    }
    r = read_config(lake, err);
    if (r == CORRIE_E_NOT_FOUND && options->must_exist) {
        corrie_fail(err, r, "open lake %s: there is no lake", lake->root.data);
        return corrie_hint(err, "name the lake's directory (this came from %.*s)", STR_FMT(source));
    }
    if (r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err);
        r = make_lake(lake, source, err);
        if (r > 0) {
            lake_notice(lake, "made a lake in %s", lake->root.data);
        }
        r = r < 0 ? r : read_config(lake, err);
    }
    if (r < 0 || (r = check_file_system(lake, err)) < 0) {
        return r;
    }
    return open_catalog(lake, err);
}

int corrie_lake_open(const corrie_lake_options *options, corrie_lake **ret, corrie_error *err)
{
    corrie_lake_options given = {.size = sizeof given};
    struct lake *lake;
    int r;

    if (options) {
        memcpy(&given, options, options->size < sizeof given ? options->size : sizeof given);
    }
    lake = mem_alloc(1, sizeof *lake);
    if (!lake) {
        return corrie_fail_memory(err);
    }
    lake->cancel = given.cancel;
    lake->event = given.event;
    lake->event_context = given.event_context;
    js_setup();
    r = open_parts(lake, &given, err);
    if (r < 0) {
        corrie_lake_close(lake);
        return r;
    }
    *ret = lake;
    return 0;
}

corrie_lake *corrie_lake_close(corrie_lake *lake)
{
    if (lake) {
        catalog_close(lake->catalog);
        store_close(lake->store);
        arena_done(&lake->arena);
        mem_free(lake);
    }
    return NULL;
}
