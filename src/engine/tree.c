/* tree.c — reading the JSON that DuckDB serialises trees as.
 *
 * Two things keep base/json.h from reading it: unsigned 64-bit numbers (2^64 - 1 is "unknown", halves of
 * 128-bit constants), which jansson refuses, and depth: a chain of 100 `||` nests deeper than any
 * document of ours. Numbers past 2^63 are therefore quoted first, and jansson's own bound holds. */
#include "engine/engine_priv.h"

/* jansson's: JSON_PARSER_MAX_DEPTH */
#define TREE_DEPTH_MESSAGE "maximum parsing depth"

static bool past_int64(struct str digits)
{
    static const char max[] = "9223372036854775807";
    size_t n = sizeof max - 1;

    return digits.len > n || (digits.len == n && memcmp(digits.data, max, n) > 0);
}

/* Integers past int64_t, and Infinity and NaN, which DuckDB writes and JSON has not, become texts. */
static void quote_numbers(struct str text, struct buf *out)
{
    bool in_string = false;
    size_t done = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (in_string) {
            i += c == '\\';
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == 'I' || c == 'N') {
            size_t begin = i > 0 && text.data[i - 1] == '-' ? i - 1 : i;

            while (i + 1 < text.len && strchr("InfityNa", text.data[i + 1])) {
                i++;
            }
            buf_add_str(out, str_slice(text, done, begin - done));
            buf_addf(out, "\"%.*s\"", STR_FMT(str_slice(text, begin, i + 1 - begin)));
            done = i + 1;
        } else if (c >= '0' && c <= '9') {
            size_t end = i;

            while (end < text.len && text.data[end] >= '0' && text.data[end] <= '9') {
                end++;
            }
            bool whole = (i == 0 || (text.data[i - 1] != '-' && text.data[i - 1] != '.')) &&
                         (end == text.len || !strchr(".eE", text.data[end]));
            if (whole && past_int64(str_slice(text, i, end - i))) {
                buf_add_str(out, str_slice(text, done, i - done));
                buf_addf(out, "\"%.*s\"", STR_FMT(str_slice(text, i, end - i)));
                done = end;
            }
            while (end < text.len && strchr("0123456789.eE+-", text.data[end])) {
                end++;
            }
            i = end - 1;
        }
    }
    buf_add_str(out, str_from(text, done));
}

int tree_parse(struct str text, json_t **ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf quoted = {0};
    json_error_t problem;
    int r;

    quote_numbers(text, &quoted);
    r = buf_check(&quoted, err);
    if (r < 0) {
        return r;
    }
    r = js_load(buf_str(&quoted), JSON_ALLOW_NUL, ret, &problem);
    if (r == CORRIE_E_NO_MEMORY) {
        return corrie_fail_memory(err);
    }
    if (r < 0 && strstr(problem.text, TREE_DEPTH_MESSAGE)) {
        return corrie_fail(err, CORRIE_E_LIMIT, "the SQL is nested too deeply");
    }
    if (r < 0) {
        return corrie_fail(err, CORRIE_E_INTERNAL, "DuckDB's tree is not JSON: %s", problem.text);
    }
    return 0;
}

struct str tree_text(const json_t *node, const char *name)
{
    const json_t *value = json_object_get(node, name);

    return json_is_string(value) ? js_str(value) : STR_EMPTY;
}

/* The one value of the one row. */
static int take_tree(struct rows *rows, json_t **ret, corrie_error *err)
{
    struct str tree;

    if (!rows_next(rows) || !rows_text(rows, 0, &tree)) {
        return corrie_fail(err, CORRIE_E_INTERNAL, "DuckDB returned no tree");
    }
    return tree_parse(tree, ret, err);
}

/* What a statement of one parameter says of a text. It is prepared once: to plan it costs four times what it does. */
static int ask_prepared(struct engine *engine, struct session *session,
                        duckdb_prepared_statement *prepared, const char *statement, struct str sql,
                        json_t **ret, corrie_error *err)
{
    static const struct origin ours;
    const struct duck *d = engine->d;
    _cleanup_(rows_done) struct rows rows = {0};
    int r;

    if (!*prepared && d->prepare(session->con, statement, prepared) != DuckDBSuccess) {
        r = duck_fail(d->prepare_error(*prepared), &ours, err);
        d->destroy_prepare(prepared);
        return r;
    }
    if (d->bind_varchar_length(*prepared, 1, sql.data ? sql.data : "", sql.len) != DuckDBSuccess) {
        return corrie_fail_memory(err);
    }
    r = rows_open_prepared(engine, session, *prepared, &rows, err);
    return r < 0 ? r : take_tree(&rows, ret, err);
}

int tree_of_sql(struct engine *engine, struct str sql, json_t **ret, corrie_error *err)
{
    return ask_prepared(engine, &engine->session, &engine->to_tree,
                        "SELECT json_serialize_sql($1::VARCHAR)::VARCHAR", sql, ret, err);
}

int tree_of_plan(struct engine *engine, struct session *session,
                 duckdb_prepared_statement *prepared, struct str sql, bool optimised, json_t **ret,
                 corrie_error *err)
{
    return ask_prepared(engine, session, prepared,
                        optimised
                            ? "SELECT json_serialize_plan($1::VARCHAR, optimize := true)::VARCHAR"
                            : "SELECT json_serialize_plan($1::VARCHAR, optimize := false)::VARCHAR",
                        sql, ret, err);
}
