/* A host in one file, to be built with any version of the header: opens the library that
 * it is given, lists it, and says what it saw.
 *
 * Its structs end at the end of their memory, so that a plugin that writes more of one than this
 * host's version has is a fault that a sanitizer or a guard sees. */
#include "anchorhold.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef const ah_plugin *(AH_CC *entry)(void);

struct seen { unsigned count; };

static void AH_CC write_line(const ah_host *host, uint32_t level, ah_str message)
{
    (void)host;
    fprintf(stderr, "log %u %.*s\n", level, (int)message.len, message.ptr);
}

static const void *AH_CC no_extension(const ah_host *host, const char *id)
{
    (void)host; (void)id;
    return NULL;
}

static void *blank(size_t size)
{
    void *made = calloc(1, size);
    if (made == NULL) abort();
    *(uint32_t *)made = (uint32_t)size;
    return made;
}

static ah_status AH_CC take(const ah_item_sink *sink, const ah_item *item)
{
    struct seen *seen = sink->impl;
    if (!AH_HAS(item, ah_item, label)) return AH_INVALID_ARGUMENT;
    seen->count++;
    printf("item %.*s: %zu bytes, %zu rules", (int)item->label.len, item->label.ptr,
           item->der.len, item->rule_count);
    if (item->rule_count > 0) printf(", decision %u", AH_RULE(item, item->rule_count - 1)->decision);
    printf("\n");
    return AH_OK;
}

static int fail(const char *what, ah_status status, const ah_error *error)
{
    printf("%s: %d %s\n", what, status, error->message);
    return 1;
}

int main(int count, char **words)
{
    if (count != 2) return 2;
    void *library = dlopen(words[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) { printf("dlopen: %s\n", dlerror()); return 1; }
    entry enter;
    void *symbol = dlsym(library, "anchorhold_plugin_v1");
    memcpy(&enter, &symbol, sizeof enter);
    const ah_plugin *plugin = enter();
    if (plugin->magic != AH_MAGIC || plugin->abi_major != AH_ABI_MAJOR) return 1;
    if (!AH_HAS(plugin, ah_plugin, open)) return 1;

    ah_host *host = blank(sizeof *host);
    static const char name[] = "evolution", version[] = "1";
    host->name.ptr = name; host->name.len = sizeof name - 1;
    host->version.ptr = version; host->version.len = sizeof version - 1;
    host->log = write_line;
    host->extension = no_extension;

    ah_config *config = blank(sizeof *config);
    config->store_name = host->name;
    ah_error *error = blank(sizeof *error);
    ah_store *store = NULL;
    ah_status status = plugin->open(host, config, &store, error);
    if (status != AH_OK) return fail("open", status, error);

    ah_call *call = blank(sizeof *call);
    ah_health *health = blank(sizeof *health);
    status = plugin->ops->health(store, call, health, error);
    if (status != AH_OK) return fail("health", status, error);
    printf("health %u\n", health->state);

    struct seen seen = { 0 };
    ah_item_sink *sink = blank(sizeof *sink);
    sink->impl = &seen;
    sink->push = take;
    ah_page *page = blank(sizeof *page);
    page->limit = 1;
    do {
        status = plugin->ops->list(store, call, page, sink, error);
        if (status != AH_OK) return fail("list", status, error);
    } while (page->cursor_len > 0 && seen.count < 1000);

    plugin->ops->close(store);
    printf("items %u\n", seen.count);
    free(page); free(sink); free(health); free(call); free(error); free(config); free(host);
    return 0;
}
