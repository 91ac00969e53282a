//! Stores that take their time: who waits for them, and who need not.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

use anchorhold_boundary::CallError;

use super::*;
use crate::clock::Clock;
use crate::fixture::Stores;

/// A store with a clock that stands still until it is turned.
fn scene() -> (Stores, Arc<AtomicU64>) {
    let now = Arc::new(AtomicU64::new(0));
    let told = Arc::clone(&now);
    let clock = Clock::turned_by(move || Duration::from_secs(told.load(Ordering::Relaxed)));
    let options = crate::KernelOptions::default().with_clock(clock);
    let with = |_: &str, plan| plan;
    (Stores::with_options(&["token"], with, options), now)
}

fn timeout() -> CallError {
    CallError::new(Status::Timeout, "it took too long")
}

#[test]
fn a_listing_that_took_too_long_is_not_waited_for_again_at_once() {
    let (stores, now) = scene();
    let store = &stores.kernel.stores()[0];
    assert!(store.late().is_none());
    store.note_listing(Some(&timeout()));
    let lists = stores.contents[0].lists();
    assert!(store.snapshot().is_err());
    assert_eq!(stores.contents[0].lists(), lists);
    assert!(
        store.health().detail.contains("slow"),
        "{:?}",
        store.health()
    );
    // An import asks whatever was before.
    assert!(store.fresh_snapshot().is_ok());
    assert!(store.snapshot().is_ok());
    assert!(store.slowness().is_none());
    store.note_listing(Some(&timeout()));
    store.outdate();
    now.store(store.plan().timeout.as_secs() + 1, Ordering::Relaxed);
    assert!(store.snapshot().is_ok());
}

#[test]
fn other_errors_are_asked_about_again_at_once() {
    let (stores, _) = scene();
    let store = &stores.kernel.stores()[0];
    let error = CallError::new(Status::Unavailable, "gone");
    store.note_listing(Some(&error));
    assert!(store.late().is_none());
    assert!(store.snapshot().is_ok());
}

#[test]
fn whoever_waits_is_told_when_the_listing_is_over() {
    let background = Arc::new(Background::default());
    background.state().begun = Some((Instant::now(), Duration::ZERO));
    let (told, tells) = mpsc::channel();
    let waiting = Arc::clone(&background);
    let thread = thread::spawn(move || {
        told.send(()).unwrap();
        let state = waiting.state();
        drop(
            waiting
                .over
                .wait_while(state, |state| state.begun.is_some()),
        );
    });
    tells.recv().unwrap();
    background.end(false);
    thread.join().unwrap();
    assert!(background.state().begun.is_none());
}
