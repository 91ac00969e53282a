//! Files of certificates, and files of anything else.

use anchorhold_formats::edit::{Edits, Entry};
use anchorhold_formats::kdb::Version;
use anchorhold_formats::p12::Randomness;
use anchorhold_formats::pem;
use rcgen::KeyPair;

use super::*;
use crate::fixture::{Authority, digest, old, stock};

fn found(bytes: &[u8]) -> Vec<String> {
    digests(&detect(bytes, None).unwrap())
}

fn digests(found: &Found) -> Vec<String> {
    found
        .certificates
        .iter()
        .map(|found| found.facts.fingerprint.to_string())
        .collect()
}

#[track_caller]
fn refused(bytes: &[u8], word: &str) {
    let error = detect(bytes, None).unwrap_err();
    assert!(
        error.to_string().contains(word),
        "\"{word}\" is not in: {error}"
    );
    assert_eq!(error.whose(), crate::import::Whose::Caller);
    assert!(!error.remedy().is_empty());
}

fn wrap(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(bytes.len()) {
        Ok(short @ 0..=127) => out.push(short),
        Ok(one) => out.extend([0x81, one]),
        Err(_) => {
            out.push(0x82);
            out.extend(u16::try_from(bytes.len()).unwrap().to_be_bytes());
        }
    }
    out.extend(bytes);
    out
}

#[test]
fn armoured_and_bare_certificates_are_found() {
    let (one, two) = (stock(), old("stock.der"));
    let both = [digest(&one).to_string(), digest(&two).to_string()];
    assert_eq!(found(&one), both[..1]);
    assert_eq!(found(&[one.clone(), two.clone()].concat()), both);
    assert_eq!(found(&[one.clone(), b"\r\n".to_vec()].concat()), both[..1]);
    let text = format!(
        "\u{feff}subject=x\r\n{}\nnoise\n{}",
        pem::write(&one),
        pem::write(&two)
    );
    assert_eq!(found(text.as_bytes()), both);
    assert_eq!(found(text.replace('\n', "\r\n").as_bytes()), both);
}

#[test]
fn a_certificate_that_is_there_twice_counts_once() {
    let one = stock();
    let text = pem::write(&one).repeat(3);
    assert_eq!(found(text.as_bytes()), [digest(&one).to_string()]);
    assert_eq!(found(&one.repeat(2)).len(), 1);
}

#[test]
fn a_file_without_a_certificate_is_an_error() {
    refused(b"", "empty");
    refused(b"hello\n", "no certificate");
    refused(b"\n\n", "no certificate");
    refused(&stock()[..100], "cut short");
    refused(
        &[stock(), b"more".to_vec()].concat(),
        "followed by something else",
    );
    refused(
        pem::write(b"\x30\x03\x02\x01\x05").as_bytes(),
        "not a certificate",
    );
    refused(&wrap(0x30, &[0x0c, 1, b'x']), "no certificate");
}

#[test]
fn private_keys_are_refused_with_advice() {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let pkcs8 = key.serialize_der();
    let pkcs1 = wrap(
        0x30,
        &[&[0x02, 1, 0][..], &wrap(0x02, &[0x7f; 256])].concat(),
    );
    let ec = wrap(
        0x30,
        &[&[0x02, 1, 1][..], &wrap(0x04, &[0x7f; 200])].concat(),
    );
    for bytes in [pkcs8, pkcs1, ec] {
        let error = detect(&bytes, None).unwrap_err();
        assert!(error.to_string().contains("private key"), "{error}");
        assert!(error.remedy().contains("replaced"), "{}", error.remedy());
    }
    let both = format!("{}{}", key.serialize_pem(), pem::write(&stock()));
    let error = detect(both.as_bytes(), None).unwrap_err();
    assert!(error.to_string().contains("private key"), "{error}");
    assert!(error.remedy().contains("replaced"), "{}", error.remedy());
}

const DATA: [u8; 11] = [
    0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01,
];

/// A PKCS#7 file of these certificates, as openssl writes it.
fn p7b(ders: &[&[u8]]) -> Vec<u8> {
    let (mut signed, mut set) = (DATA, ders.concat());
    signed[10] = 2;
    set = wrap(0xa0, &set);
    let inner = [
        &[0x02, 1, 1, 0x31, 0][..],
        &wrap(0x30, &DATA),
        &set,
        &[0xa1, 0, 0x31, 0],
    ];
    let data = wrap(0xa0, &wrap(0x30, &inner.concat()));
    wrap(0x30, &[&signed[..], &data].concat())
}

fn armoured(p7b: &[u8], label: &str) -> String {
    let body = data_encoding::BASE64.encode(p7b);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

fn p12(entries: &[Entry<'_>], password: &str) -> Vec<u8> {
    let random = Randomness {
        salt: [1; 16],
        iv: [2; 16],
        mac_salt: [3; 16],
    };
    p12::write(entries, &mut p12::Password::new(password), &random).unwrap()
}

fn kdb(version: Version, entries: &[Entry<'_>], password: &[u8]) -> Vec<u8> {
    let edits = Edits {
        added: entries.to_vec(),
        ..Edits::default()
    };
    kdb::create(version, &edits, password, &[7; 23]).unwrap()
}

/// A keystore of Java with trusted certificates.
fn jks(entries: &[Entry<'_>], password: &str) -> Vec<u8> {
    use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
    let number = |number: usize| u32::try_from(number).unwrap().to_be_bytes();
    let text = |text: &str| [&number(text.len())[2..], text.as_bytes()].concat();
    let mut bytes = vec![0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2];
    bytes.extend(number(entries.len()));
    for entry in entries {
        bytes.extend([0, 0, 0, 2]);
        bytes.extend(text(entry.label));
        bytes.extend([0; 8]);
        bytes.extend(text("X.509"));
        bytes.extend(number(entry.der.len()));
        bytes.extend(entry.der);
    }
    let mut hashed: Vec<u8> = password.encode_utf16().flat_map(u16::to_be_bytes).collect();
    hashed.extend(b"Mighty Aphrodite");
    hashed.extend(&bytes);
    bytes.extend(digest(&SHA1_FOR_LEGACY_USE_ONLY, &hashed).as_ref());
    bytes
}

#[test]
fn certificates_of_pkcs7_are_found_bare_and_in_armour() {
    let (one, two) = (stock(), old("stock.der"));
    let both = [digest(&one).to_string(), digest(&two).to_string()];
    let file = p7b(&[&one, &two]);
    assert_eq!(found(&file), both);
    for label in ["PKCS7", "PKCS #7 SIGNED DATA", "CMS"] {
        assert_eq!(found(armoured(&file, label).as_bytes()), both, "{label}");
    }
    let mixed = armoured(&p7b(&[&one]), "PKCS7") + &pem::write(&two) + &pem::write(&one);
    assert_eq!(found(mixed.as_bytes()), both);
    refused(&p7b(&[]), "a PKCS#7 file (.p7b)");
    refused(&wrap(0x30, &DATA), "a PKCS#7 file (.p7b)");
    refused(armoured(b"0", "PKCS7").as_bytes(), "a PKCS#7 file (.p7b)");
    let cut = armoured(&file, "PKCS7").replace("-----END", "");
    refused(cut.as_bytes(), "cut short");
}

#[test]
fn containers_with_a_password_are_opened_with_it_and_nothing_else() {
    let (one, two) = (stock(), old("stock.der"));
    let both = [digest(&one).to_string(), digest(&two).to_string()];
    let entries = [("first", &one), ("second", &two)].map(|(label, der)| Entry { label, der });
    for (what, bytes) in [
        ("PKCS#12", p12(&entries, "right")),
        ("GSKit key database", kdb(Version::V4, &entries, b"right")),
        ("GSKit key database", kdb(Version::V6, &entries, b"right")),
        ("Java keystore", jks(&entries, "right")),
    ] {
        let opened = detect(&bytes, Some(b"right")).unwrap();
        assert_eq!(digests(&opened), both, "{what}");
        let labels = opened.certificates.iter();
        let labels: Vec<_> = labels.map(|one| one.label.as_deref()).collect();
        assert_eq!(labels, [Some("first"), Some("second")], "{what}");
        assert!(opened.notes.is_empty() && opened.warnings.is_empty());
        for (password, tried) in [
            (None, false),
            (Some(&b"wrong"[..]), true),
            (Some(b""), true),
            (Some(b"\xff"), true),
        ] {
            let error = detect(&bytes, password).unwrap_err();
            assert!(
                matches!(error, ImportError::Locked { tried: was, .. } if was == tried),
                "{what}: {error:?}"
            );
            assert!(error.to_string().contains(what), "{error}");
            assert_eq!(error.whose(), crate::import::Whose::Caller);
            assert!(!error.remedy().is_empty());
        }
    }
}

#[test]
fn an_empty_password_is_a_password() {
    let one = stock();
    let entries = [Entry {
        label: "",
        der: &one,
    }];
    let bytes = p12(&entries, "");
    assert!(matches!(
        detect(&bytes, None),
        Err(ImportError::Locked { tried: false, .. })
    ));
    let opened = detect(&bytes, Some(b"")).unwrap();
    assert_eq!(opened.certificates[0].label, None);
}

#[test]
fn what_no_password_would_mend_is_told_at_once() {
    // Version 3 and its contents, and no authenticator after them.
    let empty = wrap(0xa0, &wrap(0x04, &wrap(0x30, &[])));
    let contents = wrap(0x30, &[&DATA[..], &empty].concat());
    let without = wrap(0x30, &[&[0x02, 1, 3][..], &contents].concat());
    for password in [None, Some(&b"any"[..])] {
        let error = detect(&without, password).unwrap_err();
        assert!(error.to_string().contains("no authenticator"), "{error}");
        assert!(error.remedy().contains("openssl pkcs12"));
    }
    let whole = p12(&[], "right");
    refused(&whole[..whole.len() - 1], "a PKCS#12 file");
    refused(b"7H\x06\x02\0\0\0\0X509KEY\0", "a GSKit key database");
    let nothing = detect(&p12(&[], "right"), Some(b"right")).unwrap_err();
    assert!(nothing.to_string().contains("no certificate"), "{nothing}");
}

#[test]
fn what_is_not_read_is_called_by_its_name() {
    refused(&[0xce, 0xce, 0xce, 0xce, 0, 0, 0, 2], "JCEKS");
    let advice = detect(&[0xce, 0xce, 0xce, 0xce], None).unwrap_err();
    assert!(advice.remedy().contains("keytool -importkeystore"));
    for (magic, name, word) in [(1, b"X509KYP\0", "(.rdb)"), (1, b"X509CRL\0", "(.crl)")] {
        let one = stock();
        let entries = [Entry {
            label: "x",
            der: &one,
        }];
        let mut bytes = kdb(Version::V6, &entries, b"x");
        bytes[3] = magic;
        bytes[8..16].copy_from_slice(name);
        refused(&bytes, word);
    }
}

#[test]
fn certificates_of_private_keys_are_taken_where_there_is_no_other() {
    let (own, ca) = (stock(), old("stock.der"));
    let mut held = Held::of(Container::Pkcs12, 1);
    held.take(Raw::new(&own, "server"), true);
    let notes = held.notes().join(" ");
    assert!(
        notes.contains("a private key, which is left alone"),
        "{notes}"
    );
    assert!(notes.contains("there is no other"), "{notes}");
    assert_eq!(held.chosen().unwrap()[0].der, own);

    let mut held = Held::of(Container::Pkcs12, 2);
    held.take(Raw::new(&own, "server"), true);
    held.take(Raw::new(&ca, "root"), false);
    let notes = held.notes().join(" ");
    assert!(notes.contains("2 private keys"), "{notes}");
    assert!(notes.contains("left out: \"server\""), "{notes}");
    assert!(notes.contains("openssl pkcs12"), "{notes}");
    let chosen = held.chosen().unwrap();
    assert_eq!((chosen.len(), &chosen[0].der), (1, &ca));

    let error = Held::of(Container::Gskit, 3).chosen().unwrap_err();
    assert!(error.to_string().contains("private keys"), "{error}");
}

#[test]
fn certificates_that_may_be_marked_as_not_trusted_are_left_out() {
    let (marked, plain) = (stock(), old("stock.der"));
    let mut held = Held::of(Container::Gskit, 0);
    held.flagged.push(Raw::new(&marked, "odd"));
    held.take(Raw::new(&plain, "good"), false);
    let notes = held.notes().join(" ");
    assert!(
        notes.contains("not known") && notes.contains("\"odd\""),
        "{notes}"
    );
    let chosen = held.chosen().unwrap();
    assert_eq!((chosen.len(), chosen[0].label.as_str()), (1, "good"));

    // Also where the same certificate stands in it without such a mark.
    let mut held = Held::of(Container::Gskit, 0);
    held.flagged.push(Raw::new(&marked, "odd"));
    held.take(Raw::new(&marked, "even"), false);
    held.take(Raw::new(&marked, "own"), true);
    held.take(Raw::new(&plain, "good"), false);
    let chosen = held.without_flagged().chosen().unwrap();
    assert_eq!((chosen.len(), chosen[0].label.as_str()), (1, "good"));

    let mut held = Held::of(Container::Gskit, 0);
    held.flagged.extend(vec![Raw::new(&marked, "odd"); 9]);
    assert!(held.notes()[0].contains("and 4 more"), "{:?}", held.notes());
    let error = held.chosen().unwrap_err();
    assert!(error.to_string().contains("every certificate"), "{error}");
}

#[test]
fn certificates_without_a_container_have_no_label() {
    let found = detect(&stock(), None).unwrap();
    assert_eq!(found.certificates[0].label, None);
    assert!(found.notes.is_empty() && found.warnings.is_empty());
}

#[test]
fn what_is_wrong_is_said_for_every_command() {
    for bytes in [&b"hello\n"[..], b"-----BEGIN CERTIFICATE-----\nMAA=\n"] {
        let error = detect(bytes, None).unwrap_err().to_string();
        assert!(error.starts_with("the file cannot be used: "), "{error}");
    }
}

#[test]
fn certificates_are_found_that_cannot_be_imported() {
    assert_eq!(found(&old("v1.der")).len(), 1);
    assert_eq!(found(&Authority::root("Root").der).len(), 1);
}
