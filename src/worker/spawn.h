/* spawn.h — a function's process. Private to the room.
 *
 * worker_spawn is the one place where such a process begins: a waiting interpreter is taken from here, and
 * the jail is put on here, before anything of Python runs. */
#ifndef CORRIE_WORKER_SPAWN_H
#define CORRIE_WORKER_SPAWN_H

#include "os/dir.h"
#include "os/proc.h"
#include "worker/worker.h"

/* The process, and our ends of what connects us. */
struct worker_process {
    struct os_proc proc;
    int socket; /* non-blocking; -1 = closed, as the other two */
    int out;
    int errors;
    struct os_own_dir home; /* its private directory, removed with it */
};
void worker_process_done(struct worker_process *process);

/* Starts the interpreter with the harness. CORRIE_E_NOT_FOUND if it cannot be executed. */
int worker_spawn(const struct worker_spec *call, struct worker_process *ret, corrie_error *err)
    CORRIE_MUST_USE;

#endif
