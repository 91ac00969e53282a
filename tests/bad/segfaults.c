/* It follows a pointer to nowhere. */
#define ON_LIST(store, call, page, sink) *(volatile int *)8 = 1;
#include "common.h"
