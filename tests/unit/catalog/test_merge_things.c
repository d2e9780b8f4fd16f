/* What a user would lose: a table that was renamed on one side and written on the other, one of two tables that came to
 * have one name, or the right of a change to be asked about.
 *
 * Trees are written as text: "a=X1 b=Y2" has under the name a the thing X with content 1. */
#include <string.h>

#include "tests/unit/catalog/support.h"

struct bench {
    struct lab lab;
    struct arena arena;
    struct object_list objects;
    struct merge_report report;
};

static void bench_init(struct bench *bench)
{
    *bench = (struct bench){.arena = {0}};
    lab_init(&bench->lab);
}

static void bench_done(struct bench *bench)
{
    merge_report_done(&bench->report);
    object_list_done(&bench->objects);
    lab_done(&bench->lab);
    arena_done(&bench->arena);
}

static struct hash make_tree(struct bench *bench, const struct tree_edit *edits, size_t n)
{
    struct hash root;

    ck_ok(tree_empty(bench->lab.catalog, &bench->objects, &root, &bench->lab.err), &bench->lab.err);
    ck_ok(tree_apply(bench->lab.catalog, &root, edits, n, &bench->objects, &root, &bench->lab.err),
          &bench->lab.err);
    return root;
}

static struct tree_edit put(struct arena *arena, const char *name, int id, long number)
{
    struct tree_edit edit = put_number(arena, name, number);

    edit.value.id = (struct uuid){{0}};
    edit.value.id.bytes[15] = (uint8_t)id; /* "0" is the id that says nothing */
    return edit;
}

static struct hash tree_of(struct bench *bench, const char *text)
{
    struct tree_edit edits[16];
    size_t n = 0;

    for (; *text; text += *text == ' ') {
        char name[2] = {text[0], '\0'};

        edits[n++] = put(&bench->arena, name, text[2] == '0' ? 0 : text[2], text[3] - '0');
        text += 4;
    }
    return make_tree(bench, edits, n);
}

static const char *text_of(struct bench *bench, const struct hash *tree)
{
    _cleanup_(tree_cursor_closep) struct tree_cursor *cursor = NULL;
    _cleanup_(buf_done) struct buf text = {0};
    struct tree_value value;
    struct str key;
    int r;

    ck_ok(tree_cursor_open(bench->lab.catalog, tree, STR_EMPTY, &cursor, &bench->lab.err),
          &bench->lab.err);
    while ((r = tree_cursor_next(cursor, &key, &value, &bench->lab.err)) > 0) {
        uint8_t id = value.id.bytes[15];

        buf_addf(&text, "%s%.*s=%c%.*s", text.len ? " " : "", STR_FMT(key_segment(key, 1)),
                 id ? id : '0', (int)value.doc.len - 6, value.doc.data + 5);
    }
    ck_ok(r, &bench->lab.err);
    return arena_text(&bench->arena, buf_str(&text));
}

static int merge(struct bench *bench, const struct hash *base, const struct hash *source,
                 const struct hash *target, const struct merge_options *options, struct hash *ret)
{
    merge_report_done(&bench->report);
    return merge3(bench->lab.catalog, base, source, target, options, &bench->objects, ret,
                  &bench->report, &bench->lab.err);
}

/* The result, or "! " and the names of the conflicts. */
static const char *outcome(struct bench *bench, const char *base, const char *source,
                           const char *target, const struct merge_options *options)
{
    struct hash trees[3] = {tree_of(bench, base), tree_of(bench, source), tree_of(bench, target)};
    _cleanup_(buf_done) struct buf text = {0};
    struct hash result;
    int r = merge(bench, &trees[0], &trees[1], &trees[2], options, &result);

    if (r >= 0) {
        return text_of(bench, &result);
    }
    ck_assert_msg(r == CORRIE_E_CONFLICT, "%s", corrie_error_message(&bench->lab.err));
    corrie_error_clear(&bench->lab.err);
    buf_add_char(&text, '!');
    for (size_t i = 0; i < bench->report.n_conflicts; i++) {
        buf_addf(&text, " %.*s", STR_FMT(key_segment(bench->report.conflicts[i].key, 1)));
    }
    return arena_text(&bench->arena, buf_str(&text));
}

START_TEST(test_renames)
{
    static const struct {
        const char *base, *source, *target;
        const char *result;
        const char *reverse; /* source and target exchanged, where that differs */
    } rows[] = {
        /* one side renames */
        {"a=X1", "b=X1", "a=X1 c=Y1", "b=X1 c=Y1", NULL},
        {"a=X1", "b=X1", "a=X2", "b=X2", NULL},
        {"a=X1", "b=X2", "a=X1 c=Y1", "b=X2 c=Y1", NULL},
        {"a=X1", "b=X2", "a=X3", "! b", NULL},
        {"a=X1", "b=X2", "a=X2", "b=X2", NULL},
        /* both do */
        {"a=X1", "b=X1", "b=X1 c=Y1", "b=X1 c=Y1", NULL},
        {"a=X1", "b=X1", "b=X2", "b=X2", NULL},
        {"a=X1", "b=X2", "b=X3", "! b", NULL},
        {"a=X1", "b=X1", "c=X1", "! c", "! b"},
        {"a=X1", "b=X2", "c=X1", "! c", "! b"},
        /* a renaming is a change: it does not vanish with the thing */
        {"a=X1", "b=X1", "", "! b", NULL},
        {"a=X1", "b=X1", "a=Y1", "! b", NULL},
        {"a=X1 c=Y1", "b=X1", "c=Y2", "! b c", NULL},
        /* names that are taken */
        {"a=X1", "b=X1", "a=X1 b=Y1", "! b", NULL},
        {"a=X1 b=Y1", "b=X1", "a=X1 b=Y1 c=Z1", "b=X1 c=Z1", NULL},
        {"a=X1 b=Y1", "b=X1", "a=X1 b=Y2", "! b", NULL},
        {"a=X1 b=Y1", "b=X1", "a=X1 c=Y1", "! c", NULL},
        {"a=X1 b=Y1", "c=X1 b=Y1", "a=X1 c=Y1", "! c", NULL},
        {"a=X1", "a=X1 b=Y1", "b=X1", "! b", NULL},
        {"a=X1", "a=X2 b=Y1", "b=X1", "! b", NULL},
        /* names that became free */
        {"a=X1", "b=X1 a=Y1", "a=X2", "a=Y1 b=X2", NULL},
        {"a=X1", "b=X1", "a=X2 c=Y1", "b=X2 c=Y1", NULL},
        {"a=X1 b=Y1", "b=X1", "a=X2", "b=X2", NULL},
        {"a=X1 b=Y1", "b=X1 c=Y1", "a=X2 b=Y2", "b=X2 c=Y2", NULL},
        {"a=X1 b=Y1 c=Z1", "b=X1 c=Y1 d=Z1", "a=X2 b=Y2 c=Z2", "b=X2 c=Y2 d=Z2", NULL},
        {"a=X1 b=Y1", "c=X1 b=Y1", "a=X1 d=Y1", "c=X1 d=Y1", NULL},
        {"a=X1 b=Y1", "c=X1 b=Y1", "b=X1 d=Y1", "! b", "! c"},
        /* exchanges */
        {"a=X1 b=Y1", "a=Y1 b=X1", "a=X2 b=Y1", "a=Y1 b=X2", NULL},
        {"a=X1 b=Y1", "a=Y1 b=X1", "a=Y1 b=X1 c=Z1", "a=Y1 b=X1 c=Z1", NULL},
        {"a=X1 b=Y1", "a=Y2 b=X1", "a=Y1 b=X2", "a=Y2 b=X2", NULL},
        {"a=X1 b=Y1", "a=Y1 b=X1", "c=X1 b=Y1", "! c", "! b"},
        {"a=X1 b=Y1 c=Z1", "b=X1 c=Y1 a=Z1", "a=X2 b=Y2 c=Z2", "a=Z2 b=X2 c=Y2", NULL},
        /* one thing goes, another takes its name */
        {"a=X1", "a=Y1", "a=X1 c=Z1", "a=Y1 c=Z1", NULL},
        {"a=X1", "a=Y1", "a=X2", "! a", NULL},
        {"a=X1", "a=Y1", "", "a=Y1", NULL},
        {"a=X1", "a=Y1", "a=Y1 b=Z1", "a=Y1 b=Z1", NULL},
        {"a=X1", "a=Y1", "a=Z1", "! a", NULL},
        {"a=X1", "a=Y1", "b=X1", "! b", NULL},
        {"a=X1", "a=Y1", "a=X1 b=Y1", "! b", "! a"},
        /* made on both sides */
        {"", "a=X1", "a=X1 b=Y1", "a=X1 b=Y1", NULL},
        {"", "a=X1", "a=X2", "! a", NULL},
        {"", "a=X1", "a=Y1", "! a", NULL},
        {"", "a=X1", "b=X1", "! b", "! a"},
        /* ids that say nothing, and ids that stand twice: names count */
        {"a=01", "b=01", "a=02", "! a", NULL},
        {"a=01 b=01", "a=02 b=01", "a=01 b=02", "a=02 b=02", NULL},
        {"a=X1", "b=X1 c=X1", "a=X2", "! a", NULL},
        {"a=X1 b=X1", "c=X1", "a=X2 b=X1", "! a", NULL},
    };
    _cleanup_(bench_done) struct bench bench;

    bench_init(&bench);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *reverse = rows[i].reverse ? rows[i].reverse : rows[i].result;
        const char *there = outcome(&bench, rows[i].base, rows[i].source, rows[i].target, NULL);
        const char *back = outcome(&bench, rows[i].base, rows[i].target, rows[i].source, NULL);

        ck_assert_msg(strcmp(there, rows[i].result) == 0, "row %zu: [%s] [%s] [%s]: %s, not %s", i,
                      rows[i].base, rows[i].source, rows[i].target, there, rows[i].result);
        ck_assert_msg(strcmp(back, reverse) == 0, "row %zu, exchanged: [%s] [%s] [%s]: %s, not %s",
                      i, rows[i].base, rows[i].target, rows[i].source, back, reverse);
    }
}
END_TEST

START_TEST(test_choices)
{
    static const struct {
        const char *base, *source, *target;
        const char *key; /* "" = all */
        const char *by_source, *by_target;
    } rows[] = {
        {"a=X1", "b=X2", "a=X3", "a", "b=X2", "b=X3"},
        {"a=X1", "b=X2", "a=X3", "b", "b=X2", "b=X3"},
        {"a=X1", "b=X2", "a=X3", "c", "! b", "! b"},
        {"a=X1", "b=X2", "c=X1", "a", "b=X2", "c=X2"}, /* only the name is in conflict */
        {"a=X1", "b=X2", "c=X3", "c", "b=X2", "c=X3"},
        {"a=X1", "b=X1", "", "", "b=X1", ""},
        {"a=X1", "", "b=X2", "b", "", "b=X2"},
        {"a=X1", "b=X1", "a=X1 b=Y1", "b", "b=X1", "a=X1 b=Y1"},
        {"a=X1 b=Y1", "c=X1 b=Y1", "a=X1 c=Y1", "c", "b=Y1 c=X1", "a=X1 c=Y1"},
        {"a=X1", "a=X2 b=Y1", "b=X1", "b", "a=X2 b=Y1", "b=X2"},
        {"a=X1", "a=X1 b=Y1", "b=X1", "", "a=X1 b=Y1", "b=X1"},
        /* giving way goes on: y has b because x may not, so z may not have it */
        {"a=X1 b=Y1 c=Z1", "b=X1 c=Y1 d=Z1", "a=X1 b=Y1 c=Z1 d=W1", "", "b=X1 c=Y1 d=Z1",
         "a=X1 b=Y1 c=Z1 d=W1"},
    };
    _cleanup_(bench_done) struct bench bench;

    bench_init(&bench);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int side = MERGE_SOURCE; side <= MERGE_TARGET; side++) {
            struct merge_choice choice = {.side = (enum merge_side)side};
            struct merge_options options = {.choices = &choice, .n_choices = 1};
            const char *wanted = side == MERGE_SOURCE ? rows[i].by_source : rows[i].by_target;
            const char *text;

            if (*rows[i].key) {
                choice.key = table_key(&bench.arena, rows[i].key);
            }
            text = outcome(&bench, rows[i].base, rows[i].source, rows[i].target, &options);
            ck_assert_msg(strcmp(text, wanted) == 0, "row %zu, side %d: %s, not %s", i, side, text,
                          wanted);
        }
    }
}
END_TEST

/* ---- what a kind is told ---- */

struct told {
    const char *keys; /* result base source target */
    struct bench *bench;
};

static int note(struct merge *merge, void *data, struct str key, const struct tree_value *base,
                const struct tree_value *source, const struct tree_value *target,
                struct tree_value *ret_value, corrie_error *err)
{
    struct told *told = data;

    (void)err;
    told->keys =
        arena_printf(&told->bench->arena, "%.*s %.*s%.*s%.*s %d%d%d", STR_FMT(key_segment(key, 1)),
                     STR_FMT(key_segment(merge_key_on(merge, MERGE_BASE), 1)),
                     STR_FMT(key_segment(merge_key_on(merge, MERGE_SOURCE), 1)),
                     STR_FMT(key_segment(merge_key_on(merge, MERGE_TARGET), 1)), base != NULL,
                     source != NULL, target != NULL);
    if (!source || !target) {
        return MERGE_DELETE;
    }
    *ret_value = *source;
    ret_value->doc = STR("{\"n\":9}");
    return MERGE_PUT;
}

START_TEST(test_kind_learns_names)
{
    static const struct {
        const char *base, *source, *target, *result, *keys;
    } rows[] = {
        {"a=X1", "b=X2", "a=X3", "b=X9", "b aba 111"},
        {"a=X1", "a=X2", "b=X3", "b=X9", "b aab 111"},
        {"a=X1", "b=X2", "b=X3", "b=X9", "b abb 111"},
        {"a=X1", "b=X2", "", "", "b ab 110"},
        {"a=X1", "", "b=X2", "", "b ab 101"},
        {"", "a=X2", "a=Y3", "a=X9", "a aa 011"},
        {"a=X1", "a=X2", "a=Y3", "a=X9", "a aaa 111"},
        {"a=X1", "b=X2", "c=X3", "! c", NULL}, /* names in conflict: nobody is asked */
    };
    _cleanup_(bench_done) struct bench bench;

    bench_init(&bench);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct told told = {.bench = &bench};
        struct merge_kind kind = {.name = STR("table"), .data = &told, .merge3 = note};
        struct merge_options options = {.kinds = &kind, .n_kinds = 1};
        const char *text = outcome(&bench, rows[i].base, rows[i].source, rows[i].target, &options);

        ck_assert_msg(strcmp(text, rows[i].result) == 0, "row %zu: %s", i, text);
        ck_assert_msg(rows[i].keys ? told.keys && strcmp(told.keys, rows[i].keys) == 0 : !told.keys,
                      "row %zu: %s", i, told.keys);
    }
}
END_TEST

/* A merge must not read what neither side touched, nor what only the target touched without need. */
START_TEST(test_cost)
{
    _cleanup_(bench_done) struct bench bench;
    struct tree_edit *edits;
    struct tree_edit *other;
    struct hash base, source, target, result;
    struct tree_edit change[2];
    uint64_t before;

    bench_init(&bench);
    edits = arena_array(&bench.arena, struct tree_edit, 20000);
    other = arena_array(&bench.arena, struct tree_edit, 20000);
    for (int i = 0; i < 20000; i++) {
        char *name = arena_printf(&bench.arena, "t%05d", i);

        edits[i] = put_number(&bench.arena, name, i);
        other[i] = put_number(&bench.arena, name, i + 1);
    }
    lab_commit(&bench.lab, "main", edits, 20000);
    base = lab_head(&bench.lab, "main");
    base = lab_tree(&bench.lab, &base);
    change[0] = drop(&bench.arena, "t00100");
    change[1] = edits[100];
    change[1].key = table_key(&bench.arena, "u00100");
    lab_commit(&bench.lab, "source", edits, 20000);
    lab_commit(&bench.lab, "source", change, 2);
    source = lab_head(&bench.lab, "source");
    source = lab_tree(&bench.lab, &source);
    lab_commit(&bench.lab, "main", other + 5000, 15000);
    target = lab_head(&bench.lab, "main");
    target = lab_tree(&bench.lab, &target);
    lab_reopen(&bench.lab);
    before = bench.lab.catalog->n_reads;
    ck_ok(merge(&bench, &base, &source, &target, NULL, &result), &bench.lab.err);
    ck_assert_uint_le(bench.lab.catalog->n_reads - before, 60);
    ck_assert_int_eq(lab_number(&bench.lab, &result, "u00100"), 100);
    ck_assert_int_eq(lab_number(&bench.lab, &result, "t00100"), -1);
    ck_assert_int_eq(lab_number(&bench.lab, &result, "t06000"), 6001);
}
END_TEST

/* ---- against a model ---- */

#define IDS 9 /* 0–3 may be in the base, 4–8 are new */
#define OLD_IDS 4
#define NAMES 6

/* For each thing its name (-1: it is not there) and content. */
struct world {
    int name[IDS];
    int number[IDS];
};

static uint64_t dice(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static bool free_name(const struct world *world, int name)
{
    for (int id = 0; id < IDS; id++) {
        if (world->name[id] == name) {
            return false;
        }
    }
    return true;
}

static struct world empty_world(void)
{
    struct world world;

    for (int id = 0; id < IDS; id++) {
        world.name[id] = -1;
        world.number[id] = 0;
    }
    return world;
}

/* One random change: make, change, remove, rename, exchange. */
static void disturb(struct world *world, int first_id, int n_ids, uint64_t *state)
{
    int id = first_id + (int)(dice(state) % (uint64_t)n_ids);
    int name = (int)(dice(state) % NAMES);
    int other = (int)(dice(state) % IDS);

    if (world->name[id] < 0) {
        if (free_name(world, name)) {
            world->name[id] = name;
            world->number[id] = (int)(dice(state) % 2);
        }
        return;
    }
    switch (dice(state) % 4) {
    case 0:
        world->number[id] = (int)(dice(state) % 3);
        break;
    case 1:
        world->name[id] = -1;
        break;
    case 2:
        if (free_name(world, name)) {
            world->name[id] = name;
        }
        break;
    default:
        if (world->name[other] >= 0) {
            int mine = world->name[id];

            world->name[id] = world->name[other];
            world->name[other] = mine;
        }
        break;
    }
}

static struct hash world_tree(struct bench *bench, const struct world *world)
{
    struct tree_edit edits[IDS];
    size_t n = 0;

    for (int id = 0; id < IDS; id++) {
        if (world->name[id] >= 0) {
            char name[2] = {(char)('a' + world->name[id]), '\0'};

            edits[n++] = put(&bench->arena, name, 'A' + id, world->number[id]);
        }
    }
    return make_tree(bench, edits, n);
}

/* What a person would say: each thing by itself, then no name twice. False: a conflict. */
static bool by_hand(const struct world *b, const struct world *s, const struct world *t,
                    struct world *ret)
{
    bool used[NAMES] = {false};

    *ret = empty_world();
    for (int id = 0; id < IDS; id++) {
        bool s_moved = s->name[id] != b->name[id];
        bool t_moved = t->name[id] != b->name[id];
        bool s_wrote = s->name[id] >= 0 && (b->name[id] < 0 || s->number[id] != b->number[id]);
        bool t_wrote = t->name[id] >= 0 && (b->name[id] < 0 || t->number[id] != b->number[id]);

        if (s->name[id] == t->name[id] && (s->name[id] < 0 || s->number[id] == t->number[id])) {
            ret->name[id] = s->name[id];
            ret->number[id] = s->number[id];
            continue;
        }
        if (!s_moved && !s_wrote) {
            ret->name[id] = t->name[id];
            ret->number[id] = t->number[id];
            continue;
        }
        if (!t_moved && !t_wrote) {
            ret->name[id] = s->name[id];
            ret->number[id] = s->number[id];
            continue;
        }
        if (s->name[id] < 0 || t->name[id] < 0 ||
            (s_moved && t_moved && s->name[id] != t->name[id]) ||
            (s_wrote && t_wrote && s->number[id] != t->number[id])) {
            return false;
        }
        ret->name[id] = s_moved ? s->name[id] : t->name[id];
        ret->number[id] = s_wrote ? s->number[id] : t->number[id];
    }
    for (int id = 0; id < IDS; id++) {
        if (ret->name[id] >= 0) {
            if (used[ret->name[id]]) {
                return false;
            }
            used[ret->name[id]] = true;
        }
    }
    return true;
}

static bool same_world(const struct world *a, const struct world *b)
{
    for (int id = 0; id < IDS; id++) {
        if (a->name[id] != b->name[id] || (a->name[id] >= 0 && a->number[id] != b->number[id])) {
            return false;
        }
    }
    return true;
}

static void make_worlds(struct world *base, struct world *source, struct world *target,
                        uint64_t *state)
{
    *base = empty_world();
    for (int i = 0; i < 6; i++) {
        disturb(base, 0, OLD_IDS, state);
    }
    *source = *target = *base;
    for (uint64_t i = 1 + dice(state) % 5; i > 0; i--) {
        disturb(source, 0, 7, state); /* 4–6 */
    }
    for (uint64_t i = 1 + dice(state) % 5; i > 0; i--) {
        bool old = dice(state) % 4;

        disturb(target, old ? 0 : 6, old ? OLD_IDS : 3, state); /* 6 is made on both sides */
    }
}

static void check_sound(struct bench *bench, const struct hash *tree)
{
    const char *text = text_of(bench, tree);
    bool seen[128] = {false};

    for (const char *at = strchr(text, '='); at; at = strchr(at + 1, '=')) {
        must(!seen[(unsigned char)at[1]]); /* one thing, one name */
        seen[(unsigned char)at[1]] = true;
    }
}

static int rounds(int usual)
{
    const char *torture = getenv("CORRIE_TORTURE");

    return torture && *torture == '1' ? usual * 100 : usual;
}

START_TEST(test_model)
{
    uint64_t state = (uint64_t)_i * 1000003 + 7;
    int n_merged = 0;
    int n = rounds(400);

    for (int i = 0; i < n; i++) {
        static struct bench bench;
        struct world worlds[3];
        struct hash trees[3];
        struct world model;
        struct hash result;
        struct hash wanted;
        bool fine;
        int r;

        if (i % 100 == 0) {
            bench_init(&bench);
        }
        make_worlds(&worlds[0], &worlds[1], &worlds[2], &state);
        for (int w = 0; w < 3; w++) {
            trees[w] = world_tree(&bench, &worlds[w]);
        }
        fine = by_hand(&worlds[0], &worlds[1], &worlds[2], &model);
        wanted = fine ? world_tree(&bench, &model) : trees[0];
        for (int turn = 0; turn < 2; turn++) { /* the same whichever side is the target */
            r = merge(&bench, &trees[0], &trees[1 + turn], &trees[2 - turn], NULL, &result);
            if ((r >= 0) != fine || (fine && !hash_eq(&result, &wanted))) {
                ck_abort_msg("[%s] [%s] [%s]: %s, not %s", text_of(&bench, &trees[0]),
                             text_of(&bench, &trees[1 + turn]), text_of(&bench, &trees[2 - turn]),
                             r >= 0 ? text_of(&bench, &result)
                                    : corrie_error_message(&bench.lab.err),
                             fine ? text_of(&bench, &wanted) : "a conflict");
            }
            corrie_error_clear(&bench.lab.err);
        }
        n_merged += fine;
        for (int side = MERGE_SOURCE; !fine && side <= MERGE_TARGET; side++) {
            struct merge_choice choice = {.side = (enum merge_side)side};
            struct merge_options options = {.choices = &choice, .n_choices = 1};

            r = merge(&bench, &trees[0], &trees[1], &trees[2], &options, &result);
            if (r < 0) {
                ck_abort_msg("side %d [%s] [%s] [%s]: %s", side, text_of(&bench, &trees[0]),
                             text_of(&bench, &trees[1]), text_of(&bench, &trees[2]),
                             corrie_error_message(&bench.lab.err));
            }
            check_sound(&bench, &result);
        }
        if (i % 100 == 99) {
            bench_done(&bench);
        }
    }
    ck_assert_int_gt(n_merged, n / 10);
    ck_assert_int_lt(n_merged, n - n / 10);
}
END_TEST

/* Several bases: merged exactly if each alone leads to the same. */
START_TEST(test_model_of_several_bases)
{
    uint64_t state = (uint64_t)_i * 7000003 + 11;
    int n_merged = 0;
    int n = rounds(400);

    for (int i = 0; i < n; i++) {
        static struct bench bench;
        struct world bases[2];
        struct world source;
        struct world target;
        struct world model[2];
        struct hash trees[2];
        struct hash source_tree;
        struct hash target_tree;
        struct hash result;
        struct hash wanted;
        bool fine;
        int r;

        if (i % 100 == 0) {
            bench_init(&bench);
        }
        make_worlds(&bases[0], &source, &target, &state);
        bases[1] = bases[0];
        disturb(dice(&state) % 2 ? &bases[0] : &bases[1], 0, OLD_IDS, &state);
        for (int b = 0; b < 2; b++) {
            trees[b] = world_tree(&bench, &bases[b]);
        }
        source_tree = world_tree(&bench, &source);
        target_tree = world_tree(&bench, &target);
        fine = by_hand(&bases[0], &source, &target, &model[0]) &&
               by_hand(&bases[1], &source, &target, &model[1]) && same_world(&model[0], &model[1]);
        fine |= hash_eq(&source_tree, &target_tree);
        merge_report_done(&bench.report);
        r = merge_trees(bench.lab.catalog, trees, 2, &source_tree, &target_tree, NULL,
                        &bench.objects, &result, &bench.report, &bench.lab.err);
        wanted = fine ? world_tree(&bench, &model[0]) : trees[0];
        if ((r >= 0) != fine || (fine && !hash_eq(&result, &wanted))) {
            ck_abort_msg("[%s|%s] [%s] [%s]: %s, not %s", text_of(&bench, &trees[0]),
                         text_of(&bench, &trees[1]), text_of(&bench, &source_tree),
                         text_of(&bench, &target_tree),
                         r >= 0 ? text_of(&bench, &result) : corrie_error_message(&bench.lab.err),
                         fine ? text_of(&bench, &wanted) : "a conflict");
        }
        corrie_error_clear(&bench.lab.err);
        n_merged += fine;
        if (i % 100 == 99) {
            bench_done(&bench);
        }
    }
    ck_assert_int_gt(n_merged, n / 10);
}
END_TEST

Suite *merge_things_suite(void);
Suite *merge_things_suite(void)
{
    Suite *suite = suite_create("merge_things");
    TCase *tcase = tcase_create("merge_things");

    tcase_set_timeout(tcase, 600);
    tcase_add_test(tcase, test_renames);
    tcase_add_test(tcase, test_choices);
    tcase_add_test(tcase, test_kind_learns_names);
    tcase_add_test(tcase, test_cost);
    tcase_add_loop_test(tcase, test_model, 0, 4);
    tcase_add_loop_test(tcase, test_model_of_several_bases, 0, 4);
    suite_add_tcase(suite, tcase);
    return suite;
}
