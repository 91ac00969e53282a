/* It returns a status, and leaves the error as it was. */
#define FAILED(err, status, text) return status
#include "common.h"
