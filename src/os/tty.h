/* tty.h — the terminal. */
#ifndef CORRIE_OS_TTY_H
#define CORRIE_OS_TTY_H

#include <stdbool.h>

bool os_is_terminal(int fd);
/* Columns of the terminal at `fd`, else $COLUMNS, else `otherwise`; 20 … 1000. */
int os_terminal_width(int fd, int otherwise);
/* Columns and lines of the terminal at `fd` as they are now, however few; false where it does not say. */
bool os_terminal_size(int fd, int *ret_columns, int *ret_lines);
/* False where another has the terminal at `fd`: this process was put into the background. */
bool os_terminal_is_ours(int fd);
/* Lines of it, else $LINES, else `otherwise`; 5 … 1000. */
int os_terminal_height(int fd, int otherwise);

#endif
