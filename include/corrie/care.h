/* care.h — looking after a lake: checking, collecting, pruning. */
#ifndef CORRIE_CARE_H
#define CORRIE_CARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <corrie/error.h>
#include <corrie/lake.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct corrie_fsck_options {
    size_t size;
    bool repair;  /* put right what can be: see docs/formats/care.md */
    bool dry_run; /* with repair: only say what would be done */
} corrie_fsck_options;

/* Checks everything that refs and reflog reach: catalog objects, trees, documents, what kinds demand of each other,
 * taint and groups, table metadata, manifests, and that data files are there with their recorded sizes. `options` may be
 * NULL. *ret_json is set on success and with CORRIE_E_CORRUPT:
 * {"refs","commits","tables","files","bytes","problems":[{"where","what"}],"repairs":[{"where","what","done"}]}.
 * CORRIE_E_CORRUPT if problems are left. Cost: all that is in reach, each thing once; data files are not read. */
int corrie_fsck(corrie_lake *lake, const corrie_fsck_options *options, char **ret_json,
                corrie_error *err);

typedef struct corrie_gc_options {
    size_t size;
    int64_t grace_seconds;  /* what is younger stays; negative = 86 400 */
    int64_t reflog_seconds; /* what reflog entries and job records younger than that name stays;
                             * negative = 30 days */
    bool dry_run;
} corrie_gc_options;

/* Removes what nothing reaches: objects of the catalog, metadata and data files, files that were never finished. Safe beside
 * running writers, with any grace: what jobs that are alive have written stays. Files whose names are not of our making
 * stay ("strangers"). {"dry_run","objects","object_bytes","files","file_bytes","kept":{"objects","object_bytes","files",
 * "file_bytes"},"strangers","seconds","removed_files":[paths relative to the root, at most 1 000]}. CORRIE_E_CORRUPT if
 * something in reach is missing or damaged: then nothing was removed. Whenever it is cut off the lake is whole, and the next one goes on. Cost: all that is in reach, each thing once, and two
 * listings of the data directory. */
int corrie_gc(corrie_lake *lake, const corrie_gc_options *options, char **ret_json,
              corrie_error *err);

typedef struct corrie_prune_options {
    size_t size;
    const char *prefix;         /* refs whose names start with it; NULL = "tx/" */
    int64_t older_than_seconds; /* whose last movement is older; negative = 7 days */
    bool dry_run;
} corrie_prune_options;

/* Removes tx refs whose job is over, if its id stands in a commit of the branch it worked for (it was published) or their
 * last movement is older; and, with another prefix, branches that are old, are not checked out and not the last one. Tags
 * stay. Commits stay until gc. {"dry_run","pruned":[{"name","kind","commit","moved","why":"published|old","restore"}],
 * "kept":n}, `kept` counts refs of the prefix that stay, without tags. CORRIE_E_USAGE for an empty prefix. */
int corrie_prune(corrie_lake *lake, const corrie_prune_options *options, char **ret_json,
                 corrie_error *err);

#ifdef __cplusplus
}
#endif

#endif
