/* Its health says another number of items than the listing. */
#define ON_HEALTH(store, out, err) (out)->item_count = 4;
#include "common.h"
