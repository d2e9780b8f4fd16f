/* api_priv.h — shared by the shells of the public interface, api_*.c. */
#ifndef CORRIE_LAKE_API_PRIV_H
#define CORRIE_LAKE_API_PRIV_H

#include "catalog/tree.h"
#include "lake/lake_priv.h"

/* The caller's options over the defaults that `given` holds: a shorter struct is of an older caller. */
#define API_GIVEN(given, options)                                                                  \
    do {                                                                                           \
        if (options) {                                                                             \
            memcpy(&(given), (options),                                                            \
                   (options)->size < sizeof(given) ? (options)->size : sizeof(given));             \
        }                                                                                          \
    } while (0)

/* A COMMIT document. New reference; NULL when memory ran out. */
json_t *api_commit_json(const struct commit *commit) CORRIE_MUST_USE;
/* A REF document. `head` is the name of what is checked out. *ret is a new reference. */
int api_ref_json(struct lake *lake, const struct catalog_ref *ref, struct str head, json_t **ret,
                 corrie_error *err) CORRIE_MUST_USE;
/* "sales.events" of ["table", "sales", "events"]. New reference; NULL when memory ran out. */
json_t *api_key_name(struct str key) CORRIE_MUST_USE;
/* The key that a user means: "sales.events" (or "events", in public) a table, "kind:name" anything. */
int api_key_of(struct str text, struct key *ret, corrie_error *err) CORRIE_MUST_USE;

#endif
