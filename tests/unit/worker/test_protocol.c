#include "tests/unit/check.h"

#include "base/limits.h"
#include "worker/protocol.h"

/* The vectors of docs/formats/protocol.md and their neighbours. */
static const struct {
    bool good;
    const char *text;
} vectors[] = {
    {true, "{\"m\":\"ready\",\"protocol\":1,\"python\":\"3.11.7\"}"},
    {false, "{\"m\":\"ready\",\"protocol\":2,\"python\":\"3.11.7\"}"},
    {false, "{\"m\":\"ready\",\"protocol\":1,\"python\":\"3.11.7\",\"python\":\"3.12\"}"},
    {false, "{\"m\":\"ready\",\"protocol\":1}"},
    {true, "{\"m\":\"phase\",\"name\":\"call\",\"unknown\":[]}"},
    {false, "{\"m\":\"phase\",\"name\":\"started\"}"},
    {true, "{\"m\":\"log\",\"stream\":\"stdout\",\"lines\":[[\"hello\",\"models.py\",12]]}"},
    {false, "{\"m\":\"log\",\"stream\":\"stdout\",\"lines\":[]}"},
    {false, "{\"m\":\"log\",\"stream\":\"stdout\",\"lines\":[[\"hello\",\"models.py\"]]}"},
    {false, "{\"m\":\"log\",\"stream\":\"stdout\",\"lines\":[[\"hello\",\"models.py\",-1]]}"},
    {false, "{\"m\":\"log\",\"stream\":\"note\",\"lines\":[[\"hello\",\"models.py\",1]]}"},
    {true, "{\"m\":\"log\",\"stream\":\"logging\",\"lines\":[[\"\",\"\",0,\"INFO\"]]}"},
    {false, "{\"m\":\"log\",\"stream\":\"logging\",\"lines\":[[\"\",\"\",0]]}"},
    {true, "{\"m\":\"columns\",\"columns\":[[\"a\",0,0],[\"b\",1,0]]}"},
    {false, "{\"m\":\"columns\",\"columns\":[[\"a\",256,0]]}"},
    {false, "{\"m\":\"columns\",\"columns\":[[\"a\",0.5,0]]}"},
    {false, "{\"m\":\"columns\",\"columns\":{}}"},
    {true, "{\"m\":\"result\",\"rows\":3,\"columns\":2,\"files\":2}"},
    {false, "{\"m\":\"result\",\"rows\":-1,\"columns\":2,\"files\":2}"},
    {false, "{\"m\":\"result\",\"rows\":3,\"columns\":2,\"files\":257}"},
    {true, "{\"m\":\"result\",\"passed\":false,\"reason\":\"x\",\"file\":\"a.py\",\"line\":1}"},
    {false, "{\"m\":\"result\",\"passed\":false,\"reason\":\"x\"}"},
    {true, "{\"m\":\"table\",\"rows\":3,\"columns\":2,\"files\":2}"},
    {false, "{\"m\":\"table\",\"rows\":3,\"columns\":2}"},
    {false, "{\"m\":\"table\",\"passed\":true}"},
    {false, "{\"m\":\"result\",\"passed\":1}"},
    {true,
     "{\"m\":\"error\",\"kind\":\"exit\",\"type\":\"\",\"message\":\"\",\"frames\":[],\"traceback\":\"\"}"},
    {false,
     "{\"m\":\"error\",\"kind\":\"odd\",\"type\":\"\",\"message\":\"\",\"frames\":[],\"traceback\":\"\"}"},
    {false,
     "{\"m\":\"error\",\"kind\":\"exit\",\"type\":\"\",\"message\":\"\",\"frames\":[1],\"traceback\":\"\"}"},
    {false,
     "{\"m\":\"error\",\"kind\":\"exit\",\"type\":\"\",\"message\":\"\",\"traceback\":\"\"}"},
    {false, "{\"m\":\"call\"}"},
    {false, "{}"},
    {false, "[]"},
    {false, "7"},
    {false, ""},
    {false, "{\"m\":\"ready\",\"protocol\":1,\"python\":\"\xff\"}"},
};

/* Whether a message is taken decides whether a hostile function can confuse a run. */
START_TEST(protocol_vectors)
{
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        _cleanup_(message_done) struct message message = {0};
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        int r = message_decode(str_of(vectors[i].text), &message, &err);

        ck_assert_msg(r == (vectors[i].good ? 0 : CORRIE_E_DATA), "%s: %d %s", vectors[i].text, r,
                      corrie_error_message(&err));
    }
}
END_TEST

static int step(struct protocol *protocol, const char *text, size_t n_fds)
{
    _cleanup_(message_done) struct message message = {0};
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    ck_ok(message_decode(str_of(text), &message, &err), &err);
    return protocol_accept(protocol, &message, n_fds, &err);
}

static const char ready[] = "{\"m\":\"ready\",\"protocol\":1,\"python\":\"3.11.7\"}";
static const char import[] = "{\"m\":\"phase\",\"name\":\"import\"}";
static const char call[] = "{\"m\":\"phase\",\"name\":\"call\"}";
static const char output[] = "{\"m\":\"phase\",\"name\":\"output\"}";
static const char line[] = "{\"m\":\"log\",\"stream\":\"stdout\",\"lines\":[[\"\",\"\",0]]}";
static const char columns[] = "{\"m\":\"columns\",\"columns\":[[\"a\",0,0],[\"b\",1,0]]}";
static const char more[] = "{\"m\":\"columns\",\"columns\":[[\"c\",1,1]]}";
static const char result[] = "{\"m\":\"result\",\"rows\":3,\"columns\":3,\"files\":2}";
static const char passed[] = "{\"m\":\"result\",\"passed\":true}";
static const char error[] =
    "{\"m\":\"error\",\"kind\":\"exit\",\"type\":\"\",\"message\":\"\",\"frames\":[],\"traceback\":\"\"}";

/* The order of a good call, and what may not come at each of its moments. */
START_TEST(protocol_order)
{
    static const char *const good[] = {ready,  import,  line, call,  line,
                                       output, columns, more, result};
    static const char *const all[] = {ready,   import, call,   output, line,
                                      columns, result, passed, error};
    struct protocol protocol = {.kind = WORKER_MODEL};

    ck_assert_int_eq(step(&protocol, error, 0), CORRIE_E_DATA);
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct protocol other = protocol;

        ck_assert_int_eq(step(&other, passed, 0), CORRIE_E_DATA);
        ck_assert_msg(step(&protocol, good[i], good[i] == columns ? 2 : 0) == 0, "%s", good[i]);
    }
    ck_assert_int_eq(protocol.state, STATE_ENDED);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        ck_assert_int_eq(step(&protocol, all[i], 0), CORRIE_E_DATA);
    }
}
END_TEST

/* Files are counted: no column may lie in one that was not sent, no result may hide one. */
START_TEST(protocol_files)
{
    struct protocol at_output = {.kind = WORKER_MODEL, .state = STATE_OUTPUT};
    struct protocol protocol = at_output;

    ck_assert_int_eq(step(&protocol, columns, 1), CORRIE_E_DATA);
    protocol = at_output;
    ck_assert_int_eq(step(&protocol, columns, 65), CORRIE_E_DATA);
    protocol = at_output;
    ck_assert_int_eq(step(&protocol, line, 1), CORRIE_E_DATA);
    protocol = at_output;
    ck_assert_int_eq(step(&protocol, columns, 3), 0);
    ck_assert_int_eq(step(&protocol, result, 0), CORRIE_E_DATA);
    protocol = (struct protocol){.kind = WORKER_EXPECTATION, .state = STATE_OUTPUT};
    ck_assert_int_eq(step(&protocol, columns, 2), CORRIE_E_DATA);
    ck_assert_int_eq(step(&protocol, passed, 0), 0);
}
END_TEST

/* A model of several tables sends as many as it was asked for, neither fewer nor more. */
START_TEST(protocol_tables)
{
    static const char table[] = "{\"m\":\"table\",\"rows\":3,\"columns\":2,\"files\":2}";
    static const char last[] = "{\"m\":\"result\",\"rows\":3,\"columns\":2,\"files\":2}";
    struct protocol two = {.kind = WORKER_MODEL, .state = STATE_OUTPUT, .n_outputs = 2};
    struct protocol one = {.kind = WORKER_MODEL, .state = STATE_OUTPUT};
    struct protocol other;

    ck_assert_int_eq(step(&one, columns, 2), 0);
    ck_assert_int_eq(step(&one, table, 0), CORRIE_E_DATA);
    ck_assert_int_eq(step(&two, columns, 2), 0);
    other = two;
    ck_assert_int_eq(step(&other, last, 0), CORRIE_E_DATA);
    ck_assert_int_eq(step(&two, table, 0), 0);
    other = two;
    ck_assert_int_eq(step(&other, table, 0), CORRIE_E_DATA); /* without columns of its own */
    ck_assert_int_eq(step(&two, columns, 2), 0);
    other = two;
    ck_assert_int_eq(step(&other, table, 0), CORRIE_E_DATA);
    ck_assert_int_eq(step(&two, last, 0), 0);
    ck_assert_int_eq(two.state, STATE_ENDED);
}
END_TEST

SUITE(protocol_suite, "protocol", protocol_vectors, protocol_order, protocol_files, protocol_tables)
