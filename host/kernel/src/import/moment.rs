//! The moments of a change to stores between which the program may die or a store may fail; tests
//! let it happen at each.

/// One more of them has come.
#[cfg(not(test))]
pub(super) fn pass() {}

/// One more of them has come: whatever a test wants to happen then happens.
#[cfg(test)]
pub(super) fn pass() {
    HOOK.with_borrow_mut(|hook| {
        if let Some(hook) = hook {
            hook();
        }
    });
}

/// Has this done at every moment that comes while something else is done.
#[cfg(test)]
pub(super) fn with<T>(hook: impl FnMut() + 'static, work: impl FnOnce() -> T) -> T {
    /// Ends it also where the work panics.
    struct Ends;

    impl Drop for Ends {
        fn drop(&mut self) {
            HOOK.set(None);
        }
    }

    HOOK.set(Some(Box::new(hook)));
    let _ends = Ends;
    work()
}

#[cfg(test)]
thread_local! {
    static HOOK: std::cell::RefCell<Option<Box<dyn FnMut()>>> = const { std::cell::RefCell::new(None) };
}
