/* It writes health as if it were larger than the host has it. */
#define ON_HEALTH(store, out, err) ((volatile uint64_t *)((out) + 1))[0] = 0;
#include "common.h"
