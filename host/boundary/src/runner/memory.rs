//! What a runner keeps of the memory that a listing took.

/// How much is kept: several pages of a listing, and what they are on the wire.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: libc::c_int = 8 << 20;
/// From which size on a piece of memory is always given back.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: libc::c_int = 1 << 20;

/// Keeps some of the memory that is freed. Else each page of each listing is taken from the system
/// and given back, which costs more than all else that is done for it.
pub(super) fn is_kept() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    for (what, size) in [
        (libc::M_MMAP_THRESHOLD, LARGE),
        (libc::M_TRIM_THRESHOLD, KEPT),
    ] {
        // SAFETY: the call takes two numbers, and there is one thread (R7).
        unsafe { libc::mallopt(what, size) };
    }
}
