/* It gives up, and takes the whole process with it. */
#define ON_LIST(store, call, page, sink) fputs("out of luck\n", stderr); abort();
#include "common.h"
