//! The parts of certificates, whole and damaged.

use proptest::prelude::*;
use rcgen::{IsCa, KeyUsagePurpose, date_time_ymd};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::*;
use crate::fixture::{Authority, old, stock, stock_with};
use crate::strength::{is_signed_by, key_name, key_weakness, signature_name, signature_weakness};

/// Compares everything with what another reader of certificates makes of it.
#[track_caller]
fn compare(der: &[u8]) {
    let outline = Outline::read(der).unwrap();
    let (rest, theirs) = X509Certificate::from_der(der).unwrap();
    assert!(rest.is_empty());
    let name = |raw: &[u8]| only(raw, SEQUENCE).unwrap().to_vec();
    assert_eq!(u32::from(outline.version), theirs.version().0 + 1);
    assert_eq!(outline.serial, theirs.raw_serial());
    assert_eq!(outline.issuer, name(theirs.issuer().as_raw()));
    assert_eq!(outline.subject, name(theirs.subject().as_raw()));
    assert_eq!(outline.spki, theirs.public_key().raw);
    assert_eq!(outline.signed, theirs.tbs_certificate.as_ref());
    assert_eq!(outline.signature, theirs.signature_value.as_ref());
    let validity = theirs.validity();
    assert_eq!(
        outline.validity().unwrap(),
        (
            validity.not_before.timestamp(),
            validity.not_after.timestamp()
        )
    );
    assert_eq!(outline.is_ca(), theirs.is_ca());
    let usage = theirs
        .key_usage()
        .unwrap()
        .map(|usage| usage.value.key_cert_sign());
    assert_eq!(outline.may_sign_certificates(), usage.unwrap_or(true));
    let ours: Vec<_> = outline
        .extensions()
        .map(|e| (e.oid.to_vec(), e.value.to_vec()))
        .collect();
    let theirs: Vec<_> = theirs
        .extensions()
        .iter()
        .map(|e| (e.oid.as_bytes().to_vec(), e.value.to_vec()))
        .collect();
    assert_eq!(ours, theirs);
}

#[test]
fn both_readers_agree_on_every_certificate() {
    let root = Authority::root("Root");
    compare(&root.der);
    compare(&root.intermediate("Middle").der);
    compare(&root.leaf(&["a.example", "127.0.0.1", "::1"]));
    compare(&stock());
    for file in [
        "stock",
        "rsa1024",
        "secp256k1",
        "sha1",
        "md5",
        "v1",
        "sha1ca",
        "sha1leaf",
    ] {
        compare(&old(&format!("{file}.der")));
    }
    let usages = [KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    for usages in [&usages[..1], &usages[1..], &usages[..]] {
        compare(&Authority::root_with("Root", |p| p.key_usages = usages.to_vec()).der);
    }
    compare(&stock_with(|params| params.is_ca = IsCa::ExplicitNoCa).0);
    compare(
        &stock_with(|params| {
            params.not_before = date_time_ymd(1949, 12, 31);
            params.not_after = date_time_ymd(2050, 1, 1);
        })
        .0,
    );
}

#[test]
fn what_is_no_certificate_says_why() {
    for (bytes, why) in [
        (&b""[..], "cut short"),
        (b"-----BEGIN", "tag"),
        (&[0x30, 0x80, 0, 0], "indefinite"),
        (&[0x30, 0x00], "cut short"),
    ] {
        let error = Outline::read(bytes).unwrap_err();
        assert!(error.0.contains(why), "{}", error.0);
    }
    let mut longer = stock();
    longer.push(0);
    assert!(Outline::read(&longer).is_err());
}

#[test]
fn keys_and_signatures_have_names() {
    let check = |der: &[u8], key: &str, signature: &str, good: bool| {
        let outline = Outline::read(der).unwrap();
        assert_eq!(key_name(&outline), key);
        assert_eq!(signature_name(&outline), signature);
        let weak = key_weakness(&outline).or_else(|| signature_weakness(&outline));
        assert_eq!(weak.is_none(), good, "{weak:?}");
    };
    check(&stock(), "EC P-256", "ECDSA with SHA-256", true);
    check(&old("stock.der"), "RSA 2048", "RSA with SHA-256", true);
    check(&old("rsa1024.der"), "RSA 1024", "RSA with SHA-256", false);
    check(&old("sha1.der"), "RSA 2048", "RSA with SHA-1", false);
    check(&old("md5.der"), "RSA 2048", "RSA with MD5", false);
    check(
        &old("secp256k1.der"),
        "EC secp256k1",
        "ECDSA with SHA-256",
        false,
    );
    for (algorithm, key, signature) in [
        (
            &rcgen::PKCS_ECDSA_P384_SHA384,
            "EC P-384",
            "ECDSA with SHA-384",
        ),
        (
            &rcgen::PKCS_ECDSA_P521_SHA512,
            "EC P-521",
            "ECDSA with SHA-512",
        ),
        (&rcgen::PKCS_ED25519, "Ed25519", "Ed25519"),
    ] {
        let pair = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        check(
            params.self_signed(&pair).unwrap().der(),
            key,
            signature,
            true,
        );
    }
}

#[test]
fn a_signature_verifies_with_the_right_key_only() {
    let root = Authority::root("Root");
    let leaf = root.leaf(&["a.example"]);
    let (root_outline, leaf_outline) = (
        Outline::read(&root.der).unwrap(),
        Outline::read(&leaf).unwrap(),
    );
    assert!(is_signed_by(&root_outline, &root_outline));
    assert!(is_signed_by(&leaf_outline, &root_outline));
    assert!(!is_signed_by(&leaf_outline, &leaf_outline));
    let other = Authority::root("Root");
    assert!(!is_signed_by(
        &leaf_outline,
        &Outline::read(&other.der).unwrap()
    ));
    let stock = old("stock.der");
    let stock = Outline::read(&stock).unwrap();
    assert!(is_signed_by(&stock, &stock));
    let md5 = old("md5.der");
    let md5 = Outline::read(&md5).unwrap();
    assert!(
        !is_signed_by(&md5, &md5),
        "what is not accepted does not verify either"
    );
}

proptest! {
    #[test]
    fn damaged_certificates_are_read_without_harm(
        place in 0_usize..400, bit in 0_u8..8, cut in 0_usize..500,
    ) {
        let mut der = Authority::root("Root").leaf(&["a.example"]);
        if let Some(byte) = der.get_mut(place) {
            *byte ^= 1 << bit;
        }
        der.truncate(der.len().saturating_sub(cut / 4));
        if let Ok(outline) = Outline::read(&der) {
            let _ = (outline.validity(), outline.is_ca(), outline.may_sign_certificates());
            let _ = (key_weakness(&outline), signature_weakness(&outline));
            prop_assert!(outline.extensions().count() < 100);
            let _ = crate::certificate::Facts::read(&der);
        }
    }

    #[test]
    fn random_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Outline::read(&bytes);
    }
}
