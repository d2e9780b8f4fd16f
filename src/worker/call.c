/* call.c — one call from spawn to result.
 *
 * States: running (the process lives, messages come) → closing (it has said its last word, or closed the
 * socket; a little grace) → ended (reaped, its group killed, pipes and socket read empty). Only then are its
 * files sealed and the result or the error made. */
#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"
#include "os/file.h"
#include "os/socket.h"
#include "worker/output.h"
#include "worker/protocol.h"
#include "worker/spawn.h"
#include "worker/spec.h"
#include "worker/verdict.h"

/* How long a process may take to end after its last message. */
#define GRACE_MS 2000
#define READ_SIZE 65536
/* Bytes of each pipe that are still read after the end: what it can hold (pipe-max-size). A child that has left the
 * group could write for ever. */
#define DRAIN_MAX (1 * CORRIE_MiB)

static void close_files(struct call *call)
{
    for (size_t i = 0; i < call->files.count; i++) {
        os_close(call->files.items[i]);
    }
    vec_done(&call->files);
    vec_done(&call->tables);
}

static void call_done(struct call *call)
{
    worker_process_done(&call->process);
    spec_done(&call->sent);
    close_files(call);
    message_done(&call->last);
    line_reader_done(&call->out);
    line_reader_done(&call->errors);
    output_done(&call->output);
    mask_done(&call->mask);
    map_done(&call->sources);
    vec_done(&call->columns);
    mem_free(call->packet);
    arena_done(&call->arena);
}

static int64_t since_start(const struct call *call)
{
    int64_t now = clock_monotonic() - call->started;

    return now > 0 ? now : 1;
}

static void enter_phase(struct call *call, enum worker_phase phase)
{
    call->usage->phases[phase] = since_start(call);
    if (call->output.events) {
        call->output.events(call->output.events_arg,
                            &(struct worker_event){.kind = WORKER_PHASE, .phase = phase});
    }
}

/* ---- to the child ---- */

static bool other_side_closed(const struct call *call)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct pollfd socket = {.fd = call->process.socket};

    return os_poll(&socket, 1, 0, NULL, &ignored) > 0 && (socket.revents & (POLLHUP | POLLERR));
}

/* Sends what the socket takes now; 0 also when it takes no more at the moment. */
static int send_call(struct call *call, corrie_error *err)
{
    while (call->process.socket >= 0 &&
           (!call->sent_call || call->sent_files < call->sent.n_files)) {
        char text[96];
        size_t n = call->sent.n_files - call->sent_files;
        int r;

        n = n < PROTOCOL_MAX_FDS ? n : PROTOCOL_MAX_FDS;
        if (!call->sent_call) {
            snprintf(text, sizeof text, "{\"m\":\"call\",\"protocol\":%d,\"files\":%zu}",
                     PROTOCOL_VERSION, call->sent.n_files);
            r = os_send(call->process.socket, str_of(text), &call->sent.fd, 1, err);
        } else {
            snprintf(text, sizeof text, "{\"m\":\"files\",\"count\":%zu}", n);
            r = os_send(call->process.socket, str_of(text), call->sent.files + call->sent_files, n,
                        err);
        }
        if (r == CORRIE_E_BUSY || (r == CORRIE_E_IO && other_side_closed(call))) {
            corrie_error_clear(err); /* full, or closed: its end will say why */
            call->send_blocked = r == CORRIE_E_BUSY;
            return 0;
        }
        if (r < 0) {
            return r;
        }
        call->sent_files += call->sent_call ? n : 0;
        call->sent_call = true;
    }
    call->send_blocked = false;
    return 0;
}

/* ---- from the child ---- */

static void take_log(struct call *call, const struct message *message)
{
    for (size_t i = 0; i < message->n_lines; i++) {
        const struct message_line *line = &message->lines[i];
        bool known = map_find(&call->sources, line->file) != NULL;

        output_line(&call->output, &(struct worker_event){.kind = WORKER_LOG,
                                                          .stream = message->stream,
                                                          .level = line->level,
                                                          .text = line->text,
                                                          .file = known ? line->file : STR_EMPTY,
                                                          .line = known ? line->line : 0});
    }
}

static int take_columns(struct call *call, const struct message *message, struct os_fd_list *fds,
                        corrie_error *err)
{
    for (size_t i = 0; i < message->n_columns; i++) {
        struct exchange_place place = message->columns[i];

        if (arena_str(&call->arena, place.name, &place.name) < 0 ||
            vec_push(&call->columns, place) < 0) {
            return corrie_fail_memory(err);
        }
    }
    if (vec_reserve(&call->files, call->files.count + fds->count) < 0) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < fds->count; i++) {
        call->files.items[call->files.count++] = os_fd_list_take(fds, i);
    }
    return 0;
}

/* The columns and files that came since the last table are one. */
static int take_table(struct call *call, const struct message *message, corrie_error *err)
{
    struct call_table table = {.n_files = (size_t)message->result_files,
                               .n_columns = (size_t)message->result_columns,
                               .n_rows = message->rows};

    return vec_push(&call->tables, table) < 0 ? corrie_fail_memory(err) : 0;
}

static int take_message(struct call *call, struct str packet, struct os_fd_list *fds,
                        corrie_error *err)
{
    _cleanup_(message_done) struct message message = {0};
    int r;

    r = message_decode(packet, &message, err);
    r = r < 0 ? r : protocol_accept(&call->protocol, &message, fds->count, err);
    if (r < 0) {
        return r;
    }
    switch (message.kind) {
    case MESSAGE_READY:
        enter_phase(call, WORKER_STARTED);
        break;
    case MESSAGE_PHASE:
        enter_phase(call, message.phase);
        break;
    case MESSAGE_LOG:
        take_log(call, &message);
        break;
    case MESSAGE_COLUMNS:
        r = take_columns(call, &message, fds, err);
        break;
    case MESSAGE_TABLE:
        r = take_table(call, &message, err);
        break;
    default:
        if (message.kind == MESSAGE_RESULT && !message.has_passed) {
            r = take_table(call, &message, err);
        }
        call->usage->phases[WORKER_FINISHED] = since_start(call);
        call->last = TAKE(message);
        /* What a thread or a child left behind may still say is nobody's. */
        os_closep(&call->process.socket);
        break;
    }
    return r;
}

/* One packet. 1 there may be more, 0 nothing there now or closed. */
static int receive(struct call *call, corrie_error *err)
{
    _cleanup_(os_fd_list_done) struct os_fd_list fds = {.count = 0};
    size_t len;
    int r;

    r = os_receive(call->process.socket, call->packet, CORRIE_MAX_WORKER_MESSAGE, &len, &fds, err);
    if (r == CORRIE_E_BUSY) {
        corrie_error_clear(err);
        return 0;
    }
    if (r == 0) {
        os_closep(&call->process.socket);
        return 0;
    }
    r = r < 0 ? r : take_message(call, str_make(call->packet, len), &fds, err);
    return r < 0 ? r : 1;
}

/* One read of a pipe. Bytes read; 0 nothing there now, or closed. */
static int64_t read_pipe(int *fd, struct line_reader *reader, char *bytes, corrie_error *err)
{
    size_t n;
    int r;

    if (*fd < 0) {
        return 0;
    }
    r = os_read(*fd, "the output of a function", bytes, READ_SIZE, &n, err);
    if (r == CORRIE_E_BUSY) {
        corrie_error_clear(err);
        return 0;
    }
    if (r < 0) {
        return r;
    }
    if (n == 0) {
        os_closep(fd);
    }
    line_reader_add(reader, str_make(bytes, n));
    return (int64_t)n;
}

/* ---- the loop ---- */

static bool is_closing(const struct call *call)
{
    return call->protocol.state == STATE_ENDED || call->process.socket < 0;
}

/* Milliseconds that poll may wait; negative = for ever. Once it is closing, only the grace counts: its word is
 * said. */
static int64_t time_left(struct call *call)
{
    int64_t now = since_start(call) / 1000000;
    int64_t end = call->spec->timeout_ms > 0 ? call->spec->timeout_ms : -1;

    if (is_closing(call)) {
        call->grace_end = call->grace_end ? call->grace_end : now + GRACE_MS;
        end = call->grace_end;
    }
    return end < 0 ? -1 : end > now ? end - now : 0;
}

static int fail_timeout(const struct call *call, corrie_error *err)
{
    double seconds = (double)call->spec->timeout_ms / 1000;

    corrie_fail(err, CORRIE_E_TIMEOUT, "%.*s took longer than %g s", STR_FMT(call->spec->model),
                seconds);
    return corrie_hint(err, "give it more with @corrie.resources(timeout=…)");
}

/* Until the process has ended (or has no more grace): 0. */
static int converse(struct call *call, corrie_error *err)
{
    struct worker_process *process = &call->process;

    for (;;) {
        struct pollfd fds[4] = {
            {.fd = process->socket, .events = (short)(POLLIN | (call->send_blocked ? POLLOUT : 0))},
            {.fd = process->out, .events = POLLIN},
            {.fd = process->errors, .events = POLLIN},
            {.fd = process->proc.pidfd, .events = POLLIN}};
        int64_t left = time_left(call), n = 0;
        int r = os_poll(fds, 4, left, call->cancel, err);

        /* There may always be something to read: time is up all the same. */
        if (r == 0 || (r > 0 && left == 0 && !fds[3].revents)) {
            call->gave_up = is_closing(call);
            return call->gave_up ? 0 : fail_timeout(call, err);
        }
        if (r > 0 && fds[0].revents & POLLOUT) {
            r = send_call(call, err);
        }
        if (r >= 0 && fds[0].revents & (POLLIN | POLLHUP | POLLERR)) {
            r = receive(call, err);
        }
        n = r < 0            ? r
            : fds[1].revents ? read_pipe(&process->out, &call->out, call->packet, err)
                             : 0;
        n = n < 0            ? n
            : fds[2].revents ? read_pipe(&process->errors, &call->errors, call->packet, err)
                             : 0;
        if (n < 0) {
            return (int)n;
        }
        if (fds[3].revents) {
            return 0;
        }
    }
}

/* Kills what is left of the group and reaps the process. */
static int end_process(struct call *call, corrie_error *err)
{
    struct worker_process *process = &call->process;
    int r;

    /* The leader is not reaped yet, so its group's number is still its own. */
    r = os_kill(&process->proc, SIGKILL, err);
    r = r < 0 ? r : os_wait(&process->proc, -1, NULL, &call->end, err);
    if (r < 0) {
        return r;
    }
    call->usage->max_rss = call->end.max_rss;
    call->usage->user_time = call->end.user_time;
    call->usage->system_time = call->end.system_time;
    return 0;
}

/* What is in a pipe now. */
static int drain_pipe(struct call *call, int *fd, struct line_reader *reader, corrie_error *err)
{
    uint64_t total = 0;
    int64_t n;

    do {
        n = read_pipe(fd, reader, call->packet, err);
        total += n > 0 ? (uint64_t)n : 0;
    } while (n > 0 && total < DRAIN_MAX);
    return n < 0 ? (int)n : 0;
}

/* What the process said before it ended and nobody has read yet. Bounded, whoever else may still write. */
static int drain(struct call *call, corrie_error *err)
{
    int r = 1;

    if (call->process.socket >= 0) {
        r = os_socket_end(call->process.socket, err);
    }
    while (r >= 0 && call->process.socket >= 0) {
        r = receive(call, err);
    }
    r = r < 0 ? r : drain_pipe(call, &call->process.out, &call->out, err);
    return r < 0 ? r : drain_pipe(call, &call->process.errors, &call->errors, err);
}

static int run(struct call *call, corrie_error *err)
{
    _error_ corrie_error second = CORRIE_ERROR_INIT;
    int r, ended;

    r = worker_spawn(call->spec, &call->process, err);
    if (r < 0) {
        return r;
    }
    r = send_call(call, err);
    r = r < 0 ? r : converse(call, err);
    /* Whatever went wrong, the process ends now, and what it printed is shown. */
    ended = end_process(call, &second);
    ended = ended < 0 ? ended : drain(call, &second);
    line_reader_finish(&call->out);
    line_reader_finish(&call->errors);
    if (r >= 0 && ended < 0) {
        r = corrie_error_move(err, &second);
    }
    if (r == CORRIE_E_DATA || r == CORRIE_E_LIMIT) {
        /* What it sent was no message. */
        err->code = CORRIE_E_FAILED;
        r = corrie_wrap(err, "%.*s broke its connection to corrie", STR_FMT(call->spec->model));
    }
    return r < 0 ? r : 0;
}

static int call_init(struct call *call, corrie_error *err)
{
    call->packet =
        mem_alloc(CORRIE_MAX_WORKER_MESSAGE > READ_SIZE ? CORRIE_MAX_WORKER_MESSAGE : READ_SIZE, 1);
    if (!call->packet) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < call->spec->n_sources; i++) {
        const struct worker_source *source = &call->spec->sources[i];

        if (map_put(&call->sources, source->path, (void *)(uintptr_t)source) < 0) {
            return corrie_fail_memory(err);
        }
    }
    if (mask_init(&call->mask, call->spec, err) < 0) {
        return err->code;
    }
    return spec_init(&call->sent, call->spec, err);
}

int worker_call(const struct worker_spec *spec, worker_event_fn events, void *events_arg,
                const struct cancel *cancel, struct worker_result *ret, corrie_error *err)
{
    _cleanup_(call_done) struct call call = {
        .spec = spec,
        .cancel = cancel,
        .process = {.proc = {.pidfd = -1}, .socket = -1, .out = -1, .errors = -1},
        .sent = {.fd = -1},
        .protocol = {.kind = spec->kind, .n_outputs = spec->n_outputs},
        .output = {.mask = &call.mask, .events = events, .events_arg = events_arg},
        .started = clock_monotonic(),
        .usage = &ret->usage,
    };
    int r;

    *ret = (struct worker_result){0};
    call.out = (struct line_reader){.output = &call.output, .stream = WORKER_STDOUT};
    call.errors = (struct line_reader){.output = &call.output, .stream = WORKER_STDERR};
    r = call_init(&call, err);
    r = r < 0 ? r : run(&call, err);
    r = r < 0 ? r : verdict(&call, ret, err);
    if (r >= 0 || call.end.signal == 0) {
        line_reader_release(&call.errors);
    }
    output_finish(&call.output);
    ret->usage.output_bytes = call.output.bytes;
    ret->usage.dropped_bytes = call.output.dropped;
    mask_replace(&call.mask, &ret->reason);
    if (r < 0) {
        mask_error(&call.mask, err);
    }
    ret->usage.wall_time = since_start(&call);
    return r;
}

void worker_result_done(struct worker_result *result)
{
    result->output = exchange_unref(result->output);
    for (size_t i = 0; i < result->n_outputs; i++) {
        exchange_unref(result->outputs[i]);
    }
    mem_free(result->outputs);
    result->outputs = NULL;
    result->n_outputs = 0;
    mem_free(result->reason);
    result->reason = NULL;
}
