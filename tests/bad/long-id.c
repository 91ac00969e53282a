/* An id is longer than ids are. */
#define ON_ITEM(store, item, index) (item)->id.ptr = anchor_0; (item)->id.len = AH_ID_MAX + 1;
#include "common.h"
