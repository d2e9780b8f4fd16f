#include "os/tty.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/str.h"
#include "os/user.h"

bool os_is_terminal(int fd)
{
    return isatty(fd) == 1;
}

bool os_terminal_is_ours(int fd)
{
    pid_t foreground = tcgetpgrp(fd);

    return foreground < 0 || foreground == getpgrp(); /* negative: not the one that controls us */
}

bool os_terminal_size(int fd, int *ret_columns, int *ret_lines)
{
    struct winsize size = {0};

    if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0 || size.ws_row == 0) {
        return false;
    }
    *ret_columns = size.ws_col;
    *ret_lines = size.ws_row;
    return true;
}

/* `found` if it is not 0, else the number in the variable `name`, else `otherwise`, within bounds. */
static int size_of(int found, const char *name, int otherwise, int least)
{
    const char *text = os_env(name);
    int64_t size = otherwise;

    if (found > 0) {
        size = found;
    } else if (text && !str_to_int64(str_of(text), &size)) {
        size = otherwise;
    }
    return size < least ? least : size > 1000 ? 1000 : (int)size;
}

int os_terminal_width(int fd, int otherwise)
{
    struct winsize size = {0};

    return size_of(ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0, "COLUMNS", otherwise, 20);
}

int os_terminal_height(int fd, int otherwise)
{
    struct winsize size = {0};

    return size_of(ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0, "LINES", otherwise, 5);
}
