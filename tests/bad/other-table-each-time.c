/* The entry makes a new table each time that it is called. */
#define ENTRY ah_plugin *copy = (ah_plugin *)malloc(sizeof *copy); *copy = plugin; return copy
#include "common.h"
