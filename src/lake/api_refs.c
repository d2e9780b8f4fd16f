/* api_refs.c — looking at branches, tags and their movements, in the public interface. Moving them: api_moves.c. */
#include "lake/api_list.h"

#include "base/mem.h"
#include "lang/refexpr.h"

enum { PAGE = 256 };

/* ---- one ref ---- */

/* *ret_tainted is how many values there a failed job left. */
static int set_ref(struct lake *lake, const struct catalog_ref *ref, struct str head, json_t *item,
                   uint64_t *ret_tainted, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct commit commit;
    struct str subject;
    struct str rest;
    int r;

    r = commit_read(lake->catalog, &ref->commit, &arena, &commit, err);
    if (r < 0) {
        return corrie_wrap(err, "read %s %.*s", catalog_ref_kind_name(ref->kind),
                           STR_FMT(ref->name));
    }
    str_cut(commit.message, '\n', &subject, &rest);
    r = js_set_str(item, "name", ref->name);
    r |= js_set_str(item, "kind", str_of(catalog_ref_kind_name(ref->kind)));
    r |= js_set_hash(item, "commit", &ref->commit);
    r |= js_set_time(item, "time", commit.commit_time);
    r |= js_set_str(item, "author", commit.author);
    r |= js_set_str(item, "message", subject);
    r |= js_set_bool(item, "checked_out", str_eq(ref->name, head));
    *ret_tainted = commit.tainted;
    return r != 0 ? corrie_fail_memory(err) : 0;
}

int api_ref_json(struct lake *lake, const struct catalog_ref *ref, struct str head, json_t **ret,
                 corrie_error *err)
{
    _json_ json_t *item = json_object();
    uint64_t tainted;
    int r;

    if (!item) {
        return corrie_fail_memory(err);
    }
    r = set_ref(lake, ref, head, item, &tainted, err);
    if (r < 0) {
        return r;
    }
    *ret = TAKE_PTR(item);
    return 0;
}

/* 0 for NULL: any. */
static int kind_of(const char *text, int *ret, corrie_error *err)
{
    *ret = 0;
    if (!text) {
        return 0;
    }
    for (int kind = CATALOG_BRANCH; kind <= CATALOG_TX; kind++) {
        if (strcmp(text, catalog_ref_kind_name(kind)) == 0) {
            *ret = kind;
            return 0;
        }
    }
    corrie_fail(err, CORRIE_E_USAGE, "there is no kind of ref \"%s\"", text);
    return corrie_hint(err, "the kinds are branch, tag and tx");
}

/* ---- listing ---- */

struct ref_listing {
    struct corrie_cursor base;
    struct arena arena; /* of the options' texts and the head's name */
    int kind;
    bool no_tags;
    struct str prefix;
    struct str head;
    struct arena page; /* refs that were read at once */
    struct catalog_ref *refs;
    size_t n;
    size_t at;
    struct key after; /* the last ref of the page: its name is shorter than a key */
    struct key last;  /* … that was given */
};

static void ref_listing_done(struct corrie_cursor *cursor)
{
    struct ref_listing *list = (struct ref_listing *)cursor;

    arena_done(&list->page);
    arena_done(&list->arena);
}

static void keep_name(struct key *key, struct str name)
{
    key->len = name.len;
    if (name.len > 0) {
        memcpy(key->bytes, name.data, name.len);
    }
}

static int read_refs(struct ref_listing *list, corrie_error *err)
{
    int r;

    if (list->n > 0) {
        keep_name(&list->after, list->refs[list->n - 1].name);
    }
    arena_done(&list->page);
    list->at = 0;
    list->n = 0;
    r = catalog_ref_list(list->base.lake->catalog, list->prefix, list->kind, key_str(&list->after),
                         PAGE, &list->page, &list->refs, &list->n, err);
    return r < 0 ? r : list->n > 0;
}

/* 1 and the ref that comes next, which stays the next; 0 at the end. */
static int peek_ref(struct ref_listing *list, const struct catalog_ref **ret, corrie_error *err)
{
    int r = 1;

    for (;;) {
        if (list->at == list->n) {
            r = list->n > 0 && list->n < PAGE ? 0 : read_refs(list, err);
        }
        if (r <= 0) {
            return r;
        }
        if (!list->no_tags || list->refs[list->at].kind != CATALOG_TAG) {
            *ret = &list->refs[list->at];
            return 1;
        }
        list->at++;
    }
}

static int next_ref(struct corrie_cursor *cursor, struct buf *row, corrie_error *err)
{
    struct ref_listing *list = (struct ref_listing *)cursor;
    const struct catalog_ref *ref;
    _json_ json_t *item = NULL;
    int r = peek_ref(list, &ref, err);

    if (r <= 0) {
        return r;
    }
    list->at++;
    keep_name(&list->last, ref->name);
    r = api_ref_json(cursor->lake, ref, list->head, &item, err);
    r = r < 0 ? r : api_row(item, row, err);
    return r < 0 ? r : 1;
}

static int ref_listing_rest(struct corrie_cursor *cursor, struct buf *out, corrie_error *err)
{
    struct ref_listing *list = (struct ref_listing *)cursor;
    const struct catalog_ref *ref;
    int r = cursor->ended ? 0 : peek_ref(list, &ref, err);

    if (r > 0) {
        jt_add_str(out, "next", key_str(&list->last));
    } else {
        jt_add_null(out, "next");
    }
    return r;
}

static int take_list_options(struct ref_listing *list, const corrie_ref_list_options *options,
                             corrie_error *err)
{
    struct str after = str_of(options->after);
    int r;

    list->base.max = options->max;
    list->no_tags = options->kind == NULL;
    /* names are shorter than that: cutting what is longer leaves the same ones behind it */
    keep_name(&list->after, str_slice(after, 0, sizeof list->after.bytes));
    if (arena_str(&list->arena, str_of(options->prefix), &list->prefix) < 0) {
        return corrie_fail_memory(err);
    }
    r = kind_of(options->kind, &list->kind, err);
    return r < 0 ? r : lake_head(list->base.lake, &list->arena, &list->head, err);
}

int corrie_ref_list_open(corrie_lake *lake, const corrie_ref_list_options *options,
                         corrie_cursor **ret, corrie_error *err)
{
    static const struct list_kind kind = {"refs", next_ref, ref_listing_rest, ref_listing_done};
    _cleanup_(corrie_cursor_closep) corrie_cursor *cursor =
        mem_alloc(1, sizeof(struct ref_listing));
    corrie_ref_list_options given = {.size = sizeof given};
    int r;

    if (!cursor) {
        return corrie_fail_memory(err);
    }
    API_GIVEN(given, options);
    cursor->kind = &kind;
    cursor->lake = lake;
    r = take_list_options((struct ref_listing *)cursor, &given, err);
    if (r >= 0) {
        *ret = TAKE_PTR(cursor);
    }
    return r;
}

int corrie_ref_list(corrie_lake *lake, const corrie_ref_list_options *options, char **ret_json,
                    corrie_error *err)
{
    _cleanup_(corrie_cursor_closep) corrie_cursor *cursor = NULL;
    int r = corrie_ref_list_open(lake, options, &cursor, err);

    return r < 0 ? r : api_list_document(cursor, ret_json, err);
}

int corrie_ref_get(corrie_lake *lake, const char *kind, const char *name, char **ret_json,
                   corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _json_ json_t *document = json_object();
    struct catalog_ref found;
    struct str head;
    uint64_t tainted;
    int wanted;
    int r;

    r = kind_of(kind, &wanted, err);
    if (r >= 0) {
        r = ref_name_check(str_of(name), err);
    }
    if (r >= 0) {
        r = catalog_ref_get(lake->catalog, str_of(name), &found, err);
    }
    if (r < 0) {
        return r;
    }
    if (wanted != 0 && (int)found.kind != wanted) {
        corrie_fail(err, CORRIE_E_USAGE, "look at %s %s: it is a %s", catalog_ref_kind_name(wanted),
                    name, catalog_ref_kind_name(found.kind));
        return corrie_hint(err, "corrie %s get %s shows it",
                           wanted == CATALOG_TAG ? "branch" : "tag", name);
    }
    r = lake_head(lake, &arena, &head, err);
    if (r >= 0) {
        r = document ? set_ref(lake, &found, head, document, &tainted, err)
                     : corrie_fail_memory(err);
    }
    if (r < 0) {
        return r;
    }
    r = js_set_int(document, "tainted", (int64_t)tainted);
    return r < 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}

/* ---- movements ---- */

static const struct hash *or_null(const struct hash *hash)
{
    return hash_is_zero(hash) ? NULL : hash;
}

static json_t *movement_json(const struct catalog_reflog_entry *entry)
{
    json_t *item = json_object();
    int r;

    r = js_set_int(item, "sequence", (int64_t)entry->sequence);
    r |= js_set_str(item, "kind", str_of(catalog_ref_kind_name(entry->kind)));
    r |= js_set_hash(item, "old", or_null(&entry->old_commit));
    r |= js_set_hash(item, "new", or_null(&entry->new_commit));
    r |= js_set_time(item, "time", entry->when);
    r |= js_set_str(item, "who", entry->who);
    r |= js_set_str(item, "why", entry->why);
    if (r != 0) {
        json_decref(item);
        return NULL;
    }
    return item;
}

/* One that never was is named, with the nearest that is. */
static int check_known(struct lake *lake, struct str ref, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct catalog_reflog_entry *found;
    struct catalog_ref ignored;
    size_t n;
    int r;

    r = catalog_reflog(lake->catalog, ref, 0, 1, &arena, &found, &n, err);
    return r < 0 || n > 0 ? r : catalog_ref_get(lake->catalog, ref, &ignored, err);
}

struct reflog {
    struct corrie_cursor base;
    struct arena arena; /* of the ref's name */
    struct str ref;
    struct arena page; /* movements that were read at once */
    struct catalog_reflog_entry *found;
    size_t n;
    size_t at;
    uint64_t before; /* that come next are older: the last one that was given, or where to start */
};

static void reflog_done(struct corrie_cursor *cursor)
{
    struct reflog *reflog = (struct reflog *)cursor;

    arena_done(&reflog->page);
    arena_done(&reflog->arena);
}

/* 1 and the movement that comes next, which stays the next; 0 at the end. */
static int peek_movement(struct reflog *reflog, const struct catalog_reflog_entry **ret,
                         corrie_error *err)
{
    if (reflog->at == reflog->n) {
        int r;

        if (reflog->n > 0 && reflog->n < PAGE) {
            return 0;
        }
        arena_done(&reflog->page);
        reflog->at = reflog->n = 0;
        r = catalog_reflog(reflog->base.lake->catalog, reflog->ref, reflog->before, PAGE,
                           &reflog->page, &reflog->found, &reflog->n, err);
        if (r < 0 || reflog->n == 0) {
            return r < 0 ? r : 0;
        }
    }
    *ret = &reflog->found[reflog->at];
    return 1;
}

static int next_movement(struct corrie_cursor *cursor, struct buf *row, corrie_error *err)
{
    struct reflog *reflog = (struct reflog *)cursor;
    const struct catalog_reflog_entry *entry;
    _json_ json_t *item = NULL;
    int r = peek_movement(reflog, &entry, err);

    if (r > 0) {
        reflog->at++;
        reflog->before = entry->sequence;
        item = movement_json(entry);
        r = item ? api_row(item, row, err) : corrie_fail_memory(err);
        r = r < 0 ? r : 1;
    }
    return r < 0 ? corrie_wrap(err, "read the reflog") : r;
}

static int reflog_rest(struct corrie_cursor *cursor, struct buf *out, corrie_error *err)
{
    struct reflog *reflog = (struct reflog *)cursor;
    const struct catalog_reflog_entry *entry;
    int r = cursor->ended ? 0 : peek_movement(reflog, &entry, err);

    jt_add_str(out, "ref", reflog->ref);
    if (r > 0) {
        jt_add_int(out, "next", (int64_t)reflog->before);
    } else {
        jt_add_null(out, "next");
    }
    return r < 0 ? corrie_wrap(err, "read the reflog") : r;
}

static int open_reflog(struct reflog *reflog, const char *ref, corrie_error *err)
{
    struct lake *lake = reflog->base.lake;
    struct str name = str_of(ref);
    int r = lake_name_head(lake, &reflog->arena, &name, err);

    if (r >= 0) {
        r = ref_name_check(name, err);
    }
    if (r >= 0) {
        r = arena_str(&reflog->arena, name, &reflog->ref) < 0 ? corrie_fail_memory(err) : 0;
    }
    return r < 0 ? r : check_known(lake, reflog->ref, err);
}

int corrie_reflog_open(corrie_lake *lake, const char *ref, uint64_t before, size_t max,
                       corrie_cursor **ret, corrie_error *err)
{
    static const struct list_kind kind = {"entries", next_movement, reflog_rest, reflog_done};
    _cleanup_(corrie_cursor_closep) corrie_cursor *cursor = mem_alloc(1, sizeof(struct reflog));
    int r;

    if (!cursor) {
        return corrie_fail_memory(err);
    }
    cursor->kind = &kind;
    cursor->lake = lake;
    cursor->max = max;
    ((struct reflog *)cursor)->before = before;
    r = open_reflog((struct reflog *)cursor, ref, err);
    if (r < 0) {
        return corrie_wrap(err, "read the reflog");
    }
    *ret = TAKE_PTR(cursor);
    return 0;
}

int corrie_reflog(corrie_lake *lake, const char *ref, uint64_t before, size_t max, char **ret_json,
                  corrie_error *err)
{
    _cleanup_(corrie_cursor_closep) corrie_cursor *cursor = NULL;
    int r = corrie_reflog_open(lake, ref, before, max, &cursor, err);

    return r < 0 ? r : api_list_document(cursor, ret_json, err);
}
