/* log.h — diagnostics for those who look for a fault in corrie itself. Off unless CORRIE_DEBUG is set;
 * never how a user learns of anything. One line a call, to standard error. */
#ifndef CORRIE_BASE_LOG_H
#define CORRIE_BASE_LOG_H

#include "base/error.h"

bool log_enabled(void);
void log_write(const char *format, ...) CORRIE_PRINTF(1, 2);

#define log_debug(...)                                                                             \
    do {                                                                                           \
        if (log_enabled()) {                                                                       \
            log_write(__VA_ARGS__);                                                                \
        }                                                                                          \
    } while (0)

#endif
