//! Any changes in any order keep the rules of the contract.

use anchorhold_formats::kdb::Version;
use proptest::prelude::*;

use super::*;
use crate::archive::{Archive, Format};
use crate::stash::{self, Secret};
use crate::workshop;

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

/// The certificates that the tests use.
fn ders() -> Vec<Vec<u8>> {
    (0..6).map(workshop::certificate).collect()
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
                    marked: false,
                }
            }
            Made::Remove(number) => Change::Remove(Id::of(&ders[usize::from(*number)])),
        })
        .collect()
}

/// Contents with these edits made in them, as if they had been read from a file.
fn edited(held: &Contents, edits: &Edits<'_>, format: Format) -> Contents {
    let mut secret = Secret::new(b"changeit".to_vec().into());
    let random = stash::random().unwrap();
    let bytes = match held.archive() {
        None => format.create(edits, &mut secret, Version::V6, &random),
        Some(archive) => archive.rewrite(Vec::new(), edits, &mut secret, &random),
    };
    Contents::new(Archive::open(format, bytes.unwrap(), &mut secret).unwrap())
}

fn check(format: Format, rounds: [&[Made]; 2]) -> Result<(), TestCaseError> {
    let ders = ders();
    let mut model = Model::default();
    let mut held = Contents::absent();
    for made in rounds {
        let changes = changes(made, &ders);
        let mut draft = Draft::new(&held, &changes);
        for (change, made) in changes.iter().zip(made) {
            let effect = draft.make(change).ok().map(|(effect, _)| effect);
            prop_assert_eq!(effect, model.make(made));
        }
        let work = draft.finish(Vec::new());
        prop_assert_eq!(work.items, model.0.len());
        held = edited(&held, &work.edits, format);
        let mut found: Vec<_> = held
            .archive()
            .unwrap()
            .certificates()
            .map(|certificate| {
                let number = ders.iter().position(|der| der == certificate.der).unwrap();
                (u8::try_from(number).unwrap(), certificate.label.to_owned())
            })
            .collect();
        found.sort();
        model.0.sort();
        prop_assert_eq!(&found, &model.0);
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_draft_does_what_the_plainest_store_would(
        first in prop::collection::vec(made(), 0..12),
        then in prop::collection::vec(made(), 0..40),
    ) {
        for format in [Format::Kdb, Format::P12] {
            check(format, [&first, &then])?;
        }
    }
}
