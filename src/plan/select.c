/* select.c — a part of the project: what the user named, with what it is made of or what is made of it.
 *
 *     name     that model or expectation        +name    and all that it reads, however far up
 *     name+    and all that reads it            +name+   both
 *
 * Expectations whose inputs are all selected come along. What a selected function reads of a model that is not selected
 * is the committed table. */
#include "base/mem.h"
#include "plan/build_priv.h"

/* One term of the selection. */
struct term {
    struct str name;
    bool up;
    bool down;
};

struct selecting {
    struct planning *p;
    VEC(size_t) path; /* drafts to look at */
    bool *marked;     /* by draft: of the term under way */
};

static void selecting_done(struct selecting *s)
{
    vec_done(&s->path);
    mem_free(s->marked);
}

static bool is_called(const struct draft *draft, struct str name)
{
    struct str ns, table;

    const struct declared_function *function = draft->function;

    if (str_eq(function->name, name) || str_eq(draft->name, name) ||
        (function->by_name && str_eq(function->function, name))) {
        return true;
    }
    return str_cut(name, '.', &ns, &table) && str_eq(draft->table_namespace, ns) &&
           str_eq(draft->name, table);
}

static int unknown_name(const struct selecting *s, struct str name, corrie_error *err)
{
    const struct planning *p = s->p;
    struct str *names = arena_array(p->arena, struct str, p->n_drafts);

    if (!names) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < p->n_drafts; i++) {
        names[i] = p->drafts[i].function->name;
    }
    corrie_fail(err, CORRIE_E_NOT_FOUND, "--select: the project has no model or expectation %.*s",
                STR_FMT(name));
    return hint_nearest(name, names, p->n_drafts, err);
}

/* ---- from one to its neighbours ----------------------------------------------------------------- */

static int mark(struct selecting *s, size_t draft, corrie_error *err)
{
    size_t first = draft - s->p->drafts[draft].function->output;

    /* outputs of one function come together */
    for (size_t i = first; i < first + s->p->drafts[first].function->n_outputs; i++) {
        if (s->marked[i]) {
            return 0;
        }
        s->marked[i] = true;
        s->p->drafts[i].selected = true;
        if (vec_push(&s->path, i) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return 0;
}

/* Everything above what is on the path. */
static int select_up(struct selecting *s, corrie_error *err)
{
    int r = 0;

    while (r >= 0 && s->path.count > 0) {
        const struct draft *draft = &s->p->drafts[vec_pop(&s->path)];

        for (size_t i = 0; r >= 0 && i < draft->n_references; i++) {
            const struct draft *from = draft->references[i].from;

            r = from ? mark(s, (size_t)(from - s->p->drafts), err) : 0;
        }
    }
    return r;
}

/* Who reads whom: readers[first[i]] … readers[first[i + 1] - 1] read draft i. */
struct readers {
    size_t *first;
    size_t *items;
};

static int find_readers(const struct planning *p, struct readers *ret, corrie_error *err)
{
    size_t n = 0;
    size_t *at = arena_array(p->arena, size_t, p->n_drafts + 1);

    for (size_t i = 0; i < p->n_drafts; i++) {
        n += p->drafts[i].n_references;
    }
    *ret = (struct readers){.first = arena_array(p->arena, size_t, p->n_drafts + 1),
                            .items = arena_array(p->arena, size_t, n)};
    if (!at || !ret->first || !ret->items) {
        return corrie_fail_memory(err);
    }
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < p->n_drafts; i++) {
            for (size_t k = 0; k < p->drafts[i].n_references; k++) {
                const struct draft *from = p->drafts[i].references[k].from;

                if (from && pass == 0) {
                    ret->first[from - p->drafts + 1]++;
                } else if (from) {
                    ret->items[at[from - p->drafts]++] = i;
                }
            }
        }
        for (size_t i = 0; pass == 0 && i < p->n_drafts; i++) {
            ret->first[i + 1] += ret->first[i];
            at[i] = ret->first[i];
        }
    }
    return 0;
}

static int select_down(struct selecting *s, corrie_error *err)
{
    struct readers readers;
    int r = find_readers(s->p, &readers, err);

    while (r >= 0 && s->path.count > 0) {
        size_t draft = vec_pop(&s->path);

        for (size_t k = readers.first[draft]; r >= 0 && k < readers.first[draft + 1]; k++) {
            r = mark(s, readers.items[k], err);
        }
    }
    return r;
}

/* ---- terms -------------------------------------------------------------------------------------- */

static int select_named(struct selecting *s, const struct term *term, corrie_error *err)
{
    bool found = false;
    int r = 0;

    memset(s->marked, 0, s->p->n_drafts * sizeof *s->marked);
    s->path.count = 0;
    for (size_t i = 0; r >= 0 && i < s->p->n_drafts; i++) {
        if (is_called(&s->p->drafts[i], term->name)) {
            found = true;
            r = mark(s, i, err);
        }
    }
    return r < 0 ? r : found ? 0 : unknown_name(s, term->name, err);
}

static int select_term(struct selecting *s, const struct term *term, corrie_error *err)
{
    int r = select_named(s, term, err);

    if (r >= 0 && term->up) {
        r = select_up(s, err);
    }
    if (r >= 0 && term->down) {
        r = select_named(s, term, err);
        r = r < 0 ? r : select_down(s, err);
    }
    return r;
}

/* "+a, b+": terms between commas or spaces. */
static int select_text(struct selecting *s, struct str text, corrie_error *err)
{
    bool any = false;

    while (text.len > 0) {
        struct term term = {0};
        size_t n = 0;
        int r;

        while (n < text.len && text.data[n] != ',' && text.data[n] != ' ') {
            n++;
        }
        term.name = str_slice(text, 0, n);
        text = str_from(text, n < text.len ? n + 1 : n);
        if (term.name.len == 0) {
            continue;
        }
        term.up = str_starts(term.name, STR("+"));
        term.name = str_from(term.name, term.up ? 1 : 0);
        term.down = str_ends(term.name, STR("+"));
        term.name = str_slice(term.name, 0, term.name.len - (term.down ? 1 : 0));
        if (term.name.len == 0) {
            corrie_fail(err, CORRIE_E_USAGE, "--select: '+' stands before or after a name");
            return corrie_hint(err, "for example --select +orders, --select orders+");
        }
        r = select_term(s, &term, err);
        if (r < 0) {
            return r;
        }
        any = true;
    }
    if (!any) {
        /* An empty variable in a script, most likely: neither everything nor nothing was meant. */
        corrie_fail(err, CORRIE_E_USAGE, "--select names nothing");
        return corrie_hint(err, "leave it out to run everything");
    }
    return 0;
}

/* ---- what follows from it ----------------------------------------------------------------------- */

/* An expectation that checks nothing but what is made now, is made now. */
static void select_expectations(struct planning *p)
{
    for (size_t i = 0; i < p->n_drafts; i++) {
        struct draft *draft = &p->drafts[i];
        bool all = false;

        if (draft->function->kind != FUNCTION_EXPECTATION) {
            continue;
        }
        for (size_t k = 0; k < draft->n_references; k++) {
            const struct draft *from = draft->references[k].from;

            all = from && from->selected && (k == 0 || all);
        }
        draft->selected = draft->selected || all;
    }
}

/* Models that are not selected are tables of the lake. */
static int read_committed(struct planning *p, struct draft *draft, corrie_error *err)
{
    for (size_t k = 0; k < draft->n_references; k++) {
        struct reference *reference = &draft->references[k];
        int r;

        if (!reference->from || reference->from->selected) {
            continue;
        }
        r = plan_find_table(p, STR_EMPTY, reference->table_namespace, reference->name,
                            &reference->source, err);
        if (r == 0) {
            corrie_fail(
                err, CORRIE_E_NOT_FOUND,
                "%.*s reads %.*s, which is not selected, and there is no such table at %.*s",
                STR_FMT(draft->function->name), STR_FMT(reference->from->function->name),
                STR_FMT(p->plan->ref));
            corrie_hint(err, "select it too: --select +%.*s", STR_FMT(draft->function->name));
        }
        if (r <= 0) {
            return place_error(p->project, &reference->place, err);
        }
        reference->from = NULL;
    }
    return 0;
}

/* Tables that only others read are none of the plan's. */
static int drop_sources(struct planning *p, corrie_error *err)
{
    size_t *places = arena_array(p->arena, size_t, p->sources.count); /* + 1; 0 = not used */
    size_t n = 0;

    if (!places) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < p->n_drafts; i++) {
        const struct draft *draft = &p->drafts[i];

        for (size_t k = 0; draft->selected && k < draft->n_references; k++) {
            if (!draft->references[k].from) {
                places[draft->references[k].source] = 1;
            }
        }
    }
    for (size_t i = 0; i < p->sources.count; i++) {
        if (places[i] > 0) {
            p->sources.items[n++] = p->sources.items[i];
            places[i] = n;
        }
    }
    p->sources.count = n;
    for (size_t i = 0; i < p->n_drafts; i++) {
        struct draft *draft = &p->drafts[i];

        for (size_t k = 0; draft->selected && k < draft->n_references; k++) {
            if (!draft->references[k].from) {
                draft->references[k].source = places[draft->references[k].source] - 1;
            }
        }
    }
    return 0;
}

int plan_select(struct planning *p, corrie_error *err)
{
    _cleanup_(selecting_done) struct selecting s = {.p = p};
    int r = 0;

    for (size_t i = 0; i < p->n_drafts; i++) {
        p->drafts[i].selected = p->options->n_select == 0;
    }
    if (p->options->n_select == 0) {
        return 0;
    }
    s.marked = mem_alloc(p->n_drafts, sizeof *s.marked);
    if (!s.marked) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; r >= 0 && i < p->options->n_select; i++) {
        r = select_text(&s, p->options->select[i], err);
    }
    if (r >= 0) {
        select_expectations(p);
    }
    for (size_t i = 0; r >= 0 && i < p->n_drafts; i++) {
        r = p->drafts[i].selected ? read_committed(p, &p->drafts[i], err) : 0;
    }
    return r < 0 ? r : drop_sources(p, err);
}
