//! Tests of what other programs put into their files.

use super::*;
use crate::edit::Edit;

fn sealed_key() -> Vec<u8> {
    wrap(SEQUENCE, &[&wrap(SEQUENCE, &[&[5, 0]]), &[4, 2, 7, 7]])
}

/// A record of a certificate with its private key.
fn key_with_certificate(seed: u8) -> Vec<u8> {
    wrap(
        0xa2,
        &[&wrap(SEQUENCE, &[&certificate(seed), &sealed_key()])],
    )
}

/// A record of a request with its private key.
fn key_with_request(seed: u8) -> Vec<u8> {
    let signed = wrap(
        SEQUENCE,
        &[
            &[2, 1, 0],
            &wrap(SEQUENCE, &[]),
            &public(seed),
            &wrap(0xa0, &[]),
        ],
    );
    let request = wrap(
        SEQUENCE,
        &[
            &signed,
            &wrap(SEQUENCE, &[&[5, 0]]),
            &wrap(BIT_STRING, &[&[0, 1]]),
        ],
    );
    wrap(0xa0, &[&wrap(SEQUENCE, &[&request, &sealed_key()])])
}

/// A record of a cipher's key.
fn secret_key() -> Vec<u8> {
    wrap(0xa3, &[&sealed_key()])
}

#[test]
fn private_keys_are_counted_and_told_by_their_public_half() {
    let database = opened(&keys(&[
        slot(1, &key_with_certificate(1), b"mine", FLAGS),
        slot(2, &value(2), b"a CA", FLAGS),
        slot(3, &key_with_request(3), b"asked for", FLAGS),
        slot(4, &secret_key(), b"cipher", FLAGS),
    ]));
    let found: Vec<_> = database
        .key_records()
        .map(|key| (key.label, key.public.map(<[u8]>::to_vec)))
        .collect();
    assert_eq!(
        found,
        [
            ("mine", Some(public(1))),
            ("asked for", Some(public(3))),
            ("cipher", None)
        ]
    );
    assert_eq!((database.keys(), database.others()), (3, 0));
    let read: Vec<_> = database.certificates().collect();
    assert_eq!(labels(&database), ["mine", "a CA"]);
    assert!(read[0].of_key && !read[0].flags_known);
    assert_eq!(read[0].der, certificate(1));
    assert!(!read[1].of_key && read[1].flags_known);
}

#[test]
fn a_key_whose_public_half_cannot_be_read_is_still_counted() {
    for inside in [
        wrap(SEQUENCE, &[&wrap(SEQUENCE, &[]), &sealed_key()]),
        wrap(SEQUENCE, &[]),
        vec![5, 0],
        vec![0x30, 0x7f],
        Vec::new(),
    ] {
        for tag in [0xa0, 0xa2] {
            let database = opened(&keys(&[slot(1, &wrap(tag, &[&inside]), b"k", FLAGS)]));
            let found: Vec<_> = database.key_records().collect();
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].public, None);
        }
    }
}

#[test]
fn only_the_one_value_of_the_flags_is_known() {
    let cases: [(&[u8], bool); 8] = [
        (FLAGS, true),
        // Without the bit that a real GSKit sets for trust; then with another bit.
        (&[3, 1, 0], false),
        (&[3, 2, 0x06, 0xc0], false),
        (&[3, 2, 0x06, 0x40], false),
        (&[3, 2, 0x07, 0x00], false),
        (&[4, 2, 0x07, 0x80], false),
        (&[], false),
        (&[3, 2, 0x07, 0x80, 5, 0], false),
    ];
    for (flags, known) in cases {
        let database = opened(&keys(&[slot(1, &value(1), b"a", flags)]));
        assert_eq!(database.get(0).unwrap().flags_known, known, "{flags:?}");
    }
}

#[test]
fn what_was_deleted_is_neither_listed_nor_counted() {
    let live = slot(1, &value(1), b"live", FLAGS);
    let mut deleted = slot(2, &value(2), b"deleted", FLAGS);
    deleted[3] = 2;
    let mut key = slot(3, &key_with_certificate(3), b"deleted key", FLAGS);
    key[3] = 2;
    let bytes = keys(&[deleted, live, key]);
    let database = opened(&bytes);
    assert_eq!(labels(&database), ["live"]);
    assert_eq!((database.keys(), database.others()), (0, 0));
    // Nobody asked for it to go, and its number stays taken.
    let der = certificate(4);
    let edits = adding(&[Entry {
        label: "new",
        der: &der,
    }]);
    let written = rewrite(&database, &edits, PASSWORD, &SALT).unwrap();
    assert_eq!(written[0x90..0x90 + 1800], bytes[0x90..]);
    assert_eq!(written[0x90 + 1800 + 4..][..4], [0, 0, 0, 4]);
    assert_eq!(labels(&opened(&written)), ["live", "new"]);
}

#[test]
fn records_of_unknown_forms_are_counted_and_stay() {
    let nothing = wrap(SEQUENCE, &[]);
    let slots = [
        slot(2, &wrap(0xa4, &[&[5, 0]]), b"choice", FLAGS),
        slot_of(1, 3, &nothing, b"empty", &[]),
        slot_of(1, 4, &wrap(SEQUENCE, &[&[2, 1, 4]]), b"number", &[]),
        slot_of(1, 5, &wrap(SEQUENCE, &[&[2, 1, 4], &value(1)]), b"", &[]),
        slot_of(
            1,
            6,
            &wrap(SEQUENCE, &[&[2, 1, 4], &value(1), &[2, 1, 1], FLAGS]),
            b"label of another type",
            &[],
        ),
        slot(7, &value(7), b"certificate", FLAGS),
    ];
    let bytes = keys(&slots);
    let database = opened(&bytes);
    assert_eq!(database.others(), 5);
    assert_eq!(labels(&database), ["certificate"]);
    let edits = Edits {
        changes: [(0, Edit::Remove)].into(),
        added: Vec::new(),
    };
    let written = rewrite(&database, &edits, PASSWORD, &SALT).unwrap();
    assert_eq!(written[0x90..], bytes[0x90..bytes.len() - 600]);
    assert_eq!(opened(&written).others(), 5);
}

// GSKit trusts whatever is in such a slot, so it may not be hidden from whoever looks.
#[test]
fn a_record_is_there_unless_its_slot_says_deleted() {
    for word in [0, 3, 9, 0x101, 0x8000_0001, u32::MAX] {
        let mut bytes = slot(1, &value(1), b"word", FLAGS);
        bytes[..4].copy_from_slice(&u32::to_be_bytes(word));
        let database = opened(&keys(&[bytes]));
        assert_eq!(labels(&database), ["word"], "{word:x}");
        assert_eq!(database.others(), 0);
    }
    // Without a record in it GSKit refuses the file.
    assert!(matches!(
        read_error(&keys(&[Vec::new()])),
        KdbError::Malformed { record: 1, .. }
    ));
}

#[test]
fn labels_are_read_as_utf_8_or_else_as_latin_1() {
    let database = opened(&keys(&[
        slot(1, &value(1), "Prüfung".as_bytes(), FLAGS),
        slot(2, &value(2), b"Pr\xfcfung", FLAGS),
        slot(3, &value(3), b"", FLAGS),
        // One program ends labels with a zero.
        slot(4, &value(4), b"ended\0", FLAGS),
        // And nobody reads on behind one.
        slot(5, &value(5), b"seen\0hidden", FLAGS),
    ]));
    assert_eq!(
        labels(&database),
        ["Prüfung", "Prüfung", "", "ended", "seen"]
    );
}

#[test]
fn version_3_is_read_and_says_that_it_may_have_been_altered() {
    let slots = [slot(1, &value(1), b"old", FLAGS)];
    let mut bytes = file(3, 2, b"X509KEY\0", 600, &slots);
    let database = opened(&bytes);
    assert_eq!(database.header().version, Version::V3);
    assert!(!database.is_authenticated());
    assert_eq!(labels(&database), ["old"]);
    assert_eq!(
        rewrite(&database, &Edits::default(), PASSWORD, &SALT),
        Err(KdbError::ReadOnly)
    );
    assert_eq!(
        read(bytes.clone(), b"other").unwrap_err(),
        KdbError::WrongPassword
    );
    // So its digest rests on all of it.
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    assert_ne!(opened(&bytes).digest(), database.digest());
}

// MD5 of the header and then the password, by another program.
#[test]
fn the_password_of_version_3_is_checked_as_others_do() {
    let bytes = file(3, 2, b"X509KEY\0", 5000, &[]);
    assert_eq!(
        HEXLOWER.encode(&bytes[0x30..0x40]),
        "a51720b149f17fcab8a367feb174ce56"
    );
}

#[test]
fn requests_and_revocations_are_read_for_what_they_hold() {
    for version in [3, 4, 6] {
        let requests = [slot(1, &key_with_request(1), b"asked for", FLAGS)];
        let database = opened(&file(version, 1, b"X509KYP\0", 600, &requests));
        assert_eq!(database.header().content, Content::Requests);
        assert_eq!(database.key_records().next().unwrap().label, "asked for");
        assert!(database.is_empty());
        let edits = Edits::default();
        assert_eq!(
            rewrite(&database, &edits, PASSWORD, &SALT),
            Err(KdbError::ReadOnly)
        );
        let lists = [slot_of(1, 1, b"any bytes", b"", &[])];
        let database = opened(&file(version, 1, b"X509CRL\0", 600, &lists));
        assert_eq!(database.header().content, Content::Revocations);
        assert_eq!(
            (database.len(), database.keys(), database.others()),
            (0, 0, 1)
        );
    }
}
