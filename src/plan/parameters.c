/* parameters.c — values of parameters, and $name in SQL. */
#include <stdlib.h>

#include "base/limits.h"
#include "plan/build_priv.h"

static int by_hint(const struct planning *p, struct str name, corrie_error *err)
{
    struct str *names = arena_array(p->arena, struct str, p->plan->n_parameters + 1);

    if (!names) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < p->plan->n_parameters; i++) {
        names[i] = p->plan->parameters[i].name;
    }
    if (p->plan->n_parameters == 0) {
        return corrie_hint(err, "`corrie parameter set %.*s VALUE` declares it in %.*s",
                           STR_FMT(name), STR_FMT(p->project->file));
    }
    return hint_nearest(name, names, p->plan->n_parameters, err);
}

int plan_find_parameter(const struct planning *p, struct str name, struct plan_parameter **ret,
                        corrie_error *err)
{
    for (size_t i = 0; i < p->plan->n_parameters; i++) {
        if (str_eq(p->plan->parameters[i].name, name)) {
            *ret = &p->plan->parameters[i];
            return 0;
        }
    }
    corrie_fail(err, CORRIE_E_PROJECT, "there is no parameter '%.*s'", STR_FMT(name));
    return by_hint(p, name, err);
}

/* One --param. */
static int take_given(struct planning *p, struct str text, corrie_error *err)
{
    const struct project *settings = p->project->settings;
    struct plan_parameter *parameter;
    struct str name, value;

    if (!str_cut(text, '=', &name, &value)) {
        corrie_fail(err, CORRIE_E_USAGE, "--param %.*s has no value", STR_FMT(text));
        return corrie_hint(err, "write --param name=value");
    }
    int r = plan_find_parameter(p, name, &parameter, err);
    if (r < 0) {
        err->code = r == CORRIE_E_PROJECT ? CORRIE_E_USAGE : r;
        return corrie_wrap(err, "--param %.*s", STR_FMT(text));
    }
    const struct project_parameter *declared =
        &settings->parameters[parameter - p->plan->parameters];
    if (arena_str(p->arena, value, &value) < 0) {
        return corrie_fail_memory(err);
    }
    r = param_parse(declared->type, value, p->arena, &parameter->value, err);
    if (r < 0) {
        return corrie_wrap(err, "--param %.*s", STR_FMT(name));
    }
    parameter->has_value = true;
    parameter->given = true;
    return 0;
}

int plan_parameters(struct planning *p, corrie_error *err)
{
    const struct project *settings = p->project->settings;
    struct plan *plan = p->plan;

    plan->parameters = arena_array(p->arena, struct plan_parameter, settings->n_parameters + 1);
    if (!plan->parameters) {
        return corrie_fail_memory(err);
    }
    plan->n_parameters = settings->n_parameters;
    for (size_t i = 0; i < settings->n_parameters; i++) {
        const struct project_parameter *declared = &settings->parameters[i];
        plan->parameters[i] = (struct plan_parameter){
            .name = declared->name.text,
            .has_value = declared->has_default,
            .value = declared->has_default ? declared->default_value
                                           : (struct param_value){.type = declared->type},
        };
    }
    for (size_t i = 0; i < p->options->n_parameters; i++) {
        int r = take_given(p, p->options->parameters[i], err);
        if (r < 0) {
            return r;
        }
    }
    for (size_t i = 0; i < settings->n_parameters; i++) {
        const struct project_parameter *declared = &settings->parameters[i];
        if (declared->required && !plan->parameters[i].has_value && !p->options->valueless) {
            corrie_fail(err, CORRIE_E_USAGE, "parameter %.*s needs a value",
                        STR_FMT(declared->name.text));
            return corrie_hint(err, "give it by --param %.*s=…", STR_FMT(declared->name.text));
        }
    }
    return 0;
}

bool plan_value_later(const struct planning *p, const struct plan_parameter *parameter)
{
    size_t i = (size_t)(parameter - p->plan->parameters);

    return !parameter->has_value && p->options->valueless &&
           p->project->settings->parameters[i].required;
}

/* ---- $name in SQL ------------------------------------------------------------------------------- */

/* The value as an SQL literal of its type. */
static int add_literal(const struct plan_parameter *parameter, struct buf *out, corrie_error *err)
{
    const struct param_value *value = &parameter->value;

    if (!parameter->has_value) {
        static const char *const types[] = {
            [PARAM_STR] = "VARCHAR",  [PARAM_INT] = "BIGINT",     [PARAM_FLOAT] = "DOUBLE",
            [PARAM_BOOL] = "BOOLEAN", [PARAM_SECRET] = "VARCHAR", [PARAM_VAULT] = "VARCHAR"};

        buf_addf(out, "CAST(NULL AS %s)", types[value->type]);
        return 0;
    }
    switch (value->type) {
    case PARAM_INT:
        buf_addf(out, value->i < 0 ? "(%.*s)" : "%.*s", STR_FMT(value->text));
        return 0;
    case PARAM_FLOAT: /* a bare 1.5 would be a DECIMAL */
        buf_addf(out, "CAST(%.*s AS DOUBLE)", STR_FMT(value->text));
        return 0;
    case PARAM_BOOL:
        buf_add_text(out, value->i ? "TRUE" : "FALSE");
        return 0;
    case PARAM_STR:
        buf_add_sql_string(out, value->text);
        return 0;
    case PARAM_SECRET:
    case PARAM_VAULT:
        break;
    }
    corrie_fail(err, CORRIE_E_PROJECT, "parameter %.*s is a secret and cannot stand in SQL",
                STR_FMT(parameter->name));
    return corrie_hint(err, "statements are kept in job records; pass secrets to Python functions");
}

static bool is_word(char c, bool first)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (!first && c >= '0' && c <= '9');
}

/* The end of a $tag$ … $tag$ text that starts at `i`, or `i` if none does. */
static size_t skip_dollar_quote(struct str sql, size_t i)
{
    size_t end = i + 1;

    while (end < sql.len && is_word(sql.data[end], end == i + 1)) {
        end++;
    }
    if (end >= sql.len || sql.data[end] != '$') {
        return i;
    }
    struct str tag = str_slice(sql, i, end + 1 - i);
    ptrdiff_t close = str_find_str(str_from(sql, end + 1), tag);
    return close < 0 ? sql.len : end + 1 + (size_t)close + tag.len;
}

/* The end of the quoted text or comment that starts at `i`, or `i`. */
static size_t skip_opaque(struct str sql, size_t i)
{
    char c = sql.data[i];
    char next = i + 1 < sql.len ? sql.data[i + 1] : '\0';
    size_t end = i + 1;

    if (c == '\'' || c == '"') {
        bool escapes = c == '\'' && i > 0 && (sql.data[i - 1] == 'e' || sql.data[i - 1] == 'E') &&
                       (i < 2 || !is_word(sql.data[i - 2], false));
        while (end < sql.len && sql.data[end] != c) {
            end += escapes && sql.data[end] == '\\' ? 2 : 1;
        }
        return end < sql.len ? end + 1 : sql.len; /* '' starts the next text: all the same */
    }
    if (c == '-' && next == '-') {
        ptrdiff_t line = str_find(str_from(sql, i), '\n');
        return line < 0 ? sql.len : i + (size_t)line;
    }
    if (c == '/' && next == '*') {
        size_t depth = 1; /* comments nest */
        for (end = i + 2; end < sql.len && depth > 0; end++) {
            struct str pair = str_slice(sql, end, 2);
            if (str_eq(pair, STR("/*"))) {
                depth++;
                end++;
            } else if (str_eq(pair, STR("*/"))) {
                depth--;
                end++;
            }
        }
        return end < sql.len ? end : sql.len;
    }
    return c == '$' ? skip_dollar_quote(sql, i) : i;
}

struct str plan_statement_end(struct str sql)
{
    size_t last = 0; /* behind the last byte that says something */

    for (size_t i = 0; i < sql.len;) {
        size_t end = skip_opaque(sql, i);
        char c = sql.data[i];
        bool comment = end > i && (c == '-' || c == '/');
        bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == ';';
        end = end == i ? i + 1 : end;
        last = comment || blank ? last : end;
        i = end;
    }
    return str_slice(sql, 0, last);
}

static int use_parameter(struct planning *p, struct substituted *out,
                         struct plan_parameter *parameter, corrie_error *err)
{
    for (size_t i = 0; i < out->n_parameters; i++) {
        if (out->parameters[i] == parameter) {
            return 0;
        }
    }
    if (!out->parameters) {
        out->parameters = arena_array(p->arena, struct plan_parameter *, p->plan->n_parameters);
        if (!out->parameters) {
            return corrie_fail_memory(err);
        }
    }
    out->parameters[out->n_parameters++] = parameter;
    return 0;
}

/* Replaces the $name of `len` bytes at `offset`. */
static int replace_one(struct planning *p, const struct source_file *source, size_t offset,
                       size_t len, struct buf *text, struct substituted *out, size_t *capacity,
                       corrie_error *err)
{
    struct plan_parameter *parameter;
    struct replacement item = {.out = text->len, .in = offset, .in_len = len};

    int r = plan_find_parameter(p, str_slice(source->text, offset + 1, len - 1), &parameter, err);
    if (r >= 0) {
        r = add_literal(parameter, text, err);
    }
    if (r < 0) {
        return corrie_error_at_offset(err, source->path.data, source->text, offset, len);
    }
    item.out_len = text->len - item.out;
    if (mem_grow(&out->items, capacity, out->n_items + 1, sizeof item) < 0) {
        return corrie_fail_memory(err);
    }
    out->items[out->n_items++] = item;
    return use_parameter(p, out, parameter, err);
}

static int substitute(struct planning *p, const struct source_file *source, struct buf *text,
                      struct substituted *out, corrie_error *err)
{
    struct str sql = source->text;
    size_t capacity = 0;

    for (size_t i = 0; i < sql.len;) {
        size_t end = skip_opaque(sql, i);
        if (end == i && sql.data[i] == '$' && i + 1 < sql.len && is_word(sql.data[i + 1], true) &&
            (i == 0 || !is_word(sql.data[i - 1], false))) {
            for (end = i + 1; end < sql.len && is_word(sql.data[end], false);) {
                end++;
            }
            int r = replace_one(p, source, i, end - i, text, out, &capacity, err);
            if (r < 0) {
                return r;
            }
        } else {
            end = end == i ? i + 1 : end;
            buf_add_str(text, str_slice(sql, i, end - i));
        }
        i = end;
    }
    return buf_check(text, err);
}

/* ---- parameters without a value ------------------------------------------------------------------ */

/* Where the next word or sign begins, from `i` on: behind blanks and comments. */
static size_t skip_blanks(struct str sql, size_t i)
{
    while (i < sql.len) {
        char c = sql.data[i];
        bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
        size_t end = blank ? i + 1 : c == '-' || c == '/' ? skip_opaque(sql, i) : i;

        if (end == i) {
            break;
        }
        i = end;
    }
    return i;
}

static struct str word_at(struct str sql, size_t i)
{
    size_t end = i;

    while (end < sql.len && is_word(sql.data[end], false)) {
        end++;
    }
    return str_slice(sql, i, end - i);
}

/* Whether IS, ISNULL or NOTNULL stands behind it, a cast between or not: "$day::DATE IS NULL",
 * "CAST($day AS DATE) IS NULL". */
static bool is_asked(struct str sql, size_t i)
{
    i = skip_blanks(sql, i);
    if (str_starts(str_from(sql, i), STR("::"))) {
        i = skip_blanks(sql, i + 2);
        i = skip_blanks(sql, i + word_at(sql, i).len);
    } else if (str_eq_nocase(word_at(sql, i), STR("AS"))) {
        ptrdiff_t close = str_find(str_from(sql, i), ')');
        i = close < 0 ? sql.len : skip_blanks(sql, i + (size_t)close + 1);
    }
    struct str word = word_at(sql, i);
    return str_eq_nocase(word, STR("IS")) || str_eq_nocase(word, STR("ISNULL")) ||
           str_eq_nocase(word, STR("NOTNULL"));
}

/* Whether it is the first argument of a function that gives another value for NULL. */
static bool is_replaced(struct str sql, size_t i)
{
    static const char *const functions[] = {"coalesce(", "ifnull("};

    for (size_t k = 0; k < ARRAY_LEN(functions); k++) {
        struct str call = str_of(functions[k]);
        if (i >= call.len && str_eq_nocase(str_slice(sql, i - call.len, call.len), call)) {
            return true;
        }
    }
    return false;
}

/* Conditions over it hold for no row: that nobody asks whether it IS NULL is rarely meant. */
static int note_valueless(struct planning *p, const struct source_file *source,
                          const struct substituted *sql, const struct plan_parameter *parameter,
                          corrie_error *err)
{
    const struct replacement *first = NULL;

    for (size_t i = 0; i < sql->n_items; i++) {
        const struct replacement *item = &sql->items[i];

        if (!str_eq(str_slice(source->text, item->in + 1, item->in_len - 1), parameter->name)) {
            continue;
        }
        if (is_asked(source->text, item->in + item->in_len) ||
            is_replaced(source->text, item->in)) {
            return 0;
        }
        first = first ? first : item;
    }
    struct place place = plan_place_at(source, first->in, first->in_len);
    return plan_note_add(p, true, &place, err,
                         "parameter %.*s has no value: it is NULL here, and comparisons with it "
                         "hold for no row; give it one by --param %.*s=… or a default, or ask "
                         "whether $%.*s IS NULL",
                         STR_FMT(parameter->name), STR_FMT(parameter->name),
                         STR_FMT(parameter->name));
}

int plan_note_valueless(struct planning *p, const struct source_file *source,
                        const struct substituted *sql, corrie_error *err)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < sql->n_parameters; i++) {
        const struct plan_parameter *parameter = sql->parameters[i];

        if (!parameter->has_value && !plan_value_later(p, parameter)) {
            r = note_valueless(p, source, sql, parameter, err);
        }
    }
    return r;
}

int plan_substitute(struct planning *p, const struct source_file *source, struct substituted *ret,
                    corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    struct substituted out = {0};

    buf_init(&text, CORRIE_MAX_SQL);
    int r = substitute(p, source, &text, &out, err);
    _free_ struct replacement *heap = out.items;
    if (r < 0) {
        return r;
    }
    if (out.n_items > 0) {
        out.items = arena_array(p->arena, struct replacement, out.n_items);
        if (!out.items) {
            return corrie_fail_memory(err);
        }
        memcpy(out.items, heap, out.n_items * sizeof *heap);
    }
    if (arena_str(p->arena, buf_str(&text), &out.text) < 0) {
        return corrie_fail_memory(err);
    }
    *ret = out;
    return 0;
}

size_t plan_map_offset(const struct substituted *sql, size_t offset)
{
    size_t shift_out = 0, shift_in = 0; /* ends of the last replacement before `offset` */

    for (size_t i = 0; i < sql->n_items && sql->items[i].out <= offset; i++) {
        if (offset < sql->items[i].out + sql->items[i].out_len) {
            return sql->items[i].in;
        }
        shift_out = sql->items[i].out + sql->items[i].out_len;
        shift_in = sql->items[i].in + sql->items[i].in_len;
    }
    return offset - shift_out + shift_in;
}

/* Where a name stands first as a word of its own; false: nowhere. */
static bool find_word(struct str text, struct str name, size_t *ret)
{
    for (size_t at = 0; name.len > 0 && at + name.len <= text.len; at++) {
        size_t end = at + name.len;

        if ((at == 0 || !is_word(text.data[at - 1], false)) &&
            (end == text.len || !is_word(text.data[end], false)) &&
            str_eq_nocase(str_make(text.data + at, name.len), name)) {
            *ret = at;
            return true;
        }
    }
    return false;
}

/* DuckDB does not say where. By the first name that it quotes, else where the statement begins. */
static int place_by_name(const struct substituted *sql, const struct source_file *source,
                         corrie_error *err)
{
    struct str before, name, rest = str_of(err->message ? err->message : "");
    size_t begin = skip_blanks(sql->text, 0), offset = 0, width = 1;

    while (str_cut(rest, '"', &before, &rest) && str_cut(rest, '"', &name, &rest)) {
        if (find_word(str_from(sql->text, begin), name, &offset)) {
            width = name.len;
            break;
        }
    }
    return corrie_error_at_offset(err, source->path.data, source->text,
                                  plan_map_offset(sql, begin + offset), width);
}

int plan_map_error(const struct substituted *sql, const struct source_file *source,
                   corrie_error *err)
{
    if (err->position.line <= 0 && err->code != CORRIE_E_CANCELLED &&
        err->code != CORRIE_E_NO_MEMORY) {
        return place_by_name(sql, source, err);
    }
    if (sql->n_items == 0 || err->position.line <= 0) {
        return err->code;
    }
    struct str rest = sql->text, line = rest;
    for (long i = 0; i < err->position.line && rest.data; i++) {
        str_cut(rest, '\n', &line, &rest);
    }
    size_t column = err->position.column > 0 ? (size_t)err->position.column - 1 : 0;
    size_t offset = (size_t)(line.data - sql->text.data) + column;
    return corrie_error_at_offset(err, source->path.data, source->text,
                                  plan_map_offset(sql, offset),
                                  (size_t)(err->position.width > 0 ? err->position.width : 1));
}
