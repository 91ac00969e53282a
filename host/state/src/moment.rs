//! The moments of a change between which the program may die; tests let it die at each.

/// One more of them has come.
#[cfg(not(test))]
pub(crate) fn pass() {}

/// One more of them has come; it is the last if a test started this process to die there.
#[cfg(test)]
pub(crate) fn pass() {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static LAST: LazyLock<Option<u64>> = LazyLock::new(|| std::env::var(DIE_AT).ok()?.parse().ok());
    static PASSED: AtomicU64 = AtomicU64::new(0);

    if let Some(last) = *LAST
        && PASSED.fetch_add(1, Ordering::Relaxed) + 1 == last
    {
        std::process::abort();
    }
}

/// Where a test says which moment is the last.
#[cfg(test)]
pub(crate) const DIE_AT: &str = "ANCHORHOLD_STATE_TEST_DIE_AT";
