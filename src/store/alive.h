/* alive.h — whether the process behind a record lives: one rule for all who ask (docs/formats/jobs.md).
 *
 * A record is a JSON object with `host`, `pid` and `process`, as job.json and its entry in the index have them; beside
 * it lies a file `heartbeat`, which the process touches every two seconds. */
#ifndef CORRIE_STORE_ALIVE_H
#define CORRIE_STORE_ALIVE_H

#include <stdbool.h>

#include "base/json.h"
#include "store/store.h"

/* After so long without a beat a process that cannot be seen from here counts as dead. */
#define HEARTBEAT_LOST_MS 30000

/* A process that is seen to live counts even if it was stopped and its heart does not beat; one that is seen to be gone
 * does not, however young its last beat; where neither can be seen (another machine, another name space) the heartbeat
 * in `directory` decides. What cannot be read counts as not there. Cost: at most one look at a file. */
bool alive_by_record(struct store *store, struct str directory, const json_t *record);

#endif
