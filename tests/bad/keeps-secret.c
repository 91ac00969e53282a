/* It keeps the PIN where it was, and reads it when it is asked how it is. */
#include <stdint.h>
static const uint8_t *secret;
#define ON_SECRET(host, bytes) secret = (bytes).ptr;
#define ON_HEALTH(store, out, err) if (secret != 0 && secret[0] == 0) (out)->state = AH_DEGRADED;
#include "unlock.h"
