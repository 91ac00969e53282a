/* It writes the PIN into the log. */
#define ON_SECRET(host, bytes) { \
    ah_str line = { (const char *)(bytes).ptr, (bytes).len }; \
    (host)->log((host), AH_LOG_DEBUG, line); }
#include "unlock.h"
