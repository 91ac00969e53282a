//! Which arguments make a system call a forbidden one.

use std::collections::BTreeMap;

use seccompiler::{BackendError, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};

use super::call;
use crate::sandbox::SandboxSpec;

/// By number, what of a call is forbidden: any of the rules; all of it where there is none.
pub(super) type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Flags of `clone` and `unshare` that make a namespace.
const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWUTS,
];
/// The namespace of time; in `clone` its bit belongs to the number of a signal.
const NEWTIME: i32 = 0x80;

/// Requests that put characters into a terminal, or another driver under it.
const TERMINAL: [u32; 3] = [0x5412, 0x541c, 0x5423];
/// Requests that change the flags of a file through a descriptor that only reads: `FS_IOC_SETFLAGS`
/// in both sizes, `FS_IOC_FSSETXATTR`, `FS_IOC_ENABLE_VERITY`, `FS_IOC_SET_ENCRYPTION_POLICY`.
const FLAGS: [u32; 5] = [
    0x4008_6602,
    0x4004_6602,
    0x401c_5820,
    0x4080_6685,
    0x800c_6613,
];

/// The bits of a mode that lend whoever runs a file the identity of its owner or its group.
const SET_ID: [i32; 2] = [0o4000, 0o2000];
/// The flags with which the call that opens a file may make one, and takes a mode.
const MAKES: [i32; 2] = [libc::O_CREAT, O_TMPFILE];
/// Without the flag that it has in common with opening a directory.
const O_TMPFILE: i32 = libc::O_TMPFILE & !libc::O_DIRECTORY;

/// The bits of a socket's type that are no flags.
const TYPE_MASK: u32 = 0xf;
/// `IOPRIO_WHO_PROCESS`.
const IOPRIO_PROCESS: u32 = 1;

/// What no runner does, of what depends on arguments.
pub(super) fn forbidden(spec: &SandboxSpec, own: u32) -> Result<Rules, BackendError> {
    let mut rules = Rules::new();
    for number in call::OF_A_PROCESS {
        rules.insert(*number, vec![not_of(0, &[0, own])?]);
    }
    rules.insert(
        libc::SYS_setpriority,
        vec![
            not_of(0, &[word(libc::PRIO_PROCESS)])?,
            not_of(1, &[0, own])?,
        ],
    );
    rules.insert(
        libc::SYS_ioprio_set,
        vec![not_of(0, &[IOPRIO_PROCESS])?, not_of(1, &[0, own])?],
    );
    rules.insert(libc::SYS_ioctl, each(1, &TERMINAL)?);
    rules.insert(libc::SYS_clone, clone(spec.fork)?);
    let mut unshared = any_bit(0, &NAMESPACES)?;
    unshared.extend(any_bit(0, &[NEWTIME])?);
    rules.insert(libc::SYS_unshare, unshared);
    rules.insert(libc::SYS_socket, socket(spec)?);
    rules.insert(libc::SYS_socketpair, pair()?);
    // A connection that is made by sending is made without asking Landlock about its port.
    for (number, flags) in [
        (libc::SYS_sendmmsg, 3),
        (libc::SYS_sendmsg, 2),
        (libc::SYS_sendto, 3),
    ] {
        rules.insert(number, any_bit(flags, &[libc::MSG_FASTOPEN])?);
    }
    rules.insert(libc::SYS_setsockopt, vec![other_protocol()?]);
    for (call, mode) in call::OF_A_MODE {
        rules.insert(call.number, any_bit(*mode, &SET_ID)?);
    }
    for (call, flags) in call::OPENING {
        rules.insert(call.number, making(*flags)?);
    }
    Ok(rules)
}

/// Another protocol under a socket of TCP: with that of SMC it connects as what Landlock has no
/// ports for.
fn other_protocol() -> Result<SeccompRule, BackendError> {
    rule(vec![
        compared(1, SeccompCmpOp::Eq, word(libc::IPPROTO_TCP))?,
        compared(2, SeccompCmpOp::Eq, word(libc::TCP_ULP))?,
    ])
}

/// A file that is made with a mode that lends an identity; the mode follows the flags. Where no
/// file may be made it is not looked at, and can be anything.
fn making(flags: u8) -> Result<Vec<SeccompRule>, BackendError> {
    let mut rules = Vec::new();
    for makes in MAKES.map(word) {
        for lends in SET_ID.map(word) {
            rules.push(rule(vec![
                masked(flags, makes, makes)?,
                masked(flags + 1, lends, lends)?,
            ])?);
        }
    }
    Ok(rules)
}

/// Reading how a thread is scheduled is answered as if the kernel could not: the C library asks it
/// of every thread whose stack it is asked for, and goes on without.
pub(super) fn not_there(own: u32) -> Result<Rules, BackendError> {
    Ok(Rules::from([
        (libc::SYS_clone3, Vec::new()),
        // Its mode lies in memory, where a filter does not look.
        (libc::SYS_openat2, Vec::new()),
        (libc::SYS_sched_getaffinity, vec![not_of(0, &[0, own])?]),
    ]))
}

/// What changes a file without changing what is in it.
pub(super) fn metadata() -> Result<Rules, BackendError> {
    let mut rules: Rules = call::METADATA
        .iter()
        .chain(call::METADATA_OLD)
        .map(|call| (call.number, Vec::new()))
        .collect();
    rules.insert(libc::SYS_ioctl, each(1, &FLAGS)?);
    Ok(rules)
}

/// A namespace, a child of the host's, or, unless it is granted, anything but a thread.
fn clone(fork: bool) -> Result<Vec<SeccompRule>, BackendError> {
    let mut rules = any_bit(0, &NAMESPACES)?;
    rules.extend(any_bit(0, &[libc::CLONE_PARENT])?);
    if !fork {
        rules.push(rule(vec![masked(0, word(libc::CLONE_THREAD), 0)?])?);
    }
    Ok(rules)
}

/// None without a grant, and with one only streams: of the family, and of TCP.
fn socket(spec: &SandboxSpec) -> Result<Vec<SeccompRule>, BackendError> {
    let mut families = Vec::new();
    if !spec.unix.is_empty() {
        families.push(word(libc::AF_UNIX));
    }
    if spec.reaches_network() {
        families.extend([word(libc::AF_INET), word(libc::AF_INET6)]);
    }
    if families.is_empty() {
        return Ok(Vec::new());
    }
    let mut rules = no_stream()?;
    rules.push(not_of(0, &families)?);
    // Others that are streams too, such as MPTCP and SCTP, have ports that Landlock does not know.
    rules.push(not_of(2, &[0, word(libc::IPPROTO_TCP)])?);
    Ok(rules)
}

/// A datagram socket of a pair could be sent anywhere from; a stream is connected for ever.
fn pair() -> Result<Vec<SeccompRule>, BackendError> {
    let mut rules = no_stream()?;
    rules.push(not_of(0, &[word(libc::AF_UNIX)])?);
    Ok(rules)
}

fn no_stream() -> Result<Vec<SeccompRule>, BackendError> {
    (0..=TYPE_MASK)
        .filter(|kind| *kind != word(libc::SOCK_STREAM))
        .map(|kind| rule(vec![masked(1, TYPE_MASK, kind)?]))
        .collect()
}

/// The argument is none of these.
fn not_of(index: u8, allowed: &[u32]) -> Result<SeccompRule, BackendError> {
    let conditions = allowed
        .iter()
        .map(|value| compared(index, SeccompCmpOp::Ne, *value));
    rule(conditions.collect::<Result<_, _>>()?)
}

/// The argument is one of these.
fn each(index: u8, values: &[u32]) -> Result<Vec<SeccompRule>, BackendError> {
    let equal = |value: &u32| rule(vec![compared(index, SeccompCmpOp::Eq, *value)?]);
    values.iter().map(equal).collect()
}

/// The argument has one of these bits.
fn any_bit(index: u8, bits: &[i32]) -> Result<Vec<SeccompRule>, BackendError> {
    let set = |bit: &i32| rule(vec![masked(index, word(*bit), word(*bit))?]);
    bits.iter().map(set).collect()
}

fn rule(conditions: Vec<SeccompCondition>) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(conditions)
}

fn masked(index: u8, mask: u32, value: u32) -> Result<SeccompCondition, BackendError> {
    compared(index, SeccompCmpOp::MaskedEq(mask.into()), value)
}

/// All these arguments are numbers of 32 bits to the kernel, which does not look at the others.
fn compared(index: u8, op: SeccompCmpOp, value: u32) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(index, SeccompCmpArgLen::Dword, op, value.into())
}

/// The bits of a constant of the C library, whatever its sign.
fn word(constant: impl Into<i64>) -> u32 {
    let bytes = constant.into().to_le_bytes();
    let [a, b, c, d, ..] = bytes;
    u32::from_le_bytes([a, b, c, d])
}
