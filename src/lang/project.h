/* project.h — the project file: corrie.yaml, bauplan_project.yml or .yaml, all with the same keys.
 *
 *     project: {id: <uuid>, name: text, description: text}
 *     defaults: {python: {version: "3.11", packages: [{name, version}]},
 *                namespace: text, timeout: seconds}
 *     parameters:
 *       threshold: {type: float, default: 1.5, required: false, description: text}
 *     extras: {ai: [{name, version}]}
 *     include_paths: ["views/<any>.sql"]
 *
 * Keys may be spelt with '-' for '_'. `packages` may also be a mapping {polars: 1.15.0} or a list
 * of "polars==1.15.0". Anchors and aliases, tags, several documents and merge keys are refused.
 * Unknown keys are errors with the nearest known one. YAML is read by libfyaml, which is loaded on
 * the first call.
 *
 * Everything lies in the caller's arena. Text is what stands in the file (3.10 stays "3.10").
 * Every node has the line and column of its value, from 1, for errors that are found later:
 * project_fail. */
#ifndef CORRIE_LANG_PROJECT_H
#define CORRIE_LANG_PROJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

struct project_text {
    struct str text;
    long line; /* 0 = not in the file */
    long column;
};

struct project_package {
    struct project_text name;
    struct project_text version; /* line 0 and empty = any */
};

/* Packages that functions ask for together, by @extras('ai'). */
struct project_extra {
    struct project_text name;
    struct project_package *packages;
    size_t n_packages;
};

enum param_type { PARAM_STR, PARAM_INT, PARAM_FLOAT, PARAM_BOOL, PARAM_SECRET, PARAM_VAULT };

struct param_value {
    enum param_type type;
    struct str text; /* canonical: "true"/"false", "12", "1.5"; str, secret, vault as given */
    int64_t i;       /* int; bool 0 or 1 */
    double f;        /* float */
};

struct project_parameter {
    struct project_text name;
    enum param_type type;
    bool required;
    bool has_default;
    struct project_text default_text;
    struct param_value default_value; /* checked against the type */
    struct project_text description;
    struct project_text key; /* secret: the key's address */
};

struct project {
    const char *file;  /* as given, for messages */
    struct str source; /* the whole text */
    struct project_text id;
    struct project_text name;
    struct project_text description;
    struct project_text python_version;
    struct project_package *packages;
    size_t n_packages;
    struct project_extra *extras;
    size_t n_extras;
    struct project_text ns;
    struct project_text timeout_text;
    int64_t timeout; /* seconds; 0 = none given */
    struct project_parameter *parameters;
    size_t n_parameters;
    struct project_text *include_paths;
    size_t n_include_paths;
};

/* Parses `source` (copied). `file` is for messages only. CORRIE_E_PROJECT with file, line, column,
 * the line itself and a hint; CORRIE_E_LIMIT past CORRIE_MAX_PROJECT bytes or
 * CORRIE_MAX_PROJECT_DEPTH levels; CORRIE_E_UNSUPPORTED if libfyaml is not installed. `id` and
 * `name` are required. */
int project_parse(const char *file, struct str source, struct arena *arena, struct project **ret,
                  corrie_error *err) CORRIE_MUST_USE;

/* The declared parameter, or NULL. */
const struct project_parameter *project_find_parameter(const struct project *project,
                                                       struct str name);
/* `text`, as typed after --param, as a value of `type`. Booleans: true yes on 1 / false no off 0,
 * either case. Borrows from `text` or static memory, or from `arena`. CORRIE_E_USAGE saying what
 * was expected. */
int param_parse(enum param_type type, struct str text, struct arena *arena, struct param_value *ret,
                corrie_error *err) CORRIE_MUST_USE;
enum secret_kind { SECRET_ENV, SECRET_FILE, SECRET_KEYRING };
/* The value of a secret is where it is: env:NAME, file:PATH, keyring:NAME. False: `text` is none of these. */
bool secret_reference(struct str text, enum secret_kind *ret, struct str *ret_where);
/* "str", "int", … */
const char *param_type_name(enum param_type type);
/* The type of that name; false: there is none. */
bool param_type_find(struct str name, enum param_type *ret);

/* Puts the position of `at` into the error. Returns the error's code. */
int project_error_at(const struct project *project, const struct project_text *at,
                     corrie_error *err);

#endif
