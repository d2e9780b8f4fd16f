/* declare.h — what a project declares: its functions with their inputs, outputs and needs.
 *
 * Python is parsed by an interpreter's own `ast` in a process of its own (`python3 -I -S`, the script
 * declare_reader.py); code of the user's is never imported or executed. Constants are folded: literals,
 * module constants, f-strings and `+` of them. SQL models are described by their header comments; what
 * they read is found when the plan is bound. Positions count from 1, columns in bytes. */
#ifndef CORRIE_PLAN_DECLARE_H
#define CORRIE_PLAN_DECLARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"
#include "plan/project.h"

struct cache;

struct place {
    struct str file; /* as in source_file.path; empty = nowhere */
    long line;
    long column;
    long width; /* bytes to underline; 0 = unknown */
};

enum function_kind {
    FUNCTION_MODEL,
    FUNCTION_EXPECTATION,
};

enum strategy {
    STRATEGY_NONE, /* the output lives as long as the run */
    STRATEGY_REPLACE,
    STRATEGY_APPEND,
    STRATEGY_OVERWRITE_PARTITIONS, /* in the place of the same partitions, or of overwrite_filter's rows */
    STRATEGY_MERGE, /* in the place of the rows with the same keys; others are added */
};

/* A list of names; `all` = everything ("*" was in the list, or no list was given). */
struct name_list {
    struct str *items;
    size_t count;
    bool given; /* a list was written */
    bool all;
    struct place place; /* of the list; of the function where none was given */
};

/* `raw=bauplan.Model('ecommerce_sessions', columns=[…], filter="…", ref="…")` */
struct declared_input {
    struct str argument; /* name of the function's parameter */
    /* What is written behind the parameter's colon, names of modules in full: "polars.DataFrame" for
     * `pl.DataFrame` after `import polars as pl`; empty = nothing, or more than can be told. */
    struct str annotation;
    struct str table; /* as written: "ecommerce_sessions" or "ns.ecommerce_sessions" */
    struct name_list columns;
    struct str filter; /* as written; empty = none */
    struct str ref;    /* empty = the run's */
    struct place place;
    struct place filter_place; /* of the string literal */
};

/* `country=bauplan.Parameter('country')` */
struct declared_parameter {
    struct str argument;
    struct str name;
    struct place place;
};

struct declared_function {
    enum function_kind kind;
    enum source_language language;
    struct str name;     /* of the model: given, or the function's or file's; may be "ns.name" */
    struct str function; /* the Python function's own name; empty for SQL */
    const struct source_file *source;
    struct place place; /* of `def` (Python) or the first line (SQL) */

    /* Python: the environment. Project defaults are merged in. */
    struct str python;            /* "3.11"; empty = whatever env chooses */
    struct env_package *packages; /* by name, each once, names normalised (PEP 503) */
    size_t n_packages;
    struct str *extras;
    size_t n_extras;

    struct declared_input *inputs;
    size_t n_inputs;
    struct declared_parameter *parameters;
    size_t n_parameters;

    /* A function of several outputs, @model(outputs={…}), is declared once an output, next to each other, in
     * their order: this is number `output` of `n_outputs`. They differ in name and in what comes next: */
    size_t output;
    size_t n_outputs;         /* 1: it gives one table (or, an expectation, none) */
    bool by_name;             /* it returns a dictionary of its outputs, though that be one */
    struct name_list columns; /* expected output columns */
    struct name_list keys;    /* MERGE: of which columns; none twice, no "*" */
    enum strategy strategy;
    struct str *partitioned_by;
    size_t n_partitioned_by;
    struct place partitioned_by_place; /* of the text or the list */
    struct str overwrite_filter;
    struct place overwrite_place; /* of the text */

    struct str on; /* expectations: the table that it is attached to, as written; empty = none */
    struct place on_place;
    bool no_cache; /* cache_strategy='NONE' */
    bool internet_access;
    double cpus;          /* 0 = not said */
    uint64_t memory;      /* bytes, 0 = not said */
    uint64_t memory_swap; /* bytes, 0 = not said */
    double timeout;       /* seconds; 0 = not said, nor in the project's defaults */

    /* The function without what cannot change its result: comments, layout, other functions; with the
     * module-level code it reaches and the text of the project's own modules it imports. For SQL the
     * statement itself (comments and all). Environment, inputs, parameters are not in it. */
    struct hash code;
    struct str *modules; /* paths of the project's own modules that it imports, sorted */
    size_t n_modules;
};

struct declarations {
    struct arena arena;
    struct declared_function *functions; /* by file, then line */
    size_t n_functions;
};

struct declare_options {
    struct cache *cache; /* NULL = parse everything */
    struct str python;   /* interpreter; empty: $CORRIE_PYTHON, else python3 by PATH */
};

/* Reads the declarations of all sources of `project`, which must outlive them. Fails on the first thing
 * that is wrong, in order of file and line, with position and source line: CORRIE_E_PROJECT for syntax,
 * an unknown decorator or keyword (nearest name in the hint), an argument that is not constant or of the
 * wrong type, a bad strategy, package pin or Python version, a name defined twice (the hint shows the
 * other place); CORRIE_E_UNSUPPORTED if no Python ≥ 3.9 can be started though the project has Python.
 * Cost: one interpreter start (30–60 ms) if any Python file is not in the cache. */
int declare_read(const struct project_dir *project, const struct declare_options *options,
                 struct declarations **ret, corrie_error *err) CORRIE_MUST_USE;
struct declarations *declarations_free(struct declarations *declarations);
DEFINE_CLEANUP(struct declarations *, declarations_free)

/* Sets the position of an error: `place` and its source line of `project`. Returns the error's code. */
int place_error(const struct project_dir *project, const struct place *place, corrie_error *err);

const char *strategy_name(enum strategy strategy); /* "REPLACE" */

#endif
