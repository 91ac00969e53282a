/* It signs as a token does: r || s, and no SEQUENCE. `key.inc` has the key and such a signature of
 * the one message that it signs. */
#include "anchorhold.h"
#include "key.inc"
static ah_status AH_CC schemes(ah_store *store, const ah_call *call, ah_bytes key_id,
                               uint16_t *out, size_t capacity, size_t *count, ah_error *err)
{
    ah_status status = AH_OK;
    (void)store; (void)call;
    if (key_id.len != 1 || key_id.ptr[0] > 3) status = AH_NOT_FOUND;
    else {
        *count = 1;
        if (capacity < 1) status = AH_BUFFER_TOO_SMALL;
        else out[0] = 0x0403;
    }
    if (err) err->status = status;
    return status;
}
static ah_status AH_CC sign(ah_store *store, const ah_call *call, ah_bytes key_id, uint16_t scheme,
                            ah_bytes message, const ah_byte_sink *signature, ah_error *err)
{
    ah_bytes bytes = { signature_bytes, sizeof signature_bytes };
    ah_status status = AH_OK;
    (void)store; (void)call; (void)message;
    if (key_id.len != 1 || key_id.ptr[0] > 3) status = AH_NOT_FOUND;
    else if (scheme != 0x0403) status = AH_UNSUPPORTED;
    if (status != AH_OK) {
        if (err) err->status = status;
        return status;
    }
    return signature->put(signature, bytes);
}
static const ah_sign_ops sign_ops = { sizeof(ah_sign_ops), 0, schemes, sign };
#define EXTENSION(id) (strcmp(id, AH_EXT_SIGN) == 0 ? &sign_ops : NULL)
#define ITEM_COUNT 1u
#define ON_ITEM(store, item, index) \
    (item)->kind = AH_KIND_PRIVATE_KEY; (item)->rule_count = 0; \
    (item)->der.ptr = key_bytes; (item)->der.len = sizeof key_bytes;
#include "common.h"
