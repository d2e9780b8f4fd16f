/* hands.h — processes that do what they are told to one catalog, each with a handle of its own. A request and its answer are
 * one struct each over a socket; several hands may be at work at once. */
#ifndef CORRIE_TESTS_MODEL_HANDS_H
#define CORRIE_TESTS_MODEL_HANDS_H

#include <sys/types.h>

#include "base/hash.h"
#include "tests/model/world.h"

enum { HANDS = 3, ANSWER_COMMITS = 64, PATH_BYTES = 256 };

enum request_kind {
    ASK_OPEN,    /* `path`; an open one is closed */
    ASK_ORDER,   /* `order`, commits by `start`, `source` and `picks` */
    ASK_STATE,   /* of the ref: head, state, tainted */
    ASK_BASES,   /* best common ancestors of `start` and `source`: commits */
    ASK_HISTORY, /* of the ref: count; each ancestor once, a child before its parents */
    ASK_STORED,  /* whether commit `start` can be read: count 0 or 1 */
    ASK_CHECK,   /* everything: count = problems, text = the first */
};

struct request {
    enum request_kind kind;
    int ref;
    bool keep_reflog; /* collect */
    char path[PATH_BYTES];
    struct order order;
    struct hash start;
    struct hash source;
    struct hash picks[PICKS_MAX];
};

struct answer {
    int code; /* 0 or the error */
    bool changed;
    bool fast_forward;
    struct hash commits[ANSWER_COMMITS];
    int n_commits;
    struct made {
        struct hash parents[2]; /* zero: there are fewer */
        struct state state;
        uint64_t tainted;
    } made[PICKS_MAX]; /* orders: what the commits are that were made */
    struct hash head;  /* zero: there is no such ref */
    struct state state;
    uint64_t tainted;
    uint64_t count;
    char text[400];
};

struct hand {
    pid_t pid;
    int fd;
};

/* Starts one; it ends when its socket is closed. */
void hand_start(struct hand *hand);
/* kill -9, and a new one with nothing open. */
void hand_kill(struct hand *hand);
void hand_ask(const struct hand *hand, const struct request *request);
void hand_answer(const struct hand *hand, struct answer *ret);
void hand_end(struct hand *hand);

/* Moves the wall clock of all hands on, so that what is there is old. */
void hands_age(int seconds);
void hands_begin(void);

#endif
