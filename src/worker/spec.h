/* spec.h — what a function's process is told (docs/formats/protocol.md, "To the child"). Private to the room. */
#ifndef CORRIE_WORKER_SPEC_H
#define CORRIE_WORKER_SPEC_H

#include "worker/worker.h"

/* The specification in a sealed memory file, and the inputs' files in the order of their numbers (borrowed
 * from the inputs). */
struct spec {
    int fd;
    int *files;
    size_t n_files;
};
void spec_done(struct spec *spec);
int spec_init(struct spec *spec, const struct worker_spec *call, corrie_error *err) CORRIE_MUST_USE;

/* A sealed memory file, opened to be read from its start. */
int sealed_text(const char *name, struct str text, int *ret_fd, corrie_error *err) CORRIE_MUST_USE;

#endif
