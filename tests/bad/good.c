/* No fault at all: what every other file here is but for one thing. */
#include "common.h"
