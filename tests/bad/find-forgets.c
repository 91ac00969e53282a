/* Whatever is looked for, it says that there is none. */
#include "anchorhold.h"
static ah_status AH_CC find(ah_store *store, const ah_call *call, const ah_query *query,
                            const ah_item_sink *sink, ah_error *err)
{
    (void)store; (void)call; (void)sink;
    if (query->by < AH_BY_SUBJECT || query->by > AH_BY_ID) {
        if (err) err->status = AH_UNSUPPORTED;
        return AH_UNSUPPORTED;
    }
    return AH_OK;
}
static const ah_find_ops find_ops = { sizeof(ah_find_ops), 0, find };
#define EXTENSION(id) (strcmp(id, AH_EXT_FIND) == 0 ? &find_ops : NULL)
#include "common.h"
