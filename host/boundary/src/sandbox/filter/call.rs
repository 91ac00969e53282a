//! The system calls that no runner makes, by name and number.

/// One system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call {
    /// As its manual page has it.
    pub(super) name: &'static str,
    /// On this architecture.
    pub(super) number: i64,
}

macro_rules! calls {
    ($($name:ident = $number:expr),* $(,)?) => {
        &[$(Call { name: stringify!($name), number: $number }),*]
    };
}

/// The same with the place of an argument.
macro_rules! modes {
    ($($name:ident = $number:expr, $place:expr);* $(;)?) => {
        &[$((Call { name: stringify!($name), number: $number }, $place)),*]
    };
}

/// The newest call that was looked at. What is newer answers as if this kernel did not know it,
/// until somebody has thought about it.
pub(super) const NEWEST: u32 = 469;

/// Never, whatever is granted.
pub(super) const NEVER: &[&[Call]] = &[KERNEL, MEMORY, MOUNTS, OTHERS, PROGRAMS, SERVERS, OLD];

/// Parts of the kernel that a plugin has no business with; most need privileges besides.
const KERNEL: &[Call] = calls![
    acct = libc::SYS_acct,
    bpf = libc::SYS_bpf,
    clock_adjtime = libc::SYS_clock_adjtime,
    clock_settime = libc::SYS_clock_settime,
    delete_module = libc::SYS_delete_module,
    fanotify_init = libc::SYS_fanotify_init,
    finit_module = libc::SYS_finit_module,
    init_module = libc::SYS_init_module,
    io_uring_enter = 426,
    io_uring_register = 427,
    io_uring_setup = 425,
    kexec_load = libc::SYS_kexec_load,
    perf_event_open = libc::SYS_perf_event_open,
    quotactl = libc::SYS_quotactl,
    quotactl_fd = 443,
    reboot = libc::SYS_reboot,
    setdomainname = libc::SYS_setdomainname,
    sethostname = libc::SYS_sethostname,
    settimeofday = libc::SYS_settimeofday,
    swapoff = libc::SYS_swapoff,
    swapon = libc::SYS_swapon,
    syslog = libc::SYS_syslog,
    userfaultfd = libc::SYS_userfaultfd,
    vhangup = libc::SYS_vhangup,
];

/// Memory that processes share by a number; files that are mapped are files.
const MEMORY: &[Call] = calls![
    mq_open = libc::SYS_mq_open,
    mq_unlink = libc::SYS_mq_unlink,
    msgctl = libc::SYS_msgctl,
    msgget = libc::SYS_msgget,
    msgrcv = libc::SYS_msgrcv,
    msgsnd = libc::SYS_msgsnd,
    semctl = libc::SYS_semctl,
    semget = libc::SYS_semget,
    semop = libc::SYS_semop,
    semtimedop = libc::SYS_semtimedop,
    shmat = libc::SYS_shmat,
    shmctl = libc::SYS_shmctl,
    shmget = libc::SYS_shmget,
];

/// What is mounted where, and ways to a file that do not go by its path.
const MOUNTS: &[Call] = calls![
    chroot = libc::SYS_chroot,
    fsconfig = 431,
    fsmount = 432,
    fsopen = 430,
    fspick = 433,
    listmount = 458,
    mount = libc::SYS_mount,
    mount_setattr = 442,
    move_mount = 429,
    name_to_handle_at = libc::SYS_name_to_handle_at,
    open_by_handle_at = libc::SYS_open_by_handle_at,
    open_tree = 428,
    open_tree_attr = 467,
    pivot_root = libc::SYS_pivot_root,
    setns = libc::SYS_setns,
    statmount = 457,
    umount2 = libc::SYS_umount2,
];

/// Other processes: their memory, their descriptors, their place among processes. A process that
/// left its group would outlive the group's end.
const OTHERS: &[Call] = calls![
    kcmp = libc::SYS_kcmp,
    move_pages = libc::SYS_move_pages,
    migrate_pages = libc::SYS_migrate_pages,
    pidfd_getfd = 438,
    pidfd_open = 434,
    pidfd_send_signal = 424,
    process_madvise = 440,
    process_mrelease = 448,
    process_vm_readv = libc::SYS_process_vm_readv,
    process_vm_writev = libc::SYS_process_vm_writev,
    ptrace = libc::SYS_ptrace,
    setpgid = libc::SYS_setpgid,
    setsid = libc::SYS_setsid,
];

const PROGRAMS: &[Call] = calls![execve = libc::SYS_execve, execveat = libc::SYS_execveat];

/// A plugin is nobody's server. Landlock knows binding and not listening, which binds by itself.
const SERVERS: &[Call] = calls![
    accept = libc::SYS_accept,
    accept4 = libc::SYS_accept4,
    listen = libc::SYS_listen,
];

#[cfg(target_arch = "x86_64")]
const OLD: &[Call] = calls![
    ioperm = libc::SYS_ioperm,
    iopl = libc::SYS_iopl,
    kexec_file_load = libc::SYS_kexec_file_load,
    modify_ldt = libc::SYS_modify_ldt,
    uselib = libc::SYS_uselib,
];
#[cfg(not(target_arch = "x86_64"))]
const OLD: &[Call] = calls![kexec_file_load = 294];

/// Unless processes of its own are granted; `clone` without a thread besides.
#[cfg(target_arch = "x86_64")]
pub(super) const FORK: &[Call] = calls![fork = libc::SYS_fork, vfork = libc::SYS_vfork];
#[cfg(not(target_arch = "x86_64"))]
pub(super) const FORK: &[Call] = &[];

/// Unless the key rings are granted.
pub(super) const KEYS: &[Call] = calls![
    add_key = libc::SYS_add_key,
    keyctl = libc::SYS_keyctl,
    request_key = libc::SYS_request_key,
];

/// What is forbidden by its arguments only.
pub(super) const BY_ARGUMENT: &[Call] = calls![
    clone = libc::SYS_clone,
    ioctl = libc::SYS_ioctl,
    ioprio_set = libc::SYS_ioprio_set,
    prlimit64 = libc::SYS_prlimit64,
    sched_getattr = libc::SYS_sched_getattr,
    sched_getparam = libc::SYS_sched_getparam,
    sched_getscheduler = libc::SYS_sched_getscheduler,
    sched_rr_get_interval = libc::SYS_sched_rr_get_interval,
    sched_setaffinity = libc::SYS_sched_setaffinity,
    sched_setattr = libc::SYS_sched_setattr,
    sched_setparam = libc::SYS_sched_setparam,
    sched_setscheduler = libc::SYS_sched_setscheduler,
    sendmmsg = libc::SYS_sendmmsg,
    sendmsg = libc::SYS_sendmsg,
    sendto = libc::SYS_sendto,
    setpriority = libc::SYS_setpriority,
    setsockopt = libc::SYS_setsockopt,
    socket = libc::SYS_socket,
    socketpair = libc::SYS_socketpair,
    unshare = libc::SYS_unshare,
];

/// Those of [`BY_ARGUMENT`] whose first argument is a process, this one or none.
pub(super) const OF_A_PROCESS: &[i64] = &[
    libc::SYS_prlimit64,
    libc::SYS_sched_getattr,
    libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler,
    libc::SYS_sched_rr_get_interval,
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_setattr,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setscheduler,
];

/// What changes the mode, the owner, the attributes or the times of a file. Landlock does not know
/// these; where only granted files can be named they may be made, and nowhere else.
pub(super) const METADATA: &[Call] = calls![
    fchmod = libc::SYS_fchmod,
    fchmodat = libc::SYS_fchmodat,
    fchmodat2 = 452,
    fchown = libc::SYS_fchown,
    fchownat = libc::SYS_fchownat,
    file_setattr = 469,
    fremovexattr = libc::SYS_fremovexattr,
    fsetxattr = libc::SYS_fsetxattr,
    lremovexattr = libc::SYS_lremovexattr,
    lsetxattr = libc::SYS_lsetxattr,
    removexattr = libc::SYS_removexattr,
    removexattrat = 466,
    setxattr = libc::SYS_setxattr,
    setxattrat = 463,
    utimensat = libc::SYS_utimensat,
];

/// The older forms of the same.
#[cfg(target_arch = "x86_64")]
pub(super) const METADATA_OLD: &[Call] = calls![
    chmod = libc::SYS_chmod,
    chown = libc::SYS_chown,
    futimesat = libc::SYS_futimesat,
    lchown = libc::SYS_lchown,
    utime = libc::SYS_utime,
    utimes = libc::SYS_utimes,
];
#[cfg(not(target_arch = "x86_64"))]
pub(super) const METADATA_OLD: &[Call] = &[];

/// What sets the mode of a file, and which argument is the mode: whoever may run a file of root's
/// that lends its owner's identity is root.
#[cfg(target_arch = "x86_64")]
pub(super) const OF_A_MODE: &[(Call, u8)] = modes![
    chmod = libc::SYS_chmod, 1;
    creat = libc::SYS_creat, 1;
    fchmod = libc::SYS_fchmod, 1;
    fchmodat = libc::SYS_fchmodat, 2;
    fchmodat2 = 452, 2;
    mknod = libc::SYS_mknod, 1;
    mknodat = libc::SYS_mknodat, 2;
];
#[cfg(not(target_arch = "x86_64"))]
pub(super) const OF_A_MODE: &[(Call, u8)] = modes![
    fchmod = libc::SYS_fchmod, 1;
    fchmodat = libc::SYS_fchmodat, 2;
    fchmodat2 = 452, 2;
    mknodat = libc::SYS_mknodat, 2;
];

/// What may make a file when it opens it, and which argument is the flags; the mode follows.
#[cfg(target_arch = "x86_64")]
pub(super) const OPENING: &[(Call, u8)] = modes![
    open = libc::SYS_open, 1;
    openat = libc::SYS_openat, 2;
];
#[cfg(not(target_arch = "x86_64"))]
pub(super) const OPENING: &[(Call, u8)] = modes![
    openat = libc::SYS_openat, 2;
];

/// The name of a call that is forbidden somewhere; it allocates nothing and takes no lock.
pub(super) fn name_of(number: i64) -> &'static str {
    let named = |calls: &[Call]| calls.iter().find(|call| call.number == number).copied();
    NEVER
        .iter()
        .copied()
        .chain([FORK, KEYS, BY_ARGUMENT, METADATA, METADATA_OLD])
        .find_map(named)
        .or_else(|| {
            let mut with_modes = OF_A_MODE.iter().chain(OPENING);
            let found = with_modes.find(|(call, _)| call.number == number)?;
            Some(found.0)
        })
        .map_or("of no known name", |call| call.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Call> {
        let lists = [FORK, KEYS, BY_ARGUMENT, METADATA, METADATA_OLD];
        let never = NEVER.iter().copied();
        never.chain(lists).flatten().copied().collect()
    }

    #[test]
    fn every_call_stands_in_one_list_and_is_known() {
        let mut numbers: Vec<i64> = all().iter().map(|call| call.number).collect();
        numbers.sort_unstable();
        let count = numbers.len();
        numbers.dedup();
        assert_eq!(numbers.len(), count, "one is there twice");
        assert!(numbers.iter().all(|number| *number <= NEWEST.into()));
        for call in all() {
            assert_eq!(name_of(call.number), call.name);
        }
        assert_eq!(name_of(libc::SYS_getpid), "of no known name");
    }

    #[test]
    fn numbers_of_newer_calls_are_those_of_the_c_library() {
        for (name, number) in [
            ("fsopen", libc::SYS_fsopen),
            ("io_uring_setup", libc::SYS_io_uring_setup),
            ("mount_setattr", libc::SYS_mount_setattr),
            ("move_mount", libc::SYS_move_mount),
            ("open_tree", libc::SYS_open_tree),
            ("pidfd_getfd", libc::SYS_pidfd_getfd),
            ("pidfd_open", libc::SYS_pidfd_open),
            ("pidfd_send_signal", libc::SYS_pidfd_send_signal),
            ("process_madvise", libc::SYS_process_madvise),
            ("process_mrelease", libc::SYS_process_mrelease),
            ("quotactl_fd", libc::SYS_quotactl_fd),
        ] {
            assert_eq!(name_of(number), name);
        }
    }
}
