/* model.c — @model: what a function makes, one table or several. */
#include "plan/python_priv.h"

#include "base/json.h"

#define MAX_OUTPUTS 100

static const char *const model_keywords[] = {
    "name",
    "columns",
    "partitioned_by",
    "materialization_strategy",
    "cache_strategy",
    "internet_access",
    "overwrite_filter",
    "keys",
    "outputs",
    NULL,
};
enum {
    MODEL_NAME,
    MODEL_COLUMNS,
    MODEL_PARTITIONED_BY,
    MODEL_STRATEGY,
    MODEL_CACHE,
    MODEL_INTERNET,
    MODEL_OVERWRITE_FILTER,
    MODEL_KEYS,
    MODEL_OUTPUTS
};

static const char *const output_keywords[] = {
    "columns", "partitioned_by", "materialization_strategy", "overwrite_filter", "keys", NULL,
};
enum {
    OUTPUT_COLUMNS,
    OUTPUT_PARTITIONED_BY,
    OUTPUT_STRATEGY,
    OUTPUT_OVERWRITE_FILTER,
    OUTPUT_KEYS
};

/* ---- the decorator ------------------------------------------------------------------------------ */

/* What is said of one table that a model makes; `values` are those of output_keywords. */
static int read_table(const struct understanding *u, const struct signature *signature,
                      const json_t *const *values, struct declared_function *table,
                      corrie_error *err)
{
    struct str text;

    int r = value_columns(u, signature, "columns", values[OUTPUT_COLUMNS], &table->columns, err);
    if (r >= 0) {
        r = value_texts(u, signature, "partitioned_by", values[OUTPUT_PARTITIONED_BY],
                        &table->partitioned_by, &table->n_partitioned_by, err);
    }
    if (values[OUTPUT_PARTITIONED_BY]) {
        table->partitioned_by_place = value_place(u, values[OUTPUT_PARTITIONED_BY]);
    }
    if (values[OUTPUT_OVERWRITE_FILTER]) {
        table->overwrite_place = value_place(u, values[OUTPUT_OVERWRITE_FILTER]);
    }
    if (r >= 0) {
        r = value_text(u, signature, "materialization_strategy", values[OUTPUT_STRATEGY], &text,
                       err);
    }
    if (r > 0 && strategy_parse(text, &table->strategy, err) < 0) {
        return value_error_at(u, values[OUTPUT_STRATEGY], err);
    }
    if (r >= 0) {
        r = value_text(u, signature, "overwrite_filter", values[OUTPUT_OVERWRITE_FILTER],
                       &table->overwrite_filter, err);
    }
    if (r >= 0) {
        r = value_columns(u, signature, "keys", values[OUTPUT_KEYS], &table->keys, err);
    }
    if (r >= 0 && table->keys.given && table->keys.all) {
        corrie_fail(err, CORRIE_E_PROJECT, "keys of %s must be named: '*' is no column",
                    signature->name);
        return value_error_at(u, values[OUTPUT_KEYS], err);
    }
    return r < 0 ? r : 0;
}

/* What belongs to one table cannot be said of several at once. */
static int check_beside_outputs(const struct understanding *u, const json_t *const *values,
                                corrie_error *err)
{
    static const int single[] = {MODEL_NAME, MODEL_COLUMNS, MODEL_PARTITIONED_BY,
                                 MODEL_OVERWRITE_FILTER, MODEL_KEYS};

    for (size_t i = 0; i < ARRAY_LEN(single); i++) {
        const json_t *value = values[single[i]];
        if (value && !value_is(value, "none")) {
            corrie_fail(err, CORRIE_E_PROJECT, "%s of @model stands beside outputs",
                        model_keywords[single[i]]);
            corrie_hint(err, "say it of each output: outputs={'table': {…}}");
            return value_error_at(u, value, err);
        }
    }
    return 0;
}

int decorator_model(struct understanding *u, const json_t *call, corrie_error *err)
{
    static const struct signature signature = {"@model", model_keywords};
    const json_t *values[MAX_KEYWORDS];
    struct declared_function *function = u->function;
    struct str text;

    function->kind = FUNCTION_MODEL;
    int r = call_bind(u, &signature, call, values, err);
    if (r >= 0) {
        r = value_name(u, &signature, "name", values[MODEL_NAME], &function->name, err);
    }
    if (r >= 0) {
        const json_t *const table[] = {values[MODEL_COLUMNS], values[MODEL_PARTITIONED_BY],
                                       values[MODEL_STRATEGY], values[MODEL_OVERWRITE_FILTER],
                                       values[MODEL_KEYS]};
        r = read_table(u, &signature, table, function, err);
    }
    if (r >= 0) {
        r = value_text(u, &signature, "cache_strategy", values[MODEL_CACHE], &text, err);
    }
    if (r > 0 && cache_strategy_parse(text, &function->no_cache, err) < 0) {
        return value_error_at(u, values[MODEL_CACHE], err);
    }
    if (r >= 0) {
        r = value_bool(u, &signature, "internet_access", values[MODEL_INTERNET],
                       &function->internet_access, err);
    }
    if (r >= 0 && values[MODEL_OUTPUTS] && !value_is(values[MODEL_OUTPUTS], "none")) {
        u->outputs = values[MODEL_OUTPUTS];
        r = check_beside_outputs(u, values, err);
    }
    return r < 0 ? r : 0;
}

/* ---- several outputs ---------------------------------------------------------------------------- */

/* `{"columns": […], …}`: the values in the order of output_keywords. */
static int bind_output(const struct understanding *u, const struct signature *signature,
                       const json_t *pairs, const json_t **values, corrie_error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(output_keywords); i++) {
        values[i] = NULL;
    }
    for (size_t k = 0; k < json_array_size(pairs); k++) {
        const json_t *key = json_array_get(json_array_get(pairs, k), 0);
        struct str name = js_str(json_object_get(key, "value"));
        size_t i = 0;
        if (!value_is(key, "str")) {
            return value_wrong(u, signature, "each key", key, "a text", err);
        }
        while (output_keywords[i] && !str_eq(name, str_of(output_keywords[i]))) {
            i++;
        }
        if (!output_keywords[i]) {
            return call_unknown_keyword(u, signature, name, key, err);
        }
        if (values[i]) {
            corrie_fail(err, CORRIE_E_PROJECT, "%s has %.*s twice", signature->name, STR_FMT(name));
            return value_error_at(u, key, err);
        }
        values[i] = json_array_get(json_array_get(pairs, k), 1);
    }
    return 0;
}

/* One `'table': {…}` of outputs, as a function of its own. */
static int read_output(const struct understanding *u, const json_t *key, const json_t *value,
                       struct declared_function *output, corrie_error *err)
{
    static const struct signature names = {"outputs", output_keywords};
    struct signature signature = {"", output_keywords};
    const json_t *values[ARRAY_LEN(output_keywords)];

    if (!value_is(key, "str")) {
        return value_wrong(u, &names, "each name", key, "a text", err);
    }
    int r = value_name(u, &names, "name", key, &output->name, err);
    if (r < 0) {
        return r;
    }
    signature.name = arena_printf(u->arena, "output %.*s", STR_FMT(output->name));
    if (!signature.name) {
        return corrie_fail_memory(err);
    }
    if (!value_is(value, "dict") && !value_is(value, "none")) {
        return value_wrong(u, &signature, "what is said", value, "a dictionary", err);
    }
    r = bind_output(u, &signature, json_object_get(value, "value"), values, err);
    return r < 0 ? r : read_table(u, &signature, values, output, err);
}

/* outputs={'a': {…}, 'b': {…}}: a declaration each, next to each other. */
int outputs_declare(const struct understanding *u, corrie_error *err)
{
    static const struct signature signature = {"@model", model_keywords};
    const json_t *pairs = json_object_get(u->outputs, "value");
    size_t n = json_array_size(pairs);

    if (!value_is(u->outputs, "dict")) {
        return value_wrong(u, &signature, "outputs", u->outputs, "a dictionary of tables", err);
    }
    if (n == 0 || n > MAX_OUTPUTS) {
        corrie_fail(err, n ? CORRIE_E_LIMIT : CORRIE_E_PROJECT,
                    n ? "outputs of @model has more than %d tables"
                      : "outputs of @model names no table; it takes up to %d",
                    MAX_OUTPUTS);
        return value_error_at(u, u->outputs, err);
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *pair = json_array_get(pairs, i);
        struct declared_function output = *u->function;
        output.output = i;
        output.n_outputs = n;
        output.by_name = true;
        int r = read_output(u, json_array_get(pair, 0), json_array_get(pair, 1), &output, err);
        if (r < 0) {
            return r;
        }
        if (vec_push(&u->declaring->functions, output) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return 0;
}
