/* The project file: from YAML's tree to struct project. */
#include "lang/project.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/uuid.h"
#include "lang/name.h"
#include "lang/yaml_priv.h"

#define MAX_TIMEOUT (INT64_C(30) * 24 * 3600)

struct reader {
    struct project *project;
    struct arena *arena;
    corrie_error *err;
};

/* ---- errors ---- */

static int fail_node(struct reader *r, const struct yaml_node *node)
{
    return corrie_error_at_offset(r->err, r->project->file, r->project->source, node->offset,
                                  node->length);
}

static const char *kind_name(enum yaml_kind kind)
{
    static const char *const names[] = {[YAML_NULL] = "nothing",
                                        [YAML_TEXT] = "a text",
                                        [YAML_LIST] = "a list",
                                        [YAML_MAP] = "keys and values"};
    return names[kind];
}

static int fail_kind(struct reader *r, const struct yaml_node *node, const char *what,
                     enum yaml_kind wanted)
{
    corrie_fail(r->err, CORRIE_E_PROJECT, "%s must be %s, not %s", what, kind_name(wanted),
                kind_name(node->kind));
    return fail_node(r, node);
}

int project_error_at(const struct project *project, const struct project_text *at,
                     corrie_error *err)
{
    struct str rest = project->source;
    struct str line = STR_EMPTY;

    if (at->line < 1) {
        return err->code;
    }
    for (long i = 0; i < at->line; i++) {
        (void)str_cut(rest, '\n', &line, &rest);
    }
    if (str_ends(line, STR("\r"))) {
        line.len--;
    }
    size_t left = line.len >= (size_t)at->column - 1 ? line.len - ((size_t)at->column - 1) : 0;
    size_t width = at->text.len < left ? at->text.len : left;
    return corrie_error_at(err, project->file, at->line, at->column, (long)(width ? width : 1),
                           line);
}

/* ---- keys ---- */

/* '-' stands for '_'. */
static bool key_is(struct str given, struct str key)
{
    if (given.len != key.len) {
        return false;
    }
    for (size_t i = 0; i < key.len; i++) {
        if ((given.data[i] == '-' ? '_' : given.data[i]) != key.data[i]) {
            return false;
        }
    }
    return true;
}

/* Sorts the values of a map into `ret`, one slot a key of `keys`; absent ones are NULL. Unknown keys and a
 * key in both spellings are errors. */
static int take_keys(struct reader *r, const struct yaml_node *map, const char *what,
                     const struct str *keys, size_t n_keys, const struct yaml_node **ret)
{
    if (map->kind != YAML_MAP) {
        return fail_kind(r, map, what, YAML_MAP);
    }
    for (const struct yaml_node *node = map->first; node; node = node->next) {
        size_t i = 0;
        while (i < n_keys && !key_is(node->key->text, keys[i])) {
            i++;
        }
        if (i == n_keys) {
            corrie_fail(r->err, CORRIE_E_PROJECT, "%s has no key \"%.*s\"", what,
                        STR_FMT(node->key->text));
            corrie_hint_nearest(node->key->text, keys, n_keys, r->err);
            return fail_node(r, node->key);
        }
        if (ret[i]) {
            corrie_fail(r->err, CORRIE_E_PROJECT, "%s: \"%.*s\" is given twice", what,
                        STR_FMT(keys[i]));
            return fail_node(r, node->key);
        }
        ret[i] = node->kind == YAML_NULL ? NULL : node;
    }
    return 0;
}

static struct project_text text_of(const struct yaml_node *node)
{
    return (struct project_text){node->text, node->line, node->column};
}

/* Leaves *ret alone when node is NULL. */
static int take_text(struct reader *r, const struct yaml_node *node, const char *what,
                     struct project_text *ret)
{
    if (!node) {
        return 0;
    }
    if (node->kind != YAML_TEXT) {
        return fail_kind(r, node, what, YAML_TEXT);
    }
    *ret = text_of(node);
    return 0;
}

static size_t count(const struct yaml_node *node)
{
    size_t n = 0;
    for (const struct yaml_node *item = node->first; item; item = item->next) {
        n++;
    }
    return n;
}

/* ---- project ---- */

static int fail_missing(struct reader *r, const struct yaml_node *node, const char *what,
                        const char *hint)
{
    corrie_fail(r->err, CORRIE_E_PROJECT, "%s is missing", what);
    corrie_hint(r->err, "%s", hint);
    return fail_node(r, node);
}

static int read_project(struct reader *r, const struct yaml_node *node)
{
    static const struct str keys[] = {{"id", 2}, {"name", 4}, {"description", 11}};
    const struct yaml_node *values[ARRAY_LEN(keys)] = {0};
    struct project *project = r->project;
    struct uuid uuid;
    char example[UUID_TEXT + 1];

    int result = take_keys(r, node, "project", keys, ARRAY_LEN(keys), values);
    if (result >= 0) {
        result = take_text(r, values[0], "project.id", &project->id);
    }
    if (result >= 0) {
        result = take_text(r, values[1], "project.name", &project->name);
    }
    if (result >= 0) {
        result = take_text(r, values[2], "project.description", &project->description);
    }
    if (result < 0) {
        return result;
    }
    uuid = uuid_random();
    uuid_format(&uuid, example);
    if (!values[0]) {
        corrie_fail(r->err, CORRIE_E_PROJECT, "project.id is missing");
        corrie_hint(r->err, "give the project an id of its own: id: %s", example);
        return fail_node(r, node->key);
    }
    if (!uuid_parse(project->id.text, &uuid)) {
        corrie_fail(r->err, CORRIE_E_PROJECT, "project.id is no UUID");
        corrie_hint(r->err, "one that nobody else has: %s", example);
        return fail_node(r, values[0]);
    }
    if (!values[1] || project->name.text.len == 0) {
        return fail_missing(r, node->key, "project.name", "give the project a name");
    }
    return 0;
}

/* ---- packages ---- */

static bool is_package_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

/* "polars", "pandas[performance]". */
static bool is_package_name(struct str name)
{
    struct str base = name;
    struct str extras;

    if (str_cut(name, '[', &base, &extras)) {
        if (!str_ends(extras, STR("]")) || extras.len < 2) {
            return false;
        }
        for (size_t i = 0; i + 1 < extras.len; i++) {
            if (!is_package_char(extras.data[i]) && extras.data[i] != ',') {
                return false;
            }
        }
    }
    for (size_t i = 0; i < base.len; i++) {
        if (!is_package_char(base.data[i])) {
            return false;
        }
    }
    return base.len > 0;
}

/* Letters of either case and '-', '_', '.' are the same to Python's packagers. */
static bool same_package(struct str a, struct str b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        char x = a.data[i] == '_' || a.data[i] == '.' ? '-' : a.data[i];
        char y = b.data[i] == '_' || b.data[i] == '.' ? '-' : b.data[i];
        if (!str_eq_nocase(str_make(&x, 1), str_make(&y, 1))) {
            return false;
        }
    }
    return true;
}

/* A list of packages while it is read. */
struct package_list {
    struct project_package *items;
    size_t count;
};

static int add_package(struct reader *r, struct project_package package,
                       const struct yaml_node *node, struct package_list *list)
{
    if (!is_package_name(package.name.text)) {
        corrie_fail(r->err, CORRIE_E_PROJECT, "\"%.*s\" is no package name",
                    STR_FMT(package.name.text));
        return fail_node(r, node);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (same_package(list->items[i].name.text, package.name.text)) {
            corrie_fail(r->err, CORRIE_E_PROJECT, "package %.*s is listed twice",
                        STR_FMT(package.name.text));
            return fail_node(r, node);
        }
    }
    list->items[list->count++] = package;
    return 0;
}

/* "polars==1.15.0" or "polars". */
static int read_pinned(struct reader *r, const struct yaml_node *node, struct package_list *list)
{
    struct project_package package = {.name = text_of(node)};
    ptrdiff_t equals = str_find_str(node->text, STR("=="));

    if (equals >= 0) {
        struct str version = str_from(node->text, (size_t)equals + 2);
        package.name.text = str_trim(str_slice(node->text, 0, (size_t)equals));
        package.version = (struct project_text){str_trim(version), node->line, node->column};
        if (package.version.text.len == 0) {
            corrie_fail(r->err, CORRIE_E_PROJECT, "a version is missing behind '=='");
            return fail_node(r, node);
        }
    }
    return add_package(r, package, node, list);
}

static int read_package(struct reader *r, const struct yaml_node *node, struct package_list *list)
{
    static const struct str keys[] = {{"name", 4}, {"version", 7}};
    const struct yaml_node *values[ARRAY_LEN(keys)] = {0};
    struct project_package package = {0};

    if (node->kind == YAML_TEXT) {
        return read_pinned(r, node, list);
    }
    int result = take_keys(r, node, "a package", keys, ARRAY_LEN(keys), values);
    if (result >= 0 && !values[0]) {
        result =
            fail_missing(r, node, "the name of a package", "write {name: polars, version: 1.15.0}");
    }
    if (result >= 0) {
        result = take_text(r, values[0], "the name of a package", &package.name);
    }
    if (result >= 0) {
        result = take_text(r, values[1], "the version of a package", &package.version);
    }
    return result < 0 ? result : add_package(r, package, values[0], list);
}

static int read_packages(struct reader *r, const struct yaml_node *node, const char *what,
                         struct project_package **ret, size_t *ret_n)
{
    struct package_list list = {0};

    if (node->kind != YAML_LIST && node->kind != YAML_MAP) {
        return fail_kind(r, node, what, YAML_LIST);
    }
    list.items = arena_array(r->arena, struct project_package, count(node) + 1);
    if (!list.items) {
        return corrie_fail_memory(r->err);
    }
    for (const struct yaml_node *item = node->first; item; item = item->next) {
        int result;
        if (node->kind == YAML_LIST) {
            result = read_package(r, item, &list);
        } else {
            struct project_package package = {.name = text_of(item->key)};
            result = item->kind == YAML_NULL
                         ? 0
                         : take_text(r, item, "the version of a package", &package.version);
            if (result >= 0) {
                result = add_package(r, package, item->key, &list);
            }
        }
        if (result < 0) {
            return result;
        }
    }
    *ret = list.items;
    *ret_n = list.count;
    return 0;
}

static int read_extras(struct reader *r, const struct yaml_node *node)
{
    struct project *project = r->project;

    if (!node) {
        return 0;
    }
    if (node->kind != YAML_MAP) {
        return fail_kind(r, node, "extras", YAML_MAP);
    }
    project->extras = arena_array(r->arena, struct project_extra, count(node) + 1);
    if (!project->extras) {
        return corrie_fail_memory(r->err);
    }
    for (const struct yaml_node *item = node->first; item; item = item->next) {
        struct project_extra *extra = &project->extras[project->n_extras++];
        int result = 0;

        extra->name = text_of(item->key);
        if (item->kind != YAML_NULL) {
            result = read_packages(r, item, "an extra", &extra->packages, &extra->n_packages);
        }
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

/* ---- defaults ---- */

/* "3.11" or "3.11.9". */
static bool is_python_version(struct str text)
{
    int parts = 0;
    struct str part;
    int64_t number;

    do {
        (void)str_cut(text, '.', &part, &text);
        if (part.len == 0 || part.data[0] == '-' || part.data[0] == '+' ||
            !str_to_int64(part, &number)) {
            return false;
        }
        parts++;
    } while (text.len > 0);
    return parts == 2 || parts == 3;
}

static int read_python(struct reader *r, const struct yaml_node *node)
{
    static const struct str keys[] = {{"version", 7}, {"packages", 8}};
    const struct yaml_node *values[ARRAY_LEN(keys)] = {0};
    struct project *project = r->project;

    if (!node) {
        return 0;
    }
    int result = take_keys(r, node, "python", keys, ARRAY_LEN(keys), values);
    if (result >= 0) {
        result = take_text(r, values[0], "python.version", &project->python_version);
    }
    if (result < 0) {
        return result;
    }
    if (values[0] && !is_python_version(project->python_version.text)) {
        corrie_fail(r->err, CORRIE_E_PROJECT, "\"%.*s\" is no Python version",
                    STR_FMT(project->python_version.text));
        corrie_hint(r->err, "write version: \"3.11\"");
        return fail_node(r, values[0]);
    }
    return values[1] ? read_packages(r, values[1], "python.packages", &project->packages,
                                     &project->n_packages)
                     : 0;
}

static int read_defaults(struct reader *r, const struct yaml_node *node)
{
    static const struct str keys[] = {{"python", 6}, {"namespace", 9}, {"timeout", 7}};
    const struct yaml_node *values[ARRAY_LEN(keys)] = {0};
    struct project *project = r->project;

    if (!node) {
        return 0;
    }
    int result = take_keys(r, node, "defaults", keys, ARRAY_LEN(keys), values);
    if (result >= 0) {
        result = read_python(r, values[0]);
    }
    if (result >= 0) {
        result = take_text(r, values[1], "defaults.namespace", &project->ns);
    }
    if (result >= 0) {
        result = take_text(r, values[2], "defaults.timeout", &project->timeout_text);
    }
    if (result < 0) {
        return result;
    }
    if (values[1]) {
        result = name_check_namespace(project->ns.text, r->err);
        if (result < 0) {
            r->err->code = CORRIE_E_PROJECT;
            return fail_node(r, values[1]);
        }
    }
    if (values[2] && (!str_to_int64(project->timeout_text.text, &project->timeout) ||
                      project->timeout < 1 || project->timeout > MAX_TIMEOUT)) {
        corrie_fail(r->err, CORRIE_E_PROJECT,
                    "defaults.timeout must be a whole number of seconds from 1 to %lld",
                    (long long)MAX_TIMEOUT);
        return fail_node(r, values[2]);
    }
    return 0;
}

/* ---- parameters ---- */

static int read_type(struct reader *r, const struct yaml_node *node, enum param_type *ret)
{
    struct str names[PARAM_VAULT + 1];
    size_t nearest;

    if (param_type_find(node->text, ret)) {
        return 0;
    }
    for (int i = PARAM_STR; i <= PARAM_VAULT; i++) {
        names[i] = str_of(param_type_name((enum param_type)i));
    }
    corrie_fail(r->err, CORRIE_E_PROJECT, "unknown type \"%.*s\"", STR_FMT(node->text));
    if (str_nearest(node->text, names, PARAM_VAULT + 1, &nearest, 1) == 1) {
        corrie_hint(r->err, "did you mean %.*s?", STR_FMT(names[nearest]));
    } else {
        corrie_hint(r->err, "types are str, int, float, bool, secret and vault");
    }
    return fail_node(r, node);
}

/* A value that must be right for the type. */
static int read_value(struct reader *r, const struct yaml_node *node, enum param_type type,
                      struct param_value *ret)
{
    int result = param_parse(type, node->text, r->arena, ret, r->err);
    if (result == CORRIE_E_USAGE) {
        r->err->code = CORRIE_E_PROJECT;
        return fail_node(r, node);
    }
    return result;
}

enum {
    PARAM_KEY_TYPE,
    PARAM_KEY_DEFAULT,
    PARAM_KEY_REQUIRED,
    PARAM_KEY_DESCRIPTION,
    PARAM_KEY_KEY
};

static int fill_parameter(struct reader *r, const struct yaml_node *node,
                          const struct yaml_node *const *values, struct project_parameter *param)
{
    struct project_text type = {0};
    struct project_text required = {0};
    struct param_value flag;

    int result = take_text(r, values[PARAM_KEY_TYPE], "type", &type);
    if (result >= 0) {
        result = take_text(r, values[PARAM_KEY_DEFAULT], "default", &param->default_text);
    }
    if (result >= 0) {
        result = take_text(r, values[PARAM_KEY_REQUIRED], "required", &required);
    }
    if (result >= 0) {
        result = take_text(r, values[PARAM_KEY_DESCRIPTION], "description", &param->description);
    }
    if (result >= 0) {
        result = take_text(r, values[PARAM_KEY_KEY], "key", &param->key);
    }
    if (result < 0) {
        return result;
    }
    if (!values[PARAM_KEY_TYPE]) {
        return fail_missing(r, node->key, "the type of a parameter",
                            "write type: str, int, float, bool, secret or vault");
    }
    result = read_type(r, values[PARAM_KEY_TYPE], &param->type);
    if (result >= 0 && values[PARAM_KEY_REQUIRED]) {
        result = read_value(r, values[PARAM_KEY_REQUIRED], PARAM_BOOL, &flag);
        param->required = result >= 0 && flag.i;
    }
    if (result >= 0 && values[PARAM_KEY_DEFAULT]) {
        param->has_default = true;
        result = read_value(r, values[PARAM_KEY_DEFAULT], param->type, &param->default_value);
    }
    return result;
}

static int read_parameter(struct reader *r, const struct yaml_node *node,
                          struct project_parameter *param)
{
    static const struct str keys[] = {
        {"type", 4}, {"default", 7}, {"required", 8}, {"description", 11}, {"key", 3}};
    const struct yaml_node *values[ARRAY_LEN(keys)] = {0};

    param->name = text_of(node->key);
    int result = name_check_parameter(param->name.text, r->err);
    if (result < 0) {
        r->err->code = CORRIE_E_PROJECT;
        return fail_node(r, node->key);
    }
    result = take_keys(r, node, "a parameter", keys, ARRAY_LEN(keys), values);
    return result < 0 ? result : fill_parameter(r, node, values, param);
}

static int read_parameters(struct reader *r, const struct yaml_node *node)
{
    struct project *project = r->project;

    if (!node) {
        return 0;
    }
    if (node->kind != YAML_MAP) {
        return fail_kind(r, node, "parameters", YAML_MAP);
    }
    project->parameters = arena_array(r->arena, struct project_parameter, count(node) + 1);
    if (!project->parameters) {
        return corrie_fail_memory(r->err);
    }
    for (const struct yaml_node *item = node->first; item; item = item->next) {
        int result = read_parameter(r, item, &project->parameters[project->n_parameters]);
        if (result < 0) {
            return result;
        }
        project->n_parameters++;
    }
    return 0;
}

/* ---- include paths ---- */

static bool leaves_project(struct str path)
{
    struct str part;

    if (str_starts(path, STR("/"))) {
        return true;
    }
    while (path.len > 0) {
        (void)str_cut(path, '/', &part, &path);
        if (str_eq(part, STR(".."))) {
            return true;
        }
    }
    return false;
}

static int read_include_paths(struct reader *r, const struct yaml_node *node)
{
    struct project *project = r->project;

    if (!node) {
        return 0;
    }
    if (node->kind != YAML_LIST) {
        return fail_kind(r, node, "include_paths", YAML_LIST);
    }
    project->include_paths = arena_array(r->arena, struct project_text, count(node) + 1);
    if (!project->include_paths) {
        return corrie_fail_memory(r->err);
    }
    for (const struct yaml_node *item = node->first; item; item = item->next) {
        if (item->kind != YAML_TEXT) {
            return fail_kind(r, item, "an include path", YAML_TEXT);
        }
        if (item->text.len == 0 || leaves_project(item->text)) {
            corrie_fail(r->err, CORRIE_E_PROJECT, "an include path must stay in the project");
            corrie_hint(r->err, "write it relative to the project file, without \"..\"");
            return fail_node(r, item);
        }
        project->include_paths[project->n_include_paths++] = text_of(item);
    }
    return 0;
}

/* ---- the whole ---- */

static int read_root(struct reader *r, const struct yaml_node *root)
{
    static const struct str keys[] = {
        {"project", 7}, {"defaults", 8}, {"parameters", 10}, {"include_paths", 13}, {"extras", 6}};
    const struct yaml_node *values[ARRAY_LEN(keys)] = {0};

    int result = take_keys(r, root, "the project file", keys, ARRAY_LEN(keys), values);
    if (result < 0) {
        return result;
    }
    if (!values[0]) {
        return fail_missing(r, root, "the key project",
                            "a project file begins with project: and below it id: and name:");
    }
    result = read_project(r, values[0]);
    if (result >= 0) {
        result = read_defaults(r, values[1]);
    }
    if (result >= 0) {
        result = read_parameters(r, values[2]);
    }
    if (result >= 0) {
        result = read_include_paths(r, values[3]);
    }
    return result < 0 ? result : read_extras(r, values[4]);
}

int project_parse(const char *file, struct str source, struct arena *arena, struct project **ret,
                  corrie_error *err)
{
    struct project *project = arena_new(arena, struct project);
    struct yaml_node *root = NULL;

    if (!project) {
        return corrie_fail_memory(err);
    }
    project->file = arena_text(arena, str_of(file));
    if (!project->file ||
        (source.len <= CORRIE_MAX_PROJECT && arena_str(arena, source, &project->source) < 0)) {
        return corrie_fail_memory(err);
    }
    struct str text = source.len <= CORRIE_MAX_PROJECT ? project->source : source;
    int r = yaml_parse(project->file, text, arena, &root, err);
    if (r < 0) {
        return r;
    }
    if (!root || root->kind == YAML_NULL) {
        corrie_fail(err, CORRIE_E_PROJECT, "%s is empty", file);
        return corrie_hint(err, "a project file begins with project: and below it id: and name:");
    }
    struct reader reader = {project, arena, err};
    r = read_root(&reader, root);
    if (r < 0) {
        return r;
    }
    *ret = project;
    return 0;
}

const struct project_parameter *project_find_parameter(const struct project *project,
                                                       struct str name)
{
    for (size_t i = 0; i < project->n_parameters; i++) {
        if (str_eq(project->parameters[i].name.text, name)) {
            return &project->parameters[i];
        }
    }
    return NULL;
}
