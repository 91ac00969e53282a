/* A store with a lock, for tests: its PIN is 1234, and every wrong one takes one of three attempts,
 * which are counted in a file of the store's own directory, where it has one. `die` in its settings names a call in
 * which it ends by a signal. */
#include "anchorhold.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STR(s) { s, sizeof s - 1 }

struct ah_store {
    const ah_host *host;
    char attempts[4096];
    char die[16];
    int open;
};

static void may_die(const ah_store *store, const char *call)
{
    if (strcmp(store->die, call) == 0)
        raise(SIGSEGV);
}

static uint32_t attempts_left(const ah_store *store)
{
    char digit = '3';
    int file = open(store->attempts, O_RDONLY);
    if (file >= 0) {
        if (read(file, &digit, 1) != 1)
            digit = '0';
        close(file);
    }
    return (uint32_t)(digit - '0');
}

static void set_attempts(const ah_store *store, uint32_t left)
{
    char digit = (char)('0' + left);
    int file;
    if (store->attempts[0] == '\0')
        return;
    file = open(store->attempts, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || write(file, &digit, 1) != 1)
        abort();
    close(file);
}

static void AH_CC close_store(ah_store *store) { free(store); }

static ah_status AH_CC health(ah_store *store, const ah_call *call, ah_health *out, ah_error *err)
{
    (void)call; (void)err;
    out->state = store->open ? AH_READY : AH_HEALTH_LOCKED;
    out->attempts_left = attempts_left(store);
    out->generation = 1;
    out->item_count = UINT64_MAX;
    return AH_OK;
}

static ah_status AH_CC list(ah_store *store, const ah_call *call, ah_page *page,
                            const ah_item_sink *sink, ah_error *err)
{
    (void)call; (void)sink; (void)err;
    may_die(store, "list");
    if (!store->open)
        return AH_LOCKED;
    page->generation = 1;
    page->cursor_len = 0;
    return AH_OK;
}

typedef struct answer { ah_byte_sink sink; ah_store *store; } answer;

static ah_status AH_CC take(const ah_byte_sink *self, ah_bytes bytes)
{
    ah_store *store = (ah_store *)self->impl;
    if (bytes.len != 4 || memcmp(bytes.ptr, "1234", 4) != 0) {
        set_attempts(store, attempts_left(store) - 1);
        return AH_WRONG_SECRET;
    }
    set_attempts(store, 3);
    store->open = 1;
    return AH_OK;
}

static ah_status AH_CC unlock(ah_store *store, const ah_call *call, ah_error *err)
{
    const ah_host_prompt *prompt =
        (const ah_host_prompt *)store->host->extension(store->host, AH_HOST_PROMPT);
    ah_byte_sink sink;
    ah_prompt question;
    ah_str setting = STR("pin"), title = STR("PIN of the vault");
    may_die(store, "unlock");
    if (attempts_left(store) == 0)
        return AH_LOCKED_OUT;
    if (prompt == NULL)
        return AH_PROMPT_REFUSED;
    memset(&sink, 0, sizeof sink);
    sink.struct_size = sizeof sink;
    sink.impl = store;
    sink.put = take;
    memset(&question, 0, sizeof question);
    question.struct_size = sizeof question;
    question.kind = AH_ASK_PIN;
    question.attempts_left = attempts_left(store);
    question.setting = setting;
    question.title = title;
    return prompt->ask(store->host, call, &question, &sink, err);
}

static ah_status AH_CC lock(ah_store *store, const ah_call *call, ah_error *err)
{
    (void)call; (void)err;
    store->open = 0;
    return AH_OK;
}

static const ah_store_ops ops = { sizeof(ah_store_ops), 0, close_store, health, list };
static const ah_unlock_ops unlock_ops = { sizeof(ah_unlock_ops), 0, unlock, lock };

static const void *AH_CC extension(const char *id)
{
    return strcmp(id, AH_EXT_UNLOCK) == 0 ? &unlock_ops : NULL;
}

static ah_status AH_CC open_store(const ah_host *host, const ah_config *config,
                                  ah_store **out, ah_error *err)
{
    uint32_t at;
    (void)err;
    *out = (ah_store *)calloc(1, sizeof **out);
    if (*out == NULL)
        return AH_NO_MEMORY;
    (*out)->host = host;
    if (config->state_dir.len > 0)
        snprintf((*out)->attempts, sizeof (*out)->attempts, "%.*s/attempts",
                 (int)config->state_dir.len, config->state_dir.ptr);
    for (at = 0; at < config->setting_count; at++) {
        const ah_setting *setting = &config->settings[at];
        if (setting->key.len == 3 && memcmp(setting->key.ptr, "die", 3) == 0)
            snprintf((*out)->die, sizeof (*out)->die, "%.*s",
                     (int)setting->value.len, setting->value.ptr);
    }
    may_die(*out, "open");
    return AH_OK;
}

static const ah_plugin plugin = {
    sizeof(ah_plugin), AH_MAGIC, AH_ABI_MAJOR, AH_ABI_MINOR, 0,
    STR("org.example.vault"), STR("Vault"), STR("0.1.0"), { NULL, 0 }, &ops,
    extension, open_store
};

const ah_plugin *AH_CC anchorhold_plugin_v1(void) { return &plugin; }
