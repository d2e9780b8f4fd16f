/* settings.c — settings in files (docs/formats/settings.md): which files count, what they say, changing them. */
#include "lake/lake_priv.h"

#include "base/mem.h"
#include "os/dir.h"
#include "os/path.h"
#include "os/user.h"

#define FILE_NAME "config.yaml"
#define PROJECT_FOLDER ".corrie"

/* What the names that corrie reads are for; config_list and errors name the nearest of them too. */
static const struct str known_names[] = {{"lake", 4}, {"user.name", 9}};

/* ---- finding the files ---- */

/* Whoever likes may write there: what lies there speaks for nobody (sticky, writable for others). */
static int is_public(const char *directory, corrie_error *err)
{
    struct os_stat info;
    int r = os_stat(directory, &info, err);

    return r < 0 ? r : (info.mode & 01002) == 01002;
}

/* 1 there is a file, 0 none that we could read if we wanted. */
static int has_file(const char *path, corrie_error *err)
{
    int r = os_exists(path, err);

    if (r == CORRIE_E_REFUSED) {
        corrie_error_clear(err);
        r = 0;
    }
    return r;
}

/* The nearest project file upward: 1 and its path and the directory that holds .corrie, 0 there is none. *ret_start is the
 * directory where the search began; NULL if there is none any more. */
static int find_project(struct arena *arena, char **ret_path, char **ret_base, char **ret_start,
                        corrie_error *err)
{
    _free_ char *cwd = NULL;
    char *directory;
    int r;

    *ret_start = NULL;
    r = os_cwd(&cwd, err);
    if (r == CORRIE_E_NOT_FOUND || r == CORRIE_E_REFUSED) {
        corrie_error_clear(err); /* somebody has removed it */
        return 0;
    }
    directory = r < 0 ? NULL : arena_text(arena, str_of(cwd));
    if (!directory) {
        return r < 0 ? r : corrie_fail_memory(err);
    }
    *ret_start = directory;
    for (;;) {
        bool top = strcmp(directory, "/") == 0;
        char *path = arena_printf(arena, "%s/" PROJECT_FOLDER "/" FILE_NAME, top ? "" : directory);

        if (!path) {
            return corrie_fail_memory(err);
        }
        r = has_file(path, err);
        if (r > 0 && (r = is_public(directory, err)) == 0) {
            *ret_path = path;
            *ret_base = directory;
            return 1;
        }
        if (r < 0 || top) {
            return r < 0 ? r : 0;
        }
        directory = arena_text(arena, os_path_parent(str_of(directory)));
        if (!directory) {
            return corrie_fail_memory(err);
        }
    }
}

/* The user's file: 1, or 0 where there is no home to have it in. */
static int find_user_file(struct arena *arena, char **ret_path, char **ret_base, corrie_error *err)
{
    _free_ char *place = NULL;
    _free_ char *home = NULL;
    int r;

    r = os_place(OS_CONFIG, &place, err);
    if (r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err);
        return 0;
    }
    if (r >= 0) {
        r = os_home(&home, err);
        if (r == CORRIE_E_NOT_FOUND) {
            corrie_error_clear(err);
            r = 0;
        }
    }
    if (r < 0) {
        return r;
    }
    *ret_path = arena_printf(arena, "%s/" FILE_NAME, place);
    *ret_base = arena_text(arena, str_of(home ? home : "/"));
    return *ret_path && *ret_base ? 1 : corrie_fail_memory(err);
}

/* ---- reading ---- */

static int read_file(const char *path, struct arena *arena, struct str *ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    int r = os_file_read(path, CORRIE_MAX_PROJECT, &text, err);

    if (r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err);
        *ret = STR_EMPTY;
        return 0;
    }
    if (r < 0) {
        return corrie_wrap(err, "read the settings");
    }
    return arena_str(arena, buf_str(&text), ret) < 0 ? corrie_fail_memory(err) : 1;
}

static int add_file(struct lake_settings *all, char *path, char *base, corrie_error *err)
{
    struct settings_file *file = &all->files[all->n];
    struct str text;
    int r;

    r = read_file(path, all->arena, &text, err);
    if (r <= 0) {
        return r;
    }
    r = settings_parse(path, text, all->arena, &file->settings, err);
    if (r < 0) {
        return corrie_wrap(err, "read the settings");
    }
    file->base = base;
    all->n++;
    return 0;
}

int lake_settings_load(struct lake_settings *all, struct arena *arena, corrie_error *err)
{
    char *path;
    char *base;
    char *start;
    int r;

    if (all->loaded) {
        return 0;
    }
    *all = (struct lake_settings){.arena = arena};
    r = find_project(arena, &path, &base, &start, err);
    if (r > 0) {
        r = add_file(all, path, base, err);
    }
    if (r >= 0) {
        r = find_user_file(arena, &path, &base, err);
    }
    if (r > 0) {
        r = add_file(all, path, base, err);
    }
    all->loaded = r >= 0;
    return r < 0 ? r : 0;
}

const struct setting *lake_settings_find(const struct lake_settings *all, struct str name,
                                         const struct settings_file **ret_file)
{
    for (size_t i = 0; i < all->n; i++) {
        const struct setting *found = settings_find(&all->files[i].settings, name);

        if (found) {
            *ret_file = &all->files[i];
            return found;
        }
    }
    return NULL;
}

/* ---- the public interface: looking ---- */

static json_t *setting_json(struct str name, struct str value, const char *file)
{
    json_t *document = json_object();
    int r = js_set_str(document, "name", name);

    r |= value.data ? js_set_str(document, "value", value) : js_set(document, "value", json_null());
    r |= js_set_str(document, "file", str_of(file));
    if (r != 0) {
        json_decref(document);
        return NULL;
    }
    return document;
}

static struct str shown(struct str name, struct str value)
{
    return value.data && settings_is_secret(name) ? STR("***") : value;
}

static int compare_settings(const void *a, const void *b)
{
    return str_cmp((*(const struct setting *const *)a)->name,
                   (*(const struct setting *const *)b)->name);
}

static int compare_names(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* All names that are set, with what corrie knows; sorted, each once. */
static int all_names(const struct lake_settings *all, struct arena *arena, struct str **ret,
                     size_t *ret_n, corrie_error *err)
{
    size_t max = ARRAY_LEN(known_names);
    size_t n = 0;
    size_t kept = 0;
    struct str *names;

    for (size_t i = 0; i < all->n; i++) {
        max += all->files[i].settings.n;
    }
    names = arena_array(arena, struct str, max);
    if (!names) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < ARRAY_LEN(known_names); i++) {
        names[n++] = known_names[i];
    }
    for (size_t i = 0; i < all->n; i++) {
        for (size_t k = 0; k < all->files[i].settings.n; k++) {
            names[n++] = all->files[i].settings.items[k].name;
        }
    }
    qsort(names, n, sizeof *names, compare_names);
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || !str_eq(names[kept - 1], names[i])) {
            names[kept++] = names[i];
        }
    }
    *ret = names;
    *ret_n = kept;
    return 0;
}

static int fail_unset(const struct lake_settings *all, struct str name, struct arena *arena,
                      corrie_error *err)
{
    _cleanup_(buf_done) struct buf hint = {0};
    struct str *names = NULL;
    size_t nearest[3];
    size_t n = 0;
    int r = all_names(all, arena, &names, &n, err);

    if (r < 0) {
        return r;
    }
    corrie_fail(err, CORRIE_E_NOT_FOUND, "the setting \"%.*s\" is not set", STR_FMT(name));
    n = str_nearest(name, names, n, nearest, ARRAY_LEN(nearest));
    for (size_t i = 0; i < n; i++) {
        buf_addf(&hint, "%s%.*s", i ? ", " : "is it ", STR_FMT(names[nearest[i]]));
    }
    if (n > 0 && !str_eq(names[nearest[0]], name)) {
        return corrie_hint(err, "%s?", buf_text(&hint));
    }
    return corrie_hint(err, "`corrie config set %.*s VALUE` sets it", STR_FMT(name));
}

int corrie_config_get(const char *name, char **ret_json, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct lake_settings all = {0};
    const struct settings_file *file;
    const struct setting *found;
    int r;

    js_setup();
    r = lake_settings_load(&all, &arena, err);
    if (r < 0) {
        return r;
    }
    found = lake_settings_find(&all, str_of(name), &file);
    if (!found) {
        return fail_unset(&all, str_of(name), &arena, err);
    }
    return js_give(setting_json(found->name, found->value, file->settings.file), ret_json, err);
}

int corrie_config_list(char **ret_json, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _json_ json_t *document = NULL;
    struct lake_settings all = {0};
    const struct setting **items;
    json_t *list;
    size_t n = 0;
    int r;

    js_setup();
    r = lake_settings_load(&all, &arena, err);
    if (r < 0) {
        return r;
    }
    items = arena_array(&arena, const struct setting *,
                        (all.n > 0 ? all.files[0].settings.n : 0) +
                            (all.n > 1 ? all.files[1].settings.n : 0) + 1);
    document = json_object();
    list = json_array();
    if (!items) {
        json_decref(list);
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < all.n; i++) {
        for (size_t k = 0; k < all.files[i].settings.n; k++) {
            const struct setting *item = &all.files[i].settings.items[k];
            const struct settings_file *file = NULL;

            if (lake_settings_find(&all, item->name, &file) == item) {
                items[n++] = item;
            }
        }
    }
    qsort(items, n, sizeof *items, compare_settings);
    r = js_set(document, "settings", list);
    for (size_t i = 0; r == 0 && i < n; i++) {
        const struct settings_file *file = NULL;

        (void)lake_settings_find(&all, items[i]->name, &file);
        r = json_array_append_new(list, setting_json(items[i]->name,
                                                     shown(items[i]->name, items[i]->value),
                                                     file->settings.file));
    }
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}

/* ---- the public interface: changing ---- */

/* A file that is to change. */
struct change {
    struct arena arena;
    char *path; /* as a person would name it */
    char *base;
    bool is_user;
    struct str name;
    struct str value; /* data NULL: removed */
};

static void change_done(struct change *change)
{
    arena_done(&change->arena);
}

static int find_target(struct change *change, const char *scope, corrie_error *err)
{
    char *start = NULL;
    int r;

    change->is_user = !scope || strcmp(scope, "user") == 0;
    if (change->is_user) {
        r = find_user_file(&change->arena, &change->path, &change->base, err);
        if (r == 0) {
            corrie_fail(err, CORRIE_E_NOT_FOUND, "there is no place for your settings");
            return corrie_hint(err, "set HOME or XDG_CONFIG_HOME");
        }
        return r < 0 ? r : 0;
    }
    if (strcmp(scope, "project") != 0) {
        corrie_fail(err, CORRIE_E_USAGE, "\"%s\" is no scope of settings", scope);
        return corrie_hint(err, "user or project");
    }
    r = find_project(&change->arena, &change->path, &change->base, &start, err);
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    if (!start) {
        return corrie_fail(err, CORRIE_E_NOT_FOUND, "the working directory is gone");
    }
    r = is_public(start, err);
    if (r > 0) {
        corrie_fail(err, CORRIE_E_REFUSED,
                    "settings in %s would not count: everybody may write there", start);
        return corrie_hint(err, "go to a directory of your project");
    }
    change->base = start;
    change->path = arena_printf(&change->arena, "%s/" PROJECT_FOLDER "/" FILE_NAME, start);
    return change->path ? r : corrie_fail_memory(err);
}

/* A directory is meant from where the user is now; kept so that it means the same from elsewhere. */
static int keep_lake(struct change *change, corrie_error *err)
{
    _free_ char *cwd = NULL;
    _free_ char *absolute = NULL;
    int r;

    if (str_starts(change->value, STR("/")) || str_starts(change->value, STR("~/")) ||
        str_find_str(change->value, STR("://")) >= 0 || str_starts(change->value, STR("file:/"))) {
        return 0;
    }
    r = os_cwd(&cwd, err);
    if (r < 0 || str_eq(str_of(cwd), str_of(change->base))) {
        return r;
    }
    r = os_path_absolute(change->value, &absolute, err);
    if (r < 0) {
        return r;
    }
    return arena_str(&change->arena, str_of(absolute), &change->value) < 0 ? corrie_fail_memory(err)
                                                                           : 0;
}

static int check_change(struct change *change, corrie_error *err)
{
    int r = settings_check(change->name, change->value.data ? &change->value : NULL, err);

    if (r < 0 || !change->value.data) {
        return r;
    }
    if (str_eq(change->name, STR("user.name"))) {
        return lake_check_author(change->value, "the setting user.name", err);
    }
    return str_eq(change->name, STR("lake")) ? keep_lake(change, err) : 0;
}

static bool holds_secret(const struct settings *settings)
{
    for (size_t i = 0; i < settings->n; i++) {
        if (settings_is_secret(settings->items[i].name)) {
            return true;
        }
    }
    return false;
}

/* The permission bits of the new file. */
static int choose_mode(struct change *change, const char *real, struct str text, uint32_t *ret,
                       corrie_error *err)
{
    struct settings settings;
    struct os_stat info;
    int r = os_stat(real, &info, err);

    *ret = change->is_user ? 0600 : 0666;
    if (r >= 0) {
        *ret = info.mode | OS_MODE_EXACT;
    } else if (r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err);
    } else {
        return r;
    }
    r = settings_parse(change->path, text, &change->arena, &settings, err);
    if (r >= 0 && holds_secret(&settings)) {
        *ret = 0600 | OS_MODE_EXACT;
    }
    return r;
}

/* With the lock held: reads, edits, replaces. */
static int change_locked(struct change *change, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    _free_ char *real = NULL;
    struct str before;
    uint32_t mode;
    int r;

    r = read_file(change->path, &change->arena, &before, err);
    if (r < 0) {
        return r;
    }
    r = settings_edit(change->path, before, change->name,
                      change->value.data ? &change->value : NULL, &text, err);
    if (r < 0) {
        return r;
    }
    /* the file of those who keep theirs elsewhere is behind a link, which stays */
    r = os_path_real(change->path, &real, err);
    if (r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err);
        real = str_dup(str_of(change->path));
        r = real ? 0 : corrie_fail_memory(err);
    }
    if (r < 0 || (r = choose_mode(change, real, buf_str(&text), &mode, err)) < 0) {
        return r;
    }
    return os_file_replace(real, buf_str(&text), mode, err);
}

static int apply_change(struct change *change, corrie_error *err)
{
    char *directory = arena_text(&change->arena, os_path_parent(str_of(change->path)));
    char *lock_path = arena_printf(&change->arena, "%s.lock", change->path);
    _close_ int lock = -1;
    int r;

    if (!directory || !lock_path) {
        return corrie_fail_memory(err);
    }
    if (!change->value.data) {
        r = os_exists(change->path, err);
        if (r <= 0) {
            return r < 0
                       ? r
                       : corrie_fail(err, CORRIE_E_NOT_FOUND, "there is no setting \"%.*s\" in %s",
                                     STR_FMT(change->name), change->path);
        }
    }
    r = os_dir_make(directory, change->is_user ? 0700 : 0777, err);
    if (r >= 0) {
        r = os_lock_open(lock_path, OS_LOCK_EXCLUSIVE, CORRIE_LOCK_DEADLINE_MS, NULL, &lock, err);
    }
    return r < 0 ? r : change_locked(change, err);
}

/* It is not in the file that was meant, but may be in the other. Returns the error's code. */
static int hint_other_file(struct change *change, corrie_error *err)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    const struct settings_file *file;
    struct lake_settings all = {0};

    if (lake_settings_load(&all, &change->arena, &ignored) >= 0 &&
        lake_settings_find(&all, change->name, &file)) {
        corrie_hint(err, "it is set in %s: corrie config unset %.*s%s", file->settings.file,
                    STR_FMT(change->name), change->is_user ? " --project" : "");
    }
    return err->code;
}

int corrie_config_set(const char *scope, const char *name, const char *value, char **ret_json,
                      corrie_error *err)
{
    _cleanup_(change_done) struct change change = {
        .name = str_of(name), .value = value ? str_of(value) : (struct str){NULL, 0}};
    _free_ char *answer = NULL; /* made before: nothing may fail once it is done */
    int r;

    js_setup();
    r = find_target(&change, scope, err);
    if (r < 0 || (r = check_change(&change, err)) < 0) {
        return r;
    }
    r = js_give(setting_json(change.name, shown(change.name, change.value), change.path), &answer,
                err);
    r = r < 0 ? r : apply_change(&change, err);
    if (r == CORRIE_E_NOT_FOUND && !value) {
        r = hint_other_file(&change, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "%s %s", value ? "set" : "unset", name);
    }
    *ret_json = TAKE_PTR(answer);
    return 0;
}
