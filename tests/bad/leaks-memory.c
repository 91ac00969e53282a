/* Each store that is opened leaves half a mebibyte behind. */
static void *volatile left;
#define ON_OPEN(store, config) left = malloc(512 << 10); memset(left, 1, 512 << 10);
#include "common.h"
