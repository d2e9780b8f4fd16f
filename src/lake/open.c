/* open.c — opening a lake. */
#include "lake/lake_priv.h"

#include <stdarg.h>

#include "base/mem.h"

/* How often the present root is tried to be noted while others note theirs. */
enum { NOTE_TRIES = 20 };

struct catalog *lake_catalog(struct lake *lake)
{
    return lake->catalog;
}

struct store *lake_store(struct lake *lake)
{
    return lake->store;
}

const struct table_io *lake_io(const struct lake *lake)
{
    return &lake->io;
}

struct str lake_root(const struct lake *lake)
{
    return lake->root;
}

const struct uuid *lake_id(const struct lake *lake)
{
    return &lake->id;
}

struct str lake_user(const struct lake *lake)
{
    return lake->user;
}

const struct cancel *lake_cancel(const struct lake *lake)
{
    return lake->cancel;
}

struct cancel *lake_job_cancel(struct lake *lake)
{
    return &lake->own;
}

void lake_event(struct lake *lake, const corrie_event *event)
{
    if (lake->event) {
        lake->event(lake->event_context, event);
    }
}

void lake_notice(struct lake *lake, const char *format, ...)
{
    _cleanup_(buf_done) struct buf text = {0};
    va_list args;

    va_start(args, format);
    buf_addv(&text, format, args);
    va_end(args);
    lake_event(lake, &(corrie_event){.size = sizeof(corrie_event),
                                     .kind = "notice",
                                     .text = buf_text(&text),
                                     .rows = -1,
                                     .bytes = -1,
                                     .time_ns = clock_now()});
}

int lake_open_catalog(struct lake *lake, corrie_error *err)
{
    struct catalog_options options = {.cancel = lake->cancel};
    int r;

    r = catalog_open(lake->catalog_dir.data, &options, &lake->catalog, err);
    if (r == CORRIE_E_NOT_FOUND) {
        err->code = CORRIE_E_CORRUPT;
        return corrie_hint(err,
                           "the lake's directory %s is incomplete: bring catalog/ back from a copy",
                           lake->root.data);
    }
    /* a catalog that is read by SQLite is written by it too: locks, and the log's shared memory */
    return r == CORRIE_E_REFUSED || r == CORRIE_E_IO ? lake_explain_refusal(lake, err) : r;
}

/* The lake's own places, from its root. */
static int set_places(struct lake *lake, corrie_error *err)
{
    char *directory = arena_printf(&lake->arena, "%s/catalog", lake->root.data);

    if (!directory) {
        return corrie_fail_memory(err);
    }
    lake->catalog_dir = str_of(directory);
    return 0;
}

/* Adds the present root to lake.json if the lake was opened elsewhere before. */
static int note_root(struct lake *lake, struct lake_config *config, const struct store_tag *tag,
                     corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    struct str *roots;
    size_t n = 0;
    int r;

    if (config->n_roots > 0 && str_eq(config->roots[config->n_roots - 1], lake->io.root)) {
        return 0;
    }
    roots = arena_array(&lake->arena, struct str, config->n_roots + 1);
    if (!roots) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < config->n_roots; i++) {
        if (!str_eq(config->roots[i], lake->io.root)) {
            roots[n++] = config->roots[i];
        }
    }
    roots[n++] = lake->io.root;
    config->roots = roots;
    config->n_roots = n;
    r = lake_config_format(config, &text, err);
    if (r < 0) {
        return r;
    }
    r = store_put_if_match(lake->store, STR(LAKE_CONFIG_NAME), buf_str(&text), tag, NULL, err);
    if (r == CORRIE_E_REFUSED || r == CORRIE_E_NO_SPACE) {
        /* a copy that may only be read, or could: in memory it is enough for reading; nothing is written where the root
         * is not noted, because files could not be found from elsewhere */
        corrie_error_clear(err);
        lake->unnoted = true;
        r = 0;
    }
    return r;
}

int lake_check_writable(const struct lake *lake, corrie_error *err)
{
    if (!lake->unnoted) {
        return 0;
    }
    corrie_fail(err, CORRIE_E_REFUSED,
                "write to the lake %s: it was opened at a new place, which could not be noted in "
                "its " LAKE_CONFIG_NAME,
                lake->root.data);
    return corrie_hint(
        err, "%s/" LAKE_CONFIG_NAME " and its directory must be writable, with space on the disk",
        lake->root.data);
}

/* One attempt. CORRIE_E_CONFLICT: somebody else has noted a root meanwhile. */
static int read_config_once(struct lake *lake, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    struct lake_config config;
    struct store_tag tag;
    int r;

    r = store_get(lake->store, STR(LAKE_CONFIG_NAME), LAKE_MAX_CONFIG, &text, &tag, err);
    if (r < 0) {
        return r;
    }
    r = lake_config_parse(buf_str(&text), &lake->arena, &config, err);
    if (r < 0) {
        return corrie_wrap(err, "open lake %s", lake->root.data);
    }
    lake->shared = config.shared;
    if (lake->shared) {
        store_set_modes(lake->store, LAKE_SHARED_DIRECTORY, LAKE_SHARED_FILE);
    }
    if (!str_eq(config.catalog, STR(LAKE_CATALOG_URL))) {
        return corrie_fail(err, CORRIE_E_UNSUPPORTED,
                           "open lake %s: its catalog is \"%.*s\"; this version opens "
                           "only " LAKE_CATALOG_URL,
                           lake->root.data, STR_FMT(config.catalog));
    }
    lake->id = config.id;
    r = note_root(lake, &config, &tag, err);
    if (r < 0) {
        return corrie_wrap(err, "open lake %s", lake->root.data);
    }
    lake->roots = config.roots;
    lake->n_roots = config.n_roots;
    lake->io.older_roots = lake->roots;
    lake->io.n_older_roots = lake->n_roots - 1;
    return 0;
}

int lake_read_config(struct lake *lake, corrie_error *err)
{
    int r;

    for (int tries = 0;; tries++) {
        r = read_config_once(lake, err);
        if (r != CORRIE_E_CONFLICT || tries == NOTE_TRIES) {
            return r == CORRIE_E_REFUSED ? lake_explain_refusal(lake, err) : r;
        }
        corrie_error_clear(err);
    }
}

int lake_prepare(struct lake *lake, const char *url, const char *author, struct str *ret_source,
                 corrie_error *err)
{
    struct lake_settings settings = {0};
    struct str place;
    int r;

    r = lake_locate(url, &settings, &lake->arena, &place, ret_source, err);
    if (r < 0) {
        return corrie_wrap(err, "find the lake");
    }
    r = store_open(place, &lake->store, err);
    if (r < 0) {
        return corrie_wrap(err, "open the lake that %.*s names", STR_FMT(*ret_source));
    }
    lake->io.store = lake->store;
    lake->io.cancel = lake->cancel;
    r = location_of_store(lake->store, &lake->arena, &lake->io.root, err);
    if (r < 0) {
        return r;
    }
    lake->root = lake_local_path(lake->io.root);
    r = lake_find_author(author, &settings, &lake->arena, &lake->user, &lake->user_from, err);
    return r < 0 ? r : set_places(lake, err);
}

static int open_parts(struct lake *lake, const corrie_lake_options *options, corrie_error *err)
{
    struct str source;
    int r;

    r = lake_prepare(lake, options->url, options->author, &source, err);
    if (r < 0) {
        return r;
    }
    r = lake_read_config(lake, err);
    if (r == CORRIE_E_NOT_FOUND && options->must_exist) {
        corrie_fail(err, r, "open lake %s: there is no lake", lake->root.data);
        return corrie_hint(err, "name the lake's directory (this came from %.*s)", STR_FMT(source));
    }
    if (r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err);
        r = lake_make(lake, source, false, err);
        if (r > 0) {
            lake_notice(lake, "made a lake in %s", lake->root.data);
        }
        r = r < 0 ? r : lake_read_config(lake, err);
    }
    if (r < 0 || (r = lake_check_file_system(lake, err)) < 0) {
        return r;
    }
    return lake_open_catalog(lake, err);
}

int corrie_lake_open(const corrie_lake_options *options, corrie_lake **ret, corrie_error *err)
{
    corrie_lake_options given = {.size = sizeof given};
    struct lake *lake;
    int r;

    if (options) {
        memcpy(&given, options, options->size < sizeof given ? options->size : sizeof given);
    }
    lake = mem_alloc(1, sizeof *lake);
    if (!lake) {
        return corrie_fail_memory(err);
    }
    lake->own.whole = given.cancel;
    lake->cancel = &lake->own;
    lake->event = given.event;
    lake->event_context = given.event_context;
    js_setup();
    r = open_parts(lake, &given, err);
    if (r < 0) {
        corrie_lake_close(lake);
        return r;
    }
    *ret = lake;
    return 0;
}

corrie_lake *corrie_lake_close(corrie_lake *lake)
{
    if (lake) {
        lake_workspace_forget(lake);
        lake_forget_metadata(lake);
        catalog_close(lake->catalog);
        store_close(lake->store);
        arena_done(&lake->arena);
        mem_free(lake);
    }
    return NULL;
}
