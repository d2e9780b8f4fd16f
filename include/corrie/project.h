/* project.h — projects: making one, its parameters. */
#ifndef CORRIE_PROJECT_H
#define CORRIE_PROJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <corrie/error.h>
#include <corrie/lake.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct corrie_project_options {
    size_t size;
    const char *name;              /* NULL = the directory's */
    bool bauplan;                  /* by that system's names: bauplan_project.yml, import bauplan */
    const char *lake_url;          /* the lake of its commands, if one was chosen: none is made */
    const char *default_namespace; /* of the sample; NULL = "public", with `bauplan` that */
    const char *author;            /* of the sample's commit, as in corrie_lake_options */
    corrie_cancel *cancel;         /* borrowed; may be NULL */
} corrie_project_options;
/* Makes a project in `dir` (NULL: the current directory; made if absent): its file, models.py with a model and an
 * expectation over the table `levels`, levels.csv, .gitignore; and, unless a lake is chosen by lake_url, $CORRIE_LAKE or
 * the setting `lake`, a lake in .corrie/lake that holds the table. Files that are there stay.
 * {"project","file","name","written":[file],"kept":[file],"lake","table"}: lake and table are null where none was made.
 * CORRIE_E_EXISTS: there is a project. */
int corrie_project_init(const char *dir, const corrie_project_options *options, char **ret_json,
                        corrie_error *err);

/* Tables at `ref` (NULL = checked out) that a model of the project made which is declared otherwise now: its code,
 * environment, options or inputs, or those of models that it reads and that are no tables. Values of parameters do not
 * count. {"project","edited":[{"name","job","file","line"}]}. Tables that somebody else, or a version that noted less,
 * wrote last are not judged. `project_dir` NULL is the current directory: CORRIE_E_NOT_FOUND if there is no project. The
 * project is planned, nothing of it is run: errors are those of corrie_project_plan, with CORRIE_E_PROJECT for what it
 * reads and is not there. */
int corrie_project_edited(corrie_lake *lake, const char *project_dir, const char *ref,
                          const char *default_namespace, char **ret_json, corrie_error *err);

/* The namespace that names without one mean in the project: its `defaults.namespace`, else "public", or "bauplan" where
 * its file is called like that system's. `project_dir` NULL is the current directory. The caller frees the text
 * (corrie_free). CORRIE_E_NOT_FOUND if there is no project. */
int corrie_project_namespace(const char *project_dir, char **ret_name, corrie_error *err);

/* ---- parameters ------------------------------------------------------------------------------------
 * `project_dir` NULL is the current directory. A PARAMETER: {"name","type":"str|int|float|bool|secret|vault","required",
 * "default","description"}; default and description are texts, or null. Changes are made in the text of the project file:
 * comments and order stay. CORRIE_E_UNSUPPORTED: it is written so that it must be edited by hand. */

/* {"file","parameters":[PARAMETER]}, in the order of the file. */
int corrie_parameter_list(const char *project_dir, char **ret_json, corrie_error *err);

typedef struct corrie_parameter_options {
    size_t size;
    const char *value; /* becomes the default; NULL = as it is */
    const char
        *type; /* NULL = as it is; of a new one as the value looks: int, float, bool, else str */
    const char *description; /* NULL = as it is */
    const char *required;    /* "on" "off"; NULL = as it is */
} corrie_parameter_options;
/* Declares a parameter, or changes one: {"file","created",PARAMETER…}. CORRIE_E_USAGE: the name or value will not do;
 * values of secrets are references, never secrets: env:NAME, file:PATH, keyring:NAME. */
int corrie_parameter_set(const char *project_dir, const char *name,
                         const corrie_parameter_options *options, char **ret_json,
                         corrie_error *err);
/* {"file",PARAMETER…} as it was. CORRIE_E_NOT_FOUND. */
int corrie_parameter_remove(const char *project_dir, const char *name, char **ret_json,
                            corrie_error *err);

/* ---- environments -----------------------------------------------------------------------------------
 * What functions in Python run in: kept in the user's cache, for all projects. PACKAGE: {"name","version"}. */

typedef struct corrie_env_options {
    size_t size;
    const char *project_dir; /* NULL = the current directory */
    corrie_cancel *cancel;   /* borrowed; may be NULL */
    /* What is being done, for people; the text is valid during the call. */
    void (*progress)(void *context, const char *text);
    void *progress_context;
    bool upgrade; /* corrie_env_lock: what is locked is resolved again */
    bool check;   /* corrie_env_lock: nothing is written */
    int64_t
        unused_seconds; /* corrie_env_clean: environments that nobody has used for so long; 0 = all, negative = 30 days */
    bool dry_run; /* corrie_env_clean: nothing is removed */
} corrie_env_options;

/* The environments that are kept, used last first: {"project","environments":[{"env","python","packages":[PACKAGE],"bytes",
 * "last_used","in_use","usable","functions":[name]}]}. `functions`: those of the project that use it; project is null, and
 * functions are empty, where the directory has no project (CORRIE_E_NOT_FOUND if project_dir named it). Bytes count
 * files that are hard links into uv's cache too; an unusable environment is made again when it is needed. */
int corrie_env_list(const corrie_env_options *options, char **ret_json, corrie_error *err);

/* Writes corrie.lock beside the project file: what every environment of the project was resolved to. What the file has
 * stays, unless `upgrade`; what nobody asks for any more goes.
 * {"file","written","environments":[{"python","packages":[text],"functions":[name],"status":"kept|new|changed|same",
 * "locked":{"python","packages":[PACKAGE]},"changes":[{"name","from","to"}]}],"removed"}; a change's from or to is null for
 * what came or went. With `check`: {…,"written":false} if the file is complete, CORRIE_E_PROJECT if not. */
int corrie_env_lock(const corrie_env_options *options, char **ret_json, corrie_error *err);

/* Removes environments that nobody has used for a while, never one in use:
 * {"dry_run","removed":[{"env","python","packages","bytes","last_used"}],"bytes","kept","in_use"}. */
int corrie_env_clean(const corrie_env_options *options, char **ret_json, corrie_error *err);

/* ---- plans ---------------------------------------------------------------------------------------- */

typedef struct corrie_plan_options {
    size_t size;
    const char *project_dir;       /* NULL = the current directory */
    const char *ref;               /* branch to be read; NULL = checked out */
    const char *default_namespace; /* NULL = the project's */
    const char *const *parameters; /* "name=value" */
    size_t n_parameters;
    bool strict; /* warnings are failures */
    bool no_cache;
} corrie_plan_options;

/* What a run of the project would do, as a text: "json" (docs/formats/plan.md), "tree" and its steps for people, "dot"
 * for Graphviz, "svg". Nothing is run; errors are those of corrie_run before anything runs. */
int corrie_project_plan(corrie_lake *lake, const corrie_plan_options *options, const char *format,
                        char **ret_text, corrie_error *err);

/* From which columns `column` ("table.column", "namespace.table.column") is made in the project (`up`), and what is made
 * of it (`down`): {"column":REF,"up":[EDGE],"down":[EDGE]}. REF: {"kind":"table|model|expectation","namespace","name",
 * "column","file","line"}; column is null where it is not known which. EDGE: {"from":REF,"to":REF,"exact","again",
 * "depth"}, depth first; exact: the SQL says so, while a Python function may make any of its columns of any that it
 * reads; again: what lies beyond was listed before. CORRIE_E_NOT_FOUND: the project has no such table or column. */
int corrie_lineage(corrie_lake *lake, const corrie_plan_options *options, const char *column,
                   bool up, bool down, char **ret_json, corrie_error *err);

#ifdef __cplusplus
}
#endif

#endif
