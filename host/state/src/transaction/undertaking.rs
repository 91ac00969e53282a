//! What a change says of undertakings.

use std::sync::Arc;

use time::OffsetDateTime;

use super::{Transaction, unfit};
use crate::condition::Condition;
use crate::directory::Directory;
use crate::error::StateError;
use crate::journal::{Actor, Event};
use crate::ledger::{Next, UndertakingChange};
use crate::lock::LockGuard;
use crate::scope::{ScopeRow, ServerName, Servers};
use crate::state::State;
use crate::undertaking::{OpenUndertaking, Undertaking, UndertakingEnd};

/// The right to write, while nothing is being changed.
#[derive(Debug)]
pub struct Turn<'a> {
    state: &'a State,
    directory: Directory,
    lock: LockGuard,
    actor: Actor,
    now: OffsetDateTime,
}

impl<'a> Turn<'a> {
    /// Begins a change, of what the files say now.
    ///
    /// # Errors
    /// The files cannot be read, or are damaged.
    pub fn begin(self) -> Result<Transaction<'a>, StateError> {
        let picture = self.state.picture()?;
        if let Condition::Lost { why } = picture.condition {
            return Err(StateError::Damaged { why });
        }
        Ok(Transaction::begin(
            self.state,
            self.directory,
            self.lock,
            picture,
            self.actor,
            self.now,
        ))
    }
}

impl<'a> Transaction<'a> {
    /// Makes the change durable, and begins another one before anybody else can.
    ///
    /// # Errors
    /// The change did not happen, as with [`Transaction::commit`]; or the files cannot be read any
    /// more, and it did.
    pub fn commit_and_go_on(mut self) -> Result<Self, StateError> {
        self.run(Next::AtOnce)?;
        self.into_turn().begin()
    }

    /// Makes the change durable, in ledger and journal; where that fails, nobody else can write
    /// before the caller has done what is to be done then.
    ///
    /// # Errors
    /// As with [`Transaction::commit`].
    pub fn commit_or_keep(mut self) -> Result<(), (StateError, Box<Turn<'a>>)> {
        let done = self.run(Next::Sometime);
        done.map_err(|error| (error, Box::new(self.into_turn())))
    }

    fn into_turn(self) -> Turn<'a> {
        Turn {
            state: self.state,
            directory: self.directory,
            lock: self.lock,
            actor: self.actor,
            now: self.now,
        }
    }
}

impl Transaction<'_> {
    /// The undertakings that have not ended, this change included. While this change is under way
    /// none of them is anybody's work: whoever has one under way keeps others from writing.
    pub fn undertakings(&self) -> &[OpenUndertaking] {
        &self.open
    }

    /// Writes down what is about to be done to stores; it can be done once that is durable.
    /// Returns what it is ended by.
    pub fn begin_undertaking(&mut self, undertaking: Arc<Undertaking>) -> u64 {
        let number = self.picture.ledger.as_ref();
        let number = number.map_or(0, |ledger| ledger.position.number);
        let taken = self.open.iter().map(|open| open.id.saturating_add(1));
        let id = taken.max().unwrap_or(0).max(number.saturating_add(1));
        for server in servers(&undertaking) {
            self.mistake = self.mistake.take().or_else(|| unfit(server));
        }
        let head = OpenUndertaking {
            id,
            what: undertaking.what.clone(),
            at: self.now.unix_timestamp(),
            who: self.actor.user.clone(),
            program: self.actor.program.clone(),
            stores: stores(&undertaking),
        };
        for (store, items) in &head.stores {
            let detail = match items {
                1 => format!("{} of one", head.what),
                many => format!("{} of {many}", head.what),
            };
            self.events.push(Event::new(BEGUN, detail).store(store));
        }
        self.open.push(head.clone());
        self.undertakings
            .push(UndertakingChange::Begin(head, undertaking));
        id
    }

    /// Ends an undertaking.
    pub fn end_undertaking(&mut self, id: u64, end: UndertakingEnd) {
        let Some(place) = self.open.iter().position(|open| open.id == id) else {
            return;
        };
        let open = self.open.remove(place);
        self.undertakings.push(UndertakingChange::End(id));
        let kind = match end {
            UndertakingEnd::Completed => "undertaking-completed",
            UndertakingEnd::Undone => "undertaking-undone",
        };
        let stores: Vec<&str> = open.stores.iter().map(|(store, _)| &**store).collect();
        let detail = format!("{} in {}", open.what, stores.join(", "));
        self.events.push(Event::new(kind, detail));
    }

    /// Leaves a store that is gone for good out of the undertakings that wait for it; true if any
    /// did.
    pub fn give_up_store(&mut self, store: &str) -> bool {
        let mut any = false;
        for open in &mut self.open {
            let before = open.stores.len();
            open.stores.retain(|(name, _)| name != store);
            if open.stores.len() == before {
                continue;
            }
            any = true;
            let change = UndertakingChange::GiveUp(open.id, store.to_owned());
            self.undertakings.push(change);
            let detail = format!("{} no longer waits for it", open.what);
            self.events
                .push(Event::new("undertaking-given-up", detail).store(store));
        }
        any
    }
}

fn stores(undertaking: &Undertaking) -> Vec<(String, u64)> {
    let parts = undertaking.stores.iter().map(|part| {
        let items = u64::try_from(part.items.len()).unwrap_or(u64::MAX);
        (part.store.clone(), items)
    });
    parts.collect()
}

/// Every server that it names.
fn servers(undertaking: &Undertaking) -> impl Iterator<Item = &ServerName> {
    let rows = undertaking
        .rows
        .iter()
        .flat_map(|row| row.before.iter().chain(&row.after));
    let named = rows.filter_map(|row: &ScopeRow| match &row.servers {
        Servers::Any => None,
        Servers::Named(names) => Some(names),
    });
    named.flatten().chain(&undertaking.raises)
}

const BEGUN: &str = "undertaking-begun";
