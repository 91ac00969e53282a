/* It pushes all that it has, however little a page takes. */
#define LIMIT(page) 256u
#include "common.h"
