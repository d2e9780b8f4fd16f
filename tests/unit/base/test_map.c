#include "base/map.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/hash.h"
#include "tests/unit/check.h"

START_TEST(finds_what_was_put)
{
    struct map map = {0};
    struct arena arena = {0};
    int values[1000];

    for (int i = 0; i < 1000; i++) {
        char *key = arena_printf(&arena, "key %d", i);

        values[i] = i;
        ck_assert_int_eq(map_put(&map, str_of(key), &values[i]), 0);
    }
    ck_assert_int_eq(map_put(&map, STR("key 7"), &values[8]), 0);
    ck_assert_uint_eq(map.count, 1000);
    ck_assert_ptr_eq(map_get(&map, STR("key 7")), &values[8]);
    ck_assert_ptr_eq(map_get(&map, STR("key 999")), &values[999]);
    ck_assert_ptr_null(map_get(&map, STR("key 1000")));
    ck_str_eq(map.entries[3].key, STR("key 3"));
    map_done(&map);
    ck_assert_ptr_null(map_get(&map, STR("key 7")));
    arena_done(&arena);
}
END_TEST

/* FIPS 180-2, "abc"; and the same in pieces */
START_TEST(hashes_as_the_standard_says)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct str pieces[] = {STR("a"), STR(""), STR("bc")};
    struct hash whole = hash_bytes(STR("abc"));
    struct hash parts = hash_pieces(pieces, 3);
    struct hash parsed;
    struct hasher *hasher = NULL;
    char hex[HASH_HEX + 1];

    hash_hex(&whole, hex);
    ck_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    ck_assert(hash_eq(&whole, &parts));
    ck_assert(hash_parse(str_of(hex), &parsed) && hash_eq(&parsed, &whole));
    ck_assert(!hash_parse(STR("ba78"), &parsed));
    ck_ok(hasher_new(&hasher, &err), &err);
    hasher_add(hasher, STR("ab"));
    hasher_add(hasher, STR("c"));
    parts = hasher_finish(hasher);
    hasher_free(hasher);
    ck_assert(hash_eq(&whole, &parts));
}
END_TEST

SUITE(map_suite, "map and hash", finds_what_was_put, hashes_as_the_standard_says)
