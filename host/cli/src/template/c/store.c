/* A store of the certificates in anchors/, which are built in: anchors for TLS servers.
 *
 * The whole contract is include/anchorhold.h, with the rules (R1 to R8) that bind both sides.
 */
#include "anchorhold.h"

#include <stdlib.h>
#include <string.h>

#define STR(s) { s, sizeof s - 1 }

struct anchor { ah_bytes der; ah_str label; };

/* `make` writes it: `anchors`, an array, and how many there are, ANCHOR_COUNT. */
#include "anchors.inc"

struct ah_store {
    const ah_host *host;
    uint64_t generation;
};

/* Fills the host's error, where there is one and it has the field (R1), and returns the status. */
static ah_status fail(ah_error *err, ah_status status, const char *message)
{
    size_t length = strlen(message);
    if (err == NULL || !AH_HAS(err, ah_error, message)) return status;
    err->status = status;
    if (length >= sizeof err->message) length = sizeof err->message - 1;
    memcpy(err->message, message, length);
    err->message[length] = '\0';
    return status;
}

/* A number that differs when the contents differ; not 0, which would say that it is not known. */
static uint64_t count_generation(void)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    size_t i, j;
    for (i = 0; i < ANCHOR_COUNT; i++)
        for (j = 0; j < anchors[i].der.len; j++)
            sum = (sum ^ anchors[i].der.ptr[j]) * UINT64_C(0x100000001b3);
    return sum | 1;
}

/* An id is the same in every process, and never used again for other bytes. So it is taken from the
 * bytes: a certificate ends with its signature, which no other one has. */
static ah_bytes id_of(ah_bytes der)
{
    ah_bytes id = der;
    if (der.len > 32) {
        id.ptr = der.ptr + der.len - 32;
        id.len = 32;
    }
    return id;
}

static ah_status push(const ah_item_sink *sink, const struct anchor *anchor)
{
    static const ah_rule rules[] = { { AH_FOR_SERVER, AH_ANCHOR, 0 } };
    ah_item item;
    memset(&item, 0, sizeof item);
    item.struct_size = sizeof item;
    item.kind = AH_KIND_CERTIFICATE;
    item.flags = AH_ITEM_READ_ONLY;
    item.rule_stride = sizeof rules[0];
    item.rules = rules;
    item.rule_count = 1;
    item.id = id_of(anchor->der);
    item.der = anchor->der;
    item.label = anchor->label;
    return sink->push(sink, &item);
}

/* A page goes on where the cursor says: the generation, and the index of the next anchor. */
enum { CURSOR = 8 + 4 };

static void write_cursor(ah_page *page, uint64_t generation, size_t next)
{
    unsigned i;
    for (i = 0; i < 8; i++) page->cursor[i] = (uint8_t)(generation >> (56 - 8 * i));
    for (i = 0; i < 4; i++) page->cursor[8 + i] = (uint8_t)(next >> (24 - 8 * i));
    page->cursor_len = CURSOR;
}

/* Where the page begins; -1 where the cursor is of another generation. */
static long read_cursor(const ah_page *page, uint64_t generation)
{
    uint64_t meant = 0;
    uint32_t next = 0;
    unsigned i;
    if (page->cursor_len == 0) return 0;
    if (page->cursor_len != CURSOR) return -1;
    for (i = 0; i < 8; i++) meant = meant << 8 | page->cursor[i];
    for (i = 0; i < 4; i++) next = next << 8 | page->cursor[8 + i];
    return meant == generation && next <= ANCHOR_COUNT ? (long)next : -1;
}

/* [serial] */
static ah_status AH_CC list(ah_store *store, const ah_call *call, ah_page *page,
                            const ah_item_sink *sink, ah_error *err)
{
    size_t first, end, i;
    long begin;
    (void)call;
    if (page == NULL || !AH_HAS(page, ah_page, cursor)
        || sink == NULL || !AH_HAS(sink, ah_item_sink, push))
        return fail(err, AH_INVALID_ARGUMENT, "list without page or sink, or with a short one");
    begin = read_cursor(page, store->generation);
    if (begin < 0) return fail(err, AH_STALE_CURSOR, "the anchors are others by now");
    first = (size_t)begin;
    end = ANCHOR_COUNT;
    if (page->limit != 0 && page->limit < end - first) end = first + page->limit;
    for (i = first; i < end; i++) {
        ah_status status = push(sink, &anchors[i]);
        if (status != AH_OK) return fail(err, status, "the host took no more");
    }
    page->generation = store->generation;
    page->cursor_len = 0;
    if (end < ANCHOR_COUNT) write_cursor(page, store->generation, end);
    return AH_OK;
}

/* [any]: answers from memory, and never waits. */
static ah_status AH_CC health(ah_store *store, const ah_call *call, ah_health *out, ah_error *err)
{
    (void)call;
    if (out == NULL || !AH_HAS(out, ah_health, detail))
        return fail(err, AH_INVALID_ARGUMENT, "health without ah_health, or with a short one");
    out->state = AH_READY;
    out->generation = store->generation;
    out->item_count = ANCHOR_COUNT;
    return AH_OK;
}

static void AH_CC close_store(ah_store *store) { free(store); }

static const ah_store_ops ops = { sizeof(ah_store_ops), 0, close_store, health, list };

/* A store that can also be changed, searched or unlocked answers here with its table for that. */
static const void *AH_CC extension(const char *id) { (void)id; return NULL; }

static ah_status AH_CC open_store(const ah_host *host, const ah_config *config,
                                  ah_store **out, ah_error *err)
{
    static const char opened[] = "@name@ is opened";
    ah_str message = STR(opened);
    ah_store *store;
    if (host == NULL || config == NULL || out == NULL)
        return fail(err, AH_INVALID_ARGUMENT, "open without host or config");
    store = (ah_store *)calloc(1, sizeof *store); /* open may be called again: no static store */
    if (store == NULL) return fail(err, AH_NO_MEMORY, "no memory is left");
    store->host = host; /* lives until close returns (R3) */
    store->generation = count_generation();
    if (AH_HAS(host, ah_host, log)) host->log(host, AH_LOG_DEBUG, message);
    *out = store;
    return AH_OK;
}

static const ah_plugin plugin = {
    sizeof(ah_plugin), AH_MAGIC, AH_ABI_MAJOR, AH_ABI_MINOR, 0,
    STR("@id@"), STR("@name@"), STR("0.1.0"), { NULL, 0 },
    &ops, extension, open_store
};

const ah_plugin *AH_CC anchorhold_plugin_v1(void) { return &plugin; }
