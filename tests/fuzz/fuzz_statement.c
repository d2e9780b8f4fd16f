/* Scripts: every piece of a statement lies inside it, and splitting makes progress. */
#include <stdlib.h>

#include "lang/statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct str text, struct str piece)
{
    if (piece.len > 0 &&
        (piece.data < text.data || piece.data + piece.len > text.data + text.len)) {
        abort();
    }
}

static void check_pieces(const struct statement *statement)
{
    struct str text = statement->text;

    inside(text, statement->with);
    inside(text, statement->query);
    inside(text, statement->source);
    inside(text, statement->condition);
    inside(text, statement->partitioned_by);
    for (size_t i = 0; i < statement->n_sets; i++) {
        inside(text, statement->sets[i].value);
    }
    for (size_t i = 0; i < statement->n_clauses; i++) {
        inside(text, statement->clauses[i].condition);
        for (size_t k = 0; k < statement->clauses[i].n_values; k++) {
            inside(text, statement->clauses[i].values[k]);
        }
    }
    for (size_t i = 0; i < statement->n_definitions; i++) {
        inside(text, statement->definitions[i].type);
    }
    for (size_t i = 0; i < statement->n_alters; i++) {
        inside(text, statement->alters[i].text);
        inside(text, statement->alters[i].with);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct str source = str_make((const char *)data, size);
    struct str rest = source;
    struct str text;

    (void)statement_is_whole(source);
    while (statement_next(NULL, source, &rest, &text, &err) > 0) {
        _cleanup_(arena_done) struct arena arena = {0};
        struct statement statement;

        inside(source, text);
        if (rest.data < text.data + text.len) {
            abort();
        }
        if (statement_parse(NULL, source, text, &arena, &statement, &err) == 0) {
            check_pieces(&statement);
        } else {
            corrie_error_clear(&err);
        }
    }
    return 0;
}
