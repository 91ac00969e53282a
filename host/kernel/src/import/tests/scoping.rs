//! Whom a certificate vouches for that is held already.

use anchorhold_sdk::ErrorKind;
use anchorhold_sdk::testing::Held as Put;

use super::*;
use crate::fixture::{Authority, Stores, digest, row, stock};

pub(super) fn request(bench: &Bench, ders: &[&[u8]], change: ScopeChange) -> ScopeRequest {
    ScopeRequest {
        fingerprints: ders.iter().map(|der| digest(der)).collect(),
        change,
        kind: None,
        dry_run: false,
        actor: actor(),
        now: now(),
        known: bench.known(&["TSM1", "TSM2"]),
    }
}

pub(super) fn run(bench: &Bench, request: &ScopeRequest) -> Result<ScopeReport, ImportError> {
    rescope(&bench.stores.kernel, &bench.state, request)
}

/// A store that holds these without any scope.
pub(super) fn bench(ders: &[&[u8]]) -> Bench {
    let stores = Stores::new(&["keydb"]);
    for der in ders {
        stores.contents[0].put(Put::anchor(*der, "label"));
    }
    Bench::of(stores)
}

pub(super) fn add(servers: &[&str]) -> ScopeChange {
    ScopeChange::Add(names(servers))
}

#[test]
fn servers_are_added_and_taken_away() {
    let certificate = stock();
    let bench = bench(&[&certificate]);
    let report = run(&bench, &request(&bench, &[&certificate], add(&["TSM1"]))).unwrap();
    let (_, before, after) = &report.rows[0];
    assert_eq!(
        (before, after.as_ref().unwrap().kind),
        (&None, CertificateKind::Pin)
    );
    assert!(report.changes[0].acceptance_stops);
    assert!(
        bench
            .state
            .server(&ServerName::new("TSM1"))
            .unwrap()
            .record
            .is_some()
    );

    run(&bench, &request(&bench, &[&certificate], add(&["TSM2"]))).unwrap();
    let row = bench
        .state
        .scope()
        .unwrap()
        .row(&digest(&certificate))
        .cloned()
        .unwrap();
    assert_eq!(row.servers, Servers::Named(names(&["TSM1", "TSM2"])));

    let report = run(&bench, &request(&bench, &[&certificate], ScopeChange::None)).unwrap();
    assert_eq!(report.changes.len(), 2);
    assert!(report.changes.iter().all(|change| change.nothing_left));
    let row = bench
        .state
        .scope()
        .unwrap()
        .row(&digest(&certificate))
        .cloned();
    assert_eq!(row.unwrap().servers, Servers::Named(names(&[])));
    assert_eq!(bench.labels(0), ["label"], "the certificate stays");
}

#[test]
fn an_anchor_that_nobody_can_change_there_is_no_servers_own_certificate() {
    let (root, ours) = (Authority::root("R"), Authority::root("R2"));
    let (labelled, stock_ca) = (
        Authority::root("R3"),
        Authority::root("TSM Self-Signed Certificate"),
    );
    let leaf = stock();
    let stores = Stores::new(&["theirs"]);
    for (der, label, read_only) in [
        (&root.der, "label", true),
        (&ours.der, "label", false),
        (&leaf, "label", true),
        (&labelled.der, "TSM server TSM1 self-signed key", true),
        (&stock_ca.der, "label", true),
    ] {
        let mut held = Put::anchor(der.as_slice(), label);
        held.read_only = read_only;
        stores.contents[0].put(held);
    }
    let bench = Bench::of(stores);
    for (der, kind) in [
        (&root.der, CertificateKind::Anchor),
        (&ours.der, CertificateKind::Pin),
        (&leaf, CertificateKind::Pin),
        (&labelled.der, CertificateKind::Pin),
        (&stock_ca.der, CertificateKind::Pin),
    ] {
        let report = run(&bench, &request(&bench, &[der], add(&["TSM1"]))).unwrap();
        assert_eq!(report.rows[0].2.as_ref().unwrap().kind, kind);
    }
}

#[test]
fn the_same_again_changes_nothing() {
    let certificate = stock();
    let bench = bench(&[&certificate]);
    run(&bench, &request(&bench, &[&certificate], add(&["TSM1"]))).unwrap();
    let events = bench.events();
    let report = run(&bench, &request(&bench, &[&certificate], add(&["TSM1"]))).unwrap();
    assert!(report.changes.is_empty());
    assert_eq!(bench.events(), events);
}

#[test]
fn only_a_ca_is_for_any_server() {
    let root = Authority::root("Root");
    let pin = stock();
    let bench = bench(&[&root.der, &pin]);
    input(
        run(&bench, &request(&bench, &[&pin], ScopeChange::Any)),
        "only a CA",
    );
    // A root that was looked at alone would be a pin, so it is said what it is.
    let as_anchor = ScopeRequest {
        kind: Some(CertificateKind::Anchor),
        ..request(&bench, &[&root.der], ScopeChange::Any)
    };
    let report = run(&bench, &as_anchor).unwrap();
    assert_eq!(report.changes.len(), 2);
    let both = ScopeRequest {
        fingerprints: vec![digest(&root.der), digest(&pin)],
        ..as_anchor
    };
    assert!(run(&bench, &both).is_err());
}

#[test]
fn all_or_none_are_scoped() {
    let certificate = stock();
    let bench = bench(&[&certificate, &crate::fixture::old("md5.der")]);
    let both = [&certificate[..], &crate::fixture::old("md5.der")];
    input(run(&bench, &request(&bench, &both, add(&["TSM1"]))), "MD5");
    assert!(bench.is_untouched() || bench.state.scope().unwrap().rows.is_empty());
}

#[test]
fn a_dry_run_scopes_nothing() {
    let certificate = stock();
    let bench = bench(&[&certificate]);
    let dry = ScopeRequest {
        dry_run: true,
        ..request(&bench, &[&certificate], add(&["TSM1"]))
    };
    let report = run(&bench, &dry).unwrap();
    assert!(report.dry_run && report.changes.len() == 1);
    assert!(bench.is_untouched());
}

#[test]
fn what_is_not_held_cannot_be_scoped() {
    let bench = bench(&[]);
    let result = run(&bench, &request(&bench, &[&stock()], add(&["TSM1"])));
    assert!(
        matches!(result, Err(ImportError::NotHeld { .. })),
        "{result:?}"
    );
    bench.stores.contents[0].fault(|faults| faults.list = Some(ErrorKind::Unavailable));
    bench.stores.contents[0].replace(Vec::new());
    let result = run(&bench, &request(&bench, &[&stock()], add(&["TSM1"])));
    assert!(matches!(result, Err(ImportError::Store(_))), "{result:?}");
}

#[test]
fn what_it_is_does_not_change() {
    let root = Authority::root("Root");
    let bench = bench(&[&root.der]);
    run(&bench, &request(&bench, &[&root.der], add(&["TSM1"]))).unwrap();
    let other = ScopeRequest {
        kind: Some(CertificateKind::Anchor),
        ..request(&bench, &[&root.der], add(&["TSM2"]))
    };
    let error = input(run(&bench, &other), "stays as it is");
    assert!(error.remedy().contains("--none"), "{}", error.remedy());
    // As the remedy says.
    run(&bench, &request(&bench, &[&root.der], ScopeChange::None)).unwrap();
    run(&bench, &other).unwrap();
    let scope = bench.state.scope().unwrap();
    let found = scope.row(&digest(&root.der)).unwrap();
    assert_eq!(*found, row(CertificateKind::Anchor, &["TSM2"]));
}

#[test]
fn labels_propose_and_do_not_decide() {
    let (one, two, three) = (stock(), stock(), stock());
    let stores = Stores::new(&["keydb"]);
    let put = |der: &[u8], label: &str| stores.contents[0].put(Put::anchor(der, label));
    put(&one, "TSM server TSM1 self-signed key");
    put(&two, "tsm server tsm2 SELF-SIGNED key (2)");
    put(&three, "spcert_1");
    put(b"rubbish", "TSM server TSM3 self-signed key");
    let bench = Bench::of(stores);
    let proposals = || {
        let scope = bench.state.scope().unwrap();
        propose(&bench.stores.kernel, &bench.stores.names, &scope)
    };
    let found: Vec<_> = proposals()
        .into_iter()
        .map(|one| (one.fingerprint, one.server, one.kind))
        .collect();
    assert_eq!(
        found,
        [
            (digest(&one), ServerName::new("TSM1"), CertificateKind::Pin),
            (digest(&two), ServerName::new("TSM2"), CertificateKind::Pin),
        ]
    );
    run(&bench, &request(&bench, &[&one], add(&["TSM9"]))).unwrap();
    assert_eq!(
        proposals().len(),
        1,
        "what has a scope is not proposed again"
    );
}
