#include "cli/out.h"

#include <errno.h>
#include <string.h>

#include "cli/text.h"
#include "os/file.h"
#include "os/tty.h"
#include "os/user.h"

enum { PIECE = 64 * 1024 };

void out_init(struct out *out, int fd, const char *name)
{
    *out = (struct out){.fd = fd, .name = name, .terminal = os_is_terminal(fd)};
    buf_init(&out->text, 0);
    out_choose_colour(out, COLOUR_AUTO);
}

void out_choose_colour(struct out *out, enum colour_choice choice)
{
    const char *terminal = os_env("TERM");

    out->colour =
        choice == COLOUR_ALWAYS || (choice == COLOUR_AUTO && out->terminal && !os_env("NO_COLOR") &&
                                    terminal && strcmp(terminal, "dumb") != 0);
}

void out_flush(struct out *out)
{
    _error_ corrie_error failure = CORRIE_ERROR_INIT;
    int r;

    out->spill = NULL;
    if (out_stopped(out) || (out->text.len == 0 && !out->text.failed)) {
        buf_clear(&out->text);
        return;
    }
    r = buf_check(&out->text, &failure);
    if (r >= 0) {
        errno = 0;
        r = os_write(out->fd, out->name, buf_str(&out->text), &failure);
        out->broken = r < 0 && errno == EPIPE;
    }
    if (r < 0 && !out->broken) {
        out->failed = true;
        corrie_error_move(&out->failure, &failure);
        corrie_hint(&out->failure,
                    "what the command changed stays changed; only its result was not written");
    }
    buf_clear(&out->text);
}

void out_hold(struct out *out, size_t lines, void (*spill)(void *data, struct out *out), void *data)
{
    out->spill = spill;
    out->spill_data = data;
    out->hold = lines;
    out->counted = out->text.len;
    out->lines = 0;
}

/* Whether what was gathered still waits for more. */
static bool is_held(struct out *out)
{
    void (*spill)(void *data, struct out *out) = out->spill;

    if (!spill || out->text.failed) {
        return false;
    }
    for (; out->counted < out->text.len; out->counted++) {
        out->lines += out->text.data[out->counted] == '\n' ? 1 : 0;
    }
    if (out->lines <= out->hold && out->text.len < PIECE) {
        return true;
    }
    out->spill = NULL;
    spill(out->spill_data, out);
    return false;
}

void out_flush_some(struct out *out)
{
    if (is_held(out)) {
        return;
    }
    if (out->text.len >= PIECE || out->text.failed) {
        out_flush(out);
    }
}

bool out_stopped(const struct out *out)
{
    return out->broken || out->failed;
}

int out_close(struct out *out, corrie_error *err)
{
    out_flush(out);
    buf_done(&out->text);
    return out->failed ? corrie_error_move(err, &out->failure) : 0;
}

void out_str(struct out *out, struct str text)
{
    buf_add_str(&out->text, text);
    out_flush_some(out);
}

void out_text(struct out *out, const char *text)
{
    out_str(out, str_of(text));
}

void out_char(struct out *out, char c)
{
    buf_add_char(&out->text, c);
}

void out_fill(struct out *out, const char *what, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        buf_add_text(&out->text, what);
    }
}

void out_printf(struct out *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_addv(&out->text, format, args);
    va_end(args);
}

void out_clean(struct out *out, struct str text)
{
    text_escape(&out->text, text);
    out_flush_some(out);
}

void out_style(struct out *out, enum style style)
{
    static const char *const codes[] = {"0", "1", "2", "1;31", "32", "33", "36", "34", "35"};

    if (out->colour) {
        buf_addf(&out->text, "\x1b[%sm", codes[style]);
    }
}

void out_styled(struct out *out, enum style style, const char *text)
{
    out_style(out, style);
    out_text(out, text);
    out_style(out, STYLE_PLAIN);
}
