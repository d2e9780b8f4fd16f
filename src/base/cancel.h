/* cancel.h — a flag that asks long work to stop. Set from any thread or a signal handler, looked at by
 * loops that may run longer than half a second. */
#ifndef CORRIE_BASE_CANCEL_H
#define CORRIE_BASE_CANCEL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/error.h"

struct cancel {
    atomic_int requested;
    /* What it is part of: who asks the whole to stop asks the part too. NULL: nothing. Set before anybody looks. */
    const struct cancel *whole;
};

static inline void cancel_request(struct cancel *cancel)
{
    atomic_store_explicit(&cancel->requested, 1, memory_order_relaxed);
}

/* It was meant for something that is over. */
static inline void cancel_withdraw(struct cancel *cancel)
{
    atomic_store_explicit(&cancel->requested, 0, memory_order_relaxed);
}

/* NULL is never cancelled. */
static inline bool cancel_requested(const struct cancel *cancel)
{
    for (; cancel; cancel = cancel->whole) {
        if (atomic_load_explicit(&cancel->requested, memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

/* 0, or CORRIE_E_CANCELLED with the message "interrupted". */
static inline int cancel_check(const struct cancel *cancel, corrie_error *err)
{
    return cancel_requested(cancel) ? corrie_fail(err, CORRIE_E_CANCELLED, "interrupted") : 0;
}

#endif
