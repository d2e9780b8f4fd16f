#include "os/memfd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/file.h"
#include "scratch.h"

/* A table that a reader maps must never change under it: wrong rows, or SIGBUS. */
START_TEST(sealed_files_never_change)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _close_ int fd = -1;
    _close_ int reader = -1;
    struct os_mapping *mapping, *again;

    ck_ok(os_memfd_new("column", &fd, &err), &err);
    ck_ok(os_write(fd, "column", STR("values"), &err), &err);
    ck_assert(!os_memfd_is_sealed(fd));
    ck_ok(os_memfd_seal(fd, &err), &err);
    ck_ok(os_memfd_seal(fd, &err), &err); /* again is no error */
    ck_assert(os_memfd_is_sealed(fd));
    ck_assert_int_lt(os_write(fd, "column", STR("x"), &err), 0);
    ck_assert_int_lt(os_truncate(fd, "column", 0, &err), 0);
    corrie_error_clear(&err);
    ck_ok(os_fd_reopen_read(fd, &reader, &err), &err);
    ck_assert_int_eq(fcntl(reader, F_GETFL) & O_ACCMODE, O_RDONLY);
    ck_assert(os_memfd_is_sealed(reader));
    ck_ok(os_map_fd(reader, "column", &mapping, &err), &err);
    os_closep(&reader);
    os_closep(&fd);
    again = os_mapping_ref(mapping);
    os_mapping_unref(mapping);
    ck_assert_uint_eq(again->size, 6);
    ck_assert_mem_eq(again->data, "values", 6);
    ck_assert_ptr_null(os_mapping_unref(again));
}
END_TEST

START_TEST(writable_mappings_prevent_sealing)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _close_ int fd = -1;
    void *bytes;

    ck_ok(os_memfd_new("column", &fd, &err), &err);
    ck_ok(os_truncate(fd, "column", 4096, &err), &err);
    bytes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ck_assert_ptr_ne(bytes, MAP_FAILED);
    ck_fails(os_memfd_seal(fd, &err), CORRIE_E_BUSY, &err);
    ck_assert(!os_memfd_is_sealed(fd));
    munmap(bytes, 4096);
    ck_ok(os_memfd_seal(fd, &err), &err);
}
END_TEST

/* What a function sends instead of a memory file is its own fault, not the machine's. */
START_TEST(seals_memory_files_and_nothing_else)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _close_ int memory = -1;
    _close_ int reading = -1;
    _close_ int by_path = -1;
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    ck_fails(os_memfd_seal(ends[1], &err), CORRIE_E_DATA, &err);
    close(ends[0]);
    close(ends[1]);
    ck_ok(os_open("/", O_PATH, 0, &by_path, &err), &err);
    ck_fails(os_memfd_seal(by_path, &err), CORRIE_E_DATA, &err);
    ck_ok(os_memfd_new("column", &memory, &err), &err);
    ck_ok(os_fd_reopen_read(memory, &reading, &err), &err);
    ck_fails(os_memfd_seal(reading, &err), CORRIE_E_REFUSED, &err);
}
END_TEST

START_TEST(maps_files_and_nothing_else)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *path = in(scratch, "file");
    _cleanup_(os_mapping_unrefp) struct os_mapping *mapping = NULL;
    int ends[2];

    ck_fails(os_map_file(path, &mapping, &err), CORRIE_E_NOT_FOUND, &err);
    ck_ok(os_file_append(path, STR(""), 0600, &err), &err);
    ck_ok(os_map_file(path, &mapping, &err), &err);
    ck_assert_uint_eq(mapping->size, 0);
    mapping = os_mapping_unref(mapping);
    ck_ok(os_file_append(path, STR("abc"), 0600, &err), &err);
    ck_ok(os_map_file(path, &mapping, &err), &err);
    ck_assert_mem_eq(mapping->data, "abc", 3);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert(!os_memfd_is_sealed(ends[0]));
    mapping = os_mapping_unref(mapping);
    ck_fails(os_map_fd(ends[0], "a pipe", &mapping, &err), CORRIE_E_IO, &err);
}
END_TEST

SUITE(memfd_suite, "memfd", sealed_files_never_change, writable_mappings_prevent_sealing,
      seals_memory_files_and_nothing_else, maps_files_and_nothing_else)
