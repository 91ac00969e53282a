//! Stores that do not answer.

use std::time::Duration;

use anchorhold_sdk::ErrorKind;
use anchorhold_sdk::testing::Held;

use super::{refused, says, trusted};
use crate::fixture::{Hands, Stores, digest, judge, scope, stock};
use crate::{CertificateKind::Pin, Code, Held as HeldFor, NameCheck};

fn down(stores: &Stores, position: usize) {
    stores.contents[position].fault(|faults| faults.list = Some(ErrorKind::Unavailable));
    // Its generation tells the host that what it knows is out of date.
    stores.contents[position].replace(Vec::new());
}

#[test]
fn a_critical_store_that_is_down_makes_every_answer_uncertain() {
    let certificate = stock();
    let stores = Stores::new(&["keydb", "hsm"]);
    stores.contents[0].put(Held::anchor(certificate.clone(), "label"));
    down(&stores, 1);
    let view = stores.view(scope(&[(&certificate, Pin)]));
    let verdict = judge(&view, &[&certificate], &NameCheck::Off);
    refused(&verdict, Code::StoreUnavailable);
    says(&verdict, "store \"hsm\"");
    says(&verdict, "without it: the presented certificate is the one");
    assert!(
        verdict
            .remedy
            .unwrap()
            .contains("anchorhold store check hsm")
    );
    refused(
        &judge(&view, &[&stock()], &NameCheck::Off),
        Code::StoreUnavailable,
    );
    assert_eq!(view.held(), HeldFor::Yes(vec![digest(&certificate)]));
    assert_eq!(view.silent().len(), 1);
}

#[test]
fn a_verdict_does_without_a_store_that_is_not_critical() {
    let certificate = stock();
    let stores = Stores::with(&["keydb", "hsm"], |name, mut plan| {
        plan.critical = name != "hsm";
        plan
    });
    stores.contents[0].put(Held::anchor(certificate.clone(), "label"));
    down(&stores, 1);
    let view = stores.view(scope(&[(&certificate, Pin)]));
    let verdict = judge(&view, &[&certificate], &NameCheck::Off);
    trusted(&verdict);
    assert_eq!(verdict.warnings.len(), 1);
    assert!(
        verdict.warnings[0].contains("\"hsm\""),
        "{:?}",
        verdict.warnings
    );
    refused(
        &judge(&view, &[&stock()], &NameCheck::Off),
        Code::CertificateMismatch,
    );
}

#[test]
fn nothing_held_and_a_store_silent_is_unanswered_critical_or_not() {
    for critical in [true, false] {
        let stores = Stores::with(&["keydb", "hsm"], |_, mut plan| {
            plan.critical = critical;
            plan
        });
        down(&stores, 1);
        let view = stores.view(scope(&[]));
        let HeldFor::Unanswered { store, why } = view.held() else {
            panic!("{:?}", view.held());
        };
        assert_eq!(store, "hsm");
        assert!(!why.is_empty());
        let verdict = judge(&view, &[&stock()], &NameCheck::Off);
        refused(&verdict, Code::StoreUnavailable);
        // What is set already is not advised.
        let remedy = verdict.remedy.unwrap_or_default();
        assert_eq!(remedy.contains("critical = false"), critical, "{remedy}");
    }
}

#[test]
fn all_answering_and_nothing_held_is_no() {
    let stores = Stores::new(&["keydb", "hsm"]);
    stores.contents[0].put(Held::anchor(stock(), "of nobody"));
    assert_eq!(stores.view(scope(&[])).held(), HeldFor::No);
}

#[test]
fn an_old_snapshot_serves_as_long_as_it_may() {
    let certificate = stock();
    let hands = Hands::default();
    let stores = Stores::with_clock(
        &["hsm"],
        |_, mut plan| {
            plan.stale_ok = Duration::from_secs(60);
            plan
        },
        &hands.clock(),
    );
    stores.contents[0].put(Held::anchor(certificate.clone(), "label"));
    let judge = || {
        judge(
            &stores.view(scope(&[(&certificate, Pin)])),
            &[&certificate],
            &NameCheck::Off,
        )
    };
    trusted(&judge());
    down(&stores, 0);

    hands.turn_to(60);
    let stale = judge();
    trusted(&stale);
    assert!(
        stale.warnings[0].contains("60 s ago"),
        "{:?}",
        stale.warnings
    );

    hands.turn_to(61);
    refused(&judge(), Code::StoreUnavailable);

    stores.contents[0].fault(|faults| faults.list = None);
    stores.contents[0].put(Held::anchor(certificate.clone(), "label"));
    let back = judge();
    trusted(&back);
    assert!(back.warnings.is_empty());
}

#[test]
fn a_store_that_is_named_and_not_configured_is_silent() {
    let certificate = stock();
    let stores = Stores::new(&["keydb"]);
    stores.contents[0].put(Held::anchor(certificate.clone(), "label"));
    let names = ["keydb".to_owned(), "nowhere".to_owned()];
    let view = stores.kernel.view(
        &crate::fixture::server(),
        &names,
        scope(&[(&certificate, Pin)]),
    );
    let verdict = judge(&view, &[&certificate], &NameCheck::Off);
    refused(&verdict, Code::StoreUnavailable);
    says(&verdict, "store \"nowhere\"");
}

#[test]
fn a_server_without_stores_needs_a_certificate() {
    let stores = Stores::new(&[]);
    let view = stores.view(scope(&[]));
    assert_eq!(view.held(), HeldFor::No);
    refused(
        &judge(&view, &[&stock()], &NameCheck::Off),
        Code::CertificateNeeded,
    );
}
