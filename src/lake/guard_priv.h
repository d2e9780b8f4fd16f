/* guard_priv.h — what guard.c shares with the other files that speak of taint and groups. */
#ifndef CORRIE_LAKE_GUARD_PRIV_H
#define CORRIE_LAKE_GUARD_PRIV_H

#include "base/map.h"
#include "base/vec.h"
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

/* What tells a member of a group, whatever its key: the same table of the same group has the same value. */
struct guard_member {
    struct uuid id;
    struct hash origin; /* zero: in no group */
};

/* What matters of a value. */
struct guard_stamp {
    bool there;
    bool has_origin;
    bool has_taint;
    struct guard_member member;
    struct uuid taint;
};

/* A key that the step would change. */
struct guard_change {
    struct str key;
    struct guard_stamp before;
    struct guard_stamp after;
    bool from_source; /* `after` is the source's value */
    bool moved;       /* it is the target's, which had another key */
};

/* The value that a changed key has now, where it may have stood elsewhere before or stand elsewhere in the source. */
struct guard_sought {
    size_t change; /* index in changes */
    bool far;      /* the source does not have the table under this key */
    struct tree_value value;
};

struct guard_inspection {
    struct lake_guard *guard;
    struct catalog *catalog;
    struct arena arena;
    const struct hash *target; /* trees; the target NULL: there is none */
    const struct hash *source; /* NULL: groups do not matter */
    const struct hash *result;
    VEC(struct guard_change) changes;
    struct map sought; /* id -> struct guard_sought */
    struct map left;   /* id -> struct tree_value that a changed key has no longer */
    bool far;          /* one of `sought` is */
    /* Once all changes are known: */
    struct map by_key; /* key -> struct guard_change, of keys that had a member of a group */
    struct map before; /* struct guard_member -> nothing: that stood at a changed key before */
    struct map after;  /* likewise, that stands at one now */
    struct map anew;   /* ids of tables whose value was made just now */
};

/* Names of tables and of jobs, each once, in the order they were met. */
struct guard_names {
    struct map seen;
    struct buf text;
    size_t n;
    const char *between;
};
void guard_names_done(struct guard_names *names);
/* `name` must outlive the names. */
int guard_add_name(struct guard_names *names, struct str name, corrie_error *err) CORRIE_MUST_USE;
/* "sales.events" of ["table", "sales", "events"]; the text goes to the arena. */
int guard_add_table(struct guard_names *names, struct arena *arena, struct str key,
                    corrie_error *err) CORRIE_MUST_USE;
/* Says how many were left out. */
void guard_end_names(struct guard_names *names);
/* All names with a space between them, for the record. */
int guard_all_names(const struct guard_names *names, struct arena *arena, struct str *ret,
                    corrie_error *err) CORRIE_MUST_USE;

/* guard_groups.c: refuses, or, where it is allowed, returns 1 and the jobs whose groups are torn. */
int guard_check_groups(struct guard_inspection *in, struct str *ret_jobs, corrie_error *err)
    CORRIE_MUST_USE;

#endif
