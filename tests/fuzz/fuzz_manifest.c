/* Manifests and manifest lists: Avro containers that any engine, or anyone with write access, may have made.
 * Bit 0 of the first byte chooses which, bit 1 whether a manifest is one of deletes; the rest is the file. What is read
 * as entries must be writable again. */
#include "base/json.h"
#include "iceberg/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void list(struct str bytes, struct arena *arena, corrie_error *err)
{
    _cleanup_(manifest_list_done) struct manifest_list read = {0};
    _cleanup_(manifest_list_done) struct manifest_list again = {0};
    _cleanup_(buf_done) struct buf out = {0};

    if (manifest_list_decode(bytes, "fuzz", arena, &read, err) < 0) {
        return;
    }
    if (manifest_list_encode(&read, 1, SNAPSHOT_NONE, 1, &out, err) < 0 ||
        manifest_list_decode(buf_str(&out), "again", arena, &again, err) < 0 ||
        again.count != read.count) {
        abort();
    }
}

static void entries(struct str bytes, enum manifest_content content, struct arena *arena,
                    corrie_error *err)
{
    static struct partition_field fields[] = {
        {1, 1000, {"a", 1}, {"identity", 8}, {.kind = TYPE_DECIMAL, .precision = 9, .scale = 2}},
        {2, 1001, {"b", 1}, {"bucket[16]", 10}, {.kind = TYPE_INT}},
    };
    static const struct partition_spec spec = {0, fields, 2};
    static const struct partition_spec none = {0};
    static const struct schema schema = {0};
    const struct manifest_file parent = {
        .content = content, .sequence_number = 3, .added_snapshot_id = 7};
    const struct manifest_spec how = {.schema = &schema,
                                      .spec = &none,
                                      .content = content,
                                      .snapshot_id = 1,
                                      .sequence_number = 4};
    _cleanup_(manifest_entries_done) struct manifest_entries read = {0};
    _cleanup_(manifest_entries_done) struct manifest_entries again = {0};
    _cleanup_(buf_done) struct buf out = {0};
    struct manifest_file file;

    if (manifest_decode(bytes, "fuzz", &parent, &spec, arena, &read, err) < 0) {
        return;
    }
    for (size_t i = 0; i < read.count;
         i++) { /* whatever a tuple held, it can be refused or written */
        _error_ corrie_error inner = CORRIE_ERROR_INIT;
        _cleanup_(buf_done) struct buf tuple = {0};
        _cleanup_(buf_done) struct buf text = {0};
        partition_text(&spec, read.items[i].file.partition, read.items[i].file.n_partition, &text);
        partition_print(&spec, read.items[i].file.partition, read.items[i].file.n_partition, &text);
        for (size_t f = 0; f < read.items[i].file.n_partition; f++) {
            struct str value = read.items[i].file.partition[f].bytes;
            if (value.data &&
                partition_value_encode(&fields[f].result_type, value, &tuple, &inner) < 0) {
                corrie_error_clear(&inner);
            }
        }
        read.items[i].file.n_partition = 0;
    }
    if (manifest_encode(&how, read.items, read.count, arena, &file, &out, err) < 0 ||
        manifest_decode(buf_str(&out), "again", &file, &none, arena, &again, err) < 0 ||
        again.count != read.count) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {.max = (size_t)256 * 1024 * 1024};

    js_setup();
    if (size == 0) {
        return 0;
    }
    struct str bytes = {(const char *)data + 1, size - 1};
    if (data[0] & 1) {
        list(bytes, &arena, &err);
    } else {
        entries(bytes, data[0] & 2 ? MANIFEST_DELETES : MANIFEST_DATA, &arena, &err);
    }
    return 0;
}
