/* The table is of another major version than the symbol says. */
#define MAJOR 2
#include "common.h"
