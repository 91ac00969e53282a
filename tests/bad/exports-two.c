/* It exports a function that is nobody's business. */
#include "common.h"
AH_EXPORT int plugin_secret_door(void) { return 1; }
