//! Puts a file in the place of another, whole or not at all, power cuts included.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::error::DatabaseError;
use crate::likeness::Likeness;
use crate::location::{self, Stamp};
use crate::owner::Owner;

/// A moment between two steps of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// Nothing was done yet.
    Begun,
    /// The new file is there under its passing name, empty.
    Created,
    /// It has its contents.
    Written,
    /// They are on the disk.
    Synced,
    /// It has its name.
    Renamed,
    /// So it has on the disk.
    Done,
}

/// What is asked between two steps. An error ends the write there; tests give one.
pub(crate) type Probe = dyn Fn(&Path, Step) -> io::Result<()> + Send + Sync;

/// Puts `bytes` in the place of whatever `path` is, once `ready` agrees, when they are on the disk
/// already. Only one writer at a time may do it.
///
/// After an error the old file is there as it was, unless only the last step failed: then it is
/// not known whether the new one would survive a power cut.
pub(crate) fn replace(
    path: &Path,
    bytes: &[u8],
    likeness: &Likeness,
    probe: &Probe,
    ready: impl FnOnce() -> Result<(), DatabaseError>,
) -> Result<Stamp, DatabaseError> {
    write(path, bytes, likeness, probe, |passing| {
        ready()?;
        fs::rename(passing, path).map_err(DatabaseError::io("replace", path))
    })
}

/// Puts `bytes` under a name that nothing has yet; whether it was so. Only one at a time may do
/// it.
pub(crate) fn add(
    path: &Path,
    bytes: &[u8],
    likeness: &Likeness,
    probe: &Probe,
) -> Result<bool, DatabaseError> {
    let mut is_free = true;
    write(path, bytes, likeness, probe, |passing| {
        let renamed = rename_to_free(passing, path);
        is_free = !matches!(&renamed, Err(error) if error.kind() == io::ErrorKind::AlreadyExists);
        renamed.map_err(DatabaseError::io("make", path))
    })
    .map(|_| true)
    .or_else(|error| match is_free {
        true => Err(error),
        false => Ok(false),
    })
}

/// Writes a file that `name` then gives its name.
fn write(
    path: &Path,
    bytes: &[u8],
    likeness: &Likeness,
    probe: &Probe,
    name: impl FnOnce(&Path) -> Result<(), DatabaseError>,
) -> Result<Stamp, DatabaseError> {
    let passing = location::beside(path, ".new");
    let written = write_passing(path, &passing, bytes, likeness, probe, name);
    if written.is_err() {
        // The error that is reported is the first one.
        let _ = fs::remove_file(&passing);
    }
    written
}

fn write_passing(
    path: &Path,
    passing: &Path,
    bytes: &[u8],
    likeness: &Likeness,
    probe: &Probe,
    name: impl FnOnce(&Path) -> Result<(), DatabaseError>,
) -> Result<Stamp, DatabaseError> {
    let pass = |step| probe(path, step).map_err(DatabaseError::io("write", path));
    pass(Step::Begun)?;
    let mut file = create(passing)?;
    likeness.give(&file, passing)?;
    pass(Step::Created)?;
    let failed = |error| DatabaseError::io("write", passing)(error);
    file.write_all(bytes).map_err(failed)?;
    likeness.admit(&file, passing)?;
    pass(Step::Written)?;
    file.sync_all().map_err(failed)?;
    pass(Step::Synced)?;
    name(passing)?;
    pass(Step::Renamed)?;
    if let Some(directory) = path.parent() {
        sync_directory(directory)?;
    }
    pass(Step::Done)?;
    // After the renaming, which some systems count as a change of the file.
    let metadata = file.metadata().map_err(failed)?;
    Ok(Stamp::of(&metadata))
}

/// Renames, unless something has the name already.
fn rename_to_free(passing: &Path, path: &Path) -> io::Result<()> {
    match renameat_with(CWD, passing, CWD, path, RenameFlags::NOREPLACE) {
        // Not every file system can do that in one step. A second name is not given to two either.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            fs::hard_link(passing, path)?;
            fs::remove_file(passing)
        }
        renamed => Ok(renamed?),
    }
}

/// A new, empty file. One that an interrupted write left is removed.
fn create(path: &Path) -> Result<File, DatabaseError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(DatabaseError::io("remove", path)(error));
        }
        _ => {}
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
    location::open(path, flags)?
        .ok_or_else(|| DatabaseError::io("make", path)(io::ErrorKind::NotFound.into()))
}

/// Makes the directory and those above it that are missing, for their owner alone.
pub(crate) fn make_directory(path: &Path) -> Result<(), DatabaseError> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make_directory(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        // Another writer was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        made => made.map_err(DatabaseError::io("make", path))?,
    }
    let Some(parent) = path.parent() else {
        return Ok(());
    };
    Owner::of_directory(parent)?.give_directory(path)?;
    sync_directory(parent)
}

fn sync_directory(path: &Path) -> Result<(), DatabaseError> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(DatabaseError::io("sync", path))
}
