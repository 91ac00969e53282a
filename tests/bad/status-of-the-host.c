/* It answers with a status that only a host makes. */
#define ON_HEALTH(store, out, error) return fail(error, 0x1001, "crashed");
#include "common.h"
