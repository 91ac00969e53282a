/* It keeps the name of the store where it lay when the store was opened. */
#define STORE_FIELDS ah_str name;
#define ON_OPEN(store, config) (store)->name = (config)->store_name;
#define ON_HEALTH(store, out, err) snprintf((out)->detail, 8, "%.5s", (store)->name.ptr);
#include "common.h"
