//! How a change becomes durable in ledger and journal, in an order that any moment may interrupt.
//!
//! The lines of the journal are written into the ledger first, with the change itself, and then
//! added to the file. What is missing there is found again in the ledger, and added before the
//! next change.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use crate::directory::{Directory, JOURNAL};
use crate::error::StateError;
use crate::gate::Gate;
use crate::incident::StoreChange;
use crate::journal::{Actor, Appender, Event, Place, Stamp, Successor, Tail};
use crate::ledger::{
    Care, Change, IntentChange, Kept, Next, Position, UndertakingChange, digest, keep_damaged,
    replace, write,
};
use crate::moment;
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
    /// Where the journal ends; `None` where it cannot go on, and a new one takes its place.
    pub(crate) place: Option<Place>,
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
    /// What happens to undertakings.
    pub(crate) undertakings: Vec<UndertakingChange>,
    /// What is said of stores.
    pub(crate) stores: Vec<StoreChange>,
    /// What the journal is to say; never empty, so that every change moves both.
    pub(crate) events: &'a [Event],
    /// When the next change comes.
    pub(crate) next: Next,
}

impl Commit<'_> {
    /// Writes all of it. The caller holds the writers' lock.
    pub(crate) fn run(self, directory: &Directory) -> Result<(), StateError> {
        let start = self.place.unwrap_or(Place::START);
        let mut end = start;
        let lines = self.lines(&mut end)?;
        let change = self.change(start, end, &lines);

        let _gate = Gate::write(directory)?;
        moment::pass();
        if self.place.is_none() {
            return begin_journal(directory, &change, &lines);
        }
        let journal = Appender::open(directory)?;
        moment::pass();
        if let Some(Tail::Pending { .. }) = self.tail {
            complete(directory, &journal)?;
        }
        change_ledger(directory, &change, self.next)?;
        // From here on the change has happened. Where the file takes no more, its lines wait in
        // the ledger, and the next change, which has to add them first, fails.
        moment::pass();
        let _ = journal.append(start.len, &lines);
        moment::pass();
        Ok(())
    }

    fn change<'b>(&'b self, start: Place, end: Place, lines: &'b [String]) -> Change<'b> {
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
                journal: end,
                blind: self.blind,
            },
            servers: touched
                .iter()
                .filter_map(|name| servers.get(name))
                .collect(),
            scope: scope.iter().map(|(of, row)| (*of, row.as_ref())).collect(),
            intents: &self.intents,
            undertakings: &self.undertakings,
            stores: &self.stores,
            outbox: (start.seq.saturating_add(1), lines),
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

/// Makes a change that begins another journal, and keeps the old one under another name.
///
/// Until the last step the old one, if there is one, has its place. Before that neither a ledger
/// of before nor the changed one can be believed, so that a healing that is interrupted is a
/// loss still.
fn begin_journal(
    directory: &Directory,
    change: &Change<'_>,
    lines: &[String],
) -> Result<(), StateError> {
    let successor = Successor::write(directory, lines)?;
    moment::pass();
    keep_damaged(directory, JOURNAL)?;
    directory.sync()?;
    moment::pass();
    change_ledger(directory, change, Next::Sometime)?;
    moment::pass();
    successor.establish()
}

fn change_ledger(directory: &Directory, change: &Change<'_>, next: Next) -> Result<(), StateError> {
    match change.before {
        Some(_) => write(directory, change, next),
        None => replace(directory, change),
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
