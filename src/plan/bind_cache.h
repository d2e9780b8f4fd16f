/* bind_cache.h — answers of the engine about SQL, kept in the cache (kind `bind`). */
#ifndef CORRIE_PLAN_BIND_CACHE_H
#define CORRIE_PLAN_BIND_CACHE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"
#include "engine/engine.h"

struct cache;

/* Over the engine's version and the statement. */
struct hash inspect_key(struct str sql);
/* … and the default namespace, and the names and types that it is bound to. `part` says what was asked: "columns". */
int bind_key(const char *part, struct str sql, struct str default_namespace,
             const struct engine_bind_table *tables, size_t n_tables, struct hash *ret,
             corrie_error *err) CORRIE_MUST_USE;

/* 1 found, 0 not; a NULL cache holds nothing. Of a statement its tables are kept, and whether it makes names. */
int inspect_load(struct cache *cache, const struct hash *key, struct arena *arena,
                 struct engine_statement *ret, corrie_error *err) CORRIE_MUST_USE;
int binding_load(struct cache *cache, const struct hash *key, struct arena *arena,
                 struct engine_binding *ret, corrie_error *err) CORRIE_MUST_USE;
int inspect_store(struct cache *cache, const struct hash *key,
                  const struct engine_statement *statement, corrie_error *err) CORRIE_MUST_USE;
int binding_store(struct cache *cache, const struct hash *key, const struct engine_binding *binding,
                  corrie_error *err) CORRIE_MUST_USE;

#endif
