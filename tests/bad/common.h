/* common.h - a good plugin, so that a file beside this one holds its fault and nothing else.
 *
 * A file defines some of the macros below, and then includes this. Without any of them it is a
 * store of three certificates that keeps every promise of anchorhold.h. `anchors.inc` has their
 * bytes: anchor_0, anchor_1 and anchor_2.
 */
#include "anchorhold.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anchors.inc"

#ifndef STORE_FIELDS
#  define STORE_FIELDS              /* more fields of a store */
#endif
#ifndef ON_OPEN
#  define ON_OPEN(store, config)    /* a store was made */
#endif
#ifndef ON_CLOSE
#  define ON_CLOSE(store)           /* a store is about to go */
#endif
#ifndef ON_HEALTH
#  define ON_HEALTH(store, out, err) /* health was filled */
#endif
#ifndef ON_LIST
#  define ON_LIST(store, call, page, sink) /* a page begins */
#endif
#ifndef ON_ITEM
#  define ON_ITEM(store, item, index) /* an item is about to be pushed */
#endif
#ifndef ON_PAGE
#  define ON_PAGE(store, page)      /* a page was filled */
#endif
#ifndef ITEM_COUNT
#  define ITEM_COUNT 3u
#endif
#ifndef LIMIT
#  define LIMIT(page) ((page)->limit ? (page)->limit : 256u)
#endif
#ifndef STOPPED
#  define STOPPED(status) return status /* the sink said stop */
#endif
#ifndef FAILED
#  define FAILED(err, status, text) return fail(err, status, text)
#endif
#ifndef ALLOCATE
#  define ALLOCATE() ((ah_store *)calloc(1, sizeof(ah_store)))
#  define RELEASE(store) free(store)
#endif
#ifndef EXTENSION
#  define EXTENSION(id) NULL        /* the plugin's tables */
#endif
#ifndef MAGIC
#  define MAGIC AH_MAGIC
#endif
#ifndef MAJOR
#  define MAJOR AH_ABI_MAJOR
#endif
#ifndef PLUGIN_SIZE
#  define PLUGIN_SIZE sizeof(ah_plugin)
#endif
#ifndef PLUGIN_FLAGS
#  define PLUGIN_FLAGS 0
#endif
#ifndef PLUGIN_ID
#  define PLUGIN_ID "org.example.bad"
#endif
#ifndef LIST
#  define LIST list_store
#endif
#ifndef ENTRY
#  define ENTRY return &plugin
#endif

#define STR(text) { text, sizeof text - 1 }

struct ah_store {
    const ah_host *host;
    uint32_t       opened;
    STORE_FIELDS
};

/* Fills the caller's error, if there is one, and returns its status. */
static ah_status fail(ah_error *err, ah_status status, const char *text)
{
    if (err != NULL) {
        err->status = status;
        snprintf(err->message, sizeof err->message, "%s", text);
    }
    return status;
}

/* One of the three items; the id is the number of the certificate. */
static void fill(ah_item *item, uint32_t index)
{
    static const ah_rule rules[] = { { AH_FOR_SERVER, AH_ANCHOR, 0 } };
    static const uint8_t ids[] = { 1, 2, 3 };
    static const ah_bytes anchors[] = { { anchor_0, sizeof anchor_0 },
                                        { anchor_1, sizeof anchor_1 },
                                        { anchor_2, sizeof anchor_2 } };
    memset(item, 0, sizeof *item);
    item->struct_size = sizeof *item;
    item->kind = AH_KIND_CERTIFICATE;
    item->flags = AH_ITEM_READ_ONLY;
    item->rule_stride = sizeof rules[0];
    item->rules = rules;
    item->rule_count = 1;
    item->id.ptr = &ids[index % 3];
    item->id.len = 1;
    item->der = anchors[index % 3];
    item->label.ptr = "An anchor";
    item->label.len = 9;
}

static void AH_CC close_store(ah_store *store)
{
    ON_CLOSE(store)
    RELEASE(store);
}

static ah_status AH_CC health_store(ah_store *store, const ah_call *call, ah_health *out,
                                    ah_error *err)
{
    (void)store; (void)call; (void)err;
    out->state = AH_READY;
    out->generation = 1;
    out->item_count = ITEM_COUNT;
    ON_HEALTH(store, out, err)
    return AH_OK;
}

static ah_status AH_CC list_store(ah_store *store, const ah_call *call, ah_page *page,
                                  const ah_item_sink *sink, ah_error *err)
{
    uint32_t index = 0, pushed = 0;
    ah_status status;
    ah_item item;
    (void)store; (void)call;
    ON_LIST(store, call, page, sink)
    if (page->cursor_len == sizeof index)
        memcpy(&index, page->cursor, sizeof index);
    else if (page->cursor_len != 0)
        FAILED(err, AH_STALE_CURSOR, "this cursor is of somebody else");
    if (index > ITEM_COUNT)
        FAILED(err, AH_STALE_CURSOR, "this cursor is beyond the end");
    for (; index < ITEM_COUNT && pushed < LIMIT(page); index++, pushed++) {
        fill(&item, index);
        ON_ITEM(store, &item, index)
        status = sink->push(sink, &item);
        if (status != AH_OK) STOPPED(status);
    }
    page->generation = 1;
    page->cursor_len = 0;
    if (index < ITEM_COUNT) {
        memcpy(page->cursor, &index, sizeof index);
        page->cursor_len = sizeof index;
    }
    ON_PAGE(store, page)
    return AH_OK;
}

static const ah_store_ops ops = { sizeof(ah_store_ops), 0, close_store, health_store, LIST };

static const void *AH_CC extension_of(const char *id)
{
    (void)id;
    return EXTENSION(id);
}

static ah_status AH_CC open_store(const ah_host *host, const ah_config *config, ah_store **out,
                                  ah_error *err)
{
    ah_store *store = ALLOCATE();
    (void)config;
    if (store == NULL) return fail(err, AH_NO_MEMORY, "no memory for a store");
    store->host = host;
    store->opened = 1;
    ON_OPEN(store, config)
    *out = store;
    return AH_OK;
}

static const ah_plugin plugin = {
    PLUGIN_SIZE, MAGIC, MAJOR, AH_ABI_MINOR, PLUGIN_FLAGS,
    STR(PLUGIN_ID), STR("Bad"), STR("1.0.0"), { NULL, 0 }, &ops, extension_of, open_store
};

AH_EXPORT const ah_plugin *AH_CC anchorhold_plugin_v1(void) { ENTRY; }
