/* It says that every change was made, and makes none. */
#include "anchorhold.h"
static ah_status AH_CC apply(ah_store *store, const ah_call *call, const ah_batch *batch,
                             const ah_outcome_sink *sink, ah_error *err)
{
    uint32_t index;
    (void)store; (void)call; (void)err;
    for (index = 0; index < batch->change_count; index++) {
        static const uint8_t id[] = { 9 };
        const ah_change *change = (const ah_change *)(const void *)
            ((const char *)batch->changes + index * batch->change_stride);
        ah_outcome outcome = { sizeof outcome, index, AH_NEW, 0, { id, 1 } };
        ah_status status;
        if (change->action == AH_REMOVE) {
            /* What it lists is read only. */
            if (change->id.len == 1 && change->id.ptr[0] <= 3) {
                if (err) err->status = AH_READ_ONLY;
                return AH_READ_ONLY;
            }
            outcome.what = AH_UNCHANGED;
            outcome.id = change->id;
        }
        status = sink->push(sink, &outcome);
        if (status != AH_OK) return status;
    }
    return AH_OK;
}
static const ah_write_ops write_ops = { sizeof(ah_write_ops), 0, apply };
#define EXTENSION(id) (strcmp(id, AH_EXT_WRITE) == 0 ? &write_ops : NULL)
#define ON_HEALTH(store, out, err) (out)->flags = AH_HEALTH_WRITABLE;
#define ITEM_COUNT 0u
#include "common.h"
