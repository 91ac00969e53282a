//! What the next who comes makes of a change that was interrupted.

use anchorhold_sdk::ErrorKind;
use anchorhold_sdk::testing::{Held as Put, Operation};
use anchorhold_state::{RowChange, StorePart, Undertaking, UndertakingEnd};

use super::*;
use crate::fixture::{digest, row, stock};

/// A bench on which an import of one certificate for TSM1 into all stores was interrupted once
/// the first so many were written.
struct Interrupted {
    bench: Bench,
    der: Vec<u8>,
}

impl Interrupted {
    fn after(stores: &[&str], written: usize) -> Self {
        let bench = Bench::new(stores);
        let der = stock();
        let mut count = 0;
        let hook = move || {
            count += 1;
            // Before and after it is begun, and then after each store.
            if count == 2 + written {
                std::panic::resume_unwind(Box::new("died"));
            }
        };
        let request = bench.request(&[&der], &["TSM1"]);
        let work = std::panic::AssertUnwindSafe(|| {
            moment::with(hook, || bench.import(&request).map(drop))
        });
        assert!(std::panic::catch_unwind(work).is_err());
        let held: Vec<_> = bench
            .stores
            .contents
            .iter()
            .map(|one| one.items())
            .collect();
        let full = held.iter().filter(|items| !items.is_empty()).count();
        assert_eq!(full, written);
        Self { bench, der }
    }

    fn settle(&self) -> Vec<Settled> {
        let bench = &self.bench;
        settle(&bench.stores.kernel, &bench.state, &actor(), now()).unwrap()
    }

    #[track_caller]
    fn one(&self) -> Settled {
        let mut settled = self.settle();
        assert_eq!(settled.len(), 1);
        settled.remove(0)
    }

    fn is_scoped(&self) -> bool {
        self.bench
            .state
            .scope()
            .unwrap()
            .row(&digest(&self.der))
            .is_some()
    }

    fn counts(&self) -> Vec<usize> {
        let contents = self.bench.stores.contents.iter();
        contents.map(|one| one.items().len()).collect()
    }
}

#[test]
fn what_every_store_holds_is_completed() {
    let open = Interrupted::after(&["a", "b"], 2);
    assert!(!open.is_scoped());
    let settled = open.one();
    assert_eq!(settled.end, SettledEnd::Completed);
    assert_eq!(settled.undertaking.what, "import");
    assert!(open.is_scoped());
    assert_eq!(open.counts(), [1, 1]);
    assert!(open.bench.events().contains(&"imported".to_owned()));
    assert!(open.settle().is_empty());
}

#[test]
fn what_some_stores_hold_is_undone() {
    for written in 0..2 {
        let open = Interrupted::after(&["a", "b"], written);
        assert_eq!(open.one().end, SettledEnd::Undone);
        assert!(!open.is_scoped());
        assert_eq!(open.counts(), [0, 0]);
    }
}

#[test]
fn a_store_that_does_not_answer_keeps_it_open() {
    let open = Interrupted::after(&["a", "b"], 1);
    let silent = &open.bench.stores.contents[1];
    silent.fault(|faults| faults.list = Some(ErrorKind::Unavailable));
    let SettledEnd::Open { why } = open.one().end else {
        panic!("it is settled");
    };
    assert!(why.len() == 1 && why[0].contains("store \"b\""), "{why:?}");
    // Nothing is done by halves meanwhile.
    assert_eq!(open.counts(), [1, 0]);
    assert_eq!(open.bench.state.undertakings().unwrap().len(), 1);
    silent.fault(|faults| faults.list = None);
    assert_eq!(open.one().end, SettledEnd::Undone);
    assert_eq!(open.counts(), [0, 0]);
}

#[test]
fn a_store_that_cannot_be_put_right_keeps_it_open() {
    let open = Interrupted::after(&["a", "b"], 1);
    open.bench.stores.contents[0].fault(|faults| faults.read_only = true);
    let SettledEnd::Open { why } = open.one().end else {
        panic!("it is settled");
    };
    assert!(why[0].contains("store \"a\""), "{why:?}");
    open.bench.stores.contents[0].fault(|faults| faults.read_only = false);
    assert_eq!(open.one().end, SettledEnd::Undone);
}

#[test]
fn a_store_that_is_not_configured_any_more_keeps_it_open_until_it_is_given_up() {
    let open = Interrupted::after(&["a", "b"], 1);
    let plans = open.bench.stores.kernel.stores().iter();
    let plans = plans.map(|store| store.plan().clone());
    let plans: Vec<_> = plans.filter(|plan| plan.name == "a").collect();
    let plugin = anchorhold_sdk::testing::PLUGIN.builtin();
    let registry = crate::Registry::of([anchorhold_boundary::Plugin::builtin(plugin).unwrap()]);
    let fewer = Kernel::open(plans, &registry, crate::KernelOptions::default());
    let state = &open.bench.state;
    let settled = settle(&fewer, state, &actor(), now()).unwrap();
    let SettledEnd::Open { why } = &settled[0].end else {
        panic!("{settled:?}");
    };
    assert!(why[0].contains("\"b\" is not configured"), "{why:?}");
    let mut change = state.write(&actor(), now()).unwrap();
    assert!(change.give_up_store("b"));
    change.commit().unwrap();
    // What is left of it is complete.
    let settled = settle(&fewer, state, &actor(), now()).unwrap();
    assert_eq!(settled[0].end, SettledEnd::Completed);
    assert!(open.is_scoped());
}

#[test]
fn what_somebody_else_changed_since_is_left_alone() {
    let open = Interrupted::after(&["a", "b"], 1);
    let theirs = Put::certificate(open.der.clone(), "theirs", &[]);
    open.bench.stores.contents[0].put(theirs);
    let settled = open.one();
    assert_eq!(settled.end, SettledEnd::Undone);
    let left = LeftAlone {
        fingerprint: digest(&open.der),
        store: Some("a".to_owned()),
    };
    assert_eq!(settled.left_alone, [left]);
    assert_eq!(open.bench.labels(0), ["theirs"]);
    assert!(!open.is_scoped(), "it vouches for nobody");
    assert!(open.bench.events().contains(&"left-alone".to_owned()));
}

#[test]
fn a_distrust_that_came_since_stays() {
    let bench = Bench::new(&["a", "b"]);
    let der = stock();
    let neutral = Put::certificate(der.clone(), "x", &[]);
    for contents in &bench.stores.contents {
        contents.put(neutral.clone());
    }
    let state = &bench.state;
    let item = |label: &str| {
        let item = anchorhold_boundary::item::Item {
            rules: Vec::new(),
            ..anchorhold_boundary::item::Item::certificate(der.clone(), label.to_owned())
        };
        image::bytes(&item)
    };
    let wanted = image::Wanted {
        kind: anchorhold_boundary::item::Kind::Certificate,
        role: image::Role::Anchor,
        label: "x".to_owned(),
    };
    let part = |store: &str| StorePart {
        store: store.to_owned(),
        items: vec![anchorhold_state::ItemChange {
            fingerprint: digest(&der),
            before: Some(item("x")),
            after: Some(wanted.bytes()),
        }],
    };
    let mut change = state.write(&actor(), now()).unwrap();
    change.begin_undertaking(std::sync::Arc::new(Undertaking {
        what: "import".to_owned(),
        stores: vec![part("a"), part("b")],
        ..Undertaking::default()
    }));
    change.commit().unwrap();
    bench.stores.contents[0].put(Put::distrusted(der.clone(), "x"));
    let settled = settle(&bench.stores.kernel, state, &actor(), now()).unwrap();
    assert_eq!(settled[0].end, SettledEnd::Undone);
    assert_eq!(settled[0].left_alone.len(), 1);
    let held = &bench.stores.contents[0].items()[0];
    assert_eq!(held.rules, Put::distrusted(der.clone(), "x").rules);
}

#[test]
fn what_somebody_decided_about_the_scope_since_counts() {
    let open = Interrupted::after(&["a"], 1);
    let theirs = row(CertificateKind::Pin, &["TSM2"]);
    let state = &open.bench.state;
    let mut change = state.write(&actor(), now()).unwrap();
    change.put_scope(digest(&open.der), &theirs);
    change.commit().unwrap();
    let settled = open.one();
    assert_eq!(settled.end, SettledEnd::Completed);
    assert_eq!(settled.left_alone.len(), 1);
    assert_eq!(settled.left_alone[0].store, None);
    assert_eq!(
        state.scope().unwrap().row(&digest(&open.der)),
        Some(&theirs)
    );
}

#[test]
fn a_change_to_the_same_thing_waits_until_the_first_is_settled() {
    let open = Interrupted::after(&["a", "b"], 1);
    let bench = &open.bench;
    bench.stores.contents[1].fault(|faults| faults.list = Some(ErrorKind::Unavailable));
    let mut request = bench.request(&[&open.der], &["TSM1"]);
    request.stores = vec!["a".to_owned()];
    request.label = Some("another".to_owned());
    let error = bench.import(&request).unwrap_err();
    let ImportError::StillOpen { store, what, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!((&**store, &**what), ("a", "import"));
    assert!(error.remedy().contains("store check"), "{}", error.remedy());
    // Whatever else goes into that store does.
    let mut other = bench.request(&[&stock()], &["TSM1"]);
    other.stores = vec!["a".to_owned()];
    bench.imported(&other);
    bench.stores.contents[1].fault(|faults| faults.list = None);
    // What is open is settled first, and then it can be done.
    bench.imported(&request);
    assert!(open.is_scoped());
    assert_eq!(bench.state.undertakings().unwrap(), []);
}

#[test]
fn what_is_under_way_is_nobody_elses_to_settle() {
    let bench = Bench::new(&["a", "b"]);
    let der = stock();
    let dir = bench.home.path().join("state");
    let kernel = Stores::new(&["a", "b"]).kernel;
    let hook = move || {
        let other = State::open(&dir).unwrap();
        let settled = settle(&kernel, &other, &actor(), now()).unwrap();
        assert_eq!(settled, [], "somebody settled it");
    };
    let request = bench.request(&[&der], &["TSM1"]);
    moment::with(hook, || bench.import(&request)).unwrap();
    assert_eq!(bench.state.undertakings().unwrap(), []);
}

#[test]
fn nothing_is_written_where_nothing_is_open() {
    let bench = Bench::new(&["a"]);
    let settled = settle(&bench.stores.kernel, &bench.state, &actor(), now());
    assert_eq!(settled.unwrap(), []);
    assert!(bench.is_untouched());
}

#[test]
fn what_a_newer_release_wrote_is_not_guessed_at() {
    let bench = Bench::new(&["a"]);
    let part = StorePart {
        store: "a".to_owned(),
        items: vec![anchorhold_state::ItemChange {
            fingerprint: digest(b"x"),
            before: Some(vec![99]),
            after: None,
        }],
    };
    let mut change = bench.state.write(&actor(), now()).unwrap();
    let id = change.begin_undertaking(std::sync::Arc::new(Undertaking {
        what: "import".to_owned(),
        stores: vec![part],
        rows: vec![RowChange {
            fingerprint: digest(b"x"),
            before: None,
            after: Some(row(CertificateKind::Pin, &["TSM1"])),
        }],
        ..Undertaking::default()
    }));
    change.commit().unwrap();
    let settled = settle(&bench.stores.kernel, &bench.state, &actor(), now()).unwrap();
    assert!(
        matches!(settled[0].end, SettledEnd::Open { .. }),
        "{settled:?}"
    );
    let mut change = bench.state.write(&actor(), now()).unwrap();
    change.end_undertaking(id, UndertakingEnd::Undone);
    change.commit().unwrap();
}

#[test]
fn a_panic_in_a_store_is_a_failure_and_no_death() {
    let bench = Bench::new(&["a", "b"]);
    bench.stores.contents[1].fault(|faults| faults.panic = Some(Operation::Apply));
    assert!(
        bench
            .import(&bench.request(&[&stock()], &["TSM1"]))
            .is_err()
    );
    assert!(bench.stores.contents[0].items().is_empty());
    assert_eq!(bench.state.undertakings().unwrap(), []);
}
