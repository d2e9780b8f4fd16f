#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

bool log_enabled(void)
{
    static int enabled = -1;

    if (enabled < 0) {
        const char *setting = getenv("CORRIE_DEBUG");

        enabled = setting && *setting && strcmp(setting, "0") != 0;
    }
    return enabled != 0;
}

void log_write(const char *format, ...)
{
    char line[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    fprintf(stderr, "debug %.6f %s\n", (double)clock_monotonic() / 1e9, line);
}
