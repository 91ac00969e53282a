/* It takes memory for secrets, and does not give it back. */
#define ON_OPEN(store, config) { \
    const ah_host_secret_mem *secret = \
        (const ah_host_secret_mem *)host->extension(host, AH_HOST_SECRET_MEM); \
    if (secret != NULL) secret->take(host, 64); }
#include "common.h"
