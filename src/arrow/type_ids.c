/* Field ids. */
#include "arrow/type_priv.h"

static int highest(const struct field *fields, size_t n_fields)
{
    int max = 0;
    for (size_t i = 0; i < n_fields; i++) {
        int inner = highest(fields[i].type.fields, fields[i].type.n_fields);
        max = fields[i].id > max ? fields[i].id : max;
        max = inner > max ? inner : max;
    }
    return max;
}

int schema_highest_id(const struct schema *schema)
{
    return highest(schema->fields, schema->n_fields);
}

/* Whether a field of the new schema continues the old one of the same name: its type is the old one
 * widened, or nested in the same way (what is inside is then decided field by field). */
static bool continues(const struct type *old, const struct type *type)
{
    return type_is_nested(old) ? old->kind == type->kind : type_promotes(old, type);
}

static const struct field *find(const struct field *fields, size_t n_fields, struct str name)
{
    for (size_t i = 0; i < n_fields; i++) {
        if (str_eq(fields[i].name, name)) {
            return &fields[i];
        }
    }
    return NULL;
}

/* The ids of one level, then of what is nested in it. */
static void assign(struct field *fields, size_t n_fields, const struct field *old, size_t n_old,
                   int *last_id)
{
    for (size_t i = 0; i < n_fields; i++) {
        const struct field *before = find(old, n_old, fields[i].name);
        if (before && before->id > 0 && continues(&before->type, &fields[i].type)) {
            fields[i].id = before->id;
        } else {
            fields[i].id = ++*last_id;
        }
    }
    for (size_t i = 0; i < n_fields; i++) {
        const struct field *before = find(old, n_old, fields[i].name);
        bool kept = before && before->id == fields[i].id;
        assign(fields[i].type.fields, fields[i].type.n_fields, kept ? before->type.fields : NULL,
               kept ? before->type.n_fields : 0, last_id);
    }
}

void schema_assign_ids(struct schema *schema, int *last_id)
{
    assign(schema->fields, schema->n_fields, NULL, 0, last_id);
}

void schema_assign_ids_from(struct schema *schema, const struct schema *old, int *last_id)
{
    assign(schema->fields, schema->n_fields, old->fields, old->n_fields, last_id);
}
