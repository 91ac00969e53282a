//! Tests of files that were altered, cut, lengthened or made to lie.

use proptest::prelude::*;

use super::*;
use crate::edit::Edit;

fn two(version: Version) -> Vec<u8> {
    let (first, second) = (certificate(1), certificate(2));
    created(
        version,
        &[
            Entry {
                label: "first",
                der: &first,
            },
            Entry {
                label: "second",
                der: &second,
            },
        ],
    )
}

// In small slots, because every change of a byte is authenticated anew.
#[test]
fn any_byte_that_is_changed_is_an_error() {
    let slots = [
        slot(1, &value(1), b"first", FLAGS),
        slot(2, &value(2), b"second", FLAGS),
    ];
    for version in [4, 6] {
        let whole = file(version, 2, b"X509KEY\0", 300, &slots);
        assert_eq!(labels(&opened(&whole)), ["first", "second"]);
        let start = Frame::read(&whole).unwrap().start();
        let mut changed = whole.clone();
        for position in 0..whole.len() {
            for flip in [0x01, 0x80, 0xff] {
                changed[position] ^= flip;
                let error = read_error(&changed);
                assert!(
                    position < start || error == KdbError::Altered,
                    "{position}: {error}"
                );
                changed[position] ^= flip;
            }
        }
        assert_eq!(changed, whole);
    }
}

#[test]
fn any_other_value_in_the_header_is_an_error() {
    for version in WRITTEN {
        let whole = created(version, &[]);
        let start = Frame::read(&whole).unwrap().start();
        for position in 0..start {
            for value in 0..=u8::MAX {
                let mut changed = whole.clone();
                changed[position] = value;
                assert_eq!(
                    read(changed, PASSWORD).is_ok(),
                    value == whole[position],
                    "{position} {value}"
                );
            }
        }
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_an_error() {
    for version in WRITTEN {
        let whole = two(version);
        for length in 0..whole.len() {
            let error = read_error(&whole[..length]);
            match length {
                0 => assert_eq!(error, KdbError::NotAKeyDatabase),
                1..0x30 => assert_eq!(
                    error,
                    KdbError::Truncated {
                        missing: 0x30 - length
                    }
                ),
                _ => assert_eq!(
                    error,
                    KdbError::Truncated {
                        missing: whole.len() - length
                    }
                ),
            }
        }
    }
}

#[test]
fn a_file_that_is_longer_than_it_says_is_an_error() {
    for more in [1, 20, 4999, 5000, 10_000] {
        let mut bytes = two(Version::V6);
        bytes.resize(bytes.len() + more, 0);
        assert_eq!(read_error(&bytes), KdbError::TrailingBytes { count: more });
        assert_eq!(digest(&bytes), Err(KdbError::TrailingBytes { count: more }));
    }
}

#[test]
fn another_password_is_told_from_other_contents() {
    for version in WRITTEN {
        let mut bytes = two(version);
        assert_eq!(
            read(bytes.clone(), b"example-pass-1").unwrap_err(),
            KdbError::WrongPassword
        );
        assert_eq!(
            read(bytes.clone(), b"").unwrap_err(),
            KdbError::WrongPassword
        );
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        assert_eq!(read_error(&bytes), KdbError::Altered);
        assert_eq!(
            read(bytes, b"example-pass-1").unwrap_err(),
            KdbError::WrongPassword
        );
    }
}

#[test]
fn sizes_and_counts_that_lie_are_errors() {
    let whole = two(Version::V6);
    let with = |place: usize, number: u32| {
        let mut bytes = whole.clone();
        bytes[place..place + 4].copy_from_slice(&number.to_be_bytes());
        // With authenticators that fit, where a file can have that size.
        seal(&mut bytes);
        read_error(&bytes)
    };
    for size in [0, 1, 15, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
        assert_eq!(with(0x10, size), KdbError::RecordSize { found: size });
    }
    assert_eq!(with(0x10, 4999), KdbError::TrailingBytes { count: 2 });
    assert_eq!(with(0x10, 5001), KdbError::Truncated { missing: 2 });
    assert_eq!(with(0x14, 0), KdbError::TrailingBytes { count: 10_000 });
    assert_eq!(with(0x14, 1), KdbError::TrailingBytes { count: 5000 });
    assert_eq!(with(0x14, 3), KdbError::Truncated { missing: 5000 });
    for count in [0x7fff_ffff, 0x8000_0000, u32::MAX] {
        assert!(matches!(with(0x14, count), KdbError::Truncated { .. }));
    }
    // A size and a count that agree with the file, and not with what is in it.
    let mut bytes = whole.clone();
    bytes[0x10..0x14].copy_from_slice(&2500_u32.to_be_bytes());
    bytes[0x14..0x18].copy_from_slice(&4_u32.to_be_bytes());
    assert_eq!(read_error(&bytes), KdbError::WrongPassword);
}

#[test]
fn more_records_than_the_bound_are_an_error() {
    let count = u32::try_from(MAX_RECORDS + 1).unwrap();
    let mut bytes = created(Version::V4, &[]);
    bytes[0x10..0x14].copy_from_slice(&16_u32.to_be_bytes());
    bytes[0x14..0x18].copy_from_slice(&count.to_be_bytes());
    bytes.resize(bytes.len() + 16 * (MAX_RECORDS + 1), 0);
    assert_eq!(read_error(&bytes), KdbError::TooMany);
}

#[test]
fn other_versions_and_files_are_told() {
    for found in [0, 1, 2, 5, 7, 0xff] {
        let mut bytes = two(Version::V6);
        bytes[2] = found;
        assert_eq!(read_error(&bytes), KdbError::Version { found });
        assert_eq!(header(&bytes), Err(KdbError::Version { found }));
    }
    let whole = two(Version::V6);
    for (place, value) in [(0, 0x30), (1, 0x49), (3, 1), (3, 3), (8, b'Y'), (15, 1)] {
        let mut bytes = whole.clone();
        bytes[place] = value;
        assert_eq!(read_error(&bytes), KdbError::NotAKeyDatabase, "{place}");
    }
    for other in [&b"-----BEGIN"[..], &[0; 200], b"\x30\x82", b"7", b"7I"] {
        let error = read_error(other);
        let cut = matches!(error, KdbError::Truncated { .. });
        assert!(cut == (other == b"7"), "{other:?}: {error}");
        assert!(cut || error == KdbError::NotAKeyDatabase, "{other:?}");
    }
}

#[test]
fn lengths_that_do_not_fit_their_record_are_errors() {
    let good = slot(1, &value(1), b"label", FLAGS);
    let label = good.len() - 6 - b"label".len() - 4;
    for (place, number) in [
        (8, 0),
        (8, 589),
        (8, 600),
        (8, 0x7fff_ffff),
        (8, 0x8000_0000),
        (8, u32::MAX),
        (label, 600),
        (label, 0x8000_0000),
        (label, u32::MAX),
    ] {
        let mut bad = good.clone();
        bad[place..place + 4].copy_from_slice(&u32::to_be_bytes(number));
        let error = read_error(&keys(&[good.clone(), bad]));
        assert!(
            matches!(
                error,
                KdbError::Record { record: 2 } | KdbError::Malformed { record: 2, .. }
            ),
            "{place} {number}: {error}"
        );
    }
    // A slot that ends right after the label is whole.
    let exact = good[..good.len() - 6].to_vec();
    let bytes = file(6, 2, b"X509KEY\0", exact.len(), &[exact]);
    assert_eq!(labels(&opened(&bytes)), ["label"]);
}

#[test]
fn a_certificate_that_is_none_is_an_error() {
    let whole = certificate(1);
    let twice = wrap(0xa1, &[&whole, &whole]);
    // What an implicit tag would look like: the certificate without its own.
    let implicit = wrap(0xa1, &[&whole[2..]]);
    for value in [twice, implicit, wrap(0xa1, &[]), wrap(0xa1, &[&[4, 1, 0]])] {
        let error = read_error(&keys(&[slot(1, &value, b"a", FLAGS)]));
        assert!(
            matches!(error, KdbError::Malformed { record: 1, .. }),
            "{error}"
        );
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = header(&bytes);
        let _ = digest(&bytes);
        let _ = read(bytes, PASSWORD);
    }

    #[test]
    fn any_bytes_after_a_header_are_read_without_panic(
        version in prop_oneof![Just(3_u8), Just(4), Just(6), any::<u8>()],
        name in prop_oneof![Just(b"\x02X509KEY\0"), Just(b"\x01X509KYP\0"), Just(b"\x01X509CRL\0")],
        slots in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 0..4),
        word in prop::option::of(0..4_u32),
    ) {
        let mut slots = slots;
        for slot in &mut slots {
            if let (Some(word), true) = (word, slot.len() >= 4) {
                slot[..4].copy_from_slice(&word.to_be_bytes());
            }
        }
        let bytes = file(version, name[0], name[1..].try_into().unwrap(), 100, &slots);
        let _ = read(bytes, PASSWORD);
    }

    // With authenticators that fit, whatever is in the records reaches every parser.
    #[test]
    fn any_records_are_read_and_edited_without_panic(
        changes in prop::collection::vec((0..1200_usize, any::<u8>()), 0..12),
        edits in prop::collection::btree_map(0..3_usize, prop::option::of("[a-zé]{0,700}"), 0..3),
        added in any::<bool>(),
    ) {
        let key = wrap(0xa2, &[&wrap(SEQUENCE, &[&certificate(3), &wrap(SEQUENCE, &[&[5, 0]])])]);
        let mut bytes = keys(&[slot(1, &value(1), b"one", FLAGS), slot(2, &key, b"two", FLAGS)]);
        for (place, byte) in changes {
            bytes[0x90 + place] = byte;
        }
        seal(&mut bytes);
        if let Ok(database) = read(bytes, PASSWORD) {
            let _ = database.certificates().count() + database.key_records().count();
            let der = certificate(9);
            let edits = Edits {
                changes: edits
                    .iter()
                    .map(|(place, label)| {
                        (*place, label.as_deref().map_or(Edit::Remove, Edit::Label))
                    })
                    .collect(),
                added: added.then_some(Entry { label: "new", der: &der }).into_iter().collect(),
            };
            if let Ok(written) = rewrite(&database, &edits, PASSWORD, &SALT) {
                let again = read(written, PASSWORD).unwrap();
                prop_assert_eq!(again.keys(), database.keys());
                prop_assert_eq!(again.others(), database.others());
            }
        }
    }
}
