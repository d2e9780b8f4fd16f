/* Random changes on two sides, merged: the result holds exactly the files that it must, and each delete file applies to
 * exactly the files that it applied to on its own side. Conflicts are fine, wrong rows are not. */
#include "iceberg/tree.h"
#include "lines.h"

#define MAX_DELETES 64

/* What only a delete file's rows would say: which data files it names. */
struct known_delete {
    const char *name;
    const char *files[2];
};

struct chance {
    struct lines lines;
    uint64_t state;
    int n_names;
    struct known_delete deletes[MAX_DELETES];
    size_t n_deletes;
};

static void chance_done(struct chance *chance)
{
    lines_done(&chance->lines);
}

static unsigned draw(struct chance *chance, unsigned below)
{
    chance->state = chance->state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(chance->state >> 33) % below;
}

/* A fresh name whose place among the others is by chance, so that bounds reach some of them. */
static const char *fresh(struct chance *chance, const char *partition)
{
    const char *name =
        arena_printf(&chance->lines.f.arena, "%c%d@%s", (char)('f' + (int)draw(chance, 6)),
                     chance->n_names++, partition);
    ck_assert_ptr_nonnull(name);
    return name;
}

static const char *without_partition(struct chance *chance, const char *name)
{
    return arena_printf(&chance->lines.f.arena, "%.*s", (int)(strchr(name, '@') - name), name);
}

struct live {
    const char *name;
    struct str partition;
    int64_t sequence;
    bool deletes;
};

struct live_list {
    struct live *items;
    size_t count;
    size_t capacity;
};

static void live_done(struct live_list *list)
{
    vec_done(list);
}

static struct live_list live_of(struct chance *chance, const struct table_version *version)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(manifest_list_done) struct manifest_list list = {0};
    _cleanup_(manifest_entries_done) struct manifest_entries entries = {0};
    struct lines *l = &chance->lines;
    struct live_list live = {0};

    ck_ok(tree_manifests(&l->f.io, version->metadata, metadata_current_snapshot(version->metadata),
                         &l->f.arena, &list, &err),
          &err);
    for (size_t i = 0; i < list.count; i++) {
        ck_ok(
            tree_entries(&l->f.io, version->metadata, &list.items[i], &l->f.arena, &entries, &err),
            &err);
    }
    for (size_t i = 0; i < entries.count; i++) {
        const struct data_file *file = &entries.items[i].file;
        struct str name = str_from(file->path, (size_t)(str_rfind(file->path, '/') + 1));
        struct live one = {.name = arena_text(&l->f.arena, name),
                           .partition = file->partition[0].bytes,
                           .sequence = file->sequence_number,
                           .deletes = file->content != FILE_CONTENT_DATA};
        if (entries.items[i].status != ENTRY_DELETED) {
            ck_assert_int_eq(vec_push(&live, one), 0);
        }
    }
    return live;
}

static const struct live *find(const struct live_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].name, name) == 0) {
            return &list->items[i];
        }
    }
    return NULL;
}

/* Which delete files apply to a data file, by the specification's rule and what they name. */
static uint64_t applied(const struct chance *chance, const struct live_list *list,
                        const struct live *file)
{
    uint64_t mask = 0;

    for (size_t d = 0; d < chance->n_deletes; d++) {
        const struct known_delete *known = &chance->deletes[d];
        const struct live *live = find(list, known->name);
        bool names = strcmp(known->files[0], file->name) == 0 ||
                     (known->files[1] && strcmp(known->files[1], file->name) == 0);
        if (live && names && str_eq(live->partition, file->partition) &&
            file->sequence <= live->sequence) {
            mask |= UINT64_C(1) << d;
        }
    }
    return mask;
}

/* One or two live data files of a partition, in order of their names. */
static size_t pick(struct chance *chance, const struct table_version *from, const char *partition,
                   const char *ret[2])
{
    _cleanup_(live_done) struct live_list live = live_of(chance, from);
    size_t n = 0;

    for (size_t i = 0; i < live.count; i++) {
        if (!live.items[i].deletes && str_eq(live.items[i].partition, str_of(partition)) &&
            (n < 2 || draw(chance, 2))) {
            ret[n < 2 ? n : draw(chance, 2)] = live.items[i].name;
            n++;
        }
    }
    if (n >= 2 && strcmp(ret[0], ret[1]) > 0) {
        const char *first = ret[0];
        ret[0] = ret[1];
        ret[1] = first;
    }
    return n > 2 ? 2 : n;
}

static struct table_version *step(struct chance *chance, struct table_version *from)
{
    static const char *const partitions[] = {"a", "b", "c", "d"};
    const char *partition = partitions[draw(chance, 4)];
    const char *victims[2] = {NULL, NULL};
    struct lines *l = &chance->lines;
    unsigned kind = draw(chance, 8);
    const char *name = fresh(chance, partition);

    if (kind >= 4) {
        size_t n = pick(chance, from, partition, victims);
        if (n == 0 || chance->n_deletes == MAX_DELETES) {
            return append(l, from, name);
        }
        struct known_delete *known = &chance->deletes[chance->n_deletes++];
        *known = (struct known_delete){.name = without_partition(chance, name),
                                       .files = {victims[0], NULL}};
        if (kind == 4) {
            return delete_rows(l, from, name, victims[0]);
        }
        if (kind == 5) {
            return update(l, from, name, victims[0], fresh(chance, partition));
        }
        known->files[1] = n == 2 ? victims[1] : NULL;
        return kind == 6 ? delete_between(l, from, name, victims[0], victims[n - 1])
                         : delete_between(l, from, name, "", "");
    }
    if (kind == 3) {
        const char *gone = arena_printf(&l->f.arena, "@%s", partition);
        return overwrite(l, from, gone, draw(chance, 3) ? name : NULL);
    }
    return append(l, from, name);
}

static struct table_version *steps(struct chance *chance, struct table_version *from)
{
    unsigned n = 1 + draw(chance, 3);

    for (unsigned i = 0; i < n; i++) {
        from = step(chance, from);
    }
    return from;
}

static void ck_result(struct chance *chance, const struct live_list lists[3],
                      const struct live_list *result)
{
    size_t n_expected = 0;

    for (int side = 1; side < 3; side++) {
        const struct live_list *other = &lists[3 - side];
        for (size_t i = 0; i < lists[side].count; i++) {
            const struct live *file = &lists[side].items[i];
            bool kept = !find(&lists[0], file->name) || find(other, file->name);
            const struct live *there = find(result, file->name);
            ck_assert_msg(!there == !kept, "%s %s", file->name, kept ? "is lost" : "came back");
            n_expected += kept && (side == 1 || !find(other, file->name));
            if (!kept || file->deletes) {
                continue;
            }
            const struct live *twin = find(other, file->name);
            uint64_t expected =
                applied(chance, &lists[side], file) | (twin ? applied(chance, other, twin) : 0);
            ck_assert_msg(applied(chance, result, there) == expected, "%s: deletes %llx, not %llx",
                          file->name, (unsigned long long)applied(chance, result, there),
                          (unsigned long long)expected);
        }
    }
    ck_assert_uint_eq(result->count, n_expected);
}

/* 1 merged, 0 conflict. */
static int try_merge(struct chance *chance, const struct table_version *source,
                     const struct table_version *target)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct lines *l = &chance->lines;
    struct table_version *version = merge_with(l, l->base, source, target, NULL, NULL, &err);

    if (!version) {
        ck_assert_msg(err.code == CORRIE_E_CONFLICT, "%s", corrie_error_message(&err));
        return 0;
    }
    struct live_list lists[] = {live_of(chance, l->base), live_of(chance, source),
                                live_of(chance, target)};
    _cleanup_(live_done) struct live_list result = live_of(chance, version);
    ck_result(chance, lists, &result);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        live_done(&lists[i]);
    }
    return 1;
}

START_TEST(random_changes_merge_to_what_they_say)
{
    int n = getenv("CORRIE_TORTURE") ? 3000 : 40;
    int n_merged = 0;

    for (int seed = 1; seed <= n; seed++) {
        _cleanup_(chance_done) struct chance chance = {.lines = lines_new_partitioned(),
                                                       .state = (uint64_t)seed};
        chance.lines.base = steps(&chance, chance.lines.base);
        struct table_version *source = steps(&chance, chance.lines.base);
        struct table_version *target = steps(&chance, chance.lines.base);
        n_merged += try_merge(&chance, source, target);
        n_merged += try_merge(&chance, target, source);
    }
    ck_assert_int_gt(n_merged, n / 2);
}
END_TEST

Suite *merge_random_suite(void);
Suite *merge_random_suite(void)
{
    Suite *suite = suite_create("merge_random");
    TCase *tcase = tcase_create("merge_random");

    tcase_set_timeout(tcase, getenv("CORRIE_TORTURE") ? 3600 : 120);
    tcase_add_test(tcase, random_changes_merge_to_what_they_say);
    suite_add_tcase(suite, tcase);
    return suite;
}
