//! Scope that is taken away, and what stays known of the certificate.

use anchorhold_sdk::ErrorKind;

use super::scoping::{add, bench, request, run};
use super::*;
use crate::fixture::{Authority, address, digest, judge, stock};

#[test]
fn an_anchor_without_a_server_is_still_an_anchor() {
    let root = Authority::root("Root");
    let bench = Bench::new(&["keydb"]);
    let mut import = bench.request(&[&root.der], &["TSM1"]);
    import.kind = Some(CertificateKind::Anchor);
    bench.imported(&import);

    let report = run(&bench, &request(&bench, &[&root.der], ScopeChange::None)).unwrap();
    assert!(report.changes[0].nothing_left);
    let scope = bench.state.scope().unwrap();
    let row = scope.row(&digest(&root.der)).unwrap();
    assert_eq!(
        (row.kind, &row.servers),
        (CertificateKind::Anchor, &Servers::Named(names(&[])))
    );
    assert!(!scope.covers(&digest(&root.der), &ServerName::new("TSM1")));
    let view = bench.stores.view(scope.clone());
    assert_eq!(view.held(), crate::Held::No);
    let leaf = root.leaf(&["db1.example"]);
    assert!(!judge(&view, &[&leaf], &address("db1.example")).trusted);
    let entry = &view.entries()[0];
    assert_eq!(entry.servers, crate::EntryServers::None);
    assert_eq!(
        entry.kind,
        crate::EntryKind::Certificate(CertificateKind::Anchor)
    );
    // The same once more changes nothing, and no server can be taken from it.
    let events = bench.events();
    run(&bench, &request(&bench, &[&root.der], ScopeChange::None)).unwrap();
    assert_eq!(bench.events(), events);
    let removal = RemovalRequest {
        fingerprint: digest(&root.der),
        servers: Some(names(&["TSM1"])),
        stores: None,
        dry_run: false,
        actor: actor(),
        now: now(),
        known: Vec::new(),
    };
    input(
        remove(&bench.stores.kernel, &bench.state, &removal),
        "does not vouch for TSM1, but for no server",
    );

    run(&bench, &request(&bench, &[&root.der], add(&["TSM1"]))).unwrap();
    let view = bench.stores.view(bench.state.scope().unwrap());
    assert!(judge(&view, &[&leaf], &address("db1.example")).trusted);
}

#[test]
fn only_is_these_servers_and_no_others() {
    let certificate = stock();
    let bench = bench(&[&certificate]);
    let only = |servers: &[&str]| ScopeChange::Only(names(servers));
    run(&bench, &request(&bench, &[&certificate], only(&["TSM1"]))).unwrap();
    let report = run(&bench, &request(&bench, &[&certificate], only(&["TSM2"]))).unwrap();
    let changed: Vec<_> = report
        .changes
        .iter()
        .map(|change| {
            (
                change.server.as_str(),
                change.gains.len(),
                change.nothing_left,
            )
        })
        .collect();
    assert_eq!(changed, [("TSM1", 0, true), ("TSM2", 1, false)]);
    let servers = || {
        bench
            .state
            .scope()
            .unwrap()
            .row(&digest(&certificate))
            .cloned()
            .unwrap()
            .servers
    };
    assert_eq!(servers(), Servers::Named(names(&["TSM2"])));
    let lost: Vec<_> = bench
        .state
        .journal()
        .unwrap()
        .into_iter()
        .filter(|entry| entry.event == "scope-lost")
        .map(|entry| entry.detail)
        .collect();
    assert_eq!(lost, ["it no longer vouches for TSM1"]);
    run(&bench, &request(&bench, &[&certificate], only(&[]))).unwrap();
    assert_eq!(servers(), Servers::Named(names(&[])));
}

#[test]
fn any_server_is_narrowed_to_one() {
    let root = Authority::root("Root");
    let bench = bench(&[&root.der]);
    let report = run(&bench, &request(&bench, &[&root.der], ScopeChange::Any)).unwrap();
    let (_, _, after) = &report.rows[0];
    assert_eq!(after.as_ref().unwrap().kind, CertificateKind::Anchor);
    let only = ScopeChange::Only(names(&["TSM1"]));
    let report = run(&bench, &request(&bench, &[&root.der], only)).unwrap();
    let lose: Vec<_> = report
        .changes
        .iter()
        .map(|change| change.server.as_str())
        .collect();
    assert_eq!(lose, ["TSM2"]);
    // What vouches for fewer is not looked at: it may be gone, and its store silent.
    bench.stores.contents[0].replace(Vec::new());
    bench.stores.contents[0].fault(|faults| faults.list = Some(ErrorKind::Unavailable));
    run(&bench, &request(&bench, &[&root.der], ScopeChange::None)).unwrap();
}

#[test]
fn a_list_and_a_change_of_scope_guess_the_same() {
    let root = Authority::root("Root");
    let middle = root.intermediate("Middle");
    for der in [
        stock(),
        root.der.clone(),
        middle.der.clone(),
        middle.leaf(&["db1.example"]),
    ] {
        let bench = bench(&[&der]);
        let view = bench.stores.view(bench.state.scope().unwrap());
        let crate::EntryKind::Certificate(listed) = view.entries()[0].kind else {
            panic!()
        };
        let report = run(&bench, &request(&bench, &[&der], add(&["TSM1"]))).unwrap();
        let (_, _, after) = &report.rows[0];
        assert_eq!(after.as_ref().unwrap().kind, listed);
        let warned = report
            .warnings
            .iter()
            .any(|warning| warning.contains("--as anchor"));
        assert_eq!(warned, der == root.der, "{:?}", report.warnings);
    }
}

#[test]
fn an_intermediate_that_is_left_is_nothing_that_vouches() {
    let root = Authority::root("Root");
    let middle = root.intermediate("Middle");
    let certificate = stock();
    let bench = bench(&[&certificate, &middle.der]);
    run(
        &bench,
        &request(&bench, &[&certificate, &middle.der], add(&["TSM1"])),
    )
    .unwrap();
    // An intermediate that goes takes no trust along.
    let report = run(&bench, &request(&bench, &[&middle.der], ScopeChange::None)).unwrap();
    assert_eq!(report.changes[0].loses, [digest(&middle.der)]);
    assert!(!report.changes[0].nothing_left);
    run(&bench, &request(&bench, &[&middle.der], add(&["TSM1"]))).unwrap();
    // One that stays vouches for nothing.
    let report = run(&bench, &request(&bench, &[&certificate], ScopeChange::None)).unwrap();
    assert!(report.changes[0].nothing_left);
    // Where only intermediates are held, no trust is there to be lost.
    let report = run(&bench, &request(&bench, &[&middle.der], ScopeChange::None)).unwrap();
    assert!(!report.changes[0].nothing_left);
}

#[test]
fn what_lost_its_servers_is_proposed_again_as_what_it_is() {
    let root = Authority::root("Root");
    let bench = Bench::new(&["keydb"]);
    let mut import = bench.request(&[&root.der], &["TSM1"]);
    import.kind = Some(CertificateKind::Anchor);
    import.label = Some("TSM server TSM1 self-signed key".to_owned());
    bench.imported(&import);
    let proposed = || {
        let scope = bench.state.scope().unwrap();
        propose(&bench.stores.kernel, &bench.stores.names, &scope)
    };
    assert!(proposed().is_empty());
    run(&bench, &request(&bench, &[&root.der], ScopeChange::None)).unwrap();
    assert_eq!(proposed()[0].kind, CertificateKind::Anchor);
}
