/* graph.c — names become references to models and tables; references become an order. */
#include <stdarg.h>

#include "base/limits.h"
#include "lang/name.h"
#include "plan/build_priv.h"

#define MAX_NAMES 100000 /* tables of a namespace looked at for nearest names */

int plan_note_add(struct planning *p, bool warning, const struct place *place, corrie_error *err,
                  const char *format, ...)
{
    _cleanup_(buf_done) struct buf text = {0};
    struct plan_note note = {.warning = warning, .place = *place};
    va_list args;

    va_start(args, format);
    buf_addv(&text, format, args);
    va_end(args);
    if (buf_check(&text, err) < 0) {
        return err->code;
    }
    if (warning && p->options->strict) {
        corrie_fail(err, CORRIE_E_PROJECT, "%s", buf_text(&text));
        corrie_hint(err, "a warning fails under --strict");
        return place_error(p->project, place, err);
    }
    if (arena_str(p->arena, buf_str(&text), &note.text) < 0 || vec_push(&p->notes, note) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

/* "ns\0name": no part can hold a NUL. */
static int make_key(struct arena *arena, struct str a, struct str b, struct str *ret)
{
    char *key = arena_alloc(arena, a.len + b.len + 2, 1);

    if (!key) {
        return CORRIE_E_NO_MEMORY;
    }
    if (a.len > 0) { /* an empty str may have no data */
        memcpy(key, a.data, a.len);
    }
    if (b.len > 0) {
        memcpy(key + a.len + 1, b.data, b.len);
    }
    *ret = str_make(key, a.len + 1 + b.len);
    return 0;
}

/* ---- references --------------------------------------------------------------------------------- */

/* As it has to be written there: with its namespace, if the name had one to be understood. */
static void hint_table(const struct planning *p, const struct reference *reference,
                       struct str *names, size_t n, corrie_error *err)
{
    bool plain = str_eq(reference->table_namespace, p->plan->default_namespace);

    for (size_t i = 0; i < n && !plain; i++) {
        char *full = arena_printf(p->arena, "%.*s.%.*s", STR_FMT(reference->table_namespace),
                                  STR_FMT(names[i]));

        names[i] = full ? str_of(full) : names[i];
    }
    char *asked = plain ? NULL
                        : arena_printf(p->arena, "%.*s.%.*s", STR_FMT(reference->table_namespace),
                                       STR_FMT(reference->name));
    hint_nearest(asked ? str_of(asked) : reference->name, names, n, err);
}

/* Tables and models of that very name in other namespaces: "shop.orders". */
static int names_elsewhere(struct planning *p, struct str ref, const struct reference *reference,
                           struct str **ret, size_t *ret_n, corrie_error *err)
{
    struct str *names;
    struct str ns, name;
    size_t n, found = 0;
    int r = p->catalog->names(p->catalog->context, ref, STR_EMPTY, MAX_NAMES, p->arena, &names, &n,
                              err);

    for (size_t i = 0; r >= 0 && i < n; i++) {
        if (str_cut(names[i], '.', &ns, &name) && str_eq_nocase(name, reference->name) &&
            !str_eq(ns, reference->table_namespace)) {
            names[found++] = names[i];
        }
    }
    if (r >= 0) {
        *ret = names;
        *ret_n = found;
    }
    return r;
}

/* No such table: that name elsewhere, else the nearest of the lake's and of the models', in that namespace. */
static int unknown_table(struct planning *p, const struct draft *draft, struct reference *reference,
                         bool own, corrie_error *err)
{
    struct str ref = reference->input ? reference->input->ref : STR_EMPTY;
    struct str shown = ref.len ? ref : p->plan->ref;
    VEC(struct str) names = {0};
    struct str *lake = NULL, *elsewhere = NULL;
    size_t n_lake = 0, n_elsewhere = 0;

    int r = p->catalog->names(p->catalog->context, ref, reference->table_namespace, MAX_NAMES,
                              p->arena, &lake, &n_lake, err);
    for (size_t i = 0; r >= 0 && i < n_lake; i++) {
        r = vec_push(&names, lake[i]) < 0 ? corrie_fail_memory(err) : 0;
    }
    for (size_t i = 0; r >= 0 && ref.len == 0 && i < p->n_drafts; i++) {
        const struct draft *other = &p->drafts[i];
        if (other - other->function->output != draft && other->function->kind == FUNCTION_MODEL &&
            str_eq(other->table_namespace, reference->table_namespace)) {
            r = vec_push(&names, other->name) < 0 ? corrie_fail_memory(err) : 0;
        }
    }
    r = r < 0 ? r : names_elsewhere(p, ref, reference, &elsewhere, &n_elsewhere, err);
    if (r >= 0) {
        corrie_fail(err, CORRIE_E_NOT_FOUND, "there is no table %.*s.%.*s%s%.*s",
                    STR_FMT(reference->table_namespace), STR_FMT(reference->name),
                    shown.len ? " at " : "", STR_FMT(shown));
        hint_table(p, reference, names.items, names.count, err);
        if (n_elsewhere > 0) {
            corrie_hint(err, "did you mean %.*s%s%.*s?", STR_FMT(elsewhere[0]),
                        n_elsewhere > 1 ? " or " : "",
                        STR_FMT(n_elsewhere > 1 ? elsewhere[1] : STR_EMPTY));
        } else if (names.count == 0) {
            corrie_hint(err, "namespace %.*s has no tables", STR_FMT(reference->table_namespace));
        }
        if (own) {
            corrie_hint(
                err,
                "a model that reads its own name reads the committed table, and there is none yet");
        }
        r = place_error(p->project, &reference->place, err);
    }
    vec_done(&names);
    return r;
}

int plan_find_table(struct planning *p, struct str ref, struct str table_namespace, struct str name,
                    size_t *ret, corrie_error *err)
{
    struct plan_source source = {.table_namespace = table_namespace, .name = name, .ref = ref};
    struct str key;

    if (make_key(p->arena, table_namespace, name, &key) < 0 ||
        make_key(p->arena, ref, key, &key) < 0) {
        return corrie_fail_memory(err);
    }
    size_t known = (size_t)(uintptr_t)map_get(&p->tables, key);
    if (known > 0) {
        *ret = known - 1;
        return 1;
    }
    int r = p->catalog->lookup(p->catalog->context, ref, table_namespace, name, p->arena,
                               &source.table, err);
    if (r <= 0) {
        return r;
    }
    if (vec_push(&p->sources, source) < 0 ||
        map_put(&p->tables, key, (void *)(uintptr_t)p->sources.count) < 0) {
        return corrie_fail_memory(err);
    }
    *ret = p->sources.count - 1;
    return 1;
}

/* The draft of the first output of a function. */
static struct draft *caller_of(struct draft *draft)
{
    return draft - draft->function->output;
}

/* A model of that name, unless it is the reader itself or a ref is given; else a table of the lake. */
static int resolve(struct planning *p, const struct draft *draft, struct reference *reference,
                   corrie_error *err)
{
    struct str ref = reference->input ? reference->input->ref : STR_EMPTY;
    struct table_name name;
    struct str key;

    if (table_name_parse(reference->text, &name, err) < 0) {
        err->code = err->code == CORRIE_E_USAGE ? CORRIE_E_PROJECT : err->code;
        return place_error(p->project, &reference->place, err);
    }
    reference->table_namespace = name.ns.len ? name.ns : p->plan->default_namespace;
    reference->name = name.table;
    if (make_key(p->arena, reference->table_namespace, reference->name, &key) < 0) {
        return corrie_fail_memory(err);
    }
    struct draft *model = ref.len == 0 ? map_get(&p->models, key) : NULL;
    bool own = model && caller_of(model) == draft;
    if (model && !own) {
        reference->from = model;
        return 0;
    }
    int r = plan_find_table(p, ref, reference->table_namespace, reference->name, &reference->source,
                            err);
    if (r < 0) {
        return place_error(p->project, &reference->place, err);
    }
    return r == 0 ? unknown_table(p, draft, reference, own, err) : 0;
}

/* ---- drafts ------------------------------------------------------------------------------------- */

/* A name shadows a table or, under a name of two parts, may be another model's. */
static int add_model(struct planning *p, struct draft *draft, corrie_error *err)
{
    struct table_name name;
    struct str key;

    if (table_name_parse(draft->function->name, &name, err) < 0) {
        return place_error(p->project, &draft->function->place, err);
    }
    draft->table_namespace = name.ns.len ? name.ns : p->plan->default_namespace;
    draft->name = name.table;
    if (draft->function->kind != FUNCTION_MODEL) {
        return 0;
    }
    if (make_key(p->arena, draft->table_namespace, draft->name, &key) < 0) {
        return corrie_fail_memory(err);
    }
    const struct draft *first = map_get(&p->models, key);
    if (first) {
        return duplicate_error(p->project, draft->function->name, first->function, draft->function,
                               err);
    }
    return map_put(&p->models, key, draft) < 0 ? corrie_fail_memory(err) : 0;
}

static int python_references(struct planning *p, struct draft *draft, corrie_error *err)
{
    const struct declared_function *function = draft->function;

    draft->references = arena_array(p->arena, struct reference, function->n_inputs + 1);
    if (!draft->references) {
        return corrie_fail_memory(err);
    }
    draft->n_references = function->n_inputs;
    for (size_t i = 0; i < function->n_inputs; i++) {
        draft->references[i] = (struct reference){
            .input = &function->inputs[i],
            .text = function->inputs[i].table,
            .place = function->inputs[i].place,
        };
    }
    return 0;
}

int plan_drafts(struct planning *p, corrie_error *err)
{
    size_t n = p->declarations->n_functions;
    int r = 0;

    p->drafts = arena_array(p->arena, struct draft, n + 1);
    if (!p->drafts) {
        return corrie_fail_memory(err);
    }
    p->n_drafts = n;
    for (size_t i = 0; r >= 0 && i < n; i++) {
        p->drafts[i].function = &p->declarations->functions[i];
        r = add_model(p, &p->drafts[i], err);
    }
    for (size_t i = 0; r >= 0 && i < n; i++) {
        struct draft *draft = &p->drafts[i];
        bool sql = draft->function->language == SOURCE_SQL;
        if (draft->function->output > 0) {
            continue; /* it reads what the first output reads */
        }
        r = sql ? plan_inspect(p, draft, err) : python_references(p, draft, err);
        for (size_t k = 0; r >= 0 && k < draft->n_references; k++) {
            r = resolve(p, draft, &draft->references[k], err);
        }
    }
    return r;
}

/* ---- order -------------------------------------------------------------------------------------- */

enum { WHITE, GRAY, BLACK }; /* not seen, on the path, done */

struct frame {
    struct draft *draft;
    size_t next; /* reference to look at */
};

struct search {
    VEC(struct frame) path;
};

/* The path ends in a reference to a function that is on it: "a → b → a". */
static int report_cycle(const struct planning *p, const struct search *search,
                        const struct draft *again, const struct place *place, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    size_t first = 0;

    while (search->path.items[first].draft != again) {
        first++;
    }
    for (size_t i = first; i <= search->path.count; i++) {
        const struct draft *draft = i < search->path.count ? search->path.items[i].draft : again;
        const struct declared_function *function = draft->function;
        buf_addf(&text, "%s%.*s (%.*s:%ld)", i == first ? "" : " reads ",
                 STR_FMT(function->n_outputs > 1 ? function->function : function->name),
                 STR_FMT(function->place.file), function->place.line);
        if (i - first == 20 && search->path.count - i > 2) {
            buf_addf(&text, " reads … (%zu more)", search->path.count - i - 1);
            i = search->path.count - 1;
        }
    }
    if (buf_check(&text, err) < 0) {
        return err->code;
    }
    corrie_fail(err, CORRIE_E_PROJECT, "models form a cycle: %s", buf_text(&text));
    corrie_hint(err, "take out one of these inputs");
    return place_error(p->project, place, err);
}

/* Gives a function and all its outputs the next places in the order. */
static void place_next(struct planning *p, struct draft *draft, size_t *n_done)
{
    draft->color = BLACK;
    for (size_t i = 0; i < draft->function->n_outputs; i++) {
        draft[i].node = *n_done;
        p->order[(*n_done)++] = (size_t)(draft + i - p->drafts);
    }
}

/* Depth first from `root`; what a function reads comes before it. Invariant: GRAY drafts are exactly
 * those on the path. */
static int visit(struct planning *p, struct search *search, struct draft *root, size_t *n_done,
                 corrie_error *err)
{
    if (vec_push(&search->path, ((struct frame){root, 0})) < 0) {
        return corrie_fail_memory(err);
    }
    root->color = GRAY;
    while (search->path.count > 0) {
        struct frame *frame = &vec_last(&search->path);
        struct draft *draft = frame->draft;
        if (frame->next == draft->n_references) {
            place_next(p, draft, n_done);
            search->path.count--;
            continue;
        }
        const struct reference *reference = &draft->references[frame->next++];
        struct draft *from = reference->from ? caller_of(reference->from) : NULL;
        if (!from || from->color == BLACK) {
            continue;
        }
        if (from->color == GRAY) {
            return report_cycle(p, search, from, &reference->place, err);
        }
        from->color = GRAY;
        if (vec_push(&search->path, ((struct frame){from, 0})) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return 0;
}

int plan_order(struct planning *p, corrie_error *err)
{
    struct search search = {0};
    size_t n_done = 0;
    int r = 0;

    p->order = arena_array(p->arena, size_t, p->n_drafts + 1);
    if (!p->order) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; r >= 0 && i < p->n_drafts; i++) {
        if (p->drafts[i].selected && p->drafts[i].color == WHITE &&
            p->drafts[i].function->output == 0) {
            r = visit(p, &search, &p->drafts[i], &n_done, err);
        }
    }
    vec_done(&search.path);
    p->n_ordered = n_done;
    return r;
}
