#include "tests/contract/catalog/crew.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t crew_start(const char *spec, const char *const *arguments)
{
    const char *program = getenv("CORRIE_CATALOG_VICTIM");
    const char *library = getenv("CORRIE_FAULT_LIBRARY");
    char *argv[8] = {(char *)(uintptr_t)program};
    pid_t pid;

    ck_assert_msg(program && library,
                  "CORRIE_CATALOG_VICTIM and CORRIE_FAULT_LIBRARY are set by the "
                  "build: run this test by `meson test`");
    for (size_t i = 0; i < 6 && arguments[i]; i++) {
        argv[i + 1] = (char *)(uintptr_t)arguments[i];
    }
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid > 0) {
        return pid;
    }
    if (spec) {
        int quiet = open("/dev/null", O_WRONLY);

        (void)dup2(quiet, 2);
        (void)setenv("CORRIE_FAULT", spec, 1);
        (void)setenv("LD_PRELOAD", library, 1);
        (void)setenv("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0", 1);
    }
    (void)execv(program, argv);
    _exit(126);
}

int crew_wait(pid_t pid)
{
    int status;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}
