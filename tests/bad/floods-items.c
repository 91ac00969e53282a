/* It pushes without end, whatever the sink says. */
#define ON_LIST(store, call, page, sink) \
    for (;;) { fill(&item, pushed++); (sink)->push((sink), &item); }
#include "common.h"
