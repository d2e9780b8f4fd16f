/* corrie.h — everything: a versioned data lake with functions.
 *
 * Handles are opaque and belong to whoever opened them; `…_close` and `…_free` take NULL and return
 * NULL. A handle may be used by one thread at a time; any number of processes and handles may work on
 * one lake. Fallible functions return 0 or a negative corrie_code and tell the story in `err`
 * (error.h). Options are structs whose first field is their size, so that later versions can add fields:
 *
 *     corrie_lake_options options = {.size = sizeof options, .url = "/data/lake"};
 *
 * Documents come as JSON text in UTF-8 that the caller frees with corrie_free; their fields are listed with the
 * functions that give them and are part of the interface. Outputs are set only on success. Tables of data come as Arrow C streams. */
#ifndef CORRIE_H
#define CORRIE_H

#include <corrie/care.h>
#include <corrie/error.h>
#include <corrie/lake.h>
#include <corrie/project.h>
#include <corrie/run.h>
#include <corrie/sql.h>

#endif
