//! What certificates are called in a store.

use anchorhold_sdk::testing::Held as Put;

use super::*;
use crate::fixture::{Authority, digest, old, stock};

fn labels(report: &ImportReport) -> Vec<&str> {
    report
        .imported
        .iter()
        .map(|one| one.label.as_str())
        .collect()
}

#[test]
fn only_a_servers_own_certificate_is_called_after_the_server() {
    let root = Authority::root("Corp Root");
    let middle = root.intermediate("Middle");
    let leaf = middle.leaf(&["db1.example"]);
    let bench = Bench::new(&["keydb"]);
    bench.stores.contents[0].put(Put::anchor(stock(), "corp ROOT"));
    let request = bench.request(&[&leaf, &middle.der, &root.der, &stock()], &["TSM1"]);
    let report = bench.imported(&request);
    assert_eq!(
        labels(&report),
        [
            "leaf",
            "Middle",
            "Corp Root (2)",
            "TSM server TSM1 self-signed key"
        ]
    );
    let scope = ScopeTable::default();
    let proposed = propose(&bench.stores.kernel, &bench.stores.names, &scope);
    assert_eq!(proposed.len(), 1, "{proposed:?}");
}

#[test]
fn a_ca_cannot_call_itself_after_a_server() {
    let root = Authority::root("TSM server TSM2 self-signed key");
    let bench = Bench::new(&["keydb"]);
    let mut request = bench.request(&[&root.der], &["TSM1"]);
    request.kind = Some(CertificateKind::Anchor);
    let report = bench.imported(&request);
    assert_eq!(labels(&report), ["CN=TSM server TSM2 self-signed key"]);
}

#[test]
fn a_ca_that_replaces_a_servers_own_does_not_inherit_its_label() {
    let (own, root) = (stock(), Authority::root("Corp Root"));
    let bench = Bench::new(&["keydb"]);
    bench.imported(&bench.request(&[&own], &["TSM1"]));
    let mut request = bench.request(&[&root.der], &["TSM1"]);
    request.kind = Some(CertificateKind::Anchor);
    request.replace = Some(digest(&own));
    bench.imported(&request);
    assert_eq!(bench.labels(0), ["Corp Root"]);
}

#[test]
fn the_label_of_a_container_is_kept_where_it_fits() {
    let roots = ["One", "Two", "Three", "Four", "Five"].map(Authority::root);
    let bench = Bench::new(&["keydb"]);
    bench.stores.contents[0].put(Put::anchor(old("stock.der"), "taken"));
    let ders: Vec<&[u8]> = roots.iter().map(|root| &*root.der).collect();
    let mut request = bench.request(&ders, &["TSM1"]);
    request.kind = Some(CertificateKind::Anchor);
    let given = [
        " corp root ",
        "TAKEN",
        "tsm server TSM2 self-signed key",
        "a\nb",
        "",
    ];
    for (certificate, label) in request.certificates.iter_mut().zip(given) {
        certificate.label = Some(label.to_owned());
    }
    let report = bench.imported(&request);
    assert_eq!(
        labels(&report),
        ["corp root", "Two", "Three", "Four", "Five"]
    );
}

#[test]
fn a_servers_own_certificate_is_called_after_it_whatever_a_container_says() {
    let own = stock();
    let bench = Bench::new(&["keydb"]);
    let mut request = bench.request(&[&own], &["TSM1"]);
    request.certificates[0].label = Some("somebody".to_owned());
    let report = bench.imported(&request);
    assert_eq!(labels(&report), ["TSM server TSM1 self-signed key"]);
}
