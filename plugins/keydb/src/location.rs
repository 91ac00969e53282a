//! Where a key database is: its files beside each other, opened without following a link.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread;

use rustix::fs::{Mode, OFlags};

use crate::archive::Format;
use crate::error::DatabaseError;

/// The files of one database.
#[derive(Clone, Debug)]
pub(crate) struct Location {
    /// The database itself.
    pub(crate) database: PathBuf,
    /// What it is written as.
    pub(crate) format: Format,
    /// The stash with its password.
    pub(crate) stash: PathBuf,
    /// What a writer locks. It stays, so that it has its owner and mode from the first time on.
    pub(crate) lock: PathBuf,
    /// What another program that uses the database may keep for itself.
    pub(crate) index: PathBuf,
    /// The database as it was before it was changed here, where it was made elsewhere.
    pub(crate) backup: PathBuf,
    /// What all of them are in.
    pub(crate) directory: PathBuf,
}

/// What tells one state of a file from another without reading it.
///
/// A change puts a new file in the place of the old one, so the inode alone nearly always tells;
/// the rest is for programs that write into the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// The states of both files of a database; none where there is no file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamps {
    pub(crate) database: Option<Stamp>,
    pub(crate) stash: Option<Stamp>,
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl Location {
    /// The files that belong to the database at `path`.
    pub(crate) fn new(path: &Path) -> Result<Self, DatabaseError> {
        let wrong = || DatabaseError::Path {
            path: path.to_owned(),
        };
        let extension = path.extension().ok_or_else(wrong)?;
        let format = Format::of_extension(extension).ok_or_else(wrong)?;
        if !path.is_absolute() {
            return Err(wrong());
        }
        Ok(Self {
            database: path.to_owned(),
            format,
            stash: path.with_extension("sth"),
            lock: beside(path, ".lock"),
            index: path.with_extension("idx"),
            backup: beside(path, ".before-anchorhold"),
            directory: path.parent().ok_or_else(wrong)?.to_owned(),
        })
    }

    /// What the system knows of the database; none if there is none.
    pub(crate) fn metadata(&self) -> Result<Option<Metadata>, DatabaseError> {
        metadata(&self.database)
    }

    /// The states of both files.
    pub(crate) fn stamps(&self) -> Result<Stamps, DatabaseError> {
        let stamp = |path| Ok(metadata(path)?.map(|metadata| Stamp::of(&metadata)));
        Ok(Stamps {
            database: stamp(&self.database)?,
            stash: stamp(&self.stash)?,
        })
    }

    /// Which of the files others than their owner can get at, and what to do about it.
    ///
    /// A database without a secret in it, which another program keeps for all users of the
    /// machine, may be read by them, and its stash as well.
    pub(crate) fn exposed(&self, is_public: bool) -> Option<String> {
        const ALL_OTHERS: u32 = 0o077;
        const WRITING: u32 = 0o022;
        const STICKY: u32 = 0o1000;
        let stash = mode(&self.stash);
        if stash & ALL_OTHERS != 0 && !is_public {
            return Some(exposure(&self.stash, "reached", stash, 0o600));
        }
        if stash & WRITING != 0 {
            return Some(exposure(&self.stash, "written", stash, stash & !WRITING));
        }
        let database = mode(&self.database);
        if database & WRITING != 0 {
            return Some(exposure(
                &self.database,
                "written",
                database,
                database & !WRITING,
            ));
        }
        let directory = mode(&self.directory);
        if directory & WRITING != 0 && directory & STICKY == 0 {
            return Some(exposure(&self.directory, "written", directory, 0o700));
        }
        None
    }
}

/// What the system knows of `path`, and that it is a file; none if nothing is there.
pub(crate) fn metadata(path: &Path) -> Result<Option<Metadata>, DatabaseError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => check(path, &metadata).map(|()| Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(DatabaseError::io("look at", path)(error)),
    }
}

/// Reads a whole file of at most `limit` bytes, and one more that tells if there are more; none
/// if nothing is there.
pub(crate) fn read(path: &Path, limit: usize) -> Result<Option<(Stamp, Vec<u8>)>, DatabaseError> {
    let Some(mut file) = open(path, OFlags::RDONLY)? else {
        return Ok(None);
    };
    let failed = |error| DatabaseError::io("read", path)(error);
    let metadata = file.metadata().map_err(failed)?;
    let size = usize::try_from(metadata.size()).unwrap_or(usize::MAX);
    let limit = limit.saturating_add(1);
    let mut bytes = match shared_read(&file, size.min(limit)) {
        Some(bytes) => bytes,
        // Room for one byte more: without it the last read would double it all just to find the
        // end.
        None => Vec::with_capacity(size.saturating_add(1).min(limit)),
    };
    let from = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    file.seek(SeekFrom::Start(from)).map_err(failed)?;
    (&mut file)
        .take(
            u64::try_from(limit)
                .unwrap_or(u64::MAX)
                .saturating_sub(from),
        )
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(Some((Stamp::of(&metadata), bytes)))
}

/// The first `size` bytes of a large file, read by two threads; none if it is not large, or is
/// not read that way. Most of the time goes into memory that is touched for the first time.
fn shared_read(file: &File, size: usize) -> Option<Vec<u8>> {
    if size < LARGE {
        return None;
    }
    let mut bytes = vec![0; size];
    let middle = size / 2;
    let (front, back) = bytes.split_at_mut(middle);
    let behind = u64::try_from(middle).ok()?;
    let read = thread::scope(|scope| {
        let other = thread::Builder::new()
            .spawn_scoped(scope, || file.read_exact_at(back, behind))
            .ok()?;
        file.read_exact_at(front, 0).ok()?;
        other.join().ok()?.ok()
    });
    read.map(|()| bytes)
}

/// Opens a file, but no link, device or pipe; none if nothing is there.
pub(crate) fn open(path: &Path, how: OFlags) -> Result<Option<File>, DatabaseError> {
    // Without NONBLOCK, opening a pipe would wait for its other end.
    let flags = how | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR) {
        Ok(descriptor) => File::from(descriptor),
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(rustix::io::Errno::LOOP) => {
            return Err(DatabaseError::SymbolicLink {
                path: path.to_owned(),
            });
        }
        Err(error) => return Err(DatabaseError::io("open", path)(error.into())),
    };
    let metadata = file
        .metadata()
        .map_err(DatabaseError::io("look at", path))?;
    check(path, &metadata).map(|()| Some(file))
}

/// Whether the path still leads to the open file.
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// Refuses what is no file.
fn check(path: &Path, metadata: &Metadata) -> Result<(), DatabaseError> {
    let path = || path.to_owned();
    if metadata.is_symlink() {
        Err(DatabaseError::SymbolicLink { path: path() })
    } else if !metadata.is_file() {
        Err(DatabaseError::NotAFile { path: path() })
    } else {
        Ok(())
    }
}

/// A file whose name is that of `path` and more.
pub(crate) fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(more);
    path.with_file_name(name)
}

/// The mode of `path`; none of its bits if nothing is there.
fn mode(path: &Path) -> u32 {
    fs::metadata(path).map_or(0, |metadata| metadata.mode() & 0o7777)
}

fn exposure(path: &Path, how: &str, mode: u32, better: u32) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str()).display();
    format!("{name} can be {how} by others (mode {mode:o}): chmod {better:o} {name}")
}

/// In bytes: of so many, starting a thread takes a small part of the time that it saves.
const LARGE: usize = 2 << 20;
