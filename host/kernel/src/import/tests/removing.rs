//! Taking certificates out again.

use anchorhold_sdk::ErrorKind;
use anchorhold_sdk::testing::Held as Put;

use super::*;
use crate::Held;
use crate::fixture::{digest, server, stock};

fn request(bench: &Bench, der: &[u8], servers: Option<&[&str]>) -> RemovalRequest {
    RemovalRequest {
        fingerprint: digest(der),
        servers: servers.map(names),
        stores: None,
        dry_run: false,
        actor: actor(),
        now: now(),
        known: bench.known(&["TSM1", "TSM2"]),
    }
}

fn run(bench: &Bench, request: &RemovalRequest) -> Result<RemovalReport, ImportError> {
    remove(&bench.stores.kernel, &bench.state, request)
}

#[test]
fn the_last_server_takes_the_certificate_along() {
    let certificate = stock();
    let bench = Bench::new(&["a", "b"]);
    bench.imported(&bench.request(&[&certificate], &["TSM1", "TSM2"]));

    let report = run(&bench, &request(&bench, &certificate, Some(&["tsm2"]))).unwrap();
    assert!(report.removed.is_empty());
    assert_eq!(
        report.left.unwrap().servers,
        Servers::Named(names(&["TSM1"]))
    );
    assert_eq!(report.changes.len(), 1);
    assert_eq!(report.changes[0].server, ServerName::new("TSM2"));
    assert!(report.changes[0].nothing_left);
    assert_eq!(bench.labels(0).len(), 1);

    let report = run(&bench, &request(&bench, &certificate, Some(&["TSM1"]))).unwrap();
    let stores: Vec<_> = report
        .removed
        .iter()
        .map(|one| one.store.as_str())
        .collect();
    assert_eq!(stores, ["a", "b"]);
    assert_eq!(report.left, None);
    assert!(bench.labels(0).is_empty() && bench.labels(1).is_empty());
    assert!(bench.state.scope().unwrap().rows.is_empty());
    assert!(bench.events().contains(&"removed".to_owned()));
    let lost = bench.state.journal().unwrap().into_iter();
    let lost: Vec<_> = lost
        .filter(|entry| entry.event == "scope-lost")
        .map(|entry| entry.detail)
        .collect();
    assert_eq!(
        lost,
        [
            "it no longer vouches for TSM2",
            "it no longer vouches for TSM1"
        ]
    );
    assert_eq!(
        bench.stores.view(bench.state.scope().unwrap()).held(),
        Held::No
    );
}

#[test]
fn a_server_that_keeps_another_certificate_keeps_its_trust() {
    let (old, new) = (stock(), stock());
    let bench = Bench::new(&["a"]);
    bench.imported(&bench.request(&[&old, &new], &["TSM1"]));
    let report = run(&bench, &request(&bench, &old, None)).unwrap();
    assert_eq!(report.changes[0].loses, [digest(&old)]);
    assert!(!report.changes[0].nothing_left);
}

#[test]
fn a_dry_run_removes_nothing() {
    let certificate = stock();
    let bench = Bench::new(&["a"]);
    bench.imported(&bench.request(&[&certificate], &["TSM1"]));
    let events = bench.events();
    let dry = RemovalRequest {
        dry_run: true,
        ..request(&bench, &certificate, None)
    };
    let report = run(&bench, &dry).unwrap();
    assert!(report.dry_run && report.removed.len() == 1 && report.changes[0].nothing_left);
    assert_eq!(bench.labels(0).len(), 1);
    assert_eq!(bench.events(), events);
}

#[test]
fn a_certificate_goes_out_of_one_store_and_stays_in_another() {
    let certificate = stock();
    let bench = Bench::new(&["a", "b"]);
    bench.imported(&bench.request(&[&certificate], &["TSM1"]));
    let one = RemovalRequest {
        stores: Some(vec!["a".to_owned()]),
        ..request(&bench, &certificate, None)
    };
    let report = run(&bench, &one).unwrap();
    assert_eq!(report.removed.len(), 1);
    assert!(report.left.is_some() && report.changes.is_empty());
    assert!(bench.labels(0).is_empty());
    assert_eq!(bench.labels(1).len(), 1);
    let view = bench.stores.view(bench.state.scope().unwrap());
    assert_eq!(view.held(), Held::Yes(vec![digest(&certificate)]));
    let other = RemovalRequest {
        stores: Some(vec!["b".to_owned()]),
        ..one
    };
    assert_eq!(run(&bench, &other).unwrap().left, None);
    assert!(bench.state.scope().unwrap().rows.is_empty());
}

#[test]
fn what_is_not_held_is_an_error() {
    let bench = Bench::new(&["a"]);
    let nothing = request(&bench, b"nothing", None);
    assert!(matches!(
        run(&bench, &nothing),
        Err(ImportError::NotHeld { .. })
    ));
    let certificate = stock();
    bench.imported(&bench.request(&[&certificate], &["TSM1"]));
    input(
        run(&bench, &request(&bench, &certificate, Some(&["TSM9"]))),
        "does not vouch for TSM9",
    );
    input(
        run(&bench, &request(&bench, &stock(), Some(&["TSM1"]))),
        "does not vouch",
    );
    let nowhere = RemovalRequest {
        stores: Some(vec!["nowhere".to_owned()]),
        ..request(&bench, &certificate, None)
    };
    input(run(&bench, &nowhere), "no store \"nowhere\"");
}

#[test]
fn an_unscoped_certificate_can_be_taken_out() {
    let certificate = stock();
    let bench = Bench::new(&["a"]);
    bench.stores.contents[0].put(Put::anchor(certificate.clone(), "theirs"));
    let report = run(&bench, &request(&bench, &certificate, None)).unwrap();
    assert_eq!(report.removed[0].label, "theirs");
    assert!(bench.labels(0).is_empty());
}

#[test]
fn a_scope_without_a_certificate_can_be_taken_away() {
    let certificate = stock();
    let bench = Bench::new(&["a"]);
    bench.imported(&bench.request(&[&certificate], &["TSM1"]));
    bench.stores.contents[0].replace(Vec::new());
    let report = run(&bench, &request(&bench, &certificate, None)).unwrap();
    assert!(report.removed.is_empty());
    assert!(bench.state.scope().unwrap().rows.is_empty());
}

#[test]
fn what_cannot_be_taken_out_loses_its_scope() {
    let certificate = stock();
    let bench = Bench::new(&["a"]);
    let mut held = Put::anchor(certificate.clone(), "fixed");
    held.read_only = true;
    bench.stores.contents[0].put(held);
    bench.imported(&bench.request(&[&certificate], &["TSM1"]));
    let report = run(&bench, &request(&bench, &certificate, None)).unwrap();
    assert!(report.removed.is_empty());
    assert!(
        report.warnings[0].contains("does not let"),
        "{:?}",
        report.warnings
    );
    assert!(bench.state.scope().unwrap().rows.is_empty());
    assert_eq!(bench.labels(0), ["fixed"]);
}

#[test]
fn single_servers_are_not_taken_from_a_certificate_for_all() {
    let root = crate::fixture::Authority::root("Root");
    let bench = Bench::new(&["a"]);
    let mut import = bench.request(&[&root.der], &[]);
    import.servers = Servers::Any;
    bench.imported(&import);
    let error = input(
        run(&bench, &request(&bench, &root.der, Some(&["TSM1"]))),
        "any server",
    );
    assert!(error.remedy().contains("--all"));
    let report = run(&bench, &request(&bench, &root.der, None)).unwrap();
    assert_eq!(report.changes.len(), 2);
}

#[test]
fn a_store_that_fails_leaves_all_as_before() {
    let certificate = stock();
    let bench = Bench::new(&["a", "b"]);
    bench.imported(&bench.request(&[&certificate], &["TSM1"]));
    bench.stores.contents[1].fault(|faults| faults.apply = Some((0, ErrorKind::Unavailable)));
    let error = run(&bench, &request(&bench, &certificate, None)).unwrap_err();
    assert!(matches!(error, ImportError::Store(_)), "{error:?}");
    assert_eq!(bench.labels(0).len(), 1);
    assert_eq!(bench.labels(1).len(), 1);
    assert!(
        bench
            .state
            .scope()
            .unwrap()
            .covers(&digest(&certificate), &server())
    );

    bench.stores.contents[1].fault(|faults| faults.forgets_writes = true);
    bench.stores.contents[1].fault(|faults| faults.apply = None);
    let error = run(&bench, &request(&bench, &certificate, None)).unwrap_err();
    assert!(error.to_string().contains("still there"), "{error}");
    assert_eq!(bench.labels(0).len(), 1);
}

#[test]
fn a_silent_store_ends_a_removal_that_means_it() {
    let certificate = stock();
    let bench = Bench::new(&["a", "b"]);
    bench.imported(&bench.request(&[&certificate], &["TSM1"]));
    bench.stores.contents[1].fault(|faults| faults.list = Some(ErrorKind::Unavailable));
    assert!(run(&bench, &request(&bench, &certificate, None)).is_err());
    assert_eq!(bench.labels(0).len(), 1);
}
