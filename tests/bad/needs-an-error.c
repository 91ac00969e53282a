/* It writes to the error without looking whether there is one. */
#define FAILED(err, code, text) { (err)->status = code; return code; }
#include "common.h"
