/* It asks a person while it is listed. */
#include "anchorhold.h"
static ah_status AH_CC forget(const ah_byte_sink *self, ah_bytes bytes)
{
    (void)self; (void)bytes;
    return AH_OK;
}
#define ON_LIST(store, call, page, sink) { \
    const ah_host *host = (store)->host; \
    const ah_host_prompt *prompt = \
        (const ah_host_prompt *)host->extension(host, AH_HOST_PROMPT); \
    ah_prompt question; \
    ah_byte_sink answer = { sizeof answer, 0, NULL, forget }; \
    memset(&question, 0, sizeof question); \
    question.struct_size = sizeof question; \
    question.kind = AH_ASK_PIN; \
    question.attempts_left = UINT32_MAX; \
    if (prompt != NULL) prompt->ask(host, call, &question, &answer, NULL); }
#include "common.h"
