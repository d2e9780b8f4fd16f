/* args.h — a command line, read. */
#ifndef CORRIE_CLI_ARGS_H
#define CORRIE_CLI_ARGS_H

#include <stdint.h>

#include "base/error.h"
#include "base/vec.h"
#include "cli/spec.h"

/* Text is that of argv. Zeroed is empty; args_done frees the lists. */
struct args {
    const struct verb *verb; /* NULL: none was named */
    const char *group;       /* a group named alone, whose default verb it is */
    struct arg_values {
        const char **items; /* toggles: "on" or "off"; switches: "on" */
        size_t count;
        size_t capacity;
    } of[OPT_COUNT];
};

/* Reads argv[1…]. Options may stand anywhere, before the verb too; `--name=value`, `--name value`, `-n value`,
 * `-nvalue`, switches of one letter together; `--` ends options.
 * CORRIE_E_USAGE: an unknown verb or option (hint: the nearest), a missing or superfluous argument, a value
 * that is no number or none of the choices. What was read until then stays in `args`. */
int args_parse(struct args *args, int argc, char **argv, corrie_error *err) CORRIE_MUST_USE;
void args_done(struct args *args);
/* The value of --output, wherever it stands, in a command line that could not be read: errors of usage come in
 * the format that was asked for too. NULL if there is none. */
const char *args_output(int argc, char **argv);

/* What the last word of a command line that is still being typed would be, by the words before it. */
struct args_place {
    const struct verb *verb; /* NULL: none is named yet */
    const char
        *group; /* named without a verb of it: the word may be that, or go to its default verb */
    const struct flag *flag;             /* the word is its value … */
    const char *value;                   /* … from here on: after the = of `--ref=ma` */
    const struct positional *positional; /* NULL: no more is taken */
    bool options_ended;                  /* by -- */
};
/* Pointers are into argv and the table. argc is at least 2. */
void args_place(struct args_place *ret, int argc, char **argv);

bool args_on(const struct args *args, enum option option);
bool args_given(const struct args *args, enum option option);
/* The last value, or NULL. */
const char *args_text(const struct args *args, enum option option);
int64_t args_number(const struct args *args, enum option option, int64_t otherwise);

#endif
