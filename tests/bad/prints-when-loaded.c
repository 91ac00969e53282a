/* It prints while it is loaded, when nobody has called it. */
#include "common.h"
__attribute__((constructor)) static void hello(void) { puts("hello from the plugin"); }
