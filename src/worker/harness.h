/* harness.h — worker/python/ as it lies in the binary. Private to the room; written by embed_harness.py. */
#ifndef CORRIE_WORKER_HARNESS_H
#define CORRIE_WORKER_HARNESS_H

#include <stddef.h>

/* {module name: source} as JSON. */
extern const unsigned char worker_harness[];
extern const size_t worker_harness_size;
/* SHA-256 of it, in hex. */
extern const char worker_harness_hash[];

#endif
