//! What people read about certificates, the odd ones included.

use rcgen::{CertificateParams, DnType, DnValue, ExtendedKeyUsagePurpose, SanType};

use super::*;
use crate::fixture::{Authority, at, digest, old, stock, stock_with};

/// The subject of a certificate with these attributes.
fn subject(attributes: &[(DnType, &str)]) -> String {
    let (der, _) = stock_with(|params| {
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, text) in attributes {
            params.distinguished_name.push(kind.clone(), *text);
        }
    });
    Facts::read(&der).unwrap().subject
}

#[test]
fn the_stock_subject_reads_as_vendors_write_it() {
    let facts = Facts::read(&old("stock.der")).unwrap();
    assert_eq!(
        facts.subject,
        "CN=TSM Self-Signed Certificate,OU=TSM Network,O=TSM,C=US"
    );
    assert_eq!(facts.issuer, facts.subject);
    assert!(facts.self_issued && facts.is_ca && facts.weaknesses.is_empty());
    assert_eq!((facts.version, facts.key.as_str()), (3, "RSA 2048"));
    assert_eq!(facts.fingerprint, digest(&old("stock.der")));
}

#[test]
fn special_characters_are_escaped() {
    assert_eq!(
        subject(&[(DnType::CommonName, "a,b+c\"d\\e<f>g;h")]),
        "CN=a\\,b\\+c\\\"d\\\\e\\<f\\>g\\;h"
    );
    assert_eq!(subject(&[(DnType::CommonName, " #x ")]), "CN=\\ #x\\ ");
    assert_eq!(subject(&[(DnType::CommonName, "#x")]), "CN=\\#x");
    assert_eq!(
        subject(&[(DnType::CommonName, "Zürich 東京")]),
        "CN=Zürich 東京"
    );
    assert_eq!(subject(&[]), "");
}

#[test]
fn characters_that_deceive_the_eye_are_shown_as_bytes() {
    assert_eq!(
        subject(&[(DnType::CommonName, "a\u{1b}[31mb\nc")]),
        "CN=a\\1B[31mb\\0Ac"
    );
    assert_eq!(
        subject(&[(DnType::CommonName, "a\u{202e}b\u{200b}")]),
        "CN=a\\E2\\80\\AEb\\E2\\80\\8B"
    );
}

#[test]
fn attributes_without_a_name_keep_their_number() {
    let custom = DnType::CustomDnType(vec![1, 2, 3, 4]);
    assert_eq!(
        subject(&[(DnType::CountryName, "US"), (custom, "x")]),
        "1.2.3.4=x,C=US"
    );
}

#[test]
fn every_string_type_is_text() {
    let with = |value: DnValue| {
        let (der, _) = stock_with(|params: &mut CertificateParams| {
            params.distinguished_name = rcgen::DistinguishedName::new();
            params.distinguished_name.push(DnType::CommonName, value);
        });
        Facts::read(&der).unwrap().subject
    };
    assert_eq!(
        with(DnValue::PrintableString("abc".try_into().unwrap())),
        "CN=abc"
    );
    assert_eq!(
        with(DnValue::BmpString("aé東".try_into().unwrap())),
        "CN=aé東"
    );
    assert_eq!(
        with(DnValue::UniversalString("aé東".try_into().unwrap())),
        "CN=aé東"
    );
    assert_eq!(
        with(DnValue::TeletexString("abc".try_into().unwrap())),
        "CN=abc"
    );
}

#[test]
fn alternative_names_and_purposes_are_listed() {
    let der = Authority::root("Root").leaf_with(&["db1.example", "127.0.0.1", "::1"], |params| {
        params
            .subject_alt_names
            .push(SanType::Rfc822Name("a@b.example".try_into().unwrap()));
        params
            .subject_alt_names
            .push(SanType::URI("urn:x".try_into().unwrap()));
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::Other(vec![1, 2, 3]),
        ];
    });
    let facts = Facts::read(&der).unwrap();
    assert_eq!(
        facts.names,
        [
            "DNS:db1.example",
            "IP:127.0.0.1",
            "IP:::1",
            "email:a@b.example",
            "URI:urn:x"
        ]
    );
    assert_eq!(facts.purposes, ["server", "client", "1.2.3"]);
    assert!(!facts.is_ca && !facts.self_issued);
}

#[test]
fn times_are_rfc_3339() {
    let facts = Facts::read(&stock()).unwrap();
    assert_eq!(facts.not_before_text(), "2020-01-01T00:00:00Z");
    assert_eq!(facts.not_after_text(), "2040-01-01T00:00:00Z");
    assert!(!facts.expired(at(2040, 1, 1)) && facts.expired(at(2040, 1, 2)));
    assert!(!facts.not_yet_valid(at(2020, 1, 1)) && facts.not_yet_valid(at(2019, 12, 31)));
    assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
    assert!(rfc3339(i64::MAX).contains("seconds after 1970"));
}

#[test]
fn weaknesses_are_named() {
    let weaknesses = |file: &str| Facts::read(&old(file)).unwrap().weaknesses.join("; ");
    assert!(weaknesses("v1.der").contains("v1"));
    assert!(weaknesses("md5.der").contains("MD5"));
    assert!(weaknesses("rsa1024.der").contains("1024 bits"));
}

#[test]
fn what_is_no_certificate_is_an_error() {
    let error = Facts::read(b"rubbish").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("not a certificate that can be read: "),
        "{error}"
    );
}

#[test]
fn self_signed_is_more_than_self_issued() {
    assert!(is_self_signed(&stock()));
    let root = Authority::root("Root");
    let other = Authority::root("Root");
    assert!(is_self_signed(&root.der));
    assert!(!is_self_signed(&root.cross_signed_by(&other)));
    assert!(!is_self_signed(&root.leaf(&["a.example"])));
    assert!(!is_self_signed(b"rubbish"));
}

#[test]
fn a_key_that_proves_nothing_is_told_from_a_weak_signature() {
    let fault = |name: &str| key_fault(&old(name));
    assert!(fault("v1.der").is_some_and(|why| why.contains("v1")));
    assert!(fault("rsa1024.der").is_some_and(|why| why.contains("1024 bits")));
    assert!(fault("secp256k1.der").is_some_and(|why| why.contains("secp256k1")));
    assert_eq!(fault("sha1.der"), None, "its key is good");
    assert_eq!(fault("stock.der"), None);
    assert!(key_fault(b"no certificate").is_some());
}
