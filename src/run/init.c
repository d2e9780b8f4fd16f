/* init.c — a new project: its file, a model and an expectation over a small table, and a lake that holds that table unless
 * the user has one.
 *
 * The project file comes last: until it is there the directory is no project, and doing it again finishes what was
 * begun. Files that are there stay as they are. */
#include <corrie/project.h>

#include <stdlib.h>
#include <string.h>

#include <corrie/run.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/uuid.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/path.h"
#include "plan/project.h"

extern const char sample_models_py[];
extern const char sample_levels_csv[];

#define SAMPLE_TABLE "levels"
#define SAMPLE_FILE "levels.csv"
#define OWN_LAKE ".corrie/lake"

struct init {
    struct arena arena;
    const corrie_project_options *given;
    struct str dir; /* absolute */
    struct str name;
    const char *program; /* "corrie" or "bauplan" */
    const char *file;
    json_t *document;
    json_t *written;
    json_t *kept;
};

static void init_done(struct init *init)
{
    arena_done(&init->arena);
    json_decref(init->document);
}

/* ---- files ---- */

/* A file of the project, unless it is there. */
static int write_new(struct init *init, const char *name, struct str text, corrie_error *err)
{
    _free_ char *path = NULL;
    int r = os_path_join(init->dir, str_of(name), &path, err);

    r = r < 0 ? r : os_exists(path, err);
    if (r > 0) {
        return json_array_append_new(init->kept, json_string(name)) < 0 ? corrie_fail_memory(err)
                                                                        : 0;
    }
    r = r < 0 ? r : os_file_replace(path, text, 0666, err);
    if (r >= 0 && json_array_append_new(init->written, json_string(name)) < 0) {
        r = corrie_fail_memory(err);
    }
    return r;
}

/* The models speak of the program by the name it is called. */
static int write_models(struct init *init, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    struct str rest = str_of(sample_models_py);
    ptrdiff_t at;

    while ((at = str_find_str(rest, STR("corrie"))) >= 0) {
        buf_add_str(&text, str_slice(rest, 0, (size_t)at));
        buf_add_text(&text, init->program);
        rest = str_from(rest, (size_t)at + strlen("corrie"));
    }
    buf_add_str(&text, rest);
    return buf_check(&text, err) < 0 ? err->code
                                     : write_new(init, "models.py", buf_str(&text), err);
}

static int write_project_file(struct init *init, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    struct uuid uuid = uuid_random();
    char id[UUID_TEXT + 1];

    uuid_format(&uuid, id);
    buf_addf(&text, "project:\n  id: %s\n  name: ", id);
    js_add_string(&text, init->name); /* a text in quotes, in YAML as in JSON */
    buf_add_text(&text, "\n");
    return buf_check(&text, err) < 0 ? err->code : write_new(init, init->file, buf_str(&text), err);
}

/* ---- the lake ---- */

/* Whether commands in the project would find a lake that somebody chose. */
static int has_lake(const struct init *init, corrie_error *err)
{
    const char *named = getenv("CORRIE_LAKE");
    _free_ char *setting = NULL;
    int r;

    if (init->given->lake_url || (named && *named)) {
        return 1;
    }
    r = corrie_config_get("lake", &setting, err);
    if (r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err);
        return 0;
    }
    return r < 0 ? r : 1;
}

static void lake_closep(corrie_lake **lake)
{
    *lake = corrie_lake_close(*lake);
}

/* The sample, if the lake has no table of that name. 1: it was imported. */
static int import_sample(struct init *init, const char *url, corrie_error *err)
{
    _cleanup_(lake_closep) corrie_lake *lake = NULL;
    corrie_lake_options options = {.size = sizeof options,
                                   .url = url,
                                   .author = init->given->author,
                                   .cancel = init->given->cancel};
    _free_ char *there = NULL;
    _free_ char *done = NULL;
    _free_ char *file = NULL;
    const char *uri;
    int r = corrie_lake_open(&options, &lake, err);

    r = r < 0 ? r
              : corrie_table_get(lake, NULL, SAMPLE_TABLE, init->given->default_namespace, &there,
                                 err);
    if (r != CORRIE_E_NOT_FOUND) {
        return r < 0 ? r : 0;
    }
    corrie_error_clear(err);
    r = os_path_join(init->dir, STR(SAMPLE_FILE), &file, err);
    if (r < 0) {
        return r;
    }
    uri = file;
    corrie_import_options import = {.size = sizeof import,
                                    .table = SAMPLE_TABLE,
                                    .default_namespace = init->given->default_namespace,
                                    .uris = &uri,
                                    .n_uris = 1,
                                    .mode = CORRIE_IMPORT_APPEND};

    r = corrie_import(lake, &import, &done, err);
    return r < 0 ? r : 1;
}

/* A lake of the project's own. */
static int make_lake(struct init *init, corrie_error *err)
{
    _free_ char *directory = NULL;
    _free_ char *url = NULL;
    int imported;
    int r = os_path_join(init->dir, STR(".corrie"), &directory, err);

    r = r < 0 ? r : os_path_join(init->dir, STR(OWN_LAKE), &url, err);
    r = r < 0 ? r : os_dir_make(directory, 0777, err);
    r = r < 0 ? r : write_new(init, ".corrie/config.yaml", STR("lake: " OWN_LAKE "\n"), err);
    imported = r < 0 ? r : import_sample(init, url, err);
    if (imported < 0 || js_set_str(init->document, "lake", str_of(url)) < 0) {
        return imported < 0 ? imported : corrie_fail_memory(err);
    }
    return js_set(init->document, "table", imported ? json_string(SAMPLE_TABLE) : json_null()) < 0
               ? corrie_fail_memory(err)
               : 0;
}

/* ---- all of it ---- */

static int find_place(struct init *init, const char *dir, corrie_error *err)
{
    _cleanup_(project_closep) struct project_dir *project = NULL;
    _free_ char *path = NULL;
    struct str name;
    int r = os_path_absolute(dir && *dir ? str_of(dir) : STR("."), &path, err);

    r = r < 0 ? r : os_dir_make(path, 0777, err);
    if (r < 0) {
        return r;
    }
    r = project_open_settings(str_of(path), &project, err);
    if (r >= 0) {
        corrie_fail(err, CORRIE_E_EXISTS, "%s is a project already: it has %.*s", path,
                    STR_FMT(project->file));
        return corrie_hint(err, "`run` runs it");
    }
    if (r != CORRIE_E_NOT_FOUND) {
        return r;
    }
    corrie_error_clear(err);
    name = init->given->name ? str_of(init->given->name) : os_path_name(str_of(path));
    return arena_str(&init->arena, str_of(path), &init->dir) < 0 ||
                   arena_str(&init->arena, name.len ? name : STR("project"), &init->name) < 0
               ? corrie_fail_memory(err)
               : 0;
}

static int begin_document(struct init *init, corrie_error *err)
{
    init->document = json_object();
    init->written = json_array();
    init->kept = json_array();
    if (!init->document || js_set_str(init->document, "project", init->dir) < 0 ||
        js_set_str(init->document, "file", str_of(init->file)) < 0 ||
        js_set_str(init->document, "name", init->name) < 0 ||
        js_set(init->document, "written", init->written) < 0 ||
        js_set(init->document, "kept", init->kept) < 0 ||
        js_set(init->document, "lake", json_null()) < 0 ||
        js_set(init->document, "table", json_null()) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

static int make_project(struct init *init, const char *dir, corrie_error *err)
{
    int r = find_place(init, dir, err);

    r = r < 0 ? r : begin_document(init, err);
    r = r < 0 ? r : write_models(init, err);
    r = r < 0 ? r : write_new(init, SAMPLE_FILE, str_of(sample_levels_csv), err);
    r = r < 0 ? r : write_new(init, ".gitignore", STR(".corrie/\n"), err);
    if (r >= 0) {
        r = has_lake(init, err);
    }
    if (r == 0) {
        r = make_lake(init, err);
    }
    return r < 0 ? r : write_project_file(init, err);
}

int corrie_project_init(const char *dir, const corrie_project_options *options, char **ret_json,
                        corrie_error *err)
{
    corrie_project_options given = {.size = sizeof given};
    _cleanup_(init_done) struct init init = {.given = &given};
    int r;

    js_setup();
    if (options) {
        memcpy(&given, options, options->size < sizeof given ? options->size : sizeof given);
    }
    init.program = given.bauplan ? "bauplan" : "corrie";
    init.file = given.bauplan ? "bauplan_project.yml" : "corrie.yaml";
    if (!given.default_namespace) {
        given.default_namespace = given.bauplan ? "bauplan" : "public";
    }
    r = make_project(&init, dir, err);
    if (r < 0) {
        return corrie_wrap(err, "make a project in %s",
                           dir && *dir ? dir : "the current directory");
    }
    return js_give(json_incref(init.document), ret_json, err);
}
