#include "catalog/commit.h"

#include <stdlib.h>

#include "base/clock.h"
#include "catalog/catalog_priv.h"
#include "catalog/wire.h"

enum commit_flag { COMMIT_ORIGIN = 1, COMMIT_JOB = 2, COMMIT_TAINTED = 4, COMMIT_FLAGS = 7 };

static int64_t wire_time(struct wire_reader *reader)
{
    uint8_t bytes[8] = {0};
    uint64_t value = 0;

    wire_bytes(reader, bytes, sizeof bytes);
    for (int i = 7; i >= 0; i--) {
        value = value << 8 | bytes[i];
    }
    return (int64_t)value;
}

void commit_encode(const struct commit *commit, struct buf *out)
{
    unsigned flags = (commit->has_origin ? COMMIT_ORIGIN : 0u) |
                     (commit->has_job ? COMMIT_JOB : 0u) |
                     (commit->tainted > 0 ? COMMIT_TAINTED : 0u);

    buf_add_char(out, (char)flags);
    buf_add(out, commit->tree.bytes, HASH_BYTES);
    wire_add_varint(out, commit->n_parents);
    for (size_t i = 0; i < commit->n_parents; i++) {
        buf_add(out, commit->parents[i].bytes, HASH_BYTES);
    }
    wire_add_varint(out, commit->generation);
    wire_add_text(out, commit->author);
    wire_add_text(out, commit->committer);
    buf_add_le64(out, (uint64_t)commit->author_time);
    buf_add_le64(out, (uint64_t)commit->commit_time);
    wire_add_text(out, commit->message);
    wire_add_varint(out, commit->n_properties);
    for (size_t i = 0; i < commit->n_properties; i++) {
        wire_add_text(out, commit->properties[i].name);
        wire_add_text(out, commit->properties[i].value);
    }
    if (commit->has_origin) {
        buf_add(out, commit->origin.bytes, HASH_BYTES);
    }
    if (commit->has_job) {
        buf_add(out, commit->job.bytes, sizeof commit->job.bytes);
    }
    if (commit->tainted > 0) {
        wire_add_varint(out, commit->tainted);
    }
}

/* What both the writer and the reader ask of a commit: 0, or the writer's error code and why. */
static int commit_fault(const struct commit *commit, const char **ret_why)
{
    if (!str_is_utf8(commit->author, NULL) || !str_is_utf8(commit->committer, NULL) ||
        !str_is_utf8(commit->message, NULL)) {
        *ret_why = "a text is not UTF-8";
        return CORRIE_E_USAGE;
    }
    if (commit->author.len > CORRIE_MAX_WHO || commit->committer.len > CORRIE_MAX_WHO) {
        *ret_why = "the name of the author or committer is longer than 1024 bytes";
        return CORRIE_E_LIMIT;
    }
    if (commit->message.len > CORRIE_MAX_MESSAGE) {
        *ret_why = "the message is longer than 64 KiB";
        return CORRIE_E_LIMIT;
    }
    for (size_t i = 0; i < commit->n_properties; i++) {
        const struct commit_property *property = &commit->properties[i];

        if (property->name.len == 0 || !str_is_utf8(property->name, NULL) ||
            !str_is_utf8(property->value, NULL)) {
            *ret_why = "a property has no name or is not UTF-8";
            return CORRIE_E_USAGE;
        }
        if (property->name.len > CORRIE_MAX_WHO || property->value.len > CORRIE_MAX_MESSAGE) {
            *ret_why = "a property is longer than 64 KiB";
            return CORRIE_E_LIMIT;
        }
        if (i > 0 && str_cmp(property[-1].name, property->name) >= 0) {
            *ret_why = "a property is given twice";
            return CORRIE_E_USAGE;
        }
    }
    return 0;
}

static bool read_head(struct wire_reader *reader, struct commit *ret, uint8_t *ret_flags)
{
    uint64_t n;

    *ret_flags = wire_byte(reader);
    wire_bytes(reader, ret->tree.bytes, HASH_BYTES);
    n = wire_varint(reader);
    if (reader->bad || (*ret_flags & ~COMMIT_FLAGS) || n > COMMIT_PARENTS_MAX) {
        return false;
    }
    ret->n_parents = (size_t)n;
    for (size_t i = 0; i < ret->n_parents; i++) {
        wire_bytes(reader, ret->parents[i].bytes, HASH_BYTES);
    }
    ret->generation = wire_varint(reader);
    ret->author = wire_text(reader);
    ret->committer = wire_text(reader);
    ret->author_time = wire_time(reader);
    ret->commit_time = wire_time(reader);
    return !reader->bad && (ret->n_parents > 0 ? ret->generation > 1 : ret->generation == 1);
}

/* What follows the properties, as the flags say. False: something that a writer would not have written. */
static bool read_tail(struct wire_reader *reader, uint8_t flags, struct commit *ret)
{
    ret->has_origin = flags & COMMIT_ORIGIN;
    ret->has_job = flags & COMMIT_JOB;
    if (ret->has_origin) {
        wire_bytes(reader, ret->origin.bytes, HASH_BYTES);
    }
    if (ret->has_job) {
        wire_bytes(reader, ret->job.bytes, sizeof ret->job.bytes);
    }
    if (flags & COMMIT_TAINTED) {
        ret->tainted = wire_varint(reader);
    }
    return wire_finished(reader) && !(flags & COMMIT_TAINTED) == (ret->tainted == 0);
}

int commit_decode(struct str bytes, struct arena *arena, struct commit *ret, corrie_error *err)
{
    struct wire_reader reader = wire_reader(bytes);
    struct commit commit;
    struct commit_property *properties;
    const char *why = "it is cut off or too long";
    uint8_t flags;
    uint64_t n;

    memset(&commit, 0, sizeof commit);
    if (!read_head(&reader, &commit, &flags)) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "the commit is malformed: its head is");
    }
    commit.message = wire_text(&reader);
    n = wire_varint(&reader);
    if (reader.bad || n > CORRIE_MAX_PROPERTIES) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "the commit is malformed: its properties are");
    }
    properties = arena_array(arena, struct commit_property, (size_t)n);
    if (!properties && n > 0) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        properties[i].name = wire_text(&reader);
        properties[i].value = wire_text(&reader);
    }
    commit.properties = properties;
    commit.n_properties = (size_t)n;
    if (!read_tail(&reader, flags, &commit) || commit_fault(&commit, &why) < 0) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "the commit is malformed: %s", why);
    }
    *ret = commit;
    return 0;
}

int commit_read(struct catalog *catalog, const struct hash *id, struct arena *arena,
                struct commit *ret, corrie_error *err)
{
    char hex[HASH_HEX + 1];
    struct str bytes;
    int r;

    r = object_read(catalog, OBJECT_COMMIT, id, arena, &bytes, err);
    if (r < 0) {
        return r;
    }
    r = commit_decode(bytes, arena, ret, err);
    if (r < 0) {
        hash_hex(id, hex);
        return corrie_wrap(err, "read commit %.12s", hex);
    }
    ret->id = *id;
    return 0;
}

int commit_links(struct catalog *catalog, const struct hash *id, struct commit_links *ret,
                 corrie_error *err)
{
    _cleanup_(object_hold_done) struct object_hold hold = {catalog, NULL};
    struct wire_reader reader;
    struct commit commit;
    uint8_t flags;
    int r;

    r = object_get(catalog, OBJECT_COMMIT, id, &hold.object, err);
    if (r < 0) {
        return r;
    }
    reader = wire_reader(object_bytes(hold.object));
    memset(&commit, 0, sizeof commit);
    if (!read_head(&reader, &commit, &flags)) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "the commit is malformed: its head is");
    }
    ret->id = *id;
    ret->tree = commit.tree;
    ret->generation = commit.generation;
    ret->time = commit.commit_time;
    ret->n_parents = commit.n_parents;
    memcpy(ret->parents, commit.parents, sizeof ret->parents);
    return 0;
}

/* ---- the count of taint ---- */

static int count_difference(void *arg, struct str key, const struct tree_value *old_value,
                            const struct tree_value *new_value, corrie_error *err)
{
    int64_t *change = arg;

    (void)key;
    (void)err;
    *change += (new_value && new_value->has_taint) - (old_value && old_value->has_taint);
    return 0;
}

static int count_all(struct catalog *catalog, const struct hash *tree, uint64_t *ret,
                     corrie_error *err)
{
    _cleanup_(tree_cursor_closep) struct tree_cursor *cursor = NULL;
    struct tree_value value;
    struct str key;
    uint64_t n = 0;
    int r = tree_cursor_open(catalog, tree, STR_EMPTY, &cursor, err);

    while (r >= 0 && (r = tree_cursor_next(cursor, &key, &value, err)) > 0) {
        n += value.has_taint;
    }
    if (r >= 0) {
        *ret = n;
    }
    return r;
}

int commit_count_taint(struct catalog *catalog, const struct commit *commit, uint64_t *ret,
                       corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct commit parent;
    int64_t change = 0;
    int r;

    if (commit->n_parents == 0) {
        return count_all(catalog, &commit->tree, ret, err);
    }
    r = commit_read(catalog, &commit->parents[0], &arena, &parent, err);
    if (r >= 0) {
        r = tree_diff(catalog, &parent.tree, &commit->tree, STR_EMPTY, count_difference, &change,
                      err);
    }
    if (r < 0) {
        return r;
    }
    if (parent.tainted > INT64_MAX / 2 || (int64_t)parent.tainted + change < 0) {
        char hex[HASH_HEX + 1];

        hash_hex(&commit->parents[0], hex);
        return corrie_fail(err, CORRIE_E_CORRUPT,
                           "commit %.12s says wrongly how many values are tainted", hex);
    }
    *ret = (uint64_t)((int64_t)parent.tainted + change);
    return 0;
}

/* ---- making commits ---- */

static int property_order(const void *a, const void *b)
{
    return str_cmp(((const struct commit_property *)a)->name,
                   ((const struct commit_property *)b)->name);
}

static int complete(struct catalog *catalog, struct commit *commit, corrie_error *err)
{
    const char *why;
    int code;
    int r;

    commit->generation = 1;
    if (commit->n_parents > COMMIT_PARENTS_MAX) {
        return corrie_fail(err, CORRIE_E_LIMIT, "a commit has at most %d parents",
                           COMMIT_PARENTS_MAX);
    }
    for (size_t i = 0; i < commit->n_parents; i++) {
        struct commit_links parent = {.generation = 0};

        r = commit_links(catalog, &commit->parents[i], &parent, err);
        if (r < 0) {
            return r;
        }
        if (parent.generation >= commit->generation) {
            commit->generation = parent.generation + 1;
        }
    }
    if (commit->committer.len == 0) {
        commit->committer = commit->author;
    }
    if (commit->commit_time == 0) {
        commit->commit_time = clock_now();
    }
    if (commit->author_time == 0) {
        commit->author_time = commit->commit_time;
    }
    if (commit->n_properties > CORRIE_MAX_PROPERTIES) {
        return corrie_fail(err, CORRIE_E_LIMIT, "a commit has at most %d properties",
                           CORRIE_MAX_PROPERTIES);
    }
    code = commit_fault(commit, &why);
    return code < 0 ? corrie_fail(err, code, "make a commit: %s", why)
                    : commit_count_taint(catalog, commit, &commit->tainted, err);
}

int commit_add(struct catalog *catalog, const struct commit *commit, struct object_list *objects,
               struct hash *ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf bytes = {0};
    _free_ struct commit_property *properties = NULL;
    struct commit copy = *commit;
    int r;

    if (commit->n_properties > 0) {
        properties = mem_copy(commit->properties, commit->n_properties * sizeof *properties);
        if (!properties) {
            return corrie_fail_memory(err);
        }
        qsort(properties, commit->n_properties, sizeof *properties, property_order);
        copy.properties = properties;
    }
    r = complete(catalog, &copy, err);
    if (r < 0) {
        return r;
    }
    commit_encode(&copy, &bytes);
    r = buf_check(&bytes, err);
    return r < 0 ? r : object_add(catalog, OBJECT_COMMIT, buf_str(&bytes), objects, ret, err);
}

int commit_names(const struct commit *commit, object_name_fn each, void *arg, corrie_error *err)
{
    int r = each(arg, OBJECT_NODE, &commit->tree, err);

    for (size_t i = 0; r >= 0 && i < commit->n_parents; i++) {
        r = each(arg, OBJECT_COMMIT, &commit->parents[i], err);
    }
    if (r >= 0 && commit->has_origin) {
        r = each(arg, OBJECT_ORIGIN, &commit->origin, err);
    }
    return r < 0 ? r : 0;
}
