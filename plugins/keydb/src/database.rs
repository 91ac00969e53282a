//! One key database: read when it changed, changed under a lock, replaced as a whole.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use anchorhold_formats::p12::{self, Archive, Entry, MAX_FILE, Password, Randomness};

use crate::contents::{self, Contents, Foreign, fits};
use crate::draft::{Change, Draft, Outcome};
use crate::error::DatabaseError;
use crate::location::{self, Location, Stamp, Stamps};
use crate::lock::{Patience, WriteLock};
use crate::owner::Owner;
use crate::replace::{self, Probe};
use crate::stash::{self, Secret};

/// One key database.
///
/// The file is the truth. What is kept in memory is used only while the file is the one that it
/// was read from, so all processes that have it open see the same.
pub(crate) struct Database {
    location: Location,
    memory: Mutex<Memory>,
    /// What `standing` answers from. It is locked for moments only, never while a file is read.
    known: Mutex<Known>,
    probe: Box<Probe>,
}

/// What is kept between calls.
#[derive(Debug, Default)]
struct Memory {
    /// What was read last, unless it is known to be old.
    contents: Option<Arc<Contents>>,
    /// The files that it was read from.
    stamps: Stamps,
    secret: Option<Secret>,
}

/// What is known without reading.
#[derive(Debug)]
struct Known {
    /// Which files were read or written last.
    stamps: Stamps,
    /// What they held, or why they were not read.
    found: Result<Found, String>,
    /// When that last went well, in Unix seconds; 0 is never.
    last_success: i64,
}

/// What a file was found to hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) generation: u64,
    pub(crate) items: usize,
    pub(crate) foreign: Foreign,
}

/// How a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) state: State,
    pub(crate) writable: bool,
    /// What lets others than the owner in, and what to do about it.
    pub(crate) exposed: Option<String>,
    pub(crate) last_success: i64,
}

/// What is known of the file that is there now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It was not read since it changed.
    Changed,
    /// It cannot be read.
    Failed(String),
    /// It is not there, although its stash is: it was removed, or never came to be.
    Missing,
    /// It was read.
    Read(Found),
}

/// Under which conditions changes are made.
pub(crate) struct Terms<'a> {
    /// The generation that they are meant for; none is any.
    pub(crate) at: Option<u64>,
    /// Answer as if they were made.
    pub(crate) check_only: bool,
    /// How long to wait for another writer.
    pub(crate) patience: Patience<'a>,
}

impl Database {
    /// Finds the database at `path`, and reads it if it is there. That it cannot be read is no
    /// error yet: its standing tells, and every later call tries again.
    pub(crate) fn open(path: &Path) -> Result<Self, DatabaseError> {
        Self::open_probed(path, Box::new(|_, _| Ok(())))
    }

    /// The same, with something that is asked between the steps of each write.
    pub(crate) fn open_probed(path: &Path, probe: Box<Probe>) -> Result<Self, DatabaseError> {
        let database = Self {
            location: Location::new(path)?,
            memory: Mutex::default(),
            known: Mutex::new(Known {
                stamps: Stamps::default(),
                found: Ok(Found::default()),
                last_success: 0,
            }),
            probe,
        };
        // What went wrong is known from now on.
        let _ = database.refresh(&mut database.memory());
        Ok(database)
    }

    /// How it is: from memory, and from what the system knows of the files without reading them.
    pub(crate) fn standing(&self) -> Standing {
        let (state, last_success) = self.state();
        let writable = match &state {
            State::Failed(_) => false,
            State::Read(found) if !found.foreign.is_empty() => false,
            _ => self.location.is_writable(),
        };
        Standing {
            state,
            writable,
            exposed: self.location.exposed(),
            last_success,
        }
    }

    /// What it holds now.
    pub(crate) fn contents(&self) -> Result<Arc<Contents>, DatabaseError> {
        self.refresh(&mut self.memory())
    }

    /// Makes changes, all of them or none.
    ///
    /// What would change nothing writes nothing, and what cannot be done is refused before
    /// anything is written: neither needs a directory that can be written.
    pub(crate) fn apply(
        &self,
        changes: &[Change<'_>],
        terms: &Terms<'_>,
    ) -> Result<Vec<Outcome>, DatabaseError> {
        let mut memory = self.memory();
        let mut lock = None;
        loop {
            let contents = self.refresh(&mut memory)?;
            let (draft, outcomes) = self.draft(&contents, changes, terms.at)?;
            if terms.check_only || !draft.is_changed() {
                return Ok(outcomes);
            }
            if lock.is_none() {
                lock = Some(self.lock(&terms.patience)?);
                // Somebody may have written while there was no lock.
                if self.location.stamps()? != memory.stamps {
                    continue;
                }
            }
            let known = self.write(&draft.into_entries(), &mut memory.secret)?;
            *self.known() = known;
            // What is there now is read from the disk when it is asked for, so that what is then
            // said of a change is what has become of it.
            memory.contents = None;
            return Ok(outcomes);
        }
    }

    /// What the changes make of the contents, and what is to be said of each.
    fn draft<'a>(
        &self,
        contents: &'a Contents,
        changes: &[Change<'a>],
        at: Option<u64>,
    ) -> Result<(Draft<'a>, Vec<Outcome>), DatabaseError> {
        if at.is_some_and(|at| at != contents.generation()) {
            return Err(DatabaseError::Conflict);
        }
        let mut draft = Draft::new(contents, changes);
        let outcomes: Result<Vec<_>, _> = changes.iter().map(|change| draft.make(change)).collect();
        let foreign = contents.foreign();
        if draft.is_changed() && !foreign.is_empty() {
            return Err(DatabaseError::WouldLose {
                path: self.location.database.clone(),
                keys: foreign.keys,
                others: foreign.others,
            });
        }
        Ok((draft, outcomes?))
    }

    /// Takes the lock, in a directory that is made where it is missing.
    fn lock(&self, patience: &Patience<'_>) -> Result<WriteLock, DatabaseError> {
        replace::make_directory(&self.location.directory)?;
        let owner = Owner::of(&self.location)?;
        WriteLock::take(&self.location.lock, owner, patience)
    }

    /// Writes a database with these entries. The lock is held.
    fn write(
        &self,
        entries: &[Entry<'_>],
        secret: &mut Option<Secret>,
    ) -> Result<Known, DatabaseError> {
        let owner = Owner::of(&self.location)?;
        let secret = match secret {
            Some(secret) => secret,
            // There is no database yet. A stash without one is what an interrupted first write
            // leaves behind.
            None => secret.insert(match stash::read(&self.location)? {
                Some(text) => Secret::new(text),
                None => stash::create(&self.location, owner, &*self.probe)?,
            }),
        };
        let bytes = p12::write(entries, &mut secret.password, &randomness()?)
            .map_err(DatabaseError::Write)?;
        let digest = p12::digest(&bytes).map_err(DatabaseError::Write)?;
        let stamps = self.location.stamps()?;
        let stamp = replace::replace(&self.location.database, &bytes, owner, &*self.probe)?;
        Ok(Known {
            stamps: Stamps {
                database: Some(stamp),
                ..stamps
            },
            found: Ok(Found {
                generation: contents::generation(&digest),
                items: entries.iter().filter(|entry| fits(entry.der)).count(),
                foreign: Foreign::default(),
            }),
            last_success: now(),
        })
    }

    /// What the files hold: read now, unless they are those that were read last.
    fn refresh(&self, memory: &mut Memory) -> Result<Arc<Contents>, DatabaseError> {
        let stamps = self.location.stamps()?;
        if let Some(contents) = &memory.contents
            && memory.stamps == stamps
        {
            return Ok(Arc::clone(contents));
        }
        // Before the new is read, so that large ones are not there twice.
        memory.contents = None;
        let loaded = self.load(memory, stamps);
        let mut known = self.known();
        known.stamps = memory.stamps;
        match loaded {
            Ok(contents) => {
                known.found = Ok(Found::of(&contents));
                known.last_success = now();
                Ok(Arc::clone(memory.contents.insert(Arc::new(contents))))
            }
            Err(error) => {
                known.found = Err(self.in_brief(&error));
                Err(error)
            }
        }
    }

    /// Reads the files, whose states were these a moment ago.
    fn load(&self, memory: &mut Memory, stamps: Stamps) -> Result<Contents, DatabaseError> {
        memory.stamps = stamps;
        let before = memory.secret.take();
        if stamps.database.is_none() {
            return Ok(Contents::absent());
        }
        let text = stash::read(&self.location)?.ok_or_else(|| self.stash_missing())?;
        let secret = memory.secret.insert(stash::renew(before, text));
        let (stamp, archive) = self.open_file(&mut secret.password)?;
        memory.stamps.database = stamp;
        Ok(archive.map_or_else(Contents::absent, Contents::new))
    }

    /// Reads and opens the database; none if it is gone by now.
    fn open_file(
        &self,
        password: &mut Password,
    ) -> Result<(Option<Stamp>, Option<Archive>), DatabaseError> {
        let path = &self.location.database;
        let mut attempts = 3;
        loop {
            let Some((stamp, bytes)) = location::read(path, MAX_FILE)? else {
                return Ok((None, None));
            };
            let source = match p12::read(bytes, password) {
                Ok(archive) => return Ok((Some(stamp), Some(archive))),
                Err(source) => source,
            };
            attempts -= 1;
            // Other programs write into the file while it is read.
            if attempts == 0 || self.location.stamps()?.database == Some(stamp) {
                return Err(DatabaseError::File {
                    path: path.clone(),
                    source,
                });
            }
        }
    }

    fn state(&self) -> (State, i64) {
        let stamps = self.location.stamps();
        let known = self.known();
        let state = match stamps {
            Err(error) => State::Failed(self.in_brief(&error)),
            Ok(Stamps {
                database: None,
                stash: Some(_),
            }) => State::Missing,
            Ok(stamps) if stamps == known.stamps => match &known.found {
                Ok(found) => State::Read(*found),
                Err(error) => State::Failed(error.clone()),
            },
            Ok(Stamps { database: None, .. }) => State::Read(Found::default()),
            Ok(Stamps { stash: None, .. }) => State::Failed(self.in_brief(&self.stash_missing())),
            Ok(_) => State::Changed,
        };
        (state, known.last_success)
    }

    fn stash_missing(&self) -> DatabaseError {
        DatabaseError::StashMissing {
            path: self.location.stash.clone(),
        }
    }

    /// An error without the directory, whose name may be longer than all else.
    fn in_brief(&self, error: &DatabaseError) -> String {
        let directory = format!("{}/", self.location.directory.display());
        error.to_string().replace(&directory, "")
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Found {
    fn of(contents: &Contents) -> Self {
        Self {
            generation: contents.generation(),
            items: contents.len(),
            foreign: contents.foreign(),
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("location", &self.location)
            .finish_non_exhaustive()
    }
}

fn randomness() -> Result<Randomness, DatabaseError> {
    let mut random = Randomness {
        salt: [0; 16],
        iv: [0; 16],
        mac_salt: [0; 16],
    };
    stash::fill(&mut random.salt)?;
    stash::fill(&mut random.iv)?;
    stash::fill(&mut random.mac_salt)?;
    Ok(random)
}

/// Unix seconds, for people.
fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests;
