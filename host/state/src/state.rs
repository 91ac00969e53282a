//! The state directory, opened.

mod undertaking;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;

use crate::condition::Condition;
use crate::directory::Directory;
use crate::error::StateError;
use crate::gate::Gate;
use crate::healing::heal;
use crate::incident::{Attempt, Crash, Incidents, Quarantine};
use crate::intent::Intent;
use crate::journal::{Actor, Entry, JournalFault, JournalFile, JournalReport, Tail, Walk, unseal};
use crate::ledger::{Care, Fault, Reader};
use crate::lock::{LockGuard, file_name};
use crate::picture::Picture;
use crate::record::{Endpoint, Record, Standing};
use crate::scope::{Fingerprint, ScopeRow, ScopeTable, ServerName};
use crate::transaction::Transaction;

/// Ledger, scope table, intents and journal of one directory.
///
/// Reading creates and changes nothing; the first write makes the directory. Each call looks at
/// the files anew, so that what another process has committed is seen at once.
#[derive(Debug)]
pub struct State {
    dir: PathBuf,
    seen: Mutex<Seen>,
}

/// What the last look at the files showed.
#[derive(Debug)]
struct Seen {
    condition: Condition,
    warning: Option<String>,
}

impl State {
    /// Opens what is there.
    ///
    /// # Errors
    /// The directory or a file in it is unsafe, unreadable, or from a newer release. Damage and
    /// loss are no errors: [`State::condition`] tells them.
    pub fn open(dir: &Path) -> Result<Self, StateError> {
        let seen = Mutex::new(Seen {
            condition: Condition::FirstRun,
            warning: None,
        });
        let state = Self {
            dir: dir.to_owned(),
            seen,
        };
        state.look(|_| Ok(()))?;
        Ok(state)
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What ledger and journal said about themselves when they were last looked at.
    pub fn condition(&self) -> Condition {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .condition
            .clone()
    }

    /// What is unusual about the directory without being wrong, for people.
    pub fn warnings(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.warning.iter().cloned().collect()
    }

    /// Where a server stands.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn server(&self, server: &ServerName) -> Result<Standing, StateError> {
        self.look(|look| Ok(look.picture.standing(server)))
    }

    /// The record of every known server, by name.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn servers(&self) -> Result<Vec<Record>, StateError> {
        Ok(self
            .standings()?
            .into_iter()
            .filter_map(|standing| standing.record)
            .collect())
    }

    /// Where every known server stands, by name; each has a record.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn standings(&self) -> Result<Vec<Standing>, StateError> {
        self.look(|look| Ok(look.picture.standings()))
    }

    /// The record of another server that is strict and has this address and port.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn strict_at(
        &self,
        endpoint: &Endpoint,
        except: &ServerName,
    ) -> Result<Option<Record>, StateError> {
        let strict = self.standings()?.into_iter().filter(Standing::is_strict);
        Ok(strict
            .filter_map(|standing| standing.record)
            .find(|record| {
                record.server != *except
                    && record
                        .endpoint
                        .as_ref()
                        .is_some_and(|other| other.same_as(endpoint))
            }))
    }

    /// The scope table.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn scope(&self) -> Result<ScopeTable, StateError> {
        self.scope_by(Reader::scope)
    }

    /// The rows of the scope table that cover the server.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn scope_for(&self, server: &ServerName) -> Result<ScopeTable, StateError> {
        self.scope_by(|reader| reader.scope_for(server))
    }

    /// One certificate's row of the scope table.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn scope_row(&self, fingerprint: &Fingerprint) -> Result<Option<ScopeRow>, StateError> {
        let table = self.scope_by(|reader| {
            let row = reader.scope_row(fingerprint)?;
            Ok(ScopeTable {
                rows: row.map(|row| (*fingerprint, row)).into_iter().collect(),
            })
        })?;
        Ok(table.rows.into_values().next())
    }

    /// A number that grows with every change of scope, session security or leave.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn epoch(&self) -> Result<u64, StateError> {
        self.look(|Look { picture, .. }| {
            Ok(match picture.believed() {
                Some(ledger) => ledger.position.epoch,
                // What is lost makes everything else than before, and so will its healing.
                None if picture.condition.is_lost() => picture.remains.ledger.saturating_add(1),
                None => 0,
            })
        })
    }

    /// The journal's entries that can be read, oldest first.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn journal(&self) -> Result<Vec<Entry>, StateError> {
        let mut entries = Vec::new();
        self.look(|look| {
            entries.clear();
            look.each_line(|line, _| entries.extend(unseal(line).ok().map(|line| line.entry)))?;
            Ok(())
        })?;
        Ok(entries)
    }

    /// Walks the whole journal, and holds its end against the ledger.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn verify_journal(&self) -> Result<JournalReport, StateError> {
        self.look(|look| {
            let (mut walk, mut fault) = (Walk::new(), None);
            let pending = look.each_line(|line, whole| {
                let found = walk.step(line).err().or_else(|| {
                    let why = "it is unfinished".to_owned();
                    (!whole).then(|| JournalFault {
                        line: walk.lines(),
                        why,
                    })
                });
                fault = fault.take().or(found);
            })?;
            if let Condition::Lost { why } = &look.picture.condition
                && !matches!(
                    look.picture.tail,
                    None | Some(Tail::Ahead { .. } | Tail::Level { .. })
                )
            {
                let end = JournalFault {
                    line: walk.lines() + 1,
                    why: why.clone(),
                };
                fault = fault.or(Some(end));
            }
            Ok(JournalReport {
                entries: walk.lines(),
                pending,
                fault,
            })
        })
    }

    /// The intents that have not ended.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn intents(&self) -> Result<Vec<Intent>, StateError> {
        self.look(|look| {
            Ok(look
                .picture
                .believed()
                .map(|ledger| ledger.intents.clone())
                .unwrap_or_default())
        })
    }

    /// Why a store's plugin is not to be started, where it is not.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn quarantine(&self, store: &str) -> Result<Option<Quarantine>, StateError> {
        self.incidents(|known| known.quarantines.get(store).cloned())
    }

    /// The last crash of a store's plugin, where it had one since it was last released.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn last_crash(&self, store: &str) -> Result<Option<Crash>, StateError> {
        self.incidents(|known| known.last_crash(store).cloned())
    }

    /// The secrets that a store refused, and that nobody has unlocked it with since.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn attempts(&self, store: &str) -> Result<Vec<Attempt>, StateError> {
        self.incidents(|known| {
            let of_store = known.attempts.iter();
            of_store
                .filter(|attempt| attempt.store == store)
                .cloned()
                .collect()
        })
    }

    fn incidents<T>(&self, of: impl Fn(&Incidents) -> T) -> Result<T, StateError> {
        self.look(|look| Ok(of(&look.picture.incidents())))
    }

    /// Begins a change: exclusive between processes and threads until it is committed or dropped.
    ///
    /// Others who write are waited for up to ten seconds each, and a minute together. Reading goes on
    /// meanwhile, and sees what was before. What was lost is healed first: every
    /// known server becomes strict and lost, which the journal says as `ledger-lost`.
    ///
    /// # Errors
    /// Somebody else is writing, or the files cannot be read or written.
    pub fn write(&self, actor: &Actor, now: OffsetDateTime) -> Result<Transaction<'_>, StateError> {
        self.write_within(actor, now, WAIT)
    }

    /// The same, but no longer than given is waited for others who write.
    ///
    /// # Errors
    /// Somebody else is writing, or the files cannot be read or written.
    pub fn write_within(
        &self,
        actor: &Actor,
        now: OffsetDateTime,
        wait: Duration,
    ) -> Result<Transaction<'_>, StateError> {
        let directory = Directory::make(&self.dir)?;
        let lock = LockGuard::acquire(&directory.lock_file(WRITERS), "the ledger", wait)?;
        let mut picture = self.look_with(Care::Thorough, |look| Ok(look.picture))?;
        if picture.condition.is_lost() {
            heal(&directory, &picture, actor, now)?;
            picture = self.look(|look| Ok(look.picture))?;
        }
        if let Condition::Lost { why } = picture.condition {
            return Err(StateError::Damaged { why });
        }
        Ok(Transaction::begin(
            self,
            directory,
            lock,
            picture,
            actor.clone(),
            now,
        ))
    }

    /// Locks one thing by its name, `server-tsm1`, and waits up to ten seconds for it.
    ///
    /// # Errors
    /// Somebody else holds it; the message names who.
    pub fn lock(&self, what: &str) -> Result<LockGuard, StateError> {
        self.lock_within(what, WAIT)
    }

    /// Locks one thing by its name, and waits as long as given for it.
    ///
    /// # Errors
    /// Somebody else holds it; the message names who.
    pub fn lock_within(&self, what: &str, wait: Duration) -> Result<LockGuard, StateError> {
        let directory = Directory::make(&self.dir)?;
        LockGuard::acquire(&directory.lock_file(&file_name(what)), what, wait)
    }

    /// Takes note that a change was committed.
    pub(crate) fn is_whole_now(&self) {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .condition = Condition::Whole;
    }

    fn scope_by(
        &self,
        read: impl Fn(&Reader) -> Result<ScopeTable, Fault>,
    ) -> Result<ScopeTable, StateError> {
        self.look(|look| match &look.reader {
            Some(reader) => Ok(look.picture.without_stale(read(reader)?)),
            None => Ok(ScopeTable::default()),
        })
    }

    fn look<T>(&self, with: impl FnMut(Look) -> Result<T, StateError>) -> Result<T, StateError> {
        self.look_with(Care::Quick, with)
    }

    /// Takes one picture of the files, and lets it be used while nobody changes them.
    fn look_with<T>(
        &self,
        care: Care,
        mut with: impl FnMut(Look) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        loop {
            let Some(directory) = Directory::find(&self.dir)? else {
                self.see(Condition::FirstRun, None);
                return with(Look {
                    picture: Picture::blank(),
                    reader: None,
                    directory: None,
                });
            };
            let gate = Gate::read(&directory)?;
            let look = Picture::take(&directory, care).and_then(|(picture, reader)| {
                let condition = picture.condition.clone();
                let warning = directory.warning().map(ToOwned::to_owned);
                let seen = with(Look {
                    picture,
                    reader,
                    directory: Some(directory.clone()),
                })?;
                Ok((seen, condition, warning))
            });
            // Somebody wrote for the first time while nothing kept the files still.
            if gate.is_none() && Gate::exists(&directory) {
                continue;
            }
            let (seen, condition, warning) = look?;
            self.see(condition, warning);
            return Ok(seen);
        }
    }

    fn see(&self, condition: Condition, warning: Option<String>) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Seen { condition, warning };
    }
}

/// One look at the files while they keep still.
struct Look {
    picture: Picture,
    reader: Option<Reader>,
    directory: Option<Directory>,
}

impl Look {
    /// Gives every line of the journal, those that are still only in the ledger included, with
    /// whether it is whole; and tells how many of the latter there are.
    fn each_line(&self, mut with: impl FnMut(&[u8], bool)) -> Result<u64, StateError> {
        let Some(directory) = &self.directory else {
            return Ok(0);
        };
        let (good, pending) = match &self.picture.tail {
            Some(Tail::Pending { good, lines, .. }) => (Some(*good), lines.as_slice()),
            _ => (None, [].as_slice()),
        };
        if let Some(file) = JournalFile::open(directory)? {
            for found in file.lines(good.unwrap_or(file.len()))? {
                let (line, whole) = found?;
                with(&line, whole);
            }
        }
        for line in pending {
            with(line.as_bytes(), true);
        }
        Ok(u64::try_from(pending.len()).unwrap_or(u64::MAX))
    }
}

const WAIT: Duration = Duration::from_secs(10);
const WRITERS: &str = "ledger.write";

#[cfg(test)]
mod tests;
