/* worker.h — one call of a user's function, in a process of its own.
 *
 * A call: spawn the interpreter with corrie's harness → send the specification, the project's sources and
 * the inputs' memory files → events come back → the process ends → its output files are sealed. The
 * process is used once. What it sends is hostile: bounded, validated (docs/formats/protocol.md).
 *
 * Whatever the function does — raises, exits, aborts, hangs, floods its output, sends garbage — gives one
 * clear error here, and its whole process group is gone when worker_call returns. */
#ifndef CORRIE_WORKER_WORKER_H
#define CORRIE_WORKER_WORKER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"
#include "worker/exchange.h"
#include "worker/form.h"

enum worker_kind {
    WORKER_MODEL,       /* gives a table */
    WORKER_EXPECTATION, /* gives true or false */
};

/* One file of the project, as it was when the run was planned. */
struct worker_source {
    struct str path; /* relative to the project directory: "models.py" */
    struct str text; /* UTF-8 */
};

struct worker_input {
    struct str argument; /* the function's parameter */
    enum worker_form form;
    struct exchange *table;    /* borrowed during the call */
    const struct str *columns; /* what of it, in this order */
    size_t n_columns;
    bool all_columns; /* all of it; then `columns` is not looked at */
};

struct worker_parameter {
    struct str argument;
    const json_t *value; /* string, integer, real, boolean or null; borrowed */
    bool secret;         /* what the function prints and raises is told without it */
};

/* All borrowed during the call. */
struct worker_spec {
    enum worker_kind kind;
    struct str model;  /* how messages call it: "purchase_events" */
    struct str python; /* the interpreter, absolute: struct env.python */
    struct str
        harness; /* of worker_compile_harness; empty, or of another version: the process compiles */
    struct str project_dir; /* absolute; with a source's path it is the file name in tracebacks */
    const struct worker_source *sources; /* all Python files: models may import each other */
    size_t n_sources;
    struct str file;     /* path of the source that defines the function */
    struct str function; /* its Python name */
    const struct worker_input *inputs;
    size_t n_inputs;
    const struct worker_parameter *parameters;
    size_t n_parameters;
    const struct str
        *columns; /* declared output columns, for the function's information; may be empty */
    size_t n_columns;
    /* A model of several tables returns a dict with these names; none: it returns one table. */
    const struct str *outputs;
    size_t n_outputs;
    struct str
        packages; /* of its environment, "name==version\n" each, to say which do not fit; may be empty */
    struct str job;     /* of which the call is part: $CORRIE_JOB in its process; empty: of none */
    int64_t timeout_ms; /* from the start of the process; 0 = none */
    uint64_t
        memory; /* bytes of its own that the process may have, inputs not counted; 0 = no limit */
    uint64_t output_memory; /* bytes that its results may take; 0 = no limit */
    bool internet_access;   /* hands on the proxy settings; the jail will ask it too */
};

enum worker_event_kind {
    WORKER_LOG,   /* a line of output */
    WORKER_PHASE, /* the process came to its next phase */
};

enum worker_stream {
    WORKER_STDOUT,
    WORKER_STDERR,
    WORKER_LOGGING, /* Python's logging; `level` is set */
    WORKER_NOTE,    /* corrie's own word: "… 94 MB of output were dropped here" */
};

enum worker_phase {
    WORKER_STARTED, /* the harness runs */
    WORKER_IMPORT,  /* importing pyarrow and the project's file */
    WORKER_CALL,    /* the function runs */
    WORKER_OUTPUT,  /* writing what it returned */
    WORKER_FINISHED,
    WORKER_N_PHASES,
};

/* Text is UTF-8 (bad bytes replaced), one line without its newline; it may hold control characters: who
 * shows it on a terminal escapes them. Everything is valid during the callback only. */
struct worker_event {
    enum worker_event_kind kind;
    enum worker_phase phase;
    enum worker_stream stream;
    struct str level; /* "INFO"; empty unless WORKER_LOGGING */
    struct str text;
    struct str file; /* of the project, where the line was printed; empty if not known */
    long line;
};

/* Called from the thread of worker_call. */
typedef void (*worker_event_fn)(void *arg, const struct worker_event *event);

struct worker_usage {
    uint64_t max_rss;  /* bytes: largest resident size, mapped inputs included */
    int64_t user_time; /* nanoseconds of CPU */
    int64_t system_time;
    int64_t wall_time;
    int64_t
        phases[WORKER_N_PHASES]; /* when each was entered, from the start of the call; 0 = not */
    uint64_t output_bytes;       /* of printed and logged text, what was dropped included */
    uint64_t dropped_bytes;
};

struct worker_result {
    struct exchange *output;   /* model of one table: what it returned; the caller's */
    struct exchange **outputs; /* model of several: each, in the order of worker_spec.outputs */
    size_t n_outputs;          /* 0: of one */
    bool passed;               /* expectation */
    char *reason;              /* expectation that failed by `assert`: its message; else NULL */
    struct worker_usage usage;
};
void worker_result_done(struct worker_result *result);

/* Runs the function. `events` may be NULL. *ret is set in any case (usage as far as it is known); its
 * other fields only on success.
 *
 * CORRIE_E_FAILED: the function raised (message "ValueError: …", position the innermost frame of the
 * user's, detail the traceback cut to the user's frames), called sys.exit, ended without a result (exit
 * status or signal named), returned something that is no table (type named) or no bool, or its process
 * broke the protocol. CORRIE_E_PROJECT: the file cannot be imported as it is (syntax, missing function).
 * CORRIE_E_TIMEOUT, CORRIE_E_CANCELLED: its process group was killed. CORRIE_E_NOT_FOUND: no such
 * interpreter. CORRIE_E_NO_SPACE, CORRIE_E_LIMIT: what it returned is too large.
 *
 * The output is sealed but not yet looked into: its columns' names are checked, its rows and types are
 * the child's word until exchange_table. Cost: one interpreter start (0.15 s with pyarrow), handing over
 * in and out does not depend on size. Must be called and left by one thread (the child dies with it). */
int worker_call(const struct worker_spec *spec, worker_event_fn events, void *events_arg,
                const struct cancel *cancel, struct worker_result *ret, corrie_error *err)
    CORRIE_MUST_USE;

/* The harness as the interpreter compiles it, for worker_spec.harness of all calls by its version. Nothing of an environment
 * is imported by that. *ret is emptied first. CORRIE_E_NOT_FOUND: no such interpreter; CORRIE_E_FAILED: it cannot;
 * CORRIE_E_TIMEOUT, CORRIE_E_CANCELLED. Cost: 60 ms, for 12 to 15 that each call saves. */
int worker_compile_harness(const char *python, const struct cancel *cancel, struct buf *ret,
                           corrie_error *err) CORRIE_MUST_USE;

/* SHA-256, in hex, of the harness that this binary holds: part of what a result depends on. */
const char *worker_harness_version(void);

#endif
