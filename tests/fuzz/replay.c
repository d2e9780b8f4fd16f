/* replay.c — feeds a corpus to a fuzz target once, as an ordinary test: every file of the folder named on
 * the command line, whole and cut short at up to 64 places, since truncated input is what parsers meet most.
 * Speaks TAP, one line a file. A target that crashes ends the program before its plan is met. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CUTS = 64, MAX_FILE = 16 << 20 };

/* The input in memory of exactly its size, so that the sanitizers see a read past its end. */
static void feed(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);

    if (copy == NULL) {
        abort();
    }
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static int replay_file(const char *path)
{
    static uint8_t data[MAX_FILE];
    FILE *file = fopen(path, "rb");
    size_t size;

    if (file == NULL) {
        return -1;
    }
    size = fread(data, 1, sizeof data, file);
    if (ferror(file) != 0 || fclose(file) != 0) {
        return -1;
    }
    feed(data, size);
    for (size_t i = 0; i < CUTS && i < size; i++) {
        feed(data, size <= CUTS ? i : size * i / CUTS);
    }
    return 0;
}

static int is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    struct dirent **entries = NULL;
    int n = argc == 2 ? scandir(argv[1], &entries, is_input, alphasort) : -1;

    if (n <= 0) {
        printf("1..1\nnot ok 1 - no corpus in %s\n", argc == 2 ? argv[1] : "(no folder given)");
        return 0;
    }
    printf("1..%d\n", n);
    for (int i = 0; i < n; i++) {
        char path[4096];

        snprintf(path, sizeof path, "%s/%s", argv[1], entries[i]->d_name);
        printf("%s %d - %s\n", replay_file(path) == 0 ? "ok" : "not ok", i + 1, entries[i]->d_name);
        fflush(stdout);
        free(entries[i]);
    }
    free(entries);
    return 0;
}
