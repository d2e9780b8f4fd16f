/* verdict.h — what a call came to. Private to the room. */
#ifndef CORRIE_WORKER_VERDICT_H
#define CORRIE_WORKER_VERDICT_H

#include "base/map.h"
#include "base/vec.h"
#include "worker/output.h"
#include "worker/protocol.h"
#include "worker/spawn.h"
#include "worker/spec.h"

/* A table that the process has sent whole; its files and columns are the next ones of the call's. */
struct call_table {
    size_t n_files;
    size_t n_columns;
    int64_t n_rows;
};

/* A call under way, see call.c. */
struct call {
    const struct worker_spec *spec;
    const struct cancel *cancel;
    struct worker_usage *usage;
    struct worker_process process;
    struct spec sent;
    bool sent_call;    /* the first message is out */
    size_t sent_files; /* files that are out */
    bool send_blocked; /* the socket is full */
    struct protocol protocol;
    struct message last; /* result or error */
    struct mask mask;
    struct output output;
    struct line_reader out, errors;
    struct map sources; /* path → struct worker_source */
    VEC(int) files;
    VEC(struct exchange_place) columns; /* names in the arena */
    VEC(struct call_table) tables;
    struct arena arena;
    char *packet; /* CORRIE_MAX_WORKER_MESSAGE bytes */
    int64_t started;
    int64_t grace_end; /* milliseconds from the start; 0 = not closing */
    bool gave_up;      /* it did not end by itself after it had closed the socket */
    struct os_exit end;
};

/* After the process has ended: its result, or the error that explains why there is none. */
int verdict(struct call *call, struct worker_result *ret, corrie_error *err) CORRIE_MUST_USE;

#endif
