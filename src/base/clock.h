/* clock.h — time. Wall-clock times are UTC nanoseconds since 1970-01-01; durations come from the
 * monotonic clock, in nanoseconds too. */
#ifndef CORRIE_BASE_CLOCK_H
#define CORRIE_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define CLOCK_TEXT_MAX 40

int64_t clock_now(void);
int64_t clock_monotonic(void);
/* Waits; returns early if a signal comes. */
void clock_sleep(int64_t nanoseconds);
/* "2026-11-20T10:00:00.123456789Z", trailing zeros of the fraction dropped, no fraction when it is 0. */
void clock_format(int64_t time_ns, char ret[CLOCK_TEXT_MAX]);
/* The same, also with a space for T, without seconds, a date alone (midnight), an offset ±hh:mm instead
 * of Z; without either, UTC. False if the text is no such time. */
bool clock_parse(struct str text, int64_t *ret_ns);
/* The same as the end of what is meant: without a fraction the last nanosecond of the second, so that a time that was shown in
 * whole seconds is not before what happened then. */
bool clock_parse_end(struct str text, int64_t *ret_ns);

#endif
