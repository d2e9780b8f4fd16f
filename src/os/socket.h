/* socket.h — local sockets that carry messages and descriptors between processes.
 *
 * What comes from the other side is hostile: lengths and counts are bounded here, contents by the
 * caller. SIGPIPE is never raised by these. */
#ifndef CORRIE_OS_SOCKET_H
#define CORRIE_OS_SOCKET_H

#include <stddef.h>

#include "base/cancel.h"
#include "base/error.h"
#include "base/str.h"

/* The kernel's own limit for one message. */
#define OS_MAX_FDS 253

/* Received descriptors, close-on-exec, owned. Zeroed is empty; `_cleanup_(os_fd_list_done)`. */
struct os_fd_list {
    int items[OS_MAX_FDS];
    size_t count;
};
void os_fd_list_done(struct os_fd_list *list);
/* Hands over the descriptor at `index`; -1 stays behind. -1 if there is none. */
int os_fd_list_take(struct os_fd_list *list, size_t index);

enum os_socket_kind {
    /* SOCK_SEQPACKET: each send is one receive; at most about 200 KB a message */
    OS_SOCKET_MESSAGES,
    OS_SOCKET_STREAM
};
/* Both ends blocking, close-on-exec. */
int os_socket_pair(enum os_socket_kind kind, int ret_fds[2], corrie_error *err) CORRIE_MUST_USE;

/* Sends all of `bytes` (≥ 1) and up to OS_MAX_FDS descriptors, which stay open here. On a stream
 * the descriptors travel with the first byte. CORRIE_E_IO "the other side has closed" when it has;
 * CORRIE_E_LIMIT for a message the socket cannot carry. */
int os_send(int fd, struct str bytes, const int *fds, size_t n_fds, corrie_error *err)
    CORRIE_MUST_USE;

/* One receive: one message (MESSAGES) or what has come (STREAM), at most `max` bytes. 1 received, 0
 * the other side has closed. CORRIE_E_LIMIT if the message was longer than `max` or had more
 * descriptors than fit; nothing of it is kept then. Descriptors are added to `fds`; where it is
 * NULL any that come are closed and CORRIE_E_DATA is the answer. Non-blocking with nothing there:
 * CORRIE_E_BUSY. */
int os_receive(int fd, void *bytes, size_t max, size_t *ret_len, struct os_fd_list *fds,
               corrie_error *err) CORRIE_MUST_USE;

/* Nobody can send to `fd` any more: the other side is told that it is closed. What has come can be received, then
 * os_receive answers 0. */
int os_socket_end(int fd, corrie_error *err) CORRIE_MUST_USE;

/* Exactly `len` bytes from a stream. 1 received, 0 closed before the first byte; CORRIE_E_DATA if
 * closed in the middle. */
int os_receive_all(int fd, void *bytes, size_t len, struct os_fd_list *fds, corrie_error *err)
    CORRIE_MUST_USE;

#endif
