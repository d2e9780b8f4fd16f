/* api_project.c — the project file's parameters, in the public interface. */
#include <corrie/project.h>

#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "lang/name.h"
#include "lang/project.h"
#include "lang/yaml_edit.h"
#include "os/file.h"
#include "os/path.h"
#include "plan/project.h"

int corrie_project_namespace(const char *project_dir, char **ret_name, corrie_error *err)
{
    _cleanup_(project_closep) struct project_dir *project = NULL;
    char *name;
    int r = project_open_settings(str_of(project_dir), &project, err);

    if (r < 0) {
        return r;
    }
    name = str_dup(project_namespace(project));
    if (!name) {
        return corrie_fail_memory(err);
    }
    *ret_name = name;
    return 0;
}

/* ---- documents ---- */

static int add_parameter(json_t *object, const struct project_parameter *parameter)
{
    int r = js_set_str(object, "name", parameter->name.text);

    r = r < 0 ? r : js_set_str(object, "type", str_of(param_type_name(parameter->type)));
    r = r < 0 ? r : js_set_bool(object, "required", parameter->required);
    r = r < 0 ? r
              : js_set(object, "default",
                       parameter->has_default ? js_string(parameter->default_text.text)
                                              : json_null());
    return r < 0 ? r
                 : js_set(object, "description",
                          parameter->description.line > 0 ? js_string(parameter->description.text)
                                                          : json_null());
}

int corrie_parameter_list(const char *project_dir, char **ret_json, corrie_error *err)
{
    _cleanup_(project_closep) struct project_dir *project = NULL;
    _json_ json_t *document = NULL;
    json_t *list;
    int r;

    js_setup();
    r = project_open_settings(str_of(project_dir), &project, err);
    if (r < 0) {
        return corrie_wrap(err, "list parameters");
    }
    document = json_object();
    list = json_array();
    r = !document ? -1 : js_set_str(document, "file", project->file);
    r = js_set(document, "parameters", list) < 0 ? -1 : r;
    for (size_t i = 0; r >= 0 && i < project->settings->n_parameters; i++) {
        json_t *object = json_object();

        r = json_array_append_new(list, object);
        r = r < 0 ? r : add_parameter(object, &project->settings->parameters[i]);
    }
    return r < 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}

static int give_parameter(const struct project_dir *project,
                          const struct project_parameter *parameter, const bool *created,
                          char **ret_json, corrie_error *err)
{
    _json_ json_t *document = json_object();
    int r = !document ? -1 : js_set_str(document, "file", project->file);

    if (r >= 0 && created) {
        r = js_set_bool(document, "created", *created);
    }
    r = r < 0 ? r : add_parameter(document, parameter);
    return r < 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}

/* ---- changing the file ---- */

/* The project file's text while it is being changed. */
struct draft {
    const struct project_dir *project;
    struct arena arena;
    struct str text;
};

static void draft_done(struct draft *draft)
{
    arena_done(&draft->arena);
}

/* parameters.NAME, or .KEY of it, gets a value or (NULL) goes. */
static int edit(struct draft *draft, struct str name, const char *key, const struct str *value,
                bool quoted, corrie_error *err)
{
    _cleanup_(yaml_values_done) struct yaml_values values = {0};
    _cleanup_(buf_done) struct buf text = {0};
    char *path = arena_printf(&draft->arena, "parameters.%.*s%s%s", STR_FMT(name), key ? "." : "",
                              key ? key : "");
    int r;

    if (!path) {
        return corrie_fail_memory(err);
    }
    r = yaml_values_read(&values, "a project file", draft->project->file.data, draft->text,
                         &draft->arena, err);
    r = r < 0 ? r : yaml_edit(&values, str_of(path), value, quoted, &text, err);
    if (r < 0) {
        return r;
    }
    return arena_str(&draft->arena, buf_str(&text), &draft->text) < 0 ? corrie_fail_memory(err) : 0;
}

/* Puts the draft in the place of the file, unless somebody has changed that meanwhile. */
static int save(const struct draft *draft, corrie_error *err)
{
    const struct project_dir *project = draft->project;
    _cleanup_(buf_done) struct buf now = {0};
    _free_ char *path = NULL;
    _free_ char *real = NULL;
    struct os_stat info;
    int r = os_path_join(project->dir, project->file, &path, err);

    r = r < 0 ? r : os_path_real(path, &real, err);
    r = r < 0 ? r : os_stat(real, &info, err);
    r = r < 0 ? r : os_file_read(real, CORRIE_MAX_SOURCE, &now, err);
    if (r < 0 || buf_check(&now, err) < 0) {
        return err->code;
    }
    if (!str_eq(buf_str(&now), project->file_text)) {
        corrie_fail(err, CORRIE_E_CONFLICT, "%s was changed meanwhile", path);
        return corrie_hint(err, "do it again");
    }
    return os_file_replace(real, draft->text, info.mode | OS_MODE_EXACT, err);
}

/* What the draft says of the parameter; in the draft's arena. */
static int check(struct draft *draft, struct str name, const struct project_parameter **ret,
                 corrie_error *err)
{
    struct project *settings;
    int r = project_parse(draft->project->file.data, draft->text, &draft->arena, &settings, err);

    if (r < 0) {
        return r == CORRIE_E_PROJECT ? corrie_wrap(err, "with that change") : r;
    }
    *ret = project_find_parameter(settings, name);
    return 0;
}

/* ---- set ---- */

/* 007 is a text: as a number it would come back as 7. */
static const char *type_by_looks(struct str value)
{
    bool code = value.len > 1 && value.data[0] == '0' && value.data[1] != '.';
    int64_t integer;
    double number;

    return code                                                        ? "str"
           : str_to_int64(value, &integer)                             ? "int"
           : str_to_double(value, &number)                             ? "float"
           : str_eq(value, STR("true")) || str_eq(value, STR("false")) ? "bool"
                                                                       : "str";
}

static int find_type(const char *name, enum param_type *ret, corrie_error *err)
{
    if (param_type_find(str_of(name), ret)) {
        return 0;
    }
    corrie_fail(err, CORRIE_E_USAGE, "\"%s\" is no type of parameters", name);
    return corrie_hint(err, "types are str, int, float, bool, secret and vault");
}

/* A secret that stands in a file of the project is none. */
static int check_reference(struct str value, corrie_error *err)
{
    enum secret_kind kind;
    struct str where;

    if (secret_reference(value, &kind, &where)) {
        return 0;
    }
    corrie_fail(err, CORRIE_E_USAGE, "the value of a secret is where it is to be found");
    return corrie_hint(
        err, "env:NAME, file:PATH or keyring:NAME; the secret itself stays out of the project");
}

static int edit_value(struct draft *draft, struct str name, enum param_type type, struct str value,
                      corrie_error *err)
{
    struct param_value parsed;
    int r = param_parse(type, value, &draft->arena, &parsed, err);

    if (r >= 0 && type == PARAM_SECRET) {
        r = check_reference(value, err);
    }
    return r < 0 ? r
                 : edit(draft, name, "default", &parsed.text,
                        type != PARAM_INT && type != PARAM_FLOAT && type != PARAM_BOOL, err);
}

static int edit_all(struct draft *draft, struct str name, const struct project_parameter *before,
                    const corrie_parameter_options *options, corrie_error *err)
{
    const char *type = options->type    ? options->type
                       : before         ? param_type_name(before->type)
                       : options->value ? type_by_looks(str_of(options->value))
                                        : "str";
    struct str text = str_of(type);
    enum param_type kind = PARAM_STR;
    int r = find_type(type, &kind, err);

    if (r >= 0 && (!before || before->type != kind)) {
        r = edit(draft, name, "type", &text, false, err);
    }
    if (r >= 0 && options->value) {
        r = edit_value(draft, name, kind, str_of(options->value), err);
    }
    if (r >= 0 && options->required) {
        text = strcmp(options->required, "on") == 0 ? STR("true") : STR("false");
        r = edit(draft, name, "required", &text, false, err);
    }
    if (r >= 0 && options->description) {
        text = str_of(options->description);
        r = edit(draft, name, "description", &text, true, err);
    }
    return r;
}

int corrie_parameter_set(const char *project_dir, const char *name,
                         const corrie_parameter_options *options, char **ret_json,
                         corrie_error *err)
{
    _cleanup_(project_closep) struct project_dir *project = NULL;
    _cleanup_(draft_done) struct draft draft = {0};
    corrie_parameter_options given = {.size = sizeof given};
    const struct project_parameter *before = NULL;
    const struct project_parameter *after;
    _free_ char *answer = NULL; /* made before: nothing may fail once it is done */
    bool created;
    int r;

    js_setup();
    if (options) {
        memcpy(&given, options, options->size < sizeof given ? options->size : sizeof given);
    }
    r = name_check_parameter(str_of(name), err);
    r = r < 0 ? r : project_open_settings(str_of(project_dir), &project, err);
    if (r >= 0) {
        before = project_find_parameter(project->settings, str_of(name));
        draft.project = project;
        draft.text = project->file_text;
        r = edit_all(&draft, str_of(name), before, &given, err);
    }
    r = r < 0 ? r : check(&draft, str_of(name), &after, err);
    if (r >= 0) {
        created = !before;
        r = give_parameter(project, after, &created, &answer, err);
    }
    r = r < 0 ? r : save(&draft, err);
    if (r < 0) {
        return corrie_wrap(err, "set parameter %s", name);
    }
    *ret_json = TAKE_PTR(answer);
    return 0;
}

/* ---- remove ---- */

int corrie_parameter_remove(const char *project_dir, const char *name, char **ret_json,
                            corrie_error *err)
{
    _cleanup_(project_closep) struct project_dir *project = NULL;
    _cleanup_(draft_done) struct draft draft = {0};
    const struct project_parameter *before = NULL;
    const struct project_parameter *after = NULL;
    _free_ char *answer = NULL;
    int r;

    js_setup();
    r = project_open_settings(str_of(project_dir), &project, err);
    if (r >= 0 && !(before = project_find_parameter(project->settings, str_of(name)))) {
        corrie_fail(err, CORRIE_E_NOT_FOUND, "%.*s declares no parameter of that name",
                    STR_FMT(project->file));
        r = corrie_hint(err, "`parameter ls` lists those that there are");
    }
    if (r >= 0) {
        draft.project = project;
        draft.text = project->file_text;
        r = edit(&draft, str_of(name), NULL, NULL, false, err);
    }
    r = r < 0 ? r : check(&draft, str_of(name), &after, err);
    r = r < 0 ? r : give_parameter(project, before, NULL, &answer, err);
    r = r < 0 ? r : save(&draft, err);
    if (r < 0) {
        return corrie_wrap(err, "remove parameter %s", name);
    }
    *ret_json = TAKE_PTR(answer);
    return 0;
}
