//! Tests of files that are BER, as NSS writes them.

use std::collections::BTreeMap;

use super::*;
use crate::edit::{Edit, Edits};

/// An element whose length is left open.
fn open(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    [&[tag, 0x80], &parts.concat()[..], &[0, 0]].concat()
}

/// A string in two pieces.
fn pieces(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let (front, back) = bytes.split_at(bytes.len() / 3);
    open(
        tag,
        &[&wrap(OCTET_STRING, &[front]), &wrap(OCTET_STRING, &[back])],
    )
}

fn content(kind: &[u8], value: &[u8]) -> Vec<u8> {
    open(SEQUENCE, &[&wrap(OID, &[kind]), &open(CONTEXT_0, &[value])])
}

fn clear(bags: &[&[u8]]) -> Vec<u8> {
    content(ids::DATA, &pieces(0x24, &open(SEQUENCE, bags)))
}

fn sealed(bags: &[&[u8]]) -> Vec<u8> {
    let encryption = Encryption::new(b"other salt", [9; BLOCK], 1);
    let mut bytes = open(SEQUENCE, bags);
    let length = bytes.len();
    bytes.resize((length / BLOCK + 1) * BLOCK, 0);
    encryption.encrypt(&mut bytes, length, &mut password());
    let info = open(
        SEQUENCE,
        &[
            &wrap(OID, &[ids::DATA]),
            &encryption.write(),
            &pieces(CONTEXT_0, &bytes),
        ],
    );
    content(ids::ENCRYPTED_DATA, &open(SEQUENCE, &[&[2, 1, 0], &info]))
}

fn file(parts: &[&[u8]]) -> Vec<u8> {
    let safe = open(SEQUENCE, parts);
    let mut key = [0; 20];
    let password = bmp_with_end("changeit");
    Hash::Sha1.pkcs12(3, &password, b"salt", 1, &mut key);
    let value = Hash::Sha1.authenticate(&key, &safe);
    let digest = wrap(
        SEQUENCE,
        &[
            &identifier(ids::SHA1, &wrap(NULL, &[])),
            &wrap(OCTET_STRING, &[&value]),
        ],
    );
    let mac = wrap(SEQUENCE, &[&digest, &wrap(OCTET_STRING, &[b"salt"])]);
    let content = content(ids::DATA, &pieces(0x24, &safe));
    open(SEQUENCE, &[&[2, 1, 3], &content, &mac])
}

fn key_bag() -> Vec<u8> {
    let secret = wrap(OCTET_STRING, &[b"a private key in clear"]);
    bag(ids::KEY_BAG, &secret, &[&key_id(b"k")])
}

/// A small file with a key, its certificate, and another.
pub(super) fn sample() -> Vec<u8> {
    let name = attribute(ids::FRIENDLY_NAME, &wrap(BMP_STRING, &[&[0, b'x']]));
    let own = certificate_bag(&certificate(1, 60), &[&key_id(b"k")]);
    let anchor = certificate_bag(&certificate(2, 60), &[&name]);
    file(&[&clear(&[&key_bag()]), &sealed(&[&own, &anchor])])
}

#[test]
fn it_is_read_as_its_der_is() {
    let archive = read(sample(), &mut password()).unwrap();
    let found: Vec<_> = archive
        .certificates()
        .map(|found| (found.label, found.der.to_vec(), found.of_key))
        .collect();
    assert_eq!(
        found,
        [
            ("", certificate(1, 60), true),
            ("x", certificate(2, 60), false)
        ]
    );
    assert_eq!(archive.keys(), 1);
    assert_eq!(archive.digest(), &digest(&sample()).unwrap());
}

#[test]
fn a_key_in_clear_is_wiped_in_either_form() {
    let others: Vec<_> = (0..20)
        .map(|fill| sealed(&[&certificate_bag(&certificate(fill, 200), &[])]))
        .collect();
    let key = sealed(&[&key_bag()]);
    let mut parts: Vec<&[u8]> = vec![&key];
    parts.extend(others.iter().map(Vec::as_slice));
    let archive = read(file(&parts), &mut password()).unwrap();
    assert_eq!((archive.keys(), archive.len()), (1, 20));
    let is_left = archive.bytes.windows(11).any(|w| w == b"private key");
    assert!(!is_left);
}

#[test]
fn it_is_rewritten_as_der() {
    let der = certificate(3, 60);
    let edits = Edits {
        changes: BTreeMap::from([(1, Edit::Label("y"))]),
        added: vec![Entry {
            label: "z",
            der: &der,
        }],
    };
    let after = rewrite(sample(), &edits, &mut password(), &RANDOM).unwrap();
    assert!(frame::Frame::read(&after).unwrap().parts(&after).is_ok());
    let archive = read(after.clone(), &mut password()).unwrap();
    let labels: Vec<_> = archive.certificates().map(|found| found.label).collect();
    assert_eq!(labels, ["", "y", "z"]);
    // It was in clear before, and its bag is what it was.
    let bag = key_bag();
    assert!(after.windows(bag.len()).any(|window| window == bag));
}

#[test]
fn encrypted_bytes_that_no_edit_concerns_stay() {
    let [one, two] = [1, 2].map(|fill| certificate_bag(&certificate(fill, 60), &[]));
    let parts = [sealed(&[&one]), sealed(&[&two])];
    let before = file(&[&parts[0], &parts[1]]);
    let edits = Edits {
        changes: BTreeMap::from([(0, Edit::Remove)]),
        added: Vec::new(),
    };
    let after = rewrite(before, &edits, &mut password(), &RANDOM).unwrap();
    // The same bytes in one piece.
    let encrypted = |part: &[u8]| {
        let der = crate::ber::to_der(part).unwrap();
        der[der.len() - 64..].to_vec()
    };
    let stays = encrypted(&parts[1]);
    let goes = encrypted(&parts[0]);
    assert!(after.windows(64).any(|window| window == stays));
    assert!(!after.windows(64).any(|window| window == goes));
    assert_eq!(read(after, &mut password()).unwrap().len(), 1);
}

#[test]
fn what_is_only_half_a_form_is_refused() {
    // A string in pieces of another kind.
    let odd = open(0x24, &[&[5, 0]]);
    let safe = content(ids::DATA, &odd);
    let bytes = open(SEQUENCE, &[&[2, 1, 3], &safe]);
    assert!(matches!(read_error(&bytes), P12Error::Malformed { .. }));
    // Without an authenticator it is refused in this form too.
    let safe = content(ids::DATA, &pieces(0x24, &open(SEQUENCE, &[])));
    let bytes = open(SEQUENCE, &[&[2, 1, 3], &safe]);
    assert_eq!(read_error(&bytes), P12Error::NoMac);
}
