//! The presented certificate is held itself.

use rcgen::{IsCa, date_time_ymd};

use super::{refused, says, trusted, view};
use crate::fixture::{
    Authority, Stores, address, at, digest, for_any, judge, judge_at, old, scope, stock,
    stock_and_key, stock_with, unknown_critical,
};
use crate::{CertificateKind::Pin, Code, How, NameCheck};
use anchorhold_sdk::testing::Held;
use anchorhold_sdk::{Decision, Purpose, Rule};

#[test]
fn equal_bytes_vouch_without_a_name() {
    let certificate = stock();
    let verdict = judge(
        &view(&[(&certificate, Pin)]),
        &[&certificate],
        &address("10.0.0.1"),
    );
    trusted(&verdict);
    let by = verdict.by.unwrap();
    assert_eq!(by.how, How::Pin);
    assert_eq!(by.fingerprint, digest(&certificate));
    assert_eq!(
        (by.store.as_str(), by.plugin.as_str()),
        ("keydb", crate::fixture::MEMORY)
    );
    assert!(!by.version.is_empty());
    assert_eq!(verdict.chain, [digest(&certificate)]);
}

#[test]
fn what_openssl_makes_by_default_vouches() {
    let certificate = old("stock.der");
    trusted(&judge(
        &view(&[(&certificate, Pin)]),
        &[&certificate],
        &NameCheck::Off,
    ));
}

#[test]
fn a_pinned_ca_certificate_vouches_for_itself_only() {
    let (certificate, _) = stock_with(|params| {
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    });
    let view = view(&[(&certificate, Pin)]);
    trusted(&judge(&view, &[&certificate], &address("db1.example")));

    let root = Authority::root("Root");
    let leaf = root.leaf(&["db1.example"]);
    let pinned = super::view(&[(&root.der, Pin)]);
    let verdict = judge(&pinned, &[&leaf, &root.der], &address("db1.example"));
    refused(&verdict, Code::CertificateMismatch);
}

#[test]
fn a_signed_end_entity_can_be_a_pin_whatever_its_name() {
    let leaf = Authority::root("Root").leaf(&["other.example"]);
    trusted(&judge(
        &view(&[(&leaf, Pin)]),
        &[&leaf],
        &address("db1.example"),
    ));
}

#[test]
fn another_certificate_of_the_same_name_is_a_mismatch_that_names_both() {
    let (held, presented) = (stock(), stock());
    let verdict = judge(&view(&[(&held, Pin)]), &[&presented], &NameCheck::Off);
    refused(&verdict, Code::CertificateMismatch);
    says(&verdict, &digest(&held).to_string());
    says(&verdict, &digest(&presented).to_string());
    assert_eq!(&*verdict.held, [digest(&held)]);
    assert_eq!(verdict.chain, [digest(&presented)]);
    assert!(
        verdict
            .remedy
            .unwrap()
            .contains("anchorhold import --server TSM1 FILE")
    );
}

#[test]
fn any_of_several_pins_is_enough() {
    let (older, newer) = (stock(), stock());
    let view = view(&[(&older, Pin), (&newer, Pin)]);
    trusted(&judge(&view, &[&older], &NameCheck::Off));
    trusted(&judge(&view, &[&newer], &NameCheck::Off));
    refused(
        &judge(&view, &[&stock()], &NameCheck::Off),
        Code::CertificateMismatch,
    );
}

#[test]
fn a_pin_of_another_server_is_none() {
    let certificate = stock();
    let stores = Stores::new(&["keydb"]);
    stores.contents[0].put(Held::anchor(certificate.clone(), "label"));
    let mut table = scope(&[]);
    table
        .rows
        .insert(digest(&certificate), crate::fixture::row(Pin, &["TSM2"]));
    let verdict = judge(&stores.view(table), &[&certificate], &NameCheck::Off);
    refused(&verdict, Code::CertificateNeeded);
    assert!(verdict.held.is_empty());
}

#[test]
fn a_pin_for_every_server_is_none() {
    let certificate = stock();
    let stores = Stores::new(&["keydb"]);
    stores.contents[0].put(Held::anchor(certificate.clone(), "label"));
    let mut table = scope(&[]);
    table.rows.insert(digest(&certificate), for_any(Pin));
    let verdict = judge(&stores.view(table), &[&certificate], &NameCheck::Off);
    refused(&verdict, Code::CertificateNeeded);
}

#[test]
fn server_names_compare_without_case() {
    let certificate = stock();
    let stores = Stores::new(&["keydb"]);
    stores.contents[0].put(Held::anchor(certificate.clone(), "label"));
    let mut table = scope(&[]);
    table
        .rows
        .insert(digest(&certificate), crate::fixture::row(Pin, &["tsm1"]));
    trusted(&judge(
        &stores.view(table),
        &[&certificate],
        &NameCheck::Off,
    ));
}

#[test]
fn dates_are_the_first_and_the_last_second() {
    let certificate = stock();
    let view = view(&[(&certificate, Pin)]);
    let second = |date, offset: i64| {
        let at: rustls_pki_types::UnixTime = date;
        let seconds = i64::try_from(at.as_secs()).unwrap() + offset;
        rustls_pki_types::UnixTime::since_unix_epoch(std::time::Duration::from_secs(
            u64::try_from(seconds).unwrap(),
        ))
    };
    let judge = |at| judge_at(&view, &[&certificate], &NameCheck::Off, at);
    trusted(&judge(second(at(2020, 1, 1), 0)));
    trusted(&judge(second(at(2040, 1, 1), 0)));
    let early = judge(second(at(2020, 1, 1), -1));
    refused(&early, Code::CertificateNotYetValid);
    says(&early, "2020-01-01T00:00:00Z");
    says(&early, "clock");
    assert!(early.remedy.unwrap().contains("clock"));
    let late = judge(second(at(2040, 1, 1), 1));
    refused(&late, Code::CertificateExpired);
    says(
        &late,
        "At 2040-01-01T00:00:01Z the presented certificate has expired",
    );
    says(&late, "it was valid until 2040-01-01T00:00:00Z");
    assert!(!(late.message + &late.remedy.unwrap()).contains("clock"));
}

#[test]
fn an_expired_pin_still_counts_as_held() {
    let (expired, _) = stock_with(|params| params.not_after = date_time_ymd(2021, 1, 1));
    let view = view(&[(&expired, Pin)]);
    assert_eq!(view.held(), crate::Held::Yes(vec![digest(&expired)]));
}

#[test]
fn weak_keys_and_signatures_are_named() {
    for (file, word) in [
        ("rsa1024.der", "1024 bits"),
        ("secp256k1.der", "secp256k1"),
        ("sha1.der", "SHA-1"),
        ("md5.der", "MD5"),
        ("v1.der", "X.509 v1"),
    ] {
        let certificate = old(file);
        let verdict = judge(
            &view(&[(&certificate, Pin)]),
            &[&certificate],
            &NameCheck::Off,
        );
        refused(&verdict, Code::CertificateWeak);
        says(&verdict, word);
    }
}

#[test]
fn an_unknown_critical_extension_is_weak() {
    let (certificate, _) = stock_with(|params| params.custom_extensions.push(unknown_critical()));
    let verdict = judge(
        &view(&[(&certificate, Pin)]),
        &[&certificate],
        &NameCheck::Off,
    );
    refused(&verdict, Code::CertificateWeak);
    says(&verdict, "critical extension");
}

#[test]
fn a_store_that_does_not_trust_its_pin_is_not_overruled() {
    let certificate = stock();
    for rules in [&[][..], &[Rule::new(Purpose::Email, Decision::Anchor)][..]] {
        let stores = Stores::new(&["keydb"]);
        stores.contents[0].put(Held::certificate(certificate.clone(), "label", rules));
        let verdict = judge(
            &stores.view(scope(&[(&certificate, Pin)])),
            &[&certificate],
            &NameCheck::Off,
        );
        refused(&verdict, Code::CertificateMismatch);
        says(&verdict, "does not trust it for servers");
    }
}

#[test]
fn the_second_store_may_vouch_where_the_first_does_not() {
    let certificate = stock();
    let stores = Stores::new(&["first", "second"]);
    stores.contents[0].put(Held::certificate(certificate.clone(), "label", &[]));
    stores.contents[1].put(Held::anchor(certificate.clone(), "label"));
    let verdict = judge(
        &stores.view(scope(&[(&certificate, Pin)])),
        &[&certificate],
        &NameCheck::Off,
    );
    trusted(&verdict);
    assert_eq!(verdict.by.unwrap().store, "second");
}

#[test]
fn a_certificate_that_differs_in_its_last_byte_is_another() {
    let (held, _) = stock_and_key();
    let mut presented = held.clone();
    *presented.last_mut().unwrap() ^= 1;
    let verdict = judge(&view(&[(&held, Pin)]), &[&presented], &NameCheck::Off);
    refused(&verdict, Code::CertificateMismatch);
}

#[test]
fn bytes_that_are_no_certificate_are_refused_whatever_is_held() {
    for presented in [&b""[..], b"\x30\x00", b"not a certificate", &[0xff; 3000]] {
        let view = view(&[(presented, Pin), (&stock(), Pin)]);
        refused(
            &judge(&view, &[presented], &NameCheck::Off),
            Code::CertificateWeak,
        );
    }
}

#[test]
fn no_certificate_and_too_many_are_refused() {
    let certificate = stock();
    let view = view(&[(&certificate, Pin)]);
    let none = judge(&view, &[], &NameCheck::Off);
    refused(&none, Code::CertificateWeak);
    says(&none, "no certificate was presented");
    let many = judge(&view, &vec![&certificate[..]; 100], &NameCheck::Off);
    refused(&many, Code::CertificateWeak);
    says(&many, "100 certificates");
}

#[test]
fn what_follows_a_pinned_certificate_does_not_matter() {
    let certificate = stock();
    let other = Authority::root("Other");
    trusted(&judge(
        &view(&[(&certificate, Pin)]),
        &[&certificate, &other.der, b"rubbish"],
        &NameCheck::Off,
    ));
}

#[test]
fn no_pin_vouches_for_what_was_issued_after_its_stores_limit() {
    let certificate = stock();
    let limit = |year| date_time_ymd(year, 1, 1).unix_timestamp();
    for (year, trusts) in [(2020, false), (2021, true)] {
        let rule = Rule {
            issued_before: limit(year),
            ..Rule::new(Purpose::Server, Decision::Anchor)
        };
        let stores = Stores::new(&["other", "keydb"]);
        // Another store that holds it without a limit does not lift this one's.
        stores.contents[0].put(Held::anchor(certificate.clone(), "label"));
        stores.contents[1].put(Held::certificate(certificate.clone(), "label", &[rule]));
        let view = stores.view(scope(&[(&certificate, Pin)]));
        let verdict = judge(&view, &[&certificate], &NameCheck::Off);
        if trusts {
            trusted(&verdict);
        } else {
            refused(&verdict, Code::Distrusted);
            says(&verdict, "2020-01-01");
        }
    }
}
