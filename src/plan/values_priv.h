/* values_priv.h — calls and values of a reader's document (docs/formats/declarations.md), understood. */
#ifndef CORRIE_PLAN_VALUES_PRIV_H
#define CORRIE_PLAN_VALUES_PRIV_H

#include "plan/plan_priv.h"

#define MAX_KEYWORDS 12

/* One function while it is understood. */
struct understanding {
    struct declaring *declaring;
    struct arena *arena;
    const struct source_file *source;
    struct declared_function *function;
    const json_t *outputs;   /* of @model, for later: the dictionary; NULL = not given */
    struct env_package *own; /* pinned by @python */
    size_t n_own;
    struct env_package *extra; /* brought by @extras */
    size_t n_extra;
};

/* What a call of ours may be given, in the order of its signature. */
struct signature {
    const char *name;            /* as users write it: "@model" */
    const char *const *keywords; /* NULL-terminated, at most MAX_KEYWORDS */
};

struct place value_place(const struct understanding *u, const json_t *object);
/* Puts the position of `object` into an error that has been made. Returns its code. */
int value_error_at(const struct understanding *u, const json_t *object, corrie_error *err);

const char *value_kind(const json_t *value); /* "str", "list", …; "" for what is none */
bool value_is(const json_t *value, const char *kind);
/* "`columns` of @model must be …" for a value that is not what it should be. */
int value_wrong(const struct understanding *u, const struct signature *signature,
                const char *keyword, const json_t *value, const char *wanted, corrie_error *err);

/* Each: 1 set, 0 None or not given (NULL), or CORRIE_E_PROJECT at the value. Texts go to the arena. */
int value_text(const struct understanding *u, const struct signature *signature,
               const char *keyword, const json_t *value, struct str *ret, corrie_error *err)
    CORRIE_MUST_USE;
int value_bool(const struct understanding *u, const struct signature *signature,
               const char *keyword, const json_t *value, bool *ret, corrie_error *err)
    CORRIE_MUST_USE;
/* A number above 0. */
int value_number(const struct understanding *u, const struct signature *signature,
                 const char *keyword, const json_t *value, double *ret, corrie_error *err)
    CORRIE_MUST_USE;
/* '1G', or a number of MiB. */
int value_size(const struct understanding *u, const struct signature *signature,
               const char *keyword, const json_t *value, uint64_t *ret, corrie_error *err)
    CORRIE_MUST_USE;
/* A list of texts; a single text is a list of one. */
int value_texts(const struct understanding *u, const struct signature *signature,
                const char *keyword, const json_t *value, struct str **ret, size_t *ret_n,
                corrie_error *err) CORRIE_MUST_USE;
/* Names of columns: each a good name, none twice; "*" stands for all. 0 in every good case. */
int value_columns(const struct understanding *u, const struct signature *signature,
                  const char *keyword, const json_t *value, struct name_list *ret,
                  corrie_error *err) CORRIE_MUST_USE;
/* A name of a model: one or two parts. 0 in every good case. */
int value_name(const struct understanding *u, const struct signature *signature,
               const char *keyword, const json_t *value, struct str *ret, corrie_error *err)
    CORRIE_MUST_USE;

/* Puts the arguments of `call` where the signature has them: values[i] belongs to keywords[i]. */
int call_bind(const struct understanding *u, const struct signature *signature, const json_t *call,
              const json_t *values[MAX_KEYWORDS], corrie_error *err) CORRIE_MUST_USE;
/* "… has no argument …", with the nearest in the hint, at `at`. */
int call_unknown_keyword(const struct understanding *u, const struct signature *signature,
                         struct str name, const json_t *at, corrie_error *err);

#endif
