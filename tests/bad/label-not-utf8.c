/* A label is Latin-1. */
#define ON_ITEM(store, item, index) (item)->label.ptr = "Caf\xe9"; (item)->label.len = 4;
#include "common.h"
