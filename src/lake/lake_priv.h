/* lake_priv.h — shared inside the room. */
#ifndef CORRIE_LAKE_PRIV_H
#define CORRIE_LAKE_PRIV_H

#include "catalog/catalog.h"
#include "catalog/history.h"
#include "catalog/merge.h"
#include "lake/lake.h"
#include "lang/settings.h"
#include "os/file.h"
#include "store/store.h"

#define LAKE_KINDS 7

/* Table metadata that was read or written last (recent.c): files of it never change. */
#define LAKE_RECENT 4
struct lake_recent {
    struct table_metadata *metadata[LAKE_RECENT];
    char *locations[LAKE_RECENT]; /* absolute */
    size_t next;                  /* the oldest: where the next one goes */
};

struct lake {
    struct arena arena; /* everything below that is text */
    struct uuid id;
    struct str root; /* absolute path */
    struct str catalog_dir;
    struct str user;
    struct str user_from; /* "caller", "CORRIE_USER", "user.name", "system" */
    bool unnoted;         /* the present root could not be noted in lake.json: only for reading */
    bool shared;          /* with the group of the root: modes below */
    struct store *store;
    struct catalog *catalog;
    struct table_io io;
    const struct str *roots; /* as in lake.json, Iceberg's URIs */
    size_t n_roots;
    struct cancel own; /* asks what is being done by this handle to stop; part of the caller's */
    const struct cancel *cancel; /* it, or only the caller's while a lake is made */
    corrie_event_fn event;
    void *event_context;
    struct merge_kind kinds[LAKE_KINDS]; /* filled by lake_merge_options */
    struct lake_workspace *idle;         /* a person's, done with; whoever exchanges it owns it */
    struct lake_recent recent;
};

/* The metadata file at `location` if it is at hand; the caller's: metadata_free. NULL: read it. */
struct table_metadata *lake_recent_find(struct lake *lake, struct str location);
/* Keeps what was read from there or written there, unless it is large, or there is no memory. */
void lake_recent_keep(struct lake *lake, struct str location, struct table_metadata *metadata);

/* Closes the one that is kept, if any. */
void lake_workspace_forget(struct lake *lake);

/* Of what is made in a lake that a group shares, whatever the umask. */
#define LAKE_SHARED_DIRECTORY (02770 | OS_MODE_EXACT)
#define LAKE_SHARED_FILE (0660 | OS_MODE_EXACT)

#define LAKE_CONFIG_NAME "lake.json"
#define LAKE_CATALOG_URL "sqlite:catalog/catalog.db"
#define LAKE_MAX_CONFIG ((size_t)64 * 1024)

/* settings.c: the settings that count, read once; zeroed is not read yet. The nearest project's file comes first. */
struct settings_file {
    struct settings settings;
    const char *base; /* relative directories in it are meant from here */
};
struct lake_settings {
    bool loaded;
    struct arena *arena;
    struct settings_file files[2];
    size_t n;
};
int lake_settings_load(struct lake_settings *all, struct arena *arena, corrie_error *err)
    CORRIE_MUST_USE;
/* NULL: it is not set. */
const struct setting *lake_settings_find(const struct lake_settings *all, struct str name,
                                         const struct settings_file **ret_file);

/* locate.c: which lake is meant, where a caller named `url` or, with NULL, none. *ret (in `arena`) is a URL or path;
 * *ret_source says for messages where it came from. Loads the settings if they matter. */
int lake_locate(const char *url, struct lake_settings *settings, struct arena *arena,
                struct str *ret, struct str *ret_source, corrie_error *err) CORRIE_MUST_USE;

/* author.c: who commits, and where that came from (as lake.user_from). CORRIE_E_USAGE if it is no name. */
int lake_find_author(const char *given, struct lake_settings *settings, struct arena *arena,
                     struct str *ret, struct str *ret_from, corrie_error *err) CORRIE_MUST_USE;
/* CORRIE_E_USAGE unless 1 to CORRIE_MAX_WHO bytes of UTF-8 without control characters, not blank. */
int lake_check_author(struct str name, const char *source, corrie_error *err) CORRIE_MUST_USE;

/* config.c: lake.json. */
struct lake_config {
    int64_t format;
    struct uuid id;
    struct str catalog; /* "sqlite:catalog/catalog.db" */
    bool shared;        /* feature "shared": with the group */
    struct str
        others; /* fields that are not known here, as one canonical JSON object; empty = none */
    const struct str *roots;
    size_t n_roots;
};
int lake_config_parse(struct str text, struct arena *arena, struct lake_config *ret,
                      corrie_error *err) CORRIE_MUST_USE;
int lake_config_format(const struct lake_config *config, struct buf *out, corrie_error *err)
    CORRIE_MUST_USE;

/* head.c: as lake_head, but what is kept, whatever $CORRIE_REF says. */
int lake_head_kept(struct lake *lake, struct arena *arena, struct str *ret, corrie_error *err)
    CORRIE_MUST_USE;
/* Makes a branch what is checked out, whether it is there or not. */
int lake_head_keep(struct lake *lake, struct str name, corrie_error *err) CORRIE_MUST_USE;

/* open.c: a handle with store, places and author, of a lake that may not be there yet; *ret_source as in lake_locate. */
int lake_prepare(struct lake *lake, const char *url, const char *author, struct str *ret_source,
                 corrie_error *err) CORRIE_MUST_USE;
/* Reads lake.json, notes the present root in it. CORRIE_E_NOT_FOUND: there is none. */
int lake_read_config(struct lake *lake, corrie_error *err) CORRIE_MUST_USE;
/* CORRIE_E_REFUSED where files written now could not be found from elsewhere: the root is not noted. */
int lake_check_writable(const struct lake *lake, corrie_error *err) CORRIE_MUST_USE;
int lake_open_catalog(struct lake *lake, corrie_error *err) CORRIE_MUST_USE;

/* make.c: makes the lake of a prepared handle, unless somebody else just has. 1 made, 0 there is one. */
int lake_make(struct lake *lake, struct str source, bool shared, corrie_error *err) CORRIE_MUST_USE;
/* access.c: CORRIE_E_REFUSED on a network file system, where SQLite's locks do not hold. */
int lake_check_file_system(const struct lake *lake, corrie_error *err) CORRIE_MUST_USE;
/* An error CORRIE_E_REFUSED about something in the lake, told anew: who may not do what where, and whom to ask. Returns its
 * code; other errors stay. */
int lake_explain_refusal(const struct lake *lake, corrie_error *err);

/* kinds.c: the merge rules of the kinds this room owns. */
const struct merge_options *lake_merge_options(struct lake *lake, struct merge_options *storage);

/* ---- guard.c: what may not come to a branch ----
 *
 * Every change of a branch passes one of the two functions below, whatever makes it: those that make or take over
 * commits give lake_guard_step to the merge (merge_options.guard), so that it is asked in every round, of what the
 * branch would become; those that move a ref to a commit that is there ask lake_guard_ref first. */

struct merge_step;

/* A table that was read to make what is published, and in which version. */
struct guard_read {
    struct str key;
    struct str version; /* relative metadata location */
};

struct lake_guard {
    struct lake *lake;
    struct arena
        *arena; /* gets the texts of what was accepted; lives as long as the change is under way */
    bool accept_taint;
    bool allow_torn;
    bool restores; /* the source's values come from history: picks, reverts, table revert */
    const struct guard_read *reads; /* serializable: these versions must be on the target still */
    size_t n_reads;
};

/* For merge_guard.check; `guard` is a struct lake_guard. CORRIE_E_REFUSED for taint and torn groups that were not
 * accepted: names the tables and the job, and the hint the job's error; CORRIE_E_CONFLICT names a table of `reads` that
 * has another version on the target. What was accepted is put into step->accepted. Cost: what differs between the
 * target and the result, and of the groups it touches their members; where a table comes under another name than the
 * source's, also what differs between the source and the result. */
int lake_guard_step(void *guard, struct catalog *catalog, struct merge_step *step,
                    corrie_error *err) CORRIE_MUST_USE;

/* For moving a branch to a commit (create, reset, rename, restore): `from_commit` is where it stands, NULL = it is not
 * there yet. CORRIE_E_REFUSED as above. *ret_note (in guard->arena; empty if there is nothing to say) is to be put
 * behind the reflog's `why`, after "; ". Cost: O(1) if nothing is tainted, else what differs. */
int lake_guard_ref(struct lake_guard *guard, const struct hash *from_commit,
                   const struct hash *to_commit, struct str *ret_note, corrie_error *err)
    CORRIE_MUST_USE;

/* table.c */
int lake_table_doc(const struct lake_table *table, struct buf *out, corrie_error *err)
    CORRIE_MUST_USE;

/* The inverse, for what lies under the root; others come back as they are. */
struct str lake_relative(const struct lake *lake, struct str location);
/* The local path of Iceberg's URI "file:///…". Borrowed. */
struct str lake_local_path(struct str location);

#endif
