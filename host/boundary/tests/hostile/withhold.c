/* Starts a program from which some system calls are withheld, as older kernels, containers and
 * services withhold them: withhold NAME=ERRNO... -- PROGRAM [ARGUMENT]... */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct { const char *name; unsigned number; } CALLS[] = {
    { "landlock", 444 },
    { "mount_setattr", SYS_mount_setattr },
    { "seccomp", SYS_seccomp },
    { "unshare", SYS_unshare },
};

static void withhold(unsigned number, unsigned error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof code / sizeof *code, code };
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
        perror("withhold");
        exit(125);
    }
}

int main(int count, char **words)
{
    int at;
    size_t i;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return 125;
    for (at = 1; at < count && strcmp(words[at], "--") != 0; at++) {
        char *error = strchr(words[at], '=');
        if (error == NULL) return 125;
        *error = 0;
        for (i = 0; i < sizeof CALLS / sizeof *CALLS; i++) {
            if (strcmp(CALLS[i].name, words[at]) == 0) {
                withhold(CALLS[i].number, (unsigned)atoi(error + 1));
            }
        }
    }
    execv(words[at + 1], words + at + 1);
    perror("withhold");
    return 125;
}
