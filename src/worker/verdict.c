#include "worker/verdict.h"

#include <signal.h>

#include "base/mem.h"
#include "env/env.h"
#include "os/file.h"
#include "os/signal.h"

#define MAX_MODULE 512 /* bytes of a dotted name that is looked for */

/* ---- errors that the harness reports ---- */

static void add_position(const struct call *call, const struct message *message, corrie_error *err)
{
    for (size_t i = message->n_frames; i > 0; i--) {
        const struct message_frame *frame = &message->frames[i - 1];

        if (map_find(&call->sources, frame->file)) {
            _free_ char *file = str_dup(frame->file);

            if (file) {
                corrie_error_at(err, file, frame->line, 0, 0, frame->text);
            }
            return;
        }
    }
}

/* Whether the project's folder has such a module, which is then no part of the project. The name is the child's word. */
static bool is_left_out(const struct call *call, struct str module)
{
    static const char *const ends[] = {"", ".py"};
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    char path[MAX_MODULE + 1];
    bool found = false;

    if (module.len == 0 || module.len > MAX_MODULE) {
        return false;
    }
    for (size_t i = 0; i < module.len; i++) {
        if (module.data[i] == '/' || module.data[i] == '\0') {
            return false;
        }
        path[i] = module.data[i] == '.' ? '/' : module.data[i];
    }
    for (size_t i = 0; i < ARRAY_LEN(ends) && !found; i++) {
        _cleanup_(buf_done) struct buf file = {0};

        buf_addf(&file, "%.*s/%.*s%s", STR_FMT(call->spec->project_dir), (int)module.len, path,
                 ends[i]);
        found = !file.failed && os_exists(buf_text(&file), &ignored) > 0;
        corrie_error_clear(&ignored);
    }
    return found;
}

/* "No module named 'polars.x'" → the package to ask for, or the project's own to include. */
static void hint_missing(const struct call *call, struct str module, corrie_error *err)
{
    struct str name, rest;

    str_cut(module, '.', &name, &rest);
    if (is_left_out(call, module)) {
        corrie_hint(err,
                    "%.*s is in the project's folder, but no part of the project: files in "
                    "subfolders are if the project file names them: include_paths: "
                    "[\"%.*s/**/*.py\"]",
                    STR_FMT(module), STR_FMT(name));
        return;
    }
    corrie_hint(err, "add its package to the function: @corrie.python(pip={'%.*s': 'VERSION'})",
                STR_FMT(name));
}

static void add_hint(const struct call *call, const struct message *message, corrie_error *err)
{
    static const struct str missing = STR("No module named '");
    struct str name, rest;

    if (str_eq(message->type, STR("ModuleNotFoundError")) && str_starts(message->text, missing)) {
        str_cut(str_from(message->text, missing.len), '\'', &name, &rest);
        hint_missing(call, name, err);
    } else if (str_ends(message->type, STR("MemoryError"))) {
        corrie_hint(err, "the function needs more memory than it may have: --memory, or "
                         "@corrie.resources(memory=…), gives more");
    } else if (message->error == ERROR_SPACE) {
        corrie_hint(err, "give the run more with --memory, or let less come out");
    } else {
        struct str line = err->position.text ? str_of(err->position.text) : STR_EMPTY;

        (void)env_explain_clash(message->text, line, call->spec->packages, err);
    }
}

static int fail_reported(const struct call *call, corrie_error *err)
{
    const struct message *message = &call->last;
    struct str model = call->spec->model;
    bool has_text = message->text.len > 0;

    switch (message->error) {
    case ERROR_IMPORT:
        corrie_fail(err, CORRIE_E_PROJECT, "%.*s: import of %.*s: %.*s%s%.*s", STR_FMT(model),
                    STR_FMT(call->spec->file), STR_FMT(message->type), has_text ? ": " : "",
                    STR_FMT(message->text));
        break;
    case ERROR_EXIT:
        corrie_fail(err, CORRIE_E_FAILED, "%.*s called sys.exit(%.*s)", STR_FMT(model),
                    STR_FMT(message->text));
        break;
    case ERROR_SPACE:
        corrie_fail(err, CORRIE_E_NO_SPACE, "%.*s: its result does not fit into memory: %.*s",
                    STR_FMT(model), STR_FMT(message->text));
        break;
    case ERROR_RETURN:
        if (message->type.len == 0) {
            corrie_fail(err, CORRIE_E_FAILED, "%.*s %.*s", STR_FMT(model), STR_FMT(message->text));
        } else {
            corrie_fail(err, CORRIE_E_FAILED, "%.*s: its result cannot become a table: %.*s: %.*s",
                        STR_FMT(model), STR_FMT(message->type), STR_FMT(message->text));
        }
        break;
    default:
        corrie_fail(err, CORRIE_E_FAILED, "%.*s: %.*s%s%.*s", STR_FMT(model),
                    STR_FMT(message->type), has_text ? ": " : "", STR_FMT(message->text));
        break;
    }
    if (message->n_frames > 0) {
        corrie_detail(err, str_trim(message->traceback));
    }
    add_position(call, message, err);
    add_hint(call, message, err);
    return err->code;
}

/* ---- deaths without a word ---- */

/* Python's own dump of a crash names the line: `  File "/dir/models.py", line 12 in clean`. The first one of
 * the project is the innermost. */
static void add_crash_position(const struct call *call, struct str said, corrie_error *err)
{
    bool more = true;

    while (more) {
        struct str line, path, rest;
        _free_ char *file = NULL;
        int64_t number;

        more = str_cut(said, '\n', &line, &said);
        if (!str_cut(line, '"', &line, &rest) || !str_eq(str_trim(line), STR("File")) ||
            !str_cut(rest, '"', &path, &rest) || !str_starts(path, call->spec->project_dir) ||
            !str_starts(rest, STR(", line "))) {
            continue;
        }
        path = str_from(path, call->spec->project_dir.len);
        path = str_starts(path, STR("/")) ? str_from(path, 1) : path;
        str_cut(str_from(rest, 7), ' ', &rest, &line);
        file = str_dup(path);
        if (file && map_find(&call->sources, path) && str_to_int64(rest, &number)) {
            corrie_error_at(err, file, (long)number, 0, 0, STR_EMPTY);
            return;
        }
    }
}

static int fail_silent(struct call *call, corrie_error *err)
{
    _cleanup_(buf_done) struct buf said = {0};
    const struct os_exit *end = &call->end;
    const char *why = "";
    char scratch[24];

    /* What it printed before it crashed was shown as it came. */
    output_clean(&said, str_trim(buf_str(call->errors.crash.len > 0 ? &call->errors.crash
                                                                    : &call->errors.tail)));
    if (call->protocol.state == STATE_START) {
        corrie_fail(err, CORRIE_E_FAILED, "%.*s: the interpreter %.*s did not start",
                    STR_FMT(call->spec->model), STR_FMT(call->spec->python));
        return corrie_detail(err, buf_str(&said));
    }
    if (call->gave_up) {
        corrie_fail(err, CORRIE_E_FAILED, "%.*s closed its connection to corrie",
                    STR_FMT(call->spec->model));
        return corrie_hint(
            err, "does it, or a library that it uses, close descriptors it did not open?");
    }
    if (end->signal == SIGKILL || str_find_str(buf_str(&said), STR("memory allocation of")) >= 0) {
        why = " (out of memory?)";
    }
    if (end->signal) {
        corrie_fail(err, CORRIE_E_FAILED, "%.*s was killed by signal %d, %s%s",
                    STR_FMT(call->spec->model), end->signal, os_signal_name(end->signal, scratch),
                    why);
    } else {
        corrie_fail(err, CORRIE_E_FAILED, "%.*s ended its process without a result, exit status %d",
                    STR_FMT(call->spec->model), end->status);
        corrie_hint(err, "does it, or a library that it uses, call os._exit?");
    }
    if (said.len > 0) {
        corrie_detail(err, buf_str(&said));
        add_crash_position(call, buf_str(&said), err);
    }
    return err->code;
}

/* ---- results ---- */

static int take_reason(const struct call *call, struct worker_result *ret, corrie_error *err)
{
    const struct message *message = &call->last;
    _cleanup_(buf_done) struct buf reason = {0};

    ret->passed = message->passed;
    if (message->passed || message->reason.len == 0) {
        return 0;
    }
    if (map_find(&call->sources, message->file)) {
        buf_addf(&reason, "%.*s:%ld: ", STR_FMT(message->file), message->line);
    }
    buf_add_str(&reason, message->reason);
    ret->reason = buf_take(&reason);
    return ret->reason ? 0 : corrie_fail_memory(err);
}

/* The tables as they came, one after the other. */
static int open_tables(struct call *call, struct exchange **tables, corrie_error *err)
{
    size_t file = 0, column = 0;

    for (size_t i = 0; i < call->tables.count; i++) {
        const struct call_table *table = &call->tables.items[i];
        int r =
            exchange_open(call->files.items + file, table->n_files, call->columns.items + column,
                          table->n_columns, table->n_rows, &tables[i], err);

        if (r == CORRIE_E_DATA) {
            err->code = CORRIE_E_FAILED; /* the function's process made it so */
        }
        if (r < 0) {
            return corrie_wrap(err, "result of %.*s", STR_FMT(call->spec->model));
        }
        file += table->n_files;
        column += table->n_columns;
    }
    return 0;
}

int verdict(struct call *call, struct worker_result *ret, corrie_error *err)
{
    if (call->protocol.state != STATE_ENDED) {
        return fail_silent(call, err);
    }
    if (call->last.kind == MESSAGE_ERROR) {
        return fail_reported(call, err);
    }
    if (call->spec->kind == WORKER_EXPECTATION) {
        return take_reason(call, ret, err);
    }
    if (call->spec->n_outputs == 0) {
        return open_tables(call, &ret->output, err);
    }
    ret->outputs = mem_alloc(call->spec->n_outputs, sizeof(struct exchange *));
    if (!ret->outputs) {
        return corrie_fail_memory(err);
    }
    ret->n_outputs = call->spec->n_outputs;
    return open_tables(call, ret->outputs, err);
}
