/* It writes a line into the log for every step that it takes. */
#define ON_LIST(store, call, page, sink) \
    for (pushed = 0; pushed < 50000; pushed++) { \
        ah_str line = { "still here", 10 }; \
        (store)->host->log((store)->host, AH_LOG_DEBUG, line); \
    } \
    pushed = 0;
#include "common.h"
