/* at.c — a table of a statement as it was: FROM t AT (VERSION => …).
 *
 * DuckDB parses the clause and then knows no table that has versions. So the caller defines the table as it was under a
 * name of its own, and that name takes the place of `t AT (…)` in the text: padded to the same length, so that every
 * position in it stays what it was. The clause is always longer than what replaces it. */
#include "engine/at.h"

#include <ctype.h>

/* Where a piece of the text begins and ends: a name, a string, a comment, else one byte. */
static size_t token_end(struct str sql, size_t at)
{
    char first = sql.data[at];
    struct str rest = str_from(sql, at);
    ptrdiff_t end;

    if (first == '"' || first == '\'') {
        for (at++; at < sql.len; at++) {
            if (sql.data[at] == first) {
                if (at + 1 < sql.len && sql.data[at + 1] == first) {
                    at++;
                } else {
                    return at + 1;
                }
            }
        }
        return sql.len;
    }
    if (str_starts(rest, STR("--")) || str_starts(rest, STR("/*"))) {
        bool line = rest.data[0] == '-';

        end = line ? str_find(rest, '\n') : str_find_str(rest, STR("*/"));
        return end < 0 ? sql.len : at + (size_t)end + (line ? 1 : 2);
    }
    if (isalnum((unsigned char)first) || first == '_' || (first & 0x80)) {
        while (at < sql.len && (isalnum((unsigned char)sql.data[at]) || sql.data[at] == '_' ||
                                sql.data[at] == '$' || (sql.data[at] & 0x80))) {
            at++;
        }
        return at;
    }
    return at + 1;
}

static struct str between(struct str sql, size_t from, size_t to)
{
    return str_slice(sql, from, to > from ? to - from : 0);
}

static size_t skip_blank(struct str sql, size_t at)
{
    while (at < sql.len) {
        struct str rest = str_from(sql, at);

        if (isspace((unsigned char)sql.data[at])) {
            at++;
        } else if (str_starts(rest, STR("--")) || str_starts(rest, STR("/*"))) {
            at = token_end(sql, at);
        } else {
            break;
        }
    }
    return at;
}

static bool byte_at(struct str sql, size_t at, char byte)
{
    return at < sql.len && sql.data[at] == byte;
}

/* Behind the parenthesis that closes the one at `at`. */
static size_t close_end(struct str sql, size_t at)
{
    size_t depth = 0;

    while (at < sql.len) {
        depth += sql.data[at] == '(';
        if (sql.data[at] == ')' && --depth == 0) {
            return at + 1;
        }
        at = token_end(sql, at);
    }
    return sql.len;
}

struct clause {
    size_t name;     /* where the last part of the name begins */
    size_t name_end; /* and where the name ends */
    size_t at;       /* the word AT */
    struct str unit;
    struct str value;
    size_t value_at;
    size_t end;
};

/* The text has been parsed: what is looked for is there. */
static void find_clause(struct str sql, size_t offset, struct clause *ret)
{
    size_t at;
    size_t open;

    ret->name = offset;
    ret->name_end = token_end(sql, offset);
    while (byte_at(sql, at = skip_blank(sql, ret->name_end), '.')) {
        ret->name = skip_blank(sql, at + 1);
        ret->name_end = token_end(sql, ret->name);
    }
    for (at = ret->name_end; at < sql.len;) {
        size_t end;

        at = skip_blank(sql, at);
        if (at >= sql.len) {
            break;
        }
        end = byte_at(sql, at, '(') ? close_end(sql, at) : token_end(sql, at);
        if (str_eq_nocase(between(sql, at, end), STR("at")) &&
            byte_at(sql, skip_blank(sql, end), '(')) {
            break;
        }
        at = end;
    }
    ret->at = at;
    open = skip_blank(sql, at + 2);
    ret->end = close_end(sql, open);
    at = skip_blank(sql, open + 1);
    ret->unit = between(sql, at, token_end(sql, at));
    at = skip_blank(sql, skip_blank(sql, at + ret->unit.len) + 2); /* => */
    ret->value_at = at;
    ret->value = between(sql, at, ret->end - 1);
}

int at_read(struct engine *engine, const struct origin *origin, size_t offset, bool aliased,
            struct arena *arena, struct engine_at **ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf sql = {0};
    struct engine_at *found = arena_new(arena, struct engine_at);
    struct clause clause = {0};
    struct rows rows = {0};
    struct str value = STR_EMPTY;
    int64_t number = 0;
    int r;

    if (!found) {
        return corrie_fail_memory(err);
    }
    find_clause(origin->sql, offset, &clause);
    *found = (struct engine_at){.timestamp = str_eq_nocase(clause.unit, STR("timestamp")),
                                .length = clause.end - offset,
                                .name = between(origin->sql, clause.name, clause.name_end),
                                .alias = between(origin->sql, clause.name_end, clause.at)};
    if (!aliased) {
        found->alias = STR_EMPTY;
    }
    buf_addf(
        &sql,
        found->timestamp
            ? "SELECT strftime((%.*s\n)::TIMESTAMPTZ, '%%Y-%%m-%%dT%%H:%%M:%%S.%%fZ'), 0::BIGINT"
            : "SELECT (%.*s\n)::VARCHAR, (typeof(%.*s\n) LIKE '%%INT%%')::BIGINT",
        STR_FMT(clause.value), STR_FMT(clause.value));
    r = buf_check(&sql, err);
    if (r == 0) {
        r = rows_open(engine, &engine->session, buf_text(&sql), NULL, &rows, err);
    }
    if (r < 0) {
        err->code = err->code == CORRIE_E_NO_MEMORY ? err->code : CORRIE_E_PROJECT;
        corrie_wrap(err, "AT (%.*s => …)", STR_FMT(clause.unit));
        r = origin_at(origin, clause.value_at, clause.value.len, err);
    } else if (!rows_next(&rows) || !rows_text(&rows, 0, &value) || !rows_int(&rows, 1, &number)) {
        corrie_fail(err, CORRIE_E_PROJECT, "AT (%.*s => …) has no value", STR_FMT(clause.unit));
        r = origin_at(origin, clause.value_at, clause.value.len, err);
    } else if (arena_str(arena, value, &found->value) < 0) {
        r = corrie_fail_memory(err);
    }
    found->number = number != 0;
    rows_done(&rows);
    *ret = found;
    return r;
}

int engine_place_at(struct str sql, const struct engine_statement *statement, struct str name_space,
                    struct arena *arena, struct str *ret, corrie_error *err)
{
    char *text = arena_text(arena, sql);

    if (!text) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < statement->n_tables; i++) {
        const struct engine_table_ref *ref = &statement->tables[i];
        _cleanup_(buf_done) struct buf place = {0};

        if (!ref->at) {
            continue;
        }
        buf_add_sql_name(&place, name_space);
        buf_addf(&place, ".\"%zu\"", i);
        if (ref->at->alias.len > 0) {
            buf_add_str(&place, ref->at->alias);
        } else {
            buf_addf(&place, " AS %.*s", STR_FMT(ref->at->name));
        }
        if (place.failed || place.len > ref->at->length) {
            return place.failed ? corrie_fail_memory(err)
                                : corrie_fail(err, CORRIE_E_LIMIT, "too many tables are read AT");
        }
        memset(text + ref->offset, ' ', ref->at->length);
        memcpy(text + ref->offset, buf_text(&place), place.len);
    }
    *ret = str_make(text, sql.len);
    return 0;
}
