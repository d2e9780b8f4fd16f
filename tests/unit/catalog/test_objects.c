/* What a user would lose: an object that means one thing to one version and another thing to the
 * next, or a damaged one that is believed. The expected values are the test vectors of
 * docs/formats/objects.md, which were computed by another program. */
#include "tests/unit/catalog/support.h"

static void ck_hex(const struct hash *hash, const char *expected)
{
    char hex[HASH_HEX + 1];

    hash_hex(hash, hex);
    ck_assert_str_eq(hex, expected);
}

static struct str from_hex(struct arena *arena, const char *hex)
{
    size_t n = strlen(hex) / 2;
    char *bytes = arena_array(arena, char, n + 1);

    for (size_t i = 0; i < n; i++) {
        unsigned byte = 0;

        must(sscanf(hex + 2 * i, "%2x", &byte) == 1);
        bytes[i] = (char)byte;
    }
    return str_make(bytes, n);
}

#define EMPTY_TREE "c2775436f8a417a3c6927dc8059b71e96b2043727a2056934c890397cd4346f8"
#define LEAF                                                                                       \
    "0002000f6e616d6573706163650073616c65731300000102030405060708090a0b0c0d0e0f7b7d"               \
    "00127461626c650073616c6573006576656e74734806ffffffffffffffffffffffffffffffff"                 \
    "111111111111111111111111111111111111111111111111111111111111111122222222222222222222"         \
    "2222222222227b226e223a317d"
#define FIRST_COMMIT                                                                               \
    "00c2775436f8a417a3c6927dc8059b71e96b2043727a2056934c890397cd4346f80001036164610361646101"     \
    "000000000000000100000000000000057374617274"                                                   \
    "00"
#define SECOND_COMMIT                                                                              \
    "03f87fcfc0246a2989bcb9948e27ce1caf22bdc22b77731536e2892013cc6eb79f015650d436cffe3b6c92"       \
    "9143e5074b24e64ecc2c7ccb5ce8028d92700a2f4b538f020361646103626f6200002a36fe9c971700cac4"       \
    "71fe9c97170e6164640a736978207461626c657302016101310162001111111111111111111111111111"         \
    "11111111111111111111111111111111111122222222222222222222222222222222"

#define TAINTED_COMMIT                                                                             \
    "0405b8aa7d48c2d78d8d33a646abdbdcf62052b5b45aa887facc72fad5e16e69df015650d436cffe3b6c92"       \
    "9143e5074b24e64ecc2c7ccb5ce8028d92700a2f4b538f0203616461036164610200000000000000020000"       \
    "000000000004737465700001"

START_TEST(test_names)
{
    struct hash name = object_name(OBJECT_NODE, STR("\0\0"));

    ck_hex(&name, EMPTY_TREE);
    name = object_name(OBJECT_DOC, STR("{\"a\":[1,\"\\u0001\"],\"b\":null}"));
    ck_hex(&name, "64fce77e5ebd8e5495e87dab1608377f22e30360e71077ca589848f497fa0342");
    name = object_name(OBJECT_ORIGIN, STR("{}"));
    ck_hex(&name, "59c6cad3111d8f933bea73c7a45b40cf01f8acb46b1c199d3c395fbba7c6e777");
}
END_TEST

START_TEST(test_boundary_hash)
{
    ck_assert(hash_xx64(STR("table\0t000000"), 0) == UINT64_C(0xeec141665ba13c6f));
    ck_assert(hash_xx64(STR("table\0t000000"), 1) == UINT64_C(0x6df1d750705a3387));
}
END_TEST

static struct tree_edit vector_edit(struct arena *arena, size_t i)
{
    struct tree_edit edit = put_number(arena, arena_printf(arena, "t%06zu", i), (long)i);

    edit.value.id = (struct uuid){{0}};
    for (size_t b = 0; b < 8; b++) {
        edit.value.id.bytes[15 - b] = (uint8_t)((uint64_t)i >> 8 * b);
    }
    return edit;
}

/* The trees of the vectors: keys t000000 … */
static struct hash make_tree(struct lab *lab, size_t n, struct arena *arena,
                             struct object_list *objects)
{
    struct tree_edit *edits = arena_array(arena, struct tree_edit, n);
    struct hash root;

    for (size_t i = 0; i < n; i++) {
        edits[i] = vector_edit(arena, i);
    }
    ck_ok(tree_empty(lab->catalog, objects, &root, &lab->err), &lab->err);
    ck_ok(tree_apply(lab->catalog, &root, edits, n, objects, &root, &lab->err), &lab->err);
    return root;
}

START_TEST(test_trees)
{
    static const struct {
        size_t n;
        size_t n_levels;
        const char *root;
    } vectors[] = {
        {0, 1, EMPTY_TREE},
        {1, 1, "6c5c6a53acb489cbc324f45c975e8bed5417cd2f990414ffda1fc4e2a61ef4ff"},
        {6, 1, "f87fcfc0246a2989bcb9948e27ce1caf22bdc22b77731536e2892013cc6eb79f"},
        {100, 2, "ab179d6f50b3afba9d04a5ea7f2672bec14dca1d590aabce1591b1fa11078c50"},
        {1000, 3, "19a757a9d47f9171a9d7a0d84539da23dcc824af7bf85cd6c062e076a677cb66"},
        {20000, 4, "cbfa1a5cc324b5fbfa2938c382f5549fd2ecc9923c57953ee225d27dc58bc368"},
    };
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(object_list_done) struct object_list objects = {0};
    struct tree_edit *edits = arena_array(&arena, struct tree_edit, 20000);
    struct hash empty;

    lab_init(&lab);
    for (size_t i = 0; i < 20000; i++) {
        edits[i] = vector_edit(&arena, i);
    }
    ck_ok(tree_empty(lab.catalog, &objects, &empty, &lab.err), &lab.err);
    for (size_t v = 0; v < ARRAY_LEN(vectors); v++) {
        struct tree_stats stats;
        struct hash root;

        ck_ok(tree_apply(lab.catalog, &empty, edits, vectors[v].n, &objects, &root, &lab.err),
              &lab.err);
        ck_hex(&root, vectors[v].root);
        ck_ok(tree_check(lab.catalog, &root, &stats, &lab.err), &lab.err);
        ck_assert_uint_eq(stats.n_levels, vectors[v].n_levels);
        ck_assert_uint_eq(stats.n_entries, vectors[v].n);
    }
}
END_TEST

START_TEST(test_leaf)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf again = {0};
    _free_ struct node *node = NULL;
    corrie_error err = CORRIE_ERROR_INIT;
    struct str bytes = from_hex(&arena, LEAF);
    struct tree_value value;
    struct hash name = object_name(OBJECT_NODE, bytes);

    ck_hex(&name, "9b492a76d8a8555d36af43e635859e5cc3c89a03331672d72c07f5e7e971188e");
    ck_ok(node_decode(bytes, &node, &err), &err);
    ck_assert_uint_eq(node->n, 2);
    ck_str_eq(node->entries[1].key, STR("table\0sales\0events"));
    ck_assert(value_decode(node->entries[1].value, &value));
    ck_assert(value.has_origin && value.has_taint && !value.doc_apart);
    ck_assert_uint_eq(value.origin.bytes[31], 0x11);
    ck_assert_uint_eq(value.taint.bytes[0], 0x22);
    ck_str_eq(value.doc, STR("{\"n\":1}"));
    node_encode(node->level, node->entries, node->n, &again);
    ck_str_eq(buf_str(&again), bytes);
    buf_clear(&again);
    value_encode(&value, &again);
    ck_str_eq(buf_str(&again), node->entries[1].value);
}
END_TEST

START_TEST(test_commits)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(object_list_done) struct object_list objects = {0};
    struct commit_property properties[] = {{STR("b"), STR("")}, {STR("a"), STR("1")}};
    struct commit first = {.author = STR("ada"), .commit_time = 1, .message = STR("start")};
    struct commit second = {.author = STR("ada"),
                            .committer = STR("bob"),
                            .author_time = INT64_C(1700000000000000000),
                            .commit_time = INT64_C(1700000001000000000),
                            .message = STR("add\nsix tables"),
                            .properties = properties,
                            .n_properties = 2,
                            .has_origin = true,
                            .has_job = true,
                            .n_parents = 1};
    struct commit read;
    struct str bytes;
    struct hash name;

    lab_init(&lab);
    first.tree = make_tree(&lab, 0, &arena, &objects);
    ck_ok(commit_add(lab.catalog, &first, &objects, &second.parents[0], &lab.err), &lab.err);
    ck_hex(&second.parents[0], "5650d436cffe3b6c929143e5074b24e64ecc2c7ccb5ce8028d92700a2f4b538f");
    ck_ok(object_read(lab.catalog, OBJECT_COMMIT, &second.parents[0], &arena, &bytes, &lab.err),
          &lab.err);
    ck_str_eq(bytes, from_hex(&arena, FIRST_COMMIT));

    second.tree = make_tree(&lab, 6, &arena, &objects);
    memset(second.origin.bytes, 0x11, HASH_BYTES);
    memset(second.job.bytes, 0x22, 16);
    ck_ok(commit_add(lab.catalog, &second, &objects, &name, &lab.err), &lab.err);
    ck_hex(&name, "61ab38bff576f6677d7d7d7fbdb2f433613cd3fd8da268eba510515cea8971d1");
    ck_ok(object_read(lab.catalog, OBJECT_COMMIT, &name, &arena, &bytes, &lab.err), &lab.err);
    ck_str_eq(bytes, from_hex(&arena, SECOND_COMMIT));
    ck_ok(commit_read(lab.catalog, &name, &arena, &read, &lab.err), &lab.err);
    ck_assert_uint_eq(read.generation, 2);
    ck_str_eq(read.committer, STR("bob"));
    ck_str_eq(read.properties[0].name, STR("a"));
    ck_str_eq(read.properties[1].value, STR(""));

    properties[0].name = STR("a");
    ck_fails(commit_add(lab.catalog, &second, &objects, &name, &lab.err), CORRIE_E_USAGE, &lab.err);
    second.n_properties = 0;
    second.message = STR("\xff");
    ck_fails(commit_add(lab.catalog, &second, &objects, &name, &lab.err), CORRIE_E_USAGE, &lab.err);
    second.message = str_make(arena_array(&arena, char, 70000), 70000);
    ck_fails(commit_add(lab.catalog, &second, &objects, &name, &lab.err), CORRIE_E_LIMIT, &lab.err);
}
END_TEST

/* A wrong count would let what a failed job wrote onto a branch, or keep everything off it. */
START_TEST(test_count_of_taint)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(object_list_done) struct object_list objects = {0};
    struct commit commit = {.author = STR("ada"), .commit_time = 1, .message = STR("start")};
    struct tree_edit edits[2] = {put_doc(&arena, "t", STR("{}")), put_doc(&arena, "u", STR("{}"))};
    struct commit read;
    struct str bytes;
    struct hash name;
    uint64_t n;

    lab_init(&lab);
    commit.tree = make_tree(&lab, 0, &arena, &objects);
    ck_ok(commit_add(lab.catalog, &commit, &objects, &commit.parents[0], &lab.err), &lab.err);
    for (size_t b = 0; b < 16; b++) {
        edits[0].value.id.bytes[b] = (uint8_t)b;
    }
    edits[0].value.has_taint = edits[1].value.has_taint = true;
    memset(edits[0].value.taint.bytes, 0x22, 16);
    ck_ok(tree_apply(lab.catalog, &commit.tree, edits, 1, &objects, &commit.tree, &lab.err),
          &lab.err);
    commit.n_parents = 1;
    commit.commit_time = 2;
    commit.message = STR("step");
    commit.tainted = 77; /* not looked at */
    ck_ok(commit_add(lab.catalog, &commit, &objects, &name, &lab.err), &lab.err);
    ck_hex(&name, "f6a6d9afc7e0d5f8dd827ad6abe9526366e721db6abea58c724b60e3848545dc");
    ck_ok(object_read(lab.catalog, OBJECT_COMMIT, &name, &arena, &bytes, &lab.err), &lab.err);
    ck_str_eq(bytes, from_hex(&arena, TAINTED_COMMIT));

    /* another one: two; both rewritten or gone: none; a first commit counts all there is */
    ck_ok(tree_apply(lab.catalog, &commit.tree, edits + 1, 1, &objects, &commit.tree, &lab.err),
          &lab.err);
    commit.parents[0] = name;
    ck_ok(commit_add(lab.catalog, &commit, &objects, &name, &lab.err), &lab.err);
    ck_ok(commit_read(lab.catalog, &name, &arena, &read, &lab.err), &lab.err);
    ck_assert_uint_eq(read.tainted, 2);
    commit.n_parents = 0;
    ck_ok(commit_count_taint(lab.catalog, &commit, &n, &lab.err), &lab.err);
    ck_assert_uint_eq(n, 2);
    edits[0].value.has_taint = false;
    edits[1].is_delete = true;
    ck_ok(tree_apply(lab.catalog, &commit.tree, edits, 2, &objects, &commit.tree, &lab.err),
          &lab.err);
    commit.n_parents = 1;
    commit.parents[0] = name;
    ck_ok(commit_add(lab.catalog, &commit, &objects, &name, &lab.err), &lab.err);
    ck_ok(commit_read(lab.catalog, &name, &arena, &read, &lab.err), &lab.err);
    ck_assert_uint_eq(read.tainted, 0);
}
END_TEST

/* ---- what no writer would have written is refused ---- */

START_TEST(test_malformed_nodes)
{
    static const char *const wrong[] = {
        "",                                                   /* nothing */
        "00",                                                 /* no count */
        "000000",                                             /* something left over */
        "0100",                                               /* an inner node without entries */
        "4001",                                               /* a level that is too high */
        "0001",                                               /* an entry short */
        "008000",                                             /* a count that could be shorter */
        "00ffffffffffffffffff01",                             /* a count that is too large */
        "00ffffffffffffffffffff01",                           /* a number of more than 64 bits */
        "0001016112000102030405060708090a0b0c0d0e0f7b7d",     /* shares with nothing */
        "000100016112000102030405060708090a0b0c0d0e0f7b7d00", /* left over */
        "00010001611308000102030405060708090a0b0c0d0e0f7b7d", /* an unknown flag */
        "0001000161110000000102030405060708090a0b0c0d0e0f",   /* no document */
        "00010001071300000102030405060708090a0b0c0d0e0f7b7d", /* a key with a control character */
        "00010003610000"
        "1300000102030405060708090a0b0c0d0e0f7b7d", /* an empty segment */
        /* two keys that are not in order; twice the same */
        "0002000162"
        "1300000102030405060708090a0b0c0d0e0f7b7d"
        "000161"
        "1300000102030405060708090a0b0c0d0e0f7b7d",
        "0002000161"
        "1300000102030405060708090a0b0c0d0e0f7b7d"
        "0100"
        "1300000102030405060708090a0b0c0d0e0f7b7d",
        /* shares less than it could */
        "00020002"
        "6161"
        "1300000102030405060708090a0b0c0d0e0f7b7d"
        "00026162"
        "1300000102030405060708090a0b0c0d0e0f7b7d",
    };
    _cleanup_(arena_done) struct arena arena = {0};
    corrie_error err = CORRIE_ERROR_INIT;
    struct str good = from_hex(&arena, LEAF);
    struct node *node = NULL;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        ck_fails(node_decode(from_hex(&arena, wrong[i]), &node, &err), CORRIE_E_CORRUPT, &err);
    }
    for (size_t len = 0; len < good.len; len++) {
        ck_fails(node_decode(str_slice(good, 0, len), &node, &err), CORRIE_E_CORRUPT, &err);
    }
}
END_TEST

START_TEST(test_malformed_commits)
{
    _cleanup_(arena_done) struct arena arena = {0};
    corrie_error err = CORRIE_ERROR_INIT;
    struct str good = from_hex(&arena, SECOND_COMMIT);
    struct commit commit;
    char *copy;

    ck_ok(commit_decode(good, &arena, &commit, &err), &err);
    for (size_t len = 0; len < good.len; len++) {
        ck_fails(commit_decode(str_slice(good, 0, len), &arena, &commit, &err), CORRIE_E_CORRUPT,
                 &err);
    }
    copy = arena_text(&arena, good);
    copy[0] |= 8; /* an unknown flag */
    ck_fails(commit_decode(str_make(copy, good.len), &arena, &commit, &err), CORRIE_E_CORRUPT,
             &err);
    copy[0] = 3;
    copy[0] |= 4; /* a count of taint that is not there */
    ck_fails(commit_decode(str_make(copy, good.len), &arena, &commit, &err), CORRIE_E_CORRUPT,
             &err);
    copy[0] = 3;
    copy[33 + 33] = 1; /* generation 1 with a parent */
    ck_fails(commit_decode(str_make(copy, good.len), &arena, &commit, &err), CORRIE_E_CORRUPT,
             &err);
    good = from_hex(&arena, TAINTED_COMMIT);
    for (size_t len = 0; len < good.len; len++) {
        ck_fails(commit_decode(str_slice(good, 0, len), &arena, &commit, &err), CORRIE_E_CORRUPT,
                 &err);
    }
    copy = arena_text(&arena, good);
    copy[good.len - 1] = 0; /* a flag for nothing */
    ck_fails(commit_decode(str_make(copy, good.len), &arena, &commit, &err), CORRIE_E_CORRUPT,
             &err);
}
END_TEST

/* ---- keys ---- */

START_TEST(test_keys)
{
    corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf text = {0};
    struct str segments[CORRIE_MAX_KEY_SEGMENTS];
    struct str many[9] = {STR("a"), STR("a"), STR("a"), STR("a"), STR("a"),
                          STR("a"), STR("a"), STR("a"), STR("a")};
    struct key key;
    char long_one[256];

    ck_ok(KEY_MAKE(&key, &err, STR("table"), STR("Ünï"), STR("a b")), &err);
    ck_str_eq(key_str(&key), STR("table\0Ünï\0a b"));
    ck_assert_uint_eq(key_split(key_str(&key), segments), 3);
    ck_str_eq(segments[1], STR("Ünï"));
    ck_str_eq(key_segment(key_str(&key), 2), STR("a b"));
    ck_str_eq(key_segment(key_str(&key), 3), STR(""));
    key_format(key_str(&key), &text);
    ck_assert_str_eq(buf_text(&text), "table Ünï.a b");

    memset(long_one, 'x', sizeof long_one);
    ck_ok(KEY_MAKE(&key, &err, str_make(long_one, 255)), &err);
    ck_fails(KEY_MAKE(&key, &err, str_make(long_one, 256)), CORRIE_E_USAGE, &err);
    ck_fails(KEY_MAKE(&key, &err, STR("")), CORRIE_E_USAGE, &err);
    ck_fails(KEY_MAKE(&key, &err, STR("a\nb")), CORRIE_E_USAGE, &err);
    ck_fails(KEY_MAKE(&key, &err, STR("a\0b")), CORRIE_E_USAGE, &err);
    ck_fails(KEY_MAKE(&key, &err, STR("a\xc2\x85")), CORRIE_E_USAGE, &err);
    ck_fails(KEY_MAKE(&key, &err, STR("\xff")), CORRIE_E_USAGE, &err);
    ck_fails(key_make(many, 9, &key, &err), CORRIE_E_USAGE, &err);
    ck_fails(key_make(many, 0, &key, &err), CORRIE_E_USAGE, &err);
    for (size_t i = 0; i < 5; i++) {
        many[i] = str_make(long_one, 255);
    }
    ck_fails(key_make(many, 5, &key, &err), CORRIE_E_LIMIT, &err);
    ck_assert(!key_valid(STR("a\0")));
    ck_assert(!key_valid(STR("\0a")));
    ck_assert(!key_valid(STR("")));
    ck_assert(key_valid(STR("a\0b")));
}
END_TEST

SUITE(objects_suite, "objects", test_names, test_boundary_hash, test_trees, test_leaf, test_commits,
      test_count_of_taint, test_malformed_nodes, test_malformed_commits, test_keys)
