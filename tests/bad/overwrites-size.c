/* It fills health as a whole, the size that the host has written there with it. */
#define ON_HEALTH(store, out, err) (out)->struct_size = 0;
#include "common.h"
