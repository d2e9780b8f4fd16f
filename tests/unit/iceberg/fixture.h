/* fixture.h — a store in a scratch directory and small tables in it. */
#ifndef CORRIE_TESTS_ICEBERG_FIXTURE_H
#define CORRIE_TESTS_ICEBERG_FIXTURE_H

#include "iceberg/scan.h"
#include "iceberg/snapshot.h"
#include "tests/unit/os/scratch.h"

struct fixture {
    char *scratch;
    struct store *store;
    struct arena arena;
    struct table_io io;
};

struct fixture fixture_new(void);
void fixture_done(struct fixture *fixture);
#define FIXTURE(name) _cleanup_(fixture_done) struct fixture name = fixture_new()

#define _metadata_ _cleanup_(metadata_freep)
#define _version_ _cleanup_(table_version_done)

/* id long required, name string, price double. */
extern const struct schema people;

/* A table of that schema, nothing stored. */
struct table_metadata *new_table(struct fixture *fixture, const struct schema *schema);

/* A file of `records` rows whose field 1 lies in [low, high]. */
struct data_file file_of(struct fixture *fixture, const char *name, int64_t records, int64_t low,
                         int64_t high);

/* Appends one file of 10 rows; `base` may be NULL (a new table) or a version of it. */
struct table_version append_one(struct fixture *fixture, const struct table_version *base,
                                const char *name);

/* The names (last path segments) of the files that a scan of the current snapshot reads, joined by blanks. */
const char *scanned(struct fixture *fixture, const struct table_metadata *metadata);

struct str base_location(const struct table_version *version);

#endif
