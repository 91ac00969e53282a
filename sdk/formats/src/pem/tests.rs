//! Tests of certificates in text armour.

use proptest::prelude::*;

use super::*;

/// A SEQUENCE long enough for several lines.
fn der(fill: u8) -> Vec<u8> {
    let mut der = Vec::new();
    der::element(&mut der, der::SEQUENCE, &[fill; 200]);
    der
}

fn check(text: &str, expected: &[Vec<u8>]) {
    assert_eq!(
        certificates(text.as_bytes()).as_deref(),
        Ok(expected),
        "{text}"
    );
}

fn check_error(text: &str, expected: PemError) {
    assert_eq!(certificates(text.as_bytes()), Err(expected), "{text}");
}

#[test]
fn a_clean_block_is_read_back() {
    let text = write(&der(1));
    assert!(text.lines().all(|line| line.len() <= 64));
    assert!(text.ends_with("-----END CERTIFICATE-----\n"));
    check(&text, &[der(1)]);
    check(text.trim_end(), &[der(1)]);
}

#[test]
fn a_length_that_fills_its_last_line_has_no_empty_line() {
    let mut full = Vec::new();
    der::element(&mut full, der::SEQUENCE, &[0; 46]);
    assert_eq!(write(&full).lines().count(), 3);
    check(&write(&full), &[full]);
}

#[test]
fn odd_but_whole_texts_are_read() {
    let clean = write(&der(1));
    let two = format!("{clean}between\n{}", write(&der(2)));
    check(&two, &[der(1), der(2)]);
    check(&two.replace('\n', "\r\n"), &[der(1), der(2)]);
    check(&format!("\u{feff}{clean}"), &[der(1)]);
    check(
        &format!("Certificate:\n    Data:\n - - -----\n{clean}"),
        &[der(1)],
    );
    check(&clean.replace('\n', "  \t\n"), &[der(1)]);
    let indented: String = clean.lines().map(|line| format!("   {line}\n")).collect();
    check(&indented, &[der(1)]);
    check(&clean.replace("CERTIFICATE", "X509 CERTIFICATE"), &[der(1)]);
    let one_line = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----",
        BASE64.encode(&der(1))
    );
    check(&one_line, &[der(1)]);
    check(&one_line.replace('\n', " "), &[der(1)]);
    check(&one_line.replace('\n', ""), &[der(1)]);
}

#[test]
fn what_is_added_to_a_trusted_certificate_is_left_out() {
    let mut with_settings = der(1);
    with_settings.extend_from_slice(&[0x30, 2, 5, 0]);
    let text = write(&with_settings);
    check(
        &text.replace("CERTIFICATE", "TRUSTED CERTIFICATE"),
        &[der(1)],
    );
    check_error(&text, PemError::NotDer { line: 1 });
}

#[test]
fn a_private_key_is_refused_wherever_it_stands() {
    let clean = write(&der(1));
    for label in [
        "PRIVATE KEY",
        "RSA PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
    ] {
        let key = clean.replace("CERTIFICATE", label);
        for (text, line) in [(format!("{clean}{key}"), 8), (format!("{key}{clean}"), 1)] {
            check_error(
                &text,
                PemError::PrivateKey {
                    label: label.into(),
                    line,
                },
            );
        }
    }
}

#[test]
fn no_certificate_is_an_error_that_names_what_is_there() {
    check_error("", PemError::NoCertificate { others: vec![] });
    check_error("some text\n\n", PemError::NoCertificate { others: vec![] });
    let request = write(&der(1)).replace("CERTIFICATE", "CERTIFICATE REQUEST");
    let crl = write(&der(1)).replace("CERTIFICATE", "X509 CRL");
    check_error(
        &format!("{request}{crl}{request}"),
        PemError::NoCertificate {
            others: vec!["CERTIFICATE REQUEST".into(), "X509 CRL".into()],
        },
    );
}

#[test]
fn a_block_without_its_end_is_refused() {
    let clean = write(&der(1));
    let error = |line| PemError::NoEnd {
        label: "CERTIFICATE".into(),
        line,
    };
    check_error(clean.split("-----END").next().unwrap(), error(1));
    check_error(
        &format!(
            "x\n{}",
            clean.replace("-----END CERT", "-----END X509 CERT")
        ),
        error(2),
    );
    let lost = clean.replace("-----END CERTIFICATE-----\n", "");
    check_error(&format!("{lost}{clean}"), error(1));
}

#[test]
fn other_blocks_need_not_be_whole() {
    let clean = write(&der(1));
    let key = "-----BEGIN PGP MESSAGE-----\nVersion: a-b\n\nxx\n-----END PGP MESSAGE-----\n";
    check(&format!("{key}{clean}"), &[der(1)]);
    check(&format!("-----BEGIN THING-----\n{clean}"), &[der(1)]);
}

#[test]
fn damaged_base64_names_its_line() {
    let clean = write(&der(1));
    let lines: Vec<&str> = clean.lines().collect();
    let mut damaged = lines.clone();
    damaged[3] = "AAAA!AAA";
    check_error(&damaged.join("\n"), PemError::Base64 { line: 4 });
    damaged[3] = "";
    check_error(&damaged.join("\n"), PemError::NotDer { line: 1 });
    let mut cut = lines;
    cut[5] = &cut[5][..5];
    assert!(matches!(
        certificates(cut.join("\n").as_bytes()),
        Err(PemError::Base64 { line: 6 })
    ));
}

#[test]
fn utf16_is_named_for_what_it_is() {
    let text: Vec<u8> = write(&der(1))
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let marked = [&[0xff, 0xfe], &text[..]].concat();
    assert_eq!(certificates(&marked), Err(PemError::Utf16));
}

#[test]
fn a_certificate_beyond_all_measure_is_refused() {
    let mut huge = Vec::new();
    der::element(&mut huge, der::SEQUENCE, &vec![0; 3 * MAX_CERTIFICATE]);
    check_error(&write(&huge), PemError::CertificateTooLarge { line: 1 });
}

#[test]
fn errors_say_what_to_do() {
    let error = PemError::PrivateKey {
        label: "RSA PRIVATE KEY".into(),
        line: 3,
    };
    assert_eq!(
        error.to_string(),
        "it holds a private key (\"RSA PRIVATE KEY\" on line 3): pass on the certificate alone, \
         and keep the key where it belongs"
    );
}

#[test]
fn containers_in_armour_are_found_only_where_they_are_asked_for() {
    let container = write(&der(7)).replace("CERTIFICATE", "PKCS7");
    let text = format!("{container}{}", write(&der(1)));
    check(&text, &[der(1)]);
    assert_eq!(
        contents(text.as_bytes()),
        Ok(vec![Content::Pkcs7(der(7)), Content::Certificate(der(1))])
    );
    let others = vec!["PKCS7".to_owned()];
    check_error(&container, PemError::NoCertificate { others });
    let cut = container.replace("-----END", "");
    check(&format!("{cut}{}", write(&der(1))), &[der(1)]);
    assert_eq!(
        contents(cut.as_bytes()),
        Err(PemError::NoEnd {
            label: "PKCS7".into(),
            line: 1
        })
    );
    let others = Vec::new();
    assert_eq!(contents(b"hello"), Err(PemError::NoCertificate { others }));
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(
        text in prop::collection::vec(
            prop_oneof![
                Just("-----BEGIN CERTIFICATE-----".to_owned()),
                Just("-----END CERTIFICATE-----".to_owned()),
                Just("-----BEGIN PKCS7-----".to_owned()),
                Just("-----END PKCS7-----".to_owned()),
                Just("-----BEGIN ".to_owned()),
                Just("\n".to_owned()),
                Just("MAA=".to_owned()),
                ".{0,8}",
            ],
            0..12,
        ),
    ) {
        let _ = certificates(text.concat().as_bytes());
        let _ = contents(text.concat().as_bytes());
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let _ = certificates(&bytes);
    }

    #[test]
    fn what_was_written_is_read(contents in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut der = Vec::new();
        der::element(&mut der, der::SEQUENCE, &contents);
        prop_assert_eq!(certificates(write(&der).as_bytes()), Ok(vec![der]));
    }
}
