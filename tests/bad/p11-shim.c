/* p11-shim.c - no plugin: a PKCS#11 module that passes every call on to a real one, but for those
 * that are to go wrong.
 *
 * P11_REAL is the library of the real module. P11_SHIM is a list of faults, NAME=WHAT[@WHEN], with
 * spaces or commas between: WHAT happens in each call of the function NAME, or in its N-th call
 * only where WHEN is a number, or only while there is such a file where it is a path. WHAT is
 *
 *   CKR_...             the error that is answered instead of making the call;
 *                       C_Initialize=CKR_CRYPTOKI_ALREADY_INITIALIZED makes the call first;
 *   hang                it never comes back;
 *   crash, exit         the process ends;
 *   slow:MILLISECONDS   the call is made after that time;
 *   while:PATH          the call is made once there is no such file;
 *   flags:HEX           C_GetTokenInfo has these flags besides;
 *   without:HEX         and has these flags not;
 *   lie                 what is found is more than there is room for;
 *   pass                nothing goes wrong.
 *
 * Where P11_TOLD is a file, each of them that happens is one line of it. What nobody can make
 * happen ends the process with status 4 at once, so that no test passes for a slip in it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long word;
/* Each argument of a function of this standard is a pointer or an integer of at most a word. */
typedef word call(word, word, word, word, word, word);

enum { COUNT = 68, NAMED = 46 };
enum { INITIALIZE = 0, LIST = 3, SLOTS = 4, TOKEN = 6, ATTRIBUTES = 24, FIND = 27 };

struct list {
    unsigned char major, minor;
    call *functions[COUNT];
};

struct attribute {
    word type;
    void *value;
    word length;
};

struct fault {
    char what[256], at[256];
};

static const char *const NAMES[NAMED] = {
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
    {"CKR_FUNCTION_FAILED", 0x06}, {"CKR_ARGUMENTS_BAD", 0x07}, {"CKR_CANT_LOCK", 0x0a},
    {"CKR_ATTRIBUTE_READ_ONLY", 0x10}, {"CKR_DEVICE_ERROR", 0x30}, {"CKR_DEVICE_MEMORY", 0x31},
    {"CKR_DEVICE_REMOVED", 0x32}, {"CKR_FUNCTION_NOT_SUPPORTED", 0x54},
    {"CKR_KEY_HANDLE_INVALID", 0x60}, {"CKR_OBJECT_HANDLE_INVALID", 0x82},
    {"CKR_OPERATION_ACTIVE", 0x90}, {"CKR_PIN_INCORRECT", 0xa0}, {"CKR_PIN_EXPIRED", 0xa3},
    {"CKR_PIN_LOCKED", 0xa4}, {"CKR_SESSION_CLOSED", 0xb0}, {"CKR_SESSION_COUNT", 0xb1},
    {"CKR_SESSION_HANDLE_INVALID", 0xb3}, {"CKR_SESSION_READ_ONLY", 0xb5},
    {"CKR_TEMPLATE_INCONSISTENT", 0xd1}, {"CKR_TOKEN_NOT_PRESENT", 0xe0},
    {"CKR_TOKEN_NOT_RECOGNIZED", 0xe1}, {"CKR_TOKEN_WRITE_PROTECTED", 0xe2},
    {"CKR_USER_NOT_LOGGED_IN", 0x101}, {"CKR_USER_PIN_NOT_INITIALIZED", 0x102},
    {"CKR_CRYPTOKI_ALREADY_INITIALIZED", 0x191}, {"CKR_VENDOR_DEFINED", 0x80000000ul},
};

static struct list real, shown;
static int calls[COUNT];

/* The value of an error, or 0. */
static word error_of(const char *what)
{
    for (size_t i = 0; i < sizeof ERRORS / sizeof *ERRORS; i++)
        if (!strcmp(what, ERRORS[i].name))
            return ERRORS[i].value;
    return 0;
}

static int begins(const char *what, const char *with)
{
    return !strncmp(what, with, strlen(with));
}

/* Reads one fault off a list, and moves on; the function that it is about, or -1 at the end. */
static int next_fault(const char **list, struct fault *fault)
{
    const char *faults = *list + strspn(*list, " ,");
    char room[256], *what, *at;
    size_t length = strcspn(faults, " ,");
    *list = faults + length;
    if (!length)
        return -1;
    snprintf(room, sizeof room, "%.*s", (int)length, faults);
    what = length < sizeof room ? strchr(room, '=') : NULL;
    if (what) {
        *what++ = 0;
        at = strchr(what, '@');
        if (at)
            *at++ = 0;
        snprintf(fault->what, sizeof fault->what, "%s", what);
        snprintf(fault->at, sizeof fault->at, "%s", at ? at : "");
        for (int i = 0; i < NAMED; i++)
            if (i != LIST && !strcmp(room, NAMES[i]))
                return i;
    }
    fprintf(stderr, "p11-shim: nobody knows the fault %.*s\n", (int)length, faults);
    _exit(4);
}

/* Refuses what cannot be made to happen. */
static void check(void)
{
    const char *faults = getenv("P11_SHIM");
    struct fault fault;
    int function;
    while (faults && (function = next_fault(&faults, &fault)) >= 0) {
        const char *what = fault.what;
        int lies = function == SLOTS || function == ATTRIBUTES || function == FIND;
        if (error_of(what) || !strcmp(what, "hang") || !strcmp(what, "crash")
            || !strcmp(what, "exit") || !strcmp(what, "pass") || begins(what, "slow:")
            || begins(what, "while:") || (!strcmp(what, "lie") && lies)
            || (function == TOKEN && (begins(what, "flags:") || begins(what, "without:"))))
            continue;
        fprintf(stderr, "p11-shim: nobody can make %s do %s\n", NAMES[function], what);
        _exit(4);
    }
}

static void tell(int function, const char *what)
{
    const char *path = getenv("P11_TOLD");
    char line[300];
    int file, length;
    if (!path)
        return;
    length = snprintf(line, sizeof line, "%s=%s\n", NAMES[function], what);
    file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0 || write(file, line, (size_t)length) != length) {
        fprintf(stderr, "p11-shim: P11_TOLD: cannot be written\n");
        _exit(4);
    }
    close(file);
}

/* Whether something goes wrong in this call of a function, and what. */
static int goes_wrong(int function, struct fault *fault)
{
    const char *faults = getenv("P11_SHIM");
    int now = __atomic_add_fetch(&calls[function], 1, __ATOMIC_SEQ_CST);
    int of;
    while (faults && (of = next_fault(&faults, fault)) >= 0) {
        const char *at = fault->at;
        if (of == function && (!*at || (*at == '/' ? !access(at, F_OK) : atoi(at) == now)))
            return 1;
    }
    return 0;
}

/* Says more than is so in the answer to a call. */
static void lie(int function, word c, word d)
{
    struct attribute *attributes = (struct attribute *)c;
    if (function == SLOTS)
        *(word *)c += 100000;
    if (function == FIND)
        *(word *)d = c + 100000;
    if (function == ATTRIBUTES)
        for (word i = 0; i < d; i++)
            attributes[i].length = (word)-2;
}

static word answer(int function, word a, word b, word c, word d, word e, word f)
{
    struct fault fault;
    const char *what = fault.what;
    word result;
    if (!goes_wrong(function, &fault))
        return real.functions[function](a, b, c, d, e, f);
    tell(function, what);
    if (!strcmp(what, "hang"))
        for (;;)
            sleep(60);
    if (!strcmp(what, "crash"))
        abort();
    if (!strcmp(what, "exit"))
        _exit(3);
    if (error_of(what)) {
        if (function == INITIALIZE && !strcmp(what, "CKR_CRYPTOKI_ALREADY_INITIALIZED"))
            real.functions[function](a, b, c, d, e, f);
        return error_of(what);
    }
    if (begins(what, "slow:"))
        usleep((useconds_t)atoi(what + 5) * 1000);
    if (begins(what, "while:"))
        while (!access(what + 6, F_OK))
            usleep(5000);
    result = real.functions[function](a, b, c, d, e, f);
    if (!result && function == TOKEN) {
        /* Behind the texts of 32, 32, 16 and 16 bytes. */
        word *flags = (word *)(b + 96);
        if (begins(what, "flags:"))
            *flags |= strtoul(what + 6, NULL, 16);
        if (begins(what, "without:"))
            *flags &= ~strtoul(what + 8, NULL, 16);
    }
    if (!strcmp(what, "lie"))
        lie(function, c, d);
    return result;
}

#define EACH(X) \
    X(0) X(1) X(2) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) X(17) \
    X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31) X(32) \
    X(33) X(34) X(35) X(36) X(37) X(38) X(39) X(40) X(41) X(42) X(43) X(44) X(45)
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
    check();
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
