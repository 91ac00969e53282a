/* The table says that it is shorter than version 1.0 had it. */
#define PLUGIN_SIZE 32
#include "common.h"
