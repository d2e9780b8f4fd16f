#include "os/keyring.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/os_priv.h"

static int fail_key(const char *name, corrie_error *err)
{
    if (errno == ENOSYS || errno == EPERM || errno == EACCES) {
        corrie_fail(err, CORRIE_E_UNSUPPORTED, "this system has no keyring that can be read");
        return corrie_hint(err, "keep the secret in an environment variable or a file: env:NAME, "
                                "file:PATH");
    }
    corrie_fail(err, CORRIE_E_NOT_FOUND, "the keyring has no key %s", name);
    return corrie_hint(err, "add it: keyctl add user %s VALUE @u", name);
}

int os_keyring_read(const char *name, struct buf *out, corrie_error *err)
{
    long key = syscall(SYS_request_key, "user", name, NULL, 0);

    if (key < 0) {
        key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, "user", name, 0);
    }
    if (key < 0) {
        return fail_key(name, err);
    }
    char *bytes = buf_reserve(out, OS_KEYRING_VALUE_MAX);
    if (!bytes) {
        return corrie_fail_memory(err);
    }
    long size = syscall(SYS_keyctl, KEYCTL_READ, key, bytes, OS_KEYRING_VALUE_MAX);
    if (size < 0) {
        return fail_key(name, err);
    }
    if (size > OS_KEYRING_VALUE_MAX) {
        return corrie_fail(err, CORRIE_E_LIMIT, "key %s is larger than %d bytes", name,
                           OS_KEYRING_VALUE_MAX);
    }
    buf_commit(out, (size_t)size);
    return 0;
}
