//! Tests of files that are written again with some of their certificates changed.

use std::collections::BTreeMap;

use super::*;
use crate::edit::{Edit, Edits};

const LATER: Randomness = Randomness {
    salt: [11; 16],
    iv: [12; 16],
    mac_salt: [13; 16],
};

fn named(label: &str) -> Vec<u8> {
    let text: Vec<u8> = label.encode_utf16().flat_map(u16::to_be_bytes).collect();
    attribute(ids::FRIENDLY_NAME, &wrap(BMP_STRING, &[&text]))
}

fn trusted() -> Vec<u8> {
    attribute(ids::JAVA_TRUSTED, &wrap(OID, &[&[0x55, 0x1d, 0x25, 0]]))
}

fn secret(text: &[u8], id: &[u8]) -> Vec<u8> {
    let value = wrap(OCTET_STRING, &[text]);
    bag(
        ids::SHROUDED_KEY_BAG,
        &value,
        &[&named("the key"), &key_id(id)],
    )
}

fn rewritten(file: &[u8], edits: &Edits<'_>) -> Vec<u8> {
    rewrite(file.to_vec(), edits, &mut password(), &LATER).unwrap()
}

fn rewrite_error(file: &[u8], edits: &Edits<'_>) -> P12Error {
    rewrite(file.to_vec(), edits, &mut password(), &LATER).unwrap_err()
}

fn changes<const N: usize>(changes: [(usize, Edit<'static>); N]) -> Edits<'static> {
    Edits {
        changes: BTreeMap::from(changes),
        added: Vec::new(),
    }
}

fn added<'a>(label: &'a str, der: &'a [u8]) -> Edits<'a> {
    Edits {
        added: vec![Entry { label, der }],
        ..Edits::default()
    }
}

/// What stands in a file: labels, certificates, and whether each is trusted.
fn listed(file: &[u8]) -> Vec<(String, Vec<u8>, bool)> {
    let archive = read(file.to_vec(), &mut password()).unwrap();
    archive
        .certificates()
        .map(|found| (found.label.to_owned(), found.der.to_vec(), found.trusted))
        .collect()
}

/// The parts of a file, each whole, and what is in it in clear.
fn parts(file: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut source = source::Source::new(file.to_vec()).unwrap();
    let parts = source.authenticate(&mut password()).unwrap();
    let open = |part: frame::Part| {
        let mut clear = source.bytes[part.bags].to_vec();
        if let Some(encryption) = part.encryption {
            let length = encryption.decrypt(&mut clear, &mut password()).unwrap();
            clear.truncate(length);
        }
        (source.bytes[part.whole].to_vec(), clear)
    };
    parts.into_iter().map(open).collect()
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[test]
fn parts_that_no_edit_concerns_stay_byte_for_byte() {
    let [one, two, three] = [1, 2, 3].map(|fill| certificate_bag(&certificate(fill, 40), &[]));
    let before = [
        clear(&[&secret(b"a secret", b"k")]),
        sealed(&[&one]),
        sealed(&[&two]),
        clear(&[&three, &bag(&[0x2a, 3], &[5, 0], &[])]),
    ];
    let original = file(&before.each_ref().map(Vec::as_slice));
    let after = rewritten(&original, &changes([(1, Edit::Label("two"))]));
    let kept: Vec<_> = parts(&after).into_iter().map(|(whole, _)| whole).collect();
    assert_eq!(kept.len(), 4);
    for place in [0, 1, 3] {
        assert_eq!(kept[place], before[place], "{place}");
    }
    assert_ne!(kept[2], before[2]);
    let labels: Vec<_> = listed(&after).into_iter().map(|found| found.0).collect();
    assert_eq!(labels, ["", "two", ""]);
}

#[test]
fn without_edits_only_the_authenticator_is_new() {
    let part = sealed(&[&certificate_bag(&certificate(1, 40), &[])]);
    let original = file(&[&part]);
    let after = rewritten(&original, &Edits::default());
    assert_eq!(parts(&after), parts(&original));
    assert_ne!(digest(&after).unwrap(), digest(&original).unwrap());
    let other = rewrite(original, &Edits::default(), &mut password(), &RANDOM).unwrap();
    assert_ne!(digest(&after).unwrap(), digest(&other).unwrap());
}

#[test]
fn what_is_encrypted_beside_a_changed_certificate_stays_and_stays_encrypted() {
    let key = secret(b"the one secret", b"k");
    let plain = bag(
        ids::KEY_BAG,
        &wrap(OCTET_STRING, &[b"a key in the clear"]),
        &[],
    );
    let other = bag(&[0x2a, 3], &wrap(OCTET_STRING, &[b"something else"]), &[]);
    let own = certificate_bag(&certificate(1, 40), &[&key_id(b"k")]);
    let anchor = certificate_bag(&certificate(2, 40), &[&named("x"), &trusted()]);
    let original = file(&[&sealed(&[&key, &own, &other, &anchor, &plain])]);
    let der = certificate(3, 40);
    for edits in [
        changes([(1, Edit::Label("y"))]),
        changes([(1, Edit::Remove)]),
        Edits {
            changes: BTreeMap::from([(1, Edit::Label("y"))]),
            ..added("new", &der)
        },
    ] {
        let after = rewritten(&original, &edits);
        for hidden in [&b"the one secret"[..], b"a key in the clear", b"something"] {
            assert!(!contains(&after, hidden));
        }
        let found = parts(&after);
        for bag in [&key, &own, &other, &plain] {
            assert!(contains(&found[0].1, bag));
        }
        // Nobody can tell from the size of a part how many keys it has beside certificates.
        assert_eq!(found.len(), 1 + edits.added.len());
        let archive = read(after, &mut password()).unwrap();
        assert_eq!((archive.keys(), archive.others()), (2, 1));
        assert!(archive.get(0).unwrap().of_key);
    }
}

#[test]
fn another_label_leaves_all_other_attributes() {
    let unknown = attribute(&[0x2a, 3, 4], &wrap(OCTET_STRING, &[&[9; 60]]));
    let short = attribute(&[0x2a, 3], &[5, 0]);
    let id = key_id(b"of no key");
    let name = named("before");
    for attributes in [
        vec![],
        vec![&name],
        vec![&short, &name, &trusted(), &unknown],
        vec![&unknown, &id, &name, &name, &trusted(), &short],
    ] {
        let attributes: Vec<&[u8]> = attributes.iter().map(|a| a.as_slice()).collect();
        let original = file(&[&sealed(&[&certificate_bag(
            &certificate(1, 40),
            &attributes,
        )])]);
        for label in ["", "a", "quite a long label that needs more bytes", "東京"] {
            let edits = Edits {
                changes: BTreeMap::from([(0, Edit::Label(label))]),
                added: Vec::new(),
            };
            let after = rewritten(&original, &edits);
            let found = listed(&after);
            assert_eq!(found[0].0, label);
            assert_eq!(found[0].1, certificate(1, 40));
            assert_eq!(found[0].2, attributes.contains(&trusted().as_slice()));
            let inside = &parts(&after)[0].1;
            for kept in attributes.iter().filter(|other| **other != name) {
                assert!(contains(inside, kept));
            }
            assert!(!contains(inside, &name));
        }
    }
}

#[test]
fn a_name_is_put_where_the_order_of_the_set_has_it() {
    let [short, long] = [5, 90].map(|size| attribute(&[0x2a, 3], &wrap(4, &[&vec![7; size]])));
    let original = certificate_bag(&certificate(1, 9), &[&short, &long]);
    let original = file(&[&sealed(&[&original])]);
    let after = rewritten(&original, &changes([(0, Edit::Label("between"))]));
    let set = wrap(SET, &[&short, &named("between"), &long]);
    assert!(contains(&parts(&after)[0].1, &set));
    // Without any attribute there is no set.
    let original = file(&[&sealed(&[&certificate_bag(
        &certificate(1, 9),
        &[&named("x")],
    )])]);
    let after = rewritten(&original, &changes([(0, Edit::Label(""))]));
    assert!(!parts(&after)[0].1.contains(&SET));
}

#[test]
fn what_is_added_one_by_one_is_in_one_part_and_trusted() {
    let own = certificate_bag(&certificate(1, 40), &[&key_id(b"k")]);
    for (name, before) in [
        (
            "an encrypted part of certificates",
            vec![clear(&[&secret(b"s", b"k")]), sealed(&[&own])],
        ),
        ("only a key", vec![clear(&[&secret(b"s", b"k")])]),
        (
            "a mixed part",
            vec![sealed(&[&secret(b"s", b"k"), &own, &own])],
        ),
        (
            "a part in clear",
            vec![clear(&[&own, &secret(b"s", b"k")]), clear(&[&own])],
        ),
        ("nothing", vec![]),
    ] {
        let before: Vec<&[u8]> = before.iter().map(Vec::as_slice).collect();
        let mut file = file(&before);
        let first = listed(&file);
        for count in 1..=4 {
            let label = format!("{count}");
            let der = certificate(100 + count, 50);
            file = rewritten(&file, &added(&label, &der));
            let found = listed(&file);
            assert_eq!(found.len(), first.len() + usize::from(count), "{name}");
            assert_eq!(found[..first.len()], first, "{name}");
            assert_eq!(found.last(), Some(&(label, der, true)), "{name}");
        }
        let parts = parts(&file);
        let reused = usize::from(name == "an encrypted part of certificates");
        assert_eq!(parts.len(), before.len() + 1 - reused, "{name}");
        for (part, before) in parts.iter().zip(&before).take(before.len() - reused) {
            assert_eq!(part.0, *before, "{name}");
        }
        assert!(!contains(&file, &certificate(101, 50)), "{name}");
    }
}

#[test]
fn a_part_that_has_become_empty_goes() {
    let [one, two] = [1, 2].map(|fill| certificate_bag(&certificate(fill, 40), &[]));
    let key = clear(&[&secret(b"s", b"k")]);
    let empty = clear(&[]);
    let original = file(&[
        &empty,
        &sealed(&[&one]),
        &key,
        &clear(&[&two]),
        &sealed(&[]),
    ]);
    let after = rewritten(&original, &changes([(0, Edit::Remove), (1, Edit::Remove)]));
    assert_eq!(
        parts(&after).into_iter().map(|p| p.0).collect::<Vec<_>>(),
        [key]
    );
    let only = file(&[&sealed(&[&one])]);
    let after = rewritten(&only, &changes([(0, Edit::Remove)]));
    assert_eq!(after, {
        let entries: [Entry<'_>; 0] = [];
        write(&entries, &mut password(), &LATER).unwrap()
    });
    // What is added takes the place of what is removed.
    let der = certificate(3, 40);
    let edits = Edits {
        changes: BTreeMap::from([(0, Edit::Remove)]),
        ..added("new", &der)
    };
    let after = rewritten(&only, &edits);
    assert_eq!(listed(&after), [("new".to_owned(), der.clone(), true)]);
    assert_eq!(parts(&after).len(), 1);
}

#[test]
fn several_parts_encrypted_again_have_one_key_and_each_its_own_first_block() {
    let bags: Vec<_> = (0..3)
        .map(|_| certificate_bag(&certificate(7, 90), &[]))
        .collect();
    let before: Vec<_> = bags.iter().map(|bag| sealed(&[bag])).collect();
    let before: Vec<&[u8]> = before.iter().map(Vec::as_slice).collect();
    let edits = changes([
        (0, Edit::Label("same")),
        (1, Edit::Label("same")),
        (2, Edit::Label("same")),
    ]);
    let after = rewritten(&file(&before), &edits);
    let found = parts(&after);
    assert_eq!(found[0].1, found[1].1);
    assert_eq!(found[0].1, found[2].1);
    for (a, b) in [(0, 1), (0, 2), (1, 2)] {
        let common = found[a].0.iter().zip(&found[b].0).filter(|(a, b)| a == b);
        assert!(common.count() < 180, "the same bytes are encrypted alike");
    }
    let salts = after.windows(16).filter(|window| *window == LATER.salt);
    assert_eq!(salts.count(), 3);
}

#[test]
fn the_certificate_of_a_key_is_not_changed() {
    let own = certificate_bag(&certificate(1, 40), &[&key_id(b"k")]);
    let chain = certificate_bag(&certificate(2, 40), &[&key_id(b"other")]);
    // The key may stand before or after, in another part, encrypted or not.
    let key = secret(b"s", b"k");
    for before in [
        vec![clear(&[&key]), sealed(&[&chain, &own])],
        vec![sealed(&[&chain, &own]), sealed(&[&key])],
        vec![sealed(&[&chain, &own, &key])],
    ] {
        let before: Vec<&[u8]> = before.iter().map(Vec::as_slice).collect();
        let original = file(&before);
        for edit in [Edit::Label("x"), Edit::Remove] {
            let edits = changes([(0, Edit::Label("chain")), (1, edit)]);
            assert_eq!(
                rewrite_error(&original, &edits),
                P12Error::CertificateOfKey { index: 1 }
            );
            let found = listed(&rewritten(&original, &changes([(0, edit)])));
            assert_eq!(found.len(), if edit == Edit::Remove { 1 } else { 2 });
        }
    }
}

#[test]
fn what_is_not_there_or_no_certificate_is_refused() {
    let original = file(&[&sealed(&[&certificate_bag(&certificate(1, 40), &[])])]);
    assert_eq!(
        rewrite_error(
            &original,
            &changes([(0, Edit::Remove), (1, Edit::Label("x"))])
        ),
        P12Error::NoSuchCertificate { index: 1 }
    );
    let good = certificate(1, 2);
    let mut edits = added("good", &good);
    edits.added.push(Entry {
        label: "bad",
        der: b"text",
    });
    assert_eq!(
        rewrite_error(&original, &edits),
        P12Error::NotACertificate { index: 1 }
    );
}

#[test]
fn nothing_is_rewritten_that_is_not_read() {
    let original = file(&[&sealed(&[&certificate_bag(&certificate(1, 40), &[])])]);
    let edits = changes([(0, Edit::Remove)]);
    let wrong = rewrite(
        original.clone(),
        &edits,
        &mut Password::new("other"),
        &LATER,
    );
    assert_eq!(wrong.unwrap_err(), P12Error::WrongPassword);
    for place in 0..original.len() {
        let mut changed = original.clone();
        changed[place] ^= 1;
        assert!(
            rewrite(changed, &edits, &mut password(), &LATER).is_err(),
            "{place}"
        );
    }
    for length in 0..original.len() {
        assert_eq!(
            rewrite_error(&original[..length], &edits),
            P12Error::Truncated
        );
    }
    assert_eq!(
        rewrite_error(&file(&[&sealed(&[&[5, 0]])]), &edits),
        read_error(&file(&[&sealed(&[&[5, 0]])]))
    );
}

#[test]
fn a_file_that_could_not_be_read_again_is_not_written() {
    let encryption = Encryption::new(b"salt", [0; BLOCK], 20_040);
    let bag = certificate_bag(&certificate(1, 40), &[]);
    let contents = wrap(SEQUENCE, &[&bag]);
    let mut bytes = contents.clone();
    bytes.resize((contents.len() / BLOCK + 1) * BLOCK, 0);
    encryption.encrypt(&mut bytes, contents.len(), &mut password());
    let part = sealed_by(&encryption.write(), &bytes);
    let count = usize::try_from(MAX_ITERATIONS / 20_040).unwrap();
    let original = file(&vec![&part[..]; count]);
    assert_eq!(listed(&original).len(), count);
    let der = certificate(2, 40);
    // Here the last part is encrypted again, there another part is needed.
    assert_eq!(
        listed(&rewritten(&original, &added("new", &der))).len(),
        count + 1
    );
    let clear = clear(&[&bag]);
    let mut parts = vec![&part[..]; count];
    parts.push(&clear);
    assert_eq!(
        rewrite_error(&file(&parts), &added("new", &der)),
        P12Error::Iterations
    );
}

#[test]
fn a_file_of_certificates_alone_becomes_what_would_be_written() {
    let [one, two, three] = [1, 2, 3].map(|fill| certificate(fill, 600));
    let entry = |label, der| Entry { label, der };
    let original = written(&[entry("one", &one), entry("two", &two)]);
    let edits = Edits {
        changes: BTreeMap::from([(0, Edit::Label("uno")), (1, Edit::Remove)]),
        added: vec![entry("three", &three)],
    };
    let expected = [entry("uno", &one), entry("three", &three)];
    let expected = write(&expected, &mut password(), &LATER).unwrap();
    assert_eq!(rewritten(&original, &edits), expected);
}

/// What becomes of one certificate.
#[derive(Clone, Debug)]
enum Fate {
    Stays,
    Goes,
    Renamed(String),
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        Just(Fate::Stays),
        Just(Fate::Goes),
        ".{0,9}".prop_map(Fate::Renamed),
    ]
}

/// A certificate that stands in a file, and what becomes of it.
type Kept = (String, u8, bool, Fate);

/// A part: whether it is encrypted, its certificates, and whether a key stands among them.
type PartOf = (bool, Vec<Kept>, bool);

fn part() -> impl Strategy<Value = PartOf> {
    let kept = (".{0,9}", any::<u8>(), any::<bool>(), fate());
    (
        any::<bool>(),
        prop::collection::vec(kept, 0..4),
        any::<bool>(),
    )
}

fn bytes_of_part((is_sealed, certificates, has_key): &PartOf) -> Vec<u8> {
    let mut bags: Vec<_> = certificates
        .iter()
        .map(|(label, fill, is_trusted, _)| {
            let mut attributes = vec![named(label)];
            attributes.extend(is_trusted.then(trusted));
            let attributes: Vec<&[u8]> = attributes.iter().map(Vec::as_slice).collect();
            certificate_bag(&certificate(*fill, 40), &attributes)
        })
        .collect();
    if *has_key {
        bags.insert(bags.len() / 2, secret(b"the one secret", b"k"));
    }
    let bags: Vec<&[u8]> = bags.iter().map(Vec::as_slice).collect();
    if *is_sealed {
        sealed(&bags)
    } else {
        clear(&bags)
    }
}

proptest! {
    #[test]
    fn what_is_read_after_a_rewrite_is_what_was_asked(
        before in prop::collection::vec(part(), 0..4),
        new in prop::collection::vec((".{0,9}", any::<u8>()), 0..3),
    ) {
        let parts_before: Vec<_> = before.iter().map(bytes_of_part).collect();
        let slices: Vec<&[u8]> = parts_before.iter().map(Vec::as_slice).collect();
        let all: Vec<_> = before.iter().flat_map(|part| &part.1).collect();
        let new: Vec<_> = new.iter().map(|(label, fill)| (label, certificate(*fill, 50))).collect();
        let edits = Edits {
            changes: all
                .iter()
                .enumerate()
                .filter_map(|(index, (.., fate))| match fate {
                    Fate::Stays => None,
                    Fate::Goes => Some((index, Edit::Remove)),
                    Fate::Renamed(label) => Some((index, Edit::Label(label))),
                })
                .collect(),
            added: new.iter().map(|(label, der)| Entry { label, der }).collect(),
        };
        let mut expected: Vec<_> = all
            .iter()
            .filter_map(|(label, fill, is_trusted, fate)| {
                let label = match fate {
                    Fate::Stays => label,
                    Fate::Goes => return None,
                    Fate::Renamed(label) => label,
                };
                Some((label.clone(), certificate(*fill, 40), *is_trusted))
            })
            .collect();
        expected.extend(new.iter().map(|(label, der)| ((*label).clone(), der.clone(), true)));

        let after = rewritten(&file(&slices), &edits);
        prop_assert_eq!(listed(&after), expected);
        let archive = read(after.clone(), &mut password()).unwrap();
        prop_assert_eq!(archive.keys(), before.iter().filter(|part| part.2).count());
        prop_assert!(archive.key_records().all(|key| key.label == "the key"));
        for (_, clear) in parts(&after) {
            prop_assert_ne!(clear, vec![0x30, 0]);
        }
        let in_clear = before.iter().any(|part| part.2 && !part.0);
        prop_assert_eq!(contains(&after, b"the one secret"), in_clear);
    }
}
