/* It does not come back from a listing. */
#include <unistd.h>
#define ON_LIST(store, call, page, sink) for (;;) pause();
#include "common.h"
