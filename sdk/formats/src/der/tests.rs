//! Tests of the DER reader and writer.

use proptest::prelude::*;

use super::*;

fn read_one(bytes: &[u8]) -> Result<Element<'_>, DerError> {
    let mut reader = Reader::new(bytes);
    let element = reader.any()?;
    reader.finish()?;
    Ok(element)
}

#[test]
fn lengths_at_each_edge_are_read_as_written() {
    for length in [0, 1, 127, 128, 255, 256, 65_535, 65_536, 16_777_216] {
        let mut bytes = Vec::new();
        header(&mut bytes, SEQUENCE, length);
        bytes.resize(bytes.len() + length, 7);
        assert_eq!(bytes.len(), size(length), "{length}");
        let element = read_one(&bytes).unwrap();
        assert_eq!(element.contents.len(), length);
        assert_eq!(element.range(), bytes.len() - length..bytes.len());
    }
}

#[test]
fn lengths_that_are_not_der_are_refused() {
    let cases: [(&[u8], DerError); 8] = [
        (
            &[0x30, 0x80, 0, 0],
            DerError::IndefiniteLength { offset: 0 },
        ),
        (&[0x30, 0x81, 0x01, 0], DerError::Length { offset: 0 }),
        (&[0x30, 0x82, 0x00, 0x80], DerError::Length { offset: 0 }),
        (&[0x30, 0x85, 1, 0, 0, 0, 0], DerError::Length { offset: 0 }),
        (&[0x30, 0x82, 0x01], DerError::Truncated { offset: 0 }),
        (&[0x30, 0x02, 0x01], DerError::Truncated { offset: 0 }),
        (&[0x30], DerError::Truncated { offset: 0 }),
        (&[0x3f, 0x20, 0x00], DerError::LongTag { offset: 0 }),
    ];
    for (bytes, error) in cases {
        assert_eq!(read_one(bytes), Err(error), "{bytes:02x?}");
    }
    assert_eq!(
        read_one(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]),
        Err(DerError::Truncated { offset: 0 })
    );
}

#[test]
fn leftovers_are_refused_and_counted() {
    assert_eq!(
        read_one(&[5, 0, 1, 2]),
        Err(DerError::Trailing {
            offset: 2,
            count: 2
        })
    );
    assert!(is_one_sequence(&[0x30, 1, 0]));
    assert!(!is_one_sequence(&[0x30, 1, 0, 0]));
    assert!(!is_one_sequence(&[0x31, 0]));
    assert!(!is_one_sequence(&[]));
}

#[test]
fn offsets_count_from_the_outermost_reader() {
    let bytes = [0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x07];
    let outer = read_one(&bytes).unwrap();
    let inner = outer.reader().expect(SEQUENCE).unwrap();
    assert_eq!(inner.range(), 4..7);
    assert_eq!(
        inner.reader().expect(OID),
        Err(DerError::Tag {
            offset: 4,
            expected: OID,
            found: INTEGER
        })
    );
    assert_eq!(inner.reader().unsigned(), Ok(7));
}

#[test]
fn numbers_in_other_than_their_shortest_form_are_refused() {
    for wrong in [
        &[2, 0][..],
        &[2, 1, 0x80],
        &[2, 2, 0, 0x7f],
        &[2, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0],
    ] {
        assert_eq!(
            Reader::new(wrong).unsigned(),
            Err(DerError::Value { offset: 2 }),
            "{wrong:02x?}"
        );
    }
    assert_eq!(Reader::new(&[2, 2, 0, 0x80]).unsigned(), Ok(128));
}

#[test]
fn an_opening_nests_without_moving_the_contents() {
    let opening = Opening::of(300)
        .within(OCTET_STRING)
        .after(&[5, 0])
        .before(2)
        .within(SEQUENCE);
    let mut bytes = Vec::new();
    opening.write(&mut bytes);
    assert_eq!(bytes.len(), opening.len());
    bytes.resize(bytes.len() + 300, 9);
    bytes.extend_from_slice(&[5, 0]);
    assert_eq!(bytes.len(), opening.size());

    let mut inside = read_one(&bytes).unwrap().reader();
    assert_eq!(inside.expect(NULL).unwrap().contents, []);
    assert_eq!(inside.expect(OCTET_STRING).unwrap().contents, [9; 300]);
    assert_eq!(inside.expect(NULL).unwrap().contents, []);
    inside.finish().unwrap();
}

#[test]
fn identifiers_are_shown_dotted() {
    assert_eq!(
        dotted(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d]),
        "1.2.840.113549"
    );
    assert_eq!(dotted(&[0x55, 0x1d, 0x25, 0x00]), "2.5.29.37.0");
    assert_eq!(dotted(&[0x88, 0x37, 0x03]), "2.999.3");
    assert_eq!(dotted(&[]), "");
    assert_eq!(dotted(&[0x2a, 0x86]), "2a86");
    assert_eq!(dotted(&[0xff; 12]), "ff".repeat(12));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut reader = Reader::new(&bytes);
        while let Ok(element) = reader.any() {
            prop_assert_eq!(&bytes[element.range()], element.contents);
            let _ = element.reader().unsigned();
            let _ = dotted(element.contents);
        }
        let _ = reader.finish();
    }

    #[test]
    fn every_number_is_read_as_written(value: u32) {
        let mut bytes = Vec::new();
        integer(&mut bytes, value);
        let mut reader = Reader::new(&bytes);
        prop_assert_eq!(reader.unsigned(), Ok(u64::from(value)));
        prop_assert!(reader.is_empty());
    }
}
