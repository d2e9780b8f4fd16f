/* run_priv.h — a run of a project under way; shared inside the room.
 *
 *     plan → job record → tx/<job> → steps in the plan's order → publish
 *
 * The plan was made on one commit; that commit is the transaction's base, so what was planned is what is read. */
#ifndef CORRIE_RUN_PRIV_H
#define CORRIE_RUN_PRIV_H

#include <corrie/run.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "cache/cache.h"
#include "engine/engine.h"
#include "env/env.h"
#include "jobs/jobs.h"
#include "lake/lake.h"
#include "lake/tx.h"
#include "plan/plan.h"
#include "worker/exchange.h"
#include "worker/worker.h"

enum node_status { NODE_WAITING, NODE_RUNNING, NODE_DONE, NODE_WARNED, NODE_FAILED };

/* What became of one node of the plan. */
struct node_state {
    enum node_status status;
    struct exchange *output; /* models that ran */
    int64_t rows;
    int64_t bytes;
    int64_t started; /* monotonic */
    int64_t elapsed;
    uint64_t max_rss;
    int64_t cpu; /* nanoseconds */
};

struct table_state {
    struct str ns;
    struct str name;
    int64_t records;
    int64_t rows_written;
    bool made_namespace; /* by this run, for this table */
};

struct run {
    struct lake *lake;
    corrie_run_options options;
    struct arena arena;
    int64_t started; /* monotonic */

    struct project_dir *project;
    struct cache *cache;
    struct declarations *declarations;
    struct lake_view view; /* of the branch, pinned */
    struct str branch;
    struct lake_workspace work; /* the engine, once there is need of one */
    struct str *allowed;        /* what it may read: the lake's data, files outside of the lake */
    size_t n_allowed;
    struct plan *plan;

    struct job *job;
    struct lake_tx *tx;
    struct exchange **scans;    /* one a step; NULL unless a scan for Python that ran */
    struct env **environments;  /* one a plan environment */
    struct node_state *nodes;   /* one a plan node */
    struct table_state *tables; /* one a write step, in order */
    size_t n_tables;
    struct hash commit;
    bool committed;
};

/* ---- events (events.c) ---- */

/* Fills size and time, and hands the event to the caller and to the job's log. Rows and bytes count only in events
 * of kind "done". */
void run_event(struct run *run, corrie_event event);
#define RUN_EVENT(run, ...) run_event((run), (corrie_event){__VA_ARGS__})
/* A warning: an event, or under strict a failure. */
int run_warn(struct run *run, const struct plan_node *node, corrie_error *err, const char *format,
             ...) CORRIE_PRINTF(4, 5) CORRIE_MUST_USE;

/* ---- planning (prepare.c) ---- */

/* Project, declarations, view, engine, plan. Nothing is recorded or written. */
int run_prepare(struct run *run, corrie_error *err) CORRIE_MUST_USE;
/* Opens the run's engine, once. */
int run_open_engine(struct run *run, corrie_error *err) CORRIE_MUST_USE;
/* The view at which a source of the plan is read. */
int run_source_view(struct run *run, const struct plan_source *source, struct lake_view *ret,
                    corrie_error *err) CORRIE_MUST_USE;

/* ---- steps (step_*.c) ---- */

int run_scan(struct run *run, size_t step, corrie_error *err) CORRIE_MUST_USE;
/* The rows and columns that an edge from another node asks for, where it has a filter. */
int run_filter(struct run *run, const struct plan_edge *edge, struct exchange **ret,
               corrie_error *err) CORRIE_MUST_USE;
int run_environment(struct run *run, size_t environment, corrie_error *err) CORRIE_MUST_USE;
int run_python(struct run *run, size_t node, struct exchange **ret, corrie_error *err)
    CORRIE_MUST_USE;
int run_sql(struct run *run, size_t node, struct exchange **ret, corrie_error *err) CORRIE_MUST_USE;
int run_check(struct run *run, size_t node, corrie_error *err) CORRIE_MUST_USE;
int run_write(struct run *run, size_t node, corrie_error *err) CORRIE_MUST_USE;

/* ---- what users see of it (report.c) ---- */

json_t *run_nodes_json(const struct run *run);
json_t *run_tables_json(const struct run *run);
int run_report(const struct run *run, char **ret_json, corrie_error *err) CORRIE_MUST_USE;

#endif
