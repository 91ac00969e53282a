//! Pairs: which key and certificate a label means, and what a peer is shown.

use anchorhold_sdk::testing::Held;

use super::*;
use crate::fixture::{Authority, Stores};

/// The whole SubjectPublicKeyInfo of a certificate.
fn spki(der: &[u8]) -> Vec<u8> {
    Outline::read(der).unwrap().spki.to_vec()
}

fn store_of(held: Vec<Held>) -> Stores {
    let stores = Stores::new(&["token"]);
    for one in held {
        stores.contents[0].put(one);
    }
    stores
}

fn pair_in(stores: &Stores, label: &str) -> Result<KeyPair, KeyPairError> {
    stores.kernel.stores()[0].key_pair(label, Unlocking::Stored)
}

#[test]
fn label_is_that_of_the_key_or_of_its_certificate() {
    let ca = Authority::root("Root");
    let leaf = ca.leaf(&["client.example"]);
    for (key, certificate) in [
        ("backup", "other"),
        ("other", "backup"),
        ("backup", "backup"),
    ] {
        let stores = store_of(vec![
            Held::key(spki(&leaf), key),
            Held::certificate(leaf.clone(), certificate, &[]),
        ]);
        let pair = pair_in(&stores, "backup").unwrap();
        assert_eq!(pair.chain, [CertificateDer::from(leaf.clone())]);
        assert_eq!(pair.public, spki(&leaf));
        assert!(!pair.schemes.is_empty());
    }
}

#[test]
fn what_does_not_belong_together_is_named() {
    let ca = Authority::root("Root");
    let (leaf, other) = (ca.leaf(&["a.example"]), ca.leaf(&["b.example"]));
    let key = || Held::key(spki(&leaf), "backup");
    let certificate = |der: &[u8], label: &str| Held::certificate(der.to_vec(), label, &[]);
    let mismatch = store_of(vec![key(), certificate(&other, "backup")]);
    assert_eq!(pair_in(&mismatch, "backup"), Err(KeyPairError::Mismatch));
    let alone = store_of(vec![key()]);
    assert_eq!(pair_in(&alone, "backup"), Err(KeyPairError::NoCertificate));
    let bare = store_of(vec![certificate(&leaf, "backup")]);
    let snapshot = bare.kernel.stores()[0].snapshot().unwrap();
    assert_eq!(find(&snapshot, "backup"), Err(KeyPairError::NoKey));
    let keys = vec!["backup".to_owned()];
    let snapshot = alone.kernel.stores()[0].snapshot().unwrap();
    let unknown = find(&snapshot, "nobody").unwrap_err();
    assert_eq!(unknown, KeyPairError::LabelMissing { keys });
}

#[test]
fn what_may_be_hidden_by_a_lock_is_not_called_missing() {
    let ca = Authority::root("Root");
    let leaf = ca.leaf(&["client.example"]);
    let stores = store_of(vec![Held::certificate(leaf, "backup", &[])]);
    for label in ["backup", "nobody"] {
        let Err(KeyPairError::Store(error)) = pair_in(&stores, label) else {
            panic!("nothing unlocks it");
        };
        assert_eq!(error.status(), Some(Status::Locked), "{error}");
    }
}

#[test]
fn intermediates_go_along_and_roots_do_not() {
    let root = Authority::root("Root");
    let middle = root.intermediate("Middle");
    let leaf = middle.leaf(&["client.example"]);
    let stores = store_of(vec![
        Held::key(spki(&leaf), "backup"),
        Held::certificate(leaf.clone(), "backup", &[]),
        Held::certificate(root.der, "root", &[]),
        Held::certificate(middle.der.clone(), "middle", &[]),
    ]);
    let expected = [leaf, middle.der].map(CertificateDer::from);
    assert_eq!(pair_in(&stores, "backup").unwrap().chain, expected);
}

#[test]
fn a_store_that_is_locked_signs_nothing() {
    let ca = Authority::root("Root");
    let leaf = ca.leaf(&["client.example"]);
    let stores = store_of(vec![
        Held::key(spki(&leaf), "backup"),
        Held::certificate(leaf, "backup", &[]),
    ]);
    let pair = pair_in(&stores, "backup").unwrap();
    let store = &stores.kernel.stores()[0];
    let scheme = pair.schemes[0];
    assert!(
        !store
            .sign(&pair.key, scheme, b"message")
            .unwrap()
            .is_empty()
    );
    stores.contents[0].lock_with(b"1234");
    let error = store.sign(&pair.key, scheme, b"message").unwrap_err();
    assert_eq!(error.status(), Some(Status::Locked), "{error}");
    assert!(matches!(
        pair_in(&stores, "backup"),
        Err(KeyPairError::Store(_))
    ));
}
