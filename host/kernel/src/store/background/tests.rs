//! Stores that take their time: who waits for them, and who need not.

use std::sync::mpsc;

use anchorhold_boundary::CallError;
use anchorhold_boundary::manifest::Value;
use anchorhold_sdk::ErrorKind;
use anchorhold_sdk::testing::Held;

use super::*;
use crate::fixture::{GATED, Gate, Hands, Stores, stock};
use crate::plan::StorePlan;

/// A store with a clock that stands still until it is turned.
fn scene() -> (Stores, Hands) {
    let hands = Hands::default();
    let stores = Stores::with_clock(&["token"], |_, plan| plan, &hands.clock());
    (stores, hands)
}

/// A store that is to be listed for each question, and does not answer while its gate is shut.
struct Gated {
    stores: Stores,
    gate: Arc<Gate>,
    hands: Hands,
}

impl Gated {
    /// It was listed, and holds one certificate.
    fn new(stale_ok: u64) -> Self {
        let hands = Hands::default();
        let with = |_: &str, mut plan: StorePlan| {
            plan.plugin = GATED.to_owned();
            plan.stale_ok = Duration::from_secs(stale_ok);
            plan
        };
        let stores = Stores::with_clock(&["token"], with, &hands.clock());
        let contents = &stores.kernel.stores()[0].plan().settings["contents"];
        let Value::String(name) = contents else {
            panic!("{contents:?}")
        };
        let gate = Gate::named(name);
        stores.contents[0].put(Held::anchor(stock(), "one"));
        stores.kernel.stores()[0].snapshot().unwrap();
        Self {
            stores,
            gate,
            hands,
        }
    }

    fn store(&self) -> &Store {
        &self.stores.kernel.stores()[0]
    }

    fn at(&self, second: u64) {
        self.hands.turn_to(second);
    }

    fn source(&self) -> Source {
        self.store().part(false).source
    }

    /// Until the store answers again.
    fn fresh(&self) -> Arc<Snapshot> {
        loop {
            match self.source() {
                Source::Fresh(snapshot) => return snapshot,
                Source::Stale { .. } => thread::yield_now(),
                Source::Down { why, .. } => panic!("{why}"),
            }
        }
    }
}

impl Drop for Gated {
    fn drop(&mut self) {
        self.gate.open();
    }
}

#[test]
fn what_it_held_serves_while_one_listing_hangs() {
    let gated = Gated::new(3600);
    gated.gate.shut();
    let came = gated.gate.came();
    for _ in 0..1000 {
        let source = gated.source();
        assert!(matches!(source, Source::Stale { .. }), "{source:?}");
    }
    assert!(gated.gate.came() <= came + 1, "one for all who ask");
    gated.at(7);
    let Source::Stale { last, age, why } = gated.source() else {
        panic!("it does not answer")
    };
    assert_eq!((last.items().len(), age), (1, Duration::from_secs(7)));
    assert!(why.contains("asked for 7 s"), "{why}");
    let health = gated.store().health();
    assert_eq!(health.word(), "degraded");
    assert!(health.detail.contains("listed for 7 s"), "{health:?}");
    // What it answers late counts, since it is whole.
    gated.stores.contents[0].put(Held::anchor(stock(), "two"));
    gated.gate.open();
    assert_eq!(gated.fresh().items().len(), 2);
    assert_eq!(gated.store().health().word(), "ready");
}

#[test]
fn a_listing_that_ends_at_once_is_made_once() {
    let gated = Gated::new(3600);
    let first = gated.fresh();
    let came = gated.gate.came();
    let again = gated.fresh();
    assert_eq!(gated.gate.came(), came + 1);
    assert!(Arc::ptr_eq(&first, &again));
}

#[test]
fn what_a_store_says_is_told_while_what_it_held_serves() {
    let gated = Gated::new(3600);
    gated.stores.contents[0].fault(|faults| faults.list = Some(ErrorKind::NotPresent));
    for _ in 0..2 {
        let why = loop {
            match gated.source() {
                Source::Stale { why, .. } if why.contains("asked for") => thread::yield_now(),
                Source::Stale { why, .. } => break why,
                source => panic!("{source:?}"),
            }
        };
        let error = gated.store().fresh_snapshot().unwrap_err();
        assert_eq!(why, error.kind().to_string());
    }
    gated.stores.contents[0].fault(|faults| faults.list = None);
    gated.fresh();
}

#[test]
fn what_was_changed_here_is_waited_for() {
    let gated = Gated::new(3600);
    assert!(gated.store().serving().is_some());
    gated.stores.contents[0].replace(Vec::new());
    gated.store().outdate();
    assert!(gated.store().serving().is_none());
    let Source::Fresh(snapshot) = gated.source() else {
        panic!("it answers")
    };
    assert_eq!(snapshot.items().len(), 0);
    assert!(gated.store().serving().is_some());
}

#[test]
fn nothing_serves_that_is_older_than_the_operator_lets_it_be() {
    let gated = Gated::new(60);
    gated.at(60);
    assert!(gated.store().serving().is_some());
    gated.at(61);
    assert!(gated.store().serving().is_none());
    // It is asked, and waited for.
    assert!(matches!(gated.source(), Source::Fresh(_)));
}

#[test]
fn no_thread_is_begun_for_a_store_that_took_too_long_a_moment_ago() {
    let gated = Gated::new(3600);
    let instance = gated.store().instance().unwrap();
    gated.store().note_listing(&instance, Some(&timeout()));
    let came = gated.gate.came();
    for _ in 0..10 {
        let Source::Stale { why, .. } = gated.source() else {
            panic!("it took too long")
        };
        assert_eq!(why, timeout().to_string());
    }
    assert_eq!(gated.gate.came(), came);
    gated.at(gated.store().plan().timeout.as_secs() + 1);
    gated.fresh();
}

#[test]
fn a_listing_that_has_no_thread_is_over() {
    let gated = Gated::new(3600);
    let (_, _, is_first) = gated.store().background.begin(Duration::ZERO);
    assert!(is_first);
    let store = gated.store().me.upgrade().unwrap();
    drop(Ending {
        store,
        failed: None,
    });
    assert!(gated.store().background.state().begun.is_none());
}

fn timeout() -> CallError {
    CallError::new(Status::Timeout, "it took too long")
}

#[test]
fn a_listing_that_took_too_long_is_not_waited_for_again_at_once() {
    let (stores, hands) = scene();
    let store = &stores.kernel.stores()[0];
    assert!(store.late().is_none());
    let instance = store.instance().unwrap();
    store.note_listing(&instance, Some(&timeout()));
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
    store.note_listing(&instance, Some(&timeout()));
    store.outdate();
    hands.turn_to(store.plan().timeout.as_secs() + 1);
    assert!(store.snapshot().is_ok());
}

#[test]
fn other_errors_are_asked_about_again_at_once() {
    let (stores, _) = scene();
    let store = &stores.kernel.stores()[0];
    let error = CallError::new(Status::Unavailable, "gone");
    let instance = store.instance().unwrap();
    store.note_listing(&instance, Some(&error));
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
    background.end(None);
    thread.join().unwrap();
    assert!(background.state().begun.is_none());
}
