/* directory.c - a store that can be changed: every item is a file of a directory.
 *
 * What an author can take from it: how each struct is read by its size (R1), an id that is the
 * same in every process, pages that show one state, changes that survive a power cut before they
 * are answered, and health from memory. A file is called by the id of its item, in hexadecimal, and
 * .pem; record.h says what is in it.
 *
 * Files are replaced and never changed, under a lock of the directory, so other processes may
 * have stores in it at the same time. What somebody else's program puts there under another name
 * is not of the store.
 */
#if !defined(_GNU_SOURCE)
#  define _GNU_SOURCE /* flock, and what POSIX.1-2008 has: openat, renameat, fdopendir */
#endif
#include "anchorhold.h"
#include "record.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STR(s) { s, sizeof s - 1 }
/* How long an element of an array is at least: as it was in 1.0, whatever has been appended. */
#define END_OF(type, field) (offsetof(type, field) + sizeof(((type *)0)->field))

enum {
    NAME_LENGTH = 2 * ID_LENGTH + 4,        /* the id and .pem */
    CURSOR_LENGTH = 8 + ID_LENGTH,          /* the generation, and the last id that was listed */
    PAGE = 256,                             /* items, where the host does not say */
    FILE_MAX = 96 << 20,                    /* the longest CRL, in base64 */
    PATIENCE_MS = 2000                      /* for whoever else changes the directory */
};
static const char new_name[] = ".new";      /* a file that is not whole yet */

/* What the directory holds, in the order of ids. */
struct contents {
    struct record **records;
    size_t   count, room;
    size_t   others;     /* files that are not of the store */
    uint64_t generation; /* taken from all that is held, never 0 */
    int      writable;
};

/* What health answers from, under a lock that nobody keeps while waiting for anything. */
struct standing {
    uint32_t state;
    int      writable;
    uint64_t generation, item_count;
    int64_t  last_success;
    char     detail[128];
};

struct ah_store {
    const ah_host  *host;
    char           *path;
    size_t          others;    /* how many files of others the log was told of */
    struct contents *contents; /* as they were last listed; NULL: not yet, or not known */
    pthread_mutex_t lock;      /* of `standing` alone */
    struct standing standing;
};

/* ---- errors and health ---------------------------------------------------- */

/* Puts a text where it ends in a NUL, cut between two characters. */
static void put_text(char *to, size_t room, const char *text)
{
    size_t length = strlen(text);
    if (length >= room) {
        length = room - 1;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) length--;
    }
    memcpy(to, text, length);
    to[length] = '\0';
}

/* Fills the host's error, if there is one and it has all fields of 1.0 (R1), and returns the
 * status. `code` is an errno, or 0. */
#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
static ah_status fail(ah_error *err, ah_status status, int code, const char *format, ...)
{
    char message[1024];
    va_list list;
    if (err == NULL || !AH_HAS(err, ah_error, message)) return status;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    err->status = status;
    err->native_code = code;
    err->retry_after_ms = 0;
    put_text(err->native_domain, sizeof err->native_domain, code == 0 ? "" : "errno");
    put_text(err->message, sizeof err->message, message);
    return status;
}

/* The same for a system call; the status says who can help. */
static ah_status fail_errno(ah_error *err, const char *what, const char *path)
{
    int code = errno;
    ah_status status = AH_UNAVAILABLE;
    switch (code) {
    case ENOENT: case ENOTDIR: status = AH_NOT_PRESENT; break;
    case EACCES: case EPERM:   status = AH_DENIED; break;
    case EROFS:                status = AH_READ_ONLY; break;
    case ENOSPC: case EDQUOT:  status = AH_FULL; break;
    case ENOMEM:               status = AH_NO_MEMORY; break;
    }
    return fail(err, status, code, "cannot %s %s: %s", what, path, strerror(code));
}

static ah_status no_memory(ah_error *err)
{
    return fail(err, AH_NO_MEMORY, 0, "no memory is left");
}

/* What the directory holds is known. */
static void stand_with(ah_store *store, const struct contents *contents)
{
    pthread_mutex_lock(&store->lock);
    store->standing.state = AH_READY;
    store->standing.writable = contents->writable;
    store->standing.generation = contents->generation;
    store->standing.item_count = contents->count;
    store->standing.last_success = (int64_t)time(NULL);
    store->standing.detail[0] = '\0';
    pthread_mutex_unlock(&store->lock);
}

/* What the directory holds is not known. */
static void stand_without(ah_store *store, uint32_t state, int writable, const char *detail)
{
    pthread_mutex_lock(&store->lock);
    store->standing.state = state;
    store->standing.writable = writable;
    store->standing.generation = 0;
    store->standing.item_count = UINT64_MAX;
    put_text(store->standing.detail, sizeof store->standing.detail, detail);
    pthread_mutex_unlock(&store->lock);
}

static void say(const ah_store *store, uint32_t level, const char *format, unsigned long number)
{
    char line[256];
    ah_str message;
    if (!AH_HAS(store->host, ah_host, log) || store->host->log == NULL) return;
    snprintf(line, sizeof line, format, number);
    message.ptr = line;
    message.len = strlen(line);
    store->host->log(store->host, level, message);
}

static int is_cancelled(const ah_call *call)
{
    return call != NULL && AH_HAS(call, ah_call, cancelled) && call->cancelled != NULL
        && call->cancelled(call);
}

/* ---- contents ------------------------------------------------------------- */

static void contents_free(struct contents *contents)
{
    size_t i;
    if (contents == NULL) return;
    for (i = 0; i < contents->count; i++) record_free(contents->records[i]);
    free(contents->records);
    free(contents);
}

/* Where an id is, or would be. */
static size_t contents_place(const struct contents *contents, const uint8_t *id)
{
    size_t low = 0, high = contents->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(contents->records[middle]->id, id, ID_LENGTH) < 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

static struct record *contents_find(const struct contents *contents, const uint8_t *id)
{
    size_t place = contents_place(contents, id);
    if (place == contents->count) return NULL;
    if (memcmp(contents->records[place]->id, id, ID_LENGTH) != 0) return NULL;
    return contents->records[place];
}

/* The record of an id as the host has it, which may be no id of this store. */
static struct record *contents_find_bytes(const struct contents *contents, ah_bytes id)
{
    return id.len == ID_LENGTH ? contents_find(contents, id.ptr) : NULL;
}

/* Takes a record in, in place of the one of its id; 0 where no memory is left. */
static int contents_put(struct contents *contents, struct record *record)
{
    size_t place = contents_place(contents, record->id);
    if (contents_find(contents, record->id) != NULL) {
        record_free(contents->records[place]);
        contents->records[place] = record;
        return 1;
    }
    if (contents->count == contents->room) {
        size_t room = contents->room == 0 ? 64 : 2 * contents->room;
        void *grown = realloc(contents->records, room * sizeof *contents->records);
        if (grown == NULL) return 0;
        contents->records = (struct record **)grown;
        contents->room = room;
    }
    memmove(contents->records + place + 1, contents->records + place,
            (contents->count - place) * sizeof *contents->records);
    contents->records[place] = record;
    contents->count++;
    return 1;
}

static void contents_remove(struct contents *contents, const uint8_t *id)
{
    size_t place = contents_place(contents, id);
    record_free(contents->records[place]);
    contents->count--;
    memmove(contents->records + place, contents->records + place + 1,
            (contents->count - place) * sizeof *contents->records);
}

/* Different contents have different generations, in every process. */
static void contents_count_generation(struct contents *contents)
{
    struct sha256 sha;
    uint8_t digest[SHA256_SIZE];
    size_t i;
    sha256_begin(&sha);
    for (i = 0; i < contents->count; i++) {
        sha256_add(&sha, contents->records[i]->id, ID_LENGTH);
        sha256_add(&sha, contents->records[i]->digest, SHA256_SIZE);
    }
    sha256_end(&sha, digest);
    contents->generation = 0;
    for (i = 0; i < 8; i++) contents->generation = contents->generation << 8 | digest[i];
    if (contents->generation == 0) contents->generation = 1;
}

/* ---- files ------------------------------------------------------------------ */

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits for a lock of the directory, not longer than the host waits for the answer, and not at all
 * where there is no call. */
static ah_status lock_directory(ah_store *store, int fd, int kind, const ah_call *call,
                                ah_error *err)
{
    const struct timespec moment = { 0, 5000000 };
    long long limit = call == NULL ? 0 : PATIENCE_MS, start = now_ms();
    if (call != NULL && AH_HAS(call, ah_call, timeout_ms) && call->timeout_ms != 0
        && call->timeout_ms / 2 < PATIENCE_MS) limit = call->timeout_ms / 2;
    while (flock(fd, kind | LOCK_NB) != 0) {
        if (errno == EINTR) continue;
        if (errno != EWOULDBLOCK) return fail_errno(err, "lock", store->path);
        if (is_cancelled(call)) return fail(err, AH_CANCELLED, 0, "cancelled");
        if (now_ms() - start >= limit)
            return fail(err, AH_BUSY, 0, "another process is changing %s", store->path);
        nanosleep(&moment, NULL);
    }
    return AH_OK;
}

/* Opens the directory and locks it, until it is closed. Where others may write, anybody may make
 * anchors, so that is refused. */
static ah_status open_directory(ah_store *store, int kind, const ah_call *call, DIR **out,
                                ah_error *err)
{
    ah_status status;
    struct stat about;
    int fd = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return fail_errno(err, "open the directory", store->path);
    if (fstat(fd, &about) != 0) {
        status = fail_errno(err, "look at", store->path);
    } else if ((about.st_mode & S_IWOTH) != 0) {
        status = fail(err, AH_DENIED, 0, "everybody may write to %s: take that away with chmod o-w",
                      store->path);
    } else {
        status = lock_directory(store, fd, kind, call, err);
    }
    if (status == AH_OK && (*out = fdopendir(fd)) == NULL)
        status = fail_errno(err, "read the directory", store->path);
    if (status != AH_OK) close(fd);
    return status;
}

/* Whether this is the name of an item's file. */
static int is_item_name(const char *name)
{
    return strlen(name) == NAME_LENGTH && strspn(name, "0123456789abcdef") == 2 * ID_LENGTH
        && strcmp(name + 2 * ID_LENGTH, ".pem") == 0;
}

static void name_file(const uint8_t *id, char name[NAME_LENGTH + 1])
{
    size_t i;
    for (i = 0; i < ID_LENGTH; i++) snprintf(name + 2 * i, 3, "%02x", id[i]);
    memcpy(name + 2 * ID_LENGTH, ".pem", 5);
}

/* Reads all of a file; the text ends in a NUL that `length` does not count. */
static ah_status read_text(int fd, const char *name, char **text, size_t *length, ah_error *err)
{
    struct stat about;
    size_t size;
    if (fstat(fd, &about) != 0) return fail_errno(err, "look at", name);
    if (!S_ISREG(about.st_mode) || (about.st_mode & S_IWOTH) != 0)
        return fail(err, AH_MALFORMED, 0, "%s is no file that only its owner may write", name);
    if (about.st_size > FILE_MAX) return fail(err, AH_LIMIT, 0, "%s is too long", name);
    size = (size_t)about.st_size;
    *length = 0;
    *text = (char *)malloc(size + 1);
    if (*text == NULL) return no_memory(err);
    while (*length < size) {
        ssize_t count = read(fd, *text + *length, size - *length);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno(err, "read", name);
        if (count == 0) break;
        *length += (size_t)count;
    }
    (*text)[*length] = '\0';
    return AH_OK;
}

/* Reads one file. One that cannot be read fails everything: it may be there to distrust. */
static ah_status load_file(int dir, const char *name, struct contents *contents, ah_error *err)
{
    struct record *record = NULL;
    char own[NAME_LENGTH + 1], *text = NULL;
    size_t length = 0;
    ah_status status;
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) return AH_OK; /* removed meanwhile, by somebody with no lock */
    if (fd < 0) return fail_errno(err, "open", name);
    status = read_text(fd, name, &text, &length, err);
    close(fd);
    if (status == AH_OK) {
        status = record_read(text, length, &record);
        if (status != AH_OK) status = fail(err, status, 0, "%s cannot be understood", name);
        else if (name_file(record->id, own), strcmp(own, name) != 0)
            status = fail(err, AH_MALFORMED, 0, "%s holds something else than its name says", name);
        else if (!contents_put(contents, record))
            status = no_memory(err);
        if (status != AH_OK) record_free(record);
    }
    free(text);
    return status;
}

static ah_status load_files(DIR *directory, const ah_call *call, struct contents *contents,
                            ah_error *err)
{
    int dir = dirfd(directory);
    ah_status status = AH_OK;
    struct dirent *entry;
    contents->writable = faccessat(dir, ".", W_OK, 0) == 0;
    for (errno = 0; status == AH_OK && (entry = readdir(directory)) != NULL; errno = 0) {
        if (is_item_name(entry->d_name)) status = load_file(dir, entry->d_name, contents, err);
        else if (entry->d_name[0] != '.') contents->others++;
        if (status == AH_OK && is_cancelled(call)) status = fail(err, AH_CANCELLED, 0, "cancelled");
    }
    if (status == AH_OK && errno != 0) status = fail_errno(err, "read", "the directory");
    if (status == AH_OK) contents_count_generation(contents);
    return status;
}

static ah_status load(DIR *directory, const ah_call *call, struct contents **out, ah_error *err)
{
    struct contents *contents = (struct contents *)calloc(1, sizeof *contents);
    ah_status status;
    if (contents == NULL) return no_memory(err);
    status = load_files(directory, call, contents, err);
    if (status != AH_OK) {
        contents_free(contents);
        return status;
    }
    *out = contents;
    return AH_OK;
}

/* Makes contents those that health speaks of and pages are listed from. */
static void install(ah_store *store, struct contents *contents)
{
    contents_free(store->contents);
    store->contents = contents;
    stand_with(store, contents);
    if (contents->others != store->others)
        say(store, AH_LOG_WARN, "files in the directory that are not of this store: %lu",
            (unsigned long)contents->others);
    store->others = contents->others;
}

/* The directory could not be read, and `err` says why if the host wants to know. */
static void forget(ah_store *store, ah_status status, const ah_error *err)
{
    int known = err != NULL && AH_HAS(err, ah_error, message);
    int away = status == AH_NOT_PRESENT || status == AH_UNAVAILABLE;
    if (status == AH_CANCELLED || status == AH_BUSY) return; /* which say nothing of it */
    contents_free(store->contents);
    store->contents = NULL;
    stand_without(store, away ? AH_OFFLINE : AH_FAILED, 0,
                  known ? err->message : "the directory cannot be read");
}

/* Writes all of a new file of the directory, and makes sure that it is on the disk. */
static ah_status write_new(int dir, const struct text *text, ah_error *err)
{
    size_t written = 0;
    ah_status status = AH_OK;
    int fd;
    if (unlinkat(dir, new_name, 0) != 0 && errno != ENOENT)
        return fail_errno(err, "remove what is left of", new_name);
    fd = openat(dir, new_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0) return fail_errno(err, "make a file in", "the directory");
    while (status == AH_OK && written < text->len) {
        ssize_t count = write(fd, text->ptr + written, text->len - written);
        if (count >= 0) written += (size_t)count;
        else if (errno != EINTR) status = fail_errno(err, "write to", "a new file");
    }
    if (status == AH_OK && fsync(fd) != 0) status = fail_errno(err, "write to", "a new file");
    if (close(fd) != 0 && status == AH_OK) status = fail_errno(err, "write to", "a new file");
    if (status != AH_OK) unlinkat(dir, new_name, 0);
    return status;
}

/* A file is replaced as a whole: who reads meanwhile sees the old one or the new one. */
static ah_status replace_file(int dir, const uint8_t *id, const struct text *text, ah_error *err)
{
    char name[NAME_LENGTH + 1];
    ah_status status = write_new(dir, text, err);
    if (status != AH_OK) return status;
    name_file(id, name);
    if (renameat(dir, new_name, dir, name) != 0) {
        status = fail_errno(err, "put a file into", "the directory");
        unlinkat(dir, new_name, 0);
        return status;
    }
    return fsync(dir) != 0 ? fail_errno(err, "write", "the directory") : AH_OK;
}

static ah_status remove_file(int dir, const uint8_t *id, ah_error *err)
{
    char name[NAME_LENGTH + 1];
    name_file(id, name);
    if (unlinkat(dir, name, 0) != 0 && errno != ENOENT) return fail_errno(err, "remove", name);
    return fsync(dir) != 0 ? fail_errno(err, "write", "the directory") : AH_OK;
}

/* ---- listing ---------------------------------------------------------------- */

static ah_status read_directory(ah_store *store, const ah_call *call, ah_error *err)
{
    DIR *directory = NULL;
    struct contents *contents = NULL;
    ah_status status = open_directory(store, LOCK_SH, call, &directory, err);
    if (status == AH_OK) {
        status = load(directory, call, &contents, err);
        closedir(directory);
    }
    if (status == AH_OK) install(store, contents);
    else forget(store, status, err);
    return status;
}

/* Where a page begins, once the contents are those that the listing began with. */
static ah_status begin_page(ah_store *store, const ah_call *call, const ah_page *page,
                            size_t *first, ah_error *err)
{
    const uint8_t *last = page->cursor + 8;
    uint64_t generation = 0;
    ah_status status;
    unsigned i;
    *first = 0;
    if (page->cursor_len == 0) return read_directory(store, call, err);
    if (page->cursor_len != CURSOR_LENGTH)
        return fail(err, AH_STALE_CURSOR, 0, "this is no cursor of this plugin");
    for (i = 0; i < 8; i++) generation = generation << 8 | page->cursor[i];
    if (store->contents == NULL || store->contents->generation != generation) {
        status = read_directory(store, call, err); /* the cursor may be of another process */
        if (status != AH_OK) return status;
    }
    if (store->contents->generation != generation)
        return fail(err, AH_STALE_CURSOR, 0, "%s has changed", store->path);
    if (contents_find(store->contents, last) == NULL)
        return fail(err, AH_STALE_CURSOR, 0, "this is no cursor of this plugin");
    *first = contents_place(store->contents, last) + 1;
    return AH_OK;
}

static ah_status push(const ah_item_sink *sink, const struct record *record)
{
    ah_item item;
    memset(&item, 0, sizeof item);
    item.struct_size = sizeof item;
    item.kind = record->kind;
    item.rule_stride = sizeof *record->rules;
    item.created = record->created;
    item.modified = record->modified;
    item.rules = record->rules;
    item.rule_count = record->rule_count;
    item.id.ptr = record->id;
    item.id.len = ID_LENGTH;
    item.der = record->der;
    item.label = record->label;
    item.name_constraints = record->constraints;
    item.scope = record->scope;
    return sink->push(sink, &item);
}

static ah_status AH_CC list(ah_store *store, const ah_call *call, ah_page *page,
                            const ah_item_sink *sink, ah_error *err)
{
    const struct contents *contents;
    size_t first, end, i;
    ah_status status;
    if (page == NULL || !AH_HAS(page, ah_page, cursor)
        || sink == NULL || !AH_HAS(sink, ah_item_sink, push))
        return fail(err, AH_INVALID_ARGUMENT, 0, "list without page or sink, or with a short one");
    if (is_cancelled(call)) return fail(err, AH_CANCELLED, 0, "cancelled");
    status = begin_page(store, call, page, &first, err);
    if (status != AH_OK) return status;
    contents = store->contents;
    end = page->limit == 0 ? (size_t)PAGE : page->limit;
    end = contents->count - first < end ? contents->count : first + end;
    for (i = first; i < end; i++) {
        status = push(sink, contents->records[i]);
        if (status != AH_OK) return fail(err, status, 0, "the host took no more");
    }
    page->generation = contents->generation;
    page->cursor_len = 0;
    if (end < contents->count) {
        for (i = 0; i < 8; i++) page->cursor[i] = (uint8_t)(contents->generation >> (56 - 8 * i));
        memcpy(page->cursor + 8, contents->records[end - 1]->id, ID_LENGTH);
        page->cursor_len = CURSOR_LENGTH;
    }
    return AH_OK;
}

/* ---- changing ----------------------------------------------------------------- */

/* Whether bytes are one DER SEQUENCE and nothing after it. */
static int is_sequence(ah_bytes der)
{
    size_t length, i, octets;
    if (der.len < 2 || der.ptr[0] != 0x30) return 0;
    if (der.ptr[1] < 0x80) return der.len - 2 == der.ptr[1];
    octets = der.ptr[1] & 0x7f;
    if (octets == 0 || octets > 4 || der.len - 2 < octets) return 0;
    for (length = 0, i = 0; i < octets; i++) length = length << 8 | der.ptr[2 + i];
    return der.len - 2 - octets == length;
}

/* Whether this store can keep an item. */
static ah_status check_item(const ah_item *item, ah_error *err)
{
    size_t most = AH_CERTIFICATE_MAX;
    if (item == NULL || !AH_HAS(item, ah_item, scope))
        return fail(err, AH_INVALID_ARGUMENT, 0, "no item, or a short one");
    if (record_name(item->kind) == NULL)
        return fail(err, AH_UNSUPPORTED, 0, "items of kind %u are not kept here",
                    (unsigned)item->kind);
    if (item->flags & AH_ITEM_TRUST_UNKNOWN)
        return fail(err, AH_UNSUPPORTED, 0, "there is no place here for a mark that nobody can read");
    if (item->kind == AH_KIND_CRL) most = AH_CRL_MAX;
    if (item->der.len > most || item->name_constraints.len > AH_NAME_CONSTRAINTS_MAX
        || item->scope.len > AH_SCOPE_MAX || item->rule_count > AH_RULES_MAX)
        return fail(err, AH_LIMIT, 0, "the item is too large");
    if (item->kind == AH_KIND_SPKI_SHA256 ? item->der.len != SHA256_SIZE : !is_sequence(item->der))
        return fail(err, AH_MALFORMED, 0, "the bytes are not what the item's kind says");
    if (item->rule_count > 0
        && (item->rules == NULL || item->rule_stride < END_OF(ah_rule, issued_before)))
        return fail(err, AH_INVALID_ARGUMENT, 0, "the rules of an item are not there");
    return AH_OK;
}

/* What a batch is carried out on. */
struct work {
    int dir;
    int check_only;
    struct contents *contents;
    ah_error *err;
};

static ah_status put_record(struct work *work, const struct text *text, struct record *record,
                            uint32_t *what)
{
    const struct record *held = contents_find(work->contents, record->id);
    ah_status status = AH_OK;
    *what = held == NULL ? AH_NEW : AH_UPDATED;
    if (held != NULL && memcmp(held->digest, record->digest, SHA256_SIZE) == 0) {
        *what = AH_UNCHANGED;
        record_free(record);
        return AH_OK;
    }
    if (!work->check_only) status = replace_file(work->dir, record->id, text, work->err);
    if (status == AH_OK && !contents_put(work->contents, record)) status = no_memory(work->err);
    if (status != AH_OK) record_free(record);
    return status;
}

static ah_status put_item(struct work *work, const ah_item *item, uint8_t id[ID_LENGTH],
                          uint32_t *what)
{
    struct text text = { NULL, 0, 0, 0 };
    struct record *record = NULL;
    const struct record *named;
    ah_status status = check_item(item, work->err);
    if (status != AH_OK) return status;
    record_id(item->kind, item->der, id);
    named = contents_find_bytes(work->contents, item->id);
    if (named != NULL && memcmp(named->id, id, ID_LENGTH) != 0)
        return fail(work->err, AH_INVALID_ARGUMENT, 0,
                    "an id belongs to its bytes: remove the item first, then add the other one");
    record_write(item, &text);
    status = text.failed ? AH_NO_MEMORY : record_read(text.ptr, text.len, &record);
    if (status != AH_OK) status = fail(work->err, status, 0, "the item cannot be written down");
    else status = put_record(work, &text, record, what);
    free(text.ptr);
    return status;
}

static ah_status remove_item(struct work *work, ah_bytes id, uint32_t *what)
{
    const struct record *held = contents_find_bytes(work->contents, id);
    ah_status status = AH_OK;
    if (id.len == 0 || id.len > AH_ID_MAX)
        return fail(work->err, AH_INVALID_ARGUMENT, 0, "an id has 1 to %u bytes", AH_ID_MAX);
    *what = held == NULL ? AH_UNCHANGED : AH_REMOVED;
    if (held == NULL) return AH_OK;
    if (!work->check_only) status = remove_file(work->dir, held->id, work->err);
    if (status == AH_OK) contents_remove(work->contents, held->id);
    return status;
}

static ah_status make_change(struct work *work, const ah_change *change, ah_outcome *outcome,
                             uint8_t id[ID_LENGTH])
{
    switch (change->action) {
    case AH_PUT:
        outcome->id.ptr = id;
        outcome->id.len = ID_LENGTH;
        return put_item(work, change->item, id, &outcome->what);
    case AH_REMOVE:
        outcome->id = change->id;
        return remove_item(work, change->id, &outcome->what);
    default:
        return fail(work->err, AH_UNSUPPORTED, 0, "changes of kind %u are not known",
                    (unsigned)change->action);
    }
}

/* Makes the changes one by one; each outcome is pushed once its file is on the disk. */
static ah_status make_changes(struct work *work, const ah_call *call, const ah_batch *batch,
                              const ah_outcome_sink *sink)
{
    const char *at = (const char *)batch->changes;
    ah_status status;
    size_t i;
    for (i = 0; i < batch->change_count; i++, at += batch->change_stride) {
        uint8_t id[ID_LENGTH];
        ah_outcome outcome;
        memset(&outcome, 0, sizeof outcome);
        outcome.struct_size = sizeof outcome;
        outcome.index = (uint32_t)i;
        if (is_cancelled(call)) return fail(work->err, AH_CANCELLED, 0, "cancelled");
        status = make_change(work, (const ah_change *)at, &outcome, id);
        if (status != AH_OK) return status;
        status = sink->push(sink, &outcome);
        if (status != AH_OK) return fail(work->err, status, 0, "the host took no more");
    }
    return AH_OK;
}

static ah_status change_directory(ah_store *store, DIR *directory, const ah_call *call,
                                  const ah_batch *batch, const ah_outcome_sink *sink, ah_error *err)
{
    struct work work = { -1, 0, NULL, NULL };
    ah_status status = load(directory, call, &work.contents, err);
    if (status != AH_OK) {
        forget(store, status, err);
        return status;
    }
    work.dir = dirfd(directory);
    work.check_only = (batch->flags & AH_BATCH_CHECK_ONLY) != 0;
    work.err = err;
    if (batch->if_generation != 0 && batch->if_generation != work.contents->generation)
        status = fail(err, AH_CONFLICT, 0, "%s has changed since it was listed", store->path);
    else
        status = make_changes(&work, call, batch, sink);
    if (work.check_only) {
        contents_free(work.contents); /* what would be is not what is */
    } else if (status == AH_OK) {
        contents_count_generation(work.contents);
        install(store, work.contents);
    } else {
        /* Where a change failed, only the directory knows what is there. */
        stand_without(store, AH_READY, work.contents->writable, "");
        contents_free(work.contents);
        contents_free(store->contents);
        store->contents = NULL;
    }
    return status;
}

static ah_status AH_CC apply(ah_store *store, const ah_call *call, const ah_batch *batch,
                             const ah_outcome_sink *sink, ah_error *err)
{
    DIR *directory = NULL;
    ah_status status;
    if (batch == NULL || !AH_HAS(batch, ah_batch, change_count)
        || sink == NULL || !AH_HAS(sink, ah_outcome_sink, push)
        || (batch->change_count > 0
            && (batch->changes == NULL || batch->change_stride < END_OF(ah_change, id)
                || batch->change_count > UINT32_MAX)))
        return fail(err, AH_INVALID_ARGUMENT, 0, "apply without batch or sink, or with a short one");
    if (is_cancelled(call)) return fail(err, AH_CANCELLED, 0, "cancelled");
    status = open_directory(store, LOCK_EX, call, &directory, err);
    if (status != AH_OK) return status;
    status = change_directory(store, directory, call, batch, sink, err);
    closedir(directory);
    return status;
}

/* ---- the tables ----------------------------------------------------------------- */

static ah_status AH_CC health(ah_store *store, const ah_call *call, ah_health *out, ah_error *err)
{
    struct standing now;
    (void)call;
    if (out == NULL || !AH_HAS(out, ah_health, detail))
        return fail(err, AH_INVALID_ARGUMENT, 0, "health without ah_health, or with a short one");
    pthread_mutex_lock(&store->lock);
    now = store->standing;
    pthread_mutex_unlock(&store->lock);
    out->state = now.state;
    out->flags = now.writable ? AH_HEALTH_WRITABLE : 0;
    out->attempts_left = 0;
    out->generation = now.generation;
    out->item_count = now.item_count;
    out->last_success = now.last_success;
    memcpy(out->detail, now.detail, sizeof out->detail);
    return AH_OK;
}

static void AH_CC close_store(ah_store *store)
{
    if (store == NULL) return;
    contents_free(store->contents);
    pthread_mutex_destroy(&store->lock);
    free(store->path);
    free(store);
}

static const ah_store_ops ops = { sizeof(ah_store_ops), 0, close_store, health, list };
static const ah_write_ops write_ops = { sizeof(ah_write_ops), 0, apply };

static const void *AH_CC extension(const char *id)
{
    return id != NULL && strcmp(id, AH_EXT_WRITE) == 0 ? &write_ops : NULL;
}

/* A copy of a setting that ends in a NUL; NULL where it is not there, or no memory is left. */
static char *copy_setting(const ah_config *config, const char *key)
{
    uint32_t i;
    for (i = 0; i < config->setting_count; i++) {
        const ah_setting *setting = &config->settings[i];
        ah_str value = setting->value;
        char *copy;
        if (setting->key.len != strlen(key) || memcmp(setting->key.ptr, key, strlen(key)) != 0)
            continue;
        copy = (char *)malloc(value.len + 1);
        if (copy == NULL) return NULL;
        if (value.len > 0) memcpy(copy, value.ptr, value.len);
        copy[value.len] = '\0';
        return copy;
    }
    return NULL;
}

static ah_status AH_CC open_store(const ah_host *host, const ah_config *config,
                                  ah_store **out, ah_error *err)
{
    ah_error why;
    ah_store *store;
    if (out == NULL || host == NULL || config == NULL || !AH_HAS(config, ah_config, state_dir))
        return fail(err, AH_INVALID_ARGUMENT, 0, "open without host or config, or with a short one");
    store = (ah_store *)calloc(1, sizeof *store); /* open may be called again: no static store */
    if (store == NULL) return no_memory(err);
    store->path = copy_setting(config, "dir");
    if (store->path == NULL || store->path[0] != '/') {
        free(store->path);
        free(store);
        return fail(err, AH_INVALID_ARGUMENT, 0, "the setting \"dir\" is no absolute path");
    }
    store->host = host;
    pthread_mutex_init(&store->lock, NULL);
    stand_without(store, AH_READY, 0, "");
    memset(&why, 0, sizeof why);
    why.struct_size = sizeof why;
    /* A directory that cannot be read is no reason not to open: it may be mounted later, and until
     * then health says what is wrong. */
    read_directory(store, NULL, &why);
    *out = store;
    return AH_OK;
}

static const ah_plugin plugin = {
    sizeof(ah_plugin), AH_MAGIC, AH_ABI_MAJOR, AH_ABI_MINOR, 0,
    STR("org.example.directory"), STR("Directory"), STR("0.1.0"), { NULL, 0 },
    &ops, extension, open_store
};

const ah_plugin *AH_CC anchorhold_plugin_v1(void) { return &plugin; }
