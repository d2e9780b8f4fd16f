/* Filters as canonical SQL. */
#include "lang/filter_priv.h"

/* How tightly each kind binds; weakest first, as the parser reads them. */
enum level {
    LEVEL_OR,
    LEVEL_AND,
    LEVEL_NOT,
    LEVEL_PREDICATE,
    LEVEL_CONCAT,
    LEVEL_ADD,
    LEVEL_MUL,
    LEVEL_UNARY,
    LEVEL_PRIMARY
};

static enum level level_of(const struct filter_expr *expr)
{
    switch (expr->kind) {
    case FILTER_OR:
        return LEVEL_OR;
    case FILTER_AND:
        return LEVEL_AND;
    case FILTER_NOT:
        return LEVEL_NOT;
    case FILTER_COMPARE:
    case FILTER_IN:
    case FILTER_BETWEEN:
    case FILTER_LIKE:
    case FILTER_IS:
    case FILTER_DISTINCT:
        return LEVEL_PREDICATE;
    case FILTER_ARITH:
        return expr->op == FILTER_OP_CONCAT                             ? LEVEL_CONCAT
               : expr->op == FILTER_OP_ADD || expr->op == FILTER_OP_SUB ? LEVEL_ADD
                                                                        : LEVEL_MUL;
    case FILTER_NEGATE:
        return LEVEL_UNARY;
    case FILTER_LITERAL:
        return expr->literal.text.len > 0 && expr->literal.text.data[0] == '-' &&
                       expr->literal.kind <= FILTER_NUMBER
                   ? LEVEL_UNARY
                   : LEVEL_PRIMARY;
    default:
        return LEVEL_PRIMARY;
    }
}

static const char *op_text(enum filter_op op)
{
    static const char *const texts[] = {
        [FILTER_OP_NONE] = "",     [FILTER_OP_EQ] = "=",       [FILTER_OP_NE] = "<>",
        [FILTER_OP_LT] = "<",      [FILTER_OP_LE] = "<=",      [FILTER_OP_GT] = ">",
        [FILTER_OP_GE] = ">=",     [FILTER_OP_LIKE] = "LIKE",  [FILTER_OP_ILIKE] = "ILIKE",
        [FILTER_OP_ADD] = "+",     [FILTER_OP_SUB] = "-",      [FILTER_OP_MUL] = "*",
        [FILTER_OP_DIV] = "/",     [FILTER_OP_INT_DIV] = "//", [FILTER_OP_MOD] = "%",
        [FILTER_OP_CONCAT] = "||",
    };
    return texts[op];
}

/* `found`: the innermost part that stands at offset `wanted` of what is printed. */
struct printing {
    struct buf *out;
    size_t wanted;
    const struct filter_expr *found;
};

static void print(const struct filter_expr *expr, enum level need, struct printing *p);

static void print_args(const struct filter_expr *expr, size_t from, enum level need,
                       const char *between, struct printing *p)
{
    for (size_t i = from; i < expr->n_args; i++) {
        buf_add_text(p->out, i > from ? between : "");
        print(expr->args[i], need, p);
    }
}

static void print_literal(const struct filter_literal *literal, struct buf *out)
{
    static const char *const prefixes[] = {
        [FILTER_DATE] = "DATE ",           [FILTER_TIME] = "TIME ",
        [FILTER_TIMESTAMP] = "TIMESTAMP ", [FILTER_TIMESTAMPTZ] = "TIMESTAMPTZ ",
        [FILTER_INTERVAL] = "INTERVAL ",
    };
    switch (literal->kind) {
    case FILTER_NULL:
        buf_add_text(out, "NULL");
        break;
    case FILTER_BOOL:
    case FILTER_INTEGER:
    case FILTER_NUMBER:
        buf_add_str(out, literal->text);
        break;
    case FILTER_STRING:
        buf_add_sql_string(out, literal->text);
        break;
    default:
        buf_add_text(out, prefixes[literal->kind]);
        buf_add_sql_string(out, literal->text);
    }
}

static void print_predicate(const struct filter_expr *expr, struct printing *p)
{
    const char *no = expr->negated ? "NOT " : "";

    print(expr->args[0], LEVEL_CONCAT, p);
    switch (expr->kind) {
    case FILTER_IN:
        buf_addf(p->out, " %sIN (", no);
        print_args(expr, 1, LEVEL_CONCAT, ", ", p);
        buf_add_char(p->out, ')');
        break;
    case FILTER_BETWEEN:
        buf_addf(p->out, " %sBETWEEN ", no);
        print_args(expr, 1, LEVEL_CONCAT, " AND ", p);
        break;
    case FILTER_IS:
        buf_addf(p->out, " IS %s", no);
        print_literal(&expr->literal, p->out);
        break;
    case FILTER_DISTINCT:
        buf_addf(p->out, " IS %sDISTINCT FROM ", no);
        print(expr->args[1], LEVEL_CONCAT, p);
        break;
    default: /* comparisons and LIKE */
        buf_addf(p->out, " %s%s ", no, op_text(expr->op));
        print(expr->args[1], LEVEL_CONCAT, p);
    }
}

static void print_bare(const struct filter_expr *expr, struct printing *p)
{
    enum level level = level_of(expr);

    switch (expr->kind) {
    case FILTER_OR:
        print_args(expr, 0, LEVEL_AND, " OR ", p);
        break;
    case FILTER_AND:
        print_args(expr, 0, LEVEL_NOT, " AND ", p);
        break;
    case FILTER_NOT:
        buf_add_text(p->out, "NOT ");
        print(expr->args[0], LEVEL_NOT, p);
        break;
    case FILTER_COLUMN:
        for (size_t i = 0; i < expr->n_path; i++) {
            buf_add_text(p->out, i > 0 ? "." : "");
            buf_add_sql_name(p->out, expr->path[i]);
        }
        break;
    case FILTER_LITERAL:
        print_literal(&expr->literal, p->out);
        break;
    case FILTER_PARAM:
        buf_addf(p->out, "$%.*s", STR_FMT(expr->name));
        break;
    case FILTER_ARITH: /* left to right: the right side binds tighter */
        print(expr->args[0], level, p);
        buf_addf(p->out, " %s ", op_text(expr->op));
        print(expr->args[1], level + 1, p);
        break;
    case FILTER_NEGATE: /* "--" would be a comment */
        buf_add_char(p->out, '-');
        print(expr->args[0], LEVEL_PRIMARY, p);
        break;
    case FILTER_CALL:
        buf_addf(p->out, "%.*s(", STR_FMT(expr->name));
        print_args(expr, 0, LEVEL_OR, ", ", p);
        buf_add_char(p->out, ')');
        break;
    case FILTER_CAST:
    case FILTER_TRY_CAST:
        buf_add_text(p->out, expr->kind == FILTER_CAST ? "CAST(" : "TRY_CAST(");
        print(expr->args[0], LEVEL_OR, p);
        buf_addf(p->out, " AS %.*s)", STR_FMT(expr->name));
        break;
    case FILTER_SUBSCRIPT:
        print(expr->args[0], LEVEL_PRIMARY, p);
        buf_add_char(p->out, '[');
        print(expr->args[1], LEVEL_CONCAT, p);
        buf_add_char(p->out, ']');
        break;
    default:
        print_predicate(expr, p);
    }
}

static void print(const struct filter_expr *expr, enum level need, struct printing *p)
{
    bool parentheses = level_of(expr) < need;
    size_t begin = p->out->len;

    if (parentheses) {
        buf_add_char(p->out, '(');
    }
    print_bare(expr, p);
    if (parentheses) {
        buf_add_char(p->out, ')');
    }
    if (!p->found && begin <= p->wanted && p->wanted < p->out->len) {
        p->found = expr; /* what is inside of it came before */
    }
}

void filter_print(const struct filter_expr *expr, struct buf *out)
{
    struct printing printing = {.out = out, .wanted = SIZE_MAX};

    print(expr, LEVEL_OR, &printing);
}

const struct filter_expr *filter_printed_at(const struct filter_expr *root, size_t offset)
{
    _cleanup_(buf_done) struct buf out = {0};
    struct printing printing = {.out = &out, .wanted = offset};

    print(root, LEVEL_OR, &printing);
    return printing.found ? printing.found : root;
}
