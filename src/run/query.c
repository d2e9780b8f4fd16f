/* query.c — a statement that reads, from its text to what an engine is to run; and what is told of it when it is over. */
#include "run/query.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/vec.h"
#include "jobs/jobs.h"

struct query_note query_note_begin(struct lake *lake, const char *sql)
{
    struct str kept = job_cut_text(str_of(sql), JOB_MAX_STATEMENT);

    return (struct query_note){.lake = lake,
                               .statement = str_dup(kept),
                               .began = clock_now(),
                               .clock = clock_monotonic(),
                               .rows = -1,
                               .bytes = -1};
}

void query_note_done(struct query_note *note)
{
    mem_free(note->statement);
    mem_free(note->ref);
    *note = (struct query_note){.lake = NULL};
}

/* Where it reads, as soon as that is known. */
static int note_place(struct query_note *note, const struct lake_view *view, struct str ref,
                      corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    int r = lake_name_head(note->lake, &arena, &ref, err);

    if (r < 0) {
        return r;
    }
    note->commit = view->commit;
    note->ref = str_dup(ref);
    return note->ref ? 0 : corrie_fail_memory(err);
}

void query_note_end(struct query_note *note, const corrie_error *error)
{
    if (note->lake) {
        job_note_query(lake_store(note->lake),
                       &(struct job_query){.user = lake_user(note->lake),
                                           .ref = str_of(note->ref),
                                           .statement = str_of(note->statement),
                                           .commit = note->commit,
                                           .started = note->began,
                                           .duration = clock_monotonic() - note->clock,
                                           .rows = error ? -1 : note->rows,
                                           .bytes = note->bytes,
                                           .error = error});
    }
    query_note_done(note);
}

struct query *query_free(struct query *query)
{
    if (query) {
        if (query->rows.release) {
            query->rows.release(&query->rows);
        }
        lake_workspace_leave(&query->work);
        mem_free(query->said);
        query_note_done(&query->note);
        mem_free(query);
    }
    return NULL;
}
int query_requote(const struct query *query, corrie_error *err)
{
    struct str text = query ? str_of(query->said) : STR_EMPTY;
    size_t start = 0;

    if (text.len == 0 || err->position.line == 0) {
        return err->code;
    }
    for (long line = 1; line < err->position.line; line++) {
        ptrdiff_t end = str_find(str_from(text, start), '\n');

        start = end < 0 ? text.len : start + (size_t)end + 1;
    }
    return corrie_error_at_offset(err, err->position.file, text,
                                  start + (size_t)err->position.column - 1,
                                  (size_t)err->position.width);
}

/* Names that DuckDB answers itself, if the lake has no such table. */
static bool is_builtin(const struct engine_table_ref *table)
{
    return str_eq_nocase(table->schema, STR("information_schema")) ||
           str_eq_nocase(table->schema, STR("pg_catalog")) ||
           (table->schema.len == 0 &&
            (str_starts(table->name, STR("duckdb_")) || str_starts(table->name, STR("pg_"))));
}

/* The tables of the lake that a statement names. */
struct sources {
    struct lake_source *items;
    size_t count;
    size_t capacity;
};

/* The state in which a table with an AT clause is read: of the ref that it names, or of the statement's as it was then.
 * A number is a snapshot of the table. */
static int view_at(const struct lake_view *view, struct str ref, const struct engine_at *at,
                   struct arena *arena, struct lake_source *source, corrie_error *err)
{
    struct lake_view *other = arena_new(arena, struct lake_view);
    char *expression;
    int r;

    if (!other) {
        return corrie_fail_memory(err);
    }
    if (at->number) {
        return str_to_int64(at->value, &source->snapshot_id)
                   ? 0
                   : corrie_fail(err, CORRIE_E_NOT_FOUND, "there is no snapshot %.*s",
                                 STR_FMT(at->value));
    }
    if (at->timestamp && (r = lake_name_head(view->lake, arena, &ref, err)) < 0) {
        return r;
    }
    expression = at->timestamp ? arena_printf(arena, "%.*s*%.*s", STR_FMT(ref), STR_FMT(at->value))
                               : arena_text(arena, at->value);
    if (!expression) {
        return corrie_fail_memory(err);
    }
    source->view = other;
    return lake_view_at(view->lake, str_of(expression), other, err);
}

/* Where a statement is read: its refs and names. */
struct place {
    struct engine *engine;
    const struct lake_view *view;
    struct str ref;
    struct str default_ns;
    struct str sql;
    struct str letter; /* namespace of tables that are read AT another version */
};

static int add_source(const struct place *place, const struct engine_table_ref *named, size_t index,
                      struct arena *arena, struct sources *sources, corrie_error *err)
{
    struct str ns = named->schema.len ? named->schema : place->default_ns;
    struct lake_source source = {.view = place->view, .snapshot_id = SNAPSHOT_NONE};
    const struct lake_view *view;
    int r;

    if (named->is_file) {
        return engine_ready_file(place->engine, named->name, err);
    }
    if (named->at) {
        char *name = arena_printf(arena, "%zu", index);

        r = name ? view_at(place->view, place->ref, named->at, arena, &source, err)
                 : corrie_fail_memory(err);
        if (r < 0) {
            return corrie_error_at_offset(err, NULL, place->sql, named->offset, named->at->length);
        }
        source.name_space = place->letter;
        source.name = str_of(name);
    }
    view = source.view;
    if (is_builtin(named)) {
        r = lake_table_find(view, ns, named->name, arena, &source.table, err);
        if (r <= 0) {
            return r;
        }
    }
    r = lake_table_get(view, ns, named->name, arena, &source.table, err);
    if (r == CORRIE_E_NOT_FOUND) {
        corrie_error_at_offset(err, NULL, place->sql, named->offset, named->name.len);
    }
    return r < 0 ? r : vec_push(sources, source) < 0 ? corrie_fail_memory(err) : 0;
}

/* A namespace of one letter that the statement does not name. */
static struct str free_letter(const struct engine_statement *statement)
{
    static const char letters[] = "~^%&";

    for (size_t k = 0; k + 2 < sizeof letters; k++) {
        bool used = false;

        for (size_t i = 0; i < statement->n_tables; i++) {
            used |= str_eq(statement->tables[i].schema, str_make(&letters[k], 1));
        }
        if (!used) {
            return str_make(&letters[k], 1);
        }
    }
    return str_make(&letters[sizeof letters - 2], 1);
}

int query_open(struct lake *lake, struct str *sql, const corrie_query_options *options,
               struct arena *arena, struct query_note *note, struct query_scans *ret_scans,
               struct query **ret, corrie_error *err)
{
    _cleanup_(query_freep) struct query *query = mem_alloc(1, sizeof *query);
    struct engine_options engine = {0};
    struct engine_statement statement;
    struct sources sources = {0};
    struct lake_view view;
    struct place place = {.view = &view, .ref = str_of(options->ref), .sql = *sql};
    int r;

    if (!query) {
        return corrie_fail_memory(err);
    }
    engine.name_space = lake_default_namespace(options->default_namespace);
    r = lake_view_at(lake, str_of(options->ref), &view, err);
    if (r >= 0 && note) {
        r = note_place(note, &view, str_of(options->ref), err);
    }
    if (r < 0 || (r = lake_workspace_open(lake, options->memory, &engine, &query->work, err)) < 0 ||
        (r = engine_inspect_at(query->work.engine, *sql, NULL, arena, &statement, err)) < 0) {
        return r;
    }
    place.engine = query->work.engine;
    place.default_ns = engine.name_space;
    place.letter = free_letter(&statement);
    for (size_t i = 0; r >= 0 && i < statement.n_tables; i++) {
        r = add_source(&place, &statement.tables[i], i, arena, &sources, err);
    }
    if (r >= 0) {
        r = engine_place_at(*sql, &statement, place.letter, arena, sql, err);
    }
    if (r >= 0 && !str_eq(*sql, place.sql) && !(query->said = str_dup(place.sql))) {
        r = corrie_fail_memory(err);
    }
    if (r >= 0) {
        r = lake_define(query->work.engine, sources.items, sources.count, *sql, NULL,
                        engine.name_space, arena, ret_scans ? &ret_scans->described : NULL, err);
    }
    if (r >= 0 && ret_scans) {
        ret_scans->commit = view.commit;
        ret_scans->count = sources.count;
    }
    vec_done(&sources);
    if (r < 0) {
        return query_requote(query, err);
    }
    *ret = TAKE_PTR(query);
    return 0;
}
