/* scene.h — tables in namespace "ns" of a lake, changed by imports, replacements and runs on branches. */
#ifndef CORRIE_TESTS_LAKE_SCENE_H
#define CORRIE_TESTS_LAKE_SCENE_H

#include "catalog/catalog.h"
#include "catalog/merge.h"
#include "engine/engine.h"
#include "fixture.h"
#include "lake/lake_priv.h"

#define JOB "11111111-2222-4333-8444-555555555555"
#define JOB_2 "22222222-2222-4333-8444-555555555555"

struct scene {
    struct fixture f;
    struct engine *engine;
    struct arena arena;
};

void scene_init(struct scene *s);
/* Holds the lake against fsck first. */
void scene_done(struct scene *s);

/* A transaction on a branch as it stands; with a job it has steps. */
struct lake_tx *scene_begin(struct scene *s, const char *branch, const char *job);
/* `rows` rows become, or are added to, a table (one column n). */
void scene_write(struct scene *s, struct lake_tx *tx, const char *table, enum lake_write_mode mode,
                 int rows);
/* The same, imported from a file: `content` stands for what is in it. No rows: only the ledger notes it. */
void scene_import(struct scene *s, struct lake_tx *tx, const char *table, const char *file,
                  const char *content, int rows);
/* Ends it; the result of lake_tx_publish. */
int scene_publish(struct scene *s, struct lake_tx *tx, const struct lake_publish *publish);
/* All of that in one, and it must go well. */
void scene_imported(struct scene *s, const char *branch, const char *table, const char *file,
                    const char *content, int rows);
void scene_written(struct scene *s, const char *branch, const char *table,
                   enum lake_write_mode mode, int rows);
/* A run that writes tables (comma between the names) as a group; must go well. */
void scene_ran(struct scene *s, const char *branch, const char *job, const char *tables, int rows);

/* One commit of edits of the catalog; a value with an empty doc deletes the key. Keys: segments joined by '/'. */
int scene_edit(struct scene *s, const char *branch, const char *const (*edits)[2], size_t n);
/* Drops a table and its ledger. */
void scene_drop(struct scene *s, const char *branch, const char *table);

void scene_branch(struct scene *s, const char *name, const char *from);
int scene_merge(struct scene *s, const char *source, const char *into,
                const corrie_merge_options *options);

/* Rows of a table by its manifests, which must agree with the catalog; -1 if there is none. */
int64_t scene_rows(struct scene *s, const char *ref, const char *table);
struct lake_table scene_table(struct scene *s, const char *ref, const char *table);
/* Files in the ledger of a table, by name, joined by blanks: "a.csv b.csv". */
const char *scene_ledger(struct scene *s, const char *ref, const char *table);
/* Ledger keys at a ref, of whatever table. */
size_t scene_ledger_keys(struct scene *s, const char *ref);
/* Whether the error says that. Clears it. */
bool scene_said(struct scene *s, const char *text);
/* The value of a property of the commit at a ref; empty if there is none. */
struct str scene_property(struct scene *s, const char *ref, const char *name);

#endif
