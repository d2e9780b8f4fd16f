/* project.h — a project directory: its settings and the files that hold its models.
 *
 * Read once at the start; whatever plans, runs, records or ships the project uses these bytes, so that a
 * file edited meanwhile changes nothing under way. */
#ifndef CORRIE_PLAN_PROJECT_H
#define CORRIE_PLAN_PROJECT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"
#include "env/env.h"

struct project; /* lang/project.h: what the project file says */

/* Beside the project file: what its environments were resolved to (docs/formats/environments.md). */
#define PROJECT_LOCK_FILE "corrie.lock"

enum source_language {
    SOURCE_PYTHON,
    SOURCE_SQL,
};

struct source_file {
    struct str path;  /* relative to the project directory, '/' between parts: what errors show */
    struct str text;  /* UTF-8 */
    struct hash hash; /* SHA-256 of the text */
    enum source_language language;
};

struct project_dir {
    struct arena arena;
    struct str dir;  /* absolute */
    struct str file; /* name of the project file in it, "corrie.yaml" */
    struct str file_text;
    bool bauplan; /* the project file has the other system's name: its defaults hold
                            * (namespace `bauplan`) */
    struct project *settings;
    bool has_lock; /* there is a lock file */
    struct str lock_text;
    struct env_lock lock;        /* project_read_lock */
    struct source_file *sources; /* by path, bytewise */
    size_t n_sources;
};

/* Reads the project in `dir` ("" = "."): the project file (corrie.yaml, corrie.yml, bauplan_project.yml or
 * bauplan_project.yaml), every *.py and *.sql beside it, and what `include_paths` names. Hidden files, files
 * that .gitignore files leave out, and links beside the project file that leave the directory are passed over.
 * CORRIE_E_NOT_FOUND with a hint if the directory has no project file (or is none); CORRIE_E_PROJECT, with
 * position where there is one, if it has two, or the file is wrong, or a source is not UTF-8, or an
 * include path names no file or leads out of the project;
 * CORRIE_E_LIMIT past CORRIE_MAX_SOURCE_FILES files or CORRIE_MAX_SOURCE bytes in one.
 * Ownership: the caller's, project_close. */
int project_open(struct str dir, struct project_dir **ret, corrie_error *err) CORRIE_MUST_USE;
/* The same without its sources and without the lock file. */
int project_open_settings(struct str dir, struct project_dir **ret, corrie_error *err)
    CORRIE_MUST_USE;
/* Fills `lock` from the text of the lock file, if there is one. Errors are those of env_lock_parse. */
int project_read_lock(struct project_dir *project, corrie_error *err) CORRIE_MUST_USE;
struct project_dir *project_close(struct project_dir *project);
DEFINE_CLEANUP(struct project_dir *, project_close)

/* The source at `path`, or NULL. */
const struct source_file *project_source(const struct project_dir *project, struct str path);

/* Namespace that unqualified names mean when no --namespace is given: the project file's
 * defaults.namespace, else `bauplan` in a bauplan project, else `public`. */
struct str project_namespace(const struct project_dir *project);

#endif
