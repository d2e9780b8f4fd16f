/* name_mapping.h — field ids for files that have none: the property schema.name-mapping.default (Iceberg spec, "Column
 * Projection", "Name Mapping Serialization").
 *
 * A column of a file without field ids is the field whose list of names has the column's; one that no list has is not
 * read. Lists are looked up level by level: the fields of a struct, "element" of a list, "key" and "value" of a map. */
#ifndef CORRIE_ICEBERG_NAME_MAPPING_H
#define CORRIE_ICEBERG_NAME_MAPPING_H

#include "iceberg/metadata.h"

#define NAME_MAPPING_PROPERTY "schema.name-mapping.default"

struct mapped_field {
    int field_id; /* 0: the names are known and belong to no field */
    const struct str *names;
    size_t n_names;
    const struct mapped_field *fields;
    size_t n_fields;
};

struct name_mapping {
    const struct mapped_field *fields;
    size_t n_fields;
};

/* Parses the property's JSON. CORRIE_E_CORRUPT naming what is wrong: a name twice on one level, a name that is no
 * string, an id that is none; CORRIE_E_LIMIT past CORRIE_MAX_FIELDS or CORRIE_MAX_TYPE_DEPTH. All in `arena`. */
int name_mapping_parse(struct str json, struct arena *arena, struct name_mapping *ret,
                       corrie_error *err) CORRIE_MUST_USE;
/* As JSON, one line. Appends to `out`. */
int name_mapping_format(const struct name_mapping *mapping, struct buf *out, corrie_error *err)
    CORRIE_MUST_USE;
/* Every field of `schema` under its present name: for files imported as they are. In `arena`, names borrowed. */
int name_mapping_of_schema(const struct schema *schema, struct arena *arena,
                           struct name_mapping *ret, corrie_error *err) CORRIE_MUST_USE;
/* `mapping` for a schema that came out of `old`: new fields are added, a renamed field has its old names and the new one,
 * a name that a new field took is taken from the others. Ids of dropped fields stay. In `arena`, the rest borrowed. */
int name_mapping_follow(const struct name_mapping *mapping, const struct schema *old,
                        const struct schema *schema, struct arena *arena, struct name_mapping *ret,
                        corrie_error *err) CORRIE_MUST_USE;

/* The table's mapping: 1, or 0 where it has none. Errors as name_mapping_parse. */
int metadata_name_mapping(const struct table_metadata *metadata, struct arena *arena,
                          struct name_mapping *ret, corrie_error *err) CORRIE_MUST_USE;
/* The field of one level that a name stands for, or NULL. */
const struct mapped_field *name_mapping_find(const struct mapped_field *fields, size_t n_fields,
                                             struct str name);

#endif
