/* It ends the process as if that were its own. */
#define ON_LIST(store, call, page, sink) exit(3);
#include "common.h"
