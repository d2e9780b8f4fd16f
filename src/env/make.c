/* make.c — making an environment.
 *
 * building/RANDOM/ → `uv venv` → `uv pip install --compile-bytecode` → check that pyarrow works with what is
 * there → lock and hash → rename to envs/HASH. A maker holds building.lock shared; who gets it exclusively
 * knows that nobody makes anything, and clears building/. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/uuid.h"
#include "base/vec.h"
#include "env/env_priv.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/path.h"
#include "os/proc.h"

/* How pyarrow is asked for, one after the other until it works with the other packages. It does not declare
 * which numpy and pandas it needs: 25 and later refuse numpy 1, others older pandas. */
static const char *const pyarrow_tries[] = {"pyarrow", "pyarrow<25", "pyarrow<21", "pyarrow<16",
                                            "pyarrow<11"};

#define CHECK_TIMEOUT_MS 120000
#define CHECK_BROKEN 3  /* exit status: pyarrow cannot be imported or does not convert */
#define CHECK_ANOTHER 4 /* it does not, and another library cannot be imported */

/* A library that is broken by itself is not pyarrow's fault: it says so when it is used. But pyarrow imports pandas, and
 * does not work with one that cannot be: then pandas is what to tell of. The first line says what is wrong, the
 * others are versions. */
static const char check_script[] =
    "import importlib, sys\n"
    "broken = []\n"
    "def have(name):\n"
    "    try:\n"
    "        return importlib.import_module(name)\n"
    "    except BaseException as error:\n"
    "        if not isinstance(error, ModuleNotFoundError):\n"
    "            broken.append(f'{name} cannot be imported: {type(error).__name__}: {error}')\n"
    "numpy, pandas, polars, duckdb = map(have, ('numpy', 'pandas', 'polars', 'duckdb'))\n"
    "try:\n"
    "    import pyarrow as pa, pyarrow.compute, pyarrow.ipc\n"
    "    table = pa.table({'a': [1, 2, None], 's': ['x', None, 'z']})\n"
    "    if numpy:\n"
    "        table['a'].to_numpy()\n"
    "    if pandas:\n"
    "        pa.Table.from_pandas(table.to_pandas())\n"
    "    if polars:\n"
    "        polars.from_arrow(table).to_arrow().validate(full=True)\n"
    "    if duckdb and hasattr(duckdb, 'sql'):\n"
    "        duckdb.from_arrow(table).fetchall()\n"
    "        result = duckdb.sql('SELECT 1 AS a')\n"
    "        (getattr(result, 'to_arrow_table', None) or result.fetch_arrow_table)()\n"
    "except BaseException as error:\n"
    "    from importlib.metadata import distributions\n"
    "    said = broken[0] if broken else f'{type(error).__name__}: {error}'\n"
    "    print(' '.join(said.split()))\n"
    "    for found in distributions():\n"
    "        print(found.metadata['Name'] + '==' + found.version)\n"
    "    sys.exit(4 if broken else 3)\n";

struct maker {
    const struct request *request;
    const struct places *places;
    const struct env_options *options;
    struct arena arena;
    struct uv uv;
    struct env_python_list pythons;
    const struct env_python *base;
    const char *dir;          /* building/RANDOM */
    const char *python;       /* building/RANDOM/bin/python */
    const char *requirements; /* building/RANDOM.txt */
    const char *resolved;     /* building/RANDOM.resolved */
    int lock_fd;
};

static void maker_done(struct maker *maker)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;

    if (maker->dir && os_tree_remove(maker->dir, &ignored) < 0) {
        corrie_error_clear(&ignored);
    }
    if (maker->requirements && os_unlink(maker->requirements, &ignored) < 0) {
        corrie_error_clear(&ignored);
    }
    if (maker->resolved && os_unlink(maker->resolved, &ignored) < 0) {
        corrie_error_clear(&ignored);
    }
    os_close(maker->lock_fd);
    env_python_list_done(&maker->pythons);
    uv_done(&maker->uv);
    arena_done(&maker->arena);
}

static int write_requirements(struct maker *maker, const char *pyarrow, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    int r;

    buf_addf(&text, "%.*s%s\n", STR_FMT(maker->request->requirements), pyarrow ? pyarrow : "");
    r = buf_check(&text, err);
    return r < 0 ? r : os_file_replace(maker->requirements, buf_str(&text), 0644, err);
}

/* Whether there are wheels of all packages, and of a pyarrow, for this Python. 1 yes, 0 no. */
static int has_wheels(struct maker *maker, const struct env_python *python, corrie_error *err)
{
    const char *args[] = {"pip",
                          "compile",
                          "--python",
                          python->path,
                          "--only-binary",
                          ":all:",
                          "--quiet",
                          "--no-header",
                          "--output-file",
                          maker->resolved,
                          "--upgrade",
                          maker->requirements,
                          NULL,
                          NULL};
    int r =
        uv_run_cached(&maker->uv, args, ARRAY_LEN(args) - 2, maker->places->building, NULL, err);

    if (r == CORRIE_E_PROJECT) {
        corrie_error_clear(err);
        return 0;
    }
    return r < 0 ? r : 1;
}

/* The Python that the request is locked to, or another of its series: packages are made for a series. 1 chosen, 0 it is not
 * locked, or there is none. */
static int choose_locked(struct maker *maker, size_t *order, size_t *ret_n, corrie_error *err)
{
    struct str wanted = maker->request->locked_python;
    struct str major, minor, rest;
    const char *series;

    if (wanted.len == 0) {
        return 0;
    }
    if (python_choose(&maker->pythons, wanted, order, ret_n, err) >= 0) {
        return 1;
    }
    if (str_eq(maker->request->python, wanted)) {
        return err->code; /* the function asks for just that one */
    }
    corrie_error_clear(err);
    (void)str_cut(wanted, '.', &major, &rest);
    (void)str_cut(rest, '.', &minor, &rest);
    series = arena_printf(&maker->arena, "%.*s.%.*s", STR_FMT(major), STR_FMT(minor));
    if (!series) {
        return corrie_fail_memory(err);
    }
    return python_choose(&maker->pythons, str_of(series), order, ret_n, err) < 0 ? err->code : 1;
}

/* Where the request leaves the Python open: the newest one for which all its packages have wheels. Building from
 * source is slow and needs compilers, so it is left to where nothing else will do. */
static int choose_base(struct maker *maker, corrie_error *err)
{
    const struct request *request = maker->request;
    size_t *order = arena_array(&maker->arena, size_t, maker->pythons.count + 1);
    size_t n = 0;
    int r;

    if (!order) {
        return corrie_fail_memory(err);
    }
    r = choose_locked(maker, order, &n, err);
    r = r != 0 ? r : python_choose(&maker->pythons, request->python, order, &n, err);
    if (r < 0) {
        return r;
    }
    maker->base = &maker->pythons.items[order[0]];
    if (n == 1 || request->requirements.len == 0 || request->locked_python.len > 0) {
        return 0;
    }
    r = write_requirements(maker, request->has_pyarrow ? NULL : "pyarrow", err);
    for (size_t i = 0; r == 0 && i < n; i++) {
        const struct env_python *python = &maker->pythons.items[order[i]];

        r = has_wheels(maker, python, err);
        if (r > 0) {
            maker->base = python;
        }
    }
    return r < 0 ? r : 0;
}

static int maker_start(struct maker *maker, corrie_error *err)
{
    const struct places *places = maker->places;
    struct uuid id = uuid_random();
    char name[33];
    int r;

    r = uv_init(&maker->uv, maker->options, err);
    r = r < 0 ? r : python_list(&maker->uv, &maker->pythons, err);
    r = r < 0 ? r : places_clear_building(places, err);
    r = r < 0 ? r : places_lock_building(places, maker->options->cancel, &maker->lock_fd, err);
    if (r < 0) {
        return r;
    }
    uuid_format_hex(&id, name);
    maker->dir = arena_printf(&maker->arena, "%s/%s", places->building, name);
    maker->python = arena_printf(&maker->arena, "%s/%s/bin/python", places->building, name);
    maker->requirements = arena_printf(&maker->arena, "%s/%s.txt", places->building, name);
    maker->resolved = arena_printf(&maker->arena, "%s/%s.resolved", places->building, name);
    if (!maker->dir || !maker->python || !maker->requirements || !maker->resolved) {
        return corrie_fail_memory(err);
    }
    return choose_base(maker, err);
}

static int make_venv(struct maker *maker, corrie_error *err)
{
    const char *args[] = {
        "venv", "--no-project", "--relocatable", "--python", maker->base->path, maker->dir, NULL};

    return uv_run(&maker->uv, args, maker->places->building, NULL, err);
}

static int install(struct maker *maker, const char *pyarrow, corrie_error *err)
{
    const char *args[] = {"pip",
                          "install",
                          "--python",
                          maker->python,
                          "--only-binary",
                          "pyarrow",
                          "--compile-bytecode",
                          "--requirements",
                          maker->requirements,
                          NULL,
                          NULL,
                          NULL};
    size_t n = ARRAY_LEN(args) - 3;
    int r = write_requirements(maker, pyarrow, err);

    if (maker->request->locked_python.len > 0) {
        args[n++] = "--no-deps"; /* they are all listed */
    }
    r = r < 0 ? r : uv_run_cached(&maker->uv, args, n, maker->places->building, NULL, err);
    if (r == CORRIE_E_PROJECT && maker->request->locked_python.len > 0) {
        corrie_wrap(err, "install what the lock file lists");
        corrie_hint(err, "is corrie.lock as it was written? `corrie env lock --upgrade` locks "
                         "what there is now");
    }
    return r;
}

/* No other pyarrow helps where packages were built for another numpy. */
static int fail_clash(struct str said, struct str versions, corrie_error *err)
{
    _error_ corrie_error clash = CORRIE_ERROR_INIT;

    corrie_fail(&clash, CORRIE_E_PROJECT, "%.*s", STR_FMT(said));
    return env_explain_clash(said, str_slice(said, 0, (size_t)str_find(said, ' ')), versions,
                             &clash)
               ? corrie_error_move(err, &clash)
               : 0;
}

/* 1 pyarrow works, 0 it does not: `reason` is filled. */
static int check(struct maker *maker, struct buf *reason, corrie_error *err)
{
    struct str said, versions;
    const char *argv[] = {maker->python, "-I", "-W", "ignore", "-c", check_script, NULL};
    struct os_exit end;
    int r;

    buf_clear(reason);
    r = os_run(
        &(struct os_spawn){
            .program = maker->python, .argv = argv, .env = maker->uv.env, .cwd = "/"},
        CHECK_TIMEOUT_MS, maker->options->cancel, reason, NULL, &end, err);
    if (r < 0) {
        return corrie_wrap(err, "try the new environment");
    }
    if (end.status == CHECK_ANOTHER) {
        str_cut(buf_str(reason), '\n', &said, &versions);
        r = fail_clash(said, versions, err);
    } else if (end.status != 0 && end.status != CHECK_BROKEN) {
        char how[64];

        os_exit_text(&end, how, sizeof how);
        buf_clear(reason);
        buf_addf(reason, "importing it ended with %s", how);
    }
    return r < 0 ? r : end.status == 0;
}

static int install_and_check(struct maker *maker, corrie_error *err)
{
    _cleanup_(buf_done) struct buf reason = {0};
    struct str said, rest;
    size_t n_tries = maker->request->has_pyarrow ? 1 : ARRAY_LEN(pyarrow_tries);
    int r;

    buf_init(&reason, 65536);
    for (size_t i = 0; i < n_tries; i++) {
        r = install(maker, maker->request->has_pyarrow ? NULL : pyarrow_tries[i], err);
        if (r < 0 && i > 0 && r == CORRIE_E_PROJECT) {
            corrie_error_clear(err); /* no older one for this Python: the last reason counts */
            break;
        }
        if (r < 0) {
            return r;
        }
        r = check(maker, &reason, err);
        if (r != 0) {
            return r;
        }
        uv_progress(maker->options,
                    STR("this pyarrow does not work with these packages: an older one"));
    }
    str_cut(buf_str(&reason), '\n', &said, &rest);
    corrie_fail(err, CORRIE_E_PROJECT, "no pyarrow works with these packages: %.*s",
                STR_FMT(str_trim(said)));
    return corrie_hint(err,
                       "functions get and return tables by pyarrow: pin other versions, or pyarrow "
                       "itself");
}

static int compare_strs(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* `name==version` of every package, sorted. */
static int make_lock(struct maker *maker, struct buf *lock, corrie_error *err)
{
    const char *args[] = {"pip", "freeze", "--python", maker->python, NULL};
    _cleanup_(buf_done) struct buf text = {0};
    VEC(struct str) lines = {0};
    struct str rest, line;
    bool more = true;
    int r;

    buf_init(&text, CORRIE_MAX_UV_OUTPUT);
    r = uv_run(&maker->uv, args, maker->places->building, &text, err);
    r = r < 0 ? r : buf_check(&text, err);
    rest = buf_str(&text);
    while (r >= 0 && more) {
        more = str_cut(rest, '\n', &line, &rest);
        line = str_trim(line);
        if (line.len > 0 && vec_push(&lines, line) < 0) {
            r = corrie_fail_memory(err);
        }
    }
    if (r >= 0 && lines.count > 0) {
        qsort(lines.items, lines.count, sizeof *lines.items, compare_strs);
    }
    for (size_t i = 0; i < lines.count; i++) {
        buf_addf(lock, "%.*s\n", STR_FMT(lines.items[i]));
    }
    vec_done(&lines);
    return r < 0 ? r : buf_check(lock, err);
}

static int write_description(struct maker *maker, struct str lock, corrie_error *err)
{
    _json_ json_t *doc = json_object();
    _cleanup_(buf_done) struct buf text = {0};
    const char *path = arena_printf(&maker->arena, "%s/corrie-env.json", maker->dir);
    int r;

    if (!doc || !path || js_set_int(doc, "format", 1) < 0 ||
        js_set_str(doc, "python", str_of(maker->base->version)) < 0 ||
        js_set_str(doc, "lock", lock) < 0) {
        return corrie_fail_memory(err);
    }
    r = js_canonical(doc, &text, err);
    return r < 0 ? r : os_file_replace(path, buf_str(&text), 0644, err);
}

struct hash env_content_hash(struct str version, struct str lock, struct str files)
{
#if defined(__x86_64__)
    static const struct str machine = STR("\nlinux-x86_64\n");
#elif defined(__aarch64__)
    static const struct str machine = STR("\nlinux-aarch64\n");
#else
#error "name this machine"
#endif

    return hash_pieces((struct str[]){STR("corrie-env-1\ncpython "), version, machine, lock,
                                      STR("files\n"), files},
                       files.len > 0 ? 6 : 4);
}

/* Gives what is in building/ its name, unless an equal one is there already. One at a time: two requests may
 * come to the same packages at the same moment. */
static int settle(struct maker *maker, const struct hash *hash, struct env **ret, corrie_error *err)
{
    char hex[HASH_HEX + 1];
    _close_ int lock_fd = -1;
    const char *path;
    int r;

    r = os_lock_open(maker->places->envs_lock, OS_LOCK_EXCLUSIVE, CORRIE_LOCK_DEADLINE_MS,
                     maker->options->cancel, &lock_fd, err);
    r = r < 0 ? r : env_open(maker->places, hash, maker->options->cancel, ret, err);
    if (r != 0) {
        return r;
    }
    hash_hex(hash, hex);
    path = arena_printf(&maker->arena, "%s/%s", maker->places->envs, hex);
    if (!path) {
        return corrie_fail_memory(err);
    }
    r = os_tree_remove(path, err); /* a damaged one */
    r = r < 0 ? r : os_rename(maker->dir, path, err);
    r = r < 0 ? r : os_dir_sync(maker->places->envs, err);
    r = r < 0 ? r : env_open(maker->places, hash, maker->options->cancel, ret, err);
    if (r == 0) {
        return corrie_fail(err, CORRIE_E_INTERNAL, "the new environment %s is not whole", path);
    }
    if (r > 0) {
        (*ret)->made = true;
    }
    return r;
}

int env_make(const struct request *request, const struct places *places,
             const struct env_options *options, struct env **ret, corrie_error *err)
{
    _cleanup_(maker_done) struct maker maker = {
        .request = request, .places = places, .options = options, .lock_fd = -1};
    _cleanup_(buf_done) struct buf lock = {0};
    struct hash hash;
    int r;

    r = maker_start(&maker, err);
    if (r >= 0) {
        const char *text = arena_printf(&maker.arena, "making an environment: Python %s, %.*s",
                                        maker.base->version, STR_FMT(request->title));

        uv_progress(options, str_of(text));
        r = make_venv(&maker, err);
    }
    r = r < 0 ? r : install_and_check(&maker, err);
    r = r < 0 ? r : make_lock(&maker, &lock, err);
    r = r < 0 ? r : write_description(&maker, buf_str(&lock), err);
    /* Complete means: also after a power cut. */
    r = r < 0 ? r : os_fs_sync(maker.dir, err);
    if (r < 0) {
        return r;
    }
    hash = env_content_hash(str_of(maker.base->version), buf_str(&lock), request->files);
    return settle(&maker, &hash, ret, err);
}
