/* Where lakes are, who shares them, what is damaged: a user would lose the lake, or a colleague the use of it. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lake/lake_priv.h"
#include "os/fault.h"
#include "os/path.h"

static int try_open(struct fixture *f, const char *root)
{
    corrie_lake_options options = {.size = sizeof options, .url = root, .author = "ada"};

    f->lake = corrie_lake_close(f->lake);
    return corrie_lake_open(&options, &f->lake, &f->err);
}

START_TEST(a_damaged_lake_is_told_not_made_anew)
{
    _cleanup_(buf_done) struct buf text = {0};
    char config[300];
    struct fixture f;

    fixture_init(&f);
    fixture_open(&f);
    snprintf(config, sizeof config, "%s/lake.json", f.root);
    ck_ok(os_file_read(config, 1000, &text, &f.err), &f.err);
    for (size_t at = 0; at < text.len; at++) {
        char was = text.data[at];
        int r;

        text.data[at] ^= (char)(at % 2 ? 0x80 : 0x02);
        ck_ok(os_file_replace(config, buf_str(&text), 0600, &f.err), &f.err);
        r = try_open(&f, f.root);
        ck_assert_msg(r == 0 || r == CORRIE_E_CORRUPT || r == CORRIE_E_REFUSED ||
                          r == CORRIE_E_UNSUPPORTED,
                      "byte %zu: %s", at, corrie_error_message(&f.err));
        corrie_error_clear(&f.err);
        text.data[at] = was;
    }
    ck_ok(os_file_replace(config, buf_str(&text), 0600, &f.err), &f.err);
    ck_ok(try_open(&f, f.root), &f.err);
    fixture_done(&f);
}
END_TEST

/* What each of several places writes must be found from all others later. */
START_TEST(all_roots_of_a_race_are_noted)
{
    enum { PLACES = 8 };
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf text = {0};
    struct lake_config config;
    pid_t children[PLACES];
    char path[300];
    struct fixture f;

    fixture_init(&f);
    fixture_open(&f);
    f.lake = corrie_lake_close(f.lake);
    for (int i = 0; i < PLACES; i++) {
        snprintf(path, sizeof path, "%s/place%d", f.dir, i);
        ck_assert_int_eq(symlink(f.root, path), 0);
        children[i] = fork();
        if (children[i] == 0) {
            _exit(try_open(&f, path) == 0 ? 0 : 1);
        }
    }
    for (int i = 0; i < PLACES; i++) {
        int status;

        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert_int_eq(status, 0);
    }
    snprintf(path, sizeof path, "%s/lake.json", f.root);
    ck_ok(os_file_read(path, 10000, &text, &f.err), &f.err);
    ck_ok(lake_config_parse(buf_str(&text), &arena, &config, &f.err), &f.err);
    ck_assert_uint_eq(config.n_roots, PLACES + 1);
    fixture_done(&f);
}
END_TEST

/* Files written from a place that lake.json does not know could not be found from the next one. */
START_TEST(an_unnoted_place_is_for_reading)
{
    _cleanup_(lake_tx_freep) struct lake_tx *tx = NULL;
    struct lake_tx_options options = {.branch = STR("main")};
    struct lake_view view;
    char path[300];
    char fault[400];
    struct fixture f;

    fixture_init(&f);
    fixture_open(&f);
    f.lake = corrie_lake_close(f.lake);
    snprintf(path, sizeof path, "%s/elsewhere", f.dir);
    ck_assert_int_eq(rename(f.root, path), 0);
    snprintf(fault, sizeof fault, "op=rename,root=%s,at=1,errno=EROFS,sticky", path);
    ck_ok(os_fault_arm(fault, &f.err), &f.err);
    ck_ok(try_open(&f, path), &f.err);
    ck_assert_uint_gt(os_fault_hits(), 0);
    os_fault_disarm();
    ck_ok(lake_view_at(f.lake, STR("main"), &view, &f.err), &f.err);
    ck_fails(lake_tx_begin(f.lake, &options, &tx, &f.err), CORRIE_E_REFUSED, &f.err);
    ck_ok(try_open(&f, path), &f.err);
    ck_ok(lake_tx_begin(f.lake, &options, &tx, &f.err), &f.err);
    tx = lake_tx_free(tx);
    fixture_done(&f);
}
END_TEST

static void check_shared(const char *root)
{
    static const struct {
        const char *name;
        mode_t mode;
    } parts[] = {
        {"", 02770}, {"/catalog", 02770}, {"/catalog/catalog.db", 0660}, {"/lake.json", 0660}};

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        struct stat info;
        char path[300];

        snprintf(path, sizeof path, "%s%s", root, parts[i].name);
        ck_assert_int_eq(stat(path, &info), 0);
        ck_assert_msg((info.st_mode & 07777) == parts[i].mode, "%s: %o", path,
                      (unsigned)(info.st_mode & 07777));
    }
}

/* A shared lake is made, or one that is there shared, whole, or so that doing it again does it. */
START_TEST(each_failing_operation_of_sharing)
{
    bool convert = _i == 1;
    bool fired = true;
    unsigned failed = 0;
    struct fixture f;

    umask(077);
    fixture_init(&f);
    for (unsigned k = 1; fired; k++) {
        corrie_init_options options = {.size = sizeof options, .shared = "group", .author = "ada"};
        char fault[300];
        char *document = NULL;
        int r;

        if (convert) {
            fixture_open(&f);
            f.lake = corrie_lake_close(f.lake);
        }
        snprintf(fault, sizeof fault, "op=all,root=%s,at=%u,errno=EIO", f.root, k);
        ck_ok(os_fault_arm(fault, &f.err), &f.err);
        r = corrie_lake_init(f.root, &options, &document, &f.err);
        fired = os_fault_hits() > 0;
        os_fault_disarm();
        corrie_free(document);
        document = NULL;
        ck_assert_msg(fired || r == 0, "%s", corrie_error_message(&f.err));
        failed += r < 0;
        corrie_error_clear(&f.err);
        ck_ok(corrie_lake_init(f.root, &options, &document, &f.err), &f.err);
        corrie_free(document);
        check_shared(f.root);
        fixture_open(&f);
        ck_assert(f.lake->shared);
        f.lake = corrie_lake_close(f.lake);
        ck_ok(os_tree_remove(f.root, &f.err), &f.err);
    }
    ck_assert_uint_gt(failed, 10);
    fixture_done(&f);
}
END_TEST

START_TEST(network_file_systems_are_refused)
{
    static const uint32_t magics[] = {0x6969,     0x517B,     0xFF534D42,
                                      0xFE534D42, 0x01021997, 0x65735546};
    struct fixture f;

    fixture_init(&f);
    for (size_t i = 0; i < ARRAY_LEN(magics); i++) {
        os_fault_pretend_fs(magics[i]);
        ck_fails(try_open(&f, f.root), CORRIE_E_REFUSED, &f.err);
        ck_assert_int_eq(os_exists(f.root, &f.err), 0);
    }
    os_fault_pretend_fs(0x9123683E); /* btrfs */
    ck_ok(try_open(&f, f.root), &f.err);
    os_fault_pretend_fs(0);
    fixture_done(&f);
}
END_TEST

/* ---- settings ---- */

static int set(const char *value, corrie_error *err)
{
    char *document = NULL;
    int r = corrie_config_set("user", "user.name", value, &document, err);

    corrie_free(document);
    return r;
}

/* The file says the old or the new name, and the rest that was in it. */
static bool says_new(struct fixture *f, const char *path)
{
    _cleanup_(buf_done) struct buf text = {0};

    ck_ok(os_file_read(path, 10000, &text, &f->err), &f->err);
    if (str_eq(buf_str(&text), STR("# mine\nuser:\n  name: new # me\nlake: /a\n"))) {
        return true;
    }
    ck_assert_str_eq(buf_text(&text), "# mine\nuser:\n  name: old # me\nlake: /a\n");
    return false;
}

START_TEST(each_failing_operation_of_a_setting)
{
    bool allocations = _i == 1;
    bool fired = true;
    unsigned failed = 0;
    char folder[300];
    char path[320];
    struct fixture f;

    fixture_init(&f);
    unsetenv("XDG_CONFIG_HOME");
    snprintf(folder, sizeof folder, "%s/.config/corrie", f.dir);
    snprintf(path, sizeof path, "%s/config.yaml", folder);
    ck_ok(os_dir_make(folder, 0700, &f.err), &f.err);
    ck_assert_int_eq(chdir(f.dir), 0);
    for (unsigned k = 1; fired; k++) {
        char fault[400];
        int r;

        ck_ok(
            os_file_replace(path, STR("# mine\nuser:\n  name: old # me\nlake: /a\n"), 0600, &f.err),
            &f.err);
        if (allocations) {
            os_fault_arm_alloc(k, 0);
            r = set("new", &f.err);
            fired = os_fault_alloc_count() >= k;
            mem_set_fault(NULL, NULL);
        } else {
            snprintf(fault, sizeof fault, "op=all,root=%s,at=%u,errno=EIO", f.dir, k);
            ck_ok(os_fault_arm(fault, &f.err), &f.err);
            r = set("new", &f.err);
            fired = os_fault_hits() > 0;
            os_fault_disarm();
        }
        ck_assert_msg(fired || r == 0, "%s", corrie_error_message(&f.err));
        /* what was said to be done is; what failed is the old, or the new that only its last fsync missed */
        ck_assert(says_new(&f, path) || r < 0);
        failed += r < 0;
        corrie_error_clear(&f.err);
    }
    ck_assert_uint_gt(failed, 5);
    ck_assert_int_eq(chdir("/"), 0);
    fixture_done(&f);
}
END_TEST

Suite *places_suite(void);
Suite *places_suite(void)
{
    Suite *suite = suite_create("places");
    TCase *tcase = tcase_create("places");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_damaged_lake_is_told_not_made_anew);
    tcase_add_test(tcase, all_roots_of_a_race_are_noted);
    tcase_add_test(tcase, an_unnoted_place_is_for_reading);
    tcase_add_loop_test(tcase, each_failing_operation_of_sharing, 0, 2);
    tcase_add_test(tcase, network_file_systems_are_refused);
    tcase_add_loop_test(tcase, each_failing_operation_of_a_setting, 0, 2);
    suite_add_tcase(suite, tcase);
    return suite;
}
