/* guard_priv.h — what guard.c shares with the other files that speak of taint and groups. */
#ifndef CORRIE_LAKE_GUARD_PRIV_H
#define CORRIE_LAKE_GUARD_PRIV_H

#include "lake/lake_priv.h"
#include "lake/origin.h"

/* What the index of jobs says of one (docs/formats/jobs.md). In the arena; texts are empty where there is nothing. */
struct guard_job {
    struct str status; /* "running" also of one that died */
    struct str error;  /* message */
};
/* 1 and *ret, 0 if the index has no such job any more. */
int guard_job(struct lake *lake, struct str job, struct guard_job *ret, struct arena *arena,
              corrie_error *err) CORRIE_MUST_USE;

#endif
