/* collect.c — sweeping.
 *
 * Positions go down from what there was at the begin to the first object, a page at a time. A page
 * that has something to remove is looked at again under the write lock, where also all that came
 * since the last look is marked. Why an object that is removed is named by none that stays: that
 * one would have a larger position. So it came since the begin, and was marked with all it names
 * under this lock at the latest; or it was looked at before, and then was either removed or kept,
 * and what is kept is marked with all it names: by the mark, or because its stamp was young (asked
 * for again since the begin) when it was its turn. */
#include "catalog/collect.h"

#include "base/clock.h"
#include "catalog/collect_priv.h"

int collect_begin(struct catalog *catalog, const struct collect_options *options,
                  struct collect **ret, corrie_error *err)
{
    _cleanup_(collect_endp) struct collect *collect = mem_alloc(1, sizeof *collect);
    struct backend *backend = catalog->backend;
    struct backend_entry newest;
    struct backend_state state;
    size_t n = 0;
    int r = 0;

    if (!collect) {
        return corrie_fail_memory(err);
    }
    if (!backend->ops->list_objects || !backend->ops->hold) {
        return corrie_fail(err, CORRIE_E_UNSUPPORTED, "a catalog of the kind %s cannot collect",
                           backend->ops->name);
    }
    if (options->cutoff > clock_now()) {
        return corrie_fail(err, CORRIE_E_USAGE, "what is to be stored yet cannot be collected");
    }
    collect->catalog = catalog;
    collect->options = *options;
    collect->cutoff_s = options->cutoff / 1000000000;
    if (!options->dry_run) {
        r = backend->ops->advance(backend, options->cutoff, &collect->last, err);
    } else {
        r = backend->ops->list_objects(backend, 0, 1, &newest, &n, err);
        collect->last = n > 0 ? newest.position : 0;
    }
    if (r >= 0) {
        r = backend->ops->state(backend, &state, err);
    }
    if (r < 0) {
        return r;
    }
    collect->removals = state.removals;
    collect->page = COLLECT_PAGE;
    collect->page_max = COLLECT_PAGE_MAX;
    *ret = TAKE_PTR(collect);
    return 0;
}

const struct collect_counts *collect_counts(const struct collect *collect)
{
    return &collect->counts;
}

struct collect *collect_end(struct collect *collect)
{
    if (collect) {
        hash_set_done(&collect->marked);
        hash_set_done(&collect->maybe);
        hash_set_done(&collect->values);
        vec_done(&collect->todo);
        buf_done(&collect->queue);
        buf_done(&collect->scratch);
        mem_free(collect);
    }
    return NULL;
}

/* ---- a page ---- */

struct page {
    struct backend_entry *entries; /* room for page_max */
    size_t n;
};

static void page_done(struct page *page)
{
    mem_free(page->entries);
}

static int page_read(struct collect *collect, uint64_t before, struct page *page, corrie_error *err)
{
    struct backend *backend = collect->catalog->backend;

    return backend->ops->list_objects(backend, before, collect->page, page->entries, &page->n, err);
}

static bool is_garbage(const struct collect *collect, const struct backend_entry *entry)
{
    return !hash_set_has(&collect->marked, &entry->name);
}

/* Marks those of the page that are young although the mark did not know them, with all that they
 * name. Returns how many are garbage then. */
static int page_look(struct collect *collect, const struct page *page, size_t *ret_garbage,
                     corrie_error *err)
{
    size_t n = 0;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < page->n; i++) {
        const struct backend_entry *entry = &page->entries[i];

        if (!collect_is_old(collect, entry)) {
            r = collect_push(collect, entry->type, &entry->name, err);
        }
    }
    if (r >= 0) {
        r = collect_drain(collect, err);
    }
    for (size_t i = 0; r >= 0 && i < page->n; i++) {
        n += is_garbage(collect, &page->entries[i]);
    }
    *ret_garbage = n;
    return r;
}

static void page_count(struct collect *collect, const struct page *page)
{
    struct collect_counts *counts = &collect->counts;

    for (size_t i = 0; i < page->n; i++) {
        const struct backend_entry *entry = &page->entries[i];
        bool garbage = is_garbage(collect, entry);

        *(garbage ? &counts->swept_objects : &counts->kept_objects) += 1;
        *(garbage ? &counts->swept_bytes : &counts->kept_bytes) += entry->size;
    }
}

/* Under the lock: the page as it is now, without what is not garbage. */
static int page_remove(struct collect *collect, uint64_t before, struct page *page,
                       corrie_error *err)
{
    struct backend *backend = collect->catalog->backend;
    size_t n = 0;
    int r = collect_new(collect, err);

    if (r >= 0) {
        r = page_read(collect, before, page, err);
    }
    if (r >= 0) {
        r = page_look(collect, page, &n, err);
    }
    if (r < 0) {
        return r;
    }
    page_count(collect, page);
    if (n == 0) {
        return 0;
    }
    n = 0;
    for (size_t i = 0; i < page->n; i++) {
        if (is_garbage(collect, &page->entries[i])) {
            page->entries[n++] = page->entries[i];
        }
    }
    r = backend->ops->remove_objects(backend, page->entries, n, err);
    if (r >= 0) {
        collect->removals++;
    }
    return r;
}

/* What pages are to keep the lock for: others wait no longer than twice that. */
#define HOLD_NS 25000000
#define PAUSE_NS 1000000

/* As large as the lock's time allows: how long a page takes depends on the disk, and on how far apart
 * what it removes lies in the index over names. */
static void page_adapt(struct collect *collect, int64_t held)
{
    size_t least = collect->page_max < COLLECT_PAGE_MIN ? collect->page_max : COLLECT_PAGE_MIN;
    size_t page = collect->page;

    if (held < HOLD_NS / 2) {
        page += page / 2;
    } else if (held > HOLD_NS) {
        page = (size_t)((double)page * HOLD_NS * 0.75 / (double)held);
    }
    collect->page = page < least ? least : page > collect->page_max ? collect->page_max : page;
}

/* Others get the lock in between: they look for it every half a millisecond. If some did, they get more
 * time than we take. */
static void pause_for_others(const struct collect *collect, uint64_t newest, int64_t held)
{
    clock_sleep(collect->last != newest ? held : held < PAUSE_NS ? held : PAUSE_NS);
}

static int sweep_locked(struct collect *collect, uint64_t before, struct page *page,
                        corrie_error *err)
{
    struct backend *backend = collect->catalog->backend;
    uint64_t newest = collect->last;
    int64_t start;
    int64_t held;
    int r;

    r = collect_new(collect, err); /* most of it without the lock */
    if (r >= 0) {
        r = backend->ops->hold(backend, err);
    }
    if (r < 0) {
        return r;
    }
    start = clock_monotonic();
    collect->locked = true;
    r = page_remove(collect, before, page, err);
    collect->locked = false;
    backend->ops->release(backend);
    held = clock_monotonic() - start;
    if (r >= 0) {
        r = collect_deliver(collect, err);
    }
    if (r >= 0) {
        page_adapt(collect, held);
        pause_for_others(collect, newest, held);
    }
    return r;
}

/* The last look, and from then on whoever began before it begins anew. */
static int finish(struct collect *collect, corrie_error *err)
{
    struct backend *backend = collect->catalog->backend;
    int r = collect_new(collect, err);

    if (r >= 0) {
        r = backend->ops->hold(backend, err);
    }
    if (r < 0) {
        return r;
    }
    collect->locked = true;
    r = collect_new(collect, err);
    if (r >= 0) {
        uint64_t last;

        r = backend->ops->advance(backend, 0, &last, err);
    }
    collect->locked = false;
    backend->ops->release(backend);
    return r < 0 ? r : collect_deliver(collect, err);
}

static int sweep_pages(struct collect *collect, struct page *page, corrie_error *err)
{
    uint64_t before = collect->last + 1;
    size_t limit;
    size_t n;
    int r;

    do {
        size_t garbage;
        uint64_t next = 0;

        limit = collect->page;
        r = page_read(collect, before, page, err);
        if (r >= 0) {
            r = page_look(collect, page, &garbage, err);
        }
        if (r < 0) {
            return r;
        }
        n = page->n;
        if (n > 0) {
            next = page->entries[n - 1].position;
        }
        if (garbage == 0 || collect->options.dry_run) {
            page_count(collect, page);
        } else {
            r = sweep_locked(collect, before, page, err);
        }
        if (r >= 0) {
            r = collect_tick(collect, COLLECT_SWEEP, n, err);
        }
        before = next;
    } while (r >= 0 && n == limit && before > 0);
    return r;
}

int collect_sweep(struct collect *collect, corrie_error *err)
{
    _cleanup_(page_done) struct page page = {
        .entries = mem_alloc(collect->page_max, sizeof *page.entries)};
    struct backend *backend = collect->catalog->backend;
    int r;

    if (!page.entries) {
        return corrie_fail_memory(err);
    }
    collect->swept = true;
    collect->n_looked = 0;
    r = sweep_pages(collect, &page, err);
    if (r >= 0 && !collect->options.dry_run) {
        r = finish(collect, err);
    }
    if (r >= 0 && !collect->options.dry_run && backend->ops->shrink) {
        r = backend->ops->shrink(backend, collect->options.cancel, &collect->counts.file_bytes,
                                 err);
    }
    return r < 0 ? corrie_wrap(err, "remove what is not in use") : 0;
}
