/* build_priv.h — a plan while it is built. */
#ifndef CORRIE_PLAN_BUILD_PRIV_H
#define CORRIE_PLAN_BUILD_PRIV_H

#include "base/map.h"
#include "base/vec.h"
#include "lang/filter.h"
#include "plan/plan.h"
#include "plan/plan_priv.h"

struct planning {
    struct plan *plan;
    struct arena *arena; /* the plan's */
    const struct project_dir *project;
    const struct declarations *declarations;
    const struct plan_catalog *catalog;
    struct engine *engine;
    const struct plan_options *options;
    struct map models; /* "ns\0name" -> struct draft */
    struct map tables; /* "ref\0ns\0name" -> index + 1 into sources */
    VEC(struct plan_source) sources;
    VEC(struct plan_environment) environments;
    VEC(struct plan_step) steps;
    VEC(struct plan_note) notes;
    struct draft *drafts; /* by declaration */
    size_t n_drafts;
    size_t *order;    /* drafts in topological order: order[i] becomes nodes[i] */
    size_t n_ordered; /* the selected ones */
};

/* A reference from a function to what it reads. */
struct reference {
    const struct declared_input *input; /* Python; NULL for SQL */
    struct str text;                    /* as written */
    struct str table_namespace;
    struct str name;
    struct draft *from; /* a model of this project, or NULL … */
    size_t source;      /* … and then a table of the lake */
    struct place place;
};

/* $param replaced in a text, and where: to find places of the result in the source. */
struct replacement {
    size_t out; /* offset in the result */
    size_t out_len;
    size_t in; /* offset of "$name" in the source */
    size_t in_len;
};

struct substituted {
    struct str text;
    struct replacement *items;
    size_t n_items;
    struct plan_parameter **parameters; /* used, distinct, by first use */
    size_t n_parameters;
};

/* A node before its place in the order is known. Outputs of one function stand next to each other; only the first
 * has references, and a color. */
struct draft {
    const struct declared_function *function;
    struct str table_namespace;
    struct str name;
    struct reference *references;
    size_t n_references;
    struct substituted sql;
    bool makes_names; /* SQL: engine_statement.makes_names */
    bool selected;
    size_t node; /* index in the plan, once ordered */
    int color;   /* of the search for cycles */
};

/* What is known of the columns of what an edge reads. */
struct parent {
    struct str title; /* "bauplan.orders", "model purchases": for messages */
    struct str *names;
    size_t n_names;
    bool open; /* there may be more */
};

/* ---- parameters.c */
int plan_parameters(struct planning *p, corrie_error *err) CORRIE_MUST_USE;
/* The parameter `name`; CORRIE_E_PROJECT with the nearest names, without position. */
int plan_find_parameter(const struct planning *p, struct str name, struct plan_parameter **ret,
                        corrie_error *err) CORRIE_MUST_USE;
/* Whether it will have a value, but has none yet: it must be given for a run, and nothing is run. */
bool plan_value_later(const struct planning *p, const struct plan_parameter *parameter);
/* Replaces every $name outside of quotes and comments by its value as an SQL literal. An unknown one is an
 * error with its position in `source`. */
int plan_substitute(struct planning *p, const struct source_file *source, struct substituted *ret,
                    corrie_error *err) CORRIE_MUST_USE;
/* A warning for each parameter without a value that the text never asks whether it IS NULL. */
int plan_note_valueless(struct planning *p, const struct source_file *source,
                        const struct substituted *sql, corrie_error *err) CORRIE_MUST_USE;
/* Turns an error's position in the result into one in the source. Returns the error's code. */
int plan_map_error(const struct substituted *sql, const struct source_file *source,
                   corrie_error *err);
/* A statement without the semicolon, blanks and comments that end it. */
struct str plan_statement_end(struct str sql);
size_t plan_map_offset(const struct substituted *sql, size_t offset);

/* ---- secret.c */
/* Whether the value that a parameter refers to can be had; looked at only if the plan is to be run. With the
 * position of the reference. */
int plan_check_secret(const struct planning *p, const struct plan_parameter *parameter,
                      corrie_error *err) CORRIE_MUST_USE;

/* ---- graph.c */
/* Makes drafts and resolves what they read. */
int plan_drafts(struct planning *p, corrie_error *err) CORRIE_MUST_USE;
/* The table of the lake; added to the plan's sources at its first use. 1, 0 there is none. */
int plan_find_table(struct planning *p, struct str ref, struct str table_namespace, struct str name,
                    size_t *ret, corrie_error *err) CORRIE_MUST_USE;
/* Orders the selected ones, or reports a cycle. */
int plan_order(struct planning *p, corrie_error *err) CORRIE_MUST_USE;
int plan_note_add(struct planning *p, bool warning, const struct place *place, corrie_error *err,
                  const char *format, ...) CORRIE_PRINTF(5, 6) CORRIE_MUST_USE;

/* ---- select.c */
/* Which drafts are to be planned; what they read of others becomes tables. */
int plan_select(struct planning *p, corrie_error *err) CORRIE_MUST_USE;

/* ---- edges.c */
/* Fills node number `i` from its draft: edges checked, columns and filters; output. */
int plan_node_build(struct planning *p, size_t i, corrie_error *err) CORRIE_MUST_USE;

/* 1, 0: whether the parent has the column, or may have it. */
bool parent_has(const struct parent *parent, struct str name);
/* CORRIE_E_NOT_FOUND with the nearest, without position. */
int parent_lacks(const struct parent *parent, struct str name, corrie_error *err);

/* ---- filters.c */
/* Places an error at byte `offset` of a text that stands at `place`: exactly, where the text stands in the source as it
 * is, else at the place. Returns the error's code. */
int plan_text_error(const struct planning *p, const struct declared_function *function,
                    const struct place *place, struct str text, size_t offset, size_t width,
                    corrie_error *err);
/* Byte offset of a position in the text that it is a position of. */
size_t plan_offset_of(struct str text, const corrie_position *position);
/* Sets the edge's filter to the input's, parameters replaced; columns checked and, where their types are known, bound:
 * functions, types, and that it is a condition. Errors at their place in the text. */
int plan_edge_filter(struct planning *p, const struct plan_node *node,
                     const struct declared_input *input, const struct parent *parent,
                     struct plan_edge *edge, corrie_error *err) CORRIE_MUST_USE;
/* Binds a condition over a table of these columns. Errors have the place in filter->text as filter_parse's have. */
int plan_bind_filter(struct planning *p, const struct filter *filter, const struct schema *schema,
                     corrie_error *err) CORRIE_MUST_USE;
/* A parameter as one of the filter language; secrets are refused. One that must have a value when it is run, and has none
 * yet, is left for later. */
int plan_filter_value(const struct planning *p, const struct plan_parameter *parameter,
                      struct filter_param *ret, corrie_error *err) CORRIE_MUST_USE;

/* ---- materialize.c */
/* Models: partitioning and overwrite_filter, parameters replaced; what does not go together is refused. */
int plan_materialize(struct planning *p, struct plan_node *node, corrie_error *err) CORRIE_MUST_USE;

/* ---- bind.c */
/* A place of `width` bytes at `offset` of a source. */
struct place plan_place_at(const struct source_file *source, size_t offset, size_t width);
/* SQL: which tables the statement names. */
int plan_inspect(struct planning *p, struct draft *draft, corrie_error *err) CORRIE_MUST_USE;
/* SQL: the output, if types of all that it reads are known (node->bound); else its edges are whole. */
int plan_bind(struct planning *p, const struct draft *draft, struct plan_node *node,
              corrie_error *err) CORRIE_MUST_USE;
/* SQL of which the output is known: it becomes the declared columns that the statement gives, in the declared order, and
 * node->sql a statement that gives these. */
int plan_give_declared(struct planning *p, struct plan_node *node, corrie_error *err)
    CORRIE_MUST_USE;

/* What is known of columns before anything has run. */
enum knowledge {
    KNOWS_NOTHING,
    KNOWS_NAMES, /* of functions in Python that declare their columns; a type that is not known is TYPE_NONE */
    KNOWS_TYPES,
};
/* Columns as a schema. Returns an enum knowledge. */
int plan_columns_schema(struct planning *p, const struct plan_columns *columns,
                        const struct schema **ret, corrie_error *err) CORRIE_MUST_USE;
/* The same of what an edge reads. */
int plan_edge_schema(struct planning *p, const struct plan_edge *edge, const struct schema **ret,
                     corrie_error *err) CORRIE_MUST_USE;
/* The engine, opened at its first use. */
int plan_engine(struct planning *p, struct engine **ret, corrie_error *err) CORRIE_MUST_USE;
/* SQL that is bound: columns and filters of its edges. Narrowed, node->sql becomes a statement that gives node->wanted
 * alone, and the edges what that needs. */
int plan_scans(struct planning *p, struct plan_node *node, corrie_error *err) CORRIE_MUST_USE;

/* ---- demand.c */
/* What SQL models read; columns that nobody asks for are left out. */
int plan_demand(struct planning *p, corrie_error *err) CORRIE_MUST_USE;

/* ---- steps.c */
int plan_steps(struct planning *p, corrie_error *err) CORRIE_MUST_USE;

/* ---- measure.c */
/* What each scan reads. */
int plan_measure(struct planning *p, corrie_error *err) CORRIE_MUST_USE;

#endif
