//! What is held, for whom, and what a list shows of it.

use anchorhold_sdk::testing::Held as Put;
use anchorhold_sdk::{Decision, Kind, Purpose, Rule};

use super::*;
use crate::fixture::{
    Authority, Stores, address, digest, for_any, judge, row, scope, server, stock, stock_with,
};
use crate::plan::StoreScope;
use crate::{CertificateKind::Anchor, CertificateKind::Intermediate, CertificateKind::Pin};

const DB1: &str = "db1.example";

fn scoped(configured: StoreScope) -> Stores {
    Stores::with(&["store"], |_, mut plan| {
        plan.scope = configured;
        plan
    })
}

fn told(der: &[u8], servers: &str) -> Put {
    Put {
        scope: servers.to_owned(),
        ..Put::anchor(der, "label")
    }
}

#[test]
fn without_a_row_nothing_is_held_whatever_the_label_says() {
    let certificate = stock();
    let stores = Stores::new(&["store"]);
    stores.contents[0].put(Put::anchor(certificate, "TSM server TSM1 self-signed key"));
    let view = stores.view(scope(&[]));
    assert_eq!(view.held(), Held::No);
    let entries = view.entries();
    assert_eq!(entries[0].servers, EntryServers::None);
    assert_eq!(entries[0].kind, EntryKind::Certificate(Pin));
}

#[test]
fn a_row_without_the_certificate_is_not_held() {
    let stores = Stores::new(&["store"]);
    assert_eq!(stores.view(scope(&[(&stock(), Pin)])).held(), Held::No);
}

#[test]
fn every_kind_in_scope_counts_as_held() {
    for kind in [Pin, Anchor, Intermediate] {
        let certificate = stock();
        let stores = Stores::new(&["store"]);
        stores.contents[0].put(Put::certificate(certificate.clone(), "neutral", &[]));
        let view = stores.view(scope(&[(&certificate, kind)]));
        assert_eq!(view.held(), Held::Yes(vec![digest(&certificate)]));
    }
}

#[test]
fn an_any_server_anchor_is_held_for_every_server() {
    let root = Authority::root("Root");
    let stores = Stores::new(&["store"]);
    stores.contents[0].put(Put::anchor(root.der.clone(), "root"));
    let mut table = scope(&[]);
    table.rows.insert(digest(&root.der), for_any(Anchor));
    let view = stores.view(table);
    assert_eq!(view.held(), Held::Yes(vec![digest(&root.der)]));
    assert!(view.held_by_name().is_empty());
    assert_eq!(view.entries()[0].servers, EntryServers::Any);
}

#[test]
fn a_store_for_any_server_gives_its_anchors_and_never_its_pins() {
    let root = Authority::root("Root");
    let leaf = root.leaf(&[DB1]);
    let pin = stock();
    let stores = scoped(StoreScope::Any);
    stores.contents[0].put(Put::anchor(pin.clone(), "pin"));
    assert_eq!(stores.view(scope(&[])).held(), Held::No);
    stores.contents[0].put(Put::anchor(root.der.clone(), "root"));
    let view = stores.view(scope(&[]));
    assert_eq!(view.held(), Held::Yes(vec![digest(&root.der)]));
    assert!(judge(&view, &[&leaf], &address(DB1)).trusted);
    assert!(!judge(&view, &[&pin], &crate::NameCheck::Off).trusted);
    // A row of the host's own makes the pin one, beside the store's scope.
    let view = stores.view(scope(&[(&pin, Pin)]));
    assert!(judge(&view, &[&pin], &crate::NameCheck::Off).trusted);
}

#[test]
fn a_store_for_any_server_gives_what_it_trusts_only() {
    let root = Authority::root("Root");
    let leaf = root.leaf(&[DB1]);
    for rules in [&[][..], &[Rule::new(Purpose::Email, Decision::Anchor)]] {
        let stores = scoped(StoreScope::Any);
        stores.contents[0].put(Put::certificate(root.der.clone(), "root", rules));
        let view = stores.view(scope(&[]));
        assert_eq!(view.held(), Held::No);
        assert!(!judge(&view, &[&leaf], &address(DB1)).trusted);
    }
}

#[test]
fn a_store_for_any_server_holds_what_it_distrusts() {
    let root = Authority::root("Root");
    let stores = scoped(StoreScope::Any);
    stores.contents[0].put(Put::distrusted(root.der.clone(), "root"));
    let view = stores.view(scope(&[]));
    assert_eq!(
        view.held(),
        Held::Yes(vec![digest(&root.der)]),
        "acceptance does not open"
    );
    assert!(!judge(&view, &[&root.leaf(&[DB1])], &address(DB1)).trusted);
}

#[test]
fn a_ca_that_was_imported_as_a_pin_stays_one_in_a_store_for_any_server() {
    let root = Authority::root("Root");
    let stores = scoped(StoreScope::Any);
    stores.contents[0].put(Put::anchor(root.der.clone(), "root"));
    let mut table = scope(&[]);
    table.rows.insert(digest(&root.der), row(Pin, &["TSM2"]));
    let view = stores.view(table);
    assert!(!judge(&view, &[&root.leaf(&[DB1])], &address(DB1)).trusted);
}

#[test]
fn a_store_that_is_believed_names_its_servers() {
    let root = Authority::root("Root");
    let pin = stock();
    let stores = scoped(StoreScope::Store);
    stores.contents[0].put(told(&pin, "tsm1\nTSM3"));
    stores.contents[0].put(told(&root.der, " * "));
    stores.contents[0].put(told(&Authority::root("Silent").der, ""));
    let view = stores.view(scope(&[]));
    let mut expected = vec![digest(&pin), digest(&root.der)];
    expected.sort_unstable();
    assert_eq!(view.held(), Held::Yes(expected));
    assert_eq!(&**view.held_by_name(), [digest(&pin)]);
    assert!(judge(&view, &[&pin], &crate::NameCheck::Off).trusted);
    assert!(judge(&view, &[&root.leaf(&[DB1])], &address(DB1)).trusted);
    let names: Vec<_> = view
        .entries()
        .into_iter()
        .map(|entry| entry.servers)
        .collect();
    assert_eq!(
        names,
        [
            EntryServers::Named(vec![ServerName::new("TSM1"), ServerName::new("TSM3")]),
            EntryServers::Any,
            EntryServers::None
        ]
    );
}

#[test]
fn a_store_that_is_believed_gives_no_pin_to_every_server() {
    let pin = stock();
    let (ca, _) = stock_with(|params| {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    });
    let stores = scoped(StoreScope::Store);
    stores.contents[0].put(told(&pin, "*"));
    stores.contents[0].put(told(&ca, "*"));
    let view = stores.view(scope(&[]));
    assert!(!judge(&view, &[&pin], &crate::NameCheck::Off).trusted);
    assert!(!judge(&view, &[&ca], &crate::NameCheck::Off).trusted);
}

#[test]
fn a_self_signed_ca_of_a_believed_store_is_pin_and_anchor() {
    let root = Authority::root("Root");
    let stores = scoped(StoreScope::Store);
    stores.contents[0].put(told(&root.der, "TSM1"));
    let view = stores.view(scope(&[]));
    assert!(judge(&view, &[&root.der], &crate::NameCheck::Off).trusted);
    assert!(judge(&view, &[&root.leaf(&[DB1])], &address(DB1)).trusted);
}

#[test]
fn a_store_that_is_not_believed_may_say_what_it_likes() {
    let pin = stock();
    let stores = Stores::new(&["store"]);
    stores.contents[0].put(told(&pin, "TSM1\n*"));
    let view = stores.view(scope(&[]));
    assert_eq!(view.held(), Held::No);
    assert!(!judge(&view, &[&pin], &crate::NameCheck::Off).trusted);
    assert_eq!(view.entries()[0].servers, EntryServers::None);
}

#[test]
fn a_list_shows_keys_and_everything_that_concerns_trust() {
    let root = Authority::root("Root");
    let middle = root.intermediate("Middle");
    let stores = Stores::new(&["first", "second"]);
    let put = |held: Put| stores.contents[0].put(held);
    put(Put::anchor(root.der.clone(), "root"));
    put(Put::certificate(middle.der, "middle", &[]));
    put(Put::certificate(stock(), "neutral", &[]));
    put(Put::distrusted(stock(), "bad"));
    put(Put::anchor(b"rubbish".to_vec(), "broken"));
    put(Put {
        kind: Kind::SpkiSha256,
        ..Put::distrusted(vec![7; 32], "bad key")
    });
    put(Put {
        kind: Kind::PrivateKey,
        ..Put::anchor(b"key".to_vec(), "key")
    });
    stores.contents[1].put(Put::anchor(root.der.clone(), "root again"));
    let (entries, silent) = stores
        .kernel
        .entries(&stores.names, &scope(&[(&root.der, Anchor)]));
    assert!(silent.is_empty());
    let shown: Vec<_> = entries
        .iter()
        .map(|entry| {
            (
                entry.store.as_str(),
                entry.label.as_str(),
                entry.kind.as_str(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("first", "root", "anchor"),
            ("first", "middle", "intermediate"),
            ("first", "neutral", "pin"),
            ("first", "bad", "distrust"),
            ("first", "broken", "pin"),
            ("first", "bad key", "distrust"),
            ("first", "key", "key"),
            ("second", "root again", "anchor"),
        ]
    );
    let note = |position: usize| entries[position].note.clone().unwrap_or_default();
    assert_eq!((note(0), note(1)), (String::new(), String::new()));
    assert!(note(2).contains("does not trust"));
    assert!(note(3).contains("distrusts"));
    assert!(note(4).contains("cannot be read"));
    assert!(entries[4].facts().is_err());
    assert_eq!(entries[0].facts().unwrap().subject, "CN=Root");
    assert_eq!(entries[0].servers, EntryServers::Named(vec![server()]));
    assert_eq!(entries[0].der(), root.der);
    assert!(entries[0].is_certificate() && !entries[5].is_certificate());
    assert_eq!(entries[3].servers, EntryServers::None);
}

#[test]
fn what_its_store_marks_in_an_unknown_way_vouches_only_for_whom_the_table_names() {
    let (root, name) = (Authority::root("Root"), address(DB1));
    let leaf = root.leaf(&[DB1]);
    for configured in [StoreScope::Any, StoreScope::Store, StoreScope::Imported] {
        let stores = scoped(configured);
        stores.contents[0].put(Put {
            trust_unknown: true,
            ..told(&root.der, "*\nTSM1")
        });
        let view = stores.view(scope(&[]));
        assert!(!judge(&view, &[&leaf], &name).trusted, "{configured:?}");
        let entry = view.entries().remove(0);
        assert_eq!(entry.servers, EntryServers::None, "{configured:?}");
        let note = entry.note.expect("a note");
        assert!(note.starts_with("flags-unknown"), "{note}");
        let view = stores.view(scope(&[(&root.der, Anchor)]));
        assert!(judge(&view, &[&leaf], &name).trusted, "{configured:?}");
    }
}

#[test]
fn a_private_key_is_listed_as_one_and_vouches_for_nobody() {
    for configured in [StoreScope::Any, StoreScope::Store] {
        let stores = scoped(configured);
        let mut key = told(&[0x30, 0], "*");
        key.kind = Kind::PrivateKey;
        stores.contents[0].put(key);
        let view = stores.view(scope(&[]));
        assert_eq!(view.held(), Held::No, "{configured:?}");
        let entry = view.entries().remove(0);
        assert_eq!(
            (entry.kind, entry.servers),
            (EntryKind::Key, EntryServers::None)
        );
    }
}
