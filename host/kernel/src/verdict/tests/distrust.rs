//! What a store distrusts is refused wherever it appears.

use anchorhold_sdk::ErrorKind;
use anchorhold_sdk::testing::Held;
use anchorhold_sdk::{Decision, Kind, Purpose, Rule};

use super::{refused, says, trusted};
use crate::fixture::{Authority, Stores, address, digest, judge, scope, stock};
use crate::outline::Outline;
use crate::{CertificateKind, CertificateKind::Anchor, Code, NameCheck};

const DB1: &str = "db1.example";

/// Two stores: the first vouches, the second distrusts.
fn stores(held: &[(&[u8], CertificateKind)], distrusted: Held) -> Stores {
    let stores = Stores::new(&["keydb", "deny"]);
    for (der, _) in held {
        stores.contents[0].put(Held::anchor(*der, "label"));
    }
    stores.contents[1].put(distrusted);
    stores
}

fn issuer_serial(der: &[u8]) -> Vec<u8> {
    let outline = Outline::read(der).unwrap();
    let wrap = |tag: u8, bytes: &[u8]| {
        let mut out = vec![tag, u8::try_from(bytes.len()).unwrap()];
        out.extend(bytes);
        out
    };
    wrap(
        0x30,
        &[wrap(0x30, outline.issuer), wrap(0x02, outline.serial)].concat(),
    )
}

fn key(der: &[u8]) -> Vec<u8> {
    digest(Outline::read(der).unwrap().spki).0.to_vec()
}

fn of_kind(kind: Kind, der: Vec<u8>) -> Held {
    let mut held = Held::certificate(der, "no more", Rule::DISTRUST);
    held.kind = kind;
    held
}

#[test]
fn a_distrusted_pin_is_refused() {
    let certificate = stock();
    let held: &[(&[u8], _)] = &[(&certificate, CertificateKind::Pin)];
    for distrusted in [
        Held::distrusted(certificate.clone(), "no more"),
        of_kind(Kind::IssuerSerial, issuer_serial(&certificate)),
        of_kind(Kind::SpkiSha256, key(&certificate)),
    ] {
        let stores = stores(held, distrusted);
        let verdict = judge(&stores.view(scope(held)), &[&certificate], &NameCheck::Off);
        refused(&verdict, Code::Distrusted);
        says(&verdict, "store \"deny\"");
        says(&verdict, &digest(&certificate).to_string());
    }
}

#[test]
fn every_certificate_of_the_chain_is_looked_at() {
    let root = Authority::root("Root");
    let middle = root.intermediate("Middle");
    let leaf = middle.leaf(&[DB1]);
    let held: &[(&[u8], _)] = &[(&root.der, Anchor)];
    for bad in [&leaf, &middle.der, &root.der] {
        for distrusted in [
            Held::distrusted(bad.clone(), "no more"),
            of_kind(Kind::IssuerSerial, issuer_serial(bad)),
            of_kind(Kind::SpkiSha256, key(bad)),
        ] {
            let stores = stores(held, distrusted);
            let verdict = judge(
                &stores.view(scope(held)),
                &[&leaf, &middle.der],
                &address(DB1),
            );
            refused(&verdict, Code::Distrusted);
        }
    }
}

#[test]
fn a_distrusted_intermediate_of_a_store_builds_no_path() {
    let root = Authority::root("Root");
    let middle = root.intermediate("Middle");
    let leaf = middle.leaf(&[DB1]);
    let held: &[(&[u8], _)] = &[
        (&root.der, Anchor),
        (&middle.der, CertificateKind::Intermediate),
    ];
    let stores = stores(held, Held::distrusted(middle.der.clone(), "no more"));
    let verdict = judge(&stores.view(scope(held)), &[&leaf], &address(DB1));
    assert!(!verdict.trusted);
}

#[test]
fn a_renewed_certificate_of_a_distrusted_key_is_refused() {
    let (first, key_pair) = crate::fixture::stock_and_key();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.not_after = rcgen::date_time_ymd(2040, 1, 1);
    let renewed = params.self_signed(&key_pair).unwrap().der().to_vec();
    let held: &[(&[u8], _)] = &[(&renewed, CertificateKind::Pin)];
    let stores = stores(held, of_kind(Kind::SpkiSha256, key(&first)));
    refused(
        &judge(&stores.view(scope(held)), &[&renewed], &NameCheck::Off),
        Code::Distrusted,
    );
}

#[test]
fn distrust_for_other_purposes_is_none_here() {
    let certificate = stock();
    let held: &[(&[u8], _)] = &[(&certificate, CertificateKind::Pin)];
    let rules = [Rule::new(Purpose::Email, Decision::Distrust)];
    let stores = stores(held, Held::certificate(certificate.clone(), "mail", &rules));
    trusted(&judge(
        &stores.view(scope(held)),
        &[&certificate],
        &NameCheck::Off,
    ));
}

#[test]
fn distrust_in_the_same_store_wins() {
    let certificate = stock();
    let held: &[(&[u8], _)] = &[(&certificate, CertificateKind::Pin)];
    let stores = Stores::new(&["keydb"]);
    let rules = [
        Rule::new(Purpose::Server, Decision::Anchor),
        Rule::new(Purpose::Any, Decision::Distrust),
    ];
    stores.contents[0].put(Held::certificate(certificate.clone(), "both", &rules));
    refused(
        &judge(&stores.view(scope(held)), &[&certificate], &NameCheck::Off),
        Code::Distrusted,
    );
    assert_ne!(
        stores.view(scope(held)).held(),
        crate::Held::No,
        "distrusted still is held"
    );
}

#[test]
fn a_store_that_went_down_goes_on_distrusting() {
    let certificate = stock();
    let held: &[(&[u8], _)] = &[(&certificate, CertificateKind::Pin)];
    let stores = Stores::with(&["keydb", "deny"], |_, mut plan| {
        plan.critical = false;
        plan
    });
    stores.contents[0].put(Held::anchor(certificate.clone(), "label"));
    stores.contents[1].put(Held::distrusted(certificate.clone(), "no more"));
    refused(
        &judge(&stores.view(scope(held)), &[&certificate], &NameCheck::Off),
        Code::Distrusted,
    );
    stores.contents[1].fault(|faults| faults.list = Some(ErrorKind::Unavailable));
    stores.contents[1].replace(Vec::new());
    let verdict = judge(&stores.view(scope(held)), &[&certificate], &NameCheck::Off);
    refused(&verdict, Code::Distrusted);
    assert_eq!(verdict.warnings.len(), 1, "{:?}", verdict.warnings);
}

#[test]
fn what_is_distrusted_and_cannot_be_read_is_warned_of() {
    let certificate = stock();
    let held: &[(&[u8], _)] = &[(&certificate, CertificateKind::Pin)];
    for distrusted in [
        of_kind(Kind::IssuerSerial, b"rubbish".to_vec()),
        of_kind(Kind::SpkiSha256, vec![1; 31]),
    ] {
        let stores = stores(held, distrusted);
        let verdict = judge(&stores.view(scope(held)), &[&certificate], &NameCheck::Off);
        trusted(&verdict);
        assert!(
            verdict.warnings[0].contains("cannot be read"),
            "{:?}",
            verdict.warnings
        );
    }
}

#[test]
fn leading_zeros_of_a_serial_number_do_not_hide_it() {
    let certificate = stock();
    let outline = Outline::read(&certificate).unwrap();
    let mut serial = vec![0x02, u8::try_from(outline.serial.len() + 1).unwrap(), 0];
    serial.extend(outline.serial);
    let mut issuer = vec![0x30, u8::try_from(outline.issuer.len()).unwrap()];
    issuer.extend(outline.issuer);
    let mut der = vec![0x30, u8::try_from(issuer.len() + serial.len()).unwrap()];
    der.extend(issuer);
    der.extend(serial);
    let held: &[(&[u8], _)] = &[(&certificate, CertificateKind::Pin)];
    let stores = stores(held, of_kind(Kind::IssuerSerial, der));
    refused(
        &judge(&stores.view(scope(held)), &[&certificate], &NameCheck::Off),
        Code::Distrusted,
    );
}
