//! Any changes in any order keep the rules of the contract.

use anchorhold_formats::der::{SEQUENCE, wrap};
use anchorhold_formats::p12::{self, Password, Randomness};
use proptest::prelude::*;

use super::*;

/// A change, as a test makes it up.
#[derive(Clone, Debug)]
enum Made {
    Put(u8, String),
    Remove(u8),
}

fn made() -> impl Strategy<Value = Made> {
    let number = 0..6_u8;
    prop_oneof![
        3 => (number.clone(), "[aAbBäÄ]{0,2}").prop_map(|(number, label)| Made::Put(number, label)),
        1 => number.prop_map(Made::Remove),
    ]
}

/// What is held, by the plainest means there are.
#[derive(Default)]
struct Model(Vec<(u8, String)>);

impl Model {
    fn make(&mut self, change: &Made) -> Option<Effect> {
        match change {
            Made::Put(number, label) => {
                let taken = |(other, held): &(u8, String)| {
                    other != number && held.to_lowercase() == label.to_lowercase()
                };
                if !label.is_empty() && self.0.iter().any(taken) {
                    return None;
                }
                match self.0.iter_mut().find(|(held, _)| held == number) {
                    Some((_, held)) if held == label => Some(Effect::Unchanged),
                    Some((_, held)) => {
                        held.clone_from(label);
                        Some(Effect::Updated)
                    }
                    None => {
                        self.0.push((*number, label.clone()));
                        Some(Effect::New)
                    }
                }
            }
            Made::Remove(number) => {
                let before = self.0.len();
                self.0.retain(|(held, _)| held != number);
                Some(if self.0.len() < before {
                    Effect::Removed
                } else {
                    Effect::Unchanged
                })
            }
        }
    }
}

/// The certificates that the tests use, one byte each.
fn ders() -> Vec<Vec<u8>> {
    (0..6).map(|number| wrap(SEQUENCE, &[&[number]])).collect()
}

fn changes<'a>(made: &'a [Made], ders: &'a [Vec<u8>]) -> Vec<Change<'a>> {
    made.iter()
        .map(|change| match change {
            Made::Put(number, label) => {
                let der = &ders[usize::from(*number)];
                let entry = Entry { label, der };
                Change::Put {
                    id: Id::of(der),
                    claimed: None,
                    entry,
                }
            }
            Made::Remove(number) => Change::Remove(Id::of(&ders[usize::from(*number)])),
        })
        .collect()
}

/// Contents that hold these, as if they had been read from a file.
fn contents(entries: &[Entry<'_>]) -> Contents {
    let random = Randomness {
        salt: [1; 16],
        iv: [2; 16],
        mac_salt: [3; 16],
    };
    let mut password = Password::new("changeit");
    let bytes = p12::write(entries, &mut password, &random).unwrap();
    Contents::new(p12::read(bytes, &mut password).unwrap())
}

proptest! {
    #[test]
    fn a_draft_does_what_the_plainest_store_would(
        first in prop::collection::vec(made(), 0..12),
        then in prop::collection::vec(made(), 0..40),
    ) {
        let ders = ders();
        let mut model = Model::default();
        let mut held = Contents::absent();
        for made in [&first, &then] {
            let changes = changes(made, &ders);
            let mut draft = Draft::new(&held, &changes);
            for (change, made) in changes.iter().zip(made) {
                let effect = draft.make(change).ok().map(|(effect, _)| effect);
                prop_assert_eq!(effect, model.make(made));
            }
            let entries = draft.into_entries();
            let mut found: Vec<_> = entries
                .iter()
                .map(|entry| (entry.der[2], entry.label.to_owned()))
                .collect();
            found.sort();
            model.0.sort();
            prop_assert_eq!(&found, &model.0);
            held = contents(&entries);
        }
    }
}
