//! Files of certificates, and files of anything else.

use anchorhold_formats::pem;
use rcgen::KeyPair;

use super::*;
use crate::fixture::{Authority, digest, old, stock};

fn found(bytes: &[u8]) -> Vec<String> {
    let certificates = detect(bytes).unwrap();
    certificates
        .iter()
        .map(|found| found.facts.fingerprint.to_string())
        .collect()
}

#[track_caller]
fn refused(bytes: &[u8], word: &str) {
    let error = detect(bytes).unwrap_err();
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
        let error = detect(&bytes).unwrap_err();
        assert!(error.to_string().contains("private key"), "{error}");
        assert!(error.remedy().contains("replaced"), "{}", error.remedy());
    }
    let both = format!("{}{}", key.serialize_pem(), pem::write(&stock()));
    let error = detect(both.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("private key"), "{error}");
    assert!(error.remedy().contains("replaced"), "{}", error.remedy());
}

#[test]
fn containers_are_called_by_their_name() {
    let data = [
        0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01,
    ];
    let p12 = wrap(0x30, &[&[0x02, 1, 3][..], &wrap(0x30, &data)].concat());
    let mut signed = data;
    signed[10] = 2;
    let armoured = format!(
        "-----BEGIN PKCS7-----\n{}\n-----END PKCS7-----\n",
        data_encoding::BASE64.encode(&wrap(0x30, &signed))
    );
    let open = [&[0x30, 0x80][..], &signed].concat();
    let kdb = b"7H\x06\x02\0\0\0\0X509KEY\0\0\0\x13\x88";
    for (bytes, name, command) in [
        (&p12[..], "PKCS#12", "openssl pkcs12 -in FILE -nokeys"),
        (b"\x30\x80\x02\x01\x03\x30\x80", "PKCS#12", "openssl pkcs12"),
        (&wrap(0x30, &signed), "PKCS#7", "openssl pkcs7 -inform DER"),
        (&open, "PKCS#7", "openssl pkcs7 -inform DER"),
        (
            armoured.as_bytes(),
            "PKCS#7",
            "openssl pkcs7 -in FILE -print_certs",
        ),
        (
            &[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2],
            "Java",
            "keytool -exportcert -rfc",
        ),
        (kdb, "GSKit key database", "gsk8capicmd_64 -cert -extract"),
    ] {
        refused(bytes, name);
        let error = detect(bytes).unwrap_err();
        let said = error.to_string();
        assert!(said.ends_with("which this release does not read"), "{said}");
        assert!(error.remedy().contains(command), "{}", error.remedy());
    }
}

#[test]
fn certificates_beside_a_container_are_found() {
    let text = "-----BEGIN PKCS7-----\nMAA=\n-----END PKCS7-----\n".to_owned();
    let one = stock();
    assert_eq!(
        found((text + &pem::write(&one)).as_bytes()),
        [digest(&one).to_string()]
    );
}

#[test]
fn what_is_wrong_is_said_for_every_command() {
    for bytes in [&b"hello\n"[..], b"-----BEGIN CERTIFICATE-----\nMAA=\n"] {
        let error = detect(bytes).unwrap_err().to_string();
        assert!(error.starts_with("the file cannot be used: "), "{error}");
    }
}

#[test]
fn certificates_are_found_that_cannot_be_imported() {
    assert_eq!(found(&old("v1.der")).len(), 1);
    assert_eq!(found(&Authority::root("Root").der).len(), 1);
}
