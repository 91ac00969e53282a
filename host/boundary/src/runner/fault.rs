//! Faults of memory end a runner where they happen, and whoever sends one means it.

/// Lets a fault of memory end the process. The standard library looks first whether a stack has
/// overflowed, and takes a signal that a person has sent for a fault that will come again.
pub(super) fn ends_the_process() {
    for signal in [libc::SIGSEGV, libc::SIGBUS] {
        // SAFETY: the default disposition calls nothing of this process (R5), and there is one
        // thread.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}
