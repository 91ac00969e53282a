/* It asks again by itself where the answer was wrong. */
#define ON_SECRET(host, bytes)
#define ASK_COUNT 2
#include "unlock.h"
