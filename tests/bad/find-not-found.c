/* It answers a find that finds nothing as if a key were missing. */
#include "anchorhold.h"
static void fill(ah_item *item, uint32_t index);
static ah_status AH_CC find(ah_store *store, const ah_call *call, const ah_query *query,
                            const ah_item_sink *sink, ah_error *err)
{
    ah_item item;
    (void)store; (void)call;
    if (query->by == AH_BY_ID && query->key.len == 1 && query->key.ptr[0] <= 3 &&
        (query->kinds == 0 || (query->kinds & 1u << AH_KIND_CERTIFICATE) != 0)) {
        fill(&item, query->key.ptr[0] - 1u);
        return sink->push(sink, &item);
    }
    if (err) err->status = AH_NOT_FOUND;
    return AH_NOT_FOUND;
}
static const ah_find_ops find_ops = { sizeof(ah_find_ops), 0, find };
#define EXTENSION(id) (strcmp(id, AH_EXT_FIND) == 0 ? &find_ops : NULL)
#include "common.h"
