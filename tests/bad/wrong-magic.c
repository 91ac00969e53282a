/* The magic number of the table is another one. */
#define MAGIC 0x31504842u
#include "common.h"
