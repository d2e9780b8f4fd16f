/* repl.h — statements line by line at a terminal. */
#ifndef CORRIE_CLI_REPL_H
#define CORRIE_CLI_REPL_H

#include "cli/cli.h"

struct repl_options {
    const char *branch; /* whose tables are completed; NULL = checked out */
    /* Executes statements and shows what came of them. */
    int (*run)(void *arg, const char *sql, corrie_error *err);
    void *arg;
};

/* Returns when the person ends it. Errors of statements are shown, and it goes on. */
int repl_run(struct cli *cli, const struct repl_options *options, corrie_error *err)
    CORRIE_MUST_USE;

#endif
