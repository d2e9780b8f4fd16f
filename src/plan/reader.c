/* reader.c — asks a Python interpreter what Python files declare. */
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cache/cache.h"
#include "os/file.h"
#include "os/memfd.h"
#include "os/proc.h"
#include "os/user.h"
#include "plan/plan_priv.h"

#define CACHE_KIND "declare"
#define MIN_MINOR 9
#define READER_MEMORY (4 * CORRIE_GiB)

/* declare_reader.py, made by tools/embed */
extern const char declare_reader_py[];
extern const size_t declare_reader_py_size;

static struct str reader_script(void)
{
    return str_make(declare_reader_py, declare_reader_py_size);
}

void reader_docs_done(struct reader_docs *docs)
{
    for (size_t i = 0; i < docs->n_files; i++) {
        json_decref(docs->files[i]);
    }
    mem_free(docs->files);
    mem_free(docs->interpreter);
    *docs = (struct reader_docs){0};
}

/* The reader's own text is part of the key: another reader, another answer. The interpreter is not: a file
 * that one version could read means the same to the next, and what could not be read is never kept. */
static struct hash cache_key(const struct source_file *source)
{
    struct hash script = hash_bytes(reader_script());
    struct str pieces[] = {
        STR("declare\n"),
        {(const char *)script.bytes, HASH_BYTES},
        {(const char *)source->hash.bytes, HASH_BYTES},
    };

    return hash_pieces(pieces, ARRAY_LEN(pieces));
}

static int from_cache(struct cache *cache, const struct source_file *source, json_t **ret,
                      corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    struct hash key = cache_key(source);
    int r = cache_get(cache, CACHE_KIND, &key, &text, err);

    if (r <= 0) {
        return r;
    }
    r = js_parse(buf_str(&text), "cached declarations", ret, err);
    return r < 0 ? r : 1;
}

static int to_cache(struct cache *cache, const struct source_file *source, const json_t *doc,
                    corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    struct hash key = cache_key(source);

    if (!cache || json_array_size(json_object_get(doc, "problems")) > 0) {
        return 0;
    }
    int r = js_format(doc, 0, &text, err);
    if (r < 0) {
        return r;
    }
    return cache_put(cache, CACHE_KIND, &key, buf_str(&text), err);
}

/* {"files": [{"text": …}, …]} of the sources without document, as a memory file. */
static int make_request(const struct project_dir *project, const struct reader_docs *docs,
                        int *ret_fd, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    _json_ json_t *request = json_object();
    json_t *files = json_array();

    if (js_set(request, "files", files) < 0) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < project->n_sources; i++) {
        if (project->sources[i].language != SOURCE_PYTHON || docs->files[i]) {
            continue;
        }
        json_t *file = json_object();
        if (json_array_append_new(files, file) < 0 ||
            js_set_str(file, "text", project->sources[i].text) < 0) {
            return corrie_fail_memory(err);
        }
    }
    int r = js_format(request, 0, &text, err);
    if (r < 0) {
        return r;
    }
    _close_ int fd = -1;
    r = os_memfd_new("corrie-declare", &fd, err);
    if (r >= 0) {
        r = os_write_at(fd, "declaration request", 0, buf_str(&text), err);
    }
    if (r < 0) {
        return r;
    }
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static int no_interpreter(const char *name, corrie_error *err)
{
    corrie_fail(err, CORRIE_E_UNSUPPORTED, "read the project's Python files: no interpreter %s",
                name);
    return corrie_hint(err, "install Python 3.%d or newer, or name one by CORRIE_PYTHON",
                       MIN_MINOR);
}

static int find_interpreter(const struct declare_options *options, char **ret, corrie_error *err)
{
    _free_ char *given = options && options->python.len ? str_dup(options->python) : NULL;
    const char *variable = os_env("CORRIE_PYTHON");
    const char *name = given ? given : variable ? variable : "python3";

    if (options && options->python.len && !given) {
        return corrie_fail_memory(err);
    }
    int r = os_find_program(name, ret, err);
    return r == CORRIE_E_NOT_FOUND ? no_interpreter(name, err) : r;
}

/* Runs the script; its answer in `out`. Nothing of the user's code runs in that process. */
static int run_script(const char *interpreter, int request, struct buf *out, corrie_error *err)
{
    _cleanup_(buf_done) struct buf errors = {0};
    const char *const argv[] = {interpreter, "-I", "-S", "-c", declare_reader_py, NULL};
    const struct os_fd_map fds[] = {{request, 3}};
    const struct os_rlimit limits[] = {{RLIMIT_DATA, READER_MEMORY}, {RLIMIT_CORE, 0}};
    struct os_spawn spawn = {
        .program = interpreter,
        .argv = argv,
        .fds = fds,
        .n_fds = ARRAY_LEN(fds),
        .death_signal = SIGKILL,
        .limits = limits,
        .n_limits = ARRAY_LEN(limits),
    };
    struct os_exit end;
    char how[80];

    buf_init(&errors, 64 * CORRIE_KiB);
    buf_init(out, CORRIE_MAX_DECLARATIONS);
    int r = os_run(&spawn, CORRIE_DECLARE_DEADLINE_MS, NULL, out, &errors, &end, err);
    if (r < 0) {
        return r == CORRIE_E_NOT_FOUND
                   ? no_interpreter(interpreter, err)
                   : corrie_wrap(err, "read the project's Python files by %s", interpreter);
    }
    if (end.status != 0) {
        os_exit_text(&end, how, sizeof how);
        corrie_fail(err, CORRIE_E_UNSUPPORTED, "read the project's Python files: %s: %s",
                    interpreter, how);
        corrie_detail(err, str_trim(buf_str(&errors)));
        return corrie_hint(err, "CORRIE_PYTHON names another interpreter, 3.%d or newer",
                           MIN_MINOR);
    }
    return buf_check(out, err);
}

static int check_version(struct str version, const char *interpreter, corrie_error *err)
{
    struct str major, rest, minor, patch;
    int64_t number = 0;

    str_cut(version, '.', &major, &rest);
    str_cut(rest, '.', &minor, &patch);
    if (str_eq(major, STR("3")) && str_to_int64(minor, &number) && number >= MIN_MINOR) {
        return 0;
    }
    corrie_fail(err, CORRIE_E_UNSUPPORTED, "read the project's Python files: %s is Python %.*s",
                interpreter, STR_FMT(version));
    return corrie_hint(err, "install Python 3.%d or newer, or name one by CORRIE_PYTHON",
                       MIN_MINOR);
}

/* Hands the answer's documents to the sources that were asked about, and to the cache. */
static int take_answer(const struct project_dir *project, const struct declare_options *options,
                       struct str answer, struct reader_docs *docs, corrie_error *err)
{
    _json_ json_t *doc = NULL;
    struct str version;
    json_t *files;
    size_t next = 0;

    int r = js_parse(answer, "the answer of the Python reader", &doc, err);
    if (r >= 0) {
        r = js_get_str(doc, "python", &version, CORRIE_E_INTERNAL, err);
    }
    if (r >= 0) {
        r = check_version(version, docs->interpreter, err);
    }
    if (r >= 0) {
        r = js_get_array(doc, "files", &files, CORRIE_E_INTERNAL, err);
    }
    if (r < 0) {
        return r;
    }
    version = str_slice(version, 0, sizeof docs->version - 1);
    memcpy(docs->version, version.data, version.len);
    for (size_t i = 0; i < project->n_sources; i++) {
        if (project->sources[i].language != SOURCE_PYTHON || docs->files[i]) {
            continue;
        }
        docs->files[i] = json_incref(json_array_get(files, next++));
        if (!docs->files[i]) {
            return corrie_fail(err, CORRIE_E_INTERNAL, "the Python reader left out %.*s",
                               STR_FMT(project->sources[i].path));
        }
        r = to_cache(options ? options->cache : NULL, &project->sources[i], docs->files[i], err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

int reader_read(const struct project_dir *project, const struct declare_options *options,
                struct reader_docs *ret, corrie_error *err)
{
    _cleanup_(reader_docs_done) struct reader_docs docs = {0};
    _cleanup_(buf_done) struct buf answer = {0};
    bool complete = true;
    int r;

    docs.files = mem_alloc(project->n_sources, sizeof *docs.files);
    if (!docs.files) {
        return corrie_fail_memory(err);
    }
    docs.n_files = project->n_sources;
    for (size_t i = 0; i < project->n_sources; i++) {
        if (project->sources[i].language != SOURCE_PYTHON) {
            continue;
        }
        r = from_cache(options ? options->cache : NULL, &project->sources[i], &docs.files[i], err);
        if (r < 0) {
            return r;
        }
        complete = complete && r > 0;
    }
    if (!complete) {
        _close_ int request = -1;
        r = find_interpreter(options, &docs.interpreter, err);
        if (r >= 0) {
            r = make_request(project, &docs, &request, err);
        }
        if (r >= 0) {
            r = run_script(docs.interpreter, request, &answer, err);
        }
        if (r >= 0) {
            r = take_answer(project, options, buf_str(&answer), &docs, err);
        }
        if (r < 0) {
            return r;
        }
    }
    *ret = TAKE(docs);
    return 0;
}
