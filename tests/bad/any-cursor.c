/* It takes whatever it is given for a cursor, and begins somewhere. */
#define FAILED(err, status, text) index = 1
#include "common.h"
