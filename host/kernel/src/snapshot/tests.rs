//! What a snapshot finds by subject, fingerprint and key.

use super::*;
use crate::fixture::{Authority, digest, stock};

fn certificate(der: &[u8]) -> Item {
    Item::certificate(der.to_vec(), "label".to_owned())
}

#[test]
fn everything_is_found_by_digest_subject_and_key() {
    let cas: Vec<_> = (0..20)
        .map(|n| Authority::root(&format!("CA {n}")))
        .collect();
    let items: Vec<_> = cas.iter().map(|ca| certificate(&ca.der)).collect();
    let snapshot = Snapshot::new(7, items.clone());
    assert_eq!(snapshot.generation(), 7);
    for (ca, item) in cas.iter().zip(&items) {
        let outline = Outline::read(&ca.der).unwrap();
        assert_eq!(snapshot.certificate(&digest(&ca.der)), Some(item));
        let by_subject: Vec<_> = snapshot
            .by_subject(outline.subject)
            .map(|p| p.item)
            .collect();
        assert_eq!(by_subject, [item]);
        let by_key: Vec<_> = snapshot.by_key(&digest(outline.spki)).collect();
        assert_eq!(by_key, [item]);
    }
    assert_eq!(snapshot.certificate(&digest(b"another")), None);
    assert_eq!(snapshot.by_subject(b"another").count(), 0);
    assert_eq!(snapshot.by_key(&digest(b"another")).count(), 0);
}

#[test]
fn certificates_of_one_subject_are_all_found() {
    let ders: Vec<_> = (0..5).map(|_| stock()).collect();
    let snapshot = Snapshot::new(0, ders.iter().map(|der| certificate(der)).collect());
    let subject = Outline::read(&ders[0]).unwrap().subject;
    assert_eq!(snapshot.by_subject(subject).count(), 5);
}

#[test]
fn a_broken_item_is_kept_and_found_by_its_digest_only() {
    let broken = b"rubbish".to_vec();
    let snapshot = Snapshot::new(0, vec![certificate(&broken), certificate(&stock())]);
    assert_eq!(snapshot.items().len(), 2);
    assert!(snapshot.certificate(&digest(&broken)).is_some());
    assert_eq!(snapshot.by_subject(b"").count(), 0);
}

#[test]
fn items_of_other_kinds_are_no_certificates() {
    let der = stock();
    for kind in [
        Kind::Crl,
        Kind::IssuerSerial,
        Kind::PrivateKey,
        Kind::SpkiSha256,
    ] {
        let item = Item {
            kind,
            ..certificate(&der)
        };
        let snapshot = Snapshot::new(0, vec![item]);
        assert_eq!(snapshot.certificate(&digest(&der)), None);
        let subject = Outline::read(&der).unwrap().subject;
        assert_eq!(snapshot.by_subject(subject).count(), 0);
        assert!(snapshot.first_anchor().is_none());
    }
}

#[test]
fn the_first_anchor_is_a_ca_that_is_trusted() {
    let root = Authority::root("Root");
    let leaf = root.leaf(&["a.example"]);
    let neutral = Item {
        rules: Vec::new(),
        ..certificate(&Authority::root("Other").der)
    };
    let snapshot = Snapshot::new(
        0,
        vec![
            certificate(&leaf),
            neutral,
            certificate(b"x"),
            certificate(&root.der),
        ],
    );
    assert_eq!(snapshot.first_anchor().unwrap().position, 3);
}

#[test]
fn a_large_store_is_indexed_by_several_threads_as_by_one() {
    let der = Authority::root("Root").leaf(&["a.example"]);
    let items: Vec<_> = (0..10_000_u32)
        .map(|number| {
            let mut der = der.clone();
            let end = der.len() - 4;
            der[end..].copy_from_slice(&number.to_be_bytes());
            certificate(&der)
        })
        .collect();
    let snapshot = Snapshot::new(0, items.clone());
    for (position, item) in items.iter().enumerate().step_by(997) {
        let found = snapshot.certificates(&digest(&item.der)).next().unwrap();
        assert_eq!((found.position, found.item), (position, item));
    }
    let subject = Outline::read(&der).unwrap().subject;
    assert_eq!(snapshot.by_subject(subject).count(), 10_000);
}

#[test]
fn what_was_found_by_subject_is_found_by_digest_as_often_as_it_is_held() {
    let der = stock();
    let items: Vec<_> = ["first", "second"]
        .map(|label| Item::certificate(der.clone(), label.to_owned()))
        .into();
    let labels = |snapshot: &Snapshot| -> Vec<String> {
        snapshot
            .certificates(&digest(&der))
            .map(|found| found.item.label.clone())
            .collect()
    };
    // Found before, whichever of the two it was, and by the index of all.
    for asked in [Some(1), Some(0), None] {
        let snapshot = Snapshot::new(0, items.clone());
        let found = asked.and_then(|position| snapshot.at(position));
        assert_eq!(found.is_some(), asked.is_some());
        assert_eq!(labels(&snapshot), ["first", "second"]);
        assert_eq!(snapshot.positions().count(), 2);
        assert_eq!(labels(&snapshot), ["first", "second"]);
    }
}

#[test]
fn a_broken_item_that_was_seen_is_found_by_its_digest() {
    let broken = b"rubbish".to_vec();
    let snapshot = Snapshot::new(0, vec![certificate(&broken)]);
    let seen = snapshot.at(0).unwrap().fingerprint;
    assert_eq!(seen, digest(&broken));
    assert!(snapshot.certificate(&seen).is_some());
}

#[test]
fn equal_bytes_are_found_and_no_others_of_their_subject() {
    let ders: Vec<_> = (0..3).map(|_| stock()).collect();
    let snapshot = Snapshot::new(0, ders.iter().map(|der| certificate(der)).collect());
    let subject = Outline::read(&ders[1]).unwrap().subject;
    let found: Vec<_> = snapshot
        .equals(&ders[1], subject)
        .map(|found| (found.position, found.fingerprint))
        .collect();
    assert_eq!(found, [(1, digest(&ders[1]))]);
    assert_eq!(snapshot.equals(&stock(), subject).count(), 0);
}

#[test]
fn many_verdicts_work_out_the_right_digests() {
    let items: Vec<_> = (0..1000_u32)
        .map(|number| certificate(&number.to_be_bytes()))
        .collect();
    let snapshot = Snapshot::new(0, items.clone());
    for _ in 0..2 {
        for (position, item) in items.iter().enumerate() {
            let found = snapshot.at(position).unwrap();
            assert_eq!(found.fingerprint, digest(&item.der));
        }
    }
}
