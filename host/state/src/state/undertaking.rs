//! The undertakings of a state, and whether somebody is at work on one.

use super::{State, WRITERS};
use crate::directory::Directory;
use crate::error::StateError;
use crate::ledger::Care;
use crate::lock::held_by;
use crate::picture::Picture;
use crate::undertaking::{OpenUndertaking, Undertaking};

impl State {
    /// The undertakings that have not ended, oldest first. One of them may be somebody's work that
    /// is under way: see [`State::writer`].
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn undertakings(&self) -> Result<Vec<OpenUndertaking>, StateError> {
        self.look(|look| {
            Ok(look
                .picture
                .believed()
                .map(|ledger| ledger.undertakings.clone())
                .unwrap_or_default())
        })
    }

    /// One of them with all its particulars; none where it has ended.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn undertaking(&self, id: u64) -> Result<Option<Undertaking>, StateError> {
        self.look(|look| match (&look.reader, look.picture.believed()) {
            (Some(reader), Some(_)) => Ok(reader.undertaking(id)?),
            _ => Ok(None),
        })
    }

    /// Who writes just now, for people; none where nobody does.
    ///
    /// # Errors
    /// The lock cannot be looked at.
    pub fn writer(&self) -> Result<Option<String>, StateError> {
        match Directory::find(&self.dir)? {
            Some(directory) => held_by(&directory.lock_file(WRITERS)),
            None => Ok(None),
        }
    }

    /// One look at the files, for whoever keeps all others from writing.
    pub(crate) fn picture(&self) -> Result<Picture, StateError> {
        self.look_with(Care::Quick, |look| Ok(look.picture))
    }
}
