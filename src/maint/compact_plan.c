#include "maint/compact.h"

#include <stdlib.h>
#include <string.h>

struct place {
    const struct data_file *file;
    size_t index;
};

static int compare_text(struct str a, struct str b)
{
    int r;

    if (!a.data || !b.data) {
        return (a.data != NULL) - (b.data != NULL); /* null is a partition of its own */
    }
    r = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return r != 0 ? r : (a.len > b.len) - (a.len < b.len);
}

static int compare_partitions(const struct data_file *a, const struct data_file *b)
{
    if (a->spec_id != b->spec_id) {
        return a->spec_id < b->spec_id ? -1 : 1;
    }
    for (size_t i = 0; i < a->n_partition && i < b->n_partition; i++) {
        int r = compare_text(a->partition[i].bytes, b->partition[i].bytes);

        if (r != 0) {
            return r;
        }
    }
    return (a->n_partition > b->n_partition) - (a->n_partition < b->n_partition);
}

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a;
    const struct place *y = b;
    int r = compare_partitions(x->file, y->file);

    return r != 0 ? r : (x->index > y->index) - (x->index < y->index);
}

static int compare_sizes(const void *a, const void *b)
{
    size_t x = *(const size_t *)a;
    size_t y = *(const size_t *)b;

    return (x > y) - (x < y);
}

static bool has_deletes(const struct scan *scan, size_t index)
{
    return scan->deletes &&
           scan->deletes[index].n_positions + scan->deletes[index].n_equalities > 0;
}

/* Those of one partition: places[first … end). Writes the chosen ones to `ret` and returns how many. */
static size_t choose(const struct scan *scan, const struct place *places, size_t first, size_t end,
                     int64_t small, size_t *ret)
{
    size_t n_small = 0;
    size_t n = 0;

    for (size_t i = first; i < end; i++) {
        n_small += places[i].file->bytes < small;
    }
    for (size_t i = first; i < end; i++) {
        if ((n_small > 1 && places[i].file->bytes < small) || has_deletes(scan, places[i].index)) {
            ret[n++] = places[i].index;
        }
    }
    return n;
}

static int find_groups(const struct scan *scan, const struct place *places, int64_t small,
                       struct arena *arena, struct compact_plan *plan, corrie_error *err)
{
    size_t n = scan->n_files;
    size_t *chosen = arena_array(arena, size_t, n);
    size_t end;

    plan->groups = arena_array(arena, struct compact_group, n);
    if (!chosen || !plan->groups) {
        return corrie_fail_memory(err);
    }
    for (size_t first = 0; first < n; first = end) {
        struct compact_group group = {.files = chosen + plan->n_files};

        for (end = first + 1;
             end < n && compare_partitions(places[first].file, places[end].file) == 0; end++) {
        }
        group.n_files = choose(scan, places, first, end, small, chosen + plan->n_files);
        if (group.n_files > 0) {
            plan->groups[plan->n_groups++] = group;
            plan->n_files += group.n_files;
        }
    }
    return 0;
}

/* Marks what files that stay need of scan.delete_files, which is sorted by address in its array. */
static void mark(const struct scan *scan, const struct data_file *const *files, size_t n,
                 bool *needed)
{
    for (size_t i = 0; i < n; i++) {
        needed[files[i] - scan->delete_files] = true;
    }
}

static int find_deletes(const struct scan *scan, struct arena *arena, struct compact_plan *plan,
                        corrie_error *err)
{
    bool *goes = arena_array(arena, bool, scan->n_files);
    bool *needed = arena_array(arena, bool, scan->n_delete_files);

    plan->deletes = arena_array(arena, size_t, scan->n_delete_files);
    if (!goes || !needed || !plan->deletes) {
        return corrie_fail_memory(err);
    }
    memset(goes, 0, scan->n_files * sizeof *goes);
    memset(needed, 0, scan->n_delete_files * sizeof *needed);
    for (size_t i = 0; i < plan->n_files; i++) {
        goes[plan->files[i]] = true;
    }
    for (size_t i = 0; scan->deletes && i < scan->n_files; i++) {
        if (!goes[i]) {
            const struct scan_deletes *deletes = &scan->deletes[i];

            mark(scan, deletes->positions, deletes->n_positions, needed);
            mark(scan, deletes->equalities, deletes->n_equalities, needed);
        }
    }
    for (size_t i = 0; i < scan->n_delete_files; i++) {
        if (!needed[i]) {
            plan->deletes[plan->n_deletes++] = i;
        }
    }
    return 0;
}

int compact_plan(const struct scan *scan, int64_t target_bytes, struct arena *arena,
                 struct compact_plan *ret, corrie_error *err)
{
    struct place *places = arena_array(arena, struct place, scan->n_files);
    struct compact_plan plan = {0};
    int r;

    if (!places) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < scan->n_files; i++) {
        places[i] = (struct place){&scan->files[i], i};
    }
    qsort(places, scan->n_files, sizeof *places, compare_places);
    r = find_groups(scan, places, target_bytes / 2, arena, &plan, err);
    if (r < 0) {
        return r;
    }
    plan.files = arena_array(arena, size_t, plan.n_files);
    if (!plan.files) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0, at = 0; i < plan.n_groups; i++) {
        for (size_t k = 0; k < plan.groups[i].n_files; k++) {
            plan.files[at++] = plan.groups[i].files[k];
            plan.bytes = count_add(plan.bytes, scan->files[plan.groups[i].files[k]].bytes);
        }
    }
    qsort(plan.files, plan.n_files, sizeof *plan.files, compare_sizes);
    r = find_deletes(scan, arena, &plan, err);
    if (r >= 0) {
        *ret = plan;
    }
    return r;
}
