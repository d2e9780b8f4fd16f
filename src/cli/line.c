/* line.c — lines from a terminal: see line.h. */
#include "cli/line.h"

#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <wchar.h>

#include "base/dynlib.h"
#include "base/mem.h"
#include "os/file.h"
#include "os/proc.h"

/* ---- libedit, as its manual page editline(3) has it; its numbers never change ---- */

enum { EL_PROMPT = 0, EL_EDITOR = 2, EL_SIGNAL = 3, EL_BIND = 4, EL_ADDFN = 9, EL_HIST = 10 };
enum { EL_GETCFN = 13, EL_CLIENTDATA = 14 };
enum { H_SETSIZE = 1, H_ENTER = 10, H_LOAD = 17, H_SAVE = 18, H_SETUNIQUE = 20 };
enum { CC_REFRESH = 4, CC_ERROR = 6, CC_REDISPLAY = 8 };
enum { HISTORY_LINES = 2000, MAX_WORDS = 200 };

struct edit_line; /* EditLine */
struct edit_history;
struct history_event {
    int number;
    const char *text;
};
struct line_info {
    const char *buffer;
    const char *cursor;
    const char *last;
};

struct edit_api {
    struct edit_line *(*init)(const char *, FILE *, FILE *, FILE *);
    void (*end)(struct edit_line *);
    int (*set)(struct edit_line *, int, ...);
    int (*get)(struct edit_line *, int, ...);
    const char *(*read_line)(struct edit_line *, int *);
    const struct line_info *(*line)(struct edit_line *);
    int (*insertstr)(struct edit_line *, const char *);
    struct edit_history *(*history_init)(void);
    void (*history_end)(struct edit_history *);
    int (*history)(struct edit_history *, struct history_event *, int, ...);
};

static int load(struct edit_api *api, corrie_error *err)
{
    static const struct dynlib_symbol symbols[] = {
        {"el_init", offsetof(struct edit_api, init)},
        {"el_end", offsetof(struct edit_api, end)},
        {"el_set", offsetof(struct edit_api, set)},
        {"el_get", offsetof(struct edit_api, get)},
        {"el_gets", offsetof(struct edit_api, read_line)},
        {"el_line", offsetof(struct edit_api, line)},
        {"el_insertstr", offsetof(struct edit_api, insertstr)},
        {"history_init", offsetof(struct edit_api, history_init)},
        {"history_end", offsetof(struct edit_api, history_end)},
        {"history", offsetof(struct edit_api, history)},
    };
    static const char *const names[] = {"libedit.so.2", "libedit.so.0", "libedit.so", NULL};
    const struct dynlib_spec spec = {.title = "libedit",
                                     .env = "CORRIE_LIBEDIT",
                                     .names = names,
                                     .symbols = symbols,
                                     .n_symbols = ARRAY_LEN(symbols),
                                     .hint = "install libedit2 to edit lines"};

    return dynlib_load(&spec, api, err);
}

struct line_editor {
    struct line_options options;
    const char *prompt;
    bool interrupted;
    struct edit_line *edit; /* NULL: libedit is not there */
    locale_t
        utf8; /* of this thread while libedit is in use: it asks the locale what a character is */
    locale_t before;
    struct edit_history *history;
    struct edit_api api;
};

/* ---- what libedit asks ---- */

static struct line_editor *of(struct edit_line *edit, const struct edit_api *api)
{
    struct line_editor *editor = NULL;

    return api->get(edit, EL_CLIENTDATA, &editor) == 0 ? editor : NULL;
}

/* libedit calls back with itself alone, and el_get is where the editor is found: its address does not change. */
static struct edit_api loaded;

static const char *on_prompt(struct edit_line *edit)
{
    const struct line_editor *editor = of(edit, &loaded);

    return editor ? editor->prompt : "";
}

/* One byte. 1, 0 at the end of the input, -1 on Ctrl-C or failure. */
static int read_byte(struct line_editor *editor, unsigned char *ret)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct pollfd input = {.fd = 0, .events = POLLIN};
    size_t got = 0;

    if (os_poll(&input, 1, -1, editor->options.cancel, &ignored) < 0) {
        editor->interrupted = cancel_requested(editor->options.cancel);
        return -1;
    }
    return os_read(0, "standard input", ret, 1, &got, &ignored) < 0 ? -1 : (int)got;
}

/* One character of UTF-8. */
static int on_character(struct edit_line *edit, wchar_t *ret)
{
    struct line_editor *editor = of(edit, &loaded);
    unsigned char byte = 0;
    unsigned more;
    unsigned long code;
    int r = editor ? read_byte(editor, &byte) : -1;

    if (r <= 0) {
        return r;
    }
    more = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc0 ? 1 : 0;
    code = more == 3 ? byte & 0x07u : more == 2 ? byte & 0x0fu : more == 1 ? byte & 0x1fu : byte;
    for (; more > 0; more--) {
        r = read_byte(editor, &byte);
        if (r <= 0) {
            return r;
        }
        code = code << 6 | (byte & 0x3fu);
    }
    *ret = (wchar_t)code;
    return 1;
}

/* ---- completion ---- */

struct words {
    struct buf common; /* what all of them begin with */
    struct buf all;    /* to be shown */
    size_t n;
};

static void add_word(void *list, struct str text)
{
    struct words *words = list;
    size_t same = 0;

    if (words->n == 0) {
        buf_add_str(&words->common, text);
    }
    while (same < words->common.len && same < text.len &&
           buf_str(&words->common).data[same] == text.data[same]) {
        same++;
    }
    words->common.len = same;
    if (words->n++ < MAX_WORDS) {
        buf_addf(&words->all, "%s%.*s", words->all.len ? "  " : "", STR_FMT(text));
    }
}

static bool ends_word(char c)
{
    return c == ' ' || c == '\t' || c == '(' || c == ')' || c == ',' || c == ';' || c == '=';
}

static unsigned char on_complete(struct edit_line *edit, int ignored)
{
    struct line_editor *editor = of(edit, &loaded);
    _cleanup_(buf_done) struct buf tail = {0};
    struct words words = {0};
    const struct line_info *line;
    const char *begin;
    struct str word;
    unsigned char answer = CC_ERROR;

    (void)ignored;
    if (!editor || !editor->options.complete) {
        return CC_ERROR;
    }
    line = editor->api.line(edit);
    begin = line->cursor;
    while (begin > line->buffer && !ends_word(begin[-1])) {
        begin--;
    }
    word = str_make(begin, (size_t)(line->cursor - begin));
    editor->options.complete(editor->options.complete_arg, word, add_word, &words);
    if (words.n > 0 && words.common.len > word.len) {
        buf_add_str(&tail, str_from(buf_str(&words.common), word.len));
        buf_add_text(&tail, words.n == 1 ? " " : "");
        answer = editor->api.insertstr(edit, buf_text(&tail)) < 0 ? CC_ERROR : CC_REFRESH;
    } else if (words.n > 1) {
        _error_ corrie_error none = CORRIE_ERROR_INIT;

        buf_add_text(&words.all, "\n");
        if (os_write(1, "standard output", STR("\n"), &none) >= 0 &&
            os_write(1, "standard output", buf_str(&words.all), &none) >= 0) {
            answer = CC_REDISPLAY;
        }
    }
    buf_done(&words.common);
    buf_done(&words.all);
    return answer;
}

/* ---- opening and closing ---- */

static void open_edit(struct line_editor *editor)
{
    struct edit_api *api = &editor->api;
    struct history_event event;

    editor->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (editor->utf8) {
        editor->before = uselocale(editor->utf8);
    }
    editor->edit = api->init("corrie", stdin, stdout, stderr);
    editor->history = api->history_init();
    if (!editor->edit || !editor->history) {
        return;
    }
    loaded = *api;
    api->history(editor->history, &event, H_SETSIZE, HISTORY_LINES);
    api->history(editor->history, &event, H_SETUNIQUE, 1);
    if (editor->options.history) {
        api->history(editor->history, &event, H_LOAD, editor->options.history);
    }
    api->set(editor->edit, EL_CLIENTDATA, editor);
    api->set(editor->edit, EL_PROMPT, on_prompt);
    api->set(editor->edit, EL_SIGNAL, 0);
    api->set(editor->edit, EL_EDITOR, "emacs");
    api->set(editor->edit, EL_HIST, api->history, editor->history);
    api->set(editor->edit, EL_GETCFN, on_character);
    api->set(editor->edit, EL_ADDFN, "corrie-complete", "complete a name", on_complete);
    api->set(editor->edit, EL_BIND, "^I", "corrie-complete", NULL);
    api->set(editor->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
}

int line_open(const struct line_options *options, struct line_editor **ret, corrie_error *err)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct line_editor *editor = mem_alloc(1, sizeof *editor);

    if (!editor) {
        return corrie_fail_memory(err);
    }
    editor->options = *options;
    if (load(&editor->api, &ignored) >= 0) {
        open_edit(editor);
    }
    *ret = editor;
    return 0;
}

struct line_editor *line_close(struct line_editor *editor)
{
    struct history_event event;

    if (!editor) {
        return NULL;
    }
    if (editor->history && editor->options.history) {
        editor->api.history(editor->history, &event, H_SAVE, editor->options.history);
    }
    if (editor->edit) {
        editor->api.end(editor->edit);
    }
    if (editor->history) {
        editor->api.history_end(editor->history);
    }
    if (editor->utf8) {
        uselocale(editor->before);
        freelocale(editor->utf8);
    }
    mem_free(editor);
    return NULL;
}

void line_remember(struct line_editor *editor, const char *text)
{
    struct history_event event;

    if (editor->history) {
        editor->api.history(editor->history, &event, H_ENTER, text);
    }
}

/* ---- reading ---- */

static int read_plain(struct line_editor *editor, struct buf *ret, corrie_error *err)
{
    unsigned char byte = 0;
    size_t before = ret->len;
    int r = os_write(1, "standard output", str_of(editor->prompt), err);

    while (r >= 0 && (r = read_byte(editor, &byte)) > 0 && byte != '\n') {
        buf_add_char(ret, (char)byte);
    }
    return r == 0 && ret->len > before ? 1 : r;
}

int line_read(struct line_editor *editor, const char *prompt, struct buf *ret, corrie_error *err)
{
    int r = 1;

    editor->prompt = prompt;
    editor->interrupted = false;
    if (editor->edit) {
        int n = 0;
        const char *text = editor->api.read_line(editor->edit, &n);

        if (text && n > 0) {
            buf_add_str(ret, str_make(text, (size_t)n - (text[n - 1] == '\n')));
        } else {
            r = 0;
        }
    } else {
        r = read_plain(editor, ret, err);
    }
    if (editor->interrupted) {
        return corrie_fail(err, CORRIE_E_CANCELLED, "interrupted");
    }
    return r < 0                     ? corrie_fail(err, CORRIE_E_IO, "the terminal cannot be read")
           : buf_check(ret, err) < 0 ? err->code
                                     : r;
}
