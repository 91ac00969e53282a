/* There is a table for changes, and nothing in it. */
#include "anchorhold.h"
static const ah_write_ops write_ops = { sizeof(ah_write_ops), 0, NULL };
#define EXTENSION(id) (strcmp(id, AH_EXT_WRITE) == 0 ? &write_ops : NULL)
#include "common.h"
