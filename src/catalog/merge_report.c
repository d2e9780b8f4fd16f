/* merge_report.c — what could not be merged, in words and as JSON. */
#include "catalog/merge_priv.h"

#define NAMED_MAX 3 /* conflicts that the message names */

void merge_report_done(struct merge_report *report)
{
    mem_free(report->conflicts);
    arena_done(&report->arena);
    *report = (struct merge_report){0};
}

static int keep_value(struct merge_report *report, const struct tree_value *value,
                      const struct tree_value **ret, corrie_error *err)
{
    struct tree_value *copy;
    int r;

    *ret = NULL;
    if (!value) {
        return 0;
    }
    copy = arena_new(&report->arena, struct tree_value);
    if (!copy) {
        return corrie_fail_memory(err);
    }
    r = tree_value_copy(value, &report->arena, copy, err);
    if (r >= 0) {
        *ret = copy;
    }
    return r;
}

int merge_report_add(struct merge_report *report, struct str key, const struct tree_value *base,
                     const struct tree_value *source, const struct tree_value *target,
                     struct str reason, corrie_error *err)
{
    struct merge_conflict_entry entry = {0};
    int r;

    if (mem_grow(&report->conflicts, &report->capacity, report->n_conflicts + 1,
                 sizeof *report->conflicts) < 0 ||
        arena_str(&report->arena, key, &entry.key) < 0 ||
        arena_str(&report->arena, reason, &entry.reason) < 0) {
        return corrie_fail_memory(err);
    }
    r = keep_value(report, base, &entry.base, err);
    if (r >= 0) {
        r = keep_value(report, source, &entry.source, err);
    }
    if (r >= 0) {
        r = keep_value(report, target, &entry.target, err);
    }
    if (r >= 0) {
        report->conflicts[report->n_conflicts++] = entry;
    }
    return r;
}

static const char *what_happened(const struct merge_conflict_entry *conflict)
{
    if (!conflict->base) {
        return "made on both sides";
    }
    if (!conflict->source || !conflict->target) {
        return "removed on one side and changed on the other";
    }
    return "changed on both sides";
}

int merge_report_fail(const struct merge_report *report, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    size_t n = report->n_conflicts;

    for (size_t i = 0; i < n && i < NAMED_MAX; i++) {
        const struct merge_conflict_entry *conflict = &report->conflicts[i];

        buf_add_text(&text, i ? "; " : "");
        key_format(conflict->key, &text);
        if (conflict->reason.len > 0) {
            buf_addf(&text, ": %.*s", STR_FMT(conflict->reason));
        } else {
            buf_addf(&text, " was %s", what_happened(conflict));
        }
    }
    if (n > NAMED_MAX) {
        buf_addf(&text, "; and %zu more", n - NAMED_MAX);
    }
    corrie_fail(err, CORRIE_E_CONFLICT, "%zu conflict%s: %s", n, n == 1 ? "" : "s",
                buf_text(&text));
    return corrie_hint(err, "make the change again on what is there now");
}

/* ---- JSON ---- */

static int set_hash(json_t *object, const char *field, const struct hash *hash)
{
    char hex[HASH_HEX + 1];

    if (hash_is_zero(hash)) {
        return js_set(object, field, json_null());
    }
    hash_hex(hash, hex);
    return js_set_str(object, field, str_of(hex));
}

static int set_value(json_t *object, const char *field, const struct tree_value *value,
                     corrie_error *err)
{
    _json_ json_t *entry = json_object();
    char id[UUID_TEXT + 1];
    json_t *doc = NULL;

    if (!value) {
        return js_set(object, field, json_null()) < 0 ? corrie_fail_memory(err) : 0;
    }
    uuid_format(&value->id, id);
    if (!entry || js_set_str(entry, "id", str_of(id)) < 0) {
        return corrie_fail_memory(err);
    }
    if (value->doc_apart) {
        if (set_hash(entry, "doc_hash", &value->doc_hash) < 0) {
            return corrie_fail_memory(err);
        }
    } else {
        int r = js_parse(value->doc, "document", &doc, err);

        if (r < 0) {
            return r;
        }
        if (js_set(entry, "doc", doc) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return js_set(object, field, TAKE_PTR(entry)) < 0 ? corrie_fail_memory(err) : 0;
}

static json_t *key_json(struct str key)
{
    struct str segments[CORRIE_MAX_KEY_SEGMENTS];
    size_t n = key_split(key, segments);
    _json_ json_t *array = json_array();

    for (size_t i = 0; array && i < n; i++) {
        if (json_array_append_new(array, js_string(segments[i])) < 0) {
            return NULL;
        }
    }
    return TAKE_PTR(array);
}

static int add_conflict(json_t *list, const struct merge_conflict_entry *conflict,
                        corrie_error *err)
{
    _cleanup_(buf_done) struct buf name = {0};
    _json_ json_t *entry = json_object();
    struct str kind = key_segment(conflict->key, 0);
    int r;

    key_format(conflict->key, &name);
    r = buf_check(&name, err);
    if (r < 0) {
        return r;
    }
    if (!entry || js_set(entry, "key", key_json(conflict->key)) < 0 ||
        js_set_str(entry, "kind", kind) < 0 ||
        js_set_str(entry, "name", str_from(buf_str(&name), kind.len + 1)) < 0) {
        return corrie_fail_memory(err);
    }
    r = set_value(entry, "base", conflict->base, err);
    if (r >= 0) {
        r = set_value(entry, "theirs", conflict->source, err);
    }
    if (r >= 0) {
        r = set_value(entry, "ours", conflict->target, err);
    }
    if (r < 0) {
        return r;
    }
    if (js_set_str(entry, "reason",
                   conflict->reason.len ? conflict->reason : str_of(what_happened(conflict))) < 0 ||
        json_array_append_new(list, TAKE_PTR(entry)) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

int merge_report_json(const struct merge_report *report, json_t **ret, corrie_error *err)
{
    _json_ json_t *object = NULL;
    json_t *list;

    js_setup();
    object = json_object();
    list = json_array();
    if (!object || set_hash(object, "base", &report->base_commit) < 0 ||
        set_hash(object, "theirs", &report->source_commit) < 0 ||
        set_hash(object, "ours", &report->target_commit) < 0) {
        json_decref(list);
        return corrie_fail_memory(err);
    }
    if (js_set(object, "conflicts", list) < 0) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < report->n_conflicts; i++) {
        int r = add_conflict(list, &report->conflicts[i], err);

        if (r < 0) {
            return r;
        }
    }
    *ret = TAKE_PTR(object);
    return 0;
}
