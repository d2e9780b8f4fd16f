/* Whether data fits a table or a declaration. */
#include "arrow/type_priv.h"

/* Decimal digits that every value of an integer type fits in. */
#define INT_DIGITS 10
#define LONG_DIGITS 19

/* Whether the writer can cast without losing values; type_promotes and a little more, since what is
 * written is rewritten anyway. */
static bool casts(const struct type *from, const struct type *to)
{
    if (to->kind == TYPE_DECIMAL && (from->kind == TYPE_INT || from->kind == TYPE_LONG)) {
        return to->precision - to->scale >= (from->kind == TYPE_INT ? INT_DIGITS : LONG_DIGITS);
    }
    if (to->kind == TYPE_DECIMAL && from->kind == TYPE_DECIMAL) {
        return to->scale >= from->scale &&
               to->precision - to->scale >= from->precision - from->scale;
    }
    if (from->kind == TYPE_INT && to->kind == TYPE_DOUBLE) {
        return true;
    }
    if (from->kind == TYPE_FIXED && to->kind == TYPE_BINARY) {
        return true;
    }
    if (!type_is_nested(from) || from->kind != to->kind || from->n_fields != to->n_fields) {
        return type_promotes(from, to);
    }
    for (size_t i = 0; i < from->n_fields; i++) {
        if (!str_eq(from->fields[i].name, to->fields[i].name) ||
            !casts(&from->fields[i].type, &to->fields[i].type)) {
            return false;
        }
    }
    return true;
}

static int fit_init(size_t most, struct arena *arena, struct fit *ret, corrie_error *err)
{
    *ret = (struct fit){.problems = arena_array(arena, struct fit_problem, most + 1)};
    return ret->problems ? 0 : corrie_fail_memory(err);
}

static void fit_add(struct fit *fit, enum fit_kind kind, struct str column,
                    const struct type *wanted, const struct type *given)
{
    fit->problems[fit->n_problems++] = (struct fit_problem){kind, column, wanted, given};
}

int schema_fit(const struct schema *given, const struct schema *wanted, bool strict_nulls,
               struct arena *arena, struct fit *ret, corrie_error *err)
{
    struct fit fit;
    int r = fit_init(wanted->n_fields + given->n_fields, arena, &fit, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < wanted->n_fields; i++) {
        const struct field *want = &wanted->fields[i];
        const struct field *got = schema_find(given, want->name);
        if (!got) {
            if (want->required) {
                fit_add(&fit, FIT_MISSING, want->name, &want->type, NULL);
            }
        } else if (!casts(&got->type, &want->type)) {
            fit_add(&fit, FIT_TYPE, want->name, &want->type, &got->type);
        } else if (strict_nulls && want->required && !got->required) {
            fit_add(&fit, FIT_NULLS, want->name, &want->type, &got->type);
        }
    }
    for (size_t i = 0; i < given->n_fields; i++) {
        const struct field *got = &given->fields[i];
        if (!schema_find(wanted, got->name)) {
            fit_add(&fit, FIT_EXTRA, got->name, NULL, &got->type);
        }
    }
    *ret = fit;
    return 0;
}

static bool names_have(const struct str *names, size_t n_names, struct str name)
{
    for (size_t i = 0; i < n_names; i++) {
        if (str_eq(names[i], name)) {
            return true;
        }
    }
    return false;
}

int columns_fit(const struct schema *given, const struct str *wanted, size_t n_wanted,
                struct arena *arena, struct fit *ret, corrie_error *err)
{
    struct fit fit;
    bool open = names_have(wanted, n_wanted, STR("*"));

    int r = fit_init(n_wanted + given->n_fields, arena, &fit, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < n_wanted; i++) {
        if (!str_eq(wanted[i], STR("*")) && !schema_find(given, wanted[i])) {
            fit_add(&fit, FIT_MISSING, wanted[i], NULL, NULL);
        }
    }
    for (size_t i = 0; i < given->n_fields && !open; i++) {
        if (!names_have(wanted, n_wanted, given->fields[i].name)) {
            fit_add(&fit, FIT_EXTRA, given->fields[i].name, NULL, &given->fields[i].type);
        }
    }
    *ret = fit;
    return 0;
}

/* Names of one kind behind a common word: "missing a, b". */
static void describe_names(const struct fit *fit, enum fit_kind kind, const char *word,
                           struct buf *out)
{
    const char *before = word;
    for (size_t i = 0; i < fit->n_problems; i++) {
        if (fit->problems[i].kind != kind) {
            continue;
        }
        if (before == word && out->len > 0) {
            buf_add_text(out, "; ");
        }
        buf_add_text(out, before);
        buf_add_str(out, fit->problems[i].column);
        before = ", ";
    }
}

void fit_describe(const struct fit *fit, struct buf *out)
{
    _cleanup_(buf_done) struct buf text = {0};

    describe_names(fit, FIT_MISSING, "missing ", &text);
    for (size_t i = 0; i < fit->n_problems; i++) {
        const struct fit_problem *problem = &fit->problems[i];
        if (problem->kind != FIT_TYPE) {
            continue;
        }
        buf_addf(&text, "%s%.*s is ", text.len > 0 ? "; " : "", STR_FMT(problem->column));
        type_print(problem->given, &text);
        buf_add_text(&text, ", wanted ");
        type_print(problem->wanted, &text);
    }
    describe_names(fit, FIT_NULLS, "may not hold nulls: ", &text);
    describe_names(fit, FIT_EXTRA, "not declared: ", &text);
    buf_add_str(out, buf_str(&text));
    if (text.failed && !out->failed) {
        out->failed = text.failed;
    }
}
