//! How a change becomes durable in ledger and journal, in an order that any moment may interrupt.
//!
//! The lines of the journal are written into the ledger first, with the change itself, and then
//! added to the file. What is missing there is found again in the ledger, and added before the
//! next change.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use crate::directory::Directory;
use crate::error::StateError;
use crate::gate::Gate;
use crate::journal::{Actor, Appender, Event, Place, Stamp, Tail};
use crate::ledger::{Care, Change, IntentChange, Kept, Position, digest, replace, write};
use crate::picture::Picture;
use crate::scope::{Fingerprint, ScopeRow, ServerName};

/// What a change is made from.
#[derive(Debug)]
pub(crate) struct Commit<'a> {
    pub(crate) actor: &'a Actor,
    pub(crate) now: OffsetDateTime,
    /// Where the ledger stands; `None` where a new one is to be made.
    pub(crate) before: Option<Position>,
    /// The number of this change.
    pub(crate) number: u64,
    /// Whether scope, session security or leave change.
    pub(crate) epoch: u64,
    /// Whether all that have no record are lost from now on.
    pub(crate) blind: bool,
    /// Where the journal ends.
    pub(crate) place: Place,
    /// What has to be added to the journal's file first.
    pub(crate) tail: Option<&'a Tail>,
    /// Every server after the change.
    pub(crate) servers: &'a BTreeMap<ServerName, Kept>,
    /// Those whose rows change.
    pub(crate) touched: &'a BTreeSet<ServerName>,
    /// The rows of the scope table that change.
    pub(crate) scope: &'a BTreeMap<Fingerprint, Option<ScopeRow>>,
    /// What happens to intents.
    pub(crate) intents: Vec<IntentChange>,
    /// What the journal is to say; never empty, so that every change moves both.
    pub(crate) events: &'a [Event],
}

impl Commit<'_> {
    /// Writes all of it. The caller holds the writers' lock.
    pub(crate) fn run(self, directory: &Directory) -> Result<(), StateError> {
        let mut place = self.place;
        let lines = self.lines(&mut place)?;
        let change = self.change(place, &lines);

        let _gate = Gate::write(directory)?;
        let journal = Appender::open(directory)?;
        if let Some(Tail::Pending { .. }) = self.tail {
            complete(directory, &journal)?;
        }
        match self.before {
            Some(_) => write(directory, &change)?,
            None => replace(directory, &change)?,
        }
        // From here on the change has happened. Where the file takes no more, its lines wait in
        // the ledger, and the next change, which has to add them first, fails.
        let _ = journal.append(self.place.len, &lines);
        Ok(())
    }

    fn change<'b>(&'b self, place: Place, lines: &'b [String]) -> Change<'b> {
        let Self {
            servers,
            touched,
            scope,
            ..
        } = self;
        Change {
            before: self.before,
            after: Position {
                number: self.number,
                epoch: self.epoch,
                journal: place,
                blind: self.blind,
            },
            servers: touched
                .iter()
                .filter_map(|name| servers.get(name))
                .collect(),
            scope: scope.iter().map(|(of, row)| (*of, row.as_ref())).collect(),
            intents: &self.intents,
            outbox: (self.place.seq.saturating_add(1), lines),
        }
    }

    fn lines(&self, place: &mut Place) -> Result<Vec<String>, StateError> {
        let stamp = Stamp {
            actor: self.actor,
            at: self.now,
            ledger: self.number,
        };
        let records = digest(self.servers.values());
        let last = self.events.len().saturating_sub(1);
        let mut lines = Vec::with_capacity(self.events.len());
        for (index, event) in self.events.iter().enumerate() {
            let kept = event
                .server
                .as_ref()
                .and_then(|server| self.servers.get(server));
            let endpoint = kept.and_then(|kept| kept.record.endpoint.as_ref());
            let records = (index == last).then_some(records.as_str());
            lines.push(stamp.line(event, endpoint, records, place)?);
        }
        Ok(lines)
    }
}

/// Adds to the journal what an interrupted change has left in the ledger.
///
/// What lies after that in the file goes, so both are looked at once more: whoever removes lock
/// files may have let somebody else in.
fn complete(directory: &Directory, journal: &Appender) -> Result<(), StateError> {
    let (picture, _) = Picture::take(directory, Care::Quick)?;
    match picture.tail {
        Some(Tail::Pending { good, lines, .. }) => journal.append(good, &lines),
        _ => Ok(()),
    }
}
