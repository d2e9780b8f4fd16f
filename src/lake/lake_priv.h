/* lake_priv.h — shared inside the room. */
#ifndef CORRIE_LAKE_PRIV_H
#define CORRIE_LAKE_PRIV_H

#include "catalog/catalog.h"
#include "catalog/history.h"
#include "catalog/merge.h"
#include "lake/lake.h"
#include "store/store.h"

struct lake {
    struct arena arena; /* everything below that is text */
    struct uuid id;
    struct str root; /* absolute path */
    struct str catalog_dir;
    struct str user;
    struct store *store;
    struct catalog *catalog;
    struct table_io io;
    const struct str *roots; /* as in lake.json, Iceberg's URIs */
    size_t n_roots;
    const struct cancel *cancel;
    corrie_event_fn event;
    void *event_context;
};

/* locate.c: which lake is meant. *ret (in `arena`) is a URL or path; *ret_named whether the user named it, so
 * that an error can say where the name came from. */
int lake_locate(const corrie_lake_options *options, struct arena *arena, struct str *ret,
                struct str *ret_source, corrie_error *err) CORRIE_MUST_USE;

/* config.c: lake.json. */
struct lake_config {
    int64_t format;
    struct uuid id;
    struct str catalog; /* "sqlite:catalog/catalog.db" */
    const struct str *roots;
    size_t n_roots;
};
int lake_config_parse(struct str text, struct arena *arena, struct lake_config *ret,
                      corrie_error *err) CORRIE_MUST_USE;
int lake_config_format(const struct lake_config *config, struct buf *out, corrie_error *err)
    CORRIE_MUST_USE;

/* kinds.c: the merge rules of the kinds this room owns. */
const struct merge_options *lake_merge_options(const struct lake *lake,
                                               struct merge_options *storage);

/* table.c */
int lake_table_doc(const struct lake_table *table, struct buf *out, corrie_error *err)
    CORRIE_MUST_USE;

/* The inverse, for what lies under the root; others come back as they are. */
struct str lake_relative(const struct lake *lake, struct str location);
/* The local path of Iceberg's URI "file:///…". Borrowed. */
struct str lake_local_path(struct str location);

/* What differs between two states, as corrie_diff lists it: from a commit to a commit, or to a tree. *ret is a new
 * reference. */
int lake_diff_changes(struct lake *lake, const struct hash *from_commit,
                      const struct hash *to_commit, const struct hash *to_tree, json_t **ret,
                      corrie_error *err) CORRIE_MUST_USE;

#endif
