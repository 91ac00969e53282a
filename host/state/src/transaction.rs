//! One change of the state: all of it or nothing.

mod incident;
mod undertaking;

pub use undertaking::Turn;

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use crate::commit::Commit;
use crate::directory::Directory;
use crate::error::StateError;
use crate::incident::{Incidents, StoreChange};
use crate::intent::{Intent, IntentEnd};
use crate::journal::{Actor, Event, LONGEST_SERVER, Place};
use crate::ledger::{IntentChange, Kept, Next, UndertakingChange, word};
use crate::lock::LockGuard;
use crate::picture::{Picture, SCOPE_REMOVED, SCOPE_SET};
use crate::record::{Lowered, Record, Security, Standing};
use crate::scope::{Fingerprint, ScopeRow, ServerName, Servers};
use crate::state::State;
use crate::undertaking::OpenUndertaking;

/// A change that nobody sees before it is committed; dropped, it never was.
///
/// Every change of scope, session security, leave or intent is journalled by itself, so that
/// none can be forgotten; [`Transaction::note`] adds what only the caller knows.
#[derive(Debug)]
pub struct Transaction<'a> {
    state: &'a State,
    directory: Directory,
    lock: LockGuard,
    picture: Picture,
    actor: Actor,
    now: OffsetDateTime,

    servers: BTreeMap<ServerName, Kept>,
    touched: BTreeSet<ServerName>,
    scope: BTreeMap<Fingerprint, Option<ScopeRow>>,
    pending: BTreeMap<ServerName, Intent>,
    intents: Vec<IntentChange>,
    open: Vec<OpenUndertaking>,
    undertakings: Vec<UndertakingChange>,
    incidents: Incidents,
    stores: Vec<StoreChange>,
    events: Vec<Event>,
    noted: BTreeSet<ServerName>,
    decides: bool,
    mistake: Option<String>,
}

impl<'a> Transaction<'a> {
    pub(crate) fn begin(
        state: &'a State,
        directory: Directory,
        lock: LockGuard,
        picture: Picture,
        actor: Actor,
        now: OffsetDateTime,
    ) -> Self {
        let ledger = picture.ledger.as_ref();
        let servers = ledger
            .map(|ledger| ledger.servers.clone())
            .unwrap_or_default();
        let intents = ledger
            .map(|ledger| ledger.intents.as_slice())
            .unwrap_or_default();
        let incidents = ledger
            .map(|ledger| ledger.incidents.clone())
            .unwrap_or_default();
        let pending = intents
            .iter()
            .map(|intent| (intent.server.clone(), intent.clone()));
        let open = ledger
            .map(|ledger| ledger.undertakings.clone())
            .unwrap_or_default();
        Self {
            open,
            undertakings: Vec::new(),
            pending: pending.collect(),
            state,
            directory,
            lock,
            actor,
            now,
            servers,
            touched: BTreeSet::new(),
            scope: BTreeMap::new(),
            intents: Vec::new(),
            incidents,
            stores: Vec::new(),
            events: Vec::new(),
            noted: BTreeSet::new(),
            decides: false,
            mistake: None,
            picture,
        }
    }
}

impl Transaction<'_> {
    /// Writes a transitional record where the server has none; true if it had none.
    ///
    /// Where nobody can tell which servers were known once, the new record is strict and lost.
    ///
    /// # Errors
    /// The name cannot be a server's.
    pub fn ensure_server(&mut self, server: &ServerName) -> Result<bool, StateError> {
        if let Some(why) = unfit(server) {
            return Err(StateError::Invalid { why });
        }
        let new = !self.servers.contains_key(server);
        self.kept(server);
        Ok(new)
    }

    /// Where a server stands, this change included.
    pub fn server(&self, server: &ServerName) -> Standing {
        match self.servers.get(server) {
            Some(kept) => kept.standing(),
            None => Standing {
                lost: self.is_blind(),
                ..Standing::default()
            },
        }
    }

    /// The server's intent that has not ended, this change included.
    pub fn intent(&self, server: &ServerName) -> Option<&Intent> {
        self.pending.get(server)
    }

    /// Writes a record in the place of the server's last.
    ///
    /// When it was made stays as it was, and so does strict: another process may have raised the
    /// server since the record was read.
    pub fn put_record(&mut self, record: &Record) {
        let kept = self.kept(&record.server);
        let old = kept.record.clone();
        let mut new = Record {
            created: old.created,
            server: old.server.clone(),
            ..record.clone()
        };
        new.security = old.security.max(record.security);
        if new == old {
            return;
        }
        kept.record = new.clone();
        let detail = difference(&old, &new);
        self.touched.insert(new.server.clone());
        if new.security == old.security {
            self.events
                .push(Event::new(RECORD_UPDATED, detail).server(&new.server));
        } else {
            self.decides = true;
            self.events
                .push(Event::new("server-strict", detail).server(&new.server));
        }
    }

    /// Makes a server strict.
    pub fn raise(&mut self, server: &ServerName) {
        let kept = self.kept(server);
        if kept.record.security == Security::Strict {
            return;
        }
        kept.record.security = Security::Strict;
        self.touched.insert(server.clone());
        self.decides = true;
        self.events
            .push(Event::new("server-raised", "strict from now on").server(server));
    }

    /// Gives a server leave to go down: it is no longer lost, and what it announced is forgotten.
    ///
    /// A strict record stays strict; it is the leave that lets it go down while it holds.
    pub fn lower(&mut self, server: &ServerName, lowered: Lowered) {
        let until = match lowered.until.map(OffsetDateTime::from_unix_timestamp) {
            None => "the next TLS session".to_owned(),
            Some(Ok(until)) => until.to_string(),
            Some(Err(_)) => "the end of time".to_owned(),
        };
        let detail = format!("{} until {until}: {}", lowered.allow, lowered.reason);
        let kept = self.kept(server);
        kept.lost = false;
        kept.record.announced = None;
        kept.lowered = Some(lowered);
        self.touched.insert(server.clone());
        self.decides = true;
        self.events
            .push(Event::new("server-lowered", detail).server(server));
    }

    /// Takes note that the operator knows of the loss: the server is no longer lost, and stays
    /// strict.
    pub fn acknowledge(&mut self, server: &ServerName) {
        let kept = self.kept(server);
        if !kept.lost {
            return;
        }
        kept.lost = false;
        kept.record.security = Security::Strict;
        self.touched.insert(server.clone());
        self.decides = true;
        let detail = "the operator knows of the loss; it stays strict";
        self.events
            .push(Event::new("ledger-lost-acknowledged", detail).server(server));
    }

    /// Takes the leave away.
    pub fn end_lowered(&mut self, server: &ServerName) {
        let ended = self
            .servers
            .get_mut(server)
            .and_then(|kept| kept.lowered.take());
        if let Some(lowered) = ended {
            self.touched.insert(server.clone());
            self.decides = true;
            let detail = format!("{} is no longer allowed", lowered.allow);
            self.events
                .push(Event::new("lowered-ended", detail).server(server));
        }
    }

    /// Writes a row of the scope table in the place of the certificate's last.
    ///
    /// Every server that it names gets a record if it has none.
    pub fn put_scope(&mut self, fingerprint: Fingerprint, row: &ScopeRow) {
        let detail = match &row.servers {
            Servers::Any => format!("{} for any server", word(row.kind)),
            Servers::Named(names) => {
                for name in names {
                    self.kept(name);
                }
                let names: Vec<_> = names.iter().map(ServerName::as_str).collect();
                let whom = if names.is_empty() {
                    "nobody".to_owned()
                } else {
                    names.join(", ")
                };
                format!("{} for {whom}", word(row.kind))
            }
        };
        self.scope.insert(fingerprint, Some(row.clone()));
        self.decides = true;
        self.events
            .push(Event::new(SCOPE_SET, detail).certificate(fingerprint));
    }

    /// Takes a certificate's row out of the scope table.
    pub fn remove_scope(&mut self, fingerprint: Fingerprint) {
        self.scope.insert(fingerprint, None);
        self.decides = true;
        let event = Event::new(SCOPE_REMOVED, "it vouches for no server");
        self.events.push(event.certificate(fingerprint));
    }

    /// Writes down what is about to be done; a server has one intent at a time.
    pub fn begin_intent(&mut self, intent: &Intent) {
        self.kept(&intent.server);
        if self
            .pending
            .insert(intent.server.clone(), intent.clone())
            .is_some()
        {
            self.mistake = Some(format!(
                "{} has an intent that has not ended",
                intent.server
            ));
        }
        self.intents.push(IntentChange::Begin(intent.clone()));
        self.events.push(intent_event("intent-begun", intent));
    }

    /// Ends the server's intent.
    pub fn end_intent(&mut self, server: &ServerName, end: IntentEnd) {
        let Some(intent) = self.pending.remove(server) else {
            return;
        };
        self.intents.push(IntentChange::End(server.clone()));
        let kind = match end {
            IntentEnd::Completed => "intent-completed",
            IntentEnd::Undone => "intent-undone",
        };
        self.events.push(intent_event(kind, &intent));
    }

    /// Adds an entry to the journal.
    pub fn note(&mut self, event: Event) {
        if let Some(server) = &event.server {
            self.kept(server);
            self.noted.insert(server.clone());
        }
        self.events.push(event);
    }

    /// Makes the change durable, in ledger and journal.
    ///
    /// # Errors
    /// The change did not happen; only where the system fails at the very moment of writing may
    /// it be found all the same later, and then all of it.
    pub fn commit(mut self) -> Result<(), StateError> {
        self.run(Next::Sometime)?;
        Ok(())
    }

    /// Makes the change durable as it must be before the next one comes.
    fn run(&mut self, next: Next) -> Result<(), StateError> {
        if let Some(why) = self.mistake.take() {
            return Err(StateError::Invalid { why });
        }
        // A caller who has noted something of a server has told of the session already; what
        // else changed in its record is said all the same.
        let noted = &self.noted;
        self.events.retain(|event| {
            let told = event
                .server
                .as_ref()
                .is_some_and(|server| noted.contains(server));
            event.kind != RECORD_UPDATED || event.detail != SESSION || !told
        });
        if self.events.is_empty() {
            return Ok(());
        }
        let position = self.picture.ledger.as_ref().map(|ledger| ledger.position);
        let number = position
            .map_or(0, |position| position.number)
            .saturating_add(1);
        let epoch = position.map_or(0, |position| position.epoch);
        let commit = Commit {
            actor: &self.actor,
            now: self.now,
            before: position,
            number,
            epoch: if self.decides { number } else { epoch },
            blind: self.is_blind(),
            place: Some(position.map_or(Place::START, |position| position.journal)),
            tail: self.picture.tail.as_ref(),
            servers: &self.servers,
            touched: &self.touched,
            scope: &self.scope,
            intents: std::mem::take(&mut self.intents),
            undertakings: std::mem::take(&mut self.undertakings),
            stores: std::mem::take(&mut self.stores),
            events: &self.events,
            next,
        };
        commit.run(&self.directory)?;
        self.state.is_whole_now();
        Ok(())
    }

    fn is_blind(&self) -> bool {
        self.picture
            .ledger
            .as_ref()
            .is_some_and(|ledger| ledger.position.blind)
    }

    /// The server's row, which is made where it is missing.
    fn kept(&mut self, server: &ServerName) -> &mut Kept {
        let (blind, created) = (self.is_blind(), self.now.unix_timestamp());
        if !self.servers.contains_key(server) {
            self.mistake = self.mistake.take().or_else(|| unfit(server));
            self.touched.insert(server.clone());
            self.decides = true;
            let detail = if blind {
                "a first record, strict because what was known before is lost"
            } else {
                "a first record"
            };
            self.events
                .push(Event::new("server-added", detail).server(server));
        }
        self.servers.entry(server.clone()).or_insert_with(|| {
            let mut record = Record::new(server.clone(), created);
            if blind {
                record.security = Security::Strict;
            }
            Kept {
                record,
                lost: blind,
                lowered: None,
            }
        })
    }
}

fn intent_event(kind: &'static str, intent: &Intent) -> Event {
    let event = Event::new(kind, intent.label.clone()).server(&intent.server);
    event
        .certificate(intent.fingerprint)
        .store(intent.store.clone())
}

/// Why a name cannot be a server's.
fn unfit(server: &ServerName) -> Option<String> {
    let name = server.as_str();
    if name.is_empty() {
        return Some("the name of a server is empty".to_owned());
    }
    if name.len() > LONGEST_SERVER {
        return Some(format!(
            "the name of a server is longer than {LONGEST_SERVER} bytes"
        ));
    }
    let strange = name.chars().any(char::is_control);
    strange.then(|| format!("the name of a server holds a control character: {name:?}"))
}

/// What is different in two records, for people.
fn difference(old: &Record, new: &Record) -> String {
    let mut parts = Vec::new();
    let mut compare = |what: &str, old: Option<String>, new: Option<String>| {
        if old != new {
            let said = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
            parts.push(format!("{what} {} (was {})", said(new), said(old)));
        }
    };
    let level = |record: &Record| record.level.as_ref().map(|level| level.value.clone());
    let certificate = |record: &Record| record.certificate.map(|of| of.to_string());
    let endpoint = |record: &Record| record.endpoint.as_ref().map(ToString::to_string);
    compare("announced", old.announced.clone(), new.announced.clone());
    compare("level", level(old), level(new));
    compare("TLS", old.tls_version.clone(), new.tls_version.clone());
    compare("certificate", certificate(old), certificate(new));
    compare("address", endpoint(old), endpoint(new));
    if old.last_session != new.last_session {
        parts.push(SESSION.to_owned());
    }
    parts.join(", ")
}

const RECORD_UPDATED: &str = "record-updated";
const SESSION: &str = "a session was completed";
