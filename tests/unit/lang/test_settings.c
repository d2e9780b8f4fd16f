/* Settings: who loses a comment, another setting or a secret to `config set` does not trust it with their files. */
#include "lang/settings.h"

#include "tests/unit/check.h"

static const char *get(const char *source, const char *name, struct arena *arena)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct settings settings;
    const struct setting *found;

    ck_ok(settings_parse("config.yaml", str_of(source), arena, &settings, &err), &err);
    found = settings_find(&settings, str_of(name));
    return found ? arena_text(arena, found->value) : NULL;
}

START_TEST(reads_both_spellings)
{
    _cleanup_(arena_done) struct arena arena = {0};
    static const char nested[] =
        "# mine\nlake: /srv/lake  # the big one\nuser:\n  name: Ada \n"
        "version: 3.10\nempty:\ntilde: ~\nlist: [a, b]\nblock:\n - x\n - y\n";

    ck_assert_str_eq(get(nested, "lake", &arena), "/srv/lake");
    ck_assert_str_eq(get(nested, "user.name", &arena), "Ada");
    ck_assert_str_eq(get(nested, "version", &arena), "3.10");
    ck_assert_ptr_null(get(nested, "empty", &arena));
    ck_assert_ptr_null(get(nested, "tilde", &arena));
    ck_assert_ptr_null(get(nested, "user", &arena));
    ck_assert_str_eq(get(nested, "list", &arena), "[a, b]");
    ck_assert_str_eq(get("user.name: 'Ada L.'\n", "user.name", &arena), "Ada L.");
    ck_assert_ptr_null(get("", "lake", &arena));
    ck_assert_ptr_null(get("# nothing yet\n", "lake", &arena));
}
END_TEST

START_TEST(tells_where_it_is_wrong)
{
    static const struct {
        const char *text;
        long line;
        long column;
    } cases[] = {
        {"lake: /a\nlake: /b\n", 2, 1}, {"user:\n  name: a\nuser.name: b\n", 3, 1},
        {"- a\n- b\n", 1, 1},           {"just words\n", 1, 1},
        {"a: &x 1\nb: *x\n", 1, 7},     {"a: [1\nb: 2\n", 3, 1},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        _cleanup_(arena_done) struct arena arena = {0};
        struct settings settings;

        ck_assert_int_eq(settings_parse("c.yaml", str_of(cases[i].text), &arena, &settings, &err),
                         CORRIE_E_PROJECT);
        ck_assert_msg(err.position.line == cases[i].line && err.position.column == cases[i].column,
                      "\"%s\": %s at %ld:%ld", cases[i].text, corrie_error_message(&err),
                      err.position.line, err.position.column);
    }
}
END_TEST

static const struct {
    const char *before;
    const char *name;
    const char *value; /* NULL: removed */
    const char *after; /* NULL: by hand */
} edits[] = {
    {"", "lake", "/srv/lake", "lake: /srv/lake\n"},
    {"", "user.name", "Ada Lovelace", "user:\n  name: Ada Lovelace\n"},
    {"# mine\n", "a.b.c", "x", "# mine\na:\n  b:\n    c: x\n"},
    {"lake: /a   # keep\nb: 1\n", "lake", "/b", "lake: /b   # keep\nb: 1\n"},
    {"lake: '/a'\n", "lake", "it's: \"x\" \\", "lake: \"it's: \\\"x\\\" \\\\\"\n"},
    {"lake: \"/a\"", "lake", "null", "lake: \"null\""},
    {"lake: /a", "b", "~", "lake: /a\nb: \"~\"\n"},
    {"lake: /a\r\nb: 1\r\n", "lake", "/b", "lake: /b\r\nb: 1\r\n"},
    {"user:\n  # who\n  name: Ada  # me\n# end\nlake: /a\n", "user.mail", "a@b",
     "user:\n  # who\n  name: Ada  # me\n  mail: a@b\n# end\nlake: /a\n"},
    {"user:\n    a:\n        b: |\n            text\nlake: /a\n", "user.name", "x",
     "user:\n    a:\n        b: |\n            text\n    name: x\nlake: /a\n"},
    {"user:\nlake: /a\n", "user.name", "x", "user:\n  name: x\nlake: /a\n"},
    {"lake: ~ # none\n", "lake", "/a", "lake: /a # none\n"},
    {"lake:\nb: 1\n", "lake", "/a", "lake: /a\nb: 1\n"},
    {"lake: null", "lake", "/a", "lake: /a"},
    {"user: {name: a, mail: b}\n", "user.name", "c", "user: {name: c, mail: b}\n"},
    {"user: {name: a}\n", "user.mail", "c", "user: {name: a, mail: c}\n"},
    {"user: { name: a } # me\n", "user.mail", "c", "user: { name: a, mail: c } # me\n"},
    {"user: {}\nb: 1\n", "user.mail", "c", "user: {mail: c}\nb: 1\n"},
    {"user: {}\n", "user.a.b", "c", "user: {a: {b: c}}\n"},
    {"user: {name: \"}\"}\n", "user.mail", "c", "user: {name: \"}\", mail: c}\n"},
    {"{lake: /a}\n", "lake", "/b", "{lake: /b}\n"},
    {"{lake: /a}\n", "b", "c", "{lake: /a, b: c}\n"},
    {"a: x\n   y\nb: 1\n", "a", "z", "a: z\nb: 1\n"},
    {"a: |\n  x\n  y\nb: 1\n", "a", "z", NULL},
    {"a: [1, 2]\n", "a", "z", NULL},
    {"  a: 1\n", "b", "2", "  a: 1\n  b: 2\n"},
    {"a: 1\n...\n", "b", "2", NULL},
    {"# c\na: 1 # d\nb: 2\n", "a", NULL, "# c\nb: 2\n"},
    {"user:\n  name: a\nb: 2\n", "user.name", NULL, "b: 2\n"},
    {"user:\n  name: a\n  mail: b\n", "user.mail", NULL, "user:\n  name: a\n"},
    {"a:\n  b:\n    c: 1\n", "a.b.c", NULL, ""},
    {"a: |\n  x\n  y\nb: 1\n", "a", NULL, "b: 1\n"},
    {"list:\n- x\n- y\nb: 1\n", "list", NULL, "b: 1\n"},
    {"user: {name: a, mail: b}\n", "user.name", NULL, NULL},
};

START_TEST(changes_one_value_and_nothing_else)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf out = {0};
    struct str value = str_of(edits[_i].value);
    int r = settings_edit("config.yaml", str_of(edits[_i].before), str_of(edits[_i].name),
                          edits[_i].value ? &value : NULL, &out, &err);

    if (!edits[_i].after) {
        ck_assert_msg(r == CORRIE_E_UNSUPPORTED, "\"%s\" became \"%s\"", edits[_i].before,
                      buf_text(&out));
        ck_assert_ptr_nonnull(err.hint);
        ck_assert_uint_eq(out.len, 0);
        return;
    }
    ck_ok(r, &err);
    ck_assert_str_eq(buf_text(&out), edits[_i].after);
}
END_TEST

START_TEST(takes_names_and_values_that_it_can_keep)
{
    static const char *const bad_names[] = {"", ".", "a.", ".a", "a..b", "a b", "ä", "a:b", "a\n"};
    static const char *const bad_values[] = {"", "a\nb", "\x7f", "\xff", "a\tb"};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct str fine = STR("x");

    ck_ok(settings_check(STR("user.full-name_2"), &fine, &err), &err);
    for (size_t i = 0; i < ARRAY_LEN(bad_names); i++) {
        ck_fails(settings_check(str_of(bad_names[i]), &fine, &err), CORRIE_E_USAGE, &err);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad_values); i++) {
        struct str value = str_of(bad_values[i]);

        ck_fails(settings_check(STR("a"), &value, &err), CORRIE_E_USAGE, &err);
    }
    ck_assert(settings_is_secret(STR("api_key")));
    ck_assert(settings_is_secret(STR("cloud.TOKEN")));
    ck_assert(settings_is_secret(STR("db.password")));
    ck_assert(!settings_is_secret(STR("user.name")));
    ck_assert(!settings_is_secret(STR("key.file")));
}
END_TEST

Suite *settings_suite(void);
Suite *settings_suite(void)
{
    Suite *suite = suite_create("settings");
    TCase *tcase = tcase_create("settings");

    tcase_add_test(tcase, reads_both_spellings);
    tcase_add_test(tcase, tells_where_it_is_wrong);
    tcase_add_loop_test(tcase, changes_one_value_and_nothing_else, 0, (int)ARRAY_LEN(edits));
    tcase_add_test(tcase, takes_names_and_values_that_it_can_keep);
    suite_add_tcase(suite, tcase);
    return suite;
}
