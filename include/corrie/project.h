/* project.h — projects: making one, its parameters. */
#ifndef CORRIE_PROJECT_H
#define CORRIE_PROJECT_H

#include <stdbool.h>
#include <stddef.h>

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

/* Tables at `ref` (NULL = checked out) that a model of the project made whose code was another then:
 * {"project","edited":[{"name","job","file","line"}]}. Tables that somebody else wrote last are not judged.
 * `project_dir` NULL is the current directory: CORRIE_E_NOT_FOUND if there is no project. Nothing is planned. */
int corrie_project_edited(corrie_lake *lake, const char *project_dir, const char *ref,
                          const char *default_namespace, char **ret_json, corrie_error *err);

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

#ifdef __cplusplus
}
#endif

#endif
