/* The state of its health is none of the contract's. */
#define ON_HEALTH(store, out, err) (out)->state = 9;
#include "common.h"
