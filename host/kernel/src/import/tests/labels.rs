//! What certificates are called in a store.

use anchorhold_sdk::testing::Held as Put;

use super::*;
use crate::fixture::{Authority, digest, stock};

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
    let scope = crate::ScopeTable::default();
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
