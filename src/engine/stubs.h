/* stubs.h — empty tables that statements are bound on; inside of the room.
 *
 * Two kinds of planning databases. In one the stubs of a statement are t<i>(c0, c1, …) behind views of the real names, in
 * a transaction that is rolled back. In the other, of a locked engine whose statements can only name the tables that they
 * are given, stubs stay, as tables of the real names: to make one takes as long as to bind a small statement, a view
 * over it as much again at every statement, and a project's models are bound on each other's outputs again and again. */
#ifndef CORRIE_ENGINE_STUBS_H
#define CORRIE_ENGINE_STUBS_H

#include "engine/engine_priv.h"

/* A statement with the tables that it is bound on. */
struct stubbing {
    struct engine *engine;
    const struct origin *origin;
    struct str name_space;
    const struct engine_bind_table *tables;
    size_t n_tables;
    const bool *named; /* those that the statement names */
};

struct planner {
    struct engine *engine;
    duckdb_database db;
    struct session session;
    duckdb_prepared_statement to_plan[2]; /* planner_tree's: not optimised, optimised */
    bool keeps;                           /* stubs stay; what follows is for that */
    /* On the same database, without optimisers: what columns a statement gives needs none. */
    struct session plain;
    struct arena arena;
    struct map
        stubs; /* namespace and name, lower case -> columns as they were made, a struct str */
    struct map schemas; /* those that were made */
    struct str path;    /* where unqualified names are looked up */
};

/* The planner that the statement can be bound in, opened at its first use: it is the engine's. */
int planner_for(const struct stubbing *s, struct planner **ret, corrie_error *err) CORRIE_MUST_USE;
/* Makes the stubs that the statement names. */
int planner_begin(struct planner *planner, const struct stubbing *s, corrie_error *err)
    CORRIE_MUST_USE;
/* After planner_begin, `begun` if that went well. A planner that is not surely clean afterwards is closed. */
void planner_end(struct planner *planner, bool begun);

/* The plan of a SELECT over the stubs: tree_of_plan. */
int planner_tree(struct planner *planner, struct str sql, bool optimised, json_t **ret,
                 corrie_error *err) CORRIE_MUST_USE;

/* Number of the table whose stub a LOGICAL_GET of a plan reads, or -1. */
ptrdiff_t stub_number(const json_t *get, const struct engine_bind_table *tables, size_t n_tables,
                      bool kept);

#endif
