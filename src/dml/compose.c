/* compose.c — SQL of our own with pieces of a person's in it. DuckDB's positions are in the whole; a person's are in
 * what they wrote. */
#include "dml/dml_priv.h"

#include <stdarg.h>
#include <string.h>

void compose_done(struct compose *compose)
{
    buf_done(&compose->text);
    vec_done(&compose->pieces);
}

void compose_text(struct compose *compose, const char *text)
{
    buf_add_text(&compose->text, text);
}

void compose_format(struct compose *compose, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_addv(&compose->text, format, args);
    va_end(args);
}

void compose_name(struct compose *compose, struct str name)
{
    buf_add_sql_name(&compose->text, name);
}

static void add_piece(struct compose *compose, const struct dml *dml, struct str piece)
{
    const char *begin = dml->source.data;

    if (piece.data >= begin && piece.data + piece.len <= begin + dml->source.len) {
        struct compose_piece place = {.at = compose->text.len,
                                      .length = piece.len,
                                      .from = statement_offset(dml->source, piece)};

        if (vec_push(&compose->pieces, place) < 0) {
            compose->text.failed = CORRIE_E_NO_MEMORY;
        }
    }
    buf_add_str(&compose->text, piece);
}

/* Tables that change have names of ours in what DuckDB sees, so a namespace before the person's name would mean nothing. */
void compose_piece(struct compose *compose, const struct dml *dml, struct str piece)
{
    for (;;) {
        size_t first = piece.len;
        size_t skip = 0;

        for (size_t i = 0; i < ARRAY_LEN(dml->called); i++) {
            size_t at;
            size_t length;

            if (dml->called[i].name.len > 0 &&
                statement_find_qualified(piece, dml->called[i].ns, dml->called[i].name, &at,
                                         &length) &&
                at < first) {
                first = at;
                skip = length;
            }
        }
        add_piece(compose, dml, str_slice(piece, 0, first));
        if (skip == 0) {
            return;
        }
        piece = str_from(piece, first + skip);
    }
}

static void call(struct dml *dml, size_t at, struct str ns, const struct sql_name *name)
{
    size_t declared = name->offset - statement_offset(dml->source, dml->statement.text);

    ns = ns.len > 0 ? ns : dml->ns;
    if (!statement_hides(dml->statement.text, ns, name->text, declared)) {
        dml->called[at] = (struct dml_called){.ns = ns, .name = name->text};
    }
}

void compose_begin(struct dml *dml)
{
    const struct statement *s = &dml->statement;
    bool changes =
        s->kind == STATEMENT_DELETE || s->kind == STATEMENT_UPDATE || s->kind == STATEMENT_MERGE;

    memset(dml->called, 0, sizeof dml->called);
    if (changes && s->table.alias.text.len == 0) {
        call(dml, 0, s->table.ns.text, &s->table.name);
    }
    if (changes && s->source_ns.text.len > 0) {
        call(dml, 1, s->source_ns.text, &s->source_alias);
    }
}

void compose_with(struct compose *compose, const struct dml *dml)
{
    if (dml->statement.with.len > 0) {
        compose_piece(compose, dml, dml->statement.with);
        compose_text(compose, " ");
    }
}

int compose_check(const struct compose *compose, corrie_error *err)
{
    return buf_check(&compose->text, err);
}

int compose_place(const struct compose *compose, const struct dml *dml, corrie_error *err)
{
    struct str text = buf_str(&compose->text);
    size_t offset = 0;

    if (err->position.line <= 0) {
        return err->code;
    }
    for (long line = 1; line < err->position.line; line++) {
        ptrdiff_t found = str_find(str_from(text, offset), '\n');

        if (found < 0) {
            break;
        }
        offset += (size_t)found + 1;
    }
    offset += (size_t)(err->position.column > 0 ? err->position.column - 1 : 0);
    for (size_t i = 0; i < compose->pieces.count; i++) {
        const struct compose_piece *piece = &compose->pieces.items[i];

        if (offset >= piece->at && offset <= piece->at + piece->length) {
            return corrie_error_at_offset(
                err, dml->file, dml->source, piece->from + (offset - piece->at),
                (size_t)(err->position.width > 0 ? err->position.width : 1));
        }
    }
    return corrie_error_at(err, NULL, 0, 0, 0, STR_EMPTY);
}

int dml_at(const struct dml *dml, const struct sql_name *name, corrie_error *err)
{
    return corrie_error_at_offset(err, dml->file, dml->source, name->offset, name->length);
}
