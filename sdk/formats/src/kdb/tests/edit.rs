//! Tests of what edits change, and of all that they leave.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::edit::Edit;

const SIZE: usize = 600;

/// Certificates, a key and bytes that nobody knows the meaning of.
fn mixed() -> Vec<u8> {
    let sealed = wrap(SEQUENCE, &[&[4, 3, 7, 7, 7]]);
    let key = wrap(0xa2, &[&wrap(SEQUENCE, &[&certificate(2), &sealed])]);
    let mut odd = slot(9, &value(3), b"three", &[3, 1, 0]);
    odd.resize(SIZE, 0);
    odd[SIZE - 1] = 0x77;
    let mut bytes = keys(&[
        slot(4, &value(1), b"one", FLAGS),
        slot(7, &key, b"two", FLAGS),
        odd,
        slot(5, &value(4), b"four", FLAGS),
    ]);
    // A field without a meaning.
    bytes[4..8].copy_from_slice(&[1, 2, 3, 4]);
    seal(&mut bytes);
    bytes
}

fn slots(bytes: &[u8]) -> Vec<&[u8]> {
    let frame = Frame::of_whole(bytes).unwrap();
    bytes[frame.start()..].chunks_exact(frame.slot).collect()
}

fn edited(bytes: &[u8], changes: &[(usize, Edit<'_>)], added: &[Entry<'_>]) -> Vec<u8> {
    let edits = Edits {
        changes: changes.iter().copied().collect(),
        added: added.to_vec(),
    };
    rewrite(&opened(bytes), &edits, PASSWORD, &[9; 23]).unwrap()
}

#[test]
fn no_edit_changes_nothing_but_the_salt_and_what_follows_from_it() {
    let before = mixed();
    let after = edited(&before, &[], &[]);
    assert_eq!(before[..0x18], after[..0x18]);
    assert_eq!(after[0x18..0x2f], [9; 23]);
    assert_eq!(before[0x90..], after[0x90..]);
    assert_ne!(before[0x60..0x90], after[0x60..0x90]);
}

#[test]
fn a_new_label_stands_at_both_places_and_nothing_else_changes() {
    let before = mixed();
    let after = edited(&before, &[(0, Edit::Label("Eins, neu"))], &[]);
    let (old, new) = (slots(&before), slots(&after));
    assert_eq!(old[1..], new[1..]);
    let mut expected = slot(4, &value(1), b"Eins, neu", FLAGS);
    expected.resize(SIZE, 0);
    assert_eq!(new[0], expected);
    // And back again it is what it was.
    let back = edited(&after, &[(0, Edit::Label("one"))], &[]);
    assert_eq!(slots(&back), old);
}

#[test]
fn what_another_program_put_beside_a_label_stays() {
    // A zero that ends the label, a number that is not that of the slot, another string type.
    let der = wrap(
        SEQUENCE,
        &[
            &[2, 1, 1],
            &value(1),
            &wrap(0x0c, &[b"old"]),
            FLAGS,
            &[5, 0],
        ],
    );
    let tail = [0, 0, 0, 8, 1, 2, 3, 0];
    let before = keys(&[slot_of(1, 8, &der, b"old\0", &tail)]);
    let after = edited(&before, &[(0, Edit::Label("newer"))], &[]);
    let der = wrap(
        SEQUENCE,
        &[
            &[2, 1, 1],
            &value(1),
            &wrap(0x0c, &[b"newer"]),
            FLAGS,
            &[5, 0],
        ],
    );
    let mut expected = slot_of(1, 8, &der, b"newer\0", &tail);
    expected.resize(SIZE, 0);
    assert_eq!(slots(&after), [&expected[..]]);
}

#[test]
fn a_removed_record_leaves_no_gap_and_no_other_number_changes() {
    let before = mixed();
    let after = edited(&before, &[(2, Edit::Remove)], &[]);
    let old = slots(&before);
    assert_eq!(slots(&after), [old[0], old[1], old[3]]);
    assert_eq!(labels(&opened(&after)), ["one", "two", "four"]);
}

#[test]
fn a_new_record_gets_a_number_above_all_others() {
    let der = certificate(8);
    let entry = |label| Entry { label, der: &der };
    let before = mixed();
    let after = edited(&before, &[], &[entry("five"), entry("six")]);
    let (old, new) = (slots(&before), slots(&after));
    assert_eq!(old[..], new[..4]);
    assert_eq!(new[4][..8], [0, 0, 0, 1, 0, 0, 0, 10]);
    assert_eq!(new[5][..8], [0, 0, 0, 1, 0, 0, 0, 11]);
    assert_eq!(
        labels(&opened(&after)),
        ["one", "two", "three", "four", "five", "six"]
    );
}

#[test]
fn a_number_is_found_where_the_highest_is_taken() {
    for highest in [0x7fff_fffe_u32, 0x7fff_ffff, u32::MAX] {
        let before = keys(&[
            slot(highest, &value(1), b"high", FLAGS),
            slot(1, &value(2), b"low", FLAGS),
        ]);
        let der = certificate(8);
        let entry = Entry {
            label: "a",
            der: &der,
        };
        let after = edited(&before, &[], &[entry, entry, entry]);
        let numbers: Vec<_> = slots(&after)
            .iter()
            .map(|slot| u32::from_be_bytes(slot[4..8].try_into().unwrap()))
            .collect();
        assert_eq!(numbers, [highest, 1, 2, 3, 4]);
    }
}

#[test]
fn all_records_get_more_room_where_one_needs_it() {
    let before = mixed();
    let large = sized(8, 700);
    let long = "x".repeat(900);
    for (changes, added) in [
        (
            vec![],
            vec![Entry {
                label: "large",
                der: &large,
            }],
        ),
        (vec![(2, Edit::Label(&long))], vec![]),
    ] {
        let after = edited(&before, &changes, &added);
        let (old, new) = (slots(&before), slots(&after));
        assert_eq!(new[0].len() % 500, 0);
        assert!(new[0].len() > SIZE);
        for (index, (old, new)) in old.iter().zip(&new).enumerate() {
            if changes.iter().all(|(changed, _)| *changed != index) {
                assert_eq!(new[..SIZE], **old);
                assert!(new[SIZE..].iter().all(|byte| *byte == 0));
            }
        }
        let (before, after) = (opened(&before), opened(&after));
        assert!(
            before
                .certificates()
                .zip(after.certificates())
                .all(|(old, new)| old.der == new.der && old.flags_known == new.flags_known)
        );
    }
}

#[test]
fn a_hash_that_ends_with_zero_keeps_it() {
    let mut tail = vec![0; 124];
    tail[4..100].fill(5);
    let der = wrap(
        SEQUENCE,
        &[&[2, 1, 1], &value(1), &wrap(0x1a, &[b"a"]), FLAGS],
    );
    let whole = slot_of(1, 1, &der, b"a", &tail);
    let size = whole.len();
    let before = file(6, 2, b"X509KEY\0", size, &[whole]);
    let after = edited(&before, &[(0, Edit::Label("ab"))], &[]);
    let slot = slots(&after)[0];
    let start = size + 2 - 124;
    assert_eq!(slot[start..start + 124], tail);
}

#[test]
fn records_with_private_keys_are_never_changed() {
    let database = opened(&mixed());
    for edit in [Edit::Remove, Edit::Label("mine")] {
        let edits = Edits {
            changes: [(1, edit)].into(),
            added: Vec::new(),
        };
        assert_eq!(
            rewrite(&database, &edits, PASSWORD, &SALT),
            Err(KdbError::HasPrivateKey { index: 1 })
        );
    }
}

#[test]
fn edits_that_cannot_be_made_are_errors() {
    let database = opened(&mixed());
    let der = certificate(1);
    let short = &der[..9];
    let change = |index, edit| Edits {
        changes: [(index, edit)].into(),
        added: Vec::new(),
    };
    for (edits, error) in [
        (
            change(4, Edit::Remove),
            KdbError::NoSuchCertificate { index: 4 },
        ),
        (change(0, Edit::Label("a\0")), KdbError::LabelHasZero),
        (
            adding(&[Entry {
                label: "a",
                der: short,
            }]),
            KdbError::NotACertificate { index: 0 },
        ),
    ] {
        assert_eq!(rewrite(&database, &edits, PASSWORD, &SALT), Err(error));
    }
    assert_eq!(
        rewrite(&database, &Edits::default(), b"other", &SALT),
        Err(KdbError::WrongPassword)
    );
    assert_eq!(
        create(Version::V6, &change(0, Edit::Remove), PASSWORD, &SALT),
        Err(KdbError::NoSuchCertificate { index: 0 })
    );
    let long = "x".repeat(17 << 20);
    assert_eq!(
        rewrite(&database, &change(0, Edit::Label(&long)), PASSWORD, &SALT),
        Err(KdbError::TooLarge)
    );
}

#[derive(Clone, Debug)]
enum Step {
    Add(u8, String),
    Label(usize, String),
    Remove(usize),
}

fn steps() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let label = "[A-Za-z0-9 éü]{0,30}";
    let step = prop_oneof![
        (any::<u8>(), label).prop_map(|(seed, label)| Step::Add(seed, label)),
        (0..8_usize, label).prop_map(|(place, label)| Step::Label(place, label)),
        (0..8_usize).prop_map(Step::Remove),
    ];
    prop::collection::vec(prop::collection::vec(step, 0..5), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_row_of_edits_makes_what_it_says(version in 0..2_usize, rows in steps()) {
        let mut bytes = created(WRITTEN[version], &[]);
        let mut model: Vec<(String, Vec<u8>)> = Vec::new();
        for row in rows {
            let mut changes = BTreeMap::new();
            let mut added = Vec::new();
            for step in &row {
                match step {
                    Step::Add(seed, label) => added.push((label.clone(), certificate(*seed))),
                    Step::Label(place, label) if *place < model.len() => {
                        changes.insert(*place, Edit::Label(label));
                    }
                    Step::Remove(place) if *place < model.len() => {
                        changes.insert(*place, Edit::Remove);
                    }
                    _ => {}
                }
            }
            let entries: Vec<_> = added.iter().map(|(label, der)| Entry { label, der }).collect();
            let edits = Edits { changes: changes.clone(), added: entries };
            bytes = rewrite(&opened(&bytes), &edits, PASSWORD, &SALT).unwrap();
            model = model
                .into_iter()
                .enumerate()
                .filter_map(|(place, (label, der))| match changes.get(&place) {
                    None => Some((label, der)),
                    Some(Edit::Label(label)) => Some(((*label).to_owned(), der)),
                    Some(Edit::Remove) => None,
                })
                .chain(added.clone())
                .collect();
            let database = opened(&bytes);
            let read: Vec<_> = database
                .certificates()
                .map(|one| (one.label.to_owned(), one.der.to_vec()))
                .collect();
            prop_assert_eq!(&read, &model);
            let numbers: std::collections::BTreeSet<_> =
                slots(&bytes).iter().map(|slot| slot[4..8].to_vec()).collect();
            prop_assert_eq!(numbers.len(), model.len());
        }
    }
}
