//! The frame around every function that a plugin calls: a panic of ours ends there (R5).

use std::panic::{self, AssertUnwindSafe};

/// Runs what a plugin asked for, and answers `fallback` where that panics. Whoever called the
/// plugin finds out by a poisoned lock, never by a lost answer.
pub(crate) fn guarded<R>(fallback: R, run: impl FnOnce() -> R) -> R {
    panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|payload| {
        // The payload is anything, so that its own drop may panic again.
        if let Err(again) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(again);
        }
        fallback
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panic_becomes_the_fallback() {
        // R5
        assert_eq!(guarded(7, || panic!("ours")), 7);
        assert_eq!(guarded(7, || 8), 8);
    }
}
