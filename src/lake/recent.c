/* recent.c — table metadata at hand.
 *
 * A metadata file has a hundred snapshots after a hundred appends, and the next append would read it twice, having written
 * it itself. What a file says never changes, so the handle keeps what it read or wrote last. */
#include "lake/lake_priv.h"

#include "base/mem.h"
#include "iceberg/metadata.h"

/* As a tree it takes ten times as much. */
#define LARGE_METADATA ((size_t)1024 * 1024)

struct table_metadata *lake_recent_find(struct lake *lake, struct str location)
{
    const struct lake_recent *recent = &lake->recent;

    for (size_t i = 0; i < LAKE_RECENT; i++) {
        if (recent->locations[i] && str_eq(str_of(recent->locations[i]), location)) {
            return metadata_ref(recent->metadata[i]);
        }
    }
    return NULL;
}

static void forget(struct lake_recent *recent, size_t at)
{
    metadata_free(recent->metadata[at]);
    mem_free(recent->locations[at]);
    recent->metadata[at] = NULL;
    recent->locations[at] = NULL;
}

void lake_recent_keep(struct lake *lake, struct str location, struct table_metadata *metadata)
{
    struct lake_recent *recent = &lake->recent;
    char *name;

    if (metadata->stored_bytes == 0 || metadata->stored_bytes > LARGE_METADATA ||
        !(name = str_dup(location))) {
        return;
    }
    forget(recent, recent->next);
    recent->metadata[recent->next] = metadata_ref(metadata);
    recent->locations[recent->next] = name;
    recent->next = (recent->next + 1) % LAKE_RECENT;
}

void lake_forget_metadata(struct lake *lake)
{
    for (size_t i = 0; i < LAKE_RECENT; i++) {
        forget(&lake->recent, i);
    }
}
