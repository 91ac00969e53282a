//! Tests of PKCS#7 files: those of openssl, of Java and of NSS, and what is made here.

use proptest::prelude::*;

use super::*;
use crate::der::{self, OCTET_STRING, wrap};
use crate::pem::{self, Content};
use crate::workshop::Workshop;

fn identifier(contents: &[u8]) -> Vec<u8> {
    wrap(OID, &[contents])
}

/// A file of this content type around this content.
fn file(kind: &[u8], content: &[u8]) -> Vec<u8> {
    wrap(SEQUENCE, &[&identifier(kind), &wrap(CONTEXT_0, &[content])])
}

/// Signed data with these members of its set, and nobody who signs.
fn signed(members: &[&[u8]]) -> Vec<u8> {
    let data = wrap(SEQUENCE, &[&identifier(DATA)]);
    let set = wrap(CONTEXT_0, members);
    let empty = wrap(SET, &[]);
    let inside = wrap(SEQUENCE, &[&[2, 1, 1], &empty, &data, &set, &empty]);
    file(SIGNED_DATA, &inside)
}

/// The same bytes with an end mark for every length of these nested outermost layers.
fn indefinite(der: &[u8], layers: usize) -> Vec<u8> {
    if layers == 0 || der.first().is_none_or(|tag| tag & 0x20 == 0) {
        return der.to_vec();
    }
    let mut outer = der::Reader::new(der);
    let element = outer.any().unwrap();
    let mut inside = Vec::new();
    let mut members = element.reader();
    while let Ok(member) = members.any() {
        inside.extend(indefinite(member.whole, layers - 1));
    }
    [&[element.tag, 0x80], &inside[..], &[0, 0]].concat()
}

#[test]
fn certificates_without_end_are_refused() {
    let many = [0x30, 0].repeat(MAX_CERTIFICATES + 1);
    assert_eq!(
        certificates(&signed(&[&many[2..]])).unwrap().len(),
        MAX_CERTIFICATES
    );
    assert_eq!(certificates(&signed(&[&many])), Err(P7bError::TooMany));
}

/// Takes the armour off one file.
fn unarmoured(text: &[u8]) -> Vec<u8> {
    match pem::contents(text).unwrap().remove(0) {
        Content::Pkcs7(bytes) => bytes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_openssl_collects_is_read_bare_and_in_armour() {
    let Some(shop) = Workshop::open(&["openssl"]) else {
        return;
    };
    let all = ["a", "b", "c"].map(|name| shop.certificate(name));
    let mut words = vec!["crl2pkcs7", "-nocrl"];
    for name in ["a.pem", "b.pem", "c.pem"] {
        words.extend(["-certfile", name]);
    }
    let text = shop.run("openssl", &words);
    assert!(text.starts_with(b"-----BEGIN PKCS7-----"));
    words.extend(["-outform", "DER"]);
    let bare = shop.run("openssl", &words);
    assert_eq!(unarmoured(&text), bare);
    for label in ["PKCS #7 SIGNED DATA", "CMS"] {
        let text = String::from_utf8_lossy(&text).replace("PKCS7", label);
        assert_eq!(unarmoured(text.as_bytes()), bare, "{label}");
    }
    assert_eq!(certificates(&bare).unwrap(), all);
    assert_eq!(certificates(&[&bare[..], b"\r\n"].concat()).unwrap(), all);
    for layers in 1..12 {
        let ber = indefinite(&bare, layers);
        assert_eq!(certificates(&ber).unwrap(), all, "{layers} layers");
    }
}

#[test]
fn signatures_and_lists_of_revocations_are_passed_over() {
    let Some(shop) = Workshop::open(&["openssl"]) else {
        return;
    };
    let own = shop.certificate("signer");
    let other = shop.certificate("other");
    shop.write("letter", b"a letter");
    for more in [&["-nodetach"][..], &["-nodetach", "-stream"], &[]] {
        for program in ["cms", "smime"] {
            let mut words = vec![program, "-sign", "-binary", "-outform", "DER"];
            words.extend(["-in", "letter", "-signer", "signer.pem"]);
            words.extend(["-inkey", "signer.key", "-certfile", "other.pem"]);
            words.extend(more);
            let mut found = certificates(&shop.run("openssl", &words)).unwrap();
            found.sort();
            let mut expected = vec![own.clone(), other.clone()];
            expected.sort();
            assert_eq!(found, expected, "{words:?}");
        }
    }
    shop.write("ca.cnf", CA.as_bytes());
    shop.write("index", b"");
    let words = ["ca", "-gencrl", "-config", "ca.cnf", "-out", "list.pem"];
    shop.run("openssl", &words);
    let words = ["crl2pkcs7", "-in", "list.pem", "-outform", "DER"];
    let only = shop.run("openssl", &words);
    assert_eq!(certificates(&only), Err(P7bError::NoCertificate));
    let with = shop.run(
        "openssl",
        &[&words[..], &["-certfile", "other.pem"]].concat(),
    );
    assert_eq!(certificates(&with).unwrap(), [other]);
}

#[test]
fn what_gnutls_writes_is_read() {
    let Some(shop) = Workshop::open(&["openssl", "certtool"]) else {
        return;
    };
    let der = shop.certificate("a");
    let words = ["--p7-generate", "--load-certificate", "a.pem"];
    let words = [
        &words[..],
        &["--load-privkey", "a.key", "--infile", "a.pem"],
    ]
    .concat();
    let text = shop.run("certtool", &words);
    assert_eq!(certificates(&unarmoured(&text)).unwrap(), [der]);
}

#[test]
fn what_nss_writes_is_read_which_is_no_der() {
    let Some(shop) = Workshop::open(&["openssl", "certutil", "cmsutil"]) else {
        return;
    };
    let der = shop.certificate("a");
    shop.run("certutil", &["-N", "-d", "sql:.", "--empty-password"]);
    let words = [
        "-A", "-d", "sql:.", "-n", "a", "-t", ",,", "-i", "a.pem", "-a",
    ];
    shop.run("certutil", &words);
    shop.run("cmsutil", &["-O", "-d", "sql:.", "-r", "a", "-o", "a.p7b"]);
    let bytes = shop.read("a.p7b");
    assert_eq!(bytes.get(..2), Some(&[SEQUENCE, 0x80][..]));
    assert_eq!(certificates(&bytes).unwrap(), [der]);
}

#[test]
fn content_of_another_kind_is_named() {
    let Some(shop) = Workshop::open(&["openssl"]) else {
        return;
    };
    let own = shop.certificate("own");
    shop.write("letter", b"a letter");
    let words = [
        "cms", "-encrypt", "-outform", "DER", "-in", "letter", "own.pem",
    ];
    let error = certificates(&shop.run("openssl", &words)).unwrap_err();
    assert!(error.to_string().contains("enveloped data"), "{error}");
    assert_eq!(certificates(&own), Err(P7bError::NotPkcs7));
    let data = file(DATA, &wrap(OCTET_STRING, &[&own]));
    let error = certificates(&data).unwrap_err();
    assert!(error.to_string().contains("plain data"), "{error}");
    let error = certificates(&file(&[42, 3], &own)).unwrap_err();
    assert!(error.to_string().contains("1.2.3"), "{error}");
}

#[test]
fn members_that_are_no_certificates_are_passed_over() {
    let certificate = wrap(SEQUENCE, &[&[7; 300]]);
    for tag in [0xa0, 0xa1, 0xa2, 0xa3] {
        let other = wrap(tag, &[&[2, 1, 7]]);
        let all = signed(&[&other, &certificate, &other]);
        assert_eq!(certificates(&all), Ok(vec![certificate.clone()]));
        assert_eq!(
            certificates(&signed(&[&other])),
            Err(P7bError::NoCertificate)
        );
    }
    let wrong = certificates(&signed(&[&certificate, &[2, 1, 7]]));
    assert!(matches!(
        wrong,
        Err(P7bError::Malformed(DerError::Tag { .. }))
    ));
    assert_eq!(certificates(&signed(&[])), Err(P7bError::NoCertificate));
}

#[test]
fn a_certificate_stays_as_its_issuer_signed_it() {
    // Its length is not minimal, which only its issuer may mend.
    let odd = [&[SEQUENCE, 0x82, 0, 3, 2, 1], &[7][..]].concat();
    let ber = indefinite(&signed(&[]), 4);
    let place = ber.len() - 2 * 3 - 6;
    assert_eq!(ber[place..][..4], [0, 0, SET, 0x80]);
    let with = [&ber[..place], &odd, &ber[place..]].concat();
    assert_eq!(certificates(&with), Ok(vec![odd]));
}

#[test]
fn what_is_no_such_file_is_told_from_what_is_cut_short() {
    let whole = signed(&[&wrap(SEQUENCE, &[&[7; 300]])]);
    for length in 1..whole.len() {
        let error = certificates(&whole[..length]);
        assert_eq!(error, Err(P7bError::Truncated), "{length}");
    }
    let ber = indefinite(&whole, 4);
    for length in 1..ber.len() {
        let error = certificates(&ber[..length]);
        assert_eq!(error, Err(P7bError::Truncated), "{length}");
    }
    for other in [
        &b""[..],
        b"-----BEGIN PKCS7-----",
        &[0x31, 0],
        &[0x30, 3, 2, 1, 3],
    ] {
        assert_eq!(certificates(other), Err(P7bError::NotPkcs7), "{other:?}");
    }
    let trailing = [&whole[..], &[0]].concat();
    assert!(matches!(
        certificates(&trailing),
        Err(P7bError::Malformed(_))
    ));
    assert_eq!(
        certificates(&vec![0x30; MAX_FILE + 1]),
        Err(P7bError::TooLarge)
    );
}

#[test]
fn every_single_byte_may_be_any_other() {
    let certificate = wrap(SEQUENCE, &[&[7; 40]]);
    let der = signed(&[&certificate]);
    for mut bytes in [indefinite(&der, 5), der] {
        for at in 0..bytes.len() {
            let good = bytes[at];
            for value in 0..=255 {
                bytes[at] = value;
                if let Err(error) = certificates(&bytes) {
                    assert!(!error.to_string().is_empty());
                }
            }
            bytes[at] = good;
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = certificates(&bytes);
        let _ = certificates(&file(SIGNED_DATA, &bytes));
        let _ = certificates(&signed(&[&bytes]));
    }
}

const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];

const CA: &str = "\
[ca]
default_ca = this
[this]
database = index
certificate = signer.pem
private_key = signer.key
default_md = sha256
default_crl_days = 30
";
