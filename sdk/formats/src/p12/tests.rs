//! Tests of PKCS#12 files that are made here.

use proptest::prelude::*;

use super::algorithm::identifier;
use super::encryption::{BLOCK, Encryption};
use super::hash::Hash;
use super::password::bmp_with_end;
use super::*;
use crate::der::{
    BMP_STRING, CONTEXT_0, CONTEXT_0_PRIMITIVE, NULL, OCTET_STRING, OID, SEQUENCE, SET, wrap,
};
use crate::edit::Key;

mod adverse;
mod ber;
mod rewrite;
mod tamper;

const RANDOM: Randomness = Randomness {
    salt: [1; 16],
    iv: [2; 16],
    mac_salt: [3; 16],
};

fn password() -> Password {
    Password::new("changeit")
}

/// Something that passes for a certificate here.
fn certificate(fill: u8, length: usize) -> Vec<u8> {
    wrap(SEQUENCE, &[&vec![fill; length]])
}

fn written(entries: &[Entry<'_>]) -> Vec<u8> {
    write(entries, &mut password(), &RANDOM).unwrap()
}

fn read_error(bytes: &[u8]) -> P12Error {
    read(bytes.to_vec(), &mut password()).unwrap_err()
}

/// A whole file around these parts, authenticated as other writers may do it.
fn file(parts: &[&[u8]]) -> Vec<u8> {
    let safe = wrap(SEQUENCE, parts);
    let mut key = [0; 64];
    let password = bmp_with_end("changeit");
    Hash::Sha512.pkcs12(3, &password, b"salt", 1, &mut key);
    let value = Hash::Sha512.authenticate(&key, &safe);
    let digest = wrap(
        SEQUENCE,
        &[
            &identifier(ids::SHA512, &wrap(NULL, &[])),
            &wrap(OCTET_STRING, &[&value]),
        ],
    );
    // The rounds are left out, which means one.
    file_with_mac(
        &safe,
        &wrap(SEQUENCE, &[&digest, &wrap(OCTET_STRING, &[b"salt"])]),
    )
}

fn file_with_mac(safe: &[u8], mac: &[u8]) -> Vec<u8> {
    let content = content(ids::DATA, &wrap(OCTET_STRING, &[safe]));
    wrap(SEQUENCE, &[&[2, 1, 3], &content, mac])
}

fn content(kind: &[u8], value: &[u8]) -> Vec<u8> {
    wrap(SEQUENCE, &[&wrap(OID, &[kind]), &wrap(CONTEXT_0, &[value])])
}

/// A part in clear with these bags.
fn clear(bags: &[&[u8]]) -> Vec<u8> {
    content(ids::DATA, &wrap(OCTET_STRING, &[&wrap(SEQUENCE, bags)]))
}

/// An encrypted part with these bags.
fn sealed(bags: &[&[u8]]) -> Vec<u8> {
    let encryption = Encryption::new(b"other salt", [9; BLOCK], 1);
    let mut bytes = wrap(SEQUENCE, bags);
    let length = bytes.len();
    bytes.resize((length / BLOCK + 1) * BLOCK, 0);
    encryption.encrypt(&mut bytes, length, &mut password());
    sealed_by(&encryption.write(), &bytes)
}

fn sealed_by(algorithm: &[u8], bytes: &[u8]) -> Vec<u8> {
    let info = wrap(
        SEQUENCE,
        &[
            &wrap(OID, &[ids::DATA]),
            algorithm,
            &wrap(CONTEXT_0_PRIMITIVE, &[bytes]),
        ],
    );
    content(ids::ENCRYPTED_DATA, &wrap(SEQUENCE, &[&[2, 1, 0], &info]))
}

fn bag(kind: &[u8], value: &[u8], attributes: &[&[u8]]) -> Vec<u8> {
    let set = wrap(SET, attributes);
    wrap(
        SEQUENCE,
        &[&wrap(OID, &[kind]), &wrap(CONTEXT_0, &[value]), &set],
    )
}

fn certificate_bag(der: &[u8], attributes: &[&[u8]]) -> Vec<u8> {
    let value = wrap(CONTEXT_0, &[&wrap(OCTET_STRING, &[der])]);
    let value = wrap(SEQUENCE, &[&wrap(OID, &[ids::X509]), &value]);
    bag(ids::CERT_BAG, &value, attributes)
}

fn attribute(kind: &[u8], value: &[u8]) -> Vec<u8> {
    wrap(SEQUENCE, &[&wrap(OID, &[kind]), &wrap(SET, &[value])])
}

fn key_id(id: &[u8]) -> Vec<u8> {
    attribute(ids::LOCAL_KEY_ID, &wrap(OCTET_STRING, &[id]))
}

#[test]
fn an_empty_store_has_no_parts() {
    let bytes = written(&[]);
    let frame = frame::Frame::read(&bytes).unwrap();
    assert_eq!(bytes[frame.safe], [0x30, 0]);
    let archive = read(bytes, &mut password()).unwrap();
    assert!(archive.is_empty());
    assert_eq!((archive.keys(), archive.others()), (0, 0));
}

#[test]
fn labels_of_every_kind_come_back() {
    let long = "x".repeat(70_000);
    let labels = [
        "",
        "a",
        "abc",
        "abcd",
        "Schlüssel",
        "東京",
        "\u{1f511} key",
        &long,
    ];
    let der = certificate(7, 300);
    let entries = labels.map(|label| Entry { label, der: &der });
    let archive = read(written(&entries), &mut password()).unwrap();
    assert_eq!(archive.len(), labels.len());
    for (found, entry) in archive.certificates().zip(entries) {
        assert_eq!(found.label, entry.label);
        assert_eq!(found.der, entry.der);
        assert!(found.trusted);
        assert!(!found.of_key);
    }
    assert_eq!(archive.get(1).unwrap().label, "a");
    assert_eq!(archive.get(labels.len()), None);
}

#[test]
fn contents_at_each_edge_of_a_block_are_padded() {
    for length in 0..40 {
        let der = certificate(1, length);
        let bytes = written(&[Entry {
            label: "a",
            der: &der,
        }]);
        let archive = read(bytes, &mut password()).unwrap();
        assert_eq!(archive.get(0).unwrap().der, der);
    }
}

#[test]
fn large_contents_are_decrypted_as_small_ones_are() {
    let ders: Vec<_> = (0..20).map(|fill| certificate(fill, 150_000)).collect();
    // One more byte moves the middle within its block.
    for extra in 0..3 {
        let last = certificate(99, extra);
        let entries: Vec<_> = ders
            .iter()
            .chain([&last])
            .map(|der| Entry { label: "", der })
            .collect();
        let archive = read(written(&entries), &mut password()).unwrap();
        let found: Vec<_> = archive.certificates().map(|found| found.der).collect();
        let expected: Vec<_> = entries.iter().map(|entry| entry.der).collect();
        assert!(found == expected, "{extra}");
    }
}

#[test]
fn a_large_part_with_another_password_is_refused() {
    let content = vec![7; 3 << 20];
    let mut bytes = [&content[..], &[0; BLOCK]].concat();
    let encryption = Encryption::new(b"salt", [2; BLOCK], 1);
    encryption.encrypt(&mut bytes, content.len(), &mut password());
    let mut wrong = bytes.clone();
    assert_eq!(
        encryption.decrypt(&mut wrong, &mut Password::new("other")),
        None
    );
    assert_eq!(
        encryption.decrypt(&mut bytes, &mut password()),
        Some(content.len())
    );
    assert!(bytes.starts_with(&content));
}

#[test]
fn what_is_no_certificate_is_not_written() {
    let good = certificate(1, 9);
    for der in [&[][..], &[0x30], &[0x30, 1, 0, 0], b"text"] {
        let entries = [
            Entry {
                label: "a",
                der: &good,
            },
            Entry { label: "b", der },
        ];
        assert_eq!(
            write(&entries, &mut password(), &RANDOM),
            Err(P12Error::NotACertificate { index: 1 })
        );
    }
}

#[test]
fn what_is_no_pkcs12_is_refused() {
    assert!(matches!(
        read_error(b"-----BEGIN CERTIFICATE-----"),
        P12Error::Malformed { .. }
    ));
    assert!(matches!(
        read_error(&certificate(2, 3)),
        P12Error::Malformed { .. }
    ));
    assert!(matches!(
        read_error(&[0x30, 0x80, 2, 1, 3, 0, 0]),
        P12Error::Malformed { .. }
    ));
    let mut old = written(&[]);
    assert_eq!(old[2..5], [2, 1, 3]);
    old[4] = 2;
    assert_eq!(read_error(&old), P12Error::Version);
}

#[test]
fn other_integrity_than_a_password_authenticator_is_refused() {
    let safe = wrap(SEQUENCE, &[]);
    assert_eq!(read_error(&file_with_mac(&safe, &[])), P12Error::NoMac);

    let signed = content(ids::SIGNED_DATA, &wrap(SEQUENCE, &[]));
    assert_eq!(
        read_error(&wrap(SEQUENCE, &[&[2, 1, 3], &signed])),
        P12Error::Signed
    );

    let mac = |algorithm: &[u8], size: usize, rounds: &[u8]| {
        let value = vec![0; size];
        let digest = wrap(SEQUENCE, &[algorithm, &wrap(OCTET_STRING, &[&value])]);
        let mac = wrap(SEQUENCE, &[&digest, &[4, 1, 0], rounds]);
        read_error(&file_with_mac(&safe, &mac))
    };
    let sha256 = identifier(ids::SHA256, &wrap(NULL, &[]));
    assert_eq!(mac(&sha256, 32, &[2, 1, 1]), P12Error::WrongPassword);
    assert_eq!(
        mac(&identifier(ids::SHA256, &[]), 32, &[2, 1, 1]),
        P12Error::WrongPassword
    );
    assert!(matches!(
        mac(&sha256, 20, &[2, 1, 1]),
        P12Error::Malformed { .. }
    ));
    assert_eq!(mac(&sha256, 32, &[2, 1, 0]), P12Error::Iterations);
    assert_eq!(
        mac(&sha256, 32, &[2, 4, 0x7f, 0xff, 0xff, 0xff]),
        P12Error::Iterations
    );
    assert_eq!(
        mac(
            &identifier(ids::PBMAC1, &wrap(SEQUENCE, &[])),
            32,
            &[2, 1, 1]
        ),
        P12Error::Pbmac1
    );
    assert_eq!(
        mac(
            &identifier(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 5], &[5, 0]),
            16,
            &[2, 1, 1]
        ),
        P12Error::UnknownAlgorithm {
            part: "authenticator",
            oid: "1.2.840.113549.2.5".into()
        }
    );
}

#[test]
fn what_is_refused_is_said_with_what_to_do() {
    for error in [
        P12Error::NoMac,
        P12Error::Pbmac1,
        P12Error::unknown("cipher", &[0x2a, 3]),
        P12Error::content(&[0x2a, 3]),
    ] {
        assert!(error.to_string().contains("export it again with"));
    }
    let index = 7;
    for error in [
        P12Error::CertificateOfKey { index },
        P12Error::NoSuchCertificate { index },
    ] {
        assert!(error.to_string().contains("certificate 7"));
    }
}

#[test]
fn unknown_algorithms_are_named() {
    let good = Encryption::new(b"salt", [0; BLOCK], 1).write();
    let swap = |from: &[u8], to: &[u8]| -> Vec<u8> {
        let place = good.windows(from.len()).position(|w| w == from).unwrap();
        let mut changed = good.clone();
        changed[place..place + from.len()].copy_from_slice(to);
        changed
    };
    let last = |oid: &[u8], arc: u8| [&oid[..oid.len() - 1], &[arc]].concat();
    for (from, arc, part, oid) in [
        (ids::PBES2, 10, "encryption", "1.2.840.113549.1.5.10"),
        (ids::PBKDF2, 99, "key derivation", "1.2.840.113549.1.5.99"),
        (
            ids::HMAC_SHA256,
            12,
            "key derivation",
            "1.2.840.113549.2.12",
        ),
        (ids::AES_256_CBC, 46, "cipher", "2.16.840.1.101.3.4.1.46"),
    ] {
        let part_bytes = sealed_by(&swap(from, &last(from, arc)), &[0; BLOCK]);
        assert_eq!(
            read_error(&file(&[&part_bytes])),
            P12Error::UnknownAlgorithm {
                part,
                oid: oid.into()
            }
        );
    }
    let enveloped = content(&last(ids::DATA, 3), &wrap(SEQUENCE, &[]));
    assert_eq!(
        read_error(&file(&[&enveloped])),
        P12Error::Protection {
            oid: "1.2.840.113549.1.7.3".into()
        }
    );
}

#[test]
fn rounds_are_bounded_over_the_whole_file() {
    let part = |rounds| {
        sealed_by(
            &Encryption::new(b"salt", [0; BLOCK], rounds).write(),
            &[0; BLOCK],
        )
    };
    assert_eq!(read_error(&file(&[&part(0)])), P12Error::Iterations);
    assert_eq!(
        read_error(&file(&[&part(MAX_ITERATIONS + 1)])),
        P12Error::Iterations
    );
    let half = part(MAX_ITERATIONS / 2 + 1);
    assert_eq!(read_error(&file(&[&half, &half])), P12Error::Iterations);
}

#[test]
fn certificates_are_taken_from_clear_and_encrypted_parts() {
    let [one, two, three] = [1, 2, 3].map(|fill| certificate(fill, 50));
    let name = attribute(ids::FRIENDLY_NAME, &wrap(BMP_STRING, &[&[0, b'x']]));
    let parts = [
        clear(&[&certificate_bag(&one, &[])]),
        sealed(&[
            &certificate_bag(&two, &[&name]),
            &certificate_bag(&three, &[]),
        ]),
    ];
    let archive = read(file(&[&parts[0], &parts[1]]), &mut password()).unwrap();
    let found: Vec<_> = archive.certificates().map(|c| (c.label, c.der)).collect();
    assert_eq!(found, [("", &one[..]), ("x", &two), ("", &three)]);
    assert!(archive.certificates().all(|c| !c.trusted));
}

#[test]
fn keys_are_counted_wiped_and_paired_with_their_certificates() {
    let [own, chain] = [1, 2].map(|fill| certificate(fill, 50));
    let secret = wrap(OCTET_STRING, &[b"a private key in clear"]);
    let bags = [
        certificate_bag(&own, &[&key_id(b"k1")]),
        certificate_bag(&chain, &[&key_id(b"k2")]),
        bag(ids::KEY_BAG, &secret, &[&key_id(b"k1")]),
        bag(ids::SHROUDED_KEY_BAG, &secret, &[]),
        bag(&[0x2a, 3], &secret, &[]),
    ];
    let bags: Vec<&[u8]> = bags.iter().map(Vec::as_slice).collect();
    for part in [clear(&bags), sealed(&bags)] {
        let archive = read(file(&[&part]), &mut password()).unwrap();
        assert_eq!((archive.len(), archive.keys(), archive.others()), (2, 2, 1));
        let of_key: Vec<_> = archive.certificates().map(|c| c.of_key).collect();
        assert_eq!(of_key, [true, false]);
        let labels: Vec<_> = archive.key_records().map(|key| key.label).collect();
        assert_eq!(labels, ["", ""]);
        // Nor is anything left of the bag of another kind, whatever that may be.
        assert!(!archive.bytes.windows(11).any(|w| w == b"private key"));
        let shown = format!("{archive:?}");
        assert_eq!(shown, "Archive { certificates: 2, keys: 2, others: 1, .. }");
    }
}

#[test]
fn the_public_half_of_a_key_is_that_of_its_certificate() {
    let public = wrap(SEQUENCE, &[b"a public key"]);
    let empty = wrap(SEQUENCE, &[]);
    let version = wrap(CONTEXT_0, &[&[2, 1, 2]]);
    let own = |version: &[u8]| {
        let fields = [version, &[2, 1, 7], &empty, &empty, &empty, &empty, &public];
        wrap(SEQUENCE, &[&wrap(SEQUENCE, &fields), &empty, &[3, 1, 0]])
    };
    let name = attribute(ids::FRIENDLY_NAME, &wrap(BMP_STRING, &[&[0, b'k']]));
    let key = |id: &[u8]| {
        let secret = wrap(OCTET_STRING, &[b"a private key"]);
        bag(ids::SHROUDED_KEY_BAG, &secret, &[&name, &key_id(id)])
    };
    let bags = [
        key(b"k1"),
        key(b"k2"),
        key(b"k3"),
        key(b"k4"),
        certificate_bag(&own(&version), &[&key_id(b"k1")]),
        certificate_bag(&own(&[]), &[&key_id(b"k2")]),
        certificate_bag(&certificate(0, 50), &[&key_id(b"k3")]),
        key(b"k2"),
    ];
    let bags: Vec<&[u8]> = bags.iter().map(Vec::as_slice).collect();
    for part in [clear(&bags), sealed(&bags)] {
        let archive = read(file(&[&part]), &mut password()).unwrap();
        let found: Vec<_> = archive.key_records().collect();
        let some = Some(&public[..]);
        let expected = [some, some, None, None, some];
        assert_eq!(found, expected.map(|public| Key { label: "k", public }));
    }
}

#[test]
fn other_certificates_than_x509_are_counted_only() {
    let value = wrap(
        SEQUENCE,
        &[&wrap(OID, &[&[0x2a, 3]]), &wrap(CONTEXT_0, &[&[5, 0]])],
    );
    let part = clear(&[&bag(ids::CERT_BAG, &value, &[])]);
    let archive = read(file(&[&part]), &mut password()).unwrap();
    assert_eq!((archive.len(), archive.others()), (0, 1));
}

#[test]
fn malformed_bags_are_refused() {
    let der = certificate(1, 9);
    let odd = attribute(ids::FRIENDLY_NAME, &wrap(BMP_STRING, &[&[0, b'x', 0]]));
    let two = [&der[..], &der].concat();
    for part in [
        clear(&[&certificate_bag(&der, &[&odd])]),
        clear(&[&certificate_bag(&two, &[])]),
        clear(&[&certificate_bag(&[], &[])]),
        clear(&[&[0x30, 0]]),
        clear(&[&[5, 0]]),
        content(ids::DATA, &wrap(OCTET_STRING, &[])),
        sealed(&[&[5, 0]]),
    ] {
        assert!(
            matches!(read_error(&file(&[&part])), P12Error::Malformed { .. }),
            "{part:02x?}"
        );
    }
}

#[test]
fn a_part_with_another_password_is_refused() {
    let algorithm = Encryption::new(b"salt", [0; BLOCK], 1).write();
    assert!(matches!(
        read_error(&file(&[&sealed_by(&algorithm, &[0; 2 * BLOCK])])),
        P12Error::Malformed {
            part: "an encrypted part has another password",
            ..
        }
    ));
    for wrong in [0, BLOCK - 1, BLOCK + 1] {
        let part = sealed_by(&algorithm, &vec![0; wrong]);
        assert!(matches!(
            read_error(&file(&[&part])),
            P12Error::Malformed { .. }
        ));
    }
}

#[test]
fn a_half_surrogate_becomes_the_replacement_character() {
    let name = wrap(BMP_STRING, &[&[0xd8, 0x3d, 0, b'x']]);
    let name = attribute(ids::FRIENDLY_NAME, &name);
    let part = clear(&[&certificate_bag(&certificate(1, 9), &[&name])]);
    let archive = read(file(&[&part]), &mut password()).unwrap();
    assert_eq!(archive.get(0).unwrap().label, "\u{fffd}x");
}

#[test]
fn each_state_of_a_file_has_its_own_digest() {
    let der = certificate(1, 9);
    let digest_of = |entries: &[Entry<'_>], random: &Randomness| {
        let bytes = write(entries, &mut password(), random).unwrap();
        let stated = digest(&bytes).unwrap();
        assert_eq!(read(bytes, &mut password()).unwrap().digest(), &stated);
        stated
    };
    let one = [Entry {
        label: "a",
        der: &der,
    }];
    assert_eq!(digest_of(&one, &RANDOM), digest_of(&one, &RANDOM));
    assert_ne!(digest_of(&one, &RANDOM), digest_of(&[], &RANDOM));
    let other = Randomness {
        iv: [8; 16],
        ..RANDOM
    };
    assert_ne!(digest_of(&one, &RANDOM), digest_of(&one, &other));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        let _ = read(bytes, &mut password());
    }

    #[test]
    fn any_authenticated_part_is_read_without_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..128),
        wrapped: bool,
    ) {
        let part = if wrapped { clear(&[&bytes]) } else { bytes };
        let _ = read(file(&[&part]), &mut password());
    }

    #[test]
    fn any_change_of_an_authenticated_part_is_read_without_panic(
        place: prop::sample::Index,
        value: u8,
    ) {
        let name = attribute(ids::FRIENDLY_NAME, &wrap(BMP_STRING, &[&[0, b'x']]));
        let mut part = clear(&[&certificate_bag(&certificate(1, 30), &[&name, &key_id(b"k")])]);
        let place = place.index(part.len());
        part[place] = value;
        let _ = read(file(&[&part]), &mut password());
    }

    #[test]
    fn what_was_written_is_read(
        entries in prop::collection::vec((".{0,12}", any::<u8>(), 0..400_usize), 0..8),
        password in "[ -~]{1,40}",
    ) {
        let ders: Vec<_> = entries.iter().map(|(_, fill, size)| certificate(*fill, *size)).collect();
        let entries: Vec<_> = entries
            .iter()
            .zip(&ders)
            .map(|((label, ..), der)| Entry { label, der })
            .collect();
        let mut password = Password::new(&password);
        let bytes = write(&entries, &mut password, &RANDOM).unwrap();
        let archive = read(bytes, &mut password).unwrap();
        let found: Vec<_> = archive.certificates().map(|c| Entry { label: c.label, der: c.der }).collect();
        prop_assert_eq!(found, entries);
    }
}
