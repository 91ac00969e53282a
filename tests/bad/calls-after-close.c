/* A thread of its own goes on talking to the host once the store is closed. */
#include "anchorhold.h"
#include <pthread.h>
#include <unistd.h>
static void *talk(void *host)
{
    const ah_host *to = (const ah_host *)host;
    ah_str line = { "still here", 10 };
    for (;;) {
        usleep(20 * 1000);
        to->log(to, AH_LOG_DEBUG, line);
    }
    return NULL;
}
#define ON_OPEN(store, config) { \
    pthread_t thread; \
    pthread_create(&thread, NULL, talk, (void *)(store)->host); \
    pthread_detach(thread); }
#include "common.h"
