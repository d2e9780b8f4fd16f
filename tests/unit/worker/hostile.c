#include "tests/unit/worker/hostile.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "os/socket.h"

#define SOCKET 3
#define TEST_LASTS 300 /* seconds, at most, also where a sanitizer makes all slower */

static void say_with(const char *text, size_t len, const int *fds, size_t n_fds)
{
    corrie_error err = CORRIE_ERROR_INIT;

    if (os_send(SOCKET, (struct str){text, len}, fds, n_fds, &err) < 0) {
        corrie_error_clear(&err);
    }
}

static void say(const char *text)
{
    say_with(text, strlen(text), NULL, 0);
}

static void up_to_output(void)
{
    say("{\"m\":\"ready\",\"protocol\":1,\"python\":\"3.11.7\"}");
    say("{\"m\":\"phase\",\"name\":\"import\"}");
    say("{\"m\":\"phase\",\"name\":\"call\"}");
    say("{\"m\":\"phase\",\"name\":\"output\"}");
}

static const char one_column[] = "{\"m\":\"columns\",\"columns\":[[\"a\",0,0]]}";

static void result_with(int fd, const char *rows)
{
    char text[128];

    up_to_output();
    say_with(one_column, strlen(one_column), &fd, 1);
    snprintf(text, sizeof text, "{\"m\":\"result\",\"rows\":%s,\"columns\":1,\"files\":1}", rows);
    say(text);
}

static int junk_file(size_t size)
{
    int fd = memfd_create("junk", MFD_ALLOW_SEALING);
    char byte = 'x';

    if (ftruncate(fd, (off_t)size) < 0 || pwrite(fd, &byte, 1, 0) != 1) {
        exit(9);
    }
    return fd;
}

static void garbage(void)
{
    say("{\"m\":\"ready\",");
    pause();
}

static void binary(void)
{
    up_to_output();
    say_with("\0\xff\x80{", 4, NULL, 0);
    pause();
}

static void too_long(void)
{
    size_t len = 150000;
    char *text = malloc(len);

    up_to_output();
    memset(text, 'x', len);
    say_with(text, len, NULL, 0);
    pause();
}

static void wrong_order(void)
{
    say("{\"m\":\"result\",\"rows\":1,\"columns\":0,\"files\":0}");
    pause();
}

static void many_files(void)
{
    int fds[200];

    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = SOCKET;
    }
    up_to_output();
    say_with(one_column, strlen(one_column), fds, ARRAY_LEN(fds));
    pause();
}

/* A pipe blocks whoever opens it by its path. */
static void pipe_as_file(void)
{
    int ends[2];

    if (pipe(ends) < 0) {
        exit(9);
    }
    result_with(ends[0], "1");
}

static void plain_file(void)
{
    result_with(open("/proc/self/exe", O_RDONLY), "1");
}

static void junk(void)
{
    result_with(junk_file(4096), "1");
}

/* The file would be 8 EiB of zeros. */
static void huge(void)
{
    int fd = memfd_create("huge", MFD_ALLOW_SEALING);

    if (ftruncate(fd, INT64_MAX) < 0) {
        exit(9);
    }
    result_with(fd, "1");
}

/* A child outside the group keeps the file mapped for writing, to change it after it was checked. */
static void mapped(void)
{
    int fd = junk_file(4096);
    int ends[2];
    char byte = 0;

    if (pipe(ends) < 0) {
        exit(9);
    }
    if (fork() == 0) {
        char *bytes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        setsid();
        (void)!write(ends[1], &byte, 1);
        for (int i = 0; i < 600; i++) { /* no call waits as long for it */
            bytes[0]++;
            usleep(100000);
        }
        _exit(0);
    }
    (void)!read(ends[0], &byte, 1);
    result_with(fd, "1");
}

static const char logged[] = "{\"m\":\"log\",\"stream\":\"stdout\",\"lines\":[[\"again\",\"\",0]]}";

static void flood(void)
{
    up_to_output();
    for (;;) {
        say(logged);
    }
}

#define N_WRITERS 48

/* Children outside the group write as long as somebody could read it, and nothing that is done to the process ends
 * them. */
static void writers(void (*write_one)(void))
{
    alarm(TEST_LASTS); /* children do not inherit it */
    for (int i = 0; i < N_WRITERS; i++) {
        if (fork() == 0) {
            setsid();
            alarm(TEST_LASTS);
            for (;;) {
                write_one();
            }
        }
    }
}

static void write_log(void)
{
    if (write(SOCKET, logged, strlen(logged)) < 0) {
        _exit(0);
    }
}

static void write_pipe(void)
{
    char lines[4096];

    for (size_t i = 0; i < sizeof lines; i += 2) {
        lines[i] = 'y';
        lines[i + 1] = '\n';
    }
    if (write(1, lines, sizeof lines) < 0) {
        _exit(0);
    }
}

static void flood_sockets(void)
{
    up_to_output();
    writers(write_log);
    pause();
}

static void flood_pipes(void)
{
    up_to_output();
    writers(write_pipe);
    pause();
}

/* It ends, they write on. */
static void flood_after(void)
{
    up_to_output();
    writers(write_log);
    writers(write_pipe);
    usleep(200000);
    exit(5);
}

/* A thread or a child that still speaks when the last word is said does it no harm. */
static void speaks_on(void)
{
    result_with(junk_file(4096), "1");
    say(logged);
    say("{\"m\":\"phase\",\"name\":\"call\"}");
    exit(0);
}

static void closes(void)
{
    up_to_output();
    close(SOCKET);
    pause();
}

/* The result is said, and then it does not end. */
static void lingers(void)
{
    up_to_output();
    say("{\"m\":\"error\",\"kind\":\"raised\",\"type\":\"E\",\"message\":\"m\",\"frames\":"
        "[[\"/etc/passwd\",1,\"f\",\"x\"]],\"traceback\":\"t\"}");
    signal(SIGTERM, SIG_IGN);
    for (;;) {
        pause();
    }
}

static void twice(void)
{
    up_to_output();
    say("{\"m\":\"error\",\"kind\":\"raised\",\"type\":\"E\",\"message\":\"m\",\"frames\":[],"
        "\"traceback\":\"\"}");
    say("{\"m\":\"result\",\"rows\":0,\"columns\":0,\"files\":0}");
    pause();
}

/* Never looks at its socket. */
static void deaf(void)
{
    pause();
}

/* A child of its own that would live for ever. */
static void orphan(void)
{
    up_to_output();
    if (fork() == 0) {
        for (;;) {
            pause();
        }
    }
    printf("child left behind\n");
    fflush(stdout);
    exit(5);
}

static const struct {
    const char *name;
    void (*act)(void);
} modes[] = {
    {"garbage", garbage},
    {"binary", binary},
    {"too-long", too_long},
    {"order", wrong_order},
    {"many-files", many_files},
    {"pipe", pipe_as_file},
    {"file", plain_file},
    {"junk", junk},
    {"huge", huge},
    {"mapped", mapped},
    {"flood", flood},
    {"flood-sockets", flood_sockets},
    {"flood-pipes", flood_pipes},
    {"flood-after", flood_after},
    {"speaks-on", speaks_on},
    {"closes", closes},
    {"lingers", lingers},
    {"twice", twice},
    {"deaf", deaf},
    {"orphan", orphan},
};

const char *hostile_mode(const char *program)
{
    const char *name = strrchr(program, '/');

    name = name ? name + 1 : program;
    return strncmp(name, "hostile-", 8) == 0 ? name + 8 : NULL;
}

int hostile_main(const char *mode)
{
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        if (strcmp(mode, modes[i].name) == 0) {
            modes[i].act();
            return 0;
        }
    }
    return 8;
}
