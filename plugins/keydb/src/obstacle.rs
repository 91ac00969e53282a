//! What keeps a database from being written, found before anything is tried.

use std::fmt;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use crate::error::DatabaseError;
use crate::location::{self, Location};
use crate::owner::Owner;
use crate::settings::Adoption;

/// What keeps a database from being written.
#[derive(Debug)]
#[non_exhaustive]
pub enum Obstacle {
    /// The operator wants it only to be read.
    Adopted {
        /// The database.
        path: PathBuf,
    },
    /// The system refuses to change what is in its directory.
    Directory {
        /// The directory.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
    /// The file has other names, which would lead to the old contents from then on.
    HardLinks {
        /// The database.
        path: PathBuf,
        /// How many names there are in all.
        count: u64,
    },
    /// The system keeps it, or its directory, from being changed by anybody.
    Immutable {
        /// The file or directory.
        path: PathBuf,
    },
    /// Another program keeps an index of it, which tells that it is in use there.
    Index {
        /// The index.
        path: PathBuf,
    },
    /// Its mode says that it is only read.
    Mode {
        /// The database.
        path: PathBuf,
        /// The mode.
        mode: u32,
    },
}

/// Whether the database could be made or written again, as far as that is known beforehand.
pub(crate) fn check(location: &Location, adoption: Option<Adoption>) -> Result<(), DatabaseError> {
    let refused = |obstacle| Err(DatabaseError::ReadOnly(obstacle));
    if adoption == Some(Adoption::Read) {
        let path = location.database.clone();
        return refused(Obstacle::Adopted { path });
    }
    if adoption != Some(Adoption::Write) && location.index.symlink_metadata().is_ok() {
        let path = location.index.clone();
        return refused(Obstacle::Index { path });
    }
    if let Some(obstacle) = of_file(location)? {
        return refused(obstacle);
    }
    match of_directory(&location.directory) {
        Some(obstacle) => refused(obstacle),
        None => Ok(()),
    }
}

/// What the file itself says; nothing where there is none.
fn of_file(location: &Location) -> Result<Option<Obstacle>, DatabaseError> {
    const OWNER_WRITES: u32 = 0o200;
    let path = &location.database;
    let Some(metadata) = location::metadata(path)? else {
        return Ok(None);
    };
    Owner::of(location)?;
    let path = path.clone();
    Ok(if metadata.nlink() > 1 {
        let count = metadata.nlink();
        Some(Obstacle::HardLinks { path, count })
    } else if metadata.mode() & OWNER_WRITES == 0 {
        let mode = metadata.mode() & 0o7777;
        Some(Obstacle::Mode { path, mode })
    } else if is_immutable(&path) {
        Some(Obstacle::Immutable { path })
    } else {
        None
    })
}

/// What the directory says, or the nearest above it where it is still to be made.
fn of_directory(directory: &Path) -> Option<Obstacle> {
    let nearest = directory.ancestors().find(|place| place.exists())?;
    let path = nearest.to_owned();
    match access(nearest, Access::WRITE_OK | Access::EXEC_OK) {
        Err(error) => {
            let source = error.into();
            Some(Obstacle::Directory { path, source })
        }
        Ok(()) if is_immutable(nearest) => Some(Obstacle::Immutable { path }),
        Ok(()) => None,
    }
}

/// Whether nobody, not even root, can change it before an attribute of it is taken away.
#[cfg(target_os = "linux")]
fn is_immutable(path: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};

    let found = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty());
    let fixed = StatxAttributes::IMMUTABLE | StatxAttributes::APPEND;
    found.is_ok_and(|found| found.stx_attributes.intersects(fixed))
}

/// Elsewhere the first write tells.
#[cfg(not(target_os = "linux"))]
fn is_immutable(_path: &Path) -> bool {
    false
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Adopted { path } => write!(
                f,
                "{} is only read, as its store's adopt = \"read\" says",
                path.display()
            ),
            Self::Directory { path, source } => {
                write!(f, "nothing can be written in {}: {source}", path.display())
            }
            Self::HardLinks { path, count } => write!(
                f,
                "{} has {count} names (hard links), which a write would part; remove the others",
                path.display()
            ),
            Self::Immutable { path } => write!(
                f,
                "{} cannot be changed by anybody (immutable or append-only): chattr -i -a",
                path.display()
            ),
            Self::Index { path } => write!(
                f,
                "{} is there, so another program uses it: set adopt = \"write\" to write it",
                path.display()
            ),
            Self::Mode { path, mode } => write!(
                f,
                "{} is read-only (mode {mode:o}): chmod u+w lets it be written",
                path.display()
            ),
        }
    }
}

impl std::error::Error for Obstacle {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Directory { source, .. } => Some(source),
            _ => None,
        }
    }
}
