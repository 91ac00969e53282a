//! Which servers a change concerns, and which it leaves alone.

use anchorhold_sdk::ErrorKind;
use anchorhold_sdk::testing::Held as Put;

use super::*;
use crate::fixture::{Authority, digest, stock};
use crate::plan::StoreScope;

fn changes(report: &[ServerChange]) -> Vec<(&str, usize, usize)> {
    let changes = report.iter();
    changes
        .map(|one| (one.server.as_str(), one.gains_total, one.loses_total))
        .collect()
}

#[test]
fn a_server_that_uses_other_stores_is_left_alone() {
    let bench = Bench::new(&["keydb", "hsm"]);
    let mut request = bench.request(&[&stock()], &["TSM1", "TSM2"]);
    request.stores = vec!["keydb".to_owned()];
    request.known[1].stores = vec!["hsm".to_owned()];
    let report = bench.imported(&request);
    assert_eq!(changes(&report.changes), [("TSM1", 1, 0)]);
}

#[test]
fn what_is_in_scope_already_and_comes_back_into_a_store_is_a_gain() {
    let certificate = stock();
    let bench = Bench::new(&["keydb"]);
    let request = bench.request(&[&certificate], &["TSM1"]);
    bench.imported(&request);
    bench.stores.contents[0].replace(Vec::new());
    bench.stores.kernel.stores()[0].fresh_snapshot().unwrap();
    let report = bench.imported(&request);
    assert_eq!(changes(&report.changes), [("TSM1", 1, 0)]);
    assert_eq!(report.changes[0].gains, [digest(&certificate)]);
    assert!(bench.imported(&request).changes.is_empty());
}

#[test]
fn what_another_store_holds_already_is_no_gain() {
    let certificate = stock();
    let bench = Bench::new(&["keydb", "hsm"]);
    let mut request = bench.request(&[&certificate], &["TSM1"]);
    request.stores = vec!["keydb".to_owned()];
    bench.imported(&request);
    request.stores = vec!["hsm".to_owned()];
    let report = bench.imported(&request);
    assert_eq!(report.imported[0].outcome, Outcome::New);
    assert!(report.changes.is_empty(), "{:?}", report.changes);
}

#[test]
fn a_store_whose_anchors_are_for_all_concerns_all_that_use_it() {
    let root = Authority::root("Root");
    let stores = Stores::with(&["company"], |_, mut plan| {
        plan.scope = StoreScope::Any;
        plan
    });
    let bench = Bench::of(stores);
    let mut request = bench.request(&[&root.der], &["TSM1"]);
    request.kind = Some(CertificateKind::Anchor);
    let report = bench.imported(&request);
    assert_eq!(changes(&report.changes), [("TSM1", 1, 0), ("TSM2", 1, 0)]);
    assert!(report.changes.iter().all(|one| one.acceptance_stops));
    let removal = RemovalRequest {
        fingerprint: digest(&root.der),
        servers: None,
        stores: None,
        dry_run: false,
        actor: actor(),
        now: now(),
        known: bench.known(&["TSM1", "TSM2"]),
    };
    let report = remove(&bench.stores.kernel, &bench.state, &removal).unwrap();
    assert_eq!(changes(&report.changes), [("TSM1", 0, 1), ("TSM2", 0, 1)]);
    assert!(report.changes.iter().all(|one| one.nothing_left));
}

#[test]
fn trust_that_comes_back_is_a_gain() {
    let root = Authority::root("Root");
    let stores = Stores::with(&["company"], |_, mut plan| {
        plan.scope = StoreScope::Any;
        plan
    });
    let bench = Bench::of(stores);
    bench.stores.contents[0].put(Put::certificate(root.der.clone(), "root", &[]));
    let mut request = bench.request(&[&root.der], &["TSM1"]);
    request.kind = Some(CertificateKind::Anchor);
    let report = bench.imported(&request);
    assert_eq!(changes(&report.changes), [("TSM1", 1, 0), ("TSM2", 1, 0)]);
}

#[test]
fn a_store_that_does_not_answer_may_hold_what_the_table_names() {
    let certificate = stock();
    let bench = Bench::new(&["keydb", "hsm"]);
    bench.imported(&bench.request(&[&certificate], &["TSM1"]));
    for contents in &bench.stores.contents {
        contents.put(Put::anchor(stock(), "newer than the last listing"));
        contents.fault(|faults| faults.list = Some(ErrorKind::Unavailable));
    }
    let request = ScopeRequest {
        fingerprints: vec![digest(&certificate)],
        change: ScopeChange::None,
        kind: None,
        dry_run: true,
        actor: actor(),
        now: now(),
        known: bench.known(&["TSM1", "TSM2"]),
    };
    let report = rescope(&bench.stores.kernel, &bench.state, &request).unwrap();
    assert_eq!(changes(&report.changes), [("TSM1", 0, 1)]);
    assert!(!report.changes[0].nothing_left, "nobody can tell");
}

#[test]
fn so_many_that_nobody_reads_them_are_counted() {
    let root = Authority::root("Root");
    let ders: Vec<Vec<u8>> = (0..130)
        .map(|number| root.leaf(&[&format!("h{number}")]))
        .collect();
    let ders: Vec<&[u8]> = ders.iter().map(Vec::as_slice).collect();
    let bench = Bench::new(&["keydb"]);
    let report = bench.imported(&bench.request(&ders, &["TSM1"]));
    assert_eq!(changes(&report.changes), [("TSM1", 130, 0)]);
    assert_eq!(report.changes[0].gains.len(), 100);
}

#[test]
fn many_of_one_name_get_labels_in_order() {
    let bench = Bench::new(&["keydb"]);
    let ders: Vec<Vec<u8>> = (0..40).map(|_| stock()).collect();
    let ders: Vec<&[u8]> = ders.iter().map(Vec::as_slice).collect();
    let report = bench.imported(&bench.request(&ders, &["TSM1"]));
    assert_eq!(report.imported[0].label, "TSM server TSM1 self-signed key");
    for (place, one) in report.imported.iter().enumerate().skip(1) {
        let label = format!("TSM server TSM1 self-signed key ({})", place + 1);
        assert_eq!(one.label, label);
    }
}
