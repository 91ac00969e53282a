/* What it says is a certificate is none. */
#define ON_ITEM(store, item, index) if ((index) == 1) (item)->der.len -= 1;
#include "common.h"
