/* It takes a text of the contract for one that ends with NUL. */
#define ON_OPEN(store, config) (store)->opened += (uint32_t)strlen((config)->store_name.ptr);
#include "common.h"
