/* history.c — walks over commits.
 *
 * All of them take the commit of the largest generation first. A generation is larger than those of
 * all ancestors (it is checked here), so when a commit is taken all its descendants in the walk
 * have been. */
#include "catalog/history.h"

#include "base/map.h"
#include "catalog/catalog_priv.h"

/* Of a walk: HIDDEN, in the history of what is not to be shown. Of looking for ancestors: from which
 * side it was come upon; BELOW, an ancestor of a result. */
enum { HIDDEN = 1, FROM_A = 2, FROM_B = 4, BELOW = 8 };

/* A commit in a walk. */
struct visit {
    struct commit_links links;
    const void *note; /* the walker's */
    unsigned flags;
    bool queued;
};

/* ---- reading ahead ----
 *
 * Where a walk meets a commit that is not in memory it reads that one's first parents too, in one
 * look at the backend: the more, the longer the walk goes. */

#define AHEAD_MAX 64

static int read_ahead(struct catalog *catalog, const struct hash *id, size_t *ahead,
                      corrie_error *err)
{
    const struct backend_ops *ops = catalog->backend->ops;
    struct commit_links links;
    struct hash next = *id;
    int r;

    if (object_in_memory(catalog, OBJECT_COMMIT, id)) {
        return 0;
    }
    *ahead = *ahead * 2 > AHEAD_MAX ? AHEAD_MAX : *ahead * 2 + !*ahead;
    if (*ahead < 4 || !ops->freeze || ops->freeze(catalog->backend, err) < 0) {
        corrie_error_clear(err); /* whoever reads is told */
        return 0;
    }
    for (size_t i = 0; i < *ahead; i++) {
        r = commit_links(catalog, &next, &links, err);
        if (r < 0 || links.n_parents == 0) {
            break;
        }
        next = links.parents[0];
    }
    ops->thaw(catalog->backend);
    corrie_error_clear(err);
    return 0;
}

/* A binary heap, the first to take at items[0]. */
struct queue {
    struct visit **items;
    size_t count;
    size_t capacity;
};

static bool precedes(const struct visit *a, const struct visit *b)
{
    if (a->links.generation != b->links.generation) {
        return a->links.generation > b->links.generation;
    }
    if (a->links.time != b->links.time) {
        return a->links.time > b->links.time;
    }
    return memcmp(a->links.id.bytes, b->links.id.bytes, HASH_BYTES) < 0;
}

static int queue_push(struct queue *queue, struct visit *visit, corrie_error *err)
{
    size_t at = queue->count;

    if (vec_reserve(queue, at + 1) < 0) {
        return corrie_fail_memory(err);
    }
    queue->count++;
    while (at > 0 && precedes(visit, queue->items[(at - 1) / 2])) {
        queue->items[at] = queue->items[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    queue->items[at] = visit;
    visit->queued = true;
    return 0;
}

static struct visit *queue_pop(struct queue *queue)
{
    struct visit *first = queue->items[0];
    struct visit *last = queue->items[--queue->count];
    size_t at = 0;

    while (2 * at + 1 < queue->count) {
        size_t child = 2 * at + 1;

        if (child + 1 < queue->count && precedes(queue->items[child + 1], queue->items[child])) {
            child++;
        }
        if (!precedes(queue->items[child], last)) {
            break;
        }
        queue->items[at] = queue->items[child];
        at = child;
    }
    queue->items[at] = last;
    first->queued = false;
    return first;
}

static int wrong_generation(const struct hash *commit, corrie_error *err)
{
    char hex[HASH_HEX + 1];

    hash_hex(commit, hex);
    corrie_fail(err, CORRIE_E_CORRUPT, "commit %.12s has a wrong generation", hex);
    return corrie_hint(err, "`corrie fsck` lists what is damaged");
}

/* ---- the log ----
 *
 * A commit is forgotten when it has been taken: nothing that is taken later can name it, since all
 * of those have smaller generations. So memory follows the width of the history. A commit with two
 * children may be queued twice; it then stands twice in a row. Parents of what was returned are
 * queued by the next call, so that the caller can say something about them first. */

struct history_walk {
    struct catalog *catalog;
    bool first_parent;
    struct queue queue;
    size_t n_shown;      /* queued ones that are not HIDDEN */
    struct visit *taken; /* what was returned last; its parents are not queued yet */
    const void *passed[COMMIT_PARENTS_MAX]; /* notes for them */
    struct arena arena;                     /* of the commit that was returned last */
    struct commit commit;
    size_t ahead; /* commits that were read at once, the last time */
};

static int walk_push(struct history_walk *walk, const struct hash *id, const struct visit *child,
                     unsigned flags, const void *note, corrie_error *err)
{
    _free_ struct visit *visit = mem_alloc(1, sizeof *visit);
    int r;

    if (!visit) {
        return corrie_fail_memory(err);
    }
    visit->flags = flags;
    visit->note = note;
    r = read_ahead(walk->catalog, id, &walk->ahead, err);
    if (r >= 0) {
        r = commit_links(walk->catalog, id, &visit->links, err);
    }
    if (r < 0) {
        return r;
    }
    if (child && visit->links.generation >= child->links.generation) {
        return wrong_generation(&child->links.id, err);
    }
    r = queue_push(&walk->queue, visit, err);
    if (r >= 0) {
        walk->n_shown += visit->flags & HIDDEN ? 0 : 1;
        (void)TAKE_PTR(visit);
    }
    return r;
}

/* What is hidden hides all its parents, whatever the walk follows. */
static int push_parents(struct history_walk *walk, const struct visit *visit, corrie_error *err)
{
    bool first_only = walk->first_parent && !(visit->flags & HIDDEN);
    size_t n = first_only && visit->links.n_parents > 1 ? 1 : visit->links.n_parents;

    for (size_t i = 0; i < n; i++) {
        int r = walk_push(walk, &visit->links.parents[i], visit, visit->flags & HIDDEN,
                          walk->passed[i], err);

        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static struct visit *walk_pop(struct history_walk *walk)
{
    struct visit *visit = queue_pop(&walk->queue);

    walk->n_shown -= visit->flags & HIDDEN ? 0 : 1;
    return visit;
}

/* The next commit, from all its children. */
static struct visit *walk_take(struct history_walk *walk)
{
    struct visit *visit = walk_pop(walk);

    while (walk->queue.count > 0 && hash_eq(&walk->queue.items[0]->links.id, &visit->links.id)) {
        struct visit *again = walk_pop(walk);

        visit->flags |= again->flags;
        visit->note = visit->note ? visit->note : again->note;
        mem_free(again);
    }
    return visit;
}

int history_walk_open(struct catalog *catalog, const struct hash *from, bool first_parent,
                      struct history_walk **ret, corrie_error *err)
{
    _cleanup_(history_walk_closep) struct history_walk *walk = mem_alloc(1, sizeof *walk);
    int r;

    if (!walk) {
        return corrie_fail_memory(err);
    }
    walk->catalog = catalog;
    walk->first_parent = first_parent;
    r = walk_push(walk, from, NULL, 0, NULL, err);
    if (r < 0) {
        return r;
    }
    *ret = TAKE_PTR(walk);
    return 0;
}

int history_walk_hide(struct history_walk *walk, const struct hash *commit, corrie_error *err)
{
    return walk_push(walk, commit, NULL, HIDDEN, NULL, err);
}

const void *history_walk_note(const struct history_walk *walk)
{
    return walk->taken ? walk->taken->note : NULL;
}

void history_walk_pass(struct history_walk *walk, size_t parent, const void *note)
{
    walk->passed[parent] = note;
}

int history_walk_parent_tree(struct history_walk *walk, size_t parent, struct hash *ret,
                             corrie_error *err)
{
    const struct hash *id = &walk->commit.parents[parent];
    struct commit_links links;
    int r = read_ahead(walk->catalog, id, &walk->ahead, err);

    if (r >= 0) {
        r = commit_links(walk->catalog, id, &links, err);
    }
    if (r >= 0) {
        *ret = links.tree;
    }
    return r;
}

int history_walk_next(struct history_walk *walk, const struct commit **ret, corrie_error *err)
{
    int r = 0;

    if (walk->taken) {
        r = push_parents(walk, walk->taken, err);
        mem_free(walk->taken);
        walk->taken = NULL;
        memset(walk->passed, 0, sizeof walk->passed);
    }
    while (r >= 0 && walk->n_shown > 0) {
        _free_ struct visit *visit = walk_take(walk);

        if (visit->flags & HIDDEN) {
            r = push_parents(walk, visit, err);
            continue;
        }
        arena_done(&walk->arena);
        walk->arena = (struct arena){0};
        r = commit_read(walk->catalog, &visit->links.id, &walk->arena, &walk->commit, err);
        if (r < 0) {
            break;
        }
        walk->taken = TAKE_PTR(visit);
        *ret = &walk->commit;
        return 1;
    }
    return r < 0 ? r : 0;
}

struct history_walk *history_walk_close(struct history_walk *walk)
{
    if (walk) {
        for (size_t i = 0; i < walk->queue.count; i++) {
            mem_free(walk->queue.items[i]);
        }
        mem_free(walk->taken);
        vec_done(&walk->queue);
        arena_done(&walk->arena);
        mem_free(walk);
    }
    return NULL;
}

/* ---- marking ancestors ---- */

struct visits {
    struct catalog *catalog;
    struct arena arena;
    struct map seen; /* by the 32 bytes of the name */
    struct queue queue;
    size_t n_open; /* queued ones that are not BELOW */
    size_t ahead;
};

static void visits_done(struct visits *visits)
{
    map_done(&visits->seen);
    vec_done(&visits->queue);
    arena_done(&visits->arena);
}

/* Adds flags to a commit, queueing it at its first sight. `child` is NULL for a start. */
static int visit_commit(struct visits *visits, const struct hash *id, unsigned flags,
                        const struct visit *child, corrie_error *err)
{
    struct str key = {(const char *)id->bytes, HASH_BYTES};
    struct visit *visit = map_get(&visits->seen, key);
    int r;

    if (!visit) {
        visit = arena_new(&visits->arena, struct visit);
        if (!visit) {
            return corrie_fail_memory(err);
        }
        r = read_ahead(visits->catalog, id, &visits->ahead, err);
        if (r >= 0) {
            r = commit_links(visits->catalog, id, &visit->links, err);
        }
        if (r < 0) {
            return r;
        }
        key.data = (const char *)visit->links.id.bytes;
        if (map_put(&visits->seen, key, visit) < 0) {
            return corrie_fail_memory(err);
        }
        r = queue_push(&visits->queue, visit, err);
        if (r < 0) {
            return r;
        }
        visits->n_open++;
    }
    if (child && visit->links.generation >= child->links.generation) {
        return wrong_generation(&child->links.id, err);
    }
    visits->n_open -= visit->queued && !(visit->flags & BELOW) && (flags & BELOW);
    visit->flags |= flags;
    return 0;
}

static struct visit *take_visit(struct visits *visits)
{
    struct visit *visit = queue_pop(&visits->queue);

    visits->n_open -= !(visit->flags & BELOW);
    return visit;
}

static int visit_parents(struct visits *visits, const struct visit *visit, unsigned flags,
                         corrie_error *err)
{
    for (size_t i = 0; i < visit->links.n_parents; i++) {
        int r = visit_commit(visits, &visit->links.parents[i], flags, visit, err);

        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* ---- common ancestors ---- */

int history_merge_bases(struct catalog *catalog, const struct hash *a, const struct hash *b,
                        struct hash *ret, size_t max, size_t *ret_n, corrie_error *err)
{
    _cleanup_(visits_done) struct visits visits = {.catalog = catalog};
    size_t n = 0;
    int r;

    r = visit_commit(&visits, a, FROM_A, NULL, err);
    if (r >= 0) {
        r = visit_commit(&visits, b, FROM_B, NULL, err);
    }
    while (r >= 0 && n < max && visits.n_open > 0) {
        struct visit *visit = take_visit(&visits);
        unsigned flags = visit->flags;

        if ((flags & (FROM_A | FROM_B | BELOW)) == (FROM_A | FROM_B)) {
            ret[n++] = visit->links.id;
            flags |= BELOW;
        }
        r = visit_parents(&visits, visit, flags, err);
    }
    if (r < 0) {
        return r;
    }
    *ret_n = n;
    return 0;
}

int history_is_ancestor(struct catalog *catalog, const struct hash *ancestor,
                        const struct hash *commit, corrie_error *err)
{
    _cleanup_(visits_done) struct visits visits = {.catalog = catalog};
    struct commit_links goal;
    int r;

    r = commit_links(catalog, ancestor, &goal, err);
    if (r >= 0) {
        r = visit_commit(&visits, commit, FROM_A, NULL, err);
    }
    while (r >= 0 && visits.queue.count > 0) {
        struct visit *visit = take_visit(&visits);

        if (hash_eq(&visit->links.id, ancestor)) {
            return 1;
        }
        if (visit->links.generation <= goal.generation) {
            continue;
        }
        r = visit_parents(&visits, visit, FROM_A, err);
    }
    return r < 0 ? r : 0;
}
