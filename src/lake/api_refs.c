/* api_refs.c — looking at branches, tags and their movements, in the public interface. Moving them: api_moves.c. */
#include "lake/api_priv.h"

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

struct page {
    int kind;
    bool no_tags;
    struct str prefix;
    struct str after;
    size_t max; /* 0 = all */
    struct str head;
    json_t *refs;
    struct arena next_arena;
    struct str next; /* empty: nothing was left out */
};

static void page_done(struct page *page)
{
    arena_done(&page->next_arena);
}

/* Adds the refs of one batch; 1 when the page is full and another ref would follow. */
static int add_batch(struct lake *lake, struct page *page, const struct catalog_ref *refs, size_t n,
                     corrie_error *err)
{
    for (size_t i = 0; i < n; i++) {
        json_t *item = NULL;
        int r;

        if (page->no_tags && refs[i].kind == CATALOG_TAG) {
            continue;
        }
        if (page->max > 0 && json_array_size(page->refs) == page->max) {
            const json_t *last = json_array_get(page->refs, page->max - 1);

            r = arena_str(&page->next_arena, js_str(json_object_get(last, "name")), &page->next);
            return r < 0 ? corrie_fail_memory(err) : 1;
        }
        r = api_ref_json(lake, &refs[i], page->head, &item, err);
        if (r >= 0 && json_array_append_new(page->refs, item) < 0) {
            r = corrie_fail_memory(err);
        }
        if (r < 0 || (r = cancel_check(lake->cancel, err)) < 0) {
            return r;
        }
    }
    return 0;
}

static int fill_page(struct lake *lake, struct page *page, corrie_error *err)
{
    struct arena arenas[2] = {{0}};
    struct str after = page->after;
    struct catalog_ref *refs;
    size_t n = PAGE;
    int r = 0;

    for (unsigned turn = 0; r == 0 && n == PAGE; turn ^= 1) {
        arena_done(&arenas[turn]); /* the batch before the last; the last holds `after` */
        r = catalog_ref_list(lake->catalog, page->prefix, page->kind, after, PAGE, &arenas[turn],
                             &refs, &n, err);
        if (r >= 0) {
            r = add_batch(lake, page, refs, n, err);
            after = n > 0 ? refs[n - 1].name : after;
        }
    }
    arena_done(&arenas[0]);
    arena_done(&arenas[1]);
    return r < 0 ? r : 0;
}

int corrie_ref_list(corrie_lake *lake, const corrie_ref_list_options *options, char **ret_json,
                    corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(page_done) struct page page = {.refs = json_array()};
    corrie_ref_list_options given = {.size = sizeof given};
    _json_ json_t *document = json_object();
    int r;

    API_GIVEN(given, options);
    if (js_set(document, "refs", page.refs) < 0) {
        return corrie_fail_memory(err);
    }
    page.no_tags = given.kind == NULL;
    page.prefix = str_of(given.prefix);
    page.after = str_of(given.after);
    page.max = given.max;
    r = kind_of(given.kind, &page.kind, err);
    if (r >= 0) {
        r = lake_head(lake, &arena, &page.head, err);
    }
    if (r >= 0) {
        r = fill_page(lake, &page, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "list refs");
    }
    r = js_set(document, "next", page.next.len > 0 ? js_string(page.next) : json_null());
    return r < 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
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
        return corrie_fail(err, CORRIE_E_NOT_FOUND, "look at %s %s: it is a %s",
                           catalog_ref_kind_name(wanted), name, catalog_ref_kind_name(found.kind));
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

/* Adds movements before `before` until there are `max` of them (0 = all). *ret_next is the sequence of the last one
 * if others follow, else 0. */
static int add_movements(struct lake *lake, struct str ref, uint64_t before, size_t max,
                         json_t *entries, uint64_t *ret_next, corrie_error *err)
{
    *ret_next = 0;
    for (;;) {
        _cleanup_(arena_done) struct arena arena = {0};
        struct catalog_reflog_entry *found;
        size_t n;
        int r = catalog_reflog(lake->catalog, ref, before, PAGE, &arena, &found, &n, err);

        if (r < 0 || (r = cancel_check(lake->cancel, err)) < 0) {
            return r;
        }
        for (size_t i = 0; i < n; i++) {
            if (max > 0 && json_array_size(entries) == max) {
                *ret_next = before;
                return 0;
            }
            if (json_array_append_new(entries, movement_json(&found[i])) < 0) {
                return corrie_fail_memory(err);
            }
            before = found[i].sequence;
        }
        if (n < PAGE) {
            return 0;
        }
    }
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

int corrie_reflog(corrie_lake *lake, const char *ref, uint64_t before, size_t max, char **ret_json,
                  corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _json_ json_t *document = json_object();
    json_t *entries = json_array();
    struct str name = str_of(ref);
    uint64_t next = 0;
    int r = 0;

    if (js_set(document, "entries", entries) < 0) {
        return corrie_fail_memory(err);
    }
    if (lake_means_head(name)) {
        r = lake_head(lake, &arena, &name, err);
    }
    if (r >= 0) {
        r = ref_name_check(name, err);
    }
    if (r >= 0) {
        r = check_known(lake, name, err);
    }
    if (r >= 0) {
        r = add_movements(lake, name, before, max, entries, &next, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "read the reflog");
    }
    r = js_set_str(document, "ref", name);
    r |= js_set(document, "next", next > 0 ? json_integer((json_int_t)next) : json_null());
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}
