//! Tests of files that were altered, cut or made longer, each byte of several kinds of files.

use super::*;

/// A small file as it is written here.
fn own() -> Vec<u8> {
    let der = certificate(1, 40);
    written(&[Entry {
        label: "a",
        der: &der,
    }])
}

/// One as others write it: a key in clear bytes, certificates encrypted, another authenticator.
fn foreign() -> Vec<u8> {
    let name = attribute(ids::FRIENDLY_NAME, &wrap(BMP_STRING, &[&[0, b'x']]));
    let key = wrap(OCTET_STRING, &[b"an encrypted key"]);
    let own = certificate_bag(&certificate(1, 30), &[&key_id(b"k")]);
    file(&[
        &clear(&[&bag(ids::SHROUDED_KEY_BAG, &key, &[&key_id(b"k")])]),
        &sealed(&[&own, &certificate_bag(&certificate(2, 20), &[&name])]),
    ])
}

fn samples() -> [(&'static str, Vec<u8>); 3] {
    [
        ("own", own()),
        ("foreign", foreign()),
        ("BER", ber::sample()),
    ]
}

#[test]
fn no_bit_can_be_changed() {
    for (name, bytes) in samples() {
        let mut password = password();
        assert!(read(bytes.clone(), &mut password).is_ok());
        for place in 0..bytes.len() {
            for change in [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff] {
                // Deriving a key for each bit of a salt says no more than for some.
                if name == "own" && ![0x01, 0x80, 0xff].contains(&change) {
                    continue;
                }
                let mut changed = bytes.clone();
                changed[place] ^= change;
                let result = read(changed, &mut password);
                assert!(result.is_err(), "{name}: byte {place}, {change:#x}");
            }
        }
    }
}

#[test]
fn a_file_cut_anywhere_is_truncated() {
    for (name, bytes) in samples() {
        for length in 0..bytes.len() {
            assert_eq!(
                read_error(&bytes[..length]),
                P12Error::Truncated,
                "{name}: {length}"
            );
        }
    }
}

#[test]
fn bytes_after_the_end_are_refused() {
    for (name, mut bytes) in samples() {
        bytes.extend_from_slice(b"\r\n");
        assert_eq!(
            read_error(&bytes),
            P12Error::TrailingBytes { count: 2 },
            "{name}"
        );
    }
}

#[test]
fn another_password_is_told_from_other_contents() {
    let der = certificate(1, 600);
    let bytes = written(&[Entry {
        label: "a",
        der: &der,
    }]);
    // Where the last byte of the authenticator is, counted from the end.
    for (bytes, last) in [(bytes, 24), (ber::sample(), 10)] {
        let wrong = read(bytes.clone(), &mut Password::new("Changeit"));
        assert_eq!(wrong.unwrap_err(), P12Error::WrongPassword);
        let size = bytes.len();
        // The other place is well within what is encrypted.
        for place in [size - last, size / 2] {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            assert_eq!(read_error(&changed), P12Error::Altered);
        }
    }
}
