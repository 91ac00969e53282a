//! Copies of stores: what goes over, what stays behind, and that a failure leaves all as before.

use anchorhold_sdk::ErrorKind;
use anchorhold_sdk::testing::Held as Put;

use super::*;
use crate::fixture::{Authority, digest, row, stock};
use crate::plan::StoreScope;

fn request(bench: &Bench, servers: &[(&str, &[&str])]) -> CopyRequest {
    let known = servers.iter().map(|(name, stores)| KnownServer {
        name: ServerName::new(*name),
        stores: stores.iter().map(|store| (*store).to_owned()).collect(),
        accepts: true,
    });
    CopyRequest {
        from: bench.stores.names[0].clone(),
        to: bench.stores.names[1].clone(),
        dry_run: false,
        actor: actor(),
        now: now(),
        known: known.collect(),
    }
}

#[track_caller]
fn copied(bench: &Bench) -> CopyReport {
    copy(&bench.stores.kernel, &bench.state, &request(bench, &[])).unwrap()
}

fn new(report: &CopyReport) -> Vec<&str> {
    let new = report.copied.iter();
    let new = new.filter(|one| one.outcome == Outcome::New);
    new.map(|one| &*one.label).collect()
}

fn left(report: &CopyReport) -> Vec<(&str, &str)> {
    let left = report.left_out.iter();
    left.map(|one| (&*one.label, one.what)).collect()
}

/// Lets a certificate vouch for TSM1 as something.
fn scoped(bench: &Bench, der: &[u8], kind: CertificateKind) {
    let mut transaction = bench.state.write(&actor(), now()).unwrap();
    transaction.put_scope(digest(der), &row(kind, &["TSM1"]));
    transaction.commit().unwrap();
}

#[test]
fn certificates_go_over_with_their_labels_rules_and_hints() {
    let bench = Bench::new(&["a", "b"]);
    let der = stock();
    let mut put = Put::anchor(der.clone(), "one");
    put.scope = "TSM1".to_owned();
    bench.stores.contents[0].put(put);
    let report = copied(&bench);
    assert_eq!(new(&report), ["one"]);
    let [held] = &bench.stores.contents[1].items()[..] else {
        panic!("one item")
    };
    assert_eq!(
        (&held.der, &*held.label, &*held.scope),
        (&der, "one", "TSM1")
    );
    assert_eq!(
        bench.stores.contents[0].items().len(),
        1,
        "the first stays as it is"
    );
    assert!(bench.events().contains(&"copied".to_owned()));
    let again = copied(&bench);
    assert_eq!((new(&again).len(), again.copied.len()), (0, 1));
}

#[test]
fn keys_and_marks_that_nobody_knows_stay_behind() {
    let bench = Bench::new(&["a", "b"]);
    let contents = &bench.stores.contents[0];
    contents.put(Put::key(vec![0x30, 0], "key"));
    let marked = stock();
    contents.put(Put {
        trust_unknown: true,
        ..Put::anchor(marked.clone(), "marked")
    });
    // Not even where the operator has named it, for the copy would have lost the mark.
    scoped(&bench, &marked, CertificateKind::Pin);
    let report = copied(&bench);
    assert_eq!(left(&report), [("key", "key"), ("marked", "certificate")]);
    assert!(bench.stores.contents[1].items().is_empty());
}

#[test]
fn what_its_store_does_not_trust_goes_over_only_to_help() {
    let bench = Bench::new(&["a", "b"]);
    let root = Authority::root("Root");
    let (helps, silent) = (root.intermediate("Helps"), root.intermediate("Silent"));
    for (der, label) in [(&helps.der, "helps"), (&silent.der, "silent")] {
        bench.stores.contents[0].put(Put::certificate(der.clone(), label, &[]));
    }
    scoped(&bench, &helps.der, CertificateKind::Intermediate);
    scoped(&bench, &silent.der, CertificateKind::Anchor);
    let report = copied(&bench);
    assert_eq!(new(&report), ["helps"]);
    assert_eq!(left(&report), [("silent", "certificate")]);
}

#[test]
fn distrust_goes_over_and_what_it_hits_does_not() {
    let bench = Bench::new(&["a", "b"]);
    let (bad, hit, other) = (stock(), stock(), stock());
    let contents = &bench.stores.contents[0];
    contents.put(Put::distrusted(bad, "bad"));
    contents.put(Put::anchor(hit.clone(), "hit"));
    contents.put(Put::anchor(other.clone(), "other"));
    bench.stores.contents[1].put(Put::distrusted(other, "no"));
    let outline = crate::outline::Outline::read(&hit).unwrap();
    let key = crate::certificate::fingerprint(outline.spki);
    let mut put = Put::distrusted(key.0.to_vec(), "key");
    put.kind = anchorhold_sdk::Kind::SpkiSha256;
    contents.put(put);
    let report = copied(&bench);
    assert_eq!(new(&report), ["bad", "key"]);
    assert_eq!(
        left(&report),
        [("hit", "certificate"), ("other", "certificate")]
    );
    let why: Vec<_> = report.left_out.iter().map(|one| &*one.why).collect();
    assert_eq!(
        why,
        ["store \"a\" distrusts it", "store \"b\" distrusts it"]
    );
}

#[test]
fn labels_that_are_taken_get_a_number() {
    let bench = Bench::new(&["a", "b"]);
    for (store, label) in [(0, "Same"), (0, "line"), (0, ""), (0, ""), (1, "sAME")] {
        bench.stores.contents[store].put(Put::anchor(stock(), label));
    }
    let report = copied(&bench);
    assert_eq!(new(&report), ["Same (2)", "line", "", ""]);
    assert_eq!(report.copied[0].before, "Same");
}

#[test]
fn a_store_that_vouches_by_itself_takes_only_from_one_that_does_so_too() {
    for (from, to, allowed) in [
        (StoreScope::Imported, StoreScope::Any, false),
        (StoreScope::Imported, StoreScope::Store, false),
        (StoreScope::Any, StoreScope::Store, false),
        (StoreScope::Any, StoreScope::Any, true),
        (StoreScope::Any, StoreScope::Imported, true),
    ] {
        let stores = Stores::with(&["a", "b"], |name, mut plan| {
            plan.scope = if name == "a" { from } else { to };
            plan
        });
        let bench = Bench::of(stores);
        bench.stores.contents[0].put(Put::anchor(stock(), "one"));
        let asked = request(&bench, &[]);
        let report = copy(&bench.stores.kernel, &bench.state, &asked);
        assert_eq!(report.is_ok(), allowed, "{from:?} to {to:?}");
        if !allowed {
            input(report, "more servers than before");
        }
    }
}

#[test]
fn servers_that_gain_by_it_are_named() {
    let bench = Bench::new(&["a", "b"]);
    let der = stock();
    bench.stores.contents[0].put(Put::anchor(der.clone(), "one"));
    bench.stores.contents[0].put(Put::anchor(stock(), "for nobody"));
    scoped(&bench, &der, CertificateKind::Pin);
    let servers: &[(&str, &[&str])] = &[("TSM1", &["b"]), ("TSM2", &["b"])];
    let mut asked = request(&bench, servers);
    asked.dry_run = true;
    let report = copy(&bench.stores.kernel, &bench.state, &asked).unwrap();
    assert_eq!(
        report.gains,
        [(ServerName::new("TSM1"), vec![digest(&der)])]
    );
    assert!(bench.stores.contents[1].items().is_empty(), "a dry run");
    let both: &[(&str, &[&str])] = &[("TSM1", &["a", "b"])];
    let report = copy(&bench.stores.kernel, &bench.state, &request(&bench, both)).unwrap();
    assert!(report.gains.is_empty());
}

#[test]
fn a_copy_that_fails_leaves_all_as_before() {
    for after in 0..3 {
        let bench = Bench::new(&["a", "b"]);
        for label in ["one", "two", "three"] {
            bench.stores.contents[0].put(Put::anchor(stock(), label));
        }
        bench.stores.contents[1].put(Put::anchor(stock(), "there"));
        let contents = &bench.stores.contents[1];
        contents.fault(|faults| faults.forgets_writes = after == 0);
        if after > 0 {
            contents.fault(|faults| faults.apply = Some((after, ErrorKind::Unavailable)));
        }
        let asked = request(&bench, &[]);
        copy(&bench.stores.kernel, &bench.state, &asked).unwrap_err();
        contents.fault(|faults| {
            faults.forgets_writes = false;
            faults.apply = None;
        });
        // What could not be taken back while the store failed is, at the next change.
        settle(&bench.stores.kernel, &bench.state, &actor(), now()).unwrap();
        let labels: Vec<_> = contents
            .items()
            .into_iter()
            .map(|item| item.label)
            .collect();
        assert_eq!(labels, ["there"], "{after}");
        assert!(bench.state.scope().unwrap().rows.is_empty());
    }
}

#[test]
fn single_items_that_the_store_refuses_are_left_out() {
    let bench = Bench::new(&["a", "b"]);
    bench.stores.contents[0].put(Put::anchor(stock(), "one"));
    bench.stores.contents[0].put(Put::anchor(stock(), "two"));
    // This store refuses the first change of every call.
    let contents = &bench.stores.contents[1];
    contents.fault(|faults| faults.apply = Some((0, ErrorKind::Unsupported)));
    let report = copied(&bench);
    assert_eq!(report.left_out.len(), 2);
    assert!(report.copied.is_empty());
    assert!(contents.items().is_empty());
}
