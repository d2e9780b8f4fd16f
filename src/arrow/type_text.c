/* Types as users see them and as Iceberg's JSON names the primitive ones. */
#include "arrow/type_priv.h"

static const char *const kind_names[] = {
    [TYPE_NONE] = "none",
    [TYPE_BOOLEAN] = "boolean",
    [TYPE_INT] = "int",
    [TYPE_LONG] = "long",
    [TYPE_FLOAT] = "float",
    [TYPE_DOUBLE] = "double",
    [TYPE_DECIMAL] = "decimal",
    [TYPE_DATE] = "date",
    [TYPE_TIME] = "time",
    [TYPE_TIMESTAMP] = "timestamp",
    [TYPE_TIMESTAMPTZ] = "timestamptz",
    [TYPE_STRING] = "string",
    [TYPE_UUID] = "uuid",
    [TYPE_FIXED] = "fixed",
    [TYPE_BINARY] = "binary",
    [TYPE_STRUCT] = "struct",
    [TYPE_LIST] = "list",
    [TYPE_MAP] = "map",
};

const char *type_kind_name(enum type_kind kind)
{
    return (size_t)kind < ARRAY_LEN(kind_names) ? kind_names[kind] : "none";
}

void type_print(const struct type *type, struct buf *out)
{
    buf_add_text(out, type_kind_name(type->kind));
    switch (type->kind) {
    case TYPE_DECIMAL:
        buf_addf(out, "(%d, %d)", type->precision, type->scale);
        break;
    case TYPE_FIXED:
        buf_addf(out, "[%d]", type->length);
        break;
    case TYPE_STRUCT:
        buf_add_char(out, '<');
        for (size_t i = 0; i < type->n_fields; i++) {
            buf_addf(out, "%s%.*s: ", i > 0 ? ", " : "", STR_FMT(type->fields[i].name));
            type_print(&type->fields[i].type, out);
        }
        buf_add_char(out, '>');
        break;
    case TYPE_LIST:
    case TYPE_MAP:
        buf_add_char(out, '<');
        for (size_t i = 0; i < type->n_fields; i++) {
            buf_add_text(out, i > 0 ? ", " : "");
            type_print(&type->fields[i].type, out);
        }
        buf_add_char(out, '>');
        break;
    default:
        break;
    }
}

/* "decimal(10, 2)" → 10 and 2. */
static bool parse_decimal(struct str name, int64_t *ret_precision, int64_t *ret_scale)
{
    struct str head;
    struct str tail;

    if (!str_starts(name, STR("decimal(")) || !str_ends(name, STR(")"))) {
        return false;
    }
    name = str_slice(name, 8, name.len - 9);
    if (!str_cut(name, ',', &head, &tail)) {
        return false;
    }
    return str_to_int64(str_trim(head), ret_precision) && str_to_int64(str_trim(tail), ret_scale);
}

int type_from_name(struct str name, struct type *ret, corrie_error *err)
{
    int64_t precision;
    int64_t scale;
    int64_t length;

    for (int kind = TYPE_BOOLEAN; kind <= TYPE_BINARY; kind++) {
        if (kind != TYPE_DECIMAL && kind != TYPE_FIXED && str_eq(name, str_of(kind_names[kind]))) {
            *ret = (struct type){.kind = (enum type_kind)kind};
            return 0;
        }
    }
    if (parse_decimal(name, &precision, &scale)) {
        return type_decimal(precision, scale, ret, err);
    }
    if (str_starts(name, STR("fixed[")) && str_ends(name, STR("]")) &&
        str_to_int64(str_slice(name, 6, name.len - 7), &length) && length > 0 &&
        length <= INT32_MAX) {
        *ret = (struct type){.kind = TYPE_FIXED, .length = (int)length};
        return 0;
    }
    return corrie_fail(err, CORRIE_E_DATA, "unknown type \"%.*s\"", STR_FMT(name));
}
