#include "os/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/file.h"
#include "os/os_priv.h"

void os_fd_list_done(struct os_fd_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        os_close(list->items[i]);
    }
    list->count = 0;
}

int os_fd_list_take(struct os_fd_list *list, size_t index)
{
    return index < list->count ? TAKE_FD(list->items[index]) : -1;
}

int os_socket_pair(enum os_socket_kind kind, int ret_fds[2], corrie_error *err)
{
    int type = kind == OS_SOCKET_MESSAGES ? SOCK_SEQPACKET : SOCK_STREAM;

    if (os_fault_errno(OS_OP_SOCKET, -1, NULL) < 0 ||
        socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ret_fds) < 0) {
        return corrie_fail_errno(err, errno, "make a pair of sockets");
    }
    return 0;
}

/* Room for the most descriptors one message may carry, aligned as the kernel wants it. */
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(OS_MAX_FDS * sizeof(int))];
};

static int send_failed(int saved_errno, size_t len, corrie_error *err)
{
    if (saved_errno == EPIPE || saved_errno == ECONNRESET) {
        return corrie_fail(err, CORRIE_E_IO, "send a message: the other side has closed");
    }
    if (saved_errno == EMSGSIZE) {
        return corrie_fail(err, CORRIE_E_LIMIT,
                           "send a message: %zu bytes are more than one may have", len);
    }
    if (saved_errno == EAGAIN) {
        return corrie_fail(err, CORRIE_E_BUSY, "send a message: the other side does not read");
    }
    return corrie_fail_errno(err, saved_errno, "send a message");
}

int os_send(int fd, struct str bytes, const int *fds, size_t n_fds, corrie_error *err)
{
    union control control;
    size_t done = 0;

    if (bytes.len == 0 || n_fds > OS_MAX_FDS) {
        return corrie_fail(err, CORRIE_E_INTERNAL,
                           "send a message of %zu bytes and %zu descriptors", bytes.len, n_fds);
    }
    while (done < bytes.len) {
        struct iovec part = {(char *)(uintptr_t)bytes.data + done, bytes.len - done};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
        ssize_t n;

        if (done == 0 && n_fds > 0) {
            struct cmsghdr *header;

            memset(&control, 0, sizeof control);
            message.msg_control = &control;
            message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
            header = CMSG_FIRSTHDR(&message);
            header->cmsg_level = SOL_SOCKET;
            header->cmsg_type = SCM_RIGHTS;
            header->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
            memcpy(CMSG_DATA(header), fds, n_fds * sizeof(int));
        }
        n = os_fault_errno(OS_OP_SEND, -1, NULL) < 0 ? -1 : sendmsg(fd, &message, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return send_failed(errno, bytes.len, err);
        }
        done += (size_t)n;
    }
    return 0;
}

/* Takes the descriptors of a received message; whatever does not fit is closed. Returns whether all
 * were taken. */
static bool take_descriptors(struct msghdr *message, struct os_fd_list *fds)
{
    bool all = !(message->msg_flags & MSG_CTRUNC);

    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
         header = CMSG_NXTHDR(message, header)) {
        size_t n;

        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        n = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
            if (fds && fds->count < OS_MAX_FDS) {
                fds->items[fds->count++] = fd;
            } else {
                os_close(fd);
                all = false;
            }
        }
    }
    return all;
}

/* Forgets what one refused message has added. */
static void drop_from(struct os_fd_list *fds, size_t count)
{
    while (fds && fds->count > count) {
        os_close(fds->items[--fds->count]);
    }
}

int os_receive(int fd, void *bytes, size_t max, size_t *ret_len, struct os_fd_list *fds,
               corrie_error *err)
{
    union control control;
    struct iovec part = {bytes, max};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    size_t before = fds ? fds->count : 0;
    bool reset = false;
    ssize_t n;
    bool all, again;

    do {
        n = os_fault_errno(OS_OP_RECEIVE, -1, NULL) < 0 ? -1
                                                        : recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
        /* A reset says, once, that the other side closed without having read all of ours; what it sent
         * before is still there. */
        again = n < 0 && (errno == EINTR || (errno == ECONNRESET && !reset));
        reset = reset || (n < 0 && errno == ECONNRESET);
    } while (again);
    if (n < 0 && errno == ECONNRESET) {
        return 0;
    }
    if (n < 0 && errno == EAGAIN) {
        return corrie_fail(err, CORRIE_E_BUSY, "receive a message: nothing there yet");
    }
    if (n < 0) {
        return corrie_fail_errno(err, errno, "receive a message");
    }
    all = take_descriptors(&message, fds);
    if (message.msg_flags & MSG_TRUNC) {
        drop_from(fds, before);
        return corrie_fail(err, CORRIE_E_LIMIT, "receive a message: it has more than %zu bytes",
                           max);
    }
    if (!all) {
        drop_from(fds, before);
        return fds ? corrie_fail(err, CORRIE_E_LIMIT,
                                 "receive a message: it carries more descriptors than allowed")
                   : corrie_fail(err, CORRIE_E_DATA,
                                 "receive a message: it carries descriptors where none may be");
    }
    if (n == 0) {
        drop_from(fds, before);
        return 0;
    }
    *ret_len = (size_t)n;
    return 1;
}

int os_socket_end(int fd, corrie_error *err)
{
    if (shutdown(fd, SHUT_RD) < 0) {
        return corrie_fail_errno(err, errno, "close a socket to others");
    }
    return 0;
}

int os_receive_all(int fd, void *bytes, size_t len, struct os_fd_list *fds, corrie_error *err)
{
    size_t done = 0;

    while (done < len) {
        size_t n;
        int r = os_receive(fd, (char *)bytes + done, len - done, &n, fds, err);

        if (r < 0) {
            return r;
        }
        if (r == 0) {
            return done == 0 ? 0
                             : corrie_fail(err, CORRIE_E_DATA,
                                           "receive a message: the other side closed after %zu of "
                                           "%zu bytes",
                                           done, len);
        }
        done += n;
    }
    return 1;
}
