/* It writes one byte behind the page. */
#define ON_PAGE(store, page) ((volatile uint8_t *)(page))[sizeof *(page)] = 0;
#include "common.h"
