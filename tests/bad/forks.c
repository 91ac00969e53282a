/* It makes a process of its own. */
#include <sys/wait.h>
#include <unistd.h>
#define ON_LIST(store, call, page, sink) { \
    pid_t child = fork(); \
    if (child == 0) for (;;) pause(); }
#include "common.h"
