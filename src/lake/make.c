/* make.c — making a lake, and letting a group share it. */
#include "lake/lake_priv.h"

#include "base/mem.h"
#include "catalog/commit.h"
#include "catalog/tree.h"
#include "os/dir.h"
#include "os/path.h"

#define LOCK_NAME ".corrie-lock"

enum { MAKE_DEADLINE_MS = 30000 };

/* What a directory may hold that is still empty: remains of an unfinished making, and of a fresh file system. */
static bool counts_as_nothing(struct str name)
{
    return str_eq(name, STR("catalog")) || str_eq(name, STR(LOCK_NAME)) ||
           str_eq(name, STR("lost+found")) || os_temp_is(name);
}

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
        if (!counts_as_nothing(entries[i].name)) {
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

/* Makes a directory for all who are to use it; one that is there (a making that was cut off, or given by the user) gets
 * the mode too. */
static int make_directory(const struct lake *lake, const char *path, corrie_error *err)
{
    int r = os_dir_make(path, lake->shared ? LAKE_SHARED_DIRECTORY : 0777, err);

    return r == 0 && lake->shared ? os_mode_set(path, LAKE_SHARED_DIRECTORY & 07777, err) : r;
}

/* The catalog with branch main. SQLite gives its log and shared memory the mode of the file. */
static int make_catalog(struct lake *lake, corrie_error *err)
{
    struct catalog_ref main_ref;
    char *file = arena_printf(&lake->arena, "%s/catalog.db", lake->catalog_dir.data);
    int r;

    if (!file) {
        return corrie_fail_memory(err);
    }
    r = make_directory(lake, lake->catalog_dir.data, err);
    if (r < 0) {
        return r;
    }
    r = catalog_create(lake->catalog_dir.data, err);
    if (r < 0 && r != CORRIE_E_EXISTS) {
        return r;
    }
    corrie_error_clear(err);
    r = lake->shared ? os_mode_set(file, LAKE_SHARED_FILE & 07777, err) : 0;
    if (r < 0 || (r = lake_open_catalog(lake, err)) < 0) {
        return r;
    }
    r = catalog_ref_find(lake->catalog, STR(LAKE_MAIN), &main_ref, err);
    if (r == 0) {
        r = make_first_commit(lake, err);
    }
    lake->catalog = catalog_close(lake->catalog);
    return r;
}

/* Makes the lake in a directory that is free. lake.json comes last: with it the lake exists. */
static int make_parts(struct lake *lake, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    struct lake_config config = {.format = LAKE_FORMAT,
                                 .id = uuid_random(),
                                 .catalog = STR(LAKE_CATALOG_URL),
                                 .shared = lake->shared,
                                 .roots = &lake->io.root,
                                 .n_roots = 1};
    int r;

    r = make_catalog(lake, err);
    if (r < 0 || (r = lake_config_format(&config, &text, err)) < 0) {
        return r;
    }
    return store_put_if_absent(lake->store, STR(LAKE_CONFIG_NAME), buf_str(&text), err);
}

static int make_root(struct lake *lake, corrie_error *err)
{
    _free_ char *parent = str_dup(os_path_parent(lake->root));
    int r;

    if (!parent) {
        return corrie_fail_memory(err);
    }
    r = os_dir_make(parent, 0777, err);
    return r < 0 ? r : os_dir_make(lake->root.data, 0777, err);
}

static int fail_not_free(const struct lake *lake, struct str source, corrie_error *err)
{
    corrie_fail(err, CORRIE_E_NOT_FOUND,
                "open lake %s: the directory is not empty and holds no " LAKE_CONFIG_NAME,
                lake->root.data);
    return corrie_hint(err,
                       "name a lake, or an empty directory to make one in (this came from %.*s)",
                       STR_FMT(source));
}

int lake_make(struct lake *lake, struct str source, bool shared, corrie_error *err)
{
    _close_ int lock = -1;
    char *lock_path;
    int r;

    /* before anything is made */
    r = lake_check_file_system(lake, err);
    if (r < 0) {
        return r;
    }
    r = make_root(lake, err);
    if (r < 0) {
        return corrie_wrap(err, "make a lake");
    }
    r = is_free(lake->root.data, err);
    if (r < 0) {
        return r;
    }
    if (r == 0) {
        r = store_exists(lake->store, STR(LAKE_CONFIG_NAME), err);
        return r == 0 ? fail_not_free(lake, source, err) : r < 0 ? r : 0;
    }
    lock_path = arena_printf(&lake->arena, "%s/" LOCK_NAME, lake->root.data);
    if (!lock_path) {
        return corrie_fail_memory(err);
    }
    r = os_lock_open(lock_path, OS_LOCK_EXCLUSIVE, MAKE_DEADLINE_MS, lake->cancel, &lock, err);
    if (r < 0) {
        return corrie_wrap(err, "make a lake");
    }
    r = store_exists(lake->store, STR(LAKE_CONFIG_NAME), err);
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    lake->shared = shared;
    if (shared) {
        store_set_modes(lake->store, LAKE_SHARED_DIRECTORY, LAKE_SHARED_FILE);
        r = os_mode_set(lake->root.data, LAKE_SHARED_DIRECTORY & 07777, err);
    }
    r = r < 0 ? r : make_parts(lake, err);
    if (r < 0) {
        return corrie_wrap(err, "make a lake in %s", lake->root.data);
    }
    return os_unlink(lock_path, err) < 0 ? err->code : 1;
}

/* ---- sharing a lake that is there ---- */

/* Gives all below `path`, and it, the group and the modes of a shared lake. What vanishes meanwhile is somebody else's
 * temporary file. Links are left alone. */
static int share_tree(const char *path, enum os_kind kind, uint32_t group, int depth,
                      corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct os_entry *entries = NULL;
    size_t n = 0;
    int r;

    if (kind != OS_FILE && kind != OS_DIRECTORY) {
        return 0;
    }
    if (depth > CORRIE_MAX_DIR_DEPTH) {
        return corrie_fail(err, CORRIE_E_LIMIT, "%s is deeper than %d levels", path,
                           CORRIE_MAX_DIR_DEPTH);
    }
    r = os_group_set(path, group, err); /* first: it takes setgid away */
    r = r < 0 ? r
              : os_mode_set(path,
                            07777 & (kind == OS_FILE ? LAKE_SHARED_FILE : LAKE_SHARED_DIRECTORY),
                            err);
    if (r >= 0 && kind == OS_DIRECTORY) {
        r = os_dir_list(path, &arena, &entries, &n, err);
    }
    for (size_t i = 0; r >= 0 && i < n; i++) {
        char *below = arena_printf(&arena, "%s/%.*s", path, STR_FMT(entries[i].name));

        r = below ? share_tree(below, entries[i].kind, group, depth + 1, err)
                  : corrie_fail_memory(err);
    }
    if (r == CORRIE_E_NOT_FOUND && depth > 0) {
        corrie_error_clear(err);
        return 0;
    }
    return r;
}

static int write_shared(struct lake *lake, corrie_error *err)
{
    _cleanup_(buf_done) struct buf before = {0};
    _cleanup_(buf_done) struct buf after = {0};
    struct lake_config config;
    struct store_tag tag;
    int r;

    r = store_get(lake->store, STR(LAKE_CONFIG_NAME), LAKE_MAX_CONFIG, &before, &tag, err);
    if (r < 0 || (r = lake_config_parse(buf_str(&before), &lake->arena, &config, err)) < 0) {
        return r;
    }
    config.shared = true;
    r = lake_config_format(&config, &after, err);
    return r < 0 ? r
                 : store_put_if_match(lake->store, STR(LAKE_CONFIG_NAME), buf_str(&after), &tag,
                                      NULL, err);
}

/* Twice over the tree: what others wrote by the old rules before they could read the new one is found the second time. Cut
 * off anywhere the lake is as usable as before, and may be shared again. */
static int share(struct lake *lake, corrie_error *err)
{
    struct os_stat root;
    int r;

    r = os_stat(lake->root.data, &root, err);
    r = r < 0 ? r : share_tree(lake->root.data, OS_DIRECTORY, root.group, 0, err);
    if (r >= 0) {
        store_set_modes(lake->store, LAKE_SHARED_DIRECTORY, LAKE_SHARED_FILE);
        r = write_shared(lake, err);
    }
    r = r < 0 ? r : share_tree(lake->root.data, OS_DIRECTORY, root.group, 0, err);
    if (r == CORRIE_E_REFUSED) {
        corrie_hint(err, "only who owns all files of the lake can share it");
    }
    if (r < 0) {
        return corrie_wrap(err, "share the lake %s", lake->root.data);
    }
    lake->shared = true;
    return 0;
}

/* ---- the public interface ---- */

static int init_parts(struct lake *lake, const char *url, const corrie_init_options *options,
                      bool *ret_created, corrie_error *err)
{
    bool shared = options->shared != NULL;
    struct str source;
    int r;

    if (shared && strcmp(options->shared, "group") != 0) {
        corrie_fail(err, CORRIE_E_USAGE, "a lake cannot be shared with \"%s\"", options->shared);
        return corrie_hint(err, "group: all of the directory's group may write");
    }
    r = lake_prepare(lake, url, options->author, &source, err);
    if (r < 0) {
        return r;
    }
    r = lake_read_config(lake, err);
    if (r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err);
        r = lake_make(lake, source, shared, err);
        *ret_created = r > 0;
        r = r < 0 ? r : lake_read_config(lake, err);
    }
    if (r < 0 || (r = lake_check_file_system(lake, err)) < 0) {
        return r;
    }
    return shared && !lake->shared ? share(lake, err) : 0;
}

int corrie_lake_init(const char *url, const corrie_init_options *options, char **ret_json,
                     corrie_error *err)
{
    _json_ json_t *document = NULL;
    corrie_init_options given = {.size = sizeof given};
    struct lake *lake;
    bool created = false;
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
    r = init_parts(lake, url, &given, &created, err);
    if (r >= 0) {
        document = json_object();
        r = js_set_str(document, "root", lake->root);
        r |= js_set_uuid(document, "id", &lake->id);
        r |= js_set_bool(document, "created", created);
        r |= js_set(document, "shared", lake->shared ? json_string("group") : json_null());
        r = r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
    }
    corrie_lake_close(lake);
    return r;
}
