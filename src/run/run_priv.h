/* run_priv.h — a run of a project under way; shared inside the room.
 *
 *     plan → job record → tx/<job> → steps, each as soon as it can be → publish
 *
 * The plan was made on one commit; that commit is the transaction's base, so what was planned is what is read. */
#ifndef CORRIE_RUN_PRIV_H
#define CORRIE_RUN_PRIV_H

#include <corrie/project.h>
#include <corrie/run.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "cache/cache.h"
#include "engine/engine.h"
#include "env/env.h"
#include "jobs/jobs.h"
#include "lake/demand.h"
#include "lake/lake.h"
#include "lake/tx.h"
#include "plan/plan.h"
#include "run/pool.h"
#include "worker/exchange.h"
#include "worker/worker.h"

/* In the summary of a snapshot that a run wrote: RUN_CODE_VERSION and plan_node.definition in hex. Other versions cannot
 * be compared. */
#define RUN_CODE_PROPERTY "corrie.code"
#define RUN_CODE_VERSION "2:"

enum preview { PREVIEW_OFF, PREVIEW_HEAD, PREVIEW_TAIL };

enum node_status {
    NODE_WAITING, /* in the end: skipped */
    NODE_RUNNING,
    NODE_DONE,
    NODE_WARNED, /* an expectation that does not hold, and that is no failure */
    NODE_FAILED,
    NODE_CANCELLED, /* by the user, or because another failed */
    NODE_TIMEOUT,
};

/* What became of one node of the plan. */
struct node_state {
    enum node_status status;
    struct exchange *output; /* models that ran, while somebody is still to read it */
    size_t readers;          /* steps that are still to read it */
    bool has_output;         /* rows and bytes are known */
    int64_t rows;
    int64_t bytes;
    int64_t bytes_read; /* of tables' files, once it has begun; -1 = not known */
    int64_t started;    /* monotonic */
    int64_t elapsed;
    uint64_t max_rss;
    int64_t cpu;     /* nanoseconds */
    json_t *preview; /* as include/corrie/run.h says; NULL: none was asked for */
};

struct table_state {
    struct str ns;
    struct str name;
    int64_t records;
    int64_t rows_written;
    bool made_namespace; /* by this run, for this table */
};

/* Where a ref that inputs name stood when it was first looked at. */
struct ref_view {
    struct ref_view *next;
    struct str ref;
    struct lake_view view;
};

struct run {
    struct lake *lake;
    corrie_run_options options;
    uint64_t
        memory; /* bytes that results in memory may take, and a function of its own; 0 = not known */
    uint64_t made_bytes; /* of inputs that were made for calls that go on */
    enum preview preview;
    struct arena arena;
    int64_t started;       /* monotonic */
    struct cancel cancel;  /* ends the run; so does the lake's */
    struct cancel compute; /* ends what the engine does, see pool.h */
    struct pool pool;

    struct project_dir *project;
    struct cache *cache;
    struct declarations *declarations;
    struct lake_view view; /* of the branch, pinned */
    struct ref_view *refs; /* in the arena */
    struct str branch;
    struct lake_workspace work; /* the engine, once there is need of one */
    struct str *allowed;        /* what it may read: the lake's data, files outside of the lake */
    size_t n_allowed;
    size_t n_readable;           /* of them, those that the engine was opened with */
    bool whole;                  /* plan columns that nobody asks for */
    struct lake_files *measured; /* of source number `measured_source`, while the plan is made */
    size_t measured_source;
    bool looks; /* nothing will be run: any ref will do, and parameters need no values */
    struct plan *plan;

    struct job *job;
    struct lake_tx *tx;
    struct exchange *
        *scans; /* one a step; NULL unless a scan for Python that ran and is still to be read */
    size_t *scan_readers;          /* one a step: calls that are still to read it */
    struct env **environments;     /* one a plan environment */
    struct buf *harnesses;         /* compiled for each */
    struct worker_source *sources; /* what calls are given of the project; NULL: no call yet */
    size_t n_sources;
    struct lake_table **read;   /* one a plan source, once an output was made of it */
    size_t *seen;               /* one a plan node: note_reads */
    size_t *noted;              /* one a source: note_reads */
    struct node_state *nodes;   /* one a plan node */
    struct table_state *tables; /* one a write step, in order */
    size_t n_tables;
    struct hash commit;
    bool committed;
    size_t n_commits; /* without a transaction: one a table */
};

/* ---- events (events.c) ---- */

/* Fills size and, where it is 0, time, and hands the event to the caller and to the job's log. Rows and bytes count only
 * in events of kind "done". */
void run_event(struct run *run, corrie_event event);
#define RUN_EVENT(run, ...) run_event((run), (corrie_event){__VA_ARGS__})
/* What the run is at between functions: with `status` NULL it begins, with "done" it has ended. Not kept in the log. */
void run_progress(struct run *run, const char *what, const char *status);
/* A warning about what stands at `place`: an event, or under strict a failure. The text says nothing of which node. */
int run_warn(struct run *run, const struct plan_node *node, const struct place *place,
             corrie_error *err, const char *format, ...) CORRIE_PRINTF(5, 6) CORRIE_MUST_USE;

/* Frees what it holds, not itself. */
void run_done(struct run *run);

/* ---- planning (prepare.c) ---- */

/* Project, declarations, view, engine, plan. Nothing is recorded or written. */
int run_prepare(struct run *run, corrie_error *err) CORRIE_MUST_USE;
/* Opens the run's engine, once. */
int run_open_engine(struct run *run, corrie_error *err) CORRIE_MUST_USE;
/* The same as a dry run does it (api_plan.c); what a failed job left is not read, only looked at. `options` may be NULL. */
int run_plan(struct run *run, const corrie_plan_options *options, corrie_error *err)
    CORRIE_MUST_USE;
/* The view at which a source of the plan is read. */
int run_source_view(struct run *run, const struct plan_source *source, struct lake_view *ret,
                    corrie_error *err) CORRIE_MUST_USE;

/* ---- steps: which is next (schedule.c) ---- */

/* Refuses functions that ask for more memory than there is. */
int run_check_resources(const struct run *run, corrie_error *err) CORRIE_MUST_USE;
/* All steps of the plan. When it returns nothing that it started goes on. On failure, unless the user ended the run, what
 * functions had given by then is written. */
int run_steps(struct run *run, corrie_error *err) CORRIE_MUST_USE;

/* ---- steps of the coordinator's (step_data.c) ---- */

int run_scan(struct run *run, size_t step, corrie_error *err) CORRIE_MUST_USE;
/* The rows and columns that an edge from another node asks for, where it has a filter. */
int run_filter(struct run *run, const struct plan_edge *edge, struct exchange **ret,
               corrie_error *err) CORRIE_MUST_USE;
int run_sql(struct run *run, size_t node, struct exchange **ret, corrie_error *err) CORRIE_MUST_USE;
int run_write(struct run *run, size_t node, corrie_error *err) CORRIE_MUST_USE;
/* How a model's output is written, as declared; borrows from the plan. Rows and their columns are the caller's to add. */
struct lake_write run_write_of(const struct plan_node *node);
/* A hint about an option of imports becomes one about models. */
void run_hint_evolve(corrie_error *err);

/* ---- publishing (publish.c) ---- */

/* Begins the transaction, if the run is one. */
int run_begin(struct run *run, corrie_error *err) CORRIE_MUST_USE;
/* Around the writing of a table: afterwards it is staged, or, without a transaction, published. _drop after a failure. */
int run_begin_table(struct run *run, corrie_error *err) CORRIE_MUST_USE;
int run_end_table(struct run *run, const struct table_state *table, corrie_error *err)
    CORRIE_MUST_USE;
void run_drop_table(struct run *run);
/* One commit with everything that was staged. */
int run_publish(struct run *run, corrie_error *err) CORRIE_MUST_USE;
/* After all steps: a transaction in which nothing was written ends without a commit. */
int run_end(struct run *run, corrie_error *err) CORRIE_MUST_USE;

/* ---- steps of threads (call.c), and what they gave (step_python.c) ---- */

/* A task that makes the environment of a step, or calls its function. Everything it needs is in it, or does not change
 * while it runs. */
int run_environment(struct run *run, size_t step, struct task **ret, corrie_error *err)
    CORRIE_MUST_USE;
int run_call(struct run *run, size_t step, struct task **ret, corrie_error *err) CORRIE_MUST_USE;
/* Bytes that results may take besides those that are in memory now, at least 1; 0 = no limit is known. */
uint64_t run_memory_left(const struct run *run);
/* What a model gave, beside the columns that it declares: others are left out, the order is the declared one. What is
 * missing or left out is told of, a failure under strict; nothing declared there at all is one always. */
int run_take_columns(struct run *run, const struct plan_node *node, struct exchange *output,
                     struct exchange **ret, corrie_error *err) CORRIE_MUST_USE;
/* What a model returned, checked. */
int run_take_model(struct run *run, size_t node, const struct task *task, struct exchange **ret,
                   corrie_error *err) CORRIE_MUST_USE;
/* What an expectation said. */
int run_take_check(struct run *run, size_t node, const struct task *task, corrie_error *err)
    CORRIE_MUST_USE;

/* ---- what users see of it (report.c) ---- */

/* "done", "failed-warning", …: as docs/formats/jobs.md has them. */
const char *run_status_name(enum node_status status);
json_t *run_nodes_json(const struct run *run);
/* "off" (also NULL), "on", "head", "tail". */
int run_preview_mode(const char *text, enum preview *ret, corrie_error *err) CORRIE_MUST_USE;
/* Keeps some rows of what the node has just given, if that was asked for. */
int run_preview(struct run *run, size_t node, corrie_error *err) CORRIE_MUST_USE;
json_t *run_previews_json(const struct run *run);
json_t *run_tables_json(const struct run *run);
int run_report(const struct run *run, char **ret_json, corrie_error *err) CORRIE_MUST_USE;

#endif
