//! Stores that answer, and stores that do not.

mod crash;
mod unlock;

use anchorhold_boundary::Status;
use anchorhold_boundary::batch::{Change, Effect};
use anchorhold_boundary::item::Item;
use anchorhold_sdk::testing::{Held, Operation};
use anchorhold_sdk::{ErrorKind, HealthState as Told};

use super::*;
use crate::fixture::{Hands, MEMORY, Stores, stock};
use crate::plan::{Isolation, StorePlan};

fn put(label: &str) -> Batch {
    Batch {
        changes: vec![Change::Put(Item::certificate(stock(), label.to_owned()))],
        ..Batch::default()
    }
}

#[test]
fn a_store_is_listed_once_while_nothing_changes() {
    let stores = Stores::new(&["keydb"]);
    let store = &stores.kernel.stores()[0];
    let first = store.snapshot().unwrap();
    let lists = stores.contents[0].lists();
    for _ in 0..10 {
        assert!(Arc::ptr_eq(&first, &store.snapshot().unwrap()));
    }
    assert_eq!(stores.contents[0].lists(), lists);
}

#[test]
fn a_change_that_is_announced_is_seen() {
    let stores = Stores::new(&["keydb"]);
    let store = &stores.kernel.stores()[0];
    assert_eq!(store.snapshot().unwrap().items().len(), 0);
    stores.contents[0].put(Held::anchor(stock(), "one"));
    assert_eq!(store.snapshot().unwrap().items().len(), 1);
}

#[test]
fn a_change_that_only_the_generation_tells_is_seen() {
    let stores = Stores::new(&["keydb"]);
    let store = &stores.kernel.stores()[0];
    assert_eq!(store.snapshot().unwrap().items().len(), 0);
    stores.contents[0].replace(vec![Held::anchor(stock(), "one")]);
    assert_eq!(store.snapshot().unwrap().items().len(), 1);
}

#[test]
fn a_change_that_nothing_tells_is_seen_when_it_is_time() {
    let hands = Hands::default();
    let stores = Stores::with_clock(&["keydb"], |_, plan| plan, &hands.clock());
    let store = &stores.kernel.stores()[0];
    let watching = store.health().watching;
    store.snapshot().unwrap();
    stores.contents[0].fault(|faults| faults.frozen_generation = true);
    stores.contents[0].replace(vec![Held::anchor(stock(), "one")]);
    hands.turn_to(29);
    assert_eq!(store.snapshot().unwrap().items().len(), 0);
    hands.turn_to(30);
    let expected = if watching { 0 } else { 1 };
    assert_eq!(store.snapshot().unwrap().items().len(), expected);
    assert_eq!(store.fresh_snapshot().unwrap().items().len(), 1);
}

#[test]
fn a_snapshot_is_kept_where_a_listing_brings_nothing_new() {
    let stores = Stores::new(&["keydb"]);
    stores.contents[0].put(Held::anchor(stock(), "one"));
    let store = &stores.kernel.stores()[0];
    let first = store.snapshot().unwrap();
    assert!(Arc::ptr_eq(&first, &store.fresh_snapshot().unwrap()));
}

#[test]
fn a_change_that_is_heard_of_during_a_listing_is_seen() {
    let stores = Stores::new(&["keydb"]);
    stores.contents[0].fault(|faults| faults.frozen_generation = true);
    let store = &stores.kernel.stores()[0];
    store.snapshot().unwrap();
    let (begun, instance) = (store.begin(), store.instance().unwrap());
    let listing = store.list_unlocked(&instance).unwrap();
    stores.contents[0].put(Held::anchor(stock(), "one"));
    // Whoever asks meanwhile takes the announcement, which comes once.
    assert!(store.known().is_none());
    note(&mut store.last(), &instance, listing, begun);
    assert_eq!(store.snapshot().unwrap().items().len(), 1);
}

#[test]
fn what_was_listed_a_moment_ago_serves_where_the_operator_lets_it() {
    for (stale_ok, serves) in [(Duration::from_secs(1), true), (Duration::ZERO, false)] {
        let clock = Clock::turned_by(|| Duration::from_secs(7));
        let change = |_: &str, mut plan: StorePlan| {
            plan.stale_ok = stale_ok;
            plan
        };
        let stores = Stores::with_clock(&["keydb"], change, &clock);
        let store = &stores.kernel.stores()[0];
        store.snapshot().unwrap();
        stores.contents[0].fault(|faults| faults.list = Some(ErrorKind::Unavailable));
        let source = store.part(true).source;
        assert_eq!(matches!(source, Source::Stale { .. }), serves, "{source:?}");
    }
}

#[test]
fn what_was_written_is_seen_although_the_generation_stays() {
    let stores = Stores::new(&["keydb"]);
    stores.contents[0].fault(|faults| faults.frozen_generation = true);
    let store = &stores.kernel.stores()[0];
    store.snapshot().unwrap();
    let outcomes = store.apply(&put("one")).unwrap();
    assert_eq!(outcomes[0].effect, Effect::New);
    assert_eq!(store.snapshot().unwrap().items().len(), 1);
}

#[test]
fn an_error_names_the_store_and_its_plugin() {
    let stores = Stores::new(&["keydb"]);
    stores.contents[0].fault(|faults| faults.list = Some(ErrorKind::Unavailable));
    let error = stores.kernel.stores()[0].snapshot().unwrap_err();
    assert_eq!((error.store(), error.plugin()), ("keydb", MEMORY));
    assert!(
        error
            .to_string()
            .starts_with("store \"keydb\" (anchorhold.testing.memory): ")
    );
    let StoreErrorKind::Call(call) = error.kind() else {
        panic!("{error}")
    };
    assert_eq!(call.status, Status::Unavailable);
}

#[test]
fn the_last_good_snapshot_is_kept_when_a_listing_fails() {
    let stores = Stores::new(&["keydb"]);
    stores.contents[0].put(Held::anchor(stock(), "one"));
    let store = &stores.kernel.stores()[0];
    store.snapshot().unwrap();
    stores.contents[0].fault(|faults| faults.list = Some(ErrorKind::Unavailable));
    assert!(store.fresh_snapshot().is_err());
    assert_eq!(store.last_snapshot().unwrap().0.items().len(), 1);
    stores.contents[0].fault(|faults| faults.list = None);
    assert_eq!(store.snapshot().unwrap().items().len(), 1);
}

#[test]
fn a_store_that_says_it_is_down_is_asked_again() {
    let stores = Stores::new(&["keydb"]);
    let store = &stores.kernel.stores()[0];
    store.snapshot().unwrap();
    let lists = stores.contents[0].lists();
    stores.contents[0].fault(|faults| faults.health = Some(Told::Offline));
    assert_eq!(store.health().word(), "offline");
    assert!(!store.health().answers() && !store.writable());
    let _ = store.snapshot();
    assert!(stores.contents[0].lists() > lists);
}

#[test]
fn a_panic_is_the_stores_own() {
    let stores = Stores::new(&["keydb", "other"]);
    stores.contents[0].fault(|faults| faults.panic = Some(Operation::List));
    let error = stores.kernel.stores()[0].snapshot().unwrap_err();
    let StoreErrorKind::Call(call) = error.kind() else {
        panic!("{error}")
    };
    assert_eq!(call.status, Status::Panic);
    assert!(stores.kernel.stores()[1].snapshot().is_ok());
}

#[test]
fn a_store_that_cannot_be_opened_is_failed_and_not_missing() {
    let stores = Stores::with(
        &["unknown", "setting", "runner", "sandbox", "fine"],
        |name, plan| {
            let mut plan = plan;
            match name {
                "unknown" => plan.plugin = "org.example.none".to_owned(),
                "setting" => {
                    plan = plan
                        .with_setting("colour", anchorhold_boundary::manifest::Value::Bool(true));
                }
                "runner" => plan.isolation = Some(Isolation::Runner),
                "sandbox" => plan.require_sandbox = true,
                _ => {}
            }
            plan
        },
    );
    for (store, word) in stores.kernel.stores().iter().zip([
        "anchorhold.testing.memory",
        "colour",
        "runner",
        "sandbox",
    ]) {
        let error = store.snapshot().unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
        assert_eq!(store.health().word(), "failed");
        assert!(store.health().detail.contains(word));
        assert!(store.apply(&put("x")).is_err());
        assert!(store.fresh_snapshot().is_err());
    }
    assert!(stores.kernel.store("fine").unwrap().snapshot().is_ok());
    assert_eq!(stores.kernel.store("unknown").unwrap().version(), "");
    assert!(stores.kernel.store("nowhere").is_none());
}

#[test]
fn health_tells_how_many_and_how_old() {
    let stores = Stores::new(&["keydb"]);
    let store = &stores.kernel.stores()[0];
    assert_eq!(store.health().age, None);
    stores.contents[0].put(Held::anchor(stock(), "one"));
    store.snapshot().unwrap();
    let health = store.health();
    assert_eq!((health.word(), health.items), ("ready", Some(1)));
    assert!(health.age.is_some() && health.writable && health.answers());
    assert_eq!(health.generation, stores.contents[0].generation());
}

#[test]
fn a_plan_is_what_the_store_has() {
    let stores = Stores::new(&["keydb"]);
    let plan: &StorePlan = stores.kernel.stores()[0].plan();
    assert_eq!(
        (plan.name.as_str(), plan.plugin.as_str()),
        ("keydb", MEMORY)
    );
    assert_eq!(stores.kernel.stores()[0].plugin_id(), MEMORY);
    assert!(!stores.kernel.stores()[0].is_file_store(), "it has no path");
}

#[test]
fn many_who_ask_at_once_are_answered_by_one_listing() {
    let stores = Stores::new(&["keydb"]);
    let store = &stores.kernel.stores()[0];
    let start = std::sync::Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                store.snapshot().unwrap();
            });
        }
    });
    assert_eq!(stores.contents[0].lists(), 1);
}

#[test]
fn what_threads_share_can_be_shared() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<crate::Kernel>();
    shared::<crate::View>();
    shared::<crate::tls::Verifier>();
}
