//! What is switched off is off, and nothing else is.

use rcgen::{ExtendedKeyUsagePurpose, date_time_ymd};

use super::{Check, Checks};
use crate::fixture::{Authority, Stores, address, chain, now, scope, stock, stock_with};
use crate::{CertificateKind, NameCheck, Question};
use anchorhold_sdk::testing::Held;

const ALL: [Check; 4] = [Check::Name, Check::Pin, Check::Purpose, Check::Validity];

/// Exactly this check is what refuses the chain.
#[track_caller]
fn only(check: Check, held: (&[u8], CertificateKind), presented: &[&[u8]], name: &NameCheck) {
    let stores = Stores::new(&["keydb"]);
    stores.contents[0].put(Held::anchor(held.0, "label"));
    let view = stores.view(scope(&[held]));
    let trusted = |checks| {
        view.judge(
            &chain(presented),
            &Question {
                name,
                at: now(),
                checks,
            },
        )
        .trusted
    };
    assert!(!trusted(Checks::all()));
    for other in ALL {
        assert_eq!(trusted(Checks::without(other)), other == check, "{other:?}");
    }
}

#[test]
fn a_pin_is_compared() {
    only(
        Check::Pin,
        (&stock(), CertificateKind::Pin),
        &[&stock()],
        &NameCheck::Off,
    );
}

#[test]
fn dates_are_looked_at() {
    let (expired, _) = stock_with(|params| params.not_after = date_time_ymd(2021, 1, 1));
    only(
        Check::Validity,
        (&expired, CertificateKind::Pin),
        &[&expired],
        &NameCheck::Off,
    );
    let root = Authority::root("Root");
    let middle = root.intermediate("Middle");
    let leaf = middle.leaf_with(&["db1.example"], |params| {
        params.not_after = date_time_ymd(2022, 1, 1)
    });
    only(
        Check::Validity,
        (&root.der, CertificateKind::Anchor),
        &[&leaf, &middle.der],
        &address("db1.example"),
    );
}

#[test]
fn names_are_looked_at() {
    let root = Authority::root("Root");
    let leaf = root.leaf(&["db2.example"]);
    only(
        Check::Name,
        (&root.der, CertificateKind::Anchor),
        &[&leaf],
        &address("db1.example"),
    );
}

#[test]
fn purposes_are_looked_at() {
    let root = Authority::root("Root");
    let leaf = root.leaf_with(&["db1.example"], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    only(
        Check::Purpose,
        (&root.der, CertificateKind::Anchor),
        &[&leaf],
        &address("db1.example"),
    );
}
