/* pager.h — long listings on a terminal go through the user's pager, as git's do.
 *
 * $CORRIE_PAGER, else $PAGER, else `less -FRX`; `cat` is none. It is started when there are more lines than the
 * screen has: short listings are written at once. A pager that is left early has had enough: no error. Ctrl-C is
 * the pager's from then on.
 *
 * States: idle → (pager_offer) → waiting → (the screen is full) → running → (pager_end) → idle. */
#ifndef CORRIE_CLI_PAGER_H
#define CORRIE_CLI_PAGER_H

#include "cli/out.h"
#include "os/proc.h"

struct pager {
    struct os_proc proc;
    bool running;
    int terminal; /* the descriptor that `out` had before */
};

/* `out` is a terminal: page what is printed from now on, should it be long. */
void pager_offer(struct pager *pager, struct out *out);
/* Whether what is printed may stand in a pager: then notes belong there too. */
bool pager_is_used(const struct pager *pager, const struct out *out);
/* The terminal itself, for its width. */
int pager_terminal(const struct pager *pager, const struct out *out);
/* Writes all that was printed and waits until the user leaves the pager. */
void pager_end(struct pager *pager, struct out *out);

#endif
