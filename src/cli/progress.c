#include "cli/progress.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/text.h"
#include "os/tty.h"
#include "os/user.h"

enum { FRAME_MS = 100 };

void progress_bytes(char ret[32], int64_t bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;

    while (value >= 1000 && unit + 1 < ARRAY_LEN(units)) {
        value /= 1000;
        unit++;
    }
    snprintf(ret, 32, unit == 0 || value >= 100 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

void progress_seconds(char ret[32], double seconds)
{
    if (seconds < 10) {
        snprintf(ret, 32, "%.2f s", seconds);
    } else if (seconds < 60) {
        snprintf(ret, 32, "%.1f s", seconds);
    } else {
        snprintf(ret, 32, "%lld m %02d s", (long long)(seconds / 60), (int)((int64_t)seconds % 60));
    }
}

/* ---- drawing; the lock is held ---- */

static void wipe(struct progress *progress)
{
    if (progress->drawn > 0) {
        out_printf(progress->out, "\r\x1b[%zuA\x1b[J", progress->drawn);
        progress->drawn = 0;
    }
}

static void describe(const struct progress_line *line, double seconds, struct buf *text)
{
    char scratch[32];

    text_escape(text, str_of(line->name));
    if (line->text[0] != '\0') {
        buf_add_text(text, "  ");
        text_escape(text, str_of(line->text));
    }
    if (line->rows >= 0) {
        buf_addf(text, "  %lld row%s", (long long)line->rows, line->rows == 1 ? "" : "s");
    }
    if (line->bytes >= 0) {
        progress_bytes(scratch, line->bytes);
        buf_addf(text, "  %s", scratch);
        if (seconds > 1) {
            progress_bytes(scratch, (int64_t)((double)line->bytes / seconds));
            buf_addf(text, " (%s/s)", scratch);
        }
    }
    progress_seconds(scratch, seconds);
    buf_addf(text, "  %s", scratch);
}

static void draw_line(struct progress *progress, const struct progress_line *line, int64_t now)
{
    static const char *const frames[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
    _cleanup_(buf_done) struct buf text = {0};
    size_t width = (size_t)os_terminal_width(progress->out->fd, 80);

    describe(line, (double)(now - line->started) / 1e9, &text);
    out_styled(progress->out, STYLE_CYAN, frames[progress->frame % ARRAY_LEN(frames)]);
    out_char(progress->out, ' ');
    out_str(progress->out, text_fit(buf_str(&text), width - 3));
    out_char(progress->out, '\n');
    progress->drawn++;
}

static void draw(struct progress *progress)
{
    int64_t now = clock_monotonic();

    wipe(progress);
    for (size_t i = 0; i < progress->n_lines; i++) {
        if (now - progress->lines[i].started >= (int64_t)PROGRESS_DELAY_MS * 1000000) {
            draw_line(progress, &progress->lines[i], now);
        }
    }
    out_flush(progress->out);
}

static void *animate(void *arg)
{
    struct progress *progress = arg;
    struct timespec until;

    pthread_mutex_lock(&progress->lock);
    while (!progress->stop) {
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += FRAME_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&progress->wake, &progress->lock, &until);
        if (!progress->stop) {
            progress->frame++;
            draw(progress);
        }
    }
    pthread_mutex_unlock(&progress->lock);
    return NULL;
}

/* ---- for others ---- */

void progress_begin(struct progress *progress, struct out *out)
{
    sigset_t all;
    sigset_t before;

    *progress = (struct progress){.out = out};
    if (!out->terminal || !os_env("TERM") || strcmp(os_env("TERM"), "dumb") == 0) {
        return;
    }
    pthread_mutex_init(&progress->lock, NULL);
    pthread_cond_init(&progress->wake, NULL);
    /* signals belong to the thread that does the work */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    progress->live = pthread_create(&progress->thread, NULL, animate, progress) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void progress_end(struct progress *progress)
{
    if (!progress->live) {
        return;
    }
    pthread_mutex_lock(&progress->lock);
    progress->stop = true;
    wipe(progress);
    out_flush(progress->out);
    pthread_cond_signal(&progress->wake);
    pthread_mutex_unlock(&progress->lock);
    pthread_join(progress->thread, NULL);
    pthread_mutex_destroy(&progress->lock);
    pthread_cond_destroy(&progress->wake);
    progress->live = false;
}

void progress_pause(struct progress *progress)
{
    if (progress->live) {
        pthread_mutex_lock(&progress->lock);
        wipe(progress);
    }
}

void progress_resume(struct progress *progress)
{
    if (progress->live) {
        draw(progress);
        pthread_mutex_unlock(&progress->lock);
    }
}

static struct progress_line *find(struct progress *progress, const char *name)
{
    for (size_t i = 0; i < progress->n_lines; i++) {
        if (strcmp(progress->lines[i].name, name) == 0) {
            return &progress->lines[i];
        }
    }
    return NULL;
}

/* `name` as it is kept: names may be longer than their place. */
static void shorten(char ret[128], const char *name)
{
    struct str fit = text_fit(str_slice(str_of(name), 0, 120), 60);

    snprintf(ret, 128, "%.*s", STR_FMT(fit));
}

void progress_set(struct progress *progress, const char *name, const char *text, int64_t rows,
                  int64_t bytes)
{
    struct progress_line *line;
    char key[128];

    if (!progress->live) {
        return;
    }
    shorten(key, name);
    pthread_mutex_lock(&progress->lock);
    line = find(progress, key);
    if (!line && progress->n_lines < PROGRESS_LINES) {
        line = &progress->lines[progress->n_lines++];
        *line = (struct progress_line){.rows = -1, .bytes = -1, .started = clock_monotonic()};
        snprintf(line->name, sizeof line->name, "%s", key);
    }
    if (line) {
        line->rows = rows >= 0 ? rows : line->rows;
        line->bytes = bytes >= 0 ? bytes : line->bytes;
        if (text && *text) {
            snprintf(line->text, sizeof line->text, "%s", text);
        }
    }
    pthread_mutex_unlock(&progress->lock);
}

void progress_drop(struct progress *progress, const char *name)
{
    struct progress_line *line;
    char key[128];

    if (!progress->live) {
        return;
    }
    shorten(key, name);
    pthread_mutex_lock(&progress->lock);
    line = find(progress, key);
    if (line) {
        size_t index = (size_t)(line - progress->lines);

        memmove(line, line + 1, (progress->n_lines - index - 1) * sizeof *line);
        progress->n_lines--;
    }
    pthread_mutex_unlock(&progress->lock);
}
