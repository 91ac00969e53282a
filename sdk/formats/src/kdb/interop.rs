//! Tests of key databases with keys, requests and certificates that openssl makes.

use super::*;
use crate::der::{BIT_STRING, SEQUENCE, wrap};
use crate::edit::{Edit, Edits, Entry};
use crate::workshop::Workshop;

const PASSWORD: &[u8] = b"Example-Pass-1";
const SALT: Salt = [7; 23];

/// A database of these records, whose values are wrapped as each kind is.
fn database(values: &[(&[u8], &str)]) -> Vec<u8> {
    let filler = create(Version::V6, &Edits::default(), PASSWORD, &SALT).unwrap();
    let mut bytes = filler;
    let count = u32::try_from(values.len()).unwrap();
    bytes[0x14..0x18].copy_from_slice(&count.to_be_bytes());
    for (number, (value, label)) in (1_u8..).zip(values) {
        let flags = [BIT_STRING, 2, 0x07, 0x80];
        let label = label.as_bytes();
        let parts: [&[u8]; 4] = [&[2, 1, number], value, &wrap(0x1a, &[label]), &flags];
        let der = wrap(SEQUENCE, &parts);
        let mut slot = vec![0, 0, 0, 1, 0, 0, 0, number];
        for field in [&der[..], label] {
            slot.extend_from_slice(&u32::try_from(field.len()).unwrap().to_be_bytes());
            slot.extend_from_slice(field);
        }
        slot.resize(5000, 0);
        bytes.extend_from_slice(&slot);
    }
    let frame = frame::Frame::of_whole(&bytes).unwrap();
    frame.seal(&mut bytes, PASSWORD);
    bytes
}

#[test]
fn keys_that_openssl_made_survive_every_edit_and_are_told_by_their_public_half() {
    let Some(shop) = Workshop::open(&["openssl"]) else {
        return;
    };
    let certificate = shop.certificate("mine");
    let other = shop.certificate("other");
    let words = "pkcs8 -topk8 -in mine.key -outform DER -out sealed.der -v2 aes-256-cbc -v2prf \
                 hmacWithSHA256 -passout pass:Example-Pass-1";
    shop.run("openssl", &words.split_whitespace().collect::<Vec<_>>());
    let words = "req -new -key mine.key -subj /CN=mine -outform DER -out request.der";
    shop.run("openssl", &words.split_whitespace().collect::<Vec<_>>());
    let words = "pkey -in mine.key -pubout -outform DER -out public.der";
    shop.run("openssl", &words.split_whitespace().collect::<Vec<_>>());
    let sealed = shop.read("sealed.der");
    let public = shop.read("public.der");
    let personal = wrap(0xa2, &[&wrap(SEQUENCE, &[&certificate, &sealed])]);
    let asked = wrap(
        0xa0,
        &[&wrap(SEQUENCE, &[&shop.read("request.der"), &sealed])],
    );
    let before = database(&[
        (&wrap(0xa1, &[&other]), "goes"),
        (&personal, "mine"),
        (&asked, "asked for"),
        (&wrap(0xa1, &[&certificate]), "is renamed"),
    ]);
    let opened = read(before.clone(), PASSWORD).unwrap();
    let edits = Edits {
        changes: [(0, Edit::Remove), (2, Edit::Label("was renamed"))].into(),
        added: vec![Entry {
            label: "came",
            der: &other,
        }],
    };
    let after = rewrite(&opened, &edits, PASSWORD, &SALT).unwrap();
    assert_eq!(before[0x90 + 5000..][..10_000], after[0x90..][..10_000]);
    let opened = read(after.clone(), PASSWORD).unwrap();
    let keys: Vec<_> = opened.key_records().collect();
    let told: Vec<_> = keys.iter().map(|key| (key.label, key.public)).collect();
    assert_eq!(
        told,
        [
            ("mine", Some(&public[..])),
            ("asked for", Some(&public[..]))
        ]
    );
    let places: Vec<_> = after
        .windows(sealed.len())
        .enumerate()
        .filter(|(_, window)| *window == sealed)
        .collect();
    assert_eq!(places.len(), 2);
    for (_, sealed) in places {
        shop.write("found.der", sealed);
        let words = "pkey -inform DER -in found.der -passin pass:Example-Pass-1 -pubout -outform \
                     DER -out found.public";
        shop.run("openssl", &words.split_whitespace().collect::<Vec<_>>());
        assert_eq!(shop.read("found.public"), public);
    }
}

#[test]
fn a_record_is_what_openssl_takes_it_for() {
    let Some(shop) = Workshop::open(&["openssl"]) else {
        return;
    };
    let certificate = shop.certificate("mine");
    let edits = Edits {
        added: vec![Entry {
            label: "TSM server A self-signed key",
            der: &certificate,
        }],
        ..Edits::default()
    };
    let bytes = create(Version::V4, &edits, PASSWORD, &SALT).unwrap();
    shop.write("database", &bytes);
    // The DER follows the header and three words, and openssl finds its end by itself.
    let offset = (0x58 + 12).to_string();
    let words = [
        "asn1parse",
        "-inform",
        "DER",
        "-in",
        "database",
        "-offset",
        &offset,
    ];
    let words = [&words[..], &["-length", "600"]].concat();
    let printed = shop.outcome("openssl", &words).stdout;
    let printed = String::from_utf8(printed).unwrap();
    assert!(
        printed.contains("VISIBLESTRING     :TSM server A self-signed key"),
        "{printed}"
    );
    let words = ["dgst", "-sha1", "-binary", "public.der"];
    let key = "pkey -in mine.key -pubout -outform DER -out public.der";
    shop.run("openssl", &key.split_whitespace().collect::<Vec<_>>());
    let hash = shop.run("openssl", &words);
    // The fourth of the five hashes is that of the public half.
    let slot = &bytes[0x58..];
    let used = slot.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let found = slot[..used + 20]
        .windows(20)
        .position(|window| window == hash);
    assert!(found.is_some());
}
