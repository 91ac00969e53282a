//! Tests of what the host is told, the same for either format.

use std::fs;
use std::path::Path;

use anchorhold_formats::sth;
use anchorhold_sdk::{Change, Effect};

use super::NAME;
use crate::store::tests::{Bench, certificate, item, open};
use crate::store::*;
use crate::workshop;

#[test]
fn what_was_put_is_listed_in_pages_of_one_generation() {
    let bench = Bench::new(NAME);
    assert_eq!(bench.list(0).unwrap(), [""; 0]);
    let ders: Vec<_> = (0..7).map(certificate).collect();
    let labels: Vec<_> = (0..7).map(|number| format!("Anchor {number}")).collect();
    let changes = ders
        .iter()
        .zip(&labels)
        .map(|(der, label)| Change::Put(item(der, label)));
    let effects = bench.apply(&Batch::new(changes.collect())).unwrap();
    assert_eq!(effects, [Effect::New; 7]);
    for limit in [0, 1, 3, 7, 8] {
        assert_eq!(bench.list(limit).unwrap(), labels);
    }
    let health = bench.store.health();
    assert_eq!(health.state(), HealthState::Ready);
}

#[test]
fn a_listing_does_not_go_on_in_another_state() {
    let bench = Bench::new(NAME);
    for number in 0..3 {
        bench
            .put(&certificate(number), &number.to_string())
            .unwrap();
    }
    let mut first = Page::new(2, &[]);
    bench.page(&mut first, &mut |_| Ok(())).unwrap();
    open(&bench.path(), &[]).unwrap();
    let mut second = Page::new(2, first.next_cursor());
    bench.page(&mut second, &mut |_| Ok(())).unwrap();
    assert_eq!(first.generation(), second.generation());
    bench.put(&certificate(9), "new").unwrap();
    let mut second = Page::new(2, first.next_cursor());
    let error = bench
        .page(&mut second, &mut |_| panic!("no item is due"))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StaleCursor);
}

#[test]
fn what_the_file_cannot_keep_is_not_put_into_it() {
    let bench = Bench::new(NAME);
    let der = certificate(1);
    let large = workshop::sized(1000, 300_000);
    let long = "x".repeat(1025);
    let rule = |purpose, decision| vec![Rule::new(purpose, decision)];
    let with_rules = |rules: Vec<Rule>| {
        let mut item = item(&der, "a");
        item.rules = rules.into();
        item
    };
    let mut cut_off = rule(Purpose::Server, Decision::Anchor);
    cut_off[0].issued_before = 1;
    let mut constrained = item(&der, "a");
    constrained.name_constraints = &[0x30, 0];
    let mut other_kind = item(&der, "a");
    other_kind.kind = Kind::Crl;
    for (refused, kind) in [
        (other_kind, ErrorKind::Unsupported),
        (
            with_rules(rule(Purpose::Any, Decision::Distrust)),
            ErrorKind::Unsupported,
        ),
        (
            with_rules(rule(Purpose::Client, Decision::Distrust)),
            ErrorKind::Unsupported,
        ),
        (
            with_rules(rule(Purpose::Client, Decision::Anchor)),
            ErrorKind::Unsupported,
        ),
        (with_rules(cut_off), ErrorKind::Unsupported),
        (constrained, ErrorKind::Unsupported),
        (item(&large, "a"), ErrorKind::Limit),
        (item(b"", "a"), ErrorKind::Malformed),
        (item(&der[1..], "a"), ErrorKind::Malformed),
        (item(&der, &long), ErrorKind::InvalidArgument),
        (item(&der, "a\nb"), ErrorKind::InvalidArgument),
    ] {
        let good = certificate(2);
        let batch = Batch::new(vec![Change::Put(item(&good, "good")), Change::Put(refused)]);
        assert_eq!(bench.apply(&batch).unwrap_err().kind(), kind);
        assert!(!bench.path().exists());
    }
    for kept in [
        with_rules(vec![]),
        with_rules(rule(Purpose::Any, Decision::Anchor)),
        with_rules(rule(Purpose::Email, Decision::Neutral)),
    ] {
        let batch = Batch::new(vec![Change::Put(kept)]).only_checked();
        assert_eq!(bench.apply(&batch).unwrap(), [Effect::New]);
    }
}

#[test]
fn a_batch_that_was_done_changes_nothing_when_it_is_repeated() {
    let bench = Bench::new(NAME);
    let [one, two] = [1, 2].map(certificate);
    bench.put(&two, "two").unwrap();
    let id = Id::of(&two);
    let batch = || {
        Batch::new(vec![
            Change::Put(item(&one, "one")),
            Change::Remove(id.as_bytes()),
        ])
    };
    assert_eq!(
        bench.apply(&batch()).unwrap(),
        [Effect::New, Effect::Removed]
    );
    let before = fs::read(bench.path()).unwrap();
    assert_eq!(bench.apply(&batch()).unwrap(), [Effect::Unchanged; 2]);
    assert_eq!(fs::read(bench.path()).unwrap(), before);
}

#[test]
fn an_id_that_no_item_can_have_is_gone_already() {
    let bench = Bench::new(NAME);
    let der = certificate(1);
    let batch = Batch::new(vec![
        Change::Remove(b"somebody else's"),
        Change::Put(item(&der, "one")),
        Change::Remove(&[7; 64]),
    ]);
    assert_eq!(
        bench.apply(&batch).unwrap(),
        [Effect::Unchanged, Effect::New, Effect::Unchanged]
    );
}

#[test]
fn an_id_that_no_certificate_has_counts_as_none() {
    let bench = Bench::new(NAME);
    let [one, two] = [1, 2].map(certificate);
    let id = Id::of(&two);
    for id in [&b"somebody else's"[..], id.as_bytes()] {
        let mut claiming = item(&one, "one");
        claiming.id = id;
        let batch = Batch::new(vec![Change::Put(claiming)]).only_checked();
        assert_eq!(bench.apply(&batch).unwrap(), [Effect::New]);
    }
    bench.put(&two, "two").unwrap();
    let mut claiming = item(&one, "one");
    claiming.id = id.as_bytes();
    let batch = Batch::new(vec![Change::Put(claiming)]);
    let refused = bench.apply(&batch).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn errors_tell_the_host_what_to_do() {
    let bench = Bench::new(NAME);
    bench.put(&certificate(1), "one").unwrap();
    let same = bench.put(&certificate(2), "ONE").unwrap_err();
    assert_eq!(same.kind(), ErrorKind::AlreadyExists);
    let batch = Batch::new(vec![]).only_at(1);
    assert_eq!(bench.apply(&batch).unwrap_err().kind(), ErrorKind::Conflict);

    let stash = bench.path().with_extension("sth");
    fs::write(&stash, sth::write_v1(b"another", &[7; 128]).unwrap()).unwrap();
    assert_eq!(bench.list(0).unwrap_err().kind(), ErrorKind::WrongSecret);
    assert_eq!(bench.store.health().state(), HealthState::Failed);
    fs::remove_file(&stash).unwrap();
    assert_eq!(bench.list(0).unwrap_err().kind(), ErrorKind::NotPresent);
    assert_eq!(bench.store.health().state(), HealthState::Failed);
    let error = open(Path::new("/x/anchors.rdb"), &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn the_secret_is_in_nothing_that_is_shown() {
    let bench = Bench::new(NAME);
    bench.put(&certificate(1), "one").unwrap();
    let password = crate::password(&bench.path()).unwrap();
    let password = std::str::from_utf8(&password).unwrap();
    assert!(!format!("{:?}", bench.store).contains(password));
}

#[test]
fn a_large_database_has_every_certificate_under_its_own_id() {
    let bench = Bench::new(NAME);
    bench.put(&certificate(0), "first").unwrap();
    // More than one thread hashes.
    let ders: Vec<_> = (1..=5000).map(certificate).collect();
    let changes = ders.iter().map(|der| Change::Put(item(der, "")));
    bench.apply(&Batch::new(changes.collect())).unwrap();
    assert_eq!(bench.list(512).unwrap().len(), 5001);
}
