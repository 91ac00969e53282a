//! Plugins that end in the middle of their work, as far as a process survives it.

use std::sync::Mutex;

use super::*;
use crate::incidents::{Crash, Incidents, RefusedSecret, SecretMark, Written};

/// Remembers the crashes, and quarantines where it is told to.
#[derive(Debug, Default)]
struct Book {
    crashes: Mutex<Vec<String>>,
    quarantined: Mutex<Option<String>>,
}

impl Incidents for Book {
    fn quarantine(&self, _store: &str, code: &str) -> Written {
        assert!(code.starts_with(MEMORY), "{code}");
        let quarantined = self.quarantined.lock().unwrap().clone();
        quarantined.map_or(Written::Nothing, Written::Quarantined)
    }

    fn crashed(&self, crash: &Crash<'_>) -> Option<String> {
        let line = format!("{} {} {}", crash.store, crash.plugin, crash.what);
        self.crashes.lock().unwrap().push(line);
        None
    }

    fn refused_secret(&self, _store: &str, _setting: &str) -> Option<Option<SecretMark>> {
        None
    }

    fn secret_refused(&self, _refused: &RefusedSecret<'_>) {}

    fn secret_taken(&self, _store: &str) {}
}

/// A store whose plugin panics in a listing, with a clock that the test turns.
struct Fragile {
    stores: Stores,
    book: Arc<Book>,
    hands: Hands,
}

impl Fragile {
    fn new() -> Self {
        let (book, hands) = (Arc::new(Book::default()), Hands::default());
        let incidents: Arc<dyn Incidents> = book.clone();
        let options = KernelOptions::default()
            .with_clock(hands.clock())
            .with_incidents(incidents);
        Self {
            stores: Stores::with_options(&["fragile"], |_, plan| plan, options),
            book,
            hands,
        }
    }

    fn store(&self) -> &Store {
        &self.stores.kernel.stores()[0]
    }

    fn at(&self, second: u64) -> &Self {
        self.hands.turn_to(second);
        self
    }

    fn panics(&self, panics: bool) {
        let panics = panics.then_some(Operation::List);
        self.stores.contents[0].fault(|faults| faults.panic = panics);
    }

    fn crashes(&self) -> usize {
        self.book.crashes.lock().unwrap().len()
    }
}

#[test]
fn the_call_in_which_it_ends_fails_and_the_next_one_starts_it_again() {
    let fragile = Fragile::new();
    fragile.panics(true);
    let error = fragile.store().snapshot().unwrap_err();
    assert!(error.to_string().contains("panicked"), "{error}");
    assert_eq!(fragile.crashes(), 1);
    fragile.panics(false);
    assert!(fragile.store().snapshot().is_ok());
    let health = fragile.at(7).store().health();
    assert_eq!(health.word(), "ready");
    assert!(
        health.detail.contains("crashed 7 s ago"),
        "{}",
        health.detail
    );
    assert_eq!(fragile.crashes(), 1, "one crash is one crash");
    let told = fragile.book.crashes.lock().unwrap()[0].clone();
    assert!(
        told.starts_with("fragile anchorhold.testing.memory "),
        "{told}"
    );
}

#[test]
fn the_last_good_snapshot_survives_a_crash() {
    let fragile = Fragile::new();
    fragile.stores.contents[0].put(Held::anchor(stock(), "one"));
    fragile.store().snapshot().unwrap();
    fragile.panics(true);
    assert!(fragile.store().fresh_snapshot().is_err());
    let (last, _) = fragile.store().last_snapshot().unwrap();
    assert_eq!(last.items().len(), 1);
}

#[test]
fn a_second_crash_costs_a_pause() {
    let fragile = Fragile::new();
    fragile.panics(true);
    fragile.store().snapshot().unwrap_err();
    fragile.at(10).store().snapshot().unwrap_err();
    assert_eq!(fragile.crashes(), 2);
    fragile.panics(false);
    let error = fragile.store().snapshot().unwrap_err();
    assert_eq!(error.code(), Some("crashed"));
    assert!(error.to_string().contains("again in 1 s"), "{error}");
    let health = fragile.store().health();
    assert_eq!(
        (health.word(), health.code.as_deref()),
        ("crashed", Some("crashed"))
    );
    assert!(fragile.at(11).store().snapshot().is_ok());
}

#[test]
fn the_third_crash_within_a_minute_quarantines_until_somebody_releases_it() {
    let fragile = Fragile::new();
    fragile.panics(true);
    for second in [0, 10, 20] {
        fragile.at(second).store().snapshot().unwrap_err();
    }
    fragile.panics(false);
    let error = fragile.at(10_000).store().snapshot().unwrap_err();
    assert_eq!(error.code(), Some("quarantined"));
    assert!(
        error.to_string().contains("store release fragile"),
        "{error}"
    );
    assert_eq!(fragile.store().health().word(), "quarantined");
    assert_eq!(fragile.crashes(), 3);
    fragile.store().release();
    assert!(fragile.store().snapshot().is_ok());
}

#[test]
fn what_is_quarantined_elsewhere_is_not_started() {
    let fragile = Fragile::new();
    *fragile.book.quarantined.lock().unwrap() = Some("it crashed before".to_owned());
    let error = fragile.store().snapshot().unwrap_err();
    assert!(error.to_string().contains("it crashed before"), "{error}");
    assert_eq!(fragile.stores.contents[0].lists(), 0);
    *fragile.book.quarantined.lock().unwrap() = None;
    assert!(fragile.store().snapshot().is_ok());
}

#[test]
fn what_cannot_be_opened_is_tried_again_after_a_while() {
    let fragile = Fragile::new();
    fragile.stores.contents[0].fault(|faults| faults.open = Some(ErrorKind::Unavailable));
    fragile.store().snapshot().unwrap_err();
    fragile.stores.contents[0].fault(|faults| faults.open = None);
    assert!(
        fragile.store().snapshot().is_err(),
        "not for every question"
    );
    assert!(fragile.at(1).store().snapshot().is_ok());
    assert_eq!(fragile.crashes(), 0, "to refuse is no crash");
}

#[test]
fn what_cannot_be_opened_again_and_again_is_tried_ever_more_rarely() {
    let fragile = Fragile::new();
    fragile.stores.contents[0].fault(|faults| faults.open = Some(ErrorKind::Unavailable));
    let opens = |second: u64| {
        fragile.at(second).store().snapshot().unwrap_err();
    };
    // It fails at 0, 1, 3, 7, 15, 31 and 63, and from then on once a minute.
    (0..100).for_each(opens);
    fragile.stores.contents[0].fault(|faults| faults.open = None);
    assert!(fragile.at(122).store().snapshot().is_err());
    assert!(fragile.at(123).store().snapshot().is_ok());
}

#[test]
fn a_panic_while_it_is_opened_is_a_crash() {
    let fragile = Fragile::new();
    fragile.stores.contents[0].fault(|faults| faults.panic = Some(Operation::Open));
    fragile.store().snapshot().unwrap_err();
    assert_eq!(fragile.crashes(), 1);
    fragile.stores.contents[0].fault(|faults| faults.panic = None);
    assert!(fragile.store().snapshot().is_ok());
}

#[test]
fn a_reload_takes_over_and_one_that_fails_changes_nothing() {
    let fragile = Fragile::new();
    fragile.stores.contents[0].put(Held::anchor(stock(), "one"));
    let before = fragile.store().snapshot().unwrap();
    let first = fragile.store().running().unwrap();
    fragile.store().reload().unwrap();
    assert!(!Arc::ptr_eq(&first, &fragile.store().running().unwrap()));
    assert!(Arc::ptr_eq(&before, &fragile.store().snapshot().unwrap()));
    let second = fragile.store().running().unwrap();
    fragile.stores.contents[0].fault(|faults| faults.list = Some(ErrorKind::Unavailable));
    fragile.store().reload().unwrap_err();
    assert!(Arc::ptr_eq(&second, &fragile.store().running().unwrap()));
    assert!(Arc::ptr_eq(&before, &fragile.store().snapshot().unwrap()));
}

#[test]
fn no_verdict_is_lost_while_a_store_is_reloaded() {
    let fragile = Fragile::new();
    fragile.stores.contents[0].put(Held::anchor(stock(), "one"));
    let store = fragile.store();
    store.snapshot().unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut asked = 0;
                    while !done.load(Ordering::Relaxed) || asked == 0 {
                        assert_eq!(store.snapshot().unwrap().items().len(), 1);
                        asked += 1;
                    }
                })
            })
            .collect();
        for _ in 0..50 {
            store.reload().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        asking.into_iter().for_each(|thread| thread.join().unwrap());
    });
}
