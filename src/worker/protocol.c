#include "worker/protocol.h"

#include "base/limits.h"

#define MAX_NAME 1024
#define MAX_LINES 1000
#define MAX_LINE_NUMBER 1000000000

void message_done(struct message *message)
{
    json_decref(message->doc);
    arena_done(&message->arena);
    *message = (struct message){0};
}

static int malformed(corrie_error *err, const char *what)
{
    return corrie_fail(err, CORRIE_E_DATA, "malformed message: %s", what);
}

/* Index of `text` in `names`, or -1. */
static int index_of(struct str text, const char *const *names, int n)
{
    for (int i = 0; i < n; i++) {
        if (str_eq(text, str_of(names[i]))) {
            return i;
        }
    }
    return -1;
}

static bool text_of(const json_t *value, size_t max, struct str *ret)
{
    if (!json_is_string(value) || json_string_length(value) > max) {
        return false;
    }
    *ret = js_str(value);
    return true;
}

static bool number_of(const json_t *value, int64_t max, int64_t *ret)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > max) {
        return false;
    }
    *ret = json_integer_value(value);
    return true;
}

static bool line_of(const json_t *value, long *ret)
{
    int64_t number;

    if (!number_of(value, MAX_LINE_NUMBER, &number)) {
        return false;
    }
    *ret = (long)number;
    return true;
}

static int decode_ready(struct message *message, corrie_error *err)
{
    int64_t version;

    if (!number_of(json_object_get(message->doc, "protocol"), INT32_MAX, &version) ||
        !text_of(json_object_get(message->doc, "python"), 64, &message->python)) {
        return malformed(err, "ready");
    }
    return version == PROTOCOL_VERSION ? 0 : malformed(err, "another version of the protocol");
}

static int decode_phase(struct message *message, corrie_error *err)
{
    static const char *const names[] = {"import", "call", "output"};
    struct str name;
    int i;

    if (!text_of(json_object_get(message->doc, "name"), 16, &name)) {
        return malformed(err, "phase");
    }
    i = index_of(name, names, 3);
    message->phase = (enum worker_phase)(WORKER_IMPORT + i);
    return i >= 0 ? 0 : malformed(err, "an unknown phase");
}

static int decode_log(struct message *message, corrie_error *err)
{
    static const char *const names[] = {"stdout", "stderr", "logging"};
    const json_t *lines = json_object_get(message->doc, "lines");
    struct str name;
    int stream;

    if (!text_of(json_object_get(message->doc, "stream"), 16, &name)) {
        return malformed(err, "log");
    }
    stream = index_of(name, names, 3);
    if (stream < 0 || json_array_size(lines) < 1 || json_array_size(lines) > MAX_LINES) {
        return malformed(err, "log");
    }
    message->stream = (enum worker_stream)stream;
    message->n_lines = json_array_size(lines);
    message->lines = arena_array(&message->arena, struct message_line, message->n_lines);
    if (!message->lines) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < message->n_lines; i++) {
        const json_t *entry = json_array_get(lines, i);
        struct message_line *line = &message->lines[i];

        if (json_array_size(entry) != (message->stream == WORKER_LOGGING ? 4u : 3u) ||
            !text_of(json_array_get(entry, 0), CORRIE_MAX_WORKER_LINE, &line->text) ||
            !text_of(json_array_get(entry, 1), MAX_NAME, &line->file) ||
            !line_of(json_array_get(entry, 2), &line->line) ||
            (message->stream == WORKER_LOGGING &&
             !text_of(json_array_get(entry, 3), 32, &line->level))) {
            return malformed(err, "a line of a log");
        }
    }
    return 0;
}

static int decode_columns(struct message *message, corrie_error *err)
{
    const json_t *columns = json_object_get(message->doc, "columns");

    message->n_columns = json_array_size(columns);
    if (message->n_columns < 1 || message->n_columns > CORRIE_MAX_COLUMNS) {
        return malformed(err, "columns");
    }
    message->columns = arena_array(&message->arena, struct exchange_place, message->n_columns);
    if (!message->columns) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < message->n_columns; i++) {
        const json_t *entry = json_array_get(columns, i);
        struct exchange_place *place = &message->columns[i];
        int64_t file, field;

        if (json_array_size(entry) != 3 ||
            !text_of(json_array_get(entry, 0), MAX_NAME, &place->name) ||
            !number_of(json_array_get(entry, 1), EXCHANGE_MAX_FILES - 1, &file) ||
            !number_of(json_array_get(entry, 2), CORRIE_MAX_COLUMNS - 1, &field)) {
            return malformed(err, "a column");
        }
        place->file = (size_t)file;
        place->field = (size_t)field;
    }
    return 0;
}

static int decode_table(struct message *message, corrie_error *err)
{
    const json_t *doc = message->doc;

    return number_of(json_object_get(doc, "rows"), INT64_MAX, &message->rows) &&
                   number_of(json_object_get(doc, "columns"), CORRIE_MAX_COLUMNS,
                             &message->result_columns) &&
                   number_of(json_object_get(doc, "files"), EXCHANGE_MAX_FILES,
                             &message->result_files)
               ? 0
               : malformed(err, "a table");
}

static int decode_result(struct message *message, corrie_error *err)
{
    const json_t *doc = message->doc;
    const json_t *passed = json_object_get(doc, "passed");

    message->rows = message->result_columns = message->result_files = -1;
    if (!passed) {
        return decode_table(message, err);
    }
    message->has_passed = true;
    message->passed = json_is_true(passed);
    if (!json_is_boolean(passed)) {
        return malformed(err, "result");
    }
    if (json_object_get(doc, "reason") &&
        (!text_of(json_object_get(doc, "reason"), 16 * CORRIE_KiB, &message->reason) ||
         !text_of(json_object_get(doc, "file"), MAX_NAME, &message->file) ||
         !line_of(json_object_get(doc, "line"), &message->line))) {
        return malformed(err, "the reason of a result");
    }
    return 0;
}

static int decode_error(struct message *message, corrie_error *err)
{
    static const char *const names[] = {"raised", "import", "return", "exit", "space"};
    const json_t *doc = message->doc;
    const json_t *frames = json_object_get(doc, "frames");
    struct str kind;
    int index;

    if (!text_of(json_object_get(doc, "kind"), 16, &kind) ||
        !text_of(json_object_get(doc, "type"), 256, &message->type) ||
        !text_of(json_object_get(doc, "message"), 16 * CORRIE_KiB, &message->text) ||
        !text_of(json_object_get(doc, "traceback"), 32 * CORRIE_KiB, &message->traceback) ||
        !json_is_array(frames) || json_array_size(frames) > CORRIE_MAX_WORKER_FRAMES) {
        return malformed(err, "error");
    }
    index = index_of(kind, names, ERROR_N_KINDS);
    if (index < 0) {
        return malformed(err, "an unknown kind of error");
    }
    message->error = (enum error_kind)index;
    message->n_frames = json_array_size(frames);
    message->frames = arena_array(&message->arena, struct message_frame, message->n_frames);
    if (!message->frames) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < message->n_frames; i++) {
        const json_t *entry = json_array_get(frames, i);
        struct message_frame *frame = &message->frames[i];

        if (json_array_size(entry) != 4 ||
            !text_of(json_array_get(entry, 0), MAX_NAME, &frame->file) ||
            !line_of(json_array_get(entry, 1), &frame->line) ||
            !text_of(json_array_get(entry, 2), MAX_NAME, &frame->function) ||
            !text_of(json_array_get(entry, 3), MAX_NAME, &frame->text)) {
            return malformed(err, "a frame of a traceback");
        }
    }
    return 0;
}

static int decode_fields(struct message *message, corrie_error *err)
{
    static const struct {
        const char *name;
        int (*decode)(struct message *message, corrie_error *err);
    } kinds[MESSAGE_N_KINDS] = {
        [MESSAGE_READY] = {"ready", decode_ready}, [MESSAGE_PHASE] = {"phase", decode_phase},
        [MESSAGE_LOG] = {"log", decode_log},       [MESSAGE_COLUMNS] = {"columns", decode_columns},
        [MESSAGE_TABLE] = {"table", decode_table}, [MESSAGE_RESULT] = {"result", decode_result},
        [MESSAGE_ERROR] = {"error", decode_error},
    };
    struct str name;

    if (!json_is_object(message->doc) || !text_of(json_object_get(message->doc, "m"), 16, &name)) {
        return malformed(err, "it says not what it is");
    }
    for (int i = 0; i < MESSAGE_N_KINDS; i++) {
        if (str_eq(name, str_of(kinds[i].name))) {
            message->kind = (enum message_kind)i;
            return kinds[i].decode(message, err);
        }
    }
    return malformed(err, "an unknown kind");
}

int message_decode(struct str packet, struct message *ret, corrie_error *err)
{
    _cleanup_(message_done) struct message message = {0};
    int r;

    if (packet.len > CORRIE_MAX_WORKER_MESSAGE) {
        return malformed(err, "it is too long");
    }
    r = js_parse(packet, "message", &message.doc, err);
    if (r == CORRIE_E_NO_MEMORY) {
        return r;
    }
    if (r < 0) {
        return malformed(err, "no JSON");
    }
    r = decode_fields(&message, err);
    if (r >= 0) {
        *ret = TAKE(message);
    }
    return r;
}

/* One table is whole; `last` says that it is the last one. */
static int accept_table(struct protocol *protocol, const struct message *message, bool last,
                        corrie_error *err)
{
    size_t n_outputs = protocol->n_outputs > 0 ? protocol->n_outputs : 1;

    if ((size_t)message->result_columns != protocol->n_columns ||
        (size_t)message->result_files != protocol->n_files) {
        return malformed(err, "a result with other columns than were sent");
    }
    protocol->n_tables++;
    protocol->n_files = protocol->n_columns = 0;
    if (last ? protocol->n_tables != n_outputs : protocol->n_tables >= n_outputs) {
        return malformed(err, "another number of tables than was asked for");
    }
    return 0;
}

static int accept_result(struct protocol *protocol, const struct message *message,
                         corrie_error *err)
{
    if (message->has_passed != (protocol->kind == WORKER_EXPECTATION)) {
        return malformed(err, "a result of another kind than was asked for");
    }
    return message->has_passed ? 0 : accept_table(protocol, message, true, err);
}

static int accept_columns(struct protocol *protocol, const struct message *message, size_t n_fds,
                          corrie_error *err)
{
    if (protocol->kind != WORKER_MODEL || n_fds > PROTOCOL_MAX_FDS ||
        protocol->n_files + n_fds > EXCHANGE_MAX_FILES ||
        protocol->n_columns + message->n_columns > CORRIE_MAX_COLUMNS) {
        return malformed(err, "more columns or files than allowed");
    }
    protocol->n_files += n_fds;
    protocol->n_columns += message->n_columns;
    for (size_t i = 0; i < message->n_columns; i++) {
        if (message->columns[i].file >= protocol->n_files) {
            return malformed(err, "a column in a file that was not sent");
        }
    }
    return 0;
}

int protocol_accept(struct protocol *protocol, const struct message *message, size_t n_fds,
                    corrie_error *err)
{
    const enum protocol_state state = protocol->state;
    bool fits = state > STATE_START && state < STATE_ENDED;
    int r = 0;

    if (n_fds > 0 && message->kind != MESSAGE_COLUMNS) {
        return malformed(err, "descriptors where none belong");
    }
    switch (message->kind) {
    case MESSAGE_READY:
        fits = state == STATE_START;
        protocol->state = STATE_READY;
        break;
    case MESSAGE_PHASE:
        fits = fits && (int)message->phase - WORKER_IMPORT == (int)state - STATE_READY;
        protocol->state = (enum protocol_state)((int)state + 1);
        break;
    case MESSAGE_COLUMNS:
        fits = state == STATE_OUTPUT;
        r = fits ? accept_columns(protocol, message, n_fds, err) : 0;
        break;
    case MESSAGE_TABLE:
        fits = state == STATE_OUTPUT && protocol->kind == WORKER_MODEL;
        r = fits ? accept_table(protocol, message, false, err) : 0;
        break;
    case MESSAGE_RESULT:
        fits = state == STATE_OUTPUT;
        r = fits ? accept_result(protocol, message, err) : 0;
        protocol->state = STATE_ENDED;
        break;
    case MESSAGE_ERROR:
        protocol->state = STATE_ENDED;
        break;
    case MESSAGE_LOG:
    case MESSAGE_N_KINDS:
        break;
    }
    if (!fits) {
        protocol->state = state;
        return malformed(err, "it comes at the wrong moment");
    }
    return r;
}
