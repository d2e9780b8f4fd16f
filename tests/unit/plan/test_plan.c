#include <stdlib.h>

#include "arrow/type.h"
#include "base/json.h"
#include "base/mem.h"
#include "cache/cache.h"
#include "engine/engine.h"
#include "os/dir.h"
#include "plan/build_priv.h"
#include "tests/unit/plan/support.h"

/* Plans sample's files over `tables` (JSON); negative is left in sample->err. */
static int make(struct sample *sample, const char *tables, struct engine *engine,
                const struct plan_options *options)
{
    corrie_error err = CORRIE_ERROR_INIT;
    _json_ json_t *lake_json = NULL;

    ck_ok(js_parse(str_of(tables), "tables", &lake_json, &err), &err);
    struct lake_double lake = {.tables = lake_json};
    struct plan_catalog catalog = lake_catalog(&lake);
    sample->plan = plan_free(sample->plan);
    ck_ok(sample_declare(sample, NULL), &sample->err);
    return plan_build(sample->project, sample->declarations, &catalog, engine, options,
                      &sample->plan, &sample->err);
}

#define EVENTS "{\"public.events\": {\"id\": \"long\", \"day\": \"date\", \"country\": \"string\"}}"

/* Indexes point backward: what a node reads and what a step waits for has come before. */
static void check_invariants(const struct plan *plan)
{
    for (size_t i = 0; i < plan->n_nodes; i++) {
        for (size_t k = 0; k < plan->nodes[i].n_edges; k++) {
            const struct plan_edge *edge = &plan->nodes[i].edges[k];
            ck_assert((edge->node == PLAN_NONE) != (edge->source == PLAN_NONE));
            ck_assert(edge->node == PLAN_NONE || edge->node < i);
            ck_assert(edge->source == PLAN_NONE || edge->source < plan->n_sources);
            ck_assert((edge->scan == PLAN_NONE) == (edge->source == PLAN_NONE));
        }
    }
    for (size_t i = 0; i < plan->n_steps; i++) {
        for (size_t k = 0; k < plan->steps[i].n_after; k++) {
            ck_assert_uint_lt(plan->steps[i].after[k], i);
            ck_assert(k == 0 || plan->steps[i].after[k - 1] < plan->steps[i].after[k]);
        }
    }
}

START_TEST(parameters_have_types)
{
    struct sample sample;
    const struct str given[] = {STR("day=2024-01-31"), STR("limit=-5"), STR("flag=yes")};
    struct plan_options options = {.parameters = given, .n_parameters = 3};

    sample_init(&sample);
    sample_project(&sample, "parameters:\n"
                            "  day: {type: str, required: true}\n"
                            "  limit: {type: int, default: 10}\n"
                            "  rate: {type: float, default: 0.5}\n"
                            "  flag: {type: bool, default: false}\n"
                            "  none: {type: str}\n");
    sample_file(
        &sample, "m.py",
        "import corrie\n"
        "@corrie.model()\n"
        "def m(a=corrie.Model('events', filter=\"country = $day AND id > $limit OR id < $rate\"),\n"
        "      limit=corrie.Parameter('limit'), none=corrie.Parameter('none')):\n"
        "    return a\n");
    ck_ok(make(&sample, EVENTS, NULL, &options), &sample.err);
    const struct plan_node *node = &sample.plan->nodes[0];
    ck_assert_uint_eq(node->n_parameters, 2);
    ck_assert_int_eq(node->parameters[0]->value.i, -5);
    ck_assert(node->parameters[0]->given && node->parameters[0]->has_value);
    ck_assert(!node->parameters[1]->has_value);
    ck_assert_ptr_nonnull(strstr(node->edges[0].filter.data, "'2024-01-31'"));
    ck_assert_ptr_nonnull(strstr(node->edges[0].filter.data, "-5"));
    ck_assert_ptr_null(memchr(node->edges[0].filter.data, '$', node->edges[0].filter.len));

    static const struct {
        const char *given;
        const char *part;
    } bad[] = {
        {"limit=many", "limit"},
        {"limt=3", "there is no parameter 'limt'"},
        {"limit", "--param limit has no value"},
        {"rate=1", "parameter day needs a value"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct str one = str_of(bad[i].given);
        struct plan_options wrong = {.parameters = &one, .n_parameters = 1};
        ck_assert_int_eq(make(&sample, EVENTS, NULL, &wrong), CORRIE_E_USAGE);
        ck_assert_msg(strstr(corrie_error_message(&sample.err), bad[i].part) != NULL, "%s: %s",
                      bad[i].given, corrie_error_message(&sample.err));
    }
    ck_assert_str_eq(sample.err.hint, "give it by --param day=…");

    /* who only looks need not give it: the condition stays as it is */
    struct plan_options looks = {.valueless = true};
    ck_ok(make(&sample, EVENTS, NULL, &looks), &sample.err);
    ck_assert_ptr_nonnull(strstr(sample.plan->nodes[0].edges[0].filter.data, "= $day AND"));
    sample_done(&sample);
}
END_TEST

/* $name is a value where SQL has one, and text where it is text. */
START_TEST(substitutes_in_sql)
{
    static const struct {
        const char *sql;
        const char *expected;
    } cases[] = {
        {"SELECT $n", "SELECT 7"},
        {"SELECT $s || $s", "SELECT 'it''s' || 'it''s'"},
        {"SELECT $f, $b, $neg", "SELECT CAST(0.5 AS DOUBLE), TRUE, (-1)"},
        {"SELECT $none", "SELECT CAST(NULL AS VARCHAR)"},
        {"SELECT '$n', \"$n\", 'it''s $n'", "SELECT '$n', \"$n\", 'it''s $n'"},
        {"SELECT E'a\\'$n', $n", "SELECT E'a\\'$n', 7"},
        {"-- $n\nSELECT $n /* $n /* $n */ $n */ + $n", "-- $n\nSELECT 7 /* $n /* $n */ $n */ + 7"},
        {"SELECT $$ $n $$, $t$ $n $t$, $n", "SELECT $$ $n $$, $t$ $n $t$, 7"},
        {"SELECT a$n, $1", "SELECT a$n, $1"},
        {"SELECT 'open $n", "SELECT 'open $n"},
        {"SELECT /* open $n", "SELECT /* open $n"},
        {"$", "$"},
        {"", ""},
    };
    static const struct {
        const char *name;
        struct param_value value;
    } values[] = {
        {"n", {.type = PARAM_INT, .text = {"7", 1}, .i = 7}},
        {"neg", {.type = PARAM_INT, .text = {"-1", 2}, .i = -1}},
        {"s", {.type = PARAM_STR, .text = {"it's", 4}}},
        {"f", {.type = PARAM_FLOAT, .text = {"0.5", 3}, .f = 0.5}},
        {"b", {.type = PARAM_BOOL, .text = {"true", 4}, .i = 1}},
    };
    struct plan plan = {0};
    struct planning p = {.plan = &plan, .arena = &plan.arena};
    struct plan_parameter parameters[6] = {{.name = STR("none"), .value = {.type = PARAM_STR}}};
    corrie_error err = CORRIE_ERROR_INIT;

    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        parameters[i + 1] =
            (struct plan_parameter){str_of(values[i].name), true, false, values[i].value};
    }
    plan.parameters = parameters;
    plan.n_parameters = ARRAY_LEN(parameters);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct source_file source = {.path = STR("m.sql"), .text = str_of(cases[i].sql)};
        struct substituted result;
        ck_ok(plan_substitute(&p, &source, &result, &err), &err);
        ck_str_eq(result.text, str_of(cases[i].expected));
    }

    /* places of the result are places of the source */
    struct source_file source = {.path = STR("m.sql"), .text = STR("SELECT $s,\n  $n + nonsense")};
    struct substituted result;
    ck_ok(plan_substitute(&p, &source, &result, &err), &err);
    ck_str_eq(result.text, STR("SELECT 'it''s',\n  7 + nonsense"));
    ck_assert_uint_eq(plan_map_offset(&result, 0), 0);
    ck_assert_uint_eq(plan_map_offset(&result, 9), 7);
    ck_assert_uint_eq(plan_map_offset(&result, 14), 9);
    corrie_fail(&err, CORRIE_E_PROJECT, "x");
    corrie_error_at(&err, "m.sql", 2, 7, 8, STR("  7 + nonsense"));
    plan_map_error(&result, &source, &err);
    ck_assert_int_eq(err.position.line, 2);
    ck_assert_int_eq(err.position.column, 8);
    ck_assert_str_eq(err.position.text, "  $n + nonsense");
    corrie_error_clear(&err);
    arena_done(&plan.arena);
}
END_TEST

START_TEST(orders_long_chains)
{
    struct sample sample;
    _cleanup_(buf_done) struct buf text = {0};
    enum { N = 10000 };

    sample_init(&sample);
    sample_project(&sample, "");
    buf_add_text(&text, "import corrie\n");
    for (int i = 0; i < N; i++) { /* each reads the one declared after it */
        buf_addf(&text,
                 "@corrie.model(materialization_strategy='REPLACE')\n"
                 "def m%d(a=corrie.Model('%s%.0d')): return a\n",
                 i, i + 1 < N ? "m" : "events", i + 1 < N ? i + 1 : 0);
    }
    sample_file(&sample, "m.py", buf_text(&text));
    ck_ok(make(&sample, EVENTS, NULL, NULL), &sample.err);
    ck_assert_uint_eq(sample.plan->n_nodes, N);
    ck_str_eq(sample.plan->nodes[0].name, STR("m9999"));
    ck_str_eq(sample.plan->nodes[N - 1].name, STR("m0"));
    check_invariants(sample.plan);
    /* scan, env, and two a model, and publishing */
    ck_assert_uint_eq(sample.plan->n_steps, 2 + 2 * N + 1);
    ck_assert_int_eq(sample.plan->steps[sample.plan->n_steps - 1].kind, STEP_PUBLISH);
    ck_assert_uint_eq(sample.plan->n_environments, 1);

    buf_clear(&text);
    ck_ok(plan_print_tree(sample.plan, &text, &sample.err), &sample.err);
    ck_ok(plan_print_steps(sample.plan, &text, &sample.err), &sample.err);
    ck_assert_uint_gt(text.len, 0);
    sample_done(&sample);
}
END_TEST

/* The code hash does not see parameters or packages; the fingerprint must. */
START_TEST(fingerprints_what_matters)
{
    static const char model[] =
        "import corrie\n@corrie.model(%s)\n@corrie.python(%s)\n"
        "def m(a=corrie.Model('events'), n=corrie.Parameter('n')): return a\n";
    static const struct {
        const char *decorator;
        const char *python;
        const char *parameter;
        bool same;
    } cases[] = {
        {"", "'3.11'", "n=1", true},
        {"materialization_strategy='REPLACE'", "'3.11'", "n=1", true},
        {"", "'3.12'", "n=1", false},
        {"", "'3.11', pip={'polars': '1'}", "n=1", false},
        {"", "'3.11'", "n=2", false},
        {"columns=['id']", "'3.11'", "n=1", false},
        {"internet_access=True", "'3.11'", "n=1", false},
    };
    struct sample sample;
    struct hash first = {0};

    sample_init(&sample);
    sample_project(&sample, "parameters:\n  n: {type: int}\n");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_(buf_done) struct buf text = {0};
        struct str given = str_of(cases[i].parameter);
        struct plan_options options = {.parameters = &given, .n_parameters = 1};
        buf_addf(&text, model, cases[i].decorator, cases[i].python);
        sample_file(&sample, "m.py", buf_text(&text));
        ck_ok(make(&sample, EVENTS, NULL, &options), &sample.err);
        const struct hash *fingerprint = &sample.plan->nodes[0].fingerprint;
        first = i == 0 ? *fingerprint : first;
        ck_assert_msg(hash_eq(&first, fingerprint) == cases[i].same, "case %zu", i);
    }
    sample_done(&sample);
}
END_TEST

static char *document_of(const struct plan *plan)
{
    _cleanup_(buf_done) struct buf text = {0};
    corrie_error err = CORRIE_ERROR_INIT;
    _json_ json_t *doc = NULL;

    ck_ok(plan_to_json(plan, &doc, &err), &err);
    ck_ok(js_format(doc, 1, &text, &err), &err);
    return buf_take(&text);
}

/* What was bound once needs no engine the second time, and gives the same plan; another type of a column
 * is another question. */
START_TEST(keeps_bindings)
{
    struct sample sample;
    char *dir;
    _cleanup_(cache_closep) struct cache *cache = NULL;
    _cleanup_(engine_closep) struct engine *engine = NULL;
    struct engine_options locked = {.locked = true, .threads = 1, .memory = 256 << 20};

    sample_init(&sample);
    ck_ok(os_temp_dir("corrie-cache", &dir, &sample.err), &sample.err);
    struct cache_options cache_options = {.dir = str_of(dir)};
    ck_ok(cache_open(&cache_options, &cache, &sample.err), &sample.err);
    ck_ok(engine_open(&locked, &engine, &sample.err), &sample.err);
    sample_project(&sample, "");
    sample_file(&sample, "a.sql",
                "SELECT id, day, [country] AS l, {'x': id} AS s FROM events WHERE id > 3");
    sample_file(&sample, "b.sql",
                "SELECT count(*) AS n, max(s.x) AS m FROM a, events e WHERE a.id = e.id");
    struct plan_options options = {.cache = cache};
    ck_ok(make(&sample, EVENTS, engine, &options), &sample.err);
    _free_ char *first = document_of(sample.plan);
    ck_ok(make(&sample, EVENTS, NULL, &options), &sample.err);
    _free_ char *second = document_of(sample.plan);
    ck_assert_str_eq(first, second);
    ck_assert_ptr_nonnull(strstr(first, "struct<x: long>"));

    ck_assert_int_eq(make(&sample,
                          "{\"public.events\": {\"id\": \"int\", \"day\": \"date\", "
                          "\"country\": \"string\"}}",
                          NULL, &options),
                     CORRIE_E_INTERNAL);
    ck_ok(os_tree_remove(dir, &sample.err), &sample.err);
    mem_free(dir);
    sample_done(&sample);
}
END_TEST

static int fail_countdown(void *arg)
{
    long *left = arg;

    return (*left)-- <= 0;
}

/* Memory that runs out, anywhere: an error, nothing lost, nothing half. */
START_TEST(survives_lack_of_memory)
{
    struct sample sample;
    char *dir;
    struct cache *cache = NULL;
    long k = 0;
    int r;

    sample_init(&sample);
    ck_ok(os_temp_dir("corrie-cache", &dir, &sample.err), &sample.err);
    struct cache_options cache_options = {.dir = str_of(dir)};
    sample_project(&sample, "parameters:\n  n: {type: int, default: 3}\n");
    sample_file(&sample, "m.py",
                "import corrie, helper\n"
                "@corrie.model(columns=['id'], materialization_strategy='REPLACE')\n"
                "@corrie.python('3.11', pip={'polars': '1.15.0'})\n"
                "def m(a=corrie.Model('events', columns=['id'], filter='id > $n')): return helper\n"
                "@corrie.expectation()\n"
                "def c(a=corrie.Model('m')): return True\n");
    sample_file(&sample, "helper.py", "x = 1\n");
    ck_ok(cache_open(&cache_options, &cache, &sample.err), &sample.err);
    ck_ok(sample_declare(&sample, cache), &sample.err); /* no process below */
    cache_close(cache);
    cache = NULL;

    corrie_error err = CORRIE_ERROR_INIT;
    _json_ json_t *lake_json = NULL;
    ck_ok(js_parse(STR(EVENTS), "tables", &lake_json, &err), &err);
    struct lake_double lake = {.tables = lake_json};
    struct plan_catalog catalog = lake_catalog(&lake);
    do {
        struct project_dir *project = NULL;
        struct declarations *declarations = NULL;
        struct plan *plan = NULL;
        _cleanup_(buf_done) struct buf tree = {0};
        json_t *doc = NULL;
        long left = k;
        mem_set_fault(fail_countdown, &left);
        r = cache_open(&cache_options, &cache, &err);
        struct declare_options declare = {.cache = cache};
        struct plan_options options = {.cache = cache};
        r = r < 0 ? r : project_open(str_of(sample.dir), &project, &err);
        r = r < 0 ? r : declare_read(project, &declare, &declarations, &err);
        r = r < 0 ? r : plan_build(project, declarations, &catalog, NULL, &options, &plan, &err);
        r = r < 0 ? r : plan_print_tree(plan, &tree, &err);
        r = r < 0 ? r : plan_to_json(plan, &doc, &err);
        mem_set_fault(NULL, NULL);
        ck_assert_msg(r >= 0 || r == CORRIE_E_NO_MEMORY, "allocation %ld: %s (%s)", k,
                      corrie_error_message(&err), corrie_code_name(r));
        json_decref(doc);
        plan_free(plan);
        declarations_free(declarations);
        project_close(project);
        cache = cache_close(cache);
        corrie_error_clear(&err);
        k++;
    } while (r < 0);
    ck_assert_int_gt(k, 100);
    ck_ok(os_tree_remove(dir, &err), &err);
    mem_free(dir);
    sample_done(&sample);
}
END_TEST

/* Secrets stay out of what is stored and shown. */
START_TEST(hides_secrets)
{
    struct sample sample;
    _cleanup_(buf_done) struct buf text = {0};
    _json_ json_t *doc = NULL;
    _json_ json_t *value = NULL;

    sample_init(&sample);
    sample_project(&sample, "parameters:\n  token: {type: secret, default: \"env:TOKEN_NAME\"}\n");
    sample_file(&sample, "m.py",
                "import corrie\n@corrie.model()\n"
                "def m(a=corrie.Model('events'), t=corrie.Parameter('token')): return a\n");
    ck_assert_int_eq(setenv("TOKEN_NAME", "sesame", 1), 0);
    ck_ok(make(&sample, EVENTS, NULL, NULL), &sample.err);
    ck_ok(plan_to_json(sample.plan, &doc, &sample.err), &sample.err);
    ck_ok(js_format(doc, 0, &text, &sample.err), &sample.err);
    ck_assert_ptr_null(strstr(buf_text(&text), "TOKEN_NAME"));
    ck_assert_ptr_null(strstr(buf_text(&text), "sesame"));
    ck_ok(plan_parameter_value(sample.plan, &sample.plan->parameters[0], &value, &sample.err),
          &sample.err);
    ck_assert_str_eq(json_string_value(value), "sesame");
    sample_file(&sample, "m.py",
                "import corrie\n@corrie.model()\n"
                "def m(a=corrie.Model('events', filter='country = $token')): return a\n");
    ck_assert_int_eq(make(&sample, EVENTS, NULL, NULL), CORRIE_E_PROJECT);
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&sample.err), "is a secret"));
    sample_done(&sample);
}
END_TEST

/* The catalog's own failures come through as they are. */
static int failing_lookup(void *context, struct str ref, struct str table_namespace,
                          struct str name, struct arena *arena, struct plan_lake_table *ret,
                          corrie_error *err)
{
    (void)context, (void)ref, (void)table_namespace, (void)name, (void)arena, (void)ret;
    return corrie_fail(err, CORRIE_E_CORRUPT, "the catalog is damaged");
}

START_TEST(passes_on_failures_of_the_lake)
{
    struct sample sample;
    struct plan_catalog catalog = {.lookup = failing_lookup};

    sample_init(&sample);
    sample_project(&sample, "");
    sample_file(&sample, "m.py",
                "import corrie\n@corrie.model()\ndef m(a=corrie.Model('t')): return a\n");
    ck_ok(sample_declare(&sample, NULL), &sample.err);
    ck_assert_int_eq(plan_build(sample.project, sample.declarations, &catalog, NULL, NULL,
                                &sample.plan, &sample.err),
                     CORRIE_E_CORRUPT);
    sample_done(&sample);
}
END_TEST

SUITE(plan_suite, "plan", parameters_have_types, substitutes_in_sql, orders_long_chains,
      keeps_bindings, survives_lack_of_memory, fingerprints_what_matters, hides_secrets,
      passes_on_failures_of_the_lake)
