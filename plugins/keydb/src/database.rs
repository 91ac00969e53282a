//! One key database: read when it changed, changed under a lock, replaced as a whole.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anchorhold_sdk::Health;

use crate::archive::{Archive, Format};
use crate::backup::{self, Backup};
use crate::contents::Contents;
use crate::draft::{Change, Draft, Outcome, Work};
use crate::error::DatabaseError;
use crate::location::{self, Location, Stamp, Stamps};
use crate::lock::{Patience, WriteLock};
use crate::obstacle;
use crate::replace::{self, Probe};
use crate::settings::Settings;
use crate::standing::{Found, Known, Standing, State};
use crate::stash::{self, Secret};
use crate::watch::{Seen, Watch};

mod write;

/// One key database.
///
/// The file is the truth. What is kept in memory is used only while the file is the one that it
/// was read from, so all processes that have it open see the same.
pub(crate) struct Database {
    location: Location,
    settings: Settings,
    memory: Mutex<Memory>,
    /// What `standing` answers from. It is locked for moments only, never while a file is read.
    known: Mutex<Known>,
    /// What a watch takes for known.
    seen: Arc<Seen>,
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

/// Under which conditions changes are made.
pub(crate) struct Terms<'a> {
    /// The generation that they are meant for; none is any.
    pub(crate) at: Option<u64>,
    /// Answer as if they were made.
    pub(crate) check_only: bool,
    /// How long to wait for another writer.
    pub(crate) patience: Patience<'a>,
    /// Hears of what the operator should know.
    pub(crate) tell: &'a dyn Fn(&str),
}

impl Database {
    /// Finds the database at `path`, and reads it if it is there. That it cannot be read is no
    /// error yet: its standing tells, and every later call tries again.
    pub(crate) fn open(path: &Path, settings: Settings) -> Result<Self, DatabaseError> {
        Self::open_probed(path, settings, Box::new(|_, _| Ok(())))
    }

    /// The same, with something that is asked between the steps of each write.
    pub(crate) fn open_probed(
        path: &Path,
        settings: Settings,
        probe: Box<Probe>,
    ) -> Result<Self, DatabaseError> {
        let database = Self {
            location: Location::new(path)?,
            settings,
            memory: Mutex::default(),
            known: Mutex::default(),
            seen: Arc::default(),
            probe,
        };
        // What went wrong is known from now on.
        let _ = database.refresh(&mut database.memory());
        *database.seen.turn() = database.memory().stamps;
        Ok(database)
    }

    /// Tells whenever another program changed the files, for as long as the watch is there; none
    /// where nobody hears of changes.
    pub(crate) fn watch(&self, tell: impl Fn() + Send + 'static) -> Option<Watch> {
        Watch::start(&self.location, &self.seen, tell)
    }

    /// What it is written as.
    pub(crate) fn format(&self) -> Format {
        self.location.format
    }

    /// How it is: from memory, and from what the system knows of the files without reading them.
    pub(crate) fn standing(&self) -> Standing {
        let (state, last_success) = self.state();
        let obstacle = obstacle::check(&self.location, self.settings.adoption);
        // Until it is read again, it holds what it held.
        let is_public = self.settings.adoption.is_some()
            && matches!(self.known().found, Ok(found) if !found.has_keys);
        Standing {
            obstacle: obstacle.err().map(|error| self.in_brief(&error)),
            exposed: self.location.exposed(is_public),
            state,
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
        for _ in 0..ATTEMPTS {
            let contents = self.refresh(&mut memory)?;
            let work = self.draft(&contents, changes, terms.at)?;
            if terms.check_only || work.edits.is_empty() {
                return Ok(work.outcomes);
            }
            if lock.is_none() {
                lock = Some(self.lock(&mut memory, terms)?);
                // Somebody may have written while there was no lock.
                if self.location.stamps()? != memory.stamps {
                    continue;
                }
            }
            if let Some(known) = self.write(&contents, &work, &mut memory)? {
                *self.known() = known;
                // What is there now is read from the disk when it is asked for, so that what is
                // then said of a change is what has become of it.
                memory.contents = None;
                return Ok(work.outcomes);
            }
        }
        Err(DatabaseError::Conflict)
    }

    /// What the changes make of the contents, and what is to be said of each.
    fn draft<'a>(
        &self,
        contents: &'a Contents,
        changes: &[Change<'a>],
        at: Option<u64>,
    ) -> Result<Work<'a>, DatabaseError> {
        if at.is_some_and(|at| at != contents.generation()) {
            return Err(DatabaseError::Conflict);
        }
        let mut draft = Draft::new(contents, changes);
        let outcomes: Result<Vec<_>, _> = changes.iter().map(|change| draft.make(change)).collect();
        let outcomes = outcomes?;
        if draft.is_changed() {
            obstacle::check(&self.location, self.settings.adoption)?;
        }
        Ok(draft.finish(outcomes))
    }

    /// Takes the lock, in a directory that is made where it is missing. A database that was made
    /// elsewhere is copied before.
    fn lock(&self, memory: &mut Memory, terms: &Terms<'_>) -> Result<WriteLock, DatabaseError> {
        let location = &self.location;
        replace::make_directory(&location.directory)?;
        let secret = memory.secret.as_mut();
        let (lock, kept) = backup::lock(location, secret, &terms.patience, &*self.probe)?;
        self.tell(&kept, terms);
        Ok(lock)
    }

    fn tell(&self, kept: &Backup, terms: &Terms<'_>) {
        let what = match kept {
            Backup::Made => "as it was, it is kept as",
            Backup::Kept => "as it was, it was kept before, and stays, as",
            Backup::Older => "another state of it was kept before, and stays, as",
            Backup::NotDue => return,
        };
        (terms.tell)(&format!(
            "{} was not made here; {what} {}",
            self.location.database.display(),
            self.location.backup.display()
        ));
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
                known.last_success = Health::now();
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
            return self.absent();
        }
        let password = stash::read(&self.location)?.ok_or_else(|| self.stash_missing())?;
        let secret = memory.secret.insert(stash::renew(before, password));
        match self.open_file(secret)? {
            Some((stamp, archive)) => {
                memory.stamps.database = Some(stamp);
                Ok(Contents::new(archive))
            }
            None => {
                memory.stamps.database = None;
                self.absent()
            }
        }
    }

    /// What a database holds that is not there.
    fn absent(&self) -> Result<Contents, DatabaseError> {
        match self.settings.adoption {
            // Whoever adopted it counts on what it held.
            Some(_) => Err(self.missing()),
            None => Ok(Contents::absent()),
        }
    }

    /// Reads and opens the database; none if it is gone by now.
    fn open_file(&self, secret: &mut Secret) -> Result<Option<(Stamp, Archive)>, DatabaseError> {
        let Location {
            database: path,
            format,
            ..
        } = &self.location;
        let mut attempts = ATTEMPTS;
        loop {
            let Some((stamp, bytes)) = location::read(path, format.max_file())? else {
                return Ok(None);
            };
            let source = match Archive::open(*format, bytes, secret) {
                Ok(archive) => return Ok(Some((stamp, archive))),
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
            Ok(Stamps { database: None, .. }) if self.settings.adoption.is_some() => {
                State::Failed(self.in_brief(&self.missing()))
            }
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

    fn missing(&self) -> DatabaseError {
        DatabaseError::Missing {
            path: self.location.database.clone(),
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

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("location", &self.location)
            .finish_non_exhaustive()
    }
}

/// How often a file is read, or written anew, that another program writes at the same time.
const ATTEMPTS: u32 = 3;

#[cfg(test)]
mod tests;
