/* The length of its cursor is more than a cursor has room for. */
#define ON_PAGE(store, page) (page)->cursor_len = AH_CURSOR_MAX + 72;
#include "common.h"
