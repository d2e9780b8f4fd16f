/* keyring.h — secrets that the kernel keeps for a user (keyrings(7)): `keyctl add user NAME value @u`. */
#ifndef CORRIE_OS_KEYRING_H
#define CORRIE_OS_KEYRING_H

#include "base/buf.h"
#include "base/error.h"

#define OS_KEYRING_VALUE_MAX 65536

/* Appends the value of the key of type `user` that is called `name`, in the session's keyring or the user's.
 * CORRIE_E_NOT_FOUND if there is none (or it has expired); CORRIE_E_UNSUPPORTED where the system has no keyrings, as
 * in most containers; CORRIE_E_LIMIT past OS_KEYRING_VALUE_MAX bytes. */
int os_keyring_read(const char *name, struct buf *out, corrie_error *err) CORRIE_MUST_USE;

#endif
