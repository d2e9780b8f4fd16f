/* type.h — the types of corrie and schemas of fields.
 *
 * corrie's types are Iceberg's. What Arrow, DuckDB and SQL call them is one table:
 * docs/formats/types.md.
 *
 * Ownership: a schema and everything in it (nested fields, names, docs) lives in one arena, which
 * the caller passes to whatever makes the schema. A `struct type`, `struct field` or `struct
 * schema` may be copied by value: the copy shares what lies in the arena. Nothing is freed one by
 * one.
 *
 * Building one by hand:
 *
 *     struct schema schema = {0};
 *     struct field fields[] = {
 *         {.name = STR("id"), .type = {.kind = TYPE_LONG}, .required = true},
 *         {.name = STR("price"), .type = {.kind = TYPE_DECIMAL, .precision = 10, .scale = 2}},
 *     };
 *     r = schema_copy(&(struct schema){.fields = fields, .n_fields = 2}, arena, &schema, err);
 *     schema_assign_ids(&schema, &last_id);
 *
 * or with nested types: type_list(arena, &element, …), type_map(…), type_struct(…).
 *
 * Invariants: list has exactly one field, named `element`; map has exactly two, `key` (required)
 * and `value`; struct any number; every other kind none. Ids are 0 until assigned, then > 0 and
 * unique. */
#ifndef CORRIE_ARROW_TYPE_H
#define CORRIE_ARROW_TYPE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct ArrowSchema;

enum type_kind {
    TYPE_NONE = 0, /* a zeroed struct is no type */
    TYPE_BOOLEAN,
    TYPE_INT,         /* 32 bits */
    TYPE_LONG,        /* 64 bits */
    TYPE_FLOAT,       /* 32 bits */
    TYPE_DOUBLE,      /* 64 bits */
    TYPE_DECIMAL,     /* precision 1–38, 0 ≤ scale ≤ precision */
    TYPE_DATE,        /* days since 1970-01-01 */
    TYPE_TIME,        /* microseconds since midnight */
    TYPE_TIMESTAMP,   /* microseconds since 1970-01-01, no zone */
    TYPE_TIMESTAMPTZ, /* microseconds since 1970-01-01 UTC */
    TYPE_STRING,      /* UTF-8 */
    TYPE_UUID,        /* 16 bytes */
    TYPE_FIXED,       /* `length` bytes */
    TYPE_BINARY,
    TYPE_STRUCT,
    TYPE_LIST,
    TYPE_MAP
};

/* Of a decimal, before the point or behind it. */
#define TYPE_DECIMAL_DIGITS 38

struct field;

struct type {
    enum type_kind kind;
    int precision;        /* decimal */
    int scale;            /* decimal */
    int length;           /* fixed */
    struct field *fields; /* struct: its fields; list: `element`; map: `key`, `value` */
    size_t n_fields;
};

struct field {
    int id;
    bool required; /* no nulls */
    struct str name;
    struct type type;
    struct str doc; /* empty = none */
};

struct schema {
    int schema_id;
    struct field *fields;
    size_t n_fields;
    int *identifier_ids; /* Iceberg's identifier-field-ids */
    size_t n_identifier_ids;
};

/* ---- building and copying; all memory from `arena` ---- */

/* Types with fields. `element`, `key`, `value` and `fields` are copied deeply. CORRIE_E_NO_MEMORY;
 * CORRIE_E_LIMIT past CORRIE_MAX_TYPE_DEPTH. */
int type_list(struct arena *arena, const struct type *element, bool element_required,
              struct type *ret, corrie_error *err) CORRIE_MUST_USE;
int type_map(struct arena *arena, const struct type *key, const struct type *value,
             bool value_required, struct type *ret, corrie_error *err) CORRIE_MUST_USE;
int type_struct(struct arena *arena, const struct field *fields, size_t n_fields, struct type *ret,
                corrie_error *err) CORRIE_MUST_USE;
/* Deep copies: the result shares nothing with the source. */
int type_copy(const struct type *type, struct arena *arena, struct type *ret, corrie_error *err)
    CORRIE_MUST_USE;
int schema_copy(const struct schema *schema, struct arena *arena, struct schema *ret,
                corrie_error *err) CORRIE_MUST_USE;
/* A schema of the named columns, in the order of `names`; fields are shared with `schema`.
 * CORRIE_E_NOT_FOUND with the nearest names for a name that is not there. */
int schema_select(const struct schema *schema, const struct str *names, size_t n_names,
                  struct arena *arena, struct schema *ret, corrie_error *err) CORRIE_MUST_USE;

/* ---- asking ---- */

bool type_is_nested(const struct type *type);
/* Kind, parameters, names, ids, required, docs: everything that Iceberg's JSON would show. */
bool type_eq(const struct type *a, const struct type *b);
bool field_eq(const struct field *a, const struct field *b);
/* All fields and identifier ids; schema_id itself is not compared. */
bool schema_eq(const struct schema *a, const struct schema *b);
/* As type_eq, ignoring ids, docs and required: the same values have the same meaning. */
bool type_same(const struct type *a, const struct type *b);
/* Whether a column of type `from` may be read as `to` without loss (Iceberg's promotions:
 * int→long, float→double, decimal to a larger precision of the same scale; inside nested types
 * too; equal types always). */
bool type_promotes(const struct type *from, const struct type *to);

/* Top-level field by exact name, or NULL. */
const struct field *schema_find(const struct schema *schema, struct str name);
/* Index of it, or -1. */
ptrdiff_t schema_index(const struct schema *schema, struct str name);
/* The same as SQL takes names: that very name, else the first that differs in the case of letters only. */
ptrdiff_t schema_index_nocase(const struct schema *schema, struct str name);
/* "there is no column x" with the nearest names as hint: CORRIE_E_NOT_FOUND. */
int schema_fail_column(const struct schema *schema, struct str name, corrie_error *err);
/* Any field, nested ones too, or NULL. */
const struct field *schema_find_id(const struct schema *schema, int id);
/* 0 when no field has an id. */
int schema_highest_id(const struct schema *schema);
/* CORRIE_E_DATA if names of one level repeat, a name is empty or not UTF-8, ids repeat, a type
 * breaks the invariants above, or a maximum is passed. For schemas that came from outside. */
int schema_check(const struct schema *schema, corrie_error *err) CORRIE_MUST_USE;

/* ---- ids ---- */

/* Gives every field (all, whatever it had) a fresh id from *last_id + 1 on, in Iceberg's order:
 * fields of one level before what is nested in them. *last_id becomes the highest given. */
void schema_assign_ids(struct schema *schema, int *last_id);
/* The same for a schema that replaces `old`: a field that has the same path of names and a type
 * that the old one promotes to keeps its id; all others get fresh ones. */
void schema_assign_ids_from(struct schema *schema, const struct schema *old, int *last_id);

/* ---- does data fit? (APPEND, `columns=[…]`) ---- */

enum fit_kind {
    FIT_MISSING, /* wanted, not there */
    FIT_EXTRA,   /* there, not wanted */
    FIT_TYPE,    /* there with a type that does not become the wanted one */
    FIT_NULLS    /* wanted without nulls, may hold some */
};

struct fit_problem {
    enum fit_kind kind;
    struct str column;
    const struct type *wanted; /* NULL for FIT_EXTRA */
    const struct type *given;  /* NULL for FIT_MISSING */
};

struct fit {
    struct fit_problem *problems;
    size_t n_problems;
};

/* Compares columns by name (order does not matter): what keeps data of schema `given` from being
 * written to a table of schema `wanted`. A type fits if the writer can cast it without losing
 * values: promotions, int and long into decimal with enough digits, int into double. A missing
 * column is a problem only where it is required. FIT_NULLS is reported only when `strict_nulls`.
 * Problems are in order of `wanted`, then extras. */
int schema_fit(const struct schema *given, const struct schema *wanted, bool strict_nulls,
               struct arena *arena, struct fit *ret, corrie_error *err) CORRIE_MUST_USE;
/* Columns by name alone: `wanted` as in `columns=[…]`; the single name `*` fits everything, and
 * `*` beside other names allows extras. */
int columns_fit(const struct schema *given, const struct str *wanted, size_t n_wanted,
                struct arena *arena, struct fit *ret, corrie_error *err) CORRIE_MUST_USE;
/* One line: "missing user_id; price is string, wanted double; not declared: tmp". */
void fit_describe(const struct fit *fit, struct buf *out);

/* ---- text ---- */

/* "long", "decimal(10, 2)", "fixed[16]", "list<string>", "map<string, long>", "struct<a: int, b:
 * string>": what users see and what Iceberg's JSON has for primitive types. */
void type_print(const struct type *type, struct buf *out);
/* Primitive types of Iceberg's JSON ("decimal(10,2)" with or without the space). CORRIE_E_DATA
 * else. */
int type_from_name(struct str name, struct type *ret, corrie_error *err) CORRIE_MUST_USE;
/* DuckDB's name: BIGINT, DECIMAL(10,2), TIMESTAMP WITH TIME ZONE, STRUCT("a" INTEGER), VARCHAR[],
 * MAP(VARCHAR, BIGINT). */
void type_print_sql(const struct type *type, struct buf *out);
/* The same with other names for some types that are not nested: `instead` gives one, or NULL for the type's own. `key`: it
 * is the key of a map, or in one. */
typedef const char *(*type_instead_fn)(void *arg, const struct type *type, bool key);
void type_print_sql_instead(const struct type *type, type_instead_fn instead, void *arg,
                            struct buf *out);
/* From DuckDB's type text, as DESCRIBE or duckdb's logical types print it. Types that lose nothing
 * are widened (TINYINT → int, UINTEGER → long, UBIGINT and HUGEINT → long: checked at write;
 * TIMESTAMP_NS → timestamp: exactness checked at write; ENUM → string). `column` is for the
 * message: CORRIE_E_UNSUPPORTED "column x: type INTERVAL cannot be stored". */
int type_from_sql(struct str text, struct str column, struct arena *arena, struct type *ret,
                  corrie_error *err) CORRIE_MUST_USE;

/* ---- Iceberg JSON ---- */

/* {"type":"struct","schema-id":…,"fields":[…]}; *ret is a new reference. */
int schema_to_json(const struct schema *schema, json_t **ret, corrie_error *err) CORRIE_MUST_USE;
/* Checks everything (schema_check). CORRIE_E_CORRUPT naming the field. */
int schema_from_json(const json_t *json, struct arena *arena, struct schema *ret, corrie_error *err)
    CORRIE_MUST_USE;

/* ---- Arrow ---- */

/* `arrow` is a struct schema (format "+s"): its children are the columns. Read, not released. Ids
 * come from the metadata key PARQUET:field_id where it is there (not if two fields have the same),
 * else 0. Widening as in type_from_sql; large and view strings, dictionaries of strings → string;
 * float16 → float; a timestamp with any zone → timestamptz; fixed-size lists → list; extension
 * arrow.uuid → uuid. Duration, interval, null type, union, decimal256 with more than 38 digits:
 * CORRIE_E_UNSUPPORTED naming the column and what to do. */
int schema_from_arrow(const struct ArrowSchema *arrow, struct arena *arena, struct schema *ret,
                      corrie_error *err) CORRIE_MUST_USE;
/* One column. */
int field_from_arrow(const struct ArrowSchema *arrow, struct arena *arena, struct field *ret,
                     corrie_error *err) CORRIE_MUST_USE;
/* *ret is filled and owned by the caller (release it). Strings become utf8 ("u"), timestamps µs
 * ("tsu:", "tsu:UTC"), uuid fixed_size_binary(16) with the extension name arrow.uuid. Ids > 0 go
 * to PARQUET:field_id. */
int schema_to_arrow(const struct schema *schema, struct ArrowSchema *ret, corrie_error *err)
    CORRIE_MUST_USE;
int field_to_arrow(const struct field *field, struct ArrowSchema *ret, corrie_error *err)
    CORRIE_MUST_USE;

#endif
