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
 * stay ("strangers"). Records of jobs go 90 days after the job's start ("jobs" counts them), but for those that are alive or
 * whose tx ref is there. {"dry_run","objects","object_bytes","files","file_bytes","kept":{"objects","object_bytes","files",
 * "file_bytes"},"jobs","strangers","seconds","removed_files":[paths relative to the root, at most 1 000]}. CORRIE_E_CORRUPT if
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

/* ---- a table's files and snapshots -------------------------------------------------------------------- */

typedef struct corrie_compact_options {
    size_t size;
    const char *branch; /* NULL = what is checked out */
    const char *default_namespace;
    const char *message;
    const char *memory; /* "4G"; NULL = 70 % of the machine or cgroup */
    bool dry_run;
    bool accept_taint;
} corrie_compact_options;

/* Writes small files of a table anew as larger ones, and those from which rows were deleted without these, as one snapshot
 * (operation "replace") and one commit: the rows stay the same. Files of one partition are joined, towards the table's
 * write.target-file-size-bytes; a file under half of it is small, and one alone stays. Rows of a partition that are
 * written anew keep their order, or get the table's sort order, and stand behind those that are not. Who writes to the table
 * meanwhile is not disturbed: what was written is put onto what they made, unless they changed the same files, and then
 * it is done again, three times at most (CORRIE_E_CONFLICT). CORRIE_E_REFUSED for an external table.
 * {"namespace","table","branch","commit","job","dry_run","files_before","files_after","files_rewritten","files_added",
 * "bytes_rewritten","bytes_added","delete_files_removed","partitions","records"}; commit and job are null where nothing was
 * to be gained or it was a dry run, which does not know "files_after", "files_added" and "bytes_added" (null).
 * Memory and cost: those of copying the rows. */
int corrie_table_compact(corrie_lake *lake, const char *name, const corrie_compact_options *options,
                         char **ret_json, corrie_error *err);

typedef struct corrie_expire_options {
    size_t size;
    const char *branch; /* NULL = what is checked out */
    const char *default_namespace;
    const char *message;
    int64_t older_than_seconds; /* snapshots that were made before that; negative = 5 days */
    size_t keep;                /* but for the newest so many; 0 = 1 */
    bool dry_run;
    bool accept_taint;
} corrie_expire_options;

/* Takes snapshots out of the history that a table's metadata lists, as one commit. What a branch or tag of the table's own
 * names stays. No file is removed: earlier commits, other branches and tags of the lake still show what they show, and gc
 * removes what none of them needs any more. {"namespace","table","branch","commit","job","dry_run","expired":[{"snapshot_id",
 * "time","operation"}],"kept","files","bytes"}: data and delete files that only those snapshots had, and their bytes; commit
 * is null where nothing changed. */
int corrie_table_expire(corrie_lake *lake, const char *name, const corrie_expire_options *options,
                        char **ret_json, corrie_error *err);

#ifdef __cplusplus
}
#endif

#endif
