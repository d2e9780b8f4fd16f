/* partition.h — how a person says what a table is partitioned by.
 *
 *     terms     := term { , term }
 *     term      := column | transform ( column ) | transform ( column , N ) | transform ( N , column )
 *     transform := identity | year | month | day | hour | bucket | truncate | void      (any case; also years, months,
 *                  days, hours, date, date_hour, trunc, alwaysNull: how Spark, Java and PyIceberg write them)
 *     column    := name | "quoted name" | column . name
 *
 * `day(ts), bucket(4, user_id), region`. bucket and truncate have a number, the others none; Iceberg's own form with
 * the number in brackets, `bucket[4](user_id)`, is read too. A column may have the name of a transform: it is one only
 * before a parenthesis. Whether columns are there, and whether their types have such transforms, is for those who know
 * the table. */
#ifndef CORRIE_LANG_PARTITION_H
#define CORRIE_LANG_PARTITION_H

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct partition_by_term {
    struct str *path; /* the column's name, then the names of fields inside it */
    size_t n_path;
    struct str transform; /* as Iceberg spells it: "identity", "day", "bucket[4]" */
    size_t offset;        /* where the term stands in the text, and how long it is: bytes */
    size_t length;
};

/* Parses a list of terms; an empty or blank text is none. Everything lies in `arena`. CORRIE_E_PROJECT with message,
 * hint and a position in `text` (file unset) for what is no such list, and for a term that is there twice;
 * CORRIE_E_LIMIT past CORRIE_MAX_PARTITION_TERMS terms or CORRIE_MAX_PARTITION_TEXT bytes. */
int partition_parse(struct str text, struct arena *arena, struct partition_by_term **ret,
                    size_t *ret_n, corrie_error *err) CORRIE_MUST_USE;

/* The terms as text that parses to the same: `day(ts), bucket(4, user_id), "a b".c`. */
void partition_terms_print(const struct partition_by_term *terms, size_t n, struct buf *out);

#endif
