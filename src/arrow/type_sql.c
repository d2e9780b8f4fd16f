/* Types as DuckDB writes them: BIGINT, DECIMAL(10,2), STRUCT("a" INTEGER, b VARCHAR)[], MAP(VARCHAR, DOUBLE). */
#include "arrow/type_priv.h"

#include "base/limits.h"
#include "base/vec.h"

/* ---- writing ---- */

static const char *sql_name(enum type_kind kind)
{
    switch (kind) {
    case TYPE_BOOLEAN:
        return "BOOLEAN";
    case TYPE_INT:
        return "INTEGER";
    case TYPE_LONG:
        return "BIGINT";
    case TYPE_FLOAT:
        return "FLOAT";
    case TYPE_DOUBLE:
        return "DOUBLE";
    case TYPE_DATE:
        return "DATE";
    case TYPE_TIME:
        return "TIME";
    case TYPE_TIMESTAMP:
        return "TIMESTAMP";
    case TYPE_TIMESTAMPTZ:
        return "TIMESTAMP WITH TIME ZONE";
    case TYPE_STRING:
        return "VARCHAR";
    case TYPE_UUID:
        return "UUID";
    case TYPE_FIXED:
    case TYPE_BINARY:
        return "BLOB";
    default:
        return "";
    }
}

struct sql_printing {
    type_instead_fn instead; /* may be NULL */
    void *arg;
    struct buf *out;
};

static void print_sql(const struct sql_printing *p, const struct type *type, bool key)
{
    const char *name = type_is_nested(type) || !p->instead ? NULL : p->instead(p->arg, type, key);

    if (name) {
        buf_add_text(p->out, name);
        return;
    }
    switch (type->kind) {
    case TYPE_DECIMAL:
        buf_addf(p->out, "DECIMAL(%d,%d)", type->precision, type->scale);
        break;
    case TYPE_STRUCT:
        buf_add_text(p->out, "STRUCT(");
        for (size_t i = 0; i < type->n_fields; i++) {
            buf_add_text(p->out, i > 0 ? ", " : "");
            buf_add_sql_name(p->out, type->fields[i].name);
            buf_add_char(p->out, ' ');
            print_sql(p, &type->fields[i].type, key);
        }
        buf_add_char(p->out, ')');
        break;
    case TYPE_LIST:
        print_sql(p, &type->fields[0].type, key);
        buf_add_text(p->out, "[]");
        break;
    case TYPE_MAP:
        buf_add_text(p->out, "MAP(");
        print_sql(p, &type->fields[0].type, true);
        buf_add_text(p->out, ", ");
        print_sql(p, &type->fields[1].type, key);
        buf_add_char(p->out, ')');
        break;
    default:
        buf_add_text(p->out, sql_name(type->kind));
    }
}

void type_print_sql(const struct type *type, struct buf *out)
{
    type_print_sql_instead(type, NULL, NULL, out);
}

void type_print_sql_instead(const struct type *type, type_instead_fn instead, void *arg,
                            struct buf *out)
{
    print_sql(&(struct sql_printing){.instead = instead, .arg = arg, .out = out}, type, false);
}

/* ---- reading ---- */

struct sql_type_parser {
    struct str text;
    size_t at;
    struct str column;
    struct arena *arena;
    corrie_error *err;
};

static int parse_type(struct sql_type_parser *p, unsigned depth, struct type *ret);

static int fail_syntax(struct sql_type_parser *p)
{
    return corrie_fail(p->err, CORRIE_E_DATA, "column %.*s: the type \"%.*s\" cannot be understood",
                       STR_FMT(p->column), STR_FMT(p->text));
}

static int fail_type(struct sql_type_parser *p, struct str name, const char *hint)
{
    int r = corrie_fail(p->err, CORRIE_E_UNSUPPORTED, "column %.*s: type %.*s cannot be stored",
                        STR_FMT(p->column), STR_FMT(name));
    if (hint) {
        corrie_hint(p->err, "%s", hint);
    }
    return r;
}

static void skip_space(struct sql_type_parser *p)
{
    while (p->at < p->text.len && (p->text.data[p->at] == ' ' || p->text.data[p->at] == '\t')) {
        p->at++;
    }
}

static bool take_char(struct sql_type_parser *p, char c)
{
    skip_space(p);
    if (p->at < p->text.len && p->text.data[p->at] == c) {
        p->at++;
        return true;
    }
    return false;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char)c >= 0x80;
}

static struct str take_word(struct sql_type_parser *p)
{
    skip_space(p);
    size_t from = p->at;
    while (p->at < p->text.len && is_word(p->text.data[p->at])) {
        p->at++;
    }
    return str_slice(p->text, from, p->at - from);
}

/* Text in quotes, doubled quotes undone, in the arena. */
static int take_quoted(struct sql_type_parser *p, char quote, struct str *ret)
{
    char *text = arena_alloc(p->arena, p->text.len - p->at + 1, 1);
    size_t len = 0;

    if (!text) {
        return corrie_fail_memory(p->err);
    }
    p->at++;
    for (; p->at < p->text.len; p->at++) {
        char c = p->text.data[p->at];
        if (c == quote) {
            if (p->at + 1 >= p->text.len || p->text.data[p->at + 1] != quote) {
                p->at++;
                *ret = str_make(text, len);
                return 0;
            }
            p->at++;
        }
        text[len++] = c;
    }
    return fail_syntax(p);
}

static int take_name(struct sql_type_parser *p, struct str *ret)
{
    skip_space(p);
    if (p->at < p->text.len && p->text.data[p->at] == '"') {
        return take_quoted(p, '"', ret);
    }
    struct str word = take_word(p);
    if (word.len == 0) {
        return fail_syntax(p);
    }
    if (arena_str(p->arena, word, ret) < 0) {
        return corrie_fail_memory(p->err);
    }
    return 0;
}

static int take_number(struct sql_type_parser *p, int64_t *ret)
{
    return str_to_int64(take_word(p), ret) ? 0 : fail_syntax(p);
}

static int parse_decimal(struct sql_type_parser *p, struct type *ret)
{
    int64_t precision = 18;
    int64_t scale = 3;

    if (take_char(p, '(')) {
        int r = take_number(p, &precision);
        if (r < 0) {
            return r;
        }
        scale = 0;
        if (take_char(p, ',')) {
            r = take_number(p, &scale);
            if (r < 0) {
                return r;
            }
        }
        if (!take_char(p, ')')) {
            return fail_syntax(p);
        }
    }
    return type_decimal(precision, scale, ret, p->err);
}

static int parse_struct(struct sql_type_parser *p, unsigned depth, struct type *ret)
{
    VEC(struct field) fields = {0};
    int r = 0;

    if (!take_char(p, '(')) {
        return fail_syntax(p);
    }
    do {
        struct field field = {0};
        r = take_name(p, &field.name);
        if (r >= 0) {
            r = parse_type(p, depth + 1, &field.type);
        }
        if (r >= 0 && fields.count >= CORRIE_MAX_COLUMNS) {
            r = corrie_fail(p->err, CORRIE_E_LIMIT, "column %.*s: a struct of more than %d fields",
                            STR_FMT(p->column), CORRIE_MAX_COLUMNS);
        }
        if (r >= 0 && vec_push(&fields, field) < 0) {
            r = corrie_fail_memory(p->err);
        }
    } while (r >= 0 && take_char(p, ','));
    if (r >= 0 && !take_char(p, ')')) {
        r = fail_syntax(p);
    }
    if (r >= 0) {
        struct field *kept = arena_array(p->arena, struct field, fields.count);
        if (kept) {
            memcpy(kept, fields.items, fields.count * sizeof *kept);
            *ret = (struct type){.kind = TYPE_STRUCT, .fields = kept, .n_fields = fields.count};
        } else {
            r = corrie_fail_memory(p->err);
        }
    }
    vec_done(&fields);
    return r;
}

/* A list or map of types that lie in the arena already. */
static int make_nested(struct sql_type_parser *p, enum type_kind kind, const struct type *types,
                       struct type *ret)
{
    size_t n = kind == TYPE_MAP ? 2 : 1;
    struct field *fields = arena_array(p->arena, struct field, n);
    if (!fields) {
        return corrie_fail_memory(p->err);
    }
    if (kind == TYPE_MAP) {
        fields[0] = (struct field){.name = MAP_KEY, .required = true, .type = types[0]};
        fields[1] = (struct field){.name = MAP_VALUE, .type = types[1]};
    } else {
        fields[0] = (struct field){.name = LIST_ELEMENT, .type = types[0]};
    }
    *ret = (struct type){.kind = kind, .fields = fields, .n_fields = n};
    return 0;
}

static int parse_map(struct sql_type_parser *p, unsigned depth, struct type *ret)
{
    struct type types[2];

    if (!take_char(p, '(')) {
        return fail_syntax(p);
    }
    int r = parse_type(p, depth + 1, &types[0]);
    if (r < 0) {
        return r;
    }
    if (!take_char(p, ',')) {
        return fail_syntax(p);
    }
    r = parse_type(p, depth + 1, &types[1]);
    if (r < 0) {
        return r;
    }
    return take_char(p, ')') ? make_nested(p, TYPE_MAP, types, ret) : fail_syntax(p);
}

/* ENUM('a', 'b'): its values do not matter, it is stored as text. */
static int parse_enum(struct sql_type_parser *p, struct type *ret)
{
    *ret = (struct type){.kind = TYPE_STRING};
    if (!take_char(p, '(')) {
        return 0;
    }
    do {
        struct str ignored;
        skip_space(p);
        if (p->at >= p->text.len || p->text.data[p->at] != '\'') {
            return fail_syntax(p);
        }
        int r = take_quoted(p, '\'', &ignored);
        if (r < 0) {
            return r;
        }
    } while (take_char(p, ','));
    return take_char(p, ')') ? 0 : fail_syntax(p);
}

static const struct {
    const char *name;
    enum type_kind kind;
} simple_types[] = {
    {"BOOLEAN", TYPE_BOOLEAN},
    {"BOOL", TYPE_BOOLEAN},
    {"TINYINT", TYPE_INT},
    {"SMALLINT", TYPE_INT},
    {"INTEGER", TYPE_INT},
    {"INT", TYPE_INT},
    {"UTINYINT", TYPE_INT},
    {"USMALLINT", TYPE_INT},
    {"BIGINT", TYPE_LONG},
    {"UINTEGER", TYPE_LONG},
    {"UBIGINT", TYPE_LONG},  /* checked at write */
    {"HUGEINT", TYPE_LONG},  /* checked at write */
    {"UHUGEINT", TYPE_LONG}, /* checked at write */
    {"FLOAT", TYPE_FLOAT},
    {"REAL", TYPE_FLOAT},
    {"DOUBLE", TYPE_DOUBLE},
    {"DATE", TYPE_DATE},
    {"TIME_NS", TYPE_TIME}, /* exactness checked at write */
    {"TIMESTAMP_S", TYPE_TIMESTAMP},
    {"TIMESTAMP_MS", TYPE_TIMESTAMP},
    {"TIMESTAMP_NS", TYPE_TIMESTAMP}, /* exactness checked at write */
    {"TIMESTAMPTZ", TYPE_TIMESTAMPTZ},
    {"VARCHAR", TYPE_STRING},
    {"TEXT", TYPE_STRING},
    {"STRING", TYPE_STRING},
    {"JSON", TYPE_STRING},
    {"UUID", TYPE_UUID},
    {"BLOB", TYPE_BINARY},
    {"BYTEA", TYPE_BINARY},
    /* DuckDB's other names for them */
    {"LOGICAL", TYPE_BOOLEAN},
    {"INT1", TYPE_INT},
    {"INT2", TYPE_INT},
    {"SHORT", TYPE_INT},
    {"INT4", TYPE_INT},
    {"SIGNED", TYPE_INT},
    {"INT8", TYPE_LONG},
    {"LONG", TYPE_LONG},
    {"FLOAT4", TYPE_FLOAT},
    {"FLOAT8", TYPE_DOUBLE},
    {"DATETIME", TYPE_TIMESTAMP},
    {"CHAR", TYPE_STRING},
    {"CHARACTER", TYPE_STRING},
    {"BPCHAR", TYPE_STRING},
    {"NVARCHAR", TYPE_STRING},
    {"GUID", TYPE_UUID},
    {"BINARY", TYPE_BINARY},
    {"VARBINARY", TYPE_BINARY},
};

static const struct {
    const char *name;
    const char *hint;
} refused_types[] = {
    {"INTERVAL", "store it as a number: date_part('epoch', x)"},
    {"BIT", "cast it to VARCHAR or BLOB"},
    {"TIMETZ", "cast it to TIME or VARCHAR"},
    {"UNION", "cast it to VARCHAR, or keep each member in a column of its own"},
    {"BIGNUM", "cast it to DECIMAL(38,0) or VARCHAR"},
    {"VARINT", "cast it to DECIMAL(38,0) or VARCHAR"},
    {"GEOMETRY", "store it as text or as a BLOB: ST_AsWKB(x)"},
    {"VARIANT", "cast it to VARCHAR or to a STRUCT"},
};

static bool take_keyword(struct sql_type_parser *p, const char *keyword)
{
    size_t from = p->at;
    bool is = str_eq_nocase(take_word(p), str_of(keyword));

    p->at = is ? p->at : from;
    return is;
}

/* After TIME or TIMESTAMP: 1 if WITH TIME ZONE follows. */
static int take_zone(struct sql_type_parser *p)
{
    bool with = take_keyword(p, "WITH");

    if (!with && !take_keyword(p, "WITHOUT")) {
        return 0;
    }
    return take_keyword(p, "TIME") && take_keyword(p, "ZONE") ? with : fail_syntax(p);
}

/* What may stand behind the name of a type: DOUBLE PRECISION, CHARACTER VARYING, and a length of texts and bytes, which
 * says nothing, as in DuckDB. */
static int take_rest(struct sql_type_parser *p, struct str word, enum type_kind kind)
{
    int64_t length;
    int r;

    if (kind == TYPE_DOUBLE && str_eq_nocase(word, STR("DOUBLE"))) {
        (void)take_keyword(p, "PRECISION");
    } else if (str_eq_nocase(word, STR("CHARACTER")) || str_eq_nocase(word, STR("CHAR"))) {
        (void)take_keyword(p, "VARYING");
    }
    if ((kind != TYPE_STRING && kind != TYPE_BINARY) || !take_char(p, '(')) {
        return 0;
    }
    r = take_number(p, &length);
    return r < 0 || take_char(p, ')') ? r : fail_syntax(p);
}

static int parse_named(struct sql_type_parser *p, struct str word, unsigned depth, struct type *ret)
{
    if (str_eq_nocase(word, STR("STRUCT")) || str_eq_nocase(word, STR("ROW"))) {
        return parse_struct(p, depth, ret);
    }
    if (str_eq_nocase(word, STR("MAP"))) {
        return parse_map(p, depth, ret);
    }
    if (str_eq_nocase(word, STR("ENUM"))) {
        return parse_enum(p, ret);
    }
    if (str_eq_nocase(word, STR("DECIMAL")) || str_eq_nocase(word, STR("NUMERIC")) ||
        str_eq_nocase(word, STR("DEC"))) {
        return parse_decimal(p, ret);
    }
    if (str_eq_nocase(word, STR("TIME")) || str_eq_nocase(word, STR("TIMESTAMP"))) {
        bool stamp = word.len > 4;
        int zone = take_zone(p);
        if (zone < 0) {
            return zone;
        }
        if (zone && !stamp) {
            return fail_type(p, STR("TIME WITH TIME ZONE"), "cast it to TIME or VARCHAR");
        }
        ret->kind = !stamp ? TYPE_TIME : zone ? TYPE_TIMESTAMPTZ : TYPE_TIMESTAMP;
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(simple_types); i++) {
        if (str_eq_nocase(word, str_of(simple_types[i].name))) {
            ret->kind = simple_types[i].kind;
            return take_rest(p, word, ret->kind);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(refused_types); i++) {
        if (str_eq_nocase(word, str_of(refused_types[i].name))) {
            return fail_type(p, word, refused_types[i].hint);
        }
    }
    return fail_type(p, word, NULL);
}

/* `[]` and `[3]` behind a type: lists, from the inside out. */
static int parse_lists(struct sql_type_parser *p, unsigned depth, struct type *type)
{
    while (take_char(p, '[')) {
        int64_t length;
        struct type element = *type;
        int r = type_check_depth(++depth, p->err);
        if (r < 0) {
            return r;
        }
        if (!take_char(p, ']')) {
            r = take_number(p, &length);
            if (r < 0) {
                return r;
            }
            if (!take_char(p, ']')) {
                return fail_syntax(p);
            }
        }
        r = make_nested(p, TYPE_LIST, &element, type);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int parse_type(struct sql_type_parser *p, unsigned depth, struct type *ret)
{
    struct type type = {0};

    int r = type_check_depth(depth, p->err);
    if (r < 0) {
        return r;
    }
    skip_space(p);
    if (p->at < p->text.len && p->text.data[p->at] == '"') {
        struct str quoted;
        r = take_quoted(p, '"', &quoted);
        if (r < 0) {
            return r;
        }
        /* DuckDB's type of a bare NULL. */
        return fail_type(p, quoted, "give the column a type: CAST(NULL AS VARCHAR)");
    }
    struct str word = take_word(p);
    if (word.len == 0) {
        return fail_syntax(p);
    }
    r = parse_named(p, word, depth, &type);
    if (r < 0) {
        return r;
    }
    r = parse_lists(p, depth, &type);
    if (r < 0) {
        return r;
    }
    *ret = type;
    return 0;
}

int type_from_sql(struct str text, struct str column, struct arena *arena, struct type *ret,
                  corrie_error *err)
{
    struct sql_type_parser p = {.text = text, .column = column, .arena = arena, .err = err};
    struct type type;

    if (text.len > CORRIE_MAX_SQL) {
        return corrie_fail(err, CORRIE_E_LIMIT, "column %.*s: its type is longer than %zu bytes",
                           STR_FMT(column), CORRIE_MAX_SQL);
    }
    int r = parse_type(&p, 1, &type);
    if (r < 0) {
        return r;
    }
    skip_space(&p);
    if (p.at != text.len) {
        return fail_syntax(&p);
    }
    *ret = type;
    return 0;
}
