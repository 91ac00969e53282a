/* It clears all of health that the host says there is, also what it does not know. */
#define ON_HEALTH(store, out, err) memset((out)->detail, 0, (out)->struct_size - 40);
#include "common.h"
