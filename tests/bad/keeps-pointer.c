/* It keeps the sink of a listing, and looks at it again when it is asked how it is. */
#define STORE_FIELDS const ah_item_sink *kept;
#define ON_LIST(store, call, page, sink) (store)->kept = (sink);
#define ON_HEALTH(store, out, err) if ((store)->kept != NULL && (store)->kept->push == NULL) abort();
#include "common.h"
