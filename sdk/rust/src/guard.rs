//! The frame around every call into a plugin: a panic ends there, and so does the store.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use anchorhold_abi as abi;
use anchorhold_abi::{ah_error, ah_status, ah_store};

use crate::error::{Error, ErrorKind};
use crate::host::{Host, LogLevel};

/// One open store: what an `ah_store` of this SDK really is.
pub(crate) struct Opened<T> {
    pub(crate) store: T,
    pub(crate) host: Host,
    /// Set once a call has panicked: what the store holds then is anybody's guess.
    panicked: AtomicBool,
}

impl<T> Opened<T> {
    pub(crate) fn new(store: T, host: Host) -> Self {
        Self {
            store,
            host,
            panicked: AtomicBool::new(false),
        }
    }
}

/// Runs one call on a store: refuses it where an earlier one has panicked, reports an error or a
/// panic to the caller, and the panic to the log as well.
///
/// # Safety
///
/// R3: `store` is NULL or came out of `open` of the same `T` and was not closed since. R1, R3:
/// `err` is NULL or lent for this call.
pub(crate) unsafe fn enter<T>(
    store: *mut ah_store,
    err: *mut ah_error,
    name: &str,
    run: impl FnOnce(&Opened<T>) -> Result<(), Error>,
) -> ah_status {
    // SAFETY: R3: NULL, or the box that `open` made, of which only shared references are taken
    // until close.
    let result = match unsafe { store.cast::<Opened<T>>().as_ref() } {
        None => Err(Error::invalid_argument("a call without a store")),
        Some(opened) if opened.panicked.load(Ordering::Acquire) => Err(Error::new(
            ErrorKind::Panic,
            "an earlier call panicked, so the store answers no more: open it again",
        )),
        Some(opened) => contain(|| run(opened)).unwrap_or_else(|panic| {
            opened.panicked.store(true, Ordering::Release);
            Err(panic.report(&opened.host, name))
        }),
    };
    // SAFETY: R1, R3, as promised by the caller.
    unsafe { answer(result, err) }
}

/// Turns a result into a status and fills the caller's error.
///
/// # Safety
///
/// R1, R3: `err` is NULL or lent for this call.
pub(crate) unsafe fn answer(result: Result<(), Error>, err: *mut ah_error) -> ah_status {
    match result {
        Ok(()) => abi::AH_OK,
        Err(error) => {
            // SAFETY: R1, R3, as promised by the caller.
            unsafe { error.fill(err) };
            error.status()
        }
    }
}

/// A panic that was caught: what it said, and where.
pub(crate) struct Panic(String);

impl Panic {
    /// Tells the log, and makes the error for the caller.
    pub(crate) fn report(self, host: &Host, name: &str) -> Error {
        host.log(LogLevel::Error, &format!("panic in {name}: {}", self.0));
        Error::new(ErrorKind::Panic, self.0)
    }
}

/// Runs what a plugin author wrote, and catches its panic (R5).
pub(crate) fn contain<R>(run: impl FnOnce() -> R) -> Result<R, Panic> {
    install_hook();
    INSIDE.with(|depth| depth.set(depth.get() + 1));
    // The state that a panic may have torn is not seen again: the store is refused from then on.
    let result = panic::catch_unwind(AssertUnwindSafe(run));
    INSIDE.with(|depth| depth.set(depth.get() - 1));
    result.map_err(|payload| {
        let text = payload_text(&*payload);
        discard(payload);
        match PLACE.take() {
            Some(place) => Panic(format!("{text} at {place}")),
            None => Panic(text),
        }
    })
}

thread_local! {
    /// How many calls into plugins this thread is inside of.
    static INSIDE: Cell<usize> = const { Cell::new(0) };
    /// Where the last panic inside one was.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Notes where panics of plugins are, instead of printing them: they go to the host's log. All
/// other panics of the process go to whoever saw them before.
fn install_hook() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        if std::thread::panicking() {
            // The hook cannot be changed now; without it only the place is missing.
            return;
        }
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !note_place(info) {
                before(info);
            }
        }));
    });
}

/// Whether the panic is a plugin's, whose place is noted then.
fn note_place(info: &PanicHookInfo<'_>) -> bool {
    let inside = INSIDE.try_with(|depth| depth.get() > 0).unwrap_or(false);
    if inside {
        // Where the note cannot be made, only the place is missing.
        let _noted = PLACE.try_with(|place| {
            if let Ok(mut place) = place.try_borrow_mut() {
                *place = info.location().map(ToString::to_string);
            }
        });
    }
    inside
}

fn payload_text(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        return (*text).to_owned();
    }
    match payload.downcast_ref::<String>() {
        Some(text) => text.clone(),
        None => "a panic without a text".to_owned(),
    }
}

/// Drops the payload of a panic, which is anything, so that its own drop may panic again.
fn discard(payload: Box<dyn Any + Send>) {
    if let Err(again) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Grenade;

    impl Drop for Grenade {
        fn drop(&mut self) {
            panic!("thrown by the payload");
        }
    }

    #[test]
    fn panic_tells_what_and_where() {
        let Panic(text) = contain::<()>(|| panic!("out of {}", "luck")).err().unwrap();
        assert!(text.starts_with("out of luck at "), "{text}");
        assert!(text.contains("guard.rs:"), "{text}");
    }

    #[test]
    fn payload_that_panics_when_dropped_is_contained() {
        // R5
        let caught = contain(|| panic::panic_any(Grenade));
        assert!(caught.is_err());
    }

    #[test]
    fn what_does_not_panic_is_passed_on() {
        assert!(matches!(contain(|| 7), Ok(7)));
    }
}
