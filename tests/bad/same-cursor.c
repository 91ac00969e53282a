/* The cursor does not move on: its listing has no end. */
#define ON_PAGE(store, page) memset((page)->cursor, 0, 4); (page)->cursor_len = 4;
#include "common.h"
