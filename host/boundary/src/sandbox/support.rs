//! What this kernel offers for a sandbox, and what it was told to withhold.

use std::io;
use std::ptr;

use super::{Available, Landlock, Namespaces};

/// Asks the kernel.
pub(super) fn available() -> Available {
    Available {
        landlock: landlock(),
        seccomp: seccomp(),
        namespaces: namespaces(),
    }
}

/// Which version of Landlock there is.
pub(super) fn landlock() -> Landlock {
    const VERSION: libc::c_uint = 1;
    let (none, size) = (ptr::null::<libc::c_void>(), 0_usize);
    // SAFETY: the call with this flag takes no struct and changes nothing.
    let version = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, none, size, VERSION) };
    if let Ok(version) = u32::try_from(version) {
        return Landlock::Version(version);
    }
    match io::Error::last_os_error().raw_os_error() {
        Some(libc::EOPNOTSUPP) => Landlock::NotEnabled,
        Some(libc::ENOSYS) => Landlock::NotBuilt,
        _ => Landlock::Forbidden,
    }
}

/// Whether system calls can be filtered.
fn seccomp() -> bool {
    const ACTION_AVAILABLE: libc::c_uint = 2;
    let action = libc::SECCOMP_RET_KILL_PROCESS;
    // SAFETY: the call reads one number, which lives meanwhile, and changes nothing.
    let asked = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            ACTION_AVAILABLE,
            0_u32,
            &raw const action,
        )
    };
    asked == 0
}

/// Whether this user can make namespaces, tried in a process that ends at once.
fn namespaces() -> Namespaces {
    const USABLE: libc::c_int = 0;
    const ABSENT: libc::c_int = 1;
    const FORBIDDEN: libc::c_int = 2;
    // SAFETY: the child makes system calls only, and ends with `_exit`.
    let child = unsafe { libc::fork() };
    if child < 0 {
        return Namespaces::Forbidden;
    }
    if child == 0 {
        // SAFETY: as above; the texts end in a NUL, and the error number is this thread's own.
        unsafe {
            let flags = libc::CLONE_NEWUSER | libc::CLONE_NEWNS;
            let made = libc::unshare(flags) == 0;
            let absent = !made && matches!(*libc::__errno_location(), libc::EINVAL | libc::ENOSYS);
            let (none, root) = (ptr::null(), c"/".as_ptr());
            // Where a policy takes the privileges of a new namespace away, this fails.
            let usable = made
                && libc::mount(
                    none,
                    root,
                    none,
                    libc::MS_REC | libc::MS_PRIVATE,
                    none.cast(),
                ) == 0;
            libc::_exit(if usable {
                USABLE
            } else if absent {
                ABSENT
            } else {
                FORBIDDEN
            });
        }
    }
    let mut status = 0;
    // SAFETY: the child is this process's own, and nobody else waits for it.
    while unsafe { libc::waitpid(child, &raw mut status, 0) } < 0 {
        if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return Namespaces::Forbidden;
        }
    }
    match (libc::WIFEXITED(status), libc::WEXITSTATUS(status)) {
        (true, USABLE) => Namespaces::Usable,
        (true, ABSENT) => Namespaces::NotBuilt,
        _ => Namespaces::Forbidden,
    }
}
