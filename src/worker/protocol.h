/* protocol.h — what a function's process says (docs/formats/protocol.md), decoded and checked. Private to the
 * room; the fuzz target fuzz_protocol.c drives it.
 *
 * States: START → READY → IMPORT → CALL → OUTPUT → ENDED; `error` leads from any but START to ENDED.
 *
 *              START  READY  IMPORT  CALL  OUTPUT  ENDED
 *   ready        ✓
 *   phase               ✓      ✓      ✓             (each to the next state)
 *   log                 ✓      ✓      ✓     ✓
 *   columns                                 ✓
 *   table                                   ✓      (not after the last but one of several)
 *   result                                  ✓
 *   error               ✓      ✓      ✓     ✓
 */
#ifndef CORRIE_WORKER_PROTOCOL_H
#define CORRIE_WORKER_PROTOCOL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/json.h"
#include "worker/exchange_priv.h"
#include "worker/worker.h"

#define PROTOCOL_VERSION 1
#define PROTOCOL_MAX_FDS 64

enum message_kind {
    MESSAGE_READY,
    MESSAGE_PHASE,
    MESSAGE_LOG,
    MESSAGE_COLUMNS,
    MESSAGE_TABLE,
    MESSAGE_RESULT,
    MESSAGE_ERROR,
    MESSAGE_N_KINDS
};

enum error_kind {
    ERROR_RAISED,
    ERROR_IMPORT,
    ERROR_RETURN,
    ERROR_EXIT,
    ERROR_SPACE,
    ERROR_N_KINDS
};

struct message_line {
    struct str text, file, level;
    long line;
};

struct message_frame {
    struct str file, function, text;
    long line;
};

/* One message; texts lie in `doc`, arrays in `arena`. Only the fields of its kind are set. */
struct message {
    enum message_kind kind;
    json_t *doc;
    struct arena arena;
    /* ready */
    struct str python;
    /* phase */
    enum worker_phase phase;
    /* log */
    enum worker_stream stream;
    struct message_line *lines;
    size_t n_lines;
    /* columns */
    struct exchange_place *columns;
    size_t n_columns;
    /* table, result */
    int64_t rows, result_columns, result_files; /* model: -1 = not given */
    bool has_passed, passed;                    /* expectation */
    struct str reason, file;
    long line;
    /* error */
    enum error_kind error;
    struct str type, text, traceback;
    struct message_frame *frames;
    size_t n_frames;
};
void message_done(struct message *message);

/* Decodes one packet. CORRIE_E_DATA saying what is wrong with it. */
int message_decode(struct str packet, struct message *ret, corrie_error *err) CORRIE_MUST_USE;

enum protocol_state {
    STATE_START,
    STATE_READY,
    STATE_IMPORT,
    STATE_CALL,
    STATE_OUTPUT,
    STATE_ENDED,
};

struct protocol {
    enum protocol_state state;
    enum worker_kind kind;
    size_t n_outputs; /* of a model of several tables; 0 = one */
    size_t n_tables;  /* that have come whole */
    size_t n_files;   /* that have come of the one under way */
    size_t n_columns; /* likewise */
};

/* Whether the message may come now, with that many descriptors; moves on. CORRIE_E_DATA if not. */
int protocol_accept(struct protocol *protocol, const struct message *message, size_t n_fds,
                    corrie_error *err) CORRIE_MUST_USE;

#endif
