/* A secret that cannot be had must say why; one that can be had is given whole. */
#include "os/keyring.h"

#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/check.h"

START_TEST(reads_keys_where_there_are_keyrings)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf value = {0};
    long key =
        syscall(SYS_add_key, "user", "corrie-test-key", "sesame", 6, KEY_SPEC_PROCESS_KEYRING);
    int r = os_keyring_read("corrie-test-no-such-key", &value, &err);

    if (key < 0) {
        ck_assert_msg(r == CORRIE_E_UNSUPPORTED || r == CORRIE_E_NOT_FOUND, "%s",
                      corrie_error_message(&err));
        ck_assert_ptr_nonnull(err.hint);
        return;
    }
    ck_assert_int_eq(r, CORRIE_E_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(err.hint, "keyctl add user corrie-test-no-such-key"));
    corrie_error_clear(&err);
    ck_ok(os_keyring_read("corrie-test-key", &value, &err), &err);
    ck_str_eq(buf_str(&value), STR("sesame"));
}
END_TEST

SUITE(keyring_suite, "keyring", reads_keys_where_there_are_keyrings)
