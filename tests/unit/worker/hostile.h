/* hostile.h — a function process that does what it should not: the test program under the name hostile-MODE. */
#ifndef CORRIE_TESTS_HOSTILE_H
#define CORRIE_TESTS_HOSTILE_H

/* The mode in a program's name, or NULL. */
const char *hostile_mode(const char *program);
int hostile_main(const char *mode);

#endif
