/* fixture.h — a lake in a directory of its own, gone with it. */
#ifndef CORRIE_TESTS_LAKE_FIXTURE_H
#define CORRIE_TESTS_LAKE_FIXTURE_H

#include "base/json.h"
#include "base/mem.h"
#include "lake/lake.h"
#include "lake/tx.h"
#include "os/dir.h"
#include "tests/unit/check.h"

struct fixture {
    char *dir;
    char *root; /* of the lake; not made yet */
    corrie_lake *lake;
    corrie_error err;
    char notice[256]; /* the last one */
};

/* Also makes state and settings of the user's live in the directory. */
void fixture_init(struct fixture *f);
void fixture_done(struct fixture *f);
/* Opens (making) the lake. */
void fixture_open(struct fixture *f);
/* Opens it again; the result of corrie_lake_open. */
int fixture_try_open(struct fixture *f, bool must_exist);
/* Parses and frees a document of the public interface. New reference. */
json_t *fixture_json(char *text);
/* A schema of one long column of that name; lives until the fixture is done. */
struct schema one_column(const char *name);

/* CORRIE_TORTURE=1: nothing is left out. */
bool tortured(void);
/* Hundreds of commits: in memory they cost no waiting for a disk, and what a disk keeps is tested by tests/py. */
void use_memory(void);

#endif
