/* sql.c — SQL from the command line, a file or standard input. */
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "os/tty.h"

static int fail_nothing(const char *verb, const char *what, corrie_error *err)
{
    corrie_fail(err, CORRIE_E_USAGE, "%s: %s", verb, what);
    return corrie_hint(err, "corrie %s \"SELECT 1\", or -f FILE, or a pipe", verb);
}

static int read_text(struct cli *cli, const struct args *args, const char *verb, struct buf *sql,
                     const char **ret_file, corrie_error *err)
{
    const char *text = args_text(args, OPT_SQL);
    const char *file = args_text(args, OPT_FILE);
    int r;

    buf_init(sql, CORRIE_MAX_SQL);
    if (text && file) {
        return corrie_fail(err, CORRIE_E_USAGE, "%s: either SQL or --file", verb);
    }
    if (text && strcmp(text, "-") != 0) {
        buf_add_text(sql, text);
        return buf_check(sql, err);
    }
    if (!text && !file && os_is_terminal(0)) {
        return fail_nothing(verb, "no SQL was given", err);
    }
    *ret_file = file && strcmp(file, "-") != 0 ? file : NULL;
    r = cli_read(cli, file ? file : "-", sql, err);
    if (r >= 0 && !*ret_file && str_trim(buf_str(sql)).len == 0) {
        r = fail_nothing(verb, "standard input holds no SQL", err);
    }
    return r;
}

int sql_read(struct cli *cli, const struct args *args, const char *verb, struct buf *ret,
             const char **ret_file, corrie_error *err)
{
    int r = read_text(cli, args, verb, ret, ret_file, err);

    if (r >= 0 &&
        str_find(buf_str(ret), '\0') >= 0) { /* what stands behind it would not be looked at */
        return corrie_fail(err, CORRIE_E_PROJECT,
                           "%s is no SQL: it holds a zero byte, which no UTF-8 text has",
                           *ret_file ? *ret_file : "standard input");
    }
    return r;
}

int sql_name_file(corrie_error *err, const char *file)
{
    if (file && err->position.line > 0) {
        char *name = str_dup(str_of(file));

        if (name) {
            mem_free(err->position.file);
            err->position.file = name;
        }
    }
    return err->code;
}
