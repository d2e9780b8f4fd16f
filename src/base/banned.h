/* banned.h — functions that corrie does not call: unbounded, locale-bound or with hidden state. Using one
 * is a compile error. Included by the build in front of every source of ours, after the system's headers
 * that declare them. */
#ifndef CORRIE_BASE_BANNED_H
#define CORRIE_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncat sprintf vsprintf strtok gets
#pragma GCC poison atoi atol atoll atof localtime gmtime asctime ctime system tmpnam mktemp

#endif
