//! Incidents in the ledger and journal of a state directory.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use anchorhold_boundary::services::{LogLevel, LogSink};
use anchorhold_state::{Actor, Attempt, Event, Mark, Quarantine, State, StateError, Transaction};
use time::OffsetDateTime;

use super::{Crash, Incidents, RefusedSecret, SecretMark, Written};

/// Writes incidents into the ledger of a state directory, which is opened when it is first needed.
///
/// A store may crash in the middle of a change of the ledger that its caller makes. What cannot be
/// written at once for that reason is written with the next incident, before the next start of a
/// plugin, or at the end.
pub struct LedgerIncidents {
    dir: PathBuf,
    state: OnceLock<State>,
    actor: Actor,
    now: Arc<dyn Fn() -> OffsetDateTime + Send + Sync>,
    log: LogSink,
    waiting: Mutex<Vec<Incident>>,
}

/// Something that is to be written.
#[derive(Clone, Debug)]
enum Incident {
    Crashed {
        store: String,
        code: String,
        what: String,
    },
    Refused {
        store: String,
        setting: String,
        mark: Option<Mark>,
        what: String,
    },
    Taken {
        store: String,
    },
}

impl LedgerIncidents {
    /// Writes as `actor` into the state directory, and says in the log what cannot be written.
    pub fn new(
        dir: &Path,
        actor: Actor,
        now: Arc<dyn Fn() -> OffsetDateTime + Send + Sync>,
        log: LogSink,
    ) -> Self {
        Self {
            dir: dir.to_owned(),
            state: OnceLock::new(),
            actor,
            now,
            log,
            waiting: Mutex::default(),
        }
    }

    /// Writes what is to be written, this one last; returns the quarantine that it brought.
    fn write(&self, incident: Incident) -> Option<Quarantine> {
        let mut waiting = self.waiting();
        waiting.push(incident);
        self.write_waiting(&mut waiting)
    }

    fn write_waiting(&self, waiting: &mut Vec<Incident>) -> Option<Quarantine> {
        match self.write_all(waiting, AT_ONCE) {
            Ok(quarantine) => {
                waiting.clear();
                return quarantine;
            }
            Err(StateError::Busy { .. }) if waiting.len() < WAITING => {}
            Err(error) => {
                waiting.clear();
                self.say(&error);
            }
        }
        None
    }

    fn write_all(
        &self,
        incidents: &[Incident],
        wait: Duration,
    ) -> Result<Option<Quarantine>, StateError> {
        let state = self.state()?;
        let mut change = state.write_within(&self.actor, (self.now)(), wait)?;
        let mut quarantine = None;
        for incident in incidents {
            quarantine = incident.put(&mut change);
        }
        change.commit()?;
        Ok(quarantine)
    }

    /// What is known of a store; where it cannot be read that is said.
    fn known<T>(&self, read: impl FnOnce(&State) -> Result<T, StateError>) -> Option<T> {
        let known = self.state().and_then(read);
        known.inspect_err(|error| self.say(error)).ok()
    }

    /// The state, opened once; it looks at the files anew each time.
    fn state(&self) -> Result<&State, StateError> {
        if let Some(state) = self.state.get() {
            return Ok(state);
        }
        let state = State::open(&self.dir)?;
        Ok(self.state.get_or_init(|| state))
    }

    fn say(&self, error: &StateError) {
        let mut line = format!("crashes and refused secrets are not remembered: {error}");
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            line.push_str(&format!(": {cause}"));
            source = cause.source();
        }
        (self.log)(LogLevel::Warn, &line);
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Incident>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Incident {
    fn put(&self, change: &mut Transaction<'_>) -> Option<Quarantine> {
        match self {
            Self::Crashed { store, code, what } => return change.record_crash(store, code, what),
            Self::Refused {
                store,
                setting,
                mark: Some(mark),
                what,
            } => change.record_attempt(store, setting, Some(*mark), what),
            // What a person has typed says nothing about what is stored.
            Self::Refused { store, what, .. } => {
                change.note(Event::new("secret-refused", what.clone()).store(store.clone()));
            }
            Self::Taken { store } => change.forget_attempts(store),
        }
        None
    }
}

impl Incidents for LedgerIncidents {
    fn quarantine(&self, store: &str, code: &str) -> Written {
        let mut waiting = self.waiting();
        if !waiting.is_empty() {
            self.write_waiting(&mut waiting);
        }
        drop(waiting);
        match self.known(|state| state.quarantine(store)) {
            None => Written::Unreadable,
            Some(Some(known)) if known.holds_for(code) => Written::Quarantined(known.why),
            Some(_) => Written::Nothing,
        }
    }

    fn crashed(&self, crash: &Crash<'_>) -> Option<String> {
        let quarantine = self.write(Incident::Crashed {
            store: crash.store.to_owned(),
            code: crash.code.to_owned(),
            what: crash.what.to_owned(),
        });
        quarantine.map(|quarantine| quarantine.why)
    }

    fn refused_secret(&self, store: &str, setting: &str) -> Option<Option<SecretMark>> {
        let is_of = |attempt: &&Attempt| attempt.setting.is_empty() || attempt.setting == setting;
        let Some(known) = self.known(|state| state.attempts(store)) else {
            // Nobody knows how many attempts are left.
            return Some(None);
        };
        let known = known.iter().filter(is_of);
        // One of which nothing is known counts for every secret.
        known
            .map(|attempt| {
                attempt
                    .mark
                    .map(|Mark { salt, hash }| SecretMark { salt, hash })
            })
            .min_by_key(Option::is_some)
    }

    fn secret_refused(&self, refused: &RefusedSecret<'_>) {
        self.write(Incident::Refused {
            store: refused.store.to_owned(),
            setting: refused.setting.to_owned(),
            mark: refused
                .mark
                .map(|SecretMark { salt, hash }| Mark { salt, hash }),
            what: refused.what.to_owned(),
        });
    }

    fn secret_taken(&self, store: &str) {
        // Nothing is written where there is nothing to forget.
        let known = self.known(|state| state.attempts(store));
        if known.is_some_and(|known| !known.is_empty()) {
            self.write(Incident::Taken {
                store: store.to_owned(),
            });
        }
    }
}

impl Drop for LedgerIncidents {
    fn drop(&mut self) {
        let waiting = std::mem::take(&mut *self.waiting());
        if !waiting.is_empty()
            && let Err(error) = self.write_all(&waiting, AT_THE_END)
        {
            self.say(&error);
        }
    }
}

impl fmt::Debug for LedgerIncidents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LedgerIncidents")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}

/// How long somebody else's change is waited for, who may be waiting for us.
const AT_ONCE: Duration = Duration::from_millis(200);
const AT_THE_END: Duration = Duration::from_secs(10);
/// How many incidents wait at most.
const WAITING: usize = 64;

#[cfg(test)]
mod tests;
