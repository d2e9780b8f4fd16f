#include "os/socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/file.h"
#include "os/memfd.h"
#include "os/proc.h"
#include "scratch.h"

static int open_count(void)
{
    int n = 0;

    for (int fd = 0; fd < 1024; fd++) {
        n += fcntl(fd, F_GETFD) >= 0;
    }
    return n;
}

START_TEST(carries_messages_and_descriptors)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(os_fd_list_done) struct os_fd_list fds = {0};
    _close_ int memory = -1;
    _close_ int taken = -1;
    int ends[2];
    char bytes[100];
    size_t n;

    ck_ok(os_socket_pair(OS_SOCKET_MESSAGES, ends, &err), &err);
    ck_ok(os_memfd_new("m", &memory, &err), &err);
    ck_ok(os_write(memory, "m", STR("inside"), &err), &err);
    ck_ok(os_send(ends[0], STR("first"), &memory, 1, &err), &err);
    ck_ok(os_send(ends[0], STR("second"), NULL, 0, &err), &err);
    ck_assert_int_eq(os_receive(ends[1], bytes, sizeof bytes, &n, &fds, &err), 1);
    ck_str_eq(str_make(bytes, n), STR("first"));
    ck_assert_uint_eq(fds.count, 1);
    taken = os_fd_list_take(&fds, 0);
    ck_assert_int_eq(fcntl(taken, F_GETFD), FD_CLOEXEC);
    ck_ok(os_read_at(taken, "m", 0, bytes, 6, &err), &err);
    ck_assert_mem_eq(bytes, "inside", 6);
    ck_assert_int_eq(os_receive(ends[1], bytes, sizeof bytes, &n, &fds, &err), 1);
    ck_str_eq(str_make(bytes, n), STR("second"));
    os_close(ends[0]);
    ck_assert_int_eq(os_receive(ends[1], bytes, sizeof bytes, &n, &fds, &err), 0);
    /* the writer of a closed socket gets an error, not SIGPIPE */
    ck_assert_int_eq(os_send(ends[1], STR("x"), NULL, 0, &err), CORRIE_E_IO);
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "closed"));
    os_close(ends[1]);
}
END_TEST

/* What a function process sends is hostile: too long, too many descriptors, descriptors where none
 * belong. None of it may stay behind: a leak of descriptors would end the parent. */
START_TEST(refuses_what_does_not_fit)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    int ends[2], many[OS_MAX_FDS];
    char bytes[8];
    size_t n = 77;
    int before;

    ck_ok(os_socket_pair(OS_SOCKET_MESSAGES, ends, &err), &err);
    for (int i = 0; i < OS_MAX_FDS; i++) {
        many[i] = ends[0];
    }
    before = open_count();
    {
        _cleanup_(os_fd_list_done) struct os_fd_list fds = {0};

        ck_ok(os_send(ends[0], STR("longer than eight"), many, 3, &err), &err);
        ck_fails(os_receive(ends[1], bytes, sizeof bytes, &n, &fds, &err), CORRIE_E_LIMIT, &err);
        ck_assert_uint_eq(fds.count, 0);
        ck_assert_uint_eq(n, 77);
        ck_assert_int_eq(open_count(), before);
        ck_ok(os_send(ends[0], STR("x"), many, 2, &err), &err);
        ck_fails(os_receive(ends[1], bytes, sizeof bytes, &n, NULL, &err), CORRIE_E_DATA, &err);
        ck_assert_int_eq(open_count(), before);
        /* the most at once fits; with others there already it does not */
        ck_ok(os_send(ends[0], STR("x"), many, OS_MAX_FDS, &err), &err);
        ck_assert_int_eq(os_receive(ends[1], bytes, sizeof bytes, &n, &fds, &err), 1);
        ck_assert_uint_eq(fds.count, OS_MAX_FDS);
        ck_ok(os_send(ends[0], STR("x"), many, 1, &err), &err);
        ck_fails(os_receive(ends[1], bytes, sizeof bytes, &n, &fds, &err), CORRIE_E_LIMIT, &err);
        ck_assert_uint_eq(fds.count, OS_MAX_FDS);
    }
    ck_assert_int_eq(open_count(), before);
    ck_fails(os_send(ends[0], STR("x"), many, OS_MAX_FDS + 1, &err), CORRIE_E_INTERNAL, &err);
    ck_fails(os_send(ends[0], STR(""), NULL, 0, &err), CORRIE_E_INTERNAL, &err);
}
END_TEST

START_TEST(refuses_messages_too_large_to_send)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _free_ char *large = mem_alloc(1, 64 << 20);
    int ends[2];

    ck_ok(os_socket_pair(OS_SOCKET_MESSAGES, ends, &err), &err);
    ck_fails(os_send(ends[0], str_make(large, 64 << 20), NULL, 0, &err), CORRIE_E_LIMIT, &err);
}
END_TEST

/* Larger than any socket buffer: both sides have to go on where they were stopped. */
START_TEST(streams_of_any_size)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(os_fd_list_done) struct os_fd_list fds = {0};
    const size_t size = 3 << 20;
    _free_ char *sent = mem_alloc(1, size);
    _free_ char *got = mem_alloc(1, size);
    int ends[2], status;

    for (size_t i = 0; i < size; i++) {
        sent[i] = (char)(i * 31 >> 3);
    }
    ck_ok(os_socket_pair(OS_SOCKET_STREAM, ends, &err), &err);
    if (fork() == 0) {
        close(ends[1]);
        _exit(os_send(ends[0], str_make(sent, size), ends, 1, &err) < 0 ||
              os_send(ends[0], STR("rest"), NULL, 0, &err) < 0);
    }
    close(ends[0]);
    ck_assert_int_eq(os_receive_all(ends[1], got, size, &fds, &err), 1);
    ck_assert_int_eq(memcmp(sent, got, size), 0);
    ck_assert_uint_eq(fds.count, 1);
    os_fd_list_done(&fds);
    ck_assert_int_gt(wait(&status), 0);
    ck_assert_int_eq(status, 0);
    /* "rest", then the end */
    ck_fails(os_receive_all(ends[1], got, 10, NULL, &err), CORRIE_E_DATA, &err);
    ck_assert_int_eq(os_receive_all(ends[1], got, 10, NULL, &err), 0);
}
END_TEST

START_TEST(does_not_block_when_told_so)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct pollfd ready;
    int ends[2];
    char byte;
    size_t n;

    ck_ok(os_socket_pair(OS_SOCKET_STREAM, ends, &err), &err);
    ck_ok(os_set_nonblocking(ends[0], &err), &err);
    ck_fails(os_receive(ends[0], &byte, 1, &n, NULL, &err), CORRIE_E_BUSY, &err);
    ck_fails(os_read(ends[0], "socket", &byte, 1, &n, &err), CORRIE_E_BUSY, &err);
    ready = (struct pollfd){.fd = ends[0], .events = POLLIN};
    ck_assert_int_eq(os_poll(&ready, 1, 0, NULL, &err), 0);
    ck_ok(os_send(ends[1], STR("x"), NULL, 0, &err), &err);
    ck_assert_int_eq(os_poll(&ready, 1, -1, NULL, &err), 1);
    ck_assert(ready.revents & POLLIN);
}
END_TEST

SUITE(socket_suite, "socket", carries_messages_and_descriptors, refuses_what_does_not_fit,
      refuses_messages_too_large_to_send, streams_of_any_size, does_not_block_when_told_so)
