/* It stops where the sink says so, and says that all is well. */
#define STOPPED(status) break
#include "common.h"
