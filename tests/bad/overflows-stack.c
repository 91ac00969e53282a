/* It calls itself until there is no stack left. */
#include <stddef.h>
static size_t deeper(volatile char *above)
{
    volatile char here[4096];
    here[0] = above ? above[0] : 0;
    return deeper(here) + (size_t)here[0];
}
#define ON_LIST(store, call, page, sink) pushed = (uint32_t)deeper(NULL);
#include "common.h"
