//! The moments between the first look at a file and its load, at which a test changes the file.

/// A moment; what was done just before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// The manifest was walked to, checked and opened.
    ManifestOpened,
    /// It was read, hashed and compared.
    ManifestRead,
    /// The library was walked to, checked and opened.
    LibraryOpened,
    /// It was hashed and compared, and what is loaded is where nobody can change it.
    LibraryHeld,
    /// It was handed over to the loader, which may be another process.
    HandedOver,
    /// The last look at every path was taken. Only where the bytes cannot be changed by then is
    /// this a moment of its own; a library that is loaded by its path is at root's mercy anyway.
    LookedAgain,
    /// It was loaded, and nothing of it was called.
    Loaded,
}

/// Says that a moment has come.
#[cfg(not(test))]
pub(crate) fn reached(_step: Step) {}

#[cfg(test)]
pub(crate) use hook::{reached, with_hook};

#[cfg(test)]
mod hook {
    //! What a test does at these moments.

    use std::cell::RefCell;

    use super::Step;

    type Hook = Box<dyn FnMut(Step)>;

    thread_local! {
        static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
    }

    /// Says that a moment has come.
    pub(crate) fn reached(step: Step) {
        HOOK.with_borrow_mut(|hook| {
            if let Some(hook) = hook {
                hook(step);
            }
        });
    }

    /// Runs something with a hook in this thread.
    pub(crate) fn with_hook<T>(hook: impl FnMut(Step) + 'static, run: impl FnOnce() -> T) -> T {
        HOOK.set(Some(Box::new(hook)));
        let result = run();
        HOOK.set(None);
        result
    }
}
