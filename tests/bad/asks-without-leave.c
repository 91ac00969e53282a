/* It asks where nobody answers, without looking whether it may. */
#define ON_SECRET(host, bytes)
#define MAY_ASK(call) 1
#include "unlock.h"
