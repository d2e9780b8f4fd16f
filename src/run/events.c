/* events.c — what a run tells while it runs. */
#include <stdarg.h>
#include <string.h>

#include "run/run_priv.h"

void run_event(struct run *run, corrie_event event)
{
    bool counts = strcmp(event.kind, "done") == 0;

    event.size = sizeof event;
    event.time_ns = event.time_ns ? event.time_ns : clock_now();
    event.rows = counts ? event.rows : -1;
    event.bytes = counts ? event.bytes : -1;
    event.bytes_read = counts ? event.bytes_read : -1;
    lake_event(run->lake, &event);
    if (run->job) {
        job_log(run->job, &event);
    }
}

void run_progress(struct run *run, const char *what, const char *status)
{
    lake_event(run->lake, &(corrie_event){.size = sizeof(corrie_event),
                                          .kind = "progress",
                                          .node = what,
                                          .status = status,
                                          .rows = -1,
                                          .bytes = -1,
                                          .time_ns = clock_now()});
}

int run_warn(struct run *run, const struct plan_node *node, const struct place *place,
             corrie_error *err, const char *format, ...)
{
    _cleanup_(buf_done) struct buf text = {0};
    _cleanup_(buf_done) struct buf told = {0};
    char *file;
    va_list args;

    va_start(args, format);
    buf_addv(&text, format, args);
    va_end(args);
    if (run->options.strict) {
        corrie_fail(err, CORRIE_E_FAILED, "%.*s: %s", STR_FMT(node->name), buf_text(&text));
        place_error(run->project, place, err);
        return corrie_hint(err, "without --strict this is a warning");
    }
    buf_addf(&told, "%.*s: %s", STR_FMT(node->name), buf_text(&text));
    file = arena_text(&run->arena, place->file);
    RUN_EVENT(run, .kind = "notice", .status = "warning",
              .node = arena_text(&run->arena, node->name), .file = file, .line = place->line,
              .text = buf_text(&told));
    return 0;
}
