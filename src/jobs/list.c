/* list.c — which jobs are listed. */
#include "jobs/jobs_priv.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/vec.h"

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

struct row {
    int64_t started;
    json_t *item;
};

struct listing {
    struct store *store;
    struct catalog *catalog;
    const struct jobs_filter *filter;
    VEC(struct row) rows;
    size_t most; /* that `rows` may have */
    bool more;
};

static void listing_done(struct listing *listing)
{
    for (size_t i = 0; i < listing->rows.count; i++) {
        json_decref(listing->rows.items[i].item);
    }
    vec_done(&listing->rows);
}

static struct str field(const json_t *item, const char *name)
{
    return js_str(json_object_get(item, name));
}

static bool wants(const struct jobs_filter *filter, const char *kind)
{
    return fits_words(str_of(kind), filter->kinds, filter->n_kinds, kinds, ARRAY_LEN(kinds));
}

static bool wants_queries(const struct jobs_filter *filter)
{
    return filter->n_kinds > 0 ? wants(filter, "query") : filter->queries;
}

static bool wants_others(const struct jobs_filter *filter)
{
    bool some = filter->n_kinds == 0;

    for (size_t i = 0; i < ARRAY_LEN(kinds) && !some; i++) {
        some = !str_eq(str_of(kinds[i].said), STR("query")) && kinds[i].meant &&
               wants(filter, kinds[i].meant);
    }
    return some;
}

/* What can be said without looking whether the job lives. */
static bool fits(const struct jobs_filter *filter, const json_t *item)
{
    bool user = filter->n_users == 0;

    for (size_t i = 0; i < filter->n_users && !user; i++) {
        user = str_eq(field(item, "user"), str_of(filter->users[i]));
    }
    return user &&
           fits_words(field(item, "kind"), filter->kinds, filter->n_kinds, kinds, ARRAY_LEN(kinds));
}

/* A positive answer: those that follow are too old, or there are enough. */
static int add_entry(void *arg, const struct catalog_index_entry *entry, corrie_error *err)
{
    struct listing *listing = arg;
    const struct jobs_filter *filter = listing->filter;
    _cleanup_(arena_done) struct arena arena = {0};
    _json_ json_t *item = NULL;
    struct str directory;
    int r;

    if (entry->time < filter->created_after) {
        return 1;
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
    if (filter->max > 0 && listing->rows.count == listing->most) {
        listing->more = true;
        return 1;
    }
    (void)json_object_del(item, "commit_in"); /* those are for care, not for listings */
    (void)json_object_del(item, "process");
    (void)json_object_del(item, "version");
    if (vec_push(&listing->rows, ((struct row){entry->time, item})) < 0) {
        return corrie_fail_memory(err);
    }
    item = NULL; /* the row's */
    return 0;
}

static int list_named(struct listing *listing, corrie_error *err)
{
    const struct jobs_filter *filter = listing->filter;
    _cleanup_(arena_done) struct arena arena = {0};
    struct catalog_index_entry *entries =
        arena_array(&arena, struct catalog_index_entry, filter->n_ids);
    struct job_place place;
    int r = 0;

    if (!entries) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < filter->n_ids; i++) {
        r = job_find(listing->store, listing->catalog, str_of(filter->ids[i]), &arena, &place, err);
        if (r < 0) {
            return r;
        }
        entries[i] = place.entry;
    }
    qsort(entries, filter->n_ids, sizeof *entries, job_by_time);
    for (size_t i = 0; r == 0 && i < filter->n_ids; i++) {
        bool again = i > 0 && job_by_time(&entries[i - 1], &entries[i]) == 0;
        bool late = filter->created_before != 0 && entries[i].time >= filter->created_before;

        r = again || late ? 0 : add_entry(listing, &entries[i], err);
    }
    return r < 0 ? r : 0;
}

/* As job_by_time. */
static int compare_rows(const void *a, const void *b)
{
    const struct row *one = a;
    const struct row *other = b;

    return one->started != other->started
               ? (one->started < other->started ? 1 : -1)
               : str_cmp(field(other->item, "job"), field(one->item, "job"));
}

/* Both kinds of records have their own order; of each as many are taken as may be shown. */
static int list_all(struct listing *listing, corrie_error *err)
{
    const struct jobs_filter *filter = listing->filter;
    int64_t before = filter->created_before != 0 ? filter->created_before : INT64_MAX;
    int r = 0;

    if (wants_others(filter)) {
        r = job_walk(listing->catalog, before, NULL, add_entry, listing, err);
    }
    if (r < 0 || !wants_queries(filter)) {
        return r;
    }
    listing->most += listing->rows.count;
    r = job_walk_queries(listing->store, before, NULL, add_entry, listing, err);
    if (r < 0) {
        return r;
    }
    if (listing->rows.count > 1) {
        qsort(listing->rows.items, listing->rows.count, sizeof *listing->rows.items, compare_rows);
    }
    while (filter->max > 0 && listing->rows.count > filter->max) {
        json_decref(vec_pop(&listing->rows).item);
        listing->more = true;
    }
    return 0;
}

static int rows_to_json(struct listing *listing, json_t **ret, corrie_error *err)
{
    _json_ json_t *document = json_object();
    json_t *jobs = json_array();
    int r = js_set(document, "jobs", jobs);

    for (size_t i = 0; r == 0 && i < listing->rows.count; i++) {
        r = json_array_append(jobs, listing->rows.items[i].item);
    }
    if (r != 0 || js_set_bool(document, "more", listing->more) < 0) {
        return corrie_fail_memory(err);
    }
    *ret = TAKE_PTR(document);
    return 0;
}

int jobs_list(struct store *store, struct catalog *catalog, const struct jobs_filter *filter,
              json_t **ret, corrie_error *err)
{
    _cleanup_(listing_done) struct listing listing = {
        .store = store, .catalog = catalog, .filter = filter, .most = filter->max};
    int r;

    r = check_words("kind", filter->kinds, filter->n_kinds, kinds, ARRAY_LEN(kinds), err);
    if (r < 0 || (r = check_words("status", filter->statuses, filter->n_statuses, statuses,
                                  ARRAY_LEN(statuses), err)) < 0) {
        return r;
    }
    r = filter->n_ids > 0 ? list_named(&listing, err) : list_all(&listing, err);
    return r < 0 ? corrie_wrap(err, "list jobs") : rows_to_json(&listing, ret, err);
}
