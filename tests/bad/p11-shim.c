/* p11-shim.c - no plugin: a PKCS#11 module that passes every call on to a real one, but for those
 * that are to go wrong.
 *
 * P11_REAL is the library of the real module. P11_SHIM is a list of faults, NAME=WHAT[@N], with
 * spaces between: from the first call of the function NAME on, or in its N-th call only, WHAT
 * happens. It is the name of an error, which is answered instead of making the call; or `hang`,
 * which never comes back; `crash`; `exit`; `slow:MILLISECONDS`, after which the call is made; or
 * `while:PATH`, which waits for as long as there is such a file.
 * C_Initialize=CKR_CRYPTOKI_ALREADY_INITIALIZED makes the call first.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long word;
/* Each argument of a function of this standard is a pointer or an integer of at most a word. */
typedef word call(word, word, word, word, word, word);

enum { COUNT = 68 };

struct list {
    unsigned char major, minor;
    call *functions[COUNT];
};

static const char *const NAMES[COUNT] = {
    "C_Initialize", "C_Finalize", "C_GetInfo", "C_GetFunctionList", "C_GetSlotList",
    "C_GetSlotInfo", "C_GetTokenInfo", "C_GetMechanismList", "C_GetMechanismInfo", "C_InitToken",
    "C_InitPIN", "C_SetPIN", "C_OpenSession", "C_CloseSession", "C_CloseAllSessions",
    "C_GetSessionInfo", "C_GetOperationState", "C_SetOperationState", "C_Login", "C_Logout",
    "C_CreateObject", "C_CopyObject", "C_DestroyObject", "C_GetObjectSize", "C_GetAttributeValue",
    "C_SetAttributeValue", "C_FindObjectsInit", "C_FindObjects", "C_FindObjectsFinal",
    "C_EncryptInit", "C_Encrypt", "C_EncryptUpdate", "C_EncryptFinal", "C_DecryptInit",
    "C_Decrypt", "C_DecryptUpdate", "C_DecryptFinal", "C_DigestInit", "C_Digest",
    "C_DigestUpdate", "C_DigestKey", "C_DigestFinal", "C_SignInit", "C_Sign", "C_SignUpdate",
    "C_SignFinal",
    /* What follows is passed on as it is. */
};

static const struct { const char *name; word value; } ERRORS[] = {
    {"CKR_HOST_MEMORY", 0x02}, {"CKR_SLOT_ID_INVALID", 0x03}, {"CKR_GENERAL_ERROR", 0x05},
    {"CKR_FUNCTION_FAILED", 0x06}, {"CKR_ARGUMENTS_BAD", 0x07}, {"CKR_DEVICE_ERROR", 0x30},
    {"CKR_DEVICE_MEMORY", 0x31}, {"CKR_DEVICE_REMOVED", 0x32}, {"CKR_KEY_HANDLE_INVALID", 0x60},
    {"CKR_OBJECT_HANDLE_INVALID", 0x82}, {"CKR_OPERATION_ACTIVE", 0x90},
    {"CKR_PIN_INCORRECT", 0xa0},
    {"CKR_PIN_EXPIRED", 0xa3}, {"CKR_PIN_LOCKED", 0xa4}, {"CKR_SESSION_CLOSED", 0xb0},
    {"CKR_SESSION_COUNT", 0xb1}, {"CKR_SESSION_HANDLE_INVALID", 0xb3},
    {"CKR_TOKEN_NOT_PRESENT", 0xe0}, {"CKR_TOKEN_NOT_RECOGNIZED", 0xe1},
    {"CKR_TOKEN_WRITE_PROTECTED", 0xe2}, {"CKR_USER_NOT_LOGGED_IN", 0x101},
    {"CKR_USER_PIN_NOT_INITIALIZED", 0x102}, {"CKR_CRYPTOKI_ALREADY_INITIALIZED", 0x191},
    {"CKR_VENDOR_DEFINED", 0x80000000ul},
};

static struct list real, shown;
static int calls[COUNT];

/* What is to go wrong in this call of a function, or NULL; it is cut off where it ends. */
static const char *fault(int function, char *what, size_t size)
{
    const char *faults = getenv("P11_SHIM");
    size_t length = strlen(NAMES[function]);
    int now = __atomic_add_fetch(&calls[function], 1, __ATOMIC_SEQ_CST);
    while (faults && *faults) {
        size_t end = strcspn(faults, " ");
        if (end > length + 1 && !strncmp(faults, NAMES[function], length)
            && faults[length] == '=') {
            const char *at;
            snprintf(what, size, "%.*s", (int)(end - length - 1), faults + length + 1);
            at = strchr(what, '@');
            if (!at || atoi(at + 1) == now) {
                what[strcspn(what, "@")] = 0;
                return what;
            }
        }
        faults += end;
        faults += strspn(faults, " ");
    }
    return NULL;
}

static word answer(int function, word a, word b, word c, word d, word e, word f)
{
    char room[512];
    const char *what = fault(function, room, sizeof room);
    if (!what)
        return real.functions[function](a, b, c, d, e, f);
    if (!strcmp(what, "hang"))
        for (;;)
            sleep(60);
    if (!strcmp(what, "crash"))
        abort();
    if (!strcmp(what, "exit"))
        _exit(3);
    if (!strncmp(what, "slow:", 5)) {
        usleep((useconds_t)atoi(what + 5) * 1000);
        return real.functions[function](a, b, c, d, e, f);
    }
    if (!strncmp(what, "while:", 6)) {
        while (!access(what + 6, F_OK))
            usleep(5000);
        return real.functions[function](a, b, c, d, e, f);
    }
    if (function == 0 && !strcmp(what, "CKR_CRYPTOKI_ALREADY_INITIALIZED"))
        real.functions[function](a, b, c, d, e, f);
    for (size_t i = 0; i < sizeof ERRORS / sizeof *ERRORS; i++)
        if (!strcmp(what, ERRORS[i].name))
            return ERRORS[i].value;
    fprintf(stderr, "p11-shim: nobody knows the fault %s\n", what);
    _exit(4);
}

#define EACH(X) \
    X(0) X(1) X(2) X(4) X(5) X(6) X(7) X(8) X(12) X(13) X(14) X(15) X(18) X(19) X(20) X(22) \
    X(23) X(24) X(25) X(26) X(27) X(28) X(42) X(43) X(44) X(45)
#define DEFINE(N) \
    static word call_##N(word a, word b, word c, word d, word e, word f) \
    { \
        return answer(N, a, b, c, d, e, f); \
    }
EACH(DEFINE)

__attribute__((visibility("default"))) word C_GetFunctionList(struct list **out)
{
    const char *path = getenv("P11_REAL");
    void *library;
    word (*get)(struct list **);
    struct list *list;
    if (shown.functions[0]) {
        *out = &shown;
        return 0;
    }
    library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!library) {
        fprintf(stderr, "p11-shim: P11_REAL: %s\n", path ? dlerror() : "is not set");
        return 0x05;
    }
    *(void **)&get = dlsym(library, "C_GetFunctionList");
    if (!get || get(&list))
        return 0x05;
    real = shown = *list;
#define TAKE(N) shown.functions[N] = call_##N;
    EACH(TAKE)
    *out = &shown;
    return 0;
}
