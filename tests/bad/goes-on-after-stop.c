/* It pushes on where the sink has said stop, and returns its status at last. */
#define STOPPED(status) { sink->push(sink, &item); return status; }
#include "common.h"
