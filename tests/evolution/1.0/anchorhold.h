/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * anchorhold.h - the whole contract between the host and a trust-store plugin.
 *
 * Stability: a plugin that keeps 1.0 of this contract loads in every host of 1.x, and hosts go
 * on loading 1.x for at least two years after 2.0. What grows, and how, are R1 and R2. This file
 * and all of sdk/ may be used under either licence; a plugin may have any licence of its own.
 *
 * Reading order: rules, scalars, data passed in, data passed out, the plugin's
 * tables, the host's tables, the entry symbol.
 *
 * Rules that hold for every declaration below
 *  R1 size     A struct that starts with `struct_size` has it set by the side whose memory
 *              it is; for an out-struct that is the caller, who zeroes the rest. A reader
 *              uses and a writer touches only the first struct_size bytes; what is not
 *              there reads as zero. Zero always means "as before". A size smaller than
 *              that of 1.0 is refused. ah_str, ah_bytes and ah_setting never grow; array
 *              elements grow by the stride that stands beside the array.
 *  R2 growth   Within AH_ABI_MAJOR fields are only appended. Nothing is removed, renamed
 *              in meaning, reordered or resized. Of values that a reader does not know, a
 *              flag is ignored, an item kind is skipped and counted, a decision counts as
 *              AH_DISTRUST, a purpose as AH_FOR_ANY where it distrusts and as no rule
 *              where it does not, a status as the first one of its range; a query or a
 *              question of a kind that is not known is AH_UNSUPPORTED.
 *  R3 borrow   Every pointer passed in either direction is borrowed until the call it was
 *              passed to returns: keep a copy, never the pointer. Three live longer: what
 *              the plugin's table leads to (for ever), ah_host (until close returns), and
 *              ah_store (from open to close). Nothing allocated on one side is ever freed
 *              by the other.
 *  R4 errors   Every fallible call returns ah_status and, if `err` is not NULL, fills it
 *              when the status is not AH_OK. Text is English, UTF-8 cut between two
 *              characters; the host shows it as a quotation, control characters removed.
 *  R5 unwind   No panic, exception or longjmp crosses the boundary.
 *  R6 re-entry Inside a host callback the host calls nothing of the plugin's but the sink
 *              passed to that very callback. Inside a sink the plugin may call host tables.
 *  R7 threads  [serial]  the host makes one call at a time per store, on any thread.
 *              [any]     any thread, concurrently, also beside a [serial] call.
 *              [inside]  only on the thread of the call it was passed to, until that returns.
 *              A plugin's own threads call nothing of the host's once close has returned, and
 *              a child made by fork calls nothing at all.
 *  R8 waiting  A deadline (ah_call.timeout_ms) ends the host's wait, not the plugin's work: a
 *              late answer is read and dropped. The process of a plugin that stays silent
 *              long after is killed, and what an interrupted apply did is found by listing.
 */
#ifndef ANCHORHOLD_H
#define ANCHORHOLD_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#  define AH_CC __cdecl
#  define AH_EXPORT __declspec(dllexport)
#else
#  define AH_CC
#  define AH_EXPORT __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define AH_ABI_MAJOR 1
#define AH_ABI_MINOR 0
#define AH_MAGIC     0x31504841u /* bytes 41 48 50 31, "AHP1" */
#define AH_ID_MAX          64u
#define AH_CURSOR_MAX     128u          /* an id, and as much again of the plugin's own */

/* The most bytes of an item's fields, and how many rules; more is AH_LIMIT, from a sink as from
 * apply, except that a label is cut. */
#define AH_CERTIFICATE_MAX      (256u << 10) /* of `der`, whatever the kind, but for a CRL */
#define AH_CRL_MAX              (64u << 20)
#define AH_LABEL_MAX            1024u
#define AH_NAME_CONSTRAINTS_MAX (64u << 10)
#define AH_SCOPE_MAX            (64u << 10)
#define AH_RULES_MAX            64u

/* Whether *p, as its writer knew it, has `field`; the rule at index i of an item. */
#define AH_HAS(p, type, field) \
    ((p)->struct_size >= offsetof(type, field) + sizeof((p)->field))
#define AH_RULE(item, i) \
    ((const ah_rule *)((const char *)(item)->rules + (size_t)(i) * (item)->rule_stride))

/* ---- scalars ------------------------------------------------------------ */

typedef int32_t ah_status;
enum {
    AH_OK               = 0,
    /* 1-15: the caller is wrong */
    AH_INVALID_ARGUMENT = 1,
    AH_INVALID_STATE    = 2,
    AH_UNSUPPORTED      = 3,
    /* 16-31: the answer is about the data */
    AH_NOT_FOUND        = 16, /* no item or key of this id; never the answer to a find */
    AH_ALREADY_EXISTS   = 17,
    AH_CONFLICT         = 18, /* the store moved on from if_generation */
    AH_MALFORMED        = 19,
    AH_STALE_CURSOR     = 20, /* start the listing again */
    AH_BUFFER_TOO_SMALL = 21,
    /* 32-47: a person can help */
    AH_LOCKED           = 32, /* unlock, then try again */
    AH_DENIED           = 33,
    AH_READ_ONLY        = 34,
    AH_PROMPT_REFUSED   = 35,
    AH_WRONG_SECRET     = 36, /* not tried again without a person */
    AH_LOCKED_OUT       = 37, /* no attempt is left: an administrator resets it */
    AH_NOT_PRESENT      = 38, /* no token in the reader, no collection of that name */
    AH_FULL             = 39,
    /* 48-63: time can help */
    AH_UNAVAILABLE      = 48,
    AH_TIMEOUT          = 49,
    AH_CANCELLED        = 50,
    AH_BUSY             = 51,
    /* 64-79: nobody can help */
    AH_NO_MEMORY        = 64,
    AH_LIMIT            = 65,
    AH_INTERNAL         = 66,
    AH_PANIC            = 67 /* the SDK caught a panic; the host retires the store */
    /* 0x1000 and up are made by the host only (crashed, protocol, quarantined, outcome
     * not known); a sink may answer with one, and the plugin returns it as it is. */
};

typedef struct ah_str   { const char    *ptr; size_t len; } ah_str;   /* UTF-8, no NUL */
typedef struct ah_bytes { const uint8_t *ptr; size_t len; } ah_bytes;

/* Owned by the caller, filled in place: an error never needs freeing. */
typedef struct ah_error {
    uint32_t  struct_size;
    ah_status status;
    int32_t   native_code;       /* CKR_*, errno, OSStatus, HRESULT; 0 if none */
    uint32_t  retry_after_ms;
    char      native_domain[16]; /* "pkcs11", "errno", "osstatus", "win32" */
    char      message[224];      /* UTF-8, NUL-terminated, no secrets */
} ah_error;

/* ---- data the host passes in -------------------------------------------- */

/* ask() will be answered, by a person or from what the operator stored for it. Set on
 * unlock, and on sign and apply where the item or the store says it needs asking. */
enum { AH_CALL_MAY_PROMPT = 1u << 0 };

typedef struct ah_call {
    uint32_t struct_size;
    uint32_t flags;
    uint32_t timeout_ms; /* 0: no limit */
    uint32_t reserved;
    uint64_t trace_id;
    void    *impl;
    int32_t (AH_CC *cancelled)(const struct ah_call *self); /* [any], while the call runs */
} ah_call;

typedef struct ah_setting { ah_str key; ah_str value; } ah_setting;

/* Checked by the host against the manifest before open: unknown or missing keys, types.
 * Values are canonical text: true or false, a decimal integer, milliseconds for a
 * duration, an absolute path; a list repeats its key. A setting of type `secret` never
 * appears here: the plugin asks for it by name (ah_prompt.setting). */
typedef struct ah_config {
    uint32_t          struct_size;
    uint32_t          setting_count;
    const ah_setting *settings;   /* never grows: a new kind of config is a new field */
    ah_str            store_name; /* what the operator calls this store */
    ah_str            state_dir;  /* private to this store, UTF-8, may be empty */
} ah_config;

enum { AH_BY_SUBJECT = 1, AH_BY_SHA256 = 2, AH_BY_SPKI_SHA256 = 3,
       AH_BY_ISSUER_SERIAL = 4, AH_BY_ID = 5 };

typedef struct ah_query {
    uint32_t struct_size;
    uint32_t by;
    uint32_t kinds;   /* bit mask of 1u << kind; 0: all kinds */
    uint32_t purpose; /* AH_FOR_*; 0: any. A hint: the host looks at the rules itself */
    ah_bytes key;     /* DER Name, digest or id */
    ah_bytes serial;  /* DER INTEGER contents, with AH_BY_ISSUER_SERIAL */
} ah_query;

/* ---- data the plugin passes out ------------------------------------------ */

/* What `der` holds: a certificate; an IssuerAndSerialNumber (RFC 5652) or a 32-byte
 * SHA-256 of a SubjectPublicKeyInfo, both to distrust only; a CRL; the public
 * SubjectPublicKeyInfo of a private key that stays in the store. */
enum { AH_KIND_CERTIFICATE = 1, AH_KIND_ISSUER_SERIAL = 2, AH_KIND_SPKI_SHA256 = 3,
       AH_KIND_CRL = 4, AH_KIND_PRIVATE_KEY = 5 };
enum { AH_FOR_ANY = 0, AH_FOR_SERVER = 1, AH_FOR_CLIENT = 2, AH_FOR_EMAIL = 3,
       AH_FOR_CODE = 4, AH_FOR_TIMESTAMP = 5 };
enum { AH_NEUTRAL = 0, AH_ANCHOR = 1, AH_DISTRUST = 2 };
enum { AH_ITEM_READ_ONLY     = 1u << 0,
       AH_ITEM_ASKS_EACH_USE = 1u << 1, /* a key that wants its PIN for every signature */
       AH_ITEM_TRUST_UNKNOWN = 1u << 2  /* the store marks its trust in a way that the plugin cannot
                                         * read: whatever its rules say, it vouches for nobody until
                                         * the operator names it */ };

typedef struct ah_rule {
    uint32_t purpose;
    uint32_t decision;
    int64_t  issued_before; /* unix seconds: trust only what was issued before; 0: no cut-off */
} ah_rule;

typedef struct ah_item {
    uint32_t       struct_size;
    uint32_t       kind;
    uint32_t       flags;
    uint32_t       rule_stride; /* sizeof(ah_rule) as its writer knows it */
    int64_t        created;     /* unix seconds, 0: not known */
    int64_t        modified;
    const ah_rule *rules;
    size_t         rule_count;  /* 0: AH_NEUTRAL for any purpose */
    ah_bytes       id;    /* unique in the store among all kinds, 1 to AH_ID_MAX bytes; the same in
                           * every process for as long as kind and der are held, and never
                           * reused for another der; empty in an item to be added */
    ah_bytes       der;   /* by kind; an item whose der is empty or broken is skipped and logged */
    ah_str         label; /* for people; need not be unique */
    ah_bytes       name_constraints; /* DER, may be empty */
    ah_str         scope; /* servers it is meant for, one a line, "*" for all; empty: the store
                           * does not say. A hint: the host decides what to make of it. */
} ah_item;

/* Receives items one by one. A status other than AH_OK means stop and return it. [inside] */
typedef struct ah_item_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void    *impl;
    ah_status (AH_CC *push)(const struct ah_item_sink *self, const ah_item *item);
} ah_item_sink;

/* Receives bytes. Called once. The host wipes its copy if the bytes are secret. [inside] */
typedef struct ah_byte_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void    *impl;
    ah_status (AH_CC *put)(const struct ah_byte_sink *self, ah_bytes bytes);
} ah_byte_sink;

/* One page of a listing. The cursor is the plugin's, holds no pointer and may
 * outlive the plugin's process. cursor_len 0 in: from the start; out: the end.
 * A listing shows one state of the store: all its pages carry one generation, and a
 * plugin that cannot go on in that state answers AH_STALE_CURSOR. The host begins
 * again, three times at most. A page may be empty; its cursor then still moves on.
 * The host leaves an item out only where nothing in it could apply: its kind is not known, or
 * its der is empty or broken. Whatever else breaks this contract fails the whole listing, and
 * so does a sink that refused an item, even if the plugin went on. */
typedef struct ah_page {
    uint32_t struct_size;
    uint32_t limit;      /* at most so many items are pushed; 0: the plugin chooses */
    uint64_t generation; /* out; 0: not known, the host compares contents itself */
    uint32_t cursor_len;
    uint32_t reserved;
    uint8_t  cursor[AH_CURSOR_MAX];
} ah_page;

enum { AH_READY = 1, AH_DEGRADED = 2, AH_HEALTH_LOCKED = 3, AH_OFFLINE = 4, AH_FAILED = 5 };
enum { AH_HEALTH_WATCHING   = 1u << 0,   /* changes are announced; no need to poll */
       AH_HEALTH_WRITABLE   = 1u << 1,   /* this store, now: a token may be write protected */
       AH_HEALTH_ASKS_WRITE = 1u << 2 }; /* apply needs MAY_PROMPT, as for a security officer */

typedef struct ah_health {
    uint32_t struct_size;
    uint32_t state;
    uint32_t flags;
    uint32_t attempts_left; /* before it locks itself; 0: not known or not limited */
    uint64_t generation;   /* differs when the contents differ, no order; 0: not known */
    uint64_t item_count;   /* UINT64_MAX: not known */
    int64_t  last_success; /* unix seconds; 0: never */
    char     detail[128];
} ah_health;

/* ---- the plugin's tables ------------------------------------------------- */

typedef struct ah_store ah_store; /* the plugin's own type */
typedef struct ah_host  ah_host;

typedef struct ah_store_ops {
    uint32_t struct_size;
    uint32_t reserved;
    /* Ends the store. No call is made on it during or after. [serial] */
    void (AH_CC *close)(ah_store *store);
    /* Answers from memory: never waits for a network, a device, a person, or a lock that
     * another call holds meanwhile. [any] */
    ah_status (AH_CC *health)(ah_store *store, const ah_call *call,
                              ah_health *out, ah_error *err);
    /* Never prompts: answers AH_LOCKED instead. [serial] */
    ah_status (AH_CC *list)(ah_store *store, const ah_call *call, ah_page *page,
                            const ah_item_sink *sink, ah_error *err);
} ah_store_ops;

/* For stores too large or too far away to list. Nothing pushed and AH_OK means that there
 * is none; every other status means that nobody knows. What is pushed fits the query, names
 * and numbers byte by byte, or the host takes none of it: an item is of a kind asked for; the
 * subject of a CRL is its issuer; of one id there is one item. By an id every such store can
 * be asked; what else it cannot look by is AH_UNSUPPORTED. Never prompts. */
#define AH_EXT_FIND "anchorhold.find/1"
typedef struct ah_find_ops {
    uint32_t struct_size;
    uint32_t reserved;
    ah_status (AH_CC *find)(ah_store *store, const ah_call *call, const ah_query *query,
                            const ah_item_sink *sink, ah_error *err); /* [serial] */
} ah_find_ops;

#define AH_EXT_WRITE "anchorhold.write/1"
enum { AH_WRITE_ATOMIC = 1u << 0 };   /* a batch happens whole or not at all, power loss included */
enum { AH_BATCH_CHECK_ONLY = 1u << 0 }; /* answer as if it were done; change nothing */
enum { AH_PUT = 1, AH_REMOVE = 2 };
typedef struct ah_change {
    uint32_t       action;
    uint32_t       reserved;
    const ah_item *item; /* AH_PUT: adds it, or updates the item of the same id, or of the
                          * same kind and der; an id that is not held counts as none.
                          * AH_REMOVE: NULL */
    ah_bytes       id;   /* AH_REMOVE */
} ah_change;
typedef struct ah_batch {
    uint32_t         struct_size;
    uint32_t         flags;
    uint32_t         change_stride; /* sizeof(ah_change) as the host knows it */
    uint32_t         reserved;
    uint64_t         if_generation; /* AH_CONFLICT if the store moved on; 0: whatever it is */
    const ah_change *changes;
    size_t           change_count;
} ah_batch;
enum { AH_NEW = 1, AH_UPDATED = 2, AH_UNCHANGED = 3, AH_REMOVED = 4 };
typedef struct ah_outcome {
    uint32_t struct_size;
    uint32_t index; /* of the change */
    uint32_t what;
    uint32_t reserved;
    ah_bytes id;    /* of the item, also of one that is gone or was never there */
} ah_outcome;
typedef struct ah_outcome_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void    *impl;
    ah_status (AH_CC *push)(const struct ah_outcome_sink *self, const ah_outcome *outcome);
} ah_outcome_sink;
typedef struct ah_write_ops {
    uint32_t struct_size;
    uint32_t flags;
    /* Makes the changes in order, stops at the first that fails, and returns its status: it
     * is the one after the last outcome pushed. An outcome is pushed once its change would
     * survive a power cut. Repeating a batch that was done answers AH_UNCHANGED, also for an
     * id to remove that is not held. [serial] */
    ah_status (AH_CC *apply)(ah_store *store, const ah_call *call, const ah_batch *batch,
                             const ah_outcome_sink *sink, ah_error *err);
} ah_write_ops;

#define AH_EXT_UNLOCK "anchorhold.unlock/1"
typedef struct ah_unlock_ops {
    uint32_t struct_size;
    uint32_t reserved;
    /* Asks at most once a call: a wrong answer is AH_WRONG_SECRET, and whether to try again
     * is the host's decision. [serial] */
    ah_status (AH_CC *unlock)(ah_store *store, const ah_call *call, ah_error *err);
    /* Forgets what unlocked it. Never prompts. [serial] */
    ah_status (AH_CC *lock)(ah_store *store, const ah_call *call, ah_error *err);
} ah_unlock_ops;

/* `scheme` is a TLS SignatureScheme code point. `message` is not yet hashed. The
 * signature is what TLS carries: an ECDSA signature is a DER SEQUENCE, not r || s. */
#define AH_EXT_SIGN "anchorhold.sign/1"
typedef struct ah_sign_ops {
    uint32_t struct_size;
    uint32_t reserved;
    /* count: how many there are, also with AH_BUFFER_TOO_SMALL; 256 at most. Never prompts.
     * [serial] */
    ah_status (AH_CC *schemes)(ah_store *store, const ah_call *call, ah_bytes key_id,
                               uint16_t *out, size_t capacity, size_t *count, ah_error *err);
    /* `message` has 1 MiB at most, the signature 65535 bytes. [serial] */
    ah_status (AH_CC *sign)(ah_store *store, const ah_call *call, ah_bytes key_id,
                            uint16_t scheme, ah_bytes message,
                            const ah_byte_sink *signature, ah_error *err);
} ah_sign_ops;

/* ---- the host's tables --------------------------------------------------- */

enum { AH_LOG_ERROR = 1, AH_LOG_WARN = 2, AH_LOG_INFO = 3, AH_LOG_DEBUG = 4, AH_LOG_TRACE = 5 };

struct ah_host { /* one per store; lives until close returns */
    uint32_t struct_size;
    uint32_t reserved;
    void    *impl;
    ah_str   name;    /* of the host program, as is the version */
    ah_str   version;
    /* Only queues; what is too much is counted and dropped. [any] */
    void (AH_CC *log)(const ah_host *host, uint32_t level, ah_str message);
    const void *(AH_CC *extension)(const ah_host *host, const char *id);    /* [any] */
};

#define AH_HOST_PROMPT "anchorhold.host.prompt/1"
/* PIN, PASSWORD: the answer is the secret. CONFIRM: an empty answer is a yes. TOUCH, and a
 * PIN pad: returns AH_OK at once without an answer, and what is asked stays on the
 * screen until the call that it was asked in ends. No: AH_PROMPT_REFUSED. */
enum { AH_ASK_PIN = 1, AH_ASK_PASSWORD = 2, AH_ASK_CONFIRM = 3, AH_ASK_TOUCH = 4 };
enum { AH_PROMPT_AGAIN = 1u << 0 }; /* the answer before was wrong: a stored one is not repeated */
typedef struct ah_prompt {
    uint32_t struct_size;
    uint32_t kind;
    uint32_t attempts_left; /* UINT32_MAX: not known */
    uint32_t flags;
    ah_str   setting; /* the manifest's secret setting that this asks for, may be empty */
    ah_str   title;
    ah_str   detail;
} ah_prompt;
typedef struct ah_host_prompt {
    uint32_t struct_size;
    uint32_t reserved;
    /* The secret, of 4096 bytes at most, exists only while `answer` runs; the host wipes it
     * after. Refused but in a call with AH_CALL_MAY_PROMPT: one answer in unlock, a few in sign
     * and apply. [inside] */
    ah_status (AH_CC *ask)(const ah_host *host, const ah_call *call, const ah_prompt *prompt,
                           const ah_byte_sink *answer, ah_error *err);
} ah_host_prompt;

#define AH_HOST_NOTIFY "anchorhold.host.notify/1"
typedef struct ah_host_notify {
    uint32_t struct_size;
    uint32_t reserved;
    /* A hint that coalesces. Only queues, so it is safe under the plugin's locks. [any] */
    void (AH_CC *changed)(const ah_host *host, uint64_t generation);
} ah_host_notify;

#define AH_HOST_SECRET_MEM "anchorhold.host.secret-mem/1"
typedef struct ah_host_secret_mem {
    uint32_t struct_size;
    uint32_t reserved;
    /* Zeroed and never swapped, aligned for everything, or NULL: a piece has 64 KiB at most, all
     * of a store's together 1 MiB. What is not given back is wiped when close returns. Both
     * [any]. */
    void *(AH_CC *take)(const ah_host *host, size_t size);
    void  (AH_CC *give_back)(const ah_host *host, void *ptr, size_t size); /* wiped */
} ah_host_secret_mem;

/* ---- the entry symbol ---------------------------------------------------- */

enum { AH_PLUGIN_THREAD_SAFE     = 1u << 0, /* [serial] functions may run concurrently */
       AH_PLUGIN_THREAD_AFFINE   = 1u << 1, /* open and each [serial] call: one thread a store */
       AH_PLUGIN_PANIC_IS_ABORT  = 1u << 2 }; /* set by the SDK; host isolates it */

typedef struct ah_plugin {
    uint32_t struct_size;
    uint32_t magic;
    uint16_t abi_major;
    uint16_t abi_minor; /* for people and logs; no code decides by it */
    uint32_t flags;
    ah_str   id;        /* reverse DNS, "org.example.ldap"; equals the manifest's */
    ah_str   name;
    ah_str   version;
    ah_str   manifest;  /* a built-in's; of a library empty, or the very bytes of its file */
    const ah_store_ops *ops;
    /* The table named `id`, or NULL; the same answer in every process, before any store is
     * open. What one store cannot do just now its health says. [any] */
    const void *(AH_CC *extension)(const char *id);
    /* Makes one store; may be called several times, with different configs. Does not
     * wait for a network, a device or a person: health tells how that goes. [any] */
    ah_status (AH_CC *open)(const ah_host *host, const ah_config *config,
                            ah_store **out, ah_error *err);
} ah_plugin;

/* The one exported symbol. Returns a constant: no work, no allocation, no I/O.
 * The major version is in the name, so one library can serve two majors. */
AH_EXPORT const ah_plugin *AH_CC anchorhold_plugin_v1(void);

#ifdef __cplusplus
}
#endif
#endif
