/* main.c — a catalog beside its model: random orders to several processes, one after the other and at once, and after each
 * the catalog must be what the model says (world.h). Of orders given at once some sequence must explain all answers and
 * where every ref stands in the end.
 *
 *     model [SEQUENCES [SEED [FIRST]]]
 *
 * A sequence is made of its number and the seed alone; the orders of one that fails are printed. Default: 2 500
 * sequences, under the sanitizers 800, with CORRIE_TORTURE=1 a million. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"
#include "catalog/catalog.h"
#include "catalog/commit.h"
#include "catalog/tree.h"
#include "os/dir.h"
#include "tests/model/hands.h"

enum { STEPS_MAX = 30, AT_ONCE = HANDS };

struct run {
    struct hand hands[HANDS];
    struct world world;
    struct hash hashes[COMMITS_MAX];
    char path[PATH_BYTES];
    uint64_t dice;
    uint64_t seed;
    long sequence;
    uint32_t next_id;
    uint32_t next_value;
    char trace[64 * 1024];
    size_t trace_len;
    uint64_t n_orders;
    uint64_t n_rounds; /* of orders at once */
    uint64_t verdicts[ORDER_KINDS][USAGE + 1];
};

static struct run run;

/* ---- chance ---- */

static uint64_t roll(void)
{
    run.dice += 0x9e3779b97f4a7c15u;
    uint64_t z = run.dice;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static int below(int n)
{
    return (int)(roll() % (uint64_t)n);
}

static bool chance(int percent)
{
    return below(100) < percent;
}

/* ---- what went wrong ---- */

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...)
{
    size_t left = sizeof run.trace - run.trace_len;
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(run.trace + run.trace_len, left, format, args);
    va_end(args);
    run.trace_len += n > 0 && (size_t)n < left ? (size_t)n : 0;
}

static void note_state(const struct state *state)
{
    for (int key = 0; key < KEYS; key++) {
        const struct thing *thing = &state->at[key];

        if (thing->id) {
            note(" %d:%u=%u%s", key, thing->id, thing->value, thing->tainted ? "!" : "");
        }
    }
}

static void note_order(const struct order *order)
{
    static const char *const names[] = {"publish", "merge", "pick", "move", "collect"};

    note("  %s ref %d start %d source %d%s%s%s mainline %u picks %d:", names[order->kind],
         order->ref, order->start, order->source, order->no_fast_forward ? " no-ff" : "",
         order->dry_run ? " dry" : "", order->revert ? " revert" : "", order->mainline,
         order->n_picks);
    for (int i = 0; i < order->n_picks; i++) {
        note(" %d", order->picks[i]);
    }
    if (order->kind == ORDER_PUBLISH) {
        note_state(&order->edited);
    }
    note("\n");
}

static void lose(const char *what, const char *detail)
{
    printf("not ok 1 - the catalog does what the model says\n");
    printf("# catalog_model 1 %llu %ld: %s: %s\n%s", (unsigned long long)run.seed, run.sequence,
           what, detail, run.trace);
    for (int i = 0; i < run.world.n_commits; i++) {
        run.trace_len = 0;
        note("commit %d of %d %d%s:", i, run.world.commits[i].parents[0],
             run.world.commits[i].parents[1], run.world.commits[i].gone ? " (gone)" : "");
        note_state(&run.world.commits[i].state);
        printf("# %s\n", run.trace);
    }
    exit(1);
}

/* ---- asking ---- */

static struct answer ask(const struct hand *hand, const struct request *request)
{
    struct answer answer;

    hand_ask(hand, request);
    hand_answer(hand, &answer);
    return answer;
}

static struct answer ask_any(const struct request *request)
{
    return ask(&run.hands[below(HANDS)], request);
}

static struct answer need(const struct request *request, const char *what)
{
    struct answer answer = ask_any(request);

    if (answer.code < 0) {
        lose(what, answer.text);
    }
    return answer;
}

static void open_hand(const struct hand *hand)
{
    struct request request = {.kind = ASK_OPEN};
    struct answer answer;

    snprintf(request.path, sizeof request.path, "%s", run.path);
    answer = ask(hand, &request);
    if (answer.code < 0) {
        lose("open", answer.text);
    }
}

/* ---- making orders ---- */

/* A commit that is there for sure, -1 if chance finds none. */
static int some_commit(void)
{
    for (int tries = 0; tries < 20; tries++) {
        int i = run.world.n_commits - 1 -
                below(chance(70) && run.world.n_commits > 8 ? 8 : run.world.n_commits);

        if (!run.world.commits[i].gone) {
            return i;
        }
    }
    return -1;
}

static int some_ref(bool alive)
{
    for (int tries = 0; tries < 20; tries++) {
        int ref = below(REFS);

        if ((run.world.refs[ref] >= 0) == alive) {
            return ref;
        }
    }
    return alive ? 0 : -1;
}

static void edit(struct state *state)
{
    int at = below(KEYS);
    int other = below(KEYS);
    struct thing *thing = &state->at[at];
    struct thing kept = *thing;

    switch (below(5)) {
    case 0: /* made, or something new under an old name */
        *thing = (struct thing){++run.next_id, ++run.next_value, chance(10)};
        break;
    case 1:
        *thing = (struct thing){0};
        break;
    case 2: /* renamed; swapped if there is another */
        *thing = state->at[other];
        state->at[other] = kept;
        break;
    default:
        if (!thing->id) {
            thing->id = ++run.next_id;
        }
        thing->value = chance(30) ? 1 : ++run.next_value;
        thing->tainted = chance(10);
    }
}

static void make_publish(struct order *order)
{
    int head = run.world.refs[order->ref];
    bool marks[COMMITS_MAX] = {false};

    order->start = head < 0 ? 0 : head;
    if (head >= 0 && chance(30)) {
        int back = some_commit();

        world_ancestors(&run.world, head, marks);
        order->start = back >= 0 && marks[back] ? back : head;
    }
    order->edited = run.world.commits[order->start].state;
    for (int n = 1 + below(3); n > 0; n--) {
        edit(&order->edited);
    }
}

static void make_move(struct order *order)
{
    order->source = some_commit();
    order->start = run.world.refs[order->ref];
    if (chance(5)) {
        order->start = chance(50) ? -1 : some_commit();
    } else if (order->start >= 0 && order->ref != 0 && chance(40)) {
        order->source = -1;
    }
    if (order->source < 0 && (order->start < 0 || order->ref == 0)) {
        order->source = run.world.refs[0];
    }
}

static struct order make_order(void)
{
    struct order order = {.ref = some_ref(!chance(3)), .start = -1, .source = -1};
    int dice = below(100);

    if (order.ref < 0) {
        order.ref = 0;
    }
    order.dry_run = chance(8);
    if (dice < 42) {
        order.kind = ORDER_PUBLISH;
        make_publish(&order);
    } else if (dice < 64) {
        int from = some_ref(true);

        order.kind = ORDER_MERGE;
        order.source = chance(75) ? run.world.refs[from] : some_commit();
        order.no_fast_forward = chance(20);
    } else if (dice < 79) {
        order.kind = ORDER_PICK;
        order.revert = chance(50);
        order.mainline = chance(25) ? 1 + (unsigned)below(2) : 0;
        order.n_picks = 1 + (chance(30) ? below(PICKS_MAX) : 0);
        for (int i = 0; i < order.n_picks; i++) {
            order.picks[i] = some_commit();
            if (order.picks[i] < 0) {
                order.picks[i] = run.world.refs[0];
            }
        }
    } else if (dice < 93) {
        order.kind = ORDER_MOVE;
        order.dry_run = false;
        if (chance(50)) {
            int missing = some_ref(false);

            order.ref = missing >= 0 ? missing : order.ref;
        }
        make_move(&order);
    } else {
        order.kind = ORDER_COLLECT;
    }
    if (order.kind == ORDER_MERGE && order.source < 0) {
        order.source = run.world.refs[0];
    }
    return order;
}

static struct hash hash_of(int commit)
{
    return commit < 0 ? (struct hash){{0}} : run.hashes[commit];
}

static struct request request_of(const struct order *order, bool at_once)
{
    struct request request = {.kind = ASK_ORDER,
                              .order = *order,
                              .keep_reflog = at_once,
                              .start = hash_of(order->start),
                              .source = hash_of(order->source)};

    for (int i = 0; i < order->n_picks; i++) {
        request.picks[i] = hash_of(order->picks[i]);
    }
    return request;
}

/* ---- comparing ---- */

static int verdict_of(const struct answer *answer)
{
    switch (answer->code) {
    case 0:
        return DONE;
    case CORRIE_E_CONFLICT:
        return CONFLICT;
    case CORRIE_E_NOT_FOUND:
        return GONE_REF;
    case CORRIE_E_EXISTS:
        return EXISTS;
    case CORRIE_E_USAGE:
        return USAGE;
    default:
        return -1;
    }
}

static bool is_made(const struct model_commit *commit, const struct made *made,
                    const struct hash *hashes)
{
    for (int i = 0; i < 2; i++) {
        struct hash parent = {{0}};

        if (i < commit->n_parents) {
            parent = hashes[commit->parents[i]];
        }
        if (!hash_eq(&parent, &made->parents[i])) {
            return false;
        }
    }
    return state_eq(&commit->state, &made->state) && made->tainted == state_tainted(&commit->state);
}

/* Whether the model's outcome is what the catalog answered; notes what new commits are called. */
static bool agrees(const struct world *world, const struct order *order,
                   const struct outcome *outcome, const struct answer *answer, struct hash *hashes)
{
    if (verdict_of(answer) != (int)outcome->verdict) {
        return false;
    }
    if (outcome->verdict != DONE || order->kind >= ORDER_MOVE) {
        return true;
    }
    if (answer->changed != outcome->changed || answer->fast_forward != outcome->fast_forward) {
        return false;
    }
    for (int i = 0; i < outcome->n_made && !order->dry_run; i++) {
        int made = outcome->made[i];

        if (order->kind == ORDER_PICK && (made < 0) != hash_is_zero(&answer->commits[i])) {
            return false;
        }
        if (made >= 0 && outcome->fast_forward && !hash_eq(&hashes[made], &answer->commits[i])) {
            return false;
        }
        if (made < 0) {
            continue;
        }
        hashes[made] = answer->commits[i];
        if (!is_made(&world->commits[made], &answer->made[i], hashes)) {
            return false;
        }
    }
    return true;
}

static struct answer state_of(int ref)
{
    return need(&(struct request){.kind = ASK_STATE, .ref = ref}, "read a ref");
}

static bool stands(const struct world *world, const struct hash *hashes, int ref,
                   const struct answer *answer)
{
    int head = world->refs[ref];

    if (head < 0) {
        return hash_is_zero(&answer->head);
    }
    return hash_eq(&hashes[head], &answer->head) &&
           state_eq(&world->commits[head].state, &answer->state) &&
           answer->tainted == state_tainted(&answer->state);
}

static void count(const struct order *order, const struct answer *answer)
{
    run.n_orders++;
    run.verdicts[order->kind][verdict_of(answer)]++;
}

static void check_answer(const struct order *order, const struct answer *answer)
{
    if (verdict_of(answer) < 0) {
        note_order(order);
        lose("an order failed", answer->text);
    }
    count(order, answer);
}

/* ---- one after the other ---- */

static void check_garbage(void)
{
    int i = below(run.world.n_commits);
    struct request request = {.kind = ASK_STORED, .start = hash_of(i)};
    struct answer answer;

    if (hash_is_zero(&request.start)) {
        return;
    }
    answer = need(&request, "look for a commit");
    if (run.world.commits[i].gone == (answer.count > 0)) {
        char text[64];

        snprintf(text, sizeof text, "commit %d", i);
        lose(answer.count ? "garbage stayed" : "something in reach was removed", text);
    }
}

static void one_order(void)
{
    struct order order = make_order();
    struct request request = request_of(&order, false);
    struct outcome outcome;
    struct answer answer;

    note_order(&order);
    if (order.kind == ORDER_COLLECT) {
        hands_age(5);
    }
    answer = ask_any(&request);
    check_answer(&order, &answer);
    outcome = world_apply(&run.world, &order);
    if (!agrees(&run.world, &order, &outcome, &answer, run.hashes)) {
        lose("another answer than the model's", answer.text);
    }
    for (int ref = 0; ref < REFS; ref++) {
        if (ref == order.ref || chance(20)) {
            struct answer state = state_of(ref);

            if (!stands(&run.world, run.hashes, ref, &state)) {
                lose("a ref does not stand where the model has it", "after the last order");
            }
        }
    }
    if (order.kind == ORDER_COLLECT && !order.dry_run) {
        check_garbage();
    }
}

/* ---- at once ---- */

/* Whether the orders in this sequence explain everything; then that is what happened. */
static bool explains(const int *sequence, int n, const struct order *orders,
                     const struct answer *answers, const struct answer *states)
{
    static struct world world;
    static struct hash hashes[COMMITS_MAX];

    world = run.world;
    memcpy(hashes, run.hashes, sizeof hashes);
    for (int i = 0; i < n; i++) {
        int which = sequence[i];
        struct outcome outcome = world_apply(&world, &orders[which]);

        if (!agrees(&world, &orders[which], &outcome, &answers[which], hashes)) {
            return false;
        }
    }
    for (int ref = 0; ref < REFS; ref++) {
        if (!stands(&world, hashes, ref, &states[ref])) {
            return false;
        }
    }
    run.world = world;
    memcpy(run.hashes, hashes, sizeof hashes);
    return true;
}

static void orders_at_once(void)
{
    static const int sequences[6][AT_ONCE] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                              {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct order orders[AT_ONCE];
    struct answer answers[AT_ONCE];
    struct answer states[REFS];

    note(" at once:\n");
    for (int i = 0; i < AT_ONCE; i++) {
        orders[i] = make_order();
        note_order(&orders[i]);
    }
    for (int i = 0; i < AT_ONCE; i++) {
        struct request request = request_of(&orders[i], true);

        hand_ask(&run.hands[i], &request);
    }
    for (int i = 0; i < AT_ONCE; i++) {
        hand_answer(&run.hands[i], &answers[i]);
        check_answer(&orders[i], &answers[i]);
        note("  -> %d %s\n", answers[i].code, answers[i].text);
    }
    for (int ref = 0; ref < REFS; ref++) {
        states[ref] = state_of(ref);
    }
    run.n_rounds++;
    for (int i = 0; i < 6; i++) {
        if (explains(sequences[i], AT_ONCE, orders, answers, states)) {
            return;
        }
    }
    lose("no sequence of orders given at once explains their answers", "");
}

/* ---- a sequence ---- */

static void begin(void)
{
    _cleanup_(object_list_done) struct object_list objects = {0};
    corrie_error err = CORRIE_ERROR_INIT;
    struct catalog *catalog = NULL;
    struct commit commit = {.author = STR("model"), .message = STR("begin")};
    struct catalog_move move = {
        .ref = STR("main"), .kind = CATALOG_BRANCH, .who = STR("model"), .why = STR("begin")};
    int r;

    run.world = (struct world){.n_commits = 1, .refs = {0, -1, -1, -1, -1}};
    r = os_dir_make(run.path, 0700, &err);
    if (r >= 0) {
        r = catalog_create(run.path, &err);
    }
    if (r >= 0) {
        r = catalog_open(run.path, NULL, &catalog, &err);
    }
    if (r >= 0) {
        r = tree_empty(catalog, &objects, &commit.tree, &err);
    }
    if (r >= 0) {
        r = commit_add(catalog, &commit, &objects, &move.new_commit, &err);
    }
    if (r >= 0) {
        r = catalog_commit(catalog, &objects, &move, &err);
    }
    if (r < 0) {
        lose("begin", corrie_error_message(&err));
    }
    run.hashes[0] = move.new_commit;
    object_list_done(&objects);
    catalog_close(catalog);
}

static void check_history(void)
{
    int bases[COMMITS_MAX];

    for (int ref = 0; ref < REFS; ref++) {
        bool marks[COMMITS_MAX] = {false};
        struct answer answer =
            need(&(struct request){.kind = ASK_HISTORY, .ref = ref}, "walk the history");
        uint64_t n = 0;

        world_ancestors(&run.world, run.world.refs[ref], marks);
        for (int i = 0; i < run.world.n_commits; i++) {
            n += marks[i];
        }
        if (answer.count != n) {
            lose("the history has another length", "at the end");
        }
    }
    for (int i = 0; i < 4; i++) {
        int a = run.world.refs[some_ref(true)];
        int b = some_commit();
        struct answer answer;
        int n;
        int found = 0;

        if (b < 0) {
            continue;
        }
        answer =
            need(&(struct request){.kind = ASK_BASES, .start = hash_of(a), .source = hash_of(b)},
                 "find common ancestors");
        n = world_bases(&run.world, a, b, bases);
        for (int j = 0; j < n; j++) {
            for (int k = 0; k < answer.n_commits; k++) {
                found += hash_eq(&run.hashes[bases[j]], &answer.commits[k]);
            }
        }
        if (found != n || answer.n_commits != n) {
            lose("other best common ancestors", "at the end");
        }
    }
}

static void one_sequence(const char *directory, long number)
{
    corrie_error err = CORRIE_ERROR_INIT;
    struct answer answer;
    int steps;

    run.sequence = number;
    run.dice = run.seed;
    run.dice = roll() + (uint64_t)number;
    run.next_id = run.next_value = 0;
    run.trace_len = 0;
    run.trace[0] = '\0';
    steps = 8 + below(STEPS_MAX - 8);
    snprintf(run.path, sizeof run.path, "%s/%ld", directory, number);
    begin();
    for (int i = 0; i < HANDS; i++) {
        open_hand(&run.hands[i]);
    }
    for (int step = 0; step < steps && run.world.n_commits < COMMITS_MAX - AT_ONCE * PICKS_MAX;
         step++) {
        if (chance(25)) {
            orders_at_once();
        } else {
            one_order();
        }
        if (chance(1)) {
            struct hand *hand = &run.hands[below(HANDS)];

            hand_kill(hand);
            open_hand(hand);
        }
    }
    check_history();
    answer = need(&(struct request){.kind = ASK_CHECK}, "check");
    if (answer.count > 0) {
        lose("the check found a problem", answer.text);
    }
    if (os_tree_remove(run.path, &err) < 0) {
        lose("remove the catalog", corrie_error_message(&err));
    }
}

static void report(long n)
{
    static const char *const names[] = {"publish", "merge", "pick", "move", "collect"};

    printf("ok 1 - the catalog does what the model says\n");
    printf("# %ld sequences, %llu orders, %llu rounds of %d orders at once\n", n,
           (unsigned long long)run.n_orders, (unsigned long long)run.n_rounds, AT_ONCE);
    for (int kind = 0; kind < ORDER_KINDS; kind++) {
        printf("# %s: done %llu, conflict %llu, no such ref %llu, exists %llu, usage %llu\n",
               names[kind], (unsigned long long)run.verdicts[kind][DONE],
               (unsigned long long)run.verdicts[kind][CONFLICT],
               (unsigned long long)run.verdicts[kind][GONE_REF],
               (unsigned long long)run.verdicts[kind][EXISTS],
               (unsigned long long)run.verdicts[kind][USAGE]);
    }
}

int main(int argc, char **argv)
{
    corrie_error err = CORRIE_ERROR_INIT;
    long first = argc > 3 ? atol(argv[3]) : 0;
    long n = argc > 1                     ? atol(argv[1])
             : getenv("CORRIE_TORTURE")   ? 1000000
             : getenv("CORRIE_SANITIZED") ? 800
                                          : 2500;
    char *directory = NULL;

    run.seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 20261121;
    if (!getenv("TMPDIR") && access("/dev/shm", W_OK) == 0) {
        (void)setenv("TMPDIR", "/dev/shm", 1); /* faults.py and fault_catalog see to the disk */
    }
    printf("1..1\n");
    hands_begin();
    if (os_temp_dir("corrie-model", &directory, &err) < 0) {
        lose("begin", corrie_error_message(&err));
    }
    for (int i = 0; i < HANDS; i++) {
        hand_start(&run.hands[i]);
    }
    for (long i = 0; i < n; i++) {
        one_sequence(directory, first + i);
    }
    for (int i = 0; i < HANDS; i++) {
        hand_end(&run.hands[i]);
    }
    if (os_tree_remove(directory, &err) < 0) {
        lose("end", corrie_error_message(&err));
    }
    mem_free(directory);
    report(n);
    return 0;
}
