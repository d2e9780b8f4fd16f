/* plan.h — from declarations to a plan that can be read, and run.
 *
 *     declarations ──plan_build──▶ struct plan: logical (nodes, edges) and physical (steps)
 *
 * The logical plan says what depends on what, with the columns and filter on every edge, checked. The
 * physical plan says what is done, in an order that respects the dependencies; run carries it out and
 * decides nothing itself. Planning reads schemas, never a data file.
 *
 * Names: an unqualified name means the default namespace. A model shadows a lake table of the same name; a
 * model that reads its own name reads the committed table; an input with `ref=` always reads the lake.
 *
 * Invariants
 *   1. nodes[] is in topological order: an edge from a node has a smaller index than its consumer.
 *   2. steps[] too: `after` holds smaller indexes only. Equal declarations give equal plans, byte for byte.
 *   3. An edge that lists columns lists ones its parent is known to have, or whose parent cannot say. */
#ifndef CORRIE_PLAN_PLAN_H
#define CORRIE_PLAN_PLAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"
#include "lang/partition.h"
#include "lang/project.h"
#include "plan/declare.h"
#include "plan/project.h"
#include "worker/form.h"

struct cache;
struct engine;
struct schema; /* arrow/type.h */
struct substituted;
struct type; /* arrow/type.h */

#define PLAN_NONE SIZE_MAX /* "no index" */

/* ---- what planning asks of the lake ------------------------------------------------------------- */

struct plan_lake_table {
    struct str id;       /* what run opens it by: the table's UUID */
    struct str commit;   /* hex of the catalog commit it was read at */
    int64_t snapshot_id; /* Iceberg snapshot, 0 = none (an empty table) */
    const struct schema *schema;
    int64_t rows; /* -1 = unknown */
    int64_t bytes;
};

/* What a scan reads, as the table's manifests say it. */
struct plan_reads {
    int64_t files; /* that may hold a row of it; -1: nobody looked */
    int64_t files_pruned;
    int64_t bytes; /* that its columns take in those files, their ends not counted; -1: not known */
};

struct plan_source;
struct plan_edge;
struct plan_node;

/* What of a model does not go with the table that is there. */
enum plan_conflict {
    CONFLICT_TABLE, /* the table itself */
    CONFLICT_COLUMNS,
    CONFLICT_PARTITION,
    CONFLICT_KEYS,
    CONFLICT_FILTER, /* overwrite_filter */
    CONFLICTS
};

/* The lake as planning sees it. All refs are pinned by the implementation: every call for one `ref` sees
 * one commit. `ref` is empty for the run's own ref, else what an input says by `ref=`. Results live in
 * `arena`. */
struct plan_catalog {
    void *context;
    /* 1 found, 0 no such table, negative failure (an unknown ref is CORRIE_E_NOT_FOUND). */
    int (*lookup)(void *context, struct str ref, struct str table_namespace, struct str name,
                  struct arena *arena, struct plan_lake_table *ret, corrie_error *err);
    /* 1 the run's ref has such a table, 0 not. Cheaper than to look it up. */
    int (*exists)(void *context, struct str table_namespace, struct str name, corrie_error *err);
    /* Names of the tables of a namespace, to say which are nearest; at most `max`. Of the empty one: of all tables, with
     * their namespaces, "shop.orders". 0 or failure. */
    int (*names)(void *context, struct str ref, struct str table_namespace, size_t max,
                 struct arena *arena, struct str **ret_names, size_t *ret_n, corrie_error *err);
    /* The engine, when something is to be bound that the cache has not, and plan_build was given none. May be NULL. */
    int (*engine)(void *context, struct engine **ret, corrie_error *err);
    /* What the columns and rows of an edge from source number `source` cost to read; called for one source after
     * the other. May be NULL: nothing is known. */
    int (*measure)(void *context, size_t source, const struct plan_source *table,
                   const struct plan_edge *edge, struct plan_reads *ret, corrie_error *err);
    /* Whether the output of a model may be written over the table of its name that the run's ref has, by all that is known
     * before it is made. `schema`: of the output, TYPE_NONE where a type is not known; NULL: nothing is known. Fails as
     * writing would; *ret_conflict says what of the model is to blame. May be NULL: nothing is looked at. */
    int (*writable)(void *context, const struct plan_node *node, const struct schema *schema,
                    enum plan_conflict *ret_conflict, corrie_error *err);
};

/* ---- parameters --------------------------------------------------------------------------------- */

struct plan_parameter {
    struct str name;
    bool has_value; /* false: optional, no default, not given: the function gets None, SQL NULL */
    bool given;     /* on the command line, not by default */
    struct param_value value;
};

/* ---- logical plan ------------------------------------------------------------------------------- */

struct plan_column {
    struct str name;
    const struct type *type; /* NULL = known only when the function has run */
};

struct plan_columns {
    struct plan_column *items;
    size_t count;
    bool open; /* there may be more than the list says (nothing declared, or a wildcard) */
};

/* A table of the lake that the plan reads. */
struct plan_source {
    struct str table_namespace;
    struct str name;
    struct str ref; /* as written in `ref=`; empty = the run's */
    struct plan_lake_table table;
};

struct plan_edge {
    size_t source; /* index into sources, or PLAN_NONE */
    size_t node;   /* index into nodes, or PLAN_NONE: exactly one of the two is set */
    struct str
        argument;     /* Python: name of the parameter it arrives as. SQL: the name of the table as
                          * the statement spells it, to be registered under */
    bool all_columns; /* whole parent; then columns is empty */
    struct str
        *columns; /* what is needed, in the order asked for (Python) or of the parent (SQL) */
    size_t n_columns;
    /* Rows needed, as a canonical SQL condition over the parent's columns, parameters replaced by their
     * values; empty = all. Python: to be applied exactly. SQL: for pruning only (the statement filters
     * again), may hold for more rows than needed, never fewer. */
    struct str filter;
    size_t scan;           /* the scan step that feeds it, or PLAN_NONE for an edge from a node */
    enum worker_form form; /* Python: how the function wants it */
    struct place place;
};

/* Outputs of one function stand next to each other: the first one's node is the one that calls it, the others
 * share its edges and parameters, and have no step of their own but the one that writes them. */
struct plan_node {
    const struct declared_function *function;
    struct str table_namespace; /* models: where the output is or would be published */
    struct str name;            /* unqualified */
    struct plan_edge *edges;
    size_t n_edges;
    /* Models: what the function gives. For Python, the declared columns: they narrow what is kept. */
    struct plan_columns output;
    /* Models: of `output`, the columns that anybody asks for, in its order; a run keeps these alone. `narrowed` false:
     * all. Never so of what is written as a table. */
    bool narrowed;
    bool bound; /* SQL: types of its columns are known */
    struct str *wanted;
    size_t n_wanted;
    /* SQL: the statement to run, parameters replaced by literals; a single SELECT, checked; it gives what is wanted. */
    struct str sql;
    const struct substituted *text; /* the same, with places in the source: plan_sql_error */
    struct plan_parameter *
        *parameters; /* those it uses, aligned with function->parameters for Python */
    size_t n_parameters;
    struct partition_by_term *partition_by; /* models: of the table that is written */
    size_t n_partition_by;
    struct str overwrite_filter; /* canonical SQL over the output's columns; empty = none */
    const struct str *keys;      /* MERGE: columns of the output that find the rows to replace */
    size_t n_keys;
    bool replaces_table; /* a lake table of that name exists at the run's ref */
    size_t environment;  /* Python: index into environments; SQL: PLAN_NONE */
    /* H(kind, code, environment request, options, parameters): the part of the fingerprint that planning
     * knows; environment lock, versions and contents of inputs are added by whoever caches results. */
    struct hash fingerprint;
    /* H(kind, code, environment request, options, strategy, inputs as declared; of inputs that are models which are not
     * written as tables, the same of them): another one means that the project was edited. Values of parameters are not
     * in it. */
    struct hash definition;
};

/* What env is asked for: functions that ask for the same share one. */
struct plan_environment {
    struct str python;
    const struct env_package *packages;
    size_t n_packages;
    const struct env_locked *locked; /* what the project's lock file says of it; NULL: nothing */
    const struct declared_function *function; /* the first that asks for it */
};

/* Something the user should know, but that stops nothing unless strict. */
struct plan_note {
    bool warning; /* fails the plan under strict; else only information */
    struct str text;
    struct place place;
};

/* ---- physical plan ------------------------------------------------------------------------------ */

enum plan_step_kind {
    STEP_SCAN, /* read a lake table with columns and filter, for the edges that name this step */
    STEP_ENV,  /* make an environment */
    STEP_FUNCTION, /* run a model; of several outputs: it gives those of the nodes after it too */
    STEP_CHECK,    /* run an expectation */
    STEP_WRITE,    /* write a model's output as a table and stage it */
    STEP_PUBLISH,  /* one commit with all that was staged; always last, if anything is written */
};

struct plan_step {
    enum plan_step_kind kind;
    size_t node;                  /* FUNCTION, CHECK, WRITE: the node */
    size_t source;                /* SCAN: the table */
    size_t environment;           /* ENV */
    const struct plan_edge *edge; /* SCAN: one of the edges it feeds, for columns and filter */
    struct plan_reads reads;      /* SCAN */
    bool in_engine; /* SCAN: read by the SQL models themselves, nothing is to be done before them */
    bool skipped;   /* WRITE, PUBLISH in a dry run: shown, not done */
    size_t *after;  /* steps that must have ended, ascending */
    size_t n_after;
};

struct plan {
    struct arena arena;
    const struct project_dir *project;
    const struct declarations *declarations;
    struct str default_namespace;
    struct str ref;
    bool strict;
    bool dry_run;
    struct plan_parameter *parameters; /* all of the project, in the order of the project file */
    size_t n_parameters;
    struct plan_source *sources; /* by ref, namespace, name */
    size_t n_sources;
    struct plan_environment *environments;
    size_t n_environments;
    struct plan_node *nodes;
    size_t n_nodes;
    struct plan_step *steps;
    size_t n_steps;
    struct plan_note *notes;
    size_t n_notes;
};

struct plan_options {
    struct str default_namespace; /* empty = project_namespace */
    struct str ref; /* for display and records; the catalog callbacks know the commit */
    const struct str *parameters; /* "name=value", as given by --param */
    size_t n_parameters;
    /* Which functions, "+orders" "daily+" "a, b": docs/reference/cli.md, run. None = all. */
    const struct str *select;
    size_t n_select;
    bool strict;
    bool dry_run;
    bool whole;     /* columns are made that nobody asks for: for who looks at outputs between */
    bool valueless; /* required parameters may lack a value: nothing will be run */
    struct cache *cache; /* bindings; may be NULL */
};

/* Plans all of `declarations`, or what is selected of them; of models that are not, the lake's tables are read. `project` and `declarations` must outlive the plan; `engine` (a locked
 * one; may be NULL if no model is in SQL, or all is in the cache, or the catalog has one; with neither filters are not bound) and `catalog` are used during the call only.
 * CORRIE_E_NOT_FOUND: an unknown table, column or ref (hint: the nearest names); CORRIE_E_PROJECT: a cycle
 * (the message shows the whole path, each with file and line), bad filter, bad SQL, a warning under
 * strict; CORRIE_E_REFUSED: a table function or a file in SQL; CORRIE_E_USAGE: an unknown --param, a value
 * that is not of its type, a required parameter without one. All with the position where there is one. Ownership of *ret: the caller's, plan_free. */
int plan_build(const struct project_dir *project, const struct declarations *declarations,
               const struct plan_catalog *catalog, struct engine *engine,
               const struct plan_options *options, struct plan **ret, corrie_error *err)
    CORRIE_MUST_USE;
struct plan *plan_free(struct plan *plan);
DEFINE_CLEANUP(struct plan *, plan_free)

/* The plan as a tree for people, without colour, a line an item, ending in a newline. */
int plan_print_tree(const struct plan *plan, struct buf *out, corrie_error *err) CORRIE_MUST_USE;
/* Its steps in order, a line a step, under the heading "steps". */
int plan_print_steps(const struct plan *plan, struct buf *out, corrie_error *err) CORRIE_MUST_USE;

/* The plan as a document: docs/formats/plan.md. New reference. */
int plan_to_json(const struct plan *plan, json_t **ret, corrie_error *err) CORRIE_MUST_USE;

/* Bytes that a node's function reads of tables: the sum of its scans, each once. -1: not known of some. */
int64_t plan_node_reads(const struct plan *plan, size_t node);

/* Whether its value is one that is not to be told. */
bool plan_parameter_is_secret(const struct plan_parameter *parameter);
/* The value that a function gets for a parameter: null if it has none; of a secret what it refers to, read now.
 * Not to be kept in records or logs. New reference. CORRIE_E_NOT_FOUND: the secret is not there; CORRIE_E_UNSUPPORTED:
 * no keyring, or a vault. */
int plan_parameter_value(const struct plan *plan, const struct plan_parameter *parameter,
                         json_t **ret, corrie_error *err) CORRIE_MUST_USE;

/* Names of the variables of this process' environment that secrets are read from: by default, and as given to the plan (may
 * be NULL). In the arena. Who starts other people's programs withholds them. */
int secret_variables(const struct project *settings, const struct plan *plan, struct arena *arena,
                     struct str **ret, size_t *ret_n, corrie_error *err) CORRIE_MUST_USE;

/* Turns the position of an error in node->sql into one in the model's file. Returns the error's code. */
int plan_sql_error(const struct plan_node *node, corrie_error *err);

/* The node that calls the function which gives the rows of node `node`: itself, or one before it. */
static inline size_t plan_caller(const struct plan *plan, size_t node)
{
    return node - plan->nodes[node].function->output;
}

const char *plan_step_kind_name(enum plan_step_kind kind); /* "scan" */

#endif
