#include "cli/progress.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/text.h"
#include "os/signal.h"
#include "os/tty.h"
#include "os/user.h"

/* How often the block is redrawn, and how soon at most after the last time when something is printed above it. */
enum { FRAME_MS = 100, LEAST_MS = 40 };

/* Columns for numbers: "1234567 rows", "2 m 05 s". */
enum { ROWS_WIDTH = 12, SECONDS_WIDTH = 8 };

void progress_bytes(char ret[32], int64_t bytes)
{
    _cleanup_(buf_done) struct buf text = {0};

    buf_add_size(&text, bytes);
    snprintf(ret, 32, "%s", buf_text(&text));
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

/* ---- the block; the lock is held ---- */

/* Columns and lines of the screen that may be used. A line as wide as the screen would leave the cursor between two. */
static void measure(const struct progress *progress, size_t *ret_columns, size_t *ret_lines)
{
    int columns = 80;
    int lines = 24;

    os_terminal_size(progress->out->fd, &columns, &lines);
    *ret_columns = columns > 1 ? (size_t)columns - 1 : 1;
    *ret_lines = lines > 1 ? (size_t)lines - 1 : 1;
    *ret_lines = *ret_lines > PROGRESS_MAX_BLOCK ? PROGRESS_MAX_BLOCK : *ret_lines;
}

static bool may_draw(const struct progress *progress)
{
    return os_terminal_is_ours(progress->out->fd);
}

/* What stands where the block was is somebody else's, if the process was stopped or another has the terminal. */
static void forget_if_away(struct progress *progress)
{
    unsigned continued = os_times_continued();

    if (continued != progress->continued || !may_draw(progress)) {
        progress->drawn = 0;
        progress->continued = continued;
    }
}

/* Moves the cursor to where the block begins. Where the screen has become narrower since, terminals have broken lines
 * that do not fit any more; lines that have left it at the top cannot be reached. */
static void go_to_block(struct progress *progress)
{
    size_t columns;
    size_t lines;
    size_t up = 0;

    forget_if_away(progress);
    measure(progress, &columns, &lines);
    for (size_t i = 0; i < progress->drawn; i++) {
        up +=
            progress->widths[i] > columns + 1 ? (progress->widths[i] + columns) / (columns + 1) : 1;
    }
    up = up > lines ? lines : up;
    if (up > 0) {
        out_printf(progress->out, "\r\x1b[%zuA", up);
    }
    progress->drawn = 0;
}

static void wipe(struct progress *progress)
{
    forget_if_away(progress);
    if (progress->drawn > 0) {
        go_to_block(progress);
        out_text(progress->out, "\x1b[J");
    }
}

/* ---- one line ---- */

static const char *frame(const struct progress *progress)
{
    static const char *const frames[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};

    return frames[progress->frame % ARRAY_LEN(frames)];
}

static enum style style_of(enum progress_state state)
{
    static const enum style styles[PROGRESS_STATES] = {
        [PROGRESS_WAITING] = STYLE_DIM, [PROGRESS_RUNNING] = STYLE_CYAN,
        [PROGRESS_DONE] = STYLE_GREEN,  [PROGRESS_WARNED] = STYLE_YELLOW,
        [PROGRESS_FAILED] = STYLE_RED,  [PROGRESS_CANCELLED] = STYLE_YELLOW,
        [PROGRESS_SKIPPED] = STYLE_DIM,
    };

    return styles[state];
}

static const char *mark_of(const struct progress *progress, enum progress_state state)
{
    static const char *const marks[PROGRESS_STATES] = {
        [PROGRESS_WAITING] = "·", [PROGRESS_DONE] = "✓",      [PROGRESS_WARNED] = "!",
        [PROGRESS_FAILED] = "✗",  [PROGRESS_CANCELLED] = "■", [PROGRESS_SKIPPED] = "·",
    };

    return state == PROGRESS_RUNNING ? frame(progress) : marks[state];
}

/* What a state means where nothing says why. */
static const char *word_of(enum progress_state state)
{
    static const char *const words[PROGRESS_STATES] = {
        [PROGRESS_WARNED] = "does not hold",
        [PROGRESS_FAILED] = "failed",
        [PROGRESS_CANCELLED] = "cancelled",
        [PROGRESS_SKIPPED] = "not run",
    };

    return words[state] ? words[state] : "";
}

/* Ends a line of the block (or above it) that has no more than `columns`; text that does not fit is cut. Lines that wait
 * are dim as a whole. */
static void put_line(struct progress *progress, enum progress_state state, struct str text,
                     size_t columns, bool of_block)
{
    bool faint = state == PROGRESS_WAITING || state == PROGRESS_SKIPPED;
    size_t room = columns > 2 ? columns - 2 : 0;
    struct out *out = progress->out;
    bool cut = text_width(text) > room;

    text = cut ? text_fit(text, room > 0 ? room - 1 : 0) : text;
    out_style(out, style_of(state));
    out_text(out, mark_of(progress, state));
    if (!faint) {
        out_style(out, STYLE_PLAIN);
    }
    if (room > 0) {
        out_char(out, ' ');
        out_str(out, text);
        out_text(out, cut ? "…" : "");
    }
    if (faint) {
        out_style(out, STYLE_PLAIN);
    }
    out_text(out, "\x1b[K\n");
    if (of_block && progress->drawn < PROGRESS_MAX_BLOCK) {
        progress->widths[progress->drawn++] = (uint16_t)(text_width(text) + 2 + cut);
    }
}

static void pad_left(struct buf *text, const char *what, size_t width)
{
    size_t len = strlen(what);

    buf_add_fill(text, ' ', width > len ? width - len : 0);
    buf_add_text(text, what);
}

static void trim(struct buf *text)
{
    while (text->len > 0 && text->data[text->len - 1] == ' ') {
        text->data[--text->len] = '\0';
    }
}

/* "dim_product      200 rows  0.39 s  why" */
static void describe(const struct progress *progress, const struct progress_line *line,
                     size_t columns, int64_t now, struct buf *text)
{
    size_t width = progress->name_width < columns / 2 ? progress->name_width : columns / 2;
    bool open = line->state == PROGRESS_WAITING || line->state == PROGRESS_SKIPPED;
    const char *why = line->text[0] != '\0' && line->state != PROGRESS_SKIPPED
                          ? line->text
                          : word_of(line->state);
    char scratch[32] = "";

    if (line->width > width && width > 1) {
        buf_add_str(text, text_fit(str_of(line->name), width - 1));
        buf_add_text(text, "…");
    } else {
        buf_add_text(text, line->name);
        buf_add_fill(text, ' ', width > line->width ? width - line->width : 0);
    }
    buf_add_text(text, "  ");
    if (!open && line->rows >= 0) {
        snprintf(scratch, sizeof scratch, "%lld row%s", (long long)line->rows,
                 line->rows == 1 ? "" : "s");
    }
    pad_left(text, scratch, open ? 0 : ROWS_WIDTH);
    if (!open) {
        progress_seconds(scratch, line->state == PROGRESS_RUNNING
                                      ? (double)(now - line->started) / 1e9
                                      : line->seconds);
        buf_add_text(text, "  ");
        pad_left(text, scratch, SECONDS_WIDTH);
        buf_add_text(text, "  ");
    }
    text_escape(text, str_of(why));
    trim(text);
}

static void put_node(struct progress *progress, const struct progress_line *line, size_t columns,
                     int64_t now, bool of_block)
{
    _cleanup_(buf_done) struct buf text = {0};

    describe(progress, line, columns, now, &text);
    put_line(progress, line->state, buf_str(&text), columns, of_block);
}

static void put_passing(struct progress *progress, const struct progress_line *line, size_t columns,
                        int64_t now)
{
    double seconds = (double)(now - line->started) / 1e9;
    _cleanup_(buf_done) struct buf text = {0};
    char scratch[32];

    buf_add_text(&text, line->name);
    if (line->text[0] != '\0') {
        buf_add_text(&text, "  ");
        text_escape(&text, str_of(line->text));
    }
    if (line->rows >= 0) {
        buf_addf(&text, "  %lld row%s", (long long)line->rows, line->rows == 1 ? "" : "s");
    }
    if (line->bytes >= 0) {
        progress_bytes(scratch, line->bytes);
        buf_addf(&text, "  %s", scratch);
        if (seconds > 1) {
            progress_bytes(scratch, (int64_t)((double)line->bytes / seconds));
            buf_addf(&text, " (%s/s)", scratch);
        }
    }
    progress_seconds(scratch, seconds);
    buf_addf(&text, "  %s", scratch);
    put_line(progress, PROGRESS_RUNNING, buf_str(&text), columns, true);
}

/* ---- all of it ---- */

static bool has_ended(const struct progress_line *line)
{
    return line->state != PROGRESS_WAITING && line->state != PROGRESS_RUNNING;
}

/* "137 of 200 done · 1 failed · 4 running · 58 waiting" */
static void put_counts(struct progress *progress, size_t columns)
{
    static const char *const words[PROGRESS_STATES] = {
        [PROGRESS_WARNED] = "do not hold",  [PROGRESS_FAILED] = "failed",
        [PROGRESS_CANCELLED] = "cancelled", [PROGRESS_SKIPPED] = "not run",
        [PROGRESS_RUNNING] = "running",     [PROGRESS_WAITING] = "waiting",
    };
    static const enum progress_state order[] = {PROGRESS_FAILED,    PROGRESS_WARNED,
                                                PROGRESS_CANCELLED, PROGRESS_RUNNING,
                                                PROGRESS_WAITING,   PROGRESS_SKIPPED};
    bool running = progress->counts[PROGRESS_RUNNING] + progress->counts[PROGRESS_WAITING] > 0;
    _cleanup_(buf_done) struct buf text = {0};

    buf_addf(&text, "%zu of %zu done", progress->counts[PROGRESS_DONE], progress->lines.count);
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        if (progress->counts[order[i]] > 0) {
            buf_addf(&text, " · %zu %s", progress->counts[order[i]], words[order[i]]);
        }
    }
    put_line(progress, running ? PROGRESS_RUNNING : PROGRESS_SKIPPED, buf_str(&text), columns,
             true);
}

/* Lines that have ended go above the block. */
static void tell_ended(struct progress *progress, size_t columns, int64_t now)
{
    for (size_t i = 0; i < progress->lines.count; i++) {
        struct progress_line *line = &progress->lines.items[i];

        if (!line->told && has_ended(line) && line->state != PROGRESS_SKIPPED) {
            put_node(progress, line, columns, now, false);
            line->told = true;
            progress->n_told++;
        }
    }
}

/* Those of the lines that stay for which there is room: all, or those that run and a count. */
static void put_nodes(struct progress *progress, size_t columns, size_t room, int64_t now)
{
    bool all = progress->lines.count - progress->n_told <= room;
    size_t n = 0;

    for (size_t i = 0; i < progress->lines.count; i++) {
        const struct progress_line *line = &progress->lines.items[i];

        if (!line->told && (all || (line->state == PROGRESS_RUNNING && n + 1 < room))) {
            put_node(progress, line, columns, now, true);
            n++;
        }
    }
    if (!all && room > 0) {
        put_counts(progress, columns);
    }
}

static bool is_due(const struct progress_line *line, int64_t now)
{
    return now - line->started >= (int64_t)PROGRESS_DELAY_MS * 1000000;
}

static void draw(struct progress *progress)
{
    int64_t now = clock_monotonic();
    size_t n_passing = 0;
    size_t columns;
    size_t lines;
    bool stood;

    forget_if_away(progress);
    stood = progress->drawn > 0;
    measure(progress, &columns, &lines);
    for (size_t i = 0; i < progress->n_passing; i++) {
        n_passing += is_due(&progress->passing[i], now);
    }
    n_passing = n_passing < lines ? n_passing : lines;
    go_to_block(progress);
    if (progress->lines.count - progress->n_told > lines - n_passing) {
        tell_ended(progress, columns, now);
    }
    put_nodes(progress, columns, lines - n_passing, now);
    for (size_t i = 0; i < progress->n_passing && n_passing > 0; i++) {
        if (is_due(&progress->passing[i], now)) {
            put_passing(progress, &progress->passing[i], columns, now);
            n_passing--;
        }
    }
    out_text(progress->out, stood ? "\x1b[J" : "");
    out_flush(progress->out);
    progress->last_drawn = now;
}

/* Whether the process may have been stopped since `before`: then the signal that says so may be under way still. */
static bool was_away(int64_t before)
{
    return clock_monotonic() - before > 3 * (int64_t)FRAME_MS * 1000000;
}

static void *animate(void *arg)
{
    struct progress *progress = arg;
    struct timespec until;

    pthread_mutex_lock(&progress->lock);
    while (!progress->stop) {
        int64_t before = clock_monotonic();

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += FRAME_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&progress->wake, &progress->lock, &until);
        if (!progress->stop && !was_away(before) && may_draw(progress)) {
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

    *progress = (struct progress){.out = out, .continued = os_times_continued()};
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

static void change(struct progress *progress, struct progress_line *line, enum progress_state state)
{
    progress->counts[line->state]--;
    progress->counts[state]++;
    line->state = state;
}

/* The last picture: nothing moves any more. */
static void draw_last(struct progress *progress)
{
    for (size_t i = 0; i < progress->lines.count; i++) {
        struct progress_line *line = &progress->lines.items[i];

        if (line->state == PROGRESS_RUNNING) {
            line->seconds = (double)(clock_monotonic() - line->started) / 1e9;
            line->text[0] = '\0';
            change(progress, line, PROGRESS_CANCELLED);
        } else if (line->state == PROGRESS_WAITING) {
            change(progress, line, PROGRESS_SKIPPED);
        }
    }
    while (progress->n_passing > 0) {
        mem_free(progress->passing[--progress->n_passing].name);
    }
    if (progress->lines.count > 0) {
        draw(progress);
        progress->drawn = 0;
    } else {
        wipe(progress);
        out_flush(progress->out);
    }
}

void progress_end(struct progress *progress)
{
    if (!progress->live) {
        return;
    }
    pthread_mutex_lock(&progress->lock);
    progress->stop = true;
    draw_last(progress);
    pthread_cond_signal(&progress->wake);
    pthread_mutex_unlock(&progress->lock);
    pthread_join(progress->thread, NULL);
    pthread_mutex_destroy(&progress->lock);
    pthread_cond_destroy(&progress->wake);
    for (size_t i = 0; i < progress->lines.count; i++) {
        mem_free(progress->lines.items[i].name);
        mem_free(progress->names.items[i]);
    }
    vec_done(&progress->lines);
    vec_done(&progress->names);
    map_done(&progress->index);
    progress->live = false;
}

void progress_pause(struct progress *progress)
{
    if (progress->live) {
        pthread_mutex_lock(&progress->lock);
        wipe(progress);
        out_flush(progress->out);
    }
}

void progress_resume(struct progress *progress)
{
    if (progress->live) {
        draw(progress);
        pthread_mutex_unlock(&progress->lock);
    }
}

void progress_print_begin(struct progress *progress)
{
    if (progress->live) {
        pthread_mutex_lock(&progress->lock);
        wipe(progress);
    }
}

void progress_print_end(struct progress *progress, struct out *out)
{
    if (!progress->live) {
        out_flush(out);
        return;
    }
    if (!may_draw(progress)) {
        out_flush(out);
    } else if (clock_monotonic() - progress->last_drawn >= (int64_t)LEAST_MS * 1000000) {
        draw(progress);
    }
    pthread_mutex_unlock(&progress->lock);
}

/* ---- passing lines ---- */

/* `text` escaped, on the heap; NULL without memory. */
static char *escaped(struct str text)
{
    _cleanup_(buf_done) struct buf clean = {0};

    text_escape(&clean, text);
    return buf_take(&clean);
}

/* As much of its first line as there is room for; no character is split. */
static void set_text(struct progress_line *line, struct str text)
{
    size_t len = str_find(text, '\n') >= 0 ? (size_t)str_find(text, '\n') : text.len;

    if (len > sizeof line->text - 1) {
        len = sizeof line->text - 1;
        while (len > 0 && ((unsigned char)text.data[len] & 0xc0) == 0x80) {
            len--;
        }
    }
    memcpy(line->text, text.data, len);
    line->text[len] = '\0';
}

static struct progress_line *find_passing(struct progress *progress, const char *name)
{
    for (size_t i = 0; i < progress->n_passing; i++) {
        if (strcmp(progress->passing[i].name, name) == 0) {
            return &progress->passing[i];
        }
    }
    return NULL;
}

void progress_set(struct progress *progress, const char *name, const char *text, int64_t rows,
                  int64_t bytes)
{
    struct progress_line *line;
    _free_ char *key = NULL;

    if (!progress->live || (key = escaped(str_of(name))) == NULL) {
        return;
    }
    pthread_mutex_lock(&progress->lock);
    line = find_passing(progress, key);
    if (!line && progress->n_passing < PROGRESS_PASSING) {
        line = &progress->passing[progress->n_passing++];
        *line = (struct progress_line){
            .name = TAKE_PTR(key), .rows = -1, .bytes = -1, .started = clock_monotonic()};
    }
    if (line) {
        line->rows = rows >= 0 ? rows : line->rows;
        line->bytes = bytes >= 0 ? bytes : line->bytes;
        if (text && *text) {
            set_text(line, str_of(text));
        }
    }
    pthread_mutex_unlock(&progress->lock);
}

void progress_drop(struct progress *progress, const char *name)
{
    struct progress_line *line;
    _free_ char *key = NULL;

    if (!progress->live || (key = escaped(str_of(name))) == NULL) {
        return;
    }
    pthread_mutex_lock(&progress->lock);
    line = find_passing(progress, key);
    if (line) {
        size_t index = (size_t)(line - progress->passing);

        mem_free(line->name);
        memmove(line, line + 1, (progress->n_passing - index - 1) * sizeof *line);
        progress->n_passing--;
    }
    pthread_mutex_unlock(&progress->lock);
}

/* ---- lines that stay ---- */

/* With the lock held. */
static struct progress_line *find_line(struct progress *progress, const char *name)
{
    size_t place = (size_t)(uintptr_t)map_get(&progress->index, str_of(name));

    return place > 0 ? &progress->lines.items[place - 1] : NULL;
}

static void add_line(struct progress *progress, struct str name, struct str text)
{
    struct progress_line line = {.rows = -1, .bytes = -1};
    _free_ char *key = str_dup(name);
    _free_ char *shown = escaped(name);

    if (!key || !shown || vec_reserve(&progress->lines, progress->lines.count + 1) < 0 ||
        vec_reserve(&progress->names, progress->names.count + 1) < 0 ||
        map_put(&progress->index, str_of(key), (void *)(uintptr_t)(progress->lines.count + 1)) <
            0) {
        return;
    }
    line.width = text_width(str_of(shown));
    progress->name_width = line.width > progress->name_width ? line.width : progress->name_width;
    set_text(&line, text);
    line.name = TAKE_PTR(shown);
    progress->lines.items[progress->lines.count++] = line;
    progress->names.items[progress->names.count++] = TAKE_PTR(key);
    progress->counts[PROGRESS_WAITING]++;
}

void progress_add(struct progress *progress, struct str name, struct str text)
{
    if (progress->live) {
        pthread_mutex_lock(&progress->lock);
        add_line(progress, name, text);
        pthread_mutex_unlock(&progress->lock);
    }
}

void progress_start(struct progress *progress, const char *name)
{
    struct progress_line *line;

    if (!progress->live) {
        return;
    }
    pthread_mutex_lock(&progress->lock);
    line = find_line(progress, name);
    if (line && line->state == PROGRESS_WAITING) {
        change(progress, line, PROGRESS_RUNNING);
        line->started = clock_monotonic();
        line->text[0] = '\0';
    }
    pthread_mutex_unlock(&progress->lock);
}

void progress_finish(struct progress *progress, const char *name, enum progress_state state,
                     const char *text, int64_t rows, double seconds)
{
    struct progress_line *line;

    if (!progress->live) {
        return;
    }
    pthread_mutex_lock(&progress->lock);
    line = find_line(progress, name);
    if (line) {
        change(progress, line, state);
        line->rows = rows;
        line->seconds = seconds;
        set_text(line, text ? str_of(text) : STR(""));
    }
    pthread_mutex_unlock(&progress->lock);
}

bool progress_say(struct progress *progress, const char *name, const char *text)
{
    struct progress_line *line;

    if (!progress->live) {
        return false;
    }
    pthread_mutex_lock(&progress->lock);
    line = find_line(progress, name);
    if (line && text && *text) {
        set_text(line, str_of(text));
    }
    pthread_mutex_unlock(&progress->lock);
    return line != NULL;
}
