//! The copy that is kept of a database that was made elsewhere, before its first change here.

use std::io;
use std::time::Instant;

use crate::archive::Archive;
use crate::error::DatabaseError;
use crate::likeness::Likeness;
use crate::location::{self, Location};
use crate::lock::{Patience, WriteLock};
use crate::owner::Owner;
use crate::replace::{self, Probe};
use crate::stash::Secret;

/// What became of the copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Backup {
    /// It was made.
    Made,
    /// There was one of this very state already, which stays as it is.
    Kept,
    /// There was one of another state already, which stays as it is.
    Older,
    /// The database was made here, or has been changed here before.
    NotDue,
}

/// Takes the lock to write a database, of which a copy is kept where this is its first change
/// here.
///
/// A writer makes the lock file before the database, so one that has none beside it was made
/// elsewhere. The copy is there, whole, before the lock file is: whoever dies in between leaves
/// the next writer to find no lock file again.
pub(crate) fn lock(
    location: &Location,
    secret: Option<&mut Secret>,
    patience: &Patience<'_>,
    probe: &Probe,
) -> Result<(WriteLock, Backup), DatabaseError> {
    let begun = Instant::now();
    let take = || {
        let patience = patience.after(begun.elapsed());
        WriteLock::take(&location.lock, Owner::of(location)?, &patience)
    };
    let Some(secret) = secret.filter(|_| is_due(location).unwrap_or(true)) else {
        return Ok((take()?, Backup::NotDue));
    };
    let turn = location::beside(&location.backup, ".lock");
    let first = WriteLock::take(&turn, Owner::of(location)?, patience)?;
    let locked = match is_due(location) {
        // Another writer came first.
        Ok(false) => take().map(|lock| (lock, Backup::NotDue)),
        Ok(true) => copy(location, secret, probe).and_then(|kept| Ok((take()?, kept))),
        Err(error) => Err(error),
    };
    // Whoever waits for it finds that its name leads nowhere, and looks again.
    let removed = first.remove(&turn);
    locked.and_then(|locked| removed.map(|()| locked))
}

/// Whether the database was there before anybody here wrote it.
fn is_due(location: &Location) -> Result<bool, DatabaseError> {
    // In this order: what is made here has its lock file first.
    if location.metadata()?.is_none() {
        return Ok(false);
    }
    match location.lock.symlink_metadata() {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(DatabaseError::io("look at", &location.lock)(error)),
    }
}

fn copy(location: &Location, secret: &mut Secret, probe: &Probe) -> Result<Backup, DatabaseError> {
    let path = &location.database;
    let likeness = Likeness::of(location)?;
    let Some((_, bytes)) = location::read(path, location.format.max_file())? else {
        return Err(DatabaseError::Conflict);
    };
    // Another program may write into the file while it is read.
    let whole = Archive::open(location.format, bytes.clone(), secret);
    whole.map_err(|source| DatabaseError::File {
        path: path.clone(),
        source,
    })?;
    match replace::add(&location.backup, &bytes, &likeness, probe)? {
        true => Ok(Backup::Made),
        false => kept(location, &bytes, secret),
    }
}

/// What stands where the copy should be. What could not be put back is no copy.
fn kept(location: &Location, bytes: &[u8], secret: &mut Secret) -> Result<Backup, DatabaseError> {
    let no_copy = || DatabaseError::NoCopy {
        path: location.backup.clone(),
    };
    match location::read(&location.backup, location.format.max_file()) {
        Ok(Some((_, there))) if there == bytes => Ok(Backup::Kept),
        Ok(Some((_, there))) => Archive::open(location.format, there, secret)
            .map(|_| Backup::Older)
            .map_err(|_| no_copy()),
        // It was taken away meanwhile.
        Ok(None) => Err(DatabaseError::Conflict),
        Err(DatabaseError::SymbolicLink { .. } | DatabaseError::NotAFile { .. }) => Err(no_copy()),
        Err(error) => Err(error),
    }
}
