/* Types from and to Arrow's schemas. */
#include "arrow/type_priv.h"

#include <nanoarrow/nanoarrow.h>

#include "arrow/table.h"
#include "base/limits.h"

#define FIELD_ID_KEY "PARQUET:field_id"

/* ---- from Arrow ---- */

static int from_arrow(const struct ArrowSchema *arrow, struct str column, unsigned depth,
                      struct arena *arena, struct field *ret, corrie_error *err);

static int fail_type(struct str column, const char *type, const char *hint, corrie_error *err)
{
    int r = corrie_fail(err, CORRIE_E_UNSUPPORTED, "column %.*s: type %s cannot be stored",
                        STR_FMT(column), type);
    if (hint) {
        corrie_hint(err, "%s", hint);
    }
    return r;
}

static const struct {
    enum ArrowType arrow;
    enum type_kind kind;
} simple_types[] = {
    {NANOARROW_TYPE_BOOL, TYPE_BOOLEAN},        {NANOARROW_TYPE_INT8, TYPE_INT},
    {NANOARROW_TYPE_UINT8, TYPE_INT},           {NANOARROW_TYPE_INT16, TYPE_INT},
    {NANOARROW_TYPE_UINT16, TYPE_INT},          {NANOARROW_TYPE_INT32, TYPE_INT},
    {NANOARROW_TYPE_UINT32, TYPE_LONG},         {NANOARROW_TYPE_INT64, TYPE_LONG},
    {NANOARROW_TYPE_UINT64, TYPE_LONG}, /* checked at write */
    {NANOARROW_TYPE_HALF_FLOAT, TYPE_FLOAT},    {NANOARROW_TYPE_FLOAT, TYPE_FLOAT},
    {NANOARROW_TYPE_DOUBLE, TYPE_DOUBLE},       {NANOARROW_TYPE_DATE32, TYPE_DATE},
    {NANOARROW_TYPE_DATE64, TYPE_DATE},         {NANOARROW_TYPE_TIME32, TYPE_TIME},
    {NANOARROW_TYPE_TIME64, TYPE_TIME}, /* nanoseconds: exactness checked at write */
    {NANOARROW_TYPE_STRING, TYPE_STRING},       {NANOARROW_TYPE_LARGE_STRING, TYPE_STRING},
    {NANOARROW_TYPE_STRING_VIEW, TYPE_STRING},  {NANOARROW_TYPE_BINARY, TYPE_BINARY},
    {NANOARROW_TYPE_LARGE_BINARY, TYPE_BINARY}, {NANOARROW_TYPE_BINARY_VIEW, TYPE_BINARY},
};

static int64_t field_id_of(const struct ArrowSchema *arrow)
{
    struct ArrowStringView value = {NULL, 0};
    int64_t id;

    if (ArrowMetadataGetValue(arrow->metadata, ArrowCharView(FIELD_ID_KEY), &value) !=
            NANOARROW_OK ||
        !value.data || !str_to_int64(str_make(value.data, (size_t)value.size_bytes), &id) ||
        id < 0 || id > INT32_MAX) {
        return 0;
    }
    return id;
}

static int fields_from_arrow(const struct ArrowSchema *arrow, struct str column, unsigned depth,
                             struct arena *arena, struct type *ret, corrie_error *err)
{
    int64_t n = arrow->n_children;
    if (n < 0 || n > CORRIE_MAX_FIELDS) {
        return corrie_fail(err, CORRIE_E_LIMIT, "column %.*s: more than %d fields", STR_FMT(column),
                           CORRIE_MAX_FIELDS);
    }
    struct field *fields = arena_array(arena, struct field, (size_t)n + 1);
    if (!fields) {
        return corrie_fail_memory(err);
    }
    for (int64_t i = 0; i < n; i++) {
        int r = from_arrow(arrow->children[i], column, depth + 1, arena, &fields[i], err);
        if (r < 0) {
            return r;
        }
    }
    ret->fields = fields;
    ret->n_fields = (size_t)n;
    return 0;
}

static int list_from_arrow(const struct ArrowSchema *arrow, struct str column, unsigned depth,
                           struct arena *arena, struct type *ret, corrie_error *err)
{
    int r = fields_from_arrow(arrow, column, depth, arena, ret, err);
    if (r < 0) {
        return r;
    }
    if (ret->n_fields != 1) {
        return corrie_fail(err, CORRIE_E_DATA, "column %.*s: a list without element type",
                           STR_FMT(column));
    }
    ret->kind = TYPE_LIST;
    ret->fields[0].name = LIST_ELEMENT;
    return 0;
}

static int map_from_arrow(const struct ArrowSchema *arrow, struct str column, unsigned depth,
                          struct arena *arena, struct type *ret, corrie_error *err)
{
    if (arrow->n_children != 1 || arrow->children[0]->n_children != 2) {
        return corrie_fail(err, CORRIE_E_DATA, "column %.*s: a map without key and value type",
                           STR_FMT(column));
    }
    int r = fields_from_arrow(arrow->children[0], column, depth, arena, ret, err);
    if (r < 0) {
        return r;
    }
    ret->kind = TYPE_MAP;
    ret->fields[0].name = MAP_KEY;
    ret->fields[0].required = true;
    ret->fields[1].name = MAP_VALUE;
    return 0;
}

static bool is_extension(const struct ArrowSchemaView *view, const char *name)
{
    return view->extension_name.data &&
           str_eq(str_make(view->extension_name.data, (size_t)view->extension_name.size_bytes),
                  str_of(name));
}

static int fixed_from_arrow(const struct ArrowSchemaView *view, struct str column, struct type *ret,
                            corrie_error *err)
{
    if (is_extension(view, "arrow.uuid") && view->fixed_size == 16) {
        ret->kind = TYPE_UUID;
        return 0;
    }
    if (is_extension(view, "arrow.opaque")) {
        return fail_type(column, "arrow.opaque", "cast it to a type of Arrow's own", err);
    }
    if (view->fixed_size < 1) {
        return fail_type(column, "fixed_size_binary(0)", NULL, err);
    }
    ret->kind = TYPE_FIXED;
    ret->length = view->fixed_size;
    return 0;
}

static int decimal_from_arrow(const struct ArrowSchemaView *view, struct str column,
                              struct type *ret, corrie_error *err)
{
    if (view->decimal_precision > TYPE_DECIMAL_DIGITS || view->decimal_scale < 0) {
        return fail_type(column, "decimal beyond 38 digits or with a negative scale",
                         "cast it to decimal128 with at most 38 digits, or to double", err);
    }
    int r = type_decimal(view->decimal_precision, view->decimal_scale, ret, err);
    return r < 0 ? corrie_wrap(err, "column %.*s", STR_FMT(column)) : 0;
}

static int type_from_view(const struct ArrowSchemaView *view, struct str column, unsigned depth,
                          struct arena *arena, struct type *ret, corrie_error *err)
{
    const struct ArrowSchema *arrow = view->schema;

    for (size_t i = 0; i < ARRAY_LEN(simple_types); i++) {
        if (view->type == simple_types[i].arrow) {
            ret->kind = simple_types[i].kind;
            return 0;
        }
    }
    switch (view->type) {
    case NANOARROW_TYPE_TIMESTAMP: /* nanoseconds: exactness checked at write */
        ret->kind = view->timezone && *view->timezone ? TYPE_TIMESTAMPTZ : TYPE_TIMESTAMP;
        return 0;
    case NANOARROW_TYPE_DECIMAL32:
    case NANOARROW_TYPE_DECIMAL64:
    case NANOARROW_TYPE_DECIMAL128:
    case NANOARROW_TYPE_DECIMAL256:
        return decimal_from_arrow(view, column, ret, err);
    case NANOARROW_TYPE_FIXED_SIZE_BINARY:
        return fixed_from_arrow(view, column, ret, err);
    case NANOARROW_TYPE_STRUCT:
        if (arrow->n_children == 0) {
            return fail_type(column, "struct without fields", "give it a field, or leave it out",
                             err);
        }
        ret->kind = TYPE_STRUCT;
        return fields_from_arrow(arrow, column, depth, arena, ret, err);
    case NANOARROW_TYPE_LIST:
    case NANOARROW_TYPE_LARGE_LIST:
    case NANOARROW_TYPE_FIXED_SIZE_LIST:
    case NANOARROW_TYPE_LIST_VIEW:
    case NANOARROW_TYPE_LARGE_LIST_VIEW:
        return list_from_arrow(arrow, column, depth, arena, ret, err);
    case NANOARROW_TYPE_MAP:
        return map_from_arrow(arrow, column, depth, arena, ret, err);
    case NANOARROW_TYPE_DICTIONARY: {
        struct field values = {0};
        int r = from_arrow(arrow->dictionary, column, depth + 1, arena, &values, err);
        *ret = values.type;
        return r;
    }
    case NANOARROW_TYPE_NA:
        return fail_type(column, "null",
                         "all its values are null: give it a type, for example "
                         "pa.array(values, pa.string())",
                         err);
    case NANOARROW_TYPE_DURATION:
        return fail_type(column, "duration", "store it as a number of seconds, or as text", err);
    case NANOARROW_TYPE_INTERVAL_MONTHS:
    case NANOARROW_TYPE_INTERVAL_DAY_TIME:
    case NANOARROW_TYPE_INTERVAL_MONTH_DAY_NANO:
        return fail_type(
            column, ArrowTypeString(view->type),
            "store its months, days and seconds as columns of their own, or it as text", err);
    default:
        return fail_type(column, ArrowTypeString(view->type), NULL, err);
    }
}

/* `column` is the top-level column, for messages. */
static int from_arrow(const struct ArrowSchema *arrow, struct str column, unsigned depth,
                      struct arena *arena, struct field *ret, corrie_error *err)
{
    struct ArrowSchemaView view;
    struct ArrowError error = {0};
    struct field field = {0};

    int r = type_check_depth(depth, err);
    if (r < 0) {
        return corrie_wrap(err, "column %.*s", STR_FMT(column));
    }
    int result = ArrowSchemaViewInit(&view, arrow, &error);
    if (result != NANOARROW_OK) {
        arrow_fail(err, CORRIE_E_DATA, result, error.message);
        return corrie_wrap(err, "column %.*s", STR_FMT(column));
    }
    if (arena_str(arena, str_of(arrow->name), &field.name) < 0) {
        return corrie_fail_memory(err);
    }
    field.id = (int)field_id_of(arrow);
    field.required = !(arrow->flags & ARROW_FLAG_NULLABLE);
    r = type_from_view(&view, column, depth, arena, &field.type, err);
    if (r < 0) {
        return r;
    }
    *ret = field;
    return 0;
}

int field_from_arrow(const struct ArrowSchema *arrow, struct arena *arena, struct field *ret,
                     corrie_error *err)
{
    return from_arrow(arrow, str_of(arrow->name), 1, arena, ret, err);
}

int schema_from_arrow(const struct ArrowSchema *arrow, struct arena *arena, struct schema *ret,
                      corrie_error *err)
{
    struct schema schema = {0};

    if (!arrow->format || strcmp(arrow->format, "+s") != 0) {
        return corrie_fail(err, CORRIE_E_DATA, "a schema of columns must have struct type");
    }
    if (arrow->n_children < 0 || arrow->n_children > CORRIE_MAX_FIELDS) {
        return corrie_fail(err, CORRIE_E_LIMIT, "a schema of more than %d fields",
                           CORRIE_MAX_FIELDS);
    }
    schema.n_fields = (size_t)arrow->n_children;
    schema.fields = arena_array(arena, struct field, schema.n_fields + 1);
    if (!schema.fields) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < schema.n_fields; i++) {
        int r = field_from_arrow(arrow->children[i], arena, &schema.fields[i], err);
        if (r < 0) {
            return r;
        }
    }
    int r = schema_clear_repeated_ids(&schema, err);
    if (r >= 0) {
        r = schema_check(&schema, err);
    }
    if (r < 0) {
        return r;
    }
    *ret = schema;
    return 0;
}

/* ---- to Arrow ---- */

static int fill_field(const struct field *field, struct ArrowSchema *out);

static int fill_fields(const struct type *type, struct ArrowSchema *out)
{
    for (size_t i = 0; i < type->n_fields; i++) {
        NANOARROW_RETURN_NOT_OK(fill_field(&type->fields[i], out->children[i]));
    }
    return NANOARROW_OK;
}

static int fill_map(const struct type *type, struct ArrowSchema *out)
{
    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetType(out, NANOARROW_TYPE_MAP));
    struct ArrowSchema *entries = out->children[0];
    NANOARROW_RETURN_NOT_OK(fill_field(&type->fields[0], entries->children[0]));
    return fill_field(&type->fields[1], entries->children[1]);
}

static int fill_uuid(struct ArrowSchema *out)
{
    struct ArrowBuffer metadata;

    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetTypeFixedSize(out, NANOARROW_TYPE_FIXED_SIZE_BINARY, 16));
    NANOARROW_RETURN_NOT_OK(ArrowMetadataBuilderInit(&metadata, NULL));
    int result = ArrowMetadataBuilderAppend(&metadata, ArrowCharView("ARROW:extension:name"),
                                            ArrowCharView("arrow.uuid"));
    if (result == NANOARROW_OK) {
        result = ArrowMetadataBuilderAppend(&metadata, ArrowCharView("ARROW:extension:metadata"),
                                            ArrowCharView(""));
    }
    if (result == NANOARROW_OK) {
        result = ArrowSchemaSetMetadata(out, (const char *)metadata.data);
    }
    ArrowBufferReset(&metadata);
    return result;
}

static int fill_type(const struct type *type, struct ArrowSchema *out)
{
    switch (type->kind) {
    case TYPE_BOOLEAN:
        return ArrowSchemaSetType(out, NANOARROW_TYPE_BOOL);
    case TYPE_INT:
        return ArrowSchemaSetType(out, NANOARROW_TYPE_INT32);
    case TYPE_LONG:
        return ArrowSchemaSetType(out, NANOARROW_TYPE_INT64);
    case TYPE_FLOAT:
        return ArrowSchemaSetType(out, NANOARROW_TYPE_FLOAT);
    case TYPE_DOUBLE:
        return ArrowSchemaSetType(out, NANOARROW_TYPE_DOUBLE);
    case TYPE_DECIMAL:
        return ArrowSchemaSetTypeDecimal(out, NANOARROW_TYPE_DECIMAL128, type->precision,
                                         type->scale);
    case TYPE_DATE:
        return ArrowSchemaSetType(out, NANOARROW_TYPE_DATE32);
    case TYPE_TIME:
        return ArrowSchemaSetTypeDateTime(out, NANOARROW_TYPE_TIME64, NANOARROW_TIME_UNIT_MICRO,
                                          NULL);
    case TYPE_TIMESTAMP:
        return ArrowSchemaSetTypeDateTime(out, NANOARROW_TYPE_TIMESTAMP, NANOARROW_TIME_UNIT_MICRO,
                                          NULL);
    case TYPE_TIMESTAMPTZ:
        return ArrowSchemaSetTypeDateTime(out, NANOARROW_TYPE_TIMESTAMP, NANOARROW_TIME_UNIT_MICRO,
                                          "UTC");
    case TYPE_STRING:
        return ArrowSchemaSetType(out, NANOARROW_TYPE_STRING);
    case TYPE_UUID:
        return fill_uuid(out);
    case TYPE_FIXED:
        return ArrowSchemaSetTypeFixedSize(out, NANOARROW_TYPE_FIXED_SIZE_BINARY, type->length);
    case TYPE_BINARY:
        return ArrowSchemaSetType(out, NANOARROW_TYPE_BINARY);
    case TYPE_STRUCT:
        NANOARROW_RETURN_NOT_OK(ArrowSchemaSetTypeStruct(out, (int64_t)type->n_fields));
        return fill_fields(type, out);
    case TYPE_LIST:
        NANOARROW_RETURN_NOT_OK(ArrowSchemaSetType(out, NANOARROW_TYPE_LIST));
        return fill_fields(type, out);
    case TYPE_MAP:
        return fill_map(type, out);
    case TYPE_NONE:
        break;
    }
    return EINVAL;
}

static int fill_id(int id, struct ArrowSchema *out)
{
    struct ArrowBuffer metadata;
    char text[16];

    snprintf(text, sizeof text, "%d", id);
    NANOARROW_RETURN_NOT_OK(ArrowMetadataBuilderInit(&metadata, out->metadata));
    int result =
        ArrowMetadataBuilderSet(&metadata, ArrowCharView(FIELD_ID_KEY), ArrowCharView(text));
    if (result == NANOARROW_OK) {
        result = ArrowSchemaSetMetadata(out, (const char *)metadata.data);
    }
    ArrowBufferReset(&metadata);
    return result;
}

/* `out` may be initialised already, as a child of its parent's type. */
static int fill_field(const struct field *field, struct ArrowSchema *out)
{
    _cleanup_(arena_done) struct arena arena = {0};
    char *name = arena_text(&arena, field->name);

    if (!name) {
        return ENOMEM;
    }
    arrow_schema_done(out);
    ArrowSchemaInit(out);
    NANOARROW_RETURN_NOT_OK(fill_type(&field->type, out));
    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetName(out, name));
    out->flags &= ~(int64_t)ARROW_FLAG_NULLABLE;
    if (!field->required) {
        out->flags |= ARROW_FLAG_NULLABLE;
    }
    return field->id > 0 ? fill_id(field->id, out) : NANOARROW_OK;
}

int field_to_arrow(const struct field *field, struct ArrowSchema *ret, corrie_error *err)
{
    _cleanup_(arrow_schema_done) struct ArrowSchema schema = {0};

    int result = fill_field(field, &schema);
    if (result != NANOARROW_OK) {
        arrow_fail(err, CORRIE_E_INTERNAL, result, "the type has no Arrow form");
        return corrie_wrap(err, "column %.*s", STR_FMT(field->name));
    }
    *ret = TAKE(schema);
    return 0;
}

int schema_to_arrow(const struct schema *schema, struct ArrowSchema *ret, corrie_error *err)
{
    struct field root = {
        .name = STR_EMPTY,
        .required = true,
        .type = {.kind = TYPE_STRUCT, .fields = schema->fields, .n_fields = schema->n_fields},
    };
    return field_to_arrow(&root, ret, err);
}
