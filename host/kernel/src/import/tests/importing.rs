//! What an import does when all goes well, and what it refuses.

use anchorhold_sdk::testing::Held as Put;
use rcgen::{BasicConstraints, IsCa, date_time_ymd};

use super::*;
use crate::fixture::{Authority, digest, judge, old, server, stock, stock_with};
use crate::{Held, NameCheck, ScopeRow};

#[test]
fn a_servers_certificate_becomes_its_pin() {
    let certificate = old("stock.der");
    let bench = Bench::new(&["keydb"]);
    let report = bench.imported(&bench.request(&[&certificate], &["TSM1"]));
    assert_eq!(
        report.imported,
        [Imported {
            fingerprint: digest(&certificate),
            label: "TSM server TSM1 self-signed key".to_owned(),
            store: "keydb".to_owned(),
            kind: CertificateKind::Pin,
            servers: Servers::Named(names(&["TSM1"])),
            outcome: Outcome::New,
        }]
    );
    assert!(
        !report.dry_run && report.warnings.is_empty(),
        "{:?}",
        report.warnings
    );
    assert_eq!(report.changes.len(), 1);
    assert_eq!(report.changes[0].server, server());
    assert_eq!(report.changes[0].gains, [digest(&certificate)]);
    assert!(report.changes[0].acceptance_stops);
    let view = bench.stores.view(bench.state.scope().unwrap());
    assert!(judge(&view, &[&certificate], &NameCheck::Off).trusted);
    let record = bench.state.server(&server()).unwrap();
    assert!(record.record.is_some() && !record.is_strict());
    assert!(
        bench.events().contains(&"imported".to_owned()),
        "{:?}",
        bench.events()
    );
    assert_eq!(bench.stores.contents[0].items()[0].scope, "TSM1");
}

#[test]
fn the_same_again_is_unchanged_and_writes_nothing() {
    let certificate = stock();
    let bench = Bench::new(&["keydb"]);
    let request = bench.request(&[&certificate], &["TSM1"]);
    bench.imported(&request);
    let (applies, events) = (bench.stores.contents[0].applies(), bench.events());
    let report = bench.imported(&request);
    assert_eq!(report.imported[0].outcome, Outcome::Unchanged);
    assert!(report.changes.is_empty());
    assert_eq!(bench.stores.contents[0].applies(), applies);
    assert_eq!(bench.events(), events);
    let other_case = bench.request(&[&certificate], &["tsm1"]);
    assert_eq!(
        bench.imported(&other_case).imported[0].outcome,
        Outcome::Unchanged
    );
}

#[test]
fn a_second_server_is_added_to_the_scope() {
    let certificate = stock();
    let bench = Bench::new(&["keydb"]);
    bench.imported(&bench.request(&[&certificate], &["TSM1"]));
    let report = bench.imported(&bench.request(&[&certificate], &["TSM2"]));
    assert_eq!(report.imported[0].outcome, Outcome::Updated);
    assert_eq!(
        report.imported[0].servers,
        Servers::Named(names(&["TSM1", "TSM2"]))
    );
    assert_eq!(report.changes.len(), 1);
    assert_eq!(report.changes[0].server, ServerName::new("TSM2"));
    assert_eq!(bench.labels(0), ["TSM server TSM1 self-signed key"]);
}

#[test]
fn a_second_certificate_is_added_with_a_number() {
    let (first, second) = (stock(), stock());
    let bench = Bench::new(&["keydb"]);
    bench.imported(&bench.request(&[&first], &["TSM1"]));
    let report = bench.imported(&bench.request(&[&second], &["TSM1"]));
    assert_eq!(
        report.imported[0].label,
        "TSM server TSM1 self-signed key (2)"
    );
    assert!(!report.changes[0].acceptance_stops);
    let view = bench.stores.view(bench.state.scope().unwrap());
    for certificate in [&first, &second] {
        assert!(judge(&view, &[certificate], &NameCheck::Off).trusted);
    }
}

#[test]
fn it_goes_into_every_named_store() {
    let certificate = stock();
    let bench = Bench::new(&["keydb", "hsm"]);
    bench.stores.contents[1].put(Put::anchor(stock(), "tsm server tsm1 self-signed KEY"));
    let report = bench.imported(&bench.request(&[&certificate], &["TSM1"]));
    let labels: Vec<_> = report
        .imported
        .iter()
        .map(|one| (one.store.as_str(), one.label.as_str()))
        .collect();
    assert_eq!(
        labels,
        [
            ("keydb", "TSM server TSM1 self-signed key"),
            ("hsm", "TSM server TSM1 self-signed key (2)")
        ]
    );
    let mut request = bench.request(&[&certificate], &["TSM1"]);
    request.stores = vec!["keydb".to_owned(), "keydb".to_owned()];
    assert_eq!(bench.imported(&request).imported.len(), 1);
}

#[test]
fn kinds_follow_what_a_certificate_looks_like() {
    let root = Authority::root("Root");
    let middle = root.intermediate("Middle");
    let leaf = middle.leaf(&["db1.example"]);
    let kinds = |ders: &[&[u8]], any: bool| -> Vec<_> {
        let bench = Bench::new(&["keydb"]);
        let mut request = bench.request(ders, &["TSM1"]);
        if any {
            request.servers = Servers::Any;
        }
        bench
            .imported(&request)
            .imported
            .iter()
            .map(|one| one.kind)
            .collect()
    };
    use CertificateKind::{Anchor, Intermediate, Pin};
    assert_eq!(
        kinds(&[&root.der], false),
        [Pin],
        "one self-signed for a server"
    );
    assert_eq!(kinds(&[&root.der], true), [Anchor]);
    assert_eq!(kinds(&[&middle.der], false), [Intermediate]);
    assert_eq!(kinds(&[&leaf], false), [Pin]);
    assert_eq!(
        kinds(&[&leaf, &middle.der, &root.der], false),
        [Pin, Intermediate, Anchor]
    );
}

#[test]
fn acceptance_does_not_stop_where_it_was_never_allowed() {
    let bench = Bench::new(&["keydb"]);
    let mut request = bench.request(&[&stock()], &["TSM1"]);
    request
        .known
        .iter_mut()
        .for_each(|known| known.accepts = false);
    let report = bench.imported(&request);
    assert_eq!(report.changes[0].gains_total, 1);
    assert!(!report.changes[0].acceptance_stops);
}

#[test]
fn the_operator_may_say_what_it_is() {
    let root = Authority::root("Root");
    let bench = Bench::new(&["keydb"]);
    let mut request = bench.request(&[&root.der], &["TSM1"]);
    request.kind = Some(CertificateKind::Anchor);
    bench.imported(&request);
    let view = bench.stores.view(bench.state.scope().unwrap());
    let leaf = root.leaf(&["db1.example"]);
    assert!(judge(&view, &[&leaf], &crate::fixture::address("db1.example")).trusted);

    request.kind = Some(CertificateKind::Pin);
    let error = input(bench.import(&request), "already known as an anchor");
    assert!(error.remedy().contains("anchorhold scope"));
    // Without a word it stays what it is.
    request.kind = None;
    assert_eq!(
        bench.imported(&request).imported[0].kind,
        CertificateKind::Anchor
    );
}

#[test]
fn an_intermediate_is_written_without_trust() {
    let middle = Authority::root("Root").intermediate("Middle");
    let bench = Bench::new(&["keydb"]);
    bench.imported(&bench.request(&[&middle.der], &["TSM1"]));
    assert!(bench.stores.contents[0].items()[0].rules.is_empty());
}

#[test]
fn a_ca_for_any_server_is_listed_with_whom_it_concerns() {
    let root = Authority::root("Corp Root");
    let bench = Bench::new(&["keydb"]);
    bench.imported(&bench.request(&[&stock()], &["TSM2"]));
    let mut request = bench.request(&[&root.der], &[]);
    request.servers = Servers::Any;
    let report = bench.imported(&request);
    assert_eq!(report.imported[0].label, "Corp Root");
    let stops: Vec<_> = report
        .changes
        .iter()
        .map(|change| (change.server.as_str(), change.acceptance_stops))
        .collect();
    assert_eq!(stops, [("TSM1", true), ("TSM2", false)]);
    assert_eq!(bench.stores.contents[0].items()[1].scope, "*");
    let record = bench.state.server(&server()).unwrap().record;
    assert!(record.is_none(), "a CA for all is a record for none");
}

#[test]
fn only_a_ca_is_for_any_server() {
    let bench = Bench::new(&["keydb"]);
    for der in [stock(), Authority::root("Root").leaf(&["db1.example"])] {
        let mut request = bench.request(&[&der], &[]);
        request.servers = Servers::Any;
        input(bench.import(&request), "only a CA");
        request.kind = Some(CertificateKind::Anchor);
        input(bench.import(&request), "no CA certificate");
    }
    let mut request = bench.request(&[&Authority::root("Root").der], &[]);
    request.servers = Servers::Any;
    request.kind = Some(CertificateKind::Pin);
    assert!(bench.import(&request).is_err());
    assert!(bench.is_untouched());
}

#[test]
fn a_dry_run_tells_the_same_and_changes_nothing_at_all() {
    let certificate = stock();
    let bench = Bench::new(&["keydb"]);
    let mut request = bench.request(&[&certificate], &["TSM1"]);
    request.dry_run = true;
    request.strict = true;
    let told = bench.imported(&request);
    assert!(told.dry_run);
    assert!(bench.is_untouched());
    assert!(bench.stores.contents[0].items().is_empty());
    request.dry_run = false;
    let done = bench.imported(&request);
    assert_eq!(told.imported, done.imported);
    assert_eq!(told.changes, done.changes);
}

#[test]
fn strict_is_strict_at_once() {
    let bench = Bench::new(&["keydb"]);
    let mut request = bench.request(&[&stock()], &["TSM1", "TSM2"]);
    request.strict = true;
    bench.imported(&request);
    for name in ["TSM1", "TSM2"] {
        assert!(
            bench
                .state
                .server(&ServerName::new(name))
                .unwrap()
                .is_strict()
        );
    }
    request.servers = Servers::Any;
    input(bench.import(&request), "strict");
}

#[test]
fn weak_certificates_are_refused_by_what_is_wrong() {
    let bench = Bench::new(&["keydb"]);
    for (file, word) in [
        ("v1.der", "X.509 v1"),
        ("rsa1024.der", "1024 bits"),
        ("md5.der", "MD5"),
        ("sha1.der", "SHA-1"),
        ("secp256k1.der", "secp256k1"),
    ] {
        input(bench.import(&bench.request(&[&old(file)], &["TSM1"])), word);
    }
    let (critical, _) =
        stock_with(|p| p.custom_extensions.push(crate::fixture::unknown_critical()));
    input(
        bench.import(&bench.request(&[&critical], &["TSM1"])),
        "critical extension",
    );
    assert!(bench.stores.contents[0].items().is_empty());
    assert!(bench.is_untouched(), "a refusal leaves no trace");
}

#[test]
fn one_bad_certificate_keeps_all_out() {
    let bench = Bench::new(&["keydb"]);
    let request = bench.request(&[&stock(), &old("rsa1024.der")], &["TSM1"]);
    input(bench.import(&request), "1024 bits");
    assert!(bench.stores.contents[0].items().is_empty());
}

#[test]
fn the_signature_of_an_anchor_may_be_old() {
    let bench = Bench::new(&["keydb"]);
    let mut request = bench.request(&[&old("sha1ca.der")], &["TSM1"]);
    request.kind = Some(CertificateKind::Anchor);
    let report = bench.imported(&request);
    assert!(
        report.warnings[0].contains("SHA-1"),
        "{:?}",
        report.warnings
    );
}

#[test]
fn an_expired_certificate_is_taken_with_a_warning() {
    let (expired, _) = stock_with(|params| params.not_after = date_time_ymd(2021, 1, 1));
    let (later, _) = stock_with(|params| params.not_before = date_time_ymd(2031, 1, 1));
    let bench = Bench::new(&["keydb"]);
    let report = bench.imported(&bench.request(&[&expired, &later], &["TSM1"]));
    assert_eq!(report.warnings.len(), 2, "{:?}", report.warnings);
    assert!(report.warnings[0].contains("expired at 2021-01-01"));
    assert!(report.warnings[1].contains("not valid before 2031-01-01"));
    let view = bench.stores.view(bench.state.scope().unwrap());
    assert!(matches!(view.held(), Held::Yes(held) if held.len() == 2));
}

#[test]
fn a_label_of_the_operators_own_is_used() {
    let bench = Bench::new(&["keydb"]);
    let mut request = bench.request(&[&stock()], &["TSM1"]);
    request.label = Some("mine".to_owned());
    assert_eq!(bench.imported(&request).imported[0].label, "mine");

    let mut taken = bench.request(&[&stock()], &["TSM1"]);
    taken.label = Some("MINE".to_owned());
    input(
        bench.import(&taken),
        "already has another certificate with the label",
    );

    request.label = Some("Mine".to_owned());
    let renamed = bench.imported(&request);
    assert_eq!(renamed.imported[0].outcome, Outcome::Updated);
    assert_eq!(bench.labels(0), ["Mine"]);

    let mut several = bench.request(&[&stock(), &stock()], &["TSM1"]);
    several.label = Some("x".to_owned());
    input(
        bench.import(&several),
        "a label or a replacement is for one",
    );
}

#[test]
fn what_a_store_distrusts_is_not_imported_over_it() {
    let certificate = stock();
    let bench = Bench::new(&["keydb", "deny"]);
    bench.stores.contents[1].put(Put::distrusted(certificate.clone(), "bad"));
    let request = bench.request(&[&certificate], &["TSM1"]);
    input(bench.import(&request), "distrusts");
    assert!(bench.stores.contents[0].items().is_empty());
    let elsewhere = Request {
        stores: vec!["keydb".to_owned()],
        ..request
    };
    let report = bench.imported(&elsewhere);
    assert!(
        report.warnings[0].contains("\"deny\" distrusts"),
        "{:?}",
        report.warnings
    );
}

#[test]
fn what_was_there_without_trust_gets_it() {
    let certificate = stock();
    let bench = Bench::new(&["keydb"]);
    bench.stores.contents[0].put(Put::certificate(certificate.clone(), "theirs", &[]));
    let report = bench.imported(&bench.request(&[&certificate], &["TSM1"]));
    assert_eq!(report.imported[0].outcome, Outcome::Updated);
    assert_eq!(report.imported[0].label, "theirs");
    let view = bench.stores.view(bench.state.scope().unwrap());
    assert!(judge(&view, &[&certificate], &NameCheck::Off).trusted);
}

#[test]
fn what_was_there_with_trust_only_gets_its_scope() {
    let certificate = stock();
    let bench = Bench::new(&["keydb"]);
    let mut held = Put::anchor(certificate.clone(), "theirs");
    held.read_only = true;
    bench.stores.contents[0].put(held);
    let applies = bench.stores.contents[0].applies();
    let report = bench.imported(&bench.request(&[&certificate], &["TSM1"]));
    assert_eq!(report.imported[0].outcome, Outcome::Updated);
    assert_eq!(bench.stores.contents[0].applies(), applies);
    let mut renamed = bench.request(&[&certificate], &["TSM1"]);
    renamed.label = Some("mine".to_owned());
    input(bench.import(&renamed), "does not let");
}

#[test]
fn a_request_that_says_too_little_is_refused() {
    let certificate = stock();
    let bench = Bench::new(&["keydb"]);
    input(
        bench.import(&bench.request(&[], &["TSM1"])),
        "no certificate to import",
    );
    input(
        bench.import(&bench.request(&[&certificate], &[])),
        "which server",
    );
    let mut request = bench.request(&[&certificate], &["TSM1"]);
    request.stores = Vec::new();
    input(bench.import(&request), "no store to write to");
    request.stores = vec!["nowhere".to_owned()];
    let error = input(bench.import(&request), "no store \"nowhere\"");
    assert!(error.remedy().contains("keydb"));
}

#[test]
fn a_store_that_the_server_does_not_use_is_warned_of() {
    let bench = Bench::new(&["keydb", "hsm"]);
    let mut request = bench.request(&[&stock()], &["TSM1"]);
    request.known[0].stores = vec!["hsm".to_owned()];
    request.stores = vec!["keydb".to_owned()];
    let report = bench.imported(&request);
    assert!(
        report.warnings[0].contains("uses none of these stores"),
        "{:?}",
        report.warnings
    );
}

#[test]
fn a_pinned_ca_does_not_become_an_anchor_later() {
    let (ca, _) = stock_with(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    let bench = Bench::new(&["keydb"]);
    bench.imported(&bench.request(&[&ca], &["TSM1"]));
    let report = bench.imported(&bench.request(&[&ca, &stock()], &["TSM2"]));
    assert_eq!(report.imported[0].kind, CertificateKind::Pin);
    let mut any = bench.request(&[&ca], &[]);
    any.servers = Servers::Any;
    input(bench.import(&any), "can vouch for any server");
    let row = ScopeRow {
        kind: CertificateKind::Pin,
        servers: Servers::Named(names(&["TSM1", "TSM2"])),
    };
    assert_eq!(bench.state.scope().unwrap().row(&digest(&ca)), Some(&row));
}
