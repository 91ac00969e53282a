/* It takes the call that it is lent for a place to write. */
#define ON_LIST(store, call, page, sink) ((ah_call *)(call))->reserved = 1;
#include "common.h"
