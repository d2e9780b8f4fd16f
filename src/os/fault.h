/* fault.h — making operations fail on purpose.
 *
 * Every wrapper of this room asks the table before it acts; unarmed that costs one load. It is
 * armed in process by os_fault_arm or, for whole programs, by the environment (os_fault_from_env,
 * called by main):
 *
 *     CORRIE_FAULT=op=any,root=/tmp/lake,at=17,errno=ENOSPC        the 17th fails, once
 *     CORRIE_FAULT=op=write+fsync,at=3,errno=EIO,sticky            the 3rd and all after it
 *     CORRIE_FAULT=op=any,root=/tmp/lake,at=17,kill                SIGKILL instead of the 17th
 *     CORRIE_FAULT=op=any,root=/tmp/lake,count,out=/tmp/n          only counts
 *     CORRIE_FAULT_ALLOC=120  |  120,sticky  |  count              the 120th allocation of ours
 *     fails
 *
 * With tests/fault/libcorrie_fault.so preloaded the same spec and the same counter also reach what
 * linked libraries do (SQLite, DuckDB), and power cuts (`cut`) are possible; tests/fault/README.md
 * has the whole language and what is promised. Counting is per process. Not for threads: arm before
 * they start. */
#ifndef CORRIE_OS_FAULT_H
#define CORRIE_OS_FAULT_H

#include <stdint.h>

#include "base/error.h"

/* Arms from a spec as above. CORRIE_E_USAGE if the text is none. Replaces what was armed; the count
 * starts at 0. */
int os_fault_arm(const char *spec, corrie_error *err) CORRIE_MUST_USE;
/* Back to normal. */
void os_fault_disarm(void);
/* Operations of the armed kind so far, and how many of them were made to fail. */
uint64_t os_fault_count(void);
uint64_t os_fault_hits(void);
/* The k-th allocation through base/mem.h fails (and all after it, if `sticky`); 0 = count only. */
void os_fault_arm_alloc(uint64_t at, int sticky);
uint64_t os_fault_alloc_count(void);
/* Every file system is one of that magic number (statfs(2)); 0 = what it is. CORRIE_FAULT_FS=6969 in the environment,
 * in hexadecimal digits. */
void os_fault_pretend_fs(uint32_t magic);
/* Arms from CORRIE_FAULT and CORRIE_FAULT_ALLOC, if set. With `count` the total is written at exit
 * as "corrie-fault: N operations" (or allocations) to the file named by `out=`
 * (CORRIE_FAULT_ALLOC_OUT), else to standard error. */
int os_fault_from_env(corrie_error *err) CORRIE_MUST_USE;

#endif
