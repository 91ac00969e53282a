//! Tests of files that are meant to be read by others than they are read here.

use super::*;
use crate::edit::{Edit, Edits};

fn named(label: &str) -> Vec<u8> {
    attribute(ids::FRIENDLY_NAME, &text(label))
}

fn text(label: &str) -> Vec<u8> {
    let text: Vec<u8> = label.encode_utf16().flat_map(u16::to_be_bytes).collect();
    wrap(BMP_STRING, &[&text])
}

fn trusted() -> Vec<u8> {
    attribute(ids::JAVA_TRUSTED, &wrap(OID, &[&[0x55, 0x1d, 0x25, 0]]))
}

fn key(attributes: &[&[u8]]) -> Vec<u8> {
    let secret = wrap(OCTET_STRING, &[b"a secret"]);
    bag(ids::SHROUDED_KEY_BAG, &secret, attributes)
}

fn opened(file: &[u8]) -> Archive {
    read(file.to_vec(), &mut password()).unwrap()
}

fn removal(index: usize) -> Edits<'static> {
    Edits {
        changes: [(index, Edit::Remove)].into(),
        added: Vec::new(),
    }
}

fn rewritten(file: &[u8], edits: &Edits<'_>) -> Result<Vec<u8>, P12Error> {
    rewrite(file.to_vec(), edits, &mut password(), &RANDOM)
}

// Java lists each of these as a private key with its certificate.
#[test]
fn a_key_without_an_identifier_keeps_its_certificate() {
    let certificate = |attributes: &[&[u8]]| certificate_bag(&certificate(1, 40), attributes);
    let (k, other) = (named("k"), named("other"));
    for (own, key) in [
        (certificate(&[&k]), key(&[&k])),
        (certificate(&[]), key(&[])),
        (certificate(&[]), key(&[&k])),
        (certificate(&[&k]), key(&[])),
    ] {
        let anchor = certificate(&[&other, &trusted()]);
        for parts in [
            [clear(&[&anchor, &own]), clear(&[&key])],
            [sealed(&[&key]), sealed(&[&anchor, &own])],
        ] {
            let file = file(&[&parts[0], &parts[1]]);
            let of_key: Vec<_> = opened(&file).certificates().map(|c| c.of_key).collect();
            assert_eq!(of_key, [false, true]);
            assert_eq!(
                rewritten(&file, &removal(1)),
                Err(P12Error::CertificateOfKey { index: 1 })
            );
            assert_eq!(opened(&rewritten(&file, &removal(0)).unwrap()).len(), 1);
        }
    }
}

// OpenSSL takes the first, Java the last of them.
#[test]
fn two_identifiers_are_refused() {
    let (one, two) = (key_id(b"1"), key_id(b"2"));
    let both = [wrap(OCTET_STRING, &[b"1"]), wrap(OCTET_STRING, &[b"2"])].concat();
    let both = attribute(ids::LOCAL_KEY_ID, &both);
    let der = certificate(1, 40);
    for own in [
        certificate_bag(&der, &[&one, &two]),
        certificate_bag(&der, &[&one, &one]),
        certificate_bag(&der, &[&both]),
    ] {
        let file = file(&[&clear(&[&own, &key(&[&one])])]);
        assert!(matches!(
            read_error(&file),
            P12Error::Malformed {
                part: "the attributes of a bag",
                ..
            }
        ));
        assert!(rewritten(&file, &removal(0)).is_err());
    }
}

#[test]
fn the_first_of_two_names_counts() {
    let der = certificate(1, 40);
    let both = attribute(
        ids::FRIENDLY_NAME,
        &[text("first"), text("second")].concat(),
    );
    for own in [
        certificate_bag(&der, &[&named("first"), &named("second")]),
        certificate_bag(&der, &[&both]),
    ] {
        let archive = opened(&file(&[&sealed(&[&own])]));
        assert_eq!(archive.get(0).unwrap().label, "first");
        assert!(!archive.is_plain());
    }
}

#[test]
fn only_what_would_be_written_the_same_is_plain() {
    let der = certificate(1, 40);
    let (a, trusted) = (named("a"), trusted());
    let own = certificate_bag(&der, &[&a, &trusted]);
    assert!(opened(&written(&[])).is_plain());
    assert!(
        opened(&written(&[Entry {
            label: "a",
            der: &der
        }]))
        .is_plain()
    );
    assert!(opened(&file(&[&sealed(&[&own])])).is_plain());

    let client = attribute(ids::JAVA_TRUSTED, &wrap(OID, &[&[0x2b, 6, 1]]));
    let unknown = attribute(&[0x2a, 3], &[5, 0]);
    let unusual = [
        certificate_bag(&der, &[&a]),
        certificate_bag(&der, &[&a, &client]),
        certificate_bag(&der, &[&a, &trusted, &trusted]),
        certificate_bag(&der, &[&a, &trusted, &unknown]),
        certificate_bag(&der, &[&a, &trusted, &key_id(b"1")]),
    ];
    for bag in unusual {
        assert!(!opened(&file(&[&sealed(&[&own, &bag])])).is_plain());
    }
    let other = bag(&[0x2a, 3], &[5, 0], &[]);
    let part = sealed(&[&own]);
    for parts in [
        vec![&part[..], &part],
        vec![&clear(&[&own])[..]],
        vec![&sealed(&[&own, &other])],
        vec![&sealed(&[&own, &key(&[])])],
    ] {
        assert!(!opened(&file(&parts)).is_plain());
    }
}

#[test]
fn a_password_is_no_easier_to_guess_after_a_rewrite() {
    let rounds = |file: &[u8]| {
        let mut source = source::Source::new(file.to_vec()).unwrap();
        let parts = source.authenticate(&mut password()).unwrap();
        let parts: Vec<_> = parts.iter().map(frame::Part::rounds).collect();
        (source.rounds(), parts)
    };
    let [one, two] = [1, 2].map(|fill| certificate_bag(&certificate(fill, 40), &[]));
    let part = |bags: &[&[u8]], rounds| {
        let encryption = Encryption::new(b"salt", [0; BLOCK], rounds);
        let mut bytes = wrap(SEQUENCE, bags);
        let length = bytes.len();
        bytes.resize((length / BLOCK + 1) * BLOCK, 0);
        encryption.encrypt(&mut bytes, length, &mut password());
        sealed_by(&encryption.write(), &bytes)
    };
    let random = &RANDOM;
    let kept = part(&[&key(&[&key_id(b"k")])], 7);
    let changed = part(&[&one, &two], 20_000);
    let sections = [
        assembly::Section::Kept(&kept),
        assembly::Section::Kept(&changed),
    ];
    let original = assembly::assemble(&sections, 30_000, &mut password(), random).unwrap();
    assert_eq!(rounds(&original), (30_000, vec![7, 20_000]));
    assert!(!opened(&original).is_plain());
    let after = rewritten(&original, &removal(0)).unwrap();
    assert_eq!(rounds(&after), (30_000, vec![7, 20_000]));

    let der = certificate(3, 40);
    let more = Edits {
        added: vec![Entry {
            label: "x",
            der: &der,
        }],
        ..Edits::default()
    };
    let alone = [assembly::Section::Kept(&kept)];
    let original = assembly::assemble(&alone, 30_000, &mut password(), random).unwrap();
    let after = rewritten(&original, &more).unwrap();
    assert_eq!(rounds(&after), (30_000, vec![7, 30_000]));
    // Few rounds become as many as are always written.
    let after = rewritten(&file(&[&changed, &kept]), &Edits::default()).unwrap();
    assert_eq!(rounds(&after), (ITERATIONS, vec![20_000, 7]));
}

#[test]
fn parts_without_end_are_refused_before_the_authenticator() {
    let part = content(ids::DATA, &wrap(OCTET_STRING, &[&[0x30, 0]]));
    let many = vec![&part[..]; MAX_PARTS + 1];
    assert!(read(file(&many[1..]), &mut password()).is_ok());
    assert_eq!(read_error(&file(&many)), P12Error::TooMany);
    let mut wrong = Password::new("wrong");
    assert_eq!(
        read(file(&many), &mut wrong).unwrap_err(),
        P12Error::TooMany
    );
}

#[test]
fn bags_without_end_are_refused() {
    let bag = wrap(SEQUENCE, &[&wrap(OID, &[&[0x2a]]), &[0xa0, 0]]);
    let bags = bag.repeat(MAX_BAGS + 1);
    assert_eq!(
        opened(&file(&[&clear(&[&bags[bag.len()..]])])).others(),
        MAX_BAGS
    );
    assert_eq!(read_error(&file(&[&clear(&[&bags])])), P12Error::TooMany);
}
