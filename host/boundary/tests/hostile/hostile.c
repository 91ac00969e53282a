/* A library that tries whatever a runner forbids, one thing after the other, and tells how each
 * went: every item of its list has the label NAME=ok or NAME=ERRNO. What is asked for stands in
 * the setting `try`, a list of NAME or NAME ARGUMENT. */
#define _GNU_SOURCE
#include "anchorhold.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define STR(s) { s, sizeof s - 1 }
#define TRIES_MAX 256
#define TEXT_MAX 512

#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN 0x20000000
#endif

struct ah_store {
    char tries[TRIES_MAX][TEXT_MAX];
    size_t count;
};

static int try_hang(const char *here);

/* What a constructor found, which runs before anything of the host's is called. */
static int in_constructor = -1;

/* 0 where it worked, and why not where it did not. */
static int done(long result) { return result < 0 ? errno : 0; }

static int close_after(int fd)
{
    int why = done(fd);
    if (fd >= 0) close(fd);
    return why;
}

static int opened(const char *path, int flags) { return close_after(open(path, flags, 0600)); }

__attribute__((constructor)) static void before_anything(void)
{
    const char *path = getenv("HOSTILE_FILE");
    if (path != NULL) in_constructor = opened(path, O_RDONLY);
    path = getenv("HOSTILE_HANG");
    if (path != NULL) try_hang(path);
}

/* ---- files ------------------------------------------------------------------ */

static int try_constructor(const char *a) { (void)a; return in_constructor; }
static int try_read(const char *a) { return opened(a, O_RDONLY); }
static int try_list(const char *a) { return opened(a, O_RDONLY | O_DIRECTORY); }
static int try_write(const char *a) { return opened(a, O_WRONLY | O_CREAT | O_TRUNC); }
static int try_append(const char *a) { return opened(a, O_WRONLY | O_APPEND); }
static int try_truncate(const char *a) { return done(truncate(a, 0)); }
static int try_unlink(const char *a) { return done(unlink(a)); }
static int try_mkdir(const char *a) { return done(mkdir(a, 0700)); }
static int try_fifo(const char *a) { return done(mkfifo(a, 0600)); }
static int try_mknod(const char *a) { return done(mknod(a, S_IFCHR | 0600, 0x103)); }
/* To what it is already: of the machine's own files nothing else is tried. */
static int try_chmod(const char *a)
{
    struct stat before;
    if (stat(a, &before) < 0) return errno;
    return done(chmod(a, before.st_mode & 07777));
}
static int try_chown(const char *a) { return done(chown(a, getuid(), getgid())); }
static int try_touch(const char *a) { return done(utimes(a, NULL)); }
static int try_setxattr(const char *a) { return done(setxattr(a, "user.x", "1", 1, 0)); }
static int try_chdir(const char *a) { return done(chdir(a)); }
static int try_dev_null(const char *a) { (void)a; return opened("/dev/null", O_RDWR); }
static int try_urandom(const char *a) { (void)a; return opened("/dev/urandom", O_RDONLY); }
static int try_tty(const char *a) { (void)a; return opened("/dev/tty", O_RDWR); }

/* The same of whatever is open and is no pipe, no socket and no memory. */
static int try_modes_of_descriptors(const char *a)
{
    struct stat found;
    int fd;
    (void)a;
    for (fd = 0; fd < 256; fd++) {
        if (fstat(fd, &found) < 0 || found.st_nlink == 0) continue;
        if (!S_ISREG(found.st_mode) && !S_ISCHR(found.st_mode)) continue;
        if (fchmod(fd, found.st_mode & 07777) == 0) return 0;
    }
    return EPERM;
}

/* Mode of a file that may be read, through its descriptor. */
static int try_fchmod(const char *a)
{
    struct stat before;
    int fd = open(a, O_RDONLY), why;
    if (fd < 0 || fstat(fd, &before) < 0) return errno;
    why = done(fchmod(fd, before.st_mode & 07777));
    close(fd);
    return why;
}

/* A file that lends whoever runs it the identity of its owner, in every way that one is made. */
static int set_id(const char *a, long made)
{
    struct stat found;
    int why = done(made);
    if (stat(a, &found) == 0 && !(found.st_mode & (S_ISUID | S_ISGID))) return why ? why : EPERM;
    return why;
}

static int try_set_id_chmod(const char *a) { return set_id(a, chmod(a, 04755)); }
static int try_set_id_group(const char *a) { return set_id(a, chmod(a, 02755)); }
static int try_set_id_fchmod(const char *a)
{
    int fd = open(a, O_RDWR | O_CREAT, 0700), why = set_id(a, fchmod(fd, 04755));
    close(fd);
    return why;
}
static int try_set_id_open(const char *a) { return set_id(a, open(a, O_WRONLY | O_CREAT, 04755)); }
static int try_set_id_nameless(const char *a)
{
    struct stat found;
    int fd = open(a, O_WRONLY | O_TMPFILE, 04755);
    if (fd < 0) return errno;
    return fstat(fd, &found) == 0 && found.st_mode & S_ISUID ? 0 : EPERM;
}
static int try_set_id_openat2(const char *a)
{
    uint64_t how[3] = { O_WRONLY | O_CREAT, 04755, 0 };
    return set_id(a, syscall(437, AT_FDCWD, a, how, sizeof how));
}
static int try_set_id_mknod(const char *a) { return set_id(a, mknod(a, S_IFREG | 04755, 0)); }

/* "FROM TO" in two words. */
static int split(const char *a, char *from, char *to)
{
    return sscanf(a, "%511s %511s", from, to) == 2 ? 0 : EINVAL;
}

static int try_rename(const char *a)
{
    char from[TEXT_MAX], to[TEXT_MAX];
    return split(a, from, to) ? EINVAL : done(rename(from, to));
}

static int try_link(const char *a)
{
    char from[TEXT_MAX], to[TEXT_MAX];
    return split(a, from, to) ? EINVAL : done(link(from, to));
}

static int try_symlink(const char *a)
{
    char from[TEXT_MAX], to[TEXT_MAX];
    return split(a, from, to) ? EINVAL : done(symlink(from, to));
}

/* Up and out of a directory that may be read. */
static int try_dotdot(const char *a)
{
    char directory[TEXT_MAX], rest[TEXT_MAX];
    int fd, why;
    if (split(a, directory, rest)) return EINVAL;
    fd = open(directory, O_RDONLY | O_DIRECTORY);
    if (fd < 0) return errno;
    why = close_after(openat(fd, rest, O_RDONLY));
    close(fd);
    return why;
}

/* A file that is replaced as careful programs do. */
static int try_replace(const char *a)
{
    char other[TEXT_MAX + 8];
    int fd;
    snprintf(other, sizeof other, "%s.new", a);
    fd = open(other, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0) return errno;
    if (write(fd, "new", 3) != 3 || fsync(fd) < 0) return errno;
    close(fd);
    return done(rename(other, a));
}

static int try_parent(const char *a)
{
    char path[TEXT_MAX];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)getppid(), a);
    return opened(path, O_RDONLY);
}

static int try_handle(const char *a)
{
    char room[sizeof(struct file_handle) + 128];
    struct file_handle *handle = (struct file_handle *)room;
    int mount, fd;
    memset(room, 0, sizeof room);
    handle->handle_bytes = 128;
    if (name_to_handle_at(AT_FDCWD, a, handle, &mount, 0) < 0) return errno;
    fd = open_by_handle_at(AT_FDCWD, handle, O_RDONLY);
    return close_after(fd);
}

/* ---- sockets ---------------------------------------------------------------- */

static int made(int family, int type, int protocol)
{
    return close_after(socket(family, type, protocol));
}

static int try_tcp(const char *a) { (void)a; return made(AF_INET, SOCK_STREAM, 0); }
static int try_tcp6(const char *a) { (void)a; return made(AF_INET6, SOCK_STREAM, IPPROTO_TCP); }
static int try_udp(const char *a) { (void)a; return made(AF_INET, SOCK_DGRAM, 0); }
static int try_udp6(const char *a) { (void)a; return made(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0); }
static int try_raw(const char *a) { (void)a; return made(AF_INET, SOCK_RAW, IPPROTO_ICMP); }
static int try_packet(const char *a) { (void)a; return made(AF_PACKET, SOCK_RAW, 0); }
static int try_netlink(const char *a) { (void)a; return made(AF_NETLINK, SOCK_RAW, 0); }
static int try_mptcp(const char *a) { (void)a; return made(AF_INET, SOCK_STREAM, 262); }
static int try_sctp(const char *a) { (void)a; return made(AF_INET, SOCK_STREAM, 132); }
static int try_smc(const char *a) { (void)a; return made(AF_INET, SOCK_STREAM, 256); }
static int try_vsock(const char *a) { (void)a; return made(AF_VSOCK, SOCK_STREAM, 0); }
static int try_alg(const char *a) { (void)a; return made(AF_ALG, SOCK_SEQPACKET, 0); }
static int try_unix_datagram(const char *a) { (void)a; return made(AF_UNIX, SOCK_DGRAM, 0); }
static int try_unix_packets(const char *a) { (void)a; return made(AF_UNIX, SOCK_SEQPACKET, 0); }
static int try_unix_stream(const char *a) { (void)a; return made(AF_UNIX, SOCK_STREAM, 0); }

static int paired(int type)
{
    int pair[2];
    if (socketpair(AF_UNIX, type, 0, pair) < 0) return errno;
    close(pair[0]);
    close(pair[1]);
    return 0;
}

static int try_pair(const char *a) { (void)a; return paired(SOCK_STREAM | SOCK_CLOEXEC); }
static int try_datagram_pair(const char *a) { (void)a; return paired(SOCK_DGRAM); }

/* Connects, sends a byte and reads it back. */
static int talked(int fd)
{
    char byte = 'x';
    if (write(fd, &byte, 1) != 1) return errno;
    if (read(fd, &byte, 1) != 1) return errno ? errno : EPIPE;
    return byte == 'x' ? 0 : EPROTO;
}

/* A path, or an abstract name where it begins with an at sign. */
static int reach_unix(const char *a, int (*talk)(int))
{
    struct sockaddr_un at;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), why;
    socklen_t length = sizeof at;
    if (fd < 0) return errno;
    memset(&at, 0, sizeof at);
    at.sun_family = AF_UNIX;
    strncpy(at.sun_path, a, sizeof at.sun_path - 1);
    if (a[0] == '@') {
        at.sun_path[0] = 0;
        length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(a));
    }
    why = connect(fd, (struct sockaddr *)&at, length) < 0 ? errno : talk(fd);
    close(fd);
    return why;
}

static int try_unix(const char *a) { return reach_unix(a, talked); }

/* A bus says how it lets itself be spoken to, if asked. */
static int greeted(int fd)
{
    static const char asked[] = "\0AUTH\r\n";
    char told[8];
    if (write(fd, asked, sizeof asked - 1) != sizeof asked - 1) return errno;
    if (recv(fd, told, sizeof told, MSG_WAITALL) != sizeof told) return errno ? errno : EPIPE;
    return memcmp(told, "REJECTED", sizeof told) ? EPROTO : 0;
}

static int try_bus(const char *a)
{
    static const char form[] = "unix:path=";
    const char *at = getenv("DBUS_SESSION_BUS_ADDRESS");
    if (*a) return reach_unix(a, greeted);
    if (!at || strncmp(at, form, sizeof form - 1)) return ENOENT;
    return reach_unix(at + sizeof form - 1, greeted);
}

static int port_of(const char *a, struct sockaddr_in *to)
{
    memset(to, 0, sizeof *to);
    to->sin_family = AF_INET;
    to->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to->sin_port = htons((uint16_t)atoi(a));
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int try_port(const char *a)
{
    struct sockaddr_in to;
    int fd = port_of(a, &to), why;
    if (fd < 0) return errno;
    why = connect(fd, (struct sockaddr *)&to, sizeof to) < 0 ? errno : talked(fd);
    close(fd);
    return why;
}

/* Connects by sending. */
static int try_fast_port(const char *a)
{
    struct sockaddr_in to;
    int fd = port_of(a, &to), why;
    if (fd < 0) return errno;
    why = done(sendto(fd, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&to, sizeof to));
    close(fd);
    return why;
}

static int try_fast_message(const char *a)
{
    struct sockaddr_in to;
    struct iovec part = { "x", 1 };
    struct msghdr message;
    int fd = port_of(a, &to), why;
    if (fd < 0) return errno;
    memset(&message, 0, sizeof message);
    message.msg_name = &to;
    message.msg_namelen = sizeof to;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    why = done(sendmsg(fd, &message, MSG_FASTOPEN));
    close(fd);
    return why;
}

/* Puts another protocol under a connection, whose ports are looked at by nobody. */
static int try_other_protocol(const char *a)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), why;
    (void)a;
    if (fd < 0) return errno;
    why = done(setsockopt(fd, IPPROTO_TCP, TCP_ULP, "smc", 3));
    close(fd);
    return why;
}

/* The connection itself is put off until the first byte. */
static int try_late_port(const char *a)
{
    struct sockaddr_in to;
    int fd = port_of(a, &to), one = 1, why;
    if (fd < 0) return errno;
    setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof one);
    why = connect(fd, (struct sockaddr *)&to, sizeof to) < 0 ? errno : talked(fd);
    close(fd);
    return why;
}

static int try_bind(const char *a)
{
    struct sockaddr_in to;
    int fd = port_of(a, &to), why;
    if (fd < 0) return errno;
    why = done(bind(fd, (struct sockaddr *)&to, sizeof to));
    close(fd);
    return why;
}

/* Binds by itself. */
static int try_listen(const char *a)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), why;
    (void)a;
    if (fd < 0) return errno;
    why = done(listen(fd, 1));
    close(fd);
    return why;
}

/* "HOST PORT", by name. */
static int try_host(const char *a)
{
    char host[TEXT_MAX], port[TEXT_MAX];
    struct addrinfo want, *found;
    int fd, why;
    if (split(a, host, port)) return EINVAL;
    memset(&want, 0, sizeof want);
    want.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(host, port, &want, &found) != 0) return EADDRNOTAVAIL;
    fd = socket(found->ai_family, SOCK_STREAM, 0);
    if (fd < 0) return errno;
    why = connect(fd, found->ai_addr, found->ai_addrlen) < 0 ? errno : talked(fd);
    freeaddrinfo(found);
    close(fd);
    return why;
}

/* ---- processes -------------------------------------------------------------- */

/* A child that stays for a while, as a process left behind. */
static int left(pid_t child)
{
    if (child < 0) return errno;
    if (child == 0) {
        pause();
        _exit(0);
    }
    return 0;
}

static int try_fork(const char *a) { (void)a; return left(fork()); }
static int try_raw_fork(const char *a) { (void)a; return left((pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }
static int try_clone_parent(const char *a)
{
    (void)a;
    return left((pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0));
}

/* Not the only answer to it may be that there is no such call. */
static int try_clone3(const char *a)
{
    struct { uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls; } args;
    (void)a;
    memset(&args, 0, sizeof args);
    args.exit_signal = SIGCHLD;
    return left((pid_t)syscall(SYS_clone3, &args, sizeof args));
}

#ifdef SYS_vfork
static int try_vfork(const char *a)
{
    pid_t child;
    (void)a;
    child = vfork();
    if (child == 0) _exit(0);
    return done(child);
}
#endif

/* A daemon: a process whose parent is gone and whose session is its own. */
static int try_daemon(const char *a)
{
    pid_t child = fork();
    int status;
    (void)a;
    if (child < 0) return errno;
    if (child == 0) {
        int why = done(setsid());
        if (why != 0) _exit(why);
        _exit(left(fork()));
    }
    if (waitpid(child, &status, 0) < 0) return errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

static int try_setsid(const char *a) { (void)a; return done(setsid()); }
static int try_setpgid(const char *a) { (void)a; return done(setpgid(0, getppid())); }

static char *const no_words[] = { NULL };
static char *const words[] = { "true", NULL };
static int try_exec(const char *a) { (void)a; return done(execve("/bin/true", words, no_words)); }
static int try_execveat(const char *a)
{
    (void)a;
    return done(syscall(SYS_execveat, AT_FDCWD, "/bin/true", words, no_words, 0));
}
static int try_spawn(const char *a)
{
    pid_t child;
    (void)a;
    return posix_spawn(&child, "/bin/true", NULL, NULL, words, no_words);
}
static int try_system(const char *a) { int status = system("true"); (void)a; return status == 0 ? 0 : EPERM; }

static int try_kill(const char *a) { (void)a; return done(kill(getppid(), 0)); }
static int try_kill_group(const char *a) { (void)a; return done(kill(-getpgid(getppid()), 0)); }
static int try_ptrace(const char *a) { (void)a; return done(ptrace(PTRACE_ATTACH, getppid(), 0, 0)); }
static int try_traceme(const char *a) { (void)a; return done(ptrace(PTRACE_TRACEME, 0, 0, 0)); }
static int try_peek(const char *a)
{
    char byte;
    struct iovec here = { &byte, 1 }, there = { (void *)try_peek, 1 };
    (void)a;
    return done(process_vm_readv(getppid(), &here, 1, &there, 1, 0));
}
static int try_poke(const char *a)
{
    char byte = 0;
    struct iovec here = { &byte, 1 }, there = { (void *)try_poke, 1 };
    (void)a;
    return done(process_vm_writev(getppid(), &here, 1, &there, 1, 0));
}
static int try_pidfd(const char *a) { (void)a; return close_after((int)syscall(SYS_pidfd_open, getppid(), 0)); }
static int try_kcmp(const char *a) { (void)a; return done(syscall(SYS_kcmp, getppid(), getpid(), 2, 0, 0)); }
static int try_prlimit(const char *a)
{
    struct rlimit limit;
    (void)a;
    return done(prlimit(getppid(), RLIMIT_CORE, NULL, &limit));
}
static int try_nice(const char *a) { (void)a; return done(setpriority(PRIO_PROCESS, (id_t)getppid(), 19)); }
static int try_nice_user(const char *a) { (void)a; return done(setpriority(PRIO_USER, getuid(), 19)); }
static int try_affinity(const char *a)
{
    cpu_set_t all;
    (void)a;
    memset(&all, 0xff, sizeof all);
    return done(sched_setaffinity(getppid(), sizeof all, &all));
}
static int try_own_limit(const char *a)
{
    struct rlimit limit;
    (void)a;
    return done(prlimit(0, RLIMIT_NOFILE, NULL, &limit));
}
static int try_raise_limit(const char *a)
{
    struct rlimit limit = { 100000, 100000 };
    (void)a;
    return done(setrlimit(RLIMIT_NOFILE, &limit));
}

static void *nothing(void *a) { return a; }
static int try_thread(const char *a)
{
    pthread_t thread;
    pthread_attr_t attributes;
    int why = pthread_create(&thread, NULL, nothing, NULL);
    (void)a;
    if (why != 0) return why;
    why = pthread_getattr_np(thread, &attributes);
    pthread_join(thread, NULL);
    return why;
}

/* A directory that is open somewhere leads to whatever lies below it. */
static int try_descriptors(const char *a)
{
    struct stat found;
    int fd;
    (void)a;
    for (fd = 0; fd < 256; fd++) {
        if (fstat(fd, &found) == 0 && S_ISDIR(found.st_mode)) return 0;
    }
    return EBADF;
}

static const char *left_behind;
static void leave(void) { close(open(left_behind, O_WRONLY | O_CREAT, 0600)); }
static int try_atexit(const char *a) { left_behind = strdup(a); return atexit(leave); }

/* Says who it is, and stays. */
static int try_hang(const char *a)
{
    int fd = open(a, O_WRONLY | O_CREAT, 0600);
    dprintf(fd, "%d\n", (int)getpid());
    for (;;) pause();
    return 0;
}

/* ---- the kernel --------------------------------------------------------------- */

static int try_io_uring(const char *a)
{
    char room[256];
    (void)a;
    memset(room, 0, sizeof room);
    return close_after((int)syscall(SYS_io_uring_setup, 4, room));
}
static int try_bpf(const char *a)
{
    union bpf_attr attributes;
    (void)a;
    memset(&attributes, 0, sizeof attributes);
    return close_after((int)syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes));
}
static int try_perf(const char *a)
{
    char room[128];
    (void)a;
    memset(room, 0, sizeof room);
    return close_after((int)syscall(SYS_perf_event_open, room, 0, -1, -1, 0));
}
static int try_userfaultfd(const char *a) { (void)a; return close_after((int)syscall(SYS_userfaultfd, 1)); }
static int try_keyctl(const char *a) { (void)a; return done(syscall(SYS_keyctl, 0, -3, 0, 0, 0)); }
static int try_add_key(const char *a) { (void)a; return done(syscall(SYS_add_key, "user", "hostile", "x", 1, -2)); }
static int try_unshare_user(const char *a) { (void)a; return done(unshare(CLONE_NEWUSER)); }
static int try_unshare_mounts(const char *a) { (void)a; return done(unshare(CLONE_NEWNS)); }
static int try_unshare_time(const char *a) { (void)a; return done(unshare(0x80)); }
static int try_setns(const char *a)
{
    (void)a;
    return done(setns(0, 0));
}
static int try_mount(const char *a) { (void)a; return done(mount("none", "/tmp", "tmpfs", 0, "")); }
static int try_remount(const char *a) { return done(mount("none", a, NULL, MS_REMOUNT | MS_BIND, NULL)); }
static int try_umount(const char *a) { return done(umount2(a, MNT_DETACH)); }
static int try_chroot(const char *a) { (void)a; return done(chroot("/usr")); }
static int try_pivot_root(const char *a) { (void)a; return done(syscall(SYS_pivot_root, ".", ".")); }
static int try_open_tree(const char *a) { (void)a; return close_after((int)syscall(428, AT_FDCWD, "/", 0)); }
static int try_fsopen(const char *a) { (void)a; return close_after((int)syscall(430, "tmpfs", 0)); }
static int try_newest(const char *a) { (void)a; return done(syscall(470, 0, 0, 0)); }
static int try_shm(const char *a) { (void)a; return done(shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600)); }
static int try_sysv_all(const char *a) { (void)a; return done(shmctl(0, 13 /* SHM_STAT */, NULL)); }
static int try_queue(const char *a) { (void)a; return close_after((int)syscall(SYS_mq_open, "x", O_CREAT, 0600, NULL)); }
static int try_sti(const char *a) { (void)a; return done(ioctl(1, TIOCSTI, "x")); }
/* The kernel looks at 32 bits of the request only. */
static int try_wide_sti(const char *a)
{
    (void)a;
    return done(syscall(SYS_ioctl, 1, 0x100000000ul | TIOCSTI, "x"));
}
static int try_become_root(const char *a) { (void)a; return setuid(0) == 0 && try_chroot(a) == 0 ? 0 : EPERM; }
static int try_much_memory(const char *a)
{
    void *room = malloc((size_t)3 << 30);
    (void)a;
    if (room == NULL) return errno;
    free(room);
    return 0;
}
/* Who this process runs as, or with an argument the first of all users that it is not. */
static int try_user(const char *a)
{
    const struct passwd *user;
    errno = 0;
    if (!*a) {
        user = getpwuid(geteuid());
        return user && user->pw_name[0] && getgrgid(getegid()) ? 0 : ENOENT;
    }
    while ((user = getpwent())) {
        if (user->pw_uid != geteuid()) return 0;
    }
    return ENOENT;
}

static int try_environment(const char *a) { return getenv(a) != NULL ? 0 : ENOENT; }

/* Each of these ends the process where it is forbidden. */
#ifdef __x86_64__
static int try_x32(const char *a) { (void)a; return done(syscall(0x40000000 + 39)); }
static int try_int80(const char *a)
{
    long result;
    (void)a;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
    return result < 0 ? (int)-result : 0;
}
#endif

static const struct { const char *name; int (*go)(const char *argument); } TRIES[] = {
#define TRY(name) { #name, try_##name }
    TRY(constructor), TRY(read), TRY(list), TRY(write), TRY(append), TRY(truncate), TRY(unlink),
    TRY(mkdir), TRY(mknod), TRY(chmod), TRY(chown), TRY(touch), TRY(setxattr), TRY(chdir),
    TRY(dev_null), TRY(urandom), TRY(tty), TRY(fchmod), TRY(rename), TRY(link), TRY(symlink),
    TRY(dotdot), TRY(replace), TRY(parent), TRY(handle),
    TRY(set_id_chmod), TRY(set_id_group), TRY(set_id_fchmod), TRY(set_id_open),
    TRY(set_id_nameless), TRY(set_id_openat2), TRY(set_id_mknod),
    TRY(tcp), TRY(tcp6), TRY(udp), TRY(udp6), TRY(raw), TRY(packet), TRY(netlink), TRY(mptcp),
    TRY(sctp), TRY(smc), TRY(vsock), TRY(alg), TRY(unix_datagram), TRY(unix_packets),
    TRY(unix_stream), TRY(pair), TRY(datagram_pair), TRY(unix), TRY(bus), TRY(port), TRY(fast_port),
    TRY(fast_message), TRY(late_port), TRY(other_protocol), TRY(bind), TRY(listen), TRY(host),
    TRY(fork), TRY(raw_fork), TRY(clone_parent), TRY(clone3), TRY(daemon), TRY(setsid),
    TRY(setpgid), TRY(exec), TRY(execveat), TRY(spawn), TRY(system), TRY(kill), TRY(kill_group),
    TRY(ptrace), TRY(traceme), TRY(peek), TRY(poke), TRY(pidfd), TRY(kcmp), TRY(prlimit),
    TRY(nice), TRY(nice_user), TRY(affinity), TRY(own_limit), TRY(raise_limit), TRY(thread),
    TRY(descriptors), TRY(modes_of_descriptors), TRY(atexit), TRY(hang), TRY(fifo),
    TRY(io_uring), TRY(bpf), TRY(perf), TRY(userfaultfd), TRY(keyctl), TRY(add_key),
    TRY(unshare_user), TRY(unshare_mounts), TRY(unshare_time), TRY(setns), TRY(mount),
    TRY(remount), TRY(umount), TRY(chroot), TRY(pivot_root), TRY(open_tree), TRY(fsopen),
    TRY(newest), TRY(shm), TRY(sysv_all), TRY(queue), TRY(sti), TRY(wide_sti), TRY(become_root),
    TRY(much_memory), TRY(environment), TRY(user),
#ifdef SYS_vfork
    TRY(vfork),
#endif
#ifdef __x86_64__
    TRY(x32), TRY(int80),
#endif
};

static int tried(const char *what)
{
    const char *argument = strchr(what, ' ');
    size_t i, length = argument ? (size_t)(argument - what) : strlen(what);
    for (i = 0; i < sizeof TRIES / sizeof *TRIES; i++) {
        if (strlen(TRIES[i].name) == length && memcmp(TRIES[i].name, what, length) == 0) {
            errno = 0;
            return TRIES[i].go(argument ? argument + 1 : "");
        }
    }
    return -1;
}

/* ---- the plugin --------------------------------------------------------------- */

static void AH_CC close_store(ah_store *store) { free(store); }

static ah_status AH_CC health(ah_store *store, const ah_call *call, ah_health *out, ah_error *err)
{
    (void)store; (void)call; (void)err;
    out->state = AH_READY;
    out->generation = 1;
    return AH_OK;
}

static ah_status pushed(const ah_item_sink *sink, size_t number, const char *label)
{
    /* A SEQUENCE of one INTEGER, another one for each item. */
    uint8_t der[] = { 0x30, 4, 2, 2, 0, 0 };
    ah_item item;
    der[4] = (uint8_t)(1 + (number >> 8));
    der[5] = (uint8_t)number;
    memset(&item, 0, sizeof item);
    item.struct_size = sizeof item;
    item.kind = AH_KIND_CERTIFICATE;
    item.rule_stride = sizeof(ah_rule);
    item.id.ptr = der + 4;
    item.id.len = 2;
    item.der.ptr = der;
    item.der.len = sizeof der;
    item.label.ptr = label;
    item.label.len = strlen(label);
    return sink->push(sink, &item);
}

static ah_status AH_CC list(ah_store *store, const ah_call *call, ah_page *page,
                            const ah_item_sink *sink, ah_error *err)
{
    size_t i;
    (void)call; (void)err;
    page->generation = 1;
    page->cursor_len = 0;
    for (i = 0; i < store->count; i++) {
        char label[TEXT_MAX + 32];
        int why = tried(store->tries[i]);
        ah_status status;
        if (why == 0) snprintf(label, sizeof label, "%s=ok", store->tries[i]);
        else snprintf(label, sizeof label, "%s=%s", store->tries[i],
                      why < 0 ? "unknown" : strerrorname_np(why));
        status = pushed(sink, i, label);
        if (status != AH_OK) return status;
    }
    return AH_OK;
}

static const ah_store_ops ops = { sizeof(ah_store_ops), 0, close_store, health, list };

static const void *AH_CC extension(const char *id) { (void)id; return NULL; }

static ah_status AH_CC open_store(const ah_host *host, const ah_config *config,
                                  ah_store **out, ah_error *err)
{
    uint32_t i;
    (void)host; (void)err;
    *out = calloc(1, sizeof **out);
    if (*out == NULL) return AH_NO_MEMORY;
    for (i = 0; i < config->setting_count; i++) {
        const ah_setting *setting = &config->settings[i];
        if (setting->key.len == 3 && memcmp(setting->key.ptr, "try", 3) == 0
            && (*out)->count < TRIES_MAX && setting->value.len < TEXT_MAX) {
            memcpy((*out)->tries[(*out)->count++], setting->value.ptr, setting->value.len);
        }
    }
    return AH_OK;
}

static const ah_plugin plugin = {
    sizeof(ah_plugin), AH_MAGIC, AH_ABI_MAJOR, AH_ABI_MINOR, 0,
    STR("org.example.hostile"), STR("Hostile"), STR("0.1.0"), { NULL, 0 }, &ops, extension, open_store
};

AH_EXPORT const ah_plugin *AH_CC anchorhold_plugin_v1(void) { return &plugin; }
