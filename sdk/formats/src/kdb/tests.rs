//! Tests of key databases that are made here.

mod edit;
mod foreign;
mod tamper;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::frame::Frame;
use super::*;
use crate::der::{BIT_STRING, INTEGER, SEQUENCE, wrap};
use crate::edit::{Edits, Entry};

const PASSWORD: &[u8] = b"Example-Pass-1";
const SALT: Salt = [
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
];
const WRITTEN: [Version; 2] = [Version::V4, Version::V6];

/// Something that has all the parts of a certificate.
fn certificate(seed: u8) -> Vec<u8> {
    sized(seed, 40)
}

/// The same with a signature of so many bytes.
fn sized(seed: u8, signature: usize) -> Vec<u8> {
    let name = |text: &[u8]| wrap(SEQUENCE, &[&wrap(0x31, &[&wrap(0x0c, &[text])])]);
    let signed = wrap(
        SEQUENCE,
        &[
            &[0xa0, 3, 2, 1, 2],
            &wrap(INTEGER, &[&[1, seed]]),
            &wrap(SEQUENCE, &[&[5, 0]]),
            &name(b"issuer"),
            &wrap(SEQUENCE, &[b"\x17\x01\x30"]),
            &name(&[b's', seed & 0x7f]),
            &public(seed),
            &wrap(0xa3, &[&wrap(SEQUENCE, &[])]),
        ],
    );
    let value = vec![seed; signature];
    wrap(
        SEQUENCE,
        &[
            &signed,
            &wrap(SEQUENCE, &[&[5, 0]]),
            &wrap(BIT_STRING, &[&[0], &value]),
        ],
    )
}

/// The public half of a certificate's key.
fn public(seed: u8) -> Vec<u8> {
    wrap(
        SEQUENCE,
        &[
            &wrap(SEQUENCE, &[&[5, 0]]),
            &wrap(BIT_STRING, &[&[0, seed, 9]]),
        ],
    )
}

fn adding<'a>(added: &[Entry<'a>]) -> Edits<'a> {
    Edits {
        added: added.to_vec(),
        ..Edits::default()
    }
}

fn created(version: Version, added: &[Entry<'_>]) -> Vec<u8> {
    create(version, &adding(added), PASSWORD, &SALT).unwrap()
}

fn opened(bytes: &[u8]) -> Database {
    read(bytes.to_vec(), PASSWORD).unwrap()
}

fn read_error(bytes: &[u8]) -> KdbError {
    read(bytes.to_vec(), PASSWORD).unwrap_err()
}

/// A file of these slots, each filled up, as any program may write it.
fn file(version: u8, kind: u8, name: &[u8; 8], size: usize, slots: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![0x37, 0x48, version, kind, 0, 0, 0, 0];
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(&u32::try_from(size).unwrap().to_be_bytes());
    bytes.extend_from_slice(&u32::try_from(slots.len()).unwrap().to_be_bytes());
    bytes.extend_from_slice(&SALT);
    bytes.push(0);
    let tags = match version {
        3 => 2 * 16,
        4 => 2 * 20,
        _ => 2 * 48,
    };
    bytes.resize(bytes.len() + tags, 0);
    for slot in slots {
        assert!(slot.len() <= size);
        bytes.extend_from_slice(slot);
        bytes.resize(bytes.len() + size - slot.len(), 0);
    }
    seal(&mut bytes);
    bytes
}

/// A list of certificates and keys of version 6, in slots of 600 bytes.
fn keys(slots: &[Vec<u8>]) -> Vec<u8> {
    file(6, 2, b"X509KEY\0", 600, slots)
}

/// Makes the authenticators fit whatever the bytes are by now.
fn seal(bytes: &mut [u8]) {
    if let Ok(frame) = Frame::of_whole(bytes) {
        frame.seal(bytes, PASSWORD);
    }
}

/// A slot with this record inside.
fn slot(number: u32, value: &[u8], label: &[u8], rest: &[u8]) -> Vec<u8> {
    let mut digits = Vec::new();
    crate::der::integer(&mut digits, number);
    let der = wrap(SEQUENCE, &[&digits, value, &wrap(0x1a, &[label]), rest]);
    slot_of(1, number, &der, label, &[0, 0, 0, 0, 0xee, 0xee])
}

fn slot_of(word: u32, number: u32, der: &[u8], label: &[u8], tail: &[u8]) -> Vec<u8> {
    let mut slot = Vec::new();
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_be_bytes();
    slot.extend_from_slice(&word.to_be_bytes());
    slot.extend_from_slice(&number.to_be_bytes());
    slot.extend_from_slice(&length(der));
    slot.extend_from_slice(der);
    slot.extend_from_slice(&length(label));
    slot.extend_from_slice(label);
    slot.extend_from_slice(tail);
    slot
}

/// A record's certificate.
fn value(seed: u8) -> Vec<u8> {
    wrap(0xa1, &[&certificate(seed)])
}

const FLAGS: &[u8] = &[BIT_STRING, 2, 0x07, 0x80];

fn labels(database: &Database) -> Vec<&str> {
    database.certificates().map(|one| one.label).collect()
}

// Both were made from the layout by another program, and the records of certificates that a real
// GSKit had written came out the same to the byte.
#[test]
fn a_database_is_written_to_the_byte() {
    let (first, second) = (certificate(1), certificate(2));
    let entries = [
        Entry {
            label: "TSM server A self-signed key",
            der: &first,
        },
        Entry {
            label: "Prüfung",
            der: &second,
        },
    ];
    for (version, size, expected) in [
        (
            Version::V4,
            10_088,
            "4a7abf0ce5d9d610bb7c3686874292725035421de934a4840850cda558248533",
        ),
        (
            Version::V6,
            10_144,
            "b313516f4ad26c79ae04957955675b45ff2640392b9b5f16f8a7d6840b20fa0b",
        ),
    ] {
        let bytes = created(version, &entries);
        assert_eq!(bytes.len(), size);
        assert_eq!(HEXLOWER.encode(&Sha256::digest(&bytes)), expected);
        let database = opened(&bytes);
        assert_eq!(
            database.header(),
            Header {
                version,
                content: Content::Keys,
                records: 2
            }
        );
        assert!(database.is_authenticated());
        let read: Vec<_> = database.certificates().collect();
        assert_eq!(read.len(), 2);
        for (read, entry) in read.iter().zip(&entries) {
            assert_eq!((read.label, read.der), (entry.label, entry.der));
            assert!(read.flags_known && !read.of_key);
        }
        assert_eq!(database.get(1), Some(read[1]));
        assert_eq!(database.get(2), None);
    }
}

#[test]
fn a_database_of_nothing_is_one() {
    for version in WRITTEN {
        let bytes = created(version, &[]);
        assert_eq!(header(&bytes).unwrap().records, 0);
        let database = opened(&bytes);
        assert!(database.is_empty());
        assert_eq!((database.keys(), database.others()), (0, 0));
    }
}

#[test]
fn a_zero_in_the_salt_is_written_as_one() {
    let bytes = create(Version::V6, &Edits::default(), PASSWORD, &[0; 23]).unwrap();
    assert_eq!(bytes[0x18..0x2f], [1; 23]);
    assert_eq!(bytes[0x2f], 0);
}

#[test]
fn what_is_no_certificate_is_not_written() {
    let whole = certificate(1);
    let mut longer = whole.clone();
    longer.push(0);
    let sequence = wrap(SEQUENCE, &[&[2, 1, 1]]);
    for der in [&whole[..whole.len() - 1], &longer, &sequence, b""] {
        let good = Entry {
            label: "a",
            der: &whole,
        };
        let edits = adding(&[good, Entry { label: "b", der }]);
        let error = create(Version::V6, &edits, PASSWORD, &SALT).unwrap_err();
        assert_eq!(error, KdbError::NotACertificate { index: 1 });
    }
}

#[test]
fn a_label_with_a_zero_is_not_written() {
    let der = certificate(1);
    let edits = adding(&[Entry {
        label: "a\0b",
        der: &der,
    }]);
    let error = create(Version::V4, &edits, PASSWORD, &SALT).unwrap_err();
    assert_eq!(error, KdbError::LabelHasZero);
}

#[test]
fn version_3_is_not_made() {
    let error = create(Version::V3, &Edits::default(), PASSWORD, &SALT).unwrap_err();
    assert_eq!(error, KdbError::ReadOnly);
}

#[test]
fn a_large_certificate_gets_room_and_many_small_ones_no_more_than_they_need() {
    let large = sized(1, 9000);
    let bytes = created(
        Version::V6,
        &[Entry {
            label: "large",
            der: &large,
        }],
    );
    assert_eq!(opened(&bytes).get(0).unwrap().der, large);
    assert_eq!(bytes.len(), 0x90 + 9500);
    let small = certificate(2);
    let entry = Entry {
        label: "small",
        der: &small,
    };
    let bytes = created(Version::V6, &vec![entry; 1000]);
    assert_eq!(bytes.len(), 0x90 + 1000 * 500);
    assert_eq!(opened(&bytes).len(), 1000);
}

#[test]
fn the_digest_tells_every_state_from_every_other() {
    let (first, second) = (certificate(1), certificate(2));
    let entry = |der| Entry { label: "a", der };
    let states = [
        created(Version::V4, &[]),
        created(Version::V6, &[]),
        created(Version::V6, &[entry(&first)]),
        created(Version::V6, &[entry(&second)]),
        create(Version::V6, &Edits::default(), PASSWORD, &[9; 23]).unwrap(),
        create(Version::V6, &Edits::default(), b"other", &SALT).unwrap(),
    ];
    let digests: std::collections::BTreeSet<_> =
        states.iter().map(|state| digest(state).unwrap()).collect();
    assert_eq!(digests.len(), states.len());
    for state in &states[..5] {
        assert_eq!(opened(state).digest(), &digest(state).unwrap());
    }
}

#[test]
fn passwords_of_every_length_open_what_they_made() {
    for length in [0, 1, 63, 64, 65, 127, 128, 129, 300] {
        let password = vec![b'p'; length];
        for version in WRITTEN {
            let bytes = create(version, &Edits::default(), &password, &SALT).unwrap();
            assert!(read(bytes.clone(), &password).is_ok(), "{length}");
            let longer = vec![b'p'; length + 1];
            assert_eq!(
                read(bytes, &longer).unwrap_err(),
                KdbError::WrongPassword,
                "{length}"
            );
        }
    }
}

#[test]
fn debug_output_shows_no_contents() {
    let der = certificate(1);
    let database = opened(&created(
        Version::V6,
        &[Entry {
            label: "secret name",
            der: &der,
        }],
    ));
    let shown = format!("{database:?}");
    assert!(shown.contains("certificates: 1"));
    assert!(!shown.contains("secret name") && shown.len() < 200);
}
