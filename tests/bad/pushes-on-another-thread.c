/* It calls the sink on a thread of its own. */
#include "anchorhold.h"
#include <pthread.h>
struct push { const ah_item_sink *sink; const ah_item *item; };
static void *push(void *work)
{
    const struct push *push = (const struct push *)work;
    push->sink->push(push->sink, push->item);
    return NULL;
}
#define ON_ITEM(store, what, index) if ((index) == 0) { \
    struct push work = { sink, (what) }; \
    pthread_t thread; \
    pthread_create(&thread, NULL, push, &work); \
    pthread_join(thread, NULL); \
    continue; }
#include "common.h"
