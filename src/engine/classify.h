/* classify.h — what a text of a CSV file looks like. Inside the room only. */
#ifndef CORRIE_ENGINE_CLASSIFY_H
#define CORRIE_ENGINE_CLASSIFY_H

#include "base/str.h"

/* One bit a class, so that a column is the OR of its values. */
enum text_class {
    TEXT_INTEGER = 1,      /* fits 64 bits, no leading zero */
    TEXT_NUMBER = 2,       /* with point or exponent; nan, inf */
    TEXT_BOOLEAN = 4,      /* true, false in either case */
    TEXT_DATE = 8,         /* 2024-02-29, a day that exists */
    TEXT_TIMESTAMP = 16,   /* 2024-02-29 10:00[:00[.123456]], T for the space */
    TEXT_TIMESTAMPTZ = 32, /* the same with Z or ±hh[[:]mm] */
    TEXT_TIME = 64,        /* 10:00:00[.123456] */
    TEXT_OTHER = 128
};

enum text_class text_classify(struct str text);
/* DuckDB's name of the narrowest type that holds all of `classes` (0: no value at all). Mixtures
 * that would lose or invent something are VARCHAR. */
const char *text_class_type(unsigned classes);

#endif
