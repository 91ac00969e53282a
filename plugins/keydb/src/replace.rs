//! Puts a file in the place of another, whole or not at all, power cuts included.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::error::DatabaseError;
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

/// Puts `bytes` in the place of whatever `path` is. Only one writer at a time may do it.
///
/// After an error the old file is there as it was, unless only the last step failed: then it is
/// not known whether the new one would survive a power cut.
pub(crate) fn replace(
    path: &Path,
    bytes: &[u8],
    owner: Owner,
    probe: &Probe,
) -> Result<Stamp, DatabaseError> {
    let passing = passing_name(path);
    let written = write(path, &passing, bytes, owner, probe);
    if written.is_err() {
        // The error that is reported is the first one.
        let _ = fs::remove_file(&passing);
    }
    written
}

fn write(
    path: &Path,
    passing: &Path,
    bytes: &[u8],
    owner: Owner,
    probe: &Probe,
) -> Result<Stamp, DatabaseError> {
    let pass = |step| probe(path, step).map_err(DatabaseError::io("write", path));
    pass(Step::Begun)?;
    let mut file = create(passing)?;
    owner.give(&file, passing)?;
    pass(Step::Created)?;
    let failed = |error| DatabaseError::io("write", passing)(error);
    file.write_all(bytes).map_err(failed)?;
    pass(Step::Written)?;
    file.sync_all().map_err(failed)?;
    pass(Step::Synced)?;
    fs::rename(passing, path).map_err(DatabaseError::io("replace", path))?;
    pass(Step::Renamed)?;
    if let Some(directory) = path.parent() {
        sync_directory(directory)?;
    }
    pass(Step::Done)?;
    // After the renaming, which some systems count as a change of the file.
    let metadata = file.metadata().map_err(failed)?;
    Ok(Stamp::of(&metadata))
}

/// A new, empty file that only its owner reads. One that an interrupted write left is removed.
fn create(path: &Path) -> Result<File, DatabaseError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(DatabaseError::io("remove", path)(error));
        }
        _ => {}
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
    let file = location::open(path, flags)?
        .ok_or_else(|| DatabaseError::io("make", path)(io::ErrorKind::NotFound.into()))?;
    // Whatever the mask of the process left of it.
    file.set_permissions(Permissions::from_mode(0o600))
        .map_err(DatabaseError::io("protect", path))?;
    Ok(file)
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

/// The name of a file that is not whole yet.
fn passing_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}
