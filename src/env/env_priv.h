/* env_priv.h — shared inside the room. */
#ifndef CORRIE_ENV_PRIV_H
#define CORRIE_ENV_PRIV_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "env/env.h"

/* ---- request.c: what was asked for, in one spelling ---- */

struct request {
    struct arena arena;
    struct str python;        /* as asked; may be empty */
    struct str requirements;  /* "polars ==1.15.0\n…", sorted: what uv reads */
    struct str title;         /* "polars ==1.15.0, pandas": for messages; "no packages" */
    bool has_pyarrow;         /* among the packages */
    struct str locked_python; /* "3.11.7"; empty: the request is not locked */
    struct str lock;          /* locked: what struct env has */
    struct str
        files; /* locked: `requirements`, if they say which files may be installed; else empty */
    struct hash hash;
};
void request_done(struct request *request);
/* CORRIE_E_PROJECT for a malformed version, name or specifier; CORRIE_E_LIMIT for too many. */
int request_init(struct request *request, const struct env_request *asked, corrie_error *err)
    CORRIE_MUST_USE;
/* Whether these may go into a file that uv reads: a name, one version, "sha256:" and hex digits. */
bool request_is_name(struct str name);
bool request_is_version(struct str version);
bool request_is_hash(struct str hash);
/* "3", "3.11" or "3.11.7" */
bool request_is_python(struct str version);

/* ---- uv.c: running uv ---- */

struct uv {
    struct arena arena;
    const char *program;
    const char **env; /* of its processes: this one's, without what would change uv's mind */
    const struct env_options *options;
};
void uv_done(struct uv *uv);
/* Finds uv; `options` is borrowed for its life. */
int uv_init(struct uv *uv, const struct env_options *options, corrie_error *err) CORRIE_MUST_USE;

/* Runs `uv ARGS…` (NULL-terminated, without the program itself) in the directory `cwd`. Lines of its
 * standard error go to the progress callback as they come; its standard output to `out` (may be NULL).
 * A status other than 0 becomes an error with uv's reason, see uv_explain. */
int uv_run(const struct uv *uv, const char *const *args, const char *cwd, struct buf *out,
           corrie_error *err) CORRIE_MUST_USE;

/* The same for what packages are needed for: `args` has room for one more. Without network uv gets by with what it has in its
 * own cache, if that is enough. */
int uv_run_cached(const struct uv *uv, const char **args, size_t n, const char *cwd,
                  struct buf *out, corrie_error *err) CORRIE_MUST_USE;

/* Makes an error of what uv wrote to standard error: its reason in one line as the message, everything
 * as detail, uv's own hint as hint. Returns the code. */
int uv_explain(struct str text, corrie_error *err);

void uv_progress(const struct env_options *options, struct str text);

/* ---- python.c: interpreters ---- */

/* Those that `version` allows ("3.11": the newest 3.11 installed; "3" or empty: one of each series), first the
 * newest that packages commonly have wheels for, then older ones, then newer ones. `order` has room for all; it
 * gets indexes into `list`. CORRIE_E_PROJECT naming those that there are, if there is none. */
int python_choose(const struct env_python_list *list, struct str version, size_t *order,
                  size_t *ret_n, corrie_error *err) CORRIE_MUST_USE;
/* From uv's JSON. */
int python_parse_list(struct str json, struct env_python_list *ret, corrie_error *err)
    CORRIE_MUST_USE;
/* The value of PATH for uv: `path` without pyenv's shims (each starts a shell and answers for one version
 * only), with the directories of pyenv's versions. */
int python_search_path(struct arena *arena, const char *path, const char **ret, corrie_error *err)
    CORRIE_MUST_USE;
int python_list(const struct uv *uv, struct env_python_list *ret, corrie_error *err)
    CORRIE_MUST_USE;

/* ---- places.c, make.c, env.c ---- */

/* Where things lie; see env.h. */
struct places {
    struct arena arena;
    const char *requests;      /* directory */
    const char *envs;          /* directory */
    const char *building;      /* directory */
    const char *used;          /* directory */
    const char *building_lock; /* file */
    const char *envs_lock;     /* file: held while something gets its name */
};
void places_done(struct places *places);
/* Below `cache_dir`, or the usual place. */
int places_init(struct places *places, struct str cache_dir, corrie_error *err) CORRIE_MUST_USE;
/* Makes the directories. */
int places_make(const struct places *places, corrie_error *err) CORRIE_MUST_USE;
/* Removes what killed makers left, if nobody makes anything now. */
int places_clear_building(const struct places *places, corrie_error *err) CORRIE_MUST_USE;
/* Held while something is put into building/. */
int places_lock_building(const struct places *places, const struct cancel *cancel, int *ret_fd,
                         corrie_error *err) CORRIE_MUST_USE;

/* What corrie-env.json of an environment says; texts in the arena. 1 read, 0 absent or damaged. */
int env_describe(const char *dir, struct arena *arena, struct str *ret_version,
                 struct str *ret_lock, corrie_error *err) CORRIE_MUST_USE;
/* The hash of an environment of this Python with these packages, on machines of this kind; `files` as struct request
 * has them: what was installed from just these is told from what any file of the version was good enough for. */
struct hash env_content_hash(struct str version, struct str lock, struct str files);
/* From now on the request resolves to this environment. */
int env_write_index(const struct places *places, const struct hash *request, const struct hash *env,
                    corrie_error *err) CORRIE_MUST_USE;
/* A small JSON document of ours. 1 read, 0 absent or damaged (then it counts as absent). */
int env_read_document(const char *path, json_t **ret, corrie_error *err) CORRIE_MUST_USE;

/* Makes the environment of `request` and gives it its name; *ret as env_resolve gives it. */
int env_make(const struct request *request, const struct places *places,
             const struct env_options *options, struct env **ret, corrie_error *err)
    CORRIE_MUST_USE;
/* Opens the environment named `hash`, for use: it is not removed before env_free. 1 it is there and whole, 0 not. */
int env_open(const struct places *places, const struct hash *hash, const struct cancel *cancel,
             struct env **ret, corrie_error *err) CORRIE_MUST_USE;

#endif
