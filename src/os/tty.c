#include "os/tty.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/str.h"
#include "os/user.h"

bool os_is_terminal(int fd)
{
    return isatty(fd) == 1;
}

int os_terminal_width(int fd, int otherwise)
{
    struct winsize size;
    const char *columns = os_env("COLUMNS");
    int64_t width = otherwise;

    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        width = size.ws_col;
    } else if (columns && !str_to_int64(str_of(columns), &width)) {
        width = otherwise;
    }
    return width < 20 ? 20 : width > 1000 ? 1000 : (int)width;
}
