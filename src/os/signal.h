/* signal.h — Ctrl-C and its relatives. Process-wide: called by programs, not by rooms. */
#ifndef CORRIE_OS_SIGNAL_H
#define CORRIE_OS_SIGNAL_H

#include "base/cancel.h"
#include "base/error.h"

/* From now on SIGINT, SIGTERM and SIGHUP set `cancel`, which must live until os_signals_restore or
 * the end of the process. A second SIGINT or SIGTERM ends the process at once by that signal.
 * SIGPIPE and SIGXFSZ are ignored: writes to a closed pipe, or past the limit of a file's size, fail
 * instead. Waiting calls in this room return soon after. */
int os_signals_catch(struct cancel *cancel, corrie_error *err) CORRIE_MUST_USE;
/* From now on SIGINT does nothing here: a child at the terminal, a pager, answers to it. */
void os_signals_leave_interrupt(void);
/* After os_signals_catch: in `seconds` (at least 1) `cancel` is set as by a signal; os_signal_received is SIGALRM then. A child
 * that is forked has no such end. */
void os_signals_end_after(unsigned seconds);
/* Puts back what was there before os_signals_catch. */
void os_signals_restore(void);
/* How often the process went on after it was stopped (SIGCONT), since os_signals_catch: somebody else has had the terminal. */
unsigned os_times_continued(void);
/* The signal that came first, or 0. */
int os_signal_received(void);
/* "SIGKILL", "SIGSEGV", …; "signal 64" for one without a name. In `scratch`. */
const char *os_signal_name(int signal_number, char scratch[24]);

#endif
