/* It starts a program. */
#define ON_LIST(store, call, page, sink) pushed = (uint32_t)system("true"); pushed = 0;
#include "common.h"
