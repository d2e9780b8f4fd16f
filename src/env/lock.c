/* lock.c — lock files: what the environments of a project were resolved to (docs/formats/environments.md). */
#include <stdlib.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/map.h"
#include "env/env_priv.h"

#define FORMAT 1
#define MAX_ENTRIES 10000
#define MAX_HASHES 10000 /* of a package: one for each of its files */

/* ---- reading ---- */

struct reading {
    struct str file;
    struct arena *arena;
    corrie_error *err;
};

static int bad(const struct reading *reading, const char *what)
{
    corrie_fail(reading->err, CORRIE_E_PROJECT, "%.*s: %s", STR_FMT(reading->file), what);
    return corrie_hint(reading->err, "`corrie env lock` writes it anew");
}

/* The code of what went wrong, told of the lock file. */
static int bad_field(const struct reading *reading)
{
    corrie_wrap(reading->err, "%.*s", STR_FMT(reading->file));
    return corrie_hint(reading->err, "`corrie env lock` writes it anew");
}

static int keep(const struct reading *reading, struct str text, struct str *ret)
{
    return arena_str(reading->arena, text, ret) < 0 ? corrie_fail_memory(reading->err) : 0;
}

static int read_hashes(const struct reading *reading, const json_t *object,
                       struct env_locked_package *package)
{
    size_t n, i;
    struct str *hashes;
    json_t *list, *item;

    if (js_get_array(object, "hashes", &list, CORRIE_E_PROJECT, reading->err) < 0) {
        return bad_field(reading);
    }
    n = json_array_size(list);
    hashes = n <= MAX_HASHES ? arena_array(reading->arena, struct str, n) : NULL;
    if (!hashes) {
        return n > MAX_HASHES ? bad(reading, "too many hashes") : corrie_fail_memory(reading->err);
    }
    json_array_foreach(list, i, item)
    {
        if (!json_is_string(item) || !request_is_hash(js_str(item))) {
            return bad(reading, "a hash is like \"sha256:…\"");
        }
        if (keep(reading, js_str(item), &hashes[i]) < 0) {
            return reading->err->code;
        }
    }
    package->hashes = hashes;
    package->n_hashes = n;
    return 0;
}

static int read_package(const struct reading *reading, const json_t *object,
                        struct env_locked_package *package)
{
    struct str name, version;

    if (js_get_str(object, "name", &name, CORRIE_E_PROJECT, reading->err) < 0 ||
        js_get_str(object, "version", &version, CORRIE_E_PROJECT, reading->err) < 0) {
        return bad_field(reading);
    }
    if (!request_is_name(name) || !request_is_version(version)) {
        return bad(reading, "a package has a name in lower case and one version");
    }
    if (keep(reading, name, &package->name) < 0 || keep(reading, version, &package->version) < 0) {
        return reading->err->code;
    }
    return read_hashes(reading, object, package);
}

/* "3.11.7" */
static bool is_complete(struct str python)
{
    size_t dots = 0;

    for (size_t i = 0; i < python.len; i++) {
        dots += python.data[i] == '.';
    }
    return dots == 2 && request_is_python(python);
}

static int read_locked(const struct reading *reading, const json_t *object,
                       struct env_locked *locked)
{
    struct env_locked_package *packages;
    struct str python;
    json_t *list, *item;
    size_t n, i;

    if (js_get_str(object, "python", &python, CORRIE_E_PROJECT, reading->err) < 0 ||
        js_get_array(object, "packages", &list, CORRIE_E_PROJECT, reading->err) < 0) {
        return bad_field(reading);
    }
    n = json_array_size(list);
    if (!is_complete(python) || n > CORRIE_MAX_PACKAGES) {
        return bad(reading, n > CORRIE_MAX_PACKAGES ? "too many packages"
                                                    : "a Python version is like \"3.11.7\"");
    }
    packages = arena_array(reading->arena, struct env_locked_package, n);
    if (!packages) {
        return corrie_fail_memory(reading->err);
    }
    json_array_foreach(list, i, item)
    {
        int r = read_package(reading, item, &packages[i]);

        if (r < 0) {
            return r;
        }
        if (i > 0 && str_cmp(packages[i - 1].name, packages[i].name) >= 0) {
            return bad(reading, "packages are not in the order of their names");
        }
    }
    locked->packages = packages;
    locked->n_packages = n;
    return keep(reading, python, &locked->python);
}

/* "polars ==1.15.0" */
static struct env_package split_package(struct str text)
{
    struct env_package package = {0};

    (void)str_cut(text, ' ', &package.name, &package.version);
    return package;
}

/* Fills `entry->request` from what was asked for. */
static int name_entry(struct arena *arena, struct env_lock_entry *entry, corrie_error *err)
{
    struct env_package *packages = arena_array(arena, struct env_package, entry->n_packages);

    if (!packages) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < entry->n_packages; i++) {
        packages[i] = split_package(entry->packages[i]);
    }
    return env_request_hash(&(struct env_request){.python = entry->python,
                                                  .packages = packages,
                                                  .n_packages = entry->n_packages},
                            &entry->request, err);
}

static int read_entry(const struct reading *reading, const json_t *object,
                      struct env_lock_entry *entry)
{
    struct str python = STR_EMPTY;
    struct str *packages;
    json_t *list, *item, *locked;
    size_t i;

    if (js_opt_str(object, "python", &python, CORRIE_E_PROJECT, reading->err) < 0 ||
        js_get_array(object, "packages", &list, CORRIE_E_PROJECT, reading->err) < 0 ||
        js_get_object(object, "locked", &locked, CORRIE_E_PROJECT, reading->err) < 0) {
        return bad_field(reading);
    }
    entry->n_packages = json_array_size(list);
    if (entry->n_packages > CORRIE_MAX_PACKAGES) {
        return bad(reading, "too many packages");
    }
    packages = arena_array(reading->arena, struct str, entry->n_packages);
    if (!packages) {
        return corrie_fail_memory(reading->err);
    }
    json_array_foreach(list, i, item)
    {
        if (!json_is_string(item)) {
            return bad(reading, "a package that is asked for is a text");
        }
        if (keep(reading, js_str(item), &packages[i]) < 0) {
            return reading->err->code;
        }
    }
    entry->packages = packages;
    if (keep(reading, python, &entry->python) < 0) {
        return reading->err->code;
    }
    if (name_entry(reading->arena, entry, reading->err) < 0) {
        return bad_field(reading);
    }
    return read_locked(reading, locked, &entry->locked);
}

/* Two entries for one request, as a merge of two branches may leave them: neither is to be taken by chance. */
static int check_once(const struct reading *reading, const struct env_lock *lock)
{
    _cleanup_(map_done) struct map seen = {0};

    for (size_t i = 0; i < lock->n_entries; i++) {
        const struct env_lock_entry *entry = &lock->entries[i];
        struct str request = str_make((const char *)entry->request.bytes, HASH_BYTES);

        if (map_find(&seen, request)) {
            struct str first = entry->n_packages > 0 ? entry->packages[0] : STR("no packages");

            corrie_fail(reading->err, CORRIE_E_PROJECT,
                        "%.*s: the environment of Python %.*s with %.*s%s stands there twice",
                        STR_FMT(reading->file),
                        STR_FMT(entry->python.len > 0 ? entry->python : STR("(any)")),
                        STR_FMT(first), entry->n_packages > 1 ? ", …" : "");
            return corrie_hint(reading->err,
                               "take one of them out, or `corrie env lock` writes it anew");
        }
        if (map_put(&seen, request, NULL) < 0) {
            return corrie_fail_memory(reading->err);
        }
    }
    return 0;
}

int env_lock_parse(struct str file, struct str text, struct arena *arena, struct env_lock *ret,
                   corrie_error *err)
{
    struct reading reading = {file, arena, err};
    struct env_lock lock = {0};
    _json_ json_t *doc = NULL;
    json_t *list, *item;
    int64_t format;
    size_t i;
    int r;

    r = js_parse(text, file.data, &doc, err);
    if (r < 0) {
        if (r == CORRIE_E_DATA) {
            err->code = CORRIE_E_PROJECT;
        }
        return corrie_hint(err, "`corrie env lock` writes it anew");
    }
    if (js_get_int(doc, "format", &format, CORRIE_E_PROJECT, err) < 0 ||
        js_get_array(doc, "environments", &list, CORRIE_E_PROJECT, err) < 0) {
        return bad_field(&reading);
    }
    if (format != FORMAT) {
        corrie_fail(err, CORRIE_E_UNSUPPORTED, "%.*s is of version %lld; this program knows %d",
                    STR_FMT(file), (long long)format, FORMAT);
        return corrie_hint(err, "a newer corrie wrote it");
    }
    if (json_array_size(list) > MAX_ENTRIES) {
        return bad(&reading, "too many environments");
    }
    lock.n_entries = json_array_size(list);
    lock.entries = arena_array(arena, struct env_lock_entry, lock.n_entries);
    if (!lock.entries) {
        return corrie_fail_memory(err);
    }
    json_array_foreach(list, i, item)
    {
        r = read_entry(&reading, item, &lock.entries[i]);
        if (r < 0) {
            return r;
        }
    }
    r = check_once(&reading, &lock);
    if (r >= 0) {
        *ret = lock;
    }
    return r;
}

const struct env_lock_entry *env_lock_find(const struct env_lock *lock, const struct hash *request)
{
    for (size_t i = 0; i < lock->n_entries; i++) {
        if (hash_eq(&lock->entries[i].request, request)) {
            return &lock->entries[i];
        }
    }
    return NULL;
}

/* ---- writing ---- */

static json_t *texts(const struct str *items, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < n; i++) {
        if (json_array_append_new(list, js_string(items[i])) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *package_json(const struct env_locked_package *package)
{
    json_t *object = json_object();

    if (js_set_str(object, "name", package->name) < 0 ||
        js_set_str(object, "version", package->version) < 0 ||
        js_set(object, "hashes", texts(package->hashes, package->n_hashes)) < 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *entry_json(const struct env_lock_entry *entry)
{
    json_t *object = json_object(), *locked = json_object(), *packages = json_array();
    int r =
        js_set(object, "python", entry->python.len > 0 ? js_string(entry->python) : json_null());

    r |= js_set(object, "packages", texts(entry->packages, entry->n_packages));
    r |= js_set(object, "locked", locked);
    r |= js_set_str(locked, "python", entry->locked.python);
    r |= js_set(locked, "packages", packages);
    for (size_t i = 0; r == 0 && i < entry->locked.n_packages; i++) {
        r = json_array_append_new(packages, package_json(&entry->locked.packages[i]));
    }
    if (r != 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static int by_request(const void *a, const void *b)
{
    const struct env_lock_entry *x = a, *y = b;
    int r = str_cmp(x->python, y->python);

    for (size_t i = 0; r == 0 && i < x->n_packages && i < y->n_packages; i++) {
        r = str_cmp(x->packages[i], y->packages[i]);
    }
    return r != 0 ? r : x->n_packages < y->n_packages ? -1 : x->n_packages > y->n_packages;
}

int env_lock_print(struct env_lock *lock, struct buf *out, corrie_error *err)
{
    _json_ json_t *doc = NULL;
    json_t *list;
    int r;

    js_setup();
    if (lock->n_entries > 0) {
        qsort(lock->entries, lock->n_entries, sizeof *lock->entries, by_request);
    }
    doc = json_object();
    list = json_array();
    r = js_set_int(doc, "format", FORMAT);
    r |= js_set(doc, "environments", list);
    for (size_t i = 0; r == 0 && i < lock->n_entries; i++) {
        r = json_array_append_new(list, entry_json(&lock->entries[i]));
    }
    if (r != 0) {
        return corrie_fail_memory(err);
    }
    r = js_format(doc, 1, out, err);
    buf_add_char(out, '\n');
    return r < 0 ? r : buf_check(out, err);
}
