//! The state directory: who may write to it, and what lies in it.

use std::fs::{self, DirBuilder, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::error::StateError;

/// The database.
pub(crate) const LEDGER: &str = "ledger.db";
/// A database that is not in use yet.
pub(crate) const LEDGER_NEW: &str = "ledger.new";
/// The journal.
pub(crate) const JOURNAL: &str = "journal.jsonl";
/// A journal that is not in use yet.
pub(crate) const JOURNAL_NEW: &str = "journal.new";
/// The folder of the locks.
pub(crate) const LOCKS: &str = "locks";
/// What SQLite puts beside a database.
pub(crate) const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

const OWNER_ONLY_DIR: u32 = 0o700;
const OTHERS_WRITE: u32 = 0o022;
const OTHERS_READ: u32 = 0o055;

/// A directory that exists and that nobody else can write to, by its real path.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    warning: Option<String>,
}

impl Directory {
    /// Finds and checks it; `None` where there is none.
    pub(crate) fn find(typed: &Path) -> Result<Option<Self>, StateError> {
        // SQLite is told to follow no link, and it looks at every part of a path.
        let path = match fs::canonicalize(typed) {
            Ok(path) => path,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return match fs::symlink_metadata(typed) {
                    Ok(found) if found.is_symlink() => {
                        Err(refused(typed, "is a link that leads nowhere"))
                    }
                    // Another process made it between the two looks.
                    Ok(_) => Self::find(typed),
                    Err(_) => Ok(None),
                };
            }
            Err(error) => return Err(StateError::io(format!("open {}", typed.display()), error)),
        };
        let metadata = fs::metadata(&path)
            .map_err(|error| StateError::io(format!("examine {}", path.display()), error))?;
        if !metadata.is_dir() {
            return Err(refused(&path, "is not a directory"));
        }
        check_owner(&path, &metadata)?;
        let mode = metadata.mode() & 0o7777;
        if mode & OTHERS_WRITE != 0 {
            return Err(refused(
                &path,
                &format!("others can write to it (mode {mode:04o}); run chmod go-w on it first"),
            ));
        }
        let warning = (mode & OTHERS_READ != 0).then(|| {
            format!(
                "{} can be read by others (mode {mode:04o}); 0700 is enough",
                path.display()
            )
        });
        Ok(Some(Self { path, warning }))
    }

    /// Finds it, or makes it with what is missing above it, for the owner only.
    pub(crate) fn make(typed: &Path) -> Result<Self, StateError> {
        let absolute = std::path::absolute(typed)
            .map_err(|error| StateError::io(format!("find {}", typed.display()), error))?;
        make_owner_only(&absolute)?;
        let Some(found) = Self::find(&absolute)? else {
            return Err(refused(
                &absolute,
                "vanished while it was being made; try again",
            ));
        };
        make_owner_only(&found.file(LOCKS))?;
        Ok(found)
    }

    /// The path of something in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The path of a lock.
    pub(crate) fn lock_file(&self, name: &str) -> PathBuf {
        self.path.join(LOCKS).join(name)
    }

    /// What is unusual about it.
    pub(crate) fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    /// The length of a file in it, once it was checked; `None` where there is none.
    pub(crate) fn length(&self, name: &str) -> Result<Option<u64>, StateError> {
        let path = self.file(name);
        match fs::symlink_metadata(&path) {
            Ok(metadata) => {
                check_file(&path, &metadata)?;
                Ok(Some(metadata.len()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StateError::io(format!("examine {}", path.display()), error)),
        }
    }

    /// Whether it holds remains of a ledger or journal beside those in use.
    pub(crate) fn has_remains(&self) -> Result<bool, StateError> {
        let failed = |error| StateError::io(format!("list {}", self.path.display()), error);
        for found in fs::read_dir(&self.path).map_err(failed)? {
            let name = found.map_err(failed)?.file_name();
            let name = name.to_string_lossy();
            let rest = name
                .strip_prefix(LEDGER)
                .or_else(|| name.strip_prefix(JOURNAL));
            if rest.is_some_and(|rest| !rest.is_empty()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A name beside `name` that nothing has yet, for what is damaged and kept.
    pub(crate) fn name_aside(&self, name: &str) -> Result<String, StateError> {
        (1..10_000)
            .map(|number| format!("{name}.damaged-{number}"))
            .find(|aside| fs::symlink_metadata(self.file(aside)).is_err())
            .ok_or_else(|| refused(&self.path, "holds too many damaged files; remove some"))
    }

    /// Makes what was created, renamed or removed in it durable.
    pub(crate) fn sync(&self) -> Result<(), StateError> {
        sync_dir(&self.path)
            .map_err(|error| StateError::io(format!("sync {}", self.path.display()), error))
    }
}

/// Makes the entries of a directory durable.
pub(crate) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Refuses what is not a plain file, or what others could change.
pub(crate) fn check_file(path: &Path, metadata: &Metadata) -> Result<(), StateError> {
    if metadata.file_type().is_symlink() {
        return Err(refused(
            path,
            "is a symbolic link, which could lead anywhere; remove it",
        ));
    }
    if !metadata.is_file() {
        return Err(refused(path, "is not a plain file"));
    }
    check_owner(path, metadata)?;
    let mode = metadata.mode() & 0o7777;
    if mode & OTHERS_WRITE != 0 {
        return Err(refused(
            path,
            &format!("others can write to it (mode {mode:04o}); run chmod 600 on it first"),
        ));
    }
    Ok(())
}

fn check_owner(path: &Path, metadata: &Metadata) -> Result<(), StateError> {
    let (owner, me) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner == me || owner == 0 {
        return Ok(());
    }
    Err(refused(
        path,
        &format!("belongs to user {owner}, who could change it; run as that user (this is {me})"),
    ))
}

fn make_owner_only(path: &Path) -> Result<(), StateError> {
    // `exists` follows links, so that a directory reached by one is used as it is.
    if path.exists() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make_owner_only(parent)?;
    }
    let failed = |error| StateError::io(format!("make the directory {}", path.display()), error);
    match DirBuilder::new().mode(OWNER_ONLY_DIR).create(path) {
        // The umask may have taken the owner's own rights away.
        Ok(()) => {
            fs::set_permissions(path, Permissions::from_mode(OWNER_ONLY_DIR)).map_err(failed)?;
            path.parent().map_or(Ok(()), sync_dir).map_err(failed)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

fn refused(path: &Path, why: &str) -> StateError {
    StateError::Refused {
        path: path.to_owned(),
        why: why.to_owned(),
    }
}
