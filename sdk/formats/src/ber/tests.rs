//! Tests of BER: made here in every way that the standard allows, and by openssl.

use proptest::prelude::*;

use super::convert::room;
use super::*;
use crate::der::{self, BIT_STRING, INTEGER, OCTET_STRING, OID, SEQUENCE, SET, wrap};
use crate::workshop::Workshop;

/// One value, before it is known how it is written.
#[derive(Clone, Debug)]
enum Value {
    Primitive(u8, Vec<u8>),
    Octets(Vec<u8>),
    Bits(u8, Vec<u8>),
    Nested(u8, Vec<Self>),
}

/// Decides how things are written, from numbers that come to an end.
struct Style<'a> {
    choices: core::iter::Cycle<core::slice::Iter<'a, u8>>,
}

impl<'a> Style<'a> {
    fn new(choices: &'a [u8]) -> Self {
        let choices = choices.iter().cycle();
        Self { choices }
    }

    fn choose(&mut self, from: u8) -> u8 {
        self.choices.next().copied().unwrap_or_default() % from
    }

    fn element(&mut self, tag: u8, contents: &[u8]) -> Vec<u8> {
        let length = u32::try_from(contents.len()).unwrap().to_be_bytes();
        let header = match self.choose(3) {
            0 if tag & CONSTRUCTED != 0 => {
                return [&[tag, 0x80], contents, &[0, 0]].concat();
            }
            1 => [&[tag, 0x84], &length[..]].concat(),
            2 => [&[tag, 0x87, 0, 0, 0], &length[..]].concat(),
            _ => wrap(tag, &[contents])[..der::size(contents.len()) - contents.len()].to_vec(),
        };
        [&header, contents].concat()
    }

    /// A string, in pieces perhaps.
    fn string(&mut self, tag: u8, contents: &[u8], layers: u8) -> Vec<u8> {
        if layers == 0 || self.choose(2) == 0 {
            return self.element(tag, contents);
        }
        let (unused, contents) = match contents.split_first() {
            Some((unused, rest)) if tag == BIT_STRING => (Some(*unused), rest),
            _ => (None, contents),
        };
        let piece = usize::from(self.choose(5)) + 1;
        let last = contents.len().div_ceil(piece).saturating_sub(1);
        let mut pieces = Vec::new();
        for (index, part) in contents.chunks(piece).enumerate() {
            let count = if index == last { unused } else { Some(0) };
            let part = match (unused, count) {
                (Some(_), Some(count)) => [&[count], part].concat(),
                _ => part.to_vec(),
            };
            pieces.extend(self.string(tag, &part, layers - 1));
        }
        self.element(tag | CONSTRUCTED, &pieces)
    }

    fn write(&mut self, value: &Value) -> Vec<u8> {
        match value {
            Value::Primitive(tag, contents) => self.element(*tag, contents),
            Value::Octets(contents) => self.string(OCTET_STRING, contents, 2),
            Value::Bits(unused, contents) => {
                self.string(BIT_STRING, &[&[*unused], &contents[..]].concat(), 2)
            }
            Value::Nested(tag, values) => {
                let inside: Vec<u8> = values.iter().flat_map(|value| self.write(value)).collect();
                self.element(*tag, &inside)
            }
        }
    }
}

fn der_of(value: &Value) -> Vec<u8> {
    match value {
        Value::Primitive(tag, contents) => wrap(*tag, &[contents]),
        Value::Octets(contents) => wrap(OCTET_STRING, &[contents]),
        Value::Bits(unused, contents) => wrap(BIT_STRING, &[&[*unused], contents]),
        Value::Nested(tag, values) => {
            let inside: Vec<u8> = values.iter().flat_map(der_of).collect();
            wrap(*tag, &[&inside])
        }
    }
}

fn value() -> impl Strategy<Value = Value> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..40);
    let some = proptest::collection::vec(any::<u8>(), 1..40);
    let long = proptest::collection::vec(any::<u8>(), 120..300);
    let leaf = prop_oneof![
        (prop_oneof![Just(INTEGER), Just(0x80), Just(0x0c)], bytes())
            .prop_map(|(tag, bytes)| Value::Primitive(tag, bytes)),
        bytes().prop_map(Value::Octets),
        long.prop_map(Value::Octets),
        (0..8_u8, some).prop_map(|(unused, bytes)| Value::Bits(unused, bytes)),
    ];
    let tags = prop_oneof![Just(SEQUENCE), Just(SET), Just(0xa0), Just(0x61)];
    leaf.prop_recursive(6, 64, 5, move |inner| {
        (tags.clone(), proptest::collection::vec(inner, 0..5))
            .prop_map(|(tag, values)| Value::Nested(tag, values))
    })
}

proptest! {
    #[test]
    fn however_it_is_written_the_der_is_the_same(
        value in value(),
        choices in proptest::collection::vec(any::<u8>(), 1..60),
    ) {
        let ber = Style::new(&choices).write(&value);
        let expected = der_of(&value);
        prop_assert_eq!(to_der(&ber), Ok(expected.clone()));
        prop_assert_eq!(to_der(&expected), Ok(expected));
        let mut reader = Reader::new(&ber);
        prop_assert_eq!(reader.any().unwrap().whole, &ber[..]);
        prop_assert!(reader.is_empty());
    }

    #[test]
    fn what_is_cut_short_is_an_error(
        value in value(),
        choices in proptest::collection::vec(any::<u8>(), 1..60),
        at in any::<proptest::sample::Index>(),
    ) {
        let ber = Style::new(&choices).write(&value);
        let cut = &ber[..at.index(ber.len())];
        prop_assert!(to_der(cut).is_err());
        prop_assert!(Reader::new(cut).any().is_err());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(der) = to_der(&bytes) {
            let again = to_der(&der);
            prop_assert_eq!(again, Ok(der));
            prop_assert!(Reader::new(&bytes).any().is_ok());
        }
    }
}

#[test]
fn nothing_is_moved_that_somebody_may_have_to_wipe() {
    let secret = vec![0xaa; 70_000];
    let piece = wrap(OCTET_STRING, &[&secret]);
    let string = [&[0x24, 0x80], &piece[..], &[0, 0]].concat();
    let mut layers = string;
    for _ in 0..20 {
        layers = [&[SEQUENCE, 0x80], &layers[..], &[0, 0]].concat();
    }
    let der = to_der(&layers).unwrap();
    assert!(der.len() > layers.len() - 2 * 22);
    assert!(der.capacity() >= der.len() && der.capacity() <= room(layers.len()));
}

#[test]
fn layers_are_bounded() {
    let nested = |count: usize| {
        let opened = [SEQUENCE, 0x80].repeat(count);
        [&opened[..], &[0; 2].repeat(count)].concat()
    };
    assert!(to_der(&nested(MAX_DEPTH)).is_ok());
    let offset = 2 * MAX_DEPTH;
    let error = DerError::Depth { offset };
    assert_eq!(to_der(&nested(MAX_DEPTH + 1)), Err(error));
    assert_eq!(to_der(&nested(1_000_000)), Err(error));
    // Who only passes over them does not care.
    assert!(Reader::new(&nested(1_000_000)).any().is_ok());
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (bytes, error) in [
        (&[][..], DerError::Truncated { offset: 0 }),
        (&[0x30], DerError::Truncated { offset: 0 }),
        (&[0x30, 0x80], DerError::Truncated { offset: 0 }),
        (&[0x30, 0x80, 0], DerError::Truncated { offset: 2 }),
        (&[0x30, 3, 0x30, 0x80, 0], DerError::Truncated { offset: 4 }),
        (&[0x30, 2, 0x30, 0x80], DerError::Truncated { offset: 2 }),
        (&[0x30, 2, 0, 0], DerError::Value { offset: 2 }),
        (&[0, 0], DerError::Value { offset: 0 }),
        (&[0x30, 0x80, 0, 1, 0], DerError::Value { offset: 2 }),
        (&[0x30, 0x80, 0, 0x81, 0], DerError::Value { offset: 2 }),
        (&[0x04, 0x80, 0, 0], DerError::Length { offset: 0 }),
        (&[0x3f, 0x81, 1, 0], DerError::LongTag { offset: 0 }),
        (
            &[5, 0, 5, 0],
            DerError::Trailing {
                offset: 2,
                count: 2,
            },
        ),
        (
            &[0x24, 0x80, 2, 1, 0, 0, 0],
            DerError::Tag {
                offset: 2,
                expected: OCTET_STRING,
                found: INTEGER,
            },
        ),
        // Unused bits in a piece that is not the last, and a piece without their count.
        (
            &[0x23, 8, 3, 2, 1, 2, 3, 2, 0, 2],
            DerError::Value { offset: 6 },
        ),
        (&[0x23, 2, 3, 0], DerError::Value { offset: 2 }),
    ] {
        assert_eq!(to_der(bytes), Err(error), "{bytes:x?}");
    }
    let long = [&[4, 0x89, 1][..], &[0; 8]].concat();
    assert_eq!(to_der(&long), Err(DerError::Length { offset: 0 }));
    let huge = [4, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    assert_eq!(to_der(&huge), Err(DerError::Truncated { offset: 0 }));
}

#[test]
fn strings_of_characters_are_in_pieces_of_octets() {
    let pieces = [0x2c, 0x80, 4, 1, b'a', 0x24, 3, 4, 1, b'b', 0, 0];
    assert_eq!(to_der(&pieces), Ok(vec![0x0c, 2, b'a', b'b']));
    assert_eq!(to_der(&[0x36, 0]), Ok(vec![0x16, 0]));
    assert_eq!(to_der(&[0x23, 0x80, 0, 0]), Ok(vec![3, 1, 0]));
}

#[test]
fn only_encrypted_contents_are_a_string_without_its_tag() {
    let identifier = wrap(OID, &[&[42, 3]]);
    let algorithm = wrap(SEQUENCE, &[&identifier]);
    let pieces = [0xa0, 0x80, 4, 1, 7, 4, 1, 8, 0, 0];
    let encrypted = wrap(SEQUENCE, &[&identifier, &algorithm, &pieces]);
    let whole = wrap(0x80, &[&[7, 8]]);
    let expected = wrap(SEQUENCE, &[&identifier, &algorithm, &whole]);
    assert_eq!(to_der(&encrypted), Ok(expected));
    // Explicit contents are a layer of their own.
    let data = wrap(SEQUENCE, &[&identifier, &[0xa0, 0x80, 4, 1, 7, 0, 0]]);
    let expected = wrap(SEQUENCE, &[&identifier, &wrap(0xa0, &[&[4, 1, 7]])]);
    assert_eq!(to_der(&data), Ok(expected));
    let other = wrap(SEQUENCE, &[&identifier, &algorithm, &[0xa0, 3, 2, 1, 7]]);
    assert_eq!(to_der(&other), Ok(other));
    let set = wrap(SET, &[&identifier, &algorithm, &[0xa0, 3, 4, 1, 7]]);
    assert_eq!(to_der(&set), Ok(set));
}

#[test]
fn openssl_reads_what_became_of_its_own_ber() {
    let Some(shop) = Workshop::open(&["openssl"]) else {
        return;
    };
    // The letter is longer than the pieces that openssl writes.
    let letter = b"one of many words ".repeat(2_000);
    shop.write("letter", &letter);
    shop.certificate("signer");
    let key = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    let written = ["-binary", "-outform", "DER", "-in", "letter", "-out", "ber"];
    let read = ["-binary", "-inform", "DER", "-in", "der"];
    let signer = ["-signer", "signer.pem", "-inkey", "signer.key"];
    let ca = ["-CAfile", "signer.pem", "-purpose", "any"];
    for (write, more, open, rest) in [
        ("-sign", &signer[..], "-verify", &ca[..]),
        (
            "-EncryptedData_encrypt",
            &["-aes256", "-secretkey", key],
            "-EncryptedData_decrypt",
            &["-secretkey", key],
        ),
    ] {
        let words = [&["cms", write, "-nodetach", "-stream"], &written[..], more].concat();
        let words: Vec<_> = words
            .into_iter()
            .filter(|word| write == "-sign" || *word != "-nodetach")
            .collect();
        shop.run("openssl", &words);
        let ber = shop.read("ber");
        assert_eq!(ber.get(1), Some(&0x80), "{write}: openssl writes BER");
        let der = to_der(&ber).unwrap();
        assert!(der::is_one_sequence(&der) && der.len() < ber.len());
        shop.write("der", &der);
        let opened = shop.run("openssl", &[&["cms", open], &read[..], rest].concat());
        assert_eq!(opened, letter, "{write}");
    }
}
