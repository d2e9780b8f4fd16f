#include "plan/declare.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "lang/header.h"
#include "lang/name.h"
#include "lang/project.h"
#include "os/path.h"
#include "plan/plan_priv.h"

/* ---- words -------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum strategy strategy;
} strategies[] = {
    {"NONE", STRATEGY_NONE},     {"REPLACE", STRATEGY_REPLACE},
    {"APPEND", STRATEGY_APPEND}, {"OVERWRITE_PARTITIONS", STRATEGY_OVERWRITE_PARTITIONS},
    {"MERGE", STRATEGY_MERGE},
};

const char *strategy_name(enum strategy strategy)
{
    return strategies[strategy].name;
}

int strategy_parse(struct str text, enum strategy *ret, corrie_error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(strategies); i++) {
        if (str_eq(text, str_of(strategies[i].name))) {
            *ret = strategies[i].strategy;
            return 0;
        }
    }
    struct str names[ARRAY_LEN(strategies)];
    size_t nearest;
    for (size_t i = 0; i < ARRAY_LEN(strategies); i++) {
        names[i] = str_of(strategies[i].name);
    }
    corrie_fail(err, CORRIE_E_PROJECT, "there is no materialization strategy '%.*s'",
                STR_FMT(text));
    if (str_nearest(text, names, ARRAY_LEN(names), &nearest, 1) > 0) {
        return corrie_hint(err, "did you mean %.*s?", STR_FMT(names[nearest]));
    }
    return corrie_hint(err, "use NONE, REPLACE, APPEND, OVERWRITE_PARTITIONS or MERGE");
}

int cache_strategy_parse(struct str text, bool *ret_no_cache, corrie_error *err)
{
    bool none = str_eq(text, STR("NONE"));

    if (!none && !str_eq(text, STR("DEFAULT"))) {
        corrie_fail(err, CORRIE_E_PROJECT, "there is no cache strategy '%.*s'", STR_FMT(text));
        return corrie_hint(err, "use DEFAULT or NONE");
    }
    *ret_no_cache = none;
    return 0;
}

/* ---- errors ------------------------------------------------------------------------------------- */

int place_error(const struct project_dir *project, const struct place *place, corrie_error *err)
{
    const struct source_file *source = project_source(project, place->file);
    struct str text = source ? source->text : STR_EMPTY, line = STR_EMPTY;

    if (place->file.len == 0) {
        return err->code;
    }
    if (str_starts(text, STR("\xef\xbb\xbf"))) {
        text = str_from(text, 3); /* the reader counts without it */
    }
    for (long i = 0; i < place->line && (i == 0 || text.len > 0); i++) {
        str_cut(text, '\n', &line, &text);
    }
    if (str_ends(line, STR("\r"))) {
        line.len--;
    }
    _free_ char *file = str_dup(place->file);
    long width = place->width;
    if (place->column > 0 && (width == 0 || place->column - 1 + width > (long)line.len)) {
        width = (long)line.len - place->column + 1;
    }
    return corrie_error_at(err, file ? file : "", place->line, place->column, width > 0 ? width : 1,
                           line);
}

int duplicate_error(const struct project_dir *project, struct str name,
                    const struct declared_function *first, const struct declared_function *second,
                    corrie_error *err)
{
    corrie_fail(err, CORRIE_E_PROJECT, "duplicate definition of '%.*s'", STR_FMT(name));
    corrie_hint(err, "the other one is at %.*s:%ld", STR_FMT(first->place.file), first->place.line);
    return place_error(project, &second->place, err);
}

/* ---- SQL models --------------------------------------------------------------------------------- */

static int at_value(const struct source_file *source, const struct header_value *value,
                    corrie_error *err)
{
    _free_ char *file = str_dup(source->path);

    if (err->code == CORRIE_E_USAGE) {
        err->code = CORRIE_E_PROJECT;
    }
    return corrie_error_at_offset(err, file ? file : "", source->text, value->offset,
                                  value->text.len);
}

static struct place value_position(const struct source_file *source,
                                   const struct header_value *value)
{
    struct place place = {.file = source->path, .line = 1, .width = (long)value->text.len};
    size_t start = 0;

    for (size_t i = 0; i < value->offset; i++) {
        if (source->text.data[i] == '\n') {
            place.line++;
            start = i + 1;
        }
    }
    place.column = (long)(value->offset - start) + 1;
    return place;
}

/* Splits "day(x), y" at commas outside parentheses. */
static int split_list(struct str text, struct arena *arena, struct str **ret, size_t *ret_n)
{
    struct str *items = arena_array(arena, struct str, text.len + 1);
    size_t n = 0, start = 0;
    int depth = 0;

    if (!items) {
        return CORRIE_E_NO_MEMORY;
    }
    for (size_t i = 0; i <= text.len; i++) {
        char c = i < text.len ? text.data[i] : ',';
        depth += c == '(' ? 1 : c == ')' ? -1 : 0;
        if (c == ',' && (depth <= 0 || i == text.len)) {
            struct str item = str_trim(str_slice(text, start, i - start));
            if (item.len > 0) {
                items[n++] = item;
            }
            start = i + 1;
        }
    }
    *ret = items;
    *ret_n = n;
    return 0;
}

/* The model's name: given in the header, else the file's without its ending. */
static int sql_name(const struct source_file *source, const struct sql_header *header,
                    struct str *ret, corrie_error *err)
{
    struct table_name name;

    if (header->name.given) {
        *ret = header->name.text;
        int r = table_name_parse(*ret, &name, err);
        if (r >= 0) {
            r = name_check_model(name.table, err);
        }
        return r < 0 ? at_value(source, &header->name, err) : 0;
    }
    struct str base = os_path_name(source->path);
    *ret = str_slice(base, 0, base.len - strlen(".sql"));
    int r = name_check_model(*ret, err);
    if (r < 0) {
        err->code = CORRIE_E_PROJECT;
        corrie_wrap(err, "%.*s", STR_FMT(source->path));
        return corrie_hint(err, "rename the file, or name the model: -- corrie: name=…");
    }
    return 0;
}

/* "a, b, *": names of columns, none twice. */
static int sql_columns(struct declaring *declaring, const struct source_file *source,
                       const struct header_value *value, const char *what, struct name_list *ret,
                       corrie_error *err)
{
    _cleanup_(map_done) struct map seen = {0};
    struct str *items;
    size_t n;

    if (!value->given) {
        return 0;
    }
    if (split_list(value->text, declaring->arena, &items, &n) < 0) {
        return corrie_fail_memory(err);
    }
    *ret =
        (struct name_list){.given = true, .items = items, .place = value_position(source, value)};
    for (size_t i = 0; i < n; i++) {
        if (str_eq(items[i], STR("*"))) {
            ret->all = true;
            continue;
        }
        int r = name_check_column(items[i], err);
        if (r >= 0 && map_find(&seen, items[i])) {
            r = corrie_fail(err, CORRIE_E_PROJECT, "column %.*s stands twice in %s",
                            STR_FMT(items[i]), what);
        }
        if (r < 0) {
            return at_value(source, value, err);
        }
        if (map_put(&seen, items[i], NULL) < 0) {
            return corrie_fail_memory(err);
        }
        items[ret->count++] = items[i];
    }
    return 0;
}

static int sql_settings(struct declaring *declaring, const struct source_file *source,
                        const struct sql_header *header, struct declared_function *function,
                        corrie_error *err)
{
    if (header->materialization_strategy.given &&
        strategy_parse(header->materialization_strategy.text, &function->strategy, err) < 0) {
        return at_value(source, &header->materialization_strategy, err);
    }
    if (header->cache_strategy.given &&
        cache_strategy_parse(header->cache_strategy.text, &function->no_cache, err) < 0) {
        return at_value(source, &header->cache_strategy, err);
    }
    if (header->partitioned_by.given &&
        split_list(header->partitioned_by.text, declaring->arena, &function->partitioned_by,
                   &function->n_partitioned_by) < 0) {
        return corrie_fail_memory(err);
    }
    function->partitioned_by_place = value_position(source, &header->partitioned_by);
    if (header->overwrite_filter.given) {
        function->overwrite_filter = header->overwrite_filter.text;
        function->overwrite_place = value_position(source, &header->overwrite_filter);
    }
    int r = sql_columns(declaring, source, &header->columns, "columns", &function->columns, err);
    if (r >= 0) {
        r = sql_columns(declaring, source, &header->keys, "keys", &function->keys, err);
    }
    if (r >= 0 && function->keys.given && function->keys.all) {
        corrie_fail(err, CORRIE_E_PROJECT, "keys must be named: '*' is no column");
        return at_value(source, &header->keys, err);
    }
    return r;
}

int declare_sql(struct declaring *declaring, const struct source_file *source, corrie_error *err)
{
    struct declared_function function = {
        .kind = FUNCTION_MODEL,
        .language = SOURCE_SQL,
        .source = source,
        .place = {.file = source->path, .line = 1, .column = 1},
        .columns = {.all = true},
        .n_outputs = 1,
        .timeout = declaring->timeout,
    };
    struct sql_header header;
    _free_ char *file = str_dup(source->path);

    if (!file) {
        return corrie_fail_memory(err);
    }
    function.columns.place = function.place;
    int r = sql_header_parse(file, source->text, &header, err);
    if (r >= 0) {
        r = sql_name(source, &header, &function.name, err);
    }
    if (r >= 0) {
        r = sql_settings(declaring, source, &header, &function, err);
    }
    if (r < 0) {
        return r;
    }
    /* the statement itself, so that an edited header comment changes nothing else */
    struct str pieces[] = {STR("sql\n"), str_from(source->text, header.body)};
    function.code = hash_pieces(pieces, ARRAY_LEN(pieces));
    return vec_push(&declaring->functions, function) < 0 ? corrie_fail_memory(err) : 0;
}

/* ---- code hashes -------------------------------------------------------------------------------- */

static int reach_file(struct declaring *declaring, struct str path);

/* Notes the project's own files that importing a module runs, of which "a/b" is the place: a.py, a/__init__.py,
 * a/b.py and a/b/__init__.py, those that there are. */
static int reach_place(struct declaring *declaring, struct str place)
{
    char path[512];
    int r = 0;

    for (size_t len = 1; r >= 0 && len <= place.len; len++) {
        if (len < place.len && place.data[len] != '/') {
            continue;
        }
        if (len + sizeof "/__init__.py" > sizeof path) {
            return 0;
        }
        memcpy(path, place.data, len);
        memcpy(path + len, ".py", 3);
        r = reach_file(declaring, str_make(path, len + 3));
        if (r >= 0) {
            memcpy(path + len, "/__init__.py", 12);
            r = reach_file(declaring, str_make(path, len + 12));
        }
    }
    return r;
}

/* "lib" of "lib/a.py" and of "lib/deep"; empty of "a.py". */
static struct str folder_of(struct str path)
{
    size_t len = path.len;

    while (len > 0 && path.data[len - 1] != '/') {
        len--;
    }
    return str_slice(path, 0, len > 0 ? len - 1 : 0);
}

/* The module "b.c" in a folder. */
static int reach_in(struct declaring *declaring, struct str folder, struct str module)
{
    char place[512];
    size_t n = folder.len;

    if (folder.len + module.len + 1 > sizeof place) {
        return 0;
    }
    if (n > 0) {
        memcpy(place, folder.data, n);
        place[n++] = '/';
    }
    for (size_t i = 0; i < module.len; i++) {
        place[n++] = module.data[i] == '.' ? '/' : module.data[i];
    }
    return reach_place(declaring, str_make(place, n));
}

/* What the file `from` means by a module's name: dots in front are its package and those around that. The package
 * of lib/a.py is lib; if there is a folder lib/a, it is lib.a. */
static int reach_module(struct declaring *declaring, struct str from, struct str module)
{
    struct str folder = folder_of(from);
    struct str own = str_slice(from, 0, from.len - strlen(".py"));
    int r;

    if (!str_starts(module, STR("."))) {
        return reach_in(declaring, STR_EMPTY, module);
    }
    for (module = str_from(module, 1); str_starts(module, STR(".")); module = str_from(module, 1)) {
        own = folder;
        folder = folder_of(folder);
    }
    r = reach_in(declaring, folder, module);
    return r < 0 ? r : reach_in(declaring, own, module);
}

static int reach_imports(struct declaring *declaring, struct str from, const json_t *doc)
{
    const json_t *imports = json_object_get(doc, "imports");
    int r = 0;

    declaring->dynamic = declaring->dynamic || json_is_true(json_object_get(doc, "dynamic"));
    for (size_t i = 0; r >= 0 && i < json_array_size(imports); i++) {
        r = reach_module(declaring, from, js_str(json_array_get(imports, i)));
    }
    return r;
}

static int reach_file(struct declaring *declaring, struct str path)
{
    const struct source_file *source = project_source(declaring->project, path);

    if (!source || source->language != SOURCE_PYTHON) {
        return 0;
    }
    size_t i = (size_t)(source - declaring->project->sources);
    if (declaring->reached_by[i] == declaring->n_hashed) {
        return 0;
    }
    declaring->reached_by[i] = declaring->n_hashed;
    if (vec_push(&declaring->reached, i) < 0) {
        return CORRIE_E_NO_MEMORY;
    }
    return reach_imports(declaring, source->path, declaring->docs->files[i]);
}

static int by_index(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;

    return x < y ? -1 : x > y;
}

static int reach_all(struct declaring *declaring)
{
    const struct project_dir *project = declaring->project;

    declaring->reached.count = 0;
    for (size_t i = 0; i < project->n_sources; i++) {
        if (project->sources[i].language == SOURCE_PYTHON && vec_push(&declaring->reached, i) < 0) {
            return CORRIE_E_NO_MEMORY;
        }
    }
    return 0;
}

/* Which files the code of `path` reaches, in order: those of its packages, those that it imports, and what those
 * import. All, if any of it imports or evaluates what cannot be seen. */
static int find_reached(struct declaring *declaring, struct str path, const json_t *doc,
                        corrie_error *err)
{
    int r;

    declaring->n_hashed++;
    declaring->dynamic = false;
    declaring->reached.count = 0;
    r = reach_place(declaring, folder_of(path));
    if (r >= 0) {
        r = reach_imports(declaring, path, doc);
    }
    if (r >= 0 && declaring->dynamic) {
        r = reach_all(declaring);
    }
    if (r < 0) {
        return corrie_fail_memory(err);
    }
    if (declaring->reached.count > 1) {
        qsort(declaring->reached.items, declaring->reached.count, sizeof(size_t), by_index);
    }
    return 0;
}

/* H("python", name, code, [path and text of each module of the project that it reaches]). */
int declare_code(struct declaring *declaring, const json_t *doc, struct declared_function *function,
                 corrie_error *err)
{
    const struct project_dir *project = declaring->project;
    _cleanup_(buf_done) struct buf text = {0};

    int r = find_reached(declaring, function->source->path, doc, err);
    if (r < 0) {
        return r;
    }
    function->n_modules = declaring->reached.count;
    function->modules = arena_array(declaring->arena, struct str, function->n_modules + 1);
    if (!function->modules) {
        return corrie_fail_memory(err);
    }
    buf_addf(&text, "python\n%.*s\n", STR_FMT(function->function));
    buf_add_str(&text, js_str(json_object_get(doc, "code")));
    for (size_t i = 0; i < function->n_modules; i++) {
        const struct source_file *source = &project->sources[declaring->reached.items[i]];
        buf_add_str(&text, STR("\0module "));
        buf_add_str(&text, source->path);
        buf_add(&text, source->hash.bytes, HASH_BYTES);
        function->modules[i] = source->path;
    }
    if (buf_check(&text, err) < 0) {
        return err->code;
    }
    function->code = hash_bytes(buf_str(&text));
    return 0;
}

/* ---- all of a project --------------------------------------------------------------------------- */

static int read_defaults(struct declaring *declaring, corrie_error *err)
{
    const struct project *settings = declaring->project->settings;
    struct env_package *packages =
        arena_array(declaring->arena, struct env_package, settings->n_packages + 1);

    if (!packages) {
        return corrie_fail_memory(err);
    }
    if (settings->python_version.text.len > 0 &&
        env_python_check(settings->python_version.text, err) < 0) {
        return project_error_at(settings, &settings->python_version, err);
    }
    for (size_t i = 0; i < settings->n_packages; i++) {
        const struct project_package *package = &settings->packages[i];
        int r = env_package_parse(package->name.text, package->version.text, declaring->arena,
                                  &packages[i], err);
        if (r < 0) {
            return project_error_at(
                settings, package->version.line ? &package->version : &package->name, err);
        }
    }
    declaring->python = settings->python_version.text;
    declaring->timeout = (double)settings->timeout;
    return packages_merge(packages, settings->n_packages, NULL, 0, declaring->arena,
                          &declaring->packages, &declaring->n_packages, err);
}

static int read_sources(struct declaring *declaring, corrie_error *err)
{
    const struct project_dir *project = declaring->project;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < project->n_sources; i++) {
        const struct source_file *source = &project->sources[i];
        r = source->language == SOURCE_SQL
                ? declare_sql(declaring, source, err)
                : declare_python(declaring, source, declaring->docs->files[i], err);
    }
    return r;
}

static int check_duplicates(const struct declaring *declaring, corrie_error *err)
{
    _cleanup_(map_done) struct map names = {0};

    for (size_t i = 0; i < declaring->functions.count; i++) {
        struct declared_function *function = &declaring->functions.items[i];
        const struct declared_function *first = map_get(&names, function->name);
        if (first) {
            return duplicate_error(declaring->project, function->name, first, function, err);
        }
        if (map_put(&names, function->name, function) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return 0;
}

static int declare_into(struct declaring *declaring, const struct declare_options *options,
                        struct declarations *out, corrie_error *err)
{
    _cleanup_(reader_docs_done) struct reader_docs docs = {0};

    declaring->reached_by =
        arena_array(declaring->arena, size_t, declaring->project->n_sources + 1);
    if (!declaring->reached_by) {
        return corrie_fail_memory(err);
    }
    int r = read_defaults(declaring, err);
    if (r >= 0) {
        r = reader_read(declaring->project, options, &docs, err);
    }
    if (r >= 0) {
        declaring->docs = &docs;
        r = read_sources(declaring, err);
        declaring->docs = NULL;
    }
    if (r >= 0) {
        r = check_duplicates(declaring, err);
    }
    if (r < 0 || declaring->functions.count == 0) {
        return r;
    }
    out->n_functions = declaring->functions.count;
    out->functions = arena_array(&out->arena, struct declared_function, out->n_functions);
    if (!out->functions) {
        return corrie_fail_memory(err);
    }
    memcpy(out->functions, declaring->functions.items, out->n_functions * sizeof *out->functions);
    return 0;
}

int declare_read(const struct project_dir *project, const struct declare_options *options,
                 struct declarations **ret, corrie_error *err)
{
    _cleanup_(declarations_freep) struct declarations *out = mem_alloc(1, sizeof *out);

    if (!out) {
        return corrie_fail_memory(err);
    }
    js_setup();
    struct declaring declaring = {.project = project, .arena = &out->arena};
    int r = declare_into(&declaring, options, out, err);
    vec_done(&declaring.functions);
    vec_done(&declaring.reached);
    if (r < 0) {
        return r;
    }
    *ret = TAKE_PTR(out);
    return 0;
}

struct declarations *declarations_free(struct declarations *declarations)
{
    if (declarations) {
        arena_done(&declarations->arena);
        mem_free(declarations);
    }
    return NULL;
}
