//! One certificate takes the place of another.

use anchorhold_sdk::testing::Held as Put;

use super::*;
use crate::fixture::{Authority, Stores, digest, stock};
use crate::plan::StoreScope;

#[test]
fn a_replacement_takes_the_place_and_the_label() {
    let (old_one, new_one) = (stock(), stock());
    let bench = Bench::new(&["keydb", "hsm"]);
    bench.imported(&bench.request(&[&old_one], &["TSM1"]));
    let mut request = bench.request(&[&new_one], &["TSM1"]);
    request.replace = Some(digest(&old_one));
    let report = bench.imported(&request);
    assert_eq!(report.replaced.len(), 2);
    assert_eq!(report.changes[0].gains, [digest(&new_one)]);
    assert_eq!(report.changes[0].loses, [digest(&old_one)]);
    for store in 0..2 {
        assert_eq!(bench.labels(store), ["TSM server TSM1 self-signed key"]);
        assert_eq!(bench.stores.contents[store].items()[0].der, new_one);
    }
    let scope = bench.state.scope().unwrap();
    assert!(scope.row(&digest(&old_one)).is_none());
    assert!(bench.events().contains(&"replaced".to_owned()));
    input(bench.import(&request), "no certificate");
}

#[test]
fn a_replaced_certificate_stays_for_its_other_servers() {
    let (old_one, new_one) = (stock(), stock());
    let bench = Bench::new(&["keydb"]);
    bench.imported(&bench.request(&[&old_one], &["TSM1", "TSM2"]));
    let mut request = bench.request(&[&new_one], &["TSM1"]);
    request.replace = Some(digest(&old_one));
    let report = bench.imported(&request);
    assert!(report.replaced.is_empty());
    let scope = bench.state.scope().unwrap();
    assert_eq!(
        scope.row(&digest(&old_one)).unwrap().servers,
        Servers::Named(names(&["TSM2"]))
    );
    assert_eq!(bench.labels(0).len(), 2);
    let note = format!(
        "The certificate {} no longer vouches for TSM1; it stays for TSM2.",
        digest(&old_one)
    );
    assert_eq!(report.warnings, [note]);
}

#[test]
fn what_replaces_nothing_is_refused() {
    let certificate = stock();
    let bench = Bench::new(&["keydb"]);
    let mut request = bench.request(&[&certificate], &["TSM1"]);
    request.replace = Some(digest(b"another"));
    input(bench.import(&request), "no certificate");
    request.replace = Some(digest(&certificate));
    input(bench.import(&request), "its own place");
}

#[test]
fn what_did_not_vouch_for_the_server_is_not_replaced_for_it() {
    let (old_one, new_one) = (stock(), stock());
    let bench = Bench::new(&["keydb"]);
    bench.imported(&bench.request(&[&old_one], &["TSM2"]));
    let before = (bench.state.scope().unwrap(), bench.labels(0));
    let mut request = bench.request(&[&new_one], &["TSM1"]);
    request.replace = Some(digest(&old_one));
    input(
        bench.import(&request),
        "does not vouch for TSM1, but for TSM2",
    );
    request.servers = Servers::Named(names(&["TSM1", "TSM2"]));
    input(
        bench.import(&request),
        "does not vouch for TSM1, but for TSM2",
    );
    assert_eq!((bench.state.scope().unwrap(), bench.labels(0)), before);
}

#[test]
fn what_has_no_scope_is_replaced_only_where_its_store_speaks_for_it() {
    for (scope, replaced) in [(StoreScope::Imported, false), (StoreScope::Store, true)] {
        let old_one = stock();
        let stores = Stores::with(&["keydb"], |_, mut plan| {
            plan.scope = scope;
            plan
        });
        stores.contents[0].put(Put::anchor(old_one.clone(), "theirs"));
        let bench = Bench::of(stores);
        let mut request = bench.request(&[&stock()], &["TSM1"]);
        request.replace = Some(digest(&old_one));
        let result = bench.import(&request);
        assert_eq!(result.is_ok(), replaced, "{result:?}");
        if !replaced {
            input(result, "does not vouch for TSM1, but for no server");
            assert_eq!(bench.labels(0), ["theirs"]);
        }
    }
}

#[test]
fn a_ca_for_any_server_is_not_replaced_for_single_ones() {
    let (old_one, new_one) = (Authority::root("Old"), Authority::root("New"));
    let bench = Bench::new(&["keydb"]);
    let mut request = bench.request(&[&old_one.der], &[]);
    request.servers = Servers::Any;
    bench.imported(&request);
    let mut request = bench.request(&[&new_one.der], &["TSM1"]);
    request.replace = Some(digest(&old_one.der));
    let error = input(bench.import(&request), "vouches for any server");
    assert!(
        error.remedy().contains("narrow it first"),
        "{}",
        error.remedy()
    );
    request.servers = Servers::Any;
    assert_eq!(bench.imported(&request).replaced.len(), 1);
}
