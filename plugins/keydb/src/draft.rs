//! Changes to what a database holds, made in memory first.

use std::borrow::Cow;
use std::collections::HashMap;

use anchorhold_formats::p12::Entry;
use anchorhold_sdk::Effect;

use crate::contents::{ById, Contents, Id};
use crate::error::DatabaseError;

/// One change of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change<'a> {
    /// Adds the certificate, or gives the one that is there another label.
    Put {
        /// The identity of the certificate.
        id: Id,
        /// The identity that it was put with, where that is another one.
        claimed: Option<Id>,
        /// The certificate and its label. It differs from every other label by more than case,
        /// as programs that read the file need it, or is empty.
        entry: Entry<'a>,
    },
    /// Removes the certificate.
    Remove(Id),
}

/// What came of a change.
pub(crate) type Outcome = (Effect, Id);

/// What a database is going to hold.
pub(crate) struct Draft<'a> {
    contents: &'a Contents,
    /// In the order of the file, and what is new after that. None where one was removed.
    entries: Vec<Option<Entry<'a>>>,
    /// Where what is new is.
    new: ById<usize>,
    /// How many certificates have each of the labels that are asked for, in lower case. The
    /// other labels, and there may be very many, are of no interest.
    labels: HashMap<String, usize>,
    changed: bool,
}

impl<'a> Draft<'a> {
    /// Starts from what is there, for these changes. A certificate that is there twice is kept
    /// once.
    pub(crate) fn new(contents: &'a Contents, changes: &[Change<'a>]) -> Self {
        let asked = changes.iter().filter_map(|change| match change {
            Change::Put { entry, .. } if !entry.label.is_empty() => Some(entry.label),
            _ => None,
        });
        let mut draft = Self {
            contents,
            entries: Vec::with_capacity(contents.len() + changes.len()),
            new: ById::default(),
            labels: asked.map(|label| (label.to_lowercase(), 0)).collect(),
            changed: false,
        };
        for certificate in contents.certificates() {
            let entry = certificate.map(|certificate| Entry {
                label: certificate.label,
                der: certificate.der,
            });
            if let Some(entry) = entry {
                draft.count(entry.label, 1);
            }
            draft.entries.push(entry);
        }
        draft
    }

    /// Makes one change.
    pub(crate) fn make(&mut self, change: &Change<'a>) -> Result<Outcome, DatabaseError> {
        let (effect, id) = match *change {
            Change::Put {
                claimed: Some(claimed),
                ..
            } if self.is_held(&claimed) => return Err(DatabaseError::OtherCertificate),
            Change::Put { id, entry, .. } => (self.put(id, entry)?, id),
            Change::Remove(id) => (self.remove(&id), id),
        };
        self.changed |= effect != Effect::Unchanged;
        Ok((effect, id))
    }

    /// Whether it differs from what is there.
    pub(crate) fn is_changed(&self) -> bool {
        self.changed
    }

    /// What is to be written.
    pub(crate) fn into_entries(self) -> Vec<Entry<'a>> {
        self.entries.into_iter().flatten().collect()
    }

    fn put(&mut self, id: Id, entry: Entry<'a>) -> Result<Effect, DatabaseError> {
        let place = self.place(&id);
        let held = place.and_then(|place| self.entries[place]);
        if held.is_some_and(|held| held.label == entry.label) {
            return Ok(Effect::Unchanged);
        }
        let others = self.held(entry.label);
        let own = held.is_some_and(|held| fold(held.label) == fold(entry.label));
        if others > usize::from(own) {
            return Err(DatabaseError::SameLabel {
                label: entry.label.to_owned(),
            });
        }
        if let Some(held) = held {
            self.count(held.label, -1);
        }
        self.count(entry.label, 1);
        let place = place.unwrap_or_else(|| {
            self.new.insert(id, self.entries.len());
            self.entries.push(None);
            self.entries.len() - 1
        });
        self.entries[place] = Some(entry);
        Ok(if held.is_some() {
            Effect::Updated
        } else {
            Effect::New
        })
    }

    fn remove(&mut self, id: &Id) -> Effect {
        let held = self.place(id).and_then(|place| self.entries[place].take());
        match held {
            Some(entry) => {
                self.count(entry.label, -1);
                Effect::Removed
            }
            None => Effect::Unchanged,
        }
    }

    fn is_held(&self, id: &Id) -> bool {
        let place = self.place(id);
        place.is_some_and(|place| self.entries[place].is_some())
    }

    /// Where the certificate is, or was before it was removed.
    fn place(&self, id: &Id) -> Option<usize> {
        let new = self.new.get(id).copied();
        new.or_else(|| self.contents.place(id))
    }

    /// How many certificates have a label that is asked for.
    fn held(&self, label: &str) -> usize {
        self.labels.get(&*fold(label)).copied().unwrap_or(0)
    }

    fn count(&mut self, label: &str, by: isize) {
        if self.labels.is_empty() {
            return;
        }
        if let Some(count) = self.labels.get_mut(&*fold(label)) {
            *count = count.saturating_add_signed(by);
        }
    }
}

/// The label as programs compare it that do not mind case, Java among them.
fn fold(label: &str) -> Cow<'_, str> {
    let folded = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
    if label.bytes().all(folded) {
        Cow::Borrowed(label)
    } else {
        Cow::Owned(label.to_lowercase())
    }
}

#[cfg(test)]
mod tests;
