//! Changes to what a database holds, made in memory first.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use anchorhold_formats::edit::{Edit, Edits, Entry};
use anchorhold_sdk::Effect;

use crate::contents::{ById, Contents, Id, fits};
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
        /// Whether its trust is marked in a way that is not known.
        marked: bool,
    },
    /// Removes the certificate.
    Remove(Id),
}

/// What came of a change.
pub(crate) type Outcome = (Effect, Id);

/// What a database is going to hold.
pub(crate) struct Draft<'a> {
    contents: &'a Contents,
    /// What becomes of the certificates that are there, by their place in the file.
    changes: BTreeMap<usize, Edit<'a>>,
    /// What is new, in its order. None where it was removed again.
    added: Vec<Option<Entry<'a>>>,
    /// Where what is new is.
    new: ById<usize>,
    /// How many certificates and keys have each of the labels that are asked for, in lower case.
    /// The other labels, and there may be very many, are of no interest.
    labels: HashMap<String, usize>,
    /// How many items there are by now.
    items: usize,
}

/// What is to be written, and what is to be said of it.
#[derive(Debug)]
pub(crate) struct Work<'a> {
    pub(crate) edits: Edits<'a>,
    pub(crate) outcomes: Vec<Outcome>,
    /// How many items there are afterwards.
    pub(crate) items: usize,
}

/// Where a certificate is, or was before it was removed.
#[derive(Clone, Copy, Debug)]
enum Place {
    File(usize),
    Added(usize),
}

impl<'a> Draft<'a> {
    /// Starts from what is there, for these changes.
    pub(crate) fn new(contents: &'a Contents, changes: &[Change<'a>]) -> Self {
        let asked = changes.iter().filter_map(|change| match change {
            Change::Put { entry, .. } if !entry.label.is_empty() => Some(entry.label),
            _ => None,
        });
        let mut draft = Self {
            contents,
            changes: BTreeMap::new(),
            added: Vec::new(),
            new: ById::default(),
            labels: asked.map(|label| (label.to_lowercase(), 0)).collect(),
            items: contents.len(),
        };
        if !draft.labels.is_empty() {
            for label in contents.labels() {
                draft.count(label, 1);
            }
        }
        draft
    }

    /// Makes one change.
    pub(crate) fn make(&mut self, change: &Change<'a>) -> Result<Outcome, DatabaseError> {
        match *change {
            Change::Put {
                claimed: Some(claimed),
                ..
            } if self.is_held(&claimed) => Err(DatabaseError::OtherCertificate),
            Change::Put {
                id, entry, marked, ..
            } => Ok((self.put(id, entry, marked)?, id)),
            Change::Remove(id) => Ok((self.remove(&id)?, id)),
        }
    }

    /// Whether it differs from what is there.
    pub(crate) fn is_changed(&self) -> bool {
        !self.changes.is_empty() || self.added.iter().any(Option::is_some)
    }

    /// What is to be written, with what came of each change.
    pub(crate) fn finish(self, outcomes: Vec<Outcome>) -> Work<'a> {
        Work {
            edits: Edits {
                changes: self.changes,
                added: self.added.into_iter().flatten().collect(),
            },
            outcomes,
            items: self.items,
        }
    }

    fn put(&mut self, id: Id, entry: Entry<'a>, marked: bool) -> Result<Effect, DatabaseError> {
        let place = self.place(&id);
        let held = place.and_then(|place| self.entry(place));
        if held.is_some_and(|held| held.label == entry.label) && (!marked || self.is_marked(place))
        {
            return Ok(Effect::Unchanged);
        }
        self.may_put(&id, place, &entry, marked)?;
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
        self.set(id, place, entry);
        if held.is_some() {
            return Ok(Effect::Updated);
        }
        self.items += usize::from(fits(entry.der));
        Ok(Effect::New)
    }

    /// Whether the database can hold it as it is put.
    fn may_put(
        &self,
        id: &Id,
        place: Option<Place>,
        entry: &Entry<'_>,
        marked: bool,
    ) -> Result<(), DatabaseError> {
        self.may_change(place)?;
        let label = entry.label.to_owned();
        if marked {
            Err(DatabaseError::MarkNotKept { label })
        } else if place.is_none() && self.contents.is_owner(id) {
            Err(DatabaseError::OfKey { label })
        } else {
            Ok(())
        }
    }

    /// Whether what is at a place could be written again as it is.
    fn may_change(&self, place: Option<Place>) -> Result<(), DatabaseError> {
        match place {
            Some(place) if self.is_marked(Some(place)) => {
                let label = self.entry(place).map_or("", |entry| entry.label).to_owned();
                Err(DatabaseError::MarkUnknown { label })
            }
            _ => Ok(()),
        }
    }

    fn set(&mut self, id: Id, place: Option<Place>, entry: Entry<'a>) {
        match place {
            None => {
                self.new.insert(id, self.added.len());
                self.added.push(Some(entry));
            }
            Some(Place::Added(place)) => self.added[place] = Some(entry),
            Some(Place::File(place)) => {
                let before = self.contents.certificate(place);
                if before.is_some_and(|before| before.label == entry.label) {
                    self.changes.remove(&place);
                } else {
                    self.changes.insert(place, Edit::Label(entry.label));
                }
            }
        }
    }

    fn remove(&mut self, id: &Id) -> Result<Effect, DatabaseError> {
        if self.contents.is_key(id) {
            return Err(DatabaseError::IsKey);
        }
        let place = self.place(id);
        let Some((place, entry)) = place.and_then(|place| Some((place, self.entry(place)?))) else {
            return Ok(Effect::Unchanged);
        };
        self.may_change(Some(place))?;
        self.count(entry.label, -1);
        self.items -= usize::from(fits(entry.der));
        match place {
            Place::Added(place) => self.added[place] = None,
            Place::File(place) => {
                self.changes.insert(place, Edit::Remove);
                // It goes as a whole.
                for place in self.contents.again(id) {
                    let label = self.contents.certificate(*place).map(|again| again.label);
                    if self.changes.insert(*place, Edit::Remove).is_none() {
                        self.count(label.unwrap_or_default(), -1);
                    }
                }
            }
        }
        Ok(Effect::Removed)
    }

    fn is_held(&self, id: &Id) -> bool {
        let place = self.place(id);
        place.is_some_and(|place| self.entry(place).is_some()) || self.contents.is_key(id)
    }

    /// Whether the database marks its trust in a way that is not known.
    fn is_marked(&self, place: Option<Place>) -> bool {
        match place {
            Some(Place::File(place)) => !self.contents.trust_known(place),
            _ => false,
        }
    }

    fn place(&self, id: &Id) -> Option<Place> {
        let new = self.new.get(id).copied().map(Place::Added);
        new.or_else(|| self.contents.place(id).map(Place::File))
    }

    /// What is at a place by now; none where it was removed.
    fn entry(&self, place: Place) -> Option<Entry<'a>> {
        match place {
            Place::Added(place) => self.added[place],
            Place::File(place) => {
                let certificate = self.contents.certificate(place)?;
                let label = match self.changes.get(&place) {
                    None => certificate.label,
                    Some(Edit::Label(label)) => label,
                    Some(Edit::Remove) => return None,
                };
                let der = certificate.der;
                Some(Entry { label, der })
            }
        }
    }

    /// How many certificates and keys have a label that is asked for.
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
