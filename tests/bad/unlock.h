/* unlock.h - a lock for those that do something wrong with a secret. A file defines ON_SECRET,
 * which is run with the PIN, and perhaps ASK_COUNT and MAY_ASK, and then includes this. */
#include "anchorhold.h"
#include <string.h>

#ifndef ASK_COUNT
#  define ASK_COUNT 1
#endif
#ifndef MAY_ASK
#  define MAY_ASK(call) (((call)->flags & AH_CALL_MAY_PROMPT) != 0)
#endif

static ah_status AH_CC take_secret(const ah_byte_sink *self, ah_bytes bytes)
{
    const ah_host *host = (const ah_host *)self->impl;
    (void)host; (void)bytes;
    ON_SECRET(host, bytes)
    return AH_OK;
}

static const ah_host *host_of(ah_store *store);

static ah_status AH_CC unlock(ah_store *store, const ah_call *call, ah_error *err)
{
    const ah_host *host = host_of(store);
    const ah_host_prompt *prompt = (const ah_host_prompt *)host->extension(host, AH_HOST_PROMPT);
    ah_byte_sink answer = { sizeof answer, 0, NULL, take_secret };
    ah_status status = AH_LOCKED;
    ah_prompt question;
    int count;
    memset(&question, 0, sizeof question);
    question.struct_size = sizeof question;
    question.kind = AH_ASK_PIN;
    question.attempts_left = UINT32_MAX;
    answer.impl = (void *)host;
    if (prompt != NULL && MAY_ASK(call))
        for (count = 0; count < ASK_COUNT; count++)
            status = prompt->ask(host, call, &question, &answer, NULL);
    if (status == AH_OK) status = AH_WRONG_SECRET;
    if (err != NULL) err->status = status;
    return status;
}

static ah_status AH_CC lock_again(ah_store *store, const ah_call *call, ah_error *err)
{
    (void)store; (void)call; (void)err;
    return AH_OK;
}

static const ah_unlock_ops unlock_ops = { sizeof(ah_unlock_ops), 0, unlock, lock_again };
#define EXTENSION(id) (strcmp(id, AH_EXT_UNLOCK) == 0 ? &unlock_ops : NULL)
#include "common.h"

static const ah_host *host_of(ah_store *store) { return store->host; }
