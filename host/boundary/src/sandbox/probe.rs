//! Trying what must not work, once the sandbox is in force.

use std::fs::File;
use std::io;

use rustix::thread::SecureComputingMode;

use super::{Landlock, support};
use crate::sandbox::SandboxSpec;

/// The version of Landlock that knows connecting to a Unix socket.
const KNOWS_UNIX: u32 = 9;

/// Whether Landlock itself tells granted Unix sockets from others.
pub(super) fn unix_is_handled() -> bool {
    matches!(support::landlock(), Landlock::Version(version) if version >= KNOWS_UNIX)
}

/// Whether this process has one thread, as it is before anything is enforced.
pub(super) fn one_thread() -> Result<(), String> {
    let threads = std::fs::read_dir("/proc/self/task")
        .map_err(|why| format!("how many threads there are cannot be told: {why}"))?;
    match threads.count() {
        1 => Ok(()),
        _ => Err("a thread was there before the sandbox, which does not hold it".to_owned()),
    }
}

/// What can be opened that must not be, and who can be signalled that must not be.
pub(super) fn files(spec: &SandboxSpec) -> Vec<String> {
    let mut lacks = Vec::new();
    let root = std::path::Path::new("/");
    let is_granted = spec.read.iter().chain(&spec.write).any(|path| path == root);
    if !is_granted && File::open(root).is_ok() {
        lacks.push("Landlock is in force and yet the root can be read".to_owned());
    }
    // A parent outside its view has no number here, and cannot be signalled by one.
    let parent = rustix::process::getppid();
    if parent.is_some_and(|parent| rustix::process::test_kill_process(parent).is_ok()) {
        lacks.push("the process that started it can be signalled".to_owned());
    }
    lacks
}

/// Tries what the filter forbids. Where a forbidden call ends the process there is only what the
/// kernel says.
pub(super) fn calls(spec: &SandboxSpec) -> Result<(), String> {
    if rustix::thread::secure_computing_mode() != Ok(SecureComputingMode::Filter) {
        return Err("the filter of system calls did not stay".to_owned());
    }
    if rustix::thread::no_new_privs() != Ok(true) {
        return Err("the bar against new privileges did not stay".to_owned());
    }
    if spec.trap {
        return Ok(());
    }
    let datagram = (libc::AF_INET, libc::SOCK_DGRAM);
    // SAFETY: the call makes a descriptor or fails; it is closed where it must not have been made.
    let socket = unsafe { libc::socket(datagram.0, datagram.1, 0) };
    if socket >= 0 {
        // SAFETY: as above, and nobody else has it.
        unsafe { libc::close(socket) };
        return Err("the filter is in force and yet a UDP socket can be made".to_owned());
    }
    let none = std::ptr::null::<libc::c_void>();
    for (name, number, expected) in [
        ("io_uring_setup", libc::SYS_io_uring_setup, libc::EPERM),
        ("execve", libc::SYS_execve, libc::EPERM),
        ("clone3", libc::SYS_clone3, libc::ENOSYS),
    ] {
        // SAFETY: none of these does anything with arguments that lead nowhere but fail.
        let made = unsafe { libc::syscall(number, none, none, none) };
        if made != -1 || io::Error::last_os_error().raw_os_error() != Some(expected) {
            return Err(format!(
                "the filter is in force and yet {name} is not answered by it"
            ));
        }
    }
    Ok(())
}
