/* Name mappings, which any program may have put among a table's properties. What is accepted must come back as we write
 * it, and follow a change of the schema. */
#include <stdlib.h>

#include "iceberg/name_mapping.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count(const struct mapped_field *fields, size_t n_fields)
{
    size_t n = n_fields;

    for (size_t i = 0; i < n_fields; i++) {
        n += fields[i].n_names + count(fields[i].fields, fields[i].n_fields);
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct field inner[] = {{.id = 3, .name = {"c", 1}, .type = {.kind = TYPE_INT}}};
    static struct field before[] = {
        {.id = 1, .name = {"a", 1}, .type = {.kind = TYPE_INT}},
        {.id = 2, .name = {"b", 1}, .type = {.kind = TYPE_STRUCT, .fields = inner, .n_fields = 1}}};
    static struct field after[] = {
        {.id = 2, .name = {"a", 1}, .type = {.kind = TYPE_STRUCT, .fields = inner, .n_fields = 1}},
        {.id = 4, .name = {"b", 1}, .type = {.kind = TYPE_INT}}};
    static const struct schema old = {.fields = before, .n_fields = 2};
    static const struct schema new = {.fields = after, .n_fields = 2};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf out = {0};
    _cleanup_(buf_done) struct buf text = {0};
    struct name_mapping mapping;
    struct name_mapping again;

    if (name_mapping_parse((struct str){(const char *)data, size}, &arena, &mapping, &err) < 0) {
        return 0;
    }
    if (name_mapping_format(&mapping, &out, &err) < 0 ||
        name_mapping_parse(buf_str(&out), &arena, &again, &err) < 0 ||
        count(mapping.fields, mapping.n_fields) != count(again.fields, again.n_fields)) {
        abort();
    }
    if (name_mapping_follow(&mapping, &old, &new, &arena, &again, &err) < 0 ||
        name_mapping_format(&again, &text, &err) < 0 ||
        name_mapping_parse(buf_str(&text), &arena, &again, &err) < 0) {
        abort(); /* a name twice, most likely */
    }
    return 0;
}
