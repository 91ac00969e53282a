/* Two items have the same id. */
#define ON_ITEM(store, item, index) if ((index) == 2) (item)->id.ptr--;
#include "common.h"
