/* list.c — which jobs are listed. */
#include "jobs/jobs_priv.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

enum { PAGE = 200 };

/* ---- words of filters ---- */

/* What a filter may say, and what it is here: bauplan's words beside ours. NULL: a kind or status that jobs never have here. */
struct word {
    const char *said;
    const char *meant;
};

static const struct word kinds[] = {
    {"run", "run"},
    {"import", "import"},
    {"sql", "sql"},
    {"query", "query"},
    {"compact", "compact"},
    {"expire", "expire"},
    {"gc", "gc"},
    {"table-import", "import"},
    {"table-plan-apply", "import"},
    {"import-plan-apply", "import"},
    {"import-plan-create", NULL},
    {"table-plan-create", NULL},
    {"external-table-create", NULL},
};

static const struct word statuses[] = {
    {"running", "running"},     {"done", "done"},       {"failed", "failed"},
    {"cancelled", "cancelled"}, {"lost", "lost"},       {"complete", "done"},
    {"fail", "failed"},         {"abort", "cancelled"}, {"not-started", NULL},
};

static int unknown_word(const char *what, struct str said, const struct word *words, size_t n,
                        corrie_error *err)
{
    _cleanup_(buf_done) struct buf all = {0};

    corrie_fail(err, CORRIE_E_USAGE, "jobs have no %s %.*s", what, STR_FMT(said));
    for (size_t i = 0; i < n; i++) {
        if (words[i].meant && str_eq(str_of(words[i].said), str_of(words[i].meant))) {
            buf_addf(&all, "%s%s", all.len > 0 ? ", " : "", words[i].said);
        }
    }
    return corrie_hint(err, "one of %s", buf_text(&all));
}

static const struct word *find_word(struct str said, const struct word *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq_nocase(said, str_of(words[i].said))) {
            return &words[i];
        }
    }
    return NULL;
}

static int check_words(const char *what, const char *const *given, size_t n_given,
                       const struct word *words, size_t n, corrie_error *err)
{
    for (size_t i = 0; i < n_given; i++) {
        if (!find_word(str_of(given[i]), words, n)) {
            return unknown_word(what, str_of(given[i]), words, n, err);
        }
    }
    return 0;
}

static bool fits_words(struct str value, const char *const *given, size_t n_given,
                       const struct word *words, size_t n)
{
    for (size_t i = 0; i < n_given; i++) {
        const struct word *word = find_word(str_of(given[i]), words, n);

        if (word && word->meant && str_eq(value, str_of(word->meant))) {
            return true;
        }
    }
    return n_given == 0;
}

/* ---- rows ---- */

struct listing {
    struct store *store;
    struct catalog *catalog;
    const struct jobs_filter *filter;
    json_t *jobs;
    bool more;
};

static struct str field(const json_t *item, const char *name)
{
    return js_str(json_object_get(item, name));
}

/* What can be said without looking whether the job lives. */
static bool fits(const struct jobs_filter *filter, const json_t *item)
{
    struct str kind = field(item, "kind");
    bool user = filter->n_users == 0;

    for (size_t i = 0; i < filter->n_users && !user; i++) {
        user = str_eq(field(item, "user"), str_of(filter->users[i]));
    }
    if (filter->n_kinds == 0 && filter->n_ids == 0 && !filter->queries &&
        str_eq(kind, STR("query"))) {
        return false;
    }
    return user && fits_words(kind, filter->kinds, filter->n_kinds, kinds, ARRAY_LEN(kinds));
}

static int add_entry(struct listing *listing, const struct catalog_index_entry *entry,
                     corrie_error *err)
{
    const struct jobs_filter *filter = listing->filter;
    _cleanup_(arena_done) struct arena arena = {0};
    _json_ json_t *item = NULL;
    struct str directory;
    int r;

    if ((filter->created_after != 0 && entry->time < filter->created_after) ||
        (filter->created_before != 0 && entry->time >= filter->created_before)) {
        return 0;
    }
    r = js_parse(entry->json, "the index of jobs", &item, err);
    if (r < 0 || !fits(filter, item)) {
        return r;
    }
    r = job_directory(entry->time, entry->id, &arena, &directory, err);
    if (r < 0 || (r = job_settle(listing->store, directory, item, err)) < 0) {
        return r;
    }
    if (!fits_words(field(item, "status"), filter->statuses, filter->n_statuses, statuses,
                    ARRAY_LEN(statuses))) {
        return 0;
    }
    if (filter->max > 0 && json_array_size(listing->jobs) == filter->max) {
        listing->more = true;
        return 0;
    }
    (void)json_object_del(item, "commit_in"); /* those are for care, not for listings */
    (void)json_object_del(item, "process");
    return json_array_append_new(listing->jobs, TAKE_PTR(item)) < 0 ? corrie_fail_memory(err) : 0;
}

/* Newest first, as the index has them. */
static int by_time(const void *a, const void *b)
{
    const struct catalog_index_entry *one = a;
    const struct catalog_index_entry *other = b;

    return one->time != other->time ? (one->time < other->time ? 1 : -1)
                                    : str_cmp(other->id, one->id);
}

static int list_named(struct listing *listing, corrie_error *err)
{
    const struct jobs_filter *filter = listing->filter;
    _cleanup_(arena_done) struct arena arena = {0};
    struct catalog_index_entry *entries =
        arena_array(&arena, struct catalog_index_entry, filter->n_ids);
    int r = 0;

    if (!entries) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < filter->n_ids; i++) {
        r = job_find(listing->catalog, str_of(filter->ids[i]), &arena, &entries[i], err);
        if (r < 0) {
            return r;
        }
    }
    qsort(entries, filter->n_ids, sizeof *entries, by_time);
    for (size_t i = 0; r >= 0 && i < filter->n_ids && !listing->more; i++) {
        if (i == 0 || by_time(&entries[i - 1], &entries[i]) != 0) {
            r = add_entry(listing, &entries[i], err);
        }
    }
    return r;
}

/* A page at a time, until there are enough or those that follow are older than what is wanted. */
static int list_all(struct listing *listing, corrie_error *err)
{
    const struct jobs_filter *filter = listing->filter;
    struct catalog_index_entry last = {.time = filter->created_before};
    const struct catalog_index_entry *after = filter->created_before != 0 ? &last : NULL;
    _cleanup_(buf_done) struct buf last_id = {0};
    size_t n = PAGE;

    while (n == PAGE && !listing->more) {
        _cleanup_(arena_done) struct arena arena = {0};
        struct catalog_index_entry *entries;
        int r;

        r = catalog_index_list(listing->catalog, JOB_SPACE, STR_EMPTY, after, PAGE, &arena,
                               &entries, &n, err);
        for (size_t i = 0; r >= 0 && i < n && !listing->more; i++) {
            r = add_entry(listing, &entries[i], err);
        }
        if (r >= 0 && n > 0) {
            last_id.len = 0;
            buf_add_str(&last_id, entries[n - 1].id);
            last =
                (struct catalog_index_entry){.id = buf_str(&last_id), .time = entries[n - 1].time};
            after = &last;
            r = buf_check(&last_id, err);
        }
        if (r < 0) {
            return r;
        }
        if (n > 0 && last.time < filter->created_after) {
            return 0;
        }
    }
    return 0;
}

int jobs_list(struct store *store, struct catalog *catalog, const struct jobs_filter *filter,
              json_t **ret, corrie_error *err)
{
    _json_ json_t *document = json_object();
    struct listing listing = {
        .store = store, .catalog = catalog, .filter = filter, .jobs = json_array()};
    int r;

    if (js_set(document, "jobs", listing.jobs) < 0) {
        return corrie_fail_memory(err);
    }
    r = check_words("kind", filter->kinds, filter->n_kinds, kinds, ARRAY_LEN(kinds), err);
    if (r < 0 || (r = check_words("status", filter->statuses, filter->n_statuses, statuses,
                                  ARRAY_LEN(statuses), err)) < 0) {
        return r;
    }
    r = filter->n_ids > 0 ? list_named(&listing, err) : list_all(&listing, err);
    if (r < 0) {
        return corrie_wrap(err, "list jobs");
    }
    if (js_set_bool(document, "more", listing.more) < 0) {
        return corrie_fail_memory(err);
    }
    *ret = TAKE_PTR(document);
    return 0;
}
